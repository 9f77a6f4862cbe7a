//! What a finding says in words.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{ObservableType, Timestamp};

use super::after::Reached;
use super::origin::Askers;
use super::{Leg, Origin};
use crate::CaseFacts;
use crate::identity::{Fit, Holder};

/// Most names, holders or addresses told one by one.
const MOST_TOLD: usize = 8;

/// What there is to tell.
pub(super) struct Told<'t, 'l, 'a> {
    pub origin: &'t Origin<'l, 'a>,
    pub askers: &'t Askers<'l, 'a>,
    /// Names, how often each, and how many of these were repetitions.
    pub asked: &'t [(String, usize, usize)],
    pub domain: &'t str,
    pub queries: usize,
    pub reached: Option<Reached>,
    pub facts: &'t CaseFacts,
}

impl Told<'_, '_, '_> {
    /// The finding's line.
    pub fn title(&self) -> String {
        let who = match &self.origin.resolution.best {
            Some(best) => name(best),
            None => self.origin.address.to_owned(),
        };
        let (domain, times) = (self.domain, times(self.queries));
        if self.origin.only_forwards {
            format!("{who} asked for {domain} {times}, for clients that are not in the evidence")
        } else {
            format!("{who} asked for {domain} {times}")
        }
    }

    /// The finding's text.
    pub fn text(&self) -> String {
        let parts = [
            self.who(),
            self.namespace(),
            self.others(),
            self.counts(),
            self.passed_on(),
            self.came_of_it(),
            self.not_shown(),
            self.next(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }

    fn who(&self) -> String {
        let address = self.origin.address;
        let resolution = &self.origin.resolution;
        let Some(best) = &resolution.best else {
            if resolution.candidates.is_empty() {
                return format!("Nothing in the evidence says who had {address} at that time.");
            }
            let names: Vec<String> = resolution.candidates.iter().map(said).collect();
            let names = some_of(&names);
            return format!("Several may have had {address} at that time: {names}.");
        };
        let who = name(best);
        if best.observable.kind == ObservableType::Host {
            return format!(
                "{address} is {who} itself ({}): a process of the host, a pod in the host's network, or a pod whose \
                 address was translated on its way.",
                best.source
            );
        }
        let how = match best.fit {
            Fit::Exact => "had it all that time",
            Fit::Listed => "was listed with it and existed all that time",
            Fit::Possible => {
                "had it, though its beginning or end is not known exactly enough to prove it"
            }
            Fit::Weak => "is the only one known to have had it, until an unknown moment",
        };
        format!("{address}: {who} {how} ({}).", best.source)
    }

    fn namespace(&self) -> String {
        let namespaces: Vec<String> = self.origin.namespaces.iter().cloned().collect();
        if namespaces.is_empty() {
            return String::new();
        }
        let told = some_of(&namespaces);
        let own = self
            .origin
            .resolution
            .best
            .as_ref()
            .and_then(|best| best.namespace.as_ref());
        match own {
            Some(own) if namespaces.contains(own) => {
                format!("Its search suffixes are those of namespace {told}, as they should be.")
            }
            Some(own) => format!(
                "Its search suffixes are those of namespace {told}, not of {own}: somebody else may have had the address."
            ),
            None => format!("Its search suffixes are those of a pod in namespace {told}."),
        }
    }

    fn others(&self) -> String {
        let resolution = &self.origin.resolution;
        let others: Vec<String> = resolution
            .lesser
            .iter()
            .chain(&resolution.others)
            .map(said)
            .collect();
        if others.is_empty() {
            String::new()
        } else {
            format!(
                "At other times, or less surely, the address belonged to {}.",
                some_of(&others)
            )
        }
    }

    fn counts(&self) -> String {
        let mut by_format: BTreeMap<&str, Vec<&Leg<'_>>> = BTreeMap::new();
        for leg in &self.origin.legs {
            by_format.entry(leg.format).or_default().push(leg);
        }
        let sources: Vec<String> = by_format
            .iter()
            .map(|(format, legs)| format!("{format} {}", super::legs::count(legs).0))
            .collect();
        let names: Vec<String> = self
            .asked
            .iter()
            .map(|(name, count, repeated)| match repeated {
                0 => format!("{name} {count}"),
                _ => format!("{name} {count}, {repeated} of them repeated for want of an answer"),
            })
            .collect();
        let suffixed = match self.origin.expansions {
            0 => String::new(),
            many => {
                format!(" {many} more had a search suffix behind the name and are not counted.")
            }
        };
        format!(
            "Questions: {} (by source: {}).{suffixed}",
            some_of(&names),
            sources.join(", ")
        )
    }

    fn passed_on(&self) -> String {
        let (forwarded, unexplained) = (self.askers.forwarded, &self.askers.forwarders);
        if self.origin.only_forwards {
            return "As far as the evidence shows it only passed questions on; no client's question is there to explain \
                    them."
                .to_owned();
        }
        let mut text = match forwarded {
            0 => String::new(),
            many => format!(
                "{many} more records are questions of clients passed on by resolvers and nodes, not questions of their own."
            ),
        };
        if !unexplained.is_empty() {
            let addresses: Vec<String> = unexplained.keys().map(|(ip, _)| ip.clone()).collect();
            let many: usize = unexplained.values().map(Vec::len).sum();
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&format!(
                "{many} that {} passed on fit no client's question in the evidence: there may be another client.",
                some_of(&addresses)
            ));
        }
        text
    }

    fn came_of_it(&self) -> String {
        match &self.reached {
            Some(reached) => format!(
                "It then connected to the answered address {}: {} from {} on.",
                reached.address,
                times(reached.connections),
                Timestamp(reached.at)
            ),
            None => String::new(),
        }
    }

    fn not_shown(&self) -> String {
        let mut missing: Vec<String> = Vec::new();
        let undated: BTreeSet<&str> = self
            .origin
            .legs
            .iter()
            .filter(|leg| leg.asked.is_none())
            .map(|leg| leg.file)
            .collect();
        let dated = self.origin.legs.iter().any(|leg| leg.asked.is_some());
        if !undated.is_empty() {
            let files: Vec<String> = undated.into_iter().map(str::to_owned).collect();
            let what = match dated {
                true => "so that first and last are those of other sources",
                false => "so that first and last are unknown",
            };
            missing.push(format!("no times are in {}, {what}", some_of(&files)));
        }
        let (first, _) = self.origin.span();
        let began: Vec<&crate::Coverage> = self
            .facts
            .coverage
            .iter()
            .filter(|span| self.origin.legs.iter().any(|leg| leg.file == span.file))
            .collect();
        let start = began.iter().map(|span| span.first.nanos()).min();
        if let (Some(start), Some(first)) = (start, first)
            && first - start < NEAR_THE_BEGINNING_NS
        {
            let start = Timestamp(start);
            missing.push(format!(
                "the evidence begins at {start}, shortly before the first question: there may have been earlier ones"
            ));
        }
        if !self.origin.legs.iter().any(|leg| !leg.is_logged()) {
            missing.push(
                "no capture shows these questions, so what was answered is not known".to_owned(),
            );
        }
        match missing.is_empty() {
            true => String::new(),
            false => format!("Not shown: {}.", missing.join("; ")),
        }
    }

    fn next(&self) -> String {
        let best = self.origin.resolution.best.as_ref();
        let kind = best.map(|best| best.observable.kind);
        let advice = match kind {
            _ if self.origin.only_forwards => {
                "Take a capture or the query log at this resolver to see who asks it."
            }
            Some(ObservableType::Pod | ObservableType::Container) => {
                "Next: what ran in it (image, command, mounts, processes), what it connected to, and who deployed it and when."
            }
            Some(ObservableType::Host) => {
                "Next: which process or pod of the host asked; its audit log, its pods' network namespaces, a capture there."
            }
            _ => {
                "Next: who had the address then: inspect output of ended containers, the CNI plugin's lease files, events, \
                 the runtime's log."
            }
        };
        advice.to_owned()
    }
}

/// How soon after the evidence's beginning a first question may not be the first.
const NEAR_THE_BEGINNING_NS: i64 = 600_000_000_000;

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn name(holder: &Holder) -> String {
    let kind = match holder.observable.kind {
        ObservableType::Pod => "pod ",
        ObservableType::Container => "container ",
        ObservableType::Host => "host ",
        _ => "",
    };
    format!("{kind}{}", holder.observable.value)
}

/// A holder with its times.
fn said(holder: &Holder) -> String {
    let who = name(holder);
    match (holder.start, holder.end) {
        (Some(start), Some(end)) => {
            format!("{who} (from {} to {})", Timestamp(start), Timestamp(end))
        }
        (Some(start), None) => format!("{who} (from {})", Timestamp(start)),
        (None, Some(end)) => format!("{who} (to {})", Timestamp(end)),
        (None, None) => who,
    }
}

fn some_of(all: &[String]) -> String {
    let told: Vec<&str> = all.iter().take(MOST_TOLD).map(String::as_str).collect();
    let more = all.len().saturating_sub(told.len());
    match more {
        0 => told.join(", "),
        _ => format!("{} and {more} more", told.join(", ")),
    }
}
