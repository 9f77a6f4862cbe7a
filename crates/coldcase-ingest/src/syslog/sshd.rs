//! Wordings of OpenSSH's sshd (auth.c, auth2.c, auth-pam.c, packet.c, monitor.c, sshd.c) over the years. A user's
//! name, a client's banner and its parting words are the peer's own text: where a wording puts them before the
//! address, the last address counts, where it puts them behind, the first.

use coldcase_model::{action, canonical_ip, outcome};

use super::row::Row;
use crate::scan;

/// A peer as a message names it.
struct Peer<'a> {
    before: &'a str,
    address: &'a str,
    port: Option<u16>,
    after: &'a str,
}

/// What the method of a decision is called that PAM's own errors report.
const PAM_METHOD: &str = "keyboard-interactive/pam";

/// Fills the row from a message of sshd; `None` where its wording is unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let message = bare(message);
    match message.as_bytes().first()? {
        b'A' => accepted(message, row).or_else(|| refused_key(message, row)),
        b'F' => failed(message, row),
        b'I' | b'i' | b'U' | b'R' => {
            refused_user(message, row).or_else(|| disconnect(message, row))
        }
        b'P' => pam_error(message, row)
            .or_else(|| undecided(message, row))
            .or_else(|| disconnect(message, row)),
        b'S' | b'C' => disconnect(message, row).or_else(|| session(message, row)),
        _ => disconnect(message, row),
    }
}

/// Without the level before it and the process that it speaks of behind it.
fn bare(message: &str) -> &str {
    let mut text = message;
    if matches!(message.as_bytes().first(), Some(b'a'..=b'z')) {
        for level in ["error: ", "fatal: ", "info: ", "debug1: "] {
            text = text.strip_prefix(level).unwrap_or(text);
        }
    }
    if text.ends_with(']') {
        for process in [" [preauth]", " [postauth]"] {
            text = text.strip_suffix(process).unwrap_or(text);
        }
    }
    text
}

/// `Accepted publickey for root from 10.0.0.1 port 22 ssh2: ED25519 SHA256:...`: the user is an account of the
/// host, what follows the address may be text of the client's certificate.
fn accepted<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (method, rest) = scan::split_byte(message.strip_prefix("Accepted ")?, b' ')?;
    let rest = rest.strip_prefix("for ")?;
    let peer = memchr::memchr_iter(b' ', rest.as_bytes()).find_map(|at| peer_after(rest, at))?;
    decided(outcome::SUCCESS, method, peer, row)
}

/// `Failed password for invalid user a b from 10.0.0.1 port 22 ssh2`: the user is the attacker's text.
fn failed<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let (method, rest) = scan::split_byte(message.strip_prefix("Failed ")?, b' ')?;
    let rest = rest.strip_prefix("for ")?;
    decided(outcome::FAILURE, method, last_peer(rest)?, row)
}

fn decided<'a>(
    outcome: &'static str,
    method: &str,
    peer: Peer<'a>,
    row: &mut Row<'a>,
) -> Option<()> {
    row.set(action::SSH_LOGIN, Some(outcome));
    row.interactive = method.starts_with("keyboard-interactive");
    row.text("method", method);
    account(peer.before, row);
    row.peer(peer.address, peer.port);
    if let Some((_, key)) = scan::split(peer.after, ": ") {
        let fingerprint = key.split(' ').skip(1).find(|word| word.contains(':'));
        row.text("key", fingerprint.unwrap_or_default().trim_end_matches(','));
    }
    Some(())
}

/// Takes `invalid user ` off and says so.
fn account<'a>(text: &'a str, row: &mut Row<'a>) {
    let bare = ["invalid user", "illegal user"].iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start())
    });
    if bare.is_some() {
        row.attributes.flag("invalid_user", true);
    }
    row.user(bare.unwrap_or(text));
}

/// The same where sshd says more of the account: `authenticating user root`, `user root`.
fn leaving<'a>(text: &'a str, row: &mut Row<'a>) {
    let known = ["authenticating user ", "user "];
    let bare = known.iter().find_map(|prefix| text.strip_prefix(prefix));
    match bare {
        Some(user) => {
            row.user(user);
        }
        None => account(text, row),
    }
}

/// `PAM: Authentication failure for illegal user kevin from 10.0.0.1`: for valid accounts often the only record of a
/// keyboard-interactive attempt, as sshd logs `Failed keyboard-interactive` late or only when verbose.
fn pam_error<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let rest = message.strip_prefix("PAM: ")?;
    let (reason, rest) = scan::split(rest, " for ")?;
    let at = scan::rfind(rest, " from ")?;
    let (user, address) = (rest.get(..at)?, rest.get(at + 6..)?);
    if reason.contains('(') || address.contains(' ') {
        return None;
    }
    row.set(action::SSH_LOGIN, Some(outcome::FAILURE));
    row.pam_error = true;
    row.text("method", PAM_METHOD);
    account(user, row);
    row.peer(address, None);
    row.text("reason", reason);
    Some(())
}

/// `Postponed publickey for ...`, `Partial publickey for ...`: no decision yet.
fn undecided<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let rest = message
        .strip_prefix("Postponed ")
        .or_else(|| message.strip_prefix("Partial "))?;
    let (method, rest) = rest.split_once(" for ")?;
    let peer = last_peer(rest)?;
    row.text("program", "sshd").text("method", method);
    account(peer.before, row);
    row.peer(peer.address, peer.port);
    Some(())
}

/// Accounts that don't exist or may not log in.
fn refused_user<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let named = ["Invalid user ", "Illegal user "]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix));
    if let Some(rest) = named {
        let at = scan::rfind(rest, " from ").or_else(|| rest.starts_with("from ").then_some(0))?;
        let tail = rest.get(at..)?.trim_start().strip_prefix("from ")?;
        let peer = leading_peer(tail)?;
        row.set(action::SSH_INVALID_USER, None);
        row.user(rest.get(..at)?.trim())
            .peer(peer.address, peer.port);
        return Some(());
    }
    let named = [
        "input_userauth_request: invalid user",
        "input_userauth_request: illegal user",
    ]
    .iter()
    .find_map(|prefix| message.strip_prefix(prefix));
    if let Some(user) = named {
        row.set(action::SSH_INVALID_USER, None);
        row.user(user.trim_start());
        return Some(());
    }
    if let Some(rest) = message.strip_prefix("ROOT LOGIN REFUSED FROM ") {
        let peer = leading_peer(rest)?;
        row.set(action::SSH_INVALID_USER, None);
        row.user("root").peer(peer.address, peer.port);
        row.text("reason", "root login refused");
        return Some(());
    }
    let rest = message.strip_prefix("User ")?;
    let at = rest.rfind(" not allowed because ")?;
    let (who, reason) = (rest.get(..at)?, rest.get(at + 21..)?);
    row.set(action::SSH_INVALID_USER, None);
    match who.rsplit_once(" from ") {
        Some((user, address)) => row.user(user).peer(address, None),
        None => row.user(who),
    };
    row.text("reason", reason);
    Some(())
}

/// `Authentication tried for root with correct key but not from a permitted host (host=..., ip=10.0.0.1, ...)`.
fn refused_key<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let rest = message.strip_prefix("Authentication tried for ")?;
    let (user, rest) = rest.split_once(" with correct key but not from a permitted host ")?;
    row.set(action::SSH_INVALID_USER, None);
    row.user(user);
    if let Some((_, address)) = rest.rsplit_once("ip=") {
        let end = address.find([',', ')']).unwrap_or(address.len());
        row.peer(address.get(..end)?, None);
    }
    row.text("reason", "key not permitted from this host");
    Some(())
}

/// Where the peer stands in a wording that ends a connection.
enum Order {
    /// Before all of the peer's own text.
    First,
    /// Behind the user's name, which is the peer's text.
    Last,
    /// Behind the last `from`.
    From,
}

/// Beginnings of the wordings that end a connection, with where the peer stands and why it ended.
const DISCONNECTS: [(&str, Order, &str); 19] = [
    ("Connection closed by ", Order::Last, ""),
    ("Connection reset by ", Order::Last, "reset"),
    ("Received disconnect from ", Order::First, ""),
    ("Disconnected from ", Order::Last, ""),
    ("Disconnecting ", Order::Last, ""),
    (
        "Did not receive identification string from ",
        Order::First,
        "no identification",
    ),
    (
        "Bad protocol version identification ",
        Order::From,
        "bad protocol version",
    ),
    (
        "Bad remote protocol version identification",
        Order::From,
        "bad protocol version",
    ),
    (
        "Protocol major versions differ for ",
        Order::First,
        "protocol versions differ",
    ),
    ("Unable to negotiate with ", Order::First, ""),
    ("banner exchange: Connection from ", Order::First, ""),
    (
        "maximum authentication attempts exceeded for ",
        Order::From,
        "maximum authentication attempts",
    ),
    (
        "Timeout before authentication for connection from ",
        Order::First,
        "timeout",
    ),
    (
        "Timeout before authentication for ",
        Order::First,
        "timeout",
    ),
    ("ssh_dispatch_run_fatal: Connection from ", Order::Last, ""),
    ("ssh_packet_read: Connection from ", Order::Last, ""),
    ("Read error from remote host ", Order::First, ""),
    ("Write failed: ", Order::From, "write failed"),
    (
        "Timeout, client not responding from ",
        Order::Last,
        "client not responding",
    ),
];

fn disconnect<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(rest) = message.strip_prefix("Disconnecting: ") {
        row.set(action::SSH_DISCONNECT, None).text("reason", rest);
        if let Some((_, user)) = rest.rsplit_once(" for ") {
            account(user, row);
        }
        return Some(());
    }
    if let Some((address, port)) = refused_peer(message) {
        row.set(action::SSH_DISCONNECT, None);
        row.peer(address, port).text("reason", "refused");
        return Some(());
    }
    let first = message.as_bytes().first();
    let found = DISCONNECTS
        .iter()
        .filter(|(prefix, ..)| prefix.as_bytes().first() == first)
        .find_map(|(prefix, order, reason)| Some((message.strip_prefix(prefix)?, order, *reason)));
    let (rest, order, reason) = found?;
    let peer = match order {
        Order::First => leading_peer(rest),
        Order::Last => trailing_peer(rest),
        Order::From => last_peer(rest).or_else(|| {
            let (before, rest) = rest.rsplit_once(" from ")?;
            leading_peer(rest).map(|peer| Peer { before, ..peer })
        }),
    };
    row.set(action::SSH_DISCONNECT, None);
    let Some(peer) = peer else {
        row.text("reason", reason);
        return Some(());
    };
    match order {
        Order::Last => leaving(peer.before, row),
        Order::From if reason.starts_with("maximum") => account(peer.before, row),
        _ => {}
    }
    row.peer(peer.address, peer.port);
    let said = peer.after.trim_start_matches([':', ' ']);
    let code = said.bytes().take_while(u8::is_ascii_digit).count();
    let said = match said.get(code..).and_then(|text| text.strip_prefix(": ")) {
        Some(words) if code > 0 => words,
        _ => said,
    };
    row.text("reason", if reason.is_empty() { said } else { reason });
    Some(())
}

/// `refused connect from name (10.0.0.1)` of TCP wrappers, `drop connection #10 from [10.0.0.1]:4321 on ...`.
fn refused_peer(message: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = message.strip_prefix("refused connect from ") {
        let inside = rest
            .rsplit_once('(')
            .and_then(|(_, tail)| tail.split_once(')'));
        return Some((inside.map_or(rest, |(address, _)| address), None));
    }
    let rest = message.strip_prefix("drop connection ")?;
    let (_, rest) = rest.split_once(" from [")?;
    let (address, rest) = rest.split_once("]:")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((address, rest.get(..digits)?.parse().ok()))
}

/// `Starting session: shell on pts/0 for root from 10.0.0.1 port 22 id 0`, `Connection from 10.0.0.1 port 22 on ...`,
/// `Close session: user root from 10.0.0.1 port 22 id 0`: facts beside a login, kept as `log`.
fn session<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    if let Some(rest) = message.strip_prefix("Connection from ") {
        let peer = leading_peer(rest)?;
        row.text("program", "sshd").peer(peer.address, peer.port);
        return Some(());
    }
    let (kind, rest) = match message.strip_prefix("Close session: user ") {
        Some(rest) => (None, rest),
        None => {
            let rest = message.strip_prefix("Starting session: ")?;
            let (what, rest) = rest.split_once(" for ")?;
            (Some(what), rest)
        }
    };
    let peer = last_peer(rest)?;
    row.text("program", "sshd")
        .text("session", kind.unwrap_or_default());
    row.user(peer.before).peer(peer.address, peer.port);
    Some(())
}

/// `ADDRESS port N ...` or `ADDRESS: ...` at the beginning.
fn leading_peer(text: &str) -> Option<Peer<'_>> {
    let (address, rest) = scan::first_word(text);
    let address = address.strip_suffix([':', ',']).unwrap_or(address);
    let (port, after) = port_at(rest).unwrap_or((None, rest));
    (!address.is_empty()).then_some(Peer {
        before: "",
        address,
        port,
        after,
    })
}

/// `... ADDRESS port N ...` where the last one counts; without a port the last word is the address.
fn trailing_peer(text: &str) -> Option<Peer<'_>> {
    for at in memchr::memrchr_iter(b' ', text.as_bytes()) {
        if let Some((port, after)) = text.get(at + 1..).and_then(port_at) {
            let head = text.get(..at)?;
            let (before, address) = scan::rsplit_byte(head, b' ').unwrap_or(("", head));
            return Some(Peer {
                before,
                address,
                port,
                after,
            });
        }
    }
    let (before, address) = scan::rsplit_byte(text, b' ').unwrap_or(("", text));
    canonical_ip(address).is_some().then_some(Peer {
        before,
        address,
        port: None,
        after: "",
    })
}

/// `USER from ADDRESS port N ...` where the last one counts.
fn last_peer(text: &str) -> Option<Peer<'_>> {
    memchr::memrchr_iter(b' ', text.as_bytes()).find_map(|at| peer_after(text, at))
}

/// What follows the blank at this place, if it is `from` and a peer with a port.
fn peer_after(text: &str, at: usize) -> Option<Peer<'_>> {
    let rest = text.get(at + 1..)?.strip_prefix("from ")?;
    let (address, rest) = scan::split_byte(rest, b' ')?;
    let (port, after) = port_at(rest)?;
    Some(Peer {
        before: text.get(..at)?,
        address,
        port,
        after,
    })
}

/// `port N` and what follows; a number that is no port leaves it unknown.
fn port_at(text: &str) -> Option<(Option<u16>, &str)> {
    let tail = text.strip_prefix("port ")?;
    let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
    let number = tail.get(..digits).filter(|digits| !digits.is_empty())?;
    Some((number.parse().ok(), tail.get(digits..)?))
}
