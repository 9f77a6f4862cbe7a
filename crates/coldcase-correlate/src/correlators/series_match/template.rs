//! Templates of log lines: the message with its variable parts taken out, and whom it names.
//!
//! Two templates a line: the `fine` one has digits taken out, the `coarse` one also what stands behind `key=` and in
//! quotes, but for keys whose values are wording (`msg`, `event`, `level`).

use std::collections::HashMap;
use std::net::IpAddr;

/// Longest part of a line that counts: what comes behind is a dump.
const LONGEST: usize = 1_000;
/// Keys whose values are words of the program, not variables.
const WORDING: [&str; 16] = [
    "msg",
    "message",
    "event",
    "action",
    "level",
    "lvl",
    "severity",
    "logger",
    "caller",
    "component",
    "module",
    "type",
    "kind",
    "op",
    "operation",
    "phase",
];
/// Keys whose values name what a program turns to.
const TARGETS: [&str; 16] = [
    "target",
    "host",
    "hostname",
    "dest",
    "destination",
    "dst",
    "server",
    "node",
    "remote",
    "remote_addr",
    "peer",
    "addr",
    "address",
    "inventory_hostname",
    "device",
    "endpoint",
];

/// What a line comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Digits taken out.
    pub fine: String,
    /// Values and quoted text taken out as well.
    pub coarse: String,
    /// Whom the line names: a host of the case, else an address, else what stands behind `target=`.
    pub target: Option<String>,
}

/// Names and addresses of the case's hosts, lower case, each with the host's one name.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    names: HashMap<String, String>,
    longest: usize,
}

impl KnownHosts {
    /// A name or address of a host.
    pub fn insert(&mut self, name: String, host: String) {
        self.longest = self.longest.max(name.len());
        self.names.insert(name, host);
    }

    /// Whose name or address it is, in any case.
    pub fn get(&self, name: &str) -> Option<&String> {
        if name.len() > self.longest {
            None
        } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.names.get(&name.to_ascii_lowercase())
        } else {
            self.names.get(name)
        }
    }
}

/// The shape of a line that was written on this host: a host that names itself names no target.
pub(super) fn shape(line: &str, known: &KnownHosts, own: Option<&str>) -> Shape {
    let mut made = Shape::default();
    let mut found = Found::default();
    let mut rest = cut(line);
    let mut key: Option<String> = None;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
            made.space();
            continue;
        }
        let (token, after) = token(rest);
        rest = after;
        let text = token.text();
        let is_key = matches!(token, Token::Word(_)) && rest.starts_with('=')
            || matches!(token, Token::Quoted(..)) && rest.starts_with(':');
        if is_key {
            let before = made.fine.len();
            mask(text, &mut made.fine);
            made.coarse
                .push_str(made.fine.get(before..).unwrap_or_default());
            key = Some(text.to_ascii_lowercase());
            continue;
        }
        if let Token::Mark(mark) = token {
            if !matches!(mark, "=" | ":") {
                key = None;
            }
            made.both(mark);
            continue;
        }
        let of_key = key.take();
        found.look(text, of_key.as_deref(), known, own);
        let is_value = of_key.is_some() || matches!(token, Token::Quoted(..)) && text.contains(' ');
        let is_wording = of_key.is_some_and(|key| WORDING.contains(&key.as_str()));
        let before = made.fine.len();
        for (number, word) in text.split_whitespace().enumerate() {
            if number > 0 {
                made.fine.push(' ');
            }
            mask(word, &mut made.fine);
        }
        made.coarse.push_str(if is_value && !is_wording {
            "*"
        } else {
            made.fine.get(before..).unwrap_or_default()
        });
    }
    made.target = found.best();
    made
}

impl Shape {
    fn both(&mut self, text: &str) {
        self.fine.push_str(text);
        self.coarse.push_str(text);
    }

    fn space(&mut self) {
        if !self.fine.is_empty() {
            self.both(" ");
        }
    }
}

/// Whom a line names, by how surely.
#[derive(Default)]
struct Found {
    host: Option<String>,
    address: Option<String>,
    value: Option<String>,
}

impl Found {
    fn look(&mut self, text: &str, key: Option<&str>, known: &KnownHosts, own: Option<&str>) {
        let is_between = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '/' | '@' | ',' | '(' | ')' | '[' | ']' | '"' | '\'' | '<' | '>' | ';'
                )
        };
        for piece in text.split(is_between) {
            if piece.len() < 2 {
                continue;
            }
            let bare = without_port(piece);
            let named = known
                .get(bare)
                .or_else(|| known.get(bare.split_once('.')?.0));
            let named = named.filter(|_| bare.parse::<IpAddr>().is_ok() || !is_number(bare));
            if let Some(host) = named {
                let is_own = own.is_some_and(|own| own.eq_ignore_ascii_case(host));
                if !is_own && self.host.is_none() {
                    self.host = Some(host.clone());
                }
            } else if self.address.is_none()
                && let Ok(address) = bare.parse::<IpAddr>()
                && !address.is_loopback()
                && !address.is_unspecified()
            {
                self.address = Some(address.to_string());
            }
        }
        let is_target = key.is_some_and(|key| TARGETS.contains(&key));
        if is_target && self.value.is_none() && !text.is_empty() {
            self.value = Some(without_port(text).to_ascii_lowercase());
        }
    }

    fn best(self) -> Option<String> {
        self.host.or(self.address).or(self.value)
    }
}

fn is_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `10.0.0.1:22` and `db-07:22` without the port; IPv6 stays.
fn without_port(text: &str) -> &str {
    let text = text.trim_end_matches(['.', ':', ',']);
    match text.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    }
}

/// The part of a line that counts.
fn cut(line: &str) -> &str {
    let end = (0..=LONGEST.min(line.len()))
        .rev()
        .find(|at| line.is_char_boundary(*at));
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

enum Token<'a> {
    Word(&'a str),
    Quoted(&'a str),
    Mark(&'a str),
}

impl<'a> Token<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Word(text) | Self::Quoted(text) | Self::Mark(text) => text,
        }
    }
}

/// The token at the start of a text that is not empty, and what follows it.
fn token(text: &str) -> (Token<'_>, &str) {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '{' | '}' | '[' | ']' | '(' | ')' | ',' | ';' | '|' | '='
            )
    };
    if let Some(body) = text.strip_prefix('"')
        && let Some(end) = body.find('"')
    {
        let inside = body.get(..end).unwrap_or_default();
        return (
            Token::Quoted(inside),
            body.get(end + 1..).unwrap_or_default(),
        );
    }
    let end = text.find(ends).unwrap_or(text.len());
    let first = text.chars().next().map_or(1, char::len_utf8);
    if end == 0 {
        let (mark, rest) = text.split_at_checked(first).unwrap_or((text, ""));
        return (Token::Mark(mark), rest);
    }
    // A colon alone, as between a JSON key and its value.
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if word == ":" {
        (Token::Mark(word), rest)
    } else if let Some(behind) = word.strip_prefix(':') {
        let behind = text.len() - rest.len() - behind.len();
        let (mark, rest) = text.split_at_checked(behind).unwrap_or((text, ""));
        (Token::Mark(mark), rest)
    } else {
        (Token::Word(word), rest)
    }
}

/// Adds a word with each segment that holds a digit taken out: `dispatch-4` is `dispatch-#`, a time is `#`.
pub(super) fn mask(word: &str, masked: &mut String) {
    let start = masked.len();
    let mut rest = word;
    while !rest.is_empty() {
        let is_mark = |c: char| matches!(c, '-' | '_' | '.' | '/' | ':' | '+' | '@' | '%' | '#');
        let end = rest.find(is_mark).unwrap_or(rest.len());
        let (segment, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if segment.bytes().any(|byte| byte.is_ascii_digit()) {
            // `2023-03-07`: one variable, not three.
            let made = masked.get(start..).unwrap_or_default();
            let keeps = made.trim_end_matches(['-', '_', '.', '/', ':', '+']);
            if keeps.ends_with('#') {
                let keep = start + keeps.len();
                masked.truncate(keep);
            } else {
                masked.push('#');
            }
        } else {
            masked.push_str(segment);
        }
        let mark = behind.chars().next().map_or(0, char::len_utf8);
        let (mark, after) = behind.split_at_checked(mark).unwrap_or(("", ""));
        masked.push_str(mark);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> KnownHosts {
        [
            ("db-07", "db-07"),
            ("10.20.8.119", "db-07"),
            ("node-14", "node-14"),
        ]
        .into_iter()
        .fold(KnownHosts::default(), |mut known, (name, host)| {
            known.insert(name.to_owned(), host.to_owned());
            known
        })
    }

    #[test]
    fn words_lose_what_varies() {
        for (word, expected) in [
            ("dispatch-4", "dispatch-#"),
            ("2023-03-18T16:10:04.835Z", "#"),
            ("2023-03-18T16:00:05Z", "#"),
            ("14470ms", "#"),
            ("sync.go:118", "sync.go:#"),
            (
                "c.o.o.executor.RemoteDispatcher",
                "c.o.o.executor.RemoteDispatcher",
            ),
            ("6599af73c4-tccvx", "#-tccvx"),
            ("[report]", "[report]"),
            ("", ""),
        ] {
            let mut masked = "-#-".to_owned();
            mask(word, &mut masked);
            assert_eq!(masked, format!("-#-{expected}"), "{word}");
        }
    }

    #[test]
    fn lines_of_one_kind_share_a_coarse_template() {
        for (what, one, other) in [
            (
                "values and quoted text",
                "2023-03-29 00:00:04.203 INFO 1 --- [dispatch-2] Dispatcher : dispatch task=43161 target=10.20.8.119:22 user=root cmd=\"sh /opt/x.sh\"",
                "2023-03-29 00:05:04.777 INFO 1 --- [dispatch-12] Dispatcher : dispatch task=9 target=10.20.8.191:22 user=ops cmd=\"df -h && uptime\"",
            ),
            (
                "JSON lines",
                r#"{"level":"info","msg":"dispatch","task":1,"target":"a.example"}"#,
                r#"{"level":"info","msg":"dispatch","task":22,"target":"b.example"}"#,
            ),
            (
                "a stamp with and without a fraction",
                "level=info ts=2023-03-18T16:00:05Z msg=\"sync done\" peer=10.20.8.173",
                "level=info ts=2023-03-18T16:00:05.1Z msg=\"sync done\" peer=10.20.8.1",
            ),
        ] {
            let (one, other) = (shape(one, &known(), None), shape(other, &known(), None));
            assert_eq!(one.coarse, other.coarse, "{what}");
        }
    }

    #[test]
    fn wording_tells_lines_apart() {
        let one = shape(r#"{"level":"info","msg":"dispatch","n":1}"#, &known(), None);
        let other = shape(
            r#"{"level":"info","msg":"heartbeat","n":1}"#,
            &known(),
            None,
        );
        assert_ne!(one.coarse, other.coarse);
    }

    #[test]
    fn targets() {
        for (line, expected) in [
            ("dispatch target=10.20.8.119:22 user=root", Some("db-07")),
            ("connecting to root@db-07 ...", Some("db-07")),
            ("connecting to DB-07.prod.example:22", Some("db-07")),
            ("node-14 sends to 10.9.9.9", Some("10.9.9.9")),
            ("GET http://10.20.8.191:9100/metrics", Some("10.20.8.191")),
            ("listening on 127.0.0.1:80", None),
            ("run host=mysql-primary", Some("mysql-primary")),
            ("run 07 of 12 took 5.4.2", None),
            ("", None),
        ] {
            let shape = shape(line, &known(), Some("node-14"));
            assert_eq!(shape.target.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn any_text_ends() {
        for line in [
            "\"",
            "=",
            "a=",
            ":\"",
            "é=\"ü",
            "\u{0}\u{1b}[0m",
            "a:b::c",
            "\"\"\"",
            "====",
            "x=\"y",
        ] {
            let _ = shape(line, &known(), None);
        }
    }
}
