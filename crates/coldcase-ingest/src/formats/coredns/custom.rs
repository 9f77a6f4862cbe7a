//! Query lines in a format that a Corefile made up, as far as their words tell what they are, and lines that only say
//! that the server runs.

use std::borrow::Cow;

use coldcase_model::canonical_ip;
use coldcase_wire::dns;

use super::query::{Query, client, domain, duration_ns, query_type};

/// Most words of such a line.
const MAX_WORDS: usize = 40;

/// A query in a line of a format of its own: one name with its final dot, one type, and a client, a transport or a
/// response code. What stands there twice is not known.
pub(super) fn query(body: &str) -> Option<Query<'_>> {
    let words: Vec<&str> = body
        .split([' ', '\t', '"', ','])
        .map(|word| word.trim_matches(['[', ']', '(', ')', ';', '\'']))
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .collect();
    let name = only(&words, |word| {
        let labels = word.strip_suffix('.')?;
        let plain = !labels.contains([':', '/', '=', '<', '>']);
        let asked = labels.is_empty() || labels.contains('.') || words.len() <= 12;
        (plain && asked && word.len() <= 1024).then_some(word)
    })?;
    let kind = only(&words, |word| {
        let upper = word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        (upper && dns::type_number(word).is_some()).then_some(word)
    })?;
    let remote = only(&words, |word| {
        let (address, port) = client(word, true)?;
        canonical_ip(&address)?;
        Some((address.into_owned(), port))
    });
    let protocol = words.iter().find_map(|word| {
        const KNOWN: [&str; 6] = ["udp", "tcp", "tls", "https", "grpc", "quic"];
        KNOWN.into_iter().find(|known| known == word)
    });
    let code = only(&words, |word| {
        const KNOWN: [&str; 10] = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
            "NOTAUTH", "NOTZONE", "BADVERS",
        ];
        KNOWN.contains(&word).then_some(word)
    });
    if remote.is_none() && protocol.is_none() && code.is_none() {
        return None;
    }
    let (client, port) = remote.unzip();
    Some(Query {
        client: client.map(Cow::Owned),
        port: port.flatten(),
        qtype: query_type(kind),
        domain: domain(name),
        protocol,
        response_code: code.map(Cow::Borrowed),
        duration_ns: words
            .iter()
            .rev()
            .find(|word| word.ends_with('s'))
            .and_then(|word| duration_ns(word)),
        ..Query::default()
    })
}

/// What this finds among the words, if it finds one thing.
fn only<'a, T: PartialEq>(words: &[&'a str], find: impl Fn(&'a str) -> Option<T>) -> Option<T> {
    let mut found = words.iter().filter_map(|word| find(word));
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// Why a line that only says which server runs is no row.
pub(super) fn start_up(message: &str) -> Option<&'static str> {
    let message = message.trim();
    let zone = message.strip_prefix("dns://").unwrap_or(message);
    let serves = zone.rsplit_once(':').is_some_and(|(zone, port)| {
        zone.ends_with('.')
            && !zone.contains(' ')
            && (port.split(' ').next()).is_some_and(|port| port.parse::<u16>().is_ok())
    });
    let built = message.split_once("/").is_some_and(|(os, rest)| {
        matches!(os, "linux" | "darwin" | "windows" | "freebsd") && rest.contains(", go1.")
    });
    let art = message.len() >= 8
        && message
            .bytes()
            .all(|byte| b" _/\\|~`',.-()".contains(&byte));
    let named_art = message.contains("CoreDNS-") && message.starts_with(['~', '/', '\\', '_']);
    if serves || built || art || named_art || message.starts_with("CoreDNS-") {
        Some("start-up line")
    } else if message.starts_with("plugin/reload: Running configuration") {
        Some("which configuration runs")
    } else {
        None
    }
}

/// The level of a line of klog: `W0507 12:00:00.000000       1 reflector.go:324] ...`.
pub(super) fn klog_level(message: &str) -> Option<&'static str> {
    let (level, rest) = match message.split_at_checked(1)? {
        ("I", rest) => ("INFO", rest),
        ("W", rest) => ("WARNING", rest),
        ("E", rest) => ("ERROR", rest),
        ("F", rest) => ("FATAL", rest),
        _ => return None,
    };
    let (date, rest) = rest.split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let (place, _) = rest.split_once(']')?;
    let dated = date.len() == 4 && date.bytes().all(|byte| byte.is_ascii_digit());
    let timed = time.len() >= 8 && time.split(':').count() == 3;
    (dated && timed && place.contains(".go:")).then_some(level)
}

/// Whom the server asked, of an error like `read udp 10.244.3.7:53123->10.20.0.2:53: i/o timeout`. The address before
/// the arrow is the server's own, not a client's.
pub(super) fn upstream(error: &str) -> Option<&str> {
    let dialled = || {
        ["dial tcp ", "dial udp "]
            .iter()
            .find_map(|start| error.strip_prefix(start))
    };
    let rest = match error.split_once("->") {
        Some((_, rest)) => rest,
        None => dialled()?,
    };
    let end = rest.split_once(": ").map_or(rest, |(end, _)| end);
    client(end, true).map(|_| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_formats() {
        let check = |line: &str, expected: &str| {
            let got = query(line).map(|query| {
                format!(
                    "{:?} {:?} {} {} {:?} {:?} {:?}",
                    query.client.as_deref(),
                    query.port,
                    query.qtype,
                    query.domain,
                    query.protocol,
                    query.response_code.as_deref(),
                    query.duration_ns
                )
            });
            assert_eq!(got.as_deref().unwrap_or("none"), expected, "{line}");
        };
        check(
            "10.0.0.1 A.Example.com. AAAA",
            "Some(\"10.0.0.1\") None AAAA a.example.com None None None",
        );
        check(
            "udp Request: example.com. A 4711",
            "None None A example.com Some(\"udp\") None None",
        );
        check(
            "client=10.0.0.1 [fd00::7]:5353 \"MX IN example.com.\" NXDOMAIN 1.5ms",
            "Some(\"fd00::7\") Some(5353) MX example.com None Some(\"NXDOMAIN\") Some(1500000)",
        );
        check("10.0.0.1 10.0.0.2 a.example. A", "none");
        check("10.0.0.1 a.example. b.example. A", "none");
        check("Reloading complete.", "none");
        check("A record of the zone is old.", "none");
    }

    #[test]
    fn lines_that_say_what_runs() {
        let check =
            |line: &str, expected: bool| assert_eq!(start_up(line).is_some(), expected, "{line}");
        check(".:53", true);
        check("cluster.local.:53 on 169.254.20.10", true);
        check("dns://.:53", true);
        check("CoreDNS-1.9.3", true);
        check("linux/amd64, go1.18.2, 45b0a11", true);
        check("~ CoreDNS-1.0.6", true);
        check("   / ____/___  ________  / __ \\/ | / / ___/", true);
        check("plugin/reload: Running configuration MD5 = 1624", true);
        check("Reloading", false);
        check("plugin/ready: Still waiting on: \"kubernetes\"", false);
        check("SIGTERM: Shutting down servers then terminating", false);
        assert_eq!(
            klog_level("E0507 12:00:00.000000       1 reflector.go:147] x"),
            Some("ERROR")
        );
        assert_eq!(klog_level("E0507 reads"), None);
        assert_eq!(
            upstream("read udp 10.0.0.1:1->10.0.0.2:53: i/o timeout"),
            Some("10.0.0.2:53")
        );
        assert_eq!(
            upstream("dial tcp 10.0.0.2:53: connect: refused"),
            Some("10.0.0.2:53")
        );
        assert_eq!(upstream("no next plugin found"), None);
    }
}
