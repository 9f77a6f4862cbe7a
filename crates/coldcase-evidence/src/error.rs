//! What ends a run before any artifact is read. Messages say what to do.

use std::path::PathBuf;

/// Why a bundle can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The path does not exist.
    #[error("{0}: no such file or folder; give the folder (or archive) that holds the evidence")]
    Missing(PathBuf),
    /// The folder holds no file.
    #[error("{0}: holds no file; give the folder that holds the evidence")]
    Empty(PathBuf),
    /// Neither folder nor archive nor regular file.
    #[error(
        "{0}: neither a folder nor a regular file; give the folder (or archive) that holds the evidence"
    )]
    NotAFile(PathBuf),
    /// Reading failed.
    #[error("{path}: {source}; check that you may read it")]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `case.toml` is wrong.
    #[error("{path}: {reason}")]
    CaseFile {
        /// Where.
        path: PathBuf,
        /// Why, and what is expected.
        reason: String,
    },
    /// An archive that can't be unpacked at all, or that passes a limit.
    #[error("{path}: {reason}")]
    Archive {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no room to unpack an archive.
    #[error(
        "{path}: can't be unpacked into {folder}: {source}; make room there, or set TMPDIR to a folder that has it"
    )]
    NoRoom {
        /// Which archive.
        path: PathBuf,
        /// Where to.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder for temporary files lies inside the evidence.
    #[error(
        "{folder}: temporary files would lie inside the evidence, which is never written to; set TMPDIR to another folder"
    )]
    TemporaryInside {
        /// Which.
        folder: PathBuf,
    },
    /// An indicator file that can't be read.
    #[error("{path}: {reason}")]
    Indicators {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
