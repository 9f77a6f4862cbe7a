//! What the drawings show, computed once from the timeline and the findings; memory is bounded by buckets and caps.

use std::collections::BTreeSet;

use coldcase_model::{Conclusion, Finding, Findings, Severity, Timestamp};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::dns_path::DnsPath;
use super::flood::Flood;
use super::heatmap::Heatmap;
use super::lanes::Lanes;
use super::lifelines::Lives;
use super::series::Series;
use super::surge::Surge;
use super::svg::SECOND;
use super::{dns_path, flood, heatmap, lifelines, logins, series, surge};

/// Findings that say when it happened, by kind of conclusion; others of its chain reach far back.
const WHEN: [(&str, &[&str]); 4] = [
    ("login-cause", &["periodic-window", "series-match"]),
    ("dns-origin", &["dns-origin"]),
    ("flood-source", &["syn-flood", "top-talker"]),
    ("way-in", &["suspicious-container", "miner"]),
];

/// What the drawings of a report show.
#[derive(Debug, Clone, Default)]
pub struct Charts {
    pub(super) lanes: Lanes,
    pub(super) heatmaps: Vec<Heatmap>,
    pub(super) series: Vec<Series>,
    pub(super) paths: Vec<DnsPath>,
    pub(super) floods: Vec<Flood>,
    pub(super) surges: Vec<Surge>,
    pub(super) lives: Option<Lives>,
}

impl Charts {
    /// From a timeline, what was found in it, and the case's `coverage` (as `case.json` holds it).
    pub fn of(
        timeline: &Timeline,
        findings: &Findings,
        coverage: &[Value],
    ) -> Result<Self, TimelineError> {
        let focus = focus(findings);
        let mut sources: BTreeSet<String> = heatmap::sources(findings);
        sources.extend(series::sources(findings));
        let logins = logins::read(timeline, &sources)?;
        let series = series::of(findings, timeline, &logins)?;
        let moments = series
            .first()
            .map(|one| one.effects.clone())
            .unwrap_or_default();
        Ok(Self {
            lanes: Lanes::of(timeline, coverage, focus)?,
            heatmaps: heatmap::of(findings, &logins),
            paths: dns_path::of(findings, timeline)?,
            floods: flood::of(findings, timeline)?,
            surges: surge::of(findings, timeline)?,
            lives: lifelines::of(findings, timeline, focus, moments)?,
            series,
        })
    }
}

/// When it happened: what the conclusions' own findings span, else what findings of weight do.
fn focus(findings: &Findings) -> Option<(i64, i64)> {
    let told = findings.conclusions.iter().filter_map(|conclusion| {
        let because = findings
            .findings
            .iter()
            .filter(|finding| conclusion.because.contains(&finding.id));
        when(conclusion, &because.collect::<Vec<_>>())
    });
    let weighty = findings
        .findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Medium);
    let all = told
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .or_else(|| span(weighty));
    all.map(|(first, last)| {
        let first = first.nanos();
        (first, last.nanos().max(first.saturating_add(SECOND)))
    })
}

/// First and last moment of what a conclusion is about.
pub(super) fn when(
    conclusion: &Conclusion,
    because: &[&Finding],
) -> Option<(Timestamp, Timestamp)> {
    span(telling(conclusion, because).into_iter())
}

/// Those of its findings that say when it happened; all, where none of these is dated.
pub(crate) fn telling<'f>(conclusion: &Conclusion, because: &[&'f Finding]) -> Vec<&'f Finding> {
    let of_kind = WHEN.iter().find(|(kind, _)| *kind == conclusion.kind);
    let says =
        |finding: &&Finding| of_kind.is_some_and(|(_, ids)| ids.contains(&finding.correlator));
    let telling: Vec<&Finding> = because.iter().copied().filter(says).collect();
    if span(telling.iter().copied()).is_some() {
        telling
    } else {
        because.to_vec()
    }
}

fn span<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<(Timestamp, Timestamp)> {
    let spans = findings.filter_map(|finding| {
        Some((
            finding.first.or(finding.last)?,
            finding.last.or(finding.first)?,
        ))
    });
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// A fact that is a text.
pub(super) fn fact_text<'a>(finding: &'a Finding, name: &str) -> Option<&'a str> {
    finding.facts.get(name)?.as_str()
}

/// A fact that is a number.
pub(super) fn fact_number(finding: &Finding, name: &str) -> Option<f64> {
    finding.facts.get(name)?.as_f64()
}

/// Whether a conclusion rests on this finding.
pub(super) fn is_concluded(findings: &Findings, finding: &Finding) -> bool {
    findings
        .conclusions
        .iter()
        .any(|conclusion| conclusion.because.contains(&finding.id))
}
