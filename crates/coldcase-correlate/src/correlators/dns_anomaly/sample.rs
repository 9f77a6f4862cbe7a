//! Distinct names, counted in bounded memory: the names whose hash is small enough are kept, and where they
//! become too many, the bound is halved. What remains depends on the names alone, never on their order.

use std::collections::BTreeMap;

/// Names of one domain and client that are kept: the estimate beyond is good to half a percent.
pub(super) const MOST_KEPT: usize = 32_768;

/// What is kept of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// When it was first asked, in nanoseconds.
    pub first: Option<i64>,
    /// Bytes of data that it may carry; of a failed name 1 where it reads like dice.
    pub data: u16,
    /// Hash of the registered domain that stands before this one: then this one is a search suffix.
    pub inner: u64,
}

/// Distinct names.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    kept: BTreeMap<u64, Kept>,
    /// Times that the bound was halved.
    level: u32,
}

impl Sample {
    /// Takes a name in; of one that is there already the earlier time stays.
    pub fn add(&mut self, hash: u64, one: Kept) {
        if hash > bound(self.level) {
            return;
        }
        let known = self.kept.entry(hash).or_insert(one);
        known.first = match (known.first, one.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        while self.kept.len() > MOST_KEPT {
            self.level += 1;
            let bound = bound(self.level);
            self.kept.retain(|hash, _| *hash <= bound);
        }
    }

    /// What a kept name stands for: itself and the names that were let go.
    pub fn weight(&self) -> f64 {
        f64::from(self.level).exp2()
    }

    /// The kept names, by hash.
    pub fn kept(&self) -> impl Iterator<Item = (u64, &Kept)> {
        self.kept.iter().map(|(hash, one)| (*hash, one))
    }

    /// Whether most names of two clients are the same, asked within seconds: then one passes on what
    /// the other asks. And whether this one asks first.
    pub fn shares_with(&self, other: &Self) -> Option<bool> {
        let bound = bound(self.level.max(other.level));
        let count = |sample: &Self| sample.kept.range(..=bound).count();
        let (mut shared, mut earlier, mut later) = (0, 0, 0);
        for (hash, one) in self.kept.range(..=bound) {
            let Some(also) = other.kept.get(hash) else {
                continue;
            };
            let apart = one.first.zip(also.first).map(|(a, b)| b - a);
            if apart.is_none_or(|apart| apart.abs() <= PASSED_ON_NS) {
                shared += 1;
                earlier += usize::from(apart.is_some_and(|apart| apart > 0));
                later += usize::from(apart.is_some_and(|apart| apart < 0));
            }
        }
        let least = count(self).min(count(other));
        (least > 0 && shared * 2 >= least).then_some(earlier >= later)
    }
}

/// A question is passed on within this time, clocks of two hosts included.
const PASSED_ON_NS: i64 = 5_000_000_000;

fn bound(level: u32) -> u64 {
    u64::MAX.checked_shr(level).unwrap_or(0)
}

/// FNV-1a, with its bits mixed so that small values are no rarer than others.
pub(super) fn hash(text: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(names: impl Iterator<Item = (u32, i64)>) -> Sample {
        let mut sample = Sample::default();
        for (name, at) in names {
            let kept = Kept {
                first: Some(at),
                data: 10,
                inner: 0,
            };
            sample.add(hash(&name.to_string()), kept);
        }
        sample
    }

    #[test]
    fn many_names_are_estimated_alike_in_any_order() {
        let forwards = sample((0..200_000).map(|n| (n, i64::from(n))));
        let backwards = sample((0..200_000).rev().map(|n| (n, i64::from(n))));
        let names = |sample: &Sample| sample.kept().map(|(hash, _)| hash).collect::<Vec<_>>();
        assert_eq!(names(&forwards), names(&backwards));
        let estimate = forwards.kept().count() as f64 * forwards.weight();
        assert!((estimate - 200_000.0).abs() < 4_000.0, "{estimate}");
    }

    #[test]
    fn the_first_time_stays() {
        let twice = sample([(1, 50), (1, 20), (1, 70)].into_iter());
        assert_eq!(
            twice.kept().map(|(_, one)| one.first).collect::<Vec<_>>(),
            [Some(20)]
        );
    }

    #[test]
    fn who_passes_on() {
        let second = 1_000_000_000;
        let asker = sample((0..100).map(|n| (n, i64::from(n) * second)));
        let resolver = sample((0..100).map(|n| (n, i64::from(n) * second + 1_000)));
        let another = sample((0..100).map(|n| (n, (i64::from(n) + 3_600) * second)));
        let others = sample((100..200).map(|n| (n, i64::from(n))));
        assert_eq!(asker.shares_with(&resolver), Some(true));
        assert_eq!(resolver.shares_with(&asker), Some(false));
        assert_eq!(asker.shares_with(&another), None);
        assert_eq!(asker.shares_with(&others), None);
    }
}
