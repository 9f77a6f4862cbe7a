//! The same evidence gives the same findings: with any number of threads, in whatever order the system lists files, and
//! in whatever order they were copied. Over the recorded incidents.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_testkit::corpora::files;
use program::program;
use tempfile::TempDir;

fn incidents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let entries = fs::read_dir(root).expect("incidents");
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("bundle.tar.gz").exists())
        .collect();
    folders.sort();
    assert!(folders.len() >= 9);
    folders
}

fn run(arguments: &[&str]) {
    let output = program().args(arguments).output().expect("runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// `findings.json` as it is written with so many threads.
fn findings(bundle: &Path, at: &Path, threads: u32) -> Vec<u8> {
    let case = at.join(format!("case-{threads}"));
    let threads = threads.to_string();
    run(&[
        "analyze",
        text(bundle),
        "-o",
        text(&case),
        "-q",
        "--threads",
        &threads,
    ]);
    fs::read(case.join("findings.json")).expect("findings")
}

/// The rows of the timeline, sorted, so that only what they say counts.
fn rows(bundle: &Path, at: &Path, threads: u32) -> Vec<String> {
    let file = at.join("t.jsonl");
    let threads = threads.to_string();
    run(&[
        "timeline",
        text(bundle),
        "-o",
        text(&file),
        "-q",
        "--threads",
        &threads,
    ]);
    let all = fs::read_to_string(file).expect("rows");
    let mut rows: Vec<String> = all.lines().map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

/// Copies the files in an order that their names hash to; file systems list them by when they came, or by a hash.
fn copied(from: &Path, to: &Path, salt: u64) {
    let mut all = files(from);
    all.sort_by_key(|path| {
        let bytes = path.as_os_str().as_encoded_bytes().iter();
        bytes.fold(salt, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    for path in all {
        let target = to.join(path.strip_prefix(from).expect("below"));
        fs::create_dir_all(target.parent().expect("a parent")).expect("folders");
        fs::copy(&path, &target).expect("copies");
    }
}

fn unpack(incident: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).expect("a folder");
    let archive = fs::File::open(incident.join("bundle.tar.gz")).expect("a bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    archive.unpack(to).expect("unpacks");
    let mut inside: Vec<_> = fs::read_dir(to)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    match inside.as_slice() {
        [one] if one.is_dir() => inside.pop().unwrap_or_else(|| to.to_owned()),
        _ => to.to_owned(),
    }
}

#[test]
fn threads_and_the_order_of_files_change_nothing() {
    let mut found = 0;
    for incident in incidents() {
        let folder = TempDir::new().expect("a folder");
        let at = folder.path();
        let bundle = unpack(&incident, &at.join("first"));
        let name = bundle.file_name().expect("a name");
        let shuffled: Vec<PathBuf> = [3, 7]
            .map(|salt| {
                let other = at.join(format!("order-{salt}")).join(name);
                copied(&bundle, &other, salt);
                other
            })
            .to_vec();
        let shown = incident.display();
        let first = findings(&bundle, at, 1);
        found += usize::from(first.len() > 1000);
        assert!(first == findings(&bundle, at, 2), "{shown}: two threads");
        assert!(
            first == findings(&shuffled[0], at, 8),
            "{shown}: eight threads"
        );
        assert!(
            first == findings(&shuffled[1], at, 1),
            "{shown}: another order"
        );
        let told = rows(&bundle, at, 1);
        assert!(!told.is_empty(), "{shown}");
        assert!(told == rows(&shuffled[0], at, 8), "{shown}: rows");
    }
    assert!(found >= 4, "the comparison is one of findings");
}
