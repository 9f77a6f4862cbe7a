//! Stamps to instants: the artifact's clock, its running year, and the day last converted.

use chrono::{NaiveDate, NaiveDateTime};
use coldcase_model::{Precision, Timestamp, When};

use crate::Clock;
use crate::years::{
    Running,
    stamp::{DAY, Stamp, days_of},
};

/// Converts the stamps of one log, in their order.
pub struct Times<'a> {
    clock: &'a Clock,
    first_year: Option<i32>,
    running: Running,
    day: Option<Day>,
}

/// A local day whose hours all have one offset from UTC: its instants follow by adding.
#[derive(Clone, Copy)]
struct Day {
    date: (i32, u8, u8),
    start: Timestamp,
}

impl<'a> Times<'a> {
    /// Nothing read yet.
    pub fn new(clock: &'a Clock) -> Self {
        Self {
            clock,
            first_year: clock.first_year,
            running: Running::default(),
            day: None,
        }
    }

    /// When this was; `None` where the year is unknown or does not have the day.
    pub fn when(&mut self, stamp: &Stamp) -> Option<When> {
        self.running.step(stamp.month, stamp.day);
        let precision = Precision::of_fraction_digits(usize::from(stamp.digits));
        let year = match stamp.year {
            Some(year) => {
                self.first_year = Some(year.saturating_sub(self.running.wraps));
                year
            }
            None => self.first_year?.saturating_add(self.running.wraps),
        };
        if let Some(offset) = stamp.offset {
            let days = days_of(year, stamp.month, stamp.day);
            let seconds = days * DAY + i64::from(stamp.second) - i64::from(offset);
            let ts = Timestamp::from_parts(seconds, stamp.nanos)?;
            return Some(self.clock.recorded(ts, precision));
        }
        self.local(year, stamp, precision)
    }

    fn local(&mut self, year: i32, stamp: &Stamp, precision: Precision) -> Option<When> {
        let convert = |local: NaiveDateTime| match stamp.year {
            Some(_) => self.clock.local(local, precision),
            None => self.clock.local_yearless(local, precision),
        };
        let nanos = i64::from(stamp.second) * 1_000_000_000 + i64::from(stamp.nanos);
        let date = (year, stamp.month, stamp.day);
        if let Some(day) = self.day.filter(|day| day.date == date) {
            let ts = Timestamp(day.start.0.checked_add(nanos)?);
            let basis = convert_basis(stamp);
            return Some(When {
                ts,
                precision,
                basis,
            });
        }
        let midnight = NaiveDate::from_ymd_opt(year, stamp.month.into(), stamp.day.into())?
            .and_hms_opt(0, 0, 0)?;
        let next = midnight.checked_add_days(chrono::Days::new(1))?;
        let (start, end) = (convert(midnight)?.ts, convert(next)?.ts);
        if end.seconds() - start.seconds() == DAY {
            self.day = Some(Day { date, start });
        }
        convert(midnight.checked_add_signed(chrono::TimeDelta::nanoseconds(nanos))?)
    }
}

fn convert_basis(stamp: &Stamp) -> coldcase_model::Basis {
    match stamp.year {
        Some(_) => coldcase_model::Basis::ZoneAssumed,
        None => coldcase_model::Basis::YearInferred,
    }
}
