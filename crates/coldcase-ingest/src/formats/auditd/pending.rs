//! An event whose records are being collected: their text is copied out of the line buffer once, and read
//! when the event is complete.

use std::ops::Range;

use super::kind::Kind;
use super::record::{Record, Stamp};

/// Most text that one event may hold: enough for [`super::execve::MAX_COMMAND`] in hex with all that
/// stands beside it.
pub const MAX_EVENT: usize = 1 << 18;

/// Most records that one event may hold.
pub const MAX_RECORDS: usize = 4096;

/// One record's text as the row builder reads it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The type's number.
    pub kind: Kind,
    /// The type as written; empty where the number tells it.
    pub name: &'a [u8],
    /// The fields, without enrichment.
    pub body: &'a [u8],
    /// The names that auditd added after the byte 0x1D.
    pub enriched: &'a [u8],
    /// Whether the text is interpreted.
    pub plain: bool,
}

impl<'a> Part<'a> {
    /// A record that need not wait for others.
    pub fn of_record(record: &Record<'a>) -> Self {
        let (body, enriched) = split_enrichment(record.body);
        Self {
            kind: record.kind,
            name: record.name,
            body,
            enriched,
            plain: record.plain,
        }
    }
}

fn split_enrichment(body: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(0x1d, body) {
        Some(at) => (
            body.get(..at).unwrap_or(body),
            body.get(at + 1..).unwrap_or_default(),
        ),
        None => (body, b""),
    }
}

/// Which event a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its number; a made-up one where the text has none.
    pub serial: u64,
    /// Its time in nanoseconds, as [`Stamp::at_ns`].
    pub at_ns: i64,
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    plain: bool,
    name: Range<usize>,
    body: Range<usize>,
}

/// An open event.
#[derive(Debug)]
pub struct Pending {
    /// Which event.
    pub key: Key,
    /// Time as its first record has it.
    pub stamp: Stamp,
    /// The host that its records name.
    pub node: Vec<u8>,
    /// Line of its first record.
    pub line: u64,
    /// Whether its end was seen.
    pub ended: bool,
    /// Whether earlier records of it went out as an event before.
    pub late: bool,
    /// Whether it may have begun in the file before.
    pub at_head: bool,
    records: Vec<Held>,
    text: Vec<u8>,
}

impl Pending {
    /// An event without records yet.
    pub fn new() -> Self {
        Self {
            key: Key {
                serial: 0,
                at_ns: 0,
            },
            stamp: Stamp::UNKNOWN,
            node: Vec::new(),
            line: 0,
            ended: false,
            late: false,
            at_head: false,
            records: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Makes this the event that this record opens.
    pub fn open(&mut self, key: Key, record: &Record<'_>, line: u64) {
        self.key = key;
        self.stamp = record.stamp;
        self.node.clear();
        self.node.extend_from_slice(record.node);
        self.line = line;
        self.ended = false;
        self.late = false;
        self.at_head = false;
        self.records.clear();
        self.text.clear();
    }

    /// Adds a record's text; `false` where the event already holds more than it may.
    pub fn add(&mut self, record: &Record<'_>) -> bool {
        let name: &[u8] = match record.kind {
            Kind::UNKNOWN => record.name,
            _ => b"",
        };
        self.push(record.kind, record.plain, name, record.body)
    }

    fn push(&mut self, kind: Kind, plain: bool, name: &[u8], body: &[u8]) -> bool {
        let fits = self.text.len() + name.len() + body.len() <= MAX_EVENT;
        if !fits || self.records.len() >= MAX_RECORDS {
            return false;
        }
        let start = self.text.len();
        self.text.extend_from_slice(name);
        let middle = self.text.len();
        self.text.extend_from_slice(body);
        self.records.push(Held {
            kind,
            plain,
            name: start..middle,
            body: middle..self.text.len(),
        });
        true
    }

    /// Adds the records of the same event that stood in the next file; `false` where some don't fit.
    pub fn append(&mut self, later: &Pending) -> bool {
        self.ended |= later.ended;
        later
            .records
            .iter()
            .map(|held| {
                let name = later.text.get(held.name.clone()).unwrap_or_default();
                let body = later.text.get(held.body.clone()).unwrap_or_default();
                self.push(held.kind, held.plain, name, body)
            })
            .fold(true, |all, fits| all & fits)
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a record of this type is held.
    pub fn holds(&self, kind: Kind) -> bool {
        self.records.iter().any(|held| held.kind == kind)
    }

    /// The records' text, in the order in which they came.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> + Clone {
        self.records.iter().map(|held| {
            let text = self.text.get(held.body.clone()).unwrap_or_default();
            let (body, enriched) = split_enrichment(text);
            Part {
                kind: held.kind,
                name: self.text.get(held.name.clone()).unwrap_or_default(),
                body,
                enriched,
                plain: held.plain,
            }
        })
    }
}
