//! Captures that are cut, holed, mixed up or hostile: what is readable is read, what is lost is counted.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use coldcase_wire::capture::{Decoder, Step};
use coldcase_wire::packet::{self, Transport};
use proptest::prelude::*;

const HEADER: [u8; 24] = [
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
];

fn record(second: u32, size: usize) -> Vec<u8> {
    let length = u32::try_from(size).expect("small").to_le_bytes();
    let mut bytes = [
        (1_683_800_000 + second).to_le_bytes(),
        7u32.to_le_bytes(),
        length,
        length,
    ]
    .concat();
    bytes.extend((0..size).map(|at| u8::try_from(at % 251).expect("a byte")));
    bytes
}

fn capture(records: u32) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    (0..records).for_each(|second| bytes.extend(record(second, 80)));
    bytes
}

/// Packets and lost bytes, fed in chunks of this size.
fn read(bytes: &[u8], chunk: usize) -> (usize, u64) {
    let (mut decoder, mut at, mut held) = (Decoder::new(), 0, chunk.min(bytes.len()));
    let (mut packets, mut lost) = (0, 0);
    loop {
        let at_end = held == bytes.len();
        match decoder.next(&bytes[at..held], at_end) {
            Ok(Step::Packet { consumed, .. }) => {
                packets += 1;
                at += consumed;
            }
            Ok(Step::Skip { consumed }) => at += consumed,
            Ok(Step::Loss { consumed, loss }) => {
                assert!(consumed > 0);
                lost += loss.bytes;
                at += consumed;
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(
                    !at_end && at + at_least > held,
                    "it must need what it has not got"
                );
                held = (at + at_least).max(held + chunk).min(bytes.len());
            }
            Ok(Step::End) | Err(_) => return (packets, lost),
        }
    }
}

#[test]
fn chunks_make_no_difference() {
    let bytes = capture(200);
    for chunk in [1, 7, 24, 1000, 1 << 20] {
        assert_eq!(read(&bytes, chunk), (200, 0));
    }
}

#[test]
fn a_cut_last_record_is_lost_alone() {
    let bytes = capture(10);
    assert_eq!(read(&bytes[..bytes.len() - 5], 64), (9, 91));
}

#[test]
fn a_zeroed_hole_is_no_packet_of_1970() {
    let mut bytes = capture(100);
    bytes[24 + 96 * 40..24 + 96 * 50].fill(0);
    assert_eq!(read(&bytes, 4096), (90, 960));
}

#[test]
fn an_absurd_length_is_passed_over() {
    let mut bytes = capture(100);
    bytes[24 + 96 * 20 + 8..24 + 96 * 20 + 12].fill(0xff);
    assert_eq!(read(&bytes, 4096), (99, 96));
}

#[test]
fn a_plausible_but_wrong_length_near_the_end_is_found_out() {
    let mut bytes = capture(20);
    bytes[24 + 96 * 10 + 8..24 + 96 * 10 + 12].copy_from_slice(&60_000u32.to_le_bytes());
    assert_eq!(read(&bytes, 1 << 20), (19, 96));
}

#[test]
fn versions_and_reserved_bits_are_refused() {
    let mut old = HEADER.to_vec();
    old[4] = 1;
    assert!(Decoder::new().next(&old, true).is_err());
    let mut reserved = HEADER.to_vec();
    reserved[22] = 0x30;
    assert!(Decoder::new().next(&reserved, true).is_err());
}

/// Ethernet, IPv4 and TCP headers of a SYN, with padding to the least frame length.
fn syn() -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([
        0x08, 0x00, 0x45, 0, 0, 40, 0, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 7,
    ]);
    frame.extend([
        0xc0, 0x01, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0,
    ]);
    frame.extend([0; 6]);
    frame
}

#[test]
fn padding_is_no_payload_and_cut_headers_still_tell_ports() {
    let frame = syn();
    let segment = packet::decode(1, &frame, 60).expect("a segment");
    let Transport::Tcp(tcp) = segment.transport else {
        panic!("no TCP")
    };
    assert_eq!(
        (tcp.src_port, tcp.dst_port, tcp.flags, tcp.payload_len),
        (49153, 80, 2, 0)
    );
    let cut = packet::decode(1, &frame[..14 + 20 + 14], 60).expect("a segment");
    let Transport::Tcp(tcp) = cut.transport else {
        panic!("no TCP")
    };
    assert_eq!((tcp.dst_port, cut.cut), (80, true));
}

#[test]
fn copies_have_one_signature_whatever_their_ttl() {
    let one = syn();
    let mut routed = one.clone();
    routed[14 + 8] = 63;
    let mut other = one.clone();
    other[14 + 5] = 1;
    let signature =
        |frame: &[u8]| packet::copy_signature(&packet::decode(1, frame, 60).expect("a segment"));
    assert_eq!(signature(&one), signature(&routed));
    assert_ne!(
        signature(&one),
        signature(&[&one[..14 + 20 + 7], &[9], &one[14 + 20 + 8..]].concat())
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_capture_decoder_panic_or_hang(
        mut bytes in Just(capture(30)),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        chunk in 1usize..3000,
    ) {
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let (packets, lost) = read(&bytes, chunk);
        prop_assert!(packets <= 60 && lost <= bytes.len() as u64);
    }

    #[test]
    fn no_bytes_make_the_packet_decoder_panic(
        link in prop::sample::select(vec![0u32, 1, 9, 12, 101, 108, 113, 228, 276, 999]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = packet::decode(link, &bytes, 4000);
        let _ = packet::decode_ip(&bytes);
    }

    #[test]
    fn changed_frames_do_not_panic(changes in prop::collection::vec((0usize..60, any::<u8>()), 0..12), kind in any::<u16>()) {
        let mut frame = syn();
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        if kind % 3 == 0 { frame[12..14].copy_from_slice(&[8, 0]); }
        for (at, value) in changes { frame[at] = value; }
        if let Ok(segment) = packet::decode(1, &frame, 60) { packet::copy_signature(&segment); }
    }
}
