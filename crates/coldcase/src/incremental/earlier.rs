//! The case that was there: whether it can be used, which inputs are still the same, and in each reading which of these would
//! be read as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coldcase_evidence::{Bundle, Limits, OnBytes};
use coldcase_ingest::{Clock, series_key};
use coldcase_timeline::{EarlierPart, Timeline, TimelineError};
use rayon::prelude::*;

use super::records::KeptInput;
use super::state_file::{KeptPart, NAME, State};
use super::taken::Fresh;
use super::{ReadAnew, TakenOver, fingerprint, hash};
use crate::clocks::Surveys;
use crate::ingest::Progress;
use crate::plan::Planned;
use crate::{InputRecord, Options};

/// Where the earlier case lies, and a folder for its parts while they are used.
pub(crate) struct Place {
    pub case: PathBuf,
    pub parts: PathBuf,
}

/// A case that inputs may be taken over from; an empty one where none can be used.
#[derive(Default)]
pub(crate) struct Earlier {
    inputs: BTreeMap<String, KeptInput>,
    parts: Vec<EarlierPart>,
    /// By number of the planned artifact: why it can't be taken over, whatever its clock.
    anew: Vec<Option<ReadAnew>>,
    /// Whether an artifact was read in any reading so far.
    was_read: Vec<bool>,
    told: TakenOver,
}

/// Format, host and name of a series whose edges are joined.
type SeriesKey = (String, Option<String>, String);

impl Earlier {
    /// The case there, compared with what is planned now.
    pub fn open(
        place: &Place,
        bundle: &Bundle,
        planned: &[Planned<'_>],
        options: &Options,
        progress: &Arc<dyn Progress>,
    ) -> Self {
        let mut earlier = match State::read_for(&place.case, options.limits) {
            Ok(state) => Self::of(state, place),
            Err(why) => {
                let mut none = Self::default();
                none.told.fresh = Some(why);
                none
            }
        };
        progress.stage("comparing with the case there");
        earlier.anew = earlier.compare(bundle, planned, progress);
        earlier.was_read = vec![false; planned.len()];
        let paths = planned.iter().map(|one| one.artifact.path.clone());
        earlier.told.inputs = paths.map(|path| (path, Some(ReadAnew::New))).collect();
        earlier
    }

    fn of(state: State, place: &Place) -> Self {
        let mut told = TakenOver::default();
        // Where it can't be made, no part is there to be used, and each says so.
        let _ = fs::create_dir_all(&place.parts);
        let parts: Vec<Result<EarlierPart, String>> = state
            .parts
            .par_iter()
            .map(|part| held(part, place))
            .collect();
        let mut whole = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Ok(part) => whole.push(part),
                Err(damage) => told.damage.push(damage),
            }
        }
        let inputs = state.inputs.into_iter();
        Self {
            inputs: inputs.map(|input| (input.path.clone(), input)).collect(),
            parts: whole,
            told,
            ..Self::default()
        }
    }

    /// Why each artifact has to be read anew, as far as its clock is not concerned.
    fn compare(
        &self,
        bundle: &Bundle,
        planned: &[Planned<'_>],
        progress: &Arc<dyn Progress>,
    ) -> Vec<Option<ReadAnew>> {
        let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
        for part in &self.parts {
            for (file, count) in part.rows_of() {
                *rows.entry(file).or_default() += count;
            }
        }
        let mut anew: Vec<Option<ReadAnew>> = planned
            .iter()
            .map(|one| self.differs(one, &rows).err())
            .collect();
        // A series that is read anew whatever its bytes are need not be hashed.
        self.spread(planned, &mut anew);
        let bytes =
            |(one, anew): (&Planned<'_>, &Option<ReadAnew>)| anew.map_or(one.artifact.bytes, |_| 0);
        progress.start(planned.iter().zip(&anew).map(bytes).sum());
        anew.par_iter_mut().zip(planned).for_each(|(anew, one)| {
            if anew.is_none() && !self.has_same_bytes(bundle, one, progress) {
                *anew = Some(ReadAnew::Changed);
            }
        });
        self.spread(planned, &mut anew);
        anew
    }

    /// The kept input, where nothing but bytes and clock could be other than it was.
    fn differs(
        &self,
        one: &Planned<'_>,
        rows: &BTreeMap<&str, u64>,
    ) -> Result<&KeptInput, ReadAnew> {
        let artifact = one.artifact;
        let kept = self.inputs.get(&artifact.path).ok_or(ReadAnew::New)?;
        let format = one.recognised.id();
        if artifact.unreadable.is_some() || !kept.is_whole || kept.sha256.is_none() {
            return Err(ReadAnew::NotWhole);
        }
        if kept.bytes != artifact.bytes {
            return Err(ReadAnew::Changed);
        }
        if kept.format.as_deref() != format {
            return Err(ReadAnew::Format);
        }
        if kept.fingerprint != fingerprint::of(format) {
            return Err(ReadAnew::Version);
        }
        if kept.host != one.host {
            return Err(ReadAnew::Host);
        }
        if rows.get(&*artifact.path).copied().unwrap_or(0) != kept.events {
            return Err(ReadAnew::Rows);
        }
        Ok(kept)
    }

    fn has_same_bytes(
        &self,
        bundle: &Bundle,
        one: &Planned<'_>,
        progress: &Arc<dyn Progress>,
    ) -> bool {
        let told = progress.clone();
        let on_bytes: OnBytes = Arc::new(move |bytes| told.read(bytes));
        let Ok(opened) = bundle.reader(one.artifact, Some(on_bytes)) else {
            return false;
        };
        let (hash, broken) = opened.digest.finish();
        let kept = self.inputs.get(&one.artifact.path);
        let kept = kept.and_then(|kept| kept.sha256.as_ref());
        broken.is_none() && kept == Some(&hash)
    }

    /// A joined series is taken over as a whole or not at all.
    fn spread(&self, planned: &[Planned<'_>], anew: &mut [Option<ReadAnew>]) {
        let mut before: BTreeMap<SeriesKey, BTreeSet<&str>> = BTreeMap::new();
        for kept in self.inputs.values() {
            if let Some(key) = kept_series(kept) {
                before.entry(key).or_default().insert(&kept.path);
            }
        }
        let mut now: BTreeMap<SeriesKey, Vec<usize>> = BTreeMap::new();
        for (index, one) in planned.iter().enumerate() {
            if let Some(key) = series(one) {
                now.entry(key).or_default().push(index);
            }
        }
        for (key, members) in now {
            let paths = members.iter().filter_map(|index| planned.get(*index));
            let paths: BTreeSet<&str> = paths.map(|one| one.artifact.path.as_str()).collect();
            let is_same = before.get(&key) == Some(&paths);
            let can = |index: &usize| anew.get(*index).is_some_and(Option::is_none);
            if is_same && members.iter().all(can) {
                continue;
            }
            for index in members {
                if let Some(anew) = anew.get_mut(index) {
                    anew.get_or_insert(ReadAnew::Series);
                }
            }
        }
    }

    /// Surveys of logs that have not changed.
    pub fn surveys(&self, planned: &[Planned<'_>]) -> Surveys {
        let same = planned.iter().zip(&self.anew).enumerate();
        let same = same.filter(|(_, (_, anew))| anew.is_none());
        same.filter_map(|(index, (one, _))| {
            let kept = self.inputs.get(&one.artifact.path)?;
            Some((index, kept.survey.clone()?))
        })
        .collect()
    }

    /// Of these artifacts, those that reading with these clocks would give as they were, with their records; and the others.
    pub fn split(
        &mut self,
        planned: &[Planned<'_>],
        wanted: &[usize],
        clocks: &[Clock],
    ) -> (Vec<(usize, InputRecord)>, Vec<usize>) {
        let mut anew = self.anew.clone();
        for (anew, (one, clock)) in anew.iter_mut().zip(planned.iter().zip(clocks)) {
            let kept = self.inputs.get(&one.artifact.path);
            if anew.is_none() && !kept.is_some_and(|kept| is_read_alike(kept, clock)) {
                *anew = Some(ReadAnew::Clock);
            }
        }
        self.spread(planned, &mut anew);
        let mut taken = Vec::new();
        let mut read = Vec::new();
        for index in wanted {
            let why = anew.get(*index).copied().flatten();
            if let Some((_, told)) = self.told.inputs.get_mut(*index) {
                *told = why;
            }
            let (Some(one), Some(clock)) = (planned.get(*index), clocks.get(*index)) else {
                continue;
            };
            match self
                .inputs
                .get(&one.artifact.path)
                .filter(|_| why.is_none())
            {
                Some(kept) => taken.push((*index, kept.record(one.recognised.id(), *clock))),
                None => {
                    read.push(*index);
                    if let Some(was_read) = self.was_read.get_mut(*index) {
                        *was_read = true;
                    }
                }
            }
        }
        (taken, read)
    }

    /// A timeline with the rows of these files from the earlier case.
    pub fn rows_into(
        &self,
        timeline: Timeline,
        folder: &Path,
        files: &BTreeSet<&str>,
    ) -> Result<Timeline, TimelineError> {
        timeline.with_taken_over(folder, &self.parts, files)
    }

    /// What was taken over in the end.
    pub fn told(self) -> TakenOver {
        let mut told = self.told;
        let inputs = told.inputs.iter().zip(&self.was_read);
        let twice = inputs.filter(|((_, why), was_read)| why.is_none() && **was_read);
        told.read_for_clocks = twice.count();
        told
    }
}

impl State {
    /// The state of the case there, for a run with these limits; otherwise why there is none to use.
    fn read_for(case: &Path, limits: Limits) -> Result<Self, Fresh> {
        if !case.join("case.json").exists() {
            return Err(Fresh::NoCase);
        }
        let path = case.join(NAME);
        if !path.exists() {
            return Err(Fresh::NoState);
        }
        let damaged = |why: String| Fresh::Damaged(format!("{}: {why}", path.display()));
        let state = Self::read(case).map_err(damaged)?;
        if state.is_within(limits) {
            Ok(state)
        } else {
            Err(Fresh::Limits)
        }
    }
}

/// Formats of most bytes, which ask a clock for no more than its offset where all times are recorded with their zone. Of
/// others the zone or the moment of collection may stand elsewhere than in the times of rows.
const RECORDED: [&str; 2] = ["auditd", "pcap"];

/// Whether an input read with this clock gives what it gave.
fn is_read_alike(kept: &KeptInput, clock: &Clock) -> bool {
    let Some(before) = kept.clock.clock() else {
        return false;
    };
    let format = kept.format.as_deref().unwrap_or_default();
    let is_recorded = kept.events > 0 && kept.assumed + kept.undated == 0;
    let is_recorded = is_recorded && RECORDED.contains(&format);
    before == *clock || (is_recorded && before.offset_ns == clock.offset_ns)
}

/// A part of the earlier case, held by a name of this run and found to be as it was written: another run may replace
/// the case meanwhile.
fn held(part: &KeptPart, place: &Place) -> Result<EarlierPart, String> {
    let from = place.case.join("timeline").join(&part.name);
    let damaged = |why: &str| format!("{}: {why}", from.display());
    let is_name = Path::new(&part.name).file_name() == Some(part.name.as_ref());
    if !is_name {
        return Err(damaged("is no name of a part"));
    }
    let own = place.parts.join(&part.name);
    if fs::hard_link(&from, &own).is_err() {
        fs::copy(&from, &own).map_err(|error| damaged(&error.to_string()))?;
    }
    match hash(&own) {
        Ok(hash) if hash == part.sha256 => {
            EarlierPart::open(&own).map_err(|error| damaged(&error.to_string()))
        }
        Ok(_) => Err(damaged("is not as it was written")),
        Err(error) => Err(damaged(&error.to_string())),
    }
}

/// The series that an artifact is joined with.
fn series(one: &Planned<'_>) -> Option<SeriesKey> {
    let format = one.recognised.format()?;
    format.join?;
    let key = series_key(&one.artifact.path);
    Some((format.id.to_owned(), one.host.clone(), key))
}

/// Likewise, as it was.
fn kept_series(kept: &KeptInput) -> Option<SeriesKey> {
    let format = coldcase_ingest::formats::by_id(kept.format.as_deref()?)?;
    format.join?;
    let key = series_key(&kept.path);
    Some((format.id.to_owned(), kept.host.clone(), key))
}

#[cfg(test)]
mod tests {
    use coldcase_ingest::{Cores, Input, Zone, ZoneSource, formats};
    use coldcase_model::{Basis, Timestamp};
    use coldcase_testkit::Recorder;

    use super::*;
    use crate::incremental::records::tests::full;

    fn clock(tz: chrono_tz::Tz, collected_at: Option<i64>) -> Clock {
        let source = ZoneSource::CaseFile;
        Clock {
            zone: Zone { tz, source },
            collected_at: collected_at.map(Timestamp),
            ..Clock::UNKNOWN
        }
    }

    #[test]
    fn another_clock_reads_alike_only_what_asks_nothing_of_it() {
        let was = clock(chrono_tz::UTC, None);
        let other = clock(chrono_tz::Asia::Tokyo, Some(1));
        let check = |format: &'static str, assumed: u64, now: &Clock, expected: bool| {
            let mut input = full("h/a");
            (input.format, input.assumed, input.undated) = (Some(format), assumed, 0);
            input.read_with = was;
            let kept = KeptInput::of(&input, "f", None);
            assert_eq!(is_read_alike(&kept, now), expected, "{format} {assumed}");
        };
        check("authlog", 0, &was, true);
        check("authlog", 0, &other, false);
        check("pcap", 0, &other, true);
        check("auditd", 0, &other, true);
        check("auditd", 1, &other, false);
        let set = Clock {
            offset_ns: 1,
            ..other
        };
        check("pcap", 0, &set, false);
    }

    /// The samples of the formats above, read with two clocks.
    #[test]
    fn recorded_times_ask_nothing_of_the_clock() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
        let early = clock(chrono_tz::UTC, None);
        let late = clock(chrono_tz::Asia::Kathmandu, Some(1_700_000_000_000_000_000));
        for id in RECORDED {
            let format = formats::by_id(id).expect("a format");
            let mut alike = 0;
            let below = |folder: PathBuf| fs::read_dir(folder).expect("samples");
            let folders = below(samples.join(id)).map(|entry| entry.expect("an entry").path());
            for entry in folders.filter(|path| path.is_dir()).flat_map(below) {
                let path = entry.expect("an entry").path();
                let bytes = fs::read(&path).expect("a sample");
                let read = |clock: &Clock| {
                    let mut recorder = Recorder::default();
                    let mut input = Input {
                        path: "h/sample",
                        host: Some("h"),
                        reader: Box::new(bytes.as_slice()),
                        clock,
                        cores: Cores::ONE,
                    };
                    let _ = (format.ingest)(&mut input, &mut recorder);
                    recorder
                };
                let (early, late) = (read(&early), read(&late));
                let mut times = early.events.iter().map(|event| event.when);
                if times.all(|when| when.is_some_and(|when| when.basis == Basis::Recorded)) {
                    assert_eq!(early.events, late.events, "{}", path.display());
                    assert_eq!(early.warnings, late.warnings);
                    assert_eq!(early.skips, late.skips);
                    alike += usize::from(!early.events.is_empty());
                }
            }
            assert!(alike > 0, "{id}: no sample of recorded times");
        }
    }
}
