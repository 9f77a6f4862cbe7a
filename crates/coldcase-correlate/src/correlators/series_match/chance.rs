//! What chance does: the same match with other lags and other days, and how unlikely it makes the true one.
//!
//! Chance is measured on the series themselves. Days are shifted against each other (what runs every night at the
//! same time matches as well then), and other lags are tried (what writes many lines has one near any moment).
//! The best that chance does is the rate that the match must beat.

use super::align::{Alignment, Clocks, DAY, Peak, SECOND, Votes, WIDTHS, over_summer, zone_of};

/// Days by which series are shifted against each other, each way.
const SHIFTS: i64 = 7;
/// Active days from which days are the units that chance is counted in; below, clusters of events.
pub(super) const LEAST_DAYS: usize = 5;
/// Events closer than this are one cluster: one cause may have made them all.
const CLUSTER: i64 = 60 * SECOND;
/// Other lags must keep this from the true one.
const APART: i64 = 30 * SECOND;
/// Smallest p-value that is told: below, the number says nothing more.
pub(super) const LEAST_P: f64 = 1e-99;

/// Two series with all that their matches are weighed by.
pub(super) struct Tried<'a> {
    pub effect: &'a [i64],
    pub cause: &'a [i64],
    pub clocks: Clocks,
    pub votes: Votes,
    /// The cause moved by so many days, with its votes.
    pub shifted: Vec<(i64, Vec<i64>, Votes)>,
    pub blocks: Vec<usize>,
}

impl Tried<'_> {
    /// The match of a peak with its chance.
    pub fn weigh(&self, mut peak: Peak, width: i64) -> Alignment {
        let summer = over_summer(self.effect, self.cause, &mut peak, width);
        let rate = block_rate(&self.blocks, &peak.pairs);
        let chance = self.chance(&peak, width);
        let units = self.blocks.last().map_or(0, |last| last + 1);
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
    fn chance(&self, peak: &Peak, width: i64) -> f64 {
        let (effect, cause) = (self.effect, self.cause);
        let middle = peak.low + width / 2;
        let away = width + APART;
        let mut best = 0.0f64;
        for pairs in self.votes.elsewhere(effect, cause, width, (middle, away)) {
            best = best.max(block_rate(&self.blocks, &pairs));
        }
        for (shift, cause, votes) in &self.shifted {
            let true_one = (middle - shift * DAY, away);
            if let Some(found) = votes.best(effect, cause, width, self.clocks, &[true_one]) {
                best = best.max(block_rate(&self.blocks, &found.pairs));
            }
        }
        // One more of all events might have matched: chance is never nothing.
        let n = effect.len() as f64;
        ((best * n + 1.0) / (n + 1.0)).min(1.0)
    }
}

/// The cause moved by each number of days that chance is measured with, where there are enough days.
pub(super) fn shifted(
    effect: &[i64],
    cause: &[i64],
    clocks: Clocks,
) -> Vec<(i64, Vec<i64>, Votes)> {
    let (Some(first), Some(last)) = (effect.first(), effect.last()) else {
        return Vec::new();
    };
    // A day before and behind: what an error of a zone moves is still inside.
    let days = (last - first).div_euclid(DAY) + 3;
    if days < i64::try_from(LEAST_DAYS).unwrap_or(i64::MAX) + 2 {
        return Vec::new();
    }
    (-SHIFTS..=SHIFTS)
        .filter(|shift| *shift != 0 && shift.abs() < days - 1)
        .map(|shift| {
            let turned = turn(cause, first - DAY, days, shift);
            let votes = Votes::of(effect, &turned, clocks);
            (shift, turned, votes)
        })
        .collect()
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

/// The block of each effect: its day where there are enough days, else its cluster.
pub(super) fn blocks(effect: &[i64]) -> Vec<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_turn_stay_in_the_span() {
        let times = [DAY + 1, 2 * DAY + 2, 4 * DAY + 3];
        assert_eq!(turn(&times, 0, 5, 1), [3, 2 * DAY + 1, 3 * DAY + 2]);
        assert_eq!(turn(&times, 0, 5, -5), times);
    }

    #[test]
    fn chance_has_a_tail() {
        assert!((tail(10, 1.0, 0.5) - 0.5f64.powi(10)).abs() < 1e-12);
        assert_eq!(tail(10, 0.4, 0.5), 1.0);
        assert_eq!(tail(0, 1.0, 0.5), 1.0);
        assert!(tail(40, 1.0, 0.05) < 1e-50);
    }
}
