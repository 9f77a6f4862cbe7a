//! The registry: one file and one line a format.

use crate::Format;

mod auditd;
mod authlog;
mod coredns;
mod crontab;
mod docker_inspect;
mod kubectl;
mod mtime_listing;
mod pcap;
mod processes;
mod systemctl_list;
mod tcpdump_text;
mod unit_file;
mod virsh_list;

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
    &processes::ps::FORMAT,
    &processes::top::FORMAT,
    &processes::lsof::FORMAT,
    &processes::proc_listing::FORMAT,
    &processes::proc_net::FORMAT,
    &crontab::FORMAT,
    &virsh_list::FORMAT,
    &systemctl_list::FORMAT,
    &unit_file::FORMAT,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
