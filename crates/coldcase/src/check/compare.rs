//! What was found against what was expected: each expectation is met, or says what came nearest to it and
//! where that differs.

use std::collections::BTreeMap;

use coldcase_model::Severity;
use serde_json::Value;

use super::contract_facts;
use super::expectation::{Expected, Of, Pattern};
use super::matcher::{name_of, show};

/// A difference in what something is about weighs more than all others together.
const OF_ANOTHER: usize = 1_000;
/// Findings named in one difference.
const MOST_NAMED: usize = 10;

/// One expectation, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What is expected, in short; unique in an incident.
    pub name: String,
    /// Why, where the expectation says it.
    pub why: Option<String>,
    /// `None`: it is met.
    pub failure: Option<Failure>,
}

/// Why an expectation is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One line.
    pub message: String,
    /// What was expected, a value a line.
    pub expected: Vec<String>,
    /// What was found nearest to it.
    pub nearest: Option<String>,
    /// Where that differs; or the findings that must not be there.
    pub differs: Vec<String>,
}

/// What came nearest to a pattern.
pub(super) struct Nearest<'f> {
    pub found: &'f Value,
    /// Paths whose values are not as expected.
    pub wrong: Vec<String>,
    /// Whether it is about something else.
    pub is_another: bool,
}

fn items(found: &Value, of: Of) -> &[Value] {
    let list = found.get(of.list()).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The value at a path such as `facts.events`; null where there is none.
pub(super) fn value_at<'v>(thing: &'v Value, path: &str) -> &'v Value {
    let value = match path.strip_prefix("facts.") {
        Some(fact) => thing.get("facts").and_then(|facts| facts.get(fact)),
        None => thing.get(path),
    };
    value.unwrap_or(&Value::Null)
}

fn text<'v>(thing: &'v Value, key: &str) -> &'v str {
    thing.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn severity(finding: &Value) -> Option<Severity> {
    Severity::from_name(text(finding, "severity"))
}

/// One found thing in one line.
pub(super) fn headline(thing: &Value, of: Of) -> String {
    match of {
        Of::Findings => format!(
            "{} {}: {}",
            text(thing, "severity"),
            text(thing, "id"),
            text(thing, "title")
        ),
        Of::Conclusions => format!(
            "{} about {}: {}",
            text(thing, "kind"),
            thing.get("about").map(show).unwrap_or_default(),
            thing.get("answer").map(show).unwrap_or_default()
        ),
    }
}

impl Pattern {
    /// Whether a difference at this path means that something else is spoken of.
    fn tells_apart(&self, path: &str) -> bool {
        let own = self.group.as_deref().and_then(contract_facts::of);
        let fact = path.strip_prefix("facts.");
        matches!(path, "correlator" | "kind" | "about" | "id" | "subjects")
            || own
                .zip(fact)
                .is_some_and(|(own, fact)| own.about.contains(&fact))
    }

    fn wrong(&self, thing: &Value) -> Vec<String> {
        let fields = self.fields.iter();
        let wrong = fields.filter(|(path, matcher)| !matcher.matches(value_at(thing, path)));
        wrong.map(|(path, _)| path.clone()).collect()
    }

    fn is_met_by(&self, thing: &Value) -> bool {
        self.wrong(thing).is_empty() || self.or.iter().any(|other| other.is_met_by(thing))
    }

    /// What of this group is most like the pattern; the first of several that are alike.
    pub(super) fn nearest<'f>(&self, found: &'f Value) -> Option<Nearest<'f>> {
        let of_group = items(found, self.of).iter().filter(|thing| {
            self.group
                .as_deref()
                .is_none_or(|group| text(thing, self.of.group_key()) == group)
        });
        let all = of_group.map(|thing| {
            let wrong = self.wrong(thing);
            let is_another = wrong.iter().any(|path| self.tells_apart(path));
            let weight = |path: &String| {
                if self.tells_apart(path) {
                    OF_ANOTHER
                } else {
                    1
                }
            };
            let weight: usize = wrong.iter().map(weight).sum();
            (
                weight,
                Nearest {
                    found: thing,
                    wrong,
                    is_another,
                },
            )
        });
        all.min_by_key(|(weight, _)| *weight)
            .map(|(_, nearest)| nearest)
    }

    /// `finding scan 192.0.2.200`.
    pub(super) fn name(&self) -> String {
        let about = self.fields.iter().filter(|(path, _)| {
            self.tells_apart(path) && !matches!(path.as_str(), "correlator" | "kind" | "id")
        });
        let mut words: Vec<String> = Vec::new();
        for word in about.flat_map(|(_, matcher)| matcher.literals()) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let group = self.group.as_deref().unwrap_or("of any kind");
        let words = if words.is_empty() {
            String::new()
        } else {
            format!(" {}", words.join(" "))
        };
        format!("{} {group}{words}", self.of.noun())
    }

    fn described(&self) -> Vec<String> {
        let fields = self.fields.iter();
        let mut lines: Vec<String> = fields
            .map(|(path, matcher)| format!("{path}: {}", matcher.describe()))
            .collect();
        for other in &self.or {
            let own = other
                .fields
                .iter()
                .filter(|field| !self.fields.contains(field));
            let own: Vec<String> = own
                .map(|(path, matcher)| format!("{path}: {}", matcher.describe()))
                .collect();
            lines.push(format!("or {}", own.join(", ")));
        }
        lines
    }
}

/// Compares all that was found with all that was expected.
pub(super) fn compare(expected: &Expected, found: &Value) -> Vec<Expectation> {
    let mut all: Vec<Expectation> = Vec::new();
    for pattern in &expected.present {
        all.push(Expectation {
            name: pattern.name(),
            why: pattern.why.clone(),
            failure: present(pattern, found),
        });
    }
    for rule in &expected.absent {
        let broken = breaking(rule, expected, found);
        all.push(Expectation {
            name: format!("no {}", rule_name(rule)),
            why: rule.why.clone(),
            failure: (!broken.is_empty()).then(|| Failure {
                message: format!("must not be there, {} found", broken.len()),
                expected: rule
                    .described()
                    .iter()
                    .map(|line| format!("none with {line}"))
                    .collect(),
                nearest: None,
                differs: named(&broken, rule.of),
            }),
        });
    }
    let limits = [
        (
            "no finding",
            expected.ceiling,
            above(expected.ceiling, found),
        ),
        ("no other finding", expected.others, others(expected, found)),
    ];
    for (what, limit, broken) in limits {
        let Some(limit) = limit else { continue };
        all.push(Expectation {
            name: format!("{what} at or above {}", limit.as_str()),
            why: None,
            failure: (!broken.is_empty()).then(|| Failure {
                message: format!("{} found", broken.len()),
                expected: vec![format!("{what} of severity {} or above", limit.as_str())],
                nearest: None,
                differs: named(&broken, Of::Findings),
            }),
        });
    }
    number_namesakes(&mut all);
    all
}

fn rule_name(rule: &Pattern) -> String {
    let severity = rule.fields.iter().find(|(path, _)| path == "severity");
    let others = rule
        .fields
        .iter()
        .filter(|(path, _)| path.starts_with("facts.") && !rule.tells_apart(path));
    let mut name = rule.name();
    for (path, matcher) in others {
        let fact = path.strip_prefix("facts.").unwrap_or(path);
        name.push_str(&format!(" {fact} {}", matcher.describe()));
    }
    if let Some((_, matcher)) = severity {
        name.push_str(&format!(
            " of severity {}",
            matcher.describe().replace('"', "")
        ));
    }
    name
}

fn named(broken: &[&Value], of: Of) -> Vec<String> {
    let mut lines: Vec<String> = broken
        .iter()
        .take(MOST_NAMED)
        .map(|thing| headline(thing, of))
        .collect();
    if broken.len() > MOST_NAMED {
        lines.push(format!("and {} more", broken.len() - MOST_NAMED));
    }
    lines
}

/// Whether anything found meets an expectation, or nothing found is what an optional one is about.
pub(super) fn is_met(pattern: &Pattern, found: &Value) -> bool {
    let is_about = |nearest: Nearest<'_>| !nearest.is_another;
    items(found, pattern.of)
        .iter()
        .any(|thing| pattern.is_met_by(thing))
        || (pattern.optional && !pattern.nearest(found).is_some_and(is_about))
}

fn present(pattern: &Pattern, found: &Value) -> Option<Failure> {
    if is_met(pattern, found) {
        return None;
    }
    let nearest = pattern.nearest(found);
    let group = pattern.group.as_deref().unwrap_or_default();
    let (message, differs) = match &nearest {
        None => (
            format!("missing: {}", groups_found(pattern, found)),
            Vec::new(),
        ),
        Some(nearest) => {
            let message = if nearest.is_another {
                format!(
                    "missing: each {} of {group} is about something else",
                    pattern.of.noun()
                )
            } else {
                let values = if nearest.wrong.len() == 1 {
                    "value differs"
                } else {
                    "values differ"
                };
                format!("{} {values}", nearest.wrong.len())
            };
            (message, differences(pattern, nearest))
        }
    };
    Some(Failure {
        message,
        expected: pattern.described(),
        nearest: nearest.map(|nearest| headline(nearest.found, pattern.of)),
        differs,
    })
}

fn differences(pattern: &Pattern, nearest: &Nearest<'_>) -> Vec<String> {
    let wrong = pattern
        .fields
        .iter()
        .filter(|(path, _)| nearest.wrong.contains(path));
    let lines = wrong.map(|(path, matcher)| {
        let got = value_at(nearest.found, path);
        let near = path.strip_prefix("facts.").filter(|_| got.is_null());
        let near = near.and_then(|fact| near_fact(fact, nearest.found));
        let near = near.map(|near| format!(" (no such fact; it has `{near}`)"));
        format!(
            "{path}: expected {}, found {}{}",
            matcher.describe(),
            show(got),
            near.unwrap_or_default()
        )
    });
    lines.collect()
}

/// A fact of the finding whose name is like one that it does not have.
fn near_fact(fact: &str, finding: &Value) -> Option<String> {
    let facts = finding.get("facts")?.as_object()?;
    if facts.contains_key(fact) {
        return None;
    }
    let known: Vec<&str> = facts.keys().map(String::as_str).collect();
    coldcase_model::nearest(fact, known).map(str::to_owned)
}

fn groups_found(pattern: &Pattern, found: &Value) -> String {
    let key = pattern.of.group_key();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for thing in items(found, pattern.of) {
        *groups.entry(text(thing, key)).or_default() += 1;
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|(group, count)| format!("{count} {group}"))
        .collect();
    let listed = if groups.is_empty() {
        "nothing".to_owned()
    } else {
        groups.join(", ")
    };
    format!(
        "no {} of this {key}; found were {listed}",
        pattern.of.noun()
    )
}

/// What a rule forbids. One without a correlator spares what is listed: it may name a bystander.
pub(super) fn breaking<'f>(
    rule: &Pattern,
    expected: &Expected,
    found: &'f Value,
) -> Vec<&'f Value> {
    let spares = |thing: &Value| rule.group.is_none() && is_listed(thing, rule.of, expected);
    let forbidden = items(found, rule.of).iter();
    forbidden
        .filter(|thing| rule.wrong(thing).is_empty() && !spares(thing))
        .collect()
}

/// Whether an expectation is met by this.
fn is_listed(thing: &Value, of: Of, expected: &Expected) -> bool {
    let mut listed = expected.present.iter().filter(|pattern| pattern.of == of);
    listed.any(|pattern| pattern.is_met_by(thing))
}

pub(super) fn above(limit: Option<Severity>, found: &Value) -> Vec<&Value> {
    let findings = items(found, Of::Findings).iter();
    findings
        .filter(|one| limit.is_some_and(|limit| severity(one) >= Some(limit)))
        .collect()
}

/// Findings at the limit for unlisted ones that no expectation lists.
pub(super) fn others<'f>(expected: &Expected, found: &'f Value) -> Vec<&'f Value> {
    let mut above = above(expected.others, found);
    above.retain(|finding| !is_listed(finding, Of::Findings, expected));
    above
}

fn number_namesakes(all: &mut [Expectation]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for one in all {
        let count = seen.entry(one.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            one.name.push_str(&format!(" ({count})"));
        }
    }
}

/// The name of what a conclusion is about, or of a subject.
pub(super) fn plain_name(thing: &Value) -> String {
    match name_of(thing) {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::check::expectation::parse;

    fn found() -> Value {
        json!({
            "findings": [
                {"id": "scan-1", "correlator": "scan", "severity": "low", "title": "t", "subjects": [{"type": "ip", "value": "192.0.2.1"}],
                 "facts": {"src_ip": "192.0.2.1", "dst_count": 4, "kind": "horizontal"}},
                {"id": "scan-2", "correlator": "scan", "severity": "low", "title": "t", "subjects": [{"type": "ip", "value": "192.0.2.2"}],
                 "facts": {"src_ip": "192.0.2.2", "dst_count": 3, "kind": "horizontal"}},
                {"id": "syn-flood-1", "correlator": "syn-flood", "severity": "high", "title": "f", "subjects": [],
                 "facts": {"src_ip": "192.0.2.9"}},
            ],
            "conclusions": [{"kind": "dns-origin", "about": {"type": "domain", "value": "a.example"}, "answer": {"type": "pod", "value": "x/y"}}],
        })
    }

    fn failures(expected: Value) -> Vec<String> {
        let expected = parse(&expected, Path::new("x")).expect("read");
        let all = compare(&expected, &found());
        let failed = all
            .into_iter()
            .filter_map(|one| Some((one.name, one.failure?)));
        failed
            .map(|(name, failure)| {
                format!(
                    "{name}: {}; {}",
                    failure.message,
                    failure.differs.join("; ")
                )
            })
            .collect()
    }

    #[test]
    fn what_is_as_expected_passes() {
        let none: [String; 0] = [];
        assert_eq!(
            failures(json!({
                "findings": [
                    {"correlator": "scan", "subjects": ["192.0.2.1"], "severity": {"at_most": "medium"}, "facts": {"dst_count": {"about": 3, "within": 1}}},
                    {"correlator": "miner", "optional": true},
                    {"correlator": "scan", "facts": {"src_ip": "x"}, "or": [{"facts": {"src_ip": "192.0.2.2"}}]},
                ],
                "conclusions": [{"kind": "dns-origin", "about": "a.example", "answer": {"type": "pod", "value": "x/y"}}],
                "absent_findings": [{"correlator": "scan", "severity": {"at_least": "high"}}, {"severity": {"at_least": "critical"}}],
                "absent_conclusions": [{"kind": "way-in"}],
                "no_finding_at_or_above": "critical",
                "no_other_finding_at_or_above": "critical",
            })),
            none
        );
    }

    #[test]
    fn what_differs_says_how() {
        let got = failures(json!({
            "findings": [
                {"correlator": "scan", "facts": {"src_ip": "192.0.2.1", "dst_count": 3}},
                {"correlator": "scan", "facts": {"src_ip": "192.0.2.7", "dst_count": 3}},
                {"correlator": "scan", "facts": {"src_ip": "192.0.2.2", "dst_counts": 3}},
                {"correlator": "miner"},
            ],
            "conclusions": [{"kind": "dns-origin", "about": "a.example", "answer": "x/z"}],
            "absent_findings": [{"correlator": "syn-flood", "facts": {"src_ip": "192.0.2.9"}}],
            "absent_conclusions": [{"kind": "dns-origin"}],
            "no_finding_at_or_above": "high",
            "no_other_finding_at_or_above": "low",
        }));
        assert_eq!(
            got,
            [
                "conclusion dns-origin a.example: 1 value differs; answer: expected \"x/z\", found {\"type\":\"pod\",\"value\":\"x/y\"}",
                "finding scan 192.0.2.1: 1 value differs; facts.dst_count: expected 3, found 4",
                "finding scan 192.0.2.7: missing: each finding of scan is about something else; facts.src_ip: expected \"192.0.2.7\", found \"192.0.2.2\"",
                "finding scan 192.0.2.2: 1 value differs; facts.dst_counts: expected 3, found null (no such fact; it has `dst_count`)",
                "finding miner: missing: no finding of this correlator; found were 2 scan, 1 syn-flood; ",
                "no conclusion dns-origin: must not be there, 1 found; dns-origin about {\"type\":\"domain\",\"value\":\"a.example\"}: {\"type\":\"pod\",\"value\":\"x/y\"}",
                "no finding syn-flood 192.0.2.9: must not be there, 1 found; high syn-flood-1: f",
                "no finding at or above high: 1 found; high syn-flood-1: f",
                "no other finding at or above low: 3 found; low scan-1: t; low scan-2: t; high syn-flood-1: f",
            ]
        );
    }
}
