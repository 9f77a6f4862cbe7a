//! The times that listings write, and how they become instants.
//!
//! `ls` writes minutes for what changed within the last half of a mean Gregorian year (15,778,476 s,
//! coreutils `src/ls.c`) and no year with them; older and future files get their year and no clock.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::{Place, Precision, Sink, Timestamp, When};

use super::cursor::{Cursor, number};
use crate::Clock;

/// Half of 365.2425 days, in seconds: how long `ls` shows minutes instead of the year.
const RECENT: i64 = 31_556_952 / 2;
/// How far the listing's own `now` may be from the case's moment of collection, in seconds.
const TOLERANCE: i64 = 86_400;
/// How many years back a day is looked for: 29 February is missing for up to eight.
const YEARS_BACK: i32 = 9;

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const WEEKDAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// A time as the listing writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What is known of it.
    pub moment: Moment,
    /// How exact it is written.
    pub precision: Precision,
}

/// What is known of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Seconds since 1970 and nanoseconds after them: an epoch, or a local time with its offset.
    Instant(i64, u32),
    /// A local time without its offset.
    Local(NaiveDateTime),
    /// Month, day and time of day without a year.
    Yearless(u32, u32, NaiveTime),
}

/// How sure a text is to be a time and not some other column; later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A whole number that may be an epoch.
    Integer,
    /// An epoch with a fraction.
    Fraction,
    /// A date in words or digits.
    Text,
}

/// A date in words or digits as it stands in the time column of a long listing, with its end.
pub(super) fn written(text: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let mut cursor = Cursor::new(text, at);
    let stamp = match cursor.peek()? {
        b'0'..=b'9' => {
            let tries = [iso, month_day, chinese, day_month];
            tries.iter().find_map(|read| {
                let mut here = cursor;
                let stamp = read(&mut here)?;
                here.at_word_end().then_some(())?;
                cursor = here;
                Some(stamp)
            })?
        }
        _ => named_month(&mut cursor)?,
    };
    cursor.at_word_end().then_some((stamp, cursor.at))
}

/// Seconds since 1970, whole or with a fraction, with their end.
pub(super) fn epoch(text: &[u8], at: usize) -> Option<(Stamp, usize, Kind)> {
    let mut cursor = Cursor::new(text, at);
    let negative = cursor.take(b"-").is_some();
    let seconds = number(cursor.digits(1..=11)?)?;
    let seconds = if negative { -seconds } else { seconds };
    let digits = cursor.at;
    let Some(()) = cursor.take(b".") else {
        // 1973 to 2100: a shorter or longer number is a size, an inode, an owner.
        let stamp = instant(seconds, 0, 0);
        return (100_000_000..4_102_444_800).contains(&seconds).then_some((
            stamp,
            digits,
            Kind::Integer,
        ));
    };
    let (nanos, count) = fraction(&mut cursor)?;
    let (seconds, nanos) = match (negative, nanos) {
        (true, 1..) => (seconds - 1, 1_000_000_000 - nanos),
        _ => (seconds, nanos),
    };
    Some((instant(seconds, nanos, count), cursor.at, Kind::Fraction))
}

/// Any time with a year that one column, or some, of `find -printf` and `stat -c` may hold.
pub(super) fn column(text: &[u8], at: usize) -> Option<(Stamp, usize, Kind)> {
    if let Some((stamp, end)) = written(text, at) {
        let dated = !matches!(stamp.moment, Moment::Yearless(..));
        // `%t` of find writes fractions; without them it is what ps and last write too.
        let from_find =
            text.get(at).is_some_and(u8::is_ascii_digit) || stamp.precision == Precision::Ns;
        return (dated && from_find && stamp.precision < Precision::Day).then_some((
            stamp,
            end,
            Kind::Text,
        ));
    }
    epoch(text, at).filter(|(_, end, _)| Cursor::new(text, *end).at_word_end())
}

fn instant(seconds: i64, nanos: u32, digits: usize) -> Stamp {
    Stamp {
        moment: Moment::Instant(seconds, nanos),
        precision: Precision::of_fraction_digits(digits),
    }
}

fn local(date: NaiveDate, time: Option<(NaiveTime, Precision)>) -> Stamp {
    let (time, precision) = time.unwrap_or((NaiveTime::MIN, Precision::Day));
    Stamp {
        moment: Moment::Local(date.and_time(time)),
        precision,
    }
}

/// Digits after a decimal point as nanoseconds, and how many digits there were.
fn fraction(cursor: &mut Cursor<'_>) -> Option<(u32, usize)> {
    let digits = cursor.digits(1..=30)?;
    let kept = digits.get(..9).unwrap_or(digits);
    let scale = 10u32.checked_pow(u32::try_from(9 - kept.len()).ok()?)?;
    let nanos = u32::try_from(number(kept)?).ok()?.checked_mul(scale)?;
    Some((nanos, digits.len()))
}

/// `00:12`, `00:12:01`, `00:12:01.5`.
fn clock_time(cursor: &mut Cursor<'_>) -> Option<(NaiveTime, Precision)> {
    let hour = cursor.small(1..=2)?;
    cursor.take(b":")?;
    let minute = cursor.small(2..=2)?;
    if cursor.take(b":").is_none() {
        return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, Precision::Min));
    }
    let second = cursor.small(2..=2)?;
    let mut here = *cursor;
    let marked = here.take(b".").or_else(|| here.take(b","));
    let (nanos, digits) = match marked.and_then(|()| fraction(&mut here)) {
        Some(found) => {
            *cursor = here;
            found
        }
        None => (0, 0),
    };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?;
    Some((time, Precision::of_fraction_digits(digits)))
}

/// `Z`, `+0800`, `+08:00` here or after one blank, in seconds east of Greenwich.
fn offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut here = *cursor;
    if here.take(b"Z").is_none() {
        let _ = here.take(b" ");
        let sign = match here.peek()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        here.at += 1;
        let hours = i64::from(here.small(2..=2).or_else(|| {
            let four = here.small(4..=4)?;
            here.at -= 2;
            Some(four / 100)
        })?);
        let _ = here.take(b":");
        let minutes = i64::from(here.small(2..=2)?);
        let seconds = sign * (hours * 3600 + minutes * 60);
        (here.at_word_end() && hours < 24 && minutes < 60).then_some(())?;
        *cursor = here;
        return Some(seconds);
    }
    here.at_word_end().then(|| {
        *cursor = here;
        0
    })
}

/// `2023-03-29`, `2023-03-29 00:12`, `2023-03-29T00:12:01.5+08:00`, `2023-03-29+00:12:01.5`.
fn iso(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let year = i32::try_from(cursor.small(4..=4)?).ok()?;
    cursor.take(b"-")?;
    let month = cursor.small(2..=2)?;
    cursor.take(b"-")?;
    let day = cursor.small(2..=2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    let mut here = *cursor;
    if !matches!(here.peek(), Some(b' ' | b'T' | b'+' | b'_')) {
        return Some(local(date, None));
    }
    here.at += 1;
    let Some((time, precision)) = clock_time(&mut here) else {
        return Some(local(date, None));
    };
    let zone = offset(&mut here);
    if !here.at_word_end() {
        return Some(local(date, None));
    }
    *cursor = here;
    let at = date.and_time(time);
    let moment = match zone {
        Some(east) => Moment::Instant(
            at.and_utc().timestamp() - east,
            at.and_utc().timestamp_subsec_nanos(),
        ),
        None => Moment::Local(at),
    };
    Some(Stamp { moment, precision })
}

/// `03-29 00:12`, the recent form of `--time-style=iso`.
fn month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.small(2..=2)?;
    cursor.take(b"-")?;
    let day = cursor.small(2..=2)?;
    cursor.take(b" ")?;
    let (time, precision) = clock_time(cursor)?;
    yearless(month, day, time, precision)
}

/// `3月  29 00:12`, `3月 29日  2022`.
fn chinese(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.small(1..=2)?;
    cursor.take("月".as_bytes())?;
    cursor.blanks();
    let day = cursor.small(1..=2)?;
    let _ = cursor.take("日".as_bytes());
    clock_or_year(cursor, month, day)
}

/// `29 Mar 00:12`, `29. Mar  2022`.
fn day_month(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let day = cursor.small(1..=2)?;
    let _ = cursor.take(b".");
    (cursor.blanks() > 0).then_some(())?;
    let month = name(cursor, &MONTHS)?;
    clock_or_year(cursor, month, day)
}

/// `Mar 29 00:12`, `Mar 29  2022`, `Mar 29 00:12:01 2023`, `Wed Mar 29 00:12:01.5 2023`,
/// `Wed Mar 29 2023 00:12:01`.
fn named_month(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let weekday = name(cursor, &WEEKDAYS).is_some();
    if weekday {
        (cursor.blanks() > 0).then_some(())?;
    }
    let month = name(cursor, &MONTHS)?;
    (cursor.blanks() > 0).then_some(())?;
    let day = cursor.small(1..=2)?;
    let stamp = clock_or_year(cursor, month, day)?;
    let Moment::Local(at) = stamp.moment else {
        return Some(stamp);
    };
    let mut here = *cursor;
    if weekday && stamp.precision == Precision::Day && here.blanks() > 0 {
        let time = clock_time(&mut here)?;
        *cursor = here;
        return Some(local(at.date(), Some(time)));
    }
    Some(stamp)
}

/// What follows month and day: a time of day, that and a year, or the year alone.
fn clock_or_year(cursor: &mut Cursor<'_>, month: u32, day: u32) -> Option<Stamp> {
    (cursor.blanks() > 0).then_some(())?;
    let mut here = *cursor;
    if let Some((time, precision)) = clock_time(&mut here) {
        *cursor = here;
        if precision == Precision::Min {
            return yearless(month, day, time, precision);
        }
        cursor.blanks();
        let year = i32::try_from(cursor.small(4..=4)?).ok()?;
        let date = NaiveDate::from_ymd_opt(year, month, day)?;
        return Some(local(date, Some((time, precision))));
    }
    let year = i32::try_from(cursor.small(4..=4)?).ok()?;
    Some(local(NaiveDate::from_ymd_opt(year, month, day)?, None))
}

fn yearless(month: u32, day: u32, time: NaiveTime, precision: Precision) -> Option<Stamp> {
    // 2024 has every day that a year can have.
    NaiveDate::from_ymd_opt(2024, month, day)?;
    Some(Stamp {
        moment: Moment::Yearless(month, day, time),
        precision,
    })
}

/// One of these three-letter names, in any case, as a number from 1.
fn name(cursor: &mut Cursor<'_>, names: &[&[u8; 3]]) -> Option<u32> {
    let word = cursor.rest().get(..3)?;
    let index = names
        .iter()
        .position(|name| word.eq_ignore_ascii_case(*name))?;
    cursor.at += 3;
    u32::try_from(index + 1).ok()
}

/// Makes instants of stamps, and remembers what the reader of the case must know about them.
pub(super) struct Dates<'c> {
    clock: &'c Clock,
    last: Option<(Stamp, Option<When>)>,
    undated: bool,
    outside: bool,
}

impl<'c> Dates<'c> {
    /// With this clock.
    pub fn new(clock: &'c Clock) -> Self {
        Self {
            clock,
            last: None,
            undated: false,
            outside: false,
        }
    }

    /// The instant of a stamp; `None` where its year can't be known or no instant can hold it.
    pub fn when(&mut self, stamp: &Stamp) -> Option<When> {
        if let Some((known, when)) = &self.last
            && known == stamp
        {
            return *when;
        }
        let when = match stamp.moment {
            Moment::Instant(seconds, nanos) => Timestamp::from_parts(seconds, nanos)
                .map(|ts| self.clock.recorded(ts, stamp.precision)),
            Moment::Local(at) => self.clock.local(at, stamp.precision),
            Moment::Yearless(month, day, time) => self.infer(month, day, time, stamp.precision),
        };
        self.last = Some((*stamp, when));
        when
    }

    /// The newest year that does not put the stamp after the collection.
    fn infer(&mut self, month: u32, day: u32, time: NaiveTime, exact: Precision) -> Option<When> {
        let Some(collected) = self.clock.collected_at else {
            self.undated = true;
            return None;
        };
        let newest = collected.plus_seconds(TOLERANCE);
        let year = self.clock.zone.local(newest).date().year();
        let when = (year - YEARS_BACK..=year).rev().find_map(|year| {
            let at = NaiveDate::from_ymd_opt(year, month, day)?.and_time(time);
            let when = self.clock.local_yearless(at, exact)?;
            (when.ts <= newest).then_some(when)
        })?;
        self.outside |= when.ts < collected.plus_seconds(-RECENT - TOLERANCE);
        Some(when)
    }

    /// Says once what was assumed or could not be known.
    pub fn warn(&self, sink: &mut dyn Sink) {
        if self.undated {
            let text = "times without a year: none can be given without the moment of collection";
            sink.warn(Place::Whole, text.into());
        }
        if self.outside {
            let text = "times without a year lie more than six months before the collection: the \
                        listing is older than that, the newest year was taken";
            sink.warn(Place::Whole, text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Zone, ZoneSource};
    use chrono_tz::Tz;

    fn clock(collected: &str) -> Clock {
        Clock {
            zone: Zone {
                tz: Tz::Asia__Shanghai,
                source: ZoneSource::CaseFile,
            },
            collected_at: Timestamp::parse_rfc3339(collected),
            ..Clock::UNKNOWN
        }
    }

    fn show(stamp: &Stamp, clock: &Clock) -> Option<String> {
        let when = Dates::new(clock).when(stamp)?;
        Some(format!(
            "{} {} {}",
            when.ts,
            when.precision.as_str(),
            when.basis.as_str()
        ))
    }

    #[test]
    fn every_time_style_is_read() {
        let clock = clock("2023-05-12T10:25:00+08:00");
        let check = |text: &str, expected: Option<&str>, rest: &str| {
            let bytes = text.as_bytes();
            let got = written(bytes, 0).or_else(|| epoch(bytes, 0).map(|(s, end, _)| (s, end)));
            let shown = got.and_then(|(stamp, _)| show(&stamp, &clock));
            assert_eq!(shown.as_deref(), expected, "{text}");
            if let Some((_, end)) = got {
                assert_eq!(text.get(end..), Some(rest), "{text}");
            }
        };
        let minute = Some("2023-03-28T16:12:00Z min year-inferred");
        check("Mar 29 00:12 x", minute, " x");
        check("mar 29 00:12", minute, "");
        check("29 Mar 00:12 x", minute, " x");
        check("03-29 00:12 x", minute, " x");
        check("3月  29 00:12 x", minute, " x");
        check(
            "Nov 30 00:12 x",
            Some("2022-11-29T16:12:00Z min year-inferred"),
            " x",
        );
        let day = Some("2022-03-28T16:00:00Z day zone-assumed");
        check("Mar 29  2022 x", day, " x");
        check("2022-03-29  x", day, "  x");
        check("3月 29日  2022 x", day, " x");
        check(
            "2023-03-29 00:12 +x",
            Some("2023-03-28T16:12:00Z min zone-assumed"),
            " +x",
        );
        let exact = Some("2023-02-20T07:02:54.740821474Z ns recorded");
        check("2023-02-20 15:02:54.740821474 +0800 x", exact, " x");
        check("2023-02-20T07:02:54.740821474Z x", exact, " x");
        check("1676876574.7408214740 x", exact, " x");
        check(
            "2023-02-20+15:02:54.7408214740 x",
            Some("2023-02-20T07:02:54.740821474Z ns zone-assumed"),
            " x",
        );
        let second = Some("2023-02-20T07:02:54Z s zone-assumed");
        check("Feb 20 15:02:54 2023 x", second, " x");
        check("Mon Feb 20 15:02:54 2023 x", second, " x");
        check("Mon Feb 20 2023 15:02:54 x", second, " x");
        check(
            "1676876574 x",
            Some("2023-02-20T07:02:54Z s recorded"),
            " x",
        );
        check("-1.5 x", Some("1969-12-31T23:59:58.500Z ms recorded"), " x");
        check("Mar 32 00:12 x", None, "");
        check("2023-02-31 00:12 x", None, "");
        check("9999-01-01 00:12 x", None, " x");
        check("Mär 29 00:12 x", None, "");
        check("4096 Mar 29 00:12", None, "");
    }

    #[test]
    fn years_come_from_the_collection() {
        let check = |text: &str, collected: &str, expected: Option<&str>| {
            let (stamp, _) = written(text.as_bytes(), 0).expect("a stamp");
            let got = show(&stamp, &clock(collected)).map(|text| text[..10].to_owned());
            assert_eq!(got.as_deref(), expected, "{text} at {collected}");
        };
        check(
            "Dec 31 23:59",
            "2023-01-01T00:01:00+08:00",
            Some("2022-12-31"),
        );
        check(
            "Jan  1 12:00",
            "2022-12-31T23:00:00+08:00",
            Some("2023-01-01"),
        ); // within a day
        check(
            "Jan  3 12:00",
            "2022-12-31T23:00:00+08:00",
            Some("2022-01-03"),
        );
        check(
            "Feb 29 12:00",
            "2024-06-30T00:00:00+08:00",
            Some("2024-02-29"),
        );
        check(
            "Feb 29 12:00",
            "2023-06-30T00:00:00+08:00",
            Some("2020-02-29"),
        );
        check("Mar 29 00:12", "", None);
    }
}
