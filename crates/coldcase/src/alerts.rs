//! Indicators that the bundle's own alerts name: what a detector called malicious is looked for like a feed's.

use coldcase_correlate::{HostFacts, Indicator, IndicatorType, is_internal};
use coldcase_model::{action, canonical_domain, canonical_ip};
use coldcase_timeline::{Timeline, TimelineError};
use serde::Deserialize;

/// Alerts of sensors (Suricata's thousands) are findings of their own; those handed over with a bundle are its reason.
const FORMAT: &str = "alert-json";

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    indicators: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Indicators of all alerts, without the case's own hosts, addresses that are never routed, and names below
/// one that is known already: the feed's own word is what findings cite.
pub(crate) fn indicators(
    timeline: &Timeline,
    hosts: &[HostFacts],
    known: &[Indicator],
) -> Result<Vec<Indicator>, TimelineError> {
    let rows = timeline.select(&[action::ALERT], &["format", "attributes"])?;
    let mut found = Vec::new();
    for row in 0..rows.rows() {
        if rows.text("format", row) != Some(FORMAT) {
            continue;
        }
        let attributes = rows.text("attributes", row).unwrap_or("{}");
        let Ok(told) = serde_json::from_str::<Told>(attributes) else {
            continue;
        };
        found.extend(
            told.indicators
                .iter()
                .filter_map(|named| read(named, hosts)),
        );
    }
    found.retain(|told| !known.iter().any(|known| covers(known, told)));
    Ok(found)
}

/// Whether an indicator is the other one, or a domain above it.
fn covers(known: &Indicator, told: &Indicator) -> bool {
    let is_below = |name: &str| {
        let above = name.strip_suffix(known.value.as_str());
        above.is_some_and(|above| above.ends_with('.'))
    };
    known == told
        || (known.kind == IndicatorType::Domain
            && told.kind == IndicatorType::Domain
            && is_below(&told.value))
}

fn read(named: &Named, hosts: &[HostFacts]) -> Option<Indicator> {
    let (kind, value) = match named.kind.as_str() {
        "domain" => (
            IndicatorType::Domain,
            canonical_domain(&named.value).into_owned(),
        ),
        "ip" => (IndicatorType::Ip, canonical_ip(&named.value)?.into_owned()),
        "url" => (IndicatorType::Url, named.value.clone()),
        "hash" | "md5" | "sha1" | "sha256" => {
            (IndicatorType::Hash, named.value.to_ascii_lowercase())
        }
        _ => return None,
    };
    let is_own = hosts.iter().any(|host| host.addresses.contains(&value));
    let is_inside = kind == IndicatorType::Ip && is_internal(&value);
    (!is_own && !is_inside).then_some(Indicator { kind, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_bad_is_an_indicator() {
        let check = |kind: &str, value: &str, expected: Option<&str>| {
            let named = Named {
                kind: kind.to_owned(),
                value: value.to_owned(),
            };
            let got = read(&named, &[]).map(|one| one.value);
            assert_eq!(got.as_deref(), expected, "{kind} {value}");
        };
        check("domain", "Bad.Example.", Some("bad.example"));
        check("ip", "192.0.2.66", Some("192.0.2.66"));
        check("ip", "10.20.8.14", None);
        check("sha256", "AB12", Some("ab12"));
        check("user", "root", None);
    }

    #[test]
    fn a_feed_s_domain_covers_those_below_it() {
        let domain = |value: &str| Indicator {
            kind: IndicatorType::Domain,
            value: value.to_owned(),
        };
        let check = |known: &str, told: &str, expected: bool| {
            assert_eq!(covers(&domain(known), &domain(told)), expected);
        };
        check("bad.example", "bad.example", true);
        check("bad.example", "c2.bad.example", true);
        check("bad.example", "notbad.example", false);
        check("c2.bad.example", "bad.example", false);
    }
}
