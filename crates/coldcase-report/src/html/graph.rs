//! A layered drawing of things and what joins them, from left to right: used where a path says more than a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono_tz::Tz;
use coldcase_model::Timestamp;

use super::escape::{escape, shorten};
use super::svg;

const WIDTH: f64 = 980.0;
const NAME: f64 = 24.0;
/// Height of a line of notes.
const NOTE: f64 = 14.0;
const GAP: f64 = 18.0;
const TOP: f64 = 26.0;
/// Most boxes of a column; the rest is counted.
const MOST: usize = 10;

/// A line below a name; times in it stand in UTC and in the bundle's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    utc: String,
    local: String,
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self {
            utc: text.clone(),
            local: text,
        }
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Note {
    /// A text with a time in place of `{}`, to the second.
    pub fn timed(text: &str, at: Timestamp, zone: Tz) -> Self {
        let clock = |zone: Tz| {
            at.to_utc()
                .with_timezone(&zone)
                .format("%m-%d %H:%M:%S")
                .to_string()
        };
        Self {
            utc: text.replace("{}", &clock(Tz::UTC)),
            local: text.replace("{}", &clock(zone)),
        }
    }
}

/// A thing of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// What tells it apart within the drawing.
    pub key: String,
    pub name: String,
    /// Smaller, below the name, a line each.
    pub notes: Vec<Note>,
    /// Whether it is the answer.
    pub is_answer: bool,
}

/// What joins two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: String,
    pub to: String,
    /// What a pointer at rest is told.
    pub label: String,
    /// How heavy, for its width.
    pub count: u64,
    /// Whether it is inferred rather than recorded: dashed.
    pub inferred: bool,
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
    let notes = columns
        .iter()
        .flat_map(|(_, nodes)| nodes)
        .map(|node| node.notes.len());
    let tall = NAME + NOTE * notes.max().unwrap_or(0) as f64 + 6.0;
    let height = TOP + rows as f64 * (tall + GAP) + 12.0;
    let count = columns.len() as f64;
    let width = (WIDTH / count - 30.0).min(260.0);
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
        let free = height - TOP - nodes.len().min(MOST) as f64 * (tall + GAP);
        for (row, node) in nodes.iter().take(MOST).enumerate() {
            let y = TOP + free / 2.0 + row as f64 * (tall + GAP);
            places.insert(&node.key, (x, y + tall / 2.0));
            one(&mut boxes, node, (x, y), (width, tall));
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

fn one(out: &mut String, node: &Node, (x, y): (f64, f64), (width, tall): (f64, f64)) {
    let class = if node.is_answer {
        "box answer-box"
    } else {
        "box"
    };
    // Letters that fit: the name's are of one width, the notes' about as wide.
    let fits = |letter: f64| {
        format!("{:.0}", (width - 18.0) / letter)
            .parse()
            .unwrap_or(18)
    };
    let notes = node.notes.iter().map(|note| &note.local);
    let title: Vec<String> = [&node.name]
        .into_iter()
        .chain(notes)
        .map(|text| escape(text))
        .collect();
    let _ = write!(
        out,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\" rx=\"5\"/>",
        title.join(" · ")
    );
    let own = NAME + NOTE * node.notes.len() as f64;
    let mut line = y + (tall - own) / 2.0 + 16.0;
    let _ = write!(
        out,
        "<text class=\"name\" x=\"{:.1}\" y=\"{line:.1}\">{}</text>",
        x + 8.0,
        escape(&shorten(&node.name, fits(7.1)))
    );
    for note in &node.notes {
        line += NOTE;
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{line:.1}\">{}</text>",
            x + 8.0,
            shown(note, fits(6.2))
        );
    }
    out.push_str("</g>");
}

fn shown(note: &Note, most: usize) -> String {
    let text = |text: &str| escape(&shorten(text, most));
    if note.utc == note.local {
        return text(&note.local);
    }
    format!(
        "<tspan class=\"u\">{}</tspan><tspan class=\"l\">{}</tspan>",
        text(&note.utc),
        text(&note.local)
    )
}

fn line(out: &mut String, edge: &Edge, from: (f64, f64), to: (f64, f64), most: u64) {
    let bend = (to.0 - from.0) / 2.0;
    let width = 1.0 + edge.count as f64 / most as f64 * 3.0;
    let dashes = if edge.inferred {
        " stroke-dasharray=\"5 4\""
    } else {
        ""
    };
    let _ = write!(
        out,
        "<path class=\"edge\" stroke-width=\"{width:.1}\"{dashes} d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\"><title>{}</title></path>",
        from.0,
        from.1,
        from.0 + bend,
        from.1,
        to.0 - bend,
        to.1,
        to.0,
        to.1,
        escape(&edge.label)
    );
}
