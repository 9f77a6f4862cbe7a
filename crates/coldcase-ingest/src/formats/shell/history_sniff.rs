//! Whether a text is a history: by stamps and numbers, else by how its lines begin, with the name's help.

use super::history_line::{Piece, numbered, piece, stamped};
use super::words::{Look, is_cron_line, is_section, look};
use crate::formats::collected_text::{frame, sample};
use crate::syslog::Times;
use crate::{Clock, Probe, Sniff};

/// Names of histories, and the program whose they are.
const NAMES: [(&str, &str); 12] = [
    ("bash_history", "bash"),
    ("zsh_history", "zsh"),
    ("zhistory", "zsh"),
    ("fish_history", "fish"),
    ("ash_history", "ash"),
    ("ksh_history", "ksh"),
    ("mysql_history", "mysql"),
    ("psql_history", "psql"),
    ("python_history", "python"),
    ("sqlite_history", "sqlite"),
    ("rediscli_history", "redis-cli"),
    ("sh_history", "sh"),
];

/// The program that a file's name names.
pub(super) fn program_of(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    NAMES
        .iter()
        .find(|(marker, _)| name.contains(marker))
        .map(|(_, program)| *program)
}

pub(super) fn is_shell(program: &str) -> bool {
    program.ends_with("sh")
}

/// Lines of a probe by what they look like.
#[derive(Default)]
struct Tally {
    lines: usize,
    stamps: usize,
    zsh: usize,
    fish: usize,
    numbered: usize,
    ascending: usize,
    commands: usize,
    paths: usize,
    arguments: usize,
    foreign: usize,
    heading: bool,
}

pub(super) fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let mut tally = Tally::default();
    let mut last = None;
    for (index, line) in lines.iter().enumerate() {
        if index < 3 || line.starts_with("==> ") {
            if index == 0 && (line.starts_with("#!") || line.starts_with("_HiStOrY")) {
                tally.foreign += usize::from(line.starts_with("#!"));
                continue;
            }
            if let Some(frame) = frame(line) {
                let path = frame.path.unwrap_or_default();
                tally.heading |= path.ends_with("history") || line.trim_end().ends_with(" history");
                continue;
            }
        }
        tally.lines += 1;
        tally.count(line, &mut last);
    }
    let program = program_of(probe.path);
    if let Some(program) = program
        && !is_shell(program)
        && tally.lines > 0
    {
        return Sniff::Likely;
    }
    let name = probe.file_name().to_ascii_lowercase();
    let named = program.is_some() || tally.heading;
    tally.verdict(
        named,
        named || name.contains("history") || name.contains("histfile"),
    )
}

impl Tally {
    fn count(&mut self, line: &str, last: &mut Option<i64>) {
        match piece(line) {
            Piece::Stamp(_) => self.stamps += 1,
            Piece::Zsh { .. } => self.zsh += 1,
            Piece::Fish(_) | Piece::FishWhen(_) => self.fish += 1,
            Piece::FishPaths => {}
            Piece::Other => {
                let mut command = line;
                if let Some((number, rest)) = numbered(line) {
                    self.numbered += 1;
                    self.ascending += usize::from(last.is_none_or(|last| number == last + 1));
                    *last = Some(number);
                    let clock = Clock::UNKNOWN;
                    let stamped = stamped(rest, &mut Times::new(&clock), &clock);
                    command = stamped.map_or(rest, |stamped| stamped.command);
                    command = command.strip_prefix("root ").unwrap_or(command);
                } else if line.starts_with([' ', '\t']) {
                    self.foreign += 1;
                }
                match look(command) {
                    Look::Command => self.commands += 1,
                    Look::Path => self.paths += 1,
                    Look::Keyword => self.foreign += 1,
                    Look::Other => {}
                }
                self.arguments += usize::from(command.trim().contains(' '));
                let foreign = is_cron_line(line)
                    || is_section(line)
                    || line.starts_with('#')
                    || command.trim_end().ends_with(['{', '}', ':', '.']);
                self.foreign += usize::from(foreign);
            }
        }
    }

    /// `named`: by a shell's own name; `hinted`: by a name with "history".
    fn verdict(&self, named: bool, hinted: bool) -> Sniff {
        let others = self.lines.saturating_sub(self.stamps);
        if self.lines == 0 {
            return Sniff::No;
        }
        if self.fish >= 2 && self.fish * 10 >= self.lines * 4 {
            return Sniff::Sure;
        }
        if self.zsh > 0 && (self.zsh * 3 >= self.lines || named) {
            return if self.zsh > 1 {
                Sniff::Sure
            } else {
                Sniff::Likely
            };
        }
        if self.stamps > 0 && others > 0 && self.stamps * 4 >= self.lines {
            return if self.stamps > 1 {
                Sniff::Sure
            } else {
                Sniff::Likely
            };
        }
        let typed = self.commands + self.paths;
        if self.numbered * 10 >= self.lines * 8 && (self.numbered > 1 || hinted) {
            let fits = self.ascending * 10 >= self.numbered * 8 && typed * 2 >= self.numbered;
            return if fits { Sniff::Likely } else { Sniff::No };
        }
        let share = |percent: usize| (typed + self.stamps) * 100 >= percent * self.lines;
        let pure = self.foreign * 10 <= self.lines * 2;
        if named && share(25) && self.foreign * 2 <= self.lines || hinted && share(50) && pure {
            return Sniff::Likely;
        }
        let told = self.commands >= 2 && self.arguments * 4 >= self.lines;
        if self.lines >= 3 && share(70) && pure && told {
            return Sniff::Weak;
        }
        Sniff::No
    }
}
