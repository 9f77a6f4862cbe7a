//! Containers that ended in a way worth knowing, whatever explains it: out of memory, killed soon after
//! each start, failed without a next attempt.

use std::collections::BTreeMap;

use coldcase_model::Severity;

use super::activity::HOUR_NS;
use super::lives::{Life, Moment};

const SECOND_NS: i64 = 1_000_000_000;
/// A run that ends sooner than this after its start never came to work.
pub(super) const SHORT_RUN_NS: i64 = 60 * SECOND_NS;
/// Ends within an hour that make a loop. Docker and the kubelet wait longer from try to try, at most five
/// minutes in the kubelet's case.
pub(super) const LOOP_ENDS: usize = 3;
const LOOP_SPAN_NS: i64 = HOUR_NS;
/// Restarts beyond which a container that is being restarted is in a loop.
const LOOP_RESTARTS: i64 = 5;
/// An end longer ago than this before the collection is history, not the incident's.
pub(super) const RECENT_DAYS: i64 = 30;
/// Containers of one host that end within [`TOGETHER_NS`] went down with their host or engine.
const TOGETHER: usize = 5;
const TOGETHER_NS: i64 = 60 * SECOND_NS;

/// 128 + the signal: SIGINT, SIGKILL, SIGTERM.
const INTERRUPTED: i64 = 130;
const KILLED: i64 = 137;
const TERMINATED: i64 = 143;

/// Why an end is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oddity {
    pub severity: Severity,
    pub reason: &'static str,
    pub why: String,
}

/// What is odd about the end of the life at this index, if anything.
pub(super) fn judge(lives: &[Life<'_>], index: usize, collected: Option<i64>) -> Option<Oddity> {
    let life = lives.get(index)?;
    if life.sandbox || life.removed || is_history(life, collected) {
        return None;
    }
    let next = has_next(lives, life);
    if let Some(oddity) = in_loop(life, next) {
        return Some(oddity);
    }
    if life.runs {
        return None;
    }
    if life.oom_killed == Some(true) {
        let (severity, then) = match next {
            true => (Severity::Info, "a next attempt was started"),
            false => (Severity::Low, "no next attempt is in the evidence"),
        };
        return Some(Oddity {
            severity,
            reason: "oom-killed",
            why: format!("the kernel killed it for memory; {then}"),
        });
    }
    let code = life.exit_code?;
    let asked = life.stopped || matches!(code, 0 | TERMINATED | INTERRUPTED);
    if asked || next || went_together(lives, life) {
        return None;
    }
    let how = match code {
        KILLED => "it was killed (137), not for its own memory: by a stop that it did not obey, by hand, or by the host in want of memory".to_owned(),
        code => format!("it failed with exit code {code}"),
    };
    Some(Oddity {
        severity: Severity::Low,
        reason: "no-next-attempt",
        why: format!("{how}; no next attempt is in the evidence"),
    })
}

fn is_history(life: &Life<'_>, collected: Option<i64>) -> bool {
    let listed = life.listed.or(collected);
    let ended = life.ended.map(|end| end.latest);
    let age = listed.zip(ended).map(|(listed, ended)| listed - ended);
    !life.runs && age.is_some_and(|age| age > RECENT_DAYS * 24 * HOUR_NS)
}

/// Whether a later run of the same is known: it runs again, or ran after.
fn has_next(lives: &[Life<'_>], life: &Life<'_>) -> bool {
    let Some(end) = life.ended else {
        return false;
    };
    let began = life.started.or(life.created).map(|at| at.latest);
    lives.iter().any(|other| {
        let same = !std::ptr::eq(other, life)
            && !other.sandbox
            && other.workload == life.workload
            && (life.pod.is_some() || other.place() == life.place());
        let start = other.started.or(other.created).map(|at| at.earliest);
        let later = start.is_some_and(|start| began.is_none_or(|began| start > began));
        let beyond = other.runs || other.ended.is_some_and(|at| at.latest > end.latest);
        same && beyond && (later || other.attempt > life.attempt)
    })
}

/// Ended soon after each of several starts.
fn in_loop(life: &Life<'_>, next: bool) -> Option<Oddity> {
    let lived = match (Moment::fact(life.started), Moment::fact(life.ended)) {
        (Some(started), Some(ended)) if ended >= started => Some(ended - started),
        _ => None,
    };
    let ends: Vec<i64> = life.exits.iter().copied().collect();
    let dense = ends.windows(LOOP_ENDS).any(|ends| match ends {
        [first, .., last] => last - first <= LOOP_SPAN_NS,
        _ => false,
    });
    let many = life.restarting && life.restarts.unwrap_or(0) >= LOOP_RESTARTS;
    let short = lived.is_some_and(|lived| lived <= SHORT_RUN_NS);
    let failed = life.exit_code != Some(0) && !life.stopped;
    // Created long before its last start: it was started again and again, or by hand.
    let again = match (Moment::fact(life.created), Moment::fact(life.started)) {
        (Some(created), Some(started)) => started - created > SHORT_RUN_NS,
        _ => false,
    };
    let is_loop = many || (dense && (short || life.runs)) || (short && again && !next);
    if !is_loop || !failed {
        return None;
    }
    let lived = lived.map(|lived| format!("{:.1} s after its start", lived as f64 / 1e9));
    let how = match life.exit_code {
        _ if life.runs => "it runs again",
        Some(KILLED) => "killed",
        _ => "ended",
    };
    let mut why = match lived {
        Some(lived) => format!("{how} {lived}"),
        None => how.to_owned(),
    };
    if let (Some(first), Some(last), true) = (ends.first(), ends.last(), ends.len() > 1) {
        let minutes = (last - first) / (60 * SECOND_NS);
        why.push_str(&format!(", {} ends within {minutes} min", ends.len()));
    }
    if let Some(count) = life.restarts.filter(|count| *count > 0) {
        why.push_str(&format!(", {count} restarts"));
    }
    why.push_str(": what can't stay up is the victim of something, of load, memory or its configuration, rarely the cause");
    Some(Oddity {
        severity: Severity::Low,
        reason: "restart-loop",
        why,
    })
}

/// Whether it ended together with many others of its host.
fn went_together(lives: &[Life<'_>], life: &Life<'_>) -> bool {
    let Some(end) = Moment::fact(life.ended) else {
        return false;
    };
    let near = lives.iter().filter(|other| {
        let other_end = Moment::fact(other.ended);
        other.host == life.host
            && !other.sandbox
            && other_end.is_some_and(|other_end| (other_end - end).abs() <= TOGETHER_NS)
    });
    near.count() >= TOGETHER
}

/// Of several alike (one host, one image) only the latest is told; the number of all of them.
pub(super) fn group<'a>(
    lives: &'a [Life<'a>],
    odd: Vec<(usize, Oddity)>,
) -> Vec<(usize, Oddity, usize)> {
    type Alike<'a> = (Option<&'a str>, Option<&'a str>, &'static str);
    let mut groups: BTreeMap<Alike<'_>, Vec<(usize, Oddity)>> = BTreeMap::new();
    for (index, oddity) in odd {
        if let Some(life) = lives.get(index) {
            let key = (life.host, life.image, oddity.reason);
            groups.entry(key).or_default().push((index, oddity));
        }
    }
    let ended = |index: usize| {
        let life = lives.get(index);
        (life.and_then(|life| life.ended).map(|at| at.latest), index)
    };
    let latest = groups.into_values().filter_map(|mut group| {
        group.sort_by_key(|(index, _)| ended(*index));
        let count = group.len();
        group.pop().map(|(index, oddity)| (index, oddity, count))
    });
    latest.collect()
}
