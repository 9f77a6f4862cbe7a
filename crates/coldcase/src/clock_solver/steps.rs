//! Clocks that were set, and logs whose times go back: told, never put into order silently.
//!
//! A step is what a time daemon, utmp or audit says of a clock that was set (`clock-changed`, `TIME_INJOFFSET`,
//! `clock_settime`), and a record in a log that is older than the one before it by more than its writers' jitter. Only
//! logs whose lines are written as things happen are watched: an access log's requests end out of order, a
//! capture's flows too. Where lines go back more often than on, the listing is newest first and says nothing.

use std::collections::BTreeMap;

use coldcase_model::{Basis, Event, Timestamp, action, outcome};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::InputRecord;

/// What the writers of one log explain: rsyslog takes up what the journal held while it was not running, and queues
/// flush once a minute.
const JITTER_NS: i64 = 60_000_000_000;
/// Jumps kept of one file; a file that has more was put together of pieces.
const MOST_JUMPS: usize = 16;
/// Hosts of one log that are watched.
const MOST_HOSTS: usize = 1_024;
/// Steps kept of a case.
const MOST_STEPS: usize = 1_000;
/// Formats whose lines are written as things happen.
const WATCHED: [&str; 2] = ["authlog", "auditd"];

/// A clock was set, or a log goes back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Step {
    /// The host whose clock it is.
    pub host: Option<String>,
    /// Where it stands.
    pub file: String,
    /// Its line; none in a binary artifact.
    pub line: Option<i64>,
    /// The clock before.
    pub before: Option<Timestamp>,
    /// The clock after.
    pub after: Option<Timestamp>,
    /// What was added, where known; below zero it was set back.
    pub seconds: Option<f64>,
    /// `told` by a program, or `seen` in the order of lines.
    pub kind: &'static str,
}

impl Step {
    /// A line of a report; small corrections are left to `case.json`.
    pub fn sentence(&self) -> Option<String> {
        let place = self.line.map(|line| format!(":{line}"));
        let place = format!("{}{}", self.file, place.unwrap_or_default());
        match (self.kind, self.seconds, self.before) {
            ("seen", Some(seconds), Some(before)) => Some(format!(
                "{place}: the log goes back {:.0} s after {before}: its clock was set back, or pieces were put together",
                seconds.abs()
            )),
            (_, Some(seconds), _) if seconds.abs() >= 1.0 => {
                Some(format!("{place}: the clock was set by {seconds:+.1} s"))
            }
            (_, None, _) => Some(format!("{place}: the clock was set")),
            _ => None,
        }
    }
}

/// One record that is older than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jump {
    line: u64,
    before: Timestamp,
    after: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    line: u64,
    at: Timestamp,
}

/// Watches the order of one artifact's records as they come.
#[derive(Debug, Default)]
pub(crate) struct Order {
    is_watched: bool,
    own: Option<Last>,
    of_hosts: BTreeMap<String, Last>,
    on: u64,
    back: u64,
    jumps: Vec<Jump>,
}

impl Order {
    /// Watches if lines of this format are written as things happen.
    pub fn of(format: &str) -> Self {
        Self {
            is_watched: WATCHED.contains(&format),
            ..Self::default()
        }
    }

    /// The next event, in the order of the artifact.
    pub fn add(&mut self, event: &Event<'_>) {
        let (true, Some(when), Some(line)) = (self.is_watched, event.when, event.line) else {
            return;
        };
        if when.basis == Basis::Collected {
            return;
        }
        let now = Last { line, at: when.ts };
        let last = match event.host.as_deref() {
            None => self.own.replace(now),
            Some(host) => self.of_host(host, now),
        };
        // Records that a reader hands on late keep their line.
        let Some(last) = last.filter(|last| last.line < line) else {
            return;
        };
        if now.at > last.at {
            self.on += 1;
        } else if now.at < last.at {
            self.back += 1;
        }
        let is_jump = last.at.nanos().saturating_sub(now.at.nanos()) > JITTER_NS;
        if is_jump && self.jumps.len() < MOST_JUMPS {
            self.jumps.push(Jump {
                line,
                before: last.at,
                after: now.at,
            });
        }
    }

    /// The last record of another host in the same log.
    fn of_host(&mut self, host: &str, now: Last) -> Option<Last> {
        if let Some(last) = self.of_hosts.get_mut(host) {
            return Some(std::mem::replace(last, now));
        }
        if self.of_hosts.len() < MOST_HOSTS {
            self.of_hosts.insert(host.to_owned(), now);
        }
        None
    }

    /// What went back, unless all of it does.
    pub fn finish(self) -> Vec<Jump> {
        if self.back > self.on {
            return Vec::new();
        }
        self.jumps
    }
}

/// All steps of a case, in order of file and line.
pub(crate) fn steps(
    timeline: &Timeline,
    inputs: &[InputRecord],
) -> Result<Vec<Step>, TimelineError> {
    let seen = inputs.iter().flat_map(|input| {
        input.jumps.iter().map(|jump| Step {
            host: input.host.clone(),
            file: input.path.clone(),
            line: i64::try_from(jump.line).ok(),
            before: Some(jump.before),
            after: Some(jump.after),
            seconds: Some(seconds(
                jump.after.nanos().saturating_sub(jump.before.nanos()),
            )),
            kind: "seen",
        })
    });
    let mut steps: Vec<Step> = seen.collect();
    let columns = ["host", "outcome", "attributes"];
    let told = timeline.select(&[action::CLOCK_CHANGED], &columns)?;
    steps.extend((0..told.rows()).map(|row| step(&told, row)));
    for part in timeline.parts() {
        let part = Timeline::of_parts(vec![part.clone()]);
        let audited = part.select(&[action::AUDIT, action::SYSCALL], &columns)?;
        let rows = (0..audited.rows()).filter(|row| sets_the_clock(&audited, *row));
        steps.extend(rows.map(|row| step(&audited, row)));
    }
    steps.sort_by(|a, b| (&a.file, a.line, a.after).cmp(&(&b.file, b.line, b.after)));
    steps.truncate(MOST_STEPS);
    Ok(steps)
}

/// Audit records of a clock that was set: what was added, or the call that did it.
fn sets_the_clock(rows: &Selection, row: usize) -> bool {
    let texts = [
        "\"TIME_INJOFFSET\"",
        "\"syscall\":\"clock_settime\"",
        "\"syscall\":\"settimeofday\"",
    ];
    let failed = rows.text("outcome", row) == Some(outcome::FAILURE);
    let attributes = rows.text("attributes", row).unwrap_or_default();
    !failed && texts.iter().any(|text| attributes.contains(text))
}

fn step(rows: &Selection, row: usize) -> Step {
    let attributes = rows.text("attributes", row).unwrap_or_default();
    let attributes: Value = serde_json::from_str(attributes).unwrap_or(Value::Null);
    let time = |name: &str| Timestamp::parse_rfc3339(attributes.get(name)?.as_str()?);
    let number = |name: &str| {
        let value = attributes.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    };
    let at = rows.long("ts_ns", row).map(Timestamp);
    let injected = || Some(number("sec")? + number("nsec").unwrap_or(0.0) / 1e9);
    let between = || {
        let (before, after) = (time("before")?, time("after")?);
        Some(seconds(after.nanos().saturating_sub(before.nanos())))
    };
    let added = number("step_seconds").or_else(injected).or_else(between);
    let after = time("after").or(at);
    let before = time("before").or_else(|| {
        let back = (added? * 1e9).round();
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a cast of what is beyond 64 bits stays at their end"
        )]
        let back = back as i64;
        Some(Timestamp(after?.nanos().saturating_sub(back)))
    });
    Step {
        host: rows.text("host", row).map(str::to_owned),
        file: rows.text("file", row).unwrap_or_default().to_owned(),
        line: rows.long("line", row),
        before,
        after,
        seconds: added,
        kind: "told",
    }
}

fn seconds(nanos: i64) -> f64 {
    (nanos as f64 / 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use coldcase_model::{Precision, When};

    /// Seconds of the events in their order; the lines and seconds of what goes back.
    fn check(format: &str, times: &[i64], expected: &[(u64, i64)]) {
        let mut order = Order::of(format);
        for (line, at) in (1..).zip(times) {
            let ts = Timestamp::from_seconds(*at).expect("small");
            order.add(&Event {
                when: Some(When::recorded(ts, Precision::S)),
                line: Some(line),
                ..Event::new(action::LOG)
            });
        }
        let jumps = order.finish();
        let got: Vec<(u64, i64)> = jumps
            .iter()
            .map(|jump| (jump.line, jump.after.seconds() - jump.before.seconds()))
            .collect();
        assert_eq!(got, expected, "{times:?}");
    }

    #[test]
    fn jumps_beyond_jitter_are_seen() {
        check("authlog", &[0, 10, 20, 5, 30], &[]);
        check("authlog", &[0, 100, 200, 90, 300], &[(4, -110)]);
        check("auditd", &[0, 7200, 3600, 3700, 3800], &[(3, -3600)]);
        // Newest first.
        check("authlog", &[900, 700, 500, 300, 100], &[]);
        // Flows end in any order.
        check("pcap", &[0, 100, 200, 90, 300], &[]);
    }

    #[test]
    fn sentences_name_place_and_size() {
        let step = |kind, seconds| Step {
            host: None,
            file: "h/messages".into(),
            line: Some(7),
            before: Some(Timestamp(0)),
            after: None,
            seconds,
            kind,
        };
        let check = |step: Step, expected: Option<&str>| {
            let got = step.sentence();
            match expected {
                Some(text) => assert!(
                    got.as_deref().is_some_and(|got| got.contains(text)),
                    "{got:?}"
                ),
                None => assert_eq!(got, None),
            }
        };
        check(
            step("told", Some(-28_800.5)),
            Some("h/messages:7: the clock was set by -28800.5 s"),
        );
        check(step("told", Some(0.2)), None);
        check(step("told", None), Some("the clock was set"));
        check(step("seen", Some(-3_600.0)), Some("goes back 3600 s"));
    }
}
