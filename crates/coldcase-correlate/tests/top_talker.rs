//! Talkers: who surges, who only talks as ever, and the jobs that look alike.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use coldcase_model::Severity;
use serde_json::{Value, json};

mod traffic;
use traffic::{DAY, HOUR, MINUTE, Row, attempts, iftop, interface, of, run_all, sample};

const RATE: &str = "instance:node_network_transmit_bytes:rate1m";

fn labels(instance: &str, device: &str) -> Value {
    json!({"instance": instance, "device": device, "job": "node-exporter"})
}

/// A sample each `step` seconds, with each level for so many of them; a small ripple on top.
fn series(name: &str, labels: &Value, step: i64, levels: &[(i64, f64)]) -> Vec<Row> {
    let values = levels
        .iter()
        .flat_map(|(count, level)| (0..*count).map(|_| *level));
    let ripple = |at: usize| 1.0 + 0.05 * (at % 3) as f64;
    values
        .enumerate()
        .map(|(at, level)| sample(at as i64 * step, name, labels, level * ripple(at)))
        .collect()
}

/// Others that send 5 MB/s each, for so many samples.
fn quiet(name: &str, step: i64, count: i64) -> Vec<Row> {
    let hosts = ["10.1.0.1:9100", "10.1.0.2:9100", "10.1.0.3:9100"];
    hosts
        .iter()
        .flat_map(|host| series(name, &labels(host, "eth0"), step, &[(count, 5e6)]))
        .collect()
}

fn check(name: &str, rows: &[Row], expected: &[(&str, Option<&str>, Severity)]) {
    let found = run_all(rows, &[("web-3", "10.1.0.9")], &[]);
    let mut told: Vec<_> = of(&found, "top-talker")
        .iter()
        .map(|one| {
            (
                one.facts["host"].as_str().expect("a host"),
                one.facts["device"].as_str(),
                one.severity,
            )
        })
        .collect();
    told.sort();
    assert_eq!(told, expected, "{name}");
}

#[test]
fn surges_are_told_from_jobs_and_from_what_goes_on_as_ever() {
    let me = labels("10.1.0.9:9100", "ens2f1");
    let with = |step: i64, levels: &[(i64, f64)]| {
        let count = levels.iter().map(|one| one.0).sum();
        [series(RATE, &me, step, levels), quiet(RATE, step, count)].concat()
    };
    let told = |severity| [("10.1.0.9:9100", Some("ens2f1"), severity)];
    check(
        "a flood that is still on",
        &with(MINUTE, &[(80, 6e6), (100, 1.1e8)]),
        &told(Severity::Medium),
    );
    check(
        "a backup of 25 minutes",
        &with(MINUTE, &[(30, 6e6), (25, 7e7), (90, 6e6)]),
        &told(Severity::Low),
    );
    check(
        "two hours, then over",
        &with(MINUTE, &[(30, 6e6), (120, 7e7), (90, 6e6)]),
        &told(Severity::Medium),
    );
    let nights = [
        (96, 6e6),
        (12, 9e7),
        (276, 6e6),
        (12, 9e7),
        (276, 6e6),
        (12, 9e7),
    ];
    let daily = run_all(&with(5 * MINUTE, &nights), &[], &[]);
    let daily = of(&daily, "top-talker");
    assert_eq!(daily.len(), 3);
    assert!(
        daily.iter().all(|one| one.severity == Severity::Low),
        "a job of every night"
    );
    check(
        "steady and even",
        &with(MINUTE, &[(100, 6e6)]),
        &told(Severity::Info)[..0],
    );
    check(
        "steady and the bulk",
        &with(MINUTE, &[(100, 6e7)]),
        &told(Severity::Info),
    );
    check(
        "a surge among giants",
        &with(MINUTE, &[(50, 1e5), (50, 2e6)]),
        &[],
    );
    check(
        "a small one of a small fleet",
        &series(RATE, &me, MINUTE, &[(50, 1e3), (50, 1e5)]),
        &told(Severity::Low),
    );
}

#[test]
fn facts_are_those_of_the_surge() {
    let me = labels("10.1.0.9:9100", "ens2f1");
    let rows = [
        series(RATE, &me, MINUTE, &[(60, 6e6), (60, 1e8)]),
        quiet(RATE, MINUTE, 120),
    ]
    .concat();
    let found = run_all(&rows, &[("web-3", "10.1.0.9")], &[]);
    let found = of(&found, "top-talker");
    let one = found[0];
    let rate = one.facts["bytes_per_second"].as_f64().expect("a rate");
    assert!((rate / 1.05e8 - 1.0).abs() < 0.02, "{rate}");
    let share = one.facts["share"].as_f64().expect("a share");
    assert!((share / (1e8 / 1.15e8) - 1.0).abs() < 0.02, "{share}");
    assert_eq!(one.facts["first"], "2023-04-10T13:00:00Z");
    assert_eq!(one.facts["last"], "2023-04-10T13:59:00Z");
    assert_eq!(one.facts["direction"], "out");
    assert!(
        one.subjects.iter().any(|subject| subject.value == "web-3"),
        "{:?}",
        one.subjects
    );
    // What stands as evidence says what the finding states.
    assert!(
        one.evidence
            .iter()
            .all(|record| record.text.contains("ens2f1")),
        "{:?}",
        one.evidence
    );
}

#[test]
fn copies_of_the_same_traffic_are_no_talkers() {
    let on = |device: &str| {
        series(
            RATE,
            &labels("10.1.0.9:9100", device),
            MINUTE,
            &[(60, 6e6), (60, 1e8)],
        )
    };
    let rows = [
        on("eth0"),
        on("br0"),
        on("veth1a"),
        on("bond0"),
        on("lo"),
        quiet(RATE, MINUTE, 120),
    ]
    .concat();
    check(
        "one link",
        &rows,
        &[("10.1.0.9:9100", Some("eth0"), Severity::Medium)],
    );
    let found = run_all(&rows, &[], &[]);
    let share = of(&found, "top-talker")[0].facts["share_of_physical"]
        .as_f64()
        .expect("a share");
    assert!((share - 1e8 / 1.15e8).abs() < 0.01, "counted once: {share}");
    // The loopback alone surges: nothing on the link.
    let rows = [
        series(
            RATE,
            &labels("10.1.0.9:9100", "lo"),
            MINUTE,
            &[(60, 6e6), (60, 1e8)],
        ),
        quiet(RATE, MINUTE, 120),
    ];
    check("loopback", &rows.concat(), &[]);
}

#[test]
fn counters_bits_and_answers_without_a_name() {
    let me = labels("10.1.0.9:9100", "eth0");
    // A counter that is reset in the middle.
    let mut sum = 5e12;
    let counter: Vec<Row> = (0..120)
        .map(|at| {
            sum += 60.0 * if at < 60 { 6e6 } else { 1e8 };
            if at == 90 {
                sum = 3e9;
            }
            sample(at * MINUTE, "node_network_transmit_bytes_total", &me, sum)
        })
        .collect();
    let found = run_all(&counter, &[], &[]);
    let one = of(&found, "top-talker");
    assert_eq!(one.len(), 1);
    assert_eq!(
        (one[0].facts["bytes_per_second"].as_f64(), one[0].severity),
        (Some(1e8), Severity::Medium)
    );
    assert_eq!(
        one[0].facts["share"],
        Value::Null,
        "nothing to compare with"
    );
    // One scrape is no rate.
    let single = [sample(0, "node_network_transmit_bytes_total", &me, 9e12)];
    check("one sample of a counter", &single, &[]);
    // Bits a second of public addresses.
    let eip = |name: &str, levels: &[(i64, f64)]| {
        series(
            "eip_upstream_bps",
            &json!({"eipName": name}),
            MINUTE,
            levels,
        )
    };
    let rows = [
        eip("eip-a", &[(60, 8e6), (60, 8e8)]),
        eip("eip-b", &[(120, 8e6)]),
    ]
    .concat();
    let found = run_all(&rows, &[], &[]);
    let one = of(&found, "top-talker")[0];
    assert_eq!(
        (one.facts["host"].as_str(), one.facts["device"].as_str()),
        (Some("eip-a"), None)
    );
    assert!((one.facts["bytes_per_second"].as_f64().expect("a rate") / 1.05e8 - 1.0).abs() < 0.01);
    // A query's answer without a name, in a file that says what was asked; and one that is no traffic.
    let nameless = |file: &str| {
        let mut rows = [
            series("", &me, MINUTE, &[(60, 6e6), (60, 1e8)]),
            quiet("", MINUTE, 120),
        ]
        .concat();
        rows.iter_mut().for_each(|row| row.file = file.to_owned());
        rows
    };
    check(
        "nameless",
        &nameless("prom/node_transmit.json"),
        &[("10.1.0.9:9100", Some("eth0"), Severity::Medium)],
    );
    check("packets", &nameless("prom/node_transmit_packets.json"), &[]);
    let disk = series(
        "",
        &json!({"instance": "10.1.0.9:9100", "device": "sda"}),
        MINUTE,
        &[(60, 6e6), (60, 1e8)],
    );
    check("a disk", &disk, &[]);
    let cpu = series(
        "node_cpu_seconds_total",
        &json!({"instance": "10.1.0.9:9100", "cpu": "1"}),
        MINUTE,
        &[(60, 1.0), (60, 90.0)],
    );
    check("processors", &cpu, &[]);
}

#[test]
fn a_short_surge_with_a_captured_flood_is_no_job() {
    let me = labels("10.1.0.9:9100", "eth0");
    let rows = [
        series(RATE, &me, MINUTE, &[(30, 6e6), (25, 7e7), (60, 6e6)]),
        quiet(RATE, MINUTE, 115),
    ]
    .concat();
    let with = [
        rows.clone(),
        vec![attempts("10.1.0.9", 40 * MINUTE, (15_000, 20, 9_000, 500))],
    ]
    .concat();
    check(
        "alone",
        &rows,
        &[("10.1.0.9:9100", Some("eth0"), Severity::Low)],
    );
    check(
        "with a flood",
        &with,
        &[("10.1.0.9:9100", Some("eth0"), Severity::Medium)],
    );
    let later = [
        rows,
        vec![attempts("10.1.0.9", DAY, (15_000, 20, 9_000, 500))],
    ]
    .concat();
    check(
        "a flood of the next day",
        &later,
        &[("10.1.0.9:9100", Some("eth0"), Severity::Low)],
    );
}

#[test]
fn meters_on_the_host() {
    let to = |number: i64| format!("198.18.0.{number}");
    let pairs = |out: i64, back: i64| -> Vec<Row> {
        (1..9)
            .map(|at| iftop("10.1.0.9", Some(&to(at)), out / 10 + at, back / 10))
            .collect()
    };
    let report =
        |out: i64, back: i64| [pairs(out, back), vec![iftop("10.1.0.9", None, out, back)]].concat();
    let told = |severity| [("web-3", Some("eth0"), severity)];
    check(
        "goes out only",
        &report(100_000_000, 0),
        &told(Severity::Medium),
    );
    check(
        "an upload, acknowledged",
        &report(100_000_000, 1_500_000),
        &told(Severity::Info),
    );
    check("nobody sends", &report(20_000, 0), &[]);
    // One stream of video to one receiver returns nothing either.
    let stream = [
        iftop("10.1.0.9", Some("239.1.1.1"), 9_000_000, 0),
        iftop("10.1.0.9", None, 9_000_000, 0),
    ];
    check("one stream", &stream, &told(Severity::Info));

    let twice = [
        interface(Some(0), "eth0", "10.1.0.9", 1_000, 500),
        interface(Some(10), "eth0", "10.1.0.9", 1_000_001_000, 10_500),
        interface(Some(0), "lo", "127.0.0.1", 0, 0),
        interface(Some(10), "lo", "127.0.0.1", 9_000_000_000, 9_000_000_000),
    ];
    let found = run_all(&twice, &[], &[]);
    let one = of(&found, "top-talker");
    assert_eq!(
        (one.len(), one[0].facts["bytes_per_second"].as_f64()),
        (1, Some(1e8))
    );
    check("once", &twice[..1], &[]);
    check(
        "the same moment",
        &[
            twice[0].clone(),
            interface(Some(0), "eth0", "10.1.0.9", 9_000_000_000, 0),
        ],
        &[],
    );
    check(
        "undated",
        &[
            interface(None, "eth0", "10.1.0.9", 1, 1),
            interface(None, "eth0", "10.1.0.9", 9_000_000_000, 0),
        ],
        &[],
    );
    check(
        "reset between",
        &[
            twice[1].clone(),
            interface(Some(HOUR), "eth0", "10.1.0.9", 5, 5),
        ],
        &[],
    );
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let me = labels("10.1.0.9:9100", "eth0");
    let rows = [
        series(RATE, &me, MINUTE, &[(60, 6e6), (60, 1e8)]),
        quiet(RATE, MINUTE, 120),
    ]
    .concat();
    let turned: Vec<Row> = rows.iter().rev().cloned().collect();
    let twice = [rows.clone(), rows.clone()].concat();
    let shown =
        |rows: &[Row]| serde_json::to_string(&run_all(rows, &[], &[]).findings).expect("JSON");
    assert_eq!(shown(&rows), shown(&turned));
    assert_eq!(
        of(&run_all(&twice, &[], &[]), "top-talker").len(),
        1,
        "copies"
    );
}
