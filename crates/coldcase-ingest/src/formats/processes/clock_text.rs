//! Times as process tables write them: how long a process ran or computed (`803:31`, `1-02:03:04`, `5h22`), and
//! when it started (`15:04`, `Mar07`, `2022`, `Tue Mar  7 15:37:29 2023`), relative to the moment of collection.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::{Precision, Timestamp};

use crate::Clock;

/// How much later than the moment of collection a table may say it is, in seconds: clocks differ.
const TOLERANCE: i64 = 120;

/// When a process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The start of the interval that the text stands for.
    pub at: Timestamp,
    /// s, min, day or year.
    pub precision: &'static str,
}

/// Seconds of a computing or running time: `[DD-]HH:MM:SS`, `MMM:SS[.hh]`, `H,MM` (hours of a busy top),
/// `5h22`, `3d04`, `27.3h`. A bare number is not one.
pub fn seconds(text: &str) -> Option<i64> {
    let number = |text: &str| -> Option<i64> {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| text.parse().ok())?
    };
    if let Some(last) = text.bytes().last()
        && let Some(unit) = unit_seconds(last)
    {
        let (whole, part) = text
            .get(..text.len() - 1)?
            .split_once(['.', ','])
            .unwrap_or((text.get(..text.len() - 1)?, "0"));
        let tenths = number(part.get(..1)?)?;
        return number(whole)?
            .checked_mul(unit)?
            .checked_add(tenths.checked_mul(unit)? / 10);
    }
    for (sign, large, small) in [('h', 3_600, 60), ('d', 86_400, 3_600), (',', 3_600, 60)] {
        if let Some((whole, part)) = text.split_once(sign) {
            return number(whole)?
                .checked_mul(large)?
                .checked_add(number(part)?.checked_mul(small)?);
        }
    }
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let mut parts = clock.split(':');
    let mut total = number(parts.next()?)?;
    let mut count = 1;
    for part in parts {
        let part = number(part)?;
        if part >= 60 || count == 3 {
            return None;
        }
        total = total.checked_mul(60)?.checked_add(part)?;
        count += 1;
    }
    if count == 1 {
        return None;
    }
    number(days)?.checked_mul(86_400)?.checked_add(total)
}

fn unit_seconds(byte: u8) -> Option<i64> {
    match byte {
        b'h' => Some(3_600),
        b'd' => Some(86_400),
        b'w' => Some(7 * 86_400),
        _ => None,
    }
}

/// The start of a process. ps writes a time of the day for the same day, a day for the same year, else
/// the year: without a moment of collection only what has a year can be placed.
pub fn started(text: &str, clock: &Clock) -> Option<Started> {
    let at = |local: NaiveDateTime, precision| {
        let when = clock.local(local, Precision::S)?;
        Some(Started {
            at: when.ts,
            precision,
        })
    };
    if let Some(local) = full(text) {
        return at(local, "s");
    }
    if let Some(year) = year(text) {
        return at(
            NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(NaiveTime::MIN),
            "year",
        );
    }
    let now = clock.collected_at?.plus_seconds(TOLERANCE);
    let now = clock.zone.local(now);
    if let Some((time, precision)) = time_of_day(text) {
        let today = now.date().and_time(time);
        let local = match today <= now {
            true => today,
            false => now.date().pred_opt()?.and_time(time),
        };
        return at(local, precision);
    }
    let (month, day) = month_and_day(text)?;
    let newest = (0..9).find_map(|back| {
        let date = NaiveDate::from_ymd_opt(now.year() - back, month, day)?;
        (date <= now.date()).then_some(date)
    })?;
    at(newest.and_time(NaiveTime::MIN), "day")
}

/// Whether words stand for a start over more than one: five of `lstart`, two of a date.
pub fn words_of_start(words: &[&str]) -> usize {
    let joined = |count: usize| words.get(..count).map(|words| words.join(" "));
    for count in [5, 2] {
        if let Some(text) = joined(count)
            && (full(&text).is_some() || (count == 2 && month_and_day(&text).is_some()))
        {
            return count;
        }
    }
    1
}

/// `Tue Mar  7 15:37:29 2023`, `2023-03-07 15:37:29`, `2023-03-07T15:37:29`.
fn full(text: &str) -> Option<NaiveDateTime> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    if let Ok(date) = first.parse::<NaiveDate>() {
        let (time, _) = time_of_day(words.next()?)?;
        return words.next().is_none().then(|| date.and_time(time));
    }
    if first.starts_with("20") && first.contains('T') {
        return first.parse().ok();
    }
    // A weekday stands first, of any language.
    if first.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (second, third) = (words.next()?, words.next()?);
    let month = month(second).map(|month| (month, third));
    let (month, day) = month.or_else(|| month_of_any(third, second))?;
    let (time, _) = time_of_day(words.next()?)?;
    let year = year(words.next()?)?;
    let date = NaiveDate::from_ymd_opt(year, month, day.parse().ok()?)?;
    words.next().is_none().then(|| date.and_time(time))
}

/// `7 Mar` in place of `Mar 7`.
fn month_of_any<'a>(name: &str, day: &'a str) -> Option<(u32, &'a str)> {
    Some((month(name)?, day))
}

fn year(text: &str) -> Option<i32> {
    let year = (text.len() == 4).then(|| text.parse::<i32>().ok())??;
    (1990..2200).contains(&year).then_some(year)
}

/// `15:04`, `15:04:59`; some write `15.04`.
fn time_of_day(text: &str) -> Option<(NaiveTime, &'static str)> {
    let mut parts = text.split([':', '.']);
    let mut number = || -> Option<u32> {
        let part = parts.next()?;
        (part.len() == 2).then(|| part.parse().ok())?
    };
    let (hour, minute) = (number()?, number()?);
    let second = number();
    if parts.next().is_some() || (second.is_none() && text.len() != 5) {
        return None;
    }
    let precision = if second.is_some() { "s" } else { "min" };
    let time = NaiveTime::from_hms_opt(hour, minute, second.unwrap_or(0))?;
    Some((time, precision))
}

/// `Mar07`, `Mar 07`, `Mar  7`, `3月07`.
fn month_and_day(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let split = match text.find('月') {
        Some(sign) => sign + '月'.len_utf8(),
        None => text.find(|sign: char| sign.is_ascii_digit())?,
    };
    let (name, day) = text.split_at_checked(split)?;
    let day = day.trim().trim_end_matches('日');
    let is_day = matches!(day.len(), 1 | 2);
    Some((month(name.trim())?, is_day.then(|| day.parse().ok())??))
}

fn month(name: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    if let Some(number) = name.strip_suffix('月') {
        return number
            .parse()
            .ok()
            .filter(|number| (1..=12).contains(number));
    }
    let name = name.to_ascii_lowercase();
    NAMES
        .iter()
        .position(|known| *known == name)
        .and_then(|index| u32::try_from(index + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Zone, ZoneSource};

    #[test]
    fn times_of_all_tools() {
        let check =
            |text: &str, expected: Option<i64>| assert_eq!(seconds(text), expected, "{text}");
        check("0:00", Some(0));
        check("803:31", Some(48_211));
        check("00:55:22", Some(3_322));
        check("1-02:03:04", Some(93_784));
        check("196:41.94", Some(11_801));
        check("5h22", Some(19_320));
        check("3d04", Some(273_600));
        check("27.5h", Some(99_000));
        check("12d", Some(1_036_800));
        check("41,12", Some(148_320));
        check("1234", None);
        check("-", None);
        check("1:99", None);
        check("99999999999999999999:00", None);
        check("9223372036854775807h", None);
    }

    #[test]
    fn starts_are_placed_before_the_collection() {
        let clock = Clock {
            zone: Zone {
                tz: chrono_tz::Tz::Asia__Shanghai,
                source: ZoneSource::CaseFile,
            },
            collected_at: Timestamp::parse_rfc3339("2023-03-18T15:16:00+08:00"),
            ..Clock::UNKNOWN
        };
        let check = |text: &str, expected: Option<(&str, &'static str)>| {
            let got = started(text, &clock).map(|got| (got.at.to_string(), got.precision));
            let expected = expected.map(|(at, precision)| (at.to_owned(), precision));
            assert_eq!(got, expected, "{text}");
        };
        check("15:04", Some(("2023-03-18T07:04:00Z", "min")));
        check("15:17", Some(("2023-03-18T07:17:00Z", "min")));
        check("15:40", Some(("2023-03-17T07:40:00Z", "min")));
        check("10:00:01", Some(("2023-03-18T02:00:01Z", "s")));
        check("Mar07", Some(("2023-03-06T16:00:00Z", "day")));
        check("Mar 07", Some(("2023-03-06T16:00:00Z", "day")));
        check("3月07", Some(("2023-03-06T16:00:00Z", "day")));
        check("Dec31", Some(("2022-12-30T16:00:00Z", "day")));
        check("Feb29", Some(("2020-02-28T16:00:00Z", "day")));
        check("2022", Some(("2021-12-31T16:00:00Z", "year")));
        check(
            "Tue Mar  7 15:37:29 2023",
            Some(("2023-03-07T07:37:29Z", "s")),
        );
        check("2023-03-07 15:37:29", Some(("2023-03-07T07:37:29Z", "s")));
        check("?", None);
        check("Foo07", None);
        assert_eq!(started("15:04", &Clock::UNKNOWN), None);
        assert!(started("2022", &Clock::UNKNOWN).is_some());
    }
}
