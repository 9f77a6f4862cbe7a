//! How fast each decoder of captures works, and the pcap format from bytes to events, over traffic made in memory:
//! questions of DNS as every interface sees them, a flood, requests of HTTP, as it is and gzipped.
//! `cargo bench -p coldcase-benches --bench captures -- --test` runs each once on little traffic.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macro makes the functions, and a bench may stop at what it can't read"
)]

mod seen;

use std::hint::black_box;
use std::io::Read;

use coldcase_ingest::{Clock, Cores, Input, formats};
use coldcase_testkit::captures::{self, ETHERNET};
use coldcase_wire::capture::{Decoder, Step};
use coldcase_wire::packet::{Segment, Transport};
use coldcase_wire::{dns, http, packet};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Packets of a workload, more or less.
fn packets() -> u32 {
    let is_test = std::env::args().any(|argument| argument == "--test");
    if is_test { 1_000 } else { 200_000 }
}

/// A frame: link type, bytes, length on the wire.
type Frame = (u32, Vec<u8>, u32);

fn walk(bytes: &[u8], mut take: impl FnMut(&coldcase_wire::capture::Packet<'_>)) {
    let mut decoder = Decoder::new();
    let mut rest = bytes;
    loop {
        let consumed = match decoder.next(rest, true).expect("a capture made here") {
            Step::Packet { packet, consumed } => {
                take(&packet);
                consumed
            }
            Step::Skip { consumed } | Step::Loss { consumed, .. } => consumed,
            Step::NeedMore { .. } | Step::End => return,
        };
        rest = rest.get(consumed..).unwrap_or_default();
    }
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    walk(bytes, |packet| {
        frames.push((packet.link, packet.data.to_vec(), packet.original_len));
    });
    frames
}

fn segments(frames: &[Frame]) -> Vec<Segment<'_>> {
    let decoded = frames
        .iter()
        .map(|(link, data, length)| packet::decode(*link, data, *length));
    decoded.filter_map(Result::ok).collect()
}

/// A decoder over all items of a workload.
fn bench<T>(criterion: &mut Criterion, name: (&str, &str), items: &[T], mut work: impl FnMut(&T)) {
    assert!(!items.is_empty(), "{name:?} has nothing to read");
    let mut group = criterion.benchmark_group(name.0);
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function(name.1, |bench| {
        bench.iter(|| items.iter().for_each(&mut work))
    });
    group.finish();
}

fn wire(criterion: &mut Criterion) {
    let dns_capture = captures::dns(packets() / 4);
    let flood = captures::flood(packets() / 2);
    let requests = captures::http(packets() / 3);
    let mut group = criterion.benchmark_group("capture");
    for (name, bytes) in [("pcap", &dns_capture), ("pcapng", &requests)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| walk(bytes, |packet| _ = black_box(packet)));
        });
    }
    group.finish();
    for (name, bytes) in [("sll2", &dns_capture), ("ethernet", &flood)] {
        let frames = frames(bytes);
        bench(
            criterion,
            ("packet", name),
            &frames,
            |(link, data, length)| {
                _ = black_box(packet::decode(*link, data, *length));
            },
        );
    }
    let frames = frames(&dns_capture);
    let segments = segments(&frames);
    bench(
        criterion,
        ("packet", "copy_signature"),
        &segments,
        |segment| {
            _ = black_box(packet::copy_signature(segment));
        },
    );
    messages(criterion, &segments);
    heads(criterion, &requests);
}

fn messages(criterion: &mut Criterion, segments: &[Segment<'_>]) {
    let payload = |segment: &Segment<'_>| match segment.transport {
        Transport::Udp(udp) => Some(udp.payload.to_vec()),
        _ => None,
    };
    let messages: Vec<Vec<u8>> = segments.iter().filter_map(payload).collect();
    bench(criterion, ("dns", "plausible"), &messages, |bytes| {
        _ = black_box(dns::plausible(bytes));
    });
    let mut text = String::new();
    bench(criterion, ("dns", "names and data"), &messages, |bytes| {
        let Some(message) = dns::plausible(bytes) else {
            return;
        };
        text.clear();
        if let Some(question) = message.question() {
            question.write_name(&mut text);
        }
        for record in message.answers() {
            record.write_name(&mut text);
            record.write_data(&mut text);
        }
        black_box(&text);
    });
    let datagrams: Vec<Vec<u8>> = messages
        .iter()
        .map(|bytes| [&[0, 53, 0, 53, 0, 0, 0, 0], bytes.as_slice()].concat())
        .collect();
    bench(criterion, ("packet", "put together"), &datagrams, |bytes| {
        _ = black_box(packet::transport_of_reassembled(17, bytes));
    });
}

fn heads(criterion: &mut Criterion, capture: &[u8]) {
    let frames = frames(capture);
    let segments = segments(&frames);
    let payload = |segment: &Segment<'_>| match segment.transport {
        Transport::Tcp(tcp) => Some(tcp.payload.to_vec()),
        _ => None,
    };
    let payloads: Vec<Vec<u8>> = segments.iter().filter_map(payload).collect();
    bench(criterion, ("http", "heads"), &payloads, |bytes| {
        _ = black_box((http::request(bytes), http::response(bytes)));
    });
}

fn read(reader: Box<dyn Read + Send + '_>, cores: Cores<'_>) -> u64 {
    let format = formats::by_id("pcap").expect("a format of this name");
    let mut input = Input {
        path: "capture.pcap",
        host: None,
        reader,
        clock: &Clock::UNKNOWN,
        cores,
    };
    seen::read(format, &mut input)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    for (name, bytes) in [
        ("dns", captures::dns(packets() / 4)),
        ("flood", captures::flood(packets() / 2)),
        ("http", captures::http(packets() / 3)),
        ("nothing", captures::Capture::classic(ETHERNET).into_bytes()),
    ] {
        let packed = gzip(&bytes);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        for (threads, cores) in [("one", Cores::ONE), ("two", Cores::asking(&|| true))] {
            group.bench_function(BenchmarkId::new(name, threads), |bench| {
                bench.iter(|| read(Box::new(bytes.as_slice()), cores));
            });
        }
        group.bench_function(BenchmarkId::new(name, "gzip"), |bench| {
            let reader = || flate2::bufread::MultiGzDecoder::new(packed.as_slice());
            bench.iter(|| read(Box::new(reader()), Cores::asking(&|| true)));
        });
    }
    group.finish();
}

criterion_group!(benches, wire, ingest);
criterion_main!(benches);
