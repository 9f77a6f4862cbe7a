//! What records say: texts of some cases' rows, file by file.

use std::collections::BTreeSet;

use coldcase_timeline::polars::prelude::Column;

use crate::{Lake, LakeError, State, frames, parquet};

/// Gives case, file, line, offset and text of each row of these cases. `columns`: their names in the table.
pub fn texts_of(
    lake: &Lake,
    state: &State,
    table: &str,
    columns: [&str; 4],
    cases: &BTreeSet<&String>,
    mut take: impl FnMut(&str, &str, Option<i64>, Option<i64>, &str),
) -> Result<(), LakeError> {
    let [file, line, offset, text] = columns;
    let names = ["case_name", file, line, offset, text].map(str::to_owned);
    let concerned = |entry: &&crate::FileEntry| entry.cases.iter().any(|case| cases.contains(case));
    for entry in state.of_table(table).filter(concerned) {
        parquet::read(&lake.root, entry, Some(&names), |rows| {
            let longs = |name: &str| {
                let column = rows.column(name).and_then(Column::i64);
                column.map_or_else(
                    |_| vec![None; rows.height()],
                    |cells| cells.iter().collect(),
                )
            };
            let (lines, offsets) = (longs(line), longs(offset));
            let of_case = frames::texts(&rows, "case_name");
            let (files, texts) = (frames::texts(&rows, file), frames::texts(&rows, text));
            let places = lines.into_iter().zip(offsets);
            for (((case, file), text), (line, offset)) in
                of_case.into_iter().zip(files).zip(texts).zip(places)
            {
                if let (Some(case), Some(file)) = (case, file) {
                    take(case, file, line, offset, text.unwrap_or_default());
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
