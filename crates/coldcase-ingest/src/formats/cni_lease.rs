//! Which container holds which address, as the network plugins of a node keep it (CNI).
//!
//! **Collected from** `/var/lib/cni/networks/NETWORK/ADDRESS`: the plugin `host-local` keeps a file for each address
//! that is handed out; its name is the address, its text the container's (sandbox's) id and the interface. And from
//! `/var/lib/cni/results/` or `/var/lib/cni/cache/results/`, where the result of each call is kept as JSON, with the pod's name.
//!
//! ```text
//! networks/cbr0/10.244.3.10:  9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//!                             eth0
//! ```
//!
//! **Recognised** are leases by one line with an id (64 hex digits of docker and containerd, or shorter ones of other runtimes) and
//! at most one with an interface, in a file that is named by an address; results by `containerId`, `networkName` and `result`, or by `cniVersion` with `ips` or `ip4`.
//!
//! **Rows**: `network-listed` at the moment of collection: `src_ip`, `id` (container), `network` (the folder, or the result's
//! network), `interface`; of results also `pod`, `namespace`, `mac`, `gateways`. A lease outlives its container where
//! the plugin was not called at its end: a file's time of modification (in a listing) says when it was handed out.
//!
//! **Limits**: a lease of an unknown folder has no `network`. `last_reserved_ip.N` is not read: it names no container.
//!
//! Sources: containernetworking/plugins `ipam/host-local/backend/disk`, containernetworking/cni `libcni/api.go`.

use std::borrow::Cow;
use std::io::Read;

use coldcase_model::{Attributes, Event, Place, Sink, action, canonical_ip};
use serde_json::Value;

use crate::json::{Elements, Piece, get, outline, parse, text};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "cni-lease",
    title: "addresses of containers as CNI plugins keep them",
    source: include_str!("cni_lease.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Longest lease: an id and an interface.
const MAX_LEASE: usize = 256;

/// What a file of `host-local` says.
struct Lease<'a> {
    address: Cow<'a, str>,
    network: Option<&'a str>,
    id: &'a str,
    interface: Option<&'a str>,
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    if is_result(probe.head) {
        return Sniff::Sure;
    }
    let text = std::str::from_utf8(probe.head).ok();
    match text.and_then(|text| lease(probe.path, text)) {
        Some(lease) if probe.complete && lease.interface.is_some() => Sniff::Sure,
        Some(_) if probe.complete => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn is_result(head: &[u8]) -> bool {
    outline(head).is_some_and(|outline| {
        let cached = outline.count(&["containerId", "networkName", "ifName"]) == 3;
        let bare = outline.has("cniVersion") && !outline.has("plugins") && !outline.has("type");
        let addressed = outline.has("ips") || outline.has("ip4") || outline.has("ip6");
        cached && outline.has("result") || bare && addressed
    })
}

/// The lease of a file of this name with this text.
fn lease<'a>(path: &'a str, text: &'a str) -> Option<Lease<'a>> {
    if text.len() > MAX_LEASE {
        return None;
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let address = canonical_ip(name.strip_suffix(".txt").unwrap_or(name))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let id = lines.next()?;
    let interface = lines.next();
    let is_id = id.len() >= 12
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && id.bytes().any(|byte| byte.is_ascii_digit())
        && canonical_ip(id).is_none();
    let is_interface = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
        name.len() <= 15 && name.bytes().all(plain)
    };
    let fits = is_id && interface.is_none_or(is_interface) && lines.next().is_none();
    let mut folders = folder.rsplit('/');
    let network = folders
        .next()
        .filter(|name| !name.is_empty() && *name != "networks");
    fits.then_some(Lease {
        address,
        network: network.filter(|_| folders.next() == Some("networks")),
        id,
        interface,
    })
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut head = Vec::new();
    let reader = &mut input.reader;
    reader.take(64 << 10).read_to_end(&mut head)?;
    if is_result(&head) {
        return read_results(head.as_slice().chain(reader), input.path, input.clock, sink);
    }
    let content = String::from_utf8_lossy(&head);
    match lease(input.path, &content) {
        Some(lease) => {
            emit_lease(&lease, input.clock, sink);
            sink.used(1);
        }
        None if content.trim().is_empty() => {
            sink.warn(
                Place::Whole,
                "an empty lease: no container holds it".to_owned(),
            );
        }
        None => {
            sink.skip(Place::Line(1), "not a lease of an address");
            sink.warn(Place::Whole, "not a lease of an address".to_owned());
        }
    }
    Ok(None)
}

fn emit_lease(lease: &Lease<'_>, clock: &Clock, sink: &mut dyn Sink) {
    let mut attributes = Attributes::new();
    attributes
        .text_if("network", lease.network)
        .text("driver", "host-local")
        .text("id", lease.id)
        .text_if("interface", lease.interface);
    let short = lease.id.get(..12).unwrap_or(lease.id);
    let mut event = Event::new(action::NETWORK_LISTED);
    event.when = clock.collected();
    event.src_ip = Some(lease.address.clone());
    event.message = Some(format!("{} is held by container {short}", lease.address).into());
    event.line = Some(1);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

fn read_results(
    reader: impl Read,
    path: &str,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> Result<Option<Leftover>, IngestError> {
    let mut elements = Elements::new(reader);
    while let Some(piece) = elements.next_piece() {
        match piece {
            Piece::Element { line, bytes } => match parse(bytes) {
                Ok(value) if is_told(&value) => {
                    emit_result(line, &value, path, clock, sink);
                    sink.used(1);
                }
                Ok(_) => sink.skip(Place::Line(line), "an object that is no result of a plugin"),
                Err(error) => {
                    sink.skip(Place::Line(line), "a JSON element that is not well-formed");
                    sink.warn(Place::Line(line), error);
                }
            },
            Piece::EmptyList { line } | Piece::Text { line, .. } => {
                sink.skip(Place::Line(line), "no result of a plugin");
            }
            Piece::Damaged { line, damage } => {
                sink.skip(Place::Line(line), damage.as_str());
                sink.warn(Place::Line(line), damage.as_str().to_owned());
            }
        }
    }
    match elements.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

fn is_told(value: &Value) -> bool {
    ["result", "ips", "ip4", "ip6"]
        .iter()
        .any(|name| get(value, &[name]).is_some())
}

/// Network, container and interface of a result's file name: `NETWORK-ID-INTERFACE`.
fn names_of_file(path: &str) -> Option<(&str, &str, &str)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (rest, interface) = name.rsplit_once('-')?;
    let (network, id) = rest.rsplit_once('-')?;
    let hex = id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then_some((network, id, interface))
}

/// The row of a result. Before libcni 0.8 the file holds the result alone, and its name says whose it is.
fn emit_result(line: u64, value: &Value, path: &str, clock: &Clock, sink: &mut dyn Sink) {
    const MOST: usize = 16;
    let result = get(value, &["result"]).unwrap_or(value);
    let named = names_of_file(path);
    let list = |name: &str| {
        let listed = get(result, &[name]).and_then(Value::as_array);
        listed.into_iter().flatten().take(MOST)
    };
    // Versions before 0.3 have `ip4` and `ip6` instead of the list.
    let old = ["ip4", "ip6"]
        .into_iter()
        .filter_map(|name| get(result, &[name]).and_then(|one| text(one, &["ip"])));
    let new = list("ips").filter_map(|one| text(one, &["address"]));
    let bare = |address: &str| {
        let bare = address.split('/').next().unwrap_or(address);
        canonical_ip(bare).map(Cow::into_owned)
    };
    let addresses: Vec<String> = new.chain(old).filter_map(bare).take(MOST).collect();
    let gateways: Vec<&str> = list("ips")
        .filter_map(|one| text(one, &["gateway"]))
        .collect();
    // The container's own end of the cable stands in its network namespace.
    let inside = |one: &&Value| text(one, &["sandbox"]).is_some();
    let mac = list("interfaces")
        .filter(inside)
        .find_map(|one| text(one, &["mac"]));
    let of_call = |name: &str| {
        let arguments = get(value, &["cniArgs"]).and_then(Value::as_array);
        let mut pairs = arguments.into_iter().flatten().filter_map(Value::as_array);
        let pair = pairs.find(|pair| pair.first().and_then(Value::as_str) == Some(name))?;
        pair.get(1)
            .and_then(Value::as_str)
            .filter(|value| !value.is_empty())
    };
    let id = text(value, &["containerId"]).or(named.map(|(_, id, _)| id));
    let network = text(value, &["networkName"]).or(named.map(|(network, ..)| network));
    let interface = text(value, &["ifName"]).or(named.map(|(.., interface)| interface));
    let mut attributes = Attributes::new();
    attributes
        .text_if("network", network)
        .text_if("id", id)
        .text_if("interface", interface)
        .text_if("mac", mac)
        .text_if("pod_uid", of_call("K8S_POD_UID"));
    if !gateways.is_empty() {
        attributes.texts("gateways", gateways);
    }
    if addresses.len() > 1 {
        attributes.texts("addresses", &addresses);
    }
    let mut event = Event::new(action::NETWORK_LISTED);
    event.when = clock.collected();
    event.pod = of_call("K8S_POD_NAME").map(Cow::Borrowed);
    event.namespace = of_call("K8S_POD_NAMESPACE").map(Cow::Borrowed);
    let holder = match (&event.pod, id) {
        (Some(pod), _) => format!("pod {}/{pod}", event.namespace.as_deref().unwrap_or("?")),
        (None, Some(id)) => format!("container {}", id.get(..12).unwrap_or(id)),
        _ => "a container".to_owned(),
    };
    let address = addresses.into_iter().next();
    event.message = Some(
        format!(
            "{} is held by {holder}",
            address.as_deref().unwrap_or("no address")
        )
        .into(),
    );
    event.src_ip = address.map(Cow::Owned);
    event.line = Some(line);
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_by_name_and_text() {
        const ID: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let check =
            |path: &str, text: &str, expected: Option<(&str, Option<&str>, Option<&str>)>| {
                let lease = lease(path, text);
                let got = lease
                    .as_ref()
                    .map(|lease| (&*lease.address, lease.network, lease.interface));
                assert_eq!(got, expected, "{path}");
            };
        let both = format!("{ID}\r\neth0");
        check(
            "n/var/lib/cni/networks/cbr0/10.244.3.10",
            &both,
            Some(("10.244.3.10", Some("cbr0"), Some("eth0"))),
        );
        check("10.244.3.10", ID, Some(("10.244.3.10", None, None)));
        check(
            "networks/x/fd00::10",
            &format!("{ID}\neth0\n"),
            Some(("fd00::10", Some("x"), Some("eth0"))),
        );
        check("networks/cbr0/last_reserved_ip.0", "10.244.3.10", None);
        check("networks/cbr0/10.244.3.10", "10.244.3.10", None);
        check("networks/cbr0/lock", "", None);
        check("10.0.0.1", "uptime is long", None);
        check("10.0.0.1", &format!("{ID}\neth0\nmore\n"), None);
    }
}
