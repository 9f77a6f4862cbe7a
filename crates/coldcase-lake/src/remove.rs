//! Cases out of a lake: files of theirs alone go, files that they share with others are written again without them.

use std::collections::BTreeSet;

use crate::add::{ATTEMPTS, finish, place};
use crate::adder::Adder;
use crate::log::Entry;
use crate::parquet::{self, TableWriter};
use crate::{FileEntry, Lake, LakeError, State, frames, layout, table};

/// Removes cases, as one step.
pub fn remove(lake: &Lake, names: &[String]) -> Result<(), LakeError> {
    let mut adder = Adder::new(&lake.root)?;
    for _ in 0..ATTEMPTS {
        let state = lake.state()?;
        if let Some(name) = names.iter().find(|name| !state.cases.contains_key(*name)) {
            let known = state.cases.keys().map(String::as_str);
            return Err(LakeError::NoCase {
                name: name.clone(),
                near: coldcase_model::nearest(name, known).map(str::to_owned),
            });
        }
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        let entry = without(lake, &mut adder, &state, &names)?;
        let rewritten = entry.added_paths();
        if finish(lake, &mut adder, &state, entry, &rewritten)? {
            return Ok(());
        }
    }
    Err(LakeError::Busy)
}

/// The entry that takes these cases out; what has to be written again is put in place.
pub(crate) fn without(
    lake: &Lake,
    adder: &mut Adder,
    state: &State,
    names: &[String],
) -> Result<Entry, LakeError> {
    let mut entry = Entry {
        removed_cases: names.to_vec(),
        ..Entry::default()
    };
    if names.is_empty() {
        return Ok(entry);
    }
    let names: BTreeSet<&String> = names.iter().collect();
    for file in state.files.values() {
        if !file.cases.iter().any(|case| names.contains(case)) {
            continue;
        }
        entry.removed_files.push(file.path.clone());
        if !file.cases.iter().all(|case| names.contains(case)) {
            entry.added_files.extend(again(lake, adder, file, &names)?);
        }
    }
    Ok(entry)
}

/// A file again without the rows of these cases.
fn again(
    lake: &Lake,
    adder: &mut Adder,
    file: &FileEntry,
    names: &BTreeSet<&String>,
) -> Result<Vec<FileEntry>, LakeError> {
    let unknown = || LakeError::Damaged {
        path: lake.root.join(&file.path),
        reason: format!(
            "is of a table {} that this program doesn't know",
            file.table
        ),
    };
    let table = table(&file.table).ok_or_else(unknown)?;
    let stay: Vec<&String> = file
        .cases
        .iter()
        .filter(|case| !names.contains(case))
        .collect();
    let kept_names: BTreeSet<&str> = stay.iter().map(|name| name.as_str()).collect();
    let mut writer = TableWriter::new(table, layout::packed(table.name));
    parquet::read(&lake.root, file, None, |rows| {
        let kept = frames::rows_where(&rows, "case_name", |case| {
            case.is_some_and(|case| kept_names.contains(case))
        });
        let kept = kept.map_err(LakeError::columns(file.path.as_ref()))?;
        writer.push(adder, stay.iter().copied(), kept)
    })?;
    let staged = writer.finish(adder)?;
    place(adder, staged)
}
