//! The answer in sentences.

use coldcase_model::Finding;
use serde_json::Value;

use super::owner::Owner;
use super::scene::{Scene, Sockets, moment};
use super::{Flood, Related, text};
use crate::CaseFacts;
use crate::facts::is_internal;

/// Names told in one list.
const MOST_NAMED: usize = 4;
/// Nanoseconds after a flood within which a table of sockets still speaks of it.
const STILL_ON: i64 = 60_000_000_000;

/// All that the text is made of.
pub(super) struct Told<'a> {
    pub facts: &'a CaseFacts,
    pub flood: &'a Flood<'a>,
    pub owner: Option<&'a Owner>,
    pub related: &'a Related<'a>,
    pub device: Option<&'a str>,
    pub scene: &'a Scene,
    pub card: Option<&'a str>,
    pub confidence: (f64, usize),
}

fn number(finding: &Finding, fact: &str) -> u64 {
    finding.facts.get(fact).and_then(Value::as_u64).unwrap_or(0)
}

fn list(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(shown.len());
    let shown = shown.join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

impl Told<'_> {
    pub fn question(&self) -> String {
        let target = self.flood.target.as_deref();
        let many = format!("{} destinations", number(self.flood.finding, "dst_count"));
        let flooded = target.map_or(many, str::to_owned);
        match (self.owner, self.flood.source) {
            (Some(owner), Some(source)) => {
                let device = self
                    .device
                    .map_or(String::new(), |device| format!(" {device}"));
                format!(
                    "what fills the egress link{device} of {}: who floods {flooded} from {source}",
                    owner.host
                )
            }
            (Some(owner), None) => format!(
                "what fills the egress link of {}: who floods {flooded}",
                owner.host
            ),
            (None, Some(source)) => format!("who floods {flooded} from {source}"),
            (None, None) => format!("who floods {flooded}"),
        }
    }

    pub fn text(&self, sockets: Option<&Sockets>) -> String {
        let mut said = vec![self.extent(), self.owned()];
        said.extend(sockets.and_then(|sockets| self.process(sockets)));
        said.extend(self.before());
        said.extend(self.agreeing());
        said.extend(self.alternatives());
        said.extend(self.unseen());
        said.push(self.next());
        said.join(" ")
    }

    fn extent(&self) -> String {
        let finding = self.flood.finding;
        let ports: Vec<String> = self.flood.ports.iter().map(i64::to_string).collect();
        let ratio = finding
            .facts
            .get("answered_ratio")
            .and_then(Value::as_f64)
            .unwrap_or(0.0);
        let span = match (self.flood.first, self.flood.last) {
            (Some(first), Some(last)) => format!(" from {} to {}", moment(first), moment(last)),
            _ => String::new(),
        };
        let device = self
            .device
            .map_or(String::new(), |device| format!(" through {device}"));
        let source = self.flood.source.unwrap_or("Made-up addresses");
        let subject = self.owner.map_or_else(
            || source.to_owned(),
            |owner| match self.flood.source {
                Some(source) => format!("{} ({source}){device}", owner.host),
                None => format!("{} under made-up addresses", owner.host),
            },
        );
        let verb = if self.owner.is_none() && self.flood.source.is_none() {
            "send"
        } else {
            "sends"
        };
        let to = match &self.flood.target {
            Some(target) => target.clone(),
            None => format!("{} destinations", number(finding, "dst_count")),
        };
        format!(
            "{subject} {verb} {} SYNs to {to}, port {}{span}: at most {} a second, {:.1} % answered.",
            number(finding, "syns"),
            list(&ports),
            number(finding, "peak_pps"),
            ratio * 100.0
        )
    }

    fn owned(&self) -> String {
        let Some(owner) = self.owner else {
            return match self.flood.source {
                None => "The source addresses are not real, and nothing at hand shows through which port or card they come: unknown.".to_owned(),
                Some(source) if is_internal(source) => {
                    let card = self.card.map_or(String::new(), |card| format!(" Neighbours see it at the network card {card}."));
                    format!("No host of the case, and nothing that it lists, has the address {source}: its name is unknown.{card}")
                }
                Some(source) => format!("{source} is an address outside, of no host of the case: unknown who is behind it."),
            };
        };
        let within = owner.within.as_ref().map_or(String::new(), |within| {
            let kind = format!("{:?}", within.kind).to_lowercase();
            format!(" There it is the {kind} {}.", within.value)
        });
        let (base, agreeing) = self.confidence;
        let plus = match agreeing {
            0 => String::new(),
            1 => "; one more source agrees and takes a third off the doubt".to_owned(),
            more => format!("; {more} more sources agree, each takes a third off the doubt"),
        };
        format!(
            "Whose address it is: {} ({base:.2}{plus}).{within}",
            owner.how
        )
    }

    /// Whether a process owns the sockets.
    fn process(&self, sockets: &Sockets) -> Option<String> {
        let tools: Vec<String> = sockets.tools.iter().cloned().collect();
        if sockets.listed == 0 {
            return Some("No table of sockets was collected: whether a process owns the connections is not known.".to_owned());
        }
        let when = sockets
            .at
            .map_or(String::new(), |(_, last)| format!(" at {}", moment(last)));
        let by_metering = !self.related.meters.is_empty();
        let late = sockets
            .at
            .zip(self.flood.last)
            .is_some_and(|((first, _), end)| first > end.saturating_add(STILL_ON))
            && !by_metering;
        let mut text = if sockets.attempting.is_empty() {
            let seen = format!(
                "Of the {} rows that {} show{when}, none attempts such a connection",
                sockets.listed,
                tools.join(" and ")
            );
            if !sockets.connections {
                format!("{seen}; but only listeners were asked for, so that this proves nothing.")
            } else if late {
                format!(
                    "{seen}; but they were listed after the captured flood, so that this proves little."
                )
            } else {
                format!(
                    "{seen}: no process owns them, the packets are made by raw sockets or in the kernel."
                )
            }
        } else {
            let processes = sockets
                .attempting
                .iter()
                .map(|(process, count)| format!("{process} ({count})"));
            let processes: Vec<String> = processes.collect();
            format!(
                "{} show{when} who attempts such connections: {}.",
                tools.join(" and "),
                list(&processes)
            )
        };
        if !sockets.raw.is_empty() {
            let raw: Vec<String> = sockets.raw.iter().cloned().collect();
            text.push_str(&format!(" Raw sockets are held by {}.", list(&raw)));
        }
        for hidden in self.related.hidden.iter().take(MOST_NAMED) {
            text.push_str(&format!(" See hidden-process: {}.", hidden.title));
        }
        Some(text)
    }

    fn before(&self) -> Option<String> {
        let titles = self.related.sessions.iter().map(|one| {
            let since = one.first.map_or(String::new(), |at| {
                format!(" (since {})", moment(at.nanos()))
            });
            format!("{}{since}", one.title)
        });
        let titles: Vec<String> = titles.collect();
        (!titles.is_empty())
            .then(|| format!("Who was on it before or meanwhile: {}.", list(&titles)))
    }

    fn agreeing(&self) -> Option<String> {
        let mut titles: Vec<String> = Vec::new();
        for one in self.related.meters.iter().chain(&self.related.metrics) {
            titles.push(one.title.clone());
        }
        let owner = self.owner?;
        if let Some(full) = self
            .scene
            .kernels
            .get(&owner.host)
            .map(|kernel| &kernel.full)
            && let (Some(first), Some(last)) = (full.first(), full.last())
        {
            titles.push(format!(
                "{}'s table of connections was full from {} to {}",
                owner.host,
                moment(*first),
                moment(*last)
            ));
        }
        if let Some((_, queue)) = self.scene.queues.get(&owner.host) {
            titles.push(format!("its queue {queue}"));
        }
        (!titles.is_empty()).then(|| format!("What agrees: {}.", titles.join("; ")))
    }

    /// Other big sources of the captures, and why they are not it.
    fn alternatives(&self) -> Option<String> {
        let mut others: Vec<_> = self
            .scene
            .sources
            .iter()
            .filter(|one| Some(one.address.as_str()) != self.flood.source)
            .collect();
        others.sort_by_key(|one| (std::cmp::Reverse(one.attempts), one.address.clone()));
        let others = others.iter().take(3).filter(|one| one.attempts > 1);
        let lost: Vec<String> = others
            .map(|one| {
                let answered = one.answered() * 100.0;
                let why = if answered >= 50.0 {
                    "its sessions complete"
                } else if one.attempts < 2 * one.peers.max(1) && one.peers > 1 {
                    "about one SYN a destination, a search"
                } else {
                    "too few, too slow"
                };
                format!(
                    "{} ({} attempts, {answered:.0} % answered: {why})",
                    one.address, one.attempts
                )
            })
            .collect();
        (!lost.is_empty()).then(|| format!("What it is not: {}.", lost.join(", ")))
    }

    fn unseen(&self) -> Option<String> {
        let owner = self.owner?;
        let audit = self.facts.covered(Some(&owner.host), &["auditd"], 0);
        let mut lacking: Vec<String> = Vec::new();
        if audit.is_empty() {
            lacking
                .push("no audit log, so that the program that began it is not recorded".to_owned());
        }
        let metrics = self
            .related
            .metrics
            .iter()
            .filter_map(|one| one.first)
            .min()
            .map(|at| at.nanos());
        if let Some((begin, surge)) = self
            .flood
            .first
            .zip(metrics)
            .filter(|(begin, surge)| surge < begin)
        {
            let hours = begin.saturating_sub(surge) as f64 / 3.6e12;
            lacking.push(format!("the capture begins {hours:.1} h after the traffic rose ({}), so that the flood's begin is only in the metrics", moment(surge)));
        }
        (!lacking.is_empty()).then(|| format!("Not to be seen here: {}.", lacking.join("; ")))
    }

    fn next(&self) -> String {
        let device = self.device.unwrap_or("DEVICE");
        match (self.owner, self.flood.source) {
            (Some(owner), source) => {
                let source = source.map_or(String::new(), |source| format!(" and src host {source}"));
                let hidden = self.related.hidden.iter().find_map(|one| one.facts.get("pid")?.as_i64());
                let pid = hidden.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
                format!(
                    "Fetch next from {}: `ss -ntp state syn-sent; ss -wnp; ss -0np; cat /proc/net/raw /proc/net/packet`, \
                     `ls -l /proc/{pid}/exe /proc/{pid}/cwd /proc/{pid}/fd`, `lsmod`, `timeout 10 tcpdump -nn -e -i {device} 'tcp[tcpflags] == tcp-syn{source}'` for the card's address, and the memory before it is switched off.",
                    owner.host
                )
            }
            (None, Some(source)) if is_internal(source) => format!(
                "Fetch next, from the gateway and the switches: `ip neigh show {source}`, `conntrack -L -s {source}`, `bridge fdb show`, `tcpdump -nn -e -c 20 'src host {source}'`."
            ),
            _ => "Fetch next: the ingress port's counters and flow records of the provider, `tcpdump -nn -e -c 100 'tcp[tcpflags] == tcp-syn'` for the cards that hand it over, and `nstat -az | grep -i syncookies`.".to_owned(),
        }
    }
}

pub(super) fn question_of_talker(finding: &Finding, inward: bool) -> String {
    let host = text(finding, "host").unwrap_or("a host");
    let device = text(finding, "device").map_or(String::new(), |device| format!(" {device}"));
    if inward {
        format!("who floods {host} through{device}")
    } else {
        format!("what fills the egress link{device} of {host}")
    }
}

/// The text of an answer from traffic alone.
pub(super) fn of_talker(
    finding: &Finding,
    owner: Option<&Owner>,
    sockets: Option<&Sockets>,
) -> String {
    let mut said = vec![format!("{}.", finding.title), finding.text.clone()];
    match owner {
        Some(owner) => said.push(format!("The sender is {}: {}.", owner.host, owner.how)),
        None => said.push("No host of the case has the sender's address: unknown.".to_owned()),
    }
    if let Some(sockets) = sockets.filter(|sockets| sockets.connections) {
        let tools: Vec<&str> = sockets.tools.iter().map(String::as_str).collect();
        let processes: Vec<String> = sockets
            .attempting
            .iter()
            .map(|(process, count)| format!("{process} ({count})"))
            .collect();
        said.push(if processes.is_empty() {
            format!(
                "Of the {} rows in {} none attempts a connection: no process owns what is sent.",
                sockets.listed,
                tools.join(" and ")
            )
        } else {
            format!(
                "{} show who attempts connections: {}.",
                tools.join(" and "),
                list(&processes)
            )
        });
    }
    said.push(
        "No capture is at hand: what is sent, to which ports and whether anybody answers is not to be seen. Fetch one: `tcpdump -nn -s 96 -C 100 -W 5 -i DEVICE -w egress.pcap`."
            .to_owned(),
    );
    said.join(" ")
}
