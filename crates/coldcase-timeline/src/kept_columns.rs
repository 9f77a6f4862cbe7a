//! Columns of parts that were read or written a moment ago: many correlators ask for the same ones. What is kept is
//! bounded, and stays: whoever goes through more parts than there is room for finds the same ones here each time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use polars::prelude::Column;

use crate::COLUMNS;
use crate::part_column::PartColumn;
use crate::part_rows::PartRows;
use crate::words::Words;

/// Bytes of columns that are kept.
const MOST_BYTES: usize = 128 << 20;

/// Bytes a row up to which a column is small: numbers, and texts that repeat.
const SMALL: usize = 12;

/// Columns by part and name.
#[derive(Debug, Default)]
pub(crate) struct KeptColumns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    columns: HashMap<PathBuf, HashMap<String, PartColumn>>,
    bytes: usize,
}

impl KeptColumns {
    /// A column of a part.
    pub(crate) fn get(&self, part: &Path, name: &str) -> Option<PartColumn> {
        let state = self.state();
        Some(state.columns.get(part)?.get(name)?.clone())
    }

    /// What was just read, if there is room: long texts, which few ask for, get half of it.
    pub(crate) fn keep(&self, part: &Path, column: &Column) -> PartColumn {
        let whole = || PartColumn::Whole(column.clone());
        if self.state().bytes >= MOST_BYTES {
            return whole();
        }
        let words = column.str().ok();
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
        let room = if is_small { MOST_BYTES } else { MOST_BYTES / 2 };
        let mut state = self.state();
        if state.bytes + bytes > room {
            return;
        }
        let columns = state.columns.entry(part.to_owned()).or_default();
        let before = columns.insert(name.to_owned(), column.clone());
        state.bytes += bytes;
        state.bytes -= before.map_or(0, |before| before.bytes());
    }

    /// A part's rows changed.
    pub(crate) fn forget(&self, part: &Path) {
        let mut state = self.state();
        let gone = state.columns.remove(part).unwrap_or_default();
        state.bytes -= gone.values().map(PartColumn::bytes).sum::<usize>();
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
        assert_eq!(kept.state().bytes, MOST_BYTES);
    }

    #[test]
    fn long_texts_get_half_of_the_room() {
        let kept = KeptColumns::default();
        let text = |row: usize| format!("{row} {}", "x".repeat(1_000));
        let texts: Vec<String> = (0..20_000).map(text).collect();
        let column = Series::new("message".into(), texts).into_column();
        let parts = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for part in parts {
            kept.keep(Path::new(part), &column);
        }
        let held = |part: &&&str| kept.get(Path::new(part), "message").is_some();
        let held = parts.iter().filter(held).count();
        assert!((2..=4).contains(&held), "{held}");
    }
}
