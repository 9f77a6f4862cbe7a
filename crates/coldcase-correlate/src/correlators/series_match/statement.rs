//! A match as a finding: its severity, facts and words.

use std::collections::BTreeSet;

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp};
use serde_json::{Map, Value, json};

use super::align::{SECOND, WIDTHS};
use super::chance::LEAST_DAYS;
use super::effects::{Effect, LEAST_EVENTS};
use super::judge::{COMPLETE, Cause, LEAST_RECALL, PRECISE, SIGNIFICANT};
use super::place::{Files, Moment};
use super::writers::Kind;
use crate::Draft;

/// Chance below which a match may be high.
const CERTAIN: f64 = 1e-6;
/// Unexplained events that are told one by one.
const SAMPLES: usize = 5;
/// Pairs shown as evidence: two records each.
const PAIRS_SHOWN: usize = 10;

/// The finding of a cause; `at` of the causes of its effect, the best is 0.
pub(super) fn finding(
    effect: &Effect,
    cause: &Cause<'_>,
    at: usize,
    (tried, left_out): (usize, usize),
    files: &Files,
) -> Finding {
    let severity = severity(effect, cause, at);
    let confidence = confidence(cause, at);
    let mut subjects = vec![effect.what.clone(), cause.series.writer.what.clone()];
    subjects.extend(effect.by.clone());
    if let Some(host) = &effect.at {
        subjects.push(Observable::new(ObservableType::Host, host));
    }
    if let Some(pod) = &cause.series.writer.pod {
        subjects.push(Observable::new(ObservableType::Pod, pod));
    }
    let mut seen = BTreeSet::new();
    subjects.retain(|subject| seen.insert(subject.clone()));
    let pairs = &cause.alignment.pairs;
    let time = |place: Option<&(usize, usize)>| {
        place
            .and_then(|(e, _)| effect.events.get(*e))
            .map(|event| event.ts)
    };
    let (title, text) = words(effect, cause, at);
    let round = |share: f64| (share * 10_000.0).round() / 10_000.0;
    let seconds = |ns: i64| (ns as f64 / 1e6).round() / 1e3;
    let (lag, least, most) = cause.lag;
    let missed_effects = unmatched(&effect.events, pairs.iter().map(|(e, _)| *e));
    let missed_causes = unmatched(&cause.events, pairs.iter().map(|(_, c)| *c));
    let series = cause.series;
    let named = |what: &Observable, events: usize| json!({"type": what.kind, "value": what.value, "events": events});
    let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    let mut finding = Draft::new("series-match", subjects, &series.writer.host)
        .says(title, text)
        .weighs(severity, confidence)
        .spans(time(pairs.first()), time(pairs.last()))
        .fact("effect", named(&effect.what, effect.events.len()))
        .fact("cause", named(&series.writer.what, cause.events.len()))
        .fact("matched", pairs.len())
        .fact("precision", round(cause.precision))
        .fact("recall", round(cause.recall))
        .fact("lag_seconds", seconds(lag))
        .fact("p_value", cause.p_value)
        .fact("lag_least_seconds", seconds(least))
        .fact("lag_most_seconds", seconds(most))
        .fact("zone_error_seconds", cause.alignment.zone / SECOND)
        .fact("effect_host", optional(&effect.at))
        .fact("cause_host", series.writer.host.as_str())
        .fact("pod", optional(&series.writer.pod))
        .fact("template", shown(&series.template))
        .fact("names_target", cause.names_target)
        .fact("other_targets", series.others)
        .fact("fits_alone", !cause.rivalled)
        .fact("chance", round(cause.alignment.chance))
        .fact("records", effect.records)
        .fact("unmatched_effect", samples(&missed_effects, files))
        .fact("unmatched_cause", samples(&missed_causes, files))
        .fact("candidates", tried)
        .fact("templates_left_out", left_out)
        .fact("thresholds", thresholds())
        .finish();
    let step = |index: usize| index * pairs.len().saturating_sub(1) / (PAIRS_SHOWN - 1);
    let mut shown: Vec<usize> = (0..PAIRS_SHOWN.min(pairs.len())).map(step).collect();
    shown.dedup();
    for (e, c) in shown.into_iter().filter_map(|index| pairs.get(index)) {
        let cause = cause.events.get(*c).map(|moment| files.record(moment));
        let effect = effect.events.get(*e).map(|moment| files.record(moment));
        finding.evidence.extend(cause.into_iter().chain(effect));
    }
    finding
}

/// High needs all of: nearly complete, beyond chance, alone, and logins that no schedule makes.
fn severity(effect: &Effect, cause: &Cause<'_>, at: usize) -> Severity {
    let suspicion = &effect.suspicion;
    let complete =
        cause.recall_covered >= COMPLETE && (cause.precision >= PRECISE || cause.names_target);
    let certain = cause.p_value <= CERTAIN && cause.recall >= COMPLETE;
    match (suspicion.mixed, complete, cause.is_significant()) {
        (true, true, true) if suspicion.windowed && certain && !cause.rivalled && at == 0 => {
            Severity::High
        }
        (true, true, true) if cause.rivalled || at == 0 => Severity::Medium,
        (true, true, false) if !cause.rivalled && cause.names_target => Severity::Medium,
        (true, ..) => Severity::Low,
        // A job that explains what it should: nothing is wrong.
        (false, ..) => Severity::Info,
    }
}

fn confidence(cause: &Cause<'_>, at: usize) -> f64 {
    let sure = if cause.p_value <= CERTAIN {
        0.99
    } else if cause.is_significant() {
        0.9
    } else {
        0.6
    };
    let named = if cause.names_target { 1.0 } else { 0.95 };
    let alone = if cause.rivalled { 0.5 } else { 1.0 };
    let first = if at == 0 { 1.0 } else { 0.5 };
    sure * named * alone * first * cause.recall_covered.min(1.0)
}

/// Events that no pair holds.
fn unmatched(events: &[Moment], matched: impl Iterator<Item = usize>) -> Vec<Moment> {
    let matched: BTreeSet<usize> = matched.collect();
    let all = events.iter().enumerate();
    all.filter(|(at, _)| !matched.contains(at))
        .map(|(_, event)| *event)
        .collect()
}

fn samples(events: &[Moment], files: &Files) -> Value {
    let step = events.len().div_ceil(SAMPLES).max(1);
    let told = events.iter().step_by(step).map(|event| {
        let ts = Timestamp(event.ts).to_string();
        json!({"ts": ts, "where": files.told(event)})
    });
    json!({"count": events.len(), "samples": told.collect::<Vec<Value>>()})
}

fn thresholds() -> Value {
    let mut all = Map::new();
    let mut add = |name: &str, value: Value| all.insert(name.to_owned(), value);
    add("least_events", LEAST_EVENTS.into());
    add("least_recall", LEAST_RECALL.into());
    add("complete", COMPLETE.into());
    add("precise", PRECISE.into());
    add("significant", SIGNIFICANT.into());
    add("certain", CERTAIN.into());
    add("days_for_shifts", LEAST_DAYS.into());
    let widths = WIDTHS.map(|width| Value::from(width / SECOND));
    add("scatter_seconds", widths.to_vec().into());
    Value::Object(all)
}

/// A template as people read it.
fn shown(template: &str) -> String {
    if template.is_empty() {
        "any line".to_owned()
    } else {
        template.chars().take(200).collect()
    }
}

/// What a cause is called.
fn who(cause: &Cause<'_>) -> String {
    let writer = &cause.series.writer;
    let name = &writer.what.value;
    match (writer.kind, writer.what.kind) {
        (Kind::Connects, _) => format!("connections of {name}"),
        (Kind::Job, ObservableType::Service) => format!("starts of {name}"),
        (Kind::Job, _) => format!("runs of {name}"),
        (_, ObservableType::Container) => format!("lines of container {name}"),
        (_, ObservableType::Pod) => format!("lines of pod {name}"),
        (Kind::Log, _) => format!("lines of {name}"),
        _ => format!("lines of {name}"),
    }
}

fn words(effect: &Effect, cause: &Cause<'_>, at: usize) -> (String, String) {
    let writer = &cause.series.writer;
    let (matched, all) = (cause.alignment.pairs.len(), effect.events.len());
    let (what, verb) = told(effect);
    let title = format!("{matched} of {all} {what} match {}", who(cause));
    let (_, least, most) = cause.lag;
    let seconds = |ns: i64| format!("{:.0}", (ns as f64 / 1e9).round() + 0.0);
    let (least, most) = (seconds(least), seconds(most));
    let mut text = format!(
        "{matched} of {all} {what} come {least} to {most} s after a record \"{}\" of {}; {} of {} such records have none.",
        shown(&cause.series.template),
        writer.what.value,
        cause.events.len() - matched,
        cause.events.len(),
    );
    if let (true, Some(target)) = (cause.names_target, &cause.series.target) {
        text.push_str(&format!(" The lines name {target}."));
        if cause.series.others > 0 {
            text.push_str(&format!(
                " {} more of the kind name other targets.",
                cause.series.others
            ));
        }
    }
    text.push_str(&clock_words(cause));
    text.push_str(&if cause.is_significant() {
        format!(
            " Series shifted by days or by other lags match {:.0} % at best: no accident (p {:.0e}).",
            100.0 * cause.alignment.chance,
            cause.p_value
        )
    } else {
        format!(
            " Other days or lags match {:.0} %: both keep a schedule, the times alone prove nothing; the command says that it logs in.",
            100.0 * cause.alignment.chance
        )
    });
    if cause.rivalled {
        text.push_str(" Another writer fits as well: neither is proven.");
    } else if at > 0 {
        text.push_str(" Another writer fits better.");
    }
    let next = match (writer.kind, writer.what.kind) {
        (_, ObservableType::Container) => "docker inspect and docker logs -t of it".to_owned(),
        (_, ObservableType::Pod) => {
            let (namespace, pod) = writer
                .what
                .value
                .split_once('/')
                .unwrap_or(("default", &writer.what.value));
            format!(
                "kubectl -n {namespace} describe pod {pod}; kubectl -n {namespace} logs --timestamps {pod}"
            )
        }
        (Kind::Job, ObservableType::Service) => {
            format!("systemctl cat {0}; journalctl -u {0}", writer.what.value)
        }
        (Kind::Job, _) => "crontab -l for each user; cat /etc/crontab /etc/cron.d/*".to_owned(),
        _ => "ps -ef --forest; ls -l /proc/PID/exe".to_owned(),
    };
    let on = if writer.host.is_empty() {
        String::new()
    } else {
        format!(" on {}", writer.host)
    };
    text.push_str(&format!(" Ask whether it may {verb}: {next}{on}."));
    (title, text)
}

/// The effect in words, and what its cause does.
fn told(effect: &Effect) -> (String, &'static str) {
    let by = effect
        .by
        .as_ref()
        .map(|by| format!(" of {}", by.value))
        .unwrap_or_default();
    match (&effect.at, effect.what.kind) {
        (_, ObservableType::Domain) => (
            format!("questions{by} for {}", effect.what.value),
            "ask for that name",
        ),
        (None, _) if effect.by.is_some() => (
            format!("connections{by} to {}", effect.what.value),
            "connect there",
        ),
        (Some(host), _) => (
            format!("logins from {} into {host}", effect.what.value),
            "log in there",
        ),
        (None, _) => (format!("logins from {}", effect.what.value), "log in there"),
    }
}

fn clock_words(cause: &Cause<'_>) -> String {
    let mut words = String::new();
    let zone = cause.alignment.zone / SECOND;
    if zone != 0 {
        let sign = if zone < 0 { '-' } else { '+' };
        let (hours, minutes) = (zone.abs() / 3600, zone.abs() % 3600 / 60);
        words.push_str(&format!(
            " The clocks are apart by a zone, {sign}{hours:02}:{minutes:02}: one of the two logs is in another zone than assumed."
        ));
    }
    if cause.alignment.summer.is_some() {
        words.push_str(" One of them changed to or from summer time alone.");
    }
    words
}
