//! Whether moments follow a period: gaps that are whole multiples of it (a sleep loop, whose phase
//! drifts), or moments locked to a clock with beats missing.

/// Beats below which nothing is a rhythm. RITA asks for four connections, Cobalt Strike's default of 60 s
/// gives ten in ten minutes; with ten the chance of a false one stays small over thousands of pairs.
pub(super) const LEAST_BEATS: usize = 10;
/// Shortest period looked for, in nanoseconds: below it a client is busy, not calling home.
pub(super) const LEAST_PERIOD: f64 = 2e9;
/// How far from a beat, as a share of the period, a gap may end to count for it. Each width is a test of its
/// own: frameworks shorten their sleep by up to half at random, loops in scripts hardly vary.
const WIDTHS: [f64; 4] = [0.02, 0.05, 0.1, 0.2];
/// Events closer than this share of the period are one beat: a call may take several connections.
const ONE_BEAT: f64 = 0.25;
/// Share of gaps that must fit (gap test), or length of the mean phase vector (clock test).
const LEAST_FIT: f64 = 0.7;
/// Share of the beats due that must have come.
const LEAST_PRESENT: f64 = 0.25;
/// Steps of half the resolution `1/T` tried at either side of a candidate's frequency.
const STEPS: i32 = 20;
/// Frequencies tried.
const TRIED: usize = 41;
/// How far a length got by turning phases on may be from the exact one; it is some 1e-8.
const SLACK: f64 = 1e-5;
/// Most beats that the phase is computed from: enough for any significance, and it bounds the work.
const MOST_PHASES: usize = 2_000;

/// A period and how well moments follow it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rhythm {
    /// In nanoseconds.
    pub period: f64,
    /// Mean distance from the beat, in nanoseconds.
    pub jitter: f64,
    /// Share of the gaps that fit.
    pub fit: f64,
    /// Share of the beats due that came.
    pub present: f64,
    /// Beats: events closer than a quarter of the period are one.
    pub beats: usize,
    /// Chance of it if the gaps were random, corrected for the periods and widths tried.
    pub p_value: f64,
    /// Whether the moments keep to a clock, not to the moment before.
    pub clock_locked: bool,
}

impl Rhythm {
    /// Mean of three shares: gaps that fit, how little the beats vary, beats that came.
    pub fn score(&self) -> f64 {
        let steady = (1.0 - 2.0 * self.jitter / self.period).clamp(0.0, 1.0);
        (self.fit + steady + self.present) / 3.0
    }
}

/// The best period of these moments (nanoseconds, in order), if they have one.
pub(super) fn find(times: &[i64]) -> Option<Rhythm> {
    if times.len() < LEAST_BEATS {
        return None;
    }
    let candidates = candidates(times);
    let tests = candidates.len() as f64;
    let found = candidates.iter().flat_map(|period| {
        let beats = beats(times, *period);
        [by_gaps(&beats, *period), by_clock(&beats, *period)]
    });
    let mut best: Option<Rhythm> = None;
    for mut rhythm in found.flatten() {
        rhythm.p_value = (rhythm.p_value * tests).min(1.0);
        let better = best.as_ref().is_none_or(|best| {
            rhythm.score() > best.score() && rhythm.p_value <= best.p_value.max(1e-9)
        });
        if better {
            best = Some(rhythm);
        }
    }
    best.filter(|best| best.present >= LEAST_PRESENT)
}

/// Periods worth trying: quantiles of the gaps, and fractions of them for beats that are mostly missing.
fn candidates(times: &[i64]) -> Vec<f64> {
    let pairs = times.windows(2);
    let gaps = pairs.filter_map(|pair| Some(pair.get(1)? - pair.first()?));
    // What follows within a second belongs to the same call.
    let mut gaps: Vec<i64> = gaps.filter(|gap| *gap >= 1_000_000_000).collect();
    gaps.sort_unstable();
    let quantile = |share: usize| gaps.get(gaps.len() * share / 20).copied();
    let mut periods = Vec::new();
    for gap in [1, 2, 5, 8, 10, 12, 15].into_iter().filter_map(quantile) {
        for part in [1.0, 2.0, 3.0] {
            periods.push(gap as f64 / part);
        }
    }
    periods.retain(|period| *period >= LEAST_PERIOD);
    periods.sort_by(f64::total_cmp);
    periods.dedup_by(|next, before| *next <= *before * 1.02);
    periods
}

/// The first event of each beat.
fn beats(times: &[i64], period: f64) -> Vec<i64> {
    let mut beats: Vec<i64> = Vec::new();
    let mut before: Option<i64> = None;
    for time in times {
        if before.is_none_or(|before| (time - before) as f64 >= ONE_BEAT * period) {
            beats.push(*time);
        }
        before = Some(*time);
    }
    beats
}

fn steps(gap: f64, period: f64) -> f64 {
    (gap / period).round().max(1.0)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The gap test: gaps as multiples of the period, which is refined by the median.
fn by_gaps(beats: &[i64], candidate: f64) -> Option<Rhythm> {
    if beats.len() < LEAST_BEATS {
        return None;
    }
    let pairs = beats.windows(2);
    let gaps: Vec<f64> = pairs
        .filter_map(|pair| Some((pair.get(1)? - pair.first()?) as f64))
        .collect();
    let mut period = candidate;
    for _ in 0..3 {
        let mut single: Vec<f64> = gaps.iter().map(|gap| gap / steps(*gap, period)).collect();
        period = median(&mut single)?;
    }
    let widest = WIDTHS.last().copied()?;
    period = mean_of_fitting(&gaps, period, widest);
    let off = |gap: &f64| (gap - steps(*gap, period) * period).abs() / period;
    let offs: Vec<f64> = gaps.iter().map(off).collect();
    let test = |width: f64| {
        let fitting = offs.iter().filter(|off| **off <= width).count();
        (
            binomial_tail(offs.len(), 2.0 * width, fitting),
            fitting as f64 / offs.len() as f64,
        )
    };
    let tests = WIDTHS.iter().map(|width| test(*width));
    let (p_value, _) = tests.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (_, fit) = test(widest);
    let fitting: Vec<&f64> = offs.iter().filter(|off| **off <= widest).collect();
    let jitter = fitting.iter().copied().sum::<f64>() / fitting.len().max(1) as f64 * period;
    let due: f64 = gaps.iter().map(|gap| steps(*gap, period)).sum();
    (fit >= LEAST_FIT).then_some(Rhythm {
        period,
        jitter,
        fit,
        present: gaps.len() as f64 / due,
        beats: beats.len(),
        p_value: p_value * WIDTHS.len() as f64,
        clock_locked: false,
    })
}

/// The period that the gaps near its multiples have on average.
fn mean_of_fitting(gaps: &[f64], period: f64, width: f64) -> f64 {
    let (mut time, mut beats) = (0.0, 0.0);
    for gap in gaps {
        let count = steps(*gap, period);
        if (gap - count * period).abs() <= width * period {
            time += gap;
            beats += count;
        }
    }
    if beats > 0.0 { time / beats } else { period }
}

/// The clock test: the periodogram `|sum exp(2 pi i f t)|^2 / n` near the candidate's frequency.
fn by_clock(beats: &[i64], candidate: f64) -> Option<Rhythm> {
    let first = *beats.first()?;
    let times: Vec<f64> = beats
        .iter()
        .take(MOST_PHASES)
        .map(|time| (time - first) as f64)
        .collect();
    let (count, span) = (times.len() as f64, *times.last()?);
    if times.len() < LEAST_BEATS || span <= 0.0 {
        return None;
    }
    let tried = (-STEPS..=STEPS).map(|step| 1.0 / candidate + f64::from(step) * 0.5 / span);
    let lowest = 1.0 / candidate - f64::from(STEPS) * 0.5 / span;
    let tried = tried.zip(lengths(&times, lowest, 0.5 / span));
    let tried = tried.filter(|(frequency, _)| *frequency > 0.0);
    let longest = tried.clone().map(|(_, length)| length).reduce(f64::max)?;
    if longest < LEAST_FIT - SLACK {
        return None;
    }
    let near = tried.filter(|(_, length)| *length >= longest - SLACK);
    let found = near.map(|(frequency, _)| (frequency, phase(&times, frequency)));
    let (frequency, (length, angle)) = found.max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let period = 1.0 / frequency;
    let off = |time: &f64| {
        let turns = time * frequency - angle / std::f64::consts::TAU;
        (turns - turns.round()).abs()
    };
    let jitter = times.iter().map(off).sum::<f64>() / count * period;
    let due = (span * frequency).round() + 1.0;
    (length >= LEAST_FIT).then_some(Rhythm {
        period,
        jitter,
        fit: length,
        present: (count / due).min(1.0),
        beats: beats.len(),
        p_value: (-count * length * length).exp() * f64::from(2 * STEPS + 1),
        clock_locked: true,
    })
}

/// Lengths (0 to 1) of the mean phases at equal steps of frequency: each moment's phase is turned on from step to
/// step, which takes a sine and a cosine a moment, not one a step.
fn lengths(times: &[f64], lowest: f64, step: f64) -> [f64; TRIED] {
    const LANES: usize = 8;
    let mut sums = [(0.0, 0.0); TRIED];
    let angle = |turns: f64| (turns.fract() * std::f64::consts::TAU).sin_cos();
    for some in times.chunks(LANES) {
        // Lanes without a moment add nothing.
        let mut at = [(0.0, 0.0); LANES];
        let mut turn = [(0.0, 0.0); LANES];
        for ((at, turn), time) in at.iter_mut().zip(&mut turn).zip(some) {
            *at = angle(time * lowest);
            *turn = angle(time * step);
        }
        for (sines, cosines) in &mut sums {
            for ((sine, cosine), (by_sine, by_cosine)) in at.iter_mut().zip(turn) {
                *sines += *sine;
                *cosines += *cosine;
                let turned = *sine * by_cosine + *cosine * by_sine;
                *cosine = *cosine * by_cosine - *sine * by_sine;
                *sine = turned;
            }
        }
    }
    let count = times.len() as f64;
    sums.map(|(sines, cosines)| f64::hypot(sines, cosines) / count)
}

/// Length (0 to 1) and angle of the mean of the moments as phases.
fn phase(times: &[f64], frequency: f64) -> (f64, f64) {
    let (mut sines, mut cosines) = (0.0, 0.0);
    for time in times {
        let (sine, cosine) = ((time * frequency).fract() * std::f64::consts::TAU).sin_cos();
        sines += sine;
        cosines += cosine;
    }
    let count = times.len() as f64;
    (
        f64::hypot(sines, cosines) / count,
        f64::atan2(sines, cosines),
    )
}

/// P[X >= k] of a binomial distribution, by Chernoff's bound: never too small.
fn binomial_tail(n: usize, p: f64, k: usize) -> f64 {
    let share = k as f64 / n.max(1) as f64;
    if share <= p {
        return 1.0;
    }
    let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    (-(n as f64) * (part(share, p) + part(1.0 - share, 1.0 - p))).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator: the same numbers every time.
    struct Random(u64);

    impl Random {
        /// From 0 to 1.
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.0 >> 33).expect("31 bits")) / f64::from(1u32 << 31)
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "seconds of tests are small"
    )]
    fn nanos(seconds: f64) -> i64 {
        (seconds * 1e9) as i64
    }

    /// Moments whose gaps (in seconds) are made one after the other.
    fn by_gaps(count: usize, mut gap: impl FnMut(&mut Random) -> f64) -> Vec<i64> {
        let (mut random, mut at) = (Random(7), 0.0);
        let moments = (0..count).map(|_| {
            at += gap(&mut random);
            nanos(at)
        });
        moments.collect()
    }

    fn check(name: &str, times: &[i64], expected: Option<f64>) {
        let found = find(times).filter(|rhythm| rhythm.p_value < 1e-4);
        let period = found.as_ref().map(|rhythm| rhythm.period / 1e9);
        match expected {
            None => assert_eq!(period, None, "{name}: {found:?}"),
            Some(expected) => {
                let period = period.unwrap_or_else(|| panic!("{name}: none found"));
                assert!(
                    (period - expected).abs() < 0.06 * expected,
                    "{name}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn rhythms() {
        check("exact", &by_gaps(10, |_| 30.0), Some(30.0));
        check(
            "a sleep loop",
            &by_gaps(40, |r| 60.0 + 2.0 * r.next()),
            Some(61.0),
        );
        check(
            "a third of jitter",
            &by_gaps(60, |r| 60.0 - 20.0 * r.next()),
            Some(50.0),
        );
        let missing = by_gaps(60, |r| if r.next() < 0.3 { 120.0 } else { 60.0 });
        check("missing beats", &missing, Some(60.0));
        let burst = by_gaps(90, |_| 20.0);
        let burst: Vec<i64> = (0..)
            .zip(&burst)
            .map(|(n, at)| at - (n % 3) * 19_500_000_000)
            .collect();
        check("three connections a beat", &burst, Some(60.0));
        check(
            "a nightly job",
            &by_gaps(20, |r| 86_400.0 + r.next()),
            Some(86_400.0),
        );
    }

    #[test]
    fn a_clock_with_most_beats_missing() {
        let mut random = Random(3);
        let kept = (0..400).filter(|_| random.next() < 0.4);
        let times: Vec<i64> = kept
            .map(|beat| nanos(60.0 * f64::from(beat) + 0.5))
            .collect();
        check("a clock", &times, Some(60.0));
    }

    #[test]
    fn what_has_no_rhythm() {
        check("few", &by_gaps(9, |_| 30.0), None);
        check(
            "random",
            &by_gaps(300, |r| -60.0 * (1.0 - r.next()).ln()),
            None,
        );
        check("any gap", &by_gaps(300, |r| 120.0 * r.next()), None);
        check("think time", &by_gaps(300, |r| 5.0 + 55.0 * r.next()), None);
        check(
            "dense",
            &by_gaps(2_000, |r| -0.5 * (1.0 - r.next()).ln()),
            None,
        );
        let mut bursts = Vec::new();
        let mut random = Random(11);
        let mut at = 0.0;
        for _ in 0..30 {
            at += -3600.0 * (1.0 - random.next()).ln();
            bursts.extend((0..10).map(|n| nanos(at + f64::from(n) * 4.0 * random.next())));
        }
        bursts.sort_unstable();
        check("bursts", &bursts, None);
    }

    #[test]
    fn phases_turned_on_are_those_of_each_frequency() {
        let half_a_year = 15.0e15;
        let mut random = Random(9);
        let times: Vec<f64> = (0..1_999).map(|_| half_a_year * random.next()).collect();
        let (lowest, step) = (1.0 / LEAST_PERIOD, 0.5 / half_a_year);
        for (nth, length) in (0..).zip(lengths(&times, lowest, step)) {
            let (exact, _) = phase(&times, lowest + f64::from(nth) * step);
            assert!((length - exact).abs() < SLACK / 10.0, "{length} {exact}");
        }
    }

    #[test]
    fn a_late_night_shift_is_no_rhythm() {
        // Random hours of working days: quiet nights are no beats.
        let mut random = Random(5);
        let mut times: Vec<i64> = (0..200)
            .map(|n| nanos(f64::from(n % 20) * 86_400.0 + 28_800.0 * random.next()))
            .collect();
        times.sort_unstable();
        check("office hours", &times, None);
    }
}
