//! Processes, sockets, services and jobs over real output, compared field by field with the truth beside it (jc's JSON),
//! or with the text itself; and over the incidents' files, of which every line must be used or skipped with a reason.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::fs;
use std::path::Path;

use chrono_tz::Tz;
use coldcase_ingest::Sniff;
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, attributes, clock, ingest, sniff, winner};
use serde_json::Value;

/// Reads a file with the format that claims it, which must be this one.
fn read(path: &Path, id: &str) -> Recorder {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.to_string_lossy();
    let best = winner(&name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, id, "{name} is claimed");
    assert!(
        sniff(best, "evidence/a.txt", &bytes) > Sniff::No,
        "{name} is known by its name only"
    );
    ingest(
        best,
        &name,
        &bytes,
        &clock(Tz::Asia__Shanghai, "2024-01-15T12:00:00+08:00"),
    )
}

fn truth(path: &Path) -> Value {
    let text = fs::read_to_string(path.with_extension("json"))
        .or_else(|_| fs::read_to_string(format!("{}.json", path.display())));
    serde_json::from_str(&text.expect("truth beside it")).expect("JSON")
}

/// Fields compared and those that differ.
#[derive(Default)]
struct Tally {
    expected: usize,
    got: usize,
    differing: Vec<String>,
}

impl Tally {
    fn field(&mut self, what: &str, want: &Value, got: &Value) {
        let number = |value: &Value| value.as_f64();
        let same = want == got || (number(want).is_some() && number(want) == number(got));
        if !same {
            self.differing.push(format!("{what}: {want} is {got}"));
        }
    }

    fn finish(&self, name: &str, known: &[&str]) {
        println!(
            "{name:45} {:6} {:6} {:4}",
            self.expected,
            self.got,
            self.differing.len()
        );
        assert_eq!(self.expected, self.got, "{name}");
        assert_eq!(self.differing, known, "{name}");
    }
}

/// Reads a file with the format that it belongs to, with the rows that its truth has.
fn beside_truth(path: &Path, id: &str) -> (Recorder, Vec<Value>, Tally) {
    let got = read(path, id);
    let rows = truth(path).as_array().expect("a list").clone();
    let tally = Tally {
        expected: rows.len(),
        got: got.events.len(),
        ..Tally::default()
    };
    (got, rows, tally)
}

fn text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::from)
}

#[test]
fn ps_reads_as_jc_says() {
    let Some(root) = corpora() else { return };
    for name in ["ps-axu", "ps-ef"] {
        let path = root.join("jc/centos-7.7").join(name).with_extension("out");
        let (got, rows, mut tally) = beside_truth(&path, "ps");
        for (row, event) in rows.iter().zip(&got.events) {
            let more = attributes(event);
            let pid = &row["pid"];
            let mut field = |key: &str, want: &Value, got: Value| {
                tally.field(&format!("{pid} {key}"), want, &got);
            };
            field("pid", pid, Value::from(event.pid));
            field("tty", &row["tty"], more["tty"].clone());
            match name {
                "ps-axu" => {
                    field("user", &row["user"], text(event.user.as_deref()));
                    field("command", &row["command"], text(event.command.as_deref()));
                    field("cpu", &row["cpu_percent"], more["cpu_percent"].clone());
                    field(
                        "memory",
                        &row["mem_percent"],
                        more["memory_percent"].clone(),
                    );
                    let kib = |key: &str| {
                        more[key]
                            .as_i64()
                            .map_or(Value::Null, |bytes| (bytes / 1024).into())
                    };
                    field("vsz", &row["vsz"], kib("vsz_bytes"));
                    field("rss", &row["rss"], kib("rss_bytes"));
                    field("stat", &row["stat"], more["state"].clone());
                    field("start", &row["start"], more["started_text"].clone());
                    let bracketed = row["command"]
                        .as_str()
                        .is_some_and(|command| command.starts_with('['));
                    field(
                        "kernel",
                        &Value::Bool(bracketed && row["vsz"] == 0),
                        Value::Bool(more["kernel"] == true),
                    );
                }
                _ => {
                    field("uid", &row["uid"], text(event.user.as_deref()));
                    field("ppid", &row["ppid"], Value::from(event.ppid));
                    field("c", &row["c"], more["cpu_percent"].clone());
                    field("stime", &row["stime"], more["started_text"].clone());
                    field("cmd", &row["cmd"], text(event.command.as_deref()));
                }
            }
        }
        tally.finish(name, &[]);
        assert_eq!(got.counts.skipped, 0, "{name}: {:?}", got.skips);
    }
}

/// Rows that have a row of their own: by FD, kind, and place of what is open.
fn has_row(row: &Value) -> bool {
    let of = |key: &str| row[key].as_str().unwrap_or_default();
    let gone = of("name").contains("(deleted)") || of("fd") == "DEL";
    let open = ["/tmp/", "/var/tmp/", "/dev/shm/"]
        .iter()
        .any(|folder| of("name").starts_with(folder));
    let nameless = ["/dev/", "/SYSV", "/["]
        .iter()
        .any(|start| of("name").starts_with(start));
    if !row["tid"].is_null() {
        return false;
    }
    match of("type") {
        "IPv4" | "IPv6" | "pack" | "raw" | "raw6" => true,
        "unix" => of("name").starts_with(['/', '@']),
        _ if of("fd") == "txt" => true,
        "REG" | "DEL" => of("name").starts_with('/') && (open || (gone && !nameless)),
        _ => false,
    }
}

#[test]
fn lsof_reads_as_jc_says() {
    let Some(root) = corpora() else { return };
    for name in ["lsof", "lsof-sudo"] {
        let path = root.join("jc/centos-7.7").join(name).with_extension("out");
        let got = read(&path, "lsof");
        let truth = truth(&path);
        let all = truth.as_array().expect("a list");
        let rows: Vec<&Value> = all.iter().filter(|row| has_row(row)).collect();
        let mut tally = Tally {
            expected: rows.len(),
            got: got.events.len(),
            ..Tally::default()
        };
        for (row, event) in rows.iter().zip(&got.events) {
            let mut field = |key: &str, want: &Value, got: Value| {
                tally.field(&format!("line {:?} {key}", event.line), want, &got);
            };
            field("pid", &row["pid"], Value::from(event.pid));
            field("user", &row["user"], text(event.user.as_deref()));
            field("command", &row["command"], text(event.command.as_deref()));
            if row["fd"] == "txt" && row["type"] == "REG" {
                field("exe", &row["name"], text(event.exe.as_deref()));
            }
        }
        let used = usize::try_from(got.counts.used).expect("small");
        assert_eq!(
            used,
            all.len() + 1,
            "{name}: every row and the head are read"
        );
        tally.finish(name, &[]);
    }
}

#[test]
fn systemctl_reads_as_jc_says() {
    let Some(root) = corpora() else { return };
    for (name, keys) in [
        (
            "systemctl",
            &[
                ("unit", "unit"),
                ("load", "load"),
                ("active", "active"),
                ("sub", "sub"),
                ("description", "description"),
            ][..],
        ),
        (
            "systemctl-luf",
            &[("unit_file", "unit"), ("state", "enabled")][..],
        ),
    ] {
        let path = root.join("jc/centos-7.7").join(name).with_extension("out");
        let (got, rows, mut tally) = beside_truth(&path, "systemctl-list");
        for (row, event) in rows.iter().zip(&got.events) {
            let more = attributes(event);
            for (theirs, ours) in keys {
                tally.field(
                    &format!("line {:?} {ours}", event.line),
                    &row[*theirs],
                    &more[*ours],
                );
            }
        }
        tally.finish(name, &[]);
    }
}

#[test]
fn crontabs_read_as_jc_says() {
    let Some(root) = corpora() else { return };
    for (name, has_user) in [("crontab", false), ("crontab-u", true)] {
        let path = root.join("jc/centos-7.7").join(name).with_extension("out");
        let got = read(&path, "crontab");
        let truth = truth(&path);
        let mut want: Vec<(String, String)> = truth["schedule"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| {
                let list = |key: &str| {
                    let parts = row[key]
                        .as_array()
                        .map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>());
                    parts.unwrap_or_default().join(",")
                };
                let schedule = match row["occurrence"].as_str() {
                    Some(name) => format!("@{name}"),
                    None => ["minute", "hour", "day_of_month", "month", "day_of_week"]
                        .map(list)
                        .join(" "),
                };
                (
                    schedule,
                    format!(
                        "{}|{}",
                        row["user"].as_str().unwrap_or("-"),
                        row["command"].as_str().unwrap_or("-")
                    ),
                )
            })
            .collect();
        let mut have: Vec<(String, String)> = got
            .events
            .iter()
            .map(|event| {
                let schedule = attributes(event)["schedule"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let user = event.user.as_deref().unwrap_or("-");
                (
                    schedule,
                    format!("{user}|{}", event.command.as_deref().unwrap_or("-")),
                )
            })
            .collect();
        want.sort();
        have.sort();
        assert_eq!(want, have, "{name}");
        assert!(
            got.events
                .iter()
                .all(|event| event.user.is_some() == has_user)
        );
        println!("{name:45} {:6} {:6} {:4}", want.len(), have.len(), 0);
    }
}

#[test]
fn tables_of_sockets_read_as_jc_says() {
    let Some(root) = corpora() else { return };
    const STATES: [&str; 12] = [
        "",
        "ESTAB",
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSE",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
    ];
    for name in ["net_tcp", "net_tcp6", "net_unix"] {
        let path = root.join("jc/linux-proc").join(name);
        let (got, rows, mut tally) = beside_truth(&path, "proc-net");
        for (row, event) in rows.iter().zip(&got.events) {
            let more = attributes(event);
            let mut field = |key: &str, want: Value, got: Value| {
                tally.field(&format!("line {:?} {key}", event.line), &want, &got);
            };
            let known = |value: &Value| match value == &Value::from(0) {
                true => Value::Null,
                false => value.clone(),
            };
            if name == "net_unix" {
                field("inode", known(&row["Inode"]), more["inode"].clone());
                field("path", row["Path"].clone(), more["unix_path"].clone());
                continue;
            }
            let address = |key: &str| match row[key].as_str() {
                Some("0.0.0.0" | "::") | None => Value::Null,
                Some(ip) => Value::from(ip.strip_prefix("::ffff:").unwrap_or(ip)),
            };
            field(
                "local",
                address("local_address"),
                text(event.src_ip.as_deref()),
            );
            field(
                "peer",
                address("remote_address"),
                text(event.dst_ip.as_deref()),
            );
            field(
                "port",
                known(&row["local_port"]),
                Value::from(event.src_port),
            );
            field(
                "peer's port",
                known(&row["remote_port"]),
                Value::from(event.dst_port),
            );
            field("inode", known(&row["inode"]), more["inode"].clone());
            field(
                "user",
                Value::from(row["uid"].to_string()),
                text(event.user.as_deref()),
            );
            let state =
                usize::from_str_radix(row["state"].as_str().expect("a code"), 16).expect("hex");
            field("state", Value::from(STATES[state]), more["state"].clone());
        }
        tally.finish(name, &[]);
    }
}

#[test]
fn stat_and_status_read_as_jc_says() {
    let Some(root) = corpora() else { return };
    for name in [
        "pid_stat",
        "pid_stat_hack",
        "pid_stat_w_space_and_nl_in_comm",
        "pid_status",
    ] {
        let path = root.join("jc/linux-proc").join(name);
        let got = read(&path, "proc-listing");
        let row = truth(&path);
        let is_status = name == "pid_status";
        let key = |stat: &'static str, status: &'static str| if is_status { status } else { stat };
        let event = got.events.first().expect("a process");
        let more = attributes(event);
        let mut tally = Tally {
            expected: 1,
            got: got.events.len(),
            ..Tally::default()
        };
        tally.field("pid", &row[key("pid", "Pid")], &Value::from(event.pid));
        tally.field("ppid", &row[key("ppid", "PPid")], &Value::from(event.ppid));
        tally.field("comm", &row[key("comm", "Name")], &more["comm"]);
        tally.field("state", &row[key("state", "State")], &more["state"]);
        tally.field(
            "threads",
            &row[key("num_threads", "Threads")],
            &more["threads"],
        );
        let unit = if is_status { 1024 } else { 1 };
        let vsz = row[key("vsize", "VmSize")].as_i64().map(|size| size * unit);
        tally.field("vsz", &Value::from(vsz), &more["vsz_bytes"]);
        tally.finish(name, &[]);
    }
}

/// Tables of ps without truth beside them: rows and what is skipped.
const TABLES: [(&str, usize, u64); 14] = [
    ("Container_PsAux_TEST.txt", 7, 0),
    ("PS_ALXWWW_DATA.txt", 10, 0),
    ("PS_AUXWWW.txt", 9, 0),
    ("PS_AUXWWWM.txt", 6, 23),
    ("PS_AUXWW_WITH_LATE_HEADER.txt", 5, 1),
    ("PS_EO_CMD_NORMAL.txt", 11, 0),
    ("PsAlxwww_TEST_DOC.txt", 8, 0),
    ("PsAux_TEST.txt", 7, 0),
    ("PsAuxcww_TEST.txt", 13, 0),
    ("PsAuxww_TEST.txt", 7, 0),
    ("PsAuxww_TEST_DOC.txt", 8, 0),
    ("PsEf_TEST.txt", 9, 0),
    ("PsEf_TEST_DOC.txt", 9, 0),
    ("PsEoCmd_TEST_DOC.txt", 4, 0),
];

#[test]
fn tables_of_ps_read_whole() {
    let Some(root) = corpora() else { return };
    let mut failures = Vec::new();
    for (name, rows, skipped) in TABLES {
        let got = read(&root.join("insights-core/ps").join(name), "ps");
        println!(
            "{name:45} {rows:6} {:6} {:4}",
            got.events.len(),
            got.counts.skipped
        );
        if (got.events.len(), got.counts.skipped) != (rows, skipped) {
            failures.push(format!("{name} {} {:?}", got.events.len(), got.skips));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}

/// Files of the incidents, the format that must claim each, and the reasons for which lines may be left out.
const INCIDENTS: [(&str, &str); 12] = [
    ("ps_aux.txt", "ps"),
    ("ps.txt", "ps"),
    ("top_b_n1.txt", "top"),
    ("lsof_i.txt", "lsof"),
    ("ls_proc_exe.txt", "proc-listing"),
    ("proc_pids.txt", "proc-listing"),
    ("crontab_l.txt", "crontab"),
    ("crontab.txt", "crontab"),
    ("systemctl_list.txt", "systemctl-list"),
    ("systemctl_cat_docker.txt", "unit-file"),
    ("virsh_list.txt", "virsh-list"),
    ("cron.d/", "crontab"),
];

const REASONS: [&str; 8] = [
    "a line of the summary",
    "a legend",
    "comment",
    "a command line",
    "a setting",
    "a setting that has no cell",
    "a section",
    "a heading",
];

#[test]
fn incidents_are_read_whole() {
    let Some(root) = corpora() else { return };
    let mut count = 0;
    for path in files(&root.join("../incidents")) {
        let shown = path.to_string_lossy().into_owned();
        let known = INCIDENTS.iter().find(|(name, _)| {
            shown.ends_with(&format!("/{name}"))
                || (name.ends_with('/') && shown.contains(&format!("/{name}")))
        });
        let Some((_, id)) = known else {
            continue;
        };
        let got = read(&path, id);
        assert!(!got.events.is_empty(), "{shown}");
        for (place, reason) in &got.skips {
            assert!(REASONS.contains(reason), "{shown} {place}: {reason}");
        }
        let name: String = shown
            .rsplit('/')
            .take(3)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("/");
        println!(
            "{name:45} {:6} {:6} {:4}",
            got.counts.records(),
            got.events.len(),
            got.counts.skipped
        );
        count += 1;
    }
    assert!(
        count >= 20 || !root.join("../incidents").is_dir(),
        "{count} files"
    );
}
