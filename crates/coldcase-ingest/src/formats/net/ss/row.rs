//! One row of a table of ss: what it begins with, its ends, and what stands behind them.

use super::super::endpoint::Endpoint;
use super::super::socket::{MAX_OWNERS, Owner, Socket};
use super::Guess;

/// States that UDP has not.
pub const TCP_STATES: [&str; 9] = [
    "LISTEN",
    "SYN-SENT",
    "SYN-RECV",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "TIME-WAIT",
    "CLOSE-WAIT",
    "LAST-ACK",
    "CLOSING",
];

fn is_state(word: &str) -> bool {
    TCP_STATES.contains(&word) || matches!(word, "ESTAB" | "UNCONN" | "UNKNOWN" | "BOUND-INACTIVE")
}

/// The protocol of a Netid.
fn protocol(netid: &str) -> Option<&'static str> {
    Some(match netid {
        "tcp" => "tcp",
        "udp" => "udp",
        "raw" => "raw",
        "dccp" => "dccp",
        "sctp" => "sctp",
        "mptcp" => "mptcp",
        "icmp6" => "icmp6",
        "nl" => "netlink",
        "p_raw" | "p_dgr" => "packet",
        "u_str" | "u_dgr" | "u_seq" => "unix",
        "v_str" | "v_dgr" => "vsock",
        "xdp" => "xdp",
        "ti_st" | "ti_rd" | "ti_dg" | "ti_sq" => "tipc",
        _ => return None,
    })
}

/// The first word of a text and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Reads a row up to its ends; what stands behind them is returned with it.
pub fn read<'a>(text: &'a str, stateless: bool, guess: &Guess) -> Option<(Socket, &'a str)> {
    let (first, mut rest) = word(text);
    let mut socket = Socket::default();
    let mut state = first;
    let netid = protocol(first);
    if netid.is_some() || first == "???" {
        (state, rest) = word(rest);
    }
    // Associations below an SCTP socket.
    if state == "`-" || state == "`" {
        (state, rest) = word(rest);
    }
    if is_state(state) {
        socket.state = Some(state.to_owned());
        (state, rest) = word(rest);
    } else if !stateless {
        return None;
    }
    socket.recv_queue = Some(state.parse().ok()?);
    let (queue, rest) = word(rest);
    socket.send_queue = Some(queue.parse().ok()?);
    let shown = socket.state.as_deref().unwrap_or_default();
    socket.protocol = match netid {
        Some(named) => Some(named),
        None if TCP_STATES.contains(&shown) => Some("tcp"),
        None if shown == "UNCONN" => guess.protocol.or(Some("udp")),
        None => guess.protocol,
    };
    let rest = match socket.protocol {
        Some("unix") => unix(&mut socket, rest),
        Some("netlink") => netlink(&mut socket, rest),
        Some("packet" | "xdp") => packet(&mut socket, rest),
        Some("vsock" | "tipc" | "raw" | "icmp6") => texts(&mut socket, rest, guess),
        _ => internet(&mut socket, rest, guess),
    }?;
    Some((socket, rest.trim()))
}

fn internet<'a>(socket: &mut Socket, rest: &'a str, guess: &Guess) -> Option<&'a str> {
    let (local, rest) = word(rest);
    let (peer, rest) = word(rest);
    if !Endpoint::is_shape(local) || !Endpoint::is_shape(peer) {
        return None;
    }
    socket.local = Endpoint::parse(local, guess.star)?;
    socket.peer = Endpoint::parse(peer, guess.star)?;
    socket.interface = socket.local.scope.clone();
    Some(rest)
}

/// Ends whose second part is no port: a protocol of a raw socket, a number of more than 16 bits.
fn texts<'a>(socket: &mut Socket, rest: &'a str, guess: &Guess) -> Option<&'a str> {
    let (local, rest) = word(rest);
    let (peer, rest) = word(rest);
    for (end, text) in [(&mut socket.local, local), (&mut socket.peer, peer)] {
        if !text.contains(':') {
            return None;
        }
        if socket.protocol == Some("raw") || socket.protocol == Some("icmp6") {
            *end = Endpoint::parse(text, guess.star)?;
            end.port = None;
        }
        if text != "*:*" && !text.ends_with(":*") {
            end.text = Some(text.to_owned());
        }
    }
    socket.interface = socket.local.scope.clone();
    Some(rest)
}

/// `/run/dbus/socket 18417 * 18390`: path, inode, peer's path, peer's inode. A path may hold blanks.
fn unix<'a>(socket: &mut Socket, rest: &'a str) -> Option<&'a str> {
    let number = |text: &str| text.parse::<i64>().ok();
    let start = rest.trim_start();
    let mut at = start;
    loop {
        let (_, behind) = word(at);
        let (inode, behind_inode) = word(behind);
        let (peer, behind_peer) = word(behind_inode);
        let (peer_inode, behind_all) = word(behind_peer);
        if inode.is_empty() {
            return None;
        }
        let is_peer = peer == "*" || peer.starts_with(['/', '@']);
        if let (Some(inode), true, Some(peer_inode)) = (number(inode), is_peer, number(peer_inode))
        {
            let path = start.get(..start.len().checked_sub(behind.len())?)?.trim();
            if path != "*" {
                socket.unix_path = Some(path.to_owned());
            }
            socket.inode = Some(inode);
            if peer_inode != 0 {
                socket.counts.push(("peer_inode", peer_inode));
            }
            return Some(behind_all);
        }
        at = behind.trim_start();
    }
}

/// `rtnl:NetworkManager/878 *`, with `-n` `0:878 *`.
fn netlink<'a>(socket: &mut Socket, rest: &'a str) -> Option<&'a str> {
    let (local, rest) = word(rest);
    let (_, rest) = word(rest);
    let (_, holder) = local.split_once(':')?;
    socket.more.push(("channel", local.to_owned()));
    if let Some((name, pid)) = holder.rsplit_once('/')
        && let Ok(pid) = pid.parse()
    {
        socket.owners.push(Owner {
            name: name.to_owned(),
            pid: Some(pid),
            fd: None,
        });
    }
    Some(rest)
}

/// `*:ens33 *`, `[2048]:eth0 *`.
fn packet<'a>(socket: &mut Socket, rest: &'a str) -> Option<&'a str> {
    let (local, rest) = word(rest);
    let (_, rest) = word(rest);
    let (kind, interface) = local.rsplit_once(':')?;
    if interface != "*" {
        socket.interface = Some(interface.to_owned());
    }
    if kind != "*" {
        socket.more.push(("link_protocol", kind.to_owned()));
    }
    Some(rest)
}

/// Takes what stands behind the ends, or on a line of its own below the row.
pub fn describe(socket: &mut Socket, rest: &str) {
    let mut rest = rest.trim();
    if let Some(at) = rest.find("users:(") {
        let behind = owners(socket, rest.get(at + "users:(".len()..).unwrap_or_default());
        let before = rest.get(..at).unwrap_or_default();
        if before.trim().is_empty() {
            rest = behind;
        } else {
            fields(socket, before);
            rest = behind;
        }
    }
    fields(socket, rest);
}

fn fields(socket: &mut Socket, text: &str) {
    for word in text.split_ascii_whitespace().take(256) {
        let Some((key, value)) = word.split_once(':') else {
            continue;
        };
        let number = || value.parse::<i64>().ok();
        match key {
            "uid" if socket.user.is_none() && number().is_some() => {
                socket.user = Some(value.to_owned());
            }
            "ino" => socket.inode = number().or(socket.inode),
            "timer" => socket.more.push(("timer", value.to_owned())),
            "cgroup" => socket.more.push(("cgroup", value.to_owned())),
            "bytes_sent" | "bytes_acked" | "bytes_received" => {
                let key = match key {
                    "bytes_sent" => "bytes_sent",
                    "bytes_acked" => "bytes_acked",
                    _ => "bytes_received",
                };
                if let Some(number) = number() {
                    socket.counts.push((key, number));
                }
            }
            _ => {}
        }
    }
}

/// Owners: `("sshd",pid=1042,fd=3),("sshd",1042,3))`. Returns what stands behind the list.
fn owners<'a>(socket: &mut Socket, mut rest: &'a str) -> &'a str {
    while let Some(quoted) = rest.trim_start_matches(',').strip_prefix("(\"") {
        let Some((name, values, behind)) = owner(quoted) else {
            // The list was cut: the name is whole where its quote is there, the numbers may not be.
            if let Some((name, _)) = quoted.split_once("\",") {
                push(socket, name, "");
            }
            return "";
        };
        push(socket, name, values);
        rest = behind;
    }
    rest.strip_prefix(')').unwrap_or(rest)
}

/// Splits `sshd",pid=1042,fd=3)...` into name, values and what follows. A name may hold quotes and brackets.
fn owner(quoted: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + quoted.get(from..)?.find("\",")?;
        let behind = quoted.get(at + 2..)?;
        let is_value =
            behind.starts_with("pid=") || behind.starts_with(|first: char| first.is_ascii_digit());
        if is_value {
            let end = behind.find(')')?;
            return Some((
                quoted.get(..at)?,
                behind.get(..end)?,
                behind.get(end + 1..)?,
            ));
        }
        from = at + 2;
    }
}

fn push(socket: &mut Socket, name: &str, values: &str) {
    let mut owner = Owner {
        name: name.to_owned(),
        ..Owner::default()
    };
    for (index, value) in values.split(',').enumerate() {
        match value.split_once('=') {
            Some(("pid", pid)) => owner.pid = pid.parse().ok(),
            Some(("fd", fd)) => owner.fd = fd.parse().ok(),
            Some(_) => {}
            None if index == 0 => owner.pid = value.parse().ok(),
            None => owner.fd = value.parse().ok(),
        }
    }
    if socket.owners.len() < MAX_OWNERS {
        socket.owners.push(owner);
    }
}
