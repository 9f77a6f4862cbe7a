//! Counts of events by step of time, where nobody knows beforehand how long the time is: steps are powers of two of a
//! nanosecond and widen as the span grows, so that the result does not depend on the order of events.

use std::collections::BTreeMap;

/// Steps of the whole span, at most.
const STEPS: i64 = 512;

/// A count of events by step of time, whose steps widen with the span.
#[derive(Debug, Clone, Default)]
pub(super) struct Widening {
    /// A step is two to the power of this many nanoseconds.
    pub power: u32,
    pub counts: BTreeMap<i64, u64>,
    /// The step counted last, not yet in `counts`: events mostly follow each other.
    open: Option<(i64, u64)>,
}

impl Widening {
    pub fn add(&mut self, at: i64) {
        let step = at >> self.power;
        match &mut self.open {
            Some((open, count)) if *open == step => *count += 1,
            _ => {
                self.close();
                self.open = Some((at >> self.power, 1));
            }
        }
    }

    /// Puts the open step to the others; afterwards no step is open.
    pub fn close(&mut self) {
        let Some((step, count)) = self.open.take() else {
            return;
        };
        *self.counts.entry(step).or_default() += count;
        self.widen();
    }

    /// Takes another's counts in.
    pub fn join(&mut self, mut other: Self) {
        self.close();
        other.close();
        while self.power < other.power {
            self.double();
        }
        for (step, count) in other.counts {
            let step = step >> (self.power - other.power);
            *self.counts.entry(step).or_default() += count;
        }
        self.widen();
    }

    fn widen(&mut self) {
        while let (Some(first), Some(last)) =
            (self.counts.keys().next(), self.counts.keys().next_back())
        {
            if last - first < STEPS {
                return;
            }
            self.double();
        }
    }

    fn double(&mut self) {
        self.power += 1;
        let narrow = std::mem::take(&mut self.counts);
        narrow
            .into_iter()
            .for_each(|(step, count)| *self.counts.entry(step >> 1).or_default() += count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn steps_widen_alike_in_any_order() {
        let times: Vec<i64> = (0..5_000)
            .map(|index: i64| 1_680_000_000 * SECOND + index * index * 7_000_000)
            .collect();
        let counted = |times: Vec<i64>| {
            let mut steps = Widening::default();
            times.into_iter().for_each(|at| steps.add(at));
            steps.close();
            (steps.power, steps.counts)
        };
        let mut backwards = times.clone();
        backwards.reverse();
        let joined = times.chunks(700).map(|run| {
            let mut steps = Widening::default();
            run.iter().for_each(|at| steps.add(*at));
            steps
        });
        let joined = joined.rev().reduce(|mut all, steps| {
            all.join(steps);
            all
        });
        let joined = joined.map(|steps| (steps.power, steps.counts));
        let forwards = counted(times);
        assert_eq!(Some(forwards.clone()), joined, "as if counted at once");
        assert_eq!(forwards, counted(backwards));
        assert_eq!(forwards.1.values().sum::<u64>(), 5_000);
        assert!(forwards.1.len() <= 512);
    }
}
