//! Sockets as their tools list them.

use coldcase_timeline::Selection;
use serde_json::Value;

use super::Space;
use crate::facts::is_internal;

/// One socket of one listing.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub row: usize,
    pub space: Space,
    pub format: String,
    pub file: String,
    pub src_ip: Option<String>,
    pub dst_ip: Option<String>,
    pub src_port: Option<u16>,
    pub dst_port: Option<u16>,
    pub state: Option<String>,
    pub protocol: Option<String>,
    pub is_listening: bool,
    /// The tool shows owners and has none for this.
    pub no_owner: bool,
    /// Pids with names.
    pub owners: Vec<(i64, Option<String>)>,
}

impl Socket {
    /// A network socket of a row.
    pub fn of(rows: &Selection, row: usize, json: &Value, space: Space) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        if text("unix_path").is_some() || rows.text("protocol", row) == Some("unix") {
            return None;
        }
        let port = |name| {
            rows.int(name, row)
                .and_then(|port| u16::try_from(port).ok())
        };
        let cell = |name| rows.text(name, row).map(str::to_owned);
        let state = text("state");
        Some(Self {
            row,
            space,
            format: cell("format").unwrap_or_default(),
            file: cell("file").unwrap_or_default(),
            src_ip: cell("src_ip"),
            dst_ip: cell("dst_ip"),
            src_port: port("src_port"),
            dst_port: port("dst_port"),
            state: state.map(str::to_owned),
            protocol: cell("protocol"),
            is_listening: state == Some("LISTEN") || text("listen").is_some(),
            no_owner: json.get("no_owner").and_then(Value::as_bool) == Some(true),
            owners: owners(rows, row, json),
        })
    }

    /// `address:port` of the peer.
    pub fn remote(&self) -> Option<String> {
        let (address, port) = (self.dst_ip.as_deref()?, self.dst_port?);
        Some(match address.contains(':') {
            true => format!("[{address}]:{port}"),
            false => format!("{address}:{port}"),
        })
    }

    /// Whether its peer is outside of networks that are never routed.
    pub fn is_outward(&self) -> bool {
        let peer = self.dst_ip.as_deref();
        peer.is_some_and(|peer| !is_internal(peer)) && self.src_ip != self.dst_ip
    }

    /// Whether it is being opened or open.
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_deref(), Some("ESTAB" | "SYN-SENT"))
    }
}

fn owners(rows: &Selection, row: usize, json: &Value) -> Vec<(i64, Option<String>)> {
    let several = json.get("processes").and_then(Value::as_array);
    let several = several.into_iter().flatten().filter_map(|one| {
        let (name, pid) = one.as_str()?.rsplit_once('[')?;
        let pid: i64 = pid.strip_suffix(']')?.parse().ok()?;
        Some((pid, (!name.is_empty()).then(|| name.to_owned())))
    });
    let mut found: Vec<(i64, Option<String>)> = several.collect();
    if let Some(pid) = rows.long("pid", row)
        && found.iter().all(|(known, _)| *known != pid)
    {
        // netstat shows a title's beginning, `sshd: alice [`.
        let command = rows.text("command", row);
        let name = command.map(|text| text.split(": ").next().unwrap_or(text).trim());
        let name = name.filter(|name| !name.is_empty());
        found.push((pid, name.map(str::to_owned)));
    }
    found.sort();
    found
}
