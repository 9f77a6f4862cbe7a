//! Who asked, and who only passed the question on.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::ObservableType;

use super::legs::Leg;
use crate::identity::Identities;

/// How far clocks and log times of one question may lie apart.
const SLACK_NS: i64 = 50_000_000;
/// How far records of one question, joined by its id, may lie apart.
const SAME_ID_NS: i64 = 5_000_000_000;
/// No resolver works on a question longer.
const LONGEST_OPEN_NS: i64 = 30_000_000_000;
/// Open questions that are looked at to explain one that is passed on.
const MOST_OPEN: usize = 4_096;

/// Pods that answer DNS by their trade, by the beginning of their names.
const RESOLVER_PODS: [&str; 12] = [
    "coredns",
    "core-dns",
    "rke2-coredns",
    "kube-dns",
    "node-local-dns",
    "nodelocaldns",
    "dnsmasq",
    "unbound",
    "bind9",
    "pdns-recursor",
    "pihole",
    "adguard",
];

/// Whether a pod of this name resolves for others.
fn is_resolver_pod(name: &str) -> bool {
    RESOLVER_PODS.iter().any(|start| name.starts_with(start))
}

/// Addresses on which a host's own stub resolver listens, and NodeLocal DNSCache: reachable from that host only.
fn is_stub(address: &str) -> bool {
    is_loopback(address) || address.starts_with("169.254.")
}

fn is_loopback(address: &str) -> bool {
    address.starts_with("127.") || address == "::1"
}

/// What addresses do in DNS.
pub(super) struct Roles<'a> {
    identities: &'a Identities,
    resolvers: BTreeSet<String>,
    /// Hosts on which a resolver's pod runs: they masquerade its questions.
    resolving_hosts: BTreeSet<String>,
    /// Whom ordinary clients ask.
    asked_by_clients: BTreeSet<&'a str>,
}

impl<'a> Roles<'a> {
    /// Roles of all that occur in these legs. `servers`: who of them serves how many others, and whether it
    /// answered.
    pub fn of(
        identities: &'a Identities,
        legs: &[Leg<'a>],
        servers: BTreeMap<String, (BTreeSet<String>, bool)>,
    ) -> Self {
        let mut resolvers: BTreeSet<String> = servers
            .into_iter()
            .filter(|(_, (clients, answered))| clients.len() > 1 || *answered)
            .map(|(address, _)| address)
            .collect();
        let mut resolving_hosts = BTreeSet::new();
        for (address, host) in identities.pods(is_resolver_pod) {
            let owner = identities.owner(address, host);
            if owner.is_none_or(|owner| owner.kind != ObservableType::Host) {
                resolvers.insert(address.to_owned());
            }
            resolving_hosts.extend(host.map(str::to_owned));
        }
        let mut roles = Self {
            identities,
            resolvers,
            resolving_hosts,
            asked_by_clients: BTreeSet::new(),
        };
        let asked = legs
            .iter()
            .filter(|leg| matches!(roles.role(leg), Role::Ordinary | Role::Unknown))
            .filter_map(|leg| leg.dst);
        roles.asked_by_clients = asked.collect();
        roles
    }

    fn is_resolver(&self, address: &str) -> bool {
        self.resolvers.contains(address)
    }

    /// What the asker of a leg is to DNS.
    fn role(&self, leg: &Leg<'_>) -> Role {
        if is_loopback(&leg.src) {
            // In a pod's log it is the pod itself, else a process of the host.
            return match leg.is_logged() && leg.by_pod {
                true => Role::Resolver,
                false => Role::Stub,
            };
        }
        if self.is_resolver(&leg.src) {
            return Role::Resolver;
        }
        match self.identities.owner(&leg.src, leg.host) {
            Some(owner) if owner.kind == ObservableType::Host => Role::Host {
                resolves: self.resolving_hosts.contains(&owner.value),
            },
            Some(_) => Role::Ordinary,
            None => Role::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A pod or a container.
    Ordinary,
    /// Answers others.
    Resolver,
    /// A host or node; `resolves`: a resolver's pod runs on it.
    Host { resolves: bool },
    /// A process on a host that asks the host's own stub.
    Stub,
    /// Nobody known.
    Unknown,
}

/// Who asked: address, and the host where an address means something there only.
pub(super) type Asker<'a> = (String, Option<&'a str>);

/// Questions sorted out.
#[derive(Default)]
pub(super) struct Askers<'l, 'a> {
    /// Those that asked.
    pub clients: BTreeMap<Asker<'a>, Vec<&'l Leg<'a>>>,
    /// Those that pass questions on, with what nobody's question explains.
    pub forwarders: BTreeMap<Asker<'a>, Vec<&'l Leg<'a>>>,
    /// How many questions were passed on for a client.
    pub forwarded: usize,
}

/// Sorts questions out.
pub(super) fn sort_out<'l, 'a>(legs: &[&'l Leg<'a>], roles: &Roles<'_>) -> Askers<'l, 'a> {
    let judged: Vec<(&Leg<'_>, Role)> = legs.iter().map(|leg| (*leg, roles.role(leg))).collect();
    let explained = explained(&judged, roles);
    let mut askers = Askers::default();
    for (index, leg) in legs.iter().enumerate() {
        if explained.contains(&index) {
            askers.forwarded += 1;
            continue;
        }
        let role = judged.get(index).map_or(Role::Unknown, |(_, role)| *role);
        // Whose loopback address it is, only the host says.
        let here = leg.host.filter(|_| is_loopback(&leg.src));
        let own = here.and_then(|host| roles.identities.address_of(host));
        let asker = match own {
            Some(own) => (own.to_owned(), None),
            None => (leg.src.clone(), here),
        };
        let passes_on = match role {
            Role::Resolver => true,
            Role::Host { resolves } => {
                resolves
                    && leg
                        .dst
                        .is_some_and(|dst| !roles.asked_by_clients.contains(dst))
            }
            _ => false,
        };
        let group = match passes_on {
            true => &mut askers.forwarders,
            false => &mut askers.clients,
        };
        group.entry(asker).or_default().push(leg);
    }
    askers
}

type Judged<'l, 'a> = (&'l Leg<'a>, Role);

/// Which of the questions another one explains.
fn explained(judged: &[Judged<'_, '_>], roles: &Roles<'_>) -> BTreeSet<usize> {
    let index = Index::of(judged);
    let mut found: BTreeSet<usize> = judged
        .iter()
        .enumerate()
        .filter(|(_, one)| index.is_translated(one) || index.is_forwarded(one, roles))
        .map(|(at, _)| at)
        .collect();
    // What a capture explains is explained in a log without times too.
    let keys: BTreeSet<_> = found
        .iter()
        .filter_map(|at| judged.get(*at)?.0.key())
        .collect();
    let others = judged
        .iter()
        .enumerate()
        .filter(|(_, (leg, _))| leg.key().is_some_and(|key| keys.contains(&key)))
        .map(|(at, _)| at);
    let others: Vec<usize> = others.collect();
    found.extend(others);
    found
}

/// Questions by what they have in common.
struct Index<'j, 'l, 'a> {
    /// Dated ones of the same name and type, in time order.
    same_question: BTreeMap<(&'a str, &'a str), Vec<(i64, &'j Judged<'l, 'a>)>>,
    /// Those of the same id, name and type.
    same_id: BTreeMap<(i64, &'a str, &'a str), Vec<&'j Judged<'l, 'a>>>,
    /// Whom they were put to.
    asked: BTreeSet<&'a str>,
}

impl<'j, 'l, 'a> Index<'j, 'l, 'a> {
    fn of(judged: &'j [Judged<'l, 'a>]) -> Self {
        let mut index = Self {
            same_question: BTreeMap::new(),
            same_id: BTreeMap::new(),
            asked: BTreeSet::new(),
        };
        for one in judged {
            let leg = one.0;
            index.asked.extend(leg.dst);
            if let Some(asked) = leg.asked {
                let group = index.same_question.entry((leg.name, leg.query_type));
                group.or_default().push((asked, one));
            }
            if let Some(id) = leg.id {
                let group = index.same_id.entry((id, leg.name, leg.query_type));
                group.or_default().push(one);
            }
        }
        for group in index.same_question.values_mut() {
            group.sort_by_key(|(asked, (leg, _))| (*asked, leg.row));
        }
        index
    }

    fn is_translated(&self, one: &Judged<'_, 'a>) -> bool {
        let leg = one.0;
        let twins = leg
            .id
            .and_then(|id| self.same_id.get(&(id, leg.name, leg.query_type)));
        let mut twins = twins.into_iter().flatten().take(MOST_OPEN);
        twins.any(|other| is_translated(one, other))
    }

    fn is_forwarded(&self, (leg, role): &Judged<'_, 'a>, roles: &Roles<'_>) -> bool {
        let passes_on = matches!(role, Role::Resolver | Role::Host { .. });
        if !passes_on && !self.asked.contains(leg.src.as_str()) {
            return false;
        }
        let (Some(group), Some(at)) = (
            self.same_question.get(&(leg.name, leg.query_type)),
            leg.asked,
        ) else {
            return false;
        };
        let end = group.partition_point(|(asked, _)| *asked <= at.saturating_add(SLACK_NS));
        let mut open = group
            .iter()
            .take(end)
            .rev()
            .take(MOST_OPEN)
            .take_while(|(asked, _)| *asked >= at.saturating_sub(LONGEST_OPEN_NS));
        open.any(|(_, (outer, _))| is_nested(leg, *role, outer, roles))
    }
}

/// Whether a record shows a question after its sender's address was translated: the other one shows it before.
fn is_translated((leg, role): &Judged<'_, '_>, (other, other_role): &Judged<'_, '_>) -> bool {
    let apart = leg
        .asked
        .zip(other.asked)
        .map(|(at, other)| at.abs_diff(other));
    if other.src == leg.src || apart.is_some_and(|apart| apart > SAME_ID_NS.unsigned_abs()) {
        return false;
    }
    let same_dst = leg.dst.is_some() && leg.dst == other.dst;
    let before = leg
        .asked
        .zip(other.asked)
        .is_some_and(|(at, other)| other < at);
    match (role, other_role) {
        (Role::Host { .. } | Role::Unknown, Role::Ordinary) => true,
        (Role::Host { .. } | Role::Unknown, Role::Resolver) => same_dst,
        // Of two unknown ones the capture sees the address before the log does.
        (Role::Unknown, Role::Unknown) => {
            (leg.is_logged() && !other.is_logged()) || (same_dst && before)
        }
        _ => false,
    }
}

/// Whether a question was put while another's was open, by someone who passes such on.
fn is_nested(leg: &Leg<'_>, role: Role, outer: &Leg<'_>, roles: &Roles<'_>) -> bool {
    let (Some(at), Some(asked), Some(until)) = (leg.asked, outer.asked, outer.until) else {
        return false;
    };
    let same_file = leg.file == outer.file;
    let slack = if same_file { 0 } else { SLACK_NS };
    if outer.src == leg.src && !is_loopback(&outer.src)
        || outer.row == leg.row
        || asked > at.saturating_add(slack)
        || until < at.saturating_sub(slack)
        || leg.dst == Some(outer.src.as_str())
    {
        return false;
    }
    if outer.dst == Some(leg.src.as_str()) {
        return true;
    }
    let elsewhere = outer.dst.is_none() || outer.dst != leg.dst;
    match role {
        Role::Resolver => elsewhere && !leg.is_logged(),
        Role::Host { resolves } => {
            let by_stub = outer.dst.is_some_and(is_stub) && outer.host == leg.host;
            let upstream = leg
                .dst
                .is_some_and(|dst| !roles.asked_by_clients.contains(dst));
            elsewhere && (by_stub || (resolves && upstream))
        }
        _ => false,
    }
}
