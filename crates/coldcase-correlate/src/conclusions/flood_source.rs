//! Who floods: the host behind a flood's source address, with what agrees, what lost, and what the evidence can't
//! show.
//!
//! One answer for each flood that `syn-flood` states at medium or above; without any capture, for traffic that
//! `iftop` shows to go one way only, and for a jump of the traffic during which a host's table of connections ran
//! full. The answer is a host, or unknown: made-up sources lead nowhere, an address outside belongs to no host of
//! the case (it is a candidate then), a gateway stands for others. An internal address that is surely real (some of
//! its attempts completed, or neighbours know its card) but that nothing names is answered as the address itself.
//!
//! Confidence: what names the owner of the address gives 0.8 to 0.92 (`owner`); each independent source that agrees
//! (the host's own meter, metrics that jump before or while the flood is on) takes a third off the doubt. Without a
//! capture the answer begins at 0.7 (one-way traffic) or 0.55 (full table).

use std::collections::BTreeMap;

use coldcase_model::{Conclusion, Finding, Observable, ObservableType, Severity};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use crate::facts::is_internal;
use crate::{CaseFacts, View};

mod owner;
mod scene;
mod words;

use owner::{Owner, Owners};
use scene::Scene;
use words::Told;

/// Share of the doubt that is left by each source that agrees.
const DOUBT_LEFT: f64 = 2.0 / 3.0;
/// Confidence of an answer that is an address without a name.
const ADDRESS_ALONE: f64 = 0.6;
/// Confidence of answers without a capture.
const ONE_WAY_ALONE: f64 = 0.7;
const FULL_TABLE_ALONE: f64 = 0.55;
/// Nanoseconds between a jump of the metrics and a flood, or full tables, that belong together. Captures begin when somebody was
/// called: hours later.
const SAME_FLOOD: i64 = 6 * 3_600 * 1_000_000_000;
const SAME_BEGIN: i64 = 900 * 1_000_000_000;
/// Nanoseconds before a flood in which sessions may have begun it.
const SESSIONS_BEFORE: i64 = 86_400 * 1_000_000_000;

/// A flood as its finding states it.
pub(super) struct Flood<'a> {
    pub finding: &'a Finding,
    pub source: Option<&'a str>,
    pub target: Option<String>,
    pub ports: Vec<i64>,
    pub first: Option<i64>,
    pub last: Option<i64>,
}

/// Findings that bear on one flood.
#[derive(Default)]
pub(super) struct Related<'a> {
    /// The host's own meter, and metrics.
    pub meters: Vec<&'a Finding>,
    pub metrics: Vec<&'a Finding>,
    pub hidden: Vec<&'a Finding>,
    pub sessions: Vec<&'a Finding>,
}

impl<'a> Related<'a> {
    fn ids(&self) -> impl Iterator<Item = String> + '_ {
        let all = [&self.meters, &self.metrics, &self.hidden, &self.sessions];
        all.into_iter().flatten().map(|finding| finding.id.clone())
    }
}

/// An answer for each flood.
pub(super) fn conclude(
    timeline: &View<'_>,
    facts: &CaseFacts,
    findings: &[Finding],
) -> Result<Vec<Conclusion>, TimelineError> {
    let of = |correlator: &str| -> Vec<&Finding> {
        let told = findings.iter().filter(|one| one.correlator == correlator);
        told.filter(|one| one.severity >= Severity::Medium)
            .collect()
    };
    let (floods, talkers) = (of("syn-flood"), of("top-talker"));
    if floods.is_empty() && talkers.is_empty() {
        return Ok(Vec::new());
    }
    let owners = Owners::read(timeline, facts)?;
    let scene = Scene::read(timeline)?;
    let case = Case {
        timeline,
        facts,
        findings,
        owners,
        scene,
    };
    let mut concluded: BTreeMap<String, Conclusion> = BTreeMap::new();
    for finding in &floods {
        let conclusion = case.of_flood(&flood(finding, &case.scene))?;
        concluded.insert(conclusion.question.clone(), conclusion);
    }
    if floods.is_empty() {
        for finding in talkers {
            if let Some(conclusion) = case.of_talker(finding)? {
                concluded
                    .entry(conclusion.question.clone())
                    .or_insert(conclusion);
            }
        }
    }
    Ok(concluded.into_values().collect())
}

pub(super) fn text<'a>(finding: &'a Finding, fact: &str) -> Option<&'a str> {
    finding.facts.get(fact)?.as_str()
}

fn flag(finding: &Finding, fact: &str) -> bool {
    finding.facts.get(fact).and_then(Value::as_bool) == Some(true)
}

fn flood<'a>(finding: &'a Finding, scene: &Scene) -> Flood<'a> {
    let source = text(finding, "src_ip");
    let ports = finding.facts.get("dst_ports").and_then(Value::as_array);
    let target = match text(finding, "kind") {
        Some("spoofed-source") => finding.subjects.first().map(|one| one.value.clone()),
        Some("single-target") => source.and_then(|source| scene.targets.get(source).cloned()),
        _ => None,
    };
    Flood {
        finding,
        source,
        target,
        ports: ports
            .into_iter()
            .flatten()
            .filter_map(Value::as_i64)
            .collect(),
        first: finding.first.map(|at| at.nanos()),
        last: finding.last.map(|at| at.nanos()),
    }
}

struct Case<'a> {
    timeline: &'a Timeline,
    facts: &'a CaseFacts,
    findings: &'a [Finding],
    owners: Owners<'a>,
    scene: Scene,
}

impl Case<'_> {
    fn of_flood(&self, flood: &Flood<'_>) -> Result<Conclusion, TimelineError> {
        let owner = match flood.source {
            Some(source) => self
                .owners
                .of(source, (flood.first, flood.last), &flood.ports),
            None => self.sends_spoofed(flood),
        };
        let related = self.related(flood, owner.as_ref());
        let device = self.device(flood, owner.as_ref(), &related);
        let about = match (&owner, &device, &flood.target) {
            (None, _, Some(target)) => Observable::new(ObservableType::Ip, target),
            (Some(_), Some(device), _) => Observable::new(ObservableType::Device, device),
            (.., Some(target)) => Observable::new(ObservableType::Ip, target),
            _ => Observable::new(ObservableType::Ip, flood.source.unwrap_or("unknown")),
        };
        let agreeing = related.meters.len().min(1) + related.metrics.len().min(1);
        let base = owner.as_ref().map_or(0.5, |owner| owner.confidence);
        let confidence = 1.0 - (1.0 - base) * (0..agreeing).map(|_| DOUBT_LEFT).product::<f64>();
        let told = Told {
            facts: self.facts,
            flood,
            owner: owner.as_ref(),
            related: &related,
            device: device.as_deref(),
            scene: &self.scene,
            card: flood.source.and_then(|source| self.owners.card_of(source)),
            confidence: (base, agreeing),
        };
        let sockets = match &owner {
            Some(owner) => Some(scene::sockets(self.timeline, &owner.host, &flood.ports)?),
            None => None,
        };
        let real = flood
            .source
            .filter(|_| owner.is_none())
            .filter(|source| self.is_real(source));
        let text = told.text(sockets.as_ref());
        let question = told.question();
        let mut because = vec![flood.finding.id.clone()];
        because.extend(related.ids());
        Ok(Conclusion {
            kind: "flood-source",
            about,
            question,
            candidates: match real {
                Some(_) => Vec::new(),
                None => candidates(flood, owner.as_ref()),
            },
            confidence: rounded(match (&owner, real) {
                (Some(_), _) => confidence,
                (None, Some(_)) => ADDRESS_ALONE,
                (None, None) => 0.5,
            }),
            answer: real.map_or_else(
                || answer(owner.as_ref()),
                |address| Observable::new(ObservableType::Ip, address),
            ),
            because,
            text,
        })
    }

    /// Whether an internal address is somebody's: made-up ones complete no session and have no card.
    fn is_real(&self, address: &str) -> bool {
        let completes = self
            .scene
            .sources
            .iter()
            .any(|one| one.address == address && one.completed > 0);
        is_internal(address) && (completes || self.owners.card_of(address).is_some())
    }

    /// The host that sends under made-up addresses: one whose own meter shows traffic that goes out only, while the victim is outside.
    fn sends_spoofed(&self, flood: &Flood<'_>) -> Option<Owner> {
        let victim = flood.target.as_deref()?;
        if is_internal(victim)
            || self
                .owners
                .of(victim, (flood.first, flood.last), &[])
                .is_some()
        {
            return None;
        }
        let lonely = self
            .findings
            .iter()
            .filter(|one| one.correlator == "top-talker" && flag(one, "one_way"));
        let mut hosts: Vec<&str> = lonely
            .filter(|one| text(one, "direction") == Some("out"))
            .filter_map(|one| text(one, "host"))
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        match hosts.as_slice() {
            [host] => Some(Owner {
                host: (*host).to_owned(),
                within: None,
                how: "the addresses are made up, but this host's own meter shows traffic that only goes out".to_owned(),
                confidence: ONE_WAY_ALONE,
            }),
            _ => None,
        }
    }

    fn is_of(&self, finding: &Finding, host: &str) -> bool {
        let mut hosts = finding
            .subjects
            .iter()
            .filter(|one| one.kind == ObservableType::Host)
            .peekable();
        if hosts.peek().is_some() {
            return hosts.any(|one| one.value == host);
        }
        let from = |path: &str| path.split('/').any(|part| part == host);
        self.facts.hosts.len() <= 1 || finding.evidence.iter().any(|record| from(&record.file))
    }

    fn related(&self, flood: &Flood<'_>, owner: Option<&Owner>) -> Related<'_> {
        let mut related = Related::default();
        let Some(owner) = owner else {
            return related;
        };
        let until = flood.last.unwrap_or(i64::MAX);
        for finding in self.findings {
            let first = finding.first.map(|at| at.nanos());
            let last = finding.last.map(|at| at.nanos()).or(first);
            match finding.correlator {
                "top-talker"
                    if flag(finding, "one_way") && text(finding, "host") == Some(&owner.host) =>
                {
                    related.meters.push(finding);
                }
                "top-talker"
                    if flag(finding, "surge") && text(finding, "direction") != Some("in") =>
                {
                    let begun = first.is_some_and(|first| first <= until);
                    let on = last.zip(flood.first).is_some_and(|(last, begin)| {
                        last >= begin
                            || !flag(finding, "ended") && begin.saturating_sub(last) <= SAME_FLOOD
                    });
                    if begun && on && finding.severity >= Severity::Medium {
                        related.metrics.push(finding);
                    }
                }
                "hidden-process" if self.is_of(finding, &owner.host) => {
                    related.hidden.push(finding)
                }
                "remote-access"
                    if finding.severity >= Severity::Medium && self.is_of(finding, &owner.host) =>
                {
                    let near = first.is_some_and(|first| {
                        first <= until
                            && flood
                                .first
                                .is_none_or(|begin| begin.saturating_sub(first) <= SESSIONS_BEFORE)
                    });
                    related.sessions.extend(near.then_some(finding));
                }
                "ssh-auth"
                    if text(finding, "pattern") == Some("brute-force-success")
                        && text(finding, "host") == Some(&owner.host) =>
                {
                    related
                        .sessions
                        .extend(first.is_none_or(|first| first <= until).then_some(finding));
                }
                _ => {}
            }
        }
        related
    }

    fn device(
        &self,
        flood: &Flood<'_>,
        owner: Option<&Owner>,
        related: &Related<'_>,
    ) -> Option<String> {
        let metered = related.meters.iter().find_map(|one| text(one, "device"));
        let listed = flood
            .source
            .and_then(|source| self.owners.device_of(source));
        let kernel = owner.and_then(|owner| self.scene.kernels.get(&owner.host));
        let listening = kernel
            .filter(|kernel| kernel.listening.len() == 1)
            .and_then(|kernel| kernel.listening.first());
        metered
            .or(listed)
            .or(listening.map(String::as_str))
            .map(str::to_owned)
    }

    /// An answer from traffic alone: what only goes out, or jumps while a host's table of connections is full.
    fn of_talker(&self, finding: &Finding) -> Result<Option<Conclusion>, TimelineError> {
        let at = |time: Option<coldcase_model::Timestamp>| time.map(|at| at.nanos());
        let span = (at(finding.first), at(finding.last));
        let inward = text(finding, "direction") == Some("in");
        let owner = if flag(finding, "one_way") {
            let source = text(finding, "src_ip");
            let owner = source.and_then(|source| self.owners.of(source, span, &[]));
            let metered = text(finding, "host").filter(|_| source.is_none() && !inward);
            let metered = metered.map(|host| Owner {
                host: host.to_owned(),
                within: None,
                how: "its own meter shows it".to_owned(),
                confidence: ONE_WAY_ALONE,
            });
            owner.or(metered).map(|owner| Owner {
                confidence: ONE_WAY_ALONE,
                ..owner
            })
        } else {
            let full = self.scene.kernels.iter().filter(|(_, kernel)| {
                let begin = span.0.unwrap_or(i64::MAX);
                kernel
                    .full
                    .iter()
                    .any(|at| at.saturating_sub(begin).saturating_abs() <= SAME_BEGIN)
            });
            let mut hosts: Vec<&String> = full.map(|(host, _)| host).collect();
            hosts.dedup();
            let [host] = hosts.as_slice() else {
                return Ok(None);
            };
            Some(Owner {
                host: (*host).clone(),
                within: None,
                how: "its table of connections ran full within minutes of the jump".to_owned(),
                confidence: FULL_TABLE_ALONE,
            })
        };
        let sockets = match &owner {
            Some(owner) => Some(scene::sockets(self.timeline, &owner.host, &[])?),
            None => None,
        };
        let device = text(finding, "device");
        let host = text(finding, "host").unwrap_or("unknown");
        let about = device.map_or_else(
            || Observable::new(ObservableType::Host, host),
            |device| Observable::new(ObservableType::Device, device),
        );
        let candidates = text(finding, "src_ip").filter(|_| owner.is_none());
        Ok(Some(Conclusion {
            kind: "flood-source",
            about,
            question: words::question_of_talker(finding, inward),
            answer: answer(owner.as_ref()),
            candidates: candidates
                .map(|address| Observable::new(ObservableType::Ip, address))
                .into_iter()
                .collect(),
            confidence: owner.as_ref().map_or(0.5, |owner| owner.confidence),
            because: vec![finding.id.clone()],
            text: words::of_talker(finding, owner.as_ref(), sockets.as_ref()),
        }))
    }
}

fn rounded(confidence: f64) -> f64 {
    (confidence * 1000.0).round() / 1000.0
}

fn answer(owner: Option<&Owner>) -> Observable {
    owner.map_or_else(
        || Observable::new(ObservableType::Unknown, "unknown"),
        |owner| Observable::new(ObservableType::Host, &owner.host),
    )
}

fn candidates(flood: &Flood<'_>, owner: Option<&Owner>) -> Vec<Observable> {
    match (owner, flood.source) {
        (Some(owner), _) => owner.within.iter().cloned().collect(),
        (None, Some(source)) => vec![Observable::new(ObservableType::Ip, source)],
        (None, None) => Vec::new(),
    }
}
