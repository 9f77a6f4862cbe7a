//! Floods: attempts over time with what became of them, the destinations that got most, and the metrics around it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::charts::fact_text;
use super::escape::escape;
use super::svg::{SECOND, Scale, length, number, round_up};
use super::times::both;
use super::{View, svg};
use crate::lang::told;

/// Most floods of a page.
const MOST: usize = 3;
const WIDTH: f64 = 980.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 20.0;
const BASE: f64 = 140.0;

/// One flood, as its capture's summary rows have it.
#[derive(Debug, Clone, Default)]
pub(super) struct Flood {
    pub finding: String,
    title: String,
    attempts: u64,
    answered: u64,
    refused: u64,
    peak: u64,
    peak_at: Option<i64>,
    /// Address and attempts, most first; of a flood on one victim empty.
    top: Vec<(String, u64)>,
    /// How many destinations there are in all.
    destinations: u64,
    /// Start of each step and its attempts.
    steps: BTreeMap<i64, u64>,
    step_seconds: i64,
}

/// All floods that a finding states.
pub(super) fn of(findings: &Findings, timeline: &Timeline) -> Result<Vec<Flood>, TimelineError> {
    let stated = findings
        .findings
        .iter()
        .filter(|finding| finding.correlator == "syn-flood");
    stated
        .take(MOST)
        .map(|finding| one(finding, timeline))
        .collect()
}

fn one(finding: &Finding, timeline: &Timeline) -> Result<Flood, TimelineError> {
    let source = fact_text(finding, "src_ip");
    let victim = finding
        .subjects
        .iter()
        .find(|one| one.kind == coldcase_model::ObservableType::Ip);
    let (row_kind, column, address) = match source {
        Some(source) => (action::TCP_ATTEMPTS, "src_ip", source),
        None => (
            action::TCP_ATTEMPTS_ON,
            "dst_ip",
            victim.map_or("", |one| one.value.as_str()),
        ),
    };
    let mut flood = Flood {
        finding: finding.id.clone(),
        title: finding.title.clone(),
        destinations: finding
            .facts
            .get("dst_count")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        ..Flood::default()
    };
    let rows = timeline.select_where(&[row_kind], &[column, "attributes"], |rows| {
        rows.filter(col(column).eq(lit(address)))
    })?;
    for row in 0..rows.rows() {
        let attributes = rows.text("attributes", row).unwrap_or_default();
        if let Ok(attributes) = serde_json::from_str::<Value>(attributes) {
            flood.add(&attributes);
        }
    }
    Ok(flood)
}

impl Flood {
    /// Adds one capture series' sums.
    fn add(&mut self, attributes: &Value) {
        let count = |name: &str| attributes.get(name).and_then(Value::as_u64).unwrap_or(0);
        self.attempts += count("attempts");
        self.answered += count("completed");
        self.refused += count("refused");
        if count("peak_per_second") > self.peak {
            self.peak = count("peak_per_second");
            let at = attributes.get("peak_at").and_then(Value::as_str);
            self.peak_at = at.and_then(Timestamp::parse_rfc3339).map(Timestamp::nanos);
        }
        let list = |name: &str| {
            attributes
                .get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        for pair in list("top_destinations") {
            if let (Some(address), Some(count)) = (
                pair.get(0).and_then(Value::as_str),
                pair.get(1).and_then(Value::as_u64),
            ) {
                match self.top.iter_mut().find(|(known, _)| known == address) {
                    Some((_, sum)) => *sum += count,
                    None => self.top.push((address.to_owned(), count)),
                }
            }
        }
        self.top.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        let (from, step) = (
            attributes.get("rate_from").and_then(Value::as_str),
            attributes.get("rate_step_seconds").and_then(Value::as_i64),
        );
        let (Some(from), Some(step)) = (from.and_then(Timestamp::parse_rfc3339), step) else {
            return;
        };
        // Series of captures may have other steps: the widest holds for all.
        self.step_seconds = self.step_seconds.max(step);
        for (index, count) in (0..).zip(list("rate")) {
            let at = from
                .nanos()
                .saturating_add(step.saturating_mul(index).saturating_mul(SECOND));
            *self.steps.entry(at).or_default() += count.as_u64().unwrap_or(0);
        }
    }

    fn bars(&self) -> BTreeMap<i64, u64> {
        let width = self.step_seconds.max(1).saturating_mul(SECOND);
        let mut bars: BTreeMap<i64, u64> = BTreeMap::new();
        for (at, count) in &self.steps {
            *bars.entry(at.div_euclid(width) * width).or_default() += count;
        }
        bars
    }
}

/// A flood with its caption.
pub(super) fn draw(out: &mut String, flood: &Flood, view: &View<'_>) {
    let _ = write!(
        out,
        "<figure><figcaption><b>{}</b> {} <a href=\"#{}\">{}</a></figcaption>",
        view.words.flood,
        escape(&told::title_text(&flood.title, view.lang)),
        escape(&flood.finding),
        view.words.finding
    );
    if flood.steps.is_empty() {
        let _ = write!(out, "<p class=\"legend\">{}</p>", view.words.no_rate);
    } else {
        rate(out, flood, view);
    }
    outcome(out, flood, view);
    destinations(out, flood, view);
    out.push_str("</figure>");
}

/// Attempts a second, as steps.
fn rate(out: &mut String, flood: &Flood, view: &View<'_>) {
    let bars = flood.bars();
    let (Some(first), Some(last)) = (bars.keys().next(), bars.keys().next_back()) else {
        return;
    };
    let width = flood.step_seconds.max(1).saturating_mul(SECOND);
    let scale = Scale {
        from: *first,
        to: last + width,
        left: LEFT,
        right: WIDTH - 8.0,
    };
    let a_second = |count: u64| count as f64 / flood.step_seconds.max(1) as f64;
    let highest = bars
        .values()
        .map(|count| a_second(*count))
        .fold(0.0, f64::max);
    let top = round_up(highest);
    svg::open(out, WIDTH, BASE + 34.0, view.words.attempts_a_second);
    let _ = write!(
        out,
        "<text class=\"label\" x=\"0\" y=\"11\">{}</text><text class=\"tick\" x=\"{1}\" y=\"{2}\" text-anchor=\"end\">{top:.0}</text><text class=\"tick\" x=\"{1}\" y=\"{BASE}\" text-anchor=\"end\">0</text>",
        view.words.attempts_a_second,
        LEFT - 5.0,
        TOP + 5.0
    );
    scale.axis(out, TOP, BASE, view.zone);
    for (at, count) in &bars {
        let height = a_second(*count) / top * (BASE - TOP);
        let step = (scale.x(at + width) - scale.x(*at)).max(1.0);
        let _ = write!(
            out,
            "<rect class=\"unanswered\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{}: {:.1}</title></rect>",
            scale.x(*at),
            BASE - height,
            (step - 0.6).max(0.8),
            both(Timestamp(*at), view.zone),
            a_second(*count)
        );
    }
    svg::close(out);
    if let Some(at) = flood.peak_at {
        let said = view.words.busiest.replacen("{}", &number(flood.peak), 1);
        let said = said.replacen("{}", &super::times::stamp(Timestamp(at), view.zone), 1);
        let _ = write!(out, "<p class=\"legend\">{said}</p>");
    }
}

/// Answered, refused and unanswered as one bar.
fn outcome(out: &mut String, flood: &Flood, view: &View<'_>) {
    if flood.attempts == 0 {
        return;
    }
    let w = view.words;
    let silent = flood
        .attempts
        .saturating_sub(flood.answered + flood.refused);
    let parts = [
        ("answered", w.answered, flood.answered),
        ("refused", w.refused, flood.refused),
        ("unanswered", w.unanswered, silent),
    ];
    svg::open(out, WIDTH, 22.0, w.unanswered);
    let mut x = 0.0;
    for (class, _, count) in parts {
        let width = length(count, flood.attempts, WIDTH);
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"2\" width=\"{width:.1}\" height=\"18\"/>"
        );
        x += width;
    }
    svg::close(out);
    out.push_str("<p class=\"legend\">");
    for (class, word, count) in parts {
        let share = count as f64 / flood.attempts as f64 * 100.0;
        let _ = write!(
            out,
            "<span class=\"swatch {class}\"></span> {word}: {} ({share:.1} %) · ",
            number(count)
        );
    }
    let _ = write!(out, "{}: {}</p>", w.attempts, number(flood.attempts));
}

fn destinations(out: &mut String, flood: &Flood, view: &View<'_>) {
    let Some(most) = flood.top.first().map(|(_, count)| *count) else {
        return;
    };
    let w = view.words;
    let title = w
        .top_destinations
        .replacen("{}", &number(flood.top.len() as u64), 1);
    let title = title.replacen("{}", &number(flood.destinations), 1);
    let height = 18.0 + flood.top.len() as f64 * 18.0;
    svg::open(out, WIDTH, height, &title);
    let _ = write!(out, "<text class=\"label\" x=\"0\" y=\"12\">{title}</text>");
    for (index, (address, count)) in flood.top.iter().enumerate() {
        let y = 18.0 + index as f64 * 18.0;
        let _ = write!(
            out,
            "<text class=\"name\" x=\"0\" y=\"{:.0}\">{}</text><rect class=\"effect\" x=\"150\" y=\"{:.0}\" width=\"{:.1}\" height=\"12\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.0}\">{count}</text>",
            y + 12.0,
            escape(address),
            y + 2.0,
            length(*count, most, 400.0),
            156.0 + length(*count, most, 400.0),
            y + 12.0
        );
    }
    svg::close(out);
}
