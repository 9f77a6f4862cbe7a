//! When an alert was: the best of its times.

use chrono_tz::Tz;
use coldcase_model::{Basis, Precision, Timestamp, When};
use serde_json::Value;

use super::leaves::Leaf;
use crate::syslog::Times;
use crate::years::stamp::{self, Stamp};
use crate::{Clock, Zone, ZoneSource};

/// Names of times, the moment of what happened before the moment of telling it.
const NAMES: [&str; 28] = [
    "event_time",
    "time_utc",
    "utc_time",
    "timestamp",
    "event_timestamp",
    "time",
    "occurred_at",
    "occurred",
    "event_first_seen",
    "first_seen",
    "detected_at",
    "detection_time",
    "alert_time",
    "starts_at",
    "active_at",
    "start_time",
    "time_local",
    "created_at",
    "created",
    "create_time",
    "created_time",
    "timestamp_utc",
    "ts",
    "datetime",
    "date",
    "last_seen",
    "updated_at",
    "update_time",
];

/// Names that tell of the event itself wherever they stand.
const OF_EVENT: [&str; 8] = [
    "event_time",
    "event_timestamp",
    "event_first_seen",
    "first_seen",
    "occurred_at",
    "detected_at",
    "detection_time",
    "alert_time",
];

/// Words of names that tell of the record and not of the event.
const OF_RECORD: [&str; 5] = ["created", "create", "updated", "update", "last"];

/// Names of a zone that local times beside them are in.
const ZONES: [&str; 5] = ["timezone", "time_zone", "tz", "zone", "timezone_name"];

/// The time of an alert.
pub(super) fn when(leaves: &[Leaf<'_>], clock: &Clock) -> Option<When> {
    let top = leaves.iter().map(Leaf::depth).min().unwrap_or(0);
    let mut best: Option<((u8, u8, usize), When)> = None;
    for leaf in leaves {
        let key = leaf.key();
        let Some(rank) = NAMES.iter().position(|name| *name == key) else {
            continue;
        };
        let Some((basis, when)) = read(leaf, leaves, clock) else {
            continue;
        };
        // Deep inside stand times of processes and files, too.
        let class = match (leaf.depth() == top, leaf.named(&OF_RECORD)) {
            (true, false) => 0,
            (true, true) => 2,
            (false, _) if OF_EVENT.contains(&key.as_str()) => 1,
            (false, _) => 3,
        };
        let order = (basis, class, rank);
        if best.as_ref().is_none_or(|(least, _)| order < *least) {
            best = Some((order, when));
        }
    }
    best.map(|(_, when)| when)
}

/// A time with how well its zone is known: 0 recorded, 1 by a zone beside it, 2 assumed.
fn read(leaf: &Leaf<'_>, leaves: &[Leaf<'_>], clock: &Clock) -> Option<(u8, When)> {
    if let Some(when) = epoch(leaf.value, clock) {
        return Some((0, when));
    }
    let (stamp, _) = stamp::read(leaf.text()?.as_bytes())?;
    stamp.year?;
    if stamp.offset.is_some() {
        return Some((0, Times::new(clock).when(&stamp).ok()?));
    }
    // A name such as `time_utc` is a zone of its own.
    if leaf.named(&["utc", "gmt"]) {
        return Some((0, recorded(stamp, 0, clock)?));
    }
    if let Some(zone) = zone_beside(leaf, leaves) {
        let when = match zone {
            Beside::Offset(offset) => recorded(stamp, offset, clock)?,
            Beside::Named(tz) => named(&stamp, tz, clock)?,
        };
        return Some((1, when));
    }
    Some((2, Times::new(clock).when(&stamp).ok()?))
}

fn recorded(stamp: Stamp, offset: i32, clock: &Clock) -> Option<When> {
    let stamp = Stamp {
        offset: Some(offset),
        ..stamp
    };
    Times::new(clock).when(&stamp).ok()
}

fn named(stamp: &Stamp, tz: Tz, clock: &Clock) -> Option<When> {
    let zone = Zone {
        tz,
        source: ZoneSource::Bundle,
    };
    let clock = Clock { zone, ..*clock };
    let when = Times::new(&clock).when(stamp).ok()?;
    // Zone and year both stand in the artifact.
    Some(When {
        basis: Basis::Recorded,
        ..when
    })
}

enum Beside {
    Offset(i32),
    Named(Tz),
}

/// The zone that a sibling names; one at the top serves all.
fn zone_beside(leaf: &Leaf<'_>, leaves: &[Leaf<'_>]) -> Option<Beside> {
    let parent = |path: &str| {
        path.rsplit_once('.')
            .map_or("", |(parent, _)| parent)
            .to_owned()
    };
    let own = parent(&leaf.path);
    let zones = leaves
        .iter()
        .filter(|other| ZONES.contains(&other.key().as_str()));
    let zone = zones
        .filter(|other| {
            let theirs = parent(&other.path);
            theirs == own || own.starts_with(&theirs)
        })
        .find_map(Leaf::text)?;
    if matches!(zone, "UTC" | "utc" | "GMT" | "Z") {
        return Some(Beside::Offset(0));
    }
    if let Ok(tz) = zone.parse::<Tz>() {
        return Some(Beside::Named(tz));
    }
    let bare = zone.trim_start_matches("UTC").trim_start_matches("GMT");
    let (stamp, _) = stamp::read(format!("2000-01-01T00:00:00{bare}").as_bytes())?;
    stamp.offset.map(Beside::Offset)
}

/// Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size: 1990 to 2200.
fn epoch(value: &Value, clock: &Clock) -> Option<When> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let (scale, precision) = match number {
        631_152_000..=7_258_118_400 => (1_000_000_000, Precision::S),
        631_152_000_000..=7_258_118_400_000 => (1_000_000, Precision::Ms),
        631_152_000_000_000..=7_258_118_400_000_000 => (1_000, Precision::Us),
        631_152_000_000_000_000.. => (1, Precision::Ns),
        _ => return None,
    };
    let mut nanos = number.checked_mul(scale)?;
    let mut precision = precision;
    if scale == 1_000_000_000 && !fraction.is_empty() {
        let padded: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        nanos = nanos.checked_add(padded.parse().ok()?)?;
        precision = Precision::of_fraction_digits(fraction.len());
    }
    Some(clock.recorded(Timestamp(nanos), precision))
}
