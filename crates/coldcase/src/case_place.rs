//! Where a case comes to lie, and how: it is made in a folder beside its place, brought to the disk, and put in
//! place as one step. A run that ends early leaves the place as it was.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use coldcase_evidence::WorkFolder;
use coldcase_timeline::Timeline;
use serde::Deserialize;

use crate::output_place::{self, WRITTEN};
use crate::{CaseError, incremental, swap};

/// The case inside a run's folder.
const NEW: &str = "case";
/// The case that was in its place before, where it had to be moved aside.
const OLD: &str = "old";
/// Parts of the case in its place, while a run takes over from them.
const TAKEN: &str = "taken";
/// Longest part of a case's name that its run's folder bears: names end at 255 bytes.
const LONGEST_NAME: usize = 160;

/// The place of a case, and the folder that it is made in.
pub(crate) struct CasePlace {
    /// Without links.
    target: PathBuf,
    parent: PathBuf,
    work: Option<WorkFolder>,
}

/// What is at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    EmptyFolder,
    Case,
}

impl CasePlace {
    /// Whether a case can come there; nothing is written yet.
    pub(crate) fn new(output: &Path) -> Result<Self, CaseError> {
        let target = output_place::resolve(output);
        let parent = target.parent().map(Path::to_owned);
        let parent = parent.ok_or_else(|| refused(output, "is no place for a case"))?;
        look(&target)?;
        let stands_in = std::env::current_dir().and_then(|path| path.canonicalize());
        if stands_in.is_ok_and(|folder| folder.starts_with(&target)) {
            let reason = "is the folder that you are in, and is replaced as a whole";
            return Err(refused(output, reason));
        }
        if swap::is_mount_point(&target) {
            let reason = format!(
                "a file system is mounted there, so that a case can't be put there in one step; \
                 take a folder in it: {}",
                output.join(NEW).display()
            );
            return Err(refused(output, &reason));
        }
        Ok(Self {
            target,
            parent,
            work: None,
        })
    }

    /// Makes the folder that the case is made in, and removes those of killed runs.
    pub(crate) fn begin(&mut self) -> Result<PathBuf, CaseError> {
        let failed = |source| CaseError::Output {
            path: self.target.clone(),
            source,
        };
        fs::create_dir_all(&self.parent).map_err(failed)?;
        let target = &self.target;
        let rescue = |left: &Path| rescue(left, target);
        let work = WorkFolder::create(&self.parent, &prefix(target), &rescue).map_err(failed)?;
        let folder = work.path().join(NEW);
        fs::create_dir(&folder).map_err(failed)?;
        self.work = Some(work);
        Ok(folder)
    }

    /// The case in its place, once a run has begun; whether there is one is not asked.
    pub(crate) fn earlier(&self) -> Option<incremental::Place> {
        let work = self.work.as_ref()?;
        Some(incremental::Place {
            case: self.target.clone(),
            parts: work.path().join(TAKEN),
        })
    }

    /// Puts the finished case in its place.
    pub(crate) fn publish(&mut self) -> Result<(), CaseError> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let folder = work.path().join(NEW);
        sync_tree(&folder).map_err(|source| CaseError::Output {
            path: self.target.clone(),
            source,
        })?;
        match self.put(&work) {
            Ok(()) => {
                sync_folder(&self.parent);
                Ok(())
            }
            Err(error) => Err(CaseError::NotInPlace {
                path: self.target.clone(),
                reason: error.to_string(),
                kept: work.keep().join(NEW),
            }),
        }
    }

    fn put(&self, work: &WorkFolder) -> Result<(), CaseError> {
        let folder = work.path().join(NEW);
        let done = match look(&self.target)? {
            Held::Nothing | Held::EmptyFolder => fs::rename(&folder, &self.target),
            Held::Case => match swap::exchange(&folder, &self.target) {
                Err(error) if swap::is_unsupported(&error) => {
                    put_aside(&folder, &self.target, &work.path().join(OLD))
                }
                done => done,
            },
        };
        done.map_err(|source| CaseError::Output {
            path: self.target.clone(),
            source,
        })
    }
}

/// Writes a file as one step: `write` is given one of the same ending beside it, which then takes its name. What is no
/// regular file (a pipe, a device) is written itself.
pub fn replace_file<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let target = output_place::resolve(path);
    let is_other = fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file());
    let (Some(parent), Some(name), false) = (target.parent(), target.file_name(), is_other) else {
        return write(path);
    };
    let work = WorkFolder::create(parent, &prefix(&target), &|_| {})?;
    let new = work.path().join(name);
    let written = write(&new)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, &target)?;
    sync_folder(parent);
    Ok(written)
}

/// Two renames, where the file system can't exchange: between them the place is empty, and the next run there goes on
/// with the second ([`rescue`]).
fn put_aside(new: &Path, target: &Path, old: &Path) -> io::Result<()> {
    fs::rename(target, old)?;
    fs::rename(new, target).inspect_err(|_| {
        let _ = fs::rename(old, target);
    })
}

/// What a run left that was killed between two renames is put in place.
fn rescue(left: &Path, target: &Path) {
    let (old, new) = (left.join(OLD), left.join(NEW));
    let is_between = old.is_dir() && fs::symlink_metadata(target).is_err();
    if is_between && fs::rename(new, target).is_err() {
        let _ = fs::rename(old, target);
    }
}

/// How the names of folders begin that cases of this place are made in.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut end = name.len().min(LONGEST_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name.get(..end).unwrap_or_default();
    format!(".{name}.coldcase-run-")
}

fn refused(path: &Path, reason: &str) -> CaseError {
    CaseError::Occupied {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// What is at the place; an error where it may not be replaced.
fn look(target: &Path) -> Result<Held, CaseError> {
    let metadata = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Nothing),
        other => other.map_err(|source| CaseError::Output {
            path: target.to_owned(),
            source,
        })?,
    };
    if !metadata.is_dir() {
        return Err(refused(target, "is no folder"));
    }
    let names = names(target).map_err(|source| CaseError::Output {
        path: target.to_owned(),
        source,
    })?;
    if names.is_empty() {
        return Ok(Held::EmptyFolder);
    }
    if !is_case(target) {
        let reason = "holds files but no case, so it is not replaced; empty it first";
        return Err(refused(target, reason));
    }
    let mut foreign = names
        .iter()
        .filter(|name| !WRITTEN.contains(&name.as_str()));
    match foreign.next() {
        None => Ok(Held::Case),
        Some(name) => {
            let reason = format!(
                "holds {name}, which no run wrote, and would be replaced with it; move it away first"
            );
            Err(refused(target, &reason))
        }
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

#[derive(Deserialize)]
struct Told {
    tool: Tool,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
}

fn is_case(folder: &Path) -> bool {
    let told = File::open(folder.join("case.json")).map(io::BufReader::new);
    let told = told.map(serde_json::from_reader::<_, Told>);
    told.is_ok_and(|told| told.is_ok_and(|told| told.tool.name == "coldcase"))
}

/// Brings a folder and all in it to the disk: a power cut after the renaming finds the whole case.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder);
    Ok(())
}

/// Brings parts to the disk early: [`CasePlace::publish`] does not wait for them then, and tells what fails.
pub(crate) fn sync_parts(timeline: &Timeline) {
    for part in timeline.parts() {
        let _ = File::open(&part.path).and_then(|file| file.sync_all());
    }
}

/// Not every file system takes it, and those that don't need it not.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make_case(folder: &Path, what: &str) {
        fs::create_dir_all(folder.join("timeline")).expect("folders");
        fs::write(
            folder.join("case.json"),
            r#"{"tool": {"name": "coldcase"}}"#,
        )
        .expect("writes");
        fs::write(folder.join("findings.json"), what).expect("writes");
    }

    fn held(folder: &Path) -> String {
        fs::read_to_string(folder.join("findings.json")).unwrap_or_default()
    }

    #[test]
    fn a_case_replaces_nothing_an_empty_folder_or_a_case() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let target = parent.path().canonicalize().expect("a path").join("case");
        for (round, empty) in [(1, false), (2, false), (3, true)] {
            if empty {
                fs::remove_dir_all(&target).expect("removes");
                fs::create_dir(&target).expect("a folder");
            }
            let mut place = CasePlace::new(&target).expect("a place");
            let folder = place.begin().expect("begins");
            make_case(&folder, &round.to_string());
            place.publish().expect("is put in place");
            assert_eq!(held(&target), round.to_string());
            assert_eq!(names(parent.path()).expect("names"), ["case"]);
        }
    }

    #[test]
    fn what_is_not_a_case_alone_is_not_replaced() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let at = parent.path();
        let refused = |name: &str| {
            let error = CasePlace::new(&at.join(name)).err();
            error.map(|error| error.to_string()).unwrap_or_default()
        };
        fs::write(at.join("file"), "x").expect("writes");
        assert!(refused("file").contains("is no folder"));
        fs::create_dir(at.join("photos")).expect("a folder");
        fs::write(at.join("photos/1.jpg"), "x").expect("writes");
        assert!(refused("photos").contains("holds files but no case"));
        make_case(&at.join("noted"), "1");
        assert_eq!(refused("noted"), "");
        fs::write(at.join("noted/notes.md"), "x").expect("writes");
        let said = refused("noted");
        assert!(said.contains("notes.md") && said.contains("-o"), "{said}");
    }

    #[test]
    fn what_came_meanwhile_is_not_lost_and_neither_is_the_case() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let target = parent.path().canonicalize().expect("a path").join("case");
        let mut place = CasePlace::new(&target).expect("a place");
        make_case(&place.begin().expect("begins"), "new");
        fs::create_dir(&target).expect("a folder");
        fs::write(target.join("photo"), "x").expect("writes");
        let Err(CaseError::NotInPlace { kept, .. }) = place.publish() else {
            panic!("a foreign folder was replaced");
        };
        drop(place);
        assert!(target.join("photo").exists());
        fs::remove_dir_all(&target).expect("removes");
        let mut next = CasePlace::new(&target).expect("a place");
        next.begin().expect("begins");
        assert_eq!(held(&kept), "new");
    }

    #[test]
    fn killed_between_two_renames_the_next_run_goes_on() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let at = parent.path().canonicalize().expect("a path");
        let target = at.join("case");
        for has_new in [true, false] {
            let left = at.join(".case.coldcase-run-killed");
            make_case(&left.join(OLD), "old");
            if has_new {
                make_case(&left.join(NEW), "new");
            }
            fs::write(left.join(".coldcase-run"), "").expect("writes");
            let mut next = CasePlace::new(&target).expect("a place");
            next.begin().expect("begins");
            drop(next);
            assert_eq!(held(&target), if has_new { "new" } else { "old" });
            assert_eq!(names(&at).expect("names"), ["case"]);
            fs::remove_dir_all(&target).expect("removes");
        }
    }

    #[test]
    fn two_renames_do_where_there_is_no_exchange() {
        let parent = tempfile::TempDir::new().expect("a folder");
        let at = parent.path();
        let (new, target, old) = (at.join("new"), at.join("case"), at.join("old"));
        make_case(&new, "new");
        make_case(&target, "old");
        put_aside(&new, &target, &old).expect("renames");
        assert_eq!((held(&target), held(&old)), ("new".into(), "old".into()));
        assert!(put_aside(&new, &target, &at.join("older")).is_err());
        assert_eq!(held(&target), "new", "nothing to put there: as it was");
    }
}
