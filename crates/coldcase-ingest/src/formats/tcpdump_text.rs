//! tcpdump-text

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "tcpdump-text",
    title: "tcpdump's text output",
    source: include_str!("tcpdump_text.rs"),
    yearless: false,
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
