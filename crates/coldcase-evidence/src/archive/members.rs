//! The members of an archive on their way to the disk: where each may lie, and how much may come.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use super::Unpacker;
use crate::Limits;

const BUFFER: usize = 128 << 10;
/// Most warnings kept an archive; further ones are counted.
const MOST_WARNINGS: usize = 100;

/// Why no more comes out of an archive.
#[derive(Debug)]
pub(super) enum Stop {
    /// A limit is passed; which, and the option that moves it.
    Limit(String),
    /// The disk does not take it.
    Disk(io::Error),
    /// The archive can't be read on.
    Broken(io::Error),
}

/// How a member's content ended.
enum End {
    Whole,
    /// The room for it was used up.
    Cut,
    /// Reading it failed.
    Broken(io::Error),
}

/// Where the members of one archive go.
pub(super) struct Members<'u> {
    root: PathBuf,
    spent: &'u mut Unpacker,
    /// Bytes of the archive.
    stored: u64,
    bytes: u64,
    files: u64,
    warnings: Vec<String>,
    more_warnings: u64,
    links: Vec<(PathBuf, String)>,
}

impl<'u> Members<'u> {
    /// Into this folder, from an archive of so many bytes.
    pub(super) fn new(root: &Path, spent: &'u mut Unpacker, stored: u64) -> Self {
        Self {
            root: root.to_owned(),
            spent,
            stored,
            bytes: 0,
            files: 0,
            warnings: Vec::new(),
            more_warnings: 0,
            links: Vec::new(),
        }
    }

    /// The limits of the run.
    pub(super) fn limits(&self) -> &Limits {
        &self.spent.limits
    }

    /// Files that came out.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    /// Warnings and symbolic links.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<(PathBuf, String)>) {
        if self.more_warnings > 0 {
            let more = format!("{} further warnings of its members", self.more_warnings);
            self.warnings.push(more);
        }
        (self.warnings, self.links)
    }

    /// Notes what was lost.
    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        } else {
            self.more_warnings += 1;
        }
    }

    /// A symbolic link, which is told and not made.
    pub(super) fn link(&mut self, name: PathBuf, target: String) -> Result<(), Stop> {
        self.count()?;
        self.links.push((name, target));
        Ok(())
    }

    /// A regular file. Of a sparse one the bytes that the archive holds are said: zeros come without number.
    pub(super) fn file(
        &mut self,
        name: &Path,
        content: &mut dyn Read,
        sparse: Option<u64>,
    ) -> Result<(), Stop> {
        self.count()?;
        let Some(mut file) = self.make(name)? else {
            return Ok(());
        };
        let limits = self.spent.limits;
        let (of_archive, mut said) = limits.room(self.stored);
        let mut room = of_archive.saturating_sub(self.bytes);
        let of_run = limits.unpacked_bytes.saturating_sub(self.spent.bytes);
        if of_run < room {
            (room, said) = (of_run, limits.room(u64::MAX).1);
        }
        let of_member = sparse.map(|stored| limits.room(stored));
        let is_member_s = of_member.as_ref().is_some_and(|(most, _)| *most <= room);
        if let Some((most, why)) = of_member.filter(|_| is_member_s) {
            (room, said) = (most, why);
        }
        let (written, end) = copy(content, &mut file, room).map_err(Stop::Disk)?;
        self.bytes += written;
        self.spent.bytes += written;
        self.files += 1;
        match end {
            End::Whole => Ok(()),
            End::Cut if is_member_s => {
                self.warn(format!("member {} is cut: {said}", name.display()));
                Ok(())
            }
            End::Cut => Err(Stop::Limit(said)),
            End::Broken(error) => Err(Stop::Broken(error)),
        }
    }

    /// A further name of a member that came out before: the same content, and no way out of the folder.
    pub(super) fn hard_link(&mut self, name: &Path, target: &Path) -> Result<(), Stop> {
        let held = self.place(target);
        let bytes = held.as_deref().and_then(|held| {
            let metadata = fs::symlink_metadata(held).ok()?;
            metadata.is_file().then_some(metadata.len())
        });
        let (Some(held), Some(bytes)) = (held, bytes) else {
            self.warn(format!(
                "member {} is a hard link to {}, which did not come out before: left out",
                name.display(),
                target.display()
            ));
            return Ok(());
        };
        if self.place(name).as_ref() == Some(&held) {
            return Ok(());
        }
        let mut content = File::open(held).map_err(Stop::Disk)?.take(bytes);
        self.file(name, &mut content, None)
    }

    /// One more that comes out.
    fn count(&mut self) -> Result<(), Stop> {
        let most = self.spent.limits.files;
        if self.spent.files >= most {
            return Err(Stop::Limit(format!(
                "more than {most} files are unpacked; raise --max-files"
            )));
        }
        self.spent.files += 1;
        Ok(())
    }

    /// An empty file of this name; `None`, with a warning, where there can't be one.
    fn make(&mut self, name: &Path) -> Result<Option<File>, Stop> {
        let shown = name.display();
        let Some(place) = self.place(name) else {
            let warning = format!("member {shown} would lie outside the bundle: left out");
            self.warn(warning);
            return Ok(None);
        };
        let folder = place.parent().map_or(Ok(()), fs::create_dir_all);
        let mut made = folder.and_then(|()| File::create_new(&place));
        let again = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        if made.as_ref().is_err_and(again) && fs::remove_file(&place).is_ok() {
            self.warn(format!("member {shown} comes twice: the later one is used"));
            made = File::create_new(&place);
        }
        match made {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_of_the_name(&error) => {
                self.warn(format!("member {shown} can't be a file: {error}: left out"));
                Ok(None)
            }
            Err(error) => Err(Stop::Disk(error)),
        }
    }

    /// Where a member lies; `None` outside the folder.
    fn place(&self, name: &Path) -> Option<PathBuf> {
        let mut place = self.root.clone();
        for part in name.components() {
            match part {
                Component::Normal(part) => place.push(part),
                Component::CurDir | Component::RootDir => {}
                Component::ParentDir | Component::Prefix(_) => return None,
            }
        }
        (place != self.root).then_some(place)
    }
}

/// Whether another name would have done: too long, a NUL in it, a file where it needs a folder.
fn is_of_the_name(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::InvalidFilename
            | Kind::InvalidInput
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::AlreadyExists
    )
}

/// Copies up to `room` bytes; an error is that of writing.
fn copy(content: &mut dyn Read, file: &mut File, room: u64) -> io::Result<(u64, End)> {
    let mut buffer = vec![0; BUFFER];
    let mut written = 0;
    loop {
        let read = match content.read(&mut buffer) {
            Ok(0) => return Ok((written, End::Whole)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok((written, End::Broken(error))),
        };
        let fits = usize::try_from(room - written).map_or(read, |left| left.min(read));
        file.write_all(buffer.get(..fits).unwrap_or_default())?;
        written += fits as u64;
        if fits < read {
            return Ok((written, End::Cut));
        }
    }
}
