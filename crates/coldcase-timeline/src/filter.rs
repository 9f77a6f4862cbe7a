//! Which rows of a timeline are asked for: by time, host, format and words. Applied part by part, before anything is
//! put together.

use std::collections::BTreeSet;

use coldcase_model::Timestamp;
use polars::prelude::{Expr, IntoLazy as _, LazyFrame, NULL, col, lit, when};

use crate::select::read_file;
use crate::{COLUMNS, Selection, Timeline, TimelineError};

/// Which rows are asked for; what is empty asks for all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not what had ended before this.
    pub from: Option<Timestamp>,
    /// Not what began after this.
    pub to: Option<Timestamp>,
    /// Of any of these hosts.
    pub hosts: Vec<String>,
    /// Of any of these formats.
    pub formats: Vec<String>,
    /// Messages that any of these regular expressions matches.
    pub grep: Vec<String>,
}

impl Filter {
    /// Whether it asks for all.
    pub fn is_empty(&self) -> bool {
        self.from.is_none()
            && self.to.is_none()
            && self.hosts.is_empty()
            && self.formats.is_empty()
            && self.grep.is_empty()
    }

    fn apply(&self, rows: LazyFrame) -> LazyFrame {
        let one_of = |name: &str, words: &[String]| {
            let words = words.iter().map(|word| col(name).eq(lit(word.as_str())));
            words.reduce(Expr::or)
        };
        let matched = self.grep.iter().map(|pattern| {
            let message = col("message").str();
            message.contains(lit(pattern.as_str()), true)
        });
        let wanted = [
            self.from.map(|from| ends().gt_eq(lit(from.nanos()))),
            self.to.map(|to| col("ts_ns").lt_eq(lit(to.nanos()))),
            one_of("host", &self.hosts),
            one_of("format", &self.formats),
            matched.reduce(Expr::or),
        ];
        let wanted = wanted.into_iter().flatten();
        wanted.fold(rows, LazyFrame::filter)
    }
}

/// The last moment of an event: a time of a day or a minute stands for all of it.
fn ends() -> Expr {
    const MINUTE_NS: i64 = 60_000_000_000;
    const DAY_NS: i64 = 1_440 * MINUTE_NS;
    let precision = |word: &'static str| col("ts_precision").eq(lit(word));
    let last = when(precision("day"))
        .then(col("ts_ns") + lit(DAY_NS - 1))
        .when(precision("min"))
        .then(col("ts_ns") + lit(MINUTE_NS - 1))
        .otherwise(col("ts_ns"));
    let end = col("ts_end").to_physical() * lit(1_000_i64);
    when(
        col("ts_end")
            .neq_missing(lit(NULL))
            .and(end.clone().gt(last.clone())),
    )
    .then(end)
    .otherwise(last)
}

impl Timeline {
    /// The rows asked for, all columns, in the total order.
    pub fn filtered(&self, filter: &Filter) -> Result<Selection, TimelineError> {
        if filter.is_empty() {
            return self.all();
        }
        let actions: BTreeSet<&str> = self
            .parts
            .iter()
            .flat_map(|part| &part.actions)
            .map(String::as_str)
            .collect();
        let actions: Vec<&str> = actions.into_iter().collect();
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        self.select_where(&actions, &names, |rows| filter.apply(rows))
    }

    /// Hosts that the timeline has, sorted.
    pub fn hosts(&self) -> Result<BTreeSet<String>, TimelineError> {
        self.words("host")
    }

    /// How many rows have no time: what `from` and `to` leave out.
    pub fn undated(&self) -> Result<usize, TimelineError> {
        let mut count = 0;
        for part in &self.parts {
            let rows = read_file(&part.path, &["ts_ns"])?;
            count += rows.column("ts_ns").map_or(0, |column| column.null_count());
        }
        Ok(count)
    }

    fn words(&self, name: &str) -> Result<BTreeSet<String>, TimelineError> {
        let mut words = BTreeSet::new();
        for part in &self.parts {
            let rows = read_file(&part.path, &[name])?.lazy();
            let rows = rows.unique(None, polars::frame::UniqueKeepStrategy::Any);
            let rows = rows.collect().map_err(|source| TimelineError::Columns {
                path: part.path.clone(),
                source,
            })?;
            let all = crate::selection::texts(&rows, name);
            words.extend(all.into_iter().flatten().map(str::to_owned));
        }
        Ok(words)
    }
}
