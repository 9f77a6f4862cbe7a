//! Expectations written from what was found: all of it where there are none, else only what is not met.

use coldcase_model::Severity;
use serde_json::{Map, Value, json};

use super::compare::{above, breaking, headline, others, plain_name, value_at};
use super::expectation::{Expected, Of, Pattern, SCHEMA};
use super::{contract_facts, expectation};
use crate::check::matcher::show;

/// Findings from this severity on are expected, and unlisted ones from the next one on refused.
const LEAST: Severity = Severity::Low;
/// Lists and texts up to this length are expected as they are; longer ones are left out.
const LONGEST_LIST: usize = 20;
const LONGEST_TEXT: usize = 300;
/// Measured numbers may move by this share.
const SHARE: f64 = 0.01;

/// The expectations that what was found meets, and what changed, a line each.
pub(super) fn bless(old: Option<(&Value, &Expected)>, found: &Value) -> (Value, Vec<String>) {
    match old {
        None => (
            from_found(found),
            vec!["written from what was found".to_owned()],
        ),
        Some((json, expected)) => mended(json, expected, found),
    }
}

fn from_found(found: &Value) -> Value {
    let list = |name: &str| {
        found
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let severities = || {
        let severities = list("findings").filter_map(|finding| finding.get("severity")?.as_str());
        severities.filter_map(Severity::from_name)
    };
    let listed = list("findings").filter(|finding| {
        let severity = finding.get("severity").and_then(Value::as_str);
        severity.and_then(Severity::from_name) >= Some(LEAST)
    });
    let mut top = Map::new();
    top.insert("schema".into(), SCHEMA.into());
    top.insert(
        "conclusions".into(),
        list("conclusions").map(of_conclusion).collect(),
    );
    top.insert("findings".into(), listed.map(of_finding).collect());
    if let Some(limit) = next_above(severities().max()) {
        top.insert("no_finding_at_or_above".into(), limit.as_str().into());
    }
    top.insert(
        "no_other_finding_at_or_above".into(),
        Severity::Medium.as_str().into(),
    );
    Value::Object(top)
}

/// The severity above this one; none above the highest.
fn next_above(worst: Option<Severity>) -> Option<Severity> {
    let limit = worst.unwrap_or(Severity::Info);
    Severity::ALL.into_iter().find(|severity| *severity > limit)
}

fn of_conclusion(conclusion: &Value) -> Value {
    let mut pattern = Map::new();
    for key in ["kind", "about", "answer", "candidates"] {
        pattern.insert(key.into(), conclusion.get(key).cloned().unwrap_or_default());
    }
    Value::Object(pattern)
}

fn of_finding(finding: &Value) -> Value {
    let id = finding
        .get("correlator")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = contract_facts::of(id);
    let names = known
        .into_iter()
        .flat_map(|facts| facts.about.iter().chain(facts.stated));
    let facts: Map<String, Value> = names
        .filter_map(|name| {
            let value = finding.get("facts")?.get(*name)?;
            Some(((*name).to_owned(), expectation_of(value)?))
        })
        .collect();
    json!({
        "correlator": id,
        "subjects": finding.get("subjects"),
        "severity": finding.get("severity"),
        "facts": facts,
    })
}

/// What is expected of a value that was found; `None`: too long to be expected word for word.
fn expectation_of(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let about = number.as_f64()?;
            let within = about.abs() * SHARE;
            Some(json!({"about": about, "within": format!("{within:.1e}").parse::<f64>().ok()?}))
        }
        Value::Array(items) if items.len() > LONGEST_LIST => None,
        Value::String(text) if text.len() > LONGEST_TEXT => None,
        other => Some(other.clone()),
    }
}

/// The old expectations with just what is not met made anew.
fn mended(json: &Value, expected: &Expected, found: &Value) -> (Value, Vec<String>) {
    let mut json = json.clone();
    let mut changes = Vec::new();
    for of in [Of::Conclusions, Of::Findings] {
        let patterns = expected.present.iter().filter(|pattern| pattern.of == of);
        mend_list(
            &mut json,
            of.list(),
            &mut changes,
            patterns,
            |pattern, item, changes| mend_pattern(pattern, item, found, changes),
        );
        let rules = expected.absent.iter().filter(|rule| rule.of == of);
        mend_list(
            &mut json,
            of.absent_list(),
            &mut changes,
            rules,
            |rule, _, changes| {
                let broken = breaking(rule, expected, found);
                if let Some(first) = broken.first() {
                    changes.push(format!(
                        "removed: no {}: {}",
                        rule.name(),
                        headline(first, of)
                    ));
                }
                broken.is_empty()
            },
        );
    }
    add_others(&mut json, expected, found, &mut changes);
    if let (Some(limit), false) = (expected.ceiling, above(expected.ceiling, found).is_empty()) {
        let severities = above(expected.ceiling, found).into_iter();
        let worst =
            severities.filter_map(|one| Severity::from_name(one.get("severity")?.as_str()?));
        let raised = next_above(worst.max());
        if let Some(top) = json.as_object_mut() {
            match raised {
                Some(raised) => top.insert("no_finding_at_or_above".into(), raised.as_str().into()),
                None => top.remove("no_finding_at_or_above"),
            };
        }
        let raised = raised.map_or("gone", Severity::as_str);
        changes.push(format!(
            "no_finding_at_or_above: {} -> {raised}",
            limit.as_str()
        ));
    }
    (json, changes)
}

/// Keeps, mends or removes each item of a list; patterns stand in the list's order.
fn mend_list<'p>(
    json: &mut Value,
    name: &str,
    changes: &mut Vec<String>,
    mut patterns: impl Iterator<Item = &'p Pattern>,
    keep: impl Fn(&Pattern, &mut Value, &mut Vec<String>) -> bool,
) {
    if let Some(items) = json.get_mut(name).and_then(Value::as_array_mut) {
        items.retain_mut(|item| {
            patterns
                .next()
                .is_none_or(|pattern| keep(pattern, item, changes))
        });
    }
}

/// Whether an expectation stays; one that is not met gets the values of what is nearest to it.
fn mend_pattern(
    pattern: &Pattern,
    item: &mut Value,
    found: &Value,
    changes: &mut Vec<String>,
) -> bool {
    if super::compare::is_met(pattern, found) {
        return true;
    }
    let Some(nearest) = pattern.nearest(found).filter(|nearest| !nearest.is_another) else {
        changes.push(format!("removed: {}", pattern.name()));
        return false;
    };
    for path in &nearest.wrong {
        let got = value_at(nearest.found, path);
        let want = expectation_of(got).unwrap_or_else(|| got.clone());
        let (holder, key) = match path.strip_prefix("facts.") {
            Some(fact) => (item.get_mut("facts"), fact),
            None => (Some(&mut *item), path.as_str()),
        };
        let Some(holder) = holder.and_then(Value::as_object_mut) else {
            continue;
        };
        let old = holder
            .insert(key.to_owned(), want.clone())
            .unwrap_or_default();
        changes.push(format!(
            "{} {path}: {} -> {}",
            pattern.name(),
            show(&old),
            show(&want)
        ));
    }
    true
}

/// Lists what no expectation lists and reaches the limit for that.
fn add_others(json: &mut Value, expected: &Expected, found: &Value, changes: &mut Vec<String>) {
    // What was mended may list more than before.
    let mended = expectation::parse(json, std::path::Path::new(""));
    let unlisted = others(mended.as_ref().unwrap_or(expected), found);
    if unlisted.is_empty() {
        return;
    }
    let Some(top) = json.as_object_mut() else {
        return;
    };
    let list = top
        .entry("findings")
        .or_insert_with(|| Value::Array(Vec::new()));
    for finding in unlisted {
        let subjects = finding
            .get("subjects")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let subjects: Vec<String> = subjects.map(plain_name).collect();
        let id = finding
            .get("correlator")
            .and_then(Value::as_str)
            .unwrap_or_default();
        changes.push(format!("added: finding {id} {}", subjects.join(" ")));
        if let Some(list) = list.as_array_mut() {
            list.push(of_finding(finding));
        }
    }
}
