//! What must not matter: on which day it happened, how hosts, containers and addresses are called, in which order the files
//! come. A recorded incident is moved whole; its findings must move with it and not change otherwise.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod moved;
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use moved::Move;
use program::{program, succeeded};
use serde_json::Value;
use tempfile::TempDir;

type Files = BTreeMap<String, Vec<u8>>;

fn incident(name: &str) -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let packed = fs::File::open(root.join(name).join("bundle.tar.gz")).expect("a bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let mut files = Files::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("reads");
        files.insert(path.trim_start_matches("./").to_owned(), bytes);
    }
    files
}

/// The findings of a bundle, without their ids: these are made of names.
fn findings<'a>(files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> Vec<Value> {
    let folder = TempDir::new().expect("a folder");
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, bytes.as_slice())
            .expect("a member");
    }
    fs::write(
        folder.path().join("bundle.tar"),
        builder.into_inner().expect("an archive"),
    )
    .expect("writes");
    let output = program()
        .current_dir(folder.path())
        .args(["analyze", "bundle.tar", "-o", "case", "-q"])
        .output()
        .expect("runs");
    succeeded(&output);
    let found = fs::read(folder.path().join("case/findings.json")).expect("findings");
    let mut found: Value = serde_json::from_slice(&found).expect("JSON");
    let mut all = Vec::new();
    for part in ["conclusions", "findings"] {
        for one in found[part].as_array_mut().expect("a list") {
            let one = one.as_object_mut().expect("an object");
            one.remove("id");
            let because = one
                .remove("because")
                .map(|ids| ids.as_array().map(Vec::len));
            one.insert("because".to_owned(), because.flatten().into());
            let text = serde_json::to_string(one).expect("JSON");
            all.push(serde_json::from_str(&text.replace("bundle.tar", "")).expect("JSON"));
        }
    }
    all
}

fn texts(findings: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = findings
        .iter()
        .map(|one| serde_json::to_string_pretty(one).expect("JSON"))
        .collect();
    texts.sort();
    texts
}

fn check(name: &str, change: &Move) {
    let files = incident(name);
    let original = findings(files.iter());
    assert!(!original.is_empty(), "{name} has findings");
    let reversed = findings(files.iter().rev());
    assert_eq!(texts(&original), texts(&reversed), "{name}: order of files");
    let moved: Files = files
        .iter()
        .map(|(path, bytes)| (change.text(path), change.file(bytes)))
        .collect();
    let got = texts(&findings(moved.iter()));
    let mut expected: Vec<String> = texts(&original)
        .iter()
        .map(|text| change.text(text))
        .collect();
    expected.sort();
    assert_ne!(texts(&original), expected, "{name}: nothing was moved");
    let mut differing = Vec::new();
    for (expected, got) in expected.iter().zip(&got) {
        let lines = expected.lines().zip(got.lines());
        for (expected, got) in lines.filter(|(expected, got)| expected != got) {
            differing.push(format!("expected {expected}\ngot      {got}"));
        }
    }
    assert!(
        expected == got,
        "{name}: findings change with day and names: {} expected, {} got\n{}",
        expected.len(),
        got.len(),
        differing.join("\n")
    );
}

#[test]
fn ssh_by_night_is_the_same_on_another_day_under_other_names() {
    check(
        "ssh-window",
        &Move {
            // Over New Year: half of the year-less logs are of another year.
            days: 241,
            year: 2023,
            names: &[
                ("db-07", "pg-19"),
                ("k8s-node-14", "worker-0-15"),
                ("remote-executor", "cmd-dispatchers"),
            ],
            networks: &[([10, 20], [10, 35])],
        },
    );
}

#[test]
fn a_domain_s_origin_is_the_same_on_another_day_under_other_names() {
    check(
        "dns-origin",
        &Move {
            days: 100,
            year: 2022,
            names: &[("k8s-node-0", "edge-kn-1-")],
            networks: &[],
        },
    );
}

#[test]
fn a_flood_is_the_same_on_another_day_under_other_names() {
    check(
        "syn-flood",
        &Move {
            days: 13,
            year: 2023,
            names: &[("bm-07", "iron3")],
            networks: &[([10, 30], [10, 44])],
        },
    );
}

#[test]
fn miners_are_the_same_on_another_day_under_other_names() {
    check(
        "docker-miner",
        &Move {
            days: 1000,
            year: 2021,
            names: &[
                ("calc-srv-03", "gpu-rack-11"),
                ("romantic_wozniak", "eloquent_shannon"),
            ],
            networks: &[],
        },
    );
}
