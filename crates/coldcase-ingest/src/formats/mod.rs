//! The registry: one file and one line a format.

use crate::Format;

mod accounts;
mod alert_json;
mod auditd;
mod authlog;
mod checks;
mod cni_lease;
mod collected_text;
mod container_log;
mod coredns;
mod crontab;
mod dmesg;
mod dns_logs;
mod docker_cli;
mod docker_inspect;
mod hash_list;
mod host_info;
mod host_settings;
mod journal;
mod k8s_audit;
mod keys;
mod kubectl;
mod ld_preload;
mod logins;
mod mtime_listing;
mod net;
mod packages;
mod pcap;
mod processes;
mod shell;
mod suricata;
mod systemctl_list;
mod tcpdump_text;
mod unit_file;
mod virsh_list;
mod zeek;

pub use host_info::{Fact, Facts, clues, zone_of_link};

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
    &host_info::FORMAT,
    &docker_cli::ps::FORMAT,
    &docker_cli::images::FORMAT,
    &docker_cli::events::FORMAT,
    &docker_cli::info::FORMAT,
    &docker_cli::daemon_json::FORMAT,
    &container_log::FORMAT,
    &container_log::app::FORMAT,
    &k8s_audit::FORMAT,
    &kubectl::EVENTS,
    &kubectl::SERVICES,
    &kubectl::WORKLOADS,
    &cni_lease::FORMAT,
    &journal::FORMAT,
    &journal::EXPORT,
    &journal::JSON,
    &journal::VERBOSE,
    &dmesg::FORMAT,
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
    &processes::ps::FORMAT,
    &processes::top::FORMAT,
    &dns_logs::DNSMASQ,
    &dns_logs::NAMED,
    &dns_logs::UNBOUND,
    &dns_logs::RESOLVED,
    &zeek::FORMAT,
    &logins::UTMP,
    &logins::LASTLOG,
    &logins::LAST,
    &logins::LASTLOG_TEXT,
    &logins::WHO,
    &processes::lsof::FORMAT,
    &processes::proc_listing::FORMAT,
    &processes::proc_net::FORMAT,
    &crontab::FORMAT,
    &virsh_list::FORMAT,
    &systemctl_list::FORMAT,
    &unit_file::FORMAT,
    &suricata::EVE,
    &suricata::FAST,
    &alert_json::FORMAT,
];

/// The format of this id.
pub fn by_id(id: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.id == id)
}
