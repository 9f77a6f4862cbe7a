//! What one format is sure of no other is: so that the order in which formats are asked does not matter to what they are
//! sure of.

#![allow(clippy::indexing_slicing, reason = "a test may")]

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use coldcase_ingest::{Probe, Sniff, formats};
use coldcase_testkit::corpora::{corpora, files};

/// Bytes that formats look at.
const HEAD: u64 = 64 << 10;

/// Files of which several formats are sure.
fn claimed_twice(root: &Path) -> (usize, Vec<String>) {
    let (mut sure_of, mut twice) = (0, Vec::new());
    for path in files(root) {
        let mut head = Vec::new();
        let file = File::open(&path).expect("opens");
        let length = file.metadata().expect("a size").len();
        file.take(HEAD).read_to_end(&mut head).expect("reads");
        let name = path.to_string_lossy();
        let probe = Probe::new(&name, &head, length <= HEAD);
        let sure = formats::ALL
            .iter()
            .filter(|format| (format.sniff)(&probe) == Sniff::Sure);
        let sure: Vec<&str> = sure.map(|format| format.id).collect();
        sure_of += usize::from(!sure.is_empty());
        if sure.len() > 1 {
            twice.push(format!("{name}: {sure:?}"));
        }
    }
    (sure_of, twice)
}

#[test]
fn at_most_one_format_is_sure_of_a_fixture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
    let (sure_of, twice) = claimed_twice(&root);
    assert!(sure_of > 200, "{sure_of}");
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn at_most_one_format_is_sure_of_a_real_file() {
    let Some(root) = corpora() else { return };
    let (sure_of, twice) = claimed_twice(&root);
    assert!(sure_of > 0, "nothing is recognised in {}", root.display());
    assert!(twice.is_empty(), "{twice:#?}");
}
