//! # shell-history: what was typed
//!
//! The history files of shells, and what the builtin `history` prints. One `shell-command` a command.
//!
//! - bash: `~/.bash_history`, plain or with `#EPOCH` before each command (HISTTIMEFORMAT was set). With
//!   stamps a command goes on over lines as long as a shell would wait for more (open quote, `\`,
//!   here-document, `do` without `done`), and ends at the next stamp.
//! - zsh: `~/.zsh_history` with `: EPOCH:SECONDS;COMMAND`, its escaped bytes (0x83), lines that go on after `\`.
//! - fish: `~/.local/share/fish/fish_history`, `- cmd:` with `when:`.
//! - `history`, `history -i` of zsh, `fc -l`: numbers, with or without a stamp. After a stamp `root`, or the name
//!   that the path gives, is the account (HISTTIMEFORMAT with `whoami`).
//! - ash, ksh, mysql, psql, python, redis-cli, sqlite: one command a line, where the file's name says so.
//!
//! A sample of bash's:
//!
//! ```text
//! #1681157770
//! tcpdump -i eth0 -nn -c 200
//! #1681157817
//! for h in a b; do
//!   ssh $h uptime
//! done
//! ```
//!
//! Recognised by stamps, by numbers that count up, and else by most lines beginning with known commands; a name
//! such as `.bash_history` or `root_bash_history.txt` makes a plain one sure enough. Scripts, crontabs and unit files are not.
//!
//! Cells: `user` from the path (`/root/`, `/home/x/`, `root_bash_history.txt`, a heading `==> /root/.bash_history <==`), `path`
//! on the host where the bundle kept it, `attributes`: `shell`, `elapsed_seconds` and `ts_end` (zsh), `number`. `ts` only from the
//! history's own stamp: epochs are UTC; HISTTIMEFORMAT's stamps are local. A command without a stamp has no time: a
//! history is in the order in which shells ended, not in which commands ran.
//!
//! Limits: a stamp such as `04/10/23`, whose day and month can't be told apart, gives no time. A stamp without a
//! year gives none. bash writes lines without stamps into a stamped file when HISTTIMEFORMAT was not set:
//! they stay without a time.
//!
//! Sources: bash(1) HISTORY, bash `lib/readline/histfile.c`, zshoptions(1) EXTENDED_HISTORY, zsh `Src/hist.c`, fish
//! `history.cpp`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, When, action};

use super::history_line::{
    Piece, numbered, piece, stamped, unescaped_fish, unescaped_vis, unmetafied,
};
use super::history_sniff::{is_shell, program_of, sniff};
use super::syntax::Open;
use super::words::{Look, look};
use crate::formats::collected_text::{
    CUT, FRAME, TextLine, each_line, frame, original_path, shown, user_of_path,
};
use crate::syslog::Times;
use crate::{Clock, Format, IngestError, Input, Leftover};

/// The format.
pub static FORMAT: Format = Format {
    id: "shell-history",
    title: "histories of shells: bash, zsh, fish, the builtin history",
    source: include_str!("history.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most lines and bytes of one command: what is longer is a quote that never ended.
const MOST_LINES: u64 = 1000;
const MOST_BYTES: usize = 64 << 10;

/// What shape the file has had so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Unknown,
    Plain,
    Zsh,
    Fish,
    Numbered,
}

/// A command whose last line may be still to come.
struct Pending {
    line: u64,
    lines: u64,
    text: String,
    when: Option<When>,
    ts_end: Option<Timestamp>,
    elapsed: Option<i64>,
    number: Option<i64>,
    user: Option<String>,
    open: Open,
    /// Whether it may go on over lines.
    joins: bool,
}

struct Reader<'a> {
    clock: &'a Clock,
    times: Times<'a>,
    mode: Mode,
    user: Option<String>,
    path: String,
    program: Option<&'static str>,
    host: Option<&'a str>,
    stamp: Option<(i64, u64)>,
    pending: Option<Pending>,
    warned: bool,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Reader {
        clock: input.clock,
        times: Times::new(input.clock),
        mode: Mode::Unknown,
        user: user_of_path(input.path, input.host).map(str::to_owned),
        path: original_path(input.path).to_owned(),
        program: program_of(input.path),
        host: input.host,
        stamp: None,
        pending: None,
        warned: false,
    };
    let read = each_line(input, sink, |line, sink| reader.line(line, sink));
    reader.flush(sink);
    reader.drop_stamp(sink);
    read.map(|()| None)
}

impl Reader<'_> {
    fn line(&mut self, line: &TextLine<'_>, sink: &mut dyn Sink) {
        let mut text = Cow::Borrowed(line.text.as_ref());
        if memchr::memchr(0x83, line.bytes).is_some()
            && (self.mode == Mode::Zsh || zsh_head(line.bytes))
        {
            text = unmetafied(line.bytes);
        }
        if self.goes_on(&text, sink) {
            return;
        }
        if text.trim().is_empty() || self.is_frame(&text, line.number, sink) {
            return;
        }
        match piece(&text) {
            Piece::Stamp(seconds) => {
                self.flush(sink);
                self.drop_stamp(sink);
                self.stamp = Some((seconds, line.number));
                self.mode = Mode::Plain;
                self.program.get_or_insert("bash");
            }
            Piece::Zsh {
                start,
                elapsed,
                command,
            } => {
                self.program.get_or_insert("zsh");
                self.mode = Mode::Zsh;
                self.zsh(start, elapsed, command, line.number, sink);
            }
            Piece::Fish(command) if matches!(self.mode, Mode::Unknown | Mode::Fish) => {
                self.program.get_or_insert("fish");
                self.mode = Mode::Fish;
                let command = unescaped_fish(command).into_owned();
                self.begin(line.number, command, false, sink);
            }
            piece if self.mode == Mode::Fish => self.of_fish(&piece, line, sink),
            _ => self.other(&text, line, sink),
        }
    }

    fn zsh(&mut self, start: i64, elapsed: i64, command: &str, line: u64, sink: &mut dyn Sink) {
        self.begin(line, command.to_owned(), true, sink);
        let when = self.recorded(start);
        if let Some(pending) = &mut self.pending {
            pending.when = when;
            // Options that write a command before it has run leave 0.
            if elapsed > 0 {
                pending.elapsed = Some(elapsed);
                pending.ts_end = when.map(|when| when.ts.plus_seconds(elapsed));
            }
        }
    }

    /// `when:` and `paths:` below a command of fish.
    fn of_fish(&mut self, piece: &Piece<'_>, line: &TextLine<'_>, sink: &mut dyn Sink) {
        let when = match piece {
            Piece::FishWhen(seconds) => self.recorded(*seconds),
            Piece::FishPaths => None,
            _ if !line.ended => return sink.skip(Place::Line(line.number), CUT),
            _ => return sink.skip(Place::Line(line.number), "not a line of a history"),
        };
        let Some(pending) = &mut self.pending else {
            return sink.skip(Place::Line(line.number), "stamp without a command");
        };
        pending.lines += 1;
        pending.when = when.or(pending.when);
    }

    fn other(&mut self, text: &str, line: &TextLine<'_>, sink: &mut dyn Sink) {
        if self.mode == Mode::Unknown {
            let is_list =
                numbered(text).is_some() && !matches!(look(text), Look::Command | Look::Path);
            self.mode = if is_list { Mode::Numbered } else { Mode::Plain };
        }
        let digits = text.strip_prefix('#');
        if !line.ended
            && digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return sink.skip(Place::Line(line.number), CUT);
        }
        if self.mode == Mode::Numbered {
            return self.of_list(text, line.number, sink);
        }
        if text.starts_with("_HiStOrY_V2_") {
            return sink.skip(Place::Line(line.number), FRAME);
        }
        let joins = self.stamp.is_some() || self.mode == Mode::Zsh || self.program == Some("zsh");
        let command = match self.program {
            Some(program) if !is_shell(program) => unescaped_vis(text),
            _ => Cow::Borrowed(text),
        };
        self.begin(line.number, command.into_owned(), joins, sink);
    }

    /// A line of what `history` prints.
    fn of_list(&mut self, text: &str, line: u64, sink: &mut dyn Sink) {
        let Some((number, rest)) = numbered(text) else {
            // A command of several lines is printed as it is.
            if let Some(pending) = &mut self.pending
                && pending.lines < MOST_LINES
                && pending.text.len() < MOST_BYTES
            {
                pending.text.push('\n');
                pending.text.push_str(text);
                pending.lines += 1;
                return;
            }
            return sink.skip(Place::Line(line), "not a line of a history");
        };
        let stamped = stamped(rest, &mut self.times, self.clock);
        let mut command = stamped.as_ref().map_or(rest, |stamped| stamped.command);
        let mut user = None;
        if stamped.is_some()
            && let Some((word, after)) = command.split_once(' ')
            && (word == "root" || self.user.as_deref() == Some(word))
        {
            user = Some(word.to_owned());
            command = after.trim_start();
        }
        self.begin(line, command.to_owned(), false, sink);
        if let Some(pending) = &mut self.pending {
            pending.number = Some(number);
            pending.when = stamped.as_ref().and_then(|stamped| stamped.when);
            pending.user = user;
        }
        if stamped.is_some_and(|stamped| stamped.ambiguous)
            && !std::mem::replace(&mut self.warned, true)
        {
            sink.warn(
                Place::Line(line),
                "day and month of the stamps can't be told apart: rows have no time".into(),
            );
        }
    }

    /// Takes a line that belongs to the command before it.
    fn goes_on(&mut self, text: &str, sink: &mut dyn Sink) -> bool {
        let Some(pending) = &mut self.pending else {
            return false;
        };
        let is_new = matches!(piece(text), Piece::Stamp(_) | Piece::Zsh { .. });
        let zsh = self.mode == Mode::Zsh || self.program == Some("zsh");
        let waits = if zsh {
            pending.open.backslash
        } else {
            pending.open.waits()
        };
        if !pending.joins || !waits || is_new {
            return false;
        }
        if pending.lines >= MOST_LINES || pending.text.len() + text.len() > MOST_BYTES {
            self.flush(sink);
            return false;
        }
        if zsh {
            pending.text.pop();
        }
        pending.text.push('\n');
        pending.text.push_str(text);
        pending.lines += 1;
        pending.open.line(text);
        true
    }

    /// A heading between several histories, or what stands above the first.
    fn is_frame(&mut self, text: &str, number: u64, sink: &mut dyn Sink) -> bool {
        let heads = text.starts_with("==> ") && text.trim_end().ends_with("<==");
        let starts = self.mode == Mode::Unknown && number <= 5 && !text.starts_with("#1");
        let Some(frame) = frame(text).filter(|_| heads || starts) else {
            return false;
        };
        self.flush(sink);
        self.drop_stamp(sink);
        if let Some(path) = frame.path {
            self.user = user_of_path(path, self.host)
                .map(str::to_owned)
                .or(self.user.take());
            if path.ends_with("history") {
                path.clone_into(&mut self.path);
            }
        }
        self.mode = Mode::Unknown;
        sink.skip(Place::Line(number), FRAME);
        true
    }

    fn recorded(&self, seconds: i64) -> Option<When> {
        let ts = Timestamp::from_seconds(seconds)?;
        Some(self.clock.recorded(ts, Precision::S))
    }

    /// A new command, with the stamp that stood before it.
    fn begin(&mut self, line: u64, text: String, joins: bool, sink: &mut dyn Sink) {
        self.flush(sink);
        let stamp = self.stamp.take();
        let mut open = Open::default();
        open.line(&text);
        self.pending = Some(Pending {
            line,
            lines: 1 + u64::from(stamp.is_some()),
            text,
            when: stamp.and_then(|(seconds, _)| self.recorded(seconds)),
            ts_end: None,
            elapsed: None,
            number: None,
            user: None,
            open,
            joins,
        });
    }

    fn drop_stamp(&mut self, sink: &mut dyn Sink) {
        if let Some((_, line)) = self.stamp.take() {
            sink.skip(Place::Line(line), "stamp without a command");
        }
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let mut attributes = Attributes::new();
        attributes
            .text_if("shell", self.program)
            .number_if("elapsed_seconds", pending.elapsed)
            .number_if("number", pending.number);
        let command = pending.text.trim_end();
        sink.event(&Event {
            when: pending.when,
            ts_end: pending.ts_end,
            user: pending
                .user
                .as_deref()
                .or(self.user.as_deref())
                .map(Into::into),
            command: Some(command.into()),
            path: Some(self.path.as_str().into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(shown(command)),
            line: Some(pending.line),
            ..Event::new(action::SHELL_COMMAND)
        });
        sink.used(pending.lines);
    }
}

/// Whether a line begins as zsh's do.
fn zsh_head(line: &[u8]) -> bool {
    line.starts_with(b": ") && line.get(2).is_some_and(u8::is_ascii_digit)
}
