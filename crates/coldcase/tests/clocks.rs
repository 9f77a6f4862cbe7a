//! Clocks that nobody told: bundles without `case.toml` and without any fact of a zone, whose logs share events with
//! records in UTC. Zone, year and moment of collection are solved, or stay marked; zones that were given and
//! are contradicted are warned of; skews and steps are told.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and its numbers are small"
)]

mod program;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeZone as _};
use chrono_tz::Tz;
use program::coldcase;
use serde_json::Value;
use tempfile::TempDir;

const HOUR: i64 = 3_600;

fn at(year: i32, month: u32, day: u32) -> i64 {
    let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

/// Logins without a rhythm, some hours apart.
fn moments(from: i64, hours: i64, count: i64) -> Vec<i64> {
    let wobble = |index: i64| (index * index * 7_919 + 10_429) % (hours * HOUR * 4 / 5);
    (0..count)
        .map(|index| from + index * hours * HOUR + wobble(index))
        .collect()
}

fn local(zone: Tz, utc: i64, format: &str) -> String {
    let at = DateTime::from_timestamp(utc, 0)
        .expect("a time")
        .naive_utc();
    zone.from_utc_datetime(&at).format(format).to_string()
}

const YEARLESS: &str = "%b %e %H:%M:%S";

/// sshd's lines of these logins by a clock in a zone.
fn auth_log(zone: Tz, logins: &[i64]) -> String {
    let mut text = String::new();
    for (index, utc) in logins.iter().enumerate() {
        let (stamp, pid) = (local(zone, *utc, YEARLESS), 2_000 + index);
        let port = 40_000 + index;
        let _ = writeln!(
            text,
            "{stamp} web-1 sshd[{pid}]: Accepted publickey for ann from 192.0.2.{} port {port} ssh2",
            index % 3 + 1
        );
        let _ = writeln!(
            text,
            "{stamp} web-1 sshd[{pid}]: pam_unix(sshd:session): session opened for user ann by (uid=0)"
        );
    }
    text
}

/// wtmp's records of the same, a second later.
fn wtmp(logins: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, utc) in logins.iter().enumerate() {
        let mut record = [0_u8; 384];
        let mut put = |start: usize, field: &[u8]| {
            record[start..start + field.len()].copy_from_slice(field);
        };
        put(0, &7_i16.to_le_bytes());
        put(4, &(9_000 + index as i32).to_le_bytes());
        put(8, format!("pts/{}", index % 5).as_bytes());
        put(44, b"ann");
        put(76, format!("192.0.2.{}", index % 3 + 1).as_bytes());
        put(340, &(*utc as i32 + 1).to_le_bytes());
        put(348, &[192, 0, 2, index as u8 % 3 + 1]);
        bytes.extend(record);
    }
    bytes
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("writes");
}

/// What `analyze` makes of a bundle: `case.json`, `report.md`, and the timeline's rows.
struct Made {
    case: Value,
    report: String,
    rows: Vec<Value>,
}

fn analyze(folder: &Path, more: &[&str]) -> Made {
    let run = |arguments: &[&str]| {
        let output = coldcase(folder, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code < 2), "{error}");
        assert!(!error.contains("panicked"), "{error}");
    };
    run(&[&["analyze", "-q", "bundle", "-o", "case"], more].concat());
    run(&[&["timeline", "-q", "bundle", "-o", "rows.jsonl"], more].concat());
    let text = |name: &str| fs::read_to_string(folder.join(name)).expect("a file");
    Made {
        case: serde_json::from_str(&text("case/case.json")).expect("JSON"),
        report: text("case/report.md"),
        rows: text("rows.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a row"))
            .collect(),
    }
}

impl Made {
    fn clock(&self, path: &str) -> &Value {
        let clocks = self.case["clocks"].as_array().expect("clocks");
        let found = clocks.iter().find(|one| one["path"] == path);
        found.unwrap_or_else(|| panic!("{path} is not among {clocks:?}"))
    }

    /// Seconds of all logins that sshd told.
    fn logins(&self) -> Vec<Option<i64>> {
        let logins = self.rows.iter().filter(|row| row["action"] == "ssh-login");
        let mut times: Vec<Option<i64>> = logins
            .map(|row| Some(row["ts_ns"].as_i64()? / 1_000_000_000))
            .collect();
        times.sort_unstable();
        times
    }
}

fn some(logins: &[i64]) -> Vec<Option<i64>> {
    logins.iter().copied().map(Some).collect()
}

/// A bundle of a log in a zone and wtmp, with nothing that tells zone, year or collection.
fn check(zone: Tz, logins: &[i64], expected: &str) {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    write(&bundle.join("web-1/auth.log"), auth_log(zone, logins));
    write(&bundle.join("web-1/wtmp"), wtmp(logins));
    let made = analyze(folder.path(), &[]);
    let clock = made.clock("web-1/auth.log");
    assert_eq!(clock["timezone"], expected, "{clock}");
    assert_eq!(clock["rests_on"], "solved from shared events");
    let measured = &clock["measured"];
    assert_eq!(measured["against"][0], "wtmp", "{measured}");
    assert_eq!(measured["matched"], measured["of"]);
    assert_eq!(measured["matched"], logins.len());
    assert_eq!(measured["ahead_seconds"], 1);
    assert!(
        measured["confidence"]
            .as_f64()
            .is_some_and(|sure| sure > 0.9)
    );
    assert_eq!(made.case["hosts"][0]["timezone"], expected);
    assert!(
        made.case["collected_at_rests_on"]
            .as_str()
            .is_some_and(|text| text.contains("latest record"))
    );
    let count = logins.len();
    let said = format!("assumed from wtmp, {count} of {count} logins agree within 1 s");
    assert!(made.report.contains(&said), "{}", made.report);
    assert_eq!(made.logins(), some(logins));
    let bases = made.rows.iter().filter(|row| row["action"] == "ssh-login");
    let mut bases = bases.map(|row| row["ts_basis"].as_str());
    assert!(bases.all(|basis| basis == Some("year-inferred")));
}

#[test]
fn a_half_hour_zone_is_solved() {
    check(
        Tz::Asia__Kolkata,
        &moments(at(2023, 4, 3), 5, 60),
        "Asia/Kolkata",
    );
    check(
        Tz::Asia__Kathmandu,
        &moments(at(2022, 4, 3), 5, 60),
        "Asia/Kathmandu",
    );
}

#[test]
fn summer_time_within_the_span_is_solved() {
    let logins = moments(at(2023, 2, 20), 7, 140);
    check(Tz::America__New_York, &logins, "America/New_York");
}

#[test]
fn years_follow_the_shared_events() {
    // Over New Year.
    check(
        Tz::Asia__Shanghai,
        &moments(at(2022, 12, 20), 6, 90),
        "Asia/Shanghai",
    );
}

#[test]
fn a_log_that_goes_on_after_the_last_record_keeps_its_year() {
    let logins = moments(at(2023, 12, 1), 6, 160);
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    write(
        &bundle.join("web-1/auth.log"),
        auth_log(Tz::Asia__Shanghai, &logins),
    );
    write(&bundle.join("web-1/wtmp"), wtmp(&logins[..100]));
    let made = analyze(folder.path(), &[]);
    assert_eq!(made.logins(), some(&logins));
    assert_eq!(made.clock("web-1/auth.log")["timezone"], "Asia/Shanghai");
}

#[test]
fn an_older_log_keeps_its_year_too() {
    // wtmp was never rotated; of the log only what two years ago was is left.
    let logins = moments(at(2021, 4, 1), 70, 250);
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let old = &logins[..40];
    write(
        &bundle.join("web-1/auth.log"),
        auth_log(Tz::Asia__Tokyo, old),
    );
    write(&bundle.join("web-1/wtmp"), wtmp(&logins));
    let made = analyze(folder.path(), &["--collected-at", "2023-06-01T00:00:00Z"]);
    assert_eq!(made.logins(), some(old));
    assert_eq!(made.clock("web-1/auth.log")["first_year"], 2021);
}

#[test]
fn nothing_shared_stays_marked() {
    let logins = moments(at(2023, 4, 3), 5, 60);
    let others: Vec<i64> = moments(at(2023, 4, 3) + 1_234, 7, 50);
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    write(
        &bundle.join("web-1/auth.log"),
        auth_log(Tz::Asia__Kolkata, &logins),
    );
    let mut foreign = wtmp(&others);
    // Another account: the two tell of nothing in common.
    for record in foreign.chunks_mut(384) {
        record[44..47].copy_from_slice(b"bob");
    }
    write(&bundle.join("web-1/wtmp"), foreign);
    let made = analyze(folder.path(), &["--collected-at", "2023-06-01T00:00:00Z"]);
    let clock = made.clock("web-1/auth.log");
    assert_eq!(clock["timezone"], "UTC");
    assert_eq!(clock["rests_on"], "none: UTC assumed");
    assert_eq!(clock["measured"], Value::Null);
    let as_utc: Vec<i64> = logins.iter().map(|utc| utc + 19_800).collect();
    assert_eq!(made.logins(), some(&as_utc));
}

#[test]
fn a_zone_that_was_given_stays_and_is_warned_of() {
    let logins = moments(at(2023, 1, 3), 5, 60);
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let case = "timezone = \"Asia/Shanghai\"\ncollected_at = \"2023-02-01T00:00:00Z\"\n";
    write(&bundle.join("case.toml"), case);
    write(
        &bundle.join("web-1/secure"),
        auth_log(Tz::America__New_York, &logins),
    );
    write(&bundle.join("web-1/wtmp"), wtmp(&logins));
    let made = analyze(folder.path(), &[]);
    let clock = made.clock("web-1/secure");
    assert_eq!(clock["timezone"], "Asia/Shanghai");
    assert_eq!(clock["rests_on"], "case.toml");
    assert_eq!(clock["measured"]["contradicts"], true);
    assert_eq!(clock["measured"]["utc_offset"], "UTC-05:00");
    let shifted: Vec<i64> = logins.iter().map(|utc| utc - 13 * HOUR).collect();
    assert_eq!(made.logins(), some(&shifted));
    let said = "zone Asia/Shanghai from case.toml, but 60 of 60 logins shared with wtmp say";
    let warnings = made.case["warnings"].to_string();
    assert!(warnings.contains(said), "{warnings}");
    assert!(made.report.contains(said), "{}", made.report);

    // The right one is borne out.
    write(
        &bundle.join("case.toml"),
        case.replace("Asia/Shanghai", "America/New_York"),
    );
    let made = analyze(folder.path(), &[]);
    assert_eq!(made.case["warnings"], serde_json::json!([]));
    assert_eq!(made.clock("web-1/secure")["measured"]["contradicts"], false);
    assert!(
        made.report
            .contains("from case.toml, and 60 of 60 logins shared with wtmp agree")
    );
}

/// Audit records of ssh from one host to another.
fn audit_log(connects: &[i64], to: [u8; 4]) -> String {
    let mut text = String::new();
    let address: String = to.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    });
    for (serial, utc) in (1..).zip(connects) {
        let id = format!("audit({utc}.120:{serial})");
        let _ = writeln!(
            text,
            "type=SYSCALL msg={id}: arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=7f a2=10 a3=0 items=0 ppid=1 pid={} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=(none) ses=1 comm=\"ssh\" exe=\"/usr/bin/ssh\" key=(null)",
            500 + serial
        );
        let _ = writeln!(
            text,
            "type=SOCKADDR msg={id}: saddr=02000016{address}0000000000000000"
        );
    }
    text
}

#[test]
fn skew_between_hosts_is_measured_and_not_applied() {
    let logins = moments(at(2023, 4, 3), 1, 40);
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let case = "timezone = \"UTC\"\ncollected_at = \"2023-06-01T00:00:00Z\"\n\
        [[host]]\nname = \"web-1\"\npath = \"web-1\"\naddresses = [\"192.0.2.50\"]\n\
        [[host]]\nname = \"ops\"\npath = \"ops\"\naddresses = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\n";
    write(&bundle.join("case.toml"), case);
    // The target's clock is 42 s ahead, and a login takes a second.
    let seen: Vec<i64> = logins.iter().map(|utc| utc + 43).collect();
    write(&bundle.join("web-1/auth.log"), auth_log(Tz::UTC, &seen));
    write(
        &bundle.join("ops/audit.log"),
        audit_log(&logins, [192, 0, 2, 50]),
    );
    let made = analyze(folder.path(), &[]);
    let skew = &made.case["skews"][0];
    assert_eq!(
        (&skew["host"], &skew["against"]),
        (&"web-1".into(), &"ops".into()),
        "{}",
        made.case["skews"]
    );
    assert_eq!(skew["pairs"], 40);
    let seconds = skew["offset_seconds"].as_f64().expect("a number");
    assert!((seconds - 42.88).abs() < 0.5, "{skew}");
    assert!(
        made.report
            .contains("web-1: its clock is 42.9 s ahead of that of ops")
    );
    assert_eq!(made.logins(), some(&seen));

    // What case.toml says of the clock is taken into account.
    let corrected = case.replacen(
        "name = \"web-1\"\n",
        "name = \"web-1\"\nclock_offset = \"-42s\"\n",
        1,
    );
    write(&bundle.join("case.toml"), corrected);
    let made = analyze(folder.path(), &[]);
    let seconds = made.case["skews"][0]["offset_seconds"]
        .as_f64()
        .expect("a number");
    assert!((seconds - 0.88).abs() < 0.5, "{}", made.case["skews"]);
}

#[test]
fn steps_and_jumps_back_are_told() {
    let logins = moments(at(2023, 4, 3), 2, 20);
    let mut text = auth_log(Tz::UTC, &logins);
    let last = logins[19];
    let stamp = |utc: i64| local(Tz::UTC, utc, YEARLESS);
    let _ = writeln!(
        text,
        "{} web-1 chronyd[700]: System clock was stepped by -7200.250000 seconds",
        stamp(last - 7_190)
    );
    let _ = writeln!(
        text,
        "{} web-1 sshd[1]: Server listening on 0.0.0.0 port 22.",
        stamp(last - 7_100)
    );
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    write(&bundle.join("web-1/auth.log"), text);
    let made = analyze(
        folder.path(),
        &[
            "--collected-at",
            "2023-06-01T00:00:00Z",
            "--timezone",
            "UTC",
        ],
    );
    let steps = made.case["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2, "{steps:?}");
    for (step, kind, seconds) in [
        (&steps[0], "seen", -7_190.0),
        (&steps[1], "told", -7_200.25),
    ] {
        assert_eq!((&step["kind"], &step["line"]), (&kind.into(), &41.into()));
        assert_eq!(step["seconds"], seconds);
        assert_eq!(step["host"], "web-1");
    }
    assert!(
        made.report
            .contains("web-1/auth.log:41: the log goes back 7190 s")
    );
    assert!(made.report.contains("the clock was set by -7200.2 s"));
}

/// A bundle of these files, of a clock in Asia/Kolkata where they record no zone; which one is asked for and what
/// it agrees on.
fn check_kind(files: &[(&str, String)], asked: &str, matched: usize, events: &str) {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    for (path, text) in files {
        write(&bundle.join(path), text);
    }
    let made = analyze(folder.path(), &["--collected-at", "2023-06-01T00:00:00Z"]);
    let clock = made.clock(asked);
    assert_eq!(clock["timezone"], "Asia/Kolkata", "{events}: {clock}");
    assert_eq!(clock["measured"]["matched"], matched, "{events}: {clock}");
    assert_eq!(clock["measured"]["events"], events);
}

fn each(times: &[i64], line: impl Fn(usize, i64) -> String) -> String {
    let lines = times.iter().enumerate();
    lines.map(|(index, utc)| line(index, *utc) + "\n").collect()
}

const KOLKATA: Tz = Tz::Asia__Kolkata;

#[test]
fn cron_s_sessions_are_shared_with_audit() {
    // Every ten minutes: only the processes tell runs apart.
    let runs: Vec<i64> = (0..40).map(|run| at(2023, 4, 3) + run * 600).collect();
    let log = each(&runs, |index, utc| {
        let (stamp, pid) = (local(KOLKATA, utc, YEARLESS), 3_000 + index * 7);
        format!(
            "{stamp} h CRON[{pid}]: pam_unix(cron:session): session opened for user root by (uid=0)"
        )
    });
    let audit = each(&runs, |index, utc| {
        let (serial, pid) = (100 + index, 3_000 + index * 7);
        format!(
            "type=USER_START msg=audit({utc}.100:{serial}): pid={pid} uid=0 auid=0 ses=1 msg='op=PAM:session_open acct=\"root\" exe=\"/usr/sbin/cron\" hostname=? addr=? terminal=cron res=success'"
        )
    });
    let files = [("h/auth.log", log), ("h/audit/audit.log", audit)];
    check_kind(&files, "h/auth.log", 40, "sessions");
}

#[test]
fn sudo_s_commands_are_shared_with_audit() {
    let times = moments(at(2023, 4, 3), 5, 12);
    let command = |index: usize| format!("/usr/bin/id {}", index % 4);
    let log = each(&times, |index, utc| {
        format!(
            "{} h sudo:      ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND={}",
            local(KOLKATA, utc, YEARLESS),
            command(index)
        )
    });
    let audit = each(&times, |index, utc| {
        let hex = |mut text: String, byte: u8| {
            let _ = write!(text, "{byte:02X}");
            text
        };
        let command = command(index).bytes().fold(String::new(), hex);
        format!(
            "type=USER_CMD msg=audit({utc}.100:{}): pid={} uid=1000 auid=1000 ses=1 msg='cwd=\"/home/ann\" cmd={command} exe=\"/usr/bin/sudo\" terminal=pts/0 res=success'",
            100 + index,
            900 + index
        )
    });
    let files = [("h/auth.log", log), ("h/audit/audit.log", audit)];
    check_kind(&files, "h/auth.log", 12, "sudo commands");
}

#[test]
fn questions_are_shared_with_another_log_of_them() {
    let times = moments(at(2023, 4, 3), 1, 40);
    let question = |index: usize| {
        format!(
            "[INFO] 10.244.6.{}:5{index:04} - {} \"A IN a.example. udp 40 false 512\" NOERROR qr,rd,ra 90 0.0012s",
            index % 3,
            1_000 + index * 37
        )
    };
    let own = each(&times, |index, utc| {
        let stamp = local(KOLKATA, utc, "%Y/%m/%d %H:%M:%S");
        format!("{stamp} {}", question(index))
    });
    let stamped = each(&times, |index, utc| {
        let stamp = local(Tz::UTC, utc + 1, "%Y-%m-%dT%H:%M:%S.000000000Z");
        format!("{stamp} {}", question(index))
    });
    let files = [
        ("h/coredns.log", own),
        ("node/coredns_stamped.log", stamped),
    ];
    check_kind(&files, "h/coredns.log", 40, "DNS questions");
}

#[test]
fn mtimes_are_shared_with_the_logs_that_wrote_them() {
    let ends = moments(at(2023, 4, 3), 30, 6);
    let mut files: Vec<(String, String)> = Vec::new();
    let mut listing = String::from("total 48\n");
    for (index, end) in ends.iter().enumerate() {
        let name = format!("audit.log.{}", 6 - index);
        let times: Vec<i64> = (0..5).map(|back| end - (4 - back) * 1_000).collect();
        let text = each(&times, |line, utc| {
            let serial = index * 10 + line;
            format!(
                "type=CRED_REFR msg=audit({utc}.100:{serial}): pid=1 uid=0 auid=0 ses=1 msg='op=PAM:setcred acct=\"root\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=success'"
            )
        });
        let mtime = local(KOLKATA, *end, "%Y-%m-%d %H:%M");
        let _ = writeln!(listing, "-r--------. 1 root root 8388609 {mtime} {name}");
        files.push((format!("h/audit/{name}"), text));
    }
    files.push(("h/ls_var_log_audit.txt".to_owned(), listing));
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.clone()))
        .collect();
    check_kind(&files, "h/ls_var_log_audit.txt", 6, "last writes of logs");
}

#[test]
fn an_engine_s_lines_are_shared_with_what_inspect_tells() {
    let times = moments(at(2023, 4, 3), 9, 8);
    let id = |index: usize| format!("{index:02x}{:062x}", 7_919 * (index + 3));
    let log = each(&times, |index, utc| {
        format!(
            "{} h dockerd[700]: level=info msg=\"ignoring event\" container={} module=libcontainerd namespace=moby topic=/tasks/delete type=\"*events.TaskDelete\"",
            local(KOLKATA, utc, YEARLESS),
            id(index)
        )
    });
    let time = |seconds: i64| local(Tz::UTC, seconds, "%Y-%m-%dT%H:%M:%S.123456789Z");
    let containers = times.iter().enumerate().map(|(index, utc)| {
        serde_json::json!({
            "Id": id(index), "Name": format!("/c{index}"), "Created": time(utc - 4_000), "Path": "/x", "Args": [],
            "State": { "Status": "exited", "Running": false, "ExitCode": 0, "Pid": 0,
                "StartedAt": time(utc - 4_000), "FinishedAt": time(*utc) },
            "Image": "sha256:1", "Config": { "Image": "x", "Env": [] }, "HostConfig": {}, "NetworkSettings": {}
        })
    });
    let containers: Vec<Value> = containers.collect();
    let files = [
        ("h/syslog", log),
        ("h/docker_inspect.json", Value::from(containers).to_string()),
    ];
    check_kind(&files, "h/syslog", 8, "starts and exits of containers");
}
