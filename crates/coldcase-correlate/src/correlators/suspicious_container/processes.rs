//! Processes of a container: by its id in their cgroup, by descent from its first process, or as those that the first one started
//! right after itself where the list shows no parents.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Timestamp, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::gather::{Container, attributes};

/// Pids behind the first process's that its first children have, where nothing else starts in between.
const NEXT_PIDS: i64 = 8;
/// Between a container's start and those of its first processes; `ps` shows minutes.
const STARTED_NS: i64 = 120 * 1_000_000_000;
/// Descent deeper than this is not followed.
const DEEPEST: usize = 16;

/// One process as all lists of its host together show it.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub pid: i64,
    ppid: Option<i64>,
    pub command: String,
    pub exe: Option<String>,
    pub comm: Option<String>,
    pub cpu_percent: Option<f64>,
    started: Option<i64>,
    container_id: Option<String>,
    is_kernel: bool,
    /// The row with the longest command.
    pub row: usize,
}

impl Process {
    /// `comm[pid]`.
    pub fn called(&self) -> String {
        let first = self.command.split_whitespace().next().unwrap_or_default();
        let program = self
            .comm
            .as_deref()
            .or(self.exe.as_deref())
            .unwrap_or(first);
        let program = program
            .rsplit('/')
            .next()
            .unwrap_or(program)
            .trim_end_matches(':');
        format!(
            "{}[{}]",
            program.trim_start_matches('[').trim_end_matches(']'),
            self.pid
        )
    }
}

/// Processes, scripts and their rows.
pub(super) struct Processes {
    pub rows: Selection,
    by_host: BTreeMap<String, BTreeMap<i64, Process>>,
    /// Lines of collected scripts, by the file's name.
    scripts: BTreeMap<String, Vec<usize>>,
}

impl Processes {
    pub fn from(timeline: &Timeline) -> Result<Self, TimelineError> {
        let actions = [action::PROCESS_LISTED, action::SCRIPT_COMMAND];
        let columns = [
            "host",
            "pid",
            "ppid",
            "exe",
            "command",
            "path",
            "attributes",
            "message",
        ];
        let rows = timeline.select(&actions, &columns)?;
        let mut by_host: BTreeMap<String, BTreeMap<i64, Process>> = BTreeMap::new();
        let mut scripts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..rows.rows() {
            if rows.text("action", row) == Some(action::SCRIPT_COMMAND) {
                let path = rows.text("path", row).unwrap_or_default();
                let name = path.rsplit('/').next().unwrap_or(path);
                scripts.entry(name.to_owned()).or_default().push(row);
                continue;
            }
            let Some(pid) = rows.long("pid", row) else {
                continue;
            };
            let host = rows.text("host", row).unwrap_or_default().to_owned();
            by_host
                .entry(host)
                .or_default()
                .entry(pid)
                .or_default()
                .tell(&rows, row, pid);
        }
        Ok(Self {
            rows,
            by_host,
            scripts,
        })
    }

    /// Lines of scripts of this name.
    pub fn script(&self, name: &str) -> &[usize] {
        self.scripts.get(name).map_or(&[], Vec::as_slice)
    }

    /// A container's processes. `firsts` are the first processes of all containers of the host.
    pub fn of(&self, container: &Container, firsts: &BTreeSet<i64>) -> Vec<&Process> {
        let Some(all) = self.by_host.get(&container.host) else {
            return Vec::new();
        };
        let mut own: BTreeMap<i64, &Process> = BTreeMap::new();
        for process in all.values() {
            let of_id = process.container_id.as_deref().zip(container.short_id());
            let of_id = of_id.is_some_and(|(shown, id)| shown.starts_with(id));
            if of_id || self.descends(all, process, container.pid) {
                own.insert(process.pid, process);
            }
        }
        let first = container.pid.or_else(|| only_of_command(all, container));
        if let Some(first) = first {
            own.extend(all.get(&first).map(|process| (first, process)));
            own.extend(next_to(all, container, first, firsts));
        }
        own.into_values().collect()
    }

    fn descends(
        &self,
        all: &BTreeMap<i64, Process>,
        process: &Process,
        first: Option<i64>,
    ) -> bool {
        let Some(first) = first else { return false };
        let mut parent = process.ppid;
        for _ in 0..DEEPEST {
            match parent {
                Some(pid) if pid == first => return true,
                Some(pid) => parent = all.get(&pid).and_then(|process| process.ppid),
                None => return false,
            }
        }
        false
    }
}

/// The one process that runs the container's command, where the engine's table does not tell the pid.
fn only_of_command(all: &BTreeMap<i64, Process>, container: &Container) -> Option<i64> {
    let command = container
        .command
        .as_deref()
        .filter(|command| command.contains(' ') || command.starts_with('/'))?;
    let (first, last) = container.created?;
    let near = |process: &&Process| {
        let started = process.started;
        started.is_some_and(|at| {
            at >= first.saturating_sub(STARTED_NS) && at <= last.saturating_add(STARTED_NS)
        })
    };
    let mut same = all
        .values()
        .filter(|process| process.command == command)
        .filter(near);
    match (same.next(), same.next()) {
        (Some(only), None) => Some(only.pid),
        _ => None,
    }
}

/// Processes right behind the first one, where the list shows no parents.
fn next_to<'a>(
    all: &'a BTreeMap<i64, Process>,
    container: &Container,
    first: i64,
    firsts: &BTreeSet<i64>,
) -> Vec<(i64, &'a Process)> {
    let started = container
        .started
        .or(container.created.map(|(first, _)| first));
    let mut next = Vec::new();
    for (pid, process) in all.range(first + 1..=first.saturating_add(NEXT_PIDS)) {
        // Another container's first process ends the row of this one's children.
        if firsts.contains(pid) || process.command.contains("containerd-shim") {
            break;
        }
        let near = started
            .zip(process.started)
            .is_some_and(|(a, b)| a.abs_diff(b) <= STARTED_NS.unsigned_abs());
        if process.ppid.is_none() && process.container_id.is_none() && !process.is_kernel && near {
            next.push((*pid, process));
        }
    }
    next
}

impl Process {
    fn tell(&mut self, rows: &Selection, row: usize, pid: i64) {
        let told = attributes(rows, row);
        let word = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        let command = rows.text("command", row).unwrap_or_default();
        if command.len() > self.command.len() || self.pid == 0 {
            (self.command, self.row) = (command.to_owned(), row);
        }
        self.pid = pid;
        self.ppid = rows.long("ppid", row).or(self.ppid);
        self.exe = rows.text("exe", row).map(str::to_owned).or(self.exe.take());
        self.comm = word("comm").or(self.comm.take());
        self.container_id = word("container_id").or(self.container_id.take());
        self.is_kernel |= told.get("kernel").and_then(Value::as_bool) == Some(true);
        let cpu = told.get("cpu_percent").and_then(Value::as_f64);
        self.cpu_percent = [cpu, self.cpu_percent]
            .into_iter()
            .flatten()
            .reduce(f64::max);
        // A year or a day is no time to compare with a minute.
        let exact = matches!(
            told.get("started_precision").and_then(Value::as_str),
            None | Some("s" | "min" | "ms" | "us" | "ns")
        );
        let started = told
            .get("started")
            .and_then(Value::as_str)
            .filter(|_| exact);
        let started = started
            .and_then(Timestamp::parse_rfc3339)
            .map(Timestamp::nanos);
        self.started = started.or(self.started);
    }
}
