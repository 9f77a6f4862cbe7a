//! Whether a text is syslog: most of its lines begin with a stamp, a host and a program.

use crate::syslog::{Header, read_header};
use crate::{Probe, Sniff};

/// Lines looked at.
const LINES: usize = 64;

/// Words that stand behind the stamp in the logs of single programs, where syslog has the host.
const NO_HOSTS: [&str; 14] = [
    "INFO", "WARN", "WARNING", "ERROR", "DEBUG", "TRACE", "FATAL", "CRITICAL", "NOTICE", "stdout",
    "stderr", "IP", "IP6", "ARP",
];

/// Programs whose records are in syslog files only: of a log that they fill no other format can be.
const OWN: [&str; 24] = [
    "sshd",
    "sshd-session",
    "sudo",
    "su",
    "login",
    "CRON",
    "CROND",
    "crond",
    "cron",
    "anacron",
    "systemd",
    "systemd-logind",
    "rsyslogd",
    "dbus-daemon",
    "polkitd",
    "chronyd",
    "ntpd",
    "dhclient",
    "NetworkManager",
    "kubelet",
    "dockerd",
    "containerd",
    "useradd",
    "passwd",
];

/// What stands in records that other formats read out of such files: audit records, JSON, these programs' names.
const OTHERS: [&str; 8] = [
    "audit(",
    "{\"",
    "named",
    "dnsmasq",
    "unbound",
    "systemd-resolve",
    "suricata",
    "coredns",
];

/// At least half of the lines; less than that is another log with syslog lines in it. Audit records that
/// came by way of syslog are left to their own format.
pub fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut lines, mut heads, mut audit, mut own) = (0, 0, 0, 0);
    for line in probe.lines().take(LINES) {
        let start = line.iter().take_while(|byte| **byte == 0).count();
        let line = line.get(start..).unwrap_or_default();
        if line.is_empty() || line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        lines += 1;
        let text = String::from_utf8_lossy(line);
        let Some(header) = read_header(&text).filter(is_syslog) else {
            continue;
        };
        heads += 1;
        audit += usize::from(header.tagged.contains("msg=audit("));
        own += usize::from(header.program.is_some_and(|program| OWN.contains(&program)));
    }
    match () {
        () if heads == 0 || heads * 2 < lines => Sniff::No,
        () if audit * 2 > heads => Sniff::Weak,
        () if heads == lines && audit == 0 && own * 2 > heads && !has_others(probe.head) => {
            Sniff::Sure
        }
        () => Sniff::Likely,
    }
}

fn has_others(head: &[u8]) -> bool {
    let mut others = OTHERS.iter();
    others.any(|other| memchr::memmem::find(head, other.as_bytes()).is_some())
}

fn is_syslog(header: &Header<'_>) -> bool {
    let host = header.host.is_none_or(|host| !NO_HOSTS.contains(&host));
    let named = header.program.is_some_and(|program| {
        let mut bytes = program.bytes();
        bytes.any(|byte| byte.is_ascii_alphabetic())
    });
    host && named
}
