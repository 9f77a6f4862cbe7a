//! Logs without a year: the survey of their line heads, and the years inferred from a series of two. The first byte cuts
//! the bytes in two.

#![no_main]

use coldcase_ingest::Zone;
use coldcase_ingest::years::{Member, infer, survey};
use coldcase_model::Timestamp;
use libfuzzer_sys::fuzz_target;

/// Years that a stamp of a log may have, with room.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2300;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let (older, newer) = bytes.split_at(bytes.len() * usize::from(*cut) / 256);
    let collected = Timestamp::parse_rfc3339("2024-02-29T12:00:00Z");
    let members = || {
        [("log.1", older), ("log", newer)].map(|(path, mut bytes)| Member {
            path,
            survey: survey(&mut bytes).unwrap_or_default(),
        })
    };
    let years = infer(&members(), collected, Zone::UNKNOWN);
    assert_eq!(years, infer(&members(), collected, Zone::UNKNOWN));
    for year in years.into_iter().flatten() {
        assert!(YEARS.contains(&year), "{year}");
    }
});
