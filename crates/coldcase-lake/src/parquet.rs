//! Rows of one table into files of a good size: gathered until a row group is worth it, and cut where a file is full.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use coldcase_timeline::polars::prelude::{DataFrame, SchemaRef};
use polars_io::SerReader as _;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter};
use sha2::{Digest as _, Sha256};

use crate::adder::Adder;
use crate::{FileEntry, LakeError, Table};

/// Rows of a row group: what an engine reads at once, and skips by its statistics.
const ROWS_A_GROUP: usize = 1 << 17;
/// Bytes in memory at which a row group is written, where rows are long.
const BYTES_A_GROUP: usize = 64 << 20;
/// Bytes at which a file is full: 128 MB with what the last row group adds.
const BYTES_A_FILE: u64 = 120_000_000;

/// Writes rows of one table into one folder of a lake.
pub(crate) struct TableWriter {
    table: &'static Table,
    folder: String,
    schema: SchemaRef,
    waiting: Vec<DataFrame>,
    waiting_rows: usize,
    waiting_bytes: usize,
    waiting_cases: BTreeSet<String>,
    open: Option<OpenFile>,
    done: Vec<Staged>,
}

/// A file that is whole and not yet in its place.
pub(crate) struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// What it will be.
    pub entry: FileEntry,
}

struct OpenFile {
    path: String,
    staged: PathBuf,
    writer: BatchedWriter<BufWriter<Hashing>>,
    told: Arc<Mutex<Told>>,
    rows: u64,
    cases: BTreeSet<String>,
}

/// What passed through to a file.
#[derive(Default)]
struct Told {
    hash: Sha256,
    bytes: u64,
    failed: Option<io::Error>,
    file: Option<File>,
}

impl TableWriter {
    pub(crate) fn new(table: &'static Table, folder: String) -> Self {
        Self {
            table,
            folder,
            schema: table.schema(),
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            waiting_cases: BTreeSet::new(),
            open: None,
            done: Vec::new(),
        }
    }

    /// Whether it writes this table.
    pub(crate) fn is_of(&self, table: &Table) -> bool {
        self.table.name == table.name
    }

    /// Takes rows of these cases, in the table's columns.
    pub(crate) fn push<'c>(
        &mut self,
        adder: &mut Adder,
        cases: impl IntoIterator<Item = &'c String>,
        rows: DataFrame,
    ) -> Result<(), LakeError> {
        if rows.height() == 0 {
            return Ok(());
        }
        self.waiting_rows += rows.height();
        self.waiting_bytes += rows.estimated_size();
        self.waiting.push(rows);
        self.waiting_cases.extend(cases.into_iter().cloned());
        if self.waiting_rows >= ROWS_A_GROUP || self.waiting_bytes >= BYTES_A_GROUP {
            self.flush(adder)?;
        }
        Ok(())
    }

    /// Bytes written and about to be, roughly as they will be in files.
    pub(crate) fn bytes(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, OpenFile::bytes);
        let done: u64 = self.done.iter().map(|staged| staged.entry.bytes).sum();
        open + done
    }

    /// Ends the last file.
    pub(crate) fn finish(mut self, adder: &mut Adder) -> Result<Vec<Staged>, LakeError> {
        self.flush(adder)?;
        self.close()?;
        Ok(self.done)
    }

    fn flush(&mut self, adder: &mut Adder) -> Result<(), LakeError> {
        let mut frames = std::mem::take(&mut self.waiting).into_iter();
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let Some(mut whole) = frames.next() else {
            return Ok(());
        };
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenFile::create(adder, &self.folder, &self.schema)?,
        };
        for frame in frames {
            let stacked = whole.vstack_mut_owned(frame).map(drop);
            stacked.map_err(LakeError::columns(&open.staged))?;
        }
        whole.rechunk_mut();
        open.rows += whole.height() as u64;
        open.cases.append(&mut self.waiting_cases);
        let written = open.writer.write_batch(&whole);
        open.check(written)?;
        let is_full = open.bytes() >= BYTES_A_FILE;
        self.open = Some(open);
        if is_full {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), LakeError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let finished = open.writer.finish().map(drop);
        open.check(finished)?;
        let flushed = {
            let told = open.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.file.as_ref().map_or(Ok(()), File::sync_all)
        };
        flushed.map_err(LakeError::io(&open.staged))?;
        let (bytes, sha256) = {
            let told = open.told.lock().unwrap_or_else(PoisonError::into_inner);
            (told.bytes, hex(&told.hash.clone().finalize()))
        };
        self.done.push(Staged {
            entry: FileEntry {
                path: open.path,
                table: self.table.name.to_owned(),
                bytes,
                sha256,
                rows: open.rows,
                cases: open.cases.into_iter().collect(),
            },
            path: open.staged,
        });
        Ok(())
    }
}

impl OpenFile {
    fn create(adder: &mut Adder, folder: &str, schema: &SchemaRef) -> Result<Self, LakeError> {
        let (path, staged) = adder.new_file(folder);
        let told: Arc<Mutex<Told>> = Arc::default();
        let failed = LakeError::io(&staged);
        let file = File::create_new(&staged).map_err(failed)?;
        if let Ok(mut told) = told.lock() {
            told.file = file.try_clone().ok();
        }
        let hashing = Hashing {
            inner: file,
            told: told.clone(),
        };
        let writer = ParquetWriter::new(BufWriter::with_capacity(1 << 20, hashing))
            .with_compression(ParquetCompression::Zstd(None))
            .batched(schema)
            .map_err(LakeError::columns(&staged))?;
        Ok(Self {
            path,
            staged,
            writer,
            told,
            rows: 0,
            cases: BTreeSet::new(),
        })
    }

    fn bytes(&self) -> u64 {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }

    /// The Parquet writer's own error buries what made writing fail: a full disk is damage to it.
    fn check(
        &self,
        done: Result<(), coldcase_timeline::polars::prelude::PolarsError>,
    ) -> Result<(), LakeError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match (told.failed.take(), done) {
            (Some(source), _) => Err(LakeError::io(&self.staged)(source)),
            (None, done) => done.map_err(LakeError::columns(&self.staged)),
        }
    }
}

/// A file that counts and hashes what it takes.
struct Hashing {
    inner: File,
    told: Arc<Mutex<Told>>,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.inner.write(bytes);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match &done {
            Ok(count) => {
                told.bytes += *count as u64;
                told.hash.update(bytes.get(..*count).unwrap_or_default());
            }
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let code = error.raw_os_error();
                let kept = code.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
                told.failed.get_or_insert(kept);
            }
            Err(_) => {}
        }
        done
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows that are read of a file at once.
const ROWS_AT_ONCE: usize = 1 << 17;

/// These columns of a file of a lake, or all, some rows after the others: `take` gets them in the file's order.
pub(crate) fn read(
    root: &Path,
    file: &FileEntry,
    columns: Option<&[String]>,
    mut take: impl FnMut(DataFrame) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let path = root.join(&file.path);
    let rows = usize::try_from(file.rows).unwrap_or(usize::MAX);
    let mut from = 0;
    while from < rows {
        let count = ROWS_AT_ONCE.min(rows - from);
        let frame = ParquetReader::new(open(&path)?)
            .with_columns(columns.map(<[String]>::to_vec))
            .with_slice(Some((from, count)))
            .finish()
            .map_err(|error| LakeError::Damaged {
                path: path.clone(),
                reason: format!("this file of the lake can't be read: {error}"),
            })?;
        if frame.height() != count {
            return Err(LakeError::Damaged {
                path,
                reason: format!(
                    "this file of the lake has other rows than the {rows} that the log says"
                ),
            });
        }
        take(frame)?;
        from += count;
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, LakeError> {
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LakeError::Damaged {
            path: path.to_owned(),
            reason: "this file of the lake is not there (or was taken away while it was read: ask again)".to_owned(),
        },
        _ => LakeError::io(path)(error),
    })
}
