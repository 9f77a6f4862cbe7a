//! Instants: UTC in nanoseconds, with how exact the artifact was and what its zone and year rest on.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// An instant, nanoseconds since 1970-01-01T00:00:00Z. Covers the years 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since 1970; `None` outside of what nanoseconds in an `i64` can hold.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        seconds.checked_mul(1_000_000_000).map(Self)
    }

    /// From seconds since 1970 and nanoseconds after them; `None` where it can't be held.
    pub fn from_parts(seconds: i64, nanos: u32) -> Option<Self> {
        Self::from_seconds(seconds)?
            .0
            .checked_add(i64::from(nanos))
            .map(Self)
    }

    /// From a chrono instant; `None` where nanoseconds can't hold it.
    pub fn from_utc(at: DateTime<Utc>) -> Option<Self> {
        at.timestamp_nanos_opt().map(Self)
    }

    /// From RFC 3339 text with an offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Self::from_utc(
            DateTime::parse_from_rfc3339(text.trim())
                .ok()?
                .with_timezone(&Utc),
        )
    }

    /// Nanoseconds since 1970.
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// Microseconds since 1970, rounded down.
    pub fn micros(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// As a chrono instant.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// This instant moved by some seconds; stays where it is if the result can't be held.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000_000)))
    }
}

/// RFC 3339 in UTC with as many digits as the value needs: `2023-03-28T16:00:04Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is no RFC 3339 time"));
        Self::parse_rfc3339(&text).ok_or_else(wrong)
    }
}

/// How exact the artifact was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes.
    Min,
    /// Days.
    Day,
}

impl Precision {
    /// The word in the timeline's column `ts_precision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
            Self::Min => "min",
            Self::Day => "day",
        }
    }

    /// How long the interval is that a time of this precision stands for.
    pub fn span_ns(self) -> i64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
            Self::Min => 60_000_000_000,
            Self::Day => 86_400_000_000_000,
        }
    }

    /// The precision that a number of decimal digits after the second gives.
    pub fn of_fraction_digits(digits: usize) -> Self {
        match digits {
            0 => Self::S,
            1..=3 => Self::Ms,
            4..=6 => Self::Us,
            _ => Self::Ns,
        }
    }
}

/// What zone and year of a time rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Zone and year stand in the artifact.
    Recorded,
    /// The artifact has no zone: that of `case.toml`, `--timezone`, the bundle or UTC was assumed.
    ZoneAssumed,
    /// The artifact has no year: it was inferred (rotation order, wrap, `collected_at`).
    YearInferred,
    /// The moment at which a snapshot was collected.
    Collected,
}

impl Basis {
    /// The word in the timeline's column `ts_basis`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::ZoneAssumed => "zone-assumed",
            Self::YearInferred => "year-inferred",
            Self::Collected => "collected",
        }
    }
}

/// An instant with how exact it is and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The instant (for coarse precisions the start of the interval).
    pub ts: Timestamp,
    /// How exact.
    pub precision: Precision,
    /// What zone and year rest on.
    pub basis: Basis,
}

impl When {
    /// A time whose zone and year the artifact recorded.
    pub fn recorded(ts: Timestamp, precision: Precision) -> Self {
        Self {
            ts,
            precision,
            basis: Basis::Recorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_the_digits_it_needs() {
        let check = |nanos: i64, expected: &str| assert_eq!(Timestamp(nanos).to_string(), expected);
        check(0, "1970-01-01T00:00:00Z");
        check(1_500_000_000, "1970-01-01T00:00:01.500Z");
        check(-1, "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn refuses_what_nanoseconds_cannot_hold() {
        assert_eq!(Timestamp::from_seconds(i64::MAX), None);
        assert_eq!(Timestamp::parse_rfc3339("9999-01-01T00:00:00Z"), None);
        assert_eq!(
            Timestamp::parse_rfc3339("2023-01-01T08:00:00+08:00"),
            Timestamp::from_seconds(1_672_531_200)
        );
    }
}
