//! One output of `last` or `lastb`: rows are held until its closing line, which dates them and tells what they are.

use chrono::{NaiveDateTime, TimeDelta};
use coldcase_model::{Place, Precision, Sink, Timestamp, When};

use super::row::{self, End, HOST, Row};
use super::stamp::Stamp;
use super::years;
use crate::Clock;
use crate::formats::logins::login::{Change, Ended, Login};
use crate::formats::logins::peer::Peer;

/// Most text that is held; rows beyond it are dated without the closing line.
const MOST_HELD: usize = 64 << 20;

/// What the rows' logins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// They succeeded.
    Sessions,
    /// They failed.
    Failures,
    /// Nothing says.
    Unknown,
}

struct Held {
    number: u64,
    text: Box<str>,
}

/// An output while it is read.
pub struct Section<'c> {
    clock: &'c Clock,
    name: &'c str,
    rows: Vec<Held>,
    bytes: usize,
    /// What the command above says.
    called: Option<Tells>,
    /// Whether hosts are not cut.
    wide: bool,
    /// Whether busybox's heading stood above: then rows may lack the weekday.
    pub headed: bool,
    /// The oldest time of rows that were let go.
    reached: Option<NaiveDateTime>,
    told: bool,
}

impl<'c> Section<'c> {
    /// Of a file of this name.
    pub fn new(name: &'c str, clock: &'c Clock) -> Self {
        Self {
            clock,
            name,
            rows: Vec::new(),
            bytes: 0,
            called: None,
            wide: false,
            headed: false,
            reached: None,
            told: false,
        }
    }

    /// The command that made what follows.
    pub fn called(&mut self, words: &[&str]) {
        let tool = words.first().map(|word| word.rsplit('/').next());
        let mut tells = match tool.flatten() {
            Some("lastb") => Tells::Failures,
            _ => Tells::Sessions,
        };
        for word in words.iter().skip(1) {
            if word.contains("btmp") {
                tells = Tells::Failures;
            }
            let short = word.starts_with('-') && !word.starts_with("--");
            self.wide |= *word == "--fullnames" || (short && word.contains('w'));
        }
        self.called = Some(tells);
    }

    /// A row.
    pub fn row(&mut self, number: u64, text: &str, sink: &mut dyn Sink) {
        sink.used(1);
        self.bytes += text.len() + size_of::<Held>();
        self.rows.push(Held {
            number,
            text: text.into(),
        });
        if self.bytes > MOST_HELD {
            self.emit(None, sink);
        }
    }

    /// The end of the output, with its closing line where there is one.
    pub fn finish(&mut self, closing: Option<(&str, Stamp)>, sink: &mut dyn Sink) {
        self.emit(closing, sink);
        *self = Self {
            told: self.told,
            ..Self::new(self.name, self.clock)
        };
    }

    fn emit(&mut self, closing: Option<(&str, Stamp)>, sink: &mut dyn Sink) {
        let held = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let headed = self.headed;
        let rows: Vec<(u64, Row<'_>)> = held
            .iter()
            .filter_map(|held| {
                let row = row::read(&held.text)
                    .or_else(|| headed.then(|| row::read_simple(&held.text)).flatten());
                Some((held.number, row?))
            })
            .collect();
        if rows.is_empty() {
            return;
        }
        let tells = self.tells(&rows, closing.map(|(name, _)| name));
        self.wide |= rows
            .iter()
            .any(|(_, row)| !row.host_last && row.host.len() > HOST);
        let stamps: Vec<Stamp> = rows.iter().map(|(_, row)| row.stamp).collect();
        let begins = closing.and_then(|(_, stamp)| stamp.in_year(stamp.year?));
        let newest = match self.reached {
            Some(reached) => Some(reached),
            None => self.clock.collected_at.map(|at| self.clock.zone.local(at)),
        };
        let locals = years::settle(&stamps, newest, begins);
        self.reached = locals.iter().rev().find_map(|local| *local).or(newest);
        for ((number, row), local) in rows.iter().zip(locals) {
            self.emit_row(*number, row, local, tells, sink);
        }
    }

    fn tells(&self, rows: &[(u64, Row<'_>)], closing: Option<&str>) -> Tells {
        let by_name = |name: &str| {
            let name = name.to_ascii_lowercase();
            if name.contains("btmp") || name.contains("lastb") {
                Some(Tells::Failures)
            } else if name.contains("wtmp") || name.contains("utmp") || name.contains("last") {
                Some(Tells::Sessions)
            } else {
                None
            }
        };
        let by_rows = || {
            let any = |test: fn(&Row<'_>) -> bool| rows.iter().any(|(_, row)| test(row));
            if any(|row| row.tty.ends_with(":notty")) {
                Some(Tells::Failures)
            } else if any(is_of_sessions) {
                Some(Tells::Sessions)
            } else {
                None
            }
        };
        closing
            .and_then(by_name)
            .or(self.called)
            .or_else(by_rows)
            .or_else(|| by_name(self.name))
            .unwrap_or(Tells::Unknown)
    }

    fn emit_row(
        &mut self,
        number: u64,
        row: &Row<'_>,
        local: Option<NaiveDateTime>,
        tells: Tells,
        sink: &mut dyn Sink,
    ) {
        let place = Place::Line(number);
        let when = local.and_then(|local| instant(&row.stamp, local, self.clock));
        if when.is_none() && !std::mem::replace(&mut self.told, true) {
            let warning = "rows whose year nothing gives: their times stay unknown";
            sink.warn(place, warning.to_owned());
        }
        if let Some(change) = change(row, when) {
            sink.event(&change.event(when, place));
            return;
        }
        let success = match tells {
            _ if row.tty.ends_with(":notty") => Some(false),
            Tells::Failures => Some(false),
            Tells::Sessions => Some(true),
            Tells::Unknown => None,
        };
        let peer = if row.host_last || self.wide {
            Peer::whole(row.host)
        } else {
            Peer::in_column(row.host, HOST)
        };
        let lasted = success != Some(false);
        let end = local.and_then(|local| end_of(&row.end, when?, local, self.clock));
        let login = Login {
            when,
            end: end.filter(|_| lasted),
            ended: row.end.ended.filter(|_| lasted),
            success,
            user: row.user.into(),
            tty: row.tty.into(),
            peer,
            ..Login::default()
        };
        sink.event(&login.event(place));
    }
}

/// Whether a row can't be of failed attempts.
fn is_of_sessions(row: &Row<'_>) -> bool {
    let lasted = row.end.duration.is_some_and(|seconds| seconds != 0);
    let open = matches!(
        row.end.ended,
        Some(Ended::Still | Ended::Crash | Ended::Down)
    );
    lasted || open || row.tty.starts_with("pts/") || row.tty == "system boot"
}

fn change<'a>(row: &Row<'a>, when: Option<When>) -> Option<Change<'a>> {
    let kernel = row.host;
    let at = when.map(|when| when.ts);
    Some(match (row.user, row.tty) {
        (_, "system boot") | ("reboot", "~") => Change::Boot { kernel },
        (_, "system down") | ("shutdown", "~") => Change::Shutdown { kernel },
        (_, "new time") => Change::Clock {
            before: None,
            after: at,
        },
        (_, "old time") => Change::Clock {
            before: at,
            after: None,
        },
        (_, tty) => {
            let level = tty.strip_prefix("(to lvl ")?;
            Change::RunLevel {
                level: level.chars().next()?,
                before: None,
            }
        }
    })
}

/// The instant of a local time that a stamp and a year gave.
pub fn instant(stamp: &Stamp, local: NaiveDateTime, clock: &Clock) -> Option<When> {
    match (stamp.offset, stamp.year) {
        (Some(offset), _) => {
            let utc = local.and_utc() - TimeDelta::seconds(offset.into());
            Some(clock.recorded(Timestamp::from_utc(utc)?, stamp.precision))
        }
        (None, Some(_)) => clock.local(local, stamp.precision),
        (None, None) => clock.local_yearless(local, stamp.precision),
    }
}

/// When a session that began at this local time ended.
fn end_of(end: &End, began: When, local: NaiveDateTime, clock: &Clock) -> Option<Timestamp> {
    let lasted = TimeDelta::seconds(end.duration.unwrap_or(0));
    let at = if let Some(stamp) = &end.stamp {
        instant(stamp, stamp.in_year(stamp.year?)?, clock)?.ts
    } else if let Some(time) = end.time {
        let near = local.checked_add_signed(lasted)?;
        let days = [-1, 0, 1].map(|days| TimeDelta::days(days));
        let candidates = days
            .into_iter()
            .filter_map(|days| Some(near.date().checked_add_signed(days)?.and_time(time)));
        let nearest = candidates
            .filter(|candidate| end.duration.is_some() || *candidate >= local)
            .min_by_key(|candidate| (*candidate - near).abs())?;
        clock.local(nearest, Precision::Min)?.ts
    } else if end.ended == Some(Ended::Down) {
        began.ts.plus_seconds(end.duration?)
    } else {
        return None;
    };
    (at >= began.ts).then_some(at)
}
