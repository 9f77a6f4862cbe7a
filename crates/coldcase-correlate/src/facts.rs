//! What a case knows beside its timeline: hosts, zones, when it was collected, what its artifacts cover,
//! and the indicators that came with it.

use std::net::IpAddr;

use chrono_tz::Tz;
use coldcase_model::Timestamp;

/// What a case knows beside its timeline.
#[derive(Debug, Clone)]
pub struct CaseFacts {
    /// Hosts, by name.
    pub hosts: Vec<HostFacts>,
    /// Zone of the case where a host has none of its own.
    pub zone: Tz,
    /// Newest moment that the evidence can show.
    pub collected_at: Option<Timestamp>,
    /// What is known to be bad.
    pub indicators: Vec<Indicator>,
    /// What each artifact covers.
    pub coverage: Vec<Coverage>,
    /// How far hosts' clocks are apart, as measured; no time was corrected by it.
    pub skews: Vec<Skew>,
}

/// How far the clocks of two hosts are apart, by events that both recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Skew {
    /// Whose clock.
    pub host: String,
    /// Compared with whose.
    pub against: String,
    /// Median of what the clock of `host` is ahead, in seconds. What lies between the two records (a login takes its
    /// time) is part of it.
    pub offset_seconds: f64,
    /// Of 100 pairs, 95 are within so many seconds of the median.
    pub spread_seconds: f64,
    /// How many pairs.
    pub pairs: usize,
    /// Which events.
    pub rests_on: String,
}

/// One host.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// Its name.
    pub name: String,
    /// Its addresses, canonical.
    pub addresses: Vec<String>,
    /// Its zone.
    pub zone: Tz,
}

/// The span that one artifact covers.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// The artifact's host.
    pub host: Option<String>,
    /// Its format.
    pub format: String,
    /// Its path.
    pub file: String,
    /// First dated event.
    pub first: Timestamp,
    /// Last dated event.
    pub last: Timestamp,
}

/// Kinds of indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IndicatorType {
    Domain,
    Ip,
    Cidr,
    Hash,
    Url,
}

/// Something known to be bad, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Indicator {
    /// Its kind.
    pub kind: IndicatorType,
    /// Its value.
    pub value: String,
}

impl CaseFacts {
    /// The zone of a host, or of the case.
    pub fn zone_of(&self, host: Option<&str>) -> Tz {
        let host = self
            .hosts
            .iter()
            .find(|known| Some(known.name.as_str()) == host);
        host.map_or(self.zone, |host| host.zone)
    }

    /// The host that has this address.
    pub fn host_with(&self, address: &str) -> Option<&HostFacts> {
        self.hosts
            .iter()
            .find(|host| host.addresses.iter().any(|known| known == address))
    }

    /// Spans that artifacts of these formats of a host cover, merged where they touch within `slack_ns`.
    pub fn covered(&self, host: Option<&str>, formats: &[&str], slack_ns: i64) -> Vec<(i64, i64)> {
        let of_host = self
            .coverage
            .iter()
            .filter(|span| span.host.as_deref() == host && formats.contains(&span.format.as_str()));
        merge_spans(
            of_host
                .map(|span| (span.first.nanos(), span.last.nanos()))
                .collect(),
            slack_ns,
        )
    }
}

/// Spans in order, those merged that lie less than `slack_ns` apart.
pub fn merge_spans(mut spans: Vec<(i64, i64)>, slack_ns: i64) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (first, last) in spans {
        match merged.last_mut() {
            Some(open) if first <= open.1.saturating_add(slack_ns) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// Whether an address is of a range that is never routed in the public internet.
pub fn is_internal(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            let shared = matches!(v4.octets(), [100, 64..=127, ..]);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_merge_where_they_touch() {
        assert_eq!(
            merge_spans(vec![(20, 30), (0, 5), (7, 10), (4, 6)], 1),
            [(0, 10), (20, 30)]
        );
    }

    #[test]
    fn internal_ranges() {
        for address in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "fe80::1",
            "fd00::1",
        ] {
            assert!(is_internal(address), "{address}");
        }
        for address in ["192.0.2.1", "8.8.8.8", "172.32.0.1", "2001:db8::1", "name"] {
            assert!(!is_internal(address), "{address}");
        }
    }
}
