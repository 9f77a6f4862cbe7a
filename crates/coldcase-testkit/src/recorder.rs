//! A sink that keeps events as JSON rows, in the timeline's column names.

use std::borrow::Cow;

use coldcase_model::{Counts, Event, Place, Sink};
use serde_json::{Map, Value};

/// Keeps all that a format reads.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Events with owned text, in the order in which they came.
    pub events: Vec<Event<'static>>,
    /// Records used and skipped.
    pub counts: Counts,
    /// Skipped records with their reasons.
    pub skips: Vec<(Place, &'static str)>,
    /// Warnings.
    pub warnings: Vec<(Place, String)>,
}

impl Sink for Recorder {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }

    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }

    fn skip(&mut self, place: Place, reason: &'static str) {
        self.counts.skipped += 1;
        self.skips.push((place, reason));
    }

    fn warn(&mut self, place: Place, warning: String) {
        self.warnings.push((place, warning));
    }
}

impl Recorder {
    /// One JSON object an event, known cells only; then one line each for skips, warnings and counts.
    pub fn snapshot(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            text.push_str(&Value::Object(row(event)).to_string());
            text.push('\n');
        }
        for (place, reason) in &self.skips {
            text.push_str(&format!("# skipped {place}: {reason}\n"));
        }
        for (place, warning) in &self.warnings {
            text.push_str(&format!("# warning {place}: {warning}\n"));
        }
        text.push_str(&format!(
            "# used {} skipped {}\n",
            self.counts.used, self.counts.skipped
        ));
        text
    }
}

/// What the event tells beyond its columns.
pub fn attributes(event: &Event<'_>) -> Value {
    let json = event.attributes.as_deref().unwrap_or("{}");
    serde_json::from_str(json).expect("attributes are JSON")
}

fn row(event: &Event<'_>) -> Map<String, Value> {
    let mut row = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(name.into(), value);
        }
    };
    let text = |cell: &Option<Cow<'_, str>>| cell.as_deref().map(Value::from);
    put("ts", event.when.map(|when| when.ts.to_string().into()));
    put("ts_end", event.ts_end.map(|end| end.to_string().into()));
    put(
        "ts_precision",
        event.when.map(|when| when.precision.as_str().into()),
    );
    put(
        "ts_basis",
        event.when.map(|when| when.basis.as_str().into()),
    );
    put("host", text(&event.host));
    put("action", Some(event.action.into()));
    put("outcome", event.outcome.map(Value::from));
    put("src_ip", text(&event.src_ip));
    put("dst_ip", text(&event.dst_ip));
    put("src_port", event.src_port.map(Value::from));
    put("dst_port", event.dst_port.map(Value::from));
    put("protocol", event.protocol.map(Value::from));
    put("packets", event.packets.map(Value::from));
    put("bytes", event.bytes.map(Value::from));
    put("user", text(&event.user));
    put("pid", event.pid.map(Value::from));
    put("ppid", event.ppid.map(Value::from));
    put("exe", text(&event.exe));
    put("command", text(&event.command));
    put("path", text(&event.path));
    put("container", text(&event.container));
    put("image", text(&event.image));
    put("pod", text(&event.pod));
    put("namespace", text(&event.namespace));
    put("domain", text(&event.domain));
    put("query_type", text(&event.query_type));
    put("response_code", text(&event.response_code));
    let attributes = event.attributes.as_deref();
    put(
        "attributes",
        attributes.map(|json| serde_json::from_str(json).unwrap_or_else(|_| json.into())),
    );
    put("message", text(&event.message));
    put("line", event.line.map(Value::from));
    put("offset", event.offset.map(Value::from));
    row
}
