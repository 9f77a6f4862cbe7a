//! Wordings of dropbear (svr-auth.c, svr-session.c): peers are `ADDRESS:PORT`, users stand in quotes.

use coldcase_model::{action, outcome};

use super::row::{Row, quoted};

/// Decisions: what the message begins with, how it went, the method.
const DECISIONS: [(&str, &str, &str); 5] = [
    ("password auth succeeded", outcome::SUCCESS, "password"),
    ("pubkey auth succeeded", outcome::SUCCESS, "publickey"),
    ("pam password auth succeeded", outcome::SUCCESS, "password"),
    ("bad password attempt", outcome::FAILURE, "password"),
    ("bad pam password attempt", outcome::FAILURE, "password"),
];

/// Fills the row from a message of dropbear; `None` where its wording is unknown.
pub fn read<'a>(message: &'a str, row: &mut Row<'a>) -> Option<()> {
    let message = unstamped(message);
    let begins = |prefix: &str| {
        let head = message.get(..prefix.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    let decision = DECISIONS.iter().find(|(prefix, ..)| begins(prefix));
    if let Some((_, outcome, method)) = decision {
        row.set(action::SSH_LOGIN, Some(outcome));
        row.text("method", method);
        if let Some((_, key)) = message.rsplit_once(" key ") {
            row.text("key", key.split(' ').next().unwrap_or_default());
        }
    } else if begins("login attempt for nonexistent user")
        || begins("login attempt with wrong user")
    {
        row.set(action::SSH_INVALID_USER, None);
    } else if begins("exit before auth") || begins("exit (") {
        row.set(action::SSH_DISCONNECT, None);
        if let Some((_, reason)) = message
            .split_once("): ")
            .or_else(|| message.split_once(": "))
        {
            row.text("reason", reason);
        }
    } else if !begins("child connection from ") {
        return None;
    }
    row.text("program", "dropbear");
    let user = quoted(message).or_else(|| {
        let inside = message.strip_prefix("Exit (")?;
        inside.split_once(')').map(|(user, _)| user)
    });
    row.user(user.unwrap_or_default());
    if let Some((_, peer)) = message.rsplit_once(" from ") {
        let peer = peer.trim_start_matches('<');
        let end = peer.find(['>', ' ']).unwrap_or(peer.len());
        let peer = peer.get(..end).unwrap_or(peer);
        let (address, port) = peer.rsplit_once(':').unwrap_or((peer, ""));
        row.peer(address, port.parse().ok());
    }
    Some(())
}

/// Without the `[825] Jul 10 23:53:52 ` that dropbear writes itself when it logs to standard error.
fn unstamped(message: &str) -> &str {
    let rest = message
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match rest {
        Some((pid, rest)) if pid.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest.get(16..).unwrap_or(rest)
        }
        _ => message,
    }
}
