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
    WriteOptions, array_to_columns,
};

use crate::part_column::{PartColumn, data_type};
use crate::part_rows::PartRows;
use crate::{COLUMNS, ColumnType, TimelineError};

/// A column ready to be written.
struct Made {
    array: Box<dyn Array>,
    encoding: Encoding,
    compression: CompressionOptions,
    statistics: StatisticsOptions,
}

/// How many cells are null, and no more.
const COUNT_ONLY: StatisticsOptions = StatisticsOptions {
    min_value: false,
    max_value: false,
    distinct_count: false,
    null_count: true,
    binary_statistics_truncate_length: None,
};

/// Writes rows as one file of a dataset.
pub(crate) fn write_rows(path: &Path, rows: &PartRows) -> Result<(), TimelineError> {
    let made = |(name, kind, column): (&'static str, _, &PartColumn)| {
        let array = column.array(name, kind, rows.rows)?;
        Ok(match (column, kind) {
            // Nothing to encode and to compress.
            (PartColumn::Nulls, _) => Made {
                array,
                encoding: Encoding::Plain,
                compression: CompressionOptions::Uncompressed,
                statistics: StatisticsOptions::default(),
            },
            (PartColumn::Words { .. }, _) => made(array, Encoding::RleDictionary),
            // The least and the greatest of texts that differ tell no reader which parts to leave out.
            (PartColumn::Whole(_), ColumnType::Text) => Made {
                statistics: COUNT_ONLY,
                ..made(array, Encoding::Plain)
            },
            // Times and places go up by little, and what doesn't is no longer than as it is.
            (PartColumn::Whole(_), _) => made(array, Encoding::DeltaBinaryPacked),
        })
    };
    write(path, rows.rows, rows.named().map(made))
}

/// Writes a frame of the contract's columns likewise.
pub(crate) fn write_frame(path: &Path, frame: &DataFrame) -> Result<(), TimelineError> {
    let made = |(name, kind): &(&str, _)| {
        let series = frame.column(name)?.as_materialized_series().rechunk();
        let array = series.to_arrow(0, CompatLevel::newest());
        // Falls back to plain where texts don't repeat.
        Ok(match kind {
            ColumnType::Text => made(array, Encoding::RleDictionary),
            _ => made(array, Encoding::DeltaBinaryPacked),
        })
    };
    write(path, frame.height(), COLUMNS.iter().map(made))
}

fn made(array: Box<dyn Array>, encoding: Encoding) -> Made {
    // Files are 1.4 times as large as with zstd's first level, which took a twelfth of the whole job.
    let compression = CompressionOptions::Lz4Raw;
    Made {
        array,
        encoding,
        compression,
        statistics: StatisticsOptions::default(),
    }
}

fn write(
    path: &Path,
    rows: usize,
    columns: impl Iterator<Item = PolarsResult<Made>> + Send + Sync,
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
    columns: impl Iterator<Item = PolarsResult<Made>> + Send + Sync,
) -> PolarsResult<()> {
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        // Each column has its own.
        compression: CompressionOptions::Uncompressed,
        data_page_size: None,
    };
    let mut writer = FileWriter::try_new(file, schema(), options)?;
    if rows > 0 {
        let types = writer.parquet_schema().fields().to_vec();
        let pages = types.into_iter().zip(columns).flat_map(|(kind, made)| {
            let encoded = made.and_then(|made| {
                let options = WriteOptions {
                    statistics: made.statistics,
                    ..options
                };
                let columns = array_to_columns(made.array, kind, options, &[made.encoding])?;
                Ok(columns
                    .into_iter()
                    .map(move |pages| Ok((pages, made.compression))))
            });
            match encoded {
                Ok(columns) => columns.collect(),
                Err(error) => vec![Err(error)],
            }
        });
        let pages = pages.map(|encoded| {
            let failed = |error: PolarsError| ParquetError::FeatureNotSupported(error.to_string());
            let (pages, compression) = encoded?;
            let pages = pages.map(move |page| page.map_err(failed));
            let compressed = Compressor::new(pages, compression, Vec::new());
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
