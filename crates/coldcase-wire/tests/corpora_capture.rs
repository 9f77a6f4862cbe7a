//! Every capture of the public corpora against TShark's reading of it: frames, times, lengths, and the
//! innermost addresses and ports. Skipped where the corpora are not at hand.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly, and shows its table"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_wire::capture::{Decoder, Step};
use coldcase_wire::packet::{Segment, Transport, decode};

/// Captures whose frames or addresses differ from TShark's, how many frames, and why.
const EXPLAINED: [(&str, usize, &str); 7] = [
    (
        "pcap-parser/test017-le.pcapng",
        4,
        "packets of interfaces that no block describes: without a link type they are lost",
    ),
    (
        "tcpdump/esp_truncated.pcap",
        1,
        "the UDP header's length is cut off: no ports",
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

fn corpora() -> Option<PathBuf> {
    let given = std::env::var_os("COLDCASE_CORPORA").map(PathBuf::from);
    let root = given
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    root.is_dir().then_some(root)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Source, destination, ports.
type Innermost = (String, String, Option<(u16, u16)>);

struct Frame {
    nanos: i64,
    captured: usize,
    original: u32,
    segment: Option<Innermost>,
}

fn read(bytes: &[u8]) -> Vec<Frame> {
    let (mut decoder, mut at, mut frames) = (Decoder::new(), 0, Vec::new());
    while let Ok(step) = decoder.next(bytes.get(at..).unwrap_or_default(), true) {
        at += match step {
            Step::Packet { packet, consumed } => {
                let segment = decode(packet.link, packet.data, packet.original_len).ok();
                let (captured, original) = (packet.data.len(), packet.original_len);
                frames.push(Frame {
                    nanos: packet.ts.nanos(),
                    captured,
                    original,
                    segment: segment.map(|s| told(&s)),
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

fn told(segment: &Segment<'_>) -> Innermost {
    let ports = match segment.transport {
        Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
        Transport::Udp(udp) => Some((udp.src_port, udp.dst_port)),
        _ => None,
    };
    (segment.src.to_string(), segment.dst.to_string(), ports)
}

/// What TShark says of a frame; `None` for the addresses where its columns can't be compared.
fn expected(row: &BTreeMap<&str, &str>) -> (i64, usize, u32, Option<Innermost>) {
    // Without a timestamp (a simple packet block) TShark shows none, coldcase the epoch of the field.
    let (seconds, fraction) = row["frame.time_epoch"]
        .split_once('.')
        .unwrap_or(("0", "0"));
    let fraction = format!("{fraction:0<9}");
    let fraction: i64 = fraction
        .get(..9)
        .and_then(|digits| digits.parse().ok())
        .expect("digits");
    let nanos = seconds.parse::<i64>().expect("seconds") * 1_000_000_000 + fraction;
    let layers: Vec<&str> = row["frame.protocols"].split(':').collect();
    let inner = layers
        .iter()
        .rev()
        .find(|layer| matches!(**layer, "ip" | "ipv6"));
    let last = |field: &str| {
        row[field]
            .split(',')
            .next_back()
            .unwrap_or_default()
            .to_owned()
    };
    let (src, dst) = match inner {
        Some(&"ip") => (last("ip.src"), last("ip.dst")),
        Some(_) => (last("ipv6.src"), last("ipv6.dst")),
        None => (String::new(), String::new()),
    };
    let quotes = layers
        .iter()
        .any(|layer| matches!(*layer, "icmp" | "icmpv6"));
    let inside = layers
        .iter()
        .rposition(|layer| matches!(*layer, "ip" | "ipv6"))
        .unwrap_or(0);
    let transport = layers[inside..]
        .iter()
        .find(|layer| matches!(**layer, "tcp" | "udp"));
    let port = |field: &str| last(field).parse::<u16>().ok();
    let ports = match transport {
        Some(&"tcp") => port("tcp.srcport").zip(port("tcp.dstport")),
        Some(_) => port("udp.srcport").zip(port("udp.dstport")),
        None => None,
    };
    let segment = (!quotes && !src.is_empty()).then_some((src, dst, ports));
    (
        nanos,
        row["frame.cap_len"].parse().expect("a number"),
        row["frame.len"].parse().expect("a number"),
        segment,
    )
}

#[test]
fn captures_read_as_tshark_reads_them() {
    let Some(root) = corpora() else {
        println!("corpora absent: skipped");
        return;
    };
    let mut files = Vec::new();
    walk(&root, &mut files);
    let (mut captures, mut all, mut compared, mut differing) = (0, 0, 0, BTreeMap::new());
    for tsv in files
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(".tshark.tsv"))
    {
        let capture = PathBuf::from(tsv.to_string_lossy().trim_end_matches(".tshark.tsv"));
        let name = capture
            .strip_prefix(&root)
            .unwrap_or(&capture)
            .display()
            .to_string();
        let Ok(bytes) = fs::read(&capture) else {
            continue;
        };
        if [".gz", ".xz", ".zst", ".lz4"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            continue;
        }
        captures += 1;
        let text = String::from_utf8_lossy(&fs::read(tsv).expect("a TSV")).into_owned();
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let rows: Vec<BTreeMap<&str, &str>> = lines
            .map(|line| header.iter().copied().zip(line.split('\t')).collect())
            .collect();
        let frames = read(&bytes);
        all += rows.len();
        let mut bad = rows.len().abs_diff(frames.len());
        for (row, frame) in rows.iter().zip(&frames) {
            let (nanos, captured, original, segment) = expected(row);
            let same = (frame.nanos, frame.captured, frame.original) == (nanos, captured, original);
            let inner = segment.is_none() || segment.as_ref() == frame.segment.as_ref();
            compared += usize::from(segment.is_some());
            if !same || !inner {
                bad += 1;
                if std::env::var_os("COLDCASE_SHOW").is_some() {
                    println!(
                        "{name} {}: {:?} {segment:?} got {:?}",
                        row["frame.number"], row["frame.protocols"], frame.segment
                    );
                }
            }
        }
        if bad > 0 {
            differing.insert(name, bad);
        }
    }
    println!(
        "captures {captures}, frames {all}, addresses compared {compared}, differing {differing:?}"
    );
    let explained: BTreeMap<String, usize> = EXPLAINED
        .iter()
        .map(|(name, count, _)| ((*name).to_owned(), *count))
        .collect();
    assert_eq!(differing, explained);
}
