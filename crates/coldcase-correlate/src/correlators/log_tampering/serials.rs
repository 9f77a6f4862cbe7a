//! Serial numbers that are missing in the audit log.

use std::collections::BTreeMap;

use coldcase_model::{Severity, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use super::explained::Explained;
use super::holds;
use super::logs::series_of;
use super::signs::{Sign, Sort, place};

/// Actions of audit rows.
const AUDITED: [&str; 6] = [
    action::EXEC,
    action::CONNECT,
    action::SYSCALL,
    action::LOGIN,
    action::AUDIT,
    action::AUDIT_CONFIG,
];

/// Share of steps by exactly one from which a file is the log itself, not an export of some events (`ausearch -k`).
pub(super) const REGULAR: f64 = 0.9;
/// Events of a file below which its steps say nothing.
const LEAST_EVENTS: usize = 200;
/// Fewest missing events that are told: logs have small holes where a record was given up after its number was taken.
const LEAST_MISSING: i64 = 10;
/// So many times the file's own 99th percentile must be missing.
const TIMES_USUAL: i64 = 5;
/// A drop by more than this is a start of the kernel, which counts anew; threads differ by a few.
const RESTART: i64 = 1000;
/// A hole this many times denser than its log, and denser than [`BURST_A_SECOND`], is a burst that was lost.
const BURST: f64 = 10.0;
/// Events a second that auditd writes without trouble.
const BURST_A_SECOND: f64 = 20.0;
/// Share of a usual file from which a hole between two files is a file that was not collected.
const WHOLE_FILE: f64 = 0.5;
/// A daemon that stood still for longer was not just restarted.
const STOOD_STILL_NS: i64 = 600 * 1_000_000_000;
/// Copies of an event in another file have the same time.
const COPY_NS: i64 = 3600 * 1_000_000_000;
/// Most holes told of one log, the largest.
const MOST_HOLES: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Event {
    line: u64,
    serial: i64,
    ts: i64,
}

/// One file's events of one run of the kernel, by serial.
#[derive(Debug, Clone)]
struct Segment {
    host: String,
    file: String,
    events: Vec<Event>,
}

/// A hole between two events.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hole {
    before: Event,
    after: Event,
    missing: i64,
}

/// Signs from serials.
pub(super) fn signs(
    timeline: &Timeline,
    explained: &Explained,
) -> Result<Vec<Sign>, TimelineError> {
    let segments = load(timeline)?;
    let mut signs = Vec::new();
    let mut by_host: BTreeMap<&str, Vec<&Segment>> = BTreeMap::new();
    for segment in &segments {
        by_host.entry(&segment.host).or_default().push(segment);
    }
    for of_host in by_host.values() {
        let mut inside: BTreeMap<&str, Vec<Sign>> = BTreeMap::new();
        for segment in of_host {
            for mut hole in holes(&segment.events) {
                hole.missing -= held_elsewhere(&hole, segment, of_host);
                if hole.missing >= LEAST_MISSING
                    && let Some(sign) = judge(segment, &hole, explained)
                {
                    inside.entry(&segment.file).or_default().push(sign);
                }
            }
        }
        let mut between: BTreeMap<&str, Vec<Sign>> = BTreeMap::new();
        for (file, sign) in edges(of_host, explained) {
            between.entry(file).or_default().push(sign);
        }
        for found in inside.into_values().chain(between.into_values()) {
            signs.extend(largest(found));
        }
    }
    Ok(signs)
}

/// The largest holes of one log, numbered.
fn largest(mut found: Vec<Sign>) -> Vec<Sign> {
    let missing = |sign: &Sign| {
        let fact = sign.facts.iter().find(|(name, _)| *name == "missing");
        fact.and_then(|(_, value)| value.as_i64()).unwrap_or(0)
    };
    found.sort_by_key(|sign| (std::cmp::Reverse(missing(sign)), sign.first));
    found.truncate(MOST_HOLES);
    for (number, sign) in found.iter_mut().enumerate() {
        sign.number += number;
    }
    found
}

fn load(timeline: &Timeline) -> Result<Vec<Segment>, TimelineError> {
    let columns = ["ts_ns", "host", "format", "file", "line", "attributes"];
    let mut files: BTreeMap<(String, String), Vec<Event>> = BTreeMap::new();
    timeline.for_each_part(
        &AUDITED,
        &columns,
        |rows| {
            // The daemon's own events have a number of their own.
            let of_daemon = holds("attributes", r#""type":"DAEMON_"#);
            let serial = col("attributes")
                .str()
                .extract(lit(r#""serial":(\d+)"#), 1)
                .alias("attributes");
            rows.filter(col("format").eq(lit("auditd")).and(of_daemon.not()))
                .with_column(serial)
                .filter(col("attributes").is_not_null())
        },
        |rows| gather(rows, &mut files),
    )?;
    let mut segments = Vec::new();
    for ((host, file), events) in files {
        for events in runs(events) {
            segments.push(Segment {
                host: host.clone(),
                file: file.clone(),
                events,
            });
        }
    }
    Ok(segments)
}

fn gather(rows: &Selection, files: &mut BTreeMap<(String, String), Vec<Event>>) {
    let (hosts, names, serials) = (
        rows.texts("host"),
        rows.texts("file"),
        rows.texts("attributes"),
    );
    let (times, lines) = (rows.longs("ts_ns"), rows.longs("line"));
    let mut gathered: BTreeMap<(&str, &str), Vec<Event>> = BTreeMap::new();
    for (row, name) in names.iter().enumerate() {
        let cell = |column: &[Option<i64>]| column.get(row).copied().flatten();
        let serial = serials.get(row).copied().flatten();
        let serial = serial.and_then(|digits| digits.parse().ok());
        let line = cell(&lines).and_then(|line| u64::try_from(line).ok());
        let (Some(name), Some(serial), Some(ts), Some(line)) = (*name, serial, cell(&times), line)
        else {
            continue;
        };
        let host = hosts.get(row).copied().flatten().unwrap_or_default();
        let event = Event { line, serial, ts };
        gathered.entry((host, name)).or_default().push(event);
    }
    for ((host, name), events) in gathered {
        let of_file = files.entry((host.to_owned(), name.to_owned()));
        let of_file = of_file.or_default();
        // A file's rows stand in few parts, and all files are held: no room for more is kept.
        of_file.reserve_exact(events.len());
        of_file.extend(events);
    }
}

/// A file's events by run of the kernel, each sorted by serial, an event once.
fn runs(mut events: Vec<Event>) -> Vec<Vec<Event>> {
    events.sort_unstable_by_key(|event| (event.line, event.serial));
    let mut runs: Vec<Vec<Event>> = Vec::new();
    let mut highest = i64::MAX;
    for event in events {
        let starts_anew = highest == i64::MAX || event.serial < highest.saturating_sub(RESTART);
        match runs.last_mut().filter(|_| !starts_anew) {
            Some(run) => {
                run.push(event);
                highest = highest.max(event.serial);
            }
            None => {
                runs.push(vec![event]);
                highest = event.serial;
            }
        }
    }
    for run in &mut runs {
        run.sort_unstable_by_key(|event| (event.serial, event.line));
        run.dedup_by_key(|event| event.serial);
    }
    runs
}

/// Steps from each event to the next.
fn steps(events: &[Event]) -> impl Iterator<Item = (Event, Event, i64)> + '_ {
    let after = events.iter().skip(1);
    events
        .iter()
        .zip(after)
        .map(|(a, b)| (*a, *b, b.serial - a.serial))
}

/// How many must be missing at once to be a hole in this file; `None` where the file is no whole log.
fn threshold(events: &[Event]) -> Option<i64> {
    if events.len() < LEAST_EVENTS {
        return None;
    }
    let mut sizes: Vec<i64> = steps(events).map(|(.., step)| step).collect();
    sizes.sort_unstable();
    let single = sizes.partition_point(|step| *step <= 1);
    if (single as f64) < REGULAR * sizes.len() as f64 {
        return None;
    }
    let usual = sizes.get(sizes.len() * 99 / 100).copied().unwrap_or(1);
    Some(LEAST_MISSING.max(TIMES_USUAL.saturating_mul(usual - 1)))
}

fn holes(events: &[Event]) -> Vec<Hole> {
    let Some(least) = threshold(events) else {
        return Vec::new();
    };
    let wide = steps(events).filter(|(.., step)| *step > least);
    wide.map(|(before, after, step)| Hole {
        before,
        after,
        missing: step - 1,
    })
    .collect()
}

/// How many of the missing events stand in another file of the host.
fn held_elsewhere(hole: &Hole, own: &Segment, of_host: &[&Segment]) -> i64 {
    let (from, to) = (
        hole.before.ts.min(hole.after.ts).saturating_sub(COPY_NS),
        hole.before.ts.max(hole.after.ts).saturating_add(COPY_NS),
    );
    let others = of_host.iter().filter(|other| other.file != own.file);
    let held = others.map(|other| {
        let events = other.events.iter().skip(
            other
                .events
                .partition_point(|event| event.serial <= hole.before.serial),
        );
        let inside = events
            .take_while(|event| event.serial < hole.after.serial)
            .filter(|event| (from..=to).contains(&event.ts));
        i64::try_from(inside.count()).unwrap_or(i64::MAX)
    });
    // Copies of one another hold the same events.
    held.max().unwrap_or(0)
}

fn judge(segment: &Segment, hole: &Hole, explained: &Explained) -> Option<Sign> {
    let (first, last) = ends(hole);
    let host = segment.host.as_str();
    if explained.audit_lost(host, first, last) {
        return None;
    }
    let stopped = explained.auditd_changed(host, first, last);
    if stopped && last - first < STOOD_STILL_NS {
        return None;
    }
    let burst = is_burst(segment, hole, first, last);
    let (from, to) = (hole.before.serial + 1, hole.after.serial - 1);
    let between = format!("between {} and {}", Timestamp(first), Timestamp(last));
    let (severity, confidence, why) = match (stopped, burst) {
        (true, _) => (
            Severity::Low,
            0.5,
            "the audit daemon was stopped and started in that time: ask who did it and why",
        ),
        (_, true) => (
            Severity::Low,
            0.4,
            "they came many times faster than usual: the daemon may have been too slow for a burst, which the kernel's own \
             log would say (audit_lost)",
        ),
        _ => (
            Severity::Medium,
            0.8,
            "the daemon ran, and events came as fast as always: lines were taken out, or a copy was edited",
        ),
    };
    let text = format!(
        "Serials {from} to {to} are not in this file nor in another of the host, {between}. The kernel numbers its audit events \
         without gaps; {why}. Compare with `journalctl _TRANSPORT=audit` and with where audisp sends to, and look at what \
         other logs show of that time."
    );
    Some(Sign {
        sort: if stopped {
            Sort::LoggingStopped
        } else {
            Sort::Serials
        },
        number: 0,
        kind: "gap",
        host: host.to_owned(),
        log: segment.file.clone(),
        first: Some(first),
        last: Some(last),
        severity,
        confidence,
        title: format!(
            "{} audit events are missing inside {}",
            hole.missing, segment.file
        ),
        text,
        facts: vec![
            ("missing", hole.missing.into()),
            (
                "serials",
                vec![hole.before.serial, hole.after.serial].into(),
            ),
            ("thresholds", thresholds()),
        ],
        records: records(&segment.file, &segment.file, hole),
    })
}

fn thresholds() -> serde_json::Value {
    serde_json::json!({
        "least_missing": LEAST_MISSING,
        "times_usual_step": TIMES_USUAL,
        "regular_share": REGULAR,
    })
}

fn ends(hole: &Hole) -> (i64, i64) {
    (
        hole.before.ts.min(hole.after.ts),
        hole.before.ts.max(hole.after.ts),
    )
}

fn records(before: &str, after: &str, hole: &Hole) -> Vec<coldcase_model::EvidenceRecord> {
    vec![
        place(before, true, hole.before.line, Some(hole.before.ts)),
        place(after, true, hole.after.line, Some(hole.after.ts)),
    ]
}

/// Whether the missing events came much faster than the log's others.
fn is_burst(segment: &Segment, hole: &Hole, first: i64, last: i64) -> bool {
    let seconds = |ns: i64| (ns as f64 / 1e9).max(0.001);
    let times = segment.events.iter().map(|event| event.ts);
    let (begin, end) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
    let usual = segment.events.len() as f64 / seconds(end - begin);
    let here = hole.missing as f64 / seconds(last - first);
    here > BURST * usual && here > BURST_A_SECOND
}

/// Holes between the files of a rotated log.
fn edges<'a>(of_host: &[&'a Segment], explained: &Explained) -> Vec<(&'a str, Sign)> {
    let mut series: BTreeMap<&str, Vec<&'a Segment>> = BTreeMap::new();
    for segment in of_host.iter().copied() {
        if threshold(&segment.events).is_some() {
            let name = series_of(&segment.file);
            series.entry(name).or_default().push(segment);
        }
    }
    let mut found = Vec::new();
    for mut files in series.into_values() {
        files.sort_by_key(|segment| {
            let first = segment.events.first();
            (first.map(|event| event.ts), segment.file.as_str())
        });
        let mut spans: Vec<i64> = files.iter().filter_map(|file| span(file)).collect();
        spans.sort_unstable();
        let usual = spans.get(spans.len() / 2).copied().unwrap_or(0);
        for (before, after) in files.iter().zip(files.iter().skip(1)) {
            if let Some(sign) = edge(before, after, usual, of_host, explained) {
                found.push((after.file.as_str(), sign));
            }
        }
    }
    found
}

fn span(segment: &Segment) -> Option<i64> {
    let (first, last) = (segment.events.first()?, segment.events.last()?);
    Some(last.serial - first.serial + 1)
}

fn edge(
    before: &Segment,
    after: &Segment,
    usual: i64,
    of_host: &[&Segment],
    explained: &Explained,
) -> Option<Sign> {
    let (last, first) = (*before.events.last()?, *after.events.first()?);
    let least = threshold(&after.events)?;
    let mut hole = Hole {
        before: last,
        after: first,
        missing: first.serial - last.serial - 1,
    };
    if before.file == after.file || hole.missing < least || last.ts > first.ts {
        return None;
    }
    hole.missing -= held_elsewhere(&hole, before, of_host);
    let host = before.host.as_str();
    if hole.missing < least
        || explained.audit_lost(host, last.ts, first.ts)
        || explained.auditd_changed(host, last.ts, first.ts)
    {
        return None;
    }
    let whole = hole.missing as f64 >= WHOLE_FILE * usual as f64;
    let missing = hole.missing;
    let (kind, severity, confidence, what, text) = if whole {
        (
            "gap",
            Severity::Info,
            0.7,
            "not collected",
            "As many as a file of this log or more: a rotated file was most likely not collected or already rotated away. Fetch \
             it if it is still there (`ls -l /var/log/audit`).",
        )
    } else {
        (
            "truncated",
            Severity::Low,
            0.6,
            "missing at a file's edge",
            "Too few for a whole rotated file, and rotation loses no event: the end of the older or the beginning of the newer \
             file was cut, by a collector or by hand. Compare sizes and times of change on the host (`ls -l /var/log/audit`).",
        )
    };
    Some(Sign {
        sort: Sort::Serials,
        number: MOST_HOLES,
        kind,
        host: host.to_owned(),
        log: after.file.clone(),
        first: Some(last.ts),
        last: Some(first.ts),
        severity,
        confidence,
        title: format!(
            "{missing} audit events between {} and {} are {what}",
            before.file, after.file
        ),
        text: text.to_owned(),
        facts: vec![
            ("missing", missing.into()),
            ("serials", vec![last.serial, first.serial].into()),
            ("thresholds", thresholds()),
        ],
        records: records(&before.file, &after.file, &hole),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(serials: impl IntoIterator<Item = i64>) -> Vec<Event> {
        let lines = serials.into_iter().zip(1..);
        lines
            .map(|(serial, line)| Event {
                line,
                serial,
                ts: serial * 1_000_000_000,
            })
            .collect()
    }

    fn missing(serials: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let runs = runs(events(serials));
        let holes = runs.iter().flat_map(|run| holes(run));
        holes.map(|hole| hole.missing).collect()
    }

    #[test]
    fn a_hole_stands_out_of_the_steps_of_its_log() {
        assert_eq!(missing((0..400).chain(420..900)), [20]);
        assert_eq!(missing(0..900), Vec::<i64>::new(), "none");
        assert_eq!(
            missing((0..400).chain(405..900)),
            Vec::<i64>::new(),
            "small"
        );
        assert_eq!(
            missing((0..90).chain(420..500)),
            Vec::<i64>::new(),
            "few events"
        );
        let every_third = (0..900).map(|serial| serial * 3);
        assert_eq!(
            missing(every_third.chain(3000..3100)),
            Vec::<i64>::new(),
            "an export"
        );
        // One in twenty skips three: nine missing at once are usual there, twenty not.
        let loose =
            |gap: i64| (0..2000).map(move |n| n + n / 20 * 3 + if n > 1000 { gap } else { 0 });
        assert_eq!(missing(loose(9)), Vec::<i64>::new());
        assert_eq!(missing(loose(30)), [30]);
    }

    #[test]
    fn a_start_of_the_kernel_counts_anew() {
        assert_eq!(missing((5000..5400).chain(1..400)), Vec::<i64>::new());
        assert_eq!(runs(events((5000..5400).chain(1..400))).len(), 2);
        // Threads differ by a few.
        assert_eq!(runs(events([5, 7, 6, 8])).len(), 1);
    }
}
