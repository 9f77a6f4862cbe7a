//! Records to show for findings over many names: a few of each, found again by the hashes of their names.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, action};
use coldcase_timeline::polars::prelude::{
    NamedFrom as _, Series, UniqueKeepStrategy, by_name, col, lit,
};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::failures::Burst;
use super::names::parts;
use super::sample::hash;
use super::survey::{Survey, client_of, is_missing};
use crate::CaseFacts;
use crate::evidence::record;

/// Most records of a storm.
const MOST_OF_A_STORM: usize = 12;
const COLUMNS: [&str; 7] = [
    "host",
    "src_ip",
    "dst_ip",
    "domain",
    "response_code",
    "attributes",
    "message",
];

/// What to find again.
pub(super) struct Wanted {
    pub client: String,
    /// Of names, or of registered domains where they failed.
    pub hashes: BTreeSet<u64>,
    pub failed: bool,
}

/// What was found.
#[derive(Debug, Default, Clone)]
pub(super) struct Shown {
    pub records: Vec<EvidenceRecord>,
    /// The names.
    pub names: Vec<String>,
    /// Who sent them before their address was translated, where all say the same.
    pub sender: Option<String>,
}

/// Hash of a name by which it is wanted.
fn key(name: &str, failed: bool) -> Option<u64> {
    match failed {
        false => Some(hash(name)),
        true => parts(name).map(|parts| hash(parts.registered)),
    }
}

/// One entry for each that is wanted.
pub(super) fn find(
    timeline: &Timeline,
    facts: &CaseFacts,
    wanted: &[Wanted],
) -> Result<Vec<Shown>, TimelineError> {
    let mut shown = vec![Shown::default(); wanted.len()];
    if wanted.is_empty() {
        return Ok(shown);
    }
    let names = names(timeline, wanted)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = Series::new("names".into(), names);
    let actions = [action::DNS_QUERY, action::DNS_ANSWER];
    let rows = timeline.select_where(&actions, &COLUMNS, |rows| {
        rows.filter(col("domain").is_in(lit(names.clone()).implode(true), false))
    })?;
    let mut found: Vec<BTreeMap<u64, usize>> = vec![BTreeMap::new(); wanted.len()];
    for row in 0..rows.rows() {
        let name = rows.text("domain", row).unwrap_or_default();
        for (one, found) in wanted.iter().zip(&mut found) {
            let Some(key) = key(name, one.failed).filter(|key| one.hashes.contains(key)) else {
                continue;
            };
            if tells(&rows, row, one, facts) {
                found.entry(key).or_insert(row);
            }
        }
    }
    for (shown, found) in shown.iter_mut().zip(found) {
        let mut of_one: Vec<usize> = found.into_values().collect();
        of_one.sort_unstable();
        shown.records = of_one.iter().map(|row| record(&rows, *row)).collect();
        let names = of_one.iter().filter_map(|row| rows.text("domain", *row));
        shown.names = names.map(str::to_owned).collect();
        let senders: BTreeSet<Option<String>> =
            of_one.iter().map(|row| sender(&rows, *row)).collect();
        shown.sender = match senders.len() {
            1 => senders.into_iter().next().flatten(),
            _ => None,
        };
    }
    Ok(shown)
}

/// The texts of the wanted names.
fn names(timeline: &Timeline, wanted: &[Wanted]) -> Result<BTreeSet<String>, TimelineError> {
    let mut names = BTreeSet::new();
    timeline.for_each_part(
        &[action::DNS_QUERY, action::DNS_ANSWER],
        &["domain"],
        |rows| {
            rows.unique(
                Some(by_name(["domain"], true, false)),
                UniqueKeepStrategy::Any,
            )
        },
        |rows| {
            for name in rows.texts("domain").into_iter().flatten() {
                let is_wanted = |one: &Wanted| {
                    key(name, one.failed).is_some_and(|key| one.hashes.contains(&key))
                };
                if wanted.iter().any(is_wanted) {
                    names.insert(name.to_owned());
                }
            }
        },
    )?;
    Ok(names)
}

/// Whether a row says that this client asked, or failed to find.
fn tells(rows: &Selection, row: usize, wanted: &Wanted, facts: &CaseFacts) -> bool {
    let is_question = rows.text("action", row) == Some(action::DNS_QUERY);
    let column = if is_question { "src_ip" } else { "dst_ip" };
    let failed = rows.text("response_code", row) == Some("NXDOMAIN");
    client_of(rows, row, column, facts).as_deref() == Some(wanted.client.as_str())
        && (failed || !wanted.failed)
        && (is_question || wanted.failed)
}

/// The address that sent it, where it was translated on the way.
fn sender(rows: &Selection, row: usize) -> Option<String> {
    let json: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
    let before = json.get("before_translation")?.as_str()?;
    let (address, _) = before.split_once(" > ")?.0.rsplit_once(':')?;
    Some(address.to_owned())
}

/// Records of a storm, and the domain that half of its failures or more are below.
pub(super) fn of_storm(
    timeline: &Timeline,
    facts: &CaseFacts,
    survey: &Survey,
    burst: &Burst,
) -> Result<(Vec<EvidenceRecord>, Option<String>), TimelineError> {
    let actions = [action::DNS_QUERY, action::DNS_ANSWER];
    let rows = timeline.select_where(&actions, &COLUMNS, |rows| {
        let during = col("ts_ns")
            .gt_eq(lit(burst.first))
            .and(col("ts_ns").lt_eq(lit(burst.last)));
        rows.filter(during.and(is_missing()))
    })?;
    let wanted = Wanted {
        client: survey.text(burst.client).to_owned(),
        hashes: BTreeSet::new(),
        failed: true,
    };
    let of_client: Vec<usize> = (0..rows.rows())
        .filter(|row| tells(&rows, *row, &wanted, facts))
        .collect();
    let mut below: BTreeMap<&str, usize> = BTreeMap::new();
    for name in of_client.iter().filter_map(|row| rows.text("domain", *row)) {
        let registered = parts(name).map_or(name, |parts| parts.registered);
        *below.entry(registered).or_default() += 1;
    }
    let most = below.into_iter().max_by_key(|(_, count)| *count);
    let domain = most.filter(|(_, count)| count * 2 >= of_client.len());
    let step = of_client.len().div_ceil(MOST_OF_A_STORM).max(1);
    let shown = of_client
        .iter()
        .step_by(step)
        .map(|row| record(&rows, *row));
    Ok((shown.collect(), domain.map(|(name, _)| name.to_owned())))
}
