//! # iftop: rates of pairs of hosts
//!
//! The text of `iftop -t -s 10` (`-P` with ports, `-n` without names, `-B` in bytes), also several reports in one file.
//!
//! **Recognised** by the head `# Host name (port/service if enabled)` with its columns `last 2s last 10s last 40s cumulative`.
//!
//!     interface: enp1s0
//!     IP address is: 192.0.2.7
//!     Listening on enp1s0
//!        # Host name (port/service if enabled)            last 2s   last 10s   last 40s cumulative
//!     --------------------------------------------------------------------------------------------
//!        1 192.0.2.7                                =>     11.3Mb     9.38Mb     9.38Mb     11.7MB
//!          198.51.100.20                            <=         0b         0b         0b         0B
//!
//! **Rows** at the moment of collection: one `flow-listed` a pair, the upper host in `src_*`, the lower in `dst_*`; the rates of the
//! last 10 seconds in `bytes_per_second_out` (`=>`) and `bytes_per_second_in` (`<=`), the cumulative bytes of both directions in
//! `bytes`. One more for the totals, with `total` and `peak_bytes_per_second_out`, `..._in`; its `src_ip` is the address in the
//! preamble. iftop rounds to three digits and counts 1024 to a unit, so all these are rounded. `b` are bits, `B` bytes.
//!
//! Names of hosts, and what was cut to the column (`*` at its end), stay in `local_text`, `peer_text`.
//!
//! **Limits**: the full-screen display (without `-t`) is not read. Sources: iftop(8), iftop `tui.c`, `ui_common.c`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action, canonical_ip};

use super::endpoint::{Endpoint, Star};
use super::plain::{Reader, is_rule, number_and_unit, other_line, probe_lines, read_lines, scaled};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "iftop",
    title: "rates of pairs of hosts: iftop -t",
    source: include_str!("iftop.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn is_header(text: &str) -> bool {
    text.contains("Host name (port/service if enabled)") && text.contains("cumulative")
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    match probe_lines(probe).take(60).any(|text| is_header(&text)) {
        true => Sniff::Sure,
        false => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut report = Report {
        clock: input.clock,
        interface: None,
        address: None,
        upper: None,
        totals: Totals::default(),
        any: false,
    };
    read_lines(input, &mut report, sink)
}

/// One line of a pair: a host and its rates.
struct Half {
    line: u64,
    end: Endpoint,
    /// Bytes a second over the last 10 seconds.
    rate: Option<i64>,
    /// Bytes since the start.
    bytes: Option<i64>,
}

#[derive(Default)]
struct Totals {
    line: Option<u64>,
    out: Option<i64>,
    received: Option<i64>,
    peak_out: Option<i64>,
    peak_in: Option<i64>,
    bytes: Option<i64>,
}

struct Report<'a> {
    clock: &'a Clock,
    interface: Option<String>,
    address: Option<String>,
    upper: Option<Half>,
    totals: Totals,
    any: bool,
}

/// Bytes of `9.38Mb` (bits) or `11.7MB` (bytes).
fn bytes(text: &str) -> Option<i64> {
    let (number, unit) = number_and_unit(text);
    let (prefix, is_bits) = match unit.strip_suffix('b') {
        Some(prefix) => (prefix, true),
        None => (unit.strip_suffix('B')?, false),
    };
    let power = match prefix {
        "" => 0,
        "K" | "k" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    let factor = 1024_f64.powi(power);
    scaled(number, if is_bits { factor / 8.0 } else { factor })
}

/// Reads `host => 2s 10s 40s cumulative`.
fn half(line: u64, host: &str, rates: &str) -> Option<Half> {
    let rates: Vec<&str> = rates.split_ascii_whitespace().take(8).collect();
    let [_, ten, _, total] = rates.as_slice() else {
        return None;
    };
    let host = host.trim();
    let is_cut = host.ends_with('*');
    let end = match canonical_ip(host) {
        Some(ip) => Endpoint {
            ip: Some(ip.into_owned()),
            ..Endpoint::default()
        },
        None => match Endpoint::parse(host, Star::Unknown) {
            Some(end) if !is_cut => end,
            _ => Endpoint {
                text: Some(host.to_owned()),
                ..Endpoint::default()
            },
        },
    };
    Some(Half {
        line,
        end,
        rate: bytes(ten),
        bytes: bytes(total),
    })
}

impl Report<'_> {
    fn pair(&mut self, upper: &Half, lower: Option<&Half>, sink: &mut dyn Sink) {
        let lower_end = lower.map(|half| &half.end);
        let mut attributes = Attributes::new();
        attributes
            .number_if("bytes_per_second_out", upper.rate)
            .number_if("bytes_per_second_in", lower.and_then(|half| half.rate))
            .text_if("interface", self.interface.as_deref())
            .text_if("local_text", upper.end.text.as_deref())
            .text_if("peer_text", lower_end.and_then(|end| end.text.as_deref()));
        let mut event = Event::new(action::FLOW_LISTED);
        event.when = self.clock.collected();
        event.line = Some(upper.line);
        event.src_ip = upper.end.ip.as_deref().map(Cow::Borrowed);
        event.src_port = upper.end.port;
        event.dst_ip = lower_end.and_then(|end| end.ip.as_deref().map(Cow::Borrowed));
        event.dst_port = lower_end.and_then(|end| end.port);
        event.bytes = match (upper.bytes, lower) {
            (Some(sent), Some(lower)) => lower.bytes.and_then(|got| sent.checked_add(got)),
            _ => None,
        };
        let shown = |rate: Option<i64>| rate.map_or("?".to_owned(), |rate| rate.to_string());
        let name = |end: &Endpoint| match (&end.text, &end.ip, end.port) {
            (None, Some(ip), None) => ip.clone(),
            _ => end.shown(),
        };
        event.message = Some(
            format!(
                "{} sends {} B/s to {}, receives {} B/s",
                name(&upper.end),
                shown(upper.rate),
                lower_end.map_or("?".to_owned(), name),
                shown(lower.and_then(|half| half.rate)),
            )
            .into(),
        );
        event.attributes = attributes.finish().map(Cow::Owned);
        sink.event(&event);
        self.any = true;
    }

    /// An upper line without a lower one.
    fn settle(&mut self, sink: &mut dyn Sink) {
        if let Some(upper) = self.upper.take() {
            self.pair(&upper, None, sink);
            let warning = "a pair without its second line".to_owned();
            sink.warn(Place::Line(upper.line), warning);
        }
    }

    fn total(&mut self, number: u64, text: &str) -> bool {
        let Some((name, values)) = text.trim_start().split_once(':') else {
            return false;
        };
        let values: Vec<Option<i64>> = values.split_ascii_whitespace().take(4).map(bytes).collect();
        let value = |at: usize| values.get(at).copied().flatten();
        let totals = &mut self.totals;
        match name {
            "Total send rate" => totals.out = value(1),
            "Total receive rate" => totals.received = value(1),
            "Total send and receive rate" => {}
            "Peak rate (sent/received/total)" => {
                (totals.peak_out, totals.peak_in) = (value(0), value(1));
            }
            "Cumulative (sent/received/total)" => totals.bytes = value(2),
            _ => return false,
        }
        totals.line.get_or_insert(number);
        true
    }

    fn emit_totals(&mut self, sink: &mut dyn Sink) {
        let totals = std::mem::take(&mut self.totals);
        let Some(line) = totals.line else {
            return;
        };
        let mut attributes = Attributes::new();
        attributes
            .number_if("bytes_per_second_out", totals.out)
            .number_if("bytes_per_second_in", totals.received)
            .text_if("interface", self.interface.as_deref())
            .flag("total", true)
            .number_if("peak_bytes_per_second_out", totals.peak_out)
            .number_if("peak_bytes_per_second_in", totals.peak_in);
        let mut event = Event::new(action::FLOW_LISTED);
        event.when = self.clock.collected();
        event.line = Some(line);
        event.src_ip = self.address.as_deref().map(Cow::Borrowed);
        event.bytes = totals.bytes;
        let shown = |rate: Option<i64>| rate.map_or("?".to_owned(), |rate| rate.to_string());
        let message = format!(
            "{} sends {} B/s in all, receives {} B/s",
            self.interface.as_deref().unwrap_or("the host"),
            shown(totals.out),
            shown(totals.received)
        );
        event.message = Some(message.into());
        event.attributes = attributes.finish().map(Cow::Owned);
        sink.event(&event);
        self.any = true;
    }

    /// Takes a line of the preamble.
    fn preamble(&mut self, text: &str) -> bool {
        let text = text.trim();
        if let Some(name) = text
            .strip_prefix("interface:")
            .or(text.strip_prefix("Listening on "))
        {
            self.interface = Some(name.trim().to_owned());
        } else if let Some(address) = text.strip_prefix("IP address is:") {
            self.address = canonical_ip(address.trim()).map(Cow::into_owned);
        } else {
            return text.starts_with("MAC address is:") || text.starts_with("IPv6 address is:");
        }
        true
    }
}

impl Reader for Report<'_> {
    fn line(&mut self, number: u64, text: &str, _ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        if let Some((host, rates)) = text.split_once(" => ") {
            self.settle(sink);
            // The number of the pair stands before its host.
            let host = host.trim_start();
            let host = match host.split_once(' ') {
                Some((rank, rest)) if rank.bytes().all(|byte| byte.is_ascii_digit()) => rest,
                _ => host,
            };
            self.upper = half(number, host, rates);
            match self.upper {
                Some(_) => sink.used(1),
                None => sink.skip(place, "a pair that is not whole"),
            }
        } else if let Some((host, rates)) = text.split_once(" <= ") {
            match (self.upper.take(), half(number, host, rates)) {
                (Some(upper), lower @ Some(_)) => {
                    self.pair(&upper, lower.as_ref(), sink);
                    sink.used(1);
                }
                (upper, _) => {
                    self.upper = upper;
                    sink.skip(place, "a pair that is not whole");
                }
            }
        } else if self.total(number, text) || self.preamble(text) {
            sink.used(1);
        } else if is_header(text) {
            self.settle(sink);
            self.emit_totals(sink);
            sink.used(1);
        } else {
            self.settle(sink);
            if is_rule(text) && text.trim().starts_with('=') {
                self.emit_totals(sink);
            }
            sink.skip(place, other_line(text));
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.settle(sink);
        self.emit_totals(sink);
        if !self.any {
            sink.warn(Place::Whole, "no pair of hosts in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn pairs_and_totals() {
        check(
            &FORMAT,
            "interface: eth0\nIP address is: 192.0.2.7\nMAC address is: 52:54:00:00:00:07\nListening on eth0\n\
             \x20  # Host name (port/service if enabled)            last 2s   last 10s   last 40s cumulative\n----\n\
             \x20  1 192.0.2.7:ssh                     =>     11.3Mb     8.00Kb     9.38Mb     1.00KB\n\
             \x20    [2001:db8::1]:1234                <=         0b        16b         0b       24B\n\
             \x20  2 gateway.example                   =>     11.3Mb     8.00KB     9.38Mb     1.00KB\n----\n\
             Total send rate:                 818Mb      8.00Kb      831Mb\n\
             Total receive rate:              818Mb      16b      831Mb\n\
             Cumulative (sent/received/total):                    1.01GB     57.3KB     1.00KB\n====\n",
            &[
                "192.0.2.7:22 sends 1024 B/s to [2001:db8::1]:1234, receives 2 B/s",
                "gateway.example sends 8192 B/s to ?, receives ? B/s",
                "eth0 sends 1024 B/s in all, receives 2 B/s",
            ],
        );
    }
}
