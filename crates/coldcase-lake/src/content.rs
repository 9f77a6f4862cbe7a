//! A case as a lake takes it: a name, a digest of what it says, its timeline and the rows of the other tables.

use std::path::PathBuf;

use coldcase_timeline::polars::prelude::DataFrame;
use coldcase_timeline::sql::Cells;
use coldcase_timeline::{Selection, Timeline};
use sha2::{Digest as _, Sha256};

use crate::parquet::hex;
use crate::{LakeError, Table, layout, table};

/// A case to add.
pub struct CaseContent {
    /// Its name in the lake.
    pub name: String,
    /// Where it is from, for messages.
    pub origin: PathBuf,
    /// See [`RowDigest`].
    pub digest: String,
    /// Its timeline.
    pub timeline: Timeline,
    /// Rows of the other tables but for sightings, which are made of the timeline.
    pub tables: Vec<CaseRows>,
}

/// Rows of a table.
pub struct CaseRows {
    /// The table's name.
    pub table: &'static str,
    /// Its columns without `case_name`, in the table's order.
    pub columns: Vec<Cells>,
}

impl CaseRows {
    pub(crate) fn frame(self) -> Result<(&'static Table, DataFrame), LakeError> {
        let failed = |reason: &str| LakeError::Columns {
            path: self.table.into(),
            reason: reason.to_owned(),
        };
        let table = table(self.table).ok_or_else(|| failed("no such table"))?;
        if table.columns.len() != self.columns.len() {
            return Err(failed("other columns than the table has"));
        }
        let names = table.columns.iter().map(|(name, _)| *name);
        let columns: Vec<_> = names
            .zip(self.columns)
            .map(|(name, cells)| cells.column(name))
            .collect();
        let rows = columns.first().map_or(0, |column| column.len());
        let frame = DataFrame::new(rows, columns);
        Ok((
            table,
            frame.map_err(LakeError::columns(self.table.as_ref()))?,
        ))
    }
}

/// What a case says, as one number: its JSON files without what differs from run to run, and its rows whatever files
/// they are in. Rows are summed up by FNV-1a, which tells accidents, not forgery: for that, `verify` a case before.
#[derive(Default)]
pub struct RowDigest {
    words: Sha256,
    rows: u64,
    sum: u64,
    mix: u64,
}

/// Columns that go into a row's number.
const TELLING: [&str; 7] = [
    "ts_ns", "file", "line", "offset", "action", "host", "message",
];

impl RowDigest {
    /// Takes a text.
    pub fn text(&mut self, text: &str) {
        self.words.update((text.len() as u64).to_le_bytes());
        self.words.update(text);
    }

    /// Takes a timeline's rows, in any order.
    pub fn timeline(&mut self, timeline: &Timeline) -> Result<(), LakeError> {
        let mut index = 0;
        while let Some(rows) = timeline.part(index, &TELLING)? {
            self.part(&rows);
            index += 1;
        }
        Ok(())
    }

    fn part(&mut self, rows: &Selection) {
        let texts = ["file", "action", "host", "message"].map(|name| rows.texts(name));
        let longs = ["ts_ns", "line", "offset"].map(|name| rows.longs(name));
        for row in 0..rows.rows() {
            let mut hash = Fnv::default();
            for column in &texts {
                hash.bytes(column.get(row).copied().flatten().map(str::as_bytes));
            }
            for column in &longs {
                let cell = column.get(row).copied().flatten();
                hash.bytes(cell.map(i64::to_le_bytes).as_ref().map(|bytes| &bytes[..]));
            }
            self.rows += 1;
            self.sum = self.sum.wrapping_add(hash.0);
            self.mix = self.mix.wrapping_add(hash.0.wrapping_mul(hash.0 | 1));
        }
    }

    /// Rows taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest.
    pub fn finish(mut self) -> String {
        for number in [self.rows, self.sum, self.mix] {
            self.words.update(number.to_le_bytes());
        }
        hex(&self.words.finalize())
    }
}

/// FNV-1a of 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: Option<&[u8]>) {
        let end: u8 = if bytes.is_some() { 0 } else { 1 };
        for byte in bytes.unwrap_or_default().iter().chain([&end]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Cases of one command: each name once.
pub(crate) fn check_names<'c>(
    names: impl Iterator<Item = (&'c str, &'c PathBuf)>,
) -> Result<(), LakeError> {
    let mut seen = std::collections::BTreeMap::new();
    for (name, origin) in names {
        layout::check_name(name)?;
        if let Some(first) = seen.insert(name, origin) {
            return Err(LakeError::SameName {
                name: name.to_owned(),
                first: first.clone(),
                second: origin.clone(),
            });
        }
    }
    Ok(())
}
