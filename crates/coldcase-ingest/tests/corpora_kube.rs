//! k8s-audit over a public sample and the truth beside it; the formats of clusters over all other real files and
//! those of the incidents, of which none is theirs.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::fs;

use coldcase_ingest::{Clock, Format, Sniff, formats};
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{attributes, ingest, sniff};

fn format(id: &str) -> &'static Format {
    formats::by_id(id).expect("registered")
}

const AUDIT_LOG: &str = "crowdsec-hub/k8s-audit-pod-exec-file/k8s-audit-pod-exec-file.log";

/// Cells asserted by the truth, by the name that it gives them; the rest of its lines are about the other tool.
const CELLS: [(&str, &str); 5] = [
    ("namespace", "foo"),
    ("resource_name", "test-pod-1"),
    ("source_ip", "192.168.49.1"),
    ("timestamp", "2023-05-17T15:08:22.76396Z"),
    ("user", "minikube-user"),
];

#[test]
fn audit_events_read_as_their_truth_says() {
    let Some(root) = corpora() else { return };
    let path = root.join(AUDIT_LOG);
    let bytes = fs::read(&path).expect("a readable file");
    let truth = fs::read_to_string(path.with_file_name("scenario.assert")).expect("a truth");
    assert_eq!(sniff(format("k8s-audit"), "a.txt", &bytes), Sniff::Sure);
    let recorder = ingest(format("k8s-audit"), "a.txt", &bytes, &Clock::UNKNOWN);
    let [event] = recorder.events.as_slice() else {
        panic!("one event, not {}", recorder.events.len());
    };
    let attributes = attributes(event);
    let ts = event.when.map(|when| when.ts.nanos());
    let mut differing = 0;
    for (name, value) in CELLS {
        assert!(
            truth.contains(&format!("GetMeta(\"{name}\") == \"{value}\"")),
            "{name}"
        );
        let same = match name {
            "namespace" => event.namespace.as_deref() == Some(value),
            "resource_name" => event.pod.as_deref() == Some(value) && attributes["name"] == value,
            "source_ip" => event.src_ip.as_deref() == Some(value),
            "user" => event.user.as_deref() == Some(value),
            _ => ts == coldcase_model::Timestamp::parse_rfc3339(value).map(|ts| ts.nanos()),
        };
        differing += usize::from(!same);
    }
    println!("source expected got differing");
    println!(
        "{AUDIT_LOG} {} {} {differing}",
        CELLS.len(),
        CELLS.len() - differing
    );
    assert_eq!(
        (differing, recorder.counts.used, recorder.counts.skipped),
        (0, 1, 0)
    );
    assert_eq!(event.command.as_deref(), Some("/bin/bash"));
    assert_eq!(event.container.as_deref(), Some("centos"));
    assert_eq!(event.outcome, Some("success"));
    assert_eq!(attributes["subresource"], "exec");
    assert_eq!(attributes["status_code"], 101);
}

#[test]
fn other_files_are_declined() {
    const IDS: [&str; 5] = [
        "k8s-audit",
        "kubectl-events",
        "kubectl-services",
        "kubectl-jobs",
        "cni-lease",
    ];
    let Some(root) = corpora() else { return };
    let mut looked_at = 0;
    for path in files(&root)
        .into_iter()
        .chain(files(&root.join("../incidents")))
    {
        let bytes = fs::read(&path).expect("a readable file");
        for id in IDS {
            let sniffed = sniff(format(id), &path.to_string_lossy(), &bytes);
            let mine = id == "k8s-audit" && path.ends_with(AUDIT_LOG);
            assert_eq!(sniffed > Sniff::No, mine, "{id} {}", path.display());
        }
        looked_at += 1;
    }
    println!("looked at {looked_at} files");
    assert!(looked_at > 700);
}
