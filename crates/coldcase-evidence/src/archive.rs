//! A bundle handed over as one archive: unpacked into a temporary folder that goes with the run.
//! Only regular files come out, never outside the folder, and only up to a limit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use crate::EvidenceError;

/// Most bytes that come out of one archive: far above any bundle seen, far below a decompression bomb.
const MAX_BYTES: u64 = 64 << 30;
/// Most files that come out of one archive.
const MAX_FILES: usize = 1_000_000;

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
    pub folder: TempDir,
    /// What was lost on the way.
    pub warnings: Vec<String>,
    /// Symbolic links among its members and where they point; they are not made.
    pub links: Vec<(PathBuf, String)>,
}

/// Unpacks a tar (plain or compressed) or zip archive.
pub(crate) fn unpack(path: &Path) -> Result<Unpacked, EvidenceError> {
    let failed = |reason: String| EvidenceError::Archive {
        path: path.to_owned(),
        reason,
    };
    let folder = TempDir::new()
        .map_err(|error| failed(format!("no temporary folder: {error}; set TMPDIR")))?;
    let (head, _) = crate::read_head(path, 512).map_err(|error| failed(error.to_string()))?;
    let mut out = Out {
        root: folder.path().to_owned(),
        bytes: 0,
        files: 0,
        warnings: Vec::new(),
        links: Vec::new(),
    };
    let done = if is_tar(&head) {
        untar(path, &mut out)
    } else {
        unzip(path, &mut out)
    };
    if let Err(error) = done {
        if out.files == 0 {
            return Err(failed(format!(
                "can't be unpacked: {error}; unpack it yourself and give the folder"
            )));
        }
        out.warnings.push(format!(
            "the archive is damaged, {} files came out of it: {error}",
            out.files
        ));
    }
    Ok(Unpacked {
        folder,
        warnings: out.warnings,
        links: out.links,
    })
}

struct Out {
    root: PathBuf,
    bytes: u64,
    files: usize,
    warnings: Vec<String>,
    links: Vec<(PathBuf, String)>,
}

impl Out {
    fn write(&mut self, name: &Path, content: &mut dyn Read) -> io::Result<()> {
        let Some(target) = self.target(name) else {
            self.warnings.push(format!(
                "member {} would lie outside the bundle: left out",
                name.display()
            ));
            return Ok(());
        };
        if self.files >= MAX_FILES {
            return Err(io::Error::other(format!(
                "more than {MAX_FILES} files: unpack it yourself"
            )));
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create(&target)?;
        let room = MAX_BYTES - self.bytes;
        let written = io::copy(&mut content.take(room), &mut file)?;
        self.bytes += written;
        self.files += 1;
        if written == room {
            return Err(io::Error::other(format!(
                "more than {MAX_BYTES} bytes: unpack it yourself"
            )));
        }
        Ok(())
    }

    fn target(&self, name: &Path) -> Option<PathBuf> {
        let mut target = self.root.clone();
        for part in name.components() {
            match part {
                Component::Normal(part) => target.push(part),
                Component::CurDir | Component::RootDir => {}
                Component::ParentDir | Component::Prefix(_) => return None,
            }
        }
        (target != self.root).then_some(target)
    }
}

fn untar(path: &Path, out: &mut Out) -> io::Result<()> {
    let opened = crate::open(path)?;
    let mut archive = tar::Archive::new(opened.reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let kind = entry.header().entry_type();
        if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            out.write(&name, &mut entry)?;
        } else if kind.is_symlink() {
            let target = entry.link_name()?.unwrap_or_default();
            out.links
                .push((name, target.to_string_lossy().into_owned()));
        } else if !kind.is_dir() {
            out.warnings.push(format!(
                "member {} is no regular file: left out",
                name.display()
            ));
        }
    }
    match opened.digest.finish().1 {
        Some(error) => Err(io::Error::other(error)),
        None => Ok(()),
    }
}

fn unzip(path: &Path, out: &mut Out) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(path)?).map_err(io::Error::other)?;
    for index in 0..archive.len() {
        let mut entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                out.warnings
                    .push(format!("member {index} can't be read: {error}"));
                continue;
            }
        };
        if entry.is_symlink() {
            let mut target = String::new();
            let read = entry.by_ref().take(4096).read_to_string(&mut target);
            let name = entry.name().unwrap_or_default();
            if read.is_ok() {
                out.links.push((PathBuf::from(name.as_ref()), target));
            }
        } else if entry.is_file() {
            let name = match entry.name() {
                Ok(name) => PathBuf::from(name.as_ref()),
                Err(_) => PathBuf::from(format!("member-{index}")),
            };
            if let Err(error) = out.write(&name, &mut entry) {
                out.warnings
                    .push(format!("member {} is cut: {error}", name.display()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_inside() {
        let folder = TempDir::new().expect("a folder");
        let mut out = Out {
            root: folder.path().to_owned(),
            bytes: 0,
            files: 0,
            warnings: Vec::new(),
            links: Vec::new(),
        };
        out.write(Path::new("/etc/cron.d/x"), &mut b"1".as_slice())
            .expect("writes");
        out.write(Path::new("../../escape"), &mut b"2".as_slice())
            .expect("is left out");
        assert!(folder.path().join("etc/cron.d/x").exists());
        assert_eq!((out.files, out.warnings.len()), (1, 1));
    }
}
