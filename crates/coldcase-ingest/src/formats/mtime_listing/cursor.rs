//! A place in a line: words, numbers and blanks from there on, without ever leaving the line.

use std::ops::Range;

/// Whether a byte parts columns.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The bytes of a span; empty where the span is not within the text.
pub(super) fn at<'a>(text: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    text.get(span.clone()).unwrap_or_default()
}

/// A whole number of ASCII digits.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum, digit: &u8| sum * 10 + i64::from(digit - b'0');
    Some(digits.iter().fold(0, add))
}

/// Reads on from a place in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    /// Where it stands.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// At this place of a line.
    pub fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// All from here to the end of the line.
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The byte here.
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Whether a word ends here: at a blank or the end of the line.
    pub fn at_word_end(&self) -> bool {
        self.peek().is_none_or(is_blank)
    }

    /// Takes this text, or nothing.
    pub fn take(&mut self, expected: &[u8]) -> Option<()> {
        self.rest().starts_with(expected).then(|| {
            self.at += expected.len();
        })
    }

    /// Skips blanks; how many there were.
    pub fn blanks(&mut self) -> usize {
        let count = self
            .rest()
            .iter()
            .take_while(|byte| is_blank(**byte))
            .count();
        self.at += count;
        count
    }

    /// The word here, up to a blank or the end.
    pub fn word(&mut self) -> Range<usize> {
        let start = self.at;
        let rest = self.rest();
        self.at += rest
            .iter()
            .position(|byte| is_blank(*byte))
            .unwrap_or(rest.len());
        start..self.at
    }

    /// All digits here; their count must be in the range.
    pub fn digits(&mut self, count: std::ops::RangeInclusive<usize>) -> Option<&'a [u8]> {
        let rest = self.rest();
        let found = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !count.contains(&found) {
            return None;
        }
        self.at += found;
        rest.get(..found)
    }

    /// A small number of so many digits.
    pub fn small(&mut self, count: std::ops::RangeInclusive<usize>) -> Option<u32> {
        u32::try_from(number(self.digits(count)?)?).ok()
    }
}
