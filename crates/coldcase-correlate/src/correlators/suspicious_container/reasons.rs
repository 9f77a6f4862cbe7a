//! Reasons why a container is suspicious, each with its weight, its group and what it rests on.

use std::collections::{BTreeMap, BTreeSet};

use super::commands;
use super::gather::Container;
use super::images::{Estate, ImageName};
use super::known_bad::KnownBad;
use super::mounts::{Mount, masters_host};
use super::processes::{Process, Processes};
use crate::correlators::exposed_service::callers::Outside;

const HOUR_NS: i64 = 3_600 * 1_000_000_000;
/// An image that came to the host at most so long before the container came with it.
const NEW_IMAGE_NS: i64 = 24 * HOUR_NS;
/// Other containers that must be known, so that "new" has something to be compared with.
const COMPARED: usize = 2;
/// An inside caller that made so few containers, and was not seen before, is unusual; a CI runner makes more.
const FEW_CREATIONS: usize = 3;
/// CPU of one process, in per cent of a core, that is worth saying: what a miner's thread takes, and a busy job too.
const HIGH_CPU: f64 = 80.0;

/// What kind of thing a reason speaks of. Reasons of one group have one benign reading; of several groups hardly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// Where the image is from.
    Origin,
    /// What it may do to its host.
    Power,
    /// What it does.
    Purpose,
    /// Who made it.
    Maker,
}

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reason {
    pub word: &'static str,
    pub weight: u32,
    pub group: Group,
    /// In words, for people.
    pub why: String,
}

/// What a container is compared with.
pub(super) struct Context<'a> {
    pub estate: &'a Estate,
    pub processes: &'a Processes,
    pub bad: &'a KnownBad<'a>,
    pub outside: &'a Outside<'a>,
    /// First processes of containers, by host.
    pub firsts: BTreeMap<&'a str, BTreeSet<i64>>,
    /// How many containers each caller asked for.
    pub made: BTreeMap<&'a str, usize>,
}

/// The reasons of one container.
#[derive(Debug, Default)]
pub(super) struct Weighed<'a> {
    pub reasons: Vec<Reason>,
    pub processes: Vec<&'a Process>,
    /// Rows of processes and scripts that decide.
    pub decisive: Vec<usize>,
    pub is_agent: bool,
    /// Whether the estate is used to images of this publisher.
    pub is_usual: bool,
    /// The caller from outside who made it.
    pub made_by: Option<String>,
}

impl Weighed<'_> {
    fn add(&mut self, word: &'static str, weight: u32, group: Group, why: impl Into<String>) {
        let why = why.into();
        match self.reasons.iter_mut().find(|reason| reason.word == word) {
            Some(known) if weight > known.weight => (known.weight, known.why) = (weight, why),
            Some(_) => {}
            None => self.reasons.push(Reason {
                word,
                weight,
                group,
                why,
            }),
        }
    }

    /// Whether a reason is given, with or without weight.
    pub fn has(&self, word: &str) -> bool {
        self.reasons.iter().any(|reason| reason.word == word)
    }

    /// All weights together.
    pub fn points(&self) -> u32 {
        self.reasons.iter().map(|reason| reason.weight).sum()
    }

    /// Takes away what weighs nothing: it is worth saying only beside what does.
    pub fn keep_weighty(&mut self) {
        self.reasons.retain(|reason| reason.weight > 0);
    }

    /// Groups that weigh.
    pub fn groups(&self) -> BTreeSet<Group> {
        self.reasons
            .iter()
            .filter(|reason| reason.weight > 0)
            .map(|reason| reason.group)
            .collect()
    }
}

/// Weighs one container.
pub(super) fn weigh<'a>(container: &Container, context: &Context<'a>) -> Weighed<'a> {
    let mut weighed = Weighed::default();
    let none = BTreeSet::new();
    let firsts = context.firsts.get(container.host.as_str()).unwrap_or(&none);
    weighed.processes = context.processes.of(container, firsts);
    maker(container, context, &mut weighed);
    origin(container, context, &mut weighed);
    power(container, &mut weighed);
    purpose(container, context, &mut weighed);
    weighed
}

/// Who asked for it over the network.
fn maker(container: &Container, context: &Context<'_>, weighed: &mut Weighed<'_>) {
    for request in &container.creators {
        if request.user.as_deref() == Some("system:anonymous") {
            weighed.add(
                "remote-created",
                2,
                Group::Maker,
                "made by a caller without a name",
            );
            weighed.made_by = request.from.clone();
        }
        let Some(from) = request.from.as_deref() else {
            continue;
        };
        if request.user.is_none() && context.outside.is_outside(from) {
            weighed.add(
                "remote-created",
                2,
                Group::Maker,
                format!("made through the engine's API by {from}, from outside"),
            );
            weighed.made_by = Some(from.to_owned());
        } else if request.user.is_none() && is_unusual(from, request.at, context) {
            weighed.add(
                "remote-created",
                1,
                Group::Maker,
                format!("made through the engine's API by {from}, not seen using it before"),
            );
        }
    }
    for (command, request) in &container.execs {
        let Some(from) = request.from.as_deref() else {
            continue;
        };
        if context.outside.is_outside(from) {
            weighed.add(
                "remote-exec",
                2,
                Group::Maker,
                format!("{from}, from outside, ran `{command}` in it through the engine's API"),
            );
            weighed.made_by.get_or_insert_with(|| from.to_owned());
        }
    }
}

/// An inside caller that made few containers and did not use the API in the hour before.
fn is_unusual(from: &str, at: Option<i64>, context: &Context<'_>) -> bool {
    let made = context.made.get(from).copied().unwrap_or_default();
    let new = at.is_some_and(|at| context.outside.is_new(from, at, HOUR_NS));
    !context.outside.is_own(from) && made <= FEW_CREATIONS && new
}

/// Where its image is from.
fn origin(container: &Container, context: &Context<'_>, weighed: &mut Weighed<'_>) {
    let Some(written) = container.image.as_deref() else {
        return;
    };
    let Some(image) = ImageName::of(written) else {
        return;
    };
    let created = container.created.map(|(first, _)| first);
    let established = context.estate.is_established(&image, created);
    let used_before = context
        .estate
        .first_on(&container.host, &image)
        .zip(created);
    let used_before = used_before.is_some_and(|(first, created)| {
        created.saturating_sub(first) >= super::images::ESTABLISHED_NS
    });
    let unofficial = !image.is_known() && !established && !used_before;
    weighed.is_agent = image.is_agent(established);
    weighed.is_usual = !unofficial;
    if unofficial {
        let why = format!(
            "{written} is no official image, and nothing of {} was on the host before",
            image.publisher()
        );
        weighed.add("unofficial-image", 1, Group::Origin, why);
    }
    if !image.versioned {
        let weight = u32::from(unofficial);
        weighed.add(
            "untagged-image",
            weight,
            Group::Origin,
            format!("{written} names no tag and no digest"),
        );
    }
    if is_new(container, &image, context) {
        let weight = u32::from(unofficial || weighed.made_by.is_some());
        let why = "its image came to the host within a day before it, while most other containers are a week older at least";
        weighed.add("new-image", weight, Group::Origin, why);
    }
    if commands::mining(&image.repository()).is_some() || image.repository().contains("monero") {
        weighed.add(
            "miner-image",
            3,
            Group::Purpose,
            format!("{written} is called after a miner"),
        );
    }
}

/// Whether the image came with the container, to a host whose other containers are old.
fn is_new(container: &Container, image: &ImageName<'_>, context: &Context<'_>) -> bool {
    let Some((created, latest)) = container.created else {
        return false;
    };
    let first = context.estate.first_on(&container.host, image);
    let came_with_it = first.is_some_and(|first| {
        first >= created.saturating_sub(NEW_IMAGE_NS) && first <= latest.saturating_add(HOUR_NS)
    });
    let week_before = created.saturating_sub(super::images::ESTABLISHED_NS);
    let (others, old) = context.estate.others(&container.host, image, week_before);
    came_with_it && others >= COMPARED && old * 2 >= others
}

/// What it may do to its host.
fn power(container: &Container, weighed: &mut Weighed<'_>) {
    if container.privileged {
        weighed.add("privileged", 1, Group::Power, "it is privileged");
    }
    for mount in container.mounts.iter().filter_map(|mount| Mount::of(mount)) {
        let shown = if mount.destination.is_empty() {
            String::new()
        } else {
            format!(" at {}", mount.destination)
        };
        if mount.is_socket() {
            weighed.add(
                "docker-socket",
                1,
                Group::Power,
                format!("it can give orders to the engine through {}", mount.source),
            );
        }
        if mount.is_root() {
            let (weight, how) = if mount.read_only {
                (1, "read")
            } else {
                (2, "write")
            };
            weighed.add(
                "host-mount",
                weight,
                Group::Power,
                format!("it can {how} all of the host's files{shown}"),
            );
        } else if mount.is_telling() {
            weighed.add(
                "host-mount",
                1,
                Group::Power,
                format!("it can write the host's {}{shown}", mount.source),
            );
        }
    }
    for capability in container
        .capabilities
        .iter()
        .filter(|one| masters_host(one))
    {
        weighed.add(
            "added-capability",
            1,
            Group::Power,
            format!("it was given {capability}"),
        );
    }
    let namespaces: Vec<&str> = container.host_namespaces.iter().copied().collect();
    if !namespaces.is_empty() {
        // The host's network alone is what many services have.
        let weight = u32::from(namespaces.iter().any(|one| *one != "network"));
        weighed.add(
            "host-namespace",
            weight,
            Group::Power,
            format!("it shares the host's {}", namespaces.join(", ")),
        );
    }
}

/// What it does.
fn purpose(container: &Container, context: &Context<'_>, weighed: &mut Weighed<'_>) {
    let command = container.command.as_deref().unwrap_or_default();
    let roots: Vec<&str> = container
        .mounts
        .iter()
        .filter_map(|mount| Mount::of(mount))
        .filter(Mount::is_root)
        .map(|mount| mount.destination)
        .collect();
    let execs = container.execs.iter().map(|(command, _)| command.as_str());
    for command in std::iter::once(command).chain(execs) {
        if let Some(word) = commands::mining(command) {
            weighed.add(
                "miner-command",
                4,
                Group::Purpose,
                format!("`{word}` in its command is a miner's"),
            );
        }
        if commands::downloads_and_runs(command) {
            weighed.add(
                "download-and-run",
                2,
                Group::Purpose,
                "its command fetches a program and runs it",
            );
        }
        if commands::escapes(command, &roots) {
            weighed.add(
                "host-escape",
                2,
                Group::Purpose,
                "its command leaves the container for the host",
            );
        }
        if commands::runs_temporary(command) {
            weighed.add(
                "tmp-path",
                1,
                Group::Purpose,
                "its command runs a file in a folder for temporary files",
            );
        }
        if let Some(known) = context.bad.in_command(command) {
            weighed.add(
                "indicator",
                4,
                Group::Purpose,
                format!("its command names {known}, an indicator"),
            );
        }
    }
    for request in &container.creators {
        if let Some(known) = request
            .from
            .as_deref()
            .filter(|from| context.bad.is_address(from))
        {
            weighed.add(
                "indicator",
                4,
                Group::Maker,
                format!("{known}, who made it, is an indicator"),
            );
        }
    }
    of_processes(context, weighed);
    of_scripts(command, context, weighed);
    if container.cpu_percent.is_some_and(|cpu| cpu >= HIGH_CPU) {
        weighed.add("high-cpu", 1, Group::Purpose, "it takes a core and more");
    }
}

fn of_processes(context: &Context<'_>, weighed: &mut Weighed<'_>) {
    for at in 0..weighed.processes.len() {
        let Some(&process) = weighed.processes.get(at) else {
            continue;
        };
        let called = process.called();
        if let Some(word) = commands::mining(&process.command) {
            weighed.add(
                "miner-command",
                4,
                Group::Purpose,
                format!("{called} runs in it, and `{word}` in its arguments is a miner's"),
            );
            weighed.decisive.push(process.row);
        } else if let Some(known) = context.bad.in_command(&process.command) {
            weighed.add(
                "indicator",
                4,
                Group::Purpose,
                format!("{called} runs in it and names {known}, an indicator"),
            );
            weighed.decisive.push(process.row);
        }
        if let Some(cpu) = process.cpu_percent.filter(|cpu| *cpu >= HIGH_CPU) {
            weighed.add(
                "high-cpu",
                1,
                Group::Purpose,
                format!("{called} in it takes {cpu:.1} % of a core"),
            );
            weighed.decisive.push(process.row);
        }
    }
}

/// A script that its command runs and that was collected.
fn of_scripts(command: &str, context: &Context<'_>, weighed: &mut Weighed<'_>) {
    let lines = commands::scripts(command)
        .into_iter()
        .flat_map(|name| context.processes.script(name));
    for row in lines {
        let line = context
            .processes
            .rows
            .text("command", *row)
            .unwrap_or_default();
        if let Some(word) = commands::mining(line) {
            weighed.add("miner-command", 4, Group::Purpose, format!("a script of the name that it runs was collected, and `{word}` in it is a miner's"));
            weighed.decisive.push(*row);
        }
    }
}
