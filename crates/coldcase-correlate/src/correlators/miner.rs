//! Processes that mine coins.
//!
//! A process is looked at from several sides, and each gives reasons of its own. What it uses: `high-cpu`. What it says:
//! `miner-command` (the protocol stratum, options that only miners have, a wallet with a pool, or a miner's name), in its own command
//! line or in a script, job or container's command that starts it. Whom it talks to: `pool-port`, `indicator`. How it hides: `hidden-cmdline` (a
//! name in brackets as threads of the kernel have it, or nothing), `kernel-name`, `hidden-exe` (a file whose name begins with a dot),
//! `deleted-exe`, `tmp-path`. `ps`, `top`, `/proc`, `ss`, `netstat` and `lsof` are joined by pid within one snapshot of one host.
//!
//! Use of processors alone is no finding: training jobs, builds, databases, video encoders and Java take all there are. Threads
//! of the kernel stand in brackets rightly: they have no memory and no executable. A deleted executable of an installed
//! program is what every update leaves. A pool's port counts only for what the process itself opened to an address outside. Who searches for
//! a miner (`grep xmrig`) names it too.
//!
//! Severity. High: a miner's command together with use, peer or hiding; an indicator's address together with use and one
//! more reason; or use, a pool's port and hiding; or use and two ways of hiding of which one is no habit of installers. Medium: a
//! miner's command alone, or use with one of a pool's port, an indicator, or hiding. Low: use of a program below a folder for temporary
//! files, as builds have it. Confidence rises with the number of reasons.
//!
//! `cpu_percent` is in percent of one processor: the present use (`top`) where it is known, else the average over the process's life
//! (`ps`). `remote` is its connection outside, the one that an indicator or a port tells first; without sockets, as of processes in a
//! container's own network, the pool that its command names. `container` is named by control group, process tree,
//! or as the only container that started with it.
//!
//! Limits: a miner under an ordinary name that talks to port 443 looks like any busy program; one that hides from `ps` and `top`
//! is told by `hidden-process`; use of graphics cards is not in these listings.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use serde_json::json;

use crate::evidence::time_fact;
use crate::indicators::Indicators;
use crate::mining::{
    base_name, endpoints, is_miner_command, is_miner_program, is_pool_port, program_of,
};
use crate::processes::{Process, Processes, Space, disguises};
use crate::{CaseFacts, Correlator, Draft, View};

mod commands;

use commands::Started;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "miner",
    title: "processes that mine coins",
    source: include_str!("miner.rs"),
    rests_on: &[],
    run,
};

/// Use of one processor, in percent, from which a process is busy: miners take whole ones, services some percent. Half of one leaves
/// room for miners that are throttled to stay unseen (`--cpu-max-threads-hint=50`).
const BUSY_PERCENT: f64 = 50.0;
/// Programs that only start what follows in their command line.
const STARTERS: [&str; 22] = [
    "sh",
    "bash",
    "dash",
    "ash",
    "zsh",
    "busybox",
    "sudo",
    "su",
    "nohup",
    "timeout",
    "nice",
    "ionice",
    "setsid",
    "screen",
    "tmux",
    "tini",
    "dumb-init",
    "docker-init",
    "docker",
    "podman",
    "runc",
    "crun",
];

/// What is known of one process that mines.
struct Miner<'a> {
    space: &'a Space,
    process: &'a Process,
    reasons: BTreeSet<&'static str>,
    remote: Option<String>,
    indicators: BTreeSet<String>,
    /// What else names it: scripts, jobs.
    started: Vec<&'a Started>,
    /// Sockets that tell.
    sockets: Vec<usize>,
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let processes = &timeline.processes;
    let known = Indicators::of(&facts.indicators, &timeline.own_addresses);
    let started = commands::read(timeline)?;
    let mut miners: BTreeMap<(Option<&str>, String), Miner<'_>> = BTreeMap::new();
    for (space, process) in processes.iter() {
        let miner = look_at(processes, space, process, &known, facts, &started);
        if miner.severity().is_none() {
            continue;
        }
        // The same process in several snapshots is stated once: the one that shows most.
        let key = (space.host.as_deref(), process.subject());
        let known = miners.get(&key);
        if known.is_none_or(|known| miner.reasons.len() > known.reasons.len()) {
            miners.insert(key, miner);
        }
    }
    let hosts: BTreeSet<Option<&str>> = miners
        .iter()
        .filter(|(_, miner)| !miner.only_starts())
        .map(|((host, _), _)| *host)
        .collect();
    miners.retain(|(host, _), miner| !miner.only_starts() || !hosts.contains(host));
    let found = miners.values().map(|miner| miner.finding(processes));
    Ok(found.collect())
}

fn look_at<'a>(
    processes: &Processes,
    space: &'a Space,
    process: &'a Process,
    known: &Indicators,
    facts: &CaseFacts,
    started: &'a [Started],
) -> Miner<'a> {
    let mut reasons: BTreeSet<&'static str> = disguises(process).into_iter().collect();
    let is_busy = process.cpu().is_some_and(|cpu| cpu >= BUSY_PERCENT);
    if is_busy {
        reasons.insert("high-cpu");
    }
    let command = process.command.as_deref().unwrap_or_default();
    let says = is_miner_command(command) || is_miner_program(process.name());
    // A script's command speaks of a process by its program's name: that must be busy, too.
    let by_name = |one: &&Started| {
        is_busy && one.host == space.host && one.program == process.name() && one.program.len() > 1
    };
    let started: Vec<&Started> = started.iter().filter(by_name).collect();
    if says || !started.is_empty() {
        reasons.insert("miner-command");
    }
    let mut miner = Miner {
        space,
        process,
        reasons,
        remote: None,
        indicators: BTreeSet::new(),
        started,
        sockets: Vec::new(),
    };
    let said = [command]
        .into_iter()
        .filter(|_| says)
        .chain(miner.started.iter().map(|one| one.command.as_str()));
    let pool = said.flat_map(endpoints).next();
    miner.look_at_peers(processes, known, facts, pool.as_deref());
    if says {
        let mut named = BTreeSet::new();
        known.in_text(command, &mut named);
        miner.blame(&named, facts);
    }
    let to_pool = pool.as_deref().and_then(port_of);
    if to_pool.is_some_and(is_pool_port) {
        miner.reasons.insert("pool-port");
    }
    miner.remote = miner.remote.take().or(pool);
    miner
}

/// The port of `host:port`.
fn port_of(endpoint: &str) -> Option<u16> {
    endpoint.rsplit_once(':')?.1.parse().ok()
}

impl Miner<'_> {
    /// Connections that it opened to addresses outside. The pool that its command names is told by its port: its name has many
    /// addresses.
    fn look_at_peers(
        &mut self,
        processes: &Processes,
        known: &Indicators,
        facts: &CaseFacts,
        pool: Option<&str>,
    ) {
        let mut best: Option<(u8, String)> = None;
        for socket in processes
            .sockets_of(self.process)
            .filter(|one| one.is_outward())
        {
            let opened = processes.is_opened(socket);
            let bad = socket
                .dst_ip
                .as_deref()
                .and_then(|address| known.address(address));
            let to_pool = opened && socket.dst_port.is_some_and(is_pool_port);
            if let Some(place) = bad {
                self.blame(&BTreeSet::from([place]), facts);
            }
            if to_pool {
                self.reasons.insert("pool-port");
            }
            if bad.is_some() || to_pool {
                self.sockets.push(socket.row);
            }
            let is_named = opened && pool.is_some() && pool.and_then(port_of) == socket.dst_port;
            let rank = u8::from(is_named) * 8
                + u8::from(bad.is_some()) * 4
                + u8::from(to_pool) * 2
                + u8::from(opened);
            if let Some(remote) = socket.remote().filter(|_| rank > 0) {
                let better = best.as_ref().is_none_or(|(known, name)| {
                    (rank, std::cmp::Reverse(&remote)) > (*known, std::cmp::Reverse(name))
                });
                if better {
                    best = Some((rank, remote));
                }
            }
        }
        self.remote = best.map(|(_, remote)| remote);
    }

    fn blame(&mut self, places: &BTreeSet<usize>, facts: &CaseFacts) {
        let named = places
            .iter()
            .filter_map(|place| facts.indicators.get(*place));
        self.indicators.extend(named.map(|one| one.value.clone()));
        if !places.is_empty() {
            self.reasons.insert("indicator");
        }
    }

    fn has(&self, reason: &str) -> bool {
        self.reasons.contains(reason)
    }

    /// What the reasons weigh together; `None` where they are no finding.
    fn severity(&self) -> Option<Severity> {
        let busy = self.has("high-cpu");
        let strong = ["hidden-cmdline", "kernel-name", "hidden-exe"];
        let strong = strong.iter().filter(|one| self.has(one)).count();
        let weak = usize::from(self.has("deleted-exe")) + usize::from(self.has("tmp-path"));
        let (hides, peer) = (
            strong + weak,
            self.has("pool-port") || self.has("indicator"),
        );
        let is_high = match (self.has("miner-command"), busy) {
            (true, _) => busy || peer || hides > 0,
            (false, true) => {
                let marked = self.has("indicator") && (self.has("pool-port") || hides > 0);
                marked || (peer && hides > 0) || (strong > 0 && hides > 1)
            }
            (false, false) => false,
        };
        if is_high {
            return Some(Severity::High);
        }
        if self.has("miner-command") {
            return Some(Severity::Medium);
        }
        match (
            busy,
            peer || strong > 0 || self.has("deleted-exe"),
            weak > 0,
        ) {
            (true, true, _) => Some(Severity::Medium),
            (true, false, true) => Some(Severity::Low),
            // Not busy when it was listed: a pool's port at an address that is known to be bad.
            (false, _, _) if self.has("indicator") && self.has("pool-port") => {
                Some(Severity::Medium)
            }
            _ => None,
        }
    }

    /// A shell or tool that starts the miner, and is none itself.
    fn only_starts(&self) -> bool {
        let program = self
            .process
            .command
            .as_deref()
            .map_or(self.process.name(), program_of);
        !self.has("high-cpu") && STARTERS.contains(&base_name(program))
    }

    fn finding(&self, processes: &Processes) -> Finding {
        let process = self.process;
        let severity = self.severity().unwrap_or(Severity::Low);
        let base = match severity {
            Severity::High | Severity::Critical => 0.82,
            Severity::Medium => 0.5,
            Severity::Low | Severity::Info => 0.3,
        };
        let confidence = (base + 0.04 * self.reasons.len() as f64).min(0.97);
        let mut subjects = vec![Observable::new(ObservableType::Process, process.subject())];
        let host = self.space.host.as_deref();
        subjects.extend(host.map(|host| Observable::new(ObservableType::Host, host)));
        let container = processes.container_of(self.space, process);
        let named = container.map(|(container, _)| container.name.as_str());
        subjects.extend(named.map(|name| Observable::new(ObservableType::Container, name)));
        let mut rows = processes.rows_of(process);
        rows.extend(container.map(|(container, _)| container.row));
        let times = rows
            .iter()
            .filter_map(|row| processes.rows.long("ts_ns", *row));
        let (first, last) = (times.clone().min(), times.max());
        let cpu = process.cpu();
        let draft = Draft::new("miner", subjects, "")
            .says(self.title(cpu, named), self.text(named))
            .weighs(severity, confidence)
            .spans(first, last)
            .fact("process", process.known_name())
            .fact("pid", process.pid)
            .fact("cpu_percent", cpu)
            .fact("remote", self.remote.clone())
            .fact("reasons", self.reasons.iter().copied().collect::<Vec<_>>())
            .fact("host", host)
            .fact("user", process.user.clone())
            .fact("exe", process.exe.clone())
            .fact("command", process.command.clone())
            .fact("container", named)
            .fact(
                "pod",
                container.and_then(|(container, _)| container.pod.clone()),
            )
            .fact("container_by", container.map(|(_, by)| by))
            .fact(
                "indicators",
                self.indicators.iter().cloned().collect::<Vec<_>>(),
            )
            .fact("collected", time_fact(last))
            .fact("thresholds", json!({ "busy_percent": BUSY_PERCENT }))
            .attack(self.techniques(named.is_some()))
            .rests_on(
                &processes.rows,
                &self.decisive(processes, container.map(|(one, _)| one.row)),
            );
        let mut finding = draft.finish();
        let scripts = self.started.iter().map(|one| one.record.clone());
        let room = 20_usize.saturating_sub(finding.evidence.len());
        finding.evidence.extend(scripts.take(room));
        finding
    }

    /// Rows that say it: of tables and sockets one each, the container's last.
    fn decisive(&self, processes: &Processes, container: Option<usize>) -> Vec<usize> {
        let mut rows: Vec<usize> = self.process.rows.iter().copied().take(10).collect();
        match self.sockets.is_empty() {
            true => rows.extend(
                processes
                    .sockets_of(self.process)
                    .filter(|one| one.remote() == self.remote && one.remote().is_some())
                    .map(|one| one.row)
                    .take(4),
            ),
            false => rows.extend(self.sockets.iter().take(6)),
        }
        rows.extend(container);
        rows
    }

    fn techniques(&self, in_container: bool) -> &'static [&'static str] {
        match (
            in_container,
            self.has("hidden-cmdline") || self.has("kernel-name"),
        ) {
            (true, false) => &["T1496.001", "T1610"],
            (true, true) => &["T1496.001", "T1610", "T1036.004"],
            (false, true) => &["T1496.001", "T1036.004"],
            (false, false) => &["T1496.001"],
        }
    }

    fn title(&self, cpu: Option<f64>, container: Option<&str>) -> String {
        let verb = match self.severity() {
            Some(Severity::High) => "mines",
            _ => "may mine",
        };
        let mut title = format!("{} {verb}", self.process.subject());
        if let Some(remote) = &self.remote {
            title = format!("{title} with {remote}");
        }
        if let Some(cpu) = cpu {
            title = format!("{title}, {cpu:.1} % CPU");
        }
        if let Some(container) = container {
            title = format!("{title}, in container {container}");
        }
        title
    }

    fn text(&self, container: Option<&str>) -> String {
        let told: Vec<&str> = self
            .reasons
            .iter()
            .filter_map(|reason| words(reason))
            .collect();
        let against = match (self.has("miner-command"), self.has("indicator")) {
            (true, _) => "An owner's own miner would look the same: ask who started it.",
            (false, true) => {
                "A shared or reused address may stand in a feed wrongly: check what it is now."
            }
            (false, false) => {
                "A busy build or an installer may share single traits: check the program's hash and origin."
            }
        };
        let pid = self.process.pid;
        let inside = container.map_or_else(String::new, |name| {
            format!(" `docker inspect {name}` tells how its container came, `docker diff {name}` what it changed.")
        });
        format!(
            "The process {}. {against} Keep its program before it is stopped: `cp /proc/{pid}/exe /evidence/{pid}.exe; tr '\\0' ' ' \
             < /proc/{pid}/cmdline; cat /proc/{pid}/cgroup`; then look for what starts it again (cron, units, containers).{inside}",
            told.join("; ")
        )
    }
}

fn words(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "high-cpu" => "keeps at least half a processor busy",
        "miner-command" => "has a miner's command line",
        "pool-port" => "is connected to a port that mining pools use",
        "indicator" => "talks to what the case's indicators name",
        "hidden-cmdline" => "shows no true command line",
        "kernel-name" => "bears the name of a thread of the kernel, which it isn't",
        "hidden-exe" => "runs from a file with a dot before its name",
        "deleted-exe" => "runs from a file that was deleted",
        "tmp-path" => "runs from a folder for temporary files",
        _ => return None,
    })
}
