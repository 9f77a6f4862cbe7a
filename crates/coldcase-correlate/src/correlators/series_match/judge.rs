//! Which of the candidates explains an effect: each is matched, and weighed against chance and against the others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::align::{Alignment, Clocks, SECOND, align};
use super::chance::LEAST_P;
use super::effects::Effect;
use super::mine::{Mined, Series};
use super::place::Moment;
use super::writers::{Kind, Writer};
use crate::facts::merge_spans;

/// Share of effects that a cause must match to be worth a word.
pub(super) const LEAST_RECALL: f64 = 0.5;
/// Times as many causes as effects: a program that serves ten hosts alike and does not say which.
pub(super) const MOST_PER_EFFECT: usize = 10;
/// Chance of the match, after all candidates tried, below which it is no accident.
pub(super) const SIGNIFICANT: f64 = 1e-4;
/// Share of effects that a cause that explains them all leaves hardly any of.
pub(super) const COMPLETE: f64 = 0.9;
/// Share of causes that a schedule, which any other schedule may match, must see answered.
pub(super) const PRECISE: f64 = 0.5;
/// Causes of one effect that are told.
const MOST_CAUSES: usize = 3;
/// Two fits closer than this are the same.
const SAME_FIT: f64 = 0.02;
/// Words of commands that log in elsewhere.
const LOGS_IN: [&str; 10] = [
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "ansible",
    "ansible-playbook",
    "sshpass",
    "pssh",
    "git",
    "salt-ssh",
];
/// Hours around the lines of a writer in which it may still have written: more than any error of a zone.
const AROUND: i64 = 15 * 3600 * SECOND;

/// A cause that fits.
pub(super) struct Cause<'a> {
    /// The candidate.
    pub series: &'a Series,
    /// Its events that the effect's log could have answered.
    pub events: Vec<Moment>,
    /// How they match.
    pub alignment: Alignment,
    /// Matched share of the cause's events.
    pub precision: f64,
    /// Matched share of the effect's events.
    pub recall: f64,
    /// The same of those within the cause's own log.
    pub recall_covered: f64,
    /// Chance of it, after all candidates tried.
    pub p_value: f64,
    /// Whether its lines name the effect's target.
    pub names_target: bool,
    /// Lag of the middle pair, and the shortest and longest.
    pub lag: (i64, i64, i64),
    /// Whether another cause of another writer fits as well.
    pub rivalled: bool,
}

impl Cause<'_> {
    /// Whether chance is ruled out.
    pub fn is_significant(&self) -> bool {
        self.p_value <= SIGNIFICANT
    }

    fn fit(&self) -> f64 {
        2.0 * self.precision * self.recall_covered
            / (self.precision + self.recall_covered).max(0.01)
    }

    /// Whether it is worth a finding: no accident, or a schedule that plainly logs in there.
    fn is_worth_telling(&self) -> bool {
        let says_so = self.names_target || self.logs_in();
        let scheduled = self.recall_covered >= COMPLETE && self.precision >= PRECISE && says_so;
        self.recall >= LEAST_RECALL.min(self.recall_covered) && (self.is_significant() || scheduled)
    }

    /// Whether its command is one that logs in elsewhere.
    pub fn logs_in(&self) -> bool {
        let is_job = matches!(self.series.writer.kind, Kind::Job | Kind::Connects);
        let words = self
            .series
            .template
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        is_job && words.into_iter().any(|word| LOGS_IN.contains(&word))
    }

    /// Better first.
    fn against(&self, other: &Self) -> Ordering {
        let step = |fit: f64| (fit / SAME_FIT).round();
        let first = other.is_significant().cmp(&self.is_significant());
        let fit = step(other.fit()).total_cmp(&step(self.fit()));
        let named = other.names_target.cmp(&self.names_target);
        let scatter = |cause: &Self| cause.lag.2 - cause.lag.1;
        // One process says more than all of its name.
        let is_any = |cause: &Self| !cause.series.writer.what.value.ends_with(']');
        // A cause comes before its effect; a line on what became of it comes after.
        let after = |cause: &Self| cause.lag.0 < -SECOND;
        let key = |cause: &Self| {
            let series = cause.series;
            (
                series.writer.clone(),
                series.template.is_empty(),
                series.template.clone(),
                series.target.clone(),
            )
        };
        first
            .then(fit)
            .then(named)
            .then(after(self).cmp(&after(other)))
            .then(self.series.writer.kind.cmp(&other.series.writer.kind))
            .then(is_any(self).cmp(&is_any(other)))
            .then(scatter(self).cmp(&scatter(other)))
            .then_with(|| key(self).cmp(&key(other)))
    }
}

/// The causes of an effect, the best first, and how many candidates were tried; these hosts have logs.
pub(super) fn causes<'a>(
    effect: &Effect,
    mined: &'a Mined,
    hosts: &BTreeSet<&str>,
    covered: &[(i64, i64)],
) -> (Vec<Cause<'a>>, usize) {
    // An owner without any log of its own: its lines may have been collected elsewhere.
    let owner = effect
        .owner
        .as_deref()
        .filter(|owner| hosts.contains(owner));
    let of_owner = mined
        .series
        .iter()
        .filter(|series| owner.is_none_or(|owner| is_of(&series.writer, owner)));
    let covered = merge_spans(covered.iter().map(|span| around(*span)).collect(), 0);
    let mut tried = 0;
    let mut found: Vec<Cause<'a>> = Vec::new();
    for series in of_owner {
        let Some(events) = events_within(effect, series, &covered) else {
            continue;
        };
        let Some(span) = mined.spans.get(&series.writer) else {
            continue;
        };
        tried += 1;
        found.extend(cause(effect, series, events, *span));
    }
    for cause in &mut found {
        cause.p_value = (cause.p_value * tried as f64).clamp(LEAST_P, 1.0);
    }
    found.retain(Cause::is_worth_telling);
    found.sort_by(Cause::against);
    (one_a_writer(found), tried)
}

/// Whether a writer is of a host, or of none that is known.
fn is_of(writer: &Writer, host: &str) -> bool {
    writer.host == host || writer.host.is_empty()
}

/// A span and what an error of a zone adds to it.
fn around((first, last): (i64, i64)) -> (i64, i64) {
    (first.saturating_sub(AROUND), last.saturating_add(AROUND))
}

/// The candidate's events that the effect's log could have answered, where their number may fit.
fn events_within(effect: &Effect, series: &Series, covered: &[(i64, i64)]) -> Option<Vec<Moment>> {
    let most = effect.events.len().saturating_mul(MOST_PER_EFFECT);
    let all = series.events.as_slice();
    let is_enough = |count: usize| {
        count >= 5 && (count as f64) >= LEAST_RECALL * effect.events.len() as f64 * 0.5
    };
    if !is_enough(all.len()) {
        return None;
    }
    let inside = |(first, last): &(i64, i64)| {
        let from = all.partition_point(|event| event.ts < *first);
        let to = all.partition_point(|event| event.ts <= *last);
        all.get(from..to).unwrap_or_default()
    };
    let inside: Vec<&[Moment]> = match covered {
        [] => vec![all],
        spans => spans.iter().map(inside).collect(),
    };
    let count: usize = inside.iter().map(|events| events.len()).sum();
    (is_enough(count) && count <= most).then(|| inside.concat())
}

fn cause<'a>(
    effect: &Effect,
    series: &'a Series,
    events: Vec<Moment>,
    span: (i64, i64),
) -> Option<Cause<'a>> {
    let (from, to) = around(span);
    let is_covered = |moment: &Moment| (from..=to).contains(&moment.ts);
    let covered = effect.events.iter().filter(|moment| is_covered(moment));
    let all = effect.events.len();
    // A log that holds a small part of the time can't speak for the rest.
    let inside = covered.count();
    if (inside as f64) < LEAST_RECALL * all as f64 {
        return None;
    }
    let effects: Vec<i64> = effect.events.iter().map(|moment| moment.ts).collect();
    let causes: Vec<i64> = events.iter().map(|moment| moment.ts).collect();
    let clocks = Clocks {
        zone_unsure: effect.zone_unsure || series.zone_unsure,
        same: effect.at.as_deref() == Some(series.writer.host.as_str()),
    };
    let least = LEAST_RECALL * inside as f64 / all as f64;
    let alignment = align(&effects, &causes, clocks, least)?;
    let matched = alignment.pairs.len() as f64;
    let lag = lags(&effects, &causes, &alignment)?;
    let named = |target: &String| effect.targets.contains(target);
    Some(Cause {
        names_target: series.target.as_ref().is_some_and(named),
        precision: matched / events.len() as f64,
        recall: matched / all as f64,
        recall_covered: matched / inside.max(1) as f64,
        p_value: alignment.p_value,
        lag,
        rivalled: false,
        series,
        events,
        alignment,
    })
}

/// Middle, least and greatest lag, the zone's error taken off. Where one log cuts seconds and the other does not,
/// half a second is made up for.
fn lags(effect: &[i64], cause: &[i64], alignment: &Alignment) -> Option<(i64, i64, i64)> {
    let cuts = |times: &[i64]| times.iter().all(|time| time % SECOND == 0);
    let made_up = match (cuts(effect), cuts(cause)) {
        (true, false) => SECOND / 2,
        (false, true) => -SECOND / 2,
        _ => 0,
    };
    let summer = |lag: i64| match alignment.summer {
        Some(off) if (lag - off).abs() < lag.abs() => lag - off,
        _ => lag,
    };
    let mut lags: Vec<i64> = alignment
        .pairs
        .iter()
        .filter_map(|(e, c)| Some(effect.get(*e)? - cause.get(*c)? - alignment.zone))
        .map(|lag| summer(lag) + made_up)
        .collect();
    lags.sort_unstable();
    let middle = lags.get(lags.len() / 2)?;
    Some((*middle, *lags.first()?, *lags.last()?))
}

/// The best of each writer, without copies; those that fit as well as the best are its rivals.
fn one_a_writer(sorted: Vec<Cause<'_>>) -> Vec<Cause<'_>> {
    let mut kept: Vec<Cause<'_>> = Vec::new();
    for cause in sorted {
        let same = |other: &Cause<'_>| {
            same_doer(&other.series.writer, &cause.series.writer) || says_the_same(other, &cause)
        };
        if !kept.iter().any(same) {
            kept.push(cause);
        }
    }
    // What is an accident beside what is none need not be told.
    if kept.first().is_some_and(Cause::is_significant) {
        kept.retain(Cause::is_significant);
    }
    let Some(best) = kept.first() else {
        return kept;
    };
    let (kind, fit, named) = (best.series.writer.kind, best.fit(), best.names_target);
    let alike = |cause: &Cause<'_>| {
        // Connections of a process and the log of the container that it runs in are one cause, told twice.
        let beside = (kind == Kind::Connects) != (cause.series.writer.kind == Kind::Connects);
        !beside && cause.names_target == named && fit - cause.fit() <= 5.0 * SAME_FIT
    };
    let rivals: Vec<bool> = kept.iter().map(alike).collect();
    let several = rivals.iter().filter(|rival| **rival).count() > 1;
    for (cause, alike) in kept.iter_mut().zip(rivals) {
        cause.rivalled = several && alike;
    }
    kept.truncate(MOST_CAUSES);
    kept
}

/// Whether two writers are one doer: the same, or a process and all of its name.
fn same_doer(one: &Writer, other: &Writer) -> bool {
    let part = |a: &Writer, b: &Writer| a.what.value.starts_with(&format!("{}[", b.what.value));
    let same_host = one.host == other.host;
    same_host && (one.what == other.what || part(one, other) || part(other, one))
}

/// Whether the lines that matched are the same lines: a log that was collected twice, once without its container's name.
fn says_the_same(one: &Cause<'_>, other: &Cause<'_>) -> bool {
    let said = |cause: &Cause<'_>| -> BTreeMap<(i64, u32), usize> {
        let mut said = BTreeMap::new();
        for event in &cause.events {
            // An application's own stamp is cut where the engine's is not.
            *said
                .entry((event.ts.div_euclid(SECOND), event.text))
                .or_default() += 1;
        }
        said
    };
    let (a, b) = (said(one), said(other));
    let shared = a.keys().filter(|key| b.contains_key(key)).count();
    shared * 10 >= a.len().min(b.len()) * 9
}
