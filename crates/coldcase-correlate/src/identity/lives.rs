//! Intervals from an engine's view: containers, and pods as the containers in one sandbox.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Observable, ObservableType, action};

use super::interval::{Basis, Bound, Interval};
use super::read::Named;

const SECOND_NS: i64 = 1_000_000_000;
/// A network is there this long before its sandbox, or the container it belongs to, counts as started.
const LEAD_NS: i64 = 5 * SECOND_NS;
/// A sandbox gives its address back within this time after its end.
const TRAIL_NS: i64 = 60 * SECOND_NS;
/// Where only containers of a pod are known: images are pulled before the first starts, and the sandbox
/// is taken down after the last ended.
pub(super) const AROUND_CONTAINERS_NS: i64 = 600 * SECOND_NS;

/// Start and end of one container or sandbox, or of several together.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Nothing where only its presence or its end is known.
    begins: Option<Bound>,
    /// Last end, where it is known.
    ended: Option<i64>,
    /// There when listed.
    runs: bool,
}

impl Span {
    fn together(self, other: Self) -> Self {
        let begins = match (self.begins, other.begins) {
            (Some(one), Some(other)) => Some(Bound {
                earliest: one.earliest.min(other.earliest),
                latest: one.latest.min(other.latest),
            }),
            (one, other) => one.or(other),
        };
        Self {
            begins,
            ended: self.ended.max(other.ended),
            runs: self.runs || other.runs,
        }
    }
}

/// What an engine shows of one pod or container with one address.
struct Life<'a> {
    observable: Observable,
    sandbox: Option<Span>,
    containers: Option<Span>,
    names: BTreeSet<&'a str>,
    namespace: Option<&'a str>,
    host: Option<&'a str>,
    collected: Option<i64>,
    sources: Vec<(usize, &'a str, bool)>,
}

/// Host, pod or container, its uid, and address: what tells lives apart.
type LifeKey<'a> = (Option<&'a str>, Observable, Option<&'a str>, &'a str);

/// All that engines show of who had an address.
pub(super) fn of_engines(named: &[Named<'_>], collected: Option<i64>) -> Vec<(String, Interval)> {
    let mut in_networks: BTreeMap<(Option<&str>, &str), Vec<&str>> = BTreeMap::new();
    for row in named
        .iter()
        .filter(|row| row.action == action::NETWORK_LISTED)
    {
        if let Some(container) = row.container {
            let addresses = row.addresses.iter().map(String::as_str);
            in_networks
                .entry((row.host, container))
                .or_default()
                .extend(addresses);
        }
    }
    let mut lives: BTreeMap<LifeKey<'_>, Life<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for row in named.iter().filter(|row| row.container.is_some()) {
        let shown = row.collected(collected);
        let Some(span) = span(row) else {
            continue;
        };
        let name = row.container.unwrap_or_default();
        let networks = in_networks.get(&(row.host, name)).into_iter().flatten();
        let addresses: BTreeSet<&str> = row
            .addresses
            .iter()
            .map(String::as_str)
            .chain(networks.copied())
            .collect();
        if row.flag("host_network") {
            let node = row.node().unwrap_or_default();
            let hosts = addresses.iter().filter(|_| !node.is_empty());
            found.extend(hosts.map(|address| {
                (
                    (*address).to_owned(),
                    Interval::host(node, row.source.as_str()),
                )
            }));
            continue;
        }
        for address in addresses {
            let key = (row.host, row.observable(), row.text("pod_uid"), address);
            lives
                .entry(key)
                .or_insert_with(|| Life::of(row))
                .add(row, span, shown);
        }
    }
    let lives = lives
        .into_iter()
        .map(|((_, _, _, address), life)| (address.to_owned(), life.interval()));
    found.extend(lives);
    found
}

/// Start and end that a row states; `None` where it never ran.
fn span(row: &Named<'_>) -> Option<Span> {
    let at = |begin: i64, earliest: i64| Bound {
        earliest: earliest.min(begin).saturating_sub(LEAD_NS),
        latest: begin,
    };
    let only = |ended, runs| Span {
        begins: None,
        ended,
        runs,
    };
    match row.action {
        action::CONTAINER_STARTED => row.ts.map(|begin| Span {
            begins: Some(at(begin, begin)),
            ended: None,
            runs: false,
        }),
        action::CONTAINER_EXITED => row.ts.map(|end| only(Some(end), false)),
        action::NETWORK_LISTED => Some(only(None, true)),
        action::CONTAINER_LISTED => {
            let status = row.text("status").unwrap_or_default().to_ascii_lowercase();
            let created = row.time("created");
            let begin = row.time("started").or(created);
            let ended = row.time("finished");
            let ended_before = ended.zip(begin).is_some_and(|(end, begin)| end < begin);
            let runs = match status.as_str() {
                "running" | "paused" | "restarting" | "ready" | "sandbox_ready" => true,
                "" => begin.is_some() && (ended.is_none() || ended_before),
                "created" => return None,
                _ => false,
            };
            let begins =
                begin.map(|begin| at(begin, created.filter(|_| ended_before).unwrap_or(begin)));
            let ended = ended.filter(|_| !runs && !ended_before);
            Some(Span {
                begins,
                ended,
                runs,
            })
        }
        _ => None,
    }
}

impl<'a> Life<'a> {
    fn of(row: &'a Named<'_>) -> Self {
        Self {
            observable: row.observable(),
            sandbox: None,
            containers: None,
            names: BTreeSet::new(),
            namespace: row.namespace,
            host: None,
            collected: None,
            sources: Vec::new(),
        }
    }

    fn add(&mut self, row: &'a Named<'_>, span: Span, shown: Option<i64>) {
        let is_sandbox = row.is_sandbox();
        let of_kind = match is_sandbox {
            true => &mut self.sandbox,
            false => &mut self.containers,
        };
        *of_kind = Some(of_kind.map_or(span, |known| known.together(span)));
        if !is_sandbox {
            self.names.extend(row.container);
        }
        self.host = self.host.or(row.node());
        self.collected = self.collected.max(shown);
        self.sources
            .push((row.row, row.source.as_str(), is_sandbox));
    }

    fn interval(self) -> Interval {
        let is_pod = self.observable.kind == ObservableType::Pod;
        let (span, around) = match (self.sandbox, self.containers) {
            (Some(sandbox), _) => (Some(sandbox), TRAIL_NS),
            (None, containers) if is_pod => (containers, AROUND_CONTAINERS_NS),
            (None, containers) => (containers, TRAIL_NS),
        };
        let (begins, ends) = span.map_or((Bound::UNKNOWN, Bound::UNKNOWN), |span| {
            let mut begins = span.begins.unwrap_or(Bound {
                earliest: i64::MIN,
                latest: span.ended.or(self.collected).unwrap_or(i64::MAX),
            });
            if around == AROUND_CONTAINERS_NS {
                begins.earliest = begins.earliest.saturating_sub(around);
            }
            (begins, self.ends(span, begins.latest, around))
        });
        // The sandbox's own record first: its times are the address's.
        let mut sources = self.sources;
        sources.sort_by_key(|(row, _, is_sandbox)| (!is_sandbox, *row));
        let source = sources.first().map_or("", |(_, source, _)| *source);
        let only = match self.names.len() {
            1 => self.names.first().map(|name| (*name).to_owned()),
            _ => None,
        };
        Interval {
            observable: self.observable,
            namespace: self.namespace.map(str::to_owned),
            container: only,
            host: self.host.map(str::to_owned),
            is_local: !is_pod,
            shares_node: false,
            basis: Basis::Engine,
            begins,
            ends,
            source: source.to_owned(),
            rows: sources.iter().map(|(row, _, _)| *row).collect(),
        }
    }

    fn ends(&self, span: Span, began: i64, around: i64) -> Bound {
        if span.runs {
            let earliest = self.collected.unwrap_or(began);
            let latest = i64::MAX;
            return Bound { earliest, latest };
        }
        match (span.ended, self.containers.and_then(|span| span.ended)) {
            (Some(ended), _) => Bound {
                earliest: ended,
                latest: ended.saturating_add(around),
            },
            (None, last) => Bound {
                earliest: last.unwrap_or(began),
                latest: self.collected.unwrap_or(i64::MAX),
            },
        }
    }
}
