//! A rule of a packet filter as a row of the timeline.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use crate::Clock;

/// Longest rule kept as written.
const MAX_RULE: usize = 4096;

/// One rule, or a chain's policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// `filter`, `nat`, of nftables `inet filter`.
    pub table: Option<String>,
    /// Its chain.
    pub chain: String,
    /// What happens to a packet.
    pub target: Option<String>,
    /// As written; of a policy nothing.
    pub rule: Option<String>,
    /// The chain's policy.
    pub policy: Option<String>,
    /// Incoming interface.
    pub input: Option<String>,
    /// Outgoing interface.
    pub output: Option<String>,
    /// Network of the source.
    pub source: Option<String>,
    /// Network of the destination.
    pub destination: Option<String>,
    /// Destination ports.
    pub ports: Option<String>,
    /// Comment.
    pub comment: Option<String>,
    /// Where a translated packet goes.
    pub to: Option<String>,
    /// `tcp`, `udp`, ...
    pub protocol: Option<&'static str>,
    /// Packets counted.
    pub packets: Option<i64>,
    /// Bytes counted.
    pub bytes: Option<i64>,
}

/// A protocol by name or number.
pub fn protocol(text: &str) -> Option<&'static str> {
    Some(match text {
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "ipv6-icmp" | "58" => "icmp6",
        "sctp" | "132" => "sctp",
        "dccp" | "33" => "dccp",
        "udplite" | "136" => "udplite",
        "esp" | "50" => "esp",
        "ah" | "51" => "ah",
        "gre" | "47" => "gre",
        "igmp" | "2" => "igmp",
        "vrrp" | "112" => "vrrp",
        _ => return None,
    })
}

/// Whether a network is one address: `10.0.0.1`, `10.0.0.1/32`.
fn one_address(network: &str) -> Option<Cow<'_, str>> {
    let (address, prefix) = network.split_once('/').unwrap_or((network, ""));
    let whole = if address.contains(':') { "128" } else { "32" };
    let is_whole = prefix.is_empty() || prefix == whole || prefix == "255.255.255.255";
    canonical_ip(address).filter(|_| is_whole)
}

impl Rule {
    /// Hands the row to the sink.
    pub fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let rule = self.rule.as_deref().map(|rule| {
            let end = rule
                .char_indices()
                .map(|(at, _)| at)
                .find(|at| *at >= MAX_RULE);
            end.and_then(|end| rule.get(..end)).unwrap_or(rule)
        });
        let mut attributes = Attributes::with_capacity(192);
        attributes
            .text_if("table", self.table.as_deref())
            .text("chain", &self.chain)
            .text_if("target", self.target.as_deref())
            .text_if("rule", rule)
            .text_if("in", self.input.as_deref())
            .text_if("out", self.output.as_deref())
            .text_if("source", self.source.as_deref())
            .text_if("destination", self.destination.as_deref())
            .text_if("ports", self.ports.as_deref())
            .text_if("to", self.to.as_deref())
            .text_if("comment", self.comment.as_deref())
            .text_if("policy", self.policy.as_deref());
        let mut event = Event::new(action::FIREWALL_RULE);
        event.when = clock.collected();
        event.line = Some(line);
        event.src_ip = self.source.as_deref().and_then(one_address);
        event.dst_ip = self.destination.as_deref().and_then(one_address);
        event.dst_port = self.ports.as_deref().and_then(|ports| ports.parse().ok());
        event.protocol = self.protocol;
        event.packets = self.packets;
        event.bytes = self.bytes;
        event.attributes = attributes.finish().map(Cow::Owned);
        let table = self
            .table
            .as_deref()
            .map_or(String::new(), |table| format!("{table} "));
        let message = match (&self.policy, rule) {
            (Some(policy), _) => format!("{table}{} policy {policy}", self.chain),
            (None, rule) => format!("{table}{}: {}", self.chain, rule.unwrap_or_default()),
        };
        event.message = Some(message.into());
        sink.event(&event);
    }
}
