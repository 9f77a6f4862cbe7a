//! Elements of JSON documents out of a stream, one at a time, each with the line at which it begins.
//!
//! Brackets are matched by a stack of bits, never by recursion; an element has a greatest length. Where an
//! element does not end as it should (a lost quote or bracket, a cut file) it is read again by its layout:
//! the next line that opens an object at the same column begins the next element. From then on the layout
//! is watched all the time, so that each byte is read at most twice.

use std::io::{self, Read};

use super::brackets::{Brackets, Layout, Scanned, opening};
use super::{is_blank, opens_document};

/// Longest element kept. A container of a large cluster has some hundred kilobytes (an environment variable
/// for every service), a network with thousands of members a few megabytes.
pub const MAX_ELEMENT: usize = 16 << 20;

const CHUNK: usize = 1 << 18;

/// Why an element was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The file ends inside of it.
    Cut,
    /// Quotes or brackets do not match.
    Broken,
    /// Longer than [`MAX_ELEMENT`].
    TooLong,
    /// Brackets nested deeper than any tool nests them.
    TooDeep,
    /// The elements were whole but the list's end is missing.
    UnclosedList,
}

impl Damage {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "the file ends inside of a JSON element",
            Self::Broken => "a JSON element whose quotes or brackets do not match",
            Self::TooLong => "a JSON element longer than 16 MiB",
            Self::TooDeep => "a JSON element nested too deep",
            Self::UnclosedList => "the end of a JSON list is missing",
        }
    }
}

/// What stands next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An object; its brackets match, all else is unchecked.
    Element {
        /// Line at which it begins.
        line: u64,
        /// Its text.
        bytes: &'a [u8],
    },
    /// A list without an element: `[]`.
    EmptyList {
        /// Its line.
        line: u64,
    },
    /// A line outside of any document: a prompt, a command, a message of the tool.
    Text {
        /// Its line.
        line: u64,
        /// At most 4 KiB of it.
        bytes: &'a [u8],
    },
    /// Something that was lost.
    Damaged {
        /// Where it begins.
        line: u64,
        /// Why.
        damage: Damage,
    },
}

/// What the scan of one element found.
enum End {
    /// Whole: the element's length.
    At(usize),
    /// Not an element but a wrapper: the length of its beginning, up to its list.
    Wrapper(usize),
    Damaged(Damage, usize),
}

/// Reads elements from any reader.
pub struct Elements<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    at_end: bool,
    error: Option<io::Error>,
    /// Open lists around the next element.
    lists: u32,
    list_line: u64,
    list_is_empty: bool,
    /// Whether the list stands in a wrapper object whose rest is still to come.
    in_wrapper: bool,
    /// Whether damage was met: the layout is watched.
    watching: bool,
    /// After damage: the next line that opens an element is looked for.
    seeking: bool,
    /// Column at which the last element's line opened.
    column: usize,
    /// Whether the rest of a line of text is to be dropped.
    in_text: bool,
}

impl<R: Read> Elements<R> {
    /// Elements of this reader.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            at_end: false,
            error: None,
            lists: 0,
            list_line: 1,
            list_is_empty: true,
            in_wrapper: false,
            watching: false,
            seeking: false,
            column: 0,
            in_text: false,
        }
    }

    /// The error of the reader, after the last piece.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// The next piece, or `None` at the end.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        loop {
            if std::mem::take(&mut self.in_text) && !self.next_line() {
                return None;
            }
            if std::mem::take(&mut self.seeking) && !self.seek() {
                self.lists = 0;
                return None;
            }
            self.skip_blanks();
            let Some(byte) = self.byte(0) else {
                return self.end();
            };
            match byte {
                b',' if self.lists > 0 => self.consume(1),
                b']' if self.lists > 0 => {
                    let line = self.line;
                    if self.close_list() {
                        return Some(Piece::EmptyList { line });
                    }
                }
                b']' | b',' | b'}' if self.watching => self.consume(1),
                b'[' if opens_document(b'[', self.next_solid(1)) => self.open_list(),
                b'{' if self.lists > 0 || opens_document(b'{', self.next_solid(1)) => {
                    if let Some(piece) = self.element() {
                        return Some(self.piece(piece));
                    }
                }
                _ if self.lists > 0 => {
                    let line = self.line;
                    self.watching = true;
                    self.seeking = true;
                    // This byte opens nothing, even where it looks so: it must not be found again.
                    self.consume(1);
                    return Some(Piece::Damaged {
                        line,
                        damage: Damage::Broken,
                    });
                }
                _ => {
                    let (line, length) = self.text_line();
                    let bytes = self.buffer.get(self.start..).unwrap_or_default();
                    let bytes = bytes.get(..length).unwrap_or(bytes);
                    self.start += length;
                    self.in_text = true;
                    return Some(Piece::Text { line, bytes });
                }
            }
        }
    }

    fn end(&mut self) -> Option<Piece<'_>> {
        let unclosed = self.lists > 0;
        self.lists = 0;
        unclosed.then_some(Piece::Damaged {
            line: self.list_line,
            damage: Damage::UnclosedList,
        })
    }

    fn open_list(&mut self) {
        if self.lists == 0 {
            self.list_line = self.line;
        }
        self.list_is_empty = true;
        self.lists = self.lists.saturating_add(1);
        self.consume(1);
    }

    /// Leaves a list; whether it was an empty one.
    fn close_list(&mut self) -> bool {
        self.consume(1);
        self.lists -= 1;
        if self.lists == 0 && std::mem::take(&mut self.in_wrapper) {
            self.skip_rest_of_wrapper();
        }
        std::mem::replace(&mut self.list_is_empty, false)
    }

    /// Scans the element that begins here. `None`: it was a wrapper, whose list is open now.
    fn element(&mut self) -> Option<(u64, Result<usize, Damage>)> {
        let line = self.line;
        let column = self.column_here();
        self.column = column;
        self.list_is_empty = false;
        let mut end = self.scan(self.watching.then_some(column));
        if let End::Damaged(damage, _) = end
            && !self.watching
        {
            self.watching = true;
            end = match self.scan(Some(column)) {
                End::Damaged(_, length) => End::Damaged(damage, length),
                other => other,
            };
        }
        match end {
            End::At(length) => Some((line, Ok(length))),
            End::Wrapper(length) => {
                self.consume(length);
                self.lists = 1;
                self.list_line = line;
                self.list_is_empty = true;
                self.in_wrapper = true;
                None
            }
            End::Damaged(damage, length) => {
                self.consume(length);
                self.seeking = true;
                Some((line, Err(damage)))
            }
        }
    }

    fn piece(&mut self, (line, found): (u64, Result<usize, Damage>)) -> Piece<'_> {
        match found {
            Err(damage) => Piece::Damaged { line, damage },
            Ok(length) => {
                let from = self.start;
                self.consume(length);
                let bytes = self.buffer.get(from..self.start).unwrap_or_default();
                Piece::Element { line, bytes }
            }
        }
    }

    /// Finds the end of the object that begins here. With a column, a line that opens an object there ends it.
    fn scan(&mut self, watch: Option<usize>) -> End {
        let mut brackets = Brackets::default();
        let mut at = 0;
        let mut layout = Layout {
            lists: self.lists == 0,
            watch,
            last: self.at_end,
        };
        loop {
            let held = self.buffer.get(self.start..).unwrap_or_default();
            match brackets.scan(held, &mut at, layout) {
                Some(Scanned::Closed) => return End::At(at),
                Some(Scanned::List) => return End::Wrapper(at),
                Some(Scanned::Damaged(damage)) => return End::Damaged(damage, at),
                None if at > MAX_ELEMENT => return End::Damaged(Damage::TooLong, at),
                None if layout.last => return End::Damaged(Damage::Cut, at),
                None => layout.last = !self.fill(),
            }
        }
    }

    /// Drops what follows the list in its wrapper, however long.
    fn skip_rest_of_wrapper(&mut self) {
        let mut brackets = Brackets::inside_object();
        loop {
            let mut at = 0;
            let held = self.buffer.get(self.start..).unwrap_or_default();
            let scanned = brackets.scan(held, &mut at, Layout::default());
            self.consume(at);
            if scanned.is_some() || !self.fill() {
                return;
            }
        }
    }

    /// Moves to the next line that opens an object or a list at the elements' column; `false` at the end.
    fn seek(&mut self) -> bool {
        while !self.opens_at(self.column) {
            if !self.next_line() {
                return false;
            }
        }
        true
    }

    /// Moves behind the end of the line; `false` at the end of the stream.
    fn next_line(&mut self) -> bool {
        loop {
            let held = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', held) {
                self.consume(end + 1);
                return true;
            }
            let length = held.len();
            self.consume(length);
            if !self.fill() {
                return false;
            }
        }
    }

    /// Whether here, at a line's beginning, an element opens at this column.
    fn opens_at(&mut self, column: usize) -> bool {
        let at_line_start =
            self.start == 0 || self.buffer.get(self.start - 1).is_none_or(|b| *b == b'\n');
        while self.available() < column + 8 && self.fill() {}
        let held = self.buffer.get(self.start..).unwrap_or_default();
        match (at_line_start, opening(held, column)) {
            (true, Some(skip)) => {
                self.consume(skip);
                true
            }
            _ => false,
        }
    }

    /// How many blanks the line has before its first other byte.
    fn column_here(&self) -> usize {
        let before = self.buffer.get(..self.start).unwrap_or_default();
        let from = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = self.buffer.get(from..).unwrap_or_default();
        line.iter()
            .take_while(|b| matches!(**b, b' ' | b'\t'))
            .count()
    }

    /// The line of text that begins here and the length of what is kept of it; the rest is dropped.
    fn text_line(&mut self) -> (u64, usize) {
        const KEPT: usize = 4 << 10;
        let line = self.line;
        while self.available() < KEPT {
            let held = self.buffer.get(self.start..).unwrap_or_default();
            if memchr::memchr(b'\n', held).is_some() || !self.fill() {
                break;
            }
        }
        let held = self.buffer.get(self.start..).unwrap_or_default();
        let held = held.get(..KEPT).unwrap_or(held);
        let length = memchr::memchr(b'\n', held).unwrap_or(held.len());
        (line, length)
    }

    fn skip_blanks(&mut self) {
        loop {
            let held = self.buffer.get(self.start..).unwrap_or_default();
            let blanks = held.iter().take_while(|byte| is_blank(**byte)).count();
            let all = blanks == held.len();
            self.consume(blanks);
            if self.line == 1 && self.start == 0 && self.byte(2).is_some() {
                let held = self.buffer.get(self.start..).unwrap_or_default();
                if held.starts_with(b"\xef\xbb\xbf") {
                    self.consume(3);
                    continue;
                }
            }
            if !all || (self.available() == 0 && !self.fill()) {
                return;
            }
        }
    }

    /// The first byte from here on, after `skip` bytes, that is not white space; looks 64 KiB ahead.
    fn next_solid(&mut self, skip: usize) -> Option<u8> {
        let mut at = skip;
        while at < 1 << 16 {
            match self.byte(at)? {
                byte if is_blank(byte) => at += 1,
                byte => return Some(byte),
            }
        }
        None
    }

    fn byte(&mut self, at: usize) -> Option<u8> {
        while self.available() <= at {
            if !self.fill() {
                return None;
            }
        }
        self.buffer.get(self.start + at).copied()
    }

    fn available(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn consume(&mut self, length: usize) {
        let held = self.buffer.get(self.start..).unwrap_or_default();
        let passed = held.get(..length).unwrap_or(held);
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.start += passed.len();
    }

    /// Reads on; what was consumed is dropped but for the current line's beginning. `false` at the end.
    fn fill(&mut self) -> bool {
        if self.at_end {
            return false;
        }
        if self.start > CHUNK {
            let passed = self.buffer.get(..self.start).unwrap_or_default();
            let line_start = memchr::memrchr(b'\n', passed).unwrap_or(0);
            let keep = line_start.max(self.start.saturating_sub(4 << 10));
            self.buffer.drain(..keep);
            self.start -= keep;
        }
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let room = self.buffer.get_mut(held..).unwrap_or_default();
        let read = loop {
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.at_end = true,
            Ok(_) => return true,
            Err(error) => {
                self.at_end = true;
                self.error = Some(error);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(input: &[u8]) -> Vec<String> {
        let mut elements = Elements::new(input);
        let mut got = Vec::new();
        while let Some(piece) = elements.next_piece() {
            got.push(match piece {
                Piece::Element { line, bytes } => {
                    let text: String = String::from_utf8_lossy(bytes).split_whitespace().collect();
                    format!("{line} {text}")
                }
                Piece::EmptyList { line } => format!("{line} empty"),
                Piece::Text { line, bytes } => {
                    format!("{line} text {}", String::from_utf8_lossy(bytes))
                }
                Piece::Damaged { line, damage } => format!("{line} {damage:?}"),
            });
        }
        got
    }

    fn check(input: &str, expected: &[&str]) {
        assert_eq!(pieces(input.as_bytes()), expected, "{input}");
    }

    #[test]
    fn documents_of_all_shapes() {
        check("", &[]);
        check("[]", &["1 empty"]);
        check("{\"a\":1}", &["1 {\"a\":1}"]);
        check("\u{feff}[{\"a\":\"]}\\\"\"}]", &["1 {\"a\":\"]}\\\"\"}"]);
        check(
            "[\n {\"a\":\n  {}},\n {\"b\":[1]}\n]\n[{\"c\":2}]",
            &["2 {\"a\":{}}", "4 {\"b\":[1]}", "6 {\"c\":2}"],
        );
        check("{\"a\":1}\n{\"b\":2}\n", &["1 {\"a\":1}", "2 {\"b\":2}"]);
        check("[[{\"a\":1}],[]]", &["1 {\"a\":1}", "1 empty"]);
    }

    #[test]
    fn lists_in_wrappers() {
        check(
            "{\"v\":\"x\",\n\"items\": [\n{\"a\":1},\n{\"items\":[]}],\n\"kind\":{\"items\":[]}}\n{\"b\":2}",
            &["3 {\"a\":1}", "4 {\"items\":[]}", "6 {\"b\":2}"],
        );
        check("{\"items\":[]}", &["1 empty"]);
        check("{\"x\":{\"items\":[]}}", &["1 {\"x\":{\"items\":[]}}"]);
    }

    #[test]
    fn text_between_documents() {
        check(
            "[root@n ~]# docker inspect a b\n[\n{\"a\":1}]\nError: No such object: b\n{{.X}}",
            &[
                "1 text [root@n ~]# docker inspect a b",
                "3 {\"a\":1}",
                "4 text Error: No such object: b",
                "5 text {{.X}}",
            ],
        );
    }

    #[test]
    fn damage_costs_one_element() {
        let file = |middle: &str| {
            format!(
                "[\n  {{\n    \"a\": 1\n  }},\n  {{\n{middle}\n  }},\n  {{\n    \"c\": 3\n  }}\n]\n"
            )
        };
        let whole = ["2 {\"a\":1}", "8 {\"c\":3}"];
        let check = |middle: &str, damage: &str| {
            let lost = format!("5 {damage}");
            let expected = [whole[0], &lost, whole[1]];
            assert_eq!(pieces(file(middle).as_bytes()), expected, "{middle}");
        };
        check("    \"b: 2", "Broken");
        check("    \"b\": { 2", "Broken");
        check("    \"b\": [ 2 }", "Broken");
        assert_eq!(pieces(file("    \"b\": 2 }").as_bytes()).len(), 4);
        let cut = file("    \"b\": 2");
        let cut = cut.get(..cut.len() - 8).expect("longer").as_bytes();
        assert_eq!(pieces(cut), ["2 {\"a\":1}", "5 {\"b\":2}", "8 Cut"]);
    }

    #[test]
    fn blanks_before_the_first_document() {
        check(" \n\t{\"a\":1}", &["2 {\"a\":1}"]);
    }

    #[test]
    fn a_bracket_that_opens_nothing_is_passed_once() {
        check(
            "[{\"a\":1},\n[x\n{\"b\":2}]",
            &["1 {\"a\":1}", "2 Broken", "3 {\"b\":2}"],
        );
    }

    #[test]
    fn files_that_end_early() {
        check("[{\"a\":1},", &["1 {\"a\":1}", "1 UnclosedList"]);
        check("{\"a\":\n{\"b\":2}\n{\"c\":3}", &["1 Cut", "3 {\"c\":3}"]);
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        check(&deep, &["1 TooDeep"]);
    }

    #[test]
    fn an_endless_element_is_given_up() {
        let mut input = b"{\"a\":\"".to_vec();
        input.resize(MAX_ELEMENT + 4 * CHUNK, b'x');
        input.extend_from_slice(b"\"}\n{\"b\":2}\n");
        assert_eq!(pieces(&input), ["1 TooLong", "2 {\"b\":2}"]);
    }

    #[test]
    fn small_reads_change_nothing() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
                let (head, rest) = self.0.split_at(self.0.len().min(1));
                room.get_mut(..head.len())
                    .expect("room")
                    .copy_from_slice(head);
                self.0 = rest;
                Ok(head.len())
            }
        }
        let input =
            b"x\n{\"items\":[\n {\"a\":\"\\\"\"},\n {\"b\n\"},\n {\"c\":[]}\n],\"k\":1}\n{\"d\":4}";
        let mut elements = Elements::new(Drip(input));
        let mut count = 0;
        while elements.next_piece().is_some() {
            count += 1;
        }
        assert_eq!(count, pieces(input).len());
        assert_eq!(count, 5);
    }
}
