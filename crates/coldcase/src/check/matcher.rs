//! What a value of `findings.json` must be: a plain value, or one with tolerance, a range, a part, a choice.
//! `docs/check.md` describes the forms; unknown ones are refused with the nearest that is known.

use std::cmp::Ordering;

use coldcase_model::{Severity, Timestamp};
use serde_json::Value;

/// Keys that make an object an operator instead of fields to compare.
const OPERATORS: [&str; 12] = [
    "about",
    "within",
    "within_seconds",
    "within_minutes",
    "at_least",
    "at_most",
    "has",
    "any",
    "not",
    "starts_with",
    "ends_with",
    "contains",
];
/// Numbers count as equal up to this share: what a decimal text may lose.
const ROUNDING: f64 = 1e-9;
const MINUTES_A_DAY: i64 = 24 * 60;
/// Longest description of one value, in characters.
const LONGEST: usize = 200;

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Matcher {
    /// The value itself; null also where it is missing.
    Equal(Value),
    /// A number and how far from it.
    Near(f64, f64),
    /// A time, and nanoseconds.
    NearTime(Timestamp, i64),
    /// A time of day in minutes, and how many minutes from it.
    NearClock(i64, i64),
    AtLeast(Value),
    AtMost(Value),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    /// A list of just these, in any order.
    Set(Vec<Matcher>),
    /// A list that has each of these.
    Has(Vec<Matcher>),
    Any(Vec<Matcher>),
    All(Vec<Matcher>),
    Not(Box<Matcher>),
    /// An object that has these fields.
    Fields(Vec<(String, Matcher)>),
}

/// Reads what a value must be; `place` is for messages.
pub(super) fn parse(value: &Value, place: &str) -> Result<Matcher, String> {
    match value {
        Value::Array(items) => Ok(Matcher::Set(parse_all(items, place)?)),
        Value::Object(fields) if fields.keys().any(|key| OPERATORS.contains(&key.as_str())) => {
            operators(value, place)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                let matcher = parse(value, &format!("{place}.{key}"))?;
                Ok((key.clone(), matcher))
            });
            Ok(Matcher::Fields(fields.collect::<Result<_, String>>()?))
        }
        scalar => Ok(Matcher::Equal(scalar.clone())),
    }
}

pub(super) fn parse_all(items: &[Value], place: &str) -> Result<Vec<Matcher>, String> {
    let items = items.iter().enumerate();
    items
        .map(|(index, item)| parse(item, &format!("{place}[{index}]")))
        .collect()
}

fn operators(value: &Value, place: &str) -> Result<Matcher, String> {
    let mut all = Vec::new();
    for (key, operand) in value.as_object().into_iter().flatten() {
        let at = format!("{place}.{key}");
        let text = || match operand.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("{at}: must be a text")),
        };
        let list = || match operand.as_array() {
            Some(items) => parse_all(items, &at),
            None => Err(format!("{at}: must be a list")),
        };
        let bound = || match ordered(operand) {
            true => Ok(operand.clone()),
            false => Err(format!(
                "{at}: must be a number, an RFC 3339 time or a severity"
            )),
        };
        all.push(match key.as_str() {
            "about" => near(value, operand, place)?,
            "within" | "within_seconds" | "within_minutes" => {
                if value.get("about").is_none() {
                    return Err(format!(
                        "{at}: says how far, but `about` is missing: from what"
                    ));
                }
                continue;
            }
            "at_least" => Matcher::AtLeast(bound()?),
            "at_most" => Matcher::AtMost(bound()?),
            "has" => Matcher::Has(list()?),
            "any" => Matcher::Any(list()?),
            "not" => Matcher::Not(Box::new(parse(operand, &at)?)),
            "starts_with" => Matcher::StartsWith(text()?),
            "ends_with" => Matcher::EndsWith(text()?),
            "contains" => Matcher::Contains(text()?),
            unknown => return Err(super::expectation::unknown(unknown, place, &OPERATORS)),
        });
    }
    Ok(match (all.pop(), all.is_empty()) {
        (Some(one), true) => one,
        (last, _) => Matcher::All(all.into_iter().chain(last).collect()),
    })
}

/// `about` with the one of `within`, `within_seconds`, `within_minutes` that fits its kind.
fn near(object: &Value, about: &Value, place: &str) -> Result<Matcher, String> {
    let far = |name: &str| {
        object
            .get(name)
            .and_then(Value::as_f64)
            .filter(|far| *far >= 0.0)
    };
    let time = about.as_str().and_then(Timestamp::parse_rfc3339);
    let clock = about.as_str().and_then(minutes_of_day);
    match (about.as_f64(), time, clock) {
        (Some(about), ..) => match far("within") {
            Some(within) => Ok(Matcher::Near(about, within)),
            None => Err(format!(
                "{place}: `about` a number needs `within`, a number from 0"
            )),
        },
        (_, Some(about), _) => match far("within_seconds") {
            #[allow(clippy::cast_possible_truncation, reason = "a float's cast saturates")]
            Some(seconds) => Ok(Matcher::NearTime(about, (seconds * 1e9) as i64)),
            None => Err(format!(
                "{place}: `about` a time needs `within_seconds`, a number from 0"
            )),
        },
        (_, _, Some(about)) => match object.get("within_minutes").and_then(Value::as_i64) {
            Some(within) if within >= 0 => Ok(Matcher::NearClock(about, within)),
            _ => Err(format!(
                "{place}: `about` a time of day needs `within_minutes`, a whole number from 0"
            )),
        },
        _ => Err(format!(
            "{place}.about: must be a number, an RFC 3339 time or a time of day (HH:MM)"
        )),
    }
}

fn minutes_of_day(clock: &str) -> Option<i64> {
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
}

/// Whether a value has an order: numbers, times, severities.
fn ordered(value: &Value) -> bool {
    order(value, value).is_some()
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) {
        return one.partial_cmp(&other);
    }
    let (one, other) = (one.as_str()?, other.as_str()?);
    let times = Timestamp::parse_rfc3339(one).zip(Timestamp::parse_rfc3339(other));
    let severities = Severity::from_name(one).zip(Severity::from_name(other));
    times
        .map(|(one, other)| one.cmp(&other))
        .or_else(|| severities.map(|(one, other)| one.cmp(&other)))
}

/// The name of a thing (`{type, value}`), any other value as it is.
pub(super) fn name_of(value: &Value) -> &Value {
    match (value.get("type"), value.get("value")) {
        (Some(_), Some(name)) => name,
        _ => value,
    }
}

impl Matcher {
    /// Whether a value is as it must be. A missing one counts as null.
    pub(super) fn matches(&self, got: &Value) -> bool {
        let plain = name_of(got);
        let text = || plain.as_str();
        match self {
            Self::Equal(want) => equal(want, if want.is_string() { plain } else { got }),
            Self::Near(about, within) => got
                .as_f64()
                .is_some_and(|got| (got - about).abs() <= within + ROUNDING * about.abs()),
            Self::NearTime(about, within) => {
                text()
                    .and_then(Timestamp::parse_rfc3339)
                    .is_some_and(|got| {
                        got.nanos().saturating_sub(about.nanos()).saturating_abs() <= *within
                    })
            }
            Self::NearClock(about, within) => text().and_then(minutes_of_day).is_some_and(|got| {
                let apart = (got - about).rem_euclid(MINUTES_A_DAY);
                apart.min(MINUTES_A_DAY - apart) <= *within
            }),
            Self::AtLeast(least) => order(got, least).is_some_and(Ordering::is_ge),
            Self::AtMost(most) => order(got, most).is_some_and(Ordering::is_le),
            Self::StartsWith(start) => text().is_some_and(|got| got.starts_with(start.as_str())),
            Self::EndsWith(end) => text().is_some_and(|got| got.ends_with(end.as_str())),
            Self::Contains(part) => text().is_some_and(|got| got.contains(part.as_str())),
            Self::Set(wanted) => got.as_array().is_some_and(|got| is_assignable(wanted, got)),
            Self::Has(wanted) => got.as_array().is_some_and(|items| {
                wanted
                    .iter()
                    .all(|one| items.iter().any(|item| one.matches(item)))
            }),
            Self::Any(choices) => choices.iter().any(|one| one.matches(got)),
            Self::All(parts) => parts.iter().all(|one| one.matches(got)),
            Self::Not(other) => !other.matches(got),
            Self::Fields(fields) => {
                got.is_object()
                    && fields.iter().all(|(name, matcher)| {
                        matcher.matches(got.get(name).unwrap_or(&Value::Null))
                    })
            }
        }
    }

    /// In words, for a person.
    pub(super) fn describe(&self) -> String {
        let join = |all: &[Self], between: &str| {
            let all: Vec<String> = all.iter().map(Self::describe).collect();
            all.join(between)
        };
        let text = match self {
            Self::Equal(value) => show(value),
            Self::Near(about, within) => format!("{about} ± {within}"),
            Self::NearTime(about, within) => format!("{about} ± {} s", *within as f64 / 1e9),
            Self::NearClock(about, within) => {
                format!("{:02}:{:02} ± {within} min", about / 60, about % 60)
            }
            Self::AtLeast(least) => format!("at least {}", show(least)),
            Self::AtMost(most) => format!("at most {}", show(most)),
            Self::StartsWith(start) => format!("starts with {start:?}"),
            Self::EndsWith(end) => format!("ends with {end:?}"),
            Self::Contains(part) => format!("contains {part:?}"),
            Self::Set(all) => format!("[{}]", join(all, ", ")),
            Self::Has(all) => format!("has {}", join(all, " and ")),
            Self::Any(all) => join(all, " or "),
            Self::All(all) => join(all, ", "),
            Self::Not(other) => format!("not {}", other.describe()),
            Self::Fields(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, matcher)| format!("{name} {}", matcher.describe()))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
        };
        clip(&text)
    }

    /// The texts and numbers that must be there as they stand.
    pub(super) fn literals(&self) -> Vec<String> {
        match self {
            Self::Equal(Value::String(text)) => vec![text.clone()],
            Self::Equal(value @ Value::Number(_)) => vec![value.to_string()],
            Self::Set(all) | Self::Has(all) => all.iter().flat_map(Self::literals).collect(),
            Self::Any(all) => all.first().map(Self::literals).unwrap_or_default(),
            Self::StartsWith(text) | Self::EndsWith(text) | Self::Contains(text) => {
                vec![format!("…{text}…")]
            }
            Self::Fields(fields) => fields
                .iter()
                .filter(|(name, _)| name == "value")
                .flat_map(|(_, matcher)| matcher.literals())
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A value as JSON, short enough for a line.
pub(super) fn show(value: &Value) -> String {
    clip(&value.to_string())
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn equal(want: &Value, got: &Value) -> bool {
    if want == got {
        return true;
    }
    if let (Some(want), Some(got)) = (want.as_f64(), got.as_f64()) {
        return (want - got).abs() <= ROUNDING * want.abs().max(got.abs());
    }
    let time = |value: &Value| value.as_str().and_then(Timestamp::parse_rfc3339);
    matches!((time(want), time(got)), (Some(want), Some(got)) if want == got)
}

/// Whether the items are as many as the matchers and each matcher can have one of its own.
fn is_assignable(wanted: &[Matcher], got: &[Value]) -> bool {
    let mut taken: Vec<Option<usize>> = vec![None; got.len()];
    wanted.len() == got.len()
        && (0..wanted.len()).all(|one| {
            let mut tried = vec![false; got.len()];
            assign(one, wanted, got, &mut taken, &mut tried)
        })
}

/// Finds an item for a matcher, moving others to other items where need be (Kuhn's matching).
fn assign(
    one: usize,
    wanted: &[Matcher],
    got: &[Value],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    let Some(matcher) = wanted.get(one) else {
        return false;
    };
    for (index, item) in got.iter().enumerate() {
        let open = tried.get(index) == Some(&false);
        if !open || !matcher.matches(item) {
            continue;
        }
        tried
            .iter_mut()
            .skip(index)
            .take(1)
            .for_each(|tried| *tried = true);
        let holder = taken.get(index).copied().flatten();
        if holder.is_none_or(|holder| assign(holder, wanted, got, taken, tried)) {
            taken
                .iter_mut()
                .skip(index)
                .take(1)
                .for_each(|taken| *taken = Some(one));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(want: Value, got: Value, expected: bool) {
        let matcher = parse(&want, "x").expect("a matcher");
        assert_eq!(matcher.matches(&got), expected, "{want} against {got}");
    }

    #[test]
    fn values_match_as_documented() {
        for (want, right, wrong) in [
            (json!(3), json!(3.0), json!(4)),
            (json!("a"), json!("a"), json!("b")),
            (json!(null), json!(null), json!(0)),
            (
                json!("2023-01-01T08:00:00+08:00"),
                json!("2023-01-01T00:00:00Z"),
                json!("2023-01-01T00:00:01Z"),
            ),
            (json!({"about": 10, "within": 2}), json!(12), json!(12.1)),
            (
                json!({"about": "2023-01-01T00:00:00Z", "within_seconds": 2}),
                json!("2023-01-01T00:00:01.9Z"),
                json!("2023-01-01T00:00:03Z"),
            ),
            (
                json!({"about": "00:05", "within_minutes": 20}),
                json!("23:50"),
                json!("00:30"),
            ),
            (json!({"at_least": 1, "at_most": 3}), json!(3), json!(4)),
            (json!({"at_least": "medium"}), json!("high"), json!("low")),
            (
                json!({"at_most": "2023-01-02T00:00:00Z"}),
                json!("2023-01-01T00:00:00Z"),
                json!("2023-01-03T00:00:00Z"),
            ),
            (json!([1, 2]), json!([2, 1]), json!([1, 1])),
            (json!([{"at_least": 1}, 1]), json!([1, 2]), json!([2, 2])),
            (json!({"has": [1]}), json!([3, 1]), json!([3])),
            (
                json!({"has": [{"value": "x"}]}),
                json!([{"type": "ip", "value": "x"}]),
                json!([{"value": "y"}]),
            ),
            (json!({"any": [1, null]}), json!(null), json!(2)),
            (json!({"not": "root"}), json!("user"), json!("root")),
            (
                json!({"starts_with": "10.20."}),
                json!("10.20.1.1"),
                json!("10.2.1.1"),
            ),
            (
                json!({"ends_with": "/cron", "contains": "var"}),
                json!("/var/cron"),
                json!("/etc/cron"),
            ),
            (
                json!("10.0.0.1"),
                json!({"type": "ip", "value": "10.0.0.1"}),
                json!({"type": "ip", "value": "10.0.0.2"}),
            ),
            (
                json!({"type": "pod"}),
                json!({"type": "pod", "value": "a/b"}),
                json!({"type": "host", "value": "a"}),
            ),
        ] {
            check(want.clone(), right, true);
            check(want, wrong, false);
        }
    }

    #[test]
    fn wrong_forms_are_refused() {
        for (want, message) in [
            (json!({"about": 3, "witin": 5}), "`within`"),
            (json!({"about": 3}), "needs `within`"),
            (
                json!({"about": "2023-01-01T00:00:00Z", "within": 3}),
                "within_seconds",
            ),
            (json!({"about": true, "within": 3}), "must be a number"),
            (json!({"within": 3}), "`about` is missing"),
            (json!({"at_least": "hihg"}), "severity"),
            (json!({"has": 3}), "list"),
            (json!({"contains": 3}), "text"),
        ] {
            let error = parse(&want, "x").expect_err("refused");
            assert!(error.contains(message), "{want}: {error}");
        }
    }
}
