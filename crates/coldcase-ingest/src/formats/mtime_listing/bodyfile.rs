//! One line of a Sleuth Kit bodyfile, version 3:
//! `MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime`.
//! <https://wiki.sleuthkit.org/index.php?title=Body_file>

use std::borrow::Cow;

use coldcase_model::Precision;

use super::cursor::number;
use super::stamp::{Moment, Stamp, epoch};

/// What was read of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row<'a> {
    /// Digest, where it was taken.
    pub md5: Option<&'a [u8]>,
    /// Name with its escapes read, without what marks it as deleted.
    pub name: Cow<'a, [u8]>,
    /// Target of a link.
    pub target: Option<&'a [u8]>,
    /// Whether the name was marked as deleted.
    pub deleted: bool,
    /// Number, or `30-144-2` of NTFS.
    pub inode: Option<&'a [u8]>,
    /// `r/rrw-------`.
    pub mode: Option<&'a [u8]>,
    /// Account number.
    pub uid: Option<&'a [u8]>,
    /// Group number.
    pub gid: Option<&'a [u8]>,
    /// In bytes.
    pub size: Option<i64>,
    /// Accessed, modified, changed, created; 0 and -1 mean that it is not known.
    pub times: [Option<Stamp>; 4],
}

/// Reads one line. Names may hold `|`: the fields behind the name are counted from the right.
pub(super) fn parse(line: &[u8]) -> Option<Row<'_>> {
    let first = memchr::memchr(b'|', line)?;
    let (md5, rest) = (line.get(..first)?, line.get(first + 1..)?);
    let mut fields = rest.rsplitn(10, |byte| *byte == b'|');
    let mut times = [None; 4];
    for place in [3, 2, 1, 0] {
        let field = fields.next()?;
        if let Some(slot) = times.get_mut(place) {
            *slot = time(field)?;
        }
    }
    let size = fields.next()?;
    if !(size.is_empty() || number(size).is_some()) {
        return None;
    }
    let (gid, uid) = (known(fields.next()?), known(fields.next()?));
    let (mode, inode) = (known(fields.next()?), known(fields.next()?));
    let (name, target, deleted) = name(fields.next()?, mode, number(size));
    if !matches!(md5.len(), 0..=2 | 32..=64) || name.is_empty() {
        return None;
    }
    Some(Row {
        md5: known(md5).filter(|md5| *md5 != b"0"),
        name,
        target,
        deleted,
        inode: inode.filter(|inode| *inode != b"0"),
        mode,
        uid,
        gid,
        size: number(size),
        times,
    })
}

fn known(field: &[u8]) -> Option<&[u8]> {
    (!field.is_empty()).then_some(field)
}

/// A time, or nothing where it is not known; `None` where the field is no time. What find does not know it
/// writes as `-1.-000000010`.
fn time(field: &[u8]) -> Option<Option<Stamp>> {
    if matches!(field, b"" | b"0" | b"-1") || field.starts_with(b"-1.") {
        return Some(None);
    }
    if let Some((stamp, end, _)) = epoch(field, 0)
        && end == field.len()
    {
        return Some((stamp.moment != Moment::Instant(0, 0)).then_some(stamp));
    }
    let seconds = match field.strip_prefix(b"-") {
        Some(digits) => -number(digits)?,
        None => number(field)?,
    };
    Some(Some(Stamp {
        moment: Moment::Instant(seconds, 0),
        precision: Precision::S,
    }))
}

type Name<'a> = (Cow<'a, [u8]>, Option<&'a [u8]>, bool);

/// Some collectors write a link's target behind an arrow: then it is as long as the link's size.
fn name<'a>(field: &'a [u8], mode: Option<&[u8]>, size: Option<i64>) -> Name<'a> {
    let marks: [&[u8]; 2] = [b" (deleted)", b" (deleted-realloc)"];
    let bare = marks.iter().find_map(|mark| field.strip_suffix(*mark));
    let deleted = bare.is_some();
    let field = bare.unwrap_or(field);
    let is_link = mode.is_some_and(|mode| mode.starts_with(b"l"));
    let fits = |at: &usize| match size {
        Some(0) | None => true,
        Some(size) => i64::try_from(field.len() - at - 4).ok() == Some(size),
    };
    let arrow = memchr::memmem::find_iter(field, b" -> ").find(|at| is_link && fits(at));
    let (name, target) = match arrow {
        Some(at) => (field.get(..at).unwrap_or(field), field.get(at + 4..)),
        None => (field, None),
    };
    (unescaped(name), target, deleted)
}

/// `\|`, `\\` and `\x0d` of control characters; other backslashes stand for themselves, as collectors
/// that do not escape write `system\x2dx.slice`.
fn unescaped(name: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', name).is_none() {
        return Cow::Borrowed(name);
    }
    let mut text = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        rest = match rest {
            [b'\\', kept @ (b'\\' | b'|'), after @ ..] => {
                text.push(*kept);
                after
            }
            [b'\\', b'x', high, low, after @ ..] if control(*high, *low).is_some() => {
                text.extend(control(*high, *low));
                after
            }
            _ => {
                text.push(*first);
                after
            }
        };
    }
    Cow::Owned(text)
}

fn control(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let byte = (digit(high)? << 4) | digit(low)?;
    byte.is_ascii_control().then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart() {
        let check = |line: &str, expected: Option<&str>| {
            let text = |field: Option<&[u8]>| {
                field.map_or("-".to_owned(), |field| {
                    String::from_utf8_lossy(field).into()
                })
            };
            let got = parse(line.as_bytes()).map(|row| {
                let times = row.times.iter().filter(|time| time.is_some()).count();
                let (name, target) = (text(Some(&row.name)), text(row.target));
                format!(
                    "{name} {target} {} {} {times}",
                    row.deleted,
                    text(row.inode)
                )
            });
            assert_eq!(got.as_deref(), expected, "{line}");
        };
        check(
            "0|/a|11|d/drwx------|0|0|12288|1|2|3|0",
            Some("/a - false 11 3"),
        );
        check(
            "0|/a b (deleted)|0|r/----------|0|0|0|0|0|0|0",
            Some("/a b - true - 0"),
        );
        check(
            "0|/a\\|b|1-2-3|r|0|0|0|1|-1|-1|1.5",
            Some("/a|b - false 1-2-3 2"),
        );
        check("0|/a|b|1|r|0|0|0|1|-1|-1|1.5", Some("/a|b - false 1 2"));
        check(
            "|/a\\x0d\\x2d\\\\|1|r|0||0|1|1|1|1",
            Some("/a\r\\x2d\\ - false 1 4"),
        );
        check(
            "0|/l -> /t|16|l/lrwxrwxrwx|0|0|2|5|5|5|0",
            Some("/l /t false 16 3"),
        );
        check(
            "0|/a|1|r|0|0|0|5.1|0.0000000000|5.1|-1.-000000010",
            Some("/a - false 1 2"),
        );
        check("0|/a|11|d|0|0|12288|1|2|3", None);
        check("0|/a|11|d|0|0|12288|1|2|3|x", None);
        check("0|/a|11|d|0|0|x|1|2|3|4", None);
        check("root:x:0:0:root:/root:/bin/bash", None);
    }
}
