//! Keys that may log in, and whether one of them is an intruder's.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, ObservableType, Timestamp, action};
use coldcase_timeline::{Selection, TextSign, TimelineError};
use serde_json::Value;

use super::gather::Item;
use super::places::Kind;
use super::signs::{STRONG, Signs, WEAK, of_command};
use crate::correlators::ssh_auth;
use crate::indicators::Indicators;
use crate::logins::{Logins, OfSource};
use crate::{CaseFacts, View};

/// A key file that changed this long after a guessed password still counts as the intruder's change.
pub(super) const AFTER_BREAK_IN_DAYS: i64 = 7;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// Accounts of services to which nobody logs in.
const NOBODYS: [&str; 14] = [
    "nobody", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp",
    "redis", "mongodb", "memcache",
];
/// Accounts of services into which some sites deploy by ssh.
const SERVICES: [&str; 6] = ["www-data", "nginx", "apache", "httpd", "mysql", "tomcat"];
/// Accounts with one key that are worth a word.
const SEVERAL: usize = 3;

/// One source that guessed passwords on a host, as ssh-auth states it.
struct Guesses {
    host: String,
    source: String,
    first: Option<i64>,
    last: Option<i64>,
    /// Whether one was right.
    success: bool,
}

/// All of them.
struct BreakIns(Vec<Guesses>);

impl BreakIns {
    fn of(findings: &[Finding]) -> Self {
        let of = |finding: &Finding, kind| {
            let mut subjects = finding.subjects.iter();
            let found = subjects.find(|subject| subject.kind == kind);
            found
                .map(|subject| subject.value.clone())
                .unwrap_or_default()
        };
        let all = findings.iter().filter_map(|finding| {
            let pattern = finding.facts.get("pattern").and_then(Value::as_str)?;
            let success = pattern == "brute-force-success";
            (success || matches!(pattern, "brute-force" | "spray")).then(|| Guesses {
                host: of(finding, ObservableType::Host),
                source: of(finding, ObservableType::Ip),
                first: finding.first.map(Timestamp::nanos),
                last: finding.last.map(Timestamp::nanos),
                success,
            })
        });
        Self(all.collect())
    }

    fn guesses(&self, host: &str, source: &str) -> bool {
        self.0
            .iter()
            .any(|one| one.host == host && one.source == source)
    }

    /// Whether a change at this moment follows a guessed password.
    fn before(&self, host: &str, changed: i64) -> bool {
        self.0.iter().any(|one| {
            let until = |last: i64| last.saturating_add(AFTER_BREAK_IN_DAYS * DAY_NS);
            let after = one.first.is_some_and(|first| changed >= first);
            let soon = one.last.is_some_and(|last| changed <= until(last));
            one.success && one.host == host && after && soon
        })
    }
}

/// Keys with signs, and the selections that their rows point into, numbered from `from`.
pub(super) fn read(
    timeline: &View<'_>,
    facts: &CaseFacts,
    known: Option<&Indicators>,
    from: usize,
) -> Result<(Vec<Item>, Vec<Selection>), TimelineError> {
    let columns = ["host", "user", "command", "path", "attributes", "message"];
    let keys = timeline.select(&[action::KEY_LISTED], &columns)?;
    let is_list = |path: &str| path.contains("authorized_keys");
    let lists: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["path"], &is_list)]];
    let changed = timeline.select_texts(&[action::FILE_MODIFIED], &columns, &lists)?;
    if keys.rows() == 0 {
        return Ok((Vec::new(), vec![keys, changed]));
    }
    let break_ins = BreakIns::of(&timeline.found_by(&ssh_auth::CORRELATOR, facts)?);
    let used = if break_ins.0.is_empty() && known.is_none() {
        BTreeMap::new()
    } else {
        uses(&timeline.logins)
    };
    let scene = Scene {
        keys: &keys,
        changed: &changed,
        break_ins: &break_ins,
        used: &used,
        known,
        accounts: accounts(&keys),
    };
    let items = (0..keys.rows())
        .filter_map(|row| scene.item(row, from))
        .collect();
    Ok((items, vec![keys, changed]))
}

/// Sources that logged in with each key, by host and fingerprint.
type Uses = BTreeMap<(String, String), BTreeSet<String>>;

fn uses(logins: &Logins) -> Uses {
    let mut found = Uses::new();
    for of in logins.by_source().filter(OfSource::has_keys) {
        for key in of.logins().iter().filter_map(|login| logins.key(login)) {
            let of_key = found.entry((of.host.to_owned(), key.to_owned()));
            of_key.or_default().insert(of.source.to_owned());
        }
    }
    found
}

/// Accounts that each key may log into, by host.
fn accounts(keys: &Selection) -> BTreeMap<(Option<&str>, String), BTreeSet<&str>> {
    let mut found: BTreeMap<(Option<&str>, String), BTreeSet<&str>> = BTreeMap::new();
    for row in 0..keys.rows() {
        if let (Some(key), Some(user)) = (fingerprint(keys, row), keys.text("user", row)) {
            found
                .entry((keys.text("host", row), key))
                .or_default()
                .insert(user);
        }
    }
    found
}

fn attributes(rows: &Selection, row: usize) -> Value {
    let json = rows.text("attributes", row);
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or(Value::Null)
}

fn fingerprint(keys: &Selection, row: usize) -> Option<String> {
    Some(
        attributes(keys, row)
            .get("fingerprint")?
            .as_str()?
            .to_owned(),
    )
}

struct Scene<'a> {
    keys: &'a Selection,
    changed: &'a Selection,
    break_ins: &'a BreakIns,
    used: &'a Uses,
    known: Option<&'a Indicators>,
    accounts: BTreeMap<(Option<&'a str>, String), BTreeSet<&'a str>>,
}

impl Scene<'_> {
    /// The key of a row, where something speaks against it.
    fn item(&self, row: usize, from: usize) -> Option<Item> {
        let keys = self.keys;
        let (path, file) = (keys.text("path", row), keys.text("file", row));
        let is_list = [path, file]
            .into_iter()
            .flatten()
            .any(|path| path.contains("authorized_keys"));
        let json = attributes(keys, row);
        if !is_list || json.get("hosts").is_some() || json.get("marker").is_some() {
            return None;
        }
        let host = keys.text("host", row);
        let user = keys.text("user", row);
        let mut signs = keys
            .text("command", row)
            .map(|command| of_command(command, false, self.known))
            .unwrap_or_default();
        match user {
            Some(user) if NOBODYS.contains(&user) => signs.add("service-account", STRONG),
            Some(user) if SERVICES.contains(&user) => signs.add("service-account", WEAK),
            _ => {}
        }
        let fingerprint = fingerprint(keys, row);
        if let Some(key) = &fingerprint {
            let by = self
                .used
                .get(&(host.unwrap_or_default().to_owned(), key.clone()));
            let mut by = by.into_iter().flatten();
            if by
                .clone()
                .any(|source| self.break_ins.guesses(host.unwrap_or_default(), source))
            {
                signs.add("used-by-attacker", STRONG);
            }
            if by.any(|source| {
                self.known
                    .is_some_and(|known| known.address(source).is_some())
            }) {
                signs.add("indicator", STRONG);
            }
        }
        let mut rows = vec![(from, row)];
        if let Some(change) = self.change(host, path.or(file), user) {
            signs.add("after-break-in", STRONG);
            rows.push((from + 1, change));
        }
        if signs.is_empty() {
            return None;
        }
        self.add_weak(host, fingerprint.as_deref(), &mut signs);
        Some(Item {
            kind: Kind::SshKey,
            host: host.map(str::to_owned),
            path: path.or(file).map(str::to_owned),
            command: keys.text("command", row).map(str::to_owned),
            user: user.map(str::to_owned),
            signs,
            records: rows.len(),
            rows,
        })
    }

    /// What says something only beside a sign: configuration management changes files and gives one key to many.
    fn add_weak(&self, host: Option<&str>, key: Option<&str>, signs: &mut Signs) {
        if signs.has("after-break-in") {
            signs.add("new-key", 0);
        }
        let accounts = key.and_then(|key| self.accounts.get(&(host, key.to_owned())));
        if accounts.is_some_and(|accounts| accounts.len() >= SEVERAL) {
            signs.add("several-accounts", 0);
        }
    }

    /// The listing of this file that shows it changed after a guessed password.
    fn change(&self, host: Option<&str>, path: Option<&str>, user: Option<&str>) -> Option<usize> {
        let home = user.map(|user| match user {
            "root" => "/root/".to_owned(),
            user => format!("/home/{user}/"),
        });
        (0..self.changed.rows()).find(|row| {
            let listed = self.changed.text("path", *row).unwrap_or_default();
            let same =
                path == Some(listed) || home.as_ref().is_some_and(|home| listed.starts_with(home));
            let after = self.changed.long("ts_ns", *row);
            let after = after.is_some_and(|at| self.break_ins.before(host.unwrap_or_default(), at));
            same && after && self.changed.text("host", *row) == host
        })
    }
}
