//! JSON objects as rows of a lake's table: each column takes the member of its name.

use coldcase_lake::{CaseRows, Kind, table};
use coldcase_model::Timestamp;
use coldcase_timeline::sql::Cells;
use serde_json::Value;

/// Rows of a table of this name.
pub(super) fn rows(name: &'static str, rows: &[Value]) -> CaseRows {
    let columns = table(name).map_or(&[][..], |table| table.columns);
    let columns = columns.iter().map(|(column, kind)| {
        let values = rows
            .iter()
            .map(|row| row.get(*column).filter(|value| !value.is_null()));
        cells(values, *kind)
    });
    CaseRows {
        table: name,
        columns: columns.collect(),
    }
}

fn cells<'v>(values: impl Iterator<Item = Option<&'v Value>>, kind: Kind) -> Cells {
    match kind {
        Kind::Text => Cells::Text(values.map(|value| Some(text(value?))).collect()),
        Kind::Long => Cells::Long(values.map(|value| long(value?)).collect()),
        Kind::Number => Cells::Number(values.map(|value| value?.as_f64()).collect()),
        Kind::Time => Cells::Time(
            values
                .map(|value| Some(Timestamp::parse_rfc3339(value?.as_str()?)?.micros()))
                .collect(),
        ),
    }
}

/// A text as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn long(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_bool().map(i64::from))
}
