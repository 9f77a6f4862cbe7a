//! Who tried to log in by ssh, and what became of it.
//!
//! Per source address and host the decisions of sshd are weighed: a long run of failures that ends in a
//! success is a broken password (`brute-force-success`), without one it is `brute-force`, many accounts
//! tried a few times each are a `spray`, and failures and successes mixed over many connections are
//! `interleaved`: something holds several passwords, or one that is wrong for one account.
//!
//! A failure that the same connection follows with a success is a person's typing error or a client that
//! offers keys first; it counts as a failure but never makes a pattern. A success by key does not end a
//! run of guessed passwords: who guesses has no key, though both may share an address behind NAT.
//! Failures that the same account, from the same source, follows with a success within two minutes (at most six a success) are mended:
//! an old password before a good key, or a person who mistypes. Where too few others are left, `interleaved` is low.
//! A log whose year nothing gives is weighed all the same, in order of its lines; first and last are then null.
//! Noise from outside without a success stays low, however much there is of it; from an internal address it
//! is medium: something inside looks for its next host.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::facts::is_internal;
use crate::logins::{Login, Logins, MENDED_SECONDS, MOST_MENDED, OfSource, mended};
use crate::{CaseFacts, Correlator, Draft, View};

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "ssh-auth",
    title: "who tried to log in by ssh, and what became of it",
    source: include_str!("ssh_auth.rs"),
    rests_on: &[],
    run,
};

/// Failures in a row, without a success between, that no person makes: sshd itself cuts a connection after 6.
const RUN_OF_GUESSES: usize = 15;
/// Failures below which a source that never got in is not worth a finding.
const WORTH_TELLING: usize = 5;
/// Accounts that make a spray, and the most tries an account in one.
const SPRAYED_ACCOUNTS: usize = 8;
const TRIES_IN_A_SPRAY: usize = 3;
/// Failures, successes, changes between them, and the share of failures that make `interleaved`.
const INTERLEAVED: (usize, usize, usize, f64) = (10, 10, 10, 0.15);
/// Sources told of one by one; the rest is noise of the same kind.
const MOST_SOURCES: usize = 200;

/// What the logins of one source on one host come to.
struct Tally {
    failures: usize,
    successes: usize,
    users: BTreeSet<String>,
    /// Place of the success that ended the longest run of guesses, with that run's length.
    broken: Option<(usize, usize)>,
    changes: usize,
    /// Failures that a success of the same account soon after makes harmless.
    mended: usize,
    most_tries_an_account: usize,
}

impl Tally {
    /// Whether too few failures are left that nothing mends.
    fn is_mended(&self) -> bool {
        let (least, _, _, share) = INTERLEAVED;
        let left = self.failures.saturating_sub(self.mended);
        left < least || (left as f64) < share * (left + self.successes) as f64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    BruteForceSuccess,
    BruteForce,
    Spray,
    Interleaved,
}

impl Pattern {
    fn as_str(self) -> &'static str {
        match self {
            Self::BruteForceSuccess => "brute-force-success",
            Self::BruteForce => "brute-force",
            Self::Spray => "spray",
            Self::Interleaved => "interleaved",
        }
    }
}

fn run(view: &View<'_>, _facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let judge = |of: OfSource<'_>| {
        let logins = of.logins();
        let tally = tally(&view.logins, &logins);
        let pattern = pattern(&tally)?;
        let finding = finding(&view.logins, of, &logins, &tally, pattern);
        Some((tally.failures, finding))
    };
    let judged = view.logins.par_by_source().filter_map(judge);
    let mut judged: Vec<(usize, Finding)> = judged.collect();
    judged.sort_by(|(a, x), (b, y)| (y.severity, b, &x.id).cmp(&(x.severity, a, &y.id)));
    judged.truncate(MOST_SOURCES);
    Ok(judged.into_iter().map(|(_, finding)| finding).collect())
}

fn tally(all: &Logins, logins: &[Login]) -> Tally {
    let let_in: BTreeSet<(i32, i32)> = logins
        .iter()
        .filter(|one| one.success)
        .map(Login::connection)
        .collect();
    let mut tally = Tally {
        failures: logins.iter().filter(|one| !one.success).count(),
        successes: logins.iter().filter(|one| one.success).count(),
        users: BTreeSet::new(),
        broken: None,
        changes: 0,
        mended: mended(logins).len(),
        most_tries_an_account: 0,
    };
    let mut tries: BTreeMap<u32, usize> = BTreeMap::new();
    let mut run = 0;
    let mut before: Option<bool> = None;
    for (place, login) in logins.iter().enumerate() {
        let tried = tries.entry(login.user()).or_default();
        let slip = !login.success && let_in.contains(&login.connection());
        if !slip && before.is_some_and(|before| before != login.success) {
            tally.changes += 1;
        }
        if !slip {
            before = Some(login.success);
        }
        if !login.success {
            run += usize::from(!slip);
            *tried += 1;
        } else if !login.by_key {
            if run >= RUN_OF_GUESSES && tally.broken.is_none_or(|(_, longest)| run > longest) {
                tally.broken = Some((place, run));
            }
            run = 0;
        }
    }
    let users = tries.keys().map(|user| all.name(*user));
    let named = users.filter(|user| !user.is_empty());
    tally.users = named.map(str::to_owned).collect();
    tally.most_tries_an_account = tries.into_values().max().unwrap_or(0);
    tally
}

fn pattern(tally: &Tally) -> Option<Pattern> {
    let (failures, successes, changes, share) = INTERLEAVED;
    let all = tally.failures + tally.successes;
    if tally.broken.is_some() {
        Some(Pattern::BruteForceSuccess)
    } else if tally.failures >= failures
        && tally.successes >= successes
        && tally.changes >= changes
        && tally.failures as f64 >= share * all as f64
    {
        Some(Pattern::Interleaved)
    } else if tally.successes > 0 || tally.failures < WORTH_TELLING {
        None
    } else if tally.users.len() >= SPRAYED_ACCOUNTS
        && tally.most_tries_an_account <= TRIES_IN_A_SPRAY
    {
        Some(Pattern::Spray)
    } else {
        Some(Pattern::BruteForce)
    }
}

fn finding(
    all: &Logins,
    of: OfSource<'_>,
    logins: &[Login],
    tally: &Tally,
    pattern: Pattern,
) -> Finding {
    let OfSource { source, host, .. } = of;
    let times = logins.iter().filter_map(Login::ts);
    let (first, last) = (times.clone().min(), times.max());
    let (severity, confidence) = match pattern {
        Pattern::BruteForceSuccess => (Severity::High, 0.9),
        Pattern::Interleaved if tally.is_mended() => (Severity::Low, 0.8),
        Pattern::Interleaved => (Severity::Medium, 0.8),
        // From inside, guessing is somebody's next step; from outside it is every day's weather.
        Pattern::BruteForce | Pattern::Spray if is_internal(source) => (Severity::Medium, 0.8),
        Pattern::BruteForce | Pattern::Spray => (Severity::Low, 0.7),
    };
    let attack: &[&'static str] = match pattern {
        Pattern::BruteForceSuccess => &["T1110.001", "T1078", "T1021.004"],
        Pattern::BruteForce => &["T1110.001"],
        Pattern::Spray => &["T1110.003"],
        Pattern::Interleaved => &["T1110", "T1021.004"],
    };
    let mut subjects = vec![Observable::new(ObservableType::Ip, source)];
    if !host.is_empty() {
        subjects.push(Observable::new(ObservableType::Host, host));
    }
    let users: Vec<Value> = tally
        .users
        .iter()
        .map(|user| user.as_str().into())
        .collect();
    let host_fact = if host.is_empty() {
        Value::Null
    } else {
        host.into()
    };
    let guess = tally.broken.and_then(|(place, _)| logins.get(place));
    let guessed = guess.map_or("", |login| all.user(login));
    let (title, text) = words(of, guessed, tally, pattern);
    Draft::new("ssh-auth", subjects, "")
        .says(title, text)
        .weighs(severity, confidence)
        .spans(first, last)
        .fact("src_ip", source)
        .fact("host", host_fact)
        .fact("pattern", pattern.as_str())
        .fact("failures", tally.failures)
        .fact("successes", tally.successes)
        .fact("users", users)
        .fact("mended_failures", tally.mended)
        .fact("thresholds", thresholds())
        .fact("first", crate::evidence::time_fact(first))
        .fact("last", crate::evidence::time_fact(last))
        .attack(attack)
        .rests_on_logins(all, &decisive(logins, tally))
        .finish()
}

fn words(of: OfSource<'_>, guessed: &str, tally: &Tally, pattern: Pattern) -> (String, String) {
    let OfSource { source, host, .. } = of;
    let host = if host.is_empty() { "a host" } else { host };
    let (failures, successes) = (tally.failures, tally.successes);
    let title = match pattern {
        Pattern::BruteForceSuccess => format!("{source} guessed its way into {host} by ssh"),
        Pattern::BruteForce => {
            format!("{source} guessed passwords on {host}: {failures} failures, never let in")
        }
        Pattern::Spray => format!(
            "{source} tried {} accounts on {host}, never let in",
            tally.users.len()
        ),
        Pattern::Interleaved => {
            format!("{source} logs into {host} with failures and successes mixed")
        }
    };
    let text = match (pattern, tally.broken) {
        (Pattern::BruteForceSuccess, Some((_, run))) => {
            let user = if guessed.is_empty() { "an account" } else { guessed };
            format!(
                "{run} failures in a row, then a password let {source} in as {user}. Treat the account as taken: look at what it ran \
                 from then on, at new keys, cron lines and units, and at logins from here to other hosts."
            )
        }
        (Pattern::Interleaved, _) if tally.is_mended() => format!(
            "{} of {failures} failures are followed by a success of the same account within {MENDED_SECONDS} s: a client with an old \
             password and a good key, or a person who mistypes. Have the old password removed.",
            tally.mended
        ),
        (Pattern::Interleaved, _) => format!(
            "{failures} failures and {successes} successes alternate: a program holds several passwords, or one that is wrong for \
             one account. Ask which process, container or job at {source} makes them; see periodic-window for when."
        ),
        _ => "Common noise of an open ssh port; no login of this source succeeded in the logs at hand.".to_owned(),
    };
    (title, text)
}

/// The first and last logins, and around a broken password the last failures and the success.
fn decisive(logins: &[Login], tally: &Tally) -> Vec<Login> {
    let Some((place, _)) = tally.broken else {
        return logins.to_vec();
    };
    let around = logins.iter().skip(place.saturating_sub(5)).take(12);
    let shown = logins
        .first()
        .into_iter()
        .chain(around)
        .chain(logins.last());
    let mut shown: Vec<Login> = shown.copied().collect();
    shown.dedup();
    shown
}

fn thresholds() -> Value {
    let (failures, successes, changes, share) = INTERLEAVED;
    json!({
        "guesses_in_a_row": RUN_OF_GUESSES,
        "least_failures": WORTH_TELLING,
        "sprayed_accounts": SPRAYED_ACCOUNTS,
        "tries_an_account_in_a_spray": TRIES_IN_A_SPRAY,
        "interleaved": {"failures": failures, "successes": successes, "changes": changes, "failed_share": share},
        "mended_seconds": MENDED_SECONDS,
        "mended_failures_each": MOST_MENDED,
    })
}
