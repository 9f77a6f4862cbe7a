//! mtime-listing

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "mtime-listing",
    title: "listings of files with their times",
    source: include_str!("mtime_listing.rs"),
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
