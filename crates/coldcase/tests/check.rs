//! `coldcase check`: a corpus with incidents that are as expected, that differ and that are broken.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::coldcase;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use tempfile::TempDir;

fn check(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let output = coldcase(folder, &[&["check", "corpus"], more].concat());
    (
        output.status.code().expect("a code"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// A password guessed on `host` by 192.0.2.9, at the 41st try.
fn guessed(bundle: &Path, host: &str) {
    let folder = bundle.join(host);
    fs::create_dir_all(&folder).expect("folders");
    let mut log = String::new();
    for second in 0..40 {
        log.push_str(&format!("May  7 03:00:{second:02} {host} sshd[{}]: Failed password for root from 192.0.2.9 port 4{second:02}0 ssh2\n", 100 + second));
    }
    log.push_str(&format!("May  7 03:01:00 {host} sshd[999]: Accepted password for root from 192.0.2.9 port 5000 ssh2\n"));
    fs::write(folder.join("secure"), log).expect("writes");
}

fn options() -> Value {
    json!({"timezone": "Asia/Shanghai", "collected_at": "2023-05-12T10:20:00+08:00"})
}

fn expect(incident: &Path, expected: &Value) {
    fs::create_dir_all(incident).expect("folders");
    fs::write(incident.join("expected.json"), expected.to_string()).expect("writes");
}

/// What is right of [`guessed`], at times of a year and zone that only the options tell.
fn right() -> Value {
    json!({
        "schema": "coldcase.expected/1",
        "options": options(),
        "findings": [{
            "correlator": "ssh-auth",
            "subjects": ["192.0.2.9"],
            "severity": {"at_least": "high"},
            "facts": {
                "pattern": "brute-force-success", "failures": {"about": 41, "within": 1}, "successes": 1, "users": ["root"],
                "first": {"about": "2023-05-06T19:00:00Z", "within_seconds": 2},
            },
        }],
        "absent_findings": [{"correlator": "ssh-auth", "subjects": [{"value": {"starts_with": "10."}}], "why": "the ops network"}],
        "no_finding_at_or_above": "critical",
    })
}

/// Four incidents: as expected, different, broken, without expectations.
fn corpus() -> TempDir {
    let root = TempDir::new().expect("a folder");
    let at = |name: &str| root.path().join("corpus").join(name);
    guessed(&at("deep/er/good/bundle"), "db-07");
    expect(&at("deep/er/good"), &right());
    guessed(&at("differs/bundle"), "db-08");
    let mut wrong = right();
    wrong["findings"][0]["facts"]["failures"] = json!({"at_least": 50});
    wrong["findings"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"correlator": "scan", "facts": {"src_ip": "192.0.2.9"}}));
    wrong["absent_findings"][0] = json!({"correlator": "ssh-auth", "severity": {"at_least": "high"}, "why": "the <b>monitoring</b>\u{1b}[31m"});
    expect(&at("differs"), &wrong);
    expect(&at("broken"), &right());
    fs::write(
        at("broken").join("bundle.tar.gz"),
        b"\x1f\x8b\x08\x00no archive",
    )
    .expect("writes");
    guessed(&at("new/bundle"), "db-09");
    root
}

#[test]
fn each_incident_is_told_with_what_differs() {
    let root = corpus();
    let (code, out, _) = check(root.path(), &[]);
    assert_eq!(code, 1, "{out}");
    for text in [
        "ok    deep/er/good: 3 as expected",
        "FAIL  differs: 3 of 4 not as expected",
        "finding ssh-auth 192.0.2.9: 1 value differs",
        "facts.failures: expected at least 50, found 40",
        "nearest   high ssh-auth-",
        "finding scan 192.0.2.9: missing: no finding of this correlator; found were ",
        "why       the <b>monitoring</b>\\u{1b}[31m",
        "ERROR new: corpus/new/expected.json: is missing; `--bless` writes it",
        "4 incidents: 1 as expected, 1 different, 2 not checked",
    ] {
        assert!(out.contains(text), "{text}\n{out}");
    }
    assert!(out.contains("ERROR broken: "), "{out}");
    let (code, out, _) = check(root.path(), &["--only", "good"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("1 incidents: 1 as expected"), "{out}");
    let (code, out, _) = check(root.path(), &["-v", "--only", "deep/er/good"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("ok no finding ssh-auth …10.…"), "{out}");
    let (code, out, _) = check(root.path(), &["-q", "--only", "good"]);
    assert_eq!((code, out.as_str()), (0, ""));
}

#[test]
fn jobs_change_nothing() {
    let root = corpus();
    let run = |jobs: &str| {
        let (_, out, _) = check(root.path(), &["--jobs", jobs, "--junit", "report.xml"]);
        let xml = fs::read_to_string(root.path().join("report.xml")).expect("a report");
        // The clock alone may differ.
        let lines = xml
            .lines()
            .map(|line| match line.split_once(" timestamp=") {
                Some((before, _)) => before.to_owned(),
                None => line.to_owned(),
            });
        (out, lines.collect::<Vec<_>>())
    };
    assert_eq!(run("1"), run("4"));
}

/// Attributes of an element.
fn attribute(element: &quick_xml::events::BytesStart<'_>, name: &str) -> Option<String> {
    let all = element.attributes().map(|one| one.expect("an attribute"));
    let mut found = all.filter(|one| one.key.as_ref() == name.as_bytes());
    let value = found.next()?.value;
    Some(String::from_utf8(value.into_owned()).expect("UTF-8"))
}

#[test]
fn junit_is_sound_and_counts_right() {
    let root = corpus();
    check(root.path(), &["--junit", "report.xml"]);
    let xml = fs::read_to_string(root.path().join("report.xml")).expect("a report");
    let allowed = |character: char| character >= ' ' || character == '\n' || character == '\t';
    assert!(xml.chars().all(allowed), "no control characters");
    assert!(!xml.contains("<b>"), "evidence is escaped");
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().check_end_names = true;
    let (mut suites, mut cases, mut failures, mut errors) = (Vec::new(), 0, 0, 0);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                b"testsuite" => {
                    for name in ["id", "package", "timestamp", "hostname", "time"] {
                        assert!(attribute(&element, name).is_some(), "{name} is required");
                    }
                    let count = |name: &str| {
                        attribute(&element, name)
                            .expect("a count")
                            .parse::<usize>()
                            .expect("a number")
                    };
                    suites.push((
                        attribute(&element, "name").expect("a name"),
                        count("tests"),
                        count("failures"),
                        count("errors"),
                    ));
                }
                b"testcase" => {
                    assert!(attribute(&element, "classname").is_some());
                    cases += 1;
                }
                b"failure" => failures += 1,
                b"error" => errors += 1,
                _ => {}
            },
            _ => {}
        }
    }
    let name = |text: &str| text.to_owned();
    assert_eq!(
        suites,
        [
            (name("broken"), 1, 0, 1),
            (name("deep/er/good"), 3, 0, 0),
            (name("differs"), 4, 3, 0),
            (name("new"), 1, 0, 1)
        ]
    );
    assert_eq!((cases, failures, errors), (9, 3, 2));
}

#[test]
fn blessed_expectations_are_met_and_show_what_changed() {
    let root = corpus();
    let read = |name: &str| -> Value {
        let path = root.path().join("corpus").join(name).join("expected.json");
        serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
    };
    let (good, broken) = (read("deep/er/good"), read("broken"));
    let (code, out, _) = check(root.path(), &["--bless"]);
    assert_eq!(code, 1, "a broken bundle can't be blessed: {out}");
    for text in [
        "ok    new: ",
        "blessed: written from what was found",
        "blessed: finding ssh-auth 192.0.2.9 facts.failures: {\"at_least\":50} -> 40",
        "blessed: removed: finding scan 192.0.2.9",
        "blessed: removed: no finding ssh-auth: high ssh-auth-",
    ] {
        assert!(out.contains(text), "{text}\n{out}");
    }
    assert_eq!(
        read("deep/er/good"),
        good,
        "what is met stays as it is written"
    );
    assert_eq!(read("broken"), broken);
    let new = read("new");
    assert_eq!(new["schema"], "coldcase.expected/1");
    assert_eq!(new["findings"][0]["correlator"], "ssh-auth");
    assert_eq!(new["findings"][0]["facts"]["failures"], 40);
    assert_eq!(new["no_finding_at_or_above"], "critical");
    let differs = read("differs");
    assert_eq!(differs["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        differs["findings"][0]["facts"]["successes"], 1,
        "what was met stays"
    );
    let (code, out, _) = check(root.path(), &["--only", "new,differs,good"]);
    assert_eq!(code, 0, "{out}");
    // The blessed expectations notice a change of the evidence.
    let log = root.path().join("corpus/new/bundle/db-09/secure");
    let text = fs::read_to_string(&log).expect("a log");
    fs::write(
        &log,
        text.replacen("Failed password", "Connection closed", 3),
    )
    .expect("writes");
    let (code, out, _) = check(root.path(), &["--only", "new"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("facts.failures: expected 40, found 37"),
        "{out}"
    );
}

#[test]
fn what_no_expectation_lists_is_noticed_and_blessed() {
    let root = TempDir::new().expect("a folder");
    let incident = root.path().join("corpus/one");
    guessed(&incident.join("bundle"), "db-07");
    expect(
        &incident,
        &json!({"options": options(), "no_other_finding_at_or_above": "high", "no_finding_at_or_above": "medium"}),
    );
    let (code, out, _) = check(root.path(), &[]);
    assert_eq!(code, 1);
    assert!(
        out.contains("no other finding at or above high: 1 found"),
        "{out}"
    );
    let (code, out, _) = check(root.path(), &["--bless"]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("blessed: added: finding ssh-auth 192.0.2.9"),
        "{out}"
    );
    assert!(
        out.contains("blessed: no_finding_at_or_above: medium -> critical"),
        "{out}"
    );
}

#[test]
fn wrong_calls_and_expectations_say_what_to_do() {
    let root = corpus();
    let at = root.path();
    let (code, _, error) = check(at, &["--only", "god"]);
    assert_eq!(code, 2);
    assert!(
        error.contains("god: the corpus has no such incident"),
        "{error}"
    );
    assert_eq!(check(at, &["--jobs", "0"]).0, 2);
    assert_eq!(check(at, &["--junit", "no/such/folder.xml"]).0, 1);
    let nowhere = coldcase(at, &["check", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1));
    fs::create_dir(at.join("void")).expect("a folder");
    let void = coldcase(at, &["check", "void"]);
    assert_eq!(void.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&void.stderr).contains("void: holds no incident; one is a folder")
    );
    let expected = at.join("corpus/deep/er/good/expected.json");
    for (text, message) in [
        ("{\"findings\": [", "expected.json: not JSON: EOF"),
        (
            "{\"findigs\": []}",
            "expected.json: unknown key `findigs`; did you mean `findings`?",
        ),
        (
            "{\"options\": {\"ioc\": [\"gone.txt\"]}}",
            "gone.txt: can't be read",
        ),
    ] {
        fs::write(&expected, text).expect("writes");
        let (code, out, _) = check(at, &["--only", "good"]);
        assert_eq!(code, 1, "{out}");
        assert!(
            out.contains("ERROR deep/er/good: ") && out.contains(message),
            "{message}\n{out}"
        );
        assert_eq!(check(at, &["--bless", "--only", "good"]).0, 1);
        assert_eq!(
            fs::read_to_string(&expected).expect("there"),
            text,
            "what can't be read is not overwritten"
        );
    }
}
