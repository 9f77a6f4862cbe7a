//! How an incident ended, as far as silence tells: its last record against the end of the files that show it.

use coldcase_model::{Finding, Timestamp};

use crate::Summary;
use crate::html::telling;

/// Files that go on for less than this after the last record end with it.
const SAME_END_SECONDS: i64 = 60;
/// Findings that are told one by one where nothing is concluded.
const MOST: usize = 10;

/// What went on until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// What: a subject's name.
    pub about: String,
    /// Its last record.
    pub last: Timestamp,
    /// Until when the files go on that show it; none where they end with it.
    pub silent_until: Option<Timestamp>,
}

/// Of each conclusion, else of the gravest findings. The same twice is told once.
pub(super) fn ended(summary: &Summary<'_>, key: &[&Finding]) -> Vec<Ended> {
    let findings = summary.findings;
    let mut all: Vec<Ended> = Vec::new();
    for conclusion in &findings.conclusions {
        let because = |finding: &&Finding| conclusion.because.contains(&finding.id);
        let because: Vec<&Finding> = findings.findings.iter().filter(because).collect();
        all.extend(of(
            &conclusion.about.value,
            &telling(conclusion, &because),
            summary,
        ));
    }
    if all.is_empty() {
        let gravest = key.iter().take(MOST);
        all.extend(gravest.filter_map(|finding| {
            let about = &finding.subjects.first()?.value;
            of(about, &[finding], summary)
        }));
    }
    let mut told: Vec<Ended> = Vec::new();
    for one in all {
        if !told.contains(&one) {
            told.push(one);
        }
    }
    told
}

fn of(about: &str, findings: &[&Finding], summary: &Summary<'_>) -> Option<Ended> {
    let last = findings.iter().filter_map(|finding| finding.last).max()?;
    let cited = |path: &str| {
        let mut records = findings.iter().flat_map(|finding| &finding.evidence);
        records.any(|record| record.file == path)
    };
    let files = summary.inputs.iter().filter(|input| cited(&input.path));
    let end = files.filter_map(|input| input.last).max();
    Some(Ended {
        about: about.to_owned(),
        last,
        silent_until: end
            .filter(|end| end.seconds().saturating_sub(last.seconds()) >= SAME_END_SECONDS),
    })
}
