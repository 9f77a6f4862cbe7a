//! Rows of DNS messages: one `dns-query` or `dns-answer` each.

use coldcase_model::{Attributes, Event, Precision, Sink, Timestamp, When, action};
use coldcase_wire::dns::{self, Message, Name};

use super::address::{Addr, Origin};

/// DNS, mDNS and LLMNR: what comes from or goes to these ports is read as DNS if it looks like it.
const PORTS: [u16; 3] = [53, 5353, 5355];

/// Most answers, and most further questions, that a row lists.
const MOST_LISTED: usize = 16;

/// Whether one of the ports is DNS's, mDNS's or LLMNR's.
pub(super) fn is_dns_port(source: u16, destination: u16) -> bool {
    PORTS.contains(&source) || PORTS.contains(&destination)
}

/// Whose message it is, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    /// When its last packet was captured.
    pub(super) at: i64,
    /// How exact that is.
    pub(super) precision: Precision,
    /// Where that packet stands.
    pub(super) origin: Origin,
    /// Sender and its port.
    pub(super) source: (Addr, u16),
    /// Receiver and its port.
    pub(super) destination: (Addr, u16),
    /// Number of the interface that saw it first, where the capture tells interfaces apart.
    pub(super) interface: Option<u32>,
    /// Ends before an address was translated, where another interface saw the packet before that.
    pub(super) before: Option<((Addr, u16), (Addr, u16))>,
}

impl Envelope {
    /// The same with its ports.
    pub(super) fn with_ports(mut self, source: u16, destination: u16) -> Self {
        self.source.1 = source;
        self.destination.1 = destination;
        self
    }
}

/// Writes rows; its buffers stay from message to message.
#[derive(Debug, Default)]
pub(super) struct DnsRows {
    domain: String,
    source: String,
    destination: String,
    message: String,
    attributes: Attributes,
    data: String,
}

impl DnsRows {
    /// The row of a message, where these bytes are one; of a message that the capture cut, where at
    /// least the name asked for is whole.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        cut: bool,
        envelope: &Envelope,
        protocol: &'static str,
        sink: &mut dyn Sink,
    ) -> bool {
        let Some(message) = dns::plausible(bytes) else {
            return false;
        };
        let question = message.question();
        let name = message.question_name();
        if cut && question.is_none() && name.is_some_and(|name| !name.is_whole()) {
            return false;
        }
        self.fill(name, envelope);
        let query_type = question.map(|question| dns::type_name(question.qtype));
        let answers = message.is_response();
        let code = answers.then(|| dns::rcode_name(message.response_code()));
        self.attributes.clear();
        attributes(&message, envelope, &mut self.data, &mut self.attributes);
        self.say(answers, query_type.as_deref(), code.as_deref());
        sink.event(&Event {
            when: Some(When::recorded(Timestamp(envelope.at), envelope.precision)),
            src_ip: Some(self.source.as_str().into()),
            src_port: Some(envelope.source.1),
            dst_ip: Some(self.destination.as_str().into()),
            dst_port: Some(envelope.destination.1),
            protocol: Some(protocol),
            domain: name.map(|_| self.domain.as_str().into()),
            query_type,
            response_code: code,
            attributes: self.attributes.close().map(Into::into),
            message: Some(self.message.as_str().into()),
            offset: Some(envelope.origin.offset()),
            ..Event::new(if answers {
                action::DNS_ANSWER
            } else {
                action::DNS_QUERY
            })
        });
        true
    }

    fn fill(&mut self, name: Option<Name<'_>>, envelope: &Envelope) {
        self.domain.clear();
        if let Some(name) = name {
            name.write(&mut self.domain);
        }
        self.source.clear();
        envelope.source.0.write(&mut self.source);
        self.destination.clear();
        envelope.destination.0.write(&mut self.destination);
    }

    fn say(&mut self, answers: bool, query_type: Option<&str>, code: Option<&str>) {
        let verb = if answers { " answers " } else { " asks " };
        let asked = match (self.domain.is_empty(), answers) {
            (false, false) => " for ",
            (false, true) => " on ",
            (true, _) => "",
        };
        let text = &mut self.message;
        text.clear();
        for part in [
            self.source.as_str(),
            verb,
            &self.destination,
            asked,
            &self.domain,
            if query_type.is_some() { " " } else { "" },
            query_type.unwrap_or_default(),
            if code.is_some() { ": " } else { "" },
            code.unwrap_or_default(),
        ] {
            text.push_str(part);
        }
    }
}

fn attributes(
    message: &Message<'_>,
    envelope: &Envelope,
    text: &mut String,
    attributes: &mut Attributes,
) {
    attributes.number("id", message.id);
    if message.opcode() != 0 {
        attributes.number("opcode", message.opcode());
    }
    if message.is_response() && message.is_truncated() {
        attributes.flag("truncated", true);
    }
    let mut more = message.questions().skip(1).peekable();
    if more.peek().is_some() {
        let more = more.take(MOST_LISTED).map(|question| {
            let mut text = String::new();
            question.write_name(&mut text);
            text.push(' ');
            text.push_str(&dns::type_name(question.qtype));
            text
        });
        attributes.texts("more_questions", more);
    }
    if message.is_response() {
        let answers = message.answers().take(MOST_LISTED);
        attributes.each_object("answers", answers, |answer, record| {
            text.clear();
            record.write_name(text);
            answer.text("name", text);
            answer.text("type", &dns::type_name(record.rtype));
            text.clear();
            record.write_data(text);
            answer.text("data", text).number("ttl", record.ttl);
        });
    }
    attributes.number_if("interface", envelope.interface);
    if let Some(((from, from_port), (to, to_port))) = envelope.before {
        let before = format!("{}:{from_port} > {}:{to_port}", from.text(), to.text());
        attributes.text("before_translation", &before);
    }
}
