//! Legs: questions for a bad name as one packet or one log line shows them, each with who asked whom.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::polars::prelude::{NamedFrom as _, Series, col, lit};
use coldcase_timeline::{Selection, Timeline, TimelineError};
use serde_json::Value;

use super::names::Names;

/// How long a question stays open without an answer: resolvers' usual timeout.
pub(super) const OPEN_NS: i64 = 5_000_000_000;
/// Copies of one packet in one capture lie this close together.
const COPY_NS: i64 = 1_000_000;

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Leg<'a> {
    pub row: usize,
    pub format: &'a str,
    pub file: &'a str,
    pub line: Option<i64>,
    /// When it was asked.
    pub asked: Option<i64>,
    /// Until when it was open.
    pub until: Option<i64>,
    pub src: String,
    pub port: Option<i64>,
    /// Whom it was put to; nothing in a resolver's own log.
    pub dst: Option<&'a str>,
    pub id: Option<i64>,
    pub name: &'a str,
    pub query_type: &'a str,
    /// Host that the record is from.
    pub host: Option<&'a str>,
    /// Whether a pod logged it, by the name that its log has.
    pub by_pod: bool,
}

/// What makes two records the same question: asker, port, id, name, type.
pub(super) type Key<'a> = (&'a str, i64, i64, &'a str, &'a str);

impl<'a> Leg<'a> {
    /// Its key, where port and id are known.
    pub fn key(&self) -> Option<Key<'_>> {
        Some((
            self.src.as_str(),
            self.port?,
            self.id?,
            self.name,
            self.query_type,
        ))
    }

    /// Whether it is a line of a resolver's log.
    pub fn is_logged(&self) -> bool {
        self.dst.is_none()
    }
}

/// Columns of questions and answers.
const COLUMNS: [&str; 11] = [
    "host",
    "format",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "domain",
    "query_type",
    "response_code",
    "attributes",
    "message",
];

/// Rows of this action with one of these names.
fn rows_of<'n>(
    timeline: &Timeline,
    action: &str,
    names: impl Iterator<Item = &'n String>,
) -> Result<Selection, TimelineError> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let names = Series::new("names".into(), names);
    timeline.select_where(&[action], &COLUMNS, |rows| {
        rows.filter(col("domain").is_in(lit(names.clone()).implode(true), false))
    })
}

/// Rows of all questions for bad names, with and without search suffixes.
pub(super) fn questions(timeline: &Timeline, names: &Names) -> Result<Selection, TimelineError> {
    let all = names.asked.keys().chain(names.expanded.keys());
    rows_of(timeline, action::DNS_QUERY, all)
}

/// Rows of the answers to them.
pub(super) fn answers(timeline: &Timeline, names: &Names) -> Result<Selection, TimelineError> {
    rows_of(timeline, action::DNS_ANSWER, names.asked.keys())
}

/// When questions were answered, by asker and its port, id and name.
type AnsweredAt<'a> = BTreeMap<(&'a str, i64, i64, &'a str), Vec<i64>>;

fn answered_at(rows: &Selection) -> AnsweredAt<'_> {
    let mut found: AnsweredAt<'_> = BTreeMap::new();
    for row in 0..rows.rows() {
        let id = attribute(rows, row).and_then(|json| json.get("id")?.as_i64());
        let port = rows.int("dst_port", row).map(i64::from);
        if let (Some(asker), Some(port), Some(id), Some(name), Some(at)) = (
            rows.text("dst_ip", row),
            port,
            id,
            rows.text("domain", row),
            rows.long("ts_ns", row),
        ) {
            found.entry((asker, port, id, name)).or_default().push(at);
        }
    }
    found
}

fn attribute(rows: &Selection, row: usize) -> Option<Value> {
    serde_json::from_str(rows.text("attributes", row)?).ok()
}

/// The questions in these rows, in the timeline's order.
pub(super) fn read<'a>(rows: &'a Selection, answers: &Selection) -> Vec<Leg<'a>> {
    let answered = answered_at(answers);
    (0..rows.rows())
        .filter_map(|row| leg(rows, row, &answered))
        .collect()
}

fn leg<'a>(rows: &'a Selection, row: usize, answered: &AnsweredAt<'_>) -> Option<Leg<'a>> {
    let json = attribute(rows, row);
    let text = |name: &str| json.as_ref()?.get(name)?.as_str();
    let number = |name: &str| json.as_ref()?.get(name)?.as_i64();
    let name = rows.text("domain", row)?;
    let id = number("id");
    let dst = rows.text("dst_ip", row);
    let ts = rows.long("ts_ns", row);
    let (mut src, mut port) = (
        rows.text("src_ip", row)?.to_owned(),
        rows.int("src_port", row).map(i64::from),
    );
    let shown = (src.clone(), port);
    // The packet before its address was translated names who sent it.
    if let Some((before, before_port)) = text("before_translation").and_then(sender) {
        (src, port) = (before, Some(before_port));
    }
    let (asked, until) = if dst.is_none() {
        let took = number("duration_ns").unwrap_or(0);
        (ts.map(|at| at.saturating_sub(took)), ts)
    } else {
        let answer = shown.1.zip(id).and_then(|(port, id)| {
            let times = answered.get(&(shown.0.as_str(), port, id, name))?;
            times.iter().copied().find(|at| Some(*at) >= ts)
        });
        let open = ts.map(|at| at.saturating_add(OPEN_NS));
        (ts, answer.min(open).or(open))
    };
    Some(Leg {
        row,
        format: rows.text("format", row).unwrap_or_default(),
        file: rows.text("file", row).unwrap_or_default(),
        line: rows.long("line", row),
        asked,
        until,
        src,
        port,
        dst,
        id,
        name,
        query_type: rows.text("query_type", row).unwrap_or_default(),
        host: rows.text("host", row),
        by_pod: text("server").is_some(),
    })
}

/// The first end of `10.0.0.1:53001 > 10.0.0.2:53`.
fn sender(text: &str) -> Option<(String, i64)> {
    let (address, port) = text.split_once(" > ")?.0.rsplit_once(':')?;
    Some((address.to_owned(), port.parse().ok()?))
}

/// How often these were asked. One question is in several records: copies in one capture, the same packet
/// in two captures, the line of the resolver's log. A repetition (the same port and id again) is
/// a question of its own; the second number says how many of them there are.
pub(super) fn count(legs: &[&Leg<'_>]) -> (usize, usize) {
    let mut seen: BTreeMap<Key<'_>, BTreeMap<(&str, &str), Vec<&Leg<'_>>>> = BTreeMap::new();
    let mut without_key: BTreeMap<&str, usize> = BTreeMap::new();
    for leg in legs {
        match leg.key() {
            Some(key) => seen
                .entry(key)
                .or_default()
                .entry((leg.format, leg.file))
                .or_default()
                .push(leg),
            None => *without_key.entry(leg.format).or_default() += 1,
        }
    }
    let most_in_a_file = |files: &BTreeMap<(&str, &str), Vec<&Leg<'_>>>| {
        files.values().map(|legs| distinct(legs)).max().unwrap_or(0)
    };
    let sent: usize = seen.values().map(most_in_a_file).sum();
    let repeated = sent - seen.len();
    let logged = without_key.into_values().max().unwrap_or(0);
    if logged > sent {
        (logged, 0)
    } else {
        (sent, repeated)
    }
}

/// Records of one question in one file that are no copies of each other.
fn distinct(legs: &[&Leg<'_>]) -> usize {
    let mut count = 0;
    let mut before: Option<i64> = None;
    for leg in legs {
        let copy = !leg.is_logged()
            && before
                .zip(leg.asked)
                .is_some_and(|(before, at)| at - before <= COPY_NS);
        count += usize::from(!copy);
        before = leg.asked;
    }
    count
}

/// Who of these addresses serves others: how many ask it, and whether it answered.
pub(super) fn servers(
    timeline: &Timeline,
    addresses: &BTreeSet<&str>,
) -> Result<BTreeMap<String, (BTreeSet<String>, bool)>, TimelineError> {
    let wanted: Vec<&str> = addresses.iter().copied().collect();
    let wanted = Series::new("addresses".into(), wanted);
    let mut found: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
    for (action, server, client) in [
        (action::DNS_QUERY, "dst_ip", "src_ip"),
        (action::DNS_ANSWER, "src_ip", "dst_ip"),
    ] {
        let columns = ["src_ip", "src_port", "dst_ip", "dst_port"];
        let rows = timeline.select_where(&[action], &columns, |rows| {
            rows.filter(col(server).is_in(lit(wanted.clone()).implode(true), false))
        })?;
        let (servers, clients) = (rows.texts(server), rows.texts(client));
        let ports = rows.ints(match action {
            action::DNS_QUERY => "dst_port",
            _ => "src_port",
        });
        for ((server, client), port) in servers.into_iter().zip(clients).zip(ports) {
            // mDNS and LLMNR: everybody answers.
            if let (Some(server), Some(client)) = (server, client)
                && !matches!(port, Some(5353 | 5355))
                && server != client
            {
                let entry = match found.get_mut(server) {
                    Some(entry) => entry,
                    None => found.entry(server.to_owned()).or_default(),
                };
                if entry.0.len() < MOST_CLIENTS && !entry.0.contains(client) {
                    entry.0.insert(client.to_owned());
                }
                entry.1 |= action == action::DNS_ANSWER;
            }
        }
    }
    Ok(found)
}

/// Clients of a server that are kept apart: one is chance, two are service.
const MOST_CLIENTS: usize = 2;

#[cfg(test)]
mod tests {
    use super::sender;

    #[test]
    fn senders_before_translation() {
        let check = |text: &str, expected: Option<(&str, i64)>| {
            let got = sender(text);
            let got = got
                .as_ref()
                .map(|(address, port)| (address.as_str(), *port));
            assert_eq!(got, expected, "{text}");
        };
        check("10.0.0.1:53001 > 10.0.0.2:53", Some(("10.0.0.1", 53001)));
        check("fd00::1:53001 > fd00::2:53", Some(("fd00::1", 53001)));
        check("10.0.0.1", None);
        check("", None);
    }
}
