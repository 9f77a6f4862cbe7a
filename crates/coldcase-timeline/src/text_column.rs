//! A text column under construction: all bytes in one buffer, no allocation a cell.

/// Optional texts in rows.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    bytes: String,
    /// End of each row's text in `bytes`; `None` where the cell is null.
    cells: Vec<Option<(usize, usize)>>,
}

impl TextColumn {
    pub(crate) fn push(&mut self, text: Option<&str>) {
        let cell = text.map(|text| {
            let start = self.bytes.len();
            self.bytes.push_str(text);
            (start, self.bytes.len())
        });
        self.cells.push(cell);
    }

    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        let (start, end) = (*self.cells.get(row)?)?;
        self.bytes.get(start..end)
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let shift = self.bytes.len();
        self.bytes.push_str(&other.bytes);
        self.cells.extend(
            other
                .cells
                .iter()
                .map(|cell| cell.map(|(start, end)| (start + shift, end + shift))),
        );
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.cells.len() * size_of::<Option<(usize, usize)>>()
    }
}
