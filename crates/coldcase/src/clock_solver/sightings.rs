//! From the timeline to sightings: which rows tell of events that other artifacts tell of too.
//!
//! Rows whose zone or year was assumed are turned back into their artifact's own local time; recorded ones stay as they
//! are. Parts of the timeline are read one by one, and of very many sightings a fixed share is kept, chosen by key,
//! so that both records of an event stay or go together.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_ingest::Clock;
use coldcase_model::{Timestamp, action};
use coldcase_timeline::polars::prelude::{LazyFrame, col, lit};
use coldcase_timeline::{PartInfo, Selection, Timeline, TimelineError};
use rayon::prelude::*;
use serde_json::Value;

use super::event_keys::{self, Kind};
use super::series::AllSeries;
use super::votes::{Key, Sighting};
use super::zones;
use crate::InputRecord;

/// Most sightings kept: their pairs say more than enough, in some tens of MB.
const MOST_SIGHTINGS: usize = 1 << 18;
/// Formats whose rows say `login` of every authentication that a program asked PAM for.
const PAM_LOGS: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];
/// Formats of resolvers' logs, and of captures as text.
const DNS_LOGS: [&str; 6] = [
    "coredns",
    "dnsmasq",
    "named",
    "systemd-resolved",
    "tcpdump-text",
    "unbound",
];
/// sshd's own port; flows to others are not looked at.
const SSH: i32 = 22;

/// All sightings of a timeline.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// By clocks whose zone was assumed, in local seconds.
    pub local: Vec<Sighting>,
    /// By clocks whose zone is recorded, in UTC seconds.
    pub known: Vec<Sighting>,
}

/// What one row says beyond the columns of all.
type Keys = (Kind, [Option<Key>; 3]);

/// Every sighting in the timeline.
pub(crate) fn gather(
    timeline: &Timeline,
    inputs: &[InputRecord],
    series: &AllSeries,
) -> Result<Sightings, TimelineError> {
    let scene = Scene::new(inputs, series);
    let local_dns = series.any_local(&DNS_LOGS);
    let tells = |part: &PartInfo| {
        let mut actions = part.actions.iter().map(String::as_str);
        actions.any(|one| CONTAINERS.0.contains(&one))
    };
    let containers_told = timeline.parts().iter().any(tells);
    let take = |mut sample: Sample, part: &PartInfo| -> Result<Sample, TimelineError> {
        let part = Timeline::of_parts(vec![part.clone()]);
        let kept = &mut sample;
        scene.take(kept, &part, &LOGINS, |rows| rows, logins)?;
        scene.take(kept, &part, &AUDIT, of_pam, audits)?;
        scene.take(kept, &part, &FLOWS, to_ssh, flows)?;
        scene.take(kept, &part, &CONTAINERS, |rows| rows, containers)?;
        if containers_told {
            scene.take(kept, &part, &ENGINE_LINES, |rows| rows, engine_lines)?;
        }
        if local_dns {
            scene.take(kept, &part, &QUERIES, |rows| rows, queries)?;
        }
        scene.take_mtimes(kept, &part)?;
        Ok(sample)
    };
    let samples = timeline.parts().par_iter().try_fold(Sample::default, take);
    let mut sample = samples.try_reduce(Sample::default, |one, other| Ok(one.and(other)))?;
    scene.last_writes(&mut sample);
    Ok(sample.finish())
}

/// Actions, and columns beside those of every row.
type Wanted = (&'static [&'static str], &'static [&'static str]);

const LOGINS: Wanted = (
    &[
        action::SSH_LOGIN,
        action::LOGIN,
        action::SSH_SESSION_OPENED,
        action::SESSION_OPENED,
        action::SUDO,
        action::CRON_RUN,
        action::BOOT,
    ],
    &[
        "outcome", "src_ip", "src_port", "user", "pid", "command", "format",
    ],
);
const AUDIT: Wanted = (
    &[action::AUDIT],
    &["user", "pid", "command", "exe", "attributes"],
);
const FLOWS: Wanted = (&[action::TCP_FLOW], &["src_ip", "src_port", "dst_port"]);
const CONTAINERS: Wanted = (
    &[action::CONTAINER_STARTED, action::CONTAINER_EXITED],
    &["attributes"],
);
const ENGINE_LINES: Wanted = (&[action::LOG], &["attributes"]);
const QUERIES: Wanted = (&[action::DNS_QUERY], &["src_ip", "domain", "attributes"]);

/// An audit row's attributes begin with its type.
fn of_pam(rows: LazyFrame) -> LazyFrame {
    let begins = |text: &str| col("attributes").str().starts_with(lit(text));
    rows.filter(begins("{\"type\":\"USER_START\"").or(begins("{\"type\":\"USER_CMD\"")))
}

fn to_ssh(rows: LazyFrame) -> LazyFrame {
    rows.filter(col("dst_port").eq(lit(SSH)))
}

fn logins(rows: &Selection, row: usize, host: &str) -> Option<Keys> {
    let (user, pid) = (rows.text("user", row), rows.long("pid", row));
    match rows.text("action", row)? {
        action::LOGIN if PAM_LOGS.contains(&rows.text("format", row)?) => None,
        action::SSH_LOGIN | action::LOGIN => {
            let (address, outcome) = (rows.text("src_ip", row), rows.text("outcome", row));
            let [strong, weak] = event_keys::login(host, pid, address, user, outcome);
            let ends = event_keys::connection(address, rows.int("src_port", row));
            Some((Kind::Login, [strong, ends, weak]))
        }
        action::SUDO => {
            let command = event_keys::command(host, rows.text("command", row));
            Some((Kind::Command, [command, None, None]))
        }
        action::CRON_RUN => {
            let run = event_keys::cron_run(host, pid, rows.text("command", row));
            Some((Kind::CronRun, [run, None, None]))
        }
        action::BOOT => Some((Kind::Boot, [Some(event_keys::boot(host)), None, None])),
        _ => {
            let session = event_keys::session(host, pid, user);
            Some((Kind::Session, [session, None, None]))
        }
    }
}

fn audits(rows: &Selection, row: usize, host: &str) -> Option<Keys> {
    let attributes = rows.text("attributes", row)?;
    if attributes.contains("\"USER_CMD\"") {
        let command = event_keys::command(host, rows.text("command", row));
        return Some((Kind::Command, [command, None, None]));
    }
    let session = event_keys::session(host, rows.long("pid", row), rows.text("user", row));
    Some((Kind::Session, [session, None, None]))
}

fn flows(rows: &Selection, row: usize, _: &str) -> Option<Keys> {
    let ends = event_keys::connection(rows.text("src_ip", row), rows.int("src_port", row));
    Some((Kind::Login, [ends, None, None]))
}

fn containers(rows: &Selection, row: usize, host: &str) -> Option<Keys> {
    let attributes: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
    let id = attributes
        .get("container_id")
        .or_else(|| attributes.get("id"));
    let key = event_keys::container(host, id.and_then(Value::as_str));
    Some((Kind::Container, [key, None, None]))
}

fn engine_lines(rows: &Selection, row: usize, host: &str) -> Option<Keys> {
    let names_one = rows.text("attributes", row)?.contains("\"container_id\"");
    names_one.then(|| containers(rows, row, host)).flatten()
}

fn queries(rows: &Selection, row: usize, _: &str) -> Option<Keys> {
    let attributes: Value = serde_json::from_str(rows.text("attributes", row)?).ok()?;
    let id = attributes.get("id").and_then(Value::as_i64);
    let query = event_keys::query(id, rows.text("domain", row), rows.text("src_ip", row));
    Some((Kind::Query, [query, None, None]))
}

/// The artifacts that sightings are from.
struct Scene<'a> {
    inputs: BTreeMap<&'a str, (usize, &'a InputRecord)>,
    /// Their names, without folders.
    names: BTreeSet<&'a str>,
    series: &'a AllSeries,
}

impl<'a> Scene<'a> {
    fn new(inputs: &'a [InputRecord], series: &'a AllSeries) -> Self {
        let paths = inputs.iter().enumerate();
        Self {
            inputs: paths
                .map(|(index, input)| (input.path.as_str(), (index, input)))
                .collect(),
            names: inputs.iter().map(|input| name(&input.path)).collect(),
            series,
        }
    }

    fn take(
        &self,
        sample: &mut Sample,
        part: &Timeline,
        (actions, columns): &Wanted,
        filter: impl Fn(LazyFrame) -> LazyFrame,
        keys: impl Fn(&Selection, usize, &str) -> Option<Keys>,
    ) -> Result<(), TimelineError> {
        let mut names = vec!["host", "ts_basis", "ts_precision"];
        names.extend_from_slice(columns);
        let rows = part.select_where(actions, &names, filter)?;
        for row in 0..rows.rows() {
            let host = rows.text("host", row).unwrap_or_default();
            let keys = keys(&rows, row, host);
            if let Some((known, sighting)) = keys.and_then(|keys| self.sighting(&rows, row, keys)) {
                sample.keep(known, sighting);
            }
        }
        Ok(())
    }

    /// Listed mtimes of files that are in the bundle themselves, by name.
    fn take_mtimes(&self, sample: &mut Sample, part: &Timeline) -> Result<(), TimelineError> {
        let of_inputs = |rows: &Selection, row: usize, host: &str| -> Option<Keys> {
            let name = name(rows.text("path", row)?);
            let is_input = self.names.contains(name);
            let key = is_input.then(|| event_keys::last_write(host, name));
            Some((Kind::LastWrite, [Some(key?), None, None]))
        };
        let wanted: Wanted = (&[action::FILE_MODIFIED], &["path"]);
        self.take(sample, part, &wanted, |rows| rows, of_inputs)
    }

    /// The last records of inputs whose times are recorded.
    fn last_writes(&self, sample: &mut Sample) {
        for (index, input) in self.inputs.values() {
            let (Some(last), 0) = (input.last_recorded, input.assumed) else {
                continue;
            };
            let host = input.host.as_deref().unwrap_or_default();
            let key = event_keys::last_write(host, name(&input.path));
            let sighting = Sighting {
                at: last.seconds(),
                width: 0,
                keys: [Some(key), None, None],
                kind: Kind::LastWrite,
                series: self.series.of_input(*index),
            };
            sample.keep(true, sighting);
        }
    }

    /// A row's sighting, and whether the zone of its clock is recorded.
    fn sighting(
        &self,
        rows: &Selection,
        row: usize,
        (kind, keys): Keys,
    ) -> Option<(bool, Sighting)> {
        let (index, input) = self.inputs.get(rows.text("file", row)?)?;
        let ts = rows.long("ts_ns", row)?;
        let width = match rows.text("ts_precision", row)? {
            "day" => return None,
            "min" => 59,
            _ => 0,
        };
        let known = match rows.text("ts_basis", row)? {
            "recorded" => true,
            "zone-assumed" | "year-inferred" => false,
            _ => return None,
        };
        let at = if known {
            Timestamp(ts).seconds()
        } else {
            local_seconds(ts, &input.clock)
        };
        let series = self.series.of_input(*index);
        let sighting = Sighting {
            at,
            width,
            keys,
            kind,
            series,
        };
        Some((known, sighting))
    }
}

/// A share of all sightings, the same for every clock.
struct Sample {
    /// One key of this many is kept.
    every: u64,
    kept: Vec<(bool, Sighting)>,
}

impl Default for Sample {
    fn default() -> Self {
        let kept = Vec::new();
        Self { every: 1, kept }
    }
}

impl Sample {
    fn keep(&mut self, known: bool, sighting: Sighting) {
        if is_kept(&sighting, self.every) {
            self.kept.push((known, sighting));
            self.thin();
        }
    }

    /// Takes in another's, after its own.
    fn and(mut self, mut other: Self) -> Self {
        self.every = self.every.max(other.every);
        self.kept.append(&mut other.kept);
        let every = self.every;
        self.kept.retain(|(_, one)| is_kept(one, every));
        self.thin();
        self
    }

    /// Fewer where they are too many.
    fn thin(&mut self) {
        // Keys that are all alike can't be told apart.
        while self.kept.len() > MOST_SIGHTINGS && self.every < 1 << 32 {
            self.every *= 2;
            let every = self.every;
            self.kept.retain(|(_, one)| is_kept(one, every));
        }
    }

    /// One sighting an event and series, in order of time.
    fn finish(self) -> Sightings {
        let mut sightings = Sightings::default();
        for (known, sighting) in self.kept {
            if known {
                sightings.known.push(sighting);
            } else {
                sightings.local.push(sighting);
            }
        }
        for all in [&mut sightings.local, &mut sightings.known] {
            let hash = |one: &Sighting| one.keys().next().map(|key| key.hash);
            all.sort_by_key(|one| (one.at, one.series, one.kind, hash(one)));
            all.dedup_by_key(|one| (one.at, one.series, one.kind, hash(one)));
        }
        sightings
    }
}

/// Whether a sighting's key is one of those that are kept.
fn is_kept(sighting: &Sighting, every: u64) -> bool {
    let first = sighting.keys().next();
    first.is_some_and(|key| (key.hash >> 7).is_multiple_of(every))
}

/// What the artifact itself said: the instant, moved to the zone that it was read with.
fn local_seconds(ts_ns: i64, clock: &Clock) -> i64 {
    let own = Timestamp(ts_ns.saturating_sub(clock.offset_ns));
    let local = clock.zone.local(own).and_utc().timestamp();
    local + Timestamp(clock.offset_ns).seconds()
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The same sightings in UTC, as a zone gives them.
pub(crate) fn in_utc(local: &[Sighting], zone: chrono_tz::Tz) -> Vec<Sighting> {
    let moved = local.iter().filter_map(|one| {
        let at = one.at - zones::offset(zone, one.at)?;
        Some(Sighting { at, ..*one })
    });
    moved.collect()
}
