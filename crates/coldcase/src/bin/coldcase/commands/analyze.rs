//! `coldcase analyze`: the main job.

use std::process::ExitCode;
use std::sync::Arc;

use coldcase_report::{Style, terminal};

use crate::args::{Analyze, Args};
use crate::progress::Bar;

pub fn run(analyze: &Analyze, args: &Args, style: Style) -> anyhow::Result<ExitCode> {
    let options = analyze.reading.options(analyze.ioc.clone(), args.lang());
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
    let worst = analysis
        .findings
        .findings
        .iter()
        .map(|finding| finding.severity)
        .max();
    let failed = matches!((analyze.fail_on, worst), (Some(limit), Some(worst)) if worst >= limit);
    Ok(ExitCode::from(if failed { 3 } else { 0 }))
}
