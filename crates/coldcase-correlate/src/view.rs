//! What correlators look at: the timeline, and of it what several of them need, gathered once.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coldcase_model::Finding;
use coldcase_timeline::{Timeline, TimelineError};

use crate::indicators::own_addresses;
use crate::logins::Logins;
use crate::processes::Processes;
use crate::{CaseFacts, Correlator, Identities};

/// A timeline with what is gathered from it for all correlators.
pub struct View<'a> {
    timeline: &'a Timeline,
    pub(crate) logins: Logins,
    pub(crate) identities: Identities,
    pub(crate) processes: Processes,
    /// Addresses that the case's hosts say are theirs.
    pub(crate) own_addresses: BTreeSet<String>,
    /// What correlators found so far.
    found: Mutex<HashMap<&'static str, Arc<Vec<Finding>>>>,
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
            found: Mutex::default(),
        })
    }

    /// What a correlator finds; it is run if it was not before.
    pub(crate) fn found_by(
        &self,
        correlator: &Correlator,
        facts: &CaseFacts,
    ) -> Result<Arc<Vec<Finding>>, TimelineError> {
        let known = self.found().get(correlator.id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = Arc::new((correlator.run)(self, facts)?);
        self.found().insert(correlator.id, found.clone());
        Ok(found)
    }

    /// What a correlator found; it is not kept here any longer.
    pub(crate) fn take_found(&self, correlator: &Correlator) -> Vec<Finding> {
        let found = self.found().remove(correlator.id);
        found.map_or_else(Vec::new, Arc::unwrap_or_clone)
    }

    fn found(&self) -> MutexGuard<'_, HashMap<&'static str, Arc<Vec<Finding>>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for View<'_> {
    type Target = Timeline;

    fn deref(&self) -> &Timeline {
        self.timeline
    }
}
