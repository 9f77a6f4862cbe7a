//! Stamps to instants: the artifact's clock, the running year, the day last converted, and the hour that
//! autumn repeats.

use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use coldcase_model::{Basis, Precision, Timestamp, When};

use crate::Clock;
use crate::years::{
    Mark, Running, nearest_year,
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
    /// The latest stamp with a year, by the log's own clock.
    dated: Option<i64>,
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
            dated: None,
            plain: None,
            repeated: None,
        }
    }

    /// When this was.
    pub fn when(&mut self, stamp: &Stamp) -> Result<When, Unknown> {
        let precision = Precision::of_fraction_digits(usize::from(stamp.digits));
        let year = match stamp.year {
            Some(year) => {
                self.dated = Some(Mark::from(stamp).local(year));
                year
            }
            None => {
                self.running.step(stamp.month, stamp.day);
                let first = match (self.first_year, self.dated) {
                    (Some(first), _) => first,
                    (None, None) => return Err(Unknown::Year),
                    (None, Some(local)) => {
                        let year = nearest_year(Mark::from(stamp), local).ok_or(Unknown::Year)?;
                        *self
                            .first_year
                            .insert(year.saturating_sub(self.running.wraps))
                    }
                };
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

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::years::stamp;
    use crate::{Zone, ZoneSource};

    /// Stamps of one log in a zone, and the times they give.
    fn check(tz: Tz, first_year: Option<i32>, log: &[(&str, Result<&str, Unknown>)]) {
        let zone = Zone {
            tz,
            source: ZoneSource::CaseFile,
        };
        let clock = Clock {
            zone,
            first_year,
            ..Clock::UNKNOWN
        };
        let mut times = Times::new(&clock);
        for (line, expected) in log {
            let (stamp, _) = stamp::read(line.as_bytes()).expect("a stamp");
            let got = times.when(&stamp).map(|when| when.ts.to_string());
            assert_eq!(got, expected.map(str::to_owned), "{line}");
        }
    }

    #[test]
    fn the_hour_that_autumn_repeats() {
        let log = [
            ("Oct 29 01:59:59 ", Ok("2023-10-28T23:59:59Z")),
            ("Oct 29 02:00:00 ", Ok("2023-10-29T00:00:00Z")),
            ("Oct 29 02:50:00 ", Ok("2023-10-29T00:50:00Z")),
            ("Oct 29 02:49:58 ", Ok("2023-10-29T00:49:58Z")), // a late record
            ("Oct 29 02:10:00 ", Ok("2023-10-29T01:10:00Z")),
            ("Oct 29 02:59:00 ", Ok("2023-10-29T01:59:00Z")),
            ("Oct 29 03:00:00 ", Ok("2023-10-29T02:00:00Z")),
            ("Oct 30 02:30:00 ", Ok("2023-10-30T01:30:00Z")),
        ];
        check(Tz::Europe__Berlin, Some(2023), &log);
    }

    #[test]
    fn the_hour_that_spring_skips_and_days_around_it() {
        let log = [
            ("Mar 25 23:59:59 ", Ok("2023-03-25T22:59:59Z")),
            ("Mar 26 00:30:00 ", Ok("2023-03-25T23:30:00Z")),
            ("Mar 26 02:30:00 ", Ok("2023-03-26T01:30:00Z")),
            ("Mar 26 03:30:00 ", Ok("2023-03-26T01:30:00Z")),
            ("Mar 27 03:30:00 ", Ok("2023-03-27T01:30:00Z")),
        ];
        check(Tz::Europe__Berlin, Some(2023), &log);
    }

    #[test]
    fn years_run_on() {
        let log = [
            ("Dec 31 23:59:59 ", Ok("2023-12-31T23:59:59Z")),
            ("Jan  1 00:00:00 ", Ok("2024-01-01T00:00:00Z")),
            ("Dec 31 23:59:59.5 ", Ok("2023-12-31T23:59:59.500Z")),
            ("Feb 29 00:00:00 ", Ok("2024-02-29T00:00:00Z")),
            ("2030-01-01T00:00:00+01:00", Ok("2029-12-31T23:00:00Z")),
            ("Mar  1 00:00:00 ", Ok("2024-03-01T00:00:00Z")),
        ];
        check(Tz::UTC, Some(2023), &log);
        let log = [
            ("Dec 31 23:59:59 ", Err(Unknown::Year)),
            ("2024-01-01T00:00:00+00:00", Ok("2024-01-01T00:00:00Z")),
            ("Jan  1 00:00:01 ", Ok("2024-01-01T00:00:01Z")),
        ];
        check(Tz::UTC, None, &log);
        check(
            Tz::UTC,
            Some(2023),
            &[("Feb 29 00:00:00 ", Err(Unknown::Date))],
        );
    }
}
