//! `coldcase schema`: the JSON Schema of a file of the case folder.

use std::process::ExitCode;

use crate::args::SchemaOf;

pub fn run(of: SchemaOf) -> anyhow::Result<ExitCode> {
    let schema = match of {
        SchemaOf::Findings => coldcase::schema::findings(),
        SchemaOf::Case => coldcase::schema::case(),
    };
    super::print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
    Ok(ExitCode::SUCCESS)
}
