//! Commands that clear logs, hide a history or stop the logging.

use std::collections::BTreeMap;

use coldcase_model::{Severity, action};
use coldcase_timeline::{Selection, Timeline, TimelineError};

use super::holds;
use super::shell::{Deed, What, deeds};
use super::signs::{Sign, Sort};
use crate::evidence::record;

/// Where commands stand.
const COMMANDS: [&str; 6] = [
    action::SHELL_COMMAND,
    action::SUDO,
    action::EXEC,
    action::SCRIPT_COMMAND,
    action::CRON_RUN,
    action::JOB_LISTED,
];
/// What a command that is looked at holds: a cheap choice before the reading of words.
const WORTH_READING: &str =
    "(?i)/var/log|/dev/null|wtmp|btmp|utmp|lastlog|auth[.]log|hist|audit|syslog|journal";
/// Most records of evidence.
const MOST_RECORDS: usize = 20;

/// A deed with its row.
struct Done {
    row: usize,
    deed: Deed,
}

/// Line and time of a command.
type Moment = (i64, Option<i64>);

/// All deeds.
#[derive(Default)]
struct Gathered {
    /// By host, log and sort.
    done: BTreeMap<(String, String, Sort), Vec<Done>>,
    /// What starts again what was stopped, by host, file and log.
    started: BTreeMap<(String, String, String), Vec<Moment>>,
}

/// Signs from commands.
pub(super) fn signs(timeline: &Timeline) -> Result<Vec<Sign>, TimelineError> {
    let columns = ["host", "user", "command", "path", "message"];
    let rows = timeline.select_where(&COMMANDS, &columns, |rows| {
        rows.filter(holds("command", WORTH_READING))
    })?;
    let mut gathered = gather(&rows);
    soften(&rows, &mut gathered);
    let signs = gathered
        .done
        .into_iter()
        .map(|((host, log, sort), of_log)| sign(&rows, host, log, sort, &of_log));
    Ok(signs.collect())
}

fn gather(rows: &Selection) -> Gathered {
    let mut gathered = Gathered::default();
    for row in 0..rows.rows() {
        let host = rows.text("host", row).unwrap_or_default();
        for mut deed in deeds(rows.text("command", row).unwrap_or_default()) {
            if deed.log.is_empty() {
                deed.log = history_of(rows, row);
            }
            let sort = match deed.what {
                What::Starts => {
                    let file = rows.text("file", row).unwrap_or_default().to_owned();
                    let of_log = gathered.started.entry((host.to_owned(), file, deed.log));
                    of_log.or_default().push(moment(rows, row));
                    continue;
                }
                What::Stops => Sort::LoggingStopped,
                What::Clears | What::HidesHistory => Sort::Command,
            };
            let key = (host.to_owned(), deed.log.clone(), sort);
            gathered
                .done
                .entry(key)
                .or_default()
                .push(Done { row, deed });
        }
    }
    gathered
}

fn moment(rows: &Selection, row: usize) -> Moment {
    (rows.long("line", row).unwrap_or(0), rows.long("ts_ns", row))
}

/// What is started again by a later command of the same source (within one line too) was maintenance, most likely.
fn soften(rows: &Selection, gathered: &mut Gathered) {
    for ((host, log, sort), of_log) in &mut gathered.done {
        for one in of_log.iter_mut().filter(|_| *sort == Sort::LoggingStopped) {
            let file = rows.text("file", one.row).unwrap_or_default().to_owned();
            let again = gathered.started.get(&(host.clone(), file, log.clone()));
            let at = moment(rows, one.row);
            if again
                .into_iter()
                .flatten()
                .any(|start| is_later(*start, at))
            {
                one.deed.severity = Severity::Low;
            }
        }
    }
}

fn is_later(start: Moment, stop: Moment) -> bool {
    match (start.1, stop.1) {
        (Some(start), Some(stop)) => start >= stop,
        _ => start.0 >= stop.0,
    }
}

/// The history that `history -c` means: the one that holds the command, else that of the account.
fn history_of(rows: &Selection, row: usize) -> String {
    if rows.text("action", row) == Some(action::SHELL_COMMAND) {
        return rows
            .text("path", row)
            .or_else(|| rows.text("file", row))
            .unwrap_or_default()
            .to_owned();
    }
    match rows.text("user", row) {
        Some("root" | "0") => "/root/.bash_history".to_owned(),
        Some(user) if user.bytes().any(|byte| byte.is_ascii_alphabetic()) => {
            format!("/home/{user}/.bash_history")
        }
        _ => "~/.bash_history".to_owned(),
    }
}

fn sign(rows: &Selection, host: String, log: String, sort: Sort, done: &[Done]) -> Sign {
    let severity = done.iter().map(|one| one.deed.severity).max();
    let severity = severity.unwrap_or(Severity::Low);
    let times = done.iter().filter_map(|one| rows.long("ts_ns", one.row));
    let (first, last) = (times.clone().min(), times.max());
    let mut records: Vec<_> = done.iter().map(|one| record(rows, one.row)).collect();
    records.dedup();
    records.truncate(MOST_RECORDS);
    let hides = done.iter().all(|one| one.deed.what == What::HidesHistory);
    let (kind, title, reading) = match sort {
        Sort::LoggingStopped => (
            "gap",
            format!("a command stops what writes {log}"),
            "From then on this log says nothing, until it is started again. Administrators do so for maintenance; then it \
             starts again minutes later.",
        ),
        _ if hides => (
            "cleared",
            format!("a command keeps a shell from writing {log}"),
            "What was typed after it stands in no history. Image builds and some careful people do so too.",
        ),
        _ if severity == Severity::Low => (
            "cleared",
            format!("a command empties {log}"),
            "This is done for disk space as well; look at what it took with it.",
        ),
        _ => (
            "cleared",
            format!("a command clears {log}"),
            "What it held before is gone from this host. Image builds do this before a host is in use; on a host in use \
             there is rarely a good reason.",
        ),
    };
    let users: std::collections::BTreeSet<&str> = done
        .iter()
        .filter_map(|one| rows.text("user", one.row))
        .collect();
    let when = if first.is_some() {
        ""
    } else {
        " The command carries no time."
    };
    Sign {
        sort,
        number: 0,
        kind,
        host,
        log,
        first,
        last,
        severity,
        confidence: if severity == Severity::Low { 0.5 } else { 0.8 },
        title,
        text: format!(
            "{reading}{when} Ask who ran it and look at what else was done around it: logins of that account, new keys, cron lines, \
             and the same hours in a central log."
        ),
        facts: vec![
            ("users", users.into_iter().collect::<Vec<_>>().into()),
            ("commands", commands(rows, done).into()),
        ],
        records,
    }
}

/// The commands, each once.
fn commands(rows: &Selection, done: &[Done]) -> Vec<String> {
    const MOST: usize = 10;
    const LONGEST: usize = 200;
    let mut commands: Vec<String> = Vec::new();
    for one in done {
        let command = rows.text("command", one.row).unwrap_or_default();
        let command: String = command.chars().take(LONGEST).collect();
        if commands.len() < MOST && !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}
