//! Accounts as files list them: passwd, shadow, group, gshadow, sudoers. No password hash ever reaches a row.

mod group;
mod passwd;
mod shadow;
mod sudoers;

pub use group::FORMAT as GROUP;
pub use passwd::FORMAT as PASSWD;
pub use shadow::FORMAT as SHADOW;
pub use sudoers::FORMAT as SUDOERS;

use coldcase_model::{Attributes, Event, Sink};

use super::collected_text::{COMMENT, CUT, FRAME, TextLine, frame, is_lost, is_user, sample};
use crate::{Probe, Sniff};
use coldcase_model::Place;

/// What a password field says without its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Password<'a> {
    /// `set`, `locked` or `none`.
    state: &'static str,
    /// `$6$`, `$y$`, or `des`: how the hash was made.
    algorithm: Option<&'a str>,
}

/// The shortest hash: crypt(3) of old.
const DES_LENGTH: usize = 13;

fn password(field: &str) -> Password<'_> {
    let bare = field.trim_start_matches(['!', '*']);
    let algorithm = match bare.strip_prefix('$') {
        Some(rest) => rest
            .find('$')
            .and_then(|end| bare.get(..end + 2))
            .filter(|id| id.len() <= 16),
        None if bare.len() == DES_LENGTH => Some("des"),
        None => None,
    };
    let state = match field {
        "" => "none",
        _ if bare.len() < field.len() || (algorithm.is_none() && bare.len() < DES_LENGTH) => {
            "locked"
        }
        _ => "set",
    };
    Password { state, algorithm }
}

impl Password<'_> {
    fn put(self, attributes: &mut Attributes) {
        attributes
            .text("password", self.state)
            .text_if("algorithm", self.algorithm);
    }
}

/// The fields of a line with exactly so many.
fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    let mut fields = [""; N];
    let mut parts = line.trim_end().split(':');
    for field in &mut fields {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(fields)
}

fn is_number(field: &str) -> bool {
    !field.is_empty() && field.len() <= 10 && field.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names parted by commas.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn is_name(name: &str) -> bool {
    is_user(name)
        || (name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_digit())
            && is_user(name.trim_start_matches(|c: char| c.is_ascii_digit())))
}

/// `+::::::`, which takes in a directory service.
fn is_compat(line: &str) -> bool {
    line.starts_with(['+', '-']) && line.contains(':') && !line.contains(' ')
}

/// How many tenths of a file's lines are rows at least.
const LEAST_TENTHS: usize = 8;

/// How many lines are rows, of those that can be one; the shape decides. Where too few can be, not all lines are counted.
fn share(probe: &Probe<'_>, is_row: impl Fn(&str) -> bool) -> (usize, usize) {
    let (mut rows, mut lines) = (0, 0);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(rows, lines - rows, sample.len() - index, LEAST_TENTHS) {
            return (rows, lines);
        }
        if line.starts_with('#') || is_compat(line) || frame(line).is_some() {
            continue;
        }
        lines += 1;
        rows += usize::from(is_row(line));
    }
    (rows, lines)
}

fn verdict((rows, lines): (usize, usize)) -> Sniff {
    if rows == 0 || rows * 10 < lines * LEAST_TENTHS {
        Sniff::No
    } else if rows >= 3 {
        Sniff::Sure
    } else {
        Sniff::Likely
    }
}

/// Reads one line of a file with one account a line.
fn line(text: &TextLine<'_>, sink: &mut dyn Sink, row: impl FnOnce(&str) -> Option<Event<'_>>) {
    let place = Place::Line(text.number);
    let bare = text.text.trim();
    if bare.is_empty() {
        return;
    }
    if let Some(mut event) = row(bare) {
        event.line = Some(text.number);
        sink.event(&event);
        return sink.used(1);
    }
    let reason = if is_compat(bare) {
        "entry of a directory service"
    } else if frame(bare).is_some() {
        FRAME
    } else if bare.starts_with('#') {
        COMMENT
    } else if !text.ended {
        CUT
    } else {
        "not an account's line"
    };
    sink.skip(place, reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let check = |field: &str, state: &str, algorithm: Option<&str>| {
            let got = password(field);
            assert_eq!((got.state, got.algorithm), (state, algorithm), "{field}");
        };
        check("", "none", None);
        check("*", "locked", None);
        check("!!", "locked", None);
        check("!$6$salt$hash", "locked", Some("$6$"));
        check("$6$salt$hash", "set", Some("$6$"));
        check("$y$j9T$salt$hash", "set", Some("$y$"));
        check("abJnggxhB/yWI", "set", Some("des"));
        check("NP", "locked", None);
    }
}
