//! Tests of `years`.

use chrono_tz::Tz;

use super::*;
use crate::ZoneSource;

const COLLECTED: &str = "2023-05-12T10:25:00+08:00";

fn surveyed(log: &str) -> Survey {
    survey(&mut log.as_bytes()).expect("memory never fails")
}

/// Logs by path, each of these stamps; years of their first stamps.
fn check(collected_at: Option<&str>, logs: &[(&str, &[&str], Option<i32>)]) {
    let members: Vec<Member<'_>> = logs
        .iter()
        .map(|(path, stamps, _)| {
            let lines: String = stamps
                .iter()
                .map(|stamp| format!("{stamp} host sshd[1]: text\n"))
                .collect();
            Member {
                path,
                survey: surveyed(&lines),
            }
        })
        .collect();
    let zone = Zone {
        tz: Tz::Asia__Shanghai,
        source: ZoneSource::CaseFile,
    };
    let got = infer(
        &members,
        collected_at.and_then(Timestamp::parse_rfc3339),
        zone,
    );
    let expected: Vec<_> = logs.iter().map(|(_, _, year)| *year).collect();
    assert_eq!(got, expected, "{logs:?}");
}

#[test]
fn the_collection_dates_the_live_file() {
    check(
        Some(COLLECTED),
        &[(
            "auth.log",
            &["Mar  9 04:05:06", "May 12 10:20:00"],
            Some(2023),
        )],
    );
    check(
        Some(COLLECTED),
        &[(
            "auth.log",
            &["Jun  1 04:05:06", "Jul  1 10:20:00"],
            Some(2022),
        )],
    );
    // An hour beyond the collection is a zone's or a clock's doing, not last year.
    check(
        Some(COLLECTED),
        &[("auth.log", &["May 12 11:30:00"], Some(2023))],
    );
    check(None, &[("auth.log", &["May 12 11:30:00"], None)]);
}

#[test]
fn new_year_inside_files_and_between_them() {
    check(
        Some("2026-01-12T00:00:00+08:00"),
        &[
            (
                "auth.log",
                &["Jan 11 00:00:01", "Jan 11 20:00:00"],
                Some(2026),
            ),
            (
                "auth.log.1",
                &["Jan  4 00:00:01", "Jan 10 23:59:59"],
                Some(2026),
            ),
            (
                "auth.log.2.gz",
                &["Dec 28 00:00:01", "Jan  3 23:59:59"],
                Some(2025),
            ),
            (
                "auth.log.3.gz",
                &["Dec 21 00:00:01", "Dec 27 23:59:59"],
                Some(2025),
            ),
            (
                "auth.log.10.gz",
                &["Nov  1 00:00:01", "Nov  7 23:59:59"],
                Some(2025),
            ),
        ],
    );
    check(
        Some(COLLECTED),
        &[(
            "messages",
            &["Jan 22 07:00:00", "Nov 18 07:00:00", "Mar 23 07:00:00"],
            Some(2022),
        )],
    );
}

#[test]
fn years_of_quiet_between_rotations() {
    check(
        Some(COLLECTED),
        &[
            ("secure", &["May 10 00:00:01"], Some(2023)),
            (
                "secure.1",
                &["Feb  1 00:00:01", "Jun 30 23:59:59"],
                Some(2022),
            ),
            (
                "secure.2",
                &["Aug  1 00:00:01", "Dec 30 23:59:59"],
                Some(2021),
            ),
        ],
    );
}

#[test]
fn dates_in_names_beat_the_order() {
    check(
        None,
        &[
            (
                "secure-20210402",
                &["Mar 26 00:00:01", "Apr  2 03:00:00"],
                Some(2021),
            ),
            (
                "secure-20230101",
                &["Dec 25 00:00:01", "Jan  1 03:00:00"],
                Some(2022),
            ),
            (
                "secure",
                &["Jan  2 00:00:01", "Feb  1 00:00:01"],
                Some(2023),
            ),
        ],
    );
    // `dateyesterday` names the file by the day before.
    check(
        Some(COLLECTED),
        &[(
            "secure-20221231",
            &["Dec 25 00:00:01", "Jan  1 00:10:00"],
            Some(2022),
        )],
    );
}

#[test]
fn what_the_log_itself_says() {
    check(
        None,
        &[(
            "messages",
            &[
                "Dec 31 23:00:00",
                "Jan  1 00:00:01",
                "2020-01-02T00:00:00+01:00",
            ],
            Some(2019),
        )],
    );
    check(
        Some(COLLECTED),
        &[(
            "messages",
            &["Feb 28 23:00:00", "Feb 29 01:00:00"],
            Some(2020),
        )],
    );
    check(
        Some(COLLECTED),
        &[(
            "messages",
            &["Wed Mar 24 23:00:00", "Thu Mar 25 01:00:00"],
            Some(2021),
        )],
    );
    check(
        None,
        &[
            (
                "syslog",
                &["2020-01-02T00:00:00+01:00", "2020-01-03T00:00:00+01:00"],
                None,
            ),
            (
                "syslog.1",
                &["Dec 31 23:00:00", "Jan  1 23:00:00"],
                Some(2019),
            ),
        ],
    );
    check(
        Some(COLLECTED),
        &[(
            "messages",
            &[
                "Mar 31 23:00:00",
                "2033-11-12 00:00:00,123",
                "Apr  1 01:00:00",
            ],
            Some(2023),
        )],
    );
    check(None, &[("messages", &["no stamp"], None)]);
}

#[test]
fn clocks_set_back_and_late_records_are_no_new_year() {
    let wraps = |stamps: &[&str]| {
        let log: String = stamps
            .iter()
            .map(|stamp| format!("{stamp} host a: b\n"))
            .collect();
        surveyed(&log).wraps
    };
    assert_eq!(wraps(&["Mar 26 03:00:00", "Mar 26 02:00:00"]), 0);
    assert_eq!(wraps(&["Mar  1 00:00:01", "Feb 27 02:00:00"]), 0);
    assert_eq!(wraps(&["Dec 31 17:00:00", "Nov 18 01:00:00"]), 0);
    assert_eq!(
        wraps(&[
            "Dec 31 23:59:59",
            "Jan  1 00:00:00",
            "Dec 31 23:59:59",
            "Jan  1 00:00:01"
        ]),
        1
    );
    assert_eq!(
        wraps(&["Jan 22 00:00:00", "Nov 18 00:00:00", "Mar  1 00:00:00"]),
        1
    );
    assert_eq!(
        wraps(&[
            "Dec 30 00:00:00",
            "Jan  2 00:00:00",
            "Dec 30 00:00:00",
            "Jan  2 00:00:00"
        ]),
        1
    );
}

#[test]
fn a_survey_sees_first_last_and_what_lies_between() {
    let log = "\u{0}\u{0}broken\n<86>Mar  9 04:05:06 h sshd[1]: a\n\tb\nMar  9 04:05:07 h sshd[1]: a\r\nnone\n";
    let survey = surveyed(log);
    let mark = |second| {
        Some(Mark {
            month: 3,
            day: 9,
            second,
        })
    };
    assert_eq!((survey.first, survey.last), (mark(14_706), mark(14_707)));
    assert_eq!((survey.dated, survey.wraps), (None, 0));
    assert_eq!(surveyed("").first, None);
}
