//! Local times to instants: the zone of an artifact, what that zone rests on, and the moment of collection.

use chrono::{Duration, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use coldcase_model::{Basis, Precision, Timestamp, When};

/// What the zone of an artifact rests on, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneSource {
    /// `case.toml`.
    CaseFile,
    /// `--timezone`.
    Option,
    /// Something in the bundle (timedatectl, /etc/localtime, date output).
    Bundle,
    /// Events that the artifact shares with one whose zone is recorded.
    Solved,
    /// Nothing: UTC was assumed.
    Nothing,
}

impl ZoneSource {
    /// As `case.json` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CaseFile => "case.toml",
            Self::Option => "--timezone",
            Self::Bundle => "bundle",
            Self::Solved => "solved from shared events",
            Self::Nothing => "none: UTC assumed",
        }
    }
}

/// A zone for times without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// The IANA zone.
    pub tz: Tz,
    /// Where it is from.
    pub source: ZoneSource,
}

impl Zone {
    /// No zone known: UTC, and said so.
    pub const UNKNOWN: Self = Self {
        tz: Tz::UTC,
        source: ZoneSource::Nothing,
    };

    /// The instant of a local time. Of the two in the hour that autumn repeats, the first; a time in the
    /// hour that spring skips is read with the offset before the change.
    pub fn instant(&self, local: NaiveDateTime) -> Option<Timestamp> {
        let utc = match self.tz.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
            LocalResult::None => {
                let before = local.checked_sub_signed(Duration::hours(3))?;
                let offset = self
                    .tz
                    .from_local_datetime(&before)
                    .earliest()?
                    .offset()
                    .fix();
                let seconds = i64::from(offset.local_minus_utc());
                local
                    .checked_sub_signed(Duration::seconds(seconds))?
                    .and_utc()
            }
        };
        Timestamp::from_utc(utc)
    }

    /// The local time of an instant.
    pub fn local(&self, at: Timestamp) -> NaiveDateTime {
        at.to_utc().with_timezone(&self.tz).naive_local()
    }
}

/// What is known of an artifact's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Zone of times that carry none.
    pub zone: Zone,
    /// What to add to the host's clock to be right, in nanoseconds.
    pub offset_ns: i64,
    /// Newest moment that the evidence can show.
    pub collected_at: Option<Timestamp>,
    /// Year of the first stamp in a year-less artifact, where the series gives one.
    pub first_year: Option<i32>,
}

impl Clock {
    /// Nothing known: UTC, no collection time.
    pub const UNKNOWN: Self = Self {
        zone: Zone::UNKNOWN,
        offset_ns: 0,
        collected_at: None,
        first_year: None,
    };

    /// A recorded instant, corrected by the host's clock offset.
    pub fn recorded(&self, ts: Timestamp, precision: Precision) -> When {
        When {
            ts: self.corrected(ts),
            precision,
            basis: Basis::Recorded,
        }
    }

    /// A local time with a year but no zone.
    pub fn local(&self, local: NaiveDateTime, precision: Precision) -> Option<When> {
        let ts = self.corrected(self.zone.instant(local)?);
        Some(When {
            ts,
            precision,
            basis: Basis::ZoneAssumed,
        })
    }

    /// A local time whose year was inferred as well.
    pub fn local_yearless(&self, local: NaiveDateTime, precision: Precision) -> Option<When> {
        let ts = self.corrected(self.zone.instant(local)?);
        Some(When {
            ts,
            precision,
            basis: Basis::YearInferred,
        })
    }

    /// The moment of collection, for rows of a snapshot.
    pub fn collected(&self) -> Option<When> {
        let ts = self.collected_at?;
        Some(When {
            ts,
            precision: Precision::S,
            basis: Basis::Collected,
        })
    }

    fn corrected(&self, ts: Timestamp) -> Timestamp {
        Timestamp(ts.0.saturating_add(self.offset_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn check(tz: Tz, local: (u32, u32, u32, u32), expected: &str) {
        let (month, day, hour, minute) = local;
        let local = NaiveDate::from_ymd_opt(2023, month, day)
            .and_then(|date| date.and_hms_opt(hour, minute, 0));
        let zone = Zone {
            tz,
            source: ZoneSource::CaseFile,
        };
        let at = zone.instant(local.expect("a date")).expect("an instant");
        assert_eq!(at.to_string(), expected);
    }

    #[test]
    fn local_times_become_instants() {
        check(Tz::Asia__Shanghai, (3, 29, 0, 0), "2023-03-28T16:00:00Z");
        check(Tz::Europe__Berlin, (3, 26, 1, 59), "2023-03-26T00:59:00Z");
        check(Tz::Europe__Berlin, (3, 26, 2, 30), "2023-03-26T01:30:00Z"); // skipped hour
        check(Tz::Europe__Berlin, (10, 29, 2, 30), "2023-10-29T00:30:00Z"); // repeated hour
    }
}
