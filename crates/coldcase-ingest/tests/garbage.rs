//! Every registered format over what is no evidence at all, and over its own fixtures after damage: no panic, no
//! claim of binary noise, an end within bounded time, and no more events than bytes could hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::{Recorder, ingest, sniff};

/// Far above what the slowest takes in an unoptimised build on a busy machine; what is meant is "not for ever".
const LIMIT: Duration = Duration::from_secs(120);

const LONG_LINE: usize = 10 << 20;
const NOISE: usize = 1 << 20;

/// Names that a format might believe rather than the content.
const NAMES: [&str; 6] = [
    "host/noise",
    "host/var/log/audit/audit.log",
    "host/docker_inspect.json",
    "host/docker_created.txt",
    "host/kubectl_get_pods.txt",
    "host/dns.pcap000",
];

/// xorshift64*: noise that is the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }
}

/// Reads an artifact in a thread of its own, so that one that never ends fails the test instead of holding it.
fn read(format: &'static Format, name: &'static str, bytes: &Arc<Vec<u8>>, what: &str) -> Recorder {
    let (done, wait) = channel();
    let bytes = Arc::clone(bytes);
    let reader = std::thread::spawn(move || {
        let recorder = ingest(format, name, &bytes, &Clock::UNKNOWN);
        // The other side may have given up waiting.
        let _ = done.send(recorder);
    });
    match wait.recv_timeout(LIMIT) {
        Ok(recorder) => recorder,
        Err(_) if reader.is_finished() => panic!("{} panics on {what}", format.id),
        Err(_) => panic!("{} takes more than {LIMIT:?} over {what}", format.id),
    }
}

/// Binary noise: nothing may claim it, whatever its name.
fn binary() -> Vec<(&'static str, Vec<u8>)> {
    let mut noise = Noise(0x5eed_0001);
    let utf16: Vec<u8> =
        "May 11 18:12:10 host sshd[1]: Accepted password for root from 192.0.2.1 port 22 ssh2\r\n"
            .repeat(2000)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
    let mut marked = vec![0xff, 0xfe];
    marked.extend_from_slice(&utf16);
    vec![
        ("NUL bytes", vec![0; LONG_LINE]),
        ("bytes 0xff", vec![0xff; NOISE]),
        ("random bytes", noise.bytes(NOISE)),
        ("UTF-16", utf16),
        ("UTF-16 with a mark", marked),
        (
            "random bytes after zeros",
            [vec![0; 64], noise.bytes(4096)].concat(),
        ),
    ]
}

/// Text that no tool wrote; a claim of it would be wrong as well.
fn text() -> Vec<(&'static str, Vec<u8>)> {
    let mut noise = Noise(0x5eed_0002);
    let printable: Vec<u8> = noise
        .bytes(NOISE)
        .into_iter()
        .map(|byte| 0x20 + byte % 0x5f)
        .collect();
    let mut words = Vec::new();
    while words.len() < NOISE {
        for _ in 0..=noise.below(12) {
            let length = 1 + noise.below(9);
            words.extend(noise.bytes(length).into_iter().map(|byte| b'a' + byte % 26));
            words.push(b' ');
        }
        words.push(b'\n');
    }
    vec![
        ("one line of letters", vec![b'a'; LONG_LINE]),
        ("one line of blanks", vec![b' '; LONG_LINE]),
        ("line ends", vec![b'\n'; NOISE]),
        ("carriage returns", vec![b'\r'; NOISE]),
        ("CRLF", b"\r\n".repeat(NOISE / 2)),
        (
            "terminal escapes",
            b"\x1b[2J\x1b[31mroot\x1b[0m\x1b]0;title\x07\n".repeat(20_000),
        ),
        ("printable noise", printable),
        ("words", words),
    ]
}

/// Openings without an end, and what else makes a parser wait, grow or recurse.
fn openings() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("brackets", b"[".repeat(NOISE)),
        ("braces", b"{\"a\":".repeat(NOISE / 5)),
        ("objects that never end", b"{\"Id\":\n".repeat(NOISE / 7)),
        ("quotes", b"\"".repeat(NOISE)),
        (
            "backslashes",
            [b"{\"".to_vec(), b"\\".repeat(NOISE)].concat(),
        ),
        (
            "one long string",
            [b"[{\"Id\":\"".to_vec(), b"x".repeat(LONG_LINE)].concat(),
        ),
        (
            "equal signs",
            b"type=SYSCALL msg=audit(1.1:1): a=".repeat(NOISE / 33),
        ),
        ("header words", b"NAME ".repeat(NOISE / 5)),
        ("digits", b"9".repeat(NOISE)),
        ("colons", b": ".repeat(NOISE / 2)),
    ]
}

#[test]
fn binary_noise_is_claimed_by_none() {
    for (what, bytes) in binary() {
        for format in formats::ALL {
            for name in NAMES {
                let sniffed = sniff(format, name, &bytes);
                assert_eq!(sniffed, Sniff::No, "{} claims {what} as {name}", format.id);
            }
        }
    }
}

#[test]
fn text_noise_is_claimed_by_none() {
    for (what, bytes) in text() {
        for format in formats::ALL {
            for name in NAMES {
                let sniffed = sniff(format, name, &bytes);
                assert_eq!(sniffed, Sniff::No, "{} claims {what} as {name}", format.id);
            }
        }
    }
}

#[test]
fn noise_is_read_to_its_end() {
    let noise: Vec<_> = binary()
        .into_iter()
        .chain(text())
        .chain(openings())
        .map(|(what, bytes)| (what, Arc::new(bytes)))
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in formats::ALL.chunks(formats::ALL.len().div_ceil(threads)) {
            scope.spawn(|| {
                for (format, (what, bytes)) in part
                    .iter()
                    .flat_map(|format| noise.iter().map(move |noise| (*format, noise)))
                {
                    check_end(format, what, bytes);
                }
            });
        }
    });
}

fn check_end(format: &'static Format, what: &str, bytes: &Arc<Vec<u8>>) {
    sniff(format, "host/noise", bytes);
    let recorder = read(format, "host/noise", bytes, what);
    assert!(
        recorder.events.len() <= bytes.len(),
        "{}: {what}",
        format.id
    );
    // One warning a byte would be as bad as none.
    let warned = recorder.warnings.len();
    assert!(
        warned <= 100_000,
        "{} warns {warned} times of {what}",
        format.id
    );
}

fn valid_fixtures(format: &Format) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
    let folder = root.join(format.id).join("valid");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if !path.ends_with("expected.jsonl") {
            let bytes = fs::read(&path).expect("a readable fixture");
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn line_ends_of_another_system_change_nothing() {
    for format in formats::ALL {
        for (path, bytes) in valid_fixtures(format) {
            if bytes.contains(&0) || bytes.contains(&b'\r') {
                continue;
            }
            let name = path.to_string_lossy();
            let crlf = String::from_utf8_lossy(&bytes).replace('\n', "\r\n");
            let cells = |recorder: Recorder| {
                let rows = recorder.events.into_iter();
                let rows: Vec<_> = rows
                    .map(|event| (event.action, event.when, event.line))
                    .collect();
                (rows, recorder.counts)
            };
            let unix = cells(ingest(format, &name, &bytes, &Clock::UNKNOWN));
            let other = cells(ingest(format, &name, crlf.as_bytes(), &Clock::UNKNOWN));
            assert_eq!(unix, other, "{name}");
        }
    }
}

#[test]
fn damaged_fixtures_are_read_to_their_end() {
    const MOST: usize = 64 << 10;
    let mut noise = Noise(0x5eed_0003);
    for format in formats::ALL {
        for (path, bytes) in valid_fixtures(format) {
            let bytes = bytes.get(..MOST).unwrap_or(&bytes);
            for round in 0..24 {
                let mut damaged = bytes.to_vec();
                for _ in 0..=round {
                    let at = noise.below(damaged.len());
                    match noise.below(4) {
                        0 => damaged.truncate(at.max(damaged.len() / 2)),
                        1 if at < damaged.len() => drop(damaged.remove(at)),
                        2 => damaged.insert(at, noise.bytes(1).first().copied().unwrap_or(0)),
                        _ => {
                            if let Some(byte) = damaged.get_mut(at) {
                                *byte ^= 1 << noise.below(8);
                            }
                        }
                    }
                }
                let what = format!("damage {round} of {}", path.display());
                let damaged = Arc::new(damaged);
                sniff(format, "host/noise", &damaged);
                read(format, "host/noise", &damaged, &what);
            }
        }
    }
}
