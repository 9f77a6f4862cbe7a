//! `coldcase explain`: one format or correlator in full, or a finding or conclusion of a case down to file and line.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use coldcase_correlate::correlators;
use coldcase_ingest::formats;
use coldcase_model::nearest;
use coldcase_report::for_terminal;
use serde_json::Value;

use super::wrap;
use crate::args::{Explain, near};

pub fn run(explain: &Explain) -> anyhow::Result<ExitCode> {
    let text = match &explain.finding {
        Some(asked) => of_case(Path::new(&explain.what), asked)?,
        None => of_id(&explain.what)?,
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// An id of a format or correlator; or a case, whose conclusions and findings are then listed.
fn of_id(id: &str) -> anyhow::Result<String> {
    let format = formats::by_id(id).map(|format| (format.title, format.source));
    let correlator = correlators::by_id(id).map(|correlator| (correlator.title, correlator.source));
    let Some((title, source)) = format.or(correlator) else {
        if Path::new(id).is_dir() {
            return listed(&coldcase::read_findings(Path::new(id))?);
        }
        bail!(
            "{id}: no format or correlator has this id{}; see `coldcase formats` and `coldcase correlators`, or \
             give a case folder",
            near(id, true)
        );
    };
    let head = wrap::prose(&format!("{id}: {title}"));
    Ok(format!("{head}\n{}", wrap::prose(&page(source))))
}

/// What of a case can be explained.
fn listed(case: &Value) -> anyhow::Result<String> {
    let mut out = String::new();
    for conclusion in list(case, "conclusions") {
        let about = conclusion.get("about").map(observable).unwrap_or_default();
        let _ = writeln!(out, "{:<44} {about}", field(conclusion, "kind"));
    }
    for finding in list(case, "findings") {
        let (id, severity) = (field(finding, "id"), field(finding, "severity"));
        let _ = writeln!(out, "{id:<44} {severity:<8} {}", field(finding, "title"));
    }
    if out.is_empty() {
        out.push_str("the case has no finding\n");
    }
    Ok(out)
}

/// The `//!` text at the head of a source file.
fn page(source: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    lines
        .map(|line| {
            let line = line.trim_start_matches("//!");
            line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n"
        })
        .collect()
}

/// What is asked of a case: a finding by its id, or conclusions by their kind or by what they are about.
fn of_case(case: &Path, id: &str) -> anyhow::Result<String> {
    let json = coldcase::read_findings(case)?;
    if let Some(finding) = finding(&json, id) {
        return Ok(of_finding(finding, &json));
    }
    let asked = |conclusion: &&Value| {
        let about = conclusion.get("about").and_then(|about| about.get("value"));
        [conclusion.get("kind"), about]
            .into_iter()
            .flatten()
            .any(|value| value.as_str() == Some(id))
    };
    let conclusions: Vec<String> = list(&json, "conclusions")
        .filter(asked)
        .map(|conclusion| of_conclusion(conclusion, &json))
        .collect();
    if conclusions.is_empty() {
        let ids = list(&json, "findings").filter_map(|finding| finding.get("id")?.as_str());
        let kinds = list(&json, "conclusions").filter_map(|one| one.get("kind")?.as_str());
        let near = nearest(id, ids.chain(kinds));
        bail!(
            "{id}: the case has no such finding or conclusion{}; `coldcase explain {}` lists them",
            near.map_or_else(String::new, |near| format!(", did you mean {near}?")),
            case.display()
        )
    }
    Ok(conclusions.join("\n"))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let items = value.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn finding<'a>(case: &'a Value, id: &str) -> Option<&'a Value> {
    list(case, "findings").find(|finding| finding.get("id").and_then(Value::as_str) == Some(id))
}

fn field(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => for_terminal(text),
        Some(Value::Null) | None => "unknown".to_owned(),
        Some(other) => for_terminal(&other.to_string()),
    }
}

/// `container k8s_app_web-0`.
fn observable(value: &Value) -> String {
    format!("{} {}", field(value, "type"), field(value, "value"))
}

fn of_finding(finding: &Value, case: &Value) -> String {
    let mut out = String::new();
    let title = format!("{} {}", field(finding, "severity"), field(finding, "title"));
    let _ = writeln!(
        out,
        "{}{}",
        wrap::prose(&title),
        wrap::prose(&field(finding, "text"))
    );
    let _ = writeln!(
        out,
        "from {} to {}, confidence {}",
        field(finding, "first"),
        field(finding, "last"),
        field(finding, "confidence")
    );
    let facts = finding.get("facts").and_then(Value::as_object);
    for (name, value) in facts.into_iter().flatten() {
        let _ = writeln!(out, "  {name}: {}", for_terminal(&value.to_string()));
    }
    out.push_str("\nrests on\n");
    evidence(finding, "  ", &mut out);
    let id = finding.get("id");
    let rests_on_it = |conclusion: &&Value| list(conclusion, "because").any(|one| Some(one) == id);
    for conclusion in list(case, "conclusions").filter(rests_on_it) {
        let answer = conclusion.get("answer").map(observable);
        let _ = writeln!(
            out,
            "\nanswers: {}: {}\n{}",
            field(conclusion, "question"),
            answer.unwrap_or_default(),
            wrap::prose(&field(conclusion, "text")).trim_end()
        );
    }
    out
}

fn of_conclusion(conclusion: &Value, case: &Value) -> String {
    let mut out = String::new();
    let answer = conclusion.get("answer").map(observable);
    let _ = writeln!(
        out,
        "{}: {}\nanswer: {}, confidence {}",
        field(conclusion, "kind"),
        field(conclusion, "question"),
        answer.unwrap_or_default(),
        field(conclusion, "confidence")
    );
    for candidate in list(conclusion, "candidates") {
        let _ = writeln!(out, "  or {}", observable(candidate));
    }
    let text = wrap::prose(&field(conclusion, "text"));
    let _ = writeln!(out, "\n{text}\nrests on");
    for id in list(conclusion, "because").filter_map(Value::as_str) {
        let Some(finding) = finding(case, id) else {
            continue;
        };
        let _ = writeln!(
            out,
            "  {} {} ({} {}, confidence {})",
            field(finding, "severity"),
            field(finding, "title"),
            field(finding, "correlator"),
            for_terminal(id),
            field(finding, "confidence")
        );
        evidence(finding, "    ", &mut out);
    }
    out
}

/// The records that a finding rests on: `file:line  time  text`, `file@offset` in a binary artifact.
fn evidence(finding: &Value, indent: &str, out: &mut String) {
    for record in list(finding, "evidence") {
        let place = record.get("line").map(|line| format!(":{line}"));
        let place = place
            .or_else(|| record.get("offset").map(|offset| format!("@{offset}")))
            .unwrap_or_default();
        let ts = match record.get("ts") {
            Some(Value::String(text)) => for_terminal(text),
            _ => "undated".to_owned(),
        };
        let _ = writeln!(
            out,
            "{indent}{}{place}  {ts}  {}",
            field(record, "file"),
            field(record, "text")
        );
    }
}
