//! The lines of a listing in their order: headings give names their folder, lines that are no rows may go
//! on a name that holds a line feed, and rows are held until the next line has shown which.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use super::block::Block;
use super::command::{self, Command, Shell};
use super::cursor::Cursor;
use super::ls::{self, Parsed};
use super::names;
use super::rows;
use super::stamp::Dates;
use super::{bodyfile, printf, stat};
use crate::{Clock, Line};

/// Rows held until it is clear whether blanks before names are the names' own.
const MOST_HELD: usize = 1024;

pub(super) const NO_TIME: &str = "no readable time";
const NOT_A_ROW: &str = "not a line of a listing";
const NO_NAME: &str = "no file name";
const ERROR: &str = "error message of the tool";
const TOO_LONG: &str = "line longer than 1 MiB";
const CUT: &str = "the line is cut";

/// What precedes `N` in the line that `ls` opens a folder with, in the languages of coreutils.
const TOTALS: [&str; 16] = [
    "total",
    "insgesamt",
    "totale",
    "totalt",
    "total:",
    "总用量",
    "总计",
    "總計",
    "總用量",
    "合計",
    "합계",
    "итого",
    "celkem",
    "razem",
    "yhteensä",
    "toplam",
];

/// A row whose name may go on in the next lines.
pub(super) struct Held {
    /// Its line.
    pub number: u64,
    /// The line, and what of the following lines belongs to its name.
    pub text: Vec<u8>,
    /// How long the first line is.
    pub first: usize,
    /// Its columns.
    pub row: ls::Row,
}

/// A line of which is not yet known what it is; blank lines are empty.
struct Pending {
    number: u64,
    text: Vec<u8>,
}

/// What comes after pending lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Row,
    Total,
    End,
}

/// Reads a listing line by line.
pub(super) struct Reader<'s, 'c> {
    pub(super) sink: &'s mut dyn Sink,
    pub(super) dates: Dates<'c>,
    pub(super) command: Command,
    pub(super) folder: Option<Vec<u8>>,
    aligned: Option<bool>,
    held: Vec<Held>,
    pending: Vec<Pending>,
    pending_bytes: usize,
    block: Option<Block>,
    spare: Vec<u8>,
}

impl<'s, 'c> Reader<'s, 'c> {
    /// With this clock, into this sink.
    pub fn new(clock: &'c Clock, sink: &'s mut dyn Sink) -> Self {
        Self {
            sink,
            dates: Dates::new(clock),
            command: Command::default(),
            folder: None,
            aligned: None,
            held: Vec::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            block: None,
            spare: Vec::new(),
        }
    }

    /// The next line.
    pub fn line(&mut self, line: &Line<'_>) {
        if line.cut {
            self.boundary();
            self.sink.skip(Place::Line(line.number), TOO_LONG);
            return;
        }
        let text = without_colour(line.bytes);
        if self.in_block(&text, line) {
            return;
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            self.wait(line.number, b"");
            return;
        }
        match ls::parse(&text) {
            Parsed::Row(row) if !line.ended && ls::ends_in_its_time(&text, &row) => {
                self.boundary();
                self.sink.skip(Place::Line(line.number), CUT);
            }
            Parsed::Row(row) => self.row(line.number, &text, row),
            Parsed::NoTime => {
                self.settle(Next::Row);
                self.emit_held();
                self.sink.skip(Place::Line(line.number), NO_TIME);
            }
            Parsed::Other => self.no_row(&text, line),
        }
    }

    /// The end of the artifact.
    pub fn finish(mut self) {
        self.boundary();
        self.dates.warn(self.sink);
    }

    fn no_row(&mut self, text: &[u8], line: &Line<'_>) {
        if is_total(text) {
            self.settle(Next::Total);
            self.emit_held();
            self.sink.used(1);
        } else if is_error(text) {
            self.sink.skip(Place::Line(line.number), ERROR);
        } else if !line.ended && ls::may_be_cut_row(text) {
            self.boundary();
            self.sink.skip(Place::Line(line.number), CUT);
        } else if let Some(stat::Line::File(name)) = stat::parse(text) {
            self.boundary();
            self.block = Some(Block::new(line.number, name));
        } else if let Some(row) = bodyfile::parse(text) {
            self.boundary();
            rows::bodyfile(self, line.number, text, &row);
        } else if let Some(row) = printf::parse(text) {
            self.boundary();
            rows::printf(self, line.number, text, &row);
        } else if let Some(shell) = command::parse(text) {
            self.boundary();
            self.folder = None;
            self.command = match shell {
                Shell::Listing(command) => command,
                Shell::Prompt => Command::default(),
            };
        } else if text.starts_with(b"#") {
            self.boundary();
        } else if is_ornament(text) {
            self.boundary();
            self.sink.skip(Place::Line(line.number), NOT_A_ROW);
        } else {
            self.wait(line.number, text);
        }
    }

    fn in_block(&mut self, text: &[u8], line: &Line<'_>) -> bool {
        let Some(block) = &mut self.block else {
            return false;
        };
        if block.take(text, line.ended) {
            return true;
        }
        if let Some(block) = self.block.take() {
            rows::block(self, block);
        }
        false
    }

    fn row(&mut self, number: u64, text: &[u8], row: ls::Row) {
        self.settle(Next::Row);
        let name = text.get(row.name..).unwrap_or_default();
        match name.first() {
            None => {}
            Some(b' ') if self.aligned.is_none() && self.may_hold(text) => {}
            Some(b' ') => {
                self.aligned.get_or_insert(true);
            }
            Some(b'\'' | b'"' | b'$') if names::quoted(name).is_some() => {
                self.aligned = Some(true);
            }
            Some(_) => self.aligned = Some(false),
        }
        if self.aligned.is_some() {
            self.emit_held();
        }
        let mut copy = std::mem::take(&mut self.spare);
        copy.clear();
        copy.extend_from_slice(text);
        self.held.push(Held {
            number,
            first: copy.len(),
            text: copy,
            row,
        });
    }

    fn may_hold(&self, text: &[u8]) -> bool {
        self.held.len() < MOST_HELD && text.len() < 2 * names::PATH_MAX
    }

    /// Keeps a line until it is known whether it is part of a name, a heading, or neither.
    fn wait(&mut self, number: u64, text: &[u8]) {
        if self.held.is_empty() && !text.is_empty() {
            self.drop_pending();
        }
        self.pending_bytes += text.len() + 1;
        self.pending.push(Pending {
            number,
            text: text.to_vec(),
        });
        if self.pending_bytes > names::PATH_MAX {
            self.emit_held();
            self.drop_pending();
        }
    }

    /// Settles what pending lines are, now that it is known what follows them.
    fn settle(&mut self, next: Next) {
        let heading = self.take_heading(next);
        let trailing = self
            .pending
            .iter()
            .rev()
            .take_while(|pending| pending.text.is_empty())
            .count();
        let has_text = trailing < self.pending.len();
        if next == Next::End || !has_text {
            self.pending.truncate(self.pending.len() - trailing);
        }
        let unnamed = |held: &Held| held.row.name >= held.text.len();
        let in_listing = next == Next::Row || heading.is_some();
        if has_text
            && let Some(held) = self.held.last_mut()
            && (in_listing || unnamed(held))
        {
            let length = held.text.len();
            for pending in &self.pending {
                held.text.push(b'\n');
                held.text.extend_from_slice(&pending.text);
            }
            let name = held.text.get(held.row.name..).unwrap_or_default();
            if names::possible(name) {
                self.pending.clear();
            } else {
                held.text.truncate(length);
            }
        }
        self.drop_pending();
        if let Some(heading) = heading {
            self.emit_held();
            self.folder = Some(heading);
            self.aligned = None;
        } else if next == Next::Total {
            self.emit_held();
            self.folder = self.command.folder.take();
            self.aligned = None;
        }
    }

    /// The folder of a heading, which is the last pending line: `/etc/cron.d:`.
    fn take_heading(&mut self, next: Next) -> Option<Vec<u8>> {
        let (last, before) = self.pending.split_last()?;
        let folder = last.text.strip_suffix(b":")?;
        let apart = match before.last() {
            Some(before) => before.text.is_empty(),
            None => self.held.is_empty(),
        };
        if folder.is_empty() || next == Next::End || (next == Next::Row && !apart) {
            return None;
        }
        let folder = names::unquoted(folder).into_owned();
        self.pending.pop();
        self.pending.pop_if(|blank| blank.text.is_empty());
        Some(folder)
    }

    fn drop_pending(&mut self) {
        for pending in self.pending.drain(..) {
            if !pending.text.is_empty() {
                self.sink.skip(Place::Line(pending.number), NOT_A_ROW);
            }
        }
        self.pending_bytes = 0;
    }

    fn emit_held(&mut self) {
        let aligned = self.aligned == Some(true);
        let mut held = std::mem::take(&mut self.held);
        for held in held.drain(..) {
            if held.row.name >= held.text.len() {
                self.sink.skip(Place::Line(held.number), NO_NAME);
            } else {
                rows::ls(self, &held, aligned);
            }
            self.spare = held.text;
        }
        self.held = held;
    }

    /// Ends a listing: nothing that follows belongs to its last name.
    fn boundary(&mut self) {
        self.settle(Next::End);
        self.emit_held();
        if let Some(block) = self.block.take() {
            rows::block(self, block);
        }
        self.aligned = None;
    }
}

/// `total 20`, `insgesamt 20K`.
pub(super) fn is_total(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else {
        return false;
    };
    let mut words = text.split_ascii_whitespace();
    words.next().is_some_and(|word| TOTALS.contains(&word))
        && words
            .next()
            .is_some_and(|size| size.starts_with(|first: char| first.is_ascii_digit()))
        && words.next().is_none()
}

/// `ls: cannot access 'x': ...`, `/usr/bin/find: 'x': Permission denied`.
pub(super) fn is_error(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line, 0);
    let word = line.get(cursor.word()).unwrap_or_default();
    let start = memchr::memrchr(b'/', word).map_or(0, |at| at + 1);
    cursor.at < line.len()
        && matches!(
            word.get(start..).unwrap_or_default(),
            b"ls:"
                | b"find:"
                | b"stat:"
                | b"fls:"
                | b"tar:"
                | b"xargs:"
                | b"sudo:"
                | b"bash:"
                | b"-bash:"
                | b"sh:"
                | b"timeout:"
        )
}

/// What scripts write between the outputs of commands: `=====`, `--- /etc ---`.
fn is_ornament(line: &[u8]) -> bool {
    let ornament = |pair: &&[u8]| matches!(pair, [b'=' | b'-' | b'*' | b'+' | b'~', ..]);
    let pair = line.get(..2).filter(ornament);
    pair.is_some_and(|pair| pair.first() == pair.last())
}

/// The line without the colours of `ls --color=always`.
fn without_colour(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if let (0x1b, [b'[', code @ ..]) = (*first, after) {
            let end = code
                .iter()
                .position(|byte| !(byte.is_ascii_digit() || *byte == b';'));
            if let Some(end) = end
                && matches!(code.get(end), Some(b'm' | b'K'))
            {
                rest = code.get(end + 1..).unwrap_or_default();
                continue;
            }
        }
        text.push(*first);
    }
    Cow::Owned(text)
}
