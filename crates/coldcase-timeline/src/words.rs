//! Texts that repeat: each different one once, and two bytes a row.

use polars::prelude::{PlIndexSet, StringChunked};
use polars_arrow::array::MutablePlString;

/// The number of no text.
pub(crate) const NO_TEXT: u16 = u16::MAX;
/// Different texts at most.
const MOST: usize = u16::MAX as usize;
/// Numbers found lately.
const LATELY: usize = 16;
/// Different texts from which they must repeat to be worth numbering.
const FEW: usize = 512;

/// Rows of texts by number.
#[derive(Default)]
pub(crate) struct Words {
    texts: PlIndexSet<Box<str>>,
    rows: Vec<u16>,
    /// Numbers found lately, by length and ends of their texts: few texts take turns mostly.
    lately: [u16; LATELY],
}

impl Words {
    /// So many rows without a text.
    pub fn nulls(rows: usize) -> Self {
        Self {
            rows: vec![NO_TEXT; rows],
            ..Self::default()
        }
    }

    /// These rows, if their texts repeat.
    pub fn of<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Option<Self> {
        let mut words = Self::default();
        for cell in cells {
            words.push(cell);
            if !words.is_worth() {
                return None;
            }
        }
        Some(words)
    }

    /// Adds a row; gives the bytes taken.
    #[inline]
    pub fn push(&mut self, text: Option<&str>) -> usize {
        let Some(text) = text else {
            self.rows.push(NO_TEXT);
            return size_of::<u16>();
        };
        // Rows next to each other are mostly alike.
        if let Some(last) = self.rows.last()
            && self.text(*last) == Some(text)
        {
            self.rows.push(*last);
            return size_of::<u16>();
        }
        let slot = slot(text);
        if let Some(known) = self.lately.get(slot).copied()
            && self.text(known) == Some(text)
        {
            self.rows.push(known);
            return size_of::<u16>();
        }
        let (number, taken) = self.number(text);
        if let Some(known) = self.lately.get_mut(slot) {
            *known = number;
        }
        self.rows.push(number);
        size_of::<u16>() + taken
    }

    /// Whether texts repeat enough, and one more has a number.
    #[inline]
    pub fn is_worth(&self) -> bool {
        let texts = self.texts.len();
        texts < FEW || (texts * 2 <= self.rows.len() && texts < MOST)
    }

    /// Takes another's rows in, if there are numbers for its texts.
    pub fn append(&mut self, other: &Self) -> bool {
        if self.texts.len() + other.texts.len() > MOST {
            return false;
        }
        let numbers: Vec<u16> = other.texts.iter().map(|text| self.number(text).0).collect();
        let new = |old: &u16| numbers.get(usize::from(*old)).copied();
        let rows = other.rows.iter().map(|old| new(old).unwrap_or(NO_TEXT));
        self.rows.extend(rows);
        true
    }

    /// The rows as texts of their own.
    pub fn spelled(&self) -> MutablePlString {
        let mut cells = MutablePlString::with_capacity(self.rows.len());
        for number in &self.rows {
            cells.push(self.text(*number));
        }
        cells
    }

    /// The different texts, and the number of each row's text.
    pub fn finish(self) -> (StringChunked, Vec<u16>) {
        let mut cells = MutablePlString::with_capacity(self.texts.len());
        for text in &self.texts {
            cells.push_value(&**text);
        }
        let texts = StringChunked::with_chunk("".into(), cells.freeze());
        (texts, self.rows)
    }

    fn text(&self, number: u16) -> Option<&str> {
        self.texts
            .get_index(usize::from(number))
            .map(|text| &**text)
    }

    /// The number of a text, and the bytes that a new one takes.
    fn number(&mut self, text: &str) -> (u16, usize) {
        if let Some(known) = self.texts.get_index_of(text) {
            return (u16::try_from(known).unwrap_or(NO_TEXT), 0);
        }
        let (number, _) = self.texts.insert_full(text.into());
        let taken = text.len() + 2 * size_of::<Box<str>>();
        (u16::try_from(number).unwrap_or(NO_TEXT), taken)
    }
}

/// Where the number of a text is kept a while.
fn slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    (bytes.len() + end(bytes.first()) * 5 + end(bytes.last()) * 3) % LATELY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(words: &Words) -> Vec<Option<String>> {
        let cells = words.spelled().freeze();
        cells.iter().map(|cell| cell.map(str::to_owned)).collect()
    }

    #[test]
    fn rows_come_out_as_they_went_in() {
        let cells = [
            None,
            Some("a"),
            Some("a"),
            Some(""),
            None,
            Some("b"),
            Some("a"),
        ];
        let mut words = Words::nulls(2);
        for cell in cells {
            words.push(cell);
        }
        let mut expected: Vec<Option<String>> = vec![None; 2];
        expected.extend(cells.map(|cell| cell.map(str::to_owned)));
        assert_eq!(spelled(&words), expected);
        let mut other = Words::nulls(0);
        for cell in [Some("b"), Some("c"), None] {
            other.push(cell);
        }
        assert!(words.append(&other));
        expected.extend([Some("b".to_owned()), Some("c".to_owned()), None]);
        assert_eq!(spelled(&words), expected);
        let (texts, rows) = words.finish();
        assert_eq!(texts.len(), 4);
        assert_eq!(rows.len(), expected.len());
    }

    #[test]
    fn texts_that_do_not_repeat_are_not_worth_a_number() {
        let mut words = Words::nulls(0);
        for number in 0..FEW - 1 {
            words.push(Some(&number.to_string()));
            assert!(words.is_worth());
        }
        words.push(Some("one more"));
        assert!(!words.is_worth());
        for _ in 0..FEW {
            words.push(Some("one more"));
        }
        assert!(words.is_worth());
    }

    #[test]
    fn no_number_is_given_twice() {
        let many = |from: usize| {
            let mut words = Words::nulls(0);
            for number in from..from + 40_000 {
                words.push(Some(&number.to_string()));
            }
            words
        };
        assert!(!many(0).append(&many(40_000)));
        let mut words = many(0);
        for number in 40_000..MOST {
            words.push(Some(&number.to_string()));
            words.push(Some(&number.to_string()));
        }
        assert!(!words.is_worth());
    }
}
