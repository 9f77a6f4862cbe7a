//! What holds of every format over any bytes: it ends, twice the same, its events stand at places that the artifact has,
//! and what it skips is counted. Fuzz targets and the fixtures of past crashes are held to it.

use coldcase_ingest::Format;
use coldcase_model::{Event, Place, canonical_ip};

use crate::{Recorder, clock, ingest, sniff};

/// Events that a byte of evidence may make: a row of a table may tell several, none tells very many.
const MOST_EVENTS_A_BYTE: usize = 8;
/// The artifact's name: of no format.
const PATH: &str = "host/artifact";

/// Reads these bytes with the format, twice, and looks at all it says. Panics where an invariant does not hold.
pub fn check(format: &Format, bytes: &[u8]) {
    // A zone with summer time, and a moment that dates logs without a year.
    let clock = clock(chrono_tz::Tz::Europe__Paris, "2024-03-31T10:00:00+02:00");
    let _ = sniff(format, PATH, bytes);
    let told = ingest(format, PATH, bytes, &clock);
    check_told(format.id, bytes, &told);
    let again = ingest(format, PATH, bytes, &clock);
    assert!(
        told.snapshot() == again.snapshot(),
        "{}: another reading tells something else",
        format.id
    );
}

fn check_told(id: &str, bytes: &[u8], told: &Recorder) {
    assert_eq!(told.counts.skipped, told.skips.len() as u64, "{id}");
    assert!(
        told.events.len() <= MOST_EVENTS_A_BYTE * bytes.len(),
        "{id}: {} events of {} bytes",
        told.events.len(),
        bytes.len()
    );
    assert!(
        told.events.is_empty() || told.counts.used > 0,
        "{id}: events of no record"
    );
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    for event in &told.events {
        check_event(id, event, lines, bytes.len() as u64);
    }
    let skipped = told.skips.iter().map(|(place, _)| place);
    let warned = told.warnings.iter().map(|(place, _)| place);
    for place in skipped.chain(warned) {
        let is_there = match *place {
            Place::Line(line) => (1..=lines).contains(&line),
            Place::Offset(offset) => offset <= bytes.len() as u64,
            _ => true,
        };
        assert!(is_there, "{id}: {place} is beyond the artifact");
    }
}

fn check_event(id: &str, event: &Event<'_>, lines: u64, bytes: u64) {
    let is_line = event.line.is_none_or(|line| (1..=lines).contains(&line));
    let is_offset = event.offset.is_none_or(|offset| offset <= bytes);
    assert!(is_line && is_offset, "{id}: place of {event:?}");
    assert!(
        event.line.is_some() || event.offset.is_some(),
        "{id}: no place: {event:?}"
    );
    for ip in [&event.src_ip, &event.dst_ip].into_iter().flatten() {
        let canonical = canonical_ip(ip);
        assert_eq!(canonical.as_deref(), Some(ip.as_ref()), "{id}: {event:?}");
    }
    if let Some(attributes) = &event.attributes {
        let parsed = serde_json::from_str::<serde_json::Map<_, _>>(attributes);
        assert!(parsed.is_ok(), "{id}: attributes {attributes}");
    }
}
