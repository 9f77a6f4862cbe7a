//! Runs with and without the option, and what they are compared by.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("writes");
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_coldcase"))
        .current_dir(folder)
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    output
}

/// What the program says on stdout.
pub fn coldcase(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8(run(folder, arguments).stdout).expect("text")
}

/// What an incremental run says of its inputs.
pub struct Told {
    pub taken: usize,
    pub all: usize,
    pub line: String,
    pub errors: String,
    reasons: BTreeMap<String, usize>,
}

impl Told {
    /// How many were read anew for this reason.
    pub fn count(&self, reason: &str) -> usize {
        self.reasons.get(reason).copied().unwrap_or(0)
    }

    fn of(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).expect("text");
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let start = text
            .rfind("Case: case ")
            .expect("the last line of the summary");
        let line = text[start + "Case: case ".len()..].to_owned();
        let numbers: Vec<usize> = line
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let is_fresh = line.starts_with("All ");
        let reasons = line
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        let reasons = reasons.map_or("", |(inside, _)| inside).split(", ");
        let reasons = reasons.filter_map(|one| {
            let (count, reason) = one.split_once(' ')?;
            Some((reason.to_owned(), count.parse().ok()?))
        });
        let told = Self {
            taken: if is_fresh { 0 } else { numbers[0] },
            all: if is_fresh { numbers[0] } else { numbers[1] },
            reasons: reasons.collect(),
            errors: String::from_utf8(output.stderr.clone()).expect("text"),
            line,
        };
        let anew: usize = told.reasons.values().sum();
        assert!(is_fresh || told.taken + anew == told.all, "{}", told.line);
        told
    }
}

/// Correlators take longer than all else and ask nothing but rows: where these are compared too, one will do.
const QUICK: [&str; 2] = ["--only", "ssh-auth"];

/// An incremental run of `bundle` into `case`.
pub fn told(folder: &Path) -> Told {
    told_with(folder, &QUICK)
}

pub fn told_with(folder: &Path, more: &[&str]) -> Told {
    let arguments = ["analyze", "bundle", "-o", "case", "--incremental"];
    Told::of(&run(folder, &[&arguments, more].concat()))
}

/// An incremental run, which must give what a fresh one gives.
pub fn check(folder: &Path) -> Told {
    check_with(folder, &QUICK)
}

/// Likewise, with these options, and all correlators unless they say otherwise.
pub fn check_with(folder: &Path, more: &[&str]) -> Told {
    let told = told_with(folder, more);
    let apart = folder.join("apart");
    fs::create_dir_all(&apart).expect("a folder");
    let link = apart.join("bundle");
    if !link.exists() {
        std::os::unix::fs::symlink(folder.join("bundle"), &link).expect("a link");
    }
    let fresh = ["analyze", "bundle", "-o", "case"];
    run(&apart, &[&fresh, more].concat());
    for name in ["findings.json", "case.json", "report.md", "report.html"] {
        let text = |at: &Path| fs::read_to_string(at.join("case").join(name)).expect("a file");
        let (got, expected) = (text(folder), text(&apart));
        let first = got.lines().zip(expected.lines()).find(|(a, b)| a != b);
        assert!(got == expected, "{name}: {}: {first:?}", told.line);
    }
    let rows = |at: &Path| {
        run(at, &["timeline", "case", "-o", "rows.jsonl", "-q"]);
        let rows = fs::read_to_string(at.join("rows.jsonl")).expect("rows");
        fs::remove_file(at.join("rows.jsonl")).expect("removes");
        rows
    };
    let (got, expected) = (rows(folder), rows(&apart));
    let first = got.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(got == expected, "rows: {}: {first:?}", told.line);
    assert!(got.lines().count() > 2);
    fs::remove_dir_all(apart).expect("removes");
    told
}

/// Changes the state of the case there as another program would write it. What `change` gives is handed on.
pub fn edit_state<T>(folder: &Path, change: impl FnOnce(&mut Value) -> T) -> T {
    let path = folder.join("case/inputs.state.json.gz");
    let packed = GzDecoder::new(File::open(&path).expect("a state"));
    let mut state: Value = serde_json::from_reader(packed).expect("JSON");
    let given = change(&mut state);
    let mut packed = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
    serde_json::to_writer(&mut packed, &state).expect("writes");
    packed.finish().expect("writes");
    given
}

/// Sets a field of these inputs in the state; in how many.
pub fn set(
    state: &mut Value,
    name: &str,
    value: impl Into<Value>,
    is_meant: impl Fn(&Value) -> bool,
) -> usize {
    let value = value.into();
    let inputs = state["inputs"].as_array_mut().expect("inputs");
    let mut count = 0;
    for input in inputs.iter_mut().filter(|input| is_meant(input)) {
        assert!(input.get(name).is_some(), "{name}");
        input[name] = value.clone();
        count += 1;
    }
    count
}
