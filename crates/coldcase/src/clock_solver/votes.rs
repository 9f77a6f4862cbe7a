//! Which offset from UTC makes sightings by a clock of unknown zone agree with sightings by a known one.
//!
//! In: sightings of the same events, each with keys that tell the event (address and process, address and user).
//! Out: for each local sighting the offsets, all quarters of an hour from -12:00 to +14:00, at which some known
//! sighting of the same key stands. A sighting that fits many offsets says little of any: its vote is shared
//! among them, so that a job that runs every ten minutes decides nothing. No clocks, files or columns here.

use std::collections::{BTreeMap, HashMap};

use super::event_keys::Kind;

/// Offsets from UTC are whole quarters of an hour: all that were in force since 1972 are.
pub(crate) const QUARTER: i64 = 900;
/// UTC-12:00, the westernmost zone, in quarters.
const LOWEST: i64 = -48;
/// UTC+14:00, the easternmost, in quarters.
const HIGHEST: i64 = 56;
/// How many offsets there are.
pub(crate) const OFFSETS: usize = 105;
/// A sighting whose key was seen more often than this within a day's reach fits anything: it is not looked at further.
const MOST_IN_REACH: usize = 2_000;

/// What two sightings of one event share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Of kind and values.
    pub hash: u64,
    /// How many seconds apart two sightings of one event may lie.
    pub tolerance: i64,
    /// Of what both artifacts should tell all events, while both tell any: an account and address, an asker.
    pub scope: u64,
}

/// One artifact's record of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Seconds since 1970, by the artifact's own clock: local where its zone is not known, else UTC.
    pub at: i64,
    /// How many seconds later it may have been: 59 where the artifact shows minutes.
    pub width: i64,
    /// Strongest first.
    pub keys: [Option<Key>; 3],
    /// What kind of event.
    pub kind: Kind,
    /// Which series of artifacts.
    pub series: usize,
}

impl Sighting {
    /// Its keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.keys.iter().flatten().copied()
    }
}

/// The offset with this number.
pub(crate) fn quarters(number: usize) -> i64 {
    LOWEST + i64::try_from(number).unwrap_or(0)
}

/// The bit of an offset in quarters of an hour; none where no zone has it.
pub(crate) fn bit(quarters: i64) -> u128 {
    let number = u32::try_from(quarters - LOWEST).ok();
    let number = number.filter(|_| quarters <= HIGHEST);
    number.map_or(0, |number| 1 << number)
}

/// Sightings by a known clock, by key.
#[derive(Debug, Default)]
pub(crate) struct Known {
    by_key: HashMap<u64, Vec<Entry>>,
    /// First and last of each scope and series.
    by_scope: HashMap<u64, BTreeMap<usize, (i64, i64)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: i64,
    width: i64,
    series: usize,
}

/// The known sighting of the same event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partner {
    /// Seconds by which the known clock is ahead; 0 where the precision allows that.
    pub ahead: i64,
    /// Its series.
    pub series: usize,
}

impl Known {
    /// An index of these.
    pub fn of<'a>(sightings: impl Iterator<Item = &'a Sighting>) -> Self {
        let mut known = Self::default();
        for one in sightings {
            let (at, width, series) = (one.at, one.width, one.series);
            for key in one.keys() {
                let entry = Entry { at, width, series };
                known.by_key.entry(key.hash).or_default().push(entry);
                let of_scope = known.by_scope.entry(key.scope).or_default();
                let span = of_scope.entry(series).or_insert((at, at));
                *span = (span.0.min(at), span.1.max(at));
            }
        }
        let entries = known.by_key.values_mut();
        entries.for_each(|entries| entries.sort());
        known
    }

    /// Entries of a key from `from` to `to`.
    fn between(&self, key: Key, from: i64, to: i64) -> &[Entry] {
        let entries = self.by_key.get(&key.hash).map_or(&[][..], Vec::as_slice);
        let start = entries.partition_point(|entry| entry.at < from);
        let end = entries.partition_point(|entry| entry.at <= to);
        entries.get(start..end).unwrap_or_default()
    }

    /// Whether another series tells of the same scope before and after it, and so should tell of the event.
    pub fn covers(&self, sighting: &Sighting) -> bool {
        sighting.keys().any(|key| {
            let spans = self.by_scope.get(&key.scope).into_iter().flatten();
            let mut others = spans.filter(|(series, _)| **series != sighting.series);
            others.any(|(_, (first, last))| {
                (first - key.tolerance..=last + key.tolerance).contains(&sighting.at)
            })
        })
    }

    /// The offsets, as bits, at which another series saw the same event: by the strongest key that gives any.
    pub fn offsets(&self, local: &Sighting) -> u128 {
        for key in local.keys() {
            let reach = key.tolerance + local.width + QUARTER;
            let (from, to) = (
                local.at - HIGHEST * QUARTER - reach,
                local.at - LOWEST * QUARTER + reach,
            );
            let near = self.between(key, from, to);
            if near.len() > MOST_IN_REACH {
                return u128::MAX >> (128 - OFFSETS);
            }
            let of_others = near.iter().filter(|entry| entry.series != local.series);
            let fits = of_others.fold(0, |fits, entry| fits | fitting(local, key, entry));
            if fits != 0 {
                return fits;
            }
        }
        0
    }

    /// The nearest sighting of the same event by another series, were the local clock this many seconds ahead of UTC.
    pub fn partner(&self, local: &Sighting, offset: i64) -> Option<Partner> {
        local.keys().find_map(|key| {
            let utc = local.at - offset;
            let reach = key.tolerance + local.width + QUARTER;
            let near = self.between(key, utc - reach, utc + reach).iter();
            let of_others = near.filter(|entry| entry.series != local.series);
            let apart = of_others.map(|entry| Partner {
                ahead: ahead(utc, local.width, entry),
                series: entry.series,
            });
            apart
                .filter(|partner| partner.ahead.abs() <= key.tolerance)
                .min_by_key(|partner| (partner.ahead.abs(), partner.series))
        })
    }
}

/// Seconds between two intervals; 0 where they touch.
fn ahead(utc: i64, width: i64, entry: &Entry) -> i64 {
    if entry.at > utc + width {
        entry.at - utc - width
    } else {
        (entry.at + entry.width - utc).min(0)
    }
}

fn fitting(local: &Sighting, key: Key, entry: &Entry) -> u128 {
    let apart = local.at - entry.at;
    let from = apart - entry.width - key.tolerance;
    let to = apart + local.width + key.tolerance;
    let first = from.div_euclid(QUARTER) + i64::from(from.rem_euclid(QUARTER) > 0);
    let last = to.div_euclid(QUARTER);
    (first.max(LOWEST)..=last.min(HIGHEST)).fold(0, |bits, quarters| bits | bit(quarters))
}

/// A local sighting with the offsets that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vote {
    /// Seconds by the local clock.
    pub local: i64,
    /// Bits of [`bit`].
    pub offsets: u128,
}

impl Vote {
    /// Its share for each of the offsets that it fits.
    pub fn weight(&self) -> f64 {
        1.0 / f64::from(self.offsets.count_ones().max(1))
    }

    /// Whether it fits this offset, in quarters.
    pub fn fits(&self, quarters: i64) -> bool {
        self.offsets & bit(quarters) != 0
    }
}

/// The offset, in quarters, that most of these votes are for, with their sum. Of equals the first.
pub(crate) fn leader<'a>(votes: impl Iterator<Item = &'a Vote>) -> Option<(i64, f64)> {
    let mut sums = [0.0; OFFSETS];
    for vote in votes {
        add(&mut sums, vote.offsets, vote.weight());
    }
    highest(&sums)
}

/// The strongest offset against a zone: the highest sum of votes for one that the zone does not have at their time.
pub(crate) fn runner_up(votes: &[Vote], zone: impl Fn(i64) -> Option<i64>) -> f64 {
    let mut sums = [0.0; OFFSETS];
    for vote in votes {
        let own = zone(vote.local).map_or(0, bit);
        add(&mut sums, vote.offsets & !own, vote.weight());
    }
    highest(&sums).map_or(0.0, |(_, sum)| sum)
}

fn add(sums: &mut [f64; OFFSETS], offsets: u128, weight: f64) {
    for (number, sum) in sums.iter_mut().enumerate() {
        if offsets >> number & 1 == 1 {
            *sum += weight;
        }
    }
}

fn highest(sums: &[f64; OFFSETS]) -> Option<(i64, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (number, sum) in sums.iter().copied().enumerate() {
        if sum > best.map_or(0.0, |(_, most)| most) {
            best = Some((number, sum));
        }
    }
    best.map(|(number, sum)| (quarters(number), sum))
}
