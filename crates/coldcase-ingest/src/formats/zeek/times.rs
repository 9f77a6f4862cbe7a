//! Stamps and durations: seconds with a fraction, or ISO 8601.

use coldcase_model::{Precision, Timestamp, When};

use crate::Clock;
use crate::syslog::Times;
use crate::years::stamp;

/// When a record was: `1683680523.123456`, `1.683680523123456e+09`, `2023-05-10T01:02:03.123456Z`.
pub(super) fn when(text: &str, clock: &Clock) -> Option<When> {
    if let Some((seconds, nanos, digits)) = decimal(text) {
        let ts = Timestamp::from_parts(seconds, nanos)?;
        // Zeek writes microseconds; JSON drops their trailing zeros.
        let precision = Precision::of_fraction_digits(if digits > 0 { digits.max(6) } else { 0 });
        return Some(clock.recorded(ts, precision));
    }
    if text.contains(['e', 'E']) {
        let micros = text.parse::<f64>().ok()? * 1e6;
        let (seconds, nanos, _) = decimal(&format!("{:.6}", micros / 1e6))?;
        let ts = Timestamp::from_parts(seconds, nanos)?;
        return Some(clock.recorded(ts, Precision::Us));
    }
    let (stamp, _) = stamp::read(text.as_bytes())?;
    stamp.year?;
    Times::new(clock).when(&stamp).ok()
}

/// A duration in nanoseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (seconds, nanos, _) = decimal(text)?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(i64::from(nanos))
}

/// The moment so long after another.
pub(super) fn after(when: Option<When>, nanos: Option<i64>) -> Option<Timestamp> {
    Some(Timestamp(when?.ts.nanos().checked_add(nanos?)?))
}

/// Seconds, nanoseconds and digits of a plain decimal number.
fn decimal(text: &str) -> Option<(i64, u32, usize)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut nanos = 0;
    for index in 0..9 {
        let digit = fraction.as_bytes().get(index).map_or(0, |byte| byte - b'0');
        nanos = nanos * 10 + u32::from(digit);
    }
    Some((whole.parse().ok()?, nanos, fraction.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps() {
        let check = |text: &str, expected: Option<&str>| {
            let got = when(text, &Clock::UNKNOWN).map(|when| when.ts.to_string());
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        check("1683680523.123456", Some("2023-05-10T01:02:03.123456Z"));
        check("1683680523", Some("2023-05-10T01:02:03Z"));
        check(
            "2023-05-10T01:02:03.123456Z",
            Some("2023-05-10T01:02:03.123456Z"),
        );
        check("XXXXXXXXXX.XXXXXX", None);
        check("-", None);
        assert_eq!(duration("0.010291"), Some(10_291_000));
    }
}
