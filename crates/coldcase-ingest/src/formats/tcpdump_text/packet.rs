//! The text of one packet: what stands before the addresses, the addresses, and the payload's text.

use std::net::IpAddr;

use super::stamp::Stamp;
use crate::services;

/// How far into a line a link header (`-e`) may say that IP follows.
const MAX_LINK_HEADER: usize = 400;

/// A line that begins a packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Head<'a> {
    pub stamp: Stamp,
    /// Interface and direction of `-i any`; older versions show the direction alone.
    pub interface: Option<&'a str>,
    pub direction: Option<&'a str>,
    /// From behind `IP ` on; `None` for other protocols.
    pub ip: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// The head in a line; `None` where the line begins no packet.
    pub fn parse(line: &'a str) -> Option<Self> {
        let numbered = without_number(line);
        let (stamp, rest) = Stamp::parse(numbered.unwrap_or(line));
        let stamped =
            rest.len() < numbered.unwrap_or(line).trim_start().len() || numbered.is_some();
        if !stamped && line.starts_with([' ', '\t']) {
            return None;
        }
        let (interface, direction, rest) = interface(rest);
        let ip = ip_part(rest);
        let other = stamped || direction.is_some() || rest.starts_with("ARP, ");
        if ip.is_none() && !other {
            return None;
        }
        Some(Self {
            stamp,
            interface,
            direction,
            ip,
        })
    }
}

/// What follows the packet's number of `-#`: `    1  `.
fn without_number(line: &str) -> Option<&str> {
    let digits_on = line.trim_start_matches(' ');
    let rest = digits_on.trim_start_matches(|character: char| character.is_ascii_digit());
    if rest.len() == digits_on.len() {
        return None;
    }
    rest.strip_prefix("  ")
}

/// `eth0  In  `, or `In ` alone.
fn interface(text: &str) -> (Option<&str>, Option<&str>, &str) {
    let is_direction = |word: &str| matches!(word, "In" | "Out" | "P" | "B" | "M");
    let word = |text: &'_ str| -> Option<usize> { text.find(' ') };
    let Some((first, rest)) = word(text).and_then(|at| text.split_at_checked(at)) else {
        return (None, None, text);
    };
    let rest = rest.trim_start();
    if let Some((second, after)) = word(rest).and_then(|at| rest.split_at_checked(at))
        && (is_direction(second) || (second == "?" && first != "IP"))
    {
        return (Some(first), Some(second), after.trim_start());
    }
    if is_direction(first) {
        return (None, Some(first), rest);
    }
    (None, None, text)
}

/// What stands behind `IP ` or `IP6 `, or behind a link header whose payload is IP.
pub(super) fn ip_part(text: &str) -> Option<&str> {
    if let Some(rest) = text
        .strip_prefix("IP ")
        .or_else(|| text.strip_prefix("IP6 "))
    {
        return Some(rest);
    }
    let mut end = text.len().min(MAX_LINK_HEADER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let header = text.get(..end)?;
    let markers = ["ethertype IPv4", "ethertype IPv6", ", IPv4", ", IPv6"];
    let found = markers
        .into_iter()
        .filter_map(|marker| Some((header.find(marker)?, marker.len())))
        .min()?;
    let rest = text.get(found.0 + found.1..)?;
    let rest = match rest.strip_prefix(" (0x") {
        Some(number_on) => number_on.split_once(')')?.1,
        None => rest,
    };
    if let Some(length_on) = rest.strip_prefix(", length ") {
        return Some(length_on.split_once(": ")?.1);
    }
    rest.strip_prefix(", ").or_else(|| rest.strip_prefix(": "))
}

/// What `-v` shows of the IP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct IpInfo {
    /// Whether there was such a header.
    pub shown: bool,
    /// Identification of IPv4.
    pub id: Option<u16>,
    /// Length of the whole packet.
    pub length: Option<u64>,
    /// `Some(true)` for UDP, `Some(false)` for another protocol.
    pub udp: Option<bool>,
}

/// Takes the parenthesised header of `-v` off, and the note of a cut packet before it.
pub(super) fn ip_info(text: &str) -> (IpInfo, &str) {
    let text = match text.strip_prefix("truncated-ip") {
        Some(rest) => rest.split_once("missing! ").map_or(text, |(_, rest)| rest),
        None => text,
    };
    let Some((fields, rest)) = parenthesised(text) else {
        return (IpInfo::default(), text);
    };
    let mut info = IpInfo {
        shown: true,
        ..IpInfo::default()
    };
    for field in fields.split(',').map(str::trim_start) {
        if let Some(id) = field.strip_prefix("id ") {
            info.id = id.parse().ok();
        } else if let Some(length) = field.strip_prefix("length ") {
            info.length = length.parse().ok();
        } else if let Some(protocol) = field.strip_prefix("proto ") {
            info.udp = Some(protocol.starts_with("UDP"));
        } else if let Some(header) = field.strip_prefix("next-header ") {
            info.udp = header.starts_with("UDP").then_some(true);
            let length = header.rsplit_once("payload length: ");
            let payload = length.and_then(|(_, length)| length.parse::<u64>().ok());
            info.length = payload.and_then(|payload| payload.checked_add(40));
        }
    }
    (info, rest.trim_start())
}

/// The text within the first parentheses, which may nest, and what follows them.
fn parenthesised(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1_u32;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inner.get(..at)?, inner.get(at + 1..)?));
        }
    }
    None
}

/// A host as tcpdump shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Host {
    Address(IpAddr),
    /// Without `-n`: what reverse lookup made of the address.
    Name(Box<str>),
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint {
    pub host: Host,
    /// Unknown also where the service's name is.
    pub port: Option<u16>,
}

impl Endpoint {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.contains([' ', ',']) {
            return None;
        }
        let address = |text: &str| -> Option<Host> {
            let address: IpAddr = text.parse().ok()?;
            Some(Host::Address(address.to_canonical()))
        };
        // The address alone first: `10.0.0.1` is no host `10.0.0` with port 1.
        if let Some(host) = address(text) {
            return Some(Self { host, port: None });
        }
        let Some((host, port)) = text.rsplit_once('.') else {
            let host = Host::Name(text.into());
            return Some(Self { host, port: None });
        };
        let number = match port.parse() {
            Ok(number) => Some(number),
            Err(_) => services::port(port),
        };
        let host = address(host).unwrap_or_else(|| Host::Name(host.into()));
        Some(Self { host, port: number })
    }

    /// The address's text, nothing for a name.
    pub fn ip(&self) -> Option<String> {
        match &self.host {
            Host::Address(address) => Some(address.to_string()),
            Host::Name(_) => None,
        }
    }

    /// The name, nothing for an address.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Address(_) => None,
            Host::Name(name) => Some(name),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Host::Address(address) => write!(f, "{address}")?,
            Host::Name(name) => f.write_str(name)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Like `split_once`, looking for the first byte that is rare in such text: `rare` is its place in `what`.
pub(super) fn split_at_text<'a>(
    text: &'a str,
    what: &str,
    rare: usize,
) -> Option<(&'a str, &'a str)> {
    let byte = *what.as_bytes().get(rare)?;
    let mut found = memchr::memchr_iter(byte, text.as_bytes());
    let at = found.find_map(|at| {
        let start = at.checked_sub(rare)?;
        text.as_bytes()
            .get(start..)?
            .starts_with(what.as_bytes())
            .then_some(start)
    })?;
    Some((text.get(..at)?, text.get(at + what.len()..)?))
}

/// `SOURCE > DESTINATION: TEXT`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Addressed<'a> {
    pub source: Endpoint,
    pub destination: Endpoint,
    pub payload: &'a str,
}

impl<'a> Addressed<'a> {
    /// The addresses and what follows them.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (source, rest) = split_at_text(text, " > ", 1)?;
        let (destination, payload) = match split_at_text(rest, ": ", 0) {
            Some(split) => split,
            None => (rest.trim_end().strip_suffix(':')?, ""),
        };
        Some(Self {
            source: Endpoint::parse(source)?,
            destination: Endpoint::parse(destination)?,
            payload: payload.trim_start(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_all_options() {
        let check = |line: &str, expected: &str| {
            let got = Head::parse(line).map(|head| {
                format!(
                    "{} {} {}",
                    head.interface.unwrap_or("-"),
                    head.direction.unwrap_or("-"),
                    head.ip.unwrap_or("-")
                )
            });
            assert_eq!(got.as_deref().unwrap_or("none"), expected, "{line}");
        };
        check("17:16:09.924505 IP a > b: x", "- - a > b: x");
        check("    1  IP6 a > b: x", "- - a > b: x");
        check("IP a > b: x", "- - a > b: x");
        check("17:16:09.924505 eth0  In  IP a > b: x", "eth0 In a > b: x");
        check("17:16:09.924505 ?     P   IP a > b: x", "? P a > b: x");
        check(
            "17:16:09.924505 eth0  B   ifindex 2 aa:bb:cc:dd:ee:ff ethertype IPv4 (0x0800), length 87: a > b: x",
            "eth0 B a > b: x",
        );
        check(
            "17:16:09.924505  In aa:bb:cc:dd:ee:ff ethertype IPv6 (0x86dd), length 87: a > b: x",
            "- In a > b: x",
        );
        check(
            "17:16:09.9 aa:bb:cc:dd:ee:ff > aa:bb:cc:dd:ee:fe, ethertype 802.1Q (0x8100), length 9: vlan 7, p 0, ethertype IPv4 (0x0800), a > b: x",
            "- - a > b: x",
        );
        check(
            "17:16:09.9 aa:bb:cc:dd:ee:ff > aa:bb:cc:dd:ee:fe, IPv4, length 60: a > b: x",
            "- - a > b: x",
        );
        check("17:16:09.924505 ARP, Request who-has", "- - -");
        check(
            "17:16:09.924505 eth0  Out ARP, Request who-has",
            "eth0 Out -",
        );
        check("    10.0.0.1.53 > 10.0.0.2.7: x", "none");
        check("\t0x0000:  4500 003c", "none");
        check("tcpdump: listening on any", "none");
        check("", "none");
    }

    #[test]
    fn ip_headers() {
        let check = |text: &str, expected: IpInfo, rest: &str| {
            assert_eq!(ip_info(text), (expected, rest), "{text}");
        };
        let shown = IpInfo {
            shown: true,
            ..IpInfo::default()
        };
        check("a > b: x", IpInfo::default(), "a > b: x");
        check("(tos 0x0, ttl 6", IpInfo::default(), "(tos 0x0, ttl 6");
        check(
            "(tos 0x0, ttl 62, id 10524, offset 0, flags [DF], proto UDP (17), length 87, bad cksum 72f3 (->72f7)!) a",
            IpInfo {
                id: Some(10524),
                length: Some(87),
                udp: Some(true),
                ..shown
            },
            "a",
        );
        check(
            "(flowlabel 0x1, hlim 64, next-header TCP (6) payload length: 40) a",
            IpInfo {
                length: Some(80),
                ..shown
            },
            "a",
        );
        check(
            "truncated-ip - 4 bytes missing! (length 9) a",
            IpInfo {
                length: Some(9),
                ..shown
            },
            "a",
        );
    }

    #[test]
    fn endpoints() {
        let check = |text: &str, expected: &str| {
            let got = Endpoint::parse(text).map(|endpoint| endpoint.to_string());
            assert_eq!(got.as_deref().unwrap_or("none"), expected);
        };
        check("10.0.0.1.53", "10.0.0.1:53");
        check("10.0.0.1", "10.0.0.1");
        check("10.0.0.1.domain", "10.0.0.1:53");
        check("2001:DB8::1.53", "[2001:db8::1]:53");
        check("::ffff:10.0.0.1.53", "10.0.0.1:53");
        check("fe80::1", "[fe80::1]");
        check("dns.example.com.https", "dns.example.com:443");
        check("dns.example.com.unheard-of", "dns.example.com");
        check("10.0.0.1.70000", "10.0.0.1");
        check("a b", "none");
        check("", "none");
    }
}
