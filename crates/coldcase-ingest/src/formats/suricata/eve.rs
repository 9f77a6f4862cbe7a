//! Suricata's `eve.json`: alerts, flows, DNS, HTTP, TLS, SSH and all other events, one JSON object a line.
//!
//! **Made by** the output `eve-log` in suricata.yaml (also `filetype: syslog`, where the object stands behind a head), and
//! `suricata -r trace.pcap`.
//!
//! **Recognised** by `event_type` with `timestamp` in most lines that are objects.
//!
//! ```text
//! {"timestamp":"2023-05-10T01:02:03.123456+0000","flow_id":1,"event_type":"alert","src_ip":"10.0.0.5","src_port":51234,"dest_ip":"192.0.2.1","dest_port":80,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":2013028,"rev":7,"signature":"ET POLICY curl User-Agent Outbound","category":"Attempted Information Leak","severity":2}}
//! ```
//!
//! **Events.**
//!
//! | event_type | rows |
//! | --- | --- |
//! | alert | `alert`: `signature`, `signature_id`, `category`, `severity`, `decision` (allowed, blocked), the name asked or requested in `domain`; where the category says malware or command and control that name stands in `indicators` |
//! | dns | `dns-query` and `dns-answer` (versions 1, 2 and 3; one answer message is one row, but for version 1, which writes a line for each answer) |
//! | flow | `tcp-flow`, `udp-flow`, else `flow-listed`, from `flow.start` to `flow.end`; `state` and outcome by the TCP state and flags |
//! | netflow | the same of one direction: `direction` says which, no outcome |
//! | http | `http-request` |
//! | ssh | `tcp-flow` with `service` ssh and banners |
//! | dhcp | `network-listed` for an acknowledged address, else `log` |
//! | tls, quic, fileinfo, anomaly, drop and all others | `log` with `program` "suricata", the fields of the event's object in attributes; the server name in `domain`, a file's name in `path` |
//! | stats | skipped: numbers of the engine |
//!
//! **Times** have a zone (`+0000`); one without is the artifact's local time.
//!
//! **Limits.** Who is client of a DNS answer is told by port 53; where neither side has one of DNS's ports the source counts as
//! the client, as Suricata has it since 4.1. Payloads and packets in alerts are left out.
//!
//! Sources: Suricata user guide, "EVE JSON Format"; suricata's `etc/schema.json`.

use coldcase_model::{Event, Place, Sink, When, canonical_ip};
use serde_json::Value;

use super::{eve_alert, eve_dns, eve_flow, eve_other, most_lines};
use crate::json::{number, text};
use crate::syslog::Times;
use crate::years::stamp;
use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "suricata-eve",
    title: "Suricata eve.json",
    source: include_str!("eve.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED_LINES: usize = 30;

fn sniff(probe: &Probe<'_>) -> Sniff {
    most_lines(probe, SNIFFED_LINES, |text| {
        let parsed = object(text).and_then(|json| serde_json::from_str::<Value>(json).ok());
        parsed.is_some_and(|value| is_event(&value))
    })
}

/// Suricata's events have a type, a stamp, and a flow, an interface, an address or the type's own object.
fn is_event(value: &Value) -> bool {
    let Some(kind) = text(value, &["event_type"]) else {
        return false;
    };
    let own = ["flow_id", "src_ip", "in_iface", "pcap_cnt", kind];
    text(value, &["timestamp"]).is_some() && own.iter().any(|name| value.get(*name).is_some())
}

/// The object in a line, behind what syslog puts before it.
fn object(line: &str) -> Option<&str> {
    let start = line.find('{').filter(|start| *start < 200)?;
    line.get(start..)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut times = Times::new(input.clock);
    while let Some(line) = lines.next_line()? {
        read_line(&line, &mut times, sink);
    }
    Ok(None)
}

fn read_line(line: &Line<'_>, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    if line.cut {
        return sink.skip(place, "line longer than 1 MiB");
    }
    if line.bytes.trim_ascii().is_empty() {
        return sink.skip(place, "blank line");
    }
    let text = String::from_utf8_lossy(line.bytes);
    let Some(json) = object(&text) else {
        return sink.skip(place, "a line that is no JSON object");
    };
    let value: Value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(_) if !line.ended => {
            return sink.skip(place, "a line cut at the end of the file");
        }
        Err(_) => return sink.skip(place, "a line that is no JSON object"),
    };
    let Some(kind) = crate::json::text(&value, &["event_type"]) else {
        return sink.skip(place, "an object without event_type");
    };
    if kind == "stats" {
        return sink.skip(place, "statistics of the engine");
    }
    let mut record = Record {
        kind,
        value: &value,
        line: line.number,
        times,
    };
    match kind {
        "alert" => eve_alert::emit(&mut record, sink),
        "dns" => eve_dns::emit(&mut record, sink),
        "flow" | "netflow" => eve_flow::emit(&mut record, sink),
        "http" => eve_other::http(&mut record, sink),
        "ssh" => eve_flow::ssh(&mut record, sink),
        _ => eve_other::other(&mut record, sink),
    }
    sink.used(1);
}

/// One event with what its time needs.
pub(super) struct Record<'v, 't, 'c> {
    pub kind: &'v str,
    pub value: &'v Value,
    line: u64,
    times: &'t mut Times<'c>,
}

impl<'v> Record<'v, '_, '_> {
    /// A time anywhere in the event.
    pub fn when(&mut self, path: &[&str]) -> Option<When> {
        let (stamp, _) = stamp::read(text(self.value, path)?.as_bytes())?;
        stamp.year?;
        self.times.when(&stamp).ok()
    }

    /// The cells that all events have.
    pub fn base(&mut self, action: &'static str) -> Event<'v> {
        let value = self.value;
        let port = |name: &str| number(value, &[name]).and_then(|port| u16::try_from(port).ok());
        Event {
            when: self.when(&["timestamp"]),
            src_ip: text(value, &["src_ip"]).and_then(canonical_ip),
            dst_ip: text(value, &["dest_ip"]).and_then(canonical_ip),
            src_port: port("src_port"),
            dst_port: port("dest_port"),
            protocol: text(value, &["proto"]).and_then(protocol),
            line: Some(self.line),
            ..Event::new(action)
        }
    }
}

fn protocol(name: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 7] = [
        ("tcp", "tcp"),
        ("udp", "udp"),
        ("icmp", "icmp"),
        ("ipv6-icmp", "icmp6"),
        ("icmpv6", "icmp6"),
        ("sctp", "sctp"),
        ("gre", "gre"),
    ];
    let known = KNOWN
        .iter()
        .find(|(written, _)| written.eq_ignore_ascii_case(name));
    known.map(|(_, name)| *name)
}

/// `10.0.0.5:51234 > 192.0.2.1:80`
pub(super) fn ends(event: &Event<'_>) -> String {
    let side = |address: &Option<std::borrow::Cow<'_, str>>, port: Option<u16>| {
        let address = address.as_deref().unwrap_or("?");
        match port {
            Some(port) => format!("{address}:{port}"),
            None => address.to_owned(),
        }
    };
    let from = side(&event.src_ip, event.src_port);
    format!("{from} > {}", side(&event.dst_ip, event.dst_port))
}
