//! # unit-file: services, sockets and timers as systemd's unit files define them
//!
//! Made by `systemctl cat UNIT` (several files with `# /path` above each, drop-ins too), or copies of unit files (`*.service`, `*.socket`,
//! `*.timer`, `*.path`, `*.service.d/*.conf`).
//!
//! **Recognised** by sections that only units have (`[Unit]`, `[Service]`, `[Socket]`, `[Timer]`, `[Install]`, ...) with settings below.
//!
//! ```text
//! # /usr/lib/systemd/system/docker.service
//! [Service]
//! ExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375
//! ```
//!
//! **Rows.** `service-defined` at the moment of collection, one a command (`ExecStart`, `ExecStartPre`, ...): `command` without systemd's
//! prefixes (`-`, `@`, `+`, `!`, `:`), `unit`, `directive`, `user`, `environment`, `path`. `listen` holds the addresses that a command (`-H tcp://…`,
//! `--listen-address`, `--bind`) or a socket (`ListenStream=`) names, as written; a bare port of a socket is `*:22`. A timer is a
//! `job-listed` (kind timer): `schedule` `OnCalendar=…`, `activates`. What a path unit watches is `service-defined` with `watches`.
//!
//! **Drop-ins.** Files that follow each other for one unit count as one: an empty `ExecStart=` takes back the commands above it, and the
//! next row says so in `overrides`. A unit's name is told by the heading, else by the file's name.
//!
//! Settings that have no cell, sections and comments are skipped with a reason. Specifiers (`%n`) and variables stay as written.
//!
//! Sources: systemd.unit(5), systemd.service(5), systemd.socket(5), systemd.timer(5), systemd.path(5), systemd.syntax(7).

mod listen;
mod unit;

use coldcase_model::{Place, Sink};

use super::processes::shown::{cleaned, is_command_line, is_separator};
use crate::{Format, IngestError, Input, Leftover, Lines, Probe, Sniff};

use unit::Unit;

/// The format.
pub static FORMAT: Format = Format {
    id: "unit-file",
    title: "systemd's unit files, systemctl cat",
    source: include_str!("mod.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Sections that only units have; the others of a unit stand in other files too.
const SECTIONS: [&str; 12] = [
    "Unit",
    "Service",
    "Socket",
    "Timer",
    "Install",
    "Path",
    "Mount",
    "Automount",
    "Swap",
    "Slice",
    "Scope",
    "Container",
];

/// Longest command with its continuations.
const MAX_COMMAND: usize = 64 << 10;

fn section(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']')
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut known, mut foreign, mut settings, mut telling, mut others) = (0, 0, 0, 0, 0);
    let mut continues = false;
    for line in probe.text_lines().take(400) {
        let text = line.text(cleaned);
        let text = text.trim();
        let was_continued = std::mem::replace(&mut continues, text.ends_with('\\'));
        if text.is_empty() || was_continued || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = section(text) {
            known += usize::from(SECTIONS.contains(&name));
            foreign += usize::from(!SECTIONS.contains(&name) && !name.starts_with("X-"));
        } else if let Some((key, _)) = setting(text) {
            settings += 1;
            telling += usize::from(is_telling(key));
        } else if !is_command_line(text, &["systemctl", "cat"]) && !is_separator(text) {
            others += 1;
        }
    }
    match () {
        () if known == 0 || foreign > 0 || settings == 0 || others > settings => Sniff::No,
        () if telling > 0 && others * 4 <= settings => Sniff::Sure,
        () if known >= 2 => Sniff::Likely,
        () => Sniff::Weak,
    }
}

/// Settings that no other kind of file has.
fn is_telling(key: &str) -> bool {
    key.starts_with("Exec")
        || key.starts_with("Listen")
        || key.starts_with("On") && key.ends_with("Sec")
        || matches!(
            key,
            "OnCalendar"
                | "WantedBy"
                | "RequiredBy"
                | "After"
                | "Before"
                | "Requires"
                | "Wants"
                | "PathExists"
                | "PathChanged"
                | "PathModified"
                | "BindsTo"
                | "PartOf"
                | "EnvironmentFile"
                | "KillMode"
                | "RemainAfterExit"
                | "LimitNOFILE"
        )
}

/// `Key=value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let is_key = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.len() <= 64
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_key.then(|| (key, value.trim()))
}

/// The file that a heading of `systemctl cat` names.
fn heading(line: &str) -> Option<&str> {
    let path = line.strip_prefix("# ")?.trim();
    let is_path = path.starts_with('/') && !path.contains(' ') && path.contains('.');
    let name = path.rsplit('/').next()?;
    (is_path && (unit::name_of(path).is_some() || name.ends_with(".conf"))).then_some(path)
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut lines = Lines::new(&mut input.reader);
    let mut unit = Unit::of_file(input.path);
    let mut at_section = String::new();
    let mut held: Option<(u64, u64, String)> = None;
    while let Some(line) = lines.next_line()? {
        let text = cleaned(line.bytes);
        let text = text.trim();
        let place = Place::Line(line.number);
        let is_comment = text.starts_with(['#', ';']);
        if text.is_empty() && held.is_none() {
            continue;
        }
        if let Some(path) = heading(text) {
            settle(&mut held, &mut unit, &at_section, sink);
            unit.begin_file(path, clock, sink);
            sink.skip(place, "a heading");
            continue;
        }
        if is_comment {
            sink.skip(place, "comment");
            continue;
        }
        // A line that ends in a backslash goes on in the next.
        let (bare, goes_on) = match text.strip_suffix('\\') {
            Some(bare) => (bare.trim_end(), true),
            None => (text, false),
        };
        match &mut held {
            Some((_, count, whole)) => {
                *count += 1;
                if whole.len() + bare.len() < MAX_COMMAND {
                    whole.push(' ');
                    whole.push_str(bare);
                }
            }
            None => held = Some((line.number, 1, bare.to_owned())),
        }
        if goes_on {
            continue;
        }
        if let Some((_, 1, whole)) = &held {
            let reason = match section(whole) {
                Some(name) => {
                    at_section = name.to_owned();
                    Some("a section")
                }
                None if setting(whole).is_some() => None,
                None if is_command_line(whole, &["systemctl", "cat"]) => Some("a command line"),
                None if is_separator(whole) => Some("a line between outputs"),
                None if !line.ended => Some("a cut line"),
                None => Some("no setting"),
            };
            if let Some(reason) = reason {
                sink.skip(place, reason);
                held = None;
                continue;
            }
        }
        settle(&mut held, &mut unit, &at_section, sink);
    }
    settle(&mut held, &mut unit, &at_section, sink);
    unit.finish(clock, sink);
    Ok(None)
}

/// Takes a whole setting, and counts its lines.
fn settle(
    held: &mut Option<(u64, u64, String)>,
    unit: &mut Unit,
    section: &str,
    sink: &mut dyn Sink,
) {
    let Some((line, count, whole)) = held.take() else {
        return;
    };
    let is_used = setting(&whole).is_some_and(|(key, value)| unit.take(section, key, value, line));
    if is_used {
        sink.used(count);
    } else {
        for index in 0..count {
            sink.skip(
                Place::Line(line.saturating_add(index)),
                "a setting that has no cell",
            );
        }
    }
}
