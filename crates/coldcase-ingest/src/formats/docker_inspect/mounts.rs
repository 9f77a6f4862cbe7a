//! What a container has of its host: mounts, devices and published ports, each as one short text.

use serde_json::Value;

use crate::json::{as_number, flag, get, text, texts};

/// Most entries shown of each.
const MOST: usize = 256;

/// Mounts as `source:destination`, with `:ro` where they can't be written; of a volume the source is its name.
pub fn mounts(value: &Value) -> Vec<String> {
    let listed = get(value, &["Mounts"]).and_then(Value::as_array);
    // The daemon's own `config.v2.json` has them by destination.
    let stored = get(value, &["MountPoints"]).and_then(Value::as_object);
    let mut all: Vec<String> = listed
        .into_iter()
        .flatten()
        .chain(stored.into_iter().flat_map(|stored| stored.values()))
        .filter_map(mount)
        .take(MOST)
        .collect();
    if all.is_empty() {
        let binds = texts(value, &["HostConfig", "Binds"]);
        all.extend(binds.into_iter().take(MOST).map(bind));
    }
    all
}

fn mount(value: &Value) -> Option<String> {
    if let Some(destination) = value.as_str() {
        return Some(destination.to_owned());
    }
    let kind = text(value, &["Type"]);
    let source = match kind {
        Some("volume") => text(value, &["Name"]).or_else(|| text(value, &["Source"])),
        _ => text(value, &["Source"]).or_else(|| text(value, &["Name"])),
    };
    let source = source.or(kind).unwrap_or_default();
    let destination = text(value, &["Destination"])?;
    let read_only = flag(value, &["RW"]) == Some(false);
    Some(written(source, destination, read_only))
}

/// A mount as text.
pub fn written(source: &str, destination: &str, read_only: bool) -> String {
    let end = if read_only { ":ro" } else { "" };
    format!("{source}:{destination}{end}")
}

/// `source:destination:options` of a bind.
fn bind(text: &str) -> String {
    let mut parts = text.splitn(3, ':');
    let (source, destination) = (parts.next().unwrap_or_default(), parts.next());
    let options = parts.next().unwrap_or_default();
    let read_only = options.split(',').any(|option| option == "ro");
    match destination {
        Some(destination) => written(source, destination, read_only),
        None => text.to_owned(),
    }
}

/// Devices of the host, by their path there.
pub fn devices(host_config: &Value) -> Vec<String> {
    let listed = get(host_config, &["Devices"]).and_then(Value::as_array);
    let paths = listed
        .into_iter()
        .flatten()
        .filter_map(|device| text(device, &["PathOnHost"]));
    paths.take(MOST).map(str::to_owned).collect()
}

/// Ports as `docker ps` shows them: `0.0.0.0:8080->80/tcp`, or `80/tcp` where not published.
pub fn ports(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let published = |path: &[&str]| {
        let ports = get(value, path).and_then(Value::as_object);
        ports.filter(|ports| !ports.is_empty())
    };
    // A stopped container has no published ports now, only those it asks for.
    let ports = published(&["NetworkSettings", "Ports"])
        .or_else(|| published(&["HostConfig", "PortBindings"]));
    for (port, bindings) in ports.into_iter().flatten() {
        let bindings = bindings.as_array().map(Vec::as_slice).unwrap_or_default();
        if bindings.is_empty() {
            push(&mut all, port.clone());
        }
        for binding in bindings {
            let ip = text(binding, &["HostIp"]);
            let host_port = text(binding, &["HostPort"]).unwrap_or("*");
            push(&mut all, publish(ip, host_port, port));
        }
    }
    let exposed = get(value, &["Config", "ExposedPorts"]).and_then(Value::as_object);
    for port in exposed.into_iter().flat_map(|ports| ports.keys()) {
        let arrow = format!("->{port}");
        if !all.iter().any(|known| known.ends_with(&arrow)) {
            push(&mut all, port.clone());
        }
    }
    match get(value, &["Ports"]) {
        Some(Value::Array(listed)) => listed
            .iter()
            .filter_map(listed_port)
            .for_each(|port| push(&mut all, port)),
        Some(Value::String(listed)) => listed
            .split(", ")
            .filter(|port| !port.is_empty())
            .for_each(|port| push(&mut all, port.to_owned())),
        _ => {}
    }
    all
}

fn push(all: &mut Vec<String>, port: String) {
    if all.len() < MOST && !all.contains(&port) {
        all.push(port);
    }
}

fn publish(ip: Option<&str>, host_port: &str, port: &str) -> String {
    match ip {
        Some(ip) if ip.contains(':') => format!("[{ip}]:{host_port}->{port}"),
        Some(ip) => format!("{ip}:{host_port}->{port}"),
        None => format!("{host_port}->{port}"),
    }
}

/// A port of a list of containers, in docker's or podman's words.
fn listed_port(value: &Value) -> Option<String> {
    let number = |names: [&str; 2]| names.iter().find_map(|name| as_number(value.get(name)?));
    let word = |names: [&str; 2]| names.iter().find_map(|name| text(value, &[name]));
    let private = number(["PrivatePort", "container_port"])?;
    let protocol = word(["Type", "protocol"]).unwrap_or("tcp");
    let port = format!("{private}/{protocol}");
    Some(
        match number(["PublicPort", "host_port"]).filter(|port| *port > 0) {
            Some(public) => publish(word(["IP", "host_ip"]), &public.to_string(), &port),
            None => port,
        },
    )
}
