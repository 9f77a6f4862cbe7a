//! Traffic: translation for many, a crawler, checks that close at once, a dead peer, the owner's scanner, clocks, lookups.

use std::net::Ipv4Addr;

use super::clock::Seconds;
use super::frames::{Capture, Link, Side, dns, flags};
use super::{Bundle, Scene, cluster, lookups};

const MICROS: i64 = 1_000_000;
/// How long each capture lasts, in seconds.
const SPAN: i64 = 600;

/// Writes the captures.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let names = &scene.names;
    bundle.add(&names.gateway.name, "wan.pcap", gateway(scene));
    bundle.add(&names.crawler.name, "eth0.pcap", crawler(scene));
    bundle.add(&names.database.name, "mirror22.pcap", database(scene));
    if let Some(node) = names.nodes.first() {
        bundle.add(&node.name, "any.pcap", node_traffic(scene));
    }
    if let Some(day) = (0..scene.clock.days)
        .rev()
        .find(|day| scene.clock.is_sunday(*day))
    {
        bundle.add(&names.bastion.name, "weekly.pcap", owner_scan(scene, day));
    }
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
}

fn side(text: &str, port: u16) -> Side {
    Side {
        address: address(text),
        port,
    }
}

fn begin(scene: &Scene) -> Seconds {
    scene.clock.collected() - SPAN - 120
}

/// A conversation: handshake, `data` each way, end. Returns when it is over.
fn talk(capture: &mut Capture, at: i64, client: Side, server: Side, request: &[u8], reply: &[u8]) {
    let (mine, theirs) = (
        1_000_000 + u32::from(client.port),
        9_000_000 + u32::from(server.port),
    );
    let sent = u32::try_from(request.len()).unwrap_or(0);
    let came = u32::try_from(reply.len()).unwrap_or(0);
    capture.tcp(at, client, server, flags::SYN, [mine, 0], &[]);
    capture.tcp(
        at + 900,
        server,
        client,
        flags::SYN | flags::ACK,
        [theirs, mine + 1],
        &[],
    );
    capture.tcp(
        at + 1000,
        client,
        server,
        flags::ACK,
        [mine + 1, theirs + 1],
        &[],
    );
    if !request.is_empty() {
        capture.tcp(
            at + 1500,
            client,
            server,
            flags::PSH | flags::ACK,
            [mine + 1, theirs + 1],
            request,
        );
        capture.tcp(
            at + 4000,
            server,
            client,
            flags::PSH | flags::ACK,
            [theirs + 1, mine + 1 + sent],
            reply,
        );
    }
    let (mine, theirs) = (mine + 1 + sent, theirs + 1 + came);
    capture.tcp(
        at + 6000,
        client,
        server,
        flags::FIN | flags::ACK,
        [mine, theirs],
        &[],
    );
    capture.tcp(
        at + 7000,
        server,
        client,
        flags::FIN | flags::ACK,
        [theirs, mine + 1],
        &[],
    );
    capture.tcp(
        at + 7500,
        client,
        server,
        flags::ACK,
        [mine + 1, theirs + 1],
        &[],
    );
}

/// Attempts that nobody answers: the first and two repetitions.
fn unanswered(capture: &mut Capture, at: i64, client: Side, server: Side) {
    let sequence = 2_000_000 + u32::from(client.port);
    for wait in [0, 1, 3] {
        capture.tcp(
            at + wait * MICROS,
            client,
            server,
            flags::SYN,
            [sequence, 0],
            &[],
        );
    }
}

fn refused(capture: &mut Capture, at: i64, client: Side, server: Side) {
    let sequence = 3_000_000 + u32::from(client.port);
    capture.tcp(at, client, server, flags::SYN, [sequence, 0], &[]);
    capture.tcp(
        at + 300,
        server,
        client,
        flags::RST | flags::ACK,
        [0, sequence + 1],
        &[],
    );
}

fn clocks(capture: &mut Capture, from: Seconds, own: &str, server: &str) {
    for beat in 0..SPAN / 64 {
        let at = (from + beat * 64) * MICROS + 1234;
        let (client, server) = (side(own, 123), side(server, 123));
        let mut message = [0_u8; 48];
        message[0] = 0x23;
        capture.udp(at, client, server, &message);
        message[0] = 0x24;
        capture.udp(at + 21_000, server, client, &message);
    }
}

/// One address opens connections for all the estate; a service behind it calls a peer that is gone; strangers knock.
fn gateway(scene: &Scene) -> Vec<u8> {
    let mut dice = scene.dice("gateway");
    let mut capture = Capture::new(Link::Ethernet);
    let (own, from) = (scene.names.gateway_public.as_str(), begin(scene));
    for number in 0..1500 {
        let at = from * MICROS + number * SPAN * MICROS / 1500;
        let far = dice.internet();
        let port = if dice.chance(85) { 443 } else { 80 };
        let client = side(own, dice.client_port());
        if dice.chance(96) {
            talk(
                &mut capture,
                at,
                client,
                side(&far, port),
                b"\x16\x03\x01 hello",
                b"\x16\x03\x03 hello",
            );
        } else {
            unanswered(&mut capture, at, client, side(&far, port));
        }
    }
    let dead = dice.internet();
    for retry in 0..SPAN / 10 {
        let client = side(own, dice.client_port());
        unanswered(
            &mut capture,
            (from + retry * 10) * MICROS,
            client,
            side(&dead, 8443),
        );
    }
    for _ in 0..80 {
        let (far, at) = (
            dice.internet(),
            (from + dice.between(0, SPAN)) * MICROS + 77,
        );
        let port = u16::try_from(dice.between(21, 9000)).unwrap_or(23);
        refused(
            &mut capture,
            at,
            side(&far, dice.client_port()),
            side(own, port),
        );
    }
    clocks(&mut capture, from, own, "93.184.10.7");
    capture.bytes()
}

/// Many connection attempts to many addresses; a sixth is never answered.
fn crawler(scene: &Scene) -> Vec<u8> {
    let mut dice = scene.dice("crawler");
    let mut capture = Capture::new(Link::Ethernet);
    let (own, from) = (scene.names.crawler.address.as_str(), begin(scene));
    for number in 0..1500 {
        let at = from * MICROS + number * 12 * MICROS / 1500;
        let (far, client) = (dice.internet(), side(own, dice.client_port()));
        let port = if dice.chance(60) { 443 } else { 80 };
        if dice.chance(84) {
            let request = format!(
                "GET /robots.txt HTTP/1.1\r\nHost: shop-{number}.example\r\nUser-Agent: catalogbot/2.1\r\n\r\n"
            );
            let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            let request = if port == 80 {
                request.as_bytes()
            } else {
                b"\x16\x03\x01 hello"
            };
            talk(&mut capture, at, client, side(&far, port), request, reply);
        } else {
            unanswered(&mut capture, at, client, side(&far, port));
        }
    }
    clocks(&mut capture, from, own, "93.184.10.7");
    capture.bytes()
}

/// Port 22 of the database's host: checks that close at once, and a session.
fn database(scene: &Scene) -> Vec<u8> {
    let mut dice = scene.dice("mirror");
    let mut capture = Capture::new(Link::Ethernet);
    let (names, from) = (&scene.names, begin(scene));
    let server = side(&names.database.address, 22);
    for beat in 0..SPAN / 10 {
        let client = side(&names.monitor.address, dice.client_port());
        talk(
            &mut capture,
            (from + beat * 10) * MICROS + 300,
            client,
            server,
            b"",
            b"",
        );
    }
    for _ in 0..6 {
        let client = side(&names.control.address, dice.client_port());
        let at = (from + dice.between(0, SPAN)) * MICROS;
        talk(
            &mut capture,
            at,
            client,
            server,
            b"SSH-2.0-OpenSSH_8.9p1\r\n",
            b"SSH-2.0-OpenSSH_8.9p1\r\n",
        );
    }
    capture.bytes()
}

/// Probes, scrapes, health checks of a balancer, lookups, clocks; every packet twice, as `-i any` sees it.
fn node_traffic(scene: &Scene) -> Vec<u8> {
    let mut dice = scene.dice("node");
    let mut capture = Capture::new(Link::Any);
    let (names, from) = (&scene.names, begin(scene));
    let own = names.nodes.first().map_or("", |node| node.address.as_str());
    let pods = cluster::pods(scene);
    let here: Vec<_> = pods
        .iter()
        .filter(|pod| pod.node == 0 && pod.address != own)
        .collect();
    for pod in &here {
        for beat in 0..SPAN / 10 {
            let at = (from + beat * 10) * MICROS + i64::from(dice.client_port());
            let request = format!(
                "GET /healthz HTTP/1.1\r\nHost: {}:8080\r\nUser-Agent: kube-probe/1.28\r\n\r\n",
                pod.address
            );
            let client = side(own, dice.client_port());
            talk(
                &mut capture,
                at,
                client,
                side(&pod.address, 8080),
                request.as_bytes(),
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            );
        }
    }
    for beat in 0..SPAN / 15 {
        let client = side(&names.monitor.address, dice.client_port());
        let request =
            b"GET /metrics HTTP/1.1\r\nHost: node:9100\r\nUser-Agent: Prometheus/2.48.0\r\n\r\n";
        let at = (from + beat * 15) * MICROS;
        talk(
            &mut capture,
            at,
            client,
            side(own, 9100),
            request,
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        );
        let client = side(&names.gateway.address, dice.client_port());
        talk(&mut capture, at + 5000, client, side(own, 30_080), b"", b"");
    }
    questions(scene, &mut capture, &pods);
    clocks(&mut capture, from, own, "93.184.10.7");
    capture.bytes()
}

fn questions(scene: &Scene, capture: &mut Capture, pods: &[cluster::Pod]) {
    let resolver = side(&scene.names.pod(0, 2), 53);
    let prefix = scene.names.pod(0, 0);
    let prefix = prefix.trim_end_matches('0');
    let until = begin(scene) + SPAN;
    for asked in lookups::of(scene, pods) {
        if !asked.client.starts_with(prefix) || !(until - SPAN..until).contains(&asked.at) {
            continue;
        }
        let kind = match asked.kind {
            "A" => 1,
            "PTR" => 12,
            "TXT" => 16,
            "AAAA" => 28,
            "SRV" => 33,
            "DS" => 43,
            _ => 48,
        };
        let id = asked.id;
        let client = side(&asked.client, asked.port);
        let at = asked.at * MICROS + asked.millis * 1000;
        let code = if asked.code == "NXDOMAIN" { 3 } else { 0 };
        capture.udp(at, client, resolver, &dns(id, &asked.name, kind, None));
        capture.udp(
            at + 700,
            resolver,
            client,
            &dns(id, &asked.name, kind, Some(code)),
        );
    }
    let mdns = dns(0, "_ipps._tcp.local", 12, None);
    for beat in 0..5 {
        let client = side(&scene.names.crawler.address, 5353);
        let at = (until - SPAN + beat * 100) * MICROS;
        capture.udp(at, client, side("224.0.0.251", 5353), &mdns);
    }
}

/// The owner's scanner tries every port of every host of the estate, fast; closed ones refuse.
fn owner_scan(scene: &Scene, day: u64) -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet);
    let mut at = scene.clock.at(day, 4, 6, 0) * MICROS;
    let scanner = scene.names.scanner.address.as_str();
    for machine in scene.names.collected() {
        for port in 1..500_u16 {
            let (client, server) = (side(scanner, 41_000 + port), side(&machine.address, port));
            if port == 22 {
                talk(&mut capture, at, client, server, b"", b"");
            } else {
                refused(&mut capture, at, client, server);
            }
            at += 2100;
        }
    }
    capture.bytes()
}
