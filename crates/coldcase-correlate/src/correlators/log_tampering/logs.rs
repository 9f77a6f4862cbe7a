//! The logs of a case as moments in order of their lines: sixteen bytes a row, no texts.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::Basis;
use coldcase_timeline::polars::prelude::{Expr, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};

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

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Line, or offset.
    pub place: u64,
    pub ts: i64,
}

/// One file's rows of one host, in order of line.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub host: String,
    pub file: String,
    pub format: String,
    /// Whether places are lines.
    pub by_line: bool,
    /// Whether the zone of its times is only assumed.
    pub assumed: bool,
    pub rows: Vec<At>,
}

impl Log {
    /// A system log or the audit log: what runs as long as the host does.
    pub fn is_of_system(&self) -> bool {
        self.format == "auditd" || SYSTEM.contains(&self.format.as_str())
    }
}

/// Logs of the case, by host and file.
pub(super) fn load(timeline: &Timeline) -> Result<Vec<Log>, TimelineError> {
    let actions: BTreeSet<&str> = timeline
        .parts()
        .iter()
        .flat_map(|part| &part.actions)
        .map(String::as_str)
        .collect();
    let actions: Vec<&str> = actions.into_iter().collect();
    let columns = [
        "ts_ns", "ts_basis", "host", "format", "file", "line", "offset",
    ];
    let of_logs = || -> Expr {
        let formats = SYSTEM.iter().chain(&OTHERS);
        let any = formats
            .map(|format| col("format").eq(lit(*format)))
            .reduce(|a, b| a.or(b));
        any.unwrap_or_else(|| lit(false))
    };
    let mut logs: BTreeMap<(String, String), Log> = BTreeMap::new();
    timeline.for_each_part(
        &actions,
        &columns,
        |rows| {
            let dated = col("ts_ns").is_not_null();
            let seen = col("ts_basis").neq(lit(Basis::Collected.as_str()));
            rows.filter(of_logs().and(dated).and(seen))
        },
        |rows| gather(rows, &mut logs),
    )?;
    let mut logs: Vec<Log> = logs.into_values().collect();
    for log in &mut logs {
        log.rows.sort_unstable();
    }
    Ok(logs)
}

fn gather(rows: &Selection, logs: &mut BTreeMap<(String, String), Log>) {
    let (hosts, files) = (rows.texts("host"), rows.texts("file"));
    let (formats, bases) = (rows.texts("format"), rows.texts("ts_basis"));
    let (times, lines, offsets) = (
        rows.longs("ts_ns"),
        rows.longs("line"),
        rows.longs("offset"),
    );
    let mut gathered: BTreeMap<(&str, &str), (usize, bool, Vec<At>)> = BTreeMap::new();
    for (row, file) in files.iter().enumerate() {
        let cell = |column: &[Option<i64>]| column.get(row).copied().flatten();
        let (line, offset) = (cell(&lines), cell(&offsets));
        let place = line.or(offset).and_then(|place| u64::try_from(place).ok());
        let (Some(file), Some(ts), Some(place)) = (*file, cell(&times), place) else {
            continue;
        };
        let host = hosts.get(row).copied().flatten().unwrap_or_default();
        let entry = gathered.entry((host, file));
        let of_file = entry.or_insert_with(|| (row, line.is_some(), Vec::new()));
        of_file.2.push(At { place, ts });
    }
    for ((host, file), (row, by_line, rows)) in gathered {
        let key = (host.to_owned(), file.to_owned());
        let format = formats.get(row).copied().flatten().unwrap_or_default();
        let log = logs.entry(key).or_insert_with(|| Log {
            host: host.to_owned(),
            file: file.to_owned(),
            format: format.to_owned(),
            by_line,
            assumed: bases.get(row).copied().flatten() != Some(Basis::Recorded.as_str()),
            rows: Vec::new(),
        });
        log.rows.extend(rows);
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
