//! Lines of `iptables-save` and `iptables -S`.

use super::super::rule::{Rule, protocol};

/// A line.
pub enum Line {
    /// `*nat`.
    Table(String),
    /// `-A CHAIN ...`, or a chain's policy.
    Rule(Box<Rule>),
    /// `:DOCKER - [0:0]`, `-N DOCKER`.
    OwnChain,
    /// `COMMIT`.
    Commit,
}

const TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// Reads a line; `None` for others.
pub fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    if let Some(table) = text.strip_prefix('*') {
        let is_table = TABLES.contains(&table);
        return is_table.then(|| Line::Table(table.to_owned()));
    }
    if let Some(chain) = text.strip_prefix(':') {
        return declared(chain);
    }
    match text.split_once(' ') {
        None if text == "COMMIT" => Some(Line::Commit),
        Some(("-N", _)) => Some(Line::OwnChain),
        Some(("-P", policy)) => {
            let mut words = policy.split_ascii_whitespace();
            let mut rule = Rule {
                chain: words.next()?.to_owned(),
                policy: Some(words.next()?.to_owned()),
                ..Rule::default()
            };
            is_policy(rule.policy.as_deref()?).then_some(())?;
            if words.next() == Some("-c") {
                rule.packets = words.next().and_then(|count| count.parse().ok());
                rule.bytes = words.next().and_then(|count| count.parse().ok());
            }
            Some(Line::Rule(Box::new(rule)))
        }
        Some(("-A", _)) => rule(text, None).map(|rule| Line::Rule(Box::new(rule))),
        _ => {
            let (counters, rest) = text.strip_prefix('[')?.split_once("] ")?;
            let counters = counts(counters)?;
            rest.starts_with("-A ")
                .then(|| rule(rest, Some(counters)))?
                .map(|rule| Line::Rule(Box::new(rule)))
        }
    }
}

/// Whether a rule without a line end has its target.
pub fn is_whole(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().rev();
    let (last, before) = (words.next(), words.next());
    before.is_some_and(|before| matches!(before, "-j" | "-g"))
        && matches!(
            last,
            Some("ACCEPT" | "DROP" | "REJECT" | "RETURN" | "MASQUERADE")
        )
}

fn is_policy(text: &str) -> bool {
    matches!(text, "ACCEPT" | "DROP" | "QUEUE" | "REJECT")
}

/// `12:3456`.
fn counts(text: &str) -> Option<(i64, i64)> {
    let (packets, bytes) = text.split_once(':')?;
    Some((packets.parse().ok()?, bytes.parse().ok()?))
}

/// `INPUT ACCEPT [2828355:96045861334]`.
fn declared(text: &str) -> Option<Line> {
    let mut words = text.split_ascii_whitespace();
    let (chain, policy, counters) = (words.next()?, words.next()?, words.next());
    if policy == "-" {
        return Some(Line::OwnChain);
    }
    if !is_policy(policy) {
        return None;
    }
    let counters = match counters {
        Some(counters) => Some(counts(counters.strip_prefix('[')?.strip_suffix(']')?)?),
        None => None,
    };
    Some(Line::Rule(Box::new(Rule {
        chain: chain.to_owned(),
        policy: Some(policy.to_owned()),
        packets: counters.map(|(packets, _)| packets),
        bytes: counters.map(|(_, bytes)| bytes),
        ..Rule::default()
    })))
}

/// Words of a rule; quotes hold blanks, a backslash the next character.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut open) = (false, false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted => word.extend(characters.next()),
            '"' => {
                quoted = !quoted;
                open = true;
            }
            ' ' | '\t' if !quoted => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            other => word.push(other),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

fn rule(text: &str, counters: Option<(i64, i64)>) -> Option<Rule> {
    let words = words(text);
    let mut list = words.iter().map(String::as_str);
    list.next()?;
    let mut rule = Rule {
        chain: list.next()?.to_owned(),
        rule: Some(text.to_owned()),
        packets: counters.map(|(packets, _)| packets),
        bytes: counters.map(|(_, bytes)| bytes),
        ..Rule::default()
    };
    let mut not = false;
    while let Some(word) = list.next() {
        if word == "!" {
            not = true;
            continue;
        }
        let mut value = || {
            let value = list.next()?;
            Some(if not {
                format!("!{value}")
            } else {
                value.to_owned()
            })
        };
        match word {
            "-s" | "--source" => rule.source = value(),
            "-d" | "--destination" => rule.destination = value(),
            "-i" | "--in-interface" => rule.input = value(),
            "-o" | "--out-interface" => rule.output = value(),
            "-j" | "--jump" | "-g" | "--goto" => rule.target = value(),
            "-p" | "--protocol" => rule.protocol = value().as_deref().and_then(protocol),
            "--dport" | "--dports" | "--destination-port" | "--destination-ports" => {
                rule.ports = value();
            }
            "--comment" => rule.comment = value(),
            "--to-destination" | "--to-source" | "--to-ports" | "--to-port" | "--to" => {
                rule.to = value();
            }
            "-c" | "--set-counters" => {
                rule.packets = value().and_then(|count| count.parse().ok());
                rule.bytes = list.next().and_then(|count| count.parse().ok());
            }
            _ => {}
        }
        not = false;
    }
    Some(rule)
}
