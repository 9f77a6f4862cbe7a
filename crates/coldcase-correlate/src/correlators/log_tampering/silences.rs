//! Silence against a log's own rhythm.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Offset as _;
use chrono::TimeZone as _;
use chrono_tz::Tz;
use coldcase_model::{Severity, Timestamp};
use serde_json::json;

use super::course::hour;
use super::explained::Explained;
use super::logs::{Log, series_of};
use super::rows::At;
use super::signs::{Sign, Sort, place};
use crate::CaseFacts;

/// Shorter logs show no rhythm of a day.
const LEAST_SPAN_HOURS: i64 = 48;
/// A silence is told from so many whole hours on; restarts and quiet spells are shorter.
const LEAST_HOURS: usize = 3;
/// Share of days on which an hour must be active to be missed.
const STEADY: f64 = 0.9;
/// Hours of the day that must be so: what people write is silent at night and at weekends, and after a holiday.
const STEADY_HOURS: usize = 20;
/// Chance of the silence, times the hours looked at, above which it is no sign.
const LEAST_LIKELY: f64 = 1e-3;
/// Share of a usual file's span from which a silence between two files is a file that was not collected.
const WHOLE_FILE: f64 = 0.5;
/// Share of the silent hours in which other logs must go on.
const GOES_ON: f64 = 0.5;
/// Most silences told of one log, the longest.
const MOST: usize = 5;

/// A row of a series, with the file it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    ts: i64,
    file: usize,
    place: u64,
}

/// A silence between two rows.
#[derive(Debug, Clone, Copy)]
struct Silence {
    before: Row,
    after: Row,
    /// Chance, times the hours looked at.
    p_value: f64,
    hours: usize,
}

/// Signs from silence.
pub(super) fn signs(logs: &[Log], facts: &CaseFacts, explained: &Explained) -> Vec<Sign> {
    let mut active: BTreeMap<&str, BTreeMap<&str, BTreeSet<i64>>> = BTreeMap::new();
    for log in logs {
        let of_host = active.entry(log.host.as_str()).or_default();
        let hours = of_host.entry(series_of(&log.file)).or_default();
        hours.extend(log.course.hours.keys());
    }
    let mut series: BTreeMap<(&str, &str), Vec<&Log>> = BTreeMap::new();
    for log in logs.iter().filter(|log| log.is_of_system()) {
        let key = (log.host.as_str(), series_of(&log.file));
        series.entry(key).or_default().push(log);
    }
    let mut found = Vec::new();
    for ((host, base), files) in series {
        let zone = facts.zone_of(Some(host).filter(|host| !host.is_empty()));
        let mut silences = silences(&files, zone);
        silences.sort_by_key(|one| (one.before.ts - one.after.ts, one.before));
        silences.truncate(MOST);
        let others: Vec<&BTreeSet<i64>> = active
            .get(host)
            .into_iter()
            .flatten()
            .filter(|(other, _)| **other != base)
            .map(|(_, hours)| hours)
            .collect();
        for (number, silence) in silences.iter().enumerate() {
            let judged = judge(&files, silence, &others, explained, host);
            found.extend(judged.map(|sign| Sign { number, ..sign }));
        }
    }
    found
}

fn silences(files: &[&Log], zone: Tz) -> Vec<Silence> {
    let edges = edges(files);
    let hours: BTreeSet<i64> = edges.keys().copied().collect();
    let (Some(&first), Some(&last)) = (hours.first(), hours.last()) else {
        return Vec::new();
    };
    if last - first < LEAST_SPAN_HOURS {
        return Vec::new();
    }
    let rhythm = Rhythm::of(&hours, first, last, zone);
    // A silence of hours begins with the last row of one and ends with the first of another.
    let pairs = edges.values().zip(edges.values().skip(1));
    let found = pairs.filter_map(|((_, before), (after, _))| {
        let (from, to) = (hour(before.ts) + 1, hour(after.ts));
        let (p_value, missed) = rhythm.chance(from, to)?;
        let told = missed >= LEAST_HOURS && p_value < LEAST_LIKELY;
        told.then_some(Silence {
            before: *before,
            after: *after,
            p_value,
            hours: usize::try_from(to - from).unwrap_or(0),
        })
    });
    found.collect()
}

/// The first and the last row of each hour.
fn edges(files: &[&Log]) -> BTreeMap<i64, (Row, Row)> {
    let mut edges: BTreeMap<i64, (Row, Row)> = BTreeMap::new();
    for (file, log) in files.iter().enumerate() {
        for (hour, (first, last)) in &log.course.hours {
            let row = |at: &At| Row {
                ts: at.ts,
                file,
                place: at.place,
            };
            let (first, last) = (row(first), row(last));
            let known = edges.entry(*hour).or_insert((first, last));
            *known = (known.0.min(first), known.1.max(last));
        }
    }
    edges
}

/// On how many days each hour of the day is active.
struct Rhythm {
    zone: Tz,
    active: BTreeMap<i64, f64>,
    seen: BTreeMap<i64, f64>,
    looked_at: f64,
}

impl Rhythm {
    fn of(hours: &BTreeSet<i64>, first: i64, last: i64, zone: Tz) -> Self {
        let mut rhythm = Self {
            zone,
            active: BTreeMap::new(),
            seen: BTreeMap::new(),
            looked_at: (last - first + 1) as f64,
        };
        for hour in first..=last {
            let of_day = rhythm.hour_of_day(hour);
            *rhythm.seen.entry(of_day).or_default() += 1.0;
            if hours.contains(&hour) {
                *rhythm.active.entry(of_day).or_default() += 1.0;
            }
        }
        rhythm
    }

    fn hour_of_day(&self, hour: i64) -> i64 {
        let seconds = hour.saturating_mul(3600);
        let offset = chrono::DateTime::from_timestamp(seconds, 0).map_or(0, |at| {
            let local = self.zone.offset_from_utc_datetime(&at.naive_utc());
            i64::from(local.fix().local_minus_utc())
        });
        (seconds + offset).div_euclid(3600).rem_euclid(24)
    }

    /// Hours of the day that are active nearly every day, those of a silence left out.
    fn steady_hours(&self, silent: &BTreeMap<i64, f64>) -> usize {
        let steady = self.seen.iter().filter(|(of_day, seen)| {
            let left = **seen - silent.get(of_day).copied().unwrap_or(0.0);
            let active = self.active.get(of_day).copied().unwrap_or(0.0);
            left >= 1.0 && active >= STEADY * left
        });
        steady.count()
    }

    /// The chance that these hours are empty by the rhythm of all other hours, times the hours looked at; and how
    /// many hours of the day are among them that are otherwise active nearly every day.
    fn chance(&self, from: i64, to: i64) -> Option<(f64, usize)> {
        if to.saturating_sub(from) < i64::try_from(LEAST_HOURS).ok()? {
            return None;
        }
        let mut silent: BTreeMap<i64, f64> = BTreeMap::new();
        for hour in from..to {
            *silent.entry(self.hour_of_day(hour)).or_default() += 1.0;
        }
        if self.steady_hours(&silent) < STEADY_HOURS {
            return None;
        }
        let (mut log_p, mut missed) = (self.looked_at.ln(), 0);
        for (of_day, times) in silent {
            let cell = |map: &BTreeMap<i64, f64>| map.get(&of_day).copied().unwrap_or(0.0);
            let (seen, active) = (cell(&self.seen) - times, cell(&self.active));
            if seen >= 1.0 && active >= STEADY * seen {
                missed += 1;
                log_p += times * ((seen - active + 0.5) / (seen + 1.0)).ln();
            }
        }
        Some((log_p.exp().min(1.0), missed))
    }
}

fn judge(
    files: &[&Log],
    silence: &Silence,
    others: &[&BTreeSet<i64>],
    explained: &Explained,
    host: &str,
) -> Option<Sign> {
    let (before, after) = (
        files.get(silence.before.file)?,
        files.get(silence.after.file)?,
    );
    let (first, last) = (silence.before.ts, silence.after.ts);
    let hours = hour(first) + 1..hour(last);
    let on: BTreeSet<i64> = others
        .iter()
        .flat_map(|active| active.range(hours.clone()))
        .copied()
        .collect();
    let goes_on = on.len() as f64 >= GOES_ON * silence.hours as f64;
    let between = before.file != after.file;
    let spans = || files.iter().filter_map(|file| file.course.span());
    let mut usual: Vec<i64> = spans().collect();
    usual.sort_unstable();
    let usual = usual.get(usual.len() / 2).copied().unwrap_or(0);
    let whole = between && (last - first) as f64 >= WHOLE_FILE * usual as f64;
    let why = if whole {
        Why::NotCollected
    } else if explained.was_down(host, first, last) && !goes_on {
        Why::Down
    } else if !goes_on {
        Why::AllSilent
    } else if explained.daemon_stopped(host, first) {
        Why::Stopped
    } else if between {
        Why::Younger
    } else {
        Why::Silent
    };
    let (severity, confidence) = match why {
        Why::NotCollected | Why::Down | Why::AllSilent => (Severity::Info, 0.6),
        Why::Stopped | Why::Younger | Why::Silent => (Severity::Low, 0.7),
    };
    let (log, length) = (&after.file, silence.hours);
    Some(Sign {
        sort: Sort::Silence,
        number: 0,
        kind: if why == Why::Younger {
            "truncated"
        } else {
            "gap"
        },
        host: host.to_owned(),
        log: log.clone(),
        first: Some(first),
        last: Some(last),
        severity,
        confidence,
        title: format!("{log} is silent for {length} hours"),
        text: words(why, silence, on.len()),
        facts: vec![
            ("p_value", json!(silence.p_value)),
            ("hours", silence.hours.into()),
            ("why", why.as_str().into()),
            (
                "thresholds",
                json!({ "p_value": LEAST_LIKELY, "steady_share": STEADY, "least_hours": LEAST_HOURS }),
            ),
        ],
        records: vec![
            place(
                &before.file,
                before.by_line,
                silence.before.place,
                Some(first),
            ),
            place(&after.file, after.by_line, silence.after.place, Some(last)),
        ],
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    NotCollected,
    Down,
    AllSilent,
    Stopped,
    Younger,
    Silent,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotCollected => "not-collected",
            Self::Down => "host-down",
            Self::AllSilent => "all-logs-silent",
            Self::Stopped => "logging-stopped",
            Self::Younger => "younger-than-its-rotation",
            Self::Silent => "against-its-rhythm",
        }
    }
}

fn words(why: Why, silence: &Silence, on: usize) -> String {
    let (first, last) = (Timestamp(silence.before.ts), Timestamp(silence.after.ts));
    let p = silence.p_value;
    let rhythm = format!(
        "Nothing between {first} and {last}, in hours in which this log is otherwise active nearly every day (chance {p:.0e})."
    );
    let rest = match why {
        Why::NotCollected => {
            "The silence lies between two files and is as long as one of them: a rotated file was most likely not \
             collected. Fetch it if it is still there."
                .to_owned()
        }
        Why::Down => "The host went down or came up in that time, and nothing else of it goes on.".to_owned(),
        Why::AllSilent => {
            "No other log of this host tells of those hours either: it may have been off, or hung. Look at its console or at \
             what watches it."
                .to_owned()
        }
        Why::Stopped => format!(
            "The log daemon says itself that it stopped, while other logs of the host go on in {on} of those hours. Ask who \
             stopped it."
        ),
        Why::Younger => format!(
            "The older file ends before the newer one begins, and other logs of the host go on in {on} of those hours: the log \
             was emptied after its rotation, or a file was cut. A daemon that hung does the same. Compare with a central log."
        ),
        Why::Silent => format!(
            "Other logs of the host go on in {on} of those hours. Lines were taken out, or the log daemon or its disk stood \
             still. Compare with `journalctl --since` and with a central log."
        ),
    };
    format!("{rhythm} {rest}")
}
