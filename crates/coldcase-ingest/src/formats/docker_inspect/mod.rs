//! Containers, images and networks as container engines print them in JSON: `docker inspect`, the answers of
//! the Docker API, `podman inspect`, `nerdctl inspect`, `crictl inspect`/`inspectp`/`inspecti`,
//! `ctr containers info`, the lists of `ps --format json`, `crictl ps -o json`, `crictl pods -o json`, and the
//! daemon's own `config.v2.json`.
//!
//! **Recognised** by the members of the first element (`Id` with `State`, `Config`, `HostConfig`, ...;
//! `RepoTags`; `IPAM`; `status` with `info`), in an array, as single object, several documents one after the
//! other or one a line, also behind a prompt and among messages of the tool. An empty answer (`[]`) or nothing
//! but an error message is recognised where the file's name says inspect, docker, podman or crictl.
//!
//! **Rows.** A container gives `container-listed` at the moment of collection, and `container-created`,
//! `container-started`, `container-exited` at the recorded times. Of a container that runs again, the last exit
//! is that of an earlier run: its status is not known any more and is left out. An image gives `image-created`,
//! a network one `network-listed` for each of its members.
//!
//! **Times** are recorded in UTC or with an offset, to the nanosecond (Go trims zeros at the end). `0001-01-01` and
//! `1970-01-01T00:00:00Z` mean never. Lists hold seconds since 1970.
//!
//! **Addresses** come from the engine's network settings; where a CNI plugin leaves these empty, from variables
//! of the environment that name the pod's own address (`POD_IP`, `POD_IPS`, `MY_POD_IP`, ...); else from the
//! sandbox or a sibling in the same network namespace. `ip_source` says which. Containers in the host's network
//! have none of their own (`host_network`). A container with several has the first in `src_ip` and all in `addresses`.
//!
//! **Damage.** An element that can't be read costs itself and not the file: reading goes on at the next element.
//! An element may have 16 MiB. Volumes, swarm objects, podman pods and `docker info` are counted as skipped.
//!
//! Sources: Docker Engine API reference (ContainerInspect, ImageInspect, NetworkInspect), podman's
//! `libpod/define/container_inspect.go`, the kubelet's CRI `api.proto`, OCI runtime specification.

use coldcase_model::{Event, Place, Sink};
use serde_json::Value;

use crate::json::{Elements, Outline, Piece, get, parse, text};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

use container::Container;

mod container;
mod created_lines;
mod cri;
mod image;
mod instants;
mod labels;
mod mounts;
mod network;
mod rows;
mod shared_networks;

pub use created_lines::CREATED_LINES;
pub(super) use instants::{Instant, of_text as instant_of};
pub(super) use labels::KubeletName;

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-inspect",
    title: "docker, podman, nerdctl and crictl inspect output",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Memory for containers that wait for their network's address. Beyond it what was read is put out, and
/// containers of later elements no longer share addresses with it.
const MAX_HELD: usize = 256 << 20;

/// Warnings of one kind after which only their number is given.
const MAX_WARNINGS: usize = 8;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Engine,
    Crictl,
    Containerd,
    Image,
    Network,
    Other(&'static str),
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let Some(outline) = probe.outline() else {
        return sniff_message(probe);
    };
    if outline.is_empty_list {
        return if is_named_so(probe) {
            Sniff::Weak
        } else {
            Sniff::No
        };
    }
    match outlined(outline) {
        Some(_) if outline.text_lines == 0 => Sniff::Sure,
        Some(_) => Sniff::Likely,
        None => Sniff::No,
    }
}

/// What kind the first element is, by its members; `None` for what no engine prints.
fn outlined(outline: &Outline<'_>) -> Option<Kind> {
    let has = |name: &str| outline.has(name);
    if has("apiVersion") || has("kind") || has("event_type") {
        return None;
    }
    let id = has("Id") || has("ID");
    let engine = [
        "State",
        "Config",
        "HostConfig",
        "NetworkSettings",
        "Path",
        "Args",
        "Names",
        "Mounts",
        "ImageID",
        "ImageName",
        "RestartCount",
        "Command",
        "Status",
        "ResolvConfPath",
    ];
    let image = ["RepoTags", "RepoDigests", "RootFS", "VirtualSize"];
    let crictl = outline.has_in("status", "metadata") || outline.has_in("info", "sandboxID");
    let crictl_image =
        outline.has_in("status", "repoTags") || outline.has_in("status", "repoDigests");
    if crictl || (has("metadata") && has("state") && has("createdAt") && has("id")) {
        Some(Kind::Crictl)
    } else if crictl_image || (id && outline.count(&image) >= 2) {
        Some(Kind::Image)
    } else if id && has("Spec") && (has("SnapshotKey") || has("Snapshotter") || has("Runtime")) {
        Some(Kind::Containerd)
    } else if is_network(&|name| outline.has(name)) {
        Some(Kind::Network)
    } else if id && outline.count(&engine) >= 3 {
        Some(Kind::Engine)
    } else if has("Mountpoint") && has("Driver") && has("Name") {
        Some(Kind::Other(VOLUME))
    } else {
        None
    }
}

const VOLUME: &str = "a volume";

fn is_network(has: &dyn Fn(&str) -> bool) -> bool {
    (has("IPAM") && has("Driver") && has("Name"))
        || (has("network_interface") && has("driver") && has("name"))
}

/// A tool's complaint and nothing else.
fn sniff_message(probe: &Probe<'_>) -> Sniff {
    let mut lines = probe.lines().filter(|line| !line.trim_ascii().is_empty());
    match lines.next() {
        Some(line) if is_message(line) && is_named_so(probe) => Sniff::Likely,
        Some(line) if is_message(line) && line.starts_with(b"Error: No such object") => Sniff::Weak,
        _ => Sniff::No,
    }
}

/// Whether a line is what an engine says instead of an answer.
fn is_message(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line.get(..256).unwrap_or(line).to_ascii_lowercase();
    let starts = [
        b"error: no such ".as_slice(),
        b"error response from daemon",
        b"error: inspecting object",
        b"error: unable to inspect",
        b"docker: \"inspect\"",
        b"\"docker inspect\"",
        b"\"docker container inspect\"",
        b"permission denied while trying to connect to the docker daemon",
        b"cannot connect to the docker daemon",
        b"got permission denied while trying",
    ];
    starts.iter().any(|start| line.starts_with(start))
        || (line.starts_with(b"fata[") && memchr::memmem::find(&line, b"status of").is_some())
}

/// Whether a line is the command that was typed: `# docker inspect web`.
fn is_command(line: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    let prompt = has(b"# ") || has(b"$ ") || has(b"> ");
    prompt
        && (has(b"docker") || has(b"podman") || has(b"nerdctl") || has(b"crictl") || has(b"ctr "))
}

fn is_named_so(probe: &Probe<'_>) -> bool {
    let path = probe.path.to_ascii_lowercase();
    ["inspect", "docker", "podman", "crictl", "nerdctl"]
        .iter()
        .any(|word| path.contains(word))
}

/// What waits until the containers of one network namespace are all known.
enum Held {
    Container(Box<Container>),
    Rows(Vec<Event<'static>>),
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut elements = Elements::new(&mut input.reader);
    let mut reading = Reading {
        clock: input.clock,
        sink,
        held: Vec::new(),
        held_bytes: 0,
        texts: 0,
        unreadable_times: 0,
        empty: None,
        any: false,
    };
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => reading.element(line, bytes),
            Piece::EmptyList { line } => reading.empty = reading.empty.or(Some(line)),
            Piece::Text { line, bytes } => reading.text(line, bytes),
            Piece::Damaged { line, damage } => {
                reading.any = true;
                let place = Place::Line(line);
                if damage != crate::json::Damage::UnclosedList {
                    reading.sink.skip(place, damage.as_str());
                }
                reading.sink.warn(place, damage.as_str().to_owned());
            }
        }
    }
    reading.finish();
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

struct Reading<'a> {
    clock: &'a Clock,
    sink: &'a mut dyn Sink,
    held: Vec<Held>,
    held_bytes: usize,
    texts: usize,
    unreadable_times: u64,
    empty: Option<u64>,
    any: bool,
}

impl Reading<'_> {
    fn element(&mut self, line: u64, bytes: &[u8]) {
        self.any = true;
        let value = match parse(bytes) {
            Ok(value) => value,
            Err(error) => {
                let place = Place::Line(line);
                self.sink
                    .skip(place, "a JSON element that is not well-formed");
                self.sink.warn(place, format!("element left out: {error}"));
                return;
            }
        };
        let container = match kind(&value) {
            Kind::Engine => Container::from_engine(line, &value, self.clock),
            Kind::Crictl => cri::from_crictl(line, &value, self.clock),
            Kind::Containerd => cri::from_containerd(line, &value, self.clock),
            Kind::Image => {
                let (event, unreadable) = image::events(line, &value, self.clock);
                self.unreadable_times += u64::from(unreadable);
                return self.hold(Held::Rows(vec![event]), bytes.len());
            }
            Kind::Network => {
                let rows = network::events(line, &value, self.clock);
                return self.hold(Held::Rows(rows), bytes.len());
            }
            Kind::Other(what) => {
                self.sink.skip(Place::Line(line), what);
                return;
            }
        };
        self.unreadable_times += u64::from(container.unreadable_times);
        self.hold(Held::Container(Box::new(container)), bytes.len());
    }

    fn hold(&mut self, held: Held, bytes: usize) {
        self.sink.used(1);
        self.held.push(held);
        self.held_bytes += bytes;
        if self.held_bytes > MAX_HELD {
            let warning =
                "more containers than memory holds: addresses are shared within parts of the file";
            self.sink.warn(Place::Whole, warning.to_owned());
            self.put_out();
        }
    }

    fn text(&mut self, line: u64, bytes: &[u8]) {
        let place = Place::Line(line);
        if is_command(bytes) {
            self.sink.skip(place, "a command line");
            return;
        }
        self.texts += 1;
        self.sink.skip(place, "a line that is no JSON");
        if self.texts <= MAX_WARNINGS {
            let said = String::from_utf8_lossy(bytes);
            let said: String = said.trim_end().chars().take(200).collect();
            self.sink
                .warn(place, format!("not JSON: {}", said.escape_debug()));
        }
    }

    fn put_out(&mut self) {
        self.held_bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        let mut containers: Vec<&mut Container> = held
            .iter_mut()
            .filter_map(|one| match one {
                Held::Container(container) => Some(&mut **container),
                Held::Rows(_) => None,
            })
            .collect();
        shared_networks::settle(&mut containers);
        for one in &held {
            match one {
                Held::Container(container) => rows::emit(container, self.clock, self.sink),
                Held::Rows(rows) => rows.iter().for_each(|row| self.sink.event(row)),
            }
        }
    }

    fn finish(mut self) {
        self.put_out();
        if let Some(more) = self.texts.checked_sub(MAX_WARNINGS + 1) {
            let warning = format!("{} more lines that are no JSON", more + 1);
            self.sink.warn(Place::Whole, warning);
        }
        if self.unreadable_times > 0 {
            let warning = format!("{} times that could not be read", self.unreadable_times);
            self.sink.warn(Place::Whole, warning);
        }
        match self.empty {
            Some(line) => {
                let warning = "an empty answer: nothing was there to inspect";
                self.sink.warn(Place::Line(line), warning.to_owned());
            }
            None if !self.any => {
                let warning = "no JSON in it: the tool did not answer";
                self.sink.warn(Place::Whole, warning.to_owned());
            }
            None => {}
        }
    }
}

fn kind(value: &Value) -> Kind {
    let has = |name: &str| get(value, &[name]).is_some();
    let in_status = |name: &str| get(value, &["status", name]).is_some();
    if in_status("repoTags") || in_status("repoDigests") || has("repoTags") {
        Kind::Image
    } else if in_status("metadata") || (has("metadata") && text(value, &["state"]).is_some()) {
        Kind::Crictl
    } else if has("State") || has("HostConfig") || has("Names") || has("NetworkSettings") {
        match has("InfraContainerID") || has("InfraContainerId") {
            true => Kind::Other("a podman pod"),
            false => Kind::Engine,
        }
    } else if has("RepoTags") || has("RepoDigests") || has("RootFS") {
        Kind::Image
    } else if is_network(&|name| has(name)) {
        Kind::Network
    } else if has("Mountpoint") && has("Driver") {
        Kind::Other(VOLUME)
    } else if has("Spec") && (has("SnapshotKey") || has("Snapshotter") || has("Runtime")) {
        Kind::Containerd
    } else if has("Spec") && has("Version") {
        Kind::Other("an object of a swarm")
    } else if has("ServerVersion") || has("NCPU") {
        Kind::Other("the engine's own information")
    } else {
        Kind::Other("an object that is no container, image or network")
    }
}
