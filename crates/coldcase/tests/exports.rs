//! `coldcase timeline`: filters, and files for other programs.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;

use program::coldcase;
use serde_json::Value;
use tempfile::TempDir;

const LISTING: &str = "0|/etc/cron.d/=evil|15|r/rrw-r--r--|0|0|1024|1683427000|1683427100|1683427200|1683426000\n\
    d41d8cd98f00b204e9800998ecf8427e|/tmp/a b|16|r/rrwxr-xr-x|1000|100|0|0|1683427300|0|0\n";

/// A case with logins, files and a DNS query.
fn case() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let host = folder.path().join("evidence/db-07");
    fs::create_dir_all(&host).expect("folders");
    let log = "May  7 03:00:00 db sshd[100]: Failed password for root from 192.0.2.9 port 4000 ssh2\n\
        May  7 03:00:30 db sshd[101]: Accepted publickey for deploy from 2001:db8::7 port 4001 ssh2: ED25519 SHA256:abc\n\
        May  7 04:00:00 db app[7]: =cmd()|calc, \"quoted\"\n\
        May  7 05:00:00 db CRON[8]: (backup) CMD (/opt/backup.sh)\n";
    fs::write(host.join("secure"), log).expect("writes");
    fs::write(host.join("bodyfile.txt"), LISTING).expect("writes");
    let dns = "[INFO] 10.244.6.3:52892 - 38413 \"A IN update.example. udp 44 false 512\" NXDOMAIN qr,rd,ra 44 0.000100s\n";
    fs::write(host.join("coredns.log"), dns.repeat(3)).expect("writes");
    let arguments = [
        "analyze",
        "evidence",
        "-o",
        "case",
        "-q",
        "--timezone",
        "UTC",
        "--collected-at",
        "2023-05-12T10:20:00+08:00",
    ];
    let output = coldcase(folder.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    folder
}

/// Exports the case; what the program said, and the file.
fn export(folder: &TempDir, name: &str, more: &[&str]) -> (String, String) {
    let arguments = [&["timeline", "case", "-o", name], more].concat();
    let output = coldcase(folder.path(), &arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let said = String::from_utf8(output.stdout).expect("text");
    (
        said,
        fs::read_to_string(folder.path().join(name)).expect("a file"),
    )
}

fn rows(text: &str) -> Vec<Value> {
    let rows = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    rows.collect()
}

#[test]
fn filters_choose_rows_of_a_case_and_of_evidence_alike() {
    let folder = case();
    let times = [
        "--from",
        "2023-05-07T03:00:10Z",
        "--to",
        "2023-05-07T04:00:00Z",
    ];
    let check = |more: &[&str], expected: usize| {
        let (said, text) = export(&folder, "t.jsonl", more);
        assert_eq!(rows(&text).len(), expected, "{more:?}: {text}");
        assert!(
            said.starts_with(&format!("{expected} events in ")),
            "{said}"
        );
        let arguments = [
            &[
                "timeline",
                "evidence",
                "-o",
                "e.jsonl",
                "--timezone",
                "UTC",
                "--collected-at",
                "2023-05-12T10:20:00+08:00",
            ],
            more,
        ];
        assert!(
            coldcase(folder.path(), &arguments.concat())
                .status
                .success()
        );
        let from_evidence = fs::read_to_string(folder.path().join("e.jsonl")).expect("a file");
        assert_eq!(text, from_evidence, "{more:?}");
    };
    check(&["--format", "authlog"], 4);
    check(&[&["--format", "authlog"][..], &times].concat(), 2);
    check(&["--format", "authlog", "--format", "coredns"], 7);
    check(&["--grep", "sshd.*root", "--grep", "backup"], 2);
    check(&["--grep", "(?i)ACCEPTED", "--host", "db-07"], 1);
    check(
        &[
            "--host",
            "db-07",
            "--format",
            "authlog",
            "--grep",
            "no such words",
        ],
        0,
    );
}

#[test]
fn what_a_filter_leaves_out_is_said() {
    let folder = case();
    let (said, _) = export(&folder, "t.csv", &["--from", "2023-05-07T03:00:10Z"]);
    assert!(
        said.contains("3 events of the whole timeline have no time"),
        "{said}"
    );
    let (said, _) = export(&folder, "t.csv", &["--host", "db-7"]);
    assert!(
        said.contains("db-7: no event is of such a host, did you mean db-07?"),
        "{said}"
    );
    let wrong: [(&[&str], i32, &str); 8] = [
        (
            &["-o", "t.csv", "--format", "auth"],
            2,
            "did you mean authlog?",
        ),
        (
            &["-o", "t.csv", "--grep", "("],
            2,
            "not a regular expression",
        ),
        (&["-o", "t.csv", "--from", "2023-05-01"], 2, "RFC 3339"),
        (
            &[
                "-o",
                "t.csv",
                "--from",
                "2023-05-02T00:00:00Z",
                "--to",
                "2023-05-01T00:00:00Z",
            ],
            2,
            "swap them",
        ),
        (&["-o", "t.csv", "--timezone", "UTC"], 2, "is a case"),
        (
            &["-o", "case/timeline/x.parquet"],
            2,
            "choose another folder",
        ),
        (&["-o", "t.csv", "--profile", "ecs"], 2, "use .jsonl"),
        (&["-o", "none/t.csv"], 1, "make it first"),
    ];
    for (more, code, said) in wrong {
        let output = coldcase(folder.path(), &[&["timeline", "case"], more].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {text}");
        assert!(text.contains(said), "{more:?}: {text}");
    }
}

#[test]
fn documents_of_the_elastic_common_schema() {
    let folder = case();
    let (said, text) = export(&folder, "t.jsonl", &["--profile", "ecs"]);
    assert!(
        said.contains("3 events left out: they have no time"),
        "{said}"
    );
    let documents = rows(&text);
    let of = |action: &str| {
        let mut all = documents
            .iter()
            .filter(|one| one["event"]["action"] == action);
        all.next_back().expect(action)
    };
    for document in &documents {
        assert!(document["@timestamp"].is_string() && document["ecs"]["version"].is_string());
        assert_eq!(document["host"]["name"], "db-07");
        assert!(document["log"]["file"]["path"].is_string());
    }
    let login = of("ssh-login");
    let expected = [
        ("/@timestamp", "2023-05-07T03:00:30Z"),
        ("/event/category/0", "authentication"),
        ("/event/type/0", "start"),
        ("/event/outcome", "success"),
        ("/event/dataset", "coldcase.authlog"),
        ("/source/ip", "2001:db8::7"),
        ("/user/name", "deploy"),
    ];
    for (pointer, value) in expected {
        assert_eq!(
            login.pointer(pointer),
            Some(&value.into()),
            "{pointer}: {login}"
        );
    }
    assert_eq!(login["source"]["port"], 4001);
    let cron = of("cron-run");
    assert_eq!(cron["process"]["command_line"], "/opt/backup.sh");
    let file = of("file-modified");
    assert_eq!(file["file"]["path"], "/tmp/a b");
    assert_eq!(file["event"]["type"][0], "change");
}

#[test]
fn log2timeline_s_columns() {
    let folder = case();
    let (_, text) = export(&folder, "t.csv", &["--profile", "l2t"]);
    let mut lines = text.lines();
    let head = "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra";
    assert_eq!(lines.next(), Some(head));
    let all: Vec<&str> = lines.collect();
    let login = all
        .iter()
        .find(|line| line.contains("Failed password"))
        .expect("a login");
    assert!(
        login.starts_with("05/07/2023,03:00:00,UTC,....,LOG,authlog,ssh-login,root,db-07,"),
        "{login}"
    );
    assert!(login.contains("src_ip: 192.0.2.9"), "{login}");
    let undated = all
        .iter()
        .filter(|line| line.starts_with("00/00/0000,--:--:--,UTC,"));
    assert_eq!(undated.count(), 3);
    let modified = all
        .iter()
        .find(|line| line.contains(",M...,FILE,"))
        .expect("a file");
    assert!(modified.contains(",15,"), "{modified}");
}

#[test]
fn the_body_file_comes_back_as_it_went_in() {
    let folder = case();
    let (said, text) = export(&folder, "t.body", &["--profile", "bodyfile"]);
    assert_eq!(text, LISTING);
    assert!(
        said.starts_with("5 events in ") && said.contains("not about files"),
        "{said}"
    );
}

#[test]
fn no_cell_is_a_formula() {
    let folder = case();
    for more in [&[][..], &["--profile", "timesketch"], &["--profile", "l2t"]] {
        let (_, text) = export(&folder, "t.csv", more);
        let cells = text.lines().flat_map(|line| line.split(','));
        let bad: Vec<&str> = cells
            .map(|cell| cell.trim_start_matches('"'))
            .filter(|cell| cell.len() > 1 && cell.starts_with(['=', '+', '@', '\t']))
            .collect();
        assert!(bad.is_empty(), "{more:?}: {bad:?}");
        assert!(text.contains("calc"), "{more:?}");
    }
}

#[test]
fn what_stands_there_stays_until_all_is_written() {
    let folder = case();
    fs::write(folder.path().join("t.csv"), "before").expect("writes");
    let wrong = coldcase(folder.path(), &["timeline", "nowhere", "-o", "t.csv"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(
        fs::read_to_string(folder.path().join("t.csv")).expect("a file"),
        "before"
    );
    let (_, text) = export(&folder, "t.csv", &[]);
    assert!(text.starts_with("ts,"));
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
