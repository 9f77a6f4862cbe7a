//! The facts that each correlator promises. More may stand beside them.

use serde_json::{Map, Value, json};

/// A fact's JSON type; each may be null, where the evidence doesn't tell.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Time,
    Whole,
    Number,
    Truth,
    List,
    Object,
}

use Kind::{List, Number, Object, Text, Time, Truth, Whole};

type Facts = &'static [(&'static str, Kind)];

const FACTS: [(&str, Facts); 19] = [
    (
        "first-seen",
        &[
            ("entity_type", Text),
            ("entity", Text),
            ("first", Time),
            ("last", Time),
            ("count", Whole),
            ("sources", List),
            ("nearby", List),
        ],
    ),
    (
        "periodic-window",
        &[
            ("entity", Text),
            ("action", Text),
            ("timezone", Text),
            ("window_start", Text),
            ("window_end", Text),
            ("days_active", Whole),
            ("days_span", Whole),
            ("events", Whole),
            ("events_in_window", Whole),
            ("p_value", Number),
        ],
    ),
    (
        "beacon",
        &[
            ("src", Text),
            ("dst", Text),
            ("dst_port", Whole),
            ("period_seconds", Number),
            ("jitter_seconds", Number),
            ("events", Whole),
            ("score", Number),
        ],
    ),
    (
        "dns-origin",
        &[
            ("domain", Text),
            ("indicator", Text),
            ("client_ip", Text),
            ("client", Object),
            ("candidates", List),
            ("queries", Whole),
            ("query_types", List),
            ("first", Time),
            ("last", Time),
        ],
    ),
    (
        "dns-anomaly",
        &[
            ("kind", Text),
            ("client_ip", Text),
            ("domain", Text),
            ("queries", Whole),
            ("score", Number),
        ],
    ),
    (
        "syn-flood",
        &[
            ("src_ip", Text),
            ("kind", Text),
            ("dst_count", Whole),
            ("dst_ports", List),
            ("syns", Whole),
            ("answered_ratio", Number),
            ("first", Time),
            ("last", Time),
            ("peak_pps", Number),
        ],
    ),
    (
        "scan",
        &[
            ("src_ip", Text),
            ("kind", Text),
            ("dst_count", Whole),
            ("port_count", Whole),
        ],
    ),
    (
        "ssh-auth",
        &[
            ("src_ip", Text),
            ("host", Text),
            ("pattern", Text),
            ("failures", Whole),
            ("successes", Whole),
            ("users", List),
            ("first", Time),
            ("last", Time),
        ],
    ),
    (
        "series-match",
        &[
            ("effect", Object),
            ("cause", Object),
            ("matched", Whole),
            ("precision", Number),
            ("recall", Number),
            ("lag_seconds", Number),
            ("p_value", Number),
        ],
    ),
    (
        "container-exit",
        &[
            ("container", Text),
            ("image", Text),
            ("pod", Text),
            ("exit_code", Whole),
            ("oom_killed", Truth),
            ("started_at", Time),
            ("finished_at", Time),
            ("why", Text),
        ],
    ),
    (
        "suspicious-container",
        &[
            ("container", Text),
            ("image", Text),
            ("command", Text),
            ("reasons", List),
        ],
    ),
    (
        "exposed-service",
        &[
            ("service", Text),
            ("listen", Text),
            ("process", Text),
            ("callers", List),
        ],
    ),
    (
        "miner",
        &[
            ("process", Text),
            ("pid", Whole),
            ("cpu_percent", Number),
            ("remote", Text),
            ("reasons", List),
        ],
    ),
    (
        "remote-access",
        &[
            ("service", Text),
            ("src_ip", Text),
            ("dst", Text),
            ("sessions", Whole),
            ("first", Time),
            ("last", Time),
            ("why", List),
        ],
    ),
    (
        "top-talker",
        &[
            ("host", Text),
            ("device", Text),
            ("bytes_per_second", Number),
            ("share", Number),
            ("first", Time),
            ("last", Time),
        ],
    ),
    (
        "indicator",
        &[
            ("indicator", Text),
            ("indicator_type", Text),
            ("hits", Whole),
            ("first", Time),
            ("last", Time),
            ("where", List),
        ],
    ),
    (
        "hidden-process",
        &[("pid", Whole), ("remote", Text), ("reasons", List)],
    ),
    (
        "persistence",
        &[
            ("kind", Text),
            ("path", Text),
            ("command", Text),
            ("reasons", List),
        ],
    ),
    (
        "log-tampering",
        &[
            ("kind", Text),
            ("log", Text),
            ("first", Time),
            ("last", Time),
        ],
    ),
];

/// One condition a correlator: if it made the finding, then its facts are there.
pub(super) fn by_correlator() -> Vec<Value> {
    let condition = |(id, facts): &(&str, Facts)| {
        let required: Vec<&str> = facts.iter().map(|(name, _)| *name).collect();
        let properties: Map<String, Value> = facts
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), schema(*kind)))
            .collect();
        let facts = json!({ "required": required, "properties": properties });
        json!({
            "if": { "properties": { "correlator": { "const": id } } },
            "then": { "properties": { "facts": facts } },
        })
    };
    FACTS.iter().map(condition).collect()
}

fn schema(kind: Kind) -> Value {
    match kind {
        Text => json!({ "type": ["string", "null"] }),
        Time => json!({ "type": ["string", "null"], "format": "date-time" }),
        Whole => json!({ "type": ["integer", "null"] }),
        Number => json!({ "type": ["number", "null"] }),
        Truth => json!({ "type": ["boolean", "null"] }),
        List => json!({ "type": ["array", "null"] }),
        Object => json!({ "type": ["object", "null"] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_correlator_promises_facts() {
        for correlator in coldcase_correlate::correlators::ALL {
            assert!(
                FACTS.iter().any(|(id, _)| *id == correlator.id),
                "{} has no facts here",
                correlator.id
            );
        }
    }
}
