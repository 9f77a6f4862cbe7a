//! Unanswered attempts packed: what the compact table holds of a flow of which only SYNs were seen.

use coldcase_model::Precision;

use super::address::{FlowKey, Origin};
use super::flow::{CLIENT_IS_A, Flow, HEAD};

/// An unanswered attempt: 48 bytes with the key of IPv4 (see `half_open`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending<K> {
    /// Its 5-tuple.
    pub(super) key: K,
    first: i64,
    origin: Origin,
    silence_ms: u32,
    isn: u32,
    bytes: u32,
    packets: u16,
    bits: u16,
    precision: Precision,
}

impl<K> Pending<K> {
    /// Time of its last SYN, to the millisecond.
    pub(super) fn last(&self) -> i64 {
        let passed = i64::from(self.silence_ms).saturating_mul(1_000_000);
        self.first.saturating_add(passed)
    }

    /// Whether only the join can settle it.
    pub(super) fn is_head(&self) -> bool {
        self.bits & HEAD != 0
    }
}

impl Flow {
    /// The attempt as the compact table holds it (see `half_open`): only SYNs were seen.
    pub(super) fn pending<K>(&self, key: K) -> Pending<K> {
        let [packets_a, packets_b] = self.packets;
        let [bytes_a, bytes_b] = self.bytes;
        Pending {
            key,
            first: self.first,
            origin: self.origin,
            silence_ms: u32::try_from(self.last.saturating_sub(self.first) / 1_000_000)
                .unwrap_or(u32::MAX),
            isn: self.isn,
            bytes: u32::try_from(bytes_a.saturating_add(bytes_b)).unwrap_or(u32::MAX),
            packets: u16::try_from(packets_a.saturating_add(packets_b)).unwrap_or(u16::MAX),
            bits: self.bits,
            precision: self.precision,
        }
    }

    /// The flow of a pending attempt.
    pub(super) fn of_pending<K>(key: FlowKey, pending: &Pending<K>) -> Self {
        let by_a = pending.bits & CLIENT_IS_A != 0;
        let split = |value: u64| if by_a { [value, 0] } else { [0, value] };
        let count = u32::from(pending.packets);
        Self {
            key,
            first: pending.first,
            last: pending.last(),
            origin: pending.origin,
            bytes: split(u64::from(pending.bytes)),
            packets: if by_a { [count, 0] } else { [0, count] },
            isn: pending.isn,
            syn: pending.packets,
            synack: 0,
            fin: 0,
            rst: 0,
            unreachable: 0,
            bits: pending.bits,
            precision: pending.precision,
        }
    }
}
