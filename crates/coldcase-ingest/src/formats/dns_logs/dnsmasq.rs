//! The log of dnsmasq (and of Pi-hole, `pihole.log`): what clients asked, what they were told, which addresses DHCP gave.
//!
//! **Made by** `dnsmasq --log-queries` or `log-queries=extra` (with `log-facility=/var/log/dnsmasq.log`, syslog, or `-` for
//! standard error), `log-dhcp`.
//!
//! **Recognised** where at least two thirds of the lines are dnsmasq's by their tag and some have a known wording. Single lines
//! in a mixed syslog are read there alike.
//!
//! ```text
//! May 10 09:02:03 dnsmasq[512]: query[A] www.example.com from 10.0.0.5
//! May 10 09:02:03 dnsmasq[512]: forwarded www.example.com to 8.8.8.8
//! May 10 09:02:03 dnsmasq[512]: 7 10.0.0.5/51234 reply www.example.com is 93.184.216.34
//! May 10 09:02:04 dnsmasq-dhcp[512]: DHCPACK(br0) 10.0.0.5 52:54:00:12:34:56 build-07
//! ```
//!
//! **Events.** `query[..]` is one `dns-query` of its client (with port and `serial` from `extra`). `reply`, `cached`, `config`,
//! a hosts file, `DHCP` and Pi-hole's `gravity blocked` and the like are each a `dns-answer` (attribute `source`, one answer a
//! line; NXDOMAIN and the like as response code, NODATA as NOERROR without answers); whom it answers is known from `extra` alone.
//! `forwarded` and dnsmasq's own DNSSEC questions are `log` rows with domain and server, so that a question counts once.
//! `DHCPACK` and `DHCPREPLY` are `network-listed` at their time: address, `mac` (or `client_id`), `name`, `interface`; other DHCP
//! lines and all else are `log`.
//!
//! **Times** are syslog's: mostly without year and zone, see `authlog`. Lines of standard error have none.
//!
//! **Limits.** The type of a question whose answer is a name (`<CNAME>`) is not in the answer's line. Repeats that rsyslog
//! folded stand as one row with `repeat`.
//!
//! Sources: dnsmasq(8), dnsmasq's `src/cache.c` (log_query), `src/rfc2131.c`, `src/rfc3315.c`; Pi-hole FTL's dnsmasq.

use super::head::Server;
use super::reader;
use crate::Format;

/// The format.
pub static FORMAT: Format = Format {
    id: "dnsmasq",
    title: "dnsmasq query and DHCP log",
    source: include_str!("dnsmasq.rs"),
    yearless: true,
    sniff: |probe| reader::sniff(probe, &SERVER),
    ingest: |input, sink| reader::ingest(input, sink, &SERVER),
    join: None,
};

pub(super) static SERVER: Server = Server {
    names: &[
        "dnsmasq",
        "dnsmasq-dhcp",
        "dnsmasq-tftp",
        "dnsmasq-script",
        "pihole-FTL",
    ],
    own: |_| None,
};
