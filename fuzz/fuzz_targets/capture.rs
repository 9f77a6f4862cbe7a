//! Captures: the decoder gets on and ends, asks for no more than it says, accounts for every byte of a
//! classic capture, and tells the same however the capture is fed. The first two bytes size the chunks.

#![no_main]

use coldcase_wire::capture::{Decoder, LARGEST_NEED, Step};
use coldcase_wire::packet;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    packets: Vec<(i64, u64, usize)>,
    losses: Vec<(u64, u64, &'static str)>,
    read: u64,
    whole: bool,
}

fn told(bytes: &[u8], chunk: usize) -> Told {
    let (mut decoder, mut at, mut held) = (Decoder::new(), 0, chunk.min(bytes.len()));
    let (mut told, mut idle) = (Told::default(), 0);
    loop {
        let at_end = held == bytes.len();
        let before = at;
        let buffer = bytes.get(at..held).unwrap_or_default();
        match decoder.next(buffer, at_end) {
            Ok(Step::Packet { packet, consumed }) => {
                assert_eq!(packet.offset, at as u64);
                let _ = packet::decode(packet.link, packet.data, packet.original_len);
                let told_one = (packet.ts.nanos(), packet.offset, packet.data.len());
                told.packets.push(told_one);
                told.read += consumed as u64;
                at += consumed;
            }
            Ok(Step::Skip { consumed }) => at += consumed,
            Ok(Step::Loss { consumed, loss }) => {
                assert!(loss.bytes > 0);
                assert_eq!(loss.offset + loss.bytes, (at + consumed) as u64);
                told.losses.push((loss.offset, loss.bytes, loss.what));
                told.read += loss.bytes;
                at += consumed;
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(!at_end && at + at_least > held && at_least <= LARGEST_NEED);
                held = (at + at_least).max(held + chunk).min(bytes.len());
            }
            Ok(Step::End) => {
                assert_eq!(at, bytes.len());
                told.whole = true;
                return told;
            }
            Err(_) => return told,
        }
        idle = if at == before { idle + 1 } else { 0 };
        assert!(idle < 8);
    }
}

fuzz_target!(|data: &[u8]| {
    let [low, high, bytes @ ..] = data else {
        return;
    };
    let chunk = usize::from(u16::from_le_bytes([*low, *high])).max(1);
    let at_once = told(bytes, bytes.len());
    let is_sections = bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    if at_once.whole && !is_sections {
        assert_eq!(at_once.read + 24, bytes.len() as u64);
    }
    assert_eq!(at_once, told(bytes, chunk));
});
