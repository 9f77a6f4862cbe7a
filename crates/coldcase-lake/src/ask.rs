//! Runs a question here, on polars: slices of large tables one after the other, shares of them where a step allows it,
//! so that memory is bounded by what a share holds.

use std::collections::BTreeMap;

use coldcase_timeline::polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, IntoLazy as _, NewChunkedArray as _, SchemaRef,
    SortMultipleOptions,
};
use coldcase_timeline::polars::sql::SQLContext;
use coldcase_timeline::sql::Cells;

use crate::question::{Question, Step};
use crate::{Lake, LakeError, State, frames, parquet, table};

/// Bounds of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of a table that can be split that are worked on together.
    pub rows_a_share: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_a_share: 1_000_000,
        }
    }
}

/// An answer: rows in order of its columns, left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerTable {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows; numbers are whole.
    pub rows: Vec<Vec<Value>>,
}

/// A cell of an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Null.
    Null,
    /// A whole number.
    Long(i64),
    /// A text.
    Text(String),
}

impl AnswerTable {
    /// A text cell.
    pub fn text(&self, row: usize, column: &str) -> Option<&str> {
        match self.cell(row, column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number cell.
    pub fn long(&self, row: usize, column: &str) -> Option<i64> {
        match self.cell(row, column)? {
            Value::Long(number) => Some(*number),
            _ => None,
        }
    }

    fn cell(&self, row: usize, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|name| name == column)?;
        self.rows.get(row)?.get(index)
    }
}

/// Tables of a run by name: small ones of the lake, those given, and what steps gave.
type Tables = BTreeMap<String, DataFrame>;

/// Asks a question whose parameters are filled in. `given`: tables beside the lake's, as indicators are.
pub fn ask(
    lake: &Lake,
    state: &State,
    question: &Question,
    given: Vec<(&str, Vec<(&str, Cells)>)>,
    limits: Limits,
) -> Result<AnswerTable, LakeError> {
    let mut tables = Tables::new();
    for (name, columns) in given {
        let columns: Vec<Column> = columns
            .into_iter()
            .map(|(name, cells)| cells.column(name))
            .collect();
        let rows = columns.first().map_or(0, Column::len);
        let frame = DataFrame::new(rows, columns).map_err(LakeError::columns(name.as_ref()))?;
        tables.insert(name.to_owned(), frame);
    }
    for (name, columns) in &question.reads {
        let mut whole = empty(name, columns)?;
        slices(lake, state, name, columns, None, |rows| {
            let failed = LakeError::columns(name.as_ref());
            whole.vstack_mut(&rows).map(drop).map_err(failed)
        })?;
        whole.rechunk_mut();
        tables.insert((*name).to_owned(), whole);
    }
    let run = Run {
        lake,
        state,
        question,
    };
    let is_split = |step: &Step| step.split_by.is_some();
    let first_split = question.steps.iter().position(is_split);
    let (before, after) = question
        .steps
        .split_at(first_split.unwrap_or(question.steps.len()));
    run.steps(before, &mut tables, None)?;
    if after.is_empty() {
        return answer(before.last().and_then(|step| tables.remove(step.name)));
    }
    let shares = run.shares(after, limits);
    let mut whole: Option<DataFrame> = None;
    for share in 0..shares {
        let mut tables = tables.clone();
        run.steps(after, &mut tables, Some((share, shares)))?;
        let rows = after.last().and_then(|step| tables.remove(step.name));
        match (&mut whole, rows) {
            (Some(whole), Some(rows)) => {
                whole
                    .vstack_mut(&rows)
                    .map_err(LakeError::columns(question.id.as_ref()))?;
            }
            (None, rows) => whole = rows,
            (Some(_), None) => {}
        }
    }
    answer(whole)
}

struct Run<'r> {
    lake: &'r Lake,
    state: &'r State,
    question: &'r Question,
}

impl Run<'_> {
    /// How many shares the largest table that is split is taken in.
    fn shares(&self, steps: &[Step], limits: Limits) -> u64 {
        let split = steps.iter().filter(|step| step.split_by.is_some());
        let rows = split.filter_map(|step| {
            let (table, _) = step.each.as_ref()?;
            Some(
                self.state
                    .of_table(table)
                    .map(|file| file.rows)
                    .sum::<u64>(),
            )
        });
        let rows = rows.max().unwrap_or(0);
        rows.div_ceil(limits.rows_a_share.max(1)).max(1)
    }

    fn steps(
        &self,
        steps: &[Step],
        tables: &mut Tables,
        share: Option<(u64, u64)>,
    ) -> Result<(), LakeError> {
        for step in steps {
            let rows = match &step.each {
                None => self.sql(step, tables, None)?,
                Some((table, columns)) => {
                    let share = step.split_by.zip(share);
                    let first = self.sql(step, tables, Some((table, empty(table, columns)?)))?;
                    let mut whole = first;
                    slices(self.lake, self.state, table, columns, share, |slice| {
                        let rows = self.sql(step, tables, Some((table, slice)))?;
                        let failed = LakeError::columns(step.name.as_ref());
                        whole.vstack_mut(&rows).map(drop).map_err(failed)
                    })?;
                    whole.rechunk_mut();
                    whole
                }
            };
            tables.insert(step.name.to_owned(), rows);
        }
        Ok(())
    }

    fn sql(
        &self,
        step: &Step,
        tables: &Tables,
        slice: Option<(&str, DataFrame)>,
    ) -> Result<DataFrame, LakeError> {
        let mut context = SQLContext::new();
        for (name, frame) in tables {
            context.register(name, frame.clone().lazy());
        }
        if let Some((name, frame)) = slice {
            context.register(name, frame.lazy());
        }
        let rows = context.execute(&step.sql).and_then(|rows| rows.collect());
        rows.map_err(|error| LakeError::Sql {
            question: self.question.id.to_owned(),
            step: step.name.to_owned(),
            reason: error.to_string(),
        })
    }
}

/// Rows of a table, some at a time; of a share those whose cell falls into it.
fn slices(
    lake: &Lake,
    state: &State,
    name: &str,
    columns: &[&str],
    share: Option<(&str, (u64, u64))>,
    mut take: impl FnMut(DataFrame) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    for file in state.of_table(name) {
        parquet::read(&lake.root, file, Some(&names), |rows| {
            let failed = LakeError::columns(file.path.as_ref());
            let mut rows = rows.select(columns.iter().copied()).map_err(&failed)?;
            if let Some((column, (share, shares))) = share.filter(|(_, (_, shares))| *shares > 1) {
                let cells = frames::texts(&rows, column);
                let kept: Vec<bool> = cells
                    .into_iter()
                    .map(|cell| share_of(cell, shares) == share)
                    .collect();
                let kept = BooleanChunked::from_slice("kept".into(), &kept);
                rows = rows.filter(&kept).map_err(&failed)?;
            }
            take(rows)
        })?;
    }
    Ok(())
}

/// Which share a text falls into: FNV-1a, alike in every run.
fn share_of(cell: Option<&str>, shares: u64) -> u64 {
    let bytes = cell.unwrap_or_default().bytes();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash >> 16) % shares
}

/// No rows of a table, for its columns.
fn empty(name: &str, columns: &[&str]) -> Result<DataFrame, LakeError> {
    let failed = |reason: String| LakeError::Columns {
        path: name.into(),
        reason,
    };
    let schema: SchemaRef = table(name)
        .ok_or_else(|| failed("no such table in a lake".to_owned()))?
        .schema();
    DataFrame::empty_with_schema(&schema)
        .select(columns.iter().copied())
        .map_err(|error| failed(error.to_string()))
}

fn answer(frame: Option<DataFrame>) -> Result<AnswerTable, LakeError> {
    let frame = frame.unwrap_or_default();
    let columns: Vec<String> = frame
        .columns()
        .iter()
        .map(|column| column.name().to_string())
        .collect();
    let failed = LakeError::columns("answer".as_ref());
    let sorted = match columns.is_empty() {
        true => frame,
        false => frame
            .sort(columns.clone(), SortMultipleOptions::default())
            .map_err(&failed)?,
    };
    let mut cells = Vec::with_capacity(columns.len());
    for column in sorted.columns() {
        cells.push(values(column).map_err(&failed)?);
    }
    let mut rows = vec![Vec::with_capacity(columns.len()); sorted.height()];
    for column in cells {
        for (row, cell) in rows.iter_mut().zip(column) {
            row.push(cell);
        }
    }
    Ok(AnswerTable { columns, rows })
}

fn values(column: &Column) -> Result<Vec<Value>, coldcase_timeline::polars::prelude::PolarsError> {
    if column.dtype() == &DataType::String {
        let cells = column.str()?.iter();
        return Ok(cells
            .map(|cell| cell.map_or(Value::Null, |text| Value::Text(text.to_owned())))
            .collect());
    }
    let column = match column.dtype() {
        DataType::Null => return Ok(vec![Value::Null; column.len()]),
        _ => column.cast(&DataType::Int64)?,
    };
    let cells = column.i64()?.iter();
    Ok(cells
        .map(|cell| cell.map_or(Value::Null, Value::Long))
        .collect())
}
