//! The row of a request.

use std::borrow::Cow;

use coldcase_model::{
    Attributes, Event, Precision, Timestamp, When, action, canonical_ip, outcome,
};

use super::entry::{Entry, Text};
use super::request;
use crate::Clock;

/// Longest address shown.
const MAX_URI: usize = 4 << 10;
/// Most groups and addresses shown.
const MOST: usize = 32;

/// The row of an event.
pub fn event<'e>(entry: &'e Entry<'_>, line: u64, clock: &Clock) -> Event<'e> {
    let object = &entry.object;
    let uri = entry.uri.known().unwrap_or_default();
    let resource = object.resource.known();
    let subresource = object.subresource.known();
    let mutates = matches!(entry.verb.known(), Some("create" | "update" | "patch"));
    let raw = entry.request.filter(|_| mutates);
    let body = resource.and_then(|name| request::body(name, subresource, raw));
    let mut name = object.name.known().map(Cow::Borrowed);
    if name.is_none() && entry.verb.known() == Some("create") && body.is_some() {
        let given = request::name(entry.request).or_else(|| request::name(entry.response));
        name = given.map(Cow::Owned);
    }
    let mut event = Event::new(action::API_REQUEST);
    event.when = entry.received().and_then(|text| when(text, clock));
    let end = entry.staged.known().and_then(|text| when(text, clock));
    let completed = matches!(entry.stage.known(), Some("ResponseComplete" | "Panic"));
    event.ts_end = match (event.when, end) {
        (Some(start), Some(end)) if completed && end.ts >= start.ts => Some(end.ts),
        _ => None,
    };
    event.outcome = entry.status.code.and_then(|code| match code {
        100..=399 => Some(outcome::SUCCESS),
        400.. => Some(outcome::FAILURE),
        _ => None,
    });
    event.user = entry.user.username.known().map(Cow::Borrowed);
    event.src_ip = entry.source_ips.first().and_then(|ip| canonical_ip(&ip.0));
    event.namespace = object.namespace.known().map(Cow::Borrowed);
    if resource == Some("pods") {
        event.pod = name.clone();
    }
    if matches!(
        subresource,
        Some("exec" | "attach" | "portforward" | "proxy" | "log")
    ) {
        event.command = command(uri, subresource).map(Cow::Owned);
        event.container = request::parameters(uri, "container").next();
    }
    if let Some(image) = body.as_ref().and_then(request::image) {
        event.image = Some(Cow::Owned(image.to_owned()));
    }
    event.message = Some(message(entry, name.as_deref(), event.command.as_deref()).into());
    event.line = Some(line);
    let summary = body.as_ref().and_then(request::summary);
    event.attributes = attributes(entry, name.as_deref(), summary).map(Cow::Owned);
    event
}

fn attributes(
    entry: &Entry<'_>,
    name: Option<&str>,
    summary: Option<serde_json::Value>,
) -> Option<String> {
    let object = &entry.object;
    let uri = entry.uri.known();
    let uri = uri.and_then(|uri| uri.get(..uri.floor_char_boundary(MAX_URI)));
    let mut attributes = Attributes::with_capacity(512);
    attributes
        .text_if("verb", entry.verb.known())
        .text_if("resource", object.resource.known())
        .text_if("subresource", object.subresource.known())
        .text_if("api_group", object.api_group.known())
        .text_if("name", name)
        .text_if("uri", uri)
        .number_if("status_code", entry.status.code)
        .text_if("reason", entry.status.reason.known())
        .text_if("user_agent", entry.user_agent.known());
    let list = |texts: &[Text<'_>]| -> Vec<String> {
        let texts = texts.iter().filter_map(Text::known).take(MOST);
        texts.map(str::to_owned).collect()
    };
    if let Some(groups) = &entry.user.groups {
        attributes.texts("groups", list(groups));
    }
    let impersonated = entry.impersonated.as_ref();
    attributes.text_if(
        "impersonated",
        impersonated.and_then(|who| who.username.known()),
    );
    if entry.source_ips.len() > 1 {
        attributes.texts("source_ips", list(&entry.source_ips));
    }
    attributes
        .text_if("stage", entry.stage.known())
        .text_if("audit_id", entry.audit_id.known())
        .text_if("decision", entry.annotations.decision.known());
    if let Some(summary) = summary {
        attributes.value("request", &summary);
    }
    attributes.finish()
}

/// What an exec asked to run, also one that a node's own interface was asked for through the proxy.
fn command(uri: &str, subresource: Option<&str>) -> Option<String> {
    let name = match subresource {
        Some("exec") => "command",
        Some("proxy") => match uri.contains("/run/") {
            true => "cmd",
            false => "command",
        },
        _ => return None,
    };
    let words: Vec<_> = request::parameters(uri, name).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn message(entry: &Entry<'_>, name: Option<&str>, command: Option<&str>) -> String {
    let object = &entry.object;
    let mut message = entry.user.username.known().unwrap_or("?").to_owned();
    if let Some(who) = entry
        .impersonated
        .as_ref()
        .and_then(|who| who.username.known())
    {
        message.push_str(&format!(" as {who}"));
    }
    message.push_str(&format!(" {}", entry.verb.known().unwrap_or("asks")));
    match object.resource.known() {
        Some(resource) => {
            message.push_str(&format!(" {resource}"));
            if let Some(subresource) = object.subresource.known() {
                message.push_str(&format!("/{subresource}"));
            }
            match (object.namespace.known(), name) {
                (Some(namespace), Some(name)) => message.push_str(&format!(" {namespace}/{name}")),
                (Some(one), None) | (None, Some(one)) => message.push_str(&format!(" {one}")),
                (None, None) => {}
            }
        }
        None => {
            let uri = entry.uri.known().unwrap_or("?");
            let end = uri.floor_char_boundary(200);
            message.push_str(&format!(" {}", uri.get(..end).unwrap_or_default()));
        }
    }
    if let Some(command) = command {
        let end = command.floor_char_boundary(200);
        message.push_str(&format!(": {}", command.get(..end).unwrap_or_default()));
    }
    if let Some(code) = entry.status.code {
        message.push_str(&format!(" ({code})"));
    }
    message
}

fn when(text: &str, clock: &Clock) -> Option<When> {
    let ts = Timestamp::parse_rfc3339(text)?;
    let digits = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some(clock.recorded(ts, Precision::of_fraction_digits(digits)))
}
