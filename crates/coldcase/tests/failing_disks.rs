//! A full disk, a place that can't be written, evidence that vanishes or changes: one clear error, or a loss that is
//! counted and named.

#![cfg(unix)]
#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use coldcase::{Options, Progress, make_case};
use serde_json::Value;
use tempfile::TempDir;

/// `nobody` on Linux.
const NOBODY: u32 = 65534;

fn log(lines: u32) -> String {
    let line = |at: u32| {
        format!(
            "2023-05-07T03:{:02}:{:02}+08:00 db sshd[{}]: Failed password for u{}x{} from 192.0.2.9 port {} ssh2\n",
            at / 60 % 60,
            at % 60,
            100 + at,
            at.wrapping_mul(2_654_435_761),
            at.wrapping_mul(40_503),
            1000 + at % 60_000
        )
    };
    (0..lines).map(line).collect()
}

fn evidence(at: &Path, lines: u32) -> PathBuf {
    let host = at.join("evidence/db-07");
    fs::create_dir_all(&host).expect("folders");
    fs::write(host.join("secure"), log(lines)).expect("writes");
    at.join("evidence")
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_coldcase")
}

fn check_failed(output: &Output, said: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.trim().lines().count(), 1, "one error: {text}");
    for word in said {
        assert!(text.contains(word), "{word}: {text}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|one| one.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A small file system in memory; gone when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this may not be done: it takes root.
    fn new(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(at)
            .output();
        let done = mounted.is_ok_and(|output| output.status.success());
        if !done {
            let mut err = std::io::stderr();
            let _ = writeln!(err, "not run with a full file system: mounting takes root");
        }
        done.then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_file_system_is_one_error_and_no_half_case() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    evidence(at, 30_000);
    let Some(small) = Mounted::new(&at.join("small"), "size=256k") else {
        return;
    };
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command
            .current_dir(at)
            .args(arguments)
            .output()
            .expect("runs")
    };
    let output = run(&["analyze", "evidence", "-o", "small/case"]);
    check_failed(&output, &["No space left on device", "-o"]);
    assert!(names(&small.0).is_empty(), "{:?}", names(&small.0));
    let output = run(&["timeline", "evidence", "-o", "small/t.csv"]);
    check_failed(&output, &["small/t.csv", "No space left on device"]);
    assert!(names(&small.0).is_empty(), "{:?}", names(&small.0));
    // There is no room for the mounted folder itself to be replaced.
    let output = run(&["analyze", "evidence", "-o", "small"]);
    check_failed(&output, &["mounted", "small/case"]);
}

#[test]
fn an_archive_that_finds_no_room_is_one_error() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    evidence(at, 30_000);
    let tar = Command::new("tar")
        .current_dir(at)
        .args(["-czf", "e.tar.gz", "evidence"])
        .status();
    let Some(small) = Mounted::new(&at.join("small"), "size=256k") else {
        return;
    };
    assert!(tar.expect("runs").success());
    fs::create_dir(at.join("holds")).expect("a folder");
    fs::copy(at.join("e.tar.gz"), at.join("holds/e.tar.gz")).expect("copies");
    fs::write(at.join("holds/other"), "x").expect("writes");
    for bundle in ["e.tar.gz", "holds"] {
        let output = Command::new(program())
            .current_dir(at)
            .env("TMPDIR", &small.0)
            .args(["analyze", bundle, "-o", "case"])
            .output()
            .expect("runs");
        check_failed(&output, &["No space left on device", "set TMPDIR"]);
        assert!(names(&small.0).is_empty() && !at.join("case").exists());
    }
}

#[test]
fn a_file_that_may_not_grow_is_one_error_and_no_half_case() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    evidence(at, 30_000);
    // A limit of 64 KiB a file, whose signal is ignored: writing fails as on a full disk, whoever runs the test.
    for kind in ["analyze evidence -o case", "timeline evidence -o t.csv"] {
        let script = format!("trap '' XFSZ; ulimit -f 64; exec \"$0\" {kind}");
        let output = Command::new("bash")
            .current_dir(at)
            .args(["-c", &script, program()])
            .output()
            .expect("runs");
        check_failed(&output, &["File too large"]);
        assert_eq!(names(at), ["evidence"]);
    }
}

#[test]
fn a_place_that_can_t_be_written_is_one_error() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let bundle = evidence(at, 3);
    let run = |output: &Path| {
        let mut command = Command::new(program());
        command.arg("analyze").arg(&bundle).arg("-o").arg(output);
        command.output().expect("runs")
    };
    check_failed(&run(Path::new("/proc/no/case")), &["/proc/no", "-o"]);
    check_failed(&run(&bundle.join("db-07/secure/case")), &["-o"]);
    fs::write(at.join("file"), "x").expect("writes");
    check_failed(&run(&at.join("file")), &["is no folder", "-o"]);
    check_failed(&run(&at.join("file/case")), &["Not a directory", "-o"]);
    if let Some(locked) = Mounted::new(&at.join("locked"), "ro") {
        check_failed(
            &run(&locked.0.join("case")),
            &["Read-only file system", "-o"],
        );
    }
    assert_eq!(fs::read(at.join("file")).expect("a file"), b"x");
}

/// Does something to the evidence at a stage of the run.
struct At<F: Fn() + Send + Sync> {
    stage: &'static str,
    act: F,
}

impl<F: Fn() + Send + Sync> Progress for At<F> {
    fn start(&self, _: u64) {
        self.stage("reading");
    }

    fn read(&self, _: u64) {
        self.stage("read");
    }

    fn stage(&self, what: &'static str) {
        if what == self.stage {
            (self.act)();
        }
    }
}

/// What `case.json` says of the log after `act` at this stage, and whether there are findings.
fn changed(stage: &'static str, act: impl Fn(&Path) + Send + Sync + 'static) -> (Value, Value) {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let bundle = evidence(at, 2000);
    fs::write(bundle.join("db-07/other"), "x").expect("writes");
    let log = bundle.join("db-07/secure");
    let act = move || act(&log);
    let case = at.join("case");
    let progress = Arc::new(At { stage, act });
    make_case(&[bundle], &case, &Options::default(), progress).expect("a case");
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(case.join(name)).expect("a file")).expect("JSON")
    };
    let told = json("case.json");
    let inputs = told["inputs"].as_array().expect("inputs");
    let input = inputs.iter().find(|one| one["path"] == "db-07/secure");
    (input.expect("the log").clone(), json("findings.json"))
}

#[test]
fn evidence_that_vanishes_is_named() {
    for stage in ["recognising files", "reading"] {
        let (input, _) = changed(stage, |log| {
            let _ = fs::remove_file(log);
        });
        let warning = input["warnings"][0].as_str().unwrap_or_default();
        assert!(warning.contains("can't be read: No such file"), "{input}");
        assert!(
            input["sha256"].is_null() && input["records"] == 0,
            "{input}"
        );
    }
}

#[test]
fn evidence_that_is_cut_short_is_named_and_what_is_left_is_used() {
    let (input, _) = changed("reading", |log| {
        let file = fs::OpenOptions::new().write(true).open(log).expect("opens");
        let whole = file.metadata().expect("a size").len();
        file.set_len(whole.min(20_000)).expect("is cut");
    });
    let said = input["warnings"].to_string();
    assert!(said.contains("only 20000 of the"), "{input}");
    let records = input["records"].as_u64().expect("a number");
    assert!((100..2000).contains(&records), "{input}");
}

#[test]
fn evidence_that_grows_is_read_as_it_was_listed() {
    let grow = |log: &Path| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(log)
            .expect("opens");
        file.write_all(self::log(500).as_bytes()).expect("writes");
    };
    // With every read the file grows by more than is read: a run that went on to its end would never end.
    for stage in ["reading", "read"] {
        let (input, _) = changed(stage, grow);
        let said = input["warnings"].to_string();
        assert!(said.contains("has grown since it was listed"), "{input}");
        assert_eq!(input["records"], 2000, "{input}");
    }
}

#[test]
fn evidence_that_may_not_be_read_is_named_and_the_rest_is_used() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let bundle = evidence(at, 40);
    let locked = bundle.join("db-07/locked");
    fs::write(&locked, log(5)).expect("writes");
    fs::create_dir(bundle.join("closed")).expect("a folder");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).expect("is locked");
    fs::set_permissions(bundle.join("closed"), fs::Permissions::from_mode(0o000))
        .expect("is locked");
    fs::set_permissions(at, fs::Permissions::from_mode(0o777)).expect("is open");
    let copy = at.join("coldcase");
    fs::copy(program(), &copy).expect("copies");
    let run = |as_nobody: bool| {
        let mut command = Command::new(&copy);
        command
            .current_dir(at)
            .args(["analyze", "evidence", "-o", "case"]);
        if as_nobody {
            command.uid(NOBODY).gid(NOBODY).env("TMPDIR", at);
        }
        command.output()
    };
    // Root may read everything, so that it runs as nobody; anybody else is locked out as he is.
    let output = run(true).or_else(|_| run(false)).expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let case: Value = serde_json::from_slice(&fs::read(at.join("case/case.json")).expect("a file"))
        .expect("JSON");
    let inputs = case["inputs"].as_array().expect("inputs");
    let input = |name: &str| {
        inputs
            .iter()
            .find(|one| one["path"] == name)
            .expect("an input")
    };
    let warning = input("db-07/locked")["warnings"][0]
        .as_str()
        .unwrap_or_default();
    assert!(warning.contains("Permission denied"), "{warning}");
    assert_eq!(input("db-07/secure")["records"], 40);
    assert!(
        case["warnings"].to_string().contains("closed"),
        "{}",
        case["warnings"]
    );
    fs::set_permissions(bundle.join("closed"), fs::Permissions::from_mode(0o700)).expect("opens");
}
