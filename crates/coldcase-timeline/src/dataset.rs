//! The Parquet dataset: batches are sealed when full; small ones gather until they are. Actions of which a batch has many rows
//! get parts of their own, so that who looks for others need not open them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{DataFrame, IdxCa, IdxSize, PolarsResult};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use polars_parquet::write::ZstdLevel;

use crate::kept_columns::KeptColumns;
use crate::order::sorted;
use crate::select::texts;
use crate::{Batch, Timeline, TimelineError};

/// Rows at which a batch is sealed: parts of some MB, and a few such batches in memory at a time.
const ROWS_A_PART: usize = 1 << 16;
/// Bytes at which a batch is sealed, where rows are long.
const BYTES_A_PART: usize = 64 << 20;

/// Rows of one action from which it gets a part of its own.
const ROWS_OF_AN_ACTION: usize = 1 << 14;

/// One file of the dataset.
#[derive(Debug, Clone)]
pub struct PartInfo {
    /// Where.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: usize,
    /// Actions that occur in it, sorted.
    pub actions: Vec<String>,
    /// Columns read before.
    pub(crate) kept: Arc<KeptColumns>,
}

/// Writes a dataset; shared by all ingest tasks.
pub struct DatasetWriter {
    folder: PathBuf,
    next: AtomicUsize,
    gathered: Mutex<Gathered>,
    parts: Mutex<Vec<PartInfo>>,
    kept: Arc<KeptColumns>,
}

/// Small batches that wait for others.
#[derive(Default)]
struct Gathered {
    batches: Vec<Batch>,
    rows: usize,
    size: usize,
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
            gathered: Mutex::default(),
            parts: Mutex::default(),
            kept: Arc::default(),
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
            gathered: Mutex::default(),
            parts: Mutex::new(timeline.parts.clone()),
            kept: timeline
                .parts
                .first()
                .map_or_else(Arc::default, |part| part.kept.clone()),
        }
    }

    /// Whether a batch should be handed over now.
    pub fn is_full(batch: &Batch) -> bool {
        batch.rows() >= ROWS_A_PART || batch.size() >= BYTES_A_PART
    }

    /// Takes a batch: a full one is sealed, others gather.
    pub fn hand_over(&self, batch: Batch) -> Result<(), TimelineError> {
        if batch.rows() >= ROWS_A_PART / 2 || batch.size() >= BYTES_A_PART / 2 {
            return self.seal(vec![batch]);
        }
        let full = {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.rows += batch.rows();
            gathered.size += batch.size();
            gathered.batches.push(batch);
            let full = gathered.rows >= ROWS_A_PART || gathered.size >= BYTES_A_PART;
            full.then(|| std::mem::take(&mut *gathered))
        };
        full.map_or(Ok(()), |gathered| self.seal(gathered.batches))
    }

    /// Seals what is left and gives the parts in order of name.
    pub fn finish(self) -> Result<Vec<PartInfo>, TimelineError> {
        let rest =
            std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if rest.rows > 0 {
            self.seal(rest.batches)?;
        } else if self.next.load(Ordering::Relaxed) == 0 {
            self.seal(vec![Batch::default()])?;
        }
        let mut parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(parts)
    }

    fn seal(&self, batches: Vec<Batch>) -> Result<(), TimelineError> {
        let columns = |source| TimelineError::Columns {
            path: self.folder.clone(),
            source,
        };
        let mut actions: Vec<&str> = batches.iter().flat_map(Batch::actions).collect();
        actions.sort_unstable();
        actions.dedup();
        let mut whole: Option<DataFrame> = None;
        for batch in batches {
            let frame = batch.into_frame().map_err(columns)?;
            match &mut whole {
                None => whole = Some(frame),
                Some(whole) => {
                    whole.vstack_mut_owned(frame).map_err(columns)?;
                }
            }
        }
        let mut whole = whole.unwrap_or_default();
        whole.rechunk_mut();
        let whole = sorted(whole).map_err(columns)?;
        for (actions, frame) in by_action(whole, actions).map_err(columns)? {
            self.write(actions, frame)?;
        }
        Ok(())
    }

    fn write(&self, actions: Vec<String>, frame: DataFrame) -> Result<(), TimelineError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("part-{number:05}.parquet"));
        write_part(&path, frame.clone())?;
        self.kept.keep_all(&path, &frame);
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(PartInfo {
            path,
            rows: frame.height(),
            actions,
            kept: self.kept.clone(),
        });
        Ok(())
    }
}

/// A sorted frame, with actions of many rows apart.
fn by_action(
    frame: DataFrame,
    actions: Vec<&'static str>,
) -> PolarsResult<Vec<(Vec<String>, DataFrame)>> {
    let owned = |actions: &[&str]| actions.iter().map(|one| (*one).to_owned()).collect();
    if actions.len() < 2 || frame.height() < ROWS_OF_AN_ACTION {
        return Ok(vec![(owned(&actions), frame)]);
    }
    let mut rows: BTreeMap<&str, Vec<IdxSize>> = BTreeMap::new();
    for (row, action) in texts(&frame, "action").into_iter().enumerate() {
        let rows = rows.entry(action.unwrap_or_default()).or_default();
        rows.extend(IdxSize::try_from(row));
    }
    let (large, small): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|(_, rows)| rows.len() >= ROWS_OF_AN_ACTION);
    let take = |rows: Vec<IdxSize>| frame.take(&IdxCa::from_vec("row".into(), rows));
    let mut parts = Vec::new();
    for (action, rows) in large {
        parts.push((owned(&[action]), take(rows)?));
    }
    if !small.is_empty() {
        let actions: Vec<&str> = small.iter().map(|(action, _)| *action).collect();
        let mut rows: Vec<IdxSize> = small.into_iter().flat_map(|(_, rows)| rows).collect();
        rows.sort_unstable();
        parts.push((owned(&actions), take(rows)?));
    }
    Ok(parts)
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
    // The first level: a tenth larger than the third, and a third of its time.
    let level = ZstdLevel::try_new(1).ok();
    let written = ParquetWriter::new(BufWriter::new(&mut file))
        .with_compression(ParquetCompression::Zstd(level))
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
