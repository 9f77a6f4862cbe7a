//! Small files put together: what adders brought in one case at a time.

use crate::add::{ATTEMPTS, finish, place};
use crate::adder::Adder;
use crate::log::Entry;
use crate::parquet::{self, TableWriter};
use crate::{FileEntry, Lake, LakeError, State, TABLES, Table, layout};

/// Files smaller than this are put together: half the size that files should have.
const SMALL: u64 = 60_000_000;
/// Bytes of small files that are put together into one.
const BYTES_A_FILE: u64 = 120_000_000;

/// What packing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Files before.
    pub before: usize,
    /// Files after.
    pub after: usize,
}

/// Puts small files of each table together, as one step a table.
pub fn pack(lake: &Lake) -> Result<Packed, LakeError> {
    let before = lake.state()?.files.len();
    for table in &TABLES {
        pack_table(lake, table)?;
    }
    let after = lake.state()?.files.len();
    Ok(Packed { before, after })
}

fn pack_table(lake: &Lake, table: &'static Table) -> Result<(), LakeError> {
    let mut adder = Adder::new(&lake.root)?;
    for _ in 0..ATTEMPTS {
        let state = lake.state()?;
        let mut entry = Entry::default();
        for group in groups(&state, table.name) {
            let mut writer = TableWriter::new(table, layout::packed(table.name));
            for file in group {
                entry.removed_files.push(file.path.clone());
                parquet::read(&lake.root, file, None, |rows| {
                    writer.push(&mut adder, &file.cases, rows)
                })?;
            }
            let staged = writer.finish(&mut adder)?;
            entry.added_files.extend(place(&mut adder, staged)?);
        }
        if entry.removed_files.is_empty() {
            return Ok(());
        }
        let rewritten = entry.added_paths();
        if finish(lake, &mut adder, &state, entry, &rewritten)? {
            return Ok(());
        }
    }
    Err(LakeError::Busy)
}

/// Small files of a table in groups that make a file each; cases that are near in name come together.
fn groups<'s>(state: &'s State, table: &'s str) -> Vec<Vec<&'s FileEntry>> {
    let mut small: Vec<&FileEntry> = state
        .of_table(table)
        .filter(|file| file.bytes < SMALL)
        .collect();
    small.sort_by(|a, b| (&a.cases, &a.path).cmp(&(&b.cases, &b.path)));
    let mut groups: Vec<Vec<&FileEntry>> = Vec::new();
    let mut bytes = BYTES_A_FILE;
    for file in small {
        if bytes + file.bytes > BYTES_A_FILE {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.bytes;
        if let Some(group) = groups.last_mut() {
            group.push(file);
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}
