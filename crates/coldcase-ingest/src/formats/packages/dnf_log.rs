//! # dnf-log: what dnf did
//!
//! `/var/log/dnf.rpm.log`, `/var/log/dnf.log`, `/var/log/hawkey.log`, and `dnf5.log`: `package-installed`, `package-upgraded`, `package-removed` for the steps of transactions, and one
//! `log` row a command line that dnf was started with.
//!
//! ```text
//! 2023-03-07T15:37:29+0800 SUBDEBUG Installed: nmap-3:7.70-5.el8.x86_64
//! 2023-03-07T15:40:02+0800 SUBDEBUG Upgrade: bash-4.4.20-4.el8.x86_64
//! 2023-03-07T15:40:03+0800 SUBDEBUG Upgraded: bash-4.4.20-1.el8.x86_64
//! 2023-03-07T07:37:20Z DDEBUG Command: dnf install -y nmap
//! ```
//!
//! Recognised by ISO stamps with a zone and one of dnf's levels after them, with a telling line among them.
//!
//! Cells: `attributes`: `package`, `version` (with its epoch), `architecture`, `tool` "dnf". Of an upgrade `Upgrade:` (the new version) gives the row; `Upgraded:`, `Downgraded:`
//! and `Cleanup:` (the old one) are read and give none. `log`: `command`, `attributes` `program` "dnf". Other lines are read and make no rows. Times carry their zone.
//!
//! Limits: who asked is not in these logs. What was started is told before it is known to work.
//!
//! Source: dnf `dnf/yum/rpmtrans.py`, `dnf/logging.py`.

use coldcase_model::{Attributes, Event, Place, Sink, action};

use super::{Step, nevra};
use crate::formats::collected_text::{CUT, TextLine, each_line, sample, shown};
use crate::syslog::Times;
use crate::years::stamp::{self, Stamp};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "dnf-log",
    title: "what dnf installed, upgraded, removed",
    source: include_str!("dnf_log.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Levels of dnf's loggers.
const LEVELS: [&str; 12] = [
    "SUBDEBUG",
    "DDEBUG",
    "DEBUG",
    "INFO",
    "WARNING",
    "ERROR",
    "CRITICAL",
    "TRACE",
    "ALL",
    "SUPERCRITICAL",
    "DEBUG2",
    "NOTICE",
];

/// `STAMP LEVEL text`, of dnf 5 with a process in brackets before the level.
fn parse(line: &str) -> Option<(Stamp, &str)> {
    let (stamp, end) = stamp::read(line.as_bytes())?;
    stamp.offset?;
    let mut rest = line.get(end..)?.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once("] ")?.1.trim_start();
    }
    let (level, text) = rest.split_once(' ')?;
    LEVELS.contains(&level).then_some((stamp, text.trim()))
}

/// What a step's word says; `None` within where another line tells it.
fn step(text: &str) -> Option<(Option<&'static str>, &str)> {
    let (word, package) = text.split_once(": ")?;
    let action = match word {
        "Installed" | "Reinstall" | "Install" | "Reinstalled" => Some(action::PACKAGE_INSTALLED),
        "Upgrade" | "Downgrade" | "Updated" => Some(action::PACKAGE_UPGRADED),
        "Erase" | "Erased" | "Removed" | "Obsoleted" | "Remove" => Some(action::PACKAGE_REMOVED),
        "Upgraded" | "Downgraded" | "Cleanup" | "Obsoleting" => None,
        _ => return None,
    };
    let package = package.trim();
    (!package.contains(' ') && nevra(package).is_some()).then_some((action, package))
}

fn is_telling(text: &str) -> bool {
    step(text).is_some()
        || [
            "--- logging initialized ---",
            "DNF version: ",
            "Command: ",
            "Loaded plugins: ",
            "=== Started libdnf",
            "DNF5 start",
        ]
        .iter()
        .any(|start| text.starts_with(start))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let (mut rows, mut telling) = (0_usize, 0_usize);
    for (_, text) in lines.iter().filter_map(|line| parse(line)) {
        rows += 1;
        telling += usize::from(is_telling(text));
    }
    match telling {
        0 => Sniff::No,
        // Tables of transactions stand between, without stamps.
        _ if rows * 2 < lines.len() => Sniff::No,
        1 => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut times = Times::new(input.clock);
    each_line(input, sink, |text, sink| line(text, &mut times, sink))?;
    Ok(None)
}

fn line(line: &TextLine<'_>, times: &mut Times<'_>, sink: &mut dyn Sink) {
    if line.text.trim().is_empty() {
        return;
    }
    let Some((stamp, text)) = parse(&line.text) else {
        let reason = if line.ended {
            "text of a table or message without a stamp"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    sink.used(1);
    let when = times.when(&stamp).ok();
    if let Some((Some(action), package)) = step(text) {
        let parts = nevra_with_epoch(package);
        let step = Step {
            action,
            package: parts.0,
            version: parts.1.as_deref(),
            architecture: parts.2,
            tool: "dnf",
            ..Step::default()
        };
        step.emit(when, line.number, sink);
    } else if let Some(command) = text.strip_prefix("Command: ") {
        let mut attributes = Attributes::new();
        attributes.text("program", "dnf");
        sink.event(&Event {
            when,
            command: Some(command.into()),
            attributes: attributes.finish().map(Into::into),
            message: Some(shown(command)),
            line: Some(line.number),
            ..Event::new(action::LOG)
        });
    }
}

fn nevra_with_epoch(package: &str) -> (&str, Option<String>, Option<&str>) {
    match nevra(package) {
        Some(parts) => (parts.name, Some(parts.version), parts.architecture),
        None => (package, None, None),
    }
}
