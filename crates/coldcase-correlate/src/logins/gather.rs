//! Gathering logins from the parts of a timeline, and leaving copies out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coldcase_model::{Basis, action, outcome};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde::Deserialize;

use super::packed::Packed;
use super::{Group, Login, Logins, Origin};
use crate::names::Names;

/// Logins of a part, as they come.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) names: Names,
    origins: Vec<Origin>,
    known_origins: HashMap<Origin, u32>,
    /// By numbers of source and host.
    pub(super) groups: HashMap<(u32, u32), Vec<Login>>,
}

const COLUMNS: [&str; 12] = [
    "ts_ns", "file", "line", "offset", "format", "host", "src_ip", "src_port", "user", "pid",
    "outcome", "ts_basis",
];

impl Gathered {
    pub(super) fn of(part: &Timeline) -> Result<Self, TimelineError> {
        let mut gathered = Self::default();
        let ssh = [action::SSH_LOGIN];
        let columns = || COLUMNS.iter().copied().chain(["attributes"]);
        part.for_each_part(
            &ssh,
            &columns().collect::<Vec<_>>(),
            |rows| rows,
            |rows| gathered.read(rows),
        )?;
        Ok(gathered)
    }

    fn read(&mut self, rows: &Selection) {
        let texts = |name: &str| rows.texts(name);
        let (sources, hosts, users) = (texts("src_ip"), texts("host"), texts("user"));
        let (files, formats, bases) = (texts("file"), texts("format"), texts("ts_basis"));
        let (outcomes, attributes) = (texts("outcome"), texts("attributes"));
        let longs = |name: &str| rows.longs(name);
        let (times, pids) = (longs("ts_ns"), longs("pid"));
        let (lines, offsets) = (longs("line"), longs("offset"));
        let ports = rows.ints("src_port");
        let mut last: Option<([Option<&str>; 3], bool, u32)> = None;
        for row in 0..rows.rows() {
            let Some(source) = text(&sources, row) else {
                continue;
            };
            let line = long(&lines, row);
            let of = [text(&files, row), text(&formats, row), text(&bases, row)];
            let origin = match last {
                Some((known, by_line, number)) if known == of && by_line == line.is_some() => {
                    number
                }
                _ => self.origin(of, line.is_some()),
            };
            last = Some((of, line.is_some(), origin));
            let success = text(&outcomes, row) == Some(outcome::SUCCESS);
            let (by_key, key) = match text(&attributes, row).filter(|_| success) {
                Some(json) => self.opened_by(json),
                None => (false, 0),
            };
            let ts = long(&times, row);
            let pid = long(&pids, row).and_then(|pid| i32::try_from(pid).ok());
            let login = Login {
                ts: ts.unwrap_or(0),
                at: line.or_else(|| long(&offsets, row)).unwrap_or(-1),
                user: self.names.number(text(&users, row).unwrap_or_default()),
                origin,
                key,
                pid: pid.unwrap_or(-1),
                port: ports.get(row).copied().flatten().unwrap_or(-1),
                is_dated: ts.is_some(),
                success,
                by_key,
            };
            let host = text(&hosts, row).unwrap_or_default();
            let of = (self.names.number(source), self.names.number(host));
            self.groups.entry(of).or_default().push(login);
        }
    }

    fn origin(&mut self, [file, format, basis]: [Option<&str>; 3], by_line: bool) -> u32 {
        let origin = Origin {
            file: file.unwrap_or_default().to_owned(),
            format: format.unwrap_or_default().to_owned(),
            by_line,
            is_assumed: basis != Some(Basis::Recorded.as_str()),
        };
        self.origin_number(origin)
    }

    pub(super) fn origin_number(&mut self, origin: Origin) -> u32 {
        if let Some(known) = self.known_origins.get(&origin) {
            return *known;
        }
        let number = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        self.origins.push(origin.clone());
        self.known_origins.insert(origin, number);
        number
    }

    /// Whether a success came by what nobody guesses, and by which key.
    pub(super) fn opened_by(&mut self, json: &str) -> (bool, u32) {
        let opened: Opened = serde_json::from_str(json).unwrap_or_default();
        let by_key = matches!(
            opened.method.as_deref(),
            Some("publickey" | "hostbased" | "gssapi-with-mic" | "gssapi-keyex")
        );
        (by_key, opened.key.map_or(0, |key| self.names.number(&key)))
    }
}

/// Logins of many parts.
#[derive(Default)]
pub(super) struct Whole {
    /// Names and files of all.
    told: Gathered,
    groups: HashMap<(u32, u32), Packed>,
}

impl Whole {
    /// Takes another part's logins in.
    pub(super) fn take(&mut self, other: Gathered) {
        let names: Vec<u32> = other
            .names
            .all()
            .map(|name| self.told.names.number(name))
            .collect();
        let origins: Vec<u32> = other
            .origins
            .into_iter()
            .map(|origin| self.told.origin_number(origin))
            .collect();
        let new = |numbers: &[u32], old: u32| {
            let at = usize::try_from(old).ok();
            at.and_then(|at| numbers.get(at)).copied().unwrap_or(0)
        };
        for ((source, host), logins) in other.groups {
            let of = (new(&names, source), new(&names, host));
            let packed = self.groups.entry(of).or_default();
            for login in logins {
                packed.push(&Login {
                    user: new(&names, login.user),
                    key: new(&names, login.key),
                    origin: new(&origins, login.origin),
                    ..login
                });
            }
        }
    }

    /// Puts groups and their logins in order, and leaves copies out.
    pub(super) fn finish(self) -> Logins {
        let Gathered { names, origins, .. } = self.told;
        let ranks = ranks(&origins);
        let files: Vec<&str> = origins.iter().map(|one| one.file.as_str()).collect();
        let several_files = |origins: &BTreeSet<u32>| {
            let named = origins
                .iter()
                .filter_map(|one| files.get(usize::try_from(*one).ok()?));
            named.collect::<BTreeSet<_>>().len() > 1
        };
        // One after the other, by the thread that packed them: so what one gives back the next one takes.
        let mut groups: Vec<Group> = self
            .groups
            .into_iter()
            .map(|((source, host), packed)| {
                let mut logins = packed.logins();
                drop(packed);
                // Stable, and quick where logins are runs that are in order: those of files.
                logins.sort_by_key(|login| login.order(&ranks));
                let origins: BTreeSet<u32> = logins.iter().map(|login| login.origin).collect();
                let records = logins.iter().filter(|login| login.is_dated).count();
                // Only where several files tell of a source can one be a copy of another.
                if several_files(&origins) {
                    logins = without_copies(&logins);
                }
                Group {
                    source,
                    host,
                    first: logins.first().and_then(Login::ts),
                    successes: logins.iter().filter(|login| login.success).count(),
                    has_keys: logins.iter().any(|login| login.key != 0),
                    logins: Packed::of(&logins),
                    records,
                    origins,
                }
            })
            .collect();
        groups.sort_by(|a, b| {
            let of = |group: &Group| (names.get(group.source), names.get(group.host));
            of(a).cmp(&of(b))
        });
        Logins {
            names,
            origins,
            ranks,
            groups,
        }
    }
}

/// How a login was let in.
#[derive(Default, Deserialize)]
struct Opened {
    method: Option<String>,
    key: Option<String>,
}

fn text<'a>(column: &[Option<&'a str>], row: usize) -> Option<&'a str> {
    column.get(row).copied().flatten()
}

fn long(column: &[Option<i64>], row: usize) -> Option<i64> {
    column.get(row).copied().flatten()
}

fn ranks(origins: &[Origin]) -> Vec<u32> {
    let names: BTreeSet<&str> = origins.iter().map(|one| one.file.as_str()).collect();
    let ranks: BTreeMap<&str, u32> = names.into_iter().zip(0..).collect();
    let rank = |origin: &Origin| ranks.get(origin.file.as_str()).copied().unwrap_or(0);
    origins.iter().map(rank).collect()
}

/// Logins of several files, each told once.
fn without_copies(logins: &[Login]) -> Vec<Login> {
    let mut kept: Vec<Login> = Vec::with_capacity(logins.len());
    for login in logins {
        let mut near = kept.iter().rev().take_while(|other| login.is_near(other));
        if !near.any(|other| login.is_copy_of(other)) {
            kept.push(*login);
        }
    }
    kept
}
