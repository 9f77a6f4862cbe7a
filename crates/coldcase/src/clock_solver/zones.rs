//! From votes for offsets to the zone that a clock was in, or none.
//!
//! One offset that explains the votes gives a zone that has it all the time: of those that the bundle names elsewhere,
//! else the usual one of that offset (a table), else a fixed offset (`Etc/GMT-8`) with no more claim than the
//! votes have. Where a second offset an hour or less away explains what the first does not, the clock changed to or from
//! summer time, and only zones that did so then are considered.

use chrono::{DateTime, NaiveDateTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use coldcase_ingest::{Zone, ZoneSource};

use super::votes::{QUARTER, Vote, leader, runner_up};
use crate::host_facts::fixed_zone;

/// Votes that a zone needs. Unrelated events fit one offset of 105 by chance in 2 of 100 pairs at most (20 s of 15
/// minutes), so that three at the same one are chance in less than one of 10^7 bundles.
pub(crate) const FEWEST_VOTES: f64 = 3.0;
/// How strong, beside the zone, the strongest other offset may be. Events in bursts fit neighbouring offsets almost as
/// well as the true one, and nothing is known then.
const MOST_AGAINST: f64 = 0.5;
/// Summer time moves a clock by an hour at most, in quarters.
const MOST_SUMMER: i64 = 4;
const DAY: i64 = 86_400;
/// Longest span that is looked at for changes: twenty years.
const MOST_DAYS: usize = 7_320;

/// Zones to say for an offset, the first that has it all the time. Where several countries share an offset the
/// one with most hosts comes first; none of the others is excluded by that.
const USUAL: [Tz; 44] = [
    Tz::UTC,
    Tz::Asia__Shanghai,
    Tz::Asia__Kolkata,
    Tz::Asia__Tokyo,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::America__Chicago,
    Tz::America__Denver,
    Tz::America__Los_Angeles,
    Tz::Europe__Moscow,
    Tz::Europe__Athens,
    Tz::Asia__Jakarta,
    Tz::Asia__Dubai,
    Tz::Asia__Karachi,
    Tz::Asia__Dhaka,
    Tz::Asia__Tehran,
    Tz::Asia__Kabul,
    Tz::Asia__Kathmandu,
    Tz::Asia__Yangon,
    Tz::Australia__Sydney,
    Tz::Australia__Brisbane,
    Tz::Australia__Adelaide,
    Tz::Australia__Darwin,
    Tz::Pacific__Auckland,
    Tz::America__Sao_Paulo,
    Tz::America__Halifax,
    Tz::America__St_Johns,
    Tz::America__Phoenix,
    Tz::America__Bogota,
    Tz::America__Mexico_City,
    Tz::America__Santiago,
    Tz::America__Anchorage,
    Tz::Pacific__Honolulu,
    Tz::Asia__Jerusalem,
    Tz::Africa__Johannesburg,
    Tz::Africa__Lagos,
    Tz::Africa__Nairobi,
    Tz::Australia__Lord_Howe,
    Tz::Australia__Eucla,
    Tz::Pacific__Chatham,
    Tz::Pacific__Marquesas,
    Tz::Asia__Kamchatka,
    Tz::Pacific__Fiji,
];

/// A zone with what speaks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice {
    /// The zone.
    pub zone: Tz,
    /// Sum of the votes that it explains.
    pub votes: f64,
    /// Sum of the votes for the strongest offset that it does not have.
    pub against: f64,
}

/// A local time in seconds as chrono has it.
fn naive(local: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(local, 0).map(|at| at.naive_utc())
}

/// Seconds that a zone is ahead of UTC at a local time, as artifacts are read with it.
pub(crate) fn offset(zone: Tz, local: i64) -> Option<i64> {
    let source = ZoneSource::Solved;
    let utc = Zone { tz: zone, source }.instant(naive(local)?)?;
    Some(local - utc.seconds())
}

/// The same in quarters of an hour; none for the odd offsets of before 1972.
pub(crate) fn quarters(zone: Tz, local: i64) -> Option<i64> {
    let seconds = offset(zone, local)?;
    (seconds % QUARTER == 0).then_some(seconds / QUARTER)
}

/// Sum of the votes that a zone explains.
pub(crate) fn explained(votes: &[Vote], zone: Tz) -> f64 {
    let fits = |vote: &&Vote| quarters(zone, vote.local).is_some_and(|own| vote.fits(own));
    votes.iter().filter(fits).map(Vote::weight).sum()
}

/// The zone that these votes are for. `span` is that of all that will be read with it, in local seconds; `preferred`
/// are zones that the bundle names elsewhere.
pub(crate) fn choose(votes: &[Vote], span: (i64, i64), preferred: &[Tz]) -> Option<Choice> {
    let (first, sum) = leader(votes.iter())?;
    if sum < FEWEST_VOTES {
        return None;
    }
    let zone = with_summer(votes, first, preferred)
        .or_else(|| constant(votes, first, span, preferred))
        .or_else(|| fixed_zone(i32::try_from(first * QUARTER).ok()?))?;
    let choice = Choice {
        zone,
        votes: explained(votes, zone),
        against: runner_up(votes, |local| quarters(zone, local)),
    };
    let clear = choice.votes >= FEWEST_VOTES && choice.against <= choice.votes * MOST_AGAINST;
    clear.then_some(choice)
}

/// The zone with this offset wherever a vote is for it, and all the time between.
fn constant(votes: &[Vote], only: i64, span: (i64, i64), preferred: &[Tz]) -> Option<Tz> {
    let agrees = |zone: Tz| {
        let mut mine = votes.iter().filter(|vote| vote.fits(only));
        mine.all(|vote| quarters(zone, vote.local) == Some(only))
    };
    let named = preferred.iter().copied().find(|zone| agrees(*zone));
    named.or_else(|| {
        let mut usual = USUAL.into_iter();
        usual.find(|zone| has_all_the_time(*zone, only, span) && agrees(*zone))
    })
}

fn has_all_the_time(zone: Tz, only: i64, (from, to): (i64, i64)) -> bool {
    let days = std::iter::successors(Some(from), |day| Some(day.saturating_add(DAY)));
    let mut days = days.take_while(|day| *day < to).take(MOST_DAYS).chain([to]);
    days.all(|day| quarters(zone, day) == Some(only))
}

/// Of the zones that changed between two offsets, the one that explains most; none where one offset explains all.
fn with_summer(votes: &[Vote], first: i64, preferred: &[Tz]) -> Option<Tz> {
    let rest = || votes.iter().filter(|vote| !vote.fits(first));
    let near = rest().filter_map(|vote| {
        let near = (first - MOST_SUMMER..=first + MOST_SUMMER).fold(0, |bits, one| {
            bits | (vote.offsets & super::votes::bit(one))
        });
        (near != 0).then_some(Vote {
            local: vote.local,
            offsets: near,
        })
    });
    let near: Vec<Vote> = near.collect();
    let (second, sum) = leader(near.iter())?;
    if sum < FEWEST_VOTES {
        return None;
    }
    let middle = |of: i64, not: i64| {
        let mut times: Vec<i64> = votes
            .iter()
            .filter(|vote| vote.fits(of) && !vote.fits(not))
            .map(|vote| vote.local)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    let (at_first, at_second) = (middle(first, second)?, middle(second, first)?);
    let changed = |zone: &Tz| {
        quarters(*zone, at_first) == Some(first) && quarters(*zone, at_second) == Some(second)
    };
    let named = preferred.iter().copied().chain(USUAL);
    let mut best: Option<(Tz, f64)> = None;
    for zone in named.chain(TZ_VARIANTS).filter(changed) {
        let sum = explained(votes, zone);
        if best.is_none_or(|(_, most)| sum > most + 1e-9) {
            best = Some((zone, sum));
        }
    }
    best.map(|(zone, _)| zone)
}
