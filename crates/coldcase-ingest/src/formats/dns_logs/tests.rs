//! Wordings, one a row: action, who asked or is answered, port, type, domain, code.

use super::head::Server;
use super::{dnsmasq, named, resolved, unbound};
use crate::syslog::{Row, read_message};

fn check(server: &Server, line: &str, expected: &str) {
    let header = server.head(line).expect("a head");
    assert!(server.is_own(&header), "{line}");
    let mut row = Row::new();
    read_message(&header, &mut row);
    let event = row.event;
    let text = |cell: Option<std::borrow::Cow<'_, str>>| cell.as_deref().unwrap_or("-").to_owned();
    let port = event.src_port.or(event.dst_port);
    let got = [
        event.action.to_owned(),
        text(event.src_ip.or(event.dst_ip)),
        port.map_or("-".into(), |port| port.to_string()),
        text(event.query_type),
        text(event.domain),
        text(event.response_code),
    ];
    assert_eq!(got.join(" "), expected, "{line}");
}

#[test]
fn wordings_of_dnsmasq() {
    let check = |message: &str, expected: &str| {
        check(
            &dnsmasq::SERVER,
            &format!("May 10 09:02:03 dnsmasq[512]: {message}"),
            expected,
        );
    };
    check(
        "query[A] A.example from 10.0.0.5",
        "dns-query 10.0.0.5 - A a.example -",
    );
    check(
        "6 10.0.0.5/51234 query[AAAA] a.example from 10.0.0.5",
        "dns-query 10.0.0.5 51234 AAAA a.example -",
    );
    check(
        "UDP 6 fd00::5/51234 query[type=65] a.example from fd00::5",
        "dns-query fd00::5 51234 HTTPS a.example -",
    );
    check(
        "auth[SOA] a.example from 10.0.0.5",
        "dns-query 10.0.0.5 - SOA a.example -",
    );
    check(
        "forwarded a.example to 8.8.8.8",
        "log 8.8.8.8 - - a.example -",
    );
    check(
        "forwarded a.example to 127.0.0.1#5335",
        "log 127.0.0.1 5335 - a.example -",
    );
    check(
        "dnssec-query[DS] example to 8.8.8.8",
        "log 8.8.8.8 - DS example -",
    );
    check(
        "reply a.example is 192.0.2.1",
        "dns-answer - - A a.example NOERROR",
    );
    check(
        "6 10.0.0.5/51234 cached a.example is 2001:db8::1",
        "dns-answer 10.0.0.5 51234 AAAA a.example NOERROR",
    );
    check(
        "reply a.example is <CNAME>",
        "dns-answer - - - a.example NOERROR",
    );
    check(
        "reply a.example is NODATA-IPv6",
        "dns-answer - - AAAA a.example NOERROR",
    );
    check(
        "config a.example is NXDOMAIN",
        "dns-answer - - - a.example NXDOMAIN",
    );
    check(
        "/etc/hosts a.example is 10.0.0.9",
        "dns-answer - - A a.example NOERROR",
    );
    check(
        "reply error is SERVFAIL (EDE: network error)",
        "dns-answer - - - - SERVFAIL",
    );
    check(
        "reply 8.8.8.8 is dns.google",
        "dns-answer - - PTR - NOERROR",
    );
    check(
        "gravity blocked ads.example is 0.0.0.0",
        "dns-answer - - A ads.example NOERROR",
    );
    check("validation result is INSECURE", "log - - - - -");
    check(
        "DHCPACK(br0) 10.0.0.5 52:54:00:12:34:56 build-07",
        "network-listed 10.0.0.5 - - - -",
    );
    check("99 DHCPDISCOVER(br0) 52:54:00:12:34:56", "log - - - - -");
    check("started, version 2.90 cachesize 150", "log - - - - -");
}

#[test]
fn wordings_of_named() {
    let check = |line: &str, expected: &str| check(&named::SERVER, line, expected);
    let query = "client @0x7f6 10.0.0.5#51234 (A.example): query: A.example IN A +E(0)K (10.0.0.2)";
    let asked = "dns-query 10.0.0.5 51234 A a.example -";
    check(
        &format!("11-Aug-2013 03:36:11.372 queries: info: {query}"),
        asked,
    );
    check(&format!("11-Aug-2013 03:36:11.372 {query}"), asked);
    check(&format!("2023-08-11T03:36:11.372Z queries: {query}"), asked);
    check(&format!("2023-08-11T03:36:11.372Z {query}"), asked);
    check(
        &format!("Aug 11 03:36:11 ns1 named[77]: queries: info: {query}"),
        asked,
    );
    check(&format!("Aug 11 03:36:11 ns1 named[77]: {query}"), asked);
    check(&format!("queries: info: {query}"), asked);
    check(query, asked);
    let syslog = |message: &str, expected: &str| {
        check(
            &format!("Aug 11 03:36:11 ns1 named[77]: {message}"),
            expected,
        )
    };
    syslog(
        "client 10.0.0.5#4795: view ext: query (cache) './NS/IN' denied",
        "dns-query 10.0.0.5 4795 NS . REFUSED",
    );
    syslog(
        "client 10.0.0.5#4795/key k (x): zone transfer 'x/AXFR/IN' denied",
        "dns-query 10.0.0.5 4795 AXFR x REFUSED",
    );
    syslog(
        "client 10.0.0.5#1 (x): bad zone transfer request: 'x/IN': non-authoritative zone (NOTAUTH)",
        "dns-query 10.0.0.5 1 AXFR x NOTAUTH",
    );
    syslog(
        "client 10.0.0.5#1 (x): query failed (SERVFAIL) for x/IN/AAAA at query.c:55",
        "dns-answer 10.0.0.5 1 AAAA x SERVFAIL",
    );
    syslog(
        "client 10.0.0.5#1 (x): rpz QNAME NXDOMAIN rewrite x/A/IN via x.rpz",
        "dns-answer 10.0.0.5 1 A x NXDOMAIN",
    );
    syslog(
        "client 10.0.0.5#1: update 'x/IN' denied",
        "log 10.0.0.5 1 - x -",
    );
    syslog(
        "unexpected RCODE (REFUSED) resolving 'x/A/IN': 192.0.2.1#53",
        "log 192.0.2.1 53 A x REFUSED",
    );
    syslog("validating x/A: no valid signature found", "log - - A x -");
    syslog("zone x/IN: loaded serial 5", "log - - - - -");
}

#[test]
fn wordings_of_unbound() {
    let check = |line: &str, expected: &str| check(&unbound::SERVER, line, expected);
    check(
        "[1618000000] unbound[123:0] info: 10.0.0.5 A.example. A IN",
        "dns-query 10.0.0.5 - A a.example -",
    );
    check(
        "Feb 16 10:33:51 unbound[123:1] query: 10.0.0.5 a.example. TYPE65 IN",
        "dns-query 10.0.0.5 - HTTPS a.example -",
    );
    check(
        "2024-09-05T10:33:51.123+00:00 unbound[123:0] info: ::1 a. A IN NXDOMAIN 0.1 0 45",
        "dns-query ::1 - A a NXDOMAIN",
    );
    check(
        "2014-07-14T14:00:02.814490-04:00 h unbound: [2541:0] info: 127.0.0.1 a.example. A IN",
        "dns-query 127.0.0.1 - A a.example -",
    );
    check(
        "Jul 14 14:00:02 h unbound[25]: [25:0] reply: 10.0.0.5 . NS IN NOERROR 0.000000 1 28",
        "dns-query 10.0.0.5 - NS . NOERROR",
    );
    check(
        "[1618000000] unbound[1:0] info: bad. always_nxdomain 10.0.0.5@4000 x.bad. A IN",
        "dns-answer 10.0.0.5 4000 A x.bad NXDOMAIN",
    );
    check(
        "[1618000000] unbound[1:0] info: rpz: applied [r] x.bad. nxdomain 10.0.0.5@4000 x.bad. A IN",
        "dns-answer 10.0.0.5 4000 A x.bad NXDOMAIN",
    );
    check(
        "[1618000000] unbound[1:0] info: validation failure <x. A IN>: no keys",
        "log - - A x -",
    );
    check(
        "[1618000000] unbound[1:0] info: service stopped (unbound 1.13.1).",
        "log - - - - -",
    );
}

#[test]
fn wordings_of_resolved() {
    let check = |message: &str, expected: &str| {
        check(
            &resolved::SERVER,
            &format!("May 10 09:02:03 h systemd-resolved[612]: {message}"),
            expected,
        );
    };
    check(
        "Looking up RR for A.example IN AAAA.",
        "dns-query - - AAAA a.example -",
    );
    check(
        "Transaction 4711 for <a.example IN A> on scope dns on eth0/* now complete with <success> from network (unsigned).",
        "dns-answer - - A a.example NOERROR",
    );
    check(
        "NXDOMAIN cache hit for a.example IN A",
        "dns-answer - - A a.example NXDOMAIN",
    );
    check(
        "Using degraded feature set UDP instead of UDP+EDNS0 for DNS server 8.8.8.8.",
        "log 8.8.8.8 - - - -",
    );
    check(
        "Using degraded feature set (TCP) for DNS server 8.8.8.8.",
        "log 8.8.8.8 - - - -",
    );
    check(
        "Server returned error NXDOMAIN, mitigating potential DNS violation",
        "log - - - - NXDOMAIN",
    );
    check("Clock change detected. Flushing caches.", "log - - - - -");
}
