//! The heads that Kubernetes' components write before their messages: `I0328 16:00:04.123456   12345 server.go:123] text`.
//!
//! Source: k8s.io/klog `internal/buffer`.

use std::borrow::Cow;

use super::engines::whole_id;
use super::row::Row;

/// Fills the row of a message with such a head; `None` where it has none.
pub fn read<'a>(program: &str, message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let level = match message.as_bytes().first()? {
        b'I' => "info",
        b'W' => "warning",
        b'E' => "error",
        b'F' => "fatal",
        _ => return None,
    };
    let (head, text) = message.get(1..)?.split_once("] ")?;
    let mut words = head.split(' ').filter(|word| !word.is_empty());
    let digits = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let (date, time, thread, place) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let timed = time.bytes().filter(|byte| *byte == b':').count() == 2;
    if date.len() != 4 || !digits(date) || !timed || !digits(thread) || !place.contains(".go:") {
        return None;
    }
    row.text("program", program)
        .text("level", level)
        .text("source", place);
    let value = |key: &str| {
        let (_, rest) = text.split_once(key)?;
        rest.split('"').next().filter(|value| !value.is_empty())
    };
    if let Some((namespace, pod)) = value(" pod=\"").and_then(|pod| pod.split_once('/')) {
        row.event.namespace = Some(Cow::Borrowed(namespace));
        row.event.pod = Some(Cow::Borrowed(pod));
    }
    let id = value(" containerID=\"").map(|id| id.rsplit("//").next().unwrap_or(id));
    row.container_id = id.and_then(whole_id);
    Some(())
}
