//! Sentences and cells that the Markdown and the HTML of a batch share, not yet escaped.

use coldcase_model::{Severity, Timestamp};

use super::shared::{Entity, Seen};
use super::words::Words;
use super::{Batch, BatchCase, Span, duration};
use crate::lang::put;

/// Hosts named in a cell.
const MOST_HOSTS: usize = 12;

impl Batch {
    pub(super) fn words(&self) -> &'static Words {
        Words::of(self.lang)
    }

    pub(super) fn intro(&self) -> String {
        let with = self
            .cases
            .iter()
            .filter(|case| case.incident().is_some())
            .count();
        put(
            self.words().intro,
            &[&self.cases.len().to_string(), &with.to_string()],
        )
    }

    /// Names of the cases of these numbers.
    pub(super) fn names(&self, cases: &[usize]) -> Vec<&str> {
        let cases = cases.iter().filter_map(|case| self.cases.get(*case));
        cases.map(|case| case.name.as_str()).collect()
    }

    pub(super) fn name(&self, case: usize) -> &str {
        self.cases.get(case).map_or("", |case| &case.name)
    }
}

/// First and last moment to the second; one where they are the same.
pub(super) fn ends(span: Span) -> Vec<String> {
    let second = |at: Timestamp| {
        Timestamp::from_seconds(at.seconds())
            .unwrap_or(at)
            .to_string()
    };
    let mut ends = vec![second(span.first), second(span.last)];
    ends.dedup();
    ends
}

/// From and to.
pub(super) fn span(span: Span, words: &Words) -> String {
    ends(span).join(&format!(" {} ", words.to))
}

/// Why a case without an incident has none.
pub(super) fn no_incident(case: &BatchCase, words: &Words) -> &'static str {
    let has_finding = case.worst() > Some(Severity::Low);
    if has_finding {
        words.not_dated
    } else {
        words.no_incident
    }
}

/// How long an incident lasted, and how long it was until the evidence was collected.
pub(super) fn lengths(case: &BatchCase) -> [String; 2] {
    let Some(incident) = case.incident() else {
        return [String::new(), String::new()];
    };
    let until = case.collected_at.filter(|at| *at >= incident.last);
    let until = until.map(|at| duration(at.seconds().saturating_sub(incident.first.seconds())));
    [duration(incident.seconds()), until.unwrap_or_default()]
}

pub(super) fn hosts(case: &BatchCase) -> String {
    let names: Vec<&str> = case
        .hosts
        .iter()
        .map(|(name, _)| name.as_str())
        .take(MOST_HOSTS)
        .collect();
    let more = case.hosts.len().saturating_sub(MOST_HOSTS);
    let more = if more > 0 {
        format!(" +{more}")
    } else {
        String::new()
    };
    names.join(", ") + &more
}

/// `2 high, 5 low`; remarks are not counted.
pub(super) fn counts(case: &BatchCase, words: &Words) -> String {
    let severities = Severity::ALL
        .iter()
        .rev()
        .filter(|one| **one > Severity::Info);
    let counted = severities
        .map(|one| (*one, case.count(*one)))
        .filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted
        .map(|(one, count)| format!("{count} {}", words.severity(one)))
        .collect();
    counted.join(", ")
}

pub(super) fn evidence(case: &BatchCase, words: &Words) -> String {
    let read = case.evidence();
    put(
        words.evidence_counts,
        &[
            &read.files.to_string(),
            &read.unrecognised.to_string(),
            &read.records.to_string(),
            &read.skipped.to_string(),
        ],
    )
}

/// What in one case names an entity.
pub(super) fn named_by(seen: &Seen, words: &Words) -> String {
    let said = seen.said.as_ref().map(|said| {
        put(
            words.by_finding,
            &[&said.by.join(", "), words.severity(said.severity)],
        )
    });
    let records = (seen.records > 0).then(|| put(words.by_records, &[&seen.records.to_string()]));
    let parts: Vec<String> = said.into_iter().chain(records).collect();
    parts.join("; ")
}

/// What to bear in mind of an entity.
pub(super) fn notes(entity: &Entity, words: &Words) -> String {
    let owners: Vec<&str> = entity.owners.iter().map(String::as_str).collect();
    let owners = (!owners.is_empty()).then(|| put(words.address_of, &[&owners.join(", ")]));
    let gateway = entity.is_gateway().then(|| words.gateway.to_owned());
    let private = entity.value.is_private().then(|| words.private.to_owned());
    let guessed = entity.value.is_guessed().then(|| words.guessed.to_owned());
    let notes = owners
        .into_iter()
        .chain(gateway)
        .chain(private)
        .chain(guessed);
    let notes: Vec<String> = notes.collect();
    notes.join("; ")
}
