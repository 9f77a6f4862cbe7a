//! Floods of connection attempts that nobody answers.
//!
//! From the captures' sums of attempts (copies and retransmissions already taken out) three kinds are told:
//! `fan-out`, one source and many destinations; `single-target`, one source and few; `spoofed-source`, one
//! destination tried from so many addresses, each once or twice, that the addresses are not real (then
//! `src_ip` is null). A flood is many attempts, fast, of which hardly any is answered. A NAT gateway, a
//! crawler or a proxy talks to as many hosts, but its sessions complete; a scanner is slower, or
//! tries each port of each host at most three times and is refused by half of them at least, however fast it is: hosts
//! that have the time to refuse are looked at, not flooded. That is told by `scan`. A fast search behind filters that
//! drop in silence can't be told from a flood of random ports and is called one.

use coldcase_model::{Finding, Observable, ObservableType, Severity, action};
use coldcase_timeline::{Selection, TimelineError};
use serde_json::{Value, json};

use crate::attempts::{Attempts, read, select};
use crate::evidence::time_fact;
use crate::{CaseFacts, Correlator, Draft, View};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "syn-flood",
    title: "floods of connection attempts that nobody answers",
    source: include_str!("syn_flood.rs"),
    rests_on: &[],
    run,
};

/// Answered share below which attempts are not connections (research notes: C/S < 0.05).
const ANSWERED: f64 = 0.05;
/// Attempts below which there is no flood: a scanner's or a monitor's number.
const LEAST_ATTEMPTS: u64 = 1_000;
/// Attempts in the busiest second; scanners keep below, links begin to suffer above.
const LEAST_PEAK: u64 = 100;
/// Destinations from which a flood fans out.
const FANS_OUT: u64 = 8;
/// Sources, their share that tried once or twice, and their spread over the address space (bits over the
/// leading 16) that are not real addresses.
const SPOOFED: (u64, f64, f64) = (500, 0.9, 7.0);

/// Ports, attempts for each port and destination, and the refused share that make a source a searcher of ports. A
/// flood keeps to few ports or repeats itself, and its victims don't keep up with refusing.
const SEARCH: (u64, u64, f64) = (64, 3, 0.5);

/// Whether a source's attempts are a flood, not a fast search for ports.
pub(crate) fn is_flood_from(source: &Attempts) -> bool {
    is_flood(source) && !is_search(source)
}

fn is_search(source: &Attempts) -> bool {
    let (ports, tries, refused) = SEARCH;
    let pairs = source.peers.saturating_mul(source.port_count);
    source.port_count >= ports
        && source.attempts <= tries.saturating_mul(pairs)
        && source.refused as f64 >= refused * source.attempts as f64
}

/// Whether these attempts are too many, too fast and too lonely to be connections.
fn is_flood(attempts: &Attempts) -> bool {
    attempts.answered() < ANSWERED
        && attempts.attempts >= LEAST_ATTEMPTS
        && attempts.peak_per_second >= LEAST_PEAK
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let by_source = select(timeline, action::TCP_ATTEMPTS)?;
    let sources: Vec<Attempts> = read(&by_source, "src_ip", "destinations")
        .into_iter()
        .filter(is_flood_from)
        .collect();
    let mut found: Vec<Finding> = sources
        .iter()
        .map(|one| from_source(&by_source, one, facts))
        .collect();
    let by_target = select(timeline, action::TCP_ATTEMPTS_ON)?;
    let targets = read(&by_target, "dst_ip", "sources");
    found.extend(
        targets
            .iter()
            .filter(|one| is_spoofed(one))
            .map(|one| on_target(&by_target, one)),
    );
    Ok(found)
}

fn is_spoofed(target: &Attempts) -> bool {
    let (sources, share, entropy) = SPOOFED;
    is_flood(target)
        && target.peers >= sources
        && target.single_attempt_peers as f64 >= share * target.peers as f64
        && target.source_entropy >= entropy
}

fn ports_fact(attempts: &Attempts) -> Vec<Value> {
    let mut ports = attempts.ports.clone();
    ports.sort_unstable();
    ports.into_iter().map(Value::from).collect()
}

fn shared(draft: Draft, attempts: &Attempts) -> Draft {
    draft
        .weighs(Severity::High, 0.95)
        .spans(Some(attempts.first), Some(attempts.last))
        .fact("dst_ports", ports_fact(attempts))
        .fact("syns", attempts.attempts)
        .fact("answered_ratio", attempts.answered_fact())
        .fact("first", time_fact(Some(attempts.first)))
        .fact("last", time_fact(Some(attempts.last)))
        .fact("peak_pps", attempts.peak_per_second)
        .fact("thresholds", thresholds())
        .attack(&["T1498.001"])
}

fn ports_text(attempts: &Attempts) -> String {
    let ports: Vec<String> = attempts.ports.iter().take(4).map(u64::to_string).collect();
    let more = attempts.port_count.saturating_sub(ports.len() as u64);
    if more == 0 {
        format!("port {}", ports.join(" and "))
    } else {
        format!("port {} and {more} more", ports.join(", "))
    }
}

fn from_source(rows: &Selection, flood: &Attempts, facts: &CaseFacts) -> Finding {
    let fans_out = flood.peers >= FANS_OUT;
    let source = flood.address.as_str();
    let mut subjects = vec![Observable::new(ObservableType::Ip, source)];
    let host = facts.host_with(source);
    subjects.extend(host.map(|host| Observable::new(ObservableType::Host, &host.name)));
    let who = host.map_or_else(
        || source.to_owned(),
        |host| format!("{source} ({})", host.name),
    );
    let title = format!(
        "{who} floods {} destinations on {}",
        flood.peers,
        ports_text(flood)
    );
    let text = format!(
        "{} attempts, at most {} a second, {:.1} % answered. Look at that machine for the sender: raw sockets belong to no socket \
         table, so compare CPU, /proc and loaded modules with ps and ss, and the log-ins before the first attempt.",
        flood.attempts,
        flood.peak_per_second,
        flood.answered() * 100.0
    );
    let draft = Draft::new("syn-flood", subjects, "")
        .says(title, text)
        .fact("src_ip", source)
        .fact("kind", if fans_out { "fan-out" } else { "single-target" })
        .fact("dst_count", flood.peers);
    shared(draft, flood).rests_on(rows, &[flood.row]).finish()
}

fn on_target(rows: &Selection, flood: &Attempts) -> Finding {
    let target = flood.address.as_str();
    let subjects = vec![Observable::new(ObservableType::Ip, target)];
    let title = format!(
        "{target} is flooded on {} from {} addresses that are not real",
        ports_text(flood),
        flood.peers
    );
    let text = format!(
        "{} attempts, at most {} a second, {:.1} % answered; nearly every source tried once. The addresses are made up, so they \
         lead nowhere: follow the frames' MAC addresses, ingress interface or flow records upstream.",
        flood.attempts,
        flood.peak_per_second,
        flood.answered() * 100.0
    );
    let draft = Draft::new("syn-flood", subjects, "spoofed-source")
        .says(title, text)
        .fact("src_ip", Value::Null)
        .fact("kind", "spoofed-source")
        .fact("dst_count", 1);
    shared(draft, flood).rests_on(rows, &[flood.row]).finish()
}

fn thresholds() -> Value {
    let (sources, share, entropy) = SPOOFED;
    let (ports, tries, refused) = SEARCH;
    json!({
        "answered_below": ANSWERED,
        "least_attempts": LEAST_ATTEMPTS,
        "least_peak_pps": LEAST_PEAK,
        "fans_out_from": FANS_OUT,
        "spoofed": {"sources": sources, "single_share": share, "entropy_bits": entropy},
        "search": {"ports": ports, "tries": tries, "refused_share": refused},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attempts: u64, refused: u64, peers: u64, port_count: u64, expected: bool) {
        let source = Attempts {
            row: 0,
            address: "192.0.2.1".into(),
            host: None,
            first: 0,
            last: 0,
            attempts,
            completed: 8,
            refused,
            peers,
            port_count,
            ports: Vec::new(),
            peak_per_second: 480,
            source_entropy: 0.0,
            single_attempt_peers: 0,
        };
        assert_eq!(is_flood_from(&source), expected);
    }

    #[test]
    fn floods_and_searches() {
        check(3992, 3984, 8, 499, false); // every port of eight hosts, refused
        check(15_000, 2_000, 14_208, 2, true); // two ports of everyone
        check(90_000, 0, 1, 60_000, true); // random ports of one victim
        check(90_000, 80_000, 8, 499, true); // the same ports again and again
        check(20_000, 19_000, 1, 1, true); // a closed port under fire
    }
}
