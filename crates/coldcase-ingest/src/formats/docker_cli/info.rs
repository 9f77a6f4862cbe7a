//! Engines as they describe themselves: `docker info`, `docker version`, `podman info`, `podman version`, `nerdctl info`, as text
//! or as JSON (`-f '{{json .}}'`, `GET /info`, `GET /version`).
//!
//! **Recognised** by the keys: four or more of `Server Version`, `Storage Driver`, `Docker Root Dir`, `Logging Driver`, ...;
//! `API version` with `Go version` and `Git commit`; podman's `host:` and `store:` with `graphRoot`; also behind a prompt.
//!
//! ```text
//! Server:
//!  Containers: 12
//!  Server Version: 20.10.5
//!  Storage Driver: overlay2
//!  Name: node-1
//!  Insecure Registries:
//!   127.0.0.0/8
//! WARNING: API is accessible on http://0.0.0.0:2375 without encryption.
//! ```
//!
//! **Rows**: one `engine-listed` an answer, at the moment of collection: `engine` (docker, podman, containerd), `version` (the
//! server's; of a client alone `client_version`), `name`, `os`, `kernel_version`, `containers`, `images`, `root_dir`,
//! `storage_driver`, `registries` (the index and mirrors), `insecure_registries`, `labels`, `warnings`. A warning that says where
//! the API is accessible gives `listen`, as `tcp://ADDRESS:PORT`, and `tls`.
//!
//! **Limits**: `listen` is known only by that warning (see daemon-json and the unit's command line). Times that an
//! engine prints (build dates, its own clock) are not read.
//!
//! Sources: docker/cli `cli/command/system/info.go` and `version.go`, moby `api/types/system`, podman `libpod/define/info.go`.

use coldcase_model::{Place, Sink};
use serde_json::Value;

use super::engine::{Engine, push};
use crate::json::{Outline, each_value, flag, get, number, outline, text, texts};
use crate::terminal_text::{command_of_prompt, plain};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-info",
    title: "docker info and version, podman info",
    source: include_str!("info.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED: usize = 200;

/// Deepest nesting of keys that is followed.
const MAX_DEPTH: usize = 16;

const OF_INFO: [&str; 14] = [
    "Server Version",
    "Storage Driver",
    "Docker Root Dir",
    "Logging Driver",
    "Cgroup Driver",
    "Kernel Version",
    "Operating System",
    "Containers",
    "Images",
    "Insecure Registries",
    "Live Restore Enabled",
    "Total Memory",
    "Default Runtime",
    "Execution Driver",
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    if let Some(outline) = probe.outline() {
        return match (is_described(outline), outline.text_lines) {
            (false, _) => Sniff::No,
            (true, 0) => Sniff::Sure,
            (true, _) => Sniff::Likely,
        };
    }
    let (mut info, mut version, mut podman) = (0_u32, 0_u32, 0_u32);
    for line in probe.lines().take(SNIFFED) {
        let line = String::from_utf8_lossy(line);
        let Some((key, _)) = line.split_once(':') else {
            continue;
        };
        let bare = key.trim();
        info += u32::from(OF_INFO.contains(&bare));
        let of_version = [
            "API version",
            "Go version",
            "Git commit",
            "API Version",
            "Go Version",
        ];
        version += u32::from(of_version.contains(&bare) || (bare == "Built" && version > 0));
        podman += u32::from(matches!(key, "host" | "store"));
        podman += u32::from(matches!(
            bare,
            "graphRoot" | "graphDriverName" | "buildahVersion"
        ));
    }
    match () {
        () if info >= 4 || podman >= 4 => Sniff::Sure,
        () if version >= 3 || podman == 3 => Sniff::Likely,
        () => Sniff::No,
    }
}

fn is_described(outline: &Outline<'_>) -> bool {
    let info = [
        "KernelVersion",
        "DockerRootDir",
        "NCPU",
        "Driver",
        "OperatingSystem",
    ];
    let version = outline.has("ApiVersion") && outline.has("GoVersion");
    let both = outline.has_in("Client", "ApiVersion") || outline.has_in("Server", "ApiVersion");
    let podman = outline.has_in("store", "graphRoot") || outline.has_in("host", "buildahVersion");
    (outline.has("ServerVersion") && outline.count(&info) >= 2) || version || both || podman
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

/// Where the reading of a text stands.
struct Text {
    engine: Engine,
    /// Keys around the next line, with their indentation.
    path: Vec<(usize, String)>,
    /// A warning whose further lines are still to come.
    warning: Option<String>,
    /// Lines of the answer so far.
    lines: u64,
}

impl Text {
    fn new() -> Self {
        Self {
            engine: Engine::new("docker", 0),
            path: Vec::new(),
            warning: None,
            lines: 0,
        }
    }

    /// Hands the answer to the sink, if it is one, and begins anew.
    fn put_out(&mut self, clock: &Clock, sink: &mut dyn Sink) {
        self.end_warning();
        let this = std::mem::replace(self, Self::new());
        if !this.engine.is_empty() {
            sink.event(&this.engine.event(clock));
            sink.used(this.lines);
        } else if this.lines > 0 {
            let place = Place::Line(this.engine.line);
            for _ in 0..this.lines {
                sink.skip(place, "a line that describes no engine");
            }
        }
    }

    fn end_warning(&mut self) {
        if let Some(warning) = self.warning.take() {
            self.engine.warn(&warning);
        }
    }

    fn line(&mut self, text: &str, number: u64) {
        if self.lines == 0 {
            self.engine.line = number;
        }
        self.lines += 1;
        let indent = text.len() - text.trim_start().len();
        let bare = text.trim();
        if let Some(warning) = self.warning.as_mut() {
            if indent > 2 && warning.len() < 4096 {
                warning.push(' ');
                warning.push_str(bare);
                return;
            }
            self.end_warning();
        }
        if ["WARNING: ", "[DEPRECATION NOTICE]", "DEPRECATED: "]
            .iter()
            .any(|start| bare.starts_with(start))
        {
            self.warning = Some(bare.to_owned());
            return;
        }
        // YAML may put the entries of a list below the very first letter of its key.
        let inside = indent + usize::from(bare.starts_with("- "));
        while self
            .path
            .last()
            .is_some_and(|(around, _)| *around >= inside)
        {
            self.path.pop();
        }
        let around = self.path.last().map_or("", |(_, key)| key.as_str());
        if let Some(list) = list_of(&mut self.engine, around) {
            return push(list, bare.trim_start_matches("- "));
        }
        let (key, value) = match bare.strip_suffix(':') {
            Some(key) => (key, ""),
            None => match bare.split_once(':') {
                Some((key, value)) => (key, value.trim()),
                None => return,
            },
        };
        take(&mut self.engine, &self.path, key, value);
        if self.path.len() < MAX_DEPTH && (value.is_empty() || indent == 0) {
            self.path.push((indent, key.to_owned()));
        }
    }
}

/// The list that lines below this key belong to.
fn list_of<'e>(engine: &'e mut Engine, key: &str) -> Option<&'e mut Vec<String>> {
    match key {
        "Insecure Registries" => Some(&mut engine.insecure_registries),
        "Registry Mirrors" | "search" => Some(&mut engine.registries),
        "Labels" => Some(&mut engine.labels),
        _ => None,
    }
}

/// A line of a key and its value.
fn take(engine: &mut Engine, path: &[(usize, String)], key: &str, value: &str) {
    let around = path.last().map_or("", |(_, key)| key.as_str());
    let top = path.first().map_or("", |(_, key)| key.as_str());
    let number = || value.parse().ok();
    let yes_no = || match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    match (top, around, key) {
        ("Client", "Client", "Namespace") => engine.engine = "containerd",
        ("Client", "Client" | "", "Version") => engine.fact("client_version", Some(value)),
        (_, _, "Server Version") | ("Server", "Server" | "Engine", "Version") => {
            engine.fact("version", Some(value));
        }
        (_, _, "Storage Driver") => engine.fact("storage_driver", Some(value)),
        (_, _, "Docker Root Dir") => engine.fact("root_dir", Some(value)),
        (_, _, "Kernel Version") => engine.fact("kernel_version", Some(value)),
        (_, _, "Operating System") => engine.fact("os", Some(value)),
        (_, "Server" | "", "Name") => engine.fact("name", Some(value)),
        (_, _, "Default Runtime") => engine.fact("default_runtime", Some(value)),
        (_, "Server" | "", "Swarm") => engine.fact("swarm", Some(value)),
        (_, _, "Username") => engine.fact("registry_user", Some(value)),
        (_, _, "HTTP Proxy" | "Http Proxy") => engine.fact("proxy", Some(value)),
        (_, _, "Registry") => push(&mut engine.registries, value),
        (_, _, "Containers") => engine.count("containers", number()),
        (_, _, "Running") => engine.count("running", number()),
        (_, _, "Images") => engine.count("images", number()),
        (_, _, "Live Restore Enabled") => engine.flag("live_restore", yes_no()),
        ("" | "version", _, "API Version") if top == "version" || path.is_empty() => {
            engine.engine = "podman";
        }
        ("", "", "host") => engine.engine = "podman",
        ("", "", "Version") => engine.fact("version", Some(value)),
        _ => take_podman(engine, (top, around, key), path, value),
    }
}

/// The same of `podman info`, which is YAML.
fn take_podman(engine: &mut Engine, at: (&str, &str, &str), path: &[(usize, String)], value: &str) {
    let value = value.trim_matches(['"', '\'']);
    match at {
        ("version", _, "Version") => engine.fact("version", Some(value)),
        ("host", "host", "hostname") => engine.fact("name", Some(value)),
        ("host", "host", "kernel") => engine.fact("kernel_version", Some(value)),
        ("host", "distribution", "distribution") => engine.fact("os", Some(value)),
        ("store", "store", "graphDriverName") => engine.fact("storage_driver", Some(value)),
        ("store", "store", "graphRoot") => engine.fact("root_dir", Some(value)),
        ("store", "containerStore", "number") => engine.count("containers", value.parse().ok()),
        ("store", "containerStore", "running") => engine.count("running", value.parse().ok()),
        ("store", "imageStore", "number") => engine.count("images", value.parse().ok()),
        ("host", "security", "rootless") => engine.flag("rootless", value.parse().ok()),
        ("registries", registry, "Insecure") if value == "true" && path.len() > 1 => {
            push(&mut engine.insecure_registries, registry);
        }
        _ => {}
    }
}

fn ingest_text(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(reader);
    let mut reading = Text::new();
    let mut served = false;
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(line.number);
        if line.bytes.contains(&0) {
            sink.skip(place, "not text");
            continue;
        }
        let text = line.text();
        let text = plain(&text);
        if command_of_prompt(&text).is_some() {
            reading.put_out(clock, sink);
            sink.skip(place, "a command line");
            served = false;
            continue;
        }
        if text.starts_with("Client:") && served {
            reading.put_out(clock, sink);
            served = false;
        }
        served |= text.starts_with("Server:") || text.starts_with("Containers:");
        reading.line(&text, line.number);
        if !line.ended && !text.contains(':') {
            sink.warn(place, "the file may end inside of a line".to_owned());
        }
    }
    reading.put_out(clock, sink);
    Ok(())
}

fn ingest_json(
    reader: impl std::io::Read,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<(), IngestError> {
    each_value(reader, sink, None, |value, line, sink| {
        let engine = of_json(value, line);
        if engine.is_empty() {
            return sink.skip(Place::Line(line), "an object that describes no engine");
        }
        sink.event(&engine.event(clock));
        sink.used(1);
    })
}

fn of_json(value: &Value, line: u64) -> Engine {
    let mut engine = Engine::new("docker", line);
    if get(value, &["store"]).is_some() || get(value, &["host"]).is_some() {
        of_podman(value, &mut engine);
        return engine;
    }
    let server = get(value, &["Server"]).unwrap_or(value);
    engine.fact(
        "version",
        text(value, &["ServerVersion"]).or(text(server, &["Version"])),
    );
    engine.fact("client_version", text(value, &["Client", "Version"]));
    for (name, member) in [
        ("name", "Name"),
        ("os", "OperatingSystem"),
        ("kernel_version", "KernelVersion"),
        ("root_dir", "DockerRootDir"),
        ("storage_driver", "Driver"),
        ("default_runtime", "DefaultRuntime"),
        ("proxy", "HttpProxy"),
    ] {
        engine.fact(name, text(value, &[member]).or(text(server, &[member])));
    }
    engine.fact("swarm", text(value, &["Swarm", "LocalNodeState"]));
    for (name, member) in [
        ("containers", "Containers"),
        ("running", "ContainersRunning"),
        ("images", "Images"),
    ] {
        engine.count(name, number(value, &[member]));
    }
    engine.flag("live_restore", flag(value, &["LiveRestoreEnabled"]));
    of_registries(value, &mut engine);
    for label in texts(value, &["Labels"]) {
        push(&mut engine.labels, label);
    }
    for warning in texts(value, &["Warnings"]) {
        engine.warn(
            &warning
                .split_ascii_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    engine
}

fn of_registries(value: &Value, engine: &mut Engine) {
    push(
        &mut engine.registries,
        text(value, &["IndexServerAddress"]).unwrap_or_default(),
    );
    let configuration = get(value, &["RegistryConfig"]).unwrap_or(&Value::Null);
    for mirror in texts(configuration, &["Mirrors"]) {
        push(&mut engine.registries, mirror);
    }
    let indexes = get(configuration, &["IndexConfigs"]).and_then(Value::as_object);
    for (name, index) in indexes.into_iter().flatten() {
        if flag(index, &["Secure"]) == Some(false) {
            push(&mut engine.insecure_registries, name);
        }
    }
    for range in texts(configuration, &["InsecureRegistryCIDRs"]) {
        push(&mut engine.insecure_registries, range);
    }
}

fn of_podman(value: &Value, engine: &mut Engine) {
    engine.engine = "podman";
    engine.fact("version", text(value, &["version", "Version"]));
    engine.fact("name", text(value, &["host", "hostname"]));
    engine.fact("kernel_version", text(value, &["host", "kernel"]));
    engine.fact("os", text(value, &["host", "distribution", "distribution"]));
    engine.fact("storage_driver", text(value, &["store", "graphDriverName"]));
    engine.fact("root_dir", text(value, &["store", "graphRoot"]));
    engine.count(
        "containers",
        number(value, &["store", "containerStore", "number"]),
    );
    engine.count(
        "running",
        number(value, &["store", "containerStore", "running"]),
    );
    engine.count("images", number(value, &["store", "imageStore", "number"]));
    engine.flag("rootless", flag(value, &["host", "security", "rootless"]));
    for registry in texts(value, &["registries", "search"]) {
        push(&mut engine.registries, registry);
    }
}
