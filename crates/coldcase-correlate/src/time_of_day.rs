//! Windows of the day: whether something happens only at certain hours, day after day.
//!
//! Method (research notes, "Time-of-day windows"): one point a day, the fullest arc of 1 to 12 hours, and
//! the chance that as many of so many days fall into an arc of that length if hours did not matter,
//! corrected for every arc length, zone and starting point tried.

use chrono::{DateTime, NaiveDate, Offset as _, TimeDelta, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use coldcase_model::Timestamp;

/// Arc lengths tried, in hours.
const WIDTHS: [u32; 7] = [1, 2, 3, 4, 6, 8, 12];
/// Zones tried: the host's and UTC.
const ZONES_TRIED: f64 = 2.0;
const DAY: u32 = 86_400;
/// Edges are rounded outward to this many seconds: what people would say.
const ROUND: u32 = 300;
/// Share of days whose earliest (latest) events may lie outside of the edge.
const TRIM: f64 = 0.05;

/// Events of one day, as cut: seconds from the cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub date: NaiveDate,
    pub seconds: Vec<u32>,
}

/// A window of the day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    /// The zone in which it is tightest.
    pub zone: Tz,
    /// Seconds of the local day.
    pub start: u32,
    /// Seconds of the local day; below `start` where it crosses midnight.
    pub end: u32,
    /// Days on which it was hit.
    pub days_active: usize,
    /// Days from the first to the last.
    pub days_span: usize,
    /// Events inside it.
    pub inside: usize,
    /// Chance of it if hours did not matter.
    pub p_value: f64,
    /// Spread of the daily first events, in seconds: small for a job of a timer.
    pub start_spread: u32,
}

impl Window {
    /// How long it is, in seconds.
    pub fn width(&self) -> u32 {
        (self.end + DAY - self.start) % DAY
    }

    /// Whether a second of the local day lies in it.
    pub fn holds(&self, second: u32) -> bool {
        (second + DAY - self.start) % DAY <= self.width()
    }
}

/// `HH:MM` of a second of the day.
pub(crate) fn clock(second: u32) -> String {
    format!("{:02}:{:02}", second % DAY / 3600, second % 3600 / 60)
}

/// The best window for these instants (nanoseconds), tried in the host's zone and UTC.
pub(crate) fn find(times: &[i64], host_zone: Tz) -> Option<Window> {
    let zones: &[Tz] = if host_zone == Tz::UTC {
        &[Tz::UTC]
    } else {
        &[host_zone, Tz::UTC]
    };
    let found = zones.iter().filter_map(|zone| in_zone(times, *zone));
    // Of equally good ones the host's: the earlier wins only if the later is not better.
    found.reduce(|best, next| {
        if next.p_value < best.p_value / 10.0 {
            next
        } else {
            best
        }
    })
}

/// The clock of a zone. What it shows is looked up once a day where the day has one offset, as most have.
struct LocalClock {
    zone: Tz,
    /// A day of UTC since 1970, and its offset in seconds.
    day: Option<(i64, Option<i64>)>,
}

impl LocalClock {
    fn of(zone: Tz) -> Self {
        Self { zone, day: None }
    }

    /// Date and second of the local day.
    fn read(&mut self, ns: i64) -> (NaiveDate, u32) {
        let second = ns.div_euclid(1_000_000_000);
        let day = second.div_euclid(i64::from(DAY));
        let offset = match self.day {
            Some((known, offset)) if known == day => offset,
            _ => {
                let offset = self.offset_of(day);
                self.day = Some((day, offset));
                offset
            }
        };
        offset
            .and_then(|offset| date_and_second(second + offset))
            .unwrap_or_else(|| {
                let local = Timestamp(ns).to_utc().with_timezone(&self.zone);
                let local = local.naive_local();
                (local.date(), local.time().num_seconds_from_midnight())
            })
    }

    /// The offset at both ends of a day, if it is the same.
    fn offset_of(&self, day: i64) -> Option<i64> {
        let at = |day: i64| {
            let utc = DateTime::from_timestamp(day * i64::from(DAY), 0)?.naive_utc();
            let offset = self.zone.offset_from_utc_datetime(&utc).fix();
            Some(i64::from(offset.local_minus_utc()))
        };
        at(day).filter(|offset| at(day + 1) == Some(*offset))
    }
}

fn date_and_second(local: i64) -> Option<(NaiveDate, u32)> {
    let days = i32::try_from(local.div_euclid(i64::from(DAY))).ok()?;
    let second = u32::try_from(local.rem_euclid(i64::from(DAY))).ok()?;
    Some((NaiveDate::from_epoch_days(days)?, second))
}

fn in_zone(times: &[i64], zone: Tz) -> Option<Window> {
    let mut clock = LocalClock::of(zone);
    let local: Vec<(NaiveDate, u32)> = times.iter().map(|ns| clock.read(*ns)).collect();
    let cut = emptiest_hour(&local) * 3600;
    let days = cut_days(&local, cut);
    let points: Vec<u32> = days.iter().filter_map(|day| median(&day.seconds)).collect();
    let (_, p_value) = best_arc(&points)?;
    let (start, end, start_spread) = edges(&days)?;
    let (first, last) = (days.first()?.date, days.last()?.date);
    let mut window = Window {
        zone,
        start: (start + cut) % DAY,
        end: (end + cut) % DAY,
        days_active: 0,
        days_span: usize::try_from((last - first).num_days()).ok()? + 1,
        inside: 0,
        p_value,
        start_spread,
    };
    window.inside = local
        .iter()
        .filter(|(_, second)| window.holds(*second))
        .count();
    let hit = |day: &&Day| {
        day.seconds
            .iter()
            .any(|second| window.holds((second + cut) % DAY))
    };
    window.days_active = days.iter().filter(hit).count();
    Some(window)
}

/// The hour of the day with the fewest events; of equals the one farthest from any event.
fn emptiest_hour(local: &[(NaiveDate, u32)]) -> u32 {
    let mut hours = [0usize; 24];
    for (_, second) in local {
        if let Some(count) = hours.get_mut((second / 3600) as usize) {
            *count += 1;
        }
    }
    let least = hours.iter().min().copied().unwrap_or(0);
    let empty = |hour: u32| hours.get((hour % 24) as usize) == Some(&least);
    let room = |hour: u32| {
        (1..=12)
            .take_while(|step| empty(hour + step) && empty(hour + 24 - step))
            .count()
    };
    (0..24)
        .filter(|hour| empty(*hour))
        .max_by_key(|hour| (room(*hour), std::cmp::Reverse(*hour)))
        .unwrap_or(0)
}

fn cut_days(local: &[(NaiveDate, u32)], cut: u32) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    let mut shifted: Vec<(NaiveDate, u32)> = local
        .iter()
        .map(|(date, second)| {
            let back = if *second < cut {
                TimeDelta::days(1)
            } else {
                TimeDelta::zero()
            };
            (*date - back, (second + DAY - cut) % DAY)
        })
        .collect();
    shifted.sort_unstable();
    for (date, second) in shifted {
        match days.last_mut() {
            Some(day) if day.date == date => day.seconds.push(second),
            _ => days.push(Day {
                date,
                seconds: vec![second],
            }),
        }
    }
    days
}

fn median(sorted: &[u32]) -> Option<u32> {
    sorted.get(sorted.len() / 2).copied()
}

/// Fullest arc over all widths: its width in hours and its p-value.
fn best_arc(points: &[u32]) -> Option<(u32, f64)> {
    let days = points.len();
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    let arcs = WIDTHS.iter().map(|width| {
        let reach = width * 3600;
        let hits = sorted.iter().map(|from| {
            sorted
                .iter()
                .filter(|point| (**point + DAY - from) % DAY <= reach)
                .count()
        });
        let most = hits.max().unwrap_or(0);
        let tail = binomial_tail(
            days.saturating_sub(1),
            f64::from(*width) / 24.0,
            most.saturating_sub(1),
        );
        (
            *width,
            (WIDTHS.len() as f64 * ZONES_TRIED * days as f64 * tail).min(1.0),
        )
    });
    arcs.min_by(|(_, a), (_, b)| a.total_cmp(b))
        .filter(|_| days > 0)
}

/// P[X >= k] of a binomial distribution.
fn binomial_tail(n: usize, p: f64, k: usize) -> f64 {
    let ln_factorials = ln_factorials(n);
    let ln_factorial = |k: usize| ln_factorials.get(k).copied().unwrap_or(0.0);
    let log_choose = |k: usize| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let term =
        |k: usize| (log_choose(k) + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln()).exp();
    if p >= 1.0 || k == 0 {
        1.0
    } else {
        (k..=n).map(term).sum::<f64>().min(1.0)
    }
}

/// Logarithms of the factorials of 0 to `n`.
fn ln_factorials(n: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let step = |number: usize| {
        sum += (number.max(1) as f64).ln();
        sum
    };
    (0..=n).map(step).collect()
}

/// Start and end in seconds from the cut, rounded outward, and how much the daily starts spread.
fn edges(days: &[Day]) -> Option<(u32, u32, u32)> {
    let mut firsts: Vec<u32> = days
        .iter()
        .filter_map(|day| day.seconds.first().copied())
        .collect();
    let mut lasts: Vec<u32> = days
        .iter()
        .filter_map(|day| day.seconds.last().copied())
        .collect();
    firsts.sort_unstable();
    lasts.sort_unstable();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is one"
    )]
    let trim = (days.len() as f64 * TRIM).floor() as usize;
    // What lies just beyond the trimmed edge belongs to the window, a straggler hours away doesn't.
    let near = 4 * ROUND;
    let (from, to) = (*firsts.get(trim)?, *lasts.get(lasts.len() - 1 - trim)?);
    let start = firsts
        .iter()
        .copied()
        .find(|first| from - first <= near)
        .unwrap_or(from);
    let end = lasts
        .iter()
        .rev()
        .copied()
        .find(|last| last - to <= near)
        .unwrap_or(to);
    let spread = firsts.get(firsts.len() - 1 - trim)? - from;
    Some((
        start / ROUND * ROUND,
        end.div_ceil(ROUND) * ROUND % DAY,
        spread,
    ))
}

/// Share of hours outside of the window, on the window's days, that the evidence covers.
pub(crate) fn covered_outside(window: &Window, spans: &[(i64, i64)], first: i64, last: i64) -> f64 {
    let hour = 3600 * 1_000_000_000i64;
    let (mut outside, mut covered) = (0usize, 0usize);
    let mut clock = LocalClock::of(window.zone);
    let mut at = first - first.rem_euclid(hour);
    while at <= last {
        let (_, second) = clock.read(at + hour / 2);
        if !window.holds(second) {
            outside += 1;
            covered += usize::from(
                spans
                    .iter()
                    .any(|(from, to)| *from <= at + hour && at <= *to),
            );
        }
        at += hour;
    }
    if outside == 0 {
        0.0
    } else {
        covered as f64 / outside as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, NaiveTime};

    #[test]
    fn a_clock_shows_what_its_zone_says() {
        let zones = [
            Tz::UTC,
            Tz::Asia__Shanghai,
            Tz::Asia__Kolkata,
            Tz::America__New_York,
            Tz::Australia__Lord_Howe,
            Tz::Pacific__Apia,
        ];
        let half_hour = 1_800_000_000_000;
        // A year with all changes to and from summer time, the day that Samoa left out, and times before 1970.
        let spans = [1_293_840_000, 1_672_531_200, -500_000_000];
        for zone in zones {
            for from in spans {
                let mut clock = LocalClock::of(zone);
                for step in 0..2 * 24 * 366 {
                    let ns = from * 1_000_000_000 + step * half_hour + 1;
                    let local = Timestamp(ns).to_utc().with_timezone(&zone).naive_local();
                    let expected = (local.date(), local.num_seconds_from_midnight());
                    assert_eq!(clock.read(ns), expected, "{zone} {ns}");
                }
            }
        }
    }

    /// `count` instants a day for `days` days, spread from `from` to `to` (seconds of the local day).
    fn daily(zone: Tz, days: u64, from: u32, to: u32, count: u32) -> Vec<i64> {
        let mut times = Vec::new();
        for day in 0..days {
            for index in 0..count {
                let second = from
                    + (to - from) * index / count.max(2)
                    + u32::try_from(day * 37 % 200).unwrap_or(0);
                let date = NaiveDate::from_ymd_opt(2023, 3, 1)
                    .and_then(|date| date.checked_add_days(chrono::Days::new(day)));
                let local = date.and_then(|date| {
                    date.and_time(NaiveTime::MIN)
                        .checked_add_signed(TimeDelta::seconds(second.into()))
                });
                let at = zone
                    .from_local_datetime(&local.expect("a date"))
                    .earliest()
                    .expect("no gap here");
                times.push(at.timestamp_nanos_opt().expect("in range"));
            }
        }
        times
    }

    #[test]
    fn a_nightly_window_is_found_in_local_time() {
        let window = find(
            &daily(Tz::Asia__Shanghai, 30, 0, 4 * 3600, 12),
            Tz::Asia__Shanghai,
        )
        .expect("a window");
        assert_eq!(
            (window.zone, window.days_active, window.inside),
            (Tz::Asia__Shanghai, 30, 360)
        );
        assert_eq!(clock(window.start), "00:00");
        assert!(
            window.width() <= 4 * 3600 && window.p_value < 1e-6,
            "{window:?}"
        );
    }

    #[test]
    fn a_window_may_cross_midnight_and_a_dst_change() {
        let zone = Tz::Europe__Berlin;
        let window = find(&daily(zone, 60, 23 * 3600, 25 * 3600, 6), zone).expect("a window");
        assert_eq!(window.zone, zone);
        assert_eq!(clock(window.start), "23:00");
        assert!(window.width() < 3 * 3600, "{window:?}");
    }

    #[test]
    fn all_day_is_no_window() {
        let window = find(&daily(Tz::UTC, 30, 0, 86_000, 24), Tz::UTC).expect("an arc");
        assert!(window.width() > 12 * 3600, "{window:?}");
    }

    #[test]
    fn tails_of_the_binomial() {
        assert!((binomial_tail(10, 0.5, 5) - 0.623_046_875).abs() < 1e-9);
        assert!((binomial_tail(3, 0.25, 3) - 0.015_625).abs() < 1e-12);
    }
}
