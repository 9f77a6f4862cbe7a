//! Zip archives, by their directory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::members::{Members, Stop};

/// Longest target of a symbolic link that is read.
const LONGEST_TARGET: u64 = 4096;

/// Unpacks what the archive's directory names.
pub(super) fn unpack(path: &Path, members: &mut Members<'_>) -> Result<(), Stop> {
    let file = File::open(path).map_err(Stop::Broken)?;
    let mut archive =
        ::zip::ZipArchive::new(file).map_err(|error| Stop::Broken(io::Error::other(error)))?;
    if archive.has_duplicate_names() {
        members.warn("its directory has names twice: the last of each is used".to_owned());
    }
    for index in 0..archive.len() {
        let mut entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                members.warn(format!("member {index} can't be read: {error}"));
                continue;
            }
        };
        let name = match entry.name() {
            Ok(name) => PathBuf::from(name.as_ref()),
            Err(_) => PathBuf::from(format!("member-{index}")),
        };
        if entry.is_symlink() {
            let mut target = Vec::new();
            let read = entry.by_ref().take(LONGEST_TARGET).read_to_end(&mut target);
            match read {
                Ok(_) => members.link(name, String::from_utf8_lossy(&target).into_owned())?,
                Err(error) => members.warn(format!("member {index} can't be read: {error}")),
            }
        } else if entry.is_file() {
            match members.file(&name, &mut entry, None) {
                Err(Stop::Broken(error)) => {
                    members.warn(format!("member {} is cut: {error}", name.display()));
                }
                other => other?,
            }
        }
    }
    Ok(())
}
