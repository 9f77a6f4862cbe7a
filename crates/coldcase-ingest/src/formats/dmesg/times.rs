//! Kernel stamps to instants. Seconds since the boot become instants where the log itself says what the clock showed
//! at one of them.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use coldcase_model::{Precision, Timestamp, When};

use super::head::{self, Time};
use crate::Clock;
use crate::syslog::Times;

/// How far beyond the moment of collection a stamp may lie: its zone may be another, its clock wrong.
const SLACK: TimeDelta = TimeDelta::days(1);

/// What is carried from line to line.
pub struct Kernel<'c> {
    clock: &'c Clock,
    times: Times<'c>,
    /// What the clock showed when the kernel's stood at zero, in microseconds since 1970.
    boot: Option<i64>,
    /// The last line of `dmesg -H`.
    last: Option<NaiveDateTime>,
}

impl<'c> Kernel<'c> {
    /// Times of a log whose first lines say that the boot was then.
    pub fn new(clock: &'c Clock, boot: Option<i64>) -> Self {
        Self {
            clock,
            times: Times::new(clock),
            boot,
            last: None,
        }
    }

    /// When a line was. From here on, what the line says of the clock holds.
    pub fn when(&mut self, time: Option<Time<'_>>, text: &str) -> Option<When> {
        match time? {
            Time::Since(since) => {
                let since = head::micros(since)?;
                if let Some(shown) = clock_of(text) {
                    self.boot = Some(shown.saturating_sub(since));
                }
                let nanos = self.boot?.checked_add(since)?.checked_mul(1_000)?;
                Some(self.clock.recorded(Timestamp(nanos), Precision::S))
            }
            Time::Date(stamp) => self.times.when(&stamp).ok(),
            Time::Minute(month, day, hour, minute) => {
                self.last = self.nearest(month, day, hour, minute);
                self.clock.local_yearless(self.last?, Precision::Min)
            }
            Time::After(delta) => {
                let delta = TimeDelta::microseconds(head::micros(delta)?);
                self.last = self.last?.checked_add_signed(delta);
                self.clock.local_yearless(self.last?, Precision::Min)
            }
        }
    }

    /// The last such minute that is not after the collection.
    fn nearest(&self, month: u8, day: u8, hour: u32, minute: u32) -> Option<NaiveDateTime> {
        let collected = self.clock.zone.local(self.clock.collected_at?);
        let latest = collected.checked_add_signed(SLACK)?;
        let year = chrono::Datelike::year(&latest);
        (year - 8..=year).rev().find_map(|year| {
            let date = NaiveDate::from_ymd_opt(year, month.into(), day.into())?;
            let local = date.and_hms_opt(hour, minute, 0)?;
            (local <= latest).then_some(local)
        })
    }
}

/// The kernel's zero by the first line that tells it, in microseconds since 1970.
pub fn boot_of(head: &[u8]) -> Option<i64> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let text = String::from_utf8_lossy(line);
        let line = head::read(&text);
        let Some(Time::Since(since)) = line.time else {
            return None;
        };
        clock_of(line.text)?.checked_sub(head::micros(since)?)
    })
}

/// What the clock showed, in microseconds since 1970: `rtc_cmos 00:01: setting system clock to 2023-03-28T16:00:04 UTC
/// (1680019204)`, `audit: type=2000 audit(1680019204.123:1): state=initialized`.
fn clock_of(text: &str) -> Option<i64> {
    if let Some((_, rest)) = text.split_once("setting system clock to ") {
        let (_, rest) = rest.split_once(" UTC (")?;
        let seconds: i64 = rest.split(')').next()?.parse().ok()?;
        return seconds.checked_mul(1_000_000);
    }
    let bare = text.strip_prefix("audit: ").unwrap_or(text);
    if !bare.starts_with("type=") {
        return None;
    }
    let (_, rest) = bare.split_once(" audit(")?;
    let (seconds, rest) = rest.split_once('.')?;
    let millis: i64 = rest
        .split(':')
        .next()
        .filter(|text| text.len() == 3)?
        .parse()
        .ok()?;
    let seconds: i64 = seconds.parse().ok()?;
    seconds
        .checked_mul(1_000)?
        .checked_add(millis)?
        .checked_mul(1_000)
}
