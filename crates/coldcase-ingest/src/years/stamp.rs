//! The stamps at the head of log lines, by fixed shapes and without allocation: RFC 3164 without a year,
//! the same with a year before or after the day, RFC 3339 and ISO 8601 with or without a zone, weekday
//! names before either, seconds since 1970. The year-less ones are why [`super`] exists.

/// What stands at the head of a line. Unchecked by any zone: these are the clock's own digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The year, where the stamp has one.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31; 29 February passes where the year is unknown.
    pub day: u8,
    /// Second of the day; a leap second is read as the second before it.
    pub second: u32,
    /// Nanoseconds after it.
    pub nanos: u32,
    /// Digits after the second.
    pub digits: u8,
    /// Seconds east of UTC, where the stamp says so.
    pub offset: Option<i32>,
    /// 0 is Monday.
    pub weekday: Option<u8>,
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The stamp at the beginning of a line and where it ends.
pub fn read(line: &[u8]) -> Option<(Stamp, usize)> {
    if let Some(stamp) = rfc3164(line) {
        return Some((stamp, 15));
    }
    if line.first()?.is_ascii_digit() {
        return match byte(line, 2) {
            b'/' => slashed(line),
            _ => dated(line, 0).or_else(|| since_1970(line)),
        };
    }
    if let Some(month) = month(line, 0) {
        return named(line, 0, month, None);
    }
    let weekday = weekday(line, 0)?;
    let mut at = 3;
    if byte(line, at) == b',' {
        at += 1;
    }
    let at = blanks(line, at)?;
    let (mut stamp, end) = match month(line, at) {
        Some(month) => named(line, at, month, Some(weekday)),
        None => dated(line, at).map(|stamp| zone_name(line, stamp)),
    }?;
    stamp.weekday = Some(weekday);
    Some((stamp, end))
}

/// `Mar  9 04:05:06` where neither a fraction nor a year follows: what most lines of most logs begin with. Whatever else
/// stands there is left to the other readers.
fn rfc3164(line: &[u8]) -> Option<Stamp> {
    let (head, rest) = line.split_first_chunk::<15>()?;
    let [
        a,
        b,
        c,
        b' ',
        tens,
        ones,
        b' ',
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
    ] = head
    else {
        return None;
    };
    if matches!(rest.first(), Some(b'.' | b',')) {
        return None;
    }
    let month = month_of([*a, *b, *c])?;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    let day = match tens {
        b' ' => digit(*ones)?,
        tens => digit(*tens)? * 10 + digit(*ones)?,
    };
    let (hour, minute, second) = (two(head, 7)?, two(head, 10)?, two(head, 13)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    valid(Stamp {
        year: None,
        month,
        day,
        second: u32::from(hour) * 3_600 + u32::from(minute) * 60 + u32::from(second.min(59)),
        nanos: 0,
        digits: 0,
        offset: None,
        weekday: None,
    })
}

/// The stamp of klog and glog, `I0307 15:37:29.568123 `: a level's letter, month and day, no year. Apart from
/// [`read`], since nothing but the shape of the whole head tells it from a word.
pub fn klog(line: &[u8]) -> Option<Stamp> {
    if !matches!(line.first()?, b'I' | b'W' | b'E' | b'F') || byte(line, 5) != b' ' {
        return None;
    }
    let (month, day) = (two(line, 1)?, two(line, 3)?);
    let (second, nanos, digits, end) = time(line, 6)?;
    if digits == 0 || byte(line, end) != b' ' {
        return None;
    }
    valid(Stamp {
        year: None,
        month,
        day,
        second,
        nanos,
        digits,
        offset: None,
        weekday: None,
    })
}

/// Days from 1970-01-01 to this date of the Gregorian calendar.
pub fn days_of(year: i32, month: u8, day: u8) -> i64 {
    let month = i64::from(month);
    let shifted = i64::from(year) - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day counted from 1970-01-01.
pub fn date_of(days: i64) -> Option<(i32, u8, u8)> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * index + 2) / 5 + 1;
    let month = if index < 10 { index + 3 } else { index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((
        i32::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    ))
}

/// Whether a year has a 29 February.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_length(year: Option<i32>, month: u8) -> u8 {
    match month {
        2 if year.is_none_or(is_leap) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `Mar  9 04:05:06`, `Mar 29 2023 00:00:05`, and after a weekday `Mar 29 00:00:05 2023`.
fn named(line: &[u8], at: usize, month: u8, weekday: Option<u8>) -> Option<(Stamp, usize)> {
    let (day, at) = short_number(line, blanks(line, at + 3)?)?;
    let mut at = blanks(line, at)?;
    let mut year = None;
    if let Some(given) = four(line, at).filter(|_| byte(line, at + 4) == b' ') {
        year = Some(given);
        at = blanks(line, at + 4)?;
    }
    let (second, nanos, digits, mut end) = time(line, at)?;
    if weekday.is_some() && year.is_none() && byte(line, end) == b' ' {
        let given = four(line, end + 1);
        if given.is_some() && matches!(byte(line, end + 5), b' ' | 0) {
            year = given;
            end += 5;
        }
    }
    let stamp = Stamp {
        year,
        month,
        day,
        second,
        nanos,
        digits,
        offset: None,
        weekday,
    };
    valid(stamp).map(|stamp| (stamp, end))
}

/// `2023-03-29T00:00:05.123456+08:00`, `2023-03-29 00:00:05,123`, `2023/03/29 00:00:05`,
/// `2023 Mar 29 00:00:05`.
fn dated(line: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let year = four(line, at)?;
    let separator = byte(line, at + 4);
    if separator == b' ' {
        let at = at + 5;
        let (mut stamp, end) = named(line, at, month(line, at)?, None)?;
        if stamp.year.is_some() {
            return None;
        }
        stamp.year = Some(year);
        return valid(stamp).map(|stamp| (stamp, end));
    }
    if !matches!(separator, b'-' | b'/') || byte(line, at + 7) != separator {
        return None;
    }
    let (month, day) = (two(line, at + 5)?, two(line, at + 8)?);
    if !matches!(byte(line, at + 10), b'T' | b't' | b' ') {
        return None;
    }
    let (second, nanos, digits, end) = time(line, at + 11)?;
    let (offset, end) = offset(line, end);
    let stamp = Stamp {
        year: Some(year),
        month,
        day,
        second,
        nanos,
        digits,
        offset,
        weekday: None,
    };
    valid(stamp).map(|stamp| (stamp, end))
}

/// `1680019204.123456 `: `journalctl -o short-unix`, always with six digits after the second.
fn since_1970(line: &[u8]) -> Option<(Stamp, usize)> {
    let digits = |from: usize, to: usize| {
        let digits = line.get(from..to)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        let number = |number: i64, digit: &u8| number * 10 + i64::from(digit - b'0');
        all.then(|| digits.iter().fold(0, number))
    };
    let seconds = digits(0, 10)?;
    let micros = digits(11, 17)?;
    if byte(line, 10) != b'.' || byte(line, 17) != b' ' {
        return None;
    }
    let (year, month, day) = date_of(seconds.div_euclid(DAY))?;
    let stamp = Stamp {
        year: Some(year),
        month,
        day,
        second: u32::try_from(seconds.rem_euclid(DAY)).ok()?,
        nanos: u32::try_from(micros).ok()? * 1_000,
        digits: 6,
        offset: Some(0),
        weekday: None,
    };
    valid(stamp).map(|stamp| (stamp, 17))
}

/// The name of a zone behind a stamp, ` CEST `, as `journalctl -o short-full` prints it. One that stands for
/// several offsets (CST, IST, BST) is passed over and the artifact's zone assumed.
fn zone_name(line: &[u8], (stamp, end): (Stamp, usize)) -> (Stamp, usize) {
    let rest = line.get(end..).unwrap_or_default();
    let name = rest.strip_prefix(b" ").unwrap_or_default();
    let length = name
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    if stamp.offset.is_some() || !(2..=5).contains(&length) || name.get(length) != Some(&b' ') {
        return (stamp, end);
    }
    let hours = match name.get(..length).unwrap_or_default() {
        b"WET" => Some(0),
        b"CET" | b"WEST" | b"WAT" => Some(1),
        b"EET" | b"CEST" | b"SAST" | b"CAT" => Some(2),
        b"MSK" | b"EEST" | b"EAT" => Some(3),
        b"PKT" => Some(5),
        b"WIB" => Some(7),
        b"HKT" | b"AWST" => Some(8),
        b"JST" | b"KST" => Some(9),
        b"AEST" => Some(10),
        b"AEDT" => Some(11),
        b"NZST" => Some(12),
        b"NZDT" => Some(13),
        b"EDT" => Some(-4),
        b"EST" => Some(-5),
        b"MDT" => Some(-6),
        b"MST" | b"PDT" => Some(-7),
        b"AKDT" => Some(-8),
        b"AKST" => Some(-9),
        b"HST" => Some(-10),
        _ => None,
    };
    let offset = hours.map(|hours: i32| hours * 3_600);
    (Stamp { offset, ..stamp }, end + 1 + length)
}

/// `01/27/2021-10:11:12.123456` of Suricata, `01/27-10:11:12.123456` and `01/27/21-10:11:12.123456` of Snort.
fn slashed(line: &[u8]) -> Option<(Stamp, usize)> {
    let (month, day) = (two(line, 0)?, two(line, 3)?);
    let (year, at) = match (byte(line, 5), byte(line, 8), byte(line, 10)) {
        (b'-', ..) => (None, 6),
        (b'/', b'-', _) => (Some(2000 + i32::from(two(line, 6)?)), 9),
        (b'/', _, b'-') => (Some(four(line, 6)?), 11),
        _ => return None,
    };
    let (second, nanos, digits, end) = time(line, at)?;
    let stamp = Stamp {
        year,
        month,
        day,
        second,
        nanos,
        digits,
        offset: None,
        weekday: None,
    };
    valid(stamp).map(|stamp| (stamp, end))
}

fn valid(stamp: Stamp) -> Option<Stamp> {
    let known = (1..=12).contains(&stamp.month)
        && (1..=month_length(stamp.year, stamp.month)).contains(&stamp.day)
        && stamp.year.is_none_or(|year| (1970..2200).contains(&year));
    known.then_some(stamp)
}

/// `HH:MM:SS` and a fraction: second of the day, nanoseconds, digits, end.
fn time(line: &[u8], at: usize) -> Option<(u32, u32, u8, usize)> {
    let (hour, minute, second) = (two(line, at)?, two(line, at + 3)?, two(line, at + 6)?);
    if byte(line, at + 2) != b':' || byte(line, at + 5) != b':' {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let second_of_day =
        u32::from(hour) * 3_600 + u32::from(minute) * 60 + u32::from(second.min(59));
    let (nanos, digits, end) = fraction(line, at + 8);
    Some((second_of_day, nanos, digits, end))
}

/// `.123456` or `,123`; without a digit after the mark there is no fraction.
fn fraction(line: &[u8], at: usize) -> (u32, u8, usize) {
    if !matches!(byte(line, at), b'.' | b',') || !byte(line, at + 1).is_ascii_digit() {
        return (0, 0, at);
    }
    let (mut nanos, mut digits, mut end) = (0u32, 0u8, at + 1);
    while byte(line, end).is_ascii_digit() {
        if digits < 9 {
            nanos = nanos * 10 + u32::from(byte(line, end) - b'0');
            digits += 1;
        }
        end += 1;
    }
    for _ in digits..9 {
        nanos *= 10;
    }
    (nanos, digits, end)
}

/// `Z`, `+08:00`, `+0800`, `-03`, the same after a blank, ` UTC`, ` GMT`.
fn offset(line: &[u8], end: usize) -> (Option<i32>, usize) {
    if matches!(byte(line, end), b'Z' | b'z') {
        return (Some(0), end + 1);
    }
    let spaced = byte(line, end) == b' ';
    let at = if spaced { end + 1 } else { end };
    if spaced && matches!(line.get(at..at + 4), Some(b"UTC " | b"GMT ")) {
        return (Some(0), at + 3);
    }
    let sign = match byte(line, at) {
        b'+' => 1,
        b'-' => -1,
        _ => return (None, end),
    };
    let Some(hours) = two(line, at + 1) else {
        return (None, end);
    };
    let minutes_at = at + 3 + usize::from(byte(line, at + 3) == b':');
    let (minutes, after) = match two(line, minutes_at) {
        Some(minutes) => (minutes, minutes_at + 2),
        None => (0, at + 3),
    };
    if hours > 15 || minutes > 59 {
        return (None, end);
    }
    let seconds = sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60);
    (Some(seconds), after)
}

fn byte(line: &[u8], at: usize) -> u8 {
    line.get(at).copied().unwrap_or(0)
}

/// Past at least one blank.
fn blanks(line: &[u8], at: usize) -> Option<usize> {
    if byte(line, at) != b' ' {
        return None;
    }
    let mut at = at + 1;
    while byte(line, at) == b' ' {
        at += 1;
    }
    Some(at)
}

fn two(line: &[u8], at: usize) -> Option<u8> {
    let (tens, ones) = (byte(line, at), byte(line, at + 1));
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

fn four(line: &[u8], at: usize) -> Option<i32> {
    Some(i32::from(two(line, at)?) * 100 + i32::from(two(line, at + 2)?))
}

/// One or two digits.
fn short_number(line: &[u8], at: usize) -> Option<(u8, usize)> {
    if let Some(number) = two(line, at) {
        return Some((number, at + 2));
    }
    let digit = byte(line, at);
    digit.is_ascii_digit().then(|| (digit - b'0', at + 1))
}

fn month(line: &[u8], at: usize) -> Option<u8> {
    line.get(at..)?
        .first_chunk()
        .and_then(|name| month_of(*name))
}

fn month_of(name: [u8; 3]) -> Option<u8> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// 0 is Monday.
fn weekday(line: &[u8], at: usize) -> Option<u8> {
    Some(match line.get(at..at + 3)? {
        b"Mon" => 0,
        b"Tue" => 1,
        b"Wed" => 2,
        b"Thu" => 3,
        b"Fri" => 4,
        b"Sat" => 5,
        b"Sun" => 6,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year, month, day, second of the day, nanoseconds, offset; then what is left of the line.
    type Read<'a> = (Option<i32>, u8, u8, u32, u32, Option<i32>, &'a str);

    fn check(line: &str, expected: Option<Read<'_>>) {
        let got = read(line.as_bytes()).map(|(stamp, end)| {
            (
                stamp.year,
                stamp.month,
                stamp.day,
                stamp.second,
                stamp.nanos,
                stamp.offset,
                line.get(end..).expect("ends inside"),
            )
        });
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn shapes() {
        let year = Some(2023);
        check("Mar  9 00:01:06 h", Some((None, 3, 9, 66, 0, None, " h")));
        let micros = 123_456_000;
        check(
            "01/27/2021-00:01:06.123456  [",
            Some((Some(2021), 1, 27, 66, micros, None, "  [")),
        );
        check(
            "01/27-00:01:06.123456 [",
            Some((None, 1, 27, 66, micros, None, " [")),
        );
        check(
            "01/27/21-00:01:06 [",
            Some((Some(2021), 1, 27, 66, 0, None, " [")),
        );
        check("01/27/2021 00:01:06", None);
        check("Mar 9 00:01:06 h", Some((None, 3, 9, 66, 0, None, " h")));
        check(
            "Mar 23 00:00:18.123 h",
            Some((None, 3, 23, 18, 123_000_000, None, " h")),
        );
        check(
            "Feb 29 00:00:43: -",
            Some((None, 2, 29, 43, 0, None, ": -")),
        );
        check(
            "Mar 29 2023 00:00:05 h",
            Some((year, 3, 29, 5, 0, None, " h")),
        );
        check(
            "2023 Mar 29 00:00:05 h",
            Some((year, 3, 29, 5, 0, None, " h")),
        );
        check(
            "Wed Mar 29 00:00:05 2023 h",
            Some((year, 3, 29, 5, 0, None, " h")),
        );
        check(
            "Wed Mar 29 00:00:05 h",
            Some((None, 3, 29, 5, 0, None, " h")),
        );
        check(
            "Wed 2023-03-29 00:00:05 UTC h",
            Some((year, 3, 29, 5, 0, Some(0), " h")),
        );
        check(
            "Wed 2023-03-29 00:00:05 CEST h",
            Some((year, 3, 29, 5, 0, Some(7_200), " h")),
        );
        check(
            "Wed 2023-03-29 00:00:05 CST h",
            Some((year, 3, 29, 5, 0, None, " h")),
        );
        check(
            "1680019204.000009 h",
            Some((year, 3, 28, 57_604, 9_000, Some(0), " h")),
        );
        check(
            "2023-03-29T00:00:05.1234567891+01:30 h",
            Some((year, 3, 29, 5, 123_456_789, Some(5_400), " h")),
        );
        check(
            "2023-03-29T00:00:05-0330 h",
            Some((year, 3, 29, 5, 0, Some(-12_600), " h")),
        );
        check(
            "2023-03-29T00:00:05Z h",
            Some((year, 3, 29, 5, 0, Some(0), " h")),
        );
        check(
            "2023-03-29 00:00:05,120 h",
            Some((year, 3, 29, 5, 120_000_000, None, " h")),
        );
        check(
            "2023/03/29 00:00:05 h",
            Some((year, 3, 29, 5, 0, None, " h")),
        );
        check(
            "Dec 31 23:59:60 h",
            Some((None, 12, 31, 86_399, 0, None, " h")),
        );
    }

    #[test]
    fn what_is_no_stamp() {
        for line in [
            "",
            "Mar",
            "Mar 32 00:00:00 h",
            "Feb 30 00:00:00 h",
            "2023-02-29 00:00:00 h",
            "Mar  9 24:00:00 h",
            "Mar  9 04:05 h",
            "MMM 22 07:54:32 h",
            "2023-03-29 h",
            "12345 h",
            "1124012400 h",
            "1680019204.123 h",
            "1680019204.123456\th",
            "99999999999999999999",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn heads_of_klog() {
        let check = |line: &str, expected: Option<(u8, u8, u32, u32)>| {
            let got = klog(line.as_bytes());
            let got = got.map(|stamp| (stamp.month, stamp.day, stamp.second, stamp.nanos));
            assert_eq!(got, expected, "{line}");
        };
        check(
            "I0307 00:01:06.5 1 a.go:1] x",
            Some((3, 7, 66, 500_000_000)),
        );
        check("F1332 00:01:06.5 1 a.go:1] x", None);
        check("I0307 00:01:06 1 a.go:1] x", None);
        check("X0307 00:01:06.5 1", None);
    }

    #[test]
    fn dates_and_day_numbers_are_one_another_back() {
        for days in [-719_468, -1, 0, 59, 11_016, 19_445, 47_540] {
            let (year, month, day) = date_of(days).expect("a date");
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(days_of(2000, 2, 29), 11_016);
    }
}
