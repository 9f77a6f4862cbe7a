//! The Parquet dataset: batches are sealed to a part each when full; small ones gather until they are.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use polars::frame::DataFrame;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

use crate::{Batch, Timeline, TimelineError};

/// Rows at which a batch is sealed: parts of some MB, and a few such batches in memory at a time.
const ROWS_A_PART: usize = 1 << 17;
/// Bytes at which a batch is sealed, where rows are long.
const BYTES_A_PART: usize = 128 << 20;

/// One file of the dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartInfo {
    /// Where.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: usize,
    /// Actions that occur in it, sorted.
    pub actions: Vec<String>,
}

/// Writes a dataset; shared by all ingest tasks.
pub struct DatasetWriter {
    folder: PathBuf,
    next: AtomicUsize,
    gathered: Mutex<Batch>,
    parts: Mutex<Vec<PartInfo>>,
}

impl DatasetWriter {
    /// A writer into this folder, which is made if need be; parts of an earlier run in it are removed.
    pub fn create(folder: &Path) -> Result<Self, TimelineError> {
        let failed = |source| TimelineError::Io {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("part-") && name.ends_with(".parquet") {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            next: AtomicUsize::new(0),
            gathered: Mutex::new(Batch::default()),
            parts: Mutex::new(Vec::new()),
        })
    }

    /// A writer that adds to the parts of a timeline in this folder.
    pub fn append(folder: &Path, timeline: &Timeline) -> Self {
        let numbers = timeline.parts.iter().filter_map(|part| {
            let name = part.path.file_stem()?.to_str()?;
            name.strip_prefix("part-")?.parse::<usize>().ok()
        });
        Self {
            folder: folder.to_owned(),
            next: AtomicUsize::new(numbers.max().map_or(0, |last| last + 1)),
            gathered: Mutex::new(Batch::default()),
            parts: Mutex::new(timeline.parts.clone()),
        }
    }

    /// Whether a batch should be handed over now.
    pub fn is_full(batch: &Batch) -> bool {
        batch.rows() >= ROWS_A_PART || (batch.rows() % 4096 == 4095 && batch.size() >= BYTES_A_PART)
    }

    /// Takes a batch: a full one is sealed, others gather.
    pub fn hand_over(&self, batch: Batch) -> Result<(), TimelineError> {
        let full = {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            if batch.rows() >= ROWS_A_PART / 2 || batch.size() >= BYTES_A_PART / 2 {
                Some(batch)
            } else {
                gathered.append(batch);
                let full = gathered.rows() >= ROWS_A_PART || gathered.size() >= BYTES_A_PART;
                full.then(|| std::mem::take(&mut *gathered))
            }
        };
        full.map_or(Ok(()), |batch| self.seal(batch))
    }

    /// Seals what is left and gives the parts in order of name.
    pub fn finish(self) -> Result<Vec<PartInfo>, TimelineError> {
        let rest =
            std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if rest.rows() > 0 || self.next.load(Ordering::Relaxed) == 0 {
            self.seal(rest)?;
        }
        let mut parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(parts)
    }

    fn seal(&self, batch: Batch) -> Result<(), TimelineError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("part-{number:05}.parquet"));
        let columns = |source| TimelineError::Columns {
            path: path.clone(),
            source,
        };
        let rows = batch.rows();
        let actions = batch.actions().into_iter().map(str::to_owned).collect();
        let frame = batch.into_frame().map_err(columns)?;
        write_part(&path, frame)?;
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(PartInfo {
            path,
            rows,
            actions,
        });
        Ok(())
    }
}

/// Writes a frame of the contract's columns as one file of a dataset.
pub(crate) fn write_part(path: &Path, mut frame: DataFrame) -> Result<(), TimelineError> {
    let io = |source| TimelineError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = Noting {
        inner: File::create(path).map_err(io)?,
        failed: None,
    };
    let written = ParquetWriter::new(BufWriter::new(&mut file))
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
        .finish(&mut frame);
    if let Some(source) = file.failed {
        return Err(io(source));
    }
    written.map_err(|source| TimelineError::Columns {
        path: path.to_owned(),
        source,
    })?;
    Ok(())
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
