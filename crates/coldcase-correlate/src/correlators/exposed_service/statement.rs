//! What a finding says of an exposed service.

use coldcase_model::{Finding, Observable, ObservableType, Severity, Timestamp};
use coldcase_timeline::Selection;
use serde_json::{Value, json};

use super::Exposed;
use super::callers::{Callers, HABIT, HEADER_BYTES, Use};
use super::catalog::Auth;
use super::firewall::{Firewall, Verdict};
use super::listen::Reach;
use crate::Draft;
use crate::evidence::time_fact;

/// Callers that a finding names one by one.
const MOST_CALLERS: usize = 64;
/// Rows of one kind that it shows.
const MOST_LISTENING: usize = 6;
const MOST_CALLS: usize = 12;

pub(super) fn finding(
    exposed: &Exposed<'_>,
    severity: Severity,
    listening: &Selection,
    callers: &Callers,
    firewall: &Firewall,
) -> Finding {
    let listener = exposed.listener;
    let mut subjects = vec![Observable::new(
        ObservableType::Service,
        listener.service.name,
    )];
    if !listener.host.is_empty() {
        subjects.push(Observable::new(
            ObservableType::Host,
            listener.host.as_str(),
        ));
    }
    let relevant = |from: &str| exposed.outsiders.is_empty() || exposed.outsiders.contains(from);
    let used: Vec<&&Use> = exposed
        .callers
        .iter()
        .filter(|(from, _)| relevant(from))
        .map(|(_, used)| used)
        .collect();
    let first = used.iter().filter_map(|one| one.first).min();
    let last = used.iter().filter_map(|one| one.last).max();
    let (internal, outsiders): (Vec<&str>, Vec<&str>) = exposed
        .callers
        .keys()
        .partition(|from| !exposed.outsiders.contains(*from));
    let some = |list: &[&str]| -> Vec<Value> {
        list.iter()
            .take(MOST_CALLERS)
            .map(|from| Value::from(*from))
            .collect()
    };
    let text_or_null = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let confidence = if severity >= Severity::High {
        0.97
    } else {
        0.8
    };
    let attack: &[&'static str] = match severity {
        Severity::High | Severity::Critical => &["T1133", "T1190", "T1610"],
        _ => &["T1133"],
    };
    let (title, text) = words(exposed, severity);
    let drops = match &exposed.verdict {
        Verdict::Closed { by: Some(row), .. } => vec![*row],
        _ => Vec::new(),
    };
    // Orders first: what outsiders made it do is what the finding says.
    let calls = calls(exposed);
    Draft::new("exposed-service", subjects, &listener.port.to_string())
        .says(title, text)
        .weighs(severity, confidence)
        .spans(first, last)
        .fact("service", listener.service.name)
        .fact("listen", text_or_null(listener.listen()))
        .fact("process", text_or_null(listener.process()))
        .fact(
            "callers",
            some(&exposed.callers.keys().copied().collect::<Vec<_>>()),
        )
        .fact("outsiders", some(&outsiders))
        .fact("internal", some(&internal))
        .fact("uses", uses(exposed))
        .fact(
            "host",
            text_or_null(Some(listener.host.as_str()).filter(|host| !host.is_empty())),
        )
        .fact("port", listener.port)
        .fact("thresholds", thresholds())
        .fact("authentication", auth_word(exposed.auth))
        .fact("firewall", firewall_word(&exposed.verdict))
        .attack(attack)
        .rests_on(listening, &first_of_each_file(listening, &listener.rows))
        .rests_on(&firewall.rows, &drops)
        .rests_on(&callers.rows, &calls)
        .finish()
}

fn auth_word(auth: Auth) -> Value {
    match auth {
        Auth::Verified => true.into(),
        Auth::Nothing => false.into(),
        Auth::Unknown => Value::Null,
    }
}

fn firewall_word(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Unknown => Value::Null,
        Verdict::Open => "open".into(),
        Verdict::Closed { except, .. } if except.is_empty() => "dropped by INPUT rule".into(),
        Verdict::Closed { except, .. } => {
            format!("dropped by INPUT rule, but for {}", except.join(", ")).into()
        }
    }
}

/// What an outsider's habit takes, and bytes of headers below which a flow carried no data.
fn thresholds() -> Value {
    let (begins, lasts, calls) = HABIT;
    json!({
        "habit": {"begins_within_percent": begins, "lasts_percent": lasts, "calls": calls},
        "header_bytes": HEADER_BYTES,
    })
}

fn uses(exposed: &Exposed<'_>) -> Vec<Value> {
    let one = |(from, used): (&&str, &&Use)| {
        json!({
            "caller": from,
            "outside": exposed.outsiders.contains(*from),
            "requests": used.requests,
            "orders": used.orders,
            "sessions": used.sessions,
            "first": time_fact(used.first),
            "last": time_fact(used.last),
        })
    };
    exposed.callers.iter().take(MOST_CALLERS).map(one).collect()
}

/// One row a file, so that every source that says so is seen.
fn first_of_each_file(rows: &Selection, of: &[usize]) -> Vec<usize> {
    let mut files = std::collections::BTreeSet::new();
    let mut first: Vec<usize> = of
        .iter()
        .copied()
        .filter(|row| files.insert(rows.text("file", *row)))
        .collect();
    first.truncate(MOST_LISTENING);
    first
}

fn calls(exposed: &Exposed<'_>) -> Vec<usize> {
    let (outside, inside): (Vec<_>, Vec<_>) = exposed
        .callers
        .iter()
        .partition(|(from, _)| exposed.outsiders.contains(*from));
    let mut rows: Vec<usize> = outside
        .iter()
        .flat_map(|(_, used)| used.rows.iter().copied())
        .collect();
    rows.sort_unstable();
    rows.truncate(MOST_CALLS);
    rows.extend(
        inside
            .iter()
            .filter_map(|(_, used)| used.rows.first())
            .take(2),
    );
    rows
}

fn words(exposed: &Exposed<'_>, severity: Severity) -> (String, String) {
    let listener = exposed.listener;
    let (name, listen) = (
        listener.service.name,
        listener.listen().unwrap_or("an address that is not known"),
    );
    let host = if listener.host.is_empty() {
        "the host"
    } else {
        &listener.host
    };
    let outsiders = list(exposed.outsiders.iter().copied());
    let title = match severity {
        _ if exposed.orders() > 0 => {
            format!("{name} of {host} at {listen} took orders from outsiders: {outsiders}")
        }
        Severity::High | Severity::Critical => {
            format!(
                "{name} of {host} at {listen} was used from outside, beside an intruder's container: {outsiders}"
            )
        }
        _ if !exposed.outsiders.is_empty() => {
            format!("{name} of {host} at {listen} was used from outside: {outsiders}")
        }
        Severity::Info => format!("{name} of {host} listens at {listen} and verifies its callers"),
        _ => format!("{name} of {host} listens at {listen}"),
    };
    let asks = match (exposed.auth, listener.service.control) {
        (Auth::Nothing, true) => {
            "It asks for no password and no certificate: whoever reaches it can run anything on the host."
        }
        (Auth::Nothing, false) => "It asks for no password.",
        (Auth::Unknown, _) => "Whether it asks for a password is not in the evidence.",
        (Auth::Verified, _) => "It asks its callers for a certificate or password.",
    };
    let filter = match (&exposed.verdict, listener.reach()) {
        (_, Some(Reach::Inner)) => "It is bound to an inner address.".to_owned(),
        (Verdict::Unknown, _) => "No packet filter rules were collected.".to_owned(),
        (Verdict::Open, _) => "The host's packet filter lets everybody through.".to_owned(),
        (Verdict::Closed { except, .. }, _) => {
            let but = if except.is_empty() {
                String::new()
            } else {
                format!(", but for {}", except.join(", "))
            };
            let yet = if exposed.outsiders.is_empty() {
                ""
            } else {
                "; that outsiders got through all the same says that the rule is newer or that there is another way"
            };
            format!("Strangers are dropped by INPUT rule{but}{yet}.")
        }
    };
    let who = who(exposed);
    let text = format!(
        "{asks} {filter} {who} Look next: `{}`. Filters in front of the host would not be seen here.",
        listener.service.look
    );
    (title, text)
}

fn who(exposed: &Exposed<'_>) -> String {
    let mut said: Vec<String> = Vec::new();
    for (from, used) in exposed
        .callers
        .iter()
        .filter(|(from, _)| exposed.outsiders.contains(*from))
        .take(4)
    {
        let time = |at: Option<i64>| {
            at.map_or("an unknown time".to_owned(), |at| Timestamp(at).to_string())
        };
        let did = match (used.requests, used.shown.first()) {
            (0, _) => format!("{} sessions whose content is not known", used.sessions),
            (_, Some(order)) => format!(
                "{} requests, {} of them orders, the first {order}",
                used.requests, used.orders
            ),
            (_, None) => format!("{} requests, all of them reads", used.requests),
        };
        said.push(format!(
            "{from} from outside: {did}, {} to {}.",
            time(used.first),
            time(used.last)
        ));
    }
    let internal = exposed
        .callers
        .keys()
        .filter(|from| !exposed.outsiders.contains(*from));
    let internal: Vec<&str> = internal.copied().collect();
    if !internal.is_empty() {
        let orders: usize = exposed
            .callers
            .iter()
            .filter(|(from, _)| internal.contains(*from))
            .map(|(_, used)| used.orders)
            .sum();
        let how = if orders == 0 {
            "only reads, as monitoring does"
        } else {
            "orders too"
        };
        said.push(format!(
            "Known or internal callers ({how}): {}.",
            list(internal.into_iter())
        ));
    }
    if said.is_empty() {
        said.push(
            "Nobody is seen using it; without a capture or flow log of its port that says little."
                .to_owned(),
        );
    }
    said.join(" ")
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown: Vec<&str> = names.iter().take(4).copied().collect();
    let more = names.len().saturating_sub(shown.len());
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}
