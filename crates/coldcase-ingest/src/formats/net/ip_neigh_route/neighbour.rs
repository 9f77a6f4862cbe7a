//! Rows of neighbours.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_ip};

use super::super::ip_link::is_mac;
use crate::Clock;

const STATES: [&str; 8] = [
    "REACHABLE",
    "STALE",
    "DELAY",
    "PROBE",
    "FAILED",
    "INCOMPLETE",
    "PERMANENT",
    "NOARP",
];

/// Another host on the same link.
#[derive(Debug, Default)]
pub struct Neighbour<'a> {
    address: &'a str,
    name: Option<&'a str>,
    mac: Option<&'a str>,
    interface: Option<&'a str>,
    state: Option<&'a str>,
}

impl<'a> Neighbour<'a> {
    /// Rows that need no head: `ip neigh`, `arp -a`.
    pub fn free(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
        Self::ip(&words).or_else(|| Self::arp_a(&words))
    }

    /// `192.0.2.1 dev eth0 lladdr 52:54:00:aa:bb:01 router STALE`.
    fn ip(words: &[&'a str]) -> Option<Self> {
        let (address, rest) = words.split_first()?;
        canonical_ip(address)?;
        let state = rest.last()?;
        if !STATES.contains(state) {
            return None;
        }
        let after = |name: &str| {
            let at = rest.iter().position(|word| *word == name)?;
            rest.get(at + 1).copied()
        };
        Some(Self {
            address,
            mac: after("lladdr"),
            interface: Some(after("dev")?),
            state: Some(state),
            name: None,
        })
    }

    /// `gateway (192.0.2.1) at 52:54:00:aa:bb:01 [ether] on eth0`.
    fn arp_a(words: &[&'a str]) -> Option<Self> {
        let [name, address, "at", mac, rest @ ..] = words else {
            return None;
        };
        let address = address.strip_prefix('(')?.strip_suffix(')')?;
        canonical_ip(address)?;
        let on = rest.iter().position(|word| *word == "on")?;
        rest.get(on + 1)?;
        Some(Self {
            address,
            name: (*name != "?").then_some(*name),
            mac: Some(*mac).filter(|mac| is_mac(mac)),
            interface: rest.get(on + 1).copied(),
            state: mac.starts_with('<').then_some("incomplete"),
        })
    }

    /// A row of `arp -n`: `192.0.2.1 ether 52:54:00:aa:bb:01 C eth0`, `192.0.2.9 (incomplete) eth0`.
    pub fn arp(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
        let (address, rest) = words.split_first()?;
        let mac = rest.iter().copied().find(|word| is_mac(word));
        let is_incomplete = rest.contains(&"(incomplete)");
        if rest.len() < 2 || (mac.is_none() && !is_incomplete) {
            return None;
        }
        Some(Self {
            address,
            mac,
            interface: rest.last().copied(),
            state: is_incomplete.then_some("incomplete"),
            name: None,
        })
    }

    /// A row of `/proc/net/arp`: address, type, flags, hardware address, mask, device.
    pub fn proc(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(8).collect();
        let [address, _, flags, mac, _, device] = words.as_slice() else {
            return None;
        };
        canonical_ip(address)?;
        let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
        let is_known = *mac != "00:00:00:00:00:00";
        Some(Self {
            address,
            mac: Some(*mac).filter(|_| is_known),
            interface: Some(device),
            // ATF_COM and ATF_PERM of if_arp.h.
            state: match flags {
                flags if flags & 4 != 0 => Some("PERMANENT"),
                flags if flags & 2 == 0 => Some("incomplete"),
                _ => None,
            },
            name: None,
        })
    }

    /// Hands the row to the sink.
    pub fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let address = canonical_ip(self.address);
        let name = self.name.or(match address {
            Some(_) => None,
            None => Some(self.address),
        });
        let mut attributes = Attributes::new();
        attributes
            .text_if("mac", self.mac)
            .text_if("interface", self.interface)
            .text_if("state", self.state)
            .text_if("name", name);
        let mut event = Event::new(action::NEIGHBOUR_LISTED);
        event.when = clock.collected();
        event.line = Some(line);
        event.attributes = attributes.finish().map(Cow::Owned);
        let message = format!(
            "neighbour {} at {}{}",
            self.address,
            self.mac.unwrap_or("no known address"),
            self.interface
                .map_or(String::new(), |name| format!(" on {name}")),
        );
        event.message = Some(message.into());
        event.src_ip = address;
        sink.event(&event);
    }
}
