//! The format `authlog` over public log corpora and over made incidents, compared with the truth that stands
//! beside them. Every remaining difference is named with its reason. Where the corpora are absent, nothing is tested.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "the table of what was compared is the test's report; a missing JSON field is null"
)]

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use coldcase_ingest::{Clock, Format, formats};
use coldcase_model::{Event, action};
use coldcase_testkit::corpora::corpora;
use coldcase_testkit::{Recorder, attributes, clock, ingest, ingest_series};
use serde_json::Value;

fn authlog() -> &'static Format {
    formats::by_id("authlog").expect("registered")
}

fn read_series(files: &[PathBuf], clock: &Clock) -> Vec<Recorder> {
    let contents: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|path| {
            let bytes = fs::read(path).expect("a readable corpus");
            (path.to_string_lossy().into_owned(), bytes)
        })
        .collect();
    let artifacts: Vec<_> = contents
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    ingest_series(authlog(), &artifacts, clock)
}

fn read_file(path: &Path, clock: &Clock) -> Recorder {
    read_series(&[path.to_path_buf()], clock)
        .pop()
        .expect("one recorder")
}

/// One line read as a log of its own.
fn read_line(line: &str, clock: &Clock) -> Recorder {
    ingest(authlog(), "line", line.as_bytes(), clock)
}

/// Address or, where it is a name, the attribute.
fn peer(event: &Event<'_>) -> String {
    let rhost = attributes(event)["rhost"].as_str().map(str::to_owned);
    let address = event.src_ip.as_deref().map(str::to_owned);
    address.or(rhost).unwrap_or_default()
}

/// Prints one source and checks how many of its truths were met.
fn table(source: &str, expected: usize, met: usize, differing: usize) {
    println!("{source:<44} expected {expected:>5} got {met:>5} differing {differing:>3}");
    assert_eq!(
        expected - met,
        differing,
        "{source}: see the table of differences"
    );
}

/// What fail2ban's own parsers find and this format does not, by file: lines, and why.
const FAIL2BAN_DIFFERENCES: [(&str, usize, usize, &str); 4] = [
    ("dropbear", 0, 0, ""),
    ("pam-generic", 0, 0, ""),
    ("wuftpd", 0, 2, "wu-ftpd's own wording is kept as a log row"),
    ("vsftpd", 0, 0, ""),
];

/// `# failJSON` comments tell time, host and user of the line that follows. Fail2ban reads its year-less stamps as
/// of 14 August 2005, noon, in Zurich.
#[test]
fn fail2ban_lines_have_their_times_and_hosts() {
    let Some(root) = corpora() else { return };
    let clock = clock(Tz::Europe__Zurich, "2005-08-14T12:00:00+02:00");
    for (file, no_time, no_host, why) in FAIL2BAN_DIFFERENCES {
        let text = fs::read(root.join("fail2ban").join(file)).expect("a readable corpus");
        let text = String::from_utf8_lossy(&text);
        let mut told: Option<Value> = None;
        let (mut times, mut times_met, mut hosts, mut hosts_met) = (0, 0, 0, 0);
        for line in text.lines() {
            if let Some(json) = line.strip_prefix("# failJSON:") {
                told = Some(serde_json::from_str(json).expect("failJSON is JSON"));
                continue;
            }
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let Some(told) = told.take() else { continue };
            let recorder = read_line(line, &clock);
            let event = recorder.events.first();
            let local = event.and_then(|event| event.when).map(|when| {
                clock
                    .zone
                    .local(when.ts)
                    .format("%Y-%m-%dT%H:%M:%S")
                    .to_string()
            });
            if let Some(time) = told["time"].as_str() {
                times += 1;
                times_met += usize::from(local.as_deref() == Some(time));
            }
            if told["match"] == true {
                hosts += 1;
                let met =
                    event.is_some_and(|event| Some(peer(event).as_str()) == told["host"].as_str());
                hosts_met += usize::from(met);
            }
        }
        table(&format!("fail2ban/{file} times"), times, times_met, no_time);
        table(&format!("fail2ban/{file} hosts"), hosts, hosts_met, no_host);
        if !why.is_empty() {
            println!("  {why}");
        }
    }
}

/// The 2,000 lines that loghub took apart: time, program, process, message.
#[test]
fn loghub_linux_lines_are_taken_apart_alike() {
    let Some(root) = corpora() else { return };
    let folder = root.join("loghub/Linux");
    let clock = clock(Tz::UTC, "2005-07-28T00:00:00Z");
    let recorder = read_file(&folder.join("Linux_2k.log"), &clock);
    let mut csv =
        csv::Reader::from_path(folder.join("Linux_2k.log_structured.csv")).expect("a CSV");
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.expect("a row")).collect();
    assert_eq!(recorder.counts.used, rows.len() as u64);
    let mut met = 0;
    for row in &rows {
        let cell = |index: usize| row.get(index).unwrap_or_default();
        let number: u64 = cell(0).parse().expect("a line number");
        let event = recorder
            .events
            .iter()
            .find(|event| event.line == Some(number))
            .expect("an event");
        let when = event.when.expect("a time").ts.to_utc();
        let same_time = when.format("%Y %b %-d %H:%M:%S").to_string()
            == format!("2005 {} {} {}", cell(1), cell(2), cell(3));
        let same_pid = event.pid.map(|pid| pid.to_string()).unwrap_or_default() == cell(6);
        let message = event.message.as_deref().unwrap_or_default();
        let same_text = message.starts_with(cell(5)) && message.ends_with(cell(7).trim());
        met += usize::from(same_time && same_pid && same_text);
    }
    table("loghub/Linux/Linux_2k.log", rows.len(), met, 0);
    let failures = rows
        .iter()
        .filter(|row| &row[5] == "sshd(pam_unix)" && row[7].starts_with("authentication failure;"));
    let failures = failures.count();
    let logins = recorder
        .events
        .iter()
        .filter(|event| event.action == action::SSH_LOGIN && attributes(event)["repeat"].is_null());
    table("loghub/Linux ssh failures", failures, logins.count(), 0);
}

/// Events that plaso's own tests count, and lines that neither reads or that belong to the event before them:
/// `(file, events, continuation lines, skipped lines, why)`.
const PLASO: [(&str, usize, u64, u64, &str); 5] = [
    ("syslog", 16, 1, 1, "one line is of a month MMM"),
    ("syslog_cron.log", 9, 0, 0, ""),
    ("syslog_ssh.log", 9, 0, 0, ""),
    ("syslog_rsyslog", 5, 0, 0, ""),
    (
        "syslog_rsyslog_traditional",
        8,
        2,
        1,
        "a message's second line that is not indented",
    ),
];

#[test]
fn plaso_files_give_their_records() {
    let Some(root) = corpora() else { return };
    let clock = clock(Tz::UTC, "2016-01-01T00:00:00Z");
    for (file, events, continued, skipped, why) in PLASO {
        let recorder = read_file(&root.join("plaso/syslog").join(file), &clock);
        let lines = (recorder.counts.used, recorder.counts.skipped);
        assert_eq!(lines, (events as u64 + continued, skipped), "{file}");
        table(
            &format!("plaso/syslog/{file}"),
            events,
            recorder.events.len(),
            0,
        );
        if !why.is_empty() {
            println!("  {skipped} line skipped: {why}");
        }
    }
    // Plaso: the first year, then March of the year after; the 29 February makes it 2012.
    let recorder = read_file(&root.join("plaso/syslog/syslog"), &clock);
    let time = |index: usize| recorder.events[index].when.map(|when| when.ts.to_string());
    assert_eq!(time(0).as_deref(), Some("2012-01-22T07:52:33Z"));
    assert_eq!(time(8).as_deref(), Some("2013-03-23T23:01:18Z"));
}

/// `GetMeta("source_ip") == "..."` of the first scenario, or else of the parser.
fn asserted_sources(folder: &Path) -> Vec<String> {
    let sources = |file: &str, stage: &str, key: &str| -> Vec<String> {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        text.lines()
            .filter(|line| line.starts_with(stage) && line.contains(key))
            .filter_map(|line| line.rsplit('"').nth(1).map(str::to_owned))
            .collect()
    };
    let scenario = sources("scenario.assert", "results[0]", "GetMeta(\"source_ip\")");
    if scenario.is_empty() {
        return sources(
            "parser.assert",
            "results[\"s01-parse\"]",
            "Meta[\"source_ip\"]",
        );
    }
    scenario
}

#[test]
fn crowdsec_logs_have_their_sources() {
    let Some(root) = corpora() else { return };
    let clock = clock(Tz::UTC, "2026-12-31T00:00:00Z");
    for (name, differing) in [
        ("ssh-bf", 0),
        ("sshd-invalid-bf", 0),
        ("sshd-success-logs", 0),
        ("sshd_banner_exchange", 0),
    ] {
        let folder = root.join("crowdsec-hub").join(name);
        let recorder = read_file(&folder.join(format!("{name}.log")), &clock);
        let mut peers: Vec<String> = recorder.events.iter().map(peer).collect();
        let (mut expected, mut met) = (0, 0);
        for source in asserted_sources(&folder) {
            expected += 1;
            if let Some(at) = peers.iter().position(|peer| *peer == source) {
                peers.remove(at);
                met += 1;
            }
        }
        table(&format!("crowdsec-hub/{name}"), expected, met, differing);
    }
}

/// ossec finds the address in a line of BIND's `named`, whose wordings are kept as log rows here.
const OSSEC_DIFFERENCES: usize = 1;

/// Programs, addresses and users that ossec-logtest prints.
#[test]
fn ossec_lines_have_their_programs_and_addresses() {
    let Some(root) = corpora() else { return };
    let clock = clock(Tz::UTC, "2016-01-01T00:00:00Z");
    let (mut expected, mut met) = (0, 0);
    let Ok(entries) = fs::read_dir(root.join("ossec-hids/logtesting")) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(log) = fs::read(entry.path().join("log")) else {
            continue;
        };
        let log = String::from_utf8_lossy(&log).into_owned();
        let res = fs::read(entry.path().join("res")).unwrap_or_default();
        let res = String::from_utf8_lossy(&res).into_owned();
        let told = |key: &str| {
            let line = res
                .lines()
                .find(|line| line.trim_start().starts_with(key))?;
            line.split('\'').nth(1).map(str::to_owned)
        };
        let Some(program) = told("program_name:").filter(|program| program != "(null)") else {
            continue;
        };
        expected += 1;
        let recorder = read_line(&log, &clock);
        let event = recorder.events.first().expect("an event");
        let shown = event.message.as_deref().unwrap_or_default();
        let address = told("srcip:").is_none_or(|address| peer(event) == address);
        let user = told("srcuser:").is_none_or(|user| {
            event.user.as_deref() == Some(&*user) || attributes(event)["target"] == user.as_str()
        });
        let good = shown.starts_with(&program) && address && user;
        met += usize::from(good);
    }
    table("ossec-hids/logtesting", expected, met, OSSEC_DIFFERENCES);
}

/// What lines without a truth of their own say, as read by hand: the action of each event, in order.
const BY_HAND: [(&str, &str); 5] = [
    (
        "elastic-integrations/system-auth/test-auth.log",
        "ssh-login+ ssh-login+ ssh-invalid-user ssh-login- sudo+ ssh-disconnect sudo+ sudo- group-added+ \
         user-added+ ssh-login- login-",
    ),
    ("elastic-integrations/system-auth/test-5424.log", "log"),
    (
        "elastic-beats/iso8601_timestamp_multiline_syslog.log",
        "log",
    ),
    (
        "insights-core/secure/MSGINFO.txt",
        "log log log log ssh-session-opened log log ssh-disconnect ssh-session-closed",
    ),
    (
        "insights-core/cron_log/CRON_LOG.txt",
        "cron-run cron-run cron-run cron-run",
    ),
];

/// The same of Wazuh's rule tests, `log N pass = LINE`.
const WAZUH_BY_HAND: [(&str, &str); 6] = [
    ("pam", "login- log su+ session-closed ssh-login- ssh-login-"),
    ("su", "su- su- login- login- su+"),
    ("syslog", "log log log log log user-added-"),
    ("systemd", "log clock-changed"),
    ("vsftpd", "log log login- login-"),
    ("rsh", "log log"),
];

fn actions(recorder: &Recorder) -> String {
    let words = recorder.events.iter().map(|event| {
        let outcome = match event.outcome {
            Some("success") => "+",
            Some(_) => "-",
            None => "",
        };
        format!("{}{outcome}", event.action)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn lines_without_a_truth_give_the_actions_read_by_hand() {
    let Some(root) = corpora() else { return };
    let clock = clock(Tz::UTC, "2016-01-01T00:00:00Z");
    for (file, expected) in BY_HAND {
        let recorder = read_file(&root.join(file), &clock);
        assert_eq!(actions(&recorder), expected, "{file}");
        let events = recorder.events.len();
        table(file, events, events, 0);
    }
    for (file, expected) in WAZUH_BY_HAND {
        let path = root.join(format!("wazuh-ruleset/{file}.ini"));
        let text = fs::read_to_string(path).expect("a readable corpus");
        let lines = text.lines().filter(|line| line.starts_with("log "));
        let got: Vec<String> = lines
            .filter_map(|line| line.split_once(" = "))
            .map(|(_, line)| actions(&read_line(line, &clock)))
            .collect();
        assert_eq!(got.join(" "), expected, "{file}");
        table(
            &format!("wazuh-ruleset/{file}.ini"),
            got.len(),
            got.len(),
            0,
        );
    }
}

/// Made incidents: records, first and last moment of every log, against what their maker wrote down.
#[test]
fn incidents_have_their_records_and_times() {
    let Some(root) = corpora().map(|root| root.join("../incidents")) else {
        return;
    };
    let Ok(entries) = fs::read_dir(&root) else {
        println!("incidents absent: skipped");
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(incident) = name.strip_suffix(".truth.json") else {
            continue;
        };
        let truth = fs::read(entry.path()).expect("readable");
        let truth: Value = serde_json::from_slice(&truth).expect("truth is JSON");
        let Some(zone) = truth["timezone"].as_str() else {
            continue;
        };
        let clock = clock(
            zone.parse().expect("a zone"),
            truth["collected_at"].as_str().unwrap_or_default(),
        );
        let inputs: Vec<&Value> = truth["inputs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|input| {
                let format = input["format"].as_str().unwrap_or_default();
                matches!(format, "authlog" | "syslog" | "cronlog")
            })
            .collect();
        let series = |base: &str| -> Vec<&Value> {
            let of = |input: &&&Value| {
                input["path"]
                    .as_str()
                    .is_some_and(|path| path.contains(base))
            };
            inputs.iter().filter(of).copied().collect()
        };
        for base in ["/secure", "/messages", "/cron"] {
            let inputs = series(base);
            let files: Vec<PathBuf> = inputs
                .iter()
                .map(|input| {
                    root.join(incident)
                        .join(input["path"].as_str().unwrap_or_default())
                })
                .collect();
            let recorders = read_series(&files, &clock);
            let mut met = 0;
            for (input, recorder) in inputs.iter().zip(&recorders) {
                let times = recorder
                    .events
                    .iter()
                    .filter_map(|event| Some(event.when?.ts));
                let first = times.clone().min().map(|ts| ts.to_string());
                let last = times.max().map(|ts| ts.to_string());
                let good = input["records"] == recorder.counts.used
                    && input["first"].as_str() == first.as_deref()
                    && input["last"].as_str() == last.as_deref();
                met += usize::from(good);
            }
            if !inputs.is_empty() {
                table(&format!("incidents/{incident}{base}"), inputs.len(), met, 0);
            }
            compare_logins(incident, &truth, &recorders);
        }
    }
}

/// The counts that the truth's `ssh-auth` findings state, of logs that hold logins.
fn compare_logins(incident: &str, truth: &Value, recorders: &[Recorder]) {
    let logins: Vec<&Event<'_>> = recorders
        .iter()
        .flat_map(|recorder| &recorder.events)
        .filter(|event| event.action == action::SSH_LOGIN)
        .collect();
    if logins.is_empty() {
        return;
    }
    for finding in truth["findings"].as_array().into_iter().flatten() {
        let facts = &finding["facts"];
        if finding["correlator"] != "ssh-auth" {
            continue;
        }
        for (fact, outcome) in [("failures", "failure"), ("successes", "success")] {
            let Some(expected) = facts[fact].as_u64() else {
                continue;
            };
            let of = |event: &&&Event<'_>| {
                event.src_ip.as_deref() == facts["src_ip"].as_str()
                    && event.outcome == Some(outcome)
            };
            let got = logins.iter().filter(of).count();
            let expected = usize::try_from(expected).expect("a count");
            table(&format!("incidents/{incident} {fact}"), expected, got, 0);
        }
    }
}
