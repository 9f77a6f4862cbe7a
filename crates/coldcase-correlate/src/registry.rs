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
    /// Those whose findings it takes up with `View::found_by`: they are run first.
    pub rests_on: &'static [&'static Correlator],
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
    let wanted: Vec<&Correlator> = wanted.copied().collect();
    let failed = |correlator| move |source| CorrelateError::Timeline { correlator, source };
    let view = View::of(timeline, facts).map_err(failed("what all need"))?;
    let run = |one: &&Correlator| {
        let found = view.found_by(one, facts);
        found.map(drop).map_err(failed(one.id))
    };
    let first = wanted.iter().flat_map(|one| one.rests_on);
    let mut first: Vec<&Correlator> = first.copied().collect();
    first.sort_by_key(|one| one.id);
    first.dedup_by_key(|one| one.id);
    let is_first = |one: &&Correlator| first.iter().any(|other| other.id == one.id);
    let (later, alone): (Vec<&Correlator>, Vec<&Correlator>) = wanted
        .iter()
        .copied()
        .filter(|one| !is_first(one))
        .partition(|one| !one.rests_on.is_empty());
    let (found, rested) = rayon::join(
        || alone.par_iter().with_max_len(1).try_for_each(run),
        || {
            first.par_iter().with_max_len(1).try_for_each(run)?;
            later.par_iter().with_max_len(1).try_for_each(run)
        },
    );
    found.and(rested)?;
    let found = wanted.iter().flat_map(|one| view.take_found(one));
    let mut findings: Vec<Finding> = found.collect();
    fill_texts(timeline, &mut findings).map_err(failed("evidence"))?;
    // The same order whatever ran first.
    findings.sort_by(|a, b| a.id.cmp(&b.id));
    let conclusions = conclusions::join(&view, facts, &findings).map_err(failed("conclusions"))?;
    Ok(Findings::new(conclusions, findings))
}
