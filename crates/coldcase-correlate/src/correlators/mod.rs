//! The registry: one file and one line a correlator.

use crate::Correlator;

mod ssh_auth;

/// All correlators.
pub static ALL: &[&Correlator] = &[&ssh_auth::CORRELATOR];

/// The correlator of this id.
pub fn by_id(id: &str) -> Option<&'static Correlator> {
    ALL.iter().copied().find(|correlator| correlator.id == id)
}
