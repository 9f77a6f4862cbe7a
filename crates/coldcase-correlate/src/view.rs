//! What correlators look at: the timeline, and of it what several of them need, gathered once.

use std::ops::Deref;

use coldcase_timeline::{Timeline, TimelineError};

use crate::logins::Logins;

/// A timeline with what is gathered from it for all correlators.
pub struct View<'a> {
    timeline: &'a Timeline,
    pub(crate) logins: Logins,
}

impl<'a> View<'a> {
    /// Gathers.
    pub fn of(timeline: &'a Timeline) -> Result<Self, TimelineError> {
        let logins = Logins::gather(timeline)?;
        Ok(Self { timeline, logins })
    }
}

impl Deref for View<'_> {
    type Target = Timeline;

    fn deref(&self) -> &Timeline {
        self.timeline
    }
}
