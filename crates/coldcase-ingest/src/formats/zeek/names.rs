//! Which log a record is of, and who makes its rows.

use coldcase_model::Sink;

use super::record::Record;
use super::{flows, generic};
use crate::Clock;

/// Fields that tell a log whose name is not written in it.
const TELLING: [(&str, &[&str]); 8] = [
    ("conn", &["conn_state"]),
    ("dns", &["qtype_name", "query"]),
    ("dns", &["rcode_name", "query"]),
    ("http", &["trans_depth", "method"]),
    ("ssh", &["auth_attempts"]),
    ("ssl", &["cipher", "server_name"]),
    ("notice", &["note", "msg"]),
    ("weird", &["name", "notice", "peer"]),
];

/// `conn` of `current/conn.log`, `dns` of `dns.09:00:00-10:00:00.log.gz`.
pub(super) fn of_file(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(name.len());
    name.get(..end).unwrap_or(name)
}

/// The log that has these fields.
pub(super) fn of_fields(record: &Record<'_>) -> Option<&'static str> {
    let has = |name: &&str| match record {
        Record::Row { layout, .. } => layout.fields.iter().any(|field| field == name),
        Record::Object(map) => map.contains_key(*name),
    };
    TELLING
        .iter()
        .find(|(_, fields)| fields.iter().all(has))
        .map(|(name, _)| *name)
}

/// The rows of a record.
pub(super) fn emit(path: &str, record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    // Corelight and filters write `conn_long`, `dns_red`; the plain name is what counts.
    let plain = path.strip_suffix("_red").unwrap_or(path);
    match plain {
        "conn" | "conn_long" => flows::conn(record, line, clock, sink),
        "dns" => flows::dns(record, line, clock, sink),
        "ssh" => flows::ssh(record, line, clock, sink),
        "http" => generic::http(record, line, clock, sink),
        "notice" | "notice_alarm" => generic::notice(record, line, clock, sink),
        "signatures" => generic::signature(record, line, clock, sink),
        "intel" => generic::intel(record, line, clock, sink),
        "dhcp" if record.first(&["assigned_addr", "assigned_ip"]).is_some() => {
            generic::dhcp(record, line, clock, sink);
        }
        _ => generic::other(path, record, line, clock, sink),
    }
}
