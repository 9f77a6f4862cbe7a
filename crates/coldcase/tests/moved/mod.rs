//! A bundle as it would be had all happened on another day, at other addresses, under other names: every stamp, epoch,
//! address and name in its files is rewritten, text and binary alike. Findings go through the same.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "dates of tests are small"
)]

use chrono::{Datelike, Days, NaiveDate};

/// What is rewritten.
pub struct Move {
    /// Days that everything is shifted.
    pub days: u64,
    /// The year that stamps without one are of.
    pub year: i32,
    /// Names, old and new of equal length: tables keep their columns and records their offsets.
    pub names: &'static [(&'static str, &'static str)],
    /// First two parts of addresses, old and new of equal length.
    pub networks: &'static [([u8; 2], [u8; 2])],
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Epoch seconds of the years that recorded incidents are of.
const EPOCHS: std::ops::Range<i64> = 1_500_000_000..1_800_000_000;

impl Move {
    /// A file of the bundle.
    pub fn file(&self, bytes: &[u8]) -> Vec<u8> {
        let head = bytes.get(..4096).unwrap_or(bytes);
        if !head.contains(&0) {
            return self.text(&String::from_utf8_lossy(bytes)).into_bytes();
        }
        let mut moved = bytes.to_vec();
        for (old, new) in self.names {
            replace_bytes(&mut moved, old.as_bytes(), new.as_bytes());
        }
        for (old, new) in self.networks {
            replace_bytes(&mut moved, old, new);
            let text = |part: &[u8; 2]| format!("{}.{}.", part[0], part[1]);
            replace_bytes(&mut moved, text(old).as_bytes(), text(new).as_bytes());
        }
        match bytes {
            [0xd4, 0xc3, 0xb2, 0xa1, ..] => self.capture(&mut moved),
            _ => self.logins(&mut moved),
        }
        moved
    }

    /// A text, a path, or findings as JSON.
    pub fn text(&self, text: &str) -> String {
        let mut moved = text.to_owned();
        for (old, new) in self.names {
            assert_eq!(old.len(), new.len(), "{old} and {new}");
            moved = moved.replace(old, new);
        }
        for (old, new) in self.networks {
            moved = replace_network(&moved, *old, *new);
        }
        self.stamps(&moved)
    }

    fn shift(&self, date: NaiveDate) -> NaiveDate {
        date.checked_add_days(Days::new(self.days)).expect("a date")
    }

    fn seconds(&self) -> u32 {
        self.days as u32 * 86_400
    }

    fn capture(&self, bytes: &mut [u8]) {
        let mut at = 24;
        while at + 16 <= bytes.len() {
            let number =
                |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let (ts, length) = (number(at), number(at + 8));
            bytes[at..at + 4].copy_from_slice(&(ts + self.seconds()).to_le_bytes());
            at += 16 + length as usize;
        }
    }

    fn logins(&self, bytes: &mut [u8]) {
        for record in bytes.chunks_exact_mut(384) {
            let ts = u32::from_le_bytes(record[340..344].try_into().expect("four bytes"));
            if ts != 0 {
                record[340..344].copy_from_slice(&(ts + self.seconds()).to_le_bytes());
            }
        }
    }

    fn stamps(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut moved = String::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let before = at.checked_sub(1).map(|before| bytes[before]);
            let is_start = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
            let found = is_start
                .then(|| {
                    self.dashed(rest)
                        .or_else(|| self.packed(rest, before))
                        .or_else(|| self.epoch(rest))
                        .or_else(|| self.named(rest))
                })
                .flatten();
            match found {
                Some((length, new)) => {
                    moved.push_str(&new);
                    at += length;
                }
                None => {
                    let next = rest.chars().next().expect("not at the end");
                    moved.push(next);
                    at += next.len_utf8();
                }
            }
        }
        moved
    }

    /// `2023-05-11`.
    fn dashed(&self, text: &str) -> Option<(usize, String)> {
        // chrono would skip a space before the year.
        let day = text.get(..10).filter(|day| day.starts_with('2'))?;
        let date = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
        Some((10, self.shift(date).format("%Y-%m-%d").to_string()))
    }

    /// `secure-20230402`: the dates of rotations.
    fn packed(&self, text: &str, before: Option<u8>) -> Option<(usize, String)> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let date = NaiveDate::parse_from_str(text.get(..8)?, "%Y%m%d").ok()?;
        (digits == 8 && before == Some(b'-') && (2000..2100).contains(&date.year()))
            .then(|| (8, self.shift(date).format("%Y%m%d").to_string()))
    }

    /// Seconds since 1970.
    fn epoch(&self, text: &str) -> Option<(usize, String)> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let seconds: i64 = text.get(..10)?.parse().ok()?;
        (digits == 10 && EPOCHS.contains(&seconds))
            .then(|| (10, (seconds + i64::from(self.seconds())).to_string()))
    }

    /// `Thu May 11 03:55:57 2023` in all its parts.
    fn named(&self, text: &str) -> Option<(usize, String)> {
        let weekday = text
            .get(..4)
            .filter(|day| day.ends_with(' ') && WEEKDAYS.contains(&day.trim_end()));
        let start = weekday.map_or(0, str::len);
        let month = MONTHS
            .iter()
            .position(|name| text[start..].starts_with(name))?;
        let day_text = text.get(start + 3..start + 6)?;
        let day: u32 = day_text.trim_start().parse().ok()?;
        let rest = text.get(start + 6..)?;
        let clock = rest
            .bytes()
            .skip(1)
            .take_while(|byte| byte.is_ascii_digit() || *byte == b':')
            .count();
        let tail = rest.get(1 + clock..)?;
        let year_of = |text: &str| {
            let year = text.get(..5)?.strip_prefix(' ')?.parse().ok()?;
            (2000..2100).contains(&year).then_some(year)
        };
        let (year, between) = match rest.as_bytes() {
            [b' ', b' ', ..] => (year_of(&rest[1..]), Some(2)),
            [b' ', ..] if rest[1..1 + clock].contains(':') => (year_of(tail), Some(2 + clock)),
            _ => return None,
        };
        let date = NaiveDate::from_ymd_opt(year.unwrap_or(self.year), month as u32 + 1, day)?;
        let new = self.shift(date);
        let mut moved = match weekday {
            Some(_) => format!(
                "{} ",
                WEEKDAYS[new.weekday().num_days_from_monday() as usize]
            ),
            None => String::new(),
        };
        moved.push_str(MONTHS[new.month0() as usize]);
        moved.push_str(&match day_text.as_bytes()[1] {
            b'0' => format!(" {:02}", new.day()),
            _ => format!(" {:2}", new.day()),
        });
        let mut length = start + 6;
        if let (Some(_), Some(between)) = (year, between) {
            moved.push_str(&rest[..between]);
            moved.push_str(&new.year().to_string());
            length += between + 4;
        }
        Some((length, moved))
    }
}

fn replace_bytes(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while at + old.len() <= bytes.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
            at += old.len();
        } else {
            at += 1;
        }
    }
}

/// Addresses in dots, and in the hexadecimal that audit writes socket addresses in.
fn replace_network(text: &str, old: [u8; 2], new: [u8; 2]) -> String {
    let dotted = |part: [u8; 2]| format!("{}.{}.", part[0], part[1]);
    let (from, to) = (dotted(old), dotted(new));
    assert_eq!(from.len(), to.len(), "{from} and {to}");
    let mut moved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&from) {
        let (before, after) = rest.split_at(at);
        moved.push_str(before);
        let is_inside = before.ends_with(|last: char| last.is_ascii_digit() || last == '.');
        moved.push_str(if is_inside { &from } else { &to });
        rest = &after[from.len()..];
    }
    moved.push_str(rest);
    socket_addresses(&mut moved, old, new);
    moved
}

/// `saddr=` of AF_INET: family, port, address, each in hexadecimal.
fn socket_addresses(text: &mut String, old: [u8; 2], new: [u8; 2]) {
    const FAMILY: &str = "saddr=0200";
    let hex = |part: [u8; 2]| format!("{:02X}{:02X}", part[0], part[1]);
    let places: Vec<usize> = text.match_indices(FAMILY).map(|(at, _)| at).collect();
    for at in places {
        let address = at + FAMILY.len() + 4..at + FAMILY.len() + 8;
        if text.get(address.clone()) == Some(hex(old).as_str()) {
            text.replace_range(address, &hex(new));
        }
    }
}
