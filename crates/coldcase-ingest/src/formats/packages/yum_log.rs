//! # yum-log: what yum did
//!
//! `/var/log/yum.log` and its rotations: `package-installed`, `package-upgraded`, `package-removed`, one a line.
//!
//! ```text
//! Mar 07 15:37:29 Installed: nmap-6.40-19.el7.x86_64
//! Mar 07 15:40:02 Updated: 32:bind-libs-9.11.4-26.el7.x86_64
//! Mar 08 09:01:10 Erased: nmap
//! ```
//!
//! Recognised by a stamp without a year and one of yum's words with a colon, on most lines.
//!
//! Cells: `attributes`: `package`, `version` (with its epoch), `architecture`, `tool` "yum". Times are local and without a year: it is inferred from the
//! rotation and the moment of collection as for other logs.
//!
//! Limits: an update names only the new version, a removal of older versions only the name. Who asked is not in it.
//!
//! Source: yum `yum/rpmtrans.py`.

use coldcase_model::{Place, Sink, action};

use super::{Step, nevra};
use crate::formats::collected_text::{CUT, TextLine, each_line, sample};
use crate::syslog::Times;
use crate::years::stamp::{self, Stamp};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "yum-log",
    title: "what yum installed, updated, erased",
    source: include_str!("yum_log.rs"),
    yearless: true,
    sniff,
    ingest,
    join: None,
};

/// What yum's word says; `None` within for steps that another line tells.
fn verb(word: &str) -> Option<Option<&'static str>> {
    Some(match word {
        "Installed" | "Dep-Installed" | "Reinstalled" => Some(action::PACKAGE_INSTALLED),
        "Updated" | "Dep-Updated" | "Downgraded" | "Downgrade" => Some(action::PACKAGE_UPGRADED),
        "Erased" | "Removed" | "Obsoleted" => Some(action::PACKAGE_REMOVED),
        "Cleanup" => None,
        _ => return None,
    })
}

fn parse(line: &str) -> Option<(Stamp, Option<&'static str>, &str)> {
    let (stamp, end) = stamp::read(line.as_bytes())?;
    let (word, package) = line.get(end..)?.trim_start().split_once(": ")?;
    let package = package.trim();
    let fits = !package.is_empty() && !package.contains(' ');
    Some((stamp, verb(word)?, package)).filter(|_| fits)
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let rows: Vec<_> = lines.iter().filter_map(|line| parse(line)).collect();
    if rows.is_empty() || rows.len() * 10 < lines.len() * 7 {
        return Sniff::No;
    }
    // The name of a package with its architecture is no program that logs to syslog.
    let is_whole = |package: &str| nevra(package).is_some_and(|parts| parts.architecture.is_some());
    if rows.iter().any(|(_, _, package)| is_whole(package)) {
        return Sniff::Sure;
    }
    Sniff::Likely
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
    let Some((stamp, verb, package)) = parse(&line.text) else {
        let reason = if line.ended {
            "not a line of yum's log"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    let when = times.when(&stamp).ok();
    if let Some(action) = verb {
        let parts = nevra(package);
        let step = Step {
            action,
            package: parts.as_ref().map_or(package, |parts| parts.name),
            version: parts.as_ref().map(|parts| parts.version.as_str()),
            architecture: parts.as_ref().and_then(|parts| parts.architecture),
            tool: "yum",
            ..Step::default()
        };
        step.emit(when, line.number, sink);
    }
    sink.used(1);
}
