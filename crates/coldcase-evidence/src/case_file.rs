//! `case.toml`: what the collector knew and the evidence may not say.

use std::path::Path;

use chrono_tz::Tz;
use coldcase_model::Timestamp;
use serde::Deserialize;

use crate::EvidenceError;

/// `case.toml`, checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaseFile {
    /// Zone of local-time, zone-less artifacts.
    pub timezone: Option<Tz>,
    /// Newest moment that the evidence can show.
    pub collected_at: Option<Timestamp>,
    /// Indicator files inside the bundle.
    pub indicators: Vec<String>,
    /// Hosts, in the file's order.
    pub hosts: Vec<HostSpec>,
}

/// One `[[host]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// Folder in the bundle; empty: the whole bundle.
    pub path: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Its zone, where it differs from the case's.
    pub timezone: Option<Tz>,
    /// What to add to its clock to be right, in nanoseconds.
    pub clock_offset_ns: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    timezone: Option<String>,
    collected_at: Option<toml::Value>,
    #[serde(default)]
    indicators: Vec<String>,
    #[serde(default)]
    host: Vec<RawHost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHost {
    name: String,
    path: Option<String>,
    #[serde(default)]
    addresses: Vec<String>,
    timezone: Option<String>,
    clock_offset: Option<String>,
}

impl CaseFile {
    /// Reads and checks the text of a `case.toml`; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, EvidenceError> {
        let wrong = |reason: String| EvidenceError::CaseFile {
            path: path.to_owned(),
            reason,
        };
        let raw: RawCase = toml::from_str(text)
            .map_err(|error| wrong(error.to_string().trim().replace('\n', "; ")))?;
        let zone = |name: Option<String>| {
            name.map(|name| parse_zone(&name))
                .transpose()
                .map_err(wrong)
        };
        let mut hosts = Vec::new();
        for host in raw.host {
            let offset = host
                .clock_offset
                .as_deref()
                .map(parse_offset)
                .transpose()
                .map_err(wrong)?;
            hosts.push(HostSpec {
                path: host.path.unwrap_or_default().trim_matches('/').to_owned(),
                name: host.name,
                addresses: host.addresses,
                timezone: zone(host.timezone)?,
                clock_offset_ns: offset.unwrap_or(0),
            });
        }
        let collected_at = raw.collected_at.map(|value| match value {
            toml::Value::String(text) => text,
            other => other.to_string(),
        });
        let collected_at = collected_at.map(|text| {
            Timestamp::parse_rfc3339(&text).ok_or_else(|| {
                wrong(format!("collected_at {text:?} is no RFC 3339 time with an offset, like 2023-05-12T10:20:00+08:00"))
            })
        });
        Ok(Self {
            timezone: zone(raw.timezone)?,
            collected_at: collected_at.transpose()?,
            indicators: raw.indicators,
            hosts,
        })
    }
}

/// The zone of this IANA name.
pub fn parse_zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        format!("unknown time zone {name:?}; use an IANA name like Asia/Shanghai or UTC")
    })
}

/// `-3s`, `+250ms`, `1h2m`: nanoseconds.
fn parse_offset(text: &str) -> Result<i64, String> {
    let wrong = || {
        format!(
            "clock_offset {text:?} is not understood; write it like \"-3s\", \"+250ms\" or \"1h2m\""
        )
    };
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let end = tail
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit_ns = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3600e9,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        #[allow(clippy::cast_possible_truncation, reason = "a float cast saturates")]
        let part = (number * unit_ns).round() as i64;
        total = total.saturating_add(part);
        rest = tail;
    }
    if text.trim_matches(['+', '-']).is_empty() {
        Err(wrong())
    } else {
        Ok(sign * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CaseFile, String> {
        CaseFile::parse(text, Path::new("case.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_contract_s_example_is_read() {
        let case = parse(
            r#"timezone = "Asia/Shanghai"
collected_at = "2023-05-12T10:20:00+08:00"
indicators = ["iocs.txt"]
[[host]]
name = "k8s-node-14"
path = "k8s-node-14"
addresses = ["10.20.8.41"]
clock_offset = "-3s""#,
        )
        .expect("valid");
        assert_eq!(case.timezone, Some(Tz::Asia__Shanghai));
        assert_eq!(
            case.collected_at.map(|at| at.to_string()).as_deref(),
            Some("2023-05-12T02:20:00Z")
        );
        assert_eq!(
            case.hosts.first().map(|host| host.clock_offset_ns),
            Some(-3_000_000_000)
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_mend() {
        let check = |text: &str, part: &str| {
            let error = parse(text).expect_err("wrong");
            assert!(error.contains(part), "{error}");
        };
        check("timezone = \"Mars/Base\"", "IANA name");
        check("collected_at = \"yesterday\"", "RFC 3339");
        check("zone = \"UTC\"", "unknown field");
        check("[[host]]\nname=\"a\"\nclock_offset=\"soon\"", "-3s");
    }

    #[test]
    fn offsets() {
        let check =
            |text: &str, expected: i64| assert_eq!(parse_offset(text), Ok(expected), "{text}");
        check("-3s", -3_000_000_000);
        check("+1h2m", 3_720_000_000_000);
        check("1.5ms", 1_500_000);
        assert!(parse_offset("").is_err());
    }
}
