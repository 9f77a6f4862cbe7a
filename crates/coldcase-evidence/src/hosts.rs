//! Which host an artifact is from: `case.toml` says so, else its top folder, else the bundle is one host.

use std::collections::BTreeSet;

use crate::{Artifact, Bundle, HostSpec, archive};

/// Folders that are parts of one host's collection, not hosts of their own.
const PARTS_OF_A_HOST: [&str; 34] = [
    "[root]",
    "audit",
    "bodyfile",
    "boot",
    "captures",
    "chkrootkit",
    "container_logs",
    "containers",
    "coredns",
    "docker",
    "etc",
    "hash_executables",
    "home",
    "journal",
    "kubectl",
    "live_response",
    "log",
    "logs",
    "network",
    "opt",
    "pcap",
    "pods",
    "proc",
    "prometheus",
    "root",
    "run",
    "sos_commands",
    "sos_logs",
    "srv",
    "sys",
    "system",
    "tmp",
    "usr",
    "var",
];

/// Beginnings of the names that collectors give to a host's collection: what follows is not a host's name alone.
const COLLECTIONS: [&str; 3] = ["uac-", "sosreport-", "sos-collector-"];

impl Bundle {
    /// The host that an artifact is from. `recognised` are the top folders of its bundle that hold recognised
    /// artifacts.
    pub fn host_of<'a>(
        &'a self,
        artifact: &'a Artifact,
        recognised: &BTreeSet<String>,
    ) -> Option<&'a str> {
        let case = self.cases.get(artifact.bundle)?;
        if !case.hosts.is_empty() {
            return self.host_spec(artifact).map(|spec| spec.name.as_str());
        }
        let inside = self.inside(artifact);
        let top = inside.split_once('/').map(|(top, _)| top);
        let is_host = |top: &str| {
            let bare = archive::bare_name(top).to_ascii_lowercase();
            recognised.contains(top) && !PARTS_OF_A_HOST.contains(&bare.as_str())
        };
        match top {
            Some(top) if is_host(top) => {
                let start = artifact.path.len() - inside.len();
                artifact
                    .path
                    .get(start..start + archive::bare_name(top).len())
            }
            _ if recognised.iter().any(|top| is_host(top)) => None,
            _ => self.names.get(artifact.bundle).map(String::as_str),
        }
    }

    /// The `[[host]]` that an artifact's path lies below; the longest path wins.
    pub fn host_spec(&self, artifact: &Artifact) -> Option<&HostSpec> {
        let inside = self.inside(artifact);
        let below = |path: &str| {
            path.is_empty()
                || inside
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let hosts = &self.cases.get(artifact.bundle)?.hosts;
        hosts
            .iter()
            .filter(|host| below(&host.path))
            .max_by_key(|host| host.path.len())
    }

    /// Whether this host's name is only that of its collection or of the bundle, and what the evidence says of it
    /// counts more.
    pub fn is_collection_name(&self, name: &str) -> bool {
        let hosts = || self.cases.iter().flat_map(|case| &case.hosts);
        hosts().all(|host| host.name != name)
            && (self.names.iter().any(|bundle| bundle == name)
                || COLLECTIONS.iter().any(|start| name.starts_with(start)))
    }
}
