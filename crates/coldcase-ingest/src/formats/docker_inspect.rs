//! docker-inspect

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "docker-inspect",
    title: "docker, podman, nerdctl and crictl inspect output",
    source: include_str!("docker_inspect.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// The format.
pub static CREATED_LINES: Format = Format {
    id: "docker-created",
    title: "docker inspect --format lines of names and creation times",
    source: include_str!("docker_inspect.rs"),
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
