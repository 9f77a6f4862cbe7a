//! What else the evidence shows around a flood: sockets of the host, the kernel's complaints, shaped queues, other sources.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Timestamp, action};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use crate::attempts::{Attempts, read, select};

/// What tables of sockets show of a host, for the ports of a flood.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Sockets {
    /// Rows; several tools list one socket.
    pub listed: usize,
    /// Whether connections are listed, rather than listeners alone.
    pub connections: bool,
    pub tools: BTreeSet<String>,
    /// When they were listed, first and last.
    pub at: Option<(i64, i64)>,
    /// Connections being attempted to the ports, by process.
    pub attempting: BTreeMap<String, usize>,
    /// Whether any raw or packet socket is listed, with its process.
    pub raw: BTreeSet<String>,
}

/// What the kernel of a host said.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Kernel {
    /// Moments at which the table of connections was full.
    pub full: Vec<i64>,
    /// Devices that were made to listen to everything: where a capture ran.
    pub listening: BTreeSet<String>,
}

/// What is around floods, by host.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub kernels: BTreeMap<String, Kernel>,
    /// Shaped or overflowing queues, with packets dropped.
    pub queues: BTreeMap<String, (i64, String)>,
    /// All sources of captures.
    pub sources: Vec<Attempts>,
    /// The most attempted destination of a source.
    pub targets: BTreeMap<String, String>,
}

impl Scene {
    pub fn read(timeline: &Timeline) -> Result<Self, TimelineError> {
        let mut scene = Self::default();
        let rows = select(timeline, action::TCP_ATTEMPTS)?;
        scene.sources = read(&rows, "src_ip", "destinations");
        for source in &scene.sources {
            let json: Option<Value> = rows
                .text("attributes", source.row)
                .and_then(|text| serde_json::from_str(text).ok());
            let target = json
                .as_ref()
                .and_then(|json| json.get("top_destinations")?.get(0)?.get(0)?.as_str());
            if let Some(target) = target {
                scene
                    .targets
                    .insert(source.address.clone(), target.to_owned());
            }
        }
        for part in timeline.parts() {
            let part = Timeline::of_parts(vec![part.clone()]);
            scene.kernel(&part)?;
        }
        for kernel in scene.kernels.values_mut() {
            kernel.full.sort_unstable();
        }
        scene.queue(timeline)?;
        Ok(scene)
    }

    fn kernel(&mut self, part: &Timeline) -> Result<(), TimelineError> {
        let rows = part.select(&[action::LOG], &["host", "attributes"])?;
        for (row, text) in rows.texts("attributes").into_iter().enumerate() {
            let Some(text) = text.filter(|text| {
                text.contains("\"conntrack_full\"") || text.contains("\"promiscuous\"")
            }) else {
                continue;
            };
            let said: Value = serde_json::from_str(text).unwrap_or(Value::Null);
            let flag = |name: &str| said.get(name).and_then(Value::as_bool) == Some(true);
            let host = rows.text("host", row).unwrap_or_default();
            let kernel = self.kernels.entry(host.to_owned()).or_default();
            if flag("conntrack_full") {
                kernel.full.extend(rows.long("ts_ns", row));
            }
            let device = said.get("interface").and_then(Value::as_str);
            if let (Some(device), true) = (device, flag("promiscuous")) {
                kernel.listening.insert(device.to_owned());
            }
        }
        Ok(())
    }

    fn queue(&mut self, timeline: &Timeline) -> Result<(), TimelineError> {
        let rows = timeline.select(&[action::QUEUE_LISTED], &["host", "attributes", "message"])?;
        for row in 0..rows.rows() {
            let said: Option<Value> = rows
                .text("attributes", row)
                .and_then(|text| serde_json::from_str(text).ok());
            let dropped = said
                .as_ref()
                .and_then(|said| said.get("dropped")?.as_i64())
                .unwrap_or(0);
            let (Some(host), Some(message)) = (rows.text("host", row), rows.text("message", row))
            else {
                continue;
            };
            let known = self.queues.get(host).map_or(0, |known| known.0);
            if dropped > known {
                self.queues
                    .insert(host.to_owned(), (dropped, message.to_owned()));
            }
        }
        Ok(())
    }
}

/// The sockets that a host's tables show, seen for these ports.
pub(super) fn sockets(
    timeline: &Timeline,
    host: &str,
    ports: &[i64],
) -> Result<Sockets, TimelineError> {
    let columns = [
        "host",
        "format",
        "dst_port",
        "protocol",
        "pid",
        "command",
        "attributes",
    ];
    let rows = timeline.select(&[action::SOCKET_LISTED], &columns)?;
    let mut found = Sockets::default();
    for row in 0..rows.rows() {
        let protocol = rows.text("protocol", row).unwrap_or_default();
        if rows.text("host", row) != Some(host) || protocol == "unix" {
            continue;
        }
        found.listed += 1;
        found
            .tools
            .insert(rows.text("format", row).unwrap_or_default().to_owned());
        if let Some(at) = rows.long("ts_ns", row) {
            let (first, last) = found.at.unwrap_or((at, at));
            found.at = Some((first.min(at), last.max(at)));
        }
        let said: Option<Value> = rows
            .text("attributes", row)
            .and_then(|text| serde_json::from_str(text).ok());
        let state = said
            .as_ref()
            .and_then(|said| said.get("state")?.as_str())
            .unwrap_or_default();
        found.connections |= matches!(state, "ESTAB" | "TIME-WAIT" | "SYN-SENT" | "CLOSE-WAIT");
        let process = match (rows.text("command", row), rows.long("pid", row)) {
            (Some(command), Some(pid)) => format!("{command}[{pid}]"),
            (Some(command), None) => command.to_owned(),
            _ => "no process".to_owned(),
        };
        let port = rows.int("dst_port", row).map(i64::from);
        if state == "SYN-SENT" && port.is_some_and(|port| ports.is_empty() || ports.contains(&port))
        {
            *found.attempting.entry(process).or_default() += 1;
        } else if matches!(protocol, "raw" | "packet") {
            found.raw.insert(process);
        }
    }
    Ok(found)
}

/// A moment as texts show it, to the second.
pub(super) fn moment(nanos: i64) -> String {
    Timestamp(nanos.saturating_sub(nanos.rem_euclid(1_000_000_000))).to_string()
}
