//! The log of systemd-resolved.
//!
//! **Made by** `journalctl -u systemd-resolved` or syslog; its questions only at the level debug (`resolvectl log-level debug`).
//!
//! **Recognised** where at least two thirds of the lines are systemd-resolved's and some have a known wording.
//!
//! ```text
//! May 10 09:02:03 h systemd-resolved[612]: Looking up RR for www.example.com IN A.
//! May 10 09:02:03 h systemd-resolved[612]: Transaction 4711 for <www.example.com IN A> on scope dns on eth0/* now complete with <success> from network (unsigned).
//! May 10 09:02:09 h systemd-resolved[612]: Using degraded feature set UDP instead of UDP+EDNS0 for DNS server 8.8.8.8.
//! ```
//!
//! **Events.** `Looking up RR` is a `dns-query`, a transaction that is complete and a hit of the cache a `dns-answer` (`id`,
//! `scope`, `result`, `source`). What concerns a server or a failed validation is `log` with `dst_ip` or domain and type, all else `log`.
//!
//! **Times** are syslog's, see `authlog`.
//!
//! **Limits.** Who asked is not in these lines: a process of this host, mostly through 127.0.0.53.
//!
//! Sources: systemd-resolved.service(8), systemd's src/resolve.

use super::head::Server;
use super::reader;
use crate::Format;

/// The format.
pub static FORMAT: Format = Format {
    id: "systemd-resolved",
    title: "systemd-resolved log",
    source: include_str!("resolved.rs"),
    yearless: true,
    sniff: |probe| reader::sniff(probe, &SERVER),
    ingest: |input, sink| reader::ingest(input, sink, &SERVER),
    join: None,
};

pub(super) static SERVER: Server = Server {
    names: &["systemd-resolved"],
    own: |_| None,
};
