//! How long each correlator takes over each recorded incident of `testdata/incidents`, and what all of them need
//! gathered first. `cargo bench -p coldcase-benches --bench correlators -- ssh-window` for one incident.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macro makes the functions, and a bench may stop at what it can't read"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use coldcase::{Options, ingest_only};
use coldcase_correlate::{View, correlators};
use criterion::{Criterion, criterion_group, criterion_main};

fn correlators_over_incidents(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/incidents");
    let entries = fs::read_dir(root).expect("recorded incidents");
    let mut folders: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let bundle = folder.join("bundle.tar.gz");
        let case = tempfile::tempdir().expect("a folder");
        let timeline = case.path().join("timeline");
        let options = Options::default();
        let read = ingest_only(&[bundle], case.path(), &timeline, &options, Arc::new(()));
        let read = read.expect("a readable bundle");
        let view = View::of(&read.timeline, &read.facts).expect("logins");
        let mut group = criterion.benchmark_group(&*name);
        group.sample_size(10);
        group.bench_function("what all need", |bench| {
            bench.iter(|| black_box(View::of(&read.timeline, &read.facts)).is_ok());
        });
        for correlator in correlators::ALL {
            group.bench_function(correlator.id, |bench| {
                bench.iter(|| (correlator.run)(&view, &read.facts).expect("findings"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, correlators_over_incidents);
criterion_main!(benches);
