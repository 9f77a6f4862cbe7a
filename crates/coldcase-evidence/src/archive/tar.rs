//! Tar archives, plain or packed, as one stream.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use super::members::{Members, Stop};

/// Most bytes that stand between the contents of two members: headers and long names, which are kept in memory.
const MOST_HEADER_BYTES: u64 = 4 << 20;

/// Unpacks what the archive holds.
pub(super) fn unpack(path: &Path, members: &mut Members<'_>) -> Result<(), Stop> {
    let opened = crate::open_within(path, members.limits(), None, None).map_err(Stop::Broken)?;
    let room = Rc::new(Cell::new(None));
    let source = Headers {
        inner: opened.reader,
        room: room.clone(),
    };
    let done = unpack_all(::tar::Archive::new(source), &room, members);
    // A packed stream just ends where it breaks off or passes a limit; why is known now.
    match (done, opened.digest.finish().1) {
        (Err(Stop::Broken(_)) | Ok(()), Some(error)) => Err(Stop::Broken(io::Error::other(error))),
        (done, _) => done,
    }
}

fn unpack_all(
    mut archive: ::tar::Archive<Headers>,
    room: &Cell<Option<u64>>,
    members: &mut Members<'_>,
) -> Result<(), Stop> {
    let mut entries = archive.entries().map_err(Stop::Broken)?;
    loop {
        room.set(Some(MOST_HEADER_BYTES));
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        let mut entry = entry.map_err(Stop::Broken)?;
        room.set(None);
        unpack_one(&mut entry, members)?;
        io::copy(&mut entry, &mut io::sink()).map_err(Stop::Broken)?;
    }
}

fn unpack_one(
    entry: &mut ::tar::Entry<'_, Headers>,
    members: &mut Members<'_>,
) -> Result<(), Stop> {
    let name = entry.path().map_err(Stop::Broken)?.into_owned();
    let kind = entry.header().entry_type();
    if kind.is_gnu_sparse() {
        let stored = entry.header().entry_size().map_err(Stop::Broken)?;
        return members.file(&name, entry, Some(stored));
    }
    if kind.is_file() || kind.is_contiguous() {
        return members.file(&name, entry, None);
    }
    let target = entry.link_name().map_err(Stop::Broken)?.unwrap_or_default();
    let target = target.into_owned();
    if kind.is_symlink() {
        return members.link(name, target.to_string_lossy().into_owned());
    }
    if kind.is_hard_link() {
        return members.hard_link(&name, &target);
    }
    if !kind.is_dir() {
        let what = match kind {
            kind if kind.is_character_special() || kind.is_block_special() => "a device",
            kind if kind.is_fifo() => "a pipe",
            _ => "no regular file",
        };
        members.warn(format!("member {} is {what}: left out", name.display()));
    }
    Ok(())
}

/// The stream, and how many more bytes of it may be headers.
struct Headers {
    inner: Box<dyn Read + Send>,
    room: Rc<Cell<Option<u64>>>,
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(room) = self.room.get() {
            let left = room.checked_sub(read as u64).ok_or_else(|| {
                io::Error::other(format!("a header of more than {MOST_HEADER_BYTES} bytes"))
            })?;
            self.room.set(Some(left));
        }
        Ok(read)
    }
}
