//! One file a command.

mod analyze;
mod check;
mod explain;
mod fleet;
mod lake;
mod list;
mod manual;
mod query;
mod report;
mod schema;
mod timeline;
mod verify;
mod whois;
mod wrap;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use coldcase_report::Style;

use crate::args::{Args, Color, Command};

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let style = style(args.color);
    match &args.command {
        Command::Analyze(analyze) => analyze::run(analyze, &args, style),
        Command::Timeline(timeline) => timeline::run(timeline, &args),
        Command::Formats => list::formats(),
        Command::Correlators => list::correlators(),
        Command::Explain(explain) => explain::run(explain),
        Command::Verify(verify) => verify::run(verify),
        Command::Query(query) => query::run(query, style),
        Command::Report(report) => report::run(report, &args),
        Command::Check(check) => check::run(check, &args),
        Command::Whois(whois) => whois::run(whois),
        Command::Fleet(fleet) => fleet::run(fleet, style, args.quiet),
        Command::Lake(lake) => lake::run(&lake.command, args.quiet),
        Command::Schema(schema) => schema::run(schema.of),
        Command::Completions(completions) => manual::completions(completions.shell),
        Command::Man(man) => manual::pages(&man.folder),
    }
}

/// One line of what went wrong, to stderr.
pub fn say_error(error: &anyhow::Error) {
    let text = coldcase_report::for_terminal(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "coldcase: {text}");
}

/// What is wrong with the arguments, beyond what their parser sees.
fn wrong_call(text: String) -> anyhow::Result<ExitCode> {
    say_error(&anyhow::Error::msg(text));
    Ok(ExitCode::from(2))
}

fn style(color: Color) -> Style {
    let wanted = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    if wanted { Style::Colour } else { Style::Plain }
}

/// Writes to stdout; a reader that went away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The folder that a file would be written into, where it is there.
fn folder_of(path: &Path) -> anyhow::Result<&Path> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if path.is_dir() {
        bail!("{}: is a folder; name a file", path.display());
    }
    if !folder.is_dir() {
        bail!(
            "{}: its folder {} isn't there; make it first",
            path.display(),
            folder.display()
        );
    }
    Ok(folder)
}

/// Writes a file whole or not at all: what is there before stays until all is written.
fn write_whole(
    path: &Path,
    write: impl FnOnce(BufWriter<&File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = builder
        .tempfile_in(folder_of(path)?)
        .map_err(anyhow::Error::from)
        .and_then(|beside| {
            write(BufWriter::new(beside.as_file()))?;
            beside.persist(path)?;
            Ok(())
        });
    written.with_context(|| format!("{}: can't be written", path.display()))
}
