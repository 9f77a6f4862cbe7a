//! Which container, job or process explains a series of logins, questions or connections, by matching times.
//!
//! An effect is all logins of one source at one host, or all questions for a name and all connections to an address
//! that an indicator names. A cause is a series of lines with one template on the host that has the source's address
//! (where that host is unknown or left no logs: on any): lines of a container or application, of cron, of timers that
//! start, of programs executed, of connections made. A template is a line with its variable parts taken out; lines
//! that name one target (a host of the case, an address, what stands behind `target=`) are a series of their own.
//!
//! **Match.** Effect and cause are matched one to one under one constant lag, which is solved: the lag that most
//! pairs share, scattering by 3, 15 or 60 seconds. Beside lags up to ten minutes (clocks that nobody set, jobs that
//! take their time) errors of a zone are tried, by quarter hours, where a zone was assumed; a log that changed to
//! summer time alone is matched in two parts. On one host an effect never comes before its cause. Seconds that one
//! log cuts are made up for by half of one.
//!
//! **Chance.** The same search is done on the series shifted by one to seven days each way (which keeps what happens
//! at each time of the day) and on other lags up to three hours (a log that writes all the time has a line near any
//! moment). The best that these match is the rate that chance gets. `p_value` is Chernoff's bound on reaching the
//! true rate from there, with active days as the units (below five days: clusters of events a minute apart), times
//! all widths and candidates tried. At most 1e-4 is no accident. A job that runs each night at the same minute
//! matches any other such job: it is told only where its line names the target or its command logs in (ssh, rsync,
//! ansible), as what it is, a schedule that fits.
//!
//! **Severity.** High: nine of ten logins matched, chance below 1e-6, no other writer fits as well, and failures
//! mixed with successes over separate connections (ten, and a tenth) that come only in a window of the day. Medium
//! without the window, or where several fit. A match of logins without such failures is a job that does its work: info.
//! Questions and connections that an indicator names are info here: `dns-origin` and `indicator` judge these.
//!
//! **Not seen.** Causes that log nothing, or not each time; series below ten events or beyond 50,000; more than ten
//! lines a login; templates beyond the table's room, which are counted (`templates_left_out`).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use coldcase_model::Finding;
use coldcase_timeline::polars::prelude::{UniqueKeepStrategy, by_name};
use coldcase_timeline::{Timeline, TimelineError};
use rayon::prelude::*;

use crate::{CaseFacts, Correlator, Identities, View};

mod align;
mod chance;
mod effects;
mod judge;
mod lines;
mod merge;
mod mine;
mod place;
mod statement;
mod template;
mod writers;

use effects::Effect;
use mine::Bounds;
use place::Files;
use template::KnownHosts;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "series-match",
    title: "which container, job or process explains a series of logins, by matching times",
    source: include_str!("series_match.rs"),
    rests_on: &[],
    run,
};

/// Formats that hold sshd's records.
const LOGIN_LOGS: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];
/// Gap within one series of log files that still counts as covered: logs are quiet at times.
const QUIET_NS: i64 = 24 * 3600 * 1_000_000_000;
/// Time around the effects in which lines count: a day and the widest error of a zone.
const AROUND_NS: i64 = 40 * 3600 * 1_000_000_000;
/// A part of a merged template may be this many times rarer than the effect.
const PARTS: usize = 50;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let identities = &timeline.identities;
    let mut files = Files::default();
    let mut effects = effects::effects(timeline, facts, identities, &mut files)?;
    let sizes = effects.iter().map(|effect| effect.events.len());
    let (Some(least), Some(most)) = (sizes.clone().min(), sizes.max()) else {
        return Ok(Vec::new());
    };
    let known = known_hosts(facts, identities, &mut effects);
    let containers = writers::Containers::of(timeline)?;
    let bounds = Bounds {
        least: (least / PARTS).max(2),
        // Ten times as many, and room for what lies outside of the effect's log.
        most: most.saturating_mul(5 * judge::MOST_PER_EFFECT),
        within: within(&effects),
        hosts: owners(timeline, &effects)?,
    };
    let mined = mine::mine(timeline, &containers, &known, &bounds, &mut files)?;
    let hosts: BTreeSet<&str> = mined.spans.keys().map(|one| one.host.as_str()).collect();
    let explain = |effect: &Effect| -> Vec<Finding> {
        let covered = match &effect.at {
            Some(host) => facts.covered(Some(host), &LOGIN_LOGS, QUIET_NS),
            None => Vec::new(),
        };
        let (causes, tried) = judge::causes(effect, &mined, &hosts, &covered);
        let counts = (tried, mined.left_out);
        let stated = causes
            .iter()
            .enumerate()
            .map(|(at, cause)| statement::finding(effect, cause, at, counts, &files));
        stated.collect()
    };
    let found: Vec<Vec<Finding>> = effects.par_iter().map(explain).collect();
    Ok(found.concat())
}

/// When causes may have been: the time of the effects, and what zones and shifted days need around it.
fn within(effects: &[Effect]) -> RangeInclusive<i64> {
    let times = || effects.iter().flat_map(|effect| &effect.events);
    let times = || times().map(|moment| moment.ts);
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    first.saturating_sub(AROUND_NS)..=last.saturating_add(AROUND_NS)
}

/// The hosts that all sources belong to; nothing where one is not known, or has no lines.
fn owners(
    timeline: &Timeline,
    effects: &[Effect],
) -> Result<Option<BTreeSet<String>>, TimelineError> {
    let rows = timeline.select_where(&lines::ACTIONS, &["host"], |rows| {
        let by_host = Some(by_name(["host"], true, false));
        rows.unique(by_host, UniqueKeepStrategy::Any)
    })?;
    let with_lines: BTreeSet<&str> = rows.texts("host").into_iter().flatten().collect();
    let known = effects.iter().map(|effect| {
        let owner = effect.owner.as_deref();
        owner
            .filter(|owner| with_lines.contains(owner))
            .map(str::to_owned)
    });
    Ok(known.collect())
}

/// Names and addresses of hosts, each with one name; the targets of effects are put in the same words.
fn known_hosts(facts: &CaseFacts, identities: &Identities, effects: &mut [Effect]) -> KnownHosts {
    let mut known = KnownHosts::default();
    for host in &facts.hosts {
        let name = host.name.to_ascii_lowercase();
        known.insert(name.clone(), name.clone());
        for address in &host.addresses {
            known.insert(address.clone(), name.clone());
        }
    }
    for effect in effects.iter() {
        let Some(host) = &effect.at else { continue };
        let name = host.to_ascii_lowercase();
        known.insert(name.clone(), name.clone());
        if let Some(address) = identities.address_of(host)
            && known.get(address).is_none()
        {
            known.insert(address.to_owned(), name);
        }
    }
    for effect in effects {
        let canonical = |target: &String| known.get(target).unwrap_or(target).clone();
        effect.targets = effect.targets.iter().map(canonical).collect();
    }
    known
}
