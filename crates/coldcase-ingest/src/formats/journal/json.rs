//! Journals of systemd in JSON.
//!
//! **Made by** `journalctl -o json`, `-o json-pretty`, `-o json-seq` (each entry behind the byte 0x1E), `-o json-sse` (`data: ` before each);
//! also entries that another tool put into an array.
//!
//! **Recognised** by the first object's members: `__REALTIME_TIMESTAMP` with `__CURSOR`, `_BOOT_ID` or `MESSAGE`.
//!
//! ```text
//! {"__REALTIME_TIMESTAMP":"1780840860655847","_BOOT_ID":"1621...","SYSLOG_IDENTIFIER":"sshd","_PID":"812","MESSAGE":"Accepted ..."}
//! ```
//!
//! All values are texts. A list of numbers is a value in bytes (it holds control characters or is not UTF-8), a list of other values a field
//! that occurs several times (the first is taken), `null` a value that journalctl left out for its length (4 KiB; `--all` shows it).
//!
//! **Events, times**: as page `journal` tells. An object without `__REALTIME_TIMESTAMP` and `MESSAGE` is skipped.
//!
//! **Limits.** An entry may have 16 MiB; 8 KiB of a message are kept. A damaged entry costs itself alone.
//!
//! Sources: systemd `docs/JOURNAL_EXPORT_FORMATS.md`, journalctl(1).

use std::io::{self, Read};

use coldcase_model::{Place, Sink};
use serde_json::Value;

use super::entries::Entries;
use super::fields::Fields;
use crate::json::{Damage, Elements, Piece, outline, parse};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static JSON: Format = Format {
    id: "journal-json",
    title: "journalctl -o json, json-pretty, json-seq, json-sse",
    source: include_str!("json.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// What stands before each entry of a stream of server-sent events.
const EVENT: &[u8] = b"data: ";

/// The byte before each entry of a JSON text sequence (RFC 7464).
const RECORD: u8 = 0x1e;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() || !probe.head.contains(&b'{') {
        return Sniff::No;
    }
    let mut head = Vec::new();
    let _ = Unframed::new(probe.head).read_to_end(&mut head);
    let Some(outline) = outline(&head) else {
        return Sniff::No;
    };
    let others = ["__CURSOR", "_BOOT_ID", "MESSAGE", "__MONOTONIC_TIMESTAMP"];
    match outline.has("__REALTIME_TIMESTAMP") && outline.count(&others) > 0 {
        true if outline.text_lines == 0 => Sniff::Sure,
        true => Sniff::Likely,
        false => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut elements = Elements::new(Unframed::new(&mut input.reader));
    let mut entries = Entries::new(input.clock);
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => element(line, bytes, &mut entries, sink),
            Piece::EmptyList { line } => {
                let warning = "an empty list: no entry was there";
                sink.warn(Place::Line(line), warning.into());
            }
            Piece::Text { line, .. } => sink.skip(Place::Line(line), "a line that is no JSON"),
            Piece::Damaged { line, damage } => {
                let place = Place::Line(line);
                if damage != Damage::UnclosedList {
                    sink.skip(place, damage.as_str());
                }
                entries.warn_once(place, damage.as_str(), sink);
            }
        }
    }
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

fn element(line: u64, bytes: &[u8], entries: &mut Entries<'_>, sink: &mut dyn Sink) {
    let place = Place::Line(line);
    let value = match parse(bytes) {
        Ok(Value::Object(value)) => value,
        Ok(_) | Err(_) => {
            let reason = "a JSON element that is not well-formed";
            sink.skip(place, reason);
            entries.warn_once(place, reason, sink);
            return;
        }
    };
    let mut fields = Fields::default();
    let mut cut = false;
    for (name, value) in &value {
        let name = name.as_bytes();
        match value {
            Value::String(text) => fields.set(name, text.as_bytes()),
            Value::Number(number) => fields.set_owned(name, number.to_string().as_bytes()),
            Value::Array(list) => several(name, list, &mut fields),
            Value::Null => cut |= Fields::wants(name),
            Value::Bool(_) | Value::Object(_) => {}
        }
    }
    if fields.realtime.is_none() && fields.message.is_none() {
        sink.skip(place, "an object that is no journal entry");
        return;
    }
    sink.used(1);
    if cut {
        let warning = "journalctl left out values beyond 4 KiB (it was run without --all)";
        entries.warn_once(place, warning, sink);
    }
    let taken = fields.realtime.as_deref();
    let taken = taken.and_then(|text| text.trim().parse().ok());
    entries.entry(&fields, taken, place, sink);
}

/// Bytes as numbers, or values of a field that occurs several times.
fn several<'a>(name: &[u8], list: &'a [Value], fields: &mut Fields<'a>) {
    let bytes: Option<Vec<u8>> = list
        .iter()
        .map(|value| u8::try_from(value.as_u64()?).ok())
        .collect();
    match (bytes, list.first()) {
        (Some(bytes), _) => fields.set_owned(name, &bytes),
        (None, Some(Value::String(text))) => fields.set(name, text.as_bytes()),
        (None, Some(Value::Array(inner))) => {
            let bytes = inner.iter().map(|value| u8::try_from(value.as_u64()?).ok());
            if let Some(bytes) = bytes.collect::<Option<Vec<u8>>>() {
                fields.set_owned(name, &bytes);
            }
        }
        _ => {}
    }
}

/// Blanks in place of what stands before each entry, so that lines and lengths stay.
struct Unframed<R> {
    reader: R,
    /// How much of [`EVENT`] was met since the line began.
    met: Option<usize>,
}

impl<R: Read> Unframed<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            met: Some(0),
        }
    }
}

impl<R: Read> Read for Unframed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        for byte in buffer.iter_mut().take(read) {
            match self.met {
                _ if *byte == b'\n' => self.met = Some(0),
                Some(met) if EVENT.get(met) == Some(byte) => {
                    *byte = b' ';
                    self.met = Some(met + 1);
                }
                _ if *byte == RECORD => *byte = b' ',
                _ => self.met = None,
            }
        }
        Ok(read)
    }
}
