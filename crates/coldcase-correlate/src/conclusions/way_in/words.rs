//! The answer in plain sentences: the chain, the counts, what speaks against it, what was not there, what to fetch, what is harmless.

use coldcase_model::{Finding, Severity, Timestamp};
use serde_json::Value;

use super::candidates::Candidate;
use super::processes::Listed;
use super::{Subject, asked_for, host_of, strings, text as text_fact, time};
use crate::CaseFacts;

fn text_of_time(at: Option<i64>) -> String {
    at.map_or_else(
        || "an unknown time".to_owned(),
        |at| Timestamp(at).to_string(),
    )
}

/// What `ps` tells a process's start to, where it does not show seconds.
const MINUTE_NS: i64 = 60 * 1_000_000_000;

pub(super) fn text(
    subject: &Subject<'_>,
    best: Option<&Candidate<'_>>,
    candidates: &[Candidate<'_>],
    findings: &[Finding],
    listed: &Listed,
    facts: &CaseFacts,
) -> String {
    let parts = [
        Some(chain(subject, best, candidates)),
        reconciled(subject, best, findings, facts),
        Some(against(subject, best, candidates)),
        Some(missing(subject, best, facts)),
        Some(fetch(subject, best)),
        harmless(subject, best, findings, listed, facts),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn chain(
    subject: &Subject<'_>,
    best: Option<&Candidate<'_>>,
    candidates: &[Candidate<'_>],
) -> String {
    let about = &subject.about.value;
    let mut said = match best {
        Some(best) => format!(
            "{about} came in by {}: {}.",
            best.observable.value, best.why
        ),
        None if candidates.is_empty() => format!(
            "How {about} came in can't be told: no exposed service, guessed password or remote access is in the evidence."
        ),
        None => {
            let fitting: Vec<&str> = candidates.iter().map(|one| one.why.as_str()).collect();
            format!(
                "How {about} came in can't be told apart: {}.",
                fitting.join("; ")
            )
        }
    };
    if let Some(container) = subject.container {
        said.push(' ');
        said.push_str(&container_step(container));
    }
    if subject.finding.correlator == "miner" {
        said.push(' ');
        said.push_str(&process_step(subject));
    }
    said
}

fn container_step(container: &Finding) -> String {
    let name = text_fact(container, "container")
        .or(text_fact(container, "pod"))
        .unwrap_or("the container");
    let id = text_fact(container, "id")
        .and_then(|id| id.get(..12))
        .map_or(String::new(), |id| format!(" ({id})"));
    let image = text_fact(container, "image").unwrap_or("an unknown image");
    let created = time(container, "created");
    let asked = match (
        text_fact(container, "created_by"),
        time(container, "requested"),
    ) {
        (Some(from), Some(at)) => {
            let lag = created.map(|created| {
                format!(
                    ", made {:.1} s later",
                    created.saturating_sub(at) as f64 / 1e9
                )
            });
            format!(
                "{from} asked for container {name}{id} of {image} at {}{}",
                text_of_time(Some(at)),
                lag.unwrap_or_default()
            )
        }
        _ => format!(
            "Container {name}{id} of {image} was made at {}; nothing says who asked",
            text_of_time(created)
        ),
    };
    let command = text_fact(container, "command")
        .map_or(String::new(), |command| format!("; it ran `{command}`"));
    format!("{asked}{command}.")
}

fn process_step(subject: &Subject<'_>) -> String {
    let about = &subject.about.value;
    let began = match subject.began {
        Some((first, last)) if last.saturating_sub(first) <= MINUTE_NS => {
            let exact = if last.saturating_sub(first) > MINUTE_NS / 60 {
                " (to the minute)"
            } else {
                ""
            };
            format!("{about} began at {}{exact}", text_of_time(Some(first)))
        }
        _ => format!("when {about} began is not known"),
    };
    let link = match (subject.container, subject.is_inside) {
        (Some(_), true) => " in that container".to_owned(),
        (Some(container), false) => {
            let end = time(container, "finished").map_or(String::new(), |end| {
                format!(", which ended at {},", text_of_time(Some(end)))
            });
            format!(" on the host, while or right after that container{end} could write to it")
        }
        (None, _) => String::new(),
    };
    let remote = text_fact(subject.finding, "remote")
        .map_or(String::new(), |remote| format!(", and talks to {remote}"));
    format!("{began}{link}{remote}.")
}

/// Orders that were seen against containers that are there.
fn reconciled(
    subject: &Subject<'_>,
    best: Option<&Candidate<'_>>,
    findings: &[Finding],
    facts: &CaseFacts,
) -> Option<String> {
    let service = best
        .filter(|best| best.finding.correlator == "exposed-service")?
        .finding;
    let uses = service.facts.get("uses").and_then(Value::as_array)?;
    let outside = uses
        .iter()
        .filter(|one| one.get("outside").and_then(Value::as_bool) == Some(true));
    let count = |one: &Value, name: &str| one.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (orders, requests) = outside.fold((0, 0), |(orders, requests), one| {
        (
            orders + count(one, "orders"),
            requests + count(one, "requests"),
        )
    });
    let asked = asked_for(findings, subject.host, facts);
    let of_outsiders: Vec<&Finding> = strings(service, "outsiders")
        .filter_map(|from| asked.get(from))
        .flatten()
        .copied()
        .collect();
    let listed = of_outsiders
        .iter()
        .filter(|one| {
            time(one, "created").is_some() && time(one, "created") != time(one, "requested")
        })
        .count();
    let lags = of_outsiders
        .iter()
        .filter_map(|one| Some(time(one, "created")?.saturating_sub(time(one, "requested")?)));
    let lag = lags.max().map_or(String::new(), |lag| {
        format!(", at most {:.1} s after being asked for", lag as f64 / 1e9)
    });
    (requests > 0).then(|| {
        format!(
            "Counts: outsiders made {requests} requests, {orders} of them orders; {} containers were asked for, {listed} of them are in the engine's own lists with the same id{lag}.",
            of_outsiders.len()
        )
    })
}

fn against(
    subject: &Subject<'_>,
    best: Option<&Candidate<'_>>,
    candidates: &[Candidate<'_>],
) -> String {
    let mut said = Vec::new();
    for other in candidates
        .iter()
        .filter(|one| best.is_some_and(|best| best.observable != one.observable))
    {
        said.push(format!(
            "{} fits less ({})",
            other.observable.value, other.why
        ));
    }
    if best.is_some() && subject.container.is_none() {
        said.push(
            "no container or login is tied to the process itself, only the order of events"
                .to_owned(),
        );
    }
    if !subject.is_inside && subject.container.is_some() {
        said.push("that the container started the process rests on time and on what it could do, not on a record of the start".to_owned());
    }
    if said.is_empty() {
        return "Against it: nothing in the evidence; no password was guessed and no other open service was used.".to_owned();
    }
    format!("Against it: {}.", said.join("; "))
}

fn missing(subject: &Subject<'_>, best: Option<&Candidate<'_>>, facts: &CaseFacts) -> String {
    let has = |formats: &[&str]| {
        facts.coverage.iter().any(|span| {
            span.host.as_deref() == subject.host && formats.contains(&span.format.as_str())
        })
    };
    let mut said = Vec::new();
    if !has(&["auditd"]) {
        said.push("an audit log of executed programs");
    }
    if !has(&["pcap", "zeek", "suricata-eve"]) {
        said.push("a capture or flow log of the service's port");
    }
    if !has(&["docker-events"]) && subject.container.is_some() {
        said.push("the engine's events");
    }
    if subject.began.is_none() {
        said.push("the start of the process");
    }
    let filter = best
        .and_then(|best| best.finding.facts.get("firewall"))
        .is_some_and(Value::is_null);
    if filter {
        said.push("the packet filter's rules");
    }
    if said.is_empty() {
        return "Nothing that would have told was missing.".to_owned();
    }
    format!("Not in the evidence: {}.", said.join(", "))
}

fn fetch(subject: &Subject<'_>, best: Option<&Candidate<'_>>) -> String {
    let mut commands = Vec::new();
    if let Some(pid) = subject
        .finding
        .facts
        .get("pid")
        .and_then(Value::as_i64)
        .filter(|_| subject.finding.correlator == "miner")
    {
        commands.push(format!("cp /proc/{pid}/exe /evidence/{pid}.exe; tr '\\0' ' ' < /proc/{pid}/cmdline; ls -l /proc/{pid}/cwd /proc/{pid}/fd"));
    }
    if let Some(id) = subject
        .container
        .and_then(|one| text_fact(one, "id"))
        .and_then(|id| id.get(..12))
    {
        commands.push(format!(
            "docker export {id} > /evidence/{id}.tar; docker logs --timestamps {id}"
        ));
    }
    let from = subject
        .container
        .and_then(|one| time(one, "requested").or(time(one, "created")))
        .or(subject.began.map(|(first, _)| first));
    if let Some(from) = from {
        let day = |at: i64| {
            Timestamp(at)
                .to_utc()
                .format("%Y-%m-%d %H:%M:%S")
                .to_string()
        };
        commands.push(format!(
            "journalctl --utc --since '{}' --until '{}'",
            day(from.saturating_sub(600_000_000_000)),
            day(from.saturating_add(3_600_000_000_000))
        ));
    }
    let caller = subject
        .container
        .and_then(|one| text_fact(one, "created_by"))
        .or_else(|| best.and_then(|best| strings(best.finding, "outsiders").next()));
    let flows = caller.map_or(String::new(), |caller| {
        format!(" Ask the network's owners for flows of {caller} to all hosts.")
    });
    let commands: Vec<String> = commands
        .into_iter()
        .map(|command| format!("`{command}`"))
        .collect();
    format!("Fetch next: {}.{flows}", commands.join("; "))
}

/// What stands beside it and has nothing to do with it.
fn harmless(
    subject: &Subject<'_>,
    best: Option<&Candidate<'_>>,
    findings: &[Finding],
    listed: &Listed,
    facts: &CaseFacts,
) -> Option<String> {
    let mut said = Vec::new();
    // What was at work before anything of this began is not of it.
    let used = best
        .and_then(|best| best.finding.first)
        .map(Timestamp::nanos);
    let start = used
        .into_iter()
        .chain(subject.began.map(|(first, _)| first))
        .min();
    let suspected = |name: &str, pid: i64| {
        findings
            .iter()
            .filter(|one| one.severity >= Severity::Medium && host_of(one, facts) == subject.host)
            .any(|one| {
                let of_pid = one.facts.get("pid").and_then(Value::as_i64) == Some(pid);
                of_pid
                    || one.subjects.iter().any(|known| known.value == name)
                    || strings(one, "processes").any(|known| known.ends_with(&format!("[{pid}]")))
            })
    };
    for (name, pid, cpu) in listed.busy(subject.host) {
        let before = listed
            .began(subject.host, pid)
            .zip(start)
            .is_some_and(|((_, last), start)| last <= start);
        if before && !suspected(name, pid) && said.len() < 3 {
            said.push(format!(
                "{name} is busy ({cpu:.0} % of a core), but it was at work before and nothing says that it mines"
            ));
        }
    }
    if let Some(best) = best.filter(|best| best.finding.correlator == "exposed-service") {
        let internal: Vec<&str> = strings(best.finding, "internal").take(4).collect();
        if !internal.is_empty() {
            said.push(format!(
                "{} used the same service from inside, as before",
                internal.join(", ")
            ));
        }
    }
    (!said.is_empty()).then(|| {
        format!(
            "Harmless beside it, as far as the evidence shows: {}.",
            said.join("; ")
        )
    })
}
