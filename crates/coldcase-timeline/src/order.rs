//! The timeline's total order: time (unknown last), file, line, offset, action, and as rows came.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{DataFrame, IdxCa, IdxSize, PolarsResult};

use crate::selection::{longs, texts};

/// What rows are ordered by. Numbers only, since sorting by text costs many times more.
pub(crate) struct Keys {
    /// When, in nanoseconds.
    pub times: Vec<Option<i64>>,
    /// The file's place among all in order.
    pub files: Vec<u32>,
    /// Line in it.
    pub lines: Vec<Option<i64>>,
    /// Offset in it.
    pub offsets: Vec<Option<i64>>,
    /// The action's place among all in order.
    pub actions: Vec<u32>,
}

impl Keys {
    /// Rows in order, or nothing where they are in order already.
    pub fn order(&self) -> Option<Vec<IdxSize>> {
        let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
        let rank = |ranks: &[u32], row: usize| ranks.get(row).copied().unwrap_or(0);
        let key = |row: usize| {
            (
                cell(&self.times, row).map_or((true, 0), |ns| (false, ns)),
                rank(&self.files, row),
                cell(&self.lines, row),
                cell(&self.offsets, row),
                rank(&self.actions, row),
            )
        };
        let rows = 0..self.times.len();
        if rows.clone().skip(1).all(|row| key(row - 1) <= key(row)) {
            return None;
        }
        // Stable, and quick where rows are runs that are in order: those of files, or of parts.
        let mut order: Vec<IdxSize> = rows.filter_map(|row| IdxSize::try_from(row).ok()).collect();
        order.sort_by_key(|row| key(*row as usize));
        Some(order)
    }
}

/// A frame that has the columns of the order, sorted.
pub(crate) fn sorted(frame: DataFrame) -> PolarsResult<DataFrame> {
    let (times, files) = (longs(&frame, "ts_ns"), texts(&frame, "file"));
    let (lines, offsets) = (longs(&frame, "line"), longs(&frame, "offset"));
    let actions = texts(&frame, "action");
    // Rows of one part are in order mostly: then their texts need no ranks.
    let is_before = |row: usize, next: usize| {
        let time = |row: usize| {
            times
                .get(row)
                .map(|time| time.map_or((true, 0), |ns| (false, ns)))
        };
        let by_file = || files.get(row).cmp(&files.get(next));
        let by_line = || lines.get(row).cmp(&lines.get(next));
        let by_offset = || offsets.get(row).cmp(&offsets.get(next));
        let by_action = || actions.get(row).cmp(&actions.get(next));
        let order = time(row).cmp(&time(next)).then_with(by_file);
        let order = order.then_with(by_line).then_with(by_offset);
        order.then_with(by_action).is_le()
    };
    if (1..times.len()).all(|row| is_before(row - 1, row)) {
        return Ok(frame);
    }
    let (files, actions) = (ranks(&files), ranks(&actions));
    let keys = Keys {
        times,
        files,
        lines,
        offsets,
        actions,
    };
    match keys.order() {
        None => Ok(frame),
        Some(order) => frame.take(&IdxCa::from_vec("row".into(), order)),
    }
}

/// The place of each row's text among the column's texts in order; 0 for null.
pub(crate) fn ranks(cells: &[Option<&str>]) -> Vec<u32> {
    // Rows next to each other are mostly alike.
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for cell in cells {
        if *cell != last {
            seen.extend(cell);
            last = *cell;
        }
    }
    let ranks: BTreeMap<&str, u32> = seen.into_iter().zip(1..).collect();
    let mut last: (Option<&str>, u32) = (None, 0);
    let mut of_rows = Vec::with_capacity(cells.len());
    for cell in cells {
        if *cell != last.0 {
            let rank = cell.and_then(|text| ranks.get(text)).copied();
            last = (*cell, rank.unwrap_or(0));
        }
        of_rows.push(last.1);
    }
    of_rows
}
