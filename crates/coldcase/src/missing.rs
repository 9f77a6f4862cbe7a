//! What was not collected and would have helped: told by what was.

use std::collections::BTreeSet;

use coldcase_ingest::{Zone, ZoneSource};
use serde::Serialize;

use crate::InputRecord;

/// Something that is not in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Missing {
    /// The host it is missing of; null: of the case.
    pub host: Option<String>,
    /// Artifacts, with the commands that make them.
    pub what: &'static str,
    /// What they would have told.
    pub would_tell: &'static str,
}

/// One line for a person.
pub(crate) fn sentence(host: Option<&str>, what: &str, would_tell: &str) -> String {
    let of = host.map(|host| format!(" of {host}")).unwrap_or_default();
    format!("{what}{of}: {would_tell}")
}

/// What would help a host or the case that has any of `beside` and none of `formats`.
struct Wanted {
    of_host: bool,
    beside: &'static [&'static str],
    formats: &'static [&'static str],
    what: &'static str,
    would_tell: &'static str,
}

const WANTED: [Wanted; 10] = [
    Wanted {
        of_host: true,
        beside: &["utmp", "last", "auditd"],
        formats: &["authlog", "journal", "journal-export", "journal-json"],
        what: "auth.log or secure with its rotations, or the journal",
        would_tell: "failed logins, the method and key of each, what sudo ran",
    },
    Wanted {
        of_host: true,
        beside: &["authlog", "journal", "journal-export", "journal-json"],
        formats: &["utmp", "last", "journal", "auditd"],
        what: "wtmp and btmp",
        would_tell: "a second record of each login, with a zone of its own and the logout",
    },
    Wanted {
        of_host: true,
        beside: &["authlog", "docker-inspect", "docker-ps", "pcap"],
        formats: &["auditd"],
        what: "audit.log with its rotations",
        would_tell: "which process connected or was executed",
    },
    Wanted {
        of_host: true,
        beside: &["docker-ps", "docker-images", "docker-info"],
        formats: &["docker-inspect", "docker-created"],
        what: "docker inspect of all containers, exited ones too (docker ps -aq)",
        would_tell: "exact times, mounts, addresses and exit codes of containers",
    },
    Wanted {
        of_host: true,
        beside: &["docker-inspect", "docker-ps", "docker-created"],
        formats: &["container-log"],
        what: "the containers' logs (/var/lib/docker/containers/*/*-json.log, /var/log/pods)",
        would_tell: "what a container did at which time",
    },
    Wanted {
        of_host: true,
        beside: &["pcap", "ss", "netstat"],
        formats: &["ps", "top"],
        what: "ps auxww",
        would_tell: "whether a process owns the traffic",
    },
    Wanted {
        of_host: true,
        beside: &["pcap", "ps", "top"],
        formats: &["ss", "netstat", "lsof", "proc-net"],
        what: "ss -antup",
        would_tell: "which process owns which connection, and which have no owner",
    },
    Wanted {
        of_host: false,
        beside: &["coredns", "dnsmasq", "named", "unbound", "tcpdump-text"],
        formats: &["kubectl-pods", "docker-inspect"],
        what: "kubectl get pods -A -o wide and docker inspect from the time of the queries",
        would_tell: "which pod or container had the address that asked",
    },
    Wanted {
        of_host: false,
        beside: &["coredns"],
        formats: &["pcap", "tcpdump-text"],
        what: "a capture of port 53 on the nodes",
        would_tell: "who asked where CoreDNS logs only a forwarder",
    },
    Wanted {
        of_host: false,
        beside: &["kubectl-pods", "kubectl-events"],
        formats: &["k8s-audit"],
        what: "the audit log of kube-apiserver",
        would_tell: "who created or entered a pod",
    },
];

/// What would have helped, in order of host.
pub(crate) fn missing(inputs: &[InputRecord], zone: Zone) -> Vec<Missing> {
    let hosts: BTreeSet<Option<&str>> = inputs.iter().map(|input| input.host.as_deref()).collect();
    let formats_of = |host: Option<Option<&str>>| -> BTreeSet<&str> {
        let of_host = inputs
            .iter()
            .filter(|input| host.is_none_or(|host| input.host.as_deref() == host));
        of_host.filter_map(|input| input.format).collect()
    };
    let mut missing = Vec::new();
    let mut look = |of_host: bool, host: Option<&str>, there: &BTreeSet<&str>| {
        for wanted in WANTED.iter().filter(|wanted| wanted.of_host == of_host) {
            let has = |any: &[&str]| any.iter().any(|format| there.contains(format));
            if has(wanted.beside) && !has(wanted.formats) {
                missing.push(Missing {
                    host: host.map(str::to_owned),
                    what: wanted.what,
                    would_tell: wanted.would_tell,
                });
            }
        }
    };
    look(false, None, &formats_of(None));
    for host in hosts.into_iter().flatten() {
        look(true, Some(host), &formats_of(Some(Some(host))));
    }
    if zone.source == ZoneSource::Nothing {
        missing.push(Missing {
            host: None,
            what: "the hosts' zone (timedatectl, /etc/localtime, or timezone in case.toml)",
            would_tell: "what local times mean: UTC was assumed",
        });
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_tells_what_is_not() {
        let check = |formats: &[&'static str], expected: &[&str]| {
            let inputs: Vec<InputRecord> =
                formats.iter().map(|id| InputRecord::of("h", id)).collect();
            let zone = Zone {
                source: ZoneSource::CaseFile,
                ..Zone::UNKNOWN
            };
            let got: Vec<&str> = missing(&inputs, zone).iter().map(|one| one.what).collect();
            let named = |what: &&str| got.iter().any(|one| one.contains(*what));
            assert!(expected.iter().all(named), "{formats:?}: {got:?}");
            assert_eq!(got.len(), expected.len(), "{formats:?}: {got:?}");
        };
        check(&["authlog"], &["wtmp", "audit.log"]);
        check(&["authlog", "utmp", "auditd"], &[]);
        check(
            &["docker-ps", "auditd"],
            &["docker inspect", "logs", "auth.log"],
        );
        check(&[], &[]);
    }
}
