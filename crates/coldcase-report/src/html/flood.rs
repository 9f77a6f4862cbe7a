//! Floods: attempts over time, answered against unanswered, what became of all, and the destinations that got most.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coldcase_model::{Finding, Findings, Timestamp, action, outcome};
use coldcase_timeline::polars::prelude::{LazyFrame, col, lit};
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
/// Height of a bar that would be too low to be seen.
const LEAST_SEEN: f64 = 2.5;

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
    /// Answered attempts by the same steps; none where not each has a row of its own.
    answered_steps: Option<BTreeMap<i64, u64>>,
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
    let column = if source.is_some() { "src_ip" } else { "dst_ip" };
    flood.read_answered(timeline, column, address)?;
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

    /// When attempts were made that were answered: each has a row of its own.
    fn read_answered(
        &mut self,
        timeline: &Timeline,
        column: &str,
        address: &str,
    ) -> Result<(), TimelineError> {
        if self.steps.is_empty() || self.answered == 0 {
            self.answered_steps = (self.answered == 0).then(BTreeMap::new);
            return Ok(());
        }
        let mut times: Vec<i64> = Vec::new();
        let answered = |rows: LazyFrame| {
            let is_answered = col("outcome").eq(lit(outcome::SUCCESS));
            rows.filter(col(column).eq(lit(address)).and(is_answered))
                .select([col("ts_ns")])
        };
        timeline.for_each_part(
            &[action::TCP_FLOW],
            &["ts_ns", column, "outcome"],
            answered,
            |rows| times.extend((0..rows.rows()).filter_map(|row| rows.long("ts_ns", row))),
        )?;
        self.take_answered(times.into_iter());
        Ok(())
    }

    /// Counts them by the steps of the rate, where they are as many as the sums say.
    fn take_answered(&mut self, times: impl Iterator<Item = i64>) {
        let mut counted: BTreeMap<i64, u64> = BTreeMap::new();
        for at in times {
            let step = self.steps.range(..=at).next_back();
            if let Some((step, _)) = step {
                *counted.entry(*step).or_default() += 1;
            }
        }
        let fits = counted
            .iter()
            .all(|(step, count)| self.steps.get(step) >= Some(count));
        let is_whole = counted.values().sum::<u64>() == self.answered;
        self.answered_steps = (fits && is_whole).then_some(counted);
    }

    /// Steps widened to those that hold for all series.
    fn bars(&self, steps: &BTreeMap<i64, u64>) -> BTreeMap<i64, u64> {
        let width = self.step_seconds.max(1).saturating_mul(SECOND);
        let mut bars: BTreeMap<i64, u64> = BTreeMap::new();
        for (at, count) in steps {
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
    let bars = flood.bars(&flood.steps);
    let answered = flood.answered_steps.as_ref().map(|steps| flood.bars(steps));
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
        let (x, wide) = (scale.x(*at), (step - 0.6).max(0.8));
        let when = both(Timestamp(*at), view.zone);
        let of_it = answered
            .as_ref()
            .map(|answered| answered.get(at).copied().unwrap_or(0));
        let said = of_it.map_or(String::new(), |count| {
            format!(", {}: {:.1}", view.words.answered, a_second(count))
        });
        let _ = write!(
            out,
            "<g><title>{when}: {:.1}{said}</title><rect class=\"unanswered\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{height:.1}\"/>",
            a_second(*count),
            BASE - height,
        );
        if let Some(count) = of_it.filter(|count| *count > 0) {
            // What is there is seen, however little it is.
            let high = (a_second(count) / top * (BASE - TOP))
                .max(LEAST_SEEN)
                .min(height.max(LEAST_SEEN));
            let _ = write!(
                out,
                "<rect class=\"answered\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\"/>",
                BASE - high
            );
        }
        out.push_str("</g>");
    }
    svg::close(out);
    let of_time = if answered.is_some() {
        view.words.answered_in_time
    } else {
        view.words.answered_in_all
    };
    let _ = write!(out, "<p class=\"legend\">{of_time}</p>");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answered_attempts_are_told_over_time_only_where_all_are_known() {
        let check = |answered: u64, times: &[i64], expected: Option<&[(i64, u64)]>| {
            let mut flood = Flood {
                answered,
                steps: BTreeMap::from([(100, 5), (200, 1), (300, 7)]),
                ..Flood::default()
            };
            flood.take_answered(times.iter().copied());
            let found = flood
                .answered_steps
                .map(|steps| steps.into_iter().collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expected, "{answered} {times:?}");
        };
        check(3, &[100, 199, 320], Some(&[(100, 2), (300, 1)]));
        check(0, &[], Some(&[]));
        // One has no row; one is from before; a step has more answers than attempts.
        check(3, &[100, 320], None);
        check(1, &[99], None);
        check(2, &[200, 201], None);
    }
}
