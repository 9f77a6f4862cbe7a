//! Rows of `who`.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use coldcase_model::{Event, Place, Precision, When};

use crate::Clock;
use crate::formats::logins::last::row::is_terminal;
use crate::formats::logins::last::section::instant;
use crate::formats::logins::last::stamp::{self, Stamp, word};
use crate::formats::logins::last::years;
use crate::formats::logins::login::{Change, Ended, Login, logout, remark};
use crate::formats::logins::peer::Peer;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About<'a> {
    Boot,
    RunLevel(char),
    ClockChange,
    Session {
        user: &'a str,
        tty: &'a str,
    },
    /// A prompt that waits.
    Prompt(&'a str),
    /// A terminal that is free again.
    Dead(&'a str),
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    about: About<'a>,
    stamp: Stamp,
    idle: Option<&'a str>,
    pid: Option<i64>,
    host: &'a str,
    exit: Option<i64>,
}

/// `NAME     LINE         TIME             COMMENT`: `Some(false)`; busybox's `USER TTY IDLE TIME HOST`: `Some(true)`.
pub fn heading(line: &str) -> Option<bool> {
    let mut words = line.split_whitespace();
    match [words.next()?, words.next()?, words.next()?] {
        ["NAME", "LINE", "TIME"] | ["NAME", "S", "LINE"] => Some(false),
        ["USER", "TTY", "IDLE"] if words.next() == Some("TIME") => Some(true),
        _ => None,
    }
}

/// Reads a row; `None` where the line is none.
pub fn read(line: &str, busy: bool) -> Option<Row<'_>> {
    let line = line.trim_end();
    let (at, stamp, end) = anchor(line)?;
    let head = line.get(..at)?;
    let tail = line.get(end..)?;
    let mut row = Row {
        about: about(head, busy)?,
        stamp,
        idle: None,
        pid: None,
        host: "",
        exit: None,
    };
    if busy {
        row.idle = head.split_whitespace().nth(2);
        row.host = tail.trim();
        return Some(row);
    }
    row.fill(tail)?;
    Some(row)
}

/// The first time in the line: `2023-05-12 09:45`, `May 12 09:45`, `2023-05-12T09:45`.
fn anchor(line: &str) -> Option<(usize, Stamp, usize)> {
    memchr::memchr_iter(b' ', line.as_bytes())
        .map(|at| at + 1)
        .find_map(|at| {
            let (stamp, end) = match line.as_bytes().get(at)? {
                b'0'..=b'9' => dated(line, at)?,
                b'A'..=b'Z' => stamp::read_month(line, at)?,
                _ => return None,
            };
            Some((at, stamp, end))
        })
}

fn dated(line: &str, at: usize) -> Option<(Stamp, usize)> {
    let (date, end) = word(line, at)?;
    let date: chrono::NaiveDate = date.parse().ok().filter(|_| date.len() == 10)?;
    let (time, end) = word(line, end)?;
    let (time, precision) = stamp::time_of_day(time)?;
    let stamp = Stamp {
        year: Some(chrono::Datelike::year(&date)),
        month: chrono::Datelike::month(&date),
        day: chrono::Datelike::day(&date),
        time,
        precision,
        offset: None,
        weekday: None,
    };
    Some((stamp, end))
}

fn about(head: &str, busy: bool) -> Option<About<'_>> {
    let trimmed = head.trim();
    if head.starts_with(' ') {
        return match trimmed {
            "system boot" => Some(About::Boot),
            "clock change" => Some(About::ClockChange),
            tty if !tty.contains(' ') && is_terminal(tty) => Some(About::Dead(tty)),
            other => {
                let level = other.strip_prefix("run-level ")?;
                Some(About::RunLevel(level.trim().chars().next()?))
            }
        };
    }
    let mut words = trimmed.split_whitespace();
    let (user, mut tty) = (words.next()?, words.next()?);
    if matches!(tty, "+" | "-" | "?") {
        tty = words.next()?;
    }
    let left = words.count();
    if left > usize::from(busy) || !is_terminal(tty) {
        return None;
    }
    Some(match user {
        "LOGIN" => About::Prompt(tty),
        user => About::Session { user, tty },
    })
}

impl<'a> Row<'a> {
    /// Reads what follows the time: idle time, process, and a host in brackets or a remark.
    fn fill(&mut self, tail: &'a str) -> Option<()> {
        let (before, host) = match tail.split_once('(') {
            Some((before, host)) => (before, host.strip_suffix(')').unwrap_or(host)),
            None => (tail, ""),
        };
        self.host = host.trim();
        for word in before.split_whitespace() {
            if let Ok(pid) = word.parse() {
                self.pid = Some(pid);
            } else if let Some(exit) = word.strip_prefix("exit=") {
                self.exit = exit.parse().ok().filter(|exit| *exit != 0);
            } else if matches!(word, "." | "old" | "?") || stamp::time_of_day(word).is_some() {
                self.idle = Some(word);
            } else if !word.contains('=') && !matches!(self.about, About::RunLevel(_)) {
                return None;
            }
        }
        Some(())
    }

    /// The row's event.
    pub fn event(self, number: u64, clock: &Clock) -> Event<'a> {
        let place = Place::Line(number);
        let when = self.when(clock);
        match self.about {
            About::Boot => Change::Boot { kernel: "" }.event(when, place),
            About::RunLevel(level) => Change::RunLevel {
                level,
                before: None,
            }
            .event(when, place),
            About::ClockChange => Change::Clock {
                before: None,
                after: when.map(|when| when.ts),
            }
            .event(when, place),
            About::Prompt(tty) => {
                let message = format!("a login prompt waits on {tty}");
                remark(when, message, tty, self.pid, place)
            }
            About::Dead(tty) => logout(when, "", tty, self.pid, self.exit, place),
            About::Session { user, tty } => Login {
                when,
                ended: Some(Ended::Still),
                success: Some(true),
                user: Cow::Borrowed(user),
                tty: Cow::Borrowed(tty),
                peer: Peer::whole(self.host),
                pid: self.pid,
                idle: self.idle.map(Cow::Borrowed),
                ..Login::default()
            }
            .event(place),
        }
    }

    fn when(&self, clock: &Clock) -> Option<When> {
        let stamp = Stamp {
            precision: self.stamp.precision.max(Precision::S),
            ..self.stamp
        };
        let local: NaiveDateTime = match stamp.year {
            Some(year) => stamp.in_year(year)?,
            None => {
                let newest = clock.zone.local(clock.collected_at?);
                years::nearest(&stamp, newest, -1)?
            }
        };
        instant(&stamp, local, clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the row is about, its idle time, process and host.
    fn check(line: &str, expected: Option<(About<'_>, Option<&str>, Option<i64>, &str)>) {
        let got = read(line, false).map(|row| (row.about, row.idle, row.pid, row.host));
        assert_eq!(got, expected, "{line}");
    }

    #[test]
    fn rows() {
        let session = |user, tty| About::Session { user, tty };
        check(
            "dana     pts/0        2023-05-12 09:45 (192.0.2.7)",
            Some((session("dana", "pts/0"), None, None, "192.0.2.7")),
        );
        check(
            "dana     pts/0        May 12 09:45 (192.0.2.7 via mosh [31])",
            Some((
                session("dana", "pts/0"),
                None,
                None,
                "192.0.2.7 via mosh [31]",
            )),
        );
        check(
            "dana     + pts/0        2023-05-12 09:45 00:11        3709 (192.0.2.7)",
            Some((
                session("dana", "pts/0"),
                Some("00:11"),
                Some(3709),
                "192.0.2.7",
            )),
        );
        check(
            "           system boot  2023-02-11 02:11",
            Some((About::Boot, None, None, "")),
        );
        check(
            "           run-level 5  2023-02-11 02:11                   last=S",
            Some((About::RunLevel('5'), None, None, "")),
        );
        check(
            "LOGIN      tty1         2023-02-11 02:11               841 id=tty1",
            Some((About::Prompt("tty1"), None, Some(841), "")),
        );
        check(
            "           pts/1        2023-02-11 02:11              3381 id=ts/1  term=0 exit=0",
            Some((About::Dead("pts/1"), None, Some(3381), "")),
        );
    }

    #[test]
    fn what_is_no_row() {
        check("-rw-r--r-- 1 root root 5 May 12 09:45 pts/0", None);
        check(
            "dana     pts/0        192.0.2.7  Fri May 12 09:45   still logged in",
            None,
        );
        check("2023-05-12 09:45 tty1 is free", None);
        check("May 12 09:45:11 host sshd[1]: x", None);
    }
}
