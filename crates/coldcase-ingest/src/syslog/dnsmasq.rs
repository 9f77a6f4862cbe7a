//! Wordings of dnsmasq (`log-queries`, `log-queries=extra`, `log-dhcp`) and of Pi-hole's FTL, which writes the same.

use coldcase_model::{action, canonical_ip};

use super::dns::{answer, answered, asked, domain, query_type, response_code};
use super::row::Row;

/// Where an answer is from, as the line's first words say.
const SOURCES: [&str; 20] = [
    "reply",
    "cached",
    "cached-stale",
    "config",
    "DHCP",
    "auth",
    "hosts",
    "gravity blocked",
    "exactly blacklisted",
    "exactly denied",
    "regex blacklisted",
    "regex denied",
    "blacklisted",
    "external blocked",
    "special domain",
    "Pi-hole hostname",
    "mozilla canary domain",
    "Mozilla canary domain",
    "Apple iCloud Private Relay domain",
    "query blacklisted",
];

/// Messages of DHCP that dnsmasq logs; of these an address is given out by the first two.
const DHCP: [&str; 16] = [
    "DHCPACK",
    "DHCPREPLY",
    "DHCPOFFER",
    "DHCPREQUEST",
    "DHCPDISCOVER",
    "DHCPRELEASE",
    "DHCPNAK",
    "DHCPDECLINE",
    "DHCPINFORM",
    "DHCPSOLICIT",
    "DHCPADVERTISE",
    "DHCPRENEW",
    "DHCPREBIND",
    "DHCPCONFIRM",
    "BOOTP",
    "RTR-ADVERT",
];

/// Fills the row from a message of dnsmasq; `None` where its wording is unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let rest = prefix(message, row);
    if let Some(()) = dhcp(rest, row) {
        return Some(());
    }
    let (verb, after) = rest.split_once(' ')?;
    if let Some((word, qtype)) = verb.strip_suffix(']').and_then(|verb| verb.split_once('[')) {
        return question(word, qtype, after, row);
    }
    if verb == "forwarded" {
        return sent(after, row);
    }
    told(rest, row)
}

/// Takes `UDP 6 10.0.0.5/51234 ` of `log-queries=extra` and `=proto` off.
fn prefix<'a>(message: &'a str, row: &mut Row<'a>) -> &'a str {
    let mut rest = message;
    for (word, protocol) in [("UDP ", "udp"), ("TCP ", "tcp")] {
        if let Some(after) = rest.strip_prefix(word) {
            row.event.protocol = Some(protocol);
            rest = after;
        }
    }
    if let Some((serial, after)) = rest.split_once(' ')
        && (serial == "*" || serial.bytes().all(|byte| byte.is_ascii_digit()))
        && !serial.is_empty()
    {
        rest = after;
        if let Ok(serial) = serial.parse::<u32>() {
            row.attributes.number("serial", serial);
        }
        if let Some((client, after)) = rest.split_once(' ')
            && let Some((address, port)) = client.rsplit_once('/')
            && let Some(address) = canonical_ip(address)
        {
            row.event.src_ip = Some(address);
            row.event.src_port = port.parse().ok();
            rest = after;
        }
    }
    rest
}

/// `query[A] x from 10.0.0.5`, `auth[A] x from 10.0.0.5`, `dnssec-query[DS] x to 8.8.8.8`.
fn question<'a>(word: &str, qtype: &'a str, after: &'a str, row: &mut Row<'a>) -> Option<()> {
    if word.starts_with("dnssec-") {
        row.event.query_type = query_type(qtype);
        return sent(after, row);
    }
    if !matches!(word, "query" | "auth" | "query-other") {
        return None;
    }
    let (name, client) = after.rsplit_once(" from ")?;
    let port = row.event.src_port.take();
    // A type without a name here is kept as written.
    row.event.query_type = query_type(qtype).or(Some(qtype.into()));
    row.event.domain = domain(name.trim());
    asked(client.split(' ').next()?, None, row)?;
    row.event.src_port = port;
    Some(())
}

/// `x to 8.8.8.8`: what dnsmasq itself asks; a `log` row, so that a client's question counts once.
fn sent<'a>(after: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (name, server) = after.rsplit_once(" to ")?;
    let server = server.split(' ').next()?;
    let (address, port) = server.split_once('#').unwrap_or((server, ""));
    row.event.dst_ip = Some(canonical_ip(address)?);
    row.event.dst_port = port.parse().ok();
    row.event.domain = domain(name);
    row.set(action::LOG, None).text("program", "dnsmasq");
    row.text("event", "forwarded");
    Some(())
}

/// `reply x is 1.2.3.4`, `/etc/hosts x is fe80::1`, `config x is NXDOMAIN`, `reply error is SERVFAIL`.
fn told<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (left, value) = rest.split_once(" is ")?;
    let (source, name) = left.rsplit_once(' ')?;
    if matches!(source, "validation" | "abandoned") {
        row.set(action::LOG, None).text("program", "dnsmasq");
        row.event.domain = domain(name).filter(|_| name != "result");
        row.text("validation", value);
        return Some(());
    }
    if !SOURCES.contains(&source) && !source.starts_with('/') {
        return None;
    }
    answered(row);
    row.text("source", source);
    let named = canonical_ip(name).is_none() && name != "error";
    row.event.domain = domain(name).filter(|_| named);
    let word = value.split(' ').next().unwrap_or(value);
    let mut kind = None;
    if let Some(address) = canonical_ip(word) {
        kind = Some(if address.contains(':') { "AAAA" } else { "A" });
        row.event.query_type = kind.map(Into::into);
    } else if let Some(code) = response_code(word) {
        row.event.response_code = Some(code);
        return Some(());
    } else if let Some(family) = word.strip_prefix("NODATA") {
        row.event.query_type = match family {
            "-IPv4" => Some("A".into()),
            "-IPv6" => Some("AAAA".into()),
            _ => None,
        };
        row.event.response_code = Some("NOERROR".into());
        return Some(());
    } else if matches!(word, "truncated" | "duplicate" | "blocked" | "BOGUS") {
        row.text("result", value);
        return Some(());
    } else if let Some(inside) = value.strip_prefix('<').and_then(|v| v.strip_suffix('>')) {
        let record = answer(name, Some(inside), None);
        row.event.response_code = Some("NOERROR".into());
        row.attributes.objects("answers", [record]);
        return Some(());
    } else if !named {
        kind = Some("PTR");
        row.event.query_type = Some("PTR".into());
    }
    row.event.response_code = Some("NOERROR".into());
    let data = if kind.is_some() { word } else { value };
    row.attributes
        .objects("answers", [answer(name, kind, Some(data))]);
    Some(())
}

/// `DHCPACK(eth0) 10.0.0.5 aa:bb:cc:dd:ee:ff name`, with a transaction's number before it.
fn dhcp<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (word, after) = rest.split_once('(')?;
    let known = DHCP.iter().find(|known| **known == word)?;
    let (interface, after) = after.split_once(')')?;
    let mut words = after.split_ascii_whitespace().peekable();
    let given = matches!(*known, "DHCPACK" | "DHCPREPLY");
    if let Some(address) = words.peek().and_then(|word| canonical_ip(word)) {
        row.event.src_ip = Some(address);
        words.next();
    }
    let given = given && row.event.src_ip.is_some();
    row.set(
        if given {
            action::NETWORK_LISTED
        } else {
            action::LOG
        },
        None,
    );
    row.text("program", "dnsmasq-dhcp").text("event", known);
    row.text("interface", interface);
    if let Some(id) = words.next() {
        let key = if is_mac(id) { "mac" } else { "client_id" };
        row.text(key, id);
    }
    if let Some(name) = words.next() {
        row.text("name", name);
    }
    Some(())
}

fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text
            .split(':')
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
