//! The timeline by host and format: how much there is when, what is covered, where findings lie, and a sample of events.
//!
//! One pass over seven columns counts events in steps of time: the whole span coarsely, the time that findings speak of
//! finely. The steps of the whole span are powers of two of a nanosecond and widen as the span grows, so that the result
//! does not depend on the order of parts. The sample takes those events of each lane whose places have the lowest
//! hashes, half of it from the time that findings speak of: the same on each run, and blind to what the events say.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::Timestamp;
use coldcase_timeline::{PartCells, Timeline, TimelineError};
use rayon::prelude::*;
use serde_json::Value;

use super::sample::{Lowest, Sampled};
use super::steps::Widening;
use super::svg::SECOND;

mod shown;

pub(super) use shown::zone_name;

/// Most lanes shown; the tables hold all files.
const MOST_LANES: usize = 40;
/// Steps of the time that findings speak of.
const FINE: i64 = 800;
/// Events of a lane in each half of the sample.
const SAMPLED: usize = 120;
/// Events of the sample in all.
const MOST_SAMPLED: usize = 3_000;
/// Rows beyond which the sample names action and place only: their messages would cost a second reading of everything.
const MOST_READ: usize = 500_000;
/// Parts that are counted one after the other.
const PARTS_A_RUN: usize = 8;
/// Moments of snapshots kept a lane.
const MOST_SNAPSHOTS: usize = 24;

/// Lanes by host and format.
type ByPlace = BTreeMap<(String, String), Lane>;

/// One host's format.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    host: String,
    format: String,
    dated: u64,
    undated: u64,
    whole: Widening,
    fine: BTreeMap<i64, u64>,
    /// The fine step counted last, not yet in `fine`: events mostly follow each other.
    open: Option<(i64, u64)>,
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
        let mut lanes = counted(timeline, focus)?;
        for ((host, format), lane) in &mut lanes {
            (lane.host, lane.format) = (host.clone(), format.clone());
            lane.close();
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

/// Counts all parts, a few at a time side by side.
fn counted(timeline: &Timeline, focus: Option<(i64, i64)>) -> Result<ByPlace, TimelineError> {
    const COLUMNS: [&str; 7] = [
        "ts_ns", "ts_basis", "host", "format", "file", "line", "offset",
    ];
    let parts: Vec<usize> = (0..timeline.parts().len()).collect();
    let runs: Result<Vec<ByPlace>, TimelineError> = parts
        .par_chunks(PARTS_A_RUN)
        .map(|run| {
            let mut lanes = ByPlace::new();
            for index in run {
                if let Some(cells) = timeline.cells(*index, &COLUMNS)? {
                    count(&mut lanes, &cells, *index, focus);
                }
            }
            Ok(lanes)
        })
        .collect();
    let mut lanes = ByPlace::new();
    for (place, lane) in runs?.into_iter().flatten() {
        lanes.entry(place).or_default().join(lane);
    }
    Ok(lanes)
}

fn count(lanes: &mut ByPlace, cells: &PartCells, part: usize, focus: Option<(i64, i64)>) {
    let (times, lines, offsets) = (
        cells.longs("ts_ns"),
        cells.longs("line"),
        cells.longs("offset"),
    );
    let cell = |column: &[Option<i64>], row: usize| column.get(row).copied().flatten();
    // Rows of one file follow each other: its lane and hash are looked up once.
    for run in cells.runs(["host", "format", "file", "ts_basis"]) {
        let [host, format, file, basis] = run.texts.map(Option::unwrap_or_default);
        let seed = super::sample::hash_of(file);
        let lane = lanes.entry((host.to_owned(), format.to_owned()));
        let lane = lane.or_default();
        let is_snapshot = basis == "collected";
        for at in run.rows {
            let place = (cell(&times, at), cell(&lines, at), cell(&offsets, at));
            lane.add(place, is_snapshot, seed, (part, at), focus);
        }
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
            self.add_snapshot(ts, 1);
            self.far.offer(SAMPLED, seed, place, row);
            return;
        }
        self.whole.add(ts);
        match focus.map(|focus| (focus, around(focus))) {
            Some((focus, (from, to))) if (from..=to).contains(&ts) => {
                let step = (ts - focus.0).div_euclid(fine_step(focus.0, focus.1));
                match &mut self.open {
                    Some((open, count)) if *open == step => *count += 1,
                    _ => {
                        self.close_fine();
                        self.open = Some((step, 1));
                    }
                }
                self.near.offer(SAMPLED, seed, place, row);
            }
            _ => self.far.offer(SAMPLED, seed, place, row),
        }
    }
}

impl Lane {
    fn add_snapshot(&mut self, ts: i64, count: u64) {
        if self.snapshots.len() < MOST_SNAPSHOTS || self.snapshots.contains_key(&ts) {
            *self.snapshots.entry(ts).or_default() += count;
        }
    }

    /// Takes in what later parts hold of the same.
    fn join(&mut self, mut later: Self) {
        self.close_fine();
        later.close_fine();
        self.dated += later.dated;
        self.undated += later.undated;
        self.whole.join(later.whole);
        for (step, count) in later.fine {
            *self.fine.entry(step).or_default() += count;
        }
        for (ts, count) in later.snapshots {
            self.add_snapshot(ts, count);
        }
        self.near.join(SAMPLED, later.near);
        self.far.join(SAMPLED, later.far);
    }

    fn close_fine(&mut self) {
        if let Some((step, count)) = self.open.take() {
            *self.fine.entry(step).or_default() += count;
        }
    }

    /// Puts the open steps to the others; afterwards none is open.
    fn close(&mut self) {
        self.close_fine();
        self.whole.close();
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
fn cover(lanes: &mut ByPlace, coverage: &[Value]) {
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
