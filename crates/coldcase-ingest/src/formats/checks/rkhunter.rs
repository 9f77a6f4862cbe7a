//! # rkhunter: warnings of Rootkit Hunter
//!
//! `/var/log/rkhunter.log` (`rkhunter --check`) and what it shows on the terminal. One `alert` a warning; all other results are read and make no rows.
//!
//! ```text
//! [10:11:12] Running Rootkit Hunter version 1.4.6 on web
//! [10:11:12] Info: Start date is Tue Mar  7 10:11:12 CST 2023
//! [10:11:13]   /usr/bin/lwp-request                            [ Warning ]
//! [10:11:13] Warning: The command '/usr/bin/lwp-request' has been replaced by a script: /usr/bin/lwp-request: Perl script
//! ```
//!
//! Recognised by its own name in a log with times of day, or by results in brackets (`[ OK ]`, `[ Not found ]`) on most lines.
//!
//! Cells: `path` the first that the warning names; `attributes`: `signature` (the warning's text), `source` "rkhunter". Lines without `Warning:` that
//! go on a warning are part of it. On a terminal's output every `[ Warning ]` is a row.
//!
//! Times: the log has times of day; the date stands in `Start date is` and goes on past midnight. Without it rows have no time. Local, in the
//! artifact's zone: abbreviations such as CST are not unique.
//!
//! Source: rkhunter(8), the script itself.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::{Attributes, Event, Place, Precision, Sink, When, action};

use super::path_in;
use crate::formats::collected_text::{CUT, TextLine, each_line, sample, shown};
use crate::years::stamp;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "rkhunter",
    title: "warnings of Rootkit Hunter",
    source: include_str!("rkhunter.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Most lines that go on one warning.
const MOST_LINES: u64 = 64;

/// `[10:11:12] text`
fn timed(line: &str) -> Option<(NaiveTime, &str)> {
    let (time, text) = line.strip_prefix('[')?.split_once(']')?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S").ok()?;
    Some((time, text.strip_prefix(' ').unwrap_or(text)))
}

/// The result in brackets at a line's end: `  Checking x   [ Not found ]`.
fn result(text: &str) -> Option<(&str, &str)> {
    let (what, result) = text.trim_end().strip_suffix(" ]")?.rsplit_once("[ ")?;
    let fits =
        !result.is_empty() && result.len() < 32 && what.starts_with(' ') && !what.trim().is_empty();
    fits.then(|| (what.trim(), result.trim()))
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    let (mut lines, mut times, mut results, mut told, mut console) =
        (0_usize, 0_usize, 0_usize, false, 0_usize);
    for line in sample(probe) {
        lines += 1;
        let own = line.contains("Rootkit Hunter") || line.contains("rkhunter");
        told |= own;
        match timed(line) {
            Some((_, text)) => {
                times += 1;
                results += usize::from(result(text).is_some() || text.starts_with("Warning: "));
            }
            None => console += usize::from(result(line).is_some()),
        }
    }
    if times * 10 >= lines * 8 && times > 0 && (told || results > 1) {
        return if told { Sniff::Sure } else { Sniff::Likely };
    }
    let most = console * 2 >= lines && console > 1;
    if most && told {
        Sniff::Likely
    } else {
        Sniff::No
    }
}

struct Warning {
    line: u64,
    lines: u64,
    text: String,
    when: Option<When>,
}

struct Reader<'a> {
    clock: &'a Clock,
    date: Option<NaiveDate>,
    last: Option<NaiveTime>,
    is_log: bool,
    warning: Option<Warning>,
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut reader = Reader {
        clock: input.clock,
        date: None,
        last: None,
        is_log: false,
        warning: None,
    };
    let read = each_line(input, sink, |line, sink| reader.line(line, sink));
    reader.flush(sink);
    read.map(|()| None)
}

impl Reader<'_> {
    fn line(&mut self, line: &TextLine<'_>, sink: &mut dyn Sink) {
        let text = line.text.as_ref();
        if text.trim().is_empty() {
            return;
        }
        let Some((time, text)) = timed(text) else {
            return self.console(text, line, sink);
        };
        self.is_log = true;
        self.start_date(text);
        let when = self.when(time);
        let goes_on = text.starts_with("         ") && result(text).is_none();
        if let (Some(warning), true) = (&mut self.warning, goes_on)
            && warning.lines < MOST_LINES
        {
            warning.text.push(' ');
            warning.text.push_str(text.trim());
            warning.lines += 1;
            return;
        }
        self.flush(sink);
        match text.trim_start().strip_prefix("Warning: ") {
            Some(warning) => self.begin(warning, when, line.number),
            None => sink.used(1),
        }
    }

    fn console(&mut self, text: &str, line: &TextLine<'_>, sink: &mut dyn Sink) {
        if self.is_log {
            if let Some(warning) = &mut self.warning
                && warning.lines < MOST_LINES
                && line.ended
            {
                warning.text.push(' ');
                warning.text.push_str(text.trim());
                warning.lines += 1;
                return;
            }
            let reason = if line.ended {
                "not a line of rkhunter"
            } else {
                CUT
            };
            return sink.skip(Place::Line(line.number), reason);
        }
        self.flush(sink);
        match result(text) {
            Some((what, "Warning")) => self.begin(what, None, line.number),
            _ => match text.trim_start().strip_prefix("Warning: ") {
                Some(warning) => self.begin(warning, None, line.number),
                None => sink.used(1),
            },
        }
    }

    fn begin(&mut self, text: &str, when: Option<When>, line: u64) {
        self.warning = Some(Warning {
            line,
            lines: 1,
            text: text.trim().to_owned(),
            when,
        });
    }

    /// `Info: Start date is Tue Mar  7 10:11:12 CST 2023`, also with another order of its parts.
    fn start_date(&mut self, text: &str) {
        let Some(date) = text.trim_start().strip_prefix("Info: Start date is ") else {
            return;
        };
        let words: Vec<&str> = date.split_whitespace().take(8).collect();
        let number =
            |word: &&&str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        let year = words.iter().find(number).and_then(|word| word.parse().ok());
        let month = words.iter().find_map(|word| month(word));
        let day = words
            .iter()
            .find_map(|word| word.parse().ok().filter(|_| word.len() <= 2));
        let named = year.zip(month).zip(day);
        self.date = named
            .and_then(|((year, month), day)| NaiveDate::from_ymd_opt(year, month, day))
            .or_else(|| {
                let (stamp, _) = stamp::read(date.as_bytes())?;
                NaiveDate::from_ymd_opt(stamp.year?, stamp.month.into(), stamp.day.into())
            });
        self.last = None;
    }

    fn when(&mut self, time: NaiveTime) -> Option<When> {
        if self.last.replace(time).is_some_and(|last| time < last) {
            self.date = self.date?.checked_add_days(Days::new(1));
        }
        self.clock
            .local(NaiveDateTime::new(self.date?, time), Precision::S)
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(warning) = self.warning.take() else {
            return;
        };
        let mut attributes = Attributes::new();
        attributes
            .text("signature", &shown(&warning.text))
            .text("source", "rkhunter");
        let when = if self.is_log {
            warning.when
        } else {
            self.clock.collected()
        };
        sink.event(&Event {
            when,
            path: path_in(&warning.text).map(Into::into),
            attributes: attributes.finish().map(Into::into),
            message: Some(shown(&warning.text)),
            line: Some(warning.line),
            ..Event::new(action::ALERT)
        });
        sink.used(warning.lines);
    }
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = MONTHS.iter().position(|month| word == *month)?;
    u32::try_from(at + 1).ok()
}
