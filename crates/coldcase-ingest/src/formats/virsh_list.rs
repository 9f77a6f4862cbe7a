//! # virsh-list: virtual machines as libvirt lists them
//!
//! Made by `virsh list --all` (also `--inactive`, `--title`, `--name` is not read).
//!
//! **Recognised** by the header ` Id Name State` (or ` Id Name State Title`) above a rule of dashes, or above rows of its shape.
//!
//! ```text
//!  Id   Name         State
//! -----------------------------
//!  3    vm-console   running
//!  -    vm-old       shut off
//! ```
//!
//! **Rows.** `vm-listed` at the moment of collection: `name`, `id` (none of a machine that does not run), `state`.
//!
//! **Limits.** Translated headers are not known. Sources: virsh(1), libvirt `tools/virsh-domain-monitor.c`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::processes::shown::{cleaned, is_command_line, is_separator};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "virsh-list",
    title: "virtual machines as virsh lists them",
    source: include_str!("virsh_list.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

const STATES: [&str; 9] = [
    "running",
    "idle",
    "paused",
    "in shutdown",
    "shut off",
    "crashed",
    "pmsuspended",
    "no state",
    "dying",
];

fn is_header(line: &str) -> bool {
    let mut words = line.split_whitespace();
    (words.next(), words.next(), words.next()) == (Some("Id"), Some("Name"), Some("State"))
        && words.all(|word| word == "Title")
}

/// Number, name and state of a machine, and what stands behind.
fn row(line: &str) -> Option<(&str, &str, &'static str, &str)> {
    let line = line.trim();
    let (id, rest) = line.split_once(' ')?;
    if id != "-" && !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    STATES.iter().find_map(|state| {
        let at = rest.find(&format!(" {state}"))?;
        let behind = rest.get(at + 1 + state.len()..)?;
        let name = rest.get(..at)?.trim_end();
        let ends = behind.is_empty() || behind.starts_with(' ');
        (ends && !name.is_empty()).then_some((id, name, *state, behind.trim()))
    })
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.lines().filter(|line| !line.trim_ascii().is_empty());
    let mut lines = lines.map(cleaned).take(10);
    while let Some(line) = lines.next() {
        if !is_header(&line) {
            continue;
        }
        return match lines.next() {
            Some(next) if is_separator(&next) || row(&next).is_some() => Sniff::Sure,
            _ => Sniff::No,
        };
    }
    Sniff::No
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut in_table = false;
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let place = Place::Line(line.number);
        if is_header(&text) {
            in_table = true;
            continue;
        }
        match row(&text).filter(|_| in_table) {
            Some(row) => {
                emit(row, line.number, input.clock, sink);
                sink.used(1);
            }
            None if is_separator(&text) => sink.skip(place, "a line of dashes"),
            None if is_command_line(&text, &["virsh"]) => sink.skip(place, "a command line"),
            None if !line.ended => sink.skip(place, "a cut row"),
            None => sink.skip(place, "not a row of the table"),
        }
    }
    Ok(None)
}

fn emit(
    (id, name, state, title): (&str, &str, &str, &str),
    line: u64,
    clock: &Clock,
    sink: &mut dyn Sink,
) {
    let mut attributes = Attributes::new();
    attributes
        .text("name", name)
        .number_if("id", id.parse::<i64>().ok())
        .text("state", state)
        .text_if("title", Some(title).filter(|title| !title.is_empty()));
    let mut event = Event::new(action::VM_LISTED);
    event.when = clock.collected();
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    event.message = Some(format!("virtual machine {name} {state}").into());
    sink.event(&event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_by_their_state() {
        let check = |line: &str, expected: Option<(&str, &str, &'static str, &str)>| {
            assert_eq!(row(line), expected, "{line}");
        };
        check(
            " 3    vm console   running",
            Some(("3", "vm console", "running", "")),
        );
        check(
            " -  x  shut off   A title",
            Some(("-", "x", "shut off", "A title")),
        );
        check(" x  x  running", None);
        check("", None);
    }
}
