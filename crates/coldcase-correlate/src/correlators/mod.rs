//! The registry: one file and one line a correlator.

use crate::Correlator;

mod dns_origin;
mod exposed_service;
mod first_seen;
mod periodic_window;
mod scan;
mod ssh_auth;
mod suspicious_container;
mod syn_flood;

/// All correlators.
pub static ALL: &[&Correlator] = &[
    &dns_origin::CORRELATOR,
    &exposed_service::CORRELATOR,
    &first_seen::CORRELATOR,
    &periodic_window::CORRELATOR,
    &scan::CORRELATOR,
    &ssh_auth::CORRELATOR,
    &suspicious_container::CORRELATOR,
    &syn_flood::CORRELATOR,
];

/// The correlator of this id.
pub fn by_id(id: &str) -> Option<&'static Correlator> {
    ALL.iter().copied().find(|correlator| correlator.id == id)
}
