//! # crontab: jobs that cron and anacron run
//!
//! Made by `crontab -l` (of a user), copies of /etc/crontab, /etc/cron.d/*, /var/spool/cron/* and /var/spool/cron/crontabs/*, and
//! /etc/anacrontab.
//!
//! **Recognised** by lines of five fields of times (numbers, `*`, ranges, steps, names of months and weekdays) or a nickname (`@reboot`, `@daily`)
//! and a command, with nothing else but settings (`MAILTO=root`) and comments; the path raises the sureness.
//!
//! ```text
//! MAILTO=root
//! */10 * * * * root /usr/lib64/sa/sa1 1 1
//! @reboot /usr/local/bin/agent
//! ```
//!
//! **Rows.** `job-listed` at the moment of collection, one a job: `schedule`, `kind` (cron, anacron), `command`, `path` of the file where it is
//! an input from a cron folder, and `environment` (the settings above that change what runs: SHELL, PATH, LD_PRELOAD, ...). What follows the
//! first bare `%` is the command's input and stands in `input`. An anacron job has `schedule` `7 days`, `delay_minutes`, `unit` its name.
//!
//! **Whose job.** Tables of the system (/etc/crontab, cron.d) have an account before the command. A file counts as one by its
//! path, or where every job's first word looks like an account and is followed by a command; then `user` is that account. Else the
//! user is the one that the path names (`/var/spool/cron/alice`), or unknown.
//!
//! **Not records**: blank lines. Comments and settings are skipped with a reason; `no crontab for root` too.
//!
//! Sources: crontab(5) of cronie and Debian's cron, anacrontab(5).

mod jobs;

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::processes::shown::{cleaned, command_of_prompt, is_command_line, is_separator};
use crate::{Clock, Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

use jobs::{Job, Kind};

/// The format.
pub static FORMAT: Format = Format {
    id: "crontab",
    title: "jobs of cron and anacron: crontab -l, /etc/cron.d, spool files",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Jobs held until the file's end, which tells whether they name accounts; what comes after is decided at once.
const MAX_HELD: usize = 10_000;

/// Bytes of held jobs from which on they are handed on as well.
const MAX_HELD_BYTES: usize = 8 << 20;

/// Settings that are kept for a job's `environment`, and how long each may be.
const MAX_SETTINGS: usize = 32;
const MAX_SETTING: usize = 4 << 10;

/// Where a file lies, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin<'a> {
    /// /etc/crontab, /etc/cron.d: accounts stand in the lines.
    System,
    /// The spool: the file's name is the account.
    Spool(&'a str),
    Unknown,
}

fn origin(path: &str) -> Origin<'_> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = folder.rsplit('/').next().unwrap_or_default();
    match (parent, name) {
        ("cron.d", _) | ("etc", "crontab" | "anacrontab") => Origin::System,
        ("crontabs" | "tabs", _) => Origin::Spool(name),
        ("cron", _) if folder.ends_with("spool/cron") => Origin::Spool(name),
        _ => Origin::Unknown,
    }
}

/// Lines looked at to recognise the format.
const SNIFFED_LINES: usize = 400;

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut jobs, mut settings, mut comments, mut others) = (0, 0, 0, 0);
    let mut is_marked = false;
    let lines = || probe.text_lines().filter(|line| !line.is_blank());
    let mut remaining = lines().take(SNIFFED_LINES).count();
    for line in lines().take(SNIFFED_LINES) {
        let text = line.text(cleaned);
        let text = text.trim();
        remaining -= 1;
        // More of other things than can be jobs: only a complaint of crontab itself would still tell.
        if others > jobs + remaining + 1 {
            if is_complaint(text) {
                return Sniff::Likely;
            }
            continue;
        }
        is_marked |= is_mark(text);
        match () {
            () if is_complaint(text) => return Sniff::Likely,
            () if text.starts_with('#') => comments += 1,
            () if jobs::parse(text).is_some() => jobs += 1,
            () if jobs::setting(text).is_some() => settings += 1,
            () if is_separator(text) || is_command_line(text, &["crontab", "cat"]) => {}
            () => others += 1,
        }
    }
    let is_placed = origin(probe.path) != Origin::Unknown || probe.file_name().contains("crontab");
    match () {
        () if jobs == 0 && others == 0 && is_placed && (comments + settings > 0) => Sniff::Likely,
        () if jobs == 0 || others > jobs => Sniff::No,
        () if others == 0 && (is_placed || is_marked || jobs >= 2) => Sniff::Sure,
        () if others * 10 <= jobs || is_placed || is_marked => Sniff::Likely,
        () if others == 0 => Sniff::Likely,
        () => Sniff::No,
    }
}

/// A comment that only crontabs have.
fn is_mark(text: &str) -> bool {
    text.starts_with('#')
        && [
            "crontab -",
            "DO NOT EDIT THIS FILE",
            "dom mon dow",
            "m h  dom",
            "crontab(",
        ]
        .iter()
        .any(|mark| text.contains(mark))
}

fn is_complaint(text: &str) -> bool {
    text.strip_prefix("no crontab for ")
        .is_some_and(|user| !user.is_empty() && !user.contains(' '))
        || text.starts_with("crontab: ")
}

/// A job with the settings above it.
struct Held {
    line: u64,
    job: Job<'static>,
    environment: Option<String>,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let origin = origin(input.path);
    let mut lines = Lines::new(&mut input.reader);
    let mut held: Vec<Held> = Vec::new();
    let mut settings: Vec<(String, String)> = Vec::new();
    let (mut held_bytes, mut settings_bytes) = (0, 0);
    let mut has_accounts = true;
    let mut decided = None;
    let read = loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break Ok(None),
            Err(error) => break Err(error.into()),
        };
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = cleaned(line.bytes);
        let text = text.trim();
        let place = Place::Line(line.number);
        if let Some(job) = jobs::parse(text) {
            has_accounts &= job.kind == Kind::Anacron || job.account().is_some();
            sink.used(1);
            held.push(Held {
                line: line.number,
                job: job.into_owned(),
                environment: environment(&settings),
            });
            held_bytes += text.len() + settings_bytes;
            if held.len() >= MAX_HELD || held_bytes >= MAX_HELD_BYTES {
                held_bytes = 0;
                let with = *decided.get_or_insert(has_accounts);
                emit_all(&mut held, with, origin, input.path, clock, sink);
            }
        } else if let Some((name, value)) = jobs::setting(text) {
            settings.retain(|(known, _)| known != name);
            if settings.len() < MAX_SETTINGS && value.len() <= MAX_SETTING {
                settings.push((name.to_owned(), value.to_owned()));
            }
            settings_bytes = settings.iter().map(|(_, value)| value.len()).sum();
            sink.skip(place, "a setting");
        } else {
            sink.skip(place, reason(text, line.ended));
        }
    };
    let with = decided.unwrap_or(has_accounts);
    emit_all(&mut held, with, origin, input.path, clock, sink);
    read
}

fn reason(text: &str, ended: bool) -> &'static str {
    match () {
        () if text.starts_with('#')
            && command_of_prompt(text).is_some_and(|line| line.starts_with("crontab")) =>
        {
            "a command line"
        }
        () if text.starts_with('#') => "comment",
        () if is_complaint(text) => "a message of crontab",
        () if is_command_line(text, &["crontab", "cat"]) => "a command line",
        () if is_separator(text) => "a line between outputs",
        () if !ended => "a cut line",
        () => "no job, setting or comment",
    }
}

/// Settings that change what runs or who hears of it.
fn environment(settings: &[(String, String)]) -> Option<String> {
    let shown: Vec<String> = settings
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (!shown.is_empty()).then(|| shown.join(" "))
}

fn emit_all(
    held: &mut Vec<Held>,
    has_accounts: bool,
    origin: Origin<'_>,
    path: &str,
    clock: &Clock,
    sink: &mut dyn Sink,
) {
    let with_accounts = match origin {
        Origin::System => true,
        Origin::Spool(_) => false,
        Origin::Unknown => has_accounts,
    };
    for held in held.drain(..) {
        emit(&held, with_accounts, origin, path, clock, sink);
    }
}

fn emit(
    held: &Held,
    with_accounts: bool,
    origin: Origin<'_>,
    path: &str,
    clock: &Clock,
    sink: &mut dyn Sink,
) {
    let job = &held.job;
    let account = job
        .account()
        .filter(|_| with_accounts && job.kind == Kind::Cron);
    let (user, command) = match (account, origin) {
        (Some((user, command)), _) => (Some(user), command),
        (None, Origin::Spool(user)) => (Some(user), &*job.command),
        (None, _) if job.kind == Kind::Anacron => (Some("root"), &*job.command),
        (None, _) => (None, &*job.command),
    };
    let (command, fed) = jobs::without_input(command, job.kind);
    let mut attributes = Attributes::new();
    attributes
        .text("schedule", &job.schedule)
        .text("kind", job.kind.as_str())
        .text_if("unit", job.name.as_deref())
        .number_if("delay_minutes", job.delay)
        .text_if("input", fed.as_deref())
        .text_if("environment", held.environment.as_deref());
    let mut event = Event::new(action::JOB_LISTED);
    event.when = clock.collected();
    event.line = Some(held.line);
    event.user = user.map(Cow::Borrowed);
    event.path = (origin != Origin::Unknown).then(|| Cow::Owned(on_host(path)));
    event.message = Some(match user {
        Some(user) => format!(
            "{} {} of {user}: {command}",
            job.kind.as_str(),
            job.schedule
        )
        .into(),
        None => format!("{} {}: {command}", job.kind.as_str(), job.schedule).into(),
    });
    event.command = Some(command).filter(|command| !command.is_empty());
    event.attributes = attributes.finish().map(Cow::Owned);
    sink.event(&event);
}

/// The file's path on its host: what stands before the first folder of the root is the bundle's.
fn on_host(path: &str) -> String {
    for start in ["etc/", "var/"] {
        if path.starts_with(start) {
            return format!("/{path}");
        }
        if let Some(at) = path.rfind(&format!("/{start}")) {
            return path.get(at..).unwrap_or(path).to_owned();
        }
    }
    path.to_owned()
}
