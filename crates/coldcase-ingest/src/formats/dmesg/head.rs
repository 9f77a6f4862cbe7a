//! Heads of kernel lines: what `dmesg` and `/dev/kmsg` put before a message.

use crate::years::stamp::{self, Stamp};

/// Facilities by number, as `dmesg -x` names them.
const FACILITIES: [&str; 12] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp",
];

/// Levels by number, as `dmesg -x` names them.
const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug",
];

/// When a line says that it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time<'a> {
    /// Seconds since the boot, as written.
    Since(&'a str),
    /// A date by the clock, local where it has no offset.
    Date(Stamp),
    /// `Mar28 16:00`: month, day, hour, minute.
    Minute(u8, u8, u32, u32),
    /// Seconds after the line before, as written.
    After(&'a str),
}

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Severity, 0 to 7.
    pub priority: Option<u8>,
    /// Who logged, where it is told.
    pub facility: Option<&'static str>,
    /// When, where the line has a stamp.
    pub time: Option<Time<'a>>,
    /// The message.
    pub text: &'a str,
}

/// Takes a line apart; one without any head is all message.
pub fn read(line: &str) -> Line<'_> {
    if let Some(line) = kmsg(line) {
        return line;
    }
    let (facility, priority, rest) = prefix(line).unwrap_or((None, None, line));
    let (time, text) = match time(rest) {
        Some((time, text)) => (Some(time), text),
        None => (None, rest),
    };
    Line {
        priority,
        facility,
        time,
        text: text.trim_end(),
    }
}

/// `<6>` of `dmesg -r`, `kern  :info  : ` of `dmesg -x`.
fn prefix(line: &str) -> Option<(Option<&'static str>, Option<u8>, &str)> {
    if let Some((number, rest)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let number: u16 = number.parse().ok()?;
        return Some((facility_of(number), u8::try_from(number & 7).ok(), rest));
    }
    let (facility, rest) = line.split_once(':')?;
    let (level, rest) = rest.split_once(": ")?;
    let level = level.trim_end();
    let facility = FACILITIES
        .iter()
        .find(|name| **name == facility.trim_end())?;
    let priority = LEVELS.iter().position(|name| *name == level)?;
    Some((Some(facility), u8::try_from(priority).ok(), rest))
}

fn facility_of(number: u16) -> Option<&'static str> {
    FACILITIES.get(usize::from(number >> 3)).copied()
}

/// `6,339,5140900,-;message` of `/dev/kmsg`: priority, number, microseconds since the boot, flags.
fn kmsg(line: &str) -> Option<Line<'_>> {
    let (head, text) = line.split_once(';')?;
    let mut parts = head.split(',');
    let number: u16 = parts.next()?.parse().ok()?;
    let _: u64 = parts.next()?.parse().ok()?;
    let micros = parts.next()?;
    let flag = parts.next()?;
    if flag.len() > 2 || micros.is_empty() || !micros.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Line {
        priority: u8::try_from(number & 7).ok(),
        facility: facility_of(number),
        time: Some(Time::Since(micros)),
        text,
    })
}

/// Microseconds of a number of seconds with six digits after the point, or of whole microseconds (`/dev/kmsg`).
pub fn micros(text: &str) -> Option<i64> {
    let Some((seconds, fraction)) = text.split_once('.') else {
        return text.parse().ok();
    };
    let fraction: i64 = fraction.get(..6)?.parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}

/// The stamp and what follows it.
fn time(text: &str) -> Option<(Time<'_>, &str)> {
    let Some(rest) = text.strip_prefix('[') else {
        // `2023-03-28T16:00:04,123456+08:00 message`
        let (stamp, end) = stamp::read(text.as_bytes())?;
        let exact = stamp.digits == 6 && stamp.offset.is_some() && text.get(19..20) == Some(",");
        return exact.then_some((Time::Date(stamp), text.get(end..)?.strip_prefix(' ')?));
    };
    let (inside, after) = rest.split_once(']')?;
    let after = after.strip_prefix(' ').unwrap_or(after);
    let inside = inside.trim();
    // `dmesg -d` shows the time since the line before as well: `[   12.345678 <    0.000003>]`.
    let (first, delta) = match inside.split_once('<') {
        Some((first, delta)) => (first.trim_end(), Some(delta.strip_suffix('>')?.trim())),
        None => (inside, None),
    };
    let time = match (first, delta) {
        ("", Some(delta)) if is_seconds(delta) => Time::After(delta),
        _ if is_seconds(first) => Time::Since(first),
        _ => match first.strip_prefix('+') {
            Some(delta) if is_seconds(delta.trim_start()) => Time::After(delta.trim_start()),
            Some(_) => return None,
            None => dated(first)?,
        },
    };
    Some((time, after))
}

/// `203.842973`: always six digits.
fn is_seconds(text: &str) -> bool {
    let Some((seconds, fraction)) = text.split_once('.') else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=12).contains(&seconds.len()) && digits(seconds) && fraction.len() == 6 && digits(fraction)
}

/// `Tue Mar 28 16:00:04 2023` of `dmesg -T`, `Mar28 16:00` of `dmesg -H`.
fn dated(text: &str) -> Option<Time<'_>> {
    if let Some((stamp, end)) = stamp::read(text.as_bytes()) {
        let whole = end == text.len() && stamp.digits == 0;
        return (whole && stamp.year.is_some() && stamp.weekday.is_some())
            .then_some(Time::Date(stamp));
    }
    let (month, rest) = text.split_at_checked(3)?;
    let (day, time) = rest.trim_start().split_once(' ')?;
    let whole = format!("{month} {day} {time}:00");
    let (stamp, _) = stamp::read(whole.as_bytes()).filter(|(_, end)| *end == whole.len())?;
    let minute = stamp.second / 60;
    Some(Time::Minute(
        stamp.month,
        stamp.day,
        minute / 60,
        minute % 60,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_all_kinds() {
        let check = |line: &str, time: Option<Time<'_>>, text: &str| {
            let got = read(line);
            assert_eq!((got.time, got.text), (time, text), "{line}");
        };
        check(
            "[    0.000000] Linux version 6.1",
            Some(Time::Since("0.000000")),
            "Linux version 6.1",
        );
        check(
            "<6>[12345.678901] x",
            Some(Time::Since("12345.678901")),
            "x",
        );
        check(
            "kern  :info  : [    1.000001] x: y",
            Some(Time::Since("1.000001")),
            "x: y",
        );
        check(
            "[    1.000001 <    0.000001>] x",
            Some(Time::Since("1.000001")),
            "x",
        );
        check("[<    0.000001>] x", Some(Time::After("0.000001")), "x");
        check("[  +0.000003] x", Some(Time::After("0.000003")), "x");
        check("[Mar28 16:05] x", Some(Time::Minute(3, 28, 16, 5)), "x");
        check("6,339,5140900,-;x", Some(Time::Since("5140900")), "x");
        check("[drm] x", None, "[drm] x");
        check("[    1.001] (II) x", None, "[    1.001] (II) x");
        check("[root@h ~]# dmesg", None, "[root@h ~]# dmesg");
        let raw = read("<28>[    1.000000] systemd[1]: x");
        assert_eq!((raw.priority, raw.facility), (Some(4), Some("daemon")));
        let decoded = read("user  :warn  : [Tue Mar 28 16:00:04 2023] x");
        assert_eq!(
            (decoded.priority, decoded.facility),
            (Some(4), Some("user"))
        );
        assert!(matches!(decoded.time, Some(Time::Date(stamp)) if stamp.second == 57_604));
        let iso = read("2023-03-28T16:00:04,123456+08:00 x");
        assert!(matches!(iso.time, Some(Time::Date(stamp)) if stamp.offset == Some(28_800)));
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(micros("203.842973"), Some(203_842_973));
        assert_eq!(micros("5140900"), Some(5_140_900));
        assert_eq!(micros("1.1"), None);
    }
}
