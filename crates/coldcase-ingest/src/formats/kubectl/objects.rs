//! API objects: which rows they give, those of pods and nodes, and of the runs of a pod's containers.

use std::borrow::Cow;

use chrono::DateTime;
use coldcase_model::{
    Attributes, Event, Place, Precision, Sink, Timestamp, When, action, canonical_ip,
};
use serde_json::Value;

use super::{events, services, workloads};
use crate::Clock;
use crate::json::{flag, get, number, text};

/// Hands the rows of one object to the sink. Returns how many of its times could not be read.
pub fn emit(line: u64, value: &Value, clock: &Clock, sink: &mut dyn Sink) -> u64 {
    let mut times = Times {
        clock,
        unreadable: 0,
    };
    let has = |path: &[&str]| get(value, path).is_some();
    let is = |kind: &str| text(value, &["kind"]).is_none_or(|shown| shown == kind);
    if is("Event") && events::is_event(value) {
        events::emit_object(line, value, &mut times, sink);
        sink.used(1);
    } else if services::is_service(value) {
        services::emit_object(line, value, &mut times, sink);
        sink.used(1);
    } else if workloads::is_workload(value) {
        workloads::emit_object(line, value, &mut times, sink);
    } else if is("Node") && (has(&["status", "nodeInfo"]) || has(&["status", "addresses"])) {
        node(line, value, &mut times, sink);
        sink.used(1);
    } else if is("Pod") && (has(&["spec", "containers"]) || has(&["status", "phase"])) {
        pod(line, value, &mut times, sink);
        sink.used(1);
    } else {
        sink.skip(Place::Line(line), "an object of another kind");
    }
    times.unreadable
}

/// Reads times, and counts those that could not be read.
pub struct Times<'a> {
    /// The artifact's clock.
    pub clock: &'a Clock,
    unreadable: u64,
}

impl Times<'_> {
    /// The time at this path; null and absent ones are unknown.
    pub fn at(&mut self, value: &Value, path: &[&str]) -> Option<When> {
        let text = text(value, path)?;
        let at = DateTime::parse_from_rfc3339(text.trim());
        match at.ok().and_then(|at| Timestamp::from_utc(at.to_utc())) {
            Some(Timestamp(0)) => None,
            // The API's times have whole seconds; a status written by others may have more.
            Some(ts) => {
                let digits = text.split_once('.').map_or("", |(_, fraction)| fraction);
                let digits = digits.bytes().take_while(u8::is_ascii_digit).count();
                Some(
                    self.clock
                        .recorded(ts, Precision::of_fraction_digits(digits)),
                )
            }
            None => {
                self.unreadable += 1;
                None
            }
        }
    }
}

/// A time as attributes show it.
pub fn shown(when: Option<When>) -> Option<String> {
    when.map(|when| when.ts.to_string())
}

fn pod(line: u64, value: &Value, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let name = text(value, &["metadata", "name"]);
    let namespace = text(value, &["metadata", "namespace"]);
    let created = times.at(value, &["metadata", "creationTimestamp"]);
    let started = times.at(value, &["status", "startTime"]);
    let listed = get(value, &["status", "podIPs"]).and_then(Value::as_array);
    let listed = listed
        .into_iter()
        .flatten()
        .filter_map(|one| text(one, &["ip"]));
    let mut addresses: Vec<Cow<'_, str>> = Vec::new();
    for ip in text(value, &["status", "podIP"]).into_iter().chain(listed) {
        match canonical_ip(ip) {
            Some(ip) if !addresses.contains(&ip) && addresses.len() < 16 => addresses.push(ip),
            _ => {}
        }
    }
    let states = container_states(value);
    let current = || {
        states
            .iter()
            .filter(|state| state.section == "containerStatuses")
    };
    // Of a cut object some are missing: then the sums are not known.
    let ready = current()
        .map(|one| flag(one.status, &["ready"]).map(usize::from))
        .sum::<Option<usize>>();
    let restarts = current()
        .map(|one| number(one.status, &["restartCount"]))
        .try_fold(0_i64, |sum, count| Some(sum.saturating_add(count?)));

    let node = text(value, &["spec", "nodeName"]);
    let mut attributes = Attributes::new();
    attributes.text_if("node", node).text_if(
        "status",
        text(value, &["status", "reason"]).or_else(|| text(value, &["status", "phase"])),
    );
    if !states.is_empty() {
        let ready = ready.map(|ready| format!("{ready}/{}", current().count()));
        attributes
            .text_if("ready", ready.as_deref())
            .number_if("restarts", restarts);
    }
    attributes
        .text_if("created", shown(created).as_deref())
        .text_if("started", shown(started).as_deref());
    describe_age(created, times.clock, &mut attributes);
    if get(value, &["spec", "containers"]).is_some() {
        let host_network = flag(value, &["spec", "hostNetwork"]).unwrap_or(false);
        attributes.flag("host_network", host_network);
    }
    attributes
        .text_if("host_ip", text(value, &["status", "hostIP"]))
        .text_if("pod_uid", text(value, &["metadata", "uid"]))
        .text_if(
            "service_account",
            text(value, &["spec", "serviceAccountName"]),
        );
    if addresses.len() > 1 {
        attributes.texts("addresses", &addresses);
    }
    let mut event = Event::new(action::POD_LISTED);
    event.when = times.clock.collected();
    event.src_ip = addresses.into_iter().next();
    event.pod = name.map(Cow::Borrowed);
    event.namespace = namespace.map(Cow::Borrowed);
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    event.message = Some(pod_message(&event, node).into());
    sink.event(&event);
    let pod = Pod {
        name,
        namespace,
        line,
    };
    for state in &states {
        pod.runs(state, times, sink);
    }
}

fn pod_message(event: &Event<'_>, node: Option<&str>) -> String {
    let mut message = "pod ".to_owned();
    if let Some(namespace) = &event.namespace {
        message.push_str(&format!("{namespace}/"));
    }
    message.push_str(event.pod.as_deref().unwrap_or("?"));
    if let Some(ip) = &event.src_ip {
        message.push_str(&format!(" at {ip}"));
    }
    if let Some(node) = node {
        message.push_str(&format!(" on {node}"));
    }
    message
}

/// The age at the moment of collection, where both ends are known.
pub fn describe_age(created: Option<When>, clock: &Clock, attributes: &mut Attributes) {
    if let (Some(created), Some(collected)) = (created, clock.collected()) {
        let age = collected.ts.seconds().saturating_sub(created.ts.seconds());
        if age >= 0 {
            attributes
                .number("age_seconds", age)
                .number("age_unit_seconds", 1);
        }
    }
}

/// The status of one container of a pod.
struct ContainerState<'a> {
    section: &'static str,
    status: &'a Value,
    command: Option<String>,
}

fn container_states(value: &Value) -> Vec<ContainerState<'_>> {
    const MOST: usize = 256;
    let sections = [
        ("initContainerStatuses", "initContainers"),
        ("containerStatuses", "containers"),
        ("ephemeralContainerStatuses", "ephemeralContainers"),
    ];
    let mut states = Vec::new();
    for (section, specs) in sections {
        let specs = get(value, &["spec", specs]).and_then(Value::as_array);
        let listed = get(value, &["status", section]).and_then(Value::as_array);
        for status in listed.into_iter().flatten().take(MOST) {
            let name = text(status, &["name"]);
            let spec = specs
                .into_iter()
                .flatten()
                .find(|spec| text(spec, &["name"]) == name);
            states.push(ContainerState {
                section,
                status,
                command: spec.and_then(command),
            });
        }
    }
    states
}

/// A container's command line.
pub fn command(spec: &Value) -> Option<String> {
    let list = |name: &str| get(spec, &[name]).and_then(Value::as_array);
    let words = list("command").into_iter().chain(list("args")).flatten();
    let mut line = String::new();
    for word in words.filter_map(Value::as_str) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 8 << 10 {
            line.truncate(line.floor_char_boundary(8 << 10));
            break;
        }
    }
    Some(line).filter(|line| !line.is_empty())
}

struct Pod<'a> {
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    line: u64,
}

impl Pod<'_> {
    /// The run that goes on or ended last, and the one before.
    fn runs(&self, state: &ContainerState<'_>, times: &mut Times<'_>, sink: &mut dyn Sink) {
        for (section, is_last) in [("lastState", true), ("state", false)] {
            let run = |kind: &str| get(state.status, &[section, kind]);
            if let Some(ended) = run("terminated") {
                let started = times.at(ended, &["startedAt"]);
                let finished = times.at(ended, &["finishedAt"]);
                let id = text(ended, &["containerID"]);
                let id = id.or_else(|| text(state.status, &["containerID"]).filter(|_| !is_last));
                if let Some(when) = started {
                    let mut event = self.event(action::CONTAINER_STARTED, state, id, None);
                    event.when = Some(when);
                    event.ts_end = finished.map(|end| end.ts).filter(|end| *end >= when.ts);
                    sink.event(&event);
                }
                if let Some(when) = finished {
                    let mut event = self.event(action::CONTAINER_EXITED, state, id, Some(ended));
                    event.when = Some(when);
                    sink.event(&event);
                }
            } else if let Some(running) = run("running")
                && let Some(when) = times.at(running, &["startedAt"])
            {
                let id = text(state.status, &["containerID"]);
                let mut event = self.event(action::CONTAINER_STARTED, state, id, None);
                event.when = Some(when);
                sink.event(&event);
            }
        }
    }

    fn event<'a>(
        &'a self,
        action: &'static str,
        state: &'a ContainerState<'_>,
        id: Option<&str>,
        ended: Option<&Value>,
    ) -> Event<'a> {
        let name = text(state.status, &["name"]).unwrap_or("?");
        let mut attributes = Attributes::new();
        let bare = id.map(|id| id.split_once("://").map_or(id, |(_, bare)| bare));
        attributes.text_if("id", bare);
        let mut message = format!("container {name} started");
        if let Some(ended) = ended {
            let code = number(ended, &["exitCode"]);
            let reason = text(ended, &["reason"]);
            attributes
                .number_if("exit_code", code)
                .flag("oom_killed", reason == Some("OOMKilled"))
                .text_if("error", text(ended, &["message"]))
                .text_if("reason", reason);
            message = match code {
                Some(code) => format!("container {name} exited with {code}"),
                None => format!("container {name} exited"),
            };
        }
        let mut event = Event::new(action);
        event.container = Some(Cow::Borrowed(name));
        event.image = text(state.status, &["image"]).map(Cow::Borrowed);
        event.pod = self.name.map(Cow::Borrowed);
        event.namespace = self.namespace.map(Cow::Borrowed);
        event.command = state.command.as_deref().map(Cow::Borrowed);
        event.line = Some(self.line);
        event.attributes = attributes.finish().map(Cow::Owned);
        event.message = Some(message.into());
        event
    }
}

fn node(line: u64, value: &Value, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let name = text(value, &["metadata", "name"]).unwrap_or("?");
    let created = times.at(value, &["metadata", "creationTimestamp"]);
    let listed = || {
        get(value, &["status", "addresses"])
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let of = |kind: &'static str| {
        listed()
            .filter(move |one| text(one, &["type"]) == Some(kind))
            .filter_map(|one| text(one, &["address"]))
    };
    let addresses: Vec<Cow<'_, str>> = of("InternalIP").filter_map(canonical_ip).take(16).collect();
    let mut attributes = Attributes::new();
    attributes
        .text("node", name)
        .text_if("status", node_status(value).as_deref())
        .text_if("roles", roles(value).as_deref())
        .text_if(
            "version",
            text(value, &["status", "nodeInfo", "kubeletVersion"]),
        )
        .text_if("created", shown(created).as_deref());
    describe_age(created, times.clock, &mut attributes);
    attributes
        .text_if("external_ip", of("ExternalIP").next())
        .text_if("os_image", text(value, &["status", "nodeInfo", "osImage"]))
        .text_if(
            "kernel_version",
            text(value, &["status", "nodeInfo", "kernelVersion"]),
        )
        .text_if(
            "container_runtime",
            text(value, &["status", "nodeInfo", "containerRuntimeVersion"]),
        )
        .text_if("pod_cidr", text(value, &["spec", "podCIDR"]));
    if addresses.len() > 1 {
        attributes.texts("addresses", &addresses);
    }
    let mut event = Event::new(action::NODE_LISTED);
    event.when = times.clock.collected();
    event.message = Some(match addresses.first() {
        Some(ip) => format!("node {name} at {ip}").into(),
        None => format!("node {name}").into(),
    });
    event.src_ip = addresses.into_iter().next();
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

/// `Ready`, `NotReady` or `Unknown`, as kubectl shows it.
fn node_status(value: &Value) -> Option<String> {
    let listed = get(value, &["status", "conditions"])?.as_array()?;
    let ready = listed
        .iter()
        .find(|one| text(one, &["type"]) == Some("Ready"))?;
    let mut status = match text(ready, &["status"])? {
        "True" => "Ready".to_owned(),
        "False" => "NotReady".to_owned(),
        _ => "Unknown".to_owned(),
    };
    if flag(value, &["spec", "unschedulable"]) == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    Some(status)
}

fn roles(value: &Value) -> Option<String> {
    let labels = get(value, &["metadata", "labels"])?.as_object()?;
    let roles = labels.iter().take(4096).filter_map(|(name, role)| {
        match name.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if name == "kubernetes.io/role" => role.as_str(),
            None => None,
        }
    });
    let mut roles: Vec<&str> = roles.filter(|role| !role.is_empty()).collect();
    roles.sort_unstable();
    roles.dedup();
    (!roles.is_empty()).then(|| roles.join(","))
}
