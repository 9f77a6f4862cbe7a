//! The solver on plain numbers: sightings made from a true zone, one series that records UTC and one that does not.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::event_keys::{self, Kind};
use super::series::AllSeries;
use super::sightings::Sightings;
use super::solve::{Context, Solved, solve};
use super::votes::{Known, Sighting, Vote};
use super::zones;
use crate::InputRecord;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn at(year: i32, month: u32, day: u32) -> i64 {
    let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

/// Moments without a rhythm, `step` seconds apart on the mean.
fn uneven(from: i64, step: i64, count: i64) -> Vec<i64> {
    let wobble = |index: i64| (index * 7_919 + 104_729) % (step * 4 / 5);
    (0..count)
        .map(|index| from + index * step + wobble(index))
        .collect()
}

fn local(zone: Tz, utc: i64) -> i64 {
    let at = chrono::DateTime::from_timestamp(utc, 0).expect("a time");
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    utc + i64::from(offset.fix().local_minus_utc())
}

/// A login of an account, of a process where that is known.
fn login(series: usize, at: i64, user: &str, pid: Option<i64>) -> Sighting {
    let [strong, weak] =
        event_keys::login("h", pid, Some("192.0.2.1"), Some(user), Some("success"));
    Sighting {
        at,
        width: 0,
        keys: [strong, None, weak],
        kind: Kind::Login,
        series,
    }
}

/// What becomes of series 0 (`secure` of host h, without a zone) beside series 1 (`wtmp`).
fn solved(local: Vec<Sighting>, known: Vec<Sighting>, named: &[Tz]) -> Option<Solved> {
    let mut inputs = [
        InputRecord::of("h", "authlog"),
        InputRecord::of("h", "utmp"),
        InputRecord::of("other", "authlog"),
    ];
    inputs[0].assumed = 1;
    inputs[2].assumed = 1;
    let series = AllSeries::of(&inputs);
    let span = |number: usize| {
        let times: Vec<i64> = local
            .iter()
            .filter(|one| one.series == number)
            .map(|one| one.at)
            .collect();
        let first = times.iter().min().copied().unwrap_or(0);
        (number, (first, times.iter().max().copied().unwrap_or(0)))
    };
    let context = Context {
        spans: &BTreeMap::from([span(0), span(2)]),
        yearless: &BTreeSet::from([0, 2]),
        dayless: &BTreeSet::new(),
        read_with: &BTreeMap::new(),
        named,
        collected_at: None,
        series: &series,
    };
    let mut zones = solve(&Sightings { local, known }, &context);
    zones.series.remove(&0)
}

/// Logins at these moments, seen by a clock in a zone and by one in UTC, `late` seconds apart.
fn check(zone: Tz, moments: &[i64], late: i64, expected: Option<Tz>) {
    let of = |series: usize, at: fn(Tz, i64) -> i64| -> Vec<Sighting> {
        let logins = moments.iter().enumerate();
        let late = if series == 1 { late } else { 0 };
        logins
            .map(|(index, utc)| {
                login(
                    series,
                    at(zone, *utc) + late,
                    ["ann", "bob"][index % 2],
                    None,
                )
            })
            .collect()
    };
    let got = solved(of(0, local), of(1, |_, utc| utc), &[]);
    assert_eq!(got.as_ref().map(|solved| solved.zone), expected, "{zone}");
    if let Some(agreement) = got.and_then(|solved| solved.agreement) {
        assert_eq!(
            (agreement.matched, agreement.of),
            (moments.len(), moments.len())
        );
        assert_eq!(
            (agreement.within_seconds, agreement.ahead_seconds),
            (late, late)
        );
    }
}

#[test]
fn zones_are_solved() {
    let winter = uneven(at(2023, 1, 10), 3 * HOUR, 60);
    let summer = uneven(at(2023, 7, 1), 3 * HOUR, 60);
    for (zone, moments) in [
        (Tz::UTC, &winter),
        (Tz::Asia__Shanghai, &winter),
        (Tz::Asia__Kolkata, &winter),
        (Tz::Asia__Kathmandu, &summer),
        (Tz::Asia__Tehran, &winter),
        (Tz::Australia__Adelaide, &winter),
        (Tz::America__St_Johns, &summer),
        (Tz::America__New_York, &winter),
        (Tz::Europe__Berlin, &winter),
    ] {
        check(zone, moments, 1, Some(zone));
    }
}

#[test]
fn a_change_to_summer_time_tells_the_country() {
    let spring = uneven(at(2023, 3, 1), 5 * HOUR, 230);
    let autumn = uneven(at(2023, 9, 20), 5 * HOUR, 240);
    for zone in [
        Tz::America__New_York,
        Tz::Europe__Berlin,
        Tz::Australia__Adelaide,
        Tz::Australia__Lord_Howe,
    ] {
        check(zone, &spring, 0, Some(zone));
        check(zone, &autumn, 0, Some(zone));
    }
    // An offset that stays is no country that changes.
    check(Tz::America__Phoenix, &spring, 0, Some(Tz::America__Phoenix));
}

#[test]
fn a_span_beyond_its_votes_claims_no_summer_time() {
    let logins = uneven(at(2023, 1, 10), 3 * HOUR, 40);
    let votes: Vec<Vote> = logins
        .iter()
        .map(|utc| Vote {
            local: utc - 5 * HOUR,
            offsets: super::votes::bit(-20),
        })
        .collect();
    let span = (at(2023, 1, 1), at(2023, 9, 1));
    let zone = |named: &[Tz]| zones::choose(&votes, span, named).map(|choice| choice.zone);
    assert_eq!(zone(&[]), Some(Tz::America__Bogota));
    assert_eq!(zone(&[Tz::America__Chicago]), Some(Tz::America__Bogota));
    assert_eq!(zone(&[Tz::America__Toronto]), Some(Tz::America__Toronto));
}

#[test]
fn too_little_is_not_enough() {
    check(
        Tz::Asia__Shanghai,
        &uneven(at(2023, 5, 1), 3 * HOUR, 2),
        0,
        None,
    );
    check(Tz::Asia__Shanghai, &[], 0, None);
}

#[test]
fn what_runs_on_a_schedule_decides_nothing() {
    for step in [10 * 60, 15 * 60, 30 * 60, HOUR] {
        let runs: Vec<i64> = (0..2_000).map(|run| at(2023, 5, 1) + run * step).collect();
        check(Tz::Asia__Shanghai, &runs, 0, None);
    }
    // Beside it a few logins of people do.
    let mut both: Vec<i64> = (0..500).map(|run| at(2023, 5, 1) + run * 900).collect();
    both.extend(uneven(at(2023, 5, 1), 3 * HOUR, 40));
    check(Tz::Asia__Shanghai, &both, 0, Some(Tz::Asia__Shanghai));
}

#[test]
fn a_burst_of_one_account_decides_nothing_but_its_processes_do() {
    let burst: Vec<i64> = (0..3_000)
        .map(|second| at(2023, 5, 1) + second * 4)
        .collect();
    let seen = |series: usize, by: i64, pids: bool| -> Vec<Sighting> {
        let logins = burst.iter().zip(1_000..);
        logins
            .map(|(utc, pid)| login(series, utc + by, "root", pids.then_some(pid)))
            .collect()
    };
    let zone = |pids: bool| {
        let got = solved(seen(0, 8 * HOUR, pids), seen(1, 0, pids), &[]);
        got.map(|solved| solved.zone)
    };
    assert_eq!(zone(false), None);
    assert_eq!(zone(true), Some(Tz::Asia__Shanghai));
}

#[test]
fn logs_may_cover_different_times() {
    let moments = uneven(at(2023, 5, 1), 3 * HOUR, 200);
    let of = |series: usize, range: std::ops::Range<usize>, by: i64| -> Vec<Sighting> {
        moments[range]
            .iter()
            .map(|utc| login(series, utc + by, "ann", None))
            .collect()
    };
    let got = solved(of(0, 50..200, 19_800), of(1, 0..120, 0), &[]).expect("a zone");
    assert_eq!(got.zone, Tz::Asia__Kolkata);
    let agreement = got.agreement.expect("shared events");
    assert_eq!((agreement.matched, agreement.of), (70, 70));
    // The log knows logins that wtmp does not: every second is scp.
    let mut rare = of(1, 0..200, 0);
    rare.retain(|one| (one.at / 7) % 3 == 0);
    let got = solved(of(0, 0..200, 19_800), rare, &[]).expect("a zone");
    assert_eq!(got.zone, Tz::Asia__Kolkata);
    assert!(
        got.agreement
            .is_some_and(|one| one.matched == one.of && one.of < 100)
    );
}

#[test]
fn unrelated_logins_say_nothing() {
    let known: Vec<Sighting> = uneven(at(2023, 5, 1), 3 * HOUR, 300)
        .iter()
        .map(|utc| login(1, *utc, "ann", None))
        .collect();
    let other: Vec<Sighting> = uneven(at(2023, 5, 1) + 4_321, 5 * HOUR + 17, 180)
        .iter()
        .map(|utc| login(0, *utc, "ann", None))
        .collect();
    assert_eq!(solved(other, known, &[]), None);
}

#[test]
fn another_year_is_found() {
    let moments = uneven(at(2022, 5, 1), 3 * HOUR, 100);
    let known = moments
        .iter()
        .map(|utc| login(1, *utc, "ann", None))
        .collect();
    let year_late = |utc: &i64| login(0, utc + 365 * DAY + 8 * HOUR, "ann", None);
    let got = solved(moments.iter().map(year_late).collect(), known, &[]);
    let got = got.expect("a zone");
    assert_eq!((got.zone, got.years), (Tz::Asia__Shanghai, -1));
}

#[test]
fn hosts_have_zones_of_their_own() {
    let moments = uneven(at(2023, 5, 1), 3 * HOUR, 100);
    let at_other = |series: usize, at: i64| {
        let [strong, weak] = event_keys::login(
            "other",
            None,
            Some("192.0.2.1"),
            Some("ann"),
            Some("success"),
        );
        let keys = [strong, None, weak];
        Sighting {
            keys,
            ..login(series, at, "ann", None)
        }
    };
    let mut local: Vec<Sighting> = Vec::new();
    let mut known: Vec<Sighting> = Vec::new();
    for utc in &moments {
        local.push(login(0, utc + 8 * HOUR, "ann", None));
        local.push(at_other(2, utc - 2 * HOUR - 1_800 + 77));
        known.push(login(1, *utc, "ann", None));
        known.push(at_other(1, utc + 77));
    }
    let mut inputs = [
        InputRecord::of("h", "authlog"),
        InputRecord::of("h", "utmp"),
        InputRecord::of("other", "authlog"),
    ];
    inputs[0].assumed = 1;
    inputs[2].assumed = 1;
    let series = AllSeries::of(&inputs);
    let context = Context {
        spans: &BTreeMap::new(),
        yearless: &BTreeSet::new(),
        dayless: &BTreeSet::new(),
        read_with: &BTreeMap::new(),
        named: &[],
        collected_at: None,
        series: &series,
    };
    let zones = solve(&Sightings { local, known }, &context);
    let of = |host: &str| {
        zones
            .hosts
            .get(&Some(host.to_owned()))
            .map(|zone| zone.name())
    };
    assert_eq!(of("h"), Some("Asia/Shanghai"));
    assert_eq!(of("other"), Some("America/St_Johns"));
}

#[test]
fn minutes_fit_as_minutes() {
    let minute = |utc: i64| Sighting {
        width: 59,
        ..login(0, (utc + 8 * HOUR).div_euclid(60) * 60, "ann", None)
    };
    let known = [login(1, at(2023, 5, 1) + 3_659, "ann", None)];
    let known = Known::of(known.iter());
    let seen = minute(at(2023, 5, 1) + 3_659);
    assert_eq!(known.offsets(&seen), super::votes::bit(32));
    let partner = known.partner(&seen, 8 * HOUR).expect("a partner");
    assert_eq!(partner.ahead, 0);
}
