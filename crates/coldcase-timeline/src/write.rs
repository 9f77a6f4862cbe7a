//! Writing a part's file. Each column is encoded as it is known: what is told already is not looked for again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use polars::prelude::{CompatLevel, DataFrame, PolarsError, PolarsResult, Schema, SchemaExt as _};
use polars_arrow::array::Array;
use polars_arrow::datatypes::ArrowSchema;
use polars_parquet::read::ParquetError;
use polars_parquet::write::{
    CompressionOptions, Compressor, DynIter, DynStreamingIterator, Encoding,
    FallibleStreamingIterator as _, FileWriter, RowGroupIterColumns, StatisticsOptions, Version,
    WriteOptions, ZstdLevel, array_to_columns,
};

use crate::part_column::{PartColumn, data_type};
use crate::part_rows::PartRows;
use crate::{COLUMNS, TimelineError};

/// Columns that go up by little, mostly.
const RISING: [&str; 5] = ["ts", "ts_ns", "ts_end", "line", "offset"];

/// Writes rows as one file of a dataset.
pub(crate) fn write_rows(path: &Path, rows: &PartRows) -> Result<(), TimelineError> {
    let made = |(name, kind, column): (&'static str, _, &PartColumn)| {
        let array = column.array(name, kind, rows.rows)?;
        Ok((array, encoding(name, column)))
    };
    write(path, rows.rows, rows.named().map(made))
}

/// Writes a frame of the contract's columns likewise.
pub(crate) fn write_frame(path: &Path, frame: &DataFrame) -> Result<(), TimelineError> {
    let made = |(name, _): &(&str, _)| {
        let column = frame.column(name)?;
        let series = column.as_materialized_series().rechunk();
        let array = series.to_arrow(0, CompatLevel::newest());
        let column = PartColumn::Whole(column.clone());
        Ok((array, encoding(name, &column)))
    };
    write(path, frame.height(), COLUMNS.iter().map(made))
}

fn encoding(name: &str, column: &PartColumn) -> Encoding {
    match column {
        PartColumn::Nulls => Encoding::Plain,
        PartColumn::Whole(_) if RISING.contains(&name) => Encoding::DeltaBinaryPacked,
        // Falls back to plain where cells don't repeat.
        _ => Encoding::RleDictionary,
    }
}

type Made = PolarsResult<(Box<dyn Array>, Encoding)>;

fn write(
    path: &Path,
    rows: usize,
    columns: impl Iterator<Item = Made> + Send + Sync,
) -> Result<(), TimelineError> {
    let io = |source| TimelineError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = Noting {
        inner: File::create(path).map_err(io)?,
        failed: None,
    };
    let written = parquet(BufWriter::new(&mut file), rows, columns);
    if let Some(source) = file.failed {
        return Err(io(source));
    }
    written.map_err(|source| TimelineError::Columns {
        path: path.to_owned(),
        source,
    })
}

fn parquet(
    file: impl Write,
    rows: usize,
    columns: impl Iterator<Item = Made> + Send + Sync,
) -> PolarsResult<()> {
    // The first level: a tenth larger than the third, and a third of its time.
    let level = ZstdLevel::try_new(1).ok();
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Zstd(level),
        data_page_size: None,
    };
    let mut writer = FileWriter::try_new(file, schema(), options)?;
    if rows > 0 {
        let types = writer.parquet_schema().fields().to_vec();
        let pages = types.into_iter().zip(columns).flat_map(|(kind, made)| {
            let encoded = made
                .and_then(|(array, encoding)| array_to_columns(array, kind, options, &[encoding]));
            match encoded {
                Ok(columns) => columns.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        let pages = pages.map(|encoded| {
            let failed = |error: PolarsError| ParquetError::FeatureNotSupported(error.to_string());
            let pages = encoded?.map(move |page| page.map_err(failed));
            let compressed = Compressor::new(pages, options.compression, Vec::new());
            Ok(DynStreamingIterator::new(
                compressed.map_err(PolarsError::from),
            ))
        });
        let group: RowGroupIterColumns<'_, PolarsError> = DynIter::new(pages);
        writer.write(rows as u64, group)?;
    }
    writer.end(None)?;
    Ok(())
}

/// The contract's columns as Arrow has them.
fn schema() -> ArrowSchema {
    let mut schema = Schema::with_capacity(COLUMNS.len());
    for (name, kind) in COLUMNS {
        schema.insert(name.into(), data_type(kind));
    }
    schema.to_arrow(CompatLevel::newest())
}

/// Keeps what made writing fail: the Parquet writer's own error buries it (a full disk is damage to it).
struct Noting {
    inner: File,
    failed: Option<io::Error>,
}

impl Noting {
    fn noted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                let kept = error.raw_os_error();
                let kept = kept.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
                self.failed.get_or_insert(kept);
            }
        })
    }
}

impl Write for Noting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.inner.write(bytes);
        self.noted(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.inner.flush();
        self.noted(done)
    }
}
