//! Metrics of busy devices over time: what each carried before, when it rose, and when the capture ran.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Severity, Timestamp, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::charts::{fact_text, is_concluded};
use super::escape::escape;
use super::svg::{Scale, rate, round_up};
use super::times::both;
use super::{View, svg};

/// Most lines of the drawing.
const MOST: usize = 4;
/// Points kept a line.
const MOST_POINTS: usize = 20_000;
/// Points drawn a line: the highest of each step, so that no rise is lost.
const STEPS: i64 = 320;
const WIDTH: f64 = 980.0;
const LEFT: f64 = 78.0;
const TOP: f64 = 20.0;
const BASE: f64 = 170.0;

/// One device's samples.
#[derive(Debug, Clone)]
pub(super) struct Surge {
    pub finding: String,
    host: String,
    device: Option<String>,
    files: BTreeSet<String>,
    rises: Option<i64>,
    points: Vec<(i64, f64)>,
}

/// Samples of all devices that a finding calls busy by their metrics.
pub(super) fn of(findings: &Findings, timeline: &Timeline) -> Result<Vec<Surge>, TimelineError> {
    let talkers = findings
        .findings
        .iter()
        .filter(|finding| finding.correlator == "top-talker");
    let talkers = talkers.filter(|finding| fact_text(finding, "source") == Some("metrics"));
    let told = talkers
        .filter(|finding| finding.severity >= Severity::Medium || is_concluded(findings, finding));
    let mut surges: Vec<Surge> = told.take(MOST).filter_map(start).collect();
    let files: BTreeSet<String> = surges
        .iter()
        .flat_map(|surge| surge.files.clone())
        .collect();
    let of_files = files
        .iter()
        .map(|file| col("file").eq(lit(file.as_str())))
        .reduce(|a, b| a.or(b));
    let Some(of_files) = of_files else {
        return Ok(surges);
    };
    timeline.for_each_part(
        &[action::METRIC],
        &["ts_ns", "file", "attributes"],
        |rows| rows.filter(of_files.clone()),
        |rows| {
            for row in 0..rows.rows() {
                let (Some(ts), Some(file)) = (rows.long("ts_ns", row), rows.text("file", row))
                else {
                    continue;
                };
                let Ok(sample) =
                    serde_json::from_str::<Value>(rows.text("attributes", row).unwrap_or_default())
                else {
                    continue;
                };
                surges
                    .iter_mut()
                    .for_each(|surge| surge.add(file, ts, &sample));
            }
        },
    )?;
    surges.iter_mut().for_each(|surge| {
        surge
            .points
            .sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
    });
    surges.retain(|surge| surge.points.len() > 1);
    Ok(surges)
}

fn start(finding: &Finding) -> Option<Surge> {
    Some(Surge {
        finding: finding.id.clone(),
        host: fact_text(finding, "host")?.to_owned(),
        device: fact_text(finding, "device").map(str::to_owned),
        files: finding
            .evidence
            .iter()
            .map(|record| record.file.clone())
            .collect(),
        rises: finding.first.map(Timestamp::nanos),
        points: Vec::new(),
    })
}

impl Surge {
    /// A sample is the device's if one label names the host, and one the device.
    fn add(&mut self, file: &str, ts: i64, sample: &Value) {
        let labels = sample.get("labels").and_then(Value::as_object);
        let names = |name: &str| {
            labels.is_some_and(|labels| labels.values().any(|label| label.as_str() == Some(name)))
        };
        let is_own = self.files.contains(file)
            && names(&self.host)
            && self.device.as_deref().is_none_or(names);
        if let Some(value) = sample
            .get("value")
            .and_then(Value::as_f64)
            .filter(|_| is_own && self.points.len() < MOST_POINTS)
        {
            self.points.push((ts, value));
        }
    }

    fn name(&self) -> String {
        self.device.as_ref().map_or_else(
            || self.host.clone(),
            |device| format!("{} {device}", self.host),
        )
    }

    /// The highest of each step.
    fn drawn(&self, scale: &Scale) -> BTreeMap<i64, (i64, f64)> {
        let width = ((scale.to - scale.from) / STEPS).max(1);
        let mut drawn: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
        for (ts, value) in &self.points {
            let point = drawn
                .entry((ts - scale.from).div_euclid(width))
                .or_insert((*ts, *value));
            if *value > point.1 {
                *point = (*ts, *value);
            }
        }
        drawn
    }
}

/// All devices in one drawing; `captured` are the spans of captures.
pub(super) fn draw(out: &mut String, surges: &[Surge], captured: &[(i64, i64)], view: &View<'_>) {
    let points = || surges.iter().flat_map(|surge| &surge.points);
    let (Some(from), Some(last)) = (
        points().map(|point| point.0).min(),
        points().map(|point| point.0).max(),
    ) else {
        return;
    };
    let w = view.words;
    let near =
        |span: &&(i64, i64)| span.0 <= last.saturating_add((last - from) / 2) && span.1 >= from;
    let captured: Vec<&(i64, i64)> = captured.iter().filter(near).collect();
    let to = captured
        .iter()
        .map(|span| span.1)
        .max()
        .unwrap_or(last)
        .max(last);
    let scale = Scale {
        from,
        to,
        left: LEFT,
        right: WIDTH - 8.0,
    };
    let top = round_up(points().map(|point| point.1).fold(1.0, f64::max));
    let _ = write!(out, "<figure><figcaption><b>{}</b></figcaption>", w.metrics);
    svg::open(out, WIDTH, BASE + 34.0, w.metrics);
    let _ = write!(
        out,
        "<text class=\"tick\" x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text><text class=\"tick\" x=\"{0}\" y=\"{BASE}\" text-anchor=\"end\">0</text>",
        LEFT - 5.0,
        TOP + 5.0,
        rate(top)
    );
    for (first, last) in captured {
        let _ = write!(
            out,
            "<rect class=\"captured\" x=\"{:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
            scale.x(*first),
            (scale.x(*last) - scale.x(*first)).max(2.0),
            BASE - TOP,
            w.capture_ran
        );
    }
    scale.axis(out, TOP, BASE, view.zone);
    for (index, surge) in surges.iter().enumerate() {
        line(out, surge, index, &scale, top, view);
    }
    svg::close(out);
    legend(out, surges, view);
    out.push_str("</figure>");
}

fn line(out: &mut String, surge: &Surge, index: usize, scale: &Scale, top: f64, view: &View<'_>) {
    let mut path = String::new();
    for (at, value) in surge.drawn(scale).values() {
        let y = BASE - value.max(0.0) / top * (BASE - TOP);
        let _ = write!(
            path,
            "{}{:.1} {y:.1}",
            if path.is_empty() { "M" } else { "L" },
            scale.x(*at)
        );
    }
    let _ = write!(
        out,
        "<path class=\"line s{index}\" d=\"{path}\"><title>{}</title></path>",
        escape(&surge.name())
    );
    if let Some(at) = surge
        .rises
        .filter(|at| (scale.from..=scale.to).contains(at))
    {
        let _ = write!(
            out,
            "<path class=\"rise s{index}\" d=\"M{0:.1} {TOP}V{BASE}\"><title>{1} {2}</title></path>",
            scale.x(at),
            view.words.rises,
            both(Timestamp(at), view.zone)
        );
    }
}

fn legend(out: &mut String, surges: &[Surge], view: &View<'_>) {
    out.push_str("<p class=\"legend\">");
    for (index, surge) in surges.iter().enumerate() {
        let _ = write!(
            out,
            "<svg class=\"key short\" viewBox=\"0 0 14 12\" aria-hidden=\"true\"><path class=\"line s{index}\" d=\"M0 6H14\"/></svg> {} <a href=\"#{}\">{}</a> · ",
            escape(&surge.name()),
            escape(&surge.finding),
            view.words.finding
        );
    }
    let _ = write!(
        out,
        "<span class=\"swatch captured\"></span> {} · {}</p>",
        view.words.capture_ran, view.words.rise_line
    );
}
