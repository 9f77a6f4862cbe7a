//! Rows of the tables of containers, of crictl's pods and of the engines' `stats`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, action};

use super::super::docker_inspect::{Instant, KubeletName, instant_of};
use super::ago::Age;
use super::status::Status;
use super::tables::Kind;
use crate::Clock;
use crate::table::Cells;

/// Most ports of a row that are taken.
const MOST_PORTS: usize = 256;

/// Whether cells are those of a row of this kind of table.
pub fn fits(cells: &Cells<'_, '_>, kind: Kind) -> bool {
    let status = cells.any(&["STATUS", "STATE"]);
    if status.is_some_and(|status| Status::parse(status).is_none()) {
        return false;
    }
    if kind == Kind::Stats {
        let percent = cells.get("CPU %").map(percent);
        return percent.is_some_and(|percent| percent.is_some())
            || cells.get("CPU %") == Some("--");
    }
    if cells.get("CREATED").is_some_and(|text| !is_age(text)) {
        return false;
    }
    match cells.any(&["CONTAINER ID", "CONTAINER", "POD ID"]) {
        Some(id) => is_id(id),
        None => {
            let name = cells.any(&["NAMES", "NAME"]);
            name.is_some_and(|name| !name.contains(' ')) && status.is_some()
        }
    }
}

/// Ids are hex digits: 12 or 13 of them, or all 64; old podman cut them at any length.
fn is_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An age, also one that the terminal cut, or what is shown where there is none.
fn is_age(text: &str) -> bool {
    Age::read(text).is_some()
        || matches!(text, "N/A" | "<unknown>")
        || ["Less than", "About a"]
            .iter()
            .any(|words| text.starts_with(words))
        || text.split(' ').next().is_some_and(|number| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < 12
        })
        || matches!(instant_of(text), Instant::At(..))
}

/// A container of `ps`.
pub fn listed<'a>(cells: &Cells<'_, 'a>, line: u64, clock: &Clock) -> Event<'a> {
    let id = cells.any(&["CONTAINER ID", "CONTAINER"]);
    let name = cells.any(&["NAMES", "NAME"]).map(first_name).or(id);
    let image = cells.get("IMAGE");
    let status_text = cells.any(&["STATUS", "STATE"]);
    let status = status_text.and_then(Status::parse);
    let mut attributes = Attributes::new();
    attributes.text_if("id", id).text_if("status", status_text);
    if let Some(status) = &status {
        describe_status(status, &mut attributes);
    }
    describe_age(cells, &mut attributes);
    if let Some(ports) = cells.get("PORTS") {
        attributes.texts("ports", ports.split(", ").take(MOST_PORTS));
    }
    let mut event = names(name, cells, &mut attributes);
    for (key, column) in [
        ("compose_service", "SERVICE"),
        ("attempt", "ATTEMPT"),
        ("sandbox_id", "POD ID"),
        ("networks", "NETWORKS"),
        ("size_text", "SIZE"),
        ("platform", "PLATFORM"),
    ] {
        attributes.text_if(key, cells.get(column));
    }
    if is_sandbox(name, image, cells) {
        attributes.flag("sandbox", true);
    }
    event.when = clock.collected();
    event.image = image.map(Cow::Borrowed);
    event.command = cells.get("COMMAND").map(unquoted);
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(message(name, image, status_text).into());
    event.line = Some(line);
    event
}

fn describe_status(status: &Status<'_>, attributes: &mut Attributes) {
    attributes
        .text("state", status.state)
        .number_if("exit_code", status.exit_code)
        .number_if(
            "finished_age_seconds",
            status.finished.map(|age| age.seconds),
        )
        .number_if(
            "finished_age_unit_seconds",
            status.finished.map(|age| age.unit_seconds),
        )
        .number_if("up_seconds", status.up.map(|age| age.seconds))
        .number_if("up_unit_seconds", status.up.map(|age| age.unit_seconds))
        .text_if("health", status.health);
    if status.state == "restarting" {
        attributes.flag("restarting", true);
    }
}

/// The age of what a row lists, as shown and in seconds.
pub fn describe_age(cells: &Cells<'_, '_>, attributes: &mut Attributes) {
    let Some(text) = cells.any(&["CREATED", "RUNNING FOR"]) else {
        return;
    };
    let age = Age::of(text);
    attributes
        .text("created_text", text)
        .number_if("age_seconds", age.map(|age| age.seconds))
        .number_if("age_unit_seconds", age.map(|age| age.unit_seconds));
}

/// An event with the container's names, and those of its pod.
fn names<'a>(
    name: Option<&'a str>,
    cells: &Cells<'_, 'a>,
    attributes: &mut Attributes,
) -> Event<'a> {
    let mut event = Event::new(action::CONTAINER_LISTED);
    event.container = name.map(Cow::Borrowed);
    if let Some(named) = name.and_then(KubeletName::parse) {
        event.pod = Some(named.pod.into());
        event.namespace = Some(named.namespace.into());
        attributes
            .text("container_name", named.container)
            .text("pod_uid", named.uid);
        return event;
    }
    // Podman's pods are none of Kubernetes, but what runs in them belongs together alike.
    let pod = cells.any(&["POD", "PODNAME", "POD NAME"]);
    event.pod = pod.filter(|pod| *pod != "unknown").map(Cow::Borrowed);
    event.namespace = cells.get("NAMESPACE").map(Cow::Borrowed);
    event
}

/// The first of several names; of docker's links (`web/db,db`) the container's own.
fn first_name(names: &str) -> &str {
    let own = names.split(',').find(|name| !name.contains('/'));
    let first = names.split(',').next().unwrap_or(names);
    own.unwrap_or(first).trim().trim_start_matches('/')
}

/// Whether a container only holds a pod's namespaces.
fn is_sandbox(name: Option<&str>, image: Option<&str>, cells: &Cells<'_, '_>) -> bool {
    let name = name.unwrap_or_default();
    let pause = image.is_some_and(|image| {
        let last = image.rsplit('/').next().unwrap_or(image);
        let bare = last.split([':', '@']).next().unwrap_or(last);
        matches!(bare, "pause" | "podman-pause") || bare.starts_with("pause-")
    });
    KubeletName::parse(name).is_some_and(|named| named.container == "POD")
        || (pause && name.ends_with("-infra"))
        || cells.get("IS INFRA") == Some("true")
        || (pause && cells.get("COMMAND").map(unquoted).as_deref() == Some("/pause"))
}

/// A command without docker's quotes; what it escaped in them is plain again.
fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"') else {
        return Cow::Borrowed(text);
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(&format!("\"{inner}\"")) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(inner),
    }
}

fn message(name: Option<&str>, image: Option<&str>, status: Option<&str>) -> String {
    let mut message = format!("container {}", name.unwrap_or("?"));
    if let Some(image) = image {
        message.push_str(&format!(" of {image}"));
    }
    if let Some(status) = status {
        message.push_str(&format!(": {status}"));
    }
    message
}

/// A pod of `crictl pods`.
pub fn sandbox<'a>(cells: &Cells<'_, 'a>, line: u64, clock: &Clock) -> Event<'a> {
    let status = cells.get("STATE");
    let name = cells.get("NAME");
    let mut attributes = Attributes::new();
    attributes
        .text_if("id", cells.get("POD ID"))
        .text_if("status", status);
    if let Some(status) = status.and_then(Status::parse) {
        attributes.text("state", status.state);
    }
    describe_age(cells, &mut attributes);
    attributes
        .text_if("attempt", cells.get("ATTEMPT"))
        .flag("sandbox", true);
    let mut message = format!("pod {}", name.unwrap_or("?"));
    if let Some(status) = status {
        message.push_str(&format!(": {status}"));
    }
    Event {
        when: clock.collected(),
        container: name.map(Cow::Borrowed),
        pod: name.map(Cow::Borrowed),
        namespace: cells.get("NAMESPACE").map(Cow::Borrowed),
        attributes: attributes.finish().map(Into::into),
        message: Some(message.into()),
        line: Some(line),
        ..Event::new(action::CONTAINER_LISTED)
    }
}

/// A container's use of the host, of `stats`.
pub fn stats<'a>(cells: &Cells<'_, 'a>, line: u64, clock: &Clock) -> Event<'a> {
    let id = cells.any(&["CONTAINER ID", "ID", "CONTAINER"]);
    let name = cells.get("NAME").or(id);
    let mut attributes = Attributes::new();
    attributes.text_if("id", id);
    for (key, column) in [("cpu_percent", "CPU %"), ("memory_percent", "MEM %")] {
        if let Some(value) = cells.get(column).and_then(percent) {
            attributes.value(key, &value.into());
        }
    }
    let memory = cells.any(&["MEM USAGE / LIMIT", "MEM USAGE/LIMIT", "MEM USAGE", "MEM"]);
    attributes.text_if("memory_text", memory);
    let pids: Option<i64> = cells.get("PIDS").and_then(|pids| pids.parse().ok());
    attributes.number_if("pids", pids);
    attributes.text_if("net_io_text", cells.any(&["NET I/O", "NET IO"]));
    let cpu = cells.get("CPU %").unwrap_or("?");
    let message = format!("container {} uses {cpu} of a CPU", name.unwrap_or("?"));
    let mut event = names(name, cells, &mut attributes);
    event.when = clock.collected();
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(message.into());
    event.line = Some(line);
    event
}

fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.trim().trim_end_matches('%').trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// The creation of a container whose table has the column CREATED AT.
pub fn created<'a>(
    cells: &Cells<'_, 'a>,
    kind: Kind,
    line: u64,
    clock: &Clock,
) -> Option<Event<'a>> {
    if !matches!(kind, Kind::Containers | Kind::Crictl) {
        return None;
    }
    let when = instant_of(cells.get("CREATED AT")?).when(clock)?;
    let id = cells.any(&["CONTAINER ID", "CONTAINER"]);
    let name = cells.any(&["NAMES", "NAME"]).map(first_name).or(id);
    let named = name.and_then(KubeletName::parse);
    let mut attributes = Attributes::new();
    attributes.text_if("id", id);
    Some(Event {
        when: Some(when),
        container: name.map(Cow::Borrowed),
        image: cells.get("IMAGE").map(Cow::Borrowed),
        pod: named.as_ref().map(|named| named.pod.into()),
        namespace: named.as_ref().map(|named| named.namespace.into()),
        command: cells.get("COMMAND").map(unquoted),
        attributes: attributes.finish().map(Into::into),
        message: Some(format!("container {} created", name.unwrap_or("?")).into()),
        line: Some(line),
        ..Event::new(action::CONTAINER_CREATED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_without_their_quotes() {
        let check = |text: &str, expected: &str| assert_eq!(unquoted(text), expected, "{text}");
        check("\"java -jar …\"", "java -jar …");
        check("\"sh -c \\\"a b\\\"\"", "sh -c \"a b\"");
        check("\"sh -c 'yum in", "sh -c 'yum in");
        check("nginx -g daemon o...", "nginx -g daemon o...");
    }

    #[test]
    fn the_own_name_among_links() {
        let check = |names: &str, expected: &str| assert_eq!(first_name(names), expected);
        check("web/db,db", "db");
        check("db,web/db", "db");
        check("/web", "web");
        check("web", "web");
    }
}
