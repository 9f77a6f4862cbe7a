//! Lines of collected text: what terminals and `script` left in them is taken out.

use std::borrow::Cow;

use crate::scan;

/// A line as text, without escape sequences, carriage returns, a byte order mark and NULs.
pub fn clean(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if scan::is_uncontrolled(line) {
        return scan::lossy(line);
    }
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match *first {
            0x1b => rest = behind_escape(after),
            b'\t' => kept.push(b'\t'),
            0x08 => {
                kept.pop();
            }
            control if control < b' ' => {}
            other => kept.push(other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&kept).into_owned())
}

/// Past `ESC [ ... letter`, `ESC ] ... BEL`, or one byte.
fn behind_escape(rest: &[u8]) -> &[u8] {
    let (skipped, is_end): (_, fn(&u8) -> bool) = match rest.first() {
        Some(b'[') => (1, |byte| (0x40..0x7f).contains(byte)),
        Some(b']') => (1, |byte| *byte == 0x07),
        Some(_) => return rest.get(1..).unwrap_or_default(),
        None => return rest,
    };
    let inside = rest.get(skipped..).unwrap_or_default();
    match inside.iter().position(is_end) {
        Some(end) => inside.get(end + 1..).unwrap_or_default(),
        None => inside,
    }
}

/// The words of a command line: behind a prompt (`[root@h ~]# lastb -F`), a `$` or `#`, or in a separator
/// (`=== last -F ===`). `None` where this tool is not called.
pub fn command<'a>(line: &'a str, tools: &[&str]) -> Option<Vec<&'a str>> {
    let words: Vec<&str> = line.split_whitespace().take(16).collect();
    let tool = words.iter().take(6).position(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        tools.contains(&name)
    })?;
    let (before, call) = words.split_at_checked(tool)?;
    let marked = before.iter().any(|word| {
        word.ends_with(['#', '$', '%', '>', '+', ':']) || word.starts_with(['#', '=', '-', '*'])
    });
    let bare = before.is_empty() && call.iter().skip(1).all(|word| word.starts_with('-'));
    (marked || bare).then(|| call.to_vec())
}

/// Whether a line is a prompt, a comment or a separator around outputs.
pub fn is_ornament(line: &str) -> bool {
    let line = line.trim();
    let rule = |character: char| matches!(character, '=' | '-' | '*' | '#' | '+' | '~' | ' ');
    line.starts_with(['#', '$', '='])
        || line.starts_with("Script ")
        || line.starts_with("---")
        || line.starts_with("***")
        || (!line.is_empty() && line.chars().all(rule))
        || line
            .split_whitespace()
            .take(2)
            .any(|word| word.contains('@') && word.ends_with(['#', '$', '%', '~', ':']))
        || (line.starts_with('[') && line.contains('@') && line.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_leave() {
        let check = |line: &[u8], expected: &str| assert_eq!(clean(line), expected);
        check(b"\xef\xbb\xbfroot pts/0", "root pts/0");
        check(b"\x1b[1;31mroot\x1b[0m pts/0\r", "root pts/0");
        check(b"\x1b]0;root@h\x07root", "root");
        check(b"ro\0ot\x1b[", "root");
        check(b"rx\x08oot", "root");
        check(b"\xff\xfe", "\u{fffd}\u{fffd}");
    }

    #[test]
    fn commands() {
        let check = |line: &str, expected: Option<&[&str]>| {
            assert_eq!(
                command(line, &["last", "lastb"]).as_deref(),
                expected,
                "{line}"
            );
        };
        check("[root@h ~]# lastb -F", Some(&["lastb", "-F"]));
        check("=== last -w ===", Some(&["last", "-w", "==="]));
        check("# /usr/bin/last", Some(&["/usr/bin/last"]));
        check("last -n 20", None);
        check("last -F -w", Some(&["last", "-F", "-w"]));
        check("last     pts/0        10.0.0.1", None);
        check("Last login: Fri", None);
    }
}
