//! The times that `last` and its kin print.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::Precision;

/// Month and day with perhaps a year, and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Where the text has one.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// Of the day.
    pub time: NaiveTime,
    /// Seconds, or minutes.
    pub precision: Precision,
    /// Seconds east of UTC, where the text says.
    pub offset: Option<i32>,
    /// 0 is Monday.
    pub weekday: Option<u32>,
}

impl Stamp {
    /// The local date and time in a year; `None` where the year has no such date or weekday.
    pub fn in_year(&self, year: i32) -> Option<NaiveDateTime> {
        let date = NaiveDate::from_ymd_opt(year, self.month, self.day)?;
        let fits = self
            .weekday
            .is_none_or(|weekday| date.weekday().num_days_from_monday() == weekday);
        fits.then(|| date.and_time(self.time))
    }
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// 0 is Monday.
pub fn weekday(word: &str) -> Option<u32> {
    index(&WEEKDAYS, word)
}

/// 1 is January; also `5月`.
pub fn month(word: &str) -> Option<u32> {
    if let Some(number) = word.strip_suffix('月') {
        return number.parse().ok().filter(|month| (1..=12).contains(month));
    }
    Some(index(&MONTHS, word)? + 1)
}

fn index(words: &[&str], word: &str) -> Option<u32> {
    let at = words.iter().position(|known| *known == word)?;
    u32::try_from(at).ok()
}

/// A word and where it ends, behind blanks.
pub fn word(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at..)?;
    let start = at + rest.len() - rest.trim_start_matches(' ').len();
    let rest = text.get(start..)?;
    let end = start + rest.find([' ', '\t']).unwrap_or(rest.len());
    let word = text.get(start..end)?;
    (!word.is_empty()).then_some((word, end))
}

/// `Fri May 12 09:45`, `Fri May 12 09:45:11 2023`, `2023-05-12T09:45:11+08:00` at this place, and its end.
pub fn read(text: &str, at: usize) -> Option<(Stamp, usize)> {
    let (first, end) = word(text, at)?;
    if first.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((iso(first)?, end));
    }
    let weekday = weekday(first)?;
    let (mut stamp, end) = read_month(text, end)?;
    stamp.weekday = Some(weekday);
    Some((stamp, end))
}

/// `May 12 09:45` and what may follow it.
pub fn read_month(text: &str, at: usize) -> Option<(Stamp, usize)> {
    let (name, end) = word(text, at)?;
    let month = month(name)?;
    let (day, end) = word(text, end)?;
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let (time, mut end) = word(text, end)?;
    let (time, precision) = time_of_day(time)?;
    let mut year = None;
    if precision == Precision::S
        && let Some((word, after)) = word(text, end)
        && let Some(given) = full_year(word)
    {
        year = Some(given);
        end = after;
    }
    let stamp = Stamp {
        year,
        month,
        day,
        time,
        precision,
        offset: None,
        weekday: None,
    };
    Some((stamp, end))
}

/// A year of four digits.
pub fn full_year(word: &str) -> Option<i32> {
    let is_year = word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let year = word.parse().ok().filter(|_| is_year)?;
    (1970..2200).contains(&year).then_some(year)
}

/// `09:45`, `09:45:11`.
pub fn time_of_day(word: &str) -> Option<(NaiveTime, Precision)> {
    let two = |at: usize| {
        let digits = word.get(at..at + 2)?;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| are_digits)
    };
    let colon = |at: usize| word.as_bytes().get(at) == Some(&b':');
    let (hour, minute) = (two(0)?, two(3).filter(|_| colon(2))?);
    match word.len() {
        5 => Some((NaiveTime::from_hms_opt(hour, minute, 0)?, Precision::Min)),
        8 if colon(5) => {
            let second = two(6)?.min(59);
            Some((NaiveTime::from_hms_opt(hour, minute, second)?, Precision::S))
        }
        _ => None,
    }
}

/// `2023-05-12T09:45:11+0800`, `2023-05-12T09:45:11,123456+08:00`.
fn iso(word: &str) -> Option<Stamp> {
    let (stamp, end) = crate::years::stamp::read(word.as_bytes())?;
    let is_all = end == word.len() && word.as_bytes().get(10) == Some(&b'T');
    let time = NaiveTime::from_num_seconds_from_midnight_opt(stamp.second, stamp.nanos)?;
    is_all.then_some(Stamp {
        year: stamp.year,
        month: stamp.month.into(),
        day: stamp.day.into(),
        time,
        precision: Precision::of_fraction_digits(stamp.digits.into()),
        offset: stamp.offset,
        weekday: None,
    })
}

/// A duration in brackets, in seconds: `(00:32)`, `(1+02:03)`, `(-2:-24)`. Exact to the minute.
pub fn duration(word: &str) -> Option<i64> {
    let inside = word.strip_prefix('(')?.strip_suffix(')')?;
    let (days, clock) = match inside.split_once('+') {
        Some((days, clock)) => (days.parse::<i64>().ok()?, clock),
        None => (0, inside),
    };
    let mut parts = clock.split(':');
    let (hours, minutes) = (parts.next()?, parts.next()?);
    let seconds = match parts.next() {
        Some(seconds) => seconds.parse::<i64>().ok()?,
        None => 0,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if days.abs() > 1_000_000 || hours.abs() > 100 || minutes.abs() > 60 {
        return None;
    }
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let got = read(text, 0).map(|(stamp, end)| {
                let at = stamp.in_year(stamp.year.unwrap_or(2023));
                (
                    at.map_or_else(String::new, |at| at.to_string()),
                    &text[end..],
                )
            });
            let expected = expected.map(|(at, rest)| (at.to_owned(), rest));
            assert_eq!(got, expected, "{text}");
        };
        check(
            "Fri May 12 09:45 - x",
            Some(("2023-05-12 09:45:00", " - x")),
        );
        check("Fri May  5 09:45", Some(("2023-05-05 09:45:00", "")));
        check("Thu May  5 09:45", Some(("", "")));
        check(
            "Fri May 12 09:45:11 2023 -",
            Some(("2023-05-12 09:45:11", " -")),
        );
        check(
            "2023-05-12T09:45:11+0800 -",
            Some(("2023-05-12 09:45:11", " -")),
        );
        check("2023-05-12 09:45", None);
        check("Fri May 12", None);
        check("Fri May 12 24:45", None);
    }

    #[test]
    fn durations() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(duration(text), expected);
        check("(00:32)", Some(1_920));
        check("(128+00:17)", Some(128 * 86_400 + 1_020));
        check("(-2:-24)", Some(-8_640));
        check("(00:00:07)", Some(7));
        check("(x)", None);
        check("(99999999999+00:00)", None);
    }
}
