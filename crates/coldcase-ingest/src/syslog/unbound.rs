//! Wordings of unbound: log-queries, log-replies (with log-tag-queryreply, log-destaddr), log-local-actions, local zones
//! that inform, rpz-log, and validation failures (daemon/worker.c, util/data/msgreply.c, services/localzone.c, services/rpz.c).

use coldcase_model::action;

use super::dns::{answered, asked, domain, question, response_code, seconds_to_ns};
use super::row::Row;

/// Fills the row from a message of unbound, with its `[9405:0] ` and `info: ` or without; `None` where its wording is
/// unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let message = without_thread(message);
    let (level, rest) = message.split_once(": ")?;
    match level {
        "query" | "reply" | "info" => {}
        "notice" | "warning" | "error" | "debug" | "fatal error" => return None,
        _ => return None,
    }
    if let Some(failed) = rest.strip_prefix("validation failure <") {
        let (asked, reason) = failed.split_once('>')?;
        let mut words = asked.split(' ');
        question(words.next()?, words.next()?, words.next()?, row)?;
        row.set(action::LOG, None).text("program", "unbound");
        row.text("error", reason.trim_start_matches([':', ' ']));
        return Some(());
    }
    let mut words = rest.split_ascii_whitespace();
    if asked(words.next()?, None, row).is_none() {
        return policy(rest, row);
    }
    question(words.next()?, words.next()?, words.next()?, row)?;
    let Some(code) = words.next() else {
        return Some(());
    };
    row.event.response_code = Some(response_code(code).unwrap_or(code.into()));
    if let Some(time) = words.next().and_then(seconds_to_ns) {
        row.attributes.number("duration_ns", time);
    }
    if let Some(cached) = words.next() {
        row.attributes.flag("cached", cached == "1");
    }
    if let Some(size) = words.next().and_then(|size| size.parse::<u32>().ok()) {
        row.attributes.number("response_size", size);
    }
    if words.next() == Some("on") {
        row.event.protocol = match words.next() {
            Some("tcp" | "TCP") => Some("tcp"),
            Some("udp" | "UDP") => Some("udp"),
            _ => None,
        };
        row.text("upstream", words.next().unwrap_or_default());
    }
    Some(())
}

/// Takes `[9405:0] ` off, which stands before the level where syslog has no process of its own.
fn without_thread(message: &str) -> &str {
    let inside = message
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match inside {
        Some((thread, rest))
            if thread
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b':') =>
        {
            rest
        }
        _ => message,
    }
}

/// `example.com. always_nxdomain 10.0.0.5@40000 x.example.com. A IN`, `rpz: applied [name] x. nxdomain 10.0.0.5@40000
/// x. A IN`: what a local zone or a response policy did with a question that has a line of its own.
fn policy<'a>(rest: &'a str, row: &mut Row<'a>) -> Option<()> {
    let mut words = rest.rsplitn(5, ' ');
    let (class, qtype, name) = (words.next()?, words.next()?, words.next()?);
    let (address, port) = words.next()?.split_once('@')?;
    let what = words.next()?;
    asked(address, Some(port), row)?;
    question(name, qtype, class, row)?;
    answered(row);
    let action = what.rsplit(' ').next().unwrap_or(what);
    row.event.response_code = match action.trim_start_matches("always_") {
        "nxdomain" => Some("NXDOMAIN".into()),
        "refuse" => Some("REFUSED".into()),
        "nodata" | "redirect" | "transparent" | "null" => Some("NOERROR".into()),
        _ => None,
    };
    let (zone, rule) = match what.strip_prefix("rpz: applied ") {
        Some(rule) => ("rpz", rule),
        None => ("local-zone", what),
    };
    row.text("policy", zone).text("rule", rule);
    if row.event.domain.is_none() {
        row.event.domain = domain(name);
    }
    Some(())
}
