//! Correlators run as the tests ask, and all that they say has to have a Chinese form: a new sentence needs one in
//! `crates/coldcase-report/src/lang/zh`.

use coldcase_correlate::{CaseFacts, CorrelateError};
use coldcase_model::Findings;
use coldcase_timeline::Timeline;

pub fn run(
    timeline: &Timeline,
    facts: &CaseFacts,
    only: &[String],
) -> Result<Findings, CorrelateError> {
    let found = coldcase_correlate::run(timeline, facts, only)?;
    let without = coldcase_report::without_chinese(&found);
    assert!(without.is_empty(), "no Chinese: {without:#?}");
    Ok(found)
}
