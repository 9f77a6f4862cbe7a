//! One report over several cases: incidents side by side, what they share, and how they follow each other.
//! What is common by nature (loopback, public resolvers, root) is left out and said to be.

mod entities;
mod html;
mod lines;
mod markdown;
mod shared;
mod sightings;
mod trends;
mod words;

use std::path::PathBuf;

use coldcase_model::{Findings, Severity, Timestamp};

pub use entities::{EntityKind, Value};
pub use html::html as batch_html;
pub use markdown::markdown as batch_markdown;
pub use shared::Shared;
pub use sightings::{Sighting, Sightings, sightings, sought};

use crate::{InputLine, Lang};

/// A case, as a batch shows it.
#[derive(Debug, Clone)]
pub struct BatchCase {
    /// What it is called: its folder's name, more of its path where names are alike.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// Answers and findings.
    pub findings: Findings,
    /// Every input.
    pub inputs: Vec<InputLine>,
    /// Its hosts, each with its addresses.
    pub hosts: Vec<(String, Vec<String>)>,
    /// When its evidence was collected.
    pub collected_at: Option<Timestamp>,
    /// Records of its timeline that name what other cases' findings are about.
    pub sightings: Sightings,
}

/// First and last moment of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First moment.
    pub first: Timestamp,
    /// Last moment.
    pub last: Timestamp,
}

impl Span {
    /// The span that holds all of these moments.
    fn of(moments: impl Iterator<Item = Timestamp>) -> Option<Self> {
        moments.fold(None, |span: Option<Self>, at| {
            Some(span.map_or(
                Self {
                    first: at,
                    last: at,
                },
                |span| Self {
                    first: span.first.min(at),
                    last: span.last.max(at),
                },
            ))
        })
    }

    /// How long it lasts.
    pub(crate) fn seconds(self) -> i64 {
        self.last.seconds().saturating_sub(self.first.seconds())
    }
}

impl BatchCase {
    /// The worst severity among its findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings
            .findings
            .iter()
            .map(|finding| finding.severity)
            .max()
    }

    /// When the incident was.
    pub fn incident(&self) -> Option<Span> {
        incident(&self.findings)
    }

    /// What its evidence covers.
    pub fn covered(&self) -> Option<Span> {
        let inputs = self.inputs.iter();
        Span::of(inputs.flat_map(|input| input.first.into_iter().chain(input.last)))
    }

    /// What kind of incident it is: the kinds of its conclusions, else the correlators of its worst findings.
    pub fn kinds(&self) -> Vec<&'static str> {
        let conclusions = self.findings.conclusions.iter().map(|one| one.kind);
        let mut kinds: Vec<&'static str> = conclusions.collect();
        if kinds.is_empty() {
            let worst = self.worst().filter(|worst| *worst >= Severity::Medium);
            let findings = self.findings.findings.iter();
            let worst = findings.filter(|one| Some(one.severity) == worst);
            kinds = worst.map(|one| one.correlator).collect();
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Findings of this severity.
    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }

    fn evidence(&self) -> Evidence {
        let sum = |of: fn(&InputLine) -> u64| self.inputs.iter().map(of).sum();
        Evidence {
            files: self.inputs.len(),
            unrecognised: self
                .inputs
                .iter()
                .filter(|input| input.format.is_none())
                .count(),
            records: sum(|input| input.records),
            skipped: sum(|input| input.skipped),
        }
    }
}

/// When an incident was: its findings of high severity, else of medium. What is below dates no incident: any estate
/// has it (docs/severity.md).
pub(crate) fn incident(findings: &Findings) -> Option<Span> {
    let of = |wanted: fn(Severity) -> bool| {
        let findings = findings.findings.iter();
        let findings = findings.filter(|finding| wanted(finding.severity));
        Span::of(findings.flat_map(|finding| finding.first.into_iter().chain(finding.last)))
    };
    of(|severity| severity >= Severity::High)
        .or_else(|| of(|severity| severity == Severity::Medium))
}

/// How much a case read.
struct Evidence {
    files: usize,
    unrecognised: usize,
    records: u64,
    skipped: u64,
}

/// Several cases, ready to be shown.
#[derive(Debug, Clone)]
pub struct Batch {
    /// In order of when the incident was; those without one last, by name.
    cases: Vec<BatchCase>,
    shared: Shared,
    lang: Lang,
}

impl Batch {
    /// Puts cases side by side; their order does not matter.
    pub fn new(mut cases: Vec<BatchCase>, lang: Lang) -> Self {
        let key = |case: &BatchCase| {
            let span = case.incident();
            (span.is_none(), span, case.name.clone(), case.folder.clone())
        };
        cases.sort_by_cached_key(key);
        Self {
            shared: Shared::of(&cases),
            cases,
            lang,
        }
    }

    /// The cases, in the report's order.
    pub fn cases(&self) -> &[BatchCase] {
        &self.cases
    }

    /// What they share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// `3 d 4 h`, `12 min`, `40 s`: the two largest units.
pub(crate) fn duration(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (length, unit) in UNITS {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / length));
            rest %= length;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0, "0 s"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (3_605, "1 h"),
            (90_000, "1 d 1 h"),
            (-5, "0 s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
