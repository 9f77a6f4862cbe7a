//! Pages and lists that come from the registries: `docs/formats`, `docs/correlators` and the tables of the
//! README are what the sources say. `COLDCASE_BLESS=1` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_correlate::correlators;
use coldcase_ingest::formats;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Id, title and source of everything registered.
type Entries = Vec<(&'static str, &'static str, &'static str)>;

fn kinds() -> [(&'static str, Entries); 2] {
    let formats = formats::ALL
        .iter()
        .map(|one| (one.id, one.title, one.source))
        .collect();
    let correlators = correlators::ALL
        .iter()
        .map(|one| (one.id, one.title, one.source))
        .collect();
    [("formats", formats), ("correlators", correlators)]
}

fn page(id: &str, title: &str, source: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    let text: String = lines
        .map(|line| {
            let line = line.trim_start_matches("//!");
            format!("{}\n", line.strip_prefix(' ').unwrap_or(line))
        })
        .collect();
    format!("# {id}: {title}\n\n{text}")
}

fn check(path: &Path, expected: &str) {
    if std::env::var_os("COLDCASE_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("docs");
        fs::write(path, expected).expect("a writable docs folder");
    }
    let got = fs::read_to_string(path).unwrap_or_default();
    assert!(
        got == expected,
        "{} is not what the registry says; COLDCASE_BLESS=1 writes it anew",
        path.display()
    );
}

#[test]
fn every_format_and_correlator_has_its_page() {
    for (kind, entries) in kinds() {
        let folder = root().join("docs").join(kind);
        let mut index = format!("# {kind}\n\n| id | what |\n| --- | --- |\n");
        for (id, title, source) in entries {
            assert!(source.starts_with("//!"), "{id} has no text at its head");
            check(&folder.join(format!("{id}.md")), &page(id, title, source));
            index.push_str(&format!("| [{id}]({id}.md) | {title} |\n"));
        }
        check(&folder.join("README.md"), &index);
    }
}

#[test]
fn the_readme_lists_what_is_registered() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    for (kind, entries) in kinds() {
        for (id, _, _) in entries {
            assert!(
                readme.contains(&format!("`{id}`")),
                "the README lacks {id} of {kind}"
            );
        }
    }
}

#[test]
fn every_format_and_correlator_is_tested() {
    for format in formats::ALL {
        assert!(
            root().join("testdata/formats").join(format.id).is_dir(),
            "testdata/formats/{} is missing",
            format.id
        );
    }
    let tests = root().join("crates/coldcase-correlate/tests");
    let texts: Vec<String> = fs::read_dir(tests)
        .expect("tests")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    for correlator in correlators::ALL {
        let named = format!("\"{}\"", correlator.id);
        assert!(
            texts.iter().any(|text| text.contains(&named)),
            "no test runs {}",
            correlator.id
        );
    }
}
