//! Columns under construction. One that gets no cell costs nothing a row.

use polars::prelude::{
    ChunkFullNull as _, ChunkedArray, ChunkedBuilder as _, PolarsNumericType,
    PrimitiveChunkedBuilder, StringChunked, StringChunkedBuilder,
};

/// Bytes of a text's view, beside the text.
const VIEW: usize = 16;

/// Texts in rows.
#[derive(Default)]
pub(crate) struct TextColumn {
    cells: Option<StringChunkedBuilder>,
}

impl TextColumn {
    /// Adds the cell of this row; rows before the first cell are null. Gives the bytes taken.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: Option<&str>) -> usize {
        match (text, &mut self.cells) {
            (None, None) => 0,
            (None, Some(cells)) => {
                cells.append_null();
                VIEW
            }
            (Some(text), Some(cells)) => {
                cells.append_value(text);
                VIEW + text.len()
            }
            (Some(text), None) => {
                let mut cells = StringChunkedBuilder::new("".into(), row + 1);
                (0..row).for_each(|_| cells.append_null());
                cells.append_value(text);
                self.cells = Some(cells);
                VIEW * (row + 1) + text.len()
            }
        }
    }

    pub(crate) fn finish(self, name: &'static str, rows: usize) -> StringChunked {
        match self.cells {
            Some(cells) => cells.finish().with_name(name.into()),
            None => StringChunked::full_null(name.into(), rows),
        }
    }
}

/// Numbers in rows.
pub(crate) struct NumberColumn<T: PolarsNumericType> {
    cells: Option<PrimitiveChunkedBuilder<T>>,
}

impl<T: PolarsNumericType> Default for NumberColumn<T> {
    fn default() -> Self {
        Self { cells: None }
    }
}

impl<T: PolarsNumericType> NumberColumn<T> {
    /// As for texts.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, number: Option<T::Native>) -> usize {
        match (number, &mut self.cells) {
            (None, None) => 0,
            (number, Some(cells)) => {
                cells.append_option(number);
                size_of::<T::Native>()
            }
            (Some(number), None) => {
                let mut cells = PrimitiveChunkedBuilder::new("".into(), row + 1);
                (0..row).for_each(|_| cells.append_null());
                cells.append_value(number);
                self.cells = Some(cells);
                size_of::<T::Native>() * (row + 1)
            }
        }
    }

    pub(crate) fn finish(self, name: &'static str, rows: usize) -> ChunkedArray<T> {
        match self.cells {
            Some(cells) => cells.finish().with_name(name.into()),
            None => ChunkedArray::full_null(name.into(), rows),
        }
    }
}
