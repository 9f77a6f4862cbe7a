//! Logs that were cleared, cut, stopped or changed.
//!
//! # What it states
//!
//! One finding a sign and log, of these kinds:
//!
//! - `cleared`: a command that empties, removes or rewrites a log of logins, of auditing or of a shell, or that keeps
//!   a shell from writing its history; a history or log that is a link to `/dev/null`; zeroed records in wtmp or btmp.
//! - `gap`: serial numbers that are missing inside one file of the audit log; a log that is silent against its own
//!   rhythm; a command or audit record that stops the logging.
//! - `truncated`: what is missing at the edge of a rotated file and is too little for a whole one: the log is younger
//!   than its rotation.
//! - `time-reversal`: a log that steps back in time; a log whose time of change lies before its content.
//!
//! # How it decides
//!
//! **Commands** (histories, sudo, audited execs, scripts, crontabs) are taken apart into simple commands. What is kept
//! house of is none: rotated or compressed files, files by age, containers' and applications' logs, a journal
//! vacuumed to days or to megabytes. A stopped daemon that is started again by a later command of the same source is low.
//!
//! **Serials** of the kernel's audit events go up by one an event. Where at least [`serials::REGULAR`] of a file's steps
//! do so, a step over ten and five times the file's 99th percentile is a hole; logs have small ones of their own, and a
//! filtered export has nothing else. What other files of the host hold is not missing; a stopped audit daemon or a
//! kernel that says it lost events explains it; a hole that was much denser than the log is a burst that the daemon could
//! not take. Between two files, a hole as long as half a usual file was not collected: that is said as info.
//!
//! **Silence** is judged by hours, in logs that run round the clock: those in which 20 hours of the day are active on nine
//! days of ten, as a job every ten minutes makes them. What people alone write has nights, weekends and holidays. The
//! chance of a silence is the product over its hours, times the hours looked at. Other logs of the host must go on
//! meanwhile; where none does, or the host went down, this is info.
//!
//! **Steps back** of more than five minutes between two lines are told; writers side by side differ by less. A changed
//! clock, a start of the host, files that were put together and the end of summer time explain them.
//!
//! **Zeroed records** are what log wipers leave. Before the record of a start of the host without a shutdown they may be
//! what a crash left, and in utmp they are slots that were never used: both low.
//!
//! # How much it matters
//!
//! A single weak sign is low. An explicit command against a log of logins, a link to `/dev/null`, zeroed records and a hole
//! inside the audit log are medium. High needs two signs of different sorts, one of them medium, about the same log, or two
//! that are medium within a day on the same host.
//!
//! # What it does not see
//!
//! Lines that were removed one by one from a text log without numbers; what a log daemon was configured not to write;
//! tampering in logs that were not collected. That a whole rotated file is missing is no sign: it may never have been collected.
//!
//! Sources: audit_log_start() of linux/kernel/audit.c (serials), auditd(8), utmp(5), ATT&CK T1070.002, T1070.003, T1562.001,
//! T1562.012; CIS benchmarks, which link `.mysql_history` (not a shell's) to `/dev/null`.

use coldcase_model::{Finding, Observable, ObservableType, Severity};
use coldcase_timeline::TimelineError;
use coldcase_timeline::polars::prelude::{Expr, col, lit};
use serde_json::{Value, json};

use crate::evidence::time_fact;
use crate::{CaseFacts, Correlator, Draft, View};

use signs::{SAME_DEED_NS, Sign};

mod auditing;
mod commands;
mod course;
mod explained;
mod files;
mod logs;
mod reversals;
mod rows;
mod serials;
mod shell;
mod signs;
mod silences;
mod words;

/// The correlator.
pub static CORRELATOR: Correlator = Correlator {
    id: "log-tampering",
    title: "logs that were cleared, cut, stopped or changed",
    source: include_str!("log_tampering.rs"),
    rests_on: &[],
    run,
};

fn run(timeline: &View<'_>, facts: &CaseFacts) -> Result<Vec<Finding>, TimelineError> {
    let logs = logs::load(timeline)?;
    let explained = explained::Explained::load(timeline)?;
    let mut signs = commands::signs(timeline)?;
    signs.extend(auditing::signs(timeline, &explained)?);
    signs.extend(files::linked(timeline)?);
    signs.extend(files::zeroed(timeline)?);
    signs.extend(files::changed_before(timeline, &logs)?);
    signs.extend(serials::signs(timeline, &explained)?);
    signs.extend(silences::signs(&logs, facts, &explained));
    signs.extend(reversals::signs(&logs, facts, &explained));
    signs::weigh(&mut signs);
    Ok(signs.into_iter().map(finding).collect())
}

fn finding(sign: Sign) -> Finding {
    let mut subjects = vec![Observable::new(ObservableType::Log, sign.log.as_str())];
    if !sign.host.is_empty() {
        subjects.push(Observable::new(ObservableType::Host, sign.host.as_str()));
    }
    let distinct = format!("{}#{}", sign.sort.as_str(), sign.number);
    let attack: &[&'static str] = match sign.severity {
        Severity::Info => &[],
        _ => sign.sort.attack(),
    };
    let mut draft = Draft::new("log-tampering", subjects, &distinct)
        .says(sign.title, sign.text)
        .weighs(sign.severity, sign.confidence)
        .spans(sign.first, sign.last)
        .fact("kind", sign.kind)
        .fact("log", sign.log)
        .fact("first", time_fact(sign.first))
        .fact("last", time_fact(sign.last))
        .fact("reasons", vec![sign.sort.as_str()])
        .attack(attack);
    let mut thresholds = json!({ "same_deed_hours": SAME_DEED_NS / 3_600_000_000_000 });
    for (name, value) in sign.facts {
        match (name, thresholds.as_object_mut(), value) {
            ("thresholds", Some(all), Value::Object(own)) => all.extend(own),
            (name, _, value) => draft = draft.fact(name, value),
        }
    }
    let draft = draft.fact("thresholds", thresholds);
    draft.shows(sign.records).finish()
}

/// Whether a text column matches a pattern.
fn holds(column: &str, pattern: &str) -> Expr {
    let found = col(column).str().extract(lit(format!("({pattern})")), 1);
    found.is_not_null()
}
