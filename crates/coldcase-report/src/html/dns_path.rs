//! The path of a name: who asked whom, from the resolvers back to the client and what it was, with counts and times.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::charts::fact_text;
use super::escape::escape;
use super::graph::{Edge, Graph, Node, Note};
use super::svg::{SECOND, Scale, number};
use super::times::{both, stamp};
use super::{View, graph, svg};

/// Most paths of a page.
const MOST: usize = 4;
/// Moments kept a path.
const MOST_MOMENTS: usize = 20_000;
const WIDTH: f64 = 980.0;
const LEFT: f64 = 110.0;

/// Questions of one asker to one resolver, by one format.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    count: u64,
    first: Option<i64>,
    last: Option<i64>,
}

impl Asked {
    fn add(&mut self, ts: Option<i64>) {
        self.count += 1;
        if let Some(ts) = ts {
            self.first = Some(self.first.map_or(ts, |first| first.min(ts)));
            self.last = Some(self.last.map_or(ts, |last| last.max(ts)));
        }
    }
}

/// Who asked for one name.
#[derive(Debug, Clone)]
pub(super) struct DnsPath {
    pub finding: String,
    domain: String,
    client_ip: Option<String>,
    /// Type and name of what the client was.
    client: (String, String),
    queries: u64,
    /// By asker, resolver and format.
    asked: BTreeMap<(String, String, String), Asked>,
    /// The client's own questions that have a time.
    moments: Vec<i64>,
}

/// Paths of all names that a finding says who asked for.
pub(super) fn of(findings: &Findings, timeline: &Timeline) -> Result<Vec<DnsPath>, TimelineError> {
    let origins = findings
        .findings
        .iter()
        .filter(|finding| finding.correlator == "dns-origin");
    let mut paths: Vec<DnsPath> = origins.take(MOST).filter_map(start).collect();
    let names = paths
        .iter()
        .map(|path| col("domain").eq(lit(path.domain.as_str())));
    let Some(names) = names.reduce(|a, b| a.or(b)) else {
        return Ok(paths);
    };
    timeline.for_each_part(
        &[action::DNS_QUERY],
        &[
            "ts_ns",
            "format",
            "file",
            "src_ip",
            "dst_ip",
            "domain",
            "attributes",
        ],
        |rows| rows.filter(names.clone()),
        |rows| {
            for row in 0..rows.rows() {
                let name = rows.text("domain", row);
                for path in paths
                    .iter_mut()
                    .filter(|path| Some(path.domain.as_str()) == name)
                {
                    path.add(rows, row);
                }
            }
        },
    )?;
    paths.iter_mut().for_each(|path| {
        path.moments.sort_unstable();
        path.moments.truncate(MOST_MOMENTS);
    });
    Ok(paths)
}

fn start(finding: &Finding) -> Option<DnsPath> {
    let client = finding.facts.get("client")?;
    let field = |name: &str| {
        client
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some(DnsPath {
        finding: finding.id.clone(),
        domain: fact_text(finding, "domain")?.to_owned(),
        client_ip: fact_text(finding, "client_ip").map(str::to_owned),
        client: (field("type"), field("value")),
        queries: finding
            .facts
            .get("queries")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        asked: BTreeMap::new(),
        moments: Vec::new(),
    })
}

impl DnsPath {
    fn add(&mut self, rows: &Selection, row: usize) {
        let format = rows.text("format", row).unwrap_or_default();
        let Some(asker) = rows.text("src_ip", row) else {
            return;
        };
        let ts = rows.long("ts_ns", row);
        let key = (asker.to_owned(), resolver(rows, row), format.to_owned());
        self.asked.entry(key).or_default().add(ts);
        if Some(asker) == self.client_ip.as_deref() {
            self.moments.extend(ts);
        }
    }

    /// Name, resolvers, askers that only forward, the client, and what it was.
    fn graph(&self, view: &View<'_>) -> Graph {
        let w = view.words;
        let client = self.client_ip.as_deref().unwrap_or_default();
        let pairs = self.pairs();
        // Whom the client asked stands next to it; whom only others asked, beyond.
        let near: BTreeSet<&str> = pairs
            .keys()
            .filter(|(asker, _)| *asker == client)
            .map(|(_, to)| *to)
            .collect();
        let mut drawn = Drawn::default();
        drawn.node(0, "name", &self.domain, Vec::new(), false);
        for ((asker, resolver), counts) in &pairs {
            let count = counts.values().map(|asked| asked.count).max().unwrap_or(0);
            let by_format = counts
                .iter()
                .map(|(format, asked)| format!("{format} {}", number(asked.count)));
            let by_format: Vec<String> = by_format.collect();
            let is_client = *asker == client;
            let from = format!("r:{resolver}");
            if near.contains(resolver) {
                let notes = if is_client {
                    texts(&by_format)
                } else {
                    Vec::new()
                };
                drawn.node(2, &from, resolver, notes, false);
            } else {
                drawn.node(1, &from, resolver, vec![w.forwarded_to.into()], false);
                drawn.edge("name", &from, String::new(), 1);
            }
            if !is_client && !near.contains(asker) {
                let mut notes = vec![w.forwards.into()];
                notes.extend(texts(&by_format));
                drawn.node(2, &format!("r:{asker}"), asker, notes, false);
            }
            let to = if is_client {
                "client".to_owned()
            } else {
                format!("r:{asker}")
            };
            drawn.edge(&from, &to, by_format.join(" · "), count);
        }
        drawn.node(3, "client", client, span(&self.asked, client, view), false);
        let count = w.questions.replace("{}", &number(self.queries));
        drawn.node(
            4,
            "owner",
            &self.client.1,
            vec![self.client.0.clone().into(), count.into()],
            true,
        );
        drawn.edge("client", "owner", String::new(), 1);
        let [_, upstream, resolvers, ..] = &drawn.columns;
        if upstream.is_empty() {
            let direct: Vec<String> = resolvers.iter().map(|node| node.key.clone()).collect();
            direct
                .iter()
                .for_each(|to| drawn.edge("name", to, String::new(), 1));
        }
        let headings = [w.the_name, w.upstream, w.resolver, w.client, w.belongs_to];
        let headings = headings.into_iter().map(str::to_owned);
        Graph {
            columns: headings.zip(drawn.columns).collect(),
            edges: drawn.edges,
        }
    }

    /// By asker and resolver, then by format.
    fn pairs(&self) -> BTreeMap<(&str, &str), BTreeMap<&str, Asked>> {
        let mut pairs: BTreeMap<(&str, &str), BTreeMap<&str, Asked>> = BTreeMap::new();
        for ((asker, resolver, format), asked) in &self.asked {
            pairs
                .entry((asker, resolver))
                .or_default()
                .insert(format, *asked);
        }
        pairs
    }
}

fn texts(lines: &[String]) -> Vec<Note> {
    lines.iter().cloned().map(Note::from).collect()
}

/// The path while it is put together.
#[derive(Default)]
struct Drawn {
    columns: [Vec<Node>; 5],
    edges: Vec<Edge>,
}

impl Drawn {
    /// Adds a node once; notes that come later are added to it.
    fn node(&mut self, column: usize, key: &str, name: &str, notes: Vec<Note>, is_answer: bool) {
        let Some(nodes) = self.columns.get_mut(column) else {
            return;
        };
        match nodes.iter_mut().find(|node| node.key == key) {
            Some(node) => notes.into_iter().for_each(|note| {
                if !node.notes.contains(&note) {
                    node.notes.push(note);
                }
            }),
            None => nodes.push(Node {
                key: key.to_owned(),
                name: name.to_owned(),
                notes,
                is_answer,
            }),
        }
    }

    fn edge(&mut self, from: &str, to: &str, label: String, count: u64) {
        if !self
            .edges
            .iter()
            .any(|edge| edge.from == from && edge.to == to)
        {
            self.edges.push(Edge {
                from: from.to_owned(),
                to: to.to_owned(),
                label,
                count,
                inferred: false,
            });
        }
    }
}

/// The resolver that a packet was for; of a resolver's own log the server that it names, or the log's file.
fn resolver(rows: &Selection, row: usize) -> String {
    if let Some(address) = rows.text("dst_ip", row) {
        return address.to_owned();
    }
    let attributes = rows.text("attributes", row).unwrap_or_default();
    let server = serde_json::from_str::<Value>(attributes).ok();
    let server = server
        .as_ref()
        .and_then(|value| value.get("server"))
        .and_then(Value::as_str);
    let file = rows.text("file", row).unwrap_or_default();
    let name = file.rsplit('/').next().unwrap_or(file);
    server.unwrap_or(name).to_owned()
}

/// From when to when an address asked, of the records that have a time.
fn span(
    asked: &BTreeMap<(String, String, String), Asked>,
    client: &str,
    view: &View<'_>,
) -> Vec<Note> {
    let own = || {
        asked
            .iter()
            .filter(|((asker, ..), _)| asker == client)
            .map(|(_, asked)| asked)
    };
    match (
        own().filter_map(|one| one.first).min(),
        own().filter_map(|one| one.last).max(),
    ) {
        (Some(first), Some(last)) => {
            let to = format!("{} {{}}", view.words.to);
            vec![
                Note::timed("{}", Timestamp(first), view.zone),
                Note::timed(&to, Timestamp(last), view.zone),
            ]
        }
        _ => vec![view.words.undated.into()],
    }
}

/// The path, its moments and the counts as a table.
pub(super) fn draw(out: &mut String, path: &DnsPath, view: &View<'_>) {
    let w = view.words;
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b> {} <a href=\"#{}\">{}</a></figcaption>",
        w.dns_path,
        escape(&path.domain),
        escape(&path.finding),
        w.finding
    );
    graph::draw(out, &path.graph(view), w.dns_path);
    moments(out, path, view);
    table(out, path, view);
    out.push_str("</figure>");
}

/// A line a question of the client.
fn moments(out: &mut String, path: &DnsPath, view: &View<'_>) {
    let (Some(first), Some(last)) = (path.moments.first(), path.moments.last()) else {
        return;
    };
    let margin = ((last - first) / 40).max(SECOND);
    let scale = Scale {
        from: first - margin,
        to: last + margin,
        left: LEFT,
        right: WIDTH - 8.0,
    };
    svg::open(out, WIDTH, 78.0, view.words.questions_over_time);
    let _ = write!(
        out,
        "<text class=\"tick\" x=\"0\" y=\"28\">{}</text>",
        view.words.questions_over_time
    );
    scale.axis(out, 8.0, 42.0, view.zone);
    let mut drawn = f64::MIN;
    for at in &path.moments {
        let x = scale.x(*at);
        if x - drawn >= 1.0 {
            drawn = x;
            let _ = write!(
                out,
                "<path class=\"moment\" d=\"M{x:.1} 12V40\"><title>{}</title></path>",
                both(Timestamp(*at), view.zone)
            );
        }
    }
    svg::close(out);
}

fn table(out: &mut String, path: &DnsPath, view: &View<'_>) {
    let w = view.words;
    let headings = [
        w.asker,
        w.resolver,
        w.format,
        w.questions_short,
        w.first,
        w.last,
    ];
    super::tables::open(out, "", &headings, view);
    for ((asker, resolver, format), asked) in &path.asked {
        let time = |at: Option<i64>| {
            at.map_or_else(
                || w.undated.to_owned(),
                |at| stamp(Timestamp(at), view.zone),
            )
        };
        let _ = write!(
            out,
            "<tr><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td></tr>",
            escape(asker),
            escape(resolver),
            escape(format),
            asked.count,
            time(asked.first),
            time(asked.last)
        );
    }
    super::tables::close(out);
}
