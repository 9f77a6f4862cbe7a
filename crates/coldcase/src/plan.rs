//! Before anything is read in full: which format each artifact is, and which host it is from.

use std::collections::BTreeSet;

use coldcase_evidence::{Artifact, Bundle};
use coldcase_ingest::formats::Facts;
use coldcase_ingest::{Format, formats};
use coldcase_model::KnownFormat;

use crate::recognise::recognise_all;

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
    let recognised = recognise_all(bundle, &only);
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
