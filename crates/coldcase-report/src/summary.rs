//! What reports are made from.

use chrono::SecondsFormat;
use chrono_tz::Tz;
use coldcase_model::{Findings, Timestamp};

use crate::Lang;

/// What reports are made from.
pub struct Summary<'a> {
    /// Answers and findings.
    pub findings: &'a Findings,
    /// Every input.
    pub inputs: Vec<InputLine>,
    /// The bundle's zone, in which times are shown beside UTC.
    pub zone: Tz,
    /// What that zone rests on.
    pub zone_source: &'static str,
    /// Events in the timeline.
    pub events: u64,
    /// Losses of the bundle as a whole.
    pub warnings: Vec<String>,
    /// What zones and clocks rest on, how far clocks are apart, and where they were set.
    pub clocks: Vec<String>,
    /// What was not collected and would have helped.
    pub missing: Vec<String>,
    /// Where the case lies.
    pub case: String,
    /// The language that reports speak.
    pub lang: Lang,
}

/// One input, as reports show it.
#[derive(Debug, Clone)]
pub struct InputLine {
    /// Path in the bundle.
    pub path: String,
    /// Size as stored.
    pub bytes: u64,
    /// Hash as stored.
    pub sha256: Option<String>,
    /// Format, where recognised.
    pub format: Option<&'static str>,
    /// Host, where known.
    pub host: Option<String>,
    /// Records read and used, and skipped.
    pub records: u64,
    /// See `records`.
    pub skipped: u64,
    /// First and last dated event.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// Damage, limits, assumptions.
    pub warnings: Vec<String>,
}

/// A time in the bundle's zone, to the second, with its offset.
pub(crate) fn local(at: Timestamp, zone: Tz) -> String {
    at.to_utc()
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}
