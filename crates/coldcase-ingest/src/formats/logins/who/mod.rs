//! Who is logged in now, as `who` and `w` print it.
//!
//! **Made by** `who` (with `-a`, `-b`, `-r`, `-u`, `-H`, `-T`, `-l`, `-d`, `-t`), `w` (with `-s`, `-f`, `-i`, `-h` only below its
//! heading), and busybox's `who` and `w`:
//!
//! ```text
//! dana     + pts/0        2023-05-12 09:45 00:11        3709 (192.0.2.7)
//!            run-level 3  2023-04-02 12:13
//!
//!  10:25:20 up 16:03,  2 users,  load average: 0.00, 0.01, 0.05
//! USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT
//! dana     pts/0    192.0.2.7        09:53    8.00s  0.10s  0.00s vim notes
//! ```
//!
//! **Recognised** by the heading with `LOGIN@`, or by rows of a terminal and the time of a login.
//!
//! **Events.** `login` of each session at the moment it began, `ended` still, with `idle` and of `w` the `command` it runs;
//! `boot`, `clock-changed`, `log` for run levels and waiting prompts; `session-closed` for a terminal that is free again.
//!
//! **Times** are local (`zone-assumed`). Those without a year (`May 12 09:45` in the C locale) and all of `w` are dated back
//! from the moment of collection (`year-inferred`); `w` shows a login of today or the last hours as `09:45`, of the last days
//! as `Fri18` (to the hour), before as `12May23` (to the day).
//!
//! **Hosts**: `who` shows them whole; `w` cuts them at its column, see `last`.
//!
//! **Limits.** `w` cuts account names at 8 characters. `who -q` lists names alone and is not read.
//!
//! Sources: who(1), w(1), coreutils `src/who.c`, procps `w.c`, busybox `coreutils/who.c`.

use coldcase_model::{Place, Sink};

use super::text;
use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

use table::{Heading, Table};

mod list;
mod table;

/// The format.
pub static FORMAT: Format = Format {
    id: "who",
    title: "who and w: who is logged in",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines that are looked at to recognise the format.
const SNIFFED_LINES: usize = 100;

const TOOLS: [&str; 2] = ["who", "w"];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut other, mut table) = (0, 0, None::<Heading>);
    let mut tables = 0;
    let mut busy = false;
    for line in probe.text_lines().take(SNIFFED_LINES) {
        let line = line.text(text::clean);
        if line.trim().is_empty()
            || text::is_ornament(&line)
            || table::uptime(&line).is_some()
            || text::command(&line, &TOOLS).is_some()
        {
            continue;
        }
        if let Some(found) = Heading::read(&line) {
            table = Some(found);
            tables += 1;
        } else if let Some(found) = list::heading(&line) {
            busy = found;
        } else if list::read(&line, busy).is_some()
            || table.is_some_and(|table| table.row(&line).is_some())
        {
            rows += 1;
        } else {
            other += 1;
        }
    }
    match (tables, rows) {
        (0, 0) => Sniff::No,
        (1.., _) if rows >= other => Sniff::Sure,
        (1.., _) => Sniff::Weak,
        _ if other == 0 => Sniff::Likely,
        _ if rows > 4 * other => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut reader = Reader {
        table: Table::new(input.clock),
        busy: false,
        told: false,
    };
    while let Some(line) = lines.next_line()? {
        reader.line(&line, sink);
    }
    Ok(None)
}

struct Reader<'c> {
    table: Table<'c>,
    /// Whether busybox's heading stood above.
    busy: bool,
    told: bool,
}

impl Reader<'_> {
    fn line(&mut self, line: &Line<'_>, sink: &mut dyn Sink) {
        let place = Place::Line(line.number);
        if line.cut {
            return sink.skip(place, "line longer than 1 MiB");
        }
        let text = text::clean(line.bytes);
        if text.trim().is_empty() {
            return;
        }
        if let Some(at) = table::uptime(&text) {
            self.table.at(at);
            return sink.used(1);
        }
        if let Some(heading) = Heading::read(&text) {
            self.table.heading = Some(heading);
            return;
        }
        if let Some(busy) = list::heading(&text) {
            (self.busy, self.table.heading) = (busy, None);
            return;
        }
        let clock = self.table.clock;
        let event = match list::read(&text, self.busy) {
            Some(row) => Some(row.event(line.number, clock)),
            None => self.table.event(&text, line.number),
        };
        let Some(event) = event else {
            return sink.skip(place, reason(&text, line.ended));
        };
        if event.when.is_none() && !std::mem::replace(&mut self.told, true) {
            let warning = "times that nothing dates stay unknown".to_owned();
            sink.warn(place, warning);
        }
        sink.event(&event);
        sink.used(1);
    }
}

fn reason(text: &str, ended: bool) -> &'static str {
    if text::command(text, &TOOLS).is_some() || text::is_ornament(text) {
        "prompt or separator"
    } else if !ended {
        "cut row"
    } else {
        "not a row of who or w"
    }
}
