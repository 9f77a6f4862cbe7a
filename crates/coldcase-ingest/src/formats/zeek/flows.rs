//! Rows of conn.log, dns.log and ssh.log.

use std::borrow::Cow;
use std::fmt::Write as _;

use coldcase_model::{
    Attributes, Event, Sink, When, action, canonical_domain, canonical_ip, outcome,
};

use super::record::Record;
use super::times;
use crate::Clock;
use crate::syslog::{query_type, response_code};

/// Most answers kept of a message.
const MOST_ANSWERS: usize = 16;

/// What every record of a connection has.
pub(super) fn base<'a>(
    action: &'static str,
    record: &Record<'a>,
    line: u64,
    clock: &Clock,
) -> Event<'a> {
    Event {
        when: record.text("ts").and_then(|ts| times::when(&ts, clock)),
        src_ip: address(record, "id.orig_h"),
        dst_ip: address(record, "id.resp_h"),
        src_port: record.port("id.orig_p"),
        dst_port: record.port("id.resp_p"),
        protocol: record.text("proto").and_then(|name| protocol(&name)),
        line: Some(line),
        ..Event::new(action)
    }
}

/// An address in canonical text.
pub(super) fn address<'a>(record: &Record<'a>, name: &str) -> Option<Cow<'a, str>> {
    match record.text(name)? {
        Cow::Borrowed(text) => canonical_ip(text),
        Cow::Owned(text) => canonical_ip(&text).map(|text| Cow::Owned(text.into_owned())),
    }
}

fn protocol(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 5] = ["tcp", "udp", "icmp", "icmp6", "sctp"];
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// `10.0.0.5:51234 > 192.0.2.1:443`
pub(super) fn ends(event: &Event<'_>) -> String {
    let mut text = String::with_capacity(64);
    let side = |text: &mut String, address: &Option<Cow<'_, str>>, port: Option<u16>| {
        text.push_str(address.as_deref().unwrap_or("?"));
        if let Some(port) = port {
            let _ = write!(text, ":{port}");
        }
    };
    side(&mut text, &event.src_ip, event.src_port);
    text.push_str(" > ");
    side(&mut text, &event.dst_ip, event.dst_port);
    text
}

/// Conn's state as this program's flows have it.
fn state(conn_state: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match conn_state {
        "S0" | "SH" | "RSTOS0" => ("half-open", Some(outcome::FAILURE)),
        "REJ" => ("refused", Some(outcome::FAILURE)),
        "S1" | "S2" | "S3" | "SF" | "RSTO" | "RSTR" => ("established", Some(outcome::SUCCESS)),
        "OTH" | "SHR" | "RSTRH" => ("midstream", None),
        _ => return None,
    })
}

/// A connection.
pub(super) fn conn(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::FLOW_LISTED, record, line, clock);
    event.action = match event.protocol {
        Some("tcp") => action::TCP_FLOW,
        Some("udp") => action::UDP_FLOW,
        _ => action::FLOW_LISTED,
    };
    let is_tcp = event.protocol == Some("tcp");
    let lasted = record
        .text("duration")
        .and_then(|text| times::duration(&text));
    event.ts_end = times::after(event.when, lasted).or(event.when.map(|when| when.ts));
    let conn_state = record.text("conn_state");
    let known = conn_state.as_deref().and_then(state).filter(|_| is_tcp);
    event.outcome = known.and_then(|(_, outcome)| outcome);
    let mut attributes = Attributes::new();
    attributes.text_if("state", known.map(|(state, _)| state));
    attributes.text_if("conn_state", conn_state.as_deref());
    let sum = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    let number = |name: &str| record.number(name);
    // Bytes of IP as a capture counts them; without these the payload.
    let out = number("orig_ip_bytes").or_else(|| number("orig_bytes"));
    let back = number("resp_ip_bytes").or_else(|| number("resp_bytes"));
    event.packets = sum(number("orig_pkts"), number("resp_pkts"));
    event.bytes = sum(out, back);
    attributes
        .number_if("packets_out", number("orig_pkts"))
        .number_if("packets_in", number("resp_pkts"))
        .number_if("bytes_out", out)
        .number_if("bytes_in", back)
        .number_if("payload_out", number("orig_bytes"))
        .number_if("payload_in", number("resp_bytes"))
        .number_if(
            "missed_bytes",
            number("missed_bytes").filter(|bytes| *bytes > 0),
        );
    for name in ["service", "history", "uid"] {
        attributes.text_if(name, record.text(name).as_deref());
    }
    let parents = record.list("tunnel_parents");
    if !parents.is_empty() {
        attributes.texts("tunnel_parents", parents);
    }
    if matches!(event.protocol, Some("icmp" | "icmp6")) {
        attributes.number_if("icmp_type", event.src_port.take());
        attributes.number_if("icmp_code", event.dst_port.take());
    }
    let mut message = format!("{} {}", event.protocol.unwrap_or("ip"), ends(&event));
    if let Some(state) = &conn_state {
        let _ = write!(message, " {state}");
    }
    if let (Some(packets), Some(bytes)) = (event.packets, event.bytes) {
        let _ = write!(message, ", {packets} packets, {bytes} bytes");
    }
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(message.into());
    sink.event(&event);
}

/// A question, and its answer where one was seen.
pub(super) fn dns(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::DNS_QUERY, record, line, clock);
    let name = record.text("query");
    let domain = name.as_deref().map(canonical_domain);
    let qtype = record.text("qtype_name");
    event.query_type = match qtype.as_deref() {
        Some("*") => Some("ANY".into()),
        Some(text) => Some(query_type(text).unwrap_or(Cow::Borrowed(text))),
        None => None,
    };
    event.domain = domain;
    let rcode = record.text("rcode_name");
    event.response_code = rcode
        .as_deref()
        .map(|code| response_code(code).unwrap_or(Cow::Borrowed(code)));
    let answers = record.list("answers");
    let ttls = record.list("TTLs");
    let mut attributes = Attributes::new();
    attributes.number_if("id", record.number("trans_id"));
    let class = record.text("qclass_name");
    attributes.text_if(
        "class",
        class.as_deref().filter(|class| *class != "C_INTERNET"),
    );
    let flags = flags(record);
    if !flags.is_empty() {
        attributes.text("flags", &flags);
    }
    if record.flag("rejected") == Some(true) {
        attributes.flag("rejected", true);
    }
    attributes.text_if("uid", record.text("uid").as_deref());
    let mut answered = attributes.clone();
    if !answers.is_empty() {
        attributes.objects("answers", objects(&answers, &ttls));
        answered.objects("answers", objects(&answers, &ttls));
    }
    let rtt = record.text("rtt").and_then(|text| times::duration(&text));
    attributes.number_if("duration_ns", rtt);
    let shown = event.domain.as_deref().unwrap_or("?");
    let kind = event.query_type.as_deref().unwrap_or("?");
    event.message = Some(format!("{} {kind} {shown}", ends(&event)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
    if rcode.is_some() || !answers.is_empty() {
        answer(event, answered, rtt, &answers, sink);
    }
}

/// The resolver's side of the same record.
fn answer(
    question: Event<'_>,
    attributes: Attributes,
    rtt: Option<i64>,
    answers: &[Cow<'_, str>],
    sink: &mut dyn Sink,
) {
    let at = times::after(question.when, rtt).or(question.when.map(|when| when.ts));
    let when = question.when.zip(at).map(|(when, ts)| When { ts, ..when });
    let mut event = Event {
        when,
        action: action::DNS_ANSWER,
        src_ip: question.dst_ip,
        src_port: question.dst_port,
        dst_ip: question.src_ip,
        dst_port: question.src_port,
        attributes: attributes.finish().map(Into::into),
        ..question
    };
    let code = event.response_code.as_deref().unwrap_or("answer");
    let shown = event.domain.as_deref().unwrap_or("?");
    let mut message = format!("{} {code} {shown}", ends(&event));
    for data in answers.iter().take(4) {
        let _ = write!(message, " {data}");
    }
    event.message = Some(message.into());
    sink.event(&event);
}

fn flags(record: &Record<'_>) -> String {
    let set = ["AA", "TC", "RD", "RA"]
        .into_iter()
        .filter(|name| record.flag(name) == Some(true));
    let names: Vec<_> = set.map(str::to_ascii_lowercase).collect();
    names.join(",")
}

fn objects(answers: &[Cow<'_, str>], ttls: &[Cow<'_, str>]) -> Vec<Attributes> {
    let pairs = answers.iter().enumerate().take(MOST_ANSWERS);
    pairs
        .map(|(index, data)| {
            let mut answer = Attributes::new();
            if let Some(address) = canonical_ip(data) {
                answer.text("type", if address.contains(':') { "AAAA" } else { "A" });
            }
            let ttl = ttls.get(index).and_then(|ttl| times::duration(ttl));
            answer.text("data", data);
            answer.number_if("ttl", ttl.map(|nanos| nanos / 1_000_000_000));
            answer
        })
        .collect()
}

/// An SSH connection as its analyser saw it. Whether a login succeeded is its guess.
pub(super) fn ssh(record: &Record<'_>, line: u64, clock: &Clock, sink: &mut dyn Sink) {
    let mut event = base(action::TCP_FLOW, record, line, clock);
    event.protocol = Some("tcp");
    // Banners of both sides were seen: the connection stood.
    event.outcome = Some(outcome::SUCCESS);
    let mut attributes = Attributes::new();
    attributes.text("service", "ssh");
    if let Some(success) = record.flag("auth_success") {
        attributes.flag("auth_success", success);
    }
    attributes.number_if("auth_attempts", record.number("auth_attempts"));
    for name in ["client", "server", "direction", "version", "uid"] {
        attributes.text_if(name, record.text(name).as_deref());
    }
    for name in [
        "cipher_alg",
        "kex_alg",
        "host_key_alg",
        "hassh",
        "hasshServer",
    ] {
        attributes.text_if(name, record.text(name).as_deref());
    }
    let key = record.first(&["host_key_fingerprint", "host_key"]);
    attributes.text_if("host_key", key.as_deref());
    let client = record.text("client").unwrap_or("?".into());
    event.message = Some(format!("ssh {} {client}", ends(&event)).into());
    event.attributes = attributes.finish().map(Into::into);
    sink.event(&event);
}
