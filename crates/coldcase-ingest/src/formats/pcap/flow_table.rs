//! The flows that are open: found by 5-tuple, ended by silence, bounded in number.
//!
//! Ends are found by a wheel of coarse slots: a flow is looked at when its earliest end comes, and put
//! into a later slot if packets came meanwhile; so a packet costs no list operation.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::address::{FlowKey, Hashing};
use super::flow::Flow;

/// Most flows open at a time: about 150 MB. The one that would end first goes first.
pub(super) const MOST_FLOWS: usize = 1 << 20;

/// Slots of the wheel; with their width they cover more than the longest timeout.
const SLOTS: i64 = 64;

/// Width of a slot as a power of two in nanoseconds: 8.6 s. How late an end is noticed, not when it is.
const SLOT_BITS: u32 = 33;

struct Slot {
    flow: Option<Flow>,
    generation: u32,
}

/// Where a flow lies in the table, until it is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle(u32);

/// The table.
pub(super) struct FlowTable {
    slots: Vec<Slot>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hashing: Hashing,
    wheel: Vec<VecDeque<(u32, u32)>>,
    turned: Option<i64>,
}

impl FlowTable {
    /// An empty table.
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hashing: Hashing::default(),
            wheel: (0..SLOTS).map(|_| VecDeque::new()).collect(),
            turned: None,
        }
    }

    /// How many flows are open.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The open flow of this 5-tuple.
    pub(super) fn find(&self, key: &FlowKey) -> Option<Handle> {
        let slots = &self.slots;
        let found = self.index.find(self.hashing.hash_one(key), |slot| {
            key_of(slots, *slot).is_some_and(|held| held == key)
        });
        found.map(|slot| Handle(*slot))
    }

    /// The flow at a handle.
    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut Flow> {
        self.slots.get_mut(handle.0 as usize)?.flow.as_mut()
    }

    /// Puts a flow in; its 5-tuple must not be in the table. Returns the flow that had to make room.
    pub(super) fn insert(&mut self, flow: Flow) -> Option<Flow> {
        let evicted = if self.len() >= MOST_FLOWS {
            self.evict()
        } else {
            None
        };
        let hash = self.hashing.hash_one(flow.key);
        self.turned.get_or_insert(flow.last >> SLOT_BITS);
        let tick = self.tick_of(deadline(&flow));
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(Slot {
                    flow: None,
                    generation: 0,
                });
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return evicted;
        };
        place.flow = Some(flow);
        let generation = place.generation;
        let (slots, hashing) = (&self.slots, &self.hashing);
        self.index.insert_unique(hash, slot, |slot| {
            key_of(slots, *slot).map_or(0, |key| hashing.hash_one(key))
        });
        self.schedule(tick, slot, generation);
        evicted
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<Flow> {
        let place = self.slots.get_mut(handle.0 as usize)?;
        let flow = place.flow.take()?;
        place.generation = place.generation.wrapping_add(1);
        let found = self
            .index
            .find_entry(self.hashing.hash_one(flow.key), |slot| *slot == handle.0);
        if let Ok(entry) = found {
            entry.remove();
        }
        self.free.push(handle.0);
        Some(flow)
    }

    /// Takes out the flows that have been silent for too long at this time.
    pub(super) fn expire(&mut self, now: i64, ended: &mut Vec<Flow>) {
        let tick = now >> SLOT_BITS;
        let turned = *self.turned.get_or_insert(tick);
        if tick <= turned {
            return;
        }
        self.turned = Some(tick);
        for due in (turned + 1)..=tick.min(turned.saturating_add(SLOTS)) {
            let waiting = match self.slot_mut(due) {
                Some(slot) => std::mem::take(slot),
                None => continue,
            };
            for (slot, generation) in waiting {
                let Some(deadline) = self.deadline_at(slot, generation) else {
                    continue;
                };
                if deadline < now {
                    ended.extend(self.remove(Handle(slot)));
                } else {
                    let tick = self.tick_of(deadline);
                    self.schedule(tick, slot, generation);
                }
            }
        }
    }

    /// Takes out all flows, in the order of their first packets.
    pub(super) fn drain(&mut self) -> Vec<Flow> {
        let slots = std::mem::take(&mut self.slots);
        let mut flows: Vec<Flow> = slots.into_iter().filter_map(|slot| slot.flow).collect();
        flows.sort_unstable_by_key(|flow| (flow.first, flow.origin, flow.key));
        *self = Self::new();
        flows
    }

    fn evict(&mut self) -> Option<Flow> {
        let start = self.turned.unwrap_or(0);
        for tick in (start + 1)..=(start + SLOTS) {
            while let Some((slot, generation)) = self.slot_mut(tick).and_then(VecDeque::pop_front) {
                let Some(deadline) = self.deadline_at(slot, generation) else {
                    continue;
                };
                let later = self.tick_of(deadline);
                if later > tick {
                    self.schedule(later, slot, generation);
                } else {
                    return self.remove(Handle(slot));
                }
            }
        }
        None
    }

    fn deadline_at(&self, slot: u32, generation: u32) -> Option<i64> {
        let place = self.slots.get(slot as usize)?;
        if place.generation != generation {
            return None;
        }
        place.flow.as_ref().map(deadline)
    }

    /// The tick at which a deadline is looked at: the one after it has passed, within the wheel's reach.
    fn tick_of(&self, deadline: i64) -> i64 {
        let tick = (deadline >> SLOT_BITS).saturating_add(1);
        let turned = self.turned.unwrap_or(tick);
        tick.clamp(turned.saturating_add(1), turned.saturating_add(SLOTS - 1))
    }

    fn schedule(&mut self, tick: i64, slot: u32, generation: u32) {
        if let Some(waiting) = self.slot_mut(tick) {
            waiting.push_back((slot, generation));
        }
    }

    fn slot_mut(&mut self, tick: i64) -> Option<&mut VecDeque<(u32, u32)>> {
        let place = usize::try_from(tick.rem_euclid(SLOTS)).ok()?;
        self.wheel.get_mut(place)
    }
}

fn deadline(flow: &Flow) -> i64 {
    flow.last.saturating_add(flow.timeout())
}

fn key_of(slots: &[Slot], slot: u32) -> Option<&FlowKey> {
    slots
        .get(slot as usize)?
        .flow
        .as_ref()
        .map(|flow| &flow.key)
}
