//! Times on the page: each stands in UTC and in the bundle's zone, and the switch shows one of them.

use chrono::{Offset as _, SecondsFormat};
use chrono_tz::Tz;
use coldcase_model::Timestamp;
use serde_json::{Value, json};

const WEEK_NS: i64 = 7 * 86_400 * 1_000_000_000;
/// Weeks looked through for changes of the offset: sixty years.
const MOST_WEEKS: i64 = 52 * 60;

/// A time to the second; its exact value in UTC is the title.
pub(crate) fn stamp(at: Timestamp, zone: Tz) -> String {
    format!(
        "<time title=\"{at}\"><span class=\"u\">{}</span><span class=\"l\">{}</span></time>",
        utc(at, false),
        local(at, zone, false)
    )
}

/// A time with its fraction of a second, to the millisecond.
pub(crate) fn exact(at: Timestamp, zone: Tz) -> String {
    let fraction = at.nanos().rem_euclid(1_000_000_000) != 0;
    format!(
        "<time title=\"{at}\"><span class=\"u\">{}</span><span class=\"l\">{}</span></time>",
        utc(at, fraction),
        local(at, zone, fraction)
    )
}

/// Without markup, in UTC and in the zone: for titles in drawings.
pub(crate) fn both(at: Timestamp, zone: Tz) -> String {
    if zone == Tz::UTC {
        utc(at, false)
    } else {
        format!("{} = {}", local(at, zone, false), utc(at, false))
    }
}

fn utc(at: Timestamp, fraction: bool) -> String {
    let form = if fraction {
        SecondsFormat::Millis
    } else {
        SecondsFormat::Secs
    };
    at.to_utc().to_rfc3339_opts(form, true).replace('T', " ")
}

fn local(at: Timestamp, zone: Tz, fraction: bool) -> String {
    let form = if fraction {
        "%Y-%m-%d %H:%M:%S%.3f %:z"
    } else {
        "%Y-%m-%d %H:%M:%S %:z"
    };
    at.to_utc().with_timezone(&zone).format(form).to_string()
}

/// Seconds to add to UTC for the zone's clock.
pub(crate) fn offset_seconds(ns: i64, zone: Tz) -> i64 {
    let at = Timestamp(ns).to_utc().with_timezone(&zone);
    i64::from(at.offset().fix().local_minus_utc())
}

/// From when which offset holds, as `[seconds since 1970, offset in seconds]`: for the script, which knows no zones.
pub(crate) fn offsets(from: i64, to: i64, zone: Tz) -> Value {
    let mut changes = vec![json!([
        from.div_euclid(1_000_000_000),
        offset_seconds(from, zone)
    ])];
    let mut at = from;
    for _ in 0..MOST_WEEKS {
        let next = at.saturating_add(WEEK_NS);
        if at >= to || next <= at {
            break;
        }
        if offset_seconds(at, zone) != offset_seconds(next, zone) {
            let change = change_between(at, next, zone);
            changes.push(json!([
                change.div_euclid(1_000_000_000),
                offset_seconds(change, zone)
            ]));
        }
        at = next;
    }
    Value::Array(changes)
}

/// The first second with the later offset.
fn change_between(mut before: i64, mut after: i64, zone: Tz) -> i64 {
    let old = offset_seconds(before, zone);
    while after - before > 1_000_000_000 {
        let middle = before + (after - before) / 2;
        if offset_seconds(middle, zone) == old {
            before = middle;
        } else {
            after = middle;
        }
    }
    after.div_euclid(1_000_000_000) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stands_in_both_zones() {
        let at = Timestamp(1_680_019_205_250_000_000);
        let text = exact(at, Tz::Asia__Shanghai);
        assert!(text.contains("2023-03-28 16:00:05.250Z"), "{text}");
        assert!(text.contains("2023-03-29 00:00:05.250 +08:00"), "{text}");
        assert_eq!(both(at, Tz::UTC), "2023-03-28 16:00:05Z");
    }

    #[test]
    fn changes_to_summer_time_are_told_to_the_second() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).map_or(0, Timestamp::nanos);
        let changes = offsets(
            at("2023-03-01T00:00:00Z"),
            at("2023-04-30T00:00:00Z"),
            Tz::Europe__Berlin,
        );
        let change = at("2023-03-26T01:00:00Z") / 1_000_000_000;
        assert_eq!(changes.get(1), Some(&json!([change, 7200])));
        assert_eq!(changes.as_array().map(Vec::len), Some(2));
    }
}
