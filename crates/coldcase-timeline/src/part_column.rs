//! A column of a part in memory: nothing, numbers of texts that repeat, or polars' own.

use std::sync::Arc;

use polars::prelude::{
    ChunkTake as _, Column, CompatLevel, DataType, IdxCa, IdxSize, IntoColumn as _, PolarsResult,
    StringChunked, TimeUnit, TimeZone,
};
use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use crate::schema::ColumnType;
use crate::words::{NO_TEXT, Words};

/// One column; rows are known by who holds it.
#[derive(Debug, Clone)]
pub(crate) enum PartColumn {
    /// No row has a cell.
    Nulls,
    /// Texts that repeat, and the number of each row's.
    Words {
        texts: StringChunked,
        rows: Arc<[u16]>,
    },
    /// Anything else.
    Whole(Column),
}

impl PartColumn {
    /// Texts that repeat.
    pub fn words(texts: StringChunked, rows: Vec<u16>) -> Self {
        let rows = rows.into();
        Self::Words { texts, rows }
    }

    /// The rows at these places.
    pub fn take(&self, places: &IdxCa) -> PolarsResult<Self> {
        match self {
            Self::Nulls => Ok(Self::Nulls),
            Self::Whole(column) => column.take(places).map(Self::Whole),
            Self::Words { texts, rows } => {
                let number = |place| rows.get(place as usize).copied().unwrap_or(NO_TEXT);
                let rows = places.into_no_null_iter().map(number).collect();
                compact(texts, rows)
            }
        }
    }

    /// Bytes held, roughly.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Nulls => 0,
            Self::Words { texts, rows } => {
                rows.len() * size_of::<u16>() + column_bytes(&texts.clone().into_column())
            }
            Self::Whole(column) => column_bytes(column),
        }
    }

    /// Rows that have one of these texts.
    pub fn rows_of(&self, wanted: &[&str]) -> Vec<IdxSize> {
        let is_wanted = |text: Option<&str>| text.is_some_and(|text| wanted.contains(&text));
        match self {
            Self::Nulls => Vec::new(),
            Self::Words { texts, rows } => {
                let wanted: Vec<bool> = texts.iter().map(is_wanted).collect();
                let has = |number: &u16| wanted.get(usize::from(*number)) == Some(&true);
                numbers_where(rows.iter().map(has))
            }
            Self::Whole(column) => {
                let rows = column.str().map(|texts| texts.iter().map(is_wanted));
                rows.map_or_else(|_| Vec::new(), numbers_where)
            }
        }
    }

    /// The rows at these places as polars has them.
    pub fn column_at(&self, name: &str, kind: ColumnType, places: &IdxCa) -> PolarsResult<Column> {
        match self {
            Self::Words { texts, rows } => {
                let number = |place| rows.get(place as usize).copied().unwrap_or(NO_TEXT);
                let numbers: Vec<u16> = places.into_no_null_iter().map(number).collect();
                spelled(texts, &numbers, name)
            }
            other => other.take(places)?.column(name, kind, places.len()),
        }
    }

    /// As polars has it.
    pub fn column(&self, name: &str, kind: ColumnType, length: usize) -> PolarsResult<Column> {
        match self {
            Self::Nulls => Ok(Column::full_null(name.into(), length, &data_type(kind))),
            Self::Whole(column) => Ok(column.clone()),
            Self::Words { texts, rows } => spelled(texts, rows, name),
        }
    }

    /// As Arrow has it, for writing.
    pub fn array(
        &self,
        name: &str,
        kind: ColumnType,
        length: usize,
    ) -> PolarsResult<Box<dyn Array>> {
        match self {
            Self::Words { texts, rows } => {
                let number = |number: &u16| if *number == NO_TEXT { 0 } else { *number };
                let numbers: Vec<u16> = rows.iter().map(number).collect();
                let numbers = PrimitiveArray::from_vec(numbers).with_validity(known(rows));
                let texts = texts.rechunk().downcast_as_array().clone().boxed();
                Ok(DictionaryArray::try_from_keys(numbers, texts, false)?.boxed())
            }
            other => {
                let column = other.column(name, kind, length)?;
                let series = column.as_materialized_series().rechunk();
                Ok(series.to_arrow(0, CompatLevel::newest()))
            }
        }
    }
}

impl From<Words> for PartColumn {
    fn from(words: Words) -> Self {
        let (texts, rows) = words.finish();
        if texts.is_empty() {
            Self::Nulls
        } else {
            Self::words(texts, rows)
        }
    }
}

/// The numbers of rows of which it is so.
fn numbers_where(rows: impl Iterator<Item = bool>) -> Vec<IdxSize> {
    let rows = (0..).zip(rows);
    rows.filter(|(_, is_so)| *is_so)
        .map(|(row, _)| row)
        .collect()
}

/// Numbered rows as polars has them.
fn spelled(texts: &StringChunked, rows: &[u16], name: &str) -> PolarsResult<Column> {
    let place = |number: &u16| {
        if *number == NO_TEXT {
            0
        } else {
            IdxSize::from(*number)
        }
    };
    let places: Vec<IdxSize> = rows.iter().map(place).collect();
    let places = IdxCa::from_vec_validity("".into(), places, known(rows));
    Ok(texts.take(&places)?.with_name(name.into()).into_column())
}

/// Texts in numbers, without those that no row has.
fn compact(texts: &StringChunked, mut rows: Vec<u16>) -> PolarsResult<PartColumn> {
    let mut used = vec![false; texts.len()];
    for number in &rows {
        if let Some(used) = used.get_mut(usize::from(*number)) {
            *used = true;
        }
    }
    let left = used.iter().filter(|used| **used).count();
    if left == 0 {
        return Ok(PartColumn::Nulls);
    }
    if left == used.len() {
        return Ok(PartColumn::words(texts.clone(), rows));
    }
    let mut numbers = vec![NO_TEXT; used.len()];
    let mut places: Vec<IdxSize> = Vec::with_capacity(left);
    for ((place, used), number) in (0..).zip(used).zip(&mut numbers) {
        if used {
            *number = u16::try_from(places.len()).unwrap_or(NO_TEXT);
            places.push(place);
        }
    }
    for number in &mut rows {
        *number = numbers
            .get(usize::from(*number))
            .copied()
            .unwrap_or(NO_TEXT);
    }
    let texts = texts.take(&IdxCa::from_vec("".into(), places))?;
    Ok(PartColumn::words(texts, rows))
}

/// Which rows have a text, unless all do.
fn known(rows: &[u16]) -> Option<Bitmap> {
    let has_nulls = rows.contains(&NO_TEXT);
    has_nulls.then(|| rows.iter().map(|number| *number != NO_TEXT).collect())
}

/// Bytes held by a column of polars, roughly.
pub(crate) fn column_bytes(column: &Column) -> usize {
    column.as_materialized_series().estimated_size()
}

/// Polars' type of a column.
pub(crate) fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        ColumnType::Text => DataType::String,
        ColumnType::Long => DataType::Int64,
        ColumnType::Int => DataType::Int32,
    }
}
