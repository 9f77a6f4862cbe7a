//! Processors that are busier than all processes to be seen.

use std::collections::{BTreeMap, BTreeSet};

use coldcase_model::action;
use coldcase_timeline::{Timeline, TimelineError};
use serde_json::Value;

use super::Hidden;
use crate::evidence::record;
use crate::mining::base_name;
use crate::processes::attributes;

/// Use that no process explains, in percent of one processor: a whole one. Short-lived commands stay below.
const LEAST_UNEXPLAINED: f64 = 100.0;
/// Share of all use that must be unexplained: rounding and what ended meanwhile stay below.
const LEAST_SHARE: f64 = 0.5;

/// What one run of top shows.
#[derive(Default)]
struct Round {
    busy: Option<f64>,
    load: Option<f64>,
    visible: f64,
    processes: BTreeSet<i64>,
    /// Processors, as the names of the kernel's threads count them.
    processors: usize,
    row: Option<usize>,
}

/// Runs of top whose sum of all processors is far above the sum of its processes, while the load agrees with the sum of the processors.
pub(super) fn find(timeline: &Timeline) -> Result<Vec<Hidden>, TimelineError> {
    let actions = [action::HOST_LISTED, action::PROCESS_LISTED];
    let rows = timeline.select(
        &actions,
        &["host", "format", "pid", "command", "attributes"],
    )?;
    let mut rounds: BTreeMap<(Option<&str>, &str, Option<i64>), Round> = BTreeMap::new();
    for row in 0..rows.rows() {
        if rows.text("format", row) != Some("top") {
            continue;
        }
        let key = (
            rows.text("host", row),
            rows.text("file", row).unwrap_or_default(),
            rows.long("ts_ns", row),
        );
        let round = rounds.entry(key).or_default();
        let json = attributes(&rows, row);
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        if let Some(busy) = number("cpu_busy_percent") {
            (round.busy, round.row) = (Some(busy), Some(row));
        }
        let load = json.get("load").and_then(|load| load.get(0)?.as_str());
        let load = load.and_then(|text| text.replace(',', ".").parse().ok());
        round.load = round.load.or(load);
        if let Some(pid) = rows.long("pid", row) {
            round.visible += number("cpu_percent").unwrap_or(0.0);
            round.processes.insert(pid);
            let thread = rows.text("command", row).map(base_name).unwrap_or_default();
            let of_processor = rows
                .text("command", row)
                .is_some_and(|name| name.contains("ksoftirqd/"));
            let number = thread.trim_end_matches(']').parse::<usize>().ok();
            if let Some(number) = number.filter(|number| of_processor && *number < 4096) {
                round.processors = round.processors.max(number + 1);
            }
        }
    }
    let mut found = Vec::new();
    for ((host, file, _), round) in rounds {
        let (Some(busy), Some(load), Some(row)) = (round.busy, round.load, round.row) else {
            continue;
        };
        let Some(used) = unexplained(busy, round.processors, round.visible, load) else {
            continue;
        };
        // A table that begins with kthreadd or init is whole; one that was cut may lack what is busy.
        if !round.processes.contains(&1) {
            continue;
        }
        let mut hidden = Hidden::new(host, &format!("processors {file}"));
        hidden.add("hidden-cpu", 0);
        hidden.records.push(record(&rows, row));
        hidden.compared = format!(
            "top shows its processors {busy:.1} % busy and a load of {load:.2}, but all its processes together use {:.0} % of one processor: about \
             {used:.0} % are used by what it doesn't show.",
            round.visible
        );
        found.push(hidden);
    }
    Ok(found)
}

/// Use in percent of one processor that nothing explains, where it is enough to be told. Without threads of the kernel to count
/// processors by there is at least one.
fn unexplained(busy: f64, processors: usize, visible: f64, load: f64) -> Option<f64> {
    let used = busy * processors.max(1) as f64;
    let unexplained = used - visible;
    let least = if processors == 0 {
        LEAST_UNEXPLAINED / 2.0
    } else {
        LEAST_UNEXPLAINED
    };
    // The first round's sum is since boot: the load says that it is so now.
    let now = load * 100.0 - visible >= least;
    (unexplained >= least && unexplained >= LEAST_SHARE * used && now).then_some(unexplained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_explain_is_not_hidden() {
        let check = |busy, processors, visible, load, expected: Option<f64>| {
            assert_eq!(unexplained(busy, processors, visible, load), expected);
        };
        check(92.5, 8, 696.0, 9.8, None);
        check(99.0, 4, 12.0, 4.1, Some(384.0));
        // Busy since boot, idle now.
        check(99.0, 4, 12.0, 0.2, None);
        // Waiting for disks raises the load, not the use.
        check(3.0, 8, 12.0, 40.0, None);
        check(98.0, 0, 3.0, 1.1, Some(95.0));
        check(60.0, 4, 150.0, 4.0, None);
    }
}
