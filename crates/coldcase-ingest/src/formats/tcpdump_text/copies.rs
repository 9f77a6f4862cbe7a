//! Copies of one packet: `-i any` shows it on every device that it passes (veth, bridge, network card).

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use coldcase_model::{Attributes, Event, Sink};

use super::packet::{Addressed, Head, IpInfo, split_at_text};

/// How far apart copies of one packet are at most.
const WINDOW_NS: i64 = 1_000_000;

/// Packets remembered at once: a millisecond's worth at a million a second.
const MAX_RECENT: usize = 1_024;

/// Devices on which one packet is followed; more than a host has on one path.
const MAX_DEVICES: usize = 64;

/// Lines after which a packet without a time is forgotten.
const MAX_UNTIMED: usize = 64;

/// A DNS event that waits for its packet's copies.
pub(super) type Waiting = Box<(Event<'static>, Attributes)>;

#[derive(Debug)]
struct Recent {
    key: u64,
    tick: Option<i64>,
    /// Devices and directions on which it was seen.
    seen_on: Vec<u64>,
    waiting: Option<Waiting>,
}

/// Packets of the last millisecond.
#[derive(Debug, Default)]
pub(super) struct Copies {
    recent: VecDeque<Recent>,
    /// How many were forgotten: the number of the queue's first packet.
    forgotten: usize,
    by_key: HashMap<u64, usize>,
}

/// What makes two lines copies: the addresses, the identification and length of the IP packet, the text
/// without the notes on checksums (a network card fills them in later) and without the time to live.
pub(super) fn key(info: &IpInfo, packet: &Addressed<'_>, payload: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&packet.source, &packet.destination, info.id, info.length).hash(&mut hasher);
    match split_at_text(payload, "cksum 0x", 1) {
        Some((before, note)) => {
            before.hash(&mut hasher);
            note.split_once("), ")
                .map_or(note, |(_, rest)| rest)
                .hash(&mut hasher);
        }
        None => payload.hash(&mut hasher),
    }
    hasher.finish()
}

/// A number for the device and direction of a line, if it shows them.
pub(super) fn device(head: &Head<'_>) -> Option<u64> {
    if head.interface.is_none() && head.direction.is_none() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (head.interface, head.direction).hash(&mut hasher);
    Some(hasher.finish())
}

impl Copies {
    /// Whether a packet is a copy of one seen before. Where lines show no device, only what carries an
    /// identification of its own (`identified`) can be told from a repetition.
    pub fn is_copy(
        &mut self,
        key: u64,
        tick: Option<i64>,
        device: Option<u64>,
        identified: bool,
    ) -> bool {
        let at = self.by_key.get(&key).copied();
        let Some(known) = at.and_then(|at| self.recent.get_mut(at.checked_sub(self.forgotten)?))
        else {
            return false;
        };
        let near = match (known.tick, tick) {
            (Some(a), Some(b)) => a.abs_diff(b) <= WINDOW_NS.unsigned_abs(),
            (None, None) => true,
            _ => false,
        };
        let elsewhere = match device {
            Some(device) => !known.seen_on.contains(&device),
            None => identified,
        };
        let copy = near && elsewhere && known.seen_on.len() < MAX_DEVICES;
        if copy {
            known.seen_on.push(device.unwrap_or_default());
        }
        copy
    }

    /// Remembers a packet that is no copy, with the event that waits for its copies.
    pub fn remember(
        &mut self,
        key: u64,
        tick: Option<i64>,
        device: Option<u64>,
        waiting: Option<Waiting>,
    ) {
        self.by_key.insert(key, self.forgotten + self.recent.len());
        self.recent.push_back(Recent {
            key,
            tick,
            seen_on: vec![device.unwrap_or_default()],
            waiting,
        });
    }

    /// Forgets what can have no more copies, and writes its events.
    pub fn forget(&mut self, now: Option<i64>, sink: &mut dyn Sink) {
        while let Some(oldest) = self.recent.front() {
            let past = match (oldest.tick, now) {
                (Some(then), Some(now)) => then.abs_diff(now) > WINDOW_NS.unsigned_abs(),
                (None, None) => self.recent.len() > MAX_UNTIMED,
                _ => true,
            };
            if !past && self.recent.len() < MAX_RECENT {
                break;
            }
            self.forget_oldest(sink);
        }
    }

    /// Writes all events that wait.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        while !self.recent.is_empty() {
            self.forget_oldest(sink);
        }
    }

    fn forget_oldest(&mut self, sink: &mut dyn Sink) {
        let Some(oldest) = self.recent.pop_front() else {
            return;
        };
        if self.by_key.get(&oldest.key) == Some(&self.forgotten) {
            self.by_key.remove(&oldest.key);
        }
        self.forgotten += 1;
        if let Some(waiting) = oldest.waiting {
            let (mut event, mut attributes) = *waiting;
            if let copies @ 1.. = oldest.seen_on.len() - 1 {
                attributes.number("copies", u32::try_from(copies).unwrap_or(u32::MAX));
            }
            event.attributes = attributes.finish().map(Into::into);
            sink.event(&event);
        }
    }
}
