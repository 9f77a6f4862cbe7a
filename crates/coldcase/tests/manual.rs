//! Completions and manual pages name every command; `explain` helps on; colours and progress keep out of pipes.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::Path;

use program::coldcase;
use tempfile::TempDir;

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = coldcase(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Commands as `coldcase --help` lists them.
fn commands(folder: &Path) -> Vec<String> {
    let help = said(folder, &["--help"]);
    let list = help.split("Commands:\n").nth(1).expect("commands");
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter(|line| !line.starts_with("   "));
    let names: Vec<String> = names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

#[test]
fn completions_of_each_shell_name_every_command() {
    let folder = TempDir::new().expect("a folder");
    let commands = commands(folder.path());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(folder.path(), &["completions", shell]);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} lacks {command}");
        }
        assert!(script.contains("fail-on"), "{shell}");
    }
    assert_eq!(
        coldcase(folder.path(), &["completions", "tcsh"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn every_command_has_its_manual_page() {
    let folder = TempDir::new().expect("a folder");
    let listed = said(folder.path(), &["man", "pages/man1"]);
    let mut names = vec!["coldcase".to_owned()];
    names.extend(
        commands(folder.path())
            .iter()
            .map(|name| format!("coldcase-{name}")),
    );
    for name in &names {
        let path = format!("pages/man1/{name}.1");
        assert!(listed.contains(&path), "{listed}");
        let page = fs::read_to_string(folder.path().join(&path)).expect("a page");
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        assert!(page.contains(".SH OPTIONS") && page.len() > 500, "{name}");
    }
    assert_eq!(listed.lines().count(), names.len());
    fs::write(folder.path().join("file"), "").expect("writes");
    let output = coldcase(folder.path(), &["man", "file/pages"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("choose another folder"));
}

#[test]
fn explain_fits_80_columns_and_knows_what_was_meant() {
    let folder = TempDir::new().expect("a folder");
    for list in ["formats", "correlators"] {
        for line in said(folder.path(), &[list]).lines() {
            let id = line.split_whitespace().next().expect("an id");
            let text = said(folder.path(), &["explain", id]);
            assert!(text.starts_with(&format!("{id}: ")), "{text}");
            let prose = text.lines().filter(|line| !line.starts_with(['|', ' ']));
            let mut is_code = false;
            for line in prose {
                is_code ^= line.starts_with("```");
                // A word longer than a line is not cut.
                let fits = line.chars().count() <= 80 || !line.contains(' ');
                assert!(is_code || fits, "{id}: {line}");
            }
        }
    }
    let wrong = [
        ("authlogs", "did you mean authlog?"),
        ("syn_flood", "did you mean syn-flood?"),
        ("zzzzzz", "see `coldcase formats`"),
    ];
    for (id, hint) in wrong {
        let output = coldcase(folder.path(), &["explain", id]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn help_has_colours_only_where_they_are_wanted() {
    let folder = TempDir::new().expect("a folder");
    assert!(!said(folder.path(), &["--help"]).contains('\u{1b}'));
    assert!(!said(folder.path(), &["--color", "never", "--help"]).contains('\u{1b}'));
    assert!(said(folder.path(), &["--color=always", "--help"]).contains('\u{1b}'));
    let wrong = coldcase(folder.path(), &["nonsense"]);
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains('\u{1b}'));
}

#[test]
fn a_pipe_sees_no_bar() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("evidence")).expect("a folder");
    let line =
        "May  7 03:00:00 db sshd[100]: Failed password for root from 192.0.2.9 port 4000 ssh2\n";
    fs::write(folder.path().join("evidence/secure"), line.repeat(100)).expect("writes");
    let output = coldcase(folder.path(), &["analyze", "evidence", "-o", "case"]);
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn commands_that_want_a_case_say_what_they_got_instead() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::create_dir_all(at.join("empty")).expect("a folder");
    fs::create_dir_all(at.join("broken")).expect("a folder");
    fs::write(at.join("broken/case.json"), "{").expect("writes");
    fs::write(at.join("file.tar"), "x").expect("writes");
    let commands: [&[&str]; 4] = [
        &["verify"],
        &["whois", "10.0.0.1"],
        &["query", "SELECT 1"],
        &["explain", "some-finding"],
    ];
    let wrong = [
        (
            "nowhere",
            "nowhere: no such folder; give a folder that `coldcase analyze` wrote",
        ),
        ("empty", "empty: no case: it holds no case.json"),
        ("file.tar", "file.tar: no case"),
        ("broken", "broken/"),
    ];
    for command in commands {
        for (case, hint) in wrong {
            let mut arguments = vec![command[0], case];
            arguments.extend(&command[1..]);
            let output = coldcase(at, &arguments);
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
            assert!(text.contains(hint), "{arguments:?}: {text}");
        }
    }
}
