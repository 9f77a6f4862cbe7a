//! Logs of Zeek (Bro): conn, dns, http, ssh, ssl, notice, files and every other path, tab-separated or as JSON lines.
//!
//! **Made by** `zeek -r trace.pcap`, a Zeek cluster (`zeekctl`: `current/`, `2023-05-10/dns.09:00:00-10:00:00.log.gz`), with
//! `LogAscii::use_json=T` or the package json-streaming-logs as JSON, and Corelight sensors.
//!
//! **Recognised** by `#separator`, or by `#fields` with the names of Zeek's fields; JSON by `ts` with `uid`, `id.orig_h` or `_path`. The
//! log is named by `#path` or `_path`, else by the fields that only one log has, else by the file's name. A file may hold several heads
//! (rotated logs run together, a restarted Zeek).
//!
//! ```text
//! #separator \x09
//! #path   conn
//! #fields ts      uid     id.orig_h       id.orig_p       id.resp_h       id.resp_p       proto   duration        conn_state
//! 1683680523.123456       CHhAvVGS1DHFjwGM9       10.0.0.5        51234   192.0.2.1       443     tcp     0.5     SF
//! ```
//!
//! **Events.**
//!
//! | log | rows |
//! | --- | --- |
//! | conn | `tcp-flow`, `udp-flow`, else `flow-listed`: packets and bytes (IP) of both ways, `ts_end` by the duration; `state` and outcome by `conn_state`: S0, SH, RSTOS0 half-open; REJ refused; S1, S2, S3, SF, RSTO, RSTR established; OTH, SHR, RSTRH midstream; further `conn_state`, `history`, `service`, `uid` |
//! | dns | `dns-query` with response code, `answers` (with `ttl`), `flags`; where an answer was seen a `dns-answer` of the resolver at `ts` and `rtt` |
//! | ssh | `tcp-flow` with `service` ssh, banners, `auth_success`, `auth_attempts`; no ssh-login, since Zeek guesses and names no user |
//! | http | `http-request` |
//! | notice, signatures, intel | `alert`; intel's indicator stands in `indicators` |
//! | dhcp | `network-listed` where an address was assigned |
//! | ssl, files, weird and all others | `log` with `program` "zeek", the fields in attributes (at most 32, cut at 512 bytes); names asked by TLS in `domain` |
//!
//! **Times** are seconds since 1970 or ISO 8601 with a zone. Where a stamp is none (baselines of Zeek's tests) it is unknown.
//!
//! **Limits.** Answers have neither name nor type of their own in dns.log: the type is given where the data is an address. Answers
//! that hold the set separator unescaped (old versions) are split there.
//!
//! Sources: Zeek's Log Formats and script reference (base/protocols/*/main.zeek, base/protocols/conn/main.zeek for `conn_state`).

use std::borrow::Cow;

use coldcase_model::{Place, Sink};
use serde_json::Value;

use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};
use record::{Layout, Record};

mod flows;
mod generic;
mod names;
mod record;
mod times;

/// The format.
pub static FORMAT: Format = Format {
    id: "zeek",
    title: "Zeek logs, tab-separated or JSON lines",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise a log.
const SNIFFED_LINES: usize = 40;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut lines, mut objects) = (0, 0);
    for line in probe.lines().take(SNIFFED_LINES) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with("#separator ") {
            return Sniff::Sure;
        }
        if let Some(fields) = text.strip_prefix("#fields\t") {
            let known = fields.split('\t').filter(|name| is_telling(name)).count();
            return if known >= 2 { Sniff::Sure } else { Sniff::No };
        }
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        lines += 1;
        if lines == 1 && text.split('\t').filter(|name| is_telling(name)).count() >= 2 {
            return Sniff::Likely;
        }
        objects += usize::from(is_object(text));
    }
    match objects * 2 > lines {
        true => Sniff::Sure,
        false => Sniff::No,
    }
}

/// Whether a field's name is one that Zeek's logs have in common.
fn is_telling(name: &str) -> bool {
    matches!(
        name,
        "ts" | "uid" | "id.orig_h" | "id.orig_p" | "id.resp_h" | "id.resp_p" | "fuid" | "proto"
    )
}

/// A JSON line of Zeek's: the stamp, and what ties it to a connection or names its log.
fn is_object(line: &str) -> bool {
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(line) else {
        return false;
    };
    let nested = map.get("id").is_some_and(|id| id.get("orig_h").is_some());
    let tied = nested || map.contains_key("id.orig_h") || map.contains_key("id.resp_h");
    let named = map.contains_key("_path");
    let only_zeek = ["fuid", "uid"]
        .iter()
        .any(|name| map.get(*name).is_some_and(is_uid));
    map.contains_key("ts") && (tied || named || only_zeek)
}

/// `CHhAvVGS1DHFjwGM9`, `FP83rC4NcNrcMNo2vc`: a letter and 96 bits in base 62.
fn is_uid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        (15..=20).contains(&text.len())
            && text.starts_with(['C', 'F'])
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Reader {
        layout: Layout::default(),
        clock: input.clock,
        name: names::of_file(input.path).to_owned(),
    };
    let mut lines = Lines::new(&mut input.reader);
    while let Some(line) = lines.next_line()? {
        reader.line(&line, sink);
    }
    Ok(None)
}

struct Reader<'a> {
    layout: Layout,
    clock: &'a crate::Clock,
    name: String,
}

impl Reader<'_> {
    fn line(&mut self, line: &Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        if line.cut {
            return sink.skip(place, "line longer than 1 MiB");
        }
        if line.bytes.trim_ascii().is_empty() {
            return sink.skip(place, "blank line");
        }
        let text = String::from_utf8_lossy(line.bytes);
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with('#') {
            let reason = match self.layout.directive(text) {
                true => "head of a log",
                false => "comment",
            };
            return sink.skip(place, reason);
        }
        if text.starts_with('{') {
            return self.object(text, line.number, sink);
        }
        // Logs whose head was cut off begin with the fields' names alone.
        if self.layout.fields.is_empty() {
            let names: Vec<_> = text.split('\t').map(str::to_owned).collect();
            if names.iter().filter(|name| is_telling(name)).count() >= 2 {
                self.layout.fields = names;
                return sink.skip(place, "head of a log");
            }
            return sink.skip(place, "a line before any head with fields");
        }
        let Some(record) = Record::of_line(&self.layout, text) else {
            let reason = match line.ended {
                true => "a line with more or fewer cells than fields",
                false => "a line cut at the end of the file",
            };
            return sink.skip(place, reason);
        };
        let path = match self.layout.path.as_str() {
            "" => Cow::Borrowed(names::of_fields(&record).unwrap_or(&self.name)),
            path => Cow::Borrowed(path),
        };
        names::emit(&path, &record, line.number, self.clock, sink);
        sink.used(1);
    }

    fn object(&self, text: &str, number: u64, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        let map = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(map)) => map,
            _ => return sink.skip(place, "a line that is no JSON object"),
        };
        let record = Record::Object(&map);
        let path = record
            .text("_path")
            .or_else(|| names::of_fields(&record).map(Cow::Borrowed))
            .unwrap_or(Cow::Borrowed(&self.name));
        names::emit(&path, &record, number, self.clock, sink);
        sink.used(1);
    }
}
