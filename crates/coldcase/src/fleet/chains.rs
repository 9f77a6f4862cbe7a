//! Logins from host to host that follow each other, as chains in order of time.

use std::collections::{BTreeMap, BTreeSet};

use super::grouped::{Row, rows};
use coldcase_lake::AnswerTable;

/// Links of a chain at most.
const LONGEST: usize = 16;

/// Where a login led, when.
type Arrival<'t> = (&'t str, &'t str, Option<i64>);

fn arrival<'t>(row: Row<'t>) -> Arrival<'t> {
    (row.text("source"), row.text("target"), row.long("first_ns"))
}

fn before<'t>(row: Row<'t>) -> Option<Arrival<'t>> {
    let at = row.long("before_ns")?;
    Some((row.text("before_source"), row.text("source"), Some(at)))
}

/// Chains of two logins and more that none goes on from, in order of their first login.
pub(super) fn chains(table: &AnswerTable) -> Vec<Vec<Row<'_>>> {
    let by_arrival: BTreeMap<Arrival<'_>, Row<'_>> =
        rows(table).map(|row| (arrival(row), row)).collect();
    let gone_on: BTreeSet<Arrival<'_>> = rows(table).filter_map(before).collect();
    let mut found: BTreeMap<Vec<&str>, Vec<Row<'_>>> = BTreeMap::new();
    for last in
        rows(table).filter(|row| before(*row).is_some() && !gone_on.contains(&arrival(*row)))
    {
        let mut chain = vec![last];
        let mut seen: BTreeSet<&str> = [last.text("target"), last.text("source")].into();
        let mut at = last;
        while let Some(row) = before(at).and_then(|key| by_arrival.get(&key)) {
            if chain.len() >= LONGEST || !seen.insert(row.text("source")) {
                break;
            }
            chain.push(*row);
            at = *row;
        }
        chain.reverse();
        if chain.len() > 1 {
            found.entry(hosts(&chain)).or_insert(chain);
        }
    }
    let mut chains: Vec<Vec<Row<'_>>> = found.into_values().collect();
    chains.sort_by_key(|chain| {
        (
            std::cmp::Reverse(chain.len()),
            chain.first().map(|row| arrival(*row)),
        )
    });
    chains
}

/// The hosts of a chain in order.
pub(super) fn hosts<'t>(chain: &[Row<'t>]) -> Vec<&'t str> {
    let first = chain.first().map(|row| row.text("source"));
    first
        .into_iter()
        .chain(chain.iter().map(|row| row.text("target")))
        .collect()
}
