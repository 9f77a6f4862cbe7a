//! From sightings to the zone of each series of artifacts: of each alone, of all of a host together, and what
//! that rests on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _};
use chrono_tz::Tz;

use super::event_keys::Kind;
use super::series::AllSeries;
use super::sightings::{Sightings, in_utc};
use super::votes::{Known, Sighting, Vote};
use super::zones::{self, Choice};

/// Share of the events that could be shared and are, below which a zone is not believed: a log that has other
/// logins than wtmp may agree with some by chance.
const LEAST_SHARE: f64 = 0.5;
/// Share of its own votes that a series must keep under the zone of all of its host, or it has a zone of its own.
const KEEPS: f64 = 0.9;
const DAY: i64 = 86_400;
/// A log without years may be older than the newest year that it fits, or newer than the last recorded event.
const YEARS_TRIED: [i32; 4] = [-1, 1, -2, -3];

/// How well a series agrees with others under a zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// Sum of the votes for the zone.
    pub votes: f64,
    /// Sum of the votes for the zone that it was read with.
    pub votes_as_read: f64,
    /// Events that both sides saw, at the same time.
    pub matched: usize,
    /// Events that both sides could have seen.
    pub of: usize,
    /// What they are.
    pub kinds: Vec<Kind>,
    /// Of 100 pairs, 95 agree within so many seconds.
    pub within_seconds: i64,
    /// Median of what the others' clock is ahead.
    pub ahead_seconds: i64,
    /// Series that it agrees with, the one with most pairs first.
    pub with: Vec<usize>,
    /// 0 to 1: share of events that agree, less what speaks for another offset, less for few.
    pub confidence: f64,
}

/// A series' zone with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Solved {
    /// The zone.
    pub zone: Tz,
    /// Seconds ahead of UTC at the middle of its shared events.
    pub offset: i64,
    /// Years to add to those that were inferred.
    pub years: i32,
    /// Whether its own events decide, and not those of the host's other series.
    pub is_own: bool,
    /// How well it agrees; none where the zone is that of the host's other series.
    pub agreement: Option<Agreement>,
}

/// Zones of all series that could be solved, and of their hosts.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    /// By series.
    pub series: BTreeMap<usize, Solved>,
    /// By host: what its other artifacts are read with.
    pub hosts: BTreeMap<Option<String>, Tz>,
}

/// What is the same for all series.
pub(crate) struct Context<'a> {
    /// All series.
    pub series: &'a AllSeries,
    /// Spans of the series, in local seconds.
    pub spans: &'a BTreeMap<usize, (i64, i64)>,
    /// Series whose years were inferred.
    pub yearless: &'a BTreeSet<usize>,
    /// Series whose stamps have the time of day alone.
    pub dayless: &'a BTreeSet<usize>,
    /// Zones that series were read with.
    pub read_with: &'a BTreeMap<usize, Tz>,
    /// Zones that the bundle names.
    pub named: &'a [Tz],
    /// The moment of collection in seconds, where the bundle says it.
    pub collected_at: Option<i64>,
}

/// A series on its own.
struct Own {
    sightings: Vec<Sighting>,
    votes: Vec<Vote>,
    years: i32,
    choice: Option<Choice>,
}

/// Solves all series.
pub(crate) fn solve(sightings: &Sightings, context: &Context<'_>) -> Zones {
    let known = Known::of(sightings.known.iter());
    let mut by_host: BTreeMap<Option<String>, BTreeMap<usize, Own>> = BTreeMap::new();
    let mut by_series: BTreeMap<usize, Vec<Sighting>> = BTreeMap::new();
    for one in &sightings.local {
        by_series.entry(one.series).or_default().push(*one);
    }
    for (number, local) in by_series {
        let Some(series) = context.series.get(number) else {
            continue;
        };
        let own = alone(local, number, &known, context);
        let of_host = by_host.entry(series.host.clone()).or_default();
        of_host.insert(number, own);
    }
    let mut zones = Zones::default();
    let mut named: Vec<Tz> = context.named.to_vec();
    for (host, of_host) in by_host {
        let together = together(&of_host, &named, context);
        if let Some(zone) = together {
            zones.hosts.insert(host.clone(), zone);
            named.push(zone);
        }
        for (number, own) in of_host {
            if let Some(solved) = settle(&own, together, sightings, &known, context) {
                zones.series.insert(number, solved);
            }
        }
    }
    zones
}

fn votes(local: &[Sighting], known: &Known) -> Vec<Vote> {
    let votes = local.iter().map(|one| Vote {
        local: one.at,
        offsets: known.offsets(one),
    });
    votes.filter(|vote| vote.offsets != 0).collect()
}

fn alone(local: Vec<Sighting>, number: usize, known: &Known, context: &Context<'_>) -> Own {
    let span = context.spans.get(&number).copied().unwrap_or((0, 0));
    let as_read = votes(&local, known);
    let choice = zones::choose(&as_read, span, context.named);
    if choice.is_none() {
        for moved_by in moves(number, context) {
            let moved: Vec<Sighting> = local.iter().filter_map(|one| moved_by.moved(one)).collect();
            let votes = votes(&moved, known);
            let span = moved.first().zip(moved.last());
            let latest = span.map_or(0, |(_, last)| last.at);
            if context
                .collected_at
                .is_some_and(|bound| latest > bound + DAY)
            {
                continue;
            }
            let span = span.map_or((0, 0), |(first, last)| (first.at, last.at));
            if let Some(choice) = zones::choose(&votes, span, context.named) {
                return Own {
                    sightings: moved,
                    votes,
                    years: moved_by.years(),
                    choice: Some(choice),
                };
            }
        }
    }
    Own {
        sightings: local,
        votes: as_read,
        years: 0,
        choice,
    }
}

/// What a date that was inferred may be wrong by.
#[derive(Clone, Copy)]
enum Move {
    Years(i32),
    /// The day follows from the moment of collection in the right zone, and need not be kept.
    Days(i64),
}

fn moves(series: usize, context: &Context<'_>) -> Vec<Move> {
    if context.dayless.contains(&series) {
        vec![Move::Days(1), Move::Days(-1)]
    } else if context.yearless.contains(&series) {
        YEARS_TRIED.map(Move::Years).to_vec()
    } else {
        Vec::new()
    }
}

impl Move {
    fn moved(self, one: &Sighting) -> Option<Sighting> {
        let at = match self {
            Self::Days(days) => one.at.checked_add(days * DAY)?,
            Self::Years(years) => {
                let at = DateTime::from_timestamp(one.at, 0)?.naive_utc();
                let at = at.with_year(at.year().checked_add(years)?)?;
                at.and_utc().timestamp()
            }
        };
        Some(Sighting { at, ..*one })
    }

    fn years(self) -> i32 {
        match self {
            Self::Years(years) => years,
            Self::Days(_) => 0,
        }
    }
}

/// The zone of a host's series together: what most of their votes are for.
fn together(of_host: &BTreeMap<usize, Own>, named: &[Tz], context: &Context<'_>) -> Option<Tz> {
    let votes = of_host.values().flat_map(|own| &own.votes).copied();
    let mut votes: Vec<Vote> = votes.collect();
    votes.sort_by_key(|vote| (vote.local, vote.offsets));
    let spans = || {
        of_host
            .keys()
            .filter_map(|number| context.spans.get(number))
    };
    let first = spans()
        .map(|span| span.0)
        .min()
        .or(votes.first().map(|vote| vote.local));
    let last = spans()
        .map(|span| span.1)
        .max()
        .or(votes.last().map(|vote| vote.local));
    let (first, last) = first.zip(last)?;
    zones::choose(&votes, (first, last), named).map(|choice| choice.zone)
}

/// A series' own zone where it contradicts its host's, else that.
fn settle(
    own: &Own,
    of_host: Option<Tz>,
    sightings: &Sightings,
    known: &Known,
    context: &Context<'_>,
) -> Option<Solved> {
    let keeps = |zone: &Tz| {
        own.choice
            .is_none_or(|choice| zones::explained(&own.votes, *zone) >= choice.votes * KEEPS)
    };
    let zone = of_host
        .filter(keeps)
        .or_else(|| own.choice.map(|choice| choice.zone))?;
    let mut agreement = agreement(own, zone, sightings, known);
    let middle = own.sightings.get(own.sightings.len() / 2)?;
    if let (Some(agreement), Some(read)) = (&mut agreement, context.read_with.get(&middle.series)) {
        agreement.votes_as_read = zones::explained(&own.votes, *read);
    }
    let solved = Solved {
        zone,
        offset: zones::offset(zone, middle.at)?,
        years: own.years,
        is_own: own.choice.is_some(),
        agreement: agreement.filter(|agreement| agreement.matched > 0),
    };
    let share = solved.agreement.as_ref().map_or(1.0, Agreement::share);
    (share >= LEAST_SHARE || of_host == Some(zone)).then_some(solved)
}

impl Agreement {
    /// Share of the events that could be shared and are.
    pub fn share(&self) -> f64 {
        self.matched as f64 / self.of.max(1) as f64
    }
}

/// Counts what agrees under a zone. The side that saw fewer events is asked: wtmp knows of no scp, a log
/// that was rotated knows none of last month.
fn agreement(own: &Own, zone: Tz, all: &Sightings, known: &Known) -> Option<Agreement> {
    let utc = in_utc(&own.sightings, zone);
    let index = Known::of(utc.iter());
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut with: BTreeMap<usize, usize> = BTreeMap::new();
    let mut apart: Vec<i64> = Vec::new();
    let (mut mine, mut of_mine) = (0_usize, 0_usize);
    for one in &utc {
        if let Some(partner) = known.partner(one, 0) {
            (mine, of_mine) = (mine + 1, of_mine + 1);
            *kinds.entry(one.kind).or_default() += 1;
            *with.entry(partner.series).or_default() += 1;
            apart.push(partner.ahead);
        } else if known.covers(one) {
            of_mine += 1;
        }
    }
    let (mut theirs, mut of_theirs) = (0_usize, 0_usize);
    let series = utc.first()?.series;
    for one in all.known.iter().filter(|one| one.series != series) {
        if index.partner(one, 0).is_some() {
            (theirs, of_theirs) = (theirs + 1, of_theirs + 1);
        } else if index.covers(one) {
            of_theirs += 1;
        }
    }
    let asks_mine = mine * of_theirs.max(1) >= theirs * of_mine.max(1);
    let (matched, of) = if asks_mine {
        (mine, of_mine)
    } else {
        (theirs, of_theirs)
    };
    let for_zone = zones::explained(&own.votes, zone);
    let against = super::votes::runner_up(&own.votes, |local| zones::quarters(zone, local));
    let share = matched as f64 / of.max(1) as f64;
    let sure = share * (1.0 - against / for_zone.max(1.0)) * for_zone / (1.0 + for_zone);
    let mut order: Vec<usize> = with.keys().copied().collect();
    order.sort_by_key(|series| std::cmp::Reverse(with.get(series).copied()));
    Some(Agreement {
        votes: for_zone,
        votes_as_read: 0.0,
        matched,
        of,
        kinds: kinds.into_keys().collect(),
        within_seconds: within(&apart),
        ahead_seconds: median(&mut apart),
        with: order,
        confidence: (sure.clamp(0.0, 1.0) * 1000.0).round() / 1000.0,
    })
}

/// The seconds within which 95 of 100 agree.
fn within(apart: &[i64]) -> i64 {
    let mut sizes: Vec<i64> = apart.iter().map(|seconds| seconds.abs()).collect();
    sizes.sort_unstable();
    let at = (sizes.len() * 95).div_ceil(100).saturating_sub(1);
    sizes.get(at).copied().unwrap_or(0)
}

/// The middle one; of two the lower.
pub(crate) fn median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    let at = values.len().saturating_sub(1) / 2;
    values.get(at).copied().unwrap_or(0)
}
