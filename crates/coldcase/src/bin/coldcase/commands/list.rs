//! `coldcase formats` and `coldcase correlators`: the registries.

use std::process::ExitCode;

use coldcase_correlate::correlators;
use coldcase_ingest::formats;

pub fn formats() -> anyhow::Result<ExitCode> {
    table(formats::ALL.iter().map(|format| (format.id, format.title)))
}

pub fn correlators() -> anyhow::Result<ExitCode> {
    table(
        correlators::ALL
            .iter()
            .map(|correlator| (correlator.id, correlator.title)),
    )
}

fn table(rows: impl Iterator<Item = (&'static str, &'static str)>) -> anyhow::Result<ExitCode> {
    let lines: Vec<String> = rows
        .map(|(id, title)| format!("{id:<18} {title}\n"))
        .collect();
    super::print(&lines.concat())?;
    Ok(ExitCode::SUCCESS)
}
