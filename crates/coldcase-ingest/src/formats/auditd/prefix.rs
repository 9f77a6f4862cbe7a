//! What stands before or in place of the audit system's own stamp: syslog and journal prefixes, and the
//! local times of `ausearch -i`, whose order of day and month depends on the locale it ran in.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::Precision;

use super::kind::Kind;
use super::record::{NOT_AUDIT, Parsed, Record, Stamp, StampZone, decimal};

/// How `05/11/2023` is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// May 11: the C and the US locales.
    MonthFirst,
    /// November 5: most other locales.
    DayFirst,
}

/// `05/11/2023 22:15:37.660`, `05/11/23 ...`, `11.05.2023 ...`, `2023-05-11 ...` as nanoseconds, as if UTC.
pub fn interpreted(text: &[u8], order: DateOrder) -> Option<(i64, Precision)> {
    let space = text.iter().position(|byte| matches!(byte, b' ' | b'T'))?;
    let date = date(text.get(..space)?, order)?;
    let (time, precision) = time_of_day(text.get(space + 1..)?.trim_ascii())?;
    let at = NaiveDateTime::new(date, time).and_utc();
    Some((at.timestamp_nanos_opt()?, precision))
}

/// The three numbers of a date and its separator.
pub fn date_parts(text: &[u8]) -> Option<([u64; 3], u8)> {
    let (first, rest) = decimal(text)?;
    let (separator, rest) = rest.split_first()?;
    if !matches!(separator, b'/' | b'.' | b'-') {
        return None;
    }
    let (second, rest) = decimal(rest)?;
    let (third, rest) = decimal(rest.strip_prefix(&[*separator])?)?;
    rest.strip_suffix(b".")
        .unwrap_or(rest)
        .is_empty()
        .then_some(([first, second, third], *separator))
}

fn date(text: &[u8], order: DateOrder) -> Option<NaiveDate> {
    let ([first, second, third], separator) = date_parts(text)?;
    let (year, month, day) = if first > 31 {
        (first, second, third)
    } else if first > 12 || separator == b'.' || (order == DateOrder::DayFirst && second <= 12) {
        (third, second, first)
    } else {
        (third, first, second)
    };
    let year = if year < 100 { year + 2000 } else { year };
    NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        u32::try_from(month).ok()?,
        u32::try_from(day).ok()?,
    )
}

/// `22:15:37` with up to nine digits after the second.
fn time_of_day(text: &[u8]) -> Option<(NaiveTime, Precision)> {
    let (hour, rest) = decimal(text)?;
    let (minute, rest) = decimal(rest.strip_prefix(b":")?)?;
    let (second, rest) = decimal(rest.strip_prefix(b":")?)?;
    let (nanos, digits) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let (fraction, after) = decimal(rest)?;
            let digits = rest.len() - after.len();
            let scale = 10u64.checked_pow(u32::try_from(9usize.checked_sub(digits)?).ok()?)?;
            (fraction * scale, digits)
        }
        None => (0, 0),
    };
    let time = NaiveTime::from_hms_nano_opt(
        u32::try_from(hour).ok()?,
        u32::try_from(minute).ok()?,
        u32::try_from(second).ok()?.min(59),
        u32::try_from(nanos).ok()?,
    )?;
    Some((time, Precision::of_fraction_digits(digits)))
}

/// The host of a syslog prefix: `May 11 22:15:37 host tag: ` or `2023-05-11T22:15:37+08:00 host tag: `.
pub fn host(front: &[u8]) -> &[u8] {
    syslog(front).map_or(b"", |prefix| prefix.host)
}

struct Prefix<'a> {
    at_ns: i64,
    precision: Precision,
    zone: StampZone,
    host: &'a [u8],
    rest: &'a [u8],
}

fn token(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ');
    text.split_at(end.unwrap_or(text.len()))
}

fn syslog(line: &[u8]) -> Option<Prefix<'_>> {
    let (first, rest) = token(strip_priority(line));
    let (at_ns, precision, zone, rest) = match month(first) {
        Some(month) => {
            let (day, rest) = token(rest);
            let (time, rest) = token(rest);
            let (day, _) = decimal(day)?;
            let date = NaiveDate::from_ymd_opt(1972, month, u32::try_from(day).ok()?)?;
            let (time, precision) = time_of_day(time)?;
            let at = NaiveDateTime::new(date, time).and_utc();
            let at_ns = at.timestamp_nanos_opt()?;
            (at_ns, precision, StampZone::Yearless, rest)
        }
        None => {
            let (at_ns, precision, zone) = iso(first)?;
            (at_ns, precision, zone, rest)
        }
    };
    let (host, rest) = token(rest);
    Some(Prefix {
        at_ns,
        precision,
        zone,
        host,
        rest: rest.trim_ascii_start(),
    })
}

fn strip_priority(line: &[u8]) -> &[u8] {
    let inner = line.strip_prefix(b"<").and_then(decimal);
    inner
        .and_then(|(_, rest)| rest.strip_prefix(b">"))
        .unwrap_or(line)
}

fn iso(text: &[u8]) -> Option<(i64, Precision, StampZone)> {
    let (clock, offset) = match text
        .get(19..)?
        .iter()
        .position(|b| matches!(b, b'Z' | b'+' | b'-'))
    {
        Some(at) => text.split_at(19 + at),
        None => (text, b"".as_slice()),
    };
    let (at_ns, precision) = interpreted(clock, DateOrder::MonthFirst)?;
    let (sign, digits) = match offset.split_first() {
        None => return Some((at_ns, precision, StampZone::Local)),
        Some((b'Z', _)) => return Some((at_ns, precision, StampZone::Utc)),
        Some((b'-', digits)) => (-1, digits),
        Some((_, digits)) => (1, digits),
    };
    let (hours, minutes) = match digits {
        [a, b, b':', c, d] | [a, b, c, d] => ([*a, *b], [*c, *d]),
        [a, b] => ([*a, *b], [b'0'; 2]),
        _ => return None,
    };
    let minutes = decimal(&hours)?.0 * 60 + decimal(&minutes)?.0;
    let shift = i64::try_from(minutes).ok()? * 60_000_000_000 * sign;
    Some((at_ns.checked_sub(shift)?, precision, StampZone::Utc))
}

fn month(text: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let at = MONTHS.iter().position(|month| *month == text)?;
    u32::try_from(at + 1).ok()
}

/// `May 11 22:15:37 host audit[812]: SYSCALL arch=...`: how the journal shows audit records, without
/// their stamp and serial.
pub fn journal_record(line: &[u8]) -> Parsed<'_> {
    let record = syslog(line).and_then(|prefix| {
        let rest = prefix.rest.strip_prefix(b"audit")?;
        let rest = match rest.strip_prefix(b"[") {
            Some(rest) => decimal(rest)?.1.strip_prefix(b"]")?,
            None => rest,
        };
        let (name, body) = token(rest.strip_prefix(b": ")?);
        let name = match name.strip_prefix(b"<audit-") {
            Some(number) => number.strip_suffix(b">")?,
            None => name,
        };
        let kind = Kind::of_name(name);
        let is_type = kind != Kind::UNKNOWN || name.starts_with(b"UNKNOWN[");
        is_type.then_some(Record {
            kind,
            name,
            node: prefix.host,
            stamp: Stamp {
                at_ns: prefix.at_ns,
                serial: None,
                precision: prefix.precision,
                zone: prefix.zone,
            },
            body: body.trim_ascii_start(),
            plain: false,
        })
    });
    record.map_or(Parsed::Unreadable(NOT_AUDIT), Parsed::Record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coldcase_model::Timestamp;

    #[test]
    fn interpreted_stamps() {
        let check = |text: &str, order: DateOrder, expected: Option<&str>| {
            let got = interpreted(text.as_bytes(), order).map(|(at, _)| Timestamp(at).to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        use DateOrder::{DayFirst, MonthFirst};
        let may = Some("2023-05-11T22:15:37.660Z");
        check("05/11/2023 22:15:37.660", MonthFirst, may);
        check("05/11/23 22:15:37.660", MonthFirst, may);
        check("11/05/2023 22:15:37.660", DayFirst, may);
        check("11.05.2023 22:15:37.660", MonthFirst, may);
        check("2023-05-11 22:15:37.660", DayFirst, may);
        check("2023/05/11 22:15:37.660", MonthFirst, may);
        check(
            "25/05/23 01:02:03.004",
            MonthFirst,
            Some("2023-05-25T01:02:03.004Z"),
        );
        check(
            "05/25/23 01:02:03.004",
            DayFirst,
            Some("2023-05-25T01:02:03.004Z"),
        );
        check("05/31/2023", MonthFirst, None);
        check("02/30/2023 00:00:00.000", MonthFirst, None);
    }

    #[test]
    fn journal_lines() {
        let check = |line: &str, kind: u16, at: &str| match journal_record(line.as_bytes()) {
            Parsed::Record(record) => {
                assert_eq!(record.kind.0, kind);
                assert_eq!(record.node, b"h1");
                assert_eq!(Timestamp(record.stamp.at_ns).to_string(), at);
            }
            other => panic!("{other:?}"),
        };
        check(
            "May  1 22:15:37 h1 audit[812]: SYSCALL arch=c000003e",
            1300,
            "1972-05-01T22:15:37Z",
        );
        check(
            "May 11 22:15:37 h1 audit: <audit-1327> proctitle=\"x\"",
            1327,
            "1972-05-11T22:15:37Z",
        );
        check(
            "2023-05-11T22:15:37+0800 h1 audit[1]: CWD cwd=\"/\"",
            1307,
            "2023-05-11T14:15:37Z",
        );
        check(
            "2023-05-11T22:15:37.5Z h1 audit[1]: CWD cwd=\"/\"",
            1307,
            "2023-05-11T22:15:37.500Z",
        );
        let other = journal_record(b"May 11 22:15:37 h1 sshd[812]: SYSCALL arch=c000003e");
        assert_eq!(other, Parsed::Unreadable(NOT_AUDIT));
    }
}
