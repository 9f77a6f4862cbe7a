//! One who writes into a lake: a folder of its own that a lock shows to be in use, files made there and put in place
//! when whole. What was put in place without an entry in the log is taken away again.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::log::sync_folder;
use crate::{LakeError, layout};

/// The lock in a writer's folder.
const LOCK: &str = "lock";
/// Where locks can't be had, a writer's folder younger than this counts as in use.
const IN_USE: Duration = Duration::from_hours(24);

/// One who writes into a lake.
pub(crate) struct Adder {
    root: PathBuf,
    folder: TempDir,
    id: String,
    /// Held as long as this lives; the system lets it go when the process ends, however it ends.
    _lock: File,
    made: usize,
    placed: Vec<PathBuf>,
    is_kept: bool,
}

impl Adder {
    pub(crate) fn new(root: &Path) -> Result<Self, LakeError> {
        let adding = layout::adding(root);
        let failed = LakeError::io(&adding);
        fs::create_dir_all(&adding).map_err(LakeError::io(&adding))?;
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("").rand_bytes(12).tempdir_in(&adding);
        let folder = folder.map_err(failed)?;
        let lock = File::create(folder.path().join(LOCK)).map_err(LakeError::io(folder.path()))?;
        match lock.lock() {
            Ok(()) => {}
            // No locks on this file system: age tells then.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let _ = fs::remove_file(folder.path().join(LOCK));
            }
            Err(source) => return Err(LakeError::io(folder.path())(source)),
        }
        let id = folder.path().file_name().unwrap_or_default();
        Ok(Self {
            root: root.to_owned(),
            id: id.to_string_lossy().into_owned(),
            folder,
            _lock: lock,
            made: 0,
            placed: Vec::new(),
            is_kept: false,
        })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A name for a new file of a folder of the lake, and where to make it first.
    pub(crate) fn new_file(&mut self, folder: &str) -> (String, PathBuf) {
        self.made += 1;
        let name = format!("part-{}-{:05}.parquet", self.id, self.made);
        let staged = self.folder.path().join(format!("{:05}", self.made));
        (format!("{folder}/{name}"), staged)
    }

    /// Puts a file that is whole in its place.
    pub(crate) fn place(&mut self, staged: &Path, path: &str) -> Result<(), LakeError> {
        let target = self.root.join(path);
        let parent = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(LakeError::io(parent))?;
        self.placed.push(target.clone());
        let placed = match fs::rename(staged, &target) {
            // A remove may take an empty folder away between the two steps.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(parent).and_then(|()| fs::rename(staged, &target))
            }
            other => other,
        };
        placed.map_err(LakeError::io(&target))?;
        sync_folder(parent);
        Ok(())
    }

    /// Takes back what was put in place for an entry that another one came before.
    pub(crate) fn take_back(&mut self, path: &str) {
        let target = self.root.join(path);
        self.placed.retain(|placed| *placed != target);
        take_away(&self.root, std::iter::once(target.as_path()));
    }

    /// What was put in place is in the log.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Adder {
    fn drop(&mut self) {
        if !self.is_kept {
            take_away(&self.root, self.placed.iter().map(PathBuf::as_path));
        }
    }
}

/// Removes files, and folders that become empty by it; what can't be removed is for `check` to name.
pub(crate) fn take_away<'p>(root: &Path, paths: impl Iterator<Item = &'p Path>) {
    for path in paths {
        let _ = fs::remove_file(path);
        let parents = path.ancestors().skip(1);
        for folder in parents.take_while(|folder| *folder != root) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Who wrote a file, by its name.
pub(crate) fn writer(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_prefix("part-")?;
    Some(name.rsplit_once('-')?.0)
}

/// Whether a writer of this id is at work.
pub(crate) fn is_at_work(root: &Path, id: &str) -> bool {
    let folder = layout::adding(root).join(id);
    let Ok(about) = fs::metadata(&folder) else {
        return false;
    };
    match File::open(folder.join(LOCK)) {
        Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => {
            let age = about.modified().ok().and_then(|since| since.elapsed().ok());
            age.is_none_or(|age| age < IN_USE)
        }
    }
}
