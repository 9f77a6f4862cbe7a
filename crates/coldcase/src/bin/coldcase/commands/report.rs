//! `coldcase report`: the reports of a case again, its post-mortem, or one report over several cases.

use std::process::ExitCode;

use coldcase_report::for_terminal;

use crate::args::{Args, Report};

pub fn run(args: &Report, all: &Args) -> anyhow::Result<ExitCode> {
    let lang = all.lang();
    let told = match (args.cases.as_slice(), &args.output) {
        ([case], output) if args.post_mortem => {
            let path = coldcase::write_post_mortem(case, output.as_deref(), lang)?;
            format!("post-mortem in {}\n", path.display())
        }
        (_, _) if args.post_mortem => {
            return super::wrong_call("a post-mortem is of one case: name one".to_owned());
        }
        ([case], None) => {
            coldcase::report(case, lang)?;
            format!("report.html and report.md in {}\n", case.display())
        }
        (_, None) => {
            return super::wrong_call(
                "say with -o FOLDER where the batch report of several cases goes".to_owned(),
            );
        }
        (cases, Some(output)) => {
            let batch = coldcase::batch(cases, output, lang)?;
            let count = batch.cases().len();
            format!(
                "batch.html and batch.md of {count} cases in {}\n",
                output.display()
            )
        }
    };
    if !all.quiet {
        super::print(&for_terminal_lines(&told))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn for_terminal_lines(text: &str) -> String {
    format!("{}\n", for_terminal(text.trim_end()))
}
