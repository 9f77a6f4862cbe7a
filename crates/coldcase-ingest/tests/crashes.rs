//! Bytes that once broke a decoder, and every fixture through the formats of its family: each holds what fuzzing holds
//! it to. `testdata/crashes/<family>/` keeps what fuzz targets found, in their form.

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::formats;
use coldcase_testkit::corpora::files;
use coldcase_testkit::{families, invariants};
use rayon::prelude::*;

/// Larger fixtures are read from their beginning.
const MOST_BYTES: usize = 16 << 10;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata")
        .join(name)
}

#[test]
fn what_once_broke_a_decoder_no_longer_does() {
    for (family, _) in families::FAMILIES {
        for path in files(&testdata("crashes").join(family)) {
            families::check(family, &fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn every_fixture_through_its_family_holds_the_invariants() {
    let root = testdata("formats");
    let all = files(&root);
    let inputs: Vec<_> = all
        .iter()
        .filter(|path| !path.ends_with("expected.jsonl"))
        .collect();
    assert!(inputs.len() > 400, "{}", inputs.len());
    inputs.par_iter().for_each(|path| {
        let mut bytes = fs::read(path).expect("a file");
        bytes.truncate(MOST_BYTES);
        let id = path.strip_prefix(&root).expect("below").iter().next();
        let id = id.expect("a format").to_string_lossy();
        let (_, ids) = families::FAMILIES
            .iter()
            .find(|(_, ids)| ids.contains(&&*id))
            .expect("a family");
        for format in ids.iter().filter_map(|id| formats::by_id(id)) {
            invariants::check(format, &bytes);
        }
    });
}
