//! A case folder as a lake takes it.

use std::collections::BTreeMap;
use std::path::Path;

use coldcase_correlate::Identities;
use coldcase_lake::{CaseContent, CaseRows, RowDigest, host_group};
use coldcase_model::{Severity, Timestamp};
use serde_json::{Map, Value, json};

use super::AddError;
use super::rows::{rows, text};
use crate::saved_case::{SavedCase, read_findings};

/// Reads a case folder.
pub(super) fn load(name: &str, folder: &Path) -> Result<CaseContent, AddError> {
    let case = SavedCase::open(folder)?;
    let said = read_findings(folder)?;
    let mut digest = RowDigest::default();
    digest.text(&without_run(&case.case).to_string());
    digest.text(&said.to_string());
    digest.timeline(&case.timeline)?;
    let hosts_of_files = hosts_of_files(&case.case);
    let findings = Said::of(&said, &hosts_of_files);
    let tables = vec![
        rows("hosts", &hosts(&case)),
        identities(&case)?,
        rows("findings", &findings.findings),
        rows("facts", &findings.facts),
        rows("subjects", &findings.subjects),
        rows("evidence", &findings.evidence),
        rows("conclusions", &conclusions(&said)),
        rows("inputs", &members(&case.case, "inputs")),
        rows("coverage", &coverage(&case.case)),
    ];
    Ok(CaseContent {
        name: name.to_owned(),
        origin: folder.to_owned(),
        digest: digest.finish(),
        timeline: case.timeline,
        tables,
    })
}

/// `case.json` without what differs from run to run: where the evidence lay, and the program's version.
fn without_run(case: &Value) -> Value {
    let mut case = case.clone();
    if let Some(members) = case.as_object_mut() {
        members.retain(|name, _| !["tool", "options"].contains(&name.as_str()));
    }
    case
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let items = value.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn members(value: &Value, name: &str) -> Vec<Value> {
    list(value, name).cloned().collect()
}

fn nanos(value: Option<&Value>) -> Option<i64> {
    Some(Timestamp::parse_rfc3339(value?.as_str()?)?.nanos())
}

fn hosts_of_files(case: &Value) -> BTreeMap<&str, &str> {
    let inputs = list(case, "inputs");
    inputs
        .filter_map(|input| Some((input.get("path")?.as_str()?, input.get("host")?.as_str()?)))
        .collect()
}

/// Hosts that the case knows, and those that only its inputs name.
fn hosts(case: &SavedCase) -> Vec<Value> {
    let mut hosts: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for host in list(&case.case, "hosts") {
        let (Some(name), Some(members)) =
            (host.get("name").and_then(Value::as_str), host.as_object())
        else {
            continue;
        };
        hosts.insert(name.to_owned(), members.clone());
    }
    let mut events: BTreeMap<Option<&str>, i64> = BTreeMap::new();
    for input in list(&case.case, "inputs") {
        let host = input.get("host").and_then(Value::as_str);
        *events.entry(host).or_default() +=
            input.get("events").and_then(Value::as_i64).unwrap_or(0);
        if let Some(host) = host {
            hosts.entry(host.to_owned()).or_default();
        }
    }
    let collected = case.facts.collected_at.map(Timestamp::nanos);
    let row = |(name, mut row): (String, Map<String, Value>)| {
        row.insert("host_group".to_owned(), json!(host_group(&name)));
        row.insert("collected_ns".to_owned(), json!(collected));
        row.insert(
            "events".to_owned(),
            json!(events.get(&Some(name.as_str())).copied().unwrap_or(0)),
        );
        row.insert("host".to_owned(), json!(name));
        Value::Object(row)
    };
    hosts.into_iter().map(row).collect()
}

fn identities(case: &SavedCase) -> Result<CaseRows, AddError> {
    let identities =
        Identities::from(&case.timeline, &case.facts).map_err(crate::CaseError::from)?;
    let known = identities.all().map(|(address, is_local, holder)| {
        json!({
            "address": address,
            "holder_type": holder.observable.kind.as_str(),
            "holder": holder.observable.value,
            "host": holder.host,
            "namespace": holder.namespace,
            "container": holder.container,
            "is_local": is_local,
            "start_ns": holder.start,
            "end_ns": holder.end,
            "source": holder.source,
        })
    });
    Ok(rows("identities", &known.collect::<Vec<_>>()))
}

/// `findings.json` as rows.
#[derive(Default)]
struct Said {
    findings: Vec<Value>,
    facts: Vec<Value>,
    subjects: Vec<Value>,
    evidence: Vec<Value>,
}

impl Said {
    fn of(said: &Value, hosts: &BTreeMap<&str, &str>) -> Self {
        let mut rows = Self::default();
        for finding in list(said, "findings") {
            rows.take(finding, hosts);
        }
        rows
    }

    fn take(&mut self, finding: &Value, hosts: &BTreeMap<&str, &str>) {
        let about = |more: Value| {
            let mut row = Map::new();
            row.insert(
                "finding".to_owned(),
                finding.get("id").cloned().unwrap_or_default(),
            );
            row.insert(
                "correlator".to_owned(),
                finding.get("correlator").cloned().unwrap_or_default(),
            );
            if let Value::Object(more) = more {
                row.extend(more);
            }
            Value::Object(row)
        };
        let facts = finding
            .get("facts")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let facts = facts.filter(|(_, value)| !value.is_null());
        self.facts.extend(
            facts.map(|(name, value)| about(json!({ "name": name, "value": text(value) }))),
        );
        let subjects = list(finding, "subjects");
        self.subjects.extend(subjects.map(|subject| {
            about(json!({ "subject_type": subject.get("type"), "subject": subject.get("value") }))
        }));
        let host_of = |record: &Value| {
            let file = record.get("file").and_then(Value::as_str)?;
            hosts.get(file).copied()
        };
        for (ordinal, record) in list(finding, "evidence").enumerate() {
            let row = json!({
                "ordinal": ordinal + 1,
                "ts_ns": nanos(record.get("ts")),
                "host": host_of(record),
                "line_number": record.get("line"),
                "byte_offset": record.get("offset"),
                "ts": record.get("ts"),
                "file": record.get("file"),
                "text": record.get("text"),
            });
            self.evidence.push(about(row));
        }
        let mut row = finding.clone();
        if let Some(row) = row.as_object_mut() {
            let severity = finding.get("severity").and_then(Value::as_str);
            let rank = severity.and_then(|name| {
                Severity::ALL
                    .iter()
                    .position(|severity| severity.as_str() == name)
            });
            row.insert("severity_rank".to_owned(), json!(rank));
            row.insert("first_ns".to_owned(), json!(nanos(finding.get("first"))));
            row.insert("last_ns".to_owned(), json!(nanos(finding.get("last"))));
            row.insert(
                "host".to_owned(),
                json!(list(finding, "evidence").find_map(host_of)),
            );
            row.insert(
                "records".to_owned(),
                json!(list(finding, "evidence").count()),
            );
        }
        self.findings.push(row);
    }
}

fn conclusions(said: &Value) -> Vec<Value> {
    let row = |conclusion: &Value| {
        let mut row = conclusion.clone();
        if let Some(row) = row.as_object_mut() {
            for name in ["about", "answer"] {
                let of = |part: &str| conclusion.pointer(&format!("/{name}/{part}")).cloned();
                row.insert(format!("{name}_type"), of("type").unwrap_or_default());
                row.insert(name.to_owned(), of("value").unwrap_or_default());
            }
        }
        row
    };
    list(said, "conclusions").map(row).collect()
}

/// Spans and gaps of each host's formats.
fn coverage(case: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for of in list(case, "coverage") {
        let mut row = |kind: &str, first: Option<&Value>, last: Option<&Value>| {
            rows.push(json!({
                "host": of.get("host"),
                "format": of.get("format"),
                "kind": kind,
                "first": first,
                "last": last,
                "first_ns": nanos(first),
                "last_ns": nanos(last),
            }));
        };
        for span in list(of, "spans") {
            row("span", span.get("first"), span.get("last"));
        }
        for gap in list(of, "gaps") {
            row("gap", gap.get("from"), gap.get("to"));
        }
    }
    rows
}
