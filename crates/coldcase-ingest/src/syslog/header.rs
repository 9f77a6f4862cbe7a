//! Heads of syslog lines: stamp, host, program and process in the shapes that syslogd, rsyslog, syslog-ng,
//! journalctl and RFC 5424 senders write; the message is what follows.

use crate::scan;
use crate::years::{
    priority,
    stamp::{self, Stamp},
};

/// Longest program name that counts as one.
const LONGEST_TAG: usize = 96;

/// A line taken apart. Text borrows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The stamp; `None` only where RFC 5424 says so with `-`.
    pub stamp: Option<Stamp>,
    /// Host that logged it.
    pub host: Option<&'a str>,
    /// Program without path, process number and module.
    pub program: Option<&'a str>,
    /// What stood in parentheses behind the program: `pam_unix` of old PAM, a folder of run-parts.
    pub module: Option<&'a str>,
    /// Process.
    pub pid: Option<i64>,
    /// From the program on, for people.
    pub tagged: &'a str,
    /// The message, without blanks before it.
    pub message: &'a str,
}

/// The head of a line, or `None` where it has no stamp.
pub fn read(line: &str) -> Option<Header<'_>> {
    let line = scan::trim_end(line);
    let start = priority(line.as_bytes());
    let rest = line.get(start..)?;
    let versioned = start > 0 && line.get(..start)?.ends_with("1 ");
    if versioned && let Some(tail) = rest.strip_prefix("- ") {
        return structured(None, tail);
    }
    let (stamp, end) = stamp::read(rest.as_bytes())?;
    let rest = rest.get(end..)?;
    if versioned {
        return structured(Some(stamp), rest.strip_prefix(' ')?);
    }
    if let Some(message) = rest.strip_prefix(':') {
        return Some(untagged(Some(stamp), None, message.trim_start()));
    }
    let rest = scan::after_blanks(rest.strip_prefix(' ')?);
    let (host, after) = scan::first_word(rest);
    if matches!(host.as_bytes().last(), Some(b':' | b']'))
        && let Some(header) = tagged(Some(stamp), None, rest)
    {
        return Some(header);
    }
    if let Some(inside) = rest.strip_prefix("[pid ") {
        return vsftpd(stamp, rest, inside);
    }
    if !is_host(host) {
        return Some(untagged(Some(stamp), None, rest));
    }
    let after = scan::after_blanks(after);
    if let Some(header) = after
        .strip_prefix("-- ")
        .and_then(|text| tagged(Some(stamp), None, text))
        && header.pid.is_some()
    {
        // Old login logs under the words of its own command line, `-- root[2421]`.
        return Some(Header {
            host: Some(host),
            program: Some("login"),
            tagged: after,
            ..header
        });
    }
    if let Some(header) = tagged(Some(stamp), Some(host), after) {
        return Some(header);
    }
    if stamp.year.is_some()
        && let Some(header) = structured(Some(stamp), rest)
    {
        return Some(header);
    }
    Some(untagged(Some(stamp), Some(host), after))
}

/// The same of what follows a stamp that is none of syslog's: `host program[1]: message`.
pub fn read_unstamped(text: &str) -> Option<Header<'_>> {
    let (host, after) = text.split_once(' ').filter(|(host, _)| is_host(host))?;
    tagged(None, Some(host), after.trim_end())
}

/// The same without a host: `program[1]: message`.
pub fn read_tagged(text: &str) -> Option<Header<'_>> {
    tagged(None, None, text.trim_end())
}

/// A name or address, also syslog-ng's chains of them (`a/b`, `s_net@a`).
fn is_host(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && bytes.all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/' | b'@')
        })
}

fn untagged<'a>(stamp: Option<Stamp>, host: Option<&'a str>, message: &'a str) -> Header<'a> {
    Header {
        stamp,
        host,
        program: None,
        module: None,
        pid: None,
        tagged: message,
        message,
    }
}

/// vsftpd's own log has no host and no program: `[pid 2] [ops] OK LOGIN: Client "10.0.0.1"`.
fn vsftpd<'a>(stamp: Stamp, rest: &'a str, inside: &'a str) -> Option<Header<'a>> {
    let (pid, message) = inside.split_once("] ")?;
    Some(Header {
        program: Some("vsftpd"),
        pid: Some(pid.parse().ok()?),
        message,
        ..untagged(Some(stamp), None, rest)
    })
}

/// `sshd[1]: `, `sshd(pam_unix)[1]: `, `/sbin/anacron[1]: `, `kernel: `, `[sshd]: `, `[sshd] `, `sshd[1] `.
fn tagged<'a>(stamp: Option<Stamp>, host: Option<&'a str>, text: &'a str) -> Option<Header<'a>> {
    let bytes = text.as_bytes();
    let bracketed = bytes.first() == Some(&b'[');
    let start = usize::from(bracketed);
    let length = bytes
        .get(start..)?
        .iter()
        .take(LONGEST_TAG)
        .position(|byte| matches!(byte, b':' | b'[' | b']' | b'(' | b' '))?;
    let mut at = start + length;
    let program = text.get(start..at)?;
    if program.is_empty() && bytes.get(at) != Some(&b'(') {
        return None;
    }
    let mut header = Header {
        stamp,
        host,
        program: Some(scan::rsplit_byte(program, b'/').map_or(program, |(_, name)| name)),
        module: None,
        pid: None,
        tagged: text,
        message: "",
    };
    if bracketed {
        let named = program
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        let after = text.get(at..)?.strip_prefix(']').filter(|_| named)?;
        let message = after.strip_prefix(':').unwrap_or(after);
        header.message = scan::trim_start(message.strip_prefix(' ')?);
        return Some(header);
    }
    if bytes.get(at) == Some(&b']') {
        at += 1; // gdm's `gdm-password][100]: `
    }
    if bytes.get(at) == Some(&b'(') {
        let inside = text.get(at + 1..)?;
        let end = scan::find_byte(inside, b')').filter(|end| *end < LONGEST_TAG)?;
        let module = inside.get(..end)?;
        if program.is_empty() {
            header.program = Some(module);
        } else {
            header.module = Some(module);
        }
        at += end + 2;
    }
    let mut numbered = false;
    if bytes.get(at) == Some(&b'[') {
        let inside = text.get(at + 1..)?;
        let end = scan::find_byte(inside, b']').filter(|end| *end < LONGEST_TAG)?;
        header.pid = inside.get(..end)?.parse().ok();
        numbered = header.pid.is_some();
        at += end + 2;
    }
    let after = text.get(at..)?;
    let message = match after.strip_prefix(':') {
        Some(message) if message.is_empty() || message.starts_with([' ', '\t']) => message,
        None if numbered && after.starts_with(' ') => after,
        _ => return None,
    };
    header.message = without_id(scan::trim_start(message));
    Some(header)
}

/// Solaris puts `[ID 800047 auth.info] ` before the message.
fn without_id(message: &str) -> &str {
    let inside = message
        .strip_prefix("[ID ")
        .and_then(|rest| rest.split_once("] "));
    inside.map_or(message, |(_, message)| message)
}

/// RFC 5424 after its stamp: host, program, process, message id, structured data, message.
fn structured(stamp: Option<Stamp>, text: &str) -> Option<Header<'_>> {
    fn field(text: &str) -> Option<(Option<&str>, &str)> {
        let (field, rest) = text.split_once(' ')?;
        Some(((field != "-").then_some(field), rest))
    }
    let (host, tagged) = field(text.trim_start())?;
    let (program, rest) = field(tagged)?;
    let (pid, rest) = field(rest)?;
    let (_, rest) = field(rest)?;
    let message = match rest.strip_prefix('-') {
        Some(message) => message,
        None => data_end(rest).and_then(|end| rest.get(end..))?,
    };
    if !message.is_empty() && !message.starts_with(' ') {
        return None;
    }
    let message = message.trim_start();
    Some(Header {
        stamp,
        host,
        program: program.map(|program| program.rsplit('/').next().unwrap_or(program)),
        module: None,
        pid: pid.and_then(|pid| pid.parse().ok()),
        tagged,
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
    })
}

/// Where `[id key="value" ...][...]` ends; quotes hide brackets, a backslash hides a quote.
fn data_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if open => quoted = !quoted,
            _ if quoted => {}
            b'[' if !open => open = true,
            b']' if open => open = false,
            _ if open => {}
            _ => return (at > 0).then_some(at),
        }
    }
    (!open && !bytes.is_empty()).then_some(bytes.len())
}
