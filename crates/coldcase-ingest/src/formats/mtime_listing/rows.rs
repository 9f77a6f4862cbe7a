//! Rows of the timeline from what was read of each kind of listing.

use std::borrow::Cow;
use std::ops::Range;

use coldcase_model::{Attributes, Event, Place, action};

use super::block::Block;
use super::cursor::at;
use super::ls::{self, Size};
use super::names::lossy;
use super::reader::{Held, NO_TIME, Reader};
use super::{bodyfile, names, printf, stat};

const OUT_OF_RANGE: &str = "time out of range";

/// Actions of the times of an inode: accessed, modified, changed, created.
const ACTIONS: [(&str, &str); 4] = [
    (action::FILE_ACCESSED, "accessed"),
    (action::FILE_MODIFIED, "modified"),
    (action::FILE_CHANGED, "changed"),
    (action::FILE_CREATED, "created"),
];

/// What a mode's first letter says; nothing for regular files.
fn file_type(mode: &[u8]) -> Option<&'static str> {
    Some(match mode.first()? {
        b'd' => "directory",
        b'l' => "link",
        b'c' => "character-device",
        b'b' => "block-device",
        b'p' => "pipe",
        b's' | b'=' => "socket",
        b'D' => "door",
        _ => return None,
    })
}

/// A number before the mode is an inode where it can't be the blocks that the file takes: more than a
/// mebibyte beyond its size. `find -ls` writes both.
fn inode(row: &ls::Row) -> Option<i64> {
    let before = row.before?;
    let size = match row.size {
        Size::Exact(bytes) => bytes,
        _ => i64::MAX / 2,
    };
    let beyond = before.saturating_mul(1024) > size.saturating_add(1 << 20);
    (row.with_blocks || beyond).then_some(before)
}

/// A line of `ls -l` or `find -ls`.
pub(super) fn ls(reader: &mut Reader<'_, '_>, held: &Held, aligned: bool) {
    let (row, text) = (&held.row, held.text.as_slice());
    let when = reader.dates.when(&row.stamp);
    let yearless = matches!(row.stamp.moment, super::stamp::Moment::Yearless(..));
    if when.is_none() && !yearless {
        reader.sink.skip(Place::Line(held.number), OUT_OF_RANGE);
        return;
    }
    let mode = at(text, &row.mode);
    let name = text.get(row.name..).unwrap_or_default();
    let name = match name {
        [b' ', name @ ..] if aligned => name,
        _ => name,
    };
    let length = match row.size {
        Size::Exact(bytes) => Some(bytes),
        _ => None,
    };
    let (name, target) = names::name_and_target(name, mode.starts_with(b"l"), length);
    let name = without_indicator(name, mode);
    let path = names::join(reader.folder.as_deref(), name);
    let cell = |span: &Option<Range<usize>>| span.as_ref().map(|span| lossy(at(text, span)));
    let (owner, group) = match (&row.owner, &row.group) {
        (Some(only), None) if reader.command.without_owner => (None, Some(lossy(at(text, only)))),
        (owner, group) => (cell(owner), cell(group)),
    };
    let mut attributes = Attributes::new();
    attributes
        .text("mode", &lossy(mode))
        .text_if("group", group.as_deref());
    if let Size::Text(span) = &row.size {
        attributes.text("size_text", &lossy(at(text, span)));
    }
    attributes
        .number_if("inode", inode(row))
        .text_if("target", target.map(names::text).as_deref())
        .text_if("type", file_type(mode));
    if let Size::Device(span) = &row.size {
        let numbers = lossy(at(text, span)).replace([' ', '\t'], "");
        attributes.text("device", &numbers);
    }
    attributes.text_if("context", cell(&row.context).as_deref());
    let event = Event {
        when,
        bytes: length,
        user: owner,
        path: Some(names::text(path)),
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(lossy(text.get(..held.first).unwrap_or(text))),
        line: Some(held.number),
        ..Event::new(reader.command.action)
    };
    reader.sink.event(&event);
    reader.sink.used(1);
}

/// A name without what `ls -F` and `ls -p` put behind it.
fn without_indicator<'a>(name: Cow<'a, [u8]>, mode: &[u8]) -> Cow<'a, [u8]> {
    let executable = mode.iter().any(|byte| matches!(byte, b'x' | b's' | b't'));
    let indicator = match mode.first() {
        Some(b'd') => b'/',
        Some(b'-') if executable => b'*',
        Some(b's') => b'=',
        Some(b'p') => b'|',
        _ => return name,
    };
    if name.len() < 2 || name.last() != Some(&indicator) {
        return name;
    }
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.get(..name.len() - 1).unwrap_or(name)),
        Cow::Owned(mut name) => {
            name.pop();
            Cow::Owned(name)
        }
    }
}

/// A line of `find -printf` or `stat -c`.
pub(super) fn printf(reader: &mut Reader<'_, '_>, number: u64, text: &[u8], row: &printf::Row) {
    let Some(when) = reader.dates.when(&row.stamp) else {
        reader.sink.skip(Place::Line(number), OUT_OF_RANGE);
        return;
    };
    let mode = row.mode.as_ref().map(|span| at(text, span));
    let is_link = memchr::memmem::find(text, b"' -> '").is_some();
    let path = at(text, &row.path);
    let (name, target) = match path.first() {
        Some(b'\'' | b'"') => names::name_and_target(path, is_link, None),
        _ => (Cow::Borrowed(path), None),
    };
    let mut attributes = Attributes::new();
    attributes
        .text_if("mode", mode.map(lossy).as_deref())
        .text_if("target", target.map(names::text).as_deref())
        .text_if("type", mode.and_then(file_type));
    let event = Event {
        when: Some(when),
        path: Some(names::text(name)),
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(lossy(text)),
        line: Some(number),
        ..Event::new(reader.command.action)
    };
    reader.sink.event(&event);
    reader.sink.used(1);
}

/// Rows of the times that a file has; the record is used where there is one.
fn times(
    reader: &mut Reader<'_, '_>,
    number: u64,
    times: &[Option<super::stamp::Stamp>; 4],
    mut row: Event<'_>,
    message: impl Fn(&str) -> String,
) {
    let mut given = 0;
    let mut rows = 0;
    for (stamp, (action, word)) in times.iter().zip(ACTIONS) {
        let Some(stamp) = stamp else { continue };
        given += 1;
        let Some(when) = reader.dates.when(stamp) else {
            continue;
        };
        row.when = Some(when);
        row.action = action;
        row.line = Some(number);
        row.message = Some(Cow::Owned(message(word)));
        reader.sink.event(&row);
        rows += 1;
    }
    match (rows, given) {
        (0, 0) => reader.sink.skip(Place::Line(number), NO_TIME),
        (0, _) => reader.sink.skip(Place::Line(number), OUT_OF_RANGE),
        _ => reader.sink.used(1),
    }
}

/// A line of a bodyfile.
pub(super) fn bodyfile(
    reader: &mut Reader<'_, '_>,
    number: u64,
    text: &[u8],
    row: &bodyfile::Row<'_>,
) {
    let cell = |field: Option<&[u8]>| field.map(|field| lossy(field).into_owned());
    let mode = row.mode.unwrap_or_default();
    // `r/rrw-------`: the type by the directory's entry, and the mode by the inode.
    let mode_text = match mode {
        [_, b'/', rest @ ..] if !rest.is_empty() => rest,
        _ => mode,
    };
    let mut attributes = Attributes::new();
    match mode_text {
        [] => {}
        // The Sleuth Kit writes `r` where `ls` writes `-`.
        [b'r', rest @ ..] if rest.len() > 8 => {
            attributes.text("mode", &format!("-{}", lossy(rest)));
        }
        _ => {
            attributes.text("mode", &lossy(mode_text));
        }
    }
    attributes
        .text_if("group", cell(row.gid).as_deref())
        .text_if("inode", cell(row.inode).as_deref())
        .text_if("target", row.target.map(lossy).as_deref())
        .text_if("type", file_type(mode))
        .text_if("md5", cell(row.md5).as_deref());
    if row.deleted {
        attributes.flag("deleted", true);
    }
    let path = names::text(Cow::Borrowed(&row.name));
    let event = Event {
        user: row.uid.map(lossy),
        bytes: row.size,
        path: Some(Cow::Borrowed(&path)),
        attributes: attributes.finish().map(Cow::Owned),
        ..Event::default()
    };
    let line = lossy(text);
    times(reader, number, &row.times, event, |word| {
        format!("{word}: {line}")
    });
}

/// A block of `stat`.
pub(super) fn block(reader: &mut Reader<'_, '_>, block: Block) {
    let mode = block.mode.as_deref();
    let is_link = mode.is_some_and(|mode| mode.starts_with(b"l"));
    if block.cut {
        let text = "the artifact ends within this file: its later times are missing";
        let place = Place::Line(block.number);
        reader.sink.warn(place, text.into());
    }
    let (name, target) = stat::name_and_target(&block.name, is_link, block.size);
    let cell = |field: &Option<Vec<u8>>| field.as_deref().map(|field| lossy(field).into_owned());
    let inode = block.inode.as_deref().and_then(super::cursor::number);
    let mut attributes = Attributes::new();
    attributes
        .text_if("mode", mode.map(lossy).as_deref())
        .text_if("group", cell(&block.group).as_deref())
        .number_if("inode", inode)
        .text_if("target", target.as_deref().map(lossy).as_deref())
        .text_if("type", mode.and_then(file_type));
    let path = lossy(&name);
    let event = Event {
        user: cell(&block.owner).map(Cow::Owned),
        bytes: block.size,
        path: Some(Cow::Borrowed(&path)),
        attributes: attributes.finish().map(Cow::Owned),
        ..Event::default()
    };
    times(reader, block.number, &block.times, event, |word| {
        format!("{word} {path}")
    });
}
