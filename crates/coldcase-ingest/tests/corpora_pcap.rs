//! Captures of other projects' test suites against what their own tools, and TShark, read in them.
//! The corpora are not part of the project: where they are absent, nothing is tested.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test reads tables of known shape and prints its result"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Clock, formats};
use coldcase_model::{Event, action, canonical_domain};
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, ingest};
use coldcase_wire::dns::{rcode_name, type_name};

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
    if table.is_empty() {
        return Vec::new();
    }
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

/// What TShark reads otherwise, and why: capture, messages that TShark alone has, that we alone have.
const TSHARK_DIFFERENCES: [(&str, usize, usize, &str); 3] = [
    (
        "tcpdump/dns-badlabel.pcap",
        1,
        0,
        "a name that loops and a class that does not exist: not taken for DNS, a flow",
    ),
    (
        "zeek/Traces/dns/dns_extended_rcode.pcap",
        1,
        1,
        "TShark's column holds the header's four bits, ours the extended code (BADVERS)",
    ),
    (
        "zeek/Traces/dns-edns-ecs-bad.pcap",
        4,
        0,
        "fuzzed questions of class 0: not taken for DNS, flows",
    ),
];

#[test]
fn dns_messages_are_those_of_tshark() {
    let Some(corpora) = corpora() else { return };
    let mut sums: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut differing = Vec::new();
    for table in files(&corpora) {
        if !table.to_string_lossy().ends_with(".tshark.tsv") {
            continue;
        }
        let capture = PathBuf::from(table.to_string_lossy().trim_end_matches(".tshark.tsv"));
        let name = below(&corpora, &capture);
        // A packed capture is unpacked before a format sees it.
        if name.ends_with(".gz") {
            continue;
        }
        let expected = tshark(&fs::read_to_string(&table).expect("a table"));
        let got = ours(&read(&capture));
        let missing = difference(&expected, &got);
        let extra = difference(&got, &expected);
        let source = name.split('/').next().unwrap_or_default().to_owned();
        let sum = sums.entry(source).or_default();
        sum[0] += 1;
        sum[1] += expected.len();
        sum[2] += got.len();
        if !missing.is_empty() || !extra.is_empty() {
            sum[3] += missing.len().max(extra.len());
            println!("{name}: TShark alone {missing:?}, we alone {extra:?}");
            differing.push((name, missing.len(), extra.len()));
        }
    }
    println!(
        "{:<18} captures expected      got differing",
        "DNS messages"
    );
    for (source, [captures, expected, got, differing]) in &sums {
        println!("{source:<18} {captures:>8} {expected:>8} {got:>8} {differing:>9}");
    }
    let explained =
        TSHARK_DIFFERENCES.map(|(name, missing, extra, _)| (name.to_owned(), missing, extra));
    assert_eq!(differing, explained);
    let totals = sums
        .values()
        .fold([0; 2], |sum, row| [sum[0] + row[1], sum[1] + row[2]]);
    assert_eq!(totals, [1124, 1119]);
}

/// Protocol and both ends, lower end first.
type Ends = (String, (String, u16), (String, u16));

fn ends(protocol: &str, one: (String, u16), other: (String, u16)) -> Ends {
    let (low, high) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    (protocol.to_owned(), low, high)
}

/// Ends of all flows and DNS messages, and the client of each.
fn our_flows(recorder: &Recorder) -> BTreeMap<Ends, (String, u16)> {
    let mut flows = BTreeMap::new();
    for event in &recorder.events {
        let (Some(protocol), Some(src), Some(dst)) = (event.protocol, &event.src_ip, &event.dst_ip)
        else {
            continue;
        };
        let source = (src.to_string(), event.src_port.unwrap_or(0));
        let destination = (dst.to_string(), event.dst_port.unwrap_or(0));
        let client = match event.action {
            action::DNS_ANSWER => destination.clone(),
            _ => source.clone(),
        };
        flows
            .entry(ends(protocol, source, destination))
            .or_insert(client);
    }
    flows
}

/// Captures and the Zeek baselines made from them, by the catalogue.
fn baselines(corpora: &Path) -> Vec<(PathBuf, PathBuf)> {
    let catalogue = fs::read_to_string(corpora.join("CATALOGUE.md")).expect("a catalogue");
    let mut pairs = Vec::new();
    for row in catalogue
        .lines()
        .filter(|row| row.starts_with("| `zeek/Traces/"))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for test in cells[cells.len() - 2].split_whitespace() {
            let trace = corpora.join(cells[1].trim_matches('`'));
            pairs.push((trace, corpora.join("zeek").join(test)));
        }
    }
    pairs
}

/// Rows of a Zeek log by column.
fn zeek_rows(log: &Path) -> Vec<BTreeMap<String, String>> {
    let Ok(text) = fs::read_to_string(log) else {
        return Vec::new();
    };
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("#fields\t") {
            columns = names.split('\t').map(str::to_owned).collect();
        } else if !line.starts_with('#') {
            let cells = line.split('\t').map(str::to_owned);
            rows.push(columns.iter().cloned().zip(cells).collect());
        }
    }
    rows
}

fn below(corpora: &Path, path: &Path) -> String {
    path.strip_prefix(corpora)
        .expect("below the corpora")
        .display()
        .to_string()
}

const OUTER: &str = "the tunnel's own UDP flow: we read the packets inside of it";

/// What Zeek's conn.log has and we don't, or with another originator: trace, both numbers, why.
const ZEEK_DIFFERENCES: [(&str, usize, usize, &str); 7] = [
    ("zeek/Traces/tunnels/geneve-ipv6.pcap", 1, 0, OUTER),
    ("zeek/Traces/tunnels/geneve-many-options.pcap", 1, 0, OUTER),
    ("zeek/Traces/tunnels/geneve.pcap", 2, 0, OUTER),
    (
        "zeek/Traces/tunnels/teredo_bubble_with_payload.pcap",
        1,
        1,
        "Teredo is not unpacked; Zeek turns a UDP flow to its well-known port, we keep the first sender",
    ),
    (
        "zeek/Traces/tunnels/vxlan-encapsulated-http.pcap",
        1,
        0,
        OUTER,
    ),
    (
        "zeek/Traces/tunnels/vxlan-encapsulated-igmp-v2.pcap",
        3,
        0,
        OUTER,
    ),
    (
        "zeek/Traces/vntag_vlan_sandwich_clean.pcap",
        0,
        1,
        "one packet of a connection's middle: Zeek takes its sender, we the higher port",
    ),
];

#[test]
fn connections_are_those_of_zeek() {
    let Some(corpora) = corpora() else { return };
    let mut differing = Vec::new();
    let mut totals = [0usize; 4];
    for (trace, baseline) in baselines(&corpora) {
        let rows = zeek_rows(&baseline.join("conn.log"));
        let port = |row: &BTreeMap<String, String>, name: &str| row[name].parse().unwrap_or(0);
        let protocol =
            |row: &BTreeMap<String, String>| row.get("proto").cloned().unwrap_or_default();
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| ["tcp", "udp"].contains(&protocol(row).as_str()))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let flows = our_flows(&read(&trace));
        let (mut missing, mut turned) = (Vec::new(), Vec::new());
        for row in &rows {
            let originator = (row["id.orig_h"].clone(), port(row, "id.orig_p"));
            let responder = (row["id.resp_h"].clone(), port(row, "id.resp_p"));
            match flows.get(&ends(&protocol(row), originator.clone(), responder)) {
                None => missing.push(originator),
                Some(client) if *client != originator => turned.push(originator),
                Some(_) => {}
            }
        }
        totals[0] += 1;
        totals[1] += rows.len();
        totals[2] += rows.len() - missing.len();
        totals[3] += turned.len();
        if !missing.is_empty() || !turned.is_empty() {
            let name = below(&corpora, &trace);
            println!("{name}: missing {missing:?}, turned {turned:?}");
            differing.push((name, missing.len(), turned.len()));
        }
    }
    println!("zeek conn.log: logs, rows, found, with another originator: {totals:?}");
    let explained =
        ZEEK_DIFFERENCES.map(|(name, missing, turned, _)| (name.to_owned(), missing, turned));
    assert_eq!(differing, explained);
    assert_eq!(totals, [12, 71, 62, 2]);
}

/// Names that Zeek takes from the answer of an mDNS response without a question; ours stand in `answers`.
const ZEEK_NAMES_OF_ANSWERS: [&str; 3] = [
    "unrelated-reply-a.local",
    "unrelated-reply-aaaa.local",
    "v6-unrelated.local",
];

#[test]
fn dns_logs_are_those_of_zeek() {
    let Some(corpora) = corpora() else { return };
    let mut missing = Vec::new();
    let mut total = 0;
    for (trace, baseline) in baselines(&corpora) {
        let rows = zeek_rows(&baseline.join("dns.log"));
        if rows.is_empty() {
            continue;
        }
        let messages = ours(&read(&trace));
        for row in rows {
            total += 1;
            let name = canonical_domain(&row["query"]).into_owned();
            let (kind, code) = (&row["qtype_name"], &row["rcode_name"]);
            let fits = |message: &&Message| {
                (name == "-" || message.1 == name)
                    && (kind == "-" || message.2 == *kind)
                    && (code == "-" || !message.0 || message.3 == *code)
            };
            if !messages.iter().any(|message| fits(&message)) {
                missing.push(name);
            }
        }
    }
    println!("zeek dns.log: {total} rows, missing {missing:?}");
    assert_eq!(
        (total, missing),
        (17, ZEEK_NAMES_OF_ANSWERS.map(str::to_owned).to_vec())
    );
}

#[test]
fn messages_are_those_of_dnscap() {
    let Some(corpora) = corpora() else { return };
    // dnscap was run twice over the second: its gold file holds the message twice.
    for (name, messages, times) in [("dns", 82, 1), ("dnspad", 1, 2), ("edns", 14, 1)] {
        let gold = corpora.join(format!("dnscap/{name}.gold"));
        let gold = fs::read_to_string(gold).expect("a gold file");
        let lines = gold.lines().map(str::trim_start);
        let expected = lines.filter(|line| line.starts_with("dns ")).count();
        let got = ours(&read(&corpora.join(format!("dnscap/{name}.pcap")))).len();
        println!("dnscap/{name}: expected {expected}, got {got}");
        assert_eq!((expected, got), (messages * times, messages), "{name}");
    }
}

/// Ends and packets of nDPI's flows.
fn ndpi_flows(text: &str) -> Vec<(Ends, u64)> {
    let mut flows = Vec::new();
    for line in text.lines() {
        let Some((_, rest)) = line
            .split_once('\t')
            .and_then(|(_, rest)| rest.split_once('\t'))
        else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [protocol @ ("TCP" | "UDP"), one, "<->" | "->", other, ..] = words.as_slice() else {
            continue;
        };
        let end = |text: &str| {
            let (address, port) = text.rsplit_once(':').expect("a port");
            let address = address.trim_matches(['[', ']']);
            (address.to_owned(), port.parse().unwrap_or(0))
        };
        let packets = rest.split('[').filter(|part| part.contains(" pkts/"));
        let packets = packets.flat_map(|part| {
            part.split(" pkts/").map(|side| {
                side.rsplit(' ')
                    .next()
                    .and_then(|count| count.parse::<u64>().ok())
                    .unwrap_or(0)
            })
        });
        flows.push((
            ends(&protocol.to_lowercase(), end(one), end(other)),
            packets.take(2).sum(),
        ));
    }
    flows
}

/// Packets of all rows between two ends; a DNS message over UDP is one.
fn our_packets(recorder: &Recorder) -> BTreeMap<Ends, u64> {
    let mut packets = BTreeMap::new();
    for event in &recorder.events {
        let (Some(protocol), Some(src), Some(dst)) = (event.protocol, &event.src_ip, &event.dst_ip)
        else {
            continue;
        };
        let source = (src.to_string(), event.src_port.unwrap_or(0));
        let destination = (dst.to_string(), event.dst_port.unwrap_or(0));
        let count = match (event.packets, protocol) {
            (Some(count), _) => u64::try_from(count).unwrap_or(0),
            (None, "udp") => 1,
            _ => 0,
        };
        *packets
            .entry(ends(protocol, source, destination))
            .or_insert(0) += count;
    }
    packets
}

/// Flows whose packets nDPI counts otherwise: capture, how many, why.
const NDPI_DIFFERENCES: [(&str, usize, &str); 0] = [];

#[test]
fn flows_are_those_of_ndpi() {
    let Some(corpora) = corpora() else { return };
    let mut totals = [0usize; 3];
    let mut differing = Vec::new();
    for output in files(&corpora.join("nDPI")) {
        if !output.to_string_lossy().ends_with(".out") {
            continue;
        }
        let capture = PathBuf::from(output.to_string_lossy().trim_end_matches(".out"));
        let expected = ndpi_flows(&fs::read_to_string(&output).expect("an output"));
        let flows = our_packets(&read(&capture));
        let missing: Vec<_> = expected
            .iter()
            .filter(|flow| !flows.contains_key(&flow.0))
            .collect();
        assert!(missing.is_empty(), "{}: {missing:?}", capture.display());
        let other: Vec<_> = expected
            .iter()
            .filter(|flow| flows.get(&flow.0) != Some(&flow.1))
            .map(|flow| (flow, flows.get(&flow.0)))
            .collect();
        totals[0] += expected.len();
        totals[1] += flows.len();
        totals[2] += other.len();
        if !other.is_empty() {
            println!("{}: {other:?}", below(&corpora, &capture));
            differing.push((below(&corpora, &capture), other.len()));
        }
    }
    println!("nDPI flows: expected, got, with other packets {totals:?}");
    assert_eq!(
        differing,
        NDPI_DIFFERENCES.map(|(name, count, _)| (name.to_owned(), count))
    );
    assert_eq!(totals, [76, 76, 0]);
}
