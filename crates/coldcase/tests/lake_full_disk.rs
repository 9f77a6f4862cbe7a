//! A lake on a disk that becomes full: one clear error, and the lake as it was before.

#![cfg(target_os = "linux")]

#[path = "lake/cases.rs"]
mod cases;
mod program;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coldcase_lake::{Lake, check};
use coldcase_testkit::fleet::Fleet;
use program::program;

/// A small file system in memory; gone when dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(options: &str, at: &Path) -> bool {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "none"])
        .arg(at)
        .output();
    mounted.is_ok_and(|output| output.status.success())
}

fn run(args: &[&str], paths: &[PathBuf]) -> Output {
    let mut command = program();
    command
        .args(args)
        .args(paths)
        .output()
        .expect("coldcase runs")
}

#[test]
fn a_full_disk_is_one_error_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = folder.path().join("small");
    std::fs::create_dir(&small).expect("a folder");
    if !mount("size=1m", &small) {
        let mut err = std::io::stderr();
        let _ = writeln!(err, "not run with a full file system: mounting takes root");
        return;
    }
    let mounted = Mounted(small.clone());
    let fleet = Fleet {
        hosts: 100,
        events: 2_000,
        seed: 3,
    };
    let cases = cases::write_cases(&Fleet { hosts: 40, ..fleet }, &folder.path().join("cases"));
    let (few, many) = cases.split_at(3);
    let lake = small.join("lake");
    let with = |cases: &[PathBuf]| -> Vec<PathBuf> {
        std::iter::once(lake.clone())
            .chain(cases.iter().cloned())
            .collect()
    };
    assert!(run(&["lake", "add"], &with(few)).status.success());
    let opened = Lake::open(&lake).expect("a lake");
    let before = opened.state().expect("a state");

    for args in [&["lake", "add"][..], &["lake", "add", "--replace"]] {
        let full = run(args, &with(many));
        let told = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(1), "{told}");
        assert_eq!(told.trim().lines().count(), 1, "one error: {told}");
        for word in ["No space left on device", "as it was before", "make room"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert_eq!(opened.state().expect("a state"), before);
        assert_eq!(check(&opened, true).expect("checked").troubles, []);
    }

    assert!(mount("remount,size=64m", &mounted.0), "there is room now");
    let added = run(&["lake", "add"], &with(many));
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    assert_eq!(opened.state().expect("a state").cases.len(), cases.len());
    assert_eq!(check(&opened, true).expect("checked").troubles, []);
}
