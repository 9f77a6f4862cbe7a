//! Why the timeline can't be written or read.

use std::path::PathBuf;

/// Why the timeline can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Parquet or column work failed.
    #[error("{path}: {source}")]
    Columns {
        /// Which file or step.
        path: PathBuf,
        /// Why.
        source: polars::error::PolarsError,
    },
}
