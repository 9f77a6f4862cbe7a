//! The timeline as a table of SQL: only the columns that a query names are read, part by part, and a filter is
//! applied to each part before the parts are put together. Without a filter, the first rows are taken part by part.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use polars::frame::DataFrame;
use polars::prelude::{
    AnonymousScan, AnonymousScanArgs, DataType, Field, IdxCa, IntoLazy as _, LazyFrame,
    PolarsError, PolarsResult, ScanArgsAnonymous, Schema, SchemaRef, TimeUnit, TimeZone,
};

use crate::select::read_columns;
use crate::{COLUMNS, ColumnType, PartInfo, Selection, Timeline, TimelineError};

/// Columns that order rows.
const ORDER: [&str; 4] = ["ts_ns", "file", "line", "offset"];

/// The timeline as a lazy table; `is_ordered`: its rows come in the total order.
pub(super) fn table(timeline: &Timeline, is_ordered: bool) -> PolarsResult<LazyFrame> {
    let scan = Scan {
        parts: timeline.parts.clone(),
        is_ordered,
    };
    let args = ScanArgsAnonymous {
        schema: Some(schema()),
        name: "timeline",
        ..ScanArgsAnonymous::default()
    };
    LazyFrame::anonymous_scan(Arc::new(scan), args)
}

fn schema() -> SchemaRef {
    let fields = COLUMNS.iter().map(|(name, kind)| {
        let kind = match kind {
            ColumnType::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
            ColumnType::Text => DataType::String,
            ColumnType::Long => DataType::Int64,
            ColumnType::Int => DataType::Int32,
        };
        Field::new((*name).into(), kind)
    });
    Arc::new(fields.collect::<Schema>())
}

struct Scan {
    parts: Vec<PartInfo>,
    is_ordered: bool,
}

impl AnonymousScan for Scan {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn allows_predicate_pushdown(&self) -> bool {
        true
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }

    fn scan(&self, asked: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let names: Vec<&str> = match &asked.with_columns {
            Some(names) => names.iter().map(|name| name.as_str()).collect(),
            None => COLUMNS.iter().map(|(name, _)| *name).collect(),
        };
        // A limit is taken before a filter, and is of the first rows in the total order.
        let is_ordered = self.is_ordered || asked.n_rows.is_some();
        let mut read: BTreeSet<&str> = names.iter().copied().collect();
        if is_ordered || read.is_empty() {
            read.extend(ORDER);
        }
        let read: Vec<&str> = read.into_iter().collect();
        let mut whole = DataFrame::empty_with_schema(&schema()).select(read.iter().copied())?;
        for part in &self.parts {
            let mut rows = read_columns(&part.path, &read)
                .map_err(outward)?
                .select(read.iter().copied())?;
            match (&asked.predicate, asked.n_rows) {
                (_, Some(most)) => rows = rows.head(Some(most)),
                (Some(wanted), None) => rows = rows.lazy().filter(wanted.clone()).collect()?,
                (None, None) => {}
            }
            whole.vstack_mut(&rows)?;
        }
        if is_ordered {
            let rows = Selection { frame: whole };
            whole = rows
                .frame
                .take(&IdxCa::from_vec("row".into(), rows.order()))?;
        }
        if let Some(most) = asked.n_rows {
            whole = whole.head(Some(most));
            if let Some(wanted) = asked.predicate {
                whole = whole.lazy().filter(wanted).collect()?;
            }
        }
        whole.rechunk_mut();
        whole.select(names)
    }
}

/// An error of reading, as the engine carries it.
fn outward(error: TimelineError) -> PolarsError {
    PolarsError::ComputeError(error.to_string().into())
}
