//! What a person writes: `case.toml`, and indicators as text, CSV, STIX and MISP.

#![no_main]

use std::path::Path;

use coldcase_evidence::{CaseFile, parse_indicators, parse_zone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = CaseFile::parse(&text, Path::new("case.toml")) {
        assert!(!error.to_string().is_empty());
    }
    let _ = parse_zone(&text);
    let told = parse_indicators(&text);
    assert_eq!(told, parse_indicators(&text));
    for indicator in &told {
        assert!(!indicator.value.trim().is_empty(), "{told:?}");
    }
});
