//! Lanes over time: findings by severity, and what host and format cover. Plain SVG, drawn here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::Timestamp;

use super::escape;
use crate::Summary;

const WIDTH: f64 = 1000.0;
/// Where lanes begin; left of it stand their names.
const LEFT: f64 = 300.0;
const LANE: f64 = 18.0;
/// Most lanes drawn; the tables hold all.
const MOST_LANES: usize = 40;

struct Lane {
    name: String,
    class: &'static str,
    spans: Vec<(i64, i64)>,
}

pub(super) fn findings(out: &mut String, summary: &Summary<'_>) {
    let spanned = summary
        .findings
        .findings
        .iter()
        .filter_map(|finding| Some((finding, finding.first?, finding.last?)));
    let lanes: Vec<Lane> = spanned
        .take(MOST_LANES)
        .map(|(finding, first, last)| Lane {
            name: finding.title.clone(),
            class: finding.severity.as_str(),
            spans: vec![(first.nanos(), last.nanos())],
        })
        .collect();
    draw(out, &lanes, "findings over time");
}

pub(super) fn coverage(out: &mut String, summary: &Summary<'_>) {
    let mut lanes: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for input in &summary.inputs {
        if let (Some(format), Some(first), Some(last)) = (input.format, input.first, input.last) {
            let name = format!("{} {format}", input.host.as_deref().unwrap_or("-"));
            lanes
                .entry(name)
                .or_default()
                .push((first.nanos(), last.nanos()));
        }
    }
    let lanes: Vec<Lane> = lanes
        .into_iter()
        .take(MOST_LANES)
        .map(|(name, spans)| Lane {
            name,
            class: "span",
            spans,
        })
        .collect();
    draw(out, &lanes, "coverage by host and format");
}

fn draw(out: &mut String, lanes: &[Lane], label: &str) {
    let spans = || lanes.iter().flat_map(|lane| &lane.spans);
    let (Some(from), Some(to)) = (
        spans().map(|span| span.0).min(),
        spans().map(|span| span.1).max(),
    ) else {
        out.push_str("<p class=\"dim\">Nothing here is dated.</p>");
        return;
    };
    let length = (to.saturating_sub(from)).max(1) as f64;
    let x = |at: i64| LEFT + (at.saturating_sub(from)) as f64 / length * (WIDTH - LEFT - 10.0);
    let height = LANE * (lanes.len() as f64 + 1.5);
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">"
    );
    for (index, lane) in lanes.iter().enumerate() {
        let y = LANE * index as f64;
        let name: String = lane.name.chars().take(46).collect();
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 12.0,
            escape(&name)
        );
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>",
            y + LANE - 1.0
        );
        for (first, last) in &lane.spans {
            let width = (x(*last) - x(*first)).max(2.0);
            let _ = write!(
                out,
                "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"10\" rx=\"2\"><title>{} to {}</title></rect>",
                lane.class,
                x(*first),
                y + 3.0,
                Timestamp(*first),
                Timestamp(*last)
            );
        }
    }
    let y = height - 8.0;
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{y:.1}\">{}</text>",
        Timestamp(from)
    );
    let _ = write!(
        out,
        "<text x=\"{WIDTH}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text></svg>",
        Timestamp(to)
    );
}
