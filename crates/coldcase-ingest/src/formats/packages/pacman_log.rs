//! # pacman-log: what pacman did
//!
//! `/var/log/pacman.log`: `package-installed`, `package-upgraded`, `package-removed` for what libalpm did, and one `log` row a command line.
//!
//! ```text
//! [2023-03-07T15:37:20+0800] [PACMAN] Running 'pacman -S nmap'
//! [2023-03-07T15:37:29+0800] [ALPM] installed nmap (7.93-1)
//! [2019-03-07 15:37] [ALPM] upgraded bash (4.4-1 -> 5.0-1)
//! ```
//!
//! Recognised by a stamp and a source (`[ALPM]`, `[PACMAN]`, `[ALPM-SCRIPTLET]`) in brackets on most lines.
//!
//! Cells: `attributes`: `package`, `version`, `before`, `tool` "pacman"; `log`: `command`, `program`. Other lines are read and make no rows. Times since 2019 carry their zone;
//! older ones are local, to the minute.
//!
//! Source: pacman(8), pacman `lib/libalpm/log.c`.

use coldcase_model::{Attributes, Event, Place, Precision, Sink, When, action};

use super::{Step, is_package};
use crate::formats::collected_text::{CUT, TextLine, each_line, sample, shown};
use crate::syslog::Times;
use crate::years::stamp;
use crate::{Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "pacman-log",
    title: "what pacman installed, upgraded, removed",
    source: include_str!("pacman_log.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// The stamp, the source and the text of a line.
fn parse(line: &str) -> Option<(&str, &str, &str)> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once("] [")?;
    let (source, text) = rest.split_once("] ")?;
    let known = source.starts_with("ALPM") || source.starts_with("PACMAN");
    (known && stamp.len() >= 16).then_some((stamp, source, text))
}

fn step(text: &str) -> Option<Step<'_>> {
    let (verb, rest) = text.split_once(' ')?;
    let (package, versions) = rest.trim_end().strip_suffix(')')?.split_once(" (")?;
    let (action, version, before) = match (verb, versions.split_once(" -> ")) {
        ("upgraded" | "downgraded", Some((old, new))) => {
            (action::PACKAGE_UPGRADED, Some(new), Some(old))
        }
        ("installed" | "reinstalled", _) => (action::PACKAGE_INSTALLED, Some(versions), None),
        ("removed", _) => (action::PACKAGE_REMOVED, Some(versions), None),
        _ => return None,
    };
    is_package(package).then_some(Step {
        action,
        package,
        version,
        before,
        tool: "pacman",
        ..Step::default()
    })
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let rows = lines.iter().filter(|line| parse(line).is_some()).count();
    match rows {
        0 => Sniff::No,
        _ if rows * 10 < lines.len() * 7 => Sniff::No,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut times = Times::new(input.clock);
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, &mut times, sink);
        }
    })?;
    Ok(None)
}

/// Older stamps end at the minute.
fn when(text: &str, times: &mut Times<'_>) -> Option<When> {
    if let Some((stamp, _)) = stamp::read(text.as_bytes()) {
        return times.when(&stamp).ok();
    }
    let whole = format!("{text}:00");
    let (stamp, _) = stamp::read(whole.as_bytes())?;
    let when = times.when(&stamp).ok()?;
    Some(When {
        precision: Precision::Min,
        ..when
    })
}

fn line(line: &TextLine<'_>, times: &mut Times<'_>, sink: &mut dyn Sink) {
    let Some((stamp, _, text)) = parse(&line.text) else {
        let reason = if line.ended {
            "not a line of pacman's log"
        } else {
            CUT
        };
        return sink.skip(Place::Line(line.number), reason);
    };
    sink.used(1);
    let when = when(stamp, times);
    if let Some(step) = step(text) {
        step.emit(when, line.number, sink);
    } else if let Some(command) = text
        .strip_prefix("Running '")
        .and_then(|rest| rest.trim_end().strip_suffix('\''))
    {
        let mut attributes = Attributes::new();
        attributes.text("program", "pacman");
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
