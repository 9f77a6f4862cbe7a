//! One line of `find -printf` or `stat -c`: a path and one time, with other columns around them.
//!
//! The columns are the caller's choice, so the line must hold exactly one time and one path (from `/` or
//! `./` on, or alone behind a time that only find writes). A written time beats an epoch with a fraction,
//! and that one a whole number; two of the same sort leave the line unread.

use std::ops::Range;

use super::cursor::{Cursor, at, is_blank};
use super::ls::is_mode;
use super::stamp::{Kind, Stamp, column};

/// More columns than this are no listing.
const MOST_COLUMNS: usize = 12;
/// Words looked at in a line; names may hold some more.
const MOST_WORDS: usize = 64;

/// What was read of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The path, as it stands in the line.
    pub path: Range<usize>,
    /// The time.
    pub stamp: Stamp,
    /// `-rw-r--r--`, where there is such a column.
    pub mode: Option<Range<usize>>,
}

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Option<Row> {
    for separator in [b'\t', b'|', b';', b','] {
        if memchr::memchr(separator, line).is_some()
            && let Some(row) = separated(line, separator)
        {
            return Some(row);
        }
    }
    let words = words(line)?;
    match words.iter().position(|word| is_path(at(line, word))) {
        Some(path) => spaced(line, &words, path),
        None => only_find_writes(line),
    }
}

fn is_path(word: &[u8]) -> bool {
    let bare = match word {
        [b'\'' | b'"', rest @ ..] => rest,
        _ => word,
    };
    bare.starts_with(b"/") || bare.starts_with(b"./") || bare == b"."
}

fn trimmed(line: &[u8], span: Range<usize>) -> Range<usize> {
    let text = at(line, &span);
    let left = text.iter().take_while(|byte| is_blank(**byte)).count();
    let right = text
        .iter()
        .rev()
        .take_while(|byte| is_blank(**byte))
        .count();
    if left == text.len() {
        return span.end..span.end;
    }
    span.start + left..span.end - right
}

/// Columns parted by one character: the path's column may hold blanks.
fn separated(line: &[u8], separator: u8) -> Option<Row> {
    // Without a path no column needs to be read.
    let may_be_path = |field: &[u8]| {
        let first = field.iter().find(|byte| !is_blank(**byte));
        matches!(first, Some(b'/' | b'.' | b'\'' | b'"'))
    };
    line.split(|byte| *byte == separator)
        .any(may_be_path)
        .then_some(())?;
    let (mut path, mut time, mut mode) = (None, None, None);
    let mut start = 0;
    for (index, field) in line.split(|byte| *byte == separator).enumerate() {
        let span = trimmed(line, start..start + field.len());
        start += field.len() + 1;
        (index < MOST_COLUMNS).then_some(())?;
        let text = at(line, &span);
        if is_path(text) {
            path.replace(span).is_none().then_some(())?;
        } else if let Some((stamp, _, kind)) =
            column(text, 0).filter(|(_, end, _)| *end == text.len())
        {
            time = stronger(time, (stamp, kind))?;
        } else if is_mode(text) {
            mode = Some(span);
        }
    }
    let (stamp, _) = time?.known()?;
    Some(Row {
        path: path?,
        stamp,
        mode,
    })
}

/// The strongest time so far, and whether it is the only one of its sort.
#[derive(Clone, Copy)]
struct Found {
    stamp: Stamp,
    kind: Kind,
    alone: bool,
}

impl Found {
    fn known(self) -> Option<(Stamp, Kind)> {
        self.alone.then_some((self.stamp, self.kind))
    }
}

fn stronger(known: Option<Found>, (stamp, kind): (Stamp, Kind)) -> Option<Option<Found>> {
    let new = Found {
        stamp,
        kind,
        alone: true,
    };
    Some(Some(match known {
        Some(old) if old.kind > kind => old,
        Some(old) if old.kind == kind => Found {
            alone: false,
            ..old
        },
        _ => new,
    }))
}

fn words(line: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut cursor = Cursor::new(line, 0);
    let mut words = Vec::with_capacity(8);
    cursor.blanks();
    while cursor.peek().is_some() && words.len() < MOST_WORDS {
        words.push(cursor.word());
        cursor.blanks();
    }
    (!words.is_empty()).then_some(words)
}

/// The only time among some words, with the first word it takes and the first after it.
fn only_time(
    line: &[u8],
    words: &[Range<usize>],
    range: Range<usize>,
) -> Option<(Stamp, Range<usize>)> {
    let mut found: Option<Found> = None;
    let mut place = 0..0;
    let mut index = range.start;
    while index < range.end {
        let word = words.get(index)?;
        let Some((stamp, end, kind)) = column(line, word.start) else {
            index += 1;
            continue;
        };
        let taken = words
            .get(index..range.end)?
            .iter()
            .take_while(|word| word.start < end)
            .count();
        let next = stronger(found, (stamp, kind))?;
        if next.map(|found| found.stamp) != found.map(|found| found.stamp) {
            place = index..index + taken;
        }
        found = next;
        index += taken.max(1);
    }
    let (stamp, _) = found?.known()?;
    Some((stamp, place))
}

/// A number, a mode, a type letter, an account: what a column beside path and time may be.
fn is_column(word: &[u8]) -> bool {
    let account = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.$\\@+".contains(byte);
    is_mode(word) || (word.len() <= 64 && word.iter().all(account))
}

fn is_number(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_digit)
}

/// Columns parted by blanks, the path beginning at one of the words.
fn spaced(line: &[u8], words: &[Range<usize>], path: usize) -> Option<Row> {
    let columns = |range: Range<usize>| {
        words.get(range).is_some_and(|words| {
            words.len() <= MOST_COLUMNS && words.iter().all(|word| is_column(at(line, word)))
        })
    };
    let first = words.get(path)?.clone();
    if let Some((stamp, time)) = only_time(line, words, 0..path) {
        let plain = columns(0..time.start) && columns(time.end..path);
        return plain.then(|| Row {
            path: first.start..line.len(),
            stamp,
            mode: mode(line, words, 0..path),
        });
    }
    columns(0..path).then_some(())?;
    let (stamp, time) = only_time(line, words, path + 1..words.len())?;
    columns(time.end..words.len()).then_some(())?;
    let last = name_end(line, words, path, time.start);
    Some(Row {
        path: first.start..words.get(last)?.end,
        stamp,
        mode: mode(line, words, last..words.len()).or_else(|| mode(line, words, 0..path)),
    })
}

fn mode(line: &[u8], words: &[Range<usize>], range: Range<usize>) -> Option<Range<usize>> {
    let mut words = words.get(range)?.iter();
    words.find(|word| is_mode(at(line, word))).cloned()
}

/// The last word of a path before a time: numbers and modes next to the time are columns, and so are two
/// accounts before them; other words belong to a name with blanks.
fn name_end(line: &[u8], words: &[Range<usize>], path: usize, time: usize) -> usize {
    let word = |index: usize| words.get(index).map_or(&b""[..], |span| at(line, span));
    let mut end = time;
    while end > path + 1 && (is_number(word(end - 1)) || is_mode(word(end - 1))) {
        end -= 1;
    }
    if end < time && end == path + 3 && is_column(word(end - 1)) && is_column(word(end - 2)) {
        end = path + 1;
    }
    end - 1
}

/// `%T@ %P` and `%T+ %f`: names without a folder behind a time that nothing but find writes so.
fn only_find_writes(line: &[u8]) -> Option<Row> {
    let (stamp, end, kind) = column(line, 0)?;
    let written = at(line, &(0..end));
    let digits = end - memchr::memrchr(b'.', written)? - 1;
    let plus = written.get(10) == Some(&b'+');
    if digits != 10 || !(kind == Kind::Fraction || plus) || end + 1 >= line.len() {
        return None;
    }
    Some(Row {
        path: end + 1..line.len(),
        stamp,
        mode: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use crate::formats::mtime_listing::stamp::Dates;

    #[test]
    fn one_path_and_one_time() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let row = parse(line.as_bytes());
            let got = row.as_ref().map(|row| {
                let clock = Clock::UNKNOWN;
                let when = Dates::new(&clock).when(&row.stamp).expect("an instant");
                (
                    line.get(row.path.clone()).unwrap_or("!"),
                    when.ts.to_string(),
                )
            });
            let got = got.as_ref().map(|(path, ts)| (*path, ts.as_str()));
            assert_eq!(got, expected, "{line}");
        };
        let exact = "2023-03-28T16:12:01.123456789Z";
        let second = "2023-03-28T16:12:01Z";
        check("1680019921.1234567890 /a b", Some(("/a b", exact)));
        check("/a b 1680019921.1234567890", Some(("/a b", exact)));
        check("1680019921.1234567890 1680019920 ./a", Some(("./a", exact)));
        check("1680019921.1234567890 a b", Some(("a b", exact)));
        check(
            "2023-03-28+16:12:01.1234567890 644 root /a",
            Some(("/a", exact)),
        );
        check(
            "Tue Mar 28 16:12:01.1234567890 2023 /a",
            Some(("/a", exact)),
        );
        check(
            "2023-03-28 16:12:01.123456789 +0000 /a",
            Some(("/a", exact)),
        );
        check(
            "'/a b' 2023-03-28 16:12:01.123456789 +0000",
            Some(("'/a b'", exact)),
        );
        check("/a root root 70 1680019921", Some(("/a", second)));
        check("/a -rw-r--r-- 70 1680019921", Some(("/a", second)));
        check("/a,b|1680019921|70", Some(("/a,b", second)));
        check("1680019921\t/a b\t70", Some(("/a b", second)));
        check("/a 1680019921 1680019922", None);
        check("/a", None);
        check("1680019921 foo", None);
        check("2023-03-29T00:12:01+08:00 h sudo: root : COMMAND=/a", None);
        check("2023-03-29T00:12:01+08:00 h CRON[1]: (root) CMD (/a)", None);
        check("Wed Mar 29 00:12:01 2023 /usr/lib/systemd", None);
        check("tmpfs /run tmpfs rw,size=1680019921", None);
    }
}
