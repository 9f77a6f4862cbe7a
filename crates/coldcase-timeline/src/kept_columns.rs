//! Columns of parts that were read or written a moment ago: many correlators ask for the same ones. What is kept is
//! bounded; what was asked for longest ago goes first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use polars::prelude::Column;

use crate::COLUMNS;
use crate::part_column::PartColumn;
use crate::part_rows::PartRows;
use crate::words::Words;

/// Bytes of columns that are kept.
const MOST_BYTES: usize = 192 << 20;

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
    bytes: usize,
    tick: u64,
}

#[derive(Debug)]
struct Kept {
    column: PartColumn,
    bytes: usize,
    asked: u64,
}

impl KeptColumns {
    /// A column of a part.
    pub(crate) fn get(&self, part: &Path, name: &str) -> Option<PartColumn> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick += 1;
        let tick = state.tick;
        let kept = state.columns.get_mut(part)?.get_mut(name)?;
        kept.asked = tick;
        Some(kept.column.clone())
    }

    /// What was just read. Long texts make nothing else go.
    pub(crate) fn keep(&self, part: &Path, column: &Column) -> PartColumn {
        let kept = column
            .str()
            .ok()
            .and_then(|cells| Words::of(cells.iter()))
            .map_or_else(|| PartColumn::Whole(column.clone()), PartColumn::from);
        let bytes = kept.bytes();
        if bytes <= column.len() * SMALL || self.held() + bytes <= MOST_BYTES / 2 {
            self.put(part, column.name(), kept.clone());
        }
        kept
    }

    fn held(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes
    }

    fn put(&self, part: &Path, name: &str, column: PartColumn) {
        let bytes = column.bytes();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick += 1;
        let kept = Kept {
            column,
            bytes,
            asked: state.tick,
        };
        let columns = state.columns.entry(part.to_owned()).or_default();
        let before = columns.insert(name.to_owned(), kept);
        state.bytes += bytes;
        state.bytes -= before.map_or(0, |before| before.bytes);
        if state.bytes > MOST_BYTES {
            state.drop_oldest();
        }
    }

    /// What was just written, while nothing else would have to go for it. Long texts, which few ask for, get half of
    /// the room.
    pub(crate) fn keep_all(&self, part: &Path, rows: PartRows) {
        let most_of_small = rows.rows * SMALL;
        for ((name, _), column) in COLUMNS.into_iter().zip(rows.columns) {
            let bytes = column.bytes();
            let room = if bytes <= most_of_small {
                MOST_BYTES
            } else {
                MOST_BYTES / 2
            };
            // `ts` follows from `ts_ns`, which is what is asked for.
            if self.held() + bytes <= room && name != "ts" {
                self.put(part, name, column);
            }
        }
    }

    /// A part's rows changed.
    pub(crate) fn forget(&self, part: &Path) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = state.columns.remove(part).unwrap_or_default();
        state.bytes -= gone.values().map(|kept| kept.bytes).sum::<usize>();
    }
}

impl State {
    /// Makes room for a while, so that this is done rarely.
    fn drop_oldest(&mut self) {
        let mut ages: Vec<(u64, usize)> = self
            .columns
            .values()
            .flat_map(HashMap::values)
            .map(|kept| (kept.asked, kept.bytes))
            .collect();
        ages.sort_unstable();
        let mut left = self.bytes;
        let mut limit = 0;
        for (asked, bytes) in ages {
            if left <= MOST_BYTES / 4 * 3 {
                break;
            }
            left -= bytes;
            limit = asked;
        }
        for columns in self.columns.values_mut() {
            columns.retain(|_, kept| kept.asked > limit);
        }
        self.columns.retain(|_, columns| !columns.is_empty());
        self.bytes = left;
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn as _, NamedFrom as _, Series};

    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_the_latest() {
        let kept = KeptColumns::default();
        let column = Series::new("line".into(), vec![7i64; 1 << 20]).into_column();
        let parts: Vec<PathBuf> = (0..30)
            .map(|n| PathBuf::from(format!("part-{n}")))
            .collect();
        for part in &parts {
            kept.keep(part, &column);
            assert!(kept.get(&parts[0], "line").is_some(), "asked for each time");
        }
        let held = parts.iter().filter(|part| kept.get(part, "line").is_some());
        assert!((12..=24).contains(&held.count()));
        assert!(kept.get(&parts[29], "line").is_some());
        assert!(kept.get(&parts[29], "other").is_none());
        kept.forget(&parts[29]);
        assert!(kept.get(&parts[29], "line").is_none());
        let bytes = kept.state.lock().expect("a lock").bytes;
        assert!(bytes <= MOST_BYTES && bytes.is_multiple_of(8 << 20));
    }
}
