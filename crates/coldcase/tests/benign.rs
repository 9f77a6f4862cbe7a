//! Estates on which nothing bad happens are told nothing about that anyone has to get up for: no finding above medium, no
//! conclusion, every file used. That they hold the traps that they claim, and that the same estate with one true incident
//! is told high, are tests of their own.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;
use coldcase_model::Severity;
use coldcase_testkit::estate::{self, Bundle, Plan};
use program::{program, succeeded};
use serde_json::Value;
use tempfile::TempDir;

/// Why lines are skipped that say nothing of events.
const ORDINARY: [&str; 7] = [
    "a line of the summary",
    "a section",
    "a setting",
    "a setting that has no cell",
    "comment",
    "start-up line",
    "the title of a table",
];

fn plan(seed: u64, zone: Tz, (year, month, day): (i32, u32, u32), days: u64) -> Plan {
    Plan {
        seed,
        zone,
        first_day: NaiveDate::from_ymd_opt(year, month, day).expect("a day"),
        days,
        database_ahead: 0,
        described: true,
    }
}

/// A leap day, half an hour off.
fn kolkata() -> Plan {
    plan(1, chrono_tz::Asia::Kolkata, (2024, 2, 22), 9)
}

/// New Year inside of year-less logs; the database's clock is ahead.
fn shanghai() -> Plan {
    Plan {
        database_ahead: 40,
        ..plan(3, chrono_tz::Asia::Shanghai, (2022, 12, 26), 9)
    }
}

/// Summer time begins.
fn new_york() -> Plan {
    plan(4, chrono_tz::America::New_York, (2023, 3, 6), 9)
}

/// Summer time ends, by half an hour.
fn lord_howe() -> Plan {
    plan(7, chrono_tz::Australia::Lord_Howe, (2024, 4, 1), 9)
}

/// A case made of a bundle.
struct Made {
    folder: TempDir,
    findings: Value,
    case: Value,
}

fn analyze(bundle: &Bundle) -> Made {
    let folder = TempDir::new().expect("a folder");
    bundle
        .write(&folder.path().join("bundle"))
        .expect("a bundle");
    let output = program()
        .current_dir(folder.path())
        .args(["analyze", "bundle", "-o", "case", "-q"])
        .output()
        .expect("runs");
    succeeded(&output);
    let verified = program()
        .current_dir(folder.path())
        .args(["verify", "case"])
        .output()
        .expect("runs");
    assert!(verified.status.success(), "the evidence is unchanged");
    let findings = fs::read(folder.path().join("case/findings.json")).expect("findings");
    let findings: coldcase_model::Findings = serde_json::from_slice(&findings).expect("findings");
    let without = coldcase_report::without_chinese(&findings);
    assert!(without.is_empty(), "no Chinese: {without:#?}");
    for report in ["report.md", "report.html"] {
        let text = fs::read_to_string(folder.path().join("case").join(report)).expect(report);
        assert!(text.len() > 1000, "{report} says something");
    }
    let json = |name: &str| {
        let bytes = fs::read(folder.path().join("case").join(name)).expect(name);
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let (findings, case) = (json("findings.json"), json("case.json"));
    Made {
        folder,
        findings,
        case,
    }
}

fn severity(finding: &Value) -> Severity {
    let name = finding["severity"].as_str().expect("a severity");
    Severity::from_name(name).expect("a known severity")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().expect("a list")
}

/// What is wrong with what was said of a benign estate.
fn alarms(made: &Made) -> Vec<String> {
    let mut wrong = Vec::new();
    for finding in list(&made.findings, "findings") {
        if severity(finding) > Severity::Medium {
            let facts = &finding["facts"];
            wrong.push(format!(
                "{} {}: {} {facts}",
                finding["severity"], finding["correlator"], finding["title"]
            ));
        }
        if !finding["facts"]["thresholds"].is_object() {
            wrong.push(format!("no thresholds: {}", finding["correlator"]));
        }
    }
    for conclusion in list(&made.findings, "conclusions") {
        wrong.push(format!(
            "conclusion {}: {}",
            conclusion["kind"], conclusion["text"]
        ));
    }
    for input in list(&made.case, "inputs") {
        let empty = input["bytes"] == 0;
        let used = input["records"].as_u64().unwrap_or(0) > 0;
        if !empty && (input["format"].is_null() || !used) {
            wrong.push(format!("not used: {input}"));
        }
        let reasons = input["skip_reasons"].as_object().into_iter().flatten();
        for (reason, _) in reasons.filter(|(reason, _)| !ORDINARY.contains(&reason.as_str())) {
            wrong.push(format!("skipped: {reason}: {input}"));
        }
        if !list(input, "warnings").is_empty() {
            wrong.push(format!("warned of: {input}"));
        }
    }
    wrong
}

fn quiet(plan: &Plan) {
    let made = analyze(&estate::make(plan));
    if let Some(kept) = std::env::var_os("COLDCASE_KEEP") {
        let kept = Path::new(&kept).join(plan.seed.to_string());
        fs::create_dir_all(&kept).expect("a folder");
        fs::rename(made.folder.path(), &kept).expect("moves");
    }
    let wrong = alarms(&made);
    assert!(
        wrong.is_empty(),
        "{plan:?}: {} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let files = estate::make(plan).files.len();
    let inputs = list(&made.case, "inputs").len();
    assert!(inputs + 1 >= files, "{inputs} inputs of {files} files");
}

#[test]
fn an_estate_over_a_leap_day_is_quiet() {
    quiet(&kolkata());
}

#[test]
fn an_estate_over_new_year_with_a_clock_ahead_is_quiet() {
    quiet(&shanghai());
}

#[test]
fn an_estate_over_the_begin_of_summer_time_is_quiet() {
    quiet(&new_york());
}

#[test]
fn an_estate_over_the_end_of_summer_time_is_quiet() {
    quiet(&lord_howe());
}

#[test]
fn an_estate_that_nothing_describes_is_quiet() {
    quiet(&Plan {
        described: false,
        ..plan(11, chrono_tz::Asia::Kolkata, (2023, 12, 25), 8)
    });
}

/// Rows of a bundle's timeline by action, and by action and outcome.
fn rows(bundle: &Bundle) -> BTreeMap<String, usize> {
    let folder = TempDir::new().expect("a folder");
    bundle
        .write(&folder.path().join("bundle"))
        .expect("a bundle");
    let output = program()
        .current_dir(folder.path())
        .args(["timeline", "bundle", "-o", "timeline.jsonl", "-q"])
        .output()
        .expect("runs");
    succeeded(&output);
    let text = fs::read_to_string(folder.path().join("timeline.jsonl")).expect("a timeline");
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let action = row["action"].as_str().expect("an action");
        *counts.entry(action.to_owned()).or_default() += 1;
        if let Some(outcome) = row["outcome"].as_str() {
            *counts.entry(format!("{action} {outcome}")).or_default() += 1;
        }
    }
    counts
}

/// The quiet is not from emptiness: an estate holds what it claims.
#[test]
fn an_estate_holds_its_traps() {
    let counts = rows(&estate::make(&plan(
        5,
        chrono_tz::Asia::Kolkata,
        (2023, 6, 1),
        5,
    )));
    let least = [
        ("ssh-login success", 1200),
        ("ssh-login failure", 200),
        ("sudo", 100),
        ("cron-run", 250),
        ("exec", 300),
        ("connect", 300),
        ("dns-query", 5000),
        ("dns-answer", 500),
        ("tcp-flow", 5000),
        ("tcp-attempts", 6),
        ("udp-flow", 2),
        ("http-request", 300),
        ("container-created", 50),
        ("container-started", 50),
        ("container-exited", 40),
        ("file-modified", 50),
        ("package-upgraded", 10),
        ("metric", 3000),
        ("process-listed", 50),
        ("socket-listed", 60),
        ("pod-listed", 10),
        ("shell-command", 50),
    ];
    let lacking: Vec<String> = least
        .iter()
        .filter(|(action, least)| counts.get(*action).is_none_or(|count| count < least))
        .map(|(action, least)| format!("{action}: {:?} of {least}", counts.get(*action)))
        .collect();
    assert!(
        lacking.is_empty(),
        "{}\nthere are {counts:#?}",
        lacking.join("\n")
    );
}

/// Nor is it deaf: the same estate with a true incident is told high, and about nothing else.
#[test]
fn a_true_incident_in_an_estate_is_told() {
    let plan = plan(9, chrono_tz::America::New_York, (2023, 5, 1), 4);
    let mut bundle = estate::make(&plan);
    assert_eq!(alarms(&analyze(&bundle)), [""; 0]);
    estate::incident::plant(&plan, &mut bundle);
    let made = analyze(&bundle);
    let told = list(&made.findings, "findings")
        .iter()
        .filter(|finding| severity(finding) > Severity::Medium);
    let told: Vec<String> = told.map(Value::to_string).collect();
    let about = |names: &[&str]| {
        let named = |text: &&String| names.iter().any(|name| text.contains(name));
        told.iter().filter(named).count()
    };
    let planted = [estate::incident::CONTAINER, estate::incident::STRANGER];
    assert!(about(&planted[..1]) >= 1, "{told:#?}");
    assert_eq!(about(&planted), told.len(), "{told:#?}");
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    let plan = plan(2, chrono_tz::Asia::Shanghai, (2024, 5, 1), 2);
    let (one, again) = (estate::make(&plan), estate::make(&plan));
    assert_eq!(one.files, again.files);
    let other = estate::make(&Plan { seed: 3, ..plan });
    assert_ne!(one.files, other.files);
}
