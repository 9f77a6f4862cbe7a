//! `coldcase analyze`: the main job.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use coldcase::TakenOver;
use coldcase_report::{Lang, Style, filled, for_terminal, terminal};

use crate::args::{Analyze, Args};
use crate::progress::Bar;

pub fn run(analyze: &Analyze, args: &Args, style: Style) -> anyhow::Result<ExitCode> {
    let mut options = analyze.reading.options(analyze.ioc.clone(), args.lang());
    options.incremental = analyze.incremental;
    let bar = Arc::new(Bar::new(args.quiet));
    let done = coldcase::make_case(
        &analyze.reading.bundles,
        &analyze.output,
        &options,
        bar.clone(),
    );
    bar.clear();
    let analysis = done?;
    let mut summary = coldcase::summary(&analysis, &analyze.output, options.lang);
    if !args.verbose {
        summary
            .inputs
            .iter_mut()
            .for_each(|input| input.warnings.truncate(1));
    }
    if !args.quiet {
        super::print(&terminal(&summary, style))?;
    }
    if let Some(taken) = &analysis.taken_over {
        tell(taken, args, options.lang)?;
    }
    let worst = analysis
        .findings
        .findings
        .iter()
        .map(|finding| finding.severity)
        .max();
    let failed = matches!((analyze.fail_on, worst), (Some(limit), Some(worst)) if worst >= limit);
    Ok(ExitCode::from(if failed { 3 } else { 0 }))
}

/// What was taken over goes after the summary, damage of the earlier case to stderr.
fn tell(taken: &TakenOver, args: &Args, lang: Lang) -> anyhow::Result<()> {
    let mut errors = io::stderr().lock();
    for warning in taken.warnings() {
        let _ = writeln!(errors, "coldcase: {}", for_terminal(&warning));
    }
    if args.verbose && taken.fresh.is_none() {
        for (path, why) in &taken.inputs {
            if let Some(why) = why {
                let path = for_terminal(path);
                let _ = writeln!(errors, "read anew: {path} ({})", why.said(lang));
            }
        }
    }
    if args.quiet {
        return Ok(());
    }
    super::print(&filled(&taken.sentence(lang)))
}
