//! What two or more cases have in common: by their findings, by records of their timelines, by the very
//! same files.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::Severity;

use super::entities::{EntityKind, Said, Value, of_case};
use super::{BatchCase, Span};

/// A shared entity is one that a finding of this severity names, in some case.
pub(super) const LEAST: Severity = Severity::Low;
/// Entities of one kind named.
const MOST_ENTITIES: usize = 200;
/// Formats of what the collector wrote, not the host.
const COLLECTORS: [&str; 2] = ["case", "indicators"];
/// Same files named; a later bundle of a machine holds most of an earlier one.
const MOST_FILES: usize = 50;
/// Words in a host's name that make it a way for others.
const GATEWAYS: [&str; 6] = ["gateway", "gw", "router", "nat", "proxy", "bastion"];

/// An entity in one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Number of the case.
    pub case: usize,
    /// What its findings say; `None`: only its timeline has it.
    pub said: Option<Said>,
    /// Records of its timeline, where it was sought there.
    pub records: u64,
    pub span: Option<Span>,
}

/// An entity that two or more cases have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entity {
    pub value: Value,
    /// By case, in the report's order.
    pub seen: Vec<Seen>,
    /// Hosts that the cases say it is the address of.
    pub owners: BTreeSet<String>,
}

impl Entity {
    /// The worst finding that names it.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.seen
            .iter()
            .filter_map(|seen| Some(seen.said.as_ref()?.severity))
            .max()
    }

    /// Whether one of its owners is called a gateway.
    pub(super) fn is_gateway(&self) -> bool {
        let mut owners = self.owners.iter();
        owners.any(|owner| {
            let mut words = owner.split(|part: char| !part.is_ascii_alphabetic());
            words.any(|word| GATEWAYS.contains(&word.to_ascii_lowercase().as_str()))
        })
    }
}

/// A file that two or more cases read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SameFile {
    pub sha256: String,
    pub bytes: u64,
    /// Number of the case, and the path there.
    pub places: Vec<(usize, String)>,
}

/// What cases have in common.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// Most severe first, then those of the most cases.
    pub(super) entities: Vec<Entity>,
    pub(super) files: Vec<SameFile>,
    /// More same files than are named.
    pub(super) more_files: usize,
    /// Left out as common by nature.
    pub(super) common: BTreeSet<Value>,
    /// More entities of each kind than are named.
    pub(super) more: BTreeMap<EntityKind, usize>,
    /// Left out for nothing but remarks name them.
    pub(super) only_noted: usize,
}

impl Shared {
    /// What these cases have in common.
    pub(super) fn of(cases: &[BatchCase]) -> Self {
        let mut shared = Self::default();
        let mut all: BTreeMap<Value, Vec<Seen>> = BTreeMap::new();
        for (case, one) in cases.iter().enumerate() {
            let mut said = of_case(one);
            for (value, sighting) in &one.sightings {
                let said = said.remove(value);
                let spans = said.as_ref().and_then(|said| said.span).into_iter();
                let spans = spans.chain(sighting.span);
                let moments: Vec<_> = spans.flat_map(|span| [span.first, span.last]).collect();
                all.entry(value.clone()).or_default().push(Seen {
                    case,
                    said,
                    records: sighting.records,
                    span: Span::of(moments.into_iter()),
                });
            }
            for (value, said) in said {
                let span = said.span;
                let seen = Seen {
                    case,
                    said: Some(said),
                    records: 0,
                    span,
                };
                all.entry(value).or_default().push(seen);
            }
        }
        for (value, seen) in all.into_iter().filter(|(_, seen)| seen.len() > 1) {
            shared.take(value, seen, cases);
        }
        shared.entities.sort_by(|a, b| {
            let key = |one: &Entity| (one.worst(), one.seen.len());
            key(b).cmp(&key(a)).then_with(|| a.value.cmp(&b.value))
        });
        let mut named: BTreeMap<EntityKind, usize> = BTreeMap::new();
        shared.entities.retain(|entity| {
            let count = named.entry(entity.value.kind).or_default();
            *count += 1;
            *count <= MOST_ENTITIES
        });
        named.retain(|_, count| *count > MOST_ENTITIES);
        shared.more = named
            .into_iter()
            .map(|(kind, count)| (kind, count - MOST_ENTITIES))
            .collect();
        shared.same_files(cases);
        shared
    }

    fn take(&mut self, value: Value, seen: Vec<Seen>, cases: &[BatchCase]) {
        if value.is_common() {
            self.common.insert(value);
            return;
        }
        let hosts = cases.iter().flat_map(|case| &case.hosts);
        let owners = hosts.filter(|(_, addresses)| {
            value.kind == EntityKind::Address && addresses.contains(&value.text)
        });
        let owners = owners.map(|(host, _)| host.clone()).collect();
        let entity = Entity {
            value,
            seen,
            owners,
        };
        if entity.worst() >= Some(LEAST) {
            self.entities.push(entity);
        } else {
            self.only_noted += 1;
        }
    }

    fn same_files(&mut self, cases: &[BatchCase]) {
        let mut files: BTreeMap<(&str, u64), Vec<(usize, String)>> = BTreeMap::new();
        for (case, one) in cases.iter().enumerate() {
            let collected = |format: &str| !COLLECTORS.contains(&format);
            let told = one.inputs.iter().filter(|input| input.bytes > 0);
            for input in told.filter(|input| input.format.is_none_or(collected)) {
                if let Some(sha256) = &input.sha256 {
                    let places = files.entry((sha256, input.bytes)).or_default();
                    places.push((case, input.path.clone()));
                }
            }
        }
        let several = |places: &[(usize, String)]| {
            let cases: BTreeSet<usize> = places.iter().map(|(case, _)| *case).collect();
            cases.len() > 1
        };
        let same = files.into_iter().filter(|(_, places)| several(places));
        self.files = same
            .map(|((sha256, bytes), places)| SameFile {
                sha256: sha256.to_owned(),
                bytes,
                places,
            })
            .collect();
        // The largest say the most.
        self.files
            .sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.cmp(b)));
        self.more_files = self.files.len().saturating_sub(MOST_FILES);
        self.files.truncate(MOST_FILES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_told_by_their_names() {
        for (owner, expected) in [
            ("office-gw", true),
            ("gw01.corp", true),
            ("NAT-1", true),
            ("gwen", false),
            ("db-07", false),
        ] {
            let entity = Entity {
                value: Value {
                    kind: EntityKind::Address,
                    text: "10.0.0.1".into(),
                },
                seen: Vec::new(),
                owners: BTreeSet::from([owner.to_owned()]),
            };
            assert_eq!(entity.is_gateway(), expected, "{owner}");
        }
    }
}
