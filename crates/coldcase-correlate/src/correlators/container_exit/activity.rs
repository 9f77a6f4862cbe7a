//! Suspicious series of logins, and when each of them ended: between its last login and the moment when it
//! would have gone on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use coldcase_model::{Finding, ObservableType, Severity, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use crate::correlators::{periodic_window, ssh_auth};
use crate::logins::Login;
use crate::time_of_day::{Window, find};
use crate::{CaseFacts, Identities, View};

pub(super) const HOUR_NS: i64 = 3600 * 1_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;
/// Share of the active days on which the first login had come by the moment that counts as late.
const BEGUN_SHARE: f64 = 0.9;
/// Without a window: the longest pause that counts as one.
const LONGEST_PAUSE_NS: i64 = DAY_NS;
/// Active days below which a series without a window is too short to say which container ran through it.
const LEAST_DAYS: usize = 3;
/// Formats that hold sshd's records.
const LOGIN_LOGS: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];

/// A suspicious series of logins from one address.
pub(super) struct Series {
    pub source: String,
    /// The host logged into.
    pub target: String,
    pub first: i64,
    pub last: i64,
    pub logins: usize,
    pub days: usize,
    /// `00:00 to 04:00 Asia/Shanghai`
    pub window: Option<String>,
    /// When it would have gone on at the latest, as on nearly every day before.
    pub due: i64,
    /// Likewise after the longest pause that it ever made.
    pub due_after_pause: i64,
    /// Until when the evidence shows that it did not go on.
    pub quiet_until: Option<i64>,
    /// First and last login.
    pub ends: [Login; 2],
}

impl Series {
    /// Whether the evidence shows that it ended.
    pub fn has_ended(&self) -> bool {
        self.quiet_until.is_some_and(|until| until >= self.due)
    }

    /// Whether it is long enough to tell who ran through it.
    pub fn is_long(&self) -> bool {
        self.days >= LEAST_DAYS
    }
}

/// Series that periodic-window or ssh-auth call suspicious.
pub(super) fn suspicious(view: &View<'_>, facts: &CaseFacts) -> Result<Vec<Series>, TimelineError> {
    let windows = view.found_by(&periodic_window::CORRELATOR, facts)?;
    let patterns = view.found_by(&ssh_auth::CORRELATOR, facts)?;
    let windowed: BTreeSet<(String, String)> = pairs(&windows).collect();
    let wanted: BTreeSet<(String, String)> =
        windowed.iter().cloned().chain(pairs(&patterns)).collect();
    let mut series = Vec::new();
    for of in view.logins.by_source() {
        let key = (of.source.to_owned(), of.host.to_owned());
        if !wanted.contains(&key) {
            continue;
        }
        let zone = facts.zone_of(Some(of.host));
        let dated = of.dated();
        let times: Vec<i64> = dated.iter().filter_map(Login::ts).collect();
        let window = find(&times, zone).filter(|_| windowed.contains(&key));
        series.extend(one(key, &dated, &times, window.as_ref(), zone, facts));
    }
    Ok(series)
}

/// Source and host of each finding that is at least medium.
fn pairs(findings: &[Finding]) -> impl Iterator<Item = (String, String)> + '_ {
    let of = |finding: &Finding, kind| {
        let mut subjects = finding.subjects.iter();
        subjects
            .find(|subject| subject.kind == kind)
            .map(|subject| subject.value.clone())
    };
    findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Medium)
        .filter_map(move |finding| {
            let host = of(finding, ObservableType::Host).unwrap_or_default();
            Some((of(finding, ObservableType::Ip)?, host))
        })
}

fn one(
    (source, target): (String, String),
    dated: &[Login],
    times: &[i64],
    window: Option<&Window>,
    zone: Tz,
    facts: &CaseFacts,
) -> Option<Series> {
    let ends = [*dated.first()?, *dated.last()?];
    let (first, last) = (*times.first()?, *times.last()?);
    let (due, due_after_pause) = match window {
        Some(window) => due_in_window(times, window, last)?,
        None => due_after_gaps(times, last),
    };
    let days: BTreeSet<NaiveDate> = times.iter().map(|ts| local(*ts, zone).0).collect();
    let host = Some(target.as_str()).filter(|host| !host.is_empty());
    let covered = facts.covered(host, &LOGIN_LOGS, 0);
    let logged = covered.iter().map(|(_, until)| *until).max();
    Some(Series {
        first,
        last,
        logins: dated.len(),
        days: window.map_or(days.len(), |window| window.days_active),
        window: window.map(|window| {
            let (start, end) = (window.start, window.end);
            let clock = crate::time_of_day::clock;
            format!("{} to {} {}", clock(start), clock(end), window.zone.name())
        }),
        due,
        due_after_pause,
        quiet_until: logged.max(facts.collected_at.map(Timestamp::nanos)),
        ends,
        source,
        target,
    })
}

fn local(ns: i64, zone: Tz) -> (NaiveDate, u32) {
    let local = Timestamp(ns).to_utc().with_timezone(&zone).naive_local();
    (local.date(), local.time().num_seconds_from_midnight())
}

/// When a second of a local day is; after a gap of the clock the hour after it.
fn instant(date: NaiveDate, second: u32, zone: Tz) -> Option<i64> {
    let naive = date
        .and_time(NaiveTime::MIN)
        .checked_add_signed(TimeDelta::seconds(second.into()))?;
    let found = zone.from_local_datetime(&naive).earliest().or_else(|| {
        let later = naive.checked_add_signed(TimeDelta::hours(1))?;
        zone.from_local_datetime(&later).earliest()
    })?;
    found.timestamp_nanos_opt()
}

/// When the next window would have begun as it did on nearly all days, and likewise after the longest pause.
fn due_in_window(times: &[i64], window: &Window, last: i64) -> Option<(i64, i64)> {
    let mut begun: BTreeMap<NaiveDate, u32> = BTreeMap::new();
    for ts in times {
        let (date, second) = local(*ts, window.zone);
        if !window.holds(second) {
            continue;
        }
        let (day, offset) = match second.checked_sub(window.start) {
            Some(offset) => (date, offset),
            None => (
                date.checked_sub_days(Days::new(1))?,
                second + 86_400 - window.start,
            ),
        };
        let known = begun.entry(day).or_insert(offset);
        *known = offset.min(*known);
    }
    let mut offsets: Vec<u32> = begun.values().copied().collect();
    offsets.sort_unstable();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is one"
    )]
    let late = ((offsets.len().saturating_sub(1)) as f64 * BEGUN_SHARE).ceil() as usize;
    let late = i64::from(*offsets.get(late)?).saturating_mul(1_000_000_000);
    let days: Vec<&NaiveDate> = begun.keys().collect();
    let pauses = days.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        Some((**after - **before).num_days())
    });
    let longest = pauses.max().unwrap_or(1).max(1);
    let last_day = *begun.keys().next_back()?;
    let opening = |days: i64| {
        let date = last_day.checked_add_days(Days::new(u64::try_from(days).ok()?))?;
        instant(date, window.start, window.zone)
    };
    // A straggler after the last window counts for it.
    let next = (1..=3).find(|days| opening(*days).is_some_and(|at| at > last))?;
    Some((
        opening(next)?.saturating_add(late),
        opening(next.max(longest))?.saturating_add(late),
    ))
}

/// Without a window: after the longest pause between two logins.
fn due_after_gaps(times: &[i64], last: i64) -> (i64, i64) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let pauses = sorted.windows(2).filter_map(|pair| match pair {
        [before, after] => Some(after - before),
        _ => None,
    });
    let longest = pauses.max().unwrap_or(0);
    let pause = longest.clamp(HOUR_NS, LONGEST_PAUSE_NS);
    (
        last.saturating_add(pause),
        last.saturating_add(longest.max(pause)),
    )
}

/// Where a series comes from, as far as the evidence tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A host's own address: anything on that host.
    Host(String),
    /// Pods, `namespace/name`.
    Pods(BTreeSet<String>),
    /// Containers by name.
    Containers(BTreeSet<String>),
    /// Nobody says whose address it is.
    Unknown,
}

/// Whose address the source was while the series went on.
pub(super) fn origin(series: &Series, identities: &Identities, facts: &CaseFacts) -> Origin {
    if let Some(host) = facts.host_with(&series.source) {
        return Origin::Host(host.name.clone());
    }
    let held = identities.at(&series.source, Some(series.first), Some(series.last));
    let fitting = held.best.iter().chain(&held.candidates).chain(&held.lesser);
    let mut of_kind: BTreeMap<ObservableType, BTreeSet<String>> = BTreeMap::new();
    for holder in fitting {
        let observable = &holder.observable;
        of_kind
            .entry(observable.kind)
            .or_default()
            .insert(observable.value.clone());
    }
    if let Some(host) = of_kind
        .remove(&ObservableType::Host)
        .and_then(|mut hosts| hosts.pop_first())
    {
        return Origin::Host(host);
    }
    if let Some(pods) = of_kind.remove(&ObservableType::Pod) {
        return Origin::Pods(pods);
    }
    match of_kind.remove(&ObservableType::Container) {
        Some(containers) => Origin::Containers(containers),
        None => Origin::Unknown,
    }
}

/// From when the audit log of a host records connections, with the row that shows it.
pub(super) fn watched_from(
    timeline: &Timeline,
    host: &str,
) -> Result<Option<(Selection, i64)>, TimelineError> {
    let rows = timeline.select_where(&[action::CONNECT], &["host", "format"], |rows| {
        let own = col("host")
            .eq(lit(host))
            .and(col("format").eq(lit("auditd")));
        let first = |rows: coldcase_timeline::polars::prelude::LazyFrame| {
            let earliest = col("ts_ns").eq(col("ts_ns").min());
            rows.filter(earliest)
        };
        first(rows.filter(own))
    })?;
    let first = rows.longs("ts_ns").into_iter().flatten().min();
    Ok(first.map(|first| (rows, first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_677_600_000; // 2023-03-01T00:00:00 in Shanghai

    /// Logins every 20 minutes from midnight to four on each of these nights.
    fn nights(nights: &[i64]) -> Vec<i64> {
        let at = |night: i64, turn: i64| {
            (START + night * 86_400 + turn * 1200 + night % 5) * 1_000_000_000
        };
        nights
            .iter()
            .flat_map(|night| (0..12).map(move |turn| at(*night, turn)))
            .collect()
    }

    #[test]
    fn a_window_is_due_on_the_next_night_or_after_its_longest_pause() {
        let times = nights(&[0, 1, 2, 3, 6, 7, 8]);
        let window = find(&times, Tz::Asia__Shanghai).expect("a window");
        let last = *times.last().expect("logins");
        let (due, later) = due_in_window(&times, &window, last).expect("due");
        let night = |night: i64| (START + night * 86_400) * 1_000_000_000;
        let minutes = |ns: i64| ns / 60_000_000_000;
        assert_eq!(minutes(due - night(9)), 0);
        assert_eq!(minutes(later - night(11)), 0, "three nights after the last");
    }

    #[test]
    fn a_window_over_midnight_and_a_lost_hour() {
        let zone = Tz::Europe__Berlin;
        let opening = |day: u32| {
            let date = NaiveDate::from_ymd_opt(2023, 3, day).expect("a date");
            instant(date, 2 * 3600 + 1800, zone).expect("an instant")
        };
        // 02:30 does not exist on 26 March 2023: 03:30 does.
        assert_eq!((opening(26) - opening(25)) / HOUR_NS, 24);
        assert_eq!((opening(27) - opening(26)) / HOUR_NS, 23);
    }

    #[test]
    fn without_a_window_the_longest_pause_counts() {
        let hours = |hours: &[i64]| -> Vec<i64> { hours.iter().map(|h| h * HOUR_NS).collect() };
        assert_eq!(
            due_after_gaps(&hours(&[0, 1, 5, 6]), 6 * HOUR_NS).0,
            10 * HOUR_NS
        );
        assert_eq!(
            due_after_gaps(&hours(&[0, 100]), 100 * HOUR_NS),
            (124 * HOUR_NS, 200 * HOUR_NS)
        );
    }
}
