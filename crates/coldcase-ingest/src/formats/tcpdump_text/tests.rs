//! Tests of `tcpdump_text`.

use coldcase_model::{Counts, Event, Place, Timestamp};

use super::*;
use crate::Clock;

#[derive(Default)]
struct Kept {
    events: Vec<Event<'static>>,
    counts: Counts,
    reasons: Vec<&'static str>,
}

impl Sink for Kept {
    fn event(&mut self, event: &Event<'_>) {
        self.events.push(event.clone().into_owned());
    }
    fn used(&mut self, count: u64) {
        self.counts.used += count;
    }
    fn skip(&mut self, _: Place, reason: &'static str) {
        self.counts.skipped += 1;
        self.reasons.push(reason);
    }
    fn warn(&mut self, _: Place, _: String) {}
}

fn read(source: impl Read + Send, clock: &Clock) -> (Kept, bool) {
    let mut kept = Kept::default();
    let mut input = Input {
        path: "dns.log",
        host: None,
        reader: Box::new(source),
        clock,
        cores: crate::Cores::ONE,
    };
    let whole = ingest(&mut input, &mut kept).is_ok();
    (kept, whole)
}

fn rows(text: &str) -> Vec<String> {
    let (kept, whole) = read(text.as_bytes(), &Clock::UNKNOWN);
    assert!(whole);
    let row = |event: &Event<'_>| {
        format!(
            "{} {} {} {}",
            event.line.unwrap_or_default(),
            event.action,
            event.message.as_deref().unwrap_or_default(),
            event.attributes.as_deref().unwrap_or_default()
        )
    };
    kept.events.iter().map(row).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(rows(text), expected, "{text}");
}

#[test]
fn copies_are_one_event() {
    let line = |tick: &str, device: &str, ttl: u8| {
        format!(
            "03:00:00.{tick} {device} IP (tos 0x0, ttl {ttl}, id 7, offset 0, flags [DF], proto UDP (17), length 50)\n    10.0.0.1.4000 > 10.0.0.2.53: [bad udp cksum 0x{tick} -> 0xd121!] 9+ A? a.b. (22)\n"
        )
    };
    let row = |line: u8, copies: &str| {
        format!(
            "{line} dns-query 10.0.0.1:4000 > 10.0.0.2:53: 9+ A? a.b. (22) {{\"id\":9,\"interface\":\"eth0\"{copies}}}"
        )
    };
    let (a, b) = (
        line("000001", "eth0  In ", 62),
        line("000011", "cni0  Out", 61),
    );
    check(&format!("{a}{b}"), &[&row(1, ",\"copies\":1")]);
    // The same device again, and another one too late.
    check(&format!("{a}{a}"), &[&row(1, ""), &row(3, "")]);
    let late = line("002000", "eth0  Out", 61);
    check(&format!("{a}{late}"), &[&row(1, ""), &row(3, "")]);
}

#[test]
fn flows_have_a_client_and_a_state() {
    let line = |from: &str, to: &str, text: &str| format!("IP {from} > {to}: {text}\n");
    let (client, server) = ("10.0.0.1.4000", "10.0.0.2.80");
    let syn = line(client, server, "Flags [S], seq 100, win 1, length 0");
    let synack = line(
        server,
        client,
        "Flags [S.], seq 7, ack 101, win 1, length 0",
    );
    let rst = line(
        server,
        client,
        "Flags [R.], seq 0, ack 101, win 0, length 0",
    );
    let data = line(
        client,
        server,
        "Flags [P.], seq 1:6, ack 1, win 1, length 5: HTTP",
    );
    let another = line(client, server, "Flags [S], seq 200, win 1, length 0");
    let states = |text: &str| {
        let (kept, _) = read(text.as_bytes(), &Clock::UNKNOWN);
        let state = |event: &Event<'_>| {
            assert_eq!(event.src_port, Some(4000));
            let message = event.message.as_deref().unwrap_or_default();
            let (_, state) = message.rsplit_once(": ").unwrap_or_default();
            format!(
                "{state} {:?} {:?}",
                event.outcome.unwrap_or("-"),
                event.bytes
            )
        };
        kept.events.iter().map(state).collect::<Vec<_>>().join("; ")
    };
    let check = |lines: &[&String], expected: &str| {
        let text: String = lines.iter().map(|line| line.as_str()).collect();
        assert_eq!(states(&text), expected, "{text}");
    };
    check(&[&syn], "half-open, 1 packet \"failure\" Some(0)");
    check(&[&syn, &syn], "half-open, 2 packets \"failure\" Some(0)");
    check(&[&syn, &rst], "refused, 2 packets \"failure\" Some(0)");
    check(
        &[&syn, &synack, &data, &rst],
        "established, 4 packets \"success\" Some(5)",
    );
    check(&[&syn, &data], "established, 2 packets \"success\" Some(5)");
    check(&[&synack], "established, 1 packet \"success\" Some(0)");
    check(&[&data], "midstream, 1 packet \"-\" Some(5)");
    check(
        &[&syn, &another],
        "half-open, 1 packet \"failure\" Some(0); half-open, 1 packet \"failure\" Some(0)",
    );
}

#[test]
fn inner_packets_of_tunnels_are_read() {
    let row = "1 dns-query 10.0.0.1:4000 > 10.0.0.2:53: 9+ A? a.b. (22) {\"id\":9}";
    check(
        "IP 1.1.1.1.5 > 1.1.1.2.6081: Geneve, Flags [none], vni 0xb: IP 10.0.0.1.4000 > 10.0.0.2.53: 9+ A? a.b. (22)\n",
        &[row],
    );
    check(
        "IP 1.1.1.1.5 > 1.1.1.2.8472: OTV, flags [I] (0x08), overlay 0, instance 1\n00:16:3e:37:f6:04 > 00:30:88:01:00:02, ethertype IPv4 (0x0800), length 98: 10.0.0.1.4000 > 10.0.0.2.53: 9+ A? a.b. (22)\n",
        &[row],
    );
    check(
        "IP (tos 0x0, id 1, proto UDP (17), length 110)\n    1.1.1.1.5 > 1.1.1.2.6081: [no cksum] Geneve, Flags [none], vni 0xb\n\tIP (tos 0x0, id 2, proto UDP (17), length 60)\n    10.0.0.1.4000 > 10.0.0.2.53: [udp sum ok] 9+ A? a.b. (22)\n",
        &[row],
    );
    check(
        "IP 1.1.1.1.5 > 1.1.1.2.4789: VXLAN, flags [I] (0x08), vni 100\n00:30:88:01:00:02 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.3\n",
        &["1 udp-flow udp 1.1.1.1:5 > 1.1.1.2:4789: 1 packet {\"packets_out\":1,\"packets_in\":0}"],
    );
}

#[test]
fn times_of_day_are_dated_where_the_collection_is_known() {
    let text = "23:59:59.5 IP 10.0.0.1.4000 > 10.0.0.2.53: 1+ A? a. (22)\n00:00:01.5 IP 10.0.0.1.4000 > 10.0.0.2.53: 2+ A? a. (22)\n";
    let times = |clock: &Clock, copies: usize| {
        let (kept, _) = read(io::Cursor::new(text.repeat(copies)), clock);
        let time = |event: &Event<'_>| event.when.map(|when| when.ts.to_string());
        kept.events.iter().map(time).collect::<Vec<_>>()
    };
    let known = Clock {
        collected_at: Timestamp::parse_rfc3339("2023-05-12T10:00:00Z"),
        ..Clock::UNKNOWN
    };
    assert_eq!(times(&Clock::UNKNOWN, 1), [None, None]);
    let first = Some("2023-05-11T23:59:59.500Z".to_owned());
    let second = Some("2023-05-12T00:00:01.500Z".to_owned());
    assert_eq!(times(&known, 1), [first, second.clone()]);
    // Longer than what is looked at first, and many days.
    let many = times(&known, 3_000);
    assert_eq!(many.len(), 6_000);
    assert_eq!(many.last(), Some(&second));
    assert_eq!(
        many.first(),
        Some(&Some("2015-02-23T23:59:59.500Z".to_owned()))
    );
}

#[test]
fn each_packet_and_each_other_line_counts_once() {
    let check = |text: &str, used: u64, reasons: &[&str]| {
        let (kept, _) = read(text.as_bytes(), &Clock::UNKNOWN);
        assert_eq!(kept.counts.used, used, "{text}");
        assert_eq!(kept.reasons, reasons, "{text}");
    };
    check("", 0, &[]);
    check(
        "tcpdump: listening on any\n\n00:00:01.1 ARP, Request who-has a\n\t0x0000:  4500\n5 packets captured\n",
        0,
        &[
            "message of tcpdump",
            "blank line",
            "not an IP packet",
            "hex dump",
            "message of tcpdump",
        ],
    );
    check(
        "00:00:01.1 IP (tos 0x0, length 9)\n",
        0,
        &["packet without its second line"],
    );
    check(
        "00:00:01.1 IP (tos 0x0, length 9)\n    10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, length 64\n",
        0,
        &["neither TCP nor UDP"],
    );
    check(
        "00:00:01.1 IP  [version 0 != 4] (invalid)\n",
        0,
        &["addresses not understood"],
    );
    check(
        "IP 10.0.0.1.5 > 10.0.0.2.6: UDP, length 3\nE..x\n",
        1,
        &["no packet's line"],
    );
}

#[test]
fn a_reader_that_fails_leaves_what_was_read() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut"))
        }
    }
    let known = Clock {
        collected_at: Timestamp::parse_rfc3339("2023-05-12T10:00:00Z"),
        ..Clock::UNKNOWN
    };
    let line = "10:00:01.5 IP 10.0.0.1.4000 > 10.0.0.2.53: 2+ A? a. (22)\n";
    for (lines, clock) in [(3, &known), (3_000, &known), (3_000, &Clock::UNKNOWN)] {
        let text = line.repeat(lines);
        let (kept, whole) = read(io::Cursor::new(text).chain(Failing), clock);
        assert!(!whole);
        assert_eq!(kept.counts.used, lines as u64);
    }
}

#[test]
fn more_flows_than_are_held_are_written_early() {
    let mut text = String::new();
    for host in 0..70_000_u32 {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 | host);
        text.push_str(&format!(
            "IP {address}.1 > 11.0.0.1.80: Flags [S], seq {host}, win 1, length 0\n"
        ));
    }
    let (kept, _) = read(text.as_bytes(), &Clock::UNKNOWN);
    assert_eq!((kept.events.len(), kept.counts.used), (70_000, 70_000));
}
