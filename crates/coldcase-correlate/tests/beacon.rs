//! What calls home by the clock, and what only looks like it.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod timeline;

use coldcase_correlate::{CaseFacts, Coverage, Indicator, IndicatorType};
use coldcase_model::{Attributes, Finding, Severity, Timestamp, action, outcome};
use timeline::{Row, at, facts, flow};

const C2: &str = "192.0.2.66";

fn connection(seconds: f64, from: &str, to: &str, port: u16) -> Row {
    let mut row = flow(seconds, from, to).on("node-1");
    row.event.dst_port = Some(port);
    // No two records at one place.
    let place = format!("{from}{to}")
        .bytes()
        .fold(0, |sum, byte| sum * 31 % 9_973 + u64::from(byte));
    row.event.offset = row.event.offset.map(|offset| offset * 10_000 + place);
    row.event.protocol = Some("tcp");
    row.event.outcome = Some(outcome::SUCCESS);
    row
}

/// `count` connections, so many seconds apart with some wobble.
fn beats(from: &str, to: &str, port: u16, period: f64, count: u32) -> Vec<Row> {
    let wobble = |n: u32| f64::from(n * 7 % 5) * 0.01 * period;
    (0..count)
        .map(|n| connection(f64::from(n) * period + wobble(n), from, to, port))
        .collect()
}

/// Connections at moments without a rhythm.
fn noise(from: &str, to: &str, port: u16, count: u32) -> Vec<Row> {
    let mut state: u64 = 1 + u64::from(port);
    let mut seconds = 0.0;
    let moments = (0..count).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from(u32::try_from(state >> 33).expect("31 bits")) / f64::from(1u32 << 31);
        seconds += -60.0 * (1.0 - share).ln();
        connection(seconds, from, to, port)
    });
    moments.collect()
}

fn covered(hours: f64) -> CaseFacts {
    let mut facts = facts(&[], &[("node-1", "10.0.0.5")]);
    facts.coverage = vec![Coverage {
        host: Some("node-1".into()),
        format: "pcap".into(),
        file: "node-1/dns.pcap".into(),
        first: Timestamp(at(0.0)),
        last: Timestamp(at(hours * 3600.0)),
    }];
    facts
}

fn run(rows: &[Row], facts: &CaseFacts) -> Vec<Finding> {
    let (_folder, timeline) = timeline::timeline(rows);
    let only = ["beacon".to_owned()];
    chinese::run(&timeline, facts, &only)
        .expect("runs")
        .findings
}

fn severities(rows: &[Row], facts: &CaseFacts) -> Vec<Severity> {
    run(rows, facts).iter().map(|one| one.severity).collect()
}

#[test]
fn a_beacon_has_its_facts() {
    let mut rows = beats("10.0.0.5", C2, 8443, 60.0, 120);
    rows.extend(noise("10.0.0.5", "198.51.100.9", 443, 200));
    let found = run(&rows, &covered(3.0));
    assert_eq!(found.len(), 1, "{found:?}");
    let (one, facts) = (&found[0], &found[0].facts);
    assert_eq!(one.severity, Severity::Medium);
    assert_eq!(facts["src"], "10.0.0.5");
    assert_eq!(facts["dst"], C2);
    assert_eq!(facts["dst_port"], 8443);
    assert_eq!(facts["events"], 120);
    let number = |name: &str| facts[name].as_f64().expect(name);
    assert!((number("period_seconds") - 60.0).abs() < 0.7, "{facts:?}");
    assert!(number("jitter_seconds") < 3.0, "{facts:?}");
    assert!(number("score") > 0.9, "{facts:?}");
    assert!(one.evidence.iter().all(|record| record.text.contains(C2)));
    assert!((2..=20).contains(&one.evidence.len()));
    assert_eq!(one.first, Some(Timestamp(at(0.0))));
}

#[test]
fn what_it_weighs() {
    let check = |name: &str, rows: Vec<Row>, expected: &[Severity]| {
        assert_eq!(severities(&rows, &covered(3.0)), expected, "{name}");
    };
    check(
        "a probe inside",
        beats("10.0.0.1", "10.0.0.5", 8080, 10.0, 500),
        &[Severity::Info],
    );
    check(
        "time",
        beats("10.0.0.5", "192.0.2.123", 123, 64.0, 100),
        &[Severity::Low],
    );
    check(
        "updates",
        beats("10.0.0.5", "192.0.2.80", 443, 60.0, 100),
        &[Severity::Low],
    );
    check(
        "monitoring from outside",
        beats("192.0.2.9", "10.0.0.5", 443, 60.0, 100),
        &[Severity::Info],
    );
    let everybody = (1..=4).flat_map(|n| beats(&format!("10.0.0.{n}"), C2, 8443, 60.0, 100));
    check(
        "everybody's agent",
        everybody.collect(),
        &[Severity::Low; 4],
    );
    check(
        "a short visit",
        beats("10.0.0.5", C2, 8443, 30.0, 20),
        &[Severity::Low],
    );
}

#[test]
fn what_is_no_beacon() {
    let quiet = |name: &str, rows: Vec<Row>| {
        let found = run(&rows, &covered(3.0));
        assert!(found.is_empty(), "{name}: {found:?}");
    };
    quiet("noise", noise("10.0.0.5", C2, 8443, 300));
    quiet("few", beats("10.0.0.5", C2, 8443, 60.0, 9));
    quiet("lookups", beats("10.0.0.5", "10.0.0.53", 53, 60.0, 100));
    quiet("loopback", beats("127.0.0.1", "127.0.0.1", 8443, 60.0, 100));
    quiet(
        "multicast",
        beats("10.0.0.5", "224.0.0.251", 5353, 60.0, 100),
    );
    let flood = (0..3_000).map(|n| connection(f64::from(n) * 0.01, "10.0.0.5", C2, 80));
    quiet("a flood", flood.collect());
    let keepalive = beats("10.0.0.5", C2, 8443, 400.0, 50)
        .into_iter()
        .map(|mut row| {
            row.event.outcome = None; // under way all the time, a flow ends by silence
            row
        });
    quiet("one connection with long silences", keepalive.collect());
    let tunnel = beats("10.0.0.5", C2, 9993, 300.0, 50)
        .into_iter()
        .map(|mut row| {
            row.event.action = action::UDP_FLOW;
            row.event.src_port = Some(9993);
            row
        });
    quiet("one UDP socket", tunnel.collect());
    let undated = beats("10.0.0.5", C2, 8443, 60.0, 50)
        .into_iter()
        .map(|mut row| {
            row.event.when = None;
            row
        });
    quiet("without times", undated.collect());
}

#[test]
fn copies_are_one_pair() {
    let mut rows = beats("10.0.0.5", C2, 8443, 60.0, 120);
    let again: Vec<Row> = rows
        .iter()
        .map(|row| row.clone().on("node-2").in_file("node-2/x.pcap"))
        .collect();
    rows.extend(again);
    let requests = beats("10.0.0.5", C2, 8443, 60.0, 120)
        .into_iter()
        .map(|mut row| {
            row.event.action = action::HTTP_REQUEST;
            row
        });
    rows.extend(requests);
    let found = run(&rows, &covered(3.0));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].facts["events"], 120);
}

#[test]
fn high_needs_an_indicator_or_an_odd_socket() {
    let known = |kind, value: &str| {
        let mut facts = covered(3.0);
        let value = value.to_owned();
        facts.indicators = vec![Indicator { kind, value }];
        facts
    };
    let rows = beats("10.0.0.5", C2, 443, 60.0, 120);
    for (kind, value, expected) in [
        (IndicatorType::Ip, C2, Severity::High),
        (IndicatorType::Cidr, "192.0.2.64/28", Severity::High),
        (IndicatorType::Ip, "192.0.2.67", Severity::Low),
        (IndicatorType::Cidr, "192.0.2.0/28", Severity::Low),
        (IndicatorType::Domain, "evil.example", Severity::Low),
    ] {
        assert_eq!(
            severities(&rows, &known(kind, value)),
            [expected],
            "{value}"
        );
    }
    let mut resolved = rows.clone();
    resolved.push(timeline::answers(
        1.0,
        "10.0.0.53",
        "10.0.0.5:4001",
        7,
        "c2.evil.example",
        &[C2],
    ));
    let found = run(&resolved, &known(IndicatorType::Domain, "evil.example"));
    assert_eq!(found[0].severity, Severity::High);
    assert!(
        found[0]
            .evidence
            .iter()
            .any(|record| record.file == "node-1/dns.pcap")
    );

    let socket = |no_owner: bool| {
        let mut rows = beats("10.0.0.5", C2, 8443, 60.0, 120);
        let mut row = connection(7300.0, "10.0.0.5", C2, 8443);
        row.event.action = action::SOCKET_LISTED;
        let mut attributes = Attributes::new();
        attributes.text("state", "ESTAB").flag("no_owner", no_owner);
        row.event.attributes = attributes.finish().map(Into::into);
        rows.push(row);
        rows
    };
    assert_eq!(severities(&socket(true), &covered(3.0)), [Severity::High]);
    assert_eq!(
        severities(&socket(false), &covered(3.0)),
        [Severity::Medium]
    );
}

#[test]
fn of_internal_rhythms_a_handful_is_told() {
    let probes = (1..=30).flat_map(|n| beats("10.0.0.5", &format!("10.1.0.{n}"), 8080, 10.0, 60));
    let found = run(&probes.collect::<Vec<_>>(), &covered(1.0));
    assert_eq!(found.len(), 5);
    assert!(
        found
            .iter()
            .all(|one| one.severity == Severity::Info && one.text.contains("30 pairs"))
    );
}

#[test]
fn audited_calls_are_the_host_s() {
    let calls = |exe: &str| -> Vec<Row> {
        let audited = beats("10.0.0.5", C2, 4444, 300.0, 40)
            .into_iter()
            .map(|mut row| {
                row.event.action = action::CONNECT;
                row.event.src_ip = None;
                row.event.exe = Some(exe.to_owned().into());
                row.format = "auditd";
                row
            });
        audited.collect()
    };
    let found = run(&calls("/tmp/x"), &covered(3.0));
    assert_eq!(found[0].facts["src"], "10.0.0.5");
    assert_eq!(found[0].facts["process"], "/tmp/x");
    let mut beside = calls("/tmp/x");
    beside.push(timeline::container("web", None, "172.17.0.2", 0.0, None, 1));
    let found = run(&beside, &covered(3.0));
    assert_eq!(found[0].facts["src"], "10.0.0.5", "masqueraded");
    for row in &mut beside {
        row.event.dst_ip = row.event.dst_ip.is_some().then(|| "10.1.0.9".into());
    }
    let found = run(&beside, &covered(3.0));
    assert!(
        found[0].facts["src"].is_null(),
        "the container's or the host's"
    );
    let mut several = covered(3.0);
    several.hosts[0].addresses.push("10.9.0.5".into());
    let found = run(&calls("/tmp/x"), &several);
    assert!(found[0].facts["src"].is_null());
    assert_eq!(found[0].subjects[0].value, "node-1");
}

#[test]
fn the_same_for_any_order_of_rows() {
    let mut rows = beats("10.0.0.5", C2, 8443, 60.0, 120);
    rows.extend((1..=8).flat_map(|n| beats("10.0.0.5", &format!("10.1.0.{n}"), 8080, 10.0, 60)));
    let first = run(&rows, &covered(3.0));
    rows.reverse();
    assert_eq!(run(&rows, &covered(3.0)), first);
}
