//! The `coldcase` program: arguments in, results to stdout or files, progress to stderr, exit codes of
//! the contract (0 done, 1 failed, 2 wrong command line, 3 found at or above `--fail-on`).

mod args;
mod commands;
mod lake_args;
mod progress;

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _};

fn main() -> ExitCode {
    let parsed = args::Args::command()
        .color(help_colour())
        .try_get_matches()
        .and_then(|matches| args::Args::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match commands::run(args) {
        Ok(code) => code,
        Err(error) => {
            commands::say_error(&error);
            ExitCode::from(1)
        }
    }
}

/// What `--color` says, for help and for errors of the arguments themselves: these come before arguments are known.
fn help_colour() -> ColorChoice {
    let mut said = std::env::args().skip_while(|arg| !arg.starts_with("--color"));
    let first = said.next().unwrap_or_default();
    let value = match first.strip_prefix("--color=") {
        Some(value) => value.to_owned(),
        None => said.next().unwrap_or_default(),
    };
    match value.as_str() {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}
