//! Tunnels, generated names and storms of failures, and the lookups that only look like them.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod chinese;
mod timeline;

use coldcase_correlate::CaseFacts;
use coldcase_model::{Finding, Severity, Timestamp};
use timeline::{Row, answers, asks_type, at, facts, logged, translated};

const RESOLVER: &str = "10.0.0.53";
const TUNNEL: &str = "t.evil.example";

/// The same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn text(&mut self, letters: &str, length: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..length)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }
}

const BASE32: &str = "abcdefghijklmnopqrstuvwxyz234567";
const HEX: &str = "0123456789abcdef";

/// Names with data below a domain, one every 20 s.
fn names(count: u32, length: usize, letters: &str, domain: &str) -> Vec<(f64, String)> {
    let mut random = Random(9);
    let name = |random: &mut Random| format!("{}.{domain}", random.text(letters, length));
    (0..count)
        .map(|n| (f64::from(n) * 20.0, name(&mut random)))
        .collect()
}

fn asked(from: &str, to: &str, names: &[(f64, String)], kind: &str) -> Vec<Row> {
    let ask = |(id, (at, name)): (i64, &(f64, String))| asks_type(*at, from, to, id, name, kind);
    (1..).zip(names).map(ask).collect()
}

/// A question that fails, with its answer.
fn failing(from: &str, at: f64, id: i64, name: &str) -> [Row; 2] {
    let mut answer = answers(at + 0.01, RESOLVER, from, id, name, &[]);
    answer.event.response_code = Some("NXDOMAIN".into());
    [asks_type(at, from, RESOLVER, id, name, "A"), answer]
}

/// Two clients that ask for what everybody asks.
fn others() -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, from) in (900..).zip(["10.0.0.21:4001", "10.0.0.22:4001"]) {
        rows.push(asks_type(
            f64::from(i32::try_from(id).expect("small")),
            from,
            RESOLVER,
            id,
            "www.shop.example",
            "A",
        ));
    }
    rows
}

fn run(rows: &[Row], facts: &CaseFacts) -> Vec<Finding> {
    let (_folder, timeline) = timeline::timeline(rows);
    let only = ["dns-anomaly".to_owned()];
    chinese::run(&timeline, facts, &only)
        .expect("runs")
        .findings
}

fn quiet(name: &str, rows: &[Row]) {
    let found = run(rows, &facts(&[], &[]));
    assert!(found.is_empty(), "{name}: {found:?}");
}

#[test]
fn a_tunnel_has_its_facts() {
    let mut rows = asked(
        "10.0.0.5:4001",
        RESOLVER,
        &names(300, 50, BASE32, TUNNEL),
        "TXT",
    );
    rows.extend(others());
    let found = run(&rows, &facts(&[], &[]));
    assert_eq!(found.len(), 1, "{found:?}");
    let (one, facts) = (&found[0], &found[0].facts);
    assert_eq!(one.severity, Severity::Medium);
    assert_eq!(facts["kind"], "tunnel");
    assert_eq!(facts["client_ip"], "10.0.0.5");
    assert_eq!(facts["domain"], "evil.example");
    assert_eq!(facts["queries"], 300);
    assert!(facts["score"].as_f64().expect("a score") > 0.6, "{facts:?}");
    assert_eq!(one.first, Some(Timestamp(at(0.0))));
    assert!((2..=20).contains(&one.evidence.len()));
    assert!(
        one.evidence
            .iter()
            .all(|record| record.text.contains(TUNNEL) && record.text.contains("10.0.0.5"))
    );
}

#[test]
fn tunnels_by_address_need_more() {
    let weight = |count, length| {
        let mut rows = asked(
            "10.0.0.5:4001",
            RESOLVER,
            &names(count, length, BASE32, TUNNEL),
            "A",
        );
        rows.extend(others());
        let found = run(&rows, &facts(&[], &[]));
        found.iter().map(|one| one.severity).collect::<Vec<_>>()
    };
    assert_eq!(weight(1_000, 60), [Severity::Medium]);
    assert_eq!(weight(100, 60), [Severity::Low]);
    assert_eq!(weight(60, 60), []);
}

#[test]
fn high_needs_an_indicator_or_everything() {
    let rows = asked(
        "10.0.0.5:4001",
        RESOLVER,
        &names(300, 50, BASE32, TUNNEL),
        "TXT",
    );
    let severity = |domain: &str| {
        let mut all = rows.clone();
        all.extend(others());
        run(&all, &facts(&[domain], &[]))[0].severity
    };
    assert_eq!(severity("evil.example"), Severity::High);
    assert_eq!(severity("t.evil.example"), Severity::High);
    assert_eq!(severity("notevil.example"), Severity::Medium);

    let much: Vec<(f64, String)> = names(7_000, 60, BASE32, TUNNEL)
        .into_iter()
        .map(|(at, name)| (at / 10.0, name))
        .collect();
    let mut rows = asked("10.0.0.5:4001", RESOLVER, &much, "NULL");
    rows.extend(others());
    assert_eq!(
        run(&rows, &facts(&[], &[]))[0].severity,
        Severity::Medium,
        "no answer holds data"
    );
    let mut answer = answers(0.1, RESOLVER, "10.0.0.5:4001", 1, &much[0].1, &[]);
    answer.event.attributes = Some(
        r#"{"id":1,"answers":[{"name":"x","type":"NULL","data":"mfrggzdfmztwq2lknnwg23tpobyxe43u"}]}"#.into(),
    );
    rows.push(answer);
    assert_eq!(run(&rows, &facts(&[], &[]))[0].severity, Severity::High);
}

#[test]
fn a_tunnel_is_told_of_who_asked() {
    let names = names(300, 50, BASE32, TUNNEL);
    let client = asked("10.0.0.5:4001", RESOLVER, &names, "TXT");
    let later = |seconds: f64| -> Vec<(f64, String)> {
        names
            .iter()
            .map(|(at, name)| (at + seconds, name.clone()))
            .collect()
    };
    let forwarded = asked("10.0.0.53:5001", "192.0.2.53", &later(0.01), "TXT");
    let masqueraded = asked("10.9.0.1:5001", "192.0.2.53", &later(0.02), "TXT");
    let log: Vec<Row> = (1..)
        .zip(&names)
        .map(|(line, (at, name))| {
            let mut row = logged(Some(at + 0.03), "10.0.0.5:4001", 7, name, line);
            row.event.query_type = Some("TXT".into());
            row
        })
        .collect();
    for (case, rows) in [
        ("forwarded", [client.clone(), forwarded.clone()].concat()),
        ("masqueraded", [client.clone(), masqueraded].concat()),
        (
            "logged too",
            [client.clone(), forwarded.clone(), log.clone()].concat(),
        ),
        ("log alone", log.clone()),
    ] {
        let found = run(&rows, &facts(&[], &[]));
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        assert_eq!(found[0].facts["client_ip"], "10.0.0.5", "{case}");
        assert_eq!(found[0].facts["queries"], 300, "{case}");
    }
    let found = run(&forwarded, &facts(&[], &[]));
    assert_eq!(
        found[0].facts["client_ip"], "10.0.0.53",
        "nobody else is seen"
    );
    let behind: Vec<Row> = (1..)
        .zip(&names)
        .map(|(id, (at, name))| {
            translated(*at, "10.9.0.1:6001", RESOLVER, id, name, "10.244.1.7:4001")
        })
        .map(|mut row| {
            row.event.query_type = Some("TXT".into());
            row
        })
        .collect();
    assert_eq!(
        run(&behind, &facts(&[], &[]))[0].facts["client_ip"],
        "10.244.1.7"
    );
    // Two infected hosts are two findings.
    let second = asked("10.0.0.6:4001", RESOLVER, &later(7_200.0), "TXT");
    assert_eq!(run(&[client, second].concat(), &facts(&[], &[])).len(), 2);
}

#[test]
fn what_is_no_tunnel() {
    let ask = |domain: &str, letters: &str, length: usize, kind: &str| {
        let mut rows = asked(
            "10.0.0.5:4001",
            RESOLVER,
            &names(400, length, letters, domain),
            kind,
        );
        rows.extend(others());
        rows
    };
    for (name, domain, letters, length, kind) in [
        (
            "a content network",
            "cloudfront.net",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            40,
            "A",
        ),
        ("reputation", "sophosxl.net", HEX, 60, "TXT"),
        ("a cluster's name", "prod.svc.cluster.local", HEX, 50, "A"),
        (
            "a cluster's suffix",
            "shop.example.prod.svc.k8s.example",
            HEX,
            50,
            "A",
        ),
        ("reverse", "in-addr.arpa", "0123456789", 50, "PTR"),
        ("short ids", "api.shop.example", HEX, 8, "A"),
        ("a single label", "localdomain", HEX, 50, "A"),
    ] {
        quiet(name, &ask(domain, letters, length, kind));
    }
    let mut random = Random(2);
    let blocklist: Vec<(f64, String)> = (0..600)
        .map(|n| {
            let octets: Vec<String> = (0..4).map(|_| random.below(256).to_string()).collect();
            (
                f64::from(n),
                format!("{}.bl.mail.example", octets.join(".")),
            )
        })
        .collect();
    quiet(
        "addresses turned round",
        &asked("10.0.0.5:4001", RESOLVER, &blocklist, "A"),
    );
    let keys: Vec<(f64, String)> = (0..600)
        .map(|n| {
            (
                f64::from(n),
                format!("{}._domainkey.mail{n}.example", random.text(HEX, 40)),
            )
        })
        .collect();
    quiet(
        "keys of mail",
        &asked("10.0.0.5:4001", RESOLVER, &keys, "TXT"),
    );
    let words = [
        "booking",
        "catalogue",
        "shipping",
        "payments",
        "reservation",
        "warehouse",
    ];
    let services: Vec<(f64, String)> = (0..600)
        .map(|n| {
            let labels: Vec<&str> = (0..4).map(|_| words[random.below(words.len())]).collect();
            (f64::from(n), format!("{}.shop.example", labels.join(".")))
        })
        .collect();
    quiet(
        "long names of services",
        &asked("10.0.0.5:4001", RESOLVER, &services, "TXT"),
    );

    let hashes = names(400, 60, HEX, "files.scanner.example");
    let mut reputation = asked("10.0.0.5:4001", RESOLVER, &hashes, "TXT");
    for (id, (at, name)) in (1..).zip(&hashes) {
        reputation.push(answers(
            at + 0.1,
            RESOLVER,
            "10.0.0.5:4001",
            id,
            name,
            &["127.0.0.2"],
        ));
    }
    reputation.extend(others());
    quiet("answered like a block list", &reputation);

    // A tunnel's names with a search suffix behind are no tunnel below the suffix.
    let mut tunnel = names(300, 50, BASE32, TUNNEL);
    let suffixed: Vec<(f64, String)> = tunnel
        .iter()
        .map(|(at, name)| (at - 0.01, format!("{name}.corp.example")))
        .collect();
    tunnel.extend(suffixed);
    let found = run(
        &asked("10.0.0.5:4001", RESOLVER, &tunnel, "TXT"),
        &facts(&[], &[]),
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].facts["domain"], "evil.example");
    assert_eq!(found[0].facts["queries"], 300);
}

fn generated(count: u32, every: f64) -> Vec<(f64, String)> {
    let mut random = Random(4);
    let tops = ["example", "test", "com"];
    (0..count)
        .map(|n| {
            let name = random.text("abcdefghijklmnopqrstuvwxyz", 14);
            (
                f64::from(n) * every,
                format!("{name}.{}", tops[random.below(3)]),
            )
        })
        .collect()
}

fn failures(from: &str, names: &[(f64, String)]) -> Vec<Row> {
    let rows = (1..)
        .zip(names)
        .flat_map(|(id, (at, name))| failing(from, *at, id, name));
    rows.collect()
}

#[test]
fn generated_names_are_told() {
    let found = run(
        &failures("10.0.0.5:4001", &generated(60, 10.0)),
        &facts(&[], &[]),
    );
    assert_eq!(found.len(), 1, "{found:?}");
    let facts = &found[0].facts;
    assert_eq!(found[0].severity, Severity::Medium);
    assert_eq!(facts["kind"], "dga");
    assert_eq!(facts["client_ip"], "10.0.0.5");
    assert!(facts["domain"].is_null());
    let queries = facts["queries"].as_f64().expect("a number");
    assert!((45.0..=60.0).contains(&queries), "{facts:?}");
    assert!(
        facts["examples"]
            .as_array()
            .is_some_and(|list| list.len() >= 5)
    );
    assert!(found[0].evidence.len() >= 5);

    let log: Vec<Row> = (1..)
        .zip(&generated(60, 10.0))
        .map(|(line, (at, name))| {
            let mut row = logged(Some(*at), "10.0.0.5:4001", 7, name, line);
            row.event.response_code = Some("NXDOMAIN".into());
            row
        })
        .collect();
    assert_eq!(
        run(&log, &timeline::facts(&[], &[])).len(),
        1,
        "a resolver's log alone"
    );
}

#[test]
fn what_is_not_generated() {
    quiet("few", &failures("10.0.0.5:4001", &generated(15, 10.0)));
    quiet(
        "over a week",
        &failures("10.0.0.5:4001", &generated(60, 7_200.0)),
    );
    let names = generated(60, 10.0);
    let change = |change: &dyn Fn(&str) -> String| -> Vec<(f64, String)> {
        names.iter().map(|(at, name)| (*at, change(name))).collect()
    };
    let first = |name: &str| name.split('.').next().expect("a label").to_owned();
    quiet(
        "single labels of a browser",
        &failures("10.0.0.5:4001", &change(&first)),
    );
    quiet(
        "below one domain",
        &failures(
            "10.0.0.5:4001",
            &change(&|name| format!("{}.shop.example", first(name))),
        ),
    );
    quiet(
        "a cluster's suffix",
        &failures(
            "10.0.0.5:4001",
            &change(&|name| format!("{name}.prod.svc.cluster.local")),
        ),
    );
    quiet("answered", &asked("10.0.0.5:4001", RESOLVER, &names, "A"));
    let words = [
        "river", "garden", "market", "silver", "travel", "kitchen", "winter", "motor", "forest",
        "studio",
    ];
    let dead: Vec<(f64, String)> = (0..100)
        .map(|n| {
            (
                f64::from(n) * 10.0,
                format!(
                    "{}{}.example",
                    words[n as usize / 10],
                    words[n as usize % 10]
                ),
            )
        })
        .collect();
    quiet("a crawler's dead links", &failures("10.0.0.5:4001", &dead));
    quiet(
        "a mail filter",
        &failures("10.0.0.5:4001", &[dead, generated(30, 10.0)].concat()),
    );
}

#[test]
fn storms_are_low() {
    let steady = |name: &str| -> Vec<(f64, String)> {
        (0..200)
            .map(|n| (f64::from(n) * 60.0, format!("h{n}.{name}")))
            .collect()
    };
    quiet(
        "steady",
        &failures("10.0.0.5:4001", &steady("shop.example")),
    );
    let mut names = steady("shop.example");
    names.extend((0..800).map(|n| (6_000.0 + f64::from(n) * 0.3, format!("try{n}.gone.example"))));
    let found = run(&failures("10.0.0.5:4001", &names), &facts(&[], &[]));
    assert_eq!(found.len(), 1, "{found:?}");
    let facts = &found[0].facts;
    assert_eq!(found[0].severity, Severity::Low);
    assert_eq!(facts["kind"], "nxdomain-burst");
    assert_eq!(facts["domain"], "gone.example");
    assert_eq!(facts["client_ip"], "10.0.0.5");
    assert!(!found[0].evidence.is_empty());
    // Somebody who serves others has the failures of all of them.
    let mut served = failures("10.0.0.5:4001", &names);
    served.push(asks_type(
        1.0,
        "10.0.0.9:4001",
        "10.0.0.5",
        3,
        "www.shop.example",
        "A",
    ));
    quiet("a resolver", &served);
}

#[test]
fn the_same_for_any_order_of_rows() {
    let mut rows = asked(
        "10.0.0.5:4001",
        RESOLVER,
        &names(300, 50, BASE32, TUNNEL),
        "TXT",
    );
    rows.extend(failures("10.0.0.7:4001", &generated(60, 10.0)));
    // No two records at one place.
    for (offset, row) in (0..).zip(&mut rows) {
        row.event.offset = Some(offset);
    }
    let first = run(&rows, &facts(&[], &[]));
    assert_eq!(first.len(), 2);
    rows.reverse();
    assert_eq!(run(&rows, &facts(&[], &[])), first);
}
