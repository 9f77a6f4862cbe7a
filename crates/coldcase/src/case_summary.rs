//! What reports are made from, out of `case.json` and the findings: the same for a case that was just
//! analysed and for one opened again, so that both give the same reports.

use std::path::Path;

use chrono_tz::Tz;
use coldcase_model::{Findings, Timestamp, interned};
use coldcase_report::{InputLine, Lang, Summary};
use serde_json::Value;

/// What reports are made from.
pub(crate) fn summary<'f>(
    case: &Value,
    findings: &'f Findings,
    folder: &Path,
    lang: Lang,
) -> Summary<'f> {
    let inputs = || list(case, "inputs");
    Summary {
        findings,
        inputs: inputs().filter_map(input_line).collect(),
        zone: zone(case).unwrap_or(Tz::UTC),
        zone_source: interned(text(case, "timezone_rests_on").unwrap_or_default()),
        events: inputs()
            .filter_map(|input| input.get("events")?.as_u64())
            .sum(),
        warnings: texts(case, "warnings"),
        clocks: texts(case, "clock_notes"),
        missing: list(case, "missing").filter_map(missing).collect(),
        case: folder.display().to_string(),
        lang,
    }
}

/// What a `case.json` lacks of what [`summary`] needs, where it is not whole or of another version.
pub(crate) fn lacks(case: &Value) -> Option<String> {
    let lists = ["inputs", "missing", "warnings", "clock_notes"];
    let list = lists
        .iter()
        .find(|name| !case.get(**name).is_some_and(Value::is_array));
    let lacking = list.map(|name| format!("`{name}` is missing"));
    let zone = || {
        zone(case)
            .is_none()
            .then(|| "`timezone` is missing or not known".to_owned())
    };
    let input = || {
        let is_wrong = self::list(case, "inputs").any(|input| input_line(input).is_none());
        is_wrong.then(|| "its `inputs` are not as expected".to_owned())
    };
    lacking.or_else(zone).or_else(input)
}

/// The zone of a case.
pub(crate) fn zone(case: &Value) -> Option<Tz> {
    text(case, "timezone")?.parse().ok()
}

fn list<'c>(case: &'c Value, name: &str) -> impl Iterator<Item = &'c Value> {
    let items = case.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

fn text<'c>(value: &'c Value, name: &str) -> Option<&'c str> {
    value.get(name).and_then(Value::as_str)
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = list(value, name).filter_map(Value::as_str);
    items.map(str::to_owned).collect()
}

fn missing(value: &Value) -> Option<String> {
    let sentence = crate::missing::sentence;
    Some(sentence(
        text(value, "host"),
        text(value, "what")?,
        text(value, "would_tell")?,
    ))
}

fn input_line(input: &Value) -> Option<InputLine> {
    let time = |name: &str| text(input, name).and_then(Timestamp::parse_rfc3339);
    let count = |name: &str| input.get(name).and_then(Value::as_u64);
    Some(InputLine {
        path: text(input, "path")?.to_owned(),
        bytes: count("bytes")?,
        sha256: text(input, "sha256").map(str::to_owned),
        format: text(input, "format").map(interned),
        host: text(input, "host").map(str::to_owned),
        records: count("records")?,
        skipped: count("skipped")?,
        first: time("first"),
        last: time("last"),
        warnings: texts(input, "warnings"),
    })
}
