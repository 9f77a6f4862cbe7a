//! # known-hosts: hosts that an account has met
//!
//! `~/.ssh/known_hosts`, `/etc/ssh/ssh_known_hosts`, and `ssh-keyscan`: one `key-listed` a line, at the moment of collection. Where the names are
//! not hashed, it tells where somebody went from here.
//!
//! ```text
//! web.example,192.0.2.7 ssh-ed25519 AAAAC3Nza...
//! [git.example]:2222 ssh-rsa AAAAB3Nza...
//! |1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM= ssh-rsa AAAAB3Nza...
//! @revoked * ssh-rsa AAAAB3Nza...
//! ```
//!
//! Recognised by lines of hosts, a type of key and base64, with or without a marker in front.
//!
//! Cells: `user` whose file it is (from the path or a heading), `path`; `domain` the first name and `dst_ip` the first address (`dst_port` where a
//! port stands with it) that are not hashed; `attributes`: `type`, `fingerprint`, `comment`, `hosts` (list, as written), `marker`.
//!
//! Limits: hashed names are not tried. A file has no times: when hosts were met is not in it.
//!
//! Source: sshd(8) SSH_KNOWN_HOSTS FILE FORMAT, ssh-keyscan(1).

use coldcase_model::{Attributes, Event, Sink, action, canonical_domain, canonical_ip};

use super::key_file::KeyFile;
use super::public_key::{self, PublicKey};
use crate::formats::collected_text::{each_line, frame, is_lost, sample, shown};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "known-hosts",
    title: "hosts that ssh has met: known_hosts, ssh-keyscan",
    source: include_str!("known_hosts.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most hosts told of one line.
const MOST_HOSTS: usize = 64;

struct Entry<'a> {
    marker: Option<&'a str>,
    hosts: &'a str,
    key: PublicKey<'a>,
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let (mut word, mut rest) = line.trim().split_once([' ', '\t'])?;
    let mut marker = None;
    if matches!(word, "@cert-authority" | "@revoked") {
        marker = Some(word);
        (word, rest) = rest.trim_start().split_once([' ', '\t'])?;
    }
    let is_host = |c: char| c.is_alphanumeric() || "._-:,[]*?!%".contains(c);
    let hashed = word.starts_with("|1|");
    let fits =
        hashed || (word.chars().all(is_host) && !public_key::is_type(word) && !is_option(word));
    let key = public_key::parse(rest).filter(|_| fits)?;
    Some(Entry {
        marker,
        hosts: word,
        key,
    })
}

/// Options of authorized_keys that could be a host's name.
fn is_option(word: &str) -> bool {
    word.split(',').all(|option| {
        let bare = option.strip_prefix("no-").unwrap_or(option);
        matches!(
            bare,
            "cert-authority"
                | "restrict"
                | "pty"
                | "agent-forwarding"
                | "port-forwarding"
                | "X11-forwarding"
                | "x11-forwarding"
                | "user-rc"
                | "touch-required"
                | "verify-required"
        )
    })
}

/// A host and its port: `[web]:2222`, `web`.
fn host_and_port(host: &str) -> (&str, Option<u16>) {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (
            host,
            port.strip_prefix(':').and_then(|port| port.parse().ok()),
        ),
        None => (host, None),
    }
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut keys, mut lines) = (0_usize, 0_usize);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(keys, lines - keys, sample.len() - index, 5) {
            return Sniff::No;
        }
        if line.trim_start().starts_with('#') || frame(line).is_some() {
            continue;
        }
        lines += 1;
        keys += usize::from(entry(line).is_some());
    }
    match keys {
        0 => Sniff::No,
        _ if keys * 2 < lines => Sniff::No,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let (mut file, clock) = (KeyFile::of(input), input.clock);
    each_line(input, sink, |line, sink| match entry(line.text.trim()) {
        Some(entry) => {
            if file.holds(&entry.key, line, sink) {
                emit(&entry, &file, clock, line.number, sink);
            }
        }
        None => file.skip(line, "not a host's key", sink),
    })?;
    Ok(None)
}

fn emit(entry: &Entry<'_>, file: &KeyFile<'_>, clock: &Clock, line: u64, sink: &mut dyn Sink) {
    let key = &entry.key;
    let hosts = || entry.hosts.split(',').take(MOST_HOSTS);
    let clear =
        || hosts().filter(|host| !host.starts_with(['|', '!']) && !host.contains(['*', '?']));
    let address = clear().find_map(|host| {
        let (host, port) = host_and_port(host);
        Some((canonical_ip(host)?, port))
    });
    let name = clear()
        .map(host_and_port)
        .find(|(host, _)| canonical_ip(host).is_none());
    let mut attributes = Attributes::new();
    attributes
        .text("type", key.kind)
        .text_if("fingerprint", key.fingerprint.as_deref())
        .text_if("comment", key.comment)
        .texts("hosts", hosts())
        .text_if("marker", entry.marker);
    let port = address.as_ref().and_then(|(_, port)| *port);
    let fingerprint = key.fingerprint.as_deref().unwrap_or("damaged");
    let shown_hosts = if entry.hosts.starts_with('|') {
        "hashed name"
    } else {
        entry.hosts
    };
    let message = format!("known host {shown_hosts}, key {} {fingerprint}", key.kind);
    sink.event(&Event {
        when: clock.collected(),
        user: file.user.as_deref().map(Into::into),
        path: Some(file.path.as_str().into()),
        dst_port: port.or(name.and_then(|(_, port)| port)),
        dst_ip: address.map(|(address, _)| address),
        domain: name.map(|(host, _)| canonical_domain(host)),
        attributes: attributes.finish().map(Into::into),
        message: Some(shown(&message)),
        line: Some(line),
        ..Event::new(action::KEY_LISTED)
    });
    sink.used(1);
}
