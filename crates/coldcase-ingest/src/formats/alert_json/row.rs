//! The row of one alert.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action};
use serde_json::Value;

use super::facts::{Fact, Facts, address, domain};
use super::leaves::{Leaf, leaves};
use super::times;
use crate::Clock;

/// Longest text of an attribute, in bytes.
const LONGEST: usize = 1 << 10;

/// Names of what was detected, best first; the last ones also name other things, so they come late.
const SIGNATURES: [&str; 20] = [
    "signature",
    "signature_name",
    "rule_name",
    "rule_description",
    "alert_signature",
    "alertname",
    "alert_name",
    "rule",
    "alert_rule_name",
    "threat_name",
    "detection_name",
    "title",
    "alert_title",
    "malware_name",
    "alert_type",
    "type",
    "event_name",
    "name",
    "summary",
    "description",
];
const CATEGORIES: [&str; 6] = [
    "category",
    "alert_type",
    "threat_type",
    "rule_groups",
    "tactic",
    "type",
];
const SEVERITIES: [&str; 9] = [
    "severity",
    "severity_label",
    "rule_level",
    "priority",
    "threat_level",
    "risk_level",
    "level",
    "risk",
    "alert_severity",
];
const SOURCES: [&str; 7] = [
    "product",
    "vendor",
    "product_name",
    "provider",
    "tool",
    "engine",
    "source",
];

/// Emits the row of this object, which stands at `path` in its document.
pub(super) fn emit(value: &Value, path: &str, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let leaves = leaves(value, path);
    let facts = Facts::of(&leaves);
    let own = Own {
        leaves: &leaves,
        depth: path.bytes().filter(|byte| *byte == b'.').count(),
    };
    let mut event = cells(&own, &facts);
    event.when = times::when(&leaves, clock);
    event.line = Some(line);
    let signature = own.first(&SIGNATURES);
    let category = own
        .first(&CATEGORIES)
        .filter(|text| Some(text) != signature.as_ref());
    let severity = own.first(&SEVERITIES);
    let mut attributes = Attributes::new();
    attributes
        .text_if("signature", signature.as_deref().map(shortened))
        .text_if(
            "signature_id",
            own.first(&["signature_id", "rule_id", "sid"]).as_deref(),
        )
        .text_if("category", category.as_deref().map(shortened))
        .text_if("severity", severity.as_deref().map(shortened))
        .text_if("source", source(value, &own).as_deref().map(shortened))
        .text_if(
            "alert_id",
            own.first(&["alert_id", "id", "uuid", "event_id", "fingerprint"])
                .as_deref()
                .map(shortened),
        )
        .text_if(
            "status",
            own.first(&["status", "state", "status_state"])
                .as_deref()
                .map(shortened),
        );
    for (key, list) in [
        ("indicators", &facts.indicators),
        ("observed", &facts.observed),
    ] {
        if !list.is_empty() {
            attributes.objects(key, list.iter().map(object));
        }
    }
    event.message = Some(message(&own, signature, category, severity, &facts).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}

fn object(fact: &Fact) -> Attributes {
    let mut object = Attributes::new();
    object
        .text("type", fact.kind)
        .text("value", shortened(&fact.value))
        .text("path", &fact.path);
    object
}

fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or(text)
}

/// The values of one alert, asked by name.
struct Own<'a> {
    leaves: &'a [Leaf<'a>],
    depth: usize,
}

impl Own<'_> {
    /// The value of the first of these names that is there; of several places the one nearest to the top. A name is a
    /// member's own, or that of a member within an object: `rule_name` is `rule.name` too.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.named(name))
    }

    fn named(&self, name: &str) -> Option<String> {
        let mut best: Option<(usize, String)> = None;
        for leaf in self.leaves {
            let depth = leaf.depth().saturating_sub(self.depth);
            if depth > 3 || best.as_ref().is_some_and(|(least, _)| depth >= *least) {
                continue;
            }
            let whole = leaf.key();
            let joined = || leaf.words.join("_");
            let fits = whole == name
                || (name.contains('_')
                    && joined()
                        .strip_suffix(name)
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('_')));
            if !fits {
                continue;
            }
            let value = match leaf.value {
                Value::String(text) if !text.trim().is_empty() => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            best = Some((depth, value));
        }
        best.map(|(_, value)| value)
    }

    fn number<T: std::str::FromStr>(&self, names: &[&str]) -> Option<T> {
        self.first(names)?.parse().ok()
    }

    fn address(&self, names: &[&str]) -> Option<Cow<'static, str>> {
        names
            .iter()
            .filter_map(|name| self.named(name))
            .find_map(|text| address(&text).map(|found| Cow::Owned(found.into_owned())))
    }
}

fn cells(own: &Own<'_>, facts: &Facts) -> Event<'static> {
    let cell = |names: &[&str]| own.first(names).map(Cow::Owned);
    let of_kind = |list: &[Fact], kind: &str| {
        let fact = list.iter().find(|fact| fact.kind == kind)?;
        Some(Cow::Owned(fact.value.clone()))
    };
    let process = own.first(&[
        "process_executable",
        "process_path",
        "proc_exepath",
        "exe",
        "executable",
        "process",
        "process_name",
    ]);
    let hosts = [
        "host_hostname",
        "host_name",
        "hostname",
        "agent_name",
        "agent_hostname",
        "device_name",
        "computer_name",
        "host",
    ];
    let host = own.first(&hosts);
    Event {
        host: host
            .filter(|name| address(name).is_none() && !name.contains([' ', '/']))
            .map(Cow::Owned),
        src_ip: own.address(&[
            "src_ip",
            "source_ip",
            "srcip",
            "source_ip_address",
            "source_address",
            "attacker_ip",
            "client_ip",
            "fd_cip",
            "remote_ip_details_ip_address_v4",
        ]),
        dst_ip: own.address(&[
            "dst_ip",
            "dest_ip",
            "destination_ip",
            "dstip",
            "destination_address",
            "fd_sip",
            "target_ip",
        ]),
        src_port: own.number(&["src_port", "source_port", "srcport", "fd_cport"]),
        dst_port: own.number(&[
            "dst_port",
            "dest_port",
            "destination_port",
            "dstport",
            "fd_sport",
        ]),
        domain: of_kind(&facts.indicators, "domain"),
        user: of_kind(&facts.observed, "user"),
        pid: own.number(&["pid", "process_pid", "process_id", "proc_pid"]),
        exe: process.filter(|text| text.starts_with('/')).map(Cow::Owned),
        command: of_kind(&facts.observed, "command"),
        path: of_kind(&facts.indicators, "path").or_else(|| of_kind(&facts.observed, "path")),
        container: cell(&["container_name"]),
        image: cell(&["container_image_name", "container_image", "image_name"]),
        pod: cell(&["pod_name", "k8s_pod_name", "pod"]),
        namespace: cell(&[
            "k8s_ns_name",
            "namespace",
            "pod_namespace",
            "namespace_name",
        ]),
        ..Event::new(action::ALERT)
    }
}

/// The product, by its own word or by the shape of its alerts.
fn source(value: &Value, own: &Own<'_>) -> Option<String> {
    let has = |names: &[&str]| names.iter().all(|name| value.get(*name).is_some());
    let known = match () {
        () if has(&["rule", "output", "priority"]) => Some("falco"),
        () if has(&["rule", "agent", "manager"]) => Some("wazuh"),
        () if has(&["labels", "annotations"]) => Some("alertmanager"),
        () if has(&["SchemaVersion", "Severity"]) => Some("guardduty"),
        () => None,
    };
    if let Some(known) = known {
        return Some(known.to_owned());
    }
    let said = own.first(&SOURCES)?;
    // `source` is often where traffic came from.
    (address(&said).is_none() && domain(&said).is_none()).then_some(said)
}

fn message(
    own: &Own<'_>,
    signature: Option<String>,
    category: Option<String>,
    severity: Option<String>,
    facts: &Facts,
) -> String {
    let mut message = String::from("alert");
    if let Some(severity) = severity {
        message.push_str(&format!(" ({severity})"));
    }
    for part in [category, signature].into_iter().flatten() {
        message.push(' ');
        message.push_str(shortened(&part));
    }
    let bad: Vec<_> = facts
        .indicators
        .iter()
        .take(4)
        .map(|fact| fact.value.as_str())
        .collect();
    if !bad.is_empty() {
        message.push_str(": ");
        message.push_str(&bad.join(", "));
    }
    if let Some(host) = own.first(&["host_hostname", "host_name", "hostname", "agent_name"]) {
        message.push_str(&format!(" on {host}"));
    }
    message
}
