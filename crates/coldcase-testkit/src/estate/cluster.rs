//! The cluster: tables of pods and nodes, privileged agents on every node, logs of containers.

use super::clock::Seconds;
use super::{Bundle, Scene};

/// One pod.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    pub(super) namespace: &'static str,
    pub(super) name: String,
    /// Number of its node.
    pub(super) node: usize,
    /// Its address; the node's own for those in the host's network.
    pub(super) address: String,
    ready: &'static str,
    status: &'static str,
    restarts: String,
    age: String,
}

const WORKLOADS: [(&str, &str); 8] = [
    ("shop", "cart"),
    ("shop", "checkout"),
    ("shop", "search"),
    ("data", "feature-store"),
    ("mail", "mailer"),
    ("mail", "spam-filter"),
    ("monitoring", "prometheus"),
    ("security", "av-gateway"),
];
const ON_EVERY_NODE: [&str; 5] = [
    "kube-proxy",
    "calico-node",
    "node-exporter",
    "fluent-bit",
    "csi-node",
];

/// All pods, by namespace and name.
pub(super) fn pods(scene: &Scene) -> Vec<Pod> {
    let mut dice = scene.dice("pods");
    let mut all = Vec::new();
    const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";
    for (index, (namespace, name)) in WORKLOADS.into_iter().enumerate() {
        let node = index % 2;
        let last = 10 + i64::try_from(index).unwrap_or(0);
        all.push(Pod {
            namespace,
            name: format!("{name}-{}-{}", dice.hex(10), dice.text(LETTERS, 5)),
            node,
            address: scene.names.pod(node, last),
            ready: "1/1",
            status: "Running",
            restarts: if index == 2 {
                "14 (3h ago)".to_owned()
            } else {
                "0".to_owned()
            },
            age: format!("{}d", dice.between(12, 200)),
        });
    }
    for (node, machine) in scene.names.nodes.iter().enumerate() {
        for name in ON_EVERY_NODE {
            all.push(Pod {
                namespace: "kube-system",
                name: format!("{name}-{}", dice.text(LETTERS, 5)),
                node,
                address: machine.address.clone(),
                ready: "1/1",
                status: "Running",
                restarts: "1 (40d ago)".to_owned(),
                age: "212d".to_owned(),
            });
        }
        all.push(Pod {
            namespace: "kube-system",
            name: format!("coredns-{}-{}", dice.hex(9), dice.text(LETTERS, 5)),
            node,
            address: scene.names.pod(node, 2),
            ready: "1/1",
            status: "Running",
            restarts: "0".to_owned(),
            age: "212d".to_owned(),
        });
        all.push(Pod {
            namespace: "batch",
            name: format!(
                "nightly-report-{}-{}",
                28_000_000 + node,
                dice.text(LETTERS, 5)
            ),
            node,
            address: scene.names.pod(node, 90),
            ready: "0/1",
            status: "Completed",
            restarts: "0".to_owned(),
            age: "14h".to_owned(),
        });
    }
    all.sort_by(|a, b| (a.namespace, &a.name).cmp(&(b.namespace, &b.name)));
    all
}

/// Writes the cluster's artifacts.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let pods = pods(scene);
    let Some(first) = scene.names.nodes.first() else {
        return;
    };
    bundle.add(&first.name, "kubectl_get_pods.txt", pod_table(scene, &pods));
    bundle.add(&first.name, "kubectl_get_nodes.txt", node_table(scene));
    for (number, node) in scene.names.nodes.iter().enumerate() {
        let checkout = pods
            .iter()
            .find(|pod| pod.node == number && pod.namespace == "shop");
        if let Some(pod) = checkout {
            let container = pod.name.split('-').next().unwrap_or_default();
            let path = format!(
                "var/log/pods/{}_{}_{}/{container}/0.log",
                pod.namespace,
                pod.name,
                uid(scene, &pod.name)
            );
            bundle.add(&node.name, &path, container_log(scene, &pod.name));
        }
    }
}

fn uid(scene: &Scene, part: &str) -> String {
    let hex = scene.dice(part).hex(32);
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

fn pod_table(scene: &Scene, pods: &[Pod]) -> String {
    let row = |cells: [&str; 10]| {
        let [a, b, c, d, e, f, g, h, i, j] = cells;
        format!("{a:<14}{b:<44}{c:<8}{d:<12}{e:<16}{f:<8}{g:<16}{h:<20}{i:<17}{j}\n")
    };
    let mut text = row([
        "NAMESPACE",
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED NODE",
        "READINESS GATES",
    ]);
    for pod in pods {
        let node = scene
            .names
            .nodes
            .get(pod.node)
            .map_or("<none>", |node| node.name.as_str());
        text.push_str(&row([
            pod.namespace,
            &pod.name,
            pod.ready,
            pod.status,
            &pod.restarts,
            &pod.age,
            &pod.address,
            node,
            "<none>",
            "<none>",
        ]));
    }
    text
}

fn node_table(scene: &Scene) -> String {
    let mut text = String::from(
        "NAME                STATUS   ROLES    AGE    VERSION    INTERNAL-IP      EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION      CONTAINER-RUNTIME\n",
    );
    for node in &scene.names.nodes {
        text.push_str(&format!(
            "{:<20}Ready    <none>   212d   v1.28.4    {:<17}<none>        Ubuntu 22.04.3 LTS   5.15.0-91-generic   containerd://1.7.8\n",
            node.name, node.address
        ));
    }
    text
}

fn container_log(scene: &Scene, part: &str) -> String {
    let mut dice = scene.dice(part);
    let mut text = String::new();
    let mut at: Seconds = scene.clock.collected() - 2 * 86_400;
    while at < scene.clock.collected() {
        let line = match dice.between(0, 6) {
            0 => "level=warn msg=\"slow query\" took=812ms".to_owned(),
            1 => "level=error msg=\"connection refused\" peer=10.96.14.2:6379 retry=2".to_owned(),
            _ => format!(
                "level=info msg=\"handled\" order={}",
                dice.between(1000, 9999)
            ),
        };
        let stamp = scene.clock.engine(at, dice.between(0, 999_999_999));
        text.push_str(&format!("{stamp} stdout F {line}\n"));
        at += dice.between(60, 400);
    }
    text
}
