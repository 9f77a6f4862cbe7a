//! A run that is killed at any moment leaves its case as it was or whole, and the next run clears what it left.

#![cfg(unix)]
#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use program::program;
use tempfile::TempDir;

/// Kills spread over a run's length, and as many right where the case is put in place.
const KILLS: u32 = 15;
/// A run of the bundle below takes far less; a test that hangs fails here.
const LONGEST: Duration = Duration::from_secs(120);

/// Every file of a folder with its bytes.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn tree(folder: &Path) -> Tree {
    let mut all = Tree::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = path.strip_prefix(folder).expect("below").to_owned();
                all.insert(inside, fs::read(&path).expect("a file"));
            }
        }
    }
    all
}

/// A bundle of a host whose log has this many logins.
fn bundle(folder: &Path, name: &str, logins: u32) {
    let host = folder.join(name).join("db-07");
    fs::create_dir_all(&host).expect("folders");
    let mut log = String::new();
    for at in 0..logins {
        let (hour, minute, second) = (at / 3600 % 24, at / 60 % 60, at % 60);
        log.push_str(&format!(
            "2023-05-07T{hour:02}:{minute:02}:{second:02}+08:00 db sshd[{}]: Failed password for root from 192.0.2.{} port 4{second:02}0 ssh2\n",
            100 + at,
            at % 250
        ));
    }
    fs::write(host.join("secure"), log).expect("writes");
}

fn start(folder: &Path, bundle: &str) -> Child {
    program()
        .current_dir(folder)
        .args(["analyze", bundle, "-o", "case", "-q", "--threads", "1"])
        .stdout(Stdio::null())
        .spawn()
        .expect("starts")
}

fn finished(folder: &Path, bundle: &str) {
    let status = start(folder, bundle).wait().expect("ends");
    assert!(status.success());
}

/// Names in the folder that a run makes for itself.
fn left_over(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.to_string_lossy().contains("coldcase-run"))
        .collect()
}

/// The same numbers in every run of the test (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1)
    }
}

/// When a run is killed.
enum When {
    After(Duration),
    /// So long after it has written the last file of the case.
    Finishing(Duration),
}

fn kill(folder: &Path, child: &mut Child, when: &When) {
    let begun = Instant::now();
    let written = || {
        let mut all = left_over(folder).into_iter();
        all.any(|path| path.join("case/report.md").exists())
    };
    match when {
        When::After(delay) => {
            while begun.elapsed() < *delay && child.try_wait().expect("a state").is_none() {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        When::Finishing(delay) => {
            while !written() && child.try_wait().expect("a state").is_none() {
                assert!(begun.elapsed() < LONGEST, "the run hangs");
            }
            let seen = Instant::now();
            while seen.elapsed() < *delay {}
        }
    }
    let _ = child.kill();
    child.wait().expect("ends");
}

/// Kills runs of `b` over what `before` makes; the case is then one of these trees, and nothing else.
fn check(folder: &Path, before: &dyn Fn(), whole: &[Option<&Tree>], seed: u64) {
    let begun = Instant::now();
    finished(folder, "b");
    let length = u64::try_from(begun.elapsed().as_micros()).expect("short");
    let mut random = Random(seed);
    for round in 0..2 * KILLS {
        before();
        let when = if round % 2 == 0 {
            When::After(Duration::from_micros(random.below(length)))
        } else {
            When::Finishing(Duration::from_micros(random.below(20_000)))
        };
        let mut child = start(folder, "b");
        kill(folder, &mut child, &when);
        let case = folder.join("case");
        let held = case.exists().then(|| tree(&case));
        let known = whole.contains(&held.as_ref());
        let names: Vec<_> = held.iter().flat_map(|tree| tree.keys()).collect();
        assert!(known, "round {round}: half a case: {names:?}");
    }
    finished(folder, "b");
    assert!(
        left_over(folder).is_empty(),
        "what killed runs left is gone"
    );
}

#[test]
fn killed_at_any_moment_there_is_no_case_or_a_whole_one() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    bundle(at, "b", 600);
    finished(at, "b");
    let whole = tree(&at.join("case"));
    let before = || {
        let _ = fs::remove_dir_all(at.join("case"));
    };
    check(at, &before, &[None, Some(&whole)], 0x2545_f491_4f6c_dd1d);
}

#[test]
fn killed_at_any_moment_the_case_is_the_old_or_the_new() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    bundle(at, "a", 100);
    bundle(at, "b", 600);
    finished(at, "b");
    let new = tree(&at.join("case"));
    finished(at, "a");
    let old = tree(&at.join("case"));
    fs::rename(at.join("case"), at.join("saved")).expect("renames");
    let before = || {
        let case = at.join("case");
        let _ = fs::remove_dir_all(&case);
        fs::create_dir_all(case.join("timeline")).expect("folders");
        for (path, bytes) in &old {
            fs::write(case.join(path), bytes).expect("writes");
        }
    };
    check(
        at,
        &before,
        &[Some(&old), Some(&new)],
        0x9e37_79b9_7f4a_7c15,
    );
}

#[test]
fn two_runs_at_once_leave_one_whole_case() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    bundle(at, "a", 100);
    bundle(at, "b", 600);
    let mut whole = Vec::new();
    for name in ["a", "b"] {
        finished(at, name);
        whole.push(tree(&at.join("case")));
    }
    for _ in 0..4 {
        let both = [start(at, "a"), start(at, "b"), start(at, "a")];
        for mut child in both {
            assert!(child.wait().expect("ends").success());
        }
        assert!(whole.contains(&tree(&at.join("case"))));
        assert!(left_over(at).is_empty());
    }
}

#[test]
fn an_export_is_whole_or_not_there() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    bundle(at, "b", 600);
    let export = || {
        program()
            .current_dir(at)
            .args(["timeline", "b", "-o", "t.jsonl", "-q", "--threads", "1"])
            .spawn()
            .expect("starts")
    };
    let begun = Instant::now();
    assert!(export().wait().expect("ends").success());
    let length = u64::try_from(begun.elapsed().as_micros()).expect("short");
    let whole = fs::read(at.join("t.jsonl")).expect("a file");
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    for _ in 0..KILLS {
        let _ = fs::remove_file(at.join("t.jsonl"));
        let mut child = export();
        let delay = Duration::from_micros(random.below(length));
        kill(at, &mut child, &When::After(delay));
        if let Ok(held) = fs::read(at.join("t.jsonl")) {
            assert!(held == whole, "half a file");
        }
    }
    assert!(export().wait().expect("ends").success());
    assert!(left_over(at).is_empty());
}
