//! A capture cut into rotated files must give what it gives in one file: flows, attempts, streams,
//! fragments and copies that cross an edge are put together. The traffic is made here, by a seed.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test builds bytes by hand"
)]

use std::collections::BTreeMap;

use coldcase_ingest::{Clock, Format, formats};
use coldcase_testkit::{Recorder, ingest_series};

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A packet: nanoseconds, interface, and its IP bytes.
#[derive(Clone)]
struct Packet {
    at: u64,
    interface: u32,
    ip: Vec<u8>,
}

/// xorshift64: the same traffic on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[derive(Default)]
struct Traffic {
    packets: Vec<Packet>,
    next_id: u16,
}

type End = (u32, u16);

impl Traffic {
    fn ip(&mut self, source: u32, destination: u32, protocol: u8, payload: &[u8]) -> Vec<u8> {
        self.next_id = self.next_id.wrapping_add(1);
        ip_packet(source, destination, protocol, self.next_id, 0x4000, payload)
    }

    fn push(&mut self, at: u64, ip: Vec<u8>) {
        self.packets.push(Packet {
            at,
            interface: 1,
            ip,
        });
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a segment")]
    fn tcp(&mut self, at: u64, from: End, to: End, flags: u8, seq: u32, ack: u32, data: &[u8]) {
        let mut segment = Vec::new();
        segment.extend(from.1.to_be_bytes());
        segment.extend(to.1.to_be_bytes());
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        segment.extend(data);
        let ip = self.ip(from.0, to.0, 6, &segment);
        self.push(at, ip);
    }

    fn udp(&mut self, at: u64, from: End, to: End, data: &[u8]) {
        let ip = self.ip(from.0, to.0, 17, &udp(from, to, data));
        self.push(at, ip);
    }

    /// The same datagram in fragments of so many bytes.
    fn udp_fragments(&mut self, at: u64, from: End, to: End, data: &[u8], size: usize) {
        let datagram = udp(from, to, data);
        self.next_id = self.next_id.wrapping_add(1);
        let pieces = datagram.chunks(size).count();
        for (number, piece) in datagram.chunks(size).enumerate() {
            let more = if number + 1 < pieces { 0x2000 } else { 0 };
            let fragment = more | (number * size / 8) as u16;
            let ip = ip_packet(from.0, to.0, 17, self.next_id, fragment, piece);
            self.push(at + number as u64 * 40_000_000, ip);
        }
    }

    /// The packets in the order of their times.
    fn sorted(mut self) -> Vec<Packet> {
        self.packets.sort_by_key(|packet| packet.at);
        self.packets
    }
}

fn udp(from: End, to: End, data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(from.1.to_be_bytes());
    datagram.extend(to.1.to_be_bytes());
    datagram.extend((data.len() as u16 + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    datagram
}

fn ip_packet(from: u32, to: u32, protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x45, 0];
    ip.extend((payload.len() as u16 + 20).to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend(fragment.to_be_bytes());
    ip.extend([64, protocol, 0, 0]);
    ip.extend(from.to_be_bytes());
    ip.extend(to.to_be_bytes());
    ip.extend(payload);
    ip
}

fn dns(id: u16, name: &str, answers: u16) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(id.to_be_bytes());
    message.extend(if answers > 0 { [0x81, 0x80] } else { [1, 0] });
    message.extend([0, 1]);
    message.extend(answers.to_be_bytes());
    message.extend([0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    for number in 0..answers {
        message.extend([
            0xc0,
            12,
            0,
            1,
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            4,
            192,
            0,
            2,
            number as u8,
        ]);
    }
    message
}

/// A pcap of `LINUX_SLL2` with nanoseconds.
fn capture(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_3c4d_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    file.extend(276u32.to_le_bytes());
    for packet in packets {
        let length = packet.ip.len() as u32 + 20;
        file.extend(((packet.at / 1_000_000_000) as u32).to_le_bytes());
        file.extend(((packet.at % 1_000_000_000) as u32).to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend([8, 0, 0, 0]);
        file.extend(packet.interface.to_be_bytes());
        file.extend([0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        file.extend(&packet.ip);
    }
    file
}

const START: u64 = 1_700_000_000_000_000_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// Ten minutes of all that can cross an edge.
fn traffic(seed: u64) -> Vec<Packet> {
    let mut random = Random(seed);
    let mut traffic = Traffic::default();
    let host = |random: &mut Random| 0x0a00_0000 | random.below(40) as u32;
    for number in 0..800u32 {
        let at = START + random.below(600 * S);
        let client = (host(&mut random), 30_000 + (number % 20_000) as u16);
        let server = (0xc633_6400 | random.below(30) as u32, 443);
        let (isn, other) = (random.next() as u32, random.next() as u32);
        match number % 8 {
            0 | 1 => connection(&mut traffic, &mut random, at, client, server, isn, other),
            2 => {
                for wait in [0, 1, 3, 7] {
                    traffic.tcp(at + wait * S, client, server, SYN, isn, 0, b"");
                }
                if number % 16 == 2 {
                    traffic.tcp(at + 8 * S, server, client, SYN | ACK, other, isn + 1, b"");
                }
            }
            3 => {
                traffic.tcp(at, client, server, SYN, isn, 0, b"");
                traffic.tcp(at + 9 * MS, server, client, RST | ACK, 0, isn + 1, b"");
            }
            4 => {
                for beat in 0..random.below(12) {
                    let at = at + beat * 20 * S;
                    traffic.tcp(at, server, client, ACK, other, isn, b"midstream");
                    traffic.tcp(at + 30 * MS, client, server, ACK, isn, other + 9, b"");
                }
            }
            5 => {
                for beat in 0..=random.below(5) {
                    traffic.udp(at + beat * 50 * S, client, (server.0, 123), &[7; 48]);
                    traffic.udp(
                        at + beat * 50 * S + 9 * MS,
                        (server.0, 123),
                        client,
                        &[8; 48],
                    );
                }
            }
            6 => {
                let name = format!("host{number}.example.org");
                let resolver = (server.0, 53);
                traffic.udp(at, client, resolver, &dns(number as u16, &name, 0));
                let answer = dns(number as u16, &name, 80);
                traffic.udp_fragments(at + 20 * MS, resolver, client, &answer, 512);
            }
            _ => dns_stream(&mut traffic, at, client, (server.0, 53), isn, other, number),
        }
    }
    traffic.sorted()
}

fn connection(
    traffic: &mut Traffic,
    random: &mut Random,
    at: u64,
    client: End,
    server: End,
    isn: u32,
    other: u32,
) {
    let (mut seq, ack) = (isn.wrapping_add(1), other.wrapping_add(1));
    traffic.tcp(at, client, server, SYN, isn, 0, b"");
    traffic.tcp(at + 10 * MS, server, client, SYN | ACK, other, seq, b"");
    traffic.tcp(at + 11 * MS, client, server, ACK, seq, ack, b"");
    let mut now = at + 12 * MS;
    for _ in 0..random.below(6) {
        traffic.tcp(now, client, server, ACK, seq, ack, b"request");
        seq = seq.wrapping_add(7);
        now += 5 * S + random.below(30 * S);
        traffic.tcp(now, server, client, ACK, ack, seq, b"");
    }
    traffic.tcp(now + MS, client, server, FIN | ACK, seq, ack, b"");
    traffic.tcp(now + 40 * MS, server, client, FIN | ACK, ack, seq + 1, b"");
    traffic.tcp(now + 41 * MS, client, server, ACK, seq + 1, ack + 1, b"");
}

/// Three messages over TCP in segments of 11 bytes, two of them swapped.
fn dns_stream(
    traffic: &mut Traffic,
    at: u64,
    client: End,
    server: End,
    isn: u32,
    other: u32,
    number: u32,
) {
    let ack = other.wrapping_add(1);
    traffic.tcp(at, client, server, SYN, isn, 0, b"");
    traffic.tcp(
        at + MS,
        server,
        client,
        SYN | ACK,
        other,
        isn.wrapping_add(1),
        b"",
    );
    let mut stream = Vec::new();
    for question in 0..3u16 {
        let message = dns(question, &format!("q{question}.stream{number}.example"), 0);
        stream.extend((message.len() as u16).to_be_bytes());
        stream.extend(message);
    }
    for (index, piece) in stream.chunks(11).enumerate() {
        let seq = isn.wrapping_add(1 + index as u32 * 11);
        let swapped = match index {
            3 => 4,
            4 => 3,
            other => other,
        };
        let at = at + 2 * MS + swapped as u64 * 500 * MS;
        traffic.tcp(at, client, server, ACK, seq, ack, piece);
    }
}

/// Each packet on three interfaces, microseconds apart.
fn copied(packets: &[Packet]) -> Vec<Packet> {
    let mut all: Vec<Packet> = Vec::new();
    for packet in packets {
        for (nth, interface) in [4, 7, 9].into_iter().enumerate() {
            let mut copy = packet.clone();
            copy.at += nth as u64 * 9_000;
            copy.interface = interface;
            copy.ip[8] -= nth as u8;
            all.push(copy);
        }
    }
    all.sort_by_key(|packet| packet.at);
    all
}

fn format() -> &'static Format {
    formats::by_id("pcap").expect("registered")
}

fn read(files: &[(String, Vec<u8>)]) -> Vec<Recorder> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    ingest_series(format(), &files, &Clock::UNKNOWN)
}

/// Rows without their places, and how often each occurs; with the packets used.
fn rows(recorders: &[Recorder]) -> (BTreeMap<String, u32>, u64) {
    let mut rows = BTreeMap::new();
    let mut used = 0;
    for recorder in recorders {
        for event in &recorder.events {
            let mut event = event.clone();
            event.offset = None;
            *rows.entry(format!("{event:?}")).or_insert(0) += 1;
        }
        assert_eq!(recorder.skips, []);
        used += recorder.counts.used;
    }
    (rows, used)
}

/// The packets cut before each of these numbers, files named so that their names say nothing.
fn cut(packets: &[Packet], places: &[usize]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut start = 0;
    for (number, end) in places.iter().copied().chain([packets.len()]).enumerate() {
        let name = format!("ring.pcap{}", (number + 3) % (places.len() + 1));
        files.push((name, capture(&packets[start..end])));
        start = end;
    }
    files.sort();
    files
}

#[track_caller]
fn check(packets: &[Packet], places: &[usize]) {
    let (whole, used) = rows(&read(&cut(packets, &[])));
    let (parts, used_in_parts) = rows(&read(&cut(packets, places)));
    for (row, count) in &whole {
        let got = parts.get(row).copied().unwrap_or(0);
        let near: Vec<&String> = parts
            .keys()
            .filter(|other| !whole.contains_key(*other))
            .take(3)
            .collect();
        assert_eq!(
            got, *count,
            "cut at {places:?}: {row}\nonly in parts: {near:#?}"
        );
    }
    assert_eq!(parts.len(), whole.len(), "cut at {places:?}");
    assert_eq!(
        (used_in_parts, used),
        (packets.len() as u64, packets.len() as u64)
    );
}

#[test]
fn a_series_reads_like_one_capture() {
    let packets = traffic(7);
    let length = packets.len();
    check(&packets, &[length / 2]);
    check(&packets, &[1, 2, 3]);
    check(&packets, &[length / 5, length / 3, length / 2, length - 2]);
    let every: Vec<usize> = (1..length / 197).map(|number| number * 197).collect();
    check(&packets, &every);
}

#[test]
fn copies_on_both_sides_of_an_edge_are_one_packet() {
    let single = traffic(11);
    let packets = copied(&single);
    let (once, _) = rows(&read(&cut(&single, &[])));
    let (copies, _) = rows(&read(&cut(&packets, &[])));
    assert_eq!(once.len(), copies.len());
    let length = packets.len();
    let middle = length / 2;
    check(&packets, &[middle - 1, middle, middle + 4]);
    let every: Vec<usize> = (1..length / 611).map(|number| number * 611).collect();
    check(&packets, &every);
}

/// A fan-out flood at 2,000 SYNs a second over a minute of other traffic, one in 50 answered.
fn flood() -> Vec<Packet> {
    let mut random = Random(5);
    let mut flood = Traffic::default();
    let source = |random: &mut Random| (0x0a00_0063, 1024 + random.below(60_000) as u16);
    for number in 0..20_000u64 {
        let at = START + 60 * S + number * MS / 2;
        let from = source(&mut random);
        let to = (random.next() as u32, 80);
        let isn = random.next() as u32;
        flood.tcp(at, from, to, SYN, isn, 0, b"");
        if number % 50 == 0 {
            flood.tcp(
                at + 30 * MS,
                to,
                from,
                SYN | ACK,
                9,
                isn.wrapping_add(1),
                b"",
            );
        }
        if number % 40 == 1 {
            flood.tcp(
                at + 30 * MS,
                to,
                from,
                RST | ACK,
                0,
                isn.wrapping_add(1),
                b"",
            );
        }
    }
    let mut packets = flood.sorted();
    packets.extend(traffic(3));
    packets.sort_by_key(|packet| packet.at);
    packets
}

/// Which unanswered attempts of a flood have rows depends on the file; what they add up to does not.
#[test]
fn a_flood_adds_up_over_a_series() {
    let without_listed = |recorders: &[Recorder]| {
        let (rows, used) = rows(recorders);
        let kept = rows
            .into_iter()
            .filter(|(row, _)| !row.contains("half-open"));
        let kept = kept.map(|(row, count)| {
            let listed = row.find("\\\"listed\\\"").map_or(row.len(), |at| at + 11);
            let rest = row[listed..]
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .to_owned();
            (row[..listed].to_owned() + &rest, count)
        });
        (kept.collect::<BTreeMap<_, _>>(), used)
    };
    let packets = flood();
    let whole = without_listed(&read(&cut(&packets, &[])));
    let summed = whole
        .0
        .keys()
        .find(|row| row.contains("10.0.0.99"))
        .expect("a summary");
    let summary = whole
        .0
        .keys()
        .find(|row| row.contains("\\\"attempts\\\":20000"))
        .expect("the flood");
    assert!(
        summary.contains("\\\"completed\\\":400"),
        "{summary}{summed}"
    );
    assert!(summary.contains("\\\"refused\\\":500"), "{summary}");
    assert!(
        summary.contains("\\\"peak_per_second\\\":2000"),
        "{summary}"
    );
    let length = packets.len();
    for places in [
        vec![length / 2],
        (1..length / 1500).map(|number| number * 1500).collect(),
    ] {
        let parts = without_listed(&read(&cut(&packets, &places)));
        for (row, count) in &whole.0 {
            assert_eq!(parts.0.get(row), Some(count), "{row}");
        }
        assert_eq!(parts.0.len(), whole.0.len());
        assert_eq!(parts.1, whole.1);
    }
}

/// Bytes changed at random: whatever comes out, nothing panics, and no packet is counted twice.
#[test]
fn damage_is_counted_not_followed() {
    let mut random = Random(17);
    let mut packets = copied(&traffic(5));
    packets.truncate(3000);
    let sound = capture(&packets);
    for _ in 0..60 {
        let mut bytes = sound.clone();
        for _ in 0..random.below(400) {
            let place = 24 + random.below(sound.len() as u64 - 24) as usize;
            bytes[place] = random.next() as u8;
        }
        let half = bytes.len() / 2 + random.below(4000) as usize;
        let files = vec![
            ("a.pcap0".to_owned(), bytes[..half].to_vec()),
            ("a.pcap1".to_owned(), capture(&packets[1000..2000])),
        ];
        for recorder in read(&files) {
            let counts = recorder.counts;
            assert!(counts.records() <= 3000 + 400, "{counts:?}");
        }
    }
}

#[test]
fn a_gap_in_a_ring_is_told() {
    let packets = traffic(13);
    let mut late = packets.clone();
    late.iter_mut().for_each(|packet| packet.at += 100_000 * S);
    let files = vec![
        ("ring.pcap0".to_owned(), capture(&late)),
        ("ring.pcap1".to_owned(), capture(&packets)),
    ];
    let recorders = read(&files);
    assert_eq!(recorders[1].warnings.len(), 0);
    assert_eq!(
        recorders[0].warnings.len(),
        1,
        "{:?}",
        recorders[0].warnings
    );
    assert!(recorders[0].warnings[0].1.contains("ring.pcap1"));
}
