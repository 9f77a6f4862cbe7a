//! Columns of parts that were read or written a moment ago: many correlators ask for the same ones. What is kept is
//! bounded, and stays: whoever goes through more parts than there is room for finds the same ones here each time.
//! Long texts, which few ask for, are kept of small evidence only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use polars::prelude::Column;

use crate::COLUMNS;
use crate::part_column::{PartColumn, column_bytes};
use crate::part_rows::PartRows;
use crate::words::Words;

/// Bytes of small columns that are kept.
const MOST_SMALL: usize = 128 << 20;
/// Bytes of long ones that are kept besides,
const MOST_LONG: usize = 96 << 20;
/// as long as the small ones take no more than this.
const FEW_SMALL: usize = 32 << 20;

/// Bytes a row up to which a column is small: numbers, and texts that repeat.
const SMALL: usize = 12;

/// Columns by part and name.
#[derive(Debug, Default)]
pub(crate) struct KeptColumns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    columns: HashMap<PathBuf, HashMap<String, Kept>>,
    small: usize,
    long: usize,
}

#[derive(Debug)]
struct Kept {
    column: PartColumn,
    bytes: usize,
    is_small: bool,
}

impl State {
    fn has_room(&self, bytes: usize, is_small: bool) -> bool {
        if is_small {
            self.small + bytes <= MOST_SMALL
        } else {
            self.small <= FEW_SMALL && self.long + bytes <= MOST_LONG
        }
    }

    fn put(&mut self, part: &Path, name: &str, kept: Kept) {
        *self.taken(kept.is_small) += kept.bytes;
        let columns = self.columns.entry(part.to_owned()).or_default();
        if let Some(before) = columns.insert(name.to_owned(), kept) {
            *self.taken(before.is_small) -= before.bytes;
        }
        if self.small > FEW_SMALL && self.long > 0 {
            for columns in self.columns.values_mut() {
                columns.retain(|_, kept| kept.is_small);
            }
            self.long = 0;
        }
    }

    fn taken(&mut self, is_small: bool) -> &mut usize {
        if is_small {
            &mut self.small
        } else {
            &mut self.long
        }
    }
}

impl KeptColumns {
    /// A column of a part.
    pub(crate) fn get(&self, part: &Path, name: &str) -> Option<PartColumn> {
        let state = self.state();
        Some(state.columns.get(part)?.get(name)?.column.clone())
    }

    /// What was just read, if there is room.
    pub(crate) fn keep(&self, part: &Path, column: &Column) -> PartColumn {
        let whole = || PartColumn::Whole(column.clone());
        let (bytes, words) = (column_bytes(column), column.str().ok());
        // Whether texts repeat is known only when they are counted: that is done where there would be room for their numbers.
        let least = words.map_or(bytes, |cells| cells.len() * size_of::<u16>());
        let has_room = {
            let state = self.state();
            state.has_room(bytes, false) || state.has_room(least, true)
        };
        if !has_room {
            return whole();
        }
        let words = words.and_then(|cells| Words::of(cells.iter()));
        let kept = words.map_or_else(whole, PartColumn::from);
        self.put(part, column.name(), column.len(), &kept);
        kept
    }

    /// What was just written, likewise.
    pub(crate) fn keep_all(&self, part: &Path, rows: &PartRows) {
        for ((name, _), column) in COLUMNS.into_iter().zip(&rows.columns) {
            // `ts` follows from `ts_ns`, which is what is asked for.
            if name != "ts" {
                self.put(part, name, rows.rows, column);
            }
        }
    }

    fn put(&self, part: &Path, name: &str, rows: usize, column: &PartColumn) {
        let bytes = column.bytes();
        let is_small = bytes <= rows * SMALL;
        let mut state = self.state();
        if state.has_room(bytes, is_small) {
            let column = column.clone();
            let kept = Kept {
                column,
                bytes,
                is_small,
            };
            state.put(part, name, kept);
        }
    }

    /// A part's rows changed.
    pub(crate) fn forget(&self, part: &Path) {
        let mut state = self.state();
        for kept in state.columns.remove(part).unwrap_or_default().into_values() {
            *state.taken(kept.is_small) -= kept.bytes;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn as _, NamedFrom as _, Series};

    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_stays() {
        let kept = KeptColumns::default();
        let column = Series::new("line".into(), vec![7i64; 1 << 20]).into_column();
        let parts: Vec<PathBuf> = (0..30)
            .map(|n| PathBuf::from(format!("part-{n}")))
            .collect();
        for part in &parts {
            kept.keep(part, &column);
        }
        let is_held = |part: &&PathBuf| kept.get(part, "line").is_some();
        assert_eq!(parts.iter().filter(is_held).count(), 16);
        assert!(parts.iter().take(16).all(|part| is_held(&part)));
        assert!(kept.get(&parts[0], "other").is_none());
        kept.forget(&parts[0]);
        assert!(!is_held(&&parts[0]));
        kept.keep(&parts[29], &column);
        kept.keep(&parts[29], &column);
        assert!(is_held(&&parts[29]), "there is room again");
        assert_eq!(kept.state().small, MOST_SMALL);
    }

    #[test]
    fn long_texts_are_kept_of_small_evidence_only() {
        let kept = KeptColumns::default();
        let text = |row: usize| format!("{row} {}", "x".repeat(1_000));
        let texts: Vec<String> = (0..20_000).map(text).collect();
        let long = Series::new("message".into(), texts).into_column();
        let parts = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let held = || {
            let is_held = |part: &&&str| kept.get(Path::new(part), "message").is_some();
            parts.iter().filter(is_held).count()
        };
        for part in parts {
            kept.keep(Path::new(part), &long);
        }
        assert_eq!(held(), 5, "as many as there is room for");
        let small = Series::new("line".into(), vec![7i64; 1 << 20]).into_column();
        for part in &parts[..4] {
            kept.keep(Path::new(part), &small);
        }
        assert_eq!(held(), 5);
        kept.keep(Path::new("i"), &small);
        assert_eq!(held(), 0, "the evidence is not small");
        kept.keep(Path::new("a"), &long);
        assert_eq!(held(), 0);
        let state = kept.state();
        assert_eq!((state.small, state.long), (5 << 23, 0));
    }
}
