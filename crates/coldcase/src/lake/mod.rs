//! Case folders into a lake: what of a case becomes rows of which table. The lake itself is `coldcase-lake`'s.

mod content;
mod rows;

use std::path::{Path, PathBuf};

use coldcase_lake::{Added, Lake, LakeError};

use crate::{CaseError, SavedCaseError};

/// Why a case doesn't come into a lake.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The case can't be read.
    #[error(transparent)]
    Case(#[from] SavedCaseError),
    /// The lake can't take it.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Its name can't be told.
    #[error("{0}: has no name of its own; give it one with --as NAME")]
    NoName(PathBuf),
    /// Findings or identities can't be made again from it.
    #[error(transparent)]
    Read(#[from] CaseError),
}

/// Adds case folders to a lake, which is made where there is none. A case is named after its folder, or as told.
pub fn add_cases(
    root: &Path,
    folders: &[PathBuf],
    name: Option<&str>,
    replace: bool,
) -> Result<Added<AddError>, AddError> {
    let mut cases = Vec::with_capacity(folders.len());
    for folder in folders {
        let name = name.map(str::to_owned).or_else(|| name_of(folder));
        let name = name.ok_or_else(|| AddError::NoName(folder.clone()))?;
        cases.push((name, folder.clone()));
    }
    let lake = Lake::open_or_create(root)?;
    coldcase_lake::add(&lake, &cases, replace, &mut |name, folder| {
        content::load(name, folder)
    })
}

/// The last part of a folder's path, as it is on the disk.
fn name_of(folder: &Path) -> Option<String> {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    Some(real.file_name()?.to_string_lossy().into_owned())
}
