//! DNS messages: every name and record is written as text without a panic, and none grows beyond its message.

#![no_main]

use coldcase_wire::dns::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(message) = Message::parse(data) else {
        return;
    };
    let mut text = String::new();
    if let Some(question) = message.question() {
        question.write_name(&mut text);
    }
    for record in message.answers().take(64) {
        text.clear();
        record.write_data(&mut text);
        assert!(text.len() <= 8 * data.len() + 256);
    }
    let _ = (message.is_response(), message.response_code());
});
