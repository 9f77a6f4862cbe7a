//! The log of unbound: who asked what, and how it was answered.
//!
//! **Made by** `log-queries: yes`, `log-replies: yes` in unbound.conf (with `log-tag-queryreply`, `log-time-ascii`,
//! `log-time-iso`, `log-destaddr`, `log-local-actions`, `rpz-log`), to `logfile:` or syslog.
//!
//! **Recognised** where at least two thirds of the lines are unbound's, by syslog's tag or by `unbound[PID:THREAD]` behind a stamp, and
//! some have a known wording.
//!
//! ```text
//! [1618000000] unbound[123:0] info: 10.0.0.5 www.example.com. A IN
//! [1618000000] unbound[123:0] info: 10.0.0.5 www.example.com. A IN NOERROR 0.012345 0 49
//! ```
//!
//! **Events.** A question is a `dns-query`. A reply (`duration_ns`, `cached`, `response_size`) is the `dns-answer` of a question that
//! stands before it; where the log has replies alone, each is one `dns-query` with its response code. Actions of local zones and
//! response policies are `dns-answer` with `policy` and `rule`. Validation failures are `log` rows with domain and type, all else `log`.
//!
//! **Times**: `[EPOCH]` is exact; `log-time-ascii` and syslog have neither year nor zone; `log-time-iso` has both.
//!
//! **Limits.** In a mixed syslog, which has other readers, a reply beside its question counts as a question too. The port of a
//! client is in lines of local zones alone.
//!
//! Sources: unbound.conf(5), unbound's util/log.c, util/data/msgreply.c, daemon/worker.c, services/localzone.c.

use super::head::{Server, bare, epoch, stamped};
use super::reader;
use crate::Format;
use crate::syslog::Header;

/// The format.
pub static FORMAT: Format = Format {
    id: "unbound",
    title: "unbound query and reply log",
    source: include_str!("unbound.rs"),
    yearless: true,
    sniff: |probe| reader::sniff(probe, &SERVER),
    ingest: |input, sink| reader::ingest(input, sink, &SERVER),
    join: None,
};

pub(super) static SERVER: Server = Server {
    names: &["unbound"],
    own,
};

/// A line of unbound's own file: a stamp, then `unbound[PID:THREAD] LEVEL: `.
fn own(line: &str) -> Option<Header<'_>> {
    let (stamp, rest) = match epoch(line).or_else(|| stamped(line)) {
        Some((stamp, rest)) => (Some(stamp), rest),
        None => (None, line),
    };
    let inside = rest.strip_prefix("unbound[")?;
    let (process, message) = inside.split_once("] ")?;
    let (pid, thread) = process.split_once(':')?;
    if !thread.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(Header {
        pid: Some(pid.parse().ok()?),
        message,
        ..bare(stamp, "unbound", rest)
    })
}
