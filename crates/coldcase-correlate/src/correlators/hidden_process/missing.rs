//! Processes that other listings show and `ps` doesn't.

use std::collections::{BTreeMap, BTreeSet};

use super::Hidden;
use crate::indicators::Indicators;
use crate::mining::{is_pool_port, program_of};
use crate::processes::{Process, Processes, Space, disguises};

/// Numbers up to so far behind that of `ps` began after it: a collection runs hundreds of commands, not thousands.
const LATER_PIDS: i64 = 5_000;
/// Share of what other listings show that a table must have, in percent, to be compared with: a rootkit hides few.
const COMPLETE_PERCENT: usize = 80;
/// Share of one listing's pids that must be in the table: otherwise it was made elsewhere (a container, another time).
const SAME_PLACE_PERCENT: usize = 60;
/// Listings show at least so many processes in common before one that is missing says anything.
const LEAST_COMMON: usize = 4;

/// A table of processes that is complete as far as can be told.
struct Table {
    format: &'static str,
    pids: BTreeSet<i64>,
    /// The number of the tool itself, or the highest shown.
    newest: i64,
}

impl Table {
    fn of(all: &BTreeMap<i64, Process>) -> Option<Self> {
        let of_format = |format: &'static str| {
            let shown = |one: &&Process| one.shown_by.iter().any(|(known, _)| known == format);
            let pids: BTreeSet<i64> = all.values().filter(shown).map(|one| one.pid).collect();
            let own = all
                .values()
                .filter(shown)
                .filter(|one| one.command.as_deref().map_or(one.name(), program_of) == format);
            let newest = own.map(|one| one.pid).max().or(pids.last().copied())?;
            pids.contains(&1).then_some(Self {
                format,
                pids,
                newest,
            })
        };
        of_format("ps").or_else(|| of_format("top"))
    }

    /// Whether a number was given out after the table was made.
    fn is_later(&self, pid: i64) -> bool {
        let behind = pid - self.newest;
        behind > 0 && (behind <= LATER_PIDS || self.pids.last().is_none_or(|last| *last <= pid))
    }
}

/// Numbers that a listing of /proc may have more than the table for its order to prove anything: rootkits hide few; a listing made hours
/// later has many more, and numbers that were given out anew.
const MOST_HIDDEN: usize = 4;

/// Listings by format and file: which pids they show.
type Listings<'a> = BTreeMap<&'a (String, String), BTreeSet<i64>>;

/// Processes of all hosts that a complete table lacks.
pub(super) fn find(processes: &Processes, known: &Indicators) -> Vec<Hidden> {
    let mut found = Vec::new();
    for (space, all) in &processes.all {
        let Some(table) = Table::of(all) else {
            continue;
        };
        let listings = comparable(all, &table);
        let shown: BTreeSet<i64> = listings.values().flatten().copied().collect();
        let shown: BTreeSet<i64> = shown
            .into_iter()
            .filter(|pid| !table.is_later(*pid))
            .collect();
        let common = shown.intersection(&table.pids).count();
        if common < LEAST_COMMON || common * 100 < shown.len() * COMPLETE_PERCENT {
            continue;
        }
        for pid in shown.difference(&table.pids) {
            if let Some(process) = all.get(pid) {
                found.extend(hidden(processes, space, process, &table, &listings, known));
            }
        }
    }
    found
}

/// Listings other than the table's that were made at the same place.
fn comparable<'a>(all: &'a BTreeMap<i64, Process>, table: &Table) -> Listings<'a> {
    let mut listings: Listings<'a> = BTreeMap::new();
    for process in all.values() {
        for listing in &process.shown_by {
            if listing.0 != table.format {
                listings.entry(listing).or_default().insert(process.pid);
            }
        }
    }
    listings.retain(|_, pids| {
        let earlier = pids.iter().filter(|pid| !table.is_later(**pid)).count();
        let common = pids.intersection(&table.pids).count();
        common * 100 >= earlier * SAME_PLACE_PERCENT
    });
    listings
}

fn hidden(
    processes: &Processes,
    space: &Space,
    process: &Process,
    table: &Table,
    listings: &Listings<'_>,
    known: &Indicators,
) -> Option<Hidden> {
    let showing: Vec<_> = listings
        .iter()
        .filter(|(_, pids)| pids.contains(&process.pid))
        .collect();
    let formats: BTreeSet<&str> = showing
        .iter()
        .map(|((format, _), _)| format.as_str())
        .collect();
    let files: BTreeSet<&str> = showing.iter().map(|((_, file), _)| file.as_str()).collect();
    let made_after = |pids: &BTreeSet<i64>| {
        let next = pids.range(table.newest + 1..=table.newest.saturating_add(LATER_PIDS));
        let more = pids
            .difference(&table.pids)
            .filter(|pid| !table.is_later(**pid));
        next.count() > 0 && more.count() <= MOST_HIDDEN
    };
    let proven = showing
        .iter()
        .any(|((format, _), pids)| format == "proc-listing" && made_after(pids));
    let told = !process.sockets.is_empty() || process.exe.is_some() || files.len() > 1;
    if !told && !proven {
        return None;
    }
    let mut hidden = Hidden::process(space, process, &disguises(process));
    hidden.add("missing-in-ps", 0);
    hidden.points += if proven { 2 } else { 0 };
    hidden.points += u32::from(formats.len() > 1);
    let sockets: Vec<_> = processes.sockets_of(process).collect();
    hidden.take_peer(&sockets, processes, known);
    let to_pool = |port: Option<u16>| port.is_some_and(is_pool_port);
    if sockets
        .iter()
        .any(|one| one.is_outward() && to_pool(one.dst_port) && processes.is_opened(one))
    {
        hidden.add("pool-port", 1);
    }
    hidden.rows = processes.rows_of(process);
    let files: Vec<&str> = files.into_iter().collect();
    let order = if proven {
        " A listing of /proc that was made after it still has it, and its number is lower than that of the tool itself: it was there all the while."
    } else {
        ""
    };
    hidden.compared = format!(
        "Process {} is in {}, but {} of the same collection, which shows {} processes, lacks it.{order}",
        process.pid,
        files.join(", "),
        table.format,
        table.pids.len()
    );
    Some(hidden)
}
