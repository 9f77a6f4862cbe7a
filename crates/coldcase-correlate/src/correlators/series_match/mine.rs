//! Candidate causes: series of lines that share a template, mined from logs in two passes.
//!
//! The first pass only counts, into a table of fixed size; the second keeps what occurs about as often as an effect.
//! So neither the number of lines nor that of templates matters much, and which are kept does not depend on their order.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use coldcase_timeline::{Timeline, TimelineError};
use rayon::prelude::*;

use super::lines::{Line, hash_of, visit};
use super::merge::{count_others, merge, order, without_copies};
use super::place::{Files, Moment};
use super::template::{KnownHosts, Shape, shape};
use super::writers::{Containers, Writer};

/// Counters of the first pass: 16 MiB.
const COUNTERS: usize = 1 << 22;
/// Lines of which the first pass keeps the keys: some 25 bytes each.
const MOST_LINES: usize = 1 << 20;
/// Series kept at most: beyond, the rarest are left out.
const MOST_SERIES: usize = 20_000;
/// Events kept at most, over all series: 32 bytes each.
const MOST_EVENTS: u64 = 8_000_000;

/// A candidate cause.
pub(super) struct Series {
    /// Who wrote it.
    pub writer: Writer,
    /// What its lines have in common.
    pub template: String,
    /// Whom its lines name, where all name the same.
    pub target: Option<String>,
    /// In order of time.
    pub events: Vec<Moment>,
    /// Whether the zone of its times was assumed.
    pub zone_unsure: bool,
    /// Lines of the template that name another.
    pub others: usize,
}

/// What was mined.
pub(super) struct Mined {
    /// Candidates, by writer and template.
    pub series: Vec<Series>,
    /// First and last line of each writer.
    pub spans: BTreeMap<Writer, (i64, i64)>,
    /// Templates that were not looked at, since they are too rare or too frequent.
    pub left_out: usize,
}

/// Which lines may be causes.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Lines of a template at least; of merged templates each part may be rarer.
    pub least: usize,
    /// Lines of a template at most.
    pub most: usize,
    /// When an effect may have had its cause.
    pub within: RangeInclusive<i64>,
    /// The hosts, beside none; all where it is not known which.
    pub hosts: Option<BTreeSet<String>>,
}

/// The level of a template, as part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Level {
    Fine,
    Coarse,
    /// Whatever the writer says of a target.
    Any,
}

/// Mines the logs of these hosts, parts side by side.
pub(super) fn mine(
    timeline: &Timeline,
    containers: &Containers,
    known: &KnownHosts,
    bounds: &Bounds,
    files: &mut Files,
) -> Result<Mined, TimelineError> {
    let parts: Vec<Timeline> = timeline
        .parts()
        .iter()
        .map(|part| Timeline::of_parts(vec![part.clone()]))
        .collect();
    let counters: Vec<AtomicU32> = std::iter::repeat_with(AtomicU32::default)
        .take(COUNTERS)
        .collect();
    let logs = Logs {
        containers,
        known,
        bounds,
    };
    let room = MOST_LINES / parts.len().max(1);
    let count = |part: &Timeline| logs.count(part, &counters, room);
    let firsts: Result<Vec<FirstPass>, TimelineError> = parts.par_iter().map(count).collect();
    let counters: Vec<u32> = counters.into_iter().map(AtomicU32::into_inner).collect();
    let (sizes, left_out) = tighten(&counters, bounds);
    let is_kept = |hash: u64| {
        let count = counters.get(slot(hash)).copied().unwrap_or(0);
        sizes.contains(&usize::try_from(count).unwrap_or(usize::MAX))
    };
    let keep = |(part, first): (&Timeline, FirstPass)| logs.keep(part, first, is_kept);
    let kept: Result<Vec<Kept>, TimelineError> = parts.par_iter().zip(firsts?).map(keep).collect();
    let mut all = Kept::default();
    for of_part in kept? {
        all.take(of_part, files);
    }
    let mut series: Vec<Series> = all.series.into_values().collect();
    series.sort_by(|a, b| order(a).cmp(&order(b)));
    merge(&mut series);
    let files = &*files;
    series
        .par_iter_mut()
        .for_each(|one| without_copies(&mut one.events, files));
    count_others(&mut series);
    let spans = all.spans.into_values();
    let spans = spans.map(|(writer, first, last)| (Writer::clone(&writer), (first, last)));
    Ok(Mined {
        series,
        spans: spans.collect(),
        left_out,
    })
}

/// What is mined.
struct Logs<'a> {
    containers: &'a Containers,
    known: &'a KnownHosts,
    bounds: &'a Bounds,
}

impl Logs<'_> {
    /// Counts a part's lines by their keys, and gives these for so many lines.
    fn count(
        &self,
        part: &Timeline,
        counters: &[AtomicU32],
        room: usize,
    ) -> Result<FirstPass, TimelineError> {
        let mut first = FirstPass::default();
        let hosts = self.bounds.hosts.as_ref();
        let files = &mut Files::default();
        visit(part, self.containers, hosts, files, &mut |line| {
            if !self.bounds.within.contains(&line.moment.ts) {
                return;
            }
            let keys = keys(&line, self.known);
            for (hash, ..) in &keys.each {
                if let Some(count) = counters.get(slot(*hash)) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            if first.counts.len() < room {
                first.add(&keys);
            }
        })?;
        Ok(first)
    }

    /// A part's lines of series that are kept.
    fn keep(
        &self,
        part: &Timeline,
        mut first: FirstPass,
        is_kept: impl Fn(u64) -> bool,
    ) -> Result<Kept, TimelineError> {
        let mut files = Files::default();
        let mut kept = Kept::default();
        let hosts = self.bounds.hosts.as_ref();
        visit(part, self.containers, hosts, &mut files, &mut |line| {
            kept.see(line.hash, line.writer, (line.moment.ts, line.moment.ts));
            let is_within = self.bounds.within.contains(&line.moment.ts);
            if !is_within || first.next(&is_kept) == Some(false) {
                return;
            }
            let keys = keys(&line, self.known);
            for (hash, level, refined) in keys.each.iter().filter(|(hash, ..)| is_kept(*hash)) {
                let series = kept.series.entry(*hash).or_insert_with(|| Series {
                    writer: Writer::clone(line.writer),
                    template: keys.template(*level).to_owned(),
                    target: keys.shape.target.clone().filter(|_| *refined),
                    events: Vec::new(),
                    zone_unsure: false,
                    others: 0,
                });
                series.events.push(line.moment);
                series.zone_unsure |= line.zone_unsure;
            }
        })?;
        kept.files = files;
        Ok(kept)
    }
}

/// What is kept of lines, by hash of series and of writer.
#[derive(Default)]
struct Kept {
    series: HashMap<u64, Series>,
    spans: HashMap<u64, (Arc<Writer>, i64, i64)>,
    /// The files that its moments name.
    files: Files,
}

impl Kept {
    fn see(&mut self, hash: u64, writer: &Arc<Writer>, (first, last): (i64, i64)) {
        let span = self
            .spans
            .entry(hash)
            .or_insert_with(|| (Arc::clone(writer), first, last));
        (span.1, span.2) = (span.1.min(first), span.2.max(last));
    }

    /// Takes in another part's, whose files get other numbers.
    fn take(&mut self, other: Self, files: &mut Files) {
        let numbers = files.numbers_of(&other.files);
        for (hash, mut more) in other.series {
            for event in &mut more.events {
                event.place.renumber(&numbers);
            }
            match self.series.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(more);
                }
                Entry::Occupied(mut place) => {
                    let series = place.get_mut();
                    series.events.append(&mut more.events);
                    series.zone_unsure |= more.zone_unsure;
                }
            }
        }
        for (hash, (writer, first, last)) in other.spans {
            self.see(hash, &writer, (first, last));
        }
    }
}

/// What the first pass saw of a part, for as many lines as there is room for: most lines belong to nothing that is kept.
#[derive(Default)]
struct FirstPass {
    /// Hashes of the keys of all lines.
    hashes: Vec<u64>,
    /// How many each line has.
    counts: Vec<u8>,
    /// Lines and hashes that the second pass has gone by.
    passed: (usize, usize),
}

impl FirstPass {
    fn add(&mut self, keys: &Keys) {
        let count = u8::try_from(keys.each.len()).unwrap_or(u8::MAX);
        self.counts.push(count);
        self.hashes.extend(keys.each.iter().map(|(hash, ..)| *hash));
    }

    /// Whether the next line has a key that is kept; nothing where the first pass had no room for it.
    fn next(&mut self, is_kept: &impl Fn(u64) -> bool) -> Option<bool> {
        let (line, from) = self.passed;
        let count = usize::from(*self.counts.get(line)?);
        self.passed = (line + 1, from + count);
        let hashes = self.hashes.get(from..from + count)?;
        Some(hashes.iter().any(|hash| is_kept(*hash)))
    }
}

/// The series that a line belongs to.
struct Keys {
    shape: Shape,
    /// Hash, level, and whether it is of the line's target alone.
    each: Vec<(u64, Level, bool)>,
}

impl Keys {
    fn template(&self, level: Level) -> &str {
        match level {
            Level::Fine => &self.shape.fine,
            Level::Coarse => &self.shape.coarse,
            Level::Any => "",
        }
    }
}

fn keys(line: &Line<'_>, known: &KnownHosts) -> Keys {
    let mut shape = shape(line.message, known, Some(&line.writer.host));
    if let Some(target) = line.target {
        let host = known.get(target).cloned();
        shape.target = Some(host.unwrap_or_else(|| target.to_owned()));
    }
    let mut keys = Keys {
        shape,
        each: Vec::with_capacity(5),
    };
    let mut levels = vec![Level::Coarse];
    if keys.shape.fine != keys.shape.coarse {
        levels.push(Level::Fine);
    }
    let hash = |level: Level, target: Option<&str>| {
        hash_of(&(line.hash, level, keys.template(level), target))
    };
    let mut each: Vec<(u64, Level, bool)> = levels
        .iter()
        .map(|level| (hash(*level, None), *level, false))
        .collect();
    if let Some(target) = keys.shape.target.as_deref() {
        levels.push(Level::Any);
        let refined = levels.iter();
        each.extend(refined.map(|level| (hash(*level, Some(target)), *level, true)));
    }
    keys.each = each;
    keys
}

fn slot(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or(0) % COUNTERS
}

/// Bounds under which neither too many series nor too many events are kept, and how many templates lie outside.
fn tighten(counters: &[u32], bounds: &Bounds) -> (RangeInclusive<usize>, usize) {
    let mut by_count: BTreeMap<u32, u64> = BTreeMap::new();
    for count in counters.iter().filter(|count| **count > 0) {
        *by_count.entry(*count).or_default() += 1;
    }
    let (mut series, mut events) = (0u64, 0u64);
    let mut least = bounds.most;
    // From the most frequent that is allowed down to the rarest that there is room for.
    for (count, slots) in by_count.iter().rev() {
        let size = usize::try_from(*count).unwrap_or(usize::MAX);
        if size > bounds.most || size < bounds.least {
            continue;
        }
        let more = events.saturating_add(slots.saturating_mul(u64::from(*count)));
        let most_series = u64::try_from(MOST_SERIES).unwrap_or(u64::MAX);
        if series + slots > most_series || more > MOST_EVENTS {
            break;
        }
        (series, events, least) = (series + slots, more, size);
    }
    let all: u64 = by_count.values().sum();
    let left_out = usize::try_from(all - series).unwrap_or(usize::MAX);
    (least..=bounds.most, left_out)
}
