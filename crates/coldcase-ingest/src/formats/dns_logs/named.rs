//! The log of BIND's named: queries, refusals, failures, zone transfers, response policies.
//!
//! **Made by** `rndc querylog on`, or a `logging` clause with `category queries`, `query-errors`, `security`, `rpz`, `update`,
//! `xfer-out`, `lame-servers` to a file or to syslog.
//!
//! **Recognised** where at least two thirds of the lines are named's, by syslog's tag or by a stamp with `client ADDRESS#PORT` or a
//! category behind it, and some have a known wording.
//!
//! ```text
//! 11-Aug-2013 03:36:11.372 queries: info: client @0x7f64500 10.0.0.5#51234 (www.example.com): query: www.example.com IN A +E(0)K (10.0.0.2)
//! Aug 11 03:36:12 ns1 named[512]: client 10.0.0.5#51234: view internal: query (cache) 'www.example.com/A/IN' denied
//! ```
//!
//! **Events.** `query:` is one `dns-query` with `flags`, `server_address` (the address asked), `view`, `key`, `ecs`, `class` where
//! not IN; TCP by the flag T. A question that was `denied` (also a zone transfer) is a `dns-query` with response code REFUSED
//! where no `query:` line told of it before, else its `dns-answer`. `query failed (SERVFAIL)`, `response:` and `rpz ... rewrite`
//! (attributes `policy`, `rule`) are `dns-answer`. Notifies, updates, lame servers, validation errors and all else are `log`, with
//! domain, type and server where the line names them.
//!
//! **Times**: `print-time yes` is local time without a zone (that of the artifact is assumed), `iso8601` likewise, `iso8601-utc`
//! is UTC; syslog's stamps have no year. Without `print-time` there is none.
//!
//! **Limits.** named does not log what it answered (but for `responses` of 9.20 and later).
//!
//! Sources: BIND 9 ARM (logging), bin/named, lib/ns/client.c, lib/ns/query.c, lib/dns/resolver.c.

use super::head::{Server, bare, stamped};
use super::reader;
use crate::Format;
use crate::syslog::Header;

/// The format.
pub static FORMAT: Format = Format {
    id: "named",
    title: "BIND named query and security log",
    source: include_str!("named.rs"),
    yearless: true,
    sniff: |probe| reader::sniff(probe, &SERVER),
    ingest: |input, sink| reader::ingest(input, sink, &SERVER),
    join: None,
};

pub(super) static SERVER: Server = Server {
    names: &["named", "named-pkcs11"],
    own,
};

/// Categories of BIND 9, beside those with a hyphen of their own making (`update-security`).
const CATEGORIES: [&str; 26] = [
    "queries",
    "query-errors",
    "security",
    "rpz",
    "rpz-passthru",
    "update",
    "update-security",
    "client",
    "general",
    "default",
    "config",
    "database",
    "dnssec",
    "edns-disabled",
    "lame-servers",
    "network",
    "notify",
    "rate-limit",
    "resolver",
    "responses",
    "serve-stale",
    "xfer-in",
    "xfer-out",
    "zoneload",
    "delegation-only",
    "unmatched",
];

/// A line of a file channel: a stamp (or none), category, severity, message.
fn own(line: &str) -> Option<Header<'_>> {
    let (stamp, rest) = match stamped(line) {
        Some((stamp, rest)) => (Some(stamp), rest),
        None => (None, line),
    };
    let word = rest.split(' ').next()?;
    let is_category = word
        .strip_suffix(':')
        .is_some_and(|word| CATEGORIES.contains(&word));
    let is_severity = matches!(
        word,
        "critical:" | "error:" | "warning:" | "notice:" | "info:"
    );
    let is_client = rest
        .strip_prefix("client ")
        .is_some_and(|peer| peer.contains('#') && peer.contains(": "));
    let day_first =
        stamp.is_some() && matches!(line.as_bytes().get(1..3), Some([_, b'-'] | [b'-', _]));
    let known = is_client || is_category || day_first || (is_severity && stamp.is_some());
    known.then(|| bare(stamp, "named", rest))
}
