//! Rows of tables that were made without a header (`--no-headers`), told by the shapes of their cells.

use std::borrow::Cow;

use coldcase_model::canonical_ip;

use super::age::Age;
use super::rows::{Row, first, is_ready, restarts};
use super::table::{Kind, is_known, words};

/// Columns of a wide table without a header, in kubectl's order, from NAME on.
const WIDE_PODS: [&str; 9] = [
    "NAME",
    "READY",
    "STATUS",
    "RESTARTS",
    "AGE",
    "IP",
    "NODE",
    "NOMINATED NODE",
    "READINESS GATES",
];
const WIDE_NODES: [&str; 10] = [
    "NAME",
    "STATUS",
    "ROLES",
    "AGE",
    "VERSION",
    "INTERNAL-IP",
    "EXTERNAL-IP",
    "OS-IMAGE",
    "KERNEL-VERSION",
    "CONTAINER-RUNTIME",
];

/// What a row without a header above it lists.
pub fn headless_kind(line: &str) -> Option<Kind> {
    headless(line).map(|row| row.kind)
}

/// A row of a wide table made with `--no-headers`.
pub fn headless(line: &str) -> Option<Row<'_>> {
    let list = words(line);
    if let Some((kind, names, list)) = headless_other(line, &list) {
        return Some(row(kind, &names, list)).filter(Row::fits);
    }
    if list.len() >= WIDE_PODS.len()
        && let Some(pod) = pod(list)
    {
        return Some(pod);
    }
    node(line)
}

fn row<'a>(kind: Kind, names: &[&'static str], list: Vec<&str>) -> Row<'a> {
    let cells = names.iter().map(|name| Cow::Borrowed(*name));
    let list: Vec<String> = list.into_iter().map(str::to_owned).collect();
    let cells = cells.zip(list.into_iter().map(Cow::Owned));
    let cells = cells
        .filter(|(_, cell): &(_, Cow<'_, str>)| is_known(cell))
        .collect();
    Row {
        kind,
        cells,
        namespace: None,
    }
}

fn pod<'a>(mut list: Vec<&str>) -> Option<Row<'a>> {
    let namespaced = list.get(2).is_some_and(|cell| is_ready(cell));
    restarts(list.get(3 + usize::from(namespaced))?)?;
    let names: Vec<&str> = namespaced
        .then_some("NAMESPACE")
        .into_iter()
        .chain(WIDE_PODS)
        .collect();
    list.truncate(names.len());
    let pod = row(Kind::Pods, &names, list);
    let counted = pod
        .cell("RESTARTS")
        .is_some_and(|cell| restarts(cell).is_some());
    let aged = pod
        .cell("AGE")
        .is_some_and(|cell| Age::parse(cell).is_some());
    let placed = pod
        .cell("IP")
        .is_none_or(|ip| canonical_ip(first(ip)).is_some());
    let fits = pod.fits() && counted && aged && placed && pod.cell("READY").is_some();
    fits.then_some(pod)
}

fn node<'a>(line: &str) -> Option<Row<'a>> {
    let wide = || {
        let cells = line.split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty())
    };
    if memchr::memmem::find(line.as_bytes(), b"  ").is_none() || wide().count() != WIDE_NODES.len()
    {
        return None;
    }
    let node = row(Kind::Nodes, &WIDE_NODES, wide().collect());
    let placed = node
        .cell("INTERNAL-IP")
        .is_some_and(|ip| canonical_ip(first(ip)).is_some());
    (node.fits() && placed).then_some(node)
}

/// Cells of an event or a service without a header.
fn headless_other<'a>(
    line: &'a str,
    list: &[&'a str],
) -> Option<(Kind, Vec<&'static str>, Vec<&'a str>)> {
    const EVENT: [&str; 5] = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    const SERVICE: [&str; 6] = [
        "NAME",
        "TYPE",
        "CLUSTER-IP",
        "EXTERNAL-IP",
        "PORT(S)",
        "AGE",
    ];
    let service_types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
    let at = list
        .iter()
        .take(3)
        .position(|word| matches!(*word, "Normal" | "Warning") || service_types.contains(word))?;
    let namespace = (at == 2).then_some("NAMESPACE");
    let is_event = matches!(*list.get(at)?, "Normal" | "Warning");
    if at == 0 || is_event && !list.get(at + 2)?.contains('/') {
        return None;
    }
    let names: &[&'static str] = match is_event {
        true => &EVENT,
        false => &SERVICE,
    };
    let names: Vec<&'static str> = namespace.into_iter().chain(names.iter().copied()).collect();
    let mut cells: Vec<&str> = list.iter().copied().take(names.len()).collect();
    if cells.len() < names.len() {
        return None;
    }
    if is_event {
        // All that stands behind the object is the message.
        let mut rest = line.trim();
        for word in cells.iter().take(names.len() - 1) {
            rest = rest.get(word.len()..)?.trim_start();
        }
        cells.pop();
        cells.push(rest);
        return Some((Kind::Events, names, cells));
    }
    Some((Kind::Services, names, cells))
}
