//! Captures that are cut, holed, mixed up or hostile: what is readable is read, what is lost is counted.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

use coldcase_wire::capture::{Decoder, LARGEST_NEED, Step};
use coldcase_wire::packet;
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

/// Offsets of packets with their lengths, and losses: offset, bytes, reason.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    packets: Vec<(u64, usize)>,
    losses: Vec<(u64, u64, &'static str)>,
}

/// What is told of a capture that is fed in chunks of this size.
fn told(bytes: &[u8], chunk: usize) -> Told {
    let (mut decoder, mut at, mut held) = (Decoder::new(), 0, chunk.min(bytes.len()));
    let (mut told, mut idle) = (Told::default(), 0);
    loop {
        let at_end = held == bytes.len();
        let before = at;
        match decoder.next(&bytes[at..held], at_end) {
            Ok(Step::Packet { packet, consumed }) => {
                assert_eq!(packet.offset, at as u64);
                told.packets.push((packet.offset, packet.data.len()));
                at += consumed;
            }
            Ok(Step::Skip { consumed }) => at += consumed,
            Ok(Step::Loss { consumed, loss }) => {
                assert!(loss.bytes > 0 && loss.offset + loss.bytes == (at + consumed) as u64);
                told.losses.push((loss.offset, loss.bytes, loss.what));
                at += consumed;
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(
                    !at_end && at + at_least > held && at_least <= LARGEST_NEED,
                    "it must need what it has not got, and not too much"
                );
                held = (at + at_least).max(held + chunk).min(bytes.len());
            }
            Ok(Step::End) | Err(_) => return told,
        }
        idle = if at == before { idle + 1 } else { 0 };
        assert!(idle < 8, "it must get on");
    }
}

/// Packets and lost bytes.
fn read(bytes: &[u8], chunk: usize) -> (usize, u64) {
    let told = told(bytes, chunk);
    let lost = told.losses.iter().map(|loss| loss.1).sum();
    (told.packets.len(), lost)
}

/// A pcapng capture of one interface with as many packets.
fn sections(packets: u32) -> Vec<u8> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let mut bytes = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    bytes.extend(words(&[1, 20, 1, 0, 20]));
    for second in 0..packets {
        let time = (1_683_800_000 + u64::from(second)) * 1_000_000;
        let (high, low) = ((time >> 32) as u32, (time & 0xffff_ffff) as u32);
        bytes.extend(words(&[6, 92, 0, high, low, 60, 60]));
        bytes.extend([7; 60]);
        bytes.extend(words(&[92]));
    }
    bytes
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
fn a_wrong_length_in_the_middle_swallows_no_record() {
    let mut bytes = capture(2_000);
    let place = 24 + 96 * 1_000;
    bytes[place + 8..place + 12].copy_from_slice(&50_000u32.to_le_bytes());
    for chunk in [97, 4096, 1 << 20] {
        assert_eq!(read(&bytes, chunk), (1_999, 96));
    }
}

#[test]
fn a_large_hole_is_one_loss() {
    let mut bytes = capture(50_000);
    bytes[24 + 96 * 100..24 + 96 * 40_000].fill(0);
    let hole = (24 + 96 * 100, 96 * 39_900, "a hole of zeros");
    for chunk in [65_536, 1 << 20, 1 << 23] {
        let told = told(&bytes, chunk);
        assert_eq!((told.packets.len(), told.losses), (10_100, vec![hole]));
    }
}

#[test]
fn a_capture_goes_on_after_damage_and_a_long_pause() {
    let mut bytes = capture(10);
    bytes.extend([0xff; 500]);
    let year = 365 * 86_400;
    (0..10).for_each(|second| bytes.extend(record(year + second, 80)));
    assert_eq!(read(&bytes, 4096), (20, 500));
}

#[test]
fn the_last_good_record_is_found_before_a_cut_one() {
    let mut bytes = capture(10);
    bytes.extend([0xff; 100]);
    bytes.extend(record(10, 80));
    bytes.extend(&record(11, 80)[..9]);
    assert_eq!(read(&bytes, 4096), (11, 109));
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

proptest! {
    #[test]
    fn damage_is_accounted_for_however_the_capture_is_fed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        hole in (any::<prop::sample::Index>(), 0usize..400),
        cut in 0usize..200,
        chunk in 1usize..3000,
    ) {
        let mut bytes = capture(30);
        bytes.truncate(bytes.len() - cut);
        let from = hole.0.index(bytes.len()).max(24);
        let to = (from + hole.1).min(bytes.len());
        bytes[from..to].fill(0);
        for (index, value) in changes {
            let at = index.index(bytes.len()).max(24);
            bytes[at] = value;
        }
        let told_at_once = told(&bytes, bytes.len());
        let packets: usize = told_at_once.packets.iter().map(|packet| packet.1 + 16).sum();
        let lost: u64 = told_at_once.losses.iter().map(|loss| loss.1).sum();
        prop_assert_eq!(24 + packets as u64 + lost, bytes.len() as u64);
        prop_assert_eq!(told_at_once, told(&bytes, chunk));
    }

    #[test]
    fn damaged_sections_end_however_they_are_fed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in 0usize..300,
        chunk in 1usize..3000,
    ) {
        let mut bytes = sections(30);
        bytes.truncate(bytes.len() - cut);
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        prop_assert_eq!(told(&bytes, bytes.len()), told(&bytes, chunk));
    }

    #[test]
    fn no_bytes_make_the_packet_decoder_panic(
        link in prop::sample::select(vec![0u32, 1, 9, 12, 50, 101, 108, 113, 228, 276, 999]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = packet::decode(link, &bytes, 4000);
        let _ = packet::decode_ip(&bytes);
        let _ = packet::transport_of_reassembled(bytes.first().copied().unwrap_or(6), &bytes);
    }

    #[test]
    fn changed_frames_do_not_panic(
        changes in prop::collection::vec((0usize..90, any::<u8>()), 0..12),
        kind in prop::sample::select(vec![0x0800u16, 0x86dd, 0x8100, 0x8847, 0x8864, 60]),
        carrier in prop::sample::select(vec![1u8, 4, 6, 17, 41, 43, 44, 47, 51, 58, 60]),
        cut in 0usize..90,
    ) {
        let mut frame = [syn(), syn()].concat();
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        if kind == 0x86dd {
            frame[14] = 0x60;
            frame[20] = carrier;
        } else {
            frame[23] = carrier;
        }
        for (at, value) in changes { frame[at] = value; }
        frame.truncate(frame.len() - cut);
        if let Ok(segment) = packet::decode(1, &frame, 120) { packet::copy_signature(&segment); }
    }
}
