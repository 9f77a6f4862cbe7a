//! The files below a folder, in order of name. Archives among them are unpacked, as deep as the limits say.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::archive::{self, Unpacker};
use crate::{Artifact, EvidenceError, WorkFolder};

/// What a walk found.
pub(crate) struct Walk<'u> {
    bundle: usize,
    unpacker: &'u mut Unpacker,
    pub artifacts: Vec<Artifact>,
    pub warnings: Vec<String>,
    pub unpacked: Vec<WorkFolder>,
}

impl<'u> Walk<'u> {
    /// Nothing found yet; artifacts get this index of the bundle's case files.
    pub(crate) fn new(bundle: usize, unpacker: &'u mut Unpacker) -> Self {
        Self {
            bundle,
            unpacker,
            artifacts: Vec::new(),
            warnings: Vec::new(),
            unpacked: Vec::new(),
        }
    }

    /// Adds all files below a folder, their paths behind this prefix.
    pub(crate) fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), EvidenceError> {
        self.below(folder, prefix, 0)
    }

    fn below(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), EvidenceError> {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
                    let parts: Vec<_> = relative
                        .components()
                        .map(|part| part.as_os_str().to_string_lossy())
                        .collect();
                    let path = format!("{prefix}{}", parts.join("/"));
                    self.file(entry.path(), path, depth)?;
                }
                Err(error) => self.warnings.push(format!("not read: {error}")),
            }
        }
        Ok(())
    }

    fn file(&mut self, disk: &Path, path: String, depth: usize) -> Result<(), EvidenceError> {
        let mut file = artifact(disk, path, self.bundle);
        if file.unreadable.is_none() && archive::is_archive(disk) {
            let most = self.unpacker.limits.depth;
            if depth >= most {
                self.warnings.push(format!(
                    "{}: an archive more than {most} deep in archives is not unpacked; raise --max-depth, or unpack it and give the folder",
                    file.path
                ));
            } else {
                file.is_archive = self.archive(disk, &file.path, depth)?;
            }
        }
        self.artifacts.push(file);
        Ok(())
    }

    fn archive(&mut self, disk: &Path, path: &str, depth: usize) -> Result<bool, EvidenceError> {
        let unpacked = match self.unpacker.unpack(disk) {
            Ok(unpacked) => unpacked,
            Err(EvidenceError::Archive { reason, .. }) => {
                self.warnings.push(format!("{path}: {reason}"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let warnings = unpacked.warnings.into_iter();
        self.warnings
            .extend(warnings.map(|warning| format!("{path}: {warning}")));
        let name = path.rsplit('/').next().unwrap_or(path);
        let folder = inner_folder(&unpacked.root, archive::bare_name(name));
        self.below(&folder, &format!("{path}/"), depth + 1)?;
        for (inside, target) in links_below(&unpacked.root, &folder, unpacked.links) {
            let path = format!("{path}/{inside}");
            self.artifacts.push(link(path, target, self.bundle));
        }
        self.unpacked.push(unpacked.folder);
        Ok(true)
    }
}

/// A file as it lies on the disk.
pub(crate) fn artifact(disk: &Path, path: String, bundle: usize) -> Artifact {
    let metadata = fs::symlink_metadata(disk);
    let (mut unreadable, mut link_target) = (None, None);
    match &metadata {
        Ok(metadata) if metadata.is_symlink() => {
            let target = fs::read_link(disk).ok();
            link_target = target.map(|target| target.to_string_lossy().into_owned());
            unreadable = Some("a symbolic link: not followed".to_owned());
        }
        Ok(metadata) if !metadata.is_file() => {
            unreadable = Some("no regular file: not read".to_owned());
        }
        Ok(_) => {}
        Err(error) => unreadable = Some(error.to_string()),
    }
    Artifact {
        path,
        disk: disk.to_owned(),
        bytes: metadata.map_or(0, |metadata| metadata.len()),
        bundle,
        unreadable,
        link_target,
        is_archive: false,
    }
}

/// A symbolic link that an archive holds.
pub(crate) fn link(path: String, target: String, bundle: usize) -> Artifact {
    Artifact {
        path,
        disk: PathBuf::new(),
        bytes: 0,
        bundle,
        unreadable: Some("a symbolic link: not followed".to_owned()),
        link_target: Some(target),
        is_archive: false,
    }
}

/// The symbolic links of an archive, by their paths below the folder that counts as its content.
pub(crate) fn links_below(
    root: &Path,
    folder: &Path,
    links: Vec<(PathBuf, String)>,
) -> Vec<(String, String)> {
    let links = links.into_iter().filter_map(|(inside, target)| {
        let inside = inside.to_string_lossy();
        let path = root.join(inside.trim_start_matches(['.', '/']));
        let inside = path.strip_prefix(folder).ok()?;
        Some((inside.to_string_lossy().into_owned(), target))
    });
    links.collect()
}

/// An archive of one folder is that folder if it holds a `case.toml` or bears the archive's name; a lone
/// folder of another name is a host's.
pub(crate) fn inner_folder(root: &Path, name: &str) -> PathBuf {
    match entries(root).as_slice() {
        [only] if only.is_dir() && (only.join("case.toml").is_file() || only.ends_with(name)) => {
            only.clone()
        }
        _ => root.to_owned(),
    }
}

/// The archive that a folder holds and nothing else beside it but its checksum or the log of its collector.
pub(crate) fn lone_archive(folder: &Path) -> Option<PathBuf> {
    let beside = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        matches!(&*ending, "log" | "sha256" | "md5" | "sha1" | "asc" | "sig")
    };
    let all = entries(folder);
    let mut archives = all
        .iter()
        .filter(|path| path.is_file() && !path.is_symlink() && archive::is_archive(path));
    let archive = archives.next()?;
    let name = archive.file_name()?.to_string_lossy();
    let name = archive::bare_name(&name);
    let of_archive = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(name) && beside(path)
    };
    let alone = all.iter().all(|path| path == archive || of_archive(path));
    (alone && archives.next().is_none()).then(|| archive.clone())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}
