//! # authorized-keys: who may log in with a key
//!
//! `~/.ssh/authorized_keys`, `authorized_keys2`, public keys (`id_ed25519.pub`, hosts' keys), and `ssh-keygen -l`: one `key-listed` a
//! key, at the moment of collection.
//!
//! ```text
//! from="192.0.2.0/24",command="/usr/bin/backup" ssh-ed25519 AAAAC3Nza... backup@web
//! cert-authority ssh-rsa AAAAB3Nza... ca
//! 256 SHA256:... alice@web (ED25519)
//! ```
//!
//! Recognised by lines that hold a type of key and base64 after it, with or without options in front.
//!
//! Cells: `user` from the path (`/root/`, `/home/x/`, `root_authorized_keys`, a heading `==> /home/x/.ssh/authorized_keys <==`), `path` on the
//! host where the bundle kept it, `command` the forced one; `attributes`: `type`, `fingerprint` (`SHA256:…`, as sshd logs it), `comment`,
//! `options` (list), `command`. Types: rsa, dss, ecdsa, ed25519, those of security keys (`sk-`), certificates.
//!
//! A key whose base64 is damaged has no fingerprint, and a warning says so; cut at the end of the file it is skipped.
//! Limits: keys of protocol 1 are not read. The comment is anyone's text: it proves nothing of who holds the key.
//!
//! Source: sshd(8) AUTHORIZED_KEYS FILE FORMAT, ssh-keygen(1), RFC 4253 section 6.6.

use coldcase_model::{Attributes, Event, Sink, action};

use super::key_file::KeyFile;
use super::public_key::{self, PublicKey};
use crate::formats::collected_text::{each_line, frame, is_lost, sample, shown};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "authorized-keys",
    title: "keys that may log in: authorized_keys, public keys, ssh-keygen -l",
    source: include_str!("authorized_keys.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most options told of one key.
const MOST_OPTIONS: usize = 64;

/// A key with what stands before it.
struct Entry<'a> {
    options: Vec<&'a str>,
    key: PublicKey<'a>,
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let line = line.trim();
    if let Some(key) = public_key::parse(line) {
        return Some(Entry {
            options: Vec::new(),
            key,
        });
    }
    if let Some(key) = listed(line) {
        return Some(Entry {
            options: Vec::new(),
            key,
        });
    }
    let end = options_end(line)?;
    let key = public_key::parse(line.get(end..)?)?;
    let list = line.get(..end)?;
    is_options(list).then(|| Entry {
        options: split_options(list),
        key,
    })
}

/// Where the first blank outside of quotes is.
fn options_end(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether a list is one of options: it begins with the name of one, or gives something a value, as hosts' names do not.
fn is_options(list: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let has_value = split_options(list).iter().any(|option| {
        option
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_word))
    });
    if has_value {
        return true;
    }
    let name = list
        .split(['=', ',', '"'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let bare = name.strip_prefix("no-").unwrap_or(&name);
    matches!(
        bare,
        "agent-forwarding"
            | "cert-authority"
            | "command"
            | "environment"
            | "expiry-time"
            | "from"
            | "port-forwarding"
            | "permitlisten"
            | "permitopen"
            | "principals"
            | "pty"
            | "touch-required"
            | "restrict"
            | "tunnel"
            | "user-rc"
            | "verify-required"
            | "x11-forwarding"
    )
}

/// Options parted by commas outside of quotes.
fn split_options(list: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == ',' && !quoted
    })
    .filter(|option| !option.is_empty())
    .take(MOST_OPTIONS)
    .collect()
}

/// The value of an option, without its quotes.
fn value(option: &str, name: &str) -> Option<String> {
    let (key, value) = option.split_once('=')?;
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    key.eq_ignore_ascii_case(name)
        .then(|| inner.replace("\\\"", "\""))
}

/// `256 SHA256:... comment (ED25519)` of `ssh-keygen -l`.
fn listed(line: &str) -> Option<PublicKey<'_>> {
    let (bits, rest) = line.split_once(' ')?;
    let (fingerprint, rest) = rest.split_once(' ')?;
    let (comment, kind) = rest.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    let fits = bits.parse::<u16>().is_ok()
        && fingerprint.starts_with("SHA256:")
        && fingerprint.len() == 50;
    let comment = Some(comment.trim()).filter(|comment| !comment.is_empty());
    fits.then(|| PublicKey {
        kind,
        fingerprint: Some(fingerprint.to_owned()),
        comment,
    })
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut keys, mut whole, mut lines) = (0_usize, 0_usize, 0_usize);
    let sample = sample(probe);
    for (index, line) in sample.iter().enumerate() {
        if is_lost(keys, lines - keys, sample.len() - index, 5) {
            return Sniff::No;
        }
        if line.trim_start().starts_with('#') || frame(line).is_some() {
            continue;
        }
        lines += 1;
        if let Some(entry) = entry(line) {
            keys += 1;
            whole += usize::from(entry.key.fingerprint.is_some());
        }
    }
    match (keys, whole) {
        (0, _) => Sniff::No,
        _ if keys * 2 < lines => Sniff::No,
        (_, 0) => Sniff::Likely,
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
        None => file.skip(line, "not a public key", sink),
    })?;
    Ok(None)
}

fn emit(entry: &Entry<'_>, file: &KeyFile<'_>, clock: &Clock, line: u64, sink: &mut dyn Sink) {
    let key = &entry.key;
    let forced = entry
        .options
        .iter()
        .find_map(|option| value(option, "command"));
    let mut attributes = Attributes::new();
    attributes
        .text("type", key.kind)
        .text_if("fingerprint", key.fingerprint.as_deref())
        .text_if("comment", key.comment);
    if !entry.options.is_empty() {
        attributes.texts("options", &entry.options);
    }
    attributes.text_if("command", forced.as_deref());
    let fingerprint = key.fingerprint.as_deref().unwrap_or("damaged");
    let of = key
        .comment
        .map(|comment| format!(" {comment}"))
        .unwrap_or_default();
    let message = format!("key {} {fingerprint}{of}", key.kind);
    sink.event(&Event {
        when: clock.collected(),
        user: file.user.as_deref().map(Into::into),
        path: Some(file.path.as_str().into()),
        command: forced.map(Into::into),
        attributes: attributes.finish().map(Into::into),
        message: Some(shown(&message)),
        line: Some(line),
        ..Event::new(action::KEY_LISTED)
    });
    sink.used(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let check = |line: &str, expected: Option<&[&str]>| {
            let got = entry(line).map(|entry| entry.options);
            assert_eq!(got.as_deref(), expected, "{line}");
        };
        check("ssh-rsa AAAA x", Some(&[]));
        check("restrict,pty ssh-rsa AAAA", Some(&["restrict", "pty"]));
        check(
            r#"command="echo \"a, b\"",from="10.0.0.1,10.0.0.2" ssh-rsa AAAA"#,
            Some(&[r#"command="echo \"a, b\"""#, r#"from="10.0.0.1,10.0.0.2""#]),
        );
        check("web.example ssh-rsa AAAA", None);
        check("echo ssh-rsa AAAA >> x", None);
        check(
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA",
            Some(&[]),
        );
    }
}
