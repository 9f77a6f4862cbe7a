//! What is kept of an input beside its rows, so that it need not be read again while nothing of it changes.

use std::borrow::Cow;

use coldcase_ingest::years::Survey;
use coldcase_ingest::{Clock, Zone, ZoneSource};
use coldcase_model::{Place, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock_solver::Jump;
use crate::coverage::ActiveHours;
use crate::{InputRecord, SkipCount};

/// One input of a case: what it was read from, with what, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptInput {
    pub path: String,
    pub bytes: u64,
    pub sha256: Option<String>,
    pub format: Option<String>,
    /// Of the sources that read it.
    pub fingerprint: String,
    pub host: Option<String>,
    pub clock: KeptClock,
    /// Whether it could be read to its end.
    pub is_whole: bool,
    /// Of a year-less log.
    pub survey: Option<Survey>,
    pub records: u64,
    pub skipped: u64,
    /// Rows of it in the timeline.
    pub events: u64,
    skips: Vec<(String, u64, KeptPlace)>,
    first: Option<i64>,
    last: Option<i64>,
    pub assumed: u64,
    pub undated: u64,
    last_recorded: Option<i64>,
    jumps: Vec<Jump>,
    active: Vec<(i64, i64)>,
    warnings: Vec<String>,
}

/// Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptClock {
    timezone: String,
    rests_on: String,
    offset_ns: i64,
    collected_at: Option<i64>,
    first_year: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum KeptPlace {
    Whole,
    Line(u64),
    Offset(u64),
}

impl KeptInput {
    /// As it was read.
    pub fn of(input: &InputRecord, fingerprint: &str, survey: Option<&Survey>) -> Self {
        let skips = input.skips.iter().map(|(reason, skip)| {
            let place = match skip.first {
                Place::Whole => KeptPlace::Whole,
                Place::Line(line) => KeptPlace::Line(line),
                Place::Offset(offset) => KeptPlace::Offset(offset),
            };
            (reason.clone().into_owned(), skip.count, place)
        });
        Self {
            path: input.path.clone(),
            bytes: input.bytes,
            sha256: input.sha256.clone(),
            format: input.format.map(str::to_owned),
            fingerprint: fingerprint.to_owned(),
            host: input.host.clone(),
            clock: KeptClock::of(&input.read_with),
            is_whole: input.is_whole,
            survey: survey.cloned(),
            records: input.records,
            skipped: input.skipped,
            events: input.events,
            skips: skips.collect(),
            first: input.first.map(Timestamp::nanos),
            last: input.last.map(Timestamp::nanos),
            assumed: input.assumed,
            undated: input.undated,
            last_recorded: input.last_recorded.map(Timestamp::nanos),
            jumps: input.jumps.clone(),
            active: input.active.hours().to_vec(),
            warnings: input.warnings.clone(),
        }
    }

    /// As reading it with this clock would give it. The format's id is that of now.
    pub fn record(&self, format: Option<&'static str>, clock: Clock) -> InputRecord {
        let skips = self.skips.iter().map(|(reason, count, place)| {
            let first = match place {
                KeptPlace::Whole => Place::Whole,
                KeptPlace::Line(line) => Place::Line(*line),
                KeptPlace::Offset(offset) => Place::Offset(*offset),
            };
            let count = *count;
            (Cow::Owned(reason.clone()), SkipCount { count, first })
        });
        InputRecord {
            path: self.path.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            format,
            host: self.host.clone(),
            records: self.records,
            skipped: self.skipped,
            events: self.events,
            skips: skips.collect(),
            first: self.first.map(Timestamp),
            last: self.last.map(Timestamp),
            assumed: self.assumed,
            undated: self.undated,
            last_recorded: self.last_recorded.map(Timestamp),
            jumps: self.jumps.clone(),
            active: ActiveHours::of_hours(self.active.clone()),
            warnings: self.warnings.clone(),
            clock,
            read_with: self.clock.clock().unwrap_or(clock),
            is_whole: self.is_whole,
        }
    }
}

impl KeptClock {
    fn of(clock: &Clock) -> Self {
        Self {
            timezone: clock.zone.tz.name().to_owned(),
            rests_on: clock.zone.source.as_str().to_owned(),
            offset_ns: clock.offset_ns,
            collected_at: clock.collected_at.map(Timestamp::nanos),
            first_year: clock.first_year,
        }
    }

    /// `None` where this program does not know its zone.
    pub fn clock(&self) -> Option<Clock> {
        let sources = [
            ZoneSource::CaseFile,
            ZoneSource::Option,
            ZoneSource::Bundle,
            ZoneSource::Solved,
            ZoneSource::Nothing,
        ];
        let mut sources = sources.into_iter();
        let source = sources.find(|source| source.as_str() == self.rests_on)?;
        Some(Clock {
            zone: Zone {
                tz: self.timezone.parse().ok()?,
                source,
            },
            offset_ns: self.offset_ns,
            collected_at: self.collected_at.map(Timestamp),
            first_year: self.first_year,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// An input with something in every field.
    pub fn full(path: &str) -> InputRecord {
        let skip = |count, first| SkipCount { count, first };
        let clock = Clock {
            zone: Zone {
                tz: chrono_tz::Asia::Kathmandu,
                source: ZoneSource::Solved,
            },
            offset_ns: -3,
            collected_at: Some(Timestamp(i64::MAX)),
            first_year: Some(2023),
        };
        InputRecord {
            path: path.to_owned(),
            bytes: u64::MAX,
            sha256: Some("00".repeat(32)),
            records: 7,
            skipped: 6,
            events: 5,
            skips: BTreeMap::from([
                ("no time".into(), skip(1, Place::Whole)),
                ("not a record".into(), skip(2, Place::Line(9))),
                ("cut".into(), skip(3, Place::Offset(u64::MAX))),
            ]),
            first: Some(Timestamp(i64::MIN)),
            last: Some(Timestamp(1)),
            assumed: 4,
            undated: 3,
            last_recorded: Some(Timestamp(-1)),
            active: ActiveHours::of_hours(vec![(i64::MIN, 0), (5, i64::MAX)]),
            warnings: vec!["line 3: \u{1b}[31m \"".to_owned()],
            clock,
            read_with: clock,
            ..InputRecord::of("h", "authlog")
        }
    }

    #[test]
    fn nothing_of_an_input_is_lost() {
        let input = full("h/auth.log");
        let kept = KeptInput::of(&input, "f", Some(&Survey::default()));
        let json = serde_json::to_string(&kept).expect("JSON");
        let again: KeptInput = serde_json::from_str(&json).expect("as it was written");
        assert_eq!(again, kept);
        let record = again.record(Some("authlog"), input.clock);
        assert_eq!(format!("{record:?}"), format!("{input:?}"));
    }
}
