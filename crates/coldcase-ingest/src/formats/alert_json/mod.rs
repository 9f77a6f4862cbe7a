//! An alert of any product as JSON: EDR, HIDS, Falco, Wazuh (`alerts.json`), GuardDuty, Alertmanager, a SIEM's export.
//!
//! **Made by** the product's export or API; `curl .../api/v2/alerts`; Falco's `json_output: true`; Wazuh's
//! `/var/ossec/logs/alerts/alerts.json`; `aws guardduty get-findings`.
//!
//! **Recognised** by names of members in the first object (two levels deep): words such as alert, threat, detection, finding, indicator,
//! malware, signature, rule, severity. One object, an array, JSON lines, or a list inside an object (`alerts`, `findings`, `hits`, ...). Other
//! formats of JSON go first.
//!
//! ```text
//! {"alert_id": "H-7", "alert_type": "malicious_dns_request", "severity": "high", "time": "2023-05-10 09:02:03", "timezone": "Asia/Shanghai",
//!  "host": {"ip": "10.0.0.5", "hostname": "node-04"}, "detail": {"domain": "c2.example", "resolved_ip": "192.0.2.66"}, "rule": "dns.match"}
//! ```
//!
//! **Events.** One `alert` an object: `signature`, `signature_id`, `category`, `severity`, `source`, `alert_id`; cells for the sides of a
//! connection, domain, user, process, command, file, container, pod where members of such names are there; the host that the alert
//! names. `indicators` is what the alert itself calls bad: addresses that are public, domains, URLs, digests, files, each with `type`, `value` and
//! the JSON `path` at which it stands. `observed` is what it merely saw: addresses and names of the alerted host, agent or device, private
//! addresses, names of internal zones, users, processes, commands. Links to documentation and consoles are neither.
//!
//! **Times**: a well-known member with a zone or an epoch (seconds to nanoseconds) first, then a local time with a `timezone` beside it, then a
//! local time in the artifact's zone.
//!
//! **Limits.** At most 4,096 values of an object are looked at, 64 indicators and 64 observed kept. Addresses of documentation
//! networks count as public. An object with a list `items`, `containers` or `images` at its top counts as that list's wrapper.
//!
//! Sources: Falco's json output, Wazuh's alerts.json, GuardDuty's finding format, Alertmanager's API v2, Elastic Common Schema.

use coldcase_model::{Place, Sink};
use serde_json::Value;

use crate::json::{Damage, Elements, Piece, parse};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

mod facts;
mod leaves;
mod row;
mod shape;
mod times;

/// The format.
pub static FORMAT: Format = Format {
    id: "alert-json",
    title: "alerts of any product as JSON",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    match probe.outline() {
        Some(outline) if !outline.is_empty_list => shape::sureness(outline, probe.head),
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut elements = Elements::new(&mut input.reader);
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => match parse(bytes) {
                Ok(value) => element(&value, line, input.clock, sink),
                Err(error) => {
                    let place = Place::Line(line);
                    sink.skip(place, "a JSON element that is not well-formed");
                    sink.warn(place, format!("element left out: {error}"));
                }
            },
            Piece::EmptyList { line } => {
                let warning = "an empty list: no alert was there";
                sink.warn(Place::Line(line), warning.to_owned());
            }
            Piece::Text { line, bytes } => {
                // White space and marks of a list's lines are no record.
                if !bytes.trim_ascii().is_empty() {
                    sink.skip(Place::Line(line), "a line that is no JSON");
                }
            }
            Piece::Damaged { line, damage } => {
                if damage != Damage::UnclosedList {
                    sink.skip(Place::Line(line), damage.as_str());
                }
                sink.warn(Place::Line(line), damage.as_str().to_owned());
            }
        }
    }
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

/// The alerts of one element: itself, or those of the list that it wraps.
fn element(value: &Value, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    match shape::wrapped(value) {
        Some((path, list)) => {
            for (index, inner) in list.iter().enumerate() {
                let path = format!("{path}[{index}]");
                match inner.is_object() {
                    true => {
                        row::emit(inner, &path, line, clock, sink);
                        sink.used(1);
                    }
                    false => sink.skip(Place::Line(line), "an entry of a list that is no object"),
                }
            }
        }
        None if shape::is_alert(value) => {
            row::emit(value, "", line, clock, sink);
            sink.used(1);
        }
        None => sink.skip(Place::Line(line), "an object that names no alert"),
    }
}

#[cfg(test)]
mod tests;
