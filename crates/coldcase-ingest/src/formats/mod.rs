//! The registry: one file and one line a format.

use crate::Format;

mod alert_json;
mod auditd;
mod authlog;
mod coredns;
mod dns_logs;
mod docker_inspect;
mod kubectl;
mod mtime_listing;
mod pcap;
mod suricata;
mod tcpdump_text;
mod zeek;

/// All formats; of equally sure ones the first wins.
pub static ALL: &[&Format] = &[
    &pcap::FORMAT,
    &auditd::FORMAT,
    &docker_inspect::FORMAT,
    &docker_inspect::CREATED_LINES,
    &kubectl::PODS,
    &kubectl::NODES,
    &coredns::FORMAT,
    &tcpdump_text::FORMAT,
    &mtime_listing::FORMAT,
    &authlog::FORMAT,
    &dns_logs::DNSMASQ,
    &dns_logs::NAMED,
    &dns_logs::UNBOUND,
    &dns_logs::RESOLVED,
    &zeek::FORMAT,
    &suricata::EVE,
    &suricata::FAST,
    &alert_json::FORMAT,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
