//! One sign of tampering, and what several together weigh.

use coldcase_model::{EvidenceRecord, Severity};
use serde_json::Value;

/// Two signs on a host within this time are one deed.
pub(super) const SAME_DEED_NS: i64 = 24 * 3600 * 1_000_000_000;

/// What showed it. Signs of different sorts are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Command,
    LoggingStopped,
    Link,
    Zeroed,
    ChangedBefore,
    Serials,
    Silence,
    StepBack,
}

impl Sort {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Command => "clearing-command",
            Self::LoggingStopped => "logging-stopped",
            Self::Link => "linked-to-null",
            Self::Zeroed => "zeroed-records",
            Self::ChangedBefore => "changed-before-content",
            Self::Serials => "missing-serials",
            Self::Silence => "silence",
            Self::StepBack => "step-back",
        }
    }

    pub(super) fn attack(self) -> &'static [&'static str] {
        match self {
            Self::Command | Self::Link => &["T1070.002", "T1070.003"],
            Self::LoggingStopped => &["T1562.001", "T1562.012"],
            Self::ChangedBefore => &["T1070.006"],
            Self::Zeroed | Self::Serials | Self::Silence | Self::StepBack => &["T1070.002"],
        }
    }
}

/// One sign.
#[derive(Debug, Clone)]
pub(super) struct Sign {
    pub sort: Sort,
    /// Of the same sort about the same log, from 0.
    pub number: usize,
    /// From the contract.
    pub kind: &'static str,
    /// Empty where unknown.
    pub host: String,
    /// Its path.
    pub log: String,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub severity: Severity,
    pub confidence: f64,
    pub title: String,
    pub text: String,
    pub facts: Vec<(&'static str, Value)>,
    pub records: Vec<EvidenceRecord>,
}

/// Raises signs that bear each other out; says so in their text.
pub(super) fn weigh(signs: &mut [Sign]) {
    let borne_out: Vec<Option<String>> = signs
        .iter()
        .map(|one| {
            let others = signs.iter().filter(|other| bears_out(one, other));
            others.map(|other| other.title.clone()).min()
        })
        .collect();
    for (sign, other) in signs.iter_mut().zip(borne_out) {
        if let Some(other) = other {
            sign.severity = Severity::High;
            sign.confidence = sign.confidence.max(0.9);
            sign.text
                .push_str(&format!(" It does not stand alone: {other}."));
        }
    }
}

fn bears_out(one: &Sign, other: &Sign) -> bool {
    let least = one.severity.min(other.severity);
    let most = one.severity.max(other.severity);
    if one.sort == other.sort || one.host != other.host || least < Severity::Low {
        return false;
    }
    if most < Severity::Medium {
        return false;
    }
    let same_log = log_name(&one.log) == log_name(&other.log);
    let at = |sign: &Sign| sign.first.zip(sign.last);
    let near = at(one).zip(at(other)).is_some_and(|(one, other)| {
        one.0 <= other.1.saturating_add(SAME_DEED_NS)
            && other.0 <= one.1.saturating_add(SAME_DEED_NS)
    });
    same_log || (near && least >= Severity::Medium)
}

/// What a log is called wherever it lies: `db-07/secure-20230402` and `/var/log/secure` are the same.
fn log_name(path: &str) -> &str {
    let base = super::logs::series_of(path);
    base.rsplit('/').next().unwrap_or(base)
}

/// A row as a record of evidence; its text is filled in later.
pub(super) fn place(file: &str, by_line: bool, place: u64, ts: Option<i64>) -> EvidenceRecord {
    EvidenceRecord {
        file: file.to_owned(),
        line: by_line.then_some(place),
        offset: (!by_line).then_some(place),
        ts: ts.map(coldcase_model::Timestamp),
        text: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(sort: Sort, log: &str, severity: Severity, at: Option<i64>) -> Sign {
        Sign {
            sort,
            number: 0,
            kind: "cleared",
            host: "db-1".into(),
            log: log.into(),
            first: at,
            last: at,
            severity,
            confidence: 0.5,
            title: format!("{sort:?}"),
            text: String::new(),
            facts: Vec::new(),
            records: Vec::new(),
        }
    }

    #[test]
    fn two_sorts_bear_each_other_out_and_one_alone_does_not() {
        use Severity::{High, Info, Low, Medium};
        let day = SAME_DEED_NS;
        let rows = [
            // Same log under two paths.
            (
                (Sort::Command, "/var/log/secure", Medium, None),
                (Sort::Silence, "db-1/secure-20230402", Low, Some(5)),
                [High, High],
            ),
            // Twice the same sort.
            (
                (Sort::Command, "/var/log/wtmp", Medium, Some(0)),
                (Sort::Command, "/var/log/btmp", Medium, Some(5)),
                [Medium, Medium],
            ),
            // Two logs within a day.
            (
                (Sort::Zeroed, "db-1/wtmp", Medium, Some(0)),
                (Sort::Serials, "db-1/audit.log", Medium, Some(day)),
                [High, High],
            ),
            // Two logs, too far apart, or one is weak.
            (
                (Sort::Zeroed, "db-1/wtmp", Medium, Some(0)),
                (Sort::Serials, "db-1/audit.log", Medium, Some(day + 1)),
                [Medium, Medium],
            ),
            (
                (Sort::Zeroed, "db-1/wtmp", Medium, Some(0)),
                (Sort::Silence, "db-1/secure", Low, Some(5)),
                [Medium, Low],
            ),
            // Two weak ones about one log; one that says nothing.
            (
                (Sort::StepBack, "db-1/secure", Low, Some(0)),
                (Sort::Silence, "db-1/secure", Low, Some(5)),
                [Low, Low],
            ),
            (
                (Sort::Command, "/var/log/secure", Medium, Some(0)),
                (Sort::Silence, "db-1/secure", Info, Some(5)),
                [Medium, Info],
            ),
        ];
        for ((a, b, c, d), (e, f, g, h), expected) in rows {
            let mut signs = [sign(a, b, c, d), sign(e, f, g, h)];
            weigh(&mut signs);
            let got = [signs[0].severity, signs[1].severity];
            assert_eq!(got, expected, "{a:?} {b} and {e:?} {f}");
        }
    }

    #[test]
    fn other_hosts_do_not_count() {
        let mut other = sign(Sort::Serials, "db-2/audit.log", Severity::Medium, Some(0));
        other.host = "db-2".into();
        let mut signs = [
            sign(Sort::Zeroed, "db-1/wtmp", Severity::Medium, Some(0)),
            other,
        ];
        weigh(&mut signs);
        assert!(signs.iter().all(|sign| sign.severity == Severity::Medium));
    }
}
