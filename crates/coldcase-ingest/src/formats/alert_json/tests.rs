//! Alerts of several products: what each calls bad, what it saw, and when.

use serde_json::{Value, json};

use super::facts::{Fact, Facts};
use super::leaves::{leaves, words};
use super::{shape, sniff, times};
use crate::{Clock, Probe, Sniff};

fn check(value: &Value, indicators: &[&str], observed: &[&str], at: Option<&str>) {
    let leaves = leaves(value, "");
    let facts = Facts::of(&leaves);
    let shown = |facts: &[Fact]| {
        let texts = facts.iter();
        let texts = texts.map(|fact| format!("{} {} at {}", fact.kind, fact.value, fact.path));
        texts.collect::<Vec<_>>()
    };
    assert_eq!(shown(&facts.indicators), indicators);
    assert_eq!(shown(&facts.observed), observed);
    let got = times::when(&leaves, &Clock::UNKNOWN).map(|when| when.ts.to_string());
    assert_eq!(got.as_deref(), at);
    assert!(shape::is_alert(value));
}

#[test]
fn host_detection() {
    let alert = json!({
        "alert_id": "H-1", "alert_type": "malicious_dns_request", "severity": "high",
        "time": "2023-05-10 09:02:03", "timezone": "Asia/Shanghai",
        "host": {"ip": "203.0.113.5", "hostname": "node-04"},
        "detail": {"domain": "C2.example.", "process": "/coredns", "cmdline": "/coredns -conf x",
            "resolved_ip": "192.0.2.66"},
        "rule": "dns.match"
    });
    let observed = [
        "ip 203.0.113.5 at host.ip",
        "host node-04 at host.hostname",
        "process /coredns at detail.process",
        "command /coredns -conf x at detail.cmdline",
    ];
    let indicators = [
        "domain c2.example at detail.domain",
        "ip 192.0.2.66 at detail.resolved_ip",
    ];
    check(&alert, &indicators, &observed, Some("2023-05-10T01:02:03Z"));
}

#[test]
fn endpoint_detection() {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let alert = json!({
        "threat": {"threat_name": "Miner", "confidence": 90},
        "createdAt": 1683680523123_i64,
        "agentDetails": {"agentIp": "10.0.0.5", "agentDomain": "WORKGROUP"},
        "file": {"path": "/tmp/.x/kinsing", "sha256": digest},
        "network": {"url": "http://192.0.2.66:8080/x.sh", "localAddress": "10.0.0.5:51234"},
        "reference": "https://vendor.example/rules/1"
    });
    let digest = format!("sha256 {digest} at file.sha256");
    let indicators = [
        "path /tmp/.x/kinsing at file.path",
        &digest,
        "url http://192.0.2.66:8080/x.sh at network.url",
        "ip 192.0.2.66 at network.url",
    ];
    let observed = ["ip 10.0.0.5 at agentDetails.agentIp"];
    check(
        &alert,
        &indicators,
        &observed,
        Some("2023-05-10T01:02:03.123Z"),
    );
}

#[test]
fn flat_names_and_lists() {
    let alert = json!({
        "rule": "Outbound to pool", "priority": "Critical", "output": "text", "hostname": "node-7",
        "time": "2023-05-10T01:02:03.123456789Z",
        "output_fields": {"fd.sip": "192.0.2.77", "user.name": "root", "proc.name": "xmrig",
            "proc.cmdline": "xmrig -o pool.example:3333", "k8s.pod.name": "web-1"}
    });
    let observed = [
        "host node-7 at hostname",
        "user root at output_fields.user.name",
        "process xmrig at output_fields.proc.name",
        "command xmrig -o pool.example:3333 at output_fields.proc.cmdline",
    ];
    let indicators = ["ip 192.0.2.77 at output_fields.fd.sip"];
    check(
        &alert,
        &indicators,
        &observed,
        Some("2023-05-10T01:02:03.123456789Z"),
    );
    let alert = json!({
        "alert": "x", "when": "never",
        "indicators": [{"value": "bad[.]example"}, {"value": "192.0.2.1"}, {"value": "10.0.0.1"}],
        "dns": {"question": {"name": "a.svc.cluster.local"}}
    });
    let indicators = [
        "domain bad.example at indicators[0].value",
        "ip 192.0.2.1 at indicators[1].value",
    ];
    let observed = [
        "ip 10.0.0.1 at indicators[2].value",
        "domain a.svc.cluster.local at dns.question.name",
    ];
    check(&alert, &indicators, &observed, None);
}

#[test]
fn times_with_a_zone_go_first() {
    let check = |value: Value, expected: &str| {
        let got = times::when(&leaves(&value, ""), &Clock::UNKNOWN)
            .map(|when| format!("{} {}", when.ts, when.basis.as_str()));
        assert_eq!(got.as_deref(), Some(expected), "{value}");
    };
    check(
        json!({"time": "2023-05-10 09:02:03", "time_utc": "2023-05-10T01:02:03Z"}),
        "2023-05-10T01:02:03Z recorded",
    );
    check(
        json!({"time": "2023-05-10 09:02:03", "tz": "+08:00"}),
        "2023-05-10T01:02:03Z recorded",
    );
    check(
        json!({"time": "2023-05-10 09:02:03"}),
        "2023-05-10T09:02:03Z zone-assumed",
    );
    check(
        json!({"a": {"timestamp": "1683680523"}}),
        "2023-05-10T01:02:03Z recorded",
    );
    check(
        json!({"timestamp": 1683680523.25}),
        "2023-05-10T01:02:03.250Z recorded",
    );
    check(
        json!({"@timestamp": "2023-05-10T09:02:03.1+0800"}),
        "2023-05-10T01:02:03.100Z recorded",
    );
}

#[test]
fn names_to_words() {
    let check = |name: &str, expected: &str| assert_eq!(words(name).join(" "), expected);
    check("sourceIPAddress", "source ip address");
    check("k8s.pod.name", "k8s pod name");
    check("IpAddressV4", "ip address v4");
    check("@timestamp", "timestamp");
    check("SHA256", "sha256");
}

#[test]
fn what_is_and_is_not_an_alert() {
    let check = |text: &str, expected: Sniff| {
        let probe = Probe::new("a.txt", text.as_bytes(), true);
        assert_eq!(sniff(&probe), expected, "{text}");
    };
    check(
        "{\"alert_id\":1,\"alert_type\":\"x\",\"severity\":\"high\",\"rule\":\"y\"}",
        Sniff::Likely,
    );
    check(
        "[{\"labels\":{},\"annotations\":{},\"startsAt\":\"x\"}]",
        Sniff::Likely,
    );
    check("{\"level\":\"error\",\"msg\":\"x\",\"ts\":1}", Sniff::No);
    check("[{\"Id\":\"x\",\"State\":{},\"Config\":{}}]", Sniff::No);
    check(
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
        Sniff::No,
    );
    check("{\"MESSAGE\":\"x\",\"PRIORITY\":\"6\"}", Sniff::No);
    check("not json", Sniff::No);
}
