//! The timeline as one sorted file: Parquet, CSV or JSON lines in the contract's columns, or what another program
//! reads: Timesketch, the Elastic Common Schema, log2timeline's CSV, mactime's body file.

mod body_file;
mod ecs;
mod l2t;
mod table;

use std::io::{self, Write};
use std::path::Path;

use coldcase_model::Timestamp;
use coldcase_timeline::{Selection, TimelineError};
use serde_json::{Map, Value};

/// Kinds of export files, by their ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values, formula cells made harmless.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Lines of another shape: `.body`, `.txt`.
    Text,
}

impl ExportFormat {
    /// The kind that a file's ending chooses.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "body" | "bodyfile" | "txt" => Some(Self::Text),
            _ => None,
        }
    }
}

/// Which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The contract's.
    #[default]
    Coldcase,
    /// Timesketch's: `message`, `datetime`, `timestamp_desc` first, then the contract's.
    Timesketch,
    /// The Elastic Common Schema.
    Ecs,
    /// The 17 columns of log2timeline's `l2t_csv`.
    L2t,
    /// The body file of The Sleuth Kit 3, as `mactime` reads it: of rows about files.
    BodyFile,
}

impl Profile {
    /// The kinds of files that it can be written to, by their endings.
    pub fn endings(self) -> &'static [(ExportFormat, &'static str)] {
        match self {
            Self::Coldcase => &[
                (ExportFormat::Parquet, ".parquet"),
                (ExportFormat::Csv, ".csv"),
                (ExportFormat::Jsonl, ".jsonl"),
            ],
            Self::Timesketch => &[(ExportFormat::Csv, ".csv"), (ExportFormat::Jsonl, ".jsonl")],
            Self::Ecs => &[(ExportFormat::Jsonl, ".jsonl")],
            Self::L2t => &[(ExportFormat::Csv, ".csv")],
            Self::BodyFile => &[(ExportFormat::Text, ".body")],
        }
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The timeline can't be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// Writing failed.
    #[error("{0}")]
    Write(#[from] io::Error),
    /// The profile can't be written to such a file.
    #[error("the profile can't be written to such a file")]
    Profile,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Rows of the timeline that are in the file.
    pub rows: usize,
    /// Rows that are not, since the profile has no place for them: without a time, or not about files.
    pub left_out: usize,
}

/// Writes rows, sorted as they are; `path` is for messages.
pub fn export(
    rows: &Selection,
    out: impl Write,
    path: &Path,
    format: ExportFormat,
    profile: Profile,
) -> Result<Exported, ExportError> {
    let written = match (profile, format) {
        (Profile::Coldcase, ExportFormat::Parquet) => {
            rows.write_parquet(out, path)?;
            rows.rows()
        }
        (Profile::Coldcase | Profile::Timesketch, ExportFormat::Csv) => {
            table::csv(rows, out, profile)?
        }
        (Profile::Coldcase | Profile::Timesketch, ExportFormat::Jsonl) => {
            table::jsonl(rows, out, profile)?
        }
        (Profile::Ecs, ExportFormat::Jsonl) => ecs::jsonl(rows, out)?,
        (Profile::L2t, ExportFormat::Csv) => l2t::csv(rows, out)?,
        (Profile::BodyFile, ExportFormat::Text) => body_file::lines(rows, out)?,
        _ => return Err(ExportError::Profile),
    };
    Ok(Exported {
        rows: written,
        left_out: rows.rows().saturating_sub(written),
    })
}

/// One row, as profiles read it.
struct Row<'a> {
    rows: &'a Selection,
    at: usize,
    attributes: Map<String, Value>,
}

impl<'a> Row<'a> {
    fn of(rows: &'a Selection, at: usize) -> Self {
        let attributes = rows.text("attributes", at);
        let attributes = attributes.and_then(|text| serde_json::from_str(text).ok());
        Self {
            rows,
            at,
            attributes: attributes.unwrap_or_default(),
        }
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.rows.text(name, self.at)
    }

    fn long(&self, name: &str) -> Option<i64> {
        self.rows.long(name, self.at)
    }

    fn port(&self, name: &str) -> Option<i32> {
        self.rows.int(name, self.at)
    }

    fn at(&self) -> Option<Timestamp> {
        self.long("ts_ns").map(Timestamp)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }
}
