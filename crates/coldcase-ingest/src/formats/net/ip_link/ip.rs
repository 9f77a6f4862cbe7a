//! What `ip link` and `ip addr` print.

use coldcase_model::canonical_ip;

use super::super::interface::{Counters, Interface};

/// An interface while the lines below its head come.
pub struct Block {
    /// What is known.
    pub interface: Interface,
    /// Columns of the counters on the next line, and whether they are of what was received.
    counters: Option<(bool, Vec<String>)>,
}

impl Block {
    /// One of which no more than the name is known.
    pub fn named(name: &str) -> Self {
        Self {
            interface: Interface::named(name),
            counters: None,
        }
    }

    /// Takes a line below the head.
    pub fn below(&mut self, text: &str) {
        if let Some((is_received, columns)) = self.counters.take() {
            let target = match is_received {
                true => &mut self.interface.rx,
                false => &mut self.interface.tx,
            };
            count(target, &columns, text);
            return;
        }
        let mut words = text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        match first {
            // `RX errors:` of `-s -s` has a head of its own, whose numbers are not kept.
            "RX:" | "TX:" => {
                let columns = words.take(16).map(str::to_owned).collect();
                self.counters = Some((first == "RX:", columns));
            }
            "RX" | "TX" => self.counters = Some((first == "RX", Vec::new())),
            "inet" | "inet6" => {
                if let Some(address) = words.next() {
                    self.interface.add_address(address);
                }
            }
            _ => {
                if let Some(kind) = first.strip_prefix("link/") {
                    let mac = words.next().filter(|_| kind == "ether");
                    self.interface.mac = mac.map(str::to_owned);
                }
            }
        }
    }
}

/// Numbers below `bytes packets errors dropped ...`.
fn count(target: &mut Counters, columns: &[String], text: &str) {
    for (column, number) in columns.iter().zip(text.split_ascii_whitespace()) {
        let number = number.parse().ok();
        match column.as_str() {
            "bytes" => target.bytes = number,
            "packets" => target.packets = number,
            "errors" => target.errors = number,
            "dropped" => target.dropped = number,
            _ => {}
        }
    }
}

/// `2: ` and what follows.
fn numbered(text: &str) -> Option<&str> {
    let (index, rest) = text.split_once(": ")?;
    index.parse::<u32>().ok()?;
    Some(rest)
}

/// `2: eth0@if5: <BROADCAST,UP> mtu 1500 ...`; with `-o` the lines below are joined by backslashes.
pub fn head(text: &str) -> Option<Block> {
    let (name, rest) = numbered(text.trim_end())?.split_once(": <")?;
    let (flags, rest) = rest.split_once("> ")?;
    if name.contains(' ') || !rest.starts_with("mtu ") {
        return None;
    }
    let (name, link) = match name.split_once('@') {
        Some((name, link)) => (name, Some(link)),
        None => (name, None),
    };
    let mut block = Block::named(name);
    let interface = &mut block.interface;
    if let Some(link) = link.filter(|link| *link != "NONE") {
        interface.more.push(("link", link.to_owned()));
    }
    let mut flags = flags.split(',');
    if flags.clone().any(|flag| flag == "PROMISC") {
        interface.marks.push("promiscuous");
    }
    let is_up = flags.any(|flag| flag == "UP");
    let mut parts = rest.split('\\');
    let mut words = parts.next()?.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "mtu" => interface.mtu = words.next()?.parse().ok(),
            "state" => interface.state = words.next().map(str::to_owned),
            "master" => interface.master = words.next().map(str::to_owned),
            _ => {}
        }
    }
    if interface.state.is_none() {
        interface.state = Some(if is_up { "UP" } else { "DOWN" }.to_owned());
    }
    for part in parts {
        block.below(part);
    }
    Some(block)
}

/// `2: eth0    inet 192.0.2.5/24 brd ...`: name and address.
pub fn one_line(text: &str) -> Option<(&str, &str)> {
    let mut words = numbered(text)?.split_ascii_whitespace();
    let name = words.next()?;
    let family = words.next()?;
    let address = words.next()?;
    canonical_ip(address.split('/').next()?)?;
    matches!(family, "inet" | "inet6").then_some((name, address))
}

/// `eth0  UP  192.0.2.5/24 fe80::1/64`, `eth0  UP  52:54:00:12:34:56 <BROADCAST>`.
pub fn brief(text: &str) -> Option<Interface> {
    if text.starts_with([' ', '\t']) {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    let name = words.next()?;
    let state = words.next()?;
    let is_state = matches!(
        state,
        "UP" | "DOWN" | "UNKNOWN" | "LOWERLAYERDOWN" | "DORMANT" | "NOTPRESENT" | "TESTING"
    );
    if !is_state || name.len() > 32 {
        return None;
    }
    let (name, link) = match name.split_once('@') {
        Some((name, link)) => (name, Some(link)),
        None => (name, None),
    };
    let mut interface = Interface::named(name);
    if let Some(link) = link {
        interface.more.push(("link", link.to_owned()));
    }
    interface.state = Some(state.to_owned());
    for word in words {
        let bare = word.split('/').next()?;
        match () {
            () if word.starts_with('<') && word.ends_with('>') => {
                if word.contains("PROMISC") {
                    interface.marks.push("promiscuous");
                }
            }
            () if is_mac(word) => interface.mac = Some(word.to_owned()),
            () if canonical_ip(bare).is_some() => interface.add_address(word),
            // Options behind an address: `metric 100`, `peer 10.0.0.1/32`.
            () if interface.addresses.is_empty() => return None,
            () => {}
        }
    }
    Some(interface)
}

/// `52:54:00:12:34:56`.
pub fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.split(':').count() == 6
        && text
            .split(':')
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
