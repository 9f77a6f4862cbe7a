//! Rows of traffic, sockets and logs, for tests.

#![allow(dead_code, reason = "each test takes what it needs of this")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "ports and lines of tests are small"
)]

#[path = "../chinese/mod.rs"]
mod chinese;
#[path = "../dataset/mod.rs"]
mod dataset;

use chrono_tz::Tz;
use coldcase_correlate::{CaseFacts, HostFacts, Indicator, IndicatorType};
use coldcase_model::{Event, Finding, Findings, Precision, Timestamp, When, action, outcome};
use coldcase_timeline::Origin;
use serde_json::{Value, json};

pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;
/// 2023-04-10T12:00:00Z, in seconds.
pub const START: i64 = 1_681_128_000;

/// A row with where it is from.
#[derive(Debug, Clone)]
pub struct Row {
    pub event: Event<'static>,
    pub format: &'static str,
    pub host: &'static str,
    pub file: String,
}

/// A row of this action so many seconds after [`START`]; `None`: undated.
pub fn row(
    action: &'static str,
    format: &'static str,
    seconds: Option<i64>,
    attributes: &Value,
) -> Row {
    let when = |seconds| {
        let ts = Timestamp::from_seconds(START + seconds).expect("in range");
        When::recorded(ts, Precision::S)
    };
    let event = Event {
        when: seconds.map(when),
        attributes: Some(attributes.to_string().into()),
        line: Some(1),
        ..Event::new(action)
    };
    Row {
        event,
        format,
        host: "web-3",
        file: format!("web-3/{format}"),
    }
}

impl Row {
    pub fn on(mut self, host: &'static str) -> Self {
        self.host = host;
        self.file = format!("{host}/{}", self.format);
        self
    }

    pub fn says(mut self, message: &str) -> Self {
        self.event.message = Some(message.to_owned().into());
        self
    }

    pub fn ends(mut self, seconds: i64) -> Self {
        self.event.ts_end = Timestamp::from_seconds(START + seconds);
        self
    }

    fn between(mut self, from: &str, to: &str) -> Self {
        let end = |text: &str| {
            let (address, port) = text.rsplit_once(':').expect("address:port");
            (
                Some(address.to_owned().into()),
                Some(port.parse().expect("a port")),
            )
        };
        (self.event.src_ip, self.event.src_port) = end(from);
        (self.event.dst_ip, self.event.dst_port) = end(to);
        self.event.protocol = Some("tcp");
        self
    }
}

/// A captured connection with so many packets each way.
pub fn flow(seconds: i64, from: &str, to: &str, packets: (i64, i64)) -> Row {
    let said = json!({"state": "established", "packets_out": packets.0, "packets_in": packets.1});
    let mut row = row(action::TCP_FLOW, "pcap", Some(seconds), &said)
        .between(from, to)
        .ends(seconds + 3);
    row.event.outcome = Some(outcome::SUCCESS);
    row.event.packets = Some(packets.0 + packets.1);
    row.event.line = None;
    row.event.offset =
        Some(seconds.unsigned_abs() * 1000 + u64::from(row.event.src_port.unwrap_or(0)));
    row.says(&format!("{from} > {to}"))
}

/// A socket as a tool lists it: `local`, `peer`.
pub fn socket(
    tool: &'static str,
    seconds: i64,
    local: &str,
    peer: &str,
    state: &str,
    process: Option<(&str, i64)>,
) -> Row {
    let mut row = row(
        action::SOCKET_LISTED,
        tool,
        Some(seconds),
        &json!({"state": state}),
    )
    .between(local, peer);
    row.event.command = process.map(|(command, _)| command.to_owned().into());
    row.event.pid = process.map(|(_, pid)| pid);
    row.says(&format!("tcp {state} {local} peer {peer}"))
}

/// A success of ssh.
pub fn login(seconds: i64, from: &str, success: bool) -> Row {
    let mut row = row(
        action::SSH_LOGIN,
        "authlog",
        Some(seconds),
        &json!({"method": "publickey"}),
    );
    row.event.src_ip = Some(from.to_owned().into());
    row.event.src_port = Some(40_000 + (seconds.unsigned_abs() % 1_000) as u16);
    row.event.user = Some("ann".into());
    row.event.pid = Some(seconds.abs() % 30_000 + 1);
    row.event.outcome = Some(if success {
        outcome::SUCCESS
    } else {
        outcome::FAILURE
    });
    row.event.line = Some(seconds.unsigned_abs() + 1);
    row.says(&format!("sshd: ann from {from}"))
}

/// A line of a log.
pub fn log(seconds: i64, message: &str) -> Row {
    row(action::LOG, "authlog", Some(seconds), &json!({})).says(message)
}

/// What a capture sums up of one source.
pub fn attempts(
    from: &str,
    seconds: i64,
    (attempts, completed, destinations, peak): (i64, i64, i64, i64),
) -> Row {
    let said = json!({
        "attempts": attempts, "completed": completed, "destinations": destinations, "port_count": 2,
        "ports": [[443, attempts / 2], [80, attempts / 2]], "peak_per_second": peak,
        "top_destinations": [["198.18.0.1", 3]],
    });
    let mut row = row(action::TCP_ATTEMPTS, "pcap", Some(seconds), &said).ends(seconds + 240);
    row.event.src_ip = Some(from.to_owned().into());
    row.says(&format!("{from} attempted {attempts} connections"))
}

/// One sample of a metric; an empty name is a query's answer without one.
pub fn sample(seconds: i64, name: &str, labels: &Value, value: f64) -> Row {
    let mut said = serde_json::Map::new();
    if !name.is_empty() {
        said.insert("metric".into(), name.into());
    }
    said.insert("value".into(), value.into());
    said.insert("labels".into(), labels.clone());
    for known in ["instance", "device"] {
        if let Some(value) = labels.get(known) {
            said.insert(known.into(), value.clone());
        }
    }
    let instance = labels
        .get("instance")
        .and_then(Value::as_str)
        .and_then(|text| text.split(':').next())
        .map(str::to_owned);
    let mut row = row(
        action::METRIC,
        "prometheus",
        Some(seconds),
        &Value::Object(said),
    )
    .on("prom");
    row.event.src_ip = instance.map(Into::into);
    row.says(&format!("{name}{labels} {value}"))
}

/// A pair or the totals of iftop; without a peer: the totals.
pub fn iftop(from: &str, to: Option<&str>, out: i64, back: i64) -> Row {
    let mut said =
        json!({"bytes_per_second_out": out, "bytes_per_second_in": back, "interface": "eth0"});
    if to.is_none() {
        said["total"] = true.into();
    }
    let mut row = row(action::FLOW_LISTED, "iftop", Some(2 * HOUR), &said);
    row.event.src_ip = Some(from.to_owned().into());
    row.event.dst_ip = to.map(|to| to.to_owned().into());
    row.event.line = Some(out.unsigned_abs() % 1_000_000 + 1);
    row.says(&format!("{from} sends {out} B/s"))
}

/// An interface with its counters and address.
pub fn interface(seconds: Option<i64>, name: &str, address: &str, sent: i64, received: i64) -> Row {
    let said = json!({"interface": name, "addresses": [format!("{address}/24")], "mac": "52:54:00:00:00:07", "tx_bytes": sent, "rx_bytes": received});
    row(action::INTERFACE_LISTED, "ip-link", seconds, &said).says(&format!("{name} sent {sent} B"))
}

/// Everything that is found, in a case with these hosts and indicators.
pub fn run_all(rows: &[Row], hosts: &[(&str, &str)], indicators: &[&str]) -> Findings {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for row in rows {
            let origin = Origin {
                host: Some(row.host),
                format: row.format,
                file: &row.file,
            };
            batch.push(&row.event, origin);
        }
    });
    let hosts = hosts.iter().map(|(name, address)| HostFacts {
        name: (*name).to_owned(),
        addresses: vec![(*address).to_owned()],
        zone: Tz::Asia__Kathmandu,
    });
    let indicators = indicators.iter().map(|value| Indicator {
        kind: IndicatorType::Ip,
        value: (*value).to_owned(),
    });
    let facts = CaseFacts {
        hosts: hosts.collect(),
        zone: Tz::UTC,
        collected_at: None,
        indicators: indicators.collect(),
        coverage: Vec::new(),
        skews: Vec::new(),
    };
    chinese::run(&timeline, &facts, &[]).expect("correlated")
}

/// The findings of one correlator.
pub fn of<'a>(found: &'a Findings, correlator: &str) -> Vec<&'a Finding> {
    found
        .findings
        .iter()
        .filter(|one| one.correlator == correlator)
        .collect()
}
