//! # apt-history: what apt was asked to do
//!
//! `/var/log/apt/history.log` and its rotations: one row a package that a run installed, upgraded or removed.
//!
//! ```text
//! Start-Date: 2023-03-07  15:37:29
//! Commandline: apt-get install nmap
//! Requested-By: alice (1000)
//! Install: nmap:amd64 (7.80+dfsg1-2), liblua5.3-0:amd64 (5.3.3-1, automatic)
//! Upgrade: bash:amd64 (5.0-6, 5.0-7)
//! End-Date: 2023-03-07  15:37:41
//! ```
//!
//! Recognised by `Start-Date:` and the other fields of a run.
//!
//! Cells: `user` who asked (through sudo), `command`; `attributes`: `package`, `version`, `before`, `architecture`, `tool` "apt". `Install` and `Reinstall` give
//! `package-installed`, `Upgrade` and `Downgrade` `package-upgraded`, `Remove` and `Purge` `package-removed`. Time is the run's start; it
//! is local, in the artifact's zone. Whether a package came by itself (`automatic`) is not told.
//!
//! Limits: a run that failed has `Error:` and its rows all the same: dpkg's log tells how far it came.
//!
//! Source: apt `apt-pkg/deb/dpkgpm.cc`.

use coldcase_model::{Place, Sink, When, action};

use super::{Step, is_package, with_architecture};
use crate::formats::collected_text::{CUT, TextLine, each_line, sample};
use crate::syslog::Times;
use crate::years::stamp;
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "apt-history",
    title: "what apt was asked to install, upgrade, remove",
    source: include_str!("apt_history.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Fields of a run.
const FIELDS: [&str; 13] = [
    "Start-Date",
    "Commandline",
    "Requested-By",
    "Install",
    "Reinstall",
    "Upgrade",
    "Downgrade",
    "Remove",
    "Purge",
    "Error",
    "Disappeared",
    "Comment",
    "End-Date",
];

fn field(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = FIELDS.iter().find(|field| **field == name)?;
    Some((name, value.trim()))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let fields: Vec<_> = lines.iter().filter_map(|line| field(line)).collect();
    let starts = fields
        .iter()
        .filter(|(name, value)| *name == "Start-Date" && value.len() >= 19);
    match starts.count() {
        0 => Sniff::No,
        _ if fields.len() * 10 < lines.len() * 7 || fields.len() < 2 => Sniff::No,
        _ => Sniff::Sure,
    }
}

/// What a run has told so far.
#[derive(Default)]
struct Run {
    when: Option<When>,
    user: Option<String>,
    command: Option<String>,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut times = Times::new(input.clock);
    let mut run = Run::default();
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, &mut run, &mut times, sink);
        }
    })?;
    Ok(None)
}

fn line(line: &TextLine<'_>, run: &mut Run, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    let Some((name, value)) = field(&line.text) else {
        let reason = if line.ended {
            "not a field of apt's history"
        } else {
            CUT
        };
        return sink.skip(place, reason);
    };
    let action = match name {
        "Start-Date" => {
            let stamp = stamp::read(value.as_bytes())
                .map(|(stamp, _)| stamp)
                .or_else(|| two_blanks(value));
            *run = Run {
                when: stamp.and_then(|stamp| times.when(&stamp).ok()),
                ..Run::default()
            };
            None
        }
        "Commandline" => {
            run.command = Some(value.to_owned());
            None
        }
        "Requested-By" => {
            let name = value.split_once(" (").map_or(value, |(name, _)| name);
            run.user = Some(name.to_owned());
            None
        }
        "Install" | "Reinstall" => Some(action::PACKAGE_INSTALLED),
        "Upgrade" | "Downgrade" => Some(action::PACKAGE_UPGRADED),
        "Remove" | "Purge" | "Disappeared" => Some(action::PACKAGE_REMOVED),
        _ => None,
    };
    let mut rows = 0;
    if let Some(action) = action {
        rows = packages(value, action, run, line.number, sink);
        if rows == 0 {
            return sink.skip(
                place,
                if line.ended {
                    "no package in the field"
                } else {
                    CUT
                },
            );
        }
    }
    if rows == 0 && !line.ended && name != "End-Date" {
        return sink.skip(place, CUT);
    }
    sink.used(1);
}

/// `2023-03-07  15:37:29`: apt puts two blanks.
fn two_blanks(value: &str) -> Option<stamp::Stamp> {
    let (date, time) = value.split_once(' ')?;
    let text = format!("{date} {}", time.trim_start());
    stamp::read(text.as_bytes()).map(|(stamp, _)| stamp)
}

/// `nmap:amd64 (7.80, automatic), bash:amd64 (5.0-6, 5.0-7)`: a row each; how many there were.
fn packages(value: &str, action: &'static str, run: &Run, line: u64, sink: &mut dyn Sink) -> u64 {
    let mut rows = 0;
    for part in value.split_inclusive(')') {
        let Some((name, versions)) = part.trim_start_matches([',', ' ']).split_once(" (") else {
            continue;
        };
        let (package, architecture) = with_architecture(name.trim());
        let Some(versions) = versions.strip_suffix(')').filter(|_| is_package(package)) else {
            continue;
        };
        let mut versions = versions
            .split(',')
            .map(str::trim)
            .filter(|version| *version != "automatic");
        let (first, second) = (versions.next(), versions.next());
        let (version, before) = match action {
            action::PACKAGE_UPGRADED => (second, first),
            _ => (first, None),
        };
        let step = Step {
            action,
            package,
            version,
            before,
            architecture,
            tool: "apt",
            user: run.user.as_deref(),
            command: run.command.as_deref(),
        };
        step.emit(run.when, line, sink);
        rows += 1;
    }
    rows
}
