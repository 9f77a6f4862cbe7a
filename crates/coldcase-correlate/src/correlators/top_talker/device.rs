//! What names tell: whether a metric is traffic, of which direction and unit, and which devices only
//! see again what another one carries.

/// Which way traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Out,
    In,
}

/// What a metric measures, by its words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meaning {
    /// Unknown where no word says it.
    pub direction: Option<Direction>,
    /// By how much to divide to get bytes.
    pub per_byte: f64,
    /// Whether a word names the unit, rather than it being taken for bytes.
    pub unit_told: bool,
    /// Whether words say that it is a rate already.
    pub is_rate: bool,
}

const OUT: &[&str] = &[
    "transmit",
    "transmitted",
    "tx",
    "out",
    "outbound",
    "egress",
    "sent",
    "send",
    "upload",
    "upstream",
    "uplink",
];
const IN: &[&str] = &[
    "receive",
    "received",
    "rx",
    "in",
    "inbound",
    "ingress",
    "recv",
    "download",
    "downstream",
    "downlink",
];
const TRAFFIC: &[&str] = &[
    "network",
    "net",
    "nic",
    "interface",
    "if",
    "eip",
    "ip",
    "publicip",
    "bandwidth",
    "traffic",
    "octets",
    "egress",
    "ingress",
    "uplink",
    "wan",
    "internet",
    "transmit",
    "receive",
];
/// Words of metrics that stand beside traffic, and are none.
const OTHER: &[&str] = &[
    "packets",
    "packet",
    "pkts",
    "pps",
    "errs",
    "errors",
    "error",
    "drop",
    "drops",
    "dropped",
    "fifo",
    "frame",
    "carrier",
    "colls",
    "compressed",
    "multicast",
    "speed",
    "mtu",
    "info",
    "queue",
    "conntrack",
    "sockstat",
    "cpu",
    "memory",
    "mem",
    "disk",
    "latency",
    "connections",
    "conn",
    "limit",
    "limits",
    "request",
    "requests",
    "response",
    "duration",
    "netstat",
    "filesystem",
    "io",
    "retrans",
    "session",
    "sessions",
    "count",
    "up",
    "load",
];

/// Words of a name: `ifHCOutOctets` and `node_network_transmit_bytes_total` alike.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in name.chars() {
        let begins = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
        if !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        } else if begins || words.is_empty() {
            words.push(letter.to_ascii_lowercase().into());
        } else if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    // `ifHCOut` leaves `hcout`: the counters' 64-bit mark belongs to no word.
    words
        .into_iter()
        .map(|word| match word.strip_prefix("hc") {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => word,
        })
        .collect()
}

/// What a name says a metric measures; `None` where it is not traffic of a network. `hinted`: the labels name
/// a network device or a public address, so that the name need not.
pub(super) fn meaning(name: &str, hinted: bool) -> Option<Meaning> {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(OTHER) || !(hinted || has(TRAFFIC)) {
        return None;
    }
    let direction = match (has(OUT), has(IN)) {
        (true, false) => Some(Direction::Out),
        (false, true) => Some(Direction::In),
        _ => None,
    };
    let bits = has(&["bits", "bit", "bps", "mbps", "kbps"]);
    let bytes = has(&["bytes", "byte", "octets"]);
    if !(bits || bytes || hinted || direction.is_some() || has(&["bandwidth", "traffic"])) {
        return None;
    }
    let scale = if has(&["mbps"]) {
        1e6
    } else if has(&["kbps"]) {
        1e3
    } else {
        1.0
    };
    let per_byte = if bits { 8.0 / scale } else { 1.0 };
    Some(Meaning {
        direction,
        per_byte,
        unit_told: bits || bytes,
        is_rate: has(&["rate", "irate", "bps", "mbps", "kbps", "bandwidth"])
            || words.iter().any(|word| {
                word.strip_prefix("rate")
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            }),
    })
}

/// Whether this is a name of a network device, as Linux and its drivers give them.
pub(super) fn is_network_device(device: &str) -> bool {
    const STARTS: &[&str] = &[
        "eth", "en", "em", "wl", "ww", "ib", "bond", "team", "br", "p", "vmnic", "ge-", "xe-",
        "et-", "usb",
    ];
    is_loopback(device)
        || only_repeats(device)
        || STARTS.iter().any(|start| starts_numbered(device, start))
}

/// `start` and then something with a digit in it: `eth0`, `ens2f1`, `p1p1`; not `proc`.
fn starts_numbered(device: &str, start: &str) -> bool {
    let rest = device.strip_prefix(start);
    rest.is_some_and(|rest| rest.len() <= 16 && rest.bytes().any(|byte| byte.is_ascii_digit()))
}

/// The device that leads to the host itself.
pub(super) fn is_loopback(device: &str) -> bool {
    device == "lo" || device == "lo0"
}

/// Whether a device is a bridge, tunnel, or end of a pair: what it carries leaves by another one too.
pub(super) fn only_repeats(device: &str) -> bool {
    const STARTS: &[&str] = &[
        "veth",
        "docker",
        "br-",
        "virbr",
        "cni",
        "flannel",
        "cali",
        "tun",
        "tap",
        "vnet",
        "ovn",
        "ovs",
        "genev",
        "vxlan",
        "cilium",
        "lxc",
        "lxd",
        "dummy",
        "kube-",
        "nodelocaldns",
        "ifb",
        "wg",
        "gre",
        "sit",
        "ip6tnl",
        "ipip",
        "macvlan",
        "ipvlan",
        "podman",
        "weave",
        "antrea",
        "k8s",
        "nm-",
        "vmbr",
        "xenbr",
        "vif",
        "fwbr",
        "fwpr",
        "fwln",
        "vlan",
    ];
    let bridge = starts_numbered(device, "br");
    bridge
        || device.contains('.')
        || device.contains('@')
        || STARTS.iter().any(|start| device.starts_with(start))
}

/// Whether a device may bundle others of its host.
pub(super) fn may_bundle(device: &str) -> bool {
    device.starts_with("bond") || device.starts_with("team")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{In, Out};

    fn check(name: &str, hinted: bool, expected: Option<(Option<Direction>, f64, bool)>) {
        let got = meaning(name, hinted);
        let got = got.map(|one| (one.direction, one.per_byte, one.is_rate));
        assert_eq!(got, expected, "{name}");
    }

    #[test]
    fn names_of_metrics() {
        check(
            "node_network_transmit_bytes_total",
            true,
            Some((Some(Out), 1.0, false)),
        );
        check(
            "node_network_receive_bytes_total",
            true,
            Some((Some(In), 1.0, false)),
        );
        check(
            "instance:node_network_transmit_bytes:rate5m",
            true,
            Some((Some(Out), 1.0, true)),
        );
        check("ifHCOutOctets", false, Some((Some(Out), 1.0, false)));
        check(
            "eip_upstream_bandwidth_bps",
            false,
            Some((Some(Out), 8.0, true)),
        );
        check("prom_eip", true, Some((None, 1.0, false)));
        check("prom_node_transmit", true, Some((Some(Out), 1.0, false)));
        check("node_network_transmit_packets_total", true, None);
        check("node_network_speed_bytes", true, None);
        check("node_disk_written_bytes_total", false, None);
        check("node_cpu_seconds_total", false, None);
        check("prom_cpu", false, None);
        check("go_memstats_alloc_bytes", false, None);
        check("http_requests_total", false, None);
        check("up", false, None);
    }

    #[test]
    fn names_of_devices() {
        for device in [
            "eth0", "ens2f1", "enp1s0", "bond0", "p1p1", "veth12ab", "docker0", "lo", "ib0",
        ] {
            assert!(is_network_device(device), "{device}");
        }
        for device in [
            "sda",
            "nvme0n1",
            "dm-0",
            "/dev/sda1",
            "cpu0",
            "rootfs",
            "tmpfs",
            "md127",
        ] {
            assert!(!is_network_device(device), "{device}");
        }
        for device in [
            "docker0",
            "br0",
            "br-1a2b",
            "flannel.1",
            "eth0.100",
            "ovn0",
            "cali12",
        ] {
            assert!(only_repeats(device), "{device}");
        }
        for device in ["eth0", "ens2f1", "bond0", "enp1s0"] {
            assert!(!only_repeats(device), "{device}");
        }
    }
}
