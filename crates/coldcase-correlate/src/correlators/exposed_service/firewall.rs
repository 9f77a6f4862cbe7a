//! Whether the packet filter lets strangers reach a port of the host itself: the chain INPUT, followed in order.

use std::collections::BTreeMap;

use coldcase_model::action;
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

/// Chains that jump into each other deeper than this are not followed.
const DEEPEST: usize = 8;

/// What the filter does with a stranger's packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No rules are known.
    Unknown,
    /// It lets it through.
    Open,
    /// It drops it; those networks are let through before.
    Closed {
        except: Vec<String>,
        by: Option<usize>,
    },
}

/// The rules of all hosts.
pub(super) struct Firewall {
    pub rows: Selection,
    /// By host and file: each file holds the filter of one family of addresses.
    rules: BTreeMap<(String, String), Vec<Rule>>,
}

#[derive(Debug, Clone, Default)]
struct Rule {
    row: usize,
    chain: String,
    target: String,
    policy: Option<String>,
    protocol: Option<String>,
    ports: Option<String>,
    port: Option<i32>,
    source: Option<String>,
    /// Conditions that a stranger's first packet may not meet: state, interface, marks, ...
    conditional: bool,
}

enum Step {
    Decided(Verdict),
    On,
}

impl Firewall {
    pub fn from(timeline: &Timeline) -> Result<Self, TimelineError> {
        let columns = [
            "host",
            "src_ip",
            "dst_ip",
            "dst_port",
            "protocol",
            "attributes",
            "message",
        ];
        let rows = timeline.select(&[action::FIREWALL_RULE], &columns)?;
        let mut rules: BTreeMap<(String, String), Vec<Rule>> = BTreeMap::new();
        for row in 0..rows.rows() {
            if let Some(rule) = Rule::of(&rows, row) {
                let own = |name: &str| rows.text(name, row).unwrap_or_default().to_owned();
                rules
                    .entry((own("host"), own("file")))
                    .or_default()
                    .push(rule);
            }
        }
        Ok(Self { rows, rules })
    }

    /// What happens to a stranger's TCP packet to this port of the host. What one filter drops counts as dropped: the other is
    /// of the other family of addresses, or of another moment.
    pub fn verdict(&self, host: &str, port: i32) -> Verdict {
        let of_host = self.rules.iter().filter(|((known, _), _)| known == host);
        let verdicts: Vec<Verdict> = of_host.map(|(_, rules)| verdict(rules, port)).collect();
        let closed = verdicts
            .iter()
            .find(|one| matches!(one, Verdict::Closed { .. }));
        let open = verdicts.iter().find(|one| **one == Verdict::Open);
        closed.or(open).cloned().unwrap_or(Verdict::Unknown)
    }
}

fn verdict(rules: &[Rule], port: i32) -> Verdict {
    let mut except = Vec::new();
    if let Step::Decided(verdict) = follow(rules, "INPUT", port, &mut except, 0) {
        return verdict;
    }
    let policy = rules
        .iter()
        .find(|rule| rule.chain == "INPUT" && rule.policy.is_some());
    match policy.and_then(|rule| Some((rule.policy.as_deref()?, rule.row))) {
        Some(("DROP" | "REJECT", row)) => Verdict::Closed {
            except,
            by: Some(row),
        },
        Some(_) => Verdict::Open,
        None => Verdict::Unknown,
    }
}

/// Follows a chain in order.
fn follow(rules: &[Rule], chain: &str, port: i32, except: &mut Vec<String>, depth: usize) -> Step {
    for rule in rules
        .iter()
        .filter(|rule| rule.chain == chain && rule.policy.is_none())
    {
        if !rule.may_match(port) {
            continue;
        }
        match rule.target.as_str() {
            "ACCEPT" => match (&rule.source, rule.conditional) {
                (Some(source), _) => except.push(source.clone()),
                (None, true) => {}
                (None, false) => return Step::Decided(Verdict::Open),
            },
            "DROP" | "REJECT" if rule.source.is_none() && !rule.conditional => {
                return Step::Decided(Verdict::Closed {
                    except: std::mem::take(except),
                    by: Some(rule.row),
                });
            }
            "RETURN" if rule.source.is_none() && !rule.conditional => return Step::On,
            "DROP" | "REJECT" | "RETURN" | "LOG" | "" => {}
            jump if depth < DEEPEST && rule.source.is_none() => {
                if let Step::Decided(verdict) = follow(rules, jump, port, except, depth + 1) {
                    return Step::Decided(verdict);
                }
            }
            _ => {}
        }
    }
    Step::On
}

impl Rule {
    fn of(rows: &Selection, row: usize) -> Option<Self> {
        let told: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
        let word = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        if word("table").is_some_and(|table| table != "filter" && !table.ends_with("filter")) {
            return None;
        }
        let everybody = |network: &String| {
            !matches!(network.as_str(), "0.0.0.0/0" | "::/0" | "anywhere" | "any")
        };
        let written = word("rule").unwrap_or_default();
        let interface = word("in").is_some_and(|name| !matches!(name.as_str(), "*" | "any"));
        let stated = [
            "state",
            "match-set",
            "--mark",
            "owner",
            "icmp",
            "limit",
            "recent",
            "mac",
            "addrtype",
            "helper",
        ];
        let own_port = rows.int("dst_port", row);
        let ports = match told.get("ports") {
            Some(Value::String(ports)) => Some(ports.clone()),
            Some(Value::Array(ports)) => Some(
                ports
                    .iter()
                    .map(Value::to_string)
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            Some(Value::Number(port)) => Some(port.to_string()),
            _ => None,
        };
        Some(Self {
            row,
            chain: word("chain")?.to_uppercase(),
            target: word("target")
                .map(|target| target.to_uppercase())
                .unwrap_or_default(),
            policy: word("policy").map(|policy| policy.to_uppercase()),
            protocol: rows.text("protocol", row).map(str::to_owned),
            ports,
            port: own_port,
            source: word("source")
                .filter(everybody)
                .or_else(|| rows.text("src_ip", row).map(str::to_owned)),
            conditional: interface
                || stated.iter().any(|word| written.contains(word))
                || rows.text("dst_ip", row).is_some(),
        })
    }

    /// Whether it speaks of TCP to this port at all.
    fn may_match(&self, port: i32) -> bool {
        let protocol = self
            .protocol
            .as_deref()
            .is_none_or(|name| matches!(name, "tcp" | "all" | "ip"));
        let ports = self.port.map_or_else(
            || self.ports.as_deref().is_none_or(|ports| holds(ports, port)),
            |only| only == port,
        );
        protocol && ports
    }
}

/// Whether a list as `22,80,1000:2000` or `"2375"` holds a port.
fn holds(list: &str, port: i32) -> bool {
    let opposite = list.starts_with('!');
    let parts = list
        .trim_start_matches('!')
        .split(',')
        .map(|part| part.trim_matches(['"', ' ', '{', '}']));
    let mut parts = parts.map(|part| {
        let (first, last) = part.split_once([':', '-']).unwrap_or((part, part));
        first.parse().is_ok_and(|first: i32| first <= port)
            && last.parse().is_ok_and(|last: i32| port <= last)
    });
    parts.any(|inside| inside) != opposite
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        chain: &str,
        target: &str,
        port: Option<i32>,
        source: Option<&str>,
        conditional: bool,
    ) -> Rule {
        Rule {
            chain: chain.into(),
            target: target.into(),
            port,
            source: source.map(Into::into),
            conditional,
            ..Rule::default()
        }
    }

    fn policy(target: &str) -> Rule {
        Rule {
            chain: "INPUT".into(),
            policy: Some(target.into()),
            ..Rule::default()
        }
    }

    #[test]
    fn rules_are_followed_in_order() {
        let check = |rules: Vec<Rule>, expected: &str| {
            let got = match verdict(&rules, 2375) {
                Verdict::Unknown => "unknown".to_owned(),
                Verdict::Open => "open".to_owned(),
                Verdict::Closed { except, .. } => format!("closed {}", except.join(",")),
            };
            assert_eq!(got, expected);
        };
        check(vec![policy("ACCEPT")], "open");
        check(vec![policy("DROP")], "closed ");
        check(
            vec![
                policy("DROP"),
                rule("INPUT", "ACCEPT", Some(22), None, false),
            ],
            "closed ",
        );
        check(
            vec![
                policy("DROP"),
                rule("INPUT", "ACCEPT", Some(2375), None, false),
            ],
            "open",
        );
        check(
            vec![
                policy("DROP"),
                rule("INPUT", "ACCEPT", Some(2375), Some("10.0.0.0/8"), false),
            ],
            "closed 10.0.0.0/8",
        );
        check(
            vec![
                policy("ACCEPT"),
                rule("INPUT", "DROP", Some(2375), None, false),
            ],
            "closed ",
        );
        check(
            vec![
                policy("ACCEPT"),
                rule("INPUT", "ACCEPT", None, None, true),
                rule("INPUT", "REJECT", None, None, false),
            ],
            "closed ",
        );
        check(
            vec![
                policy("ACCEPT"),
                rule("INPUT", "IN_PUBLIC", None, None, false),
                rule("IN_PUBLIC", "DROP", Some(2375), None, false),
            ],
            "closed ",
        );
    }

    #[test]
    fn lists_of_ports() {
        assert!(holds("22,2375", 2375) && holds("2000:3000", 2375) && holds("\"2375\"", 2375));
        assert!(!holds("22,80", 2375) && !holds("!2375", 2375));
    }
}
