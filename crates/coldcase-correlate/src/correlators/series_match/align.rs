//! Two series of moments under one constant lag: the lag that most pairs share, the pairs matched one to one, and
//! how well the same is done by chance.
//!
//! Chance is measured on the series themselves. Days are shifted against each other (what runs every night at the
//! same time matches as well then), and other lags are tried (what writes many lines has one near any moment).
//! The best that chance does is the rate that the match must beat.

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
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
/// Other lags are tried as far as this, and must keep this from the true one.
const OTHER_LAGS: i64 = 3 * 3600 * SECOND;
const APART: i64 = 30 * SECOND;
/// Days by which series are shifted against each other, each way.
const SHIFTS: i64 = 7;
/// Active days from which days are the units that chance is counted in; below, clusters of events.
pub(super) const LEAST_DAYS: usize = 5;
/// Events closer than this are one cluster: one cause may have made them all.
const CLUSTER: i64 = 60 * SECOND;
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
/// Smallest p-value that is told: below, the number says nothing more.
pub(super) const LEAST_P: f64 = 1e-99;

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
    let enough = |matched: usize| matched as f64 >= least * effect.len() as f64;
    let votes = Votes::of(effect, cause, clocks);
    // The widest scatter first: what fails there fails everywhere.
    let widest = votes.best(effect, cause, WIDTHS.into_iter().max()?, clocks, &[])?;
    if !enough(widest.pairs.len()) {
        return None;
    }
    let found = WIDTHS.iter().filter_map(|width| {
        let peak = votes.best(effect, cause, *width, clocks, &[])?;
        enough(peak.pairs.len()).then(|| weigh(effect, cause, clocks, &votes, peak, *width))
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

fn weigh(
    effect: &[i64],
    cause: &[i64],
    clocks: Clocks,
    votes: &Votes,
    mut peak: Peak,
    width: i64,
) -> Alignment {
    let summer = over_summer(effect, cause, &mut peak, width);
    let blocks = blocks(effect);
    let rate = block_rate(&blocks, &peak.pairs);
    let chance = chance(effect, cause, clocks, votes, &peak, width, &blocks);
    let units = blocks.last().map_or(0, |last| last + 1);
    let tried = WIDTHS.len() as f64;
    Alignment {
        zone: zone_of(peak.low + width / 2),
        summer,
        width,
        chance,
        p_value: (tried * tail(units, rate, chance)).clamp(LEAST_P, 1.0),
        pairs: peak.pairs,
    }
}

/// The best that chance does: other lags, other days.
fn chance(
    effect: &[i64],
    cause: &[i64],
    clocks: Clocks,
    votes: &Votes,
    peak: &Peak,
    width: i64,
    blocks: &[usize],
) -> f64 {
    let middle = peak.low + width / 2;
    let away = width + APART;
    let mut best = 0.0f64;
    for pairs in votes.elsewhere(effect, cause, width, (middle, away)) {
        best = best.max(block_rate(blocks, &pairs));
    }
    let (Some(first), Some(last)) = (effect.first(), effect.last()) else {
        return 1.0;
    };
    let days = (last - first).div_euclid(DAY) + 1;
    if days >= i64::try_from(LEAST_DAYS).unwrap_or(i64::MAX) {
        for shift in (-SHIFTS..=SHIFTS).filter(|shift| *shift != 0 && shift.abs() < days) {
            let shifted = turn(cause, first + middle.min(0) - DAY / 2, days + 1, shift);
            let true_one = middle - shift * DAY;
            let votes = Votes::of(effect, &shifted, clocks);
            if let Some(found) = votes.best(effect, &shifted, width, clocks, &[(true_one, away)]) {
                best = best.max(block_rate(blocks, &found.pairs));
            }
        }
    }
    // One more of all events might have matched: chance is never nothing.
    let n = effect.len() as f64;
    ((best * n + 1.0) / (n + 1.0)).min(1.0)
}

/// Moments moved by whole days; what leaves the span of days comes in at its other end.
fn turn(times: &[i64], start: i64, days: i64, shift: i64) -> Vec<i64> {
    let span = days.saturating_mul(DAY);
    let inside = times
        .iter()
        .filter(|time| (start..start.saturating_add(span)).contains(*time));
    let mut turned: Vec<i64> = inside
        .map(|time| start + (time - start + shift * DAY).rem_euclid(span))
        .collect();
    turned.sort_unstable();
    turned
}

/// Differences of effect and cause, in order: what votes for a lag.
struct Votes {
    sorted: Vec<i64>,
}

/// A lag, as the low end of a window of lags, and what it matches.
#[derive(Debug, Clone)]
struct Peak {
    low: i64,
    pairs: Vec<(usize, usize)>,
}

impl Votes {
    fn of(effect: &[i64], cause: &[i64], clocks: Clocks) -> Self {
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
    fn best(
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
    fn elsewhere(
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
fn zone_of(lag: i64) -> i64 {
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
fn over_summer(effect: &[i64], cause: &[i64], peak: &mut Peak, width: i64) -> Option<i64> {
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

/// The block of each effect: its day where there are enough days, else its cluster.
fn blocks(effect: &[i64]) -> Vec<usize> {
    let numbered = |starts: &dyn Fn(i64, i64) -> bool| {
        let mut block = 0;
        let mut before: Option<i64> = None;
        let each = effect.iter().map(|time| {
            block += usize::from(before.is_some_and(|before| starts(before, *time)));
            before = Some(*time);
            block
        });
        each.collect::<Vec<usize>>()
    };
    // Days are cut where nothing happens: half a day without events ends one, so that nights stay whole.
    let days = numbered(&|before, time| time - before > DAY / 4);
    if days.last().is_some_and(|last| last + 1 >= LEAST_DAYS) {
        days
    } else {
        numbered(&|before, time| time - before > CLUSTER)
    }
}

/// The share of matched effects, each block counting the same.
fn block_rate(blocks: &[usize], pairs: &[(usize, usize)]) -> f64 {
    let units = blocks.last().map_or(0, |last| last + 1);
    let mut sizes = vec![(0usize, 0usize); units];
    for block in blocks {
        if let Some((all, _)) = sizes.get_mut(*block) {
            *all += 1;
        }
    }
    for (effect, _) in pairs {
        let block = blocks.get(*effect).copied().unwrap_or(usize::MAX);
        if let Some((_, matched)) = sizes.get_mut(block) {
            *matched += 1;
        }
    }
    let shares = sizes
        .iter()
        .filter(|(all, _)| *all > 0)
        .map(|(all, matched)| *matched as f64 / *all as f64);
    shares.sum::<f64>() / units.max(1) as f64
}

/// Bound of Chernoff on the chance that the mean of so many blocks reaches `rate` where each expects `chance`.
fn tail(units: usize, rate: f64, chance: f64) -> f64 {
    if rate <= chance || units == 0 {
        return 1.0;
    }
    let part = |a: f64, b: f64| if a <= 0.0 { 0.0 } else { a * (a / b).ln() };
    let distance = part(rate, chance) + part(1.0 - rate, 1.0 - chance);
    (-(units as f64) * distance).exp().min(1.0)
}
