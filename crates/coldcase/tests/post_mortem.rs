//! `coldcase report CASE --post-mortem`: a draft that people finish.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::{check, coldcase};
use serde_json::Value;
use tempfile::TempDir;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A recorded incident, analysed into `case`.
fn case(incident: &str) -> TempDir {
    let root = TempDir::new().expect("a folder");
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/incidents")
        .join(incident)
        .join("bundle.tar.gz");
    let bundle = bundle.to_str().expect("UTF-8");
    check(
        &coldcase(root.path(), &["analyze", bundle, "-o", "case", "-q"]),
        0,
        "",
    );
    root
}

/// Cells of a table's row; escaped bars are no borders.
fn cells(row: &str) -> usize {
    row.replace("\\\\", "")
        .replace("\\|", "")
        .matches('|')
        .count()
}

/// The post-mortem of a recorded incident: its parts in order, tables whole, times in order, and all hashes.
fn well_formed(root: &Path, lang: &str, headings: &[&str]) -> String {
    let output = format!("{lang}.md");
    check(
        &coldcase(
            root,
            &[
                "report",
                "case",
                "--post-mortem",
                "-o",
                &output,
                "--lang",
                lang,
            ],
        ),
        0,
        "",
    );
    let text = read(&root.join(output));
    let found: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(found, headings);
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2) {
        if pair[0].starts_with('|') && pair[1].starts_with('|') {
            assert_eq!(cells(pair[0]), cells(pair[1]), "{}\n{}", pair[0], pair[1]);
        }
    }
    let timeline = text.split("## ").find(|part| part.contains("| UTC |"));
    let times: Vec<&str> = timeline
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("| 2")?.split(' ').next())
        .collect();
    let seconds: Vec<&str> = times.iter().map(|time| &time[..18]).collect();
    assert!(
        seconds.is_sorted() && (times.len() > 3 || timeline.is_none()),
        "{times:?}"
    );
    let case: Value = serde_json::from_str(&read(&root.join("case/case.json"))).expect("JSON");
    for input in case["inputs"].as_array().expect("inputs") {
        assert!(
            text.contains(input["sha256"].as_str().expect("a hash")),
            "{input}"
        );
    }
    text
}

const ENGLISH: [&str; 10] = [
    "Summary",
    "Impact",
    "Cause",
    "Timeline",
    "How it ended, and what was done",
    "Key findings",
    "Evidence",
    "What the evidence could not show",
    "Open questions",
    "Next commands",
];
const CHINESE: [&str; 10] = [
    "概要",
    "影响",
    "原因",
    "时间线",
    "如何结束，采取了哪些措施",
    "主要发现",
    "证据清单",
    "证据未能显示的",
    "待解问题",
    "后续命令",
];

#[test]
fn a_night_of_logins_is_told_from_first_to_last() {
    let root = case("ssh-window");
    let text = well_formed(root.path(), "en", &ENGLISH);
    for part in [
        "# Post-mortem: what caused the ssh logins from 10.20.8.41",
        "container **k8s\\_ocloud-osppro-remote-executor",
        "| when | 2023-03-28T16:00:05Z (2023-03-29T00:00:05+08:00) to 2023-05-10T19:55:57Z (2023-05-11T03:55:57+08:00) |",
        "| 2023-03-28T16:00:05Z | 2023-03-29T00:00:05+08:00 | sshd\\[322\\]: Failed password for root",
        "The files that show it go on until 2023-05-12T02:20:01Z",
        "| 2023-05-12T02:25:00Z | 2023-05-12T10:25:00+08:00 | the evidence was collected |",
        "- ss -antup of k8s-node-14: which process owns which connection",
        "  auditctl -a always,exit -F arch=b64 -S connect -k ssh-out",
        "**To fill in:** what was done, by whom and when",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    well_formed(root.path(), "zh", &CHINESE);
}

#[test]
fn miners_that_still_run_have_no_end() {
    let root = case("docker-miner");
    let text = well_formed(root.path(), "en", &ENGLISH);
    assert_eq!(text.matches("Whether it went on is not known").count(), 3);
    assert!(text.contains("  docker export 7bca04455c66 > /evidence/7bca04455c66.tar"));
    // A command of the evidence is not offered as one to run.
    assert!(!text.contains("```sh\n  sh /mac.sh"));
    well_formed(root.path(), "zh", &CHINESE);
}

#[test]
fn without_an_incident_only_the_evidence_is_listed() {
    let root = case("ssh-window-benign");
    let headings = [
        "Summary",
        "Evidence",
        "What the evidence could not show",
        "Open questions",
        "Next commands",
    ];
    let text = well_formed(root.path(), "en", &headings);
    assert!(text.contains("# Post-mortem: nothing of weight was found"));
}

#[test]
fn what_people_wrote_is_not_written_over() {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    fs::create_dir(at.join("evidence")).expect("writes");
    let log =
        "May  7 03:00:01 db sshd[1]: Failed password for root from 192.0.2.9 port 4000 ssh2\n";
    fs::write(at.join("evidence/secure"), log).expect("writes");
    let analyze = ["analyze", "evidence", "-o", "case", "-q"];
    check(&coldcase(at, &analyze), 0, "");
    let draft = ["report", "case", "--post-mortem"];
    check(&coldcase(at, &draft), 0, "");
    let file = at.join("case/post-mortem.md");
    let before = read(&file);
    check(&coldcase(at, &draft), 0, "");
    assert_eq!(read(&file), before, "the same again is no harm");
    fs::write(&file, before + "We pulled the plug at noon.\n").expect("writes");
    check(
        &coldcase(at, &draft),
        1,
        "may hold what people wrote; move it, or name another file with -o",
    );
    assert!(read(&file).contains("We pulled the plug"));
    check(
        &coldcase(at, &["report", "case", "--post-mortem", "-o", "other.md"]),
        0,
        "",
    );
    assert!(read(&at.join("other.md")).starts_with("# Post-mortem"));
    check(
        &coldcase(at, &["report", "case", "case", "--post-mortem"]),
        2,
        "name one",
    );
    check(
        &coldcase(
            at,
            &["report", "case", "--post-mortem", "-o", "evidence/pm.md"],
        ),
        1,
        "evidence",
    );
    check(
        &coldcase(
            at,
            &["report", "case", "--post-mortem", "-o", "no/such/pm.md"],
        ),
        1,
        "no/such/pm.md",
    );
    // A new run would take it with it, and is refused; a report made again leaves it alone.
    check(&coldcase(at, &analyze), 1, "post-mortem.md");
    check(&coldcase(at, &["report", "case"]), 0, "");
    assert!(read(&file).contains("We pulled the plug"));
}
