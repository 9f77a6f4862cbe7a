//! The Parquet dataset: batches are sealed when full; small ones gather until they are. Actions of which a batch has many rows
//! get parts of their own, so that who looks for others need not open them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{IdxCa, PolarsResult};

use crate::kept_columns::KeptColumns;
use crate::part_rows::PartRows;
use crate::write::write_rows;
use crate::{Batch, Timeline, TimelineError};

/// Rows at which a batch is sealed: parts of some MB, and a few such batches in memory at a time.
const ROWS_A_PART: usize = 1 << 17;
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
        let mut whole = Batch::default();
        for batch in batches {
            whole.append(batch);
        }
        let mut parts = whole.finish(ROWS_OF_AN_ACTION);
        if parts.is_empty() {
            parts.push(PartRows::default());
        }
        for rows in parts {
            let rows = in_order(rows).map_err(|source| TimelineError::Columns {
                path: self.folder.clone(),
                source,
            })?;
            self.write(rows)?;
        }
        Ok(())
    }

    fn write(&self, rows: PartRows) -> Result<(), TimelineError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("part-{number:05}.parquet"));
        write_rows(&path, &rows)?;
        let (length, actions) = (rows.rows, rows.actions());
        self.kept.keep_all(&path, &rows);
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(PartInfo {
            path,
            rows: length,
            actions,
            kept: self.kept.clone(),
        });
        Ok(())
    }
}

/// Rows in the timeline's order.
fn in_order(rows: PartRows) -> PolarsResult<PartRows> {
    match rows.order() {
        None => Ok(rows),
        Some(order) => rows.take(&IdxCa::from_vec("row".into(), order)),
    }
}
