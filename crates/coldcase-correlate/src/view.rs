//! What correlators look at: the timeline, and of it what several of them need, gathered once.

use std::collections::BTreeSet;
use std::ops::Deref;

use coldcase_timeline::{Timeline, TimelineError};

use crate::indicators::own_addresses;
use crate::logins::Logins;
use crate::processes::Processes;
use crate::{CaseFacts, Identities};

/// A timeline with what is gathered from it for all correlators.
pub struct View<'a> {
    timeline: &'a Timeline,
    pub(crate) logins: Logins,
    pub(crate) identities: Identities,
    pub(crate) processes: Processes,
    /// Addresses that the case's hosts say are theirs.
    pub(crate) own_addresses: BTreeSet<String>,
}

impl<'a> View<'a> {
    /// Gathers.
    pub fn of(timeline: &'a Timeline, facts: &CaseFacts) -> Result<Self, TimelineError> {
        let people = || {
            rayon::join(
                || Identities::from(timeline, facts),
                || Processes::read(timeline),
            )
        };
        let (logins, (identities, processes)) = rayon::join(|| Logins::gather(timeline), people);
        Ok(Self {
            timeline,
            logins: logins?,
            identities: identities?,
            processes: processes?,
            own_addresses: own_addresses(timeline, facts)?,
        })
    }
}

impl Deref for View<'_> {
    type Target = Timeline;

    fn deref(&self) -> &Timeline {
        self.timeline
    }
}
