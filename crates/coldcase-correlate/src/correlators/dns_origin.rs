//! Who asked for a domain that is known to be bad.
//!
//! An alert on a malicious name mostly points at a resolver: CoreDNS, a node's DNS cache, a company's
//! server. They only pass questions on. For every indicator of type domain the questions for it and for
//! names below it are taken from captures and from resolvers' logs, and each is asked whether it was passed
//! on: a question is, if it was put while another's for the same name and type was still open, by someone who
//! serves others, or by the node that such a pod runs on. What was not answered from elsewhere came from a
//! cache. Whoever is left, asked. A name that merely looks like the indicator (`notevil.example`,
//! `evil.example.mirror.test`) is another name.
//!
//! `queries` are questions as sent, repetitions included, each once however many records show it: copies on
//! several interfaces, captures of two hosts, a capture and the resolver's log. The same name with a search
//! suffix behind it (`evil.example.prod.svc.cluster.local`) is part of the same lookup and not counted; it
//! tells the asker's namespace, which decides between pods that may have had the address. Which suffixes
//! are searched is learned from the evidence.
//!
//! Addresses are given back and handed out again, so `client` is who held the address at the time of the
//! questions; where several fit equally, `client` is unknown and `candidates` names them. An address
//! that changed hands between questions gives a finding for each holder.
//!
//! Severity is high for a client. A resolver is reported at medium, and only where no client is seen.
//!
//! Limits: a log without times proves no order; behind masquerading only the node is known; what asked in
//! the pod is not in DNS evidence at all.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType};
use coldcase_timeline::{Selection, TimelineError};

use crate::identity::{Fit, Holder, Identities, Resolution};
use crate::{CaseFacts, Correlator, View};

mod after;
mod legs;
mod names;
mod origin;
mod statement;
mod words;

use after::After;
use legs::Leg;
use names::{Indicators, Names};
use origin::Roles;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "dns-origin",
    title: "who asked for a domain that is known to be bad",
    source: include_str!("dns_origin.rs"),
    rests_on: &[],
    run,
};

/// A lookup with all its search suffixes takes no longer.
const LOOKUP_NS: i64 = 5_000_000_000;
/// In a log without times a lookup's lines stand this close together.
const LOOKUP_LINES: i64 = 50;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let indicators = Indicators::of(&facts.indicators);
    if indicators.is_empty() {
        return Ok(Vec::new());
    }
    let names = Names::read(timeline, &indicators)?;
    if names.asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows = legs::questions(timeline, &names)?;
    let answers = legs::answers(timeline, &names)?;
    let all = legs::read(&rows, &answers);
    let (expansions, questions): (Vec<Leg<'_>>, Vec<Leg<'_>>) = all
        .into_iter()
        .partition(|leg| names.expanded.contains_key(leg.name));
    let identities = &timeline.identities;
    let addresses: BTreeSet<&str> = questions.iter().map(|leg| leg.src.as_str()).collect();
    let servers = legs::servers(timeline, &addresses)?;
    let roles = Roles::of(identities, &questions, servers);
    let case = Case {
        rows: &rows,
        names: &names,
        expansions: &expansions,
        identities,
        after: After::read(timeline, &answers)?,
        facts,
    };
    let mut by_indicator: BTreeMap<&str, Vec<&Leg<'_>>> = BTreeMap::new();
    for leg in &questions {
        if let Some(indicator) = names.asked.get(leg.name) {
            by_indicator.entry(indicator).or_default().push(leg);
        }
    }
    let mut found = Vec::new();
    for (indicator, legs) in by_indicator {
        let askers = origin::sort_out(&legs, &roles);
        let (group, only_forwards) = match askers.clients.is_empty() {
            true => (&askers.forwarders, true),
            false => (&askers.clients, false),
        };
        for (asker, legs) in group {
            for origin in case.origins(indicator, asker, legs, only_forwards) {
                found.push(case.finding(&origin, &askers));
            }
        }
    }
    Ok(found)
}

/// What all findings are made from.
struct Case<'c, 'a> {
    rows: &'a Selection,
    names: &'c Names,
    expansions: &'c [Leg<'a>],
    identities: &'c Identities,
    after: After,
    facts: &'c CaseFacts,
}

/// One client's questions for one indicator.
struct Origin<'l, 'a> {
    indicator: &'l str,
    address: &'l str,
    legs: Vec<&'l Leg<'a>>,
    resolution: Resolution,
    /// Namespaces that its search suffixes tell, and how many questions had such suffixes.
    namespaces: BTreeSet<String>,
    expansions: usize,
    /// Row of a question that tells a namespace.
    telling: Option<usize>,
    only_forwards: bool,
}

impl Origin<'_, '_> {
    fn span(&self) -> (Option<i64>, Option<i64>) {
        let times = || self.legs.iter().filter_map(|leg| leg.asked);
        (times().min(), times().max())
    }

    fn client(&self) -> Observable {
        match &self.resolution.best {
            Some(best) => best.observable.clone(),
            None => Observable::new(ObservableType::Unknown, self.address),
        }
    }

    /// Names asked for, most asked first, with how often and how many of these were repetitions.
    fn asked(&self) -> Vec<(String, usize, usize)> {
        let names: BTreeSet<&str> = self.legs.iter().map(|leg| leg.name).collect();
        let mut asked: Vec<(String, usize, usize)> = names
            .into_iter()
            .map(|name| {
                let of_name = self.legs.iter().filter(|leg| leg.name == name);
                let of_name: Vec<&Leg<'_>> = of_name.copied().collect();
                let (count, repeated) = legs::count(&of_name);
                (name.to_owned(), count, repeated)
            })
            .collect();
        asked.sort_by(|(a, x, _), (b, y, _)| y.cmp(x).then(a.len().cmp(&b.len())).then(a.cmp(b)));
        asked
    }
}

impl<'a> Case<'_, 'a> {
    /// The questions of one address, by who held it.
    fn origins<'l>(
        &self,
        indicator: &'l str,
        asker: &'l origin::Asker<'a>,
        legs: &[&'l Leg<'a>],
        only_forwards: bool,
    ) -> Vec<Origin<'l, 'a>> {
        let whole = self.origin(indicator, asker, legs.to_vec(), only_forwards);
        let fits = whole.resolution.best.is_some() || !whole.resolution.candidates.is_empty();
        if fits || asker.1.is_some() {
            return vec![whole];
        }
        // Nobody held it all the time: it may have changed hands.
        let mut by_holder: BTreeMap<Observable, Vec<&Leg<'a>>> = BTreeMap::new();
        for leg in legs.iter().filter(|leg| leg.asked.is_some()) {
            let holder = self
                .identities
                .at_on(&leg.src, leg.asked, leg.asked, leg.host)
                .best;
            let holder = holder.map(|holder| holder.observable);
            let nobody = Observable::new(ObservableType::Unknown, &leg.src);
            by_holder
                .entry(holder.unwrap_or(nobody))
                .or_default()
                .push(leg);
        }
        let known = by_holder
            .keys()
            .filter(|one| one.kind != ObservableType::Unknown);
        if known.count() == 0 {
            return vec![whole];
        }
        // Records without a time go with those of the same question.
        for legs_of in by_holder.values_mut() {
            let keys: BTreeSet<_> = legs_of.iter().filter_map(|leg| leg.key()).collect();
            let undated: Vec<&Leg<'a>> = legs
                .iter()
                .filter(|leg| leg.asked.is_none())
                .filter(|leg| leg.key().is_some_and(|key| keys.contains(&key)))
                .copied()
                .collect();
            legs_of.extend(undated);
        }
        by_holder
            .into_values()
            .map(|legs| self.origin(indicator, asker, legs, only_forwards))
            .collect()
    }

    fn origin<'l>(
        &self,
        indicator: &'l str,
        (address, here): &'l origin::Asker<'a>,
        legs: Vec<&'l Leg<'a>>,
        only_forwards: bool,
    ) -> Origin<'l, 'a> {
        let mut origin = Origin {
            indicator,
            address,
            legs,
            resolution: Resolution::default(),
            namespaces: BTreeSet::new(),
            expansions: 0,
            telling: None,
            only_forwards,
        };
        self.read_expansions(&mut origin);
        let (first, last) = origin.span();
        let seen_on = origin.legs.first().and_then(|leg| leg.host);
        origin.resolution = match here {
            Some(host) => Resolution {
                best: Some(loopback(host)),
                ..Resolution::default()
            },
            None => self.identities.at_on(address, first, last, seen_on),
        };
        if let (1, Some(only)) = (origin.namespaces.len(), origin.namespaces.first()) {
            origin.resolution = std::mem::take(&mut origin.resolution).in_namespace(only);
        }
        origin
    }

    /// The same client's questions with search suffixes, near those for the name itself.
    fn read_expansions(&self, origin: &mut Origin<'_, 'a>) {
        let mut times: Vec<i64> = origin.legs.iter().filter_map(|leg| leg.asked).collect();
        times.sort_unstable();
        let mut lines: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for leg in origin.legs.iter().filter(|leg| leg.asked.is_none()) {
            lines.entry(leg.file).or_default().extend(leg.line);
        }
        let near = |sorted: &[i64], at: i64, reach: i64| {
            let start = sorted.partition_point(|one| *one < at.saturating_sub(reach));
            sorted
                .get(start)
                .is_some_and(|one| *one <= at.saturating_add(reach))
        };
        let senders: BTreeSet<&str> = origin.legs.iter().map(|leg| leg.src.as_str()).collect();
        let mut belonging: Vec<&Leg<'a>> = Vec::new();
        for leg in self
            .expansions
            .iter()
            .filter(|leg| senders.contains(leg.src.as_str()))
        {
            let Some((base, suffix)) = self.names.expanded.get(leg.name) else {
                continue;
            };
            let belongs = match (leg.asked, leg.line) {
                (Some(at), _) => near(&times, at, LOOKUP_NS),
                (None, Some(line)) => lines
                    .get(leg.file)
                    .is_some_and(|lines| near(lines, line, LOOKUP_LINES)),
                (None, None) => false,
            };
            if !belongs || self.names.asked.get(base).map(String::as_str) != Some(origin.indicator)
            {
                continue;
            }
            if let Some(namespace) = names::namespace_of(suffix) {
                origin.namespaces.insert(namespace.to_owned());
                origin.telling.get_or_insert(leg.row);
            }
            belonging.push(leg);
        }
        let names: BTreeSet<&str> = belonging.iter().map(|leg| leg.name).collect();
        origin.expansions = names
            .into_iter()
            .map(|name| {
                let of_name = belonging.iter().filter(|leg| leg.name == name);
                legs::count(&of_name.copied().collect::<Vec<_>>()).0
            })
            .sum();
    }
}

/// A client that asked by way of its host's loopback device is a process of that host.
fn loopback(host: &str) -> Holder {
    Holder {
        observable: Observable::new(ObservableType::Host, host),
        namespace: None,
        container: None,
        host: Some(host.to_owned()),
        start: None,
        end: None,
        fit: Fit::Exact,
        source: "the loopback device".to_owned(),
        rows: Vec::new(),
    }
}
