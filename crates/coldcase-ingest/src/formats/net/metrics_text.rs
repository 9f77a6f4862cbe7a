//! # metrics-text: metrics as exporters show them
//!
//! The text exposition format of Prometheus and OpenMetrics: `curl http://host:9100/metrics`, files of node_exporter's textfile collector.
//!
//! **Recognised** by `# TYPE name counter` with samples, or without by samples alone, of which some have labels.
//!
//!     # HELP node_network_transmit_bytes_total Network device statistic transmit_bytes.
//!     # TYPE node_network_transmit_bytes_total counter
//!     node_network_transmit_bytes_total{device="eth0"} 1.234567e+09
//!     http_requests_total{code="200"} 1027 1395066363000
//!
//! **Rows**: one `metric` a sample, as `prometheus` has them, and `type` where a TYPE line stood above. Exemplars (`# {trace_id="x"} 0.5`) are left out.
//!
//! **Times**: a sample's own stamp is recorded UTC (milliseconds in Prometheus' text, seconds in OpenMetrics: told by the size); without one the
//! moment of collection. Comments, `# HELP`, `# TYPE`, `# UNIT`, `# EOF` are skipped as such.
//!
//! Sources: Prometheus "Exposition formats", OpenMetrics 1.0.

use coldcase_model::{Place, Precision, Sink, Timestamp};

use super::plain::{Reader, other_line, probe_lines, read_lines};
use super::sample::Series;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "metrics-text",
    title: "metrics as exporters show them: Prometheus text, OpenMetrics",
    source: include_str!("metrics_text.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

const TYPES: [&str; 9] = [
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "unknown",
    "info",
    "stateset",
    "gaugehistogram",
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut types, mut samples, mut labelled, mut others) = (0, 0, 0, 0);
    for text in probe_lines(probe).take(200) {
        match () {
            () if type_of(&text).is_some() => types += 1,
            () if text.starts_with('#') => {}
            () => match Sample::read(&text) {
                Some(sample) => {
                    samples += 1;
                    labelled += usize::from(!sample.labels.is_empty());
                }
                None => others += 1,
            },
        }
    }
    match () {
        () if types > 0 && samples > others => Sniff::Sure,
        () if samples >= 3 && labelled > 0 && others == 0 => Sniff::Likely,
        () => Sniff::No,
    }
}

/// `# TYPE up gauge`.
fn type_of(text: &str) -> Option<(&str, &'static str)> {
    let mut words = text.strip_prefix("# TYPE ")?.split_ascii_whitespace();
    let (name, kind) = (words.next()?, words.next()?);
    let kind = TYPES.iter().find(|known| **known == kind)?;
    Some((name, kind))
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut samples = Samples {
        clock: input.clock,
        typed: None,
        any: false,
    };
    read_lines(input, &mut samples, sink)
}

struct Samples<'a> {
    clock: &'a Clock,
    typed: Option<(String, &'static str)>,
    any: bool,
}

impl Reader for Samples<'_> {
    fn line(&mut self, number: u64, text: &str, ended: bool, sink: &mut dyn Sink) {
        let place = Place::Line(number);
        if text.starts_with('#') {
            if let Some((name, kind)) = type_of(text) {
                self.typed = Some((name.to_owned(), kind));
            }
            return sink.skip(place, "a comment");
        }
        let Some(sample) = Sample::read(text) else {
            return sink.skip(place, other_line(text));
        };
        if !ended {
            // The exposition ends with a line feed: digits may be missing.
            sink.warn(place, "the file ends inside of a line".to_owned());
            return sink.skip(place, "a cut line");
        }
        let typed = self.typed.as_ref().filter(|(name, _)| {
            // `x_bucket`, `x_sum`, `x_total` belong to `x`.
            let rest = sample.name.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        });
        let when = match sample.at {
            Some(at) => Some(self.clock.recorded(at, Precision::Ms)),
            None => self.clock.collected(),
        };
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let kind = typed.map(|(_, kind)| *kind);
        let mut series = Series::new(Some(sample.name), labels, kind);
        match series.emit(number, when, sample.value, sink) {
            true => {
                self.any = true;
                sink.used(1);
            }
            false => sink.skip(place, "a value that is no number"),
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if !self.any {
            sink.warn(Place::Whole, "no sample in it".to_owned());
        }
    }
}

struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: &'a str,
    at: Option<Timestamp>,
}

impl<'a> Sample<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim_end();
        let end = text.find(|letter: char| {
            !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':'
        })?;
        let (name, rest) = text.split_at_checked(end)?;
        let first = name.bytes().next()?;
        if first.is_ascii_digit() {
            return None;
        }
        let (labels, rest) = match rest.trim_start().strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (Vec::new(), rest.strip_prefix([' ', '\t'])?),
        };
        let rest = rest.split(" # ").next().unwrap_or(rest);
        let mut words = rest.split_ascii_whitespace();
        let value = words.next()?;
        let is_value = value.parse::<f64>().is_ok();
        let at = match words.next() {
            Some(at) => Some(stamp(at)?),
            None => None,
        };
        (is_value && words.next().is_none()).then_some(Self {
            name,
            labels,
            value,
            at,
        })
    }
}

/// `device="eth0",x="a\"b"} 1`: the labels and what follows.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_:.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) || labels.len() >= 256 {
            return None;
        }
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name, value));
        rest = quoted.get(end..)?;
    }
}

/// Milliseconds, or seconds with or without a fraction.
fn stamp(text: &str) -> Option<Timestamp> {
    // Below 1e11, milliseconds would be before 1973; above it, seconds after the year 5000.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    if let Ok(whole) = text.parse::<i64>() {
        return match whole.abs() >= MILLISECONDS_FROM {
            true => whole.checked_mul(1_000_000).map(Timestamp),
            false => Timestamp::from_seconds(whole),
        };
    }
    let millis = text.parse::<f64>().ok()? * 1000.0;
    #[allow(clippy::cast_possible_truncation, reason = "checked against the range")]
    let millis = (millis.is_finite() && millis.abs() < 9e12).then(|| millis.round() as i64)?;
    millis.checked_mul(1_000_000).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, check_attributes, sniffed};
    use super::*;

    const TEXT: &str = "# HELP x Help.\n# TYPE x counter\nx_total{a=\"b\\\"c,}\",d=\"\\n\"} 1027 1395066363000\n\
        up 1\nlatency_bucket{le=\"+Inf\"} 3 # {trace_id=\"z\"} 0.5 1.5\ny NaN\n# EOF\n";

    #[test]
    fn samples_and_comments() {
        check(
            &FORMAT,
            TEXT,
            &[
                "x_total{a=\"b\"c,}\",d=\"\n\"} 1027",
                "up 1",
                "latency_bucket{le=\"+Inf\"} 3",
                "y NaN",
            ],
        );
        check_attributes(
            &FORMAT,
            "# TYPE n gauge\nn{device=\"eth0\"} 1.5e+09\n",
            &[
                "{\"metric\":\"n\",\"value\":1500000000.0,\"labels\":{\"device\":\"eth0\"},\"device\":\"eth0\",\"type\":\"gauge\"}",
            ],
        );
        assert_eq!(sniffed(&FORMAT, "x", TEXT), Sniff::Sure);
        assert_eq!(stamp("1395066363.5"), stamp("1395066363500"));
    }

    #[test]
    fn what_is_no_sample() {
        let no = |text: &str| assert_eq!(sniffed(&FORMAT, "metrics", text), Sniff::No);
        no("MemTotal 12\nMemFree 13\n");
        no("# comment\nname = value\n");
        no("cpu  1 2 3 4\ncpu0 1 2 3 4\n");
    }
}
