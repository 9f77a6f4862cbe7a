//! Selections of the timeline: some actions, some columns, in the total order (time, file, line, offset).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use polars::frame::DataFrame;
use polars::prelude::{
    Column, IdxCa, IdxSize, IntoLazy as _, LazyFrame, PolarsError, PolarsResult,
};
use polars_io::SerReader as _;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use rayon::prelude::*;

use crate::kept_columns::KeptColumns;
use crate::order::sorted;
use crate::part_column::PartColumn;
use crate::schema::ColumnType;
use crate::selection::{Selection, longs, texts};
use crate::text_sign::{TextSign, rows_with};
use crate::{COLUMNS, PartInfo, TimelineError};

/// Columns that order rows and say where they are from: part of every selection.
const ALWAYS: [&str; 5] = ["ts_ns", "file", "line", "offset", "action"];

/// A dataset to select from.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub(crate) parts: Vec<PartInfo>,
}

impl Timeline {
    /// The dataset that a writer just finished.
    pub fn of_parts(parts: Vec<PartInfo>) -> Self {
        Self { parts }
    }

    /// The dataset in this folder. What actions a part holds is read from it.
    pub fn open(folder: &Path) -> Result<Self, TimelineError> {
        let failed = |source| TimelineError::Io {
            path: folder.to_owned(),
            source,
        };
        let mut parts = Vec::new();
        let kept: Arc<KeptColumns> = Arc::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "parquet") {
                let frame = read_file(&path, &["action"])?;
                let mut actions: Vec<String> = texts(&frame, "action")
                    .into_iter()
                    .flatten()
                    .map(str::to_owned)
                    .collect();
                let rows = actions.len();
                actions.sort();
                actions.dedup();
                parts.push(PartInfo {
                    path,
                    rows,
                    actions,
                    kept: kept.clone(),
                });
            }
        }
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { parts })
    }

    /// The same dataset, after its files moved to this folder.
    pub fn moved_to(mut self, folder: &Path) -> Self {
        let kept: Arc<KeptColumns> = Arc::default();
        for part in &mut self.parts {
            part.path = folder.join(part.path.file_name().unwrap_or_default());
            part.kept = kept.clone();
        }
        self
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// The dataset's files.
    pub fn parts(&self) -> &[PartInfo] {
        &self.parts
    }

    /// Rows of these actions, these columns of them, in the total order.
    pub fn select(&self, actions: &[&str], columns: &[&str]) -> Result<Selection, TimelineError> {
        self.selected(actions, columns, &[], None)
    }

    /// Likewise those in which of each of these lists one sign at least is seen.
    pub fn select_texts(
        &self,
        actions: &[&str],
        columns: &[&str],
        signs: &[&[TextSign<'_>]],
    ) -> Result<Selection, TimelineError> {
        self.selected(actions, columns, signs, None)
    }

    /// Likewise, with more done to each part's rows before they are put together: filters, above all.
    /// It may use the columns asked for, and gives the same ones of every part, those among them that order rows.
    pub fn select_where(
        &self,
        actions: &[&str],
        columns: &[&str],
        more: impl Fn(LazyFrame) -> LazyFrame,
    ) -> Result<Selection, TimelineError> {
        self.selected(actions, columns, &[], Some(&more))
    }

    fn selected(
        &self,
        actions: &[&str],
        columns: &[&str],
        signs: &[&[TextSign<'_>]],
        more: Option<More<'_>>,
    ) -> Result<Selection, TimelineError> {
        let names = with_always(columns);
        let mut whole: Option<DataFrame> = None;
        for part in self.parts.iter().filter(|part| {
            part.actions
                .iter()
                .any(|action| actions.contains(&action.as_str()))
        }) {
            let failed = |source| TimelineError::Columns {
                path: part.path.clone(),
                source,
            };
            let rows = part_rows(part, actions, &names, signs, more)?;
            match (rows, &mut whole) {
                (None, _) => {}
                (rows, None) => whole = rows,
                (Some(rows), Some(whole)) => {
                    whole.vstack_mut(&rows).map_err(failed)?;
                }
            }
        }
        let Some(whole) = whole else {
            return Ok(Selection {
                frame: DataFrame::default(),
            });
        };
        let mut frame = sorted(whole).map_err(no_file)?;
        frame.rechunk_mut();
        Ok(Selection { frame })
    }

    /// The rows of one part after the other, each with more done to it: sums over many rows, which are
    /// not put together. `more` may change the columns; rows are in no order.
    pub fn for_each_part(
        &self,
        actions: &[&str],
        columns: &[&str],
        more: impl Fn(LazyFrame) -> LazyFrame,
        mut take: impl FnMut(&Selection),
    ) -> Result<(), TimelineError> {
        let mut names: Vec<&str> = vec!["action"];
        names.extend(columns.iter().filter(|name| **name != "action"));
        self.each_part(actions, &names, &[], Some(&more), &mut take)
    }

    /// Likewise of the rows in which of each of these lists one sign at least is seen.
    pub fn for_each_part_texts(
        &self,
        actions: &[&str],
        columns: &[&str],
        signs: &[&[TextSign<'_>]],
        mut take: impl FnMut(&Selection),
    ) -> Result<(), TimelineError> {
        self.each_part(actions, &with_always(columns), signs, None, &mut take)
    }

    fn each_part(
        &self,
        actions: &[&str],
        names: &[&str],
        signs: &[&[TextSign<'_>]],
        more: Option<More<'_>>,
        take: &mut dyn FnMut(&Selection),
    ) -> Result<(), TimelineError> {
        let holds = |part: &&PartInfo| part.actions.iter().any(|one| actions.contains(&&**one));
        for part in self.parts.iter().filter(holds) {
            if let Some(frame) = part_rows(part, actions, names, signs, more)? {
                take(&Selection { frame });
            }
        }
        Ok(())
    }

    /// These columns of all rows of one part, in no order: for one pass over everything. `None` beyond the last part.
    pub fn part(&self, index: usize, columns: &[&str]) -> Result<Option<Selection>, TimelineError> {
        let read = |part: &PartInfo| read_columns(part, columns);
        let frame = self.parts.get(index).map(read).transpose()?;
        Ok(frame.map(|frame| Selection { frame }))
    }

    /// All rows and columns, in the total order.
    pub fn all(&self) -> Result<Selection, TimelineError> {
        let actions: BTreeSet<&str> = self
            .parts
            .iter()
            .flat_map(|part| &part.actions)
            .map(String::as_str)
            .collect();
        let actions: Vec<&str> = actions.into_iter().collect();
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        self.select(&actions, &names)
    }

    /// The messages of rows at these places, part by part, so that selections need not hold them all.
    /// Of several rows at one place and time the first in the total order speaks.
    pub fn messages(
        &self,
        places: &BTreeSet<RowPlace>,
    ) -> Result<BTreeMap<RowPlace, String>, TimelineError> {
        let mut found: BTreeMap<RowPlace, String> = BTreeMap::new();
        if places.is_empty() {
            return Ok(found);
        }
        let times: HashSet<Option<i64>> = places.iter().map(|place| place.ts_ns).collect();
        let of_parts: Result<Vec<BTreeMap<RowPlace, String>>, TimelineError> = self
            .parts
            .par_iter()
            .map(|part| messages_of(part, places, &times))
            .collect();
        for of_part in of_parts? {
            for (place, message) in of_part {
                found.entry(place).or_insert(message);
            }
        }
        Ok(found)
    }

    /// Whole parts, one after the other, all columns in the contract's order.
    pub fn frames(&self) -> impl Iterator<Item = Result<DataFrame, TimelineError>> + '_ {
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        self.parts
            .iter()
            .map(move |part| read_columns(part, &names))
    }
}

/// Where a row is from, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    /// The input's path in the bundle.
    pub file: String,
    /// Line of a text artifact.
    pub line: Option<i64>,
    /// Byte offset in a binary artifact.
    pub offset: Option<i64>,
    /// Nanoseconds since 1970.
    pub ts_ns: Option<i64>,
}

/// The messages of a part's rows at these places, which have these times.
fn messages_of(
    part: &PartInfo,
    places: &BTreeSet<RowPlace>,
    times: &HashSet<Option<i64>>,
) -> Result<BTreeMap<RowPlace, String>, TimelineError> {
    let mut found = BTreeMap::new();
    // Few parts hold any of the moments: only these are read further.
    let near_rows = |column: &DataFrame| -> Vec<usize> {
        let column = longs(column, "ts_ns").into_iter().enumerate();
        let near = column.filter(|(_, ts)| times.contains(ts));
        near.map(|(row, _)| row).collect()
    };
    let near = near_rows(&read_columns(part, &["ts_ns"])?);
    if near.is_empty() {
        return Ok(found);
    }
    let rows = read_columns(part, &["ts_ns", "file", "line", "offset"])?;
    let rows = Selection { frame: rows };
    let place = |row: &usize| RowPlace {
        file: rows.text("file", *row).unwrap_or_default().to_owned(),
        line: rows.long("line", *row),
        offset: rows.long("offset", *row),
        ts_ns: rows.long("ts_ns", *row),
    };
    let told = near.iter().map(|row| (*row, place(row)));
    let told: Vec<(usize, RowPlace)> = told.filter(|(_, place)| places.contains(place)).collect();
    if told.is_empty() {
        return Ok(found);
    }
    let frame = read_columns(part, &["message"])?;
    let messages = Selection { frame };
    for (row, place) in told {
        let message = messages.text("message", row).unwrap_or_default();
        found.entry(place).or_insert_with(|| message.to_owned());
    }
    Ok(found)
}

/// What else is done to a part's rows.
type More<'m> = &'m dyn Fn(LazyFrame) -> LazyFrame;

/// These columns and those of every selection.
fn with_always<'a>(columns: &[&'a str]) -> Vec<&'a str> {
    let mut names: Vec<&str> = ALWAYS.to_vec();
    names.extend(columns.iter().filter(|name| !ALWAYS.contains(name)));
    names
}

/// A part's rows of these actions with these signs, with more done to them; `None` where it has none.
fn part_rows(
    part: &PartInfo,
    actions: &[&str],
    names: &[&str],
    signs: &[&[TextSign<'_>]],
    more: Option<More<'_>>,
) -> Result<Option<DataFrame>, TimelineError> {
    let failed = |source| TimelineError::Columns {
        path: part.path.clone(),
        source,
    };
    let is_wanted = |action: &String| actions.contains(&action.as_str());
    let mut places = if part.actions.iter().all(is_wanted) {
        None
    } else {
        let action = part_columns(part, &["action"])?;
        let places = action.iter().flat_map(|column| column.rows_of(actions));
        Some(places.collect::<Vec<IdxSize>>())
    };
    for signs in signs {
        if places.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
        places = Some(rows_with(part, places, signs)?);
    }
    let rows = match places {
        Some(places) if places.is_empty() => return Ok(None),
        Some(places) if places.len() < part.rows => {
            let columns = part_columns(part, names)?;
            let places = IdxCa::from_vec("row".into(), places);
            let at =
                |(name, column): (&&str, &PartColumn)| column.column_at(name, kind(name), &places);
            let columns: PolarsResult<Vec<Column>> = names.iter().zip(&columns).map(at).collect();
            DataFrame::new(places.len(), columns.map_err(failed)?).map_err(failed)?
        }
        _ => read_columns(part, names)?,
    };
    match more {
        None => Ok(Some(rows)),
        Some(more) => more(rows.lazy()).collect().map(Some).map_err(failed),
    }
}

/// What a column holds.
fn kind(name: &str) -> ColumnType {
    let known = COLUMNS.iter().find(|(known, _)| *known == name);
    known.map_or(ColumnType::Text, |(_, kind)| *kind)
}

fn no_file(source: PolarsError) -> TimelineError {
    TimelineError::Columns {
        path: "timeline".into(),
        source,
    }
}

/// These columns of a part, in their order here.
pub(crate) fn read_columns(part: &PartInfo, names: &[&str]) -> Result<DataFrame, TimelineError> {
    let failed = |source| TimelineError::Columns {
        path: part.path.clone(),
        source,
    };
    let columns = part_columns(part, names)?;
    let whole = |(name, column): (&&str, PartColumn)| column.column(name, kind(name), part.rows);
    let columns: PolarsResult<Vec<Column>> = names.iter().zip(columns).map(whole).collect();
    DataFrame::new(part.rows, columns.map_err(failed)?).map_err(failed)
}

/// Those kept from before, the others from the part's file.
pub(crate) fn part_columns(
    part: &PartInfo,
    names: &[&str],
) -> Result<Vec<PartColumn>, TimelineError> {
    let kept = |name: &&str| part.kept.get(&part.path, name);
    let mut columns: Vec<Option<PartColumn>> = names.iter().map(kept).collect();
    let missing = names.iter().zip(&columns);
    let missing: Vec<&str> = missing
        .filter(|(_, column)| column.is_none())
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let frame = read_file(&part.path, &missing)?;
        for (name, column) in names.iter().zip(&mut columns) {
            if column.is_none() {
                let read = frame
                    .column(name)
                    .map_err(|source| TimelineError::Columns {
                        path: part.path.clone(),
                        source,
                    })?;
                *column = Some(part.kept.keep(&part.path, read));
            }
        }
    }
    Ok(columns.into_iter().flatten().collect())
}

/// These columns of a file.
pub(crate) fn read_file(path: &Path, names: &[&str]) -> Result<DataFrame, TimelineError> {
    let file = File::open(path).map_err(|source| TimelineError::Io {
        path: path.to_owned(),
        source,
    })?;
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    // Parts are read side by side: who waited for polars' own threads would begin with others meanwhile, and hold them all.
    let reader = ParquetReader::new(file).with_columns(Some(names));
    let reader = reader.read_parallel(ParallelStrategy::None);
    reader.finish().map_err(|source| TimelineError::Columns {
        path: path.to_owned(),
        source,
    })
}
