//! Two series of moments under one constant lag: the lag that most pairs share, and the pairs
//! matched one to one.

use super::chance::{Tried, blocks, shifted};

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of a day.
pub(super) const DAY: i64 = 86_400 * SECOND;
/// Clocks that nobody sets run apart by minutes, and a job may take some to get to its logins.
const NEAR: i64 = 600 * SECOND;
/// Zones are apart by whole, half and quarter hours: none is off the grid since 1972.
const ZONE_GRID: i64 = 900 * SECOND;
/// The widest error: one log is in UTC, the other up to fourteen hours from it.
const ZONE_WIDEST: i64 = 14 * 3600 * SECOND;
/// What may be left of a lag beside an error of the zone.
const RESIDUAL: (i64, i64) = (-60 * SECOND, 150 * SECOND);
/// On one clock a cause comes first; the second is that of a log that cuts.
const EARLY: i64 = -2 * SECOND;
/// How far lags may scatter: a network's way, a job's start, a clock that drifts.
pub(super) const WIDTHS: [i64; 3] = [3 * SECOND, 15 * SECOND, 60 * SECOND];
/// Other lags are tried as far as this.
const OTHER_LAGS: i64 = 3 * 3600 * SECOND;
/// Effects that vote for a lag; more add nothing but time.
const VOTERS: usize = 1_000;
/// Differences that are weighed at most.
const MOST_VOTES: usize = 2_000_000;
/// Peaks of the votes that are matched one to one.
const PEAKS: usize = 3;
/// A lag near zero is believed before one that needs a wrong zone, if it matches this share as much.
const PREFER_NEAR: f64 = 0.9;
/// A change to or from summer time, where one log is in local time taken for another.
const SUMMER: i64 = 3600 * SECOND;

/// Whether a time is one that a clock may have shown, so that differences can't overflow: 1970 to 2116.
pub(super) fn is_sane(time: i64) -> bool {
    (0..=i64::MAX / 2).contains(&time)
}

/// What is known of the two clocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    /// The zone of one of them was assumed.
    pub zone_unsure: bool,
    /// Both series are of one host.
    pub same: bool,
}

/// How two series lie to each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alignment {
    /// Matched pairs: places in effect and cause.
    pub pairs: Vec<(usize, usize)>,
    /// Error of the zone, in nanoseconds.
    pub zone: i64,
    /// Matches beyond a change of summer time: the lag is off by this there.
    pub summer: Option<i64>,
    /// Scatter of lags that was allowed.
    pub width: i64,
    /// The share that chance matches.
    pub chance: f64,
    /// Probability of as good a match by chance, for this one pair of series.
    pub p_value: f64,
}

/// Matches an effect with a cause; both in order of time, in nanoseconds. `None` below this share of effects.
pub(super) fn align(
    effect: &[i64],
    cause: &[i64],
    clocks: Clocks,
    least: f64,
) -> Option<Alignment> {
    let sane = |times: &[i64]| {
        let ends = times.first().zip(times.last());
        ends.is_some_and(|(first, last)| is_sane(*first) && is_sane(*last))
    };
    if !sane(effect) || !sane(cause) {
        return None;
    }
    let enough = |matched: usize| matched as f64 >= least * effect.len() as f64;
    let votes = Votes::of(effect, cause, clocks);
    // The widest scatter first: what fails there fails everywhere.
    let widest = votes.best(effect, cause, WIDTHS.into_iter().max()?, clocks, &[])?;
    if !enough(widest.pairs.len()) {
        return None;
    }
    let tried = Tried {
        effect,
        cause,
        clocks,
        shifted: shifted(effect, cause, clocks),
        votes,
        blocks: blocks(effect),
    };
    let found = WIDTHS.iter().filter_map(|width| {
        let peak = tried.votes.best(effect, cause, *width, clocks, &[])?;
        enough(peak.pairs.len()).then(|| tried.weigh(peak, *width))
    });
    // Of equals the narrowest.
    found.reduce(|best, next| {
        if next.p_value < best.p_value {
            next
        } else {
            best
        }
    })
}

/// Differences of effect and cause, in order: what votes for a lag.
pub(super) struct Votes {
    sorted: Vec<i64>,
}

/// A lag, as the low end of a window of lags, and what it matches.
#[derive(Debug, Clone)]
pub(super) struct Peak {
    pub low: i64,
    pub pairs: Vec<(usize, usize)>,
}

impl Votes {
    pub fn of(effect: &[i64], cause: &[i64], clocks: Clocks) -> Self {
        let reach = if clocks.zone_unsure {
            ZONE_WIDEST + NEAR
        } else {
            OTHER_LAGS + NEAR
        };
        let step = effect.len().div_ceil(VOTERS).max(1);
        let mut sorted = Vec::new();
        for at in effect.iter().step_by(step) {
            let from = cause.partition_point(|time| *time < at.saturating_sub(reach));
            let near = cause
                .iter()
                .skip(from)
                .take_while(|time| **time <= at.saturating_add(reach));
            sorted.extend(near.map(|time| at - time));
            if sorted.len() > MOST_VOTES {
                break;
            }
        }
        sorted.sort_unstable();
        Self { sorted }
    }

    /// The allowed lag that matches most, but for those near one of `not`.
    pub fn best(
        &self,
        effect: &[i64],
        cause: &[i64],
        width: i64,
        clocks: Clocks,
        not: &[(i64, i64)],
    ) -> Option<Peak> {
        let allowed = |low: i64| {
            let middle = low + width / 2;
            is_allowed(low, width, clocks)
                && not.iter().all(|(lag, away)| (middle - lag).abs() > *away)
        };
        let mut peaks = self.peaks(width, allowed).into_iter().map(|low| Peak {
            low,
            pairs: pairs(effect, cause, low, low + width),
        });
        let is_near = |peak: &Peak| zone_of(peak.low + width / 2) == 0;
        let first = peaks.next()?;
        Some(peaks.fold(first, |best, next| {
            let worth = |peak: &Peak| {
                let share = if is_near(peak) { 1.0 } else { PREFER_NEAR };
                peak.pairs.len() as f64 * share
            };
            let order = worth(&next).total_cmp(&worth(&best));
            let closer = next.low.abs() < best.low.abs();
            if order.is_gt() || (order.is_eq() && closer) {
                next
            } else {
                best
            }
        }))
    }

    /// What the best other lags match.
    pub fn elsewhere(
        &self,
        effect: &[i64],
        cause: &[i64],
        width: i64,
        (lag, away): (i64, i64),
    ) -> Vec<Vec<(usize, usize)>> {
        let allowed = |low: i64| {
            let off = (low + width / 2 - lag).abs();
            off > away && off <= OTHER_LAGS
        };
        let lows = self.peaks(width, allowed).into_iter();
        lows.map(|low| pairs(effect, cause, low, low + width))
            .collect()
    }

    /// Low ends of the windows with most votes, apart from each other.
    fn peaks(&self, width: i64, allowed: impl Fn(i64) -> bool) -> Vec<i64> {
        let mut counted: Vec<(usize, i64)> = Vec::new();
        let mut end = 0;
        for (start, low) in self.sorted.iter().enumerate() {
            let after = self.sorted.get(end..).unwrap_or_default();
            end += after
                .iter()
                .take_while(|lag| **lag <= low.saturating_add(width))
                .count();
            if allowed(*low) {
                counted.push((end - start, *low));
            }
        }
        let mut peaks: Vec<i64> = Vec::new();
        for _ in 0..PEAKS {
            let free = counted
                .iter()
                .filter(|(_, low)| peaks.iter().all(|peak| (peak - low).abs() > width));
            // Of equals the one nearest to no lag, and of those the lower.
            let next = free.max_by_key(|(votes, low)| {
                (*votes, std::cmp::Reverse((low + width / 2).abs()), *low)
            });
            let Some((_, low)) = next else { break };
            peaks.push(*low);
        }
        peaks
    }
}

/// The nearest error of a zone, or none where the lag is near zero.
pub(super) fn zone_of(lag: i64) -> i64 {
    if lag.abs() <= NEAR {
        0
    } else {
        (lag + ZONE_GRID / 2).div_euclid(ZONE_GRID) * ZONE_GRID
    }
}

fn is_allowed(low: i64, width: i64, clocks: Clocks) -> bool {
    let middle = low + width / 2;
    let zone = zone_of(middle);
    let residual = middle - zone;
    let in_order = !clocks.same || low - zone >= EARLY;
    if zone == 0 {
        return in_order;
    }
    clocks.zone_unsure
        && zone.abs() <= ZONE_WIDEST
        && (RESIDUAL.0..=RESIDUAL.1).contains(&residual)
        && in_order
}

/// One to one: each effect takes the earliest cause left that precedes it by a lag from `low` to `high`. No other
/// choice gives more pairs, since all windows have one width.
fn pairs(effect: &[i64], cause: &[i64], low: i64, high: i64) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut next = 0;
    for (at, time) in effect.iter().enumerate() {
        let left = cause.get(next..).unwrap_or_default();
        let early = left
            .iter()
            .take_while(|cause| time.saturating_sub(**cause) > high)
            .count();
        next += early;
        if cause
            .get(next)
            .is_some_and(|cause| time.saturating_sub(*cause) >= low)
        {
            found.push((at, next));
            next += 1;
        }
    }
    found
}

/// Adds what matches an hour off, where that is before or after all else: one log went into summer time alone.
pub(super) fn over_summer(
    effect: &[i64],
    cause: &[i64],
    peak: &mut Peak,
    width: i64,
) -> Option<i64> {
    let missing = effect.len() - peak.pairs.len();
    if missing * 10 < effect.len() {
        return None;
    }
    let mut best: Option<(i64, Vec<(usize, usize)>)> = None;
    for off in [-SUMMER, SUMMER] {
        let low = peak.low + off;
        let more = pairs(effect, cause, low, low + width);
        let joined = split_joined(&peak.pairs, &more);
        let most = best
            .as_ref()
            .map_or(peak.pairs.len(), |(_, pairs)| pairs.len());
        if joined.len() > most && (joined.len() - peak.pairs.len()) * 10 >= effect.len() {
            best = Some((off, joined));
        }
    }
    let (off, joined) = best?;
    peak.pairs = joined;
    Some(off)
}

/// The most pairs of taking one list up to some effect and the other one behind it.
fn split_joined(one: &[(usize, usize)], other: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let joined = |first: &[(usize, usize)], then: &[(usize, usize)]| {
        let mut best: Vec<(usize, usize)> = Vec::new();
        let mut most = 0;
        let mut cut = None;
        for (before, (effect, cause)) in first.iter().enumerate() {
            let start = then.partition_point(|(e, c)| e <= effect || c <= cause);
            let sum = before + 1 + then.len() - start;
            if sum > most {
                most = sum;
                cut = Some((before + 1, start));
            }
        }
        if let Some((before, start)) = cut {
            best.extend(first.iter().take(before));
            best.extend(then.iter().skip(start));
        }
        best
    };
    let (a, b) = (joined(one, other), joined(other, one));
    if a.len() >= b.len() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(times: &[i64]) -> Vec<i64> {
        times.iter().map(|time| time * SECOND).collect()
    }

    #[test]
    fn pairs_are_one_to_one() {
        for (what, effect, cause, expected) in [
            (
                "each its own",
                vec![10, 20],
                vec![9, 19],
                vec![(0, 0), (1, 1)],
            ),
            (
                "one cause, two effects",
                vec![10, 11],
                vec![9],
                vec![(0, 0)],
            ),
            (
                "a cause without an effect",
                vec![20],
                vec![5, 19],
                vec![(0, 1)],
            ),
            (
                "close together",
                vec![10, 11],
                vec![8, 9],
                vec![(0, 0), (1, 1)],
            ),
            ("after its effect", vec![10], vec![11], vec![]),
        ] {
            let found = pairs(&seconds(&effect), &seconds(&cause), 0, 2 * SECOND);
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn zones_lie_on_quarter_hours() {
        for (seconds, expected) in [
            (0, 0),
            (599, 0),
            (-599, 0),
            (8 * 3600 + 2, 8 * 3600),
            (20_700 - 3, 20_700),
            (-19_800 + 1, -19_800),
        ] {
            assert_eq!(zone_of(seconds * SECOND), expected * SECOND, "{seconds}");
        }
    }

    #[test]
    fn lags_that_are_allowed() {
        let unsure = Clocks {
            zone_unsure: true,
            same: false,
        };
        let same = Clocks {
            zone_unsure: false,
            same: true,
        };
        for (what, low, clocks, expected) in [
            ("near", 5, Clocks::default(), true),
            ("a clock that is off", -300, Clocks::default(), true),
            ("hours, zones known", 3600, Clocks::default(), false),
            ("hours", 3600, unsure, true),
            (
                "hours and minutes that are no zone",
                3600 + 400,
                unsure,
                false,
            ),
            ("more than zones are apart", 15 * 3600, unsure, false),
            ("one clock, in order", 5, same, true),
            ("one clock, the effect first", -30, same, false),
        ] {
            assert_eq!(
                is_allowed(low * SECOND, 3 * SECOND, clocks),
                expected,
                "{what}"
            );
        }
    }

    #[test]
    fn few_or_no_events_match_nothing() {
        for (effect, cause) in [(vec![], vec![]), (vec![1], vec![]), (vec![], vec![1])] {
            assert_eq!(align(&effect, &cause, Clocks::default(), 0.5), None);
        }
        for extremes in [[i64::MIN, 0, 1], [0, 1, i64::MAX], [0, 1, i64::MAX / 2]] {
            let _ = align(&extremes, &extremes, Clocks::default(), 0.5);
        }
    }
}
