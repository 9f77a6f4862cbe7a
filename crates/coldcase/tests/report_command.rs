//! `coldcase report`: the same reports again from a case folder, and one over several cases.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::{check, coldcase};
use serde_json::Value;
use tempfile::TempDir;

fn succeed(folder: &Path, arguments: &[&str]) {
    let output = coldcase(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A night in which `address` guesses a password of `host`, and 10.0.0.1 and 127.0.0.1 log in.
fn night(folder: &Path, host: &str, address: &str, day: u32) {
    fs::create_dir_all(folder.join(host)).expect("folders");
    let mut log = String::new();
    for second in 0..40 {
        log.push_str(&format!("May {day:2} 03:00:{second:02} db sshd[{}]: Failed password for root from {address} port 4{second:02}0 ssh2\n", 100 + second));
    }
    log.push_str(&format!("May {day:2} 03:01:00 db sshd[999]: Accepted password for root from {address} port 5000 ssh2\n"));
    for from in ["10.0.0.1", "127.0.0.1"] {
        for second in 0..30 {
            log.push_str(&format!("May {day:2} 04:00:{second:02} db sshd[{}]: Failed password for root from {from} port 4{second:02}0 ssh2\n", 2000 + second));
        }
    }
    fs::write(folder.join(host).join("secure"), log).expect("writes");
    let toml = format!(
        "timezone = \"Asia/Shanghai\"\ncollected_at = \"2023-05-30T10:20:00+08:00\"\n[[host]]\nname = \"{host}\"\npath = \"{host}\"\naddresses = [\"10.1.1.{day}\"]\n[[host]]\nname = \"office-gw\"\npath = \"office-gw\"\naddresses = [\"10.0.0.1\"]\n"
    );
    fs::write(folder.join("case.toml"), toml).expect("writes");
}

/// Cases `a` and `b` of two nights by one address, `c` where the address only connects once.
fn cases() -> TempDir {
    let root = TempDir::new().expect("a folder");
    night(&root.path().join("evidence-a"), "db-01", "192.0.2.9", 7);
    night(&root.path().join("evidence-b"), "db-02", "192.0.2.9", 16);
    night(&root.path().join("evidence-c"), "db-03", "198.51.100.4", 25);
    let log = root.path().join("evidence-c/db-03/secure");
    let more = read(&log)
        + "May 25 05:00:00 db sshd[77]: Failed password for eve from 192.0.2.9 port 4000 ssh2\n";
    fs::write(log, more).expect("writes");
    for case in ["a", "b", "c"] {
        let (evidence, case) = (format!("evidence-{case}"), format!("cases/{case}"));
        succeed(root.path(), &["analyze", &evidence, "-o", &case, "-q"]);
    }
    root
}

#[test]
fn reports_come_again_byte_for_byte() {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    let incidents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/incidents");
    for (incident, lang) in [("docker-miner", "en"), ("dns-origin", "zh")] {
        let bundle = incidents.join(incident).join("bundle.tar.gz");
        let bundle = bundle.to_str().expect("UTF-8");
        succeed(
            at,
            &["analyze", bundle, "-o", incident, "-q", "--lang", lang],
        );
        let case = at.join(incident);
        let names = ["report.html", "report.md"];
        let before = names.map(|name| read(&case.join(name)));
        let findings = read(&case.join("findings.json"));
        for name in names {
            fs::remove_file(case.join(name)).expect("removes");
        }
        succeed(at, &["report", incident, "--lang", lang]);
        let after = names.map(|name| read(&case.join(name)));
        assert!(before == after, "{incident}: the reports differ");
        assert_eq!(read(&case.join("findings.json")), findings);
        assert!(
            findings.contains("\"high\""),
            "there is something to report"
        );
    }
}

#[test]
fn a_batch_shows_what_cases_share() {
    let root = cases();
    let at = root.path();
    succeed(
        at,
        &["report", "cases/a", "cases/b", "cases/c", "-o", "batch"],
    );
    let text = read(&at.join("batch/batch.md"));
    for part in [
        "3 cases, 3 with an incident",
        "| a | high | 2023-05-06T19:00:00Z to ",
        "### addresses",
        "| 192.0.2.9 | a | 2023-05-06T19:00:00Z to 2023-05-06T19:01:00Z | ",
        "ssh-auth (high)",
        "|  | c | 2023-05-24T21:00:00Z | ",
        "records in the timeline: 41",
        "Left out as common by nature: ",
        "127.0.0.1",
        "address of office-gw; a gateway by its name: others may be behind it; private address: may be another machine",
        "| 2023-05 | 3 | a, b, c |",
        "| 2023-W18 | 1 | a |",
        "| 2023-W21 | 1 | c |",
        "| ssh-auth | 3 | a, b, c |",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        !text.contains("| 198.51.100.4 |"),
        "one case alone has it\n{text}"
    );
    assert!(
        !text.contains("| 127.0.0.1 |") && !text.contains("| root |"),
        "{text}"
    );
    let page = read(&at.join("batch/batch.html"));
    for part in [
        "Content-Security-Policy",
        "default-src 'none'",
        "192.0.2.9",
        "<svg",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    // The order of the cases does not matter, nor does a second run.
    succeed(
        at,
        &["report", "cases/c", "cases/b", "cases/a", "-o", "again"],
    );
    assert_eq!(read(&at.join("again/batch.md")), text);
    assert_eq!(read(&at.join("again/batch.html")), page);
    succeed(
        at,
        &["report", "cases/a", "cases/b", "-o", "zh", "--lang", "zh"],
    );
    let chinese = read(&at.join("zh/batch.md"));
    assert!(
        chinese.contains("共同点") && chinese.contains("192.0.2.9"),
        "{chinese}"
    );
    assert!(read(&at.join("zh/batch.html")).contains("<html lang=\"zh-CN\">"));
}

#[test]
fn hostile_names_do_nothing() {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    let nasty = "<img src=x onerror=y>|`\u{202e}";
    for (case, day) in [("a", 7), ("b", 8)] {
        night(
            &at.join(format!("evidence-{case}")),
            nasty,
            "192.0.2.9",
            day,
        );
        let evidence = format!("evidence-{case}");
        succeed(
            at,
            &["analyze", &evidence, "-o", &format!("{case}<script>"), "-q"],
        );
    }
    succeed(at, &["report", "a<script>", "b<script>", "-o", "batch"]);
    let page = read(&at.join("batch/batch.html"));
    assert!(page.contains("a&lt;script&gt;"), "the case is named");
    assert!(page.contains("&lt;img src=x"), "the host is named");
    for nasty in ["<script", "<img", "\u{202e}"] {
        assert!(!page.contains(nasty), "{nasty:?}");
    }
    let text = read(&at.join("batch/batch.md"));
    let bare = text
        .match_indices('<')
        .filter(|(at, _)| !text[..*at].ends_with('\\'));
    assert_eq!(bare.count(), 0, "{text}");
    assert!(
        text.contains("192.0.2.9") && !text.contains('\u{202e}'),
        "{text}"
    );
}

#[test]
fn cases_of_one_name_are_told_apart() {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    night(&at.join("evidence"), "db-01", "192.0.2.9", 7);
    for case in ["monday/case", "tuesday/case"] {
        fs::create_dir_all(at.join(case)).expect("folders");
        succeed(at, &["analyze", "evidence", "-o", case, "-q"]);
    }
    succeed(
        at,
        &["report", "monday/case", "tuesday/case", "-o", "batch"],
    );
    let text = read(&at.join("batch/batch.md"));
    assert!(
        text.contains("| monday/case |") && text.contains("| tuesday/case |"),
        "{text}"
    );
    assert!(
        text.contains("## The same files") && text.contains("monday/case: db-01/secure"),
        "{text}"
    );
    check(
        &coldcase(
            at,
            &["report", "monday/case", "monday/../monday/case", "-o", "x"],
        ),
        1,
        "given twice",
    );
}

#[test]
fn wrong_calls_say_what_to_do() {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    night(&at.join("evidence"), "db-01", "192.0.2.9", 7);
    succeed(at, &["analyze", "evidence", "-o", "case", "-q"]);
    check(&coldcase(at, &["report", "case", "case"]), 2, "-o FOLDER");
    check(&coldcase(at, &["report"]), 2, "");
    check(
        &coldcase(at, &["report", "nowhere"]),
        1,
        "give a folder that `coldcase analyze` wrote",
    );
    check(
        &coldcase(at, &["report", "case", "-o", "evidence/out"]),
        1,
        "never written to",
    );
    assert!(!at.join("evidence/out").exists());
    let findings = at.join("case/findings.json");
    let text = read(&findings);
    let report = read(&at.join("case/report.html"));
    for (wrong, message) in [
        (
            text.replace("findings/1", "findings/9"),
            "coldcase.findings/9",
        ),
        (text.replace("\"high\"", "\"highest\""), "highest"),
        (text[..text.len() / 2].to_owned(), "findings.json"),
    ] {
        fs::write(&findings, wrong).expect("writes");
        check(&coldcase(at, &["report", "case"]), 1, message);
    }
    fs::write(&findings, text).expect("writes");
    let path = at.join("case/case.json");
    let mut case: Value = serde_json::from_str(&read(&path)).expect("JSON");
    case.as_object_mut().expect("an object").remove("timezone");
    fs::write(&path, case.to_string()).expect("writes");
    check(
        &coldcase(at, &["report", "case"]),
        1,
        "`timezone` is missing or not known",
    );
    assert_eq!(
        read(&at.join("case/report.html")),
        report,
        "the old report stays"
    );
}
