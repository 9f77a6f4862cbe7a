//! How fast each format reads its own fixtures: every file of `testdata/formats/<id>/valid`, repeated to
//! about a megabyte where that makes as many times the records. Captures, objects and whatever else is
//! one whole are read as they are. And how fast all formats together recognise such a file.
//! `cargo bench -p coldcase-benches --bench formats -- auditd` for one format,
//! `cargo bench -p coldcase-benches --bench formats -- --test` to run each once, on small data.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macro makes the functions, and a bench may stop at what it can't read"
)]

mod seen;

use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, Cores, Format, Input, Probe, Sniff, formats};
use coldcase_model::Timestamp;
use coldcase_testkit::ingest;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Bytes of a repeated fixture; each is read once where nothing is timed.
const WANTED: usize = 1 << 20;
const WANTED_OF_A_TEST: usize = 1 << 14;

/// Bytes that formats look at to recognise an artifact.
const HEAD: usize = 64 << 10;

fn clock() -> Clock {
    Clock {
        collected_at: Timestamp::parse_rfc3339("2023-05-12T10:25:00+08:00"),
        ..Clock::UNKNOWN
    }
}

/// The bytes repeated, where twice the bytes are twice the records.
fn repeated(format: &Format, name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let records = |bytes: &[u8]| ingest(format, name, bytes, &clock()).counts.records();
    if bytes.is_empty() || records(&bytes.repeat(2)) != 2 * records(&bytes) {
        return bytes;
    }
    let is_test = std::env::args().any(|argument| argument == "--test");
    let wanted = if is_test { WANTED_OF_A_TEST } else { WANTED };
    bytes.repeat(wanted.div_ceil(bytes.len()))
}

fn read(format: &Format, path: &str, bytes: &[u8]) -> u64 {
    let clock = clock();
    let mut input = Input {
        path,
        host: None,
        reader: Box::new(bytes),
        clock: &clock,
        cores: Cores::ONE,
    };
    seen::read(format, &mut input)
}

/// As an analysis does: all formats in their order, up to one that is sure.
fn recognise(path: &str, bytes: &[u8]) -> Option<Sniff> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let probe = Probe::new(path, head, head.len() == bytes.len());
    let mut best = None;
    for format in formats::ALL {
        best = best.max(Some((format.sniff)(&probe)));
        if best == Some(Sniff::Sure) {
            break;
        }
    }
    best
}

fn formats_over_their_fixtures(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/formats");
    for format in formats::ALL {
        let Ok(entries) = fs::read_dir(root.join(format.id).join("valid")) else {
            continue;
        };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.retain(|path| !path.ends_with("expected.jsonl"));
        paths.sort();
        let mut group = criterion.benchmark_group(format.id);
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = fs::read(&path).expect("a readable fixture");
            let bytes = repeated(format, &name, bytes);
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function(&*name, |bench| bench.iter(|| read(format, &name, &bytes)));
            group.bench_function(format!("{name}, recognised"), |bench| {
                bench.iter(|| recognise(&name, &bytes));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, formats_over_their_fixtures);
criterion_main!(benches);
