//! What the values of an alert are: addresses, names, digests, files; which of them it calls bad, and which it saw.

use std::borrow::Cow;
use std::net::IpAddr;

use coldcase_model::{canonical_domain, canonical_ip};

use super::leaves::Leaf;

/// Most kept of each list.
const MOST: usize = 64;

/// Words of a path that is about the alerted host and its agent, not about what was found.
const OWN_HOST: [&str; 18] = [
    "host", "hosts", "hostname", "agent", "device", "endpoint", "machine", "computer", "node",
    "asset", "sensor", "manager", "observer", "instance", "local", "private", "gateway", "cluster",
];

/// Words of a path that leads to the product's own pages.
const LINKS: [&str; 18] = [
    "reference",
    "references",
    "link",
    "links",
    "generator",
    "runbook",
    "dashboard",
    "documentation",
    "docs",
    "help",
    "schema",
    "permalink",
    "console",
    "portal",
    "external",
    "mitre",
    "remediation",
    "panel",
];

/// Endings of names that only an inner resolver knows.
const INNER_ZONES: [&str; 9] = [
    "local",
    "internal",
    "lan",
    "localdomain",
    "corp",
    "home",
    "intranet",
    "arpa",
    "localhost",
];

/// Words of members that hold names of the DNS.
const NAMES: [&str; 20] = [
    "domain",
    "domains",
    "fqdn",
    "query",
    "rrname",
    "qname",
    "sni",
    "dns",
    "hostname",
    "host",
    "name",
    "value",
    "indicator",
    "ioc",
    "question",
    "target",
    "request",
    "rhost",
    "destination",
    "dest",
];

/// Words of a path within which a `name` or `value` is one of the DNS.
const ABOUT_DNS: [&str; 10] = [
    "domain",
    "domains",
    "dns",
    "query",
    "question",
    "indicator",
    "indicators",
    "ioc",
    "iocs",
    "threat",
];

/// A value with its kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub kind: &'static str,
    pub value: String,
    pub path: String,
}

/// What an alert names.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub indicators: Vec<Fact>,
    pub observed: Vec<Fact>,
}

impl Facts {
    /// Of all values.
    pub fn of(leaves: &[Leaf<'_>]) -> Self {
        let mut facts = Self::default();
        for leaf in leaves {
            facts.take(leaf);
        }
        facts
    }

    fn put(&mut self, is_bad: bool, kind: &'static str, value: &str, leaf: &Leaf<'_>) {
        let list = match is_bad {
            true => &mut self.indicators,
            false => &mut self.observed,
        };
        let known = list
            .iter()
            .any(|fact| fact.kind == kind && fact.value == value);
        if !known && list.len() < MOST {
            list.push(Fact {
                kind,
                value: value.to_owned(),
                path: leaf.path.clone(),
            });
        }
    }

    fn take(&mut self, leaf: &Leaf<'_>) {
        let Some(text) = leaf.text().filter(|text| text.len() <= 4_096) else {
            return;
        };
        if leaf.within(&LINKS) {
            return;
        }
        // The host that a request names is what was asked for, not who asked.
        let asked = [
            "remote",
            "malicious",
            "http",
            "url",
            "dns",
            "tls",
            "request",
            "question",
            "query",
        ];
        let own_host = leaf.within(&OWN_HOST) && !leaf.within(&asked);
        if let Some(found) = digests(text, leaf) {
            for (kind, digest) in found {
                self.put(!leaf.within(&["parent", "rule"]), kind, &digest, leaf);
            }
            return;
        }
        if text.contains("://") && !text.contains(char::is_whitespace) {
            return self.url(text, own_host, leaf);
        }
        let parts = text.split([',', ';']).map(str::trim);
        let mut any = false;
        for part in parts.take(MOST) {
            if let Some(address) = address(part).filter(|_| !leaf.named(&["version"])) {
                any = true;
                self.put(!own_host && is_public(&address), "ip", &address, leaf);
            }
        }
        if any {
            return;
        }
        if !self.name(text, own_host, leaf) {
            self.seen(text, own_host, leaf);
        }
    }

    /// A name of the DNS, where the member is called so; whether it was one.
    fn name(&mut self, text: &str, own_host: bool, leaf: &Leaf<'_>) -> bool {
        if !leaf.named(&NAMES) {
            return false;
        }
        let Some(name) = domain(text) else {
            return false;
        };
        let generic = leaf.named(&["name", "value", "request"]);
        if generic && !leaf.within(&ABOUT_DNS) {
            return false;
        }
        self.put(!own_host && !is_inner(&name), "domain", &name, leaf);
        true
    }

    /// An address of the web, and the name or address in it.
    fn url(&mut self, text: &str, own_host: bool, leaf: &Leaf<'_>) {
        let is_bad = !own_host;
        self.put(is_bad, "url", text, leaf);
        let Some(host) = host_of(text) else {
            return;
        };
        if let Some(address) = address(host) {
            self.put(is_bad && is_public(&address), "ip", &address, leaf);
        } else if let Some(name) = domain(host) {
            self.put(is_bad && !is_inner(&name), "domain", &name, leaf);
        }
    }

    /// What is no indicator by itself: accounts, processes, commands; files that the alert is about.
    fn seen(&mut self, text: &str, own_host: bool, leaf: &Leaf<'_>) {
        let key = leaf.key();
        if own_host && leaf.named(&["name", "hostname", "host"]) && !text.contains(' ') {
            return self.put(false, "host", text, leaf);
        }
        if leaf.named(&["cmdline", "cmd", "commandline", "command"]) {
            return self.put(false, "command", text, leaf);
        }
        let is_path = text.starts_with('/') || text.get(1..3) == Some(":\\");
        let process = leaf.within(&[
            "process",
            "proc",
            "parent",
            "exe",
            "executable",
            "image",
            "comm",
        ]);
        if is_path
            && !process
            && leaf.within(&["file", "files", "path", "filepath", "filename", "syscheck"])
        {
            let bad = leaf.within(&[
                "file",
                "files",
                "filepath",
                "filename",
                "malware",
                "threat",
                "quarantine",
            ]);
            return self.put(bad && !own_host, "path", text, leaf);
        }
        if leaf.within(&["user", "username", "account", "srcuser", "dstuser", "euser"])
            && (leaf.named(&["user", "username", "name", "account", "srcuser", "dstuser"]))
        {
            return self.put(false, "user", text, leaf);
        }
        let of_process = matches!(
            key.as_str(),
            "process"
                | "process_name"
                | "process_path"
                | "proc_name"
                | "proc_exe"
                | "proc_exepath"
                | "exe"
                | "executable"
                | "comm"
                | "name"
                | "path"
                | "image"
        );
        if process && of_process && !leaf.within(&["container", "repository", "rule"]) {
            self.put(false, "process", text, leaf);
        }
    }
}

/// Digests by the name of the member or the text's own (`MD5=..,SHA256=..`, `sha256:..`).
fn digests(text: &str, leaf: &Leaf<'_>) -> Option<Vec<(&'static str, String)>> {
    let hinted = leaf.within(&[
        "hash", "hashes", "sha256", "sha1", "md5", "sha", "digest", "checksum", "sha512",
    ]) || leaf.words.iter().any(|word| {
        word.starts_with("sha256") || word.starts_with("md5") || word.starts_with("sha1")
    });
    let listed = leaf.within(&["indicator", "indicators", "ioc", "iocs"]);
    let prefixed = text.contains('=') && text.contains("SHA") || text.contains("MD5=");
    if !hinted && !listed && !prefixed {
        return None;
    }
    let found: Vec<_> = text
        .split([',', ' ', ';'])
        .take(MOST)
        .filter_map(|part| {
            let bare = part.rsplit(['=', ':']).next().unwrap_or(part);
            let hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
            let kind = match bare.len() {
                32 => "md5",
                40 => "sha1",
                64 => "sha256",
                128 => "sha512",
                _ => return None,
            };
            hex.then(|| (kind, bare.to_ascii_lowercase()))
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// An address, also with a port behind it.
pub(super) fn address(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['.', ':']) || text.len() > 64 {
        return None;
    }
    if let Some(address) = canonical_ip(text) {
        return Some(address);
    }
    let (address, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    canonical_ip(address)
}

/// Whether an address is of the public internet; those of documentation networks count as such.
pub(super) fn is_public(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || shared)
        }
        Ok(IpAddr::V6(v6)) => {
            let first = v6.segments().first().copied().unwrap_or(0);
            let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || local)
        }
        Err(_) => false,
    }
}

/// A name of the DNS: labels, the last of them letters (or an IDN's), none empty. Defanged dots are put right.
pub(super) fn domain(text: &str) -> Option<String> {
    let plain = text.replace("[.]", ".");
    let name = canonical_domain(&plain).into_owned();
    if name.len() > 253 || !name.contains('.') {
        return None;
    }
    let last = name.rsplit('.').next()?;
    let known = last.len() >= 2
        && (last.starts_with("xn--") || last.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let labels = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    });
    (known && labels).then_some(name)
}

fn is_inner(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    INNER_ZONES.contains(&last)
}

/// The host of a URL without user and port.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let host = authority.rsplit('@').next()?;
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next();
    }
    host.split(':').next().filter(|host| !host.is_empty())
}
