//! A file's place in a rotated series, as its name says it.

use std::cmp::Reverse;

use super::stamp::days_of;

/// Newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// Still written.
    Live,
    /// Day of rotation from 1970, and what of the name follows it (an hour, a count).
    Dated(Reverse<i64>, Reverse<u64>),
    /// `.1`, `.2`.
    Numbered(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rotation<'a> {
    /// The path without what the rotation put into it.
    pub base: &'a str,
    /// How old.
    pub age: Age,
}

/// What a path says of its place in a rotation: `secure-20230402.gz`, `auth.log.2.gz`, `messages.20230402-1680000000`.
pub fn rotation(path: &str) -> Rotation<'_> {
    let mut name = path;
    while let Some((bare, ending)) = name.rsplit_once('.') {
        if !matches!(
            ending,
            "gz" | "zst" | "lz4" | "xz" | "bz2" | "log" | "old" | "txt"
        ) {
            break;
        }
        name = bare;
    }
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let file = name.get(start..).unwrap_or(name);
    let live = Rotation {
        base: name,
        age: if path.ends_with(".old") {
            Age::Numbered(1)
        } else {
            Age::Live
        },
    };
    let base = |end: usize| name.get(..start + end).unwrap_or(name);
    for (at, _) in file.char_indices() {
        let Some(days) = file.get(at..).and_then(suffix_date) else {
            continue;
        };
        let before = file.get(..at).unwrap_or_default();
        let bare = before.trim_end_matches(['-', '.', '_']);
        if bare.is_empty() || bare.len() == before.len() {
            continue;
        }
        let digits = file.get(at..).unwrap_or_default().bytes();
        let within = digits.filter(u8::is_ascii_digit).skip(8);
        let within = within.fold(0u64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        });
        return Rotation {
            base: log_less(base(bare.len())),
            age: Age::Dated(Reverse(days), Reverse(within)),
        };
    }
    if let Some((bare, number)) = file.rsplit_once('.')
        && number.len() <= 4
        && let Ok(number) = number.parse()
    {
        return Rotation {
            base: log_less(base(bare.len())),
            age: Age::Numbered(number),
        };
    }
    live
}

fn log_less(base: &str) -> &str {
    base.strip_suffix(".log").unwrap_or(base)
}

/// `20230402` or `2023-04-02` at the beginning, as days from 1970.
fn suffix_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i32> {
        let digits = bytes.get(from..to)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let year = number(0, 4)?;
    let (month, day) = match bytes.get(4)? {
        b'-' => (
            number(5, 7)?,
            (bytes.get(7) == Some(&b'-')).then(|| number(8, 10))??,
        ),
        _ => (number(4, 6)?, number(6, 8)?),
    };
    let plausible =
        (1990..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    plausible.then_some(())?;
    Some(days_of(
        year,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, base: &str, age: &str) {
        let got = rotation(path);
        let shown = match got.age {
            Age::Live => "live".to_owned(),
            Age::Dated(Reverse(days), Reverse(within)) => format!("{days} {within}"),
            Age::Numbered(number) => format!(".{number}"),
        };
        assert_eq!((got.base, shown.as_str()), (base, age), "{path}");
    }

    #[test]
    fn names_of_rotations() {
        check("h/secure", "h/secure", "live");
        check("h/auth.log", "h/auth", "live");
        check("h/auth.log.2.gz", "h/auth", ".2");
        check("h/auth.2.log", "h/auth", ".2");
        check("h/messages.old", "h/messages", ".1");
        check("h/secure-20230402", "h/secure", "19449 0");
        check("h/secure-20230402.gz", "h/secure", "19449 0");
        check("h/messages-2023040213.xz", "h/messages", "19449 13");
        check("h/syslog.2023-04-02", "h/syslog", "19449 0");
        check("h/auth-20230402.log", "h/auth", "19449 0");
        check("20230402/secure", "20230402/secure", "live");
        check("h/node-20231399", "h/node-20231399", "live");
    }
}
