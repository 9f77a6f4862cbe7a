//! From rows to intervals: lives of containers and pods, lists of pods, nodes, networks.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Observable, ObservableType, action};
use coldcase_timeline::Selection;

use super::interval::{Basis, Bound, Interval};
use super::read::Named;

const SECOND_NS: i64 = 1_000_000_000;
/// A network is there this long before its sandbox, or the container it belongs to, counts as started.
const LEAD_NS: i64 = 5 * SECOND_NS;
/// A sandbox gives its address back within this time after its end.
const TRAIL_NS: i64 = 60 * SECOND_NS;
/// Where only containers of a pod are known: images are pulled before the first starts, and the sandbox
/// is taken down after the last ended.
const AROUND_CONTAINERS_NS: i64 = 600 * SECOND_NS;

/// What kubectl shows of pods that have ended and given their address back. (A pod whose container just
/// failed and will be started again shows some of them too, for a moment.)
const ENDED: [&str; 13] = [
    "Completed",
    "Succeeded",
    "Failed",
    "Error",
    "OOMKilled",
    "Evicted",
    "ContainerStatusUnknown",
    "DeadlineExceeded",
    "NodeAffinity",
    "NodeShutdown",
    "Shutdown",
    "Terminated",
    "Preempting",
];

/// All intervals that these rows state, with their addresses.
pub(super) fn intervals(rows: &Selection, collected: Option<i64>) -> Vec<(String, Interval)> {
    let named: Vec<Named<'_>> = (0..rows.rows()).map(|row| Named::of(rows, row)).collect();
    let mut found = engine_lives(&named, collected);
    let exits = pod_exits(&named);
    for row in &named {
        match row.action {
            action::POD_LISTED => listed_pod(row, collected, &exits, &mut found),
            action::NODE_LISTED => node(row, &mut found),
            action::NETWORK_LISTED => gateways(row, &mut found),
            _ => {}
        }
    }
    found
}

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

fn engine_lives(named: &[Named<'_>], collected: Option<i64>) -> Vec<(String, Interval)> {
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
            let key = (row.host, observable(row), row.text("pod_uid"), address);
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

impl Named<'_> {
    /// When the list was made.
    fn collected(&self, collected: Option<i64>) -> Option<i64> {
        let is_list = matches!(
            self.action,
            action::CONTAINER_LISTED | action::POD_LISTED | action::NETWORK_LISTED
        );
        self.ts.filter(|_| is_list).or(collected)
    }

    fn is_sandbox(&self) -> bool {
        self.flag("sandbox")
            || self
                .container
                .is_some_and(|name| name.starts_with("k8s_POD_"))
    }
}

fn observable(row: &Named<'_>) -> Observable {
    match (row.namespace, row.pod) {
        (Some(namespace), Some(pod)) => {
            Observable::new(ObservableType::Pod, format!("{namespace}/{pod}"))
        }
        (None, Some(pod)) => Observable::new(ObservableType::Pod, pod),
        _ => Observable::new(
            ObservableType::Container,
            row.container.unwrap_or_default().trim_start_matches('/'),
        ),
    }
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
            observable: observable(row),
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

/// When the last container of a pod ended, by namespace and name.
fn pod_exits<'a>(named: &'a [Named<'_>]) -> BTreeMap<(Option<&'a str>, &'a str), i64> {
    let mut exits = BTreeMap::new();
    for row in named.iter().filter(|row| {
        row.action == action::CONTAINER_EXITED && !row.flag("restarted") && !row.is_sandbox()
    }) {
        if let (Some(pod), Some(at)) = (row.pod, row.ts) {
            let last = exits.entry((row.namespace, pod)).or_insert(at);
            *last = at.max(*last);
        }
    }
    exits
}

fn listed_pod(
    row: &Named<'_>,
    collected: Option<i64>,
    exits: &BTreeMap<(Option<&str>, &str), i64>,
    found: &mut Vec<(String, Interval)>,
) {
    let Some(pod) = row.pod else {
        return;
    };
    let shown = row.collected(collected);
    let begins = pod_begins(row, shown);
    let status = row.text("status").unwrap_or_default();
    let has_ended = ENDED.contains(&status)
        || ["OutOf", "ExitCode:", "Signal:", "Unexpected"]
            .iter()
            .any(|start| status.starts_with(start));
    let exit = exits.get(&(row.namespace, pod)).copied();
    let (basis, ends) = match (has_ended, exit) {
        (true, Some(exit)) => (
            Basis::Engine,
            Bound {
                earliest: exit,
                latest: exit.saturating_add(AROUND_CONTAINERS_NS),
            },
        ),
        (true, None) => (
            Basis::Ended,
            Bound {
                earliest: i64::MIN,
                latest: shown.unwrap_or(i64::MAX),
            },
        ),
        (false, _) => (
            Basis::Listed,
            Bound {
                earliest: shown.unwrap_or(i64::MIN),
                latest: i64::MAX,
            },
        ),
    };
    let node = row.node();
    let shares_node = row.flag("host_network");
    for address in &row.addresses {
        let interval = Interval {
            observable: observable(row),
            namespace: row.namespace.map(str::to_owned),
            container: None,
            host: node.map(str::to_owned),
            is_local: false,
            shares_node,
            basis,
            begins,
            ends,
            source: row.source.clone(),
            rows: vec![row.row],
        };
        found.push((address.clone(), interval));
    }
    if let (Some(address), Some(node)) = (row.text("host_ip"), node) {
        found.push((address.to_owned(), Interval::host(node, &row.source)));
    }
}

fn pod_begins(row: &Named<'_>, shown: Option<i64>) -> Bound {
    if let Some(created) = row.time("created") {
        let latest = row.time("started").unwrap_or(created).max(created);
        return Bound {
            earliest: created,
            latest,
        };
    }
    let age = row.seconds("age_seconds");
    let unit = row.seconds("age_unit_seconds").unwrap_or(0);
    match age.zip(shown) {
        Some((age, shown)) => Bound {
            earliest: shown.saturating_sub(age).saturating_sub(unit),
            latest: shown.saturating_sub(age),
        },
        None => Bound {
            earliest: i64::MIN,
            latest: shown.unwrap_or(i64::MAX),
        },
    }
}

fn node(row: &Named<'_>, found: &mut Vec<(String, Interval)>) {
    let Some(name) = row.node() else {
        return;
    };
    let external = row
        .text("external_ip")
        .and_then(coldcase_model::canonical_ip);
    let addresses = row
        .addresses
        .iter()
        .cloned()
        .chain(external.map(|address| address.into_owned()));
    for address in addresses {
        let mut interval = Interval::host(name, &row.source);
        interval.rows.push(row.row);
        found.push((address, interval));
    }
}

/// The gateway of a container network is its host, on that host.
fn gateways(row: &Named<'_>, found: &mut Vec<(String, Interval)>) {
    let Some(host) = row.host else {
        return;
    };
    for gateway in row.texts("gateways") {
        let mut interval = Interval::host(host, &row.source);
        interval.is_local = true;
        interval.rows.push(row.row);
        found.push((gateway.to_owned(), interval));
    }
}
