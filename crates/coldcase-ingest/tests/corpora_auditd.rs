//! Audit logs of other projects' test suites, against the truth beside them. Each source prints one line:
//! values compared, and how many differ; every difference that stays is in a table with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test over files of known shape"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::corpora::{corpora, incidents};
use coldcase_testkit::{Recorder, ingest, ingest_series, sniff};
use serde_json::Value;

fn format() -> &'static Format {
    formats::by_id("auditd").expect("a registered format")
}

fn read(bytes: &[u8]) -> Recorder {
    ingest(format(), "audit.log", bytes, &Clock::UNKNOWN)
}

fn rows(recorder: &Recorder) -> Vec<Value> {
    let mut rows: Vec<Value> = recorder
        .snapshot()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    rows.sort_by_key(|row| row["line"].as_u64());
    rows
}

/// Compared and differing values of one source.
#[derive(Default)]
struct Table {
    compared: usize,
    differing: Vec<String>,
}

impl Table {
    fn compare(&mut self, what: &str, expected: &str, got: &str) {
        self.compared += 1;
        if expected != got {
            self.differing
                .push(format!("{what}: expected {expected:?} got {got:?}"));
        }
    }

    fn print(&self, source: &str) {
        println!(
            "{source}: compared {} differing {}",
            self.compared,
            self.differing.len()
        );
        for difference in &self.differing {
            println!("  {difference}");
        }
    }

    fn assert(&self, source: &str, compared: usize, known: &[(&str, &str)]) {
        self.print(source);
        for difference in &self.differing {
            let explained = known.iter().any(|(start, _)| difference.starts_with(start));
            assert!(explained, "{source}: {difference}");
        }
        assert_eq!(
            (self.compared, self.differing.len()),
            (compared, known.len()),
            "{source}"
        );
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Keys of go-libaudit's records that have no cell: group ids and saved ids, labels split into parts,
/// devices, capabilities, register values of the call.
const LEFT_OUT: &[&str] = &[
    "gid",
    "egid",
    "sgid",
    "fsgid",
    "ogid",
    "ouid",
    "suid",
    "fsuid",
    "subj_user",
    "subj_role",
    "subj_domain",
    "subj_level",
    "subj_category",
    "obj_user",
    "obj_role",
    "obj_domain",
    "obj_level",
    "dev",
    "rdev",
    "items",
    "item",
    "argc",
    "a1",
    "a2",
    "a3",
    "objtype",
    "nametype",
    "cap_fe",
    "cap_fi",
    "cap_fp",
    "cap_fver",
];

/// Where the row has the value of one of go-libaudit's keys.
fn cell(row: &Value, kind: &str, key: &str) -> String {
    let attributes = &row["attributes"];
    let or_unset = |value: &Value| match value {
        Value::Null => "unset".into(),
        value => text(value),
    };
    match key {
        "pid" | "ppid" | "exe" => text(&row[key]),
        "auid" | "ses" | "old-auid" => or_unset(&attributes[key]),
        "new_auid" => text(&attributes["auid"]),
        "euid" if attributes[key].is_null() => text(&attributes["uid"]),
        "arch" => attributes[key].as_str().unwrap_or("x86_64").into(),
        "tty" => attributes[key].as_str().unwrap_or("(none)").into(),
        "terminal" => text(&attributes["tty"]),
        "result" => match text(&row["outcome"]).as_str() {
            "failure" => "fail".into(),
            other => other.into(),
        },
        "acct" if attributes[key].is_null() => text(&row["user"]),
        "addr" if kind == "sockaddr" => {
            let saddr = text(&attributes["saddr"]);
            let address = saddr.rsplit_once(':').map_or("", |(address, _)| address);
            address.trim_matches(['[', ']']).into()
        }
        "port" if kind == "sockaddr" => text(&attributes["saddr"])
            .rsplit(':')
            .next()
            .unwrap()
            .into(),
        "family" if kind == "sockaddr" => match text(&attributes["saddr"]) {
            saddr if saddr.starts_with("unix:") => "unix".into(),
            saddr if saddr.starts_with("netlink:") => "netlink".into(),
            saddr if saddr == "unspecified" => "0".into(),
            saddr if saddr.starts_with('[') => "ipv6".into(),
            _ => "ipv4".into(),
        },
        "path" if kind == "sockaddr" => text(&row["path"]),
        "addr" => text(&row["src_ip"]),
        "laddr" => text(&row["dst_ip"]),
        "lport" => text(&row["dst_port"]),
        "rport" => text(&row["src_port"]),
        "cmd" => text(&row["command"]),
        "name" if kind == "path" => text(&attributes["paths"][0]),
        // What the row says once, in the column user or src_ip.
        "id" if attributes[key].is_null() => text(&row["user"]),
        "hostname" if attributes[key].is_null() => text(&row["src_ip"]),
        _ => text(&attributes[key]),
    }
}

/// Differences from go-libaudit's decoded records.
const GOLDEN_KNOWN: &[(&str, &str)] = &[
    ("login 414 old-ses", "4294967295 is no session: left out"),
    ("login 296 old_auid", "4294967295 is no account: left out"),
    ("sockaddr 517643 saddr", "raw bytes there, `netlink:0` here"),
    (
        "sockaddr 517645 saddr",
        "raw bytes there, `unspecified` here",
    ),
    (
        "syscall 512226 result",
        "a connect in progress has neither succeeded nor failed",
    ),
    (
        "execve 1075898 command",
        "arguments with blanks are quoted here",
    ),
];

#[test]
fn go_libaudit_records() {
    let Some(corpora) = corpora() else { return };
    let mut table = Table::default();
    for name in ["audit-rhel6", "audit-rhel7", "audit-ubuntu16", "test2"] {
        let file = corpora.join(format!("go-libaudit/auparse/{name}.log.golden"));
        let golden: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for record in golden.iter().filter(|record| !record.is_null()) {
            golden_record(&mut table, record);
        }
    }
    table.assert("go-libaudit auparse", 646, GOLDEN_KNOWN);
}

fn golden_record(table: &mut Table, record: &Value) {
    let kind = record["record_type"].as_str().unwrap();
    let raw = record["raw_msg"].as_str().unwrap();
    let line = format!("type={} msg={raw}\n", kind.to_uppercase());
    let recorder = read(line.as_bytes());
    assert_eq!(
        (recorder.events.len(), recorder.counts.used),
        (1, 1),
        "{line}"
    );
    let row = &rows(&recorder)[0];
    let serial = text(&record["sequence"]);
    let what = |key: &str| format!("{kind} {serial} {key}");
    let at = coldcase_model::Timestamp::parse_rfc3339(record["@timestamp"].as_str().unwrap());
    table.compare(&what("ts"), &at.unwrap().to_string(), &text(&row["ts"]));
    table.compare(
        &what("serial"),
        &serial,
        &text(&row["attributes"]["serial"]),
    );
    table.compare(
        &what("type"),
        &kind.to_uppercase(),
        &text(&row["attributes"]["type"]),
    );
    let Some(data) = record["data"].as_object() else {
        return;
    };
    if kind == "execve" {
        let count = data["argc"].as_str().unwrap().parse::<usize>().unwrap();
        let words: Vec<_> = (0..count)
            .map(|at| text(&data[&format!("a{at}")]))
            .collect();
        table.compare(&what("command"), &words.join(" "), &text(&row["command"]));
        return;
    }
    for (key, value) in data {
        let is_argument = kind == "syscall" && key == "a0";
        if !is_argument && !LEFT_OUT.contains(&key.as_str()) {
            table.compare(&what(key), &text(value), &cell(row, kind, key));
        }
    }
}

/// Tests of a YAML file of `name: |` blocks that hold records.
fn yaml_blocks(text: &str) -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if let Some(title) = bare.strip_suffix(": |") {
            name = title.trim_matches('"').to_owned();
        } else if bare.starts_with("type=") {
            let block: &mut String = blocks.entry(name.clone()).or_default();
            block.push_str(bare);
            block.push('\n');
        }
    }
    blocks
}

/// Differences from go-libaudit's coalesced events.
const COALESCED_KNOWN: &[(&str, &str)] = &[(
    "connect syscall result",
    "a connect in progress has neither succeeded nor failed",
)];

#[test]
fn go_libaudit_events() {
    let Some(corpora) = corpora() else { return };
    let mut table = Table::default();
    for name in [
        "random-internet",
        "ubuntu-16.04-linux-4.13.0",
        "ubuntu-16.10-linux-4.8.0",
        "ubuntu-21.10-linux-5.13",
    ] {
        let file = corpora.join(format!("go-libaudit/aucoalesce/{name}"));
        let blocks = yaml_blocks(&fs::read_to_string(file.with_extension_added("yaml")).unwrap());
        let golden = fs::read(file.with_extension_added("json.golden")).unwrap();
        let golden: Vec<Value> = serde_json::from_slice(&golden).unwrap();
        for test in &golden {
            let title = test["test_name"].as_str().unwrap();
            coalesced(&mut table, title, &blocks[title], &test["event"]);
        }
    }
    table.assert("go-libaudit aucoalesce", 191, COALESCED_KNOWN);
}

trait WithExtensionAdded {
    fn with_extension_added(&self, extension: &str) -> PathBuf;
}

impl WithExtensionAdded for PathBuf {
    fn with_extension_added(&self, extension: &str) -> PathBuf {
        let mut name = self.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }
}

fn coalesced(table: &mut Table, title: &str, records: &str, event: &Value) {
    let recorder = read(records.as_bytes());
    let rows = rows(&recorder);
    let what = |key: &str| format!("{title} {key}");
    table.compare(&what("events"), "1", &rows.len().to_string());
    let row = &rows[0];
    let at = coldcase_model::Timestamp::parse_rfc3339(event["@timestamp"].as_str().unwrap());
    table.compare(&what("ts"), &at.unwrap().to_string(), &text(&row["ts"]));
    table.compare(
        &what("serial"),
        &text(&event["sequence"]),
        &text(&row["attributes"]["serial"]),
    );
    let kind = text(&event["record_type"]).to_uppercase();
    table.compare(&what("type"), &kind, &text(&row["attributes"]["type"]));
    let outcome = match text(&row["outcome"]).as_str() {
        "failure" => "fail".to_owned(),
        "" => "unknown".into(),
        other => other.into(),
    };
    table.compare(&what("result"), &text(&event["result"]), &outcome);
    let process = &event["process"];
    for (key, got) in [
        ("pid", &row["pid"]),
        ("ppid", &row["ppid"]),
        ("exe", &row["exe"]),
        ("name", &row["attributes"]["comm"]),
        ("title", &row["command"]),
        ("cwd", &row["attributes"]["cwd"]),
    ] {
        if let Some(expected) = process.get(key) {
            table.compare(&what(key), &text(expected), &text(got));
        }
    }
    for (key, got) in [("ip", &row["src_ip"]), ("port", &row["src_port"])] {
        if let Some(expected) = event["source"].get(key) {
            table.compare(&what(key), &text(expected), &text(got));
        }
    }
    if let Some(path) = event["file"].get("path") {
        table.compare(&what("path"), &text(path), &text(&row["path"]));
    }
}

#[test]
fn order_of_records_does_not_matter() {
    let Some(corpora) = corpora() else { return };
    let events = |name: &str| {
        let bytes = fs::read(corpora.join(format!("go-libaudit/reassembler/{name}.log"))).unwrap();
        let recorder = read(&bytes);
        assert_eq!((recorder.counts.used, recorder.counts.skipped), (17, 0));
        let mut rows = rows(&recorder);
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("line");
        }
        rows.sort_by_key(ToString::to_string);
        rows
    };
    let (normal, out_of_order) = (events("normal"), events("out_of_order"));
    println!(
        "go-libaudit reassembler: expected {} got {}",
        normal.len(),
        out_of_order.len()
    );
    assert_eq!(normal.len(), 5);
    assert_eq!(normal, out_of_order);
}

/// Differences from ausearch 3.0.9's CSV, by file, serial and column.
const AUSEARCH_KNOWN: &[(&str, &str)] = &[
    (
        "audit-rhel7.log 17 result",
        "the records are not together in the file: its SYSCALL is a second line there",
    ),
    (
        "audit-rhel7.log 478 result",
        "ausearch has no result for CONFIG_CHANGE, whose res=1 says it",
    ),
    ("audit-rhel7.log 512226 result", IN_PROGRESS),
    ("normal.log 58 result", IN_PROGRESS),
    ("out_of_order.log 58 result", IN_PROGRESS),
    (
        "audit-ubuntu16.log events",
        "ausearch drops an AVC of AppArmor that has no SYSCALL",
    ),
    ("fork-sleep-exec.txt events", NO_RECORD),
    ("fork-sleep-exec.txt 0 type", NO_RECORD),
    ("fork-sleep-exec.txt 0 result", NO_RECORD),
    ("fork-sleep-exec.txt 6104005 type", PARTS_FIRST),
    ("fork-sleep-exec.txt 6104008 type", PARTS_FIRST),
    ("record-syscall-nullkey.txt 225 type", PARTS_FIRST),
    (
        "record-syscall-nullkey.txt 225 result",
        "ausearch takes PROCTITLE for the end: its SYSCALL is a second line there",
    ),
    ("selinux.log events", NO_RECORD),
    (
        "selinux.log 0 type",
        "ausearch does not show types that it does not know",
    ),
    (
        "selinux.log 94984 type: expected \"\" got \"NOMSG\"",
        "the same",
    ),
    (
        "selinux.log 94984 type: expected \"\" got \"UNDER_SCORE\"",
        "the same",
    ),
    (
        "selinux.log 94984 type: expected \"\" got \"no such event\"",
        NO_RECORD,
    ),
    ("selinux.log 94984 result", NO_RECORD),
];

const IN_PROGRESS: &str = "a connect in progress has neither succeeded nor failed";
const NO_RECORD: &str = "ausearch makes an event of a line that is no whole record";
const PARTS_FIRST: &str =
    "PATH or PROCTITLE stands first: the type here is that of the event, SYSCALL";

#[test]
fn ausearch_events() {
    let Some(corpora) = corpora() else { return };
    let mut files = Vec::new();
    for folder in [
        "audit-userspace",
        "security-datasets",
        "crowdsec-hub/auditd-logs",
        "crowdsec-hub/auditd-base64-exec",
        "go-libaudit/auparse",
        "go-libaudit/reassembler",
        "laurel",
        "plaso",
    ] {
        let entries = fs::read_dir(corpora.join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        files.extend(paths.filter(|path| path.to_string_lossy().ends_with(".ausearch.csv")));
    }
    files.sort();
    assert_eq!(files.len(), 23);
    let mut table = Table::default();
    for file in &files {
        ausearch_file(&mut table, file);
    }
    table.assert("ausearch csv", 315, AUSEARCH_KNOWN);
}

fn ausearch_file(table: &mut Table, csv_path: &Path) {
    let log = csv_path.to_string_lossy().replace(".ausearch.csv", "");
    let name = Path::new(&log)
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let bytes = fs::read(&log).unwrap();
    assert!(sniff(format(), &log, &bytes) > Sniff::No, "{log}");
    let rows = rows(&read(&bytes));
    // ausearch takes LOGIN as complete by itself, so the same serial may stand in several lines; the
    // first of them is the event's.
    let mut expected: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.flexible(true).from_path(csv_path).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let (month, rest) = record[2].split_once('/').unwrap();
        let (day, year) = rest.split_once('/').unwrap();
        let second = format!("20{year}-{month}-{day}T{}", &record[3]);
        let cells = vec![record[1].to_owned(), record[11].to_owned()];
        expected
            .entry((second, record[4].to_owned()))
            .or_insert(cells);
    }
    let mut got: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in &rows {
        let second = text(&row["ts"]).chars().take(19).collect();
        let outcome = match text(&row["outcome"]).as_str() {
            "failure" => "failed".to_owned(),
            other => other.to_owned(),
        };
        let cells = vec![text(&row["attributes"]["type"]), outcome];
        got.entry((second, text(&row["attributes"]["serial"])))
            .or_insert(cells);
    }
    table.compare(
        &format!("{name} events"),
        &expected.len().to_string(),
        &got.len().to_string(),
    );
    for (key, cells) in &expected {
        let absent = vec!["no such event".to_owned(); 2];
        let row = got.get(key).unwrap_or(&absent);
        for (at, column) in ["type", "result"].iter().enumerate() {
            table.compare(&format!("{name} {} {column}", key.1), &cells[at], &row[at]);
        }
    }
}

#[test]
fn laurel_events() {
    let Some(corpora) = corpora() else { return };
    let mut table = Table::default();
    for name in [
        "record-adjntpval",
        "record-anom-promiscuous",
        "record-bind-ipv4-bigendian",
        "record-execve",
        "record-syscall-key",
        "record-syscall-nullkey",
    ] {
        let file = corpora.join(format!("laurel/{name}"));
        let rows = rows(&read(&fs::read(file.with_extension("txt")).unwrap()));
        let truth = fs::read_to_string(file.with_extension("json")).unwrap();
        let truth: Vec<Value> = truth
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        table.compare(name, &truth.len().to_string(), &rows.len().to_string());
        for (event, row) in truth.iter().zip(&rows) {
            laurel_event(&mut table, event, row);
        }
    }
    table.assert("laurel", 119, &[]);
}

fn laurel_event(table: &mut Table, event: &Value, row: &Value) {
    let (_, serial) = event["ID"].as_str().unwrap().split_once(':').unwrap();
    let attributes = &row["attributes"];
    let call = &event["SYSCALL"];
    let what = |key: &str| format!("{serial} {key}");
    table.compare(&what("serial"), serial, &text(&attributes["serial"]));
    for (key, expected, got) in [
        ("node", &event["NODE"], &row["host"]),
        ("pid", &call["pid"], &row["pid"]),
        ("ppid", &call["ppid"], &row["ppid"]),
        ("exe", &call["exe"], &row["exe"]),
        ("uid", &call["uid"], &attributes["uid"]),
        ("comm", &call["comm"], &attributes["comm"]),
        ("key", &call["key"], &attributes["key"]),
        ("cwd", &event["CWD"]["cwd"], &attributes["cwd"]),
    ] {
        table.compare(&what(key), &text(expected), &text(got));
    }
    if let Some(name) = call.get("SYSCALL") {
        table.compare(&what("syscall"), &text(name), &text(&attributes["syscall"]));
    }
    let list = |value: &Value| {
        value
            .as_array()
            .map_or(Vec::new(), |list| list.iter().map(text).collect())
    };
    let arguments = match &event["EXECVE"]["ARGV"] {
        Value::Null => list(&event["PROCTITLE"]["ARGV"]),
        arguments => list(arguments),
    };
    table.compare(
        &what("command"),
        &arguments.join(" "),
        &text(&row["command"]),
    );
    let names: Vec<String> = event["PATH"].as_array().map_or(Vec::new(), |paths| {
        paths.iter().map(|path| text(&path["name"])).collect()
    });
    table.compare(
        &what("paths"),
        &names.join(" "),
        &list(&attributes["paths"]).join(" "),
    );
}

#[test]
fn every_line_of_linux_audit_parser_is_an_event() {
    let Some(corpora) = corpora() else { return };
    let entries = fs::read_dir(corpora.join("linux-audit-parser-rs")).unwrap();
    let mut read_lines = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "txt") {
            let bytes = fs::read(&path).unwrap();
            let recorder = read(&bytes);
            assert_eq!(
                (recorder.events.len(), recorder.counts.used),
                (1, 1),
                "{}",
                path.display()
            );
            assert_eq!(
                sniff(format(), "x", &bytes),
                Sniff::Sure,
                "{}",
                path.display()
            );
            read_lines += 1;
        }
    }
    println!("linux-audit-parser-rs: expected 28 got {read_lines}");
    assert_eq!(read_lines, 28);
}

#[test]
fn malformed_lines_of_plaso_are_counted() {
    let Some(corpora) = corpora() else { return };
    let recorder = read(&fs::read(corpora.join("plaso/selinux.log")).unwrap());
    println!(
        "plaso selinux.log: expected 7 records 4 warnings got {} {}",
        recorder.counts.used, recorder.counts.skipped
    );
    assert_eq!((recorder.counts.used, recorder.counts.skipped), (7, 4));
    // AVC and SYSCALL of serial 101 are one event.
    assert_eq!(recorder.events.len(), 6);
    let rows = rows(&recorder);
    assert_eq!(text(&rows[0]["ts"]), "2012-05-24T07:40:01.174Z");
}

#[test]
fn files_without_truth_are_read_whole() {
    let Some(corpora) = corpora() else { return };
    for (name, events, used) in [
        ("laurel/fork-sleep-exec.txt", 3, 13),
        ("laurel/shell-proc-trace.txt", 9, 39),
        ("laurel/proc-trace-dpkg-l.txt", 23, 68),
        ("laurel/record-service-start.txt", 2, 5),
        ("laurel/line-user-acct.txt", 1, 1),
        ("ossec-hids/logtesting/9/log", 1, 1),
    ] {
        let bytes = fs::read(corpora.join(name)).unwrap();
        let recorder = read(&bytes);
        println!(
            "{name}: events {} records {}",
            recorder.events.len(),
            recorder.counts.used
        );
        assert_eq!(recorder.counts.skipped, 0, "{name}");
        assert_eq!(
            (recorder.events.len(), recorder.counts.used),
            (events, used),
            "{name}"
        );
    }
    let (mut events, mut used) = (0, 0);
    for number in 0..=16 {
        let file = corpora.join(format!("laurel/tree/{number:02}.txt"));
        let recorder = read(&fs::read(file).unwrap());
        assert_eq!(recorder.counts.skipped, 0, "tree/{number:02}");
        events += recorder.events.len();
        used += recorder.counts.used;
    }
    println!("laurel/tree: events {events} records {used}");
    assert_eq!((events, used), (17, 119));
    let mixed = fs::read(corpora.join("loghub/Linux/Linux_2k.log")).unwrap();
    assert_eq!(sniff(format(), "Linux_2k.log", &mixed), Sniff::No);
}

#[test]
fn incidents_are_counted_and_dated() {
    let Some(incidents) = incidents() else {
        return;
    };
    for name in ["ssh-window", "ssh-window-benign"] {
        let truth = fs::read(incidents.join(format!("{name}.truth.json"))).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let inputs: Vec<&Value> = truth["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|input| input["format"] == "auditd")
            .collect();
        let files: Vec<(String, Vec<u8>)> = inputs
            .iter()
            .map(|input| {
                let path = text(&input["path"]);
                let bytes = fs::read(incidents.join(name).join(&path)).unwrap();
                (path, bytes)
            })
            .collect();
        let artifacts: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .collect();
        let recorders = ingest_series(format(), &artifacts, &Clock::UNKNOWN);
        for (input, recorder) in inputs.iter().zip(&recorders) {
            incident_file(name, input, recorder);
        }
    }
}

fn incident_file(name: &str, input: &Value, recorder: &Recorder) {
    let path = text(&input["path"]);
    let counts = recorder.counts;
    let stamps = || {
        recorder
            .events
            .iter()
            .filter_map(|event| Some(event.when?.ts.seconds()))
    };
    let seconds = |key: &str| {
        let at = coldcase_model::Timestamp::parse_rfc3339(&text(&input[key]));
        at.unwrap().seconds()
    };
    println!(
        "{name}/{path}: expected {} got {} skipped {}",
        input["records"], counts.used, counts.skipped
    );
    assert_eq!(input["records"].as_u64(), Some(counts.records()), "{path}");
    assert_eq!(counts.skipped, 0, "{path}");
    assert!(
        recorder.warnings.is_empty(),
        "{path}: {:?}",
        recorder.warnings
    );
    // An event that begins in the file before belongs there, so that the first may be a little later.
    let first = stamps().min().unwrap() - seconds("first");
    assert!((0..60).contains(&first), "{path}: first {first} s later");
    assert_eq!(stamps().max().unwrap(), seconds("last"), "{path}");
}
