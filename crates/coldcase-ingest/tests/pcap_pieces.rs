//! A capture of many pieces reads the same with one thread, with two, and however its bytes arrive. The traffic
//! is made here, by a seed: more of it than a piece holds, packets longer than a piece, and damage.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test builds bytes by hand"
)]

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};

use coldcase_ingest::{Clock, Cores, Input, Part, formats};
use coldcase_testkit::Recorder;

/// xorshift64: the same traffic on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// An IPv4 packet in an Ethernet frame.
fn frame(protocol: u8, to: u32, transport: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(((transport.len() + 20) as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 9]);
    frame.extend(to.to_be_bytes());
    frame.extend(transport);
    frame
}

fn tcp(random: &mut Random, flags: u8, payload: usize) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend((1024 + random.below(40) as u16).to_be_bytes());
    segment.extend([0, 80]);
    segment.extend((random.below(3) as u32).to_be_bytes());
    segment.extend([0, 0, 0, 7, 0x50, flags, 1, 1, 0, 0, 0, 0]);
    segment.extend(vec![b'x'; payload]);
    segment
}

fn question(random: &mut Random) -> Vec<u8> {
    let mut message = (random.below(60_000) as u16).to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    message.push(b'a' + random.below(26) as u8);
    message.extend(b"\x07example\x00\x00\x01\x00\x01");
    let mut datagram = vec![0x99, 0x99, 0, 53];
    datagram.extend(((message.len() + 8) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    datagram
}

fn capture() -> Vec<u8> {
    let mut random = Random(0x5eed);
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    file.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0]);
    for number in 0..20_000_u32 {
        let to = 0x0a00_0100 + random.below(300) as u32;
        let frame = match random.below(8) {
            0..=3 => frame(6, to, &tcp(&mut random, 2, 0)),
            4 => frame(6, to, &tcp(&mut random, 18, 0)),
            5 => frame(6, to, &tcp(&mut random, 16, 100)),
            _ => frame(17, to, &question(&mut random)),
        };
        // A packet longer than a piece: what follows the IP packet is padding.
        let padding = if number % 7_000 == 6_999 { 300_000 } else { 0 };
        let length = (frame.len() + padding) as u32;
        file.extend((1_700_000_000 + number / 50).to_le_bytes());
        file.extend((number % 50 * 10_000).to_le_bytes());
        file.extend([length.to_le_bytes(), length.to_le_bytes()].concat());
        file.extend(frame);
        file.extend(vec![0; padding]);
        if number % 4_000 == 3_999 {
            file.extend(vec![0; 5_000]);
        }
    }
    file
}

/// Gives at most so many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = buffer.len().min(self.1);
        self.0.read(buffer.get_mut(..room).unwrap_or_default())
    }
}

fn read(bytes: &[u8], at_a_time: usize, cores: Cores<'_>) -> String {
    let format = formats::by_id("pcap").unwrap();
    let mut recorder = Recorder::default();
    let mut input = Input {
        path: "one.pcap",
        host: None,
        reader: Box::new(Slow(bytes, at_a_time)),
        clock: &Clock::UNKNOWN,
        cores,
    };
    let leftover = (format.ingest)(&mut input, &mut recorder).unwrap().unwrap();
    (format.join.unwrap())(vec![Part {
        path: "one.pcap",
        leftover,
        sink: &mut recorder,
    }]);
    recorder.snapshot()
}

#[test]
fn threads_and_pieces_make_no_difference() {
    let bytes = capture();
    assert!(bytes.len() > 2 << 20, "{}", bytes.len());
    let expected = read(&bytes, usize::MAX, Cores::ONE);
    assert!(expected.contains("dns-query") && expected.contains("tcp-attempts"));
    assert!(expected.contains("a hole of zeros"));
    assert!(read(&bytes, usize::MAX, Cores::asking(&|| true)) == expected);
    assert!(read(&bytes, 70_001, Cores::asking(&|| true)) == expected);
    let asked = AtomicU32::new(0);
    let sometimes = || asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
    assert!(read(&bytes, 4_099, Cores::asking(&sometimes)) == expected);
    assert!(asked.into_inner() > 3);
}
