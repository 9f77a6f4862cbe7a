//! Logins that come only at certain hours, day after day.
//!
//! For every source of ssh logins on a host: the narrowest window of the day that its active days share,
//! tried in the host's zone and in UTC, over at least five days, with the chance of it if hours did not
//! matter. Windows may cross midnight; a job in local time stays one pattern over a change to summer time.
//! Where the log itself covers only those hours, nothing is said.
//!
//! A schedule is not an attack: backups and jobs log in by the clock. It matters more when failures and
//! successes are mixed over separate connections, several times a night, spread over the window rather than
//! at one minute: then something tries passwords while nobody watches. A failure that the same account, from the same source, follows with a
//! success within two minutes doesn't count for that: people who log in at office hours mistype, and a client may try an
//! old password before its key. Sources whose p-values pass a
//! Benjamini-Hochberg control of the false discovery rate are told, others not.

use std::collections::BTreeSet;

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::logins::{Login, Logins, MENDED_SECONDS, MOST_MENDED, OfSource, mended};
use crate::time_of_day::{Window, clock, covered_outside, find};
use crate::{CaseFacts, Correlator, Draft, View};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "periodic-window",
    title: "logins that come only at certain hours, day after day",
    source: include_str!("periodic_window.rs"),
    rests_on: &[],
    run,
};

/// Days on which something must have come before its hours say anything.
const LEAST_DAYS: usize = 5;
/// Widest window that is one: half a day is office hours or nights, beyond it is no window.
const WIDEST: u32 = 12 * 3600;
/// Share of events that must lie inside.
const INSIDE: f64 = 0.9;
/// False discovery rate over all sources.
const FALSE_DISCOVERIES: f64 = 0.01;
/// Share of the hours outside the window that the log must cover.
const COVERED: f64 = 0.5;
/// Formats that hold sshd's records.
const LOGIN_LOGS: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];

/// Gap within one series of log files that still counts as covered: logs are quiet at times.
const QUIET_NS: i64 = 24 * 3600 * 1_000_000_000;
/// Failures, and their share, over connections of their own that make a window suspicious.
const MIXED: (usize, f64) = (10, 0.1);
/// A job of a timer starts within this many seconds each day.
const TIMER_SPREAD: u32 = 900;
/// Logins a day (mean) that are more than one scheduled job.
const SEVERAL_A_DAY: f64 = 2.0;

/// A source on enough days for its hours to say anything.
struct Candidate<'a> {
    of: OfSource<'a>,
    times: Vec<i64>,
    window: Window,
}

impl<'a> Candidate<'a> {
    fn of(of: OfSource<'a>, facts: &CaseFacts) -> Option<Self> {
        let times: Vec<i64> = of.dated().iter().filter_map(Login::ts).collect();
        let window = find(&times, facts.zone_of(Some(of.host)))?;
        let is_enough = window.days_active >= LEAST_DAYS;
        is_enough.then_some(Self { of, times, window })
    }
}

fn run(view: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let tested = |of| {
        let candidate = Candidate::of(of, facts)?;
        Some(stands_out(&candidate, facts).then_some(candidate))
    };
    let tested: Vec<Option<Candidate<'_>>> =
        view.logins.par_by_source().filter_map(tested).collect();
    let sources = tested.len();
    let mut candidates: Vec<Candidate<'_>> = tested.into_iter().flatten().collect();
    candidates.sort_by(|a, b| {
        a.window
            .p_value
            .total_cmp(&b.window.p_value)
            .then(a.of.source.cmp(b.of.source))
    });
    let limit = |rank: usize| FALSE_DISCOVERIES * rank as f64 / sources.max(1) as f64;
    let kept = (1..=candidates.len()).rev().find(|rank| {
        candidates
            .get(rank - 1)
            .is_some_and(|candidate| candidate.window.p_value <= limit(*rank))
    });
    candidates.truncate(kept.unwrap_or(0));
    Ok(candidates
        .iter()
        .map(|candidate| finding(&view.logins, candidate))
        .collect())
}

fn stands_out(candidate: &Candidate<'_>, facts: &CaseFacts) -> bool {
    let Candidate { of, times, window } = candidate;
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return false;
    };
    if window.width() > WIDEST || (window.inside as f64) < INSIDE * times.len() as f64 {
        return false;
    }
    let host = Some(of.host).filter(|host| !host.is_empty());
    let spans = facts.covered(host, &LOGIN_LOGS, QUIET_NS);
    spans.is_empty() || covered_outside(window, &spans, *first, *last) >= COVERED
}

fn finding(all: &Logins, candidate: &Candidate<'_>) -> Finding {
    let Candidate { of, window, .. } = candidate;
    let (source, host) = (of.source, of.host);
    let logins = &of.dated();
    let (first, last) = (
        logins.first().and_then(Login::ts),
        logins.last().and_then(Login::ts),
    );
    let let_in: BTreeSet<(i32, i32)> = logins
        .iter()
        .filter(|login| login.success)
        .map(Login::connection)
        .collect();
    let mended = mended(logins);
    let failures = logins
        .iter()
        .enumerate()
        .filter(|(_, login)| !login.success && !let_in.contains(&login.connection()))
        .filter(|(place, _)| !mended.contains(place))
        .count();
    let share = failures as f64 / logins.len().max(1) as f64;
    let mixed = failures >= MIXED.0 && share >= MIXED.1 && !let_in.is_empty();
    let a_day = logins.len() as f64 / window.days_active.max(1) as f64;
    let timer = window.start_spread <= TIMER_SPREAD && window.width() <= 2 * TIMER_SPREAD;
    let severity = match (mixed, timer) {
        (true, false) if a_day >= SEVERAL_A_DAY => Severity::High,
        (true, _) => Severity::Medium,
        (false, true) => Severity::Low,
        // A person's working hours.
        (false, false) => Severity::Info,
    };
    let (start, end) = (clock(window.start), clock(window.end));
    let zone = window.zone.name();
    let title = format!("{source} logs into {host} only between {start} and {end} {zone}");
    let weighs = if mixed {
        format!(
            "{failures} of {} logins failed on connections of their own and were not mended at once: this is no plain schedule.",
            logins.len()
        )
    } else {
        "Hardly any fails, or the same account got in at once: most likely a scheduled job or a person's working hours.".to_owned()
    };
    let text = format!(
        "On {} of {} days, {} of {} logins inside the window. {weighs} Look for what at {source} runs in these hours: cron lines, \
         timers, containers whose logs have the same rhythm, and what changed just before the first of them.",
        window.days_active,
        window.days_span,
        window.inside,
        logins.len()
    );
    let mut subjects = vec![Observable::new(ObservableType::Ip, source)];
    if !host.is_empty() {
        subjects.push(Observable::new(ObservableType::Host, host));
    }
    Draft::new("periodic-window", subjects, "ssh-login")
        .says(title, text)
        .weighs(severity, 1.0 - window.p_value.max(0.02))
        .spans(first, last)
        .fact("entity", source)
        .fact("action", "ssh-login")
        .fact("timezone", zone)
        .fact("window_start", start)
        .fact("window_end", end)
        .fact("days_active", window.days_active)
        .fact("days_span", window.days_span)
        .fact("events", logins.len())
        .fact("events_in_window", window.inside)
        .fact("p_value", window.p_value)
        .fact("mended_failures", mended.len())
        .fact("thresholds", thresholds())
        .attack(if mixed { &["T1110", "T1021.004"] } else { &[] })
        .rests_on_logins(all, logins)
        .finish()
}

fn thresholds() -> Value {
    json!({
        "least_days": LEAST_DAYS,
        "widest_hours": WIDEST / 3600,
        "inside_share": INSIDE,
        "covered_share": COVERED,
        "false_discoveries": FALSE_DISCOVERIES,
        "mixed_failures": MIXED.0,
        "mixed_share": MIXED.1,
        "mended_seconds": MENDED_SECONDS,
        "mended_failures_each": MOST_MENDED,
        "timer_spread_seconds": TIMER_SPREAD,
        "logins_a_day": SEVERAL_A_DAY,
    })
}
