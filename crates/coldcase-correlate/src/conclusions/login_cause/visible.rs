//! What the evidence would have shown, and what it could not: audit records of connections, containers created then.

use std::collections::BTreeSet;

use coldcase_model::{Observable, action};
use coldcase_timeline::polars::prelude::{col, lit};
use coldcase_timeline::{Timeline, TimelineError};

use super::Asked;
use crate::CaseFacts;

/// Audit logs are quiet at times; a hole of a day is one.
const QUIET_NS: i64 = 86_400_000_000_000;
/// How long before the first login a container that was made for it may have been created.
const BEFORE_NS: i64 = 86_400_000_000_000;
/// Containers created then that are named.
const NAMED: usize = 3;

/// What can be looked up beside the findings.
pub(super) struct Visible {
    /// Spans that audit logs of the source's host cover.
    pub audit: Vec<(i64, i64)>,
    /// Connections to port 22 of the target in these, during the time of the logins.
    pub connects: usize,
    /// The same after the last login.
    pub connects_after: usize,
    /// Whether the target's address is known; else connections to any host are counted.
    pub knows_target: bool,
    /// Whether connections were audited at all.
    pub audits_connects: bool,
    /// Containers created within a day before the first login: how many, and the first names.
    pub created: (usize, Vec<String>),
    /// Whether any creation of a container is known.
    pub knows_creations: bool,
}

impl Visible {
    pub fn read(
        timeline: &Timeline,
        facts: &CaseFacts,
        asked: &Asked<'_>,
        answer: &Observable,
    ) -> Result<Self, TimelineError> {
        let owner = asked.owner.as_deref();
        let audit = match owner {
            Some(_) => facts.covered(owner, &["auditd"], QUIET_NS),
            None => Vec::new(),
        };
        let of_host = |host: Option<&str>| owner.is_none() || host == owner;
        let targets = targets(facts, asked);
        let rows = timeline.select_where(
            &[action::CONNECT],
            &["host", "dst_ip", "dst_port"],
            |rows| {
                rows.filter(
                    col("dst_port")
                        .is_not_null()
                        .and(col("dst_ip").is_not_null()),
                )
            },
        )?;
        let (mut connects, mut connects_after, mut audits_connects) = (0, 0, false);
        for row in (0..rows.rows()).filter(|row| of_host(rows.text("host", *row))) {
            audits_connects = true;
            let target = rows.text("dst_ip", row).unwrap_or_default();
            let to_target = targets.is_empty() || targets.contains(target);
            let Some(ts) = rows.long("ts_ns", row) else {
                continue;
            };
            if to_target && rows.int("dst_port", row) == Some(22) {
                connects += usize::from((asked.first..=asked.last).contains(&ts));
                connects_after += usize::from(ts > asked.last);
            }
        }
        let created = timeline.select_where(
            &[action::CONTAINER_CREATED],
            &["host", "container"],
            |rows| rows.filter(col("ts_ns").gt(lit(0i64))),
        )?;
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut knows_creations = false;
        for row in (0..created.rows()).filter(|row| of_host(created.text("host", *row))) {
            knows_creations = true;
            let ts = created.long("ts_ns", row).unwrap_or_default();
            let name = created.text("container", row).unwrap_or_default();
            if (asked.first.saturating_sub(BEFORE_NS)..=asked.first).contains(&ts)
                && name != answer.value
            {
                names.insert(name);
            }
        }
        let named = names.iter().take(NAMED).map(|name| (*name).to_owned());
        Ok(Self {
            created: (names.len(), named.collect()),
            audit,
            knows_target: !targets.is_empty(),
            connects,
            connects_after,
            audits_connects,
            knows_creations,
        })
    }
}

/// Addresses of the host that was logged into.
fn targets<'a>(facts: &'a CaseFacts, asked: &Asked<'_>) -> BTreeSet<&'a str> {
    let host = facts
        .hosts
        .iter()
        .find(|host| Some(host.name.as_str()) == asked.host);
    host.into_iter()
        .flat_map(|host| &host.addresses)
        .map(String::as_str)
        .collect()
}
