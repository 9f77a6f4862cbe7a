//! Cells of one part as it holds them: texts that repeat need not be spelled out for each row.

use std::ops::Range;

use crate::part_column::PartColumn;
use crate::select::part_columns;
use crate::words::NO_TEXT;
use crate::{Timeline, TimelineError};

/// Some columns of a part.
pub struct PartCells {
    names: Vec<&'static str>,
    columns: Vec<PartColumn>,
    rows: usize,
}

/// Rows next to each other that have the same texts in some columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<'a, const N: usize> {
    /// Which rows.
    pub rows: Range<usize>,
    /// Their texts, in the order in which the columns were asked for.
    pub texts: [Option<&'a str>; N],
}

impl Timeline {
    /// These columns of all rows of one part. `None` beyond the last part.
    pub fn cells(
        &self,
        part: usize,
        names: &[&'static str],
    ) -> Result<Option<PartCells>, TimelineError> {
        let Some(part) = self.parts.get(part) else {
            return Ok(None);
        };
        Ok(Some(PartCells {
            names: names.to_vec(),
            columns: part_columns(part, names)?,
            rows: part.rows,
        }))
    }
}

impl PartCells {
    fn column(&self, name: &str) -> &PartColumn {
        let mut named = self.names.iter().zip(&self.columns);
        let column = named.find(|(known, _)| **known == name);
        column.map_or(&PartColumn::Nulls, |(_, column)| column)
    }

    /// A whole 64-bit column.
    pub fn longs(&self, name: &str) -> Vec<Option<i64>> {
        match self.column(name) {
            PartColumn::Whole(column) => column
                .i64()
                .map_or_else(|_| vec![None; self.rows], |cells| cells.iter().collect()),
            _ => vec![None; self.rows],
        }
    }

    /// The part's rows, those next to each other with the same texts in these columns together.
    pub fn runs<const N: usize>(&self, names: [&str; N]) -> Vec<Run<'_, N>> {
        let mut starts: Vec<usize> = Vec::new();
        let columns = names.map(|name| Texts::of(self.column(name)));
        for column in &columns {
            column.starts(&mut starts);
        }
        starts.push(0);
        starts.sort_unstable();
        starts.dedup();
        let ends = starts.iter().skip(1).copied().chain([self.rows]);
        let runs = starts.iter().zip(ends).filter(|(start, end)| *start < end);
        let run = |(start, end): (&usize, usize)| Run {
            rows: *start..end,
            texts: columns.each_ref().map(|column| column.at(*start)),
        };
        runs.map(run).collect()
    }
}

/// A text column to be looked at row by row.
pub(crate) enum Texts<'a> {
    Nulls,
    Numbered(Vec<Option<&'a str>>, &'a [u16]),
    Whole(Vec<Option<&'a str>>),
}

impl<'a> Texts<'a> {
    pub fn of(column: &'a PartColumn) -> Self {
        match column {
            PartColumn::Nulls => Self::Nulls,
            PartColumn::Words { texts, rows } => Self::Numbered(texts.iter().collect(), rows),
            PartColumn::Whole(column) => match column.str() {
                Ok(cells) => Self::Whole(cells.iter().collect()),
                Err(_) => Self::Nulls,
            },
        }
    }

    pub fn at(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Nulls => None,
            Self::Whole(cells) => cells.get(row).copied().flatten(),
            Self::Numbered(texts, rows) => {
                let number = rows.get(row).copied().unwrap_or(NO_TEXT);
                texts.get(usize::from(number)).copied().flatten()
            }
        }
    }

    /// How many texts have a number.
    pub fn words(&self) -> usize {
        match self {
            Self::Numbered(texts, _) => texts.len(),
            _ => 0,
        }
    }

    /// The number of a row's text, where texts have one.
    pub fn word(&self, row: usize) -> Option<usize> {
        match self {
            Self::Numbered(_, rows) => rows.get(row).map(|number| usize::from(*number)),
            _ => None,
        }
    }

    /// Adds the rows whose text is another than that of the row before.
    fn starts(&self, starts: &mut Vec<usize>) {
        match self {
            Self::Nulls => {}
            Self::Whole(cells) => changes(cells, starts),
            Self::Numbered(_, rows) => changes(rows, starts),
        }
    }
}

fn changes<T: PartialEq>(cells: &[T], starts: &mut Vec<usize>) {
    let pairs = cells.iter().zip(cells.iter().skip(1)).zip(1..);
    starts.extend(pairs.filter(|((a, b), _)| a != b).map(|(_, row)| row));
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn as _, NamedFrom as _, Series};

    use super::*;
    use crate::words::Words;

    #[test]
    fn rows_that_are_alike_are_one_run() {
        let mut words = Words::default();
        for cell in [Some("a"), Some("a"), None, Some("b"), Some("b"), Some("b")] {
            words.push(cell);
        }
        let whole = ["x", "x", "x", "x", "y", "y"];
        let whole = Series::new("path".into(), whole).into_column();
        let numbers = Series::new("line".into(), [1i64, 2, 3, 4, 5, 6]).into_column();
        let cells = PartCells {
            names: vec!["host", "path", "line", "pod"],
            columns: vec![
                words.into(),
                PartColumn::Whole(whole),
                PartColumn::Whole(numbers),
                PartColumn::Nulls,
            ],
            rows: 6,
        };
        let runs = cells.runs(["host", "path", "pod"]);
        let expected = [
            (0..2, [Some("a"), Some("x"), None]),
            (2..3, [None, Some("x"), None]),
            (3..4, [Some("b"), Some("x"), None]),
            (4..6, [Some("b"), Some("y"), None]),
        ];
        let expected = expected.map(|(rows, texts)| Run { rows, texts });
        assert_eq!(runs, expected);
        assert_eq!(cells.longs("line").len(), 6);
        assert_eq!(cells.longs("pod"), vec![None; 6]);
        assert_eq!(cells.runs(["pod"]).len(), 1);
    }
}
