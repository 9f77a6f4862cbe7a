//! Tables of `iptables -L`.

use super::super::plain::{number_and_unit, scaled};
use super::super::rule::{Rule, protocol};
use crate::services;

/// The chain whose rules stand below.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    name: String,
    policy: Option<String>,
    packets: Option<i64>,
    bytes: Option<i64>,
    has_number: bool,
    has_counters: bool,
    has_interfaces: bool,
}

/// `Chain INPUT (policy ACCEPT 0 packets, 0 bytes)`, `Chain DOCKER (2 references)`.
pub fn chain(text: &str) -> Option<Chain> {
    let (name, rest) = text.trim().strip_prefix("Chain ")?.split_once(" (")?;
    let rest = rest.strip_suffix(')')?;
    if name.contains(' ') {
        return None;
    }
    let mut chain = Chain {
        name: name.to_owned(),
        ..Chain::default()
    };
    match rest.strip_prefix("policy ") {
        Some(policy) => {
            let mut words = policy.split([' ', ',']).filter(|word| !word.is_empty());
            chain.policy = Some(words.next()?.to_owned());
            chain.packets = words.next().and_then(count);
            chain.bytes = words.nth(1).and_then(count);
        }
        None if rest.contains("reference") => {}
        None => return None,
    }
    Some(chain)
}

/// Whether a line is the head of a chain's table.
pub fn is_header(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.any(|word| word == "target")
        && words.next() == Some("prot")
        && words.next() == Some("opt")
        && text.contains("source")
        && text.contains("destination")
}

/// `4175`, `1130K`.
fn count(text: &str) -> Option<i64> {
    let (number, unit) = number_and_unit(text);
    let factor = match unit {
        "" => 1.0,
        "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    match factor {
        1.0 => number.parse().ok(),
        _ => scaled(number, factor),
    }
}

fn is_protocol(text: &str) -> bool {
    let bare = text.strip_prefix('!').unwrap_or(text);
    matches!(bare, "all" | "0") || protocol(bare).is_some() || bare.parse::<u8>().is_ok()
}

impl Chain {
    /// Which columns the head names.
    pub fn columns(&mut self, text: &str) {
        let has = |name: &str| text.split_ascii_whitespace().any(|word| word == name);
        self.has_number = has("num");
        self.has_counters = has("pkts");
        self.has_interfaces = has("in") && has("out");
    }

    /// The row of the chain's policy, where it has one.
    pub fn policy_row(&self) -> Option<Rule> {
        self.policy.as_ref()?;
        Some(Rule {
            chain: self.name.clone(),
            policy: self.policy.clone(),
            packets: self.packets,
            bytes: self.bytes,
            ..Rule::default()
        })
    }

    /// Reads a rule below the head.
    pub fn rule(&self, text: &str) -> Option<Rule> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(256).collect();
        let mut rest = words.as_slice();
        let mut rule = Rule {
            chain: self.name.clone(),
            ..Rule::default()
        };
        let mut next = || {
            let (first, others) = rest.split_first()?;
            rest = others;
            Some(*first)
        };
        if self.has_number {
            next()?.parse::<u32>().ok()?;
        }
        if self.has_counters {
            rule.packets = Some(count(next()?)?);
            rule.bytes = Some(count(next()?)?);
        }
        rule.rule = Some(rest.join(" "));
        // A rule may have no target, and IPv6 had no word in the column of options.
        let is_option = |word: Option<&&str>| matches!(word, Some(&("--" | "-f" | "!f")));
        let at = |index: usize| rest.get(index).copied().unwrap_or_default();
        let has_target = match () {
            () if is_protocol(at(1)) && is_option(rest.get(2)) => true,
            () if is_protocol(at(0)) && is_option(rest.get(1)) => false,
            () if is_protocol(at(1)) => true,
            () if is_protocol(at(0)) => false,
            () => return None,
        };
        if has_target {
            rule.target = Some(at(0).to_owned());
            rest = rest.get(1..)?;
        }
        rule.protocol = rest.first().and_then(|word| protocol(word));
        rest = rest.get(1..)?;
        if is_option(rest.first()) {
            rest = rest.get(1..)?;
        }
        let mut next = || {
            let (first, others) = rest.split_first()?;
            rest = others;
            Some(*first)
        };
        let known = |word: &str| (word != "*" && word != "any").then(|| word.to_owned());
        if self.has_interfaces {
            rule.input = known(next()?);
            rule.output = known(next()?);
        }
        let network = |word: &str| {
            (!matches!(word, "anywhere" | "0.0.0.0/0" | "::/0")).then(|| word.to_owned())
        };
        rule.source = network(next()?);
        rule.destination = network(next()?);
        describe(&mut rule, rest);
        Some(rule)
    }
}

/// What stands behind the destination: `tcp dpt:22 /* ssh */ to:10.0.0.1:80`.
fn describe(rule: &mut Rule, words: &[&str]) {
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "/*" => {
                let comment: Vec<&str> = words.by_ref().take_while(|word| *word != "*/").collect();
                rule.comment = Some(comment.join(" "));
            }
            "dports" => rule.ports = words.next().map(str::to_owned),
            _ => match word.split_once(':') {
                Some(("dpt", port)) => {
                    let number = port.parse().ok().or_else(|| services::port(port));
                    rule.ports = Some(number.map_or(port.to_owned(), |port| port.to_string()));
                }
                Some(("dpts", ports)) => rule.ports = Some(ports.to_owned()),
                Some(("to", to)) => rule.to = Some(to.to_owned()),
                _ => {}
            },
        }
    }
}
