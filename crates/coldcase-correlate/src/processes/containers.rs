//! Which container a process runs in.

use coldcase_timeline::Selection;
use serde_json::Value;

use super::{Process, Processes, Space};

/// Shortest beginning of a container's id that names it: what docker shows.
const SHORT_ID: usize = 12;
/// A container's first children get the next numbers; beyond these another's may have come between.
const NEXT_PIDS: i64 = 16;
/// A table of processes shows the minute of a start.
const MINUTE_NS: i64 = 60_000_000_000;
/// Deepest chain of parents.
const DEEPEST: usize = 64;
/// Programs of engines that stand beside a container's own, outside of it.
const ENGINES: [&str; 5] = ["containerd-shim", "conmon", "docker-proxy", "runc", "crun"];

/// A container as its engine lists it.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    host: Option<String>,
    pub name: String,
    pub id: Option<String>,
    pub pid: Option<i64>,
    started: Option<i64>,
    /// `namespace/name` of its pod.
    pub pod: Option<String>,
    pub is_running: bool,
    pub row: usize,
}

impl Container {
    /// The container of a row, where it has a name.
    pub fn of(rows: &Selection, row: usize, json: &Value) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let started =
            text("started").and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok());
        let state = text("state").or(text("status")).unwrap_or_default();
        Some(Self {
            host: rows.text("host", row).map(str::to_owned),
            name: rows.text("container", row)?.to_owned(),
            id: text("id").map(str::to_owned),
            pid: rows.long("pid", row).filter(|pid| *pid > 0),
            started: started.and_then(|time| time.timestamp_nanos_opt()),
            pod: rows
                .text("pod", row)
                .map(|pod| match rows.text("namespace", row) {
                    Some(namespace) => format!("{namespace}/{pod}"),
                    None => pod.to_owned(),
                }),
            is_running: state.to_ascii_lowercase().contains("running"),
            row,
        })
    }
}

impl Processes {
    /// Containers of a host.
    pub fn containers_on<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = &'a Container> {
        self.containers.iter().filter(|one| one.host == space.host)
    }

    /// The container that a process runs in: by its control group, by its parents, or as the only one that started just before
    /// it and took the number just before its own. With the words for what says so.
    pub fn container_of<'a>(
        &'a self,
        space: &'a Space,
        process: &Process,
    ) -> Option<(&'a Container, &'static str)> {
        if let Some(id) = &process.container_id {
            return Some((self.by_id(space, id)?, "control group"));
        }
        let processes = self.all.get(space)?;
        let mut above = Some(process);
        for _ in 0..DEEPEST {
            let Some(one) = above else {
                break;
            };
            if let Some(found) = self.by_pid(space, one.pid) {
                return Some((found, "process tree"));
            }
            if let Some(found) = shim_id(one).and_then(|id| self.by_id(space, id)) {
                return Some((found, "process tree"));
            }
            above = one.ppid.and_then(|ppid| processes.get(&ppid));
        }
        if process.ppid.is_some() {
            return None;
        }
        self.just_before(space, process)
            .map(|found| (found, "start and number"))
    }

    fn by_id<'a>(&'a self, space: &'a Space, id: &str) -> Option<&'a Container> {
        let same = |known: &str| {
            let length = known.len().min(id.len());
            length >= SHORT_ID && known.get(..length) == id.get(..length)
        };
        let mut known = self.containers_on(space);
        known.find(|one| one.id.as_deref().is_some_and(same))
    }

    fn by_pid<'a>(&'a self, space: &'a Space, pid: i64) -> Option<&'a Container> {
        let mut known = self.containers_on(space);
        known.find(|one| one.pid == Some(pid) && one.is_running)
    }

    fn just_before<'a>(&'a self, space: &'a Space, process: &Process) -> Option<&'a Container> {
        let (started, true) = process.started? else {
            return None;
        };
        if ENGINES
            .iter()
            .any(|engine| process.name().starts_with(engine))
            || process.kernel
        {
            return None;
        }
        let fits = |one: &&Container| {
            let next = one
                .pid
                .is_some_and(|pid| (1..=NEXT_PIDS).contains(&(process.pid - pid)));
            let near = one.started.is_some_and(|time| {
                let after = started.saturating_add(MINUTE_NS).saturating_sub(time);
                (0..=2 * MINUTE_NS).contains(&after)
            });
            one.is_running && next && near
        };
        let mut fitting = self.containers_on(space).filter(fits);
        let first = fitting.next()?;
        let same = |other: &Container| other.name == first.name;
        fitting.all(same).then_some(first)
    }
}

/// The container that an engine's helper looks after: `containerd-shim-runc-v2 -namespace moby -id 64078f…`, `conmon -c ID`.
fn shim_id(process: &Process) -> Option<&str> {
    let command = process.command.as_deref()?;
    let flag = match process.name() {
        name if name.starts_with("containerd-shim") => "-id",
        name if name.starts_with("conmon") => "-c",
        _ => return None,
    };
    let mut words = command.split_whitespace();
    words.find(|word| *word == flag)?;
    words.next()
}
