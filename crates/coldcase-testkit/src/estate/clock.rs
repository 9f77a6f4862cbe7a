//! The estate's days and how its programs write times.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Offset as _, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;

/// Seconds since 1970, as a clock that is right shows them.
pub type Seconds = i64;

/// The zone of an estate and the days of its evidence.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Its zone.
    pub zone: Tz,
    /// The first day.
    pub first_day: NaiveDate,
    /// How many days; the evidence is collected on the last one.
    pub days: u64,
}

impl Clock {
    /// A moment of local time. What a change to summer time skips happens an hour later.
    pub fn at(&self, day: u64, hour: i64, minute: i64, second: i64) -> Seconds {
        let date = self.date(day).and_time(chrono::NaiveTime::MIN);
        let local = date + chrono::TimeDelta::seconds(hour * 3600 + minute * 60 + second);
        let moment = self.zone.from_local_datetime(&local).earliest();
        let later = || {
            let local = local + chrono::TimeDelta::hours(1);
            self.zone.from_local_datetime(&local).earliest()
        };
        moment.or_else(later).map_or(0, |moment| moment.timestamp())
    }

    /// A day's date.
    pub fn date(&self, day: u64) -> NaiveDate {
        self.first_day
            .checked_add_days(Days::new(day))
            .unwrap_or(self.first_day)
    }

    /// Whether people work on it.
    pub fn is_workday(&self, day: u64) -> bool {
        !matches!(self.date(day).weekday(), Weekday::Sat | Weekday::Sun)
    }

    /// Whether logs are rotated and the scanner runs on it.
    pub fn is_sunday(&self, day: u64) -> bool {
        self.date(day).weekday() == Weekday::Sun
    }

    /// The moment of collection.
    pub fn collected(&self) -> Seconds {
        self.at(self.days.saturating_sub(1), 16, 20, 0)
    }

    /// The beginning of the evidence.
    pub fn begins(&self) -> Seconds {
        self.at(0, 0, 0, 0)
    }

    fn local(&self, at: Seconds) -> DateTime<Tz> {
        utc(at).with_timezone(&self.zone)
    }

    /// `Mar  3 10:25:07`.
    pub fn syslog(&self, at: Seconds) -> String {
        self.local(at).format("%b %e %H:%M:%S").to_string()
    }

    /// `2023-03-03T10:25:07.123456+08:00`, as rsyslog's own format has it.
    pub fn iso(&self, at: Seconds, micros: i64) -> String {
        let local = self.local(at);
        let east = local.offset().fix().local_minus_utc();
        let (sign, apart) = (if east < 0 { '-' } else { '+' }, east.abs());
        format!(
            "{}.{micros:06}{sign}{:02}:{:02}",
            local.format("%Y-%m-%dT%H:%M:%S"),
            apart / 3600,
            apart % 3600 / 60
        )
    }

    /// Local time in a format of strftime.
    pub fn written(&self, at: Seconds, format: &str) -> String {
        self.local(at).format(format).to_string()
    }

    /// `2023-03-03T02:25:07.123456789Z`, as engines write it.
    pub fn engine(&self, at: Seconds, nanos: i64) -> String {
        format!("{}.{nanos:09}Z", utc(at).format("%Y-%m-%dT%H:%M:%S"))
    }
}

fn utc(at: Seconds) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zone: Tz, year: i32, month: u32, day: u32) -> Clock {
        let first_day = NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        Clock {
            zone,
            first_day,
            days: 3,
        }
    }

    #[test]
    fn local_times_of_days_with_changes() {
        let spring = clock(chrono_tz::America::New_York, 2023, 3, 12);
        let skipped = spring.at(0, 2, 30, 0);
        assert_eq!(
            spring.iso(skipped, 5),
            "2023-03-12T03:30:00.000005-04:00",
            "02:30 doesn't exist"
        );
        let half = clock(chrono_tz::Australia::Lord_Howe, 2024, 4, 7);
        assert_eq!(
            half.iso(half.at(0, 12, 0, 0), 0),
            "2024-04-07T12:00:00.000000+10:30"
        );
        let leap = clock(chrono_tz::Asia::Kolkata, 2024, 2, 28);
        assert_eq!(leap.syslog(leap.at(1, 9, 5, 7)), "Feb 29 09:05:07");
    }
}
