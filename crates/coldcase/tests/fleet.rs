//! A fleet of 200 hosts with planted truths: what the fleet's questions answer here, and that DuckDB and Spark answer the
//! same. Engines are taken from `COLDCASE_FLEET_PYTHON` (or `python3`); the test says which are not there.
#![allow(clippy::indexing_slicing, reason = "a test may panic")]

#[path = "lake/cases.rs"]
mod cases;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use coldcase::fleet::{FleetOptions, FleetReport, fleet};
use coldcase::lake::add_cases;
use coldcase_lake::{Lake, Limits, Value, host_group, pack};
use coldcase_model::Finding;
use coldcase_testkit::fleet::{BEACON, DOMAIN, Fleet, Truth};
use program::program;

const FLEET: Fleet = Fleet {
    hosts: 200,
    events: 60,
    seed: 7,
};

struct Made {
    folder: tempfile::TempDir,
    cases: Vec<PathBuf>,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cases = cases::write_cases(&FLEET, &folder.path().join("cases"));
        fs::write(folder.path().join("ioc.txt"), format!("{DOMAIN}\n")).expect("indicators");
        Self { folder, cases }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A lake of all cases, added by one command.
    fn lake(&self) -> PathBuf {
        let lake = self.path("lake");
        let added = add_cases(&lake, &self.cases, None, false).expect("added");
        assert!(added.cases.iter().all(|(_, outcome)| outcome.is_ok()));
        lake
    }

    fn ask(&self, lake: &Path, limits: Limits) -> FleetReport {
        let options = FleetOptions {
            iocs: vec![self.path("ioc.txt")],
            limits,
            ..FleetOptions::default()
        };
        fleet(lake, &options).expect("answers")
    }
}

/// Answers as lines of JSON: columns first, then rows sorted.
fn lines(report: &FleetReport) -> BTreeMap<String, Vec<String>> {
    let json = |cell: &Value| match cell {
        Value::Null => serde_json::Value::Null,
        Value::Long(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    };
    let answers = report.answers.iter().map(|answer| {
        let rows = answer.table.rows.iter();
        let rows = rows.map(|row| serde_json::Value::from_iter(row.iter().map(json)).to_string());
        let mut lines: Vec<String> = rows.collect();
        lines.sort();
        lines.insert(0, serde_json::json!(answer.table.columns).to_string());
        (answer.question.id.to_owned(), lines)
    });
    answers.collect()
}

fn of<'r>(report: &'r FleetReport, question: &str) -> &'r [Finding] {
    let mut answers = report.answers.iter();
    let answer = answers.find(|answer| answer.question.id == question);
    &answer.expect(question).findings
}

fn fact<'f>(finding: &'f Finding, name: &str) -> &'f serde_json::Value {
    finding.facts.get(name).expect(name)
}

fn hosts(finding: &Finding) -> Vec<String> {
    let seen = fact(finding, "seen_on").as_array().expect("a list");
    let names = seen
        .iter()
        .map(|one| one["host"].as_str().expect("a name").to_owned());
    names.collect()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

/// Exactly what was planted, and nothing else, in the order in which it came.
fn check_first_seen(report: &FleetReport, truth: &Truth) {
    let mut expected = BTreeMap::new();
    for thing in truth.things.iter().filter(|thing| thing.hosts.len() > 1) {
        let names: Vec<String> = thing.hosts.iter().map(|(name, _)| name.clone()).collect();
        let zero = thing.hosts[0].1.map(|_| names[0].clone());
        expected.insert((thing.kind.to_owned(), thing.value.clone()), (zero, names));
    }
    let found = of(report, "first-seen").iter().map(|finding| {
        let text = |name| fact(finding, name).as_str().map(str::to_owned);
        let key = (
            text("entity_type").expect("a kind"),
            text("entity").expect("a name"),
        );
        (key, (text("patient_zero"), hosts(finding)))
    });
    let mut found: BTreeMap<_, _> = found.collect();
    for (_, names) in found.values_mut().chain(expected.values_mut()) {
        if names.len() == 3 && names[0].starts_with("web") {
            names.sort(); // only snapshots show the agent's unit: no order
        }
    }
    assert_eq!(found, expected);
}

fn check_rare(report: &FleetReport, truth: &Truth) {
    let mut expected = BTreeSet::new();
    for thing in truth.things.iter().filter(|thing| thing.kind != "job") {
        let mut groups: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for (name, _) in &thing.hosts {
            groups.entry(host_group(name)).or_default().push(name);
        }
        for names in groups.values().filter(|names| names.len() == 1) {
            expected.insert((thing.kind.to_owned(), thing.value.clone(), names[0].clone()));
        }
    }
    let found = of(report, "rare").iter().map(|finding| {
        let text = |name| fact(finding, name).as_str().expect(name).to_owned();
        (
            text("entity_type"),
            text("entity"),
            hosts(finding)[0].clone(),
        )
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}

fn check_others(report: &FleetReport, truth: &Truth) {
    let [chain] = of(report, "lateral") else {
        panic!("one chain: {:?}", of(report, "lateral"))
    };
    let names: Vec<&str> = truth.chain.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(fact(chain, "hosts"), &serde_json::json!(names));
    assert_eq!(chain.first.map(|at| at.nanos()), Some(truth.chain_ns(0)));
    assert_eq!(chain.evidence.len(), names.len() - 1, "a record a login");

    let [swept] = of(report, "indicators") else {
        panic!("one indicator: {:?}", of(report, "indicators"))
    };
    let asked = truth
        .things
        .iter()
        .find(|thing| thing.value == format!("a.{DOMAIN}"));
    let asked: Vec<String> = asked
        .expect("planted")
        .hosts
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(hosts(swept), asked, "not the name that only ends alike");

    let [beacon] = of(report, "beacons") else {
        panic!("one destination")
    };
    assert_eq!(fact(beacon, "dst"), BEACON);
    assert_eq!(set(&hosts(beacon)), set(&truth.beacon));

    let [flood] = of(report, "floods") else {
        panic!("one flood; the host that flooded alone is none")
    };
    let participants = fact(flood, "participants").as_array().expect("a list");
    let names = participants
        .iter()
        .map(|one| one["host"].as_str().expect("a name").to_owned());
    assert_eq!(names.collect::<BTreeSet<_>>(), set(&truth.flood));

    let [window] = of(report, "windows") else {
        panic!("one window; other hours are none")
    };
    assert_eq!(set(&hosts(window)), set(&truth.window));
    let all: Vec<String> = report
        .findings()
        .findings
        .iter()
        .map(|one| format!("{:?}", one.facts))
        .collect();
    let without = |name: &str| {
        all.iter()
            .all(|facts| !facts.contains(name) || facts.contains("host_group"))
    };
    assert!(without(&truth.flood_alone) && without(&truth.window_alone));

    let covered = of(report, "coverage");
    let stranger = covered
        .iter()
        .find(|one| fact(one, "kind") == "not-collected");
    let stranger = stranger.expect("a stranger");
    assert_eq!(fact(stranger, "address"), &truth.stranger.1.as_str());
    assert_eq!(hosts(stranger), [truth.stranger.0.as_str()]);
    let lacking = covered
        .iter()
        .filter(|one| fact(one, "kind") == "lacks-format");
    let lacking: BTreeSet<String> = lacking.flat_map(hosts).collect();
    assert_eq!(lacking, set(&truth.without_audit));
}

/// Every record that a finding names is in a case, at that file and line, and says what the finding cites.
fn check_evidence(report: &FleetReport) {
    let mut records = 0;
    for finding in &report.findings().findings {
        for record in &finding.evidence {
            let (case, file) = record.file.split_once('/').expect("a case and a file");
            assert!(file.starts_with(case), "{}", record.file);
            assert!(
                record.line.is_some() && !record.text.is_empty(),
                "{finding:?}"
            );
            records += 1;
        }
    }
    assert!(records > 30);
}

#[test]
fn what_was_planted_is_found_and_nothing_else() {
    let made = Made::new();
    let lake = made.lake();
    let report = made.ask(&lake, Limits::default());
    let truth = FLEET.truth();
    check_first_seen(&report, &truth);
    check_rare(&report, &truth);
    check_others(&report, &truth);
    check_evidence(&report);

    let expected = lines(&report);
    let in_shares = made.ask(&lake, Limits { rows_a_share: 300 });
    assert_eq!(lines(&in_shares), expected, "worked on in shares");
    engines(&made, &lake, &expected);
}

#[test]
fn one_by_one_and_packed_say_the_same() {
    let made = Made::new();
    let (one_by_one, together) = (made.path("one-by-one"), made.path("together"));
    let some = &made.cases[..30];
    for case in some {
        add_cases(&one_by_one, std::slice::from_ref(case), None, false).expect("added");
    }
    add_cases(&together, some, None, false).expect("added");
    let expected = lines(&made.ask(&together, Limits::default()));
    assert!(expected.values().any(|lines| lines.len() > 1));
    assert_eq!(lines(&made.ask(&one_by_one, Limits::default())), expected);
    let folder = one_by_one.join("timeline/case=web-00001/host=web-00001");
    assert!(folder.is_dir(), "a case alone has partitions of its own");

    let lake = Lake::open(&one_by_one).expect("a lake");
    let packed = pack(&lake).expect("packed");
    assert!(packed.before > 150 && packed.after < 12, "{packed:?}");
    assert_eq!(lines(&made.ask(&one_by_one, Limits::default())), expected);
    assert!(!folder.exists(), "and none after packing");
}

/// Compares with the engines that are there.
fn engines(made: &Made, lake: &Path, expected: &BTreeMap<String, Vec<String>>) {
    let python = std::env::var("COLDCASE_FLEET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = |module: &str| {
        let import = format!("import {module}");
        let ran = Command::new(&python).args(["-c", &import]).output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    let sql = made.path("sql");
    run(program().args(["fleet", "--write-sql"]).arg(&sql));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fleet");
    let has_java = Command::new("java")
        .arg("-version")
        .output()
        .is_ok_and(|ran| ran.status.success());
    for (engine, program, is_there) in [
        ("DuckDB", "duckdb/fleet.py", has("duckdb")),
        ("Spark", "spark/fleet.py", has("pyspark") && has_java),
    ] {
        if !is_there {
            say(&format!(
                "{engine} is not here: not compared (set COLDCASE_FLEET_PYTHON to a Python that has it)"
            ));
            continue;
        }
        let answers = made.path(engine);
        let mut command = Command::new(&python);
        command
            .arg(root.join(program))
            .arg(lake)
            .arg("--sql")
            .arg(&sql)
            .arg("-o")
            .arg(&answers);
        command
            .arg("--ioc")
            .arg(made.path("ioc.txt"))
            .env("PYSPARK_PYTHON", &python);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("SPARK_HOME");
        command.env(
            "PYSPARK_SUBMIT_ARGS",
            "--master local[2] --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 pyspark-shell",
        );
        run(&mut command);
        for (question, expected) in expected {
            let text =
                fs::read_to_string(answers.join(format!("{question}.jsonl"))).expect("an answer");
            let parse = |line: &str| {
                serde_json::from_str::<serde_json::Value>(line)
                    .expect("JSON")
                    .to_string()
            };
            let mut lines: Vec<String> = text.lines().map(parse).collect();
            lines[1..].sort();
            assert_eq!(&lines, expected, "{engine}: {question}");
        }
        say(&format!("{engine}: {} answers identical", expected.len()));
    }
}

/// What was compared and what not, for whoever reads the log of the tests.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn run(command: &mut Command) {
    let ran = command.output().expect("a program");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
