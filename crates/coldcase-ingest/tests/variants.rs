//! Every text format over its own valid fixtures as they come through other hands: line ends of another system,
//! terminal escapes, a hole of NUL bytes, a line of 10 MB, a cut. What was readable stays readable.

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::{Recorder, ingest, sniff};

const LONG_LINE: usize = 10 << 20;

fn clock() -> Clock {
    coldcase_testkit::clock(Tz::Asia__Shanghai, "2023-05-12T10:25:00+08:00")
}

/// The valid text fixtures of all formats.
fn fixtures() -> Vec<(&'static Format, String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
    let mut all = Vec::new();
    for format in formats::ALL {
        let folder = root.join(format.id).join("valid");
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.retain(|path| !path.ends_with("expected.jsonl"));
        for path in paths {
            let bytes = fs::read(&path).expect("a readable fixture");
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !bytes.contains(&0) && bytes.is_ascii() && !bytes.contains(&b'\r') {
                all.push((*format, name.into_owned(), bytes));
            }
        }
    }
    assert!(
        all.len() > 8,
        "fixtures are missing below {}",
        root.display()
    );
    all
}

fn actions(recorder: &Recorder) -> Vec<(&str, Option<u64>, String)> {
    let events = recorder.events.iter();
    let cells = |event: &coldcase_model::Event<'_>| {
        format!(
            "{:?}",
            (
                &event.when,
                &event.src_ip,
                &event.dst_ip,
                &event.user,
                &event.pid
            )
        )
    };
    events
        .map(|event| (event.action, event.line, cells(event)))
        .collect()
}

#[test]
fn line_ends_of_another_system_change_nothing() {
    for (format, name, bytes) in fixtures() {
        let text = String::from_utf8_lossy(&bytes).replace('\n', "\r\n");
        let (plain, other) = (
            ingest(format, &name, &bytes, &clock()),
            ingest(format, &name, text.as_bytes(), &clock()),
        );
        assert!(
            sniff(format, &name, text.as_bytes()) > Sniff::No,
            "{} declines {name} with CRLF",
            format.id
        );
        assert_eq!(
            actions(&plain),
            actions(&other),
            "{} reads {name} otherwise with CRLF",
            format.id
        );
        assert_eq!(
            (plain.counts.used, plain.counts.skipped),
            (other.counts.used, other.counts.skipped),
            "{} counts {name} otherwise with CRLF",
            format.id
        );
    }
}

/// Puts this behind the middle line.
fn with_middle(bytes: &[u8], middle: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (before, after) = lines.split_at(lines.len().div_ceil(2));
    [before.concat(), middle.to_vec(), after.concat()].concat()
}

#[test]
fn a_foreign_line_in_the_middle_costs_little() {
    let long = [vec![b'x'; LONG_LINE], b"\n".to_vec()].concat();
    let middles: [(&str, &[u8]); 4] = [
        ("NUL bytes", &[0, 0, 0, 0, 0, 0, 0, 0, b'\n']),
        (
            "terminal escapes",
            b"\x1b[2J\x1b[31m\x1b[0m\x1b]0;title\x07\n",
        ),
        ("another encoding", b"\xe9\xe8\xff\xfe \xd6\xd0\xce\xc4\n"),
        ("10 MB", &long),
    ];
    for (format, name, bytes) in fixtures() {
        // One document: its line breaks are within an element, which is lost.
        if bytes.starts_with(b"[") || bytes.starts_with(b"{\n") || name.ends_with("yaml") {
            continue;
        }
        let plain = ingest(format, &name, &bytes, &clock());
        for (what, middle) in middles {
            let damaged = ingest(format, &name, &with_middle(&bytes, middle), &clock());
            let kept = damaged.events.len() + 2 + plain.events.len() / 4;
            assert!(
                kept >= plain.events.len(),
                "{} loses {name} to {what}: {} of {} events",
                format.id,
                damaged.events.len(),
                plain.events.len()
            );
        }
    }
}

#[test]
fn a_cut_artifact_gives_what_came_before_the_cut() {
    for (format, name, bytes) in fixtures() {
        let plain = ingest(format, &name, &bytes, &clock());
        for part in 1..8 {
            let cut = bytes.get(..bytes.len() * part / 8).unwrap_or_default();
            let got = ingest(format, &name, cut, &clock());
            assert!(
                got.events.len() <= plain.events.len() + 1,
                "{} makes events of a cut in {name}",
                format.id
            );
        }
        let narrow: Vec<u8> = bytes
            .split(|byte| *byte == b'\n')
            .flat_map(|line| [line.get(..80).unwrap_or(line), b"\n"].concat())
            .collect();
        ingest(format, &name, &narrow, &clock());
    }
}
