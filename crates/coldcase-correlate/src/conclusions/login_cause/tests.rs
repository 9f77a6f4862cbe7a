//! Answers, held against ends of containers, matches and addresses.

use std::io;

use coldcase_model::{Attributes, Event, Precision, When, action};
use coldcase_timeline::{Batch, DatasetWriter, Origin, Timeline};

use super::*;
use crate::{Coverage, Draft, HostFacts};

const DAY: i64 = 86_400_000_000_000;
/// 2024-03-01T00:00:00Z.
const START: i64 = 1_709_251_200_000_000_000;
const HOUR: i64 = DAY / 24;

fn at(day: i64, hour: i64) -> i64 {
    START + day * DAY + hour * HOUR
}

/// Logins of 20 nights between 0 and 4, the last at 3, and the same source's pattern.
fn suspicious(severity: Severity) -> Vec<Finding> {
    let subjects = || {
        vec![
            Observable::new(ObservableType::Ip, "10.0.0.4"),
            Observable::new(ObservableType::Host, "db"),
        ]
    };
    let span = (Some(at(0, 1)), Some(at(19, 3)));
    vec![
        Draft::new("periodic-window", subjects(), "")
            .weighs(severity, 0.9)
            .spans(span.0, span.1)
            .fact("entity", "10.0.0.4")
            .fact("action", "ssh-login")
            .fact("timezone", "UTC")
            .fact("window_start", "00:00")
            .fact("window_end", "04:00")
            .finish(),
        Draft::new("ssh-auth", subjects(), "")
            .weighs(severity, 0.8)
            .spans(span.0, span.1)
            .fact("src_ip", "10.0.0.4")
            .fact("pattern", "interleaved")
            .finish(),
    ]
}

fn exit(name: &str, started: i64, finished: i64) -> Finding {
    let subject = Observable::new(ObservableType::Container, name);
    Draft::new("container-exit", vec![subject], "")
        .weighs(Severity::Medium, 0.7)
        .fact("container", name)
        .fact("exit_code", 137)
        .fact("started_at", Timestamp(started).to_string())
        .fact("finished_at", Timestamp(finished).to_string())
        .finish()
}

fn matched(name: &str, alone: bool) -> Finding {
    let subject = Observable::new(ObservableType::Container, name);
    let entity =
        |kind: &str, value: &str| serde_json::json!({"type": kind, "value": value, "events": 200});
    Draft::new("series-match", vec![subject], "")
        .weighs(
            if alone {
                Severity::High
            } else {
                Severity::Medium
            },
            if alone { 0.94 } else { 0.47 },
        )
        .fact("effect", entity("ip", "10.0.0.4"))
        .fact("cause", entity("container", name))
        .fact("matched", 200)
        .fact("recall", 1.0)
        .fact("p_value", 1e-20)
        .fact("fits_alone", alone)
        .finish()
}

/// A case whose log of logins goes on until this day.
fn case(until: i64) -> CaseFacts {
    let host = |name: &str, address: &str| HostFacts {
        name: name.to_owned(),
        addresses: vec![address.to_owned()],
        zone: chrono_tz::UTC,
    };
    let covers = |host: &str, format: &str, first: i64, last: i64| Coverage {
        host: Some(host.into()),
        format: format.into(),
        file: "log".into(),
        first: Timestamp(first),
        last: Timestamp(last),
    };
    CaseFacts {
        hosts: vec![host("db", "10.0.0.9"), host("node", "10.0.0.4")],
        zone: chrono_tz::UTC,
        collected_at: None,
        indicators: Vec::new(),
        skews: Vec::new(),
        coverage: vec![
            covers("db", "authlog", at(-5, 0), at(until, 12)),
            covers("node", "auditd", at(20, 1), at(20, 9)),
        ],
    }
}

fn timeline(events: &[Event<'static>]) -> io::Result<(tempfile::TempDir, Timeline)> {
    let folder = tempfile::TempDir::new()?;
    let writer = DatasetWriter::create(folder.path()).map_err(io::Error::other)?;
    let mut batch = Batch::default();
    for event in events {
        let origin = Origin {
            host: Some("node"),
            format: "docker-inspect",
            file: "inspect.json",
        };
        batch.push(event, origin);
    }
    writer.hand_over(batch).map_err(io::Error::other)?;
    let parts = writer.finish().map_err(io::Error::other)?;
    Ok((folder, Timeline::of_parts(parts)))
}

fn concluded(
    events: &[Event<'static>],
    facts: &CaseFacts,
    findings: &[Finding],
) -> Vec<Conclusion> {
    let (_folder, timeline) = timeline(events).expect("a timeline");
    let view = View::of(&timeline, facts).expect("a view");
    conclude(&view, facts, findings).expect("concluded")
}

fn audited(ts: i64) -> Event<'static> {
    Event {
        when: Some(When::recorded(Timestamp(ts), Precision::Ms)),
        dst_ip: Some("10.0.0.77".into()),
        dst_port: Some(443),
        ..Event::new(action::CONNECT)
    }
}

#[test]
fn an_end_alone_is_an_answer_only_where_one_fits() {
    let fits = || exit("runner", at(-30, 0), at(19, 20));
    let early = || exit("settle", at(-30, 0), at(10, 0));
    let late = || exit("orders", at(-30, 0), at(20, 6));
    let young = || exit("export", at(19, 18), at(19, 20));
    let rows = [
        (
            "one fits",
            vec![fits(), early(), late(), young()],
            25,
            (ObservableType::Container, "runner"),
            0,
            END_ALONE,
        ),
        (
            "nothing shows that the logins ended",
            vec![fits(), early()],
            19,
            (ObservableType::Container, "runner"),
            0,
            END_UNSEEN,
        ),
        (
            "two fit",
            vec![fits(), exit("other", at(-9, 0), at(19, 22))],
            25,
            (ObservableType::Unknown, "10.0.0.4"),
            2,
            0.2,
        ),
        (
            "none fits",
            vec![early(), late(), young()],
            25,
            (ObservableType::Unknown, "10.0.0.4"),
            0,
            0.2,
        ),
        (
            "a pause container",
            vec![exit("k8s_POD_x_y_z_0", at(-30, 0), at(19, 20))],
            25,
            (ObservableType::Unknown, "10.0.0.4"),
            0,
            0.2,
        ),
    ];
    for (what, exits, until, answer, candidates, confidence) in rows {
        let findings = [suspicious(Severity::Medium), exits].concat();
        let found = concluded(&[], &case(until), &findings);
        assert_eq!(found.len(), 1, "{what}");
        let found = &found[0];
        assert_eq!(
            (found.answer.kind, found.answer.value.as_str()),
            answer,
            "{what}: {found:#?}"
        );
        assert_eq!(found.candidates.len(), candidates, "{what}: {found:#?}");
        assert!(
            (found.confidence - confidence).abs() < 1e-9,
            "{what}: {found:#?}"
        );
    }
}

#[test]
fn a_match_and_an_end_speak_for_each_other() {
    for (what, exits, confidence) in [
        ("alone", vec![], 0.94),
        (
            "its end fits",
            vec![exit("runner", at(-30, 0), at(19, 20))],
            0.958,
        ),
        (
            "it started in the middle",
            vec![exit("runner", at(10, 0), at(19, 20))],
            0.47,
        ),
        (
            "another one ended",
            vec![exit("other", at(-30, 0), at(19, 20))],
            0.94,
        ),
    ] {
        let findings = [
            suspicious(Severity::High),
            vec![matched("runner", true)],
            exits,
        ]
        .concat();
        let found = &concluded(&[], &case(25), &findings)[0];
        assert_eq!(found.answer.value, "runner", "{what}");
        assert!(
            (found.confidence - confidence).abs() < 1e-9,
            "{what}: {found:#?}"
        );
    }
}

#[test]
fn of_two_matches_the_one_that_ended() {
    let two = || vec![matched("runner", false), matched("proxy", false)];
    let findings = [suspicious(Severity::High), two()].concat();
    let found = &concluded(&[], &case(25), &findings)[0];
    assert_eq!(
        (found.answer.kind, found.candidates.len()),
        (ObservableType::Unknown, 2)
    );
    let findings = [findings, vec![exit("runner", at(-30, 0), at(19, 20))]].concat();
    let found = &concluded(&[], &case(25), &findings)[0];
    assert_eq!(
        (found.answer.value.as_str(), found.candidates.len()),
        ("runner", 1)
    );
}

#[test]
fn the_text_says_what_lost_and_what_could_not_be_seen() {
    let findings = [
        suspicious(Severity::High),
        vec![
            matched("runner", true),
            exit("runner", at(-30, 0), at(19, 20)),
            exit("settle", at(-30, 0), at(10, 0)),
            exit("orders", at(-30, 0), at(20, 6)),
            exit("export", at(19, 18), at(19, 20)),
        ],
    ]
    .concat();
    let found = &concluded(&[audited(at(20, 2))], &case(25), &findings)[0];
    for said in [
        "10.0.0.4 is node.",
        "200 of 200 logins",
        "ended 2024-03-20T20:00:00Z (exit 137)",
        "the next window began 2024-03-21T00:00:00Z",
        "settle (ended 2024-03-11T00:00:00Z, before the last login)",
        "orders (ended 2024-03-21T06:00:00Z, after logins had stopped coming)",
        "export (started 2024-03-20T18:00:00Z, after the first login)",
        "outside of the time of the logins, and holds no connection to port 22",
        "auditctl",
    ] {
        assert!(found.text.contains(said), "{said}: {}", found.text);
    }
}

#[test]
fn a_containers_own_address_answers() {
    let mut attributes = Attributes::new();
    attributes
        .text("status", "running")
        .text("started", &Timestamp(at(-30, 0)).to_string());
    let listed = Event {
        when: Some(When::recorded(Timestamp(at(25, 0)), Precision::S)),
        container: Some("worker".into()),
        src_ip: Some("10.0.0.4".into()),
        attributes: attributes.finish().map(Into::into),
        ..Event::new(action::CONTAINER_LISTED)
    };
    let mut facts = case(25);
    facts.hosts.pop();
    let found = &concluded(&[listed], &facts, &suspicious(Severity::Medium))[0];
    assert_eq!(
        found.answer,
        Observable::new(ObservableType::Container, "worker")
    );
    assert!(found.confidence >= ADDRESS.2, "{found:#?}");
}

#[test]
fn what_is_not_asked() {
    let strangers = |mut findings: Vec<Finding>| {
        for finding in &mut findings {
            for fact in ["entity", "src_ip"] {
                if finding.facts.contains_key(fact) {
                    finding.facts.insert(fact.to_owned(), "203.0.113.9".into());
                }
            }
        }
        findings
    };
    for (what, findings) in [
        ("nothing", Vec::new()),
        ("a plain schedule", suspicious(Severity::Low)),
        (
            "a stranger's guesses",
            strangers(suspicious(Severity::High)),
        ),
        (
            "a match of logins that nobody asks about",
            vec![matched("runner", true)],
        ),
    ] {
        assert_eq!(concluded(&[], &case(25), &findings), [], "{what}");
    }
}
