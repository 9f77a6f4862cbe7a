//! Cases into a lake. Large timelines get partitions of their own, small cases of one command are packed together. A
//! group of cases comes in by one entry of the log: all of it or nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use coldcase_timeline::polars::prelude::DataFrame;

use crate::adder::{Adder, take_away};
use crate::content::check_names;
use crate::log::{Committed, Entry, commit};
use crate::parquet::{Staged, TableWriter};
use crate::state::CaseEntry;
use crate::{
    CaseContent, FileEntry, Lake, LakeError, State, Table, frames, layout, remove, sightings, table,
};

/// Bytes of a timeline from which it has partitions of its own: a quarter of the size that files should have.
const BYTES_OF_ITS_OWN: u64 = 32_000_000;
/// Bytes of packed timelines at which a group is full.
const BYTES_A_GROUP: u64 = 120_000_000;
/// Cases at which a group is full, so that a run that is killed has not to begin anew.
const CASES_A_GROUP: usize = 5_000;
/// Attempts to be the next one in the log.
pub(crate) const ATTEMPTS: usize = 1_000;

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the lake now.
    Added,
    /// It was there with the same content.
    Unchanged,
    /// It took the place of another one of its name.
    Replaced,
}

/// What came of the cases of one command, in their order.
pub struct Added<E> {
    /// By name.
    pub cases: Vec<(String, Result<Outcome, E>)>,
}

/// Adds cases: names and where they are from, and what loads one. A case that can't be loaded, or whose name is taken
/// by another content, is told and hinders no other; an error of the lake itself ends all.
pub fn add<E: From<LakeError>>(
    lake: &Lake,
    cases: &[(String, PathBuf)],
    replace: bool,
    load: &mut dyn FnMut(&str, &PathBuf) -> Result<CaseContent, E>,
) -> Result<Added<E>, E> {
    check_names(cases.iter().map(|(name, origin)| (name.as_str(), origin)))?;
    let mut added = Added { cases: Vec::new() };
    let mut rest: Vec<(String, PathBuf)> = cases.to_vec();
    let is_alone = cases.len() == 1;
    for _ in 0..ATTEMPTS {
        if rest.is_empty() {
            break;
        }
        rest = one_round(lake, rest, replace, is_alone, load, &mut added)?;
    }
    if !rest.is_empty() {
        return Err(LakeError::Busy.into());
    }
    let places: BTreeMap<&str, usize> = cases
        .iter()
        .map(|(name, _)| name.as_str())
        .zip(0..)
        .collect();
    added
        .cases
        .sort_by_key(|(name, _)| places.get(name.as_str()).copied());
    Ok(added)
}

/// Adds what can be added, group by group, and gives back what others came before with.
fn one_round<E: From<LakeError>>(
    lake: &Lake,
    cases: Vec<(String, PathBuf)>,
    replace: bool,
    is_alone: bool,
    load: &mut dyn FnMut(&str, &PathBuf) -> Result<CaseContent, E>,
    added: &mut Added<E>,
) -> Result<Vec<(String, PathBuf)>, E> {
    let mut state = lake.state()?;
    let mut again = Vec::new();
    let mut group: Option<Group> = None;
    for (name, origin) in cases {
        let content = match load(&name, &origin) {
            Ok(content) => content,
            Err(error) => {
                added.cases.push((name, Err(error)));
                continue;
            }
        };
        match state.cases.get(&name) {
            Some(known) if known.digest == content.digest => {
                added.cases.push((name, Ok(Outcome::Unchanged)));
                continue;
            }
            Some(_) if !replace => {
                let error = LakeError::Different { name: name.clone() };
                added.cases.push((name, Err(error.into())));
                continue;
            }
            _ => {}
        }
        let open = match &mut group {
            Some(open) => open,
            None => group.insert(Group::new(lake, is_alone)?),
        };
        open.take(content)?;
        open.from.push((name, origin));
        if open.is_full()
            && let Some(full) = group.take()
        {
            again.extend(full.close(lake, replace, added)?);
            state = lake.state()?;
        }
    }
    if let Some(last) = group {
        again.extend(last.close(lake, replace, added)?);
    }
    Ok(again)
}

/// Cases that come in together.
struct Group {
    adder: Adder,
    is_alone: bool,
    packed: Vec<TableWriter>,
    staged: Vec<Staged>,
    cases: Vec<CaseEntry>,
    from: Vec<(String, PathBuf)>,
}

impl Group {
    fn new(lake: &Lake, is_alone: bool) -> Result<Self, LakeError> {
        Ok(Self {
            adder: Adder::new(&lake.root)?,
            is_alone,
            packed: Vec::new(),
            staged: Vec::new(),
            cases: Vec::new(),
            from: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        let bytes: u64 = self.packed.iter().map(TableWriter::bytes).sum();
        bytes >= BYTES_A_GROUP || self.cases.len() >= CASES_A_GROUP
    }

    fn take(&mut self, content: CaseContent) -> Result<(), LakeError> {
        let name = content.name.clone();
        self.cases.push(CaseEntry {
            name: name.clone(),
            digest: content.digest,
            rows: content.timeline.rows() as u64,
        });
        let parts = content.timeline.parts().iter();
        let sizes = parts.map(|part| std::fs::metadata(&part.path).map_or(0, |about| about.len()));
        let is_large = self.is_alone || sizes.sum::<u64>() >= BYTES_OF_ITS_OWN;
        let seen = sightings::sightings(&content.timeline)?;
        if is_large {
            self.partitions(&name, &content.timeline)?;
        } else {
            self.small(&name, &content.timeline)?;
        }
        for rows in content.tables.into_iter().chain([seen]) {
            let (table, frame) = rows.frame()?;
            self.push(table, &name, frame)?;
        }
        Ok(())
    }

    /// A timeline into partitions by case and host; its parts one after the other.
    fn partitions(
        &mut self,
        case: &String,
        timeline: &coldcase_timeline::Timeline,
    ) -> Result<(), LakeError> {
        let Some(table) = table("timeline") else {
            return Ok(());
        };
        let mut writers: BTreeMap<Option<String>, TableWriter> = Default::default();
        for part in timeline.frames() {
            let rows = part?;
            for host in frames::hosts(&rows) {
                let failed = LakeError::columns(case.as_ref());
                let of_host = frames::rows_where(&rows, "host", |one| one == host.as_deref());
                let of_host = of_host.and_then(|rows| frames::with_case(rows, case));
                let folder = layout::partition(table.name, case, Some(host.as_deref()));
                let writer = writers
                    .entry(host)
                    .or_insert_with(|| TableWriter::new(table, folder));
                writer.push(&mut self.adder, [case], of_host.map_err(failed)?)?;
            }
        }
        for writer in writers.into_values() {
            self.staged.extend(writer.finish(&mut self.adder)?);
        }
        Ok(())
    }

    /// A small timeline, in one piece and in order, to others.
    fn small(
        &mut self,
        case: &String,
        timeline: &coldcase_timeline::Timeline,
    ) -> Result<(), LakeError> {
        let Some(table) = table("timeline") else {
            return Ok(());
        };
        let failed = LakeError::columns(case.as_ref());
        let mut whole: Option<DataFrame> = None;
        for part in timeline.frames() {
            let rows = part?;
            match &mut whole {
                None => whole = Some(rows),
                Some(whole) => {
                    whole.vstack_mut_owned(rows).map_err(&failed)?;
                }
            }
        }
        let whole = whole.unwrap_or_default();
        if whole.height() == 0 {
            return Ok(());
        }
        let whole = frames::by_host_and_time(&whole).map_err(&failed)?;
        self.push(table, case, whole)
    }

    fn push(
        &mut self,
        table: &'static Table,
        case: &String,
        frame: DataFrame,
    ) -> Result<(), LakeError> {
        let folder = if self.is_alone {
            layout::partition(table.name, case, None)
        } else {
            layout::packed(table.name)
        };
        let frame = frames::with_case(frame, case).map_err(LakeError::columns(case.as_ref()))?;
        let known = self.packed.iter().position(|writer| writer.is_of(table));
        let index = known.unwrap_or_else(|| {
            self.packed.push(TableWriter::new(table, folder));
            self.packed.len() - 1
        });
        match self.packed.get_mut(index) {
            Some(writer) => writer.push(&mut self.adder, [case], frame),
            None => Ok(()),
        }
    }

    /// Brings the group in. Gives the cases that have to be looked at again, since others came before with them.
    fn close<E: From<LakeError>>(
        mut self,
        lake: &Lake,
        replace: bool,
        added: &mut Added<E>,
    ) -> Result<Vec<(String, PathBuf)>, E> {
        for writer in std::mem::take(&mut self.packed) {
            self.staged.extend(writer.finish(&mut self.adder)?);
        }
        let files = place(&mut self.adder, std::mem::take(&mut self.staged))?;
        for _ in 0..ATTEMPTS {
            let state = lake.state()?;
            let taken: Vec<&CaseEntry> = self
                .cases
                .iter()
                .filter(|case| state.cases.contains_key(&case.name))
                .collect();
            let same = |case: &&CaseEntry| {
                state
                    .cases
                    .get(&case.name)
                    .is_some_and(|known| known.digest == case.digest)
            };
            if (!replace && !taken.is_empty()) || taken.iter().any(same) {
                return Ok(self.from);
            }
            let taken: Vec<String> = taken.into_iter().map(|case| case.name.clone()).collect();
            let mut entry = remove::without(lake, &mut self.adder, &state, &taken)?;
            let rewritten = entry.added_paths();
            entry.added_cases.clone_from(&self.cases);
            entry.added_files.extend(files.iter().cloned());
            if finish(lake, &mut self.adder, &state, entry, &rewritten)? {
                let outcome = |name: &String| {
                    if taken.contains(name) {
                        Outcome::Replaced
                    } else {
                        Outcome::Added
                    }
                };
                let told = self
                    .cases
                    .iter()
                    .map(|case| (case.name.clone(), Ok(outcome(&case.name))));
                added.cases.extend(told);
                return Ok(Vec::new());
            }
        }
        Err(LakeError::Busy.into())
    }
}

/// Puts files that are whole in their places.
pub(crate) fn place(adder: &mut Adder, staged: Vec<Staged>) -> Result<Vec<FileEntry>, LakeError> {
    let mut files = Vec::with_capacity(staged.len());
    for file in staged {
        adder.place(&file.path, &file.entry.path)?;
        files.push(file.entry);
    }
    Ok(files)
}

/// Writes the entry and takes away what it takes out; `false` where another one was quicker.
pub(crate) fn finish(
    lake: &Lake,
    adder: &mut Adder,
    state: &State,
    mut entry: Entry,
    rewritten: &[String],
) -> Result<bool, LakeError> {
    let beside = adder.folder().to_owned();
    match commit(&lake.root, &beside, state, &mut entry)? {
        Committed::Yes => {
            adder.keep();
            let gone: Vec<PathBuf> = entry
                .removed_files
                .iter()
                .map(|path| lake.root.join(path))
                .collect();
            take_away(&lake.root, gone.iter().map(PathBuf::as_path));
            Ok(true)
        }
        Committed::Overtaken => {
            for path in rewritten {
                adder.take_back(path);
            }
            Ok(false)
        }
    }
}
