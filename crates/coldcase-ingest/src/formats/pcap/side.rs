//! One end of connection attempts: the sums of a source, or of a destination.

use super::address::{Addr, Map, Origin};
use super::flow::{Flow, Status};
use super::tally::{PortSet, Seconds, Tally};

/// Attempts of one side that are kept singly before they are added up.
const FEW: u32 = 24;

/// One attempt, seen from one of its ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    pub(super) peer: Addr,
    pub(super) second: i64,
    pub(super) port: u16,
    pub(super) source_port: u16,
}

/// Attempts added up by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Attempts by the other end.
    pub(super) peers: Tally,
    /// Attempts by destination port.
    pub(super) ports: Map<u16, u32>,
    /// Ports they came from, of a source.
    pub(super) source_ports: PortSet,
    /// Attempts by second.
    pub(super) seconds: Seconds,
}

impl Sums {
    fn add(&mut self, attempt: &Try) {
        self.peers.add(attempt.peer, 1);
        let ports = self.ports.entry(attempt.port).or_insert(0);
        *ports = ports.saturating_add(1);
        self.source_ports.add(attempt.source_port);
        self.seconds.add(attempt.second, 1);
    }

    fn merge(&mut self, other: &Self) {
        self.peers.merge(&other.peers);
        for (port, count) in &other.ports {
            let ports = self.ports.entry(*port).or_insert(0);
            *ports = ports.saturating_add(*count);
        }
        self.source_ports.merge(&other.source_ports);
        self.seconds.merge(&other.seconds);
    }
}

/// All attempts of one source, or on one destination. Counts end at 4,294,967,295. What each attempt changes stands in
/// front, in one line of the processor's cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Side {
    /// Whose they are.
    pub(super) address: Addr,
    /// Different attempts.
    pub(super) attempts: u32,
    /// Answered ones.
    pub(super) completed: u32,
    /// Reset or unreachable ones.
    pub(super) refused: u32,
    /// Attempts of the file's beginning that are not answered and will be counted at the join.
    pub(super) unsettled: u32,
    /// Time and place of the first attempt, where there is one.
    first: (i64, Origin),
    /// Time of the last attempt.
    pub(super) last: i64,
    /// The last attempt kept singly.
    tail: u32,
    /// How many are kept singly; more than [`FEW`]: none, they are in the sums.
    few: u32,
    /// Of the refused ones those that ICMP reported as unreachable.
    pub(super) unreachable: u32,
    /// SYNs beyond the first of their attempt.
    pub(super) retransmitted: u32,
    /// Attempts that have a row of their own.
    pub(super) listed: u32,
    /// Most attempts that a side like this one may have lost before it was held.
    pub(super) missed: u32,
    sums: Option<Box<Sums>>,
}

/// Attempts kept singly, of all sides in one list: those of a side are linked, the newest first.
#[derive(Debug)]
pub(super) struct Tries {
    links: Vec<Link>,
    /// The first link that is free.
    free: u32,
}

#[derive(Debug)]
struct Link {
    attempt: Try,
    before: u32,
}

/// Ends a chain of links.
const NONE: u32 = u32::MAX;

impl Default for Tries {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            free: NONE,
        }
    }
}

impl Tries {
    /// Puts an attempt in front of a chain.
    fn put(&mut self, attempt: Try, before: u32) -> u32 {
        let link = Link { attempt, before };
        let number = self.free;
        if let Some(free) = self.links.get_mut(number as usize) {
            self.free = free.before;
            *free = link;
            return number;
        }
        self.links.push(link);
        u32::try_from(self.links.len() - 1).unwrap_or(NONE)
    }

    /// Takes a chain out, oldest first.
    fn take(&mut self, tail: u32) -> Vec<Try> {
        let mut attempts = Vec::new();
        let mut next = tail;
        while let Some(link) = self.links.get_mut(next as usize) {
            attempts.push(link.attempt);
            let taken = next;
            next = std::mem::replace(&mut link.before, self.free);
            self.free = taken;
        }
        attempts.reverse();
        attempts
    }
}

pub(super) fn more(count: &mut u32, by: u32) {
    *count = count.saturating_add(by);
}

impl Side {
    /// Without an attempt.
    pub(super) fn new(address: Addr, missed: u32) -> Self {
        Self {
            address,
            attempts: 0,
            completed: 0,
            refused: 0,
            unsettled: 0,
            first: (0, Origin::here(0)),
            last: 0,
            tail: NONE,
            few: 0,
            unreachable: 0,
            retransmitted: 0,
            listed: 0,
            missed,
            sums: None,
        }
    }

    /// Time and place of the first attempt.
    pub(super) fn first(&self) -> Option<(i64, Origin)> {
        (self.attempts > 0).then_some(self.first)
    }

    /// Gives the places the number of their file.
    pub(super) fn in_file(&mut self, file: u32) {
        self.first.1 = self.first.1.in_file(file);
    }

    pub(super) fn unanswered(&self) -> u32 {
        let settled = self.completed.saturating_add(self.refused);
        let open = self.attempts.saturating_sub(settled);
        open.saturating_add(self.unsettled)
    }

    pub(super) fn begin(&mut self, at: i64, origin: Origin, attempt: &Try, tries: &mut Tries) {
        self.add(attempt, tries);
        if self.attempts == 0 {
            self.last = at;
            self.first = (at, origin);
        } else {
            self.last = self.last.max(at);
            self.first = self.first.min((at, origin));
        }
        more(&mut self.attempts, 1);
    }

    /// The attempts kept singly, taken out.
    pub(super) fn take_singles(&mut self, tries: &mut Tries) -> Vec<Try> {
        if self.sums.is_none() {
            self.few = 0;
        }
        tries.take(std::mem::replace(&mut self.tail, NONE))
    }

    fn add(&mut self, attempt: &Try, tries: &mut Tries) {
        if self.few < FEW {
            self.tail = tries.put(*attempt, self.tail);
            self.few += 1;
        } else {
            self.gather(tries).add(attempt);
        }
    }

    /// The sums, made of the single attempts where there were few.
    pub(super) fn gather(&mut self, tries: &mut Tries) -> &mut Sums {
        if self.tail != NONE {
            let singles = self.take_singles(tries);
            let sums = self.sums.get_or_insert_default();
            singles.iter().for_each(|attempt| sums.add(attempt));
        }
        self.few = FEW + 1;
        self.sums.get_or_insert_default()
    }

    /// The sums; what is kept singly is not in them.
    pub(super) fn sums(&mut self) -> &mut Sums {
        self.sums.get_or_insert_default()
    }

    /// The sums where there are some.
    pub(super) fn made_sums(&mut self) -> Option<&mut Sums> {
        self.sums.as_deref_mut()
    }

    /// Brings the count of a peer into the processor's cache.
    pub(super) fn look(&self, peer: Addr) {
        if self.few > FEW
            && let Some(sums) = &self.sums
        {
            sums.peers.look(peer);
        }
    }

    /// Moves what is kept singly to another list.
    pub(super) fn move_singles(&mut self, from: &mut Tries, to: &mut Tries) {
        let singles = from.take(self.tail);
        self.tail = singles
            .into_iter()
            .fold(NONE, |tail, attempt| to.put(attempt, tail));
    }

    pub(super) fn change(&mut self, before: Status, flow: &Flow) {
        match before {
            Status::Refused => self.refused = self.refused.saturating_sub(1),
            Status::Answered => self.completed = self.completed.saturating_sub(1),
            Status::Open | Status::Midstream => {}
        }
        match flow.status() {
            Status::Refused => {
                more(&mut self.refused, 1);
                more(&mut self.unreachable, u32::from(flow.is_unreachable()));
            }
            Status::Answered => more(&mut self.completed, 1),
            Status::Open | Status::Midstream => {}
        }
    }

    /// Adds a side of another file, whose single attempts stand in a list of their own.
    pub(super) fn merge(&mut self, mut other: Self, tries: &mut Tries, theirs: &mut Tries) {
        let theirs = other.take_singles(theirs);
        let ours = self.take_singles(tries);
        self.last = match (self.attempts > 0, other.attempts > 0) {
            (true, true) => self.last.max(other.last),
            (true, false) => self.last,
            (false, _) => other.last,
        };
        let firsts = [self.first(), other.first()];
        if let Some(first) = firsts.into_iter().flatten().min() {
            self.first = first;
        }
        for (count, by) in [
            (&mut self.attempts, other.attempts),
            (&mut self.completed, other.completed),
            (&mut self.refused, other.refused),
            (&mut self.unreachable, other.unreachable),
            (&mut self.retransmitted, other.retransmitted),
            (&mut self.listed, other.listed),
            (&mut self.missed, other.missed),
        ] {
            more(count, by);
        }
        if let Some(sums) = other.sums {
            self.gather(tries).merge(&sums);
        }
        ours.iter()
            .chain(&theirs)
            .for_each(|attempt| self.add(attempt, tries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_changes_is_in_one_line_of_the_cache() {
        assert!(std::mem::offset_of!(Side, unreachable) <= 64);
        assert_eq!((size_of::<Side>(), size_of::<Link>()), (128, 40));
    }

    #[test]
    fn chains_come_out_in_order_and_their_room_is_used_again() {
        let attempt = |second| Try {
            peer: Addr::of_v4(1),
            second,
            port: 80,
            source_port: 0,
        };
        let mut tries = Tries::default();
        let (mut odd, mut even) = (NONE, NONE);
        for second in 0..10 {
            let tail = if second % 2 == 0 { &mut even } else { &mut odd };
            *tail = tries.put(attempt(second), *tail);
        }
        let seconds = |tries: &mut Tries, tail| -> Vec<i64> {
            let taken = tries.take(tail);
            taken.iter().map(|attempt| attempt.second).collect()
        };
        assert_eq!(seconds(&mut tries, odd), [1, 3, 5, 7, 9]);
        odd = (20..24).fold(NONE, |tail, second| tries.put(attempt(second), tail));
        assert_eq!(tries.links.len(), 10);
        assert_eq!(seconds(&mut tries, even), [0, 2, 4, 6, 8]);
        assert_eq!(seconds(&mut tries, odd), [20, 21, 22, 23]);
    }
}
