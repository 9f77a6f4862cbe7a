//! Wordings of systemd-resolved, most of them of its debug level (src/resolve/resolved-dns-query.c,
//! resolved-dns-transaction.c, resolved-dns-cache.c, resolved-dns-server.c). Who asked is not in them.

use coldcase_model::{action, canonical_ip};

use super::dns::{answered, question, response_code};
use super::row::Row;

/// What stands before a question that the cache answers, and how it answers.
const CACHE: [(&str, Option<&str>); 4] = [
    ("Positive cache hit for ", Some("NOERROR")),
    ("NODATA cache hit for ", Some("NOERROR")),
    ("NXDOMAIN cache hit for ", Some("NXDOMAIN")),
    ("Stale cache hit for ", None),
];

/// What stands before the server that a line is about.
const SERVERS: [&str; 7] = [
    " for DNS server ",
    "Switching to DNS server ",
    "Switching to fallback DNS server ",
    "Switching to system DNS server ",
    "DNS server ",
    "Server ",
    " with server ",
];

/// Fills the row from a message of systemd-resolved; `None` where its wording is unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(asked) = message.strip_prefix("Looking up RR for ") {
        asks(asked, row)?;
        row.set(action::DNS_QUERY, None);
        return Some(());
    }
    for (prefix, code) in CACHE {
        if let Some(asked) = message.strip_prefix(prefix) {
            asks(asked, row)?;
            answered(row);
            row.event.response_code = code.map(Into::into);
            row.text("source", "cache");
            return Some(());
        }
    }
    if message.contains("ransaction ") && message.contains(" now complete with <") {
        return complete(message, row);
    }
    if let Some((_, after)) = message.split_once("DNSSEC validation failed for question ") {
        let (asked, reason) = after.split_once(": ").unwrap_or((after, ""));
        asks(asked, row)?;
        log(row).text("error", reason);
        return Some(());
    }
    about_server(message, row)
}

fn log<'r, 'a>(row: &'r mut Row<'a>) -> &'r mut Row<'a> {
    row.set(action::LOG, None)
        .text("program", "systemd-resolved")
}

/// `x.example IN A`, with a final dot of the sentence.
fn asks<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut words = text.split_ascii_whitespace();
    let (name, class, qtype) = (words.next()?, words.next()?, words.next()?);
    question(name, qtype.trim_end_matches(['.', ',', '>']), class, row)
}

/// `Transaction 12345 for <x.example IN A> on scope dns on eth0/* now complete with <success> from network (unsigned).`
fn complete<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (head, rest) = message.split_once(" for <")?;
    let (asked, rest) = rest.split_once('>')?;
    asks(asked, row)?;
    answered(row);
    if let Some(id) = head
        .rsplit(' ')
        .next()
        .and_then(|id| id.parse::<u16>().ok())
    {
        row.attributes.number("id", id);
    }
    let (scope, rest) = rest.split_once(" now complete with <")?;
    let (result, source) = rest.split_once('>')?;
    let scope = scope
        .trim_start_matches(" on scope ")
        .trim_start_matches(" scope ");
    row.text("scope", scope).text("result", result);
    row.event.response_code = match result {
        "success" => Some("NOERROR".into()),
        other => response_code(other),
    };
    let source = source.trim_start_matches(" from ").trim_end_matches('.');
    row.text("source", source);
    Some(())
}

/// `Using degraded feature set UDP instead of TCP for DNS server 192.0.2.1.`, `Server returned error NXDOMAIN, ...`
fn about_server<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(after) = message.strip_prefix("Server returned error ") {
        let code = after.split([',', ' ', '.']).next()?;
        row.event.response_code = Some(response_code(code)?);
        log(row);
        return Some(());
    }
    let after = SERVERS
        .iter()
        .find_map(|prefix| message.split_once(prefix).map(|(_, after)| after))?;
    let server = after.split(' ').next()?.trim_end_matches(['.', ',']);
    let address = server.split(['#', '%']).next()?;
    row.event.dst_ip = Some(canonical_ip(address)?);
    log(row);
    if let Some((_, level)) = message.split_once("feature set ") {
        let level = level
            .split_once(" for DNS server")
            .map_or(level, |(level, _)| level);
        row.text("feature_set", level);
    }
    Some(())
}
