//! Floods of connection attempts that nobody answers.
//!
//! From the captures' sums of attempts (copies and retransmissions already taken out) three kinds are told:
//! `fan-out`, one source and many destinations; `single-target`, one source and few; `spoofed-source`, one
//! destination tried from so many addresses, each once or twice, that the addresses are not real (then
//! `src_ip` is null). A flood is many attempts, fast, of which hardly any is answered. A NAT gateway, a
//! crawler or a proxy talks to as many hosts, but its sessions complete; a scanner is slower, and is told
//! by `scan`.

use coldcase_model::{Finding, Observable, ObservableType, Severity, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use crate::attempts::{Attempts, read, select};
use crate::evidence::time_fact;
use crate::{CaseFacts, Correlator, Draft};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "syn-flood",
    title: "floods of connection attempts that nobody answers",
    source: include_str!("syn_flood.rs"),
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

/// Whether these attempts are too many, too fast and too lonely to be connections.
pub(crate) fn is_flood(attempts: &Attempts) -> bool {
    attempts.answered() < ANSWERED
        && attempts.attempts >= LEAST_ATTEMPTS
        && attempts.peak_per_second >= LEAST_PEAK
}

fn run(timeline: &Timeline, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let by_source = select(timeline, action::TCP_ATTEMPTS)?;
    let sources: Vec<Attempts> = read(&by_source, "src_ip", "destinations")
        .into_iter()
        .filter(is_flood)
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
