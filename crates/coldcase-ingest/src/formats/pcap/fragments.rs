//! IP datagrams that came in fragments, put together again within limits.
//!
//! Where fragments overlap, what came first stays (as BSD and Windows do; evidence can't say which host
//! policy applied). A datagram that does not become whole in time is given up; its packets are counted
//! as skipped.

use super::address::{Addr, Map, Origin};
use super::dns_rows::Envelope;

/// How long a datagram may take: Linux's `ipfrag_time`.
pub(super) const TIMEOUT: i64 = 30 * super::flow::SECOND;

/// Most datagrams that wait at a time.
const MOST_DATAGRAMS: usize = 1024;

/// Most bytes that wait at a time.
const MOST_BYTES: usize = 8 << 20;

/// Most fragments of one datagram: 64 KiB at the smallest MTU of IPv4, 576 bytes, come in 119.
const MOST_FRAGMENTS: usize = 128;

/// Longest datagram (RFC 791).
const LONGEST: usize = 65_535;

/// What the fragments of one datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DatagramKey {
    /// Sender.
    pub(super) source: Addr,
    /// Receiver.
    pub(super) destination: Addr,
    /// IP identification.
    pub(super) id: u32,
    /// Protocol of the datagram.
    pub(super) protocol: u8,
}

/// One fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Place of its bytes in the datagram.
    pub(super) offset: usize,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// Whether more follow it.
    pub(super) more: bool,
    /// Length of the IP packet.
    pub(super) ip_bytes: u64,
    /// When and where; ports are not known.
    pub(super) envelope: Envelope,
}

/// A datagram put together.
pub(super) struct Whole {
    /// Everything above IP.
    pub(super) bytes: Vec<u8>,
    /// How many fragments it came in.
    pub(super) packets: u32,
    /// Length of their IP packets.
    pub(super) ip_bytes: u64,
    /// When and where it became whole.
    pub(super) envelope: Envelope,
}

struct Held {
    offset: usize,
    bytes: Vec<u8>,
    more: bool,
    ip_bytes: u64,
    envelope: Envelope,
}

#[derive(Default)]
struct Datagram {
    held: Vec<Held>,
    first: i64,
    /// Whether the end of the file before may hold its beginning.
    head: bool,
}

/// A fragment that found no datagram: place of its packet.
pub(super) type Lost = Vec<Origin>;

/// Datagrams that are not whole.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: Map<DatagramKey, Datagram>,
    bytes: usize,
    checked: i64,
}

impl Fragments {
    /// Adds a fragment; the datagram if it is whole now. Packets that are given up go to `lost`.
    pub(super) fn add(
        &mut self,
        key: DatagramKey,
        piece: &Piece<'_>,
        head: bool,
        lost: &mut Lost,
    ) -> Option<Whole> {
        let at = piece.envelope.at;
        if at.saturating_sub(self.checked) > TIMEOUT / 8 {
            self.checked = at;
            self.give_up(lost, |datagram| {
                !datagram.head && at.saturating_sub(datagram.first) > TIMEOUT
            });
        }
        let end = piece.offset.saturating_add(piece.bytes.len());
        if end > LONGEST || piece.bytes.is_empty() {
            lost.push(piece.envelope.origin);
            return None;
        }
        self.make_room(&key, piece.bytes.len(), lost);
        let expired = self.waiting.get(&key).is_some_and(|datagram| {
            datagram.held.len() >= MOST_FRAGMENTS
                || at.saturating_sub(datagram.first).saturating_abs() > TIMEOUT
        });
        if expired {
            self.drop(&key, lost);
        }
        self.bytes += piece.bytes.len();
        let datagram = self.waiting.entry(key).or_insert_with(|| Datagram {
            held: Vec::new(),
            first: at,
            head,
        });
        datagram.held.push(Held::of(piece));
        if !datagram.is_whole() {
            return None;
        }
        let datagram = self.waiting.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(datagram.size());
        datagram.join()
    }

    fn make_room(&mut self, key: &DatagramKey, more: usize, lost: &mut Lost) {
        let full = self.waiting.len() >= MOST_DATAGRAMS && !self.waiting.contains_key(key);
        if !full && self.bytes.saturating_add(more) <= MOST_BYTES {
            return;
        }
        let mut firsts: Vec<i64> = self.waiting.values().map(|held| held.first).collect();
        let middle = firsts.len() / 2;
        if middle < firsts.len() {
            let (_, median, _) = firsts.select_nth_unstable(middle);
            let median = *median;
            self.give_up(lost, |datagram| datagram.first <= median);
        }
    }

    fn give_up(&mut self, lost: &mut Lost, hopeless: impl Fn(&Datagram) -> bool) {
        let keys = self.waiting.iter().filter(|(_, held)| hopeless(held));
        let mut keys: Vec<DatagramKey> = keys.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        for key in keys {
            self.drop(&key, lost);
        }
    }

    fn drop(&mut self, key: &DatagramKey, lost: &mut Lost) {
        if let Some(datagram) = self.waiting.remove(key) {
            self.bytes = self.bytes.saturating_sub(datagram.size());
            lost.extend(datagram.held.iter().map(|held| held.envelope.origin));
        }
    }

    /// Gives up all that is waiting.
    pub(super) fn clear(&mut self, lost: &mut Lost) {
        self.give_up(lost, |_| true);
    }

    /// Gives all places the number of their file.
    pub(super) fn in_file(&mut self, file: u32) {
        let held = self.waiting.values_mut();
        for held in held.flat_map(|datagram| &mut datagram.held) {
            held.envelope.origin = held.envelope.origin.in_file(file);
        }
    }

    /// Goes on with what waits in the following file; datagrams that are whole now, with their keys.
    pub(super) fn absorb(&mut self, next: Self, lost: &mut Lost) -> Vec<(DatagramKey, Whole)> {
        let mut theirs: Vec<(DatagramKey, Datagram)> = next.waiting.into_iter().collect();
        theirs.sort_unstable_by_key(|(key, datagram)| (datagram.first, *key));
        let mut whole = Vec::new();
        for (key, datagram) in theirs {
            for held in &datagram.held {
                let joined = self.add(key, &held.piece(), false, lost);
                whole.extend(joined.map(|joined| (key, joined)));
            }
        }
        whole
    }
}

impl Held {
    fn of(piece: &Piece<'_>) -> Self {
        Self {
            offset: piece.offset,
            bytes: piece.bytes.to_vec(),
            more: piece.more,
            ip_bytes: piece.ip_bytes,
            envelope: piece.envelope,
        }
    }

    fn piece(&self) -> Piece<'_> {
        Piece {
            offset: self.offset,
            bytes: &self.bytes,
            more: self.more,
            ip_bytes: self.ip_bytes,
            envelope: self.envelope,
        }
    }

    fn end(&self) -> usize {
        self.offset.saturating_add(self.bytes.len())
    }
}

impl Datagram {
    fn size(&self) -> usize {
        self.held.iter().map(|held| held.bytes.len()).sum()
    }

    fn length(&self) -> Option<usize> {
        self.held.iter().find(|held| !held.more).map(Held::end)
    }

    fn is_whole(&self) -> bool {
        let Some(length) = self.length() else {
            return false;
        };
        let mut spans: Vec<(usize, usize)> = self
            .held
            .iter()
            .map(|held| (held.offset, held.end()))
            .collect();
        spans.sort_unstable();
        let mut reached = 0;
        for (start, end) in spans {
            if start > reached {
                return false;
            }
            reached = reached.max(end);
        }
        reached >= length
    }

    fn join(self) -> Option<Whole> {
        let length = self.length()?;
        let mut bytes = vec![0; length];
        let mut written = vec![false; length];
        for held in &self.held {
            let room = bytes.iter_mut().zip(&mut written).skip(held.offset);
            for ((byte, written), new) in room.zip(&held.bytes) {
                if !std::mem::replace(written, true) {
                    *byte = *new;
                }
            }
        }
        Some(Whole {
            bytes,
            packets: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
            ip_bytes: self.held.iter().map(|held| held.ip_bytes).sum(),
            envelope: self.held.last()?.envelope,
        })
    }
}

#[cfg(test)]
mod tests {
    use coldcase_model::Precision;

    use super::*;

    fn piece(offset: usize, bytes: &[u8], more: bool, at: i64) -> Piece<'_> {
        Piece {
            offset,
            bytes,
            more,
            ip_bytes: bytes.len() as u64 + 20,
            envelope: Envelope {
                at,
                precision: Precision::Us,
                origin: Origin::here(0),
                source: (Addr::of_v4(1), 0),
                destination: (Addr::of_v4(2), 0),
                interface: None,
                before: None,
            },
        }
    }

    const KEY: DatagramKey = DatagramKey {
        source: Addr::LOWEST,
        destination: Addr::LOWEST,
        id: 7,
        protocol: 17,
    };

    /// Pieces in order of arrival, the datagram that the last one makes whole, and how many are given up.
    fn check(pieces: &[Piece<'_>], expected: Option<&[u8]>, given_up: usize) {
        let mut fragments = Fragments::default();
        let mut lost = Lost::new();
        let mut whole = None;
        for piece in pieces {
            whole = fragments.add(KEY, piece, false, &mut lost);
        }
        assert_eq!(whole.map(|whole| whole.bytes).as_deref(), expected);
        fragments.clear(&mut lost);
        assert_eq!(lost.len(), given_up);
        assert_eq!(fragments.bytes, 0);
    }

    #[test]
    fn whole_in_any_order() {
        let (first, last) = (piece(0, b"abcdefgh", true, 0), piece(8, b"ij", false, 1));
        check(&[first, last], Some(b"abcdefghij"), 0);
        check(&[last, first], Some(b"abcdefghij"), 0);
        check(&[first], None, 1);
        check(&[first, first], None, 2);
    }

    #[test]
    fn of_what_overlaps_the_first_stays() {
        let first = piece(0, b"abcdefgh", true, 0);
        let over = piece(0, b"XXXXXXXXXXXX", true, 1);
        let last = piece(8, b"ijklmnop", false, 2);
        check(&[first, over, last], Some(b"abcdefghXXXXmnop"), 0);
        let beyond = piece(65_528, b"0123456789", false, 2);
        check(&[first, beyond], None, 2);
    }

    #[test]
    fn too_late_is_another_datagram() {
        let first = piece(0, b"abcdefgh", true, 0);
        let last = piece(8, b"ij", false, TIMEOUT + 1);
        check(&[first, last], None, 2);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut fragments = Fragments::default();
        let mut lost = Lost::new();
        let bytes = [0; 1400];
        for number in 0..20_000u32 {
            let key = DatagramKey { id: number, ..KEY };
            fragments.add(
                key,
                &piece(0, &bytes, true, i64::from(number)),
                false,
                &mut lost,
            );
        }
        assert!(fragments.waiting.len() <= MOST_DATAGRAMS);
        assert_eq!(lost.len() + fragments.waiting.len(), 20_000);
    }
}
