//! Journals of systemd in the export format.
//!
//! **Made by** `journalctl -o export`, systemd-journal-gatewayd and systemd-journal-upload.
//!
//! **Recognised** by lines `NAME=value` with `__REALTIME_TIMESTAMP=` and `__CURSOR=` among the first.
//!
//! ```text
//! __CURSOR=s=f1ea...;i=1;b=1621...;m=27f9b4958d;t=653aa52e6a0e7;x=6c91...
//! __REALTIME_TIMESTAMP=1780840860655847
//! _BOOT_ID=1621aee481fa42ad9693fe91a054f095
//! SYSLOG_IDENTIFIER=sshd
//! _PID=812
//! MESSAGE=Accepted publickey for root from 192.0.2.7 port 50122 ssh2
//! ```
//!
//! An empty line ends an entry. A value with control characters stands in binary: the name alone on its line, its length as
//! 64-bit little-endian number, the bytes, a line end. Read as they stand; where a length can't be true, reading goes on at the next entry.
//!
//! **Events, times**: as page `journal` tells. The line of an event is that of its entry's first field; line ends within
//! binary values count.
//!
//! **Limits.** 64 KiB of a value are kept, 8 KiB of a message; a binary value that lies about its length within 768 MiB costs the entries that it swallows.
//!
//! Sources: systemd `docs/JOURNAL_EXPORT_FORMATS.md`, journalctl(1).

use std::io::{self, Read};

use coldcase_model::{Place, Sink};

use super::entries::Entries;
use super::fields::{Fields, LONGEST_VALUE, is_name};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static EXPORT: Format = Format {
    id: "journal-export",
    title: "journalctl -o export",
    source: include_str!("export.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Longest line taken; a text value beyond it is cut.
const LONGEST_LINE: usize = 1 << 20;

/// Longest binary value that is held to see whether it ends where it says.
const HELD_VALUE: u64 = 16 << 20;

/// Longest value that journald writes.
const LONGEST_BINARY: u64 = 768 << 20;

/// Lines above the first entry: a prompt, a remark.
const LINES_ABOVE: usize = 20;

const CHUNK: usize = 1 << 16;

fn sniff(probe: &Probe<'_>) -> Sniff {
    let head = probe
        .head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(probe.head);
    let mut above = 0;
    let (mut time, mut cursor, mut names) = (false, false, 0);
    for line in head.split(|byte| *byte == b'\n').take(4 * LINES_ABOVE) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let named = split(line).is_some();
        if names == 0 && !named {
            above += 1;
            if above > LINES_ABOVE {
                return Sniff::No;
            }
            continue;
        }
        names += usize::from(named);
        let digits = line.strip_prefix(b"__REALTIME_TIMESTAMP=");
        time |= digits
            .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
        cursor |= line.starts_with(b"__CURSOR=") || line.starts_with(b"_BOOT_ID=");
        if line.is_empty() {
            break;
        }
    }
    match (time, cursor) {
        (true, true) if above == 0 => Sniff::Sure,
        (true, true) => Sniff::Likely,
        (true, false) if names >= 3 => Sniff::Likely,
        _ => Sniff::No,
    }
}

/// Name and value of a line of text.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'=', line.get(..80).unwrap_or(line))?;
    let name = line.get(..at).filter(|name| is_name(name))?;
    Some((name, line.get(at + 1..)?))
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut bytes = Bytes::new(&mut input.reader);
    let mut export = Export {
        entries: Entries::new(input.clock),
        fields: Fields::default(),
        begun: None,
        seeking: false,
    };
    let read = export.read(&mut bytes, sink);
    export.end(sink);
    read.map(|()| None).map_err(IngestError::from)
}

struct Export<'a> {
    entries: Entries<'a>,
    fields: Fields<'static>,
    /// Line of the entry's first field.
    begun: Option<u64>,
    /// After damage: lines are passed over up to the next entry.
    seeking: bool,
}

impl Export<'_> {
    fn read<R: Read>(&mut self, bytes: &mut Bytes<R>, sink: &mut dyn Sink) -> io::Result<()> {
        while let Some(line) = bytes.next_line()? {
            let text = line.text.strip_suffix(b"\r").unwrap_or(line.text);
            let text = match line.number {
                1 => text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
                _ => text,
            };
            let place = Place::Line(line.number);
            if line.cut {
                sink.warn(place, "a line beyond 1 MiB was cut".into());
            }
            if text.is_empty() {
                self.seeking = false;
                self.end(sink);
                continue;
            }
            if self.seeking && !text.starts_with(b"__CURSOR=") {
                continue;
            }
            if let Some((name, value)) = split(text) {
                if name == b"__CURSOR" && self.fields.cursor.is_some() {
                    self.seeking = false;
                    self.end(sink);
                }
                self.begun.get_or_insert(line.number);
                self.fields.set_owned(name, value);
            } else if is_name(text) && line.ended {
                let (name, number) = (text.to_vec(), line.number);
                let value = bytes.binary()?;
                self.binary(&name, value, number, sink);
            } else if line.ended {
                sink.skip(place, "a line that is no field");
            } else {
                sink.skip(place, "the file ends inside of a field");
            }
        }
        Ok(())
    }

    /// The value of a field whose name stood alone.
    fn binary(&mut self, name: &[u8], value: Binary, number: u64, sink: &mut dyn Sink) {
        self.begun.get_or_insert(number);
        match value {
            Binary::Value(value) => self.fields.set_owned(name, &value),
            Binary::Cut(value) => {
                self.fields.set_owned(name, &value);
                let warning = "the file ends inside of a binary field";
                sink.warn(Place::Line(number), warning.into());
            }
            Binary::Damaged => {
                let reason = "a binary field whose length is not true";
                sink.skip(Place::Line(number), reason);
                let warning = "a binary field whose length is not true: up to the next entry all was passed over";
                self.entries.warn_once(Place::Line(number), warning, sink);
                self.seeking = true;
            }
        }
    }

    /// Emits the entry that was read.
    fn end(&mut self, sink: &mut dyn Sink) {
        let Some(line) = self.begun.take() else {
            return;
        };
        let fields = std::mem::take(&mut self.fields);
        sink.used(1);
        let taken = fields.realtime.as_deref();
        let taken = taken.and_then(|text| text.trim().parse().ok());
        self.entries.entry(&fields, taken, Place::Line(line), sink);
    }
}

/// A line without its end.
struct Text<'a> {
    number: u64,
    text: &'a [u8],
    cut: bool,
    ended: bool,
}

/// What follows a name that stands alone.
enum Binary {
    /// The first bytes of a whole value.
    Value(Vec<u8>),
    /// What the file holds of it.
    Cut(Vec<u8>),
    /// The length is not true; nothing was taken.
    Damaged,
}

/// Lines and counted bytes out of one stream.
struct Bytes<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    /// Line ends passed.
    ends: u64,
    /// Whether the rest of a line that was cut is to be passed over.
    in_line: bool,
}

impl<R: Read> Bytes<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            at_end: false,
            ends: 0,
            in_line: false,
        }
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads on; whether anything came.
    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let read = loop {
            let room = self.buffer.get_mut(held..).unwrap_or_default();
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + *read.as_ref().unwrap_or(&0));
        self.at_end = !matches!(read, Ok(1..));
        read.map(|read| read > 0)
    }

    /// Passes over bytes that are held.
    fn pass(&mut self, count: usize) {
        let passed = self.held().get(..count).unwrap_or(self.held());
        let ends = memchr::memchr_iter(b'\n', passed).count();
        self.ends += u64::try_from(ends).unwrap_or(0);
        self.start = self.start.saturating_add(count).min(self.buffer.len());
    }

    fn next_line(&mut self) -> io::Result<Option<Text<'_>>> {
        while std::mem::take(&mut self.in_line) {
            match memchr::memchr(b'\n', self.held()) {
                Some(end) => self.pass(end + 1),
                None => {
                    self.pass(self.held().len());
                    self.in_line = self.fill()?;
                }
            }
        }
        let mut scanned = 0;
        let (length, ended, cut) = loop {
            let rest = self.held().get(scanned..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                break (scanned + end, true, false);
            }
            scanned += rest.len();
            if scanned > LONGEST_LINE {
                break (LONGEST_LINE, false, true);
            }
            if !self.fill()? {
                break (scanned, false, false);
            }
        };
        if length == 0 && !ended {
            return Ok(None);
        }
        let number = self.ends + 1;
        let start = self.start;
        self.pass(length + usize::from(ended));
        self.in_line = cut;
        Ok(Some(Text {
            number,
            text: self.buffer.get(start..start + length).unwrap_or_default(),
            cut,
            ended: ended || cut,
        }))
    }

    /// Length, bytes and line end. Short values are looked at before anything is taken.
    fn binary(&mut self) -> io::Result<Binary> {
        while self.held().len() < 8 && self.fill()? {}
        let Some((size, _)) = self.held().split_first_chunk::<8>() else {
            self.pass(self.held().len());
            return Ok(Binary::Cut(Vec::new()));
        };
        let size = u64::from_le_bytes(*size);
        if size > LONGEST_BINARY {
            return Ok(Binary::Damaged);
        }
        let (Ok(length), true) = (usize::try_from(size), size <= HELD_VALUE) else {
            return self.long(size);
        };
        while self.held().len() <= 8 + length && self.fill()? {}
        let kept = 8 + length.min(LONGEST_VALUE);
        let value = self.held().get(8..kept).or_else(|| self.held().get(8..));
        let value = value.unwrap_or_default().to_vec();
        match self.held().get(8 + length) {
            Some(b'\n') => {
                self.pass(8 + length + 1);
                Ok(Binary::Value(value))
            }
            Some(_) => Ok(Binary::Damaged),
            None => {
                self.pass(self.held().len());
                Ok(Binary::Cut(value))
            }
        }
    }

    /// A value too long to be held.
    fn long(&mut self, size: u64) -> io::Result<Binary> {
        self.pass(8);
        while self.held().len() < LONGEST_VALUE && self.fill()? {}
        let held = self.held();
        let value = held.get(..LONGEST_VALUE).unwrap_or(held).to_vec();
        let mut left = size.saturating_add(1);
        while left > 0 {
            let held = self.held().len();
            let taken = usize::try_from(left).map_or(held, |left| left.min(held));
            self.pass(taken);
            left -= u64::try_from(taken).unwrap_or(left);
            if left > 0 && !self.fill()? {
                return Ok(Binary::Cut(value));
            }
        }
        Ok(Binary::Value(value))
    }
}
