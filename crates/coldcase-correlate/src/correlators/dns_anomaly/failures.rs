//! Names that do not exist: too many that read like dice, or too many at once.

use std::collections::BTreeMap;

use super::sample::Kept;
use super::survey::{BUCKET_NS, Client, Failed, Survey};

/// Registered domains that read like dice and do not exist, in an hour: malware tries hundreds a day; three
/// random names at a start are a browser's test of its resolver, and those have no dot.
pub(super) const LEAST_RANDOM: f64 = 20.0;
/// Without times: for all of a log.
const LEAST_RANDOM_UNDATED: f64 = 60.0;
/// Their share of all domains that the client failed to find in that hour: mail servers and crawlers
/// fail to find many that read like words.
pub(super) const RANDOM_SHARE: f64 = 0.6;
const HOUR_NS: i64 = 3_600_000_000_000;
/// Failures in five minutes that are a storm: one a second.
pub(super) const LEAST_BURST: u64 = 300;
/// How many times the client's usual number.
pub(super) const OVER_USUAL: u64 = 10;
/// Five-minute spans with failures from which there is something usual.
const LEAST_BUCKETS: usize = 12;
/// Most storms told.
const MOST_BURSTS: usize = 5;

/// Generated names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Generated {
    pub client: Client,
    /// Distinct domains that read like dice, in the fullest hour and in all.
    pub in_hour: f64,
    pub in_all: f64,
    /// Their share in that hour.
    pub share: f64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// Hashes of domains to show.
    pub telling: Vec<u64>,
}

/// A storm of failures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Burst {
    pub client: Client,
    pub peak: u64,
    pub usual: u64,
    /// When it began and ended, in nanoseconds.
    pub first: i64,
    pub last: i64,
    /// Failures in it.
    pub failures: u64,
}

/// Clients that try generated names, in order.
pub(super) fn generated(survey: &Survey) -> Vec<Generated> {
    let mut found: BTreeMap<&str, Generated> = BTreeMap::new();
    for (client, failed) in &survey.failed {
        if let Some(one) = judge(*client, failed) {
            found.insert(survey.text(*client), one);
        }
    }
    let all: Vec<Generated> = found.into_values().collect();
    let names = |one: &Generated| survey.failed.get(&one.client).map(|failed| &failed.domains);
    let passes_on = |one: &Generated| {
        let others = all.iter().filter(|other| other.client != one.client);
        let mut pairs = others.filter_map(|other| Some((other.client, names(one)?, names(other)?)));
        pairs.any(|(other, mine, theirs)| survey.passes_on(one.client, mine, other, theirs))
    };
    all.iter().filter(|one| !passes_on(one)).cloned().collect()
}

fn judge(client: Client, failed: &Failed) -> Option<Generated> {
    let mut names: Vec<(u64, &Kept)> = failed.domains.kept().collect();
    names.sort_by_key(|(hash, one)| (one.first, *hash));
    let weight = failed.domains.weight();
    let random: Vec<&(u64, &Kept)> = names.iter().filter(|(_, one)| one.data > 0).collect();
    let dated: Vec<(i64, bool)> = names
        .iter()
        .filter_map(|(_, one)| Some((one.first?, one.data > 0)))
        .collect();
    let (count, share, least) = match dated.is_empty() {
        false => {
            let (count, share) = fullest_hour(&dated);
            (count, share, LEAST_RANDOM)
        }
        true => {
            let share = random.len() as f64 / names.len().max(1) as f64;
            (random.len() as f64, share, LEAST_RANDOM_UNDATED)
        }
    };
    let times = || random.iter().filter_map(|(_, one)| one.first);
    let step = random.len().div_ceil(12).max(1);
    (count * weight >= least && share >= RANDOM_SHARE).then(|| Generated {
        client,
        in_hour: count * weight,
        in_all: random.len() as f64 * weight,
        share,
        first: times().min(),
        last: times().max(),
        telling: random.iter().step_by(step).map(|(hash, _)| *hash).collect(),
    })
}

/// Random names, and their share, in the hour that has most of them.
fn fullest_hour(dated: &[(i64, bool)]) -> (f64, f64) {
    let (mut best, mut random, mut all) = ((0.0, 0.0), 0.0, 0.0);
    let mut oldest = dated.iter();
    for (at, is_random) in dated {
        all += 1.0;
        random += f64::from(u8::from(*is_random));
        while let Some((old, was_random)) = oldest.as_slice().first()
            && at - old > HOUR_NS
        {
            all -= 1.0;
            random -= f64::from(u8::from(*was_random));
            oldest.next();
        }
        if random > best.0 {
            best = (random, random / all);
        }
    }
    best
}

/// Storms, strongest first. Who serves others has the storms of all of them.
pub(super) fn bursts(survey: &Survey, generated: &[Generated]) -> Vec<Burst> {
    let clients = survey.failed.iter();
    let plain = clients.filter(|(client, _)| {
        !survey.is_server(**client) && !generated.iter().any(|one| one.client == **client)
    });
    let mut found: Vec<Burst> = plain
        .filter_map(|(client, failed)| storm(*client, &failed.rhythm()))
        .collect();
    found.sort_by(|a, b| {
        let names = survey.text(a.client).cmp(survey.text(b.client));
        b.peak.cmp(&a.peak).then(names)
    });
    found.truncate(MOST_BURSTS);
    found
}

/// The strongest storm in a client's failures by time.
fn storm(client: Client, rhythm: &BTreeMap<i64, u64>) -> Option<Burst> {
    if rhythm.len() < LEAST_BUCKETS {
        return None;
    }
    let mut counts: Vec<u64> = rhythm.values().copied().collect();
    counts.sort_unstable();
    let usual = *counts.get(counts.len() / 2)?;
    let peak = *counts.last()?;
    let least = LEAST_BURST.max(OVER_USUAL * usual);
    if peak < least {
        return None;
    }
    let (middle, _) = rhythm.iter().find(|(_, count)| **count == peak)?;
    let among = |bucket: &i64| rhythm.get(bucket).is_some_and(|count| *count >= least);
    let mut first = *middle;
    while let Some(before) = first.checked_sub(BUCKET_NS).filter(among) {
        first = before;
    }
    let mut last = *middle;
    while let Some(next) = last.checked_add(BUCKET_NS).filter(among) {
        last = next;
    }
    Some(Burst {
        client,
        peak,
        usual,
        first,
        last: last.saturating_add(BUCKET_NS - 1),
        failures: rhythm.range(first..=last).map(|(_, count)| count).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storms() {
        let check = |counts: &[u64], expected: Option<(u64, u64, u64)>| {
            let rhythm: BTreeMap<i64, u64> = (0..)
                .map(|n| n * BUCKET_NS)
                .zip(counts.iter().copied())
                .collect();
            let got = storm(0, &rhythm).map(|one| (one.peak, one.usual, one.failures));
            assert_eq!(got, expected, "{counts:?}");
        };
        let mut counts = vec![10; 30];
        check(&counts, None);
        counts[20] = 900;
        counts[21] = 700;
        check(&counts, Some((900, 10, 1600)));
        check(&[500; 40], None); // always many: ndots
        check(&[1, 1, 1, 900], None); // too short to know what is usual
        let mut small = vec![1; 30];
        small[3] = 200;
        check(&small, None);
    }

    #[test]
    fn the_fullest_hour_slides() {
        let minute = HOUR_NS / 60;
        let names: Vec<(i64, bool)> = (0..120).map(|n| (n * minute, n % 2 == 0)).collect();
        assert_eq!(fullest_hour(&names), (31.0, 31.0 / 61.0));
    }
}
