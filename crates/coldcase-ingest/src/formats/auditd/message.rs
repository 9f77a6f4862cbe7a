//! The row's one line for a person.

use std::fmt::Write as _;

use coldcase_model::action;

use super::kind::Kind;
use super::row::{Reading, account};
use super::values::{Value, show};

/// Longest command shown in a message, in bytes.
const MAX_SHOWN: usize = 300;

/// Writes the message of an event.
pub fn write(message: &mut String, reading: &Reading<'_, '_>, command: &str) {
    match reading.action {
        action::EXEC => exec(message, reading, command),
        action::CONNECT | action::SYSCALL => call(message, reading),
        _ => told(message, reading, command),
    }
}

fn exec(message: &mut String, reading: &Reading<'_, '_>, command: &str) {
    message.push_str("exec");
    if let Some(program) = reading.exe.as_deref().or(reading.path.as_deref()) {
        push_word(message, " ", program);
    }
    if !command.is_empty() {
        message.push_str(": ");
        push_shown(message, command);
    }
    failed(message, reading);
}

fn call(message: &mut String, reading: &Reading<'_, '_>) {
    if let Some(told) = reading.facts.told {
        let _ = write!(message, "{}", told.kind.show(told.name));
        what(message, reading);
        message.push_str(": ");
    }
    match &reading.syscall {
        Some(call) => message.push_str(&call.name),
        None => message.push_str(&reading.kind),
    }
    match (&reading.socket_text, &reading.path) {
        (Some(socket), _) => {
            push_word(message, " ", socket);
        }
        (None, Some(path)) => {
            push_word(message, " ", path);
        }
        (None, None) => {}
    }
    by(message, reading);
    failed(message, reading);
}

fn told(message: &mut String, reading: &Reading<'_, '_>, command: &str) {
    let facts = reading.facts;
    let told = facts.told.map(|part| part.kind.show(part.name));
    message.push_str(told.as_deref().unwrap_or(&reading.kind));
    what(message, reading);
    if let Some(call) = &reading.syscall
        && facts.call.success.is_none()
    {
        let _ = write!(message, " {}", call.name);
    }
    if let Some(key) = facts.key.and_then(Value::text) {
        let _ = write!(message, " key {key}");
    }
    if let Some(path) = &reading.path {
        push_word(message, " ", path);
    }
    if let Some(data) = facts.rest_value(b"data").and_then(Value::text) {
        message.push_str(" typed: ");
        push_shown(message, &data);
    } else if facts.said.cmd.is_some() {
        message.push_str(": ");
        push_shown(message, command);
    }
    let concerned = account(facts).or_else(|| {
        let is_login = facts.told.is_some_and(|part| part.kind == Kind::LOGIN);
        let is_about = facts.said.id.is_some() || is_login || reading.action == action::LOGIN;
        reading.user.clone().filter(|_| is_about)
    });
    if let Some(user) = concerned {
        push_word(message, " for ", &user);
    }
    if let Some(addr) = &reading.addr {
        push_word(message, " from ", addr);
    }
    by(message, reading);
    if let Some(outcome) = reading.outcome {
        let _ = write!(message, ": {outcome}");
    }
}

/// What a record of its own kind says was done or decided.
fn what(message: &mut String, reading: &Reading<'_, '_>) {
    let facts = reading.facts;
    for value in [
        facts.said.op,
        facts.said.unit,
        facts.rest_value(b"apparmor"),
        facts.rest_value(b"operation"),
    ] {
        if let Some(text) = value.and_then(Value::word) {
            push_word(message, " ", &text);
        }
    }
    if let Some((verdict, permissions)) = facts.decision {
        let verdict = show(verdict);
        let _ = write!(message, " {verdict} {{ {} }}", show(permissions));
    }
}

fn by(message: &mut String, reading: &Reading<'_, '_>) {
    if let Some(exe) = &reading.exe {
        push_word(message, " by ", exe);
    } else if let Some(comm) = reading.facts.process.comm.and_then(Value::text) {
        push_word(message, " by ", &comm);
    }
}

fn failed(message: &mut String, reading: &Reading<'_, '_>) {
    let failed = reading
        .facts
        .call
        .success
        .is_some_and(|value| value.raw == b"no");
    if let Some(exit) = reading.exit.as_deref().filter(|_| failed) {
        let _ = write!(message, " ({exit})");
    }
}

fn push_word(message: &mut String, before: &str, word: &str) {
    message.push_str(before);
    message.push_str(word);
}

fn push_shown(message: &mut String, text: &str) {
    let end = text.floor_char_boundary(MAX_SHOWN.min(text.len()));
    message.push_str(text.get(..end).unwrap_or(text));
    if end < text.len() {
        message.push('…');
    }
}
