//! What is cited stands there: every place of evidence that findings of the recorded incidents cite is opened, and the
//! bytes there say what the timeline's row says; and so a sample of all rows, whether cited or not.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "offsets of clocks are small"
)]

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_evidence::Bundle;
use coldcase_timeline::{Selection, Timeline};
use program::program;
use serde_json::Value;

#[path = "citations/raw.rs"]
mod raw;
#[path = "citations/words.rs"]
mod words;

use raw::Raw;

/// Rows of each file and action that are opened beside the cited ones.
const SAMPLE: usize = 25;

/// A place in the evidence, with the row's time.
type Cited = (String, Option<i64>, Option<i64>, Option<String>);

fn incidents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let mut folders: Vec<_> = fs::read_dir(root)
        .expect("incidents")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("expected.json").exists())
        .collect();
    folders.sort();
    assert!(folders.len() >= 9, "the incidents are there");
    folders
}

fn analyze(bundle: &Path, case: &Path) {
    let output = program()
        .arg("analyze")
        .arg(bundle)
        .arg("-o")
        .arg(case)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", bundle.display());
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// What findings cite, with the text that they show; and what of it is wrong in itself.
fn citations(findings: &Value) -> (BTreeMap<Cited, String>, Vec<String>) {
    let (mut cited, mut wrong) = (BTreeMap::new(), Vec::new());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut ids = BTreeSet::new();
    for finding in list(&findings["findings"]) {
        ids.insert(finding["id"].as_str().expect("an id").to_owned());
        let evidence = list(&finding["evidence"]);
        let of = &finding["title"];
        if evidence.is_empty() {
            wrong.push(format!("{of} cites nothing"));
        }
        if evidence.len() > 20 {
            wrong.push(format!("{of} cites {} records", evidence.len()));
        }
        for record in evidence {
            let file = record["file"].as_str().unwrap_or_default().to_owned();
            let (line, offset) = (record["line"].as_i64(), record["offset"].as_i64());
            let ts = record["ts"].as_str().map(str::to_owned);
            let text = record["text"].as_str().unwrap_or_default().to_owned();
            if line.is_some() == offset.is_some() {
                wrong.push(format!(
                    "{of}: {file}: neither a line nor an offset, or both"
                ));
            }
            if text.is_empty() {
                wrong.push(format!("{of}: {file}:{line:?}@{offset:?} has no text"));
            }
            cited.insert((file, line, offset, ts), text);
        }
    }
    for conclusion in list(&findings["conclusions"]) {
        for id in list(&conclusion["because"]) {
            if !ids.contains(id.as_str().unwrap_or_default()) {
                wrong.push(format!(
                    "{} rests on {id}, which is no finding",
                    conclusion["question"]
                ));
            }
        }
    }
    (cited, wrong)
}

/// What is to be added to a file's own times, by file.
fn offsets(case: &Value) -> BTreeMap<String, i64> {
    let clocks = case["clocks"].as_array().cloned().unwrap_or_default();
    let offset = |clock: &Value| {
        let seconds = clock["offset_seconds"].as_f64().unwrap_or(0.0);
        let path = clock["path"].as_str().unwrap_or_default().to_owned();
        (path, (seconds * 1e9) as i64)
    };
    clocks.iter().map(offset).collect()
}

/// Rows to open: of each file and action the first, the last and some between, and all that are cited.
fn chosen(rows: &Selection, cited: &BTreeMap<Cited, String>) -> (Vec<usize>, Vec<String>) {
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    let mut chosen = BTreeSet::new();
    let mut found: BTreeMap<Cited, Vec<String>> = BTreeMap::new();
    for row in 0..rows.rows() {
        let file = rows.text("file", row).expect("a file");
        let action = rows.text("action", row).expect("an action");
        groups.entry((file, action)).or_default().push(row);
        let ts = rows
            .long("ts_ns", row)
            .map(|ns| coldcase_model::Timestamp(ns).to_string());
        let place = (
            file.to_owned(),
            rows.long("line", row),
            rows.long("offset", row),
            ts,
        );
        if cited.contains_key(&place) {
            chosen.insert(row);
            let message = rows.text("message", row).unwrap_or_default();
            found
                .entry(place)
                .or_default()
                .push(message.chars().take(400).collect());
        }
    }
    for of_group in groups.values() {
        let step = (of_group.len() / SAMPLE).max(1);
        chosen.extend(of_group.iter().step_by(step));
        chosen.extend(of_group.last());
    }
    let wrong = cited
        .iter()
        .filter_map(|(place, text)| match found.get(place) {
            None => Some(format!("{place:?} is cited and no row of the timeline")),
            Some(messages) if !messages.contains(text) => Some(format!(
                "{place:?}: cited as {text:?}, the row says {messages:?}"
            )),
            Some(_) => None,
        });
    let wrong = wrong.collect();
    (chosen.into_iter().collect(), wrong)
}

/// Opens the chosen rows' places; gives what is not there, and how many places were opened.
fn open_all(
    bundle: &Bundle,
    rows: &Selection,
    chosen: &[usize],
    offsets: &BTreeMap<String, i64>,
) -> (usize, Vec<String>) {
    let mut lines_of: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for row in 0..rows.rows() {
        let line = rows.long("line", row);
        let file = rows.text("file", row).expect("a file");
        lines_of.entry(file).or_default().extend(line);
    }
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in chosen {
        let file = rows.text("file", *row).expect("a file");
        by_file.entry(file).or_default().push(*row);
    }
    let (mut opened, mut wrong) = (0, Vec::new());
    for (file, of_file) in by_file {
        let Some(artifact) = bundle.artifacts.iter().find(|one| one.path == file) else {
            wrong.push(format!("{file} is not in the bundle"));
            continue;
        };
        let raw = Raw::open(&artifact.disk);
        let offset = offsets.get(file).copied().unwrap_or(0);
        for row in of_file {
            opened += 1;
            let lines = &lines_of[file];
            if let Err(what) = raw.says(rows, row, lines, offset) {
                let place = (rows.long("line", row), rows.long("offset", row));
                let (format, action) = (rows.text("format", row), rows.text("action", row));
                wrong.push(format!(
                    "{file} {place:?} {} {}: {what}",
                    format.unwrap_or_default(),
                    action.unwrap_or_default()
                ));
            }
        }
    }
    (opened, wrong)
}

#[test]
fn every_cited_place_says_so() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut wrong = Vec::new();
    for incident in incidents() {
        let name = incident
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let path = incident.join("bundle.tar.gz");
        let case = folder.path().join(&name);
        analyze(&path, &case);
        let (cited, of_citing) = citations(&json(&case.join("findings.json")));
        let timeline = Timeline::open(&case.join("timeline")).expect("a timeline");
        let rows = timeline.all().expect("rows");
        let (chosen, of_rows) = chosen(&rows, &cited);
        let bundle = Bundle::open(&[path]).expect("a bundle");
        let offsets = offsets(&json(&case.join("case.json")));
        let (opened, of_places) = open_all(&bundle, &rows, &chosen, &offsets);
        assert!(
            opened >= cited.len().min(20),
            "{name}: only {opened} places opened"
        );
        let all = of_citing.into_iter().chain(of_rows).chain(of_places);
        wrong.extend(all.map(|what| format!("{name}: {what}")));
    }
    assert!(
        wrong.is_empty(),
        "{} places do not say so:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_wrong_place_is_noticed() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let incident = incidents()
        .into_iter()
        .find(|path| path.ends_with("syn-flood-benign"));
    let path = incident.expect("the incident").join("bundle.tar.gz");
    let case = folder.path().join("case");
    analyze(&path, &case);
    let timeline = Timeline::open(&case.join("timeline")).expect("a timeline");
    let rows = timeline.all().expect("rows");
    let (chosen, wrong) = chosen(&rows, &BTreeMap::new());
    assert_eq!(wrong, Vec::<String>::new());
    let dated: Vec<usize> = chosen
        .into_iter()
        .filter(|row| matches!(rows.text("format", *row), Some("authlog" | "pcap" | "utmp")))
        .filter(|row| rows.text("action", *row) != Some("log"))
        .collect();
    assert!(dated.len() > 100);
    let bundle = Bundle::open(&[path]).expect("a bundle");
    let right = open_all(&bundle, &rows, &dated, &BTreeMap::new());
    assert_eq!(right, (dated.len(), Vec::new()));
    let files = bundle.artifacts.iter().map(|one| one.path.clone());
    let seven_seconds = files.map(|file| (file, 7_000_000_000)).collect();
    let (_, late) = open_all(&bundle, &rows, &dated, &seven_seconds);
    assert!(
        late.len() * 10 > dated.len() * 9,
        "{} of {}",
        late.len(),
        dated.len()
    );
    let absent = [(
        ("bm-07/secure".to_owned(), Some(1), None, None),
        "text".to_owned(),
    )];
    assert_eq!(
        self::chosen(&rows, &absent.into()).1.len(),
        1,
        "cited, and no row"
    );
}
