//! The way in as a graph: several intruders, containers and processes that share a service and a pool are seen
//! together, which a table does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp};
use serde_json::Value;

use super::charts::fact_text;
use super::graph::{Edge, Graph, Node};
use super::{View, graph};

/// The graph of all ways in, where there is one.
pub(super) fn draw(out: &mut String, findings: &Findings, view: &View<'_>) {
    let ways = findings
        .conclusions
        .iter()
        .filter(|conclusion| conclusion.kind == "way-in");
    let because: BTreeSet<&str> = ways
        .flat_map(|way| way.because.iter().map(String::as_str))
        .collect();
    let parts: Vec<&Finding> = findings
        .findings
        .iter()
        .filter(|finding| because.contains(finding.id.as_str()))
        .collect();
    let graph = of(&parts, view);
    // Two boxes in a row are a sentence.
    if graph.edges.len() < 3 {
        return;
    }
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b></figcaption>",
        view.words.way_in
    );
    graph::draw(out, &graph, view.words.way_in);
    out.push_str("</figure>");
}

/// A thing once, in the order in which it is met.
#[derive(Default)]
struct Column {
    nodes: Vec<Node>,
    known: BTreeSet<String>,
}

impl Column {
    fn add(&mut self, key: &str, name: &str, note: String, is_answer: bool) {
        if self.known.insert(key.to_owned()) {
            self.nodes.push(Node {
                key: key.to_owned(),
                name: name.to_owned(),
                note,
                is_answer,
            });
        }
    }
}

fn of(parts: &[&Finding], view: &View<'_>) -> Graph {
    let w = view.words;
    let mut columns: [Column; 5] = Default::default();
    let mut edges: BTreeMap<(String, String), String> = BTreeMap::new();
    let [callers, services, containers, processes, remotes] = &mut columns;
    let mut join = |from: &str, to: &str, label: &str| {
        edges
            .entry((from.to_owned(), to.to_owned()))
            .or_insert_with(|| label.to_owned());
    };
    let of = |id: &'static str| parts.iter().filter(move |finding| finding.correlator == id);
    let mut service = String::new();
    for finding in of("exposed-service") {
        let (Some(name), Some(listen)) =
            (fact_text(finding, "service"), fact_text(finding, "listen"))
        else {
            continue;
        };
        service = format!("s:{name}");
        services.add(&service, name, listen.to_owned(), true);
        let outsiders = finding
            .facts
            .get("outsiders")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for caller in outsiders.filter_map(Value::as_str) {
            callers.add(&format!("a:{caller}"), caller, w.outsider.to_owned(), false);
            join(&format!("a:{caller}"), &service, "");
        }
    }
    for finding in of("suspicious-container") {
        let Some(name) = fact_text(finding, "container") else {
            continue;
        };
        let image = fact_text(finding, "image").unwrap_or_default();
        containers.add(&format!("c:{name}"), name, image.to_owned(), false);
        let at = fact_text(finding, "requested").or_else(|| fact_text(finding, "created"));
        let clock = at.and_then(Timestamp::parse_rfc3339).map(|at| {
            at.to_utc()
                .with_timezone(&view.zone)
                .format("%m-%d %H:%M")
                .to_string()
        });
        let by = fact_text(finding, "created_by").map(str::to_owned);
        let label = [by, clock]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        join(&service, &format!("c:{name}"), &label);
    }
    for finding in of("miner") {
        let Some(name) = fact_text(finding, "process") else {
            continue;
        };
        let pid = finding.facts.get("pid").and_then(Value::as_u64);
        let shown = pid.map_or_else(|| name.to_owned(), |pid| format!("{name}[{pid}]"));
        let key = format!("p:{shown}");
        let cpu = finding.facts.get("cpu_percent").and_then(Value::as_f64);
        processes.add(
            &key,
            &shown,
            cpu.map(|cpu| format!("{cpu:.0} % CPU")).unwrap_or_default(),
            false,
        );
        // Of a process on the host the conclusion says by which container it came, at least by time.
        match fact_text(finding, "container") {
            Some(container) => join(&format!("c:{container}"), &key, ""),
            None => join(
                &by_time(parts, finding, &view.summary.findings.conclusions),
                &key,
                w.by_time,
            ),
        }
        if let Some(remote) = fact_text(finding, "remote") {
            remotes.add(&format!("r:{remote}"), remote, w.pool.to_owned(), false);
            join(&key, &format!("r:{remote}"), "");
        }
    }
    let headings = [w.caller, w.service, w.container, w.process, w.talks_to];
    let edges = edges.into_iter().map(|((from, to), label)| Edge {
        from,
        to,
        label,
        count: 1,
    });
    Graph {
        columns: headings
            .into_iter()
            .map(str::to_owned)
            .zip(columns.map(|column| column.nodes))
            .collect(),
        edges: edges.collect(),
    }
}

/// The container that shares a conclusion with this process.
fn by_time(
    parts: &[&Finding],
    process: &Finding,
    conclusions: &[coldcase_model::Conclusion],
) -> String {
    let shared = conclusions
        .iter()
        .filter(|conclusion| conclusion.because.contains(&process.id));
    let containers = shared.flat_map(|conclusion| {
        let held = parts
            .iter()
            .filter(|finding| conclusion.because.contains(&finding.id));
        held.filter(|finding| finding.correlator == "suspicious-container")
            .filter_map(|finding| fact_text(finding, "container"))
    });
    containers
        .map(|name| format!("c:{name}"))
        .next()
        .unwrap_or_default()
}
