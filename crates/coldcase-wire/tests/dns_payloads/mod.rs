//! The DNS messages of the public captures, with what TShark says of the frames that carry them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_wire::capture::{Decoder, Step};
use coldcase_wire::packet::{Transport, decode};

/// One DNS message of a capture.
pub struct Payload {
    /// The capture's path below the corpora.
    pub file: String,
    /// Number of the frame, from 1.
    pub frame: usize,
    /// The message, without TCP's length.
    pub bytes: Vec<u8>,
    /// TShark's columns.
    pub row: BTreeMap<String, String>,
}

/// The folder of the corpora, where it is at hand.
pub fn corpora() -> Option<PathBuf> {
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

/// UDP payloads and single messages of TCP segments, frame by frame; `None` for other frames.
pub fn frames(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (mut decoder, mut at, mut frames) = (Decoder::new(), 0, Vec::new());
    while let Ok(step) = decoder.next(bytes.get(at..).unwrap_or_default(), true) {
        at += match step {
            Step::Packet { packet, consumed } => {
                let segment = decode(packet.link, packet.data, packet.original_len).ok();
                frames.push(segment.and_then(|segment| match segment.transport {
                    Transport::Udp(udp) => Some(udp.payload.to_vec()),
                    Transport::Tcp(tcp) => {
                        let (length, message) = tcp.payload.split_first_chunk::<2>()?;
                        let whole = usize::from(u16::from_be_bytes(*length)) == message.len();
                        whole.then(|| message.to_vec())
                    }
                    _ => None,
                }));
                consumed
            }
            Step::Skip { consumed } | Step::Loss { consumed, .. } => consumed,
            Step::NeedMore { .. } => panic!("the whole capture is at hand"),
            Step::End => break,
        };
    }
    frames
}

/// The messages of all captures, by path and frame, and the DNS frames whose payload is no whole message:
/// fragments, and segments that TShark put together.
pub fn payloads(root: &Path) -> (Vec<Payload>, Vec<(String, usize)>) {
    let (mut found, mut elsewhere) = (Vec::new(), Vec::new());
    let mut paths = Vec::new();
    walk(root, &mut paths);
    for table in paths {
        let name = table.to_string_lossy().into_owned();
        let Some(capture) = name.strip_suffix(".tshark.tsv") else {
            continue;
        };
        let file = capture
            .strip_prefix(&*root.to_string_lossy())
            .unwrap_or(capture)
            .trim_start_matches('/')
            .to_owned();
        // The packed copies hold what the plain file holds.
        if file.ends_with(".gz") {
            continue;
        }
        let rows = fs::read_to_string(&table).expect("a table");
        let mut rows = rows.lines();
        let names: Vec<_> = rows.next().unwrap_or_default().split('\t').collect();
        let frames = frames(&fs::read(capture).expect("a capture"));
        for row in rows {
            let cells = names.iter().zip(row.split('\t'));
            let row: BTreeMap<String, String> = cells
                .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
                .collect();
            if row["dns.id"].is_empty() {
                continue;
            }
            let frame: usize = row["frame.number"].parse().expect("a number");
            match frames.get(frame - 1).cloned().flatten() {
                Some(bytes) => found.push(Payload {
                    file: file.clone(),
                    frame,
                    bytes,
                    row,
                }),
                None => elsewhere.push((file.clone(), frame)),
            }
        }
    }
    (found, elsewhere)
}
