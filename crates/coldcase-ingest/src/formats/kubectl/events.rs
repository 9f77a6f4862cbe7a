//! Events of a Kubernetes cluster: `kubectl get events` and `kubectl events`, as tables (`-o wide`, `-A`,
//! `--no-headers`, `-w`, also of old versions) or as objects (`-o json`, `-o yaml`).
//!
//! **Recognised** are tables by their header (`LAST SEEN`, `REASON`, `MESSAGE`; old versions write `LASTSEEN`), also behind
//! a prompt with the command; objects by `kind: Event` of `v1` or `events.k8s.io`, or by `involvedObject`.
//!
//! ```text
//! NAMESPACE   LAST SEEN   TYPE      REASON    OBJECT      MESSAGE
//! shop        3m12s       Normal    Pulling   pod/web-0   Pulling image "registry.example/web:1.4"
//! shop        2m (x4 over 9m)  Warning  BackOff  Pod/web-0  Back-off restarting failed container
//! ```
//!
//! **Rows**: `cluster-event`. `kind` and `name` are the object's, `pod` its name where it is a pod. `container` is
//! from the field path (`spec.containers{app}`) or the text (`Created container app`), `image` from the text (`Pulling
//! image "x"`), `node` from the source, from the text of `Scheduled`, or the object itself.
//!
//! **Times**: objects have `firstTimestamp` and `lastTimestamp` (or `eventTime` and `series`), which are `ts` and `ts_end`. A
//! table has ages only: its rows have no `ts`, but `age_seconds` (last seen) and `first_age_seconds`, each with its
//! `_unit_seconds`, at the moment of collection. The cluster keeps events for an hour by default.
//!
//! **Limits**: a message that goes over several lines of a table is its first line. A file that holds tables of other
//! kinds too (`kubectl get all,events`) gives their rows as well.
//!
//! Sources: kubectl's printers (`printers.go`), `k8s.io/kubectl/pkg/cmd/events`, core/v1 and events.k8s.io/v1 API types.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, When, action};
use serde_json::Value;

use super::age::Age;
use super::objects::Times;
use super::rows::Row;
use super::table::Kind;
use crate::Format;
use crate::json::{get, number, text};

/// The format.
pub static EVENTS: Format = Format {
    id: "kubectl-events",
    title: "kubectl get events, as table, JSON or YAML",
    source: include_str!("events.rs"),
    yearless: false,
    sniff: |probe| super::sniff(probe, Kind::Events),
    ingest: super::ingest,
    join: None,
};

/// Longest text of an event shown; the cluster takes 1 KiB.
const MAX_MESSAGE: usize = 4 << 10;

/// What an event says, whatever it was read from.
#[derive(Default)]
struct Told<'a> {
    reason: Option<&'a str>,
    kind: Option<Cow<'a, str>>,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    event_type: Option<&'a str>,
    message: &'a str,
    field: Option<&'a str>,
    source: Option<&'a str>,
    node: Option<&'a str>,
    count: Option<i64>,
    when: Option<When>,
    last: Option<When>,
    age: Option<Age>,
    first_age: Option<Age>,
}

/// Whether a row has the shape of an event.
pub fn fits(row: &Row<'_>) -> bool {
    let word = |cell: &str| !cell.is_empty() && !cell.contains([' ', '\t']);
    let seen = row.any_cell(&["LAST SEEN", "LASTSEEN"]);
    let reason = |cell: &str| word(cell) && cell.starts_with(|first: char| first.is_alphabetic());
    row.cell("REASON").is_some_and(reason)
        && row.cell("TYPE").is_none_or(word)
        && row.cell("OBJECT").or(row.cell("KIND")).is_some_and(word)
        && seen.is_none_or(|cell| last_seen(cell).is_some())
}

/// Age of the last sighting; with `(x4 over 9m)` the count and the age of the first.
fn last_seen(cell: &str) -> Option<(Age, Option<i64>, Option<Age>)> {
    let (age, more) = cell.split_once('(').unwrap_or((cell, ""));
    let age = Age::parse(age)?;
    let over = more
        .strip_prefix('x')
        .and_then(|more| more.strip_suffix(')'));
    let over = over.and_then(|more| more.split_once(" over "));
    let count = over.and_then(|(count, _)| count.parse().ok());
    Some((age, count, over.and_then(|(_, first)| Age::parse(first))))
}

/// Hands the row of a table to the sink.
pub fn emit_row(row: &Row<'_>, line: u64, sink: &mut dyn Sink) {
    let seen = row.any_cell(&["LAST SEEN", "LASTSEEN"]).and_then(last_seen);
    let first = row.any_cell(&["FIRST SEEN", "FIRSTSEEN"]);
    let object = row.cell("OBJECT").and_then(|cell| cell.split_once('/'));
    let kind = object.map(|(kind, _)| kind).or(row.cell("KIND"));
    // An event's own name is that of its object with a number behind it.
    let own = row.cell("NAME").map(without_number);
    let (source, node) = row.cell("SOURCE").map_or((None, None), source);
    emit(
        &Told {
            reason: row.cell("REASON"),
            kind: kind.map(kind_name),
            name: object.map(|(_, name)| name).or(own),
            namespace: row.cell("NAMESPACE").or(row.namespace),
            event_type: row.cell("TYPE"),
            message: row.cell("MESSAGE").unwrap_or_default(),
            field: row.cell("SUBOBJECT"),
            source,
            node,
            count: row
                .cell("COUNT")
                .and_then(|count| count.parse().ok())
                .or(seen.and_then(|(_, count, _)| count)),
            age: seen.map(|(age, ..)| age),
            first_age: first
                .and_then(Age::parse)
                .or(seen.and_then(|(.., first)| first)),
            ..Told::default()
        },
        line,
        sink,
    );
}

/// `web-0.15f2a1b2c3d4e5f6` without its number.
fn without_number(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((bare, number))
            if number.len() >= 12 && number.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            bare
        }
        _ => name,
    }
}

/// Component and host of `kubelet, node-1`; very old versions write `{kubelet node-1}`.
fn source(cell: &str) -> (Option<&str>, Option<&str>) {
    let cell = cell.trim_matches(['{', '}', ' ']);
    let (component, host) = match cell.split_once([',', ' ']) {
        Some((component, host)) => (component, Some(host.trim())),
        None => (cell, None),
    };
    let known = |text: &&str| !text.is_empty();
    (Some(component).filter(known), host.filter(known))
}

/// The kind as objects name it; tables show the resource (`pod`).
fn kind_name(shown: &str) -> Cow<'_, str> {
    const KINDS: [&str; 19] = [
        "Pod",
        "Node",
        "Service",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Endpoints",
        "Ingress",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "HorizontalPodAutoscaler",
        "Namespace",
        "ReplicationController",
        "ConfigMap",
        "ServiceAccount",
        "PodDisruptionBudget",
    ];
    let shown = shown.split('.').next().unwrap_or(shown);
    match KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(shown)) {
        Some(kind) => Cow::Borrowed(*kind),
        None => Cow::Borrowed(shown),
    }
}

/// Whether an object without a kind is an event.
pub fn is_event(value: &Value) -> bool {
    let has = |name: &str| get(value, &[name]).is_some();
    !has("auditID") && (has("involvedObject") || has("regarding")) && has("reason")
}

/// Hands the row of an object to the sink.
pub fn emit_object(line: u64, value: &Value, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let object = match get(value, &["regarding"]) {
        Some(_) => "regarding",
        None => "involvedObject",
    };
    let of = |name: &str| text(value, &[object, name]);
    let either = |one: &[&str], other: &[&str]| text(value, one).or_else(|| text(value, other));
    let component = either(&["reportingController"], &["reportingComponent"]);
    let source = either(&["source", "component"], &["deprecatedSource", "component"]);
    let host = either(&["source", "host"], &["deprecatedSource", "host"]);
    let instance = text(value, &["reportingInstance"]).filter(|_| component == Some("kubelet"));
    let kind = of("kind");
    let cluster_wide = matches!(kind, Some("Node" | "PersistentVolume" | "Namespace"));
    let own = text(value, &["metadata", "namespace"]).filter(|_| !cluster_wide);
    let mut first_of = |paths: &[&[&str]]| paths.iter().find_map(|path| times.at(value, path));
    let when = first_of(&[
        &["firstTimestamp"],
        &["deprecatedFirstTimestamp"],
        &["eventTime"],
        &["metadata", "creationTimestamp"],
    ]);
    let last = first_of(&[
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["deprecatedLastTimestamp"],
    ]);
    let counts: [&[&str]; 3] = [&["series", "count"], &["count"], &["deprecatedCount"]];
    emit(
        &Told {
            reason: text(value, &["reason"]),
            kind: kind.map(Cow::Borrowed),
            name: of("name"),
            namespace: of("namespace").or(own),
            event_type: text(value, &["type"]),
            message: either(&["message"], &["note"]).unwrap_or_default(),
            field: of("fieldPath"),
            source: source.or(component),
            node: host.or(instance),
            count: counts.iter().find_map(|path| number(value, path)),
            when,
            last,
            ..Told::default()
        },
        line,
        sink,
    );
}

fn emit(told: &Told<'_>, line: u64, sink: &mut dyn Sink) {
    let kind = told.kind.as_deref();
    let node = told.node.or_else(|| match (told.reason, kind) {
        (Some("Scheduled"), _) => told.message.rsplit_once(" to ").map(|(_, node)| node),
        (_, Some("Node")) => told.name,
        _ => None,
    });
    let mut attributes = Attributes::new();
    attributes
        .text_if("reason", told.reason)
        .text_if("type", told.event_type)
        .text_if("kind", kind)
        .text_if("name", told.name)
        .text_if("node", node)
        .number_if("count", told.count)
        .text_if("source", told.source);
    if let Some(age) = told.age {
        attributes
            .number("age_seconds", age.seconds)
            .number("age_unit_seconds", age.unit_seconds);
    }
    if let Some(age) = told.first_age {
        attributes
            .number("first_age_seconds", age.seconds)
            .number("first_age_unit_seconds", age.unit_seconds);
    }
    let mut event = Event::new(action::CLUSTER_EVENT);
    event.when = told.when.or(told.last);
    event.ts_end = match (told.when, told.last) {
        (Some(first), Some(last)) if last.ts >= first.ts => Some(last.ts),
        _ => None,
    };
    let is_pod = kind == Some("Pod");
    event.pod = told.name.filter(|_| is_pod).map(Cow::Borrowed);
    let namespaced = kind != Some("Node");
    event.namespace = told.namespace.filter(|_| namespaced).map(Cow::Borrowed);
    let container = told.field.and_then(container_of_field);
    let container = container.or_else(|| container_of_message(told.reason?, told.message));
    event.container = container.filter(|_| is_pod).map(Cow::Borrowed);
    event.image = image_of_message(told.message).map(Cow::Borrowed);
    let end = told.message.floor_char_boundary(MAX_MESSAGE);
    let message = told.message.get(..end).unwrap_or_default().trim();
    event.message = Some(Cow::Owned(format!(
        "{} {}/{}: {message}",
        told.reason.unwrap_or("event"),
        kind.unwrap_or("?"),
        told.name.unwrap_or("?"),
    )));
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

/// `spec.containers{app}`
fn container_of_field(field: &str) -> Option<&str> {
    let (path, name) = field.strip_suffix('}')?.split_once('{')?;
    let name = Some(name).filter(|name| !name.is_empty())?;
    path.to_ascii_lowercase()
        .ends_with("containers")
        .then_some(name)
}

/// `Created container app`, `Started container app`, `Stopping container app`; since 1.32 with a colon.
fn container_of_message<'a>(reason: &str, message: &'a str) -> Option<&'a str> {
    if !matches!(reason, "Created" | "Started" | "Killing") {
        return None;
    }
    let (verb, rest) = message.split_once(" container")?;
    let name = rest.trim_start_matches(':').trim();
    (!verb.contains(' ') && !name.is_empty() && !name.contains(' ')).then_some(name)
}

/// `Pulling image "x"`, `Container image "x" already present on machine`
fn image_of_message(message: &str) -> Option<&str> {
    let (_, rest) = message
        .split_once("image \"")
        .or_else(|| message.split_once("Image \""))?;
    let (image, _) = rest.split_once('"')?;
    (!image.is_empty() && !image.contains(' ')).then_some(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_container_and_image() {
        let check = |reason: &str, message: &str, container: Option<&str>, image: Option<&str>| {
            assert_eq!(
                container_of_message(reason, message),
                container,
                "{message}"
            );
            assert_eq!(image_of_message(message), image, "{message}");
        };
        check("Started", "Started container app", Some("app"), None);
        check("Created", "Created container: app", Some("app"), None);
        check("Killing", "Stopping container app", Some("app"), None);
        check(
            "Created",
            "Created container with docker id 1a2b",
            None,
            None,
        );
        check(
            "BackOff",
            "Back-off restarting failed container app in pod x",
            None,
            None,
        );
        check("Pulling", "Pulling image \"a/b:1\"", None, Some("a/b:1"));
        check(
            "Pulled",
            "Container image \"a\" already present on machine",
            None,
            Some("a"),
        );
        check("Pulled", "Successfully pulled image \"a", None, None);
        assert_eq!(container_of_field("spec.initContainers{a}"), Some("a"));
        assert_eq!(container_of_field("spec.containers{}"), None);
        assert_eq!(container_of_field("metadata{a}"), None);
    }

    #[test]
    fn cells_of_tables() {
        let age = |text: &str| {
            last_seen(text)
                .map(|(age, count, first)| (age.seconds, count, first.map(|age| age.seconds)))
        };
        assert_eq!(age("3m"), Some((180, None, None)));
        assert_eq!(age("2m (x4 over 9m)"), Some((120, Some(4), Some(540))));
        assert_eq!(age("x"), None);
        assert_eq!(source("kubelet, n1"), (Some("kubelet"), Some("n1")));
        assert_eq!(source("{kubelet n1}"), (Some("kubelet"), Some("n1")));
        assert_eq!(
            source("default-scheduler"),
            (Some("default-scheduler"), None)
        );
        assert_eq!(without_number("web-0.15f2a1b2c3d4e5f6"), "web-0");
        assert_eq!(without_number("web.example"), "web.example");
        assert_eq!(kind_name("replicaset"), "ReplicaSet");
    }
}
