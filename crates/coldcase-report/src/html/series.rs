//! Cause matching: what is explained and what explains it, over each other, with their lag.
//!
//! The finding holds counts, lag and some pairs; the moments are read from the timeline again: effects as logins of
//! the source (or questions, connections), causes as lines of the cause's files that have the template's words. What
//! is drawn is counted beside what the finding counted, so that a difference is seen.

use std::collections::BTreeSet;

use coldcase_model::{Finding, Findings, ObservableType, Severity, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::charts::{fact_number, fact_text, is_concluded};
use super::logins::Login;
use super::svg::SECOND;

/// Most matches drawn on a page.
const MOST: usize = 3;
/// Most moments kept on a side.
const MOST_MOMENTS: usize = 60_000;
/// Logs cut seconds: a pair may lie this much beside the stated lag.
const CUT_NS: i64 = SECOND / 2;
/// Records of one question or connection.
const SAME_NS: i64 = 2 * SECOND;
/// Lines so far beside the finding's span may still be the cause's.
const AROUND_NS: i64 = 86_400 * SECOND;

/// An effect and its cause, as moments.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub finding: String,
    /// What is explained, and what explains it.
    pub effect: String,
    pub cause: String,
    pub effects: Vec<i64>,
    /// Moved by the zone's error that the finding states.
    pub causes: Vec<i64>,
    /// Places in `effects` and `causes`.
    pub pairs: Vec<(usize, usize)>,
    /// As the finding counts them.
    pub matched: u64,
    pub effect_events: u64,
    pub other_targets: u64,
    pub zone_error_seconds: i64,
}

fn wanted(findings: &Findings) -> Vec<&Finding> {
    let matches = findings
        .findings
        .iter()
        .filter(|finding| finding.correlator == "series-match");
    let told = matches
        .filter(|finding| finding.severity >= Severity::Medium || is_concluded(findings, finding));
    told.take(MOST).collect()
}

/// Sources whose logins are needed.
pub(super) fn sources(findings: &Findings) -> BTreeSet<String> {
    let effects = wanted(findings)
        .into_iter()
        .filter_map(|finding| effect(finding));
    effects
        .filter(|(kind, _)| *kind == "ip")
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn effect(finding: &Finding) -> Option<(&str, &str)> {
    let effect = finding.facts.get("effect")?;
    Some((
        effect.get("type")?.as_str()?,
        effect.get("value")?.as_str()?,
    ))
}

/// All matches that are drawn.
pub(super) fn of(
    findings: &Findings,
    timeline: &Timeline,
    logins: &[Login],
) -> Result<Vec<Series>, TimelineError> {
    let mut found = Vec::new();
    for finding in wanted(findings) {
        found.extend(one(finding, timeline, logins)?);
    }
    Ok(found)
}

fn one(
    finding: &Finding,
    timeline: &Timeline,
    logins: &[Login],
) -> Result<Option<Series>, TimelineError> {
    let (Some((kind, what)), Some(cause)) = (effect(finding), finding.facts.get("cause")) else {
        return Ok(None);
    };
    let host = fact_text(finding, "effect_host");
    let effects = match (kind, host) {
        ("ip", Some(host)) => of_logins(logins, what, host),
        _ => of_indicator(timeline, finding, kind, what)?,
    };
    let number = |name: &str| fact_number(finding, name);
    let zone = finding
        .facts
        .get("zone_error_seconds")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let mut causes = lines(timeline, finding)?;
    causes
        .iter_mut()
        .for_each(|at| *at = at.saturating_add(zone.saturating_mul(SECOND)));
    let lag = |name: &str| nanos(number(name)?);
    let (Some(least), Some(most)) = (lag("lag_least_seconds"), lag("lag_most_seconds")) else {
        return Ok(None);
    };
    let pairs = pairs(&effects, &causes, least - CUT_NS, most + CUT_NS);
    let count = |name: &str| finding.facts.get(name).and_then(Value::as_u64).unwrap_or(0);
    let events = |value: &Value| value.get("events").and_then(Value::as_u64).unwrap_or(0);
    Ok((!effects.is_empty() && !causes.is_empty()).then(|| Series {
        finding: finding.id.clone(),
        effect: what.to_owned(),
        cause: cause
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        pairs,
        matched: count("matched"),
        effect_events: finding.facts.get("effect").map_or(0, events),
        other_targets: count("other_targets"),
        zone_error_seconds: zone,
        effects,
        causes,
    }))
}

/// Seconds of a fact as nanoseconds, exact to the millisecond.
fn nanos(seconds: f64) -> Option<i64> {
    let millis = format!("{:.0}", seconds * 1000.0).parse::<i64>().ok()?;
    millis.checked_mul(SECOND / 1000)
}

/// One a connection, as the correlator counts them: pids come back, so a connection is one of its hour.
fn of_logins(logins: &[Login], source: &str, host: &str) -> Vec<i64> {
    let mut known: BTreeSet<((i64, i32), i64)> = BTreeSet::new();
    let of_source = logins
        .iter()
        .filter(|login| login.source == source && login.host == host);
    let first = of_source.filter(|login| {
        let hour = login.ts.div_euclid(3600 * SECOND);
        let seen = known.contains(&(login.connection, hour))
            || known.contains(&(login.connection, hour - 1));
        known.insert((login.connection, hour));
        !seen || login.connection == (-1, -1)
    });
    first.map(|login| login.ts).take(MOST_MOMENTS).collect()
}

/// Questions for a name, or connections to an address, by whom the finding names.
fn of_indicator(
    timeline: &Timeline,
    finding: &Finding,
    kind: &str,
    what: &str,
) -> Result<Vec<i64>, TimelineError> {
    let column = if kind == "domain" { "domain" } else { "dst_ip" };
    let addresses = finding
        .subjects
        .iter()
        .filter(|one| matches!(one.kind, ObservableType::Ip | ObservableType::Host));
    let by: Vec<&str> = addresses
        .map(|one| one.value.as_str())
        .filter(|value| *value != what)
        .collect();
    let actions = [action::DNS_QUERY, action::TCP_FLOW, action::CONNECT];
    let mut times: Vec<i64> = Vec::new();
    timeline.for_each_part(
        &actions,
        &["ts_ns", "src_ip", "host", column],
        |rows| rows.filter(col(column).eq(lit(what))),
        |rows| {
            for row in 0..rows.rows() {
                let from = rows.text("src_ip", row).or_else(|| rows.text("host", row));
                if by.is_empty() || from.is_some_and(|from| by.contains(&from)) {
                    times.extend(rows.long("ts_ns", row));
                }
            }
        },
    )?;
    times.sort_unstable();
    times.dedup_by(|next, kept| *next - *kept <= SAME_NS);
    times.truncate(MOST_MOMENTS);
    Ok(times)
}

/// The cause's lines: in the files that the finding cites for it, with the template's words in their order.
fn lines(timeline: &Timeline, finding: &Finding) -> Result<Vec<i64>, TimelineError> {
    // Pairs are cited cause first, effect second.
    let files: BTreeSet<&str> = finding
        .evidence
        .iter()
        .step_by(2)
        .map(|record| record.file.as_str())
        .collect();
    let template = fact_text(finding, "template").unwrap_or_default();
    let words: Vec<&str> = if template == "any line" {
        Vec::new()
    } else {
        let is_variable = |letter: char| letter == '#' || letter == '*' || letter.is_whitespace();
        template
            .split(is_variable)
            .filter(|word| !word.is_empty())
            .collect()
    };
    let from = finding
        .first
        .map_or(i64::MIN, |at| at.nanos().saturating_sub(AROUND_NS));
    let to = finding
        .last
        .map_or(i64::MAX, |at| at.nanos().saturating_add(AROUND_NS));
    let mut times: Vec<i64> = Vec::new();
    for index in 0..timeline.parts().len() {
        let Some(names) = timeline.part(index, &["file"])? else {
            break;
        };
        if !names
            .texts("file")
            .iter()
            .flatten()
            .any(|file| files.contains(file))
        {
            continue;
        }
        let Some(rows) = timeline.part(index, &["ts_ns", "message"])? else {
            break;
        };
        let cells = names
            .texts("file")
            .into_iter()
            .zip(rows.longs("ts_ns"))
            .zip(rows.texts("message"));
        let of_cause = cells.filter_map(|((file, ts), message)| {
            let ts = ts.filter(|ts| (from..=to).contains(ts))?;
            (files.contains(file?) && has_words(message.unwrap_or_default(), &words)).then_some(ts)
        });
        times.extend(of_cause);
    }
    times.sort_unstable();
    times.truncate(MOST_MOMENTS);
    Ok(times)
}

fn has_words(line: &str, words: &[&str]) -> bool {
    let mut rest = line;
    words.iter().all(|word| match rest.find(word) {
        Some(at) => {
            rest = rest.get(at + word.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

/// One to one, each effect with the earliest cause that is free and within the lag.
fn pairs(effects: &[i64], causes: &[i64], least: i64, most: i64) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut free = 0;
    for (effect, at) in effects.iter().enumerate() {
        while causes.get(free).is_some_and(|cause| at - cause > most) {
            free += 1;
        }
        if causes.get(free).is_some_and(|cause| at - cause >= least) {
            found.push((effect, free));
            free += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_one_to_one_within_the_lag() {
        let seconds = |list: &[i64]| list.iter().map(|at| at * SECOND).collect::<Vec<_>>();
        let (effects, causes) = (seconds(&[10, 20, 30, 31]), seconds(&[9, 15, 19, 30]));
        let found = pairs(&effects, &causes, 0, 2 * SECOND);
        assert_eq!(found, [(0, 0), (1, 2), (2, 3)]);
        assert!(pairs(&effects, &[], 0, SECOND).is_empty());
    }

    #[test]
    fn a_template_s_words_come_in_their_order() {
        let words = ["INFO", "dispatch-", "target="];
        assert!(has_words("x INFO [ dispatch-2] a target=b", &words));
        assert!(!has_words("target=b dispatch-2 INFO", &words));
        assert!(has_words("anything", &[]));
    }
}
