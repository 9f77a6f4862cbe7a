//! Whether an object is an alert, by the names of its members.

use serde_json::Value;

use super::leaves::words;
use crate::Sniff;
use crate::json::{Outline, get};

/// Words that hardly stand in anything but an alert.
const STRONG: [&str; 15] = [
    "alert",
    "alerts",
    "alertname",
    "alarm",
    "threat",
    "threats",
    "detection",
    "detections",
    "malware",
    "incident",
    "finding",
    "findings",
    "indicator",
    "indicators",
    "verdict",
];

/// Words that alerts share with other things.
const WEAK: [&str; 14] = [
    "rule",
    "severity",
    "priority",
    "signature",
    "ioc",
    "iocs",
    "mitre",
    "tactic",
    "technique",
    "attack",
    "risk",
    "confidence",
    "malicious",
    "quarantine",
];

/// Members that lists of alerts stand in.
const LISTS: [&[&str]; 12] = [
    &["alerts"],
    &["Alerts"],
    &["findings"],
    &["Findings"],
    &["detections"],
    &["incidents"],
    &["events"],
    &["results"],
    &["data", "alerts"],
    &["data"],
    &["hits", "hits"],
    &["value"],
];

/// Members that other formats of JSON have at their top.
const FOREIGN: [&str; 14] = [
    "apiVersion",
    "auditID",
    "event_type",
    "_path",
    "uid",
    "RepoTags",
    "State",
    "Config",
    "NetworkSettings",
    "__REALTIME_TIMESTAMP",
    "MESSAGE",
    "log",
    "resultType",
    "Actor",
];

/// Shapes of known products: all of these members.
const PRODUCTS: [&[&str]; 7] = [
    &["rule", "output", "priority"],
    &["rule", "agent", "manager"],
    &["rule", "agent", "decoder"],
    &["labels", "annotations", "startsAt"],
    &["alerts", "commonLabels"],
    &["SchemaVersion", "Severity", "Service"],
    &["detail-type", "detail", "source"],
];

/// How sure an outline is an alert's.
pub(super) fn sureness(outline: &Outline<'_>, head: &[u8]) -> Sniff {
    if PRODUCTS
        .iter()
        .any(|shape| shape.iter().all(|name| outline.has(name)))
    {
        return Sniff::Likely;
    }
    if FOREIGN.iter().any(|name| outline.has(name)) {
        return Sniff::No;
    }
    let names = outline.names();
    match score(names) {
        // A list of findings inside an object shows its severities further in.
        (1.., 2) if mentions(head, b"\"severity\"") => Sniff::Weak,
        (0, _) | (_, 0..=2) => Sniff::No,
        (_, 3) => Sniff::Weak,
        _ => Sniff::Likely,
    }
}

fn mentions(head: &[u8], word: &[u8]) -> bool {
    head.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

/// How many strong words, and their weight with the weak ones, each word once.
fn score<'a>(names: impl Iterator<Item = &'a str>) -> (usize, usize) {
    let mut seen: Vec<String> = Vec::new();
    let (mut strong, mut weight) = (0, 0);
    for word in names.flat_map(words) {
        if seen.contains(&word) {
            continue;
        }
        if STRONG.contains(&word.as_str()) {
            strong += 1;
            weight += 2;
            seen.push(word);
        } else if WEAK.contains(&word.as_str()) {
            weight += 1;
            seen.push(word);
        }
    }
    // A rule with a severity is as telling as a strong word.
    let has = |word: &str| seen.iter().any(|known| known == word);
    if has("rule") && (has("severity") || has("priority")) {
        strong += 1;
        weight += 1;
    }
    (strong, weight)
}

/// Whether an object names anything of an alert.
pub(super) fn is_alert(value: &Value) -> bool {
    let Some(map) = value.as_object() else {
        return false;
    };
    let inner = map
        .values()
        .filter_map(Value::as_object)
        .flat_map(|inner| inner.keys());
    let (_, weight) = score(map.keys().chain(inner).map(String::as_str));
    weight > 0 || map.contains_key("startsAt") || map.contains_key("Severity")
}

/// The list of alerts that an object wraps, with its path.
pub(super) fn wrapped(value: &Value) -> Option<(String, &Vec<Value>)> {
    LISTS.iter().find_map(|path| {
        let list = get(value, path)?.as_array()?;
        let telling = list.first().is_some_and(|first| {
            let source = first.get("_source").unwrap_or(first);
            is_alert(source)
        });
        telling.then(|| (path.join("."), list))
    })
}
