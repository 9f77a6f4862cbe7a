//! SQL over the timeline and small tables beside it, by polars' SQL engine. A query reads; it never writes.
//!
//! Memory: of the timeline only the columns that a query names are read, part by part, and its filter is applied to
//! each part, so that what is held is the rows that pass the filter, in those columns. `GROUP BY`, `ORDER BY` and
//! joins work on these in memory; nothing is spilled to disk.
//!
//! The same query gives the same rows in the same order: a plain `SELECT` gives them in the timeline's total order,
//! where the query leaves the order open otherwise, the columns of the answer decide, left to right.

mod answer;
mod functions;
mod rewrite;
mod scan;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use polars::frame::DataFrame;
use polars::prelude::{
    DataType, Int64Chunked, IntoColumn as _, IntoLazy as _, IntoSeries as _, LazyFrame,
    NamedFrom as _, NewChunkedArray as _, PolarsError, Series, TimeUnit, TimeZone,
};
use polars::sql::SQLContext;
use polars::sql::keywords::all_functions;

pub use answer::{Answer, Cell};
pub use functions::FUNCTIONS;

use crate::{COLUMNS, Timeline};
use statement::{Asked, Statement};

/// Why a query gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It can't be read.
    #[error("{0}")]
    Syntax(String),
    /// It would do something else than read.
    #[error(
        "only SELECT, WITH ... SELECT, SHOW TABLES and SHOW COLUMNS FROM table are run: a case is never written to"
    )]
    NotReading,
    /// A table that isn't there.
    #[error("{name}: no such table; there are {}", tables.join(", "))]
    Table {
        /// As asked.
        name: String,
        /// Those that are.
        tables: Vec<String>,
    },
    /// A column that isn't there.
    #[error("{name}: no such column{}; {columns}", nearest.as_ref().map_or_else(String::new, |near| format!(", did you mean {near}?")))]
    Column {
        /// As asked.
        name: String,
        /// One that is written alike.
        nearest: Option<String>,
        /// Columns of the tables asked.
        columns: String,
    },
    /// The engine can't do it.
    #[error("{0}")]
    Engine(String),
}

/// Cells of a column of a small table.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Text, JSON text among it.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Long(Vec<Option<i64>>),
    /// Numbers with a fraction.
    Number(Vec<Option<f64>>),
    /// Times, in microseconds since 1970.
    Time(Vec<Option<i64>>),
}

/// Tables to ask.
pub struct Database<'a> {
    timeline: &'a Timeline,
    tables: BTreeMap<String, DataFrame>,
}

impl<'a> Database<'a> {
    /// The timeline as table `timeline`.
    pub fn of(timeline: &'a Timeline) -> Self {
        Self {
            timeline,
            tables: BTreeMap::new(),
        }
    }

    /// Adds a small table; all columns have the same number of cells.
    pub fn add(&mut self, name: &str, columns: Vec<(&str, Cells)>) -> Result<(), SqlError> {
        let rows = columns.first().map_or(0, |(_, cells)| cells.len());
        let columns = columns.into_iter().map(|(name, cells)| cells.column(name));
        let frame = DataFrame::new(rows, columns.collect()).map_err(|error| engine(&error))?;
        self.tables.insert(name.to_owned(), frame);
        Ok(())
    }

    /// Names of the tables and of their columns with their types, in order.
    pub fn schema(&self) -> Vec<(String, Vec<(String, &'static str)>)> {
        let timeline = COLUMNS.iter().map(|(name, kind)| {
            let kind = match kind {
                crate::ColumnType::Time => "timestamp",
                crate::ColumnType::Text => "text",
                crate::ColumnType::Long | crate::ColumnType::Int => "integer",
            };
            ((*name).to_owned(), kind)
        });
        let small = self.tables.iter().map(|(name, frame)| {
            let columns = frame.columns().iter().map(|column| {
                let kind = match column.dtype() {
                    DataType::Datetime(..) => "timestamp",
                    DataType::Int64 => "integer",
                    DataType::Float64 => "number",
                    _ => "text",
                };
                (column.name().to_string(), kind)
            });
            (name.clone(), columns.collect())
        });
        std::iter::once(("timeline".to_owned(), timeline.collect()))
            .chain(small)
            .collect()
    }

    /// Runs a query.
    pub fn ask(&self, sql: &str) -> Result<Answer, SqlError> {
        match Statement::parse(sql)? {
            Statement::Tables => self.show(
                self.schema().into_iter().map(|(name, columns)| {
                    let names: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
                    (name, names.join(", "))
                }),
                ["table", "columns"],
            ),
            Statement::Columns(table) => {
                self.check_tables(std::slice::from_ref(&table))?;
                let columns = self.schema().into_iter().find(|(name, _)| *name == table);
                let columns = columns.map(|(_, columns)| columns).unwrap_or_default();
                let rows = columns
                    .into_iter()
                    .map(|(name, kind)| (name, kind.to_owned()));
                self.show(rows, ["column", "type"])
            }
            Statement::Query(asked) => self.query(&asked),
        }
    }

    fn show(
        &self,
        rows: impl Iterator<Item = (String, String)>,
        names: [&str; 2],
    ) -> Result<Answer, SqlError> {
        let (left, right): (Vec<_>, Vec<_>) = rows.map(|(a, b)| (Some(a), Some(b))).unzip();
        let columns = names.into_iter().zip([left, right]);
        let columns = columns.map(|(name, cells)| Cells::Text(cells).column(name));
        let columns: Vec<_> = columns.collect();
        let rows = columns.first().map_or(0, polars::prelude::Column::len);
        let frame = DataFrame::new(rows, columns).map_err(|error| engine(&error))?;
        Ok(Answer { frame })
    }

    fn query(&self, asked: &Asked) -> Result<Answer, SqlError> {
        self.check_tables(&asked.tables)?;
        let failed = |error: PolarsError| self.error(&error, &asked.tables);
        let mut context = self.context(asked.needs_order).map_err(failed)?;
        for (name, step) in &asked.steps {
            let rows = context.execute(step).map_err(failed)?;
            context.register(name, rows);
        }
        let mut plain = context.execute(&asked.text()).map_err(failed)?;
        if asked.is_order_open {
            let schema = plain.collect_schema().map_err(failed)?;
            let columns = schema
                .iter()
                .map(|(name, kind)| (name.as_str(), !kind.is_nested()));
            // An order that the engine can't make of some column is left open.
            let ordered = asked.text_ordered(&columns.collect::<Vec<_>>());
            let ordered = ordered.and_then(|text| context.execute(&text).ok()?.collect().ok());
            if let Some(frame) = ordered {
                return Ok(Answer { frame });
            }
        }
        let frame = plain.collect().map_err(failed)?;
        Ok(Answer { frame })
    }

    fn context(&self, is_ordered: bool) -> Result<SQLContext, PolarsError> {
        let context = SQLContext::new().with_function_registry(functions::registry());
        context.register("timeline", scan::table(self.timeline, is_ordered)?);
        for (name, frame) in &self.tables {
            let rows: LazyFrame = frame.clone().lazy();
            context.register(name, rows);
        }
        Ok(context)
    }

    fn check_tables(&self, asked: &[String]) -> Result<(), SqlError> {
        let known = |name: &String| name == "timeline" || self.tables.contains_key(name);
        match asked.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(SqlError::Table {
                name: name.clone(),
                tables: self.schema().into_iter().map(|(name, _)| name).collect(),
            }),
        }
    }

    /// The engine's error with what helps: which columns there are.
    fn error(&self, error: &PolarsError, tables: &[String]) -> SqlError {
        let text = error.to_string();
        let missing = ["unable to find column ", "no column named ", "not found: "];
        let missing = missing.iter().find_map(|before| text.split_once(before));
        let Some(name) = missing.and_then(|(_, rest)| word(rest)) else {
            return engine(error);
        };
        let schema = self.schema();
        let asked = schema.iter().filter(|(table, _)| tables.contains(table));
        let columns: Vec<String> = asked
            .clone()
            .map(|(table, columns)| {
                let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
                format!("{table} has {}", names.join(", "))
            })
            .collect();
        let all = asked.flat_map(|(_, columns)| columns.iter().map(|(name, _)| name.as_str()));
        let nearest = coldcase_model::nearest(name, all).map(str::to_owned);
        SqlError::Column {
            name: name.to_owned(),
            nearest,
            columns: columns.join("; "),
        }
    }
}

/// The word at the beginning of a text, without its quotes.
fn word(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['"', '\'', '`']);
    let end = text.find(|one: char| !one.is_alphanumeric() && one != '_');
    let word = text.get(..end.unwrap_or(text.len()))?;
    (!word.is_empty()).then_some(word)
}

/// The engine's error without its plan, and with what to do where that is known.
fn engine(error: &PolarsError) -> SqlError {
    let text = error.to_string();
    let text = text
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    let hint = hint(&text);
    SqlError::Engine(format!("{text}{hint}"))
}

/// What to do about an error, with a blank or a semicolon before it.
fn hint(text: &str) -> String {
    if text.contains("cannot compare 'date/datetime/time'") {
        return "; write times like '2023-05-01T08:00:00+08:00' or, in UTC, '2023-05-01 00:00:00'"
            .to_owned();
    }
    let Some((_, rest)) = text.split_once("unsupported function ") else {
        return String::new();
    };
    let name = word(rest).unwrap_or_default();
    let own = FUNCTIONS.iter().map(|(usage, _)| usage.split('(').next());
    let own: Vec<&str> = own.map(Option::unwrap_or_default).collect();
    if own.contains(&name) {
        return " in a subquery of an expression; put that subquery into a WITH".to_owned();
    }
    let known = all_functions();
    let near = coldcase_model::nearest(name, own.into_iter().chain(known));
    near.map_or_else(String::new, |near| format!(", did you mean {near}?"))
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Long(cells) | Self::Time(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
        }
    }

    /// As a column of this name.
    pub fn column(self, name: &str) -> polars::prelude::Column {
        let name = name.into();
        match self {
            Self::Text(cells) => Series::new(name, cells).into_column(),
            Self::Long(cells) => Series::new(name, cells).into_column(),
            Self::Number(cells) => Series::new(name, cells).into_column(),
            Self::Time(cells) => Int64Chunked::from_iter_options(name, cells.into_iter())
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_series()
                .into_column(),
        }
    }
}
