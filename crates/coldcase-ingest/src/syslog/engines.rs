//! What container engines log in logfmt, `time="..." level=info msg="..." container=...`: dockerd, containerd, podman, crio
//! and whatever else writes so. Requests to Docker's API stand there at level debug.
//!
//! Sources: logrus' text formatter, moby `api/server/server.go` and `api/server/middleware/debug.go`.

use std::borrow::Cow;

use coldcase_model::action;

use super::row::Row;

/// Pairs of a line that are looked at.
const MOST_PAIRS: usize = 64;

/// Most of what was said that is kept apart from the message, in bytes.
const LONGEST_SAID: usize = 2 << 10;

/// Fills the row of a message in logfmt; `None` where it is none.
pub fn read<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if !message.starts_with("time=\"") && !message.starts_with("level=") {
        return None;
    }
    let (mut level, mut said, mut error) = (None, None, None);
    let (mut method, mut path, mut listen) = (None, None, None);
    let mut rest = message;
    for _ in 0..MOST_PAIRS {
        let Some((key, value, after)) = pair(rest) else {
            break;
        };
        rest = after;
        match key {
            "level" => level = Some(value),
            "msg" => said = Some(value),
            "error" => error = Some(value),
            "method" => method = Some(value),
            "path" | "request-url" => path = Some(value),
            "host" => listen = Some(value),
            "container" | "id" | "containerID" | "container_id" if row.container_id.is_none() => {
                row.container_id = whole_id(value);
            }
            _ => {}
        }
    }
    let said = unescaped(said?);
    row.text("program", program)
        .text("level", level.unwrap_or_default());
    let called = said
        .strip_prefix("Calling ")
        .and_then(|call| call.split_once(' '));
    let handled = method.zip(path).filter(|_| said.starts_with("handling "));
    if let Some((verb, uri)) = called.or(handled)
        && verb.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        row.set(action::API_REQUEST, None);
        row.text("verb", verb).text("uri", uri);
    }
    let kept = said.get(..said.floor_char_boundary(LONGEST_SAID));
    row.text("msg", kept.unwrap_or_default())
        .text("error", &unescaped(error.unwrap_or_default()));
    let listening = said
        .strip_prefix("API listen on ")
        .or_else(|| said.split_once("Listening for HTTP on ").map(|(_, at)| at))
        .or(listen.filter(|uri| uri.contains("://")));
    row.text("listen", listening.unwrap_or_default());
    Some(())
}

/// Key, value without its quotes, and what follows.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.trim_start().split_once('=')?;
    if key.is_empty() || key.contains([' ', '"']) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(' ').unwrap_or(rest.len());
        return Some((key, rest.get(..end)?, rest.get(end..)?));
    };
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(quoted.len());
    let after = quoted.get(end..)?;
    Some((
        key,
        quoted.get(..end)?,
        after.strip_prefix('"').unwrap_or(after),
    ))
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// A container's id in full: 64 hexadecimal digits.
pub fn whole_id(text: &str) -> Option<&str> {
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then_some(text)
}
