//! The format `coredns` over public sample logs, against the values written beside them, and over the
//! incidents' logs, against their numbers of query lines.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test over files that are checked to be there; it prints its table"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, Sniff, formats};
use coldcase_testkit::corpora::{corpora, incidents};
use coldcase_testkit::{Recorder, ingest, sniff};
use serde_json::Value;

fn read(path: &Path) -> Recorder {
    let bytes = fs::read(path).unwrap();
    let format = formats::by_id("coredns").unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    assert_eq!(sniff(format, &name, &bytes), Sniff::Sure, "{name}");
    ingest(format, &name, &bytes, &Clock::UNKNOWN)
}

#[test]
fn every_field_of_the_sample_log() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("elastic-integrations/coredns");
    let truth = fs::read_to_string(folder.join("test-coredns.expected.tsv")).unwrap();
    let recorder = read(&folder.join("test-coredns.log"));
    let mut rows = truth.lines();
    let names: Vec<_> = rows.next().unwrap().split('\t').collect();
    let (mut expected, mut differing) = (0, Vec::new());
    for (row, event) in rows.zip(&recorder.events) {
        let row: BTreeMap<_, _> = names.iter().copied().zip(row.split('\t')).collect();
        let attributes: Value = serde_json::from_str(event.attributes.as_deref().unwrap()).unwrap();
        let ts = row["ts"];
        let ts = coldcase_model::Timestamp::parse_rfc3339(ts);
        assert_eq!(event.when.map(|when| when.ts), ts);
        // The truth leaves out `qr`, which every line has, and writes flags in capitals.
        let flags = attributes["flags"].as_str().unwrap().to_uppercase();
        let flags = flags.strip_prefix("QR,").unwrap();
        let got = [
            ("line", event.line.unwrap().to_string()),
            ("client_ip", event.src_ip.as_deref().unwrap().to_owned()),
            ("client_port", event.src_port.unwrap().to_string()),
            ("id", attributes["id"].to_string()),
            ("qtype", event.query_type.as_deref().unwrap().to_owned()),
            (
                "qclass",
                attributes["class"].as_str().unwrap_or("IN").to_owned(),
            ),
            ("qname", event.domain.as_deref().unwrap().to_owned()),
            ("transport", event.protocol.unwrap().to_owned()),
            ("req_bytes", attributes["size"].to_string()),
            ("dnssec_ok", attributes["dnssec_ok"].to_string()),
            ("bufsize", attributes["buffer_size"].to_string()),
            ("rcode", event.response_code.as_deref().unwrap().to_owned()),
            ("header_flags", flags.to_owned()),
            ("resp_bytes", attributes["response_size"].to_string()),
            ("duration_ns", attributes["duration_ns"].to_string()),
        ];
        for (name, value) in got {
            expected += 1;
            if row[name] != value {
                differing.push(format!("{name}: {} is {value}", row[name]));
            }
        }
    }
    println!("source expected got differing");
    println!(
        "elastic-integrations/coredns {expected} {} {}",
        expected - differing.len(),
        differing.len()
    );
    assert_eq!(differing, Vec::<String>::new());
    assert_eq!((recorder.counts.used, recorder.counts.skipped), (9, 0));
    assert_eq!(expected, 9 * 15);
}

#[test]
fn query_lines_of_the_incidents() {
    let Some(incidents) = incidents() else { return };
    println!("source expected got differing");
    let mut truths: Vec<_> = fs::read_dir(&incidents)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"))
        .collect();
    truths.sort();
    for path in truths {
        let truth: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let bundle = incidents.join(truth["bundle"].as_str().unwrap());
        let mut of_domain = BTreeMap::<String, u64>::new();
        for (file, facts) in truth["files"].as_object().into_iter().flatten() {
            let Some(queries) = facts["query_lines"].as_u64() else {
                continue;
            };
            let recorder = read(&bundle.join(file));
            let lines = facts["lines"].as_u64().unwrap();
            assert_eq!(recorder.counts.records(), lines, "{file}");
            let asked: Vec<_> = recorder
                .events
                .iter()
                // Lines of the plugin `errors` tell a question without its asker.
                .filter(|event| event.action == "dns-query" && event.src_ip.is_some())
                .collect();
            let got = asked.len() as u64;
            println!("{file} {queries} {got} {}", queries.abs_diff(got));
            assert_eq!(got, queries, "{file}");
            for event in asked {
                assert!(event.attributes.as_deref().unwrap().contains("\"server\":"));
                assert_eq!(event.when.is_some(), facts["timestamps"] == true);
                *of_domain
                    .entry(event.domain.as_deref().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
        for finding in truth["expect"].as_array().into_iter().flatten() {
            let Some(queries) = finding["details"]["queries_by_source"]["coredns"].as_u64() else {
                continue;
            };
            let domain = finding["facts"]["domain"].as_str().unwrap();
            println!("{domain} {queries} {}", of_domain[domain]);
            assert_eq!(of_domain[domain], queries, "{domain}");
        }
    }
}
