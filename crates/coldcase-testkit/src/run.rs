//! Formats over bytes in memory, as the program runs them over files.

use chrono_tz::Tz;
use coldcase_ingest::years::{self, Member};
use coldcase_ingest::{Clock, Cores, Format, Input, Part, Probe, Sniff, Zone, ZoneSource, formats};
use coldcase_model::{Place, Sink, Timestamp};

use crate::Recorder;

const HEAD: usize = 64 << 10;

/// What a format makes of these bytes.
pub fn sniff(format: &Format, path: &str, bytes: &[u8]) -> Sniff {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    (format.sniff)(&Probe::new(path, head, head.len() == bytes.len()))
}

/// The format that claims these bytes most, where one does, as the program chooses.
pub fn winner(path: &str, bytes: &[u8]) -> Option<&'static Format> {
    let (sniffed, format) = formats::ALL
        .iter()
        .rev()
        .map(|format| (sniff(format, path, bytes), *format))
        .max_by_key(|(sniffed, _)| *sniffed)?;
    (sniffed > Sniff::No).then_some(format)
}

/// A zone that the case's file names, and the moment of collection, as RFC 3339 writes it.
pub fn clock(tz: Tz, collected_at: &str) -> Clock {
    Clock {
        zone: Zone {
            tz,
            source: ZoneSource::CaseFile,
        },
        collected_at: Timestamp::parse_rfc3339(collected_at),
        ..Clock::UNKNOWN
    }
}

/// Reads one artifact with this format.
pub fn ingest(format: &Format, path: &str, bytes: &[u8], clock: &Clock) -> Recorder {
    ingest_series(format, &[(path, bytes)], clock)
        .pop()
        .unwrap_or_default()
}

/// Reads a series of artifacts, given in the order of their paths, and joins their leftovers.
pub fn ingest_series(format: &Format, artifacts: &[(&str, &[u8])], clock: &Clock) -> Vec<Recorder> {
    let mut recorders: Vec<Recorder> = artifacts.iter().map(|_| Recorder::default()).collect();
    let mut parts: Vec<Part<'_>> = Vec::new();
    let clocks = clocks(format, artifacts, clock);
    for (((path, bytes), recorder), clock) in artifacts.iter().zip(&mut recorders).zip(&clocks) {
        let mut input = Input {
            path,
            host: Some("host"),
            reader: Box::new(*bytes),
            clock,
            cores: Cores::asking(&|| true),
        };
        match (format.ingest)(&mut input, recorder) {
            Ok(Some(leftover)) => parts.push(Part {
                path,
                leftover,
                sink: recorder,
            }),
            Ok(None) => {}
            Err(error) => recorder.warn(Place::Whole, error.to_string()),
        }
    }
    if let Some(join) = format.join {
        join(parts);
    }
    recorders
}

/// The clock of each artifact: where the format's stamps may lack their year, the series is surveyed first.
fn clocks(format: &Format, artifacts: &[(&str, &[u8])], clock: &Clock) -> Vec<Clock> {
    if !format.yearless || clock.first_year.is_some() {
        return vec![*clock; artifacts.len()];
    }
    let members: Vec<_> = artifacts
        .iter()
        .map(|(path, bytes)| Member {
            path,
            survey: years::survey(&mut &**bytes).unwrap_or_default(),
        })
        .collect();
    years::infer(&members, clock.collected_at, clock.zone)
        .into_iter()
        .map(|first_year| Clock {
            first_year,
            ..*clock
        })
        .collect()
}
