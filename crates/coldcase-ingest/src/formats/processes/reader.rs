//! Tables of processes line by line, as ps and top share it; and whether a text is one.

use std::io::Read;

use coldcase_model::{Place, Sink, When};

use super::shown::{cleaned, command_of_prompt, is_command_line, is_separator};
use super::table::{Header, Tool};
use crate::{Clock, IngestError, Lines, Probe, Sniff};

/// Lines that may stand above a table.
const MAX_LINES_ABOVE: usize = 40;

/// Widths that terminals and batch jobs are cut to.
const USUAL_WIDTHS: [usize; 3] = [80, 132, 512];

/// Rows of a usual width from which on a table counts as cut.
const CUT_ROWS: usize = 4;

/// What a line above a table is to the tool.
pub enum Summary {
    /// Not one of its own.
    None,
    /// One that is counted by who reads it; what follows is from this moment.
    Begins(Option<When>),
    /// One that says nothing of use.
    Passed,
}

/// How sure it is that a text is this tool's table.
pub fn sniff(probe: &Probe<'_>, tool: Tool, names: &[&str]) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.text_lines().filter(|line| !line.is_blank());
    let mut lines = lines.map(|line| line.text(cleaned)).take(MAX_LINES_ABOVE);
    let mut above = 0;
    let (mut assumed, mut others) = (0, 0);
    while let Some(line) = lines.next() {
        if let Some(header) = Header::parse(&line) {
            if header.tool != tool {
                return Sniff::No;
            }
            let fits = match lines.next() {
                Some(row) => {
                    header.row(&row, &Clock::UNKNOWN).is_some() || header.is_thread_row(&row)
                }
                None => probe.complete,
            };
            return match (fits, above) {
                (true, 0..=2) => Sniff::Sure,
                (true, 3..=8) => Sniff::Likely,
                (true, _) => Sniff::Weak,
                (false, _) => Sniff::No,
            };
        }
        let is_row = Header::assumed(&line).is_some_and(|header| header.tool == tool);
        let is_frame = is_command_line(&line, names) || is_separator(&line);
        assumed += usize::from(is_row);
        others += usize::from(!is_row && !is_frame);
        above += usize::from(!is_frame);
    }
    match (assumed, others) {
        (1.., 0) => Sniff::Likely,
        (3.., others) if assumed >= 10 * others => Sniff::Likely,
        _ => Sniff::No,
    }
}

/// Reads all tables of an artifact. `summary` takes lines that are the tool's own and no row.
pub fn read(
    reader: impl Read,
    clock: &Clock,
    names: &[&str],
    sink: &mut dyn Sink,
    mut summary: impl FnMut(&str, u64, &mut dyn Sink) -> Summary,
) -> Result<(), IngestError> {
    let mut lines = Lines::new(reader);
    let mut header: Option<Header> = None;
    let mut when = None;
    let mut widths = Widths::default();
    let mut rows = 0_u64;
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let text = text.as_ref();
        if text.trim().is_empty() {
            continue;
        }
        if let Some(found) = Header::parse(text) {
            header = Some(found);
            sink.used(1);
            continue;
        }
        let place = Place::Line(line.number);
        match summary(text, line.number, sink) {
            Summary::None => {}
            Summary::Begins(at) => {
                when = at;
                continue;
            }
            Summary::Passed => {
                sink.skip(place, "a line of the summary");
                continue;
            }
        }
        let assumed = header.is_none().then(|| Header::assumed(text)).flatten();
        let known = header.as_ref().or(assumed.as_ref());
        match known.and_then(|header| header.row(text, clock)) {
            Some(mut process) => {
                process.line = line.number;
                process.when = when;
                process.emit(clock, sink);
                sink.used(1);
                rows += 1;
                widths.count(text);
                if line.cut {
                    sink.warn(place, "a line too long: its end was left out".to_owned());
                }
            }
            None => {
                let is_thread = known.is_some_and(|header| header.is_thread_row(text));
                sink.skip(place, reason(text, is_thread, line.ended, names));
            }
        }
    }
    if let Some(width) = widths.cut() {
        let warning = format!("command lines look cut at {width} columns");
        sink.warn(Place::Whole, warning);
    }
    if rows == 0 {
        sink.warn(Place::Whole, "no process in it".to_owned());
    }
    Ok(())
}

fn reason(text: &str, is_thread: bool, ended: bool, names: &[&str]) -> &'static str {
    match () {
        () if is_thread => "a thread's row without its number",
        () if command_of_prompt(text).is_some() || is_command_line(text, names) => "a command line",
        () if is_separator(text) => "a line between outputs",
        () if !ended => "a cut row",
        () => "not a row of the table",
    }
}

/// Rows by their width, where it is a usual one.
#[derive(Default)]
struct Widths {
    longest: usize,
    as_long: usize,
}

impl Widths {
    fn count(&mut self, text: &str) {
        let width = text.chars().count();
        if width > self.longest {
            self.longest = width;
            self.as_long = 0;
        }
        self.as_long += usize::from(width == self.longest);
    }

    fn cut(&self) -> Option<usize> {
        let is_cut = USUAL_WIDTHS.contains(&self.longest) && self.as_long >= CUT_ROWS;
        is_cut.then_some(self.longest)
    }
}
