//! The timeline as one sorted file: Parquet, CSV or JSON lines, in the contract's columns or Timesketch's.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use coldcase_model::Timestamp;
use coldcase_timeline::{COLUMNS, ColumnType, Selection, Timeline, TimelineError};
use serde_json::{Map, Value};

use crate::for_csv;

/// Kinds of export files, by their ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values, formula cells made harmless.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl ExportFormat {
    /// The kind that a file's ending chooses.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
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
    /// Timesketch takes text files only.
    #[error("the timesketch profile is for .csv and .jsonl files")]
    Profile,
}

/// Longest text that Timesketch's index takes, in bytes.
const TIMESKETCH_LONGEST: usize = 32_766;

/// Writes the whole timeline, sorted, into this file.
pub fn export(
    timeline: &Timeline,
    path: &Path,
    format: ExportFormat,
    profile: Profile,
) -> Result<u64, ExportError> {
    let rows = timeline.all()?;
    let file = BufWriter::new(File::create(path)?);
    match (format, profile) {
        (ExportFormat::Parquet, Profile::Coldcase) => rows.write_parquet(file, path)?,
        (ExportFormat::Parquet, Profile::Timesketch) => return Err(ExportError::Profile),
        (ExportFormat::Csv, _) => csv(&rows, file, profile)?,
        (ExportFormat::Jsonl, _) => jsonl(&rows, file, profile)?,
    }
    Ok(rows.rows() as u64)
}

fn csv(rows: &Selection, file: impl Write, profile: Profile) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let extra = ["datetime", "timestamp_desc"];
    let names = COLUMNS.iter().map(|(name, _)| *name);
    match profile {
        Profile::Coldcase => writer.write_record(names)?,
        Profile::Timesketch => writer.write_record(extra.into_iter().chain(names))?,
    }
    let (times, ends) = (rows.longs("ts_ns"), rows.end_micros());
    for row in 0..rows.rows() {
        let ns = times.get(row).copied().flatten();
        let mut cells: Vec<String> = Vec::with_capacity(COLUMNS.len() + 2);
        if profile == Profile::Timesketch {
            let Some(ns) = ns else { continue };
            cells.push(timesketch_time(ns));
            cells.push(for_csv(rows.text("action", row).unwrap_or("event")));
        }
        for (name, kind) in COLUMNS {
            cells.push(match kind {
                ColumnType::Time if name == "ts" => ns.map(micros_text).unwrap_or_default(),
                ColumnType::Time => ends
                    .get(row)
                    .copied()
                    .flatten()
                    .map(|us| Timestamp(us.saturating_mul(1000)).to_string())
                    .unwrap_or_default(),
                ColumnType::Long => rows
                    .long(name, row)
                    .map(|value| value.to_string())
                    .unwrap_or_default(),
                ColumnType::Int => rows
                    .int(name, row)
                    .map(|value| value.to_string())
                    .unwrap_or_default(),
                ColumnType::Text => for_csv(cut(rows.text(name, row).unwrap_or_default(), profile)),
            });
        }
        writer.write_record(&cells)?;
    }
    writer.flush()
}

fn jsonl(rows: &Selection, mut file: impl Write, profile: Profile) -> io::Result<()> {
    let (times, ends) = (rows.longs("ts_ns"), rows.end_micros());
    for row in 0..rows.rows() {
        let ns = times.get(row).copied().flatten();
        let mut object = Map::new();
        if profile == Profile::Timesketch {
            let Some(ns) = ns else { continue };
            object.insert("datetime".into(), timesketch_time(ns).into());
            object.insert("timestamp".into(), (ns.div_euclid(1000)).into());
            object.insert(
                "timestamp_desc".into(),
                rows.text("action", row).unwrap_or("event").into(),
            );
        }
        for (name, kind) in COLUMNS {
            let value = match kind {
                ColumnType::Time if name == "ts" => ns.map(|ns| micros_text(ns).into()),
                ColumnType::Time => ends
                    .get(row)
                    .copied()
                    .flatten()
                    .map(|us| Timestamp(us.saturating_mul(1000)).to_string().into()),
                ColumnType::Long => rows.long(name, row).map(Value::from),
                ColumnType::Int => rows.int(name, row).map(Value::from),
                ColumnType::Text => rows.text(name, row).map(|text| cut(text, profile).into()),
            };
            if let Some(value) = value {
                object.insert(name.into(), value);
            }
        }
        serde_json::to_writer(&mut file, &object)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// `ts` is a column of microseconds.
fn micros_text(ns: i64) -> String {
    Timestamp(ns.div_euclid(1000) * 1000).to_string()
}

/// ISO 8601 with an offset, as Timesketch's importer wants it.
fn timesketch_time(ns: i64) -> String {
    Timestamp(ns)
        .to_utc()
        .format("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

fn cut(text: &str, profile: Profile) -> &str {
    if profile == Profile::Coldcase || text.len() <= TIMESKETCH_LONGEST {
        return text;
    }
    let end = (0..=TIMESKETCH_LONGEST)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
