//! Where the evidence holds what the case's indicators name.
//!
//! Indicators are addresses, networks, domains, digests and URLs that came with the case: files, options, and what its alerts call bad. They are
//! looked up in the timeline's cells (source, destination, name) and as whole words in commands, paths, images, attributes and the text of
//! logs. A domain means itself and what is below it; `notevil.example` and `evil.example.mirror.test` are other names. Of
//! nested domains and networks the closest is the one that is hit. `hits` are the timeline's rows that hold it, each once, as often as artifacts
//! repeat a thing; `where` lists the files.
//!
//! Not looked for: the case's own addresses, addresses that are never routed, networks wider than /8 (/16 of IPv6), digests of the empty
//! file. Not looked in: alerts and indicators themselves, addresses of well-known public resolvers where they are asked for names.
//!
//! What a row says of the contact decides the severity. `answered`: a connection or session that came about, a name that was resolved to
//! an address that is none of a sinkhole (0.0.0.0, 127.0.0.1). `seen`: a program, script, job, unit, image or file that holds it, or a flow
//! of which one side only is known. `failed`: blocked, refused, unanswered, not resolved. `named`: lists, rules, hosts files, the text of a
//! log, a command of an analyst's. Medium for what was answered or seen; low for the rest: feeds name scanners that knock at every door, and who
//! blocks an address names it. High where a connection that was answered belongs to a process which hides or mines: that is
//! a second, independent reason.
//!
//! Limits: feeds age; an address may have belonged to another at the time, and hosting networks carry good and bad side by side. A hit is
//! where to look, not what happened. A capture's flows beyond its bound are only counted, and not looked in. Text is cut into words: what is encoded or
//! split is not found.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use serde_json::json;

use crate::evidence::time_fact;
use crate::facts::{Indicator, IndicatorType};
use crate::indicators::Indicators;
use crate::mining::is_miner_command;
use crate::processes::{Processes, disguises};
use crate::{CaseFacts, Correlator, Draft, View};

mod contact;
mod tally;

use contact::Contact;
use tally::Tally;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "indicator",
    title: "where the evidence holds what is known to be bad",
    source: include_str!("indicator.rs"),
    rests_on: &[],
    run,
};

/// Most files that `where` lists; a feed's address may be in every hour's log of a fleet.
const MOST_FILES: usize = 200;
/// Most processes that a finding names.
const MOST_PROCESSES: usize = 20;
/// Reasons beside answered contact that an old feed or a shared address does not explain.
const REASONS_FOR_HIGH: usize = 1;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    if facts.indicators.is_empty() {
        return Ok(Vec::new());
    }
    let known = Indicators::of(&facts.indicators, &timeline.own_addresses);
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let tallies = tally::count(timeline, &known)?;
    if tallies.is_empty() {
        return Ok(Vec::new());
    }
    let tied = tied(&timeline.processes, &known);
    let none = Tied::default();
    let found = tallies.iter().filter_map(|(place, tally)| {
        let indicator = facts.indicators.get(*place)?;
        Some(finding(indicator, tally, tied.get(place).unwrap_or(&none)))
    });
    Ok(found.collect())
}

/// Processes that hold connections to what an indicator names.
#[derive(Default)]
struct Tied {
    processes: BTreeSet<String>,
    /// How those hide, or that they mine.
    reasons: BTreeSet<&'static str>,
}

fn tied(processes: &Processes, known: &Indicators) -> BTreeMap<usize, Tied> {
    let mut found: BTreeMap<usize, Tied> = BTreeMap::new();
    for (_, process) in processes.iter() {
        for socket in processes.sockets_of(process) {
            let place = socket
                .dst_ip
                .as_deref()
                .and_then(|peer| known.address(peer));
            let Some(place) = place.filter(|_| socket.state.as_deref() == Some("ESTAB")) else {
                continue;
            };
            let tied = found.entry(place).or_default();
            tied.processes.insert(process.subject());
            tied.reasons.extend(disguises(process));
            if process.command.as_deref().is_some_and(is_miner_command) {
                tied.reasons.insert("miner-command");
            }
        }
    }
    found
}

fn type_word(kind: IndicatorType) -> &'static str {
    match kind {
        IndicatorType::Domain => "domain",
        IndicatorType::Ip => "ip",
        IndicatorType::Cidr => "cidr",
        IndicatorType::Hash => "hash",
        IndicatorType::Url => "url",
    }
}

fn subject(indicator: &Indicator) -> Observable {
    let kind = match indicator.kind {
        IndicatorType::Domain | IndicatorType::Url => ObservableType::Domain,
        IndicatorType::Ip | IndicatorType::Cidr => ObservableType::Ip,
        IndicatorType::Hash => ObservableType::File,
    };
    Observable::new(kind, &indicator.value)
}

fn severity(tally: &Tally, tied: &Tied) -> Severity {
    match tally.strongest() {
        Contact::Answered if tied.reasons.len() >= REASONS_FOR_HIGH => Severity::High,
        Contact::Answered | Contact::Seen => Severity::Medium,
        Contact::Failed | Contact::Named => Severity::Low,
    }
}

fn finding(indicator: &Indicator, tally: &Tally, tied: &Tied) -> Finding {
    let strongest = tally.strongest();
    let confidence = match (strongest, tied.processes.is_empty()) {
        (Contact::Answered, false) => 0.95,
        (Contact::Answered, true) => 0.85,
        (Contact::Seen, _) => 0.8,
        (Contact::Failed, _) => 0.7,
        (Contact::Named, _) => 0.5,
    };
    let processes: Vec<&String> = tied.processes.iter().take(MOST_PROCESSES).collect();
    let files: Vec<&String> = tally.files.iter().take(MOST_FILES).collect();
    let hosts: Vec<&String> = tally.hosts.iter().take(MOST_FILES).collect();
    let contacts: BTreeMap<&str, u64> = tally
        .contacts
        .iter()
        .map(|(contact, seen)| (contact.word(), seen.hits))
        .collect();
    let draft = Draft::new(
        "indicator",
        vec![subject(indicator)],
        type_word(indicator.kind),
    )
    .says(title(indicator, tally, tied), text(indicator, tally, tied))
    .weighs(severity(tally, tied), confidence)
    .spans(tally.first, tally.last)
    .fact("indicator", indicator.value.clone())
    .fact("indicator_type", type_word(indicator.kind))
    .fact("hits", tally.hits)
    .fact("first", time_fact(tally.first))
    .fact("last", time_fact(tally.last))
    .fact("where", json!(files))
    .fact("where_count", tally.files.len())
    .fact("hosts", json!(hosts))
    .fact("contacts", json!(contacts))
    .fact("processes", json!(processes))
    .fact("reasons", tied.reasons.iter().copied().collect::<Vec<_>>())
    .fact(
        "thresholds",
        json!({ "reasons_for_high": REASONS_FOR_HIGH }),
    );
    let mut finding = draft.finish();
    finding.evidence = tally.records();
    finding
}

fn title(indicator: &Indicator, tally: &Tally, tied: &Tied) -> String {
    let what = match tally.strongest() {
        Contact::Answered if indicator.kind == IndicatorType::Domain => {
            "was asked for and answered"
        }
        Contact::Answered => "was in contact",
        Contact::Seen => "is used",
        Contact::Failed => "was tried, without an answer",
        Contact::Named => "is named",
    };
    let by = tied
        .processes
        .first()
        .map_or_else(String::new, |one| format!(", by {one}"));
    let times = if tally.hits == 1 { "once" } else { "times" };
    let count = if tally.hits == 1 {
        String::new()
    } else {
        format!("{} ", tally.hits)
    };
    format!(
        "{} {what}{by}: {count}{times} in {} files",
        indicator.value,
        tally.files.len()
    )
    .replace("in 1 files", "in 1 file")
}

fn text(indicator: &Indicator, tally: &Tally, tied: &Tied) -> String {
    let value = &indicator.value;
    let what = match tally.strongest() {
        Contact::Answered => {
            format!("{value} is known to be bad, and the evidence shows contact that was answered.")
        }
        Contact::Seen => {
            format!("{value} is known to be bad, and programs, files or traffic here hold it.")
        }
        Contact::Failed => format!(
            "{value} is known to be bad; all contact that the evidence shows failed or was blocked."
        ),
        Contact::Named => format!(
            "{value} is known to be bad; the evidence only names it, in lists, rules or logs."
        ),
    };
    let who = match (tied.processes.first(), tied.reasons.is_empty()) {
        (Some(process), false) => format!(
            " {process} holds the connection and hides or mines, so that a stale feed does not explain it."
        ),
        (Some(process), true) => format!(
            " {process} holds the connection; nothing else of it is conspicuous. The feed may be stale, or the address shared."
        ),
        (None, _) => {
            " Against it: feeds age, and addresses are shared and change hands.".to_owned()
        }
    };
    let next = match indicator.kind {
        IndicatorType::Domain => {
            format!("`coldcase whois CASE {value}` and the finding dns-origin tell who asked")
        }
        IndicatorType::Ip | IndicatorType::Cidr => format!(
            "`coldcase query CASE \"SELECT ts, host, action, src_ip, dst_ip, message FROM timeline WHERE src_ip = '{value}' OR dst_ip = '{value}' ORDER BY ts\"` lists it in order"
        ),
        IndicatorType::Hash | IndicatorType::Url => {
            "look at the records below, and at what ran or was fetched around them".to_owned()
        }
    };
    format!("{what}{who} Next: {next}.")
}
