//! The logs of a case: when each file was written, in order of its lines.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::Basis;
use coldcase_timeline::{Selection, Timeline, TimelineError};
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
    let mut logs: BTreeMap<(String, String), Log> = BTreeMap::new();
    timeline.for_each_part(
        &actions,
        &columns,
        |rows| rows,
        |rows| gather(rows, &mut logs),
    )?;
    let mut logs: Vec<Log> = logs.into_values().collect();
    logs.par_iter_mut()
        .for_each(|log| log.course = Course::of(&log.rows));
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
    let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
    let of_row = |row: usize| {
        let text = |column: &[Option<_>]| column.get(row).copied().flatten();
        (text(&hosts), text(&files), text(&formats))
    };
    let mut gathered: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    let mut row = 0;
    while row < files.len() {
        // Rows of one file follow each other: its log is looked up once.
        let of = of_row(row);
        let end = (row + 1..files.len()).find(|next| of_row(*next) != of);
        let run = row..end.unwrap_or(files.len());
        row = run.end;
        if let (host, Some(file), Some(format)) = of
            && (SYSTEM.contains(&format) || OTHERS.contains(&format))
        {
            let of_file = gathered.entry((host.unwrap_or_default(), file));
            of_file.or_default().extend(run);
        }
    }
    for ((host, file), of_file) in gathered {
        let mut told = of_file.into_iter().filter_map(|row| {
            let basis: Option<&str> = bases.get(row).copied().flatten();
            let basis = basis.filter(|basis| *basis != Basis::Collected.as_str())?;
            let (line, offset) = (cell(&lines, row), cell(&offsets, row));
            let place = u64::try_from(line.or(offset)?).ok()?;
            let ts = cell(&times, row)?;
            Some((At { place, ts }, row, line.is_some(), basis))
        });
        let Some((first, row, by_line, basis)) = told.next() else {
            continue;
        };
        let key = (host.to_owned(), file.to_owned());
        let log = logs.entry(key).or_insert_with(|| Log {
            host: host.to_owned(),
            file: file.to_owned(),
            format: of_row(row).2.unwrap_or_default().to_owned(),
            by_line,
            assumed: basis != Basis::Recorded.as_str(),
            rows: Rows::default(),
            course: Course::default(),
        });
        let run = [first].into_iter().chain(told.map(|(at, ..)| at));
        log.rows.add(run.collect());
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
