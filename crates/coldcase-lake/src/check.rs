//! Is a lake what its log says: every file there, whole and as it was written, nothing beside.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::adder::{is_at_work, take_away, writer};
use crate::parquet::hex;
use crate::{FileEntry, Lake, LakeError, TABLES, layout};

/// Looks at a lake that others change, before giving up.
const ROUNDS: usize = 10;

/// Something about a lake that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A file is not there.
    Missing(FileTrouble),
    /// A file has another size.
    Size(FileTrouble),
    /// A file has other bytes.
    Content(FileTrouble),
    /// A file can't be read.
    Unreadable(FileTrouble),
    /// A case has other rows in its files than were added.
    NoRows(String),
    /// A file that the log doesn't know, of a writer that ended early.
    Leftover(PathBuf),
    /// A file that coldcase did not write.
    Foreign(PathBuf),
}

/// What is wrong with a file, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTrouble {
    /// Below the lake.
    pub path: String,
    /// In words.
    pub what: String,
    /// Cases that have rows in it.
    pub cases: Vec<String>,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Cases.
    pub cases: usize,
    /// Files that are as they were written.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Writers at work meanwhile.
    pub at_work: usize,
    /// In order.
    pub troubles: Vec<Trouble>,
}

/// Checks a lake: sizes, and the hashes of all bytes where asked. Where others change it meanwhile, it is looked at anew.
pub fn check(lake: &Lake, hashes: bool) -> Result<Checked, LakeError> {
    for _ in 0..ROUNDS {
        let before = lake.state()?.entries;
        let checked = check_once(lake, hashes)?;
        if checked.troubles.is_empty() || lake.state()?.entries == before {
            return Ok(checked);
        }
    }
    Err(LakeError::Busy)
}

fn check_once(lake: &Lake, hashes: bool) -> Result<Checked, LakeError> {
    // In this order: a writer whose files are listed here is at work, or ended, and then the log read last knows.
    let found = files(&lake.root)?;
    let (at_work, ended) = writers(&lake.root)?;
    let state = lake.state()?;
    let mut checked = Checked {
        cases: state.cases.len(),
        at_work: at_work.len(),
        ..Checked::default()
    };
    for file in state.files.values() {
        match trouble(&lake.root, file, hashes) {
            None => {
                checked.files += 1;
                checked.bytes += file.bytes;
            }
            Some(trouble) => checked.troubles.push(trouble),
        }
    }
    let timeline: u64 = state.of_table("timeline").map(|file| file.rows).sum();
    let added: u64 = state.cases.values().map(|case| case.rows).sum();
    if timeline != added {
        checked.troubles.push(Trouble::NoRows(format!(
            "the timeline's files hold {timeline} rows, the cases were added with {added}"
        )));
    }
    for path in found {
        if state.files.contains_key(&path) {
            continue;
        }
        let target = lake.root.join(&path);
        match writer(&path) {
            Some(id) if at_work.contains(id) => {}
            Some(_) if target.exists() => checked.troubles.push(Trouble::Leftover(target)),
            Some(_) => {}
            None => checked.troubles.push(Trouble::Foreign(target)),
        }
    }
    checked
        .troubles
        .extend(ended.into_iter().map(Trouble::Leftover));
    checked.troubles.sort();
    Ok(checked)
}

/// Takes away what writers left that ended early. Nothing that the log knows is touched.
pub fn clean(lake: &Lake, checked: &Checked) {
    for trouble in &checked.troubles {
        if let Trouble::Leftover(path) = trouble {
            if path.starts_with(layout::adding(&lake.root)) {
                let _ = fs::remove_dir_all(path);
            } else {
                take_away(&lake.root, std::iter::once(path.as_path()));
            }
        }
    }
}

fn trouble(root: &Path, file: &FileEntry, hashes: bool) -> Option<Trouble> {
    let path = root.join(&file.path);
    let about = |what: String| FileTrouble {
        path: file.path.clone(),
        what,
        cases: file.cases.clone(),
    };
    let bytes = match fs::metadata(&path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Some(Trouble::Missing(about("is missing".to_owned())));
        }
        Err(error) => return Some(Trouble::Unreadable(about(error.to_string()))),
    };
    if bytes != file.bytes {
        let what = format!(
            "has {bytes} bytes, not {}: it is half copied or was changed",
            file.bytes
        );
        return Some(Trouble::Size(about(what)));
    }
    if !hashes {
        return None;
    }
    match sha256(&path) {
        Ok(hash) if hash == file.sha256 => None,
        Ok(_) => Some(Trouble::Content(about(
            "has other bytes than were written".to_owned(),
        ))),
        Err(error) => Some(Trouble::Unreadable(about(error.to_string()))),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, LakeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LakeError::io(folder)(error)),
    };
    entries
        .map(|entry| entry.map_err(LakeError::io(folder)))
        .collect()
}

/// All files of all tables, as paths below the lake.
fn files(root: &Path) -> Result<Vec<String>, LakeError> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = TABLES.iter().map(|table| root.join(table.name)).collect();
    while let Some(folder) = open.pop() {
        for entry in entries(&folder)? {
            let kind = entry.file_type().map_err(LakeError::io(&folder))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Ids of writers at work, and folders of those that ended early.
fn writers(root: &Path) -> Result<(BTreeSet<String>, Vec<PathBuf>), LakeError> {
    let folder = layout::adding(root);
    let (mut at_work, mut ended) = (BTreeSet::new(), Vec::new());
    for entry in entries(&folder)? {
        let id = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().exists() {
            continue;
        }
        if is_at_work(root, &id) {
            at_work.insert(id);
        } else if entry.path().exists() {
            ended.push(entry.path());
        }
    }
    Ok((at_work, ended))
}
