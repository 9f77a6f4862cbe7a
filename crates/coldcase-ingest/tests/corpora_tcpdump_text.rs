//! The format `tcpdump-text` over tcpdump's own test outputs, against a second reader's view of the captures
//! that they were printed from, and over the incidents' text, against their numbers of packets and queries.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test over files that are checked to be there; it prints its table"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Clock, Sniff, formats};
use coldcase_testkit::corpora::{corpora, incidents};
use coldcase_testkit::{Recorder, clock, ingest, sniff};
use coldcase_wire::dns;
use serde_json::Value;

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Packets of TCP and UDP, and DNS messages.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    tcp: i64,
    udp: i64,
    dns: i64,
}

/// The capture's rows as the second reader saw them: column name to value.
fn frames(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<_> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line: &str| -> BTreeMap<String, String> {
        let cells = names.iter().zip(line.split('\t'));
        cells
            .map(|(name, cell)| ((*name).into(), cell.into()))
            .collect()
    };
    lines.map(row).collect()
}

fn expected(frames: &[BTreeMap<String, String>], text: &[String]) -> Numbers {
    let mut numbers = Numbers::default();
    for frame in frames {
        // Outputs of `-c` and of a skip show some packets only, with their numbers.
        if !text.is_empty() && !text.contains(&frame["frame.number"]) {
            continue;
        }
        let protocols = &frame["frame.protocols"];
        let dns = i64::from(!frame["dns.id"].is_empty());
        let is = |protocol: &str| protocols.split(':').any(|part| part == protocol);
        let inner_udp = protocols.rfind(":udp") > protocols.rfind(":tcp");
        numbers.dns += dns;
        if is("tcp") && !inner_udp {
            numbers.tcp += 1;
        } else if is("udp") && dns == 0 {
            numbers.udp += 1;
        }
    }
    numbers
}

fn got(recorder: &Recorder) -> Numbers {
    let mut numbers = Numbers::default();
    for event in &recorder.events {
        match event.action {
            "tcp-flow" => numbers.tcp += event.packets.unwrap(),
            "udp-flow" => numbers.udp += event.packets.unwrap(),
            _ => numbers.dns += 1,
        }
    }
    numbers
}

/// Where text and capture differ, and why: file, difference of TCP packets, UDP packets, DNS messages.
const DIFFERENCES: &[(&str, [i64; 3], &str)] = &[
    (
        "geneve-tcp.out",
        [4, -4, 0],
        "a filter let 33 of 39 packets through; their numbers are not those of the capture",
    ),
    (
        "geneve-vni.out",
        [-1, 1, 0],
        "a filter let 20 of 39 packets through; their numbers are not those of the capture",
    ),
    (
        "pptp-v.out",
        [-8, 0, 0],
        "the capture holds eight packets twice, with one IP id and within 1 ms: copies; without -v no id shows it",
    ),
];

#[test]
fn packets_of_tcpdumps_own_outputs() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("tcpdump");
    let outputs: Vec<_> = sorted(&folder)
        .into_iter()
        .filter(|path| name(path).ends_with(".out"))
        .collect();
    println!("source sniffed used skipped expected got");
    let format = formats::by_id("tcpdump-text").unwrap();
    let mut differing = Vec::new();
    let mut compared = 0;
    for path in &outputs {
        let bytes = fs::read(path).unwrap();
        let sniffed = sniff(format, &name(path), &bytes);
        let recorder = ingest(format, &name(path), &bytes, &Clock::UNKNOWN);
        // The capture of `dns_udp-vvv.out` is `dns_udp.pcap`: the longest name that fits.
        let capture = sorted(&folder)
            .into_iter()
            .filter(|capture| {
                let capture = name(capture);
                let base = capture.strip_suffix(".pcap.tshark.tsv");
                base.is_some_and(|base| name(path).starts_with(base))
            })
            .max_by_key(|capture| name(capture).len());
        let numbers = got(&recorder);
        let expected = capture.map(|capture| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let numbered = text.lines().filter_map(|line| {
                let number = line.trim_start().split_once("  ")?.0;
                number.parse::<u64>().ok().map(|number| number.to_string())
            });
            expected(&frames(&capture), &numbered.collect::<Vec<_>>())
        });
        println!(
            "{} {sniffed:?} {} {} {expected:?} {numbers:?}",
            name(path),
            recorder.counts.used,
            recorder.counts.skipped,
        );
        if let Some(expected) = expected {
            compared += 1;
            let difference = [
                numbers.tcp - expected.tcp,
                numbers.udp - expected.udp,
                numbers.dns - expected.dns,
            ];
            if difference != [0; 3] {
                differing.push((name(path), difference));
            }
        }
    }
    let explained: Vec<_> = DIFFERENCES
        .iter()
        .map(|(name, difference, _)| ((*name).to_owned(), *difference))
        .collect();
    assert_eq!(differing, explained);
    println!(
        "{} outputs, {compared} compared, {} differing",
        outputs.len(),
        differing.len()
    );
}

/// What an answer's text and the second reader's cells say of one DNS message.
fn described(frame: &BTreeMap<String, String>) -> String {
    let id = u16::from_str_radix(frame["dns.id"].trim_start_matches("0x"), 16).unwrap();
    let code = frame["dns.flags.rcode"].parse::<u16>().ok();
    let kind = dns::type_name(frame["dns.qry.type"].parse().unwrap());
    let (port, to) = match frame["udp.srcport"].as_str() {
        "" => (frame["tcp.srcport"].as_str(), &frame["tcp.dstport"]),
        port => (port, &frame["udp.dstport"]),
    };
    let seconds: f64 = frame["frame.time_epoch"].parse().unwrap();
    format!(
        "{:.6} {}:{port} {}:{to} {id} {} {} {kind}",
        seconds,
        frame["ip.src"],
        frame["ip.dst"],
        code.map(dns::rcode_name).unwrap_or_default(),
        frame["dns.qry.name"]
    )
}

#[test]
fn fields_of_dns_messages() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("tcpdump");
    let format = formats::by_id("tcpdump-text").unwrap();
    println!("source expected got differing");
    let mut all = 0;
    for (base, variants) in [
        ("dns_udp", &["", "-v", "-vg", "-vv", "-vvv"][..]),
        ("dns_tcp", &["", "-v", "-vv", "-vvv", "-skip-3"]),
        ("edns-opts", &["", "-v", "-vv"]),
    ] {
        let frames = frames(&folder.join(format!("{base}.pcap.tshark.tsv")));
        let messages: Vec<_> = frames
            .iter()
            .filter(|frame| !frame["dns.id"].is_empty())
            .collect();
        for variant in variants {
            let file = format!("{base}{variant}.out");
            let bytes = fs::read(folder.join(&file)).unwrap();
            let recorder = ingest(format, &file, &bytes, &Clock::UNKNOWN);
            let mut differing = Vec::new();
            let events: Vec<_> = recorder
                .events
                .iter()
                .filter(|event| event.action.starts_with("dns-"))
                .collect();
            assert_eq!(events.len(), messages.len(), "{file}");
            for (event, frame) in events.iter().zip(&messages) {
                let attributes: Value =
                    serde_json::from_str(event.attributes.as_deref().unwrap()).unwrap();
                let ns = event.when.unwrap().ts.nanos();
                let got = format!(
                    "{}.{:06} {}:{} {}:{} {} {} {} {}",
                    ns / 1_000_000_000,
                    ns % 1_000_000_000 / 1_000,
                    event.src_ip.as_deref().unwrap(),
                    event.src_port.unwrap(),
                    event.dst_ip.as_deref().unwrap(),
                    event.dst_port.unwrap(),
                    attributes["id"],
                    event.response_code.as_deref().unwrap_or_default(),
                    event.domain.as_deref().unwrap_or_default(),
                    event.query_type.as_deref().unwrap_or_default()
                );
                if got != described(frame) {
                    differing.push(format!("{got} is not {}", described(frame)));
                }
                for answer in attributes["answers"].as_array().into_iter().flatten() {
                    let data = answer["data"].as_str().unwrap_or_default();
                    let cell = match answer["type"].as_str() {
                        Some("A") => &frame["dns.a"],
                        Some("AAAA") => &frame["dns.aaaa"],
                        _ => continue,
                    };
                    assert!(cell.split(',').any(|shown| shown == data), "{file}: {data}");
                }
            }
            all += events.len();
            println!(
                "{file} {} {} {}",
                messages.len(),
                events.len(),
                differing.len()
            );
            assert_eq!(differing, Vec::<String>::new(), "{file}");
        }
    }
    assert_eq!(all, 5 * 2 + 5 * 2 + 3 * 42);
}

#[test]
fn queries_of_the_incidents() {
    let Some(incidents) = incidents() else { return };
    let format = formats::by_id("tcpdump-text").unwrap();
    let mut files = 0;
    for path in sorted(&incidents) {
        if !name(&path).ends_with(".truth.json") {
            continue;
        }
        let truth: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let bundle = incidents.join(truth["bundle"].as_str().unwrap());
        for (file, facts) in truth["files"].as_object().into_iter().flatten() {
            let bytes = fs::read(bundle.join(file)).unwrap_or_default();
            if sniff(format, file, &bytes) == Sniff::No || facts["packets"].is_null() {
                continue;
            }
            files += 1;
            let case = fs::read_to_string(bundle.join("case.toml")).unwrap();
            let field = |key: &str| {
                let line = case
                    .lines()
                    .find_map(|line| line.strip_prefix(key))
                    .unwrap();
                line.trim_matches([' ', '=', '"']).to_owned()
            };
            let clock = clock(field("timezone").parse().unwrap(), &field("collected_at"));
            let recorder = ingest(format, file, &bytes, &clock);
            let times = recorder.events.iter().map(|event| event.when.unwrap().ts);
            let first = times.min().unwrap().to_string();
            assert_eq!(first, facts["first"].as_str().unwrap());
            let packets = facts["packets"].as_u64().unwrap();
            println!("{file} {packets} {}", recorder.counts.records());
            assert_eq!(recorder.counts.records(), packets);
            for finding in truth["expect"].as_array().into_iter().flatten() {
                let Some(queries) =
                    finding["details"]["queries_by_source"]["tcpdump-text"].as_u64()
                else {
                    continue;
                };
                let fact = |key: &str| finding["facts"][key].as_str();
                let asked = recorder.events.iter().filter(|event| {
                    event.action == "dns-query"
                        && event.src_ip.as_deref() == fact("client_ip")
                        && event.domain.as_deref() == fact("domain")
                });
                let asked = asked.count() as u64;
                println!("{file} {} {queries} {asked}", fact("domain").unwrap());
                assert_eq!(asked, queries);
            }
        }
    }
    println!("{files} files");
}
