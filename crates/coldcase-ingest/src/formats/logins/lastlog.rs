//! The database `lastlog`: when each account last logged in, one record a user id.
//!
//! **Made by** `login`, `sshd` and PAM (`pam_lastlog`), kept at `/var/log/lastlog`, collected as a file.
//!
//! **Recognised** by content: records of 292 bytes (32-bit times) or 296 bytes (aarch64, s390x, riscv64: 64-bit times),
//! either byte order, of which every one is zero or holds a time from 1990 to 2100, a terminal and perhaps a host. The file is
//! sparse: where its beginning is nothing but zeros, the name `lastlog` decides.
//!
//! **Events.** `account-listed` for every account that has logged in: `ts` its last login, `src_ip` or `rhost` from where,
//! `uid` (the record's number), `tty`. The file holds no names. Records of zeros are accounts that never logged in, or
//! user ids that are not in use: counted, no rows.
//!
//! **Times** are seconds since 1970 in UTC: recorded.
//!
//! **Damage.** A record that makes no sense is skipped; a cut last record too.
//!
//! **Limits.** An account's earlier logins are overwritten. `lastlog2` (SQLite) is another format.
//!
//! Sources: lastlog(8), glibc `bits/utmp.h` (`struct lastlog`), shadow `src/lastlog.c`.

use std::borrow::Cow;
use std::io::Read;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, action};

use super::peer::Peer;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "lastlog",
    title: "lastlog: the last login of each account",
    source: include_str!("lastlog.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Seconds of the years 1990 to 2100.
const PLAUSIBLE: std::ops::Range<u64> = 631_152_000..4_102_444_800;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// Places of damage that are told one by one.
const MOST_TOLD: u64 = 100;

/// Width of a record's time in bytes, and its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Layout {
    wide: bool,
    big: bool,
}

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

struct Record<'a> {
    seconds: u64,
    tty: &'a [u8],
    host: &'a [u8],
}

impl Layout {
    fn time_size(self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn size(self) -> usize {
        self.time_size() + 32 + 256
    }

    /// The record in these bytes; `None` where they are no record.
    fn record(self, bytes: &[u8]) -> Option<Record<'_>> {
        let (time, rest) = bytes.split_at_checked(self.time_size())?;
        let (tty, host) = rest.split_at_checked(32)?;
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        let seconds = if self.big {
            time.iter().fold(0, add)
        } else {
            time.iter().rev().fold(0, add)
        };
        let (tty, host) = (printable(tty)?, printable(host.get(..256)?)?);
        (PLAUSIBLE.contains(&seconds) && !tty.is_empty()).then_some(Record { seconds, tty, host })
    }
}

/// A field up to its first NUL, where that is printable and nothing but NULs follows. One that is full is text of
/// another kind: hosts and terminals are shorter.
fn printable(field: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(0, field)?;
    let (text, rest) = field.split_at_checked(end)?;
    let is_fine = text.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
        && rest.iter().all(|byte| *byte == 0);
    is_fine.then_some(text)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The layout in which the beginning makes sense, and how many records it shows.
fn find(head: &[u8]) -> Option<(Layout, usize)> {
    let tries = LAYOUTS
        .into_iter()
        .filter_map(|layout| Some((layout, find_in(head, layout)?)));
    // Of equals the first, which is the most frequent.
    tries.rev().max_by_key(|(_, good)| *good)
}

/// How many good records these bytes have in a layout; `None` where too much is none.
fn find_in(bytes: &[u8], layout: Layout) -> Option<usize> {
    let (mut good, mut bad) = (0, 0);
    for record in bytes.chunks_exact(layout.size()) {
        if layout.record(record).is_some() {
            good += 1;
        } else if !is_zero(record) {
            bad += 1;
        }
    }
    (good > 0 && good > 2 * bad).then_some(good)
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let is_named = probe.file_name().to_ascii_lowercase().contains("lastlog");
    match find(probe.head) {
        Some((_, 1)) if !is_named => Sniff::Likely,
        Some(_) => Sniff::Sure,
        None if is_named && probe.head.len() >= 292 && is_zero(probe.head) => Sniff::Likely,
        None => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Reader {
        buffer: Vec::new(),
        offset: 0,
        bad: 0,
        clock: input.clock,
    };
    let mut layout = None;
    loop {
        let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        let read = (&mut input.reader)
            .take(limit)
            .read_to_end(&mut reader.buffer);
        let ended = !matches!(read, Ok(1..));
        layout = layout.or_else(|| reader.begin(ended, sink));
        match layout {
            Some(layout) => reader.records(layout, sink),
            None => reader.pass_zeros(),
        }
        if ended {
            reader.end(layout, sink);
            read?;
            return Ok(None);
        }
    }
}

/// The bytes that were read and not yet used.
struct Reader<'c> {
    buffer: Vec<u8>,
    /// Of the buffer's first byte.
    offset: u64,
    bad: u64,
    clock: &'c Clock,
}

impl Reader<'_> {
    /// The layout, as soon as something is not zero: that in which the buffer makes sense. The zeros before are
    /// records then, and the one into which the first bytes fall is made whole.
    fn begin(&mut self, ended: bool, sink: &mut dyn Sink) -> Option<Layout> {
        let first = self.buffer.iter().position(|byte| *byte != 0)?;
        let (layout, aligned) = LAYOUTS
            .into_iter()
            .rev()
            .filter_map(|layout| {
                let size = layout.size();
                let into = self.offset % size as u64;
                let mut aligned = vec![0; usize::try_from(into).ok()?];
                aligned.extend_from_slice(&self.buffer);
                let good = find_in(&aligned, layout)?;
                Some((good, layout, aligned))
            })
            .max_by_key(|(good, ..)| *good)
            .map(|(_, layout, aligned)| (layout, aligned))
            .or_else(|| {
                let is_all = ended || self.buffer.len() - first >= CHUNK;
                is_all.then(|| (Layout::default(), self.buffer.clone()))
            })?;
        self.offset -= (aligned.len() - self.buffer.len()) as u64;
        self.buffer = aligned;
        sink.used(self.offset / layout.size() as u64);
        Some(layout)
    }

    /// Of a beginning of zeros only the length is kept.
    fn pass_zeros(&mut self) {
        let zeros = self.buffer.iter().position(|byte| *byte != 0);
        let zeros = zeros.unwrap_or(self.buffer.len());
        // A record's time may begin with zeros.
        let passed = zeros.saturating_sub(8);
        self.offset += passed as u64;
        self.buffer.drain(..passed);
    }

    fn records(&mut self, layout: Layout, sink: &mut dyn Sink) {
        let (size, mut zeros, mut done) = (layout.size(), 0, 0);
        for bytes in self.buffer.chunks_exact(size) {
            let offset = self.offset + done as u64;
            done += size;
            if is_zero(bytes) {
                zeros += 1;
            } else if let Some(record) = layout.record(bytes) {
                sink.event(&event(&record, offset, layout, self.clock));
                sink.used(1);
            } else {
                self.bad += 1;
                damaged(offset, self.bad, sink);
            }
        }
        if zeros > 0 {
            sink.used(zeros);
        }
        self.offset += done as u64;
        self.buffer.drain(..done);
    }

    fn end(&mut self, layout: Option<Layout>, sink: &mut dyn Sink) {
        let mut rest = self.buffer.len();
        if layout.is_none() {
            let size = Layout::default().size() as u64;
            let zeros = self.offset + rest as u64;
            sink.used(zeros / size);
            rest = usize::try_from(zeros % size).unwrap_or(0);
            self.offset = zeros - zeros % size;
        }
        if rest > 0 {
            let place = Place::Offset(self.offset);
            sink.skip(place, "cut record");
            let warning = format!("the file ends inside of a record: {rest} bytes");
            sink.warn(place, warning);
        }
    }
}

fn damaged(offset: u64, count: u64, sink: &mut dyn Sink) {
    let place = Place::Offset(offset);
    sink.skip(place, "not a lastlog record");
    if count <= MOST_TOLD {
        sink.warn(place, "a record that makes no sense".to_owned());
    }
}

fn event(record: &Record<'_>, offset: u64, layout: Layout, clock: &Clock) -> Event<'static> {
    let uid = offset / layout.size() as u64;
    let (tty, host) = (
        String::from_utf8_lossy(record.tty),
        String::from_utf8_lossy(record.host),
    );
    let peer = Peer::whole(&host);
    let mut attributes = Attributes::new();
    attributes
        .number("uid", uid)
        .text("tty", &tty)
        .text_if("rhost", peer.name.as_deref())
        .text_if("display", peer.display.as_deref());
    let from = peer
        .shown()
        .map_or_else(String::new, |from| format!(" from {from}"));
    let at = i64::try_from(record.seconds).ok();
    let at = at.and_then(Timestamp::from_seconds);
    Event {
        when: at.map(|at| clock.recorded(at, Precision::S)),
        src_ip: peer.address.as_deref().map(|ip| Cow::Owned(ip.to_owned())),
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(Cow::Owned(format!(
            "user id {uid} last logged in on {tty}{from}"
        ))),
        offset: Some(offset),
        ..Event::new(action::ACCOUNT_LISTED)
    }
}
