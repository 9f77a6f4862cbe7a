//! DNS messages: what is read of a message stays within it, every walk ends, and the same bytes tell the same.

#![no_main]

use coldcase_wire::dns::{Message, Records, looks_like_dns};
use libfuzzer_sys::fuzz_target;

/// The shortest record: the root's name, type, class, time to live, length.
const SHORTEST_RECORD: usize = 11;
/// A name is at most 255 bytes on the wire; written, each of them takes at most four characters.
const LONGEST_NAME: usize = 4 * 255;

fn walk(records: Records<'_>, bytes: usize, out: &mut String) -> usize {
    let mut count = 0;
    for record in records {
        let before = out.len();
        record.write_name(out);
        assert!(out.len() - before <= LONGEST_NAME);
        record.write_data(out);
        count += 1;
        assert!(count <= bytes / SHORTEST_RECORD);
    }
    count
}

fn told(message: &Message<'_>, bytes: usize) -> String {
    let mut out = String::new();
    for question in message.questions() {
        let before = out.len();
        question.write_name(&mut out);
        assert!(out.len() - before <= LONGEST_NAME);
    }
    let sections = [
        message.answers(),
        message.authorities(),
        message.additionals(),
    ];
    let counts = sections.map(|records| walk(records, bytes, &mut out));
    assert!(message.trailing().is_none_or(|trailing| trailing <= bytes));
    let flags = (
        message.is_response(),
        message.opcode(),
        message.response_code(),
    );
    format!(
        "{out} {counts:?} {flags:?} {:?} {}",
        message.edns(),
        message.cut()
    )
}

fuzz_target!(|data: &[u8]| {
    let _ = looks_like_dns(data);
    if let Some(message) = Message::parse(data) {
        assert_eq!(told(&message, data.len()), told(&message, data.len()));
    }
});
