//! The table of `w`, and the line of `uptime` above it.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use coldcase_model::{Event, Place, Precision, When};

use crate::Clock;
use crate::formats::logins::last::row::is_terminal;
use crate::formats::logins::last::stamp::{self, word};
use crate::formats::logins::login::{Ended, Login};
use crate::formats::logins::peer::Peer;

/// Columns of the heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    /// Width of FROM; `None` without that column.
    from: Option<usize>,
    /// Whether LOGIN@ is there (`-s` leaves it out).
    login: bool,
    /// Whether IDLE is there.
    idle: bool,
    /// Columns of numbers between LOGIN@ or FROM and WHAT.
    numbers: usize,
    /// Where WHAT begins.
    what: usize,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    user: &'a str,
    tty: &'a str,
    from: &'a str,
    login: Option<&'a str>,
    idle: Option<&'a str>,
    what: &'a str,
}

impl Heading {
    /// Reads `USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT`.
    pub fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().take(12).collect();
        let has = |word: &str| words.contains(&word);
        let is_one = words.first() == Some(&"USER")
            && words.get(1) == Some(&"TTY")
            && words.last() == Some(&"WHAT")
            && (has("LOGIN@") || (has("IDLE") && has("FROM")));
        if !is_one {
            return None;
        }
        let at = |word: &str| line.find(word);
        let behind = at("LOGIN@").or_else(|| at("IDLE"))?;
        Some(Self {
            from: at("FROM").and_then(|from| behind.checked_sub(from + 1)),
            login: has("LOGIN@"),
            idle: has("IDLE"),
            numbers: ["IDLE", "JCPU", "PCPU"]
                .iter()
                .filter(|column| has(column))
                .count(),
            what: at("WHAT")?,
        })
    }

    /// A row below it.
    pub fn row(self, line: &str) -> Option<Row<'_>> {
        let (user, end) = word(line, 0).filter(|_| !line.starts_with(' '))?;
        let (mut next, mut end) = word(line, end)?;
        let mut row = Row {
            user,
            tty: "",
            from: "",
            login: None,
            idle: None,
            what: "",
        };
        if is_terminal(next) || next == "-" {
            row.tty = if next == "-" { "" } else { next };
            (next, end) = word(line, end)?;
        }
        let is_login = |word: &str| !self.login || is_moment(word);
        if self.from.is_some() && (!self.login || !is_login(next)) {
            row.from = next;
            (next, end) = word(line, end)?;
        }
        if self.login {
            row.login = Some(next).filter(|word| is_moment(word));
            row.login?;
        } else {
            end -= next.len();
        }
        let numbers = end;
        if self.idle {
            row.idle = word(line, end).map(|(idle, _)| idle);
        }
        row.what = self.what_of(line, numbers)?;
        Some(row)
    }

    /// The command: below its heading, or behind the numbers where a row does not keep to it.
    fn what_of(self, line: &str, numbers: usize) -> Option<&str> {
        let before = line.as_bytes().get(self.what.checked_sub(1)?);
        if before == Some(&b' ')
            && let Some(what) = line.get(self.what..)
            && !what.starts_with(' ')
        {
            return Some(what.trim_end());
        }
        let mut end = numbers;
        for _ in 0..self.numbers {
            end = word(line, end).map_or(end, |(_, end)| end);
        }
        Some(line.get(end..)?.trim())
    }
}

/// Whether a word is a login's time as `w` shows it.
fn is_moment(word: &str) -> bool {
    moment(word, NaiveDateTime::default()).is_some()
}

/// `09:45`, `9:45am`, `Fri18`, `12May23`, seen from a moment.
fn moment(text: &str, now: NaiveDateTime) -> Option<(NaiveDateTime, Precision)> {
    if let Some(time) = clock_time(text) {
        let today = now.date().and_time(time);
        let at = if today > now {
            today - TimeDelta::days(1)
        } else {
            today
        };
        return Some((at, Precision::Min));
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(weekday) = text.get(..3).and_then(stamp::weekday) {
        let hour = text
            .get(3..)
            .filter(|hour| digits(hour) || hour.ends_with('m'))?;
        let hour = match hour.strip_suffix("am").or_else(|| hour.strip_suffix("pm")) {
            Some(half) => half.parse::<u32>().ok()? % 12 + 12 * u32::from(hour.ends_with("pm")),
            None => hour.parse().ok()?,
        };
        let time = NaiveTime::from_hms_opt(hour, 0, 0)?;
        let back = (now.weekday().num_days_from_monday() + 7 - weekday) % 7;
        let mut at = now.date().and_time(time) - TimeDelta::days(back.into());
        if at > now {
            at -= TimeDelta::days(7);
        }
        // The hour is known, which is more than a day; no precision stands between.
        return Some((at, Precision::Day));
    }
    let (day, rest) = text.split_at_checked(2)?;
    let (month, year) = rest.split_at_checked(3)?;
    let year: i32 = year
        .parse()
        .ok()
        .filter(|_| year.len() == 2 && digits(year))?;
    let date = NaiveDate::from_ymd_opt(2000 + year, stamp::month(month)?, day.parse().ok()?)?;
    Some((date.and_time(NaiveTime::MIN), Precision::Day))
}

fn clock_time(text: &str) -> Option<NaiveTime> {
    let (clock, half) = match text.strip_suffix("am") {
        Some(clock) => (clock, Some(0)),
        None => match text.strip_suffix("pm") {
            Some(clock) => (clock, Some(12)),
            None => (text, None),
        },
    };
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute): (u32, u32) = match (hour.len(), minute.len()) {
        (1 | 2, 2) => (hour.parse().ok()?, minute.parse().ok()?),
        _ => return None,
    };
    let hour = half.map_or(hour, |half| hour % 12 + half);
    NaiveTime::from_hms_opt(hour, minute, 0)
}

/// The time of day in ` 10:25:20 up 16:03,  2 users,  load average: 0.00, 0.01, 0.05`.
pub fn uptime(line: &str) -> Option<NaiveTime> {
    let (time, end) = word(line, 0)?;
    let (up, _) = word(line, end)?;
    let is_one = up == "up" && line.contains("load average");
    let (time, _) = stamp::time_of_day(time).filter(|_| is_one)?;
    Some(time)
}

/// The tables of a file.
pub struct Table<'c> {
    pub clock: &'c Clock,
    pub heading: Option<Heading>,
    now: Option<NaiveDateTime>,
}

impl<'c> Table<'c> {
    /// Seen at the moment of collection, as long as no line says more.
    pub fn new(clock: &'c Clock) -> Self {
        Self {
            clock,
            heading: None,
            now: clock.collected_at.map(|at| clock.zone.local(at)),
        }
    }

    /// The output was made at this time of day, on the day that brings it nearest to the collection.
    pub fn at(&mut self, time: NaiveTime) {
        let collected = self.clock.collected_at.map(|at| self.clock.zone.local(at));
        self.now = collected.and_then(|collected| {
            let days = [-1, 0, 1].map(TimeDelta::days);
            days.into_iter()
                .filter_map(|days| Some(collected.date().checked_add_signed(days)?.and_time(time)))
                .min_by_key(|at| (*at - collected).abs())
        });
    }

    /// The event of a row of `w`.
    pub fn event<'a>(&self, line: &'a str, number: u64) -> Option<Event<'a>> {
        let heading = self.heading?;
        let row = heading.row(line)?;
        let peer = Peer::in_column(row.from, heading.from.unwrap_or(16));
        let login = Login {
            when: row.login.and_then(|login| self.when(login)),
            ended: Some(Ended::Still),
            success: Some(true),
            user: Cow::Borrowed(row.user),
            tty: Cow::Borrowed(row.tty),
            peer,
            command: (!row.what.is_empty()).then_some(Cow::Borrowed(row.what)),
            idle: row.idle.map(Cow::Borrowed),
            ..Login::default()
        };
        Some(login.event(Place::Line(number)))
    }

    fn when(&self, login: &str) -> Option<When> {
        let (at, precision) = moment(login, self.now?)?;
        self.clock.local_yearless(at, precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let now: NaiveDateTime = "2023-05-12T10:25:20".parse().expect("a time");
        let check = |text: &str, expected: Option<&str>| {
            let got = moment(text, now).map(|(at, _)| at.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        check("09:53", Some("2023-05-12 09:53:00"));
        check("23:10", Some("2023-05-11 23:10:00"));
        check("9:53am", Some("2023-05-12 09:53:00"));
        check("11:53pm", Some("2023-05-11 23:53:00"));
        check("Mon18", Some("2023-05-08 18:00:00"));
        check("Fri18", Some("2023-05-05 18:00:00"));
        check("Fri09", Some("2023-05-12 09:00:00"));
        check("12Apr23", Some("2023-04-12 00:00:00"));
        check("192.0.2.7", None);
        check("-", None);
        check("12:70", None);
    }

    #[test]
    fn rows() {
        let wide = "USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT";
        let check = |heading: &str, line: &str, expected: Option<[&str; 6]>| {
            let heading = Heading::read(heading).expect("a heading");
            let got = heading.row(line).map(|row| {
                let (login, idle) = (row.login.unwrap_or("-"), row.idle.unwrap_or("-"));
                [row.user, row.tty, row.from, login, idle, row.what]
            });
            assert_eq!(got, expected, "{line}");
        };
        check(
            wide,
            "dana     ttyS0                     Fri18   32:16   2.66s  2.66s -bash",
            Some(["dana", "ttyS0", "", "Fri18", "32:16", "-bash"]),
        );
        check(
            wide,
            "dana     pts/0    192.0.2.7        09:53    8.00s  0.10s  0.00s vim my notes",
            Some([
                "dana",
                "pts/0",
                "192.0.2.7",
                "09:53",
                "8.00s",
                "vim my notes",
            ]),
        );
        check(
            wide,
            "dana pts/0 192.0.2.7 09:53 8.00s 0.10s 0.00s vim my notes",
            Some([
                "dana",
                "pts/0",
                "192.0.2.7",
                "09:53",
                "8.00s",
                "vim my notes",
            ]),
        );
        check(
            "USER     TTY       LOGIN@   IDLE   JCPU   PCPU WHAT",
            "dana     pts/0     09:53    8.00s  0.10s  0.00s w",
            Some(["dana", "pts/0", "", "09:53", "8.00s", "w"]),
        );
        check(
            "USER     TTY      FROM              IDLE WHAT",
            "dana     pts/0    192.0.2.7         8.00s w -s",
            Some(["dana", "pts/0", "192.0.2.7", "-", "8.00s", "w -s"]),
        );
        check(
            wide,
            "Filesystem      Size  Used Avail Use% Mounted on",
            None,
        );
    }
}
