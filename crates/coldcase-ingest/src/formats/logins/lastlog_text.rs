//! What `lastlog` prints: when each account last logged in, and from where.
//!
//! **Made by** `lastlog` (shadow, also with `-u`, `-t`, `-b`) and `lastlog2`:
//!
//! ```text
//! Username         Port     From             Latest
//! root             pts/0    192.0.2.7        Fri May 12 09:45:11 +0800 2023
//! daemon                                     **Never logged in**
//! ```
//!
//! **Recognised** by the heading, or by rows that end with a full time and its offset, or with two asterisks (which stand
//! around `Never logged in` in every language).
//!
//! **Events.** `account-listed`: `user`, `ts` the last login, `src_ip` or `rhost` from where, `tty`. An account that never
//! logged in has no time.
//!
//! **Times** have year and offset: recorded. Without an offset the host's zone is assumed. Months in other languages than
//! English, Chinese and Japanese are not read: the time stays unknown.
//!
//! **Hosts** are cut at the width of their column; a text that fills it is no address (see `last`).
//!
//! Sources: lastlog(8), shadow `src/lastlog.c`.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Place, Sink, When, action};

use super::last::section::instant;
use super::last::stamp::{self, Stamp};
use super::peer::Peer;
use super::text;
use crate::{Clock, Format, IngestError, Input, Leftover, Line, Lines, Probe, Sniff};

/// The format.
pub static FORMAT: Format = Format {
    id: "lastlog-text",
    title: "lastlog's output: the last login of each account",
    source: include_str!("lastlog_text.rs"),
    yearless: false,
    sniff,
    ingest,
    join: None,
};

/// Lines that are looked at to recognise the format.
const SNIFFED_LINES: usize = 100;

/// Widths of the columns of user, port and host without a heading.
const USER: usize = 16;
const PORT: usize = 8;
const HOST: usize = 16;

struct Row<'a> {
    user: &'a str,
    port: &'a str,
    host: &'a str,
    /// `None`: never logged in.
    stamp: Option<Time>,
}

enum Time {
    Known(Stamp),
    /// Its month could not be read.
    Unread,
}

fn sniff(probe: &Probe<'_>) -> Sniff {
    if probe.is_binary() {
        return Sniff::No;
    }
    let (mut rows, mut other, mut headed) = (0, 0, false);
    for line in probe.text_lines().take(SNIFFED_LINES) {
        let line = line.text(text::clean);
        if line.trim().is_empty() || text::is_ornament(&line) {
            continue;
        }
        if heading(&line).is_some() {
            headed = true;
        } else if read(&line, headed).is_some() {
            rows += 1;
        } else {
            other += 1;
        }
    }
    match (headed, rows) {
        (true, 1..) if rows >= other => Sniff::Sure,
        (true, 0) if other == 0 => Sniff::Likely,
        (false, 2..) if rows > 4 * other => Sniff::Sure,
        (false, 1) if other == 0 => Sniff::Likely,
        _ => Sniff::No,
    }
}

fn ingest(input: &mut Input<'_>, sink: &mut dyn Sink) -> Result<Option<Leftover>, IngestError> {
    let mut lines = Lines::new(&mut input.reader);
    let mut width = None;
    let mut unread = false;
    while let Some(line) = lines.next_line()? {
        let read = read_line(&line, &mut width, input.clock, sink);
        if read && !std::mem::replace(&mut unread, true) {
            let warning = "a month in a language that is not read: times stay unknown";
            sink.warn(Place::Line(line.number), warning.to_owned());
        }
    }
    Ok(None)
}

/// Whether the line's time could not be read.
fn read_line(
    line: &Line<'_>,
    width: &mut Option<usize>,
    clock: &Clock,
    sink: &mut dyn Sink,
) -> bool {
    let place = Place::Line(line.number);
    let text = text::clean(line.bytes);
    if line.cut || text.trim().is_empty() {
        if line.cut {
            sink.skip(place, "line longer than 1 MiB");
        }
        return false;
    }
    if let Some(found) = heading(&text) {
        *width = Some(found);
        return false;
    }
    let Some(row) = read(&text, width.is_some()) else {
        let reason = if !line.ended {
            "cut row"
        } else if text::is_ornament(&text) {
            "prompt or separator"
        } else {
            "not a row of lastlog"
        };
        sink.skip(place, reason);
        return false;
    };
    sink.event(&event(&row, width.unwrap_or(HOST), line.number, clock));
    sink.used(1);
    matches!(row.stamp, Some(Time::Unread))
}

/// The width of the host's column, where the line is the heading.
fn heading(line: &str) -> Option<usize> {
    let words: Vec<&str> = line.split_whitespace().take(5).collect();
    if words != ["Username", "Port", "From", "Latest"] && words != ["Username", "Port", "Latest"] {
        return None;
    }
    let width = || line.find("Latest")?.checked_sub(line.find("From")? + 1);
    Some(width().map_or(HOST, |width| width.max(HOST)))
}

/// A row; without a heading above it only one whose time has an offset, as all but old versions write it.
fn read(line: &str, headed: bool) -> Option<Row<'_>> {
    let line = line.trim_end();
    if line.starts_with(' ') {
        return None;
    }
    if let Some(inside) = line.strip_suffix("**") {
        let (head, said) = inside.split_once("  **")?;
        let user = head.trim_end();
        let is_user = !user.is_empty() && !user.contains(' ') && !said.is_empty();
        return is_user.then_some(Row {
            user,
            port: "",
            host: "",
            stamp: None,
        });
    }
    let mut words = line.rsplit(' ').filter(|word| !word.is_empty());
    let year = stamp::full_year(words.next()?)?;
    let mut word = words.next()?;
    let offset = offset(word);
    if offset.is_some() {
        word = words.next()?;
    } else if !headed {
        return None;
    }
    let (time, precision) = stamp::time_of_day(word).filter(|_| word.len() == 8)?;
    let day = words.next()?;
    let (month, weekday) = (words.next()?, words.next()?);
    let day: u32 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let time = stamp::month(month).map_or(Time::Unread, |month| {
        Time::Known(Stamp {
            year: Some(year),
            month,
            day,
            time,
            precision,
            offset,
            weekday: stamp::weekday(weekday),
        })
    });
    let (user, port, host) = columns(head_before(line, if offset.is_some() { 6 } else { 5 })?)?;
    Some(Row {
        user,
        port,
        host,
        stamp: Some(time),
    })
}

/// What stands before the last words of a line.
fn head_before(line: &str, words: usize) -> Option<&str> {
    (0..words).try_fold(line, |rest, _| {
        let rest = rest.trim_end();
        let start = rest.rfind(' ')? + 1;
        rest.get(..start)
    })
}

/// `+0800` as seconds.
fn offset(word: &str) -> Option<i32> {
    let sign = match word.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = word.get(1..).filter(|digits| digits.len() == 4)?;
    let number: i32 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3_600 + number % 100 * 60))
}

/// User, port and host; of two words the column tells whether the second is port or host.
fn columns(head: &str) -> Option<(&str, &str, &str)> {
    let (user, end) = stamp::word(head, 0)?;
    let host_at = USER.max(user.len()) + 1 + PORT;
    let Some((second, after)) = stamp::word(head, end) else {
        return Some((user, "", ""));
    };
    let host = head.get(after..)?.trim();
    match host {
        "" if after - second.len() >= host_at => Some((user, "", second)),
        _ => Some((user, second, host)),
    }
}

fn event<'a>(row: &Row<'a>, width: usize, number: u64, clock: &Clock) -> Event<'a> {
    let peer = Peer::in_column(row.host, width);
    let mut attributes = Attributes::new();
    if !row.port.is_empty() {
        attributes.text("tty", row.port);
    }
    attributes
        .text_if("rhost", peer.name.as_deref())
        .text_if("display", peer.display.as_deref());
    if peer.cut {
        attributes.flag("rhost_cut", true);
    }
    let user = row.user;
    let from = peer
        .shown()
        .map_or_else(String::new, |from| format!(" from {from}"));
    let message = match &row.stamp {
        Some(_) if row.port.is_empty() => format!("{user} last logged in{from}"),
        Some(_) => format!("{user} last logged in on {}{from}", row.port),
        None => format!("{user} never logged in"),
    };
    Event {
        when: when(row, clock),
        user: Some(Cow::Borrowed(user)),
        src_ip: peer.address,
        attributes: attributes.finish().map(Cow::Owned),
        message: Some(Cow::Owned(message)),
        line: Some(number),
        ..Event::new(action::ACCOUNT_LISTED)
    }
}

fn when(row: &Row<'_>, clock: &Clock) -> Option<When> {
    match &row.stamp {
        Some(Time::Known(stamp)) => {
            // A weekday that does not fit is another language's word, or damage; the date counts.
            let stamp = Stamp {
                weekday: None,
                ..*stamp
            };
            instant(&stamp, stamp.in_year(stamp.year?)?, clock)
        }
        _ => None,
    }
}
