//! A layered drawing of things and what joins them, from left to right: used where a path says more than a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::{escape, shorten};
use super::svg;

const WIDTH: f64 = 980.0;
const BOX: f64 = 38.0;
const GAP: f64 = 22.0;
const TOP: f64 = 26.0;
/// Most boxes of a column; the rest is counted.
const MOST: usize = 10;

/// A thing of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// What tells it apart within the drawing.
    pub key: String,
    pub name: String,
    /// Smaller, below the name.
    pub note: String,
    /// Whether it is the answer.
    pub is_answer: bool,
}

/// What joins two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: String,
    pub to: String,
    pub label: String,
    /// How heavy, for its width.
    pub count: u64,
}

/// Columns with their headings, and what joins their things.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub columns: Vec<(String, Vec<Node>)>,
    pub edges: Vec<Edge>,
}

/// The drawing; `label` is for those who can't see it.
pub(super) fn draw(out: &mut String, graph: &Graph, label: &str) {
    let columns: Vec<&(String, Vec<Node>)> = graph
        .columns
        .iter()
        .filter(|(_, nodes)| !nodes.is_empty())
        .collect();
    let rows = columns
        .iter()
        .map(|(_, nodes)| nodes.len().min(MOST))
        .max()
        .unwrap_or(0);
    if rows == 0 {
        return;
    }
    let height = TOP + rows as f64 * (BOX + GAP) + 12.0;
    let count = columns.len() as f64;
    let pitch = WIDTH / count;
    let width = (pitch - 64.0).min(250.0);
    let mut places: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut boxes = String::new();
    for (index, (heading, nodes)) in columns.iter().enumerate() {
        let spread = (WIDTH - width - 2.0) / (count - 1.0).max(1.0);
        let x = 1.0 + index as f64 * spread;
        let _ = write!(
            boxes,
            "<text class=\"label\" x=\"{x:.1}\" y=\"14\">{}</text>",
            escape(heading)
        );
        let free = height - TOP - nodes.len().min(MOST) as f64 * (BOX + GAP);
        for (row, node) in nodes.iter().take(MOST).enumerate() {
            let y = TOP + free / 2.0 + row as f64 * (BOX + GAP);
            places.insert(&node.key, (x, y + BOX / 2.0));
            one(&mut boxes, node, x, y, width);
        }
        if nodes.len() > MOST {
            let _ = write!(
                boxes,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">+ {}</text>",
                height - 2.0,
                nodes.len() - MOST
            );
        }
    }
    svg::open(out, WIDTH, height, label);
    let most = graph
        .edges
        .iter()
        .map(|edge| edge.count)
        .max()
        .unwrap_or(1)
        .max(1);
    for edge in &graph.edges {
        if let (Some(from), Some(to)) =
            (places.get(edge.from.as_str()), places.get(edge.to.as_str()))
        {
            line(out, edge, (from.0 + width, from.1), *to, most);
        }
    }
    out.push_str(&boxes);
    svg::close(out);
}

fn one(out: &mut String, node: &Node, x: f64, y: f64, width: f64) {
    let class = if node.is_answer {
        "box answer-box"
    } else {
        "box"
    };
    let letters = format!("{:.0}", width / 7.2).parse().unwrap_or(20);
    let small = format!("{:.0}", width / 6.2).parse().unwrap_or(20);
    let _ = write!(
        out,
        "<g><title>{}{}{}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BOX}\" rx=\"5\"/><text class=\"name\" x=\"{2:.1}\" y=\"{3:.1}\">{4}</text><text class=\"tick\" x=\"{2:.1}\" y=\"{5:.1}\">{6}</text></g>",
        escape(&node.name),
        if node.note.is_empty() {
            String::new()
        } else {
            format!(" · {}", escape(&node.note))
        },
        x + 8.0,
        y + if node.note.is_empty() { 23.0 } else { 16.0 },
        escape(&shorten(&node.name, letters)),
        y + 31.0,
        escape(&shorten(&node.note, small)),
    );
}

fn line(out: &mut String, edge: &Edge, from: (f64, f64), to: (f64, f64), most: u64) {
    let bend = (to.0 - from.0) / 2.0;
    let width = 1.0 + edge.count as f64 / most as f64 * 3.0;
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    let _ = write!(
        out,
        "<g><title>{0}</title><path class=\"edge\" stroke-width=\"{width:.1}\" d=\"M{1:.1} {2:.1}C{3:.1} {2:.1} {4:.1} {5:.1} {6:.1} {5:.1}\"/><text class=\"tick halo\" text-anchor=\"middle\" x=\"{7:.1}\" y=\"{8:.1}\">{0}</text></g>",
        escape(&edge.label),
        from.0,
        from.1,
        from.0 + bend,
        to.0 - bend,
        to.1,
        to.0,
        middle.0,
        middle.1 - 4.0
    );
}
