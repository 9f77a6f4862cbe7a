//! `coldcase check`: a corpus of incidents against what is expected of each.

use std::fs;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use coldcase::check::{CheckError, CheckOptions, Detail, Verdict, check, junit, text};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Args, Check};

pub fn run(args: &Check, all: &Args) -> anyhow::Result<ExitCode> {
    let began = SystemTime::now();
    let options = CheckOptions {
        jobs: usize::from(args.jobs),
        threads: args.threads.map(usize::from),
        only: args.only.clone(),
        bless: args.bless,
    };
    let bar = bar(all.quiet);
    let done = check(&args.corpus, &options, &|name, count| {
        bar.set_length(count as u64);
        bar.set_message(coldcase_report::for_terminal(name));
        bar.inc(1);
    });
    bar.finish_and_clear();
    let checked = match done {
        Err(error @ CheckError::NoSuchIncident { .. }) => {
            return super::wrong_call(error.to_string());
        }
        other => other?,
    };
    if let Some(path) = &args.junit {
        fs::write(path, junit(&checked, began.into()))
            .with_context(|| format!("{}: can't be written", path.display()))?;
    }
    let detail = match (all.quiet, all.verbose) {
        (true, _) => Detail::Failures,
        (_, true) => Detail::Expectations,
        _ => Detail::Incidents,
    };
    super::print(&text(&checked, detail))?;
    let failed = checked
        .iter()
        .any(|one| one.verdict() != Verdict::AsExpected);
    Ok(ExitCode::from(u8::from(failed)))
}

/// A bar by incidents, only on a terminal.
fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    match ProgressStyle::with_template("checking [{bar:30}] {pos} of {len}: {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
