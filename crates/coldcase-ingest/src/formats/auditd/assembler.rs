//! Records to events. Records of one event share node, time and serial; they may be interleaved with other
//! events' and out of order. An event is complete at its EOE record, or when a record 2 s newer is seen
//! (what `ausearch` waits: auditd.conf's `end_of_event_timeout`) and 16 newer events are open, or when 256
//! are.

use std::collections::VecDeque;

use super::kind::Kind;
use super::pending::{Key, Part, Pending};
use super::record::{Record, Stamp, StampZone};

/// How much newer a record must be for an open event to be complete, in nanoseconds.
pub const WINDOW_NS: i64 = 2_000_000_000;

/// How many newer events must be open as well: on a quiet host the next event may come minutes later, and
/// a forwarded record after it.
pub const MIN_OPEN: usize = 16;

/// Most events open at a time. The kernel writes an event's records in one go, so that as many can be
/// interleaved as the machine has processors.
pub const MAX_OPEN: usize = 256;

/// How many complete events are remembered, to tell late records from new events.
const REMEMBERED: usize = 1024;

/// Receives complete events.
pub trait Complete {
    /// An event of several records.
    fn event(&mut self, event: &Pending);

    /// A record that is an event of its own.
    fn single(&mut self, part: Part<'_>, stamp: Stamp, node: &[u8], line: u64);
}

/// Events at an artifact's edges, which may go on in the file before or after.
#[derive(Debug, Default)]
pub struct Edges {
    /// Time of the first record.
    pub first_ns: Option<i64>,
    /// Newest time of a record.
    pub last_ns: i64,
    /// Complete events that may have begun in the file before.
    pub head: Vec<Pending>,
    /// Events still open at the end.
    pub tail: Vec<Pending>,
}

/// Open events of one artifact.
#[derive(Debug, Default)]
pub struct Assembler {
    open: VecDeque<Pending>,
    spare: Vec<Pending>,
    emitted: VecDeque<Key>,
    newest_emitted: u64,
    newest_serial: u64,
    opened: usize,
    edges: Edges,
    made_up: u64,
    /// Records that came after their event was complete.
    pub late: u64,
}

impl Assembler {
    /// Takes the next record. `false`: its event holds as much as it may, the record is dropped.
    pub fn take(&mut self, record: &Record<'_>, line: u64, out: &mut impl Complete) -> bool {
        let at_ns = record.stamp.at_ns;
        self.edges.last_ns = match self.edges.first_ns {
            Some(_) => self.edges.last_ns.max(at_ns),
            None => at_ns,
        };
        let first_ns = *self.edges.first_ns.get_or_insert(at_ns);
        self.close_older(record, out);
        if record.kind.is_single() {
            out.single(Part::of_record(record), record.stamp, record.node, line);
            return true;
        }
        let key = match record.stamp.serial {
            Some(serial) => Key { serial, at_ns },
            None => self.made_up_key(record),
        };
        let near_start = at_ns.saturating_sub(first_ns) < WINDOW_NS;
        let at = match self.find(key, record.node) {
            Some(at) => at,
            // The end of an event that is not open says nothing, unless it began in the file before.
            None if record.kind == Kind::EOE && !near_start => return true,
            None => self.open(key, record, line, near_start, out),
        };
        let Some(event) = self.open.get_mut(at) else {
            return false;
        };
        self.late += u64::from(event.late);
        if record.kind == Kind::EOE {
            event.ended = true;
            self.close(at, out);
            return true;
        }
        event.add(record)
    }

    /// What is open at the artifact's end.
    pub fn finish(mut self) -> Edges {
        self.edges.tail = self.open.into();
        self.edges
    }

    fn close_older(&mut self, record: &Record<'_>, out: &mut impl Complete) {
        while let Some(oldest) = self.open.front() {
            let age = record.stamp.at_ns.saturating_sub(oldest.key.at_ns);
            let is_older = age >= WINDOW_NS && oldest.node == record.node;
            if !is_older || self.open.len() <= MIN_OPEN {
                return;
            }
            self.close(0, out);
        }
    }

    fn find(&self, key: Key, node: &[u8]) -> Option<usize> {
        if key.serial > self.newest_serial {
            return None;
        }
        self.open
            .iter()
            .rposition(|event| event.key == key && event.node == node)
    }

    fn open(
        &mut self,
        key: Key,
        record: &Record<'_>,
        line: u64,
        near_start: bool,
        out: &mut impl Complete,
    ) -> usize {
        let mut event = self.spare.pop().unwrap_or_else(Pending::new);
        event.open(key, record, line);
        event.late = key.serial <= self.newest_emitted && self.emitted.contains(&key);
        event.at_head = !event.late && near_start && self.opened < MAX_OPEN;
        self.opened += 1;
        self.newest_serial = self.newest_serial.max(key.serial);
        if self.open.len() >= MAX_OPEN {
            self.close(0, out);
        }
        self.open.push_back(event);
        self.open.len() - 1
    }

    fn close(&mut self, at: usize, out: &mut impl Complete) {
        let Some(event) = self.open.remove(at) else {
            return;
        };
        if self.emitted.len() >= REMEMBERED {
            self.emitted.pop_front();
        }
        self.emitted.push_back(event.key);
        self.newest_emitted = self.newest_emitted.max(event.key.serial);
        if event.at_head {
            self.edges.head.push(event);
            return;
        }
        out.event(&event);
        self.spare.push(event);
    }

    /// Journal text leaves the serial out: a record that only continues belongs to the event before it.
    fn made_up_key(&mut self, record: &Record<'_>) -> Key {
        let previous = self.open.back().filter(|event| {
            let same = event.stamp.serial.is_none() && event.node == record.node;
            let soon = record.stamp.at_ns.saturating_sub(event.key.at_ns).abs() <= WINDOW_NS / 2;
            let begins = record.kind == Kind::SYSCALL
                && !event.holds(Kind::SYSCALL)
                && !event.holds(Kind::PROCTITLE);
            same && soon && (record.kind.is_auxiliary() || begins)
        });
        if let Some(event) = previous {
            return event.key;
        }
        self.made_up += 1;
        Key {
            serial: self.made_up,
            at_ns: record.stamp.at_ns,
        }
    }
}

/// Joins the edges of a series, given with the number of their artifact and in order of time: calls `emit`
/// with each event and the artifact in which it begins.
pub fn join(parts: Vec<Edges>, mut emit: impl FnMut(usize, &Pending)) {
    let mut carried: Vec<(usize, Pending)> = Vec::new();
    for (number, edges) in parts.into_iter().enumerate() {
        for event in edges.head {
            match continues(&mut carried, &event) {
                Some(earlier) => drop(earlier.append(&event)),
                None => emit(number, &event),
            }
        }
        let mut fresh = Vec::new();
        for event in edges.tail {
            match continues(&mut carried, &event).filter(|_| event.at_head) {
                Some(earlier) => drop(earlier.append(&event)),
                None => fresh.push((number, event)),
            }
        }
        carried.retain(|(begun, event)| {
            let still_open = edges.last_ns.saturating_sub(event.key.at_ns) < WINDOW_NS;
            if !still_open || event.ended {
                emit(*begun, event);
            }
            still_open && !event.ended
        });
        carried.append(&mut fresh);
    }
    for (number, event) in &carried {
        emit(*number, event);
    }
}

fn continues<'c>(carried: &'c mut [(usize, Pending)], event: &Pending) -> Option<&'c mut Pending> {
    if event.stamp.serial.is_none() || event.stamp.zone == StampZone::Yearless {
        return None;
    }
    carried
        .iter_mut()
        .map(|(_, open)| open)
        .find(|open| open.key == event.key && open.node == event.node && !open.ended)
}
