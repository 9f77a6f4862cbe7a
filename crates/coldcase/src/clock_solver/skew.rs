//! How far the clocks of two hosts are apart, from connections that both saw: an ssh connection in the audit log or
//! capture of one, its login at the other. Measured and told, never applied.
//!
//! A capture names both ends, so that each connection has its login. An audit record of `connect` has no source port: there the
//! seconds between any connection and any login are counted, and one lag must stand out.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_correlate::{HostFacts, Skew};
use coldcase_ingest::ZoneSource;
use coldcase_model::{action, outcome};
use coldcase_timeline::polars::prelude::{LazyFrame, col, lit};
use coldcase_timeline::{Timeline, TimelineError};

use super::solve::median;
use crate::InputRecord;

/// sshd's port.
const SSH: i32 = 22;
/// Clocks further apart than this have another zone, not a skew; source ports come again after hours.
const FURTHEST_NS: i64 = 900_000_000_000;
/// Pairs from which a skew is told: a median of fewer is one login's delay.
const FEWEST_PAIRS: usize = 5;
/// A lag without ports must explain this share of the side that saw fewer.
const LEAST_SHARE: f64 = 0.5;
/// The strongest other lag may have this share of the pairs; a series in even steps fits several.
const MOST_AGAINST: f64 = 0.5;
/// Lags this close are the same, in seconds: a login takes that long, and longer sometimes.
const SAME_LAG: i64 = 3;
/// Most events of a kind and pair of hosts that are compared without ports.
const MOST_EVENTS: usize = 5_000;
const SECOND_NS: i64 = 1_000_000_000;

/// A login at a host.
struct Login<'a> {
    host: &'a str,
    address: &'a str,
    port: Option<i32>,
    at: i64,
}

/// Skews of all pairs of hosts that share enough, in order of host.
pub(crate) fn skews(
    timeline: &Timeline,
    inputs: &[InputRecord],
    hosts: &[HostFacts],
) -> Result<Vec<Skew>, TimelineError> {
    let of_inputs: BTreeSet<&str> = inputs
        .iter()
        .filter_map(|one| one.host.as_deref())
        .collect();
    if of_inputs.len() < 2 {
        return Ok(Vec::new());
    }
    let columns = [
        "host", "ts_basis", "src_ip", "src_port", "dst_ip", "dst_port", "outcome",
    ];
    let ssh = |rows: LazyFrame| rows.filter(col("dst_port").eq(lit(SSH)));
    let flows = timeline.select_where(&[action::TCP_FLOW], &columns, ssh)?;
    let connects = timeline.select_where(&[action::CONNECT], &columns, ssh)?;
    if flows.rows() + connects.rows() == 0 {
        return Ok(Vec::new());
    }
    let seen = timeline.select(&[action::SSH_LOGIN], &columns)?;
    let unknown: BTreeSet<&str> = inputs
        .iter()
        .filter(|input| input.clock.zone.source == ZoneSource::Nothing)
        .map(|input| input.path.as_str())
        .collect();
    let logins = (0..seen.rows()).filter_map(|row| {
        let is_known = seen.text("ts_basis", row) == Some("recorded")
            || !unknown.contains(seen.text("file", row)?);
        is_known.then_some(())?;
        Some(Login {
            host: seen.text("host", row)?,
            address: seen.text("src_ip", row)?,
            port: seen.int("src_port", row),
            at: seen.long("ts_ns", row)?,
        })
    });
    let logins: Vec<Login<'_>> = logins.collect();
    let mut skews = Vec::new();
    let mut by_ends: BTreeMap<(&str, i32), Vec<(&str, i64)>> = BTreeMap::new();
    for row in 0..flows.rows() {
        let ends = (flows.text("src_ip", row), flows.int("src_port", row));
        let seen = (flows.text("host", row), flows.long("ts_ns", row));
        if let ((Some(address), Some(port)), (Some(host), Some(at))) = (ends, seen) {
            by_ends.entry((address, port)).or_default().push((host, at));
        }
    }
    captured(&logins, &by_ends, &mut skews);
    let mut made: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for row in 0..connects.rows() {
        let ends = (connects.text("host", row), connects.text("dst_ip", row));
        let failed = connects.text("outcome", row) == Some(outcome::FAILURE);
        if let ((Some(host), Some(target)), Some(at), false) =
            (ends, connects.long("ts_ns", row), failed)
        {
            made.entry((host, target)).or_default().push(at);
        }
    }
    audited(&logins, &made, hosts, &mut skews);
    skews.sort_by(|a, b| {
        (&a.host, &a.against, &a.rests_on).cmp(&(&b.host, &b.against, &b.rests_on))
    });
    Ok(skews)
}

/// Each login with the nearest connection of the same ends that another host captured.
fn captured(
    logins: &[Login<'_>],
    by_ends: &BTreeMap<(&str, i32), Vec<(&str, i64)>>,
    skews: &mut Vec<Skew>,
) {
    let mut apart: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    let mut used: BTreeSet<(&str, &str, i64)> = BTreeSet::new();
    for login in logins {
        let flows = login
            .port
            .and_then(|port| by_ends.get(&(login.address, port)));
        let others = flows
            .into_iter()
            .flatten()
            .filter(|flow| flow.0 != login.host);
        let mut nearest: BTreeMap<&str, i64> = BTreeMap::new();
        for (host, at) in others {
            let best = nearest.entry(host).or_insert(*at);
            if login.at.abs_diff(*at) < login.at.abs_diff(*best) {
                *best = *at;
            }
        }
        for (host, at) in nearest {
            let lag = login.at.saturating_sub(at);
            // A connection's second attempt at a password says nothing of clocks.
            if lag.abs() <= FURTHEST_NS && used.insert((login.host, host, at)) {
                apart.entry((login.host, host)).or_default().push(lag);
            }
        }
    }
    let rests_on = "ssh connections in a capture and their logins";
    skews.extend(
        apart
            .into_iter()
            .filter_map(|((host, against), lags)| told(host, against, lags, rests_on)),
    );
}

/// Connections from one host to an address of another, and logins there from an address of the first.
fn audited(
    logins: &[Login<'_>],
    made: &BTreeMap<(&str, &str), Vec<i64>>,
    hosts: &[HostFacts],
    skews: &mut Vec<Skew>,
) {
    let has = |host: &HostFacts, address: &str| host.addresses.iter().any(|own| own == address);
    for ((from, target), connects) in made {
        let source = hosts.iter().find(|host| host.name == *from);
        let target = hosts.iter().find(|host| has(host, target));
        let (Some(source), Some(target)) = (source, target) else {
            continue;
        };
        if source.name == target.name {
            continue;
        }
        let there = logins
            .iter()
            .filter(|login| login.host == target.name && has(source, login.address));
        let mut seen: Vec<i64> = there.map(|login| login.at).collect();
        seen.sort_unstable();
        let lags = common_lag(connects, &seen);
        let rests_on = "ssh connections in audit records and their logins";
        skews.extend(told(&target.name, &source.name, lags, rests_on));
    }
}

/// The lags, in nanoseconds, of pairs that have one in common; none where no lag stands out.
fn common_lag(causes: &[i64], effects: &[i64]) -> Vec<i64> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    let mut near: Vec<(i64, i64)> = Vec::new();
    let effects: Vec<i64> = effects.iter().copied().take(MOST_EVENTS).collect();
    for cause in causes.iter().take(MOST_EVENTS) {
        let start = effects.partition_point(|effect| *effect < cause.saturating_sub(FURTHEST_NS));
        let reach = effects.iter().skip(start);
        for effect in reach.take_while(|effect| **effect <= cause.saturating_add(FURTHEST_NS)) {
            let lag = effect - cause;
            *counts.entry(lag.div_euclid(SECOND_NS)).or_default() += 1;
            near.push((lag, *effect));
        }
    }
    // Pairs within a second and the next ones of it.
    let around = |second: i64| -> usize {
        counts
            .range(second..second + SAME_LAG)
            .map(|(_, count)| count)
            .sum()
    };
    let best = counts
        .keys()
        .map(|second| (around(*second), std::cmp::Reverse(second.abs()), *second))
        .max();
    let Some((most, _, best)) = best else {
        return Vec::new();
    };
    let apart = counts
        .keys()
        .filter(|second| second.abs_diff(best) >= SAME_LAG.unsigned_abs());
    let against = apart.map(|second| around(*second)).max().unwrap_or(0);
    let fewer = causes.len().min(effects.len());
    if against as f64 > most as f64 * MOST_AGAINST || (most as f64) < fewer as f64 * LEAST_SHARE {
        return Vec::new();
    }
    let of_best = near.into_iter().filter(|(lag, _)| {
        let second = lag.div_euclid(SECOND_NS);
        (best..best + SAME_LAG).contains(&second)
    });
    let by_effect: BTreeMap<i64, i64> = of_best.map(|(lag, effect)| (effect, lag)).collect();
    by_effect.into_values().collect()
}

/// A skew, where enough pairs tell it.
fn told(host: &str, against: &str, mut lags: Vec<i64>, rests_on: &str) -> Option<Skew> {
    if lags.len() < FEWEST_PAIRS {
        return None;
    }
    let middle = median(&mut lags);
    let mut off: Vec<i64> = lags.iter().map(|lag| (lag - middle).abs()).collect();
    off.sort_unstable();
    let spread = off.get(off.len() * 19 / 20).or(off.last()).copied()?;
    let seconds = |ns: i64| (ns as f64 / 1e6).round() / 1e3;
    Some(Skew {
        host: host.to_owned(),
        against: against.to_owned(),
        offset_seconds: seconds(middle),
        spread_seconds: seconds(spread),
        pairs: lags.len(),
        rests_on: rests_on.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(causes: &[i64], effects: &[i64], expected: Option<(f64, usize)>) {
        let ns =
            |seconds: &[i64]| -> Vec<i64> { seconds.iter().map(|one| one * SECOND_NS).collect() };
        let lags = common_lag(&ns(causes), &ns(effects));
        let got = told("b", "a", lags, "x").map(|skew| (skew.offset_seconds, skew.pairs));
        assert_eq!(got, expected);
    }

    #[test]
    fn one_lag_stands_out_or_none() {
        let uneven = [0, 37, 95, 210, 333, 470, 700];
        let later = |by: i64| uneven.map(|at| at + by);
        check(&uneven, &later(42), Some((42.0, 7)));
        check(&uneven, &later(-61), Some((-61.0, 7)));
        // Even steps fit every multiple.
        let even: Vec<i64> = (0..50).map(|step| step * 60).collect();
        check(&even, &even, None);
        // Too few, and nothing in common.
        check(&uneven[..3], &later(1)[..3], None);
        check(&uneven, &[13, 64, 155, 299, 401, 650, 850], None);
    }
}
