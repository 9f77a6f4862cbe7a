//! A made host: containers, processes, sockets, requests, as formats hand them to the timeline.

#![allow(dead_code, reason = "each test takes what it needs of this")]
#![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "../chinese/mod.rs"]
mod chinese;
#[path = "../dataset/mod.rs"]
mod dataset;

use coldcase_correlate::{CaseFacts, Coverage, HostFacts, Indicator};
use coldcase_model::{
    Event, Finding, Findings, Precision, Severity, Timestamp, When, action, outcome,
};
use coldcase_timeline::Origin;
use serde_json::{Value, json};

/// Noon of the day of the incident; times of events are seconds after it.
pub const NOON: i64 = 1_616_068_800;
pub const DAY: i64 = 86_400;
pub const HOST: &str = "srv";
/// The host's addresses, one inside, one outside.
pub const INNER: &str = "10.8.0.11";
pub const OUTER: &str = "192.0.2.45";

/// An event with where it is from.
#[derive(Clone)]
pub struct Row {
    pub event: Event<'static>,
    pub format: &'static str,
    pub file: &'static str,
    pub host: &'static str,
}

pub fn row(action: &'static str, format: &'static str, at: Option<i64>, attributes: Value) -> Row {
    let ts = |at: i64| Timestamp::from_seconds(NOON + at).expect("in range");
    let event = Event {
        when: at.map(|at| When::recorded(ts(at), Precision::S)),
        attributes: Some(attributes.to_string().into()),
        message: Some(format!("{action} {attributes}").into()),
        ..Event::new(action)
    };
    Row {
        event,
        format,
        file: format,
        host: HOST,
    }
}

impl Row {
    pub fn on(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Event<'static>)) -> Self {
        change(&mut self.event);
        self
    }
}

fn text(at: i64) -> String {
    Timestamp::from_seconds(NOON + at)
        .expect("in range")
        .to_string()
}

/// A container of `docker inspect`: name, id, image, command, seconds after noon when it was created, and what else inspect says.
pub fn container(
    name: &str,
    id: &str,
    image: &str,
    command: &str,
    created: i64,
    more: Value,
) -> Vec<Row> {
    let mut told = json!({"id": id, "engine": "docker", "status": "running", "created": text(created), "started": text(created + 1)});
    told.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let pid = told["pid"].as_i64();
    let fill = |event: &mut Event<'static>| {
        event.container = Some(name.to_owned().into());
        event.image = Some(image.to_owned().into());
        event.command = Some(command.to_owned().into());
        event.pid = pid;
    };
    vec![
        row(
            action::CONTAINER_CREATED,
            "docker-inspect",
            Some(created),
            json!({"id": id}),
        )
        .with(fill),
        row(
            action::CONTAINER_LISTED,
            "docker-inspect",
            Some(6 * 3600),
            told,
        )
        .with(fill),
    ]
}

/// The estate's own containers, there for weeks.
pub fn old_estate() -> Vec<Row> {
    let one = |number: i64, name: &str, image: &str| {
        container(
            name,
            &format!("{number:012x}"),
            image,
            "/app/run",
            -40 * DAY + number,
            json!({}),
        )
    };
    [
        one(1, "web", "nginx:1.19"),
        one(2, "db", "mysql:5.7"),
        one(3, "etl", "registry.corp/etl:2.7"),
        one(4, "jobs", "registry.corp/jobs:2.8"),
    ]
    .concat()
}

/// A request to the engine's API that was answered.
pub fn request(at: i64, from: &str, to: &str, method: &str, uri: &str) -> Row {
    let status = if method == "GET" { 200 } else { 201 };
    answered(at, from, to, method, uri, status)
}

pub fn answered(at: i64, from: &str, to: &str, method: &str, uri: &str, status: i64) -> Row {
    let told = json!({"method": method, "uri": uri, "status_code": status});
    row(action::HTTP_REQUEST, "pcap", Some(at), told).with(|event| {
        event.src_ip = Some(from.to_owned().into());
        event.dst_ip = Some(to.to_owned().into());
        event.dst_port = Some(2375);
        event.outcome = Some(if status < 400 {
            outcome::SUCCESS
        } else {
            outcome::FAILURE
        });
    })
}

/// A request that makes a container.
pub fn creates(at: i64, from: &str, id: &str, image: &str, command: &str) -> Row {
    let told =
        json!({"method": "POST", "uri": "/v1.24/containers/create", "status_code": 201, "id": id});
    request(at, from, OUTER, "POST", "/v1.24/containers/create").with(|event| {
        event.attributes = Some(told.to_string().into());
        event.image = Some(image.to_owned().into());
        event.command = Some(command.to_owned().into());
    })
}

/// A flow to the engine's port: packets and bytes both ways.
pub fn flow(at: i64, from: &str, to: &str, port: u16, out: (i64, i64), back: (i64, i64)) -> Row {
    let told =
        json!({"packets_out": out.0, "bytes_out": out.1, "packets_in": back.0, "bytes_in": back.1});
    row(action::TCP_FLOW, "pcap", Some(at), told).with(|event| {
        event.src_ip = Some(from.to_owned().into());
        event.dst_ip = Some(to.to_owned().into());
        event.dst_port = Some(port);
        event.outcome = Some(outcome::SUCCESS);
    })
}

/// A process of `ps aux`, which shows no parents.
pub fn process(pid: i64, command: &str, cpu: f64, started: i64) -> Row {
    let told = json!({"cpu_percent": cpu, "started": text(started), "started_precision": "min"});
    row(action::PROCESS_LISTED, "ps", Some(6 * 3600), told).with(|event| {
        event.pid = Some(pid);
        event.command = Some(command.to_owned().into());
        event.user = Some("root".into());
    })
}

/// A socket that listens, as netstat shows it.
pub fn listens(address: &str, program: &str, pid: i64) -> Row {
    let port = address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    row(
        action::SOCKET_LISTED,
        "netstat",
        Some(6 * 3600),
        json!({"state": "LISTEN", "listen": address}),
    )
    .with(|event| {
        event.src_port = port;
        event.pid = Some(pid);
        event.command = Some(program.to_owned().into());
    })
}

/// An established socket of the host.
pub fn connected(own: (&str, u16), peer: &str) -> Row {
    row(
        action::SOCKET_LISTED,
        "netstat",
        Some(6 * 3600),
        json!({"state": "ESTAB"}),
    )
    .with(|event| {
        event.src_ip = Some(own.0.to_owned().into());
        event.src_port = Some(own.1);
        event.dst_ip = Some(peer.to_owned().into());
        event.dst_port = Some(50_000);
    })
}

pub fn rule(chain: &str, target: Option<&str>, policy: Option<&str>, port: Option<u16>) -> Row {
    let mut told = json!({"table": "filter", "chain": chain});
    for (name, value) in [("target", target), ("policy", policy)] {
        if let Some(value) = value {
            told[name] = value.into();
        }
    }
    row(action::FIREWALL_RULE, "iptables", Some(6 * 3600), told).with(|event| event.dst_port = port)
}

pub fn facts(indicators: Vec<Indicator>) -> CaseFacts {
    let host = HostFacts {
        name: HOST.into(),
        addresses: vec![INNER.into(), OUTER.into()],
        zone: chrono_tz::Tz::UTC,
    };
    let span = Coverage {
        host: Some(HOST.into()),
        format: "pcap".into(),
        file: "pcap".into(),
        first: Timestamp::from_seconds(NOON - 6 * 3600).expect("in range"),
        last: Timestamp::from_seconds(NOON + 6 * 3600).expect("in range"),
    };
    CaseFacts {
        hosts: vec![host],
        zone: chrono_tz::Tz::UTC,
        collected_at: None,
        indicators,
        coverage: vec![span],
        skews: Vec::new(),
    }
}

pub fn run(rows: &[Row], only: &[&str]) -> Findings {
    run_with(rows, &facts(Vec::new()), only)
}

pub fn run_with(rows: &[Row], facts: &CaseFacts, only: &[&str]) -> Findings {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for (line, row) in rows.iter().enumerate() {
            let event = Event {
                line: Some(line as u64 + 1),
                ..row.event.clone()
            };
            batch.push(
                &event,
                Origin {
                    host: Some(row.host),
                    format: row.format,
                    file: row.file,
                },
            );
        }
    });
    let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
    chinese::run(&timeline, facts, &only).expect("runs")
}

/// The finding about a subject, if there is one.
pub fn about<'a>(findings: &'a Findings, subject: &str) -> Option<&'a Finding> {
    findings
        .findings
        .iter()
        .find(|one| one.subjects.iter().any(|known| known.value == subject))
}

pub fn severity(findings: &Findings, subject: &str) -> Option<Severity> {
    about(findings, subject).map(|one| one.severity)
}

pub fn strings(finding: &Finding, fact: &str) -> Vec<String> {
    let list = finding.facts[fact].as_array().expect("a list");
    list.iter()
        .map(|one| one.as_str().expect("a text").to_owned())
        .collect()
}
