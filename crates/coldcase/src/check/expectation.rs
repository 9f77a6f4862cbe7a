//! `expected.json`: what an incident's findings and conclusions must be. Read strictly: a key that is not
//! known is an error that names the nearest, for a rule that is never applied would look like one that holds.

use std::path::{Path, PathBuf};

use coldcase_correlate::correlators;
use coldcase_ingest::formats;
use coldcase_model::{Severity, Timestamp, is_slip, nearest};
use serde_json::{Map, Value};

use super::contract_facts;
use super::matcher::{self, Matcher};
use crate::Options;

/// The version of `expected.json`.
pub(super) const SCHEMA: &str = "coldcase.expected/1";
/// Conclusions that there are.
const CONCLUSION_KINDS: [&str; 4] = ["login-cause", "dns-origin", "flood-source", "way-in"];
const TOP_KEYS: [&str; 9] = [
    "schema",
    "note",
    "options",
    "conclusions",
    "findings",
    "absent_conclusions",
    "absent_findings",
    "no_finding_at_or_above",
    "no_other_finding_at_or_above",
];
const OPTION_KEYS: [&str; 4] = ["timezone", "collected_at", "ioc", "only"];
const OWN_KEYS: [&str; 3] = ["why", "optional", "or"];
const FINDING_KEYS: [&str; 12] = [
    "correlator",
    "id",
    "title",
    "severity",
    "confidence",
    "first",
    "last",
    "subjects",
    "facts",
    "attack",
    "evidence",
    "text",
];
const CONCLUSION_KEYS: [&str; 8] = [
    "kind",
    "about",
    "question",
    "answer",
    "candidates",
    "confidence",
    "because",
    "text",
];

/// Findings or conclusions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Findings,
    Conclusions,
}

impl Of {
    /// The list of `findings.json`, and of `expected.json`.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Conclusions => "conclusions",
        }
    }

    pub(super) fn absent_list(self) -> &'static str {
        match self {
            Self::Findings => "absent_findings",
            Self::Conclusions => "absent_conclusions",
        }
    }

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Findings => "finding",
            Self::Conclusions => "conclusion",
        }
    }

    /// The key that says what made it.
    pub(super) fn group_key(self) -> &'static str {
        match self {
            Self::Findings => "correlator",
            Self::Conclusions => "kind",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Findings => &FINDING_KEYS,
            Self::Conclusions => &CONCLUSION_KEYS,
        }
    }
}

/// One finding or conclusion that must be there, or must not.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub of: Of,
    /// Its correlator or kind; `None`: any.
    pub group: Option<String>,
    /// Path of the value (`severity`, `facts.events`), and what it must be.
    pub fields: Vec<(String, Matcher)>,
    /// What is as right.
    pub or: Vec<Pattern>,
    /// Compared only where something of this group is about the same.
    pub optional: bool,
    pub why: Option<String>,
}

/// `expected.json`, checked.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub options: Options,
    pub present: Vec<Pattern>,
    pub absent: Vec<Pattern>,
    /// No finding reaches this.
    pub ceiling: Option<Severity>,
    /// No finding that is not listed reaches this.
    pub others: Option<Severity>,
}

/// An error about a key that is not known.
pub(super) fn unknown(key: &str, place: &str, known: &[&str]) -> String {
    let place = if place.is_empty() {
        String::new()
    } else {
        format!("{place}: ")
    };
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("{place}unknown key `{key}`; did you mean `{near}`?"),
        None => format!("{place}unknown key `{key}`; known are {}", known.join(", ")),
    }
}

/// Reads and checks the content of an `expected.json` in this folder.
pub(super) fn parse(json: &Value, folder: &Path) -> Result<Expected, String> {
    let Some(top) = json.as_object() else {
        return Err("must be a JSON object; see docs/check.md".to_owned());
    };
    if let Some(key) = top.keys().find(|key| !TOP_KEYS.contains(&key.as_str())) {
        return Err(unknown(key, "", &TOP_KEYS));
    }
    if let Some(schema) = top.get("schema").filter(|schema| *schema != SCHEMA) {
        return Err(format!(
            "schema: is {schema}; this program reads \"{SCHEMA}\""
        ));
    }
    let both = [Of::Conclusions, Of::Findings];
    let patterns = |name: fn(Of) -> &'static str, is_absent: bool| {
        let lists = both.map(|of| {
            list(top, name(of))?.map_or(Ok(Vec::new()), |items| {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| {
                    pattern(item, of, &format!("{}[{index}]", name(of)), is_absent)
                });
                items.collect::<Result<Vec<_>, String>>()
            })
        });
        let mut all = Vec::new();
        for patterns in lists {
            all.append(&mut patterns?);
        }
        Ok::<_, String>(all)
    };
    Ok(Expected {
        options: options(top.get("options"), folder)?,
        present: patterns(Of::list, false)?,
        absent: patterns(Of::absent_list, true)?,
        ceiling: severity(top, "no_finding_at_or_above")?,
        others: severity(top, "no_other_finding_at_or_above")?,
    })
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Vec<Value>>, String> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(format!("{name}: must be a list")),
    }
}

fn severity(object: &Map<String, Value>, name: &str) -> Result<Option<Severity>, String> {
    let Some(value) = object.get(name) else {
        return Ok(None);
    };
    match value.as_str().and_then(Severity::from_name) {
        Some(severity) => Ok(Some(severity)),
        None => Err(format!(
            "{name}: use one of critical, high, medium, low, info"
        )),
    }
}

fn options(value: Option<&Value>, folder: &Path) -> Result<Options, String> {
    let mut options = Options::default();
    let Some(value) = value else {
        return Ok(options);
    };
    let Some(object) = value.as_object() else {
        return Err("options: must be an object".to_owned());
    };
    for (key, value) in object {
        let text = || {
            let text = value.as_str();
            text.ok_or_else(|| format!("options.{key}: must be a text"))
        };
        match key.as_str() {
            "timezone" => {
                let zone = coldcase_evidence::parse_zone(text()?);
                options.timezone = Some(zone.map_err(|error| format!("options.{key}: {error}"))?);
            }
            "collected_at" => {
                let at = Timestamp::parse_rfc3339(text()?).ok_or_else(|| {
                    format!("options.{key}: not an RFC 3339 time with an offset, like 2023-05-12T10:20:00+08:00")
                })?;
                options.collected_at = Some(at);
            }
            "ioc" => {
                let names = texts(value, "options.ioc")?;
                options.iocs = names
                    .iter()
                    .map(|name| folder.join(PathBuf::from(name)))
                    .collect();
            }
            "only" => options.only = known_ids(texts(value, "options.only")?)?,
            unknown_key => return Err(unknown(unknown_key, "options", &OPTION_KEYS)),
        }
    }
    Ok(options)
}

fn texts(value: &Value, place: &str) -> Result<Vec<String>, String> {
    let items = value.as_array().map(|items| {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    let wrong = || format!("{place}: must be a list of texts");
    items.flatten().ok_or_else(wrong)
}

fn known_ids(ids: Vec<String>) -> Result<Vec<String>, String> {
    let known = |id: &String| formats::by_id(id).is_some() || correlators::by_id(id).is_some();
    match ids.iter().find(|id| !known(id)) {
        None => Ok(ids),
        Some(id) => Err(format!(
            "options.only: no format or correlator is called `{id}`; see `coldcase formats` and `coldcase correlators`"
        )),
    }
}

fn pattern(item: &Value, of: Of, place: &str, is_absent: bool) -> Result<Pattern, String> {
    let Some(object) = item.as_object() else {
        return Err(format!("{place}: must be an object"));
    };
    let known: Vec<&str> = of.keys().iter().chain(&OWN_KEYS).copied().collect();
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(unknown(key, place, &known));
    }
    let group = group(object, of, place)?;
    if group.is_none() && !is_absent {
        return Err(format!("{place}: says no `{}`", of.group_key()));
    }
    let mut fields = Vec::new();
    for key in of.keys() {
        if let Some(value) = object.get(*key) {
            fields.append(&mut field(key, value, place)?);
        }
    }
    if is_absent && fields.is_empty() {
        return Err(format!("{place}: says nothing of what must not be there"));
    }
    if is_absent && object.keys().any(|key| key == "or" || key == "optional") {
        return Err(format!(
            "{place}: `or` and `optional` are for what must be there; write two rules"
        ));
    }
    let flag = |name: &str| match object.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("{place}.{name}: must be true or false")),
    };
    let why = match object.get("why") {
        None => None,
        Some(Value::String(why)) => Some(why.clone()),
        Some(_) => return Err(format!("{place}.why: must be a text")),
    };
    let or = list(object, "or").map_err(|error| format!("{place}.{error}"))?;
    let or = or.into_iter().flatten().enumerate().map(|(index, other)| {
        let place = format!("{place}.or[{index}]");
        pattern(&overlaid(object, other, of, &place)?, of, &place, false)
    });
    let pattern = Pattern {
        of,
        group,
        fields,
        or: or.collect::<Result<_, String>>()?,
        optional: flag("optional")?,
        why,
    };
    if is_absent {
        refuse_mistyped_facts(&pattern, place)?;
    }
    Ok(pattern)
}

fn group(object: &Map<String, Value>, of: Of, place: &str) -> Result<Option<String>, String> {
    let key = of.group_key();
    let Some(value) = object.get(key) else {
        return Ok(None);
    };
    let Some(name) = value.as_str() else {
        return Err(format!("{place}.{key}: must be a text"));
    };
    let known: Vec<&str> = match of {
        Of::Findings => correlators::ALL.iter().map(|one| one.id).collect(),
        Of::Conclusions => CONCLUSION_KINDS.to_vec(),
    };
    if known.contains(&name) {
        return Ok(Some(name.to_owned()));
    }
    let near = nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    Err(format!(
        "{place}.{key}: there is no `{name}`{}",
        near.unwrap_or_default()
    ))
}

/// What an alternative says, over what it stands in for. One of another correlator stands alone.
fn overlaid(
    base: &Map<String, Value>,
    other: &Value,
    of: Of,
    place: &str,
) -> Result<Value, String> {
    let Some(other) = other.as_object() else {
        return Err(format!("{place}: must be an object"));
    };
    let is_another = other
        .get(of.group_key())
        .is_some_and(|group| Some(group) != base.get(of.group_key()));
    if is_another {
        return Ok(Value::Object(other.clone()));
    }
    let mut whole = base.clone();
    whole.retain(|key, _| key != "or");
    for (key, value) in other {
        match (whole.get_mut(key), value) {
            (Some(Value::Object(facts)), Value::Object(more)) if key == "facts" => {
                facts.extend(
                    more.iter()
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
            }
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(Value::Object(whole))
}

/// One key of a pattern as values to compare.
fn field(key: &str, value: &Value, place: &str) -> Result<Vec<(String, Matcher)>, String> {
    let at = format!("{place}.{key}");
    match (key, value) {
        ("facts", Value::Object(facts)) => facts
            .iter()
            .map(|(name, value)| {
                let path = format!("facts.{name}");
                let matcher = matcher::parse(value, &format!("{at}.{name}"))?;
                Ok((path, matcher))
            })
            .collect(),
        ("facts", _) => Err(format!("{at}: must be an object")),
        ("subjects", Value::Array(items)) => {
            let subjects = matcher::parse_all(items, &at)?;
            Ok(vec![(key.to_owned(), Matcher::Has(subjects))])
        }
        ("severity", Value::String(name)) if Severity::from_name(name).is_none() => Err(format!(
            "{at}: use one of critical, high, medium, low, info"
        )),
        _ => Ok(vec![(key.to_owned(), matcher::parse(value, &at)?)]),
    }
}

/// A rule on a fact that does not exist is never broken: one that is nearly a fact's name is refused.
fn refuse_mistyped_facts(pattern: &Pattern, place: &str) -> Result<(), String> {
    let Some(facts) = pattern.group.as_deref().and_then(contract_facts::of) else {
        return Ok(());
    };
    let of_any = contract_facts::ALL
        .iter()
        .flat_map(|facts| facts.about.iter().chain(facts.stated));
    let of_any: Vec<&str> = of_any.copied().collect();
    for name in pattern
        .fields
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("facts."))
    {
        let own = facts.about.iter().chain(facts.stated);
        let near = own.filter(|known| is_slip(name, known));
        if let (false, Some(near)) = (of_any.contains(&name), near.copied().next()) {
            return Err(format!(
                "{place}.facts: unknown fact `{name}`; did you mean `{near}`?"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest() {
        for (json, message) in [
            (json!([]), "must be a JSON object"),
            (json!({"finding": []}), "did you mean `findings`"),
            (
                json!({"schema": "coldcase.expected/9"}),
                "coldcase.expected/1",
            ),
            (json!({"findings": {}}), "findings: must be a list"),
            (
                json!({"findings": [{"corelator": "scan"}]}),
                "findings[0]: unknown key `corelator`; did you mean `correlator`",
            ),
            (
                json!({"findings": [{"correlator": "scna"}]}),
                "did you mean `scan`",
            ),
            (
                json!({"findings": [{"severity": "high"}]}),
                "says no `correlator`",
            ),
            (
                json!({"findings": [{"correlator": "scan", "severity": "hihg"}]}),
                "findings[0].severity",
            ),
            (
                json!({"findings": [{"correlator": "scan", "facts": {"dst_count": {"about": 3, "withn": 1}}}]}),
                "within",
            ),
            (
                json!({"findings": [{"correlator": "scan", "or": [{"fact": {}}]}]}),
                "findings[0].or[0]: unknown key `fact`",
            ),
            (
                json!({"conclusions": [{"kind": "dns-orgin"}]}),
                "did you mean `dns-origin`",
            ),
            (json!({"absent_findings": [{"why": "x"}]}), "says nothing"),
            (
                json!({"absent_findings": [{"correlator": "scan", "facts": {"src_pi": "x"}}]}),
                "did you mean `src_ip`",
            ),
            (
                json!({"no_finding_at_or_above": "severe"}),
                "critical, high",
            ),
            (
                json!({"options": {"time_zone": "UTC"}}),
                "did you mean `timezone`",
            ),
            (
                json!({"options": {"timezone": "Mars/Olympus"}}),
                "options.timezone",
            ),
            (json!({"options": {"only": ["nothing"]}}), "`nothing`"),
        ] {
            let error = parse(&json, Path::new("x")).expect_err("refused");
            assert!(error.contains(message), "{json}: {error}");
        }
    }

    #[test]
    fn an_alternative_replaces_what_it_says() {
        let json = json!({"findings": [{
            "correlator": "scan",
            "facts": {"src_ip": "a", "dst_count": 3},
            "or": [{"facts": {"dst_count": 4}}, {"correlator": "syn-flood", "facts": {"src_ip": "a"}}],
        }]});
        let expected = parse(&json, Path::new("x")).expect("read");
        let pattern = expected.present.first().expect("one");
        let sizes: Vec<usize> = pattern.or.iter().map(|other| other.fields.len()).collect();
        assert_eq!(sizes, [3, 2]);
        assert_eq!(
            pattern.or.last().expect("two").group.as_deref(),
            Some("syn-flood")
        );
    }
}
