//! What each host has or used, once a host: the rows by which fleets are compared. Made when a case is added, so that
//! a question over thousands of hosts reads these and not the timelines.
//!
//! A sighting is the first record of an entity on a host, with how often it occurs. Its time is that of a record that was
//! made when it happened; what only a snapshot shows has none, for it is older than the snapshot. Kinds of entity:
//! `exe`, `image`, `cron` (schedule, user and command), `job` (a command that cron ran or would run), `unit` (unit and
//! command), `key` (fingerprint), `port` (protocol and port that something listens on), `domain`, `address` (peers),
//! `login-source` (address of a login that succeeded), `hash`, `preload`.

use std::collections::BTreeMap;

use coldcase_model::{action, outcome};
use coldcase_timeline::sql::Cells;
use coldcase_timeline::{Selection, Timeline};
use serde_json::{Map, Value};

use crate::{CaseRows, LakeError};

/// Columns that sightings are made from.
const READ: [&str; 20] = [
    "ts_ns",
    "ts_basis",
    "host",
    "action",
    "outcome",
    "src_ip",
    "dst_ip",
    "src_port",
    "protocol",
    "user",
    "exe",
    "command",
    "path",
    "image",
    "domain",
    "attributes",
    "message",
    "file",
    "line",
    "offset",
];
/// Longest text of a sighting in characters: enough for a person to know the record by.
const LONGEST_TEXT: usize = 300;
/// Longest entity in characters; what is longer is cut, alike on every host.
const LONGEST_ENTITY: usize = 1000;

/// The group of hosts that should be alike, by name: `web-01` and `web-27` are of `web-#`.
pub fn host_group(host: &str) -> String {
    let short = host.split('.').next().unwrap_or(host);
    let mut group = String::new();
    for one in short.chars() {
        match (one.is_ascii_digit(), group.ends_with('#')) {
            (true, true) => {}
            (true, false) => group.push('#'),
            (false, _) => group.push(one),
        }
    }
    group
}

type Key = (Option<String>, &'static str, String);

/// Where and when an entity was first seen; the order is that of "first".
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Recorded, of a snapshot, unknown.
    when: (Dated, i64),
    file: String,
    line: Option<i64>,
    offset: Option<i64>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dated {
    Recorded,
    BySnapshot,
    Not,
}

struct Sighting {
    first: Place,
    last_ns: Option<i64>,
    events: i64,
}

/// The sightings of a case, sorted.
pub(crate) fn sightings(timeline: &Timeline) -> Result<CaseRows, LakeError> {
    let mut seen: BTreeMap<Key, Sighting> = BTreeMap::new();
    let mut index = 0;
    while let Some(rows) = timeline.part(index, &READ)? {
        gather(&Part::of(&rows), &mut seen);
        index += 1;
    }
    Ok(CaseRows {
        table: "sightings",
        columns: columns(seen),
    })
}

fn columns(seen: BTreeMap<Key, Sighting>) -> Vec<Cells> {
    let mut texts: [Vec<Option<String>>; 5] = Default::default();
    let mut longs: [Vec<Option<i64>>; 5] = Default::default();
    for ((host, kind, entity), sighting) in seen {
        let Sighting {
            first,
            last_ns,
            events,
        } = sighting;
        let row = [
            host,
            Some(kind.to_owned()),
            Some(entity),
            Some(first.file),
            Some(first.text),
        ];
        for (column, cell) in texts.iter_mut().zip(row) {
            column.push(cell);
        }
        let first_ns = (first.when.0 == Dated::Recorded).then_some(first.when.1);
        let row = [first_ns, last_ns, Some(events), first.line, first.offset];
        for (column, cell) in longs.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    let [host, kind, entity, file, text] = texts.map(Cells::Text);
    let [first, last, events, line, offset] = longs.map(Cells::Long);
    vec![
        host, kind, entity, first, last, events, file, line, offset, text,
    ]
}

/// Columns of a part.
struct Part<'p> {
    rows: &'p Selection,
    texts: BTreeMap<&'static str, Vec<Option<&'p str>>>,
    times: Vec<Option<i64>>,
}

impl<'p> Part<'p> {
    fn of(rows: &'p Selection) -> Self {
        let names = READ
            .iter()
            .filter(|name| !["ts_ns", "line", "offset", "src_port"].contains(name));
        Self {
            rows,
            texts: names.map(|name| (*name, rows.texts(name))).collect(),
            times: rows.longs("ts_ns"),
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<&'p str> {
        let cell = self.texts.get(name)?.get(row).copied().flatten();
        cell.filter(|text| !text.is_empty())
    }

    fn time(&self, row: usize) -> Option<i64> {
        self.times.get(row).copied().flatten()
    }
}

fn gather(part: &Part<'_>, seen: &mut BTreeMap<Key, Sighting>) {
    let mut found = Vec::new();
    for row in 0..part.rows.rows() {
        found.clear();
        entities(part, row, &mut found);
        for (kind, entity) in found.drain(..) {
            let host = part.text("host", row).map(str::to_owned);
            note(part, row, (host, kind, cut(&entity, LONGEST_ENTITY)), seen);
        }
    }
}

fn note(part: &Part<'_>, row: usize, key: Key, seen: &mut BTreeMap<Key, Sighting>) {
    let is_snapshot = part.text("ts_basis", row) == Some("collected");
    let when = match part.time(row) {
        None => (Dated::Not, 0),
        Some(ns) if is_snapshot => (Dated::BySnapshot, ns),
        Some(ns) => (Dated::Recorded, ns),
    };
    let time = (when.0 == Dated::Recorded).then_some(when.1);
    let place = || Place {
        when,
        file: part.text("file", row).unwrap_or_default().to_owned(),
        line: part.rows.long("line", row),
        offset: part.rows.long("offset", row),
        text: cut(part.text("message", row).unwrap_or_default(), LONGEST_TEXT),
    };
    match seen.get_mut(&key) {
        None => {
            let first = place();
            let sighting = Sighting {
                first,
                last_ns: time,
                events: 1,
            };
            seen.insert(key, sighting);
        }
        Some(known) => {
            known.events += 1;
            known.last_ns = known.last_ns.max(time);
            if when <= known.first.when {
                let place = place();
                if place < known.first {
                    known.first = place;
                }
            }
        }
    }
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// What a row shows of its host.
fn entities(part: &Part<'_>, row: usize, found: &mut Vec<(&'static str, String)>) {
    let text = |name: &str| part.text(name, row);
    let mut add = |kind: &'static str, value: Option<&str>| {
        found.extend(value.map(|value| (kind, value.to_owned())));
    };
    add("image", text("image"));
    match text("action").unwrap_or_default() {
        action::EXEC | action::PROCESS_LISTED => add("exe", text("exe")),
        action::DNS_QUERY | action::HTTP_REQUEST => add("domain", text("domain")),
        action::SSH_LOGIN => {
            add("address", text("src_ip"));
            if text("outcome") == Some(outcome::SUCCESS) {
                add("login-source", text("src_ip"));
            }
            let attributes = attributes(text("attributes"));
            add("key", attributes.get("key").and_then(Value::as_str));
        }
        action::CONNECT
        | action::TCP_FLOW
        | action::UDP_FLOW
        | action::FLOW_LISTED
        | action::TCP_ATTEMPTS => {
            add("address", text("src_ip"));
            add("address", text("dst_ip"));
        }
        action::PRELOAD_LISTED => add("preload", text("path")),
        action::KEY_LISTED => {
            let attributes = attributes(text("attributes"));
            add("key", attributes.get("fingerprint").and_then(Value::as_str));
        }
        action::CRON_RUN => add("job", text("command")),
        action::JOB_LISTED => {
            add("cron", job(part, row).as_deref());
            add("job", text("command"));
        }
        action::SERVICE_DEFINED => add("unit", unit(part, row).as_deref()),
        action::SOCKET_LISTED => {
            add("port", listening(part, row).as_deref());
            add("address", text("dst_ip"));
        }
        action::FILE_HASHED => {
            let attributes = attributes(text("attributes"));
            for name in ["md5", "sha1", "sha256"] {
                add("hash", attributes.get(name).and_then(Value::as_str));
            }
        }
        _ => {}
    }
}

fn attributes(text: Option<&str>) -> Map<String, Value> {
    let parsed = text.and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_default()
}

/// `*/5 * * * * root /usr/bin/job`
fn job(part: &Part<'_>, row: usize) -> Option<String> {
    let attributes = attributes(part.text("attributes", row));
    let schedule = attributes.get("schedule").and_then(Value::as_str);
    let command = part.text("command", row);
    let activates = attributes.get("activates").and_then(Value::as_str);
    let words = [schedule, part.text("user", row), command.or(activates)];
    command.or(activates)?;
    Some(words.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// `docker.service /usr/bin/dockerd -H fd://`
fn unit(part: &Part<'_>, row: usize) -> Option<String> {
    let attributes = attributes(part.text("attributes", row));
    let unit = attributes.get("unit").and_then(Value::as_str)?;
    let command = part.text("command", row)?;
    Some(format!("{unit} {command}"))
}

/// `tcp/2375`
fn listening(part: &Part<'_>, row: usize) -> Option<String> {
    let attributes = attributes(part.text("attributes", row));
    let state = attributes.get("state").and_then(Value::as_str);
    if !matches!(state, Some("LISTEN" | "UNCONN")) {
        return None;
    }
    let port = part.rows.int("src_port", row)?;
    Some(format!("{}/{port}", part.text("protocol", row)?))
}
