//! Series: the connections of one source to one port of one destination, as one kind of record of one host
//! tells them. They are counted part by part first, so that a flood's hundreds of thousands of pairs with
//! one connection each never become rows here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use coldcase_model::action;
use coldcase_timeline::polars::prelude::{
    DataFrame, DataType, IntoLazy as _, JoinArgs, JoinType, LazyFrame, NamedFrom as _, PolarsError,
    Series as Column, col, len, lit,
};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use super::rhythm::{LEAST_BEATS, LEAST_PERIOD};
use crate::names::Names;
use crate::{CaseFacts, is_internal};

/// Records that tell of single connections.
const ACTIONS: [&str; 4] = [
    action::TCP_FLOW,
    action::UDP_FLOW,
    action::CONNECT,
    action::HTTP_REQUEST,
];
/// Text columns that make a series.
const KEYS: [&str; 6] = ["action", "format", "host", "src_ip", "dst_ip", "exe"];
/// The number of a series among those that are looked at together.
const SERIES: &str = "series";
/// Connections of one beat, on average: more than this many in the shortest period is no beacon.
const MOST_A_BEAT: f64 = 4.0;
/// Connections of one series that are looked at: one every 30 s for half a year.
const MOST_EVENTS: u64 = 500_000;
/// Rows held at a time.
const MOST_ROWS: u64 = 500_000;
/// Sources of a destination that are told apart: whether it is more than a few is what matters.
const MOST_SOURCES: usize = 8;

/// What makes connections a series; missing cells are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub action: String,
    pub format: String,
    pub host: String,
    pub src: String,
    pub dst: String,
    pub exe: String,
    pub port: i32,
}

/// One series, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counted {
    pub events: u64,
    pub first: i64,
    pub last: i64,
    /// Lowest and highest source port: one socket is one connection.
    ports: Option<(i32, i32)>,
    /// A name of the destination that its requests give.
    pub domain: Option<String>,
}

/// What the timeline holds of connections.
#[derive(Default)]
pub(super) struct Survey {
    /// Series that may be beacons.
    pub series: BTreeMap<Key, Counted>,
    /// Who talks to the destinations of these, at most [`MOST_SOURCES`].
    pub sources: HashMap<String, BTreeSet<String>>,
}

/// Records that start a connection, with empty cells instead of missing ones.
fn starts(rows: LazyFrame) -> LazyFrame {
    // What was under way when a capture began, or when a silence ended, is no new connection.
    let begun_before = col("action")
        .eq(lit(action::TCP_FLOW))
        .and(col("outcome").is_null());
    let keys: Vec<_> = KEYS
        .iter()
        .map(|name| col(*name).fill_null(lit("")))
        .collect();
    let dated = col("ts_ns").is_not_null().and(col("dst_ip").is_not_null());
    rows.filter(dated.and(begun_before.not()))
        .with_columns(keys)
        .with_column(col("dst_port").fill_null(lit(-1)))
}

const COLUMNS: [&str; 10] = [
    "ts_ns", "format", "host", "src_ip", "src_port", "dst_ip", "dst_port", "exe", "domain",
    "outcome",
];

/// Counts all connections.
pub(super) fn survey(timeline: &Timeline, facts: &CaseFacts) -> Result<Survey, TimelineError> {
    let mut tally = Tally::default();
    let count = |rows: LazyFrame| {
        let mut keys: Vec<_> = KEYS.iter().map(|name| col(*name)).collect();
        keys.push(col("dst_port"));
        starts(rows).group_by(keys).agg([
            len().cast(DataType::Int64).alias("count"),
            col("ts_ns").min().alias("first"),
            col("ts_ns").max().alias("last"),
            col("src_port").min().alias("lowest"),
            col("src_port").max().alias("highest"),
            col("domain").min().alias("name"),
        ])
    };
    timeline.for_each_part(&ACTIONS, &COLUMNS, count, |rows| {
        tally.take(rows, facts);
    })?;
    Ok(tally.survey(facts))
}

/// A key with its texts by number: a flood has a million of them.
type Numbered = ([u32; KEYS.len()], i32);

/// What was counted so far.
#[derive(Default)]
struct Tally {
    names: Names,
    counted: HashMap<Numbered, Counted>,
}

impl Tally {
    fn take(&mut self, rows: &Selection, facts: &CaseFacts) {
        let texts = KEYS.map(|name| rows.texts(name));
        let (ports, names) = (rows.ints("dst_port"), rows.texts("name"));
        let (lowest, highest) = (rows.ints("lowest"), rows.ints("highest"));
        let (counts, firsts, lasts) =
            (rows.longs("count"), rows.longs("first"), rows.longs("last"));
        for row in 0..rows.rows() {
            let long = |column: &[Option<i64>]| column.get(row).copied().flatten();
            let port = |column: &[Option<i32>]| column.get(row).copied().flatten();
            let key = texts
                .each_ref()
                .map(|column| column.get(row).copied().flatten().unwrap_or_default());
            let (Some(to), Some(count), Some(first), Some(last)) =
                (port(&ports), long(&counts), long(&firsts), long(&lasts))
            else {
                continue;
            };
            if is_here(&key, facts) {
                continue;
            }
            let one = Counted {
                events: u64::try_from(count).unwrap_or(0),
                first,
                last,
                ports: port(&lowest).zip(port(&highest)),
                domain: names.get(row).copied().flatten().map(str::to_owned),
            };
            let key = (key.map(|text| self.names.number(text)), to);
            add(self.counted.entry(key).or_default(), one);
        }
    }

    fn survey(self, facts: &CaseFacts) -> Survey {
        let mut survey = Survey::default();
        let key = |(texts, port): &Numbered| {
            let [action, format, host, src, dst, exe] =
                texts.map(|number| self.names.get(number).to_owned());
            Key {
                action,
                format,
                host,
                src,
                dst,
                exe,
                port: *port,
            }
        };
        let target = |([.., dst, _], _): &Numbered| *dst;
        let mut targets: BTreeSet<u32> = BTreeSet::new();
        let frequent = |(_, one): &(_, &Counted)| one.events >= LEAST_BEATS as u64;
        for (numbered, one) in self.counted.iter().filter(frequent) {
            let key = key(numbered);
            if is_worth_a_look(&key, one) {
                targets.insert(target(numbered));
                survey.series.insert(key, one.clone());
            }
        }
        let talkers = self.counted.keys();
        for numbered in talkers.filter(|key| targets.contains(&target(key))) {
            survey.note_source(&key(numbered), facts);
        }
        survey
    }
}

/// Whether a host connects to itself.
fn is_here([action, _, host, _, dst, _]: &[&str; KEYS.len()], facts: &CaseFacts) -> bool {
    *action == action::CONNECT && facts.host_with(dst).is_some_and(|one| one.name == *host)
}

impl Survey {
    fn note_source(&mut self, key: &Key, facts: &CaseFacts) {
        let source = match key.src.as_str() {
            "" => own_address(key, facts).unwrap_or(&key.host),
            src => src,
        };
        let known = self.sources.entry(key.dst.clone()).or_default();
        keep_least(known, source);
    }
}

/// The only address of the host that a record is from.
pub(super) fn own_address<'f>(key: &Key, facts: &'f CaseFacts) -> Option<&'f str> {
    let host = facts.hosts.iter().find(|host| host.name == key.host)?;
    match host.addresses.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// Keeps the first few in order, so that it does not matter which comes first.
fn keep_least(known: &mut BTreeSet<String>, one: &str) {
    if !known.contains(one) {
        known.insert(one.to_owned());
        if known.len() > MOST_SOURCES {
            known.pop_last();
        }
    }
}

fn add(sum: &mut Counted, one: Counted) {
    if sum.events == 0 {
        *sum = one;
        return;
    }
    sum.events += one.events;
    sum.first = sum.first.min(one.first);
    sum.last = sum.last.max(one.last);
    sum.ports = match (sum.ports, one.ports) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
    sum.domain = match (sum.domain.take(), one.domain) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

fn is_worth_a_look(key: &Key, one: &Counted) -> bool {
    let span = (one.last - one.first) as f64;
    let one_socket = key.action == action::UDP_FLOW
        && one.ports.is_some_and(|(lowest, highest)| lowest == highest);
    // How often a cache asks says how long its answers last.
    let is_lookup = key.port == 53 && is_internal(&key.dst);
    one.events >= LEAST_BEATS as u64
        && one.events <= MOST_EVENTS
        && span >= LEAST_PERIOD * (LEAST_BEATS - 1) as f64
        && one.events as f64 <= MOST_A_BEAT * span / LEAST_PERIOD
        && !one_socket
        && !is_lookup
        && is_unicast(&key.dst)
}

/// Whether an address is of another machine, and of one only.
fn is_unicast(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            !(v4.is_loopback()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.octets().last() == Some(&255))
        }
        Ok(IpAddr::V6(v6)) => {
            !(v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6.is_unspecified())
        }
        Err(_) => false,
    }
}

/// Series with their rows, so many at a time that the rows stay few: `each` gets the selection, and of
/// every series in it the rows in time order.
pub(super) fn for_each(
    timeline: &Timeline,
    series: &BTreeMap<Key, Counted>,
    mut each: impl FnMut(&Selection, &[(&Key, &[usize])]),
) -> Result<(), TimelineError> {
    let mut batch: Vec<&Key> = Vec::new();
    let mut rows = 0;
    for (key, counted) in series {
        if rows + counted.events > MOST_ROWS && !batch.is_empty() {
            one_batch(timeline, &batch, &mut each)?;
            batch.clear();
            rows = 0;
        }
        batch.push(key);
        rows += counted.events;
    }
    if batch.is_empty() {
        return Ok(());
    }
    one_batch(timeline, &batch, &mut each)
}

fn one_batch(
    timeline: &Timeline,
    batch: &[&Key],
    each: &mut impl FnMut(&Selection, &[(&Key, &[usize])]),
) -> Result<(), TimelineError> {
    let wanted = as_frame(batch).map_err(|source| TimelineError::Columns {
        path: "beacon".into(),
        source,
    })?;
    let on: Vec<_> = KEYS
        .iter()
        .map(|name| col(*name))
        .chain([col("dst_port")])
        .collect();
    // Of a million rows only what orders them and their series is held.
    let held = ["ts_ns", "file", "line", "offset", "action", SERIES].map(col);
    let rows = timeline.select_where(&ACTIONS, &COLUMNS, |rows| {
        let of_series = JoinArgs::new(JoinType::Inner);
        let rows = starts(rows).join(wanted.clone().lazy(), &on, &on, of_series);
        rows.select(&held)
    })?;
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); batch.len()];
    for (row, number) in rows.ints(SERIES).into_iter().enumerate() {
        let group = number.and_then(|number| usize::try_from(number).ok());
        if let Some(group) = group.and_then(|group| groups.get_mut(group)) {
            group.push(row);
        }
    }
    let found = batch
        .iter()
        .zip(&groups)
        .filter(|(_, rows)| !rows.is_empty());
    let found = found.map(|(key, rows)| (*key, rows.as_slice()));
    each(&rows, &found.collect::<Vec<_>>());
    Ok(())
}

/// The texts of a key in the order of [`KEYS`].
fn texts_of(key: &Key) -> [&str; 6] {
    [
        &key.action,
        &key.format,
        &key.host,
        &key.src,
        &key.dst,
        &key.exe,
    ]
}

fn as_frame(batch: &[&Key]) -> Result<DataFrame, PolarsError> {
    let mut columns = Vec::new();
    for (index, name) in KEYS.iter().enumerate() {
        let cells = batch
            .iter()
            .filter_map(|key| texts_of(key).get(index).copied());
        columns.push(Column::new((*name).into(), cells.collect::<Vec<&str>>()).into());
    }
    let ports: Vec<i32> = batch.iter().map(|key| key.port).collect();
    columns.push(Column::new("dst_port".into(), ports).into());
    let numbers: Vec<i32> = (0..).take(batch.len()).collect();
    columns.push(Column::new(SERIES.into(), numbers).into());
    DataFrame::new(batch.len(), columns)
}
