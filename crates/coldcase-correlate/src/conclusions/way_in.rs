//! How a miner, or a container that is an intruder's, came in: by which exposed service or account.
//!
//! Asked about each process that surely mines; where there is none, about each container that is surely an intruder's. Candidates
//! are services that outsiders used, accounts whose password was guessed, and remote desktops; each is weighed by what links it to the
//! subject. The best is the answer only where it is linked well and clearly before the next; else the answer is unknown, with candidates.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Conclusion, Finding, Observable, ObservableType, Severity, Timestamp};
use coldcase_timeline::TimelineError;
use serde_json::Value;

use crate::{CaseFacts, View};

mod candidates;
mod processes;
mod words;

use candidates::Candidate;
use processes::Listed;

/// What a candidate must weigh at least to be an answer: something beyond being reachable must link it.
const ENOUGH: f64 = 0.4;
/// By how much it must weigh more than the next one.
const CLEARLY: f64 = 0.18;
/// Subjects asked about; an outbreak has the same answer for all.
const MOST_SUBJECTS: usize = 16;
/// A process that a container put onto its host begins at most so long after the container's end: a dropper loads and waits.
const AFTERWARDS_NS: i64 = 15 * 60 * 1_000_000_000;

/// What is asked about.
struct Subject<'a> {
    finding: &'a Finding,
    about: &'a Observable,
    host: Option<&'a str>,
    /// When it began: earliest and latest.
    began: Option<(i64, i64)>,
    /// The container that it runs in, or that put it onto the host.
    container: Option<&'a Finding>,
    /// Whether it runs in that container.
    is_inside: bool,
}

/// An answer for each.
pub(super) fn conclude(
    timeline: &View<'_>,
    facts: &CaseFacts,
    findings: &[Finding],
) -> Result<Vec<Conclusion>, TimelineError> {
    let of = |correlator: &str| -> Vec<&Finding> {
        findings
            .iter()
            .filter(|one| one.correlator == correlator && one.severity >= Severity::High)
            .collect()
    };
    let (mut asked, containers) = (of("miner"), of("suspicious-container"));
    if asked.is_empty() {
        asked.clone_from(&containers);
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    asked.sort_by(|a, b| (b.severity, &a.subjects, &a.id).cmp(&(a.severity, &b.subjects, &b.id)));
    asked.truncate(MOST_SUBJECTS);
    let listed = Listed::of(timeline)?;
    let logins = candidates::guessed_logins(timeline, findings);
    let mut conclusions = Vec::new();
    for finding in asked {
        let Some(subject) = subject(finding, &containers, &listed, facts) else {
            continue;
        };
        let candidates = candidates::of(&subject, findings, &logins, facts);
        conclusions.push(conclusion(&subject, candidates, findings, &listed, facts));
    }
    Ok(conclusions)
}

fn subject<'a>(
    finding: &'a Finding,
    containers: &[&'a Finding],
    listed: &Listed,
    facts: &'a CaseFacts,
) -> Option<Subject<'a>> {
    let kinds = [
        ObservableType::Process,
        ObservableType::Container,
        ObservableType::Pod,
    ];
    let about = finding
        .subjects
        .iter()
        .find(|one| kinds.contains(&one.kind))?;
    let host = host_of(finding, facts);
    if finding.correlator == "suspicious-container" {
        let began = time(finding, "created")
            .or(finding.first.map(Timestamp::nanos))
            .map(|at| (at, at));
        return Some(Subject {
            finding,
            about,
            host,
            began,
            container: Some(finding),
            is_inside: true,
        });
    }
    let pid = finding.facts.get("pid").and_then(Value::as_i64);
    let told = time(finding, "started").map(|at| (at, at));
    let began = pid.and_then(|pid| listed.began(host, pid)).or(told);
    let here = || {
        containers
            .iter()
            .copied()
            .filter(|one| host_of(one, facts) == host)
    };
    let named = text(finding, "container");
    let runs = |one: &&Finding| {
        let by_name = named.is_some() && text(one, "container") == named;
        by_name
            || strings(one, "processes")
                .any(|process| process == about.value || ends_with_pid(process, pid))
    };
    let inside = here().find(runs);
    let put = || {
        let mut fitting: Vec<&Finding> = here().filter(|one| has_put(one, began)).collect();
        // Of several the last one that began before it.
        fitting.sort_by_key(|one| {
            (
                time(one, "created").or(time(one, "started")),
                one.id.as_str(),
            )
        });
        fitting.pop()
    };
    Some(Subject {
        finding,
        about,
        host,
        began,
        container: inside.or_else(put),
        is_inside: inside.is_some(),
    })
}

fn ends_with_pid(process: &str, pid: Option<i64>) -> bool {
    pid.is_some_and(|pid| process.ends_with(&format!("[{pid}]")))
}

/// Whether a container may have put a process onto its host: it could, and the process began while it ran or soon after.
fn has_put(container: &Finding, began: Option<(i64, i64)>) -> bool {
    let powers = container.facts.get("powers").and_then(Value::as_bool) == Some(true);
    let start = time(container, "created").or(time(container, "started"));
    let end = time(container, "finished")
        .or(time(container, "started"))
        .or(start);
    let fits = began
        .zip(start.zip(end))
        .is_some_and(|((first, last), (start, end))| {
            last >= start && first <= end.saturating_add(AFTERWARDS_NS)
        });
    powers && fits
}

fn conclusion(
    subject: &Subject<'_>,
    candidates: Vec<Candidate<'_>>,
    findings: &[Finding],
    listed: &Listed,
    facts: &CaseFacts,
) -> Conclusion {
    let next = candidates.get(1).map_or(0.0, |one| one.weight);
    let best = candidates
        .first()
        .filter(|best| best.weight >= ENOUGH && best.weight - next >= CLEARLY);
    let answer = best.map_or_else(
        || Observable::new(ObservableType::Unknown, "unknown"),
        |best| best.observable.clone(),
    );
    let mut because = BTreeSet::from([subject.finding.id.clone()]);
    because.extend(subject.container.map(|one| one.id.clone()));
    because.extend(
        candidates
            .iter()
            .filter(|one| {
                best.is_none() || Some(&one.observable) == best.map(|best| &best.observable)
            })
            .map(|one| one.finding.id.clone()),
    );
    let others = candidates
        .iter()
        .filter(|one| Some(&one.observable) != best.map(|best| &best.observable));
    let host = subject.host.unwrap_or("the host");
    Conclusion {
        kind: "way-in",
        about: subject.about.clone(),
        question: format!("how did {} come onto {host}", subject.about.value),
        answer,
        candidates: others.map(|one| one.observable.clone()).collect(),
        confidence: best.map_or(0.2, |best| (best.weight * 1000.0).round() / 1000.0),
        because: because.into_iter().collect(),
        text: words::text(subject, best, &candidates, findings, listed, facts),
    }
}

/// The host that a finding is of: as it says, else by the file of its first record.
fn host_of<'a>(finding: &'a Finding, facts: &'a CaseFacts) -> Option<&'a str> {
    let named = finding
        .subjects
        .iter()
        .find(|one| one.kind == ObservableType::Host);
    let told = text(finding, "host").or(named.map(|one| one.value.as_str()));
    told.or_else(|| {
        let file = finding.evidence.first()?.file.as_str();
        facts
            .coverage
            .iter()
            .find(|span| span.file == file)?
            .host
            .as_deref()
    })
}

fn text<'a>(finding: &'a Finding, fact: &str) -> Option<&'a str> {
    finding.facts.get(fact)?.as_str()
}

fn strings<'a>(finding: &'a Finding, fact: &str) -> impl Iterator<Item = &'a str> {
    let list = finding
        .facts
        .get(fact)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(Value::as_str)
}

fn time(finding: &Finding, fact: &str) -> Option<i64> {
    Timestamp::parse_rfc3339(text(finding, fact)?).map(Timestamp::nanos)
}

/// Containers of a host that outsiders asked for, by who asked.
fn asked_for<'a>(
    findings: &'a [Finding],
    host: Option<&str>,
    facts: &CaseFacts,
) -> BTreeMap<&'a str, Vec<&'a Finding>> {
    let mut asked: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let of_host = findings
        .iter()
        .filter(|one| one.correlator == "suspicious-container" && host_of(one, facts) == host);
    for finding in of_host {
        if let Some(from) = text(finding, "created_by") {
            asked.entry(from).or_default().push(finding);
        }
    }
    asked
}

#[cfg(test)]
mod tests;
