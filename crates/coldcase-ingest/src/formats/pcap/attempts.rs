//! Connection attempts added up by source and by destination: what a flood, a scan or a gateway did over
//! a whole series of captures, in memory that does not grow with it.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::address::{Addr, Hashing};
use super::flow::{Flow, SECOND, Status};
use super::side::{Side, Tries, Try, more};

/// Unanswered attempts of one source that get a row each: enough to show what it does; more are counted.
const LISTED_A_SOURCE: u32 = 64;

/// Unanswered attempts on one destination that get a row each: where sources are spoofed, each has one.
const LISTED_A_DESTINATION: u32 = 1024;

/// Unanswered attempts of one file that get a row each, where both ends are random.
const LISTED_A_FILE: u64 = 1 << 16;

/// Sources or destinations held at a time while a file is read: what fits 2^17 slots, 16 MB. When
/// there are more, the lower half by attempts is dropped (lossy counting), so one that goes on is kept.
const MOST_SIDES: usize = 7 << 14;

/// Of these, how many a file hands on to the join of its series: what fits 2^13 slots.
const SIDES_A_FILE: usize = 7 << 10;

/// Sides by their address, bounded. They stand one behind the other, and the index has four bytes of each: a flood
/// adds at the end, and the index stays in the processor's cache.
#[derive(Debug, Default)]
struct Sides {
    held: Vec<Side>,
    tries: Tries,
    index: HashTable<u32>,
    hashing: Hashing,
    /// Most attempts that a dropped side had.
    missed: u32,
}

impl Sides {
    /// The number of this address's side.
    fn number(&mut self, address: Addr) -> usize {
        let hash = self.hashing.hash_one(address);
        if let Some(number) = self.find(hash, address) {
            return number;
        }
        if self.held.len() >= MOST_SIDES {
            self.keep(MOST_SIDES / 2);
        }
        self.held.push(Side::new(address, self.missed));
        let number = self.held.len() - 1;
        self.enter(hash, number);
        number
    }

    fn find(&self, hash: u64, address: Addr) -> Option<usize> {
        let is_it = |number: &u32| {
            let held = self.held.get(*number as usize);
            held.is_some_and(|side| side.address == address)
        };
        self.index.find(hash, is_it).map(|number| *number as usize)
    }

    /// Brings the side of an address into the processor's cache, and what it counts of its peer.
    fn look(&self, address: Addr, peer: Addr) {
        let number = self.find(self.hashing.hash_one(address), address);
        if let Some(side) = number.and_then(|number| self.held.get(number)) {
            side.look(peer);
        }
    }

    fn enter(&mut self, hash: u64, number: usize) {
        let (held, hashing) = (&self.held, &self.hashing);
        let hash_of = |number: &u32| {
            let held = held.get(*number as usize);
            held.map_or(0, |side| hashing.hash_one(side.address))
        };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.index.insert_unique(hash, number, hash_of);
    }

    fn side(&mut self, address: Addr) -> Option<(&mut Side, &mut Tries)> {
        let number = self.number(address);
        Some((self.held.get_mut(number)?, &mut self.tries))
    }

    /// Drops sides with the fewest attempts until at most so many are left.
    fn keep(&mut self, most: usize) {
        if self.held.len() <= most {
            return;
        }
        let mut attempts: Vec<u32> = self.held.iter().map(|side| side.attempts).collect();
        let drop = attempts.len() - most - 1;
        let (_, highest, _) = attempts.select_nth_unstable(drop);
        let highest = *highest;
        let tries = &mut self.tries;
        self.held.retain_mut(|side| {
            let is_kept = side.attempts > highest;
            if !is_kept {
                side.take_singles(tries);
            }
            is_kept
        });
        self.missed = self.missed.max(highest);
        self.index.clear();
        self.enter_all();
    }

    fn enter_all(&mut self) {
        for number in 0..self.held.len() {
            let address = self.held.get(number).map(|side| side.address);
            let hash = address.map_or(0, |address| self.hashing.hash_one(address));
            self.enter(hash, number);
        }
    }

    /// Gives back the room that is not used.
    fn shrink(&mut self) {
        self.held.shrink_to_fit();
        let mut tries = Tries::default();
        for side in &mut self.held {
            side.move_singles(&mut self.tries, &mut tries);
        }
        self.tries = tries;
        self.index = HashTable::with_capacity(self.held.len());
        self.enter_all();
    }

    fn merge(&mut self, other: Self) {
        // What the other file dropped may have been of any side that it does not name.
        let (mut theirs, mut their_tries) = (other.held, other.tries);
        theirs.sort_unstable_by_key(|side| side.address);
        if other.missed > 0 {
            let named = |address: &Addr| {
                theirs
                    .binary_search_by_key(address, |side| side.address)
                    .is_ok()
            };
            for side in &mut self.held {
                if !named(&side.address) {
                    more(&mut side.missed, other.missed);
                }
            }
        }
        for side in theirs {
            if let Some((ours, tries)) = self.side(side.address) {
                ours.merge(side, tries, &mut their_tries);
            }
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
    /// How many sides are held.
    pub(super) fn len(&self) -> usize {
        self.sources.held.len() + self.destinations.held.len()
    }

    /// Brings the sides of a packet's ends into the processor's cache.
    pub(super) fn look(&self, source: Addr, destination: Addr) {
        self.sources.look(source, destination);
        self.destinations.look(destination, source);
    }

    fn each(&mut self, flow: &Flow, change: impl Fn(&mut Side)) {
        let ends = [
            self.sources.side(flow.client().0),
            self.destinations.side(flow.server().0),
        ];
        for (side, _) in ends.into_iter().flatten() {
            change(side);
        }
    }

    /// Counts a flow that begins with a SYN, unless `is_head` leaves that to the join: it is told
    /// whether the flow gets a row of its own should nothing answer it, which is returned as well.
    pub(super) fn open(&mut self, flow: &mut Flow, is_head: impl FnOnce(&mut Flow, bool)) -> bool {
        let source = self.sources.side(flow.client().0);
        let destination = self.destinations.side(flow.server().0);
        let (Some(source), Some(destination)) = (source, destination) else {
            return false;
        };
        let listed = source.0.unanswered() < LISTED_A_SOURCE
            && destination.0.unanswered() < LISTED_A_DESTINATION
            && self.unanswered < LISTED_A_FILE;
        self.unanswered += u64::from(listed);
        is_head(flow, listed);
        if flow.is_head() {
            more(&mut source.0.unsettled, 1);
            more(&mut destination.0.unsettled, 1);
        } else {
            begin(source, destination, flow);
        }
        listed
    }

    /// Counts a flow that began with a SYN, as it stands.
    pub(super) fn begin(&mut self, flow: &Flow) {
        let source = self.sources.side(flow.client().0);
        let destination = self.destinations.side(flow.server().0);
        if let (Some(source), Some(destination)) = (source, destination) {
            begin(source, destination, flow);
        }
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
            sides.shrink();
            for side in &mut sides.held {
                side.unsettled = 0;
                if let Some(sums) = side.made_sums() {
                    sums.peers.limit(exact);
                    sums.peers.shrink();
                }
            }
        }
    }

    /// Gives all places the number of their file.
    pub(super) fn in_file(&mut self, file: u32) {
        for sides in [&mut self.sources, &mut self.destinations] {
            for side in &mut sides.held {
                side.in_file(file);
            }
        }
    }

    /// Adds the attempts of another file.
    pub(super) fn merge(&mut self, other: Self) {
        self.sources.merge(other.sources);
        self.destinations.merge(other.destinations);
    }

    /// Sources with at least so many attempts, by address.
    pub(super) fn sources(&mut self, least: u32) -> Vec<&mut Side> {
        busiest(&mut self.sources, least)
    }

    /// Destinations with at least so many attempts, by address.
    pub(super) fn destinations(&mut self, least: u32) -> Vec<&mut Side> {
        busiest(&mut self.destinations, least)
    }
}

fn begin(source: (&mut Side, &mut Tries), destination: (&mut Side, &mut Tries), flow: &Flow) {
    let (client, source_port) = flow.client();
    let (server, port) = flow.server();
    let repeated = u32::from(flow.syn.saturating_sub(1));
    // Of a destination nobody asks which ports its callers used; of each port of a flood's source it would hold a bit.
    for ((side, tries), peer, source_port) in
        [(source, server, source_port), (destination, client, 0)]
    {
        let attempt = Try {
            peer,
            second: flow.first.div_euclid(SECOND),
            port,
            source_port,
        };
        side.begin(flow.first, flow.origin, &attempt, tries);
        more(&mut side.retransmitted, repeated);
        side.change(Status::Open, flow);
    }
}

/// Sides with at least so many attempts, by address, all added up.
fn busiest(sides: &mut Sides, least: u32) -> Vec<&mut Side> {
    let tries = &mut sides.tries;
    let held = sides.held.iter_mut();
    let mut busy: Vec<_> = held.filter(|side| side.attempts >= least).collect();
    for side in &mut busy {
        side.gather(tries);
    }
    busy.sort_unstable_by_key(|side| side.address);
    busy
}
