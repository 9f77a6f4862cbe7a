//! One query line of the plugin `log`, and one of the plugin `errors`.

use std::borrow::Cow;

use chrono::DateTime;
use coldcase_model::{Precision, Timestamp, When, canonical_domain, canonical_ip};
use coldcase_wire::dns;

use crate::Clock;

/// What a query line says.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    pub client: Option<Cow<'a, str>>,
    pub port: Option<u16>,
    pub stamp: Option<&'a str>,
    pub id: Option<u16>,
    pub qtype: Cow<'a, str>,
    pub class: &'a str,
    pub domain: Cow<'a, str>,
    pub protocol: Option<&'static str>,
    pub size: Option<u64>,
    pub dnssec_ok: Option<bool>,
    pub buffer_size: Option<u64>,
    pub response_code: Option<Cow<'a, str>>,
    pub flags: Option<&'a str>,
    pub response_size: Option<u64>,
    pub duration_ns: Option<i64>,
}

impl<'a> Query<'a> {
    /// The query in a line without its level; `None` where the line is another one, or cut.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (remote, rest) = line.trim_start().split_once(' ')?;
        // No client's text is longer: an address, its zone and the port.
        if remote.len() > 80 || !remote.contains(['.', ':']) {
            return None;
        }
        let rest = rest.trim_start().strip_prefix('-')?.trim_start();
        let (head, quoted) = rest.split_once('"')?;
        let mut head = head.trim();
        let mut stamp = None;
        if let Some((when, after)) = head.strip_prefix('[').and_then(|head| head.split_once(']')) {
            stamp = Some(when);
            head = after.trim();
        }
        let id = match head {
            "" => None,
            id => Some(id.parse::<u16>().ok()?),
        };
        let (client, port) = client(remote, id.is_some())?;
        let (question, outcome) = split_at_quote(quoted)?;
        let mut query = Self::of_question(question)?;
        let mut outcome = outcome.split_ascii_whitespace();
        query.response_code = known(outcome.next()?).map(response_code);
        query.flags = known(outcome.next()?);
        query.response_size = Some(outcome.next()?.parse().ok()?);
        query.duration_ns = Some(duration_ns(outcome.next()?)?);
        Some(Self {
            client: Some(client),
            port,
            stamp,
            id,
            ..query
        })
    }

    /// `A IN example.com. udp 57 false 512`; the name may hold blanks behind backslashes.
    fn of_question(question: &'a str) -> Option<Self> {
        let (qtype, rest) = question.trim().split_once(' ')?;
        let (class, rest) = rest.trim_start().split_once(' ')?;
        let mut fields = rest.rsplitn(5, ' ');
        let buffer_size = fields.next()?;
        let dnssec_ok = fields.next()?;
        let size = fields.next()?;
        let protocol = fields.next()?;
        let name = fields.next()?.trim_matches(' ');
        if name.is_empty() {
            return None;
        }
        Some(Self {
            qtype: query_type(qtype),
            class,
            domain: domain(name),
            protocol: protocol_name(protocol)?,
            size: known(size).map(str::parse).transpose().ok()?,
            dnssec_ok: known(dnssec_ok).map(str::parse).transpose().ok()?,
            buffer_size: known(buffer_size).map(str::parse).transpose().ok()?,
            ..Self::default()
        })
    }

    /// The time of versions before 1.2: `07/Sep/2018:15:29:11 +0000`.
    pub fn when(&self, clock: &Clock) -> Option<When> {
        let at = DateTime::parse_from_str(self.stamp?, "%d/%b/%Y:%H:%M:%S %z").ok()?;
        let ts = Timestamp::from_utc(at.to_utc())?;
        Some(clock.recorded(ts, Precision::S))
    }
}

/// Whether a line that is no query was meant as one: a client, then a dash, an id and a quote.
pub(super) fn resembles(line: &str) -> bool {
    let Some((remote, rest)) = line.trim_start().split_once(" - ") else {
        return false;
    };
    let numbered = rest
        .trim_start()
        .starts_with(|first: char| first.is_ascii_digit() || first == '"' || first == '[');
    let address = remote
        .trim()
        .rsplit_once(':')
        .map_or(remote, |(address, _)| address);
    numbered && canonical_ip(address).is_some()
}

/// A failure that `plugin/errors` tells of.
pub(super) struct Failure<'a> {
    pub domain: Cow<'a, str>,
    pub qtype: Cow<'a, str>,
    pub error: &'a str,
}

/// `2 example.com. A: read udp 10.0.0.1:44162->10.20.0.2:53: i/o timeout`
pub(super) fn failure(text: &str) -> Option<Failure<'_>> {
    let (code, rest) = text.split_once(' ')?;
    code.parse::<u16>().ok()?;
    let (question, error) = rest.split_once(": ")?;
    let (name, qtype) = question.rsplit_once(' ')?;
    // A blank in a name stands behind a backslash; others are words, as in "12 errors like ...".
    if name.replace("\\ ", "").contains(' ') {
        return None;
    }
    Some(Failure {
        domain: domain(name),
        qtype: query_type(qtype),
        error,
    })
}

fn known(field: &str) -> Option<&str> {
    (field != "-").then_some(field)
}

/// Address and port of `10.0.0.1:53`, `[::1]:53`, `::1:53`, `10.0.0.1`.
pub(super) fn client(remote: &str, with_port: bool) -> Option<(Cow<'_, str>, Option<u16>)> {
    let split = remote.rsplit_once(':').and_then(|(address, port)| {
        let bracketed = address.starts_with('[') && address.ends_with(']');
        if !with_port && !bracketed && address.contains(':') {
            return None; // an IPv6 address alone
        }
        Some((canonical_ip(address)?, Some(port.parse().ok()?)))
    });
    split.or_else(|| Some((canonical_ip(remote)?, None)))
}

/// Up to the first quote that has no backslash before it, and what is behind it.
fn split_at_quote(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let (question, rest) = text.split_at_checked(at)?;
                return Some((question, rest.strip_prefix('"')?));
            }
            _ => {}
        }
    }
    None
}

fn protocol_name(protocol: &str) -> Option<Option<&'static str>> {
    const KNOWN: [&str; 6] = ["udp", "tcp", "tls", "https", "grpc", "quic"];
    if protocol == "-" {
        return Some(None);
    }
    let name = KNOWN.into_iter().find(|known| *known == protocol)?;
    Some(Some(name))
}

/// The type as this program names it: old versions print `TYPE65` for HTTPS.
pub(super) fn query_type(name: &str) -> Cow<'_, str> {
    match name {
        "A" | "AAAA" | "PTR" | "SRV" | "TXT" | "MX" | "NS" | "SOA" | "CNAME" | "HTTPS" => {
            Cow::Borrowed(name)
        }
        _ => match dns::type_number(name) {
            Some(number) => dns::type_name(number),
            None => Cow::Borrowed(name),
        },
    }
}

fn response_code(code: &str) -> Cow<'_, str> {
    match code.parse::<u16>() {
        Ok(number) => dns::rcode_name(number),
        Err(_) => Cow::Borrowed(code),
    }
}

/// A name as the timeline holds it: a character that the log escapes by a backslash stands plain, or as
/// `\DDD` where it is a dot, a blank or the backslash itself.
pub(super) fn domain(name: &str) -> Cow<'_, str> {
    if !name.contains('\\') {
        return canonical_domain(name);
    }
    let mut out = String::with_capacity(name.len() + 8);
    let mut characters = name.strip_suffix('.').unwrap_or(name).chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character.to_ascii_lowercase());
            continue;
        }
        match characters.next() {
            Some('.') => out.push_str("\\046"),
            Some('\\') => out.push_str("\\092"),
            Some(' ') => out.push_str("\\032"),
            Some(digit) if digit.is_ascii_digit() => {
                out.push('\\');
                out.push(digit);
            }
            Some(other) => out.push(other.to_ascii_lowercase()),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

/// Nanoseconds of a duration as Go prints it: `0.000428946s`, `1.2ms`, `66.6µs`, `1m0.5s`.
pub(super) fn duration_ns(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0_i64;
    if rest == "0" {
        return Some(0);
    }
    while !rest.is_empty() {
        let digits =
            rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, unit_on) = rest.split_at_checked(digits)?;
        let end = unit_on
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(unit_on.len());
        let (unit, after) = unit_on.split_at_checked(end)?;
        let scale = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(decimal_times(number, scale)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// A decimal number times a scale, rounded down, without floating point.
fn decimal_times(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<i64>().ok()?.checked_mul(scale)?;
    let mut unit = scale;
    for digit in fraction.bytes() {
        unit /= 10;
        let digit = i64::from(char::from(digit).to_digit(10)?);
        total = total.checked_add(digit * unit)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check =
            |text: &str, expected: Option<i64>| assert_eq!(duration_ns(text), expected, "{text}");
        check("0.000428946s", Some(428_946));
        check("1.2ms", Some(1_200_000));
        check("66.649µs", Some(66_649));
        check("1m0.5s", Some(60_500_000_000));
        check("0", Some(0));
        check("6", None);
        check("s", None);
        check("", None);
        check("99999999999999h", None);
    }

    #[test]
    fn names_get_one_form() {
        let check = |text: &str, expected: &str| assert_eq!(domain(text), expected);
        check("A.Example.", "a.example");
        check(".", ".");
        check("a\\.b\\ c\\\\.x\\\"\\255.", "a\\046b\\032c\\092.x\"\\255");
        check("a\\", "a\\");
    }

    #[test]
    fn shapes_of_all_versions() {
        let check = |line: &str, expected: &str| {
            let got = Query::parse(line).map(|query| {
                format!(
                    "{} {:?} {:?} {} {} {:?}",
                    query.client.as_deref().unwrap_or("-"),
                    query.port,
                    query.id,
                    query.qtype,
                    query.domain,
                    query.duration_ns
                )
            });
            assert_eq!(got.as_deref().unwrap_or("none"), expected, "{line}");
        };
        check(
            "10.0.0.1:53 - 7 \"TYPE65 IN x. udp 57 false 512\" NXDOMAIN qr,rd 9 1ms",
            "10.0.0.1 Some(53) Some(7) HTTPS x Some(1000000)",
        );
        check(
            "[fe80::1%ens18]:53 - 7 \"A IN x. tcp 57 true 65535\" NOERROR qr 9 2s \"0\"",
            "fe80::1 Some(53) Some(7) A x Some(2000000000)",
        );
        check(
            "::1:53 - [07/Sep/2018:15:29:11 +0000] 7 \"A IN x. udp 57 false 512\" - - 0 1s",
            "::1 Some(53) Some(7) A x Some(1000000000)",
        );
        check(
            "::1 - [28/Nov/2017:15:41:40 +0000] \"A IN x. udp 57 false 512\" NOERROR qr 9 66µs",
            "::1 None None A x Some(66000)",
        );
        check(
            "10.1.1.5:45678 - \"A IN a\\ \\\"b. udp 56 false 512\" 24 qr 106 0.1s",
            "10.1.1.5 Some(45678) None A a\\032\"b Some(100000000)",
        );
        check("10.0.0.1:53 - 7 \"A IN x. udp 57 fal", "none");
        check(
            "10.0.0.1:53 - 70000 \"A IN x. udp 57 false 512\" NXDOMAIN qr 9 1ms",
            "none",
        );
        check("plugin/reload: Running configuration", "none");
        check("x", "none");
    }

    #[test]
    fn failures() {
        let read =
            failure("2 a.B. A: read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout").expect("a failure");
        assert_eq!((&*read.domain, &*read.qtype), ("a.b", "A"));
        assert_eq!(read.error, "read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout");
        assert!(failure("12 errors like '^x$' occurred in last 30s").is_none());
        assert!(failure("read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout").is_none());
    }
}
