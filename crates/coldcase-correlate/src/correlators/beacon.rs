//! Regular connections of one source to one destination: what calls home by the clock.
//!
//! For every source, destination and port the moments at which connections start (flows of captures and
//! sensors, audited `connect` calls, HTTP requests) are tested for a period, in two ways. Sleep loops drift:
//! their gaps are whole multiples of a period (`k_i = max(1, round(gap / P))`), some of them more than one
//! where beats are missing. Timers keep to the clock: a periodogram near the same periods finds them when
//! half of the beats are missing. Periods from 2 s are found, with ten beats at least, jitter up to a fifth
//! of the period either way for seven gaps in ten, and at least every fourth beat present. The chance of a
//! rhythm is corrected for periods and widths tried, and the false discovery rate over all pairs is held to
//! 1 % (Benjamini-Hochberg).
//!
//! Most of what is periodic is meant to be: kubelet probes, scrapes, NTP, keepalives, health checks, jobs.
//! RITA gives such traffic a perfect score, so regularity alone weighs nothing here. Severity:
//!
//! - `info`: an internal destination. Only the five most regular pairs are told, with how many more there
//!   are; they may help to explain other findings.
//! - `low`: a destination in the internet. At most ten are told.
//! - `medium`: a destination in the internet that one or two of the known sources talk to, for an hour or
//!   four fifths of what the evidence covers, on a port without a well-known service or by HTTP to a bare address.
//! - `high`: the destination is an indicator, or an answer for a name that is one; or all of `medium` and a
//!   socket to the same remote that no process owns, that a process missing in `ps` holds, or one
//!   under the name of a kernel thread.
//!
//! `events` are beats: connections closer together than a quarter of the period are one. `jitter_seconds`
//! is the mean distance from the beat, `score` the mean of three shares (gaps that fit, steadiness, beats that came).
//!
//! Not seen: one long connection with beats inside it, whatever its rhythm; destinations or ports that
//! change from call to call; sleeps randomised by more than about half; records without times; lookups at an
//! internal resolver. Of audited `connect` calls the source is the host's address, null where it has none or
//! several, and where a container of the host may have called an internal address under its own.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, Finding, action};
use coldcase_timeline::{PartInfo, Selection, TimelineError};
use rayon::prelude::*;

use crate::evidence::record;
use crate::{CaseFacts, Correlator, View, is_internal};

mod remote;
mod rhythm;
mod series;
mod statement;

use remote::Remotes;
use rhythm::Rhythm;
use series::{Counted, Key, Survey};
use statement::Told;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "beacon",
    title: "regular connections of one source to one destination",
    source: include_str!("beacon.rs"),
    rests_on: &[],
    run,
};

/// False discovery rate over all pairs.
const FALSE_DISCOVERIES: f64 = 0.01;
/// Periodic pairs inside the estate, and low ones to the outside, that are told: more is a list of agents
/// and monitors, which nobody reads at night.
const MOST_INTERNAL: usize = 5;
const MOST_LOW: usize = 10;
/// Pairs, inside and to the outside, that are kept while others are still looked at: bounds the memory.
const MOST_KEPT: usize = 2_000;
/// Records of a pair that are shown.
const MOST_SHOWN: usize = 12;

/// One series with a rhythm.
struct Periodic {
    key: Key,
    counted: Counted,
    rhythm: Rhythm,
    /// The source's address, where one is known.
    src: Option<String>,
    evidence: Vec<EvidenceRecord>,
}

impl Periodic {
    fn is_internal(&self) -> bool {
        is_internal(&self.key.dst)
    }

    /// The pair: several kinds of record may tell of it.
    fn pair(&self) -> (String, String, i32) {
        let src = self.src.clone().unwrap_or_else(|| self.key.host.clone());
        (src, self.key.dst.clone(), self.key.port)
    }
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let survey = series::survey(timeline, facts)?;
    let mut found = Found {
        has_containers: timeline.parts().iter().any(tells_of_containers),
        ..Found::default()
    };
    series::for_each(timeline, &survey.series, |rows, some| {
        let times = rows.longs("ts_ns");
        let rhythm = |(_, of_key): &(&Key, &[usize])| {
            let time = |row: &usize| times.get(*row).copied().flatten();
            rhythm::find(&of_key.iter().filter_map(time).collect::<Vec<i64>>())
        };
        let rhythms: Vec<Option<Rhythm>> = some.par_iter().map(rhythm).collect();
        for ((key, of_key), rhythm) in some.iter().zip(rhythms) {
            found.note(rows, key, of_key, rhythm, &survey, facts);
        }
    })?;
    let limit = found.limit();
    let pairs = found.into_pairs(limit);
    let (inside, outside): (Vec<Periodic>, Vec<Periodic>) =
        pairs.into_iter().partition(Periodic::is_internal);
    let addresses = outside
        .iter()
        .chain(&inside)
        .map(|one| one.key.dst.as_str());
    let remotes = Remotes::read(timeline, facts, &addresses.collect())?;
    let told = Told {
        survey: &survey,
        remotes: &remotes,
        facts,
        inside: inside.len(),
    };
    let mut all: Vec<Finding> = outside.iter().map(|one| told.finding(one)).collect();
    all.extend(inside.iter().map(|one| told.finding(one)));
    Ok(statement::most_telling(all, MOST_INTERNAL, MOST_LOW))
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// P-values of all series tested that have a period at all; the others' are 1.
    p_values: Vec<f64>,
    tested: usize,
    periodic: Vec<Periodic>,
    has_containers: bool,
}

impl Found {
    fn note(
        &mut self,
        rows: &Selection,
        key: &Key,
        of_key: &[usize],
        rhythm: Option<Rhythm>,
        survey: &Survey,
        facts: &CaseFacts,
    ) {
        self.tested += 1;
        let Some(rhythm) = rhythm else {
            return;
        };
        self.p_values.push(rhythm.p_value);
        if rhythm.p_value > FALSE_DISCOVERIES {
            return;
        }
        let step = |index: usize| index * (of_key.len() - 1) / (MOST_SHOWN - 1);
        let shown: BTreeSet<usize> = match of_key.len() <= MOST_SHOWN {
            true => of_key.iter().copied().collect(),
            false => (0..MOST_SHOWN)
                .filter_map(|index| of_key.get(step(index)).copied())
                .collect(),
        };
        self.periodic.push(Periodic {
            key: key.clone(),
            counted: survey.series.get(key).cloned().unwrap_or_default(),
            rhythm,
            src: source(key, facts, self.has_containers),
            evidence: shown.into_iter().map(|row| record(rows, row)).collect(),
        });
        if self.periodic.len() > 3 * MOST_KEPT {
            self.prune();
        }
    }

    /// Lets go of what will not be told: the best are kept, inside and outside.
    fn prune(&mut self) {
        sort(&mut self.periodic);
        let (mut inside, mut outside) = (0, 0);
        self.periodic.retain(|one| {
            let kept = if one.is_internal() {
                &mut inside
            } else {
                &mut outside
            };
            *kept += 1;
            *kept <= MOST_KEPT
        });
    }

    /// Highest p-value that passes the control of false discoveries.
    fn limit(&self) -> f64 {
        let mut sorted = self.p_values.clone();
        sorted.sort_by(f64::total_cmp);
        let level = |rank: usize| FALSE_DISCOVERIES * rank as f64 / self.tested.max(1) as f64;
        let ranked = (1..).zip(&sorted);
        let passing = ranked.filter(|(rank, p)| **p <= level(*rank));
        passing.last().map_or(-1.0, |(_, p)| *p)
    }

    /// The best series of each pair, best first.
    fn into_pairs(mut self, limit: f64) -> Vec<Periodic> {
        self.periodic.retain(|one| one.rhythm.p_value <= limit);
        sort(&mut self.periodic);
        let mut best: BTreeMap<(String, String, i32), Periodic> = BTreeMap::new();
        for one in self.periodic {
            best.entry(one.pair()).or_insert(one);
        }
        let mut pairs: Vec<Periodic> = best.into_values().collect();
        sort(&mut pairs);
        pairs
    }
}

/// Best first: score, beats, key.
fn sort(all: &mut [Periodic]) {
    all.sort_by(|a, b| {
        let scores = b.rhythm.score().total_cmp(&a.rhythm.score());
        scores
            .then(b.rhythm.beats.cmp(&a.rhythm.beats))
            .then(a.key.cmp(&b.key))
    });
}

/// Whether a part holds rows of containers or pods.
fn tells_of_containers(part: &PartInfo) -> bool {
    let told = [
        action::CONTAINER_LISTED,
        action::CONTAINER_STARTED,
        action::POD_LISTED,
    ];
    part.actions.iter().any(|one| told.contains(&&**one))
}

/// The address that connects: the record's, or that of the only address of the host that audits its own calls.
/// A call in a container comes from the container's address, and leaves for the internet under the host's.
fn source(key: &Key, facts: &CaseFacts, has_containers: bool) -> Option<String> {
    if !key.src.is_empty() {
        return Some(key.src.clone());
    }
    if key.action != action::CONNECT || (has_containers && is_internal(&key.dst)) {
        return None;
    }
    series::own_address(key, facts).map(str::to_owned)
}
