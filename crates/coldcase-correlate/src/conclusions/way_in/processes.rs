//! What lists of processes say beside the findings: when a process began, and what is busy without being a miner.

use std::collections::BTreeMap;

use coldcase_model::{Timestamp, action};
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

/// Use of processors, in per cent of one, that a reader of `top` would ask about.
const BUSY_PERCENT: f64 = 80.0;
const SECOND_NS: i64 = 1_000_000_000;

/// Processes by host and pid.
pub(super) struct Listed {
    began: BTreeMap<(String, i64), (i64, i64)>,
    /// Busy ones: `comm[pid]` and use.
    busy: BTreeMap<(String, i64), (String, f64)>,
}

impl Listed {
    pub fn of(timeline: &Timeline) -> Result<Self, TimelineError> {
        let rows = timeline.select(
            &[action::PROCESS_LISTED],
            &["host", "pid", "exe", "command", "attributes"],
        )?;
        let mut listed = Self {
            began: BTreeMap::new(),
            busy: BTreeMap::new(),
        };
        for row in 0..rows.rows() {
            let Some(pid) = rows.long("pid", row) else {
                continue;
            };
            let key = (rows.text("host", row).unwrap_or_default().to_owned(), pid);
            let told: Value = serde_json::from_str(rows.text("attributes", row).unwrap_or("{}"))
                .unwrap_or(Value::Null);
            let word = |name: &str| told.get(name).and_then(Value::as_str);
            if let Some(at) = word("started")
                .and_then(Timestamp::parse_rfc3339)
                .map(Timestamp::nanos)
            {
                let span = match word("started_precision") {
                    Some("min") => 60 * SECOND_NS,
                    Some("day") => 86_400 * SECOND_NS,
                    Some("year") => 366 * 86_400 * SECOND_NS,
                    _ => SECOND_NS,
                };
                let told = (at, at.saturating_add(span));
                let known = listed.began.entry(key.clone()).or_insert(told);
                if told.1 - told.0 < known.1 - known.0 {
                    *known = told;
                }
            }
            let cpu = told
                .get("cpu_percent")
                .and_then(Value::as_f64)
                .filter(|cpu| *cpu >= BUSY_PERCENT);
            if let Some(cpu) = cpu {
                let command = rows.text("command", row).unwrap_or_default();
                let first = command.split_whitespace().next().unwrap_or_default();
                let name = word("comm").unwrap_or(first.rsplit('/').next().unwrap_or(first));
                let known = listed
                    .busy
                    .entry(key)
                    .or_insert_with(|| (format!("{name}[{pid}]"), cpu));
                known.1 = known.1.max(cpu);
            }
        }
        Ok(listed)
    }

    /// When a process began: earliest and latest.
    pub fn began(&self, host: Option<&str>, pid: i64) -> Option<(i64, i64)> {
        self.began
            .get(&(host.unwrap_or_default().to_owned(), pid))
            .copied()
    }

    /// Busy processes of a host: `comm[pid]`, pid and use.
    pub fn busy(&self, host: Option<&str>) -> impl Iterator<Item = (&str, i64, f64)> {
        let host = host.unwrap_or_default().to_owned();
        self.busy
            .iter()
            .filter(move |((known, _), _)| *known == host)
            .map(|((_, pid), (name, cpu))| (name.as_str(), *pid, *cpu))
    }
}
