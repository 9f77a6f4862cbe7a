//! Logs that step back in time from one line to the next.

use chrono::{LocalResult, TimeZone as _};
use chrono_tz::Tz;
use coldcase_model::{Severity, Timestamp};
use serde_json::json;

use super::course::{JITTER_NS, MOST_STEPS, Step};
use super::explained::Explained;
use super::logs::Log;
use super::signs::{Sign, Sort, place};
use crate::CaseFacts;

/// A file with more steps back than this share of its rows, or than [`MOST_STEPS`], is not in order of time at all.
const UNORDERED: f64 = 0.01;
/// A file put together of several begins again near its beginning: this share of the time so far.
const PUT_TOGETHER: f64 = 0.9;
/// Steps told of one log, the widest.
const MOST_TOLD: usize = 3;

/// Formats whose lines are written in order of time.
const ORDERED: [&str; 4] = ["authlog", "auditd", "container-log", "utmp"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    ClockSet,
    PutTogether,
    Unexplained,
}

/// Signs from steps back.
pub(super) fn signs(logs: &[Log], facts: &CaseFacts, explained: &Explained) -> Vec<Sign> {
    let mut found = Vec::new();
    for log in logs {
        // utmp keeps a slot a terminal, in no order.
        let slots = log.format == "utmp" && log.file.contains("utmp");
        if slots || !ORDERED.contains(&log.format.as_str()) {
            continue;
        }
        let zone = facts.zone_of(Some(log.host.as_str()).filter(|host| !host.is_empty()));
        let mut steps = log.course.steps.clone();
        if steps.len() > MOST_STEPS || steps.len() as f64 > UNORDERED * log.rows.count() as f64 {
            continue;
        }
        steps.sort_by_key(|step| (step.after.ts - step.before.ts, step.before.place));
        let told = steps
            .into_iter()
            .filter_map(|step| judge(log, step, zone, explained))
            .take(MOST_TOLD);
        for (number, sign) in told.enumerate() {
            found.push(Sign { number, ..sign });
        }
    }
    found
}

fn judge(log: &Log, step: Step, zone: Tz, explained: &Explained) -> Option<Sign> {
    let Step {
        before,
        after,
        start,
    } = step;
    let back = before.ts - after.ts;
    // A host that comes up has the time of its battery until its clock is set; summer time ends.
    if explained.came_up(&log.host, before.ts, after.ts) || is_repeated_hour(zone, before.ts, back)
    {
        return None;
    }
    let so_far = (before.ts - start) as f64;
    let why = if explained.clock_set(&log.host, before.ts, after.ts) {
        Why::ClockSet
    } else if after.ts <= start || back as f64 >= PUT_TOGETHER * so_far {
        Why::PutTogether
    } else {
        Why::Unexplained
    };
    let (severity, confidence) = match why {
        Why::ClockSet | Why::PutTogether => (Severity::Info, 0.8),
        Why::Unexplained => (Severity::Low, 0.5),
    };
    let seconds = back / 1_000_000_000;
    let rest = match why {
        Why::ClockSet => {
            "The host's clock was set around then; times before and after it do not compare as they stand."
        }
        Why::PutTogether => {
            "It begins again where the file begins: most likely several files were put together."
        }
        Why::Unexplained => {
            "Nothing in this evidence sets the clock or starts the host then, and the log covers those hours already: lines were \
             put in, a program hands over late, or the clock was set unseen. Look whether other logs of the host step back \
             too (then it was the clock), and at who wrote these lines."
        }
    };
    Some(Sign {
        sort: Sort::StepBack,
        number: 0,
        kind: "time-reversal",
        host: log.host.clone(),
        log: log.file.clone(),
        first: Some(after.ts),
        last: Some(before.ts),
        severity,
        confidence,
        title: format!("{} steps back by {seconds} s", log.file),
        text: format!(
            "One record is of {}, the next of {}. {rest}",
            Timestamp(before.ts),
            Timestamp(after.ts)
        ),
        facts: vec![
            ("step_seconds", (-seconds).into()),
            (
                "thresholds",
                json!({ "jitter_seconds": JITTER_NS / 1_000_000_000 }),
            ),
        ],
        records: vec![
            place(&log.file, log.by_line, before.place, Some(before.ts)),
            place(&log.file, log.by_line, after.place, Some(after.ts)),
        ],
    })
}

/// Whether the step is that of an hour which the clocks show twice: a local time may be read as either.
fn is_repeated_hour(zone: Tz, at: i64, back: i64) -> bool {
    const HOURS: [i64; 3] = [-1, 0, 1];
    HOURS.iter().any(|hour| {
        let at = Timestamp(at).plus_seconds(hour * 3600);
        let local = at.to_utc().with_timezone(&zone).naive_local();
        match zone.from_local_datetime(&local) {
            LocalResult::Ambiguous(first, second) => {
                let between = second.signed_duration_since(first);
                let between = between.num_nanoseconds().unwrap_or(0).abs();
                back <= between.saturating_add(JITTER_NS)
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_clocks_show_twice() {
        let check = |zone: Tz, at: &str, minutes: i64, expected: bool| {
            let at = Timestamp::parse_rfc3339(at).expect("a time").nanos();
            let got = is_repeated_hour(zone, at, minutes * 60_000_000_000);
            assert_eq!(got, expected, "{zone} {minutes}");
        };
        // 2023-11-05 02:00 EDT becomes 01:00 EST.
        check(Tz::America__New_York, "2023-11-05T05:59:58Z", 59, true);
        check(Tz::America__New_York, "2023-11-05T05:59:58Z", 90, false);
        check(Tz::America__New_York, "2023-11-06T05:59:58Z", 59, false);
        check(Tz::Asia__Kolkata, "2023-11-05T05:59:58Z", 59, false);
        // Half an hour on Lord Howe Island.
        check(Tz::Australia__Lord_Howe, "2023-04-01T14:59:58Z", 29, true);
        check(Tz::Australia__Lord_Howe, "2023-04-01T14:59:58Z", 59, false);
    }
}
