//! The log of a lake: numbered entries, each a file that is created as one step and never changed. Who comes second
//! with a number reads what the first one said, and takes the next.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::state::{CaseEntry, SCHEMA, State};
use crate::{FileEntry, LakeError, layout};

/// Entries after which the sum of all is written down, so that readers need not add up all of them.
const ENTRIES_A_SUM: u64 = 100;
/// Ending of a sum's name.
const SUM: &str = ".state.json";

/// What one command changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub schema: String,
    pub added_cases: Vec<CaseEntry>,
    pub removed_cases: Vec<String>,
    pub added_files: Vec<FileEntry>,
    pub removed_files: Vec<String>,
}

impl Entry {
    /// Where the files that it adds lie.
    pub fn added_paths(&self) -> Vec<String> {
        self.added_files
            .iter()
            .map(|file| file.path.clone())
            .collect()
    }
}

/// Whether a file that may be there once is there by us.
pub(crate) enum Created {
    /// By us, now.
    Now,
    /// By somebody else.
    Before,
}

/// Makes a file with all its bytes as one step, where there is none of the name.
pub(crate) fn create_once(beside: &Path, path: &Path, bytes: &[u8]) -> Result<Created, LakeError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(beside).map_err(LakeError::io(beside))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(LakeError::io(path))?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(path.parent().unwrap_or(path));
            Ok(Created::Now)
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(Created::Before),
        Err(error) => Err(LakeError::io(path)(error.error)),
    }
}

/// Brings names in a folder to the disk, where the system can.
pub(crate) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn name(number: u64) -> String {
    format!("{number:08}.json")
}

/// What the entries add up to.
pub(crate) fn read(root: &Path) -> Result<State, LakeError> {
    let folder = layout::log(root);
    let (mut last, mut sums) = (0, Vec::new());
    for entry in fs::read_dir(&folder).map_err(LakeError::io(&folder))? {
        let name = entry.map_err(LakeError::io(&folder))?.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if let Some(number) = name.strip_suffix(SUM) {
            sums.extend(number.parse::<u64>());
        } else if let Some(number) = name.strip_suffix(".json") {
            last = last.max(number.parse::<u64>().unwrap_or(0));
        }
    }
    sums.sort_unstable();
    let sum = sums.iter().rev().find_map(|number| sum(&folder, *number));
    let mut state = sum.unwrap_or_default();
    while state.entries < last {
        step(&folder, &mut state)?;
    }
    Ok(state)
}

/// A sum that is whole; one that isn't is passed over, for it says nothing that the entries don't.
fn sum(folder: &Path, number: u64) -> Option<State> {
    let text = fs::read(folder.join(format!("{number:08}{SUM}"))).ok()?;
    let state: State = serde_json::from_slice(&text).ok()?;
    (state.entries == number).then_some(state)
}

/// Adds the next entry up.
fn step(folder: &Path, state: &mut State) -> Result<(), LakeError> {
    let number = state.entries + 1;
    let path = folder.join(name(number));
    let damaged = |reason: String| LakeError::Log {
        path: path.clone(),
        reason,
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged(
                "this entry of the lake's log is missing".to_owned(),
            ));
        }
        Err(source) => return Err(LakeError::Io { path, source }),
    };
    let entry: Entry = serde_json::from_slice(&text)
        .map_err(|error| damaged(format!("this entry of the lake's log is damaged: {error}")))?;
    if entry.schema != SCHEMA {
        return Err(LakeError::Schema {
            path: path.clone(),
            found: entry.schema,
            ours: SCHEMA,
        });
    }
    state.take(&entry).map_err(|reason| {
        damaged(format!(
            "this entry of the lake's log contradicts: it {reason}"
        ))
    })?;
    state.entries = number;
    Ok(())
}

/// What came of an attempt to write an entry.
pub(crate) enum Committed {
    /// It is in the log.
    Yes,
    /// Somebody else was quicker: look at the state again.
    Overtaken,
}

/// Writes the entry that follows this state.
pub(crate) fn commit(
    root: &Path,
    beside: &Path,
    state: &State,
    entry: &mut Entry,
) -> Result<Committed, LakeError> {
    entry.schema = SCHEMA.to_owned();
    let folder = layout::log(root);
    let mut after = state.clone();
    let path = folder.join(name(state.entries + 1));
    let contradicts = |reason: String| LakeError::Log {
        path: path.clone(),
        reason: format!("was not written, for it {reason}"),
    };
    after.take(entry).map_err(contradicts)?;
    let text = serde_json::to_vec(entry).map_err(|error| LakeError::Columns {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    match create_once(beside, &path, &text)? {
        Created::Before => return Ok(Committed::Overtaken),
        Created::Now => after.entries += 1,
    }
    if after.entries.is_multiple_of(ENTRIES_A_SUM) {
        // Only a short cut: a lake without it is whole.
        let sum = |number: u64| folder.join(format!("{number:08}{SUM}"));
        let _ =
            serde_json::to_vec(&after).map(|text| create_once(beside, &sum(after.entries), &text));
        // The one before stays for who reads it now.
        if let Some(old) = after.entries.checked_sub(2 * ENTRIES_A_SUM) {
            let _ = fs::remove_file(sum(old));
        }
    }
    Ok(Committed::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lake;

    fn case(name: &str) -> Entry {
        Entry {
            added_cases: vec![CaseEntry {
                name: name.to_owned(),
                digest: "d".to_owned(),
                rows: 1,
            }],
            ..Entry::default()
        }
    }

    fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open_or_create(&folder.path().join("lake")).expect("a lake");
        (folder, lake)
    }

    fn add(lake: &Lake, state: &State, entry: &mut Entry) -> Result<Committed, LakeError> {
        commit(&lake.root, &layout::adding(&lake.root), state, entry)
    }

    #[test]
    fn of_two_with_one_number_one_wins() {
        let (_folder, lake) = lake();
        let state = lake.state().expect("a state");
        assert!(matches!(
            add(&lake, &state, &mut case("a")),
            Ok(Committed::Yes)
        ));
        assert!(matches!(
            add(&lake, &state, &mut case("b")),
            Ok(Committed::Overtaken)
        ));
        let state = lake.state().expect("a state");
        assert_eq!(state.cases.keys().collect::<Vec<_>>(), ["a"]);
        assert!(
            add(&lake, &state, &mut case("a")).is_err(),
            "a second case of the name"
        );
    }

    #[test]
    fn sums_and_entries_say_the_same() {
        let (_folder, lake) = lake();
        for number in 0..350 {
            let state = lake.state().expect("a state");
            add(&lake, &state, &mut case(&format!("c{number}"))).expect("an entry");
        }
        let log = layout::log(&lake.root);
        let with_sums = lake.state().expect("a state");
        assert_eq!((with_sums.entries, with_sums.cases.len()), (350, 350));
        assert!(
            !log.join("00000100.state.json").exists(),
            "two sums are kept"
        );
        let sum = log.join("00000300.state.json");
        fs::write(&sum, "{").expect("a damaged sum");
        assert_eq!(lake.state().expect("a state"), with_sums);
        fs::remove_file(&sum).expect("no sum");
        fs::remove_file(log.join("00000200.state.json")).expect("no sum");
        assert_eq!(lake.state().expect("a state"), with_sums);
    }

    #[test]
    fn a_log_with_a_hole_or_damage_is_an_error() {
        let (_folder, lake) = lake();
        for name in ["a", "b", "c"] {
            let state = lake.state().expect("a state");
            add(&lake, &state, &mut case(name)).expect("an entry");
        }
        let second = layout::log(&lake.root).join("00000002.json");
        let kept = fs::read(&second).expect("an entry");
        fs::write(&second, &kept[..kept.len() / 2]).expect("half an entry");
        let error = lake.state().expect_err("damaged").to_string();
        assert!(
            error.contains("00000002.json") && error.contains("damaged"),
            "{error}"
        );
        fs::remove_file(&second).expect("no entry");
        let error = lake.state().expect_err("a hole").to_string();
        assert!(error.contains("missing"), "{error}");
        fs::write(
            &second,
            String::from_utf8_lossy(&kept).replace("lake/1", "lake/9"),
        )
        .expect("an entry");
        let error = lake.state().expect_err("another schema").to_string();
        assert!(error.contains("coldcase.lake/9"), "{error}");
    }

    #[test]
    fn folders_of_others_and_other_schemas_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(
            Lake::open(&folder.path().join("none")),
            Err(LakeError::Missing(_))
        ));
        fs::write(folder.path().join("photo.jpg"), "x").expect("a file");
        assert!(matches!(
            Lake::open_or_create(folder.path()),
            Err(LakeError::NoLake(_))
        ));
        let (_folder, lake) = lake();
        fs::write(
            layout::lake_json(&lake.root),
            r#"{"schema":"coldcase.lake/2"}"#,
        )
        .expect("x");
        let error = Lake::open_or_create(&lake.root).expect_err("another schema");
        assert!(matches!(error, LakeError::Schema { .. }), "{error}");
    }
}
