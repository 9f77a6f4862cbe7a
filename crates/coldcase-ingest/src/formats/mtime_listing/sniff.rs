//! Whether a text is a listing: by the lines that read as rows against those that do not.

use coldcase_model::Precision;

use super::cursor::at;
use super::ls::{self, Parsed};
use super::reader::{is_error, is_total};
use super::{bodyfile, command, printf, stat};
use crate::{Probe, Sniff};

/// Lines looked at.
const MOST_LINES: usize = 400;

/// Lines of the head by what they are.
#[derive(Default)]
struct Tally {
    ls: usize,
    bodyfile: usize,
    printf: usize,
    nested: usize,
    exact: usize,
    stat_files: usize,
    stat_times: usize,
    other: usize,
}

pub(super) fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let mut tally = Tally::default();
    let mut remaining = probe.lines().take(MOST_LINES).count();
    for line in probe.lines().take(MOST_LINES) {
        // Each shape asks for one row beside two others at least.
        if 2 * (tally.rows() + remaining) < tally.other {
            return Sniff::No;
        }
        tally.count(line);
        remaining -= 1;
    }
    tally.verdict()
}

impl Tally {
    fn count(&mut self, line: &[u8]) {
        if line.len() > 64 << 10 {
            self.other += 1;
            return;
        }
        let neutral = || {
            line.trim_ascii().is_empty()
                || is_total(line)
                || is_error(line)
                || line.starts_with(b"#")
                || (line.ends_with(b":") && matches!(line.first(), Some(b'/' | b'.')))
                || command::parse(line).is_some()
        };
        match ls::parse(line) {
            Parsed::Row(_) => self.ls += 1,
            Parsed::NoTime => {}
            Parsed::Other => match stat::parse(line) {
                Some(stat::Line::File(_)) => self.stat_files += 1,
                Some(stat::Line::Time(..)) => self.stat_times += 1,
                Some(_) => {}
                None if neutral() => {}
                None if bodyfile::parse(line).is_some() => self.bodyfile += 1,
                None => match printf::parse(line) {
                    Some(row) => {
                        self.printf += 1;
                        self.exact += usize::from(row.stamp.precision == Precision::Ns);
                        self.nested += usize::from(is_nested(at(line, &row.path)));
                    }
                    None => self.other += 1,
                },
            },
        }
    }

    fn rows(&self) -> usize {
        self.ls + self.bodyfile + self.printf + self.stat_files
    }

    fn verdict(&self) -> Sniff {
        let rows = self.rows();
        // Names with line feeds make lines that are no rows; a log that quotes a listing has more of them.
        let ls = self.ls > 0 && 2 * rows >= self.other;
        let stat = self.stat_files > 0 && self.stat_times > 0 && 2 * rows >= self.other;
        let bodyfile = self.bodyfile > 0 && rows >= self.other;
        // The shape of a chosen format says little: hardly a line may be anything else. Nanoseconds say more.
        let share = if 2 * self.exact > self.printf { 75 } else { 95 };
        let printf = self.printf > 0 && 100 * rows >= share * (rows + self.other);
        match (bodyfile, stat || ls, printf) {
            (true, _, _) => Sniff::Sure,
            (_, true, _) => Sniff::Likely,
            // `/name TIME` alone is also how docker names a container.
            (_, _, true) if self.nested > 0 => Sniff::Likely,
            (_, _, true) => Sniff::Weak,
            _ => Sniff::No,
        }
    }
}

/// Whether a path has more than one part.
fn is_nested(path: &[u8]) -> bool {
    memchr::memchr_iter(b'/', path).count() > 1
}
