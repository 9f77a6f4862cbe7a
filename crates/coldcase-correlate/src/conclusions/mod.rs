//! Findings joined into answers.

use coldcase_model::{Conclusion, Finding};
use coldcase_timeline::TimelineError;

use crate::{CaseFacts, View};

mod dns_origin;
mod flood_source;
mod login_cause;
mod way_in;

/// Joins findings of one kind of question; may look up in the timeline what would have been visible.
type Conclude = fn(&View<'_>, &CaseFacts, &[Finding]) -> Result<Vec<Conclusion>, TimelineError>;

/// All kinds.
static ALL: &[Conclude] = &[
    dns_origin::conclude,
    flood_source::conclude,
    login_cause::conclude,
    way_in::conclude,
];

/// The conclusions that these findings allow.
pub fn join(
    view: &View<'_>,
    facts: &CaseFacts,
    findings: &[Finding],
) -> Result<Vec<Conclusion>, TimelineError> {
    let mut conclusions = Vec::new();
    for conclude in ALL {
        conclusions.extend(conclude(view, facts, findings)?);
    }
    Ok(conclusions)
}
