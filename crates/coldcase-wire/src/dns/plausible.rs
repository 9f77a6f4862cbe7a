//! Whether bytes that came to or from a DNS port are DNS at all: other protocols use port 53 to pass
//! firewalls, and 12 bytes of anything make a header.

use super::Message;

/// Questions of one message that are still believable: mDNS asks dozens at once, others one.
const MAX_QUESTIONS: u16 = 255;

/// Records that fit into 65,535 bytes at 11 bytes each (root name, no data).
const MAX_RECORDS: u32 = 5_957;

/// Whether these bytes may be a DNS message, see [`plausible`].
pub fn looks_like_dns(bytes: &[u8]) -> bool {
    plausible(bytes).is_some()
}

/// The DNS message, whole or cut by a snap length, that these bytes may be. A header of a known kind with
/// believable counts, and a first question whose name unfolds and whose class exists; without a question
/// a response, or an update that carries records.
pub fn plausible(bytes: &[u8]) -> Option<Message<'_>> {
    let message = Message::parse(bytes)?;
    let records = u32::from(message.answer_count)
        + u32::from(message.authority_count)
        + u32::from(message.additional_count);
    let known_opcode = matches!(message.opcode(), 0..=2 | 4..=6);
    if !known_opcode || message.question_count > MAX_QUESTIONS || records > MAX_RECORDS {
        return None;
    }
    let is_plausible = match message.question() {
        Some(question) => question.name.is_whole() && known_class(question.class),
        None if message.question_count > 0 => cut_in_first_name(bytes),
        None if message.is_response() => records == 0 || first_record_fits(&message),
        None => records > 0 && first_record_fits(&message),
    };
    is_plausible.then_some(message)
}

fn known_class(class: u16) -> bool {
    matches!(class, 1 | 3 | 4 | 254 | 255)
}

fn first_record_fits(message: &Message<'_>) -> bool {
    let mut records = message
        .answers()
        .chain(message.authorities())
        .chain(message.additionals());
    records.next().is_some_and(|record| record.name.is_whole())
}

/// Whether a snap length could have cut the message in its first question: labels up to the end.
fn cut_in_first_name(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    let mut length = 0;
    while let Some((&label, after)) = rest.split_first() {
        if label == 0 {
            return after.len() < 4;
        }
        length += usize::from(label) + 1;
        if label > 63 || length > 254 {
            return false;
        }
        rest = after.get(usize::from(label)..).unwrap_or_default();
    }
    true
}
