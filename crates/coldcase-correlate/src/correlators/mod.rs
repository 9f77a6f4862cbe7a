//! The registry: one file and one line a correlator.

use crate::Correlator;

mod dns_origin;
mod first_seen;
mod log_tampering;
mod periodic_window;
mod scan;
mod ssh_auth;
mod syn_flood;

/// All correlators.
pub static ALL: &[&Correlator] = &[
    &dns_origin::CORRELATOR,
    &first_seen::CORRELATOR,
    &log_tampering::CORRELATOR,
    &periodic_window::CORRELATOR,
    &scan::CORRELATOR,
    &ssh_auth::CORRELATOR,
    &syn_flood::CORRELATOR,
];

/// The correlator of this id.
pub fn by_id(id: &str) -> Option<&'static Correlator> {
    ALL.iter().copied().find(|correlator| correlator.id == id)
}
