//! What `ifconfig` prints: net-tools 2 (`inet 10.0.0.1  netmask ...`), net-tools 1 and BusyBox (`inet addr:10.0.0.1`).

use std::net::Ipv4Addr;

use super::super::interface::Interface;

/// Reads the first line of an interface.
pub fn head(text: &str) -> Option<Interface> {
    if text.starts_with([' ', '\t']) {
        return None;
    }
    if let Some((name, rest)) = text.split_once(": flags=") {
        let (flags, rest) = rest.split_once('<')?.1.split_once('>')?;
        let mut interface = Interface::named(name);
        marks(&mut interface, flags.split(','));
        let mtu = rest.split_once("mtu ")?.1.split_ascii_whitespace().next()?;
        interface.mtu = mtu.parse().ok();
        return Some(interface);
    }
    let (name, rest) = text.split_once(' ')?;
    let rest = rest.trim_start().strip_prefix("Link encap:")?;
    let mut interface = Interface::named(name);
    if let Some((_, mac)) = rest.split_once("HWaddr ") {
        let mac = mac.split_ascii_whitespace().next()?;
        interface.mac = Some(mac.to_ascii_lowercase());
    }
    Some(interface)
}

fn marks<'a>(interface: &mut Interface, flags: impl Iterator<Item = &'a str>) {
    let mut state = "DOWN";
    for flag in flags {
        match flag {
            "UP" => state = "UP",
            "PROMISC" => interface.marks.push("promiscuous"),
            _ => {}
        }
    }
    interface.state = Some(state.to_owned());
}

/// Bits set in a mask.
fn prefix(mask: &str) -> Option<u32> {
    let bits = u32::from(mask.parse::<Ipv4Addr>().ok()?);
    (bits.leading_ones() == bits.count_ones()).then_some(bits.count_ones())
}

/// Takes a line below the head.
pub fn below(interface: &mut Interface, text: &str) {
    let words: Vec<&str> = text.split_ascii_whitespace().take(24).collect();
    let first = words.first().copied().unwrap_or_default();
    let second = words.get(1).copied().unwrap_or_default();
    // `netmask 255.0.0.0` or `Mask:255.0.0.0`, `packets 5` or `packets:5`.
    let value = |name: &str| {
        words.iter().enumerate().find_map(|(at, word)| {
            let behind = word.strip_prefix(name)?;
            match behind.strip_prefix(':') {
                Some("") => words.get(at + 1).copied(),
                Some(value) => Some(value),
                None if behind.is_empty() => words.get(at + 1).copied(),
                None => None,
            }
        })
    };
    let number = |name: &str| value(name)?.parse::<i64>().ok();
    match first {
        "inet" => {
            let address = second.strip_prefix("addr:").unwrap_or(second);
            let mask = value("netmask").or_else(|| value("Mask")).and_then(prefix);
            interface.add_address(&match mask {
                Some(mask) => format!("{address}/{mask}"),
                None => address.to_owned(),
            });
        }
        "inet6" => match (second, value("prefixlen")) {
            ("addr:", _) => interface.add_address(words.get(2).copied().unwrap_or_default()),
            (address, Some(length)) => interface.add_address(&format!("{address}/{length}")),
            (address, None) => {
                interface.add_address(address.strip_prefix("addr:").unwrap_or(address));
            }
        },
        "ether" => interface.mac = Some(second.to_ascii_lowercase()),
        "RX" | "TX" => {
            let mut counters = match first {
                "RX" => std::mem::take(&mut interface.rx),
                _ => std::mem::take(&mut interface.tx),
            };
            counters.packets = number("packets").or(counters.packets);
            counters.errors = number("errors").or(counters.errors);
            counters.dropped = number("dropped").or(counters.dropped);
            counters.bytes = number("bytes").or(counters.bytes);
            match first {
                "RX" => interface.rx = counters,
                _ => interface.tx = counters,
            }
            // `RX bytes:1234 (1.2 KiB)  TX bytes:5678 (5.5 KiB)` on one line.
            if let Some((_, sent)) = text.split_once("TX bytes:") {
                let sent = sent.split_ascii_whitespace().next().unwrap_or_default();
                interface.tx.bytes = sent.parse().ok();
            }
        }
        _ => {
            if let Some(mtu) = number("MTU") {
                interface.mtu = Some(mtu);
                marks(interface, words.iter().copied());
            }
        }
    }
}
