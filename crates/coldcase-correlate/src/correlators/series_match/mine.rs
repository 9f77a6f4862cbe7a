//! Candidate causes: series of lines that share a template, mined from logs in two passes.
//!
//! The first pass only counts, into a table of fixed size; the second keeps what occurs about as often as an effect.
//! So neither the number of lines nor that of templates matters much, and which are kept does not depend on their order.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use coldcase_model::{ObservableType, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use rayon::prelude::*;

use super::align::is_sane;
use super::merge::{count_others, merge, order, without_copies};
use super::place::{Files, Moment, Place};
use super::template::{KnownHosts, Shape, shape};
use super::writers::{Cells, Containers, Writer, attribute};

/// Counters of the first pass: 16 MiB.
const COUNTERS: usize = 1 << 22;
/// Lines of which the first pass keeps the keys: some 25 bytes each.
const MOST_LINES: usize = 1 << 20;
/// Series kept at most: beyond, the rarest are left out.
const MOST_SERIES: usize = 20_000;
/// Events kept at most, over all series: 32 bytes each.
const MOST_EVENTS: u64 = 8_000_000;

/// Rows that may be causes.
pub(super) const ACTIONS: [&str; 5] = [
    action::LOG,
    action::CRON_RUN,
    action::SERVICE_STARTED,
    action::EXEC,
    action::CONNECT,
];

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

/// One line with its writers.
struct Line<'a> {
    writer: &'a Arc<Writer>,
    /// The writer's hash.
    hash: u64,
    message: &'a str,
    target: Option<&'a str>,
    moment: Moment,
    zone_unsure: bool,
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
        self.visit(part, &mut Files::default(), &mut |line| {
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
        self.visit(part, &mut files, &mut |line| {
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

fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
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

const COLUMNS: [&str; 14] = [
    "host",
    "format",
    "ts_basis",
    "ts_precision",
    "container",
    "pod",
    "namespace",
    "attributes",
    "message",
    "command",
    "exe",
    "pid",
    "dst_ip",
    "dst_port",
];

impl Logs<'_> {
    /// Calls back for each dated line of a part.
    fn visit(
        &self,
        part: &Timeline,
        files: &mut Files,
        each: &mut impl FnMut(Line<'_>),
    ) -> Result<(), TimelineError> {
        let rows = part.select(&ACTIONS, &COLUMNS)?;
        let columns = Columns::of(&rows);
        let of_hosts = |row: &usize| {
            let hosts = self.bounds.hosts.as_ref();
            let host = hosts.and_then(|hosts| Some((hosts, cell(&columns.hosts, *row)?)));
            host.is_none_or(|(hosts, host)| hosts.contains(host))
        };
        let mut writers = Writers::default();
        let mut last = None;
        for row in (0..rows.rows()).filter(of_hosts) {
            let told_by = (self.containers, &mut writers);
            columns.line(row, told_by, &mut last, files, each);
        }
        Ok(())
    }
}

/// Writers with their hashes, by a hash of the cells that tell them.
#[derive(Default)]
struct Writers {
    known: HashMap<u64, Told>,
}

/// A writer with its hash; none where a row tells of logins itself.
type Told = Option<(Arc<Writer>, u64)>;

/// The columns of a part, looked up once.
struct Columns<'a> {
    times: Vec<Option<i64>>,
    lines: Vec<Option<i64>>,
    offsets: Vec<Option<i64>>,
    pids: Vec<Option<i64>>,
    ports: Vec<Option<i32>>,
    actions: Vec<Option<&'a str>>,
    hosts: Vec<Option<&'a str>>,
    formats: Vec<Option<&'a str>>,
    files: Vec<Option<&'a str>>,
    bases: Vec<Option<&'a str>>,
    precisions: Vec<Option<&'a str>>,
    containers: Vec<Option<&'a str>>,
    pods: Vec<Option<&'a str>>,
    namespaces: Vec<Option<&'a str>>,
    attributes: Vec<Option<&'a str>>,
    messages: Vec<Option<&'a str>>,
    commands: Vec<Option<&'a str>>,
    exes: Vec<Option<&'a str>>,
    destinations: Vec<Option<&'a str>>,
}

fn cell<T: Copy>(column: &[Option<T>], row: usize) -> Option<T> {
    column.get(row).copied().flatten()
}

impl<'a> Columns<'a> {
    fn of(rows: &'a Selection) -> Self {
        Self {
            times: rows.longs("ts_ns"),
            lines: rows.longs("line"),
            offsets: rows.longs("offset"),
            pids: rows.longs("pid"),
            ports: rows.ints("dst_port"),
            actions: rows.texts("action"),
            hosts: rows.texts("host"),
            formats: rows.texts("format"),
            files: rows.texts("file"),
            bases: rows.texts("ts_basis"),
            precisions: rows.texts("ts_precision"),
            containers: rows.texts("container"),
            pods: rows.texts("pod"),
            namespaces: rows.texts("namespace"),
            attributes: rows.texts("attributes"),
            messages: rows.texts("message"),
            commands: rows.texts("command"),
            exes: rows.texts("exe"),
            destinations: rows.texts("dst_ip"),
        }
    }

    fn cells(&self, row: usize) -> Cells<'a> {
        Cells {
            action: cell(&self.actions, row).unwrap_or_default(),
            format: cell(&self.formats, row).unwrap_or_default(),
            host: cell(&self.hosts, row).unwrap_or_default(),
            file: cell(&self.files, row).unwrap_or_default(),
            container: cell(&self.containers, row),
            pod: cell(&self.pods, row),
            namespace: cell(&self.namespaces, row),
            attributes: cell(&self.attributes, row),
            command: cell(&self.commands, row),
            exe: cell(&self.exes, row),
        }
    }

    fn place(&self, row: usize, file: &str, files: &mut Files) -> Place {
        let line = cell(&self.lines, row);
        let at = line.or_else(|| cell(&self.offsets, row)).unwrap_or(-1);
        Place::at(files, file, at, line.is_some())
    }

    /// Calls back for a row's line; `last` are the cells of the row before, with their writer.
    fn line(
        &self,
        row: usize,
        (containers, writers): (&Containers, &mut Writers),
        last: &mut Option<(Cells<'a>, Told)>,
        files: &mut Files,
        each: &mut impl FnMut(Line<'_>),
    ) {
        let ts = cell(&self.times, row);
        let Some(ts) = ts.filter(|ts| is_sane(*ts)) else {
            return;
        };
        if matches!(cell(&self.precisions, row), Some("min" | "day")) {
            return;
        }
        let cells = self.cells(row);
        let told_by = match last {
            Some((known, writer)) if *known == cells => writer.clone(),
            _ => writers.of(containers, cells),
        };
        *last = Some((cells, told_by.clone()));
        let Some((writer, hash)) = told_by else {
            return;
        };
        let pid = cell(&self.pids, row);
        let is_process = writer.what.kind == ObservableType::Process;
        // A process that lives on is told by its pid as well.
        let one = pid
            .filter(|_| cells.action == action::CONNECT && is_process)
            .map(|pid| {
                let mut one = Writer::clone(&writer);
                one.what.value = format!("{}[{pid}]", one.what.value);
                Arc::new(one)
            });
        let message = told(cells, cell(&self.messages, row), cell(&self.ports, row));
        let line = |writer, hash, moment| Line {
            writer,
            hash,
            message,
            target: cell(&self.destinations, row),
            moment,
            zone_unsure: cell(&self.bases, row) != Some("recorded"),
        };
        let moment = Moment {
            ts,
            place: self.place(row, cells.file, files),
            text: u32::try_from(hash_of(&message) >> 32).unwrap_or(0),
        };
        if let Some(one) = &one {
            each(line(one, hash_of(one), moment));
        }
        each(line(&writer, hash, moment));
    }
}

impl Writers {
    /// Who wrote a row, from what was found for rows like it.
    fn of(&mut self, containers: &Containers, cells: Cells<'_>) -> Told {
        let made = || {
            let writer = containers.writer(cells)?;
            let hash = hash_of(&writer);
            Some((Arc::new(writer), hash))
        };
        if cells.action != action::LOG {
            return made();
        }
        let attributes = cells.attributes.unwrap_or_default();
        let who = ["container_id", "program", "unit", "container_name"]
            .map(|name| attribute(attributes, name));
        let of_row = (cells.host, cells.file, cells.container, cells.pod);
        let key = hash_of(&(of_row, cells.namespace, who));
        self.known.entry(key).or_insert_with(made).clone()
    }
}

/// What a row says, as far as a template is made of it.
fn told<'a>(cells: Cells<'a>, message: Option<&'a str>, port: Option<i32>) -> &'a str {
    match cells.action {
        action::CRON_RUN | action::EXEC => cells.command.or(message).unwrap_or_default(),
        // Words, so that no port is taken out as a number.
        action::CONNECT => match port {
            Some(22) => "connects by ssh",
            Some(53) => "connects to a resolver",
            _ => "connects",
        },
        action::SERVICE_STARTED => "starts",
        _ => message.unwrap_or_default(),
    }
}
