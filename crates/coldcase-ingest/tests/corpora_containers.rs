//! The formats of container engines and of what containers wrote, over real files and those of the incidents. The truth
//! is what lies beside them (crowdsec's assertions, inspect output of the same host), the JSON itself, or the text
//! split here at its blanks.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use coldcase_ingest::Clock;
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, attributes, ingest_series, winner};
use serde_json::Value;

const MINE: [&str; 7] = [
    "container-log",
    "app-log",
    "docker-ps",
    "docker-images",
    "docker-events",
    "docker-info",
    "daemon-json",
];

/// Reads a file as the program does: with the format that wins, which must be this one.
fn read(path: &Path, id: &str) -> Recorder {
    let bytes = fs::read(path).expect("a readable file");
    let name = path.to_string_lossy().into_owned();
    let best = winner(&name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, id, "{name}");
    ingest_series(best, &[(&name, &bytes)], &Clock::UNKNOWN).remove(0)
}

fn nanos(text: &str) -> i64 {
    let at = chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339");
    at.timestamp_nanos_opt().expect("in range")
}

fn report(name: &str, expected: usize, recorder: &Recorder, differing: usize) {
    let got = recorder.events.len();
    println!("{name}: expected {expected} got {got} differing {differing}");
    assert_eq!((got, differing), (expected, 0), "{name}");
    assert_eq!(recorder.counts.skipped, 0, "{name}: {:?}", recorder.skips);
}

/// Cells of a table's rows, by header: split at two blanks; `empty` is the column that a row may lack.
fn split(text: &str, empty: &str) -> Vec<BTreeMap<String, String>> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        cells
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut lines = text.lines();
    let names = cells(lines.next().expect("a header"));
    let rows = lines.map(|line| {
        let cells = cells(line);
        let short = cells.len() < names.len();
        let names = names.iter().filter(|name| !short || *name != empty);
        names.cloned().zip(cells).collect()
    });
    rows.collect()
}

/// Tables of containers and how many rows they have.
const CONTAINERS: [(&str, usize); 9] = [
    ("insights-core/docker_list/DOCKER_LIST_CONTAINERS.txt", 2),
    ("insights-core/podman_list/PODMAN_LIST_CONTAINERS.txt", 2),
    ("insights-core/crictl_ps/CRICTL_PS.txt", 3),
    ("insights-core/crictl_ps/CRICTL_PS_EMPTY.txt", 0),
    (
        "insights-core/crictl_ps/CRICTL_PS_WITH_DIFFERENT_STATES.txt",
        4,
    ),
    ("../incidents/docker-miner/calc-srv-03/docker_ps_a.txt", 12),
    (
        "../incidents/docker-miner-benign/calc-srv-03/docker_ps_a.txt",
        9,
    ),
    ("../incidents/ssh-window/k8s-node-14/docker_ps_a.txt", 100),
    (
        "../incidents/ssh-window-benign/k8s-node-14/docker_ps_a.txt",
        49,
    ),
];

#[test]
fn tables_of_containers_read_as_their_text_says() {
    let Some(root) = corpora() else { return };
    for (name, expected) in CONTAINERS {
        let path = root.join(name);
        let recorder = read(&path, "docker-ps");
        let text = fs::read_to_string(&path).expect("a readable file");
        let truth = split(&text, "PORTS");
        let mut differing = 0;
        for (event, row) in recorder.events.iter().zip(&truth) {
            let cell = |names: &[&str]| names.iter().find_map(|name| row.get(*name)).cloned();
            let attributes = attributes(event);
            let text = |key: &str| attributes[key].as_str().map(str::to_owned);
            let command = cell(&["COMMAND"]).map(|command| command.trim_matches('"').to_owned());
            let ports = attributes["ports"].as_array().map(|ports| {
                let ports: Vec<_> = ports.iter().filter_map(Value::as_str).collect();
                ports.join(", ")
            });
            let status = cell(&["STATUS", "STATE"]);
            let exit_code = status.as_deref().and_then(|status| {
                let code = status.strip_prefix("Exited (")?.split(')').next()?;
                code.parse::<i64>().ok()
            });
            let same = text("id") == cell(&["CONTAINER ID", "CONTAINER"])
                && event.image.as_deref().map(str::to_owned) == cell(&["IMAGE"])
                && event.container.as_deref().map(str::to_owned) == cell(&["NAMES", "NAME"])
                && event.command.as_deref().map(str::to_owned) == command
                && text("created_text") == cell(&["CREATED"])
                && text("status") == status
                && ports == cell(&["PORTS"])
                && attributes["exit_code"].as_i64() == exit_code
                && attributes["age_seconds"].as_i64().is_some();
            differing += usize::from(!same);
        }
        report(name, expected, &recorder, differing);
        assert_eq!(truth.len(), expected, "{name}");
    }
}

/// The same containers as inspect output of the same host has them.
#[test]
fn tables_of_containers_agree_with_inspect() {
    let Some(root) = corpora() else { return };
    for (name, expected) in CONTAINERS {
        let Some(host) = name.strip_suffix("/docker_ps_a.txt") else {
            continue;
        };
        let recorder = read(&root.join(name), "docker-ps");
        let inspect = fs::read(root.join(host).join("docker_inspect.json")).expect("readable");
        let inspect: Vec<Value> = serde_json::from_slice(&inspect).expect("a list");
        let mut differing = 0;
        for event in &recorder.events {
            let attributes = attributes(event);
            let id = attributes["id"].as_str().expect("an id");
            let truth = inspect
                .iter()
                .find(|one| {
                    one["Id"]
                        .as_str()
                        .is_some_and(|whole| whole.starts_with(id))
                })
                .expect("inspected");
            let label = |name: &str| truth["Config"]["Labels"][name].as_str().map(str::to_owned);
            let exited = truth["State"]["Status"] == "exited";
            let code = truth["State"]["ExitCode"].as_i64().filter(|_| exited);
            let kubelet = label("io.kubernetes.container.name");
            let own = truth["Name"]
                .as_str()
                .map(|name| name.trim_start_matches('/'));
            let same = event.container.as_deref() == own
                && attributes["state"] == truth["State"]["Status"]
                && attributes["exit_code"].as_i64() == code
                && event.pod.as_deref().map(str::to_owned) == label("io.kubernetes.pod.name")
                && event.namespace.as_deref().map(str::to_owned)
                    == label("io.kubernetes.pod.namespace")
                && attributes["container_name"].as_str().map(str::to_owned) == kubelet
                && attributes["sandbox"].as_bool().unwrap_or(false)
                    == (kubelet.as_deref() == Some("POD"));
            differing += usize::from(!same);
        }
        report(name, expected, &recorder, differing);
    }
}

const IMAGES: [(&str, usize); 6] = [
    ("insights-core/docker_list/DOCKER_LIST_IMAGES.txt", 4),
    (
        "insights-core/docker_list/DOCKER_LIST_IMAGES_NO_DATA.txt",
        0,
    ),
    ("insights-core/podman_list/PODMAN_LIST_IMAGES.txt", 4),
    (
        "insights-core/podman_list/PODMAN_LIST_IMAGES_NO_DATA.txt",
        0,
    ),
    (
        "../incidents/docker-miner/calc-srv-03/docker_images.txt",
        12,
    ),
    (
        "../incidents/docker-miner-benign/calc-srv-03/docker_images.txt",
        9,
    ),
];

#[test]
fn tables_of_images_read_as_their_text_says() {
    let Some(root) = corpora() else { return };
    for (name, expected) in IMAGES {
        let path = root.join(name);
        let recorder = read(&path, "docker-images");
        let text = fs::read_to_string(&path).expect("a readable file");
        let mut differing = 0;
        for (event, row) in recorder.events.iter().zip(split(&text, "")) {
            let attributes = attributes(event);
            let image = match row["REPOSITORY"].as_str() {
                "<none>" => row["IMAGE ID"].clone(),
                repository => format!("{repository}:{}", row["TAG"]),
            };
            let size = row.get("SIZE").or(row.get("VIRTUAL SIZE")).expect("a size");
            let same = event.image.as_deref() == Some(&image)
                && attributes["id"] == row["IMAGE ID"].as_str()
                && attributes["created_text"] == row["CREATED"].as_str()
                && attributes["size_text"] == size.as_str()
                && attributes["age_seconds"].as_i64().is_some();
            differing += usize::from(!same);
        }
        report(name, expected, &recorder, differing);
    }
}

/// Files of docker's json-file driver: the truth is each line's JSON.
#[test]
fn json_file_logs_read_as_their_lines_say() {
    let Some(root) = corpora() else { return };
    let mut logs = vec![root.join("crowdsec-hub/docker-logs/docker-logs.log")];
    for case in ["ssh-window", "ssh-window-benign"] {
        let folder = root.join("../incidents").join(case);
        logs.extend(files(&folder.join("k8s-node-14/container_logs")));
    }
    let mut all = 0;
    for path in logs {
        let recorder = read(&path, "container-log");
        let text = fs::read_to_string(&path).expect("a readable file");
        let id = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let id = id.strip_suffix("-json.log").map(str::to_owned);
        let mut differing = 0;
        for (event, line) in recorder.events.iter().zip(text.lines()) {
            let truth: Value = serde_json::from_str(line).expect("JSON");
            let attributes = attributes(event);
            let when = event.when.expect("a time");
            let same = event.message.as_deref() == truth["log"].as_str().map(str::trim_end)
                && when.ts.0 == nanos(truth["time"].as_str().expect("a time"))
                && attributes["stream"] == truth["stream"]
                && attributes["container_id"].as_str().map(str::to_owned) == id;
            differing += usize::from(!same);
        }
        all += recorder.events.len();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        report(&name, text.lines().count(), &recorder, differing);
    }
    assert_eq!(all, 42_683);
}

/// Lines that other readers count alone and that are one record here: (file, lines, records, why).
const JOINED: [(&str, usize, usize, &str); 1] = [(
    "plaso/cri.log",
    17,
    16,
    "a line marked P goes on in the next line of its stream",
)];

#[test]
fn lines_of_runtimes_read_as_their_text_says() {
    let Some(root) = corpora() else { return };
    for name in [
        "plaso/cri.log",
        "crowdsec-hub/cri-logs/cri-logs.log",
        "insights-core/openshift_kube_log/OPENSHIFT_KUBE_LOG.txt",
        "insights-core/crictl_logs/CRICTL_LOGS.txt",
    ] {
        let path = root.join(name);
        let recorder = read(&path, "container-log");
        let text = fs::read_to_string(&path).expect("a readable file");
        let lines: Vec<&str> = text.lines().collect();
        let joined = JOINED.iter().find(|(file, ..)| *file == name);
        let mut differing = 0;
        for event in &recorder.events {
            let line = lines[usize::try_from(event.line.expect("a line")).expect("small") - 1];
            let (time, rest) = line.split_once(' ').expect("a time");
            let attributes = attributes(event);
            let (stream, message) = match name.contains("CRICTL_LOGS") {
                true => (None, rest),
                false => {
                    let (stream, rest) = rest.split_once(' ').expect("a stream");
                    (Some(stream), rest.split_once(' ').expect("a tag").1)
                }
            };
            let got = event.message.as_deref().expect("a message");
            let continues = joined.is_some() && event.line == Some(1);
            let same = (got == message || (continues && got.starts_with(message)))
                && event.when.expect("a time").ts.0 == nanos(time)
                && attributes["stream"].as_str() == stream;
            differing += usize::from(!same);
        }
        let expected = joined.map_or(lines.len(), |(_, _, records, _)| *records);
        report(name, expected, &recorder, differing);
        assert_eq!(recorder.counts.used, lines.len() as u64, "{name}");
    }
}

/// What crowdsec asserts of its two fixtures.
#[test]
fn wrapped_lines_read_as_crowdsec_asserts() {
    let Some(root) = corpora() else { return };
    for name in ["cri-logs", "docker-logs"] {
        let folder = root.join("crowdsec-hub").join(name);
        let mut recorder = read(&folder.join(format!("{name}.log")), "container-log");
        // A record whose end never came is put out last.
        recorder.events.sort_by_key(|event| event.line);
        let asserted = fs::read_to_string(folder.join("parser.assert")).expect("readable");
        let (mut expected, mut differing) = (0, 0);
        for line in asserted
            .lines()
            .filter(|line| line.contains("[\"s00-raw\"]"))
        {
            let Some((left, right)) = line.split_once(" == ") else {
                continue;
            };
            let Some(index) = left.split(&format!("{name}\"][")).nth(1) else {
                continue;
            };
            let Ok(index) = index.split(']').next().expect("an index").parse::<usize>() else {
                continue;
            };
            let event = &recorder.events[index];
            let truth: Value = serde_json::from_str(right).expect("a literal");
            let Some(truth) = truth.as_str() else {
                continue;
            };
            let attributes = attributes(event);
            let same = if left.ends_with("[\"message\"]") {
                event.message.as_deref() == Some(truth.trim_end()) && event.action == "http-request"
            } else if left.ends_with("[\"stream\"]") {
                attributes["stream"] == truth
            } else if left.ends_with("[\"cri_timestamp\"]") {
                event.when.expect("a time").ts.0 == nanos(truth)
            } else {
                continue;
            };
            expected += 1;
            differing += usize::from(!same);
        }
        println!("{name}: asserts {expected} differing {differing}");
        let asserts = if name == "cri-logs" { 9 } else { 3 };
        assert_eq!((expected, differing), (asserts, 0), "{name}");
    }
}

#[test]
fn an_error_log_reads_as_its_text_says() {
    let Some(root) = corpora() else { return };
    let path = root.join("loghub/Apache/Apache_2k.log");
    let recorder = read(&path, "app-log");
    let text = fs::read_to_string(&path).expect("a readable file");
    let mut differing = 0;
    for (event, line) in recorder.events.iter().zip(text.lines()) {
        let (stamp, rest) = line[1..].split_once("] [").expect("a stamp");
        let at = chrono::NaiveDateTime::parse_from_str(stamp, "%a %b %d %H:%M:%S %Y");
        let level = rest.split(']').next().expect("a level");
        let same = event.when.expect("a time").ts.seconds()
            == at.expect("a date").and_utc().timestamp()
            && attributes(event)["level"] == level
            && event.message.as_deref() == Some(line.trim_end());
        differing += usize::from(!same);
    }
    report("loghub/Apache", 2000, &recorder, differing);
}

#[test]
fn engines_read_as_they_describe_themselves() {
    let Some(root) = corpora() else { return };
    let path = root.join("telegraf/docker/info.json");
    let recorder = read(&path, "docker-info");
    let truth: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    let got = attributes(&recorder.events[0]);
    let differing = [
        ("version", "ServerVersion"),
        ("name", "Name"),
        ("os", "OperatingSystem"),
        ("kernel_version", "KernelVersion"),
        ("root_dir", "DockerRootDir"),
        ("storage_driver", "Driver"),
        ("containers", "Containers"),
        ("running", "ContainersRunning"),
        ("images", "Images"),
        ("live_restore", "LiveRestoreEnabled"),
    ]
    .iter()
    .filter(|(name, member)| got[*name] != truth[*member])
    .count();
    report("telegraf/docker/info.json", 1, &recorder, differing);
    assert_eq!(
        got["insecure_registries"],
        serde_json::json!(["127.0.0.0/8"])
    );

    for case in ["docker-miner", "docker-miner-benign"] {
        let name = format!("../incidents/{case}/calc-srv-03/docker_info.txt");
        let path = root.join(&name);
        let recorder = read(&path, "docker-info");
        let text = fs::read_to_string(&path).expect("readable");
        let got = attributes(&recorder.events[0]);
        let line = |key: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(key));
            found.map(str::trim).expect("a line").to_owned()
        };
        let at = line("WARNING: API is accessible on http://");
        let at = at.split(' ').next().expect("an address");
        let same = got["version"] == line("Server Version:")
            && got["name"] == line("Name:")
            && got["os"] == line("Operating System:")
            && got["kernel_version"] == line("Kernel Version:")
            && got["storage_driver"] == line("Storage Driver:")
            && got["root_dir"] == line("Docker Root Dir:")
            && got["containers"].as_i64() == line("Containers:").parse().ok()
            && got["images"].as_i64() == line("Images:").parse().ok()
            && got["insecure_registries"] == serde_json::json!(["registry.corp", "127.0.0.0/8"])
            && got["listen"] == serde_json::json!([format!("tcp://{at}")])
            && got["tls"] == false;
        report(&name, 1, &recorder, usize::from(!same));
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        assert_eq!(recorder.counts.used, lines.count() as u64);
    }
}

/// Every other file is something else; `app-log` takes what no other format knows.
#[test]
fn other_files_are_left_to_others() {
    let Some(root) = corpora() else { return };
    let mut all = files(&root);
    all.extend(files(&root.join("../incidents")));
    let mut won: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &all {
        let bytes = fs::read(path).expect("a readable file");
        let name = path.to_string_lossy().into_owned();
        let id = winner(&name, &bytes).map(|best| best.id);
        let id = id.filter(|id| MINE.contains(id) && *id != "app-log");
        if let Some(id) = id {
            *won.entry(id).or_default() += 1;
        }
    }
    println!("looked at {} files: {won:?}", all.len());
    assert!(all.len() > 700);
    let expected = [
        ("container-log", 13),
        ("docker-images", 6),
        ("docker-info", 3),
        ("docker-ps", 9),
    ];
    assert_eq!(won, BTreeMap::from(expected));
}
