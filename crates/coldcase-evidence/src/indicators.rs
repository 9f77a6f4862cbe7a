//! Indicators: what is known to be bad. Read from text (one a line), CSV cells, STIX 2.1 and MISP JSON;
//! defanged forms (`hxxp`, `[.]`, `(dot)`) are taken for what they mean.

use std::net::IpAddr;

use coldcase_model::{canonical_domain, canonical_ip};
use serde::Serialize;
use serde_json::Value;

/// Kinds of indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum IndicatorType {
    Domain,
    Ip,
    Cidr,
    Hash,
    Url,
}

/// One indicator in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Indicator {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: IndicatorType,
    /// Its value: domains in lower case, addresses canonical, hashes in lower case.
    pub value: String,
}

/// All indicators in a file's text, sorted, each once.
pub fn parse_indicators(text: &str) -> Vec<Indicator> {
    let mut found = Vec::new();
    match serde_json::from_str::<Value>(text) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => from_json(&json, &mut found, 0),
        _ => from_lines(text, &mut found),
    }
    found.sort();
    found.dedup();
    found
}

fn from_lines(text: &str, found: &mut Vec<Indicator>) {
    let plain = text
        .lines()
        .map(|line| line.trim_start_matches('\u{feff}').trim());
    for line in plain.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(line.as_bytes());
        for record in reader.records().flatten() {
            for cell in &record {
                let bare = cell.split_once(" #").map_or(cell, |(bare, _)| bare);
                found.extend(classify(bare));
            }
        }
    }
}

/// Depth to which JSON is searched: STIX and MISP nest five deep at most.
const MAX_DEPTH: usize = 32;

fn from_json(json: &Value, found: &mut Vec<Indicator>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match json {
        Value::Array(items) => items
            .iter()
            .for_each(|item| from_json(item, found, depth + 1)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("pattern", Value::String(pattern)) => {
                        // STIX: [domain-name:value = 'x' OR ipv4-addr:value = 'y']
                        found.extend(pattern.split('\'').skip(1).step_by(2).filter_map(classify));
                    }
                    ("value" | "indicator" | "ioc", Value::String(value)) => {
                        found.extend(value.split('|').filter_map(classify));
                    }
                    (_, nested) => from_json(nested, found, depth + 1),
                }
            }
        }
        _ => {}
    }
}

fn refang(text: &str) -> String {
    let mut plain = text.trim().trim_matches(['"', '\'']).to_owned();
    for (defanged, meant) in [
        ("[.]", "."),
        ("(.)", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("{.}", "."),
        ("[:]", ":"),
        ("\\.", "."),
    ] {
        plain = plain.replace(defanged, meant);
    }
    for (defanged, meant) in [("hxxps", "https"), ("hxxp", "http"), ("hXXp", "http")] {
        if let Some(rest) = plain.strip_prefix(defanged) {
            plain = format!("{meant}{rest}");
        }
    }
    plain
}

/// What one word is, if it is an indicator at all.
fn classify(text: &str) -> Option<Indicator> {
    let plain = refang(text);
    let word = plain.as_str();
    let make = |kind, value: String| Some(Indicator { kind, value });
    if word.contains("://") {
        return make(IndicatorType::Url, word.to_owned());
    }
    if let Some(ip) = canonical_ip(word) {
        return make(IndicatorType::Ip, ip.into_owned());
    }
    if let Some((address, bits)) = word.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        return bits
            .parse::<u8>()
            .ok()
            .filter(|bits| *bits <= most)
            .and_then(|_| make(IndicatorType::Cidr, word.to_owned()));
    }
    if matches!(word.len(), 32 | 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return make(IndicatorType::Hash, word.to_ascii_lowercase());
    }
    let bare = word
        .strip_prefix("*.")
        .or_else(|| word.strip_prefix('.'))
        .unwrap_or(word);
    is_domain(bare)
        .then(|| canonical_domain(bare).into_owned())
        .and_then(|value| make(IndicatorType::Domain, value))
}

fn is_domain(text: &str) -> bool {
    let bare = text.strip_suffix('.').unwrap_or(text);
    let mut labels = bare.split('.');
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte >= 0x80
            })
    };
    let last = bare.rsplit('.').next().unwrap_or_default();
    bare.len() <= 253
        && bare.contains('.')
        && labels.all(good)
        && last.len() >= 2
        && !last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(IndicatorType, &str)]) {
        let got = parse_indicators(text);
        let got: Vec<_> = got
            .iter()
            .map(|indicator| (indicator.kind, indicator.value.as_str()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn text_csv_and_defanged() {
        check(
            "# feed\nUpdate.Evil[.]example.\n192[.]0.2.66, seen twice\r\n10.0.0.0/8\nhxxp://bad[.]example/x\n",
            &[
                (IndicatorType::Domain, "update.evil.example"),
                (IndicatorType::Ip, "192.0.2.66"),
                (IndicatorType::Cidr, "10.0.0.0/8"),
                (IndicatorType::Url, "http://bad.example/x"),
            ],
        );
    }

    #[test]
    fn stix_and_misp() {
        check(
            r#"{"objects":[{"type":"indicator","pattern":"[domain-name:value = 'a.example']"}]}"#,
            &[(IndicatorType::Domain, "a.example")],
        );
        check(
            r#"{"Event":{"Attribute":[{"type":"ip-dst","value":"192.0.2.1"}]}}"#,
            &[(IndicatorType::Ip, "192.0.2.1")],
        );
    }

    #[test]
    fn words_are_no_indicators() {
        check("hello world\nversion 1.2.3\nreadme\n", &[]);
    }
}
