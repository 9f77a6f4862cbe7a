//! A folder of a run's own for work that is not finished. It goes with the run; what a killed run left is
//! recognised by its name and by a lock that nobody holds any more, and removed by the next run at the same place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file in each of them that its run keeps locked.
const MARKER: &str = ".coldcase-run";
/// New names tried where another run takes the folder for a dead one before it is locked.
const TRIES: usize = 8;

/// A folder of a run's own; removed when dropped.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    /// Locked as long as the run lives.
    marker: Option<File>,
}

impl WorkFolder {
    /// Makes one below `parent`, its name beginning with `prefix`, and removes those of the same prefix whose run
    /// is gone. `rescue` sees each of these before.
    pub fn create(parent: &Path, prefix: &str, rescue: &dyn Fn(&Path)) -> io::Result<Self> {
        let mut made = None;
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new()
                .prefix(prefix)
                .rand_bytes(8)
                .tempdir_in(parent)?
                .keep();
            if let Some(marker) = mark(&folder)? {
                made = Some(Self {
                    path: folder,
                    marker: Some(marker),
                });
                break;
            }
        }
        let made = made.ok_or_else(|| {
            io::Error::other("another run removes the folders of this one; try again")
        })?;
        made.sweep(parent, prefix, rescue);
        Ok(made)
    }

    /// One in the folder for temporary files.
    pub fn temporary(prefix: &str) -> io::Result<Self> {
        Self::create(&std::env::temp_dir(), prefix, &|_| {})
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it where it is; later runs don't touch it.
    pub fn keep(mut self) -> PathBuf {
        let _ = fs::remove_file(self.path.join(MARKER));
        self.marker = None;
        std::mem::take(&mut self.path)
    }

    fn sweep(&self, parent: &Path, prefix: &str, rescue: &dyn Fn(&Path)) {
        let Ok(entries) = fs::read_dir(parent) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let is_named = name.as_encoded_bytes().starts_with(prefix.as_bytes());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !is_named || !is_folder || path == self.path {
                continue;
            }
            if is_same_owner(&self.path, &path) {
                sweep_one(&path, rescue);
            }
        }
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            remove(&self.path);
        }
    }
}

/// Removes a folder if its run is gone.
fn sweep_one(folder: &Path, rescue: &dyn Fn(&Path)) {
    let marker = match File::open(folder.join(MARKER)) {
        Ok(marker) => marker,
        Err(_) => {
            // Killed right after it was made or right before it was gone: empty. What holds more is not ours.
            let _ = fs::remove_dir(folder);
            return;
        }
    };
    if marker.try_lock().is_ok() {
        rescue(folder);
        remove(folder);
    }
}

/// The marker goes last: what is left half removed is still known for what it is.
fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() == MARKER {
            continue;
        }
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
            _ => fs::remove_file(entry.path()),
        };
    }
    if fs::read_dir(folder).is_ok_and(|rest| rest.count() <= 1) {
        let _ = fs::remove_file(folder.join(MARKER));
        let _ = fs::remove_dir(folder);
    }
}

/// Makes and locks the marker; `None` where another run was faster in taking the folder for a dead one.
fn mark(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(MARKER);
    let marker = match File::create_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match marker.try_lock() {
        // A file system without locks: nobody else can lock it either, so it is never taken for a dead one.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
    }
    Ok(path.exists().then_some(marker))
}

#[cfg(unix)]
fn is_same_owner(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path| {
        fs::symlink_metadata(path)
            .map(|metadata| metadata.uid())
            .ok()
    };
    owner(a).is_some() && owner(a) == owner(b)
}

#[cfg(not(unix))]
fn is_same_owner(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_dead_are_removed_and_the_living_are_not() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let at = parent.path();
        let living = WorkFolder::create(at, ".x-", &|_| {}).expect("a folder");
        let dead = at.join(".x-dead");
        fs::create_dir_all(dead.join("deep/down")).expect("folders");
        fs::write(dead.join("deep/down/file"), "x").expect("writes");
        fs::write(dead.join(MARKER), "").expect("writes");
        fs::create_dir(at.join(".x-empty")).expect("a folder");
        fs::create_dir(at.join(".x-foreign")).expect("a folder");
        fs::write(at.join(".x-foreign/notes"), "x").expect("writes");
        fs::create_dir(at.join(".y-other")).expect("a folder");
        fs::write(at.join(".y-other").join(MARKER), "").expect("writes");
        let seen = std::cell::RefCell::new(Vec::new());
        let note = |path: &Path| seen.borrow_mut().push(path.to_owned());
        let next = WorkFolder::create(at, ".x-", &note).expect("a folder");
        assert_eq!(seen.into_inner(), [dead]);
        let left = names(at);
        let expected = [
            ".x-foreign".to_owned(),
            ".y-other".to_owned(),
            name_of(living.path()),
            name_of(next.path()),
        ];
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(left, expected);
        drop((living, next));
        assert_eq!(names(at), [".x-foreign", ".y-other"]);
    }

    fn name_of(path: &Path) -> String {
        let name = path.file_name().expect("a name");
        name.to_string_lossy().into_owned()
    }

    #[test]
    fn what_is_kept_is_no_longer_a_run_s() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let folder = WorkFolder::create(parent.path(), ".x-", &|_| {}).expect("a folder");
        fs::write(folder.path().join("work"), "x").expect("writes");
        let kept = folder.keep();
        drop(WorkFolder::create(parent.path(), ".x-", &|_| {}).expect("a folder"));
        assert_eq!(names(&kept), ["work"]);
    }
}
