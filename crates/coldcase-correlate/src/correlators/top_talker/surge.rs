//! Where a series of rates jumps: pure arithmetic over samples in order of time.

/// A rate and its moment, in nanoseconds.
pub(super) type Rate = (i64, f64);

/// A stretch that lies far above what came before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Surge {
    /// First and last moment of the stretch.
    pub first: i64,
    /// See `first`.
    pub last: i64,
    /// Median of the stretch, bytes a second.
    pub level: f64,
    /// Median of the low samples before it.
    pub baseline: f64,
    /// Whether the series goes on below it afterwards.
    pub ended: bool,
}

/// How many times its earlier level a stretch must reach. Day and night of a busy link differ by two to three.
pub(super) const RATIO: f64 = 4.0;
/// Samples of a stretch, and of the time before it: fewer are an outlier, or no baseline.
const LEAST_HIGH: usize = 3;
const LEAST_BEFORE: usize = 5;
/// Low samples within a stretch that don't end it: a scrape that failed, a second of pause.
const SLACK: usize = 3;
/// How much of the jump must come within [`LEAST_BEFORE`] samples: traffic that swells over hours is a day's course.
const JUMP: f64 = 2.0;

/// The middle value.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values
        .into_iter()
        .filter(|value| value.is_finite())
        .collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*value)
}

/// All surges of a series.
pub(super) fn surges(rates: &[Rate]) -> Vec<Surge> {
    let Some(threshold) = threshold(rates) else {
        return Vec::new();
    };
    let runs = runs(rates, threshold);
    runs.iter()
        .filter_map(|&run| surge(rates, run, threshold))
        .collect()
}

/// The value between a low and a high group of samples, where they are [`RATIO`] apart: Otsu's split of the
/// logarithms, since a surge may fill more than half of the series.
fn threshold(rates: &[Rate]) -> Option<f64> {
    let mut logs: Vec<f64> = rates.iter().map(|(_, rate)| rate.max(1.0).ln()).collect();
    logs.sort_by(f64::total_cmp);
    let total: f64 = logs.iter().sum();
    let count = logs.len();
    let mut best: Option<(f64, usize)> = None;
    let mut sum = 0.0;
    for (before, log) in logs.iter().enumerate() {
        let after = count - before;
        if before >= LEAST_BEFORE && after >= LEAST_HIGH {
            let (low, high) = (sum / before as f64, (total - sum) / after as f64);
            let between = before as f64 * after as f64 * (high - low).powi(2);
            if best.is_none_or(|(known, _)| between > known) {
                best = Some((between, before));
            }
        }
        sum += log;
    }
    let (_, split) = best?;
    let (low, high) = logs.split_at_checked(split)?;
    let (low, high) = (median(low.iter().copied())?, median(high.iter().copied())?);
    (high - low >= RATIO.ln()).then(|| ((low + high) / 2.0).exp())
}

/// Stretches above the threshold, as positions of their first and last sample.
fn runs(rates: &[Rate], threshold: f64) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in rates
        .iter()
        .enumerate()
        .filter(|(_, one)| one.1 > threshold)
    {
        match runs.last_mut() {
            Some((_, last)) if at - *last <= SLACK + 1 => *last = at,
            _ => runs.push((at, at)),
        }
    }
    runs.retain(|(first, last)| last - first + 1 >= LEAST_HIGH);
    runs
}

fn surge(rates: &[Rate], (from, to): (usize, usize), threshold: f64) -> Option<Surge> {
    let before = rates.get(..from)?;
    let low = before
        .iter()
        .map(|one| one.1)
        .filter(|rate| *rate <= threshold);
    let low: Vec<f64> = low.collect();
    if low.len() < LEAST_BEFORE {
        return None;
    }
    let baseline = median(low)?;
    let stretch = rates.get(from..=to)?;
    let level = median(stretch.iter().map(|one| one.1))?;
    let just_before = median(before.iter().rev().take(LEAST_BEFORE).map(|one| one.1))?;
    let just_after = median(stretch.iter().take(LEAST_BEFORE).map(|one| one.1))?;
    let jumps = just_after >= JUMP * just_before && level >= RATIO * baseline;
    // It begins where it leaves the baseline, not where it is half way up.
    let rising = before
        .iter()
        .rev()
        .take_while(|one| one.1 > JUMP * baseline.max(1.0));
    jumps.then_some(Surge {
        first: rising.last().or(stretch.first())?.0,
        last: stretch.last()?.0,
        level,
        baseline,
        ended: to + SLACK < rates.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample a minute, each level for so many of them; every second one 10 % higher.
    fn series(levels: &[(usize, f64)]) -> Vec<Rate> {
        let values = levels
            .iter()
            .flat_map(|(count, level)| vec![*level; *count]);
        let noise = |at: usize, value: f64| value * if at.is_multiple_of(2) { 1.0 } else { 1.1 };
        values
            .enumerate()
            .map(|(at, value)| (at as i64 * 60, noise(at, value)))
            .collect()
    }

    fn check(name: &str, levels: &[(usize, f64)], expected: &[(i64, i64, bool)]) {
        let found: Vec<_> = surges(&series(levels))
            .iter()
            .map(|one| (one.first / 60, one.last / 60, one.ended))
            .collect();
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn jumps_are_told_from_what_goes_on_as_ever() {
        let flat = [(100, 5e6)];
        check("steady", &flat, &[]);
        check("still on", &[(80, 5e6), (100, 1e8)], &[(80, 179, false)]);
        check(
            "a job",
            &[(30, 5e6), (25, 7e7), (90, 5e6)],
            &[(30, 54, true)],
        );
        check(
            "twice",
            &[(30, 5e6), (20, 7e7), (30, 5e6), (20, 7e7)],
            &[(30, 49, true), (80, 99, false)],
        );
        check("a spike", &[(50, 5e6), (1, 9e7), (50, 5e6)], &[]);
        check("twofold", &[(50, 5e6), (50, 1e7)], &[]);
        check("on from the start", &[(50, 1e8), (50, 5e6)], &[]);
        check(
            "a hole in it",
            &[(50, 5e6), (20, 1e8), (2, 0.0), (20, 1e8)],
            &[(50, 91, false)],
        );
        check("too few", &[(3, 1.0), (3, 1e8)], &[]);
        check("silent before", &[(40, 0.0), (40, 1e8)], &[(40, 79, false)]);
        // Swells by 5 % a sample: no moment at which it begins.
        let swell: Vec<_> = (0..100).map(|at| (1, 1e6 * 1.05_f64.powi(at))).collect();
        check("swelling", &swell, &[]);
        let ramp = [(40, 1e6), (1, 2.5e6), (1, 5e6), (40, 1e8)];
        check("a ramp", &ramp, &[(40, 81, false)]);
    }

    #[test]
    fn a_surge_is_weighed_by_its_middle() {
        let found = surges(&series(&[(20, 5e6), (2, 4e7), (60, 1e8)]));
        let surge = found.first().expect("a surge");
        assert_eq!(surge.first / 60, 20);
        assert!((1e8..=1.1e8).contains(&surge.level), "{}", surge.level);
        assert!((4.9e6..5.6e6).contains(&surge.baseline));
    }
}
