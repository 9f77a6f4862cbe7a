//! Who asked for a bad domain: clients told from what passes on, and from who had their address before.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod timeline;

use coldcase_correlate::CaseFacts;
use coldcase_model::{Finding, Findings, Severity};
use serde_json::{Value, json};

use timeline::{
    Row, answers, asks, asks_type, container, facts, flow, lease, logged, node, pod, translated,
};

const EVIL: &str = "evil.example";
const COREDNS: &str = "10.1.0.2";
const UPSTREAM: &str = "10.9.0.2";
const HOUR: i64 = 3_600;

fn run(rows: &[Row], facts: &CaseFacts) -> Findings {
    let (_folder, timeline) = timeline::timeline(rows);
    let only = ["dns-origin".to_owned()];
    chinese::run(&timeline, facts, &only).expect("runs")
}

/// The cluster that most tests happen in: two nodes, CoreDNS on the first, two pods.
fn cluster() -> Vec<Row> {
    vec![
        node("node-1", "10.9.1.1", 2),
        node("node-2", "10.9.1.2", 3),
        pod(
            "kube-system/coredns-7d8",
            COREDNS,
            "Running",
            90 * HOUR,
            "node-1",
            2,
        ),
        pod("prod/web-1", "10.1.1.7", "Running", 50 * HOUR, "node-1", 3),
        pod("shop/cart-2", "10.1.2.8", "Running", 50 * HOUR, "node-2", 4),
    ]
}

/// A client's question with all that follows in a capture on CoreDNS's node: forwarded, masqueraded, answered.
fn lookup(seconds: f64, from: &str, id: i64, name: &str) -> Vec<Row> {
    let (pod, node) = (
        format!("{COREDNS}:55{}", id % 100),
        format!("10.9.1.1:55{}", id % 100),
    );
    vec![
        asks(seconds, from, COREDNS, id, name),
        asks(seconds + 0.001, &pod, UPSTREAM, id + 7, name),
        asks(seconds + 0.001_02, &node, UPSTREAM, id + 7, name),
        answers(
            seconds + 0.01,
            UPSTREAM,
            &pod,
            id + 7,
            name,
            &["192.0.2.66"],
        ),
        answers(seconds + 0.011, COREDNS, from, id, name, &["192.0.2.66"]),
    ]
}

fn with(mut rows: Vec<Row>, more: impl IntoIterator<Item = Vec<Row>>) -> Vec<Row> {
    rows.extend(more.into_iter().flatten());
    rows
}

/// The facts that tell who asked, one line a finding.
fn said(findings: &[Finding]) -> Vec<String> {
    let mut said: Vec<String> = findings
        .iter()
        .map(|finding| {
            let facts = &finding.facts;
            format!(
                "{} {} {} {} {}",
                finding.severity.as_str(),
                facts["domain"].as_str().expect("a domain"),
                facts["client_ip"].as_str().expect("an address"),
                facts["client"]["value"].as_str().expect("a client"),
                facts["queries"]
            )
        })
        .collect();
    said.sort();
    said
}

fn check(name: &str, rows: &[Row], expected: &[&str]) -> Findings {
    let facts = facts(&[EVIL], &[]);
    let found = run(rows, &facts);
    assert_eq!(said(&found.findings), expected, "{name}");
    for finding in &found.findings {
        assert!(finding.evidence.len() <= 20, "{name}");
        assert!(!finding.evidence.is_empty(), "{name}");
    }
    found
}

#[test]
fn the_pod_asked_and_the_others_passed_it_on() {
    let rows = with(
        cluster(),
        [
            lookup(10.0, "10.1.1.7:4001", 100, EVIL),
            lookup(40.0, "10.1.1.7:4002", 101, EVIL),
            // From the cache: nothing is forwarded.
            vec![asks_type(70.0, "10.1.1.7:4003", COREDNS, 102, EVIL, "AAAA")],
        ],
    );
    let found = check("pod", &rows, &["high evil.example 10.1.1.7 prod/web-1 3"]);
    let finding = &found.findings[0];
    assert_eq!(
        finding.title,
        "pod prod/web-1 asked for evil.example 3 times"
    );
    assert_eq!(finding.facts["indicator"], EVIL);
    assert_eq!(finding.facts["query_types"], json!(["A", "AAAA"]));
    assert_eq!(finding.facts["candidates"], json!([]));
    assert_eq!(finding.facts["client"]["type"], "pod");
    assert_eq!(finding.facts["first"], "2023-02-20T12:00:10Z");
    assert_eq!(finding.facts["last"], "2023-02-20T12:01:10Z");
    let conclusion = &found.conclusions[0];
    assert_eq!(conclusion.kind, "dns-origin");
    assert_eq!(conclusion.about.value, EVIL);
    assert_eq!(conclusion.answer.value, "prod/web-1");
    assert_eq!(conclusion.because, std::slice::from_ref(&finding.id));
}

#[test]
fn quiet_where_nobody_asked() {
    let named = |name: &str| lookup(10.0, "10.1.1.7:4001", 100, name);
    for name in [
        "notevil.example",
        "evil.example.mirror.test",
        "example",
        "evil.example.com",
        "evil-example",
    ] {
        check(name, &with(cluster(), [named(name)]), &[]);
    }
    let suffixed = ["evil.example.mirror.test.prod.svc.cluster.local"].map(named);
    check("look-alike with suffix", &with(cluster(), suffixed), &[]);
    check("nothing", &[], &[]);
    let found = run(&with(cluster(), [named(EVIL)]), &facts(&[], &[]));
    assert!(found.findings.is_empty(), "no indicator");
}

#[test]
fn names_below_an_indicator_are_the_indicator_s() {
    let rows = with(
        cluster(),
        [
            lookup(10.0, "10.1.1.7:4001", 100, "c2.evil.example"),
            lookup(20.0, "10.1.1.7:4002", 101, "c2.evil.example"),
            lookup(30.0, "10.1.1.7:4003", 102, EVIL),
        ],
    );
    let found = check(
        "below",
        &rows,
        &["high c2.evil.example 10.1.1.7 prod/web-1 2"],
    );
    assert_eq!(found.findings[0].facts["indicator"], EVIL);
    let many: Vec<Vec<Row>> = (0..9)
        .map(|index| {
            let name = format!("{index}abc.evil.example");
            lookup(
                10.0 + f64::from(index),
                "10.1.1.7:4001",
                100 + i64::from(index),
                &name,
            )
        })
        .collect();
    check(
        "each once",
        &with(cluster(), many),
        &["high evil.example 10.1.1.7 prod/web-1 9"],
    );
}

#[test]
fn two_pods_in_the_same_millisecond_are_two() {
    let rows = with(
        cluster(),
        [vec![
            asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
            asks(10.000_2, "10.1.2.8:4001", COREDNS, 200, EVIL),
            asks(10.000_4, "10.1.0.2:5501", UPSTREAM, 300, EVIL),
        ]],
    );
    let found = check(
        "two pods",
        &rows,
        &[
            "high evil.example 10.1.1.7 prod/web-1 1",
            "high evil.example 10.1.2.8 shop/cart-2 1",
        ],
    );
    assert_eq!(found.conclusions.len(), 2);
    // The same without a word about who they are, and by two resolvers.
    let rows = vec![
        asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
        asks(10.000_2, "10.1.2.8:4001", "10.1.0.3", 200, EVIL),
    ];
    check(
        "two unknown",
        &rows,
        &[
            "high evil.example 10.1.1.7 10.1.1.7 1",
            "high evil.example 10.1.2.8 10.1.2.8 1",
        ],
    );
}

#[test]
fn one_question_in_many_records_is_one() {
    let question = || asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL);
    let rows = with(
        cluster(),
        [vec![
            question(),
            asks(10.000_05, "10.1.1.7:4001", COREDNS, 100, EVIL),
            // Another host's capture, whose clock is behind.
            asks(9.7, "10.1.1.7:4001", COREDNS, 100, EVIL).in_file("node-2/dns.pcap"),
            logged(None, "10.1.1.7:4001", 100, EVIL, 9),
            // Sent to the service's address, seen again behind the translation.
            asks(20.0, "10.1.1.7:4002", "10.96.0.10", 101, EVIL),
            translated(
                20.000_01,
                "10.1.1.7:4002",
                COREDNS,
                101,
                EVIL,
                "10.1.1.7:4002",
            ),
        ]],
    );
    let found = check(
        "copies",
        &rows,
        &["high evil.example 10.1.1.7 prod/web-1 2"],
    );
    let text = &found.findings[0].text;
    assert!(text.contains("no times are in coredns-a.log"), "{text}");
    let repeated = with(
        cluster(),
        [vec![
            question(),
            asks(15.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
        ]],
    );
    let found = check(
        "repeated",
        &repeated,
        &["high evil.example 10.1.1.7 prod/web-1 2"],
    );
    let text = &found.findings[0].text;
    assert!(text.contains("1 of them repeated"), "{text}");
}

#[test]
fn the_sources_together_count() {
    // The capture holds the first two, one resolver's log the last two, without times.
    let rows = with(
        cluster(),
        [vec![
            asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
            asks(20.0, "10.1.1.7:4002", COREDNS, 101, EVIL),
            logged(None, "10.1.1.7:4002", 101, EVIL, 9),
            logged(None, "10.1.1.7:4003", 102, EVIL, 10),
        ]],
    );
    let found = check("union", &rows, &["high evil.example 10.1.1.7 prod/web-1 3"]);
    assert_eq!(found.findings[0].facts["last"], "2023-02-20T12:00:20Z");
}

#[test]
fn a_log_without_times_alone_names_the_pod() {
    let rows = with(
        cluster(),
        [vec![logged(None, "10.1.1.7:4002", 101, EVIL, 9)]],
    );
    let found = check(
        "undated",
        &rows,
        &["high evil.example 10.1.1.7 prod/web-1 1"],
    );
    let finding = &found.findings[0];
    assert_eq!(finding.facts["first"], Value::Null);
    assert_eq!(finding.facts["last"], Value::Null);
    assert!(
        finding.text.contains("first and last are unknown"),
        "{}",
        finding.text
    );
}

#[test]
fn search_suffixes_are_not_counted_and_tell_the_namespace() {
    let suffixes = [
        "batch.svc.k8s.corp",
        "svc.k8s.corp",
        "k8s.corp",
        "corp.example",
    ];
    let mut rows = vec![];
    for (index, suffix) in suffixes.iter().enumerate() {
        let (seconds, id) = (10.0 + index as f64 / 1000.0, 100 + index as i64);
        rows.push(asks(
            seconds,
            "10.1.0.1:4001",
            COREDNS,
            id,
            &format!("{EVIL}.{suffix}"),
        ));
    }
    for (index, name) in ["a.test", "b.test"].iter().enumerate() {
        let id = 200 + index as i64;
        rows.push(asks(11.0, "10.1.2.8:4009", COREDNS, id, name));
        rows.push(asks(
            11.0,
            "10.1.2.8:4009",
            COREDNS,
            id + 9,
            &format!("{name}.corp.example"),
        ));
    }
    rows.push(asks(10.01, "10.1.0.1:4002", COREDNS, 150, EVIL));
    // The gateway of the pods' network: nobody's address.
    let found = check(
        "gateway",
        &with(cluster(), [rows]),
        &["high evil.example 10.1.0.1 10.1.0.1 1"],
    );
    let finding = &found.findings[0];
    assert_eq!(finding.facts["client"]["type"], "unknown");
    assert!(finding.text.contains("namespace batch"), "{}", finding.text);
    assert!(
        finding.text.contains("4 more had a search suffix"),
        "{}",
        finding.text
    );
    assert_eq!(found.conclusions[0].answer.value, "10.1.0.1");
}

#[test]
fn a_resolver_is_named_only_where_no_client_is() {
    let forwarded = || {
        vec![
            asks(10.0, "10.1.0.2:5501", UPSTREAM, 300, EVIL),
            asks(10.000_02, "10.9.1.1:5501", UPSTREAM, 300, EVIL),
            answers(10.01, UPSTREAM, "10.9.1.1:5501", 300, EVIL, &["192.0.2.66"]),
        ]
    };
    let found = check(
        "resolver only",
        &with(cluster(), [forwarded()]),
        &["medium evil.example 10.1.0.2 kube-system/coredns-7d8 1"],
    );
    let finding = &found.findings[0];
    assert!(finding.confidence < 0.5);
    assert!(
        finding.text.contains("only passed questions on"),
        "{}",
        finding.text
    );
    // The same, and elsewhere a client.
    let client = vec![asks(500.0, "10.1.1.7:4001", COREDNS, 100, EVIL)];
    check(
        "client elsewhere",
        &with(cluster(), [forwarded(), client]),
        &["high evil.example 10.1.1.7 prod/web-1 1"],
    );
    // Masqueraded by the node: the pod's own packets are not in the capture.
    let masqueraded = vec![asks(10.0, "10.9.1.1:5501", UPSTREAM, 300, EVIL)];
    check(
        "node of a resolver",
        &with(cluster(), [masqueraded]),
        &["medium evil.example 10.9.1.1 node-1 1"],
    );
}

#[test]
fn a_resolver_is_known_by_what_it_does() {
    let rows = vec![
        pod(
            "infra/names-0",
            "10.1.0.9",
            "Running",
            50 * HOUR,
            "node-1",
            2,
        ),
        pod("prod/web-1", "10.1.1.7", "Running", 50 * HOUR, "node-1", 3),
        asks(9.0, "10.1.1.5:4001", "10.1.0.9", 99, "fine.test"),
        asks(10.0, "10.1.1.7:4001", "10.1.0.9", 100, EVIL),
        asks(10.001, "10.1.0.9:5501", UPSTREAM, 300, EVIL),
        asks(90.0, "10.1.0.9:5502", UPSTREAM, 301, EVIL),
    ];
    let found = check(
        "own resolver",
        &rows,
        &["high evil.example 10.1.1.7 prod/web-1 1"],
    );
    let text = &found.findings[0].text;
    assert!(text.contains("there may be another client"), "{text}");
}

#[test]
fn a_host_asks_for_itself_by_its_stub() {
    let rows = vec![
        asks(10.0, "127.0.0.1:4001", "127.0.0.53", 100, EVIL),
        asks(10.001, "10.9.1.1:5501", UPSTREAM, 300, EVIL),
        answers(
            10.01,
            "127.0.0.53",
            "127.0.0.1:4001",
            100,
            EVIL,
            &["192.0.2.66"],
        ),
    ];
    let facts = facts(&[EVIL], &[("node-1", "10.9.1.1")]);
    let found = run(&rows, &facts);
    assert_eq!(
        said(&found.findings),
        ["high evil.example 10.9.1.1 node-1 1"]
    );
    assert_eq!(found.findings[0].facts["client"]["type"], "host");
    // And without a stub.
    let found = run(&rows[1..2], &facts);
    assert_eq!(
        said(&found.findings),
        ["high evil.example 10.9.1.1 node-1 1"]
    );
}

#[test]
fn a_node_s_cache_is_not_the_client() {
    let rows = with(
        cluster(),
        [vec![
            pod(
                "kube-system/node-local-dns-x",
                "10.9.1.2",
                "Running",
                50 * HOUR,
                "node-2",
                9,
            ),
            asks(10.0, "10.1.2.8:4001", "169.254.20.10", 100, EVIL).on("node-2"),
            asks(10.001, "10.9.1.2:5501", COREDNS, 300, EVIL).on("node-2"),
            logged(None, "10.9.1.2:5501", 300, EVIL, 9),
        ]],
    );
    check(
        "cache",
        &rows,
        &["high evil.example 10.1.2.8 shop/cart-2 1"],
    );
}

#[test]
fn a_log_that_knows_the_gateway_is_joined_by_the_id() {
    let rows = vec![
        pod("prod/web-1", "10.1.1.7", "Running", 50 * HOUR, "node-1", 3),
        asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
        logged(Some(10.002), "10.1.1.1:31001", 100, EVIL, 9),
    ];
    check(
        "joined",
        &rows,
        &["high evil.example 10.1.1.7 prod/web-1 1"],
    );
}

/// `10.1.1.7` in three hands: a pod that ended before, one that ended after, one that has it now; and two
/// of which only a list says that they had it once.
fn reused() -> Vec<Row> {
    let sandbox = |pod, started, finished, line| {
        container("k8s_POD", Some(pod), "10.1.1.7", started, finished, line)
    };
    vec![
        sandbox("batch/import", -9_000.0, Some(-4_000.0), 10),
        sandbox("batch/export", -3_900.0, Some(900.0), 20),
        sandbox("prod/resizer", 960.0, None, 30),
        pod("prod/resizer", "10.1.1.7", "Running", 2_640, "node-1", 2),
        pod(
            "batch/nightly-1",
            "10.1.1.7",
            "Completed",
            23 * HOUR,
            "node-1",
            3,
        ),
        pod(
            "batch/nightly-2",
            "10.1.1.7",
            "Completed",
            27 * HOUR,
            "node-1",
            4,
        ),
        lease("10.1.1.7", 959.0),
    ]
}

#[test]
fn an_address_that_was_reused_is_its_holder_s_of_that_time() {
    let ask = |seconds: f64| vec![asks(seconds, "10.1.1.7:4001", COREDNS, 100, EVIL)];
    let found = check(
        "then",
        &with(reused(), [ask(10.0), ask(600.0)]),
        &["high evil.example 10.1.1.7 batch/export 2"],
    );
    let finding = &found.findings[0];
    assert_eq!(finding.facts["candidates"], json!([]));
    assert!(
        finding.text.contains("prod/resizer (from"),
        "{}",
        finding.text
    );
    assert!(finding.confidence > 0.9);
    check(
        "now",
        &with(reused(), [ask(1_000.0)]),
        &["high evil.example 10.1.1.7 prod/resizer 1"],
    );
    check(
        "in two hands",
        &with(reused(), [ask(10.0), ask(1_000.0), ask(1_001.0)]),
        &[
            "high evil.example 10.1.1.7 batch/export 1",
            "high evil.example 10.1.1.7 prod/resizer 2",
        ],
    );
}

#[test]
fn of_two_that_fit_none_is_named() {
    let mut rows = vec![
        pod(
            "batch/nightly-1",
            "10.1.1.7",
            "Completed",
            23 * HOUR,
            "node-1",
            3,
        ),
        pod(
            "shop/nightly-2",
            "10.1.1.7",
            "Completed",
            27 * HOUR,
            "node-1",
            4,
        ),
        asks(10.0, "10.1.1.7:4001", COREDNS, 100, EVIL),
    ];
    let found = check("two fit", &rows, &["high evil.example 10.1.1.7 10.1.1.7 1"]);
    let finding = &found.findings[0];
    assert_eq!(finding.facts["client"]["type"], "unknown");
    assert_eq!(
        finding.facts["candidates"],
        json!([
            {"type": "pod", "value": "batch/nightly-1"},
            {"type": "pod", "value": "shop/nightly-2"}
        ])
    );
    assert_eq!(found.conclusions[0].candidates.len(), 2);
    assert!(finding.confidence < 0.5);
    // The search suffix decides.
    let name = format!("{EVIL}.shop.svc.cluster.local");
    rows.push(asks(9.9, "10.1.1.7:4000", COREDNS, 99, &name));
    check(
        "suffix",
        &rows,
        &["high evil.example 10.1.1.7 shop/nightly-2 1"],
    );
}

#[test]
fn connections_to_the_answer_are_told() {
    let rows = with(
        cluster(),
        [
            lookup(10.0, "10.1.1.7:4001", 100, EVIL),
            vec![
                flow(11.0, "10.1.1.7", "192.0.2.66"),
                flow(11.0, "10.1.2.8", "192.0.2.66"),
            ],
        ],
    );
    let found = check("flow", &rows, &["high evil.example 10.1.1.7 prod/web-1 1"]);
    let finding = &found.findings[0];
    assert!(
        finding
            .text
            .contains("connected to the answered address 192.0.2.66: once")
    );
    let last = finding.evidence.last().expect("evidence");
    assert_eq!(last.text, "10.1.1.7 connects to 192.0.2.66");
}

#[test]
fn order_of_the_evidence_does_not_matter() {
    let mut rows = with(
        reused(),
        [
            lookup(10.0, "10.1.1.7:4001", 100, EVIL),
            lookup(400.0, "10.1.2.8:4001", 120, "x.evil.example"),
            vec![logged(None, "10.1.1.7:4001", 100, EVIL, 9)],
        ],
    );
    let facts = facts(&[EVIL], &[("node-1", "10.9.1.1")]);
    let text = |found: &Findings| serde_json::to_string(found).expect("JSON");
    let first = text(&run(&rows, &facts));
    assert!(first.contains("batch/export"));
    for _ in 0..3 {
        rows.rotate_left(5);
        rows.reverse();
        assert_eq!(text(&run(&rows, &facts)), first);
    }
    assert!(
        run(&rows, &facts)
            .findings
            .iter()
            .all(|one| one.severity == Severity::High)
    );
}
