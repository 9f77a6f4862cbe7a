//! The command line of `lake` and `fleet`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use coldcase_model::Severity;

use crate::args::severity;

/// `lake`.
#[derive(Debug, ClapArgs)]
pub struct LakeArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LakeCommand,
}

/// What is done to a lake.
#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// Add cases to a lake, which is made where there is none; the same case again changes nothing.
    Add(LakeAdd),
    /// Remove cases from a lake.
    Remove(LakeRemove),
    /// Is a lake whole: every file there and as it was written, nothing beside; exit 1 if not.
    Check(LakeCheck),
    /// Put small files of a lake together, after many cases were added one by one.
    Pack(LakePack),
}

/// `lake add`.
#[derive(Debug, ClapArgs)]
pub struct LakeAdd {
    /// The lake: a new or empty folder, or one that this command made.
    #[arg(value_name = "LAKE")]
    pub lake: PathBuf,
    /// Folders that `analyze` wrote; each is named after its folder.
    #[arg(required = true, value_name = "CASE")]
    pub cases: Vec<PathBuf>,
    /// The name of the case, where it is one.
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// Put a case in the place of one of its name with other content.
    #[arg(long)]
    pub replace: bool,
}

/// `lake remove`.
#[derive(Debug, ClapArgs)]
pub struct LakeRemove {
    /// The lake.
    #[arg(value_name = "LAKE")]
    pub lake: PathBuf,
    /// Names of cases.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// `lake check`.
#[derive(Debug, ClapArgs)]
pub struct LakeCheck {
    /// The lake.
    #[arg(value_name = "LAKE")]
    pub lake: PathBuf,
    /// Compare sizes only, and not every byte.
    #[arg(long)]
    pub sizes: bool,
    /// Take away what adders left that were killed.
    #[arg(long)]
    pub clean: bool,
}

/// `lake pack`.
#[derive(Debug, ClapArgs)]
pub struct LakePack {
    /// The lake.
    #[arg(value_name = "LAKE")]
    pub lake: PathBuf,
}

/// `fleet`.
#[derive(Debug, ClapArgs)]
pub struct FleetArgs {
    /// A folder that `lake add` made.
    #[arg(value_name = "LAKE", required_unless_present_any = ["list", "write_sql"])]
    pub lake: Option<PathBuf>,
    /// Questions by their ids (see --list); all without any.
    #[arg(value_name = "QUESTION")]
    pub questions: Vec<String>,
    /// Indicators to look for: one a line, CSV, STIX 2.1 or MISP JSON. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub ioc: Vec<PathBuf>,
    /// Sets a question's parameter, e.g. about=SHA256:... or most_hosts=2. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Write findings.json, and each question's rows as CSV, into this folder.
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Exit with 3 if a finding of this severity or above was found.
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub fail_on: Option<Severity>,
    /// List the questions and what can be set.
    #[arg(long)]
    pub list: bool,
    /// Write the questions' SQL into this folder, to run it on DuckDB or Spark.
    #[arg(long, value_name = "FOLDER")]
    pub write_sql: Option<PathBuf>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write it as NAME=VALUE".to_owned())?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
