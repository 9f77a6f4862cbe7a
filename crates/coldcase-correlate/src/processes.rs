//! Processes and sockets as snapshots show them, what several tools say of one put together.
//!
//! A process is one pid of one host in one snapshot: numbers are given out again, so what was collected hours apart is not joined.
//! A listing made inside of a container counts its own numbers; it is told by programs that differ from those of the host's
//! listing under the same numbers, and kept apart. `ps` tells the average use of a processor over a process's life, `top`
//! the present one.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use crate::mining::{base_name, program_of};

mod containers;
mod disguise;
mod sockets;

pub(crate) use containers::Container;
pub(crate) use disguise::{disguises, is_tmp_path};
pub(crate) use sockets::Socket;

/// What was collected further apart than this is two snapshots: a collection takes minutes, and a pid returns within days.
const ONE_SNAPSHOT_NS: i64 = 6 * 3_600_000_000_000;
/// Length at which the kernel cuts a program's name (TASK_COMM_LEN without its zero).
const COMM_LENGTH: usize = 15;

/// Where a number means one process: host, snapshot, and the file of a listing that counts for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Space {
    pub host: Option<String>,
    snapshot: usize,
    inside: Option<String>,
}

/// One process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub pid: i64,
    pub ppid: Option<i64>,
    pub user: Option<String>,
    /// The program's name as the kernel has it, cut to 15 signs.
    comm: Option<String>,
    /// Command lines as shown; a name alone is none.
    pub command: Option<String>,
    pub exe: Option<String>,
    pub deleted: bool,
    pub kernel: bool,
    pub zombie: bool,
    pub resident: bool,
    /// Share of a processor in percent, by whether it is the present one (`top`) or that over its life (`ps`), and by file.
    cpu: BTreeMap<(bool, String), f64>,
    container_id: Option<String>,
    started: Option<(i64, bool)>,
    /// Formats and files that show it.
    pub shown_by: BTreeSet<(String, String)>,
    pub rows: Vec<usize>,
    /// Places in [`Processes::sockets`].
    pub sockets: Vec<usize>,
}

impl Process {
    /// Its name: what the kernel calls it, else what its command line or executable does.
    pub fn known_name(&self) -> Option<&str> {
        let by_command = self.command.as_deref().map(program_of);
        let known = self.comm.as_deref().or(by_command);
        let named = known.filter(|name| !name.trim().is_empty());
        named.or(self.exe.as_deref().map(base_name))
    }

    /// Its name, or the word for an unknown one.
    pub fn name(&self) -> &str {
        self.known_name().unwrap_or("unknown")
    }

    /// `comm[pid]`.
    pub fn subject(&self) -> String {
        format!("{}[{}]", self.name(), self.pid)
    }

    /// Its use of processors in percent of one: at present where known, else over its life. Of several tables the highest: some
    /// columns are cut to whole numbers or to 99.
    pub fn cpu(&self) -> Option<f64> {
        let highest = |present: bool| {
            let of_kind = self.cpu.iter().filter(|((kind, _), _)| *kind == present);
            of_kind.map(|(_, cpu)| *cpu).reduce(f64::max)
        };
        highest(true).or_else(|| highest(false))
    }

    /// Whether it is a program and no thread of the kernel: it has memory, an executable or sockets, or a parent that is neither
    /// kthreadd (2) nor the kernel (0).
    pub fn is_program(&self) -> bool {
        let parent = self.ppid.is_some_and(|parent| parent != 0 && parent != 2);
        self.resident || self.exe.is_some() || !self.sockets.is_empty() || parent
    }
}

/// Whether a format is a table of processes.
pub(crate) fn is_table(format: &str) -> bool {
    matches!(format, "ps" | "top")
}

/// All processes and sockets of a case.
pub(crate) struct Processes {
    pub rows: Selection,
    pub all: BTreeMap<Space, BTreeMap<i64, Process>>,
    pub sockets: Vec<Socket>,
    /// Ports that something listens on.
    listening: BTreeSet<(Space, u16)>,
    containers: Vec<Container>,
}

const COLUMNS: [&str; 17] = [
    "host",
    "format",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "user",
    "pid",
    "ppid",
    "exe",
    "command",
    "container",
    "image",
    "pod",
    "namespace",
    "attributes",
];

impl Processes {
    /// Reads the timeline's snapshots.
    pub fn read(timeline: &Timeline) -> Result<Self, TimelineError> {
        let actions = [
            action::PROCESS_LISTED,
            action::SOCKET_LISTED,
            action::CONTAINER_LISTED,
        ];
        let rows = timeline.select(&actions, &COLUMNS)?;
        let mut found = Self {
            all: BTreeMap::new(),
            sockets: Vec::new(),
            listening: BTreeSet::new(),
            containers: Vec::new(),
            rows,
        };
        let snapshots = snapshots(&found.rows);
        let foreign = foreign_tables(&found.rows, &snapshots);
        let (mut all, mut listed, mut containers) = (BTreeMap::new(), Vec::new(), Vec::new());
        for row in 0..found.rows.rows() {
            let json = attributes(&found.rows, row);
            let file = found.rows.text("file", row).unwrap_or_default();
            let space = Space {
                host: found.rows.text("host", row).map(str::to_owned),
                snapshot: snapshots.get(row).copied().unwrap_or(0),
                inside: foreign.contains(file).then(|| file.to_owned()),
            };
            match found.rows.text("action", row) {
                Some(action::PROCESS_LISTED) => {
                    add_process(&found.rows, row, &json, space, &mut all)
                }
                Some(action::SOCKET_LISTED) => {
                    listed.extend(Socket::of(&found.rows, row, &json, space));
                }
                _ => containers.extend(Container::of(&found.rows, row, &json)),
            }
        }
        found.all = all;
        found.sockets = listed;
        found.containers = containers;
        found.own_sockets();
        Ok(found)
    }

    /// Gives each socket to its process; a process that only sockets name is one too.
    fn own_sockets(&mut self) {
        let listening = self.sockets.iter().filter(|socket| socket.is_listening);
        self.listening = listening
            .filter_map(|socket| Some((socket.space.clone(), socket.src_port?)))
            .collect();
        for (place, socket) in self.sockets.iter().enumerate() {
            let processes = self.all.entry(socket.space.clone()).or_default();
            for (pid, name) in &socket.owners {
                let process = processes.entry(*pid).or_default();
                process.pid = *pid;
                // Threads of the kernel own no sockets: the number is another's, unless it claims the same name.
                let same = |name: &str| is_same_program(name, process.name());
                if process.kernel && !name.as_deref().is_some_and(same) {
                    continue;
                }
                if process.comm.is_none() && process.command.is_none() {
                    process.comm = name.clone();
                }
                process.sockets.push(place);
                process
                    .shown_by
                    .insert((socket.format.clone(), socket.file.clone()));
            }
        }
    }

    /// All processes with their spaces, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Space, &Process)> {
        let spaces = self.all.iter();
        spaces.flat_map(|(space, all)| all.values().map(move |process| (space, process)))
    }

    /// The sockets of a process.
    pub fn sockets_of<'a>(&'a self, process: &'a Process) -> impl Iterator<Item = &'a Socket> {
        process
            .sockets
            .iter()
            .filter_map(|place| self.sockets.get(*place))
    }

    /// Whether this side opened a connection: its own port is none that something listens on.
    pub fn is_opened(&self, socket: &Socket) -> bool {
        let listens = |port| self.listening.contains(&(socket.space.clone(), port));
        !socket.is_listening && !socket.src_port.is_some_and(listens)
    }

    /// Rows that show a process: the tables' first, then those of its sockets.
    pub fn rows_of(&self, process: &Process) -> Vec<usize> {
        let sockets = self.sockets_of(process).map(|socket| socket.row);
        process.rows.iter().copied().chain(sockets).collect()
    }
}

/// A row's attributes.
pub(crate) fn attributes(rows: &Selection, row: usize) -> Value {
    let text = rows.text("attributes", row).unwrap_or("{}");
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// Which snapshot of its host each row belongs to. Rows without a time belong to the last one.
fn snapshots(rows: &Selection) -> Vec<usize> {
    let times = rows.longs("ts_ns");
    let hosts = rows.texts("host");
    let mut of_host: BTreeMap<Option<&str>, BTreeSet<i64>> = BTreeMap::new();
    for (host, time) in hosts.iter().zip(&times) {
        of_host.entry(*host).or_default().extend(*time);
    }
    let mut begins: BTreeMap<Option<&str>, Vec<i64>> = BTreeMap::new();
    for (host, times) in of_host {
        let (mut starts, mut last) = (Vec::new(), None);
        for time in times {
            if last.is_none_or(|last: i64| time.saturating_sub(last) > ONE_SNAPSHOT_NS) {
                starts.push(time);
            }
            last = Some(time);
        }
        begins.insert(host, starts);
    }
    let number = |host: &Option<&str>, time: &Option<i64>| {
        let starts = begins.get(host).map_or(&[][..], Vec::as_slice);
        let before = time.map_or(starts.len(), |time| {
            starts.partition_point(|start| *start <= time)
        });
        before.saturating_sub(1)
    };
    let pairs = hosts.iter().zip(&times);
    pairs.map(|(host, time)| number(host, time)).collect()
}

/// Files whose table of processes counts otherwise than the fullest one of the same host and snapshot.
fn foreign_tables(rows: &Selection, snapshots: &[usize]) -> BTreeSet<String> {
    type Table<'a> = BTreeMap<i64, &'a str>;
    let mut tables: BTreeMap<(Option<&str>, usize), BTreeMap<&str, Table<'_>>> = BTreeMap::new();
    for (row, snapshot) in snapshots.iter().enumerate() {
        if !rows.text("format", row).is_some_and(is_table) {
            continue;
        }
        let (Some(pid), Some(command)) = (rows.long("pid", row), rows.text("command", row)) else {
            continue;
        };
        let of_host = tables
            .entry((rows.text("host", row), *snapshot))
            .or_default();
        let file = rows.text("file", row).unwrap_or_default();
        let table = of_host.entry(file).or_default();
        table.insert(pid, program_of(command));
    }
    let mut foreign = BTreeSet::new();
    for of_host in tables.values() {
        let fullest = of_host
            .iter()
            .max_by_key(|(file, table)| (table.len(), std::cmp::Reverse(**file)));
        let Some((_, fullest)) = fullest else {
            continue;
        };
        for (file, table) in of_host {
            let shared = table
                .iter()
                .filter_map(|(pid, one)| Some((*one, *fullest.get(pid)?)));
            let alike = shared
                .clone()
                .filter(|(one, other)| is_same_program(one, other));
            if alike.count() * 2 < shared.count() {
                foreign.insert((*file).to_owned());
            }
        }
    }
    foreign
}

/// Whether two names may be one program's: one may be cut.
pub(crate) fn is_same_program(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    let whole = one.len().max(other.len());
    let cut = |text: &str| text.get(..length).map(str::to_owned);
    length > 0 && (length == whole || length >= 8) && cut(one) == cut(other)
}

fn add_process(
    rows: &Selection,
    row: usize,
    json: &Value,
    space: Space,
    all: &mut BTreeMap<Space, BTreeMap<i64, Process>>,
) {
    let Some(pid) = rows.long("pid", row) else {
        return;
    };
    let format = rows.text("format", row).unwrap_or_default();
    let file = rows.text("file", row).unwrap_or_default();
    let process = all.entry(space).or_default().entry(pid).or_default();
    process.pid = pid;
    let first_of_file = process
        .shown_by
        .insert((format.to_owned(), file.to_owned()));
    process.rows.push(row);
    process.ppid = process.ppid.or(rows.long("ppid", row));
    fill(&mut process.user, rows.text("user", row));
    fill(&mut process.exe, rows.text("exe", row));
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let flag = |name: &str| json.get(name).and_then(Value::as_bool) == Some(true);
    fill(&mut process.container_id, text("container_id"));
    process.deleted |= flag("deleted");
    process.kernel |= flag("kernel");
    process.zombie |= text("state").is_some_and(|state| state.starts_with('Z'));
    process.resident |= json.get("rss_bytes").and_then(Value::as_i64) > Some(0);
    name_process(process, format, rows.text("command", row), text("comm"));
    if let Some(cpu) = json.get("cpu_percent").and_then(Value::as_f64) {
        // Threads add up to their process; of several rounds of top the last is the present.
        let known = process
            .cpu
            .entry((format == "top", file.to_owned()))
            .or_default();
        let is_thread = !first_of_file && json.get("tid").is_some();
        *known = if is_thread { *known + cpu } else { cpu };
    }
    let started = text("started").and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let exact = !matches!(text("started_precision"), Some("day" | "year"));
    let started = started.and_then(|time| time.timestamp_nanos_opt());
    process.started = process.started.or(started.map(|ns| (ns, exact)));
}

/// `top` shows names, `ps` command lines, `lsof` names cut to nine signs.
fn name_process(process: &mut Process, format: &str, command: Option<&str>, comm: Option<&str>) {
    if let Some(comm) = comm {
        let cut: String = comm.chars().take(COMM_LENGTH).collect();
        let known = process.comm.as_deref().map_or(0, str::len);
        if cut.len() > known || process.comm.is_none() {
            process.comm = Some(cut);
        }
    }
    let is_name = format == "lsof" || comm == command;
    if let Some(command) = command.filter(|_| !is_name) {
        let known = process.command.as_deref().map_or(0, str::len);
        if process.command.is_none() || command.len() > known {
            process.command = Some(command.to_owned());
        }
    }
}

fn fill(known: &mut Option<String>, text: Option<&str>) {
    if known.is_none() {
        *known = text.map(str::to_owned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_program() {
        let check = |one: &str, other: &str, expected: bool| {
            assert_eq!(is_same_program(one, other), expected, "{one} {other}");
        };
        check("docker-entrypoint.sh", "docker-entrypoi", true);
        check("zabbix_ag", "zabbix_agentd", true);
        check("sh", "sh", true);
        check("sh", "sshd", false);
        check("", "systemd", false);
        check("nginx", "node", false);
    }
}
