//! One holder of one address, with how surely it began and ended.

use coldcase_model::{Observable, ObservableType};

use super::{Fit, Holder};

/// What an interval rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// An address that is a host's own.
    Host,
    /// The engine's times.
    Engine,
    /// A list of pods, in which it was running.
    Listed,
    /// A list of pods, in which it had ended.
    Ended,
}

/// A moment that lies in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    pub earliest: i64,
    pub latest: i64,
}

impl Bound {
    /// Any moment.
    pub const UNKNOWN: Self = Self {
        earliest: i64::MIN,
        latest: i64::MAX,
    };

    /// Its moment as shown, where it is known at all.
    fn shown(self) -> Option<i64> {
        (self.latest != i64::MAX && self.earliest != i64::MIN).then_some(self.latest)
    }
}

/// One holder of one address.
#[derive(Debug, Clone)]
pub(super) struct Interval {
    pub observable: Observable,
    pub namespace: Option<String>,
    pub container: Option<String>,
    pub host: Option<String>,
    /// Whether the address means something on its host alone.
    pub is_local: bool,
    /// Whether it lives in its node's network, with the node's address.
    pub shares_node: bool,
    pub basis: Basis,
    pub begins: Bound,
    pub ends: Bound,
    pub source: String,
    pub rows: Vec<usize>,
}

impl Interval {
    /// A host's own address: held all the time.
    pub fn host(name: &str, source: &str) -> Self {
        Self {
            observable: Observable::new(ObservableType::Host, name),
            namespace: None,
            container: None,
            host: Some(name.to_owned()),
            is_local: false,
            shares_node: false,
            basis: Basis::Host,
            begins: Bound {
                earliest: i64::MIN,
                latest: i64::MIN,
            },
            ends: Bound {
                earliest: i64::MAX,
                latest: i64::MAX,
            },
            source: source.to_owned(),
            rows: Vec::new(),
        }
    }

    /// The pod's name without its namespace.
    pub fn pod_name(&self) -> Option<&str> {
        let value = self.observable.value.as_str();
        (self.observable.kind == ObservableType::Pod)
            .then(|| value.rsplit_once('/').map_or(value, |(_, name)| name))
    }

    /// Whether it was there when it was listed.
    pub fn is_present(&self) -> bool {
        self.ends.latest == i64::MAX && self.basis != Basis::Ended
    }

    /// How well it fits this time; `None` where it can't have been the holder all of it.
    pub fn fit(&self, span: Option<(i64, i64)>) -> Option<Fit> {
        let Some((from, to)) = span else {
            return Some(match self.basis {
                Basis::Host => Fit::Exact,
                Basis::Engine | Basis::Listed => Fit::Possible,
                Basis::Ended => Fit::Weak,
            });
        };
        if self.begins.earliest > from || self.ends.latest < to {
            return None;
        }
        let sure = self.begins.latest <= from && self.ends.earliest >= to;
        Some(match self.basis {
            Basis::Host => Fit::Exact,
            Basis::Engine if sure => Fit::Exact,
            Basis::Listed if sure => Fit::Listed,
            Basis::Engine | Basis::Listed => Fit::Possible,
            Basis::Ended => Fit::Weak,
        })
    }

    /// The holder that it states.
    pub fn holder(&self, fit: Fit) -> Holder {
        let ended = Some(self.ends.earliest).filter(|_| {
            !self.is_present() && self.basis == Basis::Engine && self.ends.earliest != i64::MIN
        });
        Holder {
            observable: self.observable.clone(),
            namespace: self.namespace.clone(),
            container: self.container.clone(),
            host: self.host.clone(),
            start: self.begins.shown(),
            end: ended,
            fit,
            source: self.source.clone(),
            rows: self.rows.clone(),
        }
    }
}

/// Pods that say they live in their node's network, or that share one address at one time on one node, hold
/// no address of their own: it is the node's.
pub(super) fn share_with_node(intervals: &mut Vec<Interval>) {
    let present: Vec<&Interval> = intervals
        .iter()
        .filter(|one| one.observable.kind == ObservableType::Pod && one.is_present())
        .filter(|one| one.basis == Basis::Listed)
        .collect();
    let node = present.iter().find_map(|one| one.host.clone());
    let several = present.iter().any(|one| {
        one.host == node
            && present
                .first()
                .is_some_and(|first| first.observable != one.observable)
    });
    let said = intervals.iter().find(|one| one.shares_node);
    let found = match said {
        Some(said) => said.host.clone().map(|host| (host, said.source.clone())),
        None if several => node.zip(present.first().map(|one| one.source.clone())),
        None => None,
    };
    if let Some((host, source)) = found {
        intervals.push(Interval::host(&host, &source));
    }
}
