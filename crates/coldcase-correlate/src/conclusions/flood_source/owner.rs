//! Which host an address belongs to, from all that says so, the surest first.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Observable, ObservableType, action, canonical_ip};
use coldcase_timeline::{Selection, TimelineError};
use serde_json::Value;

use crate::{CaseFacts, Identities, View};

/// Confidence by what names the owner: the case's own hosts and engines' inspections, the host's own list of interfaces, an address
/// of the same network card, sockets that the host has with it, a translation table.
const BY_CASE: f64 = 0.92;
const BY_INTERFACE: f64 = 0.9;
const BY_CARD: f64 = 0.85;
const BY_SOCKETS: f64 = 0.8;
const BY_TRANSLATION: f64 = 0.8;
/// Unanswered translated connections from which a table names the sender behind a gateway, and the share that one must have.
const TRANSLATED: (u64, f64) = (100, 0.8);

/// The owner of an address.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub host: String,
    /// What on it has the address, where it is not the host itself.
    pub within: Option<Observable>,
    /// What says so, as part of a sentence.
    pub how: String,
    pub confidence: f64,
}

/// All that names owners.
pub(super) struct Owners<'a> {
    facts: &'a CaseFacts,
    identities: &'a Identities,
    interfaces: BTreeMap<String, BTreeSet<String>>,
    sockets: BTreeMap<String, BTreeSet<String>>,
    /// Network cards of hosts, and of addresses.
    cards: BTreeMap<String, String>,
    neighbours: BTreeMap<String, String>,
    /// Translated address to the senders behind it, with their unanswered connections by port.
    translated: BTreeMap<String, BTreeMap<(String, i64), u64>>,
    /// The device that carries an address.
    devices: BTreeMap<String, String>,
}

fn said(rows: &Selection, row: usize) -> Value {
    let text = rows.text("attributes", row);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}

fn is_of_link(address: &str) -> bool {
    let parsed: Option<std::net::IpAddr> = address.parse().ok();
    parsed.is_some_and(|address| !address.is_loopback() && !address.is_unspecified())
}

impl<'a> Owners<'a> {
    pub fn read(timeline: &'a View<'_>, facts: &'a CaseFacts) -> Result<Self, TimelineError> {
        let mut owners = Self {
            facts,
            identities: &timeline.identities,
            interfaces: BTreeMap::new(),
            sockets: BTreeMap::new(),
            cards: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            translated: BTreeMap::new(),
            devices: BTreeMap::new(),
        };
        let columns = ["host", "format", "src_ip", "dst_port", "attributes"];
        let own = [
            action::INTERFACE_LISTED,
            action::HOST_LISTED,
            action::NEIGHBOUR_LISTED,
        ];
        let rows = timeline.select(&own, &columns)?;
        (0..rows.rows()).for_each(|row| owners.listed(&rows, row));
        let rows = timeline.select(&[action::FLOW_LISTED], &columns)?;
        (0..rows.rows()).for_each(|row| owners.flow(&rows, row));
        let rows = timeline.select(&[action::SOCKET_LISTED], &["host", "src_ip"])?;
        for row in 0..rows.rows() {
            if let (Some(host), Some(address)) = (rows.text("host", row), rows.text("src_ip", row))
                && is_of_link(address)
            {
                claim(&mut owners.sockets, address, host);
            }
        }
        Ok(owners)
    }

    fn listed(&mut self, rows: &Selection, row: usize) {
        let said = said(rows, row);
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let listed = said.get("addresses").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().filter_map(Value::as_str);
        let addresses = listed.chain(rows.text("src_ip", row));
        let addresses: Vec<String> = addresses
            .filter_map(|text| canonical_ip(text.split('/').next().unwrap_or(text)))
            .filter(|address| is_of_link(address))
            .map(|address| address.into_owned())
            .collect();
        if rows.text("action", row) == Some(action::NEIGHBOUR_LISTED) {
            if let (Some(address), Some(card)) = (addresses.first(), text("mac")) {
                self.neighbours.insert(address.clone(), card.to_lowercase());
            }
            return;
        }
        let Some(host) = rows.text("host", row) else {
            return;
        };
        if let Some(card) = text("mac") {
            self.cards.insert(card.to_lowercase(), host.to_owned());
        }
        for address in addresses {
            claim(&mut self.interfaces, &address, host);
            if let Some(device) = text("interface") {
                self.devices
                    .entry(address)
                    .or_insert_with(|| device.to_owned());
            }
        }
    }

    fn flow(&mut self, rows: &Selection, row: usize) {
        let said = said(rows, row);
        let flag = |name: &str| said.get(name).and_then(Value::as_bool) == Some(true);
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let Some(source) = rows.text("src_ip", row) else {
            return;
        };
        if flag("total") {
            // iftop's head: the address of the device that it listens on.
            if let Some(host) = rows.text("host", row) {
                claim(&mut self.interfaces, source, host);
            }
            if let Some(device) = text("interface") {
                self.devices
                    .entry(source.to_owned())
                    .or_insert_with(|| device.to_owned());
            }
        } else if flag("translated") && (flag("unreplied") || text("state") == Some("SYN_SENT")) {
            let address = text("reply_dst").and_then(|end| end.rsplit_once(':'));
            if let Some(address) = address.and_then(|(address, _)| canonical_ip(address)) {
                let port = rows.int("dst_port", row).map_or(-1, i64::from);
                let senders = self.translated.entry(address.into_owned()).or_default();
                *senders.entry((source.to_owned(), port)).or_default() += 1;
            }
        }
    }

    /// The device that carries an address.
    pub fn device_of(&self, address: &str) -> Option<&str> {
        self.devices.get(address).map(String::as_str)
    }

    /// Whose an address was from one moment to another; `ports` are those that it flooded.
    pub fn of(
        &self,
        address: &str,
        span: (Option<i64>, Option<i64>),
        ports: &[i64],
    ) -> Option<Owner> {
        if let Some((sender, connections)) = self.behind(address, ports)
            && let Some(mut owner) = self.direct(&sender, span)
        {
            let gateway = self
                .direct(address, span)
                .map_or(String::new(), |one| format!(" ({})", one.host));
            owner.how = format!(
                "conntrack shows {connections} unanswered connections of {sender} translated to {address}{gateway}; {}",
                owner.how
            );
            owner.confidence = owner.confidence.min(BY_TRANSLATION);
            return Some(owner);
        }
        self.direct(address, span)
    }

    /// The one sender behind a translated address.
    fn behind(&self, address: &str, ports: &[i64]) -> Option<(String, u64)> {
        let (least, share) = TRANSLATED;
        let entries = self
            .translated
            .get(address)?
            .iter()
            .filter(|((_, port), _)| ports.is_empty() || ports.contains(port));
        let mut senders: BTreeMap<&str, u64> = BTreeMap::new();
        for ((sender, _), count) in entries {
            *senders.entry(sender).or_default() += count;
        }
        let all: u64 = senders.values().sum();
        let most = senders
            .into_iter()
            .max_by_key(|(sender, count)| (*count, std::cmp::Reverse(*sender)))?;
        (most.1 >= least && most.1 as f64 >= share * all as f64)
            .then(|| (most.0.to_owned(), most.1))
    }

    fn direct(&self, address: &str, (from, to): (Option<i64>, Option<i64>)) -> Option<Owner> {
        if let Some(host) = self.facts.host_with(address) {
            return Some(owner(&host.name, "the case says so", BY_CASE));
        }
        let held = self.identities.at(address, from, to).best;
        if let Some(holder) = held {
            let is_host = holder.observable.kind == ObservableType::Host;
            let host = if is_host {
                Some(holder.observable.value.clone())
            } else {
                holder.host.clone()
            };
            if let Some(host) = host {
                return Some(Owner {
                    within: (!is_host).then_some(holder.observable),
                    ..owner(&host, &holder.source, BY_CASE)
                });
            }
        }
        let only = |claims: &BTreeMap<String, BTreeSet<String>>| {
            let hosts = claims.get(address)?;
            hosts.first().filter(|_| hosts.len() == 1).cloned()
        };
        if let Some(host) = only(&self.interfaces) {
            return Some(owner(
                &host,
                "its own list of interfaces has it",
                BY_INTERFACE,
            ));
        }
        let card = self.neighbours.get(address);
        if let Some((card, host)) = card.and_then(|card| Some((card, self.cards.get(card)?))) {
            return Some(owner(
                host,
                &format!("neighbours see it at the network card {card} of that host"),
                BY_CARD,
            ));
        }
        only(&self.sockets)
            .map(|host| owner(&host, "its sockets have it as their own end", BY_SOCKETS))
    }

    /// The network card that neighbours see an address at.
    pub fn card_of(&self, address: &str) -> Option<&str> {
        self.neighbours.get(address).map(String::as_str)
    }
}

fn owner(host: &str, how: &str, confidence: f64) -> Owner {
    Owner {
        host: host.to_owned(),
        within: None,
        how: how.to_owned(),
        confidence,
    }
}

fn claim(claims: &mut BTreeMap<String, BTreeSet<String>>, address: &str, host: &str) {
    claims
        .entry(address.to_owned())
        .or_default()
        .insert(host.to_owned());
}
