//! Wordings of OpenSSH's sshd, from its auth.c, auth2.c, packet.c, sshd.c and monitor.c over the years.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, action, canonical_ip, outcome};

/// Where a peer is named: what stands before it, its address, its port, what follows.
struct Peer<'a> {
    before: &'a str,
    address: &'a str,
    port: Option<u16>,
    after: &'a str,
}

/// Reads one message into the event; whether its wording was known.
pub fn read<'a>(message: &'a str, event: &mut Event<'a>, attributes: &mut Attributes) -> bool {
    if let Some(rest) = message.strip_prefix("Accepted ") {
        return decision(rest, outcome::SUCCESS, event, attributes);
    }
    if let Some(rest) = message.strip_prefix("Failed ") {
        return decision(rest, outcome::FAILURE, event, attributes);
    }
    false
}

/// `password for root from 10.0.0.1 port 22 ssh2: ED25519 SHA256:...`
fn decision<'a>(
    rest: &'a str,
    outcome: &'static str,
    event: &mut Event<'a>,
    attributes: &mut Attributes,
) -> bool {
    let Some((method, rest)) = rest.split_once(" for ") else {
        return false;
    };
    let (user, invalid) = account(rest);
    let peer = match outcome {
        outcome::SUCCESS => first_peer(user),
        _ => last_peer(user),
    };
    let Some(peer) = peer else {
        return false;
    };
    event.action = action::SSH_LOGIN;
    event.outcome = Some(outcome);
    event.user = Some(Cow::Borrowed(peer.before));
    place(event, attributes, &peer);
    attributes.text("method", method);
    if let Some((_, key)) = peer.after.split_once(": ") {
        let fingerprint = key.split(' ').nth(1).unwrap_or(key);
        attributes.text("key", fingerprint);
    }
    if invalid {
        attributes.flag("invalid_user", true);
    }
    true
}

/// Takes `invalid user ` off.
fn account(text: &str) -> (&str, bool) {
    let bare = text
        .strip_prefix("invalid user ")
        .or_else(|| text.strip_prefix("illegal user "));
    (bare.unwrap_or(text), bare.is_some())
}

fn place<'a>(event: &mut Event<'a>, attributes: &mut Attributes, peer: &Peer<'a>) {
    event.src_ip = canonical_ip(peer.address);
    event.src_port = peer.port;
    if event.src_ip.is_none() && !peer.address.is_empty() {
        attributes.text("rhost", peer.address);
    }
}

/// `U from ADDRESS port N`: the last one counts, for the user's name is the attacker's text.
fn last_peer(text: &str) -> Option<Peer<'_>> {
    let mut end = text.len();
    loop {
        let at = text.get(..end)?.rfind(" from ")?;
        if let Some(peer) = peer_at(text, at) {
            return Some(peer);
        }
        end = at;
    }
}

/// The same where the user is an account of the host: what follows may be text of the client's key.
fn first_peer(text: &str) -> Option<Peer<'_>> {
    let found = text
        .match_indices(" from ")
        .find_map(|(at, _)| peer_at(text, at));
    found
}

fn peer_at(text: &str, at: usize) -> Option<Peer<'_>> {
    let rest = text.get(at + 6..)?;
    let (address, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (port, after) = match rest.strip_prefix("port ") {
        Some(tail) => {
            let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
            (tail.get(..digits)?.parse().ok(), tail.get(digits..)?)
        }
        None => (None, rest),
    };
    port?;
    Some(Peer {
        before: text.get(..at)?,
        address,
        port,
        after,
    })
}
