//! SQL over a case folder: its timeline, and what `findings.json` and `case.json` say, as tables.

use std::path::Path;

use coldcase_model::{Severity, Timestamp};
use coldcase_timeline::sql::{Answer, Cells, Database, SqlError};
use serde_json::{Value, json};

use crate::saved_case::{SavedCase, SavedCaseError, read_findings};

/// Why a case gives no answer to a query.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The case can't be opened.
    #[error(transparent)]
    Case(#[from] SavedCaseError),
    /// The query can't be answered.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// What stands in a column of a table that comes from JSON.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Lists and objects, as JSON text.
    Json,
    Long,
    Number,
    Time,
}

/// A column: its name, the JSON pointer of its value in a row's object, and its kind.
type Column = (&'static str, &'static str, Kind);

const FINDINGS: [Column; 13] = [
    ("id", "/id", Kind::Text),
    ("correlator", "/correlator", Kind::Text),
    ("severity", "/severity", Kind::Text),
    ("severity_rank", "/severity_rank", Kind::Long),
    ("confidence", "/confidence", Kind::Number),
    ("title", "/title", Kind::Text),
    ("first", "/first", Kind::Time),
    ("last", "/last", Kind::Time),
    ("subjects", "/subjects", Kind::Json),
    ("attack", "/attack", Kind::Json),
    ("facts", "/facts", Kind::Json),
    ("text", "/text", Kind::Text),
    ("records", "/records", Kind::Long),
];
const CONCLUSIONS: [Column; 10] = [
    ("kind", "/kind", Kind::Text),
    ("question", "/question", Kind::Text),
    ("about_type", "/about/type", Kind::Text),
    ("about", "/about/value", Kind::Text),
    ("answer_type", "/answer/type", Kind::Text),
    ("answer", "/answer/value", Kind::Text),
    ("confidence", "/confidence", Kind::Number),
    ("candidates", "/candidates", Kind::Json),
    ("because", "/because", Kind::Json),
    ("text", "/text", Kind::Text),
];
const EVIDENCE: [Column; 6] = [
    ("finding", "/finding", Kind::Text),
    ("ts", "/ts", Kind::Time),
    ("file", "/file", Kind::Text),
    ("line", "/line", Kind::Long),
    ("offset", "/offset", Kind::Long),
    ("text", "/text", Kind::Text),
];
const INPUTS: [Column; 11] = [
    ("path", "/path", Kind::Text),
    ("host", "/host", Kind::Text),
    ("format", "/format", Kind::Text),
    ("bytes", "/bytes", Kind::Long),
    ("sha256", "/sha256", Kind::Text),
    ("records", "/records", Kind::Long),
    ("skipped", "/skipped", Kind::Long),
    ("events", "/events", Kind::Long),
    ("first", "/first", Kind::Time),
    ("last", "/last", Kind::Time),
    ("warnings", "/warnings", Kind::Json),
];
const COVERAGE: [Column; 5] = [
    ("host", "/host", Kind::Text),
    ("format", "/format", Kind::Text),
    ("kind", "/kind", Kind::Text),
    ("first", "/first", Kind::Time),
    ("last", "/last", Kind::Time),
];

/// Runs a query over a case folder. Tables: `timeline`, `findings`, `conclusions`, `evidence` (the records that
/// findings rest on), `inputs`, `coverage` (spans and gaps).
pub fn query(folder: &Path, sql: &str) -> Result<Answer, QueryError> {
    let case = SavedCase::open(folder)?;
    let said = read_findings(folder)?;
    let mut database = Database::of(&case.timeline);
    let mut add = |name: &str, columns: &[Column], rows: &[Value]| {
        let columns = columns.iter().map(|(name, pointer, kind)| {
            let values = rows.iter().map(|row| row.pointer(pointer));
            (*name, cells(values, *kind))
        });
        database.add(name, columns.collect())
    };
    let findings: Vec<Value> = list(&said, "findings").map(finding).collect();
    let evidence: Vec<Value> = list(&said, "findings").flat_map(evidence).collect();
    let conclusions: Vec<Value> = list(&said, "conclusions").cloned().collect();
    let inputs: Vec<Value> = list(&case.case, "inputs").cloned().collect();
    let coverage: Vec<Value> = list(&case.case, "coverage").flat_map(coverage).collect();
    add("findings", &FINDINGS, &findings)?;
    add("evidence", &EVIDENCE, &evidence)?;
    add("conclusions", &CONCLUSIONS, &conclusions)?;
    add("inputs", &INPUTS, &inputs)?;
    add("coverage", &COVERAGE, &coverage)?;
    Ok(database.ask(sql)?)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let items = value.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// A finding with what tables add to it: its severity as a number, how many records it rests on.
fn finding(finding: &Value) -> Value {
    let mut row = finding.clone();
    let severity = finding.get("severity").and_then(Value::as_str);
    let rank = severity.and_then(|name| {
        let mut all = Severity::ALL.iter();
        all.position(|severity| severity.as_str() == name)
    });
    if let Some(row) = row.as_object_mut() {
        row.insert("severity_rank".to_owned(), json!(rank));
        row.insert(
            "records".to_owned(),
            json!(list(finding, "evidence").count()),
        );
    }
    row
}

fn evidence(finding: &Value) -> impl Iterator<Item = Value> + '_ {
    list(finding, "evidence").map(|record| {
        let mut row = record.clone();
        if let (Some(row), Some(id)) = (row.as_object_mut(), finding.get("id")) {
            row.insert("finding".to_owned(), id.clone());
        }
        row
    })
}

/// Spans and gaps of a host's format.
fn coverage(of: &Value) -> impl Iterator<Item = Value> + '_ {
    let row = move |kind: &str, first: Option<&Value>, last: Option<&Value>| {
        json!({
            "host": of.get("host"),
            "format": of.get("format"),
            "kind": kind,
            "first": first,
            "last": last,
        })
    };
    let spans = list(of, "spans");
    let spans = spans.map(move |span| row("span", span.get("first"), span.get("last")));
    let gaps = list(of, "gaps");
    spans.chain(gaps.map(move |gap| row("gap", gap.get("from"), gap.get("to"))))
}

fn cells<'a>(values: impl Iterator<Item = Option<&'a Value>>, kind: Kind) -> Cells {
    let values = values.map(|value| value.filter(|value| !value.is_null()));
    match kind {
        Kind::Text => Cells::Text(
            values
                .map(|value| Some(value?.as_str()?.to_owned()))
                .collect(),
        ),
        Kind::Json => Cells::Text(values.map(|value| Some(value?.to_string())).collect()),
        Kind::Long => Cells::Long(values.map(|value| value?.as_i64()).collect()),
        Kind::Number => Cells::Number(values.map(|value| value?.as_f64()).collect()),
        Kind::Time => Cells::Time(
            values
                .map(|value| Some(Timestamp::parse_rfc3339(value?.as_str()?)?.micros()))
                .collect(),
        ),
    }
}
