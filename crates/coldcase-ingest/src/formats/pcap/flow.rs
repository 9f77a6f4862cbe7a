//! One flow: what its packets add up to, and what state follows from that.
//!
//! All of a flow's state is sums and bits, so that the two halves of a flow that a file's end cut apart
//! add up to what one file would have held.

use coldcase_model::Precision;

use super::address::{Addr, FlowKey, Origin, TCP};

/// Silence after which an answered TCP flow has ended: the usual idle timeout of flow meters
/// (nfpcapd's active timeout, conntrack's lower bound for idle flows in captures).
pub(super) const TIMEOUT_TCP: i64 = 300 * SECOND;

/// Silence after which a connection attempt is unanswered or a closed connection is over: longer than
/// any gap between SYN retransmissions of Linux (1, 2, 4, ... 32 s) and equal to its TIME_WAIT.
pub(super) const TIMEOUT_HALF_OPEN: i64 = 60 * SECOND;

/// Silence after which a UDP flow has ended: conntrack's `nf_conntrack_udp_timeout_stream`.
pub(super) const TIMEOUT_UDP: i64 = 120 * SECOND;

/// A second in nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;

/// TCP flag bits as they stand in the header's 14th byte.
pub(super) mod flag {
    pub(in super::super) const FIN: u8 = 0x01;
    pub(in super::super) const SYN: u8 = 0x02;
    pub(in super::super) const RST: u8 = 0x04;
    pub(in super::super) const ACK: u8 = 0x10;
}

/// What one packet adds to its flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// When the packet was captured.
    pub(super) at: i64,
    /// How exact the capture's times are.
    pub(super) precision: Precision,
    /// Where it stands in the capture.
    pub(super) origin: Origin,
    /// Whether the sender is the key's `a`.
    pub(super) from_a: bool,
    /// Packets: more than one where a datagram came in fragments.
    pub(super) packets: u32,
    /// Length of the IP packets.
    pub(super) bytes: u64,
    /// TCP flags, 0 for UDP.
    pub(super) flags: u8,
    /// TCP sequence number.
    pub(super) seq: u32,
    /// TCP acknowledgement number.
    pub(super) ack: u32,
    /// Whether the packet carried a payload.
    pub(super) data: bool,
    /// Whether the capture kept less of the payload than was sent.
    pub(super) cut: bool,
}

impl Step {
    /// Whether this opens a connection: SYN without ACK.
    pub(super) fn opens(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK) == flag::SYN
    }

    fn accepts(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK) == flag::SYN | flag::ACK
    }
}

/// How a connection attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// No SYN was seen: begun before the capture.
    Midstream,
    /// Nothing answered yet.
    Open,
    /// Reset, or reported unreachable.
    Refused,
    /// SYN-ACK, or the client went on.
    Answered,
}

/// The client is the key's `a`.
pub(super) const CLIENT_IS_A: u16 = 1;
const CLIENT_KNOWN: u16 = 1 << 1;
/// The initial sequence number is known.
pub(super) const HAS_ISN: u16 = 1 << 2;
/// `a` sent an ACK or data after any SYN; the next bit is the same of `b`.
const WENT_ON_A: u16 = 1 << 3;
const WENT_ON_B: u16 = 1 << 4;
const RESET_BY_A: u16 = 1 << 5;
const RESET_BY_B: u16 = 1 << 6;
/// The capture cut payloads.
pub(super) const CUT: u16 = 1 << 7;
/// The file before may hold its beginning.
pub(super) const HEAD: u16 = 1 << 8;
const OPENED: u16 = 1 << 9;

/// A flow's sums.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    /// Its 5-tuple.
    pub(super) key: FlowKey,
    /// Time of the first packet.
    pub(super) first: i64,
    /// Time of the last packet.
    pub(super) last: i64,
    /// Place of the first packet.
    pub(super) origin: Origin,
    /// IP bytes that `a` and `b` sent.
    pub(super) bytes: [u64; 2],
    /// Packets that `a` and `b` sent.
    pub(super) packets: [u32; 2],
    /// Initial sequence number of the client, where known.
    pub(super) isn: u32,
    /// SYN packets of the client.
    pub(super) syn: u16,
    /// SYN-ACK packets.
    pub(super) synack: u16,
    /// Packets with FIN.
    pub(super) fin: u16,
    /// Packets with RST.
    pub(super) rst: u16,
    /// ICMP messages that quote its SYN as unreachable.
    pub(super) unreachable: u16,
    /// What else is known, a bit each.
    pub(super) bits: u16,
    /// How exact the capture's times are.
    pub(super) precision: Precision,
}

impl Flow {
    /// A flow that begins with this packet.
    pub(super) fn begin(key: FlowKey, step: &Step) -> Self {
        let mut flow = Self {
            key,
            first: step.at,
            last: step.at,
            origin: step.origin,
            bytes: [0; 2],
            packets: [0; 2],
            isn: 0,
            syn: 0,
            synack: 0,
            fin: 0,
            rst: 0,
            unreachable: 0,
            bits: 0,
            precision: step.precision,
        };
        let first_is_client = key.protocol != TCP || step.opens();
        let client_is_a = if first_is_client {
            step.from_a
        } else if step.accepts() {
            !step.from_a
        } else {
            key.port_a > key.port_b || (key.port_a == key.port_b && step.from_a)
        };
        flow.set(CLIENT_IS_A, client_is_a);
        flow.set(OPENED, step.opens());
        flow.add(step);
        flow
    }

    fn set(&mut self, bit: u16, on: bool) {
        if on {
            self.bits |= bit;
        } else {
            self.bits &= !bit;
        }
    }

    /// Whether a bit is set.
    pub(super) fn has(&self, bit: u16) -> bool {
        self.bits & bit != 0
    }

    /// Adds a packet.
    pub(super) fn add(&mut self, step: &Step) {
        self.last = self.last.max(step.at);
        let [by_a, by_b] = &mut self.packets;
        let [bytes_a, bytes_b] = &mut self.bytes;
        let (packets, bytes) = if step.from_a {
            (by_a, bytes_a)
        } else {
            (by_b, bytes_b)
        };
        *packets = packets.saturating_add(step.packets);
        *bytes = bytes.saturating_add(step.bytes);
        self.set(CUT, step.cut || self.has(CUT));
        if self.key.protocol == TCP {
            self.add_flags(step);
        }
    }

    fn add_flags(&mut self, step: &Step) {
        if step.opens() {
            self.syn = self.syn.saturating_add(1);
            self.learn(step.seq, step.from_a);
            return;
        }
        if step.accepts() {
            self.synack = self.synack.saturating_add(1);
            self.learn(step.ack.wrapping_sub(1), !step.from_a);
            return;
        }
        let side = |a: u16, b: u16| if step.from_a { a } else { b };
        if step.flags & flag::RST != 0 {
            self.rst = self.rst.saturating_add(1);
            self.set(side(RESET_BY_A, RESET_BY_B), true);
            return;
        }
        if step.flags & flag::FIN != 0 {
            self.fin = self.fin.saturating_add(1);
        }
        if step.flags & flag::ACK != 0 || step.data {
            self.set(side(WENT_ON_A, WENT_ON_B), true);
        }
    }

    /// SYN and SYN-ACK tell the client and its initial sequence number.
    fn learn(&mut self, isn: u32, client_is_a: bool) {
        if !self.has(HAS_ISN) {
            self.isn = isn;
            self.set(HAS_ISN, true);
        }
        if !self.has(CLIENT_KNOWN) {
            self.set(CLIENT_KNOWN, true);
            self.set(CLIENT_IS_A, client_is_a);
        }
    }

    /// Whether this packet still belongs to the flow: it is not silent for too long, and a SYN has the
    /// flow's own initial sequence number.
    pub(super) fn continues_with(&self, step: &Step) -> bool {
        let silence = step.at.saturating_sub(self.last);
        if silence > self.timeout() {
            return false;
        }
        !step.opens() || self.is_repeated_by(step.seq, step.from_a, silence)
    }

    fn is_repeated_by(&self, isn: u32, client_is_a: bool, silence: i64) -> bool {
        self.has(HAS_ISN)
            && self.isn == isn
            && self.has(CLIENT_IS_A) == client_is_a
            && silence <= TIMEOUT_HALF_OPEN
    }

    /// Whether `next`, the first flow of its 5-tuple in the following file, is this flow's continuation.
    pub(super) fn continues_as(&self, next: &Self) -> bool {
        let silence = next.first.saturating_sub(self.last);
        if silence > self.timeout() {
            return false;
        }
        let opens = next.has(OPENED);
        !opens || self.is_repeated_by(next.isn, next.has(CLIENT_IS_A), silence)
    }

    /// Adds the continuation.
    pub(super) fn append(&mut self, next: &Self) {
        self.last = self.last.max(next.last);
        for (bytes, more) in self.bytes.iter_mut().zip(next.bytes) {
            *bytes = bytes.saturating_add(more);
        }
        for (packets, more) in self.packets.iter_mut().zip(next.packets) {
            *packets = packets.saturating_add(more);
        }
        if next.has(HAS_ISN) {
            self.learn(next.isn, next.has(CLIENT_IS_A));
        }
        self.syn = self.syn.saturating_add(next.syn);
        self.synack = self.synack.saturating_add(next.synack);
        self.fin = self.fin.saturating_add(next.fin);
        self.rst = self.rst.saturating_add(next.rst);
        self.unreachable = self.unreachable.saturating_add(next.unreachable);
        self.bits |= next.bits & (WENT_ON_A | WENT_ON_B | RESET_BY_A | RESET_BY_B | CUT);
    }

    /// Silence after which the flow is over.
    pub(super) fn timeout(&self) -> i64 {
        if self.key.protocol != TCP {
            return TIMEOUT_UDP;
        }
        let closed = self.fin >= 2 || self.rst > 0;
        match self.status() {
            Status::Answered | Status::Midstream if !closed => TIMEOUT_TCP,
            _ => TIMEOUT_HALF_OPEN,
        }
    }

    /// How its connection attempt stands; UDP has none.
    pub(super) fn status(&self) -> Status {
        let (went_on, reset) = if self.has(CLIENT_IS_A) {
            (WENT_ON_A, RESET_BY_B)
        } else {
            (WENT_ON_B, RESET_BY_A)
        };
        if self.syn == 0 {
            Status::Midstream
        } else if self.synack > 0 || self.has(went_on) {
            Status::Answered
        } else if self.has(reset) || self.unreachable > 0 {
            Status::Refused
        } else {
            Status::Open
        }
    }

    /// An ICMP message quoted this attempt's SYN as unreachable.
    pub(super) fn report_unreachable(&mut self, at: i64) {
        self.unreachable = self.unreachable.saturating_add(1);
        self.last = self.last.max(at);
    }

    /// Whether ICMP reported the attempt as unreachable.
    pub(super) fn is_unreachable(&self) -> bool {
        self.unreachable > 0
    }

    /// Whether it may continue a flow of the file before: it is counted when the series is joined.
    pub(super) fn is_head(&self) -> bool {
        self.has(HEAD)
    }

    /// Marks it as one that only the join can settle, or as settled.
    pub(super) fn set_head(&mut self, head: bool) {
        self.set(HEAD, head);
    }

    /// Address and port of the client.
    pub(super) fn client(&self) -> (Addr, u16) {
        if self.has(CLIENT_IS_A) {
            (self.key.a, self.key.port_a)
        } else {
            (self.key.b, self.key.port_b)
        }
    }

    /// Address and port of the server.
    pub(super) fn server(&self) -> (Addr, u16) {
        if self.has(CLIENT_IS_A) {
            (self.key.b, self.key.port_b)
        } else {
            (self.key.a, self.key.port_a)
        }
    }

    /// Whether nothing but SYNs of the client was seen: fit for the compact table.
    pub(super) fn is_pending(&self) -> bool {
        let [packets_a, packets_b] = self.packets;
        self.status() == Status::Open
            && u32::from(self.syn) == packets_a.saturating_add(packets_b)
            && self.syn < u16::MAX
    }
}
