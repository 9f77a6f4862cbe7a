//! One line of `last` or `lastb` taken apart.

use super::stamp::{self, Stamp, word};
use crate::formats::logins::login::Ended;

/// Width of the user's column where none is longer, of the terminal's, and of the host's where it is not `-w` or `-a`.
const USER: usize = 8;
const TTY: usize = 12;
pub const HOST: usize = 16;

/// Terminals whose name holds a blank.
const SPACED: [&str; 4] = ["system boot", "system down", "new time", "old time"];

/// What a row says of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How.
    pub ended: Option<Ended>,
    /// A full time, or `None`.
    pub stamp: Option<Stamp>,
    /// A time of day.
    pub time: Option<chrono::NaiveTime>,
    /// Seconds from the login.
    pub duration: Option<i64>,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    pub user: &'a str,
    pub tty: &'a str,
    pub host: &'a str,
    /// Whether the host stood at the end (`-a`), where nothing is cut.
    pub host_last: bool,
    pub stamp: Stamp,
    pub end: End,
}

/// Reads a row; `None` where the line is none.
pub fn read(line: &str) -> Option<Row<'_>> {
    let line = line.trim_end();
    let (at, stamp, end) = anchor(line)?;
    let (end, host_last) = ending(line, end)?;
    let head = line.get(..at)?;
    let (user, tty, host) = head_of(head)?;
    let is_row = is_terminal(tty) || matches!(user, "reboot" | "shutdown" | "runlevel" | "date");
    if !is_row || (!host.is_empty() && !host_last.is_empty()) {
        return None;
    }
    // Nothing behind the time: only what does not last.
    let is_bare = end.ended.is_none() && end.duration.is_none() && host_last.is_empty();
    if is_bare && end.stamp.is_none() && end.time.is_none() && is_session(user, tty) {
        return None;
    }
    Some(Row {
        user,
        tty,
        host: if host_last.is_empty() {
            host
        } else {
            host_last
        },
        host_last: !host_last.is_empty(),
        stamp,
        end,
    })
}

/// `root       pts/0          192.0.2.7           May 12 09:45`: busybox's short form, below its heading.
pub fn read_simple(line: &str) -> Option<Row<'_>> {
    let bytes = line.as_bytes();
    let mut starts = memchr::memchr_iter(b' ', bytes).rev().map(|at| at + 1);
    let (at, stamp) = starts.find_map(|at| {
        let (stamp, end) = stamp::read_month(line, at)?;
        let is_last = line.get(end..)?.trim().is_empty();
        is_last.then_some((at, stamp))
    })?;
    let (user, tty, host) = by_blanks(line.get(..at)?)?;
    let end = End {
        ended: None,
        stamp: None,
        time: None,
        duration: None,
    };
    is_terminal(tty).then_some(Row {
        user,
        tty,
        host,
        host_last: true,
        stamp,
        end,
    })
}

/// busybox's heading: `USER       TTY            HOST               LOGIN              TIME`.
pub fn is_heading(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = [words.next(), words.next(), words.next(), words.next()];
    first == [Some("USER"), Some("TTY"), Some("HOST"), Some("LOGIN")]
}

fn is_session(user: &str, tty: &str) -> bool {
    !(SPACED.contains(&tty) || tty == "~" || matches!(user, "reboot" | "shutdown" | "runlevel"))
}

/// The login's time: the last one in the line that is not behind a dash. What stands before it is a stranger's text.
fn anchor(line: &str) -> Option<(usize, Stamp, usize)> {
    let bytes = line.as_bytes();
    let mut found = None;
    for at in memchr::memchr_iter(b' ', bytes).map(|at| at + 1) {
        let starts = matches!(
            bytes.get(at..at + 3),
            Some(
                [b'M' | b'T' | b'W' | b'F' | b'S', b'a'..=b'z', b'a'..=b'z']
                    | [b'1' | b'2', b'0'..=b'9', b'0'..=b'9']
            )
        );
        if !starts || line.get(..at).is_some_and(|before| before.ends_with("- ")) {
            continue;
        }
        if let Some((stamp, end)) = stamp::read(line, at) {
            found = Some((at, stamp, end));
        }
    }
    found
}

/// What follows the login's time: how it ended, and a host behind that.
fn ending(line: &str, from: usize) -> Option<(End, &str)> {
    let rest = line.get(from..)?;
    let trimmed = rest.trim_start();
    let mut end = End {
        ended: None,
        stamp: None,
        time: None,
        duration: None,
    };
    let fixed = [
        ("still logged in", Ended::Still),
        ("still running", Ended::Still),
        ("gone - no logout", Ended::Gone),
    ];
    for (text, ended) in fixed {
        if let Some(host) = trimmed.strip_prefix(text) {
            end.ended = Some(ended);
            return Some((end, host.trim()));
        }
    }
    let Some(behind) = trimmed.strip_prefix('-') else {
        // `last -a` puts the host right behind a time that has no end.
        return (trimmed.is_empty() || rest.starts_with("  ")).then_some((end, trimmed));
    };
    let (first, mut at) = word(behind, 0)?;
    if let Some((stamp, after)) = stamp::read(behind, 0) {
        end.stamp = Some(stamp);
        end.ended = Some(Ended::Logout);
        at = after;
    } else if let Some((time, _)) = stamp::time_of_day(first) {
        end.time = Some(time);
        end.ended = Some(Ended::Logout);
    } else {
        end.ended = Some(match first {
            "crash" => Ended::Crash,
            "down" => Ended::Down,
            _ => return None,
        });
    }
    if let Some((text, after)) = word(behind, at)
        && let Some(seconds) = stamp::duration(text)
    {
        end.duration = Some(seconds);
        at = after;
    }
    Some((end, behind.get(at..)?.trim()))
}

/// User, terminal and host: by their columns where the line keeps to them, else by blanks.
fn head_of(head: &str) -> Option<(&str, &str, &str)> {
    by_columns(head).or_else(|| by_blanks(head))
}

fn by_columns(head: &str) -> Option<(&str, &str, &str)> {
    let first = head.find(' ').unwrap_or(head.len());
    let width = USER.max(first);
    let user = head.get(..width)?;
    let tty = head.get(width + 1..)?;
    let is_blank = |at: usize| matches!(head.as_bytes().get(at), Some(b' ') | None);
    if !is_blank(width) || tty.starts_with(' ') {
        return None;
    }
    let host_at = width + 1 + TTY;
    if !is_blank(host_at) {
        return None;
    }
    let tty = head.get(width + 1..host_at.min(head.len()))?.trim_end();
    let host = head.get((host_at + 1).min(head.len())..)?.trim();
    let fits = is_terminal(tty) && !host.contains(' ') && !user.trim_end().contains("  ");
    fits.then_some((user.trim(), tty, host))
}

fn by_blanks(head: &str) -> Option<(&str, &str, &str)> {
    let (user, end) = word(head, 0)?;
    let rest = head.get(end..)?.trim();
    if let Some(tty) = SPACED.iter().find(|tty| rest.starts_with(**tty)) {
        return Some((user, rest.get(..tty.len())?, rest.get(tty.len()..)?.trim()));
    }
    if rest.starts_with("(to lvl ") {
        let end = rest.find(')')? + 1;
        return Some((user, rest.get(..end)?, rest.get(end..)?.trim()));
    }
    let (tty, end) = word(rest, 0)?;
    let host = rest.get(end..)?.trim();
    (!host.contains(' ') || !host.is_ascii()).then_some((user, tty, host))
}

/// `pts/0`, `tty1`, `ssh:notty`, `:0`, `console`, `ftpd4711`, `system boot`.
pub fn is_terminal(text: &str) -> bool {
    if SPACED.contains(&text) || text.starts_with("(to lvl ") {
        return true;
    }
    let known = [
        "pts/",
        "tty",
        "vc/",
        "hvc",
        "xvc",
        "ftpd",
        "vsftpd",
        "console",
        "pty",
        "rexec",
        "rlogin",
        "telnet",
        "web",
        "web console",
        "dtremote",
        "dtlocal",
        "lxc/",
        "cgi",
        "seat",
        "~",
        "ssh",
        "login",
        "sclp_line",
        "unknown",
        "?",
    ];
    let is_display = text.starts_with(':') && text.len() > 1;
    let is_service = text.split_once(':').is_some_and(|(service, rest)| {
        !service.is_empty()
            && !rest.is_empty()
            && service.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    !text.is_empty()
        && !text.contains("  ")
        && (is_display || is_service || known.iter().any(|start| text.starts_with(start)))
}

/// `wtmp begins Wed Jan  4 10:03:11 2023`: the file's name and the time of its oldest record. Some languages have
/// another word for it.
pub fn closing(line: &str) -> Option<(&str, Stamp)> {
    let line = line.trim();
    let (name, end) = word(line, 0)?;
    let (verb, end) = word(line, end)?;
    if verb != "begins" && !name.contains("tmp") {
        return None;
    }
    let rest = line.get(end..)?;
    let starts = memchr::memchr_iter(b' ', rest.as_bytes()).map(|at| at + 1);
    let found = starts.filter_map(|at| stamp::read(rest, at)).next();
    let (stamp, after) = found?;
    let is_last = rest.get(after..)?.trim().is_empty();
    (is_last && stamp.year.is_some()).then_some((name, stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// User, terminal, host, how it ended, seconds it lasted.
    type Cells<'a> = (&'a str, &'a str, &'a str, Option<Ended>, Option<i64>);

    fn check(line: &str, expected: Option<Cells<'_>>) {
        let got = read(line);
        let got = got.map(|row| (row.user, row.tty, row.host, row.end.ended, row.end.duration));
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn rows() {
        use Ended::{Crash, Down, Gone, Logout, Still};
        check(
            "dana     pts/0        192.0.2.7        Fri May 12 09:45   still logged in   ",
            Some(("dana", "pts/0", "192.0.2.7", Some(Still), None)),
        );
        check(
            "dana     tty1                          Fri May 12 09:45 - 10:00  (00:15)",
            Some(("dana", "tty1", "", Some(Logout), Some(900))),
        );
        check(
            "dana     pts/0        192.0.2.7        Fri May 12 09:45 - crash (1+00:15)",
            Some(("dana", "pts/0", "192.0.2.7", Some(Crash), Some(87_300))),
        );
        check(
            "dana     pts/0        192.0.2.7        Fri May 12 09:45 - down   (00:15)",
            Some(("dana", "pts/0", "192.0.2.7", Some(Down), Some(900))),
        );
        check(
            "dana     pts/0        192.0.2.7        Fri May 12 09:45    gone - no logout",
            Some(("dana", "pts/0", "192.0.2.7", Some(Gone), None)),
        );
        check(
            "reboot   system boot  5.14.0-284.el9.x Fri May 12 09:45   still running",
            Some((
                "reboot",
                "system boot",
                "5.14.0-284.el9.x",
                Some(Still),
                None,
            )),
        );
        check(
            "runlevel (to lvl 3)   5.14.0-284.el9.x Fri May 12 09:45:11 2023 - Fri May 12 09:46:11 2023  (00:01)",
            Some((
                "runlevel",
                "(to lvl 3)",
                "5.14.0-284.el9.x",
                Some(Logout),
                Some(60),
            )),
        );
        check(
            "a-long-account pts/0        2001:db8:85a3:8d:1319:8a2e:370:7348 Fri May 12 09:45 - 10:00  (00:15)",
            Some((
                "a-long-account",
                "pts/0",
                "2001:db8:85a3:8d:1319:8a2e:370:7348",
                Some(Logout),
                Some(900),
            )),
        );
        check(
            "dana     pts/0        Fri May 12 09:45 - 10:00  (00:15)     host.example.net",
            Some(("dana", "pts/0", "host.example.net", Some(Logout), Some(900))),
        );
        check(
            "dana     pts/0        2023-05-12T09:45:11+08:00 - 2023-05-12T10:00:11+08:00  (00:15)     192.0.2.7",
            Some(("dana", "pts/0", "192.0.2.7", Some(Logout), Some(900))),
        );
        check(
            "dana pts/0 192.0.2.7 Fri May 12 09:45 - 10:00 (00:15)",
            Some(("dana", "pts/0", "192.0.2.7", Some(Logout), Some(900))),
        );
        check(
            "         ssh:notty    203.0.113.44     Fri May 12 09:45 - 09:45  (00:00)    ",
            Some(("", "ssh:notty", "203.0.113.44", Some(Logout), Some(0))),
        );
        check(
            "Fri May  ssh:notty    203.0.113.44     Fri May 12 09:45 - 09:45  (00:00)    ",
            Some((
                "Fri May",
                "ssh:notty",
                "203.0.113.44",
                Some(Logout),
                Some(0),
            )),
        );
    }

    #[test]
    fn what_is_no_row() {
        for line in [
            "root             pts/0    192.0.2.7        Fri May 12 09:45:11 +0800 2023",
            "    1 Fri May 12 09:45:11 2023 /sbin/init",
            "dana     pts/0        2023-05-12 09:45 (192.0.2.7)",
            "wtmp begins Wed Jan  4 10:03:11 2023",
            "Fri May 12 09:45:11 CST 2023",
            "",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn closing_lines() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(closing(line).map(|(name, _)| name), expected, "{line}");
        };
        check("wtmp begins Wed Jan  4 10:03:11 2023", Some("wtmp"));
        check(
            "btmp-20230501 begins Wed Jan  4 10:03:11 2023",
            Some("btmp-20230501"),
        );
        check("btmp.1 beginnt Wed Jan  4 10:03:11 2023", Some("btmp.1"));
        check("wtmp begins 2023-01-04T10:03:11+08:00", Some("wtmp"));
        check("day begins early", None);
    }
}
