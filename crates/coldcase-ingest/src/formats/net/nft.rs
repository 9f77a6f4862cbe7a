//! # nft: rules of nftables
//!
//! The text of `nft list ruleset` (`-a` with handles, `-n`), also a file of rules such as `/etc/nftables.conf` without variables.
//!
//! **Recognised** by `table inet filter {` with chains in it.
//!
//!     table inet filter {
//!         chain input {
//!             type filter hook input priority filter; policy drop;
//!             tcp dport 22 counter packets 12 bytes 720 accept comment "ssh"
//!         }
//!     }
//!
//! **Rows**: one `firewall-rule` a rule at the moment of collection, and one with `policy` a base chain; `table` with its family (`inet filter`), `target` the
//! verdict (accept, drop, jump NAME, masquerade, dnat, ...), `packets` and `bytes` of its counter, `in`, `out`, `source`, `destination`, `ports`, `to`, `comment` where
//! the rule names them singly. Other lines in a table (sets, maps, counters) are skipped as such.
//!
//! **Times**: none in the text. **Limits**: `-j` is not read; a rule over several lines (long sets) is read up to its first line's end.
//! Sources: nft(8).

use coldcase_model::{Place, Sink};

use super::plain::{Reader, other_line, probe_lines, read_lines};
use super::rule::{Rule, protocol};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "nft",
    title: "packet filter rules: nft list ruleset",
    source: include_str!("nft.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let mut has_table = false;
    let mut inside = false;
    for text in probe_lines(probe).take(200) {
        has_table |= table(&text).is_some();
        inside |= has_table && named(text.trim(), "chain").is_some();
        if inside {
            return Sniff::Sure;
        }
    }
    match has_table {
        true => Sniff::Likely,
        false => Sniff::No,
    }
}

/// `table inet filter {`, with `-a` and `# handle 1`.
fn table(text: &str) -> Option<String> {
    let rest = text.trim().strip_prefix("table ")?;
    let (words, _) = rest.split_once('{')?;
    let mut words = words.split_ascii_whitespace();
    let (family, name) = (words.next()?, words.next()?);
    let fits = FAMILIES.contains(&family) && words.next().is_none();
    fits.then(|| format!("{family} {name}"))
}

/// The name behind a word that opens a block: `chain input {`.
fn named<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?.strip_prefix(' ')?;
    let (name, _) = rest.split_once('{')?;
    let name = name.trim();
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Rules {
        clock: input.clock,
        table: None,
        chain: None,
        other: 0,
        in_rule: false,
        any: false,
    };
    read_lines(input, &mut reader, sink)
}

struct Rules<'a> {
    clock: &'a Clock,
    table: Option<String>,
    chain: Option<String>,
    /// Open braces of a block that is no chain.
    other: u32,
    /// Whether a rule's set goes on over lines.
    in_rule: bool,
    any: bool,
}

/// Verdicts, and statements that decide where a packet goes.
const TARGETS: [&str; 14] = [
    "accept",
    "drop",
    "reject",
    "return",
    "continue",
    "queue",
    "masquerade",
    "redirect",
    "dnat",
    "snat",
    "tproxy",
    "notrack",
    "jump",
    "goto",
];

fn rule(text: &str, chain: &str) -> Rule {
    let bare = text.split(" # handle ").next().unwrap_or(text);
    let mut rule = Rule {
        chain: chain.to_owned(),
        rule: Some(bare.to_owned()),
        ..Rule::default()
    };
    let (matches, comment) = match bare.split_once("comment \"") {
        Some((matches, comment)) => (matches, Some(comment.trim_end().trim_end_matches('"'))),
        None => (bare, None),
    };
    rule.comment = comment.map(str::to_owned);
    let mut words = matches.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next()?;
            // Opposites keep their mark, sets their braces.
            if value == "!=" {
                let value = words.next()?;
                return Some(format!("!{}", value.trim_matches('"')));
            }
            if value != "{" {
                return Some(value.trim_matches('"').to_owned());
            }
            // A set that goes on over lines is not known whole.
            let mut set = String::new();
            loop {
                match words.next()? {
                    "}" => return Some(set),
                    part => set.push_str(part),
                }
            }
        };
        match word {
            "iif" | "iifname" => rule.input = value(),
            "oif" | "oifname" => rule.output = value(),
            "saddr" => rule.source = value(),
            "daddr" => rule.destination = value(),
            "dport" => rule.ports = value(),
            "tcp" | "udp" | "icmp" | "icmpv6" | "sctp" => rule.protocol = protocol(word),
            "l4proto" | "nexthdr" => rule.protocol = value().as_deref().and_then(protocol),
            "packets" => rule.packets = value().and_then(|count| count.parse().ok()),
            "bytes" => rule.bytes = value().and_then(|count| count.parse().ok()),
            "to" => rule.to = value(),
            "jump" | "goto" => {
                rule.target = value().map(|target| format!("{word} {target}"));
            }
            _ if TARGETS.contains(&word) => rule.target = Some(word.to_owned()),
            _ => {}
        }
    }
    rule
}

impl Rules<'_> {
    fn put(&mut self, number: u64, mut rule: Rule, sink: &mut dyn Sink) {
        rule.table = self.table.clone();
        rule.emit(number, self.clock, sink);
        self.any = true;
        sink.used(1);
    }

    /// A line inside of a chain.
    fn inside(&mut self, number: u64, text: &str, chain: &str, sink: &mut dyn Sink) {
        if let Some((_, policy)) = text
            .split_once("policy ")
            .filter(|_| text.starts_with("type "))
        {
            let policy = policy.trim_end_matches(';').trim().to_owned();
            let rule = Rule {
                chain: chain.to_owned(),
                policy: Some(policy),
                ..Rule::default()
            };
            return self.put(number, rule, sink);
        }
        let place = Place::Line(number);
        match () {
            () if text.starts_with("type ") => sink.skip(place, "a chain without a policy"),
            () if text.starts_with("comment ") || text.starts_with('#') => {
                sink.skip(place, "a comment");
            }
            () => {
                let balance = |brace: char| text.matches(brace).count();
                self.in_rule = balance('{') > balance('}');
                self.put(number, rule(text, chain), sink);
            }
        }
    }
}

impl Reader for Rules<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        let text = text.trim();
        if let Some(name) = table(text) {
            self.table = Some(name);
            (self.chain, self.other, self.in_rule) = (None, 0, false);
            return sink.used(1);
        }
        if self.in_rule {
            self.in_rule = !text.contains('}');
            return sink.skip(place, "the rest of a rule's set");
        }
        if self.other > 0 && named(text, "chain").is_some() {
            self.other = 0;
        }
        if self.other > 0 {
            let opened = u32::try_from(text.matches('{').count()).unwrap_or(u32::MAX);
            let closed = u32::try_from(text.matches('}').count()).unwrap_or(u32::MAX);
            self.other = self.other.saturating_add(opened).saturating_sub(closed);
            return sink.skip(place, "a line of a set, map or counter");
        }
        match (text, self.chain.take()) {
            ("}", Some(_)) => sink.skip(place, "the end of a chain"),
            ("}", None) => {
                self.table = None;
                sink.skip(place, "the end of a table");
            }
            (text, Some(chain)) if !ended && !text.ends_with('}') => {
                self.chain = Some(chain);
                sink.warn(place, "the file ends inside of a rule".to_owned());
                sink.skip(place, "a cut rule");
            }
            (text, Some(chain)) => {
                self.inside(number, text, &chain, sink);
                self.chain = Some(chain);
            }
            (text, None) if self.table.is_some() => match named(text, "chain") {
                Some(name) => {
                    self.chain = Some(name.to_owned());
                    sink.used(1);
                }
                None => {
                    self.other = u32::from(text.contains('{') && !text.contains('}'));
                    sink.skip(place, "a line of a set, map or counter");
                }
            },
            (text, None) if text.starts_with('#') => sink.skip(place, "a comment"),
            (text, None) => sink.skip(place, other_line(text)),
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if !self.any {
            sink.warn(Place::Whole, "no rule in it".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_attributes, read_text, sniffed};
    use super::*;

    const TEXT: &str = "table inet filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1,\n\t\t\t192.0.2.2 }\n\t}\n\n\
        \tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\
        \t\tiifname != \"lo\" ip saddr 192.0.2.9 tcp dport { 22, 80 } counter packets 12 bytes 720 accept comment \"ssh # in\" # handle 4\n\
        \t\tip daddr 10.0.0.1 jump own\n\t}\n\tchain own {\n\t}\n}\n";

    #[test]
    fn rules_and_policies() {
        check_attributes(
            &FORMAT,
            TEXT,
            &[
                "{\"table\":\"inet filter\",\"chain\":\"input\",\"policy\":\"drop\"}",
                "{\"table\":\"inet filter\",\"chain\":\"input\",\"target\":\"accept\",\"rule\":\"iifname != \\\"lo\\\" ip saddr 192.0.2.9 tcp dport { 22, 80 } counter packets 12 bytes 720 accept comment \\\"ssh # in\\\"\",\
                 \"in\":\"!lo\",\"source\":\"192.0.2.9\",\"ports\":\"22,80\",\"comment\":\"ssh # in\"}",
                "{\"table\":\"inet filter\",\"chain\":\"input\",\"target\":\"jump own\",\"rule\":\"ip daddr 10.0.0.1 jump own\",\"destination\":\"10.0.0.1\"}",
            ],
        );
        let events = read_text(&FORMAT, TEXT).events;
        assert_eq!((events[1].packets, events[1].bytes), (Some(12), Some(720)));
        assert_eq!(sniffed(&FORMAT, "x", TEXT), Sniff::Sure);
        assert_eq!(
            sniffed(&FORMAT, "x", "CREATE table inet filter (\n"),
            Sniff::No
        );
    }
}
