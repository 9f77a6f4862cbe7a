//! `systemctl status`: a block a unit, with its processes and its last log lines.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action};

use super::rows::{is_unit, moment, without_mark};
use crate::Clock;

/// What became of a line.
pub enum Taken {
    /// It is no line of a status.
    No,
    /// It went into a row.
    Used,
    /// It says nothing of use.
    Skipped(&'static str),
}

#[derive(Debug, Default)]
struct Block {
    line: u64,
    unit: String,
    description: Option<String>,
    load: Option<String>,
    path: Option<String>,
    enabled: Option<String>,
    active: Option<String>,
    sub: Option<String>,
    since: Option<String>,
    pid: Option<i64>,
    comm: Option<String>,
    has_facts: bool,
    in_tree: bool,
    in_log: bool,
}

/// The status at hand.
#[derive(Debug, Default)]
pub struct Status {
    block: Option<Block>,
}

impl Status {
    /// Whether, with this line, it is certain that this is a status.
    pub fn is_certain_after(&mut self, line: &str) -> bool {
        if let Some((unit, _)) = title(line) {
            self.block = Some(Block {
                unit: unit.to_owned(),
                ..Block::default()
            });
        }
        let line = line.trim_start();
        self.block.is_some() && (line.starts_with("Loaded: ") || line.starts_with("Active: "))
    }

    /// Takes a line.
    pub fn line(&mut self, text: &str, line: u64, clock: &Clock, sink: &mut dyn Sink) -> Taken {
        if let Some((unit, description)) = title(text) {
            self.finish(clock, sink);
            self.block = Some(Block {
                line,
                unit: unit.to_owned(),
                description: description.map(str::to_owned),
                ..Block::default()
            });
            return Taken::Used;
        }
        let Some(block) = &mut self.block else {
            return Taken::No;
        };
        if let Some((key, value)) = fact(text) {
            block.in_tree = key == "CGroup";
            block.has_facts |= matches!(key, "Loaded" | "Active");
            return match block.take(key, value, clock) {
                true => Taken::Used,
                false => Taken::Skipped("a fact that has no cell"),
            };
        }
        if block.in_tree
            && let Some((pid, command)) = branch(text)
        {
            process(&block.unit, pid, command, line, clock, sink);
            return Taken::Used;
        }
        if !block.has_facts {
            self.block = None;
            return Taken::No;
        }
        block.in_log |= !text.starts_with(' ');
        match block.in_log {
            true => Taken::Skipped("a line of the unit's log"),
            false => Taken::Skipped("a fact that has no cell"),
        }
    }

    /// Hands the last block on.
    pub fn finish(&mut self, clock: &Clock, sink: &mut dyn Sink) {
        if let Some(block) = self.block.take() {
            block.emit(clock, sink);
        }
    }
}

/// `● docker.service - Docker Application Container Engine`
fn title(line: &str) -> Option<(&str, Option<&str>)> {
    if line.starts_with(' ') {
        return None;
    }
    let bare = without_mark(line);
    let (unit, description) = match bare.split_once(" - ") {
        Some((unit, description)) => (unit, Some(description.trim())),
        None => (bare.trim(), None),
    };
    let is_marked = bare.len() < line.trim().len();
    (is_unit(unit) && !unit.contains(' ') && (is_marked || description.is_some()))
        .then_some((unit, description))
}

/// `   Active: active (running) since ...`
fn fact(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix(' ')?.trim_start().split_once(": ")?;
    const KEYS: [&str; 22] = [
        "Loaded",
        "Active",
        "Docs",
        "Main PID",
        "Process",
        "Tasks",
        "Memory",
        "CPU",
        "CGroup",
        "Drop-In",
        "Status",
        "TriggeredBy",
        "Triggers",
        "Trigger",
        "Invocation",
        "IP",
        "IO",
        "Listen",
        "Accepted",
        "Until",
        "Where",
        "What",
    ];
    KEYS.contains(&key).then_some((key, value.trim()))
}

/// `           ├─2273 /usr/bin/dockerd -H fd://`
fn branch(line: &str) -> Option<(i64, &str)> {
    let bare = line.trim_start_matches([' ', '│', '├', '└', '─', '|', '`', '-', '\u{a0}', '‣']);
    if bare.len() == line.trim_start().len() {
        return None;
    }
    let (pid, command) = bare.split_once(' ')?;
    Some((pid.parse().ok()?, command.trim()))
}

fn process(unit: &str, pid: i64, command: &str, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut attributes = Attributes::new();
    attributes.text("unit", unit);
    let mut event = Event::new(action::PROCESS_LISTED);
    event.when = clock.collected();
    event.line = Some(line);
    event.pid = Some(pid);
    event.command = Some(Cow::Borrowed(command));
    event.attributes = attributes.finish().map(Cow::Owned);
    event.message = Some(format!("process {pid} of {unit}: {command}").into());
    sink.event(&event);
}

impl Block {
    fn take(&mut self, key: &str, value: &str, clock: &Clock) -> bool {
        match key {
            "Loaded" => {
                let (load, rest) = value.split_once(" (").unwrap_or((value, ""));
                self.load = Some(load.to_owned());
                let mut parts = rest.trim_end_matches(')').split("; ");
                self.path = parts
                    .next()
                    .filter(|path| path.starts_with('/'))
                    .map(str::to_owned);
                self.enabled = parts.next().map(str::to_owned);
            }
            "Active" => {
                let (state, since) = value.split_once(" since ").unwrap_or((value, ""));
                let (active, sub) = state.split_once(" (").unwrap_or((state, ""));
                self.active = Some(active.trim().to_owned());
                let sub = sub.trim_end_matches(')');
                self.sub = (!sub.is_empty()).then(|| sub.to_owned());
                let words: Vec<&str> = since.split_whitespace().take(4).collect();
                self.since = moment(&words, clock).map(|(ts, _)| ts.to_string());
            }
            "Main PID" => {
                let (pid, comm) = value.split_once(" (").unwrap_or((value, ""));
                self.pid = pid.trim().parse().ok();
                let comm = comm.split(')').next().unwrap_or_default();
                self.comm = (!comm.is_empty() && !comm.contains('=')).then(|| comm.to_owned());
            }
            "CGroup" => {}
            _ => return false,
        }
        true
    }

    fn emit(&self, clock: &Clock, sink: &mut dyn Sink) {
        let mut attributes = Attributes::new();
        attributes
            .text("unit", &self.unit)
            .text_if("load", self.load.as_deref())
            .text_if("active", self.active.as_deref())
            .text_if("sub", self.sub.as_deref())
            .text_if("description", self.description.as_deref())
            .text_if("enabled", self.enabled.as_deref())
            .text_if("since", self.since.as_deref())
            .text_if("comm", self.comm.as_deref());
        let mut event = Event::new(action::SERVICE_LISTED);
        event.when = clock.collected();
        event.line = Some(self.line);
        event.pid = self.pid;
        event.path = self.path.as_deref().map(Cow::Borrowed);
        event.attributes = attributes.finish().map(Cow::Owned);
        let active = self.active.as_deref().unwrap_or("listed");
        event.message = Some(format!("{} {active}", self.unit).into());
        sink.event(&event);
    }
}
