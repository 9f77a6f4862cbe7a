//! The project's rules, checked over its own sources: who may print, what may depend on what, what never
//! stands in the tree.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates that may know how tables are computed.
const MAY_USE_POLARS: [&str; 4] = [
    "coldcase-timeline",
    "coldcase-correlate",
    "coldcase-report",
    "coldcase-lake",
];
/// Folders that builds and fuzzing make.
const MADE: [&str; 5] = [".git", "target", "corpus", "artifacts", "coverage"];
/// Lines that a source may have without its tests.
const LONGEST_SOURCE: usize = 500;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// All files below the repository that are kept, with their paths in it, sorted.
fn files() -> Vec<(String, PathBuf)> {
    let root = root();
    let (mut open, mut all) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if MADE.contains(&name.as_ref()) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(&root).expect("below the root");
                all.push((inside.to_string_lossy().into_owned(), path));
            }
        }
    }
    all.sort();
    assert!(all.len() > 100, "the sources are found");
    all
}

fn sources() -> Vec<(String, String)> {
    let rust = files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"));
    rust.map(|(name, path)| (name, fs::read_to_string(path).expect("a source")))
        .collect()
}

/// Lines of these sources that hold one of these texts and are no comment.
fn lines_with(texts: &[String], wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, source) in sources().into_iter().filter(|(name, _)| wanted(name)) {
        for (index, line) in source.lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && texts.iter().any(|text| code.contains(text.as_str())) {
                found.push(format!("{name}:{}: {code}", index + 1));
            }
        }
    }
    found
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    let texts = ["#[ignore", "todo!(", "unimplemented!(", "dbg!("].map(String::from);
    let here = Path::new(file!())
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    none(
        &lines_with(&texts, |name| !name.ends_with(&here)),
        "no test is skipped and no code is missing",
    );
}

#[test]
fn only_the_program_prints() {
    let texts = ["println!(", "print!("].map(String::from);
    // The testkit speaks for tests: it says which corpora are absent.
    let library = |name: &str| {
        name.starts_with("crates/")
            && name.contains("/src/")
            && !name.contains("/src/bin/")
            && !name.starts_with("crates/coldcase-testkit/")
    };
    let printed = lines_with(&texts, library);
    let write = |line: &String| line.contains("write!(") || line.contains("writeln!(");
    let printed: Vec<_> = printed.into_iter().filter(|line| !write(line)).collect();
    none(
        &printed,
        "results go through the caller, warnings through the sink",
    );
}

#[test]
fn only_the_timeline_s_users_depend_on_polars() {
    let mut found = Vec::new();
    for (name, path) in files() {
        let crate_name = name.split('/').nth(1).unwrap_or_default();
        if !name.starts_with("crates/")
            || !name.ends_with("Cargo.toml")
            || MAY_USE_POLARS.contains(&crate_name)
        {
            continue;
        }
        let text = fs::read_to_string(path).expect("a manifest");
        let polars = text
            .lines()
            .filter(|line| line.trim_start().starts_with("polars"));
        found.extend(polars.map(|line| format!("{name}: {line}")));
    }
    none(&found, "formats and evidence are read without tables");
}

#[test]
fn no_path_of_this_machine_stands_in_the_tree() {
    let root = root();
    let beside = root.parent().map(|parent| parent.join("shared"));
    let mut paths: Vec<String> = [Some(root), beside]
        .into_iter()
        .flatten()
        .filter(|path| path.components().count() > 2)
        .map(|path| format!("{}/", path.display()))
        .collect();
    paths.push([".cargo", "registry"].join("/"));
    let mut found = Vec::new();
    for (name, path) in files() {
        let bytes = fs::read(path).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let here = paths.iter().filter(|path| text.contains(path.as_str()));
        found.extend(here.map(|path| format!("{name}: {path}")));
    }
    none(&found, "a path of one machine means nothing on another");
}

#[test]
fn sources_say_what_they_are_for_and_stay_readable() {
    let mut found = Vec::new();
    for (name, source) in sources() {
        let own = source
            .split("\n#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines = own.lines().count();
        if !source.starts_with("//!") {
            found.push(format!("{name}: does not open with `//!`"));
        }
        if name.contains("/src/") && !name.ends_with("tests.rs") && lines > LONGEST_SOURCE {
            found.push(format!("{name}: {lines} lines; split it by concept"));
        }
    }
    none(&found, "a source is one idea and opens with it");
}
