//! The program as its users run it, in a folder and an environment that a test knows.

#![allow(dead_code, reason = "no test needs all of it")]

use std::path::Path;
use std::process::{Command, Output};

/// The program: the built one, or the one that `COLDCASE_BIN` names.
pub fn program() -> Command {
    let built = env!("CARGO_BIN_EXE_coldcase");
    Command::new(std::env::var_os("COLDCASE_BIN").unwrap_or_else(|| built.into()))
}

/// Runs the program in a folder, in English, whatever the terminal.
pub fn coldcase(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = program();
    command
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env_remove("COLUMNS")
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// The exit code, and what is said among all that is said.
pub fn check(output: &Output, code: i32, message: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(message), "{message}\n{error}");
}

/// That a run ended well; what it said is shown where it did not.
pub fn succeeded(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}
