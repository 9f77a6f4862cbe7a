//! One line of a long listing: `ls -l` in all its options, `find -ls`, `tar -tv`.
//!
//! The columns are told from the left as far as their shape is certain (inode, blocks, mode, links) and
//! from the time to the right; what stands between is owner, group and SELinux context. The time is the
//! first text after a size that reads as one, so that owners and groups may hold blanks.

use std::ops::Range;

use coldcase_model::Precision;

use super::cursor::{Cursor, at, number};
use super::stamp::{Stamp, epoch, written};

/// Columns between mode and time: links, owner, group, author, context, device numbers, and the blanks
/// that owner and group may hold.
const MOST_COLUMNS: usize = 14;

/// What a line is to a long listing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parsed {
    /// A file with its time.
    Row(Row),
    /// A file, but no time can be read of it.
    NoTime,
    /// Something else.
    Other,
}

/// The size column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Size {
    /// In bytes.
    Exact(i64),
    /// Rounded: `580M`.
    Text(Range<usize>),
    /// Major and minor number of a device.
    Device(Range<usize>),
}

/// A line of a long listing, as places in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The one number before the mode: inode or blocks; of two the inode.
    pub before: Option<i64>,
    /// Whether two numbers stand before the mode: inode and blocks, as `find -ls` writes them.
    pub with_blocks: bool,
    /// `-rw-r--r--.`
    pub mode: Range<usize>,
    /// Account, by name or number.
    pub owner: Option<Range<usize>>,
    /// Group, by name or number.
    pub group: Option<Range<usize>>,
    /// SELinux context.
    pub context: Option<Range<usize>>,
    /// Size or device.
    pub size: Size,
    /// The time.
    pub stamp: Stamp,
    /// Where the name begins; at the end of the line where it is empty.
    pub name: usize,
}

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Parsed {
    let mut cursor = Cursor::new(line, 0);
    cursor.blanks();
    if !matches!(
        cursor.peek(),
        Some(b'-' | b'd' | b'l' | b'c' | b'b' | b'p' | b's' | b'0'..=b'9' | b'?' | b'D' | b'C')
    ) {
        return Parsed::Other;
    }
    let (mut before, mut numbers) = (None, 0);
    let mode = loop {
        let word = cursor.word();
        if is_mode(at(line, &word)) {
            break word;
        }
        if numbers == 2 || !(is_size(at(line, &word)) || at(line, &word) == b"?") {
            return Parsed::Other;
        }
        if numbers == 0 {
            before = number(at(line, &word));
        }
        numbers += 1;
        cursor.blanks();
    };
    match columns(line, cursor) {
        Some(found) => Parsed::Row(found.into_row(line, before, numbers == 2, mode)),
        None => Parsed::NoTime,
    }
}

/// Whether a line that has no end may be the beginning of a row.
pub(super) fn may_be_cut_row(line: &[u8]) -> bool {
    let word = Cursor::new(line, 0).word();
    let word = at(line, &word);
    word.len() <= 10
        && !word.is_empty()
        && word.first().is_some_and(|byte| b"-dlcbps".contains(byte))
        && word.iter().skip(1).all(|byte| b"-rwxsStT".contains(byte))
}

/// Whether what reads as the name may be the rest of a time that is cut: `2023-03-29 00:1`, `... +08`.
pub(super) fn ends_in_its_time(line: &[u8], row: &Row) -> bool {
    let name = line.get(row.name..).unwrap_or_default();
    let digits = |text: &[u8]| text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b':'));
    match row.stamp.precision {
        Precision::Day => name.len() < 8 && digits(name),
        Precision::Ns => match name {
            [b'+' | b'-', rest @ ..] => rest.len() < 4 && digits(rest),
            _ => name.is_empty(),
        },
        _ => name.is_empty(),
    }
}

/// `drwxr-xr-x`, `-rw-r--r--.`, `-rw-rw-r--+`, `-?????????`.
pub(super) fn is_mode(word: &[u8]) -> bool {
    let Some((mode, mark)) = word.split_at_checked(10) else {
        return false;
    };
    let mut bytes = mode.iter();
    bytes
        .next()
        .is_some_and(|byte| b"-dlbcpsDCMnPw?h".contains(byte))
        && bytes.all(|byte| b"-rwxsStTlL?".contains(byte))
        && matches!(mark, b"" | b"." | b"+" | b"@")
}

/// `4096`, `1,234,567`, `4.0K`, `580M`, `1.5GiB`.
fn is_size(word: &[u8]) -> bool {
    let end = word
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b','))
        .unwrap_or(word.len());
    let (digits, unit) = word.split_at(end);
    let units: [&[u8]; 4] = [b"", b"B", b"iB", b"b"];
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits.last().is_some_and(u8::is_ascii_digit)
        && match unit.split_first() {
            None => true,
            Some((unit, rest)) => b"kKMGTPEZYRQB".contains(unit) && units.contains(&rest),
        }
}

/// The columns after the mode, up to the name.
struct Columns {
    words: Vec<Range<usize>>,
    /// How many of the words come before the size.
    before_size: usize,
    size: Range<usize>,
    stamp: Stamp,
    end: usize,
}

fn columns(line: &[u8], mut cursor: Cursor<'_>) -> Option<Columns> {
    let mut words: Vec<Range<usize>> = Vec::with_capacity(MOST_COLUMNS);
    let mut epochs: Option<(usize, Stamp, usize)> = None;
    while words.len() < MOST_COLUMNS {
        cursor.blanks();
        let size_before = words.last().is_some_and(|word| is_size(at(line, word)));
        if size_before {
            if let Some((stamp, end)) = written(line, cursor.at) {
                return Some(Columns::new(line, words, stamp, end));
            }
            // Of numbers that may be an epoch, the one in the place of `ls -l` is: links, owner, group, size.
            if (epochs.is_none() || words.len() == 4)
                && let Some((stamp, end, _)) = epoch(line, cursor.at)
                && Cursor::new(line, end).at_word_end()
            {
                epochs = Some((words.len(), stamp, end));
            }
        }
        let word = cursor.word();
        if word.is_empty() {
            break;
        }
        words.push(word);
    }
    let (count, stamp, end) = epochs?;
    words.truncate(count);
    Some(Columns::new(line, words, stamp, end))
}

impl Columns {
    fn new(line: &[u8], mut words: Vec<Range<usize>>, stamp: Stamp, end: usize) -> Self {
        let mut size = words.pop().unwrap_or_default();
        if let Some(major) = words.pop_if(|word| is_major(at(line, word))) {
            size.start = major.start;
        }
        Self {
            before_size: words.len(),
            words,
            size,
            stamp,
            end,
        }
    }

    fn into_row(
        self,
        line: &[u8],
        before: Option<i64>,
        with_blocks: bool,
        mode: Range<usize>,
    ) -> Row {
        let mut middle = self.words.get(..self.before_size).unwrap_or_default();
        // A link count is what `ls` always writes; an owner by number stands before a group.
        if let Some((first, rest)) = middle.split_first()
            && number(at(line, first)).is_some()
        {
            middle = rest;
        }
        let mut context = None;
        if let Some((last, rest)) = middle.split_last()
            && is_context(at(line, last), rest.len())
        {
            context = Some(last.clone());
            middle = rest;
        }
        let (owner, group) = accounts(line, middle);
        Row {
            before,
            with_blocks,
            size: size(line, &mode, self.size),
            mode,
            owner,
            group,
            context: context.filter(|span| at(line, span) != b"?"),
            stamp: self.stamp,
            name: name_start(line, &self.stamp, self.end),
        }
    }
}

/// `253,` before the minor number.
fn is_major(word: &[u8]) -> bool {
    word.strip_suffix(b",")
        .is_some_and(|digits| number(digits).is_some())
}

/// `system_u:object_r:bin_t:s0`, or `?` after owner and group.
fn is_context(word: &[u8], columns_before: usize) -> bool {
    word.iter().filter(|byte| **byte == b':').count() >= 2 || (word == b"?" && columns_before >= 2)
}

/// Owner and group of what stands between links and size. Names may hold blanks (`domain users`): then
/// the first word is the owner. `tar` writes `owner/group`.
fn accounts(line: &[u8], words: &[Range<usize>]) -> (Option<Range<usize>>, Option<Range<usize>>) {
    match words {
        [] => (None, None),
        [one] => match memchr::memchr(b'/', at(line, one)) {
            Some(slash) => {
                let middle = one.start + slash;
                (Some(one.start..middle), Some(middle + 1..one.end))
            }
            None => (Some(one.clone()), None),
        },
        [owner, first, .., last] => (Some(owner.clone()), Some(first.start..last.end)),
        [owner, group] => (Some(owner.clone()), Some(group.clone())),
    }
}

fn size(line: &[u8], mode: &Range<usize>, span: Range<usize>) -> Size {
    let word = at(line, &span);
    let device = matches!(at(line, mode).first(), Some(b'b' | b'c'));
    if memchr::memchr(b',', word).is_none() {
        return match number(word) {
            // Some listings give a device's minor number alone.
            Some(_) if device => Size::Device(span),
            Some(bytes) => Size::Exact(bytes),
            None => Size::Text(span),
        };
    }
    if device || word.contains(&b' ') {
        return Size::Device(span);
    }
    let digits: Vec<u8> = word.iter().copied().filter(|byte| *byte != b',').collect();
    match number(&digits) {
        Some(bytes) => Size::Exact(bytes),
        None => Size::Text(span),
    }
}

/// One blank parts time and name; `--time-style=iso` fills the day to the width of a time with another.
fn name_start(line: &[u8], stamp: &Stamp, end: usize) -> usize {
    let rest = line.get(end..).unwrap_or_default();
    let padded = stamp.precision == Precision::Day
        && line
            .get(..end)
            .and_then(|head| head.get(head.len().checked_sub(3)?))
            == Some(&b'-');
    match rest {
        [b' ', b' ', ..] if padded => end + 2,
        [_, ..] => end + 1,
        [] => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(line: &str) -> String {
        let text = |span: &Range<usize>| line.get(span.clone()).unwrap_or("!").to_owned();
        let maybe = |span: &Option<Range<usize>>| span.as_ref().map_or("-".into(), text);
        match parse(line.as_bytes()) {
            Parsed::Other => "other".into(),
            Parsed::NoTime => "no time".into(),
            Parsed::Row(row) => format!(
                "{}|{}|{}|{}|{}|{}",
                text(&row.mode),
                maybe(&row.owner),
                maybe(&row.group),
                maybe(&row.context),
                match &row.size {
                    Size::Exact(bytes) => bytes.to_string(),
                    Size::Text(span) => format!("~{}", text(span)),
                    Size::Device(span) => format!("dev {}", text(span)),
                },
                line.get(row.name..).unwrap_or("!")
            ),
        }
    }

    #[test]
    fn columns_are_told_apart() {
        let check = |line: &str, expected: &str| assert_eq!(show(line), expected, "{line}");
        check(
            "-rw-r--r-- 1 root wheel 26 Mar 28 10:39 /a b",
            "-rw-r--r--|root|wheel|-|26|/a b",
        );
        check(
            "-rw-r--r--. 1 0 0 580M Mar 28  2022  x",
            "-rw-r--r--.|0|0|-|~580M| x",
        );
        check(
            "-rw-r--r-- 1 0 0 1800000000 1680019921 x",
            "-rw-r--r--|0|0|-|1800000000|x",
        );
        check(
            "-rw-r--r-- 1 root 70 1680019921.5 x",
            "-rw-r--r--|root|-|-|70|x",
        );
        check(
            "-rw-r--r-- 1 CORP\\jo domain users 70 2023-03-29 00:12 x",
            "-rw-r--r--|CORP\\jo|domain users|-|70|x",
        );
        check(
            "crw--w----. 1 root tty u:object_r:console_device_t:s0 5,   1 May 10 09:54 console",
            "crw--w----.|root|tty|u:object_r:console_device_t:s0|dev 5,   1|console",
        );
        check(
            "brw-rw---- 1 root disk 8,1 May 10 09:54 sda1",
            "brw-rw----|root|disk|-|dev 8,1|sda1",
        );
        check(
            "-rw-r--r-- 1 root utmp ? 0 Nov  1 03:15 btmp",
            "-rw-r--r--|root|utmp|-|0|btmp",
        );
        check(
            "-rw-r--r-- 1 r g 1,234,567 Nov  1 03:15 b",
            "-rw-r--r--|r|g|-|1234567|b",
        );
        check(
            "  50332811     88 -rwxr-xr-x   1 root     root        41488 Aug 19  2019 /bin/[",
            "-rwxr-xr-x|root|root|-|41488|/bin/[",
        );
        check(
            "-rw-r--r-- root/staff 70 2023-03-29 00:12 etc/x",
            "-rw-r--r--|root|staff|-|70|etc/x",
        );
        check("-rw-r--r-- 1 r g 7 2022-03-29  x", "-rw-r--r--|r|g|-|7|x");
        check("-rw-r--r-- 1 r g 7 2022-03-29 x", "-rw-r--r--|r|g|-|7|x");
        check("-rw-rw-r--. 1 k k 0 Feb 22 00:17 ", "-rw-rw-r--.|k|k|-|0|");
        check("-????????? ? ? ? ?            ? name", "no time");
        check("-rw-r--r--  root root ?       sar16", "no time");
        check("-rw-r--r-- 1 r g 7 29 mars 00:12 x", "no time");
        check("drwx 1 r g 7 Mar 29 00:12 x", "other");
        check("total 20", "other");
        check("", "other");
    }
}
