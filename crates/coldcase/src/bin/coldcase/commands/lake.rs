//! `coldcase lake`: cases into a lake, out of it, and whether it is whole.

use std::fmt::Write as _;
use std::process::ExitCode;

use coldcase::lake::add_cases;
use coldcase_lake::{Checked, Lake, Outcome, Trouble, check, clean, pack, remove};
use coldcase_report::for_terminal;

use crate::lake_args::{LakeAdd, LakeCheck, LakeCommand, LakePack, LakeRemove};

/// Small files from which on it is told that they can be put together.
const MANY_FILES: usize = 1_000;
/// Cases of a damaged file that are named.
const MOST_NAMED: usize = 5;

pub fn run(command: &LakeCommand, is_quiet: bool) -> anyhow::Result<ExitCode> {
    match command {
        LakeCommand::Add(add) => run_add(add, is_quiet),
        LakeCommand::Remove(remove) => run_remove(remove, is_quiet),
        LakeCommand::Check(check) => run_check(check, is_quiet),
        LakeCommand::Pack(pack) => run_pack(pack, is_quiet),
    }
}

fn say(text: &str, is_quiet: bool) -> anyhow::Result<()> {
    if is_quiet { Ok(()) } else { super::print(text) }
}

fn run_add(args: &LakeAdd, is_quiet: bool) -> anyhow::Result<ExitCode> {
    if args.name.is_some() && args.cases.len() > 1 {
        return super::wrong_call("--as names one case; add several without it".to_owned());
    }
    let added = add_cases(&args.lake, &args.cases, args.name.as_deref(), args.replace)?;
    let mut out = String::new();
    let (mut new, mut same, mut failed) = (0, 0, 0);
    for (name, outcome) in added.cases {
        let name = for_terminal(&name);
        match outcome {
            Ok(Outcome::Added) => new += 1,
            Ok(Outcome::Replaced) => {
                new += 1;
                let _ = writeln!(out, "{name}: replaced");
            }
            Ok(Outcome::Unchanged) => same += 1,
            Err(error) => {
                failed += 1;
                super::say_error(
                    &anyhow::Error::new(error).context(format!("{name} was not added")),
                );
            }
        }
    }
    let _ = writeln!(out, "{new} added, {same} there already, {failed} not added");
    let state = Lake::open(&args.lake)?.state()?;
    let (cases, files) = (state.cases.len(), state.files.len());
    let _ = writeln!(
        out,
        "{} holds {cases} cases in {files} files",
        for_terminal(&args.lake.display().to_string())
    );
    if files >= MANY_FILES && files > cases {
        let _ = writeln!(
            out,
            "Many small files slow engines down; put them together with: coldcase lake pack {}",
            for_terminal(&args.lake.display().to_string())
        );
    }
    say(&out, is_quiet)?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn run_remove(args: &LakeRemove, is_quiet: bool) -> anyhow::Result<ExitCode> {
    let lake = Lake::open(&args.lake)?;
    remove(&lake, &args.names)?;
    let left = lake.state()?.cases.len();
    let names = for_terminal(&args.names.join(", "));
    say(
        &format!("{names} removed; {left} cases are left\n"),
        is_quiet,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn run_pack(args: &LakePack, is_quiet: bool) -> anyhow::Result<ExitCode> {
    let packed = pack(&Lake::open(&args.lake)?)?;
    say(
        &format!("{} files before, {} now\n", packed.before, packed.after),
        is_quiet,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn run_check(args: &LakeCheck, is_quiet: bool) -> anyhow::Result<ExitCode> {
    let lake = Lake::open(&args.lake)?;
    let mut checked = check(&lake, !args.sizes)?;
    let mut out = String::new();
    if args.clean {
        clean(&lake, &checked);
        let is_left = |trouble: &&Trouble| matches!(trouble, Trouble::Leftover(_));
        let taken = checked.troubles.iter().filter(is_left).count();
        let _ = writeln!(out, "{taken} leftovers of killed adders taken away");
        checked
            .troubles
            .retain(|trouble| !matches!(trouble, Trouble::Leftover(path) if !path.exists()));
    }
    for trouble in &checked.troubles {
        let _ = writeln!(out, "{}", for_terminal(&told(trouble, args)));
    }
    out.push_str(&summary(&checked, args.sizes));
    say(&out, is_quiet)?;
    Ok(ExitCode::from(u8::from(!checked.troubles.is_empty())))
}

fn summary(checked: &Checked, is_by_size: bool) -> String {
    let how = if is_by_size {
        "have the size that they were written with"
    } else {
        "are as they were written"
    };
    let at_work = match checked.at_work {
        0 => String::new(),
        count => format!("; {count} writing to it now"),
    };
    format!(
        "{} cases; {} files ({} MB) {how}; {} troubles{at_work}\n",
        checked.cases,
        checked.files,
        checked.bytes / 1_000_000,
        checked.troubles.len()
    )
}

fn told(trouble: &Trouble, args: &LakeCheck) -> String {
    match trouble {
        Trouble::Missing(file)
        | Trouble::Size(file)
        | Trouble::Content(file)
        | Trouble::Unreadable(file) => {
            let named: Vec<&str> = file
                .cases
                .iter()
                .take(MOST_NAMED)
                .map(String::as_str)
                .collect();
            let more = match file.cases.len().saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "{}: {}; it holds rows of {}{more}: remove these cases and add them again",
                file.path,
                file.what,
                named.join(", ")
            )
        }
        Trouble::NoRows(text) => {
            format!("{text}: remove the cases of damaged files and add them again")
        }
        Trouble::Leftover(path) => format!(
            "{}: left by an adder that was killed, part of no case; `coldcase lake check --clean {}` takes it away",
            path.display(),
            args.lake.display()
        ),
        Trouble::Foreign(path) => format!(
            "{}: not written by coldcase; engines that read whole folders read it too: move it away",
            path.display()
        ),
    }
}
