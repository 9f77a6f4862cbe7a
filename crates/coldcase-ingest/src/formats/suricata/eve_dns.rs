//! Rows of EVE's DNS events, versions 1 to 3.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, action, canonical_domain};
use serde_json::Value;

use super::eve::{Record, ends};
use crate::json::{get, number, text};
use crate::syslog::{query_type, response_code};

/// Most answers and questions kept of a message.
const MOST: usize = 16;

/// One message: a row for each of its questions (there is one but in version 3's odd cases).
pub(super) fn emit(record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let value = record.value;
    let Some(dns) = value.get("dns").filter(|dns| dns.is_object()) else {
        return super::eve_other::other(record, sink);
    };
    // Version 1 of Suricata 3 and 4 may hold both in one event.
    let parts: Vec<&Value> = match (dns.get("query"), dns.get("answer")) {
        (None, None) => vec![dns],
        (query, answer) => {
            let queries = query.and_then(Value::as_array).into_iter().flatten();
            queries.chain(answer).take(MOST).collect()
        }
    };
    for part in parts {
        message(part, record, sink);
    }
}

fn message(dns: &Value, record: &mut Record<'_, '_, '_>, sink: &mut dyn Sink) {
    let is_answer = matches!(text(dns, &["type"]), Some("answer" | "response"));
    let action = match is_answer {
        true => action::DNS_ANSWER,
        false => action::DNS_QUERY,
    };
    let mut event = record.base(action);
    if is_answer {
        from_resolver(&mut event);
    }
    event.response_code =
        text(dns, &["rcode"]).map(|code| response_code(code).unwrap_or(Cow::Borrowed(code)));
    let mut attributes = Attributes::new();
    attributes.number_if("id", number(dns, &["id"]));
    attributes.number_if("flow_id", number(record.value, &["flow_id"]));
    attributes.text_if("flags", text(dns, &["flags"]));
    if is_answer {
        let answers = answers(dns);
        if !answers.is_empty() {
            attributes.objects("answers", answers);
        }
    }
    event.attributes = attributes.finish().map(Into::into);
    let questions = get(dns, &["queries"]).and_then(Value::as_array);
    match questions.filter(|list| !list.is_empty()) {
        Some(list) => {
            for question in list.iter().take(MOST) {
                row(event.clone(), question, sink);
            }
        }
        None => row(event, dns, sink),
    }
}

fn row<'a>(mut event: Event<'a>, question: &'a Value, sink: &mut dyn Sink) {
    event.domain = text(question, &["rrname"]).map(canonical_domain);
    event.query_type =
        text(question, &["rrtype"]).map(|name| query_type(name).unwrap_or(Cow::Borrowed(name)));
    let code = event.response_code.as_deref().unwrap_or_default();
    let kind = event.query_type.as_deref().unwrap_or("?");
    let domain = event.domain.as_deref().unwrap_or("?");
    let message = format!("{} {kind} {domain} {code}", ends(&event));
    event.message = Some(message.trim_end().to_owned().into());
    sink.event(&event);
}

/// Turns the row so that the resolver is its source.
fn from_resolver(event: &mut Event<'_>) {
    let is_dns = |port: Option<u16>| matches!(port, Some(53 | 5353 | 5355 | 853));
    if is_dns(event.src_port) && !is_dns(event.dst_port) {
        return;
    }
    std::mem::swap(&mut event.src_ip, &mut event.dst_ip);
    std::mem::swap(&mut event.src_port, &mut event.dst_port);
}

/// `answers` of versions 2 and 3, `grouped` where only that was configured, and version 1's single answer.
fn answers(dns: &Value) -> Vec<Attributes> {
    if let Some(list) = get(dns, &["answers"]).and_then(Value::as_array) {
        return list.iter().take(MOST).filter_map(answer).collect();
    }
    if let Some(groups) = get(dns, &["grouped"]).and_then(Value::as_object) {
        let all = groups.iter().flat_map(|(kind, list)| {
            let list = list.as_array().into_iter().flatten();
            list.map(move |data| (kind.as_str(), data))
        });
        let made = all.take(MOST).map(|(kind, data)| {
            let mut answer = Attributes::new();
            answer.text("type", kind).text("data", &shown(data));
            answer
        });
        return made.collect();
    }
    match dns.get("rdata") {
        Some(_) => answer(dns).into_iter().collect(),
        None => Vec::new(),
    }
}

fn answer(record: &Value) -> Option<Attributes> {
    let mut answer = Attributes::new();
    let name = text(record, &["rrname"]).map(canonical_domain);
    answer
        .text_if("name", name.as_deref())
        .text_if("type", text(record, &["rrtype"]));
    let data = record.get("rdata").or_else(|| {
        let kind = text(record, &["rrtype"])?;
        record.get(kind.to_ascii_lowercase())
    });
    if let Some(data) = data {
        answer.text("data", &shown(data));
    }
    answer.number_if("ttl", number(record, &["ttl"]));
    Some(answer)
}

fn shown(data: &Value) -> Cow<'_, str> {
    match data {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
