//! What network tools print, over real output with another reader's truth beside it, over output without truth (every line used or
//! skipped for a good reason), and over the incidents' files.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "the table of what was read")]

use std::fs;
use std::path::Path;

use coldcase_ingest::{Clock, Sniff, formats};
use coldcase_model::Event;
use coldcase_testkit::corpora::{corpora, files};
use coldcase_testkit::{Recorder, attributes, ingest, sniff, winner};
use serde_json::Value;

/// Reads a file with this format, which must be the surest of all.
fn read(path: &Path, id: &str) -> Recorder {
    let bytes = fs::read(path).expect("a readable file");
    let name = path.to_string_lossy();
    let best = winner(&name, &bytes).unwrap_or_else(|| panic!("{name} is claimed by none"));
    assert_eq!(best.id, id, "{name}");
    ingest(best, &name, &bytes, &Clock::UNKNOWN)
}

fn truth(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("truth beside the input");
    serde_json::from_str(&text).expect("JSON")
}

/// A field of the truth as text, empty where it has none.
fn field(truth: &Value, name: &str) -> String {
    match &truth[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What differs in one row: names of fields.
type Compare = fn(&Event<'_>, &Value, &Value) -> Vec<&'static str>;

fn differ(list: &[(&'static str, String, String)]) -> Vec<&'static str> {
    let differing = list.iter().filter(|(_, got, expected)| got != expected);
    differing
        .map(|(name, got, expected)| {
            println!("    {name}: got {got:?}, expected {expected:?}");
            *name
        })
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The port of a name or number in the truth.
fn port(shown: &str) -> String {
    let named = [
        ("ssh", "22"),
        ("smtp", "25"),
        ("https", "443"),
        ("bootpc", "68"),
        ("bootps", "67"),
        ("*", ""),
    ];
    let found = named.iter().find(|(name, _)| *name == shown);
    found.map_or(shown, |(_, port)| port).to_owned()
}

/// An address of the truth: a wildcard and a name are none.
fn address(shown: &str) -> String {
    let bare = shown.trim_matches(['[', ']']);
    match bare {
        "0.0.0.0" | "::" | "*" => String::new(),
        _ => coldcase_model::canonical_ip(bare).map_or(String::new(), |ip| ip.into_owned()),
    }
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn state(shown: &str, protocol: &str) -> String {
    match shown {
        "ESTABLISHED" | "CONNECTED" => "ESTAB",
        "LISTENING" => "LISTEN",
        "TIME_WAIT" => "TIME-WAIT",
        "7" => "UNCONN",
        "" if matches!(protocol, "udp" | "unix") => "UNCONN",
        other => other,
    }
    .to_owned()
}

fn netstat(event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let protocol = event.protocol.unwrap_or_default();
    let t = |name: &str| field(truth, name);
    let mut list = vec![
        ("state", text(&cells["state"]), state(&t("state"), protocol)),
        ("pid", number(event.pid), t("pid")),
        (
            "program",
            event.command.as_deref().unwrap_or_default().to_owned(),
            t("program_name").trim().to_owned(),
        ),
        ("inode", text(&cells["inode"]), t("inode")),
    ];
    if field(truth, "kind") == "socket" {
        list.push(("path", text(&cells["unix_path"]), t("path")));
        list.push(("type", text(&cells["type"]), t("type").to_lowercase()));
        return differ(&list);
    }
    let is_raw = protocol == "raw";
    let end = |shown: String| if is_raw { String::new() } else { port(&shown) };
    list.extend([
        (
            "protocol",
            protocol.to_owned(),
            t("proto").trim_end_matches('6').to_owned(),
        ),
        (
            "user",
            event.user.as_deref().unwrap_or_default().to_owned(),
            t("user"),
        ),
        (
            "local",
            event.src_ip.as_deref().unwrap_or_default().to_owned(),
            address(&t("local_address")),
        ),
        ("local port", number(event.src_port), end(t("local_port"))),
        (
            "peer",
            event.dst_ip.as_deref().unwrap_or_default().to_owned(),
            address(&t("foreign_address")),
        ),
        ("peer port", number(event.dst_port), end(t("foreign_port"))),
        ("recv", text(&cells["recv_queue"]), t("recv_q")),
        ("send", text(&cells["send_queue"]), t("send_q")),
    ]);
    differ(&list)
}

fn ss(event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let t = |name: &str| field(truth, name);
    let netid = t("netid");
    let protocol = match netid.as_str() {
        "nl" => "netlink",
        "p_raw" => "packet",
        "u_str" | "u_dgr" | "u_seq" => "unix",
        other => other,
    };
    let mut list = vec![
        (
            "protocol",
            event.protocol.unwrap_or_default().to_owned(),
            protocol.to_owned(),
        ),
        ("state", text(&cells["state"]), t("state")),
        ("recv", text(&cells["recv_queue"]), t("recv_q")),
        ("send", text(&cells["send_queue"]), t("send_q")),
    ];
    match protocol {
        "netlink" => {
            list.push(("pid", number(event.pid), t("pid")));
            let channel = text(&cells["channel"]);
            let bare = match event.pid {
                Some(pid) => channel.replace(&format!("/{pid}"), ""),
                None => channel,
            };
            list.push(("channel", bare, t("channel")));
        }
        "packet" => list.push(("interface", text(&cells["interface"]), t("interface"))),
        "unix" => {
            list.push((
                "path",
                text(&cells["unix_path"]),
                t("path").replace('*', ""),
            ));
            list.push(("inode", text(&cells["inode"]), t("local_port")));
            let peer = text(&cells["peer_inode"]);
            list.push((
                "peer",
                if peer.is_empty() {
                    "0".to_owned()
                } else {
                    peer
                },
                t("peer_port"),
            ));
        }
        "raw" => {
            let shown = format!("{}:{}", t("local_address"), t("local_port"));
            list.push(("local", text(&cells["local_text"]), shown));
        }
        _ => list.extend([
            (
                "local",
                event.src_ip.as_deref().unwrap_or_default().to_owned(),
                address(&t("local_address")),
            ),
            ("local port", number(event.src_port), port(&t("local_port"))),
            (
                "peer",
                event.dst_ip.as_deref().unwrap_or_default().to_owned(),
                address(&t("peer_address")),
            ),
            ("peer port", number(event.dst_port), port(&t("peer_port"))),
        ]),
    }
    differ(&list)
}

fn ifconfig(_event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let t = |name: &str| field(truth, name);
    let mut addresses: Vec<String> = Vec::new();
    for one in truth["ipv4"].as_array().into_iter().flatten() {
        let mask: std::net::Ipv4Addr = field(one, "mask").parse().expect("a mask");
        addresses.push(format!(
            "{}/{}",
            field(one, "address"),
            u32::from(mask).count_ones()
        ));
    }
    for one in truth["ipv6"].as_array().into_iter().flatten() {
        addresses.push(format!("{}/{}", field(one, "address"), field(one, "mask")));
    }
    let shown: Vec<String> = cells["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    let up = truth["state"]
        .as_array()
        .is_some_and(|list| list.contains(&"UP".into()));
    differ(&[
        ("name", text(&cells["interface"]), t("name")),
        ("addresses", shown.join(","), addresses.join(",")),
        ("mac", text(&cells["mac"]), t("mac_addr")),
        ("mtu", text(&cells["mtu"]), t("mtu")),
        (
            "state",
            text(&cells["state"]),
            if up { "UP" } else { "DOWN" }.to_owned(),
        ),
        ("rx bytes", text(&cells["rx_bytes"]), t("rx_bytes")),
        ("rx packets", text(&cells["rx_packets"]), t("rx_packets")),
        ("rx errors", text(&cells["rx_errors"]), t("rx_errors")),
        ("rx dropped", text(&cells["rx_dropped"]), t("rx_dropped")),
        ("tx bytes", text(&cells["tx_bytes"]), t("tx_bytes")),
        ("tx packets", text(&cells["tx_packets"]), t("tx_packets")),
        ("tx errors", text(&cells["tx_errors"]), t("tx_errors")),
        ("tx dropped", text(&cells["tx_dropped"]), t("tx_dropped")),
    ])
}

fn counters(_event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let t = |name: &str| field(truth, name);
    differ(&[
        ("name", text(&cells["interface"]), t("iface")),
        ("mtu", text(&cells["mtu"]), t("mtu")),
        ("rx", text(&cells["rx_packets"]), t("rx_ok")),
        ("rx errors", text(&cells["rx_errors"]), t("rx_err")),
        ("rx dropped", text(&cells["rx_dropped"]), t("rx_drp")),
        ("tx", text(&cells["tx_packets"]), t("tx_ok")),
        ("tx errors", text(&cells["tx_errors"]), t("tx_err")),
        ("tx dropped", text(&cells["tx_dropped"]), t("tx_drp")),
    ])
}

fn neighbour(event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let any = |names: [&str; 2]| names.map(|name| field(truth, name)).concat();
    let shown = any(["address", "IP_address"]);
    let mac = any(["hwaddress", "HW_address"]);
    differ(&[
        (
            "address",
            event.src_ip.as_deref().unwrap_or_default().to_owned(),
            address(&shown),
        ),
        ("mac", text(&cells["mac"]), mac),
        (
            "interface",
            text(&cells["interface"]),
            any(["iface", "Device"]),
        ),
    ])
}

fn route(event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let t = |name: &str| field(truth, name);
    let shown = t("destination");
    let destination = match (&*shown, t("genmask")) {
        ("0.0.0.0" | "default" | "::/0" | "[::]/0", _) => "default".to_owned(),
        (_, mask) if mask.is_empty() => shown,
        (_, mask) => {
            let mask: std::net::Ipv4Addr = mask.parse().expect("a mask");
            format!("{shown}/{}", u32::from(mask).count_ones())
        }
    };
    let gateway = [t("gateway"), t("next_hop")].concat();
    differ(&[
        ("destination", text(&cells["destination"]), destination),
        (
            "gateway",
            event.dst_ip.as_deref().unwrap_or_default().to_owned(),
            address(&gateway),
        ),
        ("interface", text(&cells["interface"]), t("iface")),
        ("metric", text(&cells["metric"]), t("metric")),
        (
            "flags",
            text(&cells["flags"]),
            [t("flags"), t("route_flags")].concat(),
        ),
    ])
}

fn rule(event: &Event<'_>, cells: &Value, truth: &Value) -> Vec<&'static str> {
    let t = |name: &str| field(truth, name);
    let network = |shown: String| match &*shown {
        "anywhere" | "0.0.0.0/0" => String::new(),
        _ => shown,
    };
    let interface = |shown: String| if shown == "*" { String::new() } else { shown };
    let protocol = t("prot").replace("all", "");
    differ(&[
        ("target", text(&cells["target"]), t("target")),
        (
            "protocol",
            event.protocol.unwrap_or_default().to_owned(),
            protocol,
        ),
        ("source", text(&cells["source"]), network(t("source"))),
        (
            "destination",
            text(&cells["destination"]),
            network(t("destination")),
        ),
        ("in", text(&cells["in"]), interface(t("in"))),
        ("out", text(&cells["out"]), interface(t("out"))),
        ("packets", number(event.packets), t("pkts")),
        ("bytes", number(event.bytes), t("bytes")),
    ])
}

/// Rows of a truth that a row of ours stands against; chains are taken apart into policies (which are not compared) and rules.
fn flat(truth: Vec<Value>) -> Vec<Value> {
    let rules = |chain: &Value| chain["rules"].as_array().cloned();
    let is_chains = truth.iter().any(|row| row.get("rules").is_some());
    if !is_chains {
        return truth
            .into_iter()
            .filter(|row| row != &serde_json::json!({}))
            .collect();
    }
    truth.iter().filter_map(rules).flatten().collect()
}

/// Sources, format, rows expected; no field differs.
const SOURCES: [(&str, &str, Compare, usize); 26] = [
    ("jc/centos-7.7/ss-sudo-a", "ss", ss, 203),
    ("jc/centos-7.7/netstat", "netstat", netstat, 119),
    ("jc/centos-7.7/netstat-l", "netstat", netstat, 41),
    ("jc/centos-7.7/netstat-p", "netstat", netstat, 117),
    ("jc/centos-7.7/netstat-sudo-aeep", "netstat", netstat, 160),
    ("jc/centos-7.7/netstat-sudo-lnp", "netstat", netstat, 41),
    ("jc/centos-7.7/netstat-i", "netstat", counters, 3),
    ("jc/centos-7.7/netstat-r", "ip-neigh-route", route, 3),
    ("jc/centos-7.7/netstat-rne", "ip-neigh-route", route, 3),
    ("jc/centos-7.7/netstat-rnee", "ip-neigh-route", route, 3),
    ("jc/centos-7.7/route", "ip-neigh-route", route, 3),
    ("jc/centos-7.7/route-vn", "ip-neigh-route", route, 3),
    ("jc/centos-7.7/route-6", "ip-neigh-route", route, 21),
    ("jc/centos-7.7/route-6-n", "ip-neigh-route", route, 21),
    ("jc/centos-7.7/arp", "ip-neigh-route", neighbour, 2),
    ("jc/centos-7.7/arp-a", "ip-neigh-route", neighbour, 3),
    ("jc/centos-7.7/arp-v", "ip-neigh-route", neighbour, 2),
    ("jc/centos-8/arp-a", "ip-neigh-route", neighbour, 4),
    ("jc/linux-proc/net_arp", "ip-neigh-route", neighbour, 3),
    ("jc/centos-7.7/ifconfig", "ip-link", ifconfig, 3),
    ("jc/centos-7.7/iptables-filter", "iptables", rule, 57),
    (
        "jc/centos-7.7/iptables-filter-line-numbers",
        "iptables",
        rule,
        51,
    ),
    ("jc/centos-7.7/iptables-filter-nv", "iptables", rule, 57),
    ("jc/centos-7.7/iptables-mangle", "iptables", rule, 12),
    ("jc/centos-7.7/iptables-nat", "iptables", rule, 21),
    ("jc/centos-7.7/iptables-raw", "iptables", rule, 9),
];

#[test]
fn truth_beside_the_output() {
    let Some(root) = corpora() else { return };
    let mut wrong = Vec::new();
    for (name, id, compare, rows) in SOURCES.iter() {
        let input = [format!("{name}.out"), (*name).to_owned()]
            .map(|name| root.join(name))
            .into_iter()
            .find(|path| path.is_file())
            .expect("an input");
        let recorder = read(&input, id);
        let expected = flat(truth(&root.join(format!("{name}.json"))));
        let events: Vec<_> = recorder
            .events
            .iter()
            .map(|event| (event, attributes(event)))
            .filter(|(_, cells)| cells.get("policy").is_none())
            .collect();
        let mut differing = 0;
        for ((event, cells), truth) in events.iter().zip(&expected) {
            let found = compare(event, cells, truth);
            if !found.is_empty() {
                println!("  {name} line {:?}: {found:?} {truth}", event.line);
            }
            differing += found.len();
        }
        println!(
            "{name}: expected {} got {} differing {differing}",
            expected.len(),
            events.len()
        );
        if (events.len(), differing) != (*rows, 0) || expected.len() != *rows {
            wrong.push(*name);
        }
        for (place, reason) in &recorder.skips {
            let known = [
                "the head of a table",
                "the title of a table",
                "a note of the tool",
                "a chain without a policy",
            ];
            assert!(known.contains(reason), "{name} {place}: {reason}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Files without truth beside them: format, rows, lines skipped. The incidents lie beside the corpora.
const OTHERS: [(&str, &str, usize, usize); 35] = [
    ("insights-core/netstat/NETSTAT.txt", "netstat", 9, 2),
    (
        "insights-core/netstat/NETSTAT_CONTENT_BUT_NO_LOCAL_ADDR_COLON.txt",
        "netstat",
        0,
        3,
    ),
    (
        "insights-core/netstat/NETSTAT_CONTENT_BUT_NO_PARSED_LINES.txt",
        "netstat",
        4,
        0,
    ),
    (
        "insights-core/netstat/NETSTAT_CONTENT_BUT_NO_PID_PROGRAM.txt",
        "netstat",
        4,
        1,
    ),
    ("insights-core/netstat/NETSTAT_DOCS.txt", "netstat", 7, 2),
    ("insights-core/netstat/NETSTAT_I.txt", "netstat", 7, 1),
    ("insights-core/netstat/NETSTAT_MATCH1.txt", "netstat", 3, 1),
    (
        "insights-core/netstat/NETSTAT_NOMATCH1.txt",
        "netstat",
        3,
        1,
    ),
    (
        "insights-core/netstat/NETSTAT_NOMATCH2.txt",
        "netstat",
        3,
        1,
    ),
    (
        "insights-core/netstat/NETSTAT_NO_ACTIVE_CONNS.txt",
        "netstat",
        3,
        1,
    ),
    (
        "insights-core/netstat/NETSTAT_SOCKETS_ONLY.txt",
        "netstat",
        3,
        1,
    ),
    (
        "insights-core/netstat/NETSTAT_TEST_RUNNING_PROCESSES.txt",
        "netstat",
        6,
        1,
    ),
    ("insights-core/netstat/SS_TULPN_2.txt", "ss", 22, 0),
    ("insights-core/netstat/SS_TUPNA_2.txt", "ss", 33, 0),
    ("insights-core/netstat/SS_TUPNA_DOCS.txt", "ss", 8, 0),
    ("insights-core/netstat/Ss_TULPN.txt", "ss", 13, 0),
    ("insights-core/netstat/Ss_TUPNA.txt", "ss", 15, 0),
    ("grafana/range_nan.result.json", "prometheus", 3, 0),
    ("grafana/range_simple.result.json", "prometheus", 5, 0),
    ("syn-flood/bm-07/ss_antp.txt", "ss", 27, 0),
    ("syn-flood/bm-07/iftop.txt", "iftop", 11, 4),
    ("syn-flood/bm-07/tc_class.txt", "tc", 4, 0),
    ("syn-flood/bm-07/iptables_save.txt", "iptables", 13, 6),
    ("syn-flood/prometheus/prom_eip.json", "prometheus", 1086, 0),
    (
        "syn-flood/prometheus/prom_node_transmit.json",
        "prometheus",
        4344,
        0,
    ),
    ("syn-flood-benign/bm-07/ss_antp.txt", "ss", 23, 0),
    ("syn-flood-benign/bm-07/iftop.txt", "iftop", 11, 4),
    ("syn-flood-benign/bm-07/tc_class.txt", "tc", 1, 0),
    (
        "syn-flood-benign/bm-07/iptables_save.txt",
        "iptables",
        13,
        6,
    ),
    (
        "syn-flood-benign/prometheus/prom_eip.json",
        "prometheus",
        1086,
        0,
    ),
    (
        "syn-flood-benign/prometheus/prom_node_transmit.json",
        "prometheus",
        4344,
        0,
    ),
    ("docker-miner/calc-srv-03/netstat_anp.txt", "netstat", 36, 2),
    (
        "docker-miner/calc-srv-03/iptables_save.txt",
        "iptables",
        25,
        11,
    ),
    (
        "docker-miner-benign/calc-srv-03/netstat_anp.txt",
        "netstat",
        36,
        2,
    ),
    (
        "docker-miner-benign/calc-srv-03/iptables_save.txt",
        "iptables",
        25,
        11,
    ),
];

/// The format that a file of these names is of.
fn kind(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let whole = path.to_string_lossy();
    if whole.contains("/jc/") && !name.ends_with(".json") {
        let stem = name.trim_end_matches(".out");
        let source = SOURCES
            .iter()
            .find(|source| source.0.ends_with(&format!("/{stem}")));
        return source.map(|source| source.1);
    }
    let found = OTHERS.iter().find(|(other, ..)| whole.ends_with(other));
    found.map(|(_, id, ..)| *id)
}

#[test]
fn output_without_truth() {
    let Some(root) = corpora() else { return };
    let mut wrong = Vec::new();
    for (name, id, rows, skipped) in OTHERS {
        let path = match root.join(name) {
            path if path.is_file() => path,
            _ => root.join("../incidents").join(name),
        };
        let recorder = read(&path, id);
        let got = (recorder.events.len(), recorder.skips.len());
        println!("{name}: expected {rows} got {} skipped {}", got.0, got.1);
        if got != (rows, skipped) {
            println!("  {:?} {:?}", recorder.skips, recorder.warnings);
            wrong.push(name);
        }
        for (place, reason) in &recorder.skips {
            let is_known = *reason != "a line that is no row" && !reason.contains("cut");
            assert!(
                is_known || name.contains("NO_LOCAL_ADDR_COLON"),
                "{name} {place}: {reason}"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

const MINE: [&str; 11] = [
    "ss",
    "netstat",
    "conntrack",
    "iftop",
    "ip-link",
    "ip-neigh-route",
    "tc",
    "iptables",
    "nft",
    "prometheus",
    "metrics-text",
];

/// Every other file is something else.
#[test]
fn other_files_are_declined() {
    let Some(root) = corpora() else { return };
    let mut looked_at = 0;
    let mut wrong = Vec::new();
    for path in files(&root)
        .into_iter()
        .chain(files(&root.join("../incidents")))
    {
        let bytes = fs::read(&path).expect("a readable file");
        for id in MINE {
            let format = formats::by_id(id).expect("registered");
            let sniffed = sniff(format, &path.to_string_lossy(), &bytes);
            if (sniffed > Sniff::No) != (kind(&path) == Some(id)) {
                wrong.push(format!("{id} {sniffed:?} {}", path.display()));
            }
        }
        looked_at += 1;
    }
    println!("looked at {looked_at} files");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(looked_at > 700);
}
