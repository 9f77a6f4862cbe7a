//! The clock of each artifact: its zone with what that rests on, the moment of collection, and the year
//! that a year-less series begins with. What the solver found stands where nothing better is recorded.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use coldcase_evidence::Bundle;
use coldcase_ingest::{Clock, Zone, ZoneSource, series_key, years};
use coldcase_model::Timestamp;
use rayon::prelude::*;

use crate::Options;
use crate::host_facts::BundleFacts;
use crate::plan::Planned;

/// What was found out by reading, where the bundle says nothing: by number of the artifact.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Learnt {
    /// Solved zones.
    pub zones: BTreeMap<usize, Tz>,
    /// Years to add to those inferred.
    pub years: BTreeMap<usize, i32>,
    /// The latest record, as the moment of collection.
    pub collected_at: Option<Timestamp>,
    /// The latest recorded one of the first reading, which year-less logs are taken to be not after: what these say
    /// themselves later must not move it.
    pub year_bound: Option<Timestamp>,
}

/// What the heads of year-less logs show, by number of the artifact.
pub(crate) type Surveys = BTreeMap<usize, years::Survey>;

/// Surveys all year-less artifacts but those whose surveys are known.
pub(crate) fn surveys(bundle: &Bundle, planned: &[Planned<'_>], known: Surveys) -> Surveys {
    let yearless = planned.par_iter().enumerate().filter(|(index, one)| {
        let format = one.recognised.format();
        format.is_some_and(|format| format.yearless) && !known.contains_key(index)
    });
    let surveyed = yearless.filter_map(|(index, one)| {
        let mut reader = bundle.peek(one.artifact).ok()?;
        Some((index, years::survey(&mut reader).ok()?))
    });
    let mut all: Surveys = surveyed.collect();
    all.extend(known);
    all
}

/// The moment of collection as case, caller or bundle say it.
pub(crate) fn collected_at(
    bundle: &Bundle,
    facts: &BundleFacts,
    options: &Options,
) -> Option<Timestamp> {
    let stated = bundle.cases.iter().filter_map(|case| case.collected_at);
    stated
        .max()
        .or(options.collected_at)
        .or_else(|| facts.collected_at(case_zone(bundle, facts, options).tz))
}

/// One clock an artifact, in the plan's order.
pub(crate) fn clocks(
    bundle: &Bundle,
    planned: &[Planned<'_>],
    facts: &BundleFacts,
    options: &Options,
    surveys: &Surveys,
    learnt: &Learnt,
) -> Vec<Clock> {
    let told = facts.collected_at(case_zone(bundle, facts, options).tz);
    let collected_at = told.or(learnt.collected_at);
    let mut clocks: Vec<Clock> = planned
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let mut clock = base_clock(bundle, one, facts, options);
            if let (ZoneSource::Nothing, Some(tz)) = (clock.zone.source, learnt.zones.get(&index)) {
                let (tz, source) = (*tz, ZoneSource::Solved);
                clock.zone = Zone { tz, source };
            }
            Clock {
                collected_at: clock.collected_at.or(collected_at),
                ..clock
            }
        })
        .collect();
    // Years rest on what was known before year-less logs were dated.
    let bounds: Vec<Clock> = clocks
        .iter()
        .map(|clock| {
            let own = clock.collected_at;
            let is_learnt = told.is_none() && own == learnt.collected_at;
            Clock {
                collected_at: if is_learnt { learnt.year_bound } else { own },
                ..*clock
            }
        })
        .collect();
    for (index, year) in first_years_of_all(planned, &bounds, surveys) {
        if let Some(clock) = clocks.get_mut(index) {
            let more = learnt.years.get(&index).copied().unwrap_or(0);
            clock.first_year = year.map(|year| year.saturating_add(more));
        }
    }
    clocks
}

fn first_years_of_all(
    planned: &[Planned<'_>],
    clocks: &[Clock],
    surveys: &Surveys,
) -> Vec<(usize, Option<i32>)> {
    let mut series: BTreeMap<(Option<&str>, String), Vec<usize>> = BTreeMap::new();
    for (index, one) in planned.iter().enumerate() {
        if one
            .recognised
            .format()
            .is_some_and(|format| format.yearless)
        {
            series
                .entry((one.host.as_deref(), series_key(&one.artifact.path)))
                .or_default()
                .push(index);
        }
    }
    series
        .into_values()
        .collect::<Vec<_>>()
        .into_par_iter()
        .flat_map_iter(|members| first_years(planned, clocks, surveys, members))
        .collect()
}

/// The zone of the case as a whole, where no host of its own is known.
pub(crate) fn case_zone(bundle: &Bundle, facts: &BundleFacts, options: &Options) -> Zone {
    let case = bundle.cases.iter().find_map(|case| case.timezone);
    zone(case, facts.zone(None), options)
}

fn zone(case: Option<Tz>, bundle: Option<Tz>, options: &Options) -> Zone {
    let strongest_first = [
        (case, ZoneSource::CaseFile),
        (options.timezone, ZoneSource::Option),
        (bundle, ZoneSource::Bundle),
    ];
    let known = strongest_first
        .into_iter()
        .find_map(|(tz, source)| Some(Zone { tz: tz?, source }));
    known.unwrap_or(Zone::UNKNOWN)
}

fn base_clock(bundle: &Bundle, one: &Planned<'_>, facts: &BundleFacts, options: &Options) -> Clock {
    let case = bundle.cases.get(one.artifact.bundle);
    let host = bundle.host_spec(one.artifact);
    let stated = host
        .and_then(|host| host.timezone)
        .or(case.and_then(|case| case.timezone));
    Clock {
        zone: zone(stated, facts.zone(one.host.as_deref()), options),
        offset_ns: host.map_or(0, |host| host.clock_offset_ns),
        collected_at: case
            .and_then(|case| case.collected_at)
            .or(options.collected_at),
        first_year: None,
    }
}

fn first_years(
    planned: &[Planned<'_>],
    clocks: &[Clock],
    surveys: &Surveys,
    members: Vec<usize>,
) -> Vec<(usize, Option<i32>)> {
    let mut surveyed = Vec::new();
    let mut indices = Vec::new();
    let mut clock = Clock::UNKNOWN;
    for index in members {
        let (Some(one), Some(own)) = (planned.get(index), clocks.get(index)) else {
            continue;
        };
        if let Some(survey) = surveys.get(&index) {
            clock = *own;
            surveyed.push(years::Member {
                path: &one.artifact.path,
                survey: survey.clone(),
            });
            indices.push(index);
        }
    }
    let years = years::infer(&surveyed, clock.collected_at, clock.zone);
    indices.into_iter().zip(years).collect()
}
