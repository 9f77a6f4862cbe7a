//! Finding bytes and short texts in lines. The standard library's searches build a searcher for each call, which costs more than
//! a line's few dozen bytes are worth; these look at the bytes themselves.

use std::borrow::Cow;

use memchr::memmem;

/// Up to this many bytes are looked through one by one: names and numbers end sooner than a vector search begins.
const NEAR: usize = 16;

/// Where a byte stands first.
pub fn find_byte(text: &str, byte: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let near = bytes.iter().take(NEAR).position(|each| *each == byte);
    near.or_else(|| {
        let found = memchr::memchr(byte, bytes.get(NEAR..)?)?;
        Some(NEAR + found)
    })
}

/// What stands before and behind the first such byte, which is ASCII.
pub fn split_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = find_byte(text, byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before and behind the last such byte, which is ASCII.
pub fn rsplit_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr::memrchr(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The first word and what follows the blank behind it; without a blank all of it.
pub fn first_word(text: &str) -> (&str, &str) {
    split_byte(text, b' ').unwrap_or((text, ""))
}

/// Where a text stands first.
pub fn find(text: &str, wanted: &str) -> Option<usize> {
    memmem::find(text.as_bytes(), wanted.as_bytes())
}

/// Where a text stands last.
pub fn rfind(text: &str, wanted: &str) -> Option<usize> {
    memmem::rfind(text.as_bytes(), wanted.as_bytes())
}

/// What stands before and behind the first such text.
pub fn split<'t>(text: &'t str, wanted: &str) -> Option<(&'t str, &'t str)> {
    let at = find(text, wanted)?;
    Some((text.get(..at)?, text.get(at + wanted.len()..)?))
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD. As `String::from_utf8_lossy`, which looks at text byte by byte.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Whether all bytes are tabs, blanks or above; without an early exit, so that many are compared at a time.
pub fn is_uncontrolled(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |all, byte| all & (*byte >= b' ' || *byte == b'\t'))
}

/// Without blanks at the beginning.
pub fn after_blanks(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(' ') {
        rest = after;
    }
    rest
}

/// Without white space at the beginning, as `trim_start`; most text begins with none.
pub fn trim_start(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b'!'..=b'~') => text,
        _ => text.trim_start(),
    }
}

/// Without white space at the end, as `trim_end`; most text ends with none.
pub fn trim_end(text: &str) -> &str {
    match text.as_bytes().last() {
        Some(b'!'..=b'~') => text,
        _ => text.trim_end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library() {
        let long = "x".repeat(NEAR + 3) + " from é from  y ";
        for text in [
            "", " ", "a", " a", "é b", "ab cd ef", " from ", "a from b", &long,
        ] {
            assert_eq!(find_byte(text, b' '), text.find(' '), "{text}");
            assert_eq!(split_byte(text, b' '), text.split_once(' '));
            assert_eq!(rsplit_byte(text, b' '), text.rsplit_once(' '));
            assert_eq!(first_word(text), text.split_once(' ').unwrap_or((text, "")));
            assert_eq!(find(text, " from "), text.find(" from "));
            assert_eq!(rfind(text, " from "), text.rfind(" from "));
            assert_eq!(split(text, " from "), text.split_once(" from "));
            assert_eq!(after_blanks(text), text.trim_start_matches(' '));
            assert_eq!(trim_start(text), text.trim_start());
            assert_eq!(trim_end(text), text.trim_end());
        }
        for text in ["\u{a0}a\u{a0}", "\ta\r\n", "\u{7f}"] {
            assert_eq!(trim_start(text), text.trim_start());
            assert_eq!(trim_end(text), text.trim_end());
        }
    }
}
