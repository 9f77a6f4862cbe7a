//! Which format each artifact is.
//!
//! Files of one name are mostly of one format: of those that share a name, the first is shown to all formats, and the others
//! at first to the one that was sure of it. That changes nothing but time, since what one format is sure of no other is
//! (the tests of the formats see to that), and does not depend on which thread is first.

use std::collections::HashMap;

use coldcase_evidence::{Artifact, Bundle, read_head};
use coldcase_ingest::formats::{Facts, clues};
use coldcase_ingest::{Format, Probe, Sniff, formats, series_key};
use coldcase_model::KnownFormat;
use rayon::prelude::*;

use crate::plan::Recognised;

/// Bytes of an artifact that formats may look at to recognise it.
const HEAD: usize = 64 << 10;

/// What an artifact is, how sure that is, and what its beginning tells of its host.
struct Answer {
    recognised: Recognised,
    facts: Facts,
    sniff: Sniff,
}

/// What each artifact is, in their order.
pub(crate) fn recognise_all(bundle: &Bundle, only: &[&String]) -> Vec<(Recognised, Facts)> {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let (mut firsts, mut first_of) = (Vec::new(), Vec::new());
    for (index, artifact) in bundle.artifacts.iter().enumerate() {
        let name = artifact.path.rsplit('/').next().unwrap_or_default();
        let number = *numbers.entry(series_key(name)).or_insert_with(|| {
            firsts.push(index);
            firsts.len() - 1
        });
        first_of.push((number, firsts.get(number) == Some(&index)));
    }
    let ask = |index: &usize, hint| {
        let artifact = bundle.artifacts.get(*index)?;
        Some(recognise(bundle, artifact, only, hint))
    };
    let answers: Vec<Option<Answer>> = firsts.par_iter().map(|index| ask(index, None)).collect();
    let hint = |number: usize| {
        let answer = answers.get(number)?.as_ref()?;
        answer
            .recognised
            .format()
            .filter(|_| answer.sniff == Sniff::Sure)
    };
    let others: Vec<Option<Answer>> = first_of
        .par_iter()
        .enumerate()
        .map(|(index, (number, is_first))| match is_first {
            true => None,
            false => ask(&index, hint(*number)),
        })
        .collect();
    let mut firsts = answers.into_iter();
    let told = first_of.iter().zip(others).map(|((_, is_first), other)| {
        let answer = match is_first {
            true => firsts.next().flatten(),
            false => other,
        };
        answer.map_or((Recognised::Nothing, Facts::default()), |answer| {
            (answer.recognised, answer.facts)
        })
    });
    told.collect()
}

fn recognise(
    bundle: &Bundle,
    artifact: &Artifact,
    only: &[&String],
    hint: Option<&'static Format>,
) -> Answer {
    let answer = |recognised, facts, sniff| Answer {
        recognised,
        facts,
        sniff,
    };
    if let Some(known) = known(bundle, artifact) {
        return answer(Recognised::Known(known), Facts::default(), Sniff::No);
    }
    let nothing = || answer(Recognised::Nothing, Facts::default(), Sniff::No);
    if artifact.unreadable.is_some() {
        return nothing();
    }
    let Ok((head, complete)) = read_head(&artifact.disk, HEAD) else {
        return nothing();
    };
    if head.is_empty() {
        return nothing();
    }
    let probe = Probe::new(&artifact.path, &head, complete);
    let hinted = hint.filter(|format| (format.sniff)(&probe) == Sniff::Sure);
    match hinted.map_or_else(|| best(&probe, only), |format| Some((Sniff::Sure, format))) {
        Some((sniff, format)) => {
            let facts = clues(format.id, &probe);
            answer(Recognised::Format(format), facts, sniff)
        }
        None => nothing(),
    }
}

/// The format that is surest of an artifact; of equally sure ones the registry's first, so that none is asked after one that
/// is quite sure.
fn best(probe: &Probe<'_>, only: &[&String]) -> Option<(Sniff, &'static Format)> {
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
    best
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
