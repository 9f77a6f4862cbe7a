//! Rows of some artifacts taken out of a dataset again, before these are read anew. Parts without such rows stay as they
//! are; parts of nothing else go.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use polars::frame::DataFrame;
use polars::prelude::{BooleanChunked, NewChunkedArray as _};

use crate::select::read_columns;
use crate::selection::texts;
use crate::write::write_frame;
use crate::{COLUMNS, PartInfo, Timeline, TimelineError};

impl Timeline {
    /// The same dataset without the rows of these files.
    pub fn without_files(self, files: &BTreeSet<&str>) -> Result<Self, TimelineError> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            parts.extend(without(part, files)?);
        }
        Ok(Self { parts })
    }
}

fn without(part: PartInfo, files: &BTreeSet<&str>) -> Result<Option<PartInfo>, TimelineError> {
    let io = |source| TimelineError::Io {
        path: part.path.clone(),
        source,
    };
    let names = read_columns(&part, &["file"])?;
    let stays: Vec<bool> = texts(&names, "file")
        .into_iter()
        .map(|file| file.is_none_or(|file| !files.contains(file)))
        .collect();
    let rows = stays.iter().filter(|stays| **stays).count();
    if rows == stays.len() {
        return Ok(Some(part));
    }
    if rows == 0 {
        part.kept.forget(&part.path);
        fs::remove_file(&part.path).map_err(io)?;
        return Ok(None);
    }
    let all: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    // A run that ends here leaves the old part or the new one, never half of one.
    let beside = part.path.with_extension("new");
    let actions = write_some(&part.path, read_columns(&part, &all)?, &stays, &beside)?;
    fs::rename(&beside, &part.path).map_err(io)?;
    part.kept.forget(&part.path);
    Ok(Some(PartInfo {
        path: part.path,
        rows,
        actions,
        kept: part.kept,
    }))
}

/// Writes those rows of a part, of which it has all columns, that the mask keeps; gives their actions.
pub(crate) fn write_some(
    part: &Path,
    frame: DataFrame,
    stays: &[bool],
    to: &Path,
) -> Result<Vec<String>, TimelineError> {
    let mask = BooleanChunked::from_slice("stays".into(), stays);
    let frame = frame.filter(&mask);
    let frame = frame.map_err(|source| TimelineError::Columns {
        path: part.to_owned(),
        source,
    })?;
    write_frame(to, &frame)?;
    let actions: BTreeSet<&str> = texts(&frame, "action").into_iter().flatten().collect();
    Ok(actions.into_iter().map(str::to_owned).collect())
}
