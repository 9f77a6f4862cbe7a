//! Our own sentences, which quote evidence: escaped like it; times in them follow the zone's switch, commands stand
//! apart, and names too long to read lose their middle.

use coldcase_model::Timestamp;

use super::View;
use super::escape::{cut, escape, marked, shorten};
use super::times::stamp;

/// Longest text, in characters: our own sentences are far below, evidence that they quote may not be.
const LONGEST: usize = 8_000;
/// Longest word of a sentence.
const LONGEST_WORD: usize = 56;
/// Longest command.
const LONGEST_COMMAND: usize = 600;
/// `2023-03-28T16:00:04Z`.
const STAMP: usize = 20;

/// Text as HTML.
pub(super) fn prose(text: &str, view: &View<'_>) -> String {
    written(text, view, LONGEST_WORD)
}

/// Likewise with names in full: what is to be typed again.
pub(super) fn whole(text: &str, view: &View<'_>) -> String {
    written(text, view, LONGEST_COMMAND)
}

fn written(text: &str, view: &View<'_>, longest: usize) -> String {
    let (shown, is_cut) = cut(text, LONGEST);
    let mut out = String::new();
    for (index, part) in shown.split('`').enumerate() {
        if index % 2 == 1 {
            let (command, more) = cut(part, LONGEST_COMMAND);
            out.push_str("<code>");
            out.push_str(&marked(command));
            out.push_str(if more { "…</code>" } else { "</code>" });
        } else {
            words(&mut out, part, view, longest);
        }
    }
    if is_cut {
        out.push_str(" … (cut)");
    }
    out
}

fn words(out: &mut String, text: &str, view: &View<'_>, longest: usize) {
    for part in text.split_inclusive(char::is_whitespace) {
        word(out, part, view, longest);
    }
}

/// One word with the space behind it. Chinese has none between words: a stamp may stand within.
fn word(out: &mut String, word: &str, view: &View<'_>, longest: usize) {
    let mut rest = word;
    while let Some((before, at, after)) = split_stamp(rest) {
        plain(out, before, longest);
        out.push_str(&stamp(at, view.zone));
        rest = after;
    }
    plain(out, rest, longest);
}

fn plain(out: &mut String, text: &str, longest: usize) {
    let is_name = text.is_ascii() && text.trim_end().len() > longest;
    if is_name {
        let name = text.trim_end();
        out.push_str("<span class=\"long\" title=\"");
        out.push_str(&escape(name));
        out.push_str("\">");
        out.push_str(&marked(&shorten(name, longest)));
        out.push_str("</span>");
        out.push_str(text.get(name.len()..).unwrap_or_default());
    } else if text.chars().count() > 400 && !text.chars().any(|letter| letter >= '\u{2e80}') {
        out.push_str(&escape(text));
    } else {
        out.push_str(&marked(text));
    }
}

/// What stands before the first time in UTC, the time, and what stands behind it.
fn split_stamp(text: &str) -> Option<(&str, Timestamp, &str)> {
    let bytes = text.as_bytes();
    let starts = (0..bytes.len()).filter(|start| {
        let at = |offset: usize| bytes.get(start + offset);
        at(4) == Some(&b'-')
            && at(7) == Some(&b'-')
            && at(10) == Some(&b'T')
            && at(13) == Some(&b':')
    });
    for start in starts {
        let tail = text.get(start..)?;
        let Some(length) = tail
            .bytes()
            .take(STAMP + 10)
            .position(|byte| byte == b'Z')
            .map(|end| end + 1)
        else {
            continue;
        };
        let (Some(before), Some(written), Some(after)) =
            (text.get(..start), tail.get(..length), tail.get(length..))
        else {
            continue;
        };
        if let Some(at) = Timestamp::parse_rfc3339(written) {
            return Some((before, at, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_within_words() {
        let (before, at, after) =
            split_stamp("从2023-03-28T16:00:05.25Z到").unwrap_or(("", Timestamp(0), ""));
        assert_eq!(
            (before, at.to_string().as_str(), after),
            ("从", "2023-03-28T16:00:05.250Z", "到")
        );
        assert!(split_stamp("2023-03-28T99:00:05Z").is_none());
        assert!(split_stamp("no-time-T:Z").is_none());
    }
}
