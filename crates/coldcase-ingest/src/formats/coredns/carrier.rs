//! What stands around a line of CoreDNS: wrappers of container engines and tools, stamps, the level.

use std::borrow::Cow;

use chrono::NaiveDate;
use coldcase_model::{Precision, Timestamp, When};
use serde::Deserialize;

use crate::Clock;

/// Wrappers that may stand one in the other; more are text.
const MAX_PREFIXES: usize = 6;

/// How far into a line the level may stand behind words that nobody knows.
const MAX_UNKNOWN_PREFIX: usize = 200;

const LEVELS: [&str; 7] = [
    "INFO", "WARNING", "ERROR", "DEBUG", "FATAL", "WARN", "PANIC",
];

/// A line taken out of its wrappers.
#[derive(Debug)]
pub(super) struct Carried<'a> {
    /// The finest time among the stamps found.
    pub when: Option<When>,
    /// The pod named by a prefix.
    pub server: Option<Cow<'a, str>>,
    /// `INFO`, `ERROR`, ...
    pub level: Option<&'static str>,
    /// What is left.
    pub message: Cow<'a, str>,
}

impl Carried<'_> {
    /// What may be a query: lines before version 1.2 have no level.
    pub fn body(&self) -> &str {
        &self.message
    }
}

/// A line of docker's json-file driver.
#[derive(Deserialize)]
struct DockerLine<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
}

/// Takes a line out of its wrappers.
pub(super) fn unwrap<'a>(line: &'a str, clock: &Clock) -> Carried<'a> {
    if line.starts_with('{')
        && let Ok(docker) = serde_json::from_str::<DockerLine<'a>>(line)
    {
        let when = docker.time.as_deref().and_then(|time| {
            let stamp = Timestamp::parse_rfc3339(time)?;
            Some(clock.recorded(stamp, Precision::Ns))
        });
        let carried = match docker.log {
            Cow::Borrowed(log) => bare(log.trim_end(), clock),
            Cow::Owned(log) => own(bare(log.trim_end(), clock)),
        };
        return Carried {
            when: finer(when, carried.when),
            ..carried
        };
    }
    bare(line, clock)
}

fn own(carried: Carried<'_>) -> Carried<'static> {
    Carried {
        when: carried.when,
        server: carried.server.map(|name| Cow::Owned(name.into_owned())),
        level: carried.level,
        message: Cow::Owned(carried.message.into_owned()),
    }
}

fn bare<'a>(line: &'a str, clock: &Clock) -> Carried<'a> {
    let mut rest = line;
    let mut when = None;
    let mut server = None;
    for _ in 0..MAX_PREFIXES {
        if let Some((pod, after)) = kubectl_prefix(rest) {
            server = Some(Cow::Borrowed(pod));
            rest = after;
        } else if let Some((stamp, after)) = stamp(rest, clock) {
            when = finer(when, Some(stamp));
            rest = after;
        } else if let Some((stamp, after)) = local_stamp(rest, clock) {
            when = finer(when, stamp);
            rest = after;
        } else {
            break;
        }
    }
    if let Some((level, after)) = level(rest) {
        return Carried {
            when,
            server,
            level: Some(level),
            message: Cow::Borrowed(after),
        };
    }
    let unknown = unknown_prefix(rest);
    let Some((words, level, after)) = unknown else {
        return Carried {
            when,
            server,
            level: None,
            message: Cow::Borrowed(rest),
        };
    };
    for word in words
        .split([' ', '\t', '|'])
        .filter(|word| !word.is_empty())
    {
        if when.is_none() {
            when = rfc3339(word, clock);
        }
        if server.is_none() && is_pod_name(word) {
            server = Some(Cow::Borrowed(word));
        }
    }
    Carried {
        when,
        server,
        level: Some(level),
        message: Cow::Borrowed(after),
    }
}

fn finer(a: Option<When>, b: Option<When>) -> Option<When> {
    match (a, b) {
        (Some(a), Some(b)) if b.precision < a.precision => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}

/// `[pod/coredns-5d78c9869d-abcde/coredns] `
fn kubectl_prefix(text: &str) -> Option<(&str, &str)> {
    let (path, rest) = text.strip_prefix("[pod/")?.split_once(']')?;
    let pod = path.split('/').next()?;
    Some((pod, rest.trim_start()))
}

/// An RFC 3339 stamp, and behind it the stream and tag of a CRI log.
fn stamp<'a>(text: &'a str, clock: &Clock) -> Option<(When, &'a str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut when = rfc3339(word, clock)?;
    let cri = ["stdout ", "stderr "]
        .iter()
        .find_map(|stream| rest.strip_prefix(stream));
    let tagged = cri.and_then(|rest| {
        let (tag, message) = rest.split_once(' ')?;
        matches!(tag.split(':').next(), Some("F" | "P")).then_some(message)
    });
    if let Some(message) = tagged {
        when.precision = Precision::Ns; // the runtime drops trailing zeros
        return Some((when, message));
    }
    Some((when, rest))
}

/// `2019-03-06T08:55:28.903Z`, `2019-03-18T22:13:36.289-07:00`, `2023-05-10T12:00:00+0800`.
fn rfc3339(word: &str, clock: &Clock) -> Option<When> {
    let bytes = word.as_bytes();
    if bytes.len() < 20 || bytes.get(4) != Some(&b'-') || bytes.get(10) != Some(&b'T') {
        return None;
    }
    let ts = Timestamp::parse_rfc3339(word).or_else(|| {
        let (start, minutes) = word.split_at_checked(word.len() - 2)?;
        Timestamp::parse_rfc3339(&format!("{start}:{minutes}"))
    })?;
    let digits = match bytes.get(19) {
        Some(b'.' | b',') => bytes
            .iter()
            .skip(20)
            .take_while(|byte| byte.is_ascii_digit())
            .count(),
        _ => 0,
    };
    Some(clock.recorded(ts, Precision::of_fraction_digits(digits)))
}

/// `2018/09/07 15:29:04 ` of Go's log package: local time of the container.
fn local_stamp<'a>(text: &'a str, clock: &Clock) -> Option<(Option<When>, &'a str)> {
    let (stamp, rest) = text.split_at_checked(19)?;
    let (date, time) = stamp.split_once(' ')?;
    let mut date = date.split('/');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    if year.len() != 4 || date.next().is_some() {
        return None;
    }
    let mut time = time.split(':');
    let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
    let local =
        NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?
            .and_hms_opt(
                hour.parse().ok()?,
                minute.parse().ok()?,
                second.parse().ok()?,
            )?;
    let rest = rest.strip_prefix(' ')?;
    Some((clock.local(local, Precision::S), rest))
}

/// `[INFO] `, with blanks inside as versions 1.1 to 1.3 write it.
fn level(text: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once(']')?;
    let known = LEVELS.into_iter().find(|level| *level == name.trim())?;
    Some((known, rest.trim_start()))
}

/// Words that nobody knows before a level.
fn unknown_prefix(text: &str) -> Option<(&str, &'static str, &str)> {
    for (at, _) in text.match_indices('[') {
        if at > MAX_UNKNOWN_PREFIX {
            break;
        }
        let (words, rest) = text.split_at_checked(at)?;
        if let Some((level, message)) = level(rest) {
            return Some((words, level, message));
        }
    }
    None
}

/// Whether a word is the name of a pod made by a controller: `NAME-HASH-xxxxx` or `NAME-xxxxx`, where the last
/// part is of the letters that Kubernetes draws from (no vowels, no 0, 1, 3), or holds letters and digits.
fn is_pod_name(word: &str) -> bool {
    let Some((name, random)) = word.rsplit_once('-') else {
        return false;
    };
    let drawn = random.len() == 5
        && random
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !drawn || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return false;
    }
    let from_alphabet = random
        .bytes()
        .all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte));
    let mixed = random.bytes().any(|byte| byte.is_ascii_digit())
        && random.bytes().any(|byte| byte.is_ascii_lowercase());
    from_alphabet || mixed
}

/// The pod that a path names: `NAMESPACE_POD_UID/coredns/0.log`, `POD_NAMESPACE_coredns-ID.log`, `coredns_POD.log`.
pub(super) fn server_of_path(path: &str) -> Option<&str> {
    path.rsplit('/').take(3).find_map(|component| {
        let mut parts = component.split(['_', '.', '@', ' ']);
        parts.find(|part| is_pod_name(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_pods() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(server_of_path(path), expected, "{path}")
        };
        check(
            "a/coredns_coredns-8b78ecde6-d2x7w.log",
            Some("coredns-8b78ecde6-d2x7w"),
        );
        check(
            "pods/kube-system_coredns-5d78c9869d-abc2e_0a1b/coredns/0.log",
            Some("coredns-5d78c9869d-abc2e"),
        );
        check("node-local-dns-x7k2p.log.gz", Some("node-local-dns-x7k2p"));
        check("h/coredns.log", None);
        check("h/coredns-query.log", None);
        check("h/coredns-12345.log", None);
    }

    #[test]
    fn wrappers_come_off() {
        let check = |line: &str, when: Option<&str>, server: Option<&str>, message: &str| {
            let carried = unwrap(line, &Clock::UNKNOWN);
            let got = carried.when.map(|when| when.ts.to_string());
            assert_eq!(got.as_deref(), when, "{line}");
            assert_eq!(carried.server.as_deref(), server, "{line}");
            assert_eq!(carried.message, message, "{line}");
        };
        check("[INFO] x", None, None, "x");
        check("x", None, None, "x");
        check(
            "{\"log\":\"[INFO] say \\\"x\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2023-05-10T01:02:03.5Z\"}",
            Some("2023-05-10T01:02:03.500Z"),
            None,
            "say \"x\"",
        );
        check(
            "2023-05-10T09:02:03.123456789+08:00 stdout F [INFO] x",
            Some("2023-05-10T01:02:03.123456789Z"),
            None,
            "x",
        );
        check(
            "[pod/coredns-5d78c9869d-abc2e/coredns] 2023-05-10T01:02:03.000000001Z [ERROR] x",
            Some("2023-05-10T01:02:03.000000001Z"),
            Some("coredns-5d78c9869d-abc2e"),
            "x",
        );
        check(
            "2019-03-18T22:13:36.289112233Z 2019-03-18T15:13:36.289-07:00 [INFO] x",
            Some("2019-03-18T22:13:36.289112233Z"),
            None,
            "x",
        );
        check(
            "2018/09/07 15:29:04 [INFO] x",
            Some("2018-09-07T15:29:04Z"),
            None,
            "x",
        );
        check(
            "coredns-559f6c778d-djbjl coredns [INFO] x",
            None,
            Some("coredns-559f6c778d-djbjl"),
            "x",
        );
        check(
            "2023-05-10T09:02:03+0800 router coredns[10786]: [INFO] x",
            Some("2023-05-10T01:02:03Z"),
            None,
            "x",
        );
        check("2018/09/07", None, None, "2018/09/07");
        check("{\"log\":3}", None, None, "{\"log\":3}");
    }
}
