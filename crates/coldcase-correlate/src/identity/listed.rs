//! Intervals from lists: pods and nodes of a cluster, networks of an engine.

use std::collections::BTreeMap;

use coldcase_model::action;

use super::interval::{Basis, Bound, Interval};
use super::lives::AROUND_CONTAINERS_NS;
use super::read::Named;

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

/// All that lists show of who had an address.
pub(super) fn of_lists(named: &[Named<'_>], collected: Option<i64>) -> Vec<(String, Interval)> {
    let exits = pod_exits(named);
    let mut found = Vec::new();
    for row in named {
        match row.action {
            action::POD_LISTED => listed_pod(row, collected, &exits, &mut found),
            action::NODE_LISTED => node(row, &mut found),
            action::NETWORK_LISTED => gateways(row, &mut found),
            _ => {}
        }
    }
    found
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
            observable: row.observable(),
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
