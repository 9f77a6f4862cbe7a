//! The answer in words: the chain, the counts, what lost and why, what could not be seen, what to fetch next.

use coldcase_model::{Finding, Observable, ObservableType};
use serde_json::Value;

use super::lives::{Ending, Life, next_window};
use super::visible::Visible;
use super::{Answer, Asked, How, cause, clock, number};

/// Other containers that are named with why they don't fit.
const OTHERS: usize = 5;

/// The text of a conclusion.
pub(super) fn text(
    asked: &Asked<'_>,
    answer: &Answer<'_>,
    lives: &[Life<'_>],
    visible: &Visible,
) -> String {
    let parts = [
        chain(asked, answer),
        ended(asked, answer, lives),
        changed(asked, answer),
        others(answer, lives),
        created(visible),
        unseen(asked, visible),
        confidence(answer),
        next(asked, answer),
    ];
    let said = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty());
    said.collect::<Vec<&str>>().join(" ")
}

fn whole(finding: &Finding, fact: &str) -> u64 {
    finding.facts.get(fact).and_then(Value::as_u64).unwrap_or(0)
}

fn chain(asked: &Asked<'_>, answer: &Answer<'_>) -> String {
    let at = asked
        .host
        .map(|host| format!(" into {host}"))
        .unwrap_or_default();
    let source = asked.source;
    let owner = match &asked.owner {
        Some(owner) => format!("{source} is {owner}. "),
        None => format!("No evidence says which host {source} is. "),
    };
    let span = format!("from {} to {}", clock(asked.first), clock(asked.last));
    match &answer.how {
        How::Match(finding) => format!("{owner}{}", reconciled(finding, &span)),
        How::Matches(findings) => {
            let all: Vec<String> = findings.iter().map(|one| reconciled(one, &span)).collect();
            format!("{owner}Several logs match alike. {}", all.join(" "))
        }
        How::Address(said_by) => format!(
            "The logins{at} {span} come from the address of {} itself ({said_by}).",
            name(&answer.what)
        ),
        How::End(life) => format!(
            "{owner}No log matches the logins{at} {span}. Of the containers that ended only {} ran through all of them and ended before the next.",
            life.container().value
        ),
        How::Nothing if answer.candidates.len() > 1 => format!(
            "{owner}Nothing decides who made the logins{at} {span}: {} fit alike.",
            list(answer.candidates.iter().map(|one| one.value.as_str()))
        ),
        How::Nothing => format!(
            "{owner}Nothing in the evidence says what made the logins{at} {span}: no log matches them, and no container ended when they did."
        ),
    }
}

/// The counts of a match.
fn reconciled(finding: &Finding, span: &str) -> String {
    let count = |entity: &str| {
        let events = finding.facts.get(entity).and_then(|one| one.get("events"));
        events.and_then(Value::as_u64).unwrap_or(0)
    };
    let (logins, causes, matched) = (count("effect"), count("cause"), whole(finding, "matched"));
    let who = cause(finding).map(|what| name(&what)).unwrap_or_default();
    let seconds = |fact| format!("{:.0}", number(finding, fact).round() + 0.0);
    let mut told = format!(
        "{matched} of {logins} logins {span} follow a record of {who} one to one, lag {} to {} s.",
        seconds("lag_least_seconds"),
        seconds("lag_most_seconds")
    );
    let others = whole(finding, "other_targets");
    if others > 0 {
        told.push_str(&format!(
            " {others} more records of the kind are unmatched because they name other targets."
        ));
    }
    if causes > matched {
        told.push_str(&format!(" {} of {causes} have no login.", causes - matched));
    }
    if logins > matched {
        told.push_str(&format!(" {} logins stay unexplained.", logins - matched));
    }
    let zone = finding
        .facts
        .get("zone_error_seconds")
        .and_then(Value::as_i64);
    if let Some(zone) = zone.filter(|zone| *zone != 0) {
        told.push_str(&format!(
            " The clocks of the two logs are apart by a zone of {:+.2} h.",
            zone as f64 / 3600.0
        ));
    }
    if number(finding, "p_value") > 1e-4 {
        told.push_str(" Both keep a schedule, so that the times alone prove nothing.");
    }
    told
}

/// How the end of the answer lies to the end of the logins.
fn ended(asked: &Asked<'_>, answer: &Answer<'_>, lives: &[Life<'_>]) -> String {
    let Some(life) = lives.iter().find(|life| life.container() == answer.what) else {
        return String::new();
    };
    let Some(end) = life.finished else {
        return String::new();
    };
    let code = life.finding.facts.get("exit_code").and_then(Value::as_i64);
    let code = code
        .map(|code| format!(" (exit {code})"))
        .unwrap_or_default();
    let next = next_window(asked).map(|next| format!(", the next window began {}", clock(next)));
    let next = next.unwrap_or_default();
    match life.ending {
        Ending::Fits | Ending::FitsUnseen => format!(
            "It ran from {} and ended {}{code}: the last login came {}{next}, and none after.",
            life.started.map(clock).unwrap_or_default(),
            clock(end),
            clock(asked.last)
        ),
        Ending::StartedLater | Ending::EndedEarlier => format!(
            "Against it: it ran only from {} to {}{code}, an earlier or later attempt must have made the rest.",
            life.started
                .map(clock)
                .unwrap_or_else(|| "an unknown time".to_owned()),
            clock(end)
        ),
        Ending::EndedLater | Ending::Unknown => format!("It ended {}{code}.", clock(end)),
    }
}

/// What of the pod changed before the first login.
fn changed(asked: &Asked<'_>, answer: &Answer<'_>) -> String {
    let uid = answer.what.value.split('_').nth(4);
    let Some(uid) = uid.filter(|uid| answer.what.value.starts_with("k8s_") && uid.len() > 8) else {
        return String::new();
    };
    let first_seen = asked.about.get("first-seen").into_iter().flatten();
    let nearby = first_seen
        .filter_map(|one| one.facts.get("nearby")?.as_array())
        .flatten();
    let change = nearby.filter_map(|one| {
        let value = one.get("value")?.as_str()?;
        let delta = one.get("delta_seconds")?.as_f64()?;
        (value.contains(uid) && delta <= 0.0).then_some((delta, value))
    });
    let nearest = change.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
    nearest.map_or(String::new(), |(delta, file)| {
        format!(
            "{:.1} h before the first login a file of its pod changed: {file}.",
            -delta / 3600.0
        )
    })
}

/// The containers that ended too, and why each is not it.
fn others(answer: &Answer<'_>, lives: &[Life<'_>]) -> String {
    let mut lost: Vec<String> = lives
        .iter()
        .filter(|life| {
            life.container() != answer.what && !answer.candidates.contains(&life.container())
        })
        .map(|life| {
            let at = |time: Option<i64>| time.map(clock).unwrap_or_else(|| "unknown".to_owned());
            let why = match life.ending {
                Ending::StartedLater => {
                    format!("started {}, after the first login", at(life.started))
                }
                Ending::EndedEarlier => {
                    format!("ended {}, before the last login", at(life.finished))
                }
                Ending::EndedLater => format!(
                    "ended {}, after logins had stopped coming",
                    at(life.finished)
                ),
                Ending::Fits | Ending::FitsUnseen => {
                    "its life fits, but nothing else does".to_owned()
                }
                Ending::Unknown => "its times are not known".to_owned(),
            };
            format!("{} ({why})", life.container().value)
        })
        .collect();
    if lost.is_empty() {
        return String::new();
    }
    let more = lost.len().saturating_sub(OTHERS);
    lost.truncate(OTHERS);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "Other containers that ended don't fit: {}{more}.",
        lost.join("; ")
    )
}

fn created(visible: &Visible) -> String {
    let (count, names) = &visible.created;
    match (visible.knows_creations, count) {
        (false, _) => String::new(),
        (true, 0) => "No other container was created in the day before the first login.".to_owned(),
        (true, count) => format!(
            "{count} other containers were created in the day before the first login: {}.",
            list(names.iter().map(String::as_str))
        ),
    }
}

/// What an audit log would have shown.
fn unseen(asked: &Asked<'_>, visible: &Visible) -> String {
    let host = asked.owner.as_deref().unwrap_or("the source's host");
    let (Some((from, _)), Some((_, to))) = (visible.audit.first(), visible.audit.last()) else {
        return format!("Which process connected can't be seen: there is no audit log of {host}.");
    };
    let during = visible
        .audit
        .iter()
        .any(|(from, to)| *from <= asked.last && *to >= asked.first);
    if !visible.audits_connects {
        return format!(
            "The audit log of {host} ({} to {}) records no connections.",
            clock(*from),
            clock(*to)
        );
    }
    let port = if visible.knows_target {
        "port 22 of the target"
    } else {
        "port 22 of any host (the target's address is not known)"
    };
    match (during, visible.connects, visible.connects_after) {
        (true, 0, _) => format!(
            "The audit log of {host} covers {} to {}, part of the time, and holds no connection to {port}: either its rule missed these processes or they ran elsewhere.",
            clock(*from),
            clock(*to)
        ),
        (true, found, _) => format!(
            "The audit log of {host} holds {found} connections to {port} in that time: see which processes made them."
        ),
        (false, _, 0) => format!(
            "Which process connected can't be seen: the audit log of {host} covers {} to {}, outside of the time of the logins, and holds no connection to {port}.",
            clock(*from),
            clock(*to)
        ),
        (false, _, after) => format!(
            "The audit log of {host} covers only {} to {}, and holds {after} connections to {port} after the last login.",
            clock(*from),
            clock(*to)
        ),
    }
}

fn confidence(answer: &Answer<'_>) -> String {
    let rests = match &answer.how {
        How::Address(_) => "how surely the address was its own",
        How::Match(_) => "the match, and how its life fits",
        How::Matches(_) => "several matches that nothing tells apart",
        How::End(_) => "the end of one container alone",
        How::Nothing => return String::new(),
    };
    format!(
        "Confidence {:.2} rests on {rests}; nobody saw the process connect.",
        answer.confidence
    )
}

/// Commands that fetch what is missing.
fn next(asked: &Asked<'_>, answer: &Answer<'_>) -> String {
    let value = &answer.what.value;
    let fetch = match answer.what.kind {
        ObservableType::Container => format!(
            "`C={value}; docker inspect $C; docker logs -t $C > log.txt; docker diff $C; docker export $C > fs.tar` (podman alike; crictl inspect and logs take its id)"
        ),
        ObservableType::Pod => {
            let (namespace, pod) = value.split_once('/').unwrap_or(("default", value.as_str()));
            format!(
                "`kubectl -n {namespace} get pod {pod} -o yaml; kubectl -n {namespace} logs --all-containers --timestamps {pod}; kubectl -n {namespace} get events`"
            )
        }
        ObservableType::Process => "`cat /etc/crontab /etc/cron.d/* /var/spool/cron/* /var/spool/cron/crontabs/*; ps -ef --forest; ausearch -sc connect -i`".to_owned(),
        _ => "`docker ps -a --no-trunc`, logs of all containers of that host (`docker logs -t`, /var/log/pods), its cron and audit logs".to_owned(),
    };
    let host = asked.owner.as_deref().unwrap_or("the source's host");
    format!(
        "Fetch next, on {host}: {fetch}. To see the next login's process: `auditctl -a always,exit -F arch=b64 -S connect -k ssh-out`."
    )
}

fn name(what: &Observable) -> String {
    let kind = match what.kind {
        ObservableType::Container => "container ",
        ObservableType::Pod => "pod ",
        _ => "",
    };
    format!("{kind}{}", what.value)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<&str>>().join(", ")
}
