//! What an engine did: `docker events`, `docker events --format '{{json .}}'`, `podman events`, `nerdctl events`; also docker's
//! text before 1.10.
//!
//! **Recognised** by lines of a time with a zone, a type (`container`, `image`, `network`, `volume`, ...), an action and, for
//! docker, a list of attributes in parentheses; or by JSON lines with `Type`, `Action` and `Actor`, or podman's `Name`, `Status`,
//! `Type` and `Time`.
//!
//! ```text
//! 2023-05-12T02:20:00.123456789Z container die 4b5e57f6eb2f... (exitCode=137, image=shop/web:2, name=web)
//! 2023-05-12 10:20:00.12 +0800 CST container died 4b5e57f6eb2f... (image=shop/web:2, name=web)
//! 2015-05-12T02:20:00.000000000Z 4b5e57f6eb2f: (from shop/web:2) die
//! ```
//!
//! **Rows**: `container-created` (create), `container-started` (start), `container-exited` (die, died) with `exit_code`;
//! all else of a container is `container-event`, with `command` of an exec, and so are events of networks, volumes, pods
//! and the engine, with `type` and `network` or `volume`. Images give `image-changed`. `event` is the engine's word.
//! Labels of Kubernetes among the attributes, or the kubelet's names, give pod and namespace.
//!
//! **Times** are recorded, with the offset that the line has. A podman time without an offset has the zone assumed.
//!
//! **Limits**: a label whose value holds `, name=` could be taken for an attribute of its own. Events of Kubernetes and
//! of containerd (`ctr events`) are other formats.
//!
//! Sources: docker/cli `cli/command/system/events.go`, moby `api/types/events`, podman `libpod/events/events.go`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, When, action};
use serde_json::{Map, Value};

use super::super::docker_inspect::{KubeletName, instant_of};
use crate::json::{as_number, each_value, outline, text};
use crate::syslog::Times;
use crate::terminal_text::{command_of_prompt, cut, plain};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

mod text_form;

use text_form::{is_id, of_line};

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-events",
    title: "docker and podman events",
    source: include_str!("events.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED: usize = 100;

/// Most attributes of one event.
const MAX_ATTRIBUTES: usize = 512;

/// Longest text kept of a command.
const MAX_TEXT: usize = 8 << 10;

const TYPES: [&str; 13] = [
    "container",
    "image",
    "network",
    "volume",
    "daemon",
    "plugin",
    "service",
    "node",
    "secret",
    "config",
    "pod",
    "system",
    "builder",
];

/// One event, whatever it was read from.
#[derive(Debug, Clone, Default, PartialEq)]
struct Happened<'a> {
    when: Option<When>,
    kind: Cow<'a, str>,
    action: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl Happened<'_> {
    fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let found = self.attributes.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| &**value)
                .filter(|value| !value.is_empty())
        })
    }
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    if let Some(outline) = probe.outline() {
        let docker = outline.count(&["Type", "Action", "Actor"]) == 3;
        let podman = outline.has("Type")
            && (outline.has("Status") || outline.has("status"))
            && (outline.has("Time") || outline.has("time"))
            && outline.has("Name");
        return match (docker || podman, outline.text_lines) {
            (false, _) => Sniff::No,
            (true, 0) => Sniff::Sure,
            (true, _) => Sniff::Likely,
        };
    }
    let (mut all, mut fit) = (0_usize, 0_usize);
    let mut times = Times::new(&Clock::UNKNOWN);
    let lines = probe.lines().filter(|line| !line.trim_ascii().is_empty());
    for line in lines.take(SNIFFED) {
        let line = String::from_utf8_lossy(line);
        let line = plain(&line);
        if of_line(&line, &mut times).is_some() {
            fit += 1;
            all += 1;
        } else if command_of_prompt(&line).is_none() {
            all += 1;
        }
    }
    match fit > 0 && fit * 10 >= all * 7 {
        true => Sniff::Sure,
        false => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    super::read_head(&mut input.reader, &mut head)?;
    let is_json = outline(&head).is_some();
    let whole = std::io::Read::chain(head.as_slice(), &mut input.reader);
    match is_json {
        true => ingest_json(whole, input.clock, sink)?,
        false => ingest_text(whole, input.clock, sink)?,
    }
    Ok(None)
}

fn ingest_text(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(reader);
    let mut times = Times::new(clock);
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(line.number);
        let text = line.text();
        let text = plain(&text);
        match of_line(&text, &mut times) {
            Some(happened) => {
                sink.event(&row(&happened, line.number));
                sink.used(1);
            }
            None if command_of_prompt(&text).is_some() => sink.skip(place, "a command line"),
            None if !line.ended => {
                sink.skip(place, "a cut line");
                sink.warn(place, "the file ends inside of a line".to_owned());
            }
            None => sink.skip(place, "not an event of an engine"),
        }
    }
    Ok(())
}

fn ingest_json(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    each_value(reader, sink, None, |value, line, sink| {
        let Some(happened) = of_json(value, clock) else {
            return sink.skip(Place::Line(line), "an object that is no event");
        };
        sink.event(&row(&happened, line));
        sink.used(1);
    })
}

/// Reads an object of docker or podman.
fn of_json<'a>(value: &'a Value, clock: &Clock) -> Option<Happened<'a>> {
    let kind = text(value, &["Type"]).filter(|kind| TYPES.contains(kind))?;
    let docker = text(value, &["Action"]);
    let action = docker
        .or_else(|| text(value, &["Status"]))
        .or_else(|| text(value, &["status"]))?;
    let actor = value.get("Actor");
    let map: Option<&Map<String, Value>> = actor
        .and_then(|actor| actor.get("Attributes"))
        .or_else(|| value.get("Attributes"))
        .and_then(Value::as_object);
    let mut attributes: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (key, value) in map.into_iter().flatten().take(MAX_ATTRIBUTES) {
        if let Some(value) = value.as_str() {
            attributes.push((key.as_str().into(), value.into()));
        }
    }
    for (key, member) in [("name", "Name"), ("image", "Image"), ("network", "Network")] {
        if let Some(value) = text(value, &[member]) {
            attributes.push((key.into(), value.into()));
        }
    }
    if let Some(code) = value.get("ContainerExitCode").and_then(as_number) {
        attributes.push(("exitCode".into(), code.to_string().into()));
    }
    let id = actor
        .and_then(|actor| text(actor, &["ID"]))
        .or_else(|| text(value, &["ID"]))
        .or_else(|| text(value, &["id"]));
    let nanos = value.get("timeNano").and_then(Value::as_i64);
    let when = match nanos.filter(|nanos| *nanos > 0) {
        Some(nanos) => Some(clock.recorded(Timestamp(nanos), Precision::Ns)),
        None => {
            let given = value.get("Time").or_else(|| value.get("time"));
            let written = given.map(|given| match given {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            });
            written.and_then(|text| instant_of(&text).when(clock))
        }
    };
    Some(Happened {
        when,
        kind: kind.into(),
        action: action.into(),
        id: id.map(Cow::Borrowed),
        attributes,
    })
}

/// The timeline's word for what happened.
fn action_of(kind: &str, word: &str) -> &'static str {
    match (kind, word) {
        ("container", "create") => action::CONTAINER_CREATED,
        ("container", "start") => action::CONTAINER_STARTED,
        ("container", "die" | "died") => action::CONTAINER_EXITED,
        ("image", _) => action::IMAGE_CHANGED,
        _ => action::CONTAINER_EVENT,
    }
}

/// What the event says beyond the cells, and the exit code.
fn describe(
    happened: &Happened<'_>,
    word: &str,
    command: Option<&str>,
    action: &str,
) -> (Attributes, Option<i64>) {
    let kind = &*happened.kind;
    let is_container = kind == "container";
    let mut attributes = Attributes::new();
    if matches!(action, action::CONTAINER_EVENT | action::IMAGE_CHANGED) {
        attributes.text("event", word);
    }
    if !is_container && kind != "image" {
        attributes.text("type", kind);
    }
    let id = happened.id.as_deref();
    let container_id = match is_container {
        true => id,
        false => happened.get(&["container"]).or(match kind {
            "network" | "volume" => None,
            _ => id.filter(|id| is_id(id)),
        }),
    };
    attributes.text_if("id", container_id);
    let code = happened.get(&["exitCode", "containerExitCode"]);
    let code: Option<i64> = code.and_then(|code| code.parse().ok());
    attributes
        .number_if("exit_code", code)
        .text_if("signal", happened.get(&["signal"]))
        .text_if("exec_id", happened.get(&["execID", "exec_id"]));
    let name = happened.get(&["name"]);
    match kind {
        "network" => drop(attributes.text_if("network", name.or(id))),
        "volume" => drop(attributes.text_if("volume", id)),
        _ => {}
    }
    let health = word == "health_status";
    let health = command
        .filter(|_| health)
        .or(happened.get(&["health_status"]));
    attributes.text_if("health", health);
    if kind == "network" {
        attributes.text_if("driver", happened.get(&["type", "driver"]));
    }
    (attributes, code)
}

fn row<'a>(happened: &'a Happened<'_>, line: u64) -> Event<'a> {
    let (word, command) = match happened.action.split_once(": ") {
        Some((word, command)) => (word, Some(command)),
        None => (&*happened.action, None),
    };
    let kind = &*happened.kind;
    let action = action_of(kind, word);
    let is_container = kind == "container";
    let name = happened.get(&["name"]);
    let id = happened.id.as_deref();
    let (attributes, code) = describe(happened, word, command, action);
    let container = name.filter(|_| is_container);
    let image = match kind {
        // Docker's name is without the tag; its id is the reference, where it is no digest.
        "image" => id.filter(|id| !is_id(id)).or(name).or(id),
        _ => happened.get(&["image"]),
    };
    let named = container.and_then(KubeletName::parse);
    let pod = happened.get(&["io.kubernetes.pod.name"]);
    let namespace = happened.get(&["io.kubernetes.pod.namespace"]);
    Event {
        when: happened.when,
        container: container.or(id.filter(|_| is_container)).map(Cow::Borrowed),
        image: image.map(Cow::Borrowed),
        pod: pod
            .or(named.as_ref().map(|named| named.pod))
            .map(Cow::Borrowed),
        namespace: namespace
            .or(named.as_ref().map(|named| named.namespace))
            .map(Cow::Borrowed),
        command: command
            .filter(|_| word.starts_with("exec"))
            .map(|command| cut(command, MAX_TEXT).into()),
        attributes: attributes.finish().map(Into::into),
        message: Some(
            message(
                kind,
                &happened.action,
                container.or(image).or(name).or(id),
                image,
                code,
            )
            .into(),
        ),
        line: Some(line),
        ..Event::new(action)
    }
}

fn message(
    kind: &str,
    action: &str,
    name: Option<&str>,
    image: Option<&str>,
    code: Option<i64>,
) -> String {
    let mut message = format!("{kind} {}: {}", name.unwrap_or("?"), cut(action, MAX_TEXT));
    if let Some(image) = image.filter(|_| kind == "container") {
        message.push_str(&format!(" (image {image})"));
    }
    if let Some(code) = code {
        message.push_str(&format!(", exit code {code}"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let mut times = Times::new(&Clock::UNKNOWN);
        let happened = of_line(line, &mut times);
        let got = happened.as_ref().map_or("none".to_owned(), |happened| {
            let event = row(happened, 1);
            let text = |cell: &Option<Cow<'_, str>>| cell.as_deref().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                event
                    .when
                    .map_or("-".to_owned(), |when| when.ts.to_string()),
                event.action,
                text(&event.container),
                text(&event.image),
                text(&event.command)
            )
        });
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn lines_of_all_engines() {
        check(
            "2023-05-12T02:20:00.123456789Z container die 4b5e57f6eb2f (exitCode=137, image=shop/web:2, name=web)",
            "2023-05-12T02:20:00.123456789Z container-exited web shop/web:2 -",
        );
        check(
            "2023-05-12T10:20:00+08:00 container exec_create: sh -c (cd /tmp; ls) 4b5e57f6eb2f (execID=0a, image=i, maintainer=A, B and C, name=web)",
            "2023-05-12T02:20:00Z container-event web i sh -c (cd /tmp; ls)",
        );
        check(
            "2023-05-12 10:20:00.12 +0800 CST container died 4b5e57f6eb2f (image=i, name=web)",
            "2023-05-12T02:20:00.120Z container-exited web i -",
        );
        check(
            "2023-05-12T02:20:00.1Z image pull busybox:latest (name=busybox)",
            "2023-05-12T02:20:00.100Z image-changed - busybox:latest -",
        );
        check(
            "2015-05-12T02:20:00.000000000Z 4b5e57f6eb2f: (from shop/web:2) start",
            "2015-05-12T02:20:00Z container-started 4b5e57f6eb2f shop/web:2 -",
        );
        check("2023-05-12T02:20:00.1Z container is ready", "none");
        check("2023-05-12T02:20:00.1Z image of the day", "none");
        check("2023-05-12T02:20:00.1Z something else", "none");
        check("", "none");
    }
}
