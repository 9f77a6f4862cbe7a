//! What came of the answers: connections to addresses that a bad name stands for.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{action, canonical_ip};
use coldcase_timeline::polars::prelude::{NamedFrom as _, Series, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

/// Connections of one client to answered addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    /// The first one's row.
    pub row: usize,
    pub address: String,
    pub at: i64,
    pub connections: usize,
}

/// Connections to answered addresses.
pub(super) struct After {
    /// By client, in time order.
    by_client: BTreeMap<String, Vec<(i64, usize, String)>>,
    rows: Selection,
}

impl After {
    /// Reads the addresses from answers, and connections to them from the timeline.
    pub fn read(timeline: &Timeline, answers: &Selection) -> Result<Self, TimelineError> {
        let mut answered = BTreeSet::new();
        for json in answers.texts("attributes").into_iter().flatten() {
            let json: Value = serde_json::from_str(json).unwrap_or(Value::Null);
            let list = json.get("answers").and_then(Value::as_array);
            for answer in list.into_iter().flatten() {
                let is_address = matches!(
                    answer.get("type").and_then(Value::as_str),
                    Some("A" | "AAAA")
                );
                let data = answer.get("data").and_then(Value::as_str);
                if let (true, Some(address)) = (is_address, data.and_then(canonical_ip))
                    && !is_nowhere(&address)
                {
                    answered.insert(address.into_owned());
                }
            }
        }
        let wanted: Vec<&str> = answered.iter().map(String::as_str).collect();
        let wanted = Series::new("answered".into(), wanted);
        let actions = match answered.is_empty() {
            true => &[][..],
            false => &[action::TCP_FLOW, action::UDP_FLOW, action::CONNECT][..],
        };
        let columns = ["src_ip", "dst_ip", "message"];
        let rows = timeline.select_where(actions, &columns, |rows| {
            rows.filter(col("dst_ip").is_in(lit(wanted.clone()).implode(true), false))
        })?;
        let mut by_client: BTreeMap<String, Vec<(i64, usize, String)>> = BTreeMap::new();
        for row in 0..rows.rows() {
            if let (Some(client), Some(server), Some(at)) = (
                rows.text("src_ip", row),
                rows.text("dst_ip", row),
                rows.long("ts_ns", row),
            ) {
                by_client
                    .entry(client.to_owned())
                    .or_default()
                    .push((at, row, server.to_owned()));
            }
        }
        Ok(Self { by_client, rows })
    }

    /// Connections of this client between two moments.
    pub fn of(&self, client: &str, since: i64, until: Option<i64>) -> Option<Reached> {
        let all = self.by_client.get(client)?;
        let later = || {
            all.iter()
                .filter(|(at, _, _)| *at >= since && until.is_none_or(|end| *at <= end))
        };
        let (at, row, address) = later().next()?;
        Some(Reached {
            row: *row,
            address: address.clone(),
            at: *at,
            connections: later().count(),
        })
    }

    /// Rows of connections.
    pub fn rows(&self) -> &Selection {
        &self.rows
    }
}

/// Where filters and blocklists send names: no address that anything is reached at.
fn is_nowhere(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::" | "::1") || address.starts_with("127.")
}
