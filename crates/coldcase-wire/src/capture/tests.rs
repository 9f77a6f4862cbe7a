//! Tests of `capture`.

#![allow(
    clippy::indexing_slicing,
    reason = "tests change bytes at known places"
)]

use coldcase_model::Precision;

use super::interface::Clock;
use super::*;

/// What a capture comes to: packets as (nanoseconds, interface, link, captured, original), and losses as
/// (offset, bytes, reason).
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    packets: Vec<(i64, u32, u32, usize, u32)>,
    losses: Vec<(u64, u64, &'static str)>,
}

fn read(bytes: &[u8]) -> Read {
    let (mut decoder, mut at, mut read) = (Decoder::new(), 0, Read::default());
    loop {
        let step = decoder
            .next(&bytes[at..], true)
            .expect("a header that is read");
        at += match step {
            Step::Packet {
                packet: one,
                consumed,
            } => {
                assert_eq!(one.offset, at as u64);
                let (data, original) = (one.data.len(), one.original_len);
                read.packets
                    .push((one.ts.nanos(), one.interface, one.link, data, original));
                consumed
            }
            Step::Skip { consumed } => consumed,
            Step::Loss { consumed, loss } => {
                read.losses.push((loss.offset, loss.bytes, loss.what));
                consumed
            }
            Step::NeedMore { .. } => panic!("the whole capture is at hand"),
            Step::End => return read,
        };
    }
}

fn check(bytes: &[u8], packets: &[(i64, u32, u32, usize, u32)], losses: &[(u64, u64, &str)]) {
    let read = read(bytes);
    assert_eq!(
        (&read.packets[..], &read.losses[..]),
        (packets, losses),
        "{bytes:02x?}"
    );
}

/// Numbers in a byte order.
fn words(order: Order, values: &[u32]) -> Vec<u8> {
    let bytes = |value: &u32| match order {
        Order::Little => value.to_le_bytes(),
        Order::Big => value.to_be_bytes(),
    };
    values.iter().flat_map(bytes).collect()
}

fn halves(order: Order, first: u16, second: u16) -> Vec<u8> {
    match order {
        Order::Little => [first.to_le_bytes(), second.to_le_bytes()].concat(),
        Order::Big => [first.to_be_bytes(), second.to_be_bytes()].concat(),
    }
}

fn classic(
    order: Order,
    magic: u32,
    version: (u16, u16),
    link: u32,
    records: &[Vec<u8>],
) -> Vec<u8> {
    let mut bytes = words(order, &[magic]);
    bytes.extend(halves(order, version.0, version.1));
    bytes.extend(words(order, &[0, 0, 65_535, link]));
    bytes.extend(records.concat());
    bytes
}

const US: u32 = 0xa1b2_c3d4;
const NS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;
const SECOND: u32 = 1_680_000_000;
const NANOS: i64 = SECOND as i64 * 1_000_000_000;

#[test]
fn every_classic_form_is_read() {
    for order in [Order::Little, Order::Big] {
        let record = |fields: &[u32]| [words(order, fields), vec![7; 4]].concat();
        let usual = record(&[SECOND, 5, 4, 60]);
        let modified = record(&[SECOND, 5, 4, 60, 3, 0]);
        let us = |link| [(NANOS + 5_000, 0, link, 4, 60)];
        check(
            &classic(order, US, (2, 4), 1, std::slice::from_ref(&usual)),
            &us(1),
            &[],
        );
        check(
            &classic(order, NS, (2, 4), 113, std::slice::from_ref(&usual)),
            &[(NANOS + 5, 0, 113, 4, 60)],
            &[],
        );
        check(
            &classic(order, MODIFIED, (2, 4), 1, &[modified]),
            &us(1),
            &[],
        );
        // FCS length in the upper bits of the link type.
        let fcs = 0x2400_0000 | 276;
        check(
            &classic(order, US, (2, 4), fcs, std::slice::from_ref(&usual)),
            &us(276),
            &[],
        );
        // Before 2.3 the lengths stood the other way round; 2.3 has both kinds.
        let swapped = record(&[SECOND, 5, 60, 4]);
        for (minor, record) in [(2, &swapped), (3, &swapped), (3, &usual)] {
            check(
                &classic(order, US, (2, minor), 1, std::slice::from_ref(record)),
                &us(1),
                &[],
            );
        }
    }
}

#[test]
fn headers_that_mean_something_else_are_refused() {
    let refused = |bytes: &[u8]| Decoder::new().next(bytes, true).expect_err("refused");
    let with = |version, link| classic(Order::Little, US, version, link, &[]);
    assert_eq!(refused(&with((1, 4), 1)), CaptureError::Version(1, 4));
    assert_eq!(refused(&with((2, 5), 1)), CaptureError::Version(2, 5));
    let reserved = 0x0030_0000;
    assert_eq!(
        refused(&with((2, 4), reserved)),
        CaptureError::LinkType(reserved)
    );
    assert_eq!(refused(&with((2, 4), 1)[..20]), CaptureError::Cut);
    assert_eq!(
        refused(b"no capture, but long enough to be one"),
        CaptureError::NotACapture
    );
    assert_eq!(refused(b""), CaptureError::NotACapture);
    let mut section = section(Order::Little);
    section[12] = 2;
    assert_eq!(refused(&section), CaptureError::Version(2, 0));
}

#[test]
fn captures_are_known_by_their_first_bytes() {
    for order in [Order::Little, Order::Big] {
        for magic in [US, NS, MODIFIED] {
            assert!(is_capture(&words(order, &[magic])));
        }
        assert!(is_capture(&section(order)));
    }
    assert!(!is_capture(b"\x0a\x0d\x0d\x0a text that begins alike"));
    assert!(!is_capture(b"\xd4\xc3\xb2"));
}

/// A block around a body that is filled up to four bytes.
fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let filled = body.len().next_multiple_of(4);
    let length = u32::try_from(12 + filled).expect("small");
    let mut bytes = words(order, &[kind, length]);
    bytes.extend(body);
    bytes.resize(8 + filled, 0);
    bytes.extend(words(order, &[length]));
    bytes
}

fn section(order: Order) -> Vec<u8> {
    let mut body = words(order, &[0x1a2b_3c4d]);
    body.extend(halves(order, 1, 0));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

fn description(order: Order, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = halves(order, link, 0);
    body.extend(words(order, &[snaplen]));
    for (code, value) in options {
        let length = u16::try_from(value.len()).expect("short");
        body.extend(halves(order, *code, length));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, units: u64, data: &[u8], original: u32) -> Vec<u8> {
    let high = u32::try_from(units >> 32).expect("32 bits");
    let low = u32::try_from(units & 0xffff_ffff).expect("32 bits");
    let captured = u32::try_from(data.len()).expect("short");
    let mut body = words(order, &[interface, high, low, captured, original]);
    body.extend(data);
    block(order, 6, &body)
}

const MICROS: u64 = SECOND as u64 * 1_000_000;

#[test]
fn sections_and_interfaces_have_clocks_and_links_of_their_own() {
    for (order, other) in [(Order::Little, Order::Big), (Order::Big, Order::Little)] {
        let hour = match order {
            Order::Little => 3600i64.to_le_bytes(),
            Order::Big => 3600i64.to_be_bytes(),
        };
        let bytes = [
            section(order),
            description(order, 1, 262_144, &[(2, b"eth0"), (9, &[9]), (0, &[])]),
            description(
                order,
                276,
                0,
                &[(2, b"any"), (9, &[0x80 | 20]), (14, &hour)],
            ),
            enhanced(order, 0, MICROS * 1_000 + 7, &[1; 5], 5),
            enhanced(order, 1, u64::from(SECOND) << 20 | 1 << 19, &[2; 8], 1500),
            // Name resolution, statistics, a custom block: nothing to read.
            block(order, 4, &[0; 4]),
            block(order, 5, &[0; 12]),
            block(order, 0x0bad, &[1, 2, 3]),
            section(other),
            description(other, 101, 96, &[]),
            enhanced(other, 0, MICROS + 1, &[3; 4], 4),
        ]
        .concat();
        let expected = [
            (NANOS + 7, 0, 1, 5, 5),
            (NANOS + 3600 * 1_000_000_000 + 500_000_000, 1, 276, 8, 1500),
            (NANOS + 1_000, 0, 101, 4, 4),
        ];
        check(&bytes, &expected, &[]);
    }
}

#[test]
fn names_and_snaplens_of_interfaces_are_told() {
    let order = Order::Little;
    let bytes = [
        section(order),
        description(order, 1, 96, &[(2, b"cali0123456789a"), (0, &[])]),
        description(order, 1, 0, &[(2, b"\xff\xfe")]),
    ]
    .concat();
    let (mut decoder, mut at) = (Decoder::new(), 0);
    assert_eq!(decoder.interface_name(0), None);
    while let Ok(Step::Skip { consumed }) = decoder.next(&bytes[at..], true) {
        at += consumed;
    }
    assert_eq!(decoder.interface_name(0), Some("cali0123456789a"));
    assert_eq!(decoder.interface_name(1), None, "no UTF-8");
    assert_eq!(
        (decoder.snaplen(0), decoder.snaplen(1), decoder.snaplen(2)),
        (Some(96), Some(0), None)
    );
}

#[test]
fn packets_that_can_not_be_placed_are_lost_with_a_reason() {
    let order = Order::Little;
    let head = [section(order), description(order, 1, 96, &[])].concat();
    let at = head.len() as u64;
    let lost = |block: &[u8], what| {
        let bytes = [&head[..], block].concat();
        check(&bytes, &[], &[(at, block.len() as u64, what)]);
    };
    let mut simple = words(order, &[4]);
    simple.extend([1; 4]);
    lost(
        &block(order, 3, &simple),
        "a packet without a time (simple packet block)",
    );
    lost(
        &enhanced(order, 1, MICROS, &[1; 4], 4),
        "a packet of an interface that is not described",
    );
    lost(
        &enhanced(order, 0, u64::MAX, &[1; 4], 4),
        "a time that can't be",
    );
    let mut longer = enhanced(order, 0, MICROS, &[1; 4], 4);
    longer[20] = 5;
    lost(&longer, "a packet longer than its block");
    // The obsolete packet block: interface and drop count share a word.
    let mut body = halves(order, 0, 9);
    let units =
        [MICROS >> 32, MICROS & 0xffff_ffff].map(|half| u32::try_from(half).expect("32 bits"));
    body.extend(words(order, &[units[0], units[1], 4, 60]));
    body.extend([8; 4]);
    let bytes = [&head[..], &block(order, 2, &body)].concat();
    check(&bytes, &[(NANOS, 0, 1, 4, 60)], &[]);
}

#[test]
fn clocks_are_exact() {
    let check = |resolution, offset, units, expected| {
        let clock = Clock::new(resolution, offset);
        let instant = clock.instant(units);
        assert_eq!(
            instant.map(|(ts, precision)| (ts.nanos(), precision)),
            expected,
            "{resolution:#x} {units}"
        );
    };
    check(6, 0, MICROS + 1, Some((NANOS + 1_000, Precision::Us)));
    check(0, 0, 5, Some((5_000_000_000, Precision::S)));
    check(3, -1, 5_001, Some((4_001_000_000, Precision::Ms)));
    check(12, 0, 1_999, Some((1, Precision::Ns)));
    check(19, 0, u64::MAX, Some((1_844_674_407, Precision::Ns)));
    check(20, 0, 1, None);
    check(0x80, 0, 5, Some((5_000_000_000, Precision::S)));
    check(0x80 | 10, 0, 1536, Some((1_500_000_000, Precision::Ms)));
    check(0x80 | 30, 0, 3 << 29, Some((1_500_000_000, Precision::Ns)));
    check(0x80 | 63, 0, 3 << 62, Some((1_500_000_000, Precision::Ns)));
    check(0x80 | 64, 0, 1, None);
    check(0, i64::MAX, 1, None);
    check(0, i64::MIN, 1, None);
}

#[test]
fn damaged_sections_go_on_at_the_next_block() {
    let order = Order::Little;
    let head = [section(order), description(order, 1, 96, &[])].concat();
    let packet = |second: u64| enhanced(order, 0, MICROS + second * 1_000_000, &[4; 40], 40);
    let size = packet(0).len();
    let whole = [head.clone(), (0..10).flat_map(packet).collect()].concat();
    let seen = |seconds: &[i64]| -> Vec<_> {
        let at = |second: &i64| (NANOS + second * 1_000_000_000, 0, 1, 40, 40);
        seconds.iter().map(at).collect()
    };
    let place = |number: usize| head.len() + number * size;
    let lost = |number, blocks, what| [(place(number) as u64, (blocks * size) as u64, what)];

    let mut hole = whole.clone();
    hole[place(3)..place(5)].fill(0);
    let left = seen(&[0, 1, 2, 5, 6, 7, 8, 9]);
    check(&hole, &left, &lost(3, 2, "a hole of zeros"));

    let mut length = whole.clone();
    length[place(4) + 4] = 0x70;
    let left = seen(&[0, 1, 2, 3, 5, 6, 7, 8, 9]);
    check(&length, &left, &lost(4, 1, "blocks that can't be"));
    length[place(4) + 6] = 0xe0;
    check(&length, &left, &lost(4, 1, "blocks that can't be"));

    // Bytes are missing, so that what follows is not aligned any more.
    let mut missing = whole.clone();
    missing.drain(place(4)..place(4) + 3);
    let bytes = (place(4) as u64, size as u64 - 3, "blocks that can't be");
    check(&missing, &left, &[bytes]);

    let cut = &whole[..whole.len() - 1];
    let bytes = (place(9) as u64, size as u64 - 1, "the last block is cut");
    check(cut, &seen(&[0, 1, 2, 3, 4, 5, 6, 7, 8]), &[bytes]);
}
