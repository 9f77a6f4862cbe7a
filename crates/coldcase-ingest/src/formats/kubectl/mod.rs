//! kubectl

use coldcase_model::Sink;

use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static PODS: Format = Format {
    id: "kubectl-pods",
    title: "kubectl get pods, wide",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// The format.
pub static NODES: Format = Format {
    id: "kubectl-nodes",
    title: "kubectl get nodes, wide",
    source: include_str!("mod.rs"),
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
