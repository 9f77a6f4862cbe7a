//! The rows of a part in memory, before they are written.

use polars::prelude::{IdxCa, IdxSize, PolarsResult};

use crate::COLUMNS;
use crate::order::{Keys, ranks};
use crate::part_column::PartColumn;
use crate::schema::ColumnType;

/// Rows, columns in the contract's order.
pub(crate) struct PartRows {
    pub rows: usize,
    pub columns: [PartColumn; COLUMNS.len()],
}

impl Default for PartRows {
    fn default() -> Self {
        let columns = [const { PartColumn::Nulls }; COLUMNS.len()];
        Self { rows: 0, columns }
    }
}

impl PartRows {
    /// Each column with its name and type.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, ColumnType, &PartColumn)> {
        let columns = COLUMNS.iter().zip(&self.columns);
        columns.map(|((name, kind), column)| (*name, *kind, column))
    }

    /// The rows at these places.
    pub fn take(&self, places: &IdxCa) -> PolarsResult<Self> {
        let mut taken = self.columns.iter().map(|column| column.take(places));
        let mut columns = [const { PartColumn::Nulls }; COLUMNS.len()];
        for (column, taken) in columns.iter_mut().zip(&mut taken) {
            *column = taken?;
        }
        let rows = places.len();
        Ok(Self { rows, columns })
    }

    /// Rows in the timeline's order, or nothing where they are in it.
    pub fn order(&self) -> Option<Vec<IdxSize>> {
        let keys = Keys {
            times: self.longs("ts_ns"),
            files: self.ranks("file"),
            lines: self.longs("line"),
            offsets: self.longs("offset"),
            actions: self.ranks("action"),
        };
        keys.order()
    }

    /// Which actions occur, sorted.
    pub fn actions(&self) -> Vec<String> {
        let Some(PartColumn::Words { texts, .. }) = self.column("action") else {
            return Vec::new();
        };
        let mut actions: Vec<String> = texts.iter().flatten().map(str::to_owned).collect();
        actions.sort_unstable();
        actions
    }

    fn column(&self, name: &str) -> Option<&PartColumn> {
        let mut named = self.named();
        named.find_map(|(known, _, column)| (known == name).then_some(column))
    }

    fn longs(&self, name: &str) -> Vec<Option<i64>> {
        match self.column(name) {
            Some(PartColumn::Whole(column)) => column
                .i64()
                .map_or_else(|_| Vec::new(), |column| column.iter().collect()),
            _ => vec![None; self.rows],
        }
    }

    fn ranks(&self, name: &str) -> Vec<u32> {
        match self.column(name) {
            Some(PartColumn::Words { texts, rows }) => {
                let texts: Vec<Option<&str>> = texts.iter().collect();
                let ranks = ranks(&texts);
                let rank = |number: &u16| ranks.get(usize::from(*number)).copied();
                let of = rows.iter().map(|number| rank(number).unwrap_or(0));
                of.collect()
            }
            Some(PartColumn::Whole(column)) => column.str().map_or_else(
                |_| Vec::new(),
                |texts| ranks(&texts.iter().collect::<Vec<_>>()),
            ),
            _ => vec![0; self.rows],
        }
    }
}
