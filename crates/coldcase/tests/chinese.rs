//! All that findings and conclusions say has a Chinese form (`crates/coldcase-report/src/lang/zh`): what the recorded incidents
//! are told, and every text in the sources of the correlators, so that none is forgotten that no test reaches.

#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use coldcase_model::Findings;
use program::program;
use tempfile::TempDir;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn what_incidents_are_told_is_said_in_chinese() {
    let folder = TempDir::new().expect("a folder");
    let incidents = fs::read_dir(at("../testdata/incidents")).expect("incidents");
    let mut count = 0;
    for incident in incidents {
        let incident = incident.expect("an entry").path();
        let case = folder.path().join(incident.file_name().expect("a name"));
        let output = program()
            .args(["analyze", "-q", "--lang", "zh", "-o"])
            .arg(&case)
            .arg(incident.join("bundle.tar.gz"))
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        let findings: Findings =
            serde_json::from_str(&read(&case.join("findings.json"))).expect("findings");
        let without = coldcase_report::without_chinese(&findings);
        assert!(without.is_empty(), "{}: {without:#?}", incident.display());
        for report in ["report.md", "report.html"] {
            let text = read(&case.join(report));
            for finding in &findings.findings {
                assert!(
                    !text.contains(&format!(">{}<", finding.title)),
                    "{}",
                    finding.title
                );
                assert!(
                    !text.contains(&format!(": {}\n", finding.title)),
                    "{}",
                    finding.title
                );
            }
        }
        count += findings.findings.len();
    }
    assert!(count > 50, "{count} findings");
}

/// A source's string literals outside of its tests, with the line of each.
fn literals(source: &str) -> Vec<(usize, String)> {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let bytes: Vec<char> = source.chars().collect();
    let (mut found, mut index, mut line) = (Vec::new(), 0, 1);
    while index < bytes.len() {
        let rest = &bytes[index..];
        let skip = match rest {
            ['/', '/', ..] => rest
                .iter()
                .position(|letter| *letter == '\n')
                .unwrap_or(rest.len()),
            ['\'', '\\', _, '\'', ..] => 4,
            ['\'', _, '\'', ..] => 3,
            ['r', '#', '"', ..] => {
                let end = rest.windows(2).skip(3).position(|pair| pair == ['"', '#']);
                end.map_or(rest.len(), |end| end + 5)
            }
            ['r', '"', ..] => rest
                .iter()
                .skip(2)
                .position(|one| *one == '"')
                .map_or(rest.len(), |end| end + 3),
            ['"', ..] => {
                let (text, length) = literal(&rest[1..]);
                found.push((line, text));
                length + 1
            }
            _ => 1,
        };
        line += rest
            .iter()
            .take(skip)
            .filter(|letter| **letter == '\n')
            .count();
        index += skip;
    }
    found
}

/// A literal behind its opening quote, and its length with the closing one.
fn literal(rest: &[char]) -> (String, usize) {
    let (mut text, mut index) = (String::new(), 0);
    while let Some(letter) = rest.get(index) {
        match (letter, rest.get(index + 1)) {
            ('"', _) => return (text, index + 1),
            ('\\', Some('\n')) => {
                let blanks = rest[index + 1..]
                    .iter()
                    .take_while(|one| one.is_whitespace());
                index += 1 + blanks.count();
            }
            ('\\', Some(escaped)) => {
                text.push(*escaped);
                index += 2;
            }
            (letter, _) => {
                text.push(*letter);
                index += 1;
            }
        }
    }
    (text, index)
}

/// Files whose texts are looked for in evidence, or are commands.
const NO_SENTENCES: [&str; 6] = [
    "container_exit/lives.rs",
    "container_exit/lives/draft.rs",
    "remote_access/lines.rs",
    "exposed_service/catalog.rs",
    "series_match/lines.rs",
    "suspicious_container/commands.rs",
];

/// Texts elsewhere that no finding's sentence holds: facts, parts of commands and filters, what is looked for.
const OTHER_TEXTS: [&str; 10] = [
    " backlog limit exceeded",
    " rate limit exceeded",
    " and src host {source}",
    "%Y-%m-%d %H:%M:%S",
    "a share of a length is one",
    "created at {}",
    "dropped by INPUT rule, but for {}",
    "in 1 files",
    "process hidden",
    "processes hidden",
];

/// What commands begin with that are not set in backquotes where they are made.
const COMMANDS: [&str; 6] = [
    "cp /proc/",
    "docker ",
    "journalctl ",
    "kubectl ",
    "ps -ef",
    "systemctl cat",
];

/// What a text says between its values and commands, sentence by sentence.
fn fragments(text: &str) -> Vec<String> {
    let spoken: String = text.split('`').step_by(2).collect::<Vec<_>>().join("{}");
    let mut fragments = Vec::new();
    let mut rest = spoken.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        fragments.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    fragments.push(rest);
    let sentences = fragments
        .into_iter()
        .flat_map(|one| one.split(". ").collect::<Vec<_>>());
    let bare = sentences.map(|one| one.trim_matches(|letter: char| !letter.is_alphanumeric()));
    bare.filter(|one| one.contains(' ') && one.contains(char::is_lowercase))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_text_of_correlators_has_a_chinese_form() {
    let mut forms = String::new();
    for file in files(&at("coldcase-report/src/lang/zh"), "txt") {
        for line in read(&file).lines() {
            forms.push_str(&fragments(line).join("\n"));
            forms.push('\n');
        }
    }
    let sources = at("coldcase-correlate/src");
    let (mut missing, mut count) = (Vec::new(), 0);
    for folder in ["correlators", "conclusions"] {
        for source in files(&sources.join(folder), "rs") {
            let name = source.display().to_string();
            if name.ends_with("tests.rs") || NO_SENTENCES.iter().any(|known| name.ends_with(known))
            {
                continue;
            }
            let text = read(&source);
            let lines: Vec<&str> = text.lines().collect();
            for (line, text) in literals(&text) {
                let is_command = COMMANDS.iter().any(|command| text.starts_with(command));
                let names_correlator = lines[line - 1].starts_with("    title: \"");
                if is_command || names_correlator || OTHER_TEXTS.contains(&text.as_str()) {
                    continue;
                }
                for fragment in fragments(&text) {
                    count += 1;
                    if !forms.contains(&fragment) {
                        missing.push(format!("{name}:{line}: {fragment}"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(count > 400, "{count} fragments were looked at");
}
