//! The registry: one file and one line a correlator.

use crate::Correlator;

mod beacon;
mod container_exit;
mod dns_anomaly;
mod dns_origin;
mod exposed_service;
mod first_seen;
mod hidden_process;
mod indicator;
mod log_tampering;
mod miner;
mod periodic_window;
mod persistence;
mod remote_access;
mod scan;
mod series_match;
mod ssh_auth;
mod suspicious_container;
mod syn_flood;
mod top_talker;

/// All correlators.
pub static ALL: &[&Correlator] = &[
    &beacon::CORRELATOR,
    &container_exit::CORRELATOR,
    &dns_anomaly::CORRELATOR,
    &dns_origin::CORRELATOR,
    &exposed_service::CORRELATOR,
    &first_seen::CORRELATOR,
    &hidden_process::CORRELATOR,
    &indicator::CORRELATOR,
    &log_tampering::CORRELATOR,
    &miner::CORRELATOR,
    &periodic_window::CORRELATOR,
    &persistence::CORRELATOR,
    &remote_access::CORRELATOR,
    &scan::CORRELATOR,
    &series_match::CORRELATOR,
    &ssh_auth::CORRELATOR,
    &suspicious_container::CORRELATOR,
    &syn_flood::CORRELATOR,
    &top_talker::CORRELATOR,
];

/// The correlator of this id.
pub fn by_id(id: &str) -> Option<&'static Correlator> {
    ALL.iter().copied().find(|correlator| correlator.id == id)
}
