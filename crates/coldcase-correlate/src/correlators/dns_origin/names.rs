//! Names: which of them an indicator means, and which are only such a name with a search suffix behind it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use coldcase_timeline::polars::prelude::{UniqueKeepStrategy, by_name};
use coldcase_timeline::{Timeline, TimelineError};

use crate::facts::{Indicator, IndicatorType};
use coldcase_model::action;

/// Names that share a suffix, apart from those asked about, that make it one that resolvers append.
const NAMES_WITH_A_SUFFIX: usize = 2;

/// Domains known to be bad.
pub(super) struct Indicators<'a> {
    domains: HashSet<&'a str>,
}

impl<'a> Indicators<'a> {
    /// The domains among indicators.
    pub fn of(all: &'a [Indicator]) -> Self {
        let domains = all.iter().filter(|one| one.kind == IndicatorType::Domain);
        Self {
            domains: domains.map(|one| one.value.as_str()).collect(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// The longest indicator that this name is, or is below of.
    pub fn matching(&self, name: &str) -> Option<&'a str> {
        let mut rest = name;
        loop {
            if let Some(known) = self.domains.get(rest) {
                return Some(known);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// A name that an indicator means, with something more behind it: the name and what follows.
    pub fn before_suffix<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        if self.matching(name).is_some() {
            return None;
        }
        let mut dots = name.rmatch_indices('.');
        dots.find_map(|(at, _)| {
            let (base, suffix) = (name.get(..at)?, name.get(at + 1..)?);
            self.matching(base).map(|_| (base, suffix))
        })
    }
}

/// Names of the evidence that matter here.
pub(super) struct Names {
    /// Names that an indicator means, with it.
    pub asked: BTreeMap<String, String>,
    /// Such names with a search suffix behind: the name asked for, and the suffix.
    pub expanded: BTreeMap<String, (String, String)>,
}

impl Names {
    /// All names that were asked, once each, sorted out.
    pub fn read(timeline: &Timeline, indicators: &Indicators<'_>) -> Result<Self, TimelineError> {
        let rows = timeline.select_where(&[action::DNS_QUERY], &["domain"], |rows| {
            rows.unique(
                Some(by_name(["domain"], true, false)),
                UniqueKeepStrategy::Any,
            )
        })?;
        let all: BTreeSet<&str> = rows.texts("domain").into_iter().flatten().collect();
        let asked = all.iter().filter_map(|name| {
            let indicator = indicators.matching(name)?;
            Some(((*name).to_owned(), indicator.to_owned()))
        });
        let asked: BTreeMap<String, String> = asked.collect();
        if asked.is_empty() {
            let expanded = BTreeMap::new();
            return Ok(Self { asked, expanded });
        }
        let suffixed: BTreeMap<&str, (&str, &str)> = all
            .iter()
            .filter_map(|name| Some((*name, indicators.before_suffix(name)?)))
            .collect();
        let known = search_suffixes(&suffixed, &all, indicators);
        let expanded = suffixed
            .into_iter()
            .filter(|(_, (_, suffix))| known.contains(suffix))
            .map(|(name, (base, suffix))| (name.to_owned(), (base.to_owned(), suffix.to_owned())))
            .collect();
        Ok(Self { asked, expanded })
    }
}

/// Of the suffixes seen behind names those that resolvers append: a cluster's three (`ns.svc.C`, `svc.C`,
/// `C`), and what stands behind several names that are also asked without it.
fn search_suffixes<'a>(
    suffixed: &BTreeMap<&'a str, (&'a str, &'a str)>,
    all: &BTreeSet<&'a str>,
    indicators: &Indicators<'_>,
) -> BTreeSet<&'a str> {
    let mut behind: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (base, suffix) in suffixed.values() {
        behind.entry(suffix).or_default().insert(base);
    }
    let mut known = BTreeSet::new();
    for (suffix, bases) in &behind {
        if is_cluster_suffix(suffix, |other| {
            behind
                .get(other)
                .is_some_and(|others| !others.is_disjoint(bases))
        }) {
            known.insert(*suffix);
        }
    }
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for name in all {
        for (at, _) in name.match_indices('.') {
            let (Some(base), Some(suffix)) = (name.get(..at), name.get(at + 1..)) else {
                continue;
            };
            if let Some((suffix, _)) = behind.get_key_value(suffix)
                && all.contains(base)
                && indicators.matching(base).is_none()
            {
                *others.entry(suffix).or_default() += 1;
            }
        }
    }
    let shared = others
        .into_iter()
        .filter(|(_, names)| *names >= NAMES_WITH_A_SUFFIX);
    known.extend(shared.map(|(suffix, _)| suffix));
    // The cluster's own domain stands last of its three.
    let domains: Vec<&str> = known
        .iter()
        .filter_map(|suffix| Some(suffix.split_once("svc.")?.1))
        .filter(|domain| behind.contains_key(domain))
        .collect();
    known.extend(domains);
    known
}

/// Whether a suffix is one of a cluster's: Kubernetes' usual domain, or one whose parts are also asked
/// behind the same name.
fn is_cluster_suffix(suffix: &str, is_behind: impl Fn(&str) -> bool) -> bool {
    const USUAL: &str = "cluster.local";
    let is_domain = |domain: &str, below: &str| {
        domain == USUAL || (is_behind(domain) && (below.is_empty() || is_behind(below)))
    };
    match suffix.split_once('.') {
        _ if suffix == USUAL => true,
        Some(("svc", domain)) => is_domain(domain, ""),
        Some((_, rest)) => rest
            .strip_prefix("svc.")
            .is_some_and(|domain| is_domain(domain, rest)),
        None => false,
    }
}

/// The namespace of whoever appends this suffix: `ns` of `ns.svc.C`.
pub(super) fn namespace_of(suffix: &str) -> Option<&str> {
    let (namespace, rest) = suffix.split_once('.')?;
    (namespace != "svc" && rest.starts_with("svc.")).then_some(namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indicators() -> Vec<Indicator> {
        ["evil.example", "deep.bad.test", "bad.test"]
            .map(|value| Indicator {
                kind: IndicatorType::Domain,
                value: value.to_owned(),
            })
            .into()
    }

    #[test]
    fn names_match_on_label_boundaries() {
        let all = indicators();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(Indicators::of(&all).matching(name), expected, "{name}");
        };
        check("evil.example", Some("evil.example"));
        check("a.b.evil.example", Some("evil.example"));
        check("notevil.example", None);
        check("evil.example.mirror.test", None);
        check("x.deep.bad.test", Some("deep.bad.test"));
        check("x.bad.test", Some("bad.test"));
        check("example", None);
        check("", None);
    }

    #[test]
    fn suffixes_stand_behind_whole_names() {
        let all = indicators();
        let check = |name: &str, expected: Option<(&str, &str)>| {
            assert_eq!(Indicators::of(&all).before_suffix(name), expected, "{name}");
        };
        check(
            "c2.evil.example.prod.svc.cluster.local",
            Some(("c2.evil.example", "prod.svc.cluster.local")),
        );
        check("evil.example.test", Some(("evil.example", "test")));
        check("notevil.example.cluster.local", None);
        check("evil.example", None);
    }

    #[test]
    fn suffixes_are_learned() {
        let all = indicators();
        let check = |names: &[&str], expected: &[&str]| {
            let indicators = Indicators::of(&all);
            let names: BTreeSet<&str> = names.iter().copied().collect();
            let suffixed: BTreeMap<&str, (&str, &str)> = names
                .iter()
                .filter_map(|name| Some((*name, indicators.before_suffix(name)?)))
                .collect();
            let known: Vec<&str> = search_suffixes(&suffixed, &names, &indicators)
                .into_iter()
                .collect();
            assert_eq!(known, expected, "{names:?}");
        };
        check(
            &["evil.example.ns.svc.cluster.local"],
            &["ns.svc.cluster.local"],
        );
        check(
            &[
                "evil.example.ns.svc.k8s.corp",
                "evil.example.svc.k8s.corp",
                "evil.example.k8s.corp",
            ],
            &["k8s.corp", "ns.svc.k8s.corp", "svc.k8s.corp"],
        );
        check(&["evil.example.ns.svc.k8s.corp"], &[]);
        check(&["evil.example.mirror.test.ns.svc.cluster.local"], &[]);
        check(
            &["evil.example.mirror.test", "a.test.mirror.test", "a.test"],
            &[],
        );
        check(
            &[
                "evil.example.corp.test",
                "a.test",
                "a.test.corp.test",
                "b.test",
                "b.test.corp.test",
            ],
            &["corp.test"],
        );
    }

    #[test]
    fn suffixes_tell_namespaces() {
        assert_eq!(namespace_of("prod.svc.cluster.local"), Some("prod"));
        assert_eq!(namespace_of("svc.cluster.local"), None);
        assert_eq!(namespace_of("svc.svc.x"), None);
        assert_eq!(namespace_of("corp.test"), None);
    }
}
