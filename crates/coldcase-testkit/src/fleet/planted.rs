//! What was planted in a fleet, and what looks alike and is none.

use coldcase_model::{Attributes, Event, Timestamp, action, outcome};
use serde_json::{Value, json};

use super::everyday::{asked, cron, executed, job_run, key, listen, unit};
use super::rows::Rows;
use super::{BEGIN_NS, DAY_NS, Fleet, HOUR_NS, Host};

/// Something that some hosts have, and since when where a record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Kind of entity, as a lake's sightings have it.
    pub kind: &'static str,
    /// The entity.
    pub value: String,
    /// Hosts in the order in which they got it, with the time where one is recorded.
    pub hosts: Vec<(String, Option<i64>)>,
}

/// What was planted where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What few hosts have: an implant, a key that moved, a domain, units, a cron line, a port.
    pub things: Vec<Thing>,
    /// Hosts of a chain of logins in order.
    pub chain: Vec<Host>,
    /// Hosts between which logins follow each other in the wrong order of time: no chain.
    pub no_chain: Vec<Host>,
    /// Hosts that call one destination at regular intervals.
    pub beacon: Vec<String>,
    /// Hosts that flooded on one day.
    pub flood: Vec<String>,
    /// A host that flooded alone, on another day.
    pub flood_alone: String,
    /// Hosts with logins in the same hours only.
    pub window: Vec<String>,
    /// A host with other hours.
    pub window_alone: String,
    /// Hosts without an audit log.
    pub without_audit: Vec<String>,
    /// A host, and an address of no host that logged in there.
    pub stranger: (String, String),
}

/// The domain of the intruder; hosts ask for a name below it.
pub const DOMAIN: &str = "c2.evil.example";
/// A name that ends alike and is none of it.
const ALIKE: &str = "notc2.evil.example";
/// What beacons call.
pub const BEACON: &str = "203.0.113.77";
const IMPLANT: &str = "/var/tmp/.x/upd";
const MOVED_KEY: &str = "SHA256:movedmovedmovedmovedmovedmovedmovedmovedmov";

impl Truth {
    pub(super) fn of(fleet: &Fleet) -> Self {
        // Hosts far from each other, each once, none of them the bastion.
        let count = fleet.hosts.saturating_sub(1).max(1);
        let host = |place: usize| fleet.host(1 + place * 7_919 % count);
        let hosts = |from: usize, to: usize| -> Vec<Host> { (from..to).map(host).collect() };
        let names = |from, to| {
            hosts(from, to)
                .into_iter()
                .map(|host| host.name)
                .collect::<Vec<_>>()
        };
        let dated = |from: usize, to: usize, begin: i64| -> Vec<(String, Option<i64>)> {
            let named = names(from, to).into_iter().zip(0..);
            named
                .map(|(name, nth)| (name, Some(begin + nth * 5 * HOUR_NS)))
                .collect()
        };
        let listed = |from, to| {
            names(from, to)
                .into_iter()
                .map(|name| (name, None))
                .collect::<Vec<_>>()
        };
        let thing = |kind, value: &str, hosts| Thing {
            kind,
            value: value.to_owned(),
            hosts,
        };
        let day = |day: i64| BEGIN_NS + day * DAY_NS;
        let things = vec![
            thing("exe", IMPLANT, dated(0, 6, day(3))),
            thing("job", IMPLANT, dated(0, 6, day(3))),
            thing("key", MOVED_KEY, dated(6, 10, day(5))),
            thing("domain", &format!("a.{DOMAIN}"), dated(10, 13, day(4))),
            thing("domain", ALIKE, dated(13, 14, day(4))),
            thing(
                "unit",
                "sysupdate.service /usr/lib/.cache/sysupd",
                listed(14, 15),
            ),
            thing("unit", "agent.service /opt/agent/run", listed(15, 18)),
            thing("cron", "@reboot root /dev/shm/.k", listed(18, 19)),
            thing("job", "/dev/shm/.k", listed(18, 19)),
            thing("port", "tcp/31337", listed(19, 20)),
        ];
        Self {
            things,
            chain: hosts(20, 24),
            no_chain: hosts(24, 27),
            beacon: names(27, 32),
            flood: names(32, 36),
            flood_alone: host(36).name,
            window: names(37, 40),
            window_alone: host(40).name,
            without_audit: names(41, 43),
            stranger: (host(43).name, "10.99.0.9".to_owned()),
        }
    }

    /// When each login of the chain was.
    pub fn chain_ns(&self, link: usize) -> i64 {
        BEGIN_NS + 6 * DAY_NS + i64::try_from(link).unwrap_or(0) * 2 * HOUR_NS
    }
}

pub(super) fn make(truth: &Truth, host: &Host, rows: &mut Rows<'_>) {
    for thing in &truth.things {
        let here = thing.hosts.iter().find(|(name, _)| *name == host.name);
        if let Some((_, since)) = here {
            plant(thing, *since, host, rows);
        }
    }
    for (link, pair) in truth.chain.windows(2).enumerate() {
        if let [from, to] = pair
            && to == host
        {
            login(rows, truth.chain_ns(link), &from.address, "svc", None);
        }
    }
    for (link, pair) in truth.no_chain.windows(2).enumerate() {
        if let [from, to] = pair
            && to == host
        {
            let day = 8 - 5 * i64::try_from(link).unwrap_or(0);
            login(rows, BEGIN_NS + day * DAY_NS, &from.address, "svc", None);
        }
    }
    if truth.stranger.0 == host.name {
        login(rows, BEGIN_NS + 7 * DAY_NS, &truth.stranger.1, "root", None);
    }
}

fn plant(thing: &Thing, since: Option<i64>, host: &Host, rows: &mut Rows<'_>) {
    let value = thing.value.as_str();
    let split = || value.split_once(' ').unwrap_or((value, ""));
    match (thing.kind, since) {
        ("exe", Some(at)) => rows.at("auditd", "audit.log", at, executed(value)),
        ("job", Some(at)) => rows.at("authlog", "auth.log", at, job_run(value)),
        ("key", Some(at)) => {
            login(rows, at, "198.51.100.9", "root", Some(value));
            key(rows, "root/.ssh/authorized_keys", value);
        }
        ("domain", Some(at)) => rows.at("dnsmasq", "dnsmasq.log", at, asked(host, value)),
        ("unit", _) => unit(rows, split().0, split().1),
        ("cron", _) => {
            let words: Vec<&str> = value.splitn(3, ' ').collect();
            if let [schedule, _, command] = words.as_slice() {
                cron(rows, schedule, command);
            }
        }
        ("port", _) => listen(rows, 31_337, "x"),
        // A cron line shows its command too.
        _ => {}
    }
}

fn login(rows: &mut Rows<'_>, at: i64, from: &str, user: &str, key: Option<&str>) {
    let mut attributes = Attributes::new();
    attributes.text(
        "method",
        if key.is_some() {
            "publickey"
        } else {
            "password"
        },
    );
    attributes.text_if("key", key);
    rows.at(
        "authlog",
        "auth.log",
        at,
        Event {
            outcome: Some(outcome::SUCCESS),
            src_ip: Some(from.to_owned().into()),
            src_port: Some(40_000),
            user: Some(user.to_owned().into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(format!("Accepted login for {user} from {from} port 40000 ssh2").into()),
            ..Event::new(action::SSH_LOGIN)
        },
    );
}

/// The findings that the host's case has, as its correlators would have stated them.
pub(super) fn findings(truth: &Truth, host: &Host) -> Vec<Value> {
    let is_in = |names: &[String]| names.contains(&host.name);
    let mut found = Vec::new();
    if is_in(&truth.beacon) {
        let facts = json!({
            "src": host.address, "dst": BEACON, "dst_port": 443, "period_seconds": 300.0, "jitter_seconds": 1.5,
            "events": 200, "score": 0.9,
        });
        found.push(finding(host, "beacon", "eth0.pcap", 2, facts, BEACON));
    }
    let floods = [
        (is_in(&truth.flood), 5),
        (host.name == truth.flood_alone, 7),
    ];
    for (_, day) in floods.iter().filter(|(is_here, _)| *is_here) {
        let facts = json!({
            "src_ip": host.address, "kind": "fan-out", "dst_count": 900, "dst_ports": [80], "syns": 90_000,
            "answered_ratio": 0.01, "peak_pps": 4_000,
        });
        found.push(finding(
            host,
            "syn-flood",
            "eth0.pcap",
            *day,
            facts,
            &host.address,
        ));
    }
    let windows = [
        (is_in(&truth.window), "00:00", "04:00"),
        (host.name == truth.window_alone, "02:00", "03:00"),
    ];
    for (_, start, end) in windows.iter().filter(|(is_here, ..)| *is_here) {
        let facts = json!({
            "entity": "198.51.100.44", "action": "ssh-login", "timezone": "UTC", "window_start": start,
            "window_end": end, "days_active": 9, "days_span": 10, "events": 90, "events_in_window": 90,
            "p_value": 0.0001,
        });
        found.push(finding(
            host,
            "periodic-window",
            "auth.log",
            1,
            facts,
            "198.51.100.44",
        ));
    }
    found
}

fn finding(host: &Host, correlator: &str, file: &str, day: i64, facts: Value, ip: &str) -> Value {
    let first = Timestamp(BEGIN_NS + day * DAY_NS + HOUR_NS).to_string();
    let last = Timestamp(BEGIN_NS + day * DAY_NS + 6 * HOUR_NS).to_string();
    json!({
        "id": format!("{correlator}-{:016x}", host.index),
        "correlator": correlator,
        "title": format!("{correlator} of {ip}"),
        "severity": "medium",
        "confidence": 0.8,
        "first": first,
        "last": last,
        "subjects": [{ "type": "ip", "value": ip }],
        "facts": facts,
        "attack": [],
        "evidence": [{
            "file": format!("{}/{file}", host.name), "line": 1, "ts": first, "text": format!("first record of {correlator}"),
        }],
        "text": "",
    })
}
