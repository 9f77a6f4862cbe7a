//! Logins by ssh from addresses outside that never came before.

use std::collections::BTreeSet;

use coldcase_model::{Finding, Observable, ObservableType, Severity};

use super::{DAY, Known, LOOK_BACK, is_indicator, is_odd_hour, is_outside};
use crate::evidence::time_fact;
use crate::logins::Login;
use crate::{CaseFacts, Draft, View};

/// Failures from which `ssh-auth` tells of the source.
const GUESSES: usize = 5;

pub(super) fn run(view: &View<'_>, facts: &CaseFacts, known: &Known) -> Vec<Finding> {
    let mut found = Vec::new();
    let let_in = view.logins.by_source().filter(|of| of.successes() > 0);
    for of in let_in {
        let (source, host, logins) = (of.source, of.host, of.logins());
        let successes = logins.iter().filter(|one| one.success);
        let first = successes.clone().filter_map(Login::ts).min();
        let Some(first) = first.filter(|_| is_outside(source, facts)) else {
            continue;
        };
        let let_in: Vec<Login> = successes.copied().collect();
        let indicator = is_indicator(source, facts);
        let new = known.reaches_back(first)
            && !known.came_before(source, first)
            && !known.is_usual(source);
        if logins.len() - let_in.len() >= GUESSES || !(new || indicator) {
            continue;
        }
        let last = let_in.iter().filter_map(Login::ts).max();
        let mut why = vec!["outside-address"];
        why.extend(new.then_some("first-seen"));
        why.extend(is_odd_hour(first, Some(host), facts).then_some("odd-hours"));
        why.extend(indicator.then_some("indicator"));
        let users: BTreeSet<&str> = let_in.iter().map(|one| view.logins.user(one)).collect();
        let users: Vec<&str> = users.into_iter().collect();
        let own = facts.hosts.iter().find(|one| one.name == host);
        let dst = own
            .and_then(|one| one.addresses.first())
            .map_or(host, String::as_str);
        let subjects = vec![
            Observable::new(ObservableType::Ip, source),
            Observable::new(ObservableType::Host, host),
            Observable::new(ObservableType::Service, "ssh"),
        ];
        let text = format!(
            "The logs of {} days before don't know the address; it was let in without guessing. A colleague on the road looks the same: ask {} \
             whether it was them, and look at what ran from then on (`last -a`, `journalctl _COMM=sshd`, new keys).",
            first.saturating_sub(known.begin.unwrap_or(first)) / DAY,
            users.join(", "),
        );
        let finding = Draft::new("remote-access", subjects, "ssh")
            .says(
                format!("{source} logged into {host} by ssh for the first time, from outside"),
                text,
            )
            .weighs(
                if indicator {
                    Severity::High
                } else {
                    Severity::Low
                },
                if indicator { 0.85 } else { 0.5 },
            )
            .spans(Some(first), last)
            .fact("service", "ssh")
            .fact("src_ip", source)
            .fact("dst", (!dst.is_empty()).then_some(dst))
            .fact("sessions", let_in.len())
            .fact("first", time_fact(Some(first)))
            .fact("last", time_fact(last))
            .fact("why", why)
            .fact("users", users)
            .fact(
                "thresholds",
                serde_json::json!({"look_back_days": LOOK_BACK, "failures_below": GUESSES}),
            )
            .attack(&["T1021.004", "T1078"])
            .rests_on_logins(&view.logins, &let_in);
        found.push(finding.finish());
    }
    found
}
