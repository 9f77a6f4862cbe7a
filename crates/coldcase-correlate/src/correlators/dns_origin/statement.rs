//! The finding about one client: its facts, how sure they are, and the records they rest on.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use serde_json::{Value, json};

use super::legs::OPEN_NS;
use super::origin::Askers;
use super::{Case, LOOKUP_NS, Origin, after, words};
use crate::Draft;
use crate::evidence::time_fact;
use crate::identity::Fit;

/// Records of questions shown, so that those of holder and connections find room.
const MOST_QUESTIONS: usize = 16;
/// Where a holder's end is not known, connections this long after its last question are taken for its own.
const SAME_HOLDER_NS: i64 = 3_600_000_000_000;
/// How sure an address's holder is, by how it fits.
const CONFIDENCE: [(Fit, f64); 4] = [
    (Fit::Exact, 0.97),
    (Fit::Listed, 0.93),
    (Fit::Possible, 0.8),
    (Fit::Weak, 0.6),
];
/// Node or host: which of its processes, or which pod behind it, is open.
const CONFIDENCE_HOST: f64 = 0.85;
/// The address alone.
const CONFIDENCE_ADDRESS: f64 = 0.5;
/// A resolver without a client.
const CONFIDENCE_RESOLVER: f64 = 0.3;
/// What a namespace in the search suffix that is not the holder's leaves of its confidence.
const CONTRADICTED: f64 = 0.6;

impl<'a> Case<'_, 'a> {
    /// Connections to what was answered, while the address was surely the same one's.
    fn reached(&self, origin: &Origin<'_, 'a>) -> Option<after::Reached> {
        let (first, last) = origin.span();
        let end = origin.resolution.best.as_ref().and_then(|best| best.end);
        let until = end.or(last.map(|last| last.saturating_add(SAME_HOLDER_NS)));
        self.after.of(origin.address, first?, until)
    }

    /// What is stated of this client.
    pub(super) fn finding(&self, origin: &Origin<'_, 'a>, askers: &Askers<'_, '_>) -> Finding {
        let asked = origin.asked();
        let all: usize = asked.iter().map(|(_, count, _)| count).sum();
        // One name stands for all where it is most of them.
        let (domain, queries) = match asked.first() {
            Some((name, count, _)) if count * 2 >= all => (name.as_str(), *count),
            _ => (origin.indicator, all),
        };
        let (first, last) = origin.span();
        let client = origin.client();
        let types: BTreeSet<&str> = origin
            .legs
            .iter()
            .map(|leg| leg.query_type)
            .filter(|word| !word.is_empty())
            .collect();
        let types: Vec<Value> = types.into_iter().map(Value::from).collect();
        let mut subjects = vec![
            Observable::new(ObservableType::Domain, domain),
            Observable::new(ObservableType::Ip, origin.address),
        ];
        subjects.extend(Some(client.clone()).filter(|one| one.kind != ObservableType::Unknown));
        let severity = match origin.only_forwards {
            true => Severity::Medium,
            false => Severity::High,
        };
        let reached = self.reached(origin);
        let told = words::Told {
            origin,
            askers,
            asked: &asked,
            domain,
            queries,
            reached: reached.clone(),
            facts: self.facts,
        };
        let candidates: Vec<Value> = origin
            .resolution
            .candidates
            .iter()
            .map(|one| entity(&one.observable))
            .collect();
        let draft = Draft::new("dns-origin", subjects, origin.indicator)
            .says(told.title(), told.text())
            .weighs(severity, confidence(origin))
            .spans(first, last)
            .fact("domain", domain)
            .fact("indicator", origin.indicator)
            .fact("client_ip", origin.address)
            .fact("client", entity(&client))
            .fact("candidates", candidates)
            .fact("queries", queries)
            .fact("query_types", types)
            .fact("first", time_fact(first))
            .fact("last", time_fact(last))
            .fact("thresholds", thresholds())
            .attack(&["T1071.004"])
            .rests_on(self.rows, &decisive(origin));
        let holders = origin.resolution.best.iter();
        let holders: Vec<usize> = holders
            .chain(&origin.resolution.candidates)
            .filter_map(|holder| holder.rows.first().copied())
            .take(2)
            .collect();
        let draft = draft.rests_on(self.identities.rows(), &holders);
        match reached {
            Some(reached) => draft.rests_on(self.after.rows(), &[reached.row]).finish(),
            None => draft.finish(),
        }
    }
}

/// What joins questions into one, and one holder's into one finding.
fn thresholds() -> Value {
    json!({
        "open_seconds": OPEN_NS / 1_000_000_000,
        "lookup_seconds": LOOKUP_NS / 1_000_000_000,
        "same_holder_seconds": SAME_HOLDER_NS / 1_000_000_000,
    })
}

fn entity(observable: &Observable) -> Value {
    json!(observable)
}

fn confidence(origin: &Origin<'_, '_>) -> f64 {
    if origin.only_forwards {
        return CONFIDENCE_RESOLVER;
    }
    let Some(best) = &origin.resolution.best else {
        let alike = origin.resolution.candidates.len().max(1);
        return CONFIDENCE_ADDRESS / (alike as f64).sqrt();
    };
    if best.observable.kind == ObservableType::Host {
        return CONFIDENCE_HOST;
    }
    let fit = CONFIDENCE.iter().find(|(fit, _)| *fit == best.fit);
    let sure = fit.map_or(CONFIDENCE_ADDRESS, |(_, sure)| *sure);
    let contradicted = best
        .namespace
        .as_ref()
        .is_some_and(|own| !origin.namespaces.is_empty() && !origin.namespaces.contains(own));
    if contradicted {
        sure * CONTRADICTED
    } else {
        sure
    }
}

/// First and last records of each source, those around them, and one that tells the namespace.
fn decisive(origin: &Origin<'_, '_>) -> Vec<usize> {
    let mut files: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for leg in &origin.legs {
        files
            .entry((leg.format, leg.file))
            .or_default()
            .push(leg.row);
    }
    let room = MOST_QUESTIONS - 1;
    let each = (room / files.len().max(1)).max(1);
    let mut shown: BTreeSet<usize> = BTreeSet::new();
    for rows in files.values() {
        let step = |index: usize| match each.min(rows.len()) {
            0 | 1 => 0,
            many => index * (rows.len() - 1) / (many - 1),
        };
        shown.extend((0..each.min(rows.len())).filter_map(|index| rows.get(step(index)).copied()));
    }
    let mut shown: Vec<usize> = shown.into_iter().take(room).collect();
    shown.extend(origin.telling);
    shown
}
