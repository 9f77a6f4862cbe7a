//! The version of each format: a hash of the sources that decide what comes of its artifacts. Nobody has to remember to
//! raise a number. What can't be said to belong to one format alone counts for all (docs/adr/0012).

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Crates that reading artifacts rests on, whole.
const CRATES: [&str; 4] = [
    "coldcase-evidence",
    "coldcase-model",
    "coldcase-timeline",
    "coldcase-wire",
];

/// What this crate does with an artifact while it is read, and how that is kept.
const OWN: [&str; 8] = [
    "artifact_sink.rs",
    "clock_solver/steps.rs",
    "coverage.rs",
    "incremental/records.rs",
    "incremental/state_file.rs",
    "ingest.rs",
    "plan.rs",
    "recognise.rs",
];

/// Text of files by path below the folder of crates.
type Sources = BTreeMap<String, String>;

fn main() {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it"));
    let crates = own.parent().expect("a crate lies among others").to_owned();
    let mut shared = Sources::new();
    for name in CRATES {
        gather(&crates, &format!("{name}/src"), &mut shared);
    }
    for name in OWN {
        gather(&crates, &format!("coldcase/src/{name}"), &mut shared);
    }
    // Versions of what decoders rest on: zones, compressions, JSON.
    let lock = crates.with_file_name("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    if let Ok(text) = fs::read_to_string(&lock) {
        shared.insert("Cargo.lock".to_owned(), text);
    }
    let mut units: BTreeMap<String, Sources> = BTreeMap::new();
    let mut ingest = Sources::new();
    gather(&crates, "coldcase-ingest/src", &mut ingest);
    for (path, text) in ingest {
        let inside = path.strip_prefix("coldcase-ingest/src/formats/");
        let unit = inside.filter(|inside| *inside != "mod.rs").map(|inside| {
            let top = inside.split('/').next().unwrap_or(inside);
            top.trim_end_matches(".rs").to_owned()
        });
        let of = unit.map_or(&mut shared, |unit| units.entry(unit).or_default());
        of.insert(path, text);
    }
    let text = table(shared, units);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it"));
    fs::write(out.join("fingerprints.rs"), text).expect("the build folder can be written");
}

/// The source files at this path below the crates.
fn gather(crates: &Path, path: &str, into: &mut Sources) {
    let at = crates.join(path);
    println!("cargo::rerun-if-changed={}", at.display());
    if at.is_dir() {
        let entries = fs::read_dir(&at).expect("a folder of sources can be read");
        for entry in entries {
            let name = entry.expect("an entry can be read").file_name();
            gather(crates, &format!("{path}/{}", name.to_string_lossy()), into);
        }
    } else if path.ends_with(".rs") {
        let text = fs::read_to_string(&at).unwrap_or_else(|error| {
            panic!("{path}: {error}; coldcase is built in its workspace, beside its other crates")
        });
        into.insert(path.to_owned(), text);
    }
}

/// Rust's text of the fingerprints: that of what all formats share, and one by id of a format.
fn table(mut shared: Sources, units: BTreeMap<String, Sources>) -> String {
    let names: BTreeSet<String> = units.keys().cloned().collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut for_all: BTreeSet<String> = BTreeSet::new();
    for (name, sources) in &units {
        let others = sources.values().flat_map(|text| named(text, &names));
        uses.insert(name.clone(), others.collect());
        if extends_others(sources) {
            for_all.insert(name.clone());
        }
    }
    for (path, text) in &shared {
        if path.ends_with("formats/mod.rs") {
            for_all.extend(named(&imports(text), &names));
        } else if text.contains("formats::") {
            for_all.extend(named(text, &names));
        }
    }
    for name in closure(for_all, &uses) {
        shared.extend(units.get(&name).cloned().unwrap_or_default());
    }
    let mut out = format!("const SHARED: &str = \"{}\";\n", hash(&shared));
    out.push_str("const FORMATS: &[(&str, &str)] = &[\n");
    for (name, sources) in &units {
        let mut all = shared.clone();
        for needed in closure(BTreeSet::from([name.clone()]), &uses) {
            all.extend(units.get(&needed).cloned().unwrap_or_default());
        }
        let fingerprint = hash(&all);
        for id in sources.values().flat_map(|text| ids(text)) {
            let _ = writeln!(out, "    (\"{id}\", \"{fingerprint}\"),");
        }
    }
    out.push_str("];\n");
    out
}

/// These units and all that they use.
fn closure(from: BTreeSet<String>, uses: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut open: Vec<String> = from.into_iter().collect();
    let mut all = BTreeSet::new();
    while let Some(name) = open.pop() {
        if all.insert(name.clone()) {
            open.extend(uses.get(&name).into_iter().flatten().cloned());
        }
    }
    all
}

/// Lines of code: comments that stand alone left out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// The units that a text names as part of a path, or imports. It may name too many, never too few.
fn named(text: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_import = false;
    for line in code(text) {
        in_import |= is_import(line);
        for (at, word) in words(line) {
            let before = line.get(..at).unwrap_or_default();
            let after = line.get(at + word.len()..).unwrap_or_default();
            let is_std = before.ends_with("std::") || before.ends_with("core::");
            let in_path = before.ends_with("::") || after.starts_with("::");
            if !is_std && (in_import || in_path) && names.contains(word) {
                found.insert(word.to_owned());
            }
        }
        in_import &= !line.contains(';');
    }
    found
}

/// What a text imports, and nothing else.
fn imports(text: &str) -> String {
    let mut out = String::new();
    let mut in_import = false;
    for line in code(text) {
        in_import |= is_import(line);
        if in_import {
            out.push_str(line);
            out.push('\n');
        }
        in_import &= !line.contains(';');
    }
    out
}

fn is_import(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("use ") || (line.starts_with("pub") && line.contains(" use "))
}

fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let start = line.as_ptr() as usize;
    line.split(move |letter| !is_part(letter))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - start, word))
}

/// Whether a unit gives methods to what is not its own: then others may use them without naming it.
fn extends_others(sources: &Sources) -> bool {
    let mut own: BTreeSet<&str> = BTreeSet::new();
    for text in sources.values() {
        for line in code(text) {
            let all: Vec<&str> = words(line).map(|(_, word)| word).collect();
            own.extend(all.windows(2).filter_map(|pair| match pair {
                ["struct" | "enum" | "trait" | "type" | "union", name] => Some(*name),
                _ => None,
            }));
        }
    }
    let lines = sources.values().flat_map(|text| code(text));
    let mut impls = lines.filter(|line| {
        let line = line.trim_start();
        line.starts_with("impl ") || line.starts_with("impl<")
    });
    // Of the names in its head one is the unit's own: the type, or the trait that has to be imported.
    impls.any(|line| !words(line).any(|(_, word)| own.contains(word)))
}

/// Ids of the formats that a text declares.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    code(text).filter_map(|line| line.trim().strip_prefix("id: \"")?.strip_suffix("\","))
}

/// By path and content, in order of path.
fn hash(sources: &Sources) -> String {
    let mut hasher = Sha256::new();
    for (path, text) in sources {
        for part in [path, text] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    let bytes = hasher.finalize();
    bytes.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
