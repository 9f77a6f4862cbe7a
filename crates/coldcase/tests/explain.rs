//! `coldcase explain` of a case: the chain of a finding or conclusion down to file and line.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::coldcase;
use serde_json::Value;
use tempfile::TempDir;

/// A case of the recorded incident, and its findings.
fn case() -> (TempDir, Value) {
    let folder = TempDir::new().expect("a folder");
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/incidents/dns-origin/bundle.tar.gz");
    let bundle = bundle.to_string_lossy().into_owned();
    let output = coldcase(folder.path(), &["analyze", &bundle, "-o", "case"]);
    assert!(output.status.success(), "{output:?}");
    let findings = fs::read(folder.path().join("case/findings.json")).expect("findings");
    (folder, serde_json::from_slice(&findings).expect("JSON"))
}

fn explain(folder: &TempDir, asked: &str) -> String {
    let output = coldcase(folder.path(), &["explain", "case", asked]);
    assert!(output.status.success(), "{asked}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The line that a record of evidence is shown as.
fn shown(record: &Value) -> String {
    let place = match (&record["line"], &record["offset"]) {
        (Value::Number(line), _) => format!(":{line}"),
        (_, Value::Number(offset)) => format!("@{offset}"),
        _ => String::new(),
    };
    let ts = record["ts"].as_str().unwrap_or("undated");
    format!(
        "{}{place}  {ts}  {}",
        record["file"].as_str().expect("a file"),
        record["text"].as_str().expect("a text")
    )
}

fn records(finding: &Value) -> Vec<String> {
    let evidence = finding["evidence"].as_array().expect("evidence");
    assert!(!evidence.is_empty());
    evidence.iter().map(shown).collect()
}

#[test]
fn a_finding_and_a_conclusion_down_to_file_and_line() {
    let (folder, findings) = case();
    for finding in findings["findings"].as_array().expect("findings") {
        let text = explain(&folder, finding["id"].as_str().expect("an id"));
        for record in records(finding) {
            assert!(text.contains(&record), "{record} is not in\n{text}");
        }
    }
    let conclusion = &findings["conclusions"][0];
    let about = conclusion["about"]["value"].as_str().expect("a domain");
    let answer = conclusion["answer"]["value"].as_str().expect("a client");
    let kind = conclusion["kind"].as_str().expect("a kind");
    for asked in [kind, about] {
        let text = explain(&folder, asked);
        assert!(
            text.contains(&format!("answer: pod {answer}, confidence")),
            "{text}"
        );
        for id in conclusion["because"].as_array().expect("ids") {
            let because = findings["findings"].as_array().expect("findings");
            let because = because.iter().find(|finding| &finding["id"] == id);
            let because = because.expect("the finding");
            assert!(
                text.contains(because["title"].as_str().expect("a title")),
                "{text}"
            );
            for record in records(because) {
                assert!(text.contains(&record), "{record} is not in\n{text}");
            }
        }
    }
}

#[test]
fn what_the_case_does_not_have_is_said() {
    let (folder, _) = case();
    for (arguments, said) in [
        (
            ["explain", "case", "192.0.2.250"],
            "no such finding or conclusion",
        ),
        (["explain", "elsewhere", "dns-origin"], "give a folder that"),
    ] {
        let output = coldcase(folder.path(), &arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(said), "{text}");
    }
}
