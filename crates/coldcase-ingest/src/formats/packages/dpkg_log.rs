//! # dpkg-log: what dpkg did
//!
//! `/var/log/dpkg.log` and its rotations. `package-installed`, `package-upgraded` and `package-removed` for the lines that begin a step; states and
//! triggers between are read and make no rows.
//!
//! ```text
//! 2016-08-06 17:35:39 startup archives install
//! 2016-08-06 17:35:39 install base-passwd:amd64 <none> 3.5.33
//! 2016-08-06 17:35:39 status half-installed base-passwd:amd64 3.5.33
//! 2016-08-09 04:57:14 upgrade bash:amd64 4.3-14 4.3-15
//! ```
//!
//! Recognised by a stamp without a zone and one of dpkg's words after it, on most lines.
//!
//! Cells: `attributes`: `package`, `version`, `before` (the version there was), `architecture`, `tool` "dpkg". Of a removal `version` is what was removed. Times are
//! local, in the artifact's zone, to the second.
//!
//! Limits: who asked for it and the command stand in apt's history.
//!
//! Source: dpkg(1) `--log`, dpkg `lib/dpkg/log.c`.

use coldcase_model::{Place, Sink, action};

use super::{Step, is_package, with_architecture};
use crate::formats::collected_text::{CUT, TextLine, each_line, sample};
use crate::syslog::Times;
use crate::years::stamp::{self, Stamp};
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "dpkg-log",
    title: "what dpkg installed, upgraded, removed",
    source: include_str!("dpkg_log.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// What a line tells.
enum Entry<'a> {
    Step(Step<'a>),
    Between,
}

fn parse(line: &str) -> Option<(Stamp, Entry<'_>)> {
    let (stamp, end) = stamp::read(line.as_bytes())?;
    stamp.year?;
    let mut words = line.get(end..)?.split_ascii_whitespace();
    let verb = words.next()?;
    let known = |version: &&str| *version != "<none>" && *version != "<unknown>";
    let entry = match verb {
        "startup" | "trigproc" | "configure" | "disappear" => {
            words.next()?;
            Entry::Between
        }
        "status" => {
            let state = words.next()?;
            let fits = state
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            words.next().filter(|_| fits)?;
            Entry::Between
        }
        "conffile" => {
            words.next().filter(|path| path.starts_with('/'))?;
            Entry::Between
        }
        "install" | "upgrade" | "remove" | "purge" => {
            let (package, architecture) =
                with_architecture(words.next().filter(|name| is_package(name))?);
            let before = words.next().filter(known);
            let version = words.next().filter(known);
            let action = match verb {
                "install" => action::PACKAGE_INSTALLED,
                "upgrade" => action::PACKAGE_UPGRADED,
                _ => action::PACKAGE_REMOVED,
            };
            // Of a removal the first version is the one that goes.
            let removed = action == action::PACKAGE_REMOVED;
            let (version, before) = if removed {
                (before, None)
            } else {
                (version, before)
            };
            Entry::Step(Step {
                action,
                package,
                version,
                before,
                architecture,
                tool: "dpkg",
                ..Step::default()
            })
        }
        _ => return None,
    };
    Some((stamp, entry))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let rows = lines.iter().filter(|line| parse(line).is_some()).count();
    match rows {
        0 => Sniff::No,
        _ if rows * 10 < lines.len() * 7 => Sniff::No,
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
    match parse(&line.text) {
        // A version of a cut line may be a part of it.
        Some((_, Entry::Step(step))) if !line.ended && step.version.or(step.before).is_none() => {
            sink.skip(Place::Line(line.number), CUT);
        }
        Some((stamp, Entry::Step(step))) => {
            step.emit(times.when(&stamp).ok(), line.number, sink);
            sink.used(1);
        }
        Some((_, Entry::Between)) => sink.used(1),
        None if !line.ended => sink.skip(Place::Line(line.number), CUT),
        None => sink.skip(Place::Line(line.number), "not a line of dpkg's log"),
    }
}
