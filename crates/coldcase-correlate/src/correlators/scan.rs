//! Who searches for open ports.
//!
//! From the captures' sums of attempts: many destinations on few ports, each tried once or twice, is
//! `horizontal`; many ports of few destinations is `vertical`; both is a `block`. A scan finds some hosts
//! that answer, so up to half may; NAT gateways, crawlers and proxies are answered nearly always. What is
//! fast and lonely enough to be a flood is told by `syn-flood` instead; a fast search that is refused port by port is told here.
//!
//! Scans from outside are daily weather. One from an internal address matters more: something inside looks
//! for its next host.

use coldcase_model::{Finding, Observable, ObservableType, Severity, action};
use coldcase_timeline::TimelineError;
use serde_json::json;

use super::syn_flood::is_flood_from;
use crate::attempts::{Attempts, read, select};
use crate::facts::is_internal;
use crate::{CaseFacts, Correlator, Draft, View};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "scan",
    title: "who searches for open ports",
    source: include_str!("scan.rs"),
    rests_on: &[],
    run,
};

/// Answered share from which attempts are connections (research notes: C/S >= 0.5).
const ANSWERED: f64 = 0.5;
/// Destinations or ports that nobody needs to try one by one.
const MANY: u64 = 64;
/// Attempts a destination and port: more is a client that keeps trying.
const TRIES: u64 = 3;

fn run(timeline: &View<'_>, _facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let rows = select(timeline, action::TCP_ATTEMPTS)?;
    let sources = read(&rows, "src_ip", "destinations");
    let scans = sources
        .iter()
        .filter(|one| !is_flood_from(one))
        .filter_map(|one| Some((one, kind(one)?)));
    Ok(scans
        .map(|(scan, kind)| {
            let source = scan.address.as_str();
            let internal = is_internal(source);
            let title = format!(
                "{source} searches {} hosts for {} open ports ({kind} scan)",
                scan.peers, scan.port_count
            );
            let text = format!(
                "{} attempts, {} answered, {} refused. {}",
                scan.attempts,
                scan.completed,
                scan.refused,
                if internal {
                    "The source is internal: find out what runs there, and what answered it."
                } else {
                    "Scans from outside are daily weather; what answered is what matters."
                }
            );
            Draft::new(
                "scan",
                vec![Observable::new(ObservableType::Ip, source)],
                kind,
            )
            .says(title, text)
            .weighs(
                if internal {
                    Severity::Medium
                } else {
                    Severity::Low
                },
                0.85,
            )
            .spans(Some(scan.first), Some(scan.last))
            .fact("src_ip", source)
            .fact("kind", kind)
            .fact("dst_count", scan.peers)
            .fact("port_count", scan.port_count)
            .fact("thresholds", json!({ "answered_below": ANSWERED, "destinations_or_ports": MANY, "tries": TRIES }))
            .attack(&["T1046"])
            .rests_on(&rows, &[scan.row])
            .finish()
        })
        .collect())
}

fn kind(scan: &Attempts) -> Option<&'static str> {
    let pairs = scan.peers.max(scan.port_count);
    if scan.answered() >= ANSWERED
        || scan.attempts > TRIES * scan.peers.saturating_mul(scan.port_count).max(pairs)
    {
        return None;
    }
    match (scan.peers >= MANY, scan.port_count >= MANY) {
        (true, true) => Some("block"),
        (true, false) if scan.attempts <= TRIES * scan.peers * scan.port_count.clamp(1, 4) => {
            Some("horizontal")
        }
        (false, true) => Some("vertical"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attempts: u64, completed: u64, peers: u64, port_count: u64, expected: Option<&str>) {
        let scan = Attempts {
            row: 0,
            address: "192.0.2.1".into(),
            host: None,
            first: 0,
            last: 0,
            attempts,
            completed,
            refused: 0,
            peers,
            port_count,
            ports: Vec::new(),
            peak_per_second: 10,
            source_entropy: 0.0,
            single_attempt_peers: 0,
        };
        assert_eq!(kind(&scan), expected);
    }

    #[test]
    fn kinds_and_what_only_looks_like_them() {
        check(254, 32, 254, 1, Some("horizontal"));
        check(1000, 3, 1, 1000, Some("vertical"));
        check(9000, 10, 100, 90, Some("block"));
        check(4000, 3800, 3900, 2, None); // a crawler
        check(900, 0, 3, 1, None); // a client whose server is down
        check(20, 0, 20, 1, None);
    }
}
