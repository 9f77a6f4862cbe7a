//! Socket addresses: `saddr=` is the kernel's `struct sockaddr` in hex (linux/socket.h, byte order of the
//! machine for the family, of the network for ports); enriched and interpreted logs also spell it out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::values::{Value, decode_hex};

/// Where a socket points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAddress {
    /// IPv4 or IPv6 with its port.
    Inet(IpAddr, u16),
    /// A path; an abstract name begins with `@`.
    Unix(String),
    /// Netlink with the port id.
    Netlink(u32),
    /// VSOCK: context id and port.
    Vsock(u32, u32),
    /// Another family, or one cut too short to read.
    Other(String),
}

impl SocketAddress {
    /// From `saddr=` and, where that is missing or unreadable, from the enriched text.
    pub fn read(
        saddr: Option<Value<'_>>,
        spelled: Option<&[u8]>,
        little: Option<bool>,
    ) -> Option<Self> {
        let mut bytes = [0u8; 128];
        let decoded = saddr.and_then(|value| decode_hex(value.raw, &mut bytes));
        match (decoded, saddr) {
            (Some(decoded), _) => Some(Self::decode(decoded, little)),
            (None, Some(value)) => Self::spelled(value.raw).or_else(|| Self::spelled(spelled?)),
            (None, None) => Self::spelled(spelled?),
        }
    }

    /// From the kernel's bytes. Where the architecture is not known its byte order shows in the family,
    /// which is below 256.
    pub fn decode(bytes: &[u8], little: Option<bool>) -> Self {
        let [first, second, rest @ ..] = bytes else {
            return Self::Other("cut".into());
        };
        let little = little.unwrap_or(*second == 0);
        let word = |at: usize| {
            let word: [u8; 4] = rest.get(at..at + 4)?.try_into().ok()?;
            Some(if little {
                u32::from_le_bytes(word)
            } else {
                u32::from_be_bytes(word)
            })
        };
        let family = match little {
            true => u16::from_le_bytes([*first, *second]),
            false => u16::from_be_bytes([*first, *second]),
        };
        let decoded = match family {
            1 => Some(Self::Unix(unix_name(rest))),
            2 => inet(rest),
            10 => inet6(rest),
            16 => word(2).map(Self::Netlink),
            40 => word(2)
                .zip(word(6))
                .map(|(port, cid)| Self::Vsock(cid, port)),
            _ => None,
        };
        decoded.unwrap_or_else(|| Self::Other(family_name(family)))
    }

    /// From `{ saddr_fam=inet laddr=10.0.0.1 lport=22 }`, `inet host:10.0.0.1 serv:22`, `local /path`.
    fn spelled(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let inner = text.trim_matches(['{', '}', ' ']);
        let find = |keys: [&str; 2]| {
            let mut words = inner.split(' ');
            words.find_map(|word| keys.iter().find_map(|key| word.strip_prefix(key)))
        };
        let family = find(["saddr_fam=", "fam="]).or_else(|| inner.split(' ').next())?;
        let port = find(["lport=", "serv:"]).and_then(|port| port.parse().ok());
        if let Some(address) = find(["laddr=", "host:"]).and_then(|text| text.parse().ok()) {
            return Some(Self::Inet(address, port.unwrap_or(0)));
        }
        match family {
            "local" | "unix" => {
                let path = inner.split_once("path=").map(|(_, path)| path);
                let path = path.or_else(|| inner.split_once(' ').map(|(_, path)| path))?;
                Some(Self::Unix(path.trim_end().into()))
            }
            "netlink" => find(["nlnk-pid=", "pid:"])?.parse().ok().map(Self::Netlink),
            other => (!other.is_empty()).then(|| Self::Other(other.into())),
        }
    }
}

impl std::fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(IpAddr::V6(address), port) => match address.to_ipv4_mapped() {
                Some(mapped) => write!(f, "{mapped}:{port}"),
                None => write!(f, "[{address}]:{port}"),
            },
            Self::Inet(address, port) => write!(f, "{address}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Netlink(id) => write!(f, "netlink:{id}"),
            Self::Vsock(cid, port) => write!(f, "vsock:{cid}:{port}"),
            Self::Other(family) => f.write_str(family),
        }
    }
}

fn inet(rest: &[u8]) -> Option<SocketAddress> {
    let port: [u8; 2] = rest.get(..2)?.try_into().ok()?;
    let address: [u8; 4] = rest.get(2..6)?.try_into().ok()?;
    let address = IpAddr::V4(Ipv4Addr::from(address));
    Some(SocketAddress::Inet(address, u16::from_be_bytes(port)))
}

fn inet6(rest: &[u8]) -> Option<SocketAddress> {
    let port: [u8; 2] = rest.get(..2)?.try_into().ok()?;
    let address: [u8; 16] = rest.get(6..22)?.try_into().ok()?;
    let address = IpAddr::V6(Ipv6Addr::from(address));
    Some(SocketAddress::Inet(address, u16::from_be_bytes(port)))
}

/// A path ends at its first NUL; an abstract name begins with one and ends where the kernel's copy does.
fn unix_name(rest: &[u8]) -> String {
    let (sign, name) = match rest.split_first() {
        Some((0, name)) => ("@", name.trim_ascii_end()),
        _ => ("", rest),
    };
    let end = match sign {
        "" => name.iter().position(|byte| *byte == 0),
        _ => name
            .iter()
            .rposition(|byte| *byte != 0)
            .map(|last| last + 1),
    };
    let end = end.unwrap_or(if sign.is_empty() { name.len() } else { 0 });
    let name = name.get(..end).unwrap_or(name);
    format!("{sign}{}", String::from_utf8_lossy(name))
}

fn family_name(family: u16) -> String {
    let name = match family {
        0 => "unspecified",
        1 => "unix",
        2 => "inet",
        3 => "ax25",
        4 => "ipx",
        5 => "appletalk",
        10 => "inet6",
        15 => "key",
        16 => "netlink",
        17 => "packet",
        24 => "pppox",
        29 => "can",
        30 => "tipc",
        31 => "bluetooth",
        38 => "alg",
        40 => "vsock",
        42 => "qipcrtr",
        44 => "xdp",
        _ => return format!("family {family}"),
    };
    name.into()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests cut their own text")]
mod tests {
    use super::super::values::Form;
    use super::*;

    fn read(raw: &str, little: Option<bool>) -> String {
        let raw = raw.as_bytes();
        let form = Form::Bare;
        let got = SocketAddress::read(Some(Value { raw, form }), None, little);
        got.map_or_else(String::new, |address| address.to_string())
    }

    #[test]
    fn addresses() {
        let check =
            |saddr: &str, expected: &str| assert_eq!(read(saddr, None), expected, "{saddr}");
        check("02000050A9FEA9FE0000000000000000", "169.254.169.254:80");
        check("0002D903000000000000000000000000", "0.0.0.0:55555");
        check(
            "0A000016000000000000000000000000000000000000000100000000",
            "[::1]:22",
        );
        check("0A00001600000000", "inet6");
        check(
            "0A0001BB0000000000000000000000000000FFFF0A00000100000000",
            "10.0.0.1:443",
        );
        check(
            "01002F7661722F72756E2F6E7363642F736F636B65740000",
            "unix:/var/run/nscd/socket",
        );
        check("0100007370616D00", "unix:@spam");
        check("0100", "unix:");
        check("100000000000000000000000", "netlink:0");
        check("100000002A00000000000000", "netlink:42");
        check("1100080602000000", "packet");
        check("28000000D2040000020000000000", "vsock:2:1234");
        check("00000000000000000000000000000000", "unspecified");
        check("7F00", "family 127");
        check("02", "cut");
        check("zz", "zz");
        check("{ saddr_fam=inet laddr=10.2.3.4 lport=22 }", "10.2.3.4:22");
        check("inet host:10.2.3.4 serv:22", "10.2.3.4:22");
        check("{ fam=local path=/run/a b.sock }", "unix:/run/a b.sock");
        check("{ fam=netlink nlnk-fam=16 nlnk-pid=7 }", "netlink:7");
    }

    #[test]
    fn byte_order_is_the_architecture_s() {
        assert_eq!(
            read("0002D903000000000000000000000000", Some(true)),
            "family 512"
        );
        assert_eq!(
            read("0002D903000000000000000000000000", Some(false)),
            "0.0.0.0:55555"
        );
    }

    #[test]
    fn no_cut_of_an_address_panics() {
        for family in 0..=255u8 {
            let bytes = [
                family, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                21, 22, 23,
            ];
            for end in 0..=bytes.len() {
                SocketAddress::decode(&bytes[..end], None);
                SocketAddress::decode(&bytes[..end], Some(false));
            }
        }
    }
}
