//! Journals and kernel logs over public corpora, compared with the truth that stands beside them. Every remaining
//! difference is named with its reason. Where the corpora are absent, nothing is tested.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "the table of what was compared is the test's report; a missing JSON field is null"
)]

use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, formats};
use coldcase_model::{Timestamp, action};
use coldcase_testkit::corpora::corpora;
use coldcase_testkit::{Recorder, attributes, ingest, winner};
use serde_json::Value;

/// Reads a file with the format that is surest of it, which must be this one.
fn read(format: &str, path: &Path) -> Recorder {
    let bytes = fs::read(path).expect("a readable corpus");
    let name = path.to_string_lossy();
    let best = winner(&name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, format, "{name}");
    let clock = Clock {
        collected_at: Timestamp::parse_rfc3339("2026-12-31T00:00:00Z"),
        ..Clock::UNKNOWN
    };
    ingest(best, &name, &bytes, &clock)
}

/// Prints one source and checks how many of its truths were met.
fn table(source: &str, expected: usize, met: usize, differing: usize) {
    println!("{source:<48} expected {expected:>5} got {met:>5} differing {differing:>3}");
    assert_eq!(
        expected - met,
        differing,
        "{source}: see the table of differences"
    );
}

/// One journal in three shapes: time, process, program, host and message of each entry by journalctl's own JSON and
/// short lines.
#[test]
fn one_journal_reads_alike_in_all_shapes() {
    let Some(root) = corpora() else { return };
    let folder = root.join("velociraptor/journal");
    let truth = fs::read_to_string(folder.join("2004.json")).expect("a readable corpus");
    let truth: Vec<Value> = truth
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let short = fs::read_to_string(folder.join("2004.short.txt")).expect("a readable corpus");
    let short: Vec<&str> = short.lines().collect();
    for (format, file) in [
        ("journal-export", "2004.export"),
        ("journal-json", "2004.json"),
        ("authlog", "2004.short.txt"),
    ] {
        let recorder = read(format, &folder.join(file));
        assert_eq!((recorder.events.len(), recorder.counts.skipped), (3, 0));
        let mut messages_differ = 0;
        let mut met = 0;
        for ((event, truth), short) in recorder.events.iter().zip(&truth).zip(&short) {
            let micros = event.when.map(|when| when.ts.micros().to_string());
            let pid = event.pid.map(|pid| pid.to_string());
            let program = attributes(event)["program"].clone();
            let message = event.message.as_deref().unwrap_or_default();
            let (_, tagged) = short.split_once(" 9f5c084797a0 ").expect("a host");
            messages_differ += usize::from(message != tagged);
            let unit_alike = format == "authlog"
                || (attributes(event)["boot_id"] == truth["_BOOT_ID"]
                    && event.exe.as_deref() == truth["_EXE"].as_str()
                    && event.command.as_deref() == truth["_CMDLINE"].as_str()
                    && attributes(event)["uid"] == truth["_UID"]);
            met += usize::from(
                micros.as_deref() == truth["__REALTIME_TIMESTAMP"].as_str()
                    && pid.as_deref() == truth["_PID"].as_str()
                    && program == truth["SYSLOG_IDENTIFIER"]
                    && unit_alike,
            );
        }
        table(&format!("velociraptor/journal/{file}"), 3, met, 0);
        let source = format!("velociraptor/journal/{file} messages");
        table(&source, 3, 3 - messages_differ, 0);
    }
}

/// The last line's length: crowdsec takes the second `LEN=` of a UDP packet, which is that of the datagram; the cell `bytes` has
/// the packet's.
const UDP_LENGTHS: usize = 1;

/// `parser.assert` names what crowdsec's parser finds in lines of netfilter, one asserted field a line.
#[test]
fn netfilter_lines_have_their_packets() {
    let Some(root) = corpora() else { return };
    let folder = root.join("crowdsec-hub/iptables-logs");
    let recorder = read("authlog", &folder.join("iptables-logs.log"));
    let asserts = fs::read_to_string(folder.join("parser.assert")).expect("a readable corpus");
    let (mut expected, mut met) = (0, 0);
    for (key, cell) in [
        ("src_ip", 0),
        ("dst_ip", 1),
        ("src_port", 2),
        ("dst_port", 3),
        ("length", 4),
    ] {
        let start = "results[\"s01-parse\"][\"crowdsecurity/iptables-logs\"][";
        let suffix = format!("Parsed[\"{key}\"] ==");
        for line in asserts
            .lines()
            .filter(|line| line.starts_with(start) && line.contains(&suffix))
        {
            let index = line
                .get(start.len()..)
                .and_then(|rest| rest.split(']').next());
            let index: usize = index.and_then(|text| text.parse().ok()).expect("an index");
            let value = line.rsplit('"').nth(1).expect("a value");
            let event = &recorder.events[index];
            let got = match cell {
                0 => event.src_ip.as_deref().map(str::to_owned),
                1 => event.dst_ip.as_deref().map(str::to_owned),
                2 => event.src_port.map(|port| port.to_string()),
                3 => event.dst_port.map(|port| port.to_string()),
                _ => event.bytes.map(|bytes| bytes.to_string()),
            };
            expected += 1;
            met += usize::from(got.as_deref().unwrap_or_default() == value);
        }
    }
    table("crowdsec-hub/iptables-logs", expected, met, UDP_LENGTHS);
    let marked = recorder.events.iter();
    let marked = marked.filter(|event| attributes(event)["netfilter"] == true);
    table("crowdsec-hub/iptables-logs packets", 4, marked.count(), 0);
}

/// `su[1433535]: segfault at ...`: two of four lines, by hand.
#[test]
fn faults_have_their_processes() {
    let Some(root) = corpora() else { return };
    let path = root.join("crowdsec-hub/segfault-logs/segfault-logs.log");
    let recorder = read("authlog", &path);
    let faults: Vec<_> = recorder
        .events
        .iter()
        .filter(|event| attributes(event)["fault"] == "segfault")
        .map(|event| (event.pid, attributes(event)["comm"].clone()))
        .collect();
    let expected = [
        (Some(1_433_535), "su".into()),
        (Some(1_436_247), "su".into()),
    ];
    table("crowdsec-hub/segfault-logs", 2, faults.len(), 0);
    assert_eq!(faults, expected);
}

/// Rows of whole logs, counted by `grep -c` over their lines: file, attribute or action, its value, rows.
const COUNTED: [(&str, &str, &str, usize); 5] = [
    ("loghub/Linux/Linux_2k.log", "action", "boot", 1),
    ("loghub/Linux/Linux_2k.log", "action", "shutdown", 0),
    ("loghub/Linux/Linux_2k.log", "action", "service-started", 0),
    ("loghub/Linux/Linux_2k.log", "logging", "started", 7),
    (
        "insights-core/cron_log/CRON_LOG.txt",
        "action",
        "cron-run",
        4,
    ),
];

#[test]
fn logs_have_the_rows_counted_by_grep() {
    let Some(root) = corpora() else { return };
    for (file, key, value, expected) in COUNTED {
        let recorder = read("authlog", &root.join(file));
        let rows = recorder.events.iter();
        let rows = rows.filter(|event| match key {
            "action" => event.action == value,
            _ => attributes(event)[key] == value,
        });
        let got = rows.count();
        assert!(got <= expected, "{file} {value}: {got}");
        table(&format!("{file} {value}"), expected, got, 0);
    }
}

/// `log N pass = ` lines of Wazuh's rules about systemd and what they are, by hand.
#[test]
fn wazuh_lines_of_systemd_are_known() {
    let Some(root) = corpora() else { return };
    let folder = root.join("wazuh-ruleset");
    let text = fs::read_to_string(folder.join("systemd.ini")).expect("a readable corpus");
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(" pass = ").map(|(_, line)| line))
        .collect();
    let format = formats::by_id("authlog").expect("registered");
    let got: Vec<&str> = lines
        .iter()
        .flat_map(|line| ingest(format, "line", line.as_bytes(), &Clock::UNKNOWN).events)
        .map(|event| event.action)
        .collect();
    assert_eq!(got, [action::LOG, action::CLOCK_CHANGED]);
    table("wazuh-ruleset/systemd.ini", 2, got.len(), 0);
}
