//! Services that take orders from whoever reaches them, and who reached them.
//!
//! For each control API or store that is known to have been a way in (docker, podman, kubelet, kube-apiserver, kubectl proxy, etcd,
//! redis, jupyter, hadoop-yarn, consul, nomad; mongodb, elasticsearch, vnc) three things are joined: **where it listens** (sockets of
//! ss, netstat, lsof; arguments of processes; units; docker info, daemon.json; the daemon's own log; published ports of containers),
//! **whether the packet filter lets strangers through** (the chain INPUT in order; published ports of containers pass it by), and
//! **who used it** (requests that were answered, flows that carried data, established sockets, conntrack).
//!
//! `callers` are addresses that used the service: a SYN scan, a connection that was reset or closed without data, a request that was refused
//! (401, 403, 404) is none. `outsiders` are callers that are neither in an inner network (RFC 1918, 6598, 4193) nor a host of the case
//! and whose use is no habit: a habit was there in the first tenth of what was captured, lasted for half of it, and came at least ten
//! times. The others are `internal`.
//!
//! **Severity.** High: it asks for nothing, and outsiders gave it orders (requests that change something), or, where requests are not to be
//! seen, they had sessions with an engine on whose host a container is surely an intruder's (`suspicious-container` at high). Medium: outsiders
//! only read; or it asks for nothing and listens on all or on a public address, and no rule drops strangers. Low: an inner address only,
//! a rule that drops strangers, or whether it asks is unknown. Info: it verifies its callers. On the loopback address or a unix socket it is
//! not told of at all, nor where it is only configured and the host's sockets don't show it, unless it was used.
//!
//! **Not seen**: filters in front of the host; what callers said inside of TLS. ssh and web servers are no subject here: they are meant to be
//! reached.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Severity};
use coldcase_timeline::TimelineError;

use crate::correlators::suspicious_container;
use crate::{CaseFacts, Correlator, View};

pub(super) mod callers;
mod catalog;
mod firewall;
pub(super) mod holding;
mod listen;
mod listeners;
mod statement;

use callers::{Callers, Outside, Use};
use catalog::{Auth, Service};
use firewall::{Firewall, Verdict};
use listen::Reach;
use listeners::{Listener, Listeners};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "exposed-service",
    title: "services that take orders from whoever reaches them, and who did",
    source: include_str!("exposed_service.rs"),
    rests_on: &[&suspicious_container::CORRELATOR],
    run,
};

/// A listener with all that bears on it.
struct Exposed<'a> {
    listener: &'a Listener,
    auth: Auth,
    verdict: Verdict,
    callers: BTreeMap<&'a str, &'a Use>,
    outsiders: BTreeSet<&'a str>,
    /// Whether a container of its host is surely an intruder's.
    has_intruder: bool,
}

impl Exposed<'_> {
    /// Orders that outsiders gave.
    fn orders(&self) -> usize {
        let of_outsiders = self
            .callers
            .iter()
            .filter(|(from, _)| self.outsiders.contains(*from));
        of_outsiders.map(|(_, used)| used.orders).sum()
    }

    /// How much it matters; nothing where it is not exposed.
    fn severity(&self) -> Option<Severity> {
        let reach = self.listener.reach()?;
        let (open, control) = (self.auth == Auth::Nothing, self.listener.service.control);
        if self.auth == Auth::Verified {
            let told = matches!(self.listener.service.name, "docker" | "podman");
            return (told && reach < Reach::Loopback).then_some(Severity::Info);
        }
        if reach == Reach::Loopback && self.callers.is_empty() {
            return None;
        }
        let used = !self.outsiders.is_empty();
        let makes_containers = matches!(self.listener.service.name, "docker" | "podman");
        let taken = self.orders() > 0 || (used && self.has_intruder && makes_containers);
        let closed = matches!(self.verdict, Verdict::Closed { .. });
        Some(match (open && control, used) {
            (true, true) if taken => Severity::High,
            (_, true) => Severity::Medium,
            (true, false) if reach <= Reach::Public && !closed => Severity::Medium,
            _ => Severity::Low,
        })
    }
}

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let listeners = Listeners::of(timeline)?;
    let outside = Outside::of(timeline, facts)?;
    let ports: BTreeSet<i32> = listeners.all.iter().map(|one| one.port).collect();
    let callers = Callers::of(timeline, &outside, &ports)?;
    let firewall = Firewall::from(timeline)?;
    let seen = seen_only(&listeners, &callers);
    if listeners.all.is_empty() && seen.is_empty() {
        return Ok(Vec::new());
    }
    let intruders = suspicious_container::hosts_with_intruders(timeline, facts)?;
    let mut findings = Vec::new();
    for listener in listeners.all.iter().chain(&seen) {
        let exposed = expose(listener, &callers, &outside, &firewall, &intruders);
        if listeners.is_gone(listener) && exposed.callers.is_empty() {
            continue;
        }
        if let Some(severity) = exposed.severity() {
            findings.push(statement::finding(
                &exposed,
                severity,
                &listeners.rows,
                &callers,
                &firewall,
            ));
        }
    }
    Ok(findings)
}

fn expose<'a>(
    listener: &'a Listener,
    callers: &'a Callers,
    outside: &Outside<'_>,
    firewall: &Firewall,
    intruders: &BTreeSet<String>,
) -> Exposed<'a> {
    let uses = callers.of_port(&listener.host, listener.port);
    let outsider = |from: &str, used: &Use| {
        outside.is_outside(from) && !callers.is_habit(&listener.host, listener.port, used)
    };
    let outsiders = uses
        .iter()
        .filter(|(from, used)| outsider(from, used))
        .map(|(from, _)| *from)
        .collect();
    Exposed {
        listener,
        auth: listener.auth.unwrap_or_else(|| listener.service.auth("")),
        verdict: firewall.verdict(&listener.host, listener.port),
        callers: uses,
        outsiders,
        has_intruder: intruders.contains(&listener.host),
    }
}

/// Engines that nothing but requests to them shows.
fn seen_only(listeners: &Listeners, callers: &Callers) -> Vec<Listener> {
    let mut seen: Vec<Listener> = Vec::new();
    for (host, address, port, engine) in &callers.engines {
        let same = |one: &Listener| one.host == *host && one.port == *port;
        let Some(service) = Service::named(engine) else {
            continue;
        };
        if listeners.all.iter().any(same) {
            continue;
        }
        let listener = Listener::called_at(host, service, address, *port);
        match seen.iter_mut().find(|one| same(one)) {
            Some(known) => known.join(listener),
            None => seen.push(listener),
        }
    }
    seen
}
