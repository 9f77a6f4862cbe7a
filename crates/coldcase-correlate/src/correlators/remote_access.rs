//! Sessions of remote screens and shells from addresses that don't usually come.
//!
//! Sessions are taken from captured flows (VNC 5900-5999, RDP 3389, telnet, rlogin, X11, AnyDesk), from established
//! sockets in `ss`, `netstat` and `lsof`, from the logs of Xvnc, x11vnc, vino, websockify, xrdp-sesman and AnyDesk,
//! and from login records of these services. One session that several of them show counts once (by its four ends; a
//! log's line without ports by address and time). A flow is a session from 10 packets each way: a scan, a look at
//! the banner and a refused password take fewer. `first` and `last` are of sessions whose times were recorded; one
//! that only a table of sockets shows is as old as unknown, and was on when the table was made (`open_at`).
//!
//! **Usual** is an address that logged in, by whatever service, on at least 3 days over at least a week; and an
//! internal one that logged in on an earlier day. They are left out. What is left is told: from outside (not a private
//! address, not a host of the case), or from an internal address without any other trace.
//!
//! **ssh** is told here only where an address from outside that never came before (the logs reach back a week
//! further) was let in without guessing; what follows guessed passwords is told by `ssh-auth`.
//!
//! **Severity.** Medium: a remote screen or plain-text shell from outside; low: from an unknown internal address,
//! ssh as above, and services that more than 20 outside addresses use (then they are offered to the public). High
//! only together with what has no benign reading beside it: the address is an indicator, or the host reached sends
//! a flood of connection attempts while or within a day after.
//!
//! `why` lists: outside-address, first-seen (the logs reach back a week and don't know it), no-other-trace,
//! odd-hours (between 22 and 6 o'clock of the host's zone), indicator, floods, plain-text.
//!
//! **Not seen**: relays (TeamViewer, AnyDesk through its own servers), screens tunnelled through ssh, what happened
//! within a session.
//!
//! Sources: IANA's port registry; RFC 6143; ATT&CK T1021.001, T1021.005, T1133.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity, action, outcome};
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};

use super::syn_flood::is_flood_from;
use crate::evidence::time_fact;
use crate::facts::is_internal;
use crate::logins::Login;
use crate::{CaseFacts, Correlator, Draft, IndicatorType, View, attempts};

mod lines;
mod sessions;
mod ssh;

use sessions::{PACKETS_OF_A_SESSION, Session};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "remote-access",
    title: "remote screens and shells used from addresses that don't usually come",
    source: include_str!("remote_access.rs"),
    rests_on: &[],
    run,
};

/// Days on which an address must have come, and the days from the first to the last, to be usual: who comes once a week for
/// a fortnight, or three days of one project.
const USUAL_DAYS: usize = 3;
const USUAL_SPAN: i64 = 7;
/// Days that logs must reach back for an address to be new in them.
const LOOK_BACK: i64 = 7;
/// Addresses from outside from which a service is offered to everybody.
const PUBLIC_SERVICE: usize = 20;
/// Seconds after a session within which a flood of its host belongs to it.
const FLOOD_WITHIN: i64 = 86_400;
/// Findings at most; the rest is of the same kind.
const MOST_FINDINGS: usize = 100;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What else is known of addresses.
struct Known {
    /// Days on which an address was let in.
    days: BTreeMap<String, BTreeSet<i64>>,
    /// First login of anybody.
    begin: Option<i64>,
    /// Addresses that flood, with the spans.
    floods: BTreeMap<String, Vec<(i64, i64)>>,
}

/// Sessions of one address with one service of one host.
struct Visits<'a> {
    service: &'static str,
    src: &'a str,
    host: Option<String>,
    sessions: Vec<&'a Session>,
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let sessions = sessions::read(timeline, facts)?;
    let known = known(timeline, &sessions)?;
    let mut groups: BTreeMap<(&str, Option<String>, &str), Visits<'_>> = BTreeMap::new();
    for session in &sessions {
        let by_address = session
            .dst
            .as_deref()
            .and_then(|address| facts.host_with(address));
        let host = by_address
            .map(|host| host.name.clone())
            .or_else(|| session.host.clone());
        let place = match by_address {
            Some(_) => host.clone(),
            None => session.dst.clone().or_else(|| host.clone()),
        };
        let visits = groups
            .entry((session.service, place, &session.src))
            .or_insert(Visits {
                service: session.service,
                src: &session.src,
                host: None,
                sessions: Vec::new(),
            });
        visits.host = visits.host.take().or(host);
        visits.sessions.push(session);
    }
    let mut outside: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for (service, place, src) in groups.keys() {
        if is_outside(src, facts) {
            *outside.entry((service, place.as_deref())).or_default() += 1;
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for ((service, place, _), visits) in &groups {
        let callers = outside
            .get(&(*service, place.as_deref()))
            .copied()
            .unwrap_or(0);
        found.extend(judge(visits, &known, facts, callers > PUBLIC_SERVICE));
    }
    found.extend(ssh::run(timeline, facts, &known));
    found.sort_by(|a, b| (b.severity, &a.id).cmp(&(a.severity, &b.id)));
    found.truncate(MOST_FINDINGS);
    Ok(found)
}

fn is_outside(address: &str, facts: &CaseFacts) -> bool {
    !is_internal(address) && facts.host_with(address).is_none()
}

/// Logins that name an address and let in.
fn came_in(timeline: &Timeline, columns: &[&str]) -> Result<Selection, TimelineError> {
    let is_success = |text: &str| text == outcome::SUCCESS;
    let let_in: [&[TextSign<'_>]; 2] = [
        &[TextSign::of_all(&["outcome"], &is_success)],
        &[TextSign::of_all(&["src_ip"], &|_| true)],
    ];
    timeline.select_texts(&[action::LOGIN], columns, &let_in)
}

fn known(timeline: &View<'_>, sessions: &[Session]) -> Result<Known, TimelineError> {
    let rows = came_in(timeline, &["src_ip"])?;
    let mut days: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let times = rows.longs("ts_ns");
    for (row, address) in rows.texts("src_ip").into_iter().enumerate() {
        let at = times.get(row).copied().flatten();
        if let (Some(address), Some(at)) = (address, at) {
            let of_address = days.entry(address.to_owned()).or_default();
            of_address.insert(at.div_euclid(DAY));
        }
    }
    let mut begin = times.into_iter().flatten().min();
    let let_in = timeline.logins.by_source().filter(|of| of.successes() > 0);
    for of in let_in {
        let dated = of.dated();
        let let_in = dated.iter().filter(|login| login.success);
        for at in let_in.filter_map(Login::ts) {
            let of_address = match days.get_mut(of.source) {
                Some(known) => known,
                None => days.entry(of.source.to_owned()).or_default(),
            };
            of_address.insert(at.div_euclid(DAY));
            begin = Some(begin.map_or(at, |begin| begin.min(at)));
        }
    }
    for session in sessions {
        if let Some(first) = session.first {
            let of_address = days.entry(session.src.clone()).or_default();
            of_address.insert(first.div_euclid(DAY));
        }
    }
    let sums = attempts::select(timeline, action::TCP_ATTEMPTS)?;
    let mut floods: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for flood in attempts::read(&sums, "src_ip", "destinations")
        .into_iter()
        .filter(is_flood_from)
    {
        floods
            .entry(flood.address)
            .or_default()
            .push((flood.first, flood.last));
    }
    Ok(Known {
        days,
        begin,
        floods,
    })
}

impl Known {
    fn is_usual(&self, address: &str) -> bool {
        let days = self.days.get(address);
        days.is_some_and(|days| {
            let span = days
                .last()
                .zip(days.first())
                .map_or(0, |(last, first)| last - first);
            days.len() >= USUAL_DAYS && span >= USUAL_SPAN
        })
    }

    /// Whether an address came on a day before this moment's.
    fn came_before(&self, address: &str, moment: i64) -> bool {
        let days = self.days.get(address);
        days.is_some_and(|days| days.range(..moment.div_euclid(DAY)).next().is_some())
    }

    /// Whether logs reach back far enough before a moment to call an address new.
    fn reaches_back(&self, moment: i64) -> bool {
        self.begin
            .is_some_and(|begin| moment.saturating_sub(begin) >= LOOK_BACK * DAY)
    }
}

fn is_indicator(address: &str, facts: &CaseFacts) -> bool {
    let parsed: Option<std::net::IpAddr> = address.parse().ok();
    facts
        .indicators
        .iter()
        .any(|indicator| match indicator.kind {
            IndicatorType::Ip => indicator.value == address,
            IndicatorType::Cidr => {
                let network: Option<ipnet::IpNet> = indicator.value.parse().ok();
                network
                    .zip(parsed)
                    .is_some_and(|(network, address)| network.contains(&address))
            }
            _ => false,
        })
}

/// Whether a moment lies in the hours in which hardly anybody works.
fn is_odd_hour(moment: i64, host: Option<&str>, facts: &CaseFacts) -> bool {
    use chrono::Timelike as _;
    let local = chrono::DateTime::from_timestamp_nanos(moment).with_timezone(&facts.zone_of(host));
    !(6..22).contains(&local.hour())
}

fn judge(visits: &Visits<'_>, known: &Known, facts: &CaseFacts, public: bool) -> Option<Finding> {
    let outside = is_outside(visits.src, facts);
    let indicator = is_indicator(visits.src, facts);
    let first = visits.sessions.iter().filter_map(|one| one.first).min();
    let open_at = visits.sessions.iter().filter_map(|one| one.open_at).max();
    let begin = first.or(open_at);
    let earlier = begin.is_some_and(|begin| known.came_before(visits.src, begin));
    let trusted =
        known.is_usual(visits.src) || !outside && known.days.contains_key(visits.src) && earlier;
    if trusted && !indicator {
        return None;
    }
    let floods = begin.is_some_and(|begin| floods_after(visits, known, facts, begin));
    let mut why: Vec<&str> = Vec::new();
    let mut reason = |holds: bool, word| why.extend(holds.then_some(word));
    reason(outside, "outside-address");
    reason(
        begin.is_some_and(|begin| !earlier && known.reaches_back(begin)),
        "first-seen",
    );
    reason(!outside && !earlier, "no-other-trace");
    reason(
        first.is_some_and(|first| is_odd_hour(first, visits.host.as_deref(), facts)),
        "odd-hours",
    );
    reason(
        matches!(visits.service, "telnet" | "rlogin" | "x11"),
        "plain-text",
    );
    reason(indicator, "indicator");
    reason(floods, "floods");
    let severity = match (outside, indicator || floods && outside) {
        (_, true) => Severity::High,
        (true, false) if !public => Severity::Medium,
        _ => Severity::Low,
    };
    Some(finding(visits, severity, &why, first, open_at, public))
}

/// Whether the host reached floods while the session is on or within a day after its begin.
fn floods_after(visits: &Visits<'_>, known: &Known, facts: &CaseFacts, begin: i64) -> bool {
    let host = facts
        .hosts
        .iter()
        .find(|host| Some(&host.name) == visits.host.as_ref());
    let own = host
        .into_iter()
        .flat_map(|host| host.addresses.iter().map(String::as_str));
    let reached = visits.sessions.iter().filter_map(|one| one.dst.as_deref());
    let addresses: BTreeSet<&str> = own.chain(reached).collect();
    let floods = addresses
        .iter()
        .filter_map(|address| known.floods.get(*address))
        .flatten();
    let until = begin.saturating_add(FLOOD_WITHIN * SECOND);
    floods
        .into_iter()
        .any(|(first, last)| *last >= begin && *first <= until)
}

fn finding(
    visits: &Visits<'_>,
    severity: Severity,
    why: &[&str],
    first: Option<i64>,
    open_at: Option<i64>,
    public: bool,
) -> Finding {
    let last = visits.sessions.iter().filter_map(|one| one.last).max();
    let (first, last) = (first.or(open_at), last.or(open_at));
    let dst = visits
        .sessions
        .iter()
        .find_map(|one| one.dst.clone())
        .or_else(|| visits.host.clone());
    let port = visits.sessions.iter().find_map(|one| one.dst_port);
    let mut subjects = vec![Observable::new(ObservableType::Ip, visits.src)];
    subjects.extend(
        visits
            .host
            .as_ref()
            .map(|host| Observable::new(ObservableType::Host, host)),
    );
    subjects.push(Observable::new(ObservableType::Service, visits.service));
    let count = visits.sessions.len();
    let plural = if count == 1 { "" } else { "s" };
    let shown = visits
        .host
        .clone()
        .or(dst.clone())
        .unwrap_or_else(|| "a host".to_owned());
    let title = format!(
        "{} uses {} on {shown}: {count} session{plural}",
        visits.src, visits.service
    );
    let mut sessions = visits.sessions.clone();
    sessions.sort_by_key(|one| (one.first.is_none(), one.first, one.open_at));
    let mut finding = Draft::new("remote-access", subjects, dst.as_deref().unwrap_or_default())
        .says(title, words(visits, why, open_at, public))
        .weighs(severity, if severity == Severity::Low { 0.6 } else { 0.8 })
        .spans(first, last)
        .fact("service", visits.service)
        .fact("src_ip", visits.src)
        .fact("dst", dst)
        .fact("sessions", count)
        .fact("first", time_fact(first))
        .fact("last", time_fact(last))
        .fact("why", why.to_vec())
        .fact("dst_port", port)
        .fact("open_at", time_fact(open_at))
        .fact(
            "thresholds",
            serde_json::json!({"packets_each_way": PACKETS_OF_A_SESSION, "usual_days": USUAL_DAYS, "usual_span_days": USUAL_SPAN}),
        )
        .attack(attack(visits.service))
        .finish();
    finding.evidence = sessions
        .iter()
        .take(20)
        .map(|one| one.evidence.clone())
        .collect();
    finding
}

fn attack(service: &str) -> &'static [&'static str] {
    match service {
        "vnc" => &["T1021.005", "T1133"],
        "rdp" => &["T1021.001", "T1133"],
        "anydesk" => &["T1219"],
        _ => &["T1021", "T1133"],
    }
}

fn words(visits: &Visits<'_>, why: &[&str], open_at: Option<i64>, public: bool) -> String {
    let has = |word: &str| why.contains(&word);
    let mut text = if has("outside-address") {
        format!(
            "A remote session ({}) from an address outside of the own networks.",
            visits.service
        )
    } else {
        format!(
            "A remote session ({}) from an internal address that no other log knows.",
            visits.service
        )
    };
    if has("first-seen") {
        text.push_str(" The logs reach back a week and don't know the address.");
    }
    if has("floods") {
        text.push_str(" The host reached floods others at that time.");
    }
    if has("indicator") {
        text.push_str(" The address is an indicator of this case.");
    }
    if let Some(at) = open_at {
        text.push_str(&format!(
            " A session was on when sockets were listed at {}.",
            coldcase_model::Timestamp(at)
        ));
    }
    if public {
        text.push_str(" Many addresses from outside use this service: it is offered to everybody, wanted or not.");
    }
    text.push_str(" Against it speaks an administrator or customer away from the office: ask whose address it is.");
    text.push_str(match visits.service {
        "vnc" => " Then see who may reach the port (`iptables-save`, `ss -ltnp`), whose screen it is (`virsh vncdisplay`, `ps`), and whether it asks for a password.",
        _ => " Then see who may reach the port (`iptables-save`, `ss -ltnp`), and what ran on the host from then on.",
    });
    text
}
