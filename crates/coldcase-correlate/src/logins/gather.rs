//! Gathering logins from the parts of a timeline, and leaving copies out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coldcase_model::{Basis, action, outcome};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use rayon::prelude::*;
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

/// Sources are shared out by number, each share to be packed by one thread at a time.
const SHARES: usize = 8;

/// Logins of many parts.
#[derive(Default)]
pub(super) struct Whole {
    /// Names and files of all.
    told: Gathered,
    shares: [Share; SHARES],
}

/// Packed logins of some sources, by numbers of source and host.
type Share = HashMap<(u32, u32), Packed>;

/// A part's logins, and what its numbers of names and files are among those of all.
struct Renumbered {
    groups: HashMap<(u32, u32), Vec<Login>>,
    names: Vec<u32>,
    origins: Vec<u32>,
}

impl Whole {
    /// Takes some parts' logins in, in their order.
    pub(super) fn take(&mut self, parts: Vec<Gathered>) {
        let parts: Vec<Renumbered> = parts.into_iter().map(|part| self.renumber(part)).collect();
        let shares = self.shares.par_iter_mut().enumerate();
        shares.for_each(|(number, share)| {
            for part in &parts {
                part.pack(share, |source| share_of(source) == number);
            }
        });
    }

    fn renumber(&mut self, part: Gathered) -> Renumbered {
        let told = &mut self.told;
        let names = part.names.all().map(|name| told.names.number(name));
        let names = names.collect();
        let origins = part.origins.into_iter();
        let origins = origins.map(|origin| told.origin_number(origin)).collect();
        Renumbered {
            groups: part.groups,
            names,
            origins,
        }
    }

    /// Puts groups and their logins in order, and leaves copies out.
    pub(super) fn finish(self) -> Logins {
        let Gathered { names, origins, .. } = self.told;
        let ranks = ranks(&origins);
        let files: Vec<&str> = origins.iter().map(|one| one.file.as_str()).collect();
        // Those of a share one after the other: so what one gives back the next one takes.
        let in_order = |share: Share| -> Vec<Group> {
            let groups = share.into_iter();
            groups
                .map(|(of, packed)| group(of, packed, &ranks, &files))
                .collect()
        };
        let shares = self.shares.into_par_iter().map(in_order);
        let mut groups: Vec<Group> = shares.collect::<Vec<_>>().into_iter().flatten().collect();
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

fn share_of(source: u32) -> usize {
    usize::try_from(source).unwrap_or(0) % SHARES
}

impl Renumbered {
    /// Packs the logins of some sources.
    fn pack(&self, share: &mut Share, is_wanted: impl Fn(u32) -> bool) {
        let new = |numbers: &[u32], old: u32| {
            let at = usize::try_from(old).ok();
            at.and_then(|at| numbers.get(at)).copied().unwrap_or(0)
        };
        for ((source, host), logins) in &self.groups {
            let of = (new(&self.names, *source), new(&self.names, *host));
            if !is_wanted(of.0) {
                continue;
            }
            let packed = share.entry(of).or_default();
            for login in logins {
                packed.push(&Login {
                    user: new(&self.names, login.user),
                    key: new(&self.names, login.key),
                    origin: new(&self.origins, login.origin),
                    ..*login
                });
            }
        }
    }
}

/// The logins of a source on a host in order, without copies.
fn group((source, host): (u32, u32), packed: Packed, ranks: &[u32], files: &[&str]) -> Group {
    let mut logins = packed.logins();
    drop(packed);
    // Stable, and quick where logins are runs that are in order: those of files.
    logins.sort_by_key(|login| login.order(ranks));
    let origins: BTreeSet<u32> = logins.iter().map(|login| login.origin).collect();
    let records = logins.iter().filter(|login| login.is_dated).count();
    let named = origins
        .iter()
        .filter_map(|one| files.get(usize::try_from(*one).ok()?));
    // Only where several files tell of a source can one be a copy of another.
    if named.collect::<BTreeSet<_>>().len() > 1 {
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
