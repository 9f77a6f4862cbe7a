//! Listings of other projects' test suites against the truth beside them, and the bundles' listings
//! against their truth files: nothing differs. Where the corpora are absent nothing is tested.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise, and prints its table"
)]

use std::fs;
use std::path::Path;

use chrono::DateTime;
use chrono_tz::Tz;
use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_model::{Event, Precision, Timestamp, action};
use coldcase_testkit::corpora::corpora;
use coldcase_testkit::{Recorder, clock, ingest, sniff};
use serde_json::Value;

fn format() -> &'static Format {
    formats::by_id("mtime-listing").unwrap()
}

fn read(path: &Path, clock: &Clock) -> Recorder {
    let bytes = fs::read(path).unwrap();
    let name = path.to_string_lossy();
    assert!(sniff(format(), &name, &bytes) >= Sniff::Likely, "{name}");
    ingest(format(), &name, &bytes, clock)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One line of the table; nothing differs.
fn row(source: &str, expected: usize, got: usize, differing: usize) {
    println!("{source:<66} expected {expected:>5} got {got:>5} differing {differing:>3}");
    assert_eq!((got, differing), (expected, 0), "{source}");
}

fn attribute(event: &Event<'_>, name: &str) -> Option<String> {
    let attributes: Value = serde_json::from_str(event.attributes.as_deref()?).unwrap();
    match attributes.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn jc_path(entry: &Value) -> String {
    let name = entry["filename"].as_str().unwrap();
    let Some(parent) = entry["parent"].as_str() else {
        return name.into();
    };
    match name {
        "." => parent.into(),
        ".." => match parent.rsplit_once('/') {
            Some(("", _)) => "/".into(),
            Some((above, _)) => above.into(),
            None => format!("{parent}/.."),
        },
        _ => format!("{parent}/{name}"),
    }
}

fn jc_row_differs(entry: &Value, event: &Event<'_>) -> bool {
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    let when = event.when.unwrap();
    let shape = match when.precision {
        Precision::Day => "%b %-d %Y",
        _ => "%b %-d %H:%M",
    };
    let date = when.ts.to_utc().format(shape).to_string();
    let expected_date = text("date").unwrap();
    let words: Vec<_> = expected_date.split_whitespace().collect();
    let day = words[1].trim_start_matches('0');
    let expected_date = format!("{} {day} {}", words[0], words[2]);
    // Of `4.0K` the peer keeps the 4.
    let rounded = attribute(event, "size_text").and_then(|size| {
        let digits = size.find(|c: char| !c.is_ascii_digit())?;
        size[..digits].parse().ok()
    });
    event.path.as_deref() != Some(&jc_path(entry))
        || event.user.as_deref().map(str::to_owned) != text("owner")
        || attribute(event, "group") != text("group")
        || attribute(event, "mode") != text("flags")
        || attribute(event, "target") != text("link_to")
        || event.bytes.or(rounded) != entry["size"].as_i64()
        || date != expected_date
}

#[test]
fn ls_as_jc_reads_it() {
    let Some(corpora) = corpora() else { return };
    // When each was made, by its newest time: they are of different months.
    for (name, collected) in [
        ("ls-al", "2019-10-27T00:00:00Z"),
        ("ls-alh", "2019-10-27T00:00:00Z"),
        ("ls-alR", "2020-02-01T00:00:00Z"),
        ("ls-l-newlines", "2020-03-01T00:00:00Z"),
        ("ls-lR-newlines", "2020-03-01T00:00:00Z"),
    ] {
        let clock = clock(Tz::UTC, collected);
        let base = corpora.join("jc/centos-7.7").join(name);
        let expected = json(&base.with_extension("json"));
        let expected = expected.as_array().unwrap();
        let got = read(&base.with_extension("out"), &clock);
        let differing = expected
            .iter()
            .zip(&got.events)
            .filter(|(entry, event)| jc_row_differs(entry, event));
        row(name, expected.len(), got.events.len(), differing.count());
        assert_eq!((got.counts.skipped, got.warnings.len()), (0, 0), "{name}");
    }
}

#[test]
fn stat_as_jc_reads_it() {
    let Some(corpora) = corpora() else { return };
    let base = corpora.join("jc/centos-7.7/stat");
    let expected = json(&base.with_extension("json"));
    let expected = expected.as_array().unwrap();
    let got = read(&base.with_extension("out"), &Clock::UNKNOWN);
    let times = [
        ("access_time", action::FILE_ACCESSED),
        ("modify_time", action::FILE_MODIFIED),
        ("change_time", action::FILE_CHANGED),
        ("birth_time", action::FILE_CREATED),
    ];
    let mut events = got.events.iter();
    let (mut rows, mut differing) = (0, 0);
    for entry in expected {
        for (key, action) in times {
            let Some(time) = entry[key].as_str() else {
                continue;
            };
            let at = DateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f %z").unwrap();
            rows += 1;
            let same = events.next().is_some_and(|event| {
                event.action == action
                    && event.when.unwrap().ts.nanos() == at.timestamp_nanos_opt().unwrap()
                    && event.path.as_deref() == entry["file"].as_str()
                    && event.bytes == entry["size"].as_i64()
                    && event.user.as_deref() == entry["user"].as_str()
                    && attribute(event, "group").as_deref() == entry["group"].as_str()
                    && attribute(event, "mode").as_deref() == entry["flags"].as_str()
                    && attribute(event, "target").as_deref() == entry["link_to"].as_str()
                    && attribute(event, "inode") == Some(entry["inode"].to_string())
            });
            differing += usize::from(!same);
        }
    }
    row("stat", rows, got.events.len(), differing);
    row(
        "stat blocks",
        expected.len(),
        usize::try_from(got.counts.used).unwrap(),
        0,
    );
}

#[test]
fn names_without_times_are_declined() {
    let Some(corpora) = corpora() else { return };
    let others = [
        "ls",
        "ls-R",
        "ls-glob",
        "ls-newlines",
        "ls-R-newlines",
        "find",
        "lsmod",
        "lsof",
        "mount",
        "ps-ef",
        "ps-axu",
        "passwd",
        "last-wF",
        "history",
        "who",
        "w",
        "df",
        "fstab",
        "systemctl",
    ];
    for name in others {
        let bytes = fs::read(corpora.join(format!("jc/centos-7.7/{name}.out"))).unwrap();
        assert_eq!(sniff(format(), name, &bytes), Sniff::No, "{name}");
    }
}

#[test]
fn ls_of_insights() {
    let Some(corpora) = corpora() else { return };
    let clock = clock(Tz::UTC, "2023-12-01T00:00:00Z");
    let without_times = ["LS_LARZ_CONTENT2.txt", "LS_LAZ_CONTENT2.txt"];
    for entry in fs::read_dir(corpora.join("insights-core/ls")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        if without_times.contains(&name.as_str()) {
            assert_eq!(sniff(format(), &name, text.as_bytes()), Sniff::No, "{name}");
            continue;
        }
        let got = read(&path, &clock);
        let (mut expected, mut folder) = (Vec::new(), "");
        for line in text.lines() {
            let mode = line.split(' ').next().unwrap();
            if matches!(mode.len(), 10 | 11) && mode.starts_with(['-', 'd', 'l', 'c', 'b']) {
                let link = line.split(" -> ").next().filter(|_| mode.starts_with('l'));
                // One of the files is named `kdump.log -> false-link.log`, and is no link.
                let name = link.unwrap_or(line);
                let begin = name.find(" -> ").unwrap_or(name.len());
                let begin = name[..begin].rfind(' ').unwrap() + 1;
                expected.push((folder, &name[begin..]));
            } else if line.starts_with('/') {
                folder = line.trim_end_matches(':');
            }
        }
        let differs = |(folder, name): &&(&str, &str), event: &Event<'_>| {
            let path = match *name {
                "." => (*folder).to_owned(),
                ".." => match folder.rsplit_once('/').unwrap().0 {
                    "" => "/".into(),
                    above => above.into(),
                },
                name if name.starts_with('/') => name.to_owned(),
                name => format!("{folder}/{name}"),
            };
            event.path.as_deref() != Some(&path) || event.when.is_none() || event.user.is_none()
        };
        let pairs = expected.iter().zip(&got.events);
        let differing = pairs.filter(|(entry, event)| differs(entry, event)).count();
        row(&name, expected.len(), got.events.len(), differing);
    }
}

#[test]
fn bodyfiles_of_plaso() {
    let Some(corpora) = corpora() else { return };
    // The peer makes 24 and 3 events (one a record, also of those without a time).
    for (name, records, without_time) in [("bodyfile", 24, 4), ("bodyfile.corrupt", 3, 0)] {
        let path = corpora.join("plaso/bodyfile").join(name);
        let got = read(&path, &Clock::UNKNOWN);
        row(
            name,
            records,
            usize::try_from(got.counts.records()).unwrap(),
            0,
        );
        assert_eq!(got.counts.skipped, without_time, "{name}");
        let text = fs::read_to_string(&path).unwrap();
        let times = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| line.rsplit('|').take(4))
            .filter(|time| *time != "0");
        row(&format!("{name} times"), times.count(), got.events.len(), 0);
    }
}

#[test]
fn listings_of_the_bundles() {
    let Some(corpora) = corpora() else { return };
    let incidents = corpora.join("../incidents");
    let Ok(entries) = fs::read_dir(&incidents) else {
        println!("incidents absent: skipped");
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(bundle) = name.strip_suffix(".truth.json") else {
            continue;
        };
        let folder = incidents.join(bundle);
        let case = fs::read_to_string(folder.join("case.toml")).unwrap();
        let setting = |key: &str| {
            let line = case
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap();
            line.trim_matches([' ', '=', '"']).to_owned()
        };
        let clock = clock(
            setting("timezone").parse().unwrap(),
            &setting("collected_at"),
        );
        for input in json(&path)["inputs"].as_array().into_iter().flatten() {
            let wanted = ["mtime-listing", "ls-listing", "proc-exe-listing"];
            if !input["format"]
                .as_str()
                .is_some_and(|format| wanted.contains(&format))
            {
                continue;
            }
            let path = input["path"].as_str().unwrap();
            let got = read(&folder.join(path), &clock);
            let records = usize::try_from(input["records"].as_u64().unwrap()).unwrap();
            row(&format!("{bundle}/{path}"), records, got.events.len(), 0);
            assert_eq!(got.counts.skipped, 0, "{path}");
            let times = || got.events.iter().map(|event| event.when.unwrap().ts);
            // The truth knows the seconds that the listing does not show.
            let minute =
                |key: &str| Some(Timestamp::parse_rfc3339(input[key].as_str()?)?.seconds() / 60);
            if let (Some(first), Some(last)) = (minute("first"), minute("last")) {
                assert_eq!(times().min().unwrap().seconds() / 60, first, "{path}");
                assert_eq!(times().max().unwrap().seconds() / 60, last, "{path}");
            }
        }
    }
    let pods = "dns-origin-reused-ip/k8s-node-04/ls_var_lib_cni_networks_cbr0.txt";
    let got = read(&incidents.join(pods), &Clock::UNKNOWN);
    row(pods, 7, got.events.len(), 0);
    let holder = got
        .events
        .iter()
        .find(|event| event.path.as_deref() == Some("10.244.3.7"));
    let when = holder.unwrap().when.unwrap();
    assert_eq!(when.ts.to_string(), "2023-02-20T07:02:54.740821474Z");
}
