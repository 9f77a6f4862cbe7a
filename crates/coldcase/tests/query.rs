//! `coldcase query`: SQL over a case, its outputs, and what it refuses.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::{coldcase, program};
use serde_json::Value;
use tempfile::TempDir;

/// A case of two hosts: a login that fails 30 times and then succeeds, cron runs, a container, and lines that no
/// terminal and no spreadsheet should obey.
fn case(threads: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let evidence = folder.path().join("evidence");
    for host in ["db-07", "web-01"] {
        fs::create_dir_all(evidence.join(host)).expect("folders");
    }
    let mut log = String::new();
    for second in 0..30 {
        log.push_str(&format!("May  7 03:00:{second:02} db sshd[{}]: Failed password for root from 192.0.2.9 port 4{second:02}0 ssh2\n", 100 + second));
    }
    log.push_str(
        "May  7 03:01:00 db sshd[999]: Accepted password for root from 192.0.2.9 port 5000 ssh2\n",
    );
    log.push_str("May  7 04:00:00 db app[7]: =cmd()|calc \u{1b}[31mred\n");
    fs::write(evidence.join("db-07/secure"), log).expect("writes");
    let mut cron = String::new();
    for minute in 0..50 {
        cron.push_str(&format!(
            "May  7 05:{minute:02}:01 web CRON[{}]: (backup) CMD (/opt/backup.sh)\n",
            300 + minute
        ));
    }
    fs::write(evidence.join("web-01/syslog"), cron).expect("writes");
    let arguments = [
        "analyze",
        "evidence",
        "-o",
        "case",
        "--threads",
        threads,
        "--timezone",
        "Asia/Shanghai",
        "--collected-at",
        "2023-05-12T10:20:00+08:00",
        "-q",
    ];
    let output = coldcase(folder.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    folder
}

fn ask(folder: &TempDir, sql: &str, format: &str) -> String {
    let output = coldcase(folder.path(), &["query", "case", sql, "-o", format]);
    assert!(output.status.success(), "{sql}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn refused(folder: &TempDir, arguments: &[&str], code: i32, said: &str) {
    let output = coldcase(folder.path(), arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(said), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn rows_come_as_csv_json_parquet_and_table() {
    let folder = case("2");
    let sql = "SELECT outcome, count(*) AS n, min(ts) AS first FROM timeline WHERE action = 'ssh-login' GROUP BY outcome";
    let csv = "outcome,n,first\nfailure,30,2023-05-06T19:00:00Z\nsuccess,1,2023-05-06T19:01:00Z\n";
    assert_eq!(ask(&folder, sql, "csv"), csv);
    // Into a pipe it is CSV where nothing is said.
    let piped = coldcase(folder.path(), &["query", "case", sql]);
    assert_eq!(String::from_utf8_lossy(&piped.stdout), csv);
    let json: Value = serde_json::from_str(&ask(&folder, sql, "json")).expect("JSON");
    let expected = serde_json::json!([
        {"outcome": "failure", "n": 30, "first": "2023-05-06T19:00:00Z"},
        {"outcome": "success", "n": 1, "first": "2023-05-06T19:01:00Z"},
    ]);
    assert_eq!(json, expected);
    let table = "outcome   n  first\n-------  --  --------------------\nfailure  30  2023-05-06T19:00:00Z\nsuccess   1  2023-05-06T19:01:00Z\n(2 rows)\n";
    assert_eq!(ask(&folder, sql, "table"), table);
    let output = coldcase(
        folder.path(),
        &["query", "case", sql, "--output", "n.parquet"],
    );
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let bytes = fs::read(folder.path().join("n.parquet")).expect("a file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn the_same_rows_in_the_same_order_whatever_the_number_of_threads() {
    let (one, many) = (case("1"), case("8"));
    let queries = [
        "SELECT * FROM timeline",
        "SELECT ts, message FROM timeline LIMIT 7",
        "SELECT action, format, count(*) FROM timeline GROUP BY action, format",
        "SELECT DISTINCT host, pid FROM timeline",
        "SELECT host, message FROM timeline ORDER BY host LIMIT 40",
        "SELECT host, first(message) AS m FROM timeline GROUP BY host",
        "SELECT f.id, e.line FROM findings f JOIN evidence e ON e.finding = f.id",
        "@logins",
    ];
    for sql in queries {
        let first = ask(&one, sql, "csv");
        assert!(first.lines().count() > 1, "{sql}: {first}");
        assert_eq!(first, ask(&one, sql, "csv"), "{sql}");
        assert_eq!(first, ask(&many, sql, "csv"), "{sql}");
    }
    let all = ask(&one, "SELECT ts FROM timeline", "csv");
    let times: Vec<&str> = all.lines().skip(1).filter(|ts| !ts.is_empty()).collect();
    assert!(times.len() > 80 && times.is_sorted(), "{times:?}");
}

#[test]
fn functions_reach_into_json_zones_and_networks() {
    let folder = case("2");
    let check = |sql: &str, expected: &str| assert_eq!(ask(&folder, sql, "csv"), expected, "{sql}");
    check(
        "SELECT json_value(attributes, 'method') AS m, count(*) AS n FROM timeline WHERE action = 'ssh-login' \
         GROUP BY json_value(attributes, 'method')",
        "m,n\npassword,31\n",
    );
    check(
        "SELECT local_time(ts, 'Asia/Shanghai') AS t FROM timeline WHERE outcome = 'success'",
        "t\n2023-05-07T03:01:00+08:00\n",
    );
    check(
        "WITH seen AS (SELECT src_ip FROM timeline WHERE in_network(src_ip, '192.0.2.0/24')) SELECT count(*) AS n FROM seen",
        "n\n31\n",
    );
    check(
        "SELECT n FROM (SELECT count(*) AS n FROM timeline WHERE in_network(src_ip, '10.0.0.0/8')) AS inner_one",
        "n\n0\n",
    );
    // Times with an offset, in UTC, and as a day.
    for at in [
        "2023-05-07T03:01:00+08:00",
        "2023-05-06T19:01:00Z",
        "2023-05-06 19:01:00",
    ] {
        let sql = format!(
            "SELECT count(*) AS n FROM timeline WHERE action = 'ssh-login' AND ts >= '{at}'"
        );
        check(&sql, "n\n1\n");
    }
    check(
        "SELECT json_value(facts, 'failures') AS f, severity_rank FROM findings WHERE correlator = 'ssh-auth'",
        "f,severity_rank\n30,3\n",
    );
    check(
        "SELECT count(*) AS n FROM inputs i JOIN coverage c ON c.format = i.format AND c.host = i.host",
        "n\n2\n",
    );
}

#[test]
fn every_ready_made_query_runs() {
    let folder = case("2");
    let listed = coldcase(folder.path(), &["query", "case", "@"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["@containers", "@dns", "@flows", "@gaps", "@logins"]);
    for name in names {
        assert!(ask(&folder, name, "csv").lines().count() >= 1, "{name}");
    }
    let logins = ask(&folder, "@logins", "csv");
    assert!(
        logins.contains(
            "192.0.2.9,root,db-07,authlog,1,30,2023-05-06T19:00:00Z,2023-05-06T19:01:00Z"
        ),
        "{logins}"
    );
}

#[test]
fn evidence_is_obeyed_by_no_terminal_and_no_spreadsheet() {
    let folder = case("2");
    let sql = "SELECT '=1+1' AS formula, message FROM timeline WHERE message LIKE '%calc%'";
    let table = ask(&folder, sql, "table");
    assert!(
        !table.contains('\u{1b}') && table.contains("\\u{1b}[31mred"),
        "{table}"
    );
    let csv = ask(&folder, sql, "csv");
    assert!(csv.contains("'=1+1,"), "{csv}");
    let coloured = coldcase(
        folder.path(),
        &[
            "query",
            "case",
            "SELECT 1 AS a",
            "-o",
            "table",
            "--color",
            "always",
        ],
    );
    assert!(String::from_utf8_lossy(&coloured.stdout).starts_with("\u{1b}[1m"));
}

#[test]
fn a_narrow_terminal_wraps_and_then_lists() {
    let folder = case("2");
    let shown = |sql: &str, columns: &str| {
        let mut command = program();
        let command = command.current_dir(folder.path()).env("COLUMNS", columns);
        let output = command
            .args(["query", "case", sql, "-o", "table"])
            .output()
            .expect("runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let wrapped = shown(
        "SELECT title, severity FROM findings ORDER BY severity_rank DESC LIMIT 1",
        "40",
    );
    assert!(
        wrapped.lines().count() > 4 && wrapped.lines().all(|line| line.chars().count() <= 40),
        "{wrapped}"
    );
    let listed = shown("SELECT * FROM timeline LIMIT 1", "80");
    assert!(listed.starts_with("-- 1\nts "), "{listed}");
    assert!(
        listed.contains("\nhost ") && !listed.contains("container"),
        "{listed}"
    );
}

#[test]
fn what_does_not_read_or_is_not_there_is_refused() {
    let folder = case("2");
    let before = fs::read(folder.path().join("case/findings.json")).expect("findings");
    let query = |sql: &'static str| ["query", "case", sql];
    let cases = [
        ("DROP TABLE timeline", "never written to"),
        ("DELETE FROM timeline", "never written to"),
        ("CREATE TABLE x AS SELECT 1", "never written to"),
        ("EXPLAIN SELECT 1", "never written to"),
        ("SELECT 1; DROP TABLE timeline", "one statement"),
        ("SELEC 1", "Expected: an SQL statement"),
        (
            "SELECT srcip FROM timeline",
            "srcip: no such column, did you mean src_ip?",
        ),
        (
            "SELECT ts FROM timeline ORDER BY nonsense",
            "nonsense: no such column; timeline has ts, ts_ns",
        ),
        (
            "SELECT * FROM timelin",
            "timelin: no such table; there are timeline, conclusions",
        ),
        ("SELECT * FROM read_csv('/etc/passwd')", "no such table"),
        (
            "SELECT ts FROM timeline WHERE ts > 'yesterday'",
            "write times like",
        ),
        (
            "SELECT local_time(ts, 'Mars/Base') FROM timeline",
            "use an IANA name",
        ),
        (
            "SELECT in_network(src_ip, 'lan') FROM timeline",
            "write it like 10.0.0.0/8",
        ),
        (
            "SELECT json_value(attributes) FROM timeline",
            "two arguments",
        ),
        ("SHOW COLUMNS FROM nothing", "no such table"),
        (
            "SELECT stftime(ts, '%H') FROM timeline",
            "did you mean strftime?",
        ),
    ];
    for (sql, said) in cases {
        refused(&folder, &query(sql), 1, said);
    }
    refused(&folder, &query("@login"), 2, "did you mean @logins?");
    refused(
        &folder,
        &["query", "nowhere", "SELECT 1"],
        1,
        "nowhere: no such folder; give a folder",
    );
    refused(
        &folder,
        &["query", "evidence", "SELECT 1"],
        1,
        "holds no case.json",
    );
    refused(
        &folder,
        &["query", "case", "@gaps", "--output", "x.odt"],
        2,
        "use .csv, .json, .parquet or .txt",
    );
    refused(
        &folder,
        &["query", "case", "@gaps", "--output", "no/x.csv"],
        1,
        "make it first",
    );
    assert_eq!(
        before,
        fs::read(folder.path().join("case/findings.json")).expect("findings")
    );
    let shown = ask(&folder, "SHOW COLUMNS FROM findings", "csv");
    assert!(shown.contains("severity_rank,integer\n"), "{shown}");
    let tables = ask(&folder, "SHOW TABLES", "csv");
    assert_eq!(tables.lines().count(), 7, "{tables}");
}

#[test]
fn a_damaged_case_says_so() {
    let folder = case("2");
    let findings = folder.path().join("case/findings.json");
    fs::write(&findings, "{\"schema\": ").expect("writes");
    refused(&folder, &["query", "case", "SELECT 1"], 1, "not JSON");
    fs::write(&findings, "{\"schema\": \"coldcase.findings/9\"}").expect("writes");
    refused(
        &folder,
        &["query", "case", "SELECT 1"],
        1,
        "its schema is coldcase.findings/9",
    );
    let part = folder.path().join("case/timeline/part-00000.parquet");
    fs::write(part, "no Parquet").expect("writes");
    refused(
        &folder,
        &["query", "case", "SELECT 1"],
        1,
        "part-00000.parquet",
    );
    fs::remove_dir_all(folder.path().join("case/timeline")).expect("removed");
    refused(&folder, &["query", "case", "SELECT 1"], 1, "is not there");
}

#[test]
fn every_query_of_the_docs_runs() {
    let folder = case("2");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/query.md");
    let page = fs::read_to_string(path).expect("the page");
    let blocks: Vec<&str> = page
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 4, "{blocks:?}");
    for sql in blocks {
        ask(&folder, sql, "csv");
    }
    // Each table's columns stand there.
    for table in ["findings", "conclusions", "evidence", "inputs", "coverage"] {
        let sql = format!("SHOW COLUMNS FROM {table}");
        let columns = ask(&folder, &sql, "csv");
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{table}` |")));
        let row = row.expect("a row of the table");
        for name in columns
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').next())
        {
            assert!(row.contains(&format!("`{name}`")), "{table}.{name}");
        }
    }
}
