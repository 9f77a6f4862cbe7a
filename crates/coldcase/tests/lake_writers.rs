//! Lakes that several write to at once, that lose writers, and that are damaged: no case is lost, doubled or halved.
#![allow(clippy::indexing_slicing, reason = "a test may panic")]

#[path = "lake/cases.rs"]
mod cases;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use coldcase_lake::{Lake, Trouble, check, clean, texts_of};
use coldcase_testkit::fleet::Fleet;
use program::program;

const FLEET: Fleet = Fleet {
    hosts: 100,
    events: 40,
    seed: 3,
};
const ADDERS: usize = 8;
const CASES_AN_ADDER: usize = 6;

fn coldcase(args: &[&str], paths: &[&Path]) -> Command {
    let mut command = program();
    command.args(args).args(paths);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(args: &[&str], paths: &[&Path]) -> Output {
    coldcase(args, paths).output().expect("coldcase runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Made {
    folder: tempfile::TempDir,
    cases: Vec<PathBuf>,
}

impl Made {
    fn new(cases: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |index| cases::write_case(&FLEET, &FLEET.host(index), &folder.path().join("cases"));
        let cases = (0..cases).map(write).collect();
        Self { folder, cases }
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn added(&self, count: usize) -> Lake {
        let lake = self.lake();
        for case in &self.cases[..count] {
            let ran = run(&["lake", "add"], &[&lake, case]);
            assert!(ran.status.success(), "{}", text(&ran.stderr));
        }
        Lake::open(&lake).expect("a lake")
    }
}

fn name(case: &Path) -> String {
    case.file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

/// Rows of each case that the timeline's committed files hold.
fn rows(lake: &Lake) -> BTreeMap<String, u64> {
    let state = lake.state().expect("a state");
    let all = state.cases.keys().collect();
    let mut rows = BTreeMap::new();
    texts_of(
        lake,
        &state,
        "timeline",
        ["file", "line", "offset", "message"],
        &all,
        |case, _, _, _, _| {
            *rows.entry(case.to_owned()).or_default() += 1;
        },
    )
    .expect("rows");
    rows
}

/// Each case is there once, with all its rows, and no file is but those that the log names.
fn assert_whole(lake: &Lake, expected: &BTreeSet<String>) {
    let state = lake.state().expect("a state");
    assert_eq!(
        &state.cases.keys().cloned().collect::<BTreeSet<_>>(),
        expected
    );
    let told = state
        .cases
        .values()
        .map(|case| (case.name.clone(), case.rows));
    assert_eq!(rows(lake), told.collect());
    let checked = check(lake, true).expect("checked");
    assert_eq!(checked.troubles, []);
    assert_eq!(checked.at_work, 0);
}

/// Waits until an adder has its lock, and kills it: at some moment of its work, whichever it is.
fn kill_at_work(mut adder: Child, lake: &Path, moment: u64) {
    let adding = lake.join("_coldcase/adding");
    while adder.try_wait().expect("a state").is_none() {
        let mut entries = fs::read_dir(&adding).into_iter().flatten().flatten();
        if entries.any(|entry| entry.path().join("lock").exists()) {
            break;
        }
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(moment));
    let _ = adder.kill();
    adder.wait().expect("it ended");
}

#[test]
fn eight_add_at_once_and_two_are_killed() {
    let made = Made::new(ADDERS * CASES_AN_ADDER);
    let lake = made.lake();
    let add = |cases: &[PathBuf]| {
        let mut paths = vec![lake.as_path()];
        paths.extend(cases.iter().map(PathBuf::as_path));
        coldcase(&["lake", "add"], &paths)
            .spawn()
            .expect("coldcase starts")
    };
    let mut adders: Vec<Child> = made.cases.chunks(CASES_AN_ADDER).map(add).collect();
    // Two more with the cases of others: who comes second with a case changes nothing.
    let twice: Vec<Child> = made
        .cases
        .chunks(CASES_AN_ADDER)
        .skip(2)
        .take(2)
        .map(add)
        .collect();
    kill_at_work(adders.remove(0), &lake, 3);
    kill_at_work(adders.remove(0), &lake, 25);
    for adder in adders.into_iter().chain(twice) {
        let ran = adder.wait_with_output().expect("an end");
        assert!(ran.status.success(), "{}", text(&ran.stderr));
    }

    let opened = Lake::open(&lake).expect("a lake");
    let state = opened.state().expect("a state");
    let all: BTreeSet<String> = made.cases.iter().map(|case| name(case)).collect();
    let killed: BTreeSet<String> = made.cases[..2 * CASES_AN_ADDER]
        .iter()
        .map(|case| name(case))
        .collect();
    let there: BTreeSet<String> = state.cases.keys().cloned().collect();
    assert!(
        there.is_superset(&(&all - &killed)),
        "those that lived lost nothing"
    );
    let told = state
        .cases
        .values()
        .map(|case| (case.name.clone(), case.rows));
    assert_eq!(
        rows(&opened),
        told.collect(),
        "no case is halved or doubled"
    );

    // What the killed ones left is named as that, changes nothing, and goes.
    let checked = check(&opened, true).expect("checked");
    assert!(
        checked
            .troubles
            .iter()
            .all(|trouble| matches!(trouble, Trouble::Leftover(_))),
        "{:?}",
        checked.troubles
    );
    clean(&opened, &checked);
    assert_whole(&opened, &there);

    // The same cases again: the rest comes in.
    let paths: Vec<&Path> = [lake.as_path()]
        .into_iter()
        .chain(made.cases.iter().map(PathBuf::as_path))
        .collect();
    let ran = run(&["lake", "add"], &paths);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(
        text(&ran.stdout).contains(&format!("{} there already", there.len())),
        "{}",
        text(&ran.stdout)
    );
    assert_whole(&opened, &all);
}

#[test]
fn a_killed_adder_leaves_only_what_check_names() {
    let made = Made::new(12);
    let lake = made.lake();
    let opened = made.added(2);
    let before = opened.state().expect("a state");
    for moment in [0, 5, 15, 40, 80] {
        let mut paths = vec![lake.as_path()];
        paths.extend(made.cases[2..].iter().map(PathBuf::as_path));
        let adder = coldcase(&["lake", "add"], &paths)
            .spawn()
            .expect("coldcase starts");
        kill_at_work(adder, &lake, moment);
        let state = opened.state().expect("a state");
        assert!(
            state.cases.len() == 12 || state == before,
            "all of the group or nothing"
        );
        if state != before {
            break;
        }
    }
    let checked = check(&opened, true).expect("checked");
    clean(&opened, &checked);
    let there: BTreeSet<String> = opened.state().expect("a state").cases.into_keys().collect();
    assert_whole(&opened, &there);
}

#[test]
fn the_same_case_changes_nothing_and_another_of_its_name_needs_a_word() {
    let made = Made::new(3);
    let lake = made.lake();
    let opened = made.added(2);
    let before = opened.state().expect("a state");
    let again = run(&["lake", "add"], &[&lake, &made.cases[0]]);
    assert!(
        text(&again.stdout).contains("0 added, 1 there already"),
        "{}",
        text(&again.stdout)
    );
    assert_eq!(opened.state().expect("a state"), before);

    // The same rows in other files, made elsewhere: still the same.
    let moved = made
        .folder
        .path()
        .join("elsewhere")
        .join(name(&made.cases[0]));
    fs::create_dir_all(moved.join("timeline")).expect("a folder");
    for file in ["case.json", "findings.json"] {
        let json = fs::read_to_string(made.cases[0].join(file)).expect("a file");
        fs::write(
            moved.join(file),
            json.replace("\"options\": {}", "\"options\": {\"ioc\": []}"),
        )
        .expect("a file");
    }
    fs::copy(
        made.cases[0].join("timeline/part-00000.parquet"),
        moved.join("timeline/part-00007.parquet"),
    )
    .expect("a part");
    assert!(run(&["lake", "add"], &[&lake, &moved]).status.success());
    assert_eq!(opened.state().expect("a state"), before);

    let first = name(&made.cases[0]);
    let other = run(&["lake", "add", "--as", &first], &[&lake, &made.cases[2]]);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        text(&other.stderr).contains("--replace"),
        "{}",
        text(&other.stderr)
    );
    assert_eq!(
        opened.state().expect("a state"),
        before,
        "nothing was changed"
    );
    let other = run(
        &["lake", "add", "--replace", "--as", &first],
        &[&lake, &made.cases[2]],
    );
    assert!(other.status.success(), "{}", text(&other.stderr));
    let after = opened.state().expect("a state");
    assert_ne!(after.cases[&first], before.cases[&first]);
    assert_whole(&opened, &before.cases.keys().cloned().collect());

    let both = run(&["lake", "add"], &[&lake, &made.cases[0], &moved]);
    assert_eq!(both.status.code(), Some(1));
    assert!(
        text(&both.stderr).contains("two cases have this name"),
        "{}",
        text(&both.stderr)
    );
}

#[test]
fn a_case_is_taken_out_of_files_that_it_shares() {
    let made = Made::new(6);
    let lake = made.lake();
    let mut paths = vec![lake.as_path()];
    paths.extend(made.cases.iter().map(PathBuf::as_path));
    assert!(run(&["lake", "add"], &paths).status.success());
    let (first, second) = (name(&made.cases[0]), name(&made.cases[1]));
    let ran = run(
        &["lake", "remove"],
        &[&lake, Path::new(&first), Path::new(&second)],
    );
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let opened = Lake::open(&lake).expect("a lake");
    let rest: BTreeSet<String> = made.cases[2..].iter().map(|case| name(case)).collect();
    assert_whole(&opened, &rest);
    let ran = run(&["lake", "remove"], &[&lake, Path::new(&first)]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(
        text(&ran.stderr).contains("no case of this name"),
        "{}",
        text(&ran.stderr)
    );
    let rest: Vec<PathBuf> = rest.iter().map(PathBuf::from).collect();
    let mut paths = vec![lake.as_path()];
    paths.extend(rest.iter().map(PathBuf::as_path));
    assert!(run(&["lake", "remove"], &paths).status.success());
    assert_whole(&opened, &BTreeSet::new());
}

#[test]
fn damage_is_named_with_whom_it_concerns() {
    let made = Made::new(3);
    let lake = made.lake();
    let opened = made.added(3);
    let files = opened.state().expect("a state").files;
    let of = |table: &str, case: usize| {
        let wanted = name(&made.cases[case]);
        let mut files = files.values();
        files
            .find(|file| file.table == table && file.cases == [wanted.clone()])
            .expect("a file")
            .path
            .clone()
    };
    let (half, gone, changed) = (of("timeline", 0), of("hosts", 1), of("sightings", 2));
    let whole = fs::read(lake.join(&half)).expect("a file");
    fs::write(lake.join(&half), &whole[..whole.len() / 2]).expect("half a file");
    fs::remove_file(lake.join(&gone)).expect("no file");
    let mut bytes = fs::read(lake.join(&changed)).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(lake.join(&changed), bytes).expect("another file");
    fs::write(lake.join("timeline/notes.parquet"), "x").expect("a file of somebody");

    let ran = run(&["lake", "check"], &[&lake]);
    let told = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{told}");
    for (path, case, word) in [
        (&half, 0, "half copied"),
        (&gone, 1, "is missing"),
        (&changed, 2, "other bytes"),
    ] {
        let line = told.lines().find(|line| line.starts_with(path.as_str()));
        let line = line.unwrap_or_else(|| panic!("{path} in {told}"));
        assert!(
            line.contains(word) && line.contains(&name(&made.cases[case])),
            "{line}"
        );
    }
    assert!(
        told.contains("notes.parquet: not written by coldcase"),
        "{told}"
    );
    let asked = run(&["fleet"], &[&lake, Path::new("lateral")]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(
        text(&asked.stderr).contains("lake check"),
        "{}",
        text(&asked.stderr)
    );

    // Out with the damaged ones and in again: whole.
    fs::remove_file(lake.join("timeline/notes.parquet")).expect("away");
    for case in &made.cases {
        let named = name(case);
        assert!(
            run(&["lake", "remove"], &[&lake, Path::new(&named)])
                .status
                .success()
        );
        assert!(run(&["lake", "add"], &[&lake, case]).status.success());
    }
    assert_whole(&opened, &made.cases.iter().map(|case| name(case)).collect());
}

#[test]
fn a_lake_of_another_schema_is_refused_and_left_alone() {
    let made = Made::new(1);
    let lake = made.lake();
    made.added(1);
    let path = lake.join("_coldcase/lake.json");
    fs::write(&path, "{\"schema\":\"coldcase.lake/2\"}\n").expect("another schema");
    let case = made.cases[0].as_path();
    for (args, paths) in [
        (&["lake", "add"][..], &[lake.as_path(), case][..]),
        (&["lake", "check"], &[&lake]),
        (&["lake", "pack"], &[&lake]),
        (&["lake", "remove"], &[&lake, Path::new("x")]),
        (&["fleet"], &[&lake]),
    ] {
        let ran = run(args, paths);
        assert_eq!(ran.status.code(), Some(1));
        let told = text(&ran.stderr);
        assert!(
            told.contains("coldcase.lake/2") && told.contains("coldcase.lake/1"),
            "{told}"
        );
    }
    let photos = made.folder.path().join("photos");
    fs::create_dir(&photos).expect("a folder");
    fs::write(photos.join("a.jpg"), "x").expect("a file");
    let ran = run(&["lake", "add"], &[&photos, case]);
    assert!(
        text(&ran.stderr).contains("no lake"),
        "{}",
        text(&ran.stderr)
    );
    assert_eq!(
        fs::read_dir(&photos).expect("a folder").count(),
        1,
        "nothing was written"
    );
}

#[test]
fn a_case_that_cannot_be_read_hinders_no_other() {
    let made = Made::new(3);
    let lake = made.lake();
    fs::write(made.cases[1].join("case.json"), "{").expect("damage");
    let mut paths = vec![lake.as_path()];
    paths.extend(made.cases.iter().map(PathBuf::as_path));
    let ran = run(&["lake", "add"], &paths);
    assert_eq!(ran.status.code(), Some(1));
    let told = text(&ran.stderr);
    assert!(
        told.contains(&name(&made.cases[1])) && told.contains("not JSON"),
        "{told}"
    );
    let opened = Lake::open(&lake).expect("a lake");
    let rest = [0, 2].map(|index| name(&made.cases[index]));
    assert_whole(&opened, &rest.into_iter().collect());
}
