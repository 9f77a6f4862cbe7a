//! Indicators of the case, as commands and callers name them.

use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::facts::{Indicator, IndicatorType};

/// What is known to be bad, by kind.
pub(super) struct KnownBad<'a> {
    addresses: BTreeSet<&'a str>,
    networks: Vec<IpNet>,
    domains: BTreeSet<&'a str>,
}

impl<'a> KnownBad<'a> {
    pub fn of(indicators: &'a [Indicator]) -> Self {
        let of = |kind| {
            indicators
                .iter()
                .filter(move |one| one.kind == kind)
                .map(|one| one.value.as_str())
        };
        Self {
            addresses: of(IndicatorType::Ip).collect(),
            networks: of(IndicatorType::Cidr)
                .filter_map(|text| text.parse().ok())
                .collect(),
            domains: of(IndicatorType::Domain).collect(),
        }
    }

    /// Whether an address is one of them, or in a network of them.
    pub fn is_address(&self, address: &str) -> bool {
        let parsed: Option<IpAddr> = address.parse().ok();
        let in_network = parsed.is_some_and(|parsed| {
            self.networks
                .iter()
                .any(|network| network.contains(&parsed))
        });
        self.addresses.contains(address) || in_network
    }

    /// A host or address in a command that is one of them.
    pub fn in_command<'c>(&self, command: &'c str) -> Option<&'c str> {
        let part = |character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-'))
        };
        let words = command.split(part).filter(|word| word.contains('.'));
        words
            .map(|word| word.trim_end_matches('.'))
            .find(|word| self.is_address(word) || self.is_domain(word))
    }

    fn is_domain(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let mut rest = lower.as_str();
        loop {
            if self.domains.contains(rest) {
                return true;
            }
            let Some((_, below)) = rest.split_once('.') else {
                return false;
            };
            rest = below;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_in_commands() {
        let indicator = |kind, value: &str| Indicator {
            kind,
            value: value.into(),
        };
        let all = [
            indicator(IndicatorType::Ip, "203.0.113.77"),
            indicator(IndicatorType::Cidr, "198.51.100.0/24"),
            indicator(IndicatorType::Domain, "bad.example"),
        ];
        let bad = KnownBad::of(&all);
        let check = |command: &str, expected: Option<&str>| {
            assert_eq!(bad.in_command(command), expected, "{command}")
        };
        check(
            "mac -o stratum+tcp://203.0.113.77:5555",
            Some("203.0.113.77"),
        );
        check("curl http://198.51.100.9/a", Some("198.51.100.9"));
        check("wget https://x.bad.example/a", Some("x.bad.example"));
        check("wget https://notbad.example/a", None);
        check("curl http://203.0.113.7/a", None);
    }
}
