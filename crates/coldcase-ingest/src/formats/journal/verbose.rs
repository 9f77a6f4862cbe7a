//! Journals of systemd with all fields, for reading.
//!
//! **Made by** `journalctl -o verbose`.
//!
//! **Recognised** by an entry's head, a time with the cursor in brackets, and fields indented below it:
//!
//! ```text
//! Sun 2026-06-07 14:01:00.655847 UTC [s=ff00...;i=1;b=1621...;m=27f9b4958d;t=653aa52e6a0e7;x=6c91...]
//!     _BOOT_ID=1621aee481fa42ad9693fe91a054f095
//!     SYSLOG_IDENTIFIER=sshd
//!     MESSAGE=Accepted publickey for root from 192.0.2.7 port 50122 ssh2
//! ```
//!
//! **Events**: as page `journal` tells. **Times** are the cursor's own (`t=`), in UTC to the microsecond, whatever zone
//! the head is printed in.
//!
//! **Limits.** Further lines of a value follow it, indented deeper, and are put to it. `[4.1K blob data]` stands for a value that journalctl
//! does not print without `--all`: it is unknown.
//!
//! Sources: journalctl(1), systemd `src/shared/logs-show.c`.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use super::entries::Entries;
use super::fields::{Fields, LONGEST_VALUE, is_name};
use crate::years::stamp;
use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static VERBOSE: Format = Format {
    id: "journal-verbose",
    title: "journalctl -o verbose",
    source: include_str!("verbose.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines above the first entry: a prompt, a remark.
const LINES_ABOVE: usize = 20;

fn sniff(probe: &Probe<'_>) -> Sniff {
    let mut lines = probe.lines().take(LINES_ABOVE + 2);
    while let Some(line) = lines.next() {
        if head(line).is_some() {
            let below = lines.next().unwrap_or_default();
            return match field(below) {
                Some(_) => Sniff::Sure,
                None => Sniff::No,
            };
        }
    }
    Sniff::No
}

/// The cursor of an entry's head.
fn head(line: &[u8]) -> Option<&str> {
    let (_, end) = stamp::read(line)?;
    let rest = std::str::from_utf8(line.get(end..)?).ok()?;
    let (zone, cursor) = rest.split_once('[')?;
    let cursor = cursor.trim_end().strip_suffix(']')?;
    (zone.len() < 12 && cursor.starts_with("s=") && cursor.contains(";t=")).then_some(cursor)
}

/// Name and value of a field's line.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"    ")?;
    let at = memchr::memchr(b'=', line.get(..80).unwrap_or(line))?;
    let name = line.get(..at).filter(|name| is_name(name))?;
    Some((name, line.get(at + 1..)?))
}

/// An entry on its way.
#[derive(Default)]
struct Held {
    /// Line of its head.
    line: Option<u64>,
    cursor: String,
    fields: Fields<'static>,
    /// The field whose further lines may follow.
    name: Vec<u8>,
    value: Vec<u8>,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut entries = Entries::new(input.clock);
    let mut held = Held::default();
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                held.end(&mut entries, sink);
                return Err(error.into());
            }
        };
        let place = Place::Line(line.number);
        if let Some(cursor) = head(line.bytes) {
            held.end(&mut entries, sink);
            held.line = Some(line.number);
            held.cursor = cursor.to_owned();
        } else if held.line.is_none() {
            if !line.bytes.trim_ascii().is_empty() {
                sink.skip(place, "a line above the first entry");
            }
        } else if let Some((name, value)) = field(line.bytes) {
            held.settle();
            held.name = name.to_vec();
            held.value = value.to_vec();
        } else if line.bytes.starts_with(b"     ") && held.value.len() < LONGEST_VALUE {
            held.value.push(b'\n');
            held.value.extend_from_slice(line.bytes.trim_ascii());
        } else if line.bytes.starts_with(b"-- ") {
            sink.skip(place, "remark of journalctl");
        } else if !line.bytes.trim_ascii().is_empty() {
            sink.skip(place, "a line that is no field");
        }
    }
    held.end(&mut entries, sink);
    Ok(None)
}

impl Held {
    /// Puts the last field to the others.
    fn settle(&mut self) {
        let name = std::mem::take(&mut self.name);
        let value = std::mem::take(&mut self.value);
        let unprinted = value.starts_with(b"[") && value.ends_with(b" blob data]");
        if !name.is_empty() && !unprinted {
            self.fields.set_owned(&name, &value);
        }
    }

    fn end(&mut self, entries: &mut Entries<'_>, sink: &mut dyn Sink) {
        self.settle();
        let Some(line) = self.line.take() else { return };
        let mut fields = std::mem::take(&mut self.fields);
        fields.cursor = Some(Cow::Owned(std::mem::take(&mut self.cursor)));
        sink.used(1);
        entries.entry(&fields, None, Place::Line(line), sink);
    }
}
