//! The audit log's own word that somebody switched auditing off.

use coldcase_model::{Severity, action};
use coldcase_timeline::{Timeline, TimelineError};

use super::explained::Explained;
use super::holds;
use super::signs::{Sign, Sort};
use crate::evidence::record;

/// `CONFIG_CHANGE ... op=set audit_enabled=0 old=1`.
const SWITCHED_OFF: &str = r#""audit_enabled":"?0"?[,}]"#;
const WAS_ON: &str = r#""old":"?[12]"?[,}]"#;
/// By somebody who had logged in: the daemon itself does so when a host goes down.
const BY_SOMEBODY: &str = r#""auid":"?[0-9A-Za-z]"#;
const NOBODY: &str = r#""auid":"?(4294967295|-1|unset)"#;
/// Most records of evidence.
const MOST_RECORDS: usize = 20;

/// One sign a host and log.
pub(super) fn signs(
    timeline: &Timeline,
    explained: &Explained,
) -> Result<Vec<Sign>, TimelineError> {
    let columns = ["host", "user", "attributes", "message"];
    let rows = timeline.select_where(&[action::AUDIT_CONFIG], &columns, |rows| {
        let off = holds("attributes", SWITCHED_OFF).and(holds("attributes", WAS_ON));
        let by_somebody = holds("attributes", BY_SOMEBODY).and(holds("attributes", NOBODY).not());
        rows.filter(off.and(by_somebody))
    })?;
    let mut files = std::collections::BTreeMap::<(&str, &str), Vec<usize>>::new();
    for row in 0..rows.rows() {
        let host = rows.text("host", row).unwrap_or_default();
        let file = rows.text("file", row).unwrap_or_default();
        let ts = rows.long("ts_ns", row).unwrap_or(0);
        if !explained.auditd_changed(host, ts, ts) {
            files.entry((host, file)).or_default().push(row);
        }
    }
    let signs = files.into_iter().map(|((host, file), of_log)| {
        let times = of_log.iter().filter_map(|row| rows.long("ts_ns", *row));
        let shown = of_log.iter().take(MOST_RECORDS);
        Sign {
            sort: Sort::LoggingStopped,
            number: 0,
            kind: "gap",
            host: host.to_owned(),
            log: file.to_owned(),
            first: times.clone().min(),
            last: times.max(),
            severity: Severity::Medium,
            confidence: 0.9,
            title: format!("auditing was switched off, says {file}"),
            text: "Somebody who had logged in set audit_enabled to 0 while the daemon ran: what was done until it was set to 1 again is \
                   not in this log. The record names the login (auid): look at what it did before, and at other logs for what \
                   it did after."
                .to_owned(),
            facts: Vec::new(),
            records: shown.map(|row| record(&rows, *row)).collect(),
        }
    });
    Ok(signs.collect())
}
