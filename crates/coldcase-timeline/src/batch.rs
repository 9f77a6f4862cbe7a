//! Events in columns, not yet sorted: what an ingest task fills and a dataset seals.

use std::collections::BTreeMap;

use coldcase_model::Event;
use polars::prelude::{
    ChunkApply as _, Int32Type, Int64Chunked, Int64Type, IntoColumn as _, IntoSeries as _,
    TimeUnit, TimeZone,
};

use crate::COLUMNS;
use crate::column::{NumberColumn, TextColumn, sealed};
use crate::part_column::PartColumn;
use crate::part_rows::PartRows;
use crate::schema::ColumnType;

/// Columns of 64-bit numbers, in the order in which a row gives them.
const LONGS: [&str; 8] = [
    "ts_ns", "ts_end", "packets", "bytes", "pid", "ppid", "line", "offset",
];
/// Columns of 32-bit numbers, likewise.
const INTS: [&str; 2] = ["src_port", "dst_port"];
/// Columns of texts, likewise.
const TEXTS: [&str; 23] = [
    "ts_precision",
    "ts_basis",
    "host",
    "format",
    "action",
    "outcome",
    "protocol",
    "file",
    "src_ip",
    "dst_ip",
    "user",
    "exe",
    "command",
    "path",
    "container",
    "image",
    "pod",
    "namespace",
    "domain",
    "query_type",
    "response_code",
    "attributes",
    "message",
];

/// Where a batch's next events are from: the sink knows, the event doesn't.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The artifact's host.
    pub host: Option<&'a str>,
    /// Id of the format.
    pub format: &'a str,
    /// The artifact's path in the bundle.
    pub file: &'a str,
}

/// Events in columns, those of each action apart: they are alike, and in order as they came.
#[derive(Default)]
pub struct Batch {
    rows: usize,
    size: usize,
    actions: Vec<(&'static str, Columns)>,
    /// Which of them came last.
    last: usize,
}

impl Batch {
    /// Rows held.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of text and cells held, roughly: for the limit at which a batch is sealed.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Adds one row.
    pub fn push(&mut self, event: &Event<'_>, origin: Origin<'_>) {
        let is_last = |(action, _): &(&str, _)| std::ptr::eq(*action, event.action);
        if !self.actions.get(self.last).is_some_and(is_last) {
            self.last = self.of(event.action);
        }
        if let Some((_, columns)) = self.actions.get_mut(self.last) {
            self.size += columns.push(event, origin);
            self.rows += 1;
        }
    }

    /// The place of an action's columns.
    fn of(&mut self, action: &'static str) -> usize {
        let known = self.actions.iter().position(|(known, _)| *known == action);
        known.unwrap_or_else(|| {
            self.actions.push((action, Columns::default()));
            self.actions.len() - 1
        })
    }

    /// Adds another batch's rows after its own.
    pub(crate) fn append(&mut self, other: Self) {
        (self.rows, self.size) = (self.rows + other.rows, self.size + other.size);
        for (action, more) in other.actions {
            let place = self.of(action);
            if let Some((_, columns)) = self.actions.get_mut(place) {
                columns.append(more);
            }
        }
    }

    /// The rows as they came: of actions that have so many those of each apart, all others together.
    pub(crate) fn finish(self, least: usize) -> Vec<PartRows> {
        let mut actions = self.actions;
        actions.sort_unstable_by_key(|(action, _)| *action);
        let is_large = |columns: &Columns| columns.rows >= least;
        let (large, small): (Vec<_>, Vec<_>) = actions
            .into_iter()
            .map(|(_, columns)| columns)
            .partition(is_large);
        let together = small.into_iter().reduce(|mut all, columns| {
            all.append(columns);
            all
        });
        let parts = together.into_iter().chain(large);
        parts.map(Columns::finish).collect()
    }
}

/// Rows in columns.
#[derive(Default)]
struct Columns {
    rows: usize,
    longs: [NumberColumn<Int64Type>; LONGS.len()],
    ints: [NumberColumn<Int32Type>; INTS.len()],
    texts: [TextColumn; TEXTS.len()],
}

impl Columns {
    /// Adds one row; gives the bytes taken.
    fn push(&mut self, event: &Event<'_>, origin: Origin<'_>) -> usize {
        let row = self.rows;
        let long = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
        let (when, end) = (event.when, event.ts_end);
        let longs = [
            when.map(|when| when.ts.nanos()),
            end.map(|end| end.micros()),
            event.packets,
            event.bytes,
            event.pid,
            event.ppid,
            long(event.line),
            long(event.offset),
        ];
        let ints = [event.src_port.map(i32::from), event.dst_port.map(i32::from)];
        let texts = [
            when.map(|when| when.precision.as_str()),
            when.map(|when| when.basis.as_str()),
            event.host.as_deref().or(origin.host),
            Some(origin.format),
            Some(event.action),
            event.outcome,
            event.protocol,
            Some(origin.file),
            event.src_ip.as_deref(),
            event.dst_ip.as_deref(),
            event.user.as_deref(),
            event.exe.as_deref(),
            event.command.as_deref(),
            event.path.as_deref(),
            event.container.as_deref(),
            event.image.as_deref(),
            event.pod.as_deref(),
            event.namespace.as_deref(),
            event.domain.as_deref(),
            event.query_type.as_deref(),
            event.response_code.as_deref(),
            event.attributes.as_deref(),
            event.message.as_deref(),
        ];
        let mut taken = 0;
        for (column, cell) in self.longs.iter_mut().zip(longs) {
            taken += column.push(row, cell);
        }
        for (column, cell) in self.ints.iter_mut().zip(ints) {
            taken += column.push(row, cell);
        }
        for (column, cell) in self.texts.iter_mut().zip(texts) {
            taken += column.push(row, cell);
        }
        self.rows += 1;
        taken
    }

    /// Adds others' rows after its own.
    fn append(&mut self, other: Self) {
        if self.rows == 0 {
            *self = other;
            return;
        }
        let (rows, more) = (self.rows, other.rows);
        for (column, other) in self.longs.iter_mut().zip(other.longs) {
            column.append(rows, other, more);
        }
        for (column, other) in self.ints.iter_mut().zip(other.ints) {
            column.append(rows, other, more);
        }
        for (column, other) in self.texts.iter_mut().zip(other.texts) {
            column.append(rows, other, more);
        }
        self.rows += more;
    }

    /// The rows as they came, columns in the contract's order.
    fn finish(self) -> PartRows {
        let times = |micros: Int64Chunked| {
            let times = micros.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
            PartColumn::Whole(times.into_series().into_column())
        };
        let mut made: BTreeMap<&str, PartColumn> = BTreeMap::new();
        for (name, column) in LONGS.into_iter().zip(self.longs) {
            let cells = column.finish(name);
            if let (Some(nanos), "ts_ns") = (&cells, name) {
                let micros = nanos.apply_values(|nanos| nanos.div_euclid(1_000));
                made.insert("ts", times(micros.with_name("ts".into())));
            }
            let column = match cells {
                Some(micros) if name == "ts_end" => times(micros),
                cells => sealed(cells),
            };
            made.insert(name, column);
        }
        for (name, column) in INTS.into_iter().zip(self.ints) {
            made.insert(name, sealed(column.finish(name)));
        }
        for (name, column) in TEXTS.into_iter().zip(self.texts) {
            made.insert(name, column.finish(name));
        }
        let column = |(name, _): (&str, ColumnType)| made.remove(name).unwrap_or(PartColumn::Nulls);
        PartRows {
            rows: self.rows,
            columns: COLUMNS.map(column),
        }
    }
}
