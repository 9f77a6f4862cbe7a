//! Series of rates from samples of metrics: which of them are traffic, bits made bytes, counters made rates.

use std::collections::{BTreeMap, HashMap};

use coldcase_model::{EvidenceRecord, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::{Map, Value};

use super::device::{Direction, Meaning, is_network_device, meaning};
use super::surge::Rate;
use crate::evidence::record;

/// Labels that say which part of a monitoring told, not what it tells of.
const OF_MONITORING: [&str; 5] = [
    "job",
    "prometheus",
    "prometheus_replica",
    "replica",
    "monitor",
];
/// Labels that name the device.
const DEVICE: [&str; 6] = ["device", "interface", "ifName", "ifDescr", "nic", "dev"];
/// Labels that name what the traffic is of, best first.
const HOST: [&str; 12] = [
    "instance",
    "node",
    "nodename",
    "hostname",
    "host",
    "kubernetes_node",
    "resource_name",
    "instance_name",
    "vm",
    "server",
    "name",
    "target",
];
/// Share of falling steps from which a series is a rate, whatever its name says: a counter falls at resets alone.
const FALLS: f64 = 0.2;
/// Steps from which a series without a name that never falls is taken for a counter.
const NEVER_FALLS: usize = 10;

/// Samples that are compared with each other: one metric, one direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    /// The metric's name; empty where the answer of a query has none.
    pub metric: String,
    /// The label that names the source, where it is not the usual one.
    pub by: String,
    pub direction: Option<Direction>,
}

/// One series of rates.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub group: Group,
    pub host: String,
    pub device: Option<String>,
    /// Address in `instance`.
    pub address: Option<String>,
    /// What else the labels say.
    pub labels: String,
    /// Whether a name says the unit.
    pub unit_told: bool,
    pub rates: Vec<Rate>,
    samples: Vec<Sample>,
    meaning: Meaning,
    counts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    ts: i64,
    value: f64,
    file: usize,
    line: Option<i64>,
    /// Part of the timeline, and row of its samples.
    place: (usize, usize),
}

/// All series of a timeline that are traffic, in a fixed order.
pub(super) struct Traffic {
    pub series: Vec<Series>,
}

/// Group, host, device, labels.
type Key = (Group, String, Option<String>, String);

#[derive(Default)]
struct Reader {
    series: BTreeMap<Key, Series>,
    /// What an attribute without its value means; `None`: no traffic.
    known: HashMap<String, Option<Key>>,
    files: Vec<String>,
}

impl Traffic {
    /// Reads a timeline part by part, so that a part's rows at most are held beside the samples.
    pub fn read(timeline: &Timeline) -> Result<Self, TimelineError> {
        let mut reader = Reader::default();
        let columns = ["host", "src_ip", "attributes"];
        for (number, part) in timeline.parts().iter().enumerate() {
            let part = Timeline::of_parts(vec![part.clone()]);
            reader.take(number, &part.select(&[action::METRIC], &columns)?);
        }
        let files = reader.files;
        let series = reader.series.into_values();
        let series = series
            .map(|one| one.finished(&files))
            .filter(|one| !one.rates.is_empty());
        Ok(Self {
            series: series.collect(),
        })
    }
}

impl Series {
    /// The samples at these moments, as evidence.
    pub fn records(
        &self,
        timeline: &Timeline,
        moments: &[i64],
    ) -> Result<Vec<EvidenceRecord>, TimelineError> {
        let cited = self.samples.iter();
        let mut places: Vec<(usize, usize)> = cited
            .filter(|sample| moments.contains(&sample.ts))
            .map(|sample| sample.place)
            .collect();
        places.sort_unstable();
        let mut records = Vec::new();
        for of_part in places.chunk_by(|a, b| a.0 == b.0) {
            let number = of_part.first().map_or(0, |place| place.0);
            let part = timeline.parts().get(number).cloned();
            let part = Timeline::of_parts(part.into_iter().collect());
            let rows = part.select(&[action::METRIC], &["message"])?;
            records.extend(of_part.iter().map(|(_, row)| record(&rows, *row)));
        }
        records.sort_by_key(|record| record.ts);
        Ok(records)
    }
}

impl Reader {
    fn take(&mut self, part: usize, rows: &Selection) {
        let (times, lines) = (rows.longs("ts_ns"), rows.longs("line"));
        let (files, hosts) = (rows.texts("file"), rows.texts("host"));
        let (addresses, attributes) = (rows.texts("src_ip"), rows.texts("attributes"));
        let mut key = String::new();
        for (row, text) in attributes.iter().enumerate() {
            let cell = |column: &[Option<i64>]| column.get(row).copied().flatten();
            let word =
                |column: &[Option<&'_ str>]| column.get(row).copied().flatten().map(str::to_owned);
            let (Some(text), Some(ts), Some(file)) = (text, cell(&times), word(&files)) else {
                continue;
            };
            let Some((head, value, tail)) = split_value(text) else {
                continue;
            };
            let host = word(&hosts).unwrap_or_default();
            key.clear();
            for part in [&file, "\0", &host, "\0", head, tail] {
                key.push_str(part);
            }
            if !self.known.contains_key(&key) {
                let series = series_of(text, &file, &host, word(&addresses));
                let place = series.as_ref().map(Series::key);
                if let (Some(place), Some(series)) = (&place, series) {
                    self.series.entry(place.clone()).or_insert(series);
                }
                self.known.insert(key.clone(), place);
            }
            let place = self.known.get(&key).and_then(Option::as_ref);
            if let Some(series) = place.and_then(|place| self.series.get_mut(place)) {
                series.samples.push(Sample {
                    ts,
                    value,
                    file: file_number(&mut self.files, file),
                    line: cell(&lines),
                    place: (part, row),
                });
            }
        }
    }
}

fn file_number(files: &mut Vec<String>, file: String) -> usize {
    let known = files.iter().rposition(|known| *known == file);
    known.unwrap_or_else(|| {
        files.push(file);
        files.len() - 1
    })
}

/// The attribute without its number, and the number.
fn split_value(text: &str) -> Option<(&str, f64, &str)> {
    let (head, rest) = text.split_once("\"value\":")?;
    let (number, tail) = rest.split_at_checked(rest.find([',', '}'])?)?;
    let value: f64 = number.parse().ok()?;
    value.is_finite().then_some((head, value, tail))
}

fn series_of(text: &str, file: &str, host: &str, address: Option<String>) -> Option<Series> {
    let json: Value = serde_json::from_str(text).ok()?;
    let empty = Map::new();
    let labels = json
        .get("labels")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let label = |names: &[&'static str]| {
        let mut found = names
            .iter()
            .filter_map(|name| Some((*name, labels.get(*name)?.as_str()?)));
        found.find(|(_, value)| !value.is_empty())
    };
    let device = label(&DEVICE).map(|(_, value)| value);
    if device.is_some_and(|device| !is_network_device(device)) {
        return None;
    }
    let by_address = labels.iter().find(|(name, _)| names_address(name));
    let metric = json
        .get("metric")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // A query such as rate() takes the name off: what was asked stands in the name of the file at best.
    let name = if metric.is_empty() {
        stem(file)
    } else {
        metric
    };
    let meaning = meaning(name, device.is_some() || by_address.is_some())?;
    let (by, source) = match (label(&HOST), by_address) {
        (Some((by, value)), _) => (by, value),
        (None, Some((by, value))) => (by.as_str(), value.as_str().unwrap_or_default()),
        (None, None) => ("", host),
    };
    let group = Group {
        metric: metric.to_owned(),
        by: by.to_owned(),
        direction: meaning.direction,
    };
    let said = labels
        .iter()
        .filter(|(name, _)| !OF_MONITORING.contains(&name.as_str()));
    let said: Vec<String> = said
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let counts = json.get("type").and_then(Value::as_str) == Some("counter")
        || !meaning.is_rate
            && (metric.ends_with("_total") || name.to_ascii_lowercase().ends_with("octets"));
    Some(Series {
        group,
        host: source.to_owned(),
        device: device.map(str::to_owned),
        address,
        labels: said.join(" "),
        unit_told: meaning.unit_told,
        rates: Vec::new(),
        samples: Vec::new(),
        meaning,
        counts,
    })
}

/// Labels of public addresses that a cloud bills by traffic.
fn names_address(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    lower.starts_with("eip")
        || lower.contains("public_ip")
        || lower.contains("publicip")
        || lower.contains("bandwidth")
}

/// The file's name without folder and endings.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name)
}

impl Series {
    fn key(&self) -> Key {
        (
            self.group.clone(),
            self.host.clone(),
            self.device.clone(),
            self.labels.clone(),
        )
    }

    fn finished(mut self, files: &[String]) -> Self {
        let name = |sample: &Sample| files.get(sample.file);
        self.samples.sort_by(|a, b| {
            (a.ts, name(a), a.line)
                .cmp(&(b.ts, name(b), b.line))
                .then(a.value.total_cmp(&b.value))
        });
        self.samples.dedup_by_key(|sample| sample.ts);
        let values: Vec<Rate> = self
            .samples
            .iter()
            .map(|one| (one.ts, one.value / self.meaning.per_byte))
            .collect();
        self.rates = if is_counter(&values, self.counts, self.group.metric.is_empty()) {
            differences(&values)
        } else if self.counts && values.len() < 2 {
            Vec::new() // one sample of a counter is no rate
        } else {
            values
        };
        self.rates.retain(|(_, rate)| *rate >= 0.0);
        self
    }
}

/// Whether values are a running sum. By name, unless they fall as often as rates do; a series without a name only
/// where it never falls.
fn is_counter(values: &[Rate], by_name: bool, nameless: bool) -> bool {
    let steps = values.windows(2).filter_map(|pair| match pair {
        [before, after] => Some(after.1 - before.1),
        _ => None,
    });
    let steps: Vec<f64> = steps.collect();
    let falls = steps.iter().filter(|step| **step < 0.0).count() as f64;
    let rises = steps.iter().filter(|step| **step > 0.0).count();
    if by_name {
        return !steps.is_empty() && falls <= FALLS * steps.len() as f64;
    }
    nameless && falls == 0.0 && rises >= NEVER_FALLS && rises == steps.len()
}

/// Rates of a counter. Where it falls it began anew at zero, as Prometheus' rate() has it.
fn differences(values: &[Rate]) -> Vec<Rate> {
    let step = |pair: &[Rate]| {
        let [(from, before), (to, after)] = pair else {
            return None;
        };
        let seconds = to.saturating_sub(*from) as f64 / 1e9;
        let grown = if after < before {
            *after
        } else {
            after - before
        };
        (seconds > 0.0).then(|| (*to, grown / seconds))
    };
    values.windows(2).filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[test]
    fn counters_become_rates_and_resets_begin_anew() {
        let values = [
            (0, 100.0),
            (10 * S, 1100.0),
            (20 * S, 50.0),
            (30 * S, 1050.0),
        ];
        assert_eq!(
            differences(&values),
            [(10 * S, 100.0), (20 * S, 5.0), (30 * S, 100.0)]
        );
    }

    #[test]
    fn counters_are_told_from_rates() {
        let rising: Vec<Rate> = (0..20).map(|at| (at, at as f64)).collect();
        let wavy: Vec<Rate> = (0..20).map(|at| (at, (at % 3) as f64)).collect();
        assert!(is_counter(&rising, true, false));
        assert!(
            !is_counter(&wavy, true, false),
            "rates that kept a counter's name"
        );
        assert!(is_counter(&rising, false, true));
        assert!(!is_counter(&wavy, false, true));
        assert!(!is_counter(&rising, false, false), "a gauge by its name");
        assert!(!is_counter(&[(0, 5.0)], true, false));
    }

    #[test]
    fn an_attribute_is_parted_at_its_value() {
        let (head, value, tail) =
            split_value(r#"{"metric":"a","value":1.5e3,"labels":{}}"#).expect("a value");
        assert_eq!(
            (head, value, tail),
            (r#"{"metric":"a","#, 1500.0, r#","labels":{}}"#)
        );
        assert!(split_value(r#"{"value_text":"NaN"}"#).is_none());
    }
}
