//! Messages of PAM modules (pam_unix, pam_sss, ...), which every program that authenticates logs under its own
//! name: `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.1  user=root`.
//! Before Linux-PAM 0.99 the module stood in the tag, `sshd(pam_unix)[19939]: authentication failure; ...`; in such logs
//! sshd itself says nothing of failures, so that these lines are its decisions.

use coldcase_model::{action, outcome};

use super::header::Header;
use super::row::Row;
use crate::scan;

/// A message of a PAM module taken apart.
struct Pam<'a> {
    service: Option<&'a str>,
    /// Whether the module stood in the tag.
    old: bool,
    text: &'a str,
}

/// Fills the row from a message of a PAM module; `None` where it is none.
pub fn read<'a>(header: &Header<'a>, row: &mut Row<'a>) -> Option<()> {
    let pam = split(header)?;
    let program = header.program.unwrap_or_default();
    let service = pam.service.unwrap_or(program);
    if let Some(rest) = pam.text.strip_prefix("session opened for user ") {
        row.set(opened(service), None);
        let (user, by) = scan::first_word(rest);
        let by = by.strip_prefix("by ").unwrap_or_default();
        row.user(name(user));
        let (user, by) = (name(user), name(by));
        if row.event.action == action::SU {
            row.event.outcome = Some(outcome::SUCCESS);
            row.user(by);
            note(row, program, service);
            row.text("target", user);
        } else {
            note(row, program, service);
            row.text("by", by);
        }
        return Some(());
    }
    if let Some(rest) = pam.text.strip_prefix("session closed for user ") {
        let ssh = service == "sshd";
        row.set(
            if ssh {
                action::SSH_SESSION_CLOSED
            } else {
                action::SESSION_CLOSED
            },
            None,
        );
        row.user(name(rest));
        note(row, program, service);
        return Some(());
    }
    if let Some(user) = pam.text.strip_prefix("password changed for ") {
        row.set(action::USER_CHANGED, Some(outcome::SUCCESS))
            .user(user);
        note(row, program, service);
        return Some(());
    }
    if let Some(facts) = pam.text.strip_prefix("authentication success; ") {
        row.set(action::LOGIN, Some(outcome::SUCCESS));
        note(row, program, service);
        who(facts, row);
        return Some(());
    }
    match failures(pam.text) {
        Some((more, facts)) if pam.old && service == "sshd" => {
            row.set(action::SSH_LOGIN, Some(outcome::FAILURE));
            row.times = more.unwrap_or(1);
            who(facts, row);
        }
        Some((more, facts)) => {
            row.set(action::LOGIN, Some(outcome::FAILURE));
            note(row, program, service);
            if let Some(more) = more {
                row.attributes.number("more", more);
            }
            who(facts, row);
        }
        None => note(row, program, service),
    }
    Some(())
}

/// `PAM 4 more authentication failures; logname= ...`, which sshd itself logs.
pub fn more<'a>(header: &Header<'a>, row: &mut Row<'a>) -> Option<()> {
    let (more, facts) = failures(header.message.strip_prefix("PAM ")?)?;
    row.set(action::LOGIN, Some(outcome::FAILURE));
    note(row, header.program.unwrap_or_default(), "sshd");
    row.attributes.number("more", more?);
    who(facts, row);
    Some(())
}

fn split<'a>(header: &Header<'a>) -> Option<Pam<'a>> {
    let message = header.message;
    if header
        .module
        .is_some_and(|module| module.starts_with("pam_"))
    {
        return Some(Pam {
            service: None,
            old: true,
            text: message,
        });
    }
    if message.starts_with("(pam_") {
        let (_, text) = scan::split(message, ") ")?;
        return Some(Pam {
            service: None,
            old: false,
            text,
        });
    }
    if message.starts_with("authentication failure; logname=") {
        return Some(Pam {
            service: None,
            old: false,
            text: message,
        });
    }
    if !message.starts_with("pam_") {
        return None;
    }
    let (module, text) = scan::split(message, ": ")?;
    if scan::find_byte(module, b' ').is_some() {
        return None;
    }
    let inside = scan::split_byte(module, b'(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let service = inside.and_then(|inside| scan::split_byte(inside, b':'));
    Some(Pam {
        service: service.map(|(service, _)| service),
        old: false,
        text,
    })
}

/// `authentication failure; ...` or `N more authentication failure(s); ...`: how many more, and the facts.
fn failures(text: &str) -> Option<(Option<u32>, &str)> {
    if let Some(facts) = text.strip_prefix("authentication failure; ") {
        return Some((None, facts));
    }
    let (count, rest) = scan::split(text, " more authentication failure")?;
    let (_, facts) = rest.split_once("; ")?;
    Some((Some(count.parse().ok()?), facts))
}

/// `logname= uid=0 euid=0 tty=ssh ruser=U rhost=H  user=U`. Both users are the peer's text: what follows the true
/// `rhost` is nothing, or `user=` to the end.
fn who<'a>(facts: &'a str, row: &mut Row<'a>) {
    let (mut rest, mut tty) = (facts, "");
    let rest = loop {
        let (word, after) = scan::first_word(rest);
        if word.starts_with("ruser=") {
            break rest.get(6..).unwrap_or_default();
        }
        if let Some(terminal) = word.strip_prefix("tty=") {
            tty = terminal;
        }
        if after.is_empty() {
            return;
        }
        rest = after;
    };
    row.text("tty", tty);
    let found = memchr::memchr_iter(b' ', rest.as_bytes()).find_map(|at| {
        let ruser = rest.get(..at)?;
        let tail = rest.get(at + 1..)?.strip_prefix("rhost=")?;
        let (host, after) = scan::first_word(tail);
        let after = after.trim_start();
        let user = match after {
            "" => "",
            _ => after.strip_prefix("user=")?,
        };
        Some((ruser, host, user))
    });
    let Some((ruser, host, user)) = found else {
        return;
    };
    let user = user.trim_end();
    row.peer(host, None);
    if user.is_empty() {
        row.user(ruser);
    } else {
        row.user(user).text("ruser", ruser);
    }
}

fn opened(service: &str) -> &'static str {
    match service {
        "sshd" => action::SSH_SESSION_OPENED,
        "su" | "su-l" | "runuser" | "runuser-l" => action::SU,
        _ => action::SESSION_OPENED,
    }
}

/// `root(uid=0)` is `root`, `(uid=0)` nobody.
fn name(text: &str) -> &str {
    let text = scan::trim_end(text);
    match scan::split_byte(text, b'(') {
        Some((name, tail)) if tail.starts_with("uid=") => name,
        _ => text,
    }
}

/// Program and service; the actions of ssh need neither.
fn note(row: &mut Row<'_>, program: &str, service: &str) {
    let ssh = [action::SSH_SESSION_OPENED, action::SSH_SESSION_CLOSED];
    if ssh.contains(&row.event.action) {
        return;
    }
    row.text("program", program);
    if service != program {
        row.text("service", service);
    }
}
