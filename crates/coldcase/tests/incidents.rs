//! The recorded incidents: each bundle of `testdata/incidents` is analysed by the program itself and its
//! findings compared with `expected.json`: what must be found, with which facts, and what must not.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coldcase_model::{Severity, Timestamp};
use serde_json::Value;

/// Times may differ by this much: many logs are exact to the second only.
const SECONDS: f64 = 2.0;
/// Edges of windows may differ by this much.
const WINDOW_MINUTES: i64 = 20;

fn incidents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    let mut folders: Vec<_> = fs::read_dir(root)
        .expect("incidents")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.retain(|path| path.join("expected.json").exists());
    folders.sort();
    folders
}

fn analyze(incident: &Path, case: &Path) -> Value {
    // `.ci/run` names the release build here; elsewhere it is the one under test.
    let program =
        std::env::var_os("COLDCASE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_coldcase").into());
    let mut command = Command::new(program);
    let output = command
        .arg("analyze")
        .arg(incident.join("bundle.tar.gz"))
        .arg("-o")
        .arg(case)
        .output()
        .expect("runs");
    assert!(
        output.status.success(),
        "{}: {}",
        incident.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&fs::read(case.join("findings.json")).expect("findings")).expect("JSON")
}

fn minutes(clock: &str) -> Option<i64> {
    let (hours, minutes) = clock.split_once(':')?;
    Some(hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
}

fn same(name: &str, expected: &Value, got: &Value, tolerance: f64) -> bool {
    match (expected, got) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().all(|one| b.contains(one))
        }
        (Value::Number(a), Value::Number(b)) => {
            (a.as_f64().unwrap_or(f64::NAN) - b.as_f64().unwrap_or(f64::NAN)).abs() <= tolerance
        }
        (Value::String(a), Value::String(b)) if name.starts_with("window_") => {
            let apart = minutes(a)
                .zip(minutes(b))
                .map(|(a, b)| (a - b).rem_euclid(1440).min((b - a).rem_euclid(1440)));
            apart.is_some_and(|apart| apart <= WINDOW_MINUTES)
        }
        (Value::String(a), Value::String(b)) => {
            match (Timestamp::parse_rfc3339(a), Timestamp::parse_rfc3339(b)) {
                (Some(a), Some(b)) => (a.nanos() - b.nanos()).abs() as f64 <= SECONDS * 1e9,
                _ => a == b,
            }
        }
        (a, b) => a == b,
    }
}

/// What of an expectation a finding does not fulfil.
fn differences(expected: &Value, finding: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, value) in expected["facts"].as_object().into_iter().flatten() {
        let got = match name.as_str() {
            "nearby_names" => {
                let nearby = finding["facts"]["nearby"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let held = |one: &Value| nearby.iter().any(|other| &other["value"] == one);
                if !value.as_array().into_iter().flatten().all(held) {
                    wrong.push(format!("nearby lacks one of {value}"));
                }
                continue;
            }
            "first" | "last" if finding["facts"].get(name).is_none() => &finding[name],
            _ => &finding["facts"][name],
        };
        let tolerance = expected["tolerance"][name].as_f64().unwrap_or(1e-6);
        let others = expected["or"][name].as_array().cloned().unwrap_or_default();
        if !same(name, value, got, tolerance)
            && !others.iter().any(|other| same(name, other, got, tolerance))
        {
            wrong.push(format!("{name}: expected {value}, got {got}"));
        }
    }
    let found = severity(&finding["severity"]);
    let (least, most) = (
        &expected["severity_at_least"],
        &expected["severity_at_most"],
    );
    if (least.is_string() && found < severity(least))
        || (most.is_string() && found > severity(most))
    {
        wrong.push(format!("severity {}", finding["severity"]));
    }
    wrong
}

fn severity(value: &Value) -> Option<Severity> {
    value.as_str().and_then(Severity::from_name)
}

fn check(expected: &Value, found: &Value) -> Vec<String> {
    let findings = found["findings"].as_array().expect("findings");
    let mut wrong = Vec::new();
    for one in expected["findings"].as_array().into_iter().flatten() {
        let of_correlator = findings
            .iter()
            .filter(|finding| finding["correlator"] == one["correlator"]);
        match of_correlator
            .map(|finding| differences(one, finding))
            .min_by_key(Vec::len)
        {
            None => wrong.push(format!("missing: {} {}", one["correlator"], one["facts"])),
            Some(differences) => wrong.extend(
                differences
                    .iter()
                    .map(|text| format!("{}: {text}", one["correlator"])),
            ),
        }
    }
    for one in expected["conclusions"].as_array().into_iter().flatten() {
        let conclusions = found["conclusions"].as_array().expect("conclusions");
        let of_question = |other: &&Value| {
            other["kind"] == one["kind"] && other["about"]["value"] == one["about"]
        };
        let answers: Vec<&Value> = conclusions
            .iter()
            .filter(of_question)
            .map(|other| &other["answer"])
            .collect();
        if !answers.contains(&&one["answer"]) {
            wrong.push(format!(
                "conclusion about {}: expected {}, got {answers:?}",
                one["about"], one["answer"]
            ));
        }
    }
    for one in expected["absent"].as_array().into_iter().flatten() {
        let forbidden = |finding: &&Value| {
            finding["correlator"] == one["correlator"]
                && severity(&finding["severity"]) >= severity(&one["severity_at_least"])
                && one["facts"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .all(|(name, value)| &finding["facts"][name] == value)
        };
        wrong.extend(
            findings
                .iter()
                .filter(forbidden)
                .map(|finding| format!("false alarm: {}: {}", finding["title"], one["why"])),
        );
    }
    let ceiling = severity(&expected["nothing_above"]);
    let above = findings
        .iter()
        .filter(|finding| severity(&finding["severity"]) > ceiling);
    wrong.extend(
        above.map(|finding| format!("too severe: {} {}", finding["severity"], finding["title"])),
    );
    wrong
}

#[test]
fn incidents_are_answered_as_expected() {
    let cases = tempfile::TempDir::new().expect("a folder");
    let mut wrong = Vec::new();
    for incident in incidents() {
        let name = incident
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read(incident.join("expected.json")).expect("expected");
        let found = analyze(&incident, &cases.path().join(&name));
        let expected: Value = serde_json::from_slice(&text).expect("JSON");
        wrong.extend(
            check(&expected, &found)
                .into_iter()
                .map(|text| format!("{name}: {text}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_comparison_can_fail() {
    let expected = serde_json::json!({
        "findings": [{"correlator": "scan", "facts": {"src_ip": "192.0.2.1", "dst_count": 3}}],
        "conclusions": [{"kind": "dns-origin", "about": "a.example", "answer": {"type": "pod", "value": "x/y"}}],
        "absent": [{"correlator": "syn-flood", "facts": {"src_ip": "192.0.2.9"}, "severity_at_least": "high", "why": "w"}],
        "nothing_above": "medium",
    });
    let found = serde_json::json!({
        "findings": [
            {"correlator": "scan", "severity": "low", "title": "t", "facts": {"src_ip": "192.0.2.1", "dst_count": 4}},
            {"correlator": "syn-flood", "severity": "high", "title": "t", "facts": {"src_ip": "192.0.2.9"}},
        ],
        "conclusions": [],
    });
    assert_eq!(check(&expected, &found).len(), 4);
}
