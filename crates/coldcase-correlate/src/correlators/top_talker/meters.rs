//! What tools on a host measured: the totals of `iftop`, and counters of interfaces listed twice.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, action};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::device::{Direction, is_loopback, only_repeats};
use crate::evidence::record;

/// What one tool measured on one device.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub host: String,
    pub device: Option<String>,
    pub direction: Direction,
    pub bytes_per_second: f64,
    /// The other direction.
    pub back: f64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// Who sends most, and to how many listed destinations that send nothing back.
    pub sender: Option<(String, usize)>,
    pub evidence: Vec<EvidenceRecord>,
    pub tool: &'static str,
}

/// Pairs that a finding shows.
const PAIRS_SHOWN: usize = 8;

fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}

#[derive(Default)]
struct Report {
    total: Option<(f64, f64, Option<i64>, EvidenceRecord)>,
    device: Option<String>,
    /// Bytes a second sent, and destinations that send nothing back, by sender.
    senders: BTreeMap<String, (f64, BTreeSet<String>)>,
    pairs: Vec<(f64, EvidenceRecord)>,
}

/// The busiest report of each host and device.
pub(super) fn of_iftop(timeline: &Timeline) -> Result<Vec<Measured>, TimelineError> {
    let columns = [
        "host",
        "format",
        "src_ip",
        "dst_ip",
        "attributes",
        "message",
    ];
    let rows = timeline.select(&[action::FLOW_LISTED], &columns)?;
    let mut reports: BTreeMap<(String, String), Report> = BTreeMap::new();
    for row in 0..rows.rows() {
        if rows.text("format", row) != Some("iftop") {
            continue;
        }
        let said = json(rows.text("attributes", row));
        let number = |name: &str| said.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let (out, back) = (
            number("bytes_per_second_out"),
            number("bytes_per_second_in"),
        );
        let place = (
            rows.text("host", row).unwrap_or_default().to_owned(),
            rows.text("file", row).unwrap_or_default().to_owned(),
        );
        let report = reports.entry(place).or_default();
        let device = said.get("interface").and_then(Value::as_str);
        report.device = report.device.take().or(device.map(str::to_owned));
        if said.get("total").is_some() {
            let busier = report
                .total
                .as_ref()
                .is_none_or(|known| out.max(back) > known.0.max(known.1));
            if busier {
                report.total = Some((out, back, rows.long("ts_ns", row), record(&rows, row)));
            }
            continue;
        }
        let ends = rows.text("src_ip", row).zip(rows.text("dst_ip", row));
        let Some((upper, lower)) = ends else { continue };
        for (from, to, sent, returned) in [(upper, lower, out, back), (lower, upper, back, out)] {
            let sender = report.senders.entry(from.to_owned()).or_default();
            sender.0 += sent;
            if sent > 0.0 && returned == 0.0 {
                sender.1.insert(to.to_owned());
            }
        }
        report.pairs.push((out.max(back), record(&rows, row)));
    }
    let reports = reports
        .into_iter()
        .filter_map(|((host, _), report)| measured(host, report));
    Ok(reports.collect())
}

fn measured(host: String, mut report: Report) -> Option<Measured> {
    let (out, back, at, total) = report.total?;
    report
        .pairs
        .sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let busiest = report
        .senders
        .into_iter()
        .max_by(|a, b| a.1.0.total_cmp(&b.1.0).then_with(|| b.0.cmp(&a.0)));
    let shown = report
        .pairs
        .into_iter()
        .take(PAIRS_SHOWN)
        .map(|(_, record)| record);
    let (direction, most, least) = if out >= back {
        (Direction::Out, out, back)
    } else {
        (Direction::In, back, out)
    };
    Some(Measured {
        host,
        device: report.device,
        direction,
        bytes_per_second: most,
        back: least,
        first: at,
        last: at,
        sender: busiest.map(|(address, (_, alone))| (address, alone.len())),
        evidence: std::iter::once(total).chain(shown).collect(),
        tool: "iftop",
    })
}

/// One reading of an interface's counters: moment, sent, received, record.
type Reading = (i64, f64, f64, EvidenceRecord);

/// Rates between the first and the last reading of each interface, where there are two at two moments.
pub(super) fn of_interfaces(timeline: &Timeline) -> Result<Vec<Measured>, TimelineError> {
    let rows = timeline.select(
        &[action::INTERFACE_LISTED],
        &["host", "attributes", "message"],
    )?;
    let mut readings: BTreeMap<(String, String), Vec<Reading>> = BTreeMap::new();
    for row in 0..rows.rows() {
        let said = json(rows.text("attributes", row));
        let number = |name: &str| said.get(name).and_then(Value::as_f64);
        let name = said.get("interface").and_then(Value::as_str);
        let (Some(name), Some(ts)) = (name, rows.long("ts_ns", row)) else {
            continue;
        };
        let counters = number("tx_bytes").zip(number("rx_bytes"));
        let Some((sent, received)) = counters.filter(|_| !is_loopback(name) && !only_repeats(name))
        else {
            continue;
        };
        let host = rows.text("host", row).unwrap_or_default().to_owned();
        let of_interface = readings.entry((host, name.to_owned())).or_default();
        of_interface.push((ts, sent, received, record(&rows, row)));
    }
    Ok(readings
        .into_iter()
        .filter_map(|(place, readings)| between(place, &readings))
        .collect())
}

fn between((host, device): (String, String), readings: &[Reading]) -> Option<Measured> {
    let (first, last) = (readings.first()?, readings.last()?);
    let seconds = last.0.saturating_sub(first.0) as f64 / 1e9;
    let (sent, received) = (last.1 - first.1, last.2 - first.2);
    // A counter that fell began anew in between: then two readings tell no rate.
    if seconds <= 0.0 || sent < 0.0 || received < 0.0 {
        return None;
    }
    let (direction, most, least) = if sent >= received {
        (Direction::Out, sent, received)
    } else {
        (Direction::In, received, sent)
    };
    Some(Measured {
        host,
        device: Some(device),
        direction,
        bytes_per_second: most / seconds,
        back: least / seconds,
        first: Some(first.0),
        last: Some(last.0),
        sender: None,
        evidence: vec![first.3.clone(), last.3.clone()],
        tool: "interface counters",
    })
}
