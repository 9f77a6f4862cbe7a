//! Containers and pod sandboxes of runtimes behind the kubelet's interface: `crictl inspect`, `inspectp`,
//! `ps -o json`, `pods -o json`; and containerd's own `ctr containers info` / `nerdctl inspect --mode=native`.

use serde_json::Value;

use super::container::{Container, IpSource, NetworkNamespace, command_line, cut};
use super::labels::Labels;
use super::mounts::written;
use crate::Clock;
use crate::json::{flag, get, number, text, texts};

/// Most mounts shown.
const MOST: usize = 256;

/// A container or sandbox that crictl shows: `status` with `info`, or an element of a list.
pub fn from_crictl(line: u64, value: &Value, clock: &Clock) -> Container {
    let status = get(value, &["status"])
        .filter(|status| status.is_object())
        .unwrap_or(value);
    let info = get(value, &["info"]).unwrap_or(&Value::Null);
    let mut this = Container::new(line);
    let labels = Labels::of(get(status, &["labels"]).unwrap_or(&Value::Null));
    let annotations = Labels::of(get(status, &["annotations"]).unwrap_or(&Value::Null));
    this.id = text(status, &["id"]).map(str::to_owned);
    let sandbox = is_sandbox(status);

    let name = text(status, &["metadata", "name"]);
    let of_pod = |label: &str, field: &str| {
        let own = text(status, &["metadata", field]).filter(|_| sandbox);
        labels.get(label).or(own).map(str::to_owned)
    };
    this.names.container = name.map(str::to_owned).or_else(|| this.id.clone());
    this.names.pod = of_pod("io.kubernetes.pod.name", "name");
    this.names.namespace = of_pod("io.kubernetes.pod.namespace", "namespace");
    this.names.image = image(status, info).map(str::to_owned);
    this.names.command = command_line(texts(info, &["runtimeSpec", "process", "args"]))
        .or_else(|| command_of_config(info));

    this.status = text(status, &["state"]).map(state);
    this.created = this.time(get(status, &["createdAt"]), clock);
    this.started = this.time(get(status, &["startedAt"]), clock);
    this.finished = this.time(get(status, &["finishedAt"]), clock);
    this.pid = number(info, &["pid"]).filter(|pid| *pid > 0);
    let reason = text(status, &["reason"]);
    this.exit.oom_killed = reason.map(|reason| reason == "OOMKilled");
    let message = text(status, &["message"]).or(reason.filter(|reason| *reason != "Completed"));
    this.exit.error = message.map(|message| cut(message).to_owned());
    this.set_exit_code(number(status, &["exitCode"]));

    set_network(&mut this, status, info, sandbox);
    describe(&mut this, status, info, &labels, &annotations);
    this
}

/// A container as containerd keeps it.
pub fn from_containerd(line: u64, value: &Value, clock: &Clock) -> Container {
    let mut this = Container::new(line);
    let labels = Labels::of(get(value, &["Labels"]).unwrap_or(&Value::Null));
    let spec = get(value, &["Spec"]).unwrap_or(&Value::Null);
    this.id = text(value, &["ID"]).map(str::to_owned);
    let name = labels
        .get("nerdctl/name")
        .or_else(|| labels.get("io.kubernetes.container.name"));
    this.names.container = name.map(str::to_owned).or_else(|| this.id.clone());
    this.names.pod = labels.get("io.kubernetes.pod.name").map(str::to_owned);
    let namespace = labels.get("io.kubernetes.pod.namespace");
    this.names.namespace = namespace.map(str::to_owned);
    this.names.image = text(value, &["Image"]).map(str::to_owned);
    this.names.command = command_line(texts(spec, &["process", "args"]));
    this.status = text(value, &["Process", "Status", "Status"]).map(str::to_ascii_lowercase);
    this.created = this.time(get(value, &["CreatedAt"]), clock);
    this.finished = this.time(get(value, &["Process", "Status", "ExitTime"]), clock);
    this.pid = number(value, &["Process", "Pid"]).filter(|pid| *pid > 0);
    this.set_exit_code(number(value, &["Process", "Status", "ExitStatus"]));
    let linux = get(spec, &["linux", "namespaces"]).is_some();
    let host = linux && !has_namespace(spec, "network");
    if host {
        this.network = NetworkNamespace::Host;
    }
    let environment = texts(spec, &["process", "env"]);
    this.read_environment(environment.iter().filter_map(|one| one.split_once('=')));
    let mounts = spec_mounts(spec);
    let attributes = &mut this.attributes;
    attributes.text("engine", "containerd");
    let hostname = text(spec, &["hostname"]);
    attributes.text_if("hostname", hostname);
    if host {
        attributes.text("network_mode", "host");
    }
    if linux && !has_namespace(spec, "pid") {
        attributes.text("pid_mode", "host");
    }
    if !mounts.is_empty() {
        attributes.texts("mounts", mounts);
    }
    labels.describe(attributes);
    this
}

/// Whether crictl shows a pod's sandbox here.
pub fn is_sandbox(status: &Value) -> bool {
    text(status, &["state"]).is_some_and(|state| state.starts_with("SANDBOX_"))
        || get(status, &["network", "ip"]).is_some()
        || get(status, &["metadata", "uid"]).is_some()
}

/// `CONTAINER_RUNNING` → `running`, `SANDBOX_NOTREADY` → `notready`.
fn state(state: &str) -> String {
    let bare = state
        .strip_prefix("CONTAINER_")
        .or_else(|| state.strip_prefix("SANDBOX_"));
    bare.unwrap_or(state).to_ascii_lowercase()
}

/// The image's name; where the runtime shows an id there, one of the names that it was asked for.
fn image<'a>(status: &'a Value, info: &'a Value) -> Option<&'a str> {
    let shown = text(status, &["image", "userSpecifiedImage"])
        .or_else(|| text(status, &["image", "image"]))
        .or_else(|| text(info, &["image"]));
    let asked = text(info, &["config", "image", "userSpecifiedImage"]);
    let reference = text(status, &["imageRef"]);
    match shown {
        Some(shown) if !shown.starts_with("sha256:") => Some(shown),
        _ => asked
            .or(reference.filter(|reference| !reference.starts_with("sha256:")))
            .or(shown)
            .or(reference),
    }
}

fn command_of_config(info: &Value) -> Option<String> {
    let command = texts(info, &["config", "command"]);
    let arguments = texts(info, &["config", "args"]);
    command_line(command.into_iter().chain(arguments))
}

fn set_network(this: &mut Container, status: &Value, info: &Value, sandbox: bool) {
    let options = ["linux", "namespaces", "options", "network"];
    let config = [
        "config",
        "linux",
        "security_context",
        "namespace_options",
        "network",
    ];
    // `NODE` is 2 in the interface's own numbers.
    let host = text(status, &options) == Some("NODE") || number(info, &config) == Some(2);
    let owner = text(info, &["sandboxID"])
        .or_else(|| text(info, &["sandboxId"]))
        .or_else(|| text(status, &["podSandboxId"]))
        .or_else(|| text(status, &["sandboxId"]));
    this.network = match owner {
        _ if host => NetworkNamespace::Host,
        Some(owner) if !sandbox => NetworkNamespace::Of(owner.to_owned()),
        _ => NetworkNamespace::Own,
    };
    let more = get(status, &["network", "additionalIps"]).and_then(Value::as_array);
    let more = more
        .into_iter()
        .flatten()
        .filter_map(|ip| text(ip, &["ip"]));
    let addresses = text(status, &["network", "ip"]).into_iter().chain(more);
    this.add_addresses(IpSource::Network, addresses);

    let variables = get(info, &["config", "envs"]).and_then(Value::as_array);
    let variables: Vec<_> = variables
        .into_iter()
        .flatten()
        .filter_map(|one| Some((text(one, &["key"])?, text(one, &["value"])?)))
        .collect();
    if variables.is_empty() {
        let environment = texts(info, &["runtimeSpec", "process", "env"]);
        this.read_environment(environment.iter().filter_map(|one| one.split_once('=')));
    } else {
        this.read_environment(variables.into_iter());
    }
}

fn describe(
    this: &mut Container,
    status: &Value,
    info: &Value,
    labels: &Labels<'_>,
    annotations: &Labels<'_>,
) {
    let context = get(info, &["config", "linux", "security_context"]).unwrap_or(&Value::Null);
    let spec = get(info, &["runtimeSpec"]).unwrap_or(&Value::Null);
    let host = this.network == NetworkNamespace::Host;
    let owner = match &this.network {
        NetworkNamespace::Of(owner) => Some(owner.as_str()),
        _ => text(status, &["podSandboxId"]).or_else(|| text(info, &["sandboxID"])),
    };
    let restarts = number(status, &["metadata", "attempt"]).or_else(|| annotations.restart_count());
    let mounts = mounts(status);
    let attributes = &mut this.attributes;
    attributes
        .text("engine", "cri")
        .text_if("sandbox_id", owner)
        .number_if("restart_count", restarts)
        .text_if("image_id", text(status, &["imageRef"]))
        .text_if("user", text(context, &["run_as_username"]))
        .text_if("hostname", text(spec, &["hostname"]))
        .text_if("runtime", text(status, &["runtimeHandler"]));
    let privileged = flag(context, &["privileged"]).or_else(|| flag(info, &["privileged"]));
    if let Some(privileged) = privileged {
        attributes.flag("privileged", privileged);
    }
    if host {
        attributes.text("network_mode", "host");
    }
    let pid_host = number(context, &["namespace_options", "pid"]) == Some(2)
        || text(status, &["linux", "namespaces", "options", "pid"]) == Some("NODE")
        || (get(spec, &["linux", "namespaces"]).is_some() && !has_namespace(spec, "pid"));
    if pid_host {
        attributes.text("pid_mode", "host");
    }
    let added = texts(context, &["capabilities", "add_capabilities"]);
    if !added.is_empty() {
        attributes.texts("cap_add", added);
    }
    if !mounts.is_empty() {
        attributes.texts("mounts", mounts);
    }
    labels.describe(attributes);
    if is_sandbox(status) && !labels.is_sandbox() {
        attributes.flag("sandbox", true);
    }
}

fn mounts(status: &Value) -> Vec<String> {
    let listed = get(status, &["mounts"]).and_then(Value::as_array);
    let mounts = listed.into_iter().flatten().filter_map(|mount| {
        let source = text(mount, &["hostPath"])?;
        let destination = text(mount, &["containerPath"])?;
        Some(written(
            source,
            destination,
            flag(mount, &["readonly"]) == Some(true),
        ))
    });
    mounts.take(MOST).collect()
}

/// Binds of a runtime specification; pseudo file systems are every container's and say nothing.
fn spec_mounts(spec: &Value) -> Vec<String> {
    let listed = get(spec, &["mounts"]).and_then(Value::as_array);
    let mounts = listed.into_iter().flatten().filter_map(|mount| {
        let source = text(mount, &["source"]).filter(|source| source.starts_with('/'))?;
        let destination = text(mount, &["destination"])?;
        let read_only = texts(mount, &["options"]).contains(&"ro");
        Some(written(source, destination, read_only))
    });
    mounts.take(MOST).collect()
}

/// Whether a runtime specification gives the container a namespace of this type; without, it has the host's.
fn has_namespace(spec: &Value, kind: &str) -> bool {
    let listed = get(spec, &["linux", "namespaces"]).and_then(Value::as_array);
    let mut listed = listed.into_iter().flatten();
    listed.any(|namespace| text(namespace, &["type"]) == Some(kind))
}
