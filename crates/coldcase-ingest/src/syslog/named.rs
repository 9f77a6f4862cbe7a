//! Wordings of BIND's named: categories queries, query-errors, security, rpz, update, xfer-in/out, lame-servers,
//! resolver (bin/named, lib/ns/client.c, lib/ns/query.c, lib/dns/resolver.c).

use coldcase_model::{action, canonical_ip};

use super::dns::{answered, asked, domain, is_class, query_type, question, response_code};
use super::row::Row;

/// Words that stand for a severity before the message (`print-severity yes`).
const SEVERITIES: [&str; 6] = ["critical", "error", "warning", "notice", "info", "debug"];

/// Fills the row from a message of named, with or without category and severity before it; `None` where
/// its wording is unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let message = without_category(message, row);
    if let Some(rest) = message.strip_prefix("client ") {
        return of_client(rest, row);
    }
    if let Some((what, rest)) = message.split_once(" resolving '") {
        return resolving(what, rest, row);
    }
    let name = message
        .strip_prefix("validating ")?
        .split([':', ' '])
        .next()?;
    slashed(name.trim_start_matches('@'), row)?;
    log(row);
    Some(())
}

/// Takes `queries: info: ` off.
pub fn without_category<'a>(message: &'a str, row: &mut Row<'a>) -> &'a str {
    let Some((word, rest)) = message.split_once(": ") else {
        return message;
    };
    if is_severity(word) {
        return rest;
    }
    let is_category = !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_');
    if !is_category {
        return message;
    }
    row.text("category", word);
    match rest.split_once(": ") {
        Some((word, after)) if is_severity(word) => after,
        _ => rest,
    }
}

fn is_severity(word: &str) -> bool {
    let mut parts = word.split(' ');
    let known = parts.next().is_some_and(|word| SEVERITIES.contains(&word));
    known && parts.all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn log(row: &mut Row<'_>) {
    row.set(action::LOG, None).text("program", "named");
}

/// `@0x7f6450002ef0 10.0.0.5#51234/key name (x.example): view internal: query: x.example IN A +E(0)K (10.0.0.2)`
fn of_client<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut rest = rest;
    if rest.starts_with('@') {
        rest = rest.split_once(' ')?.1;
    }
    let end = rest.find(": ")?;
    // The name that was asked stands in parentheses and may itself hold a colon and a blank.
    let (head, mut rest) = match rest.find(" (").filter(|open| *open < end) {
        Some(open) => {
            let (head, after) = rest.split_at_checked(open)?;
            (head, after.split_once("): ")?.1)
        }
        None => (rest.get(..end)?, rest.get(end + 2..)?),
    };
    let peer = head.split('/').next()?.split(' ').next()?;
    let (address, port) = peer.split_once('#').unwrap_or((peer, ""));
    asked(address, Some(port), row)?;
    if let Some((key, _)) = head
        .split_once("/key ")
        .map(|(_, key)| key.split_once(' ').unwrap_or((key, "")))
    {
        row.text("key", key);
    }
    if let Some((view, after)) = rest
        .strip_prefix("view ")
        .and_then(|rest| rest.split_once(": "))
    {
        row.text("view", view);
        rest = after;
    }
    said(rest, row)
}

fn said<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(query) = rest.strip_prefix("query: ") {
        return asks(query, row);
    }
    if let Some(response) = rest.strip_prefix("response: ") {
        return responds(response, row);
    }
    if let Some(failed) = rest.strip_prefix("query failed (") {
        let (code, after) = failed.split_once(") for ")?;
        let name = after.split_once(" at ").map_or(after, |(name, _)| name);
        slashed(name, row)?;
        row.event.response_code = response_code(code);
        if row.event.response_code.is_none() {
            row.text("error", code);
        }
        answered(row);
        return Some(());
    }
    if let Some(policy) = rest.strip_prefix("rpz ").or_else(|| {
        rest.strip_prefix("disabled rpz ")
            .or_else(|| rest.strip_prefix("(test) rpz "))
    }) {
        return rewritten(policy, row);
    }
    refused(rest, row)
}

/// `x.example IN A +E(0)K (10.0.0.2) [ECS 10.0.0.0/24/0]`; the name may hold blanks behind backslashes.
fn asks<'a>(query: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut words = query.split(' ');
    let name = words.next()?;
    let (class, qtype) = (words.next()?, words.next()?);
    question(name, qtype, class, row)?;
    while let Some(word) = words.next() {
        if word.starts_with(['+', '-']) {
            row.text("flags", word);
            let tcp = word.contains('T');
            row.event.protocol = Some(if tcp { "tcp" } else { "udp" });
        } else if let Some(server) = word
            .strip_prefix('(')
            .and_then(|word| word.strip_suffix(')'))
        {
            row.text("server_address", server);
        } else if word == "[ECS" {
            let subnet = words.next().unwrap_or_default();
            row.text("ecs", subnet.trim_end_matches(']'));
        }
    }
    Some(())
}

/// `x.example IN A NOERROR +E(0)K ...` of the category responses.
fn responds<'a>(response: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut words = response.split(' ');
    let name = words.next()?;
    let (class, qtype) = (words.next()?, words.next()?);
    question(name, qtype, class, row)?;
    row.event.response_code = words.next().and_then(response_code);
    answered(row);
    Some(())
}

/// `QNAME NXDOMAIN rewrite x.example/A/IN via x.example.rpz.local`
fn rewritten<'a>(policy: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (what, after) = policy.split_once(" rewrite ")?;
    let (name, rule) = after.split_once(" via ").unwrap_or((after, ""));
    slashed(name.split(' ').next()?, row)?;
    answered(row);
    row.text("policy", what).text("rule", rule);
    row.event.response_code = match what.rsplit(' ').next()? {
        "NXDOMAIN" => Some("NXDOMAIN".into()),
        "NODATA" => Some("NOERROR".into()),
        _ => None,
    };
    Some(())
}

/// `query (cache) 'x/A/IN' denied`, `zone transfer 'x/AXFR/IN' denied`, `bad zone transfer request: 'x/IN':
/// non-authoritative zone (NOTAUTH)`, `update 'x/IN' denied`, and what else names a question in quotes.
fn refused<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (what, after) = rest.split_once('\'')?;
    let (name, after) = after.split_once('\'')?;
    let what = what.trim_end_matches([':', ' ']);
    slashed(name, row)?;
    let after = after.trim_start_matches([':', ' ']);
    let is_question = what.starts_with("query") || what.contains("zone transfer");
    if is_question && (after.starts_with("denied") || what.starts_with("bad")) {
        if what.contains("zone transfer") && row.event.query_type.is_none() {
            row.event.query_type = Some("AXFR".into());
        }
        let code = after
            .rsplit_once('(')
            .and_then(|(_, code)| response_code(code.strip_suffix(')')?));
        row.event.response_code =
            code.or_else(|| after.starts_with("denied").then_some("REFUSED".into()));
    } else {
        log(row);
    }
    row.text("event", what).text("reason", after);
    Some(())
}

/// `x.example/A/IN`, `x.example/IN/A`, `x.example/IN`, `x.example/A`; the name itself may hold slashes.
fn slashed<'a>(text: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut name = text;
    for _ in 0..2 {
        let Some((before, word)) = name.rsplit_once('/') else {
            break;
        };
        if is_class(word) {
            if word != "IN" {
                row.text("class", word);
            }
        } else if let Some(kind) = query_type(word) {
            row.event.query_type = Some(kind);
        } else {
            break;
        }
        name = before;
    }
    row.event.domain = domain(name);
    (name.len() < text.len()).then_some(())
}

/// `network unreachable resolving 'x/A/IN': 192.0.2.1#53`, `lame server resolving 'x' (in 'y'?): 192.0.2.1#53`
fn resolving<'a>(what: &'a str, rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (name, after) = rest.split_once('\'')?;
    if slashed(name, row).is_none() {
        row.event.domain = domain(name);
    }
    if let Some((_, server)) = after.rsplit_once(": ") {
        let (address, port) = server.split_once('#').unwrap_or((server, ""));
        row.event.dst_ip = canonical_ip(address);
        row.event.dst_port = port.parse().ok();
    }
    log(row);
    row.event.response_code = what.split(['(', ')', ' ']).find_map(response_code);
    row.text("event", what);
    Some(())
}
