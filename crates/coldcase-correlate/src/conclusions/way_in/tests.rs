//! Ways in, from made timelines of calls, containers and listeners.

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp};
use coldcase_timeline::Timeline;
use serde_json::{Value, json};

use super::conclude;
use crate::{CaseFacts, Draft, View};

const OUTSIDER: &str = "203.0.113.150";
const MINUTE: i64 = 60;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_616_068_800 + seconds).expect("in range")
}

fn finding(
    correlator: &'static str,
    kind: ObservableType,
    value: &str,
    severity: Severity,
    first: Option<i64>,
    facts: &Value,
) -> Finding {
    let subjects = vec![
        Observable::new(kind, value),
        Observable::new(ObservableType::Host, "srv"),
    ];
    let mut draft = Draft::new(correlator, subjects, "")
        .weighs(severity, 0.9)
        .spans(first.map(|one| at(one).nanos()), None);
    for (name, value) in facts.as_object().expect("an object") {
        draft = draft.fact(name, value.clone());
    }
    draft.finish()
}

fn miner(started: i64, more: &Value) -> Finding {
    let mut facts = json!({"process": "xfsmond", "pid": 26602, "remote": "5.196.26.96:3333", "host": "srv", "started": at(started).to_string(), "user": "root"});
    facts
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    finding(
        "miner",
        ObservableType::Process,
        "xfsmond[26602]",
        Severity::High,
        None,
        &facts,
    )
}

fn container(name: &str, created: i64, powers: bool, by: Option<&str>) -> Finding {
    let asked = by.map(|_| at(created - 1).to_string());
    let facts = json!({
        "container": name, "image": "busybox", "host": "srv", "id": "8e61fab5ff8a64c3", "created": at(created).to_string(), "powers": powers,
        "finished": at(created + 20).to_string(), "created_by": by, "requested": asked, "processes": [],
    });
    finding(
        "suspicious-container",
        ObservableType::Container,
        name,
        Severity::High,
        Some(created),
        &facts,
    )
}

fn service(name: &str, severity: Severity, callers: &[&str], first: i64) -> Finding {
    let uses: Vec<Value> = callers
        .iter()
        .map(|from| json!({"caller": from, "outside": true, "requests": 4, "orders": 3}))
        .collect();
    let facts = json!({"service": name, "listen": "0.0.0.0:2375", "callers": callers, "outsiders": callers, "internal": ["10.8.0.5"], "host": "srv", "uses": uses, "firewall": "open"});
    finding(
        "exposed-service",
        ObservableType::Service,
        name,
        severity,
        Some(first),
        &facts,
    )
}

fn answers(findings: &[Finding]) -> Vec<(String, ObservableType, String, usize)> {
    let facts = CaseFacts {
        hosts: Vec::new(),
        zone: chrono_tz::Tz::UTC,
        collected_at: None,
        indicators: Vec::new(),
        coverage: Vec::new(),
        skews: Vec::new(),
    };
    let timeline = Timeline::of_parts(Vec::new());
    let view = View::of(&timeline, &facts).expect("a view");
    let found = conclude(&view, &facts, findings).expect("concludes");
    found
        .into_iter()
        .map(|one| {
            (
                one.about.value,
                one.answer.kind,
                one.answer.value,
                one.candidates.len(),
            )
        })
        .collect()
}

fn answer(findings: &[Finding]) -> (ObservableType, String) {
    let mut all = answers(findings);
    assert_eq!(all.len(), 1, "{all:?}");
    let (about, kind, value, _) = all.remove(0);
    assert_eq!(about, "xfsmond[26602]");
    (kind, value)
}

#[test]
fn the_service_that_made_the_container_that_put_it_there() {
    let docker = service("docker", Severity::High, &[OUTSIDER], -5 * MINUTE);
    let chain = [
        miner(10, &json!({})),
        container("quirky", 0, true, Some(OUTSIDER)),
        docker,
    ];
    assert_eq!(answer(&chain), (ObservableType::Service, "docker".into()));
}

#[test]
fn a_container_without_power_or_time_put_nothing_onto_its_host() {
    let docker = || service("docker", Severity::High, &["198.51.100.9"], -5 * MINUTE);
    let vnc = || service("vnc", Severity::Medium, &["198.51.100.9"], -5 * MINUTE);
    let table = [
        ("had no power", container("x", 0, false, Some(OUTSIDER)), 10),
        (
            "was made after",
            container("x", 600, true, Some(OUTSIDER)),
            10,
        ),
        (
            "was over long before",
            container("x", -7_200, true, Some(OUTSIDER)),
            10,
        ),
    ];
    for (name, container, started) in table {
        let found = [miner(started, &json!({})), container, docker(), vnc()];
        // Orders from outside before it are an answer all the same, but no link by the container.
        assert_eq!(
            answer(&found),
            (ObservableType::Service, "docker".into()),
            "{name}"
        );
    }
}

#[test]
fn what_came_after_is_no_way_in() {
    let docker = service("docker", Severity::High, &[OUTSIDER], 3_600);
    let (kind, value) = answer(&[miner(10, &json!({})), docker]);
    assert_eq!((kind, value.as_str()), (ObservableType::Unknown, "unknown"));
}

#[test]
fn alike_ways_in_are_told_as_unknown() {
    let two = [
        miner(10, &json!({})),
        service("docker", Severity::High, &[OUTSIDER], -60),
        service("podman", Severity::High, &[OUTSIDER], -60),
    ];
    let all = answers(&two);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].1, all[0].3), (ObservableType::Unknown, 2));
}

#[test]
fn a_process_in_a_container_has_that_container_s_way_in() {
    let mut inside = container("romantic", 0, false, Some(OUTSIDER));
    inside
        .facts
        .insert("processes".into(), json!(["sh[26601]", "mac[26602]"]));
    let found = [
        miner(10, &json!({})),
        inside,
        service("docker", Severity::High, &[OUTSIDER], -60),
        service("podman", Severity::High, &[OUTSIDER], -60),
    ];
    // Podman was called by the same address: two engines could have made it.
    let all = answers(&found);
    assert_eq!(all[0].1, ObservableType::Unknown);
    let one = [found[0].clone(), found[1].clone(), found[2].clone()];
    assert_eq!(answer(&one), (ObservableType::Service, "docker".into()));
}

#[test]
fn without_an_intruder_nothing_is_asked() {
    let mut training = miner(10, &json!({}));
    training.severity = Severity::Low;
    assert!(
        answers(&[
            training,
            service("docker", Severity::High, &[OUTSIDER], -60)
        ])
        .is_empty()
    );
}

#[test]
fn without_a_candidate_it_is_unknown() {
    let (kind, _) = answer(&[miner(10, &json!({}))]);
    assert_eq!(kind, ObservableType::Unknown);
}

#[test]
fn a_service_of_another_host_is_none() {
    let mut other = service("docker", Severity::High, &[OUTSIDER], -60);
    other.facts.insert("host".into(), "other".into());
    let (kind, _) = answer(&[miner(10, &json!({})), other]);
    assert_eq!(kind, ObservableType::Unknown);
}
