//! `coldcase fleet`: a lake's questions on the terminal, and as files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use coldcase::fleet::{FleetAnswer, FleetOptions, FleetReport, fleet};
use coldcase_lake::{AnswerTable, Limits, TABLES, Value, questions};
use coldcase_model::Finding;
use coldcase_report::{Lang, Style, for_csv, for_terminal, severity_label};

use crate::lake_args::FleetArgs;

/// Findings of a question that the terminal shows; findings.json has more.
const MOST_SHOWN: usize = 5;
/// Records of a finding that the terminal shows.
const MOST_RECORDS: usize = 3;

pub fn run(args: &FleetArgs, style: Style, is_quiet: bool) -> anyhow::Result<ExitCode> {
    if args.list {
        super::print(&list()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &args.write_sql {
        write_sql(folder)?;
    }
    let Some(lake) = &args.lake else {
        return Ok(ExitCode::SUCCESS);
    };
    let options = FleetOptions {
        questions: args.questions.clone(),
        iocs: args.ioc.clone(),
        set: args.set.iter().cloned().collect(),
        limits: Limits::default(),
    };
    let report = fleet(lake, &options)?;
    if let Some(folder) = &args.output {
        write(&report, folder)?;
    }
    if !is_quiet {
        super::print(&told(&report, style))?;
    }
    let is_severe = |finding: &Finding| args.fail_on.is_some_and(|least| finding.severity >= least);
    let mut all = report.answers.iter().flat_map(|answer| &answer.findings);
    Ok(ExitCode::from(if all.any(is_severe) { 3 } else { 0 }))
}

fn list() -> anyhow::Result<String> {
    let mut out = String::new();
    for question in questions()? {
        let _ = writeln!(out, "{:<12} {}", question.id, question.title);
        for parameter in question.parameters {
            let _ = writeln!(
                out,
                "             --set {}={}  {}",
                parameter.name, parameter.default, parameter.about
            );
        }
    }
    Ok(out)
}

fn write_sql(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<(String, String)> = Vec::new();
    for question in questions()? {
        files.push((format!("{}.sql", question.id), question.text.to_owned()));
    }
    let tables: serde_json::Map<String, serde_json::Value> = TABLES
        .iter()
        .map(|table| {
            let columns = table.sql_columns().into_iter();
            let columns = columns.map(|(name, kind)| (name, kind.into()));
            (
                table.name.to_owned(),
                serde_json::Value::Object(columns.collect()),
            )
        })
        .collect();
    files.push((
        "tables.json".to_owned(),
        serde_json::to_string_pretty(&tables)? + "\n",
    ));
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn write(report: &FleetReport, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let findings = serde_json::to_string_pretty(&report.findings())? + "\n";
    super::write_whole(&folder.join("findings.json"), |mut out| {
        Ok(std::io::Write::write_all(&mut out, findings.as_bytes())?)
    })?;
    for answer in &report.answers {
        let text = csv(&answer.table);
        let path = folder.join(format!("{}.csv", answer.question.id));
        super::write_whole(&path, |mut out| {
            Ok(std::io::Write::write_all(&mut out, text.as_bytes())?)
        })?;
    }
    Ok(())
}

fn csv(table: &AnswerTable) -> String {
    let quoted = |text: &str| format!("\"{}\"", for_csv(text).replace('"', "\"\""));
    let mut out = table.columns.join(",");
    out.push('\n');
    for row in &table.rows {
        let cells = row.iter().map(|cell| match cell {
            Value::Null => String::new(),
            Value::Long(number) => number.to_string(),
            Value::Text(text) => quoted(text),
        });
        out.push_str(&cells.collect::<Vec<_>>().join(","));
        out.push('\n');
    }
    out
}

fn told(report: &FleetReport, style: Style) -> String {
    let mut out = String::new();
    for answer in &report.answers {
        let _ = writeln!(out, "{}", answer.question.title);
        if answer.findings.is_empty() {
            let _ = writeln!(out, "  nothing\n");
            continue;
        }
        for finding in answer.findings.iter().take(MOST_SHOWN) {
            describe(&mut out, finding, style);
        }
        rest(&mut out, answer);
        out.push('\n');
    }
    if report.not_swept > 0 {
        let _ = writeln!(
            out,
            "{} networks and URLs of the indicator files were not looked for: a lake is asked for domains, addresses and hashes",
            report.not_swept
        );
    }
    let _ = writeln!(out, "{} cases asked", report.cases);
    out
}

fn rest(out: &mut String, answer: &FleetAnswer) {
    let rest = answer.findings.len().saturating_sub(MOST_SHOWN) + answer.more;
    if rest > 0 {
        let id = answer.question.id;
        let _ = writeln!(
            out,
            "  {rest} more: -o FOLDER writes findings.json and {id}.csv"
        );
    }
}

fn describe(out: &mut String, finding: &Finding, style: Style) {
    let label = severity_label(finding.severity, Lang::En, style);
    let _ = writeln!(out, "  {label} {}", for_terminal(&finding.title));
    let _ = writeln!(out, "           {}", for_terminal(&finding.text));
    for record in finding.evidence.iter().take(MOST_RECORDS) {
        let place = match (record.line, record.offset) {
            (Some(line), _) => format!(":{line}"),
            (None, Some(offset)) => format!(" at byte {offset}"),
            (None, None) => String::new(),
        };
        let at = record.ts.map_or_else(String::new, |at| format!("{at} "));
        let text = format!("{at}{}{place}: {}", record.file, record.text);
        let _ = writeln!(out, "           {}", for_terminal(&text));
    }
}
