//! The timeline by host and format: how much there is when, what is covered, where findings lie, and a sample of events.
//!
//! One pass over six columns counts events in steps of time: the whole span coarsely, the time that findings speak of
//! finely. The steps of the whole span are powers of two of a nanosecond and widen as the span grows, so that the result
//! does not depend on the order of parts. The sample takes those events of each lane whose places have the lowest
//! hashes, half of it from the time that findings speak of: the same on each run, and blind to what the events say.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use coldcase_model::{Findings, Severity, Timestamp};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::{Value, json};

use super::View;
use super::escape::{cut, shorten};
use super::sample::{Lowest, Sampled};
use super::svg::SECOND;
use super::times;

/// Most lanes shown; the tables hold all files.
const MOST_LANES: usize = 40;
/// Steps of the whole span, at most.
const STEPS: i64 = 512;
/// Steps of the time that findings speak of.
const FINE: i64 = 800;
/// Events of a lane in each half of the sample.
const SAMPLED: usize = 120;
/// Events of the sample in all.
const MOST_SAMPLED: usize = 3_000;
/// Rows beyond which the sample names action and place only: their messages would cost a second reading of everything.
const MOST_READ: usize = 500_000;
/// Longest message of a sampled event.
const LONGEST: usize = 180;
/// Moments of snapshots kept a lane.
const MOST_SNAPSHOTS: usize = 24;
/// Records ticked in the lanes.
const MOST_TICKS: usize = 1_000;
/// Findings marked over the lanes.
const MOST_MARKS: usize = 40;

/// A count of events by step of time, whose steps widen with the span.
#[derive(Debug, Clone, Default)]
pub(super) struct Widening {
    /// A step is two to the power of this many nanoseconds.
    power: u32,
    counts: BTreeMap<i64, u64>,
    /// The step counted last, not yet in `counts`: events mostly follow each other.
    open: Option<(i64, u64)>,
}

impl Widening {
    fn add(&mut self, at: i64) {
        let step = at >> self.power;
        match &mut self.open {
            Some((open, count)) if *open == step => *count += 1,
            _ => {
                self.close();
                self.open = Some((at >> self.power, 1));
            }
        }
    }

    /// Puts the open step to the others; afterwards no step is open.
    fn close(&mut self) {
        let Some((step, count)) = self.open.take() else {
            return;
        };
        *self.counts.entry(step).or_default() += count;
        while let (Some(first), Some(last)) =
            (self.counts.keys().next(), self.counts.keys().next_back())
        {
            if last - first < STEPS {
                return;
            }
            self.power += 1;
            let narrow = std::mem::take(&mut self.counts);
            narrow
                .into_iter()
                .for_each(|(step, count)| *self.counts.entry(step >> 1).or_default() += count);
        }
    }
}

/// One host's format.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    host: String,
    format: String,
    dated: u64,
    undated: u64,
    whole: Widening,
    fine: BTreeMap<i64, u64>,
    snapshots: BTreeMap<i64, u64>,
    spans: Vec<(i64, i64)>,
    gaps: Vec<(i64, i64)>,
    near: Lowest,
    far: Lowest,
}

/// All lanes with their sample.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    left_out: usize,
    focus: Option<(i64, i64)>,
    sample: Vec<Sampled>,
    events: u64,
    /// Whether the sample's events have their messages.
    has_messages: bool,
}

impl Lanes {
    pub(super) fn of(
        timeline: &Timeline,
        coverage: &[Value],
        focus: Option<(i64, i64)>,
    ) -> Result<Self, TimelineError> {
        let mut lanes: BTreeMap<(String, String), Lane> = BTreeMap::new();
        for index in 0..timeline.parts().len() {
            let columns = [
                "ts_ns", "ts_basis", "host", "format", "file", "line", "offset",
            ];
            if let Some(rows) = timeline.part(index, &columns)? {
                count(&mut lanes, &rows, index, focus);
            }
        }
        for ((host, format), lane) in &mut lanes {
            (lane.host, lane.format) = (host.clone(), format.clone());
            lane.whole.close();
        }
        cover(&mut lanes, coverage);
        let mut lanes: Vec<Lane> = lanes
            .into_values()
            .filter(|lane| lane.dated + lane.undated > 0)
            .collect();
        let events = lanes.iter().map(|lane| lane.dated + lane.undated).sum();
        let left_out = lanes.len().saturating_sub(MOST_LANES);
        if left_out > 0 {
            lanes.sort_by(|a, b| (b.dated, &a.host, &a.format).cmp(&(a.dated, &b.host, &b.format)));
            lanes.truncate(MOST_LANES);
            lanes.sort_by(|a, b| (&a.host, &a.format).cmp(&(&b.host, &b.format)));
        }
        let has_messages = timeline.rows() <= MOST_READ;
        let chosen = chosen(&lanes);
        let sample = super::sample::read(timeline, &chosen, has_messages)?;
        Ok(Self {
            lanes,
            left_out,
            focus,
            sample,
            events,
            has_messages,
        })
    }

    /// Spans that these formats of a host cover.
    pub(super) fn covered(&self, host: &str, formats: &[&str]) -> Vec<(i64, i64)> {
        let own = self
            .lanes
            .iter()
            .filter(|lane| lane.host == host && formats.contains(&lane.format.as_str()));
        own.flat_map(|lane| lane.spans.iter().copied()).collect()
    }

    /// Spans of all captures.
    pub(super) fn captured(&self) -> Vec<(i64, i64)> {
        let captures = self.lanes.iter().filter(|lane| lane.format == "pcap");
        captures
            .flat_map(|lane| lane.spans.iter().copied())
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.dated == 0)
    }

    /// First and last of all that the lanes show.
    fn span(&self) -> Option<(i64, i64)> {
        let steps = self.lanes.iter().flat_map(|lane| {
            let first = lane
                .whole
                .counts
                .keys()
                .next()
                .map(|step| step << lane.whole.power);
            let last = lane
                .whole
                .counts
                .keys()
                .next_back()
                .map(|step| (step + 1).saturating_mul(1 << lane.whole.power));
            let snapshots = lane.snapshots.keys();
            first
                .into_iter()
                .chain(last)
                .chain(snapshots.copied())
                .collect::<Vec<_>>()
        });
        let steps: Vec<i64> = steps.collect();
        Some((*steps.iter().min()?, *steps.iter().max()?))
    }

    /// How many events the sample holds.
    pub(super) fn sampled(&self) -> usize {
        self.sample.len()
    }

    /// How many events there are.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// What the script draws: times in seconds, to the millisecond.
    pub(super) fn data(&self, view: &View<'_>) -> Value {
        let Some((from, to)) = self.span() else {
            return Value::Null;
        };
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
            "from": seconds(from),
            "to": seconds(to),
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
    pub(super) fn said(&self, view: &View<'_>) -> String {
        let w = view.words;
        let number = |count: usize| super::svg::number(count as u64);
        let mut said = if (self.sample.len() as u64) < self.events {
            let said = w.sampled.replacen("{}", &number(self.sample.len()), 1);
            said.replacen("{}", &super::svg::number(self.events), 1)
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

fn fine_step(from: i64, to: i64) -> i64 {
    (to.saturating_sub(from) / FINE).max(SECOND / 1000)
}

/// The time around what findings speak of that is counted finely: a tenth on each side.
fn around(focus: (i64, i64)) -> (i64, i64) {
    let margin = focus.1.saturating_sub(focus.0) / 10;
    (
        focus.0.saturating_sub(margin),
        focus.1.saturating_add(margin),
    )
}

fn count(
    lanes: &mut BTreeMap<(String, String), Lane>,
    rows: &Selection,
    part: usize,
    focus: Option<(i64, i64)>,
) {
    let (times, bases, hosts, formats) = (
        rows.longs("ts_ns"),
        rows.texts("ts_basis"),
        rows.texts("host"),
        rows.texts("format"),
    );
    let (files, lines, offsets) = (rows.texts("file"), rows.longs("line"), rows.longs("offset"));
    let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
    let mut row = 0;
    while row < times.len() {
        // Rows of one file follow each other: its lane and hash are looked up once.
        let key = |row: usize| {
            let at = |column: &Vec<Option<&'_ str>>| {
                column
                    .get(row)
                    .copied()
                    .flatten()
                    .unwrap_or_default()
                    .to_owned()
            };
            (at(&hosts), at(&formats), at(&files))
        };
        let same = |other: usize| {
            hosts.get(other) == hosts.get(row)
                && formats.get(other) == formats.get(row)
                && files.get(other) == files.get(row)
        };
        let end = (row + 1..times.len())
            .find(|other| !same(*other))
            .unwrap_or(times.len());
        let (host, format, file) = key(row);
        let seed = super::sample::hash_of(&file);
        let lane = lanes.entry((host, format)).or_default();
        for at in row..end {
            let ts = cell(&times, at);
            let is_snapshot = bases.get(at).copied().flatten() == Some("collected");
            let place = (ts, cell(&lines, at), cell(&offsets, at));
            lane.add(place, is_snapshot, seed, (part, at), focus);
        }
        row = end;
    }
}

impl Lane {
    fn add(
        &mut self,
        place: super::sample::Place,
        is_snapshot: bool,
        seed: u64,
        row: (usize, usize),
        focus: Option<(i64, i64)>,
    ) {
        let Some(ts) = place.0 else {
            self.undated += 1;
            self.far.offer(SAMPLED, seed, place, row);
            return;
        };
        self.dated += 1;
        if is_snapshot {
            if self.snapshots.len() < MOST_SNAPSHOTS || self.snapshots.contains_key(&ts) {
                *self.snapshots.entry(ts).or_default() += 1;
            }
            self.far.offer(SAMPLED, seed, place, row);
            return;
        }
        self.whole.add(ts);
        match focus.map(|focus| (focus, around(focus))) {
            Some((focus, (from, to))) if (from..=to).contains(&ts) => {
                let step = (ts - focus.0).div_euclid(fine_step(focus.0, focus.1));
                *self.fine.entry(step).or_default() += 1;
                self.near.offer(SAMPLED, seed, place, row);
            }
            _ => self.far.offer(SAMPLED, seed, place, row),
        }
    }
}

/// The sample's rows: of each lane as many as fit, at first those near what findings speak of.
fn chosen(lanes: &[Lane]) -> BTreeSet<(usize, usize)> {
    let each = (MOST_SAMPLED / lanes.len().max(1) / 2).clamp(1, SAMPLED);
    let of_lane = |lane: &Lane| {
        let near = lane.near.first(each);
        let far = lane.far.first(2 * each - near.len());
        near.into_iter().chain(far).collect::<Vec<_>>()
    };
    lanes.iter().flat_map(of_lane).collect()
}

/// Spans and gaps as `case.json` has them.
fn cover(lanes: &mut BTreeMap<(String, String), Lane>, coverage: &[Value]) {
    for one in coverage {
        let field = |name: &str| {
            one.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let Some(lane) = lanes.get_mut(&(field("host"), field("format"))) else {
            continue;
        };
        let pairs = |list: &str, from: &str, to: &str| -> Vec<(i64, i64)> {
            let entries = one
                .get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let time = |entry: &Value, name: &str| {
                entry
                    .get(name)
                    .and_then(Value::as_str)
                    .and_then(Timestamp::parse_rfc3339)
                    .map(Timestamp::nanos)
            };
            entries
                .filter_map(|entry| Some((time(entry, from)?, time(entry, to)?)))
                .collect()
        };
        lane.spans = pairs("spans", "first", "last");
        lane.gaps = pairs("gaps", "from", "to");
    }
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
pub(super) fn zone_name(zone: Tz) -> Value {
    if zone == Tz::UTC {
        Value::Null
    } else {
        Value::from(zone.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_widen_alike_in_any_order() {
        let times: Vec<i64> = (0..5_000)
            .map(|index: i64| 1_680_000_000 * SECOND + index * index * 7_000_000)
            .collect();
        let counted = |times: Vec<i64>| {
            let mut steps = Widening::default();
            times.into_iter().for_each(|at| steps.add(at));
            steps.close();
            (steps.power, steps.counts)
        };
        let mut backwards = times.clone();
        backwards.reverse();
        let forwards = counted(times);
        assert_eq!(forwards, counted(backwards));
        assert_eq!(forwards.1.values().sum::<u64>(), 5_000);
        assert!(forwards.1.len() <= 512);
    }
}
