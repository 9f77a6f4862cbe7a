//! Moments with their places in the evidence, small enough to hold millions of.

use std::collections::HashMap;

use coldcase_model::{EvidenceRecord, Timestamp};
use coldcase_timeline::Selection;

/// One event of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// When, in nanoseconds.
    pub ts: i64,
    /// Where it stands.
    pub place: Place,
    /// A hash of what it says: the same line in a second file is a copy.
    pub text: u32,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    file: u32,
    at: i64,
    is_line: bool,
}

/// Names of files, held once.
#[derive(Debug, Default)]
pub(super) struct Files {
    names: Vec<String>,
    known: HashMap<String, u32>,
}

impl Files {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.known.insert(name.to_owned(), number);
        number
    }

    /// The numbers here of another's files, by their numbers there.
    pub fn numbers_of(&mut self, other: &Self) -> Vec<u32> {
        other.names.iter().map(|name| self.number(name)).collect()
    }

    fn name(&self, place: &Place) -> &str {
        let at = usize::try_from(place.file).ok();
        at.and_then(|at| self.names.get(at))
            .map_or("", String::as_str)
    }

    /// Key of a place that does not depend on which file was seen first.
    pub fn order(&self, place: &Place) -> (String, i64) {
        (self.name(place).to_owned(), place.at)
    }

    /// The record of a moment; its text is put to it later.
    pub fn record(&self, moment: &Moment) -> EvidenceRecord {
        let at = u64::try_from(moment.place.at).ok();
        EvidenceRecord {
            file: self.name(&moment.place).to_owned(),
            line: at.filter(|_| moment.place.is_line),
            offset: at.filter(|_| !moment.place.is_line),
            ts: Some(Timestamp(moment.ts)),
            text: String::new(),
        }
    }

    /// `file:line` for a list of samples.
    pub fn told(&self, moment: &Moment) -> String {
        format!("{}:{}", self.name(&moment.place), moment.place.at)
    }
}

impl Place {
    /// The place of a row.
    pub fn of(rows: &Selection, row: usize, files: &mut Files) -> Self {
        let line = rows.long("line", row);
        let at = line.or_else(|| rows.long("offset", row)).unwrap_or(-1);
        let file = rows.text("file", row).unwrap_or_default();
        Self::at(files, file, at, line.is_some())
    }

    /// A line, or an offset, of a file.
    pub fn at(files: &mut Files, file: &str, at: i64, is_line: bool) -> Self {
        let file = files.number(file);
        Self { file, at, is_line }
    }

    /// Gives the file another number.
    pub fn renumber(&mut self, numbers: &[u32]) {
        let at = usize::try_from(self.file).ok();
        let number = at.and_then(|at| numbers.get(at));
        self.file = number.copied().unwrap_or(u32::MAX);
    }

    /// Whether both stand in one file.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.file == other.file
    }
}
