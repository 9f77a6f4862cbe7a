//! What is to be explained: logins of a source, questions for a name and connections to an address that an indicator names.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use coldcase_model::{Observable, ObservableType, action};
use coldcase_timeline::polars::prelude::PlHashSet;
use coldcase_timeline::{Timeline, TimelineError};
use rayon::prelude::*;

use super::align::is_sane;
use super::place::{Files, Moment, Place};
use crate::facts::{Indicator, IndicatorType, is_internal};
use crate::logins::{Login, OfSource};
use crate::{CaseFacts, Identities, View};

/// Events below which times can't tell one cause from another: ten pairs at one lag are no accident.
pub(super) const LEAST_EVENTS: usize = 10;
/// Events beyond which one to one says nothing: something is always near.
const MOST_EVENTS: usize = 50_000;
/// Effects explained; the rest is noise of the same kinds.
pub(super) const MOST_EFFECTS: usize = 100;
/// The same question or connection, told by several records, or asked for both families at once.
const SAME_NS: i64 = 2_000_000_000;

/// Failures on connections of their own, and their share, that no schedule has (as in `periodic-window`).
pub(super) const MIXED: (usize, f64) = (10, 0.1);
/// A window is told from so many days on, with so small a chance.
const WINDOW: (usize, f64) = (5, 0.01);
/// Widest window that is one: half a day is office hours.
const WIDEST_WINDOW: u32 = 12 * 3600;
/// Most events of a day that one job of a timer makes.
const TIMER_EVENTS_A_DAY: f64 = 2.0;

/// A series to be explained.
pub(super) struct Effect {
    /// The source of logins, the name asked for, the address connected to.
    pub what: Observable,
    /// Who did it, where that is another thing than `what`.
    pub by: Option<Observable>,
    /// The host that was logged into.
    pub at: Option<String>,
    /// The host that the source's address belongs to.
    pub owner: Option<String>,
    /// Names of the target as lines have them.
    pub targets: BTreeSet<String>,
    /// One a connection, in order of time.
    pub events: Vec<Moment>,
    /// Records that tell of them: logins, where a connection has several.
    pub records: usize,
    /// Whether the zone of its log was assumed.
    pub zone_unsure: bool,
    /// What makes it worth to be asked about.
    pub suspicion: Suspicion,
}

/// What speaks against a plain schedule.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Suspicion {
    /// Failures on connections of their own.
    pub failures: usize,
    /// Logins that succeeded.
    pub successes: usize,
    /// Failures and successes are mixed over many connections.
    pub mixed: bool,
    /// They come only at certain hours, several times a day.
    pub windowed: bool,
}

/// All effects, those whose source is known first.
pub(super) fn effects(
    timeline: &View<'_>,
    facts: &CaseFacts,
    identities: &Identities,
    files: &mut Files,
) -> Result<Vec<Effect>, TimelineError> {
    let mut found = logins(timeline, facts, identities, files);
    found.extend(of_indicators(timeline, facts, identities, files)?);
    found.sort_by(|a, b| rank(a).cmp(&rank(b)));
    found.truncate(MOST_EFFECTS);
    Ok(found)
}

type Rank<'a> = (
    bool,
    bool,
    bool,
    std::cmp::Reverse<usize>,
    &'a Observable,
    Option<&'a str>,
);

fn rank(effect: &Effect) -> Rank<'_> {
    (
        !effect.suspicion.mixed,
        effect.owner.is_none(),
        !is_internal(&effect.what.value),
        std::cmp::Reverse(effect.events.len()),
        &effect.what,
        effect.at.as_deref(),
    )
}

fn logins(
    view: &View<'_>,
    facts: &CaseFacts,
    identities: &Identities,
    files: &mut Files,
) -> Vec<Effect> {
    let logins = &view.logins;
    let assumed: BTreeSet<&str> = logins
        .by_source()
        .filter(|of| logins.origins(of).any(|origin| origin.is_assumed))
        .map(|of| of.host)
        .collect();
    let series = logins
        .par_by_source()
        .filter_map(|of| connections(of, facts));
    let series: Vec<Connections<'_>> = series.collect();
    let made = series.into_iter().map(|one| {
        let (source, host) = (one.of.source, one.of.host);
        let event = |login: &Login| {
            let origin = logins.origin(login)?;
            Some(Moment {
                ts: login.ts()?,
                place: Place::at(files, &origin.file, login.at, origin.by_line),
                text: 0,
            })
        };
        let events: Vec<Moment> = one.firsts.iter().filter_map(event).collect();
        Effect {
            what: Observable::new(ObservableType::Ip, source),
            by: None,
            at: Some(host)
                .filter(|host| !host.is_empty())
                .map(str::to_owned),
            owner: owner(source, host, &events, facts, identities),
            targets: [host.to_ascii_lowercase()].into(),
            records: one.records,
            zone_unsure: assumed.contains(host),
            suspicion: one.suspicion,
            events,
        }
    });
    made.collect()
}

/// Connections of a source, as many as can be explained.
struct Connections<'a> {
    of: OfSource<'a>,
    /// The first login of each.
    firsts: Vec<Login>,
    records: usize,
    suspicion: Suspicion,
}

fn connections<'a>(of: OfSource<'a>, facts: &CaseFacts) -> Option<Connections<'a>> {
    if of.count() < LEAST_EVENTS {
        return None;
    }
    let mut dated = of.dated();
    dated.retain(|login| login.ts().is_some_and(is_sane));
    let mut known: PlHashSet<(i32, i32, i64)> = PlHashSet::default();
    let mut firsts: Vec<Login> = Vec::new();
    for login in &dated {
        // Pids come back within weeks: a connection is one of its hour.
        let hour = login.ts().unwrap_or_default();
        let hour = hour.div_euclid(3600 * SAME_NS / 2);
        let (pid, port) = login.connection();
        let is_new = known.insert((pid, port, hour)) && !known.contains(&(pid, port, hour - 1));
        if is_new || (pid, port) == (-1, -1) {
            firsts.push(*login);
        }
        if firsts.len() > MOST_EVENTS {
            return None;
        }
    }
    (firsts.len() >= LEAST_EVENTS).then(|| Connections {
        of,
        firsts,
        records: dated.len(),
        suspicion: suspicion(&dated, facts.zone_of(Some(of.host))),
    })
}

fn owner(
    source: &str,
    host: &str,
    events: &[Moment],
    facts: &CaseFacts,
    identities: &Identities,
) -> Option<String> {
    if source.starts_with("127.") || source == "::1" {
        return Some(host.to_owned());
    }
    if let Some(owner) = facts.host_with(source) {
        return Some(owner.name.clone());
    }
    let span = |moment: Option<&Moment>| moment.map(|moment| moment.ts);
    let held = identities.at_on(
        source,
        span(events.first()),
        span(events.last()),
        Some(host),
    );
    let best = held.best?;
    if best.observable.kind == ObservableType::Host {
        Some(best.observable.value)
    } else {
        best.host
    }
}

fn suspicion(logins: &[Login], zone: Tz) -> Suspicion {
    let let_in: BTreeSet<(i32, i32)> = logins
        .iter()
        .filter(|login| login.success)
        .map(Login::connection)
        .collect();
    let own_failures = logins
        .iter()
        .filter(|login| !login.success && !let_in.contains(&login.connection()));
    let failures = own_failures.count();
    let successes = logins.iter().filter(|login| login.success).count();
    let mixed =
        failures >= MIXED.0 && failures as f64 >= MIXED.1 * logins.len() as f64 && successes > 0;
    let times: Vec<i64> = logins.iter().filter_map(Login::ts).collect();
    let window = crate::time_of_day::find(&times, zone).filter(|window| {
        window.days_active >= WINDOW.0
            && window.p_value <= WINDOW.1
            && window.width() <= WIDEST_WINDOW
            && times.len() as f64 >= TIMER_EVENTS_A_DAY * window.days_active as f64
    });
    Suspicion {
        failures,
        successes,
        mixed,
        windowed: window.is_some(),
    }
}

/// Questions and connections that the case's indicators name, by who made them.
fn of_indicators(
    timeline: &Timeline,
    facts: &CaseFacts,
    identities: &Identities,
    files: &mut Files,
) -> Result<Vec<Effect>, TimelineError> {
    let is_asked = |one: &&Indicator| matches!(one.kind, IndicatorType::Domain | IndicatorType::Ip);
    let known: BTreeSet<&str> = facts
        .indicators
        .iter()
        .filter(is_asked)
        .map(|one| one.value.as_str())
        .collect();
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let actions = [action::DNS_QUERY, action::TCP_FLOW, action::CONNECT];
    let mut series: BTreeMap<(Observable, String), Vec<Moment>> = BTreeMap::new();
    let mut unsure = false;
    for part in timeline.parts() {
        let part = Timeline::of_parts(vec![part.clone()]);
        let columns = ["src_ip", "dst_ip", "domain", "host", "ts_basis"];
        let rows = part.select(&actions, &columns)?;
        let (names, targets) = (rows.texts("domain"), rows.texts("dst_ip"));
        for row in 0..rows.rows() {
            let name = names.get(row).copied().flatten();
            let target = targets.get(row).copied().flatten();
            let what = match (name, target) {
                (Some(name), _) if below(name, &known) => {
                    Observable::new(ObservableType::Domain, name)
                }
                (None, Some(target)) if known.contains(target) => {
                    Observable::new(ObservableType::Ip, target)
                }
                _ => continue,
            };
            let by = rows.text("src_ip", row).or_else(|| rows.text("host", row));
            let ts = rows.long("ts_ns", row).filter(|ts| is_sane(*ts));
            let (Some(by), Some(ts)) = (by, ts) else {
                continue;
            };
            unsure |= rows.text("ts_basis", row) != Some("recorded");
            let place = Place::of(&rows, row, files);
            let events = series.entry((what, by.to_owned())).or_default();
            events.push(Moment { ts, place, text: 0 });
        }
    }
    let made = series.into_iter().filter_map(|((what, by), mut events)| {
        events.sort_by_key(|event| (event.ts, files.order(&event.place)));
        let records = events.len();
        events.dedup_by(|next, kept| next.ts - kept.ts <= SAME_NS);
        if !(LEAST_EVENTS..=MOST_EVENTS).contains(&events.len()) {
            return None;
        }
        let is_host = facts.hosts.iter().any(|host| host.name == by);
        let owner = if is_host {
            Some(by.clone())
        } else {
            owner(&by, "", &events, facts, identities)
        };
        let kind = if by.parse::<std::net::IpAddr>().is_ok() {
            ObservableType::Ip
        } else {
            ObservableType::Host
        };
        Some(Effect {
            targets: [what.value.clone()].into(),
            by: Some(Observable::new(kind, by)),
            what,
            at: None,
            owner,
            events,
            records,
            zone_unsure: unsure,
            suspicion: Suspicion::default(),
        })
    });
    Ok(made.collect())
}

/// Whether a name is one of these, or below one.
fn below(name: &str, known: &BTreeSet<&str>) -> bool {
    let mut rest = Some(name);
    while let Some(name) = rest {
        if known.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, parent)| parent);
    }
    false
}
