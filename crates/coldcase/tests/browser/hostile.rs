//! Evidence that wants to run in the reader's browser: scripts, handlers, ends of blocks, direction marks and endless
//! strings in names, log lines, labels and findings.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use coldcase::{Options, Progress, analyze, summary};
use coldcase_model::{
    Conclusion, EvidenceRecord, Finding, Findings, Observable, ObservableType, Severity, Timestamp,
};
use coldcase_report::{Charts, Lang, html};
use serde_json::{Map, Value, json};

/// Drawings that the made page must hold.
pub const DRAWINGS: [&str; 6] = [
    "#proof figure",
    "rect.window",
    "rect.cause",
    "rect.box",
    "path.life",
    "svg.lanes rect.mark",
];

/// What runs if anything of it is taken for markup or script.
const NASTY: &str = "</script><script>window.owned=1</script><img src=x onerror=window.owned=1>\"'><svg onload=window.owned=1>{{7*7}}${7*7}]]>--><a href=javascript:window.owned=1>\u{202e}gpj\u{2066}\u{200b}\u{1b}[31m";
/// The host's folder: no slash may stand in it.
const HOST: &str = "<img src=x onerror=window.owned=1>\u{202e}db";
const LOG: &str = "\"><script>window.owned=1<.log";

/// The nasty text made longer than any cell.
fn endless() -> String {
    format!("{NASTY}{}", "A".repeat(1 << 20))
}

/// A bundle of one host with such names and contents.
pub fn bundle(folder: &Path) {
    let host = folder.join(HOST);
    fs::create_dir_all(&host).expect("folders");
    let (mut secure, mut container, mut dns) = (String::new(), String::new(), String::new());
    for day in 1..=12 {
        for minute in 0..6 {
            let outcome = if minute % 2 == 0 {
                "Failed"
            } else {
                "Accepted"
            };
            secure.push_str(&format!("May {day:2} 03:{minute:02}:05 db sshd[{}]: {outcome} password for <script>window.owned=1</script> from 192.0.2.9 port 4{day:02}{minute}0 ssh2\n", day * 100 + minute));
            let line = json!({"log": format!("dispatch {NASTY} task={minute}\n"), "stream": "stdout", "time": format!("2023-05-{day:02}T03:{minute:02}:04.100Z")});
            container.push_str(&format!("{line}\n"));
            dns.push_str(&format!("[INFO] 2023-05-{day:02}T03:{minute:02}:04.100Z 10.244.0.9:4000{minute} - {minute} \"A IN bad.example. udp 44 false 512\" NOERROR qr,rd,ra 152 0.005s\n"));
        }
    }
    secure.push_str(&format!(
        "May 13 03:00:00 db sshd[1]: error: {}\n",
        endless()
    ));
    fs::write(host.join("secure"), secure).expect("writes");
    fs::write(host.join(LOG), container).expect("writes");
    fs::write(host.join("coredns <b onclick=window.owned=1>.log"), dns).expect("writes");
    let container = json!([{
        "Id": "ab".repeat(32), "Name": format!("/x{NASTY}"), "Created": "2023-05-01T02:00:00Z", "Path": "sh",
        "Args": ["-c", format!("xmrig -o stratum+tcp://192.0.2.7:3333 {NASTY}")], "Image": format!("sha256:{NASTY}"),
        "State": {"Status": "exited", "Running": false, "ExitCode": 137, "StartedAt": "2023-05-01T02:00:01Z", "FinishedAt": "2023-05-12T04:00:00Z"},
        "Config": {"Image": NASTY, "Labels": {NASTY: NASTY}, "Env": [NASTY], "Cmd": [NASTY]},
        "HostConfig": {"Privileged": true, "Binds": [format!("/:/{NASTY}")]},
        "Mounts": [{"Type": "bind", "Source": "/", "Destination": format!("/mnt{NASTY}"), "RW": true}]
    }]);
    fs::write(host.join("docker_inspect.json"), container.to_string()).expect("writes");
    let toml = "timezone = \"Asia/Shanghai\"\ncollected_at = \"2023-05-14T10:20:00+08:00\"\n";
    fs::write(folder.join("case.toml"), toml).expect("writes");
}

struct Silent;

impl Progress for Silent {
    fn start(&self, _: u64) {}
    fn read(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}

/// The report of that bundle with findings that are hostile wherever evidence can stand.
pub fn page(bundle: &Path, case: &Path, page: &Path) {
    let options = Options {
        lang: Lang::En,
        ..Options::default()
    };
    let mut analysis =
        analyze(&[bundle.to_owned()], case, &options, Arc::new(Silent)).expect("analysed");
    let logins = analysis
        .findings
        .findings
        .iter()
        .find(|one| one.correlator == "ssh-auth");
    let host = logins
        .and_then(|one| one.facts["host"].as_str())
        .expect("logins are found")
        .to_owned();
    analysis.findings = findings(&host);
    let charts = Charts::of(&analysis.timeline, &analysis.findings, &[]).expect("charts");
    let mut summary = summary(&analysis, case, Lang::En);
    summary.warnings.push(endless());
    summary.clocks.push(NASTY.into());
    summary.missing.push(NASTY.into());
    summary.case = NASTY.into();
    fs::write(page, html(&summary, &charts)).expect("writes");
}

fn facts(pairs: Value) -> Map<String, Value> {
    pairs.as_object().expect("an object").clone()
}

fn finding(correlator: &'static str, subjects: Vec<Observable>, of: Value) -> Finding {
    let at = |day: u32, minute: u32| {
        Timestamp::parse_rfc3339(&format!("2023-05-{day:02}T03:{minute:02}:05+08:00"))
    };
    let record = |file: String, text: String| EvidenceRecord {
        file,
        line: Some(1),
        offset: None,
        ts: at(1, 0),
        text,
    };
    Finding {
        id: format!("{correlator}-1"),
        correlator,
        title: format!("{NASTY} {correlator}"),
        severity: Severity::High,
        confidence: 0.9,
        first: at(1, 0),
        last: at(12, 5),
        subjects,
        facts: facts(of),
        attack: vec!["T1110"],
        evidence: vec![
            record(format!("{HOST}/{LOG}"), endless()),
            record(NASTY.into(), NASTY.into()),
        ],
        text: endless(),
    }
}

fn findings(host: &str) -> Findings {
    let of = |kind, value: &str| Observable::new(kind, value);
    let container = format!("x{NASTY}");
    let cause = json!({"type": "container", "value": container, "events": 72});
    let found = vec![
        finding(
            "periodic-window",
            vec![
                of(ObservableType::Ip, "192.0.2.9"),
                of(ObservableType::Host, host),
            ],
            json!({"entity": "192.0.2.9", "timezone": "Asia/Shanghai", "window_start": "03:00", "window_end": "03:06"}),
        ),
        finding(
            "series-match",
            vec![
                of(ObservableType::Ip, "192.0.2.9"),
                of(ObservableType::Container, &container),
            ],
            json!({"effect": {"type": "ip", "value": "192.0.2.9", "events": 72}, "cause": cause, "matched": 72, "lag_seconds": 0.9,
                "lag_least_seconds": 0.0, "lag_most_seconds": 2.0, "zone_error_seconds": -28800, "effect_host": host, "template": "dispatch task=#", "other_targets": 0}),
        ),
        finding(
            "dns-origin",
            vec![of(ObservableType::Domain, "bad.example")],
            json!({"domain": "bad.example", "client_ip": "10.244.0.9", "client": {"type": "pod", "value": NASTY}, "queries": 72}),
        ),
        finding(
            "syn-flood",
            vec![of(ObservableType::Ip, "192.0.2.9")],
            json!({"src_ip": "192.0.2.9", "dst_count": 1}),
        ),
        finding(
            "exposed-service",
            vec![of(ObservableType::Service, NASTY)],
            json!({"service": NASTY, "listen": NASTY, "outsiders": [NASTY, endless()]}),
        ),
        finding(
            "suspicious-container",
            vec![of(ObservableType::Container, &container)],
            json!({"container": container, "image": NASTY, "created_by": NASTY, "created": "2023-05-01T02:00:00Z"}),
        ),
        finding(
            "miner",
            vec![of(ObservableType::Process, NASTY)],
            json!({"process": NASTY, "pid": 7, "remote": NASTY, "cpu_percent": 99.0, "container": container, NASTY: NASTY}),
        ),
    ];
    let because: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
    let conclusions =
        ["login-cause", "dns-origin", "flood-source", "way-in"].map(|kind| Conclusion {
            kind,
            about: of(ObservableType::Ip, NASTY),
            question: NASTY.into(),
            answer: of(ObservableType::Container, &endless()),
            candidates: vec![of(ObservableType::Pod, NASTY)],
            confidence: 0.9,
            because: because.clone(),
            text: format!(
                "{NASTY}. 72 logins of 192.0.2.9 match. Fetch next: `{NASTY}`. {}",
                endless()
            ),
        });
    Findings::new(conclusions.into(), found)
}
