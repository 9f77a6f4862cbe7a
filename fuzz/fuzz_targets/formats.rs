//! Every registered format over the same bytes: sniffed, read, and joined as a series of one.

#![no_main]

use coldcase_ingest::{Clock, formats};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Some(format) = formats::ALL.get(usize::from(*first) % formats::ALL.len()) else {
        return;
    };
    let _ = coldcase_testkit::sniff(format, "host/file", rest);
    let read = coldcase_testkit::ingest(format, "host/file", rest, &Clock::UNKNOWN);
    assert!(read.counts.records() <= data.len() as u64 + 1);
});
