//! What evidence names: addresses, domains, users, hosts, processes, containers, pods, ...

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Kinds of things that findings speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ObservableType {
    Ip,
    Domain,
    User,
    Host,
    Process,
    File,
    Image,
    Container,
    Pod,
    Service,
    Device,
    Log,
    Unknown,
}

impl ObservableType {
    /// All.
    pub const ALL: [Self; 13] = [
        Self::Ip,
        Self::Domain,
        Self::User,
        Self::Host,
        Self::Process,
        Self::File,
        Self::Image,
        Self::Container,
        Self::Pod,
        Self::Service,
        Self::Device,
        Self::Log,
        Self::Unknown,
    ];

    /// The word in `findings.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::User => "user",
            Self::Host => "host",
            Self::Process => "process",
            Self::File => "file",
            Self::Image => "image",
            Self::Container => "container",
            Self::Pod => "pod",
            Self::Service => "service",
            Self::Device => "device",
            Self::Log => "log",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that evidence names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Observable {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ObservableType,
    /// Its name, in the form that CONTRACT fixes for the kind.
    pub value: String,
}

impl Observable {
    /// An observable of this kind and name.
    pub fn new(kind: ObservableType, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }
}

/// The canonical text of an address: no leading zeros, IPv6 in lower case and shortest form, IPv4-mapped
/// IPv6 as IPv4, brackets and zone (`%eth0`) taken off. `None` where the text is no address.
pub fn canonical_ip(text: &str) -> Option<Cow<'_, str>> {
    if is_canonical_v4(text) {
        return Some(Cow::Borrowed(text));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let bare = bare.split('%').next().unwrap_or(bare);
    let address: IpAddr = bare.parse().ok()?;
    let canonical = match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => v6.to_string(),
        },
        IpAddr::V4(v4) => v4.to_string(),
    };
    Some(if canonical == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(canonical)
    })
}

/// Four numbers up to 255 without leading zeros, as the standard library's parser takes them; most addresses of logs are of
/// this kind, and logs are full of them.
fn is_canonical_v4(text: &str) -> bool {
    let (mut dots, mut digits, mut number) = (0u8, 0u8, 0u16);
    if text.len() > 15 {
        return false;
    }
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && number == 0 {
                    return false;
                }
                number = number * 10 + u16::from(byte - b'0');
                digits += 1;
                if number > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                dots += 1;
                (digits, number) = (0, 0);
            }
            _ => return false,
        }
    }
    dots == 3 && digits > 0
}

/// A DNS name as the timeline holds it: lower case, without the final dot. The root stays `.`.
pub fn canonical_domain(text: &str) -> Cow<'_, str> {
    let bare = match text.strip_suffix('.') {
        Some("") | None => text,
        Some(bare) => bare,
    };
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_text() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(canonical_ip(text).as_deref(), expected, "{text}")
        };
        check("10.0.0.1", Some("10.0.0.1"));
        check("::ffff:10.0.0.1", Some("10.0.0.1"));
        check("[FE80::1%eth0]", Some("fe80::1"));
        check("2001:DB8:0:0::1", Some("2001:db8::1"));
        check("10.0.0.256", None);
        check("host", None);
    }

    #[test]
    fn the_short_way_takes_what_the_parser_takes() {
        let texts = [
            "0.0.0.0",
            "255.255.255.255",
            "256.1.1.1",
            "1.1.1.256",
            "01.1.1.1",
            "1.1.1.00",
            "1.1.1",
            "1.1.1.1.1",
            "1.1.1.",
            ".1.1.1",
            "1..1.1",
            "",
            "a.1.1.1",
            "1.1.1.1 ",
            " 1.1.1.1",
            "1111.1.1.1",
            "1.1.1.1000",
            "+1.1.1.1",
            "1.1.1.1a",
            "100.200.30.49",
            "١.1.1.1",
            "0000000000000000",
        ];
        for text in texts {
            let parsed = text.parse::<std::net::Ipv4Addr>().is_ok();
            assert_eq!(is_canonical_v4(text), parsed, "{text}");
        }
    }

    #[test]
    fn domains_have_one_text() {
        assert_eq!(canonical_domain("WWW.Example.COM."), "www.example.com");
        assert_eq!(canonical_domain("."), ".");
        assert_eq!(canonical_domain("a.b"), "a.b");
    }
}
