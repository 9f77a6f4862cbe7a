//! What explains a hole or a step in a log: the host went down or came up, its clock was set, a log daemon stopped, the
//! kernel lost audit events.

use std::collections::BTreeMap;

use coldcase_model::action;
use coldcase_timeline::{Selection, TextSign, Timeline, TimelineError};
use memchr::memmem;

use super::holds;

/// How exact the meeting of two records is asked to be.
const NEAR_NS: i64 = 3600 * 1_000_000_000;

/// Moments by host, sorted.
type Moments = BTreeMap<String, Vec<i64>>;

/// What explains.
#[derive(Debug, Default)]
pub(super) struct Explained {
    /// Boots and shutdowns.
    power: Moments,
    /// The clock was set.
    clock: Moments,
    /// A log daemon says that it stopped.
    stopped: Moments,
    /// The audit daemon started, ended, failed.
    auditd: Moments,
    /// The kernel says that audit events were lost.
    lost: Moments,
}

/// Whether the kernel says that audit events were lost, or waited in a queue that was full.
fn says_lost(message: &str) -> bool {
    let mut found = memmem::find_iter(message.as_bytes(), b"audit");
    found.any(|at| {
        let rest = message.get(at + "audit".len()..).unwrap_or_default();
        if let Some(count) = rest.strip_prefix("_lost=") {
            return count.starts_with(|sign: char| matches!(sign, '1'..='9'));
        }
        let limit = rest.strip_prefix(':').unwrap_or(rest);
        rest.starts_with("_backlog=")
            || limit.starts_with(" backlog limit exceeded")
            || limit.starts_with(" rate limit exceeded")
    })
}

impl Explained {
    pub(super) fn load(timeline: &Timeline) -> Result<Self, TimelineError> {
        let host = &["host"];
        let power = timeline.select(&[action::BOOT, action::SHUTDOWN], host)?;
        let clock = timeline.select(&[action::CLOCK_CHANGED], host)?;
        let wanted = ["host", "attributes"];
        let has_stopped =
            |said: &str| memmem::find(said.as_bytes(), br#""logging":"stopped""#).is_some();
        let stopping: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["attributes"], &has_stopped)]];
        let stopped = timeline.select_texts(&[action::LOG], &wanted, &stopping)?;
        let auditd = timeline.select_where(&[action::AUDIT_CONFIG], &wanted, |rows| {
            rows.filter(holds(
                "attributes",
                r#""type":"DAEMON_(START|END|ABORT|ERR|RESUME)"#,
            ))
        })?;
        let wanted = ["host", "message"];
        let losing: [&[TextSign<'_>]; 1] = [&[TextSign::of_all(&["message"], &says_lost)]];
        let lost = timeline.select_texts(&[action::LOG, action::AUDIT], &wanted, &losing)?;
        Ok(Self {
            power: moments(&power),
            clock: moments(&clock),
            stopped: moments(&stopped),
            auditd: moments(&auditd),
            lost: moments(&lost),
        })
    }

    /// Whether the host went down or came up in this time.
    pub(super) fn was_down(&self, host: &str, first: i64, last: i64) -> bool {
        within(&self.power, host, first, last, NEAR_NS)
    }

    /// Whether the clock was set, or the host came up, around one of two moments.
    pub(super) fn clock_set(&self, host: &str, one: i64, other: i64) -> bool {
        [one, other]
            .iter()
            .any(|at| within(&self.clock, host, *at, *at, NEAR_NS))
    }

    /// Likewise of a start of the host: its clock may be off until it is set.
    pub(super) fn came_up(&self, host: &str, one: i64, other: i64) -> bool {
        [one, other]
            .iter()
            .any(|at| within(&self.power, host, *at, *at, NEAR_NS))
    }

    /// Whether a log daemon says that it stopped at this moment.
    pub(super) fn daemon_stopped(&self, host: &str, at: i64) -> bool {
        within(&self.stopped, host, at, at, NEAR_NS / 6)
    }

    /// Whether the audit daemon was started or stopped in this time.
    pub(super) fn auditd_changed(&self, host: &str, first: i64, last: i64) -> bool {
        within(&self.auditd, host, first, last, 5_000_000_000)
    }

    /// Whether the kernel says that it lost audit events in this time.
    pub(super) fn audit_lost(&self, host: &str, first: i64, last: i64) -> bool {
        within(&self.lost, host, first, last, NEAR_NS / 60)
    }
}

fn moments(rows: &Selection) -> Moments {
    let (hosts, times) = (rows.texts("host"), rows.longs("ts_ns"));
    let mut moments = Moments::new();
    for (host, ts) in hosts.iter().zip(times) {
        if let Some(ts) = ts {
            let of_host = moments.entry(host.unwrap_or_default().to_owned());
            of_host.or_default().push(ts);
        }
    }
    for times in moments.values_mut() {
        times.sort_unstable();
    }
    moments
}

fn within(moments: &Moments, host: &str, first: i64, last: i64, slack: i64) -> bool {
    let Some(times) = moments.get(host) else {
        return false;
    };
    let from = times.partition_point(|ts| *ts < first.saturating_sub(slack));
    times
        .get(from)
        .is_some_and(|ts| *ts <= last.saturating_add(slack))
}
