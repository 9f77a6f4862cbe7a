//! `coldcase completions` and `coldcase man`: what shells and `man` want to know of the commands, made from the
//! arguments themselves.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Args;

pub fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "coldcase", &mut out);
    super::print(&String::from_utf8_lossy(&out))?;
    Ok(ExitCode::SUCCESS)
}

/// One page for the program, one a command: `coldcase.1`, `coldcase-analyze.1`, ...
pub fn pages(folder: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{}: can't be made; choose another folder", folder.display()))?;
    let mut program = Args::command();
    program.build();
    let mut said = page(&program, folder)?;
    let commands = program.get_subcommands();
    for command in commands.filter(|one| one.get_name() != "help") {
        said.push_str(&page(command, folder)?);
    }
    super::print(&said)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a command's page; its path as a line.
fn page(command: &Command, folder: &Path) -> anyhow::Result<String> {
    // `coldcase-analyze`: how a built command names itself.
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    let mut out = Vec::new();
    let man = Man::new(command.clone()).manual("coldcase");
    man.render(&mut out)?;
    fs::write(&path, out).with_context(|| format!("{}: can't be written", path.display()))?;
    Ok(format!("{}\n", path.display()))
}
