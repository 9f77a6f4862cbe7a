//! How incidents follow each other: by week and month of their first record, by kind.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Duration, NaiveDate};

use super::BatchCase;

/// Periods shown with their empty neighbours; a longer row of them is shown without.
const MOST_PERIODS: usize = 60;

/// Incidents that began in one week or month, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Period {
    /// `2023-W14`, `2023-04`.
    pub name: String,
    /// Numbers of the cases.
    pub cases: Vec<usize>,
}

/// Weeks or months in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Periods {
    pub all: Vec<Period>,
    /// Whether quiet ones stand between the others: else bars side by side would lie.
    pub is_whole: bool,
}

/// Incidents of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub name: &'static str,
    pub cases: Vec<usize>,
}

/// The first day of an incident's first record.
fn day(case: &BatchCase) -> Option<NaiveDate> {
    case.incident().map(|span| span.first.to_utc().date_naive())
}

pub(super) fn by_week(cases: &[BatchCase]) -> Periods {
    let monday = |day: NaiveDate| {
        let since = i64::from(day.weekday().num_days_from_monday());
        day - Duration::days(since)
    };
    periods(cases, monday, |monday| monday + Duration::days(7), "%G-W%V")
}

pub(super) fn by_month(cases: &[BatchCase]) -> Periods {
    let first = |day: NaiveDate| day.with_day(1).unwrap_or(day);
    let next = |day: NaiveDate| {
        day.checked_add_months(chrono::Months::new(1))
            .unwrap_or(day)
    };
    periods(cases, first, next, "%Y-%m")
}

fn periods(
    cases: &[BatchCase],
    start: impl Fn(NaiveDate) -> NaiveDate,
    next: impl Fn(NaiveDate) -> NaiveDate,
    name: &str,
) -> Periods {
    let mut all: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        if let Some(day) = day(case) {
            all.entry(start(day)).or_default().push(index);
        }
    }
    let mut is_whole = true;
    let ends = all
        .keys()
        .next()
        .copied()
        .zip(all.keys().next_back().copied());
    if let Some((first, last)) = ends {
        let steps = std::iter::successors(Some(first), |day| Some(next(*day)));
        let steps: Vec<NaiveDate> = steps
            .take_while(|day| *day <= last)
            .take(MOST_PERIODS + 1)
            .collect();
        is_whole = steps.len() <= MOST_PERIODS;
        if is_whole {
            for day in steps {
                all.entry(day).or_default();
            }
        }
    }
    let named = all.into_iter().map(|(day, cases)| Period {
        name: day.format(name).to_string(),
        cases,
    });
    Periods {
        all: named.collect(),
        is_whole,
    }
}

/// The most frequent first.
pub(super) fn by_kind(cases: &[BatchCase]) -> Vec<Kind> {
    let mut all: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        for kind in case.kinds() {
            all.entry(kind).or_default().push(index);
        }
    }
    let mut all: Vec<Kind> = all
        .into_iter()
        .map(|(name, cases)| Kind { name, cases })
        .collect();
    all.sort_by(|a, b| (b.cases.len(), a.name).cmp(&(a.cases.len(), b.name)));
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use coldcase_model::{Finding, Findings, Severity, Timestamp};

    use super::*;
    use crate::batch::Sightings;

    fn case(first: &str, severity: Severity) -> BatchCase {
        let finding = Finding {
            id: first.to_owned(),
            correlator: "scan",
            title: String::new(),
            severity,
            confidence: 1.0,
            first: Timestamp::parse_rfc3339(first),
            last: None,
            subjects: Vec::new(),
            facts: serde_json::Map::new(),
            attack: Vec::new(),
            evidence: Vec::new(),
            text: String::new(),
        };
        BatchCase {
            name: first.to_owned(),
            folder: PathBuf::new(),
            findings: Findings::new(Vec::new(), vec![finding]),
            inputs: Vec::new(),
            hosts: Vec::new(),
            collected_at: None,
            sightings: Sightings::new(),
        }
    }

    #[test]
    fn quiet_periods_are_seen_and_weeks_follow_iso() {
        let cases = [
            case("2020-12-31T00:00:00Z", Severity::High),
            case("2021-01-18T00:00:00Z", Severity::Medium),
            case("2021-01-11T00:00:00Z", Severity::Low),
        ];
        let weeks = by_week(&cases);
        let named: Vec<(&str, usize)> = weeks
            .all
            .iter()
            .map(|one| (one.name.as_str(), one.cases.len()))
            .collect();
        assert_eq!(
            named,
            [
                ("2020-W53", 1),
                ("2021-W01", 0),
                ("2021-W02", 0),
                ("2021-W03", 1)
            ]
        );
        assert!(weeks.is_whole);
        let far = [
            case("1990-01-01T00:00:00Z", Severity::High),
            case("2021-01-18T00:00:00Z", Severity::High),
        ];
        let weeks = by_week(&far);
        assert_eq!((weeks.all.len(), weeks.is_whole), (2, false));
        assert!(by_month(&[]).all.is_empty());
    }
}
