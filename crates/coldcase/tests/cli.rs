//! The program as its users call it: exit codes, messages, what is written where.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use program::coldcase;
use serde_json::Value;
use tempfile::TempDir;

/// A bundle: a host whose log shows a guessed password, and files that are damaged, foreign or empty.
fn bundle() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let host = folder.path().join("evidence/db-07");
    fs::create_dir_all(&host).expect("folders");
    let mut log = String::new();
    for second in 0..40 {
        log.push_str(&format!("May  7 03:00:{second:02} db sshd[{}]: Failed password for root from 192.0.2.9 port 4{second:02}0 ssh2\n", 100 + second));
    }
    log.push_str(
        "May  7 03:01:00 db sshd[999]: Accepted password for root from 192.0.2.9 port 5000 ssh2\n",
    );
    fs::write(host.join("secure"), log).expect("writes");
    fs::write(host.join("empty"), "").expect("writes");
    fs::write(
        host.join("noise.bin"),
        (0..9000u32)
            .map(|at| (at * 7919 % 251) as u8)
            .collect::<Vec<_>>(),
    )
    .expect("writes");
    fs::write(
        host.join("cut.json"),
        "[{\"Id\": \"ab\", \"Name\": \"/x\", \"State\": {\"Stat",
    )
    .expect("writes");
    folder
}

const WHEN: [&str; 4] = [
    "--collected-at",
    "2023-05-12T10:20:00+08:00",
    "--timezone",
    "Asia/Shanghai",
];

fn analyze(folder: &Path, more: &[&str]) -> Output {
    coldcase(
        folder,
        &[
            &["analyze", "evidence", "-o", "case"],
            WHEN.as_slice(),
            more,
        ]
        .concat(),
    )
}

fn check(output: &Output, code: i32, said: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(said), "{error}");
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn the_main_job_writes_a_case_and_says_the_answer() {
    let folder = bundle();
    let output = analyze(folder.path(), &[]);
    check(&output, 0, "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("192.0.2.9 guessed its way into db-07"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
    let case = folder.path().join("case");
    for file in [
        "case.json",
        "findings.json",
        "report.md",
        "timeline/part-00000.parquet",
    ] {
        assert!(case.join(file).exists(), "{file}");
    }
    let case = json(&case.join("case.json"));
    let input = |name: &str| {
        case["inputs"]
            .as_array()
            .expect("inputs")
            .iter()
            .find(|one| {
                one["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with(name))
            })
            .cloned()
            .expect("an input")
    };
    assert_eq!(input("secure")["records"], 41);
    assert_eq!(input("secure")["sha256"].as_str().map(str::len), Some(64));
    assert!(input("noise.bin")["format"].is_null() && input("empty")["format"].is_null());
    let cut = input("cut.json");
    assert!(
        cut["format"].is_null()
            || cut["warnings"]
                .as_array()
                .is_some_and(|all| !all.is_empty()),
        "{cut}"
    );
}

#[test]
fn wrong_calls_say_what_to_do() {
    let folder = bundle();
    let at = folder.path();
    check(
        &coldcase(at, &["analyze", "nowhere", "-o", "case"]),
        1,
        "nowhere: no such file or folder; give the folder",
    );
    fs::create_dir(at.join("void")).expect("a folder");
    check(
        &coldcase(at, &["analyze", "void", "-o", "case"]),
        1,
        "holds no file",
    );
    check(
        &coldcase(at, &["analyze", "evidence", "-o", "evidence/case"]),
        1,
        "choose a folder outside",
    );
    check(
        &coldcase(at, &["analyze", "evidence", "-o", "evidence/../evidence/x"]),
        1,
        "choose a folder outside",
    );
    check(
        &coldcase(
            at,
            &[
                "analyze",
                "evidence",
                "-o",
                "case",
                "--timezone",
                "Mars/Base",
            ],
        ),
        2,
        "use an IANA name",
    );
    check(
        &coldcase(
            at,
            &[
                "analyze",
                "evidence",
                "-o",
                "case",
                "--collected-at",
                "yesterday",
            ],
        ),
        2,
        "RFC 3339",
    );
    check(
        &coldcase(
            at,
            &["analyze", "evidence", "-o", "case", "--only", "nonsense"],
        ),
        2,
        "coldcase formats",
    );
    check(
        &coldcase(
            at,
            &["analyze", "evidence", "-o", "case", "--ioc", "none.txt"],
        ),
        1,
        "none.txt: can't be read",
    );
    check(
        &coldcase(at, &["timeline", "evidence", "-o", "timeline.txt"]),
        2,
        ".parquet, .csv or .jsonl",
    );
    check(
        &coldcase(at, &["explain", "nonsense"]),
        1,
        "no format or correlator",
    );
    assert_eq!(
        fs::read_dir(at.join("evidence")).expect("a folder").count(),
        1,
        "the evidence stays as it was"
    );
}

#[test]
fn files_without_events_are_told_from_evidence_without_findings() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("noise"), [0, 1, 2, 0xff]).expect("writes");
    let output = coldcase(folder.path(), &["analyze", "noise", "-o", "case"]);
    check(&output, 0, "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("nothing could be looked for"), "{said}");
    assert!(said.contains("Not recognised, not used: noise"), "{said}");
}

#[test]
fn evidence_that_changed_is_told() {
    let folder = bundle();
    check(&analyze(folder.path(), &[]), 0, "");
    let same = coldcase(folder.path(), &["verify", "case"]);
    check(&same, 0, "");
    let said = String::from_utf8_lossy(&same.stdout).into_owned();
    assert!(said.contains("4 inputs as they were, 0 not"), "{said}");
    let host = folder.path().join("evidence/db-07");
    let mut log = fs::read(host.join("secure")).expect("reads");
    log[100] ^= 1;
    fs::write(host.join("secure"), log).expect("writes");
    fs::remove_file(host.join("empty")).expect("removes");
    fs::write(host.join("other"), "x").expect("writes");
    let other = coldcase(folder.path(), &["verify", "case"]);
    check(&other, 1, "");
    let said = String::from_utf8_lossy(&other.stdout).into_owned();
    for line in [
        "changed     db-07/secure",
        "missing     db-07/empty",
        "new         db-07/other",
        "2 inputs as they were, 3 not",
    ] {
        assert!(said.contains(line), "{said}");
    }
    fs::rename(folder.path().join("evidence"), folder.path().join("moved")).expect("moves");
    check(
        &coldcase(folder.path(), &["verify", "case"]),
        1,
        "if the evidence was moved",
    );
    check(
        &coldcase(folder.path(), &["verify", "case", "moved"]),
        1,
        "",
    );
    check(
        &coldcase(folder.path(), &["verify", "moved"]),
        1,
        "case.json",
    );
}

#[test]
fn addresses_and_names_are_told_with_their_times() {
    let folder = TempDir::new().expect("a folder");
    let pods = "NAMESPACE   NAME     READY   STATUS    RESTARTS   AGE   IP           NODE     NOMINATED NODE   READINESS GATES\n\
                prod        web-0    1/1     Running   0          2d    10.244.1.7   node-1   <none>           <none>\n";
    fs::write(folder.path().join("pods.txt"), pods).expect("writes");
    let collected = ["--collected-at", "2023-05-12T10:00:00Z"];
    let made = ["analyze", "pods.txt", "-o", "case"];
    check(
        &coldcase(folder.path(), &[&made[..], &collected].concat()),
        0,
        "",
    );
    let says = |arguments: &[&str], said: &[&str]| {
        let output = coldcase(folder.path(), &[&["whois", "case"], arguments].concat());
        check(&output, 0, "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for said in said {
            assert!(text.contains(said), "{said}: {text}");
        }
    };
    says(
        &["10.244.1.7"],
        &["10.244.1.7: pod prod/web-0", "2023-05-10", "pods.txt:2"],
    );
    says(
        &["10.244.1.7", "--at", "2023-05-12T09:00:00+00:00"],
        &["pod prod/web-0"],
    );
    says(
        &["10.244.1.7", "--at", "2023-05-01T09:00:00Z"],
        &[
            "unknown: it is known at other times only",
            "at another time: pod prod/web-0",
        ],
    );
    says(
        &["10.9.9.9"],
        &["unknown: nothing in the case says who has it"],
    );
    says(&["web-0"], &["10.244.1.7", "pod prod/web-0 on node-1"]);
    says(&["web-9"], &["no host, pod or container of this name"]);
}

#[test]
fn fail_on_tells_by_the_exit_code() {
    let folder = bundle();
    check(&analyze(folder.path(), &["--fail-on", "high"]), 3, "");
    check(&analyze(folder.path(), &["--fail-on", "critical"]), 0, "");
    let quiet = analyze(folder.path(), &["-q"]);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}

#[test]
fn threads_and_names_change_nothing() {
    let folder = bundle();
    let findings = |threads: &str| {
        check(&analyze(folder.path(), &["--threads", threads]), 0, "");
        fs::read(folder.path().join("case/findings.json")).expect("findings")
    };
    assert_eq!(findings("1"), findings("4"));
}

#[test]
#[cfg(unix)]
fn links_and_pipes_are_named_and_not_followed() {
    let folder = bundle();
    let host = folder.path().join("evidence/db-07");
    std::os::unix::fs::symlink("/etc/passwd", host.join("link")).expect("a link");
    let made = Command::new("mkfifo").arg(host.join("pipe")).status();
    check(&analyze(folder.path(), &[]), 0, "");
    let case = json(&folder.path().join("case/case.json"));
    let warned = |name: &str| {
        let inputs = case["inputs"].as_array().expect("inputs");
        inputs
            .iter()
            .any(|one| one["path"] == format!("db-07/{name}") && one["warnings"][0].is_string())
    };
    assert!(warned("link"));
    assert!(made.is_err() || warned("pipe"));
}

#[test]
fn an_archive_is_as_good_as_its_folder() {
    let folder = bundle();
    check(&analyze(folder.path(), &[]), 0, "");
    let expected = json(&folder.path().join("case/findings.json"));
    let made = Command::new("tar")
        .current_dir(folder.path())
        .args(["-czf", "e.tar.gz", "-C", "evidence", "."])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    check(
        &coldcase(
            folder.path(),
            &[&["analyze", "e.tar.gz", "-o", "packed"], WHEN.as_slice()].concat(),
        ),
        0,
        "",
    );
    assert_eq!(json(&folder.path().join("packed/findings.json")), expected);
}

#[test]
fn timelines_are_exported_sorted() {
    let folder = bundle();
    for name in ["t.csv", "t.jsonl", "t.parquet"] {
        check(
            &coldcase(
                folder.path(),
                &[&["timeline", "evidence", "-o", name], WHEN.as_slice()].concat(),
            ),
            0,
            "",
        );
    }
    let csv = fs::read_to_string(folder.path().join("t.csv")).expect("a file");
    let times: Vec<&str> = csv
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .filter(|ts| !ts.is_empty())
        .collect();
    assert!(times.len() >= 41 && times.is_sorted(), "{times:?}");
    let arguments = [
        &[
            "timeline",
            "evidence",
            "-o",
            "sketch.csv",
            "--profile",
            "timesketch",
        ],
        WHEN.as_slice(),
    ]
    .concat();
    check(&coldcase(folder.path(), &arguments), 0, "");
    let sketch = fs::read_to_string(folder.path().join("sketch.csv")).expect("a file");
    assert!(
        sketch.starts_with("datetime,timestamp_desc,"),
        "{}",
        sketch.lines().next().unwrap_or_default()
    );
    assert!(sketch.contains("2023-05-06T19:00:00.000000+00:00"));
}

#[test]
fn a_finding_is_explained_down_to_its_records() {
    let folder = bundle();
    check(&analyze(folder.path(), &[]), 0, "");
    let findings = json(&folder.path().join("case/findings.json"));
    let id = findings["findings"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let output = coldcase(folder.path(), &["explain", "case", &id]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("db-07/secure:41") && text.contains("Accepted password for root"),
        "{text}"
    );
}

#[test]
fn what_the_arguments_get_wrong_is_told_before_anything_is_read() {
    let folder = bundle();
    let wrong: [(&[&str], &str); 6] = [
        (&["analyze", "evidence"], "--output"),
        (&["analyze", "-o", "case"], "BUNDLE"),
        (
            &["analyze", "evidence", "-o", "case", "--threads", "0"],
            "0",
        ),
        (
            &["analyze", "evidence", "-o", "case", "--fail-on", "bad"],
            "critical, high",
        ),
        (
            &["timeline", "evidence", "-o", "t"],
            ".parquet, .csv or .jsonl",
        ),
        (
            &[
                "timeline",
                "evidence",
                "-o",
                "t.parquet",
                "--profile",
                "timesketch",
            ],
            "use .csv or .jsonl",
        ),
    ];
    for (arguments, said) in wrong {
        let output = coldcase(folder.path(), arguments);
        check(&output, 2, said);
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "nothing but the evidence");
}

#[test]
fn colours_come_when_asked_for() {
    let folder = bundle();
    let coloured = |choice: &str| {
        let output = analyze(folder.path(), &["--color", choice]);
        check(&output, 0, "");
        output.stdout.contains(&0x1b)
    };
    assert!(coloured("always"));
    assert!(!coloured("never") && !coloured("auto"));
}

#[test]
fn json_lines_hold_the_contract_s_columns() {
    let folder = bundle();
    let export = |name: &str, more: &[&str]| {
        let arguments = [
            &["timeline", "evidence", "-q", "-o", name],
            WHEN.as_slice(),
            more,
        ];
        let output = coldcase(folder.path(), &arguments.concat());
        check(&output, 0, "");
        assert!(output.stdout.is_empty());
        let text = fs::read_to_string(folder.path().join(name)).expect("a file");
        let rows = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        rows.collect::<Vec<Value>>()
    };
    let rows = export("t.jsonl", &[]);
    let logins: Vec<_> = rows
        .iter()
        .filter(|row| row["action"] == "ssh-login")
        .collect();
    assert_eq!(logins.len(), 41);
    let last = logins.last().expect("a login");
    let cells = [
        ("ts", "2023-05-06T19:01:00Z"),
        ("ts_basis", "year-inferred"),
        ("host", "db-07"),
        ("format", "authlog"),
        ("outcome", "success"),
        ("src_ip", "192.0.2.9"),
        ("user", "root"),
        ("file", "db-07/secure"),
    ];
    for (name, value) in cells {
        assert_eq!(last[name], value, "{name}");
    }
    assert_eq!((&last["line"], &last["pid"]), (&41.into(), &999.into()));
    let sketch = export("s.jsonl", &["--profile", "timesketch"]);
    for row in &sketch {
        for name in ["message", "datetime", "timestamp_desc"] {
            assert!(row[name].is_string(), "{name}: {row}");
        }
    }
}
