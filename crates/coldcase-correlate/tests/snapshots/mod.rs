//! Snapshots of a host as its tools list it, for tests.

#![allow(dead_code, reason = "each test takes what it needs of this")]

#[path = "../chinese/mod.rs"]
mod chinese;
#[path = "../dataset/mod.rs"]
mod dataset;

use coldcase_correlate::{CaseFacts, HostFacts, Indicator, IndicatorType};
use coldcase_model::{Event, Finding, Precision, Timestamp, When, action};
use coldcase_timeline::Origin;

/// The moment of collection: 2023-02-20T12:00:00Z.
pub const NOON: i64 = 1_676_894_400_000_000_000;
pub const HOST: &str = "web-1";

/// A row: what happened, the format and file that say so.
pub struct Row {
    pub event: Event<'static>,
    pub format: &'static str,
    pub file: &'static str,
    pub host: Option<&'static str>,
}

/// A row of this action; attributes as JSON.
pub fn row(action: &'static str, format: &'static str, attributes: &str) -> Row {
    let mut event = Event::new(action);
    event.when = Some(When::recorded(Timestamp(NOON), Precision::S));
    event.attributes = Some(attributes.to_owned().into());
    Row {
        event,
        format,
        file: format,
        host: Some(HOST),
    }
}

impl Row {
    pub fn with(mut self, change: impl FnOnce(&mut Event<'static>)) -> Self {
        change(&mut self.event);
        self
    }

    pub fn in_file(mut self, file: &'static str) -> Self {
        self.file = file;
        self
    }

    pub fn on(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }
}

/// A process of `ps aux`: with memory unless its command is in brackets and `resident` is false.
pub fn ps(pid: i64, command: &str, cpu: f64) -> Row {
    listed(
        "ps",
        pid,
        command,
        &format!(
            r#"{{"cpu_percent":{cpu},"rss_bytes":9318400,"state":"S","started":"2023-02-20T09:00:00Z","started_precision":"min"}}"#
        ),
    )
}

/// A thread of the kernel in `ps aux`.
pub fn thread(pid: i64, name: &str) -> Row {
    let comm = name.trim_matches(['[', ']']);
    listed(
        "ps",
        pid,
        &format!("[{comm}]"),
        &format!(r#"{{"cpu_percent":0.0,"rss_bytes":0,"comm":"{comm}","kernel":true}}"#),
    )
}

/// A process of `top`.
pub fn top(pid: i64, name: &str, cpu: f64) -> Row {
    listed(
        "top",
        pid,
        name,
        &format!(r#"{{"cpu_percent":{cpu},"rss_bytes":9318400,"comm":"{name}"}}"#),
    )
}

/// A thread of the kernel in `top`.
pub fn top_thread(pid: i64, name: &str) -> Row {
    let attributes =
        format!(r#"{{"cpu_percent":0.0,"rss_bytes":0,"comm":"{name}","kernel":true}}"#);
    listed("top", pid, name, &attributes)
}

fn listed(format: &'static str, pid: i64, command: &str, attributes: &str) -> Row {
    row(action::PROCESS_LISTED, format, attributes).with(|event| {
        event.pid = Some(pid);
        event.user = Some("root".into());
        event.command = Some(command.to_owned().into());
    })
}

/// A link `/proc/PID/exe`.
pub fn exe(pid: i64, path: &str, deleted: bool) -> Row {
    let attributes = if deleted { r#"{"deleted":true}"# } else { "{}" };
    row(action::PROCESS_LISTED, "proc-listing", attributes).with(|event| {
        event.pid = Some(pid);
        event.exe = Some(path.to_owned().into());
    })
}

/// A number of `ls /proc`.
pub fn number(pid: i64) -> Row {
    let row = row(
        action::PROCESS_LISTED,
        "proc-listing",
        r#"{"source":"proc"}"#,
    );
    row.in_file("proc_pids").with(|event| event.pid = Some(pid))
}

/// A TCP socket: `format` lists it, `local` and `peer` are address:port; a pid of 0 is no owner though others' are shown.
pub fn socket(
    format: &'static str,
    state: &str,
    local: &str,
    peer: &str,
    pid: i64,
    name: &str,
) -> Row {
    let attributes = match pid {
        0 => format!(r#"{{"state":"{state}","no_owner":true}}"#),
        _ => format!(r#"{{"state":"{state}"}}"#),
    };
    row(action::SOCKET_LISTED, format, &attributes).with(|event| {
        let (address, port) = local.rsplit_once(':').expect("address:port");
        event.src_ip = Some(address.to_owned().into());
        event.src_port = port.parse().ok();
        if let Some((address, port)) = peer.rsplit_once(':') {
            event.dst_ip = Some(address.to_owned().into());
            event.dst_port = port.parse().ok();
        }
        event.protocol = Some("tcp");
        event.pid = (pid != 0).then_some(pid);
        event.command = (!name.is_empty()).then(|| name.to_owned().into());
    })
}

/// An ordinary host: systemd, sshd, a web server and its database, as `ps` and `ss` list them; `ps` itself is 4000.
pub fn ordinary() -> Vec<Row> {
    let mut rows = vec![
        ps(1, "/usr/lib/systemd/systemd --system", 0.0),
        thread(2, "[kthreadd]"),
        thread(9, "[ksoftirqd/0]"),
        thread(12, "[kworker/0:0H]"),
        ps(700, "/usr/sbin/sshd -D", 0.0),
        ps(810, "nginx: master process /usr/sbin/nginx", 0.1),
        ps(811, "nginx: worker process", 3.2),
        ps(900, "/usr/sbin/mysqld", 12.0),
        ps(950, "/usr/local/bin/node_exporter", 0.2),
        ps(4000, "ps aux", 0.0),
    ];
    for (pid, name, port) in [
        (700, "sshd", 22),
        (811, "nginx", 443),
        (900, "mysqld", 3306),
        (950, "node_exporter", 9100),
    ] {
        rows.push(socket(
            "ss",
            "LISTEN",
            &format!("0.0.0.0:{port}"),
            "",
            pid,
            name,
        ));
    }
    rows.push(socket(
        "ss",
        "ESTAB",
        "192.0.2.45:443",
        "198.51.100.9:50111",
        811,
        "nginx",
    ));
    rows
}

/// An ordinary host with more.
pub fn with(more: Vec<Row>) -> Vec<Row> {
    ordinary().into_iter().chain(more).collect()
}

/// What a correlator states of these rows, given these indicators.
pub fn run(rows: &[Row], indicators: &[(IndicatorType, &str)], correlator: &str) -> Vec<Finding> {
    let (_folder, timeline) = dataset::timeline(|batch| {
        for (row, line) in rows.iter().zip(1..) {
            let mut event = row.event.clone();
            event.line = event.line.or(Some(line));
            event.message = event.message.or(Some("a row".into()));
            let origin = Origin {
                host: row.host,
                format: row.format,
                file: row.file,
            };
            batch.push(&event, origin);
        }
    });
    let facts = CaseFacts {
        hosts: vec![HostFacts {
            name: HOST.to_owned(),
            addresses: vec!["192.0.2.45".to_owned()],
            zone: chrono_tz::UTC,
        }],
        zone: chrono_tz::UTC,
        collected_at: Some(Timestamp(NOON)),
        indicators: indicators
            .iter()
            .map(|(kind, value)| Indicator {
                kind: *kind,
                value: (*value).to_owned(),
            })
            .collect(),
        coverage: Vec::new(),
        skews: Vec::new(),
    };
    let found = chinese::run(&timeline, &facts, &[correlator.to_owned()]);
    let found = found.expect("runs").findings;
    for finding in &found {
        assert!(!finding.evidence.is_empty(), "nothing shown: {finding:?}");
    }
    found
}

/// A fact as text.
pub fn fact(finding: &Finding, name: &str) -> String {
    finding.facts[name].to_string().replace('"', "")
}
