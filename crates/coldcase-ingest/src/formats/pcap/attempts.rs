//! Connection attempts added up by source and by destination: what a flood, a scan or a gateway did over
//! a whole series of captures, in memory that does not grow with it.

use super::address::{Addr, Map, Origin};
use super::flow::{Flow, SECOND, Status};
use super::tally::{PortSet, Seconds, Tally};

/// Unanswered attempts of one source that get a row each: enough to show what it does; more are counted.
const LISTED_A_SOURCE: u32 = 64;

/// Unanswered attempts on one destination that get a row each: where sources are spoofed, each has one.
const LISTED_A_DESTINATION: u32 = 1024;

/// Unanswered attempts of one file that get a row each, where both ends are random.
const LISTED_A_FILE: u64 = 1 << 16;

/// Sources or destinations held at a time while a file is read: what fits 2^17 slots, 15 MB. When
/// there are more, the lower half by attempts is dropped (lossy counting), so one that goes on is kept.
const MOST_SIDES: usize = 7 << 14;

/// Of these, how many a file hands on to the join of its series: what fits 2^13 slots.
const SIDES_A_FILE: usize = 7 << 10;

/// Attempts of one side that are kept singly before they are added up.
const FEW: usize = 24;

/// One attempt, seen from one of its ends.
#[derive(Debug, Clone, Copy)]
struct Try {
    peer: Addr,
    second: i64,
    port: u16,
    source_port: u16,
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

/// All attempts of one source, or on one destination. Counts end at 4,294,967,295.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Different attempts.
    pub(super) attempts: u32,
    /// Answered ones.
    pub(super) completed: u32,
    /// Reset or unreachable ones.
    pub(super) refused: u32,
    /// Of the refused ones those that ICMP reported as unreachable.
    pub(super) unreachable: u32,
    /// SYNs beyond the first of their attempt.
    pub(super) retransmitted: u32,
    /// Attempts that have a row of their own.
    pub(super) listed: u32,
    /// Most attempts that a side like this one may have lost before it was held.
    pub(super) missed: u32,
    /// Attempts of the file's beginning that are not answered and will be counted at the join.
    unsettled: u32,
    /// Time and place of the first attempt.
    pub(super) first: Option<(i64, Origin)>,
    /// Time of the last attempt.
    pub(super) last: i64,
    /// Single attempts, before there are sums.
    singles: Singles,
    sums: Option<Box<Sums>>,
}

/// Most sides have one attempt: it stands in place.
#[derive(Debug, Default)]
enum Singles {
    #[default]
    None,
    /// Its time is that of the side's first attempt.
    One(Addr, u16, u16),
    Few(Vec<Try>),
}

fn more(count: &mut u32, by: u32) {
    *count = count.saturating_add(by);
}

impl Side {
    fn unanswered(&self) -> u32 {
        let settled = self.completed.saturating_add(self.refused);
        let open = self.attempts.saturating_sub(settled);
        open.saturating_add(self.unsettled)
    }

    fn begin(&mut self, at: i64, origin: Origin, attempt: &Try) {
        self.add(attempt);
        self.last = if self.attempts == 0 {
            at
        } else {
            self.last.max(at)
        };
        more(&mut self.attempts, 1);
        let first = self.first.get_or_insert((at, origin));
        *first = (*first).min((at, origin));
    }

    /// The attempts kept singly, taken out.
    fn take_singles(&mut self) -> Vec<Try> {
        let second = self.first.map_or(0, |(at, _)| at.div_euclid(SECOND));
        match std::mem::take(&mut self.singles) {
            Singles::None => Vec::new(),
            Singles::One(peer, port, source_port) => vec![Try {
                peer,
                second,
                port,
                source_port,
            }],
            Singles::Few(attempts) => attempts,
        }
    }

    fn add(&mut self, attempt: &Try) {
        if let Some(sums) = &mut self.sums {
            sums.add(attempt);
            return;
        }
        match &mut self.singles {
            Singles::None if self.first.is_none() => {
                self.singles = Singles::One(attempt.peer, attempt.port, attempt.source_port);
            }
            Singles::Few(attempts) if attempts.len() < FEW => attempts.push(*attempt),
            Singles::Few(_) => self.sums().add(attempt),
            Singles::None | Singles::One(..) => {
                let mut attempts = self.take_singles();
                attempts.push(*attempt);
                self.singles = Singles::Few(attempts);
            }
        }
    }

    /// The sums, made of the single attempts where there were few.
    pub(super) fn sums(&mut self) -> &mut Sums {
        let singles = self.take_singles();
        let sums = self.sums.get_or_insert_default();
        singles.iter().for_each(|attempt| sums.add(attempt));
        sums
    }

    fn change(&mut self, before: Status, flow: &Flow) {
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

    fn merge(&mut self, mut other: Self) {
        let theirs = other.take_singles();
        let ours = self.take_singles();
        self.last = match (self.attempts > 0, other.attempts > 0) {
            (true, true) => self.last.max(other.last),
            (true, false) => self.last,
            (false, _) => other.last,
        };
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
        self.first = [self.first, other.first].into_iter().flatten().min();
        if let Some(sums) = other.sums {
            self.sums().merge(&sums);
        }
        ours.iter()
            .chain(&theirs)
            .for_each(|attempt| self.add(attempt));
    }
}

/// Sides by their address, bounded.
#[derive(Debug, Default)]
struct Sides {
    held: Map<Addr, Side>,
    /// Most attempts that a dropped side had.
    missed: u32,
}

impl Sides {
    fn side(&mut self, address: Addr) -> &mut Side {
        if self.held.len() >= MOST_SIDES && !self.held.contains_key(&address) {
            self.keep(MOST_SIDES / 2);
        }
        let missed = self.missed;
        self.held.entry(address).or_insert_with(|| Side {
            missed,
            ..Side::default()
        })
    }

    /// Drops sides with the fewest attempts until at most so many are left.
    fn keep(&mut self, most: usize) {
        if self.held.len() <= most {
            return;
        }
        let mut attempts: Vec<u32> = self.held.values().map(|side| side.attempts).collect();
        let drop = attempts.len() - most - 1;
        let (_, highest, _) = attempts.select_nth_unstable(drop);
        let highest = *highest;
        self.held.retain(|_, side| side.attempts > highest);
        self.missed = self.missed.max(highest);
    }

    fn merge(&mut self, other: Self) {
        // What the other file dropped may have been of any side that it does not name.
        let mut theirs: Vec<(Addr, Side)> = other.held.into_iter().collect();
        theirs.sort_unstable_by_key(|(address, _)| *address);
        if other.missed > 0 {
            let named =
                |address: &Addr| theirs.binary_search_by_key(address, |held| held.0).is_ok();
            for (address, side) in &mut self.held {
                if !named(address) {
                    more(&mut side.missed, other.missed);
                }
            }
        }
        for (address, side) in theirs {
            self.side(address).merge(side);
        }
        more(&mut self.missed, other.missed);
    }
}

/// Attempts by source and by destination.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    sources: Sides,
    destinations: Sides,
    unanswered: u64,
}

impl Attempts {
    fn each(&mut self, flow: &Flow, change: impl Fn(&mut Side)) {
        change(self.sources.side(flow.client().0));
        change(self.destinations.side(flow.server().0));
    }

    /// Counts a flow that begins with a SYN, unless `is_head` leaves that to the join: it is told
    /// whether the flow gets a row of its own should nothing answer it, which is returned as well.
    pub(super) fn open(&mut self, flow: &mut Flow, is_head: impl FnOnce(&mut Flow, bool)) -> bool {
        let source = self.sources.side(flow.client().0);
        let destination = self.destinations.side(flow.server().0);
        let listed = source.unanswered() < LISTED_A_SOURCE
            && destination.unanswered() < LISTED_A_DESTINATION
            && self.unanswered < LISTED_A_FILE;
        self.unanswered += u64::from(listed);
        is_head(flow, listed);
        if flow.is_head() {
            more(&mut source.unsettled, 1);
            more(&mut destination.unsettled, 1);
        } else {
            begin(source, destination, flow);
        }
        listed
    }

    /// Counts a flow that began with a SYN, as it stands.
    pub(super) fn begin(&mut self, flow: &Flow) {
        let source = self.sources.side(flow.client().0);
        let destination = self.destinations.side(flow.server().0);
        begin(source, destination, flow);
    }

    /// A flow that is counted at the join was answered or refused.
    pub(super) fn settle(&mut self, flow: &Flow) {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.each(flow, |side| {
            side.unsettled = side.unsettled.saturating_sub(1)
        });
    }

    /// SYNs of an attempt that is counted already.
    pub(super) fn repeat(&mut self, flow: &Flow, count: u16) {
        self.each(flow, |side| more(&mut side.retransmitted, u32::from(count)));
    }

    /// An attempt that is counted already now stands otherwise than `before`.
    pub(super) fn change(&mut self, before: Status, flow: &Flow) {
        if before == Status::Open {
            self.unanswered = self.unanswered.saturating_sub(1);
        }
        self.each(flow, |side| side.change(before, flow));
    }

    /// A flow went on in another file, in which its SYN was sent `repeated` times more.
    pub(super) fn continued(&mut self, before: Status, flow: &Flow, repeated: u16) {
        let after = flow.status();
        if before == Status::Midstream {
            if after != Status::Midstream {
                self.begin(flow);
            }
            return;
        }
        if repeated > 0 {
            self.repeat(flow, repeated);
        }
        if before != after {
            self.change(before, flow);
        }
    }

    /// An attempt got a row of its own.
    pub(super) fn list(&mut self, flow: &Flow) {
        self.each(flow, |side| more(&mut side.listed, 1));
    }

    /// Cuts the state down to what a file hands on: `exact` addresses a side, and the sides that did most.
    pub(super) fn hand_on(&mut self, exact: usize) {
        for sides in [&mut self.sources, &mut self.destinations] {
            sides.keep(SIDES_A_FILE);
            sides.held.shrink_to_fit();
            for side in sides.held.values_mut() {
                side.unsettled = 0;
                if let Some(sums) = &mut side.sums {
                    sums.peers.limit(exact);
                    sums.peers.shrink();
                }
            }
        }
    }

    /// Gives all places the number of their file.
    pub(super) fn in_file(&mut self, file: u32) {
        for sides in [&mut self.sources, &mut self.destinations] {
            for side in sides.held.values_mut() {
                side.first = side.first.map(|(at, origin)| (at, origin.in_file(file)));
            }
        }
    }

    /// Adds the attempts of another file.
    pub(super) fn merge(&mut self, other: Self) {
        self.sources.merge(other.sources);
        self.destinations.merge(other.destinations);
    }

    /// Sources with at least so many attempts, by address.
    pub(super) fn sources(&mut self, least: u32) -> Vec<(Addr, &mut Side)> {
        busiest(&mut self.sources, least)
    }

    /// Destinations with at least so many attempts, by address.
    pub(super) fn destinations(&mut self, least: u32) -> Vec<(Addr, &mut Side)> {
        busiest(&mut self.destinations, least)
    }
}

fn begin(source: &mut Side, destination: &mut Side, flow: &Flow) {
    let (client, source_port) = flow.client();
    let (server, port) = flow.server();
    let repeated = u32::from(flow.syn.saturating_sub(1));
    // Of a destination nobody asks which ports its callers used; of each port of a flood's source it would hold a bit.
    for (side, peer, source_port) in [(source, server, source_port), (destination, client, 0)] {
        let attempt = Try {
            peer,
            second: flow.first.div_euclid(SECOND),
            port,
            source_port,
        };
        side.begin(flow.first, flow.origin, &attempt);
        more(&mut side.retransmitted, repeated);
        side.change(Status::Open, flow);
    }
}

fn busiest(sides: &mut Sides, least: u32) -> Vec<(Addr, &mut Side)> {
    let busy = sides
        .held
        .iter_mut()
        .filter(|(_, side)| side.attempts >= least);
    let mut busy: Vec<_> = busy.map(|(address, side)| (*address, side)).collect();
    busy.sort_unstable_by_key(|(address, _)| *address);
    busy
}
