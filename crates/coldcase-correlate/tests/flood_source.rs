//! Who floods: answers, and where the evidence only allows unknown.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use coldcase_model::{Conclusion, ObservableType, action};
use serde_json::json;

mod traffic;
use traffic::{
    HOUR, MINUTE, Row, attempts, flow, iftop, interface, log, row, run_all, sample, socket,
};

const HOSTS: &[(&str, &str)] = &[("web-3", "10.1.0.9"), ("gw-1", "10.1.0.1")];
const FLOOD: (i64, i64, i64, i64) = (15_000, 60, 14_000, 500);

fn conclusions(rows: &[Row], hosts: &[(&str, &str)]) -> Vec<Conclusion> {
    let found = run_all(rows, hosts, &[]);
    let kinds = found
        .conclusions
        .into_iter()
        .filter(|one| one.kind == "flood-source");
    kinds.collect()
}

fn check(
    name: &str,
    rows: &[Row],
    hosts: &[(&str, &str)],
    expected: (ObservableType, &str),
) -> Conclusion {
    let mut told = conclusions(rows, hosts);
    assert_eq!(told.len(), 1, "{name}");
    let one = told.remove(0);
    assert_eq!(
        (one.answer.kind, one.answer.value.as_str()),
        expected,
        "{name}: {}",
        one.text
    );
    one
}

fn spoofed(victim: &str) -> Row {
    let said = json!({
        "attempts": 90_000, "completed": 10, "sources": 88_000, "port_count": 1, "ports": [[80, 90_000]], "peak_per_second": 4_000,
        "single_attempt_sources": 88_000, "source_entropy": 12.0,
    });
    let mut row = row(action::TCP_ATTEMPTS_ON, "pcap", Some(0), &said)
        .ends(600)
        .says("attempts");
    row.event.dst_ip = Some(victim.to_owned().into());
    row
}

fn neighbour(address: &str, card: &str) -> Row {
    let mut row = row(
        action::NEIGHBOUR_LISTED,
        "ip-neigh-route",
        Some(0),
        &json!({"mac": card, "interface": "eth1"}),
    )
    .on("gw-1");
    row.event.src_ip = Some(address.to_owned().into());
    row
}

fn translated(from: &str, to: &str, behind: &str) -> Row {
    let said = json!({"state": "SYN_SENT", "unreplied": true, "translated": true, "reply_dst": format!("{behind}:5000"), "reply_src": format!("{to}:443")});
    let mut row = row(action::FLOW_LISTED, "conntrack", Some(0), &said).on("gw-1");
    row.event.src_ip = Some(from.to_owned().into());
    row.event.dst_ip = Some(to.to_owned().into());
    row.event.dst_port = Some(443);
    row
}

#[test]
fn the_owner_of_an_address_is_found_by_what_says_so() {
    let flood = attempts("10.1.0.9", 0, FLOOD);
    let web = (ObservableType::Host, "web-3");
    check("the case", std::slice::from_ref(&flood), HOSTS, web);
    check(
        "its interfaces",
        &[flood.clone(), interface(None, "eth0", "10.1.0.9", 1, 1)],
        &[],
        web,
    );
    check(
        "iftop's head",
        &[flood.clone(), iftop("10.1.0.9", None, 10, 10)],
        &[],
        web,
    );
    let own = socket("ss", 0, "10.1.0.9:22", "10.99.0.5:40000", "ESTAB", None);
    check("its sockets", &[flood.clone(), own], &[], web);
    // Captured at the gateway: the card of the address is that of another address of the host.
    let card = [
        flood.clone(),
        neighbour("10.1.0.9", "52:54:00:00:00:07"),
        interface(None, "eth0", "10.5.0.9", 1, 1),
    ];
    check("its card", &card, &[("gw-1", "10.1.0.1")], web);
    // Nobody names it: the address is real, since some of its sessions complete.
    let alone = check(
        "no name",
        &[flood],
        &[("gw-1", "10.1.0.1")],
        (ObservableType::Ip, "10.1.0.9"),
    );
    assert!(alone.confidence < 0.7);
}

#[test]
fn unknown_stays_unknown() {
    let unknown = (ObservableType::Unknown, "unknown");
    let outside = check(
        "an address outside",
        &[attempts("192.0.2.7", 0, FLOOD)],
        HOSTS,
        unknown,
    );
    assert_eq!(outside.candidates[0].value, "192.0.2.7");
    let none = (9_000, 0, 9_000, 500);
    let made_up = check(
        "inside, but nothing of it completes",
        &[attempts("10.9.9.9", 0, none)],
        HOSTS,
        unknown,
    );
    assert_eq!(made_up.candidates[0].value, "10.9.9.9");
    let against_us = check(
        "made-up sources against us",
        &[spoofed("10.1.0.9")],
        HOSTS,
        unknown,
    );
    assert_eq!(
        (against_us.about.value.as_str(), against_us.candidates.len()),
        ("10.1.0.9", 0)
    );
    // Made-up sources towards the outside: the host whose own meter shows it.
    let mut rows: Vec<Row> = (1..9)
        .map(|at| {
            iftop(
                "10.1.0.9",
                Some(&format!("198.18.0.{at}")),
                9_000_000 + at,
                0,
            )
        })
        .collect();
    rows.push(iftop("10.1.0.9", None, 100_000_000, 0));
    rows.push(spoofed("198.18.0.1"));
    check(
        "made-up sources from us",
        &rows,
        HOSTS,
        (ObservableType::Host, "web-3"),
    );
}

#[test]
fn a_gateway_stands_for_who_is_behind_it() {
    let mut rows: Vec<Row> = (0..200)
        .map(|at| translated("10.1.0.9", &format!("198.18.{at}.1"), "203.0.113.9"))
        .collect();
    rows.push(attempts("203.0.113.9", 0, FLOOD));
    let hosts = [("web-3", "10.1.0.9"), ("gw-1", "203.0.113.9")];
    let one = check("one sender", &rows, &hosts, (ObservableType::Host, "web-3"));
    assert!(one.text.contains("gw-1"), "{}", one.text);
    // Some unanswered connections of others are every day's.
    let few: Vec<Row> = rows.iter().skip(180).cloned().collect();
    check("few", &few, &hosts, (ObservableType::Host, "gw-1"));
}

#[test]
fn the_text_joins_sockets_sessions_and_metrics() {
    let labels = json!({"instance": "10.8.0.1:9100", "device": "eth1"});
    let other = json!({"instance": "10.8.0.2:9100", "device": "eth1"});
    let rate = |at: i64| if at < 60 { 5e6 } else { 1e8 };
    let mut rows: Vec<Row> = (0..120)
        .map(|at| {
            sample(
                at * MINUTE - 2 * HOUR,
                "net_transmit_bytes:rate1m",
                &labels,
                rate(at),
            )
        })
        .collect();
    rows.extend((0..120).map(|at| {
        sample(
            at * MINUTE - 2 * HOUR,
            "net_transmit_bytes:rate1m",
            &other,
            5e6,
        )
    }));
    rows.push(attempts("10.1.0.9", 0, FLOOD));
    rows.push(attempts("10.1.0.30", 0, (9_000, 8_800, 8_000, 400)));
    rows.push(flow(-HOUR, "192.0.2.7:50001", "10.1.0.9:5901", (40, 40)));
    rows.push(socket(
        "ss",
        200,
        "10.1.0.9:22",
        "10.99.0.5:40000",
        "ESTAB",
        Some(("sshd", 7)),
    ));
    let one = check("joined", &rows, HOSTS, (ObservableType::Host, "web-3"));
    for said in [
        "no process owns them",
        "192.0.2.7 uses vnc",
        "10.8.0.1:9100 eth1",
        "10.1.0.30",
        "sessions complete",
        "ss -ntp",
    ] {
        assert!(one.text.contains(said), "{said}: {}", one.text);
    }
    assert_eq!(one.because.len(), 3, "{:?}", one.because);
    assert!(
        one.question.starts_with("what fills the egress link"),
        "{}",
        one.question
    );

    // A process that does own them is named; listeners alone, and tables made long after, prove nothing.
    let last = rows.len() - 1;
    let with = |row: Row| {
        let mut rows = rows.clone();
        rows[last] = row;
        check("sockets", &rows, HOSTS, (ObservableType::Host, "web-3")).text
    };
    let owned = with(socket(
        "ss",
        200,
        "10.1.0.9:40001",
        "198.18.0.1:443",
        "SYN-SENT",
        Some(("masscan", 99)),
    ));
    assert!(owned.contains("masscan[99] (1)"), "{owned}");
    let listeners = with(socket(
        "ss",
        200,
        "10.1.0.9:22",
        "10.99.0.5:40000",
        "LISTEN",
        Some(("sshd", 7)),
    ));
    assert!(listeners.contains("only listeners"), "{listeners}");
    let late = with(socket(
        "ss",
        9 * HOUR,
        "10.1.0.9:22",
        "10.99.0.5:40000",
        "ESTAB",
        Some(("sshd", 7)),
    ));
    assert!(late.contains("proves little"), "{late}");
}

#[test]
fn without_a_capture_only_what_looks_like_nothing_else_is_answered() {
    let mut one_way: Vec<Row> = (1..9)
        .map(|at| {
            iftop(
                "10.1.0.9",
                Some(&format!("198.18.0.{at}")),
                9_000_000 + at,
                0,
            )
        })
        .collect();
    one_way.push(iftop("10.1.0.9", None, 100_000_000, 0));
    let one = check("iftop", &one_way, HOSTS, (ObservableType::Host, "web-3"));
    assert!(
        one.confidence <= 0.7 && one.text.contains("No capture"),
        "{}",
        one.text
    );

    let surge = |full: bool| {
        let labels = json!({"instance": "10.8.0.1:9100", "device": "eth1"});
        let rate = |at: i64| if at < 60 { 5e6 } else { 1e8 };
        let mut rows: Vec<Row> = (0..120)
            .map(|at| sample(at * MINUTE, "net_transmit_bytes:rate1m", &labels, rate(at)))
            .collect();
        if full {
            let mut line = log(
                HOUR + 60,
                "kernel: nf_conntrack: table full, dropping packet",
            );
            line.event.attributes = Some(json!({"conntrack_full": true}).to_string().into());
            rows.push(line);
        }
        rows
    };
    check(
        "a full table",
        &surge(true),
        HOSTS,
        (ObservableType::Host, "web-3"),
    );
    assert!(
        conclusions(&surge(false), HOSTS).is_empty(),
        "a jump alone may be an upload"
    );
}

#[test]
fn benign_traffic_has_no_answer() {
    let gateway = attempts("10.1.0.1", 0, (50_000, 48_000, 9_000, 900));
    let scan = attempts("192.0.2.200", 0, (254, 32, 254, 30));
    let busy = [
        iftop("10.1.0.9", Some("198.18.0.1"), 90_000_000, 1_500_000),
        iftop("10.1.0.9", None, 90_000_000, 1_500_000),
    ];
    let rows = [vec![gateway, scan], busy.to_vec()].concat();
    assert!(conclusions(&rows, HOSTS).is_empty());
}
