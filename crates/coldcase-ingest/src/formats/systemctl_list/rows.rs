//! Tables: units, unit files, timers, sockets, and the lists of the tools before systemd.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use coldcase_model::{Attributes, Event, Precision, Sink, Timestamp, action};

use crate::Clock;

/// What a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `UNIT LOAD ACTIVE SUB [JOB] DESCRIPTION`; whether there is a column JOB.
    Units(bool),
    /// `UNIT FILE STATE [PRESET]`
    Files,
    /// `NEXT LEFT LAST PASSED UNIT ACTIVATES`
    Timers,
    /// `LISTEN [TYPE] UNIT ACTIVATES`
    Sockets,
    /// `auditd 0:off 1:off 2:on ...`
    Levels,
    /// ` [ + ]  ssh`
    Signs,
}

const LOADS: [&str; 8] = [
    "loaded",
    "not-found",
    "bad-setting",
    "error",
    "merged",
    "masked",
    "stub",
    "bad",
];
const ACTIVES: [&str; 8] = [
    "active",
    "inactive",
    "failed",
    "activating",
    "deactivating",
    "reloading",
    "maintenance",
    "refreshing",
];
const STATES: [&str; 16] = [
    "enabled",
    "enabled-runtime",
    "linked",
    "linked-runtime",
    "alias",
    "masked",
    "masked-runtime",
    "static",
    "disabled",
    "indirect",
    "generated",
    "transient",
    "bad",
    "invalid",
    "not-found",
    "-",
];
const KINDS: [&str; 12] = [
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
    "snapshot",
];

/// The table that a header begins.
pub fn header(line: &str) -> Option<Table> {
    let list: Vec<&str> = line.split_whitespace().take(8).collect();
    match list.as_slice() {
        ["UNIT", "LOAD", "ACTIVE", "SUB", rest @ ..] => {
            Some(Table::Units(rest.first() == Some(&"JOB")))
        }
        ["UNIT", "FILE", "STATE", ..] => Some(Table::Files),
        ["NEXT", "LEFT", "LAST", "PASSED", "UNIT", ..] => Some(Table::Timers),
        ["LISTEN", "UNIT", ..] | ["LISTEN", "TYPE", "UNIT", ..] => Some(Table::Sockets),
        _ => None,
    }
}

/// Lines that explain, count, or come from a pager.
pub fn is_legend(line: &str) -> bool {
    let line = line.trim();
    let explains = ["LOAD", "ACTIVE", "SUB", "JOB"].iter().any(|word| {
        line.strip_prefix(word)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    let hints = [
        "Legend:",
        "To show all",
        "Pass --all",
        "Note: ",
        "Note that",
        "Hint: ",
        "lines ",
    ];
    explains
        || hints.iter().any(|start| line.starts_with(start))
        || line.ends_with("units listed.")
        || line.contains("units listed. Pass --all")
        || line.ends_with("unit files listed.")
        || line.ends_with("timers listed.")
        || line.ends_with("sockets listed.")
        || line.starts_with("xinetd based services")
        || line == "(END)"
}

/// A unit's name: with its kind, or cut in the middle.
pub fn is_unit(word: &str) -> bool {
    let kind = word.rsplit('.').next().unwrap_or_default();
    (KINDS.contains(&kind) && word.len() > kind.len() + 1) || (word.contains('…') && word.len() > 4)
}

/// A row without the mark in front of it.
pub fn without_mark(line: &str) -> &str {
    let line = line.trim();
    ["●", "○", "×", "↻", "↺", "*"]
        .iter()
        .find_map(|mark| line.strip_prefix(mark)?.strip_prefix(' '))
        .unwrap_or(line)
        .trim_start()
}

impl Table {
    /// The table that a row without a header is of.
    pub fn guess(line: &str) -> Option<Self> {
        let words: Vec<&str> = without_mark(line).split_whitespace().take(9).collect();
        if sign(line).is_some() {
            return Some(Self::Signs);
        }
        match words.as_slice() {
            [unit, load, active, _, ..]
                if is_unit(unit) && LOADS.contains(load) && ACTIVES.contains(active) =>
            {
                Some(Self::Units(false))
            }
            [unit, state] | [unit, state, "enabled" | "disabled" | "-"]
                if is_unit(unit) && STATES.contains(state) =>
            {
                Some(Self::Files)
            }
            [_, levels @ ..] if levels.len() >= 6 && levels.iter().all(|level| is_level(level)) => {
                Some(Self::Levels)
            }
            [.., unit, _]
                if unit.ends_with(".timer")
                    && timer(line, &Clock::UNKNOWN).is_some_and(|timer| timer.next.is_some()) =>
            {
                Some(Self::Timers)
            }
            _ => None,
        }
    }

    /// Hands a row to the sink; false where the line is none.
    pub fn emit(self, line: &str, number: u64, clock: &Clock, sink: &mut dyn Sink) -> bool {
        let row = match self {
            Self::Units(has_job) => units(without_mark(line), has_job),
            Self::Files => files(without_mark(line)),
            Self::Sockets => sockets(line),
            Self::Levels => levels(line),
            Self::Signs => signs(line),
            Self::Timers => {
                let Some(timer) = timer(line, clock) else {
                    return false;
                };
                timer.emit(number, clock, sink);
                return true;
            }
        };
        let Some((message, attributes)) = row else {
            return false;
        };
        let mut event = Event::new(action::SERVICE_LISTED);
        event.when = clock.collected();
        event.line = Some(number);
        event.attributes = attributes.finish().map(Cow::Owned);
        event.message = Some(message.into());
        sink.event(&event);
        true
    }
}

/// The next word and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at_checked(end))?
}

fn units(line: &str, has_job: bool) -> Option<(String, Attributes)> {
    let (unit, rest) = word(line)?;
    let (load, rest) = word(rest)?;
    let (active, rest) = word(rest)?;
    let (sub, mut rest) = word(rest)?;
    if !is_unit(unit) || !LOADS.contains(&load) || !ACTIVES.contains(&active) {
        return None;
    }
    let mut job = None;
    if has_job
        && let Some((first, behind)) = word(rest)
        && matches!(
            first,
            "start" | "stop" | "restart" | "reload" | "try-restart" | "verify-active" | "nop"
        )
    {
        (job, rest) = (Some(first), behind);
    }
    let description = rest.trim();
    let mut attributes = Attributes::new();
    attributes
        .text("unit", unit)
        .text("load", load)
        .text("active", active)
        .text("sub", sub)
        .text_if("job", job)
        .text_if(
            "description",
            Some(description).filter(|text| !text.is_empty()),
        );
    Some((format!("{unit} {load} {active} {sub}"), attributes))
}

fn files(line: &str) -> Option<(String, Attributes)> {
    let (unit, rest) = word(line)?;
    let (state, rest) = word(rest)?;
    let preset = word(rest).map(|(preset, _)| preset);
    if !is_unit(unit) || !STATES.contains(&state) {
        return None;
    }
    let mut attributes = Attributes::new();
    attributes
        .text("unit", unit)
        .text("enabled", state)
        .text_if("preset", preset.filter(|preset| *preset != "-"));
    Some((format!("{unit} {state}"), attributes))
}

fn sockets(line: &str) -> Option<(String, Attributes)> {
    let words: Vec<&str> = line.split_whitespace().take(64).collect();
    let at = words.iter().position(|word| word.ends_with(".socket"))?;
    let listen = words.first().filter(|_| at > 0)?;
    let unit = words.get(at)?;
    let mut attributes = Attributes::new();
    attributes.text("unit", unit).text("listen", listen);
    let activates: Vec<&str> = words
        .iter()
        .skip(at + 1)
        .map(|word| word.trim_end_matches(','))
        .collect();
    if !activates.is_empty() {
        attributes.text("activates", &activates.join(" "));
    }
    Some((format!("{unit} listens on {listen}"), attributes))
}

fn is_level(word: &str) -> bool {
    matches!(word.split_once(':'), Some(("0" | "1" | "2" | "3" | "4" | "5" | "6", state)) if matches!(state, "on" | "off" | "启用" | "关闭"))
}

fn levels(line: &str) -> Option<(String, Attributes)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let mut on = String::new();
    for level in words {
        let (number, state) = level.split_once(':').filter(|_| is_level(level))?;
        if matches!(state, "on" | "启用") {
            on.push_str(number);
        }
    }
    let enabled = if on.is_empty() { "disabled" } else { "enabled" };
    let mut attributes = Attributes::new();
    attributes
        .text("unit", name)
        .text("enabled", enabled)
        .text_if("run_levels", Some(on.as_str()).filter(|on| !on.is_empty()));
    Some((format!("{name} {enabled}"), attributes))
}

fn sign(line: &str) -> Option<(char, &str)> {
    let rest = line.trim_start().strip_prefix("[ ")?;
    let sign = rest.chars().next().filter(|sign| "+-?".contains(*sign))?;
    let name = rest.get(1..)?.strip_prefix(" ]")?.trim();
    (!name.is_empty() && !name.contains(' ')).then_some((sign, name))
}

fn signs(line: &str) -> Option<(String, Attributes)> {
    let (sign, name) = sign(line)?;
    let active = match sign {
        '+' => Some("active"),
        '-' => Some("inactive"),
        _ => None,
    };
    let mut attributes = Attributes::new();
    attributes.text("unit", name).text_if("active", active);
    Some((format!("{name} {}", active.unwrap_or("listed")), attributes))
}

/// One timer.
struct Timer<'a> {
    unit: &'a str,
    activates: Option<&'a str>,
    next: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// A timer's row: moments and spans hold blanks, so it is read from its moments and its end.
fn timer<'a>(line: &'a str, clock: &Clock) -> Option<Timer<'a>> {
    let words: Vec<&str> = without_mark(line).split_whitespace().take(40).collect();
    let unit_at = words
        .iter()
        .rposition(|word| word.ends_with(".timer") || (word.contains('…') && is_unit(word)))?;
    let times = words.get(..unit_at)?;
    let mut moments = Vec::new();
    let mut at = 0;
    while at < times.len() {
        match moment(times.get(at..)?, clock) {
            Some((ts, count)) => {
                moments.push((at, ts));
                at += count;
            }
            None => at += 1,
        }
    }
    // Without a next time the row begins with a dash: its only moment is the last one.
    let first = moments.first().copied();
    let next = first.filter(|(at, _)| *at == 0);
    let last = match next {
        Some(_) => moments.get(1).copied(),
        None => first,
    };
    let is_row = first.is_some()
        || times
            .first()
            .is_some_and(|word| matches!(*word, "n/a" | "-"));
    is_row.then_some(())?;
    Some(Timer {
        unit: words.get(unit_at)?,
        activates: words.get(unit_at + 1).copied(),
        next: next.map(|(_, ts)| ts),
        last: last.map(|(_, ts)| ts),
    })
}

impl Timer<'_> {
    fn emit(&self, line: u64, clock: &Clock, sink: &mut dyn Sink) {
        let shown = |ts: Option<Timestamp>| ts.map(|ts| ts.to_string());
        let mut attributes = Attributes::new();
        attributes
            .text("kind", "timer")
            .text("unit", self.unit)
            .text_if("activates", self.activates)
            .text_if("next", shown(self.next).as_deref())
            .text_if("last", shown(self.last).as_deref());
        let mut event = Event::new(action::JOB_LISTED);
        event.when = clock.collected();
        event.line = Some(line);
        event.attributes = attributes.finish().map(Cow::Owned);
        let activates = self.activates.unwrap_or("unknown");
        event.message = Some(format!("timer {} activates {activates}", self.unit).into());
        sink.event(&event);
    }
}

/// `Tue 2023-03-07 15:37:29 CST`, and how many words it takes.
pub fn moment(words: &[&str], clock: &Clock) -> Option<(Timestamp, usize)> {
    let [_weekday, date, time, rest @ ..] = words else {
        return None;
    };
    let date: NaiveDate = (date.len() == 10).then(|| date.parse().ok())??;
    let time = time.split_once('.').map_or(*time, |(whole, _)| whole);
    let time = NaiveTime::parse_from_str(time.trim_end_matches(';'), "%H:%M:%S").ok()?;
    let local: NaiveDateTime = date.and_time(time);
    let zone = rest.first().map(|zone| zone.trim_end_matches(';'));
    let is_zone = zone.is_some_and(|zone| {
        zone.len() >= 2
            && (zone.starts_with(['+', '-']) || zone.bytes().all(|byte| byte.is_ascii_uppercase()))
    });
    let ts = match zone.filter(|_| is_zone) {
        Some("UTC" | "GMT") => Timestamp::from_utc(local.and_utc()),
        _ => clock.local(local, Precision::S).map(|when| when.ts),
    }?;
    Some((ts, if is_zone { 4 } else { 3 }))
}
