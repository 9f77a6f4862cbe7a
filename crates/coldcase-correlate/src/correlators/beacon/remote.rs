//! What else the evidence says of a destination: whether it is known to be bad, and who holds a socket to it.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, action};
use coldcase_timeline::polars::prelude::{NamedFrom as _, Series, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use ipnet::IpNet;
use serde_json::Value;

use crate::evidence::record;
use crate::{CaseFacts, IndicatorType};

/// Names that kernel threads have: a process that shows one and holds a socket of its own lies.
const KERNEL_THREADS: [&str; 8] = [
    "kworker",
    "kthreadd",
    "ksoftirqd",
    "migration/",
    "rcu_",
    "kswapd",
    "watchdog/",
    "khugepaged",
];
/// Processes that a listing must hold to be one of the whole host.
const WHOLE_LISTING: usize = 10;

/// Something that is said of a destination, with the record that says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remark {
    /// One word for the finding.
    pub word: &'static str,
    /// In words.
    pub text: String,
    pub record: Option<EvidenceRecord>,
}

/// What is said of destinations.
#[derive(Default)]
pub(super) struct Remotes {
    /// By address.
    known_bad: BTreeMap<String, Remark>,
    /// By address and port.
    sockets: BTreeMap<(String, i32), Remark>,
}

impl Remotes {
    /// What the timeline says of these addresses.
    pub fn read(
        timeline: &Timeline,
        facts: &CaseFacts,
        addresses: &BTreeSet<&str>,
    ) -> Result<Self, TimelineError> {
        let mut remotes = Self::default();
        if addresses.is_empty() {
            return Ok(remotes);
        }
        for address in addresses {
            if let Some(indicator) = listed(facts, address) {
                let text = format!("{indicator} is an indicator");
                remotes.note_bad(address, text, None);
            }
        }
        remotes.read_answers(timeline, facts, addresses)?;
        remotes.read_sockets(timeline, addresses)?;
        Ok(remotes)
    }

    /// Whether the destination is known to be bad, by its address or by this name.
    pub fn known_bad(&self, address: &str) -> Option<&Remark> {
        self.known_bad.get(address)
    }

    /// What is odd about a socket to this remote end.
    pub fn socket(&self, address: &str, port: i32) -> Option<&Remark> {
        self.sockets.get(&(address.to_owned(), port))
    }

    fn note_bad(&mut self, address: &str, text: String, record: Option<EvidenceRecord>) {
        let word = "indicator";
        let remark = Remark { word, text, record };
        self.known_bad.entry(address.to_owned()).or_insert(remark);
    }

    /// Addresses that were the answer for a bad name.
    fn read_answers(
        &mut self,
        timeline: &Timeline,
        facts: &CaseFacts,
        addresses: &BTreeSet<&str>,
    ) -> Result<(), TimelineError> {
        let domains = facts.indicators.iter();
        let mut below = domains
            .filter(|one| one.kind == IndicatorType::Domain)
            .map(|one| {
                let dotted = format!(".{}", one.value);
                let is = col("domain").eq(lit(one.value.clone()));
                is.or(col("domain").str().ends_with(lit(dotted)))
            });
        let Some(first) = below.next() else {
            return Ok(());
        };
        let bad = below.fold(first, |all, one| all.or(one));
        let columns = ["domain", "attributes"];
        let rows = timeline.select_where(&[action::DNS_ANSWER], &columns, |rows| {
            rows.filter(bad.clone())
        })?;
        for row in 0..rows.rows() {
            for data in answers(&rows, row) {
                if addresses.contains(data.as_str()) {
                    let name = rows.text("domain", row).unwrap_or_default();
                    let text = format!("{name} resolves to it, which is an indicator");
                    self.note_bad(&data, text, Some(record(&rows, row)));
                }
            }
        }
        Ok(())
    }

    fn read_sockets(
        &mut self,
        timeline: &Timeline,
        addresses: &BTreeSet<&str>,
    ) -> Result<(), TimelineError> {
        let wanted: Vec<&str> = addresses.iter().copied().collect();
        let wanted = Series::new("addresses".into(), wanted);
        let columns = ["host", "dst_ip", "dst_port", "pid", "command", "attributes"];
        let rows = timeline.select_where(&[action::SOCKET_LISTED], &columns, |rows| {
            rows.filter(col("dst_ip").is_in(lit(wanted.clone()).implode(true), false))
        })?;
        if rows.rows() == 0 {
            return Ok(());
        }
        let processes = timeline.select(&[action::PROCESS_LISTED], &["host", "pid"])?;
        let mut listed: BTreeMap<Option<&str>, BTreeSet<i64>> = BTreeMap::new();
        for row in 0..processes.rows() {
            let pids = listed.entry(processes.text("host", row)).or_default();
            pids.extend(processes.long("pid", row));
        }
        for row in 0..rows.rows() {
            let on_host = listed.get(&rows.text("host", row));
            let (Some(remark), Some(address), Some(port)) = (
                oddity(&rows, row, on_host),
                rows.text("dst_ip", row),
                rows.int("dst_port", row),
            ) else {
                continue;
            };
            let end = (address.to_owned(), port);
            self.sockets.entry(end).or_insert(remark);
        }
        Ok(())
    }
}

fn oddity(rows: &Selection, row: usize, listed: Option<&BTreeSet<i64>>) -> Option<Remark> {
    let attributes: Option<Value> = rows
        .text("attributes", row)
        .and_then(|text| serde_json::from_str(text).ok());
    let no_owner = attributes
        .as_ref()
        .and_then(|json| json.get("no_owner")?.as_bool());
    let state = attributes
        .as_ref()
        .and_then(|json| json.get("state")?.as_str());
    let command = rows.text("command", row).unwrap_or_default();
    let pid = rows.long("pid", row);
    let is_missing = |pid: i64| {
        listed.is_some_and(|listed| listed.len() >= WHOLE_LISTING && !listed.contains(&pid))
    };
    let (word, text) = if no_owner == Some(true) && state == Some("ESTAB") {
        ("no-owner-socket", "a socket to it has no owner".to_owned())
    } else if KERNEL_THREADS.iter().any(|name| command.starts_with(name)) {
        let text = format!("{command} holds a socket to it, and kernel threads hold none");
        ("hidden-cmdline", text)
    } else if let Some(pid) = pid.filter(|pid| is_missing(*pid)) {
        let text = format!("process {pid} holds a socket to it and is in no list of processes");
        ("missing-in-ps", text)
    } else {
        return None;
    };
    let record = Some(record(rows, row));
    Some(Remark { word, text, record })
}

/// The indicator that an address is, or is within.
fn listed<'f>(facts: &'f CaseFacts, address: &str) -> Option<&'f str> {
    let parsed: Option<std::net::IpAddr> = address.parse().ok();
    let holds = |range: &str| {
        let range: Option<IpNet> = range.parse().ok();
        range
            .zip(parsed)
            .is_some_and(|(range, one)| range.contains(&one))
    };
    let found = facts.indicators.iter().find(|one| match one.kind {
        IndicatorType::Ip => one.value == address,
        IndicatorType::Cidr => holds(&one.value),
        _ => false,
    });
    found.map(|one| one.value.as_str())
}

fn answers(rows: &Selection, row: usize) -> Vec<String> {
    let json: Option<Value> = rows
        .text("attributes", row)
        .and_then(|text| serde_json::from_str(text).ok());
    let list = json
        .as_ref()
        .and_then(|json| json.get("answers")?.as_array());
    let data = list.into_iter().flatten();
    data.filter_map(|one| Some(one.get("data")?.as_str()?.to_owned()))
        .collect()
}
