//! Rows of EVE's alerts.

use coldcase_model::{Attributes, Sink, action, canonical_domain, canonical_ip};
use serde_json::Value;

use super::eve::{Record, ends};
use crate::json::{get, number, text};

/// Categories (classification.config) whose signatures say that the name itself is bad.
const MALICIOUS: [&str; 6] = [
    "A Network Trojan was detected",
    "Malware Command and Control Activity Detected",
    "Domain Observed Used for C2 Detected",
    "Crypto Currency Mining Activity Detected",
    "Targeted Malicious Activity was Detected",
    "Exploit Kit Activity Detected",
];

/// One alert.
pub(super) fn emit(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let mut event = record.base(action::ALERT);
    let name = named(value);
    event.domain = name.map(canonical_domain);
    event.path = text(value, &["fileinfo", "filename"]).map(Into::into);
    let alert = |name: &str| text(value, &["alert", name]);
    let mut attributes = Attributes::new();
    attributes
        .text_if("signature", alert("signature"))
        .number_if("signature_id", number(value, &["alert", "signature_id"]))
        .text_if(
            "category",
            alert("category").filter(|text| !text.is_empty()),
        )
        .number_if("severity", number(value, &["alert", "severity"]))
        .text("source", "suricata")
        .text_if("decision", alert("action"))
        .number_if("gid", number(value, &["alert", "gid"]))
        .number_if("rev", number(value, &["alert", "rev"]))
        .number_if("flow_id", number(value, &["flow_id"]))
        .text_if("app_proto", text(value, &["app_proto"]));
    for (key, path) in [
        ("uri", ["http", "url"]),
        ("user_agent", ["http", "http_user_agent"]),
        ("method", ["http", "http_method"]),
    ] {
        attributes.text_if(key, text(value, &path));
    }
    let malicious = alert("category").is_some_and(|category| MALICIOUS.contains(&category));
    if let Some(domain) = event.domain.as_deref().filter(|_| malicious) {
        let mut indicator = Attributes::new();
        indicator.text("type", "domain").text("value", domain);
        attributes.objects("indicators", [indicator]);
    }
    let signature = alert("signature").unwrap_or("alert");
    event.message = Some(format!("{signature} {}", ends(&event)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

/// The name that the traffic was about: asked, or requested by HTTP or TLS.
fn named(value: &Value) -> Option<&str> {
    let asked = get(value, &["dns", "query"]).or_else(|| get(value, &["dns", "queries"]));
    let asked = match asked {
        Some(Value::Array(list)) => list.first().and_then(|first| text(first, &["rrname"])),
        Some(one) => text(one, &["rrname"]),
        None => text(value, &["dns", "rrname"]),
    };
    let paths = [["tls", "sni"], ["http", "hostname"], ["quic", "sni"]];
    let name = asked.or_else(|| paths.iter().find_map(|path| text(value, path)))?;
    let name = name.split(':').next().filter(|name| !name.is_empty())?;
    canonical_ip(name).is_none().then_some(name)
}
