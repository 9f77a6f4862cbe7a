//! kubectl-pods and kubectl-nodes over real tables and those of the incidents. The truth is the text itself, split
//! here at its blanks (no cell of these tables but the OS image holds one).

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{ingest, sniff};
use serde_json::Value;

fn format(id: &str) -> &'static Format {
    formats::by_id(id).expect("registered")
}

fn is_table(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let kubectl = name.starts_with("kubectl") || name.starts_with("get-");
    match () {
        () if kubectl && name.contains("pods") => Some("kubectl-pods"),
        () if kubectl && name.contains("nodes") => Some("kubectl-nodes"),
        () => None,
    }
}

/// Rows expected of each table.
const TABLES: [(&str, usize); 10] = [
    ("kube-rpi/get-nodes-wide.v1.19.txt", 3),
    ("kube-rpi/get-pods-A-wide.v1.19.txt", 12),
    ("dns-origin-benign/kubectl_get_nodes.txt", 8),
    ("dns-origin-benign/kubectl_get_pods.txt", 66),
    ("dns-origin-reused-ip/kubectl_get_nodes.txt", 8),
    ("dns-origin-reused-ip/kubectl_get_pods.txt", 66),
    ("dns-origin/kubectl_get_nodes.txt", 8),
    ("dns-origin/kubectl_get_pods.txt", 66),
    ("ssh-window-benign/k8s-node-14/kubectl_pods.txt", 63),
    ("ssh-window/k8s-node-14/kubectl_pods.txt", 88),
];

#[test]
fn tables_read_as_their_text_says() {
    let Some(root) = corpora() else { return };
    for (name, expected) in TABLES {
        let path = match name.starts_with("kube-rpi") {
            true => root.join(name),
            false => root.join("../incidents").join(name),
        };
        let id = is_table(&path).expect("named so");
        let text = fs::read_to_string(&path).expect("a readable file");
        assert_eq!(
            sniff(format(id), name, text.as_bytes()),
            Sniff::Sure,
            "{name}"
        );
        let recorder = ingest(format(id), name, text.as_bytes(), &Clock::UNKNOWN);
        let mut differing = 0;
        for (event, line) in recorder.events.iter().zip(text.lines().skip(1)) {
            let attributes: Value =
                serde_json::from_str(event.attributes.as_deref().unwrap_or("{}")).expect("JSON");
            let words: Vec<&str> = line.split_whitespace().collect();
            let cell = |name: &str| attributes[name].as_str().unwrap_or("<none>").to_owned();
            let ip = event.src_ip.as_deref().unwrap_or("<none>");
            let same = if id == "kubectl-pods" {
                let restarts = attributes["restarts"].to_string();
                let namespace = event.namespace.as_deref();
                let pod = event.pod.as_deref();
                namespace == Some(words[0])
                    && pod == Some(words[1])
                    && [cell("ready"), cell("status"), restarts]
                        .iter()
                        .eq(&words[2..5])
                    && [ip, &cell("node")].iter().eq(&words[6..8])
            } else {
                [cell("node"), cell("status"), cell("roles")]
                    .iter()
                    .eq(&words[..3])
                    && [&cell("version"), ip, &cell("external_ip")]
                        .iter()
                        .eq(&words[4..7])
                    && cell("container_runtime") == words[words.len() - 1]
                    && cell("kernel_version") == words[words.len() - 2]
                    && cell("os_image") == words[7..words.len() - 2].join(" ")
            };
            differing += usize::from(!same || attributes["age_seconds"].as_i64().is_none());
        }
        let got = recorder.events.len();
        println!("{name}: expected {expected} got {got} differing {differing}");
        assert_eq!((got, differing, recorder.counts.skipped), (expected, 0, 0));
        // The header is a line read like the rows.
        assert_eq!(recorder.counts.used, expected as u64 + 1);
    }
}

/// Every other file is something else.
#[test]
fn other_files_are_declined() {
    let Some(root) = corpora() else { return };
    let mut looked_at = 0;
    for path in files(&root)
        .into_iter()
        .chain(files(&root.join("../incidents")))
    {
        let mine = is_table(&path);
        let bytes = fs::read(&path).expect("a readable file");
        for id in ["kubectl-pods", "kubectl-nodes"] {
            let sniffed = sniff(format(id), &path.to_string_lossy(), &bytes);
            assert_eq!(
                sniffed > Sniff::No,
                mine == Some(id),
                "{id} {}",
                path.display()
            );
        }
        looked_at += 1;
    }
    println!("looked at {looked_at} files");
    assert!(looked_at > 700);
}
