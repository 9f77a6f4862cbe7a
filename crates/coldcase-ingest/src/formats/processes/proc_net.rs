//! # proc-net: the kernel's tables of sockets
//!
//! Copies of `/proc/net/tcp`, `tcp6`, `udp`, `udp6`, `udplite`, `raw`, `icmp`, `unix` and `packet` (`cat /proc/net/tcp`), also several in one
//! file with headings (`==> /proc/net/tcp <==`), and those of one process (`/proc/PID/net/tcp`: the sockets of its network namespace).
//!
//! **Recognised** by the kernel's header lines and rows of its shape below.
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//!    0: 00000000:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 34000 1 0000000000000000 100 0 0 10 0
//! ```
//!
//! **Rows.** `socket-listed` at the moment of collection, with `state` in the words of ss, `user` (the number), `inode` and
//! queues; `listen` for what listens. Processes are not in these tables: lsof, or /proc/PID/fd, name them by the inode. A
//! unix socket gives `unix_path` (`@` begins an abstract one).
//!
//! **Limits.** Addresses are in the byte order of the host: read as little-endian (x86, ARM). The tables of udp and raw have the same header:
//! which it is, is told by a heading or the file's name, else by the row number, which is the protocol in `raw`.
//!
//! Sources: proc(5), Linux `net/ipv4/tcp_ipv4.c`, `udp.c`, `raw.c`, `net/unix/af_unix.c`, `net/packet/af_packet.c`.

use std::net::{Ipv4Addr, Ipv6Addr};

use coldcase_model::{Place, Sink, canonical_ip};

use super::shown::{cleaned, is_command_line};
use super::socket::{End, Socket};
use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "proc-net",
    title: "the kernel's tables of sockets: /proc/net/tcp, udp, raw, unix",
    source: include_str!("proc_net.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// tcp: no other family of tables has its header.
    Tcp,
    /// udp or raw: their headers are the same.
    Datagram,
    Unix,
    Packet,
}

fn header(line: &str) -> Option<Table> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let has = |name: &str| line.split_whitespace().any(|word| word == name);
    match first {
        "sl" if has("local_address") && has("st") => Some(match has("drops") {
            true => Table::Datagram,
            false => Table::Tcp,
        }),
        "Num" if has("RefCount") && has("Inode") && has("Path") => Some(Table::Unix),
        "sk" if has("RefCnt") && has("Iface") => Some(Table::Packet),
        _ => None,
    }
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let lines = probe.lines().filter(|line| !line.trim_ascii().is_empty());
    let mut lines = lines.map(cleaned).take(20);
    while let Some(line) = lines.next() {
        let Some(table) = header(&line) else {
            continue;
        };
        let fits = match lines.next() {
            Some(row) => {
                socket(table, &row, None).is_some()
                    || header(&row).is_some()
                    || name_of(&row).is_some()
            }
            None => probe.complete,
        };
        return if fits { Sniff::Sure } else { Sniff::No };
    }
    Sniff::No
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut table = None;
    let file = input.path.rsplit('/').next().unwrap_or_default();
    let mut named = protocol_of(file);
    while let Some(line) = lines.next_line()? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let place = Place::Line(line.number);
        if let Some(found) = header(&text) {
            table = Some(found);
            sink.used(1);
            continue;
        }
        if let Some(name) = name_of(&text) {
            named = protocol_of(name);
            sink.skip(place, "a heading");
            continue;
        }
        match table.and_then(|table| socket(table, &text, named)) {
            Some(mut socket) => {
                socket.line = line.number;
                socket.emit(input.clock, sink);
                sink.used(1);
            }
            None if is_command_line(&text, &["cat"]) => sink.skip(place, "a command line"),
            None if !line.ended => sink.skip(place, "a cut row"),
            None => sink.skip(place, "not a row of the table"),
        }
    }
    Ok(None)
}

/// The table that a heading or command names: `==> /proc/net/raw <==`, `# cat /proc/net/tcp`.
fn name_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("/net/")?;
    let before = line.split_once("/proc/").map(|(before, _)| before)?;
    let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let name = rest.get(..end.unwrap_or(rest.len()))?;
    (before.len() < 80 && protocol_of(name).is_some()).then_some(name)
}

fn protocol_of(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    ["udplite", "tcp", "udp", "raw", "icmp", "unix", "packet"]
        .into_iter()
        .find(|known| {
            name.split(|sign: char| !sign.is_ascii_alphabetic())
                .any(|part| part == *known)
        })
}

fn socket<'a>(table: Table, line: &'a str, named: Option<&'static str>) -> Option<Socket<'a>> {
    match table {
        Table::Unix => unix(line),
        Table::Packet => packet(line),
        Table::Tcp | Table::Datagram => internet(table, line, named),
    }
}

fn internet<'a>(table: Table, line: &'a str, named: Option<&'static str>) -> Option<Socket<'a>> {
    let mut words = line.split_whitespace();
    let number: u64 = words.next()?.strip_suffix(':')?.parse().ok()?;
    let local = end(words.next()?)?;
    let peer = end(words.next()?)?;
    let state = state(words.next()?)?;
    let (send, receive) = words.next()?.split_once(':')?;
    let _timer = words.next()?;
    let _retransmitted = words.next()?;
    let user = words.next()?;
    let _timeout = words.next()?;
    let inode = words.next().and_then(|inode| inode.parse().ok());
    if !user.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_raw = number < 256 && local.port.map_or(0, u64::from) == number;
    let protocol = match (table, named) {
        (Table::Tcp, _) => "tcp",
        (_, Some(name @ ("udp" | "udplite" | "raw" | "icmp"))) => name,
        _ if is_raw => "raw",
        _ => "udp",
    };
    // A raw socket has no port: the number is that of its protocol.
    let bare = |end: End| match protocol == "raw" {
        true => End { port: None, ..end },
        false => end,
    };
    let state = if protocol != "tcp" && state == "CLOSE" {
        "UNCONN"
    } else {
        state
    };
    let hex = |text: &str| i64::from_str_radix(text, 16).ok();
    Some(Socket {
        protocol: Some(protocol),
        state: Some(state),
        local: Some(bare(local)),
        peer: Some(bare(peer)),
        user: Some(user),
        inode,
        recv_queue: hex(receive),
        send_queue: hex(send),
        ..Socket::default()
    })
}

/// `0100007F:0035`, or 32 digits of an IPv6 address: each 32 bits in the host's byte order.
fn end(text: &str) -> Option<End> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |text: &str| u32::from_str_radix(text, 16).ok();
    let ip = match address.len() {
        8 => Ipv4Addr::from(word(address)?.swap_bytes()).to_string(),
        32 => {
            let mut bits = 0_u128;
            for index in 0..4 {
                let part = word(address.get(index * 8..index * 8 + 8)?)?;
                bits = (bits << 32) | u128::from(part.swap_bytes());
            }
            Ipv6Addr::from(bits).to_string()
        }
        _ => return None,
    };
    if matches!(ip.as_str(), "0.0.0.0" | "::") {
        return Some(End::new(None, &ip, Some(port)));
    }
    let ip = canonical_ip(&ip)?;
    Some(End::new(Some(&ip), &ip, Some(port)))
}

fn state(code: &str) -> Option<&'static str> {
    const STATES: [&str; 12] = [
        "ESTAB",
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSE",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
        "SYN-RECV",
    ];
    let number = usize::from_str_radix(code, 16).ok()?;
    STATES.get(number.checked_sub(1)?).copied()
}

/// `ffff9b61ac49c400: 00000002 00000000 00010000 0001 01 42776 /run/x.sock`.
fn unix(line: &str) -> Option<Socket<'_>> {
    let mut words = line.split_whitespace();
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !words.next()?.strip_suffix(':').is_some_and(is_hex) {
        return None;
    }
    let (_references, _protocol, flags) = (words.next()?, words.next()?, words.next()?);
    let (kind, state, inode) = (words.next()?, words.next()?, words.next()?);
    if !(is_hex(flags) && is_hex(kind) && is_hex(state)) {
        return None;
    }
    // __SO_ACCEPTCON
    let accepts = u32::from_str_radix(flags, 16).ok()? & 0x0001_0000 != 0;
    let inode: i64 = inode.parse().ok()?;
    let path = behind_words(line, 7);
    Some(Socket {
        protocol: Some("unix"),
        state: match (accepts, state) {
            (true, _) => Some("LISTEN"),
            (false, "01") => Some("UNCONN"),
            (false, "02") => Some("SYN-SENT"),
            (false, "03") => Some("ESTAB"),
            (false, "04") => Some("CLOSING"),
            (false, _) => None,
        },
        inode: Some(inode),
        unix_path: path,
        ..Socket::default()
    })
}

/// What stands behind so many words: a path may hold blanks.
fn behind_words(line: &str, count: usize) -> Option<&str> {
    let mut rest = line.trim();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace)?;
        rest = rest.get(end..)?.trim_start();
    }
    (!rest.is_empty()).then_some(rest)
}

/// `ffff8c7a0de93a80 3      3    0003   2     1 0      0      23459`: a socket that sees frames (a sniffer, dhclient).
fn packet(line: &str) -> Option<Socket<'_>> {
    let words: Vec<&str> = line.split_whitespace().take(10).collect();
    let word = |index: usize| words.get(index).copied();
    let is_hex = |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if words.len() != 9 || !word(0).is_some_and(is_hex) {
        return None;
    }
    Some(Socket {
        protocol: Some("packet"),
        state: Some("UNCONN"),
        user: word(7),
        inode: Some(word(8)?.parse().ok()?),
        recv_queue: word(6).and_then(|memory| memory.parse().ok()),
        ..Socket::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(table: Table, line: &str) -> String {
        let Some(row) = socket(table, line, None) else {
            return "no row".to_owned();
        };
        let shown =
            |end: &Option<End>| end.as_ref().map_or("-".to_owned(), |end| end.shown.clone());
        format!(
            "{} {} {} {} {} {}",
            row.protocol.unwrap_or("-"),
            row.state.unwrap_or("-"),
            shown(&row.local),
            shown(&row.peer),
            row.user.unwrap_or("-"),
            row.unix_path.unwrap_or("-"),
        )
    }

    #[test]
    fn rows_of_all_tables() {
        let check =
            |table, line: &str, expected: &str| assert_eq!(show(table, line), expected, "{line}");
        check(
            Table::Tcp,
            "   0: 0200000A:0016 0500000A:C001 01 00000000:00000010 00:00000000 00000000  1000        0 34000 1 0000000000000000 100 0 0 10 5",
            "tcp ESTAB 10.0.0.2:22 10.0.0.5:49153 1000 -",
        );
        check(
            Table::Tcp,
            "   1: 0000000000000000FFFF00000200000A:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0",
            "tcp LISTEN 10.0.0.2:22 [::]:* 0 -",
        );
        check(
            Table::Datagram,
            "    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0000000000000000 0",
            "raw UNCONN 0.0.0.0:1 0.0.0.0:* 0 -",
        );
        check(
            Table::Datagram,
            "  105: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 5 2 0000000000000000 0",
            "udp UNCONN 127.0.0.53:53 0.0.0.0:* 101 -",
        );
        check(
            Table::Unix,
            "ffff9b61ac49c400: 00000002 00000000 00010000 0001 01 42776 /run/a b.sock",
            "unix LISTEN - - - /run/a b.sock",
        );
        check(
            Table::Unix,
            "ffff9b61ac49c400: 00000003 00000000 00000000 0001 03 42776",
            "unix ESTAB - - - -",
        );
        check(
            Table::Packet,
            "ffff8c7a0de93a80 3      3    0003   2     1 0      0      23459",
            "packet UNCONN - - 0 -",
        );
        check(Table::Tcp, "   0: 02000A:0016", "no row");
        check(Table::Unix, "x", "no row");
    }
}
