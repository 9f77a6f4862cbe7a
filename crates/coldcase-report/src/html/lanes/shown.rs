//! The lanes as data for the script: steps with their counts, spans, gaps, findings over them, cited records, and the
//! sample of events; and in words what is sampled.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use coldcase_model::{Findings, Severity};
use serde_json::{Value, json};

use super::{Lane, Lanes, fine_step};
use crate::html::View;
use crate::html::escape::{cut, shorten};
use crate::html::{svg, times};

/// Longest message of a sampled event.
const LONGEST: usize = 180;
/// Records ticked in the lanes.
const MOST_TICKS: usize = 1_000;
/// Findings marked over the lanes.
const MOST_MARKS: usize = 40;

impl Lanes {
    /// What the script draws: times in seconds, to the millisecond.
    pub(in crate::html) fn data(&self, view: &View<'_>) -> Value {
        // Without a time there is nothing to draw, but events are listed.
        let span = self.span();
        let (from, to) = span.unwrap_or((0, 0));
        let lanes: Vec<Value> = self.lanes.iter().map(|lane| self.lane(lane)).collect();
        let names: BTreeMap<(&str, &str), usize> = self
            .lanes
            .iter()
            .enumerate()
            .map(|(index, lane)| ((lane.host.as_str(), lane.format.as_str()), index))
            .collect();
        let sample = self.sample.iter().map(|event| {
            let lane = names.get(&(event.host.as_str(), event.format.as_str()));
            let message = event.message.as_deref().unwrap_or_default();
            let (text, is_cut) = cut(message, LONGEST);
            let text = if is_cut {
                format!("{text}…")
            } else {
                text.to_owned()
            };
            let text = crate::for_terminal(&text);
            json!([
                event.ts.map(seconds),
                lane,
                event.action,
                crate::for_terminal(&shorten(&event.place(), 120)),
                text
            ])
        });
        json!({
            "from": span.map(|_| seconds(from)),
            "to": span.map(|_| seconds(to)),
            "focus": self.focus.map(|(from, to)| [seconds(from), seconds(to)]),
            "fine": self.focus.map(|(from, to)| seconds_of(fine_step(from, to))),
            "offsets": times::offsets(from, to, view.zone),
            "lanes": lanes,
            "findings": marks(view.summary.findings, view),
            "records": self.records(view, &names),
            "events": sample.collect::<Vec<_>>(),
        })
    }

    fn lane(&self, lane: &Lane) -> Value {
        let start = |step: &i64| seconds(step << lane.whole.power);
        let fine = self.focus.map(|(from, to)| (from, fine_step(from, to)));
        let fine = fine.map(|(from, step)| {
            lane.fine
                .iter()
                .map(|(index, count)| json!([seconds(from + index * step), count]))
                .collect::<Vec<_>>()
        });
        let pair = |(from, to): &(i64, i64)| [seconds(*from), seconds(*to)];
        json!({
            "host": crate::for_terminal(&shorten(&lane.host, 60)),
            "format": lane.format,
            "count": lane.dated,
            "undated": lane.undated,
            "step": seconds_of(1_i64 << lane.whole.power),
            "whole": lane.whole.counts.iter().map(|(step, count)| json!([start(step), count])).collect::<Vec<_>>(),
            "fine": fine,
            "snapshots": lane.snapshots.iter().map(|(at, count)| json!([seconds(*at), count])).collect::<Vec<_>>(),
            "spans": lane.spans.iter().map(pair).collect::<Vec<_>>(),
            "gaps": lane.gaps.iter().map(pair).collect::<Vec<_>>(),
        })
    }

    /// Cited records of weighty findings, for ticks: time, finding, place in it, and the lane of their file.
    fn records(&self, view: &View<'_>, names: &BTreeMap<(&str, &str), usize>) -> Vec<Value> {
        let inputs = view.summary.inputs.iter();
        let files: BTreeMap<&str, Option<&usize>> = inputs
            .map(|input| {
                let key = (
                    input.host.as_deref().unwrap_or_default(),
                    input.format.unwrap_or_default(),
                );
                (input.path.as_str(), names.get(&key))
            })
            .collect();
        let told = view
            .summary
            .findings
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Medium);
        let records = told.flat_map(|finding| {
            finding
                .evidence
                .iter()
                .enumerate()
                .map(move |(index, record)| (finding, index, record))
        });
        let ticks = records.filter_map(|(finding, index, record)| {
            let lane = files.get(record.file.as_str()).copied().flatten()?;
            Some(json!([
                seconds(record.ts?.nanos()),
                finding.id,
                index,
                lane
            ]))
        });
        ticks.take(MOST_TICKS).collect()
    }

    /// Words of what is sampled and what is not.
    pub(in crate::html) fn said(&self, view: &View<'_>) -> String {
        let w = view.words;
        let number = |count: usize| svg::number(count as u64);
        let mut said = if (self.sample.len() as u64) < self.events {
            let said = w.sampled.replacen("{}", &number(self.sample.len()), 1);
            said.replacen("{}", &svg::number(self.events), 1)
        } else {
            w.all_events.replacen("{}", &number(self.sample.len()), 1)
        };
        if !self.has_messages {
            said.push(' ');
            said.push_str(w.no_messages);
        }
        if self.left_out > 0 {
            said.push(' ');
            said.push_str(&w.lanes_left_out.replacen("{}", &number(self.left_out), 1));
        }
        said
    }
}

fn seconds(ns: i64) -> f64 {
    ns.div_euclid(1_000_000) as f64 / 1e3
}

fn seconds_of(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// Findings over the lanes: those of weight, and those that an answer rests on.
fn marks(findings: &Findings, view: &View<'_>) -> Vec<Value> {
    let told = findings
        .findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Medium);
    let spanned = told.filter_map(|finding| {
        Some((
            finding,
            finding.first.or(finding.last)?,
            finding.last.or(finding.first)?,
        ))
    });
    let marks = spanned.take(MOST_MARKS).map(|(finding, first, last)| {
        let title = crate::lang::told::title(finding, view.lang);
        json!([
            finding.id,
            finding.severity.as_str(),
            seconds(first.nanos()),
            seconds(last.nanos()),
            crate::for_terminal(&shorten(&title, 120))
        ])
    });
    marks.collect()
}

/// The zone's name for the script, null where it is UTC.
pub(in crate::html) fn zone_name(zone: Tz) -> Value {
    if zone == Tz::UTC {
        Value::Null
    } else {
        Value::from(zone.name())
    }
}
