//! Floods that a host sends and none of its sockets knows of.

use coldcase_model::{EvidenceRecord, Severity, action};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::Hidden;
use crate::CaseFacts;
use crate::attempts::{read, select};
use crate::correlators::syn_flood::is_flood_from;
use crate::evidence::record;
use crate::processes::{Processes, Socket, attributes};

/// Half-open sockets from which the kernel itself may be what sends: a flood through connect() leaves as many as it has descriptors.
const LEAST_HALF_OPEN: usize = 16;
/// A listing's moment may lie so far from when it was really made.
const SLACK_NS: i64 = 60_000_000_000;

/// A flood from a host that lists its sockets.
pub(super) struct Flood {
    host: Option<String>,
    address: String,
    attempts: u64,
    /// Whether the sockets were listed while it went on.
    meanwhile: bool,
    rows: Vec<usize>,
    record: EvidenceRecord,
}

/// Floods from addresses of hosts whose listed sockets have no part in them.
pub(super) fn find(
    timeline: &Timeline,
    facts: &CaseFacts,
    processes: &Processes,
) -> Result<Vec<Flood>, TimelineError> {
    let rows = select(timeline, action::TCP_ATTEMPTS)?;
    let mut found = Vec::new();
    for flood in read(&rows, "src_ip", "destinations")
        .iter()
        .filter(|one| is_flood_from(one))
    {
        // Where the case does not say whose an address is, the sockets bound to it do.
        let bound = |one: &&Socket| one.src_ip.as_deref() == Some(flood.address.as_str());
        let told = facts
            .host_with(&flood.address)
            .map(|host| Some(host.name.as_str()));
        let by_socket = || {
            let mut bound = processes.sockets.iter().filter(bound);
            bound.next().map(|one| one.space.host.as_deref())
        };
        let Some(host) = told.or_else(by_socket) else {
            continue;
        };
        let of_host = processes
            .sockets
            .iter()
            .filter(|one| one.space.host.as_deref() == host);
        let of_host: Vec<_> = of_host.collect();
        if of_host.is_empty() {
            continue;
        }
        let json = attributes(&rows, flood.row);
        let targets = json.get("top_destinations").and_then(Value::as_array);
        let targets: Vec<&str> = targets
            .into_iter()
            .flatten()
            .filter_map(|pair| pair.get(0)?.as_str())
            .collect();
        let has_part = |one: &&&Socket| {
            one.state.as_deref() == Some("SYN-SENT")
                || one
                    .dst_ip
                    .as_deref()
                    .is_some_and(|ip| targets.contains(&ip))
        };
        if of_host.iter().filter(has_part).count() >= LEAST_HALF_OPEN {
            continue;
        }
        let span = flood.first.saturating_sub(SLACK_NS)..=flood.last.saturating_add(SLACK_NS);
        let time = |row: usize| processes.rows.long("ts_ns", row);
        let meanwhile = of_host
            .iter()
            .any(|one| time(one.row).is_some_and(|at| span.contains(&at)));
        found.push(Flood {
            host: host.map(str::to_owned),
            address: flood.address.clone(),
            attempts: flood.attempts,
            meanwhile,
            rows: of_host.first().map(|one| one.row).into_iter().collect(),
            record: record(&rows, flood.row),
        });
    }
    Ok(found)
}

/// A flood belongs to the one process that hides on its host; without one it stands for itself.
pub(super) fn join(found: &mut Vec<Hidden>, floods: Vec<Flood>) {
    for flood in floods {
        let hides = |one: &&mut Hidden| {
            one.host == flood.host
                && one.pid.is_some()
                && ["missing-in-ps", "kernel-name"]
                    .iter()
                    .any(|way| one.reasons.contains(way))
        };
        let mut hiding: Vec<&mut Hidden> = found.iter_mut().filter(hides).collect();
        if let [only] = hiding.as_mut_slice() {
            only.add("raw-socket", 1);
            only.records.push(flood.record);
            only.compared = format!(
                "{} The same host sends {} connection attempts from {} of which its sockets show nothing.",
                only.compared, flood.attempts, flood.address
            );
            continue;
        }
        let mut hidden = Hidden::new(flood.host.as_deref(), &format!("flood {}", flood.address));
        hidden.add("raw-socket", 0);
        hidden.add("no-owner-socket", 0);
        hidden.least = Severity::Medium;
        hidden.points = if flood.meanwhile {
            super::HIGH_POINTS
        } else {
            1
        };
        hidden.rows = flood.rows;
        hidden.records.push(flood.record);
        let when = if flood.meanwhile {
            "while it went on"
        } else {
            "at the collection, which may be after it ended"
        };
        hidden.compared = format!(
            "{} connection attempts come from {}, and the sockets listed {when} have no part in them: raw sockets or the kernel send.",
            flood.attempts, flood.address
        );
        found.push(hidden);
    }
}
