//! Dates as rpm prints them: `strftime("%c")` of the locale at hand.

use chrono::{NaiveDate, NaiveDateTime};
use coldcase_model::{Precision, Timestamp, When};

use crate::Clock;

/// Beginnings of month names in the languages met: the first letters decide.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "янв"],
    &["feb", "fev", "fév", "фев"],
    &["mar", "mär", "mrt", "мар"],
    &["apr", "abr", "avr", "апр"],
    &["may", "mai", "mag", "mei", "май", "мая"],
    &["jun", "juin", "giu", "июн"],
    &["jul", "juil", "lug", "июл"],
    &["aug", "ago", "aoû", "авг"],
    &["sep", "set", "сен"],
    &["oct", "okt", "ott", "out", "окт"],
    &["nov", "ноя"],
    &["dec", "dez", "dic", "déc", "дек"],
];

fn month(word: &str) -> Option<u32> {
    let word = word.trim_end_matches(['.', ',']).to_lowercase();
    if let Some(number) = word.strip_suffix('月') {
        return number.parse().ok().filter(|month| (1..=12).contains(month));
    }
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| word.starts_with(name)))?;
    u32::try_from(at + 1).ok()
}

/// Reads a date with year and time in any order: `Tue Mar  7 15:37:29 2023`, `Tue 07 Mar 2023 03:37:29 PM CST`,
/// `2023年03月07日 星期二 15时37分29秒`. A weekday is not needed; the zone's name counts only where it is UTC.
pub(super) fn read(text: &str, clock: &Clock) -> Option<When> {
    let (mut year, mut month_of, mut day, mut time) = (None, None, None, None);
    let (mut afternoon, mut morning, mut utc) = (false, false, false);
    for word in text.split_whitespace().take(12) {
        let bare = word.trim_end_matches([',', '.']);
        if let Some((y, m, d)) = chinese_date(bare) {
            (year, month_of, day) = (Some(y), Some(m), Some(d));
        } else if let Some(found) = clock_time(bare) {
            time = Some(found);
        } else if bare.bytes().all(|byte| byte.is_ascii_digit()) {
            match bare.len() {
                4 => year = bare.parse().ok(),
                1 | 2 => day = bare.parse().ok(),
                _ => return None,
            }
        } else {
            match bare {
                "PM" | "pm" | "下午" => afternoon = true,
                "AM" | "am" | "上午" => morning = true,
                "UTC" | "GMT" => utc = true,
                _ => {
                    // `Mar` is also how Tuesday begins in some languages: the last one that fits is the month.
                    if time.is_none() || month_of.is_none() {
                        month_of = month(bare).or(month_of);
                    }
                }
            }
        }
    }
    let (hour, minute, second) = time?;
    let hour = match (afternoon, morning, hour) {
        (true, _, 1..=11) => hour + 12,
        (_, true, 12) => 0,
        _ => hour,
    };
    let local =
        NaiveDate::from_ymd_opt(year?, month_of?, day?)?.and_hms_opt(hour, minute, second)?;
    when(local, utc, clock)
}

fn when(local: NaiveDateTime, utc: bool, clock: &Clock) -> Option<When> {
    if utc {
        return Some(clock.recorded(Timestamp::from_utc(local.and_utc())?, Precision::S));
    }
    clock.local(local, Precision::S)
}

/// `2023年03月07日`
fn chinese_date(word: &str) -> Option<(i32, u32, u32)> {
    let (year, rest) = word.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let (day, _) = rest.split_once('日')?;
    Some((
        year.parse().ok()?,
        month.trim().parse().ok()?,
        day.trim().parse().ok()?,
    ))
}

/// `15:37:29`, `15时37分29秒`
fn clock_time(word: &str) -> Option<(u32, u32, u32)> {
    let word = word.strip_suffix('秒').unwrap_or(word);
    let mut parts = word.split([':', '时', '時', '分']);
    let mut next = || {
        parts
            .next()
            .filter(|part| part.len() <= 2)
            .and_then(|part| part.parse().ok())
    };
    let time = (next()?, next()?, next()?);
    parts.next().is_none().then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        let check = |text: &str, expected: Option<&str>| {
            let got = read(text, &Clock::UNKNOWN).map(|when| when.ts.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        let expected = Some("2023-03-07T15:37:29Z");
        check("Tue Mar  7 15:37:29 2023", expected);
        check("Tue 07 Mar 2023 03:37:29 PM CST", expected);
        check("Tue 07 Mar 2023 15:37:29 UTC", expected);
        check("2023年03月07日 星期二 15时37分29秒", expected);
        check("2023年03月07日 星期二 15时37分29秒 CST", expected);
        check("Di 07 Mär 2023 15:37:29 CET", expected);
        check("mar. 07 mars 2023 15:37:29 CET", expected);
        check(
            "Tue 07 Mar 2023 12:00:01 AM CST",
            Some("2023-03-07T00:00:01Z"),
        );
        check("Tue 07 Mar 2023", None);
        check("15:37:29", None);
    }
}
