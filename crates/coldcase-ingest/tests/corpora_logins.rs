//! Login records of other projects' test suites, against the truth beside them. Each source prints one line:
//! values expected, got, and differing; every difference that stays is in a table with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test over files of known shape"
)]

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use coldcase_ingest::{Clock, Sniff};
use coldcase_model::Timestamp;
use coldcase_testkit::corpora::{corpora, incidents};
use coldcase_testkit::{Recorder, clock, ingest, sniff, winner};
use serde_json::Value;

/// The clock of jc's host, collected when jc's outputs were.
fn at(collected_at: &str) -> Clock {
    clock(Tz::America__Los_Angeles, collected_at)
}

fn rows(recorder: &Recorder) -> Vec<Value> {
    let mut rows: Vec<Value> = recorder
        .snapshot()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    rows.sort_by_key(|row| (row["line"].as_u64(), row["offset"].as_u64()));
    rows
}

fn read(id: &str, path: &Path, clock: &Clock) -> Recorder {
    let bytes = fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let best = winner(name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, id, "{name}");
    assert!(sniff(best, name, &bytes) >= Sniff::Likely, "{name}");
    ingest(best, name, &bytes, clock)
}

/// Expected, got and differing values of one source.
#[derive(Default)]
struct Table {
    expected: usize,
    got: usize,
    differing: Vec<String>,
}

impl Table {
    fn compare(&mut self, what: &str, expected: &str, got: &str) {
        self.expected += usize::from(!expected.is_empty());
        self.got += usize::from(!got.is_empty());
        if expected != got {
            let difference = format!("{what}: expected {expected:?} got {got:?}");
            self.differing.push(difference);
        }
    }

    /// Prints the source's line; each difference must begin like one of the known, and none of these be in vain.
    fn assert(&self, source: &str, expected: usize, differing: usize, known: &[(&str, &str)]) {
        println!(
            "{source}: expected {} got {} differing {}",
            self.expected,
            self.got,
            self.differing.len()
        );
        for difference in &self.differing {
            println!("  {difference}");
        }
        for difference in &self.differing {
            let explained = known.iter().any(|(start, _)| difference.contains(start));
            assert!(explained, "{source}: {difference}");
        }
        for (start, _) in known {
            let used = self.differing.iter().any(|text| text.contains(start));
            assert!(used, "{source}: {start} does not occur");
        }
        assert_eq!(
            (self.expected, self.differing.len()),
            (expected, differing),
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

fn first(values: &[&Value]) -> String {
    values
        .iter()
        .map(|value| text(value))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// Fields of utmpdump's line: type, pid, id, user, line, host, address, time.
fn dump_fields(line: &str) -> Vec<String> {
    let inside = line.trim().trim_start_matches('[').trim_end_matches(']');
    inside
        .split("] [")
        .map(|field| field.trim().to_owned())
        .collect()
}

/// Each record that utmpdump shows, in the rows of the binary file.
fn against_dump(table: &mut Table, path: &Path) {
    let recorder = read("utmp", path, &Clock::UNKNOWN);
    let rows = rows(&recorder);
    let dump = path.with_file_name(format!(
        "{}.utmpdump.txt",
        path.file_name().unwrap().to_str().unwrap()
    ));
    let mut used = 0;
    for line in fs::read_to_string(dump).unwrap().lines() {
        let fields = dump_fields(line);
        let kind = fields[0].as_str();
        if kind == "99" {
            continue;
        }
        used += 1;
        let time = fields[7].replace(',', ".");
        let at = Timestamp::parse_rfc3339(&time).unwrap().to_string();
        let action = match kind {
            "2" => "boot",
            "1" if fields[3] == "shutdown" => "shutdown",
            "3" | "4" => "clock-changed",
            "7" => "login",
            "8" => "session-closed",
            _ => "log",
        };
        let row = rows.iter().find(|row| {
            let same_moment = row["ts"] == at.as_str() && row["action"] == action;
            let same_tty =
                row["attributes"]["tty"].is_null() || row["attributes"]["tty"] == *fields[4];
            let before = action == "clock-changed" && row["attributes"]["before"] == at.as_str();
            (same_moment && same_tty) || before
        });
        let what = |field: &str| format!("{kind} {time} {field}");
        let row = row.cloned().unwrap_or_default();
        table.compare(&what("action"), action, &text(&row["action"]));
        if action == "login" {
            let address = match fields[6].as_str() {
                "0.0.0.0" => "",
                address => address,
            };
            let pid = fields[1].trim_start_matches('0');
            table.compare(&what("user"), &fields[3], &text(&row["user"]));
            table.compare(&what("pid"), pid, &text(&row["pid"]));
            table.compare(&what("address"), address, &text(&row["src_ip"]));
            let tty = text(&row["attributes"]["tty"]);
            table.compare(&what("line"), &fields[4], &tty);
        }
        if action == "boot" && fields[5] != "0.0.0.0" {
            let kernel = text(&row["attributes"]["kernel"]);
            table.compare(&what("kernel"), &fields[5], &kernel);
        }
    }
    let got = recorder.counts.used.to_string();
    table.compare("records used", &used.to_string(), &got);
}

#[test]
fn plaso_utmp() {
    let Some(corpora) = corpora() else { return };
    for (name, expected, skipped) in [
        ("utmp", 34, 0),
        ("utmp_x86_64", 7, 0),
        ("utmp_corrupted", 10, 3),
    ] {
        let mut table = Table::default();
        let path = corpora.join("plaso/utmp").join(name);
        against_dump(&mut table, &path);
        table.assert(&format!("plaso utmp/{name}"), expected, 0, &[]);
        let recorder = read("utmp", &path, &Clock::UNKNOWN);
        assert_eq!(recorder.counts.skipped, skipped, "{name}");
    }
}

/// The dump of a file gives the rows of the file, apart from what utmpdump leaves out.
#[test]
fn dumps_read_as_their_files() {
    let Some(corpora) = corpora() else { return };
    for name in ["utmp", "utmp_x86_64", "utmp_corrupted"] {
        let path = corpora.join("plaso/utmp").join(name);
        let binary = read("utmp", &path, &Clock::UNKNOWN);
        let dump = path.with_file_name(format!("{name}.utmpdump.txt"));
        let dumped = read("utmp", &dump, &Clock::UNKNOWN);
        let bare = |recorder: &Recorder| {
            let mut rows = rows(recorder);
            for row in &mut rows {
                let row = row.as_object_mut().unwrap();
                row.remove("line");
                row.remove("offset");
                if let Some(attributes) = row.get_mut("attributes") {
                    let attributes = attributes.as_object_mut().unwrap();
                    attributes.remove("session");
                    attributes.remove("exit_code");
                }
            }
            rows
        };
        assert_eq!(bare(&binary), bare(&dumped), "{name}");
    }
}

fn local(at: &Value) -> Option<DateTime<Tz>> {
    let at: DateTime<Utc> = at.as_str()?.parse().ok()?;
    Some(at.with_timezone(&Tz::America__Los_Angeles))
}

fn shown(at: &Value, format: &str) -> String {
    local(at).map_or_else(String::new, |at| at.format(format).to_string())
}

/// What jc calls the hostname.
fn host_of(row: &Value) -> String {
    let attributes = &row["attributes"];
    let found = first(&[
        &row["src_ip"],
        &attributes["rhost"],
        &attributes["display"],
        &attributes["kernel"],
    ]);
    if found.is_empty() { "-".into() } else { found }
}

fn against_last(table: &mut Table, truth: &[Value], rows: &[Value]) {
    assert_eq!(truth.len(), rows.len());
    for (expected, row) in truth.iter().zip(rows) {
        let login = text(&expected["login"]);
        let user = text(&expected["user"]);
        let tty = text(&expected["tty"]);
        let what = |field: &str| format!("{login} {user} {field}");
        let action = match (user.as_str(), tty.as_str()) {
            ("reboot", _) => "boot",
            ("shutdown", _) => "shutdown",
            ("runlevel", _) => "log",
            _ => "login",
        };
        table.compare(&what("action"), action, &text(&row["action"]));
        // A weekday that fits tells that the year does.
        let format = match login.split(' ').count() {
            5 => "%a %b %-d %H:%M:%S %Y",
            _ => "%a %b %-d %H:%M",
        };
        table.compare(&what("login"), &login, &shown(&row["ts"], format));
        let host = match text(&expected["hostname"]) {
            host if host.is_empty() || host == "0.0.0.0" => "-".into(),
            host => host,
        };
        table.compare(&what("hostname"), &host, &host_of(row));
        if let Some(epoch) = expected["login_epoch"].as_i64() {
            let got = local(&row["ts"]).map_or(0, |at| at.timestamp());
            table.compare(&what("login_epoch"), &epoch.to_string(), &got.to_string());
        }
        if action != "login" {
            continue;
        }
        table.compare(&what("user"), &user, &text(&row["user"]));
        table.compare(&what("tty"), &tty, &text(&row["attributes"]["tty"]));
        if row["outcome"] == "failure" {
            table.compare(&what("logout"), "", &text(&row["ts_end"]));
            continue;
        }
        logout(table, &what, expected, row);
    }
}

fn logout(table: &mut Table, what: &dyn Fn(&str) -> String, expected: &Value, row: &Value) {
    let ended = text(&row["attributes"]["ended"]);
    let got = match ended.as_str() {
        "still" => "still logged in".into(),
        "gone" => "gone - no logout".into(),
        "logout" if expected["logout_epoch"].is_i64() => {
            shown(&row["ts_end"], "%a %b %-d %H:%M:%S %Y")
        }
        "logout" => shown(&row["ts_end"], "%H:%M"),
        other => other.to_owned(),
    };
    table.compare(&what("logout"), &text(&expected["logout"]), &got);
    let (Some(begin), Some(end)) = (local(&row["ts"]), local(&row["ts_end"])) else {
        return;
    };
    let duration = text(&expected["duration"]);
    let (hours, minutes) = duration.split_once(':').unwrap();
    let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
    // Both ends are cut to the minute, the duration is not.
    let near = ((end - begin).num_minutes() - minutes).abs() <= 1;
    table.compare(&what("duration"), "near", if near { "near" } else { "far" });
}

/// Differences from jc's reading of `last -wF`.
const CONSOLE: &[(&str, &str)] = &[(
    "user1234 hostname: expected \"CONSOLE:",
    "jc puts CONSOLE before displays; here they stand as last prints them, `:0`",
)];

#[test]
fn jc_last() {
    let Some(corpora) = corpora() else { return };
    type Source = (
        &'static str,
        &'static str,
        usize,
        usize,
        &'static [(&'static str, &'static str)],
    );
    let sources: [Source; 6] = [
        ("last", "2020-02-28T14:52:30-08:00", 338, 0, &[]),
        ("last-w", "2020-02-28T14:54:30-08:00", 338, 0, &[]),
        ("last-crash", "2021-01-05T14:35:30-08:00", 923, 0, &[]),
        ("last-wF", "2021-01-05T14:29:36-08:00", 1147, 4, CONSOLE),
        ("last-wixF", "2023-06-19T14:35:00-07:00", 42, 0, &[]),
        ("lastb", "2020-02-28T14:52:30-08:00", 20, 0, &[]),
    ];
    let mut failed = Vec::new();
    for (name, collected_at, expected, differing, known) in sources {
        let folder = corpora.join("jc/centos-7.7");
        let truth = fs::read(folder.join(format!("{name}.json"))).unwrap();
        let truth: Vec<Value> = serde_json::from_slice(&truth).unwrap();
        let recorder = read(
            "last",
            &folder.join(format!("{name}.out")),
            &at(collected_at),
        );
        assert_eq!(recorder.counts.skipped, 0, "{name}");
        let mut table = Table::default();
        against_last(&mut table, &truth, &rows(&recorder));
        let run = std::panic::AssertUnwindSafe(|| {
            table.assert(&format!("jc {name}"), expected, differing, known);
        });
        if std::panic::catch_unwind(run).is_err() {
            failed.push(name);
        }
    }
    assert_eq!(failed, Vec::<&str>::new());
}

/// Without the moment of collection the closing line dates the rows, and the same years come out.
#[test]
fn jc_last_without_a_collection() {
    let Some(corpora) = corpora() else { return };
    for (name, collected_at) in [
        ("last", "2020-02-28T14:52:30-08:00"),
        ("last-crash", "2021-01-05T14:35:30-08:00"),
        ("lastb", "2020-02-28T14:52:30-08:00"),
    ] {
        let path = corpora.join(format!("jc/centos-7.7/{name}.out"));
        let with = rows(&read("last", &path, &at(collected_at)));
        let without = rows(&read("last", &path, &at("")));
        let late = rows(&read("last", &path, &at("2025-01-01T00:00:00Z")));
        assert_eq!(with, without, "{name}");
        assert_eq!(with, late, "{name}");
    }
}

#[test]
fn jc_who_and_w() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("jc/centos-7.7");
    let mut table = Table::default();
    for name in ["who", "who-a", "w"] {
        let truth = fs::read(folder.join(format!("{name}.json"))).unwrap();
        let truth: Vec<Value> = serde_json::from_slice(&truth).unwrap();
        let path = folder.join(format!("{name}.out"));
        let recorder = read("who", &path, &at("2020-03-01T10:25:20-08:00"));
        assert_eq!(recorder.counts.skipped, 0, "{name}");
        let rows = rows(&recorder);
        assert_eq!(truth.len(), rows.len(), "{name}");
        for (index, (expected, row)) in truth.iter().zip(&rows).enumerate() {
            let what = |field: &str| format!("{name} {index} {field}");
            let attributes = &row["attributes"];
            table.compare(&what("user"), &text(&expected["user"]), &text(&row["user"]));
            table.compare(
                &what("tty"),
                &text(&expected["tty"]),
                &text(&attributes["tty"]),
            );
            let from = first(&[&row["src_ip"], &attributes["rhost"]]);
            table.compare(&what("from"), &text(&expected["from"]), &from);
            table.compare(&what("pid"), &text(&expected["pid"]), &text(&row["pid"]));
            table.compare(
                &what("idle"),
                &text(&expected["idle"]),
                &text(&attributes["idle"]),
            );
            table.compare(
                &what("what"),
                &text(&expected["what"]),
                &text(&row["command"]),
            );
            if let Some(epoch) = expected["epoch"].as_i64() {
                let got = local(&row["ts"]).map_or(0, |at| at.timestamp());
                table.compare(&what("epoch"), &epoch.to_string(), &got.to_string());
            }
            let login = match text(&expected["login_at"]) {
                login if login.contains(':') => shown(&row["ts"], "%H:%M"),
                login if login.is_empty() => login,
                _ => shown(&row["ts"], "%a%H"),
            };
            table.compare(&what("login_at"), &text(&expected["login_at"]), &login);
        }
    }
    table.assert("jc who, who-a, w", 37, 0, &[]);
}

/// Every login record of the incidents is recognised, and all of it is used.
#[test]
fn incidents_are_read_whole() {
    let Some(incidents) = incidents() else {
        return;
    };
    let (mut files, mut used) = (0, 0);
    for incident in fs::read_dir(incidents).unwrap().flatten() {
        let Ok(hosts) = fs::read_dir(incident.path()) else {
            continue;
        };
        for artifact in hosts
            .flatten()
            .filter_map(|host| fs::read_dir(host.path()).ok())
        {
            for path in artifact.flatten().map(|entry| entry.path()) {
                let name = path.file_name().unwrap().to_str().unwrap();
                let id = match name {
                    "last.txt" => "last",
                    _ if name.contains("tmp") => "utmp",
                    _ => continue,
                };
                let recorder = read(id, &path, &at("2023-05-12T10:20:00+08:00"));
                let skipped: Vec<_> = recorder.skips.iter().collect();
                assert!(skipped.is_empty(), "{name}: {skipped:?}");
                assert_eq!(recorder.warnings, [], "{name}");
                files += 1;
                used += recorder.counts.used;
            }
        }
    }
    println!("incidents: {files} files, {used} records used, none skipped");
    assert!(files == 0 || used > 0);
}
