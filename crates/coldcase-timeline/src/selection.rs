//! Rows of the timeline as columns: what a selection gives.

use std::io::Write;
use std::path::Path;

use polars::frame::DataFrame;
use polars::prelude::{
    ChunkedArray, Column, Int32Type, Int64Type, PolarsNumericType, StringChunked,
};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

use crate::part_column::data_type;
use crate::{COLUMNS, TimelineError};

pub(crate) fn texts<'a>(frame: &'a DataFrame, name: &str) -> Vec<Option<&'a str>> {
    frame
        .column(name)
        .and_then(|column| column.str())
        .map_or_else(|_| Vec::new(), |column| column.iter().collect())
}

pub(crate) fn longs(frame: &DataFrame, name: &str) -> Vec<Option<i64>> {
    let column = frame.column(name).and_then(|column| column.i64());
    column.map_or_else(|_| Vec::new(), |column| column.iter().collect())
}

/// Rows of the timeline as columns.
#[derive(Debug, Clone)]
pub struct Selection {
    pub(crate) frame: DataFrame,
}

impl Selection {
    /// Writes the rows as Parquet, columns in the contract's order; `path` is for messages.
    pub fn write_parquet(&self, file: impl Write, path: &Path) -> Result<(), TimelineError> {
        let failed = |source| TimelineError::Columns {
            path: path.to_owned(),
            source,
        };
        let mut frame = if self.frame.width() == 0 {
            let nothing =
                |(name, kind): &(&str, _)| Column::full_null((*name).into(), 0, &data_type(*kind));
            DataFrame::new(0, COLUMNS.iter().map(nothing).collect()).map_err(failed)?
        } else {
            self.frame
                .select(COLUMNS.map(|(name, _)| name))
                .map_err(failed)?
        };
        ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut frame)
            .map_err(failed)?;
        Ok(())
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.frame.height()
    }

    /// The frame, for column work.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// A text cell; `None` where it is null or the column was not selected.
    pub fn text(&self, name: &str, row: usize) -> Option<&str> {
        let column: &StringChunked = self.frame.column(name).ok()?.str().ok()?;
        if row < column.len() {
            column.get(row)
        } else {
            None
        }
    }

    /// A number cell of a 64-bit column.
    pub fn long(&self, name: &str, row: usize) -> Option<i64> {
        cell::<Int64Type>(self.frame.column(name).ok()?.i64().ok()?, row)
    }

    /// A number cell of a 32-bit column (ports).
    pub fn int(&self, name: &str, row: usize) -> Option<i32> {
        cell::<Int32Type>(self.frame.column(name).ok()?.i32().ok()?, row)
    }

    /// A whole text column.
    pub fn texts(&self, name: &str) -> Vec<Option<&str>> {
        texts(&self.frame, name)
    }

    /// A whole 64-bit column.
    pub fn longs(&self, name: &str) -> Vec<Option<i64>> {
        longs(&self.frame, name)
    }

    /// A whole 32-bit column.
    pub fn ints(&self, name: &str) -> Vec<Option<i32>> {
        let column = self.frame.column(name).and_then(|column| column.i32());
        column.map_or_else(|_| Vec::new(), |column| column.iter().collect())
    }

    /// `ts_end` in microseconds since 1970.
    pub fn end_micros(&self) -> Vec<Option<i64>> {
        let column = self
            .frame
            .column("ts_end")
            .and_then(|column| column.datetime());
        column.map_or_else(|_| Vec::new(), |column| column.physical().iter().collect())
    }
}

fn cell<T: PolarsNumericType>(column: &ChunkedArray<T>, row: usize) -> Option<T::Native> {
    if row < column.len() {
        column.get(row)
    } else {
        None
    }
}
