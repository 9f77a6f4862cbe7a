//! Which host and device sends or receives the bulk of the traffic.
//!
//! Three kinds of sources are weighed, each by itself:
//!
//! - **Metrics** (Prometheus' API, exporters' text): series whose name or labels say that they are traffic of a
//!   network device or a public address; a query's answer without a name is taken for what its labels and its
//!   file's name say, in bytes a second. Bits become bytes, counters rates (a counter that falls began anew). One
//!   sample of a counter is no rate. `host` is the instance as the evidence writes it.
//! - **`iftop`**'s totals; they are one moment and have no before.
//! - **Counters of interfaces** (`ip -s link`, `/proc/net/dev`) where two readings at two known moments exist.
//!
//! A talker of metrics is told where its rate surges: at least 4 times its own earlier median, at least 3 samples
//! long, and at least doubling within 5 samples. (Day and night of a busy link differ two- to threefold, and
//! slowly.) `bytes_per_second` is then the median during the surge, `first` and `last` are the surge's, and `share`
//! is of the sum of all series of the same metric and direction during it, without loopback. Bridges, tunnels and
//! ends of pairs count in that sum as the query counted them; in `share_of_physical` they and bonds that merely add
//! up their devices are left out, since they carry the same bytes again. They are never called talkers where their
//! host has a real device in the metric. Where nothing surges, the biggest steady talker of a metric is noted
//! (info), if it has at least 0.3 of it, and half more than an even part.
//!
//! **Severity.** Medium: a surge of at least 1 MB/s that makes up at least 0.3 of the real devices' traffic (or
//! that has nothing to compare with) and is not what jobs do: it is still on when the evidence ends, or lasts an
//! hour, or a flood of connection attempts was captured at its time. Low: one that ended by itself, one that comes
//! each day at its hour (a backup, a sync), or a small one. Of `iftop`: medium where at least 1 MB/s go out or come
//! in, at least 1,000 times what goes the other way, to 5 or more destinations that return nothing: TCP
//! acknowledges at least every few dozens of segments, so that no transfer is so lonely. Never high: traffic alone
//! is no intrusion.
//!
//! **Not seen**: traffic between two scrapes of a counter that reset; what a query left out (`device!="..."`);
//! which process sends. The configured rates of `tc` classes are no measurements, and captures are weighed by
//! `syn-flood`.
//!
//! Sources: Prometheus "rate()" for resets; RFC 1122 4.2.3.2 and RFC 5681 4.2 (an ACK at least every second full
//! segment; receive offload stretches that to some dozens); iftop(8).

use std::collections::BTreeMap;

use coldcase_model::{Finding, action};
use coldcase_timeline::{Timeline, TimelineError};

use super::syn_flood::is_flood_from;
use crate::{CaseFacts, Correlator, View, attempts};

mod device;
mod meters;
mod series;
mod statement;
mod surge;

use device::{is_loopback, may_bundle, only_repeats};
use series::{Group, Series, Traffic};
use statement::{finding, of_meter};
use surge::{Surge, median, surges};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "top-talker",
    title: "which host and device sends or receives the bulk, and since when",
    source: include_str!("top_talker.rs"),
    rests_on: &[],
    run,
};

/// Share of a metric from which one device is the bulk of it: several times an even share of any but the smallest fleets.
const BULK: f64 = 0.3;
/// How many times an even part a steady talker must have: of three alike none is the biggest.
const MORE_THAN_EVEN: f64 = 1.5;
/// Bytes a second below which nobody's link suffers: 8 Mbit/s, less than the smallest uplinks that are sold.
const LEAST_BYTES_PER_SECOND: f64 = 1e6;
/// Seconds from which a surge that ended is no longer taken for a job's.
const LONGER_THAN_JOBS: i64 = 3_600;
/// How near to a multiple of a day two surges are the same daily job.
const DAILY_SLACK: i64 = 3_600;
const DAY: i64 = 86_400;
/// Seconds around a surge in which a captured flood belongs to it: a capture is begun when somebody has noticed.
const FLOOD_NEAR: i64 = 1_800;
/// How many times more goes one way than the other, and destinations that return nothing, of traffic that is no transfer.
const ONE_WAY: f64 = 1_000.0;
const LONELY_DESTINATIONS: usize = 5;
/// How near a bond's traffic is to the sum of its devices'.
const BUNDLE_SLACK: f64 = 0.3;
/// Surges told of one metric.
const MOST_OF_A_METRIC: usize = 10;
const SECOND: i64 = 1_000_000_000;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let traffic = Traffic::read(timeline)?;
    let floods = floods(timeline)?;
    let mut groups: BTreeMap<&Group, Vec<&Series>> = BTreeMap::new();
    for series in &traffic.series {
        groups.entry(&series.group).or_default().push(series);
    }
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    for members in groups.values() {
        let told = of_group(timeline, members, &floods, facts)?;
        found.extend(told.into_iter().map(|one| (one.id.clone(), one)));
    }
    let measured = meters::of_iftop(timeline)?.into_iter();
    for one in measured.chain(meters::of_interfaces(timeline)?) {
        if one.bytes_per_second >= LEAST_BYTES_PER_SECOND {
            let finding = of_meter(&one);
            found.insert(finding.id.clone(), finding);
        }
    }
    Ok(found.into_values().collect())
}

/// Spans of captured floods.
fn floods(timeline: &Timeline) -> Result<Vec<(i64, i64)>, TimelineError> {
    let rows = attempts::select(timeline, action::TCP_ATTEMPTS)?;
    let sources = attempts::read(&rows, "src_ip", "destinations");
    let floods = sources.iter().filter(|one| is_flood_from(one));
    Ok(floods.map(|one| (one.first, one.last)).collect())
}

/// One series with its surge, weighed against the others of its metric.
struct Talker<'a> {
    series: &'a Series,
    surge: Option<Surge>,
    first: i64,
    last: i64,
    bytes_per_second: f64,
    share: Option<f64>,
    share_of_physical: Option<f64>,
    daily: bool,
    flood: bool,
}

fn of_group(
    timeline: &Timeline,
    members: &[&Series],
    floods: &[(i64, i64)],
    facts: &CaseFacts,
) -> Result<Vec<Finding>, TimelineError> {
    let members = Members::of(members);
    let mut talkers: Vec<Talker<'_>> = Vec::new();
    for series in members.real() {
        let all = surges(&series.rates);
        for surge in &all {
            let span = (surge.first, surge.last);
            let mut talker = members.weigh(series, span, &members.levels(span));
            talker.daily = is_daily(surge, &all);
            talker.flood = floods.iter().any(|flood| is_near(surge, *flood));
            talker.bytes_per_second = surge.level;
            talker.surge = Some(*surge);
            talkers.push(talker);
        }
    }
    let bulky = |talker: &Talker<'_>| talker.share_of_physical.is_none_or(|share| share >= BULK);
    talkers.retain(bulky);
    if talkers.is_empty() {
        talkers.extend(steady(&members));
    }
    talkers.sort_by(|a, b| {
        let by_rate = b.bytes_per_second.total_cmp(&a.bytes_per_second);
        by_rate.then_with(|| {
            (&a.series.host, &a.series.device, a.first).cmp(&(
                &b.series.host,
                &b.series.device,
                b.first,
            ))
        })
    });
    talkers.truncate(MOST_OF_A_METRIC);
    talkers
        .iter()
        .map(|talker| finding(timeline, talker, facts))
        .collect()
}

/// Whether what a series counts is not counted by another device of its host as well.
fn is_real(series: &Series, members: &[&Series]) -> bool {
    let Some(device) = &series.device else {
        return true;
    };
    let siblings = members
        .iter()
        .filter(|one| one.host == series.host && one.device != series.device);
    let real: Vec<&&Series> = siblings
        .filter(|one| {
            one.device
                .as_deref()
                .is_some_and(|name| !only_repeats(name) && !may_bundle(name))
        })
        .collect();
    if only_repeats(device) {
        let bonds = members
            .iter()
            .any(|one| one.host == series.host && one.device.as_deref().is_some_and(may_bundle));
        return real.is_empty() && !bonds;
    }
    if may_bundle(device) {
        let middle = |one: &Series| median(one.rates.iter().map(|rate| rate.1)).unwrap_or(0.0);
        let (own, sum) = (
            middle(series),
            real.iter().map(|one| middle(one)).sum::<f64>(),
        );
        return real.is_empty() || (sum - own).abs() > BUNDLE_SLACK * own.max(sum);
    }
    true
}

/// The series of a metric, each with whether no other device of its host counts the same.
struct Members<'a> {
    all: Vec<(&'a Series, bool)>,
}

impl<'a> Members<'a> {
    fn of(series: &[&'a Series]) -> Self {
        let loops = |one: &&&Series| one.device.as_deref().is_some_and(is_loopback);
        let all: Vec<&Series> = series.iter().filter(|one| !loops(one)).copied().collect();
        let told = all.iter().map(|one| (*one, is_real(one, &all)));
        Self {
            all: told.collect(),
        }
    }

    fn real(&self) -> impl Iterator<Item = &'a Series> {
        let real = self.all.iter().filter(|(_, is_real)| *is_real);
        real.map(|(one, _)| *one)
    }

    /// The middle rate of each during a time.
    fn levels(&self, (first, last): (i64, i64)) -> Vec<f64> {
        let during = |one: &Series| {
            let inside = one
                .rates
                .iter()
                .filter(|(ts, _)| (first..=last).contains(ts));
            median(inside.map(|(_, rate)| *rate)).unwrap_or(0.0)
        };
        self.all.iter().map(|(one, _)| during(one)).collect()
    }

    /// A series' part of its metric during a time, in which these are the levels of all.
    fn weigh(&self, series: &'a Series, (first, last): (i64, i64), levels: &[f64]) -> Talker<'a> {
        let each = || self.all.iter().zip(levels);
        let own = each().find(|((one, _), _)| std::ptr::eq(*one, series));
        let own = own.map_or(0.0, |(_, level)| *level);
        let all: f64 = levels.iter().sum();
        let real = each().filter(|((_, is_real), _)| *is_real);
        let physical: f64 = real.map(|(_, level)| *level).sum();
        let compares = self.all.iter().any(|(one, _)| one.host != series.host);
        let part = |of: f64| (compares && of > 0.0).then(|| round(own / of, 1e4));
        Talker {
            series,
            surge: None,
            first,
            last,
            bytes_per_second: own,
            share: part(all),
            share_of_physical: part(physical),
            daily: false,
            flood: false,
        }
    }
}

/// The biggest talker of a metric in which nothing surges, where it is the bulk, and more than its even part.
fn steady<'a>(members: &Members<'a>) -> Option<Talker<'a>> {
    let span = |one: &Series| Some((one.rates.first()?.0, one.rates.last()?.0));
    let even = 1.0 / members.real().count().max(1) as f64;
    // Series of one scrape have one span.
    let mut levels: BTreeMap<(i64, i64), Vec<f64>> = BTreeMap::new();
    let talkers = members.real().filter_map(|one| {
        let span = span(one)?;
        let levels = levels.entry(span).or_insert_with(|| members.levels(span));
        Some(members.weigh(one, span, levels))
    });
    let most = talkers.max_by(|a, b| {
        let by_rate = a.bytes_per_second.total_cmp(&b.bytes_per_second);
        let name = |one: &Talker<'_>| (one.series.host.clone(), one.series.device.clone());
        by_rate.then_with(|| name(b).cmp(&name(a)))
    })?;
    let bulk = most
        .share_of_physical
        .is_some_and(|share| share >= BULK.max(MORE_THAN_EVEN * even));
    (bulk && most.bytes_per_second >= LEAST_BYTES_PER_SECOND).then_some(most)
}

/// Whether another surge of the series begins at the same time of another day.
fn is_daily(surge: &Surge, all: &[Surge]) -> bool {
    all.iter().any(|other| {
        let apart = other.first.saturating_sub(surge.first).saturating_abs() / SECOND;
        let off = apart % DAY;
        apart > DAY / 2 && off.min(DAY - off) <= DAILY_SLACK
    })
}

fn is_near(surge: &Surge, (first, last): (i64, i64)) -> bool {
    let slack = FLOOD_NEAR * SECOND;
    surge.first <= last.saturating_add(slack) && first <= surge.last.saturating_add(slack)
}

fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
