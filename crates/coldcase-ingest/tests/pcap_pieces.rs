//! A capture of many pieces reads the same with one thread, with two, and however its bytes arrive. There is
//! more traffic than a piece holds, with packets longer than a piece, and damage.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test builds bytes by hand"
)]

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};

use coldcase_ingest::{Clock, Cores, Input, Part, formats};
use coldcase_testkit::Recorder;
use coldcase_testkit::captures::{Capture, ETHERNET, question, tcp, udp};

fn capture() -> Vec<u8> {
    let mut file = Capture::classic(ETHERNET);
    for number in 0..20_000_u32 {
        let client = (0x0a00_0009, 1024 + (number % 40) as u16);
        let server = (0x0a00_0100 + number * 7_919 % 300, 80);
        let name = format!("{}.example", number % 26);
        let packet = match number % 8 {
            0..=3 => tcp(client, server, number % 3, 2, b""),
            4 => tcp(client, server, number % 3, 18, b""),
            5 => tcp(client, server, number % 3, 16, &[b'x'; 100]),
            _ => udp(client, (server.0, 53), 1, &question(number as u16, &name)),
        };
        file.wait(20_000).packet(0, &packet);
        if number % 7_000 == 6_999 {
            // Longer than a piece: what follows the IP packet is padding.
            let head = [[2; 12].as_slice(), &[8, 0], &packet].concat();
            file.frame(&[head, vec![0; 300_000]].concat());
        }
        if number % 4_000 == 3_999 {
            file.damage(&[0; 5_000]);
        }
    }
    file.into_bytes()
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
