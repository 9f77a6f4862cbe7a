//! Lives of containers that ended, held against the logins: who ran through all of them, and ended when they did.

use chrono::{NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use coldcase_model::{Finding, Observable, ObservableType, Timestamp};

use super::{Asked, text};
use crate::CaseFacts;

/// A window that does not come may be a night off: without a window a day is waited for.
const DAY_NS: i64 = 86_400_000_000_000;
/// Clocks of two hosts may be apart by this.
const SLACK_NS: i64 = 600_000_000_000;
/// Formats that hold sshd's records.
const LOGIN_LOGS: [&str; 5] = [
    "authlog",
    "journal",
    "journal-export",
    "journal-json",
    "journal-verbose",
];

/// How a container's life lies to the logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ran through all, and ended before the next would have come.
    Fits,
    /// Likewise, but nothing shows that the logins ended: their log does not go on.
    FitsUnseen,
    /// It started after the first login.
    StartedLater,
    /// It ended before the last login.
    EndedEarlier,
    /// It still ran when logins should have come and did not.
    EndedLater,
    /// Its start or end is not known.
    Unknown,
}

/// A container that ended.
pub(super) struct Life<'a> {
    pub finding: &'a Finding,
    pub started: Option<i64>,
    pub finished: Option<i64>,
    pub ending: Ending,
}

impl Life<'_> {
    pub fn container(&self) -> Observable {
        let name = text(self.finding, "container").unwrap_or_default();
        Observable::new(ObservableType::Container, name)
    }

    /// Whether it may have made all logins and no more.
    pub fn fits(&self) -> bool {
        matches!(self.ending, Ending::Fits | Ending::FitsUnseen)
    }
}

/// The containers that ended, of the source's host where that is known, by name. Pause containers do nothing.
pub(super) fn of<'a>(
    findings: &'a [Finding],
    asked: &Asked<'_>,
    facts: &CaseFacts,
) -> Vec<Life<'a>> {
    let next = next_window(asked).unwrap_or(asked.last.saturating_add(DAY_NS));
    let covered = facts.covered(asked.host, &LOGIN_LOGS, DAY_NS);
    let goes_on = covered.iter().any(|(_, last)| *last >= next);
    let exits = findings.iter().filter(|one| {
        let hosts: Vec<&Observable> = one
            .subjects
            .iter()
            .filter(|subject| subject.kind == ObservableType::Host)
            .collect();
        let here = |host: &&Observable| asked.owner.as_ref() == Some(&host.value);
        let of_host = hosts.is_empty() || asked.owner.is_none() || hosts.iter().any(here);
        let name = text(one, "container").unwrap_or_default();
        one.correlator == "container-exit" && of_host && !name.starts_with("k8s_POD_")
    });
    let mut lives: Vec<Life<'a>> = exits
        .map(|finding| {
            let time = |fact| Timestamp::parse_rfc3339(text(finding, fact)?).map(Timestamp::nanos);
            let (started, finished) = (time("started_at"), time("finished_at"));
            let ending = match (started, finished) {
                (Some(start), _) if start > asked.first.saturating_add(SLACK_NS) => {
                    Ending::StartedLater
                }
                (_, Some(end)) if end < asked.last.saturating_sub(SLACK_NS) => Ending::EndedEarlier,
                (_, Some(end)) if end > next.saturating_add(SLACK_NS) => Ending::EndedLater,
                (Some(_), Some(_)) if goes_on => Ending::Fits,
                (Some(_), Some(_)) => Ending::FitsUnseen,
                _ => Ending::Unknown,
            };
            Life {
                finding,
                started,
                finished,
                ending,
            }
        })
        .collect();
    lives.sort_by_key(|life| (life.container(), life.finding.id.clone()));
    lives
}

/// When the next window after the last login begins.
pub(super) fn next_window(asked: &Asked<'_>) -> Option<i64> {
    let window = asked.about.get("periodic-window")?.first()?;
    let zone: Tz = text(window, "timezone")?.parse().ok()?;
    let clock = |fact| NaiveTime::parse_from_str(text(window, fact)?, "%H:%M").ok();
    let start = clock("window_start")?;
    let last = Timestamp(asked.last).to_utc().with_timezone(&zone);
    // The last login lies in its window, so that the next start is the first one behind it.
    let today = last.date_naive().and_time(start);
    let next = if today > last.naive_local() {
        today
    } else {
        today + TimeDelta::days(1)
    };
    let next = zone.from_local_datetime(&next).earliest()?;
    next.timestamp_nanos_opt()
}
