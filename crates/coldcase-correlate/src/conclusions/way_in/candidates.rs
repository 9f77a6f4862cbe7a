//! Ways in that fit a subject, each with its weight and what it rests on.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp};
use serde_json::Value;

use super::{Subject, host_of, strings, text};
use crate::{CaseFacts, View};

const HOUR_NS: i64 = 3_600 * 1_000_000_000;

/// The service made the subject's container for this caller: request and container are one by id.
const MADE_IT: f64 = 0.95;
/// Outsiders gave it orders before the subject began.
const TOOK_ORDERS: f64 = 0.65;
/// Outsiders used it, what they said is not known, and the subject's container fits what it makes.
const USED_AND_FITS: f64 = 0.65;
/// Outsiders used it; what they said is not known.
const WAS_USED: f64 = 0.45;
/// It stands open, nobody is seen using it, and the subject's container fits what it makes.
const STANDS_OPEN: f64 = 0.45;
/// It stands open and nothing more.
const ONLY_OPEN: f64 = 0.15;
/// An account was guessed before the subject began; more where the subject runs as that account, and where it began within the hour.
const GUESSED: f64 = 0.5;
const SAME_ACCOUNT: f64 = 0.25;
const WITHIN_THE_HOUR: f64 = 0.1;
/// A remote desktop or shell that strangers used.
const REMOTE_ACCESS: f64 = 0.35;

/// One way in.
pub(super) struct Candidate<'a> {
    pub observable: Observable,
    pub weight: f64,
    pub finding: &'a Finding,
    pub why: String,
}

/// Logins of sources that guessed: when and as whom, by source and host.
pub(super) type Logins = BTreeMap<(String, String), Vec<(Option<i64>, String)>>;

pub(super) fn guessed_logins(view: &View<'_>, findings: &[Finding]) -> Logins {
    let guessed = findings.iter().filter(|one| is_guessed(one));
    let sources: BTreeSet<&str> = guessed.filter_map(|one| text(one, "src_ip")).collect();
    let of_guessers = view.logins.by_source();
    of_guessers
        .filter(|of| sources.contains(of.source))
        .map(|of| {
            let logins = of.logins();
            let let_in = logins.iter().filter(|login| login.success);
            let logins = let_in.map(|login| (login.ts(), view.logins.user(login).to_owned()));
            ((of.source.to_owned(), of.host.to_owned()), logins.collect())
        })
        .collect()
}

fn is_guessed(finding: &Finding) -> bool {
    finding.correlator == "ssh-auth" && text(finding, "pattern") == Some("brute-force-success")
}

/// All that fit, best first; one a service or account.
pub(super) fn of<'a>(
    subject: &Subject<'_>,
    findings: &'a [Finding],
    logins: &Logins,
    facts: &CaseFacts,
) -> Vec<Candidate<'a>> {
    let here = findings
        .iter()
        .filter(|one| host_of(one, facts) == subject.host);
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for finding in here {
        match finding.correlator {
            "exposed-service" => found.extend(service(subject, finding)),
            "ssh-auth" if is_guessed(finding) => found.extend(account(subject, finding, logins)),
            "remote-access" if finding.severity >= Severity::Medium => {
                found.extend(remote(subject, finding))
            }
            _ => {}
        }
    }
    found.extend(cluster(subject, findings));
    found.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| (&a.observable, &a.finding.id).cmp(&(&b.observable, &b.finding.id)))
    });
    let mut seen = Vec::new();
    found.retain(|one| {
        let new = !seen.contains(&one.observable);
        seen.push(one.observable.clone());
        new
    });
    found
}

/// Whether something was there before the subject began. Unknown times don't speak against it.
fn before(subject: &Subject<'_>, at: Option<Timestamp>) -> bool {
    let began = subject.began.map(|(_, last)| last);
    at.map(Timestamp::nanos)
        .zip(began)
        .is_none_or(|(at, began)| at <= began)
}

fn service<'a>(subject: &Subject<'_>, finding: &'a Finding) -> Option<Candidate<'a>> {
    let name = text(finding, "service")?;
    let listen = text(finding, "listen").unwrap_or("an unknown address");
    let maker = subject.container.and_then(|one| text(one, "created_by"));
    let made = maker.filter(|maker| strings(finding, "callers").any(|caller| caller == *maker));
    let outsiders = strings(finding, "outsiders").count();
    let orders = orders_of_outsiders(finding);
    let makes_containers = matches!(name, "docker" | "podman");
    let (weight, why) = match made {
        Some(maker) if makes_containers => (
            MADE_IT,
            format!("{name} at {listen} made the container for {maker}"),
        ),
        _ if orders > 0 && finding.severity >= Severity::High && before(subject, finding.first) => {
            (
                TOOK_ORDERS,
                format!("{name} at {listen} took orders from outsiders before"),
            )
        }
        _ if outsiders > 0
            && makes_containers
            && subject.container.is_some()
            && before(subject, finding.first) =>
        {
            (
                USED_AND_FITS,
                format!(
                    "{name} at {listen} was used from outside and makes containers like this one"
                ),
            )
        }
        _ if outsiders > 0 && before(subject, finding.first) => (
            WAS_USED,
            format!("{name} at {listen} was used from outside before"),
        ),
        _ if finding.severity < Severity::Medium => return None,
        _ if makes_containers && subject.container.is_some() => (
            STANDS_OPEN,
            format!(
                "{name} at {listen} stood open and makes containers like this one, though nobody is seen asking"
            ),
        ),
        _ => (ONLY_OPEN, format!("{name} at {listen} stood open")),
    };
    Some(Candidate {
        observable: Observable::new(ObservableType::Service, name),
        weight,
        finding,
        why,
    })
}

/// Orders that outsiders gave it.
fn orders_of_outsiders(finding: &Finding) -> u64 {
    let uses = finding
        .facts
        .get("uses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let outside = uses.filter(|one| one.get("outside").and_then(Value::as_bool) == Some(true));
    outside.filter_map(|one| one.get("orders")?.as_u64()).sum()
}

fn account<'a>(
    subject: &Subject<'_>,
    finding: &'a Finding,
    logins: &Logins,
) -> Option<Candidate<'a>> {
    let source = text(finding, "src_ip")?;
    let key = (
        source.to_owned(),
        subject.host.unwrap_or_default().to_owned(),
    );
    let began = subject.began.map(|(_, last)| last);
    let in_time = |at: &Option<i64>| at.zip(began).is_none_or(|(at, began)| at <= began);
    let (at, user) = logins.get(&key)?.iter().rfind(|(at, _)| in_time(at))?;
    let same = text(subject.finding, "user") == Some(user);
    let soon = at
        .zip(began)
        .is_some_and(|(at, began)| began.saturating_sub(at) <= HOUR_NS);
    let weight =
        GUESSED + if same { SAME_ACCOUNT } else { 0.0 } + if soon { WITHIN_THE_HOUR } else { 0.0 };
    let when = at.map_or("an unknown time".to_owned(), |at| Timestamp(at).to_string());
    let why = format!("{source} guessed the password of {user} and was in at {when}");
    Some(Candidate {
        observable: Observable::new(ObservableType::User, user.as_str()),
        weight,
        finding,
        why,
    })
}

fn remote<'a>(subject: &Subject<'_>, finding: &'a Finding) -> Option<Candidate<'a>> {
    let name = text(finding, "service")?;
    let source = text(finding, "src_ip").unwrap_or("somebody");
    before(subject, finding.first).then(|| Candidate {
        observable: Observable::new(ObservableType::Service, name),
        weight: REMOTE_ACCESS,
        finding,
        why: format!("{source} used {name} before"),
    })
}

/// A pod that the API server of the cluster made for its caller.
fn cluster<'a>(subject: &Subject<'_>, findings: &'a [Finding]) -> Option<Candidate<'a>> {
    let id = &subject.container?.id;
    let finding = findings
        .iter()
        .find(|one| one.id == *id && text(one, "pod").is_some())?;
    let maker = text(finding, "created_by")?;
    Some(Candidate {
        observable: Observable::new(ObservableType::Service, "kube-apiserver"),
        weight: TOOK_ORDERS,
        finding,
        why: format!("the API server made the pod for {maker}, as its audit log says"),
    })
}
