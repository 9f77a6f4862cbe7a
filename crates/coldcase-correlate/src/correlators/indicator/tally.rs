//! Counting hits: part by part, so that what is held grows with the hits' kinds and not with the rows.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{EvidenceRecord, Timestamp, action};
use coldcase_timeline::polars::prelude::DataFrame;
use coldcase_timeline::{TextSign, Timeline, TimelineError};
use serde_json::Value;

use super::contact::{Contact, Row, contact};
use crate::indicators::Indicators;

/// Records shown of each file and kind of contact: the first and the last.
const MOST_RECORDS: usize = 20;
/// Actions whose attributes hold counters, states and numbers, no names: at capture's numbers their text is not worth reading.
const ONLY_CELLS: [&str; 12] = [
    action::TCP_FLOW,
    action::UDP_FLOW,
    action::TCP_ATTEMPTS,
    action::TCP_ATTEMPTS_ON,
    action::DNS_QUERY,
    action::METRIC,
    action::SSH_LOGIN,
    action::SSH_DISCONNECT,
    action::SSH_INVALID_USER,
    action::SSH_SESSION_OPENED,
    action::SSH_SESSION_CLOSED,
    action::INTERFACE_LISTED,
];
/// Public resolvers: feeds name them, since malware asks them too.
const RESOLVERS: [&str; 16] = [
    "1.1.1.1",
    "1.0.0.1",
    "8.8.8.8",
    "8.8.4.4",
    "9.9.9.9",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
    "223.5.5.5",
    "223.6.6.6",
    "119.29.29.29",
    "114.114.114.114",
    "2606:4700:4700::1111",
    "2606:4700:4700::1001",
    "2001:4860:4860::8888",
    "2001:4860:4860::8844",
];
/// Ports of DNS, plain and over TLS.
const DNS_PORTS: [i32; 2] = [53, 853];

/// Where a row is: time, file, line, offset.
type Place = (Option<i64>, String, Option<i64>, Option<i64>);

/// Hits of one kind of contact.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub hits: u64,
    /// By file, the first and the last.
    ends: BTreeMap<String, (Place, Place)>,
}

/// What was hit of one indicator.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub hits: u64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub files: BTreeSet<String>,
    pub hosts: BTreeSet<String>,
    pub contacts: BTreeMap<Contact, Hits>,
}

impl Tally {
    /// What says most.
    pub fn strongest(&self) -> Contact {
        let last = self.contacts.last_key_value();
        last.map_or(Contact::Named, |(contact, _)| *contact)
    }

    /// The first and last record of each file, what says most first, and in order of time.
    pub fn records(&self) -> Vec<EvidenceRecord> {
        let kinds = self.contacts.values().rev();
        let ends = |kind: &Hits| -> Vec<Place> {
            let firsts = kind.ends.values().map(|(first, _)| first.clone());
            let lasts = kind.ends.values().map(|(_, last)| last.clone());
            firsts.chain(lasts).collect()
        };
        let mut seen = BTreeSet::new();
        let all = kinds
            .flat_map(ends)
            .filter(|place| seen.insert(place.clone()));
        let mut shown: Vec<Place> = all.take(MOST_RECORDS).collect();
        shown.sort();
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let record = |(ts, file, line, offset): Place| EvidenceRecord {
            file,
            line: number(line),
            offset: number(offset),
            ts: ts.map(Timestamp),
            text: String::new(),
        };
        shown.into_iter().map(record).collect()
    }

    fn add(&mut self, contact: Contact, place: Place, host: Option<&str>) {
        self.hits += 1;
        let earliest = |known: Option<i64>, ts: i64| known.map_or(ts, |known| known.min(ts));
        let latest = |known: Option<i64>, ts: i64| known.map_or(ts, |known| known.max(ts));
        if let Some(ts) = place.0 {
            self.first = Some(earliest(self.first, ts));
            self.last = Some(latest(self.last, ts));
        }
        if !self.files.contains(&place.1) {
            self.files.insert(place.1.clone());
        }
        if let Some(host) = host.filter(|host| !self.hosts.contains(*host)) {
            self.hosts.insert(host.to_owned());
        }
        let hits = self.contacts.entry(contact).or_default();
        hits.hits += 1;
        match hits.ends.get_mut(&place.1) {
            None => {
                hits.ends.insert(place.1.clone(), (place.clone(), place));
            }
            Some((first, last)) => {
                if place < *first {
                    *first = place;
                } else if place > *last {
                    *last = place;
                }
            }
        }
    }
}

const COLUMNS: [&str; 13] = [
    "host",
    "outcome",
    "src_ip",
    "dst_ip",
    "dst_port",
    "command",
    "path",
    "exe",
    "image",
    "domain",
    "response_code",
    "attributes",
    "message",
];

/// All hits, by the indicator's place in the list.
pub(super) fn count(
    timeline: &Timeline,
    known: &Indicators,
) -> Result<BTreeMap<usize, Tally>, TimelineError> {
    let actions: BTreeSet<&str> = timeline
        .parts()
        .iter()
        .flat_map(|part| &part.actions)
        .map(String::as_str)
        .filter(|action| *action != action::ALERT)
        .collect();
    let actions: Vec<&str> = actions.into_iter().collect();
    let is_address = |text: &str| known.address(text).is_some();
    let is_domain = |text: &str| known.domain(text).is_some();
    let names_one = |text: &str| {
        let mut found = BTreeSet::new();
        known.in_text(text, &mut found);
        !found.is_empty()
    };
    let has_texts = |action: &str| !ONLY_CELLS.contains(&action);
    let is_line = |action: &str| action == action::LOG && has_texts(action);
    let is_request = |action: &str| action == action::HTTP_REQUEST && known.has_urls();
    // Of most parts no row names any.
    let may_name_one: [&[TextSign<'_>]; 1] = [&[
        TextSign::of_all(&["src_ip", "dst_ip"], &is_address),
        TextSign::of_all(&["domain"], &is_domain),
        TextSign {
            of: &has_texts,
            columns: &["command", "path", "exe", "image", "attributes"],
            is: &names_one,
        },
        TextSign {
            of: &is_line,
            columns: &["message"],
            is: &names_one,
        },
        TextSign::whole(&is_request),
    ]];
    let mut tallies = BTreeMap::new();
    timeline.for_each_part_texts(&actions, &COLUMNS, &may_name_one, |rows| {
        if let Some(part) = Part::of(rows.frame()) {
            part.count(known, &mut tallies);
        }
    })?;
    Ok(tallies)
}

/// Text columns, in the order of [`TEXTS`].
#[derive(Clone, Copy)]
enum Text {
    Host,
    Outcome,
    SrcIp,
    DstIp,
    Command,
    Path,
    Exe,
    Image,
    Domain,
    ResponseCode,
    Attributes,
    Message,
    Action,
    File,
}

const TEXTS: [&str; 14] = [
    "host",
    "outcome",
    "src_ip",
    "dst_ip",
    "command",
    "path",
    "exe",
    "image",
    "domain",
    "response_code",
    "attributes",
    "message",
    "action",
    "file",
];

/// The columns of one part.
struct Part<'a> {
    height: usize,
    texts: Vec<Vec<Option<&'a str>>>,
    times: Vec<Option<i64>>,
    lines: Vec<Option<i64>>,
    offsets: Vec<Option<i64>>,
    ports: Vec<Option<i32>>,
}

impl<'a> Part<'a> {
    fn of(frame: &'a DataFrame) -> Option<Self> {
        let text = |name: &&str| Some(frame.column(name).ok()?.str().ok()?.iter().collect());
        let number = |name| Some(frame.column(name).ok()?.i64().ok()?.iter().collect());
        Some(Self {
            height: frame.height(),
            texts: TEXTS.iter().map(text).collect::<Option<_>>()?,
            times: number("ts_ns")?,
            lines: number("line")?,
            offsets: number("offset")?,
            ports: frame.column("dst_port").ok()?.i32().ok()?.iter().collect(),
        })
    }

    fn text(&self, column: Text, row: usize) -> Option<&'a str> {
        self.texts.get(column as usize)?.get(row).copied().flatten()
    }

    fn place(&self, row: usize) -> Place {
        let cell = |column: &[Option<i64>]| column.get(row).copied().flatten();
        let file = self.text(Text::File, row).unwrap_or_default().to_owned();
        (
            cell(&self.times),
            file,
            cell(&self.lines),
            cell(&self.offsets),
        )
    }

    fn count(&self, known: &Indicators, tallies: &mut BTreeMap<usize, Tally>) {
        let (mut in_cells, mut found) = (BTreeSet::new(), BTreeSet::new());
        for row in 0..self.height {
            in_cells.clear();
            found.clear();
            self.look_in_cells(row, known, &mut in_cells);
            let action = self.text(Text::Action, row).unwrap_or_default();
            if !ONLY_CELLS.contains(&action) {
                self.look_in_texts(row, action, known, &mut found);
            }
            for place in in_cells.union(&found) {
                let contact = contact(&Row {
                    action,
                    outcome: self.text(Text::Outcome, row),
                    response_code: self.text(Text::ResponseCode, row),
                    command: self.text(Text::Command, row),
                    attributes: self.text(Text::Attributes, row),
                    in_cells: in_cells.contains(place),
                });
                let tally = tallies.entry(*place).or_default();
                tally.add(contact, self.place(row), self.text(Text::Host, row));
            }
        }
    }

    fn look_in_cells(&self, row: usize, known: &Indicators, found: &mut BTreeSet<usize>) {
        let is_dns = self
            .ports
            .get(row)
            .copied()
            .flatten()
            .is_some_and(|port| DNS_PORTS.contains(&port));
        for name in [Text::SrcIp, Text::DstIp] {
            let address = self.text(name, row);
            let asked = |address: &str| {
                let action = self.text(Text::Action, row).unwrap_or_default();
                (is_dns || action.starts_with("dns-")) && RESOLVERS.contains(&address)
            };
            let address = address.filter(|address| !asked(address));
            found.extend(address.and_then(|address| known.address(address)));
        }
        found.extend(
            self.text(Text::Domain, row)
                .and_then(|name| known.domain(name)),
        );
    }

    fn look_in_texts(
        &self,
        row: usize,
        action: &str,
        known: &Indicators,
        found: &mut BTreeSet<usize>,
    ) {
        for name in [
            Text::Command,
            Text::Path,
            Text::Exe,
            Text::Image,
            Text::Attributes,
        ] {
            if let Some(text) = self.text(name, row) {
                known.in_text(text, found);
            }
        }
        // A log's line is its message; of other rows the message repeats the cells.
        if action == action::LOG
            && let Some(text) = self.text(Text::Message, row)
        {
            known.in_text(text, found);
        }
        if action == action::HTTP_REQUEST && known.has_urls() {
            let json: Option<Value> = self
                .text(Text::Attributes, row)
                .and_then(|text| serde_json::from_str(text).ok());
            let uri = json.as_ref().and_then(|json| json.get("uri")?.as_str());
            for host in [self.text(Text::Domain, row), self.text(Text::DstIp, row)]
                .into_iter()
                .flatten()
            {
                found.extend(uri.and_then(|uri| known.url(host, uri)));
            }
        }
    }
}
