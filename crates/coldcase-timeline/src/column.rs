//! Columns under construction. One that gets no cell costs nothing a row; texts that repeat are kept once.

use polars::prelude::{
    ChunkedArray, Column, IntoColumn as _, IntoSeries as _, PolarsNumericType, StringChunked,
};
use polars_arrow::array::{MutablePlString, PrimitiveArray};
use polars_arrow::bitmap::MutableBitmap;

use crate::part_column::PartColumn;
use crate::words::Words;

/// Bytes of a text's view, beside the text.
const VIEW: usize = 16;

/// Texts in rows.
#[derive(Default)]
pub(crate) enum TextColumn {
    /// No cell yet.
    #[default]
    Empty,
    /// Texts repeat.
    Words(Words),
    /// Most are different.
    Plain(MutablePlString),
}

impl TextColumn {
    /// Adds the cell of this row; rows before the first cell are null. Gives the bytes taken.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: Option<&str>) -> usize {
        match self {
            Self::Empty if text.is_none() => 0,
            Self::Empty => {
                let mut words = Words::nulls(row);
                let taken = words.push(text) + row * size_of::<u16>();
                *self = Self::Words(words);
                taken
            }
            Self::Words(words) => {
                let taken = words.push(text);
                if words.is_worth() {
                    return taken;
                }
                *self = Self::Plain(words.spelled());
                taken + row * VIEW
            }
            Self::Plain(cells) => {
                cells.push(text);
                VIEW + text.map_or(0, str::len)
            }
        }
    }

    /// Adds another column's rows, so many, after so many of this one.
    pub(crate) fn append(&mut self, rows: usize, other: Self, more: usize) {
        let other = match other {
            Self::Empty if matches!(self, Self::Empty) => return,
            Self::Empty => Self::Words(Words::nulls(more)),
            other => other,
        };
        if let Self::Empty = self {
            *self = Self::Words(Words::nulls(rows));
        }
        if let (Self::Words(words), Self::Words(more)) = (&mut *self, &other)
            && words.append(more)
        {
            return;
        }
        let mut cells = std::mem::take(self).spelled();
        cells.extend_from_array(&other.spelled().freeze());
        *self = Self::Plain(cells);
    }

    fn spelled(self) -> MutablePlString {
        match self {
            Self::Empty => MutablePlString::new(),
            Self::Words(words) => words.spelled(),
            Self::Plain(cells) => cells,
        }
    }

    pub(crate) fn finish(self, name: &'static str) -> PartColumn {
        match self {
            Self::Empty => PartColumn::Nulls,
            Self::Words(words) => words.into(),
            Self::Plain(cells) => {
                let cells = StringChunked::with_chunk(name.into(), cells.freeze());
                PartColumn::Whole(cells.into_column())
            }
        }
    }
}

/// Numbers in rows.
pub(crate) struct NumberColumn<T: PolarsNumericType> {
    /// A number a row; none before the first cell.
    cells: Vec<T::Native>,
    /// Which rows have one, unless all do.
    known: Option<MutableBitmap>,
}

impl<T: PolarsNumericType> Default for NumberColumn<T> {
    fn default() -> Self {
        let (cells, known) = (Vec::new(), None);
        Self { cells, known }
    }
}

impl<T: PolarsNumericType> NumberColumn<T> {
    /// As for texts.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, number: Option<T::Native>) -> usize {
        if self.cells.is_empty() {
            if number.is_none() {
                return 0;
            }
            self.pad(row);
        }
        self.cells.push(number.unwrap_or_default());
        match (&mut self.known, number) {
            (None, Some(_)) => {}
            (Some(known), number) => known.push(number.is_some()),
            (None, None) => {
                let mut known = MutableBitmap::from_len_set(self.cells.len() - 1);
                known.push(false);
                self.known = Some(known);
            }
        }
        size_of::<T::Native>()
    }

    /// Rows without a number at the end.
    fn pad(&mut self, rows: usize) {
        if rows > 0 {
            let before = self.cells.len();
            let known = &mut self.known;
            let known = known.get_or_insert_with(|| MutableBitmap::from_len_set(before));
            known.extend_constant(rows, false);
            self.cells.resize(before + rows, T::Native::default());
        }
    }

    /// As for texts.
    pub(crate) fn append(&mut self, rows: usize, other: Self, more: usize) {
        if self.cells.is_empty() {
            if other.cells.is_empty() {
                return;
            }
            self.pad(rows);
        }
        if other.cells.is_empty() {
            return self.pad(more);
        }
        match (&mut self.known, other.known) {
            (None, None) => {}
            (known, others) => {
                let known = known.get_or_insert_with(|| MutableBitmap::from_len_set(rows));
                match others {
                    Some(others) => known.extend_from_bitmap(&others.freeze()),
                    None => known.extend_constant(more, true),
                }
            }
        }
        self.cells.extend(other.cells);
    }

    pub(crate) fn finish(self, name: &'static str) -> Option<ChunkedArray<T>> {
        if self.cells.is_empty() {
            return None;
        }
        let dtype = T::get_static_dtype().to_arrow(polars::prelude::CompatLevel::newest());
        let known = self.known.map(MutableBitmap::freeze);
        let cells = PrimitiveArray::new(dtype, self.cells.into(), known);
        Some(ChunkedArray::with_chunk(name.into(), cells))
    }
}

/// A column of numbers as a part holds it.
pub(crate) fn sealed<T: PolarsNumericType>(cells: Option<ChunkedArray<T>>) -> PartColumn
where
    ChunkedArray<T>: polars::prelude::IntoSeries,
{
    cells.map_or(PartColumn::Nulls, |cells| {
        PartColumn::Whole(Column::from(cells.into_series()))
    })
}
