//! The registry: one file and one line a correlator.

use crate::Correlator;

mod beacon;
mod container_exit;
mod dns_anomaly;
mod dns_origin;
mod first_seen;
mod hidden_process;
mod indicator;
mod miner;
mod periodic_window;
mod remote_access;
mod scan;
mod series_match;
mod ssh_auth;
mod syn_flood;
mod top_talker;

/// All correlators.
pub static ALL: &[&Correlator] = &[
    &beacon::CORRELATOR,
    &container_exit::CORRELATOR,
    &dns_anomaly::CORRELATOR,
    &dns_origin::CORRELATOR,
    &first_seen::CORRELATOR,
    &hidden_process::CORRELATOR,
    &indicator::CORRELATOR,
    &miner::CORRELATOR,
    &periodic_window::CORRELATOR,
    &remote_access::CORRELATOR,
    &scan::CORRELATOR,
    &series_match::CORRELATOR,
    &ssh_auth::CORRELATOR,
    &syn_flood::CORRELATOR,
    &top_talker::CORRELATOR,
];

/// The correlator of this id.
pub fn by_id(id: &str) -> Option<&'static Correlator> {
    ALL.iter().copied().find(|correlator| correlator.id == id)
}
