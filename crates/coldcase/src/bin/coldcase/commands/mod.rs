//! One file a command.

mod analyze;
mod explain;
mod list;
mod query;
mod timeline;
mod verify;
mod whois;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

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
        Command::Whois(whois) => whois::run(whois),
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
