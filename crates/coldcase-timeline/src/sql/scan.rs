//! The timeline as a table of SQL: only the columns that a query names are read, part by part, and a filter is
//! applied to each part before the parts are put together. Without a filter, the first rows are taken part by part.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use polars::frame::DataFrame;
use polars::prelude::{
    AnonymousScan, AnonymousScanArgs, DataType, Expr, Field, IntoColumn as _, IntoLazy as _,
    LazyFrame, NamedFrom as _, Operator, PolarsError, PolarsResult, ScanArgsAnonymous, Schema,
    SchemaRef, Series, TimeUnit, TimeZone,
};

use crate::order::sorted;
use crate::select::read_file;
use crate::{COLUMNS, ColumnType, PartInfo, Timeline, TimelineError};

/// Columns that order rows.
const ORDER: [&str; 5] = ["ts_ns", "file", "line", "offset", "action"];

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
        let wanted = asked.predicate.as_ref().filter(|_| asked.n_rows.is_none());
        for part in self.parts.iter().filter(|part| may_hold(part, wanted)) {
            let mut rows = read_file(&part.path, &read)
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
            whole = sorted(whole)?;
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

/// Whether a filter may let rows of a part through, as far as its actions tell.
fn may_hold(part: &PartInfo, wanted: Option<&Expr>) -> bool {
    let Some(wanted) = wanted else {
        return true;
    };
    let mut open = vec![wanted];
    while let Some(expr) = open.pop() {
        if let Expr::BinaryExpr {
            left,
            op: Operator::And | Operator::LogicalAnd,
            right,
        } = expr
        {
            open.extend([left.as_ref(), right.as_ref()]);
            continue;
        }
        let roots = expr.clone().meta().root_names();
        if roots.is_empty() || roots.iter().any(|name| name.as_str() != "action") {
            continue;
        }
        let actions = Series::new("action".into(), part.actions.as_slice()).into_column();
        let frame = DataFrame::new(part.actions.len(), vec![actions]);
        let rest = frame.and_then(|frame| frame.lazy().filter(expr.clone()).collect());
        if rest.is_ok_and(|rest| rest.height() == 0) {
            return false;
        }
    }
    true
}

/// An error of reading, as the engine carries it.
fn outward(error: TimelineError) -> PolarsError {
    PolarsError::ComputeError(error.to_string().into())
}
