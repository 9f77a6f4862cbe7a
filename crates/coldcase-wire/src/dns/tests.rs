//! Tests of `dns`.

#![allow(clippy::indexing_slicing, reason = "tests cut messages they made")]
use super::*;

/// A message of a header with these counts, and what follows it.
fn message(flags: u16, counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xbe, 0xef];
    bytes.extend(flags.to_be_bytes());
    for count in counts {
        bytes.extend(count.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

fn name_of(bytes: &[u8]) -> (String, bool) {
    let message = Message::parse(bytes).expect("a header");
    let mut name = String::new();
    let whole = message
        .question()
        .is_some_and(|question| question.write_name(&mut name));
    (name, whole)
}

#[test]
fn names_are_written_as_master_files_do() {
    let check = |wire: &[u8], expected: &str| {
        let body = [wire, &[0, 1, 0, 1]].concat();
        let (name, whole) = name_of(&message(0x0100, [1, 0, 0, 0], &body));
        assert_eq!((name.as_str(), whole), (expected, true));
    };
    check(b"\x03WwW\x07Example\x03COM\0", "www.example.com");
    check(b"\0", ".");
    check(b"\x05a.b\\c\x01 \0", "a\\046b\\092c.\\032");
    check(b"\x03\xff\x00~\0", "\\255\\000~");
}

#[test]
fn hostile_names_end() {
    let check = |wire: &[u8], expected: &str| {
        let body = [wire, &[0, 1, 0, 1]].concat();
        let (name, whole) = name_of(&message(0x0100, [1, 0, 0, 0], &body));
        assert_eq!((name.as_str(), whole), (expected, false), "{wire:?}");
    };
    check(b"\xc0\x0c", ""); // to itself
    check(b"\x01a\xc0\x0c", "a"); // to its own start
    check(b"\x01a\xc0\x20", "a"); // forward
    check(b"\x01a\xc0\x02", "a"); // into the header
    check(b"\x41a\0", ""); // an extended label
    check(&[b"\x3f".as_slice(), &[b'x'; 63]].concat().repeat(4), ""); // 256 bytes
}

#[test]
fn a_chain_of_pointers_is_capped() {
    // Each pointer leads to the one before it; the first one to a root label.
    let mut body = vec![0];
    for index in 0..1000u16 {
        let target = if index == 0 { 12 } else { 13 + 2 * (index - 1) };
        body.extend((0xc000 | target).to_be_bytes());
    }
    let bytes = message(0, [0; 4], &body);
    assert!(Name::new(&bytes, 13 + 2 * (MAX_HOPS - 1)).is_whole());
    assert!(!Name::new(&bytes, 13 + 2 * MAX_HOPS).is_whole());
}

fn sample() -> Vec<u8> {
    let mut body = b"\x01a\x02bc\0\0\x01\0\x01".to_vec();
    body.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x1e\0\x04\x01x\xc0\x0e");
    body.extend(b"\xc0\x22\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x01");
    body.extend(b"\0\0\x29\x04\xd0\x01\0\x80\0\0\0");
    message(0x8183, [1, 2, 0, 1], &body)
}

#[test]
fn records_are_read_with_their_data() {
    let bytes = sample();
    let message = Message::parse(&bytes).expect("a header");
    assert!(message.is_response() && !message.cut());
    assert_eq!(message.trailing(), Some(0));
    let mut got = Vec::new();
    for record in message.answers() {
        let (mut name, mut data) = (String::new(), String::new());
        assert!(record.write_name(&mut name));
        record.write_data(&mut data);
        got.push(format!(
            "{name} {} {} {data}",
            record.ttl,
            type_name(record.rtype)
        ));
    }
    assert_eq!(got, ["a.bc 30 CNAME x.bc", "x.bc 30 A 10.0.0.1"]);
    assert_eq!(rcode_name(message.response_code()), "BADMODE");
    let edns = message.edns().expect("an OPT record");
    assert_eq!((edns.udp_size, edns.dnssec_ok), (1232, true));
}

#[test]
fn what_a_snap_length_leaves_is_read() {
    let bytes = sample();
    for length in 0..bytes.len() {
        let Some(message) = Message::parse(&bytes[..length]) else {
            assert!(length < 12);
            continue;
        };
        assert!(message.cut());
        assert_eq!(message.question().is_some(), length >= 22);
        assert!(looks_like_dns(&bytes[..length]) || length < 12);
        assert!(message.answers().count() <= 2);
    }
}

#[test]
fn data_of_each_known_type() {
    let check = |rtype: u16, data: &[u8], expected: &str| {
        let mut body = vec![0];
        body.extend(rtype.to_be_bytes());
        body.extend([0, 1, 0, 0, 0, 0]);
        body.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        body.extend(data);
        let bytes = message(0x8000, [0, 1, 0, 0], &body);
        let parsed = Message::parse(&bytes).expect("a header");
        let mut text = String::new();
        let record = parsed.answers().next().expect("a record");
        record.write_data(&mut text);
        assert_eq!(text, expected);
    };
    check(1, &[127, 0, 0, 1], "127.0.0.1");
    check(1, &[127, 0, 1], "\\# 3 7f0001");
    check(28, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "::1");
    check(15, b"\0\x0a\x02MX\0", "10 mx");
    check(
        6,
        b"\x01a\0\x01b\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
        "a b 1 2 3 4 5",
    );
    check(16, b"\x03a\"b\x01\xff", "\"a\\\"b\" \"\\255\"");
    check(16, b"\x05ab", "\\# 3 056162");
    check(33, b"\0\x01\0\x02\x01\xbb\x01s\0", "1 2 443 s");
    check(
        65,
        b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x04\0\x04\x01\x02\x03\x04",
        "1 . alpn=h2,h3 ipv4hint=1.2.3.4",
    );
    check(
        64,
        b"\0\x01\0\0\x03\0\x03\0\x50\0",
        "\\# 10 00010000030003005000",
    );
    check(257, b"\0\x05issueca.org", "0 issue \"ca.org\"");
    check(35, b"\0\x01\0\x02\x01s\x01t\0\0", "1 2 \"s\" \"t\" \"\" .");
    check(5, b"\xc0\x50", "\\# 2 c050");
    check(65280, b"", "\\# 0");
}

#[test]
fn mdns_bits_are_taken_off_the_class() {
    let bytes = message(
        0,
        [1, 1, 0, 0],
        b"\x01a\0\0\x0c\x80\x01\xc0\x0c\0\x01\x80\x01\0\0\0\x78\0\0",
    );
    let message = Message::parse(&bytes).expect("a header");
    let question = message.question().expect("a question");
    assert_eq!((question.class, question.unicast_response), (1, true));
    let record = message.answers().next().expect("a record");
    assert_eq!((record.class, record.cache_flush), (1, true));
}

#[test]
fn other_protocols_on_the_port_are_told_apart() {
    let check = |bytes: &[u8], expected: bool| assert_eq!(looks_like_dns(bytes), expected);
    check(&sample(), true);
    check(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    check(b"SSH-2.0-OpenSSH_9.6\r\n", false);
    check(&[0; 40], false);
    check(&[0xff; 40], false);
    check(&message(0x8181, [0; 4], b""), true); // an error without its question
    check(&message(0x0000, [0; 4], b""), false);
}

#[test]
fn numbers_and_names() {
    assert_eq!(type_name(65), "HTTPS");
    assert_eq!(type_name(65280), "TYPE65280");
    assert_eq!(type_number("type65280"), Some(65280));
    assert_eq!(type_number("*"), Some(255));
    assert_eq!(type_number("TYPE+5"), None);
    assert_eq!(type_number("A?"), None);
    assert_eq!(class_name(1), "IN");
    assert_eq!(rcode_name(3), "NXDOMAIN");
    for number in 0..=u16::MAX {
        assert_eq!(type_number(&type_name(number)), Some(number));
    }
}
