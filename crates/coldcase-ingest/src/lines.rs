//! Lines of a text artifact with their numbers; a line's length is capped, so that no input can make
//! the reader grow without bound.

use std::borrow::Cow;
use std::io::{self, Read};

/// Longest line kept, in bytes. Longer ones are cut: audit records end at 8 KiB, journal lines at 48 KiB;
/// docker writes at most 16 KiB a line; what is longer is a blob.
pub const MAX_LINE: usize = 1 << 20;

/// Bytes asked for at a time: little at first, since most artifacts are small.
const FIRST_CHUNK: usize = 1 << 14;
const CHUNK: usize = 1 << 18;

/// One line, without its end (`\n` or `\r\n`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// The bytes, at most [`MAX_LINE`].
    pub bytes: &'a [u8],
    /// Whether bytes beyond the cap were dropped.
    pub cut: bool,
    /// Whether a line end followed: the last line of a cut file has none.
    pub ended: bool,
}

impl<'a> Line<'a> {
    /// The line as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// Reads lines from any reader through one buffer.
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    at_end: bool,
    number: u64,
    chunk: usize,
}

impl<R: Read> Lines<R> {
    /// Lines of this reader.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            at_end: false,
            number: 0,
            chunk: FIRST_CHUNK,
        }
    }

    /// The next line, or `None` at the end. An error of the reader is returned once, after the lines
    /// that were whole before it.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut cut = false;
        loop {
            let unscanned = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unscanned) {
                let end = self.scanned + found;
                return Ok(Some(self.take(end, end + 1, cut, true)));
            }
            self.scanned = self.buffer.len();
            if self.scanned - self.start > MAX_LINE {
                cut = true;
                self.buffer.truncate(self.start + MAX_LINE);
                self.scanned = self.buffer.len();
            }
            if self.at_end {
                if self.start == self.buffer.len() && !cut {
                    return Ok(None);
                }
                let end = self.buffer.len();
                return Ok(Some(self.take(end, end, cut, false)));
            }
            self.fill()?;
        }
    }

    fn take(&mut self, end: usize, next: usize, cut: bool, ended: bool) -> Line<'_> {
        let start = std::mem::replace(&mut self.start, next);
        self.scanned = next;
        self.number += 1;
        let bytes = self.buffer.get(start..end).unwrap_or_default();
        let bytes = bytes.get(..MAX_LINE).unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Line {
            number: self.number,
            bytes,
            cut,
            ended,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        let held = self.buffer.len();
        self.buffer.resize(held + self.chunk, 0);
        self.chunk = (self.chunk * 4).min(CHUNK);
        let read = loop {
            let room = self.buffer.get_mut(held..).unwrap_or_default();
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.at_end = true,
            Ok(_) => {}
            Err(error) => {
                self.at_end = true;
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: &[(&[u8], bool)]) {
        let mut lines = Lines::new(input);
        let mut got = Vec::new();
        while let Some(line) = lines.next_line().expect("memory never fails") {
            assert_eq!(line.number, got.len() as u64 + 1);
            got.push((line.bytes.to_vec(), line.ended));
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|(bytes, ended)| (bytes.to_vec(), *ended))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn ends_of_all_kinds() {
        check(b"", &[]);
        check(
            b"a\nb\r\n\nlast",
            &[(b"a", true), (b"b", true), (b"", true), (b"last", false)],
        );
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_is_found() {
        let mut input = vec![b'x'; 3 * MAX_LINE];
        input.extend_from_slice(b"\nnext\n");
        let mut lines = Lines::new(input.as_slice());
        let first = lines.next_line().expect("reads").expect("a line");
        assert!(first.cut);
        assert_eq!(first.bytes.len(), MAX_LINE);
        let second = lines.next_line().expect("reads").expect("a line");
        assert_eq!((second.number, second.bytes), (2, b"next".as_slice()));
    }
}
