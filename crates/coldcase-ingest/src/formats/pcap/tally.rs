//! Counts by address, port and second that stay small whatever the evidence holds, and that merge to the
//! same result in any order.
//!
//! Addresses are counted exactly up to a limit. Beyond it only addresses are kept whose hash ends in a
//! number of zero bits (Gibbons, "Distinct Sampling", VLDB 2001): the sample depends on the set alone,
//! not on its order, so states of files merge exactly; with 65,536 kept the error is below 0.5 %.

use std::collections::BTreeMap;

use super::address::{Addr, Map};

/// Most addresses that one tally counts exactly.
pub(super) const MOST_EXACT: usize = 1 << 20;

/// Addresses kept with their exact count when sampling begins: the few that stand out by then.
const MOST_PINNED: usize = 16;

/// How often each address occurred.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    v4: Map<u32, u32>,
    v6: Map<Addr, u32>,
    /// Zero bits that a kept address's hash ends in; 0: all are kept.
    level: u32,
    pinned: Vec<(Addr, u32)>,
}

impl Tally {
    /// Counts an address.
    pub(super) fn add(&mut self, address: Addr, count: u32) {
        if self.level > 0 {
            if let Some(pinned) = self.pinned.iter_mut().find(|pinned| pinned.0 == address) {
                pinned.1 = pinned.1.saturating_add(count);
            }
            if address.spread().trailing_zeros() < self.level {
                return;
            }
        }
        let held = match address.v4() {
            Some(bits) => self.v4.entry(bits).or_insert(0),
            None => self.v6.entry(address).or_insert(0),
        };
        *held = held.saturating_add(count);
        if self.kept() > MOST_EXACT {
            self.limit(MOST_EXACT);
        }
    }

    /// Brings the count of an address into the processor's cache.
    pub(super) fn look(&self, address: Addr) {
        if let Some(bits) = address.v4() {
            std::hint::black_box(self.v4.get(&bits));
        }
    }

    /// Samples until no more than this many addresses are kept.
    pub(super) fn limit(&mut self, most: usize) {
        while self.kept() > most && self.level < 48 {
            if self.level == 0 {
                self.pinned = self.top(MOST_PINNED);
            }
            self.raise(self.level + 1);
        }
    }

    fn raise(&mut self, level: u32) {
        self.level = level;
        let sampled = |address: Addr| address.spread().trailing_zeros() >= level;
        self.v4.retain(|bits, _| sampled(Addr::of_v4(*bits)));
        self.v6.retain(|address, _| sampled(*address));
    }

    fn kept(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Gives back room that sampling left empty.
    pub(super) fn shrink(&mut self) {
        self.v4.shrink_to_fit();
        self.v6.shrink_to_fit();
    }

    /// Adds all of another tally.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.level > self.level {
            if self.level == 0 {
                self.pinned = self.top(MOST_PINNED);
            }
            self.raise(other.level);
        }
        let pinned_before = self.pinned.clone();
        for (address, count) in other.all() {
            self.add(address, count);
        }
        self.merge_pinned(pinned_before, other);
    }

    /// Pinned addresses outside of the sample are in no map: their counts are joined by themselves.
    fn merge_pinned(&mut self, before: Vec<(Addr, u32)>, other: &Self) {
        if self.level == 0 {
            return;
        }
        let mut joined: BTreeMap<Addr, u32> = before.into_iter().collect();
        let theirs: BTreeMap<Addr, u32> = other.pinned.iter().copied().collect();
        for (address, count) in &theirs {
            let held = joined.entry(*address).or_insert(0);
            *held = held.saturating_add(*count);
        }
        for (address, count) in other.all() {
            if !theirs.contains_key(&address)
                && let Some(held) = joined.get_mut(&address)
            {
                *held = held.saturating_add(count);
            }
        }
        self.pinned = most_first(joined.into_iter().collect(), MOST_PINNED);
    }

    fn all(&self) -> impl Iterator<Item = (Addr, u32)> {
        let v4 = self.v4.iter();
        let v4 = v4.map(|(bits, count)| (Addr::of_v4(*bits), *count));
        v4.chain(self.v6.iter().map(|(address, count)| (*address, *count)))
    }

    /// Whether every address is counted.
    pub(super) fn is_exact(&self) -> bool {
        self.level == 0
    }

    /// How many different addresses there are.
    pub(super) fn distinct(&self) -> u64 {
        (self.kept() as u64) << self.level
    }

    /// How many addresses occurred once.
    pub(super) fn single(&self) -> u64 {
        let single = self.all().filter(|(_, count)| *count == 1).count();
        (single as u64) << self.level
    }

    /// Bits of entropy over the leading 16 bits of the different addresses.
    pub(super) fn prefix_entropy(&self) -> f64 {
        let mut prefixes: BTreeMap<u16, u32> = BTreeMap::new();
        for (address, _) in self.all() {
            *prefixes.entry(address.prefix()).or_insert(0) += 1;
        }
        let total: f64 = prefixes.values().map(|count| f64::from(*count)).sum();
        let parts = prefixes.values().map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        });
        parts.sum::<f64>().max(0.0)
    }

    /// The addresses that occurred most, most first.
    pub(super) fn top(&self, most: usize) -> Vec<(Addr, u32)> {
        let mut counts: Vec<(Addr, u32)> = Vec::new();
        let outside = |address: &Addr| !self.pinned.iter().any(|pinned| pinned.0 == *address);
        let rest = self.all().filter(|(address, _)| outside(address));
        for count in self.pinned.iter().copied().chain(rest) {
            counts.push(count);
            if counts.len() >= 4096 {
                counts = most_first(counts, most);
            }
        }
        most_first(counts, most)
    }
}

fn most_first(mut counts: Vec<(Addr, u32)>, most: usize) -> Vec<(Addr, u32)> {
    counts.sort_unstable_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    counts.truncate(most);
    counts
}

/// Ports that occurred, without counts: a short list first, a bit each when they are many.
#[derive(Debug, Clone, Default)]
pub(super) struct PortSet {
    few: Vec<u16>,
    many: Option<Box<[u64; 1024]>>,
}

const FEW_PORTS: usize = 128;

impl PortSet {
    /// Adds a port.
    pub(super) fn add(&mut self, port: u16) {
        if let Some(bits) = &mut self.many {
            if let Some(word) = bits.get_mut(usize::from(port >> 6)) {
                *word |= 1 << (port & 63);
            }
            return;
        }
        if let Err(place) = self.few.binary_search(&port) {
            self.few.insert(place, port);
        }
        if self.few.len() > FEW_PORTS {
            self.many = Some(Box::new([0; 1024]));
            for port in std::mem::take(&mut self.few) {
                self.add(port);
            }
        }
    }

    /// Adds all of another set.
    pub(super) fn merge(&mut self, other: &Self) {
        for port in &other.few {
            self.add(*port);
        }
        if let Some(theirs) = &other.many {
            let few = std::mem::take(&mut self.few);
            let bits = self.many.get_or_insert_with(|| Box::new([0; 1024]));
            for (word, more) in bits.iter_mut().zip(theirs.iter()) {
                *word |= more;
            }
            for port in few {
                self.add(port);
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        let many = self.many.iter().flat_map(|bits| bits.iter());
        let few = u32::try_from(self.few.len()).unwrap_or(0);
        few + many.map(|word| word.count_ones()).sum::<u32>()
    }
}

/// A second and how often something occurred in it, in eight bytes: a flood has many thousand destinations, each with
/// its seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Second(u64);

/// Bits of the count, which ends at 268,435,455.
const COUNT_BITS: u32 = 28;

/// Added to a second, so that it is positive: nanoseconds in 64 bits reach 9.2e9 seconds.
const SECOND_BIAS: i64 = 1 << 35;

impl Second {
    fn new(second: i64, count: u32) -> Self {
        let biased = second.saturating_add(SECOND_BIAS);
        let biased = biased.clamp(0, (SECOND_BIAS << 1) - 1).unsigned_abs();
        Self((biased << COUNT_BITS) | u64::from(count).min((1 << COUNT_BITS) - 1))
    }

    fn second(self) -> i64 {
        i64::try_from(self.0 >> COUNT_BITS).unwrap_or(0) - SECOND_BIAS
    }

    fn count(self) -> u32 {
        u32::try_from(self.0 & ((1 << COUNT_BITS) - 1)).unwrap_or(0)
    }

    fn add(&mut self, count: u32) {
        *self = Self::new(self.second(), self.count().saturating_add(count));
    }
}

/// Events a whole second, to find the busiest one.
#[derive(Debug, Clone, Default)]
pub(super) struct Seconds {
    counts: Vec<Second>,
}

/// Most seconds kept; of more, those are dropped that can't be the busiest any longer.
const MOST_SECONDS: usize = 8192;

/// How long a second is kept whatever its count: attempts of a file's beginning are settled only when
/// the series is joined (see `flow::TIMEOUT_HALF_OPEN`).
const SECONDS_OPEN: i64 = 120;

impl Seconds {
    /// Counts at a second; times mostly rise.
    pub(super) fn add(&mut self, second: i64, count: u32) {
        match self.counts.last_mut() {
            Some(last) if last.second() == second => last.add(count),
            Some(last) if last.second() > second => self.insert(second, count),
            _ => self.counts.push(Second::new(second, count)),
        }
        if self.counts.len() > MOST_SECONDS {
            self.drop_low();
        }
    }

    fn insert(&mut self, second: i64, count: u32) {
        match self
            .counts
            .binary_search_by_key(&second, |held| held.second())
        {
            Ok(place) => {
                if let Some(held) = self.counts.get_mut(place) {
                    held.add(count);
                }
            }
            Err(place) => self.counts.insert(place, Second::new(second, count)),
        }
    }

    fn drop_low(&mut self) {
        let first = self.counts.first().map_or(0, |held| held.second());
        let last = self.counts.last().map_or(0, |held| held.second());
        let kept = |second: i64| {
            second.saturating_sub(first) < SECONDS_OPEN
                || last.saturating_sub(second) < SECONDS_OPEN
        };
        let mut old: Vec<u32> = self.counts.iter().map(|held| held.count()).collect();
        old.sort_unstable();
        let median = old.get(old.len() / 2).copied().unwrap_or(0);
        let most = old.last().copied().unwrap_or(0);
        let floor = if median < most { median } else { most - 1 };
        let mut busiest_kept = false;
        self.counts.retain(|held| {
            let count = held.count();
            let first_busiest = count == most && !busiest_kept;
            busiest_kept |= first_busiest;
            first_busiest || (count > floor && count < most) || kept(held.second())
        });
    }

    /// Adds all of another.
    pub(super) fn merge(&mut self, other: &Self) {
        for held in &other.counts {
            self.add(held.second(), held.count());
        }
    }

    /// All counts in equal steps of whole seconds from the first second on: the first second, the seconds of a step
    /// and the counts, at most `most`.
    pub(super) fn steps(&self, most: i64) -> Option<(i64, i64, Vec<u64>)> {
        let (first, last) = (self.counts.first()?.second(), self.counts.last()?.second());
        let span = last.checked_sub(first)?.checked_add(1)?;
        let step = (span + most - 1) / most;
        let mut counts = vec![0_u64; usize::try_from((span + step - 1) / step).ok()?];
        for held in &self.counts {
            let place = usize::try_from((held.second() - first) / step).ok()?;
            *counts.get_mut(place)? += u64::from(held.count());
        }
        Some((first, step, counts))
    }

    /// The busiest second, the earliest of equals, and its count.
    pub(super) fn peak(&self) -> Option<(i64, u32)> {
        let counts = self.counts.iter();
        let counts = counts.map(|held| (held.second(), held.count()));
        counts.max_by(|one, other| (one.1, other.0).cmp(&(other.1, one.0)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "lists made here")]

    use super::*;

    fn addresses(range: std::ops::Range<u32>) -> impl Iterator<Item = Addr> {
        range.map(|number| Addr::of_v4(number.wrapping_mul(2_654_435_761)))
    }

    #[test]
    fn sampled_counts_stay_close_and_merge_in_any_order() {
        let mut whole = Tally::default();
        let mut parts = vec![Tally::default(); 3];
        for (number, address) in addresses(0..200_000).enumerate() {
            whole.add(address, 1);
            parts[number % 3].add(address, 1);
        }
        whole.limit(1 << 14);
        parts[1].limit(1 << 14);
        let mut forwards = parts[0].clone();
        forwards.merge(&parts[1]);
        forwards.merge(&parts[2]);
        forwards.limit(1 << 14);
        let mut backwards = parts[2].clone();
        backwards.merge(&parts[1]);
        backwards.merge(&parts[0]);
        backwards.limit(1 << 14);
        assert_eq!(whole.distinct(), forwards.distinct());
        assert_eq!(whole.distinct(), backwards.distinct());
        let error = (whole.distinct() as f64 - 200_000.0).abs() / 200_000.0;
        assert!(error < 0.02, "{error}");
        assert!(!whole.is_exact());
        assert_eq!(whole.single(), whole.distinct());
    }

    #[test]
    fn who_stands_out_is_not_lost_by_sampling() {
        let mut tally = Tally::default();
        let heavy = Addr::of_v4(7);
        tally.add(heavy, 1000);
        addresses(0..50_000).for_each(|address| tally.add(address, 1));
        tally.limit(1 << 10);
        tally.add(heavy, 5);
        assert_eq!(tally.top(1), [(heavy, 1005)]);
    }

    #[test]
    fn entropy_tells_spread_from_clustered() {
        let mut spread = Tally::default();
        let mut clustered = Tally::default();
        for number in 0..1024 {
            spread.add(Addr::of_v4(number << 20), 1);
            clustered.add(Addr::of_v4(0x0a00_0000 | number), 1);
        }
        assert!((spread.prefix_entropy() - 10.0).abs() < 1e-9);
        assert!(clustered.prefix_entropy().abs() < 1e-9);
    }

    #[test]
    fn ports_are_counted_once() {
        let mut ports = PortSet::default();
        let mut other = PortSet::default();
        (0..300u16).for_each(|port| ports.add(port % 100));
        (50..400u16).for_each(|port| other.add(port));
        assert_eq!((ports.len(), other.len()), (100, 350));
        ports.merge(&other);
        assert_eq!(ports.len(), 400);
    }

    #[test]
    fn seconds_gather_in_equal_steps() {
        let mut seconds = Seconds::default();
        [(100, 3), (101, 1), (349, 5)]
            .into_iter()
            .for_each(|(at, count)| seconds.add(at, count));
        let (first, step, counts) = seconds.steps(120).unwrap();
        assert_eq!((first, step, counts.len()), (100, 3, 84));
        assert_eq!(
            (counts[0], counts[83], counts.iter().sum::<u64>()),
            (4, 5, 9)
        );
        assert_eq!(Seconds::default().steps(120), None);
    }

    #[test]
    fn a_second_of_any_time_fits_into_eight_bytes() {
        for second in [i64::MIN / 1_000_000_000, -1, 0, i64::MAX / 1_000_000_000] {
            let mut held = Second::new(second, 3);
            held.add(4);
            assert_eq!((held.second(), held.count()), (second, 7));
        }
        assert_eq!(Second::new(5, u32::MAX).count(), (1 << 28) - 1);
    }

    #[test]
    fn the_busiest_second_survives() {
        let mut seconds = Seconds::default();
        for second in 0..50_000i64 {
            seconds.add(second, 1 + u32::from(second == 20_000) * 9);
        }
        seconds.add(49_999, 1);
        assert_eq!(seconds.peak(), Some((20_000, 10)));
        assert!(seconds.counts.len() <= MOST_SECONDS);
        let mut equal = Seconds::default();
        (0..20_000i64).for_each(|second| equal.add(second, 3));
        assert_eq!(equal.peak(), Some((0, 3)));
    }
}
