//! Sessions of remote screens and shells: from whom they are told, and from whom not.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use coldcase_model::{Severity, action, outcome};
use serde_json::json;

mod traffic;
use traffic::{DAY, HOUR, MINUTE, Row, attempts, flow, log, login, of, row, run_all, socket};

const HOSTS: &[(&str, &str)] = &[("web-3", "10.1.0.9")];
const SCREEN: &str = "10.1.0.9:5901";

type Told<'a> = (&'a str, &'a str, u64, Severity);

fn check(name: &str, rows: &[Row], expected: &[Told<'_>]) {
    check_with(name, rows, &[], expected);
}

fn check_with(name: &str, rows: &[Row], indicators: &[&str], expected: &[Told<'_>]) {
    let found = run_all(rows, HOSTS, indicators);
    let mut told: Vec<_> = of(&found, "remote-access")
        .iter()
        .map(|one| {
            let text = |fact: &str| one.facts[fact].as_str().expect("a text").to_owned();
            (
                text("service"),
                text("src_ip"),
                one.facts["sessions"].as_u64().expect("a count"),
                one.severity,
            )
        })
        .collect();
    told.sort();
    let told: Vec<Told<'_>> = told
        .iter()
        .map(|(service, source, count, severity)| {
            (service.as_str(), source.as_str(), *count, *severity)
        })
        .collect();
    assert_eq!(told, expected, "{name}");
}

#[test]
fn sessions_from_outside_and_what_is_none() {
    let outside = "192.0.2.7:50001";
    let told = |count| [("vnc", "192.0.2.7", count, Severity::Medium)];
    check("a session", &[flow(0, outside, SCREEN, (27, 25))], &told(1));
    check(
        "two",
        &[
            flow(0, outside, SCREEN, (27, 25)),
            flow(90, "192.0.2.7:50002", SCREEN, (27, 25)),
        ],
        &told(2),
    );
    check(
        "only one way was captured",
        &[flow(0, outside, SCREEN, (27, 0))],
        &told(1),
    );
    check(
        "a look at the banner",
        &[flow(0, outside, SCREEN, (4, 3))],
        &[],
    );
    let mut refused = flow(0, outside, SCREEN, (30, 30));
    refused.event.outcome = Some(outcome::FAILURE);
    check("refused", &[refused], &[]);
    check(
        "another service",
        &[flow(0, outside, "10.1.0.9:443", (90, 90))],
        &[],
    );
    check(
        "WinRM in VNC's range",
        &[flow(0, outside, "10.1.0.9:5985", (90, 90))],
        &[],
    );
    check(
        "we look outside",
        &[flow(0, "10.1.0.9:50001", "192.0.2.7:5901", (90, 90))],
        &[],
    );
    check(
        "rdp",
        &[flow(0, outside, "10.1.0.9:3389", (90, 90))],
        &[("rdp", "192.0.2.7", 1, Severity::Medium)],
    );
}

#[test]
fn one_session_in_several_artifacts_counts_once() {
    let peer = "192.0.2.7:50001";
    let rows = [
        flow(0, peer, SCREEN, (27, 25)),
        socket("ss", HOUR, SCREEN, peer, "ESTAB", Some(("qemu-kvm", 4120))),
        socket(
            "lsof",
            HOUR,
            SCREEN,
            peer,
            "ESTAB",
            Some(("qemu-kvm", 4120)),
        ),
        socket(
            "ss",
            HOUR,
            SCREEN,
            "192.0.2.7:50009",
            "ESTAB",
            Some(("qemu-kvm", 4120)),
        ),
        socket("ss", HOUR, SCREEN, "192.0.2.7:50010", "TIME-WAIT", None),
        log(1, "Xvnc[7]:  Connections: accepted: 192.0.2.7::50001"),
    ];
    check(
        "joined",
        &rows,
        &[("vnc", "192.0.2.7", 2, Severity::Medium)],
    );
    let found = run_all(&rows, HOSTS, &[]);
    let one = of(&found, "remote-access")[0];
    assert_eq!(one.facts["dst"], "10.1.0.9");
    assert_eq!(
        (&one.facts["first"], &one.facts["last"]),
        (
            &json!("2023-04-10T12:00:00Z"),
            &json!("2023-04-10T12:00:03Z")
        )
    );
    assert_eq!(one.facts["open_at"], "2023-04-10T13:00:00Z");
    // The local port of a client is no server's.
    check(
        "a client's port",
        &[socket(
            "ss",
            0,
            "10.1.0.9:5901",
            "192.0.2.7:443",
            "ESTAB",
            None,
        )],
        &[],
    );
}

#[test]
fn logs_tell_of_callers() {
    let rows = [
        log(0, "Connections: accepted: 192.0.2.7::50001"),
        log(
            600,
            "Connections: closed: 192.0.2.7::50001 (Clean disconnection)",
        ),
    ];
    check(
        "a session",
        &rows,
        &[("vnc", "192.0.2.7", 1, Severity::Medium)],
    );
    let found = run_all(&rows, HOSTS, &[]);
    assert_eq!(
        of(&found, "remote-access")[0].facts["last"],
        "2023-04-10T12:10:00Z"
    );
    let refused = [
        log(0, "Connections: accepted: 192.0.2.7::50001"),
        log(
            2,
            "Connections: closed: 192.0.2.7::50001 (Authentication failure)",
        ),
    ];
    check("refused at once", &refused, &[]);
    let mut telnet = row(
        action::LOGIN,
        "authlog",
        Some(0),
        &json!({"service": "remote"}),
    )
    .says("pam_unix(remote:session)");
    telnet.event.outcome = Some(outcome::SUCCESS);
    telnet.event.src_ip = Some("192.0.2.7".into());
    check(
        "telnet",
        &[telnet],
        &[("telnet", "192.0.2.7", 1, Severity::Medium)],
    );
}

#[test]
fn who_usually_comes_is_left_out() {
    let weeks = |from: &str| -> Vec<Row> {
        (0..20)
            .map(|day| login(day * DAY - 20 * DAY, from, true))
            .collect()
    };
    let session = |from: &str| vec![flow(0, from, SCREEN, (27, 25))];
    check(
        "an administrator inside",
        &[weeks("10.99.0.5"), session("10.99.0.5:50001")].concat(),
        &[],
    );
    check(
        "one outside, for weeks",
        &[weeks("192.0.2.7"), session("192.0.2.7:50001")].concat(),
        &[("ssh", "192.0.2.7", 20, Severity::Low)][..0],
    );
    check(
        "unknown inside",
        &session("10.99.0.8:50001"),
        &[("vnc", "10.99.0.8", 1, Severity::Low)],
    );
    let stranger = [weeks("10.99.0.5"), session("192.0.2.7:50001")].concat();
    check(
        "a stranger",
        &stranger,
        &[("vnc", "192.0.2.7", 1, Severity::Medium)],
    );
    let found = run_all(&stranger, HOSTS, &[]);
    let why = of(&found, "remote-access")[0].facts["why"].to_string();
    assert!(
        why.contains("first-seen") && why.contains("outside-address"),
        "{why}"
    );
    // Noon in UTC is a quarter to six in the evening in Kathmandu; 18:00 UTC a quarter to midnight.
    assert!(!why.contains("odd-hours"), "{why}");
    let late = run_all(
        &[flow(6 * HOUR, "192.0.2.7:50001", SCREEN, (27, 25))],
        HOSTS,
        &[],
    );
    assert!(
        of(&late, "remote-access")[0].facts["why"]
            .to_string()
            .contains("odd-hours")
    );
    // A demo that everybody may use.
    let public: Vec<Row> = (1..40)
        .map(|at| flow(at, &format!("192.0.2.{at}:50001"), SCREEN, (27, 25)))
        .collect();
    let found = run_all(&public, HOSTS, &[]);
    assert!(
        of(&found, "remote-access")
            .iter()
            .all(|one| one.severity == Severity::Low)
    );
}

#[test]
fn high_takes_more_than_an_address() {
    let session = flow(0, "192.0.2.7:50001", SCREEN, (27, 25));
    let flood = |from: &str, at: i64| attempts(from, at, (15_000, 60, 14_000, 500));
    let high = [("vnc", "192.0.2.7", 1, Severity::High)];
    let medium = [("vnc", "192.0.2.7", 1, Severity::Medium)];
    check(
        "its host floods",
        &[session.clone(), flood("10.1.0.9", 10 * MINUTE)],
        &high,
    );
    check(
        "another floods",
        &[session.clone(), flood("10.1.0.77", 10 * MINUTE)],
        &medium,
    );
    check(
        "floods a week later",
        &[session.clone(), flood("10.1.0.9", 7 * DAY)],
        &medium,
    );
    check(
        "flooded before",
        &[session.clone(), flood("10.1.0.9", -DAY)],
        &medium,
    );
    check_with("an indicator", &[session], &["192.0.2.7"], &high);
    let inside = [
        flow(0, "10.99.0.5:50001", SCREEN, (27, 25)),
        flood("10.1.0.9", 10 * MINUTE),
    ];
    check(
        "from inside, beside a flood",
        &inside,
        &[("vnc", "10.99.0.5", 1, Severity::Low)],
    );
}

#[test]
fn ssh_from_addresses_that_never_came() {
    let before: Vec<Row> = (0..10)
        .map(|day| login(day * DAY - 10 * DAY, "10.99.0.5", true))
        .collect();
    let with = |more: Vec<Row>| [before.clone(), more].concat();
    check(
        "a stranger",
        &with(vec![login(0, "192.0.2.7", true)]),
        &[("ssh", "192.0.2.7", 1, Severity::Low)],
    );
    check(
        "logs begin the day before",
        &[login(-DAY, "10.99.0.5", true), login(0, "192.0.2.7", true)],
        &[],
    );
    check(
        "never let in",
        &with(vec![login(0, "192.0.2.7", false)]),
        &[],
    );
    let guessed: Vec<Row> = (0..30).map(|at| login(at, "192.0.2.7", at == 29)).collect();
    check("after guesses: told by ssh-auth", &with(guessed), &[]);
    check("inside", &with(vec![login(0, "10.99.0.77", true)]), &[]);
}
