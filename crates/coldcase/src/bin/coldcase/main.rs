//! The `coldcase` program: arguments in, results to stdout or files, progress to stderr, exit codes of
//! the contract (0 done, 1 failed, 2 wrong command line, 3 found at or above `--fail-on`).

mod args;
mod commands;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
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
