//! The times that applications write at the head of their lines: ISO and its relatives with or without a zone, Go's
//! `2023/03/07 15:37:29`, Apache's `[Sun Dec 04 04:47:44 2005]` and `[10/Oct/2000:13:55:36 -0700]`, redis's `1:M 12 May 2023
//! 02:20:00.123`, Tomcat's `12-May-2023 02:20:00.123`, klog's year-less `I0307 15:37:29.568`, logfmt's `ts=`, members of
//! JSON lines, seconds since 1970. Syslog's year-less stamps are not among them: those logs have their own formats.

use coldcase_model::{Precision, Timestamp, When};

use super::access::Access;
use crate::Clock;
use crate::syslog::Times;
use crate::years::stamp::{self, Stamp};

/// A time as a line writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Digits of a clock.
    Stamp(Stamp),
    /// Since 1970.
    Epoch(Timestamp, Precision),
}

impl Found {
    /// The instant.
    pub fn when(&self, times: &mut Times<'_>, clock: &Clock) -> Option<When> {
        match self {
            Self::Stamp(stamp) => times.when(stamp).ok(),
            Self::Epoch(ts, precision) => Some(clock.recorded(*ts, *precision)),
        }
    }
}

/// How far into a line a key of logfmt may stand.
const LOGFMT_REACH: usize = 256;

/// How far into a JSON line its time may stand.
const JSON_REACH: usize = 4096;

/// The time at the head of a line.
pub fn find(line: &str) -> Option<Found> {
    let first = *line.as_bytes().first()?;
    match first {
        b'{' => in_json(line),
        b'[' => bracketed(line, 0),
        b'0'..=b'9' => numeric(line),
        _ if first.is_ascii_alphabetic() => worded(line),
        b'<' | b'*' | b'(' => at(line.get(1..)?.trim_start()),
        _ => None,
    }
    .or_else(|| of_access(line))
}

/// The time of an access log, which stands behind the client.
fn of_access(line: &str) -> Option<Found> {
    clf(Access::parse(line)?.time)
}

/// A stamp right here, with a year.
fn at(text: &str) -> Option<Found> {
    let (stamp, _) = stamp::read(text.as_bytes())?;
    stamp.year?;
    Some(Found::Stamp(stamp))
}

fn numeric(line: &str) -> Option<Found> {
    at(line)
        .or_else(|| day_first(line))
        .or_else(|| redis(line))
        .or_else(|| {
            let end = line.find([' ', ':'])?;
            let number = line.get(..end)?;
            // Fewer digits are years and counters.
            (number.len() >= 10).then(|| epoch(number)).flatten()
        })
}

/// `[` and a stamp; or a level in brackets and then a stamp.
fn bracketed(line: &str, depth: usize) -> Option<Found> {
    let inner = line.get(1..)?.trim_start();
    let (word, rest) = inner.split_once(']')?;
    let found = at(word).or_else(|| clf(word)).or_else(|| day_first(word));
    if found.is_some() {
        return found;
    }
    let rest = rest.trim_start();
    if depth > 1 || word.len() > 24 {
        return None;
    }
    match rest.starts_with('[') {
        true => bracketed(rest, depth + 1),
        false => at(rest).filter(|_| super::level::named(word).is_some()),
    }
}

fn worded(line: &str) -> Option<Found> {
    if let Some(stamp) = stamp::klog(line.as_bytes()) {
        return Some(Found::Stamp(stamp));
    }
    if let Some(found) = at(line).or_else(|| logfmt(line)) {
        return Some(found);
    }
    // `INFO  2023-...`, `ERROR: 2023-...`, `I, [2023-...`
    let end = line.find([' ', ':', ',', '[', '\t'])?;
    let word = line.get(..end)?;
    if word.len() > 1 && super::level::named(word).is_none() {
        return None;
    }
    at(line
        .get(end..)?
        .trim_start_matches([' ', ':', ',', '[', '\t', '-']))
}

/// `ts=2023-...`, `time="2023-..."`, `t=`, `timestamp=1683857.1`.
fn logfmt(line: &str) -> Option<Found> {
    let head = crate::terminal_text::cut(line, LOGFMT_REACH);
    if !head.contains('=') {
        return None;
    }
    for key in ["time=", "ts=", "t=", "timestamp="] {
        for (place, _) in head.match_indices(key) {
            let before = head.get(..place).and_then(|text| text.chars().next_back());
            if before.is_some_and(|before| before != ' ') {
                continue;
            }
            let value = line.get(place + key.len()..)?.trim_start_matches('"');
            let end = value.find([' ', '"']).unwrap_or(value.len());
            let found = at(value).or_else(|| epoch(value.get(..end)?));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// The member of a JSON line that says when.
fn in_json(line: &str) -> Option<Found> {
    let head = crate::terminal_text::cut(line, JSON_REACH);
    let keys = [
        "\"time\":",
        "\"ts\":",
        "\"@timestamp\":",
        "\"timestamp\":",
        "\"t\":",
        "\"datetime\":",
        "\"asctime\":",
        "\"date\":",
        "\"@t\":",
        "\"Timestamp\":",
        "\"start_time\":",
    ];
    for key in keys {
        let Some((_, value)) = head.split_once(key) else {
            continue;
        };
        let value = value.trim_start();
        let value = match value.strip_prefix('{') {
            Some(inner) => inner.trim_start().strip_prefix("\"$date\":")?.trim_start(),
            None => value,
        };
        let found = match value.strip_prefix('"') {
            Some(text) => {
                let text = text.split('"').next().unwrap_or(text);
                at(text).or_else(|| clf(text)).or_else(|| epoch(text))
            }
            None => epoch(value.split([',', '}', ' ']).next()?),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Seconds (with a fraction), milliseconds, microseconds or nanoseconds since 1970, of the years 2001 to 2099.
fn epoch(text: &str) -> Option<Found> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 12 {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let (per_second, precision) = match whole.len() {
        10 => (1, Precision::S),
        13 => (1_000, Precision::Ms),
        16 => (1_000_000, Precision::Us),
        19 => (1_000_000_000, Precision::Ns),
        _ => return None,
    };
    let seconds = number / per_second;
    if !(978_307_200..4_102_444_800).contains(&seconds) {
        return None;
    }
    let nanos = match per_second {
        1 => {
            let digits: String = fraction
                .chars()
                .chain("000000000".chars())
                .take(9)
                .collect();
            digits.parse().ok()?
        }
        _ => (number % per_second) * (1_000_000_000 / per_second),
    };
    let precision = match fraction.len() {
        0 => precision,
        digits if per_second == 1 => Precision::of_fraction_digits(digits),
        _ => precision,
    };
    let ts = Timestamp::from_parts(seconds, u32::try_from(nanos).ok()?)?;
    Some(Found::Epoch(ts, precision))
}

/// `10/Oct/2000:13:55:36 -0700`: brought into the order that the stamps' reader knows.
fn clf(text: &str) -> Option<Found> {
    let (day, rest) = text.split_at_checked(2)?;
    let (month, rest) = rest.strip_prefix('/')?.split_at_checked(3)?;
    let (year, rest) = rest.strip_prefix('/')?.split_at_checked(4)?;
    let time = rest.strip_prefix(':')?;
    let end = time.find([']', '"']).unwrap_or(time.len());
    ordered(year, month, day, time.get(..end)?)
}

/// `12 May 2023 02:20:00.123`, `12-May-2023 02:20:00.123`.
fn day_first(text: &str) -> Option<Found> {
    let (day, rest) = text.split_at_checked(2)?;
    let separator = rest
        .chars()
        .next()
        .filter(|next| matches!(next, ' ' | '-'))?;
    let (month, rest) = rest.get(1..)?.split_at_checked(3)?;
    let (year, rest) = rest.strip_prefix(separator)?.split_at_checked(4)?;
    ordered(year, month, day, rest.strip_prefix([' ', ':'])?)
}

/// `1:M 12 May 2023 02:20:00.123 * message`.
fn redis(line: &str) -> Option<Found> {
    let (process, rest) = line.split_once(' ')?;
    let (pid, role) = process.split_once(':')?;
    let known = matches!(role, "M" | "S" | "C" | "X");
    let numbered = pid.bytes().all(|byte| byte.is_ascii_digit());
    (known && numbered).then(|| day_first(rest)).flatten()
}

fn ordered(year: &str, month: &str, day: &str, time: &str) -> Option<Found> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = crate::terminal_text::cut(time, 32);
    at(&format!("{year}-{month:02}-{day} {time}"))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::{Zone, ZoneSource};

    fn check(line: &str, expected: &str) {
        let zone = Zone {
            tz: Tz::Asia__Shanghai,
            source: ZoneSource::CaseFile,
        };
        let clock = Clock {
            zone,
            first_year: Some(2023),
            ..Clock::UNKNOWN
        };
        let when = find(line).and_then(|found| found.when(&mut Times::new(&clock), &clock));
        let got = when.map_or("none".to_owned(), |when| {
            format!("{} {}", when.ts, when.basis.as_str())
        });
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn with_a_zone() {
        check(
            "2023-03-07T15:37:29.5Z INFO x",
            "2023-03-07T15:37:29.500Z recorded",
        );
        check(
            "[2023-03-07 15:37:29 +0100] [1] [INFO] x",
            "2023-03-07T14:37:29Z recorded",
        );
        check(
            "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1",
            "2000-10-10T20:55:36Z recorded",
        );
        check(
            "level=info ts=2023-03-18T16:00:05Z caller=x",
            "2023-03-18T16:00:05Z recorded",
        );
        check(
            "time=\"2023-03-18T16:00:05+08:00\" level=info",
            "2023-03-18T08:00:05Z recorded",
        );
        check(
            "{\"level\":\"info\",\"ts\":1683857000.25,\"msg\":\"x\"}",
            "2023-05-12T02:03:20.250Z recorded",
        );
        check(
            "{\"time\":1683857000250,\"msg\":\"x\"}",
            "2023-05-12T02:03:20.250Z recorded",
        );
        check(
            "{\"t\":{\"$date\":\"2023-05-12T02:03:20.250+00:00\"},\"s\":\"I\"}",
            "2023-05-12T02:03:20.250Z recorded",
        );
        check("1683857000.5 x", "2023-05-12T02:03:20.500Z recorded");
        check(
            "2023-05-12 02:20:00.123 UTC [1] LOG:  x",
            "2023-05-12T02:20:00.123Z recorded",
        );
    }

    #[test]
    fn without_a_zone() {
        check(
            "2023-03-07 15:37:29.568  INFO 1 --- x",
            "2023-03-07T07:37:29.568Z zone-assumed",
        );
        check(
            "2023/03/07 15:37:29 [error] 7#7: x",
            "2023-03-07T07:37:29Z zone-assumed",
        );
        check(
            "[Sun Dec 04 04:47:44 2005] [notice] x",
            "2005-12-03T20:47:44Z zone-assumed",
        );
        check(
            "[Sun Dec 04 04:47:44.123456 2005] [core:notice] x",
            "2005-12-03T20:47:44.123456Z zone-assumed",
        );
        check(
            "1:M 12 May 2023 02:20:00.123 * Ready",
            "2023-05-11T18:20:00.123Z zone-assumed",
        );
        check(
            "12-May-2023 02:20:00.123 INFO [main] x",
            "2023-05-11T18:20:00.123Z zone-assumed",
        );
        check(
            "I, [2023-05-12T02:20:00.123456 #1]  INFO -- : x",
            "2023-05-11T18:20:00.123456Z zone-assumed",
        );
        check(
            "[INFO] 2023-05-12 02:20:00 x",
            "2023-05-11T18:20:00Z zone-assumed",
        );
        check(
            "WARN  2023-05-12 02:20:00,5 x",
            "2023-05-11T18:20:00.500Z zone-assumed",
        );
        check(
            "I0307 15:37:29.568000       1 a.go:12] x",
            "2023-03-07T07:37:29.568Z year-inferred",
        );
    }

    #[test]
    fn what_has_none() {
        for line in [
            "",
            "\tat java.lang.Thread.run(Thread.java:748)",
            "Mar  9 04:05:06 host sshd[1]: x",
            "type=SYSCALL msg=audit(1683857.1:2): x",
            "12345678 x",
            "99999999999999999999 x",
            "{\"a\":1}",
            "[root@host ~]# ls",
            "plain words",
            "é",
        ] {
            check(line, "none");
        }
    }
}
