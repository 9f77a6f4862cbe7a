//! Stamps to instants: the artifact's clock, the running year, the day last converted, and the hour that
//! autumn repeats.

use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use coldcase_model::{Basis, Precision, Timestamp, When};

use crate::Clock;
use crate::years::{
    Running,
    stamp::{DAY, Stamp, days_of},
};

/// Going back by less than this inside a repeated hour is a late record, not the second pass.
const SECOND_PASS: TimeDelta = TimeDelta::minutes(10);

/// Why a time is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing gives the year.
    Year,
    /// The year does not have the date, or no instant can hold it.
    Date,
}

/// Converts the stamps of one log, in their order.
pub struct Times<'a> {
    clock: &'a Clock,
    first_year: Option<i32>,
    running: Running,
    /// A local day whose hours all have one offset from UTC: its instants follow by adding.
    plain: Option<((i32, u8, u8), Timestamp)>,
    /// The latest ambiguous time read, and whether the repeated hour is in its second pass.
    repeated: Option<(NaiveDateTime, bool)>,
}

impl<'a> Times<'a> {
    /// Nothing read yet.
    pub fn new(clock: &'a Clock) -> Self {
        Self {
            clock,
            first_year: clock.first_year,
            running: Running::default(),
            plain: None,
            repeated: None,
        }
    }

    /// When this was.
    pub fn when(&mut self, stamp: &Stamp) -> Result<When, Unknown> {
        self.running.step(stamp.month, stamp.day);
        let precision = Precision::of_fraction_digits(usize::from(stamp.digits));
        let year = match stamp.year {
            Some(year) => {
                self.first_year = Some(year.saturating_sub(self.running.wraps));
                year
            }
            None => {
                let first = self.first_year.ok_or(Unknown::Year)?;
                first.saturating_add(self.running.wraps)
            }
        };
        let when = match stamp.offset {
            Some(offset) => {
                let days = days_of(year, stamp.month, stamp.day);
                let seconds = days * DAY + i64::from(stamp.second) - i64::from(offset);
                let ts = Timestamp::from_parts(seconds, stamp.nanos);
                ts.map(|ts| self.clock.recorded(ts, precision))
            }
            None => self.local(year, stamp, precision),
        };
        when.ok_or(Unknown::Date)
    }

    fn local(&mut self, year: i32, stamp: &Stamp, precision: Precision) -> Option<When> {
        let date = (year, stamp.month, stamp.day);
        let nanos = i64::from(stamp.second) * 1_000_000_000 + i64::from(stamp.nanos);
        let basis = match stamp.year {
            Some(_) => Basis::ZoneAssumed,
            None => Basis::YearInferred,
        };
        if let Some((_, start)) = self.plain.filter(|(plain, _)| *plain == date) {
            let ts = Timestamp(start.0.checked_add(nanos)?);
            return Some(When {
                ts,
                precision,
                basis,
            });
        }
        let midnight = NaiveDate::from_ymd_opt(year, stamp.month.into(), stamp.day.into())?
            .and_hms_opt(0, 0, 0)?;
        let next = midnight.checked_add_days(Days::new(1))?;
        let convert = |local| Some(self.clock.local(local, precision)?.ts);
        let (start, end) = (convert(midnight)?, convert(next)?);
        if end.seconds() - start.seconds() == DAY {
            self.plain = Some((date, start));
        }
        let local = midnight.checked_add_signed(TimeDelta::nanoseconds(nanos))?;
        let ts = convert(local)?.0.checked_add(self.second_pass(local))?;
        Some(When {
            ts: Timestamp(ts),
            precision,
            basis,
        })
    }

    /// What to add to the first of two instants that a local time may mean, in nanoseconds.
    fn second_pass(&mut self, local: NaiveDateTime) -> i64 {
        let tz = self.clock.zone.tz;
        let LocalResult::Ambiguous(first, second) = tz.from_local_datetime(&local) else {
            return 0;
        };
        let mut pass = false;
        if let Some((latest, second)) = self.repeated
            && latest.signed_duration_since(local).abs() < TimeDelta::days(1)
        {
            pass = second || latest.signed_duration_since(local) > SECOND_PASS;
        }
        let latest = self.repeated.map_or(local, |(latest, _)| latest.max(local));
        self.repeated = Some((latest, pass));
        if !pass {
            return 0;
        }
        let between = second.signed_duration_since(first);
        between.num_nanoseconds().unwrap_or(0)
    }
}
