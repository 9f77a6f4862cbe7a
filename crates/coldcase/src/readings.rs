//! All artifacts into a timeline, and those again that were read with the wrong clock: where no zone or no moment of
//! collection is told, the first reading gives what solves them (docs/adr/0008).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use coldcase_evidence::Bundle;
use coldcase_ingest::{Clock, ZoneSource, series_key};
use coldcase_model::Timestamp;
use coldcase_timeline::{DatasetWriter, Timeline, TimelineError};

use crate::Options;
use crate::clock_solver::{self, Verdict};
use crate::clocks::{self, Learnt, Surveys};
use crate::host_facts::BundleFacts;
use crate::incremental::{Earlier, TakenOver};
use crate::ingest::{InputRecord, Progress, ingest};
use crate::plan::Planned;

/// How often what depends on a clock is read again: for the years of year-less logs, for the zones that these then
/// show, and for what follows from both.
const MOST_AGAIN: usize = 3;

/// What reading gave.
pub(crate) struct Readings {
    pub inputs: Vec<InputRecord>,
    pub timeline: Timeline,
    /// What the evidence says of its clocks.
    pub verdict: Verdict,
    /// The latest record, where nothing says when the evidence was collected.
    pub latest_record: Option<Timestamp>,
    /// What the heads of year-less logs show.
    pub surveys: Surveys,
    /// What an earlier case gave, where one was asked for.
    pub taken_over: Option<TakenOver>,
}

/// What is the same in every reading.
struct Road<'a> {
    bundle: &'a Bundle,
    planned: &'a [Planned<'a>],
    facts: &'a BundleFacts,
    options: &'a Options,
    surveys: Surveys,
    folder: &'a Path,
    progress: &'a Arc<dyn Progress>,
}

/// Reads everything into the timeline in this folder, or takes it from an earlier case, which gives in each reading what this
/// reading would give.
pub(crate) fn read_all(
    bundle: &Bundle,
    planned: &[Planned<'_>],
    facts: &BundleFacts,
    options: &Options,
    folder: &Path,
    mut earlier: Option<Earlier>,
    progress: &Arc<dyn Progress>,
) -> Result<Readings, TimelineError> {
    let known = earlier.as_ref();
    let known = known.map_or_else(Surveys::new, |earlier| earlier.surveys(planned));
    let road = Road {
        bundle,
        planned,
        facts,
        options,
        surveys: clocks::surveys(bundle, planned, known),
        folder,
        progress,
    };
    let told = clocks::collected_at(bundle, facts, options);
    let mut learnt = Learnt::default();
    let mut clocks = road.clocks(&learnt);
    let all: Vec<usize> = (0..planned.len()).collect();
    let (read, mut timeline) = road.read(&all, &clocks, None, &mut earlier)?;
    let mut inputs: Vec<InputRecord> = read.into_iter().map(|(_, input)| input).collect();
    let mut verdict = clock_solver::solve(&timeline, &inputs, told)?;
    for _ in 0..MOST_AGAIN {
        let more = learn(&learnt, &verdict, &inputs, told);
        if more == learnt {
            break;
        }
        learnt = more;
        let better = road.clocks(&learnt);
        let again = road.to_read_again(&inputs, &clocks, &better);
        clocks = better;
        for (input, clock) in inputs.iter_mut().zip(&clocks) {
            input.clock = *clock;
        }
        if again.is_empty() {
            break;
        }
        timeline = road.read_again(&again, &clocks, timeline, &mut inputs, &mut earlier)?;
        verdict = clock_solver::solve(&timeline, &inputs, told)?;
    }
    Ok(Readings {
        inputs,
        timeline,
        verdict,
        latest_record: learnt.collected_at,
        surveys: road.surveys,
        taken_over: earlier.map(Earlier::told),
    })
}

/// What is known after a reading.
fn learn(
    before: &Learnt,
    verdict: &Verdict,
    inputs: &[InputRecord],
    told: Option<Timestamp>,
) -> Learnt {
    let mut learnt = before.clone();
    for (index, input) in inputs.iter().enumerate() {
        let is_unknown = input.clock.zone.source >= ZoneSource::Solved;
        let zone = verdict.zone(index, input.host.as_deref());
        if let Some(zone) = zone.filter(|_| is_unknown) {
            learnt.zones.insert(index, zone);
        }
        let years = verdict.years(index);
        if years != 0 {
            *learnt.years.entry(index).or_default() += years;
        }
    }
    if told.is_none() {
        learnt.collected_at = learnt.collected_at.max(clock_solver::latest_record(inputs));
        learnt.year_bound = before.year_bound.or(learnt.collected_at);
    }
    learnt
}

impl Road<'_> {
    fn clocks(&self, learnt: &Learnt) -> Vec<Clock> {
        clocks::clocks(
            self.bundle,
            self.planned,
            self.facts,
            self.options,
            &self.surveys,
            learnt,
        )
    }

    /// What holds times that another clock moves, with all of the series that it is joined with.
    fn to_read_again(
        &self,
        inputs: &[InputRecord],
        before: &[Clock],
        after: &[Clock],
    ) -> Vec<usize> {
        let moved = |index: usize| -> Option<bool> {
            let (input, before, after) =
                (inputs.get(index)?, before.get(index)?, after.get(index)?);
            let (old, new) = (before.zone.tz, after.zone.tz);
            let by_zone = old != new && input.assumed + input.undated > 0;
            let by_date = before.collected_at != after.collected_at && input.undated > 0;
            let by_year = before.first_year != after.first_year;
            Some(by_zone || by_date || by_year)
        };
        let mut series: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, one) in self.planned.iter().enumerate() {
            let joins = one.recognised.format().and_then(|format| format.join);
            let alone = joins.is_none().then_some(index);
            let key = (one.host.as_deref(), series_key(&one.artifact.path), alone);
            series.entry(key).or_default().push(index);
        }
        let mut again: Vec<usize> = series
            .into_values()
            .filter(|members| members.iter().any(|index| moved(*index) == Some(true)))
            .flatten()
            .collect();
        again.sort_unstable();
        again
    }

    fn read_again(
        &self,
        again: &[usize],
        clocks: &[Clock],
        timeline: Timeline,
        inputs: &mut [InputRecord],
        earlier: &mut Option<Earlier>,
    ) -> Result<Timeline, TimelineError> {
        self.progress.stage("reading again with the clocks found");
        let rest = timeline.without_files(&self.files(again))?;
        let (read, timeline) = self.read(again, clocks, Some(rest), earlier)?;
        for (index, record) in read {
            if let Some(input) = inputs.get_mut(index) {
                *input = record;
            }
        }
        Ok(timeline)
    }

    /// Reads these artifacts with these clocks into a timeline, or takes over what the earlier case has of them.
    fn read(
        &self,
        wanted: &[usize],
        clocks: &[Clock],
        rest: Option<Timeline>,
        earlier: &mut Option<Earlier>,
    ) -> Result<(Vec<(usize, InputRecord)>, Timeline), TimelineError> {
        let (taken, anew) = match earlier {
            Some(earlier) => earlier.split(self.planned, wanted, clocks),
            None => (Vec::new(), wanted.to_vec()),
        };
        let writer = match (rest, earlier) {
            (rest, Some(earlier)) if !taken.is_empty() => {
                let taken: Vec<usize> = taken.iter().map(|(index, _)| *index).collect();
                let rest = rest.unwrap_or_else(|| Timeline::of_parts(Vec::new()));
                let all = earlier.rows_into(rest, self.folder, &self.files(&taken))?;
                DatasetWriter::append(self.folder, &all)
            }
            (Some(rest), _) => DatasetWriter::append(self.folder, &rest),
            (None, _) => DatasetWriter::create(self.folder)?,
        };
        let (bundle, planned, progress) = (self.bundle, self.planned, self.progress);
        let mut read = ingest(bundle, planned, &anew, clocks, &writer, progress)?;
        read.extend(taken);
        read.sort_by_key(|(index, _)| *index);
        Ok((read, Timeline::of_parts(writer.finish()?)))
    }

    fn files(&self, indices: &[usize]) -> BTreeSet<&str> {
        let files = indices.iter().filter_map(|index| self.planned.get(*index));
        files.map(|one| one.artifact.path.as_str()).collect()
    }
}
