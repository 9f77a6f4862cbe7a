//! One file of the bundle.

use std::path::PathBuf;

/// One file of the bundle, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Path in the bundle, with `/` between its parts.
    pub path: String,
    /// Where it lies now (below a temporary folder for members of an archive).
    pub disk: PathBuf,
    /// Size as stored.
    pub bytes: u64,
    /// Index into the bundle's case files.
    pub bundle: usize,
    /// Why it can't be opened (a link, a device, no permission), if so.
    pub unreadable: Option<String>,
    /// Where a symbolic link points.
    pub link_target: Option<String>,
    /// Whether it is an archive whose members are artifacts of their own.
    pub is_archive: bool,
}

impl Artifact {
    /// The first part of its path, if the artifact lies below a folder.
    pub fn top_folder(&self) -> Option<&str> {
        self.path.split_once('/').map(|(top, _)| top)
    }
}
