//! Which format each artifact is.

use coldcase_evidence::{Artifact, Bundle, read_head};
use coldcase_ingest::formats::{Facts, clues};
use coldcase_ingest::{Format, Probe, Sniff, formats};
use coldcase_model::KnownFormat;
use rayon::prelude::*;

use crate::plan::Recognised;

/// Bytes of an artifact that formats may look at to recognise it.
const HEAD: usize = 64 << 10;

/// What each artifact is, in their order, and what its beginning tells of its host.
pub(crate) fn recognise_all(bundle: &Bundle, only: &[&String]) -> Vec<(Recognised, Facts)> {
    let artifacts = bundle.artifacts.par_iter();
    artifacts
        .map(|artifact| recognise(bundle, artifact, only))
        .collect()
}

fn recognise(bundle: &Bundle, artifact: &Artifact, only: &[&String]) -> (Recognised, Facts) {
    if let Some(known) = known(bundle, artifact) {
        return (Recognised::Known(known), Facts::default());
    }
    let nothing = (Recognised::Nothing, Facts::default());
    if artifact.unreadable.is_some() {
        return nothing;
    }
    let Ok((head, complete)) = read_head(&artifact.disk, HEAD) else {
        return nothing;
    };
    if head.is_empty() {
        return nothing;
    }
    let probe = Probe::new(&artifact.path, &head, complete);
    match best(&probe, only) {
        Some(format) => (Recognised::Format(format), clues(format.id, &probe)),
        None => nothing,
    }
}

/// The format that is surest of an artifact; of equally sure ones the registry's first, so that none is asked after one that
/// is quite sure.
fn best(probe: &Probe<'_>, only: &[&String]) -> Option<&'static Format> {
    let mut best: Option<(Sniff, &'static Format)> = None;
    let wanted = formats::ALL
        .iter()
        .copied()
        .filter(|format| only.is_empty() || only.iter().any(|id| *id == format.id));
    for format in wanted {
        let sniff = (format.sniff)(probe);
        if sniff > best.map_or(Sniff::No, |(sniff, _)| sniff) {
            best = Some((sniff, format));
        }
        if sniff == Sniff::Sure {
            break;
        }
    }
    best.map(|(_, format)| format)
}

/// What the case itself speaks of.
fn known(bundle: &Bundle, artifact: &Artifact) -> Option<KnownFormat> {
    let inside = bundle.inside(artifact);
    if inside == "case.toml" {
        return Some(KnownFormat::Case);
    }
    let case = bundle.cases.get(artifact.bundle)?;
    let mut indicators = case.indicators.iter();
    if indicators.any(|path| path.trim_start_matches("./") == inside) {
        return Some(KnownFormat::Indicators);
    }
    artifact.is_archive.then_some(KnownFormat::Archive)
}
