//! The registry: one file and one line a format.

use crate::Format;

mod auditd;
mod authlog;
mod coredns;
mod docker_inspect;
mod kubectl;
mod logins;
mod mtime_listing;
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
    &logins::UTMP,
    &logins::LASTLOG,
    &logins::LAST,
    &logins::LASTLOG_TEXT,
    &logins::WHO,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
