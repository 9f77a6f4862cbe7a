//! The clock of each artifact: its zone with what that rests on, the moment of collection, and the year
//! that a year-less series begins with.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use coldcase_evidence::{Bundle, open};
use coldcase_ingest::{Clock, Zone, ZoneSource, series_key, years};
use rayon::prelude::*;

use crate::Options;
use crate::host_facts::BundleFacts;
use crate::plan::Planned;

/// One clock an artifact, in the plan's order.
pub(crate) fn clocks(
    bundle: &Bundle,
    planned: &[Planned<'_>],
    facts: &BundleFacts,
    options: &Options,
) -> Vec<Clock> {
    let collected_at = facts.collected_at(case_zone(bundle, facts, options).tz);
    let mut clocks: Vec<Clock> = planned
        .iter()
        .map(|one| {
            let clock = base_clock(bundle, one, facts, options);
            Clock {
                collected_at: clock.collected_at.or(collected_at),
                ..clock
            }
        })
        .collect();
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
    let inferred: Vec<(usize, Option<i32>)> = series
        .into_values()
        .collect::<Vec<_>>()
        .into_par_iter()
        .flat_map_iter(|members| first_years(planned, &clocks, members))
        .collect();
    for (index, year) in inferred {
        if let Some(clock) = clocks.get_mut(index) {
            clock.first_year = year;
        }
    }
    clocks
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
    members: Vec<usize>,
) -> Vec<(usize, Option<i32>)> {
    let mut surveyed = Vec::new();
    let mut indices = Vec::new();
    let mut clock = Clock::UNKNOWN;
    for index in members {
        let (Some(one), Some(own)) = (planned.get(index), clocks.get(index)) else {
            continue;
        };
        let Ok(mut opened) = open(&one.artifact.disk) else {
            continue;
        };
        if let Ok(survey) = years::survey(&mut opened.reader) {
            clock = *own;
            surveyed.push(years::Member {
                path: &one.artifact.path,
                survey,
            });
            indices.push(index);
        }
    }
    let years = years::infer(&surveyed, clock.collected_at, clock.zone);
    indices.into_iter().zip(years).collect()
}
