//! What can go wrong with a lake.

use std::io;
use std::path::{Path, PathBuf};

use coldcase_timeline::TimelineError;

/// Why something could not be done with a lake. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The folder is something else.
    #[error(
        "{0}: no lake: it holds no _coldcase/lake.json; name a new or empty folder, or one that `coldcase lake add` made"
    )]
    NoLake(PathBuf),
    /// There is no such folder.
    #[error("{0}: no such lake; `coldcase lake add {0} CASE` makes it")]
    Missing(PathBuf),
    /// Made by another version of the program.
    #[error(
        "{path}: its schema is {found}, this program reads and writes {ours}; use the program that made it, or make a \
         new lake of the cases"
    )]
    Schema {
        /// The lake.
        path: PathBuf,
        /// As it says.
        found: String,
        /// As here.
        ours: &'static str,
    },
    /// An entry of the log can't be read.
    #[error(
        "{path}: {reason}; nothing was changed: bring this file back from a copy, or make a new lake of the cases"
    )]
    Log {
        /// The entry.
        path: PathBuf,
        /// How it is damaged.
        reason: String,
    },
    /// A case of this name and other content is there.
    #[error(
        "{name}: the lake holds another case of this name; --replace puts this one in its place, --as NAME adds it \
         beside it"
    )]
    Different {
        /// The case's name.
        name: String,
    },
    /// Two cases in one command have the same name.
    #[error(
        "{name}: two cases have this name: {first} and {second}; add one of them with --as NAME"
    )]
    SameName {
        /// The name.
        name: String,
        /// Where the one is.
        first: PathBuf,
        /// Where the other is.
        second: PathBuf,
    },
    /// A name that can't be one.
    #[error("{name:?}: can't be the name of a case: {reason}; choose one with --as NAME")]
    Name {
        /// As given.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Not in the lake.
    #[error("{name}: the lake holds no case of this name{}", near.as_ref().map_or_else(String::new, |near| format!(", did you mean {near}?")))]
    NoCase {
        /// As asked.
        name: String,
        /// One that is written alike.
        near: Option<String>,
    },
    /// Others changed the same again and again.
    #[error("others change the lake all the time; nothing was changed: try again when fewer write")]
    Busy,
    /// A file of the lake is not as it was written.
    #[error(
        "{path}: {reason}; `coldcase lake check` names all such files: remove the cases concerned and add them again"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}{}", hint(source))]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A case's timeline can't be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// Columns can't be made, written or joined.
    #[error("{path}: {reason}")]
    Columns {
        /// Of which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A question's SQL can't be run.
    #[error("{question}, step {step}: {reason}")]
    Sql {
        /// The question.
        question: String,
        /// Its step.
        step: String,
        /// Why.
        reason: String,
    },
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the lake is as it was before: make room and run the command again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; check that you may write there"
        }
        _ => "",
    }
}

impl LakeError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn columns(
        path: &Path,
    ) -> impl Fn(coldcase_timeline::polars::prelude::PolarsError) -> Self {
        move |error| Self::Columns {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}
