//! What a finding says of a suspicious container.

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::Selection;
use serde_json::Value;

use super::gather::Container;
use super::processes::Processes;
use super::reasons::Weighed;
use crate::Draft;
use crate::evidence::time_fact;

/// Processes that a finding names.
const MOST_PROCESSES: usize = 16;
/// Rows of one kind that it shows.
const MOST_ROWS: usize = 8;

/// The finding. `shared`: its host has others of this name.
pub(super) fn finding(
    rows: &Selection,
    processes: &Processes,
    container: &Container,
    weighed: &Weighed<'_>,
    severity: Severity,
    shared: bool,
) -> Finding {
    let kind = if container.pod.is_some() {
        ObservableType::Pod
    } else {
        ObservableType::Container
    };
    let mut subjects = vec![Observable::new(kind, container.called())];
    if !container.host.is_empty() {
        subjects.push(Observable::new(
            ObservableType::Host,
            container.host.as_str(),
        ));
    }
    let confidence = match severity {
        Severity::Critical | Severity::High => 0.95,
        Severity::Medium => 0.6,
        Severity::Low | Severity::Info => 0.4,
    };
    let text_or_null = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let exact = container
        .created
        .filter(|(first, last)| first == last)
        .map(|(first, _)| first);
    let first = container
        .created
        .map(|(first, _)| first)
        .or(container.started);
    let maker = container.creators.first();
    let named = container.name.as_deref();
    let distinct = if shared {
        container.short_id().unwrap_or_default()
    } else {
        ""
    };
    let (title, text) = words(container, weighed, severity);
    Draft::new("suspicious-container", subjects, distinct)
        .says(title, text)
        .weighs(severity, confidence)
        .spans(first, container.finished.or(container.started).or(first))
        .fact(
            "container",
            text_or_null(named.or(container.pod.is_none().then(|| container.called()))),
        )
        .fact("image", text_or_null(container.image.as_deref()))
        .fact("command", text_or_null(container.command.as_deref()))
        .fact(
            "reasons",
            weighed
                .reasons
                .iter()
                .map(|reason| Value::from(reason.word))
                .collect::<Vec<_>>(),
        )
        .fact(
            "why",
            weighed
                .reasons
                .iter()
                .map(|reason| Value::from(reason.why.as_str()))
                .collect::<Vec<_>>(),
        )
        .fact("points", weighed.points())
        .fact("pod", text_or_null(container.pod.as_deref()))
        .fact(
            "host",
            text_or_null(Some(container.host.as_str()).filter(|host| !host.is_empty())),
        )
        .fact(
            "id",
            text_or_null(
                container
                    .id
                    .as_deref()
                    .filter(|_| container.short_id().is_some()),
            ),
        )
        .fact("created", time_fact(exact))
        .fact("started", time_fact(container.started))
        .fact("finished", time_fact(container.finished))
        .fact(
            "created_by",
            text_or_null(maker.and_then(|maker| maker.from.as_deref())),
        )
        .fact("requested", time_fact(maker.and_then(|maker| maker.at)))
        .fact("pid", container.pid.map_or(Value::Null, Value::from))
        .fact("processes", called(weighed))
        .fact("powers", powers(weighed))
        .fact("thresholds", super::thresholds())
        .attack(&attack(weighed))
        .rests_on(rows, &tellers(container))
        .rests_on(&processes.rows, &decisive(weighed))
        .finish()
}

fn called(weighed: &Weighed<'_>) -> Vec<Value> {
    weighed
        .processes
        .iter()
        .take(MOST_PROCESSES)
        .map(|process| process.called().into())
        .collect()
}

/// Whether it could put processes and files onto its host.
fn powers(weighed: &Weighed<'_>) -> bool {
    [
        "host-mount",
        "docker-socket",
        "privileged",
        "host-namespace",
        "added-capability",
    ]
    .iter()
    .any(|word| {
        weighed
            .reasons
            .iter()
            .any(|reason| reason.word == *word && reason.weight > 0)
    })
}

/// The container's rows: who asked for it, then the first that tell of it.
fn tellers(container: &Container) -> Vec<usize> {
    let mut shown: Vec<usize> = container
        .creators
        .iter()
        .map(|request| request.row)
        .take(MOST_ROWS)
        .collect();
    shown.extend(
        container
            .execs
            .iter()
            .map(|(_, request)| request.row)
            .take(MOST_ROWS),
    );
    for row in &container.rows {
        if shown.len() < MOST_ROWS && !shown.contains(row) {
            shown.push(*row);
        }
    }
    shown.sort_unstable();
    shown.truncate(MOST_ROWS + MOST_ROWS / 2);
    shown
}

fn decisive(weighed: &Weighed<'_>) -> Vec<usize> {
    let mut rows = weighed.decisive.clone();
    rows.sort_unstable();
    rows.dedup();
    rows.truncate(MOST_ROWS);
    rows
}

fn attack(weighed: &Weighed<'_>) -> Vec<&'static str> {
    let mut techniques = vec!["T1610"];
    for (word, technique) in [
        ("unofficial-image", "T1204.003"),
        ("download-and-run", "T1105"),
        ("host-mount", "T1611"),
        ("remote-exec", "T1609"),
        ("miner-command", "T1496.001"),
    ] {
        if weighed.has(word) {
            techniques.push(technique);
        }
    }
    techniques
}

fn words(container: &Container, weighed: &Weighed<'_>, severity: Severity) -> (String, String) {
    let called = container.called();
    let mut by_weight: Vec<_> = weighed
        .reasons
        .iter()
        .filter(|reason| reason.weight > 0)
        .collect();
    by_weight.sort_by_key(|reason| std::cmp::Reverse(reason.weight));
    let heaviest: Vec<&str> = by_weight
        .iter()
        .take(3)
        .map(|reason| reason.why.as_str())
        .collect();
    let kind = if container.pod.is_some() {
        "pod"
    } else {
        "container"
    };
    let title = match severity {
        Severity::High | Severity::Critical => format!(
            "{kind} {called} is an intruder's: {}",
            heaviest.first().unwrap_or(&"")
        ),
        Severity::Info => format!("{kind} {called} has power over its host, as its kind needs"),
        _ => format!(
            "{kind} {called} is worth a look: {}",
            heaviest.first().unwrap_or(&"")
        ),
    };
    let reasons = heaviest.join("; ");
    let next = match (&container.pod, container.short_id()) {
        (Some(pod), _) => {
            let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
            format!("kubectl -n {namespace} get pod {name} -o yaml")
        }
        (None, Some(id)) => {
            format!("docker inspect {id}; docker diff {id}; docker logs --timestamps {id}")
        }
        (None, None) => format!(
            "docker inspect {called}; docker diff {called}; docker logs --timestamps {called}"
        ),
    };
    let text = match severity {
        Severity::High | Severity::Critical => format!(
            "Why: {reasons}. Ask first whether somebody of the team made it: only a change record could speak against this. \
             Keep it before it is removed: `{next}`; then `docker export` or a commit of it, and look at what it started on the host. \
             Find out who made it: see exposed-service and way-in."
        ),
        Severity::Info => format!(
            "{reasons}. Agents of this kind are installed so; nothing else speaks against it. Check that it is meant to be here: `{next}`."
        ),
        _ => format!(
            "{reasons}. Each of these has an innocent reading, and nothing shows a miner, a download or a caller from outside. Ask who started it; look with `{next}`."
        ),
    };
    (title, text)
}
