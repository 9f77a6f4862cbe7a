//! What an intruder may have left to come back: jobs, units, start scripts, login keys, preloaded libraries.
//!
//! Read are crontabs and timers, cron's own log (`CMD (...)`, also where the table was not collected), unit files, start
//! scripts (`rc.local`, profiles, init scripts, scripts in cron's folders), `/etc/ld.so.preload`, `authorized_keys`, listings of files, and
//! commands that write to such places: in histories, scripts, audited executions and containers' commands (`crontab -`,
//! `>> ~/.ssh/authorized_keys`, `cp ... /etc/systemd/system/`; a mount of the host's root may stand before the path).
//!
//! Persistence itself is ordinary: what is weighed is what is started. Each sign has points. **1**, with a benign reading at hand:
//! `tmp-path` (runs from a folder that everybody may write to), `hidden-path` (a folder with a dot, outside of what ordinary tools make; a hidden
//! file among jobs), `immutable` (`chattr +i`), `download-and-run` from an inner server, `service-account` of a site that may deploy so. **2**, rarely benign: `download-and-run`
//! (fetched and piped into a shell, made executable or run), `public-address` (fetched from a bare public address: no vendor does), `hidden-path`
//! of the program's own file, `miner-command`, `encoded-command` (decoded and run), `indicator`, `preload` of a library that is none
//! of the known ones, `known-rootkit` by its name, `tmp-path` of a unit or start script, `service-account` that nobody logs into, `planted-by-script`
//! (by a script that itself fetches and runs, or mines), of keys `used-by-attacker` (logged in from an address that guessed passwords) and
//! `after-break-in` (the key's file changed within 7 days of a guessed password). **4**: `reverse-shell`.
//! `new-key` and `several-accounts` stand beside others and have no points: configuration management makes both.
//!
//! One point is **low**, two or three **medium**, four **high**: two independent signs without a benign reading together, or one that has
//! none by itself. Without a sign nothing is said: certbot, logrotate, sysstat, agents and administrators' keys are everywhere.
//!
//! Not seen: what a script that a job names does, where the script was not collected; a key whose file nobody listed; modules of PAM, kernel
//! modules, changed binaries; systemd's environment files.

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::{Selection, TimelineError};
use serde_json::{Value, json};

use crate::correlators::ssh_auth;
use crate::indicators::Indicators;
use crate::{CaseFacts, Correlator, Draft, View};

mod gather;
mod keys;
mod places;
mod shell;
mod signs;

use gather::{Gathered, Item};
use places::Kind;
use signs::{DECISIVE, STRONG, WEAK};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "persistence",
    title: "what an intruder may have left to come back: jobs, units, keys, preloaded libraries",
    source: include_str!("persistence.rs"),
    rests_on: &[&ssh_auth::CORRELATOR],
    run,
};

/// Most findings; what exceeds them is of the same kind.
const MOST: usize = 100;
/// Longest command in a title.
const SHOWN: usize = 100;

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let known = if facts.indicators.is_empty() {
        None
    } else {
        Some(Indicators::of(&facts.indicators, &timeline.own_addresses))
    };
    let mut gathered = Gathered::read(timeline, known.as_ref())?;
    let mut items = gathered.items();
    let (keys, selections) =
        keys::read(timeline, facts, known.as_ref(), gathered.selections.len())?;
    gathered.selections.extend(selections);
    items.extend(keys);
    items.retain(|item| item.signs.points() >= WEAK);
    items.sort_by(|a, b| {
        let order = |item: &Item| (std::cmp::Reverse(item.signs.points()), item.kind);
        let name = |item: &Item| (item.host.clone(), item.path.clone(), item.command.clone());
        order(a)
            .cmp(&order(b))
            .then_with(|| name(a).cmp(&name(b)))
            .then_with(|| a.rows.cmp(&b.rows))
    });
    items.truncate(MOST);
    Ok(items
        .iter()
        .filter_map(|item| finding(item, &gathered.selections))
        .collect())
}

fn severity(points: u8) -> Severity {
    match points {
        DECISIVE.. => Severity::High,
        STRONG.. => Severity::Medium,
        _ => Severity::Low,
    }
}

fn finding(item: &Item, selections: &[Selection]) -> Option<Finding> {
    let (first_selection, first_row) = *item.rows.first()?;
    let rows = selections.get(first_selection)?;
    let file = rows.text("file", first_row).unwrap_or_default();
    let subject = item.path.as_deref().unwrap_or(file);
    let mut subjects = vec![Observable::new(ObservableType::File, subject)];
    if let (Kind::SshKey, Some(user)) = (item.kind, &item.user) {
        subjects.push(Observable::new(ObservableType::User, user.as_str()));
    }
    let fingerprint = fingerprint(item, rows, first_row);
    let distinct = format!(
        "{}|{}|{}|{}",
        item.kind.as_str(),
        item.host.as_deref().unwrap_or_default(),
        item.command.as_deref().unwrap_or_default(),
        fingerprint.as_str().unwrap_or_default()
    );
    let points = item.signs.points();
    let words = item.signs.words();
    let techniques: &[&'static str] = match item.signs.has("download-and-run") {
        true => &[item.kind.technique(), "T1105"],
        false => &[item.kind.technique()],
    };
    let confidence = 0.35 + 0.15 * f64::from(points.min(DECISIVE));
    let (title, text) = statement(item, subject);
    let mut draft = Draft::new("persistence", subjects, &distinct)
        .says(title, text)
        .weighs(severity(points), confidence)
        .fact("kind", item.kind.as_str())
        .fact("path", item.path.clone())
        .fact("command", item.command.clone())
        .fact("reasons", words)
        .fact("host", item.host.clone())
        .fact("user", item.user.clone())
        .fact("fingerprint", fingerprint)
        .fact("records", item.records)
        .fact("points", points)
        .fact(
            "thresholds",
            json!({"low": WEAK, "medium": STRONG, "high": DECISIVE}),
        )
        .attack(techniques);
    for (selection, row) in &item.rows {
        if let Some(rows) = selections.get(*selection) {
            draft = draft.rests_on(rows, &[*row]);
        }
    }
    Some(draft.finish())
}

fn fingerprint(item: &Item, rows: &Selection, row: usize) -> Value {
    if item.kind != Kind::SshKey {
        return Value::Null;
    }
    let json: Option<Value> = rows
        .text("attributes", row)
        .and_then(|json| serde_json::from_str(json).ok());
    json.and_then(|json| json.get("fingerprint").cloned())
        .unwrap_or(Value::Null)
}

fn statement(item: &Item, subject: &str) -> (String, String) {
    let command: String = item
        .command
        .as_deref()
        .unwrap_or_default()
        .chars()
        .take(SHOWN)
        .collect();
    let what = match item.kind {
        Kind::Cron => "a job runs",
        Kind::Systemd => "a unit runs",
        Kind::Rc => "a start script runs",
        Kind::SshKey => "a key may log in",
        Kind::LdPreload => "a library is put into every process",
    };
    let title = if command.is_empty() {
        format!("{what}: {subject}")
    } else {
        format!("{what}: {command}")
    };
    let signs = item.signs.words().join(", ");
    let next = match item.kind {
        Kind::Cron => {
            "Next: `ls -la --time-style=full-iso /etc/cron* /var/spool/cron*`, and the script that it names before anybody deletes it."
        }
        Kind::Systemd => {
            "Next: `systemctl cat` and `systemctl status` of the unit, `ls -la --time-style=full-iso` of its file and of what it runs."
        }
        Kind::Rc => {
            "Next: the whole script with its times, and what package it belongs to (`rpm -qf`, `dpkg -S`)."
        }
        Kind::SshKey => {
            "Next: ask the account's owner for the fingerprint, and look for it in sshd's log: `grep SHA256 /var/log/secure* /var/log/auth.log*`."
        }
        Kind::LdPreload => {
            "Next: copy the library away, `rpm -qf` or `dpkg -S` it, and list processes with statically linked tools: what is listed under it may be hidden."
        }
    };
    let weighs = match severity(item.signs.points()) {
        Severity::High => "Together these have no benign reading",
        Severity::Medium => "An owner's own doing is possible but rare",
        _ => "An owner's own doing is as likely",
    };
    let text = format!("Starts again by itself, with these signs: {signs}. {weighs}. {next}");
    (title, text)
}
