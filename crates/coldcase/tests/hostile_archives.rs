//! Archives made to do harm: names that lead out of the bundle, links, devices, doubled names, and bombs. What can be
//! used is used; every stop is named in the case's warnings.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use program::program;
use serde_json::Value;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// Analyses a bundle; the temporary folder must be empty afterwards. What `case.json` says.
fn analyze(at: &Path, bundle: &str, more: &[&str]) -> Value {
    let temporary = at.join("tmp");
    fs::create_dir_all(&temporary).expect("a folder");
    let output = program()
        .current_dir(at)
        .env("TMPDIR", &temporary)
        .args(["analyze", bundle, "-o", "case", "-q"])
        .args(more)
        .output()
        .expect("runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    let left = fs::read_dir(&temporary).expect("a folder").count();
    assert_eq!(left, 0, "what was unpacked goes with the run");
    let case = fs::read(at.join("case/case.json")).expect("a case");
    serde_json::from_slice(&case).expect("JSON")
}

/// Fails as an analysis that can't begin; what it says.
fn refused(at: &Path, bundle: &str, more: &[&str]) -> String {
    let output = program()
        .current_dir(at)
        .args(["analyze", bundle, "-o", "case", "-q"])
        .args(more)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn paths(case: &Value) -> Vec<&str> {
    let inputs = case["inputs"].as_array().expect("inputs");
    let paths = inputs.iter().map(|one| one["path"].as_str());
    paths.map(|path| path.expect("a path")).collect()
}

fn input<'c>(case: &'c Value, path: &str) -> &'c Value {
    let mut inputs = case["inputs"].as_array().expect("inputs").iter();
    inputs.find(|one| one["path"] == path).expect("the input")
}

fn check_warned(case: &Value, words: &[&str]) {
    let mut warnings = case["warnings"].as_array().expect("warnings").iter();
    let has_all = |warning: &Value| {
        let text = warning.as_str().unwrap_or_default();
        words.iter().all(|word| text.contains(word))
    };
    assert!(warnings.any(has_all), "{words:?}: {}", case["warnings"]);
}

/// A tar archive in the making, with names as they are: the crate refuses bad ones.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn header(kind: u8, name: &[u8], target: &[u8], size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(size);
        header.set_mode(0o644);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name);
        old.linkname[..target.len()].copy_from_slice(target);
        header.set_cksum();
        header
    }

    fn add(mut self, kind: u8, name: &[u8], target: &[u8], content: &[u8]) -> Self {
        let header = Self::header(kind, name, target, content.len() as u64);
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.add(b'0', name.as_bytes(), b"", content)
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in members {
        writer.start_file(*name, options).expect("memory");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

const LOGIN: &[u8] =
    b"2023-05-07T03:01:00+08:00 db sshd[9]: Accepted password for root from 192.0.2.9 port 5000 ssh2\n";

#[test]
fn no_member_of_a_tar_comes_out_of_its_folder() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::write(at.join("secret"), "not evidence").expect("writes");
    let outside = at.join("secret");
    let outside = outside.to_str().expect("a path").as_bytes();
    let tar = Tar::default()
        .file("../../../escape", b"x")
        .file("a/../../escape", b"x")
        .file("/etc/cron.d/absolute", b"x")
        .add(b'1', b"hard-out", outside, b"")
        .add(b'1', b"hard-up", b"../../secret", b"")
        .add(b'1', b"hard-none", b"etc/none", b"")
        .add(b'2', b"through", b"..", b"")
        .file("through/escape", b"x")
        .add(b'3', b"dev-sda", b"", b"")
        .add(b'4', b"dev-tty", b"", b"")
        .add(b'6', b"pipe", b"", b"")
        .file("logs/secure", LOGIN)
        .add(b'1', b"logs/secure.same", b"logs/secure", b"")
        .end();
    fs::write(at.join("e.tar"), tar).expect("writes");
    let case = analyze(at, "e.tar", &[]);
    let expected = [
        "etc/cron.d/absolute",
        "logs/secure",
        "logs/secure.same",
        "through",
        "through/escape",
    ];
    assert_eq!(paths(&case), expected);
    assert_eq!(input(&case, "logs/secure.same")["records"], 1);
    assert!(
        input(&case, "through")["sha256"].is_null(),
        "a link is told, not made"
    );
    check_warned(&case, &["../../../escape", "outside the bundle"]);
    check_warned(&case, &["a/../../escape", "outside the bundle"]);
    for name in ["hard-out", "hard-up", "hard-none"] {
        check_warned(&case, &[name, "hard link", "left out"]);
    }
    for (name, what) in [
        ("dev-sda", "device"),
        ("dev-tty", "device"),
        ("pipe", "pipe"),
    ] {
        check_warned(&case, &[name, what, "left out"]);
    }
    let mut beside: Vec<_> = fs::read_dir(at)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    beside.sort();
    assert_eq!(beside, ["case", "e.tar", "secret", "tmp"]);
    assert_eq!(
        fs::read(at.join("secret")).expect("a file"),
        b"not evidence"
    );
}

#[test]
fn odd_names_cost_their_member_at_most() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let long = [b"x".repeat(300), b"/y".to_vec()].concat();
    let tar = Tar::default()
        .file("a\x1b[2J\nb", LOGIN)
        .file("Secure", LOGIN)
        .file("secure", LOGIN)
        .file("twice", b"first\n")
        .file("twice", LOGIN)
        .file("file", b"x")
        .file("file/below", b"x")
        .add(b'L', b"././@LongLink", b"", &long)
        .file("cut-name", b"x")
        .add(b'0', b"\xff\xfe", b"", LOGIN)
        .file("last", LOGIN)
        .end();
    fs::write(at.join("e.tar"), tar).expect("writes");
    let case = analyze(at, "e.tar", &[]);
    for name in ["a\x1b[2J\nb", "last", "twice", "\u{fffd}\u{fffd}"] {
        assert_eq!(input(&case, name)["records"], 1, "{name:?}");
    }
    if cfg!(target_os = "linux") {
        assert!(paths(&case).contains(&"Secure") && paths(&case).contains(&"secure"));
    }
    check_warned(&case, &["twice", "the later one is used"]);
    check_warned(&case, &["file/below", "left out"]);
    check_warned(&case, &["xxx", "left out"]);
}

#[test]
fn a_zip_s_names_lead_nowhere_and_doubled_ones_are_told() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let mut bytes = zip(&[
        ("../../escape", b"x"),
        ("/etc/absolute", b"x"),
        ("logs/secure", LOGIN),
        ("one", b"1"),
        ("two", b"2"),
    ]);
    // The crate does not write the same name twice.
    for at in 0..bytes.len() - 3 {
        if bytes[at..].starts_with(b"two") {
            bytes[at..at + 3].copy_from_slice(b"one");
        }
    }
    fs::write(at.join("e.zip"), bytes).expect("writes");
    let case = analyze(at, "e.zip", &[]);
    assert_eq!(paths(&case), ["etc/absolute", "logs/secure", "one"]);
    assert_eq!(input(&case, "logs/secure")["records"], 1);
    check_warned(&case, &["../../escape", "outside the bundle"]);
    check_warned(&case, &["names twice"]);
}

#[test]
fn a_bomb_stops_at_the_ratio_and_what_came_before_is_used() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let zeros = vec![0; 36 * MIB];
    let tar = Tar::default()
        .file("a/secure", LOGIN)
        .file("b/zeros", &zeros);
    fs::write(at.join("bomb.tar.gz"), gzip(&tar.end())).expect("writes");
    let members: [(&str, &[u8]); 2] = [("a/secure", LOGIN), ("b/zeros", &zeros)];
    fs::write(at.join("bomb.zip"), zip(&members)).expect("writes");
    drop(zeros);
    for name in ["bomb.tar.gz", "bomb.zip"] {
        let case = analyze(at, name, &["--max-ratio", "50"]);
        assert_eq!(input(&case, "a/secure")["records"], 1);
        let bytes = input(&case, "b/zeros")["bytes"].as_u64().expect("bytes");
        assert!(bytes < 24 * MIB as u64, "{bytes}");
        check_warned(&case, &["more than 50 times its size", "--max-ratio"]);
        let case = analyze(at, name, &["--max-ratio", "2000"]);
        assert_eq!(input(&case, "b/zeros")["bytes"], 36 * MIB as u64);
        assert_eq!(case["warnings"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn a_packed_file_of_zeros_stops_at_the_ratio() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("evidence")).expect("a folder");
    let content = [LOGIN, &vec![0; 36 * MIB]].concat();
    fs::write(at.join("evidence/secure.gz"), gzip(&content)).expect("writes");
    drop(content);
    let case = analyze(at, "evidence", &["--max-ratio", "50"]);
    let log = input(&case, "secure.gz");
    assert_eq!(log["records"], 1, "{log}");
    assert_eq!(log["sha256"].as_str().map(str::len), Some(64));
    assert!(log["warnings"].to_string().contains("--max-ratio"), "{log}");
}

#[test]
fn bytes_and_files_have_limits_for_the_run() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let noise: Vec<u8> = (0..40_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let tar = |name: &str| {
        Tar::default()
            .file(name, LOGIN)
            .file("noise", &noise)
            .file("after", LOGIN)
            .end()
    };
    fs::create_dir(at.join("evidence")).expect("a folder");
    for name in ["a.tar", "b.tar"] {
        fs::write(at.join("evidence").join(name), tar("secure")).expect("writes");
    }
    let case = analyze(at, "evidence", &["--max-unpacked", "60K"]);
    assert_eq!(input(&case, "a.tar/after")["records"], 1);
    let bytes = input(&case, "b.tar/noise")["bytes"]
        .as_u64()
        .expect("bytes");
    assert!(
        (1..30_000).contains(&bytes),
        "what the first archive took counts: {bytes}"
    );
    check_warned(
        &case,
        &[
            "b.tar",
            "more than 61440 bytes",
            "--max-unpacked",
            "2 files",
        ],
    );
    let case = analyze(at, "evidence", &["--max-files", "4"]);
    check_warned(
        &case,
        &["b.tar", "more than 4 files", "--max-files", "1 files"],
    );
    let case = analyze(at, "evidence", &["--max-files", "3"]);
    assert!(!paths(&case).contains(&"b.tar/secure"));
    check_warned(&case, &["b.tar", "more than 3 files"]);
    let said = refused(at, "evidence/a.tar", &["--max-files", "0"]);
    assert!(
        said.contains("--max-files") && said.contains("a.tar"),
        "{said}"
    );
    assert_eq!(
        analyze(at, "evidence", &[])["warnings"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
}

#[test]
fn a_sparse_member_is_cut_and_the_others_are_not() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let made = Command::new("bash")
        .current_dir(at)
        .args(["-c", "truncate -s 20G lastlog && printf x >> lastlog && printf '%s' \"$0\" > secure && tar -S -cf e.tar lastlog secure && rm lastlog secure"])
        .arg(String::from_utf8_lossy(LOGIN).as_ref())
        .status();
    assert!(made.expect("runs").success());
    let case = analyze(at, "e.tar", &[]);
    let bytes = input(&case, "lastlog")["bytes"].as_u64().expect("bytes");
    assert!(bytes < 24 * MIB as u64, "{bytes}");
    assert_eq!(input(&case, "secure")["records"], 1);
    check_warned(&case, &["lastlog is cut", "--max-ratio"]);
}

#[test]
fn archives_in_archives_end_at_the_depth() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let mut inner = zip(&[("secure", LOGIN)]);
    for depth in 0..6 {
        let name = format!("{depth}.zip");
        inner = zip(&[(&name, &inner), ("other", LOGIN)]);
    }
    fs::create_dir(at.join("evidence")).expect("a folder");
    fs::write(at.join("evidence/e.zip"), inner).expect("writes");
    fs::write(at.join("evidence/other"), LOGIN).expect("writes");
    for (depth, deepest) in [
        ("0", "e.zip"),
        ("1", "e.zip/5.zip"),
        ("3", "e.zip/5.zip/4.zip/3.zip"),
    ] {
        let case = analyze(at, "evidence", &["--max-depth", depth]);
        check_warned(&case, &[deepest, "--max-depth"]);
        let archives = paths(&case)
            .into_iter()
            .filter(|path| path.ends_with(".zip"));
        assert_eq!(archives.max_by_key(|path| path.len()), Some(deepest));
    }
    let case = analyze(at, "evidence", &["--max-depth", "16"]);
    let whole = "e.zip/5.zip/4.zip/3.zip/2.zip/1.zip/0.zip/secure";
    assert_eq!(input(&case, whole)["records"], 1);
}

/// An archive that holds itself can't be packed by a packer; one that lies about its size can: every entry of its
/// directory is the same kilobyte of the file.
#[test]
fn members_that_share_their_bytes_stop_at_the_ratio() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let one = zip(&[("0000", &vec![0; 2 * MIB])]);
    let end = one.len() - 22;
    let directory_at = u32::from_le_bytes(one[end + 16..end + 20].try_into().expect("bytes"));
    let (content, entry) = (
        &one[..directory_at as usize],
        &one[directory_at as usize..end],
    );
    let mut bytes = content.to_vec();
    let name = entry
        .windows(4)
        .position(|four| four == b"0000")
        .expect("a name");
    for number in 0..500_u32 {
        let mut entry = entry.to_vec();
        entry[name..name + 4].copy_from_slice(format!("{number:04}").as_bytes());
        bytes.extend(entry);
    }
    let size = u32::try_from(bytes.len()).expect("small") - directory_at;
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(500_u16.to_le_bytes());
    bytes.extend(500_u16.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(directory_at.to_le_bytes());
    bytes.extend([0, 0]);
    fs::write(at.join("e.zip"), bytes).expect("writes");
    let case = analyze(at, "e.zip", &["--max-ratio", "100"]);
    let inputs = case["inputs"].as_array().expect("inputs").iter();
    let bytes: u64 = inputs.filter_map(|one| one["bytes"].as_u64()).sum();
    assert!(bytes < 24 * MIB as u64, "{bytes}");
    check_warned(&case, &["more than 100 times its size"]);
}

#[test]
fn a_name_of_many_megabytes_is_no_way_to_take_all_memory() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let tar = Tar::default()
        .file("secure", LOGIN)
        .add(b'L', b"././@LongLink", b"", &vec![b'x'; 12 * MIB])
        .file("after", LOGIN)
        .end();
    fs::write(at.join("e.tar"), tar).expect("writes");
    let case = analyze(at, "e.tar", &[]);
    assert_eq!(paths(&case), ["secure"]);
    check_warned(&case, &["damaged", "a header of more than", "1 files"]);
}

#[test]
fn nothing_is_unpacked_into_the_evidence() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::create_dir_all(at.join("evidence/tmp")).expect("folders");
    let tar = Tar::default().file("secure", LOGIN).end();
    fs::write(at.join("evidence/e.tar"), tar).expect("writes");
    fs::write(at.join("evidence/other"), LOGIN).expect("writes");
    let output = program()
        .current_dir(at)
        .env("TMPDIR", at.join("evidence/tmp"))
        .args(["analyze", "evidence", "-o", "case"])
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("inside the evidence") && said.contains("TMPDIR"),
        "{said}"
    );
    let left = fs::read_dir(at.join("evidence/tmp"))
        .expect("a folder")
        .count();
    assert_eq!(left, 0);
}
