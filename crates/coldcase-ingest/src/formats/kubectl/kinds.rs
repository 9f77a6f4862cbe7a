//! What objects are, by their members or by the name of their kind.

use super::table::Kind;
use crate::json::Outline;

/// What the first element of a JSON artifact is; `None` for objects that are not read.
pub fn kind_of(outline: &Outline<'_>) -> Option<Kind> {
    if !outline.has("metadata") || outline.has("verb") || outline.has("auditID") {
        return None;
    }
    let in_any = |names: &[(&str, &str)]| names.iter().any(|(a, b)| outline.has_in(a, b));
    let node = [
        ("status", "nodeInfo"),
        ("spec", "podCIDR"),
        ("status", "addresses"),
    ];
    let pod = [
        ("spec", "containers"),
        ("status", "containerStatuses"),
        ("status", "podIP"),
    ];
    let object = outline.has("involvedObject") || outline.has("regarding");
    let slice = outline.has("addressType") && outline.has("endpoints");
    if object && outline.has("reason") {
        Some(Kind::Events)
    } else if slice || outline.has("subsets") || outline.has_in("spec", "clusterIP") {
        Some(Kind::Services)
    } else if in_any(&[("spec", "jobTemplate"), ("spec", "template")]) {
        Some(Kind::Workloads)
    } else if in_any(&node) {
        Some(Kind::Nodes)
    } else if in_any(&pod) {
        Some(Kind::Pods)
    } else {
        None
    }
}

/// What objects of this kind are; `None` for those that are not read.
pub fn kind_of_name(name: &str) -> Option<Kind> {
    match name {
        "Pod" => Some(Kind::Pods),
        "Node" => Some(Kind::Nodes),
        "Event" => Some(Kind::Events),
        "Service" | "Endpoints" | "EndpointSlice" => Some(Kind::Services),
        "CronJob"
        | "Job"
        | "Deployment"
        | "DaemonSet"
        | "StatefulSet"
        | "ReplicaSet"
        | "ReplicationController" => Some(Kind::Workloads),
        _ => None,
    }
}
