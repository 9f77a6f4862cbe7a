//! HTTP heads: what is read of a payload stays within it.

#![no_main]

use coldcase_wire::http::{request, response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let told = (request(data), response(data));
    assert_eq!(
        format!("{told:?}"),
        format!("{:?}", (request(data), response(data)))
    );
});
