//! Processes that hide: sockets, executables or traffic without a process that could be seen.
//!
//! Tools that look at one thing from different sides are compared. A pid that owns a socket (`ss`, `netstat`, `lsof`) or has a folder in
//! `/proc` and is not in `ps` is `missing-in-ps`. A connection to an address outside without an owner, where the tool shows
//! the owners of others, is `no-owner-socket`. A process that bears the name of a thread of the kernel but has memory, an
//! executable or a socket has a `kernel-name`: such threads have none of these. A running program whose file is gone is `deleted-exe`.
//! A library in `/etc/ld.so.preload` is `ld-preload`: this is how rootkits of user space hide files, processes and sockets. A
//! flood from the host's own address of which no socket is listed is `raw-socket`: raw sockets are in no table of connections. Processors
//! that `top` sums up as far busier than all its processes, while the load agrees, are `hidden-cpu`.
//!
//! What runs while others look comes and goes. Numbers behind that of `ps` itself began after it; numbers before it may have
//! ended before it. A listing of `/proc` that also shows numbers behind that of `ps` was made after `ps`: what is in it with a
//! number before that of `ps` was there all the while, which is proof where no more than four are missing. A number that is only in a list of `/proc`, without socket,
//! executable, second listing or this proof, is not stated. A table of `ps` counts where it shows pid 1 and most of what the others show:
//! `ps aux | grep x`, one user's processes or a listing made inside of a container is none to compare with.
//!
//! Not stated: what waits in a listening socket's queue or in TIME-WAIT (owned by nobody yet or any more), connections of
//! the kernel itself (NFS, SMB, iSCSI, Ceph, NBD, Lustre), connections inside private networks without an owner, deleted executables of
//! installed programs (every update leaves them) and of container engines (`/memfd:runc_cloned`).
//!
//! Severity comes from points: proof by order 2, a second tool 1, a connection opened to an address outside 1, a kernel thread's name 2, an
//! indicator's address 2, a pool's port, a file that is deleted, hidden or in a folder for temporary files 1 each, a preloaded library 2, a flood
//! of the host's own 1, hidden processes told by chkrootkit 1. From 3 points high; below, medium or low.
//!
//! Limits: times of listings are mostly that of the collection, so that what lived seconds only can be taken for hidden at medium; a
//! rootkit of the kernel that hides its pid from every tool leaves only its traffic. Builds run processes too short to be listed, so that
//! `hidden-cpu` alone is low; metrics of node_exporter are not compared. Listening sockets without an owner are not stated: the
//! kernel has such (NFS's lock manager on any port).

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use serde_json::json;

use crate::indicators::Indicators;
use crate::processes::{Process, Processes, Socket, Space};
use crate::{CaseFacts, Correlator, Draft, View};

mod disguised;
mod flooding;
mod hints;
mod missing;
mod processors;
mod unowned;

use hints::Hints;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "hidden-process",
    title: "sockets, executables and floods without a process to be seen",
    source: include_str!("hidden_process.rs"),
    rests_on: &[],
    run,
};

/// Points from which severity is high: no two of the reasons alone reach it that haste or habit can explain.
const HIGH_POINTS: u32 = 3;

/// Something hidden.
struct Hidden {
    host: Option<String>,
    pid: Option<i64>,
    /// Its name, where one is known.
    name: Option<String>,
    /// What else tells it from others of the host, for its id.
    distinct: String,
    remote: Option<String>,
    reasons: BTreeSet<&'static str>,
    points: u32,
    /// Severity without points.
    least: Severity,
    /// Highest severity that it may reach.
    most: Severity,
    exe: Option<String>,
    path: Option<String>,
    /// Rows of the snapshots that say so.
    rows: Vec<usize>,
    /// Records from elsewhere.
    records: Vec<EvidenceRecord>,
    /// What was compared with what, in words.
    compared: String,
}

impl Hidden {
    fn new(host: Option<&str>, distinct: &str) -> Self {
        Self {
            host: host.map(str::to_owned),
            pid: None,
            name: None,
            distinct: distinct.to_owned(),
            remote: None,
            reasons: BTreeSet::new(),
            points: 0,
            least: Severity::Low,
            most: Severity::High,
            exe: None,
            path: None,
            rows: Vec::new(),
            records: Vec::new(),
            compared: String::new(),
        }
    }

    /// A process, with the ways in which it hides that are worth points.
    fn process(space: &Space, process: &Process, disguises: &[&'static str]) -> Self {
        let mut hidden = Self::new(space.host.as_deref(), "");
        hidden.pid = Some(process.pid);
        hidden.name = process.known_name().map(str::to_owned);
        hidden.exe = process.exe.clone();
        for reason in disguises {
            hidden.add(reason, if *reason == "kernel-name" { 2 } else { 1 });
        }
        hidden
    }

    fn add(&mut self, reason: &'static str, points: u32) {
        if self.reasons.insert(reason) {
            self.points += points;
        }
    }

    fn severity(&self) -> Severity {
        let by_points = match self.points {
            HIGH_POINTS.. => Severity::High,
            1.. => Severity::Medium,
            0 => Severity::Low,
        };
        by_points.max(self.least).min(self.most)
    }

    /// Takes the peer that tells most: known to be bad first, then one outside that this side opened.
    fn take_peer(&mut self, peers: &[&Socket], processes: &Processes, known: &Indicators) {
        let rank = |socket: &&&Socket| {
            let bad = socket
                .dst_ip
                .as_deref()
                .is_some_and(|ip| known.address(ip).is_some());
            let opened = processes.is_opened(socket);
            (
                bad,
                socket.is_outward() && opened,
                socket.is_outward(),
                std::cmp::Reverse(socket.remote()),
            )
        };
        let with_peer = peers.iter().filter(|socket| socket.dst_ip.is_some());
        let Some(best) = with_peer.max_by_key(rank) else {
            return;
        };
        let (bad, outward, ..) = rank(&best);
        if bad {
            self.add("indicator", 2);
        }
        if outward {
            self.points += 1;
        }
        self.remote = best.remote();
    }
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let processes = &timeline.processes;
    let known = Indicators::of(&facts.indicators, &timeline.own_addresses);
    let hints = Hints::read(timeline)?;
    let mut found = missing::find(processes, &known);
    let seen: BTreeSet<(Option<String>, Option<i64>)> = found
        .iter()
        .map(|one| (one.host.clone(), one.pid))
        .collect();
    let disguised = disguised::find(processes, &known).into_iter();
    found.extend(disguised.filter(|one| !seen.contains(&(one.host.clone(), one.pid))));
    found.extend(unowned::find(processes, &known));
    found.extend(processors::find(timeline)?);
    for one in &mut found {
        hints.weigh(one);
    }
    let floods = flooding::find(timeline, facts, processes)?;
    flooding::join(&mut found, floods);
    let hosts: BTreeSet<Option<String>> = found.iter().map(|one| one.host.clone()).collect();
    found.extend(hints.of_their_own(&hosts));
    // The same in several snapshots is stated once: where it weighs most.
    let mut once: BTreeMap<_, Hidden> = BTreeMap::new();
    for one in found {
        let key = (
            one.host.clone(),
            one.pid,
            one.name.clone(),
            one.distinct.clone(),
        );
        let known = once.get(&key);
        if known.is_none_or(|known| one.points > known.points) {
            once.insert(key, one);
        }
    }
    Ok(once.values().map(|one| finding(one, processes)).collect())
}

fn finding(hidden: &Hidden, processes: &Processes) -> Finding {
    let mut subjects = Vec::new();
    let process = hidden
        .pid
        .map(|pid| format!("{}[{pid}]", hidden.name.as_deref().unwrap_or("unknown")));
    subjects.extend(
        process
            .as_ref()
            .map(|one| Observable::new(ObservableType::Process, one)),
    );
    let host = hidden.host.as_deref();
    subjects.extend(host.map(|host| Observable::new(ObservableType::Host, host)));
    subjects.extend(
        hidden
            .path
            .as_ref()
            .map(|path| Observable::new(ObservableType::File, path)),
    );
    let distinct = if hidden.pid.is_some() {
        ""
    } else {
        &hidden.distinct
    };
    let times = hidden
        .rows
        .iter()
        .filter_map(|row| processes.rows.long("ts_ns", *row));
    let (first, last) = (times.clone().min(), times.max());
    let confidence = (0.4 + 0.1 * f64::from(hidden.points)).min(0.95);
    let reasons: Vec<&str> = hidden.reasons.iter().copied().collect();
    let draft = Draft::new("hidden-process", subjects, distinct)
        .says(title(hidden, process.as_deref()), text(hidden))
        .weighs(hidden.severity(), confidence)
        .spans(first, last)
        .fact("pid", hidden.pid)
        .fact("remote", hidden.remote.clone())
        .fact("reasons", reasons)
        .fact("host", host)
        .fact("process", hidden.name.clone())
        .fact("exe", hidden.exe.clone())
        .fact("path", hidden.path.clone())
        .fact("points", hidden.points)
        .fact("thresholds", json!({ "high_points": HIGH_POINTS }))
        .attack(techniques(hidden))
        .rests_on(&processes.rows, &hidden.rows);
    let mut finding = draft.finish();
    let room = 20_usize.saturating_sub(finding.evidence.len());
    finding
        .evidence
        .extend(hidden.records.iter().take(room).cloned());
    finding
}

fn techniques(hidden: &Hidden) -> &'static [&'static str] {
    match (
        hidden.reasons.contains("kernel-name"),
        hidden.reasons.contains("ld-preload"),
    ) {
        (true, _) => &["T1564.001", "T1036.004"],
        (false, true) => &["T1014", "T1574.006"],
        (false, false) => &["T1564.001"],
    }
}

fn title(hidden: &Hidden, process: Option<&str>) -> String {
    let host = hidden
        .host
        .as_deref()
        .map_or_else(String::new, |host| format!(" on {host}"));
    let remote = hidden
        .remote
        .as_deref()
        .map_or_else(String::new, |peer| format!(", connected to {peer}"));
    let has = |reason| hidden.reasons.contains(reason);
    match process {
        Some(process) if has("missing-in-ps") => format!("{process}{host} is not in ps{remote}"),
        Some(process) if has("kernel-name") => {
            format!("{process}{host} claims to be a thread of the kernel{remote}")
        }
        Some(process) => format!("{process}{host} runs from a deleted file{remote}"),
        None if has("raw-socket") => format!("a flood{host} that no socket and no process owns"),
        None if has("no-owner-socket") => {
            let peer = hidden.remote.as_deref().unwrap_or("outside");
            format!("a connection{host} to {peer} that no process owns")
        }
        None if has("hidden-cpu") => {
            format!("processors{host} are busy with what no process explains")
        }
        None => {
            let path = hidden.path.as_deref().unwrap_or("a library");
            format!("{path}{host} is loaded into every program")
        }
    }
}

fn text(hidden: &Hidden) -> String {
    let against = if hidden.severity() >= Severity::High {
        "Nothing ordinary explains all of this together."
    } else {
        "It may have an ordinary cause: a process that lived for seconds between two listings, a file replaced by an update, or an agent's library."
    };
    let next = match (hidden.pid, &hidden.path) {
        (Some(pid), _) => format!(
            "Look at it with tools of your own (static busybox): `ls -l /proc/{pid}/exe /proc/{pid}/fd; cat /proc/{pid}/status; cp /proc/{pid}/exe /evidence/`, \
             and compare `ps -p {pid}` with it."
        ),
        (None, Some(path)) => format!("Find where it came from: `rpm -qf {path}` or `dpkg -S {path}`, `sha256sum {path}`, `strings {path}`."),
        (None, None) => "Compare `ss -antp` with /proc/net/tcp, `ls /proc` with `ps`, `cat /proc/net/raw /proc/net/packet`, `lsmod`, and \
             take memory before a restart."
            .to_owned(),
    };
    format!("{} {against} {next}", hidden.compared)
}
