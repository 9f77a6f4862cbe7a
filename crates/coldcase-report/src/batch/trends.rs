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

pub(super) fn by_week(cases: &[BatchCase]) -> Vec<Period> {
    let monday = |day: NaiveDate| {
        let since = i64::from(day.weekday().num_days_from_monday());
        day - Duration::days(since)
    };
    periods(cases, monday, |monday| monday + Duration::days(7), "%G-W%V")
}

pub(super) fn by_month(cases: &[BatchCase]) -> Vec<Period> {
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
) -> Vec<Period> {
    let mut all: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        if let Some(day) = day(case) {
            all.entry(start(day)).or_default().push(index);
        }
    }
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
        if steps.len() <= MOST_PERIODS {
            for day in steps {
                all.entry(day).or_default();
            }
        }
    }
    let named = all.into_iter().map(|(day, cases)| Period {
        name: day.format(name).to_string(),
        cases,
    });
    named.collect()
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
