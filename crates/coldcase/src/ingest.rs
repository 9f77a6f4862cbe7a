//! All artifacts into the dataset, one a task; then the edges of each series are joined.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use coldcase_evidence::{Bundle, OnBytes};
use coldcase_ingest::{Clock, Cores, Format, Input, Leftover, Part, series_key};
use coldcase_model::{KnownFormat, Place, Sink as _, Timestamp};
use coldcase_timeline::{DatasetWriter, TimelineError};
use rayon::prelude::*;

use crate::artifact_sink::{ArtifactSink, SkipCount};
use crate::clock_solver::{Jump, Order};
use crate::coverage::ActiveHours;
use crate::plan::{Planned, Recognised};

/// Told of the work as it goes.
pub trait Progress: Send + Sync {
    /// So many bytes of evidence will be read.
    fn start(&self, bytes: u64);
    /// So many more were read.
    fn read(&self, bytes: u64);
    /// Reading is over; this comes next.
    fn stage(&self, what: &'static str);
}

/// Nobody watches.
impl Progress for () {
    fn start(&self, _: u64) {}
    fn read(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}

/// What became of one input.
#[derive(Debug, Clone)]
pub struct InputRecord {
    /// Path in the bundle.
    pub path: String,
    /// Size as stored.
    pub bytes: u64,
    /// Hash as stored; `None` where it could not be read.
    pub sha256: Option<String>,
    /// Format, where one was recognised.
    pub format: Option<&'static str>,
    /// Host, where it is known.
    pub host: Option<String>,
    /// Records read and used.
    pub records: u64,
    /// Records skipped, beside these.
    pub skipped: u64,
    /// Events made of them.
    pub events: u64,
    /// Why records were skipped.
    pub skips: BTreeMap<Cow<'static, str>, SkipCount>,
    /// First dated event.
    pub first: Option<Timestamp>,
    /// Last dated event.
    pub last: Option<Timestamp>,
    /// Times read with the zone that was assumed.
    pub(crate) assumed: u64,
    /// Events that have no time, or that of the collection.
    pub(crate) undated: u64,
    /// Last time whose zone the artifact records.
    pub(crate) last_recorded: Option<Timestamp>,
    /// Where it goes back in time.
    pub(crate) jumps: Vec<Jump>,
    /// Hours in which it has events.
    pub(crate) active: ActiveHours,
    /// Damage, limits, assumptions.
    pub warnings: Vec<String>,
    /// The clock it was read with, or one that would give the same.
    pub clock: Clock,
    /// The clock it was read with.
    pub(crate) read_with: Clock,
    /// Whether it could be read to its end.
    pub(crate) is_whole: bool,
}

#[cfg(test)]
impl InputRecord {
    /// An input of a host and format, with nothing else known.
    pub(crate) fn of(host: &str, format: &'static str) -> Self {
        Self {
            path: format.to_owned(),
            bytes: 1,
            sha256: None,
            format: Some(format),
            host: Some(host.to_owned()),
            records: 1,
            skipped: 0,
            events: 1,
            skips: BTreeMap::new(),
            first: None,
            last: None,
            assumed: 0,
            undated: 0,
            last_recorded: None,
            jumps: Vec::new(),
            active: ActiveHours::default(),
            warnings: Vec::new(),
            clock: Clock::UNKNOWN,
            read_with: Clock::UNKNOWN,
            is_whole: true,
        }
    }
}

struct Task<'p, 'a, 'w> {
    planned: &'p Planned<'a>,
    clock: Clock,
    sink: ArtifactSink<'w>,
    sha256: Option<String>,
    is_whole: bool,
    leftover: Option<Leftover>,
    jumps: Vec<Jump>,
}

/// Reads these artifacts, by number, into the dataset. What became of each comes in the order of the plan.
pub(crate) fn ingest(
    bundle: &Bundle,
    planned: &[Planned<'_>],
    wanted: &[usize],
    clocks: &[Clock],
    writer: &DatasetWriter,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<(usize, InputRecord)>, TimelineError> {
    let bytes = |index: &usize| planned.get(*index).map_or(0, |one| one.artifact.bytes);
    progress.start(wanted.iter().map(bytes).sum());
    let mut order: Vec<usize> = wanted.to_vec();
    order.sort_by_key(|index| std::cmp::Reverse(bytes(index)));
    // While files wait to be begun, each thread has one of its own.
    let waiting = AtomicUsize::new(order.len());
    let is_idle = || waiting.load(Ordering::Relaxed) == 0 && rayon::current_num_threads() > 1;
    let cores = Cores::asking(&is_idle);
    let mut tasks: Vec<(usize, Task<'_, '_, '_>)> = order
        .into_par_iter()
        .with_max_len(1)
        .filter_map(|index| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            let (one, clock) = (planned.get(index)?, clocks.get(index)?);
            Some((
                index,
                read_one(bundle, one, *clock, cores, writer, progress),
            ))
        })
        .collect();
    tasks.sort_by_key(|(index, _)| *index);
    let (indices, mut tasks): (Vec<usize>, Vec<Task<'_, '_, '_>>) = tasks.into_iter().unzip();
    progress.stage("joining what files share");
    join_series(&mut tasks);
    let records = tasks.into_iter().map(finish);
    indices
        .into_iter()
        .zip(records)
        .map(|(index, record)| Ok((index, record?)))
        .collect()
}

fn read_one<'p, 'a, 'w>(
    bundle: &Bundle,
    one: &'p Planned<'a>,
    clock: Clock,
    cores: Cores<'_>,
    writer: &'w DatasetWriter,
    progress: &Arc<dyn Progress>,
) -> Task<'p, 'a, 'w> {
    let artifact = one.artifact;
    let id = one.recognised.id().unwrap_or_default();
    let mut sink = ArtifactSink::new(writer, one.host.clone(), id, artifact.path.clone());
    let task_of = |mut sink: ArtifactSink<'w>, sha256, leftover| Task {
        planned: one,
        clock,
        jumps: sink.order.take().map_or_else(Vec::new, Order::finish),
        sink,
        is_whole: false,
        sha256,
        leftover,
    };
    if let Some(reason) = &artifact.unreadable {
        sink.warn(Place::Whole, reason.clone());
        return task_of(sink, None, None);
    }
    let told = progress.clone();
    let on_bytes: OnBytes = Arc::new(move |bytes| told.read(bytes));
    let mut opened = match bundle.reader(artifact, Some(on_bytes)) {
        Ok(opened) => opened,
        Err(error) => {
            sink.warn(Place::Whole, format!("can't be read: {error}"));
            return task_of(sink, None, None);
        }
    };
    let mut leftover = None;
    if let Some(format) = one.recognised.format() {
        let host = one.host.as_deref();
        let mut input = Input {
            path: &artifact.path,
            host,
            reader: opened.reader,
            clock: &clock,
            cores,
        };
        match (format.ingest)(&mut input, &mut sink) {
            Ok(left) => leftover = left,
            Err(error) => sink.warn(Place::Whole, error.to_string()),
        }
    } else if let Recognised::Known(KnownFormat::Case | KnownFormat::Indicators) = one.recognised {
        let lines = BufReader::new(opened.reader)
            .split(b'\n')
            .map_while(Result::ok);
        let used = lines.filter(|line| !line.trim_ascii().is_empty()).count();
        sink.used(used as u64);
    } else {
        // The first byte tells whether its packing is damaged; the reader itself never fails.
        let _ = opened.reader.read(&mut [0]);
    }
    let (sha256, broken) = opened.digest.finish();
    let is_whole = broken.is_none();
    if let Some(broken) = broken {
        sink.warn(
            Place::Whole,
            format!("reading broke off: {broken}; what came before is used"),
        );
    }
    sink.flush();
    Task {
        is_whole,
        ..task_of(sink, Some(sha256), leftover)
    }
}

type Parts<'t> = Vec<Part<'t>>;

fn join_series(tasks: &mut [Task<'_, '_, '_>]) {
    let mut series: BTreeMap<(&'static str, Option<String>, String), (&'static Format, Parts<'_>)> =
        BTreeMap::new();
    for task in tasks.iter_mut() {
        let Some(format) = task.planned.recognised.format() else {
            continue;
        };
        let (Some(leftover), true) = (task.leftover.take(), format.join.is_some()) else {
            continue;
        };
        let path = task.planned.artifact.path.as_str();
        let key = (format.id, task.planned.host.clone(), series_key(path));
        let part = Part {
            path,
            leftover,
            sink: &mut task.sink,
        };
        series
            .entry(key)
            .or_insert_with(|| (format, Vec::new()))
            .1
            .push(part);
    }
    let series: Vec<(&Format, Parts<'_>)> = series.into_values().collect();
    series.into_par_iter().for_each(|(format, parts)| {
        if let Some(join) = format.join {
            join(parts);
        }
    });
    tasks.par_iter_mut().for_each(|task| task.sink.flush());
}

fn finish(task: Task<'_, '_, '_>) -> Result<InputRecord, TimelineError> {
    let Task {
        planned,
        clock,
        mut sink,
        sha256,
        is_whole,
        jumps,
        ..
    } = task;
    let skips = std::mem::take(&mut sink.skips).into_iter();
    if let Some(error) = sink.failed.take() {
        return Err(error);
    }
    Ok(InputRecord {
        path: planned.artifact.path.clone(),
        bytes: planned.artifact.bytes,
        sha256,
        format: planned.recognised.id(),
        host: planned.host.clone(),
        records: sink.counts.used,
        skipped: sink.counts.skipped,
        events: sink.events,
        warnings: sink.all_warnings(),
        first: sink.first,
        last: sink.last,
        assumed: sink.assumed,
        undated: sink.undated,
        last_recorded: sink.last_recorded,
        jumps,
        active: std::mem::take(&mut sink.active),
        skips: skips
            .map(|(reason, count)| (Cow::Borrowed(reason), count))
            .collect(),
        clock,
        read_with: clock,
        is_whole,
    })
}
