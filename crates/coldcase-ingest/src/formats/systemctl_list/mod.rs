//! # systemctl-list: services as systemd and its forerunners list them
//!
//! Made by `systemctl`, `systemctl list-units --all`, `list-unit-files`, `list-timers --all`, `list-sockets`, `systemctl status [UNIT...]`,
//! and by `chkconfig --list` and `service --status-all`.
//!
//! **Recognised** by the header of each (`UNIT LOAD ACTIVE SUB`, `UNIT FILE STATE`, `NEXT LEFT LAST PASSED UNIT ACTIVATES`, `LISTEN UNIT`), by
//! `Loaded:` and `Active:` below a unit's name, or by rows whose words are the states of units (`--no-legend`).
//!
//! ```text
//!   UNIT              LOAD   ACTIVE SUB     DESCRIPTION
//!   auditd.service    loaded active running Security Auditing Service
//! ● rngd.service      loaded failed failed  Hardware RNG Entropy Gatherer Daemon
//! ```
//!
//! **Rows.** `service-listed` at the moment of collection with `unit`, `load`, `active`, `sub`, `description` (as shown: a pager cuts it) or `enabled` (of
//! list-unit-files, with `preset`). A timer is a `job-listed` (kind timer) with `next`, `last` and `activates`. A unit's
//! status adds `pid`, `path`, `since` and `result`; the processes of its tree are `process-listed` with `unit`.
//! A socket of list-sockets has `listen`.
//!
//! **Times** carry a zone's short name (`CST`), which means several zones: they are read in the host's own, `UTC` as UTC.
//!
//! **Not records**: blank lines and headers. Legends, counts, and the log lines below a status are skipped with a reason.
//!
//! Sources: systemctl(1), systemd `src/systemctl/*.c`, chkconfig(8), service(8).

mod rows;
mod status;

use coldcase_model::{Place, Sink};

use super::processes::shown::{cleaned, is_command_line, is_separator};
use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

use rows::Table;
use status::Status;

/// The format.
pub static FORMAT: Format = Format {
    id: "systemctl-list",
    title: "services and timers as systemctl, chkconfig and service list them",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

const TOOLS: [&str; 3] = ["systemctl", "chkconfig", "service"];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    let (mut rows, mut others) = (0, 0);
    let mut status = Status::default();
    for (index, line) in lines.map(|line| line.text(cleaned)).take(60).enumerate() {
        if rows::header(&line).is_some() && others <= 3 {
            return if index <= 5 {
                Sniff::Sure
            } else {
                Sniff::Likely
            };
        }
        if status.is_certain_after(&line) && others <= 3 {
            return Sniff::Sure;
        }
        let is_row = Table::guess(&line).is_some();
        rows += usize::from(is_row);
        let is_frame =
            is_command_line(&line, &TOOLS) || is_separator(&line) || rows::is_legend(&line);
        others += usize::from(!is_row && !is_frame);
    }
    match (rows, others) {
        (2.., 0) => Sniff::Likely,
        (5.., others) if rows >= 10 * others => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut lines = Lines::new(&mut input.reader);
    let mut table = None;
    let mut status = Status::default();
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let text = text.as_ref();
        let place = Place::Line(line.number);
        if let Some(found) = rows::header(text) {
            status.finish(clock, sink);
            table = Some(found);
            sink.used(1);
            continue;
        }
        if rows::is_legend(text) {
            sink.skip(place, "a legend");
            continue;
        }
        if is_command_line(text, &TOOLS) {
            sink.skip(place, "a command line");
            continue;
        }
        match status.line(text, line.number, clock, sink) {
            status::Taken::Used => {
                sink.used(1);
                continue;
            }
            status::Taken::Skipped(reason) => {
                sink.skip(place, reason);
                continue;
            }
            status::Taken::No => {}
        }
        let kind = table.or_else(|| Table::guess(text));
        if kind.is_some_and(|kind| kind.emit(text, line.number, clock, sink)) {
            sink.used(1);
        } else if is_separator(text) {
            sink.skip(place, "a line between outputs");
        } else if !line.ended {
            sink.skip(place, "a cut row");
        } else {
            sink.skip(place, "not a row of the table");
        }
    }
    status.finish(clock, sink);
    Ok(None)
}
