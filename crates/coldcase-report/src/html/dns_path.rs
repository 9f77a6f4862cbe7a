//! The path of a name: who asked whom, from the resolvers back to the client and what it was, with counts and times.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::charts::fact_text;
use super::escape::escape;
use super::graph::{Edge, Graph, Node};
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
        let mut pairs: BTreeMap<(&str, &str), BTreeMap<&str, Asked>> = BTreeMap::new();
        for ((asker, resolver, format), asked) in &self.asked {
            pairs
                .entry((asker, resolver))
                .or_default()
                .insert(format, *asked);
        }
        let client = self.client_ip.as_deref().unwrap_or_default();
        let is_client = |asker: &str| asker == client;
        // Whom the client asked stands next to it; whom only others asked, beyond.
        let near: Vec<&str> = pairs
            .keys()
            .filter(|(asker, _)| is_client(asker))
            .map(|(_, to)| *to)
            .collect();
        let mut columns: [Vec<Node>; 5] = Default::default();
        let node = |key: String, name: &str, note: String, is_answer: bool| Node {
            key,
            name: name.to_owned(),
            note,
            is_answer,
        };
        let [names, upstream, middle, clients, owners] = &mut columns;
        names.push(node("name".into(), &self.domain, String::new(), false));
        let mut edges: Vec<Edge> = Vec::new();
        for ((asker, resolver), formats) in &pairs {
            let count = formats.values().map(|asked| asked.count).max().unwrap_or(0);
            let label = formats
                .iter()
                .map(|(format, asked)| format!("{format} {}", number(asked.count)));
            let label = label.collect::<Vec<_>>().join(" · ");
            let is_near = near.contains(resolver);
            let (column, key) = if is_near {
                (&mut *middle, format!("m:{resolver}"))
            } else {
                (&mut *upstream, format!("u:{resolver}"))
            };
            let one = node(key.clone(), resolver, String::new(), false);
            if !column.contains(&one) {
                column.push(one);
                if !is_near {
                    edges.push(Edge {
                        from: "name".into(),
                        to: key.clone(),
                        label: String::new(),
                        count: 1,
                    });
                }
            }
            let by = if is_client(asker) {
                format!("c:{asker}")
            } else {
                format!("m:{asker}")
            };
            if !is_client(asker) && !is_near {
                let forwards = near.contains(asker);
                let one = node(
                    by.clone(),
                    asker,
                    if forwards {
                        String::new()
                    } else {
                        w.forwards.to_owned()
                    },
                    false,
                );
                if !forwards && !middle.contains(&one) {
                    middle.push(one);
                }
            }
            edges.push(Edge {
                from: key,
                to: by,
                label,
                count,
            });
        }
        let note = span(&self.asked, client, view);
        clients.push(node(format!("c:{client}"), client, note, false));
        let count = w.questions.replace("{}", &number(self.queries));
        owners.push(node(
            "owner".into(),
            &self.client.1,
            format!("{} · {count}", self.client.0),
            true,
        ));
        edges.push(Edge {
            from: format!("c:{client}"),
            to: "owner".into(),
            label: String::new(),
            count: 1,
        });
        if upstream.is_empty() {
            let direct: Vec<String> = middle.iter().map(|node| node.key.clone()).collect();
            edges.extend(direct.into_iter().map(|to| Edge {
                from: "name".into(),
                to,
                label: String::new(),
                count: 1,
            }));
        }
        let headings = [w.the_name, w.upstream, w.resolver, w.client, w.belongs_to];
        Graph {
            columns: headings
                .into_iter()
                .map(str::to_owned)
                .zip(columns)
                .collect(),
            edges,
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
) -> String {
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
            let local = |at: i64| {
                Timestamp(at)
                    .to_utc()
                    .with_timezone(&view.zone)
                    .format("%m-%d %H:%M")
                    .to_string()
            };
            format!("{} – {}", local(first), local(last))
        }
        _ => view.words.undated.to_owned(),
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
