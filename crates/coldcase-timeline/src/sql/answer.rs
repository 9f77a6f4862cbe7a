//! The rows that a query gave, without the engine's types: names of columns and cells.

use std::io::Write;
use std::path::Path;

use coldcase_model::Timestamp;
use polars::frame::DataFrame;
use polars::prelude::{AnyValue, Column, DataType, TimeUnit};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

use crate::TimelineError;

/// The rows that a query gave.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) frame: DataFrame,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Whole(i128),
    /// A number with a fraction.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// An instant.
    Time(Timestamp),
}

/// As it is written for people and in CSV: times RFC 3339 in UTC, null as nothing.
impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Time(at) => write!(f, "{at}"),
        }
    }
}

impl Answer {
    /// Names of the columns.
    pub fn columns(&self) -> Vec<&str> {
        let names = self.frame.get_column_names().into_iter();
        names.map(|name| name.as_str()).collect()
    }

    /// Whether a column holds numbers: tables set these to the right.
    pub fn is_number(&self, column: usize) -> bool {
        let column = self.frame.columns().get(column);
        column.is_some_and(|column| column.dtype().is_primitive_numeric())
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.frame.height()
    }

    /// A row's cells.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Cell> + '_ {
        let columns = self.frame.columns().iter();
        columns.map(move |column| column.get(row).map_or(Cell::Null, |value| cell(&value)))
    }

    /// Writes the rows as Parquet; `path` is for messages.
    pub fn write_parquet(&self, file: impl Write, path: &Path) -> Result<(), TimelineError> {
        let written = ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut self.frame.clone());
        written
            .map(|_| ())
            .map_err(|source| TimelineError::Columns {
                path: path.to_owned(),
                source,
            })
    }
}

fn cell(value: &AnyValue<'_>) -> Cell {
    match value {
        AnyValue::Null => Cell::Null,
        AnyValue::String(text) => Cell::Text((*text).to_owned()),
        AnyValue::StringOwned(text) => Cell::Text(text.to_string()),
        AnyValue::Boolean(truth) => Cell::Truth(*truth),
        AnyValue::Datetime(at, unit, _) => nanos(*at, *unit).map_or(Cell::Null, Cell::Time),
        AnyValue::DatetimeOwned(at, unit, _) => nanos(*at, *unit).map_or(Cell::Null, Cell::Time),
        AnyValue::Float32(number) => Cell::Number(f64::from(*number)),
        AnyValue::Float64(number) => Cell::Number(*number),
        AnyValue::List(items) => Cell::Text(list(items)),
        other if other.is_integer() => other.extract::<i128>().map_or(Cell::Null, Cell::Whole),
        other => Cell::Text(other.to_string()),
    }
}

/// A list as JSON.
fn list(items: &polars::prelude::Series) -> String {
    let items = items.iter().map(|value| match cell(&value) {
        Cell::Null => "null".to_owned(),
        Cell::Text(text) => serde_json::Value::String(text).to_string(),
        Cell::Time(at) => format!("\"{at}\""),
        other => other.to_string(),
    });
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn nanos(at: i64, unit: TimeUnit) -> Option<Timestamp> {
    let factor = match unit {
        TimeUnit::Nanoseconds => 1,
        TimeUnit::Microseconds => 1_000,
        TimeUnit::Milliseconds => 1_000_000,
    };
    at.checked_mul(factor).map(Timestamp)
}

/// A column of times in microseconds since 1970.
pub(super) fn micros(column: &Column) -> Option<Vec<Option<i64>>> {
    let DataType::Datetime(unit, _) = column.dtype() else {
        return None;
    };
    let unit = *unit;
    let cells = column.datetime().ok()?.physical().iter();
    Some(
        cells
            .map(|at| nanos(at?, unit).map(Timestamp::micros))
            .collect(),
    )
}
