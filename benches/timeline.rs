//! How fast events become columns, columns Parquet, and Parquet a selection. The events are sshd's decisions of a made-up log.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macro makes the functions, and a bench may stop at what it can't do"
)]

use std::borrow::Cow;
use std::hint::black_box;
use std::path::Path;

use coldcase_model::{Attributes, Event, Precision, Timestamp, When, action, outcome};
use coldcase_timeline::{Batch, DatasetWriter, Origin, Timeline};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: u32 = 50_000;

/// Failures of many accounts from a few sources, two seconds apart.
fn events() -> Vec<Event<'static>> {
    let event = |number: u32| {
        let seconds = i64::from(number) * 2 + 1_700_000_000;
        let source = format!("192.0.2.{}", number % 7);
        let user = format!("user{}", number % 101);
        let mut attributes = Attributes::new();
        attributes.text("method", "password");
        let message = format!("Failed password for {user} from {source} port 4022 ssh2");
        Event {
            when: Some(When::recorded(
                Timestamp(seconds * 1_000_000_000),
                Precision::Second,
            )),
            outcome: Some(outcome::FAILURE),
            src_ip: Some(Cow::Owned(source)),
            user: Some(Cow::Owned(user)),
            pid: Some(i64::from(number % 32_768)),
            attributes: attributes.finish().map(Cow::Owned),
            message: Some(Cow::Owned(message)),
            line: Some(u64::from(number) + 1),
            ..Event::new(action::SSH_LOGIN)
        }
    };
    (0..ROWS).map(event).collect()
}

fn batch(events: &[Event<'_>]) -> Batch {
    let origin = Origin {
        host: Some("db-07"),
        format: "authlog",
        file: "db-07/secure",
    };
    let mut batch = Batch::default();
    for event in events {
        batch.push(event, origin);
    }
    batch
}

fn write(folder: &Path, batch: Batch) -> Timeline {
    let writer = DatasetWriter::create(folder).expect("a dataset");
    writer.hand_over(batch).expect("a part");
    Timeline::of_parts(writer.finish().expect("parts"))
}

fn events_to_parquet_and_back(criterion: &mut Criterion) {
    let events = events();
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("timeline");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS.into()));
    group.bench_function("columns", |bench| {
        bench.iter(|| black_box(batch(&events)).rows())
    });
    group.bench_function("parquet", |bench| {
        let made = || batch(&events);
        let written = |batch| write(folder.path(), batch).rows();
        bench.iter_batched(made, written, BatchSize::LargeInput);
    });
    write(folder.path(), batch(&events));
    group.bench_function("selection", |bench| {
        bench.iter(|| {
            let timeline = Timeline::open(folder.path()).expect("a timeline");
            let rows = timeline.select(&[action::SSH_LOGIN], &["src_ip", "user", "outcome"]);
            rows.expect("rows").rows()
        });
    });
    group.finish();
}

criterion_group!(benches, events_to_parquet_and_back);
criterion_main!(benches);
