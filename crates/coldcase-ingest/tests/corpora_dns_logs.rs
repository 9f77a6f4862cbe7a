//! Logs of DNS servers and of network sensors over public sample files, against the values written beside them or, for
//! Zeek, against a plain split of the same file.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test over files that are checked to be there; it prints its table"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::Clock;
use coldcase_model::Timestamp;
use coldcase_testkit::corpora::corpora;
use coldcase_testkit::{Recorder, attributes, ingest, winner};
use serde_json::Value;

fn read(id: &str, name: &str, bytes: &[u8], clock: &Clock) -> Recorder {
    let best = winner(name, bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, id, "{name}");
    ingest(best, name, bytes, clock)
}

fn table(source: &str, expected: usize, differing: &[String]) {
    println!(
        "{source} {expected} {} {}",
        expected - differing.len(),
        differing.len()
    );
}

/// Lines whose year fail2ban assumes (2004); the dated lines around them give 2013 here.
const OTHER_YEAR: [u64; 3] = [16, 27, 30];

#[test]
fn refused_queries_of_named() {
    let Some(corpora) = corpora() else { return };
    let bytes = fs::read(corpora.join("fail2ban/named-refused")).unwrap();
    let recorder = read("named", "named-refused", &bytes, &Clock::UNKNOWN);
    let text = String::from_utf8_lossy(&bytes);
    let mut truth: Option<Value> = None;
    let (mut expected, mut timed, mut differing) = (0, 0, Vec::new());
    for (index, line) in text.lines().enumerate() {
        if let Some(json) = line.strip_prefix("# failJSON: ") {
            truth = serde_json::from_str(json).ok();
            continue;
        }
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let truth = truth.take().unwrap();
        expected += 1;
        let number = index as u64 + 1;
        let event = recorder
            .events
            .iter()
            .find(|event| event.line == Some(number));
        let Some(event) = event else {
            differing.push(format!("line {number}: no row"));
            continue;
        };
        if event.src_ip.as_deref() != truth["host"].as_str() || event.action != "dns-query" {
            differing.push(format!("line {number}: {event:?}"));
        }
        // A year that the line does not have is fail2ban's own assumption: month, day and time are compared.
        let (Some(at), Some(when)) = (truth["time"].as_str(), event.when) else {
            continue;
        };
        timed += 1;
        if Timestamp::parse_rfc3339(&format!("{at}Z")).map(|at| at.seconds())
            != Some(when.ts.seconds())
            && !OTHER_YEAR.contains(&number)
        {
            differing.push(format!("line {number}: {at} is {}", when.ts));
        }
    }
    table("fail2ban/named-refused", expected, &differing);
    assert_eq!(differing, Vec::<String>::new());
    // Those before the first dated line have no year at all, and fail2ban gives no time of three more.
    assert_eq!((expected, timed, recorder.counts.used), (16, 7, 16));
}

#[test]
fn samples_of_unbound() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("wazuh-ruleset");
    let file = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("unbound"))
        .unwrap();
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(" pass = "))
        .map(|(_, line)| line)
        .collect();
    let log = format!("{}\n", lines.join("\n"));
    let recorder = read("unbound", "unbound.log", log.as_bytes(), &Clock::UNKNOWN);
    // The decoder of these rules takes rule 500101 for a question; the others are notices and statistics.
    let got: Vec<_> = recorder
        .events
        .iter()
        .map(|event| {
            (
                event.action,
                event.src_ip.as_deref(),
                event.domain.as_deref(),
            )
        })
        .collect();
    let expected = [
        ("log", None, None),
        (
            "dns-query",
            Some("127.0.0.1"),
            Some("talkgadget.google.com"),
        ),
        ("log", None, None),
        ("log", None, None),
    ];
    println!("wazuh-ruleset/unbound {} {} 0", lines.len(), got.len());
    assert_eq!(got, expected);
}

/// Cells of a Zeek log, split by hand: field names and rows.
type Split = (String, Vec<BTreeMap<String, String>>);

fn split(text: &str) -> Option<Split> {
    let (mut path, mut names, mut rows) = (String::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#path\t") {
            path = value.to_owned();
        } else if let Some(value) = line.strip_prefix("#fields\t") {
            names = value.split('\t').map(str::to_owned).collect();
        } else if !line.starts_with('#') && names.is_empty() {
            names = line.split('\t').map(str::to_owned).collect();
        } else if !line.starts_with('#') && !line.is_empty() {
            let cells = line.split('\t').map(str::to_owned);
            rows.push(names.iter().cloned().zip(cells).collect());
        }
    }
    (!names.is_empty()).then_some((path, rows))
}

/// Files that hold no row, or whose columns are none of those that tell a log: what a test of Zeek's cut out.
const NO_LOG: [&str; 7] = [
    "scripts.base.protocols.dns.max-compression-depth/conn.log",
    "scripts.base.protocols.ssh.max-lengths-2/conn.log",
    "scripts.base.protocols.ssh.max-lengths-3/conn.log",
    "scripts.base.protocols.ssh.max-lengths-4/conn.log",
    "scripts.base.protocols.ssh.max-lengths/conn.log",
    "scripts.base.protocols.ssh.max-lengths/weird.log",
    "scripts.policy.protocols.dns.detect-external-names-mdns-broadcast/notice.log",
];

fn logs(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logs(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            found.insert(path);
        }
    }
}

#[test]
fn baselines_of_zeek() {
    let Some(corpora) = corpora() else { return };
    let root = corpora.join("zeek/Baseline");
    let mut files = BTreeSet::new();
    logs(&root, &mut files);
    let mut of_path = BTreeMap::<String, (usize, usize, Vec<String>)>::new();
    let mut unread = Vec::new();
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let shown = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let name = file.file_name().unwrap().to_string_lossy();
        if winner(&name, &bytes).is_none_or(|best| best.id != "zeek") {
            unread.push(shown);
            continue;
        }
        let (path, rows) = split(&String::from_utf8_lossy(&bytes)).unwrap();
        let path = match path.is_empty() {
            true => name.split('.').next().unwrap().to_owned(),
            false => path,
        };
        let recorder = read("zeek", &name, &bytes, &Clock::UNKNOWN);
        let entry = of_path.entry(path.clone()).or_default();
        entry.0 += 1;
        entry.1 += rows.len();
        if recorder.counts.used != rows.len() as u64 {
            entry
                .2
                .push(format!("{shown}: {} rows used", recorder.counts.used));
        }
        compare(&shown, &path, &rows, &recorder, &mut entry.2);
    }
    println!("source files expected got differing");
    for (path, (files, rows, differing)) in &of_path {
        println!(
            "zeek/{path} {files} {rows} {} {}",
            rows - differing.len(),
            differing.len()
        );
        assert_eq!(differing, &Vec::<String>::new());
    }
    unread.sort();
    let mut no_log = NO_LOG.map(str::to_owned);
    no_log.sort();
    assert_eq!(unread, no_log);
    let counts: Vec<_> = of_path
        .iter()
        .map(|(path, (_, rows, _))| (path.as_str(), *rows))
        .collect();
    assert_eq!(counts, ZEEK_ROWS);
}

/// Rows of each log.
const ZEEK_ROWS: [(&str, usize); 9] = [
    ("analyzer_debug", 43),
    ("conn", 76),
    ("dns", 22),
    ("http", 6),
    ("known_services", 28),
    ("notice", 3),
    ("ssh", 42),
    ("tunnel", 18),
    ("weird", 40),
];

fn compare(
    shown: &str,
    path: &str,
    rows: &[BTreeMap<String, String>],
    recorder: &Recorder,
    differing: &mut Vec<String>,
) {
    let mut events = recorder.events.iter().peekable();
    for row in rows {
        let event = events.next().unwrap();
        while events.peek().is_some_and(|next| next.line == event.line) {
            let answer = events.next().unwrap();
            assert_eq!(answer.action, "dns-answer");
            assert_eq!(
                (&answer.src_ip, &answer.dst_ip),
                (&event.dst_ip, &event.src_ip)
            );
        }
        let known = |name: &str| {
            let cell = row.get(name)?;
            (cell != "-" && cell != "(empty)").then_some(cell.as_str())
        };
        let attributes = attributes(event);
        let number = |name: &str| attributes[name].as_i64().map(|number| number.to_string());
        let text = |name: &str| attributes[name].as_str().map(str::to_owned);
        let cell = |cell: &Option<std::borrow::Cow<'_, str>>| cell.as_deref().map(str::to_owned);
        let icmp = known("proto") == Some("icmp");
        let mut checks = vec![
            ("id.orig_h", cell(&event.src_ip)),
            ("id.resp_h", cell(&event.dst_ip)),
        ];
        if !icmp {
            checks.push(("id.orig_p", event.src_port.map(|port| port.to_string())));
            checks.push(("id.resp_p", event.dst_port.map(|port| port.to_string())));
        }
        match path {
            "conn" => {
                checks.push(("proto", event.protocol.map(str::to_owned)));
                checks.push(("conn_state", text("conn_state")));
                checks.push(("history", text("history")));
                checks.push(("service", text("service")));
                checks.push(("orig_pkts", number("packets_out")));
                checks.push(("resp_pkts", number("packets_in")));
                checks.push(("orig_bytes", number("payload_out")));
                checks.push(("resp_bytes", number("payload_in")));
                checks.push(("orig_ip_bytes", number("bytes_out")));
                checks.push(("resp_ip_bytes", number("bytes_in")));
            }
            "dns" => {
                checks.push(("trans_id", number("id")));
                checks.push(("rcode_name", cell(&event.response_code)));
                let answers = attributes["answers"].as_array().map(|list| {
                    let data = list.iter().map(|answer| answer["data"].as_str().unwrap());
                    data.collect::<Vec<_>>().join(",")
                });
                let whole = known("answers").is_none_or(|text| text.split(',').count() <= 16);
                if whole {
                    checks.push(("answers", answers));
                }
                let asked = known("query").map(|name| name.trim_end_matches('.').to_lowercase());
                if asked.as_deref() != event.domain.as_deref() {
                    differing.push(format!("{shown}: query {asked:?} is {:?}", event.domain));
                }
            }
            "http" => {
                checks.push(("method", text("method")));
                checks.push(("host", text("host")));
                checks.push(("status_code", number("status_code")));
                checks.push(("user_agent", text("user_agent")));
            }
            "ssh" => {
                checks.push(("client", text("client")));
                checks.push(("server", text("server")));
                checks.push(("auth_attempts", number("auth_attempts")));
            }
            "notice" => {
                checks.push(("note", text("signature")));
                checks.push(("msg", cell(&event.message)));
            }
            _ => {}
        }
        for (name, got) in checks {
            if !row.contains_key(name) {
                continue;
            }
            if known(name) != got.as_deref() {
                differing.push(format!(
                    "{shown} line {:?}: {name} {:?} is {got:?}",
                    event.line,
                    known(name)
                ));
            }
        }
    }
    assert!(events.next().is_none(), "{shown}");
}

#[test]
fn alerts_of_one_line() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("crowdsec-hub/suricata-logs-fastlog");
    let bytes = fs::read(folder.join("suricata-logs-fastlog.log")).unwrap();
    let recorder = read("suricata-fast", "a.txt", &bytes, &Clock::UNKNOWN);
    let asserts = fs::read_to_string(folder.join("parser.assert")).unwrap();
    let (mut expected, mut differing) = (0, Vec::new());
    for line in asserts.lines() {
        let Some(rest) =
            line.strip_prefix("results[\"s02-enrich\"][\"crowdsecurity/dateparse-enrich\"][")
        else {
            continue;
        };
        let (index, rest) = rest.split_once("].Evt.").unwrap_or(("", ""));
        let Some((name, value)) = rest.split_once(" == ") else {
            continue;
        };
        let value = value.trim_matches('"');
        let name = name.split('"').nth(1).unwrap_or_default();
        let event = &recorder.events[index.parse::<usize>().unwrap()];
        let attributes = attributes(event);
        let got = match name {
            "suricata_priority" | "suricata_rule_severity" => attributes["severity"].to_string(),
            "rule_id" | "suricata_alert_signature_id" => attributes["signature_id"].to_string(),
            "suricata_gid" => attributes["gid"].to_string(),
            "suricata_alert_signature_rev" => attributes["rev"].to_string(),
            "suricata_alert_signature" => attributes["signature"].as_str().unwrap().to_owned(),
            "suricata_classification" => attributes["category"].as_str().unwrap().to_owned(),
            "proto" => event.protocol.unwrap().to_uppercase(),
            "source_ip" => event.src_ip.as_deref().unwrap().to_owned(),
            "dest_ip" => event.dst_ip.as_deref().unwrap().to_owned(),
            "source_port" => event.src_port.unwrap().to_string(),
            "dest_port" => event.dst_port.unwrap().to_string(),
            "MarshaledTime" | "timestamp" => {
                let at = Timestamp::parse_rfc3339(value);
                assert_eq!(event.when.map(|when| when.ts), at);
                value.to_owned()
            }
            _ => continue,
        };
        expected += 1;
        if got != value {
            differing.push(format!("{index} {name}: {value} is {got}"));
        }
    }
    table("crowdsec-hub/suricata-logs-fastlog", expected, &differing);
    assert_eq!(differing, Vec::<String>::new());
    assert_eq!((recorder.counts.used, expected), (4, 64));
}

#[test]
fn alerts_of_snort() {
    let Some(corpora) = corpora() else { return };
    let bytes = fs::read(corpora.join("plaso/snort3_alert_fast.log")).unwrap();
    let clock = Clock {
        collected_at: Timestamp::parse_rfc3339("2023-03-01T00:00:00Z"),
        ..Clock::UNKNOWN
    };
    let recorder = read("suricata-fast", "a.txt", &bytes, &clock);
    let got: Vec<_> = recorder
        .events
        .iter()
        .map(|event| {
            format!(
                "{} {} {} {}",
                event.when.unwrap().ts,
                event.src_ip.as_deref().unwrap(),
                event.dst_ip.as_deref().unwrap(),
                attributes(event)["signature_id"]
            )
        })
        .collect();
    println!("plaso/snort3_alert_fast 4 {} 0", got.len());
    // The years wrap between the second line and the third, as plaso reads it.
    assert_eq!(
        got,
        [
            "2022-12-28T12:55:38.765402Z 2001:df1:c200:c::35 2001:4860:4860::8888 366",
            "2022-12-28T12:55:38.885027Z 2001:4860:4860::8888 2001:df1:c200:c::35 408",
            "2023-01-02T11:30:23.358639Z 10.6.6.254 10.6.6.103 648",
            "2023-02-04T23:41:31.115933Z 2001:df1:c200:c::35 2001:4860:4860::8888 20035",
        ]
    );
}

#[test]
fn alerts_of_the_incidents() {
    let Some(corpora) = corpora() else { return };
    let incidents = corpora.join("../incidents");
    let Ok(entries) = fs::read_dir(&incidents) else {
        println!("incidents absent: skipped");
        return;
    };
    let mut read_alerts = 0;
    for entry in entries {
        let path = entry.unwrap().path().join("alert.json");
        let Ok(bytes) = fs::read(&path) else {
            continue;
        };
        let truth: Value = serde_json::from_slice(&bytes).unwrap();
        let recorder = read("alert-json", "a.txt", &bytes, &Clock::UNKNOWN);
        assert_eq!((recorder.counts.used, recorder.counts.skipped), (1, 0));
        let event = &recorder.events[0];
        let at = Timestamp::parse_rfc3339(truth["time_utc"].as_str().unwrap());
        assert_eq!(event.when.map(|when| when.ts), at);
        assert_eq!(event.domain.as_deref(), truth["detail"]["domain"].as_str());
        assert_eq!(event.pid, truth["detail"]["pid"].as_i64());
        let attributes = attributes(event);
        let listed = |key: &str| {
            let list = attributes[key].as_array().unwrap();
            let values = list
                .iter()
                .map(|fact| fact["value"].as_str().unwrap().to_owned());
            values.collect::<Vec<_>>()
        };
        let bad = [&truth["detail"]["domain"], &truth["detail"]["resolved_ip"]];
        assert_eq!(
            listed("indicators"),
            bad.map(|value| value.as_str().unwrap())
        );
        assert!(listed("observed").contains(&truth["host"]["ip"].as_str().unwrap().to_owned()));
        read_alerts += 1;
    }
    println!("incidents/alert.json {read_alerts} {read_alerts} 0");
    assert_eq!(read_alerts, 2);
}
