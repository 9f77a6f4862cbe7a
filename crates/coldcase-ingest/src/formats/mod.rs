//! The registry: one file and one line a format.

use crate::Format;

mod auditd;
mod authlog;
mod coredns;
mod docker_inspect;
mod kubectl;
mod mtime_listing;
mod pcap;
mod tcpdump_text;

mod accounts;
mod checks;
mod collected_text;
mod hash_list;
mod host_settings;
mod keys;
mod ld_preload;
mod packages;
mod shell;

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
    &shell::HISTORY,
    &shell::SCRIPT,
    &accounts::PASSWD,
    &accounts::SHADOW,
    &accounts::GROUP,
    &accounts::SUDOERS,
    &keys::AUTHORIZED_KEYS,
    &keys::KNOWN_HOSTS,
    &ld_preload::FORMAT,
    &hash_list::FORMAT,
    &packages::DPKG_LOG,
    &packages::APT_HISTORY,
    &packages::YUM_LOG,
    &packages::DNF_LOG,
    &packages::PACMAN_LOG,
    &packages::RPM_LIST,
    &packages::PACKAGE_LIST,
    &checks::RKHUNTER,
    &checks::CHKROOTKIT,
    &checks::PACKAGE_VERIFY,
    &host_settings::HOSTS_FILE,
    &host_settings::RESOLV_CONF,
    &host_settings::SSHD_CONFIG,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
