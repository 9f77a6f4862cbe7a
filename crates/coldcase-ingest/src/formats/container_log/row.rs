//! The row of one record of a log: what a container or an application wrote, or a request that a web server logged.

use std::borrow::Cow;

use coldcase_model::{
    Attributes, Event, Sink, When, action, canonical_domain, canonical_ip, outcome,
};

use super::access::Access;
use super::level::level;
use super::origin::Origin;
use crate::terminal_text::{cut, plain};

/// Longest message kept.
pub const MAX_MESSAGE: usize = 8 << 10;

/// What belongs to a record, kept of the lines after its first.
pub const MAX_MORE: usize = 2 << 10;

/// Longest field of a request that is kept.
const MAX_FIELD: usize = 2 << 10;

/// One record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its time.
    pub when: Option<When>,
    /// `stdout` or `stderr`.
    pub stream: Option<&'static str>,
    /// As written.
    pub text: &'a str,
    /// Whose it is.
    pub origin: &'a Origin,
    /// Its first line.
    pub line: u64,
    /// Whether its end was not found.
    pub unfinished: bool,
    /// Lines of the artifact that it takes.
    pub lines: u64,
    /// The lines after the first, without their stamps.
    pub more: &'a str,
}

/// Hands a record to the sink; `false` where it holds nothing.
pub fn emit(record: &Record<'_>, sink: &mut dyn Sink) -> bool {
    let text = plain(record.text);
    let text = text.trim_end();
    if text.is_empty() {
        return false;
    }
    let message = cut(text, MAX_MESSAGE);
    let mut attributes = Attributes::with_capacity(256);
    let origin = record.origin;
    attributes
        .text_if("stream", record.stream)
        .text_if("container_id", origin.id.as_deref());
    if origin.in_pod {
        attributes.text_if("container_name", origin.container.as_deref());
    }
    attributes.text_if("pod_uid", origin.pod_uid.as_deref());
    let mut event = match Access::parse(message) {
        Some(access) => request(&access, &mut attributes),
        None => {
            attributes.text_if("level", level(message));
            Event::new(action::LOG)
        }
    };
    if message.len() < text.len() || record.unfinished {
        attributes.flag("cut", true);
    }
    if !record.more.is_empty() {
        attributes
            .number("lines", record.lines)
            .text("more", cut(record.more, MAX_MORE));
    }
    event.when = record.when;
    event.container = origin.container.as_deref().map(Cow::Borrowed);
    event.pod = origin.pod.as_deref().map(Cow::Borrowed);
    event.namespace = origin.namespace.as_deref().map(Cow::Borrowed);
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(Cow::Borrowed(message));
    event.line = Some(record.line);
    sink.event(&event);
    true
}

fn request<'a>(access: &Access<'a>, attributes: &mut Attributes) -> Event<'a> {
    let mut event = Event::new(action::HTTP_REQUEST);
    event.src_ip = canonical_ip(access.client);
    if event.src_ip.is_none() {
        attributes.text("client", cut(access.client, MAX_FIELD));
    }
    event.user = access.user.map(Cow::Borrowed);
    event.bytes = access.bytes;
    let failed = access.status >= 400;
    event.outcome = Some(if failed {
        outcome::FAILURE
    } else {
        outcome::SUCCESS
    });
    let host = access
        .host
        .map(|host| host.split(':').next().unwrap_or(host));
    event.domain = host
        .filter(|host| canonical_ip(host).is_none())
        .map(canonical_domain);
    let field = |text: Option<&'a str>| text.map(|text| cut(text, MAX_FIELD));
    attributes
        .text_if("method", access.method)
        .text_if("uri", field(access.uri));
    if access.method.is_none() && access.request != "-" {
        attributes.text("request", cut(access.request, MAX_FIELD));
    }
    attributes
        .number("status_code", access.status)
        .text_if("user_agent", field(access.user_agent))
        .text_if("referer", field(access.referer));
    event
}

/// A record of several lines while its lines come in. Its buffers are used again for the next one.
#[derive(Debug, Default)]
pub struct Held {
    text: String,
    more: String,
    line: u64,
    lines: u64,
    when: Option<When>,
}

impl Held {
    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.lines > 0
    }

    /// Begins the next one; the last must have been put out.
    pub fn begin(&mut self, text: &str, line: u64, when: Option<When>) {
        self.text.clear();
        self.more.clear();
        self.text.push_str(cut(text, 2 * MAX_MESSAGE));
        self.line = line;
        self.lines = 1;
        self.when = when;
    }

    /// A further line of it.
    pub fn add(&mut self, text: &str) {
        self.lines += 1;
        let room = MAX_MORE.saturating_sub(self.more.len());
        if room == 0 {
            return;
        }
        if !self.more.is_empty() {
            self.more.push('\n');
        }
        self.more.push_str(cut(text, room));
    }

    /// Hands it to the sink, if there is one.
    pub fn put_out(&mut self, origin: &Origin, sink: &mut dyn Sink) {
        let lines = std::mem::take(&mut self.lines);
        if lines == 0 {
            return;
        }
        let record = Record {
            when: self.when,
            stream: None,
            text: &self.text,
            origin,
            line: self.line,
            unfinished: false,
            lines,
            more: &self.more,
        };
        emit(&record, sink);
        sink.used(lines);
    }
}
