//! What one format is sure of no other is: so that the order in which formats are asked does not matter to what they are
//! sure of.

#![allow(clippy::indexing_slicing, reason = "a test may")]

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Probe, Sniff, formats};

/// Bytes that formats look at.
const HEAD: u64 = 64 << 10;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}

/// Files of which several formats are sure.
fn claimed_twice(root: &Path) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    files_below(root, &mut files);
    let (mut sure_of, mut twice) = (0, Vec::new());
    for path in files {
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
    let Some(root) = std::env::var_os("COLDCASE_CORPORA") else {
        println!("no corpora: set COLDCASE_CORPORA to look at them");
        return;
    };
    let (sure_of, twice) = claimed_twice(Path::new(&root));
    assert!(sure_of > 0, "nothing is recognised in {}", root.display());
    assert!(twice.is_empty(), "{twice:#?}");
}
