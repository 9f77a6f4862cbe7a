//! Every format over its own fixtures: `testdata/formats/<id>/<case>/` holds one or more input files
//! (one series, in order of name) and `expected.jsonl`, the events with what was skipped and warned of.
//! `COLDCASE_BLESS=1` writes the expectations anew; read them before they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::{ingest, ingest_series, sniff, winner};

const CASES: [&str; 5] = ["valid", "truncated", "corrupt", "foreign", "empty"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats")
}

/// The clock of all fixtures: Shanghai, collected at a fixed moment.
fn clock() -> Clock {
    coldcase_testkit::clock(Tz::Asia__Shanghai, "2023-05-12T10:25:00+08:00")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

fn inputs(case: &Path) -> Vec<(String, Vec<u8>)> {
    let files = sorted(case)
        .into_iter()
        .filter(|path| !path.ends_with("expected.jsonl"));
    files
        .map(|path| (name(&path), fs::read(&path).expect("a readable fixture")))
        .collect()
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn snapshot(format: &Format, files: &[(String, Vec<u8>)]) -> String {
    let artifacts: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    let recorders = ingest_series(format, &artifacts, &clock());
    let parts = artifacts
        .iter()
        .zip(&recorders)
        .map(|((name, _), recorder)| {
            for event in &recorder.events {
                assert!(
                    event.line.is_some() || event.offset.is_some(),
                    "{name}: an event without its place: {event:?}"
                );
            }
            format!("# {name}\n{}", recorder.snapshot())
        });
    parts.collect()
}

#[test]
fn fixtures_read_as_expected() {
    let bless = std::env::var_os("COLDCASE_BLESS").is_some();
    for format in formats::ALL {
        for case in sorted(&root().join(format.id)) {
            let got = snapshot(format, &inputs(&case));
            let path = case.join("expected.jsonl");
            if bless {
                fs::write(&path, &got).expect("a writable testdata folder");
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                expected == got,
                "{} differs from {}; got:\n{got}",
                case.display(),
                path.display()
            );
        }
    }
}

#[test]
fn every_format_is_shown_valid_truncated_corrupt_foreign_and_empty() {
    for format in formats::ALL {
        for case in CASES {
            let files = inputs(&root().join(format.id).join(case));
            assert!(
                !files.is_empty(),
                "testdata/formats/{}/{case} is missing",
                format.id
            );
            for (name, bytes) in files {
                let sniffed = sniff(format, &name, &bytes);
                match case {
                    "valid" => {
                        assert!(sniffed > Sniff::No, "{} declines its own {name}", format.id)
                    }
                    "foreign" | "empty" => {
                        assert_eq!(sniffed, Sniff::No, "{} claims {case}/{name}", format.id)
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn no_format_claims_the_fixtures_of_another() {
    for owner in formats::ALL {
        for (name, bytes) in inputs(&root().join(owner.id).join("valid")) {
            assert_eq!(
                winner(&name, &bytes).map(|format| format.id),
                Some(owner.id),
                "valid/{name} of {}",
                owner.id
            );
        }
    }
}

/// Formats that rightly see their own shape in another's artifact: owner, the other, why.
const SHARED_SHAPES: [(&str, &str, &str); 14] = [
    (
        "proc-listing",
        "mtime-listing",
        "`ls -l /proc/*/exe` is a listing of files too",
    ),
    ("suricata-eve", "authlog", "the sensor logs by syslog"),
    (
        "conntrack",
        "dmesg",
        "events of conntrack begin with a number in brackets",
    ),
    ("dnsmasq", "authlog", "the resolver logs by syslog"),
    ("named", "authlog", "the resolver logs by syslog"),
    ("unbound", "authlog", "the resolver logs by syslog"),
    ("systemd-resolved", "authlog", "the resolver logs by syslog"),
    (
        "dmesg",
        "authlog",
        "`kern :info :` stands where syslog has host and program",
    ),
    (
        "yum-log",
        "authlog",
        "`Installed:` stands where syslog has the program",
    ),
    (
        "dnf-log",
        "authlog",
        "`SUBDEBUG Installed:` stands where syslog has host and program",
    ),
    (
        "k8s-audit",
        "container-log",
        "a container's log carries the API server's",
    ),
    (
        "coredns",
        "container-log",
        "a container's log carries CoreDNS's lines",
    ),
    (
        "docker-events",
        "container-log",
        "docker's old events are a stamp and a text",
    ),
    (
        "docker-events",
        "authlog",
        "docker's old events have an id where syslog has the program",
    ),
];

#[test]
fn formats_decline_what_is_another_s() {
    let mut claims = Vec::new();
    for owner in formats::ALL {
        for (name, bytes) in inputs(&root().join(owner.id).join("valid")) {
            for other in formats::ALL.iter().filter(|other| other.id != owner.id) {
                let shared = SHARED_SHAPES
                    .iter()
                    .any(|(id, by, _)| (*id, *by) == (owner.id, other.id));
                // A generic shape may be seen, but not more than that.
                if sniff(other, &name, &bytes) > Sniff::Weak && !shared {
                    claims.push(format!("{} claims valid/{name} of {}", other.id, owner.id));
                }
            }
        }
    }
    assert!(claims.is_empty(), "{}", claims.join("\n"));
}

#[test]
fn no_format_panics_on_the_fixtures_of_another() {
    let all: Vec<_> = formats::ALL
        .iter()
        .flat_map(|owner| sorted(&root().join(owner.id)))
        .flat_map(|case| inputs(&case))
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(threads)) {
            scope.spawn(move || {
                for (name, bytes) in part {
                    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
                    for format in formats::ALL {
                        ingest(format, name, bytes, &clock());
                        ingest(format, name, half, &clock());
                    }
                }
            });
        }
    });
}
