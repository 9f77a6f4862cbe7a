//! Times as container engines write them: RFC 3339 with or without an offset from UTC, Go's own
//! `2023-05-11 18:12:10.822 +0000 UTC`, and numbers since 1970 in seconds to nanoseconds.
//!
//! Go's zero time (`0001-01-01T00:00:00Z`, in any zone) and 1970 itself mean that it never happened.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset};
use coldcase_model::{Precision, Timestamp, When};
use serde_json::Value;

use crate::Clock;

/// What a field for a time holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instant {
    /// Nothing, or a time that stands for nothing.
    Absent,
    /// A time.
    At(Timestamp, Precision),
    /// Something that is no time.
    Unreadable,
}

impl Instant {
    /// As the timeline holds it, corrected by the host's clock offset.
    pub fn when(self, clock: &Clock) -> Option<When> {
        match self {
            Self::At(ts, precision) => Some(clock.recorded(ts, precision)),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

/// The time in a field.
pub fn of_value(value: Option<&Value>) -> Instant {
    match value {
        None | Some(Value::Null) => Instant::Absent,
        Some(Value::String(text)) => of_text(text),
        Some(Value::Number(number)) => number.as_i64().map_or(Instant::Unreadable, of_number),
        Some(_) => Instant::Unreadable,
    }
}

/// The time in a text.
pub fn of_text(text: &str) -> Instant {
    let text = text.trim();
    if text.is_empty() {
        return Instant::Absent;
    }
    if text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_or(Instant::Unreadable, of_number);
    }
    let utc = match DateTime::parse_from_rfc3339(text) {
        Ok(at) if at.year() <= 1 => return Instant::Absent,
        Ok(at) => at.to_utc(),
        Err(_) => match go_time(text) {
            Some(at) if at.year() <= 1 => return Instant::Absent,
            Some(at) => at.to_utc(),
            None => return Instant::Unreadable,
        },
    };
    match Timestamp::from_utc(utc) {
        Some(Timestamp(0)) => Instant::Absent,
        Some(ts) => Instant::At(ts, Precision::of_fraction_digits(fraction_digits(text))),
        None => Instant::Unreadable,
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970: each unit's numbers are those of the
/// years 1973 to 5138, so that they can't be confused.
fn of_number(number: i64) -> Instant {
    let (unit, precision) = match number {
        ..=0 => return Instant::Absent,
        1..100_000_000_000 => (1_000_000_000, Precision::S),
        100_000_000_000..100_000_000_000_000 => (1_000_000, Precision::Ms),
        100_000_000_000_000..100_000_000_000_000_000 => (1_000, Precision::Us),
        _ => (1, Precision::Ns),
    };
    match number.checked_mul(unit) {
        Some(nanos) => Instant::At(Timestamp(nanos), precision),
        None => Instant::Unreadable,
    }
}

fn fraction_digits(text: &str) -> usize {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count()
}

/// Go's `time.Time` as text: `2006-01-02 15:04:05.999999999 -0700 MST`, perhaps with `m=+0.1` behind.
fn go_time(text: &str) -> Option<DateTime<chrono::FixedOffset>> {
    let mut words = text.split_ascii_whitespace();
    let date: NaiveDate = words.next()?.parse().ok()?;
    let time = words.next()?.parse().ok()?;
    let offset = words.next()?;
    words.next()?;
    let offset = match offset {
        "UTC" | "Z" => chrono::Utc.fix(),
        _ => offset.parse().ok()?,
    };
    NaiveDateTime::new(date, time)
        .and_local_timezone(offset)
        .single()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match of_text(text) {
            Instant::Absent => "absent".to_owned(),
            Instant::At(ts, precision) => format!("{ts} {}", precision.as_str()),
            Instant::Unreadable => "unreadable".to_owned(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn times_of_all_engines() {
        check("", "absent");
        check("0001-01-01T00:00:00Z", "absent");
        check("0001-01-01T08:05:43+08:05", "absent");
        check("1970-01-01T00:00:00Z", "absent");
        check("0", "absent");
        check(
            "2023-05-11T18:12:10.822630533Z",
            "2023-05-11T18:12:10.822630533Z ns",
        );
        check(
            "2023-05-12T02:12:10.8226+08:00",
            "2023-05-11T18:12:10.822600Z us",
        );
        check(
            "2023-05-11 18:12:10.822 +0000 UTC",
            "2023-05-11T18:12:10.822Z ms",
        );
        check(
            "2023-05-12 02:12:10 +0800 CST m=+0.01",
            "2023-05-11T18:12:10Z ms",
        );
        check("1683828730822630533", "2023-05-11T18:12:10.822630533Z ns");
        check("1683828730", "2023-05-11T18:12:10Z s");
        check("2 hours ago", "unreadable");
        check("2023-13-11T18:12:10Z", "unreadable");
        check("9999-01-01T00:00:00Z", "unreadable");
    }
}
