//! Rows of HTTP requests: a head in clear text, what of its body came with it, and the answer's status.

use std::collections::VecDeque;
use std::fmt::Write as _;

use coldcase_model::{Attributes, Event, Sink, Timestamp, When, action, canonical_domain, outcome};
use coldcase_wire::http;
use coldcase_wire::packet::Tcp;
use serde_json::Value;

use super::address::{FlowKey, Map};
use super::dns_rows::Envelope;

/// Requests that wait for their answer; of more, the oldest get their row without it.
const MOST_WAITING: usize = 1 << 12;

/// Most rows a file; a busy web server's capture has more requests than an analyst reads. The rest is counted.
const MOST_ROWS: u64 = 200_000;

/// Most of a body that is kept until it is whole: the creation of a container has some kilobytes.
const LONGEST_BODY: usize = 64 << 10;

/// Of these a row shows so much.
const SHOWN_BODY: usize = 1 << 10;

struct Waiting {
    from_a: bool,
    number: u64,
    envelope: Envelope,
    method: String,
    target: String,
    host: Option<String>,
    user_agent: Option<String>,
    content_type: Option<String>,
    content_length: Option<u64>,
    body: Vec<u8>,
    next_seq: u32,
}

/// Requests of one file that wait for their answer.
#[derive(Default)]
pub(super) struct HttpRows {
    /// The request of each connection that is not answered yet.
    waiting: Map<FlowKey, Waiting>,
    order: VecDeque<(FlowKey, u64)>,
    rows: u64,
    unlisted: u64,
}

impl HttpRows {
    /// Reads a segment's payload; rows of this file go to the sink.
    pub(super) fn segment(
        &mut self,
        (key, from_a): (FlowKey, bool),
        tcp: &Tcp<'_>,
        envelope: &Envelope,
        sink: &mut dyn Sink,
    ) {
        if let Some(response) = http::response(tcp.payload) {
            let is_answer = |request: &Waiting| request.from_a != from_a;
            if response.status >= 200 && self.waiting.get(&key).is_some_and(is_answer) {
                let request = self.waiting.remove(&key);
                self.row(request, Some(&response), sink);
            }
            return;
        }
        let Some(request) = http::request(tcp.payload) else {
            if let Some(waiting) = self.waiting.get_mut(&key) {
                waiting.more(from_a, tcp);
            }
            return;
        };
        let sent_again = |waiting: &Waiting| {
            let ahead = waiting.next_seq.wrapping_sub(tcp.seq);
            waiting.from_a == from_a && (1..1 << 16).contains(&ahead)
        };
        if self.waiting.get(&key).is_some_and(sent_again) {
            return;
        }
        let before = self.waiting.remove(&key);
        self.row(before, None, sink);
        let number = self.rows + self.unlisted + self.order.len() as u64;
        self.order.push_back((key, number));
        self.waiting
            .insert(key, Waiting::new(number, from_a, &request, tcp, envelope));
        self.make_room(sink);
    }

    fn make_room(&mut self, sink: &mut dyn Sink) {
        while self.order.len() > MOST_WAITING {
            let Some((key, number)) = self.order.pop_front() else {
                return;
            };
            if self
                .waiting
                .get(&key)
                .is_some_and(|waiting| waiting.number == number)
            {
                let request = self.waiting.remove(&key);
                self.row(request, None, sink);
            }
        }
    }

    /// The file ends: requests without an answer get their rows.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) {
        while let Some((key, number)) = self.order.pop_front() {
            if self
                .waiting
                .get(&key)
                .is_some_and(|waiting| waiting.number == number)
            {
                let request = self.waiting.remove(&key);
                self.row(request, None, sink);
            }
        }
        if self.unlisted > 0 {
            let warning = format!(
                "{} HTTP requests beyond the first {MOST_ROWS} have no rows",
                self.unlisted
            );
            sink.warn(coldcase_model::Place::Whole, warning);
        }
        *self = Self::default();
    }

    fn row(
        &mut self,
        request: Option<Waiting>,
        response: Option<&http::Response<'_>>,
        sink: &mut dyn Sink,
    ) {
        let Some(request) = request else { return };
        if self.rows >= MOST_ROWS {
            self.unlisted += 1;
            return;
        }
        self.rows += 1;
        request.row(response, sink);
    }
}

impl Waiting {
    fn new(
        number: u64,
        from_a: bool,
        request: &http::Request<'_>,
        tcp: &Tcp<'_>,
        envelope: &Envelope,
    ) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut waiting = Self {
            from_a,
            number,
            envelope: *envelope,
            method: request.method.to_owned(),
            target: text(request.target),
            host: request.host.map(text),
            user_agent: request.user_agent.map(text),
            content_type: request.content_type.map(text),
            content_length: request.content_length,
            body: Vec::new(),
            next_seq: tcp.seq.wrapping_add(tcp.payload_len),
        };
        waiting.keep(request.body.unwrap_or_default());
        waiting
    }

    /// The next bytes of the body, where a segment follows on the one before.
    fn more(&mut self, from_a: bool, tcp: &Tcp<'_>) {
        if from_a == self.from_a && tcp.seq == self.next_seq {
            self.next_seq = tcp.seq.wrapping_add(tcp.payload_len);
            self.keep(tcp.payload);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_BODY.saturating_sub(self.body.len());
        self.body
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn row(&self, response: Option<&http::Response<'_>>, sink: &mut dyn Sink) {
        let envelope = &self.envelope;
        let (source, destination) = (envelope.source.0.text(), envelope.destination.0.text());
        let status = response.map(|response| response.status);
        let mut event = Event::new(action::HTTP_REQUEST);
        let mut attributes = Attributes::new();
        attributes
            .text("method", &self.method)
            .text("uri", &self.target)
            .text_if("host", self.host.as_deref())
            .text_if("user_agent", self.user_agent.as_deref())
            .text_if("content_type", self.content_type.as_deref())
            .number_if("request_bytes", self.content_length)
            .number_if("status_code", status);
        let asked = Asked::read(self, response);
        asked.fill(&mut event, &mut attributes);
        if let Some(body) = self.shown_body() {
            attributes.text("body", body);
        }
        let mut message = format!(
            "{source} {} {destination}:{} {}",
            self.method, envelope.destination.1, self.target
        );
        if let Some(status) = status {
            let _ = write!(message, ": {status}");
        }
        sink.event(&Event {
            when: Some(When::recorded(Timestamp(envelope.at), envelope.precision)),
            outcome: status.map(|status| {
                if status < 400 {
                    outcome::SUCCESS
                } else {
                    outcome::FAILURE
                }
            }),
            src_ip: Some(source.into()),
            src_port: Some(envelope.source.1),
            dst_ip: Some(destination.into()),
            dst_port: Some(envelope.destination.1),
            protocol: Some("tcp"),
            domain: self.domain().map(Into::into),
            attributes: attributes.finish().map(Into::into),
            message: Some(message.into()),
            offset: Some(envelope.origin.offset()),
            ..event
        });
    }

    /// The name in the header `Host`, without its port; addresses are none.
    fn domain(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
        let is_name = bare.contains('.')
            && bare.bytes().any(|byte| byte.is_ascii_alphabetic())
            && bare
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        is_name.then(|| canonical_domain(bare).into_owned())
    }

    fn shown_body(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.body)
            .ok()
            .filter(|text| !text.trim().is_empty())?;
        text.get(..text.floor_char_boundary(SHOWN_BODY))
    }
}

/// What a request to a container engine asks for.
#[derive(Default)]
struct Asked {
    container: Option<String>,
    image: Option<String>,
    command: Option<String>,
    binds: Vec<String>,
    privileged: bool,
    modes: Vec<String>,
    id: Option<String>,
}

impl Asked {
    fn read(request: &Waiting, response: Option<&http::Response<'_>>) -> Self {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let argument = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(name, _)| *name == key)?;
            Some(unescaped(value))
        };
        let mut asked = Self::default();
        if path.ends_with("/images/create") {
            let tag = argument("tag").map(|tag| format!(":{tag}"));
            asked.image =
                argument("fromImage").map(|image| image + tag.as_deref().unwrap_or_default());
        }
        let creates = path.ends_with("/containers/create");
        if !creates && !path.ends_with("/exec") {
            return asked;
        }
        asked.container = argument("name").filter(|_| creates);
        if let Ok(body) = serde_json::from_slice::<Value>(&request.body) {
            asked.body(&body);
        }
        let answer =
            response.and_then(|response| serde_json::from_slice::<Value>(response.body?).ok());
        asked.id = answer.and_then(|answer| Some(answer.get("Id")?.as_str()?.to_owned()));
        asked
    }

    fn body(&mut self, body: &Value) {
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        let words = |value: &Value, key: &str| -> Vec<String> {
            let list = value
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            list.filter_map(|word| word.as_str().map(str::to_owned))
                .collect()
        };
        // Podman's own API writes these in lower case.
        self.image = text(body, "Image").or_else(|| text(body, "image"));
        let command = ["Entrypoint", "entrypoint", "Cmd", "command"]
            .map(|key| words(body, key))
            .concat()
            .join(" ");
        self.command = Some(command).filter(|command| !command.is_empty());
        let host = body.get("HostConfig").unwrap_or(body);
        self.binds = words(host, "Binds");
        let mounts = [host.get("Mounts"), body.get("mounts")];
        let mounts = mounts.into_iter().flatten().filter_map(Value::as_array);
        self.binds.extend(mounts.flatten().filter_map(|mount| {
            let source = text(mount, "Source").or_else(|| text(mount, "source"))?;
            let target = text(mount, "Target").or_else(|| text(mount, "destination"))?;
            Some(format!("{source}:{target}"))
        }));
        let privileged = host.get("Privileged").or_else(|| body.get("privileged"));
        self.privileged = privileged.and_then(Value::as_bool).unwrap_or(false);
        for key in ["NetworkMode", "PidMode", "IpcMode"] {
            let mode = text(host, key).filter(|mode| mode == "host");
            self.modes.extend(mode.map(|mode| format!("{key}={mode}")));
        }
    }

    fn fill(self, event: &mut Event<'_>, attributes: &mut Attributes) {
        event.container = self.container.map(Into::into);
        event.image = self.image.map(Into::into);
        event.command = self.command.map(Into::into);
        if !self.binds.is_empty() {
            attributes.texts("mounts", &self.binds);
        }
        if self.privileged {
            attributes.flag("privileged", true);
        }
        if !self.modes.is_empty() {
            attributes.texts("host_modes", &self.modes);
        }
        attributes.text_if("id", self.id.as_deref());
    }
}

/// Percent-encoding undone.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_and_podman_ask_for_the_same() {
        let check = |body: Value| {
            let mut asked = Asked::default();
            asked.body(&body);
            assert_eq!(asked.image.as_deref(), Some("busybox"), "{body}");
            assert_eq!(asked.command.as_deref(), Some("chroot /mnt sh"), "{body}");
            assert_eq!(asked.binds, ["/:/mnt"], "{body}");
            assert!(asked.privileged, "{body}");
        };
        check(
            serde_json::json!({"Image": "busybox", "Cmd": ["chroot", "/mnt", "sh"], "HostConfig": {"Binds": ["/:/mnt"], "Privileged": true}}),
        );
        check(
            serde_json::json!({"image": "busybox", "command": ["chroot", "/mnt", "sh"], "privileged": true,
            "mounts": [{"type": "bind", "source": "/", "destination": "/mnt"}]}),
        );
    }
}
