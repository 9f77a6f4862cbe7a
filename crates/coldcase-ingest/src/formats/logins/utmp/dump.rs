//! The text that `utmpdump` prints, a record a line.

use std::borrow::Cow;
use std::io::{self, Read};
use std::net::IpAddr;

use chrono::{NaiveDate, NaiveDateTime};
use coldcase_model::{Place, Precision, Sink, When};

use super::record::{Record, Signs, Tells};
use super::sessions::Sessions;
use super::text;
use crate::formats::logins::login::Wiped;
use crate::years::stamp;
use crate::{Clock, Input, Line, Lines};

/// Whether a line is a record.
pub fn is_row(line: &str) -> bool {
    parse(line, Place::Whole, &Clock::UNKNOWN).is_some()
}

/// What the logins in this text are.
pub fn tells(head: &[u8], name: &str, clock: &Clock) -> Tells {
    let mut signs = Signs::default();
    for line in head.split(|byte| *byte == b'\n') {
        if let Some(record) = parse(&text::clean(line), Place::Whole, clock) {
            signs.see(&record);
        }
    }
    signs.verdict(name)
}

/// Reads all lines.
pub fn read(
    reader: impl Read,
    input: &Input<'_>,
    sessions: &mut Sessions,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next_line()? {
        read_line(&line, input.clock, sessions, sink);
    }
    Ok(())
}

fn read_line(line: &Line<'_>, clock: &Clock, sessions: &mut Sessions, sink: &mut dyn Sink) {
    let place = Place::Line(line.number);
    let text = text::clean(line.bytes);
    if text.trim_ascii().is_empty() {
        return;
    }
    let Some(record) = parse(&text, place, clock) else {
        let reason = if text.starts_with("Utmp dump of ") {
            "heading of utmpdump"
        } else if !line.ended && text.starts_with('[') {
            "cut record"
        } else {
            "not a record of utmpdump"
        };
        sink.skip(place, reason);
        return;
    };
    if !(0..=9).contains(&record.kind) {
        sink.skip(place, "not a login record");
        return;
    }
    sink.used(1);
    if is_zeroed(&record) {
        let run = Wiped {
            count: 1,
            after: None,
            before: None,
        };
        sink.event(&run.event(place));
        sink.warn(place, run.to_string());
        return;
    }
    sessions.record(record, sink);
}

fn is_zeroed(record: &Record<'_>) -> bool {
    let texts = [&record.line, &record.id, &record.user, &record.host];
    (record.kind, record.pid, record.when) == (0, 0, None)
        && record.address == [0; 16]
        && texts.iter().all(|text| text.is_empty())
}

/// `[7] [00123] [ts/0] [user] [pts/0] [host] [address] [time]`. A user's name may hold brackets: the first three and
/// the last four fields count.
fn parse<'a>(line: &'a str, place: Place, clock: &Clock) -> Option<Record<'a>> {
    let inside = line.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut front = inside.splitn(4, "] [");
    let (kind, pid, id) = (front.next()?, front.next()?, front.next()?);
    let mut back = front.next()?.rsplitn(5, "] [");
    let (time, address, host) = (back.next()?, back.next()?, back.next()?);
    let (terminal, user) = (back.next()?, back.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(kind) || !is_number(pid.trim().trim_start_matches('-')) {
        return None;
    }
    let borrowed = |text: &'a str| Cow::Borrowed(text.trim());
    Some(Record {
        place,
        kind: kind.parse().ok()?,
        pid: pid.trim().parse().ok()?,
        line: borrowed(terminal),
        id: borrowed(id),
        user: borrowed(user),
        host: borrowed(host),
        exit: 0,
        session: 0,
        when: when(time.trim(), clock)?,
        address: octets(address.trim()),
    })
}

fn octets(address: &str) -> [u8; 16] {
    let mut octets = [0; 16];
    match address.parse() {
        Ok(IpAddr::V6(six)) => octets = six.octets(),
        Ok(IpAddr::V4(four)) => {
            let [a, b, c, d] = four.octets();
            let [first, second, third, fourth, ..] = &mut octets;
            (*first, *second, *third, *fourth) = (a, b, c, d);
        }
        Err(_) => {}
    }
    octets
}

/// `2023-05-12T10:00:00,000000+00:00`; before util-linux 2.28 `Fri May 12 10:00:00 2023 CST`. The outer `None`: no time.
fn when(time: &str, clock: &Clock) -> Option<Option<When>> {
    let (stamp, end) = stamp::read(time.as_bytes())?;
    let rest = time.get(end..)?.trim();
    let year = stamp.year?;
    if year < 1990 {
        return Some(None);
    }
    let local = local_of(&stamp, year)?;
    let precision = match (stamp.digits, stamp.nanos) {
        (0, _) | (_, 0) => Precision::S,
        _ => Precision::Us,
    };
    let offset = stamp.offset.or(matches!(rest, "UTC" | "GMT").then_some(0));
    Some(match offset {
        Some(offset) => {
            let utc = local.and_utc() - chrono::TimeDelta::seconds(offset.into());
            coldcase_model::Timestamp::from_utc(utc).map(|ts| clock.recorded(ts, precision))
        }
        None => clock.local(local, precision),
    })
}

fn local_of(stamp: &stamp::Stamp, year: i32) -> Option<NaiveDateTime> {
    let midnight = NaiveDate::from_ymd_opt(year, stamp.month.into(), stamp.day.into())?;
    let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(stamp.second, stamp.nanos)?;
    Some(midnight.and_time(time))
}
