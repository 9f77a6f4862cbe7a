//! The many-line output of `stat` (GNU, BusyBox, `stat -x` of BSD): from `File:` to `Birth:`.

use super::cursor::Cursor;
use super::stamp::{Stamp, written};

/// A line of such a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line<'a> {
    /// `  File: ‘/bin/sh’ -> ‘dash’`: begins a block. The name's column as it stands.
    File(&'a [u8]),
    /// One of the times; nothing where it is `-` or can't be read.
    Time(Which, Option<Stamp>),
    /// `  Size: 41488  Blocks: 88  IO Block: 4096  regular file`.
    Size(&'a [u8]),
    /// Device, inode and links.
    Inode(&'a [u8]),
    /// `Access: (0755/-rwxr-xr-x)  Uid: (    0/    root)   Gid: (    0/    root)`.
    Access(&'a [u8]),
    /// Known and of no use here: the SELinux context.
    Other,
}

/// Which time a line gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Last read.
    Access,
    /// Content last changed.
    Modify,
    /// Inode last changed.
    Change,
    /// Made.
    Birth,
}

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut cursor = Cursor::new(line, 0);
    cursor.blanks();
    let start = cursor.rest();
    let colon = memchr::memchr(b':', start.get(..9).unwrap_or(start))?;
    let (key, value) = (start.get(..colon)?, start.get(colon + 1..)?);
    let value = value.trim_ascii_start();
    let which = match key {
        b"File" if cursor.at > 0 => {
            return (!value.is_empty()).then_some(Line::File(value));
        }
        b"Size" => return Some(Line::Size(value)),
        b"Device" => return Some(Line::Inode(value)),
        b"Access" | b"Mode" if value.starts_with(b"(") => return Some(Line::Access(value)),
        b"Context" => return Some(Line::Other),
        b"Access" => Which::Access,
        b"Modify" => Which::Modify,
        b"Change" => Which::Change,
        b"Birth" => Which::Birth,
        _ => return None,
    };
    let stamp = written(value, 0).filter(|(_, end)| *end == value.trim_ascii_end().len());
    (stamp.is_some() || value.is_empty() || value == b"-")
        .then_some(Line::Time(which, stamp.map(|(stamp, _)| stamp)))
}

/// The word behind a label: of `Inode` in `Device: fd00h/64768d  Inode: 50332811  Links: 1`.
pub(super) fn labelled<'a>(line: &'a [u8], label: &[u8]) -> Option<&'a [u8]> {
    let found = memchr::memmem::find(line, label)?;
    let mut cursor = Cursor::new(line, found + label.len());
    cursor.blanks();
    let word = cursor.word();
    line.get(word)
}

/// Number and name in brackets behind a label: `Uid: (    0/    root)`.
pub(super) fn bracketed<'a>(line: &'a [u8], label: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = memchr::memmem::find(line, label)? + label.len();
    let rest = line.get(found..)?.trim_ascii_start().strip_prefix(b"(")?;
    let inside = rest.get(..memchr::memchr(b')', rest)?)?;
    let slash = memchr::memchr(b'/', inside)?;
    Some((
        inside.get(..slash)?.trim_ascii(),
        inside.get(slash + 1..)?.trim_ascii(),
    ))
}

/// Name and target of a `File:` line, in whichever quotes: none, `'x'`, `‘x’`, `` `x' ``, `"x"`. The
/// length of a link's target tells which of several arrows parts the two.
pub(super) fn name_and_target(
    value: &[u8],
    is_link: bool,
    length: Option<i64>,
) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut arrows = memchr::memmem::find_iter(value, b" -> ").map(|at| (at, at + 4));
    let target = |after: usize| bare(value.get(after..).unwrap_or_default());
    let fits = |(_, after): &(usize, usize)| i64::try_from(target(*after).len()).ok() == length;
    let arrow = arrows.clone().find(fits).or_else(|| arrows.next());
    match arrow.filter(|_| is_link) {
        Some((at, after)) => (bare(value.get(..at).unwrap_or(value)), Some(target(after))),
        None => (bare(value), None),
    }
}

fn bare(text: &[u8]) -> Vec<u8> {
    let pairs: [(&[u8], &[u8]); 2] = [("‘".as_bytes(), "’".as_bytes()), (b"`", b"'")];
    for (open, close) in pairs {
        if let Some(inside) = text
            .strip_prefix(open)
            .and_then(|text| text.strip_suffix(close))
        {
            return inside.to_vec();
        }
    }
    match super::names::quoted(text) {
        Some((name, used)) if used == text.len() => name,
        _ => text.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_quotes() {
        let check = |value: &str, expected: (&str, Option<&str>)| {
            let is_link = expected.1.is_some();
            let length = expected
                .1
                .and_then(|target| i64::try_from(target.len()).ok());
            let (name, target) = name_and_target(value.as_bytes(), is_link, length);
            let expected = (
                expected.0.as_bytes().to_vec(),
                expected.1.map(|target| target.as_bytes().to_vec()),
            );
            assert_eq!((name, target), expected, "{value}");
        };
        check("/bin/[", ("/bin/[", None));
        check("‘/bin/[’", ("/bin/[", None));
        check("`/bin/x'", ("/bin/x", None));
        check("'/bin/sh' -> 'dash'", ("/bin/sh", Some("dash")));
        check("‘/bin/sh’ -> ‘dash’", ("/bin/sh", Some("dash")));
        check("a -> b", ("a -> b", None));
        check("a -> b -> c", ("a -> b", Some("c")));
        check("a -> b -> c", ("a", Some("b -> c")));
    }

    #[test]
    fn lines_are_told_apart() {
        let check = |line: &str, expected: &str| {
            let got = match parse(line.as_bytes()) {
                None => "none".into(),
                Some(Line::Time(which, stamp)) => format!("{which:?} {}", stamp.is_some()),
                Some(Line::File(_)) => "file".into(),
                Some(_) => "fact".into(),
            };
            assert_eq!(got, expected, "{line}");
        };
        check("  File: a", "file");
        check("File: a", "none");
        check("Modify: 2019-08-08 16:14:33.000000000 -0700", "Modify true");
        check(" Birth: -", "Birth false");
        check("Access: (0755/-rwxr-xr-x)  Uid: (    0/    root)", "fact");
        check("Modify: 2019-08-08 16:1", "none");
        check("Access: denied", "none");
    }
}
