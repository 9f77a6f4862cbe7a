//! Which format of which host covers which span, and where it is silent for longer than it usually is.

use std::collections::BTreeMap;

use coldcase_model::{Timestamp, When};
use serde_json::{Value, json};

use crate::InputRecord;

const HOUR_NS: i64 = 3_600_000_000_000;
/// A silence is told as a gap from this length on.
const SHORTEST_GAP_HOURS: i64 = 3;
/// So many times as long as the silences that the log usually has.
const TIMES_AS_LONG: i64 = 4;
/// A log with fewer active hours has no rhythm that a gap could break.
const FEWEST_HOURS: usize = 24;
/// Captures see something at all times: what lies further apart than this was not captured.
const CAPTURE_GAP_NS: i64 = 300_000_000_000;
/// Hours kept an input: twenty years; of more the rest counts as one.
const MOST_HOURS: usize = 24 * 366 * 20;

/// Hours in which an input has events, each with its first and last.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActiveHours {
    hours: Vec<(i64, i64)>,
}

impl ActiveHours {
    /// These, each with its first and last event in nanoseconds since 1970.
    pub(crate) fn of_hours(hours: Vec<(i64, i64)>) -> Self {
        Self { hours }
    }

    /// Each with its first and last event in nanoseconds since 1970.
    pub(crate) fn hours(&self) -> &[(i64, i64)] {
        &self.hours
    }

    /// Counts an event; a snapshot's moment covers nothing.
    pub(crate) fn add(&mut self, when: When) {
        if when.basis == coldcase_model::Basis::Collected {
            return;
        }
        let at = when.ts.nanos();
        let same_hour =
            |(first, _): &&mut (i64, i64)| first.div_euclid(HOUR_NS) == at.div_euclid(HOUR_NS);
        if let Some((first, last)) = self.hours.last_mut().filter(same_hour) {
            *first = at.min(*first);
            *last = at.max(*last);
        } else if self.hours.len() < MOST_HOURS {
            self.hours.push((at, at));
        } else if let Some((_, last)) = self.hours.last_mut() {
            *last = at.max(*last);
        }
    }
}

/// Spans and gaps of a host's format.
#[derive(Debug, Default, PartialEq, Eq)]
struct Covered {
    spans: Vec<(i64, i64)>,
    gaps: Vec<(i64, i64)>,
}

/// A host, where known, and a format.
type Key<'a> = (Option<&'a str>, &'a str);

/// `case.json`'s `coverage`.
pub(crate) fn coverage(inputs: &[InputRecord]) -> Vec<Value> {
    let mut by_key: BTreeMap<Key<'_>, Vec<(i64, i64)>> = BTreeMap::new();
    for input in inputs {
        let Some(format) = input.format.filter(|_| !input.active.hours.is_empty()) else {
            continue;
        };
        let hours = by_key.entry((input.host.as_deref(), format)).or_default();
        hours.extend_from_slice(&input.active.hours);
    }
    let time = |ns: i64| Timestamp(ns).to_string();
    let entry = |((host, format), hours): (Key<'_>, _)| {
        let covered = match format {
            "pcap" => captured(inputs, host),
            _ => covered(hours),
        };
        let spans = covered.spans.iter();
        let gaps = covered.gaps.iter();
        json!({
            "host": host,
            "format": format,
            "spans": spans.map(|(first, last)| json!({ "first": time(*first), "last": time(*last) })).collect::<Vec<_>>(),
            "gaps": gaps.map(|(from, to)| json!({ "from": time(*from), "to": time(*to) })).collect::<Vec<_>>(),
        })
    };
    by_key.into_iter().map(entry).collect()
}

/// Spans of a host's capture files and what lies between them.
fn captured(inputs: &[InputRecord], host: Option<&str>) -> Covered {
    let files = inputs
        .iter()
        .filter(|input| input.format == Some("pcap") && input.host.as_deref() == host);
    let spans = files.filter_map(|input| Some((input.first?.nanos(), input.last?.nanos())));
    let spans = coldcase_correlate::merge_spans(spans.collect(), CAPTURE_GAP_NS);
    let gaps = spans.windows(2).filter_map(|pair| match pair {
        [(_, end), (start, _)] => Some((*end, *start)),
        _ => None,
    });
    Covered {
        gaps: gaps.collect(),
        spans,
    }
}

fn covered(mut hours: Vec<(i64, i64)>) -> Covered {
    hours.sort_unstable();
    let is_sparse = hours.len() < FEWEST_HOURS;
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for (first, last) in hours {
        match spans.last_mut() {
            Some((_, end)) if first <= end.saturating_add(HOUR_NS) => *end = last.max(*end),
            _ => spans.push((first, last)),
        }
    }
    let mut silences: Vec<i64> = spans
        .windows(2)
        .filter_map(|pair| match pair {
            [(_, end), (start, _)] => Some((start - end) / HOUR_NS),
            _ => None,
        })
        .collect();
    silences.sort_unstable();
    // A log that is silent every night has no gap at night: the usual silence is that of 19 in 20, or where it
    // has few, the one before the longest.
    let usual_at = (silences.len() * 19 / 20).min(silences.len().saturating_sub(2));
    let usual = if silences.len() < 2 {
        0
    } else {
        silences.get(usual_at).copied().unwrap_or(0)
    };
    let longest_quiet = SHORTEST_GAP_HOURS.max(usual * TIMES_AS_LONG);
    let mut covered = Covered::default();
    for (first, last) in spans {
        match covered.spans.last_mut() {
            Some((_, end)) if is_sparse || (first - *end) / HOUR_NS < longest_quiet => *end = last,
            Some((_, end)) => {
                covered.gaps.push((*end, first));
                covered.spans.push((first, last));
            }
            None => covered.spans.push((first, last)),
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events every hour in these ranges of hours.
    fn check(active: &[(i64, i64)], gaps: &[(i64, i64)]) {
        let hours = active.iter().flat_map(|(from, to)| *from..*to);
        let hours: Vec<_> = hours.map(|hour| (hour * HOUR_NS, hour * HOUR_NS)).collect();
        let expected: Vec<_> = gaps
            .iter()
            .map(|(from, to)| (from * HOUR_NS, to * HOUR_NS))
            .collect();
        assert_eq!(covered(hours).gaps, expected);
    }

    #[test]
    fn silences_beyond_the_usual_are_gaps() {
        check(&[(0, 48)], &[]);
        check(&[(0, 48), (60, 100)], &[(47, 60)]);
        check(&[(0, 48), (49, 100)], &[]);
        // Four hours each night: the days between are not gaps, a week without is one.
        let mut nights: Vec<_> = (0..20).map(|day| (day * 24, day * 24 + 4)).collect();
        check(&nights, &[]);
        nights.push((27 * 24, 27 * 24 + 4));
        check(&nights, &[(19 * 24 + 3, 27 * 24)]);
    }
}
