//! `coldcase timeline`: evidence into one sorted file.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use coldcase_evidence::WorkFolder;
use coldcase_report::{ExportFormat, Lang, Profile, export};

use crate::args::{Args, ProfileArg, TimelineArgs};
use crate::progress::Bar;

pub fn run(timeline: &TimelineArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let output = &timeline.output;
    let path = output.display();
    let Some(format) = ExportFormat::of(output) else {
        return super::wrong_call(format!(
            "{path}: the file's ending chooses what is written; use .parquet, .csv or .jsonl"
        ));
    };
    let profile = match timeline.profile {
        None => Profile::Coldcase,
        Some(ProfileArg::Timesketch) => Profile::Timesketch,
    };
    if (format, profile) == (ExportFormat::Parquet, Profile::Timesketch) {
        return super::wrong_call(format!(
            "{path}: Timesketch takes text files; use .csv or .jsonl with --profile timesketch"
        ));
    }
    let parts =
        WorkFolder::temporary("coldcase-parts-").context("no temporary folder; set TMPDIR")?;
    let options = timeline.reading.options(Vec::new(), Lang::En);
    let bar = Arc::new(Bar::new(args.quiet));
    let done = coldcase::ingest_only(
        &timeline.reading.bundles,
        output,
        parts.path(),
        &options,
        bar.clone(),
    );
    bar.clear();
    let timeline = done?.timeline;
    let rows = coldcase::replace_file(output, |file| {
        export(&timeline, file, format, profile).map_err(anyhow::Error::from)
    })
    .with_context(|| format!("{}: can't be written", output.display()))?;
    if !args.quiet {
        super::print(&format!("{rows} events in {}\n", output.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
