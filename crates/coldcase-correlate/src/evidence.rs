//! A finding in the making, and the records that it rests on.

use coldcase_model::{EvidenceRecord, Finding, Observable, Severity, Timestamp, stable_id};
use coldcase_timeline::{RowPlace, Selection, Timeline, TimelineError};
use serde_json::{Map, Value};

use crate::logins::{Login, Logins};

/// Most records that a finding shows.
const MOST_RECORDS: usize = 20;
/// Longest text of a record, in characters.
const LONGEST_TEXT: usize = 400;

/// A finding in the making.
pub struct Draft {
    finding: Finding,
}

impl Draft {
    /// A finding of this correlator about these subjects. `distinct` tells apart several about the same.
    pub fn new(correlator: &'static str, subjects: Vec<Observable>, distinct: &str) -> Self {
        let id = stable_id(correlator, &subjects, distinct);
        let finding = Finding {
            id,
            correlator,
            title: String::new(),
            severity: Severity::Info,
            confidence: 0.5,
            first: None,
            last: None,
            subjects,
            facts: Map::new(),
            attack: Vec::new(),
            evidence: Vec::new(),
            text: String::new(),
        };
        Self { finding }
    }

    /// Its one line and its text.
    pub fn says(mut self, title: String, text: String) -> Self {
        self.finding.title = title;
        self.finding.text = text;
        self
    }

    /// How much it matters and how sure it is.
    pub fn weighs(mut self, severity: Severity, confidence: f64) -> Self {
        self.finding.severity = severity;
        self.finding.confidence = (confidence.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
        self
    }

    /// First and last moment concerned, in nanoseconds.
    pub fn spans(mut self, first: Option<i64>, last: Option<i64>) -> Self {
        self.finding.first = first.map(Timestamp);
        self.finding.last = last.map(Timestamp);
        self
    }

    /// One fact; unknown is null.
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.finding.facts.insert(name.to_owned(), value.into());
        self
    }

    /// ATT&CK techniques.
    pub fn attack(mut self, techniques: &[&'static str]) -> Self {
        self.finding.attack = techniques.to_vec();
        self
    }

    /// The decisive rows of a selection: at most `MOST_RECORDS`, the first and the last among them.
    pub fn rests_on(mut self, rows: &Selection, decisive: &[usize]) -> Self {
        let records = spread(decisive).map(|row| record(rows, *row));
        self.finding.evidence.extend(records);
        self.finding.evidence.truncate(MOST_RECORDS);
        self
    }

    /// The decisive logins, likewise.
    pub(crate) fn rests_on_logins(mut self, logins: &Logins, decisive: &[Login]) -> Self {
        let records = spread(decisive).map(|login| logins.record(login));
        self.finding.evidence.extend(records);
        self.finding.evidence.truncate(MOST_RECORDS);
        self
    }

    /// These records, which need not be of one selection: at most `MOST_RECORDS`.
    pub fn shows(mut self, records: Vec<EvidenceRecord>) -> Self {
        self.finding.evidence.extend(records);
        self.finding.evidence.truncate(MOST_RECORDS);
        self
    }

    /// The finished finding.
    pub fn finish(self) -> Finding {
        self.finding
    }
}

/// At most `MOST_RECORDS` of them, evenly spread, the first and the last among them.
pub(crate) fn spread<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let shown = all.len().min(MOST_RECORDS);
    (0..shown).filter_map(move |index| all.get(index * (all.len() - 1) / (shown - 1).max(1)))
}

/// Puts texts to records that have none: correlators over many rows select no messages.
pub(crate) fn fill_texts(
    timeline: &Timeline,
    findings: &mut [Finding],
) -> Result<(), TimelineError> {
    let wanting = |record: &EvidenceRecord| record.text.is_empty();
    let records = findings
        .iter()
        .flat_map(|finding| &finding.evidence)
        .filter(|record| wanting(record));
    let messages = timeline.messages(&records.map(place).collect())?;
    let records = findings
        .iter_mut()
        .flat_map(|finding| &mut finding.evidence)
        .filter(|record| wanting(record));
    for record in records {
        if let Some(message) = messages.get(&place(record)) {
            record.text = message.chars().take(LONGEST_TEXT).collect();
        }
    }
    Ok(())
}

fn place(record: &EvidenceRecord) -> RowPlace {
    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let ts_ns = record.ts.map(Timestamp::nanos);
    RowPlace {
        file: record.file.clone(),
        line: number(record.line),
        offset: number(record.offset),
        ts_ns,
    }
}

/// A row as a record of evidence, with its text where the selection has the column `message`.
pub fn record(rows: &Selection, row: usize) -> EvidenceRecord {
    let place = |name| {
        rows.long(name, row)
            .and_then(|value| u64::try_from(value).ok())
    };
    EvidenceRecord {
        file: rows.text("file", row).unwrap_or_default().to_owned(),
        line: place("line"),
        offset: place("offset"),
        ts: rows.long("ts_ns", row).map(Timestamp),
        text: rows
            .text("message", row)
            .unwrap_or_default()
            .chars()
            .take(LONGEST_TEXT)
            .collect(),
    }
}

/// A time for a fact, RFC 3339 in UTC.
pub fn time_fact(nanos: Option<i64>) -> Value {
    nanos.map_or(Value::Null, |nanos| Timestamp(nanos).to_string().into())
}
