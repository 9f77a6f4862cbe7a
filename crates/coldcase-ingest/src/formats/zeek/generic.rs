//! Rows of http.log, notice.log, signatures.log, intel.log, dhcp.log and of all other logs.

use coldcase_model::{Attributes, Event, Sink, action, canonical_domain, outcome};

use super::flows::{address, base, ends};
use super::record::Record;
use crate::Clock;

/// Most fields of a generic row, and the longest value, in bytes.
const MOST_FIELDS: usize = 32;
const LONGEST_VALUE: usize = 512;

/// Fields that have cells of their own.
const CELLS: [&str; 11] = [
    "ts",
    "_path",
    "_write_ts",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "id",
    "proto",
    "server_name",
    "filename",
];

fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST_VALUE);
    text.get(..end).unwrap_or(text)
}

/// A request.
pub(super) fn http(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::HTTP_REQUEST, record, line, clock);
    event.protocol = Some("tcp");
    let host = record.text("host");
    event.domain = host
        .as_deref()
        .map(|host| host.split(':').next().unwrap_or(host))
        .filter(|host| !host.is_empty() && coldcase_model::canonical_ip(host).is_none())
        .map(canonical_domain);
    let status = record.number("status_code");
    event.outcome = status.map(|status| match status {
        ..400 => outcome::SUCCESS,
        _ => outcome::FAILURE,
    });
    let mut attributes = Attributes::new();
    for name in ["method", "uri", "user_agent"] {
        attributes.text_if(name, record.text(name).as_deref().map(shortened));
    }
    attributes
        .number_if("status_code", status)
        .number_if("request_bytes", record.number("request_body_len"))
        .number_if("response_bytes", record.number("response_body_len"))
        .text_if(
            "referrer",
            record.text("referrer").as_deref().map(shortened),
        )
        .text_if("host", host.as_deref());
    let content = record.list("resp_mime_types");
    attributes.text_if("content_type", content.first().map(AsRef::as_ref));
    for name in ["username", "uid"] {
        attributes.text_if(name, record.text(name).as_deref());
    }
    let method = record.text("method").unwrap_or("?".into());
    let uri = record.text("uri").unwrap_or_default();
    let shown = host.as_deref().unwrap_or_default();
    let message = format!("{} {method} {shown}{}", ends(&event), shortened(&uri));
    event.message = Some(message.into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// A notice: what a script of Zeek's thought worth telling.
pub(super) fn notice(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::ALERT, record, line, clock);
    event.src_ip = event.src_ip.take().or_else(|| address(record, "src"));
    event.dst_ip = event.dst_ip.take().or_else(|| address(record, "dst"));
    event.dst_port = event.dst_port.or_else(|| record.port("p"));
    let mut attributes = Attributes::new();
    attributes
        .text_if("signature", record.text("note").as_deref())
        .text("source", "zeek");
    for name in [
        "sub",
        "n",
        "actions",
        "fuid",
        "file_mime_type",
        "uid",
        "peer_descr",
    ] {
        attributes.text_if(name, record.text(name).as_deref().map(shortened));
    }
    let text = record.first(&["msg", "note"]).unwrap_or_default();
    event.message = Some(shortened(&text).to_owned().into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// A match of the signature engine.
pub(super) fn signature(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::ALERT, record, line, clock);
    event.src_ip = event.src_ip.take().or_else(|| address(record, "src_addr"));
    event.dst_ip = event.dst_ip.take().or_else(|| address(record, "dst_addr"));
    event.src_port = event.src_port.or_else(|| record.port("src_port"));
    event.dst_port = event.dst_port.or_else(|| record.port("dst_port"));
    let mut attributes = Attributes::new();
    attributes
        .text_if("signature", record.text("event_msg").as_deref())
        .text_if("signature_id", record.text("sig_id").as_deref())
        .text_if("category", record.text("note").as_deref())
        .text("source", "zeek")
        .text_if("sub", record.text("sub_msg").as_deref().map(shortened));
    let text = record.first(&["event_msg", "sig_id"]).unwrap_or_default();
    event.message = Some(shortened(&text).to_owned().into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// A hit of the intelligence framework: its indicator is one by the analyst's own word.
pub(super) fn intel(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::ALERT, record, line, clock);
    let value = record.first(&["seen.indicator", "indicator"]);
    let written = record.first(&["seen.indicator_type", "indicator_type"]);
    let kind = match written.as_deref().unwrap_or_default() {
        "Intel::ADDR" => Some("ip"),
        "Intel::DOMAIN" => Some("domain"),
        "Intel::URL" => Some("url"),
        "Intel::FILE_HASH" => Some("hash"),
        "Intel::FILE_NAME" => Some("path"),
        "Intel::EMAIL" => Some("email"),
        "Intel::USER_NAME" => Some("user"),
        _ => None,
    };
    let mut attributes = Attributes::new();
    attributes
        .text("signature", "intel match")
        .text("source", "zeek")
        .text_if("seen_where", record.text("seen.where").as_deref());
    let sources = record.list("sources");
    if !sources.is_empty() {
        attributes.texts("sources", sources);
    }
    if let Some(value) = value.as_deref() {
        let mut indicator = Attributes::new();
        indicator.text_if("type", kind).text("value", value);
        attributes.objects("indicators", [indicator]);
        if kind == Some("domain") {
            event.domain = Some(canonical_domain(value));
        }
    }
    let shown = value.as_deref().unwrap_or("?");
    event.message = Some(format!("intel match: {}", shortened(shown)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// An address that a DHCP server assigned.
pub(super) fn dhcp(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let when = base(action::NETWORK_LISTED, record, line, clock).when;
    let assigned = ["assigned_addr", "assigned_ip"]
        .into_iter()
        .find_map(|name| address(record, name));
    let mut attributes = Attributes::new();
    attributes
        .text_if("mac", record.text("mac").as_deref())
        .text_if(
            "name",
            record.first(&["host_name", "client_fqdn"]).as_deref(),
        )
        .text_if(
            "server",
            record.first(&["server_addr", "id.resp_h"]).as_deref(),
        );
    let name = record.text("host_name").unwrap_or_default();
    let mac = record.text("mac").unwrap_or_default();
    let shown = assigned.as_deref().unwrap_or("?");
    sink.event(&Event {
        when,
        message: Some(
            format!("dhcp {shown} {mac} {name}")
                .trim_end()
                .to_owned()
                .into(),
        ),
        src_ip: assigned.clone(),
        attributes: attributes.finish().map(Into::into),
        line: Some(line),
        ..Event::new(action::NETWORK_LISTED)
    });
}

/// Any other log.
pub(super) fn other(
    path: &str,
    record: &Record<'_>,
    line: u64,
    clock: &Clock,
    sink: &mut dyn Sink,
) {
    let mut event = base(action::LOG, record, line, clock);
    if event.src_ip.is_none() {
        event.src_ip = address(record, "host");
    }
    let sni = record.text("server_name");
    event.domain = sni.as_deref().map(canonical_domain);
    event.path = record.text("filename");
    let mut attributes = Attributes::new();
    attributes.text("program", "zeek").text("log", path);
    let mut message = format!("{path}: ");
    if event.src_ip.is_some() && event.dst_ip.is_some() {
        message.push_str(&ends(&event));
    }
    let fields = record.fields();
    let fields = fields.iter().filter(|(name, _)| !CELLS.contains(name));
    for (name, value) in fields.take(MOST_FIELDS) {
        let value = shortened(value);
        attributes.text(name, value);
        if message.len() < LONGEST_VALUE && *name != "uid" {
            message.push_str(if message.ends_with(' ') { "" } else { " " });
            message.push_str(name);
            message.push('=');
            message.push_str(value);
        }
    }
    event.message = Some(message.into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}
