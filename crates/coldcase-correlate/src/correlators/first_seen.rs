//! Since when something is seen, and what else changed around that moment.
//!
//! For every source address of ssh logins that begins after the log does, and for every indicator that
//! occurs: first and last record, how often, in which formats. Around the first record the timeline is
//! searched for what changed (files, containers, accounts, groups, audit rules); what is rare comes first:
//! one changed file of a folder tells more than one of a hundred log segments.
//!
//! What is there when the evidence begins was there at or before that moment; then this is said, and no
//! change is looked for.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{
    EvidenceRecord, Finding, Observable, ObservableType, Severity, Timestamp, action,
};
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use serde_json::{Value, json};

use crate::evidence::{record, spread};
use crate::facts::IndicatorType;
use crate::logins::{Login, Logins, OfSource};
use crate::{CaseFacts, Correlator, Draft, View};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "first-seen",
    title: "since when something is seen, and what else changed then",
    source: include_str!("first_seen.rs"),
    rests_on: &[],
    run,
};

/// Records of a source below which its beginning is not worth a finding.
const WORTH_TELLING: usize = 5;
/// What lies this close to the beginning of the evidence was there before it.
const AT_THE_BEGINNING_NS: i64 = 24 * 3600 * 1_000_000_000;
/// Changes are looked for from this long before the first record to an hour after it.
const BEFORE_NS: i64 = 24 * 3600 * 1_000_000_000;
const AFTER_NS: i64 = 3600 * 1_000_000_000;
/// Failed logins, beside some that succeed, from which a source's beginning matters.
const MANY_FAILURES: usize = 10;
/// Most changes told.
const MOST_NEARBY: usize = 20;
/// Most sources told of.
const MOST_ENTITIES: usize = 100;

const CHANGES: [&str; 9] = [
    action::FILE_MODIFIED,
    action::FILE_CREATED,
    action::CONTAINER_CREATED,
    action::CONTAINER_STARTED,
    action::USER_ADDED,
    action::USER_CHANGED,
    action::GROUP_ADDED,
    action::IMAGE_CREATED,
    action::AUDIT_CONFIG,
];

/// What is seen of one thing.
struct Seen {
    first: i64,
    last: i64,
    records: usize,
    /// Failed logins among them, where others succeeded: who is never let in is noise.
    failures: usize,
    formats: BTreeSet<String>,
    shown: Vec<EvidenceRecord>,
}

fn run(view: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let columns = [
        "format",
        "host",
        "path",
        "container",
        "image",
        "user",
        "message",
    ];
    let changes = view.select(&CHANGES, &columns)?;
    let mut found = logins(view, facts, &changes);
    found.extend(indicators(view, facts, &changes)?);
    Ok(found)
}

fn logins(view: &View<'_>, facts: &CaseFacts, changes: &Selection) -> Vec<Finding> {
    let mut began: BTreeMap<&str, i64> = BTreeMap::new();
    for span in facts
        .coverage
        .iter()
        .filter(|span| span.format == "authlog")
    {
        let first = began
            .entry(span.host.as_deref().unwrap_or_default())
            .or_insert(i64::MAX);
        *first = (*first).min(span.first.nanos());
    }
    // One source may log into several hosts.
    let mut sources: BTreeMap<&str, Vec<OfSource<'_>>> = BTreeMap::new();
    for of in view.logins.by_source() {
        sources.entry(of.source).or_default().push(of);
    }
    let records = |of: &[OfSource<'_>]| of.iter().map(OfSource::records).sum::<usize>();
    let mut told: Vec<(&str, Vec<OfSource<'_>>)> = sources
        .into_iter()
        .filter(|(_, of)| records(of) >= WORTH_TELLING)
        .collect();
    told.sort_by(|(a, x), (b, y)| records(y).cmp(&records(x)).then(a.cmp(b)));
    told.truncate(MOST_ENTITIES);
    let finding = |(source, of): (&str, Vec<OfSource<'_>>)| {
        let host = of
            .iter()
            .filter_map(|one| Some((one.first()?, one.host)))
            .min()?
            .1;
        let subject = Observable::new(ObservableType::Ip, source);
        let seen = seen(&view.logins, &of)?;
        Some(describe(
            changes,
            subject,
            "ip",
            seen,
            began.get(host).copied(),
        ))
    };
    told.into_iter().filter_map(finding).collect()
}

/// A source's logins on all hosts.
fn seen(logins: &Logins, of: &[OfSource<'_>]) -> Option<Seen> {
    let mut all: Vec<Login> = of.iter().flat_map(OfSource::dated).collect();
    logins.sort(&mut all);
    let formats = of.iter().flat_map(|one| logins.origins(one));
    let failed = all.iter().filter(|login| !login.success).count();
    Some(Seen {
        first: all.first()?.ts()?,
        last: all.last()?.ts()?,
        records: of.iter().map(OfSource::records).sum(),
        failures: if failed < all.len() { failed } else { 0 },
        formats: formats.map(|origin| origin.format.clone()).collect(),
        shown: spread(&all).map(|login| logins.record(login)).collect(),
    })
}

fn indicators(
    timeline: &Timeline,
    facts: &CaseFacts,
    changes: &Selection,
) -> Result<Vec<Finding>, TimelineError> {
    let domains: BTreeSet<&str> = facts
        .indicators
        .iter()
        .filter(|one| one.kind == IndicatorType::Domain)
        .map(|one| one.value.as_str())
        .collect();
    if domains.is_empty() {
        return Ok(Vec::new());
    }
    let is_named = |name: &str| parents(name).any(|parent| domains.contains(parent));
    let columns = ["format", "host", "domain"];
    let named: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["domain"], &is_named)]];
    let rows = timeline.select_texts(&[action::DNS_QUERY], &columns, &named)?;
    let mut of_domains: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, name) in rows.texts("domain").iter().enumerate() {
        let domain = name.and_then(|name| parents(name).find_map(|parent| domains.get(parent)));
        if let (Some(domain), Some(_)) = (domain, rows.long("ts_ns", row)) {
            of_domains.entry(domain).or_default().push(row);
        }
    }
    let begin = facts
        .coverage
        .iter()
        .filter(|span| matches!(span.format.as_str(), "pcap" | "coredns" | "tcpdump-text"));
    let begin = begin.map(|span| span.first.nanos()).min();
    let finding = |(domain, of): (&str, Vec<usize>)| {
        let ts = |row: Option<&usize>| rows.long("ts_ns", *row?);
        let formats = of.iter().filter_map(|row| rows.text("format", *row));
        let seen = Seen {
            first: ts(of.first())?,
            last: ts(of.last())?,
            records: of.len(),
            failures: 0,
            formats: formats.map(str::to_owned).collect(),
            shown: spread(&of).map(|row| record(&rows, *row)).collect(),
        };
        let subject = Observable::new(ObservableType::Domain, domain);
        Some(describe(changes, subject, "domain", seen, begin))
    };
    Ok(of_domains.into_iter().filter_map(finding).collect())
}

/// A name and all names above it: `a.b.c`, `b.c`, `c`.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| {
        name.split_once('.').map(|(_, parent)| parent)
    })
}

fn describe(
    changes: &Selection,
    subject: Observable,
    kind: &str,
    seen: Seen,
    begin: Option<i64>,
) -> Finding {
    let (first, last) = (seen.first, seen.last);
    let at_start = begin.is_some_and(|begin| first - begin < AT_THE_BEGINNING_NS);
    let nearby = if at_start {
        Vec::new()
    } else {
        nearby(changes, first)
    };
    let since = Timestamp(first);
    let title = format!("{} is seen since {since}", subject.value);
    let text = if at_start {
        format!(
            "It is there when the evidence begins: at or before {since}. Older logs would show since when."
        )
    } else if nearby.is_empty() {
        "The evidence before it does not show it. No change around that moment is in this evidence."
            .to_owned()
    } else {
        format!(
            "The evidence before it does not show it. {} changes lie around that moment; the rarest come first.",
            nearby.len()
        )
    };
    // A beginning matters where something is wrong with what began.
    let wrong = kind == "domain" || seen.failures >= MANY_FAILURES;
    let severity = if wrong && !at_start {
        Severity::Low
    } else {
        Severity::Info
    };
    let formats: Vec<Value> = seen
        .formats
        .iter()
        .map(|format| format.as_str().into())
        .collect();
    Draft::new("first-seen", vec![subject.clone()], kind)
        .says(title, text)
        .weighs(severity, if at_start { 0.5 } else { 0.9 })
        .spans(Some(first), Some(last))
        .fact("entity_type", kind)
        .fact("entity", subject.value)
        .fact("first", since.to_string())
        .fact("last", Timestamp(last).to_string())
        .fact("count", seen.records)
        .fact("sources", formats)
        .fact("nearby", nearby)
        .fact("thresholds", thresholds())
        .shows(seen.shown)
        .finish()
}

/// Changes around a moment, the rarest first, then the nearest.
fn nearby(changes: &Selection, first: i64) -> Vec<Value> {
    let times = changes.longs("ts_ns");
    let inside =
        |ts: i64| ts >= first.saturating_sub(BEFORE_NS) && ts <= first.saturating_add(AFTER_NS);
    let rows: Vec<(usize, i64)> = times
        .iter()
        .enumerate()
        .filter_map(|(row, ts)| ts.filter(|ts| inside(*ts)).map(|ts| (row, ts)))
        .collect();
    let mut crowds: BTreeMap<String, usize> = BTreeMap::new();
    for (row, _) in &rows {
        for depth in DEPTHS {
            *crowds.entry(branch(changes, *row, depth)).or_default() += 1;
        }
    }
    let mut ranked: Vec<([usize; 2], u64, String, Value)> = rows
        .into_iter()
        .filter_map(|(row, ts)| {
            let (kind, value) = subject_of_change(changes, row)?;
            let alike = DEPTHS.map(|depth| crowds.get(&branch(changes, row, depth)).copied().unwrap_or(1));
            let seconds = (ts - first).div_euclid(1_000_000_000);
            let entry = json!({ "type": kind, "value": value, "ts": Timestamp(ts).to_string(), "delta_seconds": seconds });
            Some((alike, seconds.unsigned_abs(), value.to_owned(), entry))
        })
        .collect();
    ranked.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let mut told = BTreeSet::new();
    ranked.retain(|(_, _, value, _)| told.insert(value.clone()));
    ranked
        .into_iter()
        .take(MOST_NEARBY)
        .map(|(_, _, _, entry)| entry)
        .collect()
}

fn subject_of_change(changes: &Selection, row: usize) -> Option<(&'static str, &str)> {
    match changes.text("action", row)? {
        action::FILE_MODIFIED | action::FILE_CREATED => Some(("file", changes.text("path", row)?)),
        action::CONTAINER_CREATED | action::CONTAINER_STARTED => {
            Some(("container", changes.text("container", row)?))
        }
        action::IMAGE_CREATED => Some(("image", changes.text("image", row)?)),
        action::USER_ADDED | action::USER_CHANGED | action::GROUP_ADDED => {
            Some(("user", changes.text("user", row)?))
        }
        _ => Some(("log", changes.text("message", row)?)),
    }
}

fn thresholds() -> Value {
    let hours = |ns: i64| ns / 3_600_000_000_000;
    json!({
        "least_events": WORTH_TELLING,
        "at_the_beginning_hours": hours(AT_THE_BEGINNING_NS),
        "nearby_before_hours": hours(BEFORE_NS),
        "nearby_after_hours": hours(AFTER_NS),
        "failures_that_are_wrong": MANY_FAILURES,
    })
}

/// Depths of folders at which changes are compared.
const DEPTHS: [usize; 2] = [3, 2];

/// What makes changes alike: the upper folders of a file with numbers taken out, the action of anything
/// else. Folders of segments, blobs or layers change all day; one with a single change is where something
/// was done.
fn branch(changes: &Selection, row: usize, depth: usize) -> String {
    let action = changes.text("action", row).unwrap_or_default();
    let Some(path) = changes.text("path", row) else {
        return format!("{depth} {action}");
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let upper: Vec<&str> = folder.split('/').take(depth + 1).collect();
    let upper: String = upper
        .join("/")
        .chars()
        .filter(|character| !character.is_ascii_digit())
        .collect();
    format!("{depth} {upper}")
}
