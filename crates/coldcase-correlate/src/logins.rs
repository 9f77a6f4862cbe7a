//! Logins by ssh, gathered once, by source and host, in order of time. A log of a brute force has millions: they are packed,
//! and who looks at those of a source unpacks them.

use std::collections::BTreeSet;

use coldcase_model::{EvidenceRecord, Timestamp};
use coldcase_timeline::{Timeline, TimelineError};
use rayon::prelude::*;

use gather::{Gathered, Whole};
use packed::Packed;

use crate::names::Names;

mod gather;
mod mended;
mod packed;
#[cfg(test)]
mod tests;

pub(crate) use mended::{MENDED_SECONDS, MOST_MENDED, mended};

/// One decision of sshd.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    logins: Packed,
    /// Dated records, copies among them.
    records: usize,
    /// The first dated one.
    first: Option<i64>,
    /// Logins that were let in.
    successes: usize,
    /// Whether a key is known of any.
    has_keys: bool,
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
    group: &'a Group,
}

impl OfSource<'_> {
    /// In the timeline's order, undated ones last; each login once, though two logs tell of it.
    pub fn logins(&self) -> Vec<Login> {
        self.group.logins.logins()
    }

    /// Those with a time.
    pub fn dated(&self) -> Vec<Login> {
        let mut logins = self.logins();
        logins.truncate(logins.partition_point(|login| login.is_dated));
        logins
    }

    /// When the first came.
    pub fn first(&self) -> Option<i64> {
        self.group.first
    }

    /// How many logins.
    pub fn count(&self) -> usize {
        self.group.logins.count()
    }

    /// How many were let in.
    pub fn successes(&self) -> usize {
        self.group.successes
    }

    /// Whether it is known of any with which key it was let in.
    pub fn has_keys(&self) -> bool {
        self.group.has_keys
    }

    /// Dated records in all logs.
    pub fn records(&self) -> usize {
        self.group.records
    }
}

/// Parts whose logins wait unpacked for those before.
const PARTS_AT_ONCE: usize = 16;

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
        let mut whole = Whole::default();
        for some in timeline.parts().chunks(PARTS_AT_ONCE) {
            let parts: Result<Vec<Gathered>, TimelineError> = some
                .par_iter()
                .map(|part| Gathered::of(&Timeline::of_parts(vec![part.clone()])))
                .collect();
            whole.take(parts?);
        }
        Ok(whole.finish())
    }

    /// By source and host, in order of their names.
    pub fn by_source(&self) -> impl Iterator<Item = OfSource<'_>> {
        self.groups.iter().map(|group| self.of(group))
    }

    /// Likewise, to be looked at side by side.
    pub fn par_by_source(&self) -> impl IndexedParallelIterator<Item = OfSource<'_>> {
        self.groups.par_iter().map(|group| self.of(group))
    }

    fn of<'a>(&'a self, group: &'a Group) -> OfSource<'a> {
        OfSource {
            source: self.name(group.source),
            host: self.name(group.host),
            group,
        }
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
