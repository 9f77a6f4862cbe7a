//! What artifacts of other formats tell of their host beside their own matter: the name in syslog heads,
//! an offset from UTC in listings and logs, addresses of interfaces.

use std::collections::BTreeMap;

use coldcase_model::canonical_ip;

use super::line::offset_seconds;
use super::{Fact, Facts, zone_of_link};
use crate::Probe;
use crate::syslog::read_header;

/// Lines looked at.
const MOST_LINES: usize = 400;

/// Interfaces whose addresses are alike on every host, or not the host's own.
const SHARED_INTERFACES: [&str; 14] = [
    "lo",
    "docker",
    "br-",
    "virbr",
    "cni",
    "flannel",
    "cali",
    "veth",
    "kube-",
    "nodelocaldns",
    "podman",
    "lxc",
    "tun",
    "tap",
];

/// The facts of a host in the beginning of an artifact of this format.
pub fn clues(format: &str, probe: &Probe<'_>) -> Facts {
    let mut facts = Facts::default();
    match format {
        "host-info" => facts = super::facts(probe),
        "authlog" => {
            facts.name = syslog_name(probe);
            facts.offset_seconds = offset(probe);
        }
        "mtime-listing" => {
            facts.offset_seconds = offset(probe);
            facts.zone = lines(probe).find_map(|line| {
                let (_, target) = line.split_once("/etc/localtime -> ")?;
                zone_of_link(target.trim())
            });
        }
        "docker-info" => {
            let name =
                lines(probe).find_map(|line| line.trim().strip_prefix("Name: ").map(str::to_owned));
            facts.name = name.filter(|name| !name.contains(' '));
        }
        "ip-link" | "ip-addr" | "ifconfig" => {
            addresses(probe)
                .into_iter()
                .for_each(|ip| facts.add(Fact::Address(ip)));
        }
        _ => {}
    }
    facts
}

fn lines<'a>(probe: &Probe<'a>) -> impl Iterator<Item = std::borrow::Cow<'a, str>> {
    probe.lines().take(MOST_LINES).map(String::from_utf8_lossy)
}

/// The host that at least nine in ten heads name: a collector of many hosts' logs names none.
fn syslog_name(probe: &Probe<'_>) -> Option<String> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut heads = 0;
    for line in lines(probe) {
        let Some(host) = read_header(&line).and_then(|header| header.host) else {
            continue;
        };
        heads += 1;
        *names.entry(host.to_owned()).or_default() += 1;
    }
    let (name, count) = names.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 10 >= heads * 9 && name != "localhost" && canonical_ip(&name).is_none())
        .then_some(name)
}

/// The one offset that all stamps with an offset have: `+0800` behind a time.
fn offset(probe: &Probe<'_>) -> Option<i32> {
    let mut found = None;
    for line in lines(probe) {
        let Some(seconds) = offset_behind_time(&line) else {
            continue;
        };
        match found {
            None => found = Some(seconds),
            Some(before) if before != seconds => return None,
            Some(_) => {}
        }
    }
    found
}

/// `2023-03-29 00:00:04.123456789 +0800 `, `2023-03-29T00:00:04+08:00 `
fn offset_behind_time(line: &str) -> Option<i32> {
    let line = line.get(..line.floor_char_boundary(160)).unwrap_or(line);
    let is_time = |word: &str| {
        let clock = word
            .get(word.len().saturating_sub(8)..)
            .unwrap_or_default()
            .as_bytes();
        matches!(clock, [_, _, b':', _, _, b':', _, _])
    };
    let mut words = line.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.split_once('.').map_or(word, |(bare, _)| bare);
        let seconds = match word.rfind(['+', '-']).filter(|at| *at > 10) {
            Some(at) => {
                let (time, offset) = word.split_at(at);
                let time = time.split_once('.').map_or(time, |(time, _)| time);
                offset_seconds(offset).filter(|_| is_time(time))
            }
            None => words
                .peek()
                .and_then(|next| offset_seconds(next))
                .filter(|_| is_time(bare)),
        };
        if seconds.is_some() {
            return seconds;
        }
    }
    None
}

/// Addresses of a host's own interfaces, from `ip addr` and `ifconfig`.
fn addresses(probe: &Probe<'_>) -> Vec<String> {
    let mut interface = String::new();
    let mut found = Vec::new();
    for line in lines(probe) {
        if !line.starts_with([' ', '\t']) {
            let words = line.split([' ', ':']).filter(|word| !word.is_empty());
            let name = words
                .into_iter()
                .find(|word| word.contains(|c: char| c.is_ascii_alphabetic()));
            interface = name.unwrap_or_default().to_owned();
        }
        let is_shared = SHARED_INTERFACES
            .iter()
            .any(|start| interface.starts_with(start));
        let mut words = line.split_ascii_whitespace();
        if is_shared || !words.any(|word| matches!(word, "inet" | "inet6")) {
            continue;
        }
        let word = words.next().unwrap_or_default();
        let bare = word
            .strip_prefix("addr:")
            .unwrap_or(word)
            .split('/')
            .next()
            .unwrap_or_default();
        let own = canonical_ip(bare)
            .filter(|ip| !ip.starts_with("fe80:") && !ip.starts_with("127.") && ip != "::1");
        found.extend(own.map(std::borrow::Cow::into_owned));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, text: &str, expected: &str) {
        let probe = Probe::new("x", text.as_bytes(), true);
        assert_eq!(clues(format, &probe).sentence(), expected, "{text}");
    }

    #[test]
    fn other_artifacts_tell_of_their_host() {
        check(
            "authlog",
            "Mar  9 04:05:06 db-07 sshd[1]: x\nMar  9 04:05:07 db-07 CRON[2]: y\n",
            "host db-07",
        );
        check(
            "authlog",
            "Mar  9 04:05:06 a sshd[1]: x\nMar  9 04:05:07 b CRON[2]: y\n",
            "",
        );
        check(
            "authlog",
            "2023-03-09T04:05:06.123456+08:00 db-07 sshd[1]: x\n",
            "host db-07, offset +08:00",
        );
        let listing = "-rw-r--r-- 1 root root 70 2023-02-10 19:40:31.490948942 +0530 a\n-rw-r--r-- 1 root root 7 2023-02-11 19:40:31.490948942 +0530 b\n";
        check("mtime-listing", listing, "offset +05:30");
        check(
            "mtime-listing",
            "lrwxrwxrwx 1 root root 33 Mar  7  2022 /etc/localtime -> ../usr/share/zoneinfo/Asia/Shanghai\n",
            "zone Asia/Shanghai",
        );
        let addresses = "1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <UP> mtu 1500\n    inet 10.20.8.41/24 brd 10.20.8.255 scope global eth0\n    inet6 fe80::1/64 scope link\n3: docker0: <UP>\n    inet 172.17.0.1/16 scope global docker0\n";
        check("ip-link", addresses, "address 10.20.8.41");
    }
}
