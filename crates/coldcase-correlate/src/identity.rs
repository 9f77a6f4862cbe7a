//! Who held an address, and when.
//!
//! Addresses of pods and containers are reused within minutes, so that an address alone names nobody.
//! From the timeline's snapshots and lives intervals are made, address to holder: containers and pods as
//! their engine shows them (started, ended, running when listed), pods of cluster tables (created by AGE,
//! there until the table was made), nodes and hosts, gateways of container networks, and the lease files
//! of the CNI plugin `host-local`, whose time says when an address was last handed out.
//!
//! Both ends of an interval are spans themselves: AGE is coarse, a pod's address is there before its
//! first container starts, and a pod that is Completed gave its address back at some unknown moment.
//! [`Identities::at`] asks who held an address during a time: whoever surely did beats whoever may
//! have, and of two that fit equally none is named; both are candidates.
//!
//! An address of a node is the node's: pods in its network share it and are not told apart.
//! Addresses that repeat from host to host (`172.17.0.2`) are told apart by the host that saw them.

use std::collections::BTreeMap;

use coldcase_model::{Observable, ObservableType};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use crate::CaseFacts;

mod interval;
mod leases;
mod listed;
mod lives;
mod read;

use interval::{Basis, Interval};
use read::Named;

/// How well a holder fits, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It held the address at some time that may have been this one: its end is not known.
    Weak,
    /// Its interval may reach over the time, given how coarse its ends are.
    Possible,
    /// By a list of pods it was there all the time.
    Listed,
    /// By the engine's own times, or as an address that never changes hands, it was there all the time.
    Exact,
}

/// Who held an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// A pod, a container or a host.
    pub observable: Observable,
    /// The pod's namespace.
    pub namespace: Option<String>,
    /// The container that is known to have used the address, where it is one only.
    pub container: Option<String>,
    /// The host or node that it ran on.
    pub host: Option<String>,
    /// Since when, in nanoseconds; open where unknown.
    pub start: Option<i64>,
    /// Until when; open where unknown, or where it was still there when it was listed.
    pub end: Option<i64>,
    /// How well it fits what was asked.
    pub fit: Fit,
    /// What says so: format, file and line.
    pub source: String,
    /// Rows of [`Identities::rows`] that say so.
    pub rows: Vec<usize>,
}

/// What an address was at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The one holder that fits best.
    pub best: Option<Holder>,
    /// All that fit best, where they are more than one.
    pub candidates: Vec<Holder>,
    /// Who may have held it, but fits less well.
    pub lesser: Vec<Holder>,
    /// Who held it at another time.
    pub others: Vec<Holder>,
}

impl Resolution {
    /// The same where the holder is known to be of this namespace: it decides between what fits alike, and
    /// against what is not sure.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        let unsure = self
            .best
            .as_ref()
            .is_none_or(|best| best.fit <= Fit::Possible);
        if !unsure || self.best.as_ref().is_some_and(|best| of(best, namespace)) {
            return self;
        }
        let all: Vec<&Holder> = self.candidates.iter().chain(&self.lesser).collect();
        let mut matching = all.into_iter().filter(|one| of(one, namespace));
        let found = match (matching.next(), matching.next()) {
            (Some(only), None) => only.clone(),
            _ => return self,
        };
        let all = self
            .best
            .take()
            .into_iter()
            .chain(std::mem::take(&mut self.candidates))
            .chain(std::mem::take(&mut self.lesser));
        self.lesser = all
            .filter(|one| one.observable != found.observable)
            .collect();
        self.best = Some(found);
        self
    }
}

fn of(holder: &Holder, namespace: &str) -> bool {
    holder.namespace.as_deref() == Some(namespace)
}

/// Who held which address when.
#[derive(Debug, Clone)]
pub struct Identities {
    /// Who surely or possibly held an address, by address.
    held: BTreeMap<String, Vec<Interval>>,
    rows: Selection,
}

impl Identities {
    /// All that timeline and case say about addresses.
    pub fn from(timeline: &Timeline, facts: &CaseFacts) -> Result<Self, TimelineError> {
        let rows = read::select(timeline)?;
        let collected = facts.collected_at.map(coldcase_model::Timestamp::nanos);
        let mut held: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
        let named: Vec<Named<'_>> = (0..rows.rows()).map(|row| Named::of(&rows, row)).collect();
        let engines = lives::of_engines(&named, collected);
        let lists = listed::of_lists(&named, collected);
        for (address, interval) in engines.into_iter().chain(lists) {
            held.entry(address).or_default().push(interval);
        }
        for host in &facts.hosts {
            for address in &host.addresses {
                let interval = Interval::host(&host.name, "case.toml");
                held.entry(address.clone()).or_default().push(interval);
            }
        }
        let leases = leases::read(timeline)?;
        for (address, intervals) in &mut held {
            interval::share_with_node(intervals);
            for lease in leases.iter().filter(|lease| lease.address == *address) {
                lease.cut(intervals);
            }
        }
        Ok(Self { held, rows })
    }

    /// Who held an address during a time. Without a time: at any.
    pub fn at(&self, address: &str, from_ns: Option<i64>, to_ns: Option<i64>) -> Resolution {
        self.at_on(address, from_ns, to_ns, None)
    }

    /// Likewise, as seen from this host: of holders on several hosts its own come first.
    pub fn at_on(
        &self,
        address: &str,
        from_ns: Option<i64>,
        to_ns: Option<i64>,
        host: Option<&str>,
    ) -> Resolution {
        let span = match (from_ns.or(to_ns), to_ns.or(from_ns)) {
            (Some(from), Some(to)) => Some((from.min(to), from.max(to))),
            _ => None,
        };
        resolve(&self.seen_from(address, host), span)
    }

    /// Whose an address is at whatever time: the host that owns it, else anybody who ever held it.
    pub fn owner(&self, address: &str, host: Option<&str>) -> Option<&Observable> {
        let known = self.seen_from(address, host);
        let owner = known.iter().find(|one| one.basis == Basis::Host);
        owner.or(known.first()).map(|one| &one.observable)
    }

    /// The address of a host, where one is known or the first of several.
    pub fn address_of(&self, host: &str) -> Option<&str> {
        let is_own = |one: &Interval| {
            one.basis == Basis::Host && !one.is_local && one.observable.value == host
        };
        let mut owned = self
            .held
            .iter()
            .filter(|(_, intervals)| intervals.iter().any(is_own));
        owned.next().map(|(address, _)| address.as_str())
    }

    /// Holders of an address: where it is one of those that repeat from host to host, this host's.
    fn seen_from(&self, address: &str, host: Option<&str>) -> Vec<&Interval> {
        let known = self.held.get(address).map_or(&[][..], Vec::as_slice);
        let local = |one: &Interval| one.is_local && one.host.as_deref() == host;
        let any_local = known.iter().any(local);
        let seen = known
            .iter()
            .filter(|one| !any_local || !one.is_local || local(one));
        seen.collect()
    }

    /// Pods whose name passes the test, with their addresses and hosts.
    pub fn pods(&self, test: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.held.iter().flat_map(move |(address, intervals)| {
            let passing: Vec<_> = intervals
                .iter()
                .filter(|one| one.pod_name().is_some_and(&test))
                .map(|one| (address.as_str(), one.host.as_deref()))
                .collect();
            passing
        })
    }

    /// Addresses that a host, pod or container of this name had (a pod also without its namespace), with
    /// when; of a time those that it may have had then.
    pub fn named(&self, name: &str, at: Option<i64>) -> Vec<(&str, Holder)> {
        let name = name.trim_start_matches('/');
        let is_named = |one: &&Interval| {
            let value = one.observable.value.as_str();
            value == name || one.container.as_deref() == Some(name) || one.pod_name() == Some(name)
        };
        let span = at.map(|at| (at, at));
        let known = self.held.iter().flat_map(|(address, intervals)| {
            let own = intervals.iter().filter(is_named);
            own.filter_map(move |one| Some((address.as_str(), one.holder(one.fit(span)?))))
        });
        known.collect()
    }

    /// Everybody who held an address, by address; whether it means something on its host alone.
    pub fn all(&self) -> impl Iterator<Item = (&str, bool, Holder)> {
        self.held.iter().flat_map(|(address, intervals)| {
            let holders = intervals.iter();
            holders.filter_map(|one| {
                Some((address.as_str(), one.is_local, one.holder(one.fit(None)?)))
            })
        })
    }

    /// The rows that all this rests on.
    pub fn rows(&self) -> &Selection {
        &self.rows
    }
}

/// Weighs intervals of one address: one holder each, best first.
fn resolve(intervals: &[&Interval], span: Option<(i64, i64)>) -> Resolution {
    let is_host = |one: &&&Interval| one.observable.kind == ObservableType::Host;
    let hosts: Vec<&Interval> = intervals.iter().filter(is_host).copied().collect();
    let weighed = if hosts.is_empty() { intervals } else { &hosts };
    let mut fitting: BTreeMap<&Observable, Holder> = BTreeMap::new();
    let mut others: BTreeMap<&Observable, Holder> = BTreeMap::new();
    for interval in weighed {
        let (group, fit) = match interval.fit(span) {
            Some(fit) => (&mut fitting, fit),
            None => (&mut others, Fit::Weak),
        };
        let holder = interval.holder(fit);
        match group.get_mut(&interval.observable) {
            None => {
                group.insert(&interval.observable, holder);
            }
            Some(known) => join(known, holder),
        }
    }
    others.retain(|observable, _| !fitting.contains_key(observable));
    let best = fitting.values().map(|holder| holder.fit).max();
    let (mut top, lesser): (Vec<Holder>, Vec<Holder>) = fitting
        .into_values()
        .partition(|holder| Some(holder.fit) == best);
    Resolution {
        best: (top.len() == 1).then(|| top.pop()).flatten(),
        candidates: top,
        lesser,
        others: others.into_values().collect(),
    }
}

/// Two sources that name the same holder: the better one's times, both as sources.
fn join(known: &mut Holder, other: Holder) {
    let (mut better, worse) = if other.fit > known.fit {
        (other, known.clone())
    } else {
        (known.clone(), other)
    };
    if worse.source != better.source {
        better.source = format!("{}; {}", better.source, worse.source);
    }
    better.container = better.container.or(worse.container);
    better.host = better.host.or(worse.host);
    better.rows.extend(worse.rows);
    *known = better;
}
