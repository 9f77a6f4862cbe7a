//! # top: processes as `top` in batch mode lists them
//!
//! Made by `top -b -n1`, with any number of iterations, columns and `-c`, `-H`; by procps of all ages and by BusyBox.
//!
//! **Recognised** by a first line `top - 15:10:50 up ...` with its table, or by the table's header (PID and COMMAND with VIRT, RES,
//! TIME+ or BusyBox's %VSZ).
//!
//! ```text
//! top - 15:10:50 up 81 days, 17:57,  1 user,  load average: 9.81, 9.64, 9.20
//! Tasks: 115 total,   4 running, 111 sleeping,   0 stopped,   0 zombie
//!
//!   PID USER      PR  NI    VIRT    RES    SHR S %CPU %MEM     TIME+ COMMAND
//! 10860 zhangmin  20   0   14.1g   3.5g   1.2g R  395 11.2   6150:00 python3
//! ```
//!
//! **Rows.** `process-listed`, one a row, and one `host-listed` an iteration with `load` and, where the uptime tells it, `boot` (to
//! the minute); another for the line of all processors, with `cpu_busy_percent` (user, nice and system, of all processors together) and
//! `cpu_idle_percent`. Sizes are KiB or carry a unit (`1.2g`), so they are as coarse as shown. COMMAND is `comm` too, unless it is a
//! command line (`-c`). A process without memory is the kernel's.
//!
//! **Times.** An iteration's clock has no date: it is the last such moment before the collection, in the host's zone. Without the
//! moment of collection, and in BusyBox's output, which has no clock, rows have that of the collection or none.
//!
//! **Limits.** The summary's counters of tasks, single processors and memory are skipped. In the first iteration top's own sums are since boot. Interactive recordings are read as far as
//! their rows stand on lines.
//!
//! Sources: top(1), procps `src/top/top.c`, BusyBox `procps/top.c`.

use std::borrow::Cow;

use chrono::NaiveTime;
use coldcase_model::{Attributes, Basis, Event, Precision, Sink, When, action};

use super::reader::{self, Summary};
use super::table::Tool;
use crate::{Clock, Format, IngestError, Input, Leftover, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "top",
    title: "processes as top in batch mode lists them",
    source: include_str!("top.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// How much later than the collection a clock may be, in seconds: the moments are of different tools.
const TOLERANCE: i64 = 120;

fn sniff(probe: &Probe<'_>) -> Sniff {
    let by_table = reader::sniff(probe, Tool::Top, &["top"]);
    if by_table == Sniff::No {
        return by_table;
    }
    let is_first = |line: &[u8]| heading(&super::shown::cleaned(line)).is_some();
    match probe.lines().take(10).any(is_first) {
        true => Sniff::Sure,
        false => by_table,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let clock = input.clock;
    let mut when = None;
    let summary = |text: &str, line: u64, sink: &mut dyn Sink| {
        if let Some(heading) = heading(text) {
            when = heading.when(clock).or_else(|| clock.collected());
            heading.emit(line, when, sink);
            sink.used(1);
            return Summary::Begins(when);
        }
        if let Some(processors) = processors(text) {
            processors.emit(line, when, sink);
            sink.used(1);
            return Summary::Begins(when);
        }
        match is_summary(text) {
            true => Summary::Passed,
            false => Summary::None,
        }
    };
    reader::read(&mut input.reader, clock, &["top"], sink, summary)?;
    Ok(None)
}

/// The first line of an iteration.
struct Heading<'a> {
    /// The host's clock; BusyBox has none.
    time: Option<NaiveTime>,
    up_seconds: Option<i64>,
    load: Option<[&'a str; 3]>,
}

impl Heading<'_> {
    fn when(&self, clock: &Clock) -> Option<When> {
        let time = self.time?;
        let newest = clock.collected_at?.plus_seconds(TOLERANCE);
        let date = clock.zone.local(newest).date();
        let place = |date: chrono::NaiveDate| clock.local(date.and_time(time), Precision::S);
        let today = place(date)?;
        let found = match today.ts <= newest {
            true => today,
            false => place(date.pred_opt()?)?,
        };
        Some(When {
            basis: Basis::Collected,
            ..found
        })
    }

    fn emit(&self, line: u64, when: Option<When>, sink: &mut dyn Sink) {
        let mut attributes = Attributes::new();
        let boot = when.zip(self.up_seconds);
        if let Some((when, up)) = boot.filter(|_| self.time.is_some()) {
            attributes.text("boot", &when.ts.plus_seconds(-up).to_string());
        }
        if let Some(load) = self.load {
            attributes.texts("load", load);
        }
        let mut event = Event::new(action::HOST_LISTED);
        event.when = when;
        event.line = Some(line);
        event.attributes = attributes.finish().map(Cow::Owned);
        let load = self
            .load
            .map_or("unknown".to_owned(), |load| load.join(" "));
        event.message = Some(format!("load of the host {load}").into());
        sink.event(&event);
    }
}

/// Use of all processors together, in percent of what they have.
struct Processors {
    busy: f64,
    idle: f64,
}

impl Processors {
    fn emit(&self, line: u64, when: Option<When>, sink: &mut dyn Sink) {
        let mut attributes = Attributes::new();
        attributes
            .value("cpu_busy_percent", &self.busy.into())
            .value("cpu_idle_percent", &self.idle.into());
        let mut event = Event::new(action::HOST_LISTED);
        event.when = when;
        event.line = Some(line);
        event.attributes = attributes.finish().map(Cow::Owned);
        let message = format!("processors {:.1}% busy, {:.1}% idle", self.busy, self.idle);
        event.message = Some(message.into());
        sink.event(&event);
    }
}

/// `%Cpu(s): 91.3 us,  1.2 sy,  0.0 ni,  7.3 id, ...`, `Cpu(s): 91.3%us, ...`, BusyBox's `CPU:  1% usr  0% sys  0% nic  99% idle`.
fn processors(text: &str) -> Option<Processors> {
    let starts = ["%Cpu(s):", "Cpu(s):", "CPU:"];
    let rest = starts
        .iter()
        .find_map(|start| text.trim_start().strip_prefix(start))?;
    let rest = decimal_points(rest);
    let parts = rest.split([',', '%', ' ']).filter(|part| !part.is_empty());
    let (mut busy, mut idle, mut number) = (0.0, None, None);
    for part in parts {
        let value = part
            .parse::<f64>()
            .ok()
            .filter(|value| (0.0..=100.0).contains(value));
        match (part, number) {
            ("us" | "usr" | "sy" | "sys" | "ni" | "nic", Some(value)) => busy += value,
            ("id" | "idle", Some(value)) => idle = Some(value),
            _ => {}
        }
        number = value;
    }
    Some(Processors {
        busy: (busy * 10.0_f64).round() / 10.0,
        idle: idle?,
    })
}

/// `top - 15:10:50 up 81 days, 17:57,  1 user,  load average: 9.81, 9.64, 9.20`, BusyBox's `Load average: 0.00 0.01
/// 0.05 1/123 456`.
fn heading(text: &str) -> Option<Heading<'_>> {
    if let Some(rest) = text.trim_start().strip_prefix("Load average:") {
        return Some(Heading {
            time: None,
            up_seconds: None,
            load: Some(load_of(rest)?),
        });
    }
    // A renamed field set stands in place of "top" (`Def - `).
    let (name, rest) = text.trim_start().split_once(" - ")?;
    let (time, rest) = rest.trim_start().split_once(" up ")?;
    if name.len() > 12 || name.contains(' ') {
        return None;
    }
    let (up, load) = rest.split_once("load average:")?;
    Some(Heading {
        time: Some(NaiveTime::parse_from_str(time.trim(), "%H:%M:%S").ok()?),
        up_seconds: uptime(up),
        load: load_of(load),
    })
}

/// A comma between digits is a decimal sign of the locale.
fn decimal_points(text: &str) -> String {
    let mut signs = text.chars().peekable();
    let mut before = ' ';
    let mut points = String::with_capacity(text.len());
    while let Some(sign) = signs.next() {
        let inside = before.is_ascii_digit() && signs.peek().is_some_and(char::is_ascii_digit);
        points.push(if sign == ',' && inside { '.' } else { sign });
        before = sign;
    }
    points
}

/// Three averages; the decimal sign is the locale's, so blanks part them.
fn load_of(text: &str) -> Option<[&str; 3]> {
    let mut words = text
        .split_whitespace()
        .map(|word| word.trim_end_matches(','));
    let mut next = || {
        let word = words.next()?;
        let is_number = word.starts_with(|first: char| first.is_ascii_digit())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
        is_number.then_some(word)
    };
    Some([next()?, next()?, next()?])
}

/// ` 81 days, 17:57,  1 user, `, ` 3 min, `, ` 5:02, `.
fn uptime(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut found = false;
    for part in text.split(',') {
        let mut words = part.split_whitespace();
        let (first, unit) = (words.next().unwrap_or_default(), words.next());
        let seconds = match unit {
            Some("day" | "days") => first.parse::<i64>().ok()?.checked_mul(86_400)?,
            Some("min" | "mins") => first.parse::<i64>().ok()?.checked_mul(60)?,
            None => match first.split_once(':') {
                Some((hours, minutes)) => {
                    let hours = hours.parse::<i64>().ok()?.checked_mul(3_600)?;
                    hours.checked_add(minutes.parse::<i64>().ok()?.checked_mul(60)?)?
                }
                None => continue,
            },
            Some(_) => continue,
        };
        total = total.checked_add(seconds)?;
        found = true;
    }
    found.then_some(total)
}

fn is_summary(text: &str) -> bool {
    let text = text.trim_start();
    let starts = [
        "Tasks:", "Threads:", "%Cpu", "Cpu", "CPU", "KiB ", "MiB ", "GiB ", "TiB ", "Mem", "Swap",
        "%Node",
    ];
    starts.iter().any(|start| text.starts_with(start)) && text.contains([':', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_all_ages() {
        let check = |line: &str, expected: Option<(Option<&str>, Option<i64>, &str)>| {
            let got = heading(line).map(|got| {
                let time = got.time.map(|time| time.to_string());
                (
                    time,
                    got.up_seconds,
                    got.load.map_or(String::new(), |load| load.join(" ")),
                )
            });
            let expected =
                expected.map(|(time, up, load)| (time.map(str::to_owned), up, load.to_owned()));
            assert_eq!(got, expected, "{line}");
        };
        check(
            "top - 15:10:50 up 81 days, 17:57,  1 user,  load average: 9.81, 9.64, 9.20",
            Some((Some("15:10:50"), Some(7_063_020), "9.81 9.64 9.20")),
        );
        check(
            "top - 00:01:02 up 3 min,  2 users,  load average: 0,08, 0,03, 0,05",
            Some((Some("00:01:02"), Some(180), "0,08 0,03 0,05")),
        );
        check(
            "top - 00:01:02 up  5:02,  0 users,  load average: 0.00, 0.00, 0.00",
            Some((Some("00:01:02"), Some(18_120), "0.00 0.00 0.00")),
        );
        check(
            "Load average: 0.00 0.01 0.05 1/123 456",
            Some((None, None, "0.00 0.01 0.05")),
        );
        check("top - x", None);
        check("  PID USER", None);
    }

    #[test]
    fn processors_are_summed() {
        let check = |line: &str, expected: Option<(f64, f64)>| {
            let got = processors(line).map(|got| (got.busy, got.idle));
            assert_eq!(got, expected, "{line}");
        };
        check(
            "%Cpu(s): 91.3 us,  1.2 sy,  0.0 ni,  7.3 id,  0.1 wa,  0.0 hi,  0.1 si,  0.0 st",
            Some((92.5, 7.3)),
        );
        check(
            "%Cpu(s):  4,3 us,  1,2 sy,  0,0 ni, 94,5 id",
            Some((5.5, 94.5)),
        );
        check(
            "Cpu(s): 12.1%us,  0.3%sy,  0.0%ni, 87.6%id,  0.0%wa",
            Some((12.4, 87.6)),
        );
        check(
            "CPU:   1% usr   0% sys   0% nic  99% idle   0% io",
            Some((1.0, 99.0)),
        );
        check("%Cpu0  :  4.3 us,  1.2 sy,  0.0 ni, 94.5 id", None);
        check("%Cpu(s):", None);
    }
}
