//! Bundles as they come: archives, several at a time, `case.toml` right and wrong, and artifacts that are cut,
//! corrupt, foreign, empty or no files at all beside good ones.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use program::program;
use serde_json::Value;
use tempfile::TempDir;

/// Far longer than these bundles take, far shorter than a pipe without a writer.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// Runs the program; one that hangs is ended and fails the test.
fn coldcase(folder: &Path, arguments: &[&str]) -> Output {
    let mut child = program()
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let start = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if start.elapsed() > HANGS_AFTER {
            child.kill().expect("a child");
            panic!("hangs: {arguments:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("its output")
}

/// Analyses these paths into `case`; the exit code must be 0.
fn analyze(folder: &Path, paths: &[&str]) -> Value {
    let rest = ["-o", "case", "--collected-at", "2023-05-12T10:20:00+08:00"];
    let arguments = [&["analyze", "-q"], paths, rest.as_slice()].concat();
    let output = coldcase(folder, &arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{paths:?}: {error}");
    json(&folder.join("case/case.json"))
}

fn refused(folder: &Path, paths: &[&str], said: &[&str]) {
    let output = coldcase(folder, &[&["analyze", "-o", "case"], paths].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{paths:?}: {error}");
    assert_eq!(error.lines().count(), 1, "one line: {error}");
    for part in said {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
    assert!(output.stdout.is_empty() && !folder.join("case/case.json").exists());
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn input<'a>(case: &'a Value, path: &str) -> &'a Value {
    let inputs = case["inputs"].as_array().expect("inputs");
    let found = inputs.iter().find(|one| one["path"] == path);
    found.unwrap_or_else(|| panic!("{path} is not among {inputs:?}"))
}

/// A log in which an address guesses a password; `port` tells logs apart.
fn guesses(port: u16) -> String {
    let failed = (0..40).map(|second| {
        format!("May  7 03:00:{second:02} db sshd[{}]: Failed password for root from 192.0.2.9 port {port} ssh2\n", 100 + second)
    });
    let accepted = format!(
        "May  7 03:01:00 db sshd[999]: Accepted password for root from 192.0.2.9 port {port} ssh2\n"
    );
    failed.chain([accepted]).collect()
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("writes");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A classic capture of so many empty UDP datagrams to port 9.
fn capture(packets: u32) -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend([192, 0, 2, 1, 192, 0, 2, 2, 0x80, 0, 0, 9, 0, 8, 0, 0]);
    let length = u32::try_from(frame.len()).expect("short");
    for second in 0..packets {
        for word in [1_683_400_000 + second, 0, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(&frame);
    }
    bytes
}

#[test]
fn archives_give_what_their_folder_gives() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    write(&at.join("evidence/db-07/secure"), guesses(4000));
    write(
        &at.join("evidence/web-1/auth.log.gz"),
        gzip(guesses(4001).as_bytes()),
    );
    analyze(at, &["evidence"]);
    let expected = fs::read(at.join("case/findings.json")).expect("findings");
    assert!(String::from_utf8_lossy(&expected).contains("brute-force-success"));

    let mut plain = tar::Builder::new(Vec::new());
    plain
        .append_dir_all(".", at.join("evidence"))
        .expect("a tar");
    let plain = plain.into_inner().expect("a tar");
    let mut named = tar::Builder::new(Vec::new());
    named
        .append_dir_all("packed", at.join("evidence"))
        .expect("a tar");
    let named = named.into_inner().expect("a tar");
    write(&at.join("plain.tar"), &plain);
    write(&at.join("e.tar.gz"), gzip(&plain));
    write(&at.join("packed.tgz"), gzip(&named));
    write(&at.join("any-ending.bin"), gzip(&plain));
    let mut zip = zip::ZipWriter::new(File::create(at.join("e.zip")).expect("a file"));
    for name in ["db-07/secure", "web-1/auth.log.gz"] {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).expect("a zip");
        let bytes = fs::read(at.join("evidence").join(name)).expect("a file");
        zip.write_all(&bytes).expect("a zip");
    }
    zip.finish().expect("a zip");
    for name in [
        "plain.tar",
        "e.tar.gz",
        "packed.tgz",
        "any-ending.bin",
        "e.zip",
    ] {
        let case = analyze(at, &[name]);
        let got = fs::read(at.join("case/findings.json")).expect("findings");
        assert!(got == expected, "{name} differs from its folder");
        assert_eq!(input(&case, "db-07/secure")["records"], 41, "{name}");
    }
}

#[test]
fn damaged_archives_give_what_is_left_of_them() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let mut builder = tar::Builder::new(Vec::new());
    for (name, port) in [("db-07/secure", 4000), ("web-1/secure", 4001)] {
        let text = guesses(port);
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, text.as_bytes())
            .expect("a tar");
    }
    let whole = builder.into_inner().expect("a tar");
    write(&at.join("cut.tar"), &whole[..whole.len() - 3000]);
    let case = analyze(at, &["cut.tar"]);
    assert_eq!(input(&case, "db-07/secure")["records"], 41);
    let warned = case["warnings"].to_string();
    assert!(
        warned.contains("cut.tar") && warned.contains("damaged"),
        "{warned}"
    );
    fs::remove_dir_all(at.join("case")).expect("a folder");

    write(&at.join("no.zip"), b"PK\x03\x04 and nothing more");
    refused(
        at,
        &["no.zip"],
        &["no.zip", "can't be unpacked", "unpack it yourself"],
    );
}

#[test]
fn several_bundles_keep_their_names_and_hosts_apart() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    write(&at.join("first/db-07/secure"), guesses(4000));
    write(&at.join("web-1/auth.log"), guesses(4001));
    write(&at.join("again/first/db-08/secure"), guesses(4002));
    let case = analyze(at, &["first", "web-1", "again/first"]);
    let hosts = [
        ("first/db-07/secure", "db-07"),
        ("web-1/auth.log", "web-1"),
        ("first-2/db-08/secure", "db-08"),
    ];
    for (path, host) in hosts {
        assert_eq!(input(&case, path)["host"], host, "{path}");
        assert_eq!(input(&case, path)["records"], 41, "{path}");
    }
    let forwards = fs::read(at.join("case/findings.json")).expect("findings");
    analyze(at, &["web-1", "first", "again/first"]);
    let turned = fs::read(at.join("case/findings.json")).expect("findings");
    assert!(
        forwards == turned,
        "the order of the paths changes findings"
    );
}

#[test]
fn a_case_file_is_obeyed_and_its_errors_say_what_to_mend() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let case_file = at.join("evidence/case.toml");
    write(&at.join("evidence/logs/secure"), guesses(4000));
    write(&at.join("evidence/iocs.txt"), "192.0.2.9\n");
    let wrong = [
        ("timezone = \"Mars/Base\"", "IANA name"),
        ("collected_at = \"yesterday\"", "RFC 3339"),
        ("zone = \"UTC\"", "unknown field"),
        ("timezone = ", "case.toml"),
        ("[[host]]\npath = \"logs\"", "name"),
        ("[[host]]\nname = \"a\"\nclock_offset = \"soon\"", "-3s"),
        ("indicators = [\"gone.txt\"]", "gone.txt"),
        ("indicators = [\"../outside.txt\"]", "outside.txt"),
    ];
    write(&at.join("outside.txt"), "192.0.2.9\n");
    for (text, said) in wrong {
        write(&case_file, text);
        refused(at, &["evidence"], &["case.toml", said]);
    }
    let right = "timezone = \"Asia/Shanghai\"\ncollected_at = \"2023-05-12T10:20:00+08:00\"\n\
                 indicators = [\"./iocs.txt\"]\n[[host]]\nname = \"db-07\"\npath = \"logs\"\nclock_offset = \"-3s\"\n";
    write(&case_file, right);
    let case = analyze(at, &["evidence"]);
    let log = input(&case, "logs/secure");
    assert_eq!(log["host"], "db-07");
    assert_eq!(log["first"], "2023-05-06T18:59:57Z");
    assert_eq!(case["indicators"], 1);
    assert_eq!(input(&case, "case.toml")["format"], "case");
    assert_eq!(input(&case, "iocs.txt")["format"], "indicators");
}

#[test]
fn damage_costs_no_more_than_what_is_damaged() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path().join("evidence/db-07");
    write(&at.join("secure"), guesses(4000));
    let whole = capture(20);
    write(&at.join("whole.pcap"), &whole);
    write(&at.join("cut.pcap"), &whole[..whole.len() - 10]);
    let long: String = (0..400).map(guesses).collect();
    let packed = gzip(long.as_bytes());
    write(&at.join("secure-20230430.gz"), &packed[..packed.len() / 2]);
    let dates = guesses(4001).replacen("May  7", "May 37", 3);
    write(
        &at.join("auth.log"),
        [dates.as_bytes(), &[0; 700], b"\n", &[0xff; 90]].concat(),
    );
    write(&at.join("notes.md"), "# what we did\n\nnothing yet\n");
    write(
        &at.join("core.bin"),
        (0..9000u32)
            .map(|at| (at * 7919 % 251) as u8)
            .collect::<Vec<_>>(),
    );
    write(&at.join("empty.log"), "");
    write(&at.join("messages.xz"), b"\xfd7zXZ\0\0\x04");
    let case = analyze(folder.path(), &["evidence"]);
    let of = |name: &str| input(&case, &format!("db-07/{name}"));
    let warned = |name: &str| {
        of(name)["warnings"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    };

    assert_eq!(
        (&of("secure")["records"], &of("secure")["skipped"]),
        (&41.into(), &0.into())
    );
    assert_eq!(of("whole.pcap")["records"], 20);
    assert_eq!(of("cut.pcap")["records"], 19);
    assert_eq!(of("cut.pcap")["skipped"], 1);
    assert_eq!(of("cut.pcap")["last"], "2023-05-06T19:06:58Z");
    let half = of("secure-20230430.gz");
    assert!(
        half["events"].as_u64().is_some_and(|events| events > 100),
        "{half}"
    );
    assert!(half["warnings"].to_string().contains("broke off"), "{half}");
    let dates = of("auth.log");
    assert!(
        dates["skipped"]
            .as_u64()
            .is_some_and(|skipped| skipped >= 3),
        "{dates}"
    );
    assert_eq!(dates["events"], 38, "{dates}");
    for name in ["notes.md", "core.bin", "empty.log"] {
        assert!(of(name)["format"].is_null(), "{}", of(name));
        assert_eq!(
            of(name)["sha256"].as_str().map(str::len),
            Some(64),
            "{name}"
        );
    }
    assert!(warned("messages.xz"), "{}", of("messages.xz"));
    for one in case["inputs"].as_array().expect("inputs") {
        let count = |name: &str| one[name].as_u64().expect("a count");
        let reasons = one["skip_reasons"].as_object().expect("reasons");
        let told: u64 = reasons
            .values()
            .filter_map(|one| one["count"].as_u64())
            .sum();
        assert_eq!(told, count("skipped"), "{one}");
    }
    let findings = json(&folder.path().join("case/findings.json"));
    assert!(findings.to_string().contains("brute-force-success"));
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_is_named_and_never_opened() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    write(&at.join("evidence/db-07/secure"), guesses(4000));
    write(&at.join("outside.txt"), guesses(4001));
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, at.join(name)).expect("a link");
    };
    link(&at.join("outside.txt"), "evidence/db-07/link");
    link(&at.join("nowhere"), "evidence/db-07/dangling");
    link(Path::new(".."), "evidence/db-07/round");
    let pipe = at.join("evidence/db-07/pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "mkfifo makes a pipe"
    );
    let _socket = std::os::unix::net::UnixListener::bind(at.join("evidence/db-07/socket"));
    let case = analyze(at, &["evidence"]);
    for name in ["link", "dangling", "round", "pipe", "socket"] {
        let one = input(&case, &format!("db-07/{name}"));
        assert!(
            one["warnings"][0].is_string() && one["format"].is_null(),
            "{one}"
        );
        assert!(one["sha256"].is_null() && one["records"] == 0, "{one}");
    }
    assert_eq!(input(&case, "db-07/secure")["records"], 41);
    fs::remove_dir_all(at.join("case")).expect("a folder");
    write(
        &at.join("evidence/case.toml"),
        "indicators = [\"db-07/pipe\"]",
    );
    refused(at, &["evidence"], &["db-07/pipe", "case.toml"]);
    refused(
        at,
        &["evidence/db-07/pipe"],
        &["db-07/pipe", "give the folder"],
    );
}

#[test]
#[cfg(unix)]
fn evidence_is_never_written_to() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    write(&at.join("evidence/db-07/secure"), guesses(4000));
    write(
        &at.join("earlier/timeline/part-00000.parquet"),
        "PAR1 evidence of its own",
    );
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(at.join(target), at.join(name)).expect("a link");
    };
    link("evidence", "into");
    link("evidence/later.csv", "later.csv");
    let before = listing(at);
    let outputs = [
        "evidence",
        "evidence/case",
        "evidence/./db-07/../case",
        "into/case",
        "none/../evidence/case",
        "none/more/../../evidence/case",
    ];
    for output in outputs {
        let made = coldcase(at, &["analyze", "evidence", "-o", output]);
        let error = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(1), "{output}: {error}");
        assert!(error.contains("outside of it with -o"), "{error}");
    }
    for output in [
        "evidence/t.csv",
        "into/t.csv",
        "later.csv",
        "evidence/db-07/secure/../t.csv",
    ] {
        let made = coldcase(at, &["timeline", "evidence", "-o", output]);
        assert_eq!(made.status.code(), Some(1), "{output}");
    }
    let made = coldcase(at, &["analyze", "earlier/timeline", "-o", "earlier"]);
    assert_eq!(
        made.status.code(),
        Some(1),
        "the timeline of the case would be the evidence"
    );
    assert_eq!(listing(at), before, "something was written");
}

fn listing(folder: &Path) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let metadata = entry.metadata().expect("metadata");
        if metadata.is_dir() {
            all.extend(listing(&entry.path()));
        }
        all.push((entry.path().display().to_string(), metadata.len()));
    }
    all.sort();
    all
}

fn tar(files: &[(&str, String)], link: Option<(&str, &str)>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let data = content.as_bytes();
        builder
            .append_data(&mut header, path, data)
            .expect("memory");
    }
    if let Some((path, target)) = link {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, path, target)
            .expect("memory");
    }
    builder.into_inner().expect("memory")
}

/// Path, zone and what it rests on.
fn clock<'a>(case: &'a Value, path: &str) -> (&'a str, &'a str) {
    let clocks = case["clocks"].as_array().expect("clocks");
    let clock = clocks.iter().find(|one| one["path"] == path);
    let clock = clock.unwrap_or_else(|| panic!("{path} is not among {clocks:?}"));
    let text = |key: &str| clock[key].as_str().unwrap_or_default();
    (text("timezone"), text("rests_on"))
}

#[test]
fn a_uac_collection_tells_its_host_zone_and_time() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let log = "2023-05-12 10:18:00 +0800 INF UAC (Unix-like Artifacts Collector) 3.1.0\n2023-05-12 10:24:09 +0800 INF done\n";
    let uname =
        "Linux db-07 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 16:18:59 UTC 2020 x86_64 GNU/Linux\n";
    let files = [
        ("[root]/var/log/secure", guesses(4000)),
        ("live_response/system/uname_-a.txt", uname.to_owned()),
        ("uac.log", log.to_owned()),
    ];
    let link = ("[root]/etc/localtime", "/usr/share/zoneinfo/Asia/Shanghai");
    write(
        &at.join("in/uac-db-07-linux-20230512.tar.gz"),
        gzip(&tar(&files, Some(link))),
    );
    let output = coldcase(at, &["analyze", "-q", "in", "-o", "case"]);
    assert_eq!(output.status.code(), Some(0));
    let case = json(&at.join("case/case.json"));
    assert_eq!(input(&case, "[root]/var/log/secure")["host"], "db-07");
    let expected = ("Asia/Shanghai", "bundle");
    assert_eq!(clock(&case, "[root]/var/log/secure"), expected);
    assert_eq!(case["collected_at"], "2023-05-12T02:24:09Z");
    assert_eq!(case["hosts"][0]["kernel"], "3.10.0-1160.el7.x86_64");
    // The year follows from the collector's log, the zone from the link.
    let first = &input(&case, "[root]/var/log/secure")["first"];
    assert_eq!(first, "2023-05-06T19:00:00Z");
    let missing = case["missing"].as_array().expect("missing");
    let audit = |one: &&Value| {
        one["what"]
            .as_str()
            .is_some_and(|what| what.contains("audit.log"))
    };
    assert_eq!(missing.iter().filter(audit).count(), 1);
}

#[test]
fn archives_of_hosts_beside_each_other_are_hosts() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let zone = |name: &str| format!("                Time zone: {name} (X, +0100)\n");
    let one = [
        ("etc/hostname", "alpha\n".to_owned()),
        ("var/log/auth.log", guesses(4000)),
        ("sos_commands/timedatectl", zone("Europe/Berlin")),
    ];
    let two = [
        ("var/log/auth.log", guesses(4001)),
        ("timedatectl", zone("Asia/Kolkata")),
    ];
    write(&at.join("all/sosreport-alpha-2023.tar"), tar(&one, None));
    write(&at.join("all/beta.tar"), tar(&two, None));
    let case = analyze(at, &["all"]);
    let of = |path: &str| {
        (
            input(&case, path)["host"].as_str().unwrap_or_default(),
            clock(&case, path).0,
        )
    };
    assert_eq!(
        of("sosreport-alpha-2023.tar/var/log/auth.log"),
        ("alpha", "Europe/Berlin")
    );
    assert_eq!(of("beta.tar/var/log/auth.log"), ("beta", "Asia/Kolkata"));
    assert_eq!(input(&case, "beta.tar")["format"], "archive");
}
