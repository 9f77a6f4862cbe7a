//! The layouts of a utmpx record, and which of them a file has.
//!
//! | offset | 384 bytes | 400 bytes |
//! | --- | --- | --- |
//! | 0 | type, 16 bits | the same |
//! | 4 | pid, 32 bits | the same |
//! | 8, 40, 44, 76 | line (32), id (4), user (32), host (256) | the same |
//! | 332 | termination and exit status, 16 bits each | the same |
//! | 336 | session, 32 bits | session, 64 bits |
//! | 340, 344 | seconds, microseconds, 32 bits each | (344, 352) 64 bits each |
//! | 348 | address, 16 octets in network order | (360) the same |

use std::borrow::Cow;

use coldcase_model::{Place, Precision, Timestamp};

use super::record::Record;
use crate::Clock;

/// Seconds of the years 1990 to 2100: what a login record's time may be.
const PLAUSIBLE: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// How far from its beginning a file's first whole record is looked for: the longest record.
pub const LONGEST: usize = 400;

/// Size and byte order of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// 64-bit times, 400 bytes.
    pub wide: bool,
    /// Most significant byte first.
    pub big: bool,
}

/// All layouts, the most frequent first.
const LAYOUTS: [Layout; 4] = [
    Layout {
        wide: false,
        big: false,
    },
    Layout {
        wide: true,
        big: false,
    },
    Layout {
        wide: true,
        big: true,
    },
    Layout {
        wide: false,
        big: true,
    },
];

/// What one record's bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// A record with a known type and a plausible time.
    Good,
    /// A known type, but without a time, or without anything that says something.
    Thin,
    /// Nothing but zeros.
    Zeroed,
    /// Not a record.
    Bad,
}

/// What a file's beginning shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How its records are laid out.
    pub layout: Layout,
    /// Where the first begins.
    pub start: usize,
    /// How many good ones were seen.
    pub good: usize,
}

impl Layout {
    /// Bytes of a record.
    pub fn size(self) -> usize {
        if self.wide { 400 } else { 384 }
    }

    /// What these bytes look like; they are at least as long as a record.
    pub fn looks(self, bytes: &[u8]) -> Looks {
        let kind = self.unsigned(bytes, 0, 2);
        if kind > 9 {
            return Looks::Bad;
        }
        let (seconds, micros) = self.time(bytes);
        if seconds == 0 {
            let record = bytes.get(..self.size()).unwrap_or(bytes);
            let zeroed = record.iter().all(|byte| *byte == 0);
            return match zeroed {
                true => Looks::Zeroed,
                false if kind > 0 && says(bytes) && self.is_text(bytes) => Looks::Thin,
                false => Looks::Bad,
            };
        }
        if !PLAUSIBLE.contains(&seconds) || !(0..1_000_000).contains(&micros) {
            return Looks::Bad;
        }
        if !self.is_text(bytes) {
            return Looks::Bad;
        }
        if kind > 0 && says(bytes) {
            Looks::Good
        } else {
            Looks::Thin
        }
    }

    /// Whether terminal and host are printable up to their first NUL. The user is not asked: in btmp it is
    /// whatever a stranger sent.
    fn is_text(self, bytes: &[u8]) -> bool {
        [(8, 32), (76, 256)].iter().all(|(at, length)| {
            let field = field(bytes, *at, *length);
            // A host that fills its 256 bytes is text of another kind.
            field.len() < 256 && field.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
        })
    }

    fn time(self, bytes: &[u8]) -> (i64, i64) {
        if self.wide {
            (self.signed64(bytes, 344), self.signed64(bytes, 352))
        } else {
            // The 32 bits are read unsigned: that is how glibc goes on after 2038.
            let read = |at| i64::try_from(self.unsigned(bytes, at, 4)).unwrap_or(i64::MAX);
            (read(340), read(344))
        }
    }

    /// The record in these bytes.
    pub fn record<'a>(self, bytes: &'a [u8], offset: u64, clock: &Clock) -> Record<'a> {
        let (seconds, micros) = self.time(bytes);
        let nanos = u32::try_from(micros.saturating_mul(1_000)).unwrap_or(0);
        let precision = if nanos == 0 {
            Precision::S
        } else {
            Precision::Us
        };
        let at = Timestamp::from_parts(seconds, nanos).filter(|_| PLAUSIBLE.contains(&seconds));
        let session = if self.wide {
            self.signed64(bytes, 336)
        } else {
            self.signed32(bytes, 336)
        };
        let mut address = [0; 16];
        let address_at = if self.wide { 360 } else { 348 };
        if let Some(octets) = bytes.get(address_at..address_at + 16) {
            address.copy_from_slice(octets);
        }
        Record {
            place: Place::Offset(offset),
            kind: i64::try_from(self.unsigned(bytes, 0, 2)).unwrap_or(-1),
            pid: self.signed32(bytes, 4),
            line: text(bytes, 8, 32),
            id: text(bytes, 40, 4),
            user: text(bytes, 44, 32),
            host: text(bytes, 76, 256),
            exit: i64::try_from(self.unsigned(bytes, 334, 2)).unwrap_or(0),
            session,
            when: at.map(|at| clock.recorded(at, precision)),
            address,
        }
    }

    fn unsigned(self, bytes: &[u8], at: usize, length: usize) -> u64 {
        let Some(field) = bytes.get(at..at + length) else {
            return 0;
        };
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        if self.big {
            field.iter().fold(0, add)
        } else {
            field.iter().rev().fold(0, add)
        }
    }

    fn signed32(self, bytes: &[u8], at: usize) -> i64 {
        let unsigned = u32::try_from(self.unsigned(bytes, at, 4)).unwrap_or(0);
        i64::from(unsigned.cast_signed())
    }

    fn signed64(self, bytes: &[u8], at: usize) -> i64 {
        self.unsigned(bytes, at, 8).cast_signed()
    }
}

/// Whether a terminal, user or host is there.
fn says(bytes: &[u8]) -> bool {
    let is_there = |at: &usize| bytes.get(*at).is_some_and(|byte| *byte != 0);
    [8, 44, 76].iter().any(is_there)
}

/// A field up to its first NUL.
fn field(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    let field = bytes.get(at..at + length).unwrap_or_default();
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end).unwrap_or(field)
}

fn text(bytes: &[u8], at: usize, length: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(field(bytes, at, length))
}

/// The layout with which most of a file's beginning makes sense: half of what is not zeroed, or more.
pub fn find(head: &[u8]) -> Option<Found> {
    if let Some(found) = best(head, 0, 1) {
        return Some(found);
    }
    // A file that was cut at its front begins inside of a record.
    let starts = 1..LONGEST.min(head.len());
    starts
        .filter_map(|start| best(head, start, 3))
        .max_by_key(|found| (found.good, std::cmp::Reverse(found.start)))
}

fn best(head: &[u8], start: usize, least: usize) -> Option<Found> {
    let rest = head.get(start..)?;
    let mut best: Option<Found> = None;
    for layout in LAYOUTS {
        let (mut good, mut bad, mut seen) = (0, 0, 0);
        for record in rest.chunks_exact(layout.size()) {
            match layout.looks(record) {
                Looks::Good => good += 1,
                Looks::Bad => bad += 1,
                Looks::Thin | Looks::Zeroed => {}
            }
            seen += 1;
            // Of the many starts that are tried, most are given up early.
            if (bad > 8 && bad > 4 * good) || (start > 0 && seen > 8 && good == 0) {
                break;
            }
        }
        if good >= least && good >= bad && best.is_none_or(|best| best.good < good) {
            best = Some(Found {
                layout,
                start,
                good,
            });
        }
    }
    best
}
