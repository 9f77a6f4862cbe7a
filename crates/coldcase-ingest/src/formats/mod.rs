//! The registry: one file and one line a format.

use crate::Format;

mod auditd;
mod authlog;
mod coredns;
mod docker_inspect;
mod kubectl;
mod mtime_listing;
mod net;
mod pcap;
mod tcpdump_text;

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
    &net::ss::FORMAT,
    &net::netstat::FORMAT,
    &net::conntrack::FORMAT,
    &net::iftop::FORMAT,
    &net::ip_link::FORMAT,
    &net::ip_neigh_route::FORMAT,
    &net::tc::FORMAT,
    &net::iptables::FORMAT,
    &net::nft::FORMAT,
    &net::prometheus::FORMAT,
    &net::metrics_text::FORMAT,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
