//! authlog

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "authlog",
    title: "syslog files of logins: auth.log, secure, messages",
    source: include_str!("authlog.rs"),
    yearless: true,
    sniff,
    ingest,
    join: None,
};

fn sniff(_probe: &Probe<'_>) -> Sniff {
    Sniff::No
}

fn ingest(_input: &mut Input<'_>, _sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    Ok(None)
}
