//! Where and when: the host of a record against the artifact's, the instant of a stamp.

use std::net::IpAddr;

use chrono::{DateTime, Datelike};
use coldcase_model::{Precision, Timestamp, When};

use super::record::{Stamp, StampZone};
use crate::Clock;

/// Whether a node name is that of another host: `db-07` and `db-07.example.org` are the same; an address
/// says where records came from, not whose they are.
pub fn names_other_host(node: &str, host: Option<&str>) -> bool {
    if node.is_empty() || node.parse::<IpAddr>().is_ok() {
        return false;
    }
    let label = |name: &str| name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    host.is_none_or(|host| label(host) != label(node))
}

/// The event's time. A year that the text leaves out is the latest that the moment of collection allows.
pub fn when(stamp: &Stamp, clock: &Clock) -> Option<When> {
    let at = DateTime::from_timestamp_nanos(stamp.at_ns);
    match stamp.zone {
        StampZone::Utc => Some(clock.recorded(Timestamp(stamp.at_ns), stamp.precision)),
        StampZone::Local => clock.local(at.naive_utc(), stamp.precision),
        StampZone::Yearless => {
            let local = at.naive_utc();
            let in_year = |year: i32| {
                let dated = local.with_year(year)?;
                clock.local_yearless(dated, Precision::S)
            };
            let Some(collected) = clock.collected_at else {
                return in_year(clock.first_year?);
            };
            let newest = collected.plus_seconds(86_400);
            let year = clock.zone.local(newest).year();
            let mut years = (year - 4..=year).rev();
            years.find_map(|year| in_year(year).filter(|when| when.ts <= newest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check = |node: &str, host: Option<&str>, expected: bool| {
            assert_eq!(names_other_host(node, host), expected, "{node} {host:?}");
        };
        check("", None, false);
        check("db-07", Some("db-07.example.org"), false);
        check("DB-07.example.org", Some("db-07"), false);
        check("db-08", Some("db-07"), true);
        check("db-08", None, true);
        check("10.0.0.8", Some("db-07"), false);
    }

    #[test]
    fn years_that_the_text_leaves_out() {
        let check = |at: &str, collected: Option<&str>, expected: Option<&str>| {
            let stamp = Stamp {
                at_ns: Timestamp::parse_rfc3339(at).map_or(0, Timestamp::nanos),
                zone: StampZone::Yearless,
                ..Stamp::UNKNOWN
            };
            let clock = Clock {
                collected_at: collected.and_then(Timestamp::parse_rfc3339),
                ..Clock::UNKNOWN
            };
            let got = when(&stamp, &clock).map(|when| when.ts.to_string());
            assert_eq!(got.as_deref(), expected, "{at}");
        };
        let may = Some("2023-05-12T00:00:00Z");
        check("1972-05-11T22:15:37Z", may, Some("2023-05-11T22:15:37Z"));
        check("1972-12-31T22:15:37Z", may, Some("2022-12-31T22:15:37Z"));
        check("1972-02-29T00:00:00Z", may, Some("2020-02-29T00:00:00Z"));
        check("1972-05-11T22:15:37Z", None, None);
    }
}
