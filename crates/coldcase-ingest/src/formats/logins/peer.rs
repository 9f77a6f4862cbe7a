//! Where a login came from: an address, a name, or a local display, out of the text of a host column.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use coldcase_model::canonical_ip;

/// Where a login came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its address, canonical.
    pub address: Option<Cow<'a, str>>,
    /// Its name, or an address that the column cut.
    pub name: Option<Cow<'a, str>>,
    /// A local display or terminal (`:0`, `tmux(12).%1`).
    pub display: Option<Cow<'a, str>>,
    /// Whether the text fills its column, so that its end may be missing.
    pub cut: bool,
}

impl<'a> Peer<'a> {
    /// From a text that is whole.
    pub fn whole(text: &'a str) -> Self {
        let text = text.trim();
        if is_none(text) {
            return Self::default();
        }
        if let Some(address) = address_of(text) {
            return Self {
                address: Some(address),
                ..Self::default()
            };
        }
        let text = Some(Cow::Borrowed(text));
        match text.as_deref() {
            Some(display) if display.starts_with([':', '%']) || display.starts_with("tmux(") => {
                Self {
                    display: text,
                    ..Self::default()
                }
            }
            _ => Self {
                name: text,
                ..Self::default()
            },
        }
    }

    /// From a column of this width, where a text as long as the column may lack its end: such a text is never read
    /// as an address, because what is left of `2001:db8::1:22` may be another address.
    pub fn in_column(text: &'a str, width: usize) -> Self {
        let text = text.trim();
        if text.len() < width {
            return Self::whole(text);
        }
        Self {
            name: Some(Cow::Borrowed(text)),
            cut: true,
            ..Self::default()
        }
    }

    /// From a record's binary address (network order) and host. The address is what the kernel saw; the host is text.
    pub fn of_record(octets: [u8; 16], host: Cow<'a, str>) -> Self {
        let said = match host {
            Cow::Borrowed(host) => Peer::whole(host),
            Cow::Owned(host) => Peer::whole(&host).into_owned(),
        };
        let Some(address) = address_in(octets, said.address.as_deref()) else {
            return said;
        };
        let address = address.to_canonical().to_string();
        let name = match said.address {
            Some(other) if *other != *address => Some(other),
            _ => said.name,
        };
        Self {
            address: Some(Cow::Owned(address)),
            name,
            ..said
        }
    }

    /// The same with all text owned.
    pub fn into_owned(self) -> Peer<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Peer {
            address: own(self.address),
            name: own(self.name),
            display: own(self.display),
            cut: self.cut,
        }
    }

    /// For a person.
    pub fn shown(&self) -> Option<&str> {
        let texts = [&self.address, &self.name, &self.display];
        texts.into_iter().find_map(|text| text.as_deref())
    }
}

/// What tools write where a login had no remote end.
fn is_none(text: &str) -> bool {
    matches!(text, "" | "-" | "?" | "0.0.0.0" | "::")
}

/// `10.0.0.1`, and with what mosh and screen add: `10.0.0.1 via mosh [12]`, `10.0.0.1:S.0`.
fn address_of(text: &str) -> Option<Cow<'_, str>> {
    if let Some(address) = canonical_ip(text) {
        return Some(address);
    }
    let bare = match text.split_once(" via mosh") {
        Some((bare, _)) => bare,
        None => text.rsplit_once(":S.")?.0,
    };
    canonical_ip(bare).filter(|address| !is_none(address))
}

/// IPv4 has only the first four octets; an IPv6 address that ends in twelve zeros is told by the host's text.
fn address_in(octets: [u8; 16], said: Option<&str>) -> Option<IpAddr> {
    let [a, b, c, d, rest @ ..] = octets;
    let six = Ipv6Addr::from(octets);
    let said: Option<IpAddr> = said.and_then(|said| said.parse().ok());
    if rest != [0; 12] || said == Some(IpAddr::V6(six)) {
        return Some(IpAddr::V6(six));
    }
    let four = Ipv4Addr::new(a, b, c, d);
    (!four.is_unspecified()).then_some(IpAddr::V4(four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'p>(peer: &'p Peer<'_>) -> [&'p str; 3] {
        [&peer.address, &peer.name, &peer.display].map(|text| text.as_deref().unwrap_or("-"))
    }

    #[test]
    fn texts() {
        let check = |text: &str, expected: [&str; 3]| {
            assert_eq!(parts(&Peer::whole(text)), expected, "{text}");
        };
        check("10.20.0.5", ["10.20.0.5", "-", "-"]);
        check("::ffff:10.20.0.5", ["10.20.0.5", "-", "-"]);
        check("fe80::1%eth0", ["fe80::1", "-", "-"]);
        check("10.20.0.5 via mosh [4711]", ["10.20.0.5", "-", "-"]);
        check("10.20.0.5:S.0", ["10.20.0.5", "-", "-"]);
        check("bastion.example.net", ["-", "bastion.example.net", "-"]);
        check("localhost", ["-", "localhost", "-"]);
        check(":0", ["-", "-", ":0"]);
        check("tmux(2133).%0", ["-", "-", "tmux(2133).%0"]);
        check("0.0.0.0", ["-", "-", "-"]);
        check("", ["-", "-", "-"]);
    }

    #[test]
    fn a_full_column_is_no_address() {
        let check = |text: &str, cut: bool, expected: [&str; 3]| {
            let peer = Peer::in_column(text, 16);
            assert_eq!((parts(&peer), peer.cut), (expected, cut), "{text}");
        };
        check("2001:db8:85a3:8d", true, ["-", "2001:db8:85a3:8d", "-"]);
        check("fe80::fd8:7309:4", true, ["-", "fe80::fd8:7309:4", "-"]);
        check("192.168.100.200 ", false, ["192.168.100.200", "-", "-"]);
        check("fe80::1%eth0", false, ["fe80::1", "-", "-"]);
    }

    #[test]
    fn binary_addresses() {
        let check = |start: &[u8], host: &str, expected: [&str; 3]| {
            let mut octets = [0; 16];
            octets[..start.len()].copy_from_slice(start);
            let peer = Peer::of_record(octets, Cow::Borrowed(host));
            assert_eq!(parts(&peer), expected, "{start:?} {host}");
        };
        check(&[10, 20, 0, 5], "10.20.0.5", ["10.20.0.5", "-", "-"]);
        check(
            &[10, 20, 0, 5],
            "b.example",
            ["10.20.0.5", "b.example", "-"],
        );
        check(
            &[10, 20, 0, 5],
            "10.20.0.9",
            ["10.20.0.5", "10.20.0.9", "-"],
        );
        check(&[], "10.20.0.5", ["10.20.0.5", "-", "-"]);
        check(
            &[0x20, 1, 0xd, 0xb8],
            "2001:db8::",
            ["2001:db8::", "-", "-"],
        );
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 20, 0, 5];
        check(&mapped, "", ["10.20.0.5", "-", "-"]);
        let six = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        check(&six, "fe80::1%eth0", ["fe80::1", "-", "-"]);
    }
}
