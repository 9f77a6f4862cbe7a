//! Tests of `packet`.

#![allow(
    clippy::indexing_slicing,
    reason = "tests change bytes at known places"
)]

use std::net::IpAddr;

use super::*;

fn concat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn ethernet(kind: u16, inside: &[u8]) -> Vec<u8> {
    concat(&[&[2; 12], &kind.to_be_bytes(), inside])
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("short").to_be_bytes()
}

/// IPv4 from 10.0.0.`src` to 10.0.0.`dst` with id 7.
fn ipv4(protocol: u8, src: u8, dst: u8, inside: &[u8]) -> Vec<u8> {
    let total = length(20 + inside.len());
    let head = [0x45, 0, total[0], total[1], 0, 7, 0, 0, 64, protocol, 0, 0];
    concat(&[&head, &[10, 0, 0, src], &[10, 0, 0, dst], inside])
}

/// IPv6 from fd00::`src` to fd00::`dst`.
fn ipv6(next: u8, src: u8, dst: u8, inside: &[u8]) -> Vec<u8> {
    let payload = length(inside.len());
    let head = [0x60, 0, 0, 0, payload[0], payload[1], next, 61];
    let address = |last| concat(&[&[0xfd], &[0; 14], &[last]]);
    concat(&[&head, &address(src), &address(dst), inside])
}

fn udp(src: u16, dst: u16, inside: &[u8]) -> Vec<u8> {
    let said = length(8 + inside.len());
    concat(&[
        &src.to_be_bytes(),
        &dst.to_be_bytes(),
        &said,
        &[0, 0],
        inside,
    ])
}

fn tcp(src: u16, dst: u16, flags: u8, inside: &[u8]) -> Vec<u8> {
    let numbers = [0, 0, 1, 0, 0, 0, 0, 2, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0];
    concat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &numbers, inside])
}

/// An inner packet that all carriers are tested with.
fn inner() -> Vec<u8> {
    ipv4(17, 1, 2, &udp(1000, 53, b"question"))
}

fn told(result: Result<Segment<'_>, Unread>) -> String {
    let segment = match result {
        Ok(segment) => segment,
        Err(unread) => return format!("unread: {}", unread.as_str()),
    };
    let carried = match segment.transport {
        Transport::Tcp(it) => format!(
            "tcp {}>{} {:#04x} {}/{}",
            it.src_port,
            it.dst_port,
            it.flags,
            it.payload.len(),
            it.payload_len
        ),
        Transport::Udp(it) => {
            let (held, sent) = (it.payload.len(), it.payload_len);
            format!("udp {}>{} {held}/{sent}", it.src_port, it.dst_port)
        }
        Transport::Icmp(it) => {
            let quoted = it.quoted.map_or(String::new(), |it| {
                format!(
                    " quotes {} {}:{}>{}:{}",
                    it.protocol, it.src, it.src_port, it.dst, it.dst_port
                )
            });
            let sign = if it.unreachable { " unreachable" } else { "" };
            format!("icmp {}.{}{sign}{quoted}", it.kind, it.code)
        }
        Transport::Fragment(bytes) => {
            let piece = segment.fragment.expect("a fragment");
            let more = if piece.more { "+" } else { "" };
            format!("piece {}{more} {}", piece.offset, bytes.len())
        }
        Transport::Other => format!("protocol {}", segment.protocol),
        Transport::Cut => "cut header".to_owned(),
    };
    let tunnel = segment.tunnel.map_or(String::new(), |it| {
        let id = it.id.map_or(String::new(), |id| format!(" {id}"));
        format!(" in {}{id} {}>{}", it.kind.as_str(), it.src, it.dst)
    });
    let vlan = segment
        .vlan
        .map_or(String::new(), |vlan| format!(" vlan {vlan}"));
    let cut = if segment.cut { " cut" } else { "" };
    format!(
        "{}>{} {carried}{tunnel}{vlan}{cut}",
        segment.src, segment.dst
    )
}

fn check(link: u32, frame: &[u8], expected: &str) {
    let original = u32::try_from(frame.len()).expect("short");
    assert_eq!(
        told(decode(link, frame, original)),
        expected,
        "link {link}: {frame:02x?}"
    );
}

const INNER: &str = "10.0.0.1>10.0.0.2 udp 1000>53 8/8";

#[test]
fn link_layers_are_stripped() {
    let ip = inner();
    let sll = concat(&[&[0, 4, 0, 1, 0, 6], &[9; 8], &[8, 0], &ip]);
    let sll2 = concat(&[&[8, 0, 0, 0, 0, 0, 0, 5, 0, 1, 3, 6], &[9; 8], &ip]);
    let rows: [(u32, Vec<u8>); 14] = [
        (1, ethernet(0x0800, &ip)),
        (0, concat(&[&[2, 0, 0, 0], &ip])),
        (0, concat(&[&[0, 0, 0, 2], &ip])),
        (108, concat(&[&[0, 0, 0, 2], &ip])),
        (12, ip.clone()),
        (14, ip.clone()),
        (101, ip.clone()),
        (228, ip.clone()),
        (113, sll.clone()),
        (276, sll2.clone()),
        (9, concat(&[&[0xff, 3, 0, 0x21], &ip])),
        (9, concat(&[&[0, 0x21], &ip])),
        (50, concat(&[&[0xff, 3, 0x21], &ip])),
        (
            1,
            ethernet(
                0x8864,
                &concat(&[&[0x11, 0, 0, 1], &length(ip.len() + 2), &[0, 0x21], &ip]),
            ),
        ),
    ];
    for (link, frame) in rows {
        check(link, &frame, INNER);
    }
    let cooked = decode(113, &sll, 99).expect("a segment");
    assert_eq!(
        (cooked.packet_type, cooked.interface_index),
        (Some(4), None)
    );
    let cooked = decode(276, &sll2, 99).expect("a segment");
    assert_eq!(
        (cooked.packet_type, cooked.interface_index),
        (Some(3), Some(5))
    );
}

#[test]
fn what_carries_no_packet_says_why() {
    check(1, &ethernet(0x0806, &[0; 28]), "unread: not IP");
    check(1, &ethernet(0x0026, &[0x42, 0x42, 3]), "unread: not IP");
    check(105, &[0; 64], "unread: link type that is not read");
    check(
        1,
        &ethernet(0x0800, &inner()[..19]),
        "unread: cut before the IP header ends",
    );
    check(1, &[1; 13], "unread: cut before the IP header ends");
    check(
        1,
        &ethernet(0x86dd, &ipv6(17, 1, 2, &[])[..39]),
        "unread: cut before the IP header ends",
    );
    check(
        1,
        &ethernet(0x0800, &[0x44; 40]),
        "unread: malformed IP header",
    );
    check(101, &[0x94; 40], "unread: malformed IP header");
}

#[test]
fn tags_and_labels_are_passed_over() {
    let ip = inner();
    let tagged = |tags: usize| {
        let mut inside = ip.clone();
        let mut kind = 0x0800u16;
        for tag in 0..tags {
            inside = concat(&[
                &[0x20, u8::try_from(tag).expect("few")],
                &kind.to_be_bytes(),
                &inside,
            ]);
            kind = if tag % 2 == 0 { 0x8100 } else { 0x88a8 };
        }
        ethernet(kind, &inside)
    };
    check(1, &tagged(1), &format!("{INNER} vlan 0"));
    check(1, &tagged(2), &format!("{INNER} vlan 1"));
    check(1, &tagged(5), &format!("{INNER} vlan 4"));
    check(1, &tagged(40), "unread: layers nested too deep");
    let session = concat(&[&[0, 9, 0x88, 0x64], &[0x11, 0, 0, 1, 0, 38, 0, 0x21], &ip]);
    check(1, &ethernet(0x8100, &session), &format!("{INNER} vlan 9"));
    let snap = concat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip]);
    check(1, &ethernet(100, &snap), INNER);
    let labels =
        |inside: &[u8]| ethernet(0x8847, &concat(&[&[0, 1, 0, 64], &[0, 2, 1, 64], inside]));
    check(1, &labels(&ip), INNER);
    let wire = ethernet(0x0800, &ip);
    check(1, &labels(&wire), INNER);
    check(1, &labels(&concat(&[&[0; 4], &wire])), INNER);
    let mut low = wire.clone();
    low[0] = 0;
    check(1, &labels(&low), INNER);
}

#[test]
fn tunnels_are_followed_and_the_outermost_is_told() {
    let ip = inner();
    let frame = ethernet(0x0800, &ip);
    let outer = |protocol, inside: &[u8]| ethernet(0x0800, &ipv4(protocol, 8, 9, inside));
    let is = |kind: &str| format!("{INNER} in {kind} 10.0.0.8>10.0.0.9");
    let vxlan = concat(&[&[8, 0, 0, 0, 0, 0, 42, 0], &frame]);
    check(1, &outer(17, &udp(5, 4789, &vxlan)), &is("vxlan 42"));
    check(1, &outer(17, &udp(5, 8472, &vxlan)), &is("vxlan 42"));
    let geneve = |options: u8, kind: u16, inside: &[u8]| {
        let head = [options, 0];
        let skipped = vec![0; usize::from(options) * 4];
        udp(
            5,
            6081,
            &concat(&[&head, &kind.to_be_bytes(), &[0, 1, 0, 0], &skipped, inside]),
        )
    };
    check(1, &outer(17, &geneve(0, 0x6558, &frame)), &is("geneve 256"));
    check(1, &outer(17, &geneve(3, 0x0800, &ip)), &is("geneve 256"));
    check(1, &outer(4, &ip), &is("ip-in-ip"));
    let gre = |flags: u16, kind: u16, fields: &[u8], inside: &[u8]| {
        concat(&[&flags.to_be_bytes(), &kind.to_be_bytes(), fields, inside])
    };
    let key = [0, 0, 0, 77];
    check(1, &outer(47, &gre(0, 0x0800, &[], &ip)), &is("gre"));
    check(
        1,
        &outer(
            47,
            &gre(0xb000, 0x6558, &concat(&[&[1; 4], &key, &[2; 4]]), &frame),
        ),
        &is("gre 77"),
    );
    check(1, &outer(47, &gre(0, 0x88be, &[], &frame)), &is("erspan"));
    let second = concat(&[&[0; 4], &[0x10; 8]]);
    check(
        1,
        &outer(47, &gre(0x1000, 0x88be, &second, &frame)),
        &is("erspan"),
    );
    let third = concat(&[&[0; 4], &[0x20; 11], &[1], &[9; 8]]);
    check(
        1,
        &outer(47, &gre(0x1000, 0x22eb, &third, &frame)),
        &is("erspan"),
    );
    let pptp = gre(
        0x3081,
        0x880b,
        &concat(&[&key, &[0; 8], &[0xff, 3, 0, 0x21]]),
        &ip,
    );
    check(1, &outer(47, &pptp), &is("gre 77"));
    // IPv6 outside, inside, and both.
    let six = ipv6(17, 1, 2, &udp(1, 2, b""));
    check(
        101,
        &ipv6(4, 8, 9, &ip),
        &format!("{INNER} in ip-in-ip fd00::8>fd00::9"),
    );
    check(
        101,
        &ipv4(41, 8, 9, &six),
        "fd00::1>fd00::2 udp 1>2 0/0 in ip-in-ip 10.0.0.8>10.0.0.9",
    );
    check(
        101,
        &ipv6(41, 8, 9, &six),
        "fd00::1>fd00::2 udp 1>2 0/0 in ip-in-ip fd00::8>fd00::9",
    );
    // A tunnel within a tunnel: the outermost one is told.
    let twice = ipv4(4, 8, 9, &ipv4(17, 3, 4, &udp(5, 4789, &vxlan)));
    check(101, &twice, &is("ip-in-ip"));
}

#[test]
fn what_only_looks_like_a_tunnel_stays_outside() {
    let outer = |inside: &[u8]| ipv4(17, 8, 9, &udp(5, 4789, inside));
    check(
        101,
        &outer(b"no tunnel at all"),
        "10.0.0.8>10.0.0.9 udp 5>4789 16/16",
    );
    let arp = concat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(0x0806, &[0; 28])]);
    check(101, &outer(&arp), "10.0.0.8>10.0.0.9 udp 5>4789 50/50");
    check(
        101,
        &ipv4(47, 8, 9, &[0, 0, 0, 0]),
        "10.0.0.8>10.0.0.9 protocol 47",
    );
    check(
        101,
        &ipv4(47, 8, 9, &[0x40; 40]),
        "10.0.0.8>10.0.0.9 protocol 47",
    );
}

#[test]
fn depth_is_bounded_whatever_the_carrier() {
    let mut packet = inner();
    for _ in 0..12 {
        packet = ipv4(4, 8, 9, &packet);
    }
    check(101, &packet, "unread: layers nested too deep");
    // Ethernet in MPLS in Ethernet: nothing but the depth ends it.
    let one = concat(&[&[2; 12], &[0x88, 0x47, 0, 0, 1, 64]]);
    check(1, &one.repeat(900_000), "unread: layers nested too deep");
}

#[test]
fn lengths_come_from_the_headers() {
    let segment = ipv4(6, 1, 2, &tcp(40_000, 443, 0x18, b"abc"));
    // Padding to the least frame length.
    check(
        1,
        &ethernet(0x0800, &concat(&[&segment, &[0; 3]])),
        "10.0.0.1>10.0.0.2 tcp 40000>443 0x18 3/3",
    );
    // Offloaded: the IP length is 0.
    let mut offloaded = segment.clone();
    offloaded[2..4].fill(0);
    check(101, &offloaded, "10.0.0.1>10.0.0.2 tcp 40000>443 0x18 3/3");
    // Snaplen: the payload is cut, or the header behind its flags.
    check(
        101,
        &segment[..42],
        "10.0.0.1>10.0.0.2 tcp 40000>443 0x18 2/3 cut",
    );
    check(
        101,
        &segment[..34],
        "10.0.0.1>10.0.0.2 tcp 40000>443 0x18 0/3 cut",
    );
    check(101, &segment[..33], "10.0.0.1>10.0.0.2 cut header cut");
    let options = ipv4(
        6,
        1,
        2,
        &concat(&[&tcp(1, 2, 2, &[])[..12], &[0x60, 2], &[1; 10]]),
    );
    check(101, &options, "10.0.0.1>10.0.0.2 tcp 1>2 0x02 0/0");
    let mut short = options.clone();
    short[20 + 12] = 0x10;
    check(101, &short, "10.0.0.1>10.0.0.2 tcp 1>2 0x02 0/0");
    let datagram = inner();
    check(
        101,
        &datagram[..30],
        "10.0.0.1>10.0.0.2 udp 1000>53 2/8 cut",
    );
    check(
        101,
        &datagram[..25],
        "10.0.0.1>10.0.0.2 udp 1000>53 0/8 cut",
    );
    // A UDP length that lies: never beyond the packet, zero means the rest.
    for lie in [[0, 0], [0xff, 0xff]] {
        let mut lying = datagram.clone();
        lying[24..26].copy_from_slice(&lie);
        check(101, &lying, INNER);
    }
    assert_eq!(decode_ip(&datagram).expect("a segment").ip_len, 36);
    assert!(decode(101, &datagram, 999).expect("a segment").cut);
    // IPv4 options stand between the header and the payload.
    let mut routed = concat(&[&datagram[..20], &[1; 8], &datagram[20..]]);
    (routed[0], routed[3]) = (0x47, 44);
    check(101, &routed, INNER);
}

#[test]
fn extension_headers_lead_to_the_transport() {
    let datagram = udp(1, 2, b"x");
    let hop = concat(&[
        &[60, 0],
        &[0; 6],
        &[43, 0],
        &[0; 6],
        &[17, 0],
        &[0; 6],
        &datagram,
    ]);
    check(101, &ipv6(0, 1, 2, &hop), "fd00::1>fd00::2 udp 1>2 1/1");
    let auth = concat(&[&[17, 4], &[0; 22], &datagram]);
    check(101, &ipv6(51, 1, 2, &auth), "fd00::1>fd00::2 udp 1>2 1/1");
    check(101, &ipv4(51, 1, 2, &auth), "10.0.0.1>10.0.0.2 udp 1>2 1/1");
    let piece = |offset: u16, inside: &[u8]| {
        concat(&[&[17, 0], &offset.to_be_bytes(), &[0, 0, 0, 9], inside])
    };
    check(
        101,
        &ipv6(44, 1, 2, &piece(0, &datagram)),
        "fd00::1>fd00::2 udp 1>2 1/1",
    );
    let first = ipv6(44, 1, 2, &piece(1, &datagram));
    check(101, &first, "fd00::1>fd00::2 piece 0+ 9");
    assert_eq!(decode_ip(&first).expect("a segment").ip_id, Some(9));
    check(
        101,
        &ipv6(44, 1, 2, &piece(16, &datagram)),
        "fd00::1>fd00::2 piece 16 9",
    );
    check(
        101,
        &ipv6(0, 1, 2, &hop)[..45],
        "fd00::1>fd00::2 cut header cut",
    );
    check(101, &ipv6(59, 1, 2, &[]), "fd00::1>fd00::2 protocol 59");
    let many = concat(&[&[60, 0, 0, 0, 0, 0, 0, 0].repeat(8_000), &datagram]);
    check(101, &ipv6(60, 1, 2, &many), "fd00::1>fd00::2 cut header");
    // A later fragment whose first bytes look like a header.
    check(
        101,
        &ipv6(44, 1, 2, &concat(&[&[60, 0, 0, 8], &[0; 4], &[6, 0, 0, 0]])),
        "fd00::1>fd00::2 piece 8 4",
    );
}

#[test]
fn pieces_of_a_datagram_wait() {
    let datagram = udp(1, 53, &[7; 24]);
    let mut first = ipv4(17, 1, 2, &datagram[..16]);
    first[6] = 0x20;
    check(101, &first, "10.0.0.1>10.0.0.2 piece 0+ 16");
    let mut last = ipv4(17, 1, 2, &datagram[16..]);
    last[7] = 2;
    check(101, &last, "10.0.0.1>10.0.0.2 piece 16 16");
    let whole = transport_of_reassembled(17, &datagram);
    let Transport::Udp(whole) = whole else {
        panic!("{whole:?}");
    };
    assert_eq!((whole.dst_port, whole.payload_len), (53, 24));
}

#[test]
fn errors_quote_what_they_are_about() {
    let syn = ipv4(6, 3, 4, &tcp(40_000, 22, 2, &[])[..8]);
    let error =
        |kind, code, quoted: &[u8]| ipv4(1, 1, 2, &concat(&[&[kind, code], &[0; 6], quoted]));
    check(
        101,
        &error(3, 1, &syn),
        "10.0.0.1>10.0.0.2 icmp 3.1 unreachable quotes 6 10.0.0.3:40000>10.0.0.4:22",
    );
    check(
        101,
        &error(11, 0, &syn),
        "10.0.0.1>10.0.0.2 icmp 11.0 quotes 6 10.0.0.3:40000>10.0.0.4:22",
    );
    check(101, &error(8, 0, &syn), "10.0.0.1>10.0.0.2 icmp 8.0");
    let echo = ipv4(1, 3, 4, &[8; 8]);
    check(
        101,
        &error(3, 0, &echo),
        "10.0.0.1>10.0.0.2 icmp 3.0 unreachable",
    );
    let mut later = syn.clone();
    later[7] = 9;
    check(
        101,
        &error(3, 1, &later),
        "10.0.0.1>10.0.0.2 icmp 3.1 unreachable",
    );
    let six = ipv6(17, 3, 4, &udp(5, 53, b""));
    check(
        101,
        &ipv6(58, 1, 2, &concat(&[&[1, 4], &[0; 6], &six])),
        "fd00::1>fd00::2 icmp 1.4 unreachable quotes 17 fd00::3:5>fd00::4:53",
    );
    check(101, &ipv6(58, 1, 2, &[1]), "fd00::1>fd00::2 cut header");
}

#[test]
fn copies_share_a_signature_and_others_do_not() {
    let one = ipv4(6, 1, 2, &tcp(40_000, 443, 0x18, b"some payload"));
    let signature = |bytes: &[u8]| copy_signature(&decode_ip(bytes).expect("a segment"));
    let same = |place: usize| {
        let mut other = one.clone();
        other[place] ^= 1;
        signature(&other) == signature(&one)
    };
    let rows = [
        ("TTL", 8, true),
        ("IP checksum", 10, true),
        ("address", 15, true),
        ("TCP checksum", 36, true),
        ("IP id", 5, false),
        ("port", 21, false),
        ("sequence number", 27, false),
        ("flags", 33, false),
        ("payload", 40, false),
        ("the last byte", 51, false),
    ];
    for (what, place, expected) in rows {
        assert_eq!(same(place), expected, "{what}");
    }
    let padded = decode(1, &ethernet(0x0800, &concat(&[&one, &[9; 7]])), 99)
        .map(|segment| copy_signature(&segment));
    assert_eq!(padded, Ok(signature(&one)), "padding");
    let src = decode_ip(&one).expect("a segment").src;
    assert_eq!(src, IpAddr::from([10, 0, 0, 1]));
}
