//! Rows of an answer that are about the same, together.

use std::collections::BTreeMap;

use coldcase_lake::AnswerTable;
use coldcase_model::{EvidenceRecord, Severity, Timestamp};
use serde_json::{Value, json};

/// Evidence of a finding at most.
const MOST_RECORDS: usize = 20;

/// A row of an answer.
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t AnswerTable,
    row: usize,
}

impl<'t> Row<'t> {
    pub(super) fn text(self, column: &str) -> &'t str {
        self.table.text(self.row, column).unwrap_or_default()
    }

    pub(super) fn long(self, column: &str) -> Option<i64> {
        self.table.long(self.row, column)
    }

    pub(super) fn time(self, column: &str) -> Option<Timestamp> {
        self.long(column).map(Timestamp)
    }

    pub(super) fn count(self, column: &str) -> i64 {
        self.long(column).unwrap_or(0)
    }

    /// The record that the row rests on; its text is found later.
    pub(super) fn record(self) -> Option<EvidenceRecord> {
        let file = self.table.text(self.row, "file")?;
        let number = |column: &str| {
            self.long(column)
                .and_then(|number| u64::try_from(number).ok())
        };
        let line = number("line_number");
        Some(EvidenceRecord {
            file: format!("{}/{file}", self.text("case_name")),
            line,
            offset: number("byte_offset").filter(|_| line.is_none()),
            ts: self.time("first_ns"),
            text: String::new(),
        })
    }
}

pub(super) fn rows(table: &AnswerTable) -> impl Iterator<Item = Row<'_>> {
    (0..table.rows.len()).map(move |row| Row { table, row })
}

/// Rows by what they are about.
pub(super) fn by<'t, K: Ord>(
    table: &'t AnswerTable,
    key: impl Fn(Row<'t>) -> K,
) -> BTreeMap<K, Vec<Row<'t>>> {
    let mut groups: BTreeMap<K, Vec<Row<'t>>> = BTreeMap::new();
    for row in rows(table) {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}

pub(super) fn records(rows: &[Row<'_>]) -> Vec<EvidenceRecord> {
    let records = rows.iter().filter_map(|row| row.record());
    records.take(MOST_RECORDS).collect()
}

/// The earliest and latest moment of rows.
pub(super) fn span(rows: &[Row<'_>], last: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let first = rows.iter().filter_map(|row| row.time("first_ns")).min();
    let last = rows.iter().filter_map(|row| row.time(last)).max();
    (first, last.or(first))
}

/// Hosts with when and where, as a fact.
pub(super) fn hosts(rows: &[Row<'_>]) -> Value {
    let hosts = rows.iter().map(|row| {
        json!({ "host": row.text("machine"), "case": row.text("case_name"), "first": row.time("first_ns") })
    });
    Value::Array(hosts.collect())
}

/// Names of hosts in words: `a, b and 7 more`.
pub(super) fn names(rows: &[Row<'_>], most: usize) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        let name = row.text("machine");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    let named = names.join(", ");
    if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    }
}

/// The highest severity that findings of single hosts have.
pub(super) fn severity(rows: &[Row<'_>]) -> Severity {
    let all = rows
        .iter()
        .filter_map(|row| Severity::from_name(row.text("severity")));
    all.max().unwrap_or(Severity::Info)
}
