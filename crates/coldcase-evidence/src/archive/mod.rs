//! An archive: unpacked into a temporary folder that goes with the run. Only regular files come out, never outside
//! the folder and never through a link, and only up to the limits of the run; what stays behind is named.

mod members;
mod tar;
mod zip;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use members::{Members, Stop};

use crate::{EvidenceError, Limits, WorkFolder};

/// How the names of folders begin that archives are unpacked into.
const FOLDER: &str = "coldcase-unpacked-";

/// Endings of archives' names, longest first.
const ENDINGS: [&str; 16] = [
    ".tar.bz2", ".tar.zst", ".tar.lz4", ".tar.gz", ".tar.xz", ".tbz2", ".tzst", ".tgz", ".txz",
    ".tar", ".zip", ".gz", ".zst", ".xz", ".bz2", ".lz4",
];

/// A file's name without the endings of archives and packers.
pub(crate) fn bare_name(name: &str) -> &str {
    let mut endings = ENDINGS.iter();
    let bare = endings.find_map(|ending| name.strip_suffix(ending));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(name)
}

/// Whether the file's beginning is that of an archive which can be unpacked. What is a zip archive inside
/// but no bundle (jar, docx) is told by its name.
pub(crate) fn is_archive(path: &Path) -> bool {
    let mut head = [0; 512];
    let read = File::open(path).and_then(|mut file| file.read(&mut head));
    let head = head.get(..read.unwrap_or(0)).unwrap_or_default();
    if head.starts_with(b"PK\x03\x04") {
        let ending = path.extension().unwrap_or_default();
        return ending.eq_ignore_ascii_case("zip");
    }
    is_tar(head)
        || (crate::is_packed(head)
            && crate::read_head(path, 512).is_ok_and(|(head, _)| is_tar(&head)))
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar".as_slice())
}

/// What came out of an archive.
pub(crate) struct Unpacked {
    /// Kept until the run ends.
    pub folder: WorkFolder,
    /// The folder in it that holds the members.
    pub root: PathBuf,
    /// What was lost on the way.
    pub warnings: Vec<String>,
    /// Symbolic links among its members and where they point; they are not made.
    pub links: Vec<(PathBuf, String)>,
}

/// Unpacks the archives of a run within its limits, which count for all of them together.
#[derive(Debug)]
pub(crate) struct Unpacker {
    pub limits: Limits,
    /// Canonical paths of the evidence: nothing is unpacked there.
    pub evidence: Vec<PathBuf>,
    bytes: u64,
    files: u64,
}

impl Unpacker {
    /// Nothing unpacked yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            evidence: Vec::new(),
            bytes: 0,
            files: 0,
        }
    }

    /// Unpacks a tar (plain or compressed) or zip archive.
    pub(crate) fn unpack(&mut self, path: &Path) -> Result<Unpacked, EvidenceError> {
        let failed = |reason: String| EvidenceError::Archive {
            path: path.to_owned(),
            reason,
        };
        let place = std::env::temp_dir();
        let real = place.canonicalize().unwrap_or_else(|_| place.clone());
        if self.evidence.iter().any(|root| real.starts_with(root)) {
            return Err(EvidenceError::TemporaryInside { folder: place });
        }
        let no_room = |source: io::Error| EvidenceError::NoRoom {
            path: path.to_owned(),
            folder: place.clone(),
            source,
        };
        let folder = WorkFolder::temporary(FOLDER).map_err(no_room)?;
        let root = folder.path().join("members");
        std::fs::create_dir(&root).map_err(no_room)?;
        let (head, _) = crate::read_head(path, 512).map_err(|error| failed(error.to_string()))?;
        let stored = path.metadata().map_or(0, |metadata| metadata.len());
        let mut members = Members::new(&root, self, stored);
        let done = if is_tar(&head) {
            tar::unpack(path, &mut members)
        } else {
            zip::unpack(path, &mut members)
        };
        let told = match done {
            Ok(()) => None,
            Err(Stop::Disk(error)) => return Err(no_room(error)),
            Err(Stop::Limit(said)) => Some(format!("unpacking stops: {said}")),
            Err(Stop::Broken(error)) => Some(format!("the archive is damaged: {error}")),
        };
        let files = members.files();
        let (mut warnings, links) = members.finish();
        if let Some(told) = told {
            if files == 0 && links.is_empty() {
                return Err(failed(format!(
                    "can't be unpacked: {told}; or unpack it yourself and give the folder"
                )));
            }
            warnings.push(format!("{told}; {files} files came out of it"));
        }
        Ok(Unpacked {
            folder,
            root,
            warnings,
            links,
        })
    }
}
