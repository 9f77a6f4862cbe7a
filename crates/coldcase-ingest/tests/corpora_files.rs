//! Histories, accounts, keys, package logs and hosts files of other projects' test suites against the truth beside
//! them, and the bundles' histories and scripts: each is recognised and every line counted. Where the corpora are
//! absent nothing is tested.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise, and prints its table"
)]

use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, Sniff, formats};
use coldcase_model::Event;
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, attributes, ingest, sniff, winner};
use serde_json::Value;

fn read(id: &str, path: &Path) -> Recorder {
    let bytes = fs::read(path).unwrap();
    let name = path.to_string_lossy();
    let format = winner(&name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(format.id, id, "{name}");
    // Names of evidence are free.
    let unnamed = winner("h/a.txt", &bytes).map(|format| format.id);
    assert_eq!(unnamed, Some(id), "{name} as a.txt");
    let recorder = ingest(format, &name, &bytes, &Clock::UNKNOWN);
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(recorder.counts.records(), lines as u64, "{name}");
    recorder
}

fn json(path: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One line of the table.
fn row(source: &str, expected: usize, got: usize, differing: usize) {
    println!("{source:<40} expected {expected:>5} got {got:>5} differing {differing:>3}");
}

/// Compares jc's rows one by one; nothing differs.
fn jc(id: &str, name: &str, same: impl Fn(&Value, &Event<'_>) -> bool) {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("jc/centos-7.7");
    let expected = json(&folder.join(name).with_extension("json"));
    let got = read(id, &folder.join(name).with_extension("out")).events;
    let differing = expected
        .iter()
        .zip(&got)
        .filter(|(expected, got)| !same(expected, got))
        .count();
    row(&format!("jc/{name}"), expected.len(), got.len(), differing);
    assert_eq!((got.len(), differing), (expected.len(), 0), "{name}");
}

fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

#[test]
fn history_as_jc_reads_it() {
    jc("shell-history", "history", |expected, got| {
        let command = expected["command"].as_str().unwrap().trim_end();
        attributes(got)["number"] == expected["line"] && got.command.as_deref() == Some(command)
    });
}

#[test]
fn accounts_as_jc_reads_them() {
    jc("passwd", "passwd", |expected, got| {
        let attributes = attributes(got);
        got.user.as_deref() == expected["username"].as_str()
            && got.path.as_deref() == expected["home"].as_str()
            && got.command.as_deref() == expected["shell"].as_str()
            && attributes["uid"] == expected["uid"]
            && attributes["gid"] == expected["gid"]
            && attributes["comment"].as_str().unwrap_or_default() == expected["comment"]
    });
    jc("shadow", "shadow", |expected, got| {
        let attributes = attributes(got);
        let hash = expected["password"].as_str().unwrap();
        let state = match hash {
            "" => "none",
            _ if hash.starts_with('$') => "set",
            _ => "locked",
        };
        let days = |date: &str| {
            let date: chrono::NaiveDate = date.parse().unwrap();
            date.signed_duration_since(chrono::NaiveDate::default())
                .num_days()
        };
        got.user.as_deref() == expected["username"].as_str()
            && attributes["password"] == state
            && attributes["changed"].as_str().map(days) == expected["last_changed"].as_i64()
            && !got.attributes.as_deref().unwrap_or_default().contains(
                hash.get(4..)
                    .filter(|rest| !rest.is_empty())
                    .unwrap_or("\0"),
            )
    });
    jc("group", "group", |expected, got| {
        let attributes = attributes(got);
        attributes["group"] == expected["group_name"]
            && attributes["gid"] == expected["gid"]
            && texts(&attributes["members"]) == texts(&expected["members"])
    });
    jc("group", "gshadow", |expected, got| {
        let attributes = attributes(got);
        attributes["group"] == expected["group_name"]
            && texts(&attributes["members"]) == texts(&expected["members"])
            && texts(&attributes["administrators"]) == texts(&expected["administrators"])
    });
}

#[test]
fn hosts_as_jc_reads_them() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("jc/centos-7.7");
    let expected = json(&folder.join("hosts.json"));
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|entry| {
            texts(&entry["hostname"])
                .into_iter()
                .map(|name| (entry["ip"].as_str().unwrap(), name))
        })
        .collect();
    let got = read("hosts-file", &folder.join("hosts.out")).events;
    let got: Vec<_> = got
        .iter()
        .map(|event| {
            (
                event.src_ip.as_deref().unwrap(),
                event.domain.as_deref().unwrap(),
            )
        })
        .collect();
    row("jc/hosts", expected.len(), got.len(), 0);
    assert_eq!(got, expected);
}

#[test]
fn velociraptors_files() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("velociraptor/linux");
    for (id, name, expected) in [("passwd", "passwd", 21), ("group", "group", 44)] {
        let got = read(id, &folder.join(name));
        row(
            &format!("velociraptor/{name}"),
            expected,
            got.events.len(),
            0,
        );
        assert_eq!((got.events.len(), got.counts.skipped), (expected, 0));
    }
    let got = read("authorized-keys", &folder.join("authorized_keys"));
    let keys: Vec<_> = got
        .events
        .iter()
        .map(|event| {
            let attributes = attributes(event);
            let text = |name: &str| attributes[name].as_str().unwrap_or_default().to_owned();
            (text("type"), text("fingerprint"), text("comment"))
        })
        .collect();
    let text = fs::read_to_string(folder.join("authorized_keys")).unwrap();
    let expected = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .count();
    row("velociraptor/authorized_keys", expected, keys.len(), 0);
    assert_eq!(keys.len(), expected, "{keys:?}");
    assert!(
        keys.iter()
            .all(|(_, fingerprint, _)| fingerprint.len() == 50),
        "{keys:?}"
    );
}

/// What plaso makes of dpkg's log: an event a line.
const DPKG_LINES_WITHOUT_ROWS: [(&str, &str); 3] = [
    (
        "conffile /etc/X11/Xsession keep",
        "a decision on a file, not a package",
    ),
    (
        "startup archives install",
        "the run that the next lines tell of",
    ),
    (
        "status half-installed base-passwd:amd64 3.5.33",
        "a state on the way of a step",
    ),
];

#[test]
fn plasos_files() {
    let Some(corpora) = corpora() else { return };
    let got = read("shell-history", &corpora.join("plaso/bash_history")).events;
    let got: Vec<_> = got
        .iter()
        .map(|event| {
            (
                event.when.unwrap().ts.to_string(),
                event.command.as_deref().unwrap(),
            )
        })
        .collect();
    let got: Vec<_> = got
        .iter()
        .map(|(ts, command)| (ts.as_str(), *command))
        .collect();
    let expected = [
        ("2013-10-01T12:36:17Z", "/usr/lib/plaso"),
        ("2013-10-01T12:36:18Z", "/bin/bash"),
        ("2013-10-01T12:36:19Z", "/usr/local/bin/splunk -p 8080"),
        (
            "2021-06-10T22:30:36Z",
            "binary argument1 \"--params=\\\nparam1=foo,\nparam2=bar\n\" argument2",
        ),
    ];
    row("plaso/bash_history", expected.len(), got.len(), 0);
    assert_eq!(got, expected);

    let got = read("dpkg-log", &corpora.join("plaso/dpkg.log"));
    row(
        "plaso/dpkg.log",
        4,
        got.events.len(),
        DPKG_LINES_WITHOUT_ROWS.len(),
    );
    assert_eq!(got.counts.used, 4);
    assert_eq!(got.events.len() + DPKG_LINES_WITHOUT_ROWS.len(), 4);
    let event = &got.events[0];
    assert_eq!(event.when.unwrap().ts.to_string(), "2016-08-06T17:35:39Z");
    assert_eq!(attributes(event)["package"], "base-passwd");
    assert_eq!(attributes(event)["version"], "3.5.33");
}

#[test]
fn bundles() {
    let Some(corpora) = corpora() else { return };
    let incidents = corpora.join("../incidents");
    for (id, name, rows) in [
        (
            "shell-history",
            "docker-miner/calc-srv-03/root_bash_history.txt",
            10,
        ),
        (
            "shell-history",
            "docker-miner-benign/calc-srv-03/root_bash_history.txt",
            10,
        ),
        ("script", "docker-miner/calc-srv-03/mac.sh", 1),
        ("shell-history", "syn-flood/bm-07/bash_history.txt", 21),
        (
            "shell-history",
            "syn-flood-benign/bm-07/bash_history.txt",
            11,
        ),
    ] {
        let path = incidents.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let format = winner(name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
        assert_eq!(format.id, id, "{name}");
        let got = ingest(format, name, &bytes, &Clock::UNKNOWN);
        row(name, rows, got.events.len(), 0);
        assert_eq!((got.events.len(), got.counts.skipped), (rows, 0), "{name}");
        let root = name.contains("root_").then_some("root");
        assert!(
            got.events.iter().all(|event| event.user.as_deref() == root),
            "{name}"
        );
    }
}

/// Every file of the corpora that is no host's file of these kinds must be left alone.
#[test]
fn nothing_else_of_the_corpora_is_claimed() {
    let Some(corpora) = corpora() else { return };
    const OURS: [&str; 24] = [
        "shell-history",
        "script",
        "passwd",
        "shadow",
        "group",
        "sudoers",
        "authorized-keys",
        "known-hosts",
        "ld-preload",
        "hash-list",
        "dpkg-log",
        "apt-history",
        "yum-log",
        "dnf-log",
        "pacman-log",
        "rpm-list",
        "package-list",
        "rkhunter",
        "chkrootkit",
        "package-verify",
        "hosts-file",
        "resolv-conf",
        "sshd-config",
        "-",
    ];
    const KNOWN: [&str; 10] = [
        "history.out",
        "passwd.out",
        "shadow.out",
        "group.out",
        "gshadow.out",
        "hosts.out",
        "bash_history",
        "dpkg.log",
        "passwd",
        "group",
    ];
    let mut claimed = Vec::new();
    for path in files(&corpora)
        .into_iter()
        .chain(files(&corpora.join("../incidents")))
    {
        let Ok(bytes) = fs::read(&path) else { continue };
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let ours = formats::ALL
            .iter()
            .filter(|format| OURS.contains(&format.id));
        for format in ours {
            let found = sniff(format, &path.to_string_lossy(), &bytes);
            if found > Sniff::No && !KNOWN.contains(&file.as_str()) {
                claimed.push(format!("{} {} {found:?}", path.display(), format.id));
            }
        }
    }
    claimed.retain(|claim| !NAMED.iter().any(|named| claim.contains(named)));
    assert!(claimed.is_empty(), "{}", claimed.join("\n"));
}

/// Further files that are of these kinds.
const NAMED: [&str; 4] = ["authorized_keys", "bash_history.txt", "mac.sh", "score.py"];
