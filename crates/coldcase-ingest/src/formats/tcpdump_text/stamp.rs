//! The stamp at the beginning of a packet's line, and the dates of stamps that have none.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::{Precision, Timestamp, When};

use crate::Clock;

const DAY_NS: i64 = 86_400_000_000_000;

/// How far a time of day must go back to mean the next day. Less is disorder among processors, a
/// clock that was set, or the hour that autumn repeats.
const WRAP_NS: i64 = 90 * 60 * 1_000_000_000;

/// How far packets of several processors are out of order at most, over midnight too.
const STRAGGLER_NS: i64 = 1_000_000_000;

/// A stamp as tcpdump's `-t` options choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// `-t`: none. Also `-ttt` and `-ttttt`: time since another packet.
    Absent,
    /// Without an option: nanoseconds since midnight, local.
    TimeOfDay(i64, Precision),
    /// `-tt`: nanoseconds since 1970.
    Epoch(i64, Precision),
    /// `-tttt`: local date and time.
    Dated(NaiveDateTime, Precision),
}

impl Stamp {
    /// The stamp before a packet, and what follows it without blanks. No stamp is one too.
    pub fn parse(text: &str) -> (Self, &str) {
        let shown_as_difference = text.starts_with(' ');
        let text = text.trim_start();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        if let Some((ns, precision)) = time_of_day(word) {
            // The first packet of -ttt and -ttttt is at zero; the sign's column stays blank.
            let stamp = match shown_as_difference || ns == 0 {
                true => Self::Absent,
                false => Self::TimeOfDay(ns, precision),
            };
            return (stamp, rest.trim_start());
        }
        if let Some((ns, precision)) = epoch(word) {
            return (Self::Epoch(ns, precision), rest.trim_start());
        }
        let dated = word.len() == 10 && word.as_bytes().get(4) == Some(&b'-');
        if dated && let Ok(date) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
            let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let local = time_of_day(word).and_then(|(ns, precision)| {
                let second = u32::try_from(ns / 1_000_000_000).ok()?;
                let nano = u32::try_from(ns % 1_000_000_000).ok()?;
                let time = NaiveTime::from_num_seconds_from_midnight_opt(second, nano)?;
                Some(Self::Dated(date.and_time(time), precision))
            });
            if let Some(stamp) = local {
                return (stamp, rest.trim_start());
            }
        }
        (Self::Absent, text)
    }
}

/// `17:16:09.924505`, nine digits with `--nano`, none with `--time-stamp-precision` of some builds.
fn time_of_day(word: &str) -> Option<(i64, Precision)> {
    let bytes = word.as_bytes();
    if bytes.len() < 8 || bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return None;
    }
    let two = |at: usize| word.get(at..at + 2)?.parse::<i64>().ok();
    let (hour, minute, second) = (two(0)?, two(3)?, two(6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, precision) = match word.get(8..)? {
        "" => (0, Precision::S),
        fraction => fraction_ns(fraction.strip_prefix('.')?)?,
    };
    Some((
        (hour * 3600 + minute * 60 + second) * 1_000_000_000 + nanos,
        precision,
    ))
}

/// `1418145369.924505`
fn epoch(word: &str) -> Option<(i64, Precision)> {
    let (seconds, fraction) = word.split_once('.')?;
    if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if fraction.len() != 6 && fraction.len() != 9 {
        return None;
    }
    let (nanos, precision) = fraction_ns(fraction)?;
    let seconds: i64 = seconds.parse().ok()?;
    let ns = seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Some((ns, precision))
}

fn fraction_ns(digits: &str) -> Option<(i64, Precision)> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut nanos: i64 = digits.parse().ok()?;
    for _ in digits.len()..9 {
        nanos *= 10;
    }
    Some((nanos, Precision::of_fraction_digits(digits.len())))
}

/// Counts the days that pass in a row of times of day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DayCount {
    last: Option<i64>,
    day: i64,
}

impl DayCount {
    /// The day of the next time of day, from 0; a straggler over midnight belongs to the day before.
    pub fn step(&mut self, ns: i64) -> i64 {
        let forward = ns - *self.last.get_or_insert(ns);
        if self.day > 0 && forward > DAY_NS - STRAGGLER_NS {
            return self.day - 1;
        }
        if forward < -WRAP_NS {
            self.day += 1;
        }
        self.last = Some(ns);
        self.day
    }
}

/// Dates of the times of day of one artifact, from its last one and the moment of collection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    last_day: i64,
    last_date: NaiveDate,
}

impl Dates {
    /// The last stamp (`ns` on day `count.day`) was at the last such time of day before the collection.
    pub fn ending(count: DayCount, clock: &Clock) -> Option<Self> {
        let collected = clock.collected_at?;
        let on_host = Timestamp(collected.0.checked_sub(clock.offset_ns)?);
        let today = clock.zone.local(on_host).date();
        let mut dates = Self {
            last_day: count.day,
            last_date: today,
        };
        let last = dates.when(count.day, count.last?, Precision::Ns, clock)?;
        if last.ts > collected {
            dates.last_date = today.pred_opt()?;
        }
        Some(dates)
    }

    /// The moment of a time of day on a counted day.
    pub fn when(&self, day: i64, ns: i64, precision: Precision, clock: &Clock) -> Option<When> {
        let back = u64::try_from(self.last_day.checked_sub(day)?).ok()?;
        let date = self.last_date.checked_sub_days(Days::new(back))?;
        let second = u32::try_from(ns / 1_000_000_000).ok()?;
        let nano = u32::try_from(ns % 1_000_000_000).ok()?;
        let time = NaiveTime::from_num_seconds_from_midnight_opt(second, nano)?;
        clock.local_yearless(date.and_time(time), precision)
    }
}

/// Nanoseconds that grow through the artifact, to tell how far apart packets are.
pub(super) fn tick(stamp: Stamp, day: i64) -> Option<i64> {
    match stamp {
        Stamp::Absent => None,
        Stamp::TimeOfDay(ns, _) => day.checked_mul(DAY_NS)?.checked_add(ns),
        Stamp::Epoch(ns, _) => Some(ns),
        Stamp::Dated(local, _) => local.and_utc().timestamp_nanos_opt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_all_options() {
        let check = |text: &str, expected: Stamp, rest: &str| {
            assert_eq!(Stamp::parse(text), (expected, rest), "{text}");
        };
        let us = Precision::Us;
        check(
            "00:00:01.000002 IP",
            Stamp::TimeOfDay(1_000_002_000, us),
            "IP",
        );
        check(
            "00:00:01.000000002 IP",
            Stamp::TimeOfDay(1_000_000_002, Precision::Ns),
            "IP",
        );
        check("1.000002 IP", Stamp::Epoch(1_000_002_000, us), "IP");
        check(" 00:00:01.000002 IP", Stamp::Absent, "IP");
        check("00:00:00.000000 IP", Stamp::Absent, "IP");
        check("IP 10.0.0.1", Stamp::Absent, "IP 10.0.0.1");
        check("25:00:01.000002 IP", Stamp::Absent, "25:00:01.000002 IP");
        check("10.0.0.1 IP", Stamp::Absent, "10.0.0.1 IP");
        let date =
            NaiveDate::from_ymd_opt(2014, 12, 9).and_then(|date| date.and_hms_opt(17, 16, 9));
        let local = date.expect("a date");
        check(
            "2014-12-09 17:16:09 IP",
            Stamp::Dated(local, Precision::S),
            "IP",
        );
    }

    fn dates(stamps: &[&str], collected: &str) -> Vec<String> {
        let clock = Clock {
            collected_at: Timestamp::parse_rfc3339(collected),
            ..Clock::UNKNOWN
        };
        let times: Vec<_> = stamps
            .iter()
            .filter_map(|stamp| time_of_day(stamp))
            .collect();
        let mut count = DayCount::default();
        let days: Vec<_> = times.iter().map(|(ns, _)| count.step(*ns)).collect();
        let Some(dates) = Dates::ending(count, &clock) else {
            return Vec::new();
        };
        let rows = times.iter().zip(days).filter_map(|((ns, precision), day)| {
            Some(dates.when(day, *ns, *precision, &clock)?.ts.to_string())
        });
        rows.collect()
    }

    #[test]
    fn times_of_day_are_dated_from_the_end() {
        let check = |stamps: &[&str], collected: &str, expected: &[&str]| {
            assert_eq!(dates(stamps, collected), expected);
        };
        check(
            &["09:00:00"],
            "2023-05-12T10:00:00Z",
            &["2023-05-12T09:00:00Z"],
        );
        check(
            &["11:00:00"],
            "2023-05-12T10:00:00Z",
            &["2023-05-11T11:00:00Z"],
        );
        check(
            &[
                "23:59:59.5",
                "00:00:00.1",
                "23:59:59.8",
                "00:00:00.2",
                "23:00:00",
                "01:00:00",
            ],
            "2023-03-01T10:00:00Z",
            &[
                "2023-02-27T23:59:59.500Z",
                "2023-02-28T00:00:00.100Z",
                "2023-02-27T23:59:59.800Z",
                "2023-02-28T00:00:00.200Z",
                "2023-02-28T23:00:00Z",
                "2023-03-01T01:00:00Z",
            ],
        );
        check(
            &["02:59:00", "02:00:00"],
            "2023-03-01T10:00:00Z",
            &["2023-03-01T02:59:00Z", "2023-03-01T02:00:00Z"],
        );
        check(&["02:59:00"], "", &[]);
    }
}
