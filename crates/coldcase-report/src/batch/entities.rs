//! What findings name that two incidents may share: addresses, domains, images, keys, users, hashes, hosts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use coldcase_model::{
    Finding, Observable, ObservableType, Severity, Timestamp, canonical_domain, canonical_ip,
};
use serde_json::Value as Json;

use super::{BatchCase, Span};

/// Kinds of what incidents share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum EntityKind {
    Address,
    Domain,
    Image,
    Key,
    Hash,
    User,
    Host,
}

impl EntityKind {
    /// All, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Address,
        Self::Domain,
        Self::Image,
        Self::Key,
        Self::Hash,
        Self::User,
        Self::Host,
    ];
}

/// Something that may be shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// Its kind.
    pub kind: EntityKind,
    /// In the form of the timeline.
    pub text: String,
}

/// What the findings of one case say of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The worst of the findings that name it.
    pub severity: Severity,
    /// Correlators of those findings, kinds of conclusions.
    pub by: Vec<&'static str>,
    pub span: Option<Span>,
}

/// Facts whose texts are of one kind. Addresses are told by their form, in any fact.
const FACTS: [(&str, EntityKind); 8] = [
    ("domain", EntityKind::Domain),
    ("image", EntityKind::Image),
    ("fingerprint", EntityKind::Key),
    ("sha256", EntityKind::Hash),
    ("md5", EntityKind::Hash),
    ("user", EntityKind::User),
    ("users", EntityKind::User),
    ("host", EntityKind::Host),
];
/// Facts that tell settings of the correlator, not of the evidence.
const SETTINGS: [&str; 1] = ["thresholds"];
/// Objects and lists within a fact.
const DEEPEST: usize = 8;

/// All that the findings and conclusions of a case name.
pub(super) fn of_case(case: &BatchCase) -> BTreeMap<Value, Said> {
    let mut all: BTreeMap<Value, Said> = BTreeMap::new();
    for finding in &case.findings.findings {
        let span = Span::of(finding.first.into_iter().chain(finding.last));
        for value in of_finding(finding) {
            say(&mut all, value, finding.severity, finding.correlator, span);
        }
    }
    for conclusion in &case.findings.conclusions {
        let named = [&conclusion.about, &conclusion.answer].into_iter();
        for value in named
            .chain(&conclusion.candidates)
            .filter_map(of_observable)
        {
            // A conclusion is at least as serious as what it rests on.
            let rests_on = case.findings.findings.iter();
            let rests_on = rests_on.filter(|one| conclusion.because.contains(&one.id));
            let severity = rests_on
                .map(|one| one.severity)
                .max()
                .unwrap_or(Severity::Low);
            say(&mut all, value, severity, conclusion.kind, None);
        }
    }
    all
}

fn say(
    all: &mut BTreeMap<Value, Said>,
    value: Value,
    severity: Severity,
    by: &'static str,
    span: Option<Span>,
) {
    let said = all.entry(value).or_insert_with(|| Said {
        severity,
        by: Vec::new(),
        span: None,
    });
    said.severity = said.severity.max(severity);
    if let Err(at) = said.by.binary_search(&by) {
        said.by.insert(at, by);
    }
    let moments = said.span.into_iter().chain(span);
    let moments: Vec<Timestamp> = moments.flat_map(|span| [span.first, span.last]).collect();
    said.span = Span::of(moments.into_iter());
}

fn of_finding(finding: &Finding) -> Vec<Value> {
    let mut values: Vec<Value> = finding.subjects.iter().filter_map(of_observable).collect();
    for (name, fact) in &finding.facts {
        if !SETTINGS.contains(&name.as_str()) {
            of_fact(name, fact, 0, &mut values);
        }
    }
    let text = |name: &str| finding.facts.get(name).and_then(Json::as_str);
    for (name, kind) in [("entity", "entity_type"), ("indicator", "indicator_type")] {
        let kind = match text(kind) {
            Some("domain" | "url") => EntityKind::Domain,
            Some("hash") => EntityKind::Hash,
            Some("image") => EntityKind::Image,
            Some("user") => EntityKind::User,
            Some("key") => EntityKind::Key,
            _ => continue,
        };
        values.extend(text(name).and_then(|text| value(kind, text)));
    }
    values
}

fn of_fact(name: &str, fact: &Json, depth: usize, values: &mut Vec<Value>) {
    if depth > DEEPEST {
        return;
    }
    match fact {
        Json::String(text) => {
            if let Some(address) = address(text) {
                values.push(address);
            } else if let Some((_, kind)) = FACTS.iter().find(|(fact, _)| *fact == name) {
                values.extend(value(*kind, text));
            }
        }
        Json::Array(items) => items
            .iter()
            .for_each(|item| of_fact(name, item, depth + 1, values)),
        Json::Object(fields) => {
            let text = |field: &str| fields.get(field).and_then(Json::as_str);
            let kind = match text("type") {
                Some("domain") => Some(EntityKind::Domain),
                Some("image") => Some(EntityKind::Image),
                Some("user") => Some(EntityKind::User),
                Some("host") => Some(EntityKind::Host),
                _ => None,
            };
            if let (Some(kind), Some(text)) = (kind, text("value")) {
                values.extend(value(kind, text));
            }
            for (name, field) in fields {
                of_fact(name, field, depth + 1, values);
            }
        }
        _ => {}
    }
}

fn of_observable(observable: &Observable) -> Option<Value> {
    let kind = match observable.kind {
        ObservableType::Ip => return address(&observable.value),
        ObservableType::Domain => EntityKind::Domain,
        ObservableType::Image => EntityKind::Image,
        ObservableType::User => EntityKind::User,
        ObservableType::Host => EntityKind::Host,
        _ => return None,
    };
    value(kind, &observable.value)
}

fn value(kind: EntityKind, text: &str) -> Option<Value> {
    let text = match kind {
        EntityKind::Domain => canonical_domain(text).into_owned(),
        EntityKind::Hash => text.to_ascii_lowercase(),
        _ => text.to_owned(),
    };
    // A host or a name may be known by its address alone.
    address(&text).or_else(|| (!text.is_empty()).then_some(Value { kind, text }))
}

/// An address, alone or with a port.
fn address(text: &str) -> Option<Value> {
    let socket = || {
        text.parse::<SocketAddr>()
            .ok()
            .map(|socket| socket.ip().to_string())
    };
    let bare = canonical_ip(text).map(std::borrow::Cow::into_owned);
    let bare = bare.or_else(|| canonical_ip(&socket()?).map(std::borrow::Cow::into_owned))?;
    Some(Value {
        kind: EntityKind::Address,
        text: bare,
    })
}

/// Resolvers that anyone's machines ask: Google, Cloudflare, Quad9, OpenDNS, 114DNS, AliDNS, DNSPod, Baidu.
const RESOLVERS: [&str; 22] = [
    "8.8.8.8",
    "8.8.4.4",
    "1.1.1.1",
    "1.0.0.1",
    "9.9.9.9",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
    "114.114.114.114",
    "114.114.115.115",
    "223.5.5.5",
    "223.6.6.6",
    "119.29.29.29",
    "180.76.76.76",
    "2001:4860:4860::8888",
    "2001:4860:4860::8844",
    "2606:4700:4700::1111",
    "2606:4700:4700::1001",
    "2620:fe::fe",
    "2400:3200::1",
    "2400:3200:baba::1",
    "168.63.129.16",
];
/// Accounts of every machine.
const ACCOUNTS: [&str; 6] = ["root", "nobody", "daemon", "bin", "sys", "sync"];
/// Accounts that guessers of passwords try wherever they are.
const GUESSED: [&str; 16] = [
    "admin",
    "administrator",
    "deploy",
    "dev",
    "ftp",
    "ftpuser",
    "git",
    "guest",
    "mysql",
    "oracle",
    "pi",
    "postgres",
    "test",
    "ubuntu",
    "user",
    "www",
];
/// Names that mean a machine itself or the estate it is in.
const NAMES: [&str; 5] = [
    "localhost",
    "localhost.localdomain",
    "in-addr.arpa",
    "ip6.arpa",
    "cluster.local",
];

impl Value {
    /// Whether any two machines share it: that says nothing.
    pub(super) fn is_common(&self) -> bool {
        let text = self.text.as_str();
        match self.kind {
            EntityKind::Address => RESOLVERS.contains(&text) || is_everywhere(text),
            EntityKind::User => ACCOUNTS.contains(&text),
            EntityKind::Domain => NAMES.iter().any(|name| {
                text.strip_suffix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }),
            EntityKind::Host => text == "localhost",
            _ => false,
        }
    }

    /// Whether it is an account that is tried everywhere.
    pub(super) fn is_guessed(&self) -> bool {
        self.kind == EntityKind::User && GUESSED.contains(&self.text.as_str())
    }

    /// Whether it is an address that another network may use for another machine.
    pub(super) fn is_private(&self) -> bool {
        self.kind == EntityKind::Address
            && match self.text.parse::<IpAddr>() {
                Ok(IpAddr::V4(v4)) => v4.is_private() || is_shared_space(v4),
                Ok(IpAddr::V6(v6)) => v6.is_unique_local(),
                Err(_) => false,
            }
    }
}

/// Loopback, none, all, groups, and links of one segment.
fn is_everywhere(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => {
            v4.is_loopback()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_link_local()
        }
        Ok(IpAddr::V6(v6)) => is_everywhere_v6(v6),
        Err(_) => false,
    }
}

fn is_everywhere_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local()
}

/// 100.64.0.0/10, behind carriers' NAT (RFC 6598).
fn is_shared_space(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    first == 100 && (64..128).contains(&second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_name_what_may_be_shared() {
        let facts = json!({
            "remote": "203.0.113.7:5555", "callers": ["10.0.0.1", "::ffff:192.0.2.9"], "image": "x/y", "users": ["bob"],
            "client": {"type": "pod", "value": "a/b"}, "cause": {"type": "user", "value": "eve"}, "why": ["made by 192.0.2.8, from outside"],
            "indicator": "Bad.Example.", "indicator_type": "domain", "id": "ab", "thresholds": {"host": "no"}, "fingerprint": "SHA256:x",
        });
        let mut values = of_finding(&Finding {
            id: String::new(),
            correlator: "miner",
            title: String::new(),
            severity: Severity::High,
            confidence: 1.0,
            first: None,
            last: None,
            subjects: vec![
                Observable::new(ObservableType::Host, "h"),
                Observable::new(ObservableType::Host, "10.30.0.16:9100"),
            ],
            facts: facts.as_object().expect("an object").clone(),
            attack: Vec::new(),
            evidence: Vec::new(),
            text: String::new(),
        });
        values.sort();
        let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "10.0.0.1",
                "10.30.0.16",
                "192.0.2.9",
                "203.0.113.7",
                "bad.example",
                "x/y",
                "SHA256:x",
                "bob",
                "eve",
                "h"
            ]
        );
    }

    #[test]
    fn what_is_everywhere_says_nothing() {
        let check = |kind: EntityKind, text: &str, common: bool, private: bool| {
            let value = Value {
                kind,
                text: text.into(),
            };
            assert_eq!(
                (value.is_common(), value.is_private()),
                (common, private),
                "{text}"
            );
        };
        check(EntityKind::Address, "127.0.0.53", true, false);
        check(EntityKind::Address, "::1", true, false);
        check(EntityKind::Address, "fe80::1", true, false);
        check(EntityKind::Address, "8.8.8.8", true, false);
        check(EntityKind::Address, "10.0.0.1", false, true);
        check(EntityKind::Address, "100.64.0.1", false, true);
        check(EntityKind::Address, "192.0.2.1", false, false);
        check(EntityKind::User, "root", true, false);
        check(EntityKind::User, "rooty", false, false);
        check(EntityKind::Domain, "x.cluster.local", true, false);
        check(EntityKind::Domain, "mycluster.local", false, false);
    }
}
