//! Rows that name addresses, and the parts of them that identity needs.

use coldcase_model::{Observable, ObservableType, Timestamp, action, canonical_ip};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

/// The rows that [`Named::of`] reads.
pub(super) fn select(timeline: &Timeline) -> Result<Selection, TimelineError> {
    timeline.select(
        &[
            action::CONTAINER_LISTED,
            action::CONTAINER_STARTED,
            action::CONTAINER_EXITED,
            action::NETWORK_LISTED,
            action::POD_LISTED,
            action::NODE_LISTED,
        ],
        &[
            "host",
            "format",
            "src_ip",
            "container",
            "pod",
            "namespace",
            "attributes",
            "message",
        ],
    )
}

/// One row that names something with an address or a life.
pub(super) struct Named<'a> {
    pub row: usize,
    pub action: &'a str,
    pub ts: Option<i64>,
    pub host: Option<&'a str>,
    pub container: Option<&'a str>,
    pub pod: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub addresses: Vec<String>,
    pub source: String,
    attributes: Value,
}

impl<'a> Named<'a> {
    /// A row of the selection.
    pub fn of(rows: &'a Selection, row: usize) -> Self {
        let attributes = rows
            .text("attributes", row)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or(Value::Null);
        let mut addresses: Vec<String> = Vec::new();
        let listed = attributes.get("addresses").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().filter_map(Value::as_str);
        for text in rows.text("src_ip", row).into_iter().chain(listed) {
            if let Some(address) = canonical_ip(text)
                && !addresses.iter().any(|known| *known == address)
            {
                addresses.push(address.into_owned());
            }
        }
        let file = rows.text("file", row).unwrap_or_default();
        let format = rows.text("format", row).unwrap_or_default();
        let place = rows.long("line", row).or_else(|| rows.long("offset", row));
        let place = place.map(|place| format!(":{place}")).unwrap_or_default();
        Self {
            row,
            action: rows.text("action", row).unwrap_or_default(),
            ts: rows.long("ts_ns", row),
            host: rows.text("host", row),
            container: rows.text("container", row),
            pod: rows.text("pod", row),
            namespace: rows.text("namespace", row),
            addresses,
            source: format!("{format} {file}{place}"),
            attributes,
        }
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// A text attribute that is a time, in nanoseconds.
    pub fn time(&self, name: &str) -> Option<i64> {
        Timestamp::parse_rfc3339(self.text(name)?).map(Timestamp::nanos)
    }

    /// A number of seconds, in nanoseconds.
    pub fn seconds(&self, name: &str) -> Option<i64> {
        self.attributes
            .get(name)?
            .as_i64()?
            .checked_mul(1_000_000_000)
    }

    /// A yes that was said.
    pub fn flag(&self, name: &str) -> bool {
        self.attributes.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// Texts of a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let list = self.attributes.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The node named in the record, or the host that the artifact is from.
    pub fn node(&self) -> Option<&str> {
        self.text("node").or(self.host)
    }

    /// When the list was made.
    pub fn collected(&self, collected: Option<i64>) -> Option<i64> {
        let is_list = matches!(
            self.action,
            action::CONTAINER_LISTED | action::POD_LISTED | action::NETWORK_LISTED
        );
        self.ts.filter(|_| is_list).or(collected)
    }

    /// Whether this is a pod's sandbox.
    pub fn is_sandbox(&self) -> bool {
        self.flag("sandbox")
            || self
                .container
                .is_some_and(|name| name.starts_with("k8s_POD_"))
    }

    /// What it is about: the pod, else the container.
    pub fn observable(&self) -> Observable {
        match (self.namespace, self.pod) {
            (Some(namespace), Some(pod)) => {
                Observable::new(ObservableType::Pod, format!("{namespace}/{pod}"))
            }
            (None, Some(pod)) => Observable::new(ObservableType::Pod, pod),
            _ => Observable::new(
                ObservableType::Container,
                self.container.unwrap_or_default().trim_start_matches('/'),
            ),
        }
    }
}
