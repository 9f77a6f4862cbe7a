//! Captures of other projects' test suites against what their own tools, and TShark, read in them.
//! The corpora are not part of the project: where they are absent, nothing is tested.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test reads tables of known shape and prints its result"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Clock, formats};
use coldcase_model::{Event, action, canonical_domain};
use coldcase_testkit::{Recorder, ingest};
use coldcase_wire::dns::{rcode_name, type_name};

fn corpora() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("COLDCASE_CORPORA").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("corpora absent: skipped");
    None
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            files(&entry, ending, found);
        } else if entry.to_string_lossy().ends_with(ending) {
            found.push(entry);
        }
    }
}

fn read(path: &Path) -> Recorder {
    let format = formats::by_id("pcap").expect("registered");
    let bytes = fs::read(path).expect("a readable capture");
    ingest(format, &path.to_string_lossy(), &bytes, &Clock::UNKNOWN)
}

fn dns_rows(recorder: &Recorder) -> Vec<&Event<'static>> {
    let events = recorder.events.iter();
    let is_dns =
        |event: &&Event<'_>| [action::DNS_QUERY, action::DNS_ANSWER].contains(&event.action);
    events.filter(is_dns).collect()
}

/// Direction, name, type and response code of a message.
type Message = (bool, String, String, String);

fn ours(recorder: &Recorder) -> Vec<Message> {
    let text = |cell: &Option<std::borrow::Cow<'_, str>>| cell.as_deref().unwrap_or("").to_owned();
    let message = |event: &&Event<'_>| {
        (
            event.action == action::DNS_ANSWER,
            text(&event.domain),
            text(&event.query_type),
            text(&event.response_code),
        )
    };
    dns_rows(recorder).iter().map(message).collect()
}

/// DNS, mDNS and LLMNR messages of a TShark table.
fn tshark(table: &str) -> Vec<Message> {
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        columns
            .iter()
            .position(|held| *held == name)
            .expect("a column")
    };
    let (response, rcode) = (column("dns.flags.response"), column("dns.flags.rcode"));
    let (name, kind) = (column("dns.qry.name"), column("dns.qry.type"));
    let ports = ["udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"].map(column);
    let mut messages = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
        let list = |place: usize| {
            cell(place)
                .split(',')
                .filter(|item| !item.is_empty())
                .collect::<Vec<_>>()
        };
        let named = ports.iter().any(|place| {
            list(*place)
                .iter()
                .any(|port| ["53", "5353", "5355"].contains(port))
        });
        if !named {
            continue;
        }
        let (flags, codes) = (list(response), list(rcode));
        let (names, kinds) = (list(name), list(kind));
        let mut codes = codes.into_iter();
        for (nth, flag) in flags.iter().enumerate() {
            let answers = ["1", "True"].contains(flag);
            let code = answers
                .then(|| codes.next())
                .flatten()
                .and_then(|code| code.parse().ok());
            let nth = if flags.len() == names.len() { nth } else { 0 };
            let kind = kinds.get(nth).and_then(|kind| kind.parse().ok());
            let name = names.get(nth).copied().unwrap_or_default();
            let name = if name == "<Root>" { "." } else { name };
            messages.push((
                answers,
                canonical_domain(name).into_owned(),
                kind.map_or_else(String::new, |kind| type_name(kind).into_owned()),
                code.map_or_else(String::new, |code| rcode_name(code).into_owned()),
            ));
        }
    }
    messages
}

fn difference(one: &[Message], other: &[Message]) -> Vec<Message> {
    let mut left: BTreeMap<&Message, usize> = BTreeMap::new();
    for message in other {
        *left.entry(message).or_default() += 1;
    }
    let mut only = Vec::new();
    for message in one {
        match left.get_mut(message) {
            Some(count) if *count > 0 => *count -= 1,
            _ => only.push(message.clone()),
        }
    }
    only
}

#[test]
fn dns_messages_are_those_of_tshark() {
    let Some(corpora) = corpora() else { return };
    let mut tables = Vec::new();
    files(&corpora, ".tshark.tsv", &mut tables);
    let mut sums: BTreeMap<String, (usize, usize, usize, usize)> = BTreeMap::new();
    let mut differing = Vec::new();
    for table in tables {
        let capture = PathBuf::from(table.to_string_lossy().trim_end_matches(".tshark.tsv"));
        let name = capture
            .strip_prefix(&corpora)
            .expect("below")
            .display()
            .to_string();
        if capture.extension().is_some_and(|ending| ending == "gz") {
            continue;
        }
        let expected = tshark(&fs::read_to_string(&table).expect("a table"));
        let got = ours(&read(&capture));
        let missing = difference(&expected, &got);
        let extra = difference(&got, &expected);
        let source = name.split('/').next().unwrap_or_default().to_owned();
        let sum = sums.entry(source).or_default();
        sum.0 += 1;
        sum.1 += expected.len();
        sum.2 += got.len();
        if missing.is_empty() && extra.is_empty() {
            continue;
        }
        sum.3 += missing.len().max(extra.len());
        differing.push((name, missing, extra));
    }
    println!(
        "{:<20} {:>8} {:>8} {:>8} {:>9}",
        "source", "captures", "expected", "got", "differing"
    );
    for (source, (captures, expected, got, differing)) in &sums {
        println!("{source:<20} {captures:>8} {expected:>8} {got:>8} {differing:>9}");
    }
    for (name, missing, extra) in &differing {
        println!("{name}: tshark alone {missing:?}, we alone {extra:?}");
    }
}
