//! The configuration of the docker daemon, `/etc/docker/daemon.json` (`cat /etc/docker/daemon.json`).
//!
//! **Recognised** by a JSON object whose members are dockerd's options, two of them such as no other file has
//! (`insecure-registries`, `live-restore`, `data-root`, ...); one is enough in a file of that name.
//!
//! ```text
//! {
//!   "hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"],
//!   "insecure-registries": ["registry.example:5000"],
//!   "live-restore": true
//! }
//! ```
//!
//! **Rows**: one `engine-listed` at the moment of collection: `listen` (`hosts`), `tls` (whether what listens on TCP asks for
//! it: `tls` or `tlsverify`), `tls_verify`, `registries` (mirrors), `insecure_registries`, `storage_driver`, `root_dir`,
//! `default_runtime`, `runtimes` (list of `name=path`), `live_restore`, `labels`, `userns_remap`, `log_driver`, `iptables`, `icc`,
//! `authorization_plugins`, and `options`, the names of all that is set.
//!
//! **Damage**: comments and commas before a closing bracket, which dockerd itself refuses, are left out with a
//! warning; what a cut file leaves open is closed.
//!
//! **Limits**: what the unit's command line sets besides is not here. At most 1 MiB is read.
//!
//! Source: docker docs "dockerd", daemon configuration file; moby `daemon/config`.

use coldcase_model::{Place, Sink};
use serde_json::Value;

use super::engine::{Engine, push};
use crate::json::{flag, outline, parse, text, texts};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "daemon-json",
    title: "docker's daemon.json",
    source: include_str!("daemon_json.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most bytes read of such a file.
const MAX_BYTES: u64 = 1 << 20;

/// Options that no other file has.
const OWN: [&str; 33] = [
    "insecure-registries",
    "registry-mirrors",
    "live-restore",
    "default-runtime",
    "exec-opts",
    "storage-driver",
    "storage-opts",
    "data-root",
    "exec-root",
    "userland-proxy",
    "userns-remap",
    "default-address-pools",
    "log-driver",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "authorization-plugins",
    "default-ulimits",
    "cgroup-parent",
    "default-shm-size",
    "default-ipc-mode",
    "default-cgroupns-mode",
    "tlsverify",
    "tlscacert",
    "tlscert",
    "tlskey",
    "no-new-privileges",
    "ip-masq",
    "fixed-cidr",
    "oom-score-adjust",
    "cluster-store",
    "api-cors-header",
];

/// Options whose names others have too.
const SHARED: [&str; 42] = [
    "hosts",
    "tls",
    "debug",
    "log-level",
    "labels",
    "runtimes",
    "bip",
    "mtu",
    "ipv6",
    "iptables",
    "ip6tables",
    "ip",
    "ip-forward",
    "icc",
    "dns",
    "dns-opts",
    "dns-search",
    "bridge",
    "graph",
    "group",
    "experimental",
    "features",
    "builder",
    "containerd",
    "metrics-addr",
    "pidfile",
    "init",
    "init-path",
    "proxies",
    "http-proxy",
    "https-proxy",
    "no-proxy",
    "seccomp-profile",
    "selinux-enabled",
    "shutdown-timeout",
    "swarm-default-advertise-addr",
    "fixed-cidr-v6",
    "default-gateway",
    "default-gateway-v6",
    "raw-logs",
    "node-generic-resources",
    "containerd-namespace",
];

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() || !probe.complete {
        return Sniff::No;
    }
    let mended = mend(probe.head);
    let Some(outline) = outline(&mended.json) else {
        return Sniff::No;
    };
    let (own, shared) = (outline.count(&OWN), outline.count(&SHARED));
    let named = probe.file_name().contains("daemon.json") || probe.path.contains("daemon_json");
    match (own, shared) {
        (2.., _) => Sniff::Sure,
        (1, _) if named => Sniff::Sure,
        (1, 1..) => Sniff::Likely,
        (0, 1..) if named => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut bytes = Vec::new();
    let mut limited = std::io::Read::take(&mut input.reader, MAX_BYTES);
    let read = std::io::Read::read_to_end(&mut limited, &mut bytes);
    let mended = mend(&bytes);
    for line in 1..mended.line {
        sink.skip(Place::Line(line), "a line above the configuration");
    }
    let place = Place::Line(mended.line);
    if !mended.damage.is_empty() {
        sink.warn(place, format!("mended: {}", mended.damage.join(", ")));
    }
    match parse(&mended.json) {
        Ok(value) if value.is_object() => {
            sink.event(&configured(&value, mended.line).event(input.clock));
            sink.used(1);
        }
        Ok(_) => sink.skip(place, "no object"),
        Err(error) if !bytes.is_empty() => {
            sink.skip(place, "JSON that is not well-formed");
            sink.warn(place, format!("left out: {error}"));
        }
        Err(_) => {}
    }
    read?;
    Ok(None)
}

fn configured(value: &Value, line: u64) -> Engine {
    let mut engine = Engine::new("docker", line);
    for host in texts(value, &["hosts"]) {
        push(&mut engine.listen, host);
    }
    let tcp = engine.listen.iter().any(|host| host.starts_with("tcp://"));
    let verify = flag(value, &["tlsverify"]);
    let tls = verify.or(flag(value, &["tls"]));
    let asked = verify == Some(true) || flag(value, &["tls"]) == Some(true);
    engine.tls = tls.map(|_| asked).or(tcp.then_some(false));
    for mirror in texts(value, &["registry-mirrors"]) {
        push(&mut engine.registries, mirror);
    }
    for registry in texts(value, &["insecure-registries"]) {
        push(&mut engine.insecure_registries, registry);
    }
    for label in texts(value, &["labels"]) {
        push(&mut engine.labels, label);
    }
    for (name, option) in [
        ("storage_driver", "storage-driver"),
        ("root_dir", "data-root"),
        ("root_dir", "graph"),
        ("default_runtime", "default-runtime"),
        ("userns_remap", "userns-remap"),
        ("log_driver", "log-driver"),
    ] {
        engine.fact(name, text(value, &[option]));
    }
    let runtimes = value.get("runtimes").and_then(Value::as_object);
    let runtimes = runtimes.into_iter().flatten().map(|(name, runtime)| {
        let path = text(runtime, &["path"]);
        path.map_or(name.clone(), |path| format!("{name}={path}"))
    });
    engine.list("runtimes", runtimes);
    engine.list(
        "authorization_plugins",
        texts(value, &["authorization-plugins"]),
    );
    for (name, option) in [
        ("tls_verify", "tlsverify"),
        ("live_restore", "live-restore"),
        ("iptables", "iptables"),
        ("icc", "icc"),
        ("no_new_privileges", "no-new-privileges"),
    ] {
        engine.flag(name, flag(value, &[option]));
    }
    let options = value.as_object().into_iter().flatten();
    engine.list("options", options.map(|(name, _)| name));
    engine
}

/// A document made readable.
struct Mended {
    json: Vec<u8>,
    /// Line at which it begins.
    line: u64,
    /// What was done to it.
    damage: Vec<&'static str>,
}

/// Takes comments and trailing commas out, and closes what a cut file leaves open.
fn mend(bytes: &[u8]) -> Mended {
    let mut mended = Mended {
        json: Vec::with_capacity(bytes.len()),
        line: 1,
        damage: Vec::new(),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rest = bytes;
    loop {
        let end = memchr::memchr(b'\n', rest);
        let line = end.map_or(rest, |end| rest.get(..end).unwrap_or_default());
        if line.trim_ascii_start().starts_with(b"{") {
            break;
        }
        let Some(end) = end else {
            return mended;
        };
        rest = rest.get(end + 1..).unwrap_or_default();
        mended.line += 1;
    }
    let mut open: Vec<u8> = Vec::new();
    let mut at = 0;
    let mut comments = false;
    while let Some(byte) = rest.get(at).copied() {
        let is_line_comment = (byte == b'/' && rest.get(at + 1) == Some(&b'/')) || byte == b'#';
        if byte == b'"' {
            let end = end_of_string(rest, at + 1);
            mended
                .json
                .extend_from_slice(rest.get(at..end).unwrap_or_default());
            at = end;
            if rest.get(at - 1) != Some(&b'"') {
                mended.json.push(b'"');
            }
            continue;
        } else if is_line_comment {
            comments = true;
            let behind = rest.get(at..).unwrap_or_default();
            at += memchr::memchr(b'\n', behind).unwrap_or(behind.len());
            continue;
        } else if byte == b'/' && rest.get(at + 1) == Some(&b'*') {
            comments = true;
            let behind = rest.get(at..).unwrap_or_default();
            at += memchr::memmem::find(behind, b"*/").map_or(behind.len(), |end| end + 2);
            continue;
        }
        match byte {
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => {
                drop_comma(&mut mended);
                open.pop();
            }
            _ => {}
        }
        mended.json.push(byte);
        at += 1;
        if open.is_empty() {
            break;
        }
    }
    if comments {
        mended.damage.push("comments left out");
    }
    close(&mut mended, &open);
    mended
}

/// Past the quote that closes a text; the end where none does.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn drop_comma(mended: &mut Mended) {
    let length = mended.json.trim_ascii_end().len();
    if mended
        .json
        .get(..length)
        .is_some_and(|json| json.ends_with(b","))
    {
        mended.json.truncate(length - 1);
        if !mended.damage.contains(&"a comma too many left out") {
            mended.damage.push("a comma too many left out");
        }
    }
}

/// Closes the brackets of a cut document, without the member that the cut goes through.
fn close(mended: &mut Mended, open: &[u8]) {
    if open.is_empty() || mended.json.is_empty() {
        return;
    }
    mended.damage.push("the end is missing");
    let closers: Vec<u8> = open
        .iter()
        .rev()
        .map(|bracket| if *bracket == b'{' { b'}' } else { b']' })
        .collect();
    let whole = std::mem::take(&mut mended.json);
    // From the end back to a comma or bracket behind which the document can be closed.
    let mut end = whole.len();
    for _ in 0..8 {
        let kept = whole.get(..end).unwrap_or_default().trim_ascii_end();
        let kept = kept.strip_suffix(b",").unwrap_or(kept);
        let candidate = [kept, &closers].concat();
        if serde_json::from_slice::<Value>(&candidate).is_ok() {
            mended.json = candidate;
            return;
        }
        match kept
            .iter()
            .rposition(|byte| matches!(byte, b',' | b'{' | b'['))
        {
            Some(at) if matches!(kept.get(at), Some(b',')) => end = at,
            Some(at) => end = at + 1,
            None => break,
        }
        if end >= kept.len() {
            break;
        }
    }
    mended.json = whole;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_mended() {
        let check = |text: &str, expected: &str, line: u64| {
            let mended = mend(text.as_bytes());
            let value = parse(&mended.json).map(|value| value.to_string());
            assert_eq!(value.as_deref(), Ok(expected), "{text}");
            assert_eq!(mended.line, line, "{text}");
        };
        check("{\"a\":[1]}", "{\"a\":[1]}", 1);
        check(
            "$ cat x\n{ // c\n\"a\": \"//x\", /* b */\n# d\n}\n$ ls",
            "{\"a\":\"//x\"}",
            2,
        );
        check("{\"a\":[1,2,],}", "{\"a\":[1,2]}", 1);
        check("{\"a\":[\"x\",\"y", "{\"a\":[\"x\",\"y\"]}", 1);
        check("{\"a\":1,\"b\":", "{\"a\":1}", 1);
        check("{\"a\":1,\"b", "{\"a\":1}", 1);
    }
}
