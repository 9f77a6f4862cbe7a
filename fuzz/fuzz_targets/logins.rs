//! The family `logins` of formats: one of them, chosen by the first byte, over the rest.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| coldcase_testkit::families::check("logins", data));
