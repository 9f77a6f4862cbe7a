//! `coldcase query`: SQL over a case, or a ready-made query by its name.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;

use coldcase_model::nearest;
use coldcase_report::{Style, answer_csv, answer_json, answer_table};
use coldcase_timeline::sql::Answer;

use crate::args::{AnswerFormat, Query};

/// Ready-made queries: each file opens with comment lines that say what it tells.
const READY: [(&str, &str); 5] = [
    ("containers", include_str!("../queries/containers.sql")),
    ("dns", include_str!("../queries/dns.sql")),
    ("flows", include_str!("../queries/flows.sql")),
    ("gaps", include_str!("../queries/gaps.sql")),
    ("logins", include_str!("../queries/logins.sql")),
];

pub fn run(query: &Query, style: Style) -> anyhow::Result<ExitCode> {
    let sql = match query.sql.trim().strip_prefix('@') {
        None => query.sql.as_str(),
        Some("") => {
            super::print(&list())?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(name) => match READY.iter().find(|(known, _)| *known == name) {
            Some((_, sql)) => sql,
            None => return super::wrong_call(unknown(name)),
        },
    };
    let format = match format(query) {
        Ok(format) => format,
        Err(text) => return super::wrong_call(text),
    };
    if let Some(path) = &query.output {
        super::folder_of(path)?;
    }
    let answer = coldcase::query(&query.case, sql)?;
    match &query.output {
        None => to_stdout(&answer, format, style)?,
        Some(path) => super::write_whole(path, |out| {
            write(&answer, format, None, Style::Plain, out, path)
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `name  what it tells`, one a line.
fn list() -> String {
    let about = |sql: &'static str| {
        let lines = sql.lines().map_while(|line| line.strip_prefix("-- "));
        lines.collect::<Vec<_>>().join(" ")
    };
    let lines = READY
        .iter()
        .map(|(name, sql)| format!("@{name:<12} {}\n", about(sql)));
    lines.collect()
}

fn unknown(name: &str) -> String {
    let near = nearest(name, READY.iter().map(|(name, _)| *name));
    let near = near.map_or_else(String::new, |near| format!(", did you mean @{near}?"));
    let all: Vec<String> = READY.iter().map(|(name, _)| format!("@{name}")).collect();
    format!("@{name}: no such query{near}; there are {}", all.join(", "))
}

fn format(query: &Query) -> Result<AnswerFormat, String> {
    if let Some(format) = query.format {
        let on_terminal = query.output.is_none() && io::stdout().is_terminal();
        return if format == AnswerFormat::Parquet && on_terminal {
            Err("Parquet is no text: name a file with --output".to_owned())
        } else {
            Ok(format)
        };
    }
    let Some(path) = &query.output else {
        return Ok(if io::stdout().is_terminal() {
            AnswerFormat::Table
        } else {
            AnswerFormat::Csv
        });
    };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Ok(AnswerFormat::Csv),
        Some("json") => Ok(AnswerFormat::Json),
        Some("parquet") => Ok(AnswerFormat::Parquet),
        Some("txt") => Ok(AnswerFormat::Table),
        _ => Err(format!(
            "{}: the file's ending chooses what is written; use .csv, .json, .parquet or .txt, or say it with -o",
            path.display()
        )),
    }
}

fn to_stdout(answer: &Answer, format: AnswerFormat, style: Style) -> anyhow::Result<()> {
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|columns| columns.parse().ok());
    let width = told.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width.0))
    });
    let out = BufWriter::new(io::stdout().lock());
    match write(answer, format, width, style, out, Path::new("stdout")) {
        // A reader that went away (`| head`) is no error.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn write(
    answer: &Answer,
    format: AnswerFormat,
    width: Option<usize>,
    style: Style,
    out: impl Write,
    path: &Path,
) -> anyhow::Result<()> {
    match format {
        AnswerFormat::Csv => answer_csv(answer, out)?,
        AnswerFormat::Json => answer_json(answer, out)?,
        AnswerFormat::Parquet => answer.write_parquet(out, path)?,
        AnswerFormat::Table => answer_table(answer, width, style, out)?,
    }
    Ok(())
}
