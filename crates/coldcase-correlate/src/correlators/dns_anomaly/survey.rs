//! One pass over all questions and failed answers, part by part: what each client asked, by registered domain.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use coldcase_model::action;
use coldcase_timeline::polars::prelude::{DataType, LazyFrame, col, len, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use super::letters::is_random;
use super::names::{Parts, data_bytes, is_look_alike, parts};
use super::sample::{Kept, Sample, hash};
use crate::{CaseFacts, IndicatorType};

/// Types that carry more than an address.
const DATA_TYPES: [&str; 10] = [
    "TXT",
    "NULL",
    "CNAME",
    "MX",
    "SRV",
    "KEY",
    "PRIVATE",
    "TYPE65399",
    "ANY",
    "URI",
];
/// Questions and failures are counted by so much time, in nanoseconds.
pub(super) const BUCKET_NS: i64 = 300_000_000_000;
const COLUMNS: [&str; 10] = [
    "ts_ns",
    "format",
    "host",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "domain",
    "query_type",
    "response_code",
];

/// A client: its address, and the host where the address means something there only.
pub(super) type Client = u32;
/// Where records are from: format and host.
type Source = u32;

/// What a client asked below one registered domain.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Names that may carry data.
    pub names: Sample,
    /// Questions by type's kind (address, data) and by source of the records.
    counts: BTreeMap<(bool, Source), u64>,
    /// Questions of each type, whatever the source.
    types: BTreeMap<u32, u64>,
}

impl Asked {
    /// Questions, each once however many sources show it: the source that shows most.
    pub fn queries(&self) -> u64 {
        let mut by_source: BTreeMap<Source, u64> = BTreeMap::new();
        for ((_, source), count) in &self.counts {
            *by_source.entry(*source).or_default() += count;
        }
        by_source.into_values().max().unwrap_or(0)
    }

    /// Share of the questions for types that carry data.
    pub fn data_share(&self) -> f64 {
        let sum = |data: bool| -> u64 {
            let these = self.counts.iter().filter(|((kind, _), _)| *kind == data);
            these.map(|(_, count)| count).sum()
        };
        sum(true) as f64 / (sum(true) + sum(false)).max(1) as f64
    }

    /// Share of the questions that are for the most frequent type.
    pub fn main_type_share(&self) -> f64 {
        let most = self.types.values().max().copied().unwrap_or(0);
        most as f64 / self.types.values().sum::<u64>().max(1) as f64
    }
}

/// A client's failed names.
#[derive(Debug, Default)]
pub(super) struct Failed {
    /// Registered domains that do not exist.
    pub domains: Sample,
    /// Failures by time, in each source.
    pub buckets: HashMap<(Source, i64), u64>,
}

impl Failed {
    /// Failures by time in the source that has most.
    pub fn rhythm(&self) -> BTreeMap<i64, u64> {
        let mut by_source: BTreeMap<Source, BTreeMap<i64, u64>> = BTreeMap::new();
        for ((source, bucket), count) in &self.buckets {
            *by_source
                .entry(*source)
                .or_default()
                .entry(*bucket)
                .or_default() += count;
        }
        let most = by_source
            .into_values()
            .max_by_key(|buckets| buckets.values().sum::<u64>());
        most.unwrap_or_default()
    }
}

/// What the timeline holds of DNS.
#[derive(Default)]
pub(super) struct Survey {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
    /// By client and registered domain.
    pub asked: HashMap<(Client, u32), Asked>,
    pub failed: HashMap<Client, Failed>,
    /// Addresses that are asked.
    servers: HashSet<u32>,
}

impl Survey {
    /// Reads all questions and failed answers.
    pub fn read(timeline: &Timeline, facts: &CaseFacts) -> Result<Self, TimelineError> {
        let mut survey = Self::default();
        let known_bad = facts.indicators.iter();
        let known_bad: BTreeSet<&str> = known_bad
            .filter(|one| one.kind == IndicatorType::Domain)
            .filter_map(|one| parts(&one.value))
            .map(|parts| parts.registered)
            .collect();
        let keys = ["src_ip", "dst_ip", "domain", "query_type", "format", "host"];
        timeline.for_each_part(
            &[action::DNS_QUERY],
            &COLUMNS,
            |rows| counted(unicast(rows, "dst_port"), &keys, false),
            |rows| survey.questions(rows, facts, &known_bad),
        )?;
        // A resolver's own log tells the code with the question, a capture with the answer.
        for (action, client, port) in [
            (action::DNS_QUERY, "src_ip", "dst_port"),
            (action::DNS_ANSWER, "dst_ip", "src_port"),
        ] {
            timeline.for_each_part(
                &[action],
                &COLUMNS,
                |rows| {
                    let rows = unicast(rows, port).filter(is_missing());
                    counted(rows, &[client, "domain", "format", "host"], true)
                },
                |rows| survey.failures(rows, client, action, facts),
            )?;
        }
        Ok(survey)
    }

    /// A number for a text.
    fn id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }

    /// The text of a number.
    pub fn text(&self, id: u32) -> &str {
        let text = usize::try_from(id).ok().and_then(|id| self.texts.get(id));
        text.map_or("", String::as_str)
    }

    /// Whether somebody asks this address.
    pub fn is_server(&self, client: Client) -> bool {
        self.servers.contains(&client)
    }

    /// Clients that asked for anything but do not serve others.
    pub fn clients(&self) -> BTreeSet<Client> {
        let clients = self.asked.keys().map(|(client, _)| *client);
        clients.filter(|client| !self.is_server(*client)).collect()
    }

    fn questions(&mut self, rows: &Selection, facts: &CaseFacts, known_bad: &BTreeSet<&str>) {
        for row in 0..rows.rows() {
            if let Some(server) = rows.text("dst_ip", row) {
                let server = self.id(server);
                self.servers.insert(server);
            }
            let (Some(name), Some(client)) = (
                rows.text("domain", row),
                client_of(rows, row, "src_ip", facts),
            ) else {
                continue;
            };
            let Some(Parts { below, registered }) = parts(name) else {
                continue;
            };
            if is_look_alike(registered) && !known_bad.contains(registered) {
                continue;
            }
            let kind = rows.text("query_type", row).unwrap_or_default();
            let count = rows
                .long("count", row)
                .and_then(|count| u64::try_from(count).ok());
            let key = (self.id(&client), self.id(registered));
            let source = self.source(rows, row);
            let type_id = self.id(kind);
            let asked = self.asked.entry(key).or_default();
            let count = count.unwrap_or(0);
            *asked
                .counts
                .entry((DATA_TYPES.contains(&kind), source))
                .or_default() += count;
            *asked.types.entry(type_id).or_default() += count;
            let data = u16::try_from(data_bytes(below)).unwrap_or(u16::MAX);
            if data > 0 {
                let kept = Kept {
                    first: rows.long("first", row),
                    data,
                    inner: parts(below).map_or(0, |inner| hash(inner.registered)),
                };
                asked.names.add(hash(name), kept);
            }
        }
    }

    fn failures(&mut self, rows: &Selection, column: &str, action: &str, facts: &CaseFacts) {
        for row in 0..rows.rows() {
            let (Some(name), Some(client)) = (
                rows.text("domain", row),
                client_of(rows, row, column, facts),
            ) else {
                continue;
            };
            // Logs and servers ask for the names of all addresses they see.
            if name.ends_with(".arpa") || !name.contains('.') {
                continue;
            }
            let count = rows
                .long("count", row)
                .and_then(|count| u64::try_from(count).ok());
            let client = self.id(&client);
            let source = self.source(rows, row);
            let source = source.wrapping_mul(2) + u32::from(action == action::DNS_QUERY);
            let failed = self.failed.entry(client).or_default();
            if let Some(bucket) = rows.long("bucket", row) {
                *failed.buckets.entry((source, bucket)).or_default() += count.unwrap_or(0);
            }
            let Some(Parts { below, registered }) = parts(name) else {
                continue;
            };
            // A missing name below a domain does not say that the domain is missing.
            if !below.is_empty() && below != "www" {
                continue;
            }
            let label = registered.split('.').next().unwrap_or_default();
            let kept = Kept {
                first: rows.long("first", row),
                data: u16::from(is_random(label)),
                inner: 0,
            };
            failed.domains.add(hash(registered), kept);
        }
    }

    fn source(&mut self, rows: &Selection, row: usize) -> Source {
        let format = rows.text("format", row).unwrap_or_default();
        let host = rows.text("host", row).unwrap_or_default();
        self.id(&format!("{format} of {host}"))
    }
}

/// Not multicast DNS, where everybody answers.
fn unicast(rows: LazyFrame, port: &str) -> LazyFrame {
    let multicast = col(port).eq(lit(5353)).or(col(port).eq(lit(5355)));
    rows.filter(multicast.fill_null(lit(false)).not())
        .filter(col("domain").is_not_null())
}

/// Whether the answer is that the name does not exist.
pub(super) fn is_missing() -> coldcase_timeline::polars::prelude::Expr {
    col("response_code")
        .eq(lit("NXDOMAIN"))
        .fill_null(lit(false))
}

/// Rows of the same keys as one, with how many they are and the first time of them.
fn counted(rows: LazyFrame, keys: &[&str], by_time: bool) -> LazyFrame {
    let mut by: Vec<_> = keys.iter().map(|name| col(*name)).collect();
    if by_time {
        let begin = col("ts_ns") - col("ts_ns") % lit(BUCKET_NS);
        by.push(begin.alias("bucket"));
    }
    rows.group_by(by).agg([
        len().cast(DataType::Int64).alias("count"),
        col("ts_ns").min().alias("first"),
    ])
}

/// Who asked: an address, for a loopback address that of its host.
pub(super) fn client_of(
    rows: &Selection,
    row: usize,
    column: &str,
    facts: &CaseFacts,
) -> Option<String> {
    let address = rows.text(column, row)?;
    if !(address.starts_with("127.") || address == "::1") {
        return Some(address.to_owned());
    }
    let host = rows.text("host", row)?;
    let known = facts.hosts.iter().find(|one| one.name == host)?;
    known.addresses.first().cloned()
}

impl Survey {
    /// Whether a client passes on what another asks: most names are the same within seconds, and it serves
    /// others while the other does not, or asks later.
    pub fn passes_on(&self, one: Client, names: &Sample, other: Client, others: &Sample) -> bool {
        let Some(earlier) = names.shares_with(others) else {
            return false;
        };
        match (self.is_server(one), self.is_server(other)) {
            (true, false) => true,
            (false, true) => false,
            _ => match others.shares_with(names) {
                // Neither is earlier.
                Some(also) if also == earlier => self.text(one) > self.text(other),
                _ => !earlier,
            },
        }
    }
}
