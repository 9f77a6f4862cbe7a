//! Copies of one packet: a capture on all interfaces sees a packet on each one that it crosses.
//!
//! Packets with the same signature (protocol, IP id and everything above IP but checksums) and the same
//! addresses, each at most a millisecond after the one before, are one packet, unless an interface saw
//! it again: a packet is new if it raises the highest number of sightings on one interface. Where only
//! an address differs, it was translated on its way (a service address, a masquerade).
//!
//! A cooked capture of the first version (`LINUX_SLL`) names no interface: there a repetition counts
//! as a copy whatever its direction.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::address::{Addr, Hashing};

/// How long after its last sighting a packet may be seen again: bridge, veth and tunnel add microseconds,
/// a retransmission takes 200 ms at least.
pub(super) const WINDOW: i64 = 1_000_000;

/// Most packets remembered: a millisecond at 16 M packets a second.
const MOST: usize = 1 << 14;

/// Interfaces told apart; a packet seen on more of them is a copy there.
const MOST_PLACES: usize = 8;

/// Where a packet was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The capture does not tell interfaces apart.
    Unknown,
    /// Interface and packet type, packed.
    Interface(u32),
}

/// One sighting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    /// What stays the same from interface to interface.
    pub(super) signature: u64,
    /// Source and destination.
    pub(super) addresses: (Addr, Addr),
    /// Source and destination port.
    pub(super) ports: (u16, u16),
    /// Where.
    pub(super) place: Place,
    /// When.
    pub(super) at: i64,
}

/// What a sighting is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen {
    /// Seen for the first time.
    First,
    /// The same packet on another interface.
    Copy,
    /// The same packet, an address of which was translated; with its addresses and ports before.
    Translated((Addr, u16), (Addr, u16)),
}

struct Entry {
    first: Sighting,
    last: i64,
    places: [(u32, u8); MOST_PLACES],
    known: usize,
    most: u8,
}

/// The packets of the last millisecond.
#[derive(Default)]
pub(super) struct Copies {
    entries: VecDeque<Entry>,
    front: u32,
    index: HashTable<u32>,
    hashing: Hashing,
}

impl Copies {
    /// Judges a sighting and remembers it.
    pub(super) fn judge(&mut self, sighting: &Sighting) -> Seen {
        self.forget(sighting.at);
        let hash = self.hash(sighting);
        let (entries, front) = (&self.entries, self.front);
        let found = self.index.find(hash, |number| {
            entry(entries, front, *number).is_some_and(|held| held.is_of(sighting))
        });
        if let Some(number) = found {
            let place = number.wrapping_sub(self.front) as usize;
            if let Some(entry) = self.entries.get_mut(place) {
                return entry.see(sighting);
            }
        }
        let translated = self.translated(sighting);
        self.remember(hash, sighting);
        translated
    }

    fn hash(&self, sighting: &Sighting) -> u64 {
        self.hashing.hash_one(sighting.signature)
    }

    fn translated(&self, sighting: &Sighting) -> Seen {
        let (entries, front) = (&self.entries, self.front);
        let found = self.index.find(self.hash(sighting), |number| {
            entry(entries, front, *number).is_some_and(|held| held.is_translated_to(sighting))
        });
        let before = found.and_then(|number| entry(entries, front, *number));
        before.map_or(Seen::First, |before| {
            let (from, to) = before.first.addresses;
            let (from_port, to_port) = before.first.ports;
            Seen::Translated((from, from_port), (to, to_port))
        })
    }

    fn remember(&mut self, hash: u64, sighting: &Sighting) {
        if self.entries.len() >= MOST {
            self.pop();
        }
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let number = self.front.wrapping_add(number);
        let mut new = Entry {
            first: *sighting,
            last: sighting.at,
            places: [(0, 0); MOST_PLACES],
            known: 0,
            most: 0,
        };
        new.see(sighting);
        self.entries.push_back(new);
        let (entries, front, hashing) = (&self.entries, self.front, &self.hashing);
        self.index.insert_unique(hash, number, |number| {
            entry(entries, front, *number).map_or(0, |held| hashing.hash_one(held.first.signature))
        });
    }

    fn forget(&mut self, now: i64) {
        while let Some(oldest) = self.entries.front() {
            if now.saturating_sub(oldest.last).saturating_abs() <= WINDOW {
                return;
            }
            self.pop();
        }
    }

    fn pop(&mut self) {
        let number = self.front;
        if let Some(oldest) = self.entries.pop_front() {
            self.front = self.front.wrapping_add(1);
            let hash = self.hashing.hash_one(oldest.first.signature);
            if let Ok(entry) = self.index.find_entry(hash, |held| *held == number) {
                entry.remove();
            }
        }
    }
}

impl Entry {
    fn is_near(&self, sighting: &Sighting) -> bool {
        self.first.signature == sighting.signature
            && sighting.at.saturating_sub(self.last).saturating_abs() <= WINDOW
    }

    fn is_of(&self, sighting: &Sighting) -> bool {
        self.is_near(sighting) && self.first.addresses == sighting.addresses
    }

    /// Only one of the addresses changes at a translation.
    fn is_translated_to(&self, sighting: &Sighting) -> bool {
        let (from, to) = self.first.addresses;
        self.is_near(sighting) && (from == sighting.addresses.0) != (to == sighting.addresses.1)
    }

    fn see(&mut self, sighting: &Sighting) -> Seen {
        self.last = self.last.max(sighting.at);
        let Place::Interface(place) = sighting.place else {
            return Seen::Copy;
        };
        let known = self.places.iter_mut().take(self.known);
        let mut sightings = 1;
        match known.into_iter().find(|held| held.0 == place) {
            Some(held) => {
                held.1 = held.1.saturating_add(1);
                sightings = held.1;
            }
            None => {
                let Some(free) = self.places.get_mut(self.known) else {
                    return Seen::Copy;
                };
                *free = (place, 1);
                self.known += 1;
            }
        }
        if sightings > self.most {
            self.most = sightings;
            Seen::First
        } else {
            Seen::Copy
        }
    }
}

fn entry(entries: &VecDeque<Entry>, front: u32, number: u32) -> Option<&Entry> {
    entries.get(number.wrapping_sub(front) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sightings as (microseconds, signature, interface, destination), and what each must be.
    fn check(steps: &[(i64, u64, u32, u32)], expected: &str) {
        let mut copies = Copies::default();
        let mut got = String::new();
        for (at, signature, interface, to) in steps {
            let seen = copies.judge(&Sighting {
                signature: *signature,
                addresses: (Addr::of_v4(1), Addr::of_v4(*to)),
                ports: (1000, 53),
                place: match interface {
                    0 => Place::Unknown,
                    known => Place::Interface(*known),
                },
                at: at * 1000,
            });
            got.push(match seen {
                Seen::First => 'F',
                Seen::Copy => 'C',
                Seen::Translated(..) => 'T',
            });
        }
        assert_eq!(got, expected, "{steps:?}");
    }

    #[test]
    fn one_packet_on_three_interfaces_is_one() {
        check(&[(0, 7, 1, 2), (8, 7, 2, 2), (11, 7, 3, 2)], "FCC");
    }

    #[test]
    fn a_retransmission_on_the_same_interface_is_not_a_copy() {
        check(&[(0, 7, 1, 2), (8, 7, 1, 2)], "FF");
        check(
            &[(0, 7, 1, 2), (3, 7, 1, 2), (8, 7, 2, 2), (9, 7, 2, 2)],
            "FFCC",
        );
    }

    #[test]
    fn later_than_a_millisecond_it_is_another_packet() {
        check(&[(0, 7, 1, 2), (1000, 7, 2, 2), (2001, 7, 3, 2)], "FCF");
    }

    #[test]
    fn a_changed_address_is_a_translation_and_has_copies_of_its_own() {
        check(
            &[(0, 7, 1, 2), (3, 7, 2, 2), (9, 7, 2, 9), (12, 7, 3, 9)],
            "FCTC",
        );
    }

    #[test]
    fn without_interfaces_a_repetition_is_a_copy() {
        check(&[(0, 7, 0, 2), (8, 7, 0, 2), (9, 8, 0, 2)], "FCF");
    }
}
