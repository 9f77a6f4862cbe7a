//! Connection attempts as captures sum them up, one row a source or a destination.

use std::collections::BTreeMap;

use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

/// What one source attempted, or what was attempted on one destination.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attempts {
    pub row: usize,
    pub address: String,
    pub host: Option<String>,
    pub first: i64,
    pub last: i64,
    pub attempts: u64,
    pub completed: u64,
    pub refused: u64,
    /// Distinct destinations (of a source) or sources (of a destination).
    pub peers: u64,
    pub port_count: u64,
    /// Ports, most attempted first.
    pub ports: Vec<u64>,
    pub peak_per_second: u64,
    pub source_entropy: f64,
    pub single_attempt_peers: u64,
}

impl Attempts {
    /// Share that was answered.
    pub fn answered(&self) -> f64 {
        self.completed as f64 / self.attempts.max(1) as f64
    }

    /// The share as a fact: six digits.
    pub fn answered_fact(&self) -> f64 {
        (self.answered() * 1e6).round() / 1e6
    }
}

/// Columns that [`read`] needs.
const COLUMNS: [&str; 6] = [
    "host",
    "src_ip",
    "dst_ip",
    "ts_end",
    "attributes",
    "message",
];

/// Rows of an action (`tcp-attempts`, `tcp-attempts-on`).
pub(crate) fn select(timeline: &Timeline, action: &str) -> Result<Selection, TimelineError> {
    timeline.select(&[action], &COLUMNS)
}

/// One entry an address: where several captures saw it, the one that saw most.
pub(crate) fn read(rows: &Selection, address: &str, peers: &str) -> Vec<Attempts> {
    let ends = rows.end_micros();
    let mut best: BTreeMap<String, Attempts> = BTreeMap::new();
    for row in 0..rows.rows() {
        let Some(found) = one(rows, row, address, peers, ends.get(row).copied().flatten()) else {
            continue;
        };
        let known = best.get(&found.address);
        if known.is_none_or(|known| found.attempts > known.attempts) {
            best.insert(found.address.clone(), found);
        }
    }
    best.into_values().collect()
}

fn one(
    rows: &Selection,
    row: usize,
    address: &str,
    peers: &str,
    end: Option<i64>,
) -> Option<Attempts> {
    let json: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
    let number = |name: &str| json.get(name).and_then(Value::as_u64).unwrap_or(0);
    let ports = json
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let first = rows.long("ts_ns", row)?;
    Some(Attempts {
        row,
        address: rows.text(address, row)?.to_owned(),
        host: rows.text("host", row).map(str::to_owned),
        first,
        last: end.map_or(first, |us| us.saturating_mul(1000)),
        attempts: number("attempts"),
        completed: number("completed"),
        refused: number("refused"),
        peers: number(peers),
        port_count: number("port_count"),
        ports: ports.filter_map(|pair| pair.get(0)?.as_u64()).collect(),
        peak_per_second: number("peak_per_second"),
        source_entropy: json
            .get("source_entropy")
            .and_then(Value::as_f64)
            .unwrap_or(0.0),
        single_attempt_peers: number("single_attempt_sources"),
    })
}
