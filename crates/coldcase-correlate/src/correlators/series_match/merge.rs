//! Series put together: templates that differ in few words, lines that were collected twice.

use std::collections::BTreeMap;

use super::mine::Series;
use super::place::{Files, Moment};
use super::writers::Writer;

/// Templates of one writer that are merged with each other; more is no log but data.
const MERGED: usize = 200;
/// Words in which two templates of one length may differ to be merged, as a share.
const DIFFERING: usize = 4;

/// Key of a series.
pub(super) fn order(series: &Series) -> (&Writer, &str, Option<&str>) {
    (&series.writer, &series.template, series.target.as_deref())
}

/// Adds a series for templates of one writer and target that differ in few words: a variable that stands without
/// quotes or key.
pub(super) fn merge(series: &mut Vec<Series>) {
    let mut groups: BTreeMap<(&Writer, Option<&str>, usize), Vec<usize>> = BTreeMap::new();
    for (at, one) in series.iter().enumerate() {
        let words = one.template.split(' ').count();
        if words > 1 {
            groups
                .entry((&one.writer, one.target.as_deref(), words))
                .or_default()
                .push(at);
        }
    }
    let mut merged: Vec<Series> = Vec::new();
    for ((writer, target, words), mut members) in groups {
        if members.len() < 2 || members.len() > MERGED {
            continue;
        }
        members
            .sort_by_key(|at| std::cmp::Reverse(series.get(*at).map_or(0, |one| one.events.len())));
        let mut clusters: Vec<(Vec<&str>, Vec<usize>)> = Vec::new();
        for at in members {
            let Some(one) = series.get(at) else { continue };
            let its: Vec<&str> = one.template.split(' ').collect();
            let near = clusters.iter_mut().find(|(leader, _)| {
                let differing = leader.iter().zip(&its).filter(|(a, b)| a != b).count();
                differing <= (words / DIFFERING).max(1)
            });
            match near {
                Some((leader, members)) => {
                    for (word, its) in leader.iter_mut().zip(&its) {
                        if word != its {
                            *word = "*";
                        }
                    }
                    members.push(at);
                }
                None => clusters.push((its, vec![at])),
            }
        }
        for (leader, members) in clusters
            .into_iter()
            .filter(|(_, members)| members.len() > 1)
        {
            let parts = members.iter().filter_map(|at| series.get(*at));
            let mut joined = Series {
                writer: writer.clone(),
                template: leader.join(" "),
                target: target.map(str::to_owned),
                events: Vec::new(),
                zone_unsure: parts.clone().any(|part| part.zone_unsure),
                others: 0,
            };
            joined
                .events
                .extend(parts.flat_map(|part| part.events.iter().copied()));
            merged.push(joined);
        }
    }
    series.extend(merged);
    series.sort_by(|a, b| {
        order(a)
            .cmp(&order(b))
            .then(a.events.len().cmp(&b.events.len()))
    });
}

/// Puts events in order, and takes out lines that another file holds as well, or that two templates share.
pub(super) fn without_copies(events: &mut Vec<Moment>, files: &Files) {
    events.sort_by_cached_key(|event| (event.ts, event.text, files.order(&event.place)));
    events.dedup_by(|next, kept| {
        next.ts == kept.ts
            && next.text == kept.text
            && (next.place == kept.place || !next.place.is_beside(&kept.place))
    });
}

/// Tells each refined series how many lines of its template name another target.
pub(super) fn count_others(series: &mut [Series]) {
    let whole: BTreeMap<(Writer, String), usize> = series
        .iter()
        .filter(|one| one.target.is_none())
        .map(|one| ((one.writer.clone(), one.template.clone()), one.events.len()))
        .collect();
    for one in series.iter_mut().filter(|one| one.target.is_some()) {
        let all = whole.get(&(one.writer.clone(), one.template.clone()));
        one.others = all.map_or(0, |all| all.saturating_sub(one.events.len()));
    }
}
