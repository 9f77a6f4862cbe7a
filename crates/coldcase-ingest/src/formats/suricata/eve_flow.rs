//! Rows of EVE's flows, one-way flows and SSH connections.

use coldcase_model::{Attributes, Event, Sink, action, outcome};
use serde_json::Value;

use super::eve::{Record, ends};
use crate::json::{flag, number, text};

fn action_of(event: &Event<'_>) -> &'static str {
    match event.protocol {
        Some("tcp") => action::TCP_FLOW,
        Some("udp") => action::UDP_FLOW,
        _ => action::FLOW_LISTED,
    }
}

/// A flow or one direction of one.
pub(super) fn emit(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let kind = record.kind;
    let mut event = record.base(action::FLOW_LISTED);
    event.action = action_of(&event);
    let start = record.when(&[kind, "start"]);
    let end = record.when(&[kind, "end"]);
    event.ts_end = end.or(event.when).map(|when| when.ts);
    event.when = start.or(event.when);
    let mut attributes = Attributes::new();
    if kind == "netflow" {
        one_way(value, &mut event, &mut attributes);
    } else {
        both_ways(value, &mut event, &mut attributes);
    }
    attributes
        .text_if(
            "service",
            text(value, &["app_proto"]).filter(|name| *name != "failed"),
        )
        .number_if("flow_id", number(value, &["flow_id"]));
    for (key, path) in [
        ("flow_state", [kind, "state"]),
        ("reason", [kind, "reason"]),
        ("tcp_state", ["tcp", "state"]),
        ("tcp_flags", ["tcp", "tcp_flags"]),
    ] {
        attributes.text_if(key, text(value, &path));
    }
    if flag(value, &[kind, "alerted"]) == Some(true) {
        attributes.flag("alerted", true);
    }
    attributes.text_if("decision", text(value, &[kind, "action"]));
    attributes.number_if("icmp_type", number(value, &["icmp_type"]));
    attributes.number_if("icmp_code", number(value, &["icmp_code"]));
    let protocol = event.protocol.unwrap_or("ip");
    let mut message = format!("{protocol} {}", ends(&event));
    if let (Some(packets), Some(bytes)) = (event.packets, event.bytes) {
        message.push_str(&format!(", {packets} packets, {bytes} bytes"));
    }
    event.message = Some(message.into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

fn both_ways(value: &Value, event: &mut Event<'_>, attributes: &mut Attributes) {
    let of_flow = |name: &str| number(value, &["flow", name]);
    let (packets_out, packets_in) = (of_flow("pkts_toserver"), of_flow("pkts_toclient"));
    let (bytes_out, bytes_in) = (of_flow("bytes_toserver"), of_flow("bytes_toclient"));
    let sum = |a: Option<i64>, b: Option<i64>| Some(a?.saturating_add(b.unwrap_or(0)));
    event.packets = sum(packets_out, packets_in);
    event.bytes = sum(bytes_out, bytes_in);
    if event.protocol == Some("tcp")
        && let Some((state, outcome)) = state(value, packets_in)
    {
        attributes.text("state", state);
        event.outcome = outcome;
    }
    attributes
        .number_if("packets_out", packets_out)
        .number_if("packets_in", packets_in)
        .number_if("bytes_out", bytes_out)
        .number_if("bytes_in", bytes_in);
}

/// From the flags that each side sent (hexadecimal) and the engine's state.
fn state(value: &Value, packets_in: Option<i64>) -> Option<(&'static str, Option<&'static str>)> {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    let flags = |name: &str| u8::from_str_radix(text(value, &["tcp", name])?, 16).ok();
    let (out, back) = (flags("tcp_flags_ts"), flags("tcp_flags_tc"));
    let established = Some(("established", Some(outcome::SUCCESS)));
    let half_open = Some(("half-open", Some(outcome::FAILURE)));
    if let (Some(out), Some(back)) = (out, back) {
        return match () {
            () if back & SYN != 0 => established,
            () if out & SYN != 0 && back & RST != 0 => Some(("refused", Some(outcome::FAILURE))),
            () if out & SYN != 0 && back == 0 => half_open,
            () if out & SYN != 0 => established,
            () => Some(("midstream", None)),
        };
    }
    match text(value, &["tcp", "state"])? {
        "syn_sent" if packets_in == Some(0) => half_open,
        "established" | "fin_wait1" | "fin_wait2" | "time_wait" | "last_ack" | "close_wait"
        | "closing" => established,
        _ => None,
    }
}

/// What one side sent: the side with the lower known port is the server.
fn one_way(value: &Value, event: &mut Event<'_>, attributes: &mut Attributes) {
    let of_flow = |name: &str| number(value, &["netflow", name]);
    event.packets = of_flow("pkts");
    event.bytes = of_flow("bytes");
    let from_server = match (event.src_port, event.dst_port) {
        (Some(from), Some(to)) => from < 1_024 && from < to,
        _ => false,
    };
    if from_server {
        std::mem::swap(&mut event.src_ip, &mut event.dst_ip);
        std::mem::swap(&mut event.src_port, &mut event.dst_port);
    }
    let (direction, packets, bytes) = match from_server {
        true => ("in", "packets_in", "bytes_in"),
        false => ("out", "packets_out", "bytes_out"),
    };
    attributes
        .text("direction", direction)
        .number_if(packets, event.packets)
        .number_if(bytes, event.bytes);
}

/// An SSH connection with both banners.
pub(super) fn ssh(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let mut event = record.base(action::TCP_FLOW);
    event.protocol = Some("tcp");
    event.outcome = Some(outcome::SUCCESS);
    let mut attributes = Attributes::new();
    attributes.text("service", "ssh");
    for side in ["client", "server"] {
        attributes.text_if(side, text(value, &["ssh", side, "software_version"]));
    }
    for (key, side) in [("hassh", "client"), ("hasshServer", "server")] {
        attributes.text_if(key, text(value, &["ssh", side, "hassh", "hash"]));
    }
    attributes
        .text_if("version", text(value, &["ssh", "client", "proto_version"]))
        .number_if("flow_id", number(value, &["flow_id"]));
    let client = text(value, &["ssh", "client", "software_version"]).unwrap_or("?");
    event.message = Some(format!("ssh {} {client}", ends(&event)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}
