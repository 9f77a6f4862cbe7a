//! docker-inspect and docker-created over real files and over the incidents. The truth is the JSON itself, read
//! here by other means, and the counts that stand beside the incidents.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, ingest, sniff};
use serde_json::Value;

fn format(id: &str) -> &'static Format {
    formats::by_id(id).expect("registered")
}

fn read(id: &str, path: &Path) -> Recorder {
    let bytes = fs::read(path).expect("a readable file");
    ingest(format(id), &path.to_string_lossy(), &bytes, &Clock::UNKNOWN)
}

fn sniffed(id: &str, path: &Path) -> Sniff {
    let bytes = fs::read(path).expect("a readable file");
    sniff(format(id), &path.to_string_lossy(), &bytes)
}

/// How often each action occurs.
fn actions(recorder: &Recorder) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &recorder.events {
        *counts.entry(event.action).or_default() += 1;
    }
    let shown: Vec<_> = counts
        .iter()
        .map(|(action, n)| format!("{action} {n}"))
        .collect();
    shown.join(", ")
}

/// Files, what they give, and how many records are used and skipped.
const FILES: [(&str, &str, u64, u64); 10] = [
    (
        "docker-java/api-1.22-container.json",
        "container-created 1, container-listed 1",
        1,
        0,
    ),
    (
        "docker-java/api-1.22-containers-list.json",
        "container-created 1, container-listed 1",
        1,
        0,
    ),
    (
        "docker-java/api-1.22-image-overlay.json",
        "image-created 1",
        1,
        0,
    ),
    (
        "docker-java/inspectContainerResponse_empty.json",
        "container-created 1, container-listed 1, container-started 1",
        1,
        0,
    ),
    (
        "docker-java/inspectContainerResponse_full.json",
        "container-created 1, container-listed 1, container-started 1",
        1,
        0,
    ),
    (
        "docker-java/inspectContainerResponse_full_1_21.json",
        "container-created 1, container-listed 1, container-started 1",
        1,
        0,
    ),
    ("rekcod/inspect-empty.json", "", 0, 0),
    ("rekcod/inspect-invalid.json", "", 0, 4),
    (
        "telegraf/docker/inspect_123456789.json",
        "container-listed 1, container-started 1",
        1,
        0,
    ),
    (
        "telegraf/docker/list.json",
        "container-created 1, container-listed 1",
        1,
        0,
    ),
];

#[test]
fn real_files_read_as_expected() {
    let Some(root) = corpora() else { return };
    let mut differing = 0;
    for (name, expected, used, skipped) in FILES {
        let path = root.join(name);
        assert!(
            sniffed("docker-inspect", &path) > Sniff::No,
            "{name} is declined"
        );
        let recorder = read("docker-inspect", &path);
        let got = (
            actions(&recorder),
            recorder.counts.used,
            recorder.counts.skipped,
        );
        let same = got == (expected.to_owned(), used, skipped);
        differing += usize::from(!same);
        println!(
            "{name}: expected {used}+{skipped} {expected}; got {got:?}; differing {}",
            u8::from(!same)
        );
    }
    assert_eq!(differing, 0);
}

#[test]
fn an_answer_without_containers_is_reported() {
    let Some(root) = corpora() else { return };
    for name in ["rekcod/inspect-empty.json", "rekcod/inspect-invalid.json"] {
        let recorder = read("docker-inspect", &root.join(name));
        assert!(!recorder.warnings.is_empty(), "{name}");
    }
}

#[test]
fn cells_of_real_files() {
    let Some(root) = corpora() else { return };
    let check = |name: &str, action: &str, expected: &[&str]| {
        let recorder = read("docker-inspect", &root.join(name));
        let event = recorder.events.iter().find(|event| event.action == action);
        let event = event.expect("the row is there");
        let when = event.when.map(|when| when.ts.to_string());
        let pid = event.pid.map(|pid| pid.to_string());
        let got: Vec<_> = [
            when.as_deref(),
            event.container.as_deref(),
            event.image.as_deref(),
            event.command.as_deref(),
            event.src_ip.as_deref(),
            pid.as_deref(),
        ]
        .map(|cell| cell.unwrap_or("-"))
        .into();
        assert_eq!(got, expected, "{name} {action}");
    };
    let folder = "docker-java/";
    check(
        &format!("{folder}api-1.22-container.json"),
        "container-created",
        &[
            "2016-02-16T22:40:51.465045919Z",
            "drunk_golick",
            "busybox",
            "echo",
            "-",
            "-",
        ],
    );
    check(
        &format!("{folder}api-1.22-containers-list.json"),
        "container-created",
        &[
            "2016-02-16T22:40:51Z",
            "drunk_golick",
            "busybox",
            "echo",
            "-",
            "-",
        ],
    );
    check(
        &format!("{folder}api-1.22-containers-list.json"),
        "container-listed",
        &["-", "drunk_golick", "busybox", "echo", "172.17.0.2", "-"],
    );
    check(
        &format!("{folder}inspectContainerResponse_full_1_21.json"),
        "container-listed",
        &[
            "-",
            "small_hodgkin",
            "busybox",
            "cat",
            "172.17.0.2",
            "10912",
        ],
    );
    check(
        &format!("{folder}inspectContainerResponse_full.json"),
        "container-listed",
        &[
            "-",
            "desperate_babbage",
            "jenkinsci/workflow-demo",
            "/bin/sh -c /var/lib/jenkins/run.sh",
            "172.17.0.2",
            "898",
        ],
    );
    check(
        &format!("{folder}api-1.22-image-overlay.json"),
        "image-created",
        &[
            "2016-05-24T19:25:01.316081310Z",
            "-",
            "test-image:latest",
            "bin/run.sh",
            "-",
            "-",
        ],
    );
    check(
        "telegraf/docker/list.json",
        "container-created",
        &[
            "2016-02-20T04:18:50Z",
            "redis",
            "redis/image/6",
            "/redis",
            "-",
            "-",
        ],
    );
}

/// Every other file of the corpora is something else.
#[test]
fn other_files_are_declined() {
    let Some(root) = corpora() else { return };
    let mine: Vec<PathBuf> = FILES.iter().map(|(name, ..)| root.join(name)).collect();
    let mut looked_at = 0;
    for path in files(&root)
        .into_iter()
        .chain(files(&root.join("../incidents")))
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if mine.contains(&path) || name.ends_with("inspect.json") {
            continue;
        }
        looked_at += 1;
        assert_eq!(
            sniffed("docker-inspect", &path),
            Sniff::No,
            "{}",
            path.display()
        );
        if name != "docker_created.txt" {
            assert_eq!(
                sniffed("docker-created", &path),
                Sniff::No,
                "{}",
                path.display()
            );
        }
    }
    println!("declined {looked_at} files of other kinds");
    assert!(looked_at > 700);
}

fn incidents(name: &str) -> Vec<PathBuf> {
    let Some(root) = corpora() else {
        return Vec::new();
    };
    let all = files(&root.join("../incidents"));
    all.into_iter()
        .filter(|path| path.ends_with(name))
        .collect()
}

fn field<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| &value[*name])
}

/// The address that docker's own fields or the environment of a container of its network namespace give.
fn address(all: &[Value], one: &Value) -> Option<String> {
    let mode = field(one, &["HostConfig", "NetworkMode"])
        .as_str()
        .unwrap_or_default();
    let owner = mode.strip_prefix("container:").or(one["Id"].as_str());
    let in_namespace = |other: &&Value| {
        let mode = field(other, &["HostConfig", "NetworkMode"])
            .as_str()
            .unwrap_or_default();
        other["Id"].as_str() == owner || mode.strip_prefix("container:") == owner
    };
    let host = all
        .iter()
        .filter(in_namespace)
        .any(|other| field(other, &["HostConfig", "NetworkMode"]) == "host");
    if host {
        return None;
    }
    let own = field(one, &["NetworkSettings", "IPAddress"]).as_str();
    let from_environment = || {
        all.iter().filter(in_namespace).find_map(|other| {
            let environment = field(other, &["Config", "Env"]).as_array()?;
            let variable = environment
                .iter()
                .find_map(|one| one.as_str()?.strip_prefix("POD_IP="));
            variable.map(str::to_owned)
        })
    };
    own.filter(|ip| !ip.is_empty())
        .map(str::to_owned)
        .or_else(from_environment)
}

#[test]
fn containers_of_the_incidents() {
    for path in incidents("docker_inspect.json") {
        assert_eq!(sniffed("docker-inspect", &path), Sniff::Sure);
        let text = fs::read_to_string(&path).expect("a readable file");
        let all: Vec<Value> = serde_json::from_str(&text).expect("valid JSON");
        let recorder = read("docker-inspect", &path);
        assert_eq!(recorder.counts.used, all.len() as u64);
        assert_eq!((recorder.counts.skipped, recorder.warnings.len()), (0, 0));
        let of = |action: &str| {
            let events = recorder
                .events
                .iter()
                .filter(move |event| event.action == action);
            events.collect::<Vec<_>>()
        };
        let listed = of("container-listed");
        let created = of("container-created");
        let mut differing = 0;
        for (index, one) in all.iter().enumerate() {
            let name = one["Name"].as_str().map(|name| &name[1..]);
            let pod = field(one, &["Config", "Labels", "io.kubernetes.pod.name"]).as_str();
            let image = field(one, &["Config", "Image"]).as_str();
            let row = listed[index];
            let same = row.container.as_deref() == name
                && row.pod.as_deref() == pod
                && row.image.as_deref() == image
                && row.src_ip.as_deref() == address(&all, one).as_deref()
                && created[index].when.map(|when| when.ts)
                    == one["Created"]
                        .as_str()
                        .and_then(coldcase_model::Timestamp::parse_rfc3339);
            let line = row
                .line
                .and_then(|line| usize::try_from(line).ok())
                .unwrap_or_default();
            let begins = text.lines().nth(line - 1).map(str::trim) == Some("{")
                && text
                    .lines()
                    .nth(line)
                    .is_some_and(|line| line.contains(one["Id"].as_str().unwrap_or("?")));
            if !(same && begins) {
                println!("{row:?}");
                differing += 1;
            }
        }
        let count = |name: &str| {
            let at = |one: &&Value| {
                !field(one, &["State", name])
                    .as_str()
                    .unwrap_or("0001")
                    .starts_with("0001")
            };
            all.iter().filter(at).count()
        };
        assert_eq!(of("container-started").len(), count("StartedAt"));
        assert_eq!(of("container-exited").len(), count("FinishedAt"));
        let addressed = listed.iter().filter(|row| row.src_ip.is_some()).count();
        println!(
            "{}: expected {} got {} ({addressed} with address) differing {differing}",
            path.display(),
            all.len(),
            listed.len()
        );
        assert_eq!(differing, 0);
    }
}

#[test]
fn images_of_the_incidents() {
    for path in incidents("docker_image_inspect.json") {
        assert_eq!(sniffed("docker-inspect", &path), Sniff::Sure);
        let text = fs::read_to_string(&path).expect("a readable file");
        let all: Vec<Value> = serde_json::from_str(&text).expect("valid JSON");
        let recorder = read("docker-inspect", &path);
        let mut differing = 0;
        for (one, event) in all.iter().zip(&recorder.events) {
            let created = one["Created"]
                .as_str()
                .and_then(coldcase_model::Timestamp::parse_rfc3339);
            let tag = field(one, &["RepoTags"])[0]
                .as_str()
                .or(field(one, &["RepoDigests"])[0].as_str());
            let same = event.when.map(|when| when.ts) == created
                && event.image.as_deref() == tag.or(one["Id"].as_str());
            differing += usize::from(!same);
        }
        println!(
            "{}: expected {} got {} differing {differing}",
            path.display(),
            all.len(),
            recorder.events.len()
        );
        assert_eq!((recorder.events.len(), differing), (all.len(), 0));
        assert_eq!(
            (recorder.counts.used, recorder.counts.skipped),
            (all.len() as u64, 0)
        );
    }
}

/// The lines agree with the inspect output beside them.
#[test]
fn created_lines_of_the_incidents() {
    for path in incidents("docker_created.txt") {
        assert_eq!(sniffed("docker-created", &path), Sniff::Sure);
        let lines = read("docker-created", &path);
        let inspect = read(
            "docker-inspect",
            &path.with_file_name("docker_inspect.json"),
        );
        let rows = |recorder: &Recorder| {
            let created = recorder
                .events
                .iter()
                .filter(|event| event.action == "container-created");
            let mut rows: Vec<_> = created
                .map(|event| {
                    let at = event.when.map(|when| when.ts);
                    (
                        at,
                        event.container.clone(),
                        event.pod.clone(),
                        event.namespace.clone(),
                    )
                })
                .collect();
            rows.sort();
            rows
        };
        println!(
            "{}: expected {} got {}",
            path.display(),
            inspect.counts.used,
            lines.counts.used
        );
        assert_eq!(rows(&lines), rows(&inspect));
        assert_eq!(lines.counts.skipped, 0);
    }
}
