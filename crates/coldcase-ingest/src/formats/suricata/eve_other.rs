//! Rows of EVE's HTTP requests and of all events without a row of their own.

use coldcase_model::{Attributes, Sink, action, canonical_domain, canonical_ip, outcome};
use serde_json::Value;

use super::eve::{Record, ends};
use crate::json::{number, text};

/// Most fields of a generic row, and the longest value, in bytes.
const MOST_FIELDS: usize = 32;
const LONGEST_VALUE: usize = 512;

fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST_VALUE);
    text.get(..end).unwrap_or(text)
}

/// A request with its answer's status.
pub(super) fn http(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let mut event = record.base(action::HTTP_REQUEST);
    let field = |name: &str| text(value, &["http", name]);
    let host = field("hostname");
    event.domain = host
        .and_then(|host| host.split(':').next())
        .filter(|host| !host.is_empty() && canonical_ip(host).is_none())
        .map(canonical_domain);
    let status = number(value, &["http", "status"]);
    event.outcome = status.map(|status| match status {
        ..400 => outcome::SUCCESS,
        _ => outcome::FAILURE,
    });
    let mut attributes = Attributes::new();
    attributes
        .text_if("method", field("http_method"))
        .text_if("uri", field("url").map(shortened))
        .text_if("user_agent", field("http_user_agent").map(shortened))
        .number_if("status_code", status)
        .text_if("content_type", field("http_content_type"))
        .text_if("referrer", field("http_refer").map(shortened))
        .number_if("response_bytes", number(value, &["http", "length"]))
        .text_if("host", host)
        .number_if("flow_id", number(value, &["flow_id"]));
    let method = field("http_method").unwrap_or("?");
    let uri = shortened(field("url").unwrap_or_default());
    let shown = host.unwrap_or_default();
    event.message = Some(format!("{} {method} {shown}{uri}", ends(&event)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// Any other event: the fields of its own object.
pub(super) fn other(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let kind = record.kind;
    let given = kind == "dhcp" && text(value, &["dhcp", "dhcp_type"]) == Some("ack");
    let assigned = text(value, &["dhcp", "assigned_ip"])
        .filter(|address| given && *address != "0.0.0.0")
        .and_then(canonical_ip);
    let mut event = record.base(action::LOG);
    let sni = text(value, &[kind, "sni"]);
    event.domain = sni.map(canonical_domain);
    event.path = text(value, &["fileinfo", "filename"]).map(Into::into);
    let mut attributes = Attributes::new();
    if assigned.is_some() {
        event.action = action::NETWORK_LISTED;
        event.src_ip = assigned;
        (event.dst_ip, event.src_port, event.dst_port) = (None, None, None);
        attributes
            .text_if("mac", text(value, &["dhcp", "client_mac"]))
            .text_if("name", text(value, &["dhcp", "hostname"]));
    } else {
        attributes.text("program", "suricata").text("event", kind);
        attributes.number_if("flow_id", number(value, &["flow_id"]));
        let fields = value.get(kind).and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten().take(MOST_FIELDS) {
            let shown = value.to_string();
            match value {
                Value::Null => continue,
                Value::String(text) => attributes.text(name, shortened(text)),
                Value::Array(_) | Value::Object(_) => attributes.text(name, shortened(&shown)),
                scalar => attributes.value(name, scalar),
            };
        }
    }
    let name = event.domain.as_deref().or(event.path.as_deref());
    let shown = name.or_else(|| text(value, &["dhcp", "client_mac"]));
    let message = match event.action {
        action::NETWORK_LISTED => {
            let address = event.src_ip.as_deref().unwrap_or_default();
            format!("dhcp {address} {}", shown.unwrap_or_default())
        }
        _ => format!("{kind} {} {}", ends(&event), shown.unwrap_or_default()),
    };
    event.message = Some(message.trim_end().to_owned().into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}
