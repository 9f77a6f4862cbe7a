//! Every registered format over the same bytes, recognised or not: it ends, its events stand at places in the
//! artifact, and every skipped record is counted.

#![no_main]

use coldcase_ingest::{Clock, formats};
use coldcase_testkit::{ingest, sniff};
use libfuzzer_sys::fuzz_target;

/// Events that a byte of evidence may make: a row of a table may tell several, none tells very many.
const MOST_EVENTS_A_BYTE: usize = 8;

fuzz_target!(|data: &[u8]| {
    for format in formats::ALL {
        let _ = sniff(format, "host/artifact", data);
        let told = ingest(format, "host/artifact", data, &Clock::UNKNOWN);
        assert_eq!(
            told.counts.skipped,
            told.skips.len() as u64,
            "{}",
            format.id
        );
        assert!(
            told.events.len() <= MOST_EVENTS_A_BYTE * data.len(),
            "{}",
            format.id
        );
        for event in &told.events {
            let bytes = data.len() as u64;
            let line = event.line.is_none_or(|line| line <= bytes + 1);
            let offset = event.offset.is_none_or(|offset| offset <= bytes);
            assert!(line && offset, "{}: {event:?}", format.id);
        }
    }
});
