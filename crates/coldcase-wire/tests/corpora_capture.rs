//! Every capture of the public corpora against TShark's reading of it: frames, times, lengths, VLANs, and the
//! innermost addresses, ports and TCP flags. Skipped where the corpora are not at hand.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test reads tables of known shape and prints its result"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_wire::capture::{Decoder, Step};
use coldcase_wire::packet::{Transport, decode};

/// Captures that differ from TShark's reading: frames that do, and why.
const EXPLAINED: [(&str, usize, &str); 10] = [
    (
        "libpcap/pcap-invalid-version-2.pcap",
        1,
        "version 2.5 does not exist: refused, as by libpcap",
    ),
    (
        "pcap-parser/test010-le.pcapng",
        4,
        "simple packet blocks have no time: lost with a reason",
    ),
    (
        "pcap-parser/test016-be.pcapng",
        2,
        "simple packet blocks have no time: lost with a reason",
    ),
    (
        "pcap-parser/test017-le.pcapng",
        4,
        "packets of interfaces that no block describes: without a link type they are lost",
    ),
    (
        "tcpdump/esp_truncated.pcap",
        1,
        "first fragment: its ports are known once it is put together",
    ),
    (
        "tcpdump/ipoib.pcap",
        20,
        "LINKTYPE 242 (IP over InfiniBand) is not read",
    ),
    (
        "zeek/Traces/dns-edns-ecs.pcap",
        4,
        "first fragments: their ports are known once they are put together",
    ),
    (
        "zeek/Traces/trunc/ip6-trunc.pcap",
        1,
        "the capture ends within the addresses",
    ),
    (
        "zeek/Traces/trunc/ipv4-internally-truncated-header.pcap",
        1,
        "the capture ends within the addresses",
    ),
    (
        "zeek/Traces/tunnels/teredo_bubble_with_payload.pcap",
        1,
        "Teredo is not looked into",
    ),
];

/// What is compared in all: captures, frames, and frames whose addresses are.
const COMPARED: (usize, usize, usize) = (161, 10_617, 10_373);

fn corpora() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let root = std::env::var_os("COLDCASE_CORPORA").map_or(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    println!("corpora absent: skipped");
    None
}

/// Captures below a folder that have a TShark table beside them.
fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            captures(&path, found);
        } else if path.to_string_lossy().ends_with(".tshark.tsv") {
            let capture = path.with_extension("").with_extension("");
            let packed = ["gz", "xz", "zst", "lz4"];
            let is_packed = |it: &Path| packed.iter().any(|end| it.ends_with(end));
            let ending = capture.extension().map(PathBuf::from);
            if capture.is_file() && !ending.is_some_and(|ending| is_packed(&ending)) {
                found.push(capture);
            }
        }
    }
}

/// The innermost segment: addresses, ports, TCP flags, outermost VLAN.
#[derive(Debug, PartialEq, Eq)]
struct Inner {
    src: String,
    dst: String,
    ports: Option<(u16, u16)>,
    flags: Option<u8>,
    vlan: Option<u16>,
}

/// Time, captured and original length, and what is inside.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    nanos: i64,
    captured: usize,
    original: u32,
    inner: Option<Inner>,
}

fn read(bytes: &[u8]) -> Vec<Frame> {
    let (mut decoder, mut at, mut frames) = (Decoder::new(), 0, Vec::new());
    while let Ok(step) = decoder.next(&bytes[at..], true) {
        at += match step {
            Step::Packet { packet, consumed } => {
                frames.push(Frame {
                    nanos: packet.ts.nanos(),
                    captured: packet.data.len(),
                    original: packet.original_len,
                    inner: inner(packet.link, packet.data, packet.original_len),
                });
                consumed
            }
            Step::Skip { consumed } | Step::Loss { consumed, .. } => consumed,
            Step::NeedMore { .. } => panic!("the whole capture is at hand"),
            Step::End => break,
        };
    }
    frames
}

fn inner(link: u32, data: &[u8], original: u32) -> Option<Inner> {
    let segment = decode(link, data, original).ok()?;
    let (ports, flags) = match segment.transport {
        Transport::Tcp(tcp) => (Some((tcp.src_port, tcp.dst_port)), Some(tcp.flags)),
        Transport::Udp(udp) => (Some((udp.src_port, udp.dst_port)), None),
        _ => (None, None),
    };
    Some(Inner {
        src: segment.src.to_string(),
        dst: segment.dst.to_string(),
        ports,
        flags,
        vlan: segment.vlan,
    })
}

type Row<'a> = BTreeMap<&'a str, &'a str>;

fn nanos(row: &Row<'_>) -> i64 {
    let (seconds, fraction) = row["frame.time_epoch"]
        .split_once('.')
        .unwrap_or(("0", "0"));
    let fraction = format!("{fraction:0<9}");
    let fraction: i64 = fraction[..9].parse().expect("digits");
    seconds.parse::<i64>().expect("seconds") * 1_000_000_000 + fraction
}

/// What TShark says of a frame. Of tunnels it lists the values of all layers, outermost first; where an ICMP
/// message quotes a packet the lists hold both, so that the innermost can't be told.
fn expected(row: &Row<'_>) -> Frame {
    let layers: Vec<&str> = row["frame.protocols"].split(':').collect();
    let is_ip = |layer: &&str| ["ip", "ipv6"].contains(layer);
    let place = layers.iter().rposition(is_ip);
    let quotes = layers
        .iter()
        .any(|layer| ["icmp", "icmpv6"].contains(layer));
    let last = |field: &str| row[field].rsplit(',').next().unwrap_or_default().to_owned();
    let port = |field: &str| last(field).parse::<u16>().ok();
    let inner = place.filter(|_| !quotes).map(|place| {
        let version = layers[place];
        let transport = layers[place..]
            .iter()
            .find(|it| ["tcp", "udp"].contains(it));
        let (ports, flags) = match transport {
            Some(&"tcp") => {
                let flags = last("tcp.flags");
                let flags = u16::from_str_radix(flags.trim_start_matches("0x"), 16).ok();
                let flags = flags.and_then(|flags| u8::try_from(flags & 0xff).ok());
                (port("tcp.srcport").zip(port("tcp.dstport")), flags)
            }
            Some(_) => (port("udp.srcport").zip(port("udp.dstport")), None),
            None => (None, None),
        };
        Inner {
            src: last(&format!("{version}.src")),
            dst: last(&format!("{version}.dst")),
            ports,
            flags,
            vlan: row["vlan.id"]
                .split(',')
                .next()
                .and_then(|id| id.parse().ok()),
        }
    });
    Frame {
        nanos: nanos(row),
        captured: row["frame.cap_len"].parse().expect("a number"),
        original: row["frame.len"].parse().expect("a number"),
        inner: inner.filter(|inner| !inner.src.is_empty()),
    }
}

/// Frames that the catalogue says a capture has.
fn catalogued(root: &Path) -> BTreeMap<String, usize> {
    let text = fs::read(root.join("CATALOGUE.md")).expect("a catalogue");
    let text = String::from_utf8_lossy(&text).into_owned();
    let frames = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let path = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        Some((path.to_owned(), cells.get(4)?.parse().ok()?))
    };
    text.lines().filter_map(frames).collect()
}

/// Expected frames, frames whose addresses were compared, frames that differ.
fn compare(name: &str, frames: &[Frame], rows: &[Row<'_>]) -> (usize, usize, usize) {
    // Packets without a time are lost, the others keep their order.
    let timed = || {
        rows.iter()
            .filter(|row| !row["frame.time_epoch"].is_empty())
    };
    let (mut compared, mut differing) = (0, rows.len().abs_diff(frames.len()));
    for (row, frame) in timed().zip(frames) {
        let expected = expected(row);
        compared += usize::from(expected.inner.is_some());
        let same = (frame.nanos, frame.captured, frame.original)
            == (expected.nanos, expected.captured, expected.original);
        if !same || (expected.inner.is_some() && expected.inner != frame.inner) {
            differing += 1;
            println!("{name}: expected {expected:?} got {frame:?}");
        }
    }
    (rows.len(), compared, differing)
}

#[test]
fn captures_read_as_tshark_reads_them() {
    let Some(root) = corpora() else { return };
    let mut files = Vec::new();
    captures(&root, &mut files);
    let catalogue = catalogued(&root);
    let (mut all, mut compared, mut differing) = (0, 0, BTreeMap::new());
    let mut sources: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for path in &files {
        let name = path.strip_prefix(&root).expect("below the root");
        let name = name.to_string_lossy().into_owned();
        let table = fs::read(format!("{}.tshark.tsv", path.display())).expect("a table");
        let table = String::from_utf8_lossy(&table).into_owned();
        let mut lines = table.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let row = |line| header.iter().copied().zip(str::split(line, '\t')).collect();
        let rows: Vec<Row<'_>> = lines.map(row).collect();
        let frames = read(&fs::read(path).expect("a capture"));
        if let Some(catalogued) = catalogue.get(&name) {
            assert_eq!(
                rows.len(),
                *catalogued,
                "{name}: catalogue and table disagree"
            );
        }
        let (here, inner, bad) = compare(&name, &frames, &rows);
        let folder = name.split('/').next().unwrap_or_default().to_owned();
        let source = sources.entry(folder).or_default();
        (source.0, source.1, source.2) = (source.0 + here, source.1 + frames.len(), source.2 + bad);
        (all, compared) = (all + here, compared + inner);
        if bad > 0 {
            differing.insert(name, bad);
        }
    }
    println!("source                 expected      got differing");
    for (source, (expected, got, bad)) in &sources {
        println!("{source:<22} {expected:>8} {got:>8} {bad:>9}");
    }
    let explained = EXPLAINED.map(|(name, count, _)| (name.to_owned(), count));
    assert_eq!(differing, BTreeMap::from(explained));
    assert_eq!((files.len(), all, compared), COMPARED);
}
