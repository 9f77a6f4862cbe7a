//! # rpm-list: packages with when they were installed
//!
//! `rpm -qa --last`, `rpm -q --last NAME`: one `package-installed` a package.
//!
//! ```text
//! nmap-6.40-19.el7.x86_64                       Tue 07 Mar 2023 03:37:29 PM CST
//! bash-4.2.46-34.el7.x86_64                     Mon 10 Feb 2020 09:12:44 AM CST
//! ```
//!
//! Recognised by lines of a package's name with version and release, and a date with a time.
//!
//! Cells: `attributes`: `package`, `version`, `architecture`, `tool` "rpm". The moment is when this version came, by an installation or an upgrade: the database keeps
//! no more. Dates are in the collector's locale (C, English, Chinese, and languages whose month names begin alike) and local, in the artifact's zone: of zones' names only
//! UTC and GMT are unique.
//!
//! Limits: dates of other languages give rows without a time.
//!
//! Source: rpm(8), rpm `rpmpopt.in` (`--last`).

use coldcase_model::{Place, Sink, action};

use super::{Nevra, Step, nevra, rpm_dates};
use crate::formats::collected_text::{CUT, FRAME, TextLine, each_line, frame, sample};
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "rpm-list",
    title: "packages with when they were installed: rpm -qa --last",
    source: include_str!("rpm_list.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// A package and the text of its date.
fn parse(line: &str) -> Option<(Nevra<'_>, &str)> {
    let (package, date) = line.trim().split_once([' ', '\t'])?;
    let nevra = nevra(package)?;
    let date = date.trim_start();
    let has_time = date.split_whitespace().any(|word| {
        word.matches(':').count() == 2 && word.starts_with(|c: char| c.is_ascii_digit())
            || word.ends_with('秒')
    });
    let has_year = date
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 4 && digits.starts_with(['1', '2']));
    (has_time && has_year).then_some(())?;
    Some((nevra, date))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let lines = sample(probe);
    let rows = lines.iter().filter(|line| parse(line).is_some()).count();
    if rows == 0 {
        return Sniff::No;
    }
    let frames = lines.iter().filter(|line| frame(line).is_some()).count();
    match rows {
        _ if rows * 10 < (lines.len() - frames) * 8 => Sniff::No,
        1 | 2 => Sniff::Likely,
        _ => Sniff::Sure,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut unread = false;
    each_line(input, sink, |text, sink| {
        if !text.text.trim().is_empty() {
            line(text, clock, &mut unread, sink);
        }
    })?;
    Ok(None)
}

fn line(line: &TextLine<'_>, clock: &Clock, unread: &mut bool, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    let Some((package, date)) = parse(&line.text) else {
        let reason = if frame(&line.text).is_some() {
            FRAME
        } else if line.ended {
            "not a package with a date"
        } else {
            CUT
        };
        return sink.skip(place, reason);
    };
    let when = rpm_dates::read(date, clock);
    if when.is_none() && !std::mem::replace(unread, true) {
        sink.warn(place, format!("date in an unknown form: {date}"));
    }
    let step = Step {
        action: action::PACKAGE_INSTALLED,
        package: package.name,
        version: Some(&package.version),
        architecture: package.architecture,
        tool: "rpm",
        ..Step::default()
    };
    step.emit(when, line.number, sink);
    sink.used(1);
}
