//! The timeline's total order: time (unknown last), file, line, offset, action, and as rows came.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{DataFrame, IdxCa, IdxSize, PolarsResult};

use crate::select::{longs, texts};

/// A frame that has the columns of the order, sorted. Keys are numbers, since sorting by text costs many times more.
pub(crate) fn sorted(frame: DataFrame) -> PolarsResult<DataFrame> {
    match order(&frame) {
        None => Ok(frame),
        Some(order) => frame.take(&IdxCa::from_vec("row".into(), order)),
    }
}

/// Rows in order, or nothing where they are in order already.
fn order(frame: &DataFrame) -> Option<Vec<IdxSize>> {
    let (files, actions) = (ranks(frame, "file"), ranks(frame, "action"));
    let times = longs(frame, "ts_ns");
    let (lines, offsets) = (longs(frame, "line"), longs(frame, "offset"));
    let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
    let key = |row: usize| {
        let time = cell(&times, row).map_or((true, 0), |ns| (false, ns));
        let of = |ranks: &[u32]| ranks.get(row).copied().unwrap_or(0);
        (
            time,
            of(&files),
            cell(&lines, row),
            cell(&offsets, row),
            of(&actions),
        )
    };
    let rows = 0..frame.height();
    if rows.clone().skip(1).all(|row| key(row - 1) <= key(row)) {
        return None;
    }
    // Stable, and quick where rows are runs that are in order: those of files, or of parts.
    let mut order: Vec<IdxSize> = rows.filter_map(|row| IdxSize::try_from(row).ok()).collect();
    order.sort_by_key(|row| key(*row as usize));
    Some(order)
}

/// The place of each row's text among the column's texts in order; 0 for null.
fn ranks(frame: &DataFrame, name: &str) -> Vec<u32> {
    let cells = texts(frame, name);
    // Rows next to each other are mostly alike.
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for cell in &cells {
        if *cell != last {
            seen.extend(cell);
            last = *cell;
        }
    }
    let ranks: BTreeMap<&str, u32> = seen.into_iter().zip(1..).collect();
    let mut last: (Option<&str>, u32) = (None, 0);
    let mut of_rows = Vec::with_capacity(cells.len());
    for cell in &cells {
        if *cell != last.0 {
            let rank = cell.and_then(|text| ranks.get(text)).copied();
            last = (*cell, rank.unwrap_or(0));
        }
        of_rows.push(last.1);
    }
    of_rows
}
