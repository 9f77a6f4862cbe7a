//! What made a suspicious series of ssh logins: a container, pod or process of the host with their source's address.
//!
//! Asked of each source whose logins broke a password, or mix failures with successes, so that `ssh-auth` or
//! `periodic-window` reach medium, where the source is inside or a log matches. Plain schedules and persons get no answer.
//!
//! The answer, in this order: the pod or container whose own address the source is; the one writer whose lines match
//! the logins (`series-match`); the one container that ran through all logins and ended between the last one and the
//! next window (`container-exit`). Several that fit are candidates of an unknown answer; none is an unknown answer.
//!
//! Confidence: that of the match or of the address; an end of the container that fits takes away 3 tenths of the
//! doubt, a life that can't have made all logins halves it; an end alone gives 0.5, or 0.35 where the log of logins
//! does not go on behind it. Never above 0.97: nobody saw the process connect.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Conclusion, Finding, Observable, ObservableType, Severity, Timestamp};
use coldcase_timeline::TimelineError;
use serde_json::Value;

use crate::facts::is_internal;
use crate::{CaseFacts, Fit, Identities, View};

mod lives;
#[cfg(test)]
mod tests;
mod visible;
mod words;

use lives::{Ending, Life};
use visible::Visible;

/// Most that can be said without a record of the process connecting.
const MOST: f64 = 0.97;
/// What a fitting end adds, as a share of the doubt.
const END_FITS: f64 = 0.3;
/// What is left where the container did not run through all logins.
const CONTRADICTED: f64 = 0.5;
/// A container that ended in time, without a log that matches; and where nothing shows that the logins ended.
const END_ALONE: f64 = 0.5;
const END_UNSEEN: f64 = 0.35;
/// Confidence of an address: surely, by a list of pods, perhaps.
const ADDRESS: (f64, f64, f64) = (0.95, 0.85, 0.6);
/// Share of logins that a match must explain to be an answer.
const EXPLAINS: f64 = 0.7;

/// A series that is asked about.
struct Asked<'a> {
    source: &'a str,
    host: Option<&'a str>,
    first: i64,
    last: i64,
    /// Findings about the source, by correlator.
    about: BTreeMap<&'static str, Vec<&'a Finding>>,
    /// The host that has the source's address.
    owner: Option<String>,
}

/// An answer in the making.
struct Answer<'a> {
    what: Observable,
    candidates: Vec<Observable>,
    confidence: f64,
    how: How<'a>,
}

/// What an answer rests on.
enum How<'a> {
    Address(String),
    Match(&'a Finding),
    Matches(Vec<&'a Finding>),
    End(&'a Life<'a>),
    Nothing,
}

/// An answer for each suspicious source.
pub(super) fn conclude(
    timeline: &View<'_>,
    facts: &CaseFacts,
    findings: &[Finding],
) -> Result<Vec<Conclusion>, TimelineError> {
    let sources: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| is_suspicious(finding))
        .filter_map(source)
        .collect();
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let identities = &timeline.identities;
    let mut conclusions = Vec::new();
    for source in sources {
        let Some(asked) = Asked::of(source, findings, facts, identities) else {
            continue;
        };
        let lives = lives::of(findings, &asked, facts);
        let answer = asked.answer(&lives, identities);
        let visible = Visible::read(timeline, facts, &asked, &answer.what)?;
        conclusions.push(asked.conclusion(&answer, &lives, &visible));
    }
    Ok(conclusions)
}

/// Whether a finding makes its source's logins worth asking about.
fn is_suspicious(finding: &Finding) -> bool {
    let pattern = text(finding, "pattern");
    let broken = matches!(pattern, Some("interleaved" | "brute-force-success"));
    let windowed =
        finding.correlator == "periodic-window" && text(finding, "action") == Some("ssh-login");
    finding.severity >= Severity::Medium && (finding.correlator == "ssh-auth" && broken || windowed)
}

/// The source that a finding on logins is about.
fn source(finding: &Finding) -> Option<&str> {
    match finding.correlator {
        "ssh-auth" => text(finding, "src_ip"),
        "periodic-window" | "first-seen" => text(finding, "entity"),
        "series-match" => finding.facts.get("effect")?.get("value")?.as_str(),
        _ => None,
    }
}

fn text<'a>(finding: &'a Finding, fact: &str) -> Option<&'a str> {
    finding.facts.get(fact)?.as_str()
}

fn number(finding: &Finding, fact: &str) -> f64 {
    finding
        .facts
        .get(fact)
        .and_then(Value::as_f64)
        .unwrap_or(0.0)
}

/// The cause of a match, as an answer names it.
fn cause(finding: &Finding) -> Option<Observable> {
    let cause = finding.facts.get("cause")?;
    let value = cause.get("value")?.as_str()?;
    let kind = match cause.get("type")?.as_str()? {
        "container" => ObservableType::Container,
        "pod" => ObservableType::Pod,
        "log" => ObservableType::Log,
        _ => ObservableType::Process,
    };
    Some(Observable::new(kind, value))
}

impl<'a> Asked<'a> {
    fn of(
        source_ip: &'a str,
        findings: &'a [Finding],
        facts: &CaseFacts,
        identities: &Identities,
    ) -> Option<Self> {
        let mut about: BTreeMap<&'static str, Vec<&Finding>> = BTreeMap::new();
        let of_source = findings.iter().filter(|one| source(one) == Some(source_ip));
        for finding in of_source {
            about.entry(finding.correlator).or_default().push(finding);
        }
        for of_kind in about.values_mut() {
            of_kind.sort_by(|a, b| {
                b.severity
                    .cmp(&a.severity)
                    .then(b.confidence.total_cmp(&a.confidence))
                    .then_with(|| a.id.cmp(&b.id))
            });
        }
        let all = |name: &str| about.get(name).into_iter().flatten().copied();
        let logins: Vec<&Finding> = all("ssh-auth").chain(all("periodic-window")).collect();
        let first = logins.iter().filter_map(|one| one.first).min()?.nanos();
        let last = logins.iter().filter_map(|one| one.last).max()?.nanos();
        let host = logins.iter().find_map(|finding| {
            let host = finding
                .subjects
                .iter()
                .find(|one| one.kind == ObservableType::Host)?;
            Some(host.value.as_str())
        });
        let owner = match facts.host_with(source_ip) {
            Some(host) => Some(host.name.clone()),
            None => {
                let held = identities.at(source_ip, Some(first), Some(last)).best;
                held.and_then(|held| match held.observable.kind {
                    ObservableType::Host => Some(held.observable.value),
                    _ => held.host,
                })
            }
        };
        // Who guesses from outside is no process of ours.
        let ours = is_internal(source_ip) || owner.is_some() || about.contains_key("series-match");
        ours.then_some(Self {
            source: source_ip,
            host,
            first,
            last,
            about,
            owner,
        })
    }

    fn answer<'l>(&self, lives: &'l [Life<'l>], identities: &Identities) -> Answer<'l>
    where
        'a: 'l,
    {
        if let Some(answer) = self.by_address(identities) {
            return answer;
        }
        if let Some(answer) = self.by_match(lives) {
            return answer;
        }
        let fitting: Vec<&Life<'_>> = lives.iter().filter(|life| life.fits()).collect();
        match fitting.as_slice() {
            [only] => Answer {
                what: only.container(),
                candidates: Vec::new(),
                confidence: if only.ending == Ending::Fits {
                    END_ALONE
                } else {
                    END_UNSEEN
                },
                how: How::End(only),
            },
            several => Answer {
                what: self.unknown(),
                candidates: several.iter().map(|life| life.container()).collect(),
                confidence: 0.2,
                how: How::Nothing,
            },
        }
    }

    fn unknown(&self) -> Observable {
        Observable::new(ObservableType::Unknown, self.source)
    }

    /// Where the source is a pod's or container's own address.
    fn by_address<'l>(&self, identities: &Identities) -> Option<Answer<'l>> {
        let held = identities.at(self.source, Some(self.first), Some(self.last));
        let is_host = |one: &Observable| one.kind == ObservableType::Host;
        if let Some(best) = held.best.filter(|best| !is_host(&best.observable)) {
            let confidence = match best.fit {
                Fit::Exact => ADDRESS.0,
                Fit::Listed => ADDRESS.1,
                Fit::Possible | Fit::Weak => ADDRESS.2,
            };
            return Some(Answer {
                what: best.observable,
                candidates: Vec::new(),
                confidence,
                how: How::Address(best.source),
            });
        }
        let candidates: Vec<Observable> = held
            .candidates
            .into_iter()
            .map(|holder| holder.observable)
            .filter(|one| !is_host(one))
            .collect();
        (candidates.len() > 1).then(|| Answer {
            what: self.unknown(),
            candidates,
            confidence: 0.3,
            how: How::Nothing,
        })
    }

    /// Where lines match.
    fn by_match<'l>(&self, lives: &'l [Life<'l>]) -> Option<Answer<'l>>
    where
        'a: 'l,
    {
        let matches = self.about.get("series-match").into_iter().flatten();
        let explaining: Vec<&Finding> = matches
            .copied()
            .filter(|one| number(one, "recall") >= EXPLAINS && one.severity >= Severity::Low)
            .collect();
        let is_container = |one: &&Finding| {
            cause(one).is_some_and(|what| {
                matches!(what.kind, ObservableType::Container | ObservableType::Pod)
            })
        };
        let alone = |one: &&Finding| one.facts.get("fits_alone") == Some(&Value::Bool(true));
        let sure = |one: &&Finding| one.severity >= Severity::Medium;
        // A container is a better answer than the process inside of it.
        let sure_and_alone = || {
            explaining
                .iter()
                .copied()
                .filter(|one| alone(one) && sure(one))
        };
        let best = sure_and_alone()
            .find(is_container)
            .or_else(|| sure_and_alone().next());
        let rivals: Vec<&Finding> = explaining
            .iter()
            .copied()
            .filter(|one| !alone(one))
            .collect();
        if best.is_none() && rivals.len() > 1 {
            return Some(self.among(rivals, lives));
        }
        let best = best.or_else(|| explaining.iter().copied().find(alone))?;
        let what = cause(best)?;
        let life = lives.iter().find(|life| life.container() == what);
        let doubt = 1.0 - best.confidence;
        let confidence = match life.map(|life| life.ending) {
            Some(Ending::Fits) => 1.0 - doubt * (1.0 - END_FITS),
            Some(Ending::StartedLater | Ending::EndedEarlier) => best.confidence * CONTRADICTED,
            _ => best.confidence,
        };
        // A log that nothing ties to a container names the host at most.
        let (what, candidates) = match (what.kind, &self.owner) {
            (ObservableType::Log, Some(owner)) => {
                (Observable::new(ObservableType::Host, owner), vec![what])
            }
            (ObservableType::Log, None) => (self.unknown(), vec![what]),
            _ => (what, Vec::new()),
        };
        Some(Answer {
            what,
            candidates,
            confidence: confidence.min(MOST),
            how: How::Match(best),
        })
    }

    /// Of several that match alike the one that ended in time, or none.
    fn among<'l>(&self, rivals: Vec<&'l Finding>, lives: &'l [Life<'l>]) -> Answer<'l> {
        let ended = |one: &&Finding| {
            let what = cause(one);
            lives
                .iter()
                .any(|life| life.ending == Ending::Fits && Some(life.container()) == what)
        };
        let candidates: Vec<Observable> = rivals.iter().filter_map(|one| cause(one)).collect();
        let mut ending = rivals.iter().copied().filter(ended);
        if let (Some(only), None) = (ending.next(), ending.next())
            && let Some(what) = cause(only)
        {
            return Answer {
                candidates: candidates.into_iter().filter(|one| *one != what).collect(),
                what,
                confidence: 0.65,
                how: How::Match(only),
            };
        }
        Answer {
            what: self.unknown(),
            candidates,
            confidence: 0.4,
            how: How::Matches(rivals),
        }
    }

    fn conclusion(&self, answer: &Answer<'_>, lives: &[Life<'_>], visible: &Visible) -> Conclusion {
        let mut because: Vec<String> = Vec::new();
        match &answer.how {
            How::Match(finding) => because.push(finding.id.clone()),
            How::Matches(findings) => because.extend(findings.iter().map(|one| one.id.clone())),
            How::End(life) => because.push(life.finding.id.clone()),
            How::Address(_) | How::Nothing => {}
        }
        let ended = lives.iter().filter(|life| life.container() == answer.what);
        because.extend(ended.map(|life| life.finding.id.clone()));
        for correlator in ["series-match", "periodic-window", "ssh-auth", "first-seen"] {
            let of_kind = self.about.get(correlator).and_then(|all| all.first());
            because.extend(of_kind.map(|one| one.id.clone()));
        }
        let mut seen = BTreeSet::new();
        because.retain(|id| seen.insert(id.clone()));
        Conclusion {
            kind: "login-cause",
            about: Observable::new(ObservableType::Ip, self.source),
            question: format!("what caused the ssh logins from {}", self.source),
            answer: answer.what.clone(),
            candidates: answer.candidates.clone(),
            confidence: (answer.confidence * 1000.0).round() / 1000.0,
            because,
            text: words::text(self, answer, lives, visible),
        }
    }
}

/// A moment as people read it.
fn clock(ns: i64) -> String {
    Timestamp(ns / 1_000_000_000 * 1_000_000_000).to_string()
}
