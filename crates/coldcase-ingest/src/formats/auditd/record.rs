//! One line to one record: type, node, stamp, serial and the text that holds its fields. Lines come bare
//! (`type=SYSCALL msg=audit(...): ...`), behind `node=`, behind a syslog, journal or kernel prefix, or
//! interpreted by `ausearch -i` with local times.

use coldcase_model::Precision;
use memchr::memchr;
use memchr::memmem;

use super::kind::Kind;
use super::prefix::{self, DateOrder};

/// When a record says that its event was, and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds since 1970; of local times as if they were UTC.
    pub at_ns: i64,
    /// The event's number; `None` in journal text, which leaves it out.
    pub serial: Option<u64>,
    /// How exact the text is.
    pub precision: Precision,
    /// What the time rests on.
    pub zone: StampZone,
}

impl Stamp {
    /// No time known.
    pub const UNKNOWN: Self = Self {
        at_ns: 0,
        serial: None,
        precision: Precision::S,
        zone: StampZone::Utc,
    };
}

/// What a stamp says of its zone and year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampZone {
    /// Seconds since 1970, or a time with an offset.
    Utc,
    /// A local time with its year.
    Local,
    /// A local time without a year; `at_ns` is of the year 1972 (which has a Feb 29).
    Yearless,
}

/// One record, borrowing from its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The type's number.
    pub kind: Kind,
    /// The type as written.
    pub name: &'a [u8],
    /// The host that the line names.
    pub node: &'a [u8],
    /// When and which event.
    pub stamp: Stamp,
    /// What follows the stamp, enrichment included.
    pub body: &'a [u8],
    /// Whether the text is interpreted (`ausearch -i`).
    pub plain: bool,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A record.
    Record(Record<'a>),
    /// Blank, `----`, `time->...` or a comment (`# ...`): no record.
    Separator,
    /// Not readable as a record, with the reason.
    Unreadable(&'static str),
}

/// Reason: a line of something else.
pub const NOT_AUDIT: &str = "not an audit record";
/// Reason: `type=` is missing or empty.
pub const NO_TYPE: &str = "no record type";
/// Reason: the `audit(...)` part is missing, cut or malformed.
pub const NO_STAMP: &str = "no readable time and serial";

/// Reads one line. `order` is how the file's interpreted dates are to be read.
pub fn parse(line: &[u8], order: DateOrder) -> Parsed<'_> {
    let line = line.trim_ascii_end();
    if let Some(rest) = line.strip_prefix(b"type=") {
        return after_type(b"", rest, order);
    }
    if let Some(rest) = line.strip_prefix(b"node=") {
        let (node, rest) = word(rest);
        if let Some(rest) = rest.strip_prefix(b"type=") {
            return after_type(node, rest, order);
        }
    }
    if line.is_empty() || line == b"----" || line.starts_with(b"time->") || line.starts_with(b"#") {
        return Parsed::Separator;
    }
    elsewhere(line, order)
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_ascii_start())
}

fn after_type<'a>(node: &'a [u8], rest: &'a [u8], order: DateOrder) -> Parsed<'a> {
    let (name, rest) = word(rest);
    if name.is_empty() || name.starts_with(b"msg=") {
        return Parsed::Unreadable(NO_TYPE);
    }
    let rest = rest.strip_prefix(b"msg=").unwrap_or(rest);
    match rest.strip_prefix(b"audit(") {
        Some(inner) => stamped(node, name, inner, order),
        None => Parsed::Unreadable(NO_STAMP),
    }
}

/// The audit part stands somewhere in the line: behind a prefix, or without `type=`.
fn elsewhere(line: &[u8], order: DateOrder) -> Parsed<'_> {
    let Some(at) = memmem::find(line, b"audit(") else {
        return prefix::journal_record(line);
    };
    let (front, rest) = line.split_at(at);
    let inner = rest.get(b"audit(".len()..).unwrap_or_default();
    let front = front.strip_suffix(b"msg=").unwrap_or(front);
    let Some(at) = memmem::rfind(front, b"type=") else {
        return Parsed::Unreadable(if front.is_empty() { NO_TYPE } else { NOT_AUDIT });
    };
    let (front, name) = front.split_at(at);
    let (name, between) = word(name.get(b"type=".len()..).unwrap_or_default());
    if name.is_empty() || !between.is_empty() {
        return Parsed::Unreadable(NO_TYPE);
    }
    let node = match memmem::rfind(front, b"node=") {
        Some(at) => word(front.get(at + b"node=".len()..).unwrap_or_default()).0,
        None => prefix::host(front),
    };
    stamped(node, name, inner, order)
}

fn stamped<'a>(node: &'a [u8], name: &'a [u8], inner: &'a [u8], order: DateOrder) -> Parsed<'a> {
    let Some((stamp, body)) = stamp(inner, order) else {
        return Parsed::Unreadable(NO_STAMP);
    };
    Parsed::Record(Record {
        kind: Kind::of_name(name),
        name,
        node,
        stamp,
        body,
        plain: stamp.zone != StampZone::Utc,
    })
}

/// `1683814537.660:542238): body`, or `05/11/2023 22:15:37.660:542238) : body`.
fn stamp(inner: &[u8], order: DateOrder) -> Option<(Stamp, &[u8])> {
    let (at_ns, precision, zone, rest) = match epoch(inner) {
        Some((at_ns, precision, rest)) => (at_ns, precision, StampZone::Utc, rest),
        None => {
            let close = memchr(b')', inner.get(..80).unwrap_or(inner))?;
            let colon = memchr::memrchr(b':', inner.get(..close)?)?;
            let (at_ns, precision) = prefix::interpreted(inner.get(..colon)?, order)?;
            (at_ns, precision, StampZone::Local, inner.get(colon + 1..)?)
        }
    };
    let (serial, rest) = decimal(rest)?;
    let body = rest.strip_prefix(b")")?;
    let body = body.strip_prefix(b" ").unwrap_or(body);
    let body = body.strip_prefix(b":").unwrap_or(body);
    let serial = Some(serial);
    let stamp = Stamp {
        at_ns,
        serial,
        precision,
        zone,
    };
    Some((stamp, body.trim_ascii_start()))
}

/// `1683814537.660:` to nanoseconds.
fn epoch(text: &[u8]) -> Option<(i64, Precision, &[u8])> {
    let (seconds, rest) = decimal(text)?;
    let rest = rest.strip_prefix(b".")?;
    let (fraction, after) = decimal(rest)?;
    let digits = rest.len() - after.len();
    let scale = 10u64.checked_pow(u32::try_from(9usize.checked_sub(digits)?).ok()?)?;
    let nanos = i64::try_from(fraction * scale).ok()?;
    let at_ns = i64::try_from(seconds)
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)?;
    let after = after.strip_prefix(b":")?;
    Some((at_ns, Precision::of_fraction_digits(digits), after))
}

/// Leading decimal digits and what follows them.
pub fn decimal(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut rest = text;
    while let Some((digit @ b'0'..=b'9', after)) = rest.split_first() {
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        rest = after;
    }
    (rest.len() < text.len()).then_some((value, rest))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests cut their own text")]
mod tests {
    use super::*;

    fn show(parsed: Parsed<'_>) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match parsed {
            Parsed::Record(record) => {
                let stamp = record.stamp;
                let serial = stamp.serial.map_or("-".into(), |serial| serial.to_string());
                format!(
                    "{}|{}|{}|{}|{serial}|{}",
                    record.kind.0,
                    text(record.name),
                    text(record.node),
                    stamp.at_ns / 1_000_000,
                    text(record.body)
                )
            }
            Parsed::Separator => "separator".into(),
            Parsed::Unreadable(reason) => reason.into(),
        }
    }

    #[test]
    fn lines_of_all_shapes() {
        let check = |line: &str, expected: &str| {
            assert_eq!(
                show(parse(line.as_bytes(), DateOrder::MonthFirst)),
                expected,
                "{line}"
            );
        };
        check(
            "type=CWD msg=audit(1170021493.977:293):  cwd=\"/x\"",
            "1307|CWD||1170021493977|293|cwd=\"/x\"",
        );
        check(
            "node=a.b type=EOE msg=audit(1.001:2):",
            "1320|EOE|a.b|1001|2|",
        );
        check(
            "type=CWD msg=audit(05/11/2023 22:15:37.660:542238) : cwd=/ ",
            "1307|CWD||1683843337660|542238|cwd=/",
        );
        check(
            "May 11 22:15:37 h1 kernel: [ 12.3] audit: type=1400 audit(1683814537.660:12): apparmor=\"DENIED\"",
            "1400|1400|h1|1683814537660|12|apparmor=\"DENIED\"",
        );
        check(
            "2023-05-11T22:15:37+08:00 h1 audispd: node=n2 type=SYSCALL msg=audit(1683814537.660:12): arch=c000003e",
            "1300|SYSCALL|n2|1683814537660|12|arch=c000003e",
        );
        check("----", "separator");
        check("time->Thu May 11 22:15:37 2023", "separator");
        check("", "separator");
        check("type=X msg=audit(1337845201): y", NO_STAMP);
        check("type=X msg=audit(): y", NO_STAMP);
        check("type=X msg=audit(1.2:3", NO_STAMP);
        check("type= msg=audit(1337845333.174:94984): y", NO_TYPE);
        check("msg=audit(1337845201.174:94984): y", NO_TYPE);
        check(
            "Jul 27 14:41:59 combo kernel: audit(1122475266.4294965305:0): initialized",
            NOT_AUDIT,
        );
        check("something else", NOT_AUDIT);
    }

    #[test]
    fn no_cut_of_a_line_panics() {
        let line = b"May 11 22:15:37 h1 audispd: node=n2 type=SYSCALL msg=audit(05/11/2023 22:15:37.660:12): a=1";
        for end in 0..line.len() {
            let _ = parse(&line[..end], DateOrder::MonthFirst);
            let _ = parse(&line[end..], DateOrder::DayFirst);
        }
    }
}
