//! What a correlator is to the rest of the program, and running them all: in parallel, with the same
//! result for any number of threads.

use coldcase_model::{Finding, Findings};
use coldcase_timeline::{Timeline, TimelineError};
use rayon::prelude::*;

use crate::evidence::fill_texts;
use crate::{CaseFacts, View, conclusions, correlators};

/// Why a correlator could not finish.
#[derive(Debug, thiserror::Error)]
pub enum CorrelateError {
    /// The timeline can't be read.
    #[error("correlator {correlator}: {source}")]
    Timeline {
        /// Which correlator.
        correlator: &'static str,
        /// Why.
        source: TimelineError,
    },
}

/// One correlator.
pub struct Correlator {
    /// Permanent id; names behaviour.
    pub id: &'static str,
    /// One line for `coldcase correlators`.
    pub title: &'static str,
    /// Its own source: its `//!` text is its page in docs.
    pub source: &'static str,
    /// States findings; the order in which they are returned does not matter.
    pub run: fn(&View<'_>, &CaseFacts) -> Result<Vec<Finding>, TimelineError>,
}

/// Runs the correlators of these ids (none: all of them) and joins what they found.
pub fn run(
    timeline: &Timeline,
    facts: &CaseFacts,
    only: &[String],
) -> Result<Findings, CorrelateError> {
    let wanted = correlators::ALL
        .iter()
        .filter(|known| only.is_empty() || only.iter().any(|id| id == known.id));
    let wanted: Vec<_> = wanted.collect();
    let failed = |correlator| move |source| CorrelateError::Timeline { correlator, source };
    let view = View::of(timeline, facts).map_err(failed("what all need"))?;
    let found: Result<Vec<Vec<Finding>>, CorrelateError> = wanted
        .par_iter()
        .map(|correlator| (correlator.run)(&view, facts).map_err(failed(correlator.id)))
        .collect();
    let mut findings: Vec<Finding> = found?.into_iter().flatten().collect();
    fill_texts(timeline, &mut findings).map_err(failed("evidence"))?;
    // The same order whatever ran first.
    findings.sort_by(|a, b| a.id.cmp(&b.id));
    let conclusions = conclusions::join(&view, facts, &findings).map_err(failed("conclusions"))?;
    Ok(Findings::new(conclusions, findings))
}
