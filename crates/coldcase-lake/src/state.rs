//! What a lake holds: cases and files, as the entries of its log add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{LakeError, layout, log};

/// The version of a lake: of its log, its tables and their columns.
pub(crate) const SCHEMA: &str = "coldcase.lake/1";

/// A case in a lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseEntry {
    /// Its name.
    pub name: String,
    /// Of its content, however its files are cut.
    pub digest: String,
    /// Rows of its timeline.
    pub rows: u64,
}

/// A file of a lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Below the lake, with `/`.
    pub path: String,
    /// Of which table.
    pub table: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows in it.
    pub rows: u64,
    /// Cases that it holds rows of, sorted.
    pub cases: Vec<String>,
}

/// What a lake holds at some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Entries of the log that this is the sum of.
    pub entries: u64,
    /// By name.
    pub cases: BTreeMap<String, CaseEntry>,
    /// By path.
    pub files: BTreeMap<String, FileEntry>,
}

impl State {
    /// Files of a table, in order of path.
    pub fn of_table<'s>(&'s self, table: &'s str) -> impl Iterator<Item = &'s FileEntry> {
        self.files.values().filter(move |file| file.table == table)
    }

    /// Adds an entry up; says what contradicts.
    pub(crate) fn take(&mut self, entry: &log::Entry) -> Result<(), String> {
        for name in &entry.removed_cases {
            if self.cases.remove(name).is_none() {
                return Err(format!("takes out the case {name}, which isn't there"));
            }
        }
        for path in &entry.removed_files {
            if self.files.remove(path).is_none() {
                return Err(format!("takes out {path}, which isn't there"));
            }
        }
        for case in &entry.added_cases {
            if self.cases.insert(case.name.clone(), case.clone()).is_some() {
                return Err(format!("adds a second case of the name {}", case.name));
            }
        }
        for file in &entry.added_files {
            if self.files.insert(file.path.clone(), file.clone()).is_some() {
                return Err(format!("adds {} a second time", file.path));
            }
        }
        let unknown = entry.added_files.iter().flat_map(|file| &file.cases);
        let unknown: BTreeSet<&String> = unknown
            .filter(|name| !self.cases.contains_key(*name))
            .collect();
        match unknown.first() {
            Some(name) => Err(format!("adds rows of {name}, which is no case of the lake")),
            None => Ok(()),
        }
    }
}

/// A lake: a folder.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Where.
    pub root: PathBuf,
}

impl Lake {
    /// A lake that is there.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let path = layout::lake_json(root);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(if root.exists() {
                    LakeError::NoLake(root.to_owned())
                } else {
                    LakeError::Missing(root.to_owned())
                });
            }
            Err(source) => return Err(LakeError::Io { path, source }),
        };
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        match said.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => Ok(Self {
                root: root.to_owned(),
            }),
            other => Err(LakeError::Schema {
                path: root.to_owned(),
                found: other.unwrap_or("not told").to_owned(),
                ours: SCHEMA,
            }),
        }
    }

    /// A lake that is there, or a new one where there is nothing yet.
    pub fn open_or_create(root: &Path) -> Result<Self, LakeError> {
        match Self::open(root) {
            Err(LakeError::Missing(_)) => {}
            Err(LakeError::NoLake(path)) if is_free(root)? => drop(path),
            other => return other,
        }
        for folder in [layout::log(root), layout::adding(root)] {
            fs::create_dir_all(&folder).map_err(LakeError::io(&folder))?;
        }
        let text = serde_json::json!({ "schema": SCHEMA });
        let path = layout::lake_json(root);
        let folder = root.join(layout::OWN);
        match log::create_once(&folder, &path, format!("{text}\n").as_bytes())? {
            log::Created::Now | log::Created::Before => Self::open(root),
        }
    }

    /// What it holds now.
    pub fn state(&self) -> Result<State, LakeError> {
        log::read(&self.root)
    }
}

/// Whether a folder may become a lake: it is empty but for what another one that makes it now has put there.
fn is_free(root: &Path) -> Result<bool, LakeError> {
    let entries = fs::read_dir(root).map_err(LakeError::io(root))?;
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    Ok(names.all(|name| name == layout::OWN))
}
