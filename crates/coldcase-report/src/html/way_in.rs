//! The way in as a graph: several intruders, containers and processes that share a service and a pool are seen
//! together, which a table does not show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp};
use serde_json::Value;

use super::charts::fact_text;
use super::graph::{Edge, Graph, Node, Note};
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
    if graph.edges.iter().any(|edge| edge.inferred) {
        let _ = write!(out, "<p class=\"legend\">{}</p>", view.words.dashed);
    }
    out.push_str("</figure>");
}

/// A thing once, in the order in which it is met.
#[derive(Default)]
struct Column {
    nodes: Vec<Node>,
    known: BTreeSet<String>,
}

impl Column {
    fn add(&mut self, key: &str, name: &str, notes: Vec<Note>, is_answer: bool) {
        if self.known.insert(key.to_owned()) {
            self.nodes.push(Node {
                key: key.to_owned(),
                name: name.to_owned(),
                notes,
                is_answer,
            });
        }
    }
}

/// The graph while it is put together: caller, service, container, process, remote end.
#[derive(Default)]
struct Drawn {
    columns: [Column; 5],
    edges: BTreeMap<(String, String), bool>,
}

impl Drawn {
    fn add(&mut self, column: usize, key: &str, name: &str, notes: Vec<Note>, is_answer: bool) {
        if let Some(column) = self.columns.get_mut(column) {
            column.add(key, name, notes, is_answer);
        }
    }

    fn join(&mut self, from: &str, to: &str, inferred: bool) {
        self.edges
            .entry((from.to_owned(), to.to_owned()))
            .or_insert(inferred);
    }
}

fn of(parts: &[&Finding], view: &View<'_>) -> Graph {
    let w = view.words;
    let mut drawn = Drawn::default();
    let of = |id: &'static str| parts.iter().filter(move |finding| finding.correlator == id);
    let mut service = String::new();
    for finding in of("exposed-service") {
        let (name, listen) = (fact_text(finding, "service"), fact_text(finding, "listen"));
        let (Some(name), Some(listen)) = (name, listen) else {
            continue;
        };
        service = format!("s:{name}");
        drawn.add(1, &service, name, vec![listen.into()], true);
        let outsiders = finding.facts.get("outsiders").and_then(Value::as_array);
        for caller in outsiders.into_iter().flatten().filter_map(Value::as_str) {
            drawn.add(
                0,
                &format!("a:{caller}"),
                caller,
                vec![w.outsider.into()],
                false,
            );
            drawn.join(&format!("a:{caller}"), &service, false);
        }
    }
    for finding in of("suspicious-container") {
        container(&mut drawn, finding, &service, view);
    }
    for finding in of("miner") {
        process(&mut drawn, finding, parts, view);
    }
    let headings = [w.caller, w.service, w.container, w.process, w.talks_to];
    let nodes = drawn.columns.map(|column| column.nodes);
    let edges = drawn.edges.into_iter().map(|((from, to), inferred)| Edge {
        label: if inferred {
            w.by_time.to_owned()
        } else {
            String::new()
        },
        from,
        to,
        count: 1,
        inferred,
    });
    Graph {
        columns: headings.into_iter().map(str::to_owned).zip(nodes).collect(),
        edges: edges.collect(),
    }
}

fn container(drawn: &mut Drawn, finding: &Finding, service: &str, view: &View<'_>) {
    let Some(name) = fact_text(finding, "container") else {
        return;
    };
    let mut notes: Vec<Note> = fact_text(finding, "image")
        .map(Note::from)
        .into_iter()
        .collect();
    let by = fact_text(finding, "created_by");
    notes.extend(by.map(|by| Note::from(view.words.made_by.replace("{}", by))));
    let at = fact_text(finding, "requested").or_else(|| fact_text(finding, "created"));
    let at = at.and_then(Timestamp::parse_rfc3339);
    notes.extend(at.map(|at| Note::timed("{}", at, view.zone)));
    let key = format!("c:{name}");
    drawn.add(2, &key, name, notes, false);
    drawn.join(service, &key, false);
}

fn process(drawn: &mut Drawn, finding: &Finding, parts: &[&Finding], view: &View<'_>) {
    let Some(name) = fact_text(finding, "process") else {
        return;
    };
    let pid = finding.facts.get("pid").and_then(Value::as_u64);
    let shown = pid.map_or_else(|| name.to_owned(), |pid| format!("{name}[{pid}]"));
    let key = format!("p:{shown}");
    let cpu = finding.facts.get("cpu_percent").and_then(Value::as_f64);
    let cpu = cpu.map(|cpu| Note::from(format!("{cpu:.0} % CPU")));
    drawn.add(3, &key, &shown, cpu.into_iter().collect(), false);
    // Of a process on the host the conclusion says by which container it came, at least by time.
    match fact_text(finding, "container") {
        Some(container) => drawn.join(&format!("c:{container}"), &key, false),
        None => {
            let container = by_time(parts, finding, &view.summary.findings.conclusions);
            drawn.join(&container, &key, true);
        }
    }
    if let Some(remote) = fact_text(finding, "remote") {
        drawn.add(
            4,
            &format!("r:{remote}"),
            remote,
            vec![view.words.pool.into()],
            false,
        );
        drawn.join(&key, &format!("r:{remote}"), false);
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
