//! Formats whose evidence looks alike, together: a fuzz target each, so that what it learns serves all of them.

use coldcase_ingest::formats;

use crate::invariants;

/// A family: its fuzz target's name, and the ids of its formats.
pub type Family = (&'static str, &'static [&'static str]);

/// Every registered format is in one of these.
pub const FAMILIES: [Family; 10] = [
    ("captures", &["pcap"]),
    ("audit", &["auditd"]),
    (
        "logs",
        &[
            "authlog",
            "dmesg",
            "journal-export",
            "journal-verbose",
            "container-log",
            "app-log",
            "suricata-fast",
            "rkhunter",
            "chkrootkit",
            "script",
        ],
    ),
    ("journal", &["journal"]),
    (
        "logins",
        &["utmp", "lastlog", "last", "lastlog-text", "who"],
    ),
    (
        "json",
        &[
            "docker-inspect",
            "kubectl-pods",
            "kubectl-nodes",
            "kubectl-events",
            "kubectl-services",
            "kubectl-jobs",
            "k8s-audit",
            "journal-json",
            "prometheus",
            "zeek",
            "suricata-eve",
            "alert-json",
            "daemon-json",
            "cni-lease",
        ],
    ),
    (
        "tables",
        &[
            "ps",
            "top",
            "ss",
            "netstat",
            "lsof",
            "docker-ps",
            "docker-images",
            "docker-events",
            "docker-info",
            "docker-created",
            "virsh-list",
            "systemctl-list",
            "proc-listing",
            "proc-net",
            "metrics-text",
        ],
    ),
    (
        "network-texts",
        &[
            "tcpdump-text",
            "iptables",
            "nft",
            "tc",
            "conntrack",
            "ip-link",
            "ip-neigh-route",
            "iftop",
            "hosts-file",
            "resolv-conf",
        ],
    ),
    (
        "dns-logs",
        &["coredns", "dnsmasq", "named", "unbound", "systemd-resolved"],
    ),
    (
        "files",
        &[
            "mtime-listing",
            "hash-list",
            "crontab",
            "unit-file",
            "shell-history",
            "passwd",
            "shadow",
            "group",
            "sudoers",
            "authorized-keys",
            "known-hosts",
            "ld-preload",
            "dpkg-log",
            "apt-history",
            "yum-log",
            "dnf-log",
            "pacman-log",
            "rpm-list",
            "package-list",
            "package-verify",
            "sshd-config",
            "host-info",
        ],
    ),
];

/// Holds one format of a family to its invariants; the first byte chooses which.
pub fn check(family: &str, data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let members = FAMILIES.iter().find(|(name, _)| *name == family);
    let Some((_, ids)) = members else {
        return;
    };
    let id = ids.get(usize::from(*choice) % ids.len().max(1));
    if let Some(format) = id.and_then(|id| formats::by_id(id)) {
        invariants::check(format, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_in_one_family() {
        let mut grouped: Vec<&str> = FAMILIES
            .iter()
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        let mut registered: Vec<&str> = formats::ALL.iter().map(|format| format.id).collect();
        grouped.sort_unstable();
        registered.sort_unstable();
        assert_eq!(grouped, registered);
    }
}
