//! Alerts of one line: Suricata's `fast.log`, Snort's `alert_fast` (2 and 3).
//!
//! **Made by** the output `fast` in suricata.yaml; `snort -A fast`, Snort 3's `alert_fast`.
//!
//! **Recognised** where most lines are a stamp `MM/DD/YYYY-HH:MM:SS.ffffff` (Snort: without year, or with two digits, `-y`), then
//! `[**] [GID:SID:REV]`. Single lines behind syslog's head (`snort[512]: [1:2001:3] ...`) are read in a mixed syslog.
//!
//! ```text
//! 01/27/2021-10:11:12.123456  [**] [1:2001:3] ET SCAN something [**] [Classification: Attempted Information Leak] [Priority: 2] {TCP} 192.0.2.66:51234 -> 10.0.0.5:22
//! ```
//!
//! **Events.** One `alert` a line: `signature`, `signature_id`, `gid`, `rev`, `category`, `severity` (the priority, 1 is the
//! gravest), `decision` (`[Drop]`, `[wDrop]`), addresses with ports where the protocol has them.
//!
//! **Times** are local times of the sensor without zone (`snort -U`: UTC, which the line does not say); Snort's year is inferred
//! from the series.
//!
//! **Limits.** Snort's full alerts of several lines are not read.
//!
//! Sources: Suricata's alert-fastlog.c, Snort 2's spo_alert_fast.c, Snort 3's alert_fast.cc.

use coldcase_model::{Place, Sink};

use super::most_lines;
use crate::syslog::{Row, Times, read_ids_alert};
use crate::years::stamp;
use crate::{Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "suricata-fast",
    title: "Suricata fast.log, Snort alert_fast",
    source: include_str!("fast.rs"),
    yearless: true,
    sniff,
    ingest,
    join: None,
};

/// Lines looked at to recognise the format.
const SNIFFED_LINES: usize = 50;

fn sniff(probe: &Probe<'_>) -> Sniff {
    most_lines(probe, SNIFFED_LINES, |text| {
        stamped(text).is_some_and(|(_, rest)| {
            rest.starts_with("[**]") && read_ids_alert(rest, &mut Row::new()).is_some()
        })
    })
}

/// The stamp and what follows it.
fn stamped(line: &str) -> Option<(stamp::Stamp, &str)> {
    let line = line.trim_start_matches('\u{feff}');
    if line.as_bytes().get(2) != Some(&b'/') {
        return None;
    }
    let (stamp, end) = stamp::read(line.as_bytes())?;
    Some((stamp, line.get(end..)?.trim()))
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut times = Times::new(input.clock);
    let mut told = false;
    while let Some(line) = lines.next_line()? {
        read_line(&line, &mut times, &mut told, sink);
    }
    Ok(None)
}

fn read_line(line: &Line<'_>, times: &mut Times<'_>, told: &mut bool, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    if line.cut {
        return sink.skip(place, "line longer than 1 MiB");
    }
    if line.bytes.trim_ascii().is_empty() {
        return sink.skip(place, "blank line");
    }
    let text = String::from_utf8_lossy(line.bytes);
    let Some((stamp, rest)) = stamped(&text) else {
        return sink.skip(place, "no stamp of an alert at its head");
    };
    let mut row = Row::new();
    if read_ids_alert(rest, &mut row).is_none() {
        return sink.skip(place, "a damaged alert");
    }
    // Snort never writes a year of four digits.
    let source = if text.as_bytes().get(10) == Some(&b'-') {
        "suricata"
    } else {
        "snort"
    };
    row.text("source", source);
    let when = times.when(&stamp).ok();
    if when.is_none() && !std::mem::replace(told, true) {
        let warning = "stamps have no year and nothing gives one: their times stay unknown";
        sink.warn(place, warning.to_owned());
    }
    row.event.when = when;
    row.event.line = Some(line.number);
    row.event.message = Some(rest.into());
    row.event.attributes = std::mem::take(&mut row.attributes).finish().map(Into::into);
    sink.event(&row.event);
    sink.used(1);
}
