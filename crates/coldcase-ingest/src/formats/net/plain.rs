//! Lines of a terminal as plain text: without byte order mark, escapes and other control characters; and numbers
//! with their units.

use std::borrow::Cow;

use coldcase_model::{Place, Sink};

use crate::{IngestError, Input, Leftover, Line, Lines, Probe, scan};

/// A line as plain text; tabs stay.
pub fn plain<'a>(line: &Line<'a>) -> Cow<'a, str> {
    clean(line.bytes)
}

/// The same of bytes at hand.
pub fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = scan::lossy(bytes);
    if scan::is_uncontrolled(text.as_bytes()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => match characters.next() {
                Some('[') => {
                    characters.by_ref().find(|next| matches!(next, '@'..='~'));
                }
                Some(']') => {
                    characters
                        .by_ref()
                        .find(|next| matches!(next, '\u{7}' | '\u{1b}'));
                    characters.next_if_eq(&'\\');
                }
                Some('(' | ')') => drop(characters.next()),
                _ => {}
            },
            '\t' => out.push('\t'),
            control if control < ' ' => {}
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Lines of a probe as plain text, without blank ones.
pub fn probe_lines<'a>(probe: &Probe<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    probe
        .text_lines()
        .map(|line| line.text(clean))
        .filter(|line| !line.trim().is_empty())
}

/// The reason for which a line is skipped that is nothing known.
pub const NO_ROW: &str = "a line that is no row";

/// What a line that is no row of a table seems to be.
pub fn other_line(text: &str) -> &'static str {
    let start = text.trim_start();
    let is_prompt = start.starts_with(['#', '$']) || {
        let head: String = start.chars().take(80).collect();
        head.contains('@') && (head.contains("# ") || head.contains("$ ") || head.ends_with('#'))
    };
    match () {
        () if is_prompt => "a prompt, a command or a comment",
        () if is_rule(start) => "a line that separates",
        () => NO_ROW,
    }
}

/// `-----`, `=====`.
pub fn is_rule(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3
        && text
            .bytes()
            .all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_'))
}

/// A format's state while its lines come.
pub trait Reader {
    /// Takes a line that is not blank.
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink);
    /// No more lines come.
    fn finish(&mut self, sink: &mut dyn Sink);
}

/// Feeds the lines of an artifact to a reader.
pub fn read_lines(
    input: &mut Input<'_>,
    reader: &mut dyn Reader,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let read = loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                if line.bytes.trim_ascii().is_empty() {
                    continue;
                }
                if line.cut {
                    let warning = "a line longer than 1 MiB was cut";
                    sink.warn(Place::Line(line.number), warning.to_owned());
                }
                let text = plain(&line);
                match text.trim().is_empty() {
                    true => sink.skip(Place::Line(line.number), "a line of control characters"),
                    false => reader.line(line.number, &text, line.ended, sink),
                }
            }
            Ok(None) => break Ok(None),
            Err(error) => break Err(error.into()),
        }
    };
    reader.finish(sink);
    read
}

/// A line without its last word where the file ends in it: the word may be cut, and a cut number is a wrong one.
pub fn settled(text: &str, ended: bool) -> &str {
    match text.rfind([' ', '\t']) {
        Some(end) if !ended => text.get(..end).unwrap_or(text),
        None if !ended => "",
        _ => text,
    }
}

/// Text up to this many characters, for messages.
pub fn short(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// A decimal number times a factor, rounded; `None` where it is none or can't be held.
pub fn scaled(number: &str, factor: f64) -> Option<i64> {
    let is_number = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number || number.len() > 24 {
        return None;
    }
    let value = number.parse::<f64>().ok()? * factor;
    // Above 2^53 the text was not exact anyway; what an i64 can't hold is unknown.
    #[allow(clippy::cast_possible_truncation, reason = "checked against the range")]
    (value.is_finite() && value < 9e18).then(|| value.round() as i64)
}

/// Splits `20Mbit` into `20` and `Mbit`.
pub fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_noise_is_taken_off() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(clean(bytes), expected);
        check(b"\xef\xbb\xbfplain", "plain");
        check(b"\x1b[01;32mgreen\x1b[0m\tx\0", "green\tx");
        check(b"\x1b]0;title\x07after\x1b(B", "after");
        check(b"\x1b]0;never ends", "");
    }

    #[test]
    fn numbers_with_units() {
        assert_eq!(number_and_unit("1.5Kbit"), ("1.5", "Kbit"));
        assert_eq!(scaled("1.5", 1000.0), Some(1500));
        assert_eq!(scaled("9", 1e30), None);
        assert_eq!(scaled("1e9", 1.0), None);
    }
}
