//! What the evidence says of its own clocks: the zone of artifacts that record none, solved from events that they share
//! with artifacts that do; the skew between hosts; steps and backward jumps.
//!
//! `votes` and `zones` decide from plain numbers; `sightings`, `skew` and `steps` ask the timeline; `verdict`
//! says what came of it. Nothing here moves a row: the road reads artifacts again with the zone that was solved.

mod event_keys;
mod series;
mod sightings;
mod skew;
mod solve;
mod steps;
mod verdict;
mod votes;
mod zones;

#[cfg(test)]
mod tests;

pub(crate) use skew::skews;
pub(crate) use steps::{Jump, Order, Step, steps};
pub(crate) use verdict::Verdict;

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use coldcase_ingest::{ZoneSource, formats};
use coldcase_model::Timestamp;
use coldcase_timeline::{Timeline, TimelineError};

use crate::InputRecord;
use series::AllSeries;
use solve::Context;

/// Formats that record events as they happen: the latest of theirs is a moment at which the host still ran.
const RECORDERS: [&str; 22] = [
    "app-log",
    "auditd",
    "authlog",
    "container-log",
    "coredns",
    "dmesg",
    "dnsmasq",
    "docker-events",
    "docker-inspect",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
    "k8s-audit",
    "kubectl-events",
    "named",
    "pcap",
    "suricata-eve",
    "suricata-fast",
    "unbound",
    "utmp",
    "zeek",
];

/// Solves what can be solved. `collected_at` is the moment of collection where the bundle says it.
pub(crate) fn solve(
    timeline: &Timeline,
    inputs: &[InputRecord],
    collected_at: Option<Timestamp>,
) -> Result<Verdict, TimelineError> {
    let series = AllSeries::of(inputs);
    let known = inputs.iter().any(|input| input.last_recorded.is_some());
    if !known || !series.iter().any(|(_, one)| one.is_local) {
        return Ok(Verdict::default());
    }
    let sightings = sightings::gather(timeline, inputs, &series)?;
    let read_with = read_with(inputs, &series);
    let context = Context {
        spans: &spans(inputs, &series),
        yearless: &yearless(&series),
        dayless: &dayless(&series),
        named: &named(inputs),
        collected_at: collected_at.map(Timestamp::seconds),
        read_with: &read_with,
        series: &series,
    };
    let zones = solve::solve(&sightings, &context);
    Ok(Verdict::of(zones, &series, inputs))
}

/// The latest event that was recorded with its zone, or was read with a zone that is known.
pub(crate) fn latest_record(inputs: &[InputRecord]) -> Option<Timestamp> {
    let recorders = inputs
        .iter()
        .filter(|input| input.format.is_some_and(|id| RECORDERS.contains(&id)));
    let latest = recorders.flat_map(|input| {
        let source = input.clock.zone.source;
        let own = input.last.filter(|_| source < ZoneSource::Nothing);
        [input.last_recorded, own.filter(|_| input.assumed > 0)]
    });
    latest.flatten().max()
}

/// First and last local second of each series.
fn spans(inputs: &[InputRecord], series: &AllSeries) -> BTreeMap<usize, (i64, i64)> {
    let local = |input: &InputRecord, at: Timestamp| {
        let zone = input.clock.zone;
        zone.local(at).and_utc().timestamp()
    };
    let mut spans: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let (Some(first), Some(last)) = (input.first, input.last) else {
            continue;
        };
        let (first, last) = (local(input, first), local(input, last));
        let number = series.of_input(index);
        let span = spans.entry(number).or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
    }
    spans.retain(|number, _| series.get(*number).is_some_and(|one| one.is_local));
    spans
}

/// Series of formats whose stamps may lack the year.
fn yearless(series: &AllSeries) -> BTreeSet<usize> {
    let yearless = series.iter().filter(|(_, one)| {
        let format = one.format.and_then(formats::by_id);
        one.is_local && format.is_some_and(|format| format.yearless)
    });
    yearless.map(|(number, _)| number).collect()
}

/// Series of captures as text, which show the time of day unless asked for more.
fn dayless(series: &AllSeries) -> BTreeSet<usize> {
    let text = series.iter();
    let text = text.filter(|(_, one)| one.is_local && one.format == Some("tcpdump-text"));
    text.map(|(number, _)| number).collect()
}

fn read_with(inputs: &[InputRecord], series: &AllSeries) -> BTreeMap<usize, Tz> {
    let inputs = inputs.iter().enumerate();
    inputs
        .map(|(index, input)| (series.of_input(index), input.clock.zone.tz))
        .collect()
}

/// Zones that case, caller or bundle name.
fn named(inputs: &[InputRecord]) -> Vec<Tz> {
    let zones = inputs.iter().map(|input| input.clock.zone);
    let named = zones.filter(|zone| zone.source < ZoneSource::Solved);
    let names: BTreeSet<&str> = named.map(|zone| zone.tz.name()).collect();
    names.iter().filter_map(|name| name.parse().ok()).collect()
}
