//! Tables of processes as ps and top write them: headers, and rows below them. Cells are words, but for a start
//! over several words and for commands; that of the last column goes to the end of the line, one between others
//! is found by what stands behind it.

use std::borrow::Cow;

use super::cells::{fits, number_of, take};
use super::clock_text::{seconds, words_of_start};
use super::columns::{COLUMNS, Field};
use super::row::{Process, bracketed};
use super::shown::words;
use crate::Clock;

/// Most columns of a table: ps knows some 150.
const MAX_COLUMNS: usize = 64;

/// The tool that a header is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// ps of any make.
    Ps,
    /// top of any make.
    Top,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    field: Field,
    /// Where its header begins, in bytes.
    start: usize,
}

/// A table's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whose it is.
    pub tool: Tool,
    columns: Vec<Column>,
    /// BusyBox writes the state as up to three signs with blanks between.
    has_spaced_state: bool,
}

impl Header {
    /// Reads a header line; `None` for any other.
    pub fn parse(line: &str) -> Option<Self> {
        if line.len() > 2_000 {
            return None;
        }
        let mut columns = Vec::new();
        let mut unknown = 0;
        for (start, word) in words(line) {
            let known = COLUMNS.iter().find(|(name, _)| *name == word);
            let field = match known {
                Some((_, field)) => *field,
                None if is_header_word(word) => {
                    unknown += 1;
                    Field::Other
                }
                None => return None,
            };
            if columns.len() >= MAX_COLUMNS {
                return None;
            }
            columns.push(Column { field, start });
        }
        let has = |field: Field| columns.iter().any(|column| column.field == field);
        let has_word = |name: &str| words(line).any(|(_, word)| word == name);
        let count = columns.len();
        let foreign = ["FD", "NODE", "DEVICE", "CONTAINER", "IMAGE", "ACCESS", "NS"];
        if !(has(Field::Pid) || has(Field::Tid))
            || !(has(Field::Command) || has(Field::Exe))
            || count < 3
            || unknown * 3 > count
            || foreign.iter().any(|name| has_word(name))
        {
            return None;
        }
        let is_top = ["VIRT", "TIME+", "%VSZ", "RES"]
            .iter()
            .any(|name| has_word(name));
        let fields: Vec<Field> = columns.iter().map(|column| column.field).collect();
        let busybox = [
            Field::Pid,
            Field::User,
            Field::Vsz,
            Field::State,
            Field::Command,
        ];
        Some(Self {
            tool: if is_top { Tool::Top } else { Tool::Ps },
            has_spaced_state: has_word("%VSZ") || fields == busybox,
            columns,
        })
    }

    /// The header of `ps aux` or `ps -ef`, for rows that stand without one (`ps aux | grep x`).
    pub fn assumed(line: &str) -> Option<Self> {
        const AUX: &str = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND";
        const EF: &str = "UID PID PPID C STIME TTY TIME CMD";
        let list: Vec<&str> = line.split_whitespace().take(11).collect();
        let word = |index: usize| list.get(index).copied().unwrap_or_default();
        let number = |index: usize| {
            !word(index).is_empty() && word(index).bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_decimal =
            |index: usize| number_of(word(index)).is_some() && word(index).contains(['.', ',']);
        if !number(1) {
            return None;
        }
        if is_decimal(2) && is_decimal(3) && number(4) && number(5) && seconds(word(9)).is_some() {
            return Self::parse(AUX);
        }
        let ends = |index: usize| seconds(word(index)).is_some() && word(index).len() >= 8;
        if number(2) && number(3) && (ends(6) || ends(7)) {
            return Self::parse(EF);
        }
        None
    }

    /// Reads a row; `None` where the line is none.
    pub fn row<'a>(&self, line: &'a str, clock: &Clock) -> Option<Process<'a>> {
        let cells = self.cells(line)?;
        let mut process = Process::default();
        let mut pages = None;
        for (field, cell) in cells {
            take(&mut process, field, cell, &mut pages, clock);
        }
        if process.pid.is_none() && process.tid.is_none() {
            return None;
        }
        self.settle(&mut process, pages);
        Some(process)
    }

    /// Whether a line is a thread's own row, whose process number is a dash (`ps m`).
    pub fn is_thread_row(&self, line: &str) -> bool {
        let at = self
            .columns
            .iter()
            .position(|column| column.field == Field::Pid);
        at.is_some_and(|at| line.split_whitespace().nth(at) == Some("-"))
    }

    /// What follows from several cells: a thread of the kernel has no memory of its own, and is a child of
    /// kthreadd (process 2). A name in brackets alone says nothing: any process may call itself so.
    fn settle(&self, process: &mut Process<'_>, pages: Option<i64>) {
        let command = process.command.as_deref().unwrap_or_default();
        let is_zombie = command.ends_with("<defunct>")
            || process
                .state
                .as_deref()
                .is_some_and(|state| state.starts_with(['Z', 'X']));
        let memory = [process.vsz_bytes, process.rss_bytes, pages];
        let has_memory = memory.iter().flatten().any(|size| *size > 0);
        let is_known = memory.iter().any(Option::is_some);
        let of_kernel =
            process.ppid == Some(2) || (process.pid == Some(2) && process.ppid == Some(0));
        let looks_so = match process.ppid {
            Some(_) => of_kernel && !has_memory && (is_known || bracketed(command).is_some()),
            None => is_known && !has_memory,
        };
        process.kernel = looks_so && !is_zombie;
        if process.comm.is_some() {
            return;
        }
        let is_name = self.tool == Tool::Top
            && command.len() <= 15
            && !command.is_empty()
            && !command.contains(" -")
            && !command.starts_with(['/', '[', '{', '-']);
        process.comm = match bracketed(command) {
            Some(name) if process.kernel => Some(Cow::Owned(name.to_owned())),
            _ => is_name.then(|| Cow::Owned(command.to_owned())),
        };
    }

    fn cells<'a>(&self, line: &'a str) -> Option<Vec<(Field, &'a str)>> {
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut rest = line;
        for (index, column) in self.columns.iter().enumerate() {
            let behind = self.columns.get(index + 1..).unwrap_or_default();
            rest = rest.trim_start_matches([' ', '\t']);
            let is_text = matches!(column.field, Field::Command | Field::Exe);
            let (cell, after) = match (is_text, behind) {
                (true, []) => (rest.trim_end(), ""),
                (true, [next, ..]) => self.text_between(rest, next.start - column.start, behind)?,
                (false, _) => self.word(rest, column.field),
            };
            if cell.is_empty() && !is_text {
                return None;
            }
            if !fits(column.field, cell) {
                return None;
            }
            cells.push((column.field, cell));
            rest = after;
        }
        Some(cells)
    }

    /// A cell of a word, or of several for a start or BusyBox's state.
    fn word<'a>(&self, rest: &'a str, field: Field) -> (&'a str, &'a str) {
        let mut count = 1;
        if field == Field::Start {
            let list: Vec<&str> = rest.split_whitespace().take(5).collect();
            count = words_of_start(&list);
        }
        let mut end = end_of_words(rest, count);
        if field == Field::State && self.has_spaced_state {
            let behind = rest.get(end..).unwrap_or_default();
            if behind.starts_with(" < ") || behind.starts_with(" N ") {
                end += 2;
            }
        }
        rest.split_at_checked(end).unwrap_or((rest, ""))
    }

    /// A command in front of other columns: as wide as its header where the rest fits then, else as few words
    /// as let the rest fit.
    fn text_between<'a>(
        &self,
        rest: &'a str,
        width: usize,
        behind: &[Column],
    ) -> Option<(&'a str, &'a str)> {
        let by_width = rest.split_at_checked(width);
        let by_width = by_width.filter(|(cell, _)| cell.ends_with(' '));
        let by_words = (1..=12).map(|count| rest.split_at_checked(end_of_words(rest, count)));
        [by_width]
            .into_iter()
            .chain(by_words)
            .flatten()
            .find(|(_, after)| self.rest_fits(after, behind))
            .map(|(cell, after)| (cell.trim_end(), after))
    }

    fn rest_fits(&self, rest: &str, behind: &[Column]) -> bool {
        let mut rest = rest;
        for column in behind {
            rest = rest.trim_start_matches([' ', '\t']);
            if matches!(column.field, Field::Command | Field::Exe) {
                return !rest.is_empty();
            }
            let (cell, after) = self.word(rest, column.field);
            if cell.is_empty() || !fits(column.field, cell) {
                return false;
            }
            rest = after;
        }
        rest.trim().is_empty()
    }
}

/// Where so many words end.
fn end_of_words(text: &str, count: usize) -> usize {
    words(text)
        .nth(count - 1)
        .map_or(text.len(), |(start, word)| start + word.len())
}

fn is_header_word(word: &str) -> bool {
    word.len() <= 16
        && word.starts_with(|first: char| first.is_ascii_uppercase() || first == '%')
        && word.bytes().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"%+_-".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(header: &str, line: &str) -> String {
        let Some(header) = Header::parse(header) else {
            return "no header".to_owned();
        };
        let Some(row) = header.row(line, &Clock::UNKNOWN) else {
            return "no row".to_owned();
        };
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
        format!(
            "{}|{}|{}|{}|{}|{}",
            row.pid.map_or(-1, |pid| pid),
            text(&row.user),
            text(&row.started_text),
            text(&row.comm),
            text(&row.command),
            if row.kernel { "kernel" } else { "user" },
        )
    }

    fn check(header: &str, line: &str, expected: &str) {
        assert_eq!(show(header, line), expected, "{header}\n{line}");
    }

    const AUX: &str = "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND";

    #[test]
    fn rows_of_aux() {
        check(
            AUX,
            "prometh+ 1201  0,2  0.0 163460 17820 ?  S<sl+ Feb07 600:30 /n  --x  y ",
            "1201|prometh+|Feb07|-|/n  --x  y|user",
        );
        check(
            AUX,
            "root 2 0.0 0.0 0 0 ? S 2022 0:00 [kthreadd]",
            "2|root|2022|kthreadd|[kthreadd]|kernel",
        );
        check(
            AUX,
            "root 9 0.0 0.0 912 80 ? S 2022 0:00 [kworker/0:0]",
            "9|root|2022|-|[kworker/0:0]|user",
        );
        check(
            AUX,
            "root 9 0.0 0.0 0 0 ? Z 2022 0:00 [sh] <defunct>",
            "9|root|2022|-|[sh] <defunct>|user",
        );
        check(
            AUX,
            "root 9 0.0 0.0 0 0 ? Z 2022 0:00",
            "9|root|2022|-|-|user",
        );
        check(
            AUX,
            "your 131072x1 screen size is bogus. expect trouble",
            "no row",
        );
        check(AUX, "root - 0.0 - - - - Ss 05:22 0:00 -", "no row");
    }

    #[test]
    fn rows_of_other_tables() {
        let ef = "UID         PID   PPID  C STIME TTY          TIME CMD";
        check(
            ef,
            "root 2 0 0 03:53 ? 00:00:00 [kthreadd]",
            "2|root|03:53|kthreadd|[kthreadd]|kernel",
        );
        check(
            ef,
            "root 99 1 97 03:53 ? 1-00:00:00 [kworker/u8]",
            "99|root|03:53|-|[kworker/u8]|user",
        );
        check(
            "    PID                  STARTED COMMAND         COMMAND",
            "   4242 Tue Mar  7 15:37:29 2023 tmux: server    /usr/bin/tmux new",
            "4242|-|Tue Mar  7 15:37:29 2023|tmux: server|/usr/bin/tmux new|user",
        );
        check(
            "  PID COMMAND          USER      STARTED",
            "   12 /opt/a b --c     bob        Mar  7",
            "12|bob|Mar  7|-|/opt/a b --c|user",
        );
        check(
            "PID   USER     VSZ STAT COMMAND",
            "    3 root        0 SW<  [rcu_gp]",
            "3|root|-|rcu_gp|[rcu_gp]|kernel",
        );
        check(
            "PID   USER     VSZ STAT COMMAND",
            "    7 root     1.2g S <  java -jar",
            "7|root|-|-|java -jar|user",
        );
        check(
            "PID   USER     TIME  COMMAND",
            "    1 root      5h22 {init} /bin/sh",
            "1|root|-|-|{init} /bin/sh|user",
        );
        check(
            " PPID   PID  PGID   SID TTY      TPGID STAT   UID   TIME COMMAND",
            "    1   955   955   955 ?           -1 Ss       0   0:13  |   \\_ /usr/sbin/crond -n",
            "955|0|-|-|/usr/sbin/crond -n|user",
        );
        check(
            "  PID USER      PR  NI    VIRT    RES    SHR S %CPU %MEM     TIME+ COMMAND",
            "    4 root       0 -20       0      0      0 S  0.0  0.0   0:00.04 kworker/0:0H",
            "4|root|-|kworker/0:0H|kworker/0:0H|kernel",
        );
        check(
            "  PID USER      PR  NI    VIRT    RES    SHR S %CPU %MEM     TIME+ COMMAND",
            "30851 root      20   0  312000 173:02",
            "no row",
        );
    }

    #[test]
    fn headers_of_others() {
        for line in [
            "COMMAND     PID   USER   FD   TYPE   DEVICE SIZE/OFF NODE NAME",
            "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES",
            "COMMAND PID TYPE SIZE MODE M START END PATH",
            "PID COMMAND",
            "",
        ] {
            assert_eq!(Header::parse(line), None, "{line}");
        }
    }
}
