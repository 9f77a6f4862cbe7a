//! `coldcase explain`: one format or correlator in full, or a finding down to file and line.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use coldcase_correlate::correlators;
use coldcase_ingest::formats;
use coldcase_report::for_terminal;
use serde_json::Value;

use crate::args::Explain;

pub fn run(explain: &Explain) -> anyhow::Result<ExitCode> {
    let text = match &explain.finding {
        Some(finding) => of_finding(Path::new(&explain.what), finding)?,
        None => of_id(&explain.what)?,
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_id(id: &str) -> anyhow::Result<String> {
    let format = formats::by_id(id).map(|format| (format.title, format.source));
    let correlator = correlators::by_id(id).map(|correlator| (correlator.title, correlator.source));
    let Some((title, source)) = format.or(correlator) else {
        bail!(
            "{id}: no format or correlator has this id; see `coldcase formats` and `coldcase correlators`"
        );
    };
    Ok(format!("{id}: {title}\n\n{}", page(source)))
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

fn of_finding(case: &Path, id: &str) -> anyhow::Result<String> {
    let path = case.join("findings.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: give a folder that `coldcase analyze` wrote",
            path.display()
        )
    })?;
    let json: Value =
        serde_json::from_str(&text).with_context(|| format!("{}: not JSON", path.display()))?;
    let findings = json.get("findings").and_then(Value::as_array);
    let finding = findings
        .into_iter()
        .flatten()
        .find(|finding| finding.get("id").and_then(Value::as_str) == Some(id));
    let Some(finding) = finding else {
        bail!(
            "{id}: the case has no such finding; its ids stand in {}",
            path.display()
        )
    };
    Ok(chain(finding, &json))
}

fn chain(finding: &Value, case: &Value) -> String {
    let field = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => for_terminal(text),
        Some(Value::Null) | None => "unknown".to_owned(),
        Some(other) => for_terminal(&other.to_string()),
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}\n{}\n",
        field(finding, "severity"),
        field(finding, "title"),
        field(finding, "text")
    );
    let _ = writeln!(
        out,
        "from {} to {}, confidence {}",
        field(finding, "first"),
        field(finding, "last"),
        field(finding, "confidence")
    );
    for (name, value) in finding
        .get("facts")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let _ = writeln!(out, "  {name}: {}", for_terminal(&value.to_string()));
    }
    out.push_str("\nrests on\n");
    for record in finding
        .get("evidence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let place = record.get("line").map(|line| format!(":{line}"));
        let place = place
            .or_else(|| record.get("offset").map(|offset| format!("@{offset}")))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "  {} {}{place}\n    {}",
            field(record, "ts"),
            field(record, "file"),
            field(record, "text")
        );
    }
    let id = finding.get("id");
    let uses = |conclusion: &&Value| {
        let because = conclusion.get("because").and_then(Value::as_array);
        because.into_iter().flatten().any(|other| Some(other) == id)
    };
    for conclusion in case
        .get("conclusions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(uses)
    {
        let answer = conclusion
            .get("answer")
            .map(|answer| field(answer, "value"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "\nanswers: {}: {answer}\n{}",
            field(conclusion, "question"),
            field(conclusion, "text")
        );
    }
    out
}
