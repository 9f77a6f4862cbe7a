//! Years of year-less logs. RFC 3164 stamps (`Mar  9 04:05:06`) carry none, so the year comes from what
//! surrounds them: the moment of collection, the rotation's dates (`secure-20230402`) and order (`.1` is newer
//! than `.2`, the live file newest), the log's own passing of New Year, dated lines or weekday names in it, and a
//! 29 February. Never from the clock of the machine that analyses.
//!
//! A file is surveyed first ([`survey`]), the years of a rotated series are inferred from its surveys together
//! ([`infer`]), and the reader then counts New Years by the same rule ([`Running`]). A clock set back by
//! minutes, hours or weeks is no New Year, nor is a record that arrives late in the first days of January.
//! What can't be told from a year-less log: a silence of more than a year, and a clock that started at 1 January.

use std::io::{self, Read};

use coldcase_model::Timestamp;

use crate::{Lines, Zone};

mod rotation;
pub mod stamp;

use rotation::{Age, rotation};
use stamp::{DAY, Stamp, date_of, days_of, is_leap};

/// A jump back by more days than this, over at least two months, is a New Year; a smaller one is a clock set
/// back or a late record. Plaso counts alike (more than one month back).
const WRAP_DAYS: i32 = 60;

/// How late, in days, the last record of December may still come after the first of January.
const LATE_DAYS: i32 = 3;

/// How much a stamp may lie beyond its bound: zones differ by up to a day, clocks are set back, and
/// logrotate's `dateyesterday` names a file by the day before.
const SLACK: i64 = 2 * DAY;

/// Years that are tried for one that fits a weekday or a leap day; both repeat well within.
const TRIED_YEARS: i32 = 60;

/// Hints kept of one file; the first few say all.
const HINTS: usize = 8;

/// A moment without its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mark {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Of the day.
    pub second: u32,
}

impl Mark {
    /// Seconds from 1970 by the log's own clock, if it was in this year.
    pub fn local(self, year: i32) -> i64 {
        days_of(year, self.month, self.day) * DAY + i64::from(self.second)
    }
}

impl From<&Stamp> for Mark {
    fn from(stamp: &Stamp) -> Self {
        Self {
            month: stamp.month,
            day: stamp.day,
            second: stamp.second,
        }
    }
}

/// Counts the New Years that a sequence of dates passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Running {
    last: Option<(u8, u8)>,
    /// New Years passed since the first date; below zero where a late record came first.
    pub wraps: i32,
}

impl Running {
    /// The next date.
    pub fn step(&mut self, month: u8, day: u8) {
        let Some((last_month, last_day)) = self.last.replace((month, day)) else {
            return;
        };
        if (last_month, last_day) == (month, day) {
            return;
        }
        let moved = day_of_year(month, day) - day_of_year(last_month, last_day);
        if moved < -WRAP_DAYS && month + 1 < last_month {
            self.wraps += 1;
        } else if moved >= 366 - LATE_DAYS {
            self.wraps -= 1;
        }
    }
}

/// Counted from 0 in a leap year.
fn day_of_year(month: u8, day: u8) -> i32 {
    i32::try_from(days_of(2000, month, day) - days_of(2000, 1, 1)).unwrap_or(0)
}

/// What one pass over a log's line heads shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Survey {
    /// First stamp without a year.
    pub first: Option<Mark>,
    /// Last stamp without a year.
    pub last: Option<Mark>,
    /// New Years passed between them.
    pub wraps: i32,
    /// First and last stamp with a year, in seconds from 1970 by the log's own clock.
    pub dated: Option<(i64, i64)>,
    /// Year of the first stamp without one, where a neighbour with a year gives it.
    pub anchored: Option<i32>,
    /// After how many New Years a 29 February occurs.
    pub leap_days: Vec<i32>,
    /// After how many New Years a month and day had this weekday (0 is Monday).
    pub weekdays: Vec<(i32, u8, u8, u8)>,
}

/// One pass over the line heads of a log. A reader that fails after some lines gives what these show.
pub fn survey(reader: &mut dyn Read) -> io::Result<Survey> {
    let mut lines = Lines::new(reader);
    let mut survey = Survey::default();
    let mut running = Running::default();
    let mut held = Held {
        head: [0; 40],
        length: 0,
    };
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line.bytes,
            Ok(None) => break,
            Err(_) if survey != Survey::default() => break,
            Err(error) => return Err(error),
        };
        if held.same_day(line) {
            held.keep(line);
            continue;
        }
        let Some(stamp) = stamp_of(line) else {
            continue;
        };
        if let Some(last) = held.stamp() {
            survey.end(&last);
        }
        held.keep(line);
        if stamp.year.is_none() {
            running.step(stamp.month, stamp.day);
        }
        survey.note(&stamp, running.wraps);
    }
    if let Some(last) = held.stamp() {
        survey.end(&last);
    }
    survey.wraps = running.wraps;
    Ok(survey)
}

/// The stamp of a line, past a `<PRI>` and RFC 5424's version; also klog's.
fn stamp_of(line: &[u8]) -> Option<Stamp> {
    let read = stamp::read(line.get(priority(line)..)?).map(|(stamp, _)| stamp);
    read.or_else(|| stamp::klog(line))
}

/// How long the `<PRI>` before a stamp is, with RFC 5424's version `1 `; also that version alone.
pub fn priority(line: &[u8]) -> usize {
    let mut at = 0;
    if line.first() == Some(&b'<') {
        let head = line.get(1..5).unwrap_or_default();
        match head.iter().position(|byte| *byte == b'>') {
            Some(digits) if digits > 0 && head.iter().take(digits).all(u8::is_ascii_digit) => {
                at = digits + 2;
            }
            _ => return 0,
        }
    }
    if line.get(at..at + 2) == Some(b"1 ") {
        at += 2;
    }
    at
}

/// The head of the last line with a stamp, so that lines of one day need no parsing.
struct Held {
    head: [u8; 40],
    length: usize,
}

impl Held {
    /// `Mar  9 ` and `2023-03-29`: as many bytes as name a day in the shapes that are most of all logs.
    fn same_day(&self, line: &[u8]) -> bool {
        let shape = match line.first() {
            Some(b'A'..=b'Z') => 7,
            Some(b'2') => 11,
            _ => return false,
        };
        match (line.get(..shape), self.head.get(..shape)) {
            (Some(new), Some(old)) => new == old && line.get(shape + 2) == Some(&b':'),
            _ => false,
        }
    }

    fn keep(&mut self, line: &[u8]) {
        let length = line.len().min(self.head.len());
        if let (Some(to), Some(from)) = (self.head.get_mut(..length), line.get(..length)) {
            to.copy_from_slice(from);
            self.length = length;
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        stamp_of(self.head.get(..self.length)?)
    }
}

impl Survey {
    /// The first stamp of a day.
    fn note(&mut self, stamp: &Stamp, wraps: i32) {
        let mark = Mark::from(stamp);
        let Some(year) = stamp.year else {
            if let (None, Some((_, latest))) = (self.anchored, self.dated) {
                self.anchored = nearest_year(mark, latest).map(|year| year - wraps);
            }
            self.first.get_or_insert(mark);
            self.hint(stamp, wraps);
            self.end(stamp);
            return;
        };
        if let (None, Some(last)) = (self.anchored, self.last) {
            let near = nearest_year(last, mark.local(year));
            self.anchored = near.map(|year| year - wraps);
        }
        self.end(stamp);
    }

    fn hint(&mut self, stamp: &Stamp, wraps: i32) {
        if (stamp.month, stamp.day) == (2, 29) && self.leap_days.len() < HINTS {
            self.leap_days.push(wraps);
        }
        if let Some(weekday) = stamp.weekday
            && self.weekdays.len() < HINTS
        {
            self.weekdays.push((wraps, stamp.month, stamp.day, weekday));
        }
    }

    /// The last stamp so far.
    fn end(&mut self, stamp: &Stamp) {
        let mark = Mark::from(stamp);
        match stamp.year {
            None => self.last = Some(mark),
            Some(year) => {
                let local = mark.local(year);
                let first = self.dated.map_or(local, |(first, _)| first);
                self.dated = Some((first, local));
            }
        }
    }

    /// First and last moment by the log's own clock, if its first year-less stamp was in this year.
    fn span(&self, first_year: Option<i32>) -> Option<(i64, i64)> {
        let yearless = || {
            let year = first_year?;
            let last = self.last?.local(year.saturating_add(self.wraps));
            Some((self.first?.local(year), last))
        };
        match (yearless(), self.dated) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        }
    }

    /// Whether the leap days and weekdays of the log fit this year of its first stamp.
    fn fits(&self, first_year: i32) -> bool {
        let leap = |wraps: &i32| is_leap(first_year.saturating_add(*wraps));
        let weekday = |(wraps, month, day, weekday): &(i32, u8, u8, u8)| {
            let days = days_of(first_year.saturating_add(*wraps), *month, *day);
            (days + 3).rem_euclid(7) == i64::from(*weekday)
        };
        self.leap_days.iter().all(leap) && self.weekdays.iter().all(weekday)
    }

    /// The candidate, or the next in this direction that leap days and weekdays allow.
    fn fitting(&self, candidate: i32, direction: i32) -> i32 {
        (0..TRIED_YEARS)
            .map(|step| candidate.saturating_add(step * direction))
            .find(|year| self.fits(*year))
            .unwrap_or(candidate)
    }

    /// The year that dated neighbours give, unless it would be later than the collection: then what looked like
    /// a dated line was part of a message.
    fn anchored_by(&self, collected: Option<i64>) -> Option<i32> {
        let year = self.anchored?;
        let last = self.last?.local(year.saturating_add(self.wraps));
        collected.is_none_or(|bound| last <= bound).then_some(year)
    }

    /// The newest year of the first stamp with which the last one is not after the bound.
    fn not_after(&self, bound: i64) -> Option<i32> {
        let last = self.last?;
        let (year, _, _) = date_of(bound.div_euclid(DAY))?;
        let year = if last.local(year) <= bound {
            year
        } else {
            year - 1
        };
        Some(self.fitting(year - self.wraps, -1))
    }

    /// The oldest year of the first stamp with which that is not before the bound.
    fn not_before(&self, bound: i64) -> Option<i32> {
        let first = self.first?;
        let (year, _, _) = date_of(bound.div_euclid(DAY))?;
        let year = if first.local(year) >= bound {
            year
        } else {
            year + 1
        };
        Some(self.fitting(year, 1))
    }
}

/// The year in which this mark is nearest to a moment.
pub fn nearest_year(mark: Mark, local: i64) -> Option<i32> {
    let (year, _, _) = date_of(local.div_euclid(DAY))?;
    (year - 1..=year + 1).min_by_key(|year| mark.local(*year).abs_diff(local))
}

/// One file of a rotated series.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// Path in the bundle.
    pub path: &'a str,
    /// What its line heads show.
    pub survey: Survey,
}

/// The year of each member's first stamp without one; `None` where nothing gives it.
pub fn infer(
    members: &[Member<'_>],
    collected_at: Option<Timestamp>,
    zone: Zone,
) -> Vec<Option<i32>> {
    let collected = collected_at.map(|at| zone.local(at).and_utc().timestamp() + SLACK / 2);
    let mut years: Vec<Option<i32>> = members
        .iter()
        .map(|member| member.survey.anchored_by(collected))
        .collect();
    let rotations: Vec<_> = members.iter().map(|member| rotation(member.path)).collect();
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|index| rotations.get(*index));
    let chains = order.chunk_by(|a, b| {
        let base = |index: &usize| rotations.get(*index).map(|rotation| rotation.base);
        base(a) == base(b)
    });
    for chain in chains {
        let links: Vec<Link<'_>> = chain
            .iter()
            .filter_map(|index| {
                Some(Link {
                    index: *index,
                    survey: &members.get(*index)?.survey,
                    age: rotations.get(*index)?.age,
                })
            })
            .collect();
        bound_from_above(&links, collected, &mut years);
        bound_from_below(&links, &mut years);
        bound_from_above(&links, collected, &mut years);
    }
    years
}

struct Link<'a> {
    index: usize,
    survey: &'a Survey,
    age: Age,
}

/// From the newest to the oldest: not after the collection, the date in its name, the next newer's first stamp.
fn bound_from_above(links: &[Link<'_>], collected: Option<i64>, years: &mut [Option<i32>]) {
    let mut bound = collected;
    for link in links {
        let Some(year) = years.get_mut(link.index) else {
            continue;
        };
        let dated = match link.age {
            Age::Dated(days, _) => Some(days.0 * DAY + DAY + SLACK / 2),
            _ => None,
        };
        let own = match (dated, bound) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if year.is_none() {
            *year = own.and_then(|bound| link.survey.not_after(bound));
        }
        if let Some((first, _)) = link.survey.span(*year) {
            bound = Some(first + SLACK / 2);
        } else if dated.is_some() {
            bound = own;
        }
    }
}

/// From the oldest to the newest: not before the last stamp of the next older.
fn bound_from_below(links: &[Link<'_>], years: &mut [Option<i32>]) {
    let mut bound: Option<i64> = None;
    for link in links.iter().rev() {
        let Some(year) = years.get_mut(link.index) else {
            continue;
        };
        if year.is_none() {
            *year = bound.and_then(|bound| link.survey.not_before(bound));
        }
        if let Some((_, last)) = link.survey.span(*year) {
            bound = Some(last - SLACK / 2);
        }
    }
}

#[cfg(test)]
mod tests;
