//! Pods that the audit log of Kubernetes saw created, from what their specification allows them.

use coldcase_model::outcome;
use coldcase_timeline::Selection;
use serde_json::Value;

use super::gather::{Container, Request, attributes, texts};

/// What makes pods.
const MAKERS: &[&str] = &[
    "pods",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "replicationcontrollers",
];
/// Who only does what somebody else asked for: controllers and nodes repeat a template.
const REPEATERS: &[&str] = &[
    "system:serviceaccount:kube-system:",
    "system:node:",
    "system:kube-",
    "system:apiserver",
];

/// Takes a request for a pod, or for what makes pods.
pub(super) fn tell(rows: &Selection, row: usize, containers: &mut Vec<Container>) {
    let told = attributes(rows, row);
    let word = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    let user = rows.text("user", row).unwrap_or_default();
    let repeated = REPEATERS.iter().any(|repeater| user.starts_with(repeater));
    let creates = word("verb") == "create"
        && MAKERS.contains(&word("resource"))
        && told.get("subresource").is_none();
    let refused = rows.text("outcome", row) == Some(outcome::FAILURE);
    let Some(asked) = told
        .get("request")
        .filter(|_| creates && !repeated && !refused)
    else {
        return;
    };
    let own = |name: &str| rows.text(name, row).map(str::to_owned);
    let name = own("pod").or_else(|| told.get("name").and_then(Value::as_str).map(str::to_owned));
    let Some(name) = name else { return };
    let at = rows.long("ts_ns", row);
    let mut container = Container {
        host: rows.text("host", row).unwrap_or_default().to_owned(),
        pod: Some(format!(
            "{}/{name}",
            rows.text("namespace", row).unwrap_or("default")
        )),
        image: own("image"),
        command: texts(asked, "commands").into_iter().next(),
        created: at.map(|at| (at, at)),
        capabilities: texts(asked, "capabilities").into_iter().collect(),
        creators: vec![Request {
            from: own("src_ip"),
            user: own("user"),
            at,
            row,
        }],
        rows: vec![row],
        ..Container::default()
    };
    container.allowed(asked);
    // Where a specification mounts a path is in another part of it; what matters is that it may.
    container.mounts.extend(
        texts(asked, "host_paths")
            .into_iter()
            .map(|path| format!("{path}:")),
    );
    for (flag, namespace) in [
        ("host_pid", "pid"),
        ("host_ipc", "ipc"),
        ("host_network", "network"),
    ] {
        if asked.get(flag).and_then(Value::as_bool) == Some(true) {
            container.host_namespaces.insert(namespace);
        }
    }
    containers.push(container);
}
