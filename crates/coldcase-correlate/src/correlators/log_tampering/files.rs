//! What files themselves show: links to `/dev/null`, zeroed records, times of change before the content.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, Severity, Timestamp, action};
use coldcase_timeline::polars::prelude::col;
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use serde_json::{Value, json};

use super::holds;
use super::logs::Log;
use super::shell::{Target, target};
use super::signs::{Sign, Sort, place};
use crate::evidence::record;

/// A file's change and its last record differ by buffers and by how exact listings are.
const SLACK_NS: i64 = 3600 * 1_000_000_000;
/// Where one of two zones is only assumed: zones span 26 hours, those of one company half of it.
const ZONE_SLACK_NS: i64 = 15 * 3600 * 1_000_000_000;
/// Records after the time of change that are asked for: one may be of a clock that was off.
const LEAST_LATER: usize = 3;
/// Most records of evidence of each sign.
const MOST_RECORDS: usize = 20;

/// Histories and logs that are links to `/dev/null`.
pub(super) fn linked(timeline: &Timeline) -> Result<Vec<Sign>, TimelineError> {
    let actions = [
        action::FILE_MODIFIED,
        action::FILE_CHANGED,
        action::FILE_CREATED,
        action::FILE_ACCESSED,
    ];
    let columns = ["host", "path", "attributes", "message"];
    let rows = timeline.select_where(&actions, &columns, |rows| {
        let to_null = holds("attributes", r#""target":"/dev/null""#);
        rows.filter(to_null)
    })?;
    let mut found: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for row in 0..rows.rows() {
        let Some(path) = rows.text("path", row) else {
            continue;
        };
        if matches!(target(path), Some(Target::Logins | Target::History)) {
            let host = rows.text("host", row).unwrap_or_default();
            let key = (host.to_owned(), path.to_owned());
            found.entry(key).or_default().push(row);
        }
    }
    let signs = found.into_iter().map(|((host, log), of_log)| {
        let first = of_log.iter().filter_map(|row| rows.long("ts_ns", *row)).min();
        Sign {
            sort: Sort::Link,
            number: 0,
            kind: "cleared",
            title: format!("{log} is a link to /dev/null"),
            host,
            log,
            first,
            last: first,
            severity: Severity::Medium,
            confidence: 0.8,
            text: "What is written there is lost from the moment when the link was made. Some images and hardening scripts do so \
                   for service accounts; for an account that people use, ask who made it. Look at who was logged in then, and \
                   at what the other logs show of that account."
                .to_owned(),
            facts: Vec::new(),
            records: records(&rows, &of_log),
        }
    });
    Ok(signs.collect())
}

fn records(rows: &Selection, of_sign: &[usize]) -> Vec<EvidenceRecord> {
    let shown = of_sign.iter().take(MOST_RECORDS);
    shown.map(|row| record(rows, *row)).collect()
}

/// Zeroed records in login databases.
pub(super) fn zeroed(timeline: &Timeline) -> Result<Vec<Sign>, TimelineError> {
    let columns = ["host", "format", "attributes", "message"];
    let is_utmp = |format: &str| format == "utmp";
    let is_zeroed = |attributes: &str| attributes.contains(r#""zeroed":"#);
    let zeroed: [&[TextSign<'_>]; 2] = [
        &[TextSign::of_all(&["format"], &is_utmp)],
        &[TextSign::of_all(&["attributes"], &is_zeroed)],
    ];
    let rows = timeline.select_texts(&[action::LOG], &columns, &zeroed)?;
    if rows.rows() == 0 {
        return Ok(Vec::new());
    }
    let power = timeline.select(&[action::BOOT, action::SHUTDOWN], &["format"])?;
    let mut files: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for row in 0..rows.rows() {
        let cell = |name| rows.text(name, row).unwrap_or_default().to_owned();
        files
            .entry((cell("host"), cell("file")))
            .or_default()
            .push(row);
    }
    let signs = files
        .into_iter()
        .map(|((host, file), of_file)| wiped(&rows, &power, host, file, &of_file));
    Ok(signs.collect())
}

/// A run of zeroed records.
struct Run {
    count: i64,
    after: Option<i64>,
    before: Option<i64>,
}

fn run(rows: &Selection, row: usize) -> Run {
    let json = rows.text("attributes", row).unwrap_or_default();
    let json: Value = serde_json::from_str(json).unwrap_or_default();
    let time = |name| {
        let text = json.get(name).and_then(Value::as_str)?;
        Timestamp::parse_rfc3339(text).map(Timestamp::nanos)
    };
    Run {
        count: json.get("zeroed").and_then(Value::as_i64).unwrap_or(1),
        after: time("after"),
        before: time("before"),
    }
}

fn wiped(
    rows: &Selection,
    power: &Selection,
    host: String,
    file: String,
    of_file: &[usize],
) -> Sign {
    let runs: Vec<Run> = of_file.iter().map(|row| run(rows, *row)).collect();
    let is_event = |at: Option<i64>, wanted: &str| {
        at.is_some()
            && (0..power.rows()).any(|row| {
                power.long("ts_ns", row) == at
                    && power.text("file", row) == Some(file.as_str())
                    && power.text("action", row) == Some(wanted)
            })
    };
    // What a crash leaves ends with the start of the host that nothing shut down.
    let of_crash =
        |run: &Run| is_event(run.before, action::BOOT) && !is_event(run.after, action::SHUTDOWN);
    let name = file
        .rsplit('/')
        .next()
        .unwrap_or(&file)
        .to_ascii_lowercase();
    let slots = name.contains("utmp") && !name.contains("dump");
    let count: i64 = runs.iter().map(|run| run.count).sum();
    let (severity, confidence, reading) = if slots {
        (
            Severity::Low,
            0.4,
            "utmp keeps a slot a terminal, and unused ones may be zeros.",
        )
    } else if runs.iter().all(of_crash) {
        (
            Severity::Low,
            0.4,
            "They end with a start of the host that no shutdown precedes: a crash leaves zeros too.",
        )
    } else {
        (
            Severity::Medium,
            0.8,
            "No program of the system writes such records: log wipers leave them where a login was.",
        )
    };
    let records = if count == 1 { "record" } else { "records" };
    Sign {
        sort: Sort::Zeroed,
        number: 0,
        kind: "cleared",
        title: format!("{count} {records} of {file} zeroed"),
        host,
        first: runs.iter().filter_map(|run| run.after).min(),
        last: runs.iter().filter_map(|run| run.before).max(),
        severity,
        confidence,
        text: format!(
            "{reading} The records around them say when. Compare with sshd's own log and with lastlog, which such tools often \
             forget: a login that stands there and not here is the one that was hidden."
        ),
        facts: vec![("records", count.into())],
        records: self::records(rows, of_file),
        log: file,
    }
}

/// A log as a listing shows it.
struct Listed {
    row: usize,
    changed: i64,
    assumed: bool,
}

/// Logs whose time of change lies before what they hold, while the listing is newer than that.
pub(super) fn changed_before(
    timeline: &Timeline,
    logs: &[Log],
) -> Result<Vec<Sign>, TimelineError> {
    let columns = ["host", "path", "ts_basis", "ts_precision", "message"];
    let rows = timeline.select_where(&[action::FILE_MODIFIED], &columns, |rows| {
        let of_logs = holds("path", "^/?var/log/|/var/log/");
        rows.filter(of_logs.and(col("ts_ns").is_not_null()))
    })?;
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    let mut listed: BTreeMap<(&str, &str), Listed> = BTreeMap::new();
    for row in 0..rows.rows() {
        let (Some(ts), Some(path)) = (rows.long("ts_ns", row), rows.text("path", row)) else {
            continue;
        };
        let listing = newest.entry(rows.text("file", row).unwrap_or_default());
        let at = listing.or_insert(ts);
        *at = ts.max(*at);
        let name = path.rsplit('/').next().unwrap_or(path);
        let host = rows.text("host", row).unwrap_or_default();
        let span = if rows.text("ts_precision", row) == Some("day") {
            24 * SLACK_NS
        } else {
            SLACK_NS / 60
        };
        listed.insert(
            (host, name),
            Listed {
                row,
                changed: ts.saturating_add(span),
                assumed: rows.text("ts_basis", row) != Some("recorded"),
            },
        );
    }
    let mut signs = Vec::new();
    let mut told = BTreeSet::new();
    for log in logs.iter().filter(|log| log.is_of_system()) {
        let name = log.file.rsplit('/').next().unwrap_or(&log.file);
        let Some(one) = listed.get(&(log.host.as_str(), name)) else {
            continue;
        };
        let listing = rows.text("file", one.row).unwrap_or_default();
        let seen = newest.get(listing).copied().unwrap_or(i64::MIN);
        if let Some(sign) = later(&rows, one, log, seen).filter(|_| told.insert(&log.file)) {
            signs.push(sign);
        }
    }
    Ok(signs)
}

fn later(rows: &Selection, listed: &Listed, log: &Log, seen: i64) -> Option<Sign> {
    // A local time needs a zone to be compared with an epoch; two local times of one host err alike.
    let slack = if listed.assumed == log.assumed {
        SLACK_NS
    } else {
        ZONE_SLACK_NS
    };
    let from = listed.changed.saturating_add(slack);
    let until = seen.saturating_sub(slack);
    let mut count = 0_usize;
    let mut edges = None;
    log.rows.each(|at| {
        if (from..until).contains(&at.ts) {
            count += 1;
            edges = Some((edges.map_or(at, |(first, _)| first), at));
        }
    });
    let (first, last) = edges?;
    if count < LEAST_LATER {
        return None;
    }
    let path = rows.text("path", listed.row).unwrap_or_default();
    let changed = rows.long("ts_ns", listed.row)?;
    Some(Sign {
        sort: Sort::ChangedBefore,
        number: 0,
        kind: "time-reversal",
        host: log.host.clone(),
        log: log.file.clone(),
        first: Some(changed),
        last: Some(last.ts),
        severity: Severity::Low,
        confidence: 0.5,
        title: format!("{path} was last changed before {count} of its records"),
        text: format!(
            "The listing gives {} as its last change, yet it holds records up to {}, and the listing itself is of {} or later. \
             The time was set back (`touch`), the file was put back from a copy, or another file of this name was listed. \
             Compare with the time of the inode's change: `stat {path}`.",
            Timestamp(changed),
            Timestamp(last.ts),
            Timestamp(seen)
        ),
        facts: vec![
            ("records_after", count.into()),
            (
                "thresholds",
                json!({ "slack_seconds": slack / 1_000_000_000 }),
            ),
        ],
        records: vec![
            record(rows, listed.row),
            place(&log.file, log.by_line, first.place, Some(first.ts)),
            place(&log.file, log.by_line, last.place, Some(last.ts)),
        ],
    })
}
