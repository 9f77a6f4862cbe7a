//! # prometheus: answers of the Prometheus HTTP API
//!
//! What `curl .../api/v1/query` and `query_range` answer (Prometheus, Thanos, Mimir, VictoriaMetrics), pretty-printed or on one line,
//! several one after the other, with prompts between; also only their `data`, only the list of series, and Loki's streams.
//!
//! **Recognised** by `resultType` with `result`, or by series with `metric` and `value` or `values`.
//!
//!     {"status":"success","data":{"resultType":"matrix","result":[
//!       {"metric":{"__name__":"up","instance":"192.0.2.11:9100"},"values":[[1681148160,"1"],[1681148220.123,"NaN"]]}]}}
//!
//! **Rows**: one `metric` a sample: `value` (`value_text` for NaN and Inf), `metric` the name where the labels have one, all `labels`, of them
//! `instance`, `device` and `job` on their own; `src_ip` the address in `instance`. A line of a Loki stream is a `log` row with `labels`.
//! `string` results are skipped with a reason, native histograms too, series without samples and answers with `"status":"error"` are
//! skipped with a warning.
//!
//! **Times**: recorded, UTC, exact to the millisecond (Loki's to the nanosecond). A file is read as a stream: its size costs no memory. A sample
//! before its series' labels waits for them, at most 262,144 do. After damage reading goes on at the next line that begins with `{`.
//!
//! Sources: Prometheus "HTTP API", `web/api/v1/json_codec.go`; Loki "HTTP API".

mod stream;

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Precision, Sink, Timestamp, action};

use super::sample::Series;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};
use stream::{Broken, Json, Kind};

/// The format.
pub static FORMAT: Format = Format {
    id: "prometheus",
    title: "answers of the Prometheus HTTP API",
    source: include_str!("prometheus.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Objects and lists around the series: answer, data, result; and some to spare.
const MAX_DEPTH: usize = 8;
/// Samples held until their labels come.
const MAX_WAITING: usize = 1 << 18;
/// Labels read of one series.
const MAX_LABELS: usize = 256;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let Some(outline) = probe.outline() else {
        return Sniff::No;
    };
    let has_samples = outline.has("values") || outline.has("value");
    match () {
        () if outline.has_in("data", "resultType") => Sniff::Sure,
        () if outline.has("resultType") && outline.has("result") => Sniff::Sure,
        () if outline.has("metric") && has_samples && !outline.has("alertname") => Sniff::Sure,
        () if outline.has("stream") && outline.has("values") => Sniff::Likely,
        () if outline.has("status") && outline.has("errorType") => Sniff::Likely,
        () => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut answers = Answers {
        json: Json::new(&mut input.reader),
        clock: input.clock,
        sink,
        error: None,
        samples: 0,
    };
    while answers.json.blanks().is_some() {
        let line = answers.json.line();
        if !answers.json.opens_document() {
            answers.json.rest_of_line();
            let reason = "a line that is no JSON";
            answers.sink.skip(Place::Line(line), reason);
            continue;
        }
        if let Err(broken) = answers.value(0, "") {
            let place = Place::Line(answers.json.line());
            if answers.json.has_failed() {
                break;
            }
            answers.sink.skip(place, broken.as_str());
            answers.sink.warn(place, broken.as_str().to_owned());
            answers.json.next_document();
        }
        answers.complain(line);
    }
    if answers.samples == 0 {
        let warning = "no sample in it";
        answers.sink.warn(Place::Whole, warning.to_owned());
    }
    match answers.json.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

struct Sample {
    line: u64,
    at: String,
    value: String,
}

/// One object while it is read: a series, or what lies around it.
#[derive(Default)]
struct Node {
    labels: Option<Vec<(String, String)>>,
    series: Option<Series>,
    is_stream: bool,
    waiting: Vec<Sample>,
    samples: u64,
}

struct Answers<'a, R> {
    json: Json<R>,
    clock: &'a Clock,
    sink: &'a mut dyn Sink,
    /// What the server said is wrong.
    error: Option<String>,
    samples: u64,
}

impl<R: std::io::Read> Answers<'_, R> {
    /// Reads a value that stands in a member of this name.
    fn value(&mut self, depth: usize, name: &str) -> Result<(), Broken> {
        match self.json.kind()? {
            Kind::Object if depth < MAX_DEPTH => self.object(depth),
            Kind::List if depth < MAX_DEPTH => self.list(depth, name),
            _ => self.json.skip_value(),
        }
    }

    fn list(&mut self, depth: usize, name: &str) -> Result<(), Broken> {
        self.json.enter()?;
        let mut parts: Vec<String> = Vec::new();
        let line = self.json.line();
        while self.json.next_in_list()? {
            match self.json.kind()? {
                Kind::Object => self.value(depth + 1, "")?,
                // `"result":[1681148160,"1"]`: a scalar, or a text.
                Kind::Scalar if name == "result" && parts.len() < 2 => {
                    parts.push(self.json.scalar()?);
                }
                _ => self.json.skip_value()?,
            }
        }
        if let [at, value] = parts.as_slice() {
            let sample = Sample {
                line,
                at: at.clone(),
                value: value.clone(),
            };
            let mut series = Series::new(None, [], None);
            self.sample(&mut series, &sample);
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), Broken> {
        let line = self.json.line();
        let mut node = Node::default();
        let read = self.members(depth, &mut node);
        // Samples that were whole before the damage stay.
        let labels = node.labels.take().unwrap_or_default();
        for sample in std::mem::take(&mut node.waiting) {
            self.place(&mut node, &labels, &sample);
        }
        if (node.series.is_some() || !labels.is_empty()) && node.samples == 0 && read.is_ok() {
            self.sink
                .skip(Place::Line(line), "a series without samples");
        }
        read
    }

    fn members(&mut self, depth: usize, node: &mut Node) -> Result<(), Broken> {
        self.json.enter()?;
        while let Some(name) = self.json.next_member()? {
            let kind = self.json.kind()?;
            match (name.as_str(), kind) {
                ("metric" | "stream", Kind::Object) => {
                    node.is_stream = name == "stream";
                    node.labels = Some(self.labels()?);
                }
                ("value", Kind::List) => {
                    let sample = self.pair()?;
                    self.take(node, sample);
                }
                ("values", Kind::List) => {
                    self.json.enter()?;
                    while self.json.next_in_list()? {
                        let sample = match self.json.kind()? {
                            Kind::List => self.pair()?,
                            _ => {
                                self.json.skip_value()?;
                                None
                            }
                        };
                        self.take(node, sample);
                    }
                }
                ("histogram" | "histograms", _) => {
                    let place = Place::Line(self.json.line());
                    self.json.skip_value()?;
                    self.sink.skip(place, "native histograms");
                    node.samples += 1;
                }
                ("error", Kind::Scalar) => self.error = Some(self.json.scalar()?),
                ("warnings" | "infos", Kind::List) => self.notes()?,
                ("data" | "result", _) => self.value(depth + 1, &name)?,
                _ => self.json.skip_value()?,
            }
        }
        Ok(())
    }

    fn labels(&mut self) -> Result<Vec<(String, String)>, Broken> {
        let mut labels = Vec::new();
        self.json.enter()?;
        while let Some(name) = self.json.next_member()? {
            match self.json.kind()? {
                Kind::Scalar if labels.len() < MAX_LABELS => {
                    let value = self.json.scalar()?;
                    labels.push((name, value));
                }
                _ => self.json.skip_value()?,
            }
        }
        Ok(labels)
    }

    /// `[1681148160.123,"21"]`; what stands behind the two (Loki's metadata) is left out.
    fn pair(&mut self) -> Result<Option<Sample>, Broken> {
        let line = self.json.line();
        self.json.enter()?;
        let mut parts: Vec<String> = Vec::new();
        while self.json.next_in_list()? {
            match self.json.kind()? {
                Kind::Scalar if parts.len() < 2 => parts.push(self.json.scalar()?),
                _ => self.json.skip_value()?,
            }
        }
        let mut parts = parts.into_iter();
        Ok(match (parts.next(), parts.next()) {
            (Some(at), Some(value)) => Some(Sample { line, at, value }),
            _ => {
                self.sink
                    .skip(Place::Line(line), "a sample that is not whole");
                None
            }
        })
    }

    fn take(&mut self, node: &mut Node, sample: Option<Sample>) {
        let Some(sample) = sample else {
            return;
        };
        match node.labels.take() {
            Some(labels) => {
                self.place(node, &labels, &sample);
                node.labels = Some(labels);
            }
            None if node.waiting.len() < MAX_WAITING => node.waiting.push(sample),
            None => {
                let reason = "a sample whose labels come too late";
                self.sink.skip(Place::Line(sample.line), reason);
            }
        }
    }

    fn place(&mut self, node: &mut Node, labels: &[(String, String)], sample: &Sample) {
        node.samples += 1;
        let pairs = || {
            labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
        };
        if node.is_stream {
            return self.log(pairs(), sample);
        }
        let series = node
            .series
            .get_or_insert_with(|| Series::new(None, pairs(), None));
        self.sample(series, sample);
    }

    fn sample(&mut self, series: &mut Series, sample: &Sample) {
        let place = Place::Line(sample.line);
        let Some(at) = seconds(&sample.at) else {
            return self.sink.skip(place, "a sample whose time can't be read");
        };
        let when = self.clock.recorded(at, Precision::Ms);
        match series.emit(sample.line, Some(when), &sample.value, self.sink) {
            true => {
                self.samples += 1;
                self.sink.used(1);
            }
            false => self.sink.skip(place, "a value that is no number"),
        }
    }

    fn log<'b>(&mut self, labels: impl Iterator<Item = (&'b str, &'b str)>, sample: &Sample) {
        let place = Place::Line(sample.line);
        let Ok(at) = sample.at.parse() else {
            return self.sink.skip(place, "a log line whose time can't be read");
        };
        let mut all = Attributes::new();
        for (name, value) in labels {
            all.text(name, value);
        }
        let mut event = Event::new(action::LOG);
        event.when = Some(self.clock.recorded(Timestamp(at), Precision::Ns));
        event.line = Some(sample.line);
        let labels = all.finish().unwrap_or_else(|| "{}".to_owned());
        event.attributes = Some(format!("{{\"labels\":{labels}}}").into());
        event.message = Some(Cow::Borrowed(sample.value.as_str()));
        self.sink.event(&event);
        self.samples += 1;
        self.sink.used(1);
    }

    /// The server's own remarks become warnings.
    fn notes(&mut self) -> Result<(), Broken> {
        self.json.enter()?;
        let mut shown = 0;
        while self.json.next_in_list()? {
            let place = Place::Line(self.json.line());
            match self.json.kind()? {
                Kind::Scalar if shown < 8 => {
                    let said = self.json.scalar()?;
                    shown += 1;
                    let said: String = said.chars().take(200).collect();
                    let warning = format!("the server says: {}", said.escape_debug());
                    self.sink.warn(place, warning);
                }
                _ => self.json.skip_value()?,
            }
        }
        Ok(())
    }

    fn complain(&mut self, line: u64) {
        if let Some(error) = self.error.take() {
            let place = Place::Line(line);
            let said: String = error.chars().take(200).collect();
            self.sink.skip(place, "an answer that tells an error");
            let warning = format!("the server says: {}", said.escape_debug());
            self.sink.warn(place, warning);
        }
    }
}

/// Seconds since 1970 with a fraction.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if let Ok(whole) = whole.parse::<i64>()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        let digits = fraction.get(..fraction.len().min(9))?;
        let mut nanos: u32 = match digits {
            "" => 0,
            digits => digits.parse().ok()?,
        };
        for _ in digits.len()..9 {
            nanos = nanos.checked_mul(10)?;
        }
        return Timestamp::from_parts(whole, nanos);
    }
    // `1.681148160123e+09`.
    let millis = text.parse::<f64>().ok()? * 1000.0;
    #[allow(clippy::cast_possible_truncation, reason = "checked against the range")]
    let millis = (millis.is_finite() && millis.abs() < 9e12).then(|| millis.round() as i64)?;
    millis.checked_mul(1_000_000).map(Timestamp)
}

#[cfg(test)]
mod tests;
