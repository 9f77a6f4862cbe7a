//! Before anything is read in full: which format each artifact is, and which host it is from.

use std::collections::BTreeSet;

use coldcase_evidence::{Artifact, Bundle, read_head};
use coldcase_ingest::formats::{Facts, clues};
use coldcase_ingest::{Format, Probe, Sniff, formats};
use coldcase_model::KnownFormat;
use rayon::prelude::*;

/// Bytes of an artifact that formats may look at to recognise it.
const HEAD: usize = 64 << 10;

/// What an artifact was recognised as.
#[derive(Clone, Copy)]
pub(crate) enum Recognised {
    Format(&'static Format),
    Known(KnownFormat),
    Nothing,
}

impl Recognised {
    pub(crate) fn id(self) -> Option<&'static str> {
        match self {
            Self::Format(format) => Some(format.id),
            Self::Known(known) => Some(known.id()),
            Self::Nothing => None,
        }
    }

    pub(crate) fn format(self) -> Option<&'static Format> {
        match self {
            Self::Format(format) => Some(format),
            _ => None,
        }
    }
}

/// One artifact with what is known of it before it is read.
pub(crate) struct Planned<'a> {
    pub artifact: &'a Artifact,
    pub recognised: Recognised,
    pub host: Option<String>,
    /// What its beginning tells of its host.
    pub facts: Facts,
}

/// Recognises all artifacts, in parallel, and names their hosts.
pub(crate) fn plan<'a>(bundle: &'a Bundle, only: &[String]) -> Vec<Planned<'a>> {
    let by_id = |id: &String| formats::by_id(id).is_some();
    let only: Vec<&String> = only.iter().filter(|id| by_id(id)).collect();
    let recognised: Vec<(Recognised, Facts)> = bundle
        .artifacts
        .par_iter()
        .map(|artifact| recognise(bundle, artifact, &only))
        .collect();
    let mut tops: Vec<BTreeSet<String>> = vec![BTreeSet::new(); bundle.cases.len()];
    for (artifact, (recognised, _)) in bundle.artifacts.iter().zip(&recognised) {
        let top = bundle.inside(artifact).split_once('/').map(|(top, _)| top);
        let of_bundle = tops.get_mut(artifact.bundle);
        if let (Some(_), Some(top), Some(of_bundle)) = (recognised.format(), top, of_bundle) {
            of_bundle.insert(top.to_owned());
        }
    }
    let none = BTreeSet::new();
    let planned = bundle
        .artifacts
        .iter()
        .zip(recognised)
        .map(|(artifact, (recognised, facts))| {
            let tops = tops.get(artifact.bundle).unwrap_or(&none);
            let host = bundle.host_of(artifact, tops).map(str::to_owned);
            Planned {
                artifact,
                recognised,
                host,
                facts,
            }
        });
    planned.collect()
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
