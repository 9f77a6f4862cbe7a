//! Unanswered connection attempts that have no row of their own: what a flood leaves, in few bytes each.
//!
//! The oldest attempt ends first: entries stand in a ring in the order of their last SYN.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::hint::black_box;

use hashbrown::HashTable;

use super::address::{Addr, FlowKey, Hashing, TCP};
use super::flow::{Flow, TIMEOUT_HALF_OPEN};
use super::pending::Pending;

/// Most pending attempts over IPv4: half a million of 48 bytes and their index, 30 MB. At 10,000 SYNs a
/// second that is nearly their whole timeout, at half a million still a second: every round trip.
const MOST_V4: usize = 1 << 19;

/// Most pending attempts over IPv6.
const MOST_V6: usize = 1 << 17;

/// A 5-tuple of TCP over IPv4 in 12 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct KeyV4 {
    a: u32,
    b: u32,
    port_a: u16,
    port_b: u16,
}

impl KeyV4 {
    fn of(key: &FlowKey) -> Option<Self> {
        Some(Self {
            a: key.a.v4()?,
            b: key.b.v4()?,
            port_a: key.port_a,
            port_b: key.port_b,
        })
    }

    fn widen(self) -> FlowKey {
        FlowKey {
            a: Addr::of_v4(self.a),
            b: Addr::of_v4(self.b),
            port_a: self.port_a,
            port_b: self.port_b,
            protocol: TCP,
        }
    }
}

/// All pending attempts.
pub(super) struct HalfOpen {
    v4: Ring<KeyV4>,
    v6: Ring<FlowKey>,
}

impl HalfOpen {
    /// An empty table.
    pub(super) fn new() -> Self {
        Self {
            v4: Ring::new(MOST_V4),
            v6: Ring::new(MOST_V6),
        }
    }

    /// Whether nothing is pending.
    pub(super) fn is_empty(&self) -> bool {
        self.v4.index.is_empty() && self.v6.index.is_empty()
    }

    /// How many are pending.
    pub(super) fn len(&self) -> usize {
        self.v4.index.len() + self.v6.index.len()
    }

    /// Brings what is known of a 5-tuple into the processor's cache.
    pub(super) fn look(&self, key: &FlowKey) {
        match KeyV4::of(key) {
            Some(key) => self.v4.look(&key),
            None => self.v6.look(key),
        }
    }

    /// Puts an attempt in; its 5-tuple must not be in the table. What had to make room goes to `ended`.
    pub(super) fn insert(&mut self, flow: &Flow, ended: &mut Vec<Flow>) {
        match KeyV4::of(&flow.key) {
            Some(key) => {
                let old = self.v4.insert(flow.pending(key));
                ended.extend(old.map(|old| Flow::of_pending(old.key.widen(), &old)));
            }
            None => {
                let old = self.v6.insert(flow.pending(flow.key));
                ended.extend(old.map(|old| Flow::of_pending(old.key, &old)));
            }
        }
    }

    /// Takes the attempt of this 5-tuple out.
    pub(super) fn take(&mut self, key: &FlowKey) -> Option<Flow> {
        if self.is_empty() {
            return None;
        }
        match KeyV4::of(key) {
            Some(narrow) => {
                let taken = self.v4.take(&narrow)?;
                Some(Flow::of_pending(*key, &taken))
            }
            None => {
                let taken = self.v6.take(key)?;
                Some(Flow::of_pending(*key, &taken))
            }
        }
    }

    /// Takes out the attempts that stayed unanswered for too long; those that only the join can settle
    /// go to `heads`, the others are counted already.
    pub(super) fn expire(&mut self, now: i64, heads: &mut Vec<Flow>) {
        self.v4.expire(now, |old| {
            if old.is_head() {
                heads.push(Flow::of_pending(old.key.widen(), old));
            }
        });
        self.v6.expire(now, |old| {
            if old.is_head() {
                heads.push(Flow::of_pending(old.key, old));
            }
        });
    }

    /// Takes out all, oldest first; of those that are counted already only the newest `most`.
    pub(super) fn drain(&mut self, most: usize) -> Vec<Flow> {
        let v4 = std::mem::replace(&mut self.v4, Ring::new(MOST_V4));
        let v6 = std::mem::replace(&mut self.v6, Ring::new(MOST_V6));
        let narrow = v4.newest(most).map(|(key, held)| (key.widen(), held));
        let narrow = narrow.map(|(key, held)| Flow::of_pending(key, &held));
        let wide = v6.newest(most);
        let wide = wide.map(|(key, held)| Flow::of_pending(key, &held));
        narrow.chain(wide).collect()
    }
}

struct Ring<K> {
    entries: VecDeque<Option<Pending<K>>>,
    /// Number of the entry at the front.
    front: u32,
    index: HashTable<u32>,
    hashing: Hashing,
    most: usize,
}

impl<K: Copy + Eq + Hash> Ring<K> {
    fn new(most: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            front: 0,
            index: HashTable::new(),
            hashing: Hashing::default(),
            most,
        }
    }

    fn insert(&mut self, pending: Pending<K>) -> Option<Pending<K>> {
        let key = pending.key;
        let evicted = if self.entries.len() >= self.most {
            self.pop()
        } else {
            None
        };
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let number = self.front.wrapping_add(number);
        self.entries.push_back(Some(pending));
        let (entries, front, hashing) = (&self.entries, self.front, &self.hashing);
        self.index
            .insert_unique(hashing.hash_one(key), number, |number| {
                at(entries, front, *number).map_or(0, |held| hashing.hash_one(held.key))
            });
        evicted
    }

    fn look(&self, key: &K) {
        let (entries, front) = (&self.entries, self.front);
        let found = self.index.find(self.hashing.hash_one(key), |number| {
            at(entries, front, *number).is_some_and(|held| held.key == *key)
        });
        black_box(found);
    }

    fn take(&mut self, key: &K) -> Option<Pending<K>> {
        let (entries, front) = (&self.entries, self.front);
        let found = self.index.find_entry(self.hashing.hash_one(key), |number| {
            at(entries, front, *number).is_some_and(|held| held.key == *key)
        });
        let (number, _) = found.ok()?.remove();
        let place = number.wrapping_sub(self.front) as usize;
        self.entries.get_mut(place)?.take()
    }

    /// Takes the oldest entry out; nothing where it was taken before.
    fn pop(&mut self) -> Option<Pending<K>> {
        let number = self.front;
        let oldest = self.entries.pop_front()?;
        self.front = self.front.wrapping_add(1);
        let hash = self.hashing.hash_one(oldest.as_ref()?.key);
        if let Ok(entry) = self.index.find_entry(hash, |held| *held == number) {
            entry.remove();
        }
        oldest
    }

    fn expire(&mut self, now: i64, mut ended: impl FnMut(&Pending<K>)) {
        while let Some(oldest) = self.entries.front() {
            let silent = |held: &Pending<K>| now.saturating_sub(held.last());
            if oldest.as_ref().map_or(i64::MAX, silent) <= TIMEOUT_HALF_OPEN {
                return;
            }
            if let Some(old) = self.pop() {
                ended(&old);
            }
        }
    }

    /// All that are live, oldest first; of those that need no join only the newest `most`.
    fn newest(self, most: usize) -> impl Iterator<Item = (K, Pending<K>)> {
        let old = self.index.len().saturating_sub(most);
        let live = self.entries.into_iter().flatten().enumerate();
        let kept = live.filter(move |(nth, held)| *nth >= old || held.is_head());
        kept.map(|(_, held)| (held.key, held))
    }
}

fn at<K>(entries: &VecDeque<Option<Pending<K>>>, front: u32, number: u32) -> Option<&Pending<K>> {
    entries.get(number.wrapping_sub(front) as usize)?.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_attempt_takes_48_bytes() {
        assert_eq!(size_of::<Option<Pending<KeyV4>>>(), 48);
    }
}
