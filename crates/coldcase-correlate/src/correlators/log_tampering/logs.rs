//! The logs of a case: when each file was written, in order of its lines.

use std::collections::BTreeMap;

use coldcase_model::Basis;
use coldcase_timeline::{PartCells, Timeline, TimelineError};
use rayon::prelude::*;

use super::course::Course;
use super::rows::{At, Rows};

/// System logs, in order of writing.
const SYSTEM: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];
/// What else is written in order.
const OTHERS: [&str; 5] = ["auditd", "container-log", "app-log", "coredns", "utmp"];

/// One file's rows of one host.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub host: String,
    pub file: String,
    pub format: String,
    /// Whether places are lines.
    pub by_line: bool,
    /// Whether the zone of its times is only assumed.
    pub assumed: bool,
    pub rows: Rows,
    pub course: Course,
}

impl Log {
    /// A system log or the audit log: what runs as long as the host does.
    pub fn is_of_system(&self) -> bool {
        self.format == "auditd" || SYSTEM.contains(&self.format.as_str())
    }
}

/// Logs of the case, by host and file.
pub(super) fn load(timeline: &Timeline) -> Result<Vec<Log>, TimelineError> {
    const COLUMNS: [&str; 7] = [
        "ts_ns", "ts_basis", "host", "format", "file", "line", "offset",
    ];
    let mut logs: BTreeMap<(String, String), Log> = BTreeMap::new();
    for part in 0..timeline.parts().len() {
        if let Some(cells) = timeline.cells(part, &COLUMNS)? {
            gather(&cells, &mut logs);
        }
    }
    let mut logs: Vec<Log> = logs.into_values().collect();
    logs.par_iter_mut()
        .for_each(|log| log.course = Course::of(&log.rows));
    Ok(logs)
}

fn gather(cells: &PartCells, logs: &mut BTreeMap<(String, String), Log>) {
    let (times, lines, offsets) = (
        cells.longs("ts_ns"),
        cells.longs("line"),
        cells.longs("offset"),
    );
    let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
    let mut gathered: BTreeMap<(&str, &str), (Log, Vec<At>)> = BTreeMap::new();
    for run in cells.runs(["host", "file", "format", "ts_basis"]) {
        let [host, Some(file), Some(format), Some(basis)] = run.texts else {
            continue;
        };
        let is_log = SYSTEM.contains(&format) || OTHERS.contains(&format);
        if !is_log || basis == Basis::Collected.as_str() {
            continue;
        }
        let host = host.unwrap_or_default();
        let placed = run.rows.filter_map(|row| {
            let line = cell(&lines, row);
            let place = u64::try_from(line.or_else(|| cell(&offsets, row))?).ok()?;
            let ts = cell(&times, row)?;
            Some((At { place, ts }, line.is_some()))
        });
        let mut placed = placed.peekable();
        let Some((_, by_line)) = placed.peek().copied() else {
            continue;
        };
        let (_, rows) = gathered.entry((host, file)).or_insert_with(|| {
            let log = Log {
                host: host.to_owned(),
                file: file.to_owned(),
                format: format.to_owned(),
                by_line,
                assumed: basis != Basis::Recorded.as_str(),
                rows: Rows::default(),
                course: Course::default(),
            };
            (log, Vec::new())
        });
        rows.extend(placed.map(|(at, _)| at));
    }
    for ((host, file), (log, rows)) in gathered {
        let key = (host.to_owned(), file.to_owned());
        logs.entry(key).or_insert(log).rows.add(rows);
    }
}

/// A path without what rotation and compression put into it: `secure-20230402.gz`, `auth.log.2`.
pub(super) fn series_of(path: &str) -> &str {
    const ENDINGS: [&str; 8] = ["gz", "bz2", "xz", "zst", "lz4", "Z", "old", "txt"];
    let mut base = path;
    // A name has an ending or two, and a number or date.
    for _ in 0..4 {
        let Some(at) = base.rfind(['.', '-', '_']) else {
            break;
        };
        let (bare, ending) = (base.get(..at), base.get(at + 1..));
        let (Some(bare), Some(ending)) = (bare, ending) else {
            break;
        };
        if bare.is_empty() || bare.ends_with('/') || ending.contains('/') {
            break;
        }
        let is_number = !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_digit());
        let after_dot = base.get(at..).is_some_and(|rest| rest.starts_with('.'));
        // `k8s-node-14` is a name; `-20230402` a date, `.14` a rotation.
        let of_rotation = is_number && (after_dot || ending.len() >= 8);
        if !(of_rotation || (after_dot && ENDINGS.contains(&ending))) {
            break;
        }
        base = bare;
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_series() {
        for (path, expected) in [
            ("db-07/secure", "db-07/secure"),
            ("db-07/secure-20230402", "db-07/secure"),
            ("db-07/secure-20230402.gz", "db-07/secure"),
            ("h/auth.log.2.gz", "h/auth.log"),
            ("h/audit/audit.log.4", "h/audit/audit.log"),
            ("h/messages.20230402-1680000000", "h/messages"),
            ("h/wtmp.old", "h/wtmp"),
            ("h/app-7", "h/app-7"),
            ("k8s-node-14/cron", "k8s-node-14/cron"),
            ("/var/log/secure", "/var/log/secure"),
            (".bash_history", ".bash_history"),
            ("", ""),
        ] {
            assert_eq!(series_of(path), expected, "{path}");
        }
    }
}
