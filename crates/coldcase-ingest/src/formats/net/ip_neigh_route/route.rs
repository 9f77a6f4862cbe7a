//! Rows of routes.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use crate::Clock;

/// Kinds that `ip route` writes before the destination.
const KINDS: [&str; 9] = [
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "anycast",
    "unreachable",
    "blackhole",
    "prohibit",
    "throw",
];

/// A route.
#[derive(Debug, Default)]
pub struct Route {
    /// `default` or a network.
    pub destination: String,
    gateway: Option<String>,
    source: Option<String>,
    interface: Option<String>,
    metric: Option<i64>,
    more: Vec<(&'static str, String)>,
}

impl Route {
    /// Rows that need no head: `ip route`.
    pub fn free(text: &str) -> Option<Self> {
        if text.starts_with([' ', '\t']) {
            return None;
        }
        let mut words = text.split_ascii_whitespace().take(64);
        let mut first = words.next()?;
        let mut route = Self::default();
        if KINDS.contains(&first) {
            route.more.push(("kind", first.to_owned()));
            first = words.next()?;
        }
        let network = first.split('/').next().unwrap_or(first);
        if first != "default" && canonical_ip(network).is_none() {
            return None;
        }
        route.destination = first.to_owned();
        let has_kind = !route.more.is_empty();
        let known = route.fields(words);
        let is_route = route.interface.is_some() || route.gateway.is_some() || has_kind;
        (is_route && known).then_some(route)
    }

    /// The destination of a route whose hops stand on the lines below: `10.7.0.0/16 proto static`.
    pub fn open(text: &str) -> Option<String> {
        let mut words = text.split_ascii_whitespace();
        let first = words.next()?;
        let network = first.split('/').next()?;
        let is_network =
            first == "default" || (first.contains('/') && canonical_ip(network).is_some());
        let is_whole = words.clone().all(|word| !matches!(word, "via" | "dev"));
        let is_open = is_whole && is_network && !text.starts_with([' ', '\t']);
        (is_open && Self::default().fields(words)).then(|| first.to_owned())
    }

    /// `nexthop via 192.0.2.1 dev eth0 weight 1` below a route.
    pub fn hop(text: &str, destination: &str) -> Option<Self> {
        let rest = text.trim_start().strip_prefix("nexthop ")?;
        let mut route = Self {
            destination: destination.to_owned(),
            ..Self::default()
        };
        route.fields(rest.split_ascii_whitespace());
        Some(route)
    }

    /// Takes pairs of names and values; whether the first was one of a route.
    fn fields<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) -> bool {
        let mut known = true;
        let mut index = 0;
        while let Some(word) = words.next() {
            let mut text = || words.next().map(str::to_owned);
            match word {
                "via" => {
                    self.gateway = text();
                    if matches!(self.gateway.as_deref(), Some("inet" | "inet6")) {
                        self.gateway = text();
                    }
                }
                "dev" => self.interface = text(),
                "src" => self.source = text(),
                "metric" => self.metric = text().and_then(|metric| metric.parse().ok()),
                "proto" => self
                    .more
                    .extend(text().map(|text| ("route_protocol", text))),
                "scope" => self.more.extend(text().map(|text| ("scope", text))),
                "table" => self.more.extend(text().map(|text| ("table", text))),
                "nhid" | "error" | "mtu" | "weight" | "pref" | "advmss" | "hoplimit" => {
                    drop(text())
                }
                "lladdr" => return false,
                _ => known &= index > 0,
            }
            index += 1;
        }
        known
    }

    /// `route -n` and `netstat -rn`: destination, gateway, mask, flags, then three numbers and the interface.
    pub fn four(text: &str, is_netstat: bool) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
        let [
            destination,
            gateway,
            mask,
            flags,
            metric,
            second,
            third,
            interface,
            ..,
        ] = words.as_slice()
        else {
            return None;
        };
        let mask = mask.parse::<Ipv4Addr>().ok().map(u32::from)?;
        second.parse::<i64>().ok()?;
        third.parse::<i64>().ok()?;
        let destination = match *destination {
            "0.0.0.0" if mask == 0 => "default".to_owned(),
            "default" => "default".to_owned(),
            network => format!("{network}/{}", mask.leading_ones()),
        };
        Some(Self {
            destination,
            gateway: gateway_of(gateway),
            interface: Some((*interface).to_owned()),
            metric: if is_netstat {
                None
            } else {
                Some(metric.parse().ok()?)
            },
            more: vec![("flags", (*flags).to_owned())],
            ..Self::default()
        })
    }

    /// `route -6 -n`: destination, next hop, flags, metric, references, uses, interface.
    pub fn six(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
        let [
            destination,
            gateway,
            flags,
            metric,
            references,
            _,
            interface,
        ] = words.as_slice()
        else {
            return None;
        };
        references.parse::<i64>().ok()?;
        Some(Self {
            destination: match *destination {
                "::/0" | "[::]/0" => "default".to_owned(),
                other => other.to_owned(),
            },
            gateway: gateway_of(gateway),
            interface: Some((*interface).to_owned()),
            metric: Some(metric.parse().ok()?),
            more: vec![("flags", (*flags).to_owned())],
            ..Self::default()
        })
    }

    /// Hands the row to the sink.
    pub fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let mut attributes = Attributes::new();
        attributes
            .text("destination", &self.destination)
            .text_if("interface", self.interface.as_deref())
            .number_if("metric", self.metric);
        for (key, text) in &self.more {
            attributes.text(key, text);
        }
        let address = |text: &Option<String>| {
            let text = text.as_deref()?;
            canonical_ip(text).map(Cow::into_owned).map(Cow::Owned)
        };
        let mut event = Event::new(action::ROUTE_LISTED);
        event.when = clock.collected();
        event.line = Some(line);
        event.dst_ip = address(&self.gateway);
        event.src_ip = address(&self.source);
        if event.dst_ip.is_none() {
            attributes.text_if("gateway", self.gateway.as_deref());
        }
        event.attributes = attributes.finish().map(Cow::Owned);
        let part = |word: &str, text: &Option<String>| {
            let text = text.as_deref();
            text.map_or(String::new(), |text| format!(" {word} {text}"))
        };
        let message = format!(
            "route to {}{}{}",
            self.destination,
            part("via", &self.gateway),
            part("on", &self.interface),
        );
        event.message = Some(message.into());
        sink.event(&event);
    }
}

/// A gateway; those that stand for none are left out.
fn gateway_of(text: &str) -> Option<String> {
    (!matches!(text, "0.0.0.0" | "*" | "::" | "[::]" | "-")).then(|| text.to_owned())
}
