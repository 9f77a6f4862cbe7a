//! Logins by ssh, gathered once: forty bytes each, by source and host, in order of time. A log of a brute force has
//! millions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coldcase_model::{Basis, EvidenceRecord, Timestamp, action, outcome};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use rayon::prelude::*;
use serde::Deserialize;

/// One decision of sshd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Login {
    ts: i64,
    /// Line, or offset; -1 where neither is known.
    pub at: i64,
    user: u32,
    origin: u32,
    /// The key that opened, 0 for none.
    key: u32,
    pid: i32,
    port: i32,
    is_dated: bool,
    /// Whether it let in.
    pub success: bool,
    /// Whether it let in by what nobody guesses: a key, a host's key, a ticket.
    pub by_key: bool,
}

impl Login {
    /// When, in nanoseconds; unknown in a log whose year nothing gives.
    pub fn ts(&self) -> Option<i64> {
        self.is_dated.then_some(self.ts)
    }

    /// Identity of the connection: process and port of one host.
    pub fn connection(&self) -> (i32, i32) {
        (self.pid, self.port)
    }

    /// The account; compare, or look up with [`Logins::name`].
    pub fn user(&self) -> u32 {
        self.user
    }

    /// Whether another log of the host says the same: a syslog that writes authpriv into two files, or the
    /// journal beside syslog.
    fn is_copy_of(&self, other: &Self) -> bool {
        self.is_near(other)
            && (self.success, self.connection()) == (other.success, other.connection())
            && self.user == other.user
            && self.origin != other.origin
    }

    fn is_near(&self, other: &Self) -> bool {
        let apart = self.ts().zip(other.ts()).map(|(a, b)| a.abs_diff(b));
        apart.is_some_and(|apart| apart <= COPY_NS)
    }

    /// The timeline's order; names of files are ranks here.
    fn order(&self, ranks: &[u32]) -> (bool, i64, u32, i64) {
        let file = usize::try_from(self.origin).ok();
        let file = file.and_then(|file| ranks.get(file)).copied();
        (!self.is_dated, self.ts, file.unwrap_or(0), self.at)
    }
}

/// The same record in two logs has times that differ by their precision and by the way between the writers.
const COPY_NS: u64 = 2_000_000_000;

/// A file that tells of logins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    /// Its path in the bundle.
    pub file: String,
    /// Its format.
    pub format: String,
    /// Whether places in it are lines.
    pub by_line: bool,
    /// Whether its times rest on what was assumed.
    pub is_assumed: bool,
}

/// Logins of one source on one host.
#[derive(Debug)]
pub(crate) struct Group {
    source: u32,
    host: u32,
    /// In the timeline's order, undated ones last, copies left out.
    logins: Vec<Login>,
    /// Dated records, copies among them.
    records: usize,
    /// Which files tell of them.
    origins: BTreeSet<u32>,
}

/// Logins of one source on one host, with names.
#[derive(Clone, Copy)]
pub(crate) struct OfSource<'a> {
    /// The source's address.
    pub source: &'a str,
    /// The host logged into; empty where unknown.
    pub host: &'a str,
    /// In the timeline's order, undated ones last; each login once, though two logs tell of it.
    pub logins: &'a [Login],
    group: &'a Group,
}

impl<'a> OfSource<'a> {
    /// Those with a time.
    pub fn dated(&self) -> &'a [Login] {
        let dated = self.logins.partition_point(|login| login.is_dated);
        self.logins.get(..dated).unwrap_or_default()
    }

    /// Dated records in all logs.
    pub fn records(&self) -> usize {
        self.group.records
    }
}

/// All logins that have a source.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    names: Names,
    origins: Vec<Origin>,
    /// The place of each origin's file among all files by name.
    ranks: Vec<u32>,
    /// In order of source and host.
    groups: Vec<Group>,
}

impl Logins {
    /// Reads the timeline's logins, its parts side by side.
    pub fn gather(timeline: &Timeline) -> Result<Self, TimelineError> {
        let parts: Result<Vec<Gathered>, TimelineError> = timeline
            .parts()
            .par_iter()
            .map(|part| Gathered::of(&Timeline::of_parts(vec![part.clone()])))
            .collect();
        Ok(Self::joined(parts?))
    }

    fn joined(parts: Vec<Gathered>) -> Self {
        let mut whole = Gathered::default();
        for part in parts {
            whole.take(part);
        }
        whole.finish()
    }

    /// By source and host, in order of their names.
    pub fn by_source(&self) -> impl Iterator<Item = OfSource<'_>> {
        self.groups.iter().map(|group| OfSource {
            source: self.name(group.source),
            host: self.name(group.host),
            logins: &group.logins,
            group,
        })
    }

    /// Puts logins of several groups into the timeline's order.
    pub fn sort(&self, logins: &mut [Login]) {
        logins.sort_by_key(|login| login.order(&self.ranks));
    }

    /// A name by its number.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number)
    }

    /// The account of a login.
    pub fn user(&self, login: &Login) -> &str {
        self.name(login.user)
    }

    /// Fingerprint of the key that opened.
    pub fn key(&self, login: &Login) -> Option<&str> {
        Some(self.name(login.key)).filter(|key| !key.is_empty())
    }

    /// The file that tells of a login.
    pub fn origin(&self, login: &Login) -> Option<&Origin> {
        self.origins.get(usize::try_from(login.origin).ok()?)
    }

    /// Files that tell of a source's logins.
    pub fn origins(&self, of: &OfSource<'_>) -> impl Iterator<Item = &Origin> {
        let numbers = of.group.origins.iter();
        numbers.filter_map(|number| self.origins.get(usize::try_from(*number).ok()?))
    }

    /// The record of a login; its text is put to it later.
    pub fn record(&self, login: &Login) -> EvidenceRecord {
        let at = u64::try_from(login.at).ok();
        let origin = self.origin(login);
        let by_line = origin.is_none_or(|origin| origin.by_line);
        EvidenceRecord {
            file: origin.map_or_else(String::new, |origin| origin.file.clone()),
            line: at.filter(|_| by_line),
            offset: at.filter(|_| !by_line),
            ts: login.ts().map(Timestamp),
            text: String::new(),
        }
    }
}

/// Names held once; number 0 is the empty one.
#[derive(Debug)]
struct Names {
    all: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            all: vec!["".into()],
            known: HashMap::from([("".into(), 0)]),
        }
    }
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(0);
        self.all.push(name.into());
        self.known.insert(name.into(), number);
        number
    }

    fn get(&self, number: u32) -> &str {
        let at = usize::try_from(number).ok();
        at.and_then(|at| self.all.get(at)).map_or("", |name| name)
    }
}

/// Logins in the making, as they come.
#[derive(Default)]
struct Gathered {
    names: Names,
    origins: Vec<Origin>,
    known_origins: HashMap<Origin, u32>,
    /// By numbers of source and host.
    groups: HashMap<(u32, u32), Vec<Login>>,
}

const COLUMNS: [&str; 12] = [
    "ts_ns", "file", "line", "offset", "format", "host", "src_ip", "src_port", "user", "pid",
    "outcome", "ts_basis",
];

impl Gathered {
    fn of(part: &Timeline) -> Result<Self, TimelineError> {
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

    fn origin_number(&mut self, origin: Origin) -> u32 {
        if let Some(known) = self.known_origins.get(&origin) {
            return *known;
        }
        let number = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        self.origins.push(origin.clone());
        self.known_origins.insert(origin, number);
        number
    }

    /// Whether a success came by what nobody guesses, and by which key.
    fn opened_by(&mut self, json: &str) -> (bool, u32) {
        let opened: Opened = serde_json::from_str(json).unwrap_or_default();
        let by_key = matches!(
            opened.method.as_deref(),
            Some("publickey" | "hostbased" | "gssapi-with-mic" | "gssapi-keyex")
        );
        (by_key, opened.key.map_or(0, |key| self.names.number(&key)))
    }

    /// Takes another part's logins in.
    fn take(&mut self, other: Self) {
        if self.groups.is_empty() {
            *self = other;
            return;
        }
        let names: Vec<u32> = other
            .names
            .all
            .iter()
            .map(|name| self.names.number(name))
            .collect();
        let origins: Vec<u32> = other
            .origins
            .into_iter()
            .map(|origin| self.origin_number(origin))
            .collect();
        let new = |numbers: &[u32], old: u32| {
            let at = usize::try_from(old).ok();
            at.and_then(|at| numbers.get(at)).copied().unwrap_or(0)
        };
        for ((source, host), mut logins) in other.groups {
            for login in &mut logins {
                login.user = new(&names, login.user);
                login.key = new(&names, login.key);
                login.origin = new(&origins, login.origin);
            }
            let of = (new(&names, source), new(&names, host));
            self.groups.entry(of).or_default().append(&mut logins);
        }
    }

    /// Puts groups and their logins in order, and leaves copies out.
    fn finish(self) -> Logins {
        let ranks = ranks(&self.origins);
        let files: Vec<&str> = self.origins.iter().map(|one| one.file.as_str()).collect();
        let several_files = |origins: &BTreeSet<u32>| {
            let named = origins
                .iter()
                .filter_map(|one| files.get(usize::try_from(*one).ok()?));
            named.collect::<BTreeSet<_>>().len() > 1
        };
        let groups: Vec<((u32, u32), Vec<Login>)> = self.groups.into_iter().collect();
        let mut groups: Vec<Group> = groups
            .into_par_iter()
            .map(|((source, host), mut logins)| {
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
                    logins,
                    records,
                    origins,
                }
            })
            .collect();
        let names = self.names;
        groups.sort_by(|a, b| {
            let of = |group: &Group| (names.get(group.source), names.get(group.host));
            of(a).cmp(&of(b))
        });
        Logins {
            names,
            origins: self.origins,
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

/// Seconds within which the same account, let in from the same source, mends a failure: a person who mistyped, or a
/// client with an old password and a good key. A job that tries passwords comes back minutes later, or under another account.
pub(crate) const MENDED_SECONDS: i64 = 120;
/// Failures that one success mends: sshd itself cuts a connection after 6. More are guesses.
pub(crate) const MOST_MENDED: usize = 6;

/// Failures that a success of the same account soon after makes harmless, by their place among the logins of one source
/// on one host, which are in order of time.
pub(crate) fn mended(logins: &[Login]) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    for (index, login) in logins.iter().enumerate() {
        let Some(ts) = login.ts().filter(|_| login.success) else {
            continue;
        };
        let soon = |(_, other): &(usize, &Login)| {
            let apart = other.ts().map(|before| ts.saturating_sub(before));
            apart.is_some_and(|apart| apart <= MENDED_SECONDS * 1_000_000_000)
        };
        let earlier = logins.iter().enumerate().take(index).rev().take_while(soon);
        let own = earlier.filter(|(_, other)| other.user == login.user);
        let failed: Vec<usize> = own
            .take_while(|(_, other)| !other.success)
            .map(|(place, _)| place)
            .collect();
        if failed.len() <= MOST_MENDED {
            places.extend(failed);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(place: usize, second: i64, success: bool, user: u32) -> Login {
        Login {
            ts: second * 1_000_000_000,
            at: i64::try_from(place).expect("few"),
            user,
            origin: 0,
            key: 0,
            pid: i32::try_from(place).expect("few"),
            port: 0,
            is_dated: true,
            success,
            by_key: false,
        }
    }

    /// Logins as (seconds, let in, account); the failures that are mended, by their place.
    fn check(logins: &[(i64, bool, u32)], expected: &[usize]) {
        let logins: Vec<Login> = logins
            .iter()
            .enumerate()
            .map(|(place, (second, success, user))| login(place, *second, *success, *user))
            .collect();
        let places: Vec<usize> = mended(&logins).into_iter().collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn a_success_of_the_same_account_soon_after_mends() {
        let (ann, bob) = (1, 2);
        check(
            &[(0, false, ann), (9, false, ann), (20, true, ann)],
            &[0, 1],
        );
        check(&[(0, false, ann), (20, true, bob)], &[]);
        check(&[(0, false, ann), (121, true, ann)], &[]);
        // Another success between: the first failure belonged to that.
        check(&[(0, false, ann), (5, true, ann), (10, true, ann)], &[0]);
        // Others come in by the same translated address meanwhile.
        check(&[(0, false, ann), (5, true, bob), (10, true, ann)], &[0]);
    }

    #[test]
    fn a_run_of_guesses_is_not_mended() {
        let mut logins: Vec<(i64, bool, u32)> = (0..7).map(|at| (at * 5, false, 1)).collect();
        logins.push((40, true, 1));
        check(&logins, &[]);
    }

    fn origin(file: &str) -> Origin {
        Origin {
            file: file.to_owned(),
            format: "authlog".to_owned(),
            by_line: true,
            is_assumed: false,
        }
    }

    /// A part whose files are numbered in this order, with logins of (source, file, second, process).
    fn part(files: &[&str], logins: &[(&str, &str, i64, i32)]) -> Gathered {
        let mut gathered = Gathered::default();
        for file in files {
            gathered.origin_number(origin(file));
        }
        for (place, (source, file, second, pid)) in logins.iter().enumerate() {
            let of = (gathered.names.number(source), gathered.names.number("db"));
            let mut login = login(place, *second, false, gathered.names.number("root"));
            login.origin = gathered.origin_number(origin(file));
            login.pid = *pid;
            gathered.groups.entry(of).or_default().push(login);
        }
        gathered
    }

    fn told(logins: &Logins) -> Vec<(String, Vec<(String, i64)>)> {
        let place = |login: &Login| (logins.record(login).file, login.ts / 1_000_000_000);
        logins
            .by_source()
            .map(|of| {
                let of_source = of.logins.iter().map(place).collect();
                (of.source.to_owned(), of_source)
            })
            .collect()
    }

    #[test]
    fn parts_in_any_order_make_the_same_groups_and_copies_count_once() {
        let first = || {
            part(
                &["secure", "messages"],
                &[
                    ("10.0.0.2", "secure", 5, 7),
                    ("10.0.0.1", "secure", 9, 8),
                    ("10.0.0.1", "messages", 10, 8),
                ],
            )
        };
        let second = || {
            let logins = [("10.0.0.1", "messages", 1, 3), ("10.0.0.1", "secure", 1, 3)];
            part(&["messages", "secure"], &logins)
        };
        let expected = [
            (
                "10.0.0.1".to_owned(),
                vec![("messages".to_owned(), 1), ("secure".to_owned(), 9)],
            ),
            ("10.0.0.2".to_owned(), vec![("secure".to_owned(), 5)]),
        ];
        let joined = Logins::joined(vec![first(), second()]);
        assert_eq!(told(&joined), expected);
        let records: Vec<usize> = joined.by_source().map(|of| of.records()).collect();
        assert_eq!(records, [4, 1], "copies are records too");
        let joined = Logins::joined(vec![second(), Gathered::default(), first()]);
        assert_eq!(told(&joined), expected);
    }

    #[test]
    fn keys_open_and_passwords_do_not() {
        let mut gathered = Gathered::default();
        for (json, by_key, key) in [
            (
                r#"{"method":"publickey","key":"SHA256:abc"}"#,
                true,
                "SHA256:abc",
            ),
            (r#"{"method":"password","port":22}"#, false, ""),
            (r#"{"method":"gssapi-with-mic"}"#, true, ""),
            ("{}", false, ""),
            ("no json", false, ""),
        ] {
            let (found, number) = gathered.opened_by(json);
            assert_eq!((found, gathered.names.get(number)), (by_key, key), "{json}");
        }
    }
}
