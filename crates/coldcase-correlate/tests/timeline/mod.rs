//! Timelines made of events, for tests.

#![allow(dead_code, reason = "each test takes what it needs of this")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "seconds of tests are small"
)]

#[path = "../dataset/mod.rs"]
mod dataset;

use coldcase_correlate::{CaseFacts, HostFacts, Indicator, IndicatorType};
use coldcase_model::{Attributes, Event, Precision, Timestamp, When, action};
use coldcase_timeline::{Origin, Timeline};

/// Noon of a day; times of events are seconds after it.
pub const NOON: i64 = 1_676_894_400_000_000_000;

/// The moment so many seconds after noon.
pub fn at(seconds: f64) -> i64 {
    NOON + (seconds * 1e9) as i64
}

/// An event with where it is from.
#[derive(Clone)]
pub struct Row {
    pub event: Event<'static>,
    pub format: &'static str,
    pub file: &'static str,
    pub host: Option<&'static str>,
}

impl Row {
    fn new(action: &'static str, format: &'static str, file: &'static str) -> Self {
        Self {
            event: Event::new(action),
            format,
            file,
            host: None,
        }
    }

    fn when(mut self, nanos: Option<i64>) -> Self {
        let when = |nanos| When::recorded(Timestamp(nanos), Precision::Ns);
        self.event.when = nanos.map(when);
        self
    }

    fn attributes(mut self, fill: impl FnOnce(&mut Attributes)) -> Self {
        let mut attributes = Attributes::new();
        fill(&mut attributes);
        self.event.attributes = attributes.finish().map(Into::into);
        self
    }

    /// Of another host.
    pub fn on(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }

    /// In another file.
    pub fn in_file(mut self, file: &'static str) -> Self {
        self.file = file;
        self
    }
}

/// A question in a capture: `10.0.0.1:4001 > 10.0.0.53`.
pub fn asks(seconds: f64, from: &str, to: &str, id: i64, name: &str) -> Row {
    packet(
        action::DNS_QUERY,
        seconds,
        (from, to),
        id,
        (name, "A"),
        None,
    )
}

/// Likewise with its type.
pub fn asks_type(seconds: f64, from: &str, to: &str, id: i64, name: &str, kind: &str) -> Row {
    packet(
        action::DNS_QUERY,
        seconds,
        (from, to),
        id,
        (name, kind),
        None,
    )
}

/// A question after an address was translated.
pub fn translated(seconds: f64, from: &str, to: &str, id: i64, name: &str, before: &str) -> Row {
    let before = format!("{before} > {to}:53");
    packet(
        action::DNS_QUERY,
        seconds,
        (from, to),
        id,
        (name, "A"),
        Some(&before),
    )
}

fn packet(
    action: &'static str,
    seconds: f64,
    (from, to): (&str, &str),
    id: i64,
    (name, kind): (&str, &str),
    before: Option<&str>,
) -> Row {
    let (source, port) = from.rsplit_once(':').expect("address:port");
    let mut row = Row::new(action, "pcap", "node-1/dns.pcap").when(Some(at(seconds)));
    row = row.attributes(|attributes| {
        attributes
            .number("id", id)
            .text_if("before_translation", before);
    });
    row.event.src_ip = Some(source.to_owned().into());
    row.event.src_port = Some(port.parse().expect("a port"));
    row.event.dst_ip = Some(to.to_owned().into());
    row.event.dst_port = Some(53);
    row.event.protocol = Some("udp");
    row.event.domain = Some(name.to_owned().into());
    row.event.query_type = Some(kind.to_owned().into());
    row.event.message = Some(format!("{source} asks {to} for {name} {kind}").into());
    row.event.offset = Some((seconds * 1e6) as u64);
    row.on("node-1")
}

/// The answer to a question: from the resolver back to `10.0.0.1:4001`, with addresses.
pub fn answers(seconds: f64, from: &str, to: &str, id: i64, name: &str, data: &[&str]) -> Row {
    let (client, port) = to.rsplit_once(':').expect("address:port");
    let mut row = Row::new(action::DNS_ANSWER, "pcap", "node-1/dns.pcap").when(Some(at(seconds)));
    row = row.attributes(|attributes| {
        let records = data.iter().map(|data| {
            let mut record = Attributes::new();
            record
                .text("name", name)
                .text("type", "A")
                .text("data", data);
            record
        });
        attributes.number("id", id).objects("answers", records);
    });
    row.event.src_ip = Some(from.to_owned().into());
    row.event.src_port = Some(53);
    row.event.dst_ip = Some(client.to_owned().into());
    row.event.dst_port = Some(port.parse().expect("a port"));
    row.event.domain = Some(name.to_owned().into());
    row.event.query_type = Some("A".into());
    row.event.response_code = Some("NOERROR".into());
    row.event.offset = Some((seconds * 1e6) as u64);
    row.on("node-1")
}

/// A line of CoreDNS's log; the time is when it was written.
pub fn logged(seconds: Option<f64>, from: &str, id: i64, name: &str, line: u64) -> Row {
    let (client, port) = from.rsplit_once(':').expect("address:port");
    let mut row = Row::new(action::DNS_QUERY, "coredns", "coredns-a.log").when(seconds.map(at));
    row = row.attributes(|attributes| {
        attributes
            .number("id", id)
            .number("duration_ns", 1_000_000)
            .text("server", "coredns-a");
    });
    row.event.src_ip = Some(client.to_owned().into());
    row.event.src_port = Some(port.parse().expect("a port"));
    row.event.domain = Some(name.to_owned().into());
    row.event.query_type = Some("A".into());
    row.event.response_code = Some("NOERROR".into());
    row.event.line = Some(line);
    row.event.message = Some(format!("{from} - {id} \"A IN {name}.\"").into());
    row
}

/// A pod of `kubectl get pods`, listed an hour after noon.
pub fn pod(name: &str, address: &str, status: &str, age: i64, node: &str, line: u64) -> Row {
    let (namespace, pod) = name.split_once('/').expect("namespace/name");
    let mut row = Row::new(action::POD_LISTED, "kubectl-pods", "pods.txt").when(Some(at(3600.0)));
    row = row.attributes(|attributes| {
        attributes
            .text("node", node)
            .text("status", status)
            .number("age_seconds", age)
            .number("age_unit_seconds", 60);
    });
    row.event.src_ip = Some(address.to_owned().into());
    row.event.pod = Some(pod.to_owned().into());
    row.event.namespace = Some(namespace.to_owned().into());
    row.event.line = Some(line);
    row.event.message = Some(format!("pod {name} {status} at {address}").into());
    row
}

/// A container of `docker inspect`, listed an hour after noon. `pod`: `namespace/name` of a sandbox.
pub fn container(
    name: &str,
    pod: Option<&str>,
    address: &str,
    started: f64,
    finished: Option<f64>,
    line: u64,
) -> Row {
    let mut row =
        Row::new(action::CONTAINER_LISTED, "docker-inspect", "inspect.json").when(Some(at(3600.0)));
    row = row.attributes(|attributes| {
        attributes
            .text(
                "status",
                if finished.is_some() {
                    "exited"
                } else {
                    "running"
                },
            )
            .text("started", &Timestamp(at(started)).to_string());
        let finished = finished.map(|seconds| Timestamp(at(seconds)).to_string());
        attributes.text_if("finished", finished.as_deref());
        if pod.is_some() {
            attributes.flag("sandbox", true);
        }
    });
    row.event.container = Some(name.to_owned().into());
    if let Some((namespace, pod)) = pod.and_then(|pod| pod.split_once('/')) {
        row.event.namespace = Some(namespace.to_owned().into());
        row.event.pod = Some(pod.to_owned().into());
    }
    row.event.src_ip = Some(address.to_owned().into());
    row.event.line = Some(line);
    row.event.message = Some(format!("container {name} at {address}").into());
    row.on("node-1")
}

/// A node of `kubectl get nodes`.
pub fn node(name: &str, address: &str, line: u64) -> Row {
    let mut row =
        Row::new(action::NODE_LISTED, "kubectl-nodes", "nodes.txt").when(Some(at(3600.0)));
    row = row.attributes(|attributes| {
        attributes.text("node", name);
    });
    row.event.src_ip = Some(address.to_owned().into());
    row.event.line = Some(line);
    row
}

/// A lease file of the CNI plugin.
pub fn lease(address: &str, seconds: f64) -> Row {
    let mut row =
        Row::new(action::FILE_MODIFIED, "mtime-listing", "ls_cni.txt").when(Some(at(seconds)));
    row.event.path = Some(format!("/var/lib/cni/networks/cbr0/{address}").into());
    row.event.line = Some(1);
    row
}

/// A connection.
pub fn flow(seconds: f64, from: &str, to: &str) -> Row {
    let mut row = Row::new(action::TCP_FLOW, "pcap", "node-1/dns.pcap").when(Some(at(seconds)));
    row.event.src_ip = Some(from.to_owned().into());
    row.event.dst_ip = Some(to.to_owned().into());
    row.event.offset = Some((seconds * 1e6) as u64);
    row.event.message = Some(format!("{from} connects to {to}").into());
    row
}

/// These rows as a timeline.
pub fn timeline(rows: &[Row]) -> (tempfile::TempDir, Timeline) {
    dataset::timeline(|batch| {
        for row in rows {
            let origin = Origin {
                host: row.host,
                format: row.format,
                file: row.file,
            };
            batch.push(&row.event, origin);
        }
    })
}

/// A case with these indicators and hosts.
pub fn facts(domains: &[&str], hosts: &[(&str, &str)]) -> CaseFacts {
    CaseFacts {
        hosts: hosts
            .iter()
            .map(|(name, address)| HostFacts {
                name: (*name).to_owned(),
                addresses: vec![(*address).to_owned()],
                zone: chrono_tz::UTC,
            })
            .collect(),
        zone: chrono_tz::UTC,
        collected_at: Some(Timestamp(at(3600.0))),
        indicators: domains
            .iter()
            .map(|domain| Indicator {
                kind: IndicatorType::Domain,
                value: (*domain).to_owned(),
            })
            .collect(),
        coverage: Vec::new(),
        skews: Vec::new(),
    }
}
